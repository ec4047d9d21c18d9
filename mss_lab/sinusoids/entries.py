"""The catalogue's entries of sinusoidal modelling.

Contents: SINUSOIDAL, METHODS.
"""

from ..method import Method
from ..options import Choice, Number, Option, declare

SINUSOIDAL = Method(
    name="sinusoidal",
    title="Sinusoidal modelling: partials are tracked and grouped into the harmonics of fundamentals",
    function=".sinusoids.separation:separate",
    options=declare(
        count=4,
        resynthesis=Option("mask", Choice(("mask", "additive"))),
        harmonics=30,
        near_cents=Option(40.0, Number(0.1, 1200, "cents")),
        lobe_bins=Option(4, Number(1, 200, "bins", whole=True)),
        inharmonicity=Option(0.0, Number(0, 1)),
        lowest_hz=65.0,
        highest_hz=1500.0,
        tolerance_s=0.05,
        tuning_hz=None,
        floor_db=Option(-70.0, Number(-300, -1e-6, "dB")),
        window_s=4096 / 44_100,
        chunk_s=15.0,
    ),
    gives="one estimate for each source of the score, or harmonic sources and a residual; together the mixture",
    lesson="notebooks/14_sparse_sinusoidal_auditory.ipynb",
    reference="McAulay and Quatieri, IEEE TASSP 1986",
    adds_up=True,
    assumes="Every source is a set of harmonics whose frequencies change slowly",
    fits=frozenset({"pitched"}),
    pace=0.25,
)

METHODS = (SINUSOIDAL,)
