"""The catalogue: every separation method by name, what it needs and what it gives.

A method's function is loaded when it is asked for, so that listing the catalogue is instant and a network's
libraries are touched only by those who use a network. Adding a method means its file, its test and one entry here;
comparison, lessons, widgets and the command line find it by themselves.

Contents: FACTS, Method, METHODS, names, get, fitting, separator. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable, Collection, Mapping

import numpy as np

from . import checks
from . import options as option_rules
from .refusals import RefusedType, missing_extra

# What may be known of a mixture before anything is separated.
FACTS = {
    "stereo": "it has two channels",
    "apart": "its sources are panned apart",
    "two": "it has no more sources than channels",
    "sparse": "its sources seldom share a time and a frequency",
    "score": "there is a score, in time",
    "pitched": "its sources are tones with harmonics, at different pitches",
    "steady": "each source stays near a pitch of its own",
    "voice": "one voice sings over the rest",
    "repeats": "what accompanies repeats itself",
    "drums": "strokes sound against held tones",
    "known": "its instruments are those that a network was trained for",
}

Separator = Callable[..., dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Method:
    """One entry.

    Attributes
    ----------
    name : str
        As written on the command line.
    title : str
        One line that says what it does.
    function : str
        "module:function" inside the package; called as `function(mixture, sample_rate_hz, score, **options)`.
    needs : frozenset of {"score", "stereo"}
        Without these it refuses a mixture.
    gives : str
        What its estimates are, in words.
    lesson : str
        The notebook that teaches it.
    source : str
        The paper.
    adds_up : bool
        Whether the estimates add up to the mixture.
    assumes : str
        What must be true of a mixture for the method to part it, in a short sentence.
    fits : frozenset of str
        The same as words of `FACTS`: where all of them hold, the method has a chance.
    """

    name: str
    title: str
    function: str
    needs: frozenset[str]
    gives: str
    lesson: str
    source: str
    adds_up: bool = False
    assumes: str = ""
    fits: frozenset[str] = frozenset()

    def load(self) -> Separator:
        """The function itself; MissingExtra where it needs a library that is not installed."""
        module, function = self.function.split(":")
        try:
            return getattr(importlib.import_module(module, package=__package__), function)
        except ModuleNotFoundError as error:
            raise missing_extra(error, f"method {self.name}") from error

    def rules(self) -> Mapping[str, option_rules.Rule]:
        """What each of its options may be."""
        return option_rules.rules_of(self.load())

    def options(self) -> dict[str, object]:
        """Named options of the function and their defaults; a function names every option it takes."""
        parameters = inspect.signature(self.load()).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


METHODS = (
    Method(
        name="score-masks",
        title="Each source gets the bins at its notes' harmonics; shared bins are divided",
        function=".score.harmonics:separate",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score; together they are the mixture",
        lesson="notebooks/09_score_informed_soft_masks.ipynb",
        source="Miron, Janer and Gómez, ISMIR 2017",
        adds_up=True,
        assumes="Harmonics lie where the score says, and sources that share one are equally loud there",
        fits=frozenset({"score", "pitched"}),
    ),
    Method(
        name="constrained-nmf",
        title="NMF that starts from zeros wherever the score says that nothing can be, and keeps them",
        function=".nmf.constrained:separate",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score; together they are the mixture",
        lesson="notebooks/08_nmf_with_a_score.ipynb",
        source="Ewert and Müller, ICASSP 2012",
        adds_up=True,
        assumes="What the score lets sound is a sum of a few spectra that stay as they are",
        fits=frozenset({"score", "pitched"}),
    ),
    Method(
        name="source-filter",
        title="A singing voice as vocal folds and vocal tract, followed along its melody; NMF for the rest",
        function=".nmf.source_filter:separate",
        needs=frozenset(),
        gives="the voice and the accompaniment; together they are the mixture",
        lesson="notebooks/06_nmf_that_knows_time.ipynb",
        source="Durrieu, Richard, David and Févotte, IEEE TASLP 2010",
        adds_up=True,
        assumes="One voice with a pitch, through smooth filters; the rest is a sum of a few spectra",
        fits=frozenset({"voice"}),
    ),
    Method(
        name="trained-nmf",
        title="A fixed template for each pitch of each player, learnt beforehand from single notes of the instrument",
        function=".nmf.trained:separate",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score; together they are the mixture",
        lesson="notebooks/08_nmf_with_a_score.ipynb",
        source="Miron, Carabias-Orti and Janer, ISMIR 2015",
        adds_up=True,
        assumes="The score is right, and these instruments sound like those the templates were learnt from",
        fits=frozenset({"score", "pitched"}),
    ),
    Method(
        name="informed-nmf",
        title="A harmonic template for each pitch of each player, learnt from the recording, that follows the pitch",
        function=".nmf.informed:separate",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score; together they are the mixture",
        lesson="notebooks/08_nmf_with_a_score.ipynb",
        source="Ewert and Müller, ICASSP 2012",
        adds_up=True,
        assumes="The score is right, and each pitch of a player has the same harmonics throughout, however it moves",
        fits=frozenset({"score", "pitched"}),
    ),
    Method(
        name="adress",
        title="Each bin goes to the direction at which its two channels cancel",
        function=".spatial.adress:separate",
        needs=frozenset({"stereo"}),
        gives="one estimate for each direction; together they are the mixture",
        lesson="notebooks/11_where_is_it.ipynb",
        source="Barry, Lawlor and Coyle, DAFx 2004",
        adds_up=True,
        assumes="Every source has a place of its own between the loudspeakers, and each bin one source",
        fits=frozenset({"stereo", "apart", "sparse"}),
    ),
    Method(
        name="duet",
        title="Each bin goes to the source whose level and delay between the channels explain it best",
        function=".spatial.duet:separate",
        needs=frozenset({"stereo"}),
        gives="one estimate for each direction; together they are the mixture",
        lesson="notebooks/11_where_is_it.ipynb",
        source="Yilmaz and Rickard, IEEE Transactions on Signal Processing 2004",
        adds_up=True,
        assumes="Every source has a level and a short delay of its own, and each bin one source",
        fits=frozenset({"stereo", "apart", "sparse"}),
    ),
    Method(
        name="ica",
        title="Two channels turned until what they carry is independent",
        function=".spatial.ica:separate",
        needs=frozenset({"stereo"}),
        gives="two estimates from left to right, or one where the channels are alike; together they are the mixture",
        lesson="notebooks/12_more_than_a_histogram.ipynb",
        source="Hyvarinen and Oja, Neural Networks 2000",
        adds_up=True,
        assumes="Two sources are mixed by gains alone, and are independent and not Gaussian",
        fits=frozenset({"stereo", "apart", "two", "sparse"}),
    ),
    Method(
        name="projet",
        title="Projections of the stereo field on all sides, explained together by sources at their places",
        function=".spatial.projet:separate",
        needs=frozenset({"stereo"}),
        gives="one estimate for each direction; together they are the mixture",
        lesson="notebooks/12_more_than_a_histogram.ipynb",
        source="FitzGerald, Liutkus and Badeau, ICASSP 2016",
        adds_up=True,
        assumes="Every source has a place of its own between the loudspeakers; a few may share a bin",
        fits=frozenset({"stereo", "apart", "sparse"}),
    ),
    Method(
        name="local-gaussian",
        title="Powers and spatial covariances, learnt from what another method separates",
        function=".spatial.gaussian:separate",
        needs=frozenset({"stereo"}),
        gives="one estimate for each that it starts from; together they are the mixture",
        lesson="notebooks/12_more_than_a_histogram.ipynb",
        source="Duong, Vincent and Gribonval, IEEE TASLP 2010",
        adds_up=True,
        assumes="Every source keeps its place, or its spread over the stereo field; a few may share a bin",
        fits=frozenset({"stereo", "apart", "sparse"}),
    ),
    Method(
        name="fastmnmf",
        title="Powers of low rank and a spatial covariance for each source, by pyroomacoustics",
        function=".spatial.peers:fastmnmf",
        needs=frozenset({"stereo"}),
        gives="as many estimates as are asked for; together they are the mixture",
        lesson="notebooks/12_more_than_a_histogram.ipynb",
        source="Sekiguchi et al., IEEE/ACM TASLP 2020",
        adds_up=True,
        assumes="Every source keeps its place, and is made of a few spectra",
        fits=frozenset({"stereo", "apart", "sparse"}),
    ),
    Method(
        name="ilrma",
        title="An unmixing matrix for each frequency and powers of low rank, by pyroomacoustics",
        function=".spatial.peers:ilrma",
        needs=frozenset({"stereo"}),
        gives="two estimates; together they are the mixture",
        lesson="notebooks/12_more_than_a_histogram.ipynb",
        source="Kitamura et al., IEEE/ACM TASLP 2016",
        adds_up=True,
        assumes="Two sources keep their places, in a room or not, and each is made of a few spectra",
        fits=frozenset({"stereo", "apart", "two", "sparse"}),
    ),
    Method(
        name="auxiva",
        title="An unmixing matrix for each frequency, by loudness that all frequencies share, by pyroomacoustics",
        function=".spatial.peers:auxiva",
        needs=frozenset({"stereo"}),
        gives="two estimates; together they are the mixture",
        lesson="notebooks/12_more_than_a_histogram.ipynb",
        source="Ono, WASPAA 2011",
        adds_up=True,
        assumes="Two sources keep their places, in a room or not, and are loud at different times",
        fits=frozenset({"stereo", "apart", "two", "sparse"}),
    ),
    Method(
        name="hpss",
        title="What is held against what is struck: medians along time and along frequency",
        function=".kernels.hpss:separate",
        needs=frozenset(),
        gives="the harmonic and the percussive part, and with a margin a residual; together they are the mixture",
        lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
        source="Fitzgerald, DAFx 2010",
        adds_up=True,
        assumes="Tones last and are narrow, strokes are short and broad",
        fits=frozenset({"drums"}),
    ),
    Method(
        name="kernel-additive",
        title="Each source is what stays the same over its proximity kernel: lines, crosses, rounds of a loop",
        function=".kernels.additive:separate",
        needs=frozenset(),
        gives="one estimate for each kernel; together they are the mixture",
        lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
        source="Liutkus, Fitzgerald, Rafii, Pardo and Daudet, IEEE TSP 2014",
        adds_up=True,
        assumes="Each source is nearly the same over its own kernel: in time, in frequency, across, or a period on",
        fits=frozenset({"drums"}),
    ),
    Method(
        name="repet",
        title="What repeats against what does not, by one period for all of the recording",
        function=".kernels.repet:separate",
        needs=frozenset(),
        gives="the background, which repeats, and the foreground; together they are the mixture",
        lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
        source="Rafii and Pardo, IEEE TASLP 2013",
        adds_up=True,
        assumes="What accompanies comes back after one period, and what does not is little at a time",
        fits=frozenset({"repeats"}),
    ),
    Method(
        name="repet-adaptive",
        title="What repeats against what does not, by a period that may change",
        function=".kernels.repet:separate_adaptive",
        needs=frozenset(),
        gives="the background, which repeats, and the foreground; together they are the mixture",
        lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
        source="Liutkus, Rafii, Badeau, Pardo and Richard, ICASSP 2012",
        adds_up=True,
        assumes="What accompanies comes back after a period that may change slowly",
        fits=frozenset({"repeats"}),
    ),
    Method(
        name="repet-similarity",
        title="What comes back at any time against what does not, by the frames that are most alike",
        function=".kernels.repet:separate_similar",
        needs=frozenset(),
        gives="the background, which comes back, and the foreground; together they are the mixture",
        lesson="notebooks/13_horizontal_vertical_repeating.ipynb",
        source="Rafii and Pardo, ISMIR 2012",
        adds_up=True,
        assumes="Every frame of what accompanies has likes elsewhere, at whatever distance",
        fits=frozenset({"repeats"}),
    ),
    Method(
        name="robust-pca",
        title="What repeats is of low rank, a voice over it is sparse: robust PCA parts them",
        function=".lowrank:separate",
        needs=frozenset(),
        gives="the voice and the accompaniment; together they are the mixture",
        lesson="notebooks/14_sparse_sinusoidal_auditory.ipynb",
        source="Huang, Chen, Smaragdis and Hasegawa-Johnson, ICASSP 2012",
        adds_up=True,
        assumes="What accompanies is a sum of few spectra, and the rest fills few bins",
        fits=frozenset({"repeats"}),
    ),
    Method(
        name="sinusoidal",
        title="Partials that start, move and stop; each source is the harmonics of its fundamentals",
        function=".sinusoids.separation:separate",
        needs=frozenset(),
        gives="one estimate for each source of the score, or harmonic sources and a residual; together the mixture",
        lesson="notebooks/14_sparse_sinusoidal_auditory.ipynb",
        source="McAulay and Quatieri, IEEE TASSP 1986",
        adds_up=True,
        assumes="Every source is a family of harmonics that move slowly",
        fits=frozenset({"pitched"}),
    ),
    Method(
        name="auditory",
        title="What an ear might follow: bands of a cochlea, grouped by common pitch and onset, and through time",
        function=".casa.scene:separate",
        needs=frozenset(),
        gives="streams of one pitch at a time, in the order in which they begin, and the rest; together the mixture",
        lesson="notebooks/14_sparse_sinusoidal_auditory.ipynb",
        source="Brown and Cooke, Computer Speech and Language 1994",
        adds_up=True,
        assumes="Few voices, two as a rule, each of one pitch at a time that stays near; no chords, no wide leaps",
        fits=frozenset({"pitched", "steady"}),
    ),
    Method(
        name="mask-inference",
        title="A network reads the mixture's spectrum forwards and backwards, and writes a mask for each instrument",
        function=".neural.separators:mask_inference",
        needs=frozenset(),
        gives="violin, clarinet, tenor saxophone and bassoon, or of the score's sources those that are among them",
        lesson="notebooks/16_learn_a_mask.ipynb",
        source="Erdogan et al., ICASSP 2015",
        assumes="Played by the four instruments of training, and they sound as they did there",
        fits=frozenset({"known"}),
    ),
    Method(
        name="xumx",
        title="A network for each instrument, joined by bridges and by losses over all sums of them",
        function=".neural.separators:xumx",
        needs=frozenset(),
        gives="violin, clarinet, tenor saxophone and bassoon, or of the score's sources those that are among them",
        lesson="notebooks/17_xumx.ipynb",
        source="Sawata et al., ICASSP 2021",
        assumes="Played by the four instruments of training, and they sound as they did there",
        fits=frozenset({"known"}),
    ),
    Method(
        name="xumx-informed",
        title="X-UMX that reads the score beside the sound",
        function=".neural.separators:xumx_informed",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score, all among violin, clarinet, tenor saxophone and bassoon",
        lesson="notebooks/18_with_a_score_from_a_score.ipynb",
        source="Tunturi et al., 2025",
        assumes="Played by the four instruments of training, and the score is right",
        fits=frozenset({"known", "score"}),
    ),
    Method(
        name="xumx-score-only",
        title="X-UMX whose masks follow from the score alone",
        function=".neural.separators:xumx_score_only",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score, all among violin, clarinet, tenor saxophone and bassoon",
        lesson="notebooks/18_with_a_score_from_a_score.ipynb",
        source="Tunturi et al., 2025",
        assumes="The score is right, and instruments are like those of training",
        fits=frozenset({"known", "score"}),
    ),
    Method(
        name="refined-nmf",
        title="Score-informed NMF, its models corrected bin by bin by a network that takes any instruments",
        function=".neural.refine:separate",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score; together they are the mixture",
        lesson="notebooks/18_with_a_score_from_a_score.ipynb",
        source="ours",
        adds_up=True,
        assumes="The score is right, and every source has a pitch",
        fits=frozenset({"score", "pitched"}),
    ),
    Method(
        name="score-cnn",
        title="A convolutional network over the mixture filtered by each instrument's notes",
        function=".neural.separators:score_cnn",
        needs=frozenset({"score"}),
        gives="one estimate for each source of the score, all among violin, clarinet, tenor saxophone and bassoon",
        lesson="notebooks/19_score_filtered_cnn.ipynb",
        source="Miron, Janer and Gómez, ISMIR 2017",
        assumes="Played by the four instruments of training, and the score is right within 0.2 s",
        fits=frozenset({"known", "score"}),
    ),
    Method(
        name="score-cnn-timbre",
        title="The same network without the score: it hears timbre alone",
        function=".neural.separators:score_cnn_timbre",
        needs=frozenset(),
        gives="violin, clarinet, tenor saxophone and bassoon, or of the score's sources those that are among them",
        lesson="notebooks/19_score_filtered_cnn.ipynb",
        source="Miron, Janer and Gómez, ISMIR 2017",
        assumes="Played by the four instruments of training, and they sound as they did there",
        fits=frozenset({"known"}),
    ),
)


def names() -> tuple[str, ...]:
    """The names of all methods, in the order in which the course meets them."""
    return tuple(method.name for method in METHODS)


def get(name: str) -> Method:
    """The entry of that name, or ValueError that lists the names."""
    checks.check_choice("method", name, names())
    return next(method for method in METHODS if method.name == name)


def fitting(facts: Collection[str]) -> tuple[Method, ...]:
    """The methods all of whose assumptions are among the facts, in the order of the course.

    Parameters
    ----------
    facts : collection of the words of `FACTS`

    Raises
    ------
    ValueError
        If a word is none of them.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    for fact in facts:
        checks.check_choice("fact", fact, FACTS)
    return tuple(method for method in METHODS if method.fits <= set(facts))


def separator(name: str, **options: object) -> Separator:
    """A separator by name, with options bound: `separator(mixture, sample_rate_hz, score)`.

    Options are checked at once (see `mss_lab.options`), so that a slip costs no waiting for files and work.

    An option `start`, where a method has one, is a separator or the name of one: `start="duet"`. Directions that are
    given beside a name (`pans_rad`, `count`) are those of the start.

    Raises
    ------
    ValueError
        If there is no method of that name, or an option lies outside its range.
    TypeError
        If the method has no such option, or it has another type.
    """
    method = get(name)
    known = method.options()
    if "start" in known and isinstance(options.get("start"), str):
        begin = str(options.pop("start"))
        takes = get(begin).options()
        given = {
            option: options.pop(option) for option in ("pans_rad", "count") if option in options and option in takes
        }
        options["start"] = separator(begin, **given)
    strangers = [option for option in options if option not in known]
    if strangers:
        raise RefusedType(f"{name} has no option {', '.join(strangers)}; it has {', '.join(known) or 'none'}")
    function = method.load()
    return functools.partial(function, **option_rules.check(function, options))
