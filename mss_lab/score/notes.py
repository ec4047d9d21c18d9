"""Notes and scores.

A Score is a list of notes in order of onset, together with the names of its sources (players, voices), in the order in
which results list them; a source may be silent. Times are in seconds from the start of the recording. Pitches are MIDI
numbers (60 is middle C), with fractions of a semitone if a transcription contains them.

Contents: Note, Score; select, shift, section, jitter, transpose, with_tempo. `files` reads and writes them.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

from .. import checks
from ..refusals import RefusedType, RefusedValue


@dataclasses.dataclass(frozen=True)
class Note:
    """One note of one source.

    Attributes
    ----------
    source : str
        The source that plays it.
    midi : float in [0, 127]
        Pitch.
    onset_s, offset_s : float
        Start and end in seconds, 0 <= onset_s < offset_s.
    velocity : int in [1, 127]
        Its strength, as a MIDI velocity.

    Raises
    ------
    TypeError, ValueError
        If a value is not a number, or outside its range.
    """

    source: str
    midi: float
    onset_s: float
    offset_s: float
    velocity: int = 80

    def __post_init__(self) -> None:
        if not isinstance(self.source, str) or not self.source or not self.source.isprintable():
            raise RefusedValue(
                f"a note's source must be a name, got {self.source!r}; name its player, such as 'violin'"
            )
        # Stored as Python's own numbers, so that notes from all origins compare and print equally.
        checked = {
            "midi": checks.check_number("midi", self.midi, at_least=0, at_most=127, hint="60 is middle C"),
            "onset_s": float(
                checks.check_number(
                    "onset_s", self.onset_s, at_least=0, unit="seconds", hint="0 is the start of the recording"
                )
            ),
            "offset_s": float(checks.check_number("offset_s", self.offset_s, unit="seconds")),
            "velocity": checks.check_number("velocity", self.velocity, at_least=1, at_most=127, whole=True),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.offset_s <= self.onset_s:
            raise RefusedValue(
                f"a note must end after it starts, got onset {self.onset_s} s and offset {self.offset_s} s "
                f"({self.source}, pitch {self.midi}); give offset_s as a time, not as a duration"
            )


@dataclasses.dataclass(frozen=True)
class Score:
    """Notes in order of onset, and the sources that play them.

    Attributes
    ----------
    notes : tuple of Note
        Given in any order; stored by onset, then in the order of sources, then by pitch.
    sources : tuple of str
        Every source once, in the order of results. Default: in the order in which they first play.
    unpitched : frozenset of str
        Sources whose "pitches" are drums, not frequencies. Names that are not among the sources are ignored.

    Raises
    ------
    TypeError
        If a note is not a Note, or a name is given instead of a list of names.
    ValueError
        If a source is named twice, or the source of a note is not in the list.
    """

    notes: tuple[Note, ...]
    sources: tuple[str, ...] = ()
    unpitched: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for note in self.notes:
            if not isinstance(note, Note):
                raise RefusedType(f"notes must hold Notes, got {note!r}; make each with mss_lab.score.notes.Note")
        for field, names in (("sources", self.sources), ("unpitched", self.unpitched)):
            # Text is a sequence too: one of letters.
            if isinstance(names, str):
                raise RefusedType(f"{field} must be a list of names, got {names!r}; write ({names!r},)")
        notes = sorted(self.notes, key=lambda note: note.onset_s)
        sources = tuple(self.sources) or tuple(dict.fromkeys(note.source for note in notes))
        if len(set(sources)) != len(sources):
            raise RefusedValue(f"every source must have its own name, got {', '.join(sources)}; rename one")
        unknown = sorted({note.source for note in notes} - set(sources))
        if unknown:
            raise RefusedValue(
                f"every note must belong to one of the sources {', '.join(sources)}, got {', '.join(unknown)}; "
                "add the name to the sources, or correct the notes"
            )
        order = {source: index for index, source in enumerate(sources)}
        notes.sort(key=lambda note: (note.onset_s, order[note.source], note.midi))
        object.__setattr__(self, "notes", tuple(notes))
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "unpitched", frozenset(self.unpitched) & set(sources))

    @property
    def duration_s(self) -> float:
        """End of the last note, in seconds; 0 without notes."""
        return max((note.offset_s for note in self.notes), default=0.0)

    def notes_of(self, source: str) -> tuple[Note, ...]:
        """The notes of one source."""
        return tuple(note for note in self.notes if note.source == source)


def select(score: Score, sources: Iterable[str]) -> Score:
    """The score of some of its sources, in the given order; ValueError for a name that is not in the score."""
    if isinstance(sources, str):
        raise RefusedType(f"sources must be a list of names, got {sources!r}; write [{sources!r}]")
    sources = tuple(sources)
    for source in sources:
        checks.check_choice("source", source, score.sources)
    kept = tuple(note for note in score.notes if note.source in sources)
    return Score(kept, sources, score.unpitched & set(sources))


def shift(score: Score, shift_s: float) -> Score:
    """The score moved in time; notes that would start before 0 are cut, those that would end before 0 left out."""
    checks.check_number("shift_s", shift_s, unit="seconds")
    return _with_times(score, [(note.onset_s + shift_s, note.offset_s + shift_s) for note in score.notes])


def section(score: Score, start_s: float, length_s: float) -> Score:
    """The notes of a section, with times from its start; notes that reach beyond its ends are cut."""
    checks.check_number("length_s", length_s, above=0, unit="seconds")
    moved = shift(score, -start_s)
    kept = tuple(
        dataclasses.replace(note, offset_s=min(note.offset_s, length_s))
        for note in moved.notes
        if note.onset_s < length_s
    )
    return Score(kept, moved.sources, moved.unpitched)


def jitter(score: Score, within_s: float, *, rng: np.random.Generator) -> Score:
    """The score with every note shifted by its own random amount, uniform within `within_s` in both directions.

    Durations are kept and no note is lost: a note that would start before 0 starts at 0.
    """
    checks.check_number("within_s", within_s, at_least=0, unit="seconds")
    draws = checks.check_generator("rng", rng).uniform(-within_s, within_s, len(score.notes))
    moves = [max(float(draw), -note.onset_s) for note, draw in zip(score.notes, draws, strict=True)]
    times = [(n.onset_s + move, n.offset_s + move) for n, move in zip(score.notes, moves, strict=True)]
    return _with_times(score, times)


def with_tempo(score: Score, ratio: float) -> Score:
    """The score played `ratio` times as fast: 2 halves every time."""
    checks.check_number("ratio", ratio, above=0)
    return _with_times(score, [(note.onset_s / ratio, note.offset_s / ratio) for note in score.notes])


def transpose(score: Score, semitones: float) -> Score:
    """The score with every pitched note transposed; drums are not changed. ValueError outside MIDI's 0 to 127."""
    checks.check_number("semitones", semitones, unit="semitones")
    notes = tuple(
        note if note.source in score.unpitched else dataclasses.replace(note, midi=note.midi + semitones)
        for note in score.notes
    )
    return dataclasses.replace(score, notes=notes)


def _with_times(score: Score, times: Iterable[tuple[float, float]]) -> Score:
    notes = tuple(
        dataclasses.replace(note, onset_s=max(0.0, onset_s), offset_s=offset_s)
        for note, (onset_s, offset_s) in zip(score.notes, times, strict=True)
        if offset_s > 0
    )
    return dataclasses.replace(score, notes=notes)
