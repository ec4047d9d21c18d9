"""What a score file says: its notes, and what a person wants to know before trusting them.

Every reader of a file format returns a Reading. `mss_lab.score.files.read_score` keeps the notes alone and passes the
warnings on as ScoreWarnings; the command `mss-lab score` prints all of it.

Contents: ScoreWarning, Reading.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .notes import Score


class ScoreWarning(UserWarning):
    """A score was read or used, but something about it makes the result doubtful."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """A score, and how it was read.

    Attributes
    ----------
    score : Score
    tempos : tuple of (time_s, quarters_per_minute)
        Every tempo from the time at which it holds; empty where the format has no tempo.
    measures : tuple of str
        The numbers of the measures in the order in which they are played, repeats written out; empty where the format
        has no measures.
    unnamed : frozenset of str
        Sources that the file gives no name of their own. They are called after their General MIDI program, or after
        their place in the file.
    warnings : tuple of str
        What was left out, repaired or guessed, each a whole sentence.
    programs : dict of source name -> int in [0, 127]
        General MIDI programs, as a MIDI file has them; empty for other formats.
    """

    score: "Score"
    tempos: tuple[tuple[float, float], ...] = ()
    measures: tuple[str, ...] = ()
    unnamed: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    programs: Mapping[str, int] = dataclasses.field(default_factory=dict)
