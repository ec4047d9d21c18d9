"""Notes and pitches in the formats of data sets: tables of numbers in text files, without a heading.

URMP has a file of notes and one of pitch over time for each player; Bach10 has one file for each piece, with the time
at which each written note sounds. Columns are separated by tabs, spaces or commas.

Contents: URMP_INSTRUMENTS, BACH10_SOURCES; read_urmp_notes, read_urmp, read_urmp_f0, read_bach10, read_program_rows.
Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import itertools
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import checks, units
from ..refusals import RefusedValue
from .instruments import name_of, numbered
from .notes import Note, Score

# The full names behind URMP's abbreviations of players. Its saxophones have several sizes.
URMP_INSTRUMENTS = {
    "vn": "violin",
    "va": "viola",
    "vc": "cello",
    "db": "double bass",
    "fl": "flute",
    "ob": "oboe",
    "cl": "clarinet",
    "sax": "saxophone",
    "bn": "bassoon",
    "tpt": "trumpet",
    "hn": "horn",
    "tbn": "trombone",
    "tba": "tuba",
}

# Channels 1 to 4 of Bach10: soprano, alto, tenor, bass.
BACH10_SOURCES = ("violin", "clarinet", "saxophone", "bassoon")

_URMP_NOTES = re.compile(r"Notes_(\d+)_([a-z]+)_\d+_\w+\.txt")


def read_urmp_notes(path: str | os.PathLike[str], source: str | None = None) -> Score:
    """Read one player's notes, `Notes_1_vn_01_Jupiter.txt`: onset in seconds, frequency in Hz, duration in seconds.

    Parameters
    ----------
    path : path
    source : str, optional
        The player's name. Default: read from the file's name.

    Returns
    -------
    Score
        A score of one source. Pitches keep their fractions of a semitone, for A4 at 440 Hz.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a row is not a note (the message names the line), there is none, or the file's name contains no player.

    Reference: Li, Liu, Dinesh, Duan and Sharma, IEEE Transactions on Multimedia 2019.
    """
    path = _existing(path)
    if source is None:
        named = _URMP_NOTES.fullmatch(path.name)
        if not named or named[2] not in URMP_INSTRUMENTS:
            raise RefusedValue(
                f"{path} must be named like Notes_1_vn_01_Jupiter.txt, with one of {', '.join(URMP_INSTRUMENTS)}; "
                "give the player: read_urmp_notes(path, 'violin')"
            )
        source = URMP_INSTRUMENTS[named[2]]
    notes = []
    for line, (onset_s, frequency_hz, duration_s) in _rows(path, "onset_s frequency_Hz duration_s"):
        if frequency_hz <= 0:
            raise RefusedValue(
                f"line {line} of {path} must have a frequency above 0 Hz, got {frequency_hz:g}; correct it"
            )
        notes.append(_note(path, line, source, float(units.hz_to_midi(frequency_hz)), onset_s, onset_s + duration_s))
    return _score(path, notes)


def read_urmp(folder: str | os.PathLike[str]) -> Score:
    """Read all players of a piece of URMP: every `Notes_*.txt` of its folder, in the order of their numbers.

    Players of one instrument are distinguished by a number ("violin", "violin 2").

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no such file in it.
    ValueError
        As for `read_urmp_notes`.
    """
    folder = Path(folder)
    matches = [(named, path) for path in folder.glob("Notes_*.txt") if (named := _URMP_NOTES.fullmatch(path.name))]
    if not matches:
        problem = "holds no file named like Notes_1_vn_01_Jupiter.txt" if folder.is_dir() else "is no folder"
        raise FileNotFoundError(f"{folder} {problem}; give the folder of one piece of URMP")
    notes: list[Note] = []
    sources: list[str] = []
    for named, path in sorted(matches, key=lambda item: int(item[0][1])):
        plain = URMP_INSTRUMENTS.get(named[2])
        source = numbered(plain, sources) if plain else None
        score = read_urmp_notes(path, source)
        sources += score.sources
        notes += score.notes
    return Score(tuple(notes), tuple(sources))


def read_urmp_f0(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read one player's pitch over time, `F0s_1_vn_01_Jupiter.txt`: time in seconds, fundamental frequency in Hz.

    Returns
    -------
    times_s, f0_hz : float64 (frames,)
        Times increase; 0 Hz where the player is silent.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `read_urmp_notes`; and if times do not increase, or a frequency is below 0.
    """
    path = _existing(path)
    rows = _rows(path, "time_s f0_Hz")
    if not rows:
        raise RefusedValue(f"{path} holds no frames; give a file of times and frequencies")
    last_s = -math.inf
    for line, (time_s, f0_hz) in rows:
        if time_s <= last_s:
            raise RefusedValue(
                f"line {line} of {path} must be later than the line before, got {time_s:g} s after {last_s:g} s; "
                "sort the lines by time"
            )
        if f0_hz < 0:
            raise RefusedValue(
                f"line {line} of {path} must have a frequency of at least 0 Hz, got {f0_hz:g}; correct it"
            )
        last_s = time_s
    times_s, f0_hz = np.array([values for _, values in rows], dtype=np.float64).T
    return times_s.copy(), f0_hz.copy()


def read_bach10(
    path: str | os.PathLike[str], *, times: str = "performed", sources: Sequence[str] = BACH10_SOURCES
) -> Score:
    """Read a piece of Bach10, `01-AchGottundHerr.txt`: when each note of the score sounds in the recording.

    A row contains the note's onset in the recording and in the score, both in milliseconds, its MIDI pitch and its
    channel. Ends are not given: a note lasts until the next of its part, as in sung chorales, and the last note of a
    part is as long as that part's longest note.

    Parameters
    ----------
    path : path
    times : {"performed", "written"}
        Which onsets to use: those of the recording or those of the score.
    sources : sequence of str
        Names of channels 1, 2, and so on.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `read_urmp_notes`; and if a channel has no name.

    Reference: Duan and Pardo, IEEE Journal of Selected Topics in Signal Processing 2011.
    """
    path = _existing(path)
    column = {"performed": 0, "written": 1}[checks.check_choice("times", times, ("performed", "written"))]
    parts: dict[int, list[tuple[float, int, float]]] = {}
    for line, row in _rows(path, "performed_ms written_ms midi channel"):
        if row[3] not in range(1, len(sources) + 1):
            raise RefusedValue(
                f"line {line} of {path} must have a channel from 1 to {len(sources)}, got {row[3]:g}; "
                "name all channels: read_bach10(path, sources=...)"
            )
        parts.setdefault(int(row[3]), []).append((row[column] / 1000, line, row[2]))
    notes: list[Note] = []
    for channel, part in sorted(parts.items()):
        onsets_s = sorted({onset_s for onset_s, _, _ in part})
        longest_s = max((after - before for before, after in itertools.pairwise(onsets_s)), default=1.0)
        ends_s = dict(zip(onsets_s, [*onsets_s[1:], onsets_s[-1] + longest_s], strict=True))
        notes += [
            _note(path, line, sources[channel - 1], midi, onset_s, ends_s[onset_s]) for onset_s, line, midi in part
        ]
    return _score(path, notes, tuple(sources[channel - 1] for channel in sorted(parts)))


def read_program_rows(path: str | os.PathLike[str]) -> Score:
    """Read rows of onset and offset in seconds, MIDI pitch and General MIDI program from 0, as in SynthSOD's pieces.

    All notes of one program are one source, named by `mss_lab.score.instruments.name_of`. A first line without any
    number is a heading, as in SynthSOD's files.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `read_urmp_notes`.
    """
    path = _existing(path)
    notes = []
    for line, (onset_s, offset_s, midi, program) in _rows(path, "onset_s offset_s midi program", heading=True):
        try:
            source = name_of(checks.check_number("program", program, whole=True))
        except ValueError as error:
            raise RefusedValue(f"line {line} of {path} is not a note: {error}") from error
        notes.append(_note(path, line, source, midi, onset_s, offset_s))
    return _score(path, notes)


def _rows(path: Path, columns: str, heading: bool = False) -> list[tuple[int, tuple[float, ...]]]:
    """The numbers of every line that is not empty, with the line's number; a heading is left out, if it is allowed."""
    names = columns.split()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedValue(
            f"{path} must be a table of numbers as text in UTF-8, got something else "
            f"(byte {error.start + 1} is not UTF-8)"
        ) from error
    rows = []
    for line, row in enumerate(text.splitlines(), start=1):
        cells = row.replace(",", " ").split()
        if not cells or (heading and line == 1 and not any(map(_is_number, cells))):
            continue
        try:
            values = tuple(float(cell) for cell in cells)
        except ValueError:
            values = ()
        if len(values) != len(names) or not all(math.isfinite(value) for value in values):
            raise RefusedValue(
                f"line {line} of {path} must hold {len(names)} numbers ({', '.join(names)}), got {row.strip()!r}; "
                "correct the line, or read the file with the function for its format"
            )
        rows.append((line, values))
    return rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _note(path: Path, line: int, source: str, midi: float, onset_s: float, offset_s: float) -> Note:
    try:
        return Note(source, int(midi) if midi == int(midi) else midi, onset_s, offset_s)
    except ValueError as error:
        raise RefusedValue(f"line {line} of {path} is not a note: {error}") from error


def _score(path: Path, notes: list[Note], sources: tuple[str, ...] = ()) -> Score:
    if not notes:
        raise RefusedValue(f"{path} holds no notes; give a file with one row for each note")
    return Score(tuple(notes), sources)


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"{path} {problem}; give the path of a text file of notes or pitches")
    return path
