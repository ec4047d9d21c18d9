"""The measures of one part of a MusicXML file, as plain data: notes, tempo marks, and signs for the order of playing.

Nothing is played here: repeats are not resolved, and ties not joined. Times are quarters from the start of the measure.
Pitches are sounding pitches. Measure-repeat signs are replaced by the notes that they mean.

Contents: Tempo, MiddleSign, Measure, read_measures. Reference: W3C, MusicXML 4.0.
"""

import dataclasses
import itertools
import re
from fractions import Fraction
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from .direction_words import speaks_of_jumps, understood
from .musicxml_values import (
    DASH,
    UNITS,
    allowed_quarters,
    ending_numbers,
    natural_pitch,
    number_of,
    printed_quarters,
    rounds_of,
    text_of,
)
from .playing_order import Jump, Signs
from .ties import WrittenNote

# Length of a grace note in quarters: short, and not longer than the shortest written note of a slow piece.
GRACE_QUARTERS = Fraction(1, 8)

# Unpitched noteheads have a position on the staff; without one, they are on its middle line.
UNPITCHED_MIDI = 71


# Slower or faster marks are errors; they would make a score of years, or of no length.
TEMPO_RANGE = (1, 10_000)

_DECIMAL = r"([0-9]{1,6}(?:[.,][0-9]{1,6})?)"
_TEMPO = re.compile(rf"{_DECIMAL}(?:{DASH}{_DECIMAL})?", re.ASCII)


class Tempo(NamedTuple):
    """A tempo mark: its position in the measure, the new tempo, and whether it is for playback or only printed.

    A printed mark may give the new tempo as a multiple of the old one; then `is_ratio` is true.
    """

    start: Fraction
    quarters_per_minute: Fraction
    is_sound: bool
    is_ratio: bool = False


class MiddleSign(NamedTuple):
    """A repeat sign inside a measure: its position, and the rounds of the strain before it; 0 for a start sign."""

    start: Fraction
    rounds: int


@dataclasses.dataclass(frozen=True)
class Measure:
    """One measure of one part.

    Attributes
    ----------
    number : str
        As printed.
    notes : tuple of WrittenNote
        Times in quarters from the start of the measure; grace notes may begin before it.
    filled : Fraction
        Quarters up to the end of the content, including rests.
    allowed : Fraction or None
        Quarters according to the time signature; None without one.
    tempos : tuple of Tempo
    middle_signs : tuple of MiddleSign
        `mss_lab.score.middle_signs.cut` divides a measure that has some.
    """

    number: str
    notes: tuple[WrittenNote, ...]
    filled: Fraction
    allowed: Fraction | None
    tempos: tuple[Tempo, ...]
    middle_signs: tuple[MiddleSign, ...] = ()

    @property
    def sounding(self) -> Fraction:
        """Quarters up to the end of the last note."""
        return max((note.stop for note in self.notes), default=Fraction(0))


@dataclasses.dataclass
class _State:
    """Settings that apply until the next change."""

    divisions: Fraction = Fraction(1)
    allowed: Fraction | None = None
    # Semitones by which each staff sounds higher; "" for all.
    higher: dict[str, Fraction] = dataclasses.field(default_factory=dict)
    # Measures that each staff repeats by a measure-repeat sign; "" for all.
    repeating: dict[str, int] = dataclasses.field(default_factory=dict)


def read_measures(part: Element) -> tuple[list[Measure], list[Signs], list[str]]:
    """The measures of a <part>, the signs of each for the order of playing, and warnings.

    Raises
    ------
    ValueError
        If a value is invalid; the message names the measure.
    """
    state = _State()
    measures: list[Measure] = []
    warnings: list[str] = []
    elements = part.findall("measure")
    # One more than there are measures: a sign after the last one belongs to no measure.
    signs: list[dict[str, Any]] = [{} for _ in range(len(elements) + 1)]
    for index, element in enumerate(elements):
        number = element.get("number") or str(index + 1)
        try:
            reader = _MeasureReader(state, signs, index)
            reader.read(element)
            measure = Measure(
                number, tuple(reader.notes), reader.furthest, state.allowed, tuple(reader.tempos),
                tuple(reader.middle_signs),
            )  # fmt: skip
            measures.append(_with_repeated(measure, measures, state))
        except (ValueError, ArithmeticError, LookupError) as error:
            raise ValueError(f"measure {number} of part {part.get('id')}: {error}") from error
        warnings += [f"Measure {number}: {text}" for text in reader.warnings]
    return measures, _signs(signs[: len(elements)]), warnings


class _MeasureReader:
    """Reads one measure, forwards and backwards in time, in the order of its file."""

    def __init__(self, state: _State, signs: list[dict[str, Any]], index: int) -> None:
        self.state, self.signs, self.index = state, signs, index
        self.now = self.furthest = self.chord_start = Fraction(0)
        self.notes: list[WrittenNote] = []
        self.graces: list[list[WrittenNote]] = []
        self.tempos: list[Tempo] = []
        self.middle_signs: list[MiddleSign] = []
        self.warnings: list[str] = []

    def read(self, measure: Element) -> None:
        for element in measure:
            match element.tag:
                case "note":
                    self._note(element)
                case "backup" | "forward":
                    self._graces_are_over()
                    length = self._quarters(element)
                    self.now = max(Fraction(0), self.now + (length if element.tag == "forward" else -length))
                case "attributes":
                    self._attributes(element)
                case "direction":
                    self._direction(element)
                case "sound":
                    self._sound(element, "", self._offset(element))
                case "barline":
                    self._barline(element)
            self.furthest = max(self.furthest, self.now)
        self._graces_are_over()

    def _quarters(self, element: Element) -> Fraction:
        duration = element.findtext("duration")
        if duration is None:
            # Not allowed, but the printed length is the same.
            return printed_quarters(element) if element.tag == "note" else Fraction(0)
        quarters = number_of(duration) / self.state.divisions
        if quarters < 0:
            raise ValueError(f"a duration must not be below 0, got {duration!r}")
        return quarters

    def _note(self, element: Element) -> None:
        is_chord = element.find("chord") is not None
        is_grace = element.find("grace") is not None
        quarters = Fraction(0) if is_grace else self._quarters(element)
        is_grace = is_grace or (quarters == 0 and element.find("rest") is None)
        if not is_grace:
            self._graces_are_over()
            # The other notes of a chord start with its first note; only that one advances the time.
            if not is_chord:
                self.chord_start = self.now
                self.now += quarters
        midi, is_pitched = self._pitch(element)
        if midi is None or element.find("cue") is not None:
            return
        start = self.now if is_grace else self.chord_start
        ties = {tie.get("type") for tie in (*element.findall("tie"), *element.findall("notations/tied"))}
        note = WrittenNote(
            midi, start, start + quarters, "start" in ties, "stop" in ties,
            f"{text_of(element, 'staff') or 1}.{text_of(element, 'voice') or 1}", is_pitched, is_grace,
            element.find("notations/fermata") is not None, rounds_of(element),
        )  # fmt: skip
        if not is_grace:
            self.notes.append(note)
        elif is_chord and self.graces:
            self.graces[-1].append(note)
        else:
            self.graces.append([note])

    def _pitch(self, element: Element) -> tuple[float | None, bool]:
        """The sounding MIDI pitch, and whether the note is pitched; None for a rest."""
        pitch, unpitched = element.find("pitch"), element.find("unpitched")
        if pitch is not None:
            staff = text_of(element, "staff")
            higher = self.state.higher.get(staff, self.state.higher.get("", Fraction(0)))
            midi = natural_pitch(pitch, "step", "octave") + number_of(text_of(pitch, "alter") or "0") + higher
            return (int(midi) if midi.denominator == 1 else float(midi)), True
        if unpitched is not None:
            has_position = unpitched.find("display-step") is not None
            return (
                natural_pitch(unpitched, "display-step", "display-octave") if has_position else UNPITCHED_MIDI
            ), False
        return None, True

    def _graces_are_over(self) -> None:
        """Grace notes in a row sound one after another, and end at their written position."""
        for before, together in zip(range(len(self.graces), 0, -1), self.graces, strict=True):
            start = self.now - before * GRACE_QUARTERS
            # A grace note that is tied to the note after the graces lasts until then.
            self.notes += [
                note._replace(start=start, stop=self.now if note.tie_starts else start + GRACE_QUARTERS)
                for note in together
            ]
        self.graces = []

    def _attributes(self, element: Element) -> None:
        if (divisions := element.findtext("divisions")) is not None:
            self.state.divisions = number_of(divisions)
            if self.state.divisions <= 0:
                raise ValueError(f"divisions must be above 0, got {divisions!r}")
        if (time := element.find("time")) is not None:
            self.state.allowed = allowed_quarters(time)
        for transpose in element.findall("transpose"):
            octaves = number_of(text_of(transpose, "octave-change") or "0")
            self.state.higher[transpose.get("number") or ""] = (
                number_of(text_of(transpose, "chromatic") or "0") + 12 * octaves
            )
        for style in element.findall("measure-style"):
            staff = style.get("number") or ""
            if (sign := style.find("measure-repeat")) is not None:
                if sign.get("type") == "stop":
                    self.state.repeating.pop(staff, None)
                else:
                    self.state.repeating[staff] = max(1, int(number_of((sign.text or "").strip() or "1")))
            if style.find("beat-repeat") is not None:
                self.warnings.append("signs that repeat a beat are ignored.")

    def _direction(self, element: Element) -> None:
        words = " ".join(word.text or "" for word in element.findall("direction-type/words"))
        offset = element.find("offset")
        shift = self._offset(element) if offset is not None and offset.get("sound") == "yes" else Fraction(0)
        sound = element.find("sound")
        if sound is not None:
            self._sound(sound, words, self._offset(sound) or shift)
        if sound is None or sound.get("tempo") is None:
            for metronome in element.findall("direction-type/metronome"):
                self._metronome(metronome, shift)
        self._words(words)
        for tag, field in (("segno", "printed_segno"), ("coda", "printed_coda")):
            if element.find(f"direction-type/{tag}") is not None:
                self.signs[self.index][field] = True

    def _offset(self, element: Element) -> Fraction:
        return number_of(text_of(element, "offset") or "0") / self.state.divisions

    def _sound(self, sound: Element, words: str, shift: Fraction) -> None:
        if (tempo := sound.get("tempo")) is not None:
            self._tempo(tempo, shift, is_sound=True)
        here, behind = self.signs[self.index], self.signs[self.index + 1]
        instruction = understood(words)
        until = instruction.until if instruction else ""
        text = " ".join(words.split())
        if sound.get("dacapo") not in (None, "no"):
            here["jump"] = Jump(None, until, rounds_of(sound), text or "da capo")
            here["is_by_words"] = False
        elif sound.get("dalsegno") is not None:
            here["jump"] = Jump(sound.get("dalsegno"), until, rounds_of(sound), text or "dal segno")
            here["is_by_words"] = False
        if sound.get("fine") not in (None, "no"):
            here["is_fine"] = True
        if sound.get("tocoda") is not None:
            here["to_coda"] = sound.get("tocoda")
        for name, field in (("segno", "segnos"), ("coda", "codas")):
            if (label := sound.get(name)) is not None:
                here[field] = here.get(field, frozenset()) | {label}
        if sound.get("forward-repeat") == "yes":
            (behind if self.now else here)["repeat_start"] = True

    def _tempo(self, text: str, shift: Fraction, *, is_sound: bool, unit: Fraction | int = 1) -> None:
        match = _TEMPO.search(text)
        # A range, such as 60-66, is played at its middle.
        numbers = (
            [Fraction(number.replace(",", ".")) for number in match.groups() if number] if match else [Fraction(0)]
        )
        tempo = unit * sum(numbers, Fraction(0)) / len(numbers)
        if TEMPO_RANGE[0] <= tempo <= TEMPO_RANGE[1]:
            self.tempos.append(Tempo(max(Fraction(0), self.now + shift), tempo, is_sound))
        else:
            self.warnings.append(f"the tempo {text!r} is invalid and is ignored.")

    def _metronome(self, metronome: Element, shift: Fraction) -> None:
        units: list[Fraction] = []
        dots = 0
        for element in metronome:
            if element.tag == "beat-unit":
                units.append(UNITS.get((element.text or "").strip(), Fraction(1)))
                dots = 0
            elif element.tag == "beat-unit-dot" and units:
                dots += 1
                units[-1] += units[-1] / (2 ** (dots + 1) - 2)
        per_minute = metronome.findtext("per-minute")
        if units and per_minute is not None:
            self._tempo(per_minute, shift, is_sound=False, unit=units[0])
        elif len(units) == 2:
            # The first unit of the old tempo lasts as long as the second of the new tempo.
            start = max(Fraction(0), self.now + shift)
            self.tempos.append(Tempo(start, units[1] / units[0], is_sound=False, is_ratio=True))

    def _words(self, words: str) -> None:
        instruction = understood(words)
        here = self.signs[self.index]
        text = " ".join(words.split())
        if instruction is None:
            if speaks_of_jumps(words):
                self.warnings.append(f"the words {text!r} are not understood, and no jump is made.")
            return
        match instruction.kind:
            case "da capo" | "dal segno":
                here.setdefault("is_by_words", True)
                here.setdefault("jump", Jump(None if instruction.kind == "da capo" else "", text=text))
                here["jump"] = dataclasses.replace(here["jump"], until=instruction.until)
            case "fine":
                here["is_fine"] = True
            case "to coda":
                here.setdefault("to_coda", "")
            case "coda":
                here["headed_coda"] = True
            case "trio":
                here["begins_trio"] = True

    def _barline(self, element: Element) -> None:
        here, behind = self.signs[self.index], self.signs[self.index + 1]
        is_left = element.get("location") == "left"
        repeat, ending = element.find("repeat"), element.find("ending")
        rounds = 0 if repeat is None else max(1, int(number_of(repeat.get("times") or "2")))
        if not is_left and element.findtext("bar-style") in ("light-light", "light-heavy", "heavy-heavy"):
            here["is_double_bar"] = True
        if repeat is not None and element.get("location") == "middle" and self.now:
            self.middle_signs.append(MiddleSign(self.now, 0 if repeat.get("direction") == "forward" else rounds))
        elif repeat is not None and repeat.get("direction") == "forward":
            # A sign before all notes begins this measure, even if its location is missing.
            (behind if self.now and not is_left else here)["repeat_start"] = True
        elif repeat is not None and (not is_left or self.index):
            before = self.signs[self.index - 1] if is_left else here
            before["repeat_rounds"] = rounds
            before["repeats_after_jump"] = repeat.get("after-jump") == "yes"
        if ending is not None and ending.get("type") == "start":
            here["ending"] = ending_numbers(ending.get("number") or "")
        elif ending is not None:
            here["ending_stops"] = True
        for name, field in (("segno", "segnos"), ("coda", "codas")):
            if (label := element.get(name)) is not None:
                there = here if is_left else behind
                there[field] = there.get(field, frozenset()) | {label}


def _signs(measures: list[dict[str, Any]]) -> list[Signs]:
    """The signs of all measures; the meaning of printed signs may depend on the positions of others."""
    _move_late_jumps(measures)
    segnos = [here for here in measures if here.get("printed_segno") and "jump" not in here]
    if not any("segnos" in here for here in measures):
        for here in segnos:
            here["segnos"] = frozenset({""})
    headed = [i for i, here in enumerate(measures) if here.get("headed_coda")]
    printed = [i for i, here in enumerate(measures) if here.get("printed_coda") and "to_coda" not in here]
    codas = [i for i, here in enumerate(measures) if "codas" in here]
    leads = [i for i, here in enumerate(measures) if "to_coda" in here]
    if not codas:
        # Of two printed coda signs, the first leads to the second.
        codas = headed or (printed[-1:] if leads or len(printed) > 1 else [])
        for i in codas:
            measures[i]["codas"] = frozenset({""})
    if not leads:
        for i in [i for i in printed if codas and i < codas[0]][:1]:
            measures[i]["to_coda"] = min(measures[codas[0]]["codas"])
    names = {field.name for field in dataclasses.fields(Signs)}
    return [Signs(**{name: value for name, value in here.items() if name in names}) for here in measures]


def _move_late_jumps(measures: list[dict[str, Any]]) -> None:
    """Move a "D.C." that is printed in the last measure but one, for lack of space, to the end of the last."""
    for i, (here, after) in enumerate(itertools.pairwise(measures)):
        ends_here = "repeat_rounds" in here or here.get("is_double_bar")
        ends_behind = "repeat_rounds" in after or i + 2 == len(measures)
        is_coda = any(name in after for name in ("codas", "headed_coda", "printed_coda", "ending"))
        if here.get("is_by_words") and ends_behind and not ends_here and not is_coda and "jump" not in after:
            after["jump"], after["is_by_words"] = here.pop("jump"), False


def _with_repeated(measure: Measure, before: list[Measure], state: _State) -> Measure:
    """A measure with the notes that a measure-repeat sign means."""
    notes, filled = list(measure.notes), measure.filled
    for staff, distance in list(state.repeating.items()):
        if any(_is_on(note, staff) for note in measure.notes) or distance > len(before):
            # Some programs write the notes under the sign; if the sign's end is missing, notes end it too.
            state.repeating.pop(staff)
            continue
        original = before[-distance]
        notes += [note for note in original.notes if _is_on(note, staff)]
        filled = max(filled, original.filled)
    return dataclasses.replace(measure, notes=tuple(notes), filled=filled)


def _is_on(note: WrittenNote, staff: str) -> bool:
    return not staff or note.voice.partition(".")[0] == staff
