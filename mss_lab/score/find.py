"""Finding the score of a recording among many, and the position of the recording in it.

For every score the position that fits the recording best is searched, at several tempi, in coarse frames. The mean
distance there ranks the scores.

Contents: Match, find_score. Lesson: notebooks/07_scores_and_alignment.ipynb
Reference: Müller, Fundamentals of Music Processing, 2015, chapter 7 (matching by subsequence time warping).
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
    """The position at which a score fits a recording best.

    Attributes
    ----------
    name : str
        Name of the score.
    cost : float
        Mean distance of the recording's frames to the score's, in [0, 1]; infinite if the score is too short.
    start_s, end_s : float, seconds
        Start and end of the position, in the score's own time.
    transposition : int, semitones
        How much higher the recording is than the score.
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
    """Rank scores by how well their best position fits a recording.

    Parameters
    ----------
    recording : float (channels, samples)
        Some seconds of a mixture; eight are enough. It must lie within one score, played at between a quarter and four
        times its tempo.
    sample_rate_hz : int
    scores : dict of name -> Score
    transpositions : whole numbers, semitones
        By how much the recording may be higher than the score. Default: only the written key. Each further one takes as
        much time as the first, and makes wrong scores more similar.
    tuning_hz : float > 0, optional
        Frequency of A4 in the recording. Default: estimated, within half a semitone of 440 Hz.

    Returns
    -------
    list of Match
        One for each score, the best first. Compare the first two costs: if they are close, the recording may belong to
        both (hymns share tunes, and collections contain duplicates).

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the recording is not a waveform or is silent, there is no score, or one has no pitched note.

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
    analysis = features.analyse(recording, sample_rate_hz)
    if analysis.is_silent:
        raise RefusedValue("the recording must hold sound to be found, got silence; check the file and the channel")
    tuning_hz = tuning_hz or features.estimate_tuning_hz(analysis)
    columns_by_step = {}
    for step in semitones:
        # Analysed with a tuning that much higher, the recording is in the score's key.
        reference_hz = tuning_hz * units.cents_to_ratio(100 * step)
        columns_by_step[step] = features.unit_columns(
            paths.averaged(features.band_levels(analysis, reference_hz), FACTOR)
        )
    matches = [_best_position(name, score, columns_by_step) for name, score in scores.items()]
    return sorted(matches, key=lambda match: match.cost)


def _best_position(name: str, score: Score, columns_by_step: Mapping[int, np.ndarray]) -> Match:
    lead_s = min(note.onset_s for note in features.pitched_notes(score))
    best = Match(name, np.inf, 0.0, 0.0)
    for tempo in paths.TEMPI:
        frame_s = features.FRAME_S * FACTOR * tempo
        columns = features.unit_columns(features.columns_of(score, lead_s, frame_s))
        for step, rows in columns_by_step.items():
            path, cost = paths.part_path(rows, columns)
            if cost < best.cost:
                start_s, end_s = lead_s + path[0, 1] * frame_s, lead_s + (path[-1, 1] + 1) * frame_s
                best = Match(name, cost, float(start_s), float(end_s), step)
    return best
