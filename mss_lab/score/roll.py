"""Piano rolls: a score on the frames of a transform.

Contents: piano_roll, note_frames. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import math

import numpy as np

from .. import checks, units
from .notes import Note, Score

PITCHES = 128

# 0.29 s at 100 frames a second is frame 28.999999999999996 in floating point. A difference to a whole frame of less
# than this is a rounding error.
ROUNDING_FRAMES = 1e-6


def piano_roll(score: Score, frames: int, frame_rate_hz: float, *, tolerance_s: float = 0.0) -> np.ndarray:
    """Which pitch sounds in which frame, for each source.

    A note from `onset_s` to `offset_s` fills frames floor(onset_s * rate) to ceil(offset_s * rate), the last not
    included; frames beyond the end are left out. Adjacent notes of one source and pitch are not separated.

    Parameters
    ----------
    score : Score
        Pitches are rounded to the nearest semitone.
    frames : int >= 1
    frame_rate_hz : float > 0
        Frames a second: sample rate / hop.
    tolerance_s : float >= 0, seconds
        Every note starts this much earlier and ends this much later.

    Returns
    -------
    bool (sources, 128, frames)

    Lesson: notebooks/00_unmix_in_five_minutes.ipynb. Reference: Tunturi et al. 2025 (binary roll, no velocity).

    Examples
    --------
    >>> score = Score((Note("flute", 69, 0.1, 0.3),))
    >>> roll = piano_roll(score, frames=5, frame_rate_hz=10)
    >>> roll.shape, np.flatnonzero(roll[0, 69])
    ((1, 128, 5), array([1, 2]))
    """
    frames = checks.check_number("frames", frames, at_least=1, whole=True)
    checks.check_number("frame_rate_hz", frame_rate_hz, above=0, unit="frames a second")
    checks.check_number("tolerance_s", tolerance_s, at_least=0, unit="seconds")
    index = {source: i for i, source in enumerate(score.sources)}
    roll = np.zeros((len(score.sources), PITCHES, frames), dtype=bool)
    for note in score.notes:
        filled = note_frames(note, frames, frame_rate_hz, tolerance_s)
        roll[index[note.source], units.nearest_pitch(note.midi), filled] = True
    return roll


def note_frames(note: Note, frames: int, frame_rate_hz: float, tolerance_s: float = 0.0, start_s: float = 0.0) -> slice:
    """The frames that a note fills, by the rule of `piano_roll`; empty if the note lies outside them.

    The first of the frames is at `start_s`, which differs from 0 if they belong to a part of a recording.
    """
    first = max(0, math.floor((note.onset_s - start_s - tolerance_s) * frame_rate_hz + ROUNDING_FRAMES))
    last = min(frames, math.ceil((note.offset_s - start_s + tolerance_s) * frame_rate_hz - ROUNDING_FRAMES))
    return slice(min(first, frames), max(first, last))
