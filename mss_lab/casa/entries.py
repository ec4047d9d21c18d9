"""The catalogue's entries of computational auditory scene analysis.

Contents: AUDITORY, METHODS.
"""

from ..method import Method
from ..options import Number, Option, declare

AUDITORY = Method(
    name="auditory",
    title="Auditory scene analysis: bands of a cochlea model, grouped by common pitch and onset, and over time",
    function=".casa.scene:separate",
    options=declare(
        count=2,
        bands=Option(64, Number(1, 512, "bands", whole=True)),
        lowest_hz=80.0,
        highest_hz=5000.0,
        near_peak=Option(0.9, Number(1e-6, 1)),
        least_peak=Option(0.3, Number(-1, 1)),
        agrees=Option(0.85, Number(0, 1)),
        tied=Option(0.95, Number(0, 1)),
        together_s=Option(0.02, Number(0, 60, "seconds")),
        jump_semitones=Option(1.0, Number(0, 128, "semitones")),
    ),
    gives="streams of one pitch at a time, in order of their onsets, and a residual; together the mixture",
    lesson="notebooks/14_sparse_sinusoidal_auditory.ipynb",
    reference="Brown and Cooke, Computer Speech and Language 1994",
    adds_up=True,
    assumes="Few voices, normally two, each with one pitch at a time and small intervals; no chords",
    fits=frozenset({"pitched", "steady"}),
    pace=0.54,
)

METHODS = (AUDITORY,)
