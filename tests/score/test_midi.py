"""MIDI files: read as a sequencer plays them, written so that they are read back, and refused where they are not MIDI.

Most inputs are built with mido, which is beneath the reader only as the decoder of single events. An independent reader
of whole files is in score/test_midi_oracle.py.
"""

import struct

import mido
import pretty_midi
import pytest
from numpy.testing import assert_allclose

from mss_lab.score import midi
from mss_lab.score.files import read_score, write_csv
from mss_lab.score.notes import Note, Score
from mss_lab.score.reading import ScoreWarning
from tests.measures import refusal
from tests.score.plain import duet, plain_notes

QUARTER = 480  # ticks; 120 quarters a minute unless a test says otherwise


def on(pitch, after=0, channel=0, velocity=80):
    return mido.Message("note_on", note=pitch, velocity=velocity, channel=channel, time=after)


def off(pitch, after=0, channel=0):
    return mido.Message("note_off", note=pitch, velocity=0, channel=channel, time=after)


def program(number, after=0, channel=0):
    return mido.Message("program_change", program=number, channel=channel, time=after)


def control(number, value, after=0, channel=0):
    return mido.Message("control_change", control=number, value=value, channel=channel, time=after)


def bend(pitch, after=0, channel=0):
    return mido.Message("pitchwheel", pitch=pitch, channel=channel, time=after)


def meta(kind, after=0, **values):
    return mido.MetaMessage(kind, time=after, **values)


def name(text, after=0):
    return meta("track_name", after, name=text)


def quarter(pitch, channel=0):
    return [on(pitch, 0, channel), off(pitch, QUARTER, channel)]


def saved(tmp_path, *tracks, kind=1):
    mido.MidiFile(type=kind, ticks_per_beat=QUARTER, tracks=[mido.MidiTrack(track) for track in tracks]).save(
        tmp_path / "x.mid"
    )
    return tmp_path / "x.mid"


def read(tmp_path, *tracks, kind=1, pedal=False):
    return midi.read_midi_in_full(saved(tmp_path, *tracks, kind=kind), pedal=pedal)


# Bytes


def variable(value):
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127 | 128)
    return bytes(reversed(groups))


def track_bytes(*events):
    """A track of (ticks since the event before, bytes)."""
    body = b"".join(variable(after) + data for after, data in events)
    return b"MTrk" + struct.pack(">I", len(body)) + body


END = (0, b"\xff\x2f\x00")
A_NOTE = [(0, b"\x90\x3c\x50"), (QUARTER, b"\x80\x3c\x00"), END]


def read_bytes(tmp_path, *chunks, kind=1, division=QUARTER, count=None, front=b""):
    tracks = sum(chunk.startswith(b"MTrk") for chunk in chunks) if count is None else count
    header = b"MThd" + struct.pack(">IHHH", 6, kind, tracks, division)
    (tmp_path / "x.mid").write_bytes(front + header + b"".join(chunks))
    return midi.read_midi_in_full(tmp_path / "x.mid")


# Time


@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_tempo_in_any_track_holds_for_all(tmp_path, where):
    tracks = [[name("a")], [name("b"), *quarter(60), *quarter(62)], [name("c"), *quarter(64)]]
    tracks[where].insert(1, meta("set_tempo", tempo=1_000_000))
    reading = read(tmp_path, *tracks)
    assert plain_notes(reading) == [(60, 0, 1), (64, 0, 1), (62, 1, 2)]
    assert reading.tempos == ((0, 60),)


def test_a_tempo_that_changes_within_a_later_track(tmp_path):
    conductor = [meta("set_tempo", tempo=500_000)]
    reading = read(tmp_path, conductor, [*quarter(60), meta("set_tempo", tempo=1_000_000), *quarter(62)])
    assert plain_notes(reading) == [(60, 0, 0.5), (62, 0.5, 1.5)]
    assert reading.tempos == ((0, 120), (0.5, 60))


def test_a_note_across_changes_of_tempo(tmp_path):
    slower = [meta("set_tempo", QUARTER * step, tempo=1_000_000 * step) for step in (1, 2)]
    reading = read(tmp_path, slower, [on(60), off(60, 4 * QUARTER)])
    assert plain_notes(reading) == [(60, 0, 0.5 + 2 + 2)]


def test_of_tempos_at_one_tick_the_last_counts_and_repeats_are_not_listed(tmp_path):
    two = [meta("set_tempo", tempo=tempo) for tempo in (250_000, 1_000_000)]
    reading = read(tmp_path, [*two, meta("set_tempo", QUARTER, tempo=1_000_000)], quarter(60))
    assert plain_notes(reading) == [(60, 0, 1)]
    assert reading.tempos == ((0, 60),)


def test_an_unknown_meta_event_takes_its_time(tmp_path):
    # mido 1.3 reads such an event as if it took no time, so that all notes after it come too early.
    events = [(QUARTER, b"\xff\x0a\x01x"), *A_NOTE]
    assert plain_notes(read_bytes(tmp_path, track_bytes(*events))) == [(60, 0.5, 1)]


# Starts and ends of notes


@pytest.mark.parametrize("end", [off(60), on(60, velocity=0)], ids=["note off", "velocity 0"])
def test_overlapping_notes_of_one_pitch_end_in_the_order_in_which_they_start(tmp_path, end):
    ends = [end.copy(time=QUARTER), end.copy(time=QUARTER), end.copy(time=QUARTER)]
    reading = read(tmp_path, [on(60, velocity=10), on(60, QUARTER, velocity=20), on(60, QUARTER, velocity=30), *ends])
    assert plain_notes(reading) == [(60, 0, 1.5), (60, 0.5, 2), (60, 1, 2.5)]
    assert [note.velocity for note in reading.score.notes] == [10, 20, 30]
    assert not reading.warnings


def test_notes_end_by_channel_and_by_track(tmp_path):
    first = [on(60), on(60, 0, 1), off(60, QUARTER, 1), off(60, QUARTER)]
    second = [name("b"), on(60), off(60, 3 * QUARTER)]
    assert sorted(plain_notes(read(tmp_path, first, second))) == [(60, 0, 0.5), (60, 0, 1), (60, 0, 1.5)]


def test_a_note_that_nothing_ends_lasts_to_the_end_of_its_track(tmp_path):
    reading = read(tmp_path, [name("a"), on(60), on(60, QUARTER), off(60, QUARTER), meta("end_of_track", QUARTER)],
                   [name("b"), on(64, QUARTER), meta("end_of_track", 9 * QUARTER)])  # fmt: skip
    assert plain_notes(reading) == [(60, 0, 1), (60, 0.5, 1.5), (64, 0.5, 5)]
    assert reading.warnings == (
        "Nothing ends 1 note of a and 1 note of b in the file; each lasts to the end of its track.",
    )


def test_an_end_without_a_note_is_nothing(tmp_path):
    reading = read(tmp_path, [off(60), off(60, QUARTER), *quarter(60), off(60)])
    assert plain_notes(reading) == [(60, 0.5, 1)] and not reading.warnings


@pytest.mark.parametrize("controller", [120, 123, 127])
def test_all_notes_end_where_their_channel_says_so(tmp_path, controller):
    track = [on(60), on(64), on(67, 0, 1), control(controller, 0, QUARTER), off(67, QUARTER, 1), *quarter(60)]
    reading = read(tmp_path, [name("a"), *track], [name("b"), *quarter(48)])
    assert sorted(plain_notes(reading)) == [(48, 0, 0.5), (60, 0, 0.5), (60, 1, 1.5), (64, 0, 0.5), (67, 0, 1)]
    assert not reading.warnings


def test_a_note_of_no_length_gets_a_tick_and_touches_no_other(tmp_path):
    reading = read(tmp_path, [on(60), off(60), *quarter(60)])
    (_, _, short), long = plain_notes(reading)
    assert 0 < short < 0.001 and long == (60, 0, 0.5)


def test_running_status_and_its_interruptions(tmp_path):
    # The second and third note have no status of their own; a meta and a system exclusive event come between.
    events = [
        (0, b"\x90\x3c\x50"),
        (QUARTER, b"\x3c\x00"),
        (0, b"\xff\x01\x02hi"),
        (0, b"\x40\x50"),
        (0, b"\xf0\x03\x7e\x09\xf7"),
        (QUARTER, b"\x40\x00"),
        (0, b"\x43\x50"),
        (QUARTER, b"\x80\x43\x00"),
        END,
    ]
    assert plain_notes(read_bytes(tmp_path, track_bytes(*events))) == [(60, 0, 0.5), (64, 0.5, 1), (67, 1, 1.5)]


# Who plays


def test_a_player_stays_one_player_through_changes_of_program(tmp_path):
    track = [program(45), *quarter(60), program(45), *quarter(62), program(40), *quarter(64)]
    assert read(tmp_path, [name("Violin I"), *track]).score.sources == ("Violin I",)
    # Without a name it is the instrument's; pizzicato is a way of playing it.
    reading = read(tmp_path, track)
    assert reading.score.sources == ("violin",) and reading.unnamed == {"violin"}
    assert read(tmp_path, [program(56), *quarter(60), program(73), *quarter(62), *quarter(64)]).score.sources == (
        "flute",
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_programs_set_in_another_track_count(tmp_path, order):
    programs = [program(40), program(73, 0, 1), program(73, QUARTER), program(40, 0, 1)]
    players = [quarter(60), quarter(72, 1)]
    reading = read(tmp_path, programs, *(players[index] for index in order))
    assert set(reading.score.sources) == {"violin", "flute"}
    assert reading.score.notes_of("violin")[0].midi == 60
    # A track's own program goes before.
    reading = read(tmp_path, programs, [program(42), *quarter(60)], players[1])
    assert reading.score.sources == ("cello", "flute")


def test_in_a_file_of_type_0_every_channel_is_a_player(tmp_path):
    both = [on(72), on(48, 0, 1), off(72, QUARTER), off(48, 0, 1), *quarter(36, 9), *quarter(50, 5)]
    track = [name("Song title"), program(40), program(42, 0, 1), program(40, 0, 5), *both]
    reading = read(tmp_path, track, kind=0)
    assert reading.score.sources == ("violin", "cello", "violin 2", "drums")
    assert reading.score.unpitched == {"drums"} and reading.unnamed == set(reading.score.sources)
    # So it is in a file of type 1 with all players in one track.
    assert read(tmp_path, [name("Song title")], track).score == reading.score


def test_in_a_file_of_type_0_a_name_is_the_pieces_unless_it_is_an_instruments(tmp_path):
    assert read(tmp_path, [name("Song title"), program(68), *quarter(60)], kind=0).score.sources == ("oboe",)
    assert read(tmp_path, [name("Vln. I"), program(68), *quarter(60)], kind=0).score.sources == ("Vln. I",)
    assert read(tmp_path, [name("Song title"), program(68), *quarter(60)]).score.sources == ("Song title",)


def test_names_with_a_channel_prefix_are_the_channels(tmp_path):
    prefixed = [
        message
        for channel, text in enumerate(("Anna", "Berta"))
        for message in (meta("channel_prefix", channel=channel), meta("instrument_name", name=text))
    ]
    reading = read(tmp_path, [name("Song title"), *prefixed, *quarter(60), *quarter(62, 1)], kind=0)
    assert reading.score.sources == ("Anna", "Berta") and not reading.unnamed


def test_names_that_come_late_count(tmp_path):
    assert read(tmp_path, [*quarter(60), name(""), name("Bassoon")], quarter(64)).score.sources == (
        "Bassoon",
        "acoustic grand piano",
    )
    assert read(tmp_path, [*quarter(60), meta("instrument_name", name="Viola")]).score.sources == ("Viola",)


def test_one_track_of_several_is_one_player_unless_its_channels_are_different_instruments(tmp_path):
    other = [name("other"), *quarter(50, 3)]
    guitar = [name("Guitar"), program(25), program(25, 0, 1), *quarter(60), *quarter(62, 1)]
    assert read(tmp_path, guitar, other).score.sources == ("Guitar", "other")
    violin = [name("Violin I"), program(40), program(45, 0, 1), *quarter(60), *quarter(62, 1)]
    assert read(tmp_path, violin, other).score.sources == ("Violin I", "other")
    assert read(tmp_path, violin).score.sources == ("Violin I",)
    winds = [name("Winds"), program(73), program(68, 0, 1), *quarter(60), *quarter(62, 1)]
    assert read(tmp_path, winds, other).score.sources == ("flute", "oboe", "other")
    with_drums = [name("Piano"), *quarter(60), *quarter(36, 9)]
    reading = read(tmp_path, with_drums, other)
    assert reading.score.sources == ("Piano", "drums", "other") and reading.score.unpitched == {"drums"}


def test_a_track_that_chooses_a_program_and_never_plays_is_said_to_be_left_out(tmp_path):
    reading = read(tmp_path, [name("title")], quarter(60), [name("Tuba"), program(58, 0, 3)])
    assert reading.score.sources == ("acoustic grand piano",)
    assert reading.warnings == ("The track Tuba has no note and was left out.",)


# Pitch bend and pedal


def test_a_constant_bend_moves_the_pitch(tmp_path):
    track = [bend(8191), *quarter(60), bend(-8192), *quarter(60), bend(2048), *quarter(60), bend(0), *quarter(60)]
    reading = read(tmp_path, track)
    assert [pitch for pitch, *_ in plain_notes(reading)] == [62, 58, 60.5, 60] and not reading.warnings


def test_the_range_of_the_bend_is_the_files(tmp_path):
    wide = [control(101, 0), control(100, 0), control(6, 12), control(38, 50)]
    done = [control(101, 127), control(100, 127), control(6, 1)]
    assert plain_notes(read(tmp_path, [*wide, *done, bend(4096), *quarter(60)]))[0][0] == 60 + 12.5 / 2
    # Set in another track, for a wheel that is moved in this one.
    assert plain_notes(read(tmp_path, [*wide, *done], [bend(4096), *quarter(60)]))[0][0] == 60 + 12.5 / 2
    # A parameter of a manufacturer's own is another one.
    other = [control(99, 0), control(98, 0), control(6, 12)]
    assert plain_notes(read(tmp_path, [*other, bend(4096), *quarter(60)]))[0][0] == 61


def test_bends_belong_to_their_channel_and_end_with_a_reset(tmp_path):
    reading = read(tmp_path, [bend(8191), *quarter(60), control(121, 0), *quarter(60)], quarter(64, 1))
    assert sorted(plain_notes(reading)) == [(60, 0.5, 1), (62, 0, 0.5), (64, 0, 0.5)]
    drums = read(tmp_path, [bend(8191, 0, 9), *quarter(36, 9)])
    assert plain_notes(drums)[0][0] == 36


def test_a_bend_that_changes_within_a_note_counts_with_its_median(tmp_path):
    # 0 for a quarter of the time, then up a semitone; the reset at the note's end is not within it.
    track = [name("horn"), on(60), bend(4096, QUARTER), off(60, 3 * QUARTER), bend(0), *quarter(60)]
    reading = read(tmp_path, track)
    assert plain_notes(reading) == [(61, 0, 2), (60, 2, 2.5)]
    assert reading.warnings == ("The pitch bend changes within 1 note of horn; each has the pitch of its median bend.",)


def test_the_highest_pitch_stays_within_midi(tmp_path):
    assert plain_notes(read(tmp_path, [bend(8191), *quarter(127)]))[0][0] == 127


def test_the_pedal_lengthens_notes_where_that_is_asked(tmp_path):
    # Down at 0, up at 2 s. 60 is struck again before that, 64 after it; 67 is held longer than the pedal.
    track = [name("piano"), control(64, 127), on(67), *quarter(60), *quarter(60), *quarter(64),
             control(64, 63, QUARTER), *quarter(64), off(67)]  # fmt: skip
    assert plain_notes(read(tmp_path, track, pedal=True)) == [
        (60, 0, 0.5), (67, 0, 2.5), (60, 0.5, 2), (64, 1, 2), (64, 2, 2.5)]  # fmt: skip
    reading = read(tmp_path, track)
    assert plain_notes(reading) == [(60, 0, 0.5), (67, 0, 2.5), (60, 0.5, 1), (64, 1, 1.5), (64, 2, 2.5)]
    assert reading.warnings == (
        "The sustain pedal was not read; it would lengthen 2 notes of piano (--pedal, or pedal=True in Python).",
    )


def test_a_pedal_that_changes_nothing_is_not_spoken_of(tmp_path):
    track = [control(64, 127), control(64, 0, QUARTER // 2), *quarter(60), control(64, 20)]
    assert not read(tmp_path, track).warnings


def test_a_pedal_that_stays_down_lasts_to_the_end_of_the_track(tmp_path):
    track = [control(64, 64), *quarter(60), meta("end_of_track", 3 * QUARTER)]
    assert plain_notes(read(tmp_path, track, pedal=True)) == [(60, 0, 2)]
    reset = [control(64, 64), *quarter(60), control(121, 0, QUARTER), meta("end_of_track", 3 * QUARTER)]
    assert plain_notes(read(tmp_path, reset, pedal=True)) == [(60, 0, 1)]
    # A channel's pedal holds for its notes in other tracks.
    assert plain_notes(read(tmp_path, reset, quarter(64), pedal=True))[1] == (64, 0, 1)
    assert plain_notes(read(tmp_path, [control(64, 127)], quarter(64), pedal=True)) == [(64, 0, 0.5)]


def test_only_midi_has_a_pedal(tmp_path):
    write_csv(tmp_path / "x.csv", duet())
    message = refusal(lambda: read_score(tmp_path / "x.csv", pedal=True))
    assert "only MIDI files contain a sustain pedal" in message
    path = saved(tmp_path, [control(64, 127), *quarter(60), control(64, 0, QUARTER)])
    assert read_score(path, pedal=True).notes[0].offset_s == 1


# Damage


@pytest.mark.parametrize(
    "event, words",
    [
        (b"\xff\x59\x02\xfe\x02", "One key signature is damaged and was left out; notes and their times do not"),
        (b"\xff\x59\x02\x14\x00", "One key signature is damaged"),
        (b"\xff\x59\x00", "One key signature is damaged"),
        (b"\xff\x58\x01\x04", "One time signature is damaged"),
        (b"\xff\x54\x05\xe0\x00\x00\x00\x00", "One film offset is damaged"),
        (b"\xff\x20\x00", "One channel prefix is damaged"),
        (b"\xff\x51\x03\x00\x00\x00", "One tempo mark is damaged and was left out; times may be wrong."),
        (b"\xff\x51\x02\x07\xa1", "One tempo mark is damaged"),
    ],
)
def test_a_meta_event_without_meaning_is_left_out_with_a_warning(tmp_path, event, words):
    reading = read_bytes(tmp_path, track_bytes((0, event), *A_NOTE))
    assert plain_notes(reading) == [(60, 0, 0.5)]
    assert len(reading.warnings) == 1 and words in reading.warnings[0]
    twice = read_bytes(tmp_path, track_bytes((0, event), (0, event), *A_NOTE))
    assert twice.warnings[0].startswith("2 ") and "are damaged and were left out" in twice.warnings[0]


def test_warnings_reach_who_reads_only_the_notes(tmp_path):
    saved(tmp_path, [on(60), meta("end_of_track", QUARTER)])
    for reader in (midi.read_midi, read_score):
        with pytest.warns(ScoreWarning, match="Nothing ends 1 note of acoustic grand piano"):
            assert reader(tmp_path / "x.mid").notes[0].offset_s == 0.5


def test_system_events_and_foreign_chunks_are_passed_over(tmp_path):
    events = [(0, b"\xf0\x02\x7e\xf7"), (0, b"\xf7\x01\xf8"), (0, b"\xf8"), (0, b"\xf2\x01\x02"), *A_NOTE]
    foreign = b"XFIH" + struct.pack(">I", 3) + b"abc"
    for chunks in ((foreign, track_bytes(*events)), (track_bytes(*events), foreign)):
        assert plain_notes(read_bytes(tmp_path, *chunks)) == [(60, 0, 0.5)]


def test_a_midi_file_in_a_riff_wrapper_is_read(tmp_path):
    assert plain_notes(read_bytes(tmp_path, track_bytes(*A_NOTE), front=b"RIFF\x40\0\0\0RMIDdata\x2c\0\0\0")) == [
        (60, 0, 0.5)
    ]


def test_what_stands_behind_the_end_of_a_track_is_nothing(tmp_path):
    assert plain_notes(read_bytes(tmp_path, track_bytes(*A_NOTE, *A_NOTE))) == [(60, 0, 0.5)]


def test_a_track_without_an_end_ends_with_its_last_event(tmp_path):
    assert plain_notes(read_bytes(tmp_path, track_bytes(*A_NOTE[:-1]))) == [(60, 0, 0.5)]


def test_a_file_of_type_0_with_two_tracks_is_read_as_type_1(tmp_path):
    named = [(0, b"\xff\x03\x01a"), *A_NOTE]
    reading = read_bytes(tmp_path, track_bytes(*named), track_bytes(*A_NOTE), kind=0)
    assert reading.score.sources == ("a", "acoustic grand piano")
    assert "one track (type 0), but has 2; all were read" in reading.warnings[0]


@pytest.mark.parametrize(
    "form, words",
    [
        ({"kind": 2}, "must be a MIDI file of type 0 or 1, got type 2, whose tracks are separate pieces"),
        ({"division": 0xE728}, "got frames of film (SMPTE); export it again with ticks per quarter note"),
        ({"division": 0}, "could not be read as MIDI (a quarter note has no ticks)"),
        ({"kind": 7}, "could not be read as MIDI (there is no type 7)"),
        ({"count": 2}, "could not be read as MIDI (2 tracks are announced, but it has 1)"),
    ],
)
def test_files_of_other_forms_are_refused_in_words(tmp_path, form, words):
    assert words in refusal(lambda: read_bytes(tmp_path, track_bytes(*A_NOTE), **form))


@pytest.mark.parametrize(
    "events, words",
    [
        ([(0, b"\x3c\x50")], "an event has no status"),
        ([(0, b"\x90\x3c\xd0"), END], "an event is damaged"),
        ([(0, b"\x90\x3c")], "an event is damaged"),
        ([(0, b"\xff\x03\x20abc")], "an event is longer than its track"),
        ([(0, b"\xff\x03\xff\xff\xff\xff\x01")], "a number is longer than the format allows"),
        ([(0, b"\xff")], "a track ends within an event"),
    ],
)
def test_damage_that_may_cost_notes_is_refused(tmp_path, events, words):
    message = refusal(lambda: read_bytes(tmp_path, track_bytes(*events)))
    assert f"could not be read as MIDI ({words})" in message


def test_a_score_of_days_is_refused(tmp_path):
    events = [(0, b"\x90\x3c\x50"), (0x0FFFFFFF, b"\x80\x3c\x00"), END]
    assert "must end within 24 hours, got a note that ends after 78" in refusal(
        lambda: read_bytes(tmp_path, track_bytes(*events))
    )


# Names


def test_names_are_read_letter_by_letter_in_utf_8_or_one_byte_a_letter(tmp_path):
    texts = ("flûte".encode(), "flûte".encode("latin-1"), "скрипка".encode(), b"  a\x00b\x07 ")
    chunks = [track_bytes((0, b"\xff\x03" + bytes([len(text)]) + text), *A_NOTE) for text in texts]
    assert read_bytes(tmp_path, *chunks).score.sources == ("flûte", "flûte 2", "скрипка", "ab")


# Files that pretty_midi writes, for mss_lab or for itself


def test_midi_round_trip(tmp_path, rng):
    drums = [Note("drums", 36 + k % 3, k / 4, k / 4 + 0.1, 1 + k) for k in range(40)]
    tune = [Note("скрипка é", int(rng.integers(0, 128)), k / 3, (k + 1) / 3) for k in range(40)]
    score = Score((*drums, *tune), ("скрипка é", "drums"), frozenset({"drums"}))
    midi.write_midi(tmp_path / "x.mid", score, programs={"скрипка é": 40})
    back = read_score(tmp_path / "x.mid")
    assert (back.sources, back.unpitched) == (score.sources, score.unpitched)
    assert len(back.notes) == 80
    for source in score.sources:
        for read, written in zip(back.notes_of(source), score.notes_of(source), strict=True):
            assert (read.midi, read.velocity) == (written.midi, written.velocity)
            assert_allclose([read.onset_s, read.offset_s], [written.onset_s, written.offset_s], rtol=0, atol=3e-4)
    programs = [message.program for track in mido.MidiFile(tmp_path / "x.mid").tracks
                for message in track if message.type == "program_change"]  # fmt: skip
    assert programs == [40, 0]


def test_pitches_with_fractions_go_to_the_nearest_key(tmp_path):
    midi.write_midi(tmp_path / "x.mid", Score(tuple(Note("a", m, 0, 1) for m in (60.4, 61.5, 62.5, 127))))
    assert [note.midi for note in midi.read_midi(tmp_path / "x.mid").notes] == [60, 62, 63, 127]


def test_the_shortest_notes_are_not_lost_in_midi(tmp_path):
    midi.write_midi(tmp_path / "x.mid", Score((Note("a", 60, 1, 1.00001), Note("a", 60, 2, 3))))
    short, long = midi.read_midi(tmp_path / "x.mid").notes
    assert short.onset_s == 1.0 and 0 < short.offset_s - short.onset_s < 1e-3
    assert (long.onset_s, long.offset_s) == (2.0, 3.0)


def test_repeated_notes_that_touch_stay_two(tmp_path):
    midi.write_midi(tmp_path / "x.mid", Score((Note("a", 60, 0, 1), Note("a", 60, 1, 2))))
    assert [(n.onset_s, n.offset_s) for n in midi.read_midi(tmp_path / "x.mid").notes] == [(0, 1), (1, 2)]


def test_more_sources_than_midi_has_channels(tmp_path):
    score = Score(tuple(Note(f"player {k}", 60, 0, 1) for k in range(20)))
    midi.write_midi(tmp_path / "x.mid", score)
    assert midi.read_midi(tmp_path / "x.mid").sources == score.sources


def foreign(tmp_path, instruments, tempo=120.0):
    written = pretty_midi.PrettyMIDI(initial_tempo=tempo)
    written.instruments.extend(instruments)
    written.write(str(tmp_path / "x.mid"))
    return tmp_path / "x.mid"


def player(name, program=0, is_drum=False, played=((60, 0, 1),)):
    instrument = pretty_midi.Instrument(program, is_drum, name)
    instrument.notes.extend(pretty_midi.Note(64, *note) for note in played)
    return instrument


def test_players_of_one_name_are_told_apart(tmp_path):
    path = foreign(tmp_path, [player("violin", 40), player("violin", 40), player(" violin 2 ", 41), player("", 40)])
    score = midi.read_midi(path)
    assert score.sources == ("violin", "violin 2", "violin 2 2", "violin 3")


def test_tracks_without_names_are_named_after_their_instrument(tmp_path):
    score = midi.read_midi(foreign(tmp_path, [player("", 42), player("", 0, is_drum=True), player("\0\x01", 68)]))
    assert score.sources == ("cello", "drums", "oboe")
    assert score.unpitched == {"drums"}


def test_silent_tracks_are_left_out(tmp_path):
    # One holds nothing; one turns a knob and never plays.
    knob = player("c", played=())
    knob.control_changes.append(pretty_midi.ControlChange(7, 100, 0.0))
    path = foreign(tmp_path, [player("a"), player("b", played=()), knob])
    with pytest.warns(ScoreWarning, match=r"The track [bc] has no note"):
        score = midi.read_midi(path)
    assert score.sources == ("a",)


def test_the_tempo_is_followed(tmp_path):
    note = midi.read_midi(foreign(tmp_path, [player("a", played=((60, 1.5, 2.25),))], tempo=77.0)).notes[0]
    assert_allclose([note.onset_s, note.offset_s], [1.5, 2.25], atol=5e-3)


def test_names_in_one_byte_letters_are_read(tmp_path):
    track = mido.MidiTrack(
        [
            mido.MetaMessage("track_name", name="fl\xfbte"),
            mido.Message("note_on", note=60, velocity=64, time=0),
            mido.Message("note_off", note=60, time=480),
        ]
    )
    mido.MidiFile(charset="latin-1", tracks=[track]).save(tmp_path / "x.mid")
    assert midi.read_midi(tmp_path / "x.mid").sources == ("fl\xfbte",)


def test_a_midi_without_notes_is_refused(tmp_path):
    message = refusal(lambda: midi.read_midi(foreign(tmp_path, [player("a", played=())])), ValueError)
    assert "x.mid holds no notes; export the score again" in message


@pytest.mark.parametrize("content", [b"", b"this is text", b"MThd", bytes(range(256))])
def test_what_is_no_midi_is_refused(tmp_path, content):
    (tmp_path / "x.mid").write_bytes(content)
    message = refusal(lambda: midi.read_midi(tmp_path / "x.mid"), ValueError)
    assert "x.mid could not be read as MIDI (" in message and "give a Standard MIDI File" in message
    assert "()" not in message


def test_a_truncated_midi_is_refused_wherever_it_is_cut(tmp_path):
    midi.write_midi(tmp_path / "x.mid", duet())
    whole = (tmp_path / "x.mid").read_bytes()
    for length in range(0, len(whole), 3):
        (tmp_path / "x.mid").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"x\.mid (could not be read as MIDI|holds no notes)"):
            midi.read_midi(tmp_path / "x.mid")


@pytest.mark.parametrize(
    "programs, parts",
    [
        ({"viola": 41}, ("a source of programs must be one of 'bassoon', 'violin', got 'viola'",)),
        ({"violin": 128}, ("programs['violin']", "at most 127", "got 128")),
        ({"violin": -1}, ("programs['violin']", "at least 0", "got -1")),
    ],
)
def test_programs_that_do_not_exist_are_refused(tmp_path, programs, parts):
    message = refusal(lambda: midi.write_midi(tmp_path / "x.mid", duet(), programs=programs), ValueError)
    for part in parts:
        assert part in message
    assert list(tmp_path.iterdir()) == []
