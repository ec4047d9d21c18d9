"""Files of scores: MIDI, MusicXML and tables.

The ending of a file selects its reader. Tables are read and written here; `midi`, `musicxml` and `musicxml_writer`
handle the other formats.

Contents: read_score, read_score_in_full, read_csv, write_csv. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import csv
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..files import whole_file
from ..refusals import RefusedValue
from . import midi, musicxml
from .notes import Note, Score
from .players import named
from .reading import Reading, ScoreWarning

CSV_COLUMNS = ("instrument", "midi", "onset_s", "offset_s")


def read_score(path: str | os.PathLike[str], *, players: Iterable[str] | None = None, pedal: bool = False) -> Score:
    """The notes of a score file, with ScoreWarnings about doubtful ones. See `read_score_in_full`."""
    reading = read_score_in_full(path, players=players, pedal=pedal)
    for sentence in reading.warnings:
        warnings.warn(sentence, ScoreWarning, stacklevel=2)
    return reading.score


def read_score_in_full(
    path: str | os.PathLike[str], *, players: Iterable[str] | None = None, pedal: bool = False
) -> Reading:
    """Read a score, with information about how it was read. The file's ending selects the reader.

    Parameters
    ----------
    path : path
        .csv is read by `read_csv`, .mid and .midi by `mss_lab.score.midi.read_midi_in_full`, .musicxml, .mxl and .xml
        by `mss_lab.score.musicxml.read_musicxml_in_full`.
    players : names, optional
        New names for all sources, in the file's order; see `mss_lab.score.players.named`.
    pedal : bool
        Whether the sustain pedal of a MIDI file lengthens notes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the ending is another one, the file cannot be read, the number of names is not that of players, or `pedal` is
        used with a file that is not MIDI.
    """
    path = Path(path)
    readers = _readers()
    ending = path.suffix.lower()
    if ending not in readers:
        hint = "export it as MIDI"
        if ending == ".txt":
            hint = "text files have many formats: see mss_lab.score.annotations for those of URMP and Bach10"
        raise RefusedValue(f"score {path} must end in one of {', '.join(readers)}, got {path.suffix!r}; {hint}")
    if pedal and ending not in (".mid", ".midi"):
        raise RefusedValue(f"only MIDI files contain a sustain pedal, got {path} and pedal; leave the pedal out")
    reading = readers[ending](path, pedal=True) if pedal else readers[ending](path)
    if players is None:
        return reading
    score = named(reading.score, players)
    renamed = dict(zip(reading.score.sources, score.sources, strict=True))
    programs = {renamed[source]: program for source, program in reading.programs.items()}
    return dataclasses.replace(reading, score=score, unnamed=frozenset(), programs=programs)


def _readers() -> dict[str, Callable[..., Reading]]:
    def table(path: Path) -> Reading:
        return Reading(read_csv(path))

    readers = {".csv": table, ".mid": midi.read_midi_in_full, ".midi": midi.read_midi_in_full}
    return readers | dict.fromkeys(musicxml.ENDINGS, musicxml.read_musicxml_in_full)


def read_csv(path: str | os.PathLike[str]) -> Score:
    """Read notes from a table with the columns instrument, midi, onset_s, offset_s (and optionally velocity).

    Columns may be in any order, together with others. Rows must be in order of onset: a row out of order is usually a
    mistyped time.

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
                f"got {note.onset_s} s; correct the time, or sort the lines by onset_s"
            )
        notes.append(note)
    if not notes:
        raise RefusedValue(f"{path} holds no notes; give at least one line under the heading")
    return Score(tuple(notes))


def write_csv(path: str | os.PathLike[str], score: Score, *, force: bool = True) -> None:
    """Write a table from which `read_csv` reads back the same notes, to the last digit.

    Other information is lost: silent sources, the order of sources, and which are unpitched.
    """
    with whole_file(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow((*CSV_COLUMNS, "velocity"))
        for note in score.notes:
            table.writerow((note.source, note.midi, note.onset_s, note.offset_s, note.velocity))


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    required = ", ".join(CSV_COLUMNS)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            columns = tuple(table.fieldnames or ())
            rows = [(table.line_num, row) for row in table]
    except (UnicodeDecodeError, csv.Error) as error:
        problem = f"byte {error.start + 1} is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise RefusedValue(
            f"{path} must be a table of text in UTF-8 with the columns {required}, got something else ({problem}); "
            "save it again as CSV in UTF-8"
        ) from error
    missing = [column for column in CSV_COLUMNS if column not in columns]
    if missing:
        raise RefusedValue(
            f"{path} must have the columns {required}, got {', '.join(columns) or 'none'}; "
            f"add {', '.join(missing)} to its first line, separated by commas"
        )
    for number, row in rows:
        # A decimal comma splits a number in two and shifts all cells after it: refused rather than misread.
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
    # Pitches and velocities are usually whole numbers, and stay so.
    return int(cell) if cell.isdecimal() and cell.isascii() else number


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"score {path} {problem}; give the path of a MIDI file or a table of notes (.csv)")
    return path
