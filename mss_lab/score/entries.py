"""The catalogue's entries of the method that needs nothing but a score.

Contents: SCORE_MASKS, METHODS.
"""

from ..method import Method
from ..options import Number, Option, declare

SCORE_MASKS = Method(
    name="score-masks",
    title="Each source gets the bins at its notes' harmonics; shared bins are divided",
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
    source="Miron, Janer and Gómez, ISMIR 2017",
    adds_up=True,
    assumes="Harmonics lie where the score says, and sources that share one are equally loud there",
    fits=frozenset({"score", "pitched"}),
)

METHODS = (SCORE_MASKS,)
