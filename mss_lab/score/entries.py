"""The catalogue's entry of the method that uses the score alone.

Contents: SCORE_MASKS, METHODS.
"""

from ..method import Method
from ..options import Number, Option, declare

SCORE_MASKS = Method(
    name="score-masks",
    title="Score masks: each source gets the bins at the harmonics of its notes; shared bins are divided",
    function=".score.harmonics:separate",
    options=declare(
        tolerance_s=0.2,
        window_s=4096 / 44_100,
        harmonics=20,
        width_cents=40.0,
        width_bins=1.0,
        slope=Option(1.0, Number(0, 100)),
        tuning_hz=None,
    ),
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score; together they are the mixture",
    lesson="notebooks/09_score_informed_soft_masks.ipynb",
    reference="Miron, Janer and Gómez, ISMIR 2017",
    adds_up=True,
    assumes="Harmonics are at the frequencies of the score, and sources that share one are equally loud there",
    fits=frozenset({"score", "pitched"}),
    pace=0.063,
)

METHODS = (SCORE_MASKS,)
