"""Metrics for a transcription: how many notes are right, by the package mir_eval.

A note of the transcription is right if its pitch is within half a semitone of a true note of the same source, its
onset within 50 ms, and, where ends count, its end within 50 ms or a fifth of the true note's length. Each true note is
matched with one note at most. Precision is the share of the transcribed notes that are right, recall the share of the
true notes that were found, and F1 their harmonic mean.

Contents: NoteScores, note_scores, frame_scores. Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

import dataclasses

import numpy as np

from .. import checks
from ..refusals import RefusedValue, ShapeError, require

# Tolerances of mir_eval and of MIREX.
ONSET_S = 0.05
PITCH_CENTS = 50.0
END_SHARE = 0.2


@dataclasses.dataclass(frozen=True)
class NoteScores:
    """How many notes, or frames, of one source are right.

    Attributes
    ----------
    precision, recall, f1 : float in [0, 1]
        0 where there is nothing to count in one of the two; 1 where there is nothing in either.
    """

    precision: float
    recall: float
    f1: float


def note_scores(true_notes: np.ndarray, notes: np.ndarray, *, ends: bool = True) -> NoteScores:
    """Compare the notes of one source with the true ones.

    Parameters
    ----------
    true_notes, notes : float (notes, 3)
        Pitch (MIDI number), onset and offset in seconds.
    ends : bool
        Whether the ends count; for drums they do not.

    Returns
    -------
    NoteScores

    Raises
    ------
    ModuleNotFoundError
        If mir_eval is not installed.
    ShapeError, ValueError
        If an array has other axes, or a note ends before it begins.

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: Raffel et al., ISMIR 2014 (mir_eval).
    """
    transcription = require("mir_eval.transcription", "note scores")
    true_notes, notes = _checked("true_notes", true_notes), _checked("notes", notes)
    if not len(true_notes) or not len(notes):
        value = float(len(true_notes) == len(notes))
        return NoteScores(value, value, value)
    precision, recall, f1, _ = transcription.precision_recall_f1_overlap(
        true_notes[:, 1:],
        _hz(true_notes[:, 0]),
        notes[:, 1:],
        _hz(notes[:, 0]),
        onset_tolerance=ONSET_S,
        pitch_tolerance=PITCH_CENTS,
        offset_ratio=END_SHARE if ends else None,
        offset_min_tolerance=ONSET_S,
    )
    return NoteScores(float(precision), float(recall), float(f1))


def frame_scores(true_roll: np.ndarray, roll: np.ndarray) -> NoteScores:
    """Compare a roll with the true one, pitch by pitch and frame by frame.

    Parameters
    ----------
    true_roll, roll : bool or 0 and 1, equal shapes

    Returns
    -------
    NoteScores

    Raises
    ------
    ShapeError
        If the shapes differ.

    Lesson: notebooks/21_separate_and_transcribe.ipynb

    Examples
    --------
    >>> frame_scores(np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0]))
    NoteScores(precision=0.5, recall=0.5, f1=0.5)
    """
    true_roll, roll = np.asarray(true_roll, bool), np.asarray(roll, bool)
    if true_roll.shape != roll.shape:
        raise ShapeError(
            f"roll must have the shape of true_roll, {true_roll.shape}, got {roll.shape}; make both with one number of "
            "frames"
        )
    true_count, count = np.count_nonzero(true_roll), np.count_nonzero(roll)
    if not true_count or not count:
        value = float(true_count == count)
        return NoteScores(value, value, value)
    right = np.count_nonzero(true_roll & roll)
    return NoteScores(float(right / count), float(right / true_count), float(2 * right / (count + true_count)))


def _hz(midi: np.ndarray) -> np.ndarray:
    hz: np.ndarray = 440.0 * 2.0 ** ((midi - 69) / 12)
    return hz


def _checked(name: str, notes: np.ndarray) -> np.ndarray:
    notes = np.asarray(notes, np.float64)
    if notes.size == 0:
        return notes.reshape(0, 3)
    notes = checks.check_finite(name, checks.check_axes(name, notes, "notes values"))
    if notes.shape[1] != 3:
        raise ShapeError(f"{name} must be (notes, 3), pitch, onset and offset, got {notes.shape}")
    wrong = np.flatnonzero(notes[:, 2] <= notes[:, 1])
    if len(wrong):
        first = notes[wrong[0]]
        raise RefusedValue(
            f"{name} must end after they begin, got one from {first[1]:g} to {first[2]:g} s; remove it or correct it"
        )
    return notes
