"""Notes and scores, and the files that hold them.

A Score is a list of notes in order of onset, together with the names of its sources (players, voices), in the order
in which results list them; a source may be silent. Times are in seconds from the start of the recording. Pitches are
MIDI numbers (60 is middle C), with fractions of a semitone where a transcription gives them.

Contents: Note, Score; read_score, read_score_in_full, read_csv, write_csv; select, shift, jitter, transpose,
with_tempo. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import csv
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks, files
from ..refusals import RefusedType, RefusedValue
from .reading import Reading, ScoreWarning

CSV_COLUMNS = ("instrument", "midi", "onset_s", "offset_s")


@dataclasses.dataclass(frozen=True)
class Note:
    """One note of one source.

    Attributes
    ----------
    source : str
        Who plays it.
    midi : float in [0, 127]
        Pitch.
    onset_s, offset_s : float
        Start and end in seconds, 0 <= onset_s < offset_s.
    velocity : int in [1, 127]
        How strongly it is struck, as MIDI counts it.

    Raises
    ------
    TypeError, ValueError
        If a value is no number, or outside its range.
    """

    source: str
    midi: float
    onset_s: float
    offset_s: float
    velocity: int = 80

    def __post_init__(self) -> None:
        if not isinstance(self.source, str) or not self.source or not self.source.isprintable():
            raise RefusedValue(
                f"a note's source must be a name, got {self.source!r}; say who plays it, such as 'violin'"
            )
        # Kept as Python's own numbers, so that notes compare and print alike wherever they come from.
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
        Given in any order; kept by onset, then in the order of sources, then by pitch.
    sources : tuple of str
        Every source once, in the order of results. Left out: in the order in which they first play.
    unpitched : frozenset of str
        Sources whose "pitches" name drums, not frequencies. Names that are not among the sources are dropped.

    Raises
    ------
    TypeError
        If a note is no Note, or a name stands where a list of names should.
    ValueError
        If a source is named twice, or a note belongs to none.
    """

    notes: tuple[Note, ...]
    sources: tuple[str, ...] = ()
    unpitched: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for note in self.notes:
            if not isinstance(note, Note):
                raise RefusedType(f"notes must hold Notes, got {note!r}; make each with mss_lab.score.notes.Note")
        for field, names in (("sources", self.sources), ("unpitched", self.unpitched)):
            # Text is a sequence too: of its letters.
            if isinstance(names, str):
                raise RefusedType(f"{field} must be a list of names, got {names!r}; write ({names!r},)")
        notes = sorted(self.notes, key=lambda note: note.onset_s)
        sources = tuple(self.sources) or tuple(dict.fromkeys(note.source for note in notes))
        if len(set(sources)) != len(sources):
            raise RefusedValue(f"every source must have a name of its own, got {', '.join(sources)}; rename one")
        strangers = sorted({note.source for note in notes} - set(sources))
        if strangers:
            raise RefusedValue(
                f"every note must belong to one of the sources {', '.join(sources)}, got {', '.join(strangers)}; "
                "add the name to the sources, or mend the notes"
            )
        order = {source: index for index, source in enumerate(sources)}
        notes.sort(key=lambda note: (note.onset_s, order[note.source], note.midi))
        object.__setattr__(self, "notes", tuple(notes))
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "unpitched", frozenset(self.unpitched) & set(sources))

    @property
    def duration_s(self) -> float:
        """End of the last note to end, in seconds; 0 without notes."""
        return max((note.offset_s for note in self.notes), default=0.0)

    def notes_of(self, source: str) -> tuple[Note, ...]:
        """The notes of one source."""
        return tuple(note for note in self.notes if note.source == source)


def read_score(path: str | os.PathLike, *, players: Iterable[str] | None = None, pedal: bool = False) -> Score:
    """The notes of a score file; what is doubtful about them is warned of (ScoreWarning). See `read_score_in_full`."""
    reading = read_score_in_full(path, players=players, pedal=pedal)
    for sentence in reading.warnings:
        warnings.warn(sentence, ScoreWarning, stacklevel=2)
    return reading.score


def read_score_in_full(
    path: str | os.PathLike, *, players: Iterable[str] | None = None, pedal: bool = False
) -> Reading:
    """Read a score, and say how it was read. The file's ending chooses the reader.

    Parameters
    ----------
    path : path
        .csv as `read_csv` reads it, .mid and .midi as `mss_lab.score.midi.read_midi_in_full`, .musicxml, .mxl and .xml
        as `mss_lab.score.musicxml.read_musicxml_in_full`.
    players : names, optional
        New names for all sources, in the file's order, as `mss_lab.score.players.named` gives them.
    pedal : bool
        Whether the sustain pedal of a MIDI file lengthens notes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the ending is another, the file cannot be read, there are not as many names as players, or `pedal` is asked
        of a file that is not MIDI.
    """
    path = Path(path)
    readers = _readers()
    ending = path.suffix.lower()
    if ending not in readers:
        hint = "export it as MIDI"
        if ending == ".txt":
            hint = "text files come in many forms: see mss_lab.score.annotations for those of URMP and Bach10"
        raise RefusedValue(f"score {path} must end in one of {', '.join(readers)}, got {path.suffix!r}; {hint}")
    if pedal and ending not in (".mid", ".midi"):
        raise RefusedValue(f"only MIDI files hold a sustain pedal, got {path} and pedal; leave the pedal out")
    reading = readers[ending](path, pedal=True) if pedal else readers[ending](path)
    if players is None:
        return reading
    from .players import named

    score = named(reading.score, players)
    renamed = dict(zip(reading.score.sources, score.sources, strict=True))
    programs = {renamed[source]: program for source, program in reading.programs.items()}
    return dataclasses.replace(reading, score=score, unnamed=frozenset(), programs=programs)


def _readers() -> dict[str, Callable[..., Reading]]:
    # Imported here, because the readers of formats make Notes and Scores.
    from . import midi, musicxml

    def table(path: Path) -> Reading:
        return Reading(read_csv(path))

    readers = {".csv": table, ".mid": midi.read_midi_in_full, ".midi": midi.read_midi_in_full}
    return readers | dict.fromkeys(musicxml.ENDINGS, musicxml.read_musicxml_in_full)


def read_csv(path: str | os.PathLike) -> Score:
    """Read notes from a table with the columns instrument, midi, onset_s, offset_s (and velocity, if it is there).

    Columns may stand in any order, and others beside them. Rows must stand in order of onset: a row out of order is
    most often a mistyped time.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing, there is no row, or a row is not a note; the message names the line.
    """
    path = _existing(path)
    notes: list[Note] = []
    for number, row in _rows(path):
        try:
            note = Note(
                source=_cell(row, "instrument"),
                midi=_number(row, "midi"),
                onset_s=_number(row, "onset_s"),
                offset_s=_number(row, "offset_s"),
                velocity=_number(row, "velocity") if row.get("velocity") else 80,
            )
        except ValueError as error:
            raise RefusedValue(f"line {number} of {path} is not a note: {error}") from error
        if notes and note.onset_s < notes[-1].onset_s:
            raise RefusedValue(
                f"line {number} of {path} must not start before the line above it, at {notes[-1].onset_s} s, "
                f"got {note.onset_s} s; mend the time, or sort the lines by onset_s"
            )
        notes.append(note)
    if not notes:
        raise RefusedValue(f"{path} holds no notes; give at least one line under the heading")
    return Score(tuple(notes))


def write_csv(path: str | os.PathLike, score: Score, *, force: bool = True) -> None:
    """Write a table from which `read_csv` reads back the same notes, to the last digit.

    What the table does not say is lost: silent sources, the order of sources, and which are unpitched.
    """
    with files.whole_file(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow((*CSV_COLUMNS, "velocity"))
        for note in score.notes:
            table.writerow((note.source, note.midi, note.onset_s, note.offset_s, note.velocity))


def select(score: Score, sources: Iterable[str]) -> Score:
    """The score of some of its sources, in the order given; ValueError for a name that it has not."""
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


def jitter(score: Score, within_s: float, *, rng: np.random.Generator) -> Score:
    """The score with every note moved by a draw of its own, uniform within `within_s` either way.

    Durations are kept and no note is lost: one drawn to a start before 0 starts at 0.
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
    """The score with every pitched note moved by `semitones`; drums stay. ValueError beyond MIDI's 0 to 127."""
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


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    wanted = ", ".join(CSV_COLUMNS)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            columns = tuple(table.fieldnames or ())
            rows = [(table.line_num, row) for row in table]
    except (UnicodeDecodeError, csv.Error) as error:
        what = f"byte {error.start + 1} is none" if isinstance(error, UnicodeDecodeError) else str(error)
        raise RefusedValue(
            f"{path} must be a table of text in UTF-8 with the columns {wanted}, got something else ({what}); "
            "save it again as CSV in UTF-8"
        ) from error
    missing = [column for column in CSV_COLUMNS if column not in columns]
    if missing:
        raise RefusedValue(
            f"{path} must have the columns {wanted}, got {', '.join(columns) or 'none'}; "
            f"add {', '.join(missing)} to its first line, with commas between"
        )
    for number, row in rows:
        # A decimal comma splits a number in two, and every cell behind it moves: better refused than misread.
        if None in row:
            raise RefusedValue(
                f"line {number} of {path} must have {len(columns)} cells, one for each column, got more; "
                "write decimals with a point"
            )
    return rows


def _cell(row: Mapping[str, str | None], column: str) -> str:
    cell = (row[column] or "").strip()
    if not cell:
        raise RefusedValue(f"{column} must be given, got an empty cell; fill it in, or delete the line")
    return cell


def _number(row: Mapping[str, str | None], column: str) -> Any:
    cell = _cell(row, column)
    try:
        number = float(cell)
    except ValueError:
        raise RefusedValue(f"{column} must be a number, got {cell!r}; write it like 60 or 0.25") from None
    # Pitches and velocities are whole numbers as a rule, and stay so.
    return int(cell) if cell.isdecimal() and cell.isascii() else number


def _existing(path: str | os.PathLike) -> Path:
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"score {path} {what}; give the path of a MIDI file or a table of notes (.csv)")
    return path
