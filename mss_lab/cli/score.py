"""`mss-lab score`: what was read in a score file, and the score as read in another format.

This is what to look at first when a separation sounds wrong: who plays, what and when, in which order the measures are
played, how fast, and what was doubtful about the file.
"""

import argparse
import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import files, units
from ..refusals import RefusedValue
from .plain import counted
from .separate import add_reading_arguments

if TYPE_CHECKING:
    from ..score.reading import Reading

WIDTH = 80
# Where names are too long for a table: the least width of a column, and how many of their last characters are kept.
LEAST_COLUMN, KEPT_END = 14, 5

# The formats that can be written, and how their files end.
ENDINGS = {"midi": (".mid", ".midi"), "csv": (".csv",), "musicxml": (".musicxml", ".xml")}


def add_arguments(score: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab score` to a parser."""
    score.add_argument("score", metavar="FILE", help="score: .mid, .musicxml, .mxl, or .csv with onsets in seconds")
    add_reading_arguments(score)
    score.add_argument("--to", choices=tuple(ENDINGS), help="write the score as it was read, repeats written out")
    score.add_argument("--out", metavar="OUT", help="the file that --to writes")
    score.add_argument("--force", action="store_true", help="replace OUT if it exists")


def run(options: argparse.Namespace) -> int:
    """Print what was read; write it where asked."""
    from ..score.files import read_score_in_full

    if (options.to is None) != (options.out is None):
        raise RefusedValue("--to and --out belong together; say both, such as --to midi --out score.mid")
    if options.to is not None:
        endings = ENDINGS[options.to]
        if Path(options.out).suffix.lower() not in endings:
            raise RefusedValue(f"--out {options.out} must end in {' or '.join(endings)} for --to {options.to}")
        files.check_new_file(options.out, force=options.force, inputs=[options.score])
    reading = read_score_in_full(options.score, players=options.players, pedal=options.pedal)
    print("\n".join(report(Path(options.score).name, reading)))
    if options.to is not None:
        with files.whole_file(options.out, force=options.force, inputs=[options.score]) as temporary:
            _write(options.to, temporary, reading)
        print(f"\nWritten: {options.out}")
    return 0


def _write(kind: str, path: Path, reading: "Reading") -> None:
    from ..score import midi, musicxml_writer
    from ..score.files import write_csv

    if kind == "csv":
        write_csv(path, reading.score)
    elif kind == "midi":
        midi.write_midi(path, reading.score, programs=_programs(reading))
    else:
        musicxml_writer.write_musicxml(path, reading.score, tempos=reading.tempos, programs=_programs(reading))


def _programs(reading: "Reading") -> dict[str, int]:
    """The program of every source that has one: as its name says, which is what methods go by, or as the file says."""
    from ..score.instruments import is_instrument, programs_of

    pitched = [source for source in reading.score.sources if not _is_drum(source, reading)]
    of_names = programs_of(source for source in pitched if is_instrument(source))
    programs = dict(reading.programs) | of_names
    return {source: programs[source] for source in pitched if source in programs}


def _is_drum(source: str, reading: "Reading") -> bool:
    from ..score.instruments import is_drums

    # Tables do not say what is unpitched.
    return source in reading.score.unpitched or is_drums(source)


def report(name: str, reading: "Reading") -> Iterator[str]:
    """The lines that `mss-lab score` prints, none wider than 80 columns; `name` is that of the file."""
    score = reading.score
    yield from _wrapped(
        f"{name}: {counted(len(score.sources), 'player')}, {counted(len(score.notes), 'note')}, "
        f"{_clock(score.duration_s)} long"
    )
    yield ""
    yield from _players(reading)
    if any(source in reading.unnamed for source in score.sources):
        yield from _wrapped("* The file gives no name; --players NAME,NAME,... names all players in this order.")
    yield ""
    if reading.measures:
        count = counted(len(reading.measures), "measure")
        yield from _wrapped(f"Played: {count}, {', '.join(_runs(reading.measures))}")
    yield from _wrapped(f"Tempo: {_tempo(reading.tempos)}")
    if not reading.warnings:
        yield "Warnings: none"
        return
    yield "Warnings:"
    for warning in reading.warnings:
        yield from _wrapped(f"- {warning}", indent="  ")


def _players(reading: "Reading") -> Iterator[str]:
    """A table of the players, one row each."""
    from ..score.instruments import name_of

    programs = _programs(reading)
    rows = [("player", "instrument", "notes", "range", "first", "last")]
    for source in reading.score.sources:
        notes = reading.score.notes_of(source)
        is_drum = _is_drum(source, reading)
        instrument = "drums" if is_drum else name_of(programs[source]) if source in programs else "-"
        pitches = [note.midi for note in notes]
        compass = "-"
        if pitches and not is_drum:
            compass = f"{units.midi_to_name(min(pitches))} to {units.midi_to_name(max(pitches))}"
        first, last = "-", "-"
        if notes:
            first, last = _clock(notes[0].onset_s), _clock(max(note.offset_s for note in notes))
        shown = f"{source} *" if source in reading.unnamed else source
        rows.append((shown, instrument, str(len(notes)), compass, first, last))
    yield from _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of text in columns; of the first two the second is cut first where they would make a line too wide."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = WIDTH - sum(widths[2:]) - 2 * (len(widths) - 1)
    widths[1] = min(widths[1], max(room - widths[0], LEAST_COLUMN))
    widths[0] = min(widths[0], room - widths[1])
    for row in rows:
        cells = [
            # Numbers and times stand to the right, so that they can be compared.
            cell.rjust(width) if column in (2, 4, 5) else _cut(cell, width).ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _cut(text: str, width: int) -> str:
    # Two names of one kind differ at their ends: "violin 1", "violin 2".
    return text if len(text) <= width else f"{text[: width - 1 - KEPT_END]}…{text[-KEPT_END:]}"


def _runs(measures: Sequence[str]) -> Iterator[str]:
    """Measures as they are played: "1-8", "1-7", "9-16" instead of every number."""
    start = 0
    for place in range(1, len(measures) + 1):
        if place < len(measures) and _follows(measures[place - 1], measures[place]):
            continue
        first, last = measures[start], measures[place - 1]
        yield first if place - start == 1 else f"{first}-{last}"
        start = place


def _follows(one: str, other: str) -> bool:
    return one.isdecimal() and other.isdecimal() and int(other) == int(one) + 1


def _tempo(tempos: Sequence[tuple[float, float]]) -> str:
    if not tempos:
        return "the file has none; its notes are in seconds"
    values = [tempo for _, tempo in tempos]
    if len(values) == 1:
        return f"{values[0]:.4g} quarters a minute"
    shown = [f"{tempo:.4g} from {_clock(time_s)}" for time_s, tempo in itertools.islice(tempos, 8)]
    more = f", and {len(values) - 8} more" if len(values) > 8 else ""
    return (
        f"{min(values):.4g} to {max(values):.4g} quarters a minute, {counted(len(values) - 1, 'change')}: "
        f"{', '.join(shown)}{more}"
    )


def _clock(time_s: float) -> str:
    """A time as minutes and seconds, with hundredths: "1:02.50"."""
    hundredths = round(100 * time_s)
    return f"{hundredths // 6000}:{hundredths % 6000 // 100:02d}.{hundredths % 100:02d}"


def _wrapped(text: str, indent: str = "") -> Iterable[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")
