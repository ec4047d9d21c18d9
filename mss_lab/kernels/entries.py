"""The catalogue's entries of methods that use the shape or the repetition of sources in the spectrogram.

Contents: HPSS, KERNEL_ADDITIVE, REPET, REPET_ADAPTIVE, REPET_SIMILARITY, METHODS.
"""

from ..method import Method
from ..options import Number, Option, Own, declare

HPSS = Method(
    name="hpss",
    title="Harmonic-percussive separation by median filters along time and along frequency",
    function=".kernels.hpss:separate",
    options=declare(
        length_s=Option(31 * 1024 / 44_100, Number(0.001, 60, "seconds")),
        height_hz=Option(31 * 44_100 / 4096, Number(0.1, 20_000, "Hz")),
        exponent=2.0,
        margin=Option(1.0, Number(1, 1000)),
        window_s=4096 / 44_100,
    ),
    gives="the harmonic and the percussive part, with a margin also a residual; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    reference="Fitzgerald, DAFx 2010",
    adds_up=True,
    assumes="Tones are long and narrow-band, percussive sounds are short and broadband",
    fits=frozenset({"drums"}),
    pace=0.047,
)

KERNEL_ADDITIVE = Method(
    name="kernel-additive",
    title="Kernel additive modelling: each source is nearly constant over its kernel, such as a line or a period",
    function=".kernels.additive:separate",
    options=declare(
        kernels=Option("horizontal,vertical,cross,periodic", Own("names of kernels, separated by commas")),
        iterations=3,
        window_s=4096 / 44_100,
    ),
    gives="one estimate for each kernel; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    reference="Liutkus, Fitzgerald, Rafii, Pardo and Daudet, IEEE TSP 2014",
    adds_up=True,
    assumes="Each source is nearly constant over its own kernel: along time, along frequency, both, or over periods",
    fits=frozenset({"drums"}),
    pace=0.38,
)

REPET = Method(
    name="repet",
    title="Repeating background and foreground, with one period for the whole recording",
    function=".kernels.repet:separate",
    options=declare(
        period_s=Option(None, Number(0.001, 3600, "seconds")),
        shortest_s=0.8,
        longest_s=8.0,
        highpass_hz=100.0,
        window_s=4096 / 44_100,
    ),
    gives="the repeating background and the foreground; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    reference="Rafii and Pardo, IEEE TASLP 2013",
    adds_up=True,
    assumes="The accompaniment repeats with one period; the foreground does not, and is sparse",
    fits=frozenset({"repeats"}),
    pace=0.024,
)

REPET_ADAPTIVE = Method(
    name="repet-adaptive",
    title="Repeating background and foreground, with a period that may change",
    function=".kernels.repet:separate_adaptive",
    options=declare(
        shortest_s=0.8,
        longest_s=8.0,
        repeats=Option(5, Number(1, 1000, "repetitions", whole=True)),
        highpass_hz=100.0,
        window_s=4096 / 44_100,
    ),
    gives="the repeating background and the foreground; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    reference="Liutkus, Rafii, Badeau, Pardo and Richard, ICASSP 2012",
    adds_up=True,
    assumes="The accompaniment repeats with a period that changes slowly",
    fits=frozenset({"repeats"}),
    pace=0.075,
)

REPET_SIMILARITY = Method(
    name="repet-similarity",
    title="Repeating background and foreground, by the frames that are most similar",
    function=".kernels.repet:separate_similar",
    options=declare(
        count=Option(10, Number(1, 1000, "frames", whole=True)),
        least_distance_s=Option(1.0, Number(0.001, 600, "seconds")),
        highpass_hz=100.0,
        window_s=4096 / 44_100,
    ),
    gives="the recurring background and the foreground; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    reference="Rafii and Pardo, ISMIR 2012",
    adds_up=True,
    assumes="Every frame of the accompaniment has similar frames elsewhere, at any distance",
    fits=frozenset({"repeats"}),
    pace=0.033,
)

METHODS = (
    HPSS,
    KERNEL_ADDITIVE,
    REPET,
    REPET_ADAPTIVE,
    REPET_SIMILARITY,
)
