"""The networks whose weights are shipped, as methods of the catalogue.

Each separates the four instruments that it was trained on: violin, clarinet, tenor saxophone and bassoon. The method
for any instruments is in `mss_lab.neural.refine`.

Contents: mask_inference, xumx, xumx_informed, xumx_score_only, score_cnn, score_cnn_timbre, dsis, cerberus.
Lesson: notebooks/17_xumx.ipynb
"""

from .apply import network_separator

XUMX = "Sawata et al., ICASSP 2021"
TUNTURI = "Tunturi et al., 2025"
MANILOW = "Manilow, PhD thesis 2022, chapter 4"
MIRON = "Miron, Janer and Gómez, ISMIR 2017"

# Working memory of a network for each channel: a constant, and the bytes for each second of a chunk.
XUMX_BYTES = {"bytes_at_once": 12e6, "bytes_a_second": 0.5e6}
CNN_BYTES = {"bytes_at_once": 53e6, "bytes_a_second": 0.7e6}

mask_inference = network_separator(
    "mask-inference",
    lesson="notebooks/16_learn_a_mask.ipynb",
    reference="Erdogan et al., ICASSP 2015",
    bytes_at_once=57e6,
    bytes_a_second=0.1e6,
)
xumx = network_separator("xumx", lesson="notebooks/17_xumx.ipynb", reference=XUMX, **XUMX_BYTES)
xumx_informed = network_separator(
    "xumx-informed", lesson="notebooks/18_with_a_score_from_a_score.ipynb", reference=TUNTURI, **XUMX_BYTES
)
xumx_score_only = network_separator(
    "xumx-score-only", lesson="notebooks/18_with_a_score_from_a_score.ipynb", reference=TUNTURI, **XUMX_BYTES
)
score_cnn = network_separator("score-cnn", lesson="notebooks/19_score_filtered_cnn.ipynb", reference=MIRON, **CNN_BYTES)
score_cnn_timbre = network_separator(
    "score-cnn-timbre", lesson="notebooks/19_score_filtered_cnn.ipynb", reference=MIRON, **CNN_BYTES
)
dsis = network_separator(
    "dsis", lesson="notebooks/20_steer_a_network.ipynb", reference=MANILOW, bytes_at_once=57e6, bytes_a_second=0.1e6
)
cerberus = network_separator(
    "cerberus",
    lesson="notebooks/21_separate_and_transcribe.ipynb",
    reference="Manilow, Seetharaman and Pardo, ICASSP 2020",
    bytes_at_once=57e6,
    bytes_a_second=0.1e6,
)
