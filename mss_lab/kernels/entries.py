"""The catalogue's entries of methods that know sources by their shape or their repetition.

Contents: HPSS, KERNEL_ADDITIVE, REPET, REPET_ADAPTIVE, REPET_SIMILARITY, METHODS.
"""

from ..method import Method
from ..options import Number, Option, Own, declare

HPSS = Method(
    name="hpss",
    title="What is held against what is struck: medians along time and along frequency",
    function=".kernels.hpss:separate",
    options=declare(
        length_s=Option(31 * 1024 / 44_100, Number(0.001, 60, "seconds")),
        height_hz=Option(31 * 44_100 / 4096, Number(0.1, 20_000, "Hz")),
        exponent=2.0,
        margin=Option(1.0, Number(1, 1000)),
        window_s=4096 / 44_100,
    ),
    gives="the harmonic and the percussive part, and with a margin a residual; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    source="Fitzgerald, DAFx 2010",
    adds_up=True,
    assumes="Tones last and are narrow, strokes are short and broad",
    fits=frozenset({"drums"}),
)

KERNEL_ADDITIVE = Method(
    name="kernel-additive",
    title="Each source is what stays the same over its proximity kernel: lines, crosses, rounds of a loop",
    function=".kernels.additive:separate",
    options=declare(
        kernels=Option("horizontal,vertical,cross,periodic", Own("names of kernels with commas between")),
        iterations=3,
        window_s=4096 / 44_100,
    ),
    gives="one estimate for each kernel; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    source="Liutkus, Fitzgerald, Rafii, Pardo and Daudet, IEEE TSP 2014",
    adds_up=True,
    assumes="Each source is nearly the same over its own kernel: in time, in frequency, across, or a period on",
    fits=frozenset({"drums"}),
)

REPET = Method(
    name="repet",
    title="What repeats against what does not, by one period for all of the recording",
    function=".kernels.repet:separate",
    options=declare(
        period_s=Option(None, Number(0.001, 3600, "seconds")),
        shortest_s=0.8,
        longest_s=8.0,
        highpass_hz=100.0,
        window_s=4096 / 44_100,
    ),
    gives="the background, which repeats, and the foreground; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    source="Rafii and Pardo, IEEE TASLP 2013",
    adds_up=True,
    assumes="What accompanies comes back after one period, and what does not is little at a time",
    fits=frozenset({"repeats"}),
)

REPET_ADAPTIVE = Method(
    name="repet-adaptive",
    title="What repeats against what does not, by a period that may change",
    function=".kernels.repet:separate_adaptive",
    options=declare(
        shortest_s=0.8,
        longest_s=8.0,
        repeats=Option(5, Number(1, 1000, "rounds", whole=True)),
        highpass_hz=100.0,
        window_s=4096 / 44_100,
    ),
    gives="the background, which repeats, and the foreground; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    source="Liutkus, Rafii, Badeau, Pardo and Richard, ICASSP 2012",
    adds_up=True,
    assumes="What accompanies comes back after a period that may change slowly",
    fits=frozenset({"repeats"}),
)

REPET_SIMILARITY = Method(
    name="repet-similarity",
    title="What comes back at any time against what does not, by the frames that are most alike",
    function=".kernels.repet:separate_similar",
    options=declare(
        count=Option(10, Number(1, 1000, "frames", whole=True)),
        least_distance_s=Option(1.0, Number(0.001, 600, "seconds")),
        highpass_hz=100.0,
        window_s=4096 / 44_100,
    ),
    gives="the background, which comes back, and the foreground; together they are the mixture",
    lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
    source="Rafii and Pardo, ISMIR 2012",
    adds_up=True,
    assumes="Every frame of what accompanies has likes elsewhere, at whatever distance",
    fits=frozenset({"repeats"}),
)

METHODS = (
    HPSS,
    KERNEL_ADDITIVE,
    REPET,
    REPET_ADAPTIVE,
    REPET_SIMILARITY,
)
