"""From piano rolls back to notes: what a network that transcribes gives becomes a score.

A pitch that sounds in consecutive frames is one note, by the rule of `mss_lab.score.roll.piano_roll`: from the start of
its first frame to the end of its last. So the roll of the score of a roll is that roll again, but notes that are
repeated without a gap become one.

Contents: score_of_roll. Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..refusals import ShapeError
from .notes import Note, Score
from .roll import PITCHES


def score_of_roll(
    roll: np.ndarray,
    frame_rate_hz: float,
    sources: Sequence[str],
    *,
    threshold: float | Mapping[str, float] = 0.5,
    least_s: float = 0.0,
) -> Score:
    """The notes of a roll of zeros and ones, or of how likely each pitch sounds.

    Parameters
    ----------
    roll : bool or float (sources, 128, frames)
        Axes as `mss_lab.score.roll.piano_roll` gives them.
    frame_rate_hz : float > 0
        Frames a second: sample rate / hop.
    sources : sequence of str
        Names of the first axis.
    threshold : float in [0, 1], or dict of source name -> float
        A pitch sounds in a frame if its value is at least this; where a dict names no value, 0.5.
    least_s : float >= 0, seconds
        Shorter notes are left out.

    Returns
    -------
    Score
        Times on the grid of the frames; every source is named, also those without a note.

    Raises
    ------
    ShapeError, ValueError
        If the roll has other axes, or a number is out of its range.

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: Manilow, PhD thesis 2022 (thresholds 0.8, drums 0.1).

    Examples
    --------
    >>> roll = np.zeros((1, 128, 5))
    >>> roll[0, 69, 1:3] = 0.9
    >>> score_of_roll(roll, 10, ["flute"]).notes
    (Note(source='flute', midi=69, onset_s=0.1, offset_s=0.3, velocity=80),)
    """
    roll = checks.check_finite("roll", checks.check_axes("roll", roll, "sources pitches frames"))
    if roll.shape[:2] != (len(sources), PITCHES):
        raise ShapeError(
            f"roll must be ({len(sources)} sources, {PITCHES} pitches, frames), got {roll.shape}; the names of the "
            "sources belong to its first axis"
        )
    checks.check_number("frame_rate_hz", frame_rate_hz, above=0, unit="frames a second")
    checks.check_number("least_s", least_s, at_least=0, unit="seconds")
    notes = []
    for source, pitches in zip(sources, roll, strict=True):
        minimum = threshold.get(source, 0.5) if isinstance(threshold, Mapping) else threshold
        checks.check_number("threshold", minimum, at_least=0, at_most=1)
        sounding = np.pad(pitches >= minimum, ((0, 0), (1, 1))).astype(np.int8)
        for midi, row in enumerate(np.diff(sounding, axis=1)):
            # The same number of beginnings and ends, in turn.
            for first, last in zip(np.flatnonzero(row > 0), np.flatnonzero(row < 0), strict=True):
                if last - first >= least_s * frame_rate_hz:
                    notes.append(Note(source, midi, float(first / frame_rate_hz), float(last / frame_rate_hz)))
    return Score(tuple(notes), tuple(sources))
