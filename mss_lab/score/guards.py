"""Checks of a score for methods and alignment, with messages that explain a refusal.

Contents: check_score, check_pitched, check_score_fits.
"""

from typing import Any

from ..refusals import RefusedType, RefusedValue
from .notes import Score


def check_score(score: Any) -> Score:
    """Return the score if it is a Score; otherwise raise TypeError, with advice on how to read one."""
    if not isinstance(score, Score):
        raise RefusedType(
            f"score must be a Score, got {type(score).__name__}; read one with mss_lab.score.files.read_score"
        )
    return score


def check_pitched(score: Score) -> None:
    """Raise ValueError if a source has no pitches, such as drums: the frequencies of its harmonics are unknown."""
    if score.unpitched:
        raise RefusedValue(
            f"this method needs pitches, and {', '.join(sorted(score.unpitched))} has none; "
            "leave such sources out with mss_lab.score.notes.select"
        )


def check_score_fits(score: Score | None, duration_s: float) -> Score:
    """Return the score if it has a note within the recording; otherwise raise ValueError or TypeError."""
    if score is None:
        raise RefusedValue("this method needs a score, got none; give the recording's notes as MIDI, MusicXML or CSV")
    score = check_score(score)
    if not any(note.onset_s < duration_s for note in score.notes):
        first_s = score.notes[0].onset_s if score.notes else None
        content = "no note at all" if first_s is None else f"a first note at {first_s:g} s"
        raise RefusedValue(
            f"the score has no note within the recording's {duration_s:.3g} s, got {content}; "
            "is it the score of this recording, with times in seconds from its start?"
        )
    return score
