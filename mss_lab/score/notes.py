"""Notes and scores, and the files that hold them.

A Score is a list of notes in order of onset, together with the names of its sources (players, voices), in the order
in which results list them; a source may be silent. Times are in seconds from the start of the recording. Pitches are
MIDI numbers (60 is middle C), with fractions of a semitone where a transcription gives them.

Contents: Note, Score; read_score, read_csv, write_csv, read_midi, write_midi; select, shift, jitter, transpose,
with_tempo. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import csv
import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks, files, units
from ..refusals import RefusedType, RefusedValue
from .instruments import name_of, numbered

CSV_COLUMNS = ("instrument", "midi", "onset_s", "offset_s")
MIDI_TICKS_PER_QUARTER = 960
MIDI_QUARTERS_PER_MINUTE = 120

# The shortest note that a MIDI file of ours can say.
MIDI_TICK_S = 60 / MIDI_QUARTERS_PER_MINUTE / MIDI_TICKS_PER_QUARTER


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


def read_score(path: str | os.PathLike) -> Score:
    """Read a score by its ending; ValueError for any that is not among these.

    .csv as `read_csv`, .mid and .midi as `read_midi`, .musicxml, .mxl and .xml as
    `mss_lab.score.musicxml.read_musicxml`.
    """
    from .musicxml import read_musicxml

    path = Path(path)
    readers = {".csv": read_csv, ".mid": read_midi, ".midi": read_midi}
    readers |= dict.fromkeys((".musicxml", ".mxl", ".xml"), read_musicxml)
    if path.suffix.lower() not in readers:
        hint = "export it as MIDI"
        if path.suffix.lower() == ".txt":
            hint = "text files come in many forms: see mss_lab.score.annotations for those of URMP and Bach10"
        raise RefusedValue(f"score {path} must end in one of {', '.join(readers)}, got {path.suffix!r}; {hint}")
    return readers[path.suffix.lower()](path)


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


def read_midi(path: str | os.PathLike) -> Score:
    """Read a MIDI file: one source for each of its instruments.

    A source is named after its track, or after its General MIDI instrument where the track has no name; players of
    one name are told apart by a number ("violin", "violin 2"). Drum tracks become unpitched sources; tracks without a
    note are left out.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no MIDI file or holds no note.
    """
    import pretty_midi

    path = _existing(path)
    try:
        try:
            midi = pretty_midi.PrettyMIDI(str(path), charset="utf-8")
        except UnicodeDecodeError:
            # The format does not say how names are written; older programs use one byte a letter.
            midi = pretty_midi.PrettyMIDI(str(path), charset="latin-1")
    except Exception as error:
        # The parser raises whatever it stumbles over: EOFError, OSError, KeyError, ValueError.
        raise RefusedValue(
            f"{path} could not be read as MIDI ({str(error) or type(error).__name__}); "
            "give a Standard MIDI File, or export the score again"
        ) from error
    notes: list[Note] = []
    sources: list[str] = []
    unpitched: set[str] = set()
    for instrument in midi.instruments:
        name = "".join(letter for letter in instrument.name if letter.isprintable()).strip()
        plain = name or ("drums" if instrument.is_drum else name_of(instrument.program))
        source = numbered(plain, sources)
        sources.append(source)
        if instrument.is_drum:
            unpitched.add(source)
        for note in instrument.notes:
            # A note of no length would sound on a synthesiser; here it gets one tick.
            offset_s = max(float(note.end), float(note.start) + MIDI_TICK_S)
            notes.append(Note(source, note.pitch, float(note.start), offset_s, max(1, note.velocity)))
    if not notes:
        raise RefusedValue(f"{path} holds no notes; export the score again with its notes, or choose another file")
    return Score(tuple(notes), tuple(sources), frozenset(unpitched))


def write_midi(
    path: str | os.PathLike, score: Score, *, programs: Mapping[str, int] | None = None, force: bool = True
) -> None:
    """Write a MIDI file with one track per source, from which `read_midi` reads back the same score within limits.

    Times are exact to 0.3 ms and notes at least 0.5 ms long; pitches are rounded to semitones. Where notes of one
    source and pitch overlap, MIDI cannot say which of them ends first. Silent sources become empty tracks, which
    `read_midi` leaves out.

    Parameters
    ----------
    path : path
    score : Score
    programs : dict of source name -> General MIDI program (0 to 127), optional
        Sources left out get program 0.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ValueError
        If `programs` names a source that the score has not, or a program that does not exist.
    FileExistsError, OSError
        As for `mss_lab.files.whole_file`.
    """
    import pretty_midi

    programs = {
        checks.check_choice("a source of programs", source, score.sources): checks.check_number(
            f"programs[{source!r}]", program, at_least=0, at_most=127, whole=True
        )
        for source, program in (programs or {}).items()
    }
    midi = pretty_midi.PrettyMIDI(
        resolution=MIDI_TICKS_PER_QUARTER, initial_tempo=MIDI_QUARTERS_PER_MINUTE, charset="utf-8"
    )
    for source in score.sources:
        track = pretty_midi.Instrument(programs.get(source, 0), is_drum=source in score.unpitched, name=source)
        for note in score.notes_of(source):
            # Start and end on one tick would be read as an end and a start that nothing ends: the note would be lost.
            offset_s = max(note.offset_s, note.onset_s + MIDI_TICK_S)
            pitch = units.nearest_pitch(note.midi)
            track.notes.append(pretty_midi.Note(note.velocity, pitch, note.onset_s, offset_s))
        midi.instruments.append(track)
    with files.whole_file(path, force=force) as temporary:
        midi.write(str(temporary))


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
        raise RefusedValue(
            f"{path} must be a table of text in UTF-8 with the columns {wanted}, got something else ({error}); "
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
