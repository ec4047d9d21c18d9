"""Whether a score, with its times, fits a recording, and how the recording is tuned.

In contrast to `align`, nothing is moved here: the expected levels of the score at each moment are compared with the
levels of the recording, and with chance.

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

# The correct scores of the tested recordings and renders are above this value, even with every note moved within 0.2 s;
# most wrong ones, and correct ones at another time, are below: tests/benchmarks/agreement.py prints them all. A wrong
# score in the same key may be above.
LEAST_CONFIDENCE = 0.45

# A recording tuned a semitone off sounds like the neighbouring key; only the score shows which of the three it is.
SEMITONES = (0, -1, 1)

# A whole semitone off 440 Hz is rare: another key must fit better by this much.
CLEARLY = 0.15

# Long recordings are compared in excerpts spread over them.
JUDGED_S = 60.0
EXCERPT_S = 10.0


ALIGN_IT = (
    "is it of this piece, with the times of this recording? "
    "Align it (mss_lab.score.align.align_score, or --align auto), or give another"
)


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How well a score fits a recording.

    Attributes
    ----------
    confidence : float in [0, 1]
        About 0 if any other moment of the score would fit as well as the given one, 1 if none fits better; the mean
        over the frames in which the recording sounds.
    tuning_hz : float
        Frequency of A4 in the recording, within a semitone and a half of 440 Hz.
    """

    confidence: float
    tuning_hz: float

    @property
    def is_doubtful(self) -> bool:
        """Whether the score probably does not belong to this recording, or is not in time with it."""
        return self.confidence < LEAST_CONFIDENCE


def agreement(recording: np.ndarray, sample_rate_hz: int, score: Score) -> Agreement:
    """Compare a score with a recording, without moving any note.

    Parameters
    ----------
    recording : float (channels, samples)
    sample_rate_hz : int
    score : Score
        With times of the recording. Unpitched sources are ignored.

    Returns
    -------
    Agreement
        For silence, and if the score has no pitched notes in the compared excerpts or its expected levels never change:
        confidence 1, since there is no evidence against it; 440 Hz if the recording is silent.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the recording is not a waveform.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: none, own method; tuning as in
    `features.estimate_tuning_hz`.
    """
    recording = checks.check_waveform("recording", recording)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    analyses = [
        (features.analyse(recording[:, start:stop], sample_rate_hz), notes.shift(score, -start / sample_rate_hz))
        for start, stop in excerpts(recording.shape[1], sample_rate_hz, JUDGED_S, EXCERPT_S)
    ]
    analyses = [(analysis, part) for analysis, part in analyses if not analysis.is_silent]
    if not analyses:
        return Agreement(1.0, units.A4_HZ)
    whole = features.joined([analysis for analysis, _ in analyses])
    columns = np.concatenate(
        [features.score_levels(part, analysis.magnitude.shape[1], FRAME_S) for analysis, part in analyses], axis=1
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
    has_evidence = rows.any(axis=0) & ~np.isnan(close)
    return float(close[has_evidence].mean()) if has_evidence.any() else 1.0


def closeness(
    path: np.ndarray, rows: np.ndarray, columns: np.ndarray, others: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Mean distance along a path; and for each frame of the recording, how much smaller than by chance its distance is.

    Parameters
    ----------
    path : int (steps, 2)
        Frames of the recording and of the score.
    rows, columns : float (bands, frames)
        Normalised columns of the recording and of the score.
    others : float (bands, frames), optional
        Normalised columns with which the path is compared. Default: all of `columns`.

    Returns
    -------
    cost : float in [0, 1]
    closeness : float (frames of the recording,)
        0 is the mean distance to all moments of the score, 1 the distance to the moment that fits best; NaN if all
        moments fit equally, so that nothing is known.
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
    """The tuning that a method uses: the given one, otherwise the one estimated by `agreement`.

    If it is estimated and the score hardly fits the recording, a ScoreWarning is issued. If the tuning is given, the
    score is not compared.

    Raises
    ------
    TypeError, ValueError
        If the tuning is neither None nor a number above 0.
    """
    if tuning_hz is not None:
        return float(checks.check_number("tuning_hz", tuning_hz, above=0, unit="Hz"))
    result = agreement(recording, sample_rate_hz, score)
    if result.is_doubtful:
        warn_caller(words_of_doubt(result.confidence, LEAST_CONFIDENCE), ScoreWarning)
    return result.tuning_hz


def words_of_doubt(confidence: float, least: float, advice: str = ALIGN_IT) -> str:
    """The message for a user whose score hardly fits the recording."""
    return f"the score hardly fits this recording (confidence {confidence:.2f}; below {least:g} is doubtful): {advice}"
