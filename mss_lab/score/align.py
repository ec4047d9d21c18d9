"""Alignment: when each moment of a score sounds in a recording.

The recording and the score are converted to the same kind of frames (`features`), and dynamic time warping finds the
cheapest path through both (`paths`). The path is stored as a time map: a point at each onset of the score, and linear
interpolation between points. `refine` then corrects each note on its own.

Contents: Alignment, align, warp, align_score. Lesson: notebooks/07_scores_and_alignment.ipynb
Reference: Müller, Fundamentals of Music Processing, 2015, chapter 3; coarse to fine after Müller, Mattes and Kurth,
ISMIR 2006.
"""

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, units
from ..refusals import RefusedValue
from . import features, jumps, paths, sections
from .agreement import SEMITONES, closeness
from .features import FRAME_S
from .guards import check_score
from .notes import Note, Score
from .passages import Section
from .refine import refine_onsets

EXTENTS = ("auto", "whole", "part")

# Below this the score probably does not belong to this recording. Correct scores of the Bach10 excerpts and of renders
# are above, wrong ones below (tests/benchmarks/align.py); of eleven real recordings of several kinds, three correct
# scores with transcribed notes are below, and no wrong one is above (tests/benchmarks/lesson_07_recordings.py).
LEAST_CONFIDENCE = 0.75

# A section that is played more than this many times faster or slower than the whole is not a performance of the score.
# Tempo is measured over at least this many seconds, since the notes of one chord may begin at nearly the same time.
MOST_TEMPO_RATIO, TEMPO_OVER_S = 4.0, 1.0

# Two moments of the score lie at least this far apart in the recording too.
LEAST_GAP_S = 0.005

# An alignment with sections is preferred to that of the whole score if at least this many more seconds fit the
# recording, and with at least this confidence: some section of a wrong score may fit by chance.
LEAST_GAIN_S, LEAST_SECTIONS_CONFIDENCE = 0.5, 0.8

# The position of a part is searched in frames of this many short ones.
PART_FACTOR = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Alignment:
    """A time map from a score to a recording.

    Attributes
    ----------
    score_times_s, recording_times_s : float64 (points,)
        At least two points, both strictly increasing: corresponding times of the score and of the recording.
    confidence : float64 (points - 1,)
        For each interval between two points, in [0, 1]: how far the match is from chance. About 0 if the recording fits
        any other moment of the score equally well, 1 if no moment fits better. Also 0 where the interval is played more
        than four times faster or slower than the whole.
    cost : float
        Mean distance along the path, in [0, 1].
    tuning_hz : float
        Estimated frequency of A4 in the recording.
    sections : tuple of Section
        The sections of the score that the recording plays, in its order; empty if it plays the score as written. If
        there are any, `score_times_s` are times of `sections.played(score, sections)`, in which the first section has
        its own times and the others follow it.
    remarks : tuple of str
        Descriptions of what is left out of the score, and of what is repeated.
    """

    score_times_s: np.ndarray
    recording_times_s: np.ndarray
    confidence: np.ndarray
    cost: float
    tuning_hz: float = units.A4_HZ
    sections: tuple[Section, ...] = ()
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        times = {}
        for name in ("score_times_s", "recording_times_s"):
            times[name] = checks.check_finite(name, checks.check_axes(name, getattr(self, name), "points"))
            if len(times[name]) < 2 or np.any(np.diff(times[name]) <= 0):
                raise RefusedValue(
                    f"{name} must be at least two times, each later than the one before, got {times[name]}; "
                    "leave out points that do not advance"
                )
        checks.check_same_shape("score_times_s", self.score_times_s, "recording_times_s", self.recording_times_s)
        if np.shape(self.confidence) != (len(times["score_times_s"]) - 1,):
            raise checks.ShapeError(
                f"confidence must have one value for each interval between points, "
                f"({len(times['score_times_s']) - 1},), got shape {np.shape(self.confidence)}; leave out the last"
            )

    @property
    def mean_confidence(self) -> float:
        """Confidence of the whole: the mean over the intervals, weighted by their length in the recording or the score.

        The lower of the two means is used. So a long section of the score that is squeezed into a moment of the
        recording counts fully, and so does a long section of the recording that gets a moment of the score.
        """
        times = (self.recording_times_s, self.score_times_s)
        return min(float(np.average(self.confidence, weights=np.diff(times_s))) for times_s in times)

    @property
    def is_doubtful(self) -> bool:
        """Whether the score probably does not belong to this recording: mean confidence below `LEAST_CONFIDENCE`."""
        return self.mean_confidence < LEAST_CONFIDENCE

    def to_recording_s(self, score_time_s: ArrayLike) -> np.ndarray:
        """The time in the recording of a time in the score; beyond the ends at the mean tempo."""
        return _mapped(np.asarray(score_time_s, float), self.score_times_s, self.recording_times_s)

    def to_score_s(self, recording_time_s: ArrayLike) -> np.ndarray:
        """The time in the score of a time in the recording; beyond the ends at the mean tempo."""
        return _mapped(np.asarray(recording_time_s, float), self.recording_times_s, self.score_times_s)


def align(
    recording: np.ndarray,
    sample_rate_hz: int,
    score: Score,
    *,
    extent: str = "whole",
    tuning_hz: float | None = None,
) -> Alignment:
    """Estimate when each moment of a score sounds in a recording.

    Parameters
    ----------
    recording : float (channels, samples)
        Any sample rate, any number of channels.
    sample_rate_hz : int
    score : Score
        In the order in which it is played; its tempo, its start and silence around it do not matter.
    extent : {"whole", "part", "auto"}
        "whole": the recording contains the whole score once, with or without silence around it. "part": it contains a
        part of the score, at a tempo between a quarter and four times the score's. "auto": in addition to the whole
        score, it is tested whether the recording leaves out passages of the score (such as repeats), repeats passages,
        or contains a part (`sections.find_sections`), and the best result is returned; `Alignment.sections` and
        `Alignment.remarks` describe it.
    tuning_hz : float > 0, optional
        Frequency of A4 in the recording. Default: estimated, up to a semitone and a half off 440 Hz.

    Returns
    -------
    Alignment
        `is_doubtful` is True if the score seems to belong to another piece. This is no error, since a doubtful
        alignment may be the best possible one.

    Raises
    ------
    ShapeError, TypeError
        If the recording is not a waveform or the score not a Score.
    ValueError
        If the recording is silent, the score has no pitched note, or it is much too short to contain the recording.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: Müller, Mattes and Kurth, ISMIR 2006. Difference: they
    use chroma; the features here keep the octave, since a bass an octave lower is another note.
    """
    checks.check_choice("extent", extent, EXTENTS)
    analysis = features.analyse(recording, sample_rate_hz)
    check_alignable(score)
    if analysis.is_silent:
        raise RefusedValue("the recording must hold sound to be aligned, got silence; check the file and the channel")
    if tuning_hz is None:
        tuning_hz = features.estimate_tuning_hz(analysis)
        candidates_hz = [float(tuning_hz * units.cents_to_ratio(100 * step)) for step in SEMITONES]
    else:
        candidates_hz = [float(checks.check_number("tuning_hz", tuning_hz, above=0, unit="Hz"))]
    extents = ("whole", "sections") if extent == "auto" else (extent,)
    tunings_hz = [_likely_tuning_hz(analysis, score, candidates_hz, name) for name in extents]
    follow = _follow_sections if extent == "auto" else partial(_follow, extent=extent)
    best = follow(features.band_levels(analysis, tunings_hz[0]), score, tunings_hz[0])
    # If jumps are allowed, another key may fit as well; it is tried only if the likely one does not fit.
    if best.is_doubtful and tunings_hz[-1] != tunings_hz[0]:
        other = follow(features.band_levels(analysis, tunings_hz[-1]), score, tunings_hz[-1])
        best = max(best, other, key=lambda alignment: alignment.mean_confidence)
    return best


def _likely_tuning_hz(analysis: features.Analysis, score: Score, candidates_hz: list[float], extent: str) -> float:
    """The tuning, of several candidates, at which the recording fits the score best."""
    if len(candidates_hz) == 1:
        return candidates_hz[0]
    return min(candidates_hz, key=lambda candidate_hz: _coarse_cost(analysis, score, candidate_hz, extent))


def warp(score: Score, alignment: Alignment) -> Score:
    """The score with the times of the recording, in the same order.

    Notes that would start before 0 are cut, and those that would end before 0 are left out, as by `notes.shift`. If the
    alignment has sections, notes outside them are left out, and those in two of them occur twice.

    Lesson: notebooks/07_scores_and_alignment.ipynb

    Examples
    --------
    >>> score = Score((Note("flute", 69, 0.5, 1.0),))
    >>> twice_as_slow = Alignment(np.array([0.0, 1.0]), np.array([0.0, 2.0]), np.ones(1), 0.0)
    >>> warp(score, twice_as_slow).notes[0]
    Note(source='flute', midi=69, onset_s=1.0, offset_s=2.0, velocity=80)
    """
    check_score(score)
    if alignment.sections:
        score = sections.played(score, alignment.sections)
    onsets_s = alignment.to_recording_s([note.onset_s for note in score.notes])
    offsets_s = alignment.to_recording_s([note.offset_s for note in score.notes])
    warped = tuple(
        dataclasses.replace(note, onset_s=max(0.0, float(onset_s)), offset_s=float(offset_s))
        for note, onset_s, offset_s in zip(score.notes, onsets_s, offsets_s, strict=True)
        if offset_s > 0
    )
    return dataclasses.replace(score, notes=warped)


def align_score(
    recording: np.ndarray, sample_rate_hz: int, score: Score, *, extent: str = "auto"
) -> tuple[Score, Alignment]:
    """The score with the times of the recording: `align`, `warp`, then `refine.refine_onsets`; and the alignment.

    By default, the recording may leave out repeats of the score, repeat passages, and contain a part of it. A doubtful
    alignment is not refined, since the notes would not be where they are searched.

    Lesson: notebooks/07_scores_and_alignment.ipynb
    """
    alignment = align(recording, sample_rate_hz, score, extent=extent)
    warped = warp(score, alignment)
    if not alignment.is_doubtful:
        warped = refine_onsets(recording, sample_rate_hz, warped, tuning_hz=alignment.tuning_hz)
    return warped, alignment


def check_alignable(score: Score) -> tuple[Note, ...]:
    """The pitched notes of a score; TypeError or ValueError if there are none."""
    check_score(score)
    notes = features.pitched_notes(score)
    if not notes:
        content = "only unpitched sources" if score.notes else "no note at all"
        raise RefusedValue(
            f"the score must have at least one note with a pitch to be aligned, got {content}; add its notes"
        )
    return notes


def _mapped(times_s: np.ndarray, from_s: np.ndarray, to_s: np.ndarray) -> np.ndarray:
    slope = (to_s[-1] - to_s[0]) / (from_s[-1] - from_s[0])
    inside = np.interp(times_s, from_s, to_s)
    result: np.ndarray = inside + slope * (np.minimum(0, times_s - from_s[0]) + np.maximum(0, times_s - from_s[-1]))
    return result


def _follow_sections(levels: np.ndarray, score: Score, tuning_hz: float) -> Alignment:
    """The more confident of two alignments: of the score as written, and of the sections that are played."""
    best = _follow(levels, score, tuning_hz, "whole")
    for played_sections in _possible_sections(levels, score, tuning_hz):
        as_played = sections.played(score, played_sections)
        if played_sections == (sections.whole(score),) or not features.pitched_notes(as_played):
            continue
        # A short section may fit by chance alone: it must fit well compared with all of the score.
        alignment = _follow(levels, as_played, tuning_hz, "whole", among=score)
        is_sure = alignment.mean_confidence >= LEAST_SECTIONS_CONFIDENCE
        if is_sure and _gain_s(alignment, best) > LEAST_GAIN_S and _is_playable(alignment):
            best = dataclasses.replace(
                alignment, sections=played_sections, remarks=sections.remarks(score, played_sections)
            )
        if not best.is_doubtful:
            break
    return best


def _gain_s(alignment: Alignment, other: Alignment) -> float:
    """How many seconds more of the longer of recording and score fit in one alignment than in another."""
    longest_s = max(np.ptp(times_s) for times_s in (other.recording_times_s, other.score_times_s))
    return float(longest_s * (alignment.mean_confidence - other.mean_confidence))


def _possible_sections(levels: np.ndarray, score: Score, tuning_hz: float) -> Iterator[tuple[Section, ...]]:
    """What the recording may play: the best sections, then a single part, which fits very short recordings."""
    yield sections.find_sections(levels, score)
    # A score that is too short has no such part.
    with contextlib.suppress(RefusedValue):
        times_s = _follow(levels, score, tuning_hz, "part").score_times_s
        yield (sections.part_of(score, float(times_s[0]), float(times_s[-1])),)


def _is_playable(alignment: Alignment) -> bool:
    """Whether the mean tempo is between a quarter and four times that of the score."""
    ratio = np.ptp(alignment.recording_times_s) / np.ptp(alignment.score_times_s)
    return bool(1 / MOST_TEMPO_RATIO <= ratio <= MOST_TEMPO_RATIO)


def _follow(levels: np.ndarray, score: Score, tuning_hz: float, extent: str, among: Score | None = None) -> Alignment:
    """The alignment of a score that is played once from start to end, or of a part of one.

    Confidence compares the path with all moments of the score, or of the score `among` that it was taken from.
    """
    notes = features.pitched_notes(score)
    lead_s = min(note.onset_s for note in notes)
    path, columns, frame_s = (_whole if extent == "whole" else _part)(levels, score, lead_s)
    if not len(path):
        raise RefusedValue(
            f"the score must last at least a quarter as long as the recording, which should be a part of it, "
            f"got {score.duration_s:.3g} s for {levels.shape[1] * FRAME_S:.3g} s; align it as a whole, or give more"
        )
    others = columns if among is None else features.columns_of(among, features.extent_s(among)[0], frame_s)
    return _as_alignment(path, levels, columns, others, frame_s, lead_s, notes, tuning_hz)


def _whole(levels: np.ndarray, score: Score, lead_s: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Path, columns and duration of a column in seconds of the score, if the recording contains the whole score."""
    length_s = max(note.offset_s for note in features.pitched_notes(score)) - lead_s
    # Stretched to the length of the recording, so that a constant tempo is the diagonal.
    frame_s = length_s / levels.shape[1]
    columns = features.columns_of(score, lead_s, frame_s)
    # A silent frame at each end of both absorbs the silence before and after the music.
    onsets = features.recording_onsets(levels), features.score_onsets(*features.from_first_note(score, lead_s, frame_s))
    path = paths.whole_path(_with_rests(levels), _with_rests(columns), (_with_rests(onsets[0]), _with_rests(onsets[1])))
    path = path - 1
    inside = (path >= 0).all(axis=1) & (path < [levels.shape[1], columns.shape[1]]).all(axis=1)
    return path[inside], columns, frame_s


def _with_rests(levels: np.ndarray) -> np.ndarray:
    return np.pad(levels, ((0, 0), (1, 1)))


def _part(levels: np.ndarray, score: Score, lead_s: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Like `_whole`, if the recording is a part of the score: first its position, then the path within it."""
    best_cost, best = math.inf, None
    rows = features.unit_columns(paths.averaged(levels, PART_FACTOR))
    for tempo in paths.TEMPI:
        frame_s = FRAME_S * tempo
        columns = features.columns_of(score, lead_s, frame_s)
        path, cost = paths.part_path(rows, features.unit_columns(paths.averaged(columns, PART_FACTOR)))
        if cost < best_cost:
            best_cost, best = cost, (path, columns, frame_s)
    if best is None:
        return np.zeros((0, 2), int), np.zeros((features.BANDS, 0)), FRAME_S
    coarse, columns, frame_s = best
    first, last = coarse[0, 1] * PART_FACTOR, min((coarse[-1, 1] + 1) * PART_FACTOR, columns.shape[1])
    score_onsets = features.score_onsets(*features.from_first_note(score, lead_s, frame_s))[:, first:last]
    path = paths.whole_path(levels, columns[:, first:last], (features.recording_onsets(levels), score_onsets))
    return path + np.array([0, first]), columns, frame_s


def _coarse_cost(analysis: features.Analysis, score: Score, tuning_hz: float, extent: str) -> float:
    """Mean distance along the path for a recording with this tuning; coarse frames are enough for a comparison."""
    levels = features.band_levels(analysis, tuning_hz)
    if extent == "sections":
        return jumps.path_with_jumps(levels, score, 2 * jumps.COARSE_S).distance
    lead_s, end_s = features.extent_s(score)
    factor = max(2 * PART_FACTOR, math.ceil(levels.shape[1] / 500))
    rows = features.unit_columns(paths.averaged(levels, factor))
    if extent == "part":
        tempi = (features.columns_of(score, lead_s, FRAME_S * factor * tempo) for tempo in paths.TEMPI)
        return min(paths.part_path(rows, features.unit_columns(columns))[1] for columns in tempi)
    columns = features.unit_columns(features.columns_of(score, lead_s, (end_s - lead_s) / rows.shape[1]))
    path = paths.whole_path(rows, columns)
    return float(paths.distances(rows, columns)[path[:, 0], path[:, 1]].mean())


def _as_alignment(
    path: np.ndarray,
    levels: np.ndarray,
    columns: np.ndarray,
    others: np.ndarray,
    frame_s: float,
    lead_s: float,
    notes: tuple[Note, ...],
    tuning_hz: float,
) -> Alignment:
    """The path at every onset of the score that it passes, and at its end."""
    rows, columns = features.unit_columns(levels), features.unit_columns(columns)
    times_s = np.unique([*(note.onset_s for note in notes), max(note.offset_s for note in notes)]) - lead_s
    onset_frames = np.rint(times_s / frame_s).astype(int)
    first, last = path[0, 1], path[-1, 1]
    # Onsets that share a frame of the score, or lie beyond the part that sounds, are left out.
    keep = (onset_frames >= first) & (onset_frames <= last + 1) & (np.diff(onset_frames, prepend=-1) > 0)
    times_s, onset_frames = times_s[keep], onset_frames[keep]
    entered = np.searchsorted(path[:, 1], onset_frames)
    recording_s = np.append(path[:, 0], path[-1, 0] + 1)[entered] * FRAME_S
    if len(times_s) < 2:
        # Fewer than two onsets within the recording: only its two ends are known.
        times_s = np.array([first, last + 1]) * frame_s
        recording_s = np.array([path[0, 0], path[-1, 0] + 1]) * FRAME_S
    recording_s = _strictly_increasing(recording_s)
    cost, close = closeness(path, rows, columns, features.unit_columns(others))
    close = np.nan_to_num(close)
    frames = np.clip(np.rint(recording_s / FRAME_S).astype(int), 0, len(close) - 1)
    confidence = np.array([close[start : max(start + 1, stop)].mean() for start, stop in itertools.pairwise(frames)])
    confidence[_tempo_is_lost(times_s, recording_s)] = 0
    return Alignment(times_s + lead_s, recording_s, confidence, cost, tuning_hz)


def _tempo_is_lost(score_s: np.ndarray, recording_s: np.ndarray) -> np.ndarray:
    """For each interval, whether it is played more than four times faster or slower than the whole."""
    lost = np.zeros(len(score_s) - 1, bool)
    for from_s, to_s in ((score_s, recording_s), (recording_s, score_s)):
        # Long intervals that correspond to a moment of the other: tested on the side on which they are long.
        ratio = (to_s[-1] - to_s[0]) / (from_s[-1] - from_s[0])
        over_s = TEMPO_OVER_S * max(1.0, 1 / ratio)
        middle_s = (from_s[1:] + from_s[:-1]) / 2
        half_s = np.maximum(over_s, np.diff(from_s)) / 2
        passed_s = _mapped(middle_s + half_s, from_s, to_s) - _mapped(middle_s - half_s, from_s, to_s)
        lost |= passed_s * MOST_TEMPO_RATIO < ratio * 2 * half_s
    return lost


def _strictly_increasing(times_s: np.ndarray) -> np.ndarray:
    """Increase times by as little as possible so that neighbours differ by the least gap."""
    ramp = LEAST_GAP_S * np.arange(len(times_s))
    result: np.ndarray = np.maximum.accumulate(times_s - ramp) + ramp
    return result
