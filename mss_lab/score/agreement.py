"""Does a score, with the times it has, suit a recording, and how is the recording tuned?

Nothing is moved here, in contrast to `align`: the levels that the score promises at each moment are compared with the
levels that sound then, and with chance.

Contents: Agreement, agreement, tuning_for, words_of_doubt, closeness.
Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses

import numpy as np

from .. import checks, units
from ..chunks import excerpts
from ..refusals import warn_caller
from . import features, notes, paths
from .features import FRAME_S
from .notes import Score
from .reading import ScoreWarning

# Right scores of the recordings and renders that were tried lie above, even with every note moved within 0.2 s; most
# wrong ones, and right ones at another time, below: tests/benchmarks/agreement.py prints them all. A score in the same
# key may pass.
LEAST_CONFIDENCE = 0.45

# A recording tuned a semitone off sounds like the neighbouring key; which of the three it is, only the score tells.
SEMITONES = (0, -1, 1)

# A whole semitone off 440 Hz is rare: another key must suit better by so much.
CLEARLY = 0.15

# Long recordings are judged by excerpts spread over them.
JUDGED_S = 60.0
EXCERPT_S = 10.0


ALIGN_IT = (
    "is it of this piece, with the times of this recording? "
    "Align it (mss_lab.score.align.align_score, or --align auto), or give another"
)


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How a score suits a recording.

    Attributes
    ----------
    confidence : float in [0, 1]
        About 0 where any other moment of the score would suit as well as the one it gives, 1 where none suits better;
        the mean over the frames in which the recording sounds.
    tuning_hz : float
        Frequency of A4 in the recording, within a semitone and a half of 440 Hz.
    """

    confidence: float
    tuning_hz: float

    @property
    def is_doubtful(self) -> bool:
        """Whether the score is probably not of this recording, or not in time with it."""
        return self.confidence < LEAST_CONFIDENCE


def agreement(recording: np.ndarray, sample_rate_hz: int, score: Score) -> Agreement:
    """Compare a score with the recording it is said to follow, as it stands.

    Parameters
    ----------
    recording : float (channels, samples)
    sample_rate_hz : int
    score : Score
        With times of the recording. Unpitched sources do not count.

    Returns
    -------
    Agreement
        Of silence, and where the score has no pitched notes in what is judged or promises the same all the time:
        confidence 1, since nothing speaks against it, and 440 Hz where nothing sounds.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the recording is no waveform.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Source: ours; the tuning as in `features.estimate_tuning_hz`.
    """
    recording = checks.check_waveform("recording", recording)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    heard = [
        (features.hear(recording[:, start:stop], sample_rate_hz), notes.shift(score, -start / sample_rate_hz))
        for start, stop in excerpts(recording.shape[1], sample_rate_hz, JUDGED_S, EXCERPT_S)
    ]
    heard = [(hearing, part) for hearing, part in heard if not hearing.is_silent]
    if not heard:
        return Agreement(1.0, units.A4_HZ)
    whole = features.joined([hearing for hearing, _ in heard])
    columns = np.concatenate(
        [features.score_levels(part, hearing.magnitude.shape[1], FRAME_S) for hearing, part in heard], axis=1
    )
    tuning_hz = features.estimate_tuning_hz(whole)
    if not columns.any():
        return Agreement(1.0, tuning_hz)
    candidates = []
    for step in SEMITONES:
        candidate_hz = float(tuning_hz * units.cents_to_ratio(100 * step))
        candidates.append(Agreement(_confidence(features.band_levels(whole, candidate_hz), columns), candidate_hz))
    likely, best = candidates[0], max(candidates, key=lambda candidate: candidate.confidence)
    return best if best.confidence > likely.confidence + CLEARLY else likely


def _confidence(levels: np.ndarray, columns: np.ndarray) -> float:
    rows, columns = features.unit_columns(levels), features.unit_columns(columns)
    diagonal = np.repeat(np.arange(levels.shape[1])[:, np.newaxis], 2, axis=1)
    _, close = closeness(diagonal, rows, columns)
    told = rows.any(axis=0) & ~np.isnan(close)
    return float(close[told].mean()) if told.any() else 1.0


def closeness(
    path: np.ndarray, rows: np.ndarray, columns: np.ndarray, others: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Mean distance along a path; and, for each frame of the recording, how far its distance is from chance.

    Parameters
    ----------
    path : int (steps, 2)
        Frames of the recording and of the score.
    rows, columns : float (bands, frames)
        Unit columns of the recording and of the score.
    others : float (bands, frames), optional
        Unit columns with which the path is compared; without them, all of `columns`.

    Returns
    -------
    cost : float in [0, 1]
    closeness : float (frames of the recording,)
        0 is the mean distance to all moments of the score, 1 the distance to the one that suits best; NaN where all
        moments suit alike, so that nothing can be said.
    """
    others = columns if others is None else others
    sample = others[:, np.unique(np.linspace(0, others.shape[1] - 1, 1000).astype(int))]
    count = rows.shape[1]
    along = 1 - np.clip(np.einsum("bi,bi->i", rows[:, path[:, 0]], columns[:, path[:, 1]]), 0, 1)
    both_silent = ~rows[:, path[:, 0]].any(axis=0) & ~columns[:, path[:, 1]].any(axis=0)
    along[both_silent] = 0
    visits = np.maximum(np.bincount(path[:, 0], minlength=count), 1)
    passed = np.bincount(path[:, 0], weights=along, minlength=count) / visits
    close = np.zeros(count)
    for start in range(0, count, 4000):
        block = slice(start, start + 4000)
        cells = paths.distances(rows[:, block], sample)
        chance, best = cells.mean(axis=1), cells.min(axis=1)
        gain = (chance - passed[block]) / np.maximum(chance - best, 1e-6)
        close[block] = np.where(chance - best > 1e-3, np.clip(gain, 0, 1), np.nan)
    return float(along.mean()), close


def tuning_for(recording: np.ndarray, sample_rate_hz: int, score: Score, tuning_hz: float | None = None) -> float:
    """The tuning that a method is to use: the one it was told, or else the one estimated by `agreement`.

    Where it is estimated, a score that hardly suits the recording is warned of, with a ScoreWarning; a method that is
    told the tuning is taken to know its score.

    Raises
    ------
    TypeError, ValueError
        If the tuning is neither None nor a number above 0.
    """
    if tuning_hz is not None:
        return float(checks.check_number("tuning_hz", tuning_hz, above=0, unit="Hz"))
    found = agreement(recording, sample_rate_hz, score)
    if found.is_doubtful:
        warn_caller(words_of_doubt(found.confidence, LEAST_CONFIDENCE), ScoreWarning)
    return found.tuning_hz


def words_of_doubt(confidence: float, least: float, advice: str = ALIGN_IT) -> str:
    """What to tell a reader whose score hardly suits the recording."""
    return f"the score hardly suits this recording (confidence {confidence:.2f}; below {least:g} is doubtful): {advice}"
