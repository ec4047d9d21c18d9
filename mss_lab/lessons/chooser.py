"""Which method fits which mixture: small mixtures about which everything is known, and what each method makes of them.

Every mixture has two sources; the mixture itself, as an estimate of both, has a mean SDR of 0 dB. What is
known of a mixture is a set of the words of `mss_lab.catalogue.FACTS`.

Contents: COMPARED, Case, cases, score_of, table, suited. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses
import warnings
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from .. import catalogue, checks, compare, signals
from ..datasets.track import Track
from ..metrics import energy
from ..score.notes import Note, Score, shift
from . import toy_sounds
from .toy_sounds import LENGTH_S, RATE_HZ

# Methods of other packages, which may not be installed, to compare with: some are too slow for a lesson, and others
# load weights from another computer.
COMPARED = ("fastmnmf", "ilrma", "auxiva", *(method.name for method in catalogue.METHODS if method.downloads))

# What repeats is louder than the voice, as in a band, since it decides which frames count as similar.
LOOP_GAIN = 2.0
CENTRE = np.pi / 4
APART = (0.35, 1.2)

# Two tunes that move at different times, within what a bassoon and a violin play.
LOW_TUNE = ((48, 0.0, 0.9), (52, 1.0, 1.9), (50, 2.0, 2.9), (48, 3.0, 3.9))
HIGH_TUNE = ((70, 0.1, 0.6), (74, 0.6, 1.3), (77, 1.3, 2.2), (75, 2.2, 2.6), (72, 2.6, 3.9))


@dataclasses.dataclass(frozen=True)
class Case:
    """A mixture, and what is known of it.

    Attributes
    ----------
    track : Track
        Stereo, with two sources.
    facts : frozenset of str
        Words of `catalogue.FACTS` that hold of it.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    track: Track
    facts: frozenset[str]


def cases(rng: np.random.Generator) -> dict[str, Case]:
    """Eight mixtures by name, each made to satisfy some assumptions and to break others.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    checks.check_generator("rng", rng)
    tunes = {"bassoon": toy_sounds.tune(LOW_TUNE, 1.0), "violin": toy_sounds.tune(HIGH_TUNE, 1.5)}
    notes = [Note("bassoon", *note) for note in LOW_TUNE] + [Note("violin", *note) for note in HIGH_TUNE]
    score = Score(tuple(notes), tuple(tunes))
    vowels = {
        "man": toy_sounds.vowel(120.0, (700, 1200, 2600)),
        "woman": toy_sounds.vowel(170.0, (350, 2000, 2900)),
    }
    struck = {"organ": toy_sounds.organ(), "drums": toy_sounds.drums(rng)}
    sung = {"voice": toy_sounds.voice(), "guitar": toy_sounds.loop()}
    hisses = {"hiss": signals.noise(LENGTH_S, RATE_HZ, rng=rng), "roar": toy_sounds.roar(rng)}
    return {
        "two tunes, panned apart": _case(tunes, APART, score, "apart", "sparse", "pitched", "score"),
        "two tunes, one place": _case(tunes, (CENTRE, CENTRE), score, "sparse", "pitched", "score"),
        "two tunes, score 1 s late": _case(tunes, (CENTRE, CENTRE), shift(score, 1.0), "sparse", "pitched"),
        "two held vowels": _case(vowels, (CENTRE, CENTRE), None, "pitched", "steady"),
        "organ and drums": _case(struck, (CENTRE, CENTRE), None, "drums"),
        "loop and voice": _case(sung, (CENTRE, CENTRE), None, "repeats", "voice", "sparse"),
        "two noises, panned apart": _case(hisses, APART, None, "apart"),
        "two noises, one place": _case(hisses, (CENTRE, CENTRE), None),
    }


def score_of(name: str, case: Case) -> float:
    """Mean SDR in dB of what a method of the catalogue makes of a case; nan where it has not what it needs.

    Estimates that are not named after the sources are matched to them. Methods that need the number of sources receive
    it. A method that takes the mean of several runs makes two of them here, to save time.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    method, track = catalogue.get(name), case.track
    if "score" in method.needs and track.score is None:
        return float("nan")
    options = {"count": len(track.sources)} if "count" in method.options else {}
    if "runs" in method.options:
        options["runs"] = 2
    score = track.score if "score" in method.needs else None
    with warnings.catch_warnings():
        # That a score or a direction is doubtful is what some cases are made for.
        warnings.simplefilter("ignore")
        estimates = catalogue.separator(name, **options)(track.mixture, track.sample_rate_hz, score)
    matched = compare.match(estimates, track.sources)
    return float(np.mean([energy.sdr(source, matched[own]) for own, source in track.sources.items()]))


def table(of: Mapping[str, Case], methods: Sequence[str]) -> dict[str, dict[str, float]]:
    """Mean SDR of every method on every case, as `mss_lab.compare.as_text` prints it.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    return {name: {title: score_of(name, case) for title, case in of.items()} for name in methods}


def suited(method: str, facts: Collection[str]) -> bool:
    """Whether all that a method assumes is among the facts.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    return catalogue.get(method) in catalogue.fitting(facts)


def _case(sources: Mapping[str, np.ndarray], pans_rad: Sequence[float], score: Score | None, *facts: str) -> Case:
    level = {name: source / np.sqrt(np.mean(source**2)) for name, source in sources.items()}
    if "repeats" in facts:
        level["guitar"] = LOOP_GAIN * level["guitar"]
    panned = {
        name: (0.05 * signals.pan(source, pan)).astype(np.float32)
        for (name, source), pan in zip(level.items(), pans_rad, strict=True)
    }
    return Case(Track(" and ".join(sources), RATE_HZ, panned, score), frozenset({"stereo", "two", *facts}))
