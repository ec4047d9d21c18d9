"""The catalogue's entries of methods by non-negative matrix factorisation.

Contents: BETAS, INSTRUMENTS, CONSTRAINED_NMF, SOURCE_FILTER, TRAINED_NMF, INFORMED_NMF, METHODS.
"""

from ..method import Method
from ..options import FROM_ZERO, Choice, Number, Option, Own, Pairs, declare

# Papers use 0 (Itakura-Saito) to 2 (squared differences); powers far outside that range overflow.
BETAS = Number(-10, 10)
# The instrument that plays a source of the score, if the source's name does not say it.
INSTRUMENTS = Pairs("SOURCE", "INSTRUMENT")

CONSTRAINED_NMF = Method(
    name="constrained-nmf",
    title="Score-constrained NMF: zero where the score excludes a pitch, from the first iteration to the last",
    function=".nmf.constrained:separate",
    options=declare(
        tolerance_s=0.2,
        release_s=Option(0.3, Number(0, 60, "seconds")),
        onsets=False,
        window_s=8192 / 44_100,
        harmonics=20,
        width_cents=Option(50.0, Number(0, 50, "cents")),
        width_bins=1.0,
        beta=Option(1.0, BETAS),
        iterations=Option(30, FROM_ZERO),
        exponent=2.0,
        tuning_hz=None,
    ),
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score; together they are the mixture",
    lesson="notebooks/08_nmf_with_a_score.ipynb",
    reference="Ewert and Müller, ICASSP 2012",
    adds_up=True,
    assumes="Every pitch of the score is a constant spectrum whose gain varies in time",
    fits=frozenset({"score", "pitched"}),
    pace=0.083,
)

SOURCE_FILTER = Method(
    name="source-filter",
    title="A source-filter model of the singing voice along its melody; NMF for the accompaniment",
    function=".nmf.source_filter:separate",
    options=declare(
        lowest_hz=100.0,
        highest_hz=800.0,
        filters=Option(10, Number(1, 200, "filters", whole=True)),
        rank=Option(40, Number(1, 500, "spectra", whole=True)),
        iterations=Option(30, FROM_ZERO),
        jump_penalty=Option(5.0, Number(0, 1e6)),
        width_semitones=Option(0.75, Number(0, 128, "semitones")),
        silence_db=Option(-40.0, Number(-300, -1e-6, "dB")),
        tolerance_s=0.2,
        runs=8,
        rng=None,
    ),
    gives="the voice and the accompaniment; together they are the mixture",
    lesson="notebooks/06_nmf_that_knows_time.ipynb",
    reference="Durrieu, Richard, David and Févotte, IEEE TASLP 2010",
    adds_up=True,
    assumes="One voice with a pitch and smooth filters; the accompaniment is a sum of a few spectra",
    fits=frozenset({"voice"}),
    pace=1.4,
)

TRAINED_NMF = Method(
    name="trained-nmf",
    title="NMF with a fixed template for each pitch of each player, learnt from single notes of the instrument",
    function=".nmf.trained:separate",
    options=declare(
        tolerance_s=0.2,
        templates=Option(None, Own("arrays, in Python only")),
        instruments=Option(None, INSTRUMENTS),
        measured_on=Option("recordings", Choice(("recordings", "renders"))),
        refine=False,
        fixed=True,
        window_s=4096 / 44_100,
        width_cents=10.0,
        width_bins=1.4,
        beta=Option(1.3, BETAS),
        iterations=Option(50, FROM_ZERO),
        exponent=1.0,
        tuning_hz=None,
    ),
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score; together they are the mixture",
    lesson="notebooks/08_nmf_with_a_score.ipynb",
    reference="Miron, Carabias-Orti and Janer, ISMIR 2015",
    adds_up=True,
    assumes="The score is correct, and the instruments sound like those of the templates",
    fits=frozenset({"score", "pitched"}),
    pace=0.27,
)

INFORMED_NMF = Method(
    name="informed-nmf",
    title="NMF with a harmonic template for each pitch of each player, learnt from the recording; follows the pitch",
    function=".nmf.informed:separate",
    options=declare(
        tolerance_s=0.2,
        window_s=0.128,
        harmonics=30,
        width_cents=12.0,
        width_bins=1.3,
        iterations=12,
        free_iterations=Option(4, FROM_ZERO),
        chunk_iterations=Option(4, Number(1, 2000, "iterations", whole=True)),
        smoothing_s=Option(0.05, Number(0, 60, "seconds")),
        exponent=2.0,
        floor=Option(0.04, Number(0, 100)),
        tuning_hz=None,
        follow_intonation=True,
        follow_pitch=True,
        by_share=True,
        pool_pitches=True,
    ),
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score; together they are the mixture",
    lesson="notebooks/08_nmf_with_a_score.ipynb",
    reference="Ewert and Müller, ICASSP 2012",
    adds_up=True,
    assumes="The score is correct, and each pitch of a player has constant harmonic amplitudes; its frequency may vary",
    fits=frozenset({"score", "pitched"}),
    pace=0.22,
)

METHODS = (
    CONSTRAINED_NMF,
    SOURCE_FILTER,
    TRAINED_NMF,
    INFORMED_NMF,
)
