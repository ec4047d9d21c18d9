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

import numpy as np

from .. import checks, files

CSV_COLUMNS = ("instrument", "midi", "onset_s", "offset_s")
MIDI_TICKS_PER_QUARTER = 960


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
    """

    source: str
    midi: float
    onset_s: float
    offset_s: float
    velocity: int = 80

    def __post_init__(self) -> None:
        if not isinstance(self.source, str) or not self.source:
            raise ValueError(f"a note's source must be a name, got {self.source!r}")
        checks.check_number("midi", self.midi, at_least=0, at_most=127)
        checks.check_number("onset_s", self.onset_s, at_least=0, unit="seconds")
        checks.check_number("velocity", self.velocity, at_least=1, at_most=127, whole=True)
        checks.check_number("offset_s", self.offset_s, unit="seconds")
        if self.offset_s <= self.onset_s:
            raise ValueError(
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
        Sources whose "pitches" name drums, not frequencies.
    """

    notes: tuple[Note, ...]
    sources: tuple[str, ...] = ()
    unpitched: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        notes = sorted(self.notes, key=lambda note: note.onset_s)
        sources = tuple(self.sources) or tuple(dict.fromkeys(note.source for note in notes))
        if len(set(sources)) != len(sources):
            raise ValueError(f"every source must have a name of its own, got {', '.join(sources)}")
        strangers = sorted({note.source for note in notes} - set(sources))
        if strangers:
            raise ValueError(f"notes belong to {', '.join(strangers)}, not among the sources {', '.join(sources)}")
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
    """Read a score by its ending: .csv, .mid or .midi."""
    path = Path(path)
    readers = {".csv": read_csv, ".mid": read_midi, ".midi": read_midi}
    if path.suffix.lower() not in readers:
        raise ValueError(f"score {path} must end in one of {', '.join(readers)}, got {path.suffix!r}")
    return readers[path.suffix.lower()](path)


def read_csv(path: str | os.PathLike) -> Score:
    """Read notes from a table with the columns instrument, midi, onset_s, offset_s (and velocity, if it is there).

    Rows must stand in order of onset: a row out of order is most often a mistyped time.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing, there is no row, or a row is not a note; the message names the row.
    """
    path = _existing(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            columns = tuple(table.fieldnames or ())
            rows = list(table)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file; give a table with columns {', '.join(CSV_COLUMNS)}") from error
    missing = [column for column in CSV_COLUMNS if column not in columns]
    if missing:
        raise ValueError(
            f"{path} must have the columns {', '.join(CSV_COLUMNS)}, got {', '.join(columns) or 'none'}; "
            f"missing: {', '.join(missing)}"
        )
    notes: list[Note] = []
    for number, row in enumerate(rows, start=2):
        try:
            note = Note(
                source=row["instrument"],
                midi=float(row["midi"]),
                onset_s=float(row["onset_s"]),
                offset_s=float(row["offset_s"]),
                velocity=int(row.get("velocity") or 80),
            )
        except (TypeError, ValueError) as error:
            raise ValueError(f"line {number} of {path} is not a note: {error}") from error
        if notes and note.onset_s < notes[-1].onset_s:
            raise ValueError(
                f"line {number} of {path} starts at {note.onset_s} s, before the line above it ({notes[-1].onset_s} s); "
                "mend the time, or sort the lines by onset_s"
            )
        notes.append(note)
    if not notes:
        raise ValueError(f"{path} holds no notes; give at least one line under the heading")
    return Score(tuple(notes))


def write_csv(path: str | os.PathLike, score: Score, *, force: bool = True) -> None:
    """Write a table that `read_csv` reads back as the same score (silent sources apart)."""
    with files.whole_file(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow((*CSV_COLUMNS, "velocity"))
        for note in score.notes:
            table.writerow((note.source, f"{note.midi:g}", note.onset_s, note.offset_s, note.velocity))


def read_midi(path: str | os.PathLike) -> Score:
    """Read a MIDI file: one source for each of its instruments.

    A source is named after its track, or after its General MIDI instrument where the track has no name; players of
    one name are told apart by a number ("violin", "violin 2").

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
        midi = pretty_midi.PrettyMIDI(str(path))
    except Exception as error:
        # The parser raises whatever it stumbles over: EOFError, OSError, KeyError, ValueError.
        raise ValueError(f"{path} could not be read as MIDI ({error or type(error).__name__})") from error
    notes, sources, unpitched = [], [], set()
    for instrument in midi.instruments:
        if not instrument.notes:
            continue
        plain = instrument.name.strip() or _program_name(instrument.program, instrument.is_drum)
        source, number = plain, 1
        while source in sources:
            number += 1
            source = f"{plain} {number}"
        sources.append(source)
        if instrument.is_drum:
            unpitched.add(source)
        # A note of no length would sound on a synthesiser; it gets the shortest that the format can say.
        shortest_s = 1e-3
        for note in instrument.notes:
            offset_s = max(float(note.end), float(note.start) + shortest_s)
            notes.append(Note(source, note.pitch, float(note.start), offset_s, max(1, note.velocity)))
    if not notes:
        raise ValueError(f"{path} holds no notes; export the score again with its notes, or choose another file")
    return Score(tuple(notes), tuple(sources), frozenset(unpitched))


def write_midi(
    path: str | os.PathLike, score: Score, *, programs: Mapping[str, int] | None = None, force: bool = True
) -> None:
    """Write a MIDI file with one track per source; times are exact to half a millisecond, pitches rounded to semitones.

    Parameters
    ----------
    path : path
    score : Score
    programs : dict of source name -> General MIDI program (0 to 127), optional
        Sources left out get program 0.
    force : bool
        Whether an existing file may be replaced.
    """
    import pretty_midi

    programs = programs or {}
    midi = pretty_midi.PrettyMIDI(resolution=MIDI_TICKS_PER_QUARTER, initial_tempo=120)
    for source in score.sources:
        track = pretty_midi.Instrument(programs.get(source, 0), is_drum=source in score.unpitched, name=source)
        for note in score.notes_of(source):
            track.notes.append(pretty_midi.Note(note.velocity, round(note.midi), note.onset_s, note.offset_s))
        midi.instruments.append(track)
    with files.whole_file(path, force=force) as temporary:
        midi.write(str(temporary))


def select(score: Score, sources: Iterable[str]) -> Score:
    """The score of some of its sources, in the order given."""
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
    """The score with every note moved by a draw of its own, uniform within `within_s` either way; durations are kept.

    A note drawn to a start before 0 starts at 0 and keeps its end.
    """
    checks.check_number("within_s", within_s, at_least=0, unit="seconds")
    moves = checks.check_generator("rng", rng).uniform(-within_s, within_s, len(score.notes))
    times = [(n.onset_s + float(m), n.offset_s + float(m)) for n, m in zip(score.notes, moves, strict=True)]
    return _with_times(score, times)


def with_tempo(score: Score, ratio: float) -> Score:
    """The score played `ratio` times as fast: 2 halves every time."""
    checks.check_number("ratio", ratio, above=0)
    return _with_times(score, [(note.onset_s / ratio, note.offset_s / ratio) for note in score.notes])


def transpose(score: Score, semitones: float) -> Score:
    """The score with every pitched note moved by `semitones`; drums stay."""
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


def _existing(path: str | os.PathLike) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"score {path} does not exist; give the path of a MIDI file or a table of notes")
    return path


def _program_name(program: int, is_drum: bool) -> str:
    import pretty_midi

    return "drums" if is_drum else pretty_midi.program_to_instrument_name(program).lower()
