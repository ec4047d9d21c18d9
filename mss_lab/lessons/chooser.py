"""Which method fits which mixture: small mixtures about which everything is known, and what each method makes of them.

Every mixture has two sources; the mixture itself, as an estimate of both, has a mean SDR of 0 dB. What is
known of a mixture is a set of the words of `mss_lab.catalogue.FACTS`.

Contents: COMPARED, Case, cases, score_of, table, suited. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses
import warnings
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import scipy.signal

from .. import catalogue, checks, compare, signals
from ..datasets.track import Track
from ..metrics import energy
from ..score.notes import Note, Score, shift

RATE_HZ = 16_000
LENGTH_S = 4.0

# Methods of another package that are there to compare with: too slow for a lesson, and in need of more sound than this.
COMPARED = ("fastmnmf", "ilrma", "auxiva")

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
    tunes = {"bassoon": _tune(LOW_TUNE, 1.0), "violin": _tune(HIGH_TUNE, 1.5)}
    notes = [Note("bassoon", *note) for note in LOW_TUNE] + [Note("violin", *note) for note in HIGH_TUNE]
    score = Score(tuple(notes), tuple(tunes))
    vowels = {"man": _vowel(120.0, (700, 1200, 2600)), "woman": _vowel(170.0, (350, 2000, 2900))}
    struck = {"organ": _organ(), "drums": _drums(rng)}
    sung = {"voice": _voice(), "guitar": _loop(rng)}
    hisses = {"hiss": signals.noise(LENGTH_S, RATE_HZ, rng=rng), "roar": _roar(rng)}
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
    it.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    method, track = catalogue.get(name), case.track
    if "score" in method.needs and track.score is None:
        return float("nan")
    options = {"count": len(track.sources)} if "count" in method.options else {}
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


def _tune(notes: Sequence[tuple[int, float, float]], slope: float) -> np.ndarray:
    sound = np.zeros((1, round(LENGTH_S * RATE_HZ)))
    for midi, onset_s, offset_s in notes:
        f0_hz = 440 * 2 ** ((midi - 69) / 12)
        tone = signals.fade(signals.harmonic_tone(f0_hz, offset_s - onset_s, RATE_HZ, slope=slope), 0.02, RATE_HZ)
        start = round(onset_s * RATE_HZ)
        sound[:, start : start + tone.shape[1]] += tone
    return sound


def _organ() -> np.ndarray:
    chord = [signals.harmonic_tone(f, LENGTH_S, RATE_HZ, slope=1.5) for f in (196.0, 246.9, 293.7)]
    return signals.fade(np.sum(chord, axis=0), 0.05, RATE_HZ)


def _drums(rng: np.random.Generator) -> np.ndarray:
    sound = np.zeros((1, round(LENGTH_S * RATE_HZ)))
    dies_away = np.exp(-np.arange(round(0.05 * RATE_HZ)) / (0.012 * RATE_HZ))
    for start_s in np.cumsum(rng.uniform(0.12, 0.4, 12)):
        start = round(start_s * RATE_HZ)
        stroke = (dies_away * rng.standard_normal(len(dies_away)))[: sound.shape[1] - start]
        sound[0, start : start + len(stroke)] += stroke
    return sound


def _loop(rng: np.random.Generator) -> np.ndarray:
    """Half a second of plucked chords, eight times."""
    steps = []
    for f0_hz in (110.0, 164.8, 130.8, 196.0):
        tone = signals.harmonic_tone(f0_hz, 0.125, RATE_HZ, slope=0.7)
        steps.append(tone * np.exp(-np.arange(tone.shape[1]) / (0.06 * RATE_HZ)))
    return np.tile(signals.fade(np.concatenate(steps, axis=1), 0.005, RATE_HZ), (1, round(2 * LENGTH_S)))


def _vowel(f0_hz: float, formants_hz: Sequence[float]) -> np.ndarray:
    """A vowel on one pitch, with some vibrato."""
    times_s = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ
    cents = 20 * np.sin(2 * np.pi * f0_hz / 30 * times_s)
    phase = 2 * np.pi * np.cumsum(f0_hz * 2 ** (cents / 1200)) / RATE_HZ
    numbers = np.arange(1, int(6_000 / f0_hz))
    away_hz = np.subtract.outer(formants_hz, numbers * f0_hz)
    levels = 0.03 + np.sum(1 / (1 + (away_hz / 120) ** 2), axis=0)
    partials = [level / h**0.5 * np.sin(h * phase + h) for h, level in zip(numbers, levels, strict=True)]
    return signals.fade(np.sum(partials, axis=0)[np.newaxis], 0.05, RATE_HZ)


def _voice() -> np.ndarray:
    times_s = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ
    cents = 500 * np.sin(2 * np.pi * 0.23 * times_s) + 50 * np.sin(2 * np.pi * 5.5 * times_s)
    phase = 2 * np.pi * np.cumsum(330 * 2 ** (cents / 1200)) / RATE_HZ
    sung = np.sum([np.sin(h * phase) / h for h in range(1, 13)], axis=0)
    return signals.fade(sung[np.newaxis], 0.05, RATE_HZ)


def _roar(rng: np.random.Generator) -> np.ndarray:
    return np.asarray(scipy.signal.lfilter([1], [1, -0.6], signals.noise(LENGTH_S, RATE_HZ, rng=rng)))
