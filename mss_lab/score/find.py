"""Finding the score: which of many a recording comes from, and where in it.

Every score is searched for the place that suits the recording best, at several tempi, coarse frames only. The mean
distance there ranks the scores.

Contents: Match, find_score. Lesson: notebooks/07_scores_and_alignment.ipynb
Source: Müller, Fundamentals of Music Processing, 2015, chapter 7 (matching by subsequence time warping).
"""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from .. import checks, units
from ..refusals import RefusedType, RefusedValue
from . import features, paths
from .align import check_alignable
from .notes import Score

# Frames of 80 ms: shorter than the shortest notes of most scores, long enough to compare hundreds in seconds.
FACTOR = 4


@dataclasses.dataclass(frozen=True)
class Match:
    """Where a score suits a recording best.

    Attributes
    ----------
    name : str
        Of the score.
    cost : float
        Mean distance of the recording's frames to the score's, in [0, 1]; infinite if the score is too short.
    start_s, end_s : float, seconds
        The place, in the score's own time.
    transposition : int, semitones
        By how much the recording is higher than the score.
    """

    name: str
    cost: float
    start_s: float
    end_s: float
    transposition: int = 0


def find_score(
    recording: np.ndarray,
    sample_rate_hz: int,
    scores: Mapping[str, Score],
    *,
    transpositions: Iterable[int] = (0,),
    tuning_hz: float | None = None,
) -> list[Match]:
    """Rank scores by how well the best place in each suits a recording.

    Parameters
    ----------
    recording : float (channels, samples)
        Some seconds of a mixture; eight are plenty. It must come from within one score, played at between a quarter
        and four times its tempo.
    sample_rate_hz : int
    scores : dict of name -> Score
    transpositions : whole numbers, semitones
        By how much the recording may be higher than the score. The written key alone unless said otherwise: each
        costs as much time as the first, and lets more wrong scores come near.
    tuning_hz : float > 0, optional
        Frequency of A4 in the recording; without it, it is estimated, within half a semitone of 440 Hz.

    Returns
    -------
    list of Match
        One for each score, the best first. Compare the first two costs: where they are close, the recording may be in
        both (hymns share their tunes, and collections repeat themselves).

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the recording is no waveform or silent, there is no score, or one has no pitched note.

    Lesson: notebooks/07_scores_and_alignment.ipynb
    """
    if not isinstance(scores, Mapping):
        raise RefusedType(f"scores must map names to Scores, got {type(scores).__name__}; pass a dict")
    if not scores:
        raise RefusedValue("scores must hold at least one score, got an empty dict; add one under its name")
    for name, score in scores.items():
        try:
            check_alignable(score)
        except (TypeError, ValueError) as error:
            raise type(error)(f"scores[{name!r}]: {error}") from error
    semitones = [
        checks.check_number("a transposition", step, at_least=-24, at_most=24, whole=True, unit="semitones")
        for step in transpositions
    ]
    if not semitones:
        raise RefusedValue("transpositions must name at least one, got none; 0 is the written key")
    hearing = features.hear(recording, sample_rate_hz)
    if hearing.is_silent:
        raise RefusedValue("the recording must hold sound to be found, got silence; check the file and the channel")
    tuning_hz = tuning_hz or features.estimate_tuning_hz(hearing)
    heard = {}
    for step in semitones:
        # Heard with a reference that much higher, the recording sounds in the score's key.
        reference_hz = tuning_hz * units.cents_to_ratio(100 * step)
        heard[step] = features.unit_columns(paths.averaged(features.band_levels(hearing, reference_hz), FACTOR))
    matches = [_best_place(name, score, heard) for name, score in scores.items()]
    return sorted(matches, key=lambda match: match.cost)


def _best_place(name: str, score: Score, heard: Mapping[int, np.ndarray]) -> Match:
    lead_s = min(note.onset_s for note in features.pitched_notes(score))
    best = Match(name, np.inf, 0.0, 0.0)
    for tempo in paths.TEMPI:
        frame_s = features.FRAME_S * FACTOR * tempo
        columns = features.unit_columns(features.columns_of(score, lead_s, frame_s))
        for step, rows in heard.items():
            path, cost = paths.part_path(rows, columns)
            if cost < best.cost:
                start_s, end_s = lead_s + path[0, 1] * frame_s, lead_s + (path[-1, 1] + 1) * frame_s
                best = Match(name, cost, float(start_s), float(end_s), step)
    return best
