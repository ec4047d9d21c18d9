"""Scores written as MusicXML, which `read_musicxml` reads back with the same notes, and notation programs can display.

Seconds become quarters according to the tempo marks, which are written too; the bars are of 4/4. A note across a bar
line is written as several tied notes, and overlapping notes are in separate voices. The file records what is played, in
whole ticks; it is not engraved: it has no keys, beams, tuplets or clefs.

Contents: write_musicxml. Reference: W3C, MusicXML 4.0.
"""

import bisect
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple
from xml.sax.saxutils import escape

from .. import checks, files, units
from ..refusals import RefusedValue
from .musicxml import QUARTERS_PER_MINUTE
from .musicxml_part import TEMPO_RANGE
from .notes import Note, Score
from .playing_order import MOST_MEASURES

# Divisible as triplets, quintuplets and septuplets require.
TICKS_PER_QUARTER = 10_080
BAR = 4 * TICKS_PER_QUARTER

# The notes of an octave: step and sharps.
_SPELLINGS = (("C", 0), ("C", 1), ("D", 0), ("D", 1), ("E", 0), ("F", 0), ("F", 1), ("G", 0), ("G", 1), ("A", 0),
              ("A", 1), ("B", 0))  # fmt: skip

# Durations in ticks of single printed notes: the note's name, and the number of dots.
_PRINTED = {
    int(TICKS_PER_QUARTER * quarters * (2 - Fraction(1, 2**dots))): (name, dots)
    for name, quarters in (("whole", 4), ("half", 2), ("quarter", 1), ("eighth", Fraction(1, 2)),
                           ("16th", Fraction(1, 4)), ("32nd", Fraction(1, 8)))
    for dots in (0, 1, 2)
}  # fmt: skip

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">
"""
_TIME = "<time><beats>4</beats><beat-type>4</beat-type></time>"


class _Chord(NamedTuple):
    """Notes that start and end together, in ticks."""

    start: int
    stop: int
    notes: tuple[Note, ...]


def write_musicxml(
    path: str | os.PathLike[str],
    score: Score,
    *,
    tempos: Sequence[tuple[float, float]] = (),
    programs: Mapping[str, int] | None = None,
    force: bool = True,
) -> None:
    """Write a MusicXML file with one part per source, from which `read_musicxml` reads back the same notes.

    Times are exact to half a tick, which is 1/20160 of a quarter: 0.025 ms at 120 quarters a minute. No note is
    shorter than a tick. Pitches keep their fractions of a semitone, to a millionth. Unpitched notes are printed on the
    nearest line or space, so that their numbers may change by one. Velocities are written, but `read_musicxml` does not
    read them; it leaves silent sources out, and joins runs of spaces in names.

    Parameters
    ----------
    path : path
    score : Score
    tempos : sequence of (time_s, quarters_per_minute), optional
        Every tempo with the time from which it applies, as in a Reading; 120 quarters a minute by default. Tempos
        determine the positions of bar lines, not the times of notes. A tempo below 1 or above 10,000 is limited.
    programs : dict of source name -> General MIDI program (0 to 127), optional
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    RefusedValue
        If `programs` names a source that is not in the score, or a program that does not exist, or if the score has
        more than 50,000 bars at these tempos.
    FileExistsError, OSError
        As for `mss_lab.files.whole_file`.

    Reference: W3C, MusicXML 4.0.
    """
    programs = {
        checks.check_choice("a source of programs", source, score.sources): checks.check_number(
            f"programs[{source!r}]", program, at_least=0, at_most=127, whole=True
        )
        for source, program in (programs or {}).items()
    }
    clock = _TickClock(tempos)
    bars = -(-max((stop for _, stop in map(clock.span, score.notes)), default=1) // BAR)
    if bars > MOST_MEASURES:
        raise RefusedValue(
            f"a score must have at most {MOST_MEASURES} bars as MusicXML, got {bars}; write it as MIDI or CSV"
        )
    with files.whole_file(path, force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        file.write("<part-list>\n")
        for number, source in enumerate(score.sources, start=1):
            file.write(_listed(number, source, programs.get(source), source in score.unpitched))
        file.write("</part-list>\n")
        for number, source in enumerate(score.sources, start=1):
            file.write(f'<part id="P{number}">\n')
            marks = clock.marks if number == 1 else ()
            file.writelines(_measures(score.notes_of(source), source in score.unpitched, clock, marks, bars))
            file.write("</part>\n")
        file.write("</score-partwise>\n")


class _TickClock:
    """Converts seconds to whole ticks, by tempo marks that are on whole ticks themselves."""

    def __init__(self, tempos: Sequence[tuple[float, float]]) -> None:
        # With as many digits as are written: the clock uses the written values, so that rounding errors do not add up.
        self.marks: list[tuple[int, Fraction]] = [(0, Fraction(QUARTERS_PER_MINUTE))]
        self.starts_s = [Fraction(0)]
        for time_s, quarters_per_minute in tempos:
            tempo = Fraction(round(min(max(quarters_per_minute, TEMPO_RANGE[0]), TEMPO_RANGE[1]), 6))
            tempo = tempo.limit_denominator(1_000_000)
            tick = self.ticks(time_s)
            start_s = self.starts_s[-1] + (tick - self.marks[-1][0]) * self._tick_s
            if tick == self.marks[-1][0]:
                self.marks.pop(), self.starts_s.pop()
            self.marks.append((tick, tempo))
            self.starts_s.append(start_s)

    @property
    def _tick_s(self) -> Fraction:
        return 60 / self.marks[-1][1] / TICKS_PER_QUARTER

    def span(self, note: Note) -> tuple[int, int]:
        """Start and end of a note, which is at least one tick long."""
        start = self.ticks(note.onset_s)
        return start, max(self.ticks(note.offset_s), start + 1)

    def ticks(self, time_s: float) -> int:
        index = bisect.bisect_right(self.starts_s, time_s) - 1
        tick, tempo = self.marks[index]
        return tick + round((Fraction(time_s) - self.starts_s[index]) * tempo / 60 * TICKS_PER_QUARTER)


def _listed(number: int, source: str, program: int | None, is_drum: bool) -> str:
    """The entry of one part in the list of parts."""
    sound = ""
    if program is not None or is_drum:
        # Channel 10 is that of drums.
        channel = 10 if is_drum else (number - 1) % 9 + 1
        sound = (
            f'<score-instrument id="P{number}-I1"><instrument-name>{escape(source)}</instrument-name>'
            f'</score-instrument><midi-instrument id="P{number}-I1"><midi-channel>{channel}</midi-channel>'
            f"<midi-program>{(program or 0) + 1}</midi-program></midi-instrument>"
        )
    return f'<score-part id="P{number}"><part-name>{escape(source)}</part-name>{sound}</score-part>\n'


def _measures(
    notes: Sequence[Note], is_drum: bool, clock: _TickClock, marks: Sequence[tuple[int, Fraction]], bars: int
) -> Iterator[str]:
    """The text of every bar of one part."""
    voices = [_by_bar(voice) for voice in _voices(notes, clock)] or [{}]
    marks_of = {bar: list(bar_marks) for bar, bar_marks in itertools.groupby(marks, key=lambda mark: mark[0] // BAR)}
    for bar in range(bars):
        head = f"<attributes><divisions>{TICKS_PER_QUARTER}</divisions>{_TIME}</attributes>" if bar == 0 else ""
        tempos = "".join(_tempo(tick - bar * BAR, tempo) for tick, tempo in marks_of.get(bar, ()))
        written = [
            _voice(voice.get(bar, ()), bar * BAR, number, is_drum)
            for number, voice in enumerate(voices, start=1)
            # The first voice fills every bar, with rests if it is silent.
            if number == 1 or bar in voice
        ]
        back = f"<backup><duration>{BAR}</duration></backup>\n"
        yield f'<measure number="{bar + 1}">\n{head}{tempos}{back.join(written)}</measure>\n'


def _voices(notes: Sequence[Note], clock: _TickClock) -> list[list[_Chord]]:
    """The notes in as few voices as possible: in each, a chord ends before the next begins."""
    spans: dict[tuple[int, int], list[Note]] = {}
    for note in notes:
        spans.setdefault(clock.span(note), []).append(note)
    voices: list[list[_Chord]] = []
    for (start, stop), together in sorted(spans.items(), key=lambda item: item[0]):
        while together:
            # Two notes of one pitch cannot be distinguished in one chord.
            chord = tuple({note.midi: note for note in reversed(together)}.values())
            together = [note for note in together if not any(note is other for other in chord)]
            free = next((voice for voice in voices if voice[-1].stop <= start), None)
            if free is None:
                free = []
                voices.append(free)
            free.append(_Chord(start, stop, chord))
    return voices


def _by_bar(voice: Sequence[_Chord]) -> dict[int, list[tuple[_Chord, bool, bool]]]:
    """The parts of a voice's chords in each bar, whether each is tied to the bar before, and whether it continues."""
    pieces: dict[int, list[tuple[_Chord, bool, bool]]] = {}
    for chord in voice:
        for bar in range(chord.start // BAR, -(-chord.stop // BAR)):
            start, stop = max(chord.start, bar * BAR), min(chord.stop, (bar + 1) * BAR)
            piece = (chord._replace(start=start, stop=stop), start > chord.start, stop < chord.stop)
            pieces.setdefault(bar, []).append(piece)
    return pieces


def _voice(pieces: Sequence[tuple[_Chord, bool, bool]], bar_start: int, voice: int, is_drum: bool) -> str:
    """One voice of one bar, with rests up to the bar line."""
    text, now = "", bar_start
    for chord, is_tied, goes_on in pieces:
        text += _rest(chord.start - now, voice)
        for number, note in enumerate(chord.notes):
            text += _note(note, chord.stop - chord.start, voice, number > 0, (is_tied, goes_on), is_drum)
        now = chord.stop
    return text + _rest(bar_start + BAR - now, voice)


def _rest(ticks: int, voice: int) -> str:
    if not ticks:
        return ""
    if voice > 1:
        return f"<forward><duration>{ticks}</duration></forward>\n"
    measure = ' measure="yes"' if ticks == BAR else ""
    printed = "" if measure else _type(ticks)
    return f"<note><rest{measure}/><duration>{ticks}</duration><voice>{voice}</voice>{printed}</note>\n"


def _note(note: Note, ticks: int, voice: int, is_chord: bool, ties: tuple[bool, bool], is_drum: bool) -> str:
    kinds = [kind for kind, is_there in zip(("stop", "start"), ties, strict=True) if is_there]
    tie = "".join(f'<tie type="{kind}"/>' for kind in kinds)
    tied = "".join(f'<tied type="{kind}"/>' for kind in kinds)
    notations = f"<notations>{tied}</notations>" if tied else ""
    # Dynamics are counted in hundredths of a velocity of 90.
    return (
        f'<note dynamics="{note.velocity / 0.9:.2f}">{"<chord/>" if is_chord else ""}{_pitch(note.midi, is_drum)}'
        f"<duration>{ticks}</duration>{tie}<voice>{voice}</voice>{_type(ticks)}{notations}</note>\n"
    )


def _pitch(midi: float, is_drum: bool) -> str:
    nearest = units.nearest_pitch(midi)
    step, sharps = _SPELLINGS[nearest % 12]
    octave = nearest // 12 - 1
    if is_drum:
        return f"<unpitched><display-step>{step}</display-step><display-octave>{octave}</display-octave></unpitched>"
    alter = round(sharps + midi - nearest, 6)
    altered = f"<alter>{_decimal(alter)}</alter>" if alter else ""
    return f"<pitch><step>{step}</step>{altered}<octave>{octave}</octave></pitch>"


def _type(ticks: int) -> str:
    """The printed note of a duration, if one note with dots can express it."""
    name, dots = _PRINTED.get(ticks, ("", 0))
    return f"<type>{name}</type>{'<dot/>' * dots}" if name else ""


def _tempo(tick: int, tempo: Fraction) -> str:
    value = _decimal(float(tempo))
    return (
        '<direction placement="above"><direction-type><metronome><beat-unit>quarter</beat-unit>'
        f"<per-minute>{float(tempo):.0f}</per-minute></metronome></direction-type>"
        f'<offset sound="yes">{tick}</offset><sound tempo="{value}"/></direction>\n'
    )


def _decimal(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
