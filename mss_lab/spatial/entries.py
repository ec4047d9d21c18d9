"""The catalogue's entries of methods that use the position of sources between two channels.

Contents: DIVERGENCES, NEIGHBOURHOOD_BINS, ADRESS, DUET, ICA, PROJET, LOCAL_GAUSSIAN, FASTMNMF, ILRMA, AUXIVA, METHODS.
"""

from ..method import Method
from ..options import FROM_ZERO, Choice, Number, Option, OtherMethod, Own, declare

# Divergences that `projet` minimises.
DIVERGENCES = ("kl", "is", "cauchy")
# A peak of DUET's histogram is the highest value among so many bins in each direction.
NEIGHBOURHOOD_BINS = 5
MICROPHONES = "the way of sound between two microphones, such as 0.0002"

ADRESS = Method(
    name="adress",
    title="Each bin goes to the direction at which its two channels cancel",
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
    source="Barry, Lawlor and Coyle, DAFx 2004",
    adds_up=True,
    assumes="Every source has a place of its own between the loudspeakers, and each bin one source",
    fits=frozenset({"stereo", "apart", "sparse"}),
)

DUET = Method(
    name="duet",
    title="Each bin goes to the source whose level and delay between the channels explain it best",
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
    source="Yilmaz and Rickard, IEEE Transactions on Signal Processing 2004",
    adds_up=True,
    assumes="Every source has a level and a short delay of its own, and each bin one source",
    fits=frozenset({"stereo", "apart", "sparse"}),
)

ICA = Method(
    name="ica",
    title="Two channels turned until what they carry is independent",
    function=".spatial.ica:separate",
    options=declare(
        window_s=0.064,
    ),
    needs=frozenset({"stereo"}),
    gives="two estimates from left to right, or one where the channels are alike; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    source="Hyvarinen and Oja, Neural Networks 2000",
    adds_up=True,
    assumes="Two sources are mixed by gains alone, and are independent and not Gaussian",
    fits=frozenset({"stereo", "apart", "two", "sparse"}),
)

PROJET = Method(
    name="projet",
    title="Projections of the stereo field on all sides, explained together by sources at their places",
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
    source="FitzGerald, Liutkus and Badeau, ICASSP 2016",
    adds_up=True,
    assumes="Every source has a place of its own between the loudspeakers; a few may share a bin",
    fits=frozenset({"stereo", "apart", "sparse"}),
)

LOCAL_GAUSSIAN = Method(
    name="local-gaussian",
    title="Powers and spatial covariances, learnt from what another method separates",
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
    gives="one estimate for each that it starts from; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    source="Duong, Vincent and Gribonval, IEEE TASLP 2010",
    adds_up=True,
    assumes="Every source keeps its place, or its spread over the stereo field; a few may share a bin",
    fits=frozenset({"stereo", "apart", "sparse"}),
)

FASTMNMF = Method(
    name="fastmnmf",
    title="Powers of low rank and a spatial covariance for each source, by pyroomacoustics",
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
    gives="as many estimates as are asked for; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    source="Sekiguchi et al., IEEE/ACM TASLP 2020",
    adds_up=True,
    assumes="Every source keeps its place, and is made of a few spectra",
    fits=frozenset({"stereo", "apart", "sparse"}),
    libraries=("pyroomacoustics",),
)

ILRMA = Method(
    name="ilrma",
    title="An unmixing matrix for each frequency and powers of low rank, by pyroomacoustics",
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
    source="Kitamura et al., IEEE/ACM TASLP 2016",
    adds_up=True,
    assumes="Two sources keep their places, in a room or not, and each is made of a few spectra",
    fits=frozenset({"stereo", "apart", "two", "sparse"}),
    libraries=("pyroomacoustics",),
)

AUXIVA = Method(
    name="auxiva",
    title="An unmixing matrix for each frequency, by loudness that all frequencies share, by pyroomacoustics",
    function=".spatial.peers:auxiva",
    options=declare(
        iterations=30,
        model=Option("laplace", Choice(("laplace", "gauss"))),
        window_s=4096 / 44_100,
    ),
    needs=frozenset({"stereo"}),
    gives="two estimates; together they are the mixture",
    lesson="notebooks/12_more_than_a_histogram.ipynb",
    source="Ono, WASPAA 2011",
    adds_up=True,
    assumes="Two sources keep their places, in a room or not, and are loud at different times",
    fits=frozenset({"stereo", "apart", "two", "sparse"}),
    libraries=("pyroomacoustics",),
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
