"""The networks whose weights are shipped, as methods of the catalogue.

Each parts the four instruments that it was trained for, violin, clarinet, tenor saxophone and bassoon; what takes any
instrument is in `mss_lab.neural.refine`.

Contents: mask_inference, xumx, xumx_informed, xumx_score_only, score_cnn, score_cnn_timbre.
Lesson: notebooks/17_xumx.ipynb
"""

from .apply import shipped_separator

XUMX = "Sawata et al., ICASSP 2021"
TUNTURI = "Tunturi et al., 2025"
MIRON = "Miron, Janer and Gómez, ISMIR 2017"

mask_inference = shipped_separator(
    "mask-inference", lesson="notebooks/16_learn_a_mask.ipynb", source="Erdogan et al., ICASSP 2015"
)
xumx = shipped_separator("xumx", lesson="notebooks/17_xumx.ipynb", source=XUMX)
xumx_informed = shipped_separator(
    "xumx-informed", lesson="notebooks/18_with_a_score_from_a_score.ipynb", source=TUNTURI
)
xumx_score_only = shipped_separator(
    "xumx-score-only", lesson="notebooks/18_with_a_score_from_a_score.ipynb", source=TUNTURI
)
score_cnn = shipped_separator("score-cnn", lesson="notebooks/19_score_filtered_cnn.ipynb", source=MIRON)
score_cnn_timbre = shipped_separator("score-cnn-timbre", lesson="notebooks/19_score_filtered_cnn.ipynb", source=MIRON)
