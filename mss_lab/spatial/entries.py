"""The catalogue's entries of methods that use the position of sources between two channels.

Contents: DIVERGENCES, NEIGHBOURHOOD_BINS, ADRESS, DUET, ICA, PROJET, LOCAL_GAUSSIAN, FASTMNMF, ILRMA, AUXIVA, METHODS.
"""

from ..method import Method
from ..options import FROM_ZERO, Choice, Number, Option, OtherMethod, Own, declare

# Divergences that PROJET can minimise.
DIVERGENCES = ("kl", "is", "cauchy")
# A peak of DUET's histogram is the maximum of a neighbourhood of this many bins in each direction.
NEIGHBOURHOOD_BINS = 5
MICROPHONES = "the time that sound takes between two microphones, such as 0.0002"

ADRESS = Method(
    name="adress",
    title="ADRess: each bin goes to the direction at which its two channels cancel",
    function=".spatial.adress:separate",
    options=declare(
        pans_rad=None,
        count=None,
        mode=Option("mask", Choice(("mask", "resynth"))),
        width_rad=Option(None, Number(1e-12, 3.15, "radians", hint="leave it out to keep every bin")),
        beta=Option(100, Number(2, 10_000, "steps", whole=True)),
        corrected=True,
        window_s=4096 / 44_100,
    ),
    needs=frozenset({"stereo"}),
    gives="one estimate for each direction; together they are the mixture",
    lesson="notebooks/11_where_is_it.ipynb",
    reference="Barry, Lawlor and Coyle, DAFx 2004",
    adds_up=True,
    assumes="Every source has its own position between the loudspeakers, and each bin contains one source",
    fits=frozenset({"stereo", "apart", "sparse"}),
    pace=0.032,
)

DUET = Method(
    name="duet",
    title="DUET: each bin goes to the source whose level and delay between the channels fit best",
    function=".spatial.duet:separate",
    options=declare(
        pans_rad=None,
        delays_s=Option(None, Own("a dict of seconds, in Python only")),
        count=None,
        mode=Option("mask", Choice(("mask", "demix"))),
        attenuation_limit=Option(3.0, Number(0.001, 1000)),
        delay_limit_s=Option(3 / 16_000, Number(1e-6, 0.1, "seconds", hint=MICROPHONES)),
        bins=Option(51, Number(NEIGHBOURHOOD_BINS, 1000, "bins", whole=True)),
        level_exponent=Option(1.0, Number(0, 10)),
        frequency_exponent=Option(0.0, Number(0, 10)),
        window_s=4096 / 44_100,
    ),
    needs=frozenset({"stereo"}),
    gives="one estimate for each direction; together they are the mixture",
    lesson="notebooks/11_where_is_it.ipynb",
    reference="Yilmaz and Rickard, IEEE Transactions on Signal Processing 2004",
    adds_up=True,
    assumes="Every source has its own level difference and short delay, and each bin contains one source",
    fits=frozenset({"stereo", "apart", "sparse"}),
    pace=0.02,
)

ICA = Method(
    name="ica",
    title="Independent component analysis: a linear unmixing of two channels",
    function=".spatial.ica:separate",
    options=declare(
        window_s=0.064,
    ),
    needs=frozenset({"stereo"}),
    gives="two estimates from left to right, or one if the channels are proportional; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    reference="Hyvarinen and Oja, Neural Networks 2000",
    adds_up=True,
    assumes="Two sources are mixed by gains alone, and are independent and not Gaussian",
    fits=frozenset({"stereo", "apart", "two", "sparse"}),
    pace=0.0017,
)

PROJET = Method(
    name="projet",
    title="PROJET: projections of the stereo field, modelled by sources at their positions",
    function=".spatial.projet_separation:separate",
    options=declare(
        pans_rad=None,
        count=None,
        kind=Option("kl", Choice(DIVERGENCES)),
        directions=Option(10, Number(2, 100, "directions", whole=True)),
        pans=Option(91, Number(2, 1000, "positions", whole=True)),
        delays_s=Option((0.0,), Own("seconds, in Python only")),
        iterations=Option(100, FROM_ZERO),
        pool_s=0.25,
        resynthesis=Option("wiener", Choice(("projections", "wiener"))),
        exponent=1.5,
        diffuse=Option(0.001, Number(0, 1)),
        window_s=4096 / 44_100,
        rng=None,
    ),
    needs=frozenset({"stereo"}),
    gives="one estimate for each direction; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    reference="FitzGerald, Liutkus and Badeau, ICASSP 2016",
    adds_up=True,
    assumes="Every source has its own position between the loudspeakers; a few may share a bin",
    fits=frozenset({"stereo", "apart", "sparse"}),
    pace=1,
)

LOCAL_GAUSSIAN = Method(
    name="local-gaussian",
    title="Local Gaussian model: powers and spatial covariances, learnt from the estimates of another method",
    function=".spatial.local_gaussian:separate",
    options=declare(
        start=Option(None, OtherMethod()),
        pans_rad=None,
        count=None,
        algorithm=Option("em", Choice(("em", "simplified"))),
        iterations=5,
        pool_s=0.25,
        window_s=4096 / 44_100,
    ),
    needs=frozenset({"stereo"}),
    gives="one estimate for each initial estimate; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    reference="Duong, Vincent and Gribonval, IEEE TASLP 2010",
    adds_up=True,
    assumes="Every source keeps its position and width in the stereo field; a few may share a bin",
    fits=frozenset({"stereo", "apart", "sparse"}),
    pace=1.3,
)

FASTMNMF = Method(
    name="fastmnmf",
    title="FastMNMF: powers of low rank and a spatial covariance for each source, by pyroomacoustics",
    function=".spatial.peers:fastmnmf",
    options=declare(
        count=Option(3, Number(2, 32, "sources", whole=True)),
        iterations=30,
        components=8,
        runs=3,
        window_s=4096 / 44_100,
        rng=None,
    ),
    needs=frozenset({"stereo"}),
    gives="as many estimates as requested; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    reference="Sekiguchi et al., IEEE/ACM TASLP 2020",
    adds_up=True,
    assumes="Every source keeps its position, and is a sum of a few spectra",
    fits=frozenset({"stereo", "apart", "sparse"}),
    libraries=("pyroomacoustics",),
    pace=7.8,
)

ILRMA = Method(
    name="ilrma",
    title="ILRMA: an unmixing matrix for each frequency and powers of low rank, by pyroomacoustics",
    function=".spatial.peers:ilrma",
    options=declare(
        iterations=50,
        components=4,
        runs=3,
        window_s=4096 / 44_100,
        rng=None,
    ),
    needs=frozenset({"stereo"}),
    gives="two estimates; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    reference="Kitamura et al., IEEE/ACM TASLP 2016",
    adds_up=True,
    assumes="Two sources keep their positions, with or without reverberation, and each is a sum of a few spectra",
    fits=frozenset({"stereo", "apart", "two", "sparse"}),
    libraries=("pyroomacoustics",),
    pace=2.9,
)

AUXIVA = Method(
    name="auxiva",
    title="AuxIVA: an unmixing matrix for each frequency, by the common loudness of all, by pyroomacoustics",
    function=".spatial.peers:auxiva",
    options=declare(
        iterations=30,
        model=Option("laplace", Choice(("laplace", "gauss"))),
        window_s=4096 / 44_100,
    ),
    needs=frozenset({"stereo"}),
    gives="two estimates; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    reference="Ono, WASPAA 2011",
    adds_up=True,
    assumes="Two sources keep their positions, with or without reverberation, and are loud at different times",
    fits=frozenset({"stereo", "apart", "two", "sparse"}),
    libraries=("pyroomacoustics",),
    pace=0.48,
)

METHODS = (
    ADRESS,
    DUET,
    ICA,
    PROJET,
    LOCAL_GAUSSIAN,
    FASTMNMF,
    ILRMA,
    AUXIVA,
)
