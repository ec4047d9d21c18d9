"""Support: how far a recording holds what a note of its score claims, so that doubtful notes can be shown.

A note that sounds has energy at its harmonics and less beside them. So for each harmonic the power near it is compared
with the power about a semitone below and above it. A note that no source plays has, on average, as much beside its
harmonics as at them.

The measure sees harmonics, not players: a note given to the wrong source, or written an octave above one that sounds,
is supported. It compares, and takes no threshold of loudness: the level of the recording does not count.

Contents: support, prepared, is_doubtful, LEAST_SUPPORT. Lesson: notebooks/10_edit_the_notes.ipynb
"""

from collections.abc import Callable, Sequence

import numpy as np

from .. import checks, units
from ..refusals import RefusedType
from . import features
from .notes import Note, Score

HARMONICS = 5
# Long enough to separate semitones from the middle of the piano on.
WINDOW_SAMPLES = 4096
HOP_SAMPLES = 320
# Half the width of what counts as near a harmonic, and the distance of what counts as beside it: the larger of an
# interval and a number of bins, since at low pitches a semitone is narrower than the lobe of the window.
NEAR_CENTS, NEAR_BINS = 30.0, 1.0
BESIDE_CENTS, BESIDE_BINS = 100.0, 4.0
# Below this, a note is doubtful. Notes that are played and notes that are not lie on its two sides with few exceptions:
# lesson 10 counts them.
LEAST_SUPPORT = 0.4

Support = Callable[[Score], np.ndarray]


def support(recording: np.ndarray, sample_rate_hz: int, score: Score) -> np.ndarray:
    """How far each note of a score is supported by a recording.

    For harmonic q of a note, P is the largest power within 30 cents or a bin of it, and Q the geometric mean of the
    largest powers about a semitone below and above. The support is the mean of (P - Q) / (P + Q) over the frames of the
    note and its first five harmonics, with weights 1 / q; where it is negative, it is 0.

    Parameters
    ----------
    recording : float (channels, samples)
    sample_rate_hz : int
    score : Score
        With times of the recording. Tuning is estimated.

    Returns
    -------
    float (notes,)
        One number in [0, 1] for each of `score.notes`. NaN for notes of unpitched sources, which have no harmonics; 0
        for notes after the end of the recording, and for all notes of a silent one.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the recording is not a waveform, or the score is not a Score.

    Lesson: notebooks/10_edit_the_notes.ipynb. Reference: none, own measure.
    """
    return prepared(recording, sample_rate_hz)(score)


def prepared(recording: np.ndarray, sample_rate_hz: int) -> Support:
    """A function that gives the `support` of any score in one recording, which is transformed only once.

    Results of notes are kept, so that only those that an edit has changed are measured again.

    Raises ShapeError, TypeError or ValueError if the recording is not a waveform.

    Lesson: notebooks/10_edit_the_notes.ipynb
    """
    analysis = features.analyse(recording, sample_rate_hz, window_samples=WINDOW_SAMPLES, hop_samples=HOP_SAMPLES)
    tuning_hz = features.estimate_tuning_hz(analysis, window_samples=WINDOW_SAMPLES)
    results: dict[tuple[float, float, float], float] = {}

    def of_score(score: Score) -> np.ndarray:
        if not isinstance(score, Score):
            raise RefusedType(f"score must be a Score, got {type(score).__name__}")
        for note in score.notes:
            key = (note.midi, note.onset_s, note.offset_s)
            if key not in results:
                results[key] = _of_note(analysis, note, tuning_hz)
        return np.array(
            [
                np.nan if note.source in score.unpitched else results[note.midi, note.onset_s, note.offset_s]
                for note in score.notes
            ],
            float,
        )

    return of_score


def is_doubtful(support_of_notes: Sequence[float] | np.ndarray, least: float = LEAST_SUPPORT) -> np.ndarray:
    """Whether each note is less supported than `least`, bool (notes,); a note whose support is unknown is not doubtful.

    Lesson: notebooks/10_edit_the_notes.ipynb

    Examples
    --------
    >>> is_doubtful([0.1, 0.8, float("nan")])
    array([ True, False, False])
    """
    checks.check_number("least", least, at_least=0, at_most=1)
    return np.asarray(support_of_notes, float) < least


def _of_note(analysis: features.Analysis, note: Note, tuning_hz: float) -> float:
    frames = analysis.magnitude.shape[1]
    first = round(note.onset_s * features.RATE_HZ / HOP_SAMPLES)
    last = max(first + 1, round(note.offset_s * features.RATE_HZ / HOP_SAMPLES))
    if first >= frames or analysis.is_silent:
        return 0.0
    sections = analysis.magnitude[:, first : min(last, frames)]
    total = weights = 0.0
    for q in range(1, HARMONICS + 1):
        hz = q * units.midi_to_hz(note.midi, tuning_hz)
        if hz * units.cents_to_ratio(BESIDE_CENTS + NEAR_CENTS) >= analysis.highest_hz:
            break
        near = _largest(sections, hz)
        # Powers, of which the geometric mean is the product of two magnitudes.
        beside_hz = max(hz * (units.cents_to_ratio(BESIDE_CENTS) - 1), BESIDE_BINS * _BIN_HZ)
        beside = _largest(sections, hz - beside_hz) * _largest(sections, hz + beside_hz)
        both = near**2 + beside
        contrast = np.divide(near**2 - beside, both, out=np.zeros_like(both), where=both > 0)
        total += float(contrast.mean()) / q
        weights += 1 / q
    return max(0.0, total / weights) if weights else 0.0


_BIN_HZ = features.RATE_HZ / WINDOW_SAMPLES


def _largest(magnitude: np.ndarray, hz: float) -> np.ndarray:
    """The largest magnitude near a frequency, in each frame."""
    half_hz = max(hz * (units.cents_to_ratio(NEAR_CENTS) - 1), NEAR_BINS * _BIN_HZ)
    low, high = (
        units.hz_to_bins(edge_hz, WINDOW_SAMPLES, features.RATE_HZ) for edge_hz in (hz - half_hz, hz + half_hz)
    )
    bins = slice(max(0, int(np.ceil(low))), max(1, int(np.floor(high)) + 1))
    near: np.ndarray = magnitude[bins].max(axis=0, initial=0.0).astype(float)
    return near
