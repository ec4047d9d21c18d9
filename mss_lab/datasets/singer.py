"""Singers that are drawn: a voice with a range, a vocal tract, consonants, and sometimes a second voice beside it.

`mss_lab.datasets.voice` sings vowels. Here a melody is moved by octaves into the range of a singer, vowels are drawn
for its notes, and noise stands where a syllable begins: a hiss like "s" or "sh", or a short burst like "t" or "k".

Contents: Singer, draw, sing.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from scipy import signal

from .. import checks
from ..score.notes import Note
from . import voice

# Ranges of a consonant's length in seconds, of the middle of its band in Hz, and of its level relative to the voice in
# dB, for a hiss and for a burst.
HISS = ((0.04, 0.13), (2_500.0, 6_500.0), (-16.0, -2.0))
BURST = ((0.008, 0.025), (1_200.0, 4_500.0), (-14.0, 0.0))
# The ends of a consonant rise and fall for so long.
CONSONANT_FADE_S = 0.004

# Semitones between a second voice and the melody.
SECOND_VOICES = (-12, -5, -4, -3, 3, 4, 7, 12)


@dataclasses.dataclass(frozen=True)
class Singer:
    """A voice.

    Attributes
    ----------
    middle_midi : float
        The middle of the range, as a MIDI number.
    formant_ratio : float
        See `voice.sing`.
    consonants : float in [0, 1]
        The share of notes that begin with a consonant.
    second_voice : int, or None
        Semitones from the melody to a second, softer voice.
    """

    middle_midi: float
    formant_ratio: float
    consonants: float
    second_voice: int | None


def draw(rng: np.random.Generator) -> Singer:
    """A singer: from a low to a high voice, whose vocal tract is the shorter the higher it is, with some spread.

    Examples
    --------
    >>> singer = draw(np.random.default_rng(0))
    >>> 50 <= singer.middle_midi <= 70 and 0.75 <= singer.formant_ratio <= 1.2
    True
    """
    checks.check_generator("rng", rng)
    middle_midi = rng.uniform(50, 70)
    ratio = np.interp(middle_midi, (50, 70), (0.84, 1.05)) * np.exp(rng.normal(0, 0.05))
    return Singer(
        middle_midi=float(middle_midi),
        formant_ratio=float(np.clip(ratio, 0.75, 1.2)),
        consonants=float(rng.uniform(0.2, 0.8)),
        second_voice=int(rng.choice(SECOND_VOICES)) if rng.random() < 0.35 else None,
    )


def sing(
    notes: Sequence[Note], singer: Singer, samples: int, sample_rate_hz: int, *, rng: np.random.Generator
) -> np.ndarray:
    """Sing a melody.

    Parameters
    ----------
    notes : sequence of Note
        In any order; where two overlap, the first ends when the second begins. They are moved by octaves into the
        range of the singer.
    singer : Singer
    samples : int
        Length of the result.
    sample_rate_hz : int
    rng : np.random.Generator
        Draws vowels, consonants, and the small variations of the voice.

    Returns
    -------
    float64 (samples,)
        Silent without notes; else with a peak of about 0.5.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or is out of its range.
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_generator("rng", rng)
    melody = _one_at_a_time(notes)
    if not melody:
        return np.zeros(samples)
    octaves = round((singer.middle_midi - float(np.mean([note.midi for note in melody]))) / 12)
    sung = _voice(_moved(melody, 12 * octaves), singer, samples, sample_rate_hz, rng)
    if singer.second_voice is not None:
        second = _voice(_moved(melody, 12 * octaves + singer.second_voice), singer, samples, sample_rate_hz, rng)
        sung = sung + 10 ** (rng.uniform(-14, -5) / 20) * second
    return sung


def _one_at_a_time(notes: Sequence[Note]) -> list[Note]:
    ordered = sorted(notes, key=lambda note: note.onset_s)
    return [
        note if later is None else dataclasses.replace(note, offset_s=min(note.offset_s, later.onset_s))
        for note, later in itertools.zip_longest(ordered, ordered[1:])
        if later is None or later.onset_s > note.onset_s
    ]


def _moved(notes: Sequence[Note], semitones: int) -> list[Note]:
    return [dataclasses.replace(note, midi=note.midi + semitones) for note in notes]


def _voice(
    notes: Sequence[Note], singer: Singer, samples: int, sample_rate_hz: int, rng: np.random.Generator
) -> np.ndarray:
    """One voice with its consonants."""
    vowels = [str(vowel) for vowel in rng.choice(list(voice.VOWEL_FORMANTS_HZ), len(notes))]
    sung: np.ndarray = voice.sing(notes, vowels, samples, sample_rate_hz, rng=rng, formant_ratio=singer.formant_ratio)[
        0
    ]
    level = float(np.sqrt(np.mean(sung**2)))
    for note in notes:
        if rng.random() < singer.consonants:
            consonant = _consonant(level, sample_rate_hz, rng)
            # It ends where the vowel begins.
            start = round(note.onset_s * sample_rate_hz) - len(consonant)
            if start >= 0 and start + len(consonant) <= samples:
                sung[start : start + len(consonant)] += consonant
    return sung


def _consonant(level: float, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Noise in a band, float64 (samples,); `level` is the root mean square of the voice."""
    lengths_s, middles_hz, levels_db = HISS if rng.random() < 0.55 else BURST
    length = max(8, round(rng.uniform(*lengths_s) * sample_rate_hz))
    middle_hz = min(rng.uniform(*middles_hz), 0.35 * sample_rate_hz)
    edges_hz = (0.6 * middle_hz, min(1.5 * middle_hz, 0.48 * sample_rate_hz))
    band = signal.butter(2, edges_hz, btype="bandpass", fs=sample_rate_hz, output="sos")
    noise = signal.sosfilt(band, rng.standard_normal(length))
    fade = np.arange(1, length + 1) / max(1.0, CONSONANT_FADE_S * sample_rate_hz)
    noise *= np.minimum(1, np.minimum(fade, fade[::-1]))
    target_level = level * 10 ** (rng.uniform(*levels_db) / 20)
    result: np.ndarray = noise * target_level / max(float(np.sqrt(np.mean(noise**2))), 1e-12)
    return result
