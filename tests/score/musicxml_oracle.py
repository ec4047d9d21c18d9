"""A second reader of MusicXML, for tests alone: from the XML tree to notes in seconds, without code of the package.

It follows the same rules by other means, so that a slip in one of the two shows. Time is counted in whole ticks.
Repeats are played as a person plays them, who moves from bar to bar and remembers where the strain began and which time
it is. Ties are joined through a table of the notes that are held at each pitch. It knows only what music21's corpus
contains, and trusts its files.
"""

import dataclasses
import itertools
import math
import re
import xml.etree.ElementTree as ET
import zipfile
from fractions import Fraction

SEMITONES = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
BEATS = {"whole": Fraction(4), "half": Fraction(2), "quarter": Fraction(1), "eighth": Fraction(1, 2)}
DA_CAPO = re.compile(
    r"((menuetto|men\.|m\.) ?)?(d\. ?c\.|da capo)( al fine\.?| senza ritornello\.?)?\.?", re.IGNORECASE
)
# A jump that would leave out more bars than this at the end of the file belongs to one movement of several.
MOST_BARS_LEFT_OUT = 8


@dataclasses.dataclass
class Written:
    """One written note, in ticks."""

    pitch: float
    start: int
    stop: int
    tie_starts: bool
    tie_stops: bool
    voice: tuple


@dataclasses.dataclass
class Bar:
    """One bar of one part, or, for the signs, of all parts together."""

    notes: list = dataclasses.field(default_factory=list)
    end: int = 0
    signature: int | None = None
    tempos: list = dataclasses.field(default_factory=list)
    forward: bool = False
    times: int = 0
    volta: str | None = None
    volta_stops: bool = False
    jump: str = ""
    jump_is_printed: bool = False
    double: bool = False
    fine: bool = False
    segno: bool = False
    coda: bool = False
    to_coda: bool = False
    trio: bool = False


@dataclasses.dataclass
class Volta:
    first: int
    last: int
    numbers: set
    total: int = 0
    is_last: bool = False


def play(path):
    """The notes of a file: for each part a list of (pitch, onset, offset); the bars as played; what was seen."""
    root = tree(path)
    elements = root.findall("part")
    tick = math.lcm(8, *(int(text.text) for text in root.iter("divisions")))
    parts = [bars_of(element, tick) for element in elements]
    bars = [together([part[i] for part in parts if i < len(part)]) for i in range(max(map(len, parts)))]
    order = unrolled(bars)
    starts = [0]
    for place in order:
        starts.append(starts[-1] + bars[place].end)
    clock = Clock([(start + at, rank, tempo) for start, place in zip(starts, order, strict=False)
                   for at, rank, tempo in bars[place].tempos], tick)  # fmt: skip
    played = []
    for part in parts:
        notes = [moved(note, start) for start, place in zip(starts, order, strict=False) if place < len(part)
                 for note in part[place].notes]  # fmt: skip
        played.append([(note.pitch, clock.seconds(note.start), clock.seconds(note.stop)) for note in tied(notes, tick)])
    return played, order, kinds_of(root, bars, order)


def tree(path):
    """The root element; an archive says which of its files is the score."""
    if not zipfile.is_zipfile(path):
        return ET.parse(path).getroot()
    with zipfile.ZipFile(path) as archive:
        container = ET.fromstring(archive.read("META-INF/container.xml"))
        return ET.fromstring(archive.read(container.find(".//{*}rootfile").get("full-path")))


def kinds_of(root, bars, order):
    """What occurs in a file, in words."""
    found = {
        "tie": root.find(".//tie") is not None,
        "chord": root.find(".//chord") is not None,
        "tuplet": root.find(".//time-modification") is not None,
        "grace note": root.find(".//grace") is not None,
        "cue note": root.find(".//cue") is not None,
        "transposition": root.find(".//transpose") is not None,
        "several voices": any(len({voice.text for voice in part.iter("voice")}) > 1 for part in root.iter("part")),
        "two staves": root.find(".//staff") is not None,
        "change of tempo": len({tempo for bar in bars for _, _, tempo in bar.tempos}) > 1,
        "repeat": any(bar.times for bar in bars),
        "volta": any(bar.volta is not None for bar in bars),
        "jump": any(later < earlier - 1 and bars[earlier].jump for earlier, later in itertools.pairwise(order)),
    }  # fmt: skip
    return {kind for kind, is_there in found.items() if is_there}


# One part


def bars_of(element, tick):
    divisions, signature, transposition, bars = 1, None, {}, []
    for measure in element.findall("measure"):
        bar, now, begun, graces = Bar(signature=signature), 0, 0, []

        def ticks(child, divisions):
            return int(child.findtext("duration", "0")) * tick // divisions

        for child in measure:
            if child.tag == "note":
                length = ticks(child, divisions)
                is_grace = child.find("grace") is not None or (length == 0 and child.find("rest") is None)
                if not is_grace:
                    graces = settled(bar, graces, now, tick)
                    if child.find("chord") is None:
                        begun, now = now, now + length
                note = written(child, begun, begun + length, transposition)
                if note is None:
                    pass
                elif not is_grace:
                    bar.notes.append(note)
                elif child.find("chord") is not None:
                    graces[-1].append(note)
                else:
                    graces.append([note])
            elif child.tag in ("backup", "forward"):
                graces = settled(bar, graces, now, tick)
                now += ticks(child, divisions) * (1 if child.tag == "forward" else -1)
            elif child.tag == "attributes":
                divisions = int(child.findtext("divisions", str(divisions)))
                if child.find("time/beats") is not None:
                    beats, unit = child.findtext("time/beats"), int(child.findtext("time/beat-type"))
                    signature = bar.signature = sum(map(int, beats.split("+"))) * 4 * tick // unit
                for change in child.findall("transpose"):
                    semitones = int(change.findtext("chromatic")) + 12 * int(change.findtext("octave-change", "0"))
                    transposition[change.get("number")] = semitones
            elif child.tag in ("direction", "sound"):
                directed(bar, child, now, tick)
            elif child.tag == "barline":
                signed(bar, child)
            bar.end = max(bar.end, now)
        settled(bar, graces, now, tick)
        bars.append(bar)
    return bars


def written(element, start, stop, transposition):
    """A note, or None for a rest and for a cue, which is printed in a part that does not play it."""
    pitch = sounding(element, transposition)
    if pitch is None or element.find("cue") is not None:
        return None
    ties = {tie.get("type") for tie in [*element.findall("tie"), *element.findall("notations/tied")]}
    voice = (element.findtext("staff", "1"), element.findtext("voice", "1"))
    return Written(pitch, start, stop, "start" in ties, "stop" in ties, voice)


def settled(bar, graces, now, tick):
    """Grace notes last an eighth of a quarter each, and end where the next note begins."""
    for place, together_ in enumerate(reversed(graces), start=1):
        for note in together_:
            start = now - place * tick // 8
            stop = now if note.tie_starts else start + tick // 8
            bar.notes.append(dataclasses.replace(note, start=start, stop=stop))
    return []


def sounding(note, transposition):
    pitch = note.find("pitch")
    if pitch is not None:
        higher = transposition.get(note.findtext("staff"), transposition.get(None, 0))
        key = 12 * int(pitch.findtext("octave")) + 12 + SEMITONES[pitch.findtext("step")] + higher
        return key + float(pitch.findtext("alter", "0"))
    place = note.find("unpitched")
    if place is None:
        return None
    return 12 * int(place.findtext("display-octave")) + 12 + SEMITONES[place.findtext("display-step")]


def directed(bar, element, now, tick):
    """Tempo, and words and signs that concern the order of playing."""
    sound = element if element.tag == "sound" else element.find("sound")
    said = {} if sound is None else sound.attrib
    if "tempo" in said:
        bar.tempos.append((now, 0, Fraction(said["tempo"])))
    for mark in element.findall("direction-type/metronome"):
        if "tempo" not in said:
            bar.tempos += [(now, 1, tempo) for tempo in printed(mark)]
    words = " ".join(" ".join(word.text or "" for word in element.findall("direction-type/words")).split())
    heading = words.lower().strip(". ")
    if "dacapo" in said or "dalsegno" in said or DA_CAPO.fullmatch(words):
        bar.jump, bar.jump_is_printed = "dal segno" if "dalsegno" in said else "da capo", "dacapo" not in said
    bar.fine |= "fine" in said or heading == "fine"
    bar.segno |= "segno" in said
    bar.coda |= heading == "coda"
    bar.trio |= heading == "trio"


def printed(mark):
    """The tempo of a metronome mark as a number, or, as text, by how much faster it is than the one before."""
    units = []
    for child in mark:
        if child.tag == "beat-unit":
            units.append(BEATS[child.text])
        elif child.tag == "beat-unit-dot":
            units[-1] *= Fraction(3, 2)
    number = re.search(r"\d+(\.\d+)?", mark.findtext("per-minute", ""))
    if number:
        return [units[0] * Fraction(number[0])]
    return [str(units[1] / units[0])] if len(units) == 2 else []


def signed(bar, element):
    left, repeat, ending = element.get("location") == "left", element.find("repeat"), element.find("ending")
    bar.double |= not left and element.findtext("bar-style") in ("light-light", "light-heavy")
    if repeat is not None and repeat.get("direction") == "backward":
        bar.times = int(repeat.get("times", "2"))
    elif repeat is not None:
        # A start sign at the right of a bar belongs to the bar behind; it is kept here as a "right" one.
        bar.forward = "left" if left else "right"
    if ending is not None and ending.get("type") == "start":
        bar.volta = ending.get("number", "")
    elif ending is not None:
        bar.volta_stops = True


# All parts


def together(bars):
    """One bar of all parts: the signs of every part hold, and the fullest part says how long it lasts."""
    whole = Bar()
    for bar in bars:
        whole.notes += bar.notes
        whole.tempos += bar.tempos
        for name in ("forward", "times", "volta_stops", "jump", "double", "fine", "segno", "coda", "trio"):
            setattr(whole, name, getattr(whole, name) or getattr(bar, name))
        whole.jump_is_printed |= bar.jump_is_printed
        whole.volta = whole.volta or (bar.volta if bar.volta is not None else whole.volta)
    keep_time = any(bar.signature is not None and bar.end <= bar.signature for bar in bars)
    # Rests that a part has too many of, where another one keeps to the time signature, are a slip.
    ends = [min(bar.end, bar.signature) if keep_time and bar.signature else bar.end for bar in bars]
    whole.end = max(ends + [note.stop for note in whole.notes])
    return whole


def unrolled(bars):
    bars = with_jumps_where_they_count(bars)
    order = walk(bars)
    if len(bars) - 1 - max(order) > MOST_BARS_LEFT_OUT:
        order = walk([dataclasses.replace(bar, jump="") for bar in bars])
    return order


def with_jumps_where_they_count(bars):
    bars = [dataclasses.replace(bar, forward=bar.forward == "left" or (i > 0 and bars[i - 1].forward == "right"))
            for i, bar in enumerate(bars)]  # fmt: skip
    for here, after in itertools.pairwise(bars):
        # Words are often printed where there is room, above the last bar but one.
        if (
            here.jump
            and here.jump_is_printed
            and not (here.times or here.double)
            and (after.times or after is bars[-1])
        ):
            here.jump, after.jump = "", here.jump
    jump = next((i for i, bar in enumerate(bars) if bar.jump), None)
    if jump is not None and not any(bar.fine for bar in bars):
        trio = next((i for i in range(1, jump + 1) if bars[i].trio), None)
        if trio is not None:
            ends_with_coda = any(bar.coda for bar in bars[jump:])
            bars[trio - 1].to_coda, bars[trio - 1].fine = ends_with_coda, not ends_with_coda
    return bars


def walk(bars):
    """The places of the bars in the order of playing."""
    voltas = voltas_of(bars)
    order, bar, start, turn, known, jumps = [], 0, 0, 1, -1, set()
    while bar < len(bars):
        here = bars[bar]
        if bar != start and (here.forward or here.coda or (bars[bar - 1].jump and not bars[start].forward)):
            start, turn = bar, 1
        is_again = start <= known
        inside = next((volta for volta in voltas if volta.first <= bar <= volta.last), None)
        if inside and (inside.total if is_again else turn) not in inside.numbers:
            bar = inside.last + 1
            if inside.is_last:
                start, turn = bar, 1
            continue
        order.append(bar)
        turns = inside.total if inside and inside.is_last else turns_of(bars, voltas, bar)
        is_last_time = is_again or turn == (max(inside.numbers) if inside else turns)
        if known >= 0 and here.fine and is_last_time:
            break
        leads_on = here.jump or (known >= 0 and here.to_coda)
        if leads_on and is_last_time and bar not in jumps:
            jumps.add(bar)
            known = max(order)
            bar = target(bars, bar)
            start, turn = bar, 1
        elif bar == inside.last if inside else here.times:
            turns = inside.total if inside else here.times
            if turn < turns and not is_again:
                bar, turn = start, turn + 1
            else:
                bar, start, turn = bar + 1, bar + 1, 1
        else:
            bar += 1
    return order


def target(bars, bar):
    if bars[bar].jump == "da capo":
        return 0
    name = "segno" if bars[bar].jump else "coda"
    places = [place for place, other in enumerate(bars) if getattr(other, name)]
    return places[0]


def turns_of(bars, voltas, bar):
    """How often the strain is played to which a bar belongs."""
    for place in range(bar, len(bars)):
        volta = next((volta for volta in voltas if volta.first == place), None)
        if place > bar and (bars[place].forward or bars[place].coda):
            return 1
        if volta:
            return volta.total
        if bars[place].times:
            return bars[place].times
    return 1


def voltas_of(bars):
    voltas = []
    for place, bar in enumerate(bars):
        is_inside = bool(voltas) and voltas[-1].last >= place
        if bar.volta is None and not (bar.volta_stops and not is_inside):
            continue
        behind = next(
            (i for i in range(place + 1, len(bars)) if bars[i].volta is not None or bars[i].forward), len(bars)
        )
        stop = next((i for i in range(place, behind) if bars[i].volta_stops), place)
        if behind < len(bars) and bars[behind].volta is not None and bars[behind - 1].times:
            stop = behind - 1
        voltas.append(Volta(place, stop, {int(number) for number in re.findall(r"\d+", bar.volta or "")}))
    groups = []
    for volta in voltas:
        if groups and groups[-1][-1].last + 1 == volta.first:
            groups[-1].append(volta)
        else:
            groups.append([volta])
    for group in groups:
        numbers = sorted(number for volta in group for number in volta.numbers)
        if numbers != list(range(1, len(numbers) + 1)) or not all(volta.numbers for volta in group):
            for number, volta in enumerate(group, start=1):
                volta.numbers = {number}
        group[-1].is_last = True
        for volta in group:
            # A first ending alone is followed by the second one without a bracket.
            volta.total = max(2, *(number for other in group for number in other.numbers))
    # An ending behind a start sign is the beginning of what is repeated next.
    return [volta for volta in voltas if not (volta.is_last and bars[volta.first].forward)]


# Sounding notes


def moved(note, by):
    start = max(0, note.start + by)
    return dataclasses.replace(note, start=start, stop=start + note.stop - note.start)


def tied(notes, tick):
    """Notes with the ties joined: the end of a held note, at its pitch, meets the start of the next."""
    sounding_notes, held = [], {}
    for note in sorted(notes, key=lambda note: note.start):
        candidates = held.setdefault(note.pitch, [])
        meeting = [other for other in candidates if abs(other.stop - note.start) < tick / 32] if note.tie_stops else []
        if meeting:
            # In the same voice, if it can be, and the nearest.
            best = min(meeting, key=lambda other: (other.voice != note.voice, abs(other.stop - note.start)))
            candidates[:] = [other for other in candidates if other is not best]
            best.stop, best.voice = max(best.stop, note.stop), note.voice
            if note.tie_starts:
                candidates.append(best)
            continue
        sounding_notes.append(note)
        if note.tie_starts:
            candidates.append(note)
    return sounding_notes


class Clock:
    def __init__(self, marks, tick):
        self.tick, self.changes = tick, [(0, 0.0, 120.0)]
        decided = {}
        for at, rank, tempo in marks:
            # Of several marks at one place, one that is said for playing counts; of two alike, the first.
            if at not in decided or rank < decided[at][0]:
                decided[at] = (rank, tempo)
        for at in sorted(decided):
            tempo = decided[at][1]
            tempo = self.changes[-1][2] * Fraction(tempo) if isinstance(tempo, str) else float(tempo)
            self.changes.append((at, self.seconds(at), tempo))

    def seconds(self, at):
        last, seconds, tempo = next(change for change in reversed(self.changes) if change[0] <= at)
        return seconds + (at - last) / self.tick * 60 / tempo
