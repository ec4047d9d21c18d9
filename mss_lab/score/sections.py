"""The sections of a score that a recording plays, and their order.

A score may write out a repeat that the players leave out; the players may repeat what the score has once; a recording
may contain a part of a score. `jumps` estimates where the recording leaves the score and enters it again. Here these
moments are moved to boundaries between notes, and the sections between them are concatenated to the score as it was
played, which `align` then follows.

Contents: find_sections, played, whole, part_of, remarks. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from . import features, jumps, passages, paths
from .features import FRAME_S
from .notes import Note, Score
from .passages import Section

# The boundary between two sections is determined in frames of this many short ones, within this time on either side of
# the jump of the coarse path; the times at which the score is left and entered may move by at most this much.
FINE_FACTOR = 2
REACH_S, SLACK_S = 4.0, 1.5
# The cost of leaving or entering the score for each note that sounds on, in frames that do not match at all: sections
# seldom begin or end inside a note.
CUT_PRICE = 2.0
# A section that begins or ends this near to an onset, or to an end of the score, begins or ends there.
NEAR_S = 0.3


def find_sections(levels: np.ndarray, score: Score) -> tuple[Section, ...]:
    """The sections of a score that a recording plays, in the order in which it plays them.

    Parameters
    ----------
    levels : float (bands, frames)
        Levels of the recording, as from `features.band_levels`.
    score : Score
        With at least one pitched note, at a quarter to four times the tempo of the recording.

    Returns
    -------
    tuple of Section
        At least one. A score that is played as written gives one section, from its first onset to its end. Of two
        passes that are the same music, the first is kept if the recording has only one.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: Fremerey, Müller and Clausen, ISMIR 2010.
    """
    runs = jumps.path_with_jumps(levels, score).runs
    boundaries = passages.boundaries_s(score)
    begin_s = whole(score).start_s
    sections = [Section(begin_s, begin_s)]
    for number, run in enumerate(runs):
        leave_s, enter_s = begin_s, _nearest(run.score_s[0], boundaries)
        if number > 0:
            leave_s, enter_s = _boundary_pair(levels, score, boundaries, runs[number - 1], run)
        if enter_s > leave_s:
            leave_s, enter_s = passages.first_pass_kept(score, boundaries, leave_s, enter_s, run.score_s[-1])
        sections[-1] = sections[-1]._replace(end_s=leave_s)
        sections.append(Section(enter_s, run.score_s[-1]))
    sections[-1] = sections[-1]._replace(end_s=_nearest_end(sections[-1].end_s, boundaries))
    return _joined(sections) or (whole(score),)


def whole(score: Score) -> Section:
    """The section that is the whole score, from its first pitched note to the end of its last."""
    return Section(*features.extent_s(score))


def part_of(score: Score, start_s: float, end_s: float) -> Section:
    """The section between two times, moved to near onsets."""
    boundaries = passages.boundaries_s(score)
    return Section(_nearest(start_s, boundaries), _nearest_end(end_s, boundaries))


def played(score: Score, sections: Sequence[Section]) -> Score:
    """The score with its sections in the given order, concatenated; the first keeps its times.

    A note belongs to the section in which it begins, and ends with it at the latest. Notes that sound when the first
    section begins start with it.

    Lesson: notebooks/07_scores_and_alignment.ipynb

    Examples
    --------
    >>> score = Score((Note("flute", 69, 0.0, 1.0), Note("flute", 71, 1.0, 2.0)))
    >>> twice = played(score, [Section(0.0, 2.0), Section(1.0, 2.0)])
    >>> [(note.midi, note.onset_s) for note in twice.notes]
    [(69, 0.0), (71, 1.0), (71, 2.0)]
    """
    notes: list[Note] = []
    later_s = 0.0
    for number, section in enumerate(sections):
        later_s += 0.0 if number == 0 else sections[number - 1].end_s - section.start_s
        for note in score.notes:
            begins = section.start_s - 1e-9 <= note.onset_s < section.end_s - 1e-9
            sounds_on = number == 0 and note.onset_s < section.start_s < note.offset_s - passages.TOGETHER_S
            if begins or sounds_on:
                onset_s, offset_s = max(note.onset_s, section.start_s), min(note.offset_s, section.end_s)
                notes.append(dataclasses.replace(note, onset_s=onset_s + later_s, offset_s=offset_s + later_s))
    return dataclasses.replace(score, notes=tuple(notes))


def remarks(score: Score, sections: Sequence[Section]) -> tuple[str, ...]:
    """Descriptions of sections: the passages of the score that are left out, and those that are repeated."""
    texts = []
    extent = whole(score)
    bounds = [Section(extent.start_s, extent.start_s), *sections, Section(extent.end_s, extent.end_s)]
    for before, after in itertools.pairwise(bounds):
        left_out = Section(before.end_s, after.start_s)
        if left_out.end_s > left_out.start_s + 1e-6 and _has_notes(score, left_out):
            is_second = passages.is_repetition(score, left_out)
            name = "the second pass of a repeated passage" if is_second else "a passage"
            texts.append(f"{name}, {_in_words(left_out)}, is not in the recording and was left out")
        elif left_out.end_s < left_out.start_s - 1e-6:
            again = Section(left_out.end_s, min(left_out.start_s, after.end_s))
            texts.append(f"a passage, {_in_words(again)}, is played again in the recording, and its notes occur twice")
    return tuple(texts)


def _in_words(section: Section) -> str:
    return f"{section.start_s:.1f} to {section.end_s:.1f} s of the score"


def _has_notes(score: Score, section: Section) -> bool:
    return any(section.start_s <= note.onset_s < section.end_s for note in score.notes)


def _nearest(time_s: float, boundaries: np.ndarray) -> float:
    nearest_s = float(boundaries[np.argmin(np.abs(boundaries - time_s))])
    return nearest_s if abs(nearest_s - time_s) <= NEAR_S else float(time_s)


def _nearest_end(time_s: float, boundaries: np.ndarray) -> float:
    """Like `_nearest`; after the last onset it is the end of the score, since a last note may have any length."""
    return float(boundaries[-1]) if time_s > boundaries[-2:].min() + NEAR_S else _nearest(time_s, boundaries)


def _boundary_pair(
    levels: np.ndarray, score: Score, boundaries: np.ndarray, before: jumps.Run, after: jumps.Run
) -> tuple[float, float]:
    """The times at which the score is left and entered again, both at its boundaries.

    The coarse path gives approximate times. Around them, time warping is computed from the start of the interval to
    every moment of the recording and every boundary for leaving, and backwards from its end to every boundary for
    entering; the cheapest pair that meets is chosen.
    """
    middle_s = float(after.recording_s[0])
    from_s, to_s = max(before.recording_s[0], middle_s - REACH_S), min(after.recording_s[-1], middle_s + REACH_S)
    first_s = float(np.interp(from_s, before.recording_s, before.score_s))
    last_s = float(np.interp(to_s, after.recording_s, after.score_s))
    leave_s, enter_s = float(before.score_s[-1]), float(after.score_s[0])
    frame_s = FINE_FACTOR * FRAME_S
    first_frame = round(from_s / FRAME_S)
    rows = _finer(levels[:, first_frame : max(round(to_s / FRAME_S), first_frame + 2 * FINE_FACTOR)])
    leaving = boundaries[(boundaries > first_s) & (np.abs(boundaries - leave_s) <= SLACK_S)]
    entering = boundaries[(boundaries < last_s) & (np.abs(boundaries - enter_s) <= SLACK_S)]
    if not len(leaving) or not len(entering) or rows[0].shape[1] < 2:
        return _nearest(leave_s, boundaries), _nearest(enter_s, boundaries)
    forwards = _totals(rows, _stretch(score, Section(first_s, leaving[-1]), frame_s), backwards=False)
    back = _totals(rows, _stretch(score, Section(entering[0], last_s), frame_s), backwards=True)
    leave_columns = np.clip(np.rint((leaving - first_s) / frame_s).astype(int), 1, forwards.shape[1]) - 1
    enter_columns = np.clip(np.rint((entering - entering[0]) / frame_s).astype(int), 0, back.shape[1] - 1)
    left = forwards[:-1, leave_columns] + CUT_PRICE * passages.notes_cut(score, leaving)
    entered = back[1:, enter_columns] + CUT_PRICE * passages.notes_cut(score, entering)
    row = int(np.argmin(left.min(axis=1) + entered.min(axis=1)))
    return float(leaving[np.argmin(left[row])]), float(entering[np.argmin(entered[row])])


def _finer(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    onsets = features.recording_onsets(levels)
    return features.unit_columns(paths.averaged(levels, FINE_FACTOR)), paths.averaged(onsets, FINE_FACTOR)


def _stretch(score: Score, section: Section, frame_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Normalised columns and onsets of a section of the score."""
    notes = tuple(
        dataclasses.replace(
            note, onset_s=max(0.0, note.onset_s - section.start_s), offset_s=note.offset_s - section.start_s
        )
        for note in features.pitched_notes(score)
        if note.onset_s < section.end_s and note.offset_s > section.start_s
    )
    frames = max(2, round((section.end_s - section.start_s) / frame_s))
    part = dataclasses.replace(score, notes=notes)
    levels = features.unit_columns(features.score_levels(part, frames, frame_s))
    return levels, features.score_onsets(part, frames, frame_s)


def _totals(
    rows: tuple[np.ndarray, np.ndarray], columns: tuple[np.ndarray, np.ndarray], *, backwards: bool
) -> np.ndarray:
    """The cost of the cheapest path from the first frames to each pair of frames, or to the last frames from each."""
    cells = paths.frame_costs(rows, columns)
    return paths.totals(cells[::-1, ::-1])[::-1, ::-1] if backwards else paths.totals(cells)


def _joined(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Sections without empty ones; a section that begins where the one before ends is joined to it."""
    result: list[Section] = []
    for section in sections:
        if section.end_s <= section.start_s + 1e-6:
            continue
        if result and abs(result[-1].end_s - section.start_s) < 1e-6:
            result[-1] = Section(result[-1].start_s, section.end_s)
        else:
            result.append(section)
    return tuple(result)
