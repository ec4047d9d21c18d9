"""MIDI files against an independent reader: mido alone, note for note, on generated files and on those that lie here.

The reader below shares no line with the package's: it takes every event from mido and lists the notes of each channel
of each track. Names and players are compared with what the generator meant when it wrote the file.
"""

import bisect
import importlib.util
from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import pytest

from mss_lab.score.midi import read_midi_in_full
from mss_lab.shipped import data_folder

TICKS = 480
NAMES = ("Violin I", "Fl.", "Мария", "Basse continue", "")
PROGRAMS = {40: "violin", 42: "cello", 73: "flute", 60: "french horn", 0: "acoustic grand piano"}


def seconds_of(file):
    """The function from ticks to seconds: all tempo marks of all tracks, in order of time."""
    marks = []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "set_tempo":
                marks.append((now, message.tempo))
    marks.sort(key=lambda mark: mark[0])

    def seconds(tick):
        total, last, tempo = 0.0, 0, 500_000
        for mark, after in marks:
            if mark > tick:
                break
            total += mido.tick2second(mark - last, file.ticks_per_beat, tempo)
            last, tempo = mark, after
        return total + mido.tick2second(tick - last, file.ticks_per_beat, tempo)

    return seconds


def notes_by_mido(file):
    """(track, channel) -> its notes as sorted (onset_s, offset_s, pitch, velocity), first in, first out."""
    seconds = seconds_of(file)
    played = defaultdict(list)
    for number, track in enumerate(file.tracks):
        sounding = defaultdict(list)
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note].append((now, message.velocity))
            elif message.type in ("note_on", "note_off") and sounding[message.channel, message.note]:
                begun, velocity = sounding[message.channel, message.note].pop(0)
                played[number, message.channel].append((begun, now, message.note, velocity))
        for (channel, pitch), rest in sounding.items():
            played[number, channel] += [(begun, now, pitch, velocity) for begun, velocity in rest]
    return {
        place: sorted((seconds(begun), seconds(end), pitch, velocity) for begun, end, pitch, velocity in notes)
        for place, notes in played.items()
    }


def assert_same_notes(reading, wanted):
    """The same notes, to a tenth of a millisecond; one of no length has a tick of 0.5 ms.

    Keys are compared: two of the files below bend some pitches by less than a quarter of a semitone.
    """
    assert all(abs(note.midi - round(note.midi)) < 0.25 for note in reading.score.notes)
    read = [(note.onset_s, note.offset_s, round(note.midi), note.velocity) for note in reading.score.notes]
    wanted = [note for notes in wanted.values() for note in notes]
    assert len(read) == len(wanted)
    # Sorted without the digits in which the two clocks may differ.
    order = lambda note: (round(note[0], 4), note[2], note[3], round(note[1], 4))  # noqa: E731
    for ours, theirs in zip(sorted(read, key=order), sorted(wanted, key=order), strict=True):
        assert ours[2:] == theirs[2:]
        assert abs(ours[0] - theirs[0]) < 1e-4 and abs(ours[1] - theirs[1]) < 6e-4, (ours, theirs)


# Generated files


def events_of_player(rng, channel, unended):
    """Notes of one player in (tick, message); pitches are few, so that many of them overlap."""
    events = []
    for _ in range(int(rng.integers(1, 40))):
        start, length = int(rng.integers(0, 20)) * 120, int(rng.integers(1, 12)) * 60
        pitch, velocity = int(rng.integers(60, 66)), int(rng.integers(1, 128))
        events.append((start, mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)))
        if rng.random() < unended:
            continue
        silent = mido.Message("note_on", note=pitch, velocity=0, channel=channel)
        end = mido.Message("note_off", note=pitch, velocity=int(rng.integers(0, 128)), channel=channel)
        events.append((start + length, silent if rng.random() < 0.5 else end))
    return events


def tempo_marks(rng):
    count = int(rng.integers(0, 5))
    return [(int(tick), mido.MetaMessage("set_tempo", tempo=int(rng.integers(200_000, 1_500_000))))
            for tick in rng.choice(3000, count, replace=False)]  # fmt: skip


def as_track(rng, events):
    """A track of events in order of time; those of one tick stay in the order given."""
    last, track = 0, mido.MidiTrack()
    for tick, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=tick - last))
        last = tick
    track.append(mido.MetaMessage("end_of_track", time=int(rng.integers(0, 500))))
    return track


def generate(rng, path):
    """Write a random file; returns the names that its sources should have."""
    is_type_0 = rng.random() < 0.3
    channels = rng.permutation(16)[: int(rng.integers(1, 6))].tolist()
    players, wanted = [], []
    setup = [(0, mido.MetaMessage("track_name", name="A song"))]
    for channel in sorted(channels) if is_type_0 else channels:
        program = int(rng.choice(list(PROGRAMS)))
        events = events_of_player(rng, channel, unended=0.05)
        changes = [(0, mido.Message("program_change", program=program, channel=channel))]
        # Set where the notes are, or in the track before all of them.
        is_elsewhere = not is_type_0 and rng.random() < 0.5
        (setup if is_elsewhere else events)[:0] = changes
        name = "" if is_type_0 else str(rng.choice(NAMES))
        if name:
            # Before all notes, or after some of them.
            events.insert(0, (int(rng.integers(0, 2)) * 1000, mido.MetaMessage("track_name", name=name)))
        wanted.append(name or ("drums" if channel == 9 else PROGRAMS[program]))
        players.append(events)
    places = [setup, *players]
    places[int(rng.integers(len(places)))] += tempo_marks(rng)
    places[-1] += tempo_marks(rng)
    tracks = [[event for place in places for event in place]] if is_type_0 else places
    mido.MidiFile(
        type=0 if is_type_0 else 1,
        ticks_per_beat=TICKS,
        charset="utf-8",
        tracks=[as_track(rng, track) for track in tracks],
    ).save(path)
    return wanted


def numbered(names):
    return tuple(f"{name} {names[:place].count(name) + 1}" if name in names[:place] else name
                 for place, name in enumerate(names))  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_generated_files_are_read_note_for_note(tmp_path, seed):
    rng = np.random.default_rng(seed)
    names = generate(rng, tmp_path / "x.mid")
    reading = read_midi_in_full(tmp_path / "x.mid")
    file = mido.MidiFile(tmp_path / "x.mid")
    wanted = notes_by_mido(file)
    assert_same_notes(reading, wanted)
    assert reading.score.sources == numbered(names)
    for source, place in zip(reading.score.sources, sorted(wanted), strict=True):
        assert len(reading.score.notes_of(source)) == len(wanted[place])
        assert (source in reading.score.unpitched) == (place[1] == 9)
    times_s = [time_s for time_s, _ in reading.tempos]
    seconds = seconds_of(file)
    for tick in range(0, 4000, 250):
        # A quarter later by the clock of mido, and by the tempos that the reading lists.
        tempo = reading.tempos[bisect.bisect_right(times_s, seconds(tick) + 1e-9) - 1][1]
        assert seconds(tick + 1) - seconds(tick) == pytest.approx(60 / tempo / TICKS, rel=1e-6)


def test_the_generated_files_are_of_many_kinds(tmp_path):
    kinds = defaultdict(int)
    for seed in range(60):
        generate(np.random.default_rng(seed), tmp_path / "x.mid")
        file = mido.MidiFile(tmp_path / "x.mid")
        kinds["type 0"] += file.type == 0
        kinds["tempo in a later track"] += any(m.type == "set_tempo" for track in file.tracks[1:] for m in track)
        warnings = read_midi_in_full(tmp_path / "x.mid").warnings
        kinds["no end"] += any("Nothing ends" in sentence for sentence in warnings)
        kinds["drums"] += any(getattr(m, "channel", 0) == 9 for track in file.tracks for m in track)
        content = (tmp_path / "x.mid").read_bytes()
        kinds["running status"] += len(content) < sum(len(m.bytes()) + 1 for track in file.tracks for m in track)
    assert min(kinds.values()) >= 5, dict(kinds)


# Files of other programs


def files_of_music21():
    found = importlib.util.find_spec("music21")
    if found is None:
        return []
    folder = Path(found.submodule_search_locations[0])
    return sorted([*folder.glob("midi/testPrimitive/*.mid"), *folder.glob("omr/*.mid")])


def assert_read_as_by_mido(path):
    wanted = notes_by_mido(mido.MidiFile(path))
    if any(wanted.values()):
        assert_same_notes(read_midi_in_full(path), wanted)
    else:
        with pytest.raises(ValueError, match="holds no notes"):
            read_midi_in_full(path)


@pytest.mark.parametrize("path", files_of_music21(), ids=lambda path: path.stem)
def test_files_of_music21_are_read_note_for_note(path):
    assert_read_as_by_mido(path)


def test_the_lessons_scores_are_read_note_for_note():
    paths = sorted(data_folder().rglob("*.mid"))
    assert len(paths) >= 4
    for path in paths:
        assert_read_as_by_mido(path)


@pytest.mark.recordings
def test_scores_of_recordings_are_read_note_for_note(recordings):
    paths = sorted(recordings.rglob("*.mid"))
    assert paths
    for path in paths:
        assert_read_as_by_mido(path)
