"""The result of reading a score file: its notes, and information for deciding whether to trust them.

Every reader of a file format returns a Reading. `mss_lab.score.files.read_score` returns only the notes and issues the
warnings as ScoreWarnings; the command `mss-lab score` prints everything.

Contents: ScoreWarning, Reading.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .notes import Score


class ScoreWarning(UserWarning):
    """A score was read or used, but its result is doubtful."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """A score, with information about how it was read.

    Attributes
    ----------
    score : Score
    tempos : tuple of (time_s, quarters_per_minute)
        Every tempo with the time from which it applies; empty if the format has no tempo.
    measures : tuple of str
        The numbers of the measures in the order in which they are played, with repeats; empty if the format has no
        measures.
    unnamed : frozenset of str
        Sources without a name in the file. They are named after their General MIDI program, or after their position in
        the file.
    warnings : tuple of str
        Descriptions of what was left out, repaired or guessed, each a whole sentence.
    programs : dict of source name -> int in [0, 127]
        General MIDI programs of a MIDI file; empty for other formats.
    """

    score: "Score"
    tempos: tuple[tuple[float, float], ...] = ()
    measures: tuple[str, ...] = ()
    unnamed: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    programs: Mapping[str, int] = dataclasses.field(default_factory=dict)
