"""Bad inputs for the command line, drawn at random: each is tried in a child process, and what it did is judged.

`python -m tests.cli.bad_inputs --count 3000 --seed 7` tries more inputs than the test does, and prints the faults.
`--only N` tries one of them again and shows what it printed.

A case is a folder with good and bad files, and the arguments of one call. After the call, status and output must be
those of a refusal or of a success, and nothing but the result that was asked for may have changed in the folder.
"""

import argparse
import contextlib
import dataclasses
import os
import re
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from mss_lab import catalogue, options, signals
from mss_lab.score import midi
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score
from tests.folders import snapshot

RATE_HZ = 8_000
LONGEST_S = 75
MOST_LINES = 4
MOST_BYTES = 8 << 30

# Words of Python and of libraries that say nothing to a musician.
RAW = re.compile(
    r"Traceback|\[Errno|NoneType|object (is not|has no)|argument of type|unexpected keyword|could not be broadcast"
    r"|invalid literal|out of bounds|dtype|ndarray|tensor|Warning:|codec can't|LibsndfileError"
    r"|unpack requires|list index|RuntimeError|ValueError|TypeError|KeyError|OSError|\.mss-lab-|Bad magic|line \d+, in"
)
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]")


@dataclasses.dataclass
class Case:
    """Arguments of one call, and where its results may lie if it succeeds."""

    arguments: list
    results: tuple = ()


@dataclasses.dataclass
class Outcome:
    """What a call did: exit status (None where it had to be stopped), output, seconds."""

    status: int | None
    out: str
    err: str
    seconds: float


# Files.


def good_audio(folder, channels=2, length_s=0.4, name="mix.wav"):
    low = signals.harmonic_tone(220.0, length_s, RATE_HZ, amplitude=0.3)
    high = signals.harmonic_tone(330.0, length_s, RATE_HZ, amplitude=0.2)
    mixture = low + high if channels == 1 else signals.pan(low, 0.3) + signals.pan(high, 1.2)
    soundfile.write(folder / name, mixture.T, RATE_HZ, subtype="FLOAT")
    return folder / name


def good_score(folder, name="score.mid"):
    score = Score((Note("bassoon", 57, 0.0, 0.4), Note("violin", 64, 0.0, 0.3)))
    (write_csv if name.endswith("csv") else midi.write_midi)(folder / name, score)
    return folder / name


def written(name, content):
    def make(folder, rng):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder / name

    return make


def audio_of(waveform, rate_hz=RATE_HZ, name="odd.wav", subtype="FLOAT"):
    def make(folder, rng):
        soundfile.write(folder / name, np.asarray(waveform), rate_hz, subtype=subtype)
        return folder / name

    return make


def cut_short(ending, subtype=None):
    """A real file of which the end, or nearly all, is missing."""

    def make(folder, rng):
        path = folder / f"cut{ending}"
        soundfile.write(path, rng.standard_normal((4000, 2)) * 0.1, RATE_HZ, subtype=subtype)
        content = path.read_bytes()
        path.write_bytes(content[: int(rng.integers(1, len(content)))])
        return path

    return make


def damaged(ending, make_good=None):
    """A real file, a few bytes of which are others."""

    def make(folder, rng):
        path = folder / f"damaged{ending}"
        if make_good is None:
            soundfile.write(path, rng.standard_normal((4000, 2)) * 0.1, RATE_HZ)
        else:
            make_good(folder, path.name)
        content = bytearray(path.read_bytes())
        for at in rng.integers(0, min(len(content), 400), int(rng.integers(1, 12))):
            content[at] = int(rng.integers(256))
        path.write_bytes(content)
        return path

    return make


def wav_header(rate_hz=RATE_HZ, channels=1, bits=16, kind=1, promised=None):
    """A WAV file with four samples, whose header says what it likes."""

    def make(folder, rng):
        data = b"\1\2" * 4
        size = len(data) if promised is None else promised
        block = min(channels * bits // 8, 65_535)
        head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", min(36 + size, 2**32 - 1), b"WAVE", b"fmt ", 16, kind,
                           channels, rate_hz, min(rate_hz * block, 2**32 - 1), block, bits, b"data", size)  # fmt: skip
        (folder / "header.wav").write_bytes(head + data)
        return folder / "header.wav"

    return make


def fifo(folder, rng):
    os.mkfifo(folder / "pipe.wav")
    return folder / "pipe.wav"


def dangling(folder, rng):
    (folder / "link.wav").symlink_to(folder / "gone.wav")
    return folder / "link.wav"


def loop(folder, rng):
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    return folder / "loop.wav"


def a_folder(folder, rng):
    (folder / "folder.wav").mkdir()
    return folder / "folder.wav"


def strange_name(name, make=good_audio):
    """A good file under a name that is no nice one."""

    def made(folder, rng):
        path = make(folder)
        target = os.fsencode(folder) + b"/" + name
        path.rename(os.fsdecode(target))
        return os.fsdecode(target)

    return made


def missing(name):
    return lambda folder, rng: f"{folder}/{name}"


def at(path):
    return lambda folder, rng: path


AUDIO = {
    "empty": written("empty.wav", b""),
    "text": written("text.wav", "no sound here\n" * 50),
    "html": written("page.mp3", "<html>404</html>"),
    "zeros": written("zeros.flac", bytes(5000)),
    "m4a": written("song.m4a", b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(500)),
    "wma": written("song.wma", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(500)),
    "raw": written("song.raw", bytes(500)),
    "midi as audio": lambda folder, rng: good_score(folder, "notes.mid"),
    "cut wav": cut_short(".wav"),
    "cut flac": cut_short(".flac"),
    "cut mp3": cut_short(".mp3"),
    "cut ogg": cut_short(".ogg", "VORBIS"),
    "cut aiff": cut_short(".aiff"),
    "damaged wav": damaged(".wav"),
    "damaged flac": damaged(".flac"),
    "damaged mp3": damaged(".mp3"),
    "damaged ogg": damaged(".ogg"),
    "no samples": audio_of(np.zeros((0, 1))),
    "one sample": audio_of([[0.5]]),
    "two samples, stereo": audio_of([[0.5, 0.1], [0.2, 0.2]]),
    "NaN": audio_of(np.full((800, 2), np.nan)),
    "one NaN": audio_of(np.where(np.arange(800) == 7, np.nan, 0.1)),
    "infinities": audio_of(np.full(800, np.inf)),
    "17 channels": audio_of(np.full((800, 17), 0.1)),
    "1 Hz": wav_header(rate_hz=1),
    "0 Hz": wav_header(rate_hz=0),
    "10 MHz": wav_header(rate_hz=10_000_000),
    "no channels": wav_header(channels=0),
    "60000 channels": wav_header(channels=60_000),
    "an unknown codec": wav_header(kind=0x161),
    "a header of 4 GB": wav_header(promised=2**32 - 2),
    "a header of 2 GB, float": wav_header(kind=3, bits=32, promised=2**31 - 8),
    "silence": audio_of(np.zeros((3000, 2))),
    "silence, mono": audio_of(np.zeros(3000)),
    "beyond full scale": audio_of(np.full((3000, 2), 1e6)),
    "huge": audio_of(np.full((3000, 2), 1e38)),
    "tiny": audio_of(np.full((3000, 2), 1e-38)),
    "constant": audio_of(np.ones((3000, 2))),
    "left alone": audio_of(np.stack([np.sin(np.arange(3000)), np.zeros(3000)], 1)),
    "opposite": audio_of(np.stack([np.sin(np.arange(3000)), -np.sin(np.arange(3000))], 1)),
    "mono": lambda folder, rng: good_audio(folder, 1),
    "a pipe": fifo,
    "a dangling link": dangling,
    "a loop of links": loop,
    "a folder": a_folder,
    "a device": at("/dev/zero"),
    "an empty device": at("/dev/null"),
    "nothing": at(""),
    "missing": missing("gone.wav"),
    "below a file": missing("score.mid/mix.wav"),
    "a very long name": missing("a" * 5000 + ".wav"),
    "a NUL": missing("a\0b.wav"),
    "line breaks": missing("one\ntwo\rthree.wav"),
    "named with spaces": strange_name(b"my  song .wav"),
    "named with line breaks": strange_name(b"my\nsong\r.wav"),
    "named with escapes": strange_name(b"\x1b[31m\x1b]0;hello\x07.wav"),
    "named in bytes": strange_name(b"s\xf6ng\xff.wav"),
    "named like an option": strange_name(b"--force.wav"),
    "named right to left": strange_name("‮evil.wav".encode()),
    "named without an ending": strange_name(b"song"),
}  # fmt: skip


def zipped(name, content, member="score.musicxml"):
    def make(folder, rng):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)
        return folder / name

    return make


def with_part(measure, head="", extra=""):
    """A MusicXML page of one part."""
    return (
        f"<?xml version='1.0'?>{head}<score-partwise version='4.0'><part-list><score-part id='P1'><part-name>violin"
        f"</part-name></score-part></part-list><part id='P1'>{measure}</part>{extra}</score-partwise>"
    )


def midi_bytes(track, division=480, kind=1, tracks=1, head=6):
    return (
        b"MThd" + struct.pack(">IHHH", head, kind, tracks, division) + b"MTrk" + struct.pack(">I", len(track)) + track
    )


NOTE = "<note><pitch><step>A</step><octave>4</octave></pitch><duration>{}</duration></note>"
MEASURE = "<measure number='1'><attributes><divisions>{}</divisions></attributes>{}</measure>"
SOUND = b"\0\x90\x3c\x40\x60\x80\x3c\x40"
BOMB = "<!DOCTYPE a [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"


def many_players(folder, rng):
    lines = [f"player {number},{40 + number % 50},0.0,0.3" for number in range(5000)]
    (folder / "many.csv").write_text("instrument,midi,onset_s,offset_s\n" + "\n".join(lines))
    return folder / "many.csv"


def csv_of(*lines, head="instrument,midi,onset_s,offset_s"):
    return written("odd.csv", "\n".join([head, *lines]) + "\n")


SCORES = {
    "empty midi": written("empty.mid", b""),
    "only a header": written("head.mid", b"MThd"),
    "no tracks": written("none.mid", b"MThd" + struct.pack(">IHHH", 6, 1, 0, 480)),
    "a track cut": written("cut.mid", midi_bytes(SOUND)[:-4]),
    "a track too long": written("long.mid", midi_bytes(SOUND).replace(b"MTrk\0\0\0\x08", b"MTrk\0\xff\xff\xff")),
    "no division": written("zero.mid", midi_bytes(SOUND + b"\0\xff\x2f\0", division=0)),
    "foreign division": written("smpte.mid", midi_bytes(SOUND + b"\0\xff\x2f\0", division=0xE728)),
    "type 2": written("two.mid", midi_bytes(SOUND + b"\0\xff\x2f\0", kind=2)),
    "type 9": written("nine.mid", midi_bytes(SOUND + b"\0\xff\x2f\0", kind=9)),
    "no tempo": written("tempo.mid", midi_bytes(b"\0\xff\x51\x03\0\0\0" + SOUND + b"\0\xff\x2f\0")),
    "no notes": written("silent.mid", midi_bytes(b"\0\xff\x2f\0")),
    "a key of 99 sharps": written("key.mid", midi_bytes(b"\0\xff\x59\x02\x63\0" + SOUND + b"\0\xff\x2f\0")),
    "a name in bytes": written("name.mid", midi_bytes(b"\0\xff\x03\x04\x1b[2J" + SOUND + b"\0\xff\x2f\0")),
    "years away": written("far.mid", midi_bytes(b"\xff\xff\xff\x7f\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x40")),
    "damaged midi": damaged(".mid", good_score),
    "noise": lambda folder, rng: written("noise.mid", b"MThd\0\0\0\6" + rng.bytes(300))(folder, rng),
    "audio as score": lambda folder, rng: Path(shutil.copy(good_audio(folder), folder / "sound.mid")),
    "empty xml": written("empty.musicxml", b""),
    "broken xml": written("broken.musicxml", with_part("<measure><note>")),
    "another xml": written("page.musicxml", "<html><body/></html>"),
    "timewise": written("time.musicxml", "<?xml version='1.0'?><score-timewise/>"),
    "no measures": written("none.musicxml", with_part("")),
    "entities": written("bomb.musicxml", with_part("&a11;", BOMB)),
    "an entity of a file": written(
        "file.musicxml", with_part("&x;", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>")
    ),
    "no divisions": written("div.musicxml", with_part(MEASURE.format(0, NOTE.format(1)))),
    "negative divisions": written("neg.musicxml", with_part(MEASURE.format(-3, NOTE.format(1)))),
    "a duration of no number": written("nan.musicxml", with_part(MEASURE.format(1, NOTE.format("nan")))),
    "an endless duration": written("inf.musicxml", with_part(MEASURE.format(1, NOTE.format("1e308")))),
    "a duration of many digits": written("dig.musicxml", with_part(MEASURE.format(1, NOTE.format("9" * 5000)))),
    "an octave of 99": written("oct.musicxml", with_part(MEASURE.format(1, NOTE.format(1)).replace(">4<", ">99<"))),
    "a step of H": written("h.musicxml", with_part(MEASURE.format(1, NOTE.format(1)).replace(">A<", ">H<"))),
    "another encoding": written("enc.musicxml", with_part(MEASURE.format(1, NOTE.format(1))).encode("utf-16")),
    "endless repeats": written(
        "rep.musicxml",
        with_part(
            MEASURE.format(1, NOTE.format(1) + "<barline><repeat direction='backward' times='1000000000'/></barline>")
        ),
    ),
    "deep": written("deep.musicxml", "<a>" * 100_000),
    "not zipped": written("no.mxl", with_part(MEASURE.format(1, NOTE.format(1)))),
    "an empty archive": written("empty.mxl", b"PK\5\6" + bytes(18)),
    "an archive cut": lambda folder, rng: written("cut.mxl", zipped("z.mxl", "x")(folder, rng).read_bytes()[:40])(
        folder, rng
    ),
    "an archive of 200 MB": zipped("bomb.mxl", b" " * 200_000_000),
    "an archive of nothing": zipped("none.mxl", "x", "readme.txt"),
    "an archive that climbs": zipped("up.mxl", with_part(""), "../../up.musicxml"),
    "empty csv": written("empty.csv", b""),
    "only a heading": csv_of(),
    "another heading": csv_of("1,2,3", head="a,b,c"),
    "NaN times": csv_of("violin,64,nan,0.3"),
    "infinite times": csv_of("violin,64,0,inf"),
    "negative times": csv_of("violin,64,-1,0.3"),
    "reversed times": csv_of("violin,64,0.3,0.1"),
    "far too late": csv_of("violin,64,1000,1001"),
    "endless": csv_of("violin,64,0,1e300"),
    "a pitch of 999": csv_of("violin,999,0,0.3"),
    "a pitch of no number": csv_of("violin,A4,0,0.3"),
    "too few cells": csv_of("violin,64"),
    "too many cells": csv_of("violin,64,0,0.3,1,2,3"),
    "no player": csv_of(",64,0,0.3"),
    "a player with escapes": csv_of("\x1b[31mviolin,64,0,0.3"),
    "a player named ..": csv_of("..,64,0,0.3"),
    "a player named /": csv_of("/,64,0,0.3", "\\,60,0,0.3"),
    "a long player": csv_of(f"{'v' * 3000},64,0,0.3"),
    "bytes": written("bytes.csv", b"source,midi,onset_s,offset_s\n\xff\xfe\0,64,0,0.3\n"),
    "one long line": written("line.csv", b"x" * 3_000_000),
    "quotes": written("quotes.csv", b'source,midi,onset_s,offset_s\n"violin,64,0,0.3\n' * 50),
    "5000 players": many_players,
    "drums": csv_of("drums,36,0,0.3"),
    "two players": lambda folder, rng: good_score(folder, "two.csv"),
    "an unknown ending": written("score.pdf", b"%PDF-1.7"),
    "no ending": written("score", b"MThd"),
    "a pipe": lambda folder, rng: fifo(folder, rng).rename(folder / "pipe.mid"),
    "a loop of links": lambda folder, rng: loop(folder, rng).rename(folder / "loop.mid"),
    "a folder": lambda folder, rng: a_folder(folder, rng).rename(folder / "folder.mid"),
    "a device": at("/dev/zero"),
    "nothing": at(""),
    "missing": missing("gone.mid"),
    "a NUL": missing("a\0.mid"),
    "named with escapes": strange_name(b"\x1b[2J\n.mid", good_score),
    "named in bytes": strange_name(b"\xff.mid", good_score),
}  # fmt: skip

# Places for results.


def taken_by_a_file(folder, rng):
    (folder / "out").write_text("mine")
    return folder / "out"


def taken_by_foreign_files(folder, rng):
    (folder / "out" / "deep").mkdir(parents=True)
    (folder / "out" / "thesis.txt").write_text("mine")
    (folder / "out" / "deep" / "photo.jpg").write_bytes(b"\xff\xd8")
    return folder / "out"


def a_link_to_foreign_files(folder, rng):
    taken_by_foreign_files(folder, rng).rename(folder / "elsewhere")
    (folder / "out").symlink_to("elsewhere")
    return folder / "out"


def a_dangling_link(folder, rng):
    (folder / "out").symlink_to("nowhere")
    return folder / "out"


def a_loop(folder, rng):
    (folder / "out").symlink_to("out")
    return folder / "out"


def a_pipe(folder, rng):
    os.mkfifo(folder / "out")
    return folder / "out"


OUTPUTS = {
    "new": missing("out"),
    "new, below new folders": missing("a/b/out"),
    "a file": taken_by_a_file,
    "foreign files": taken_by_foreign_files,
    "a link to foreign files": a_link_to_foreign_files,
    "a dangling link": a_dangling_link,
    "a loop of links": a_loop,
    "a pipe": a_pipe,
    "the inputs' folder": lambda folder, rng: folder,
    "the inputs' folder, otherwise": lambda folder, rng: f"{folder}/stems/..",
    "the mixture": lambda folder, rng: folder / "mix.wav",
    "below the mixture": lambda folder, rng: folder / "mix.wav" / "out",
    "where one works": at("."),
    "above where one works": at(".."),
    "the root": at("/"),
    "a device": at("/dev/null"),
    "a full device": at("/dev/full"),
    "below a device": at("/dev/null/out"),
    "a system's folder": at("/proc/out"),
    "nothing": at(""),
    "a NUL": missing("a\0b"),
    "a very long name": missing("o" * 300),
    "a very deep name": missing("o/" * 3000),
    "named with escapes": missing("\x1b[2J\nout"),
    "named in bytes": missing("\udcff"),
    "spaces": missing("  "),
}

# Values of options.

VALUES = (
    "", " ", "abc", "nan", "inf", "-inf", "0", "-1", "-0.0", "1", "2", "0.5", "1e12", "1000000000", "1e300", "1e-300",
    "-1e300", "9" * 400, "9" * 5000, "true", "False", "None", "null", "[]", "{}", "0x10", "1_0", "1,2", "a=b", "a=b=c",
    "violin=clarinet", "٣", "\uff11\uff12", "½", "\x1b[31m", "\udcff", "../..", "1e", "--", "horizontal,,", "nearest",
    "score-masks", "local-gaussian", "$(reboot)", "%s%n", "\n",
)  # fmt: skip
FORMATS = ("wav", "flac", "ogg", "mp3")
STRAY = (
    ["--nonsense"], ["--set"], ["--set", ""], ["--set", "="], ["--set", "=1"], ["--set", "window_s"],
    ["--set", "windw_s=0.1"], ["--set", "mixture=1"], ["--set", "score=1"], ["--set", "sample_rate_hz=1"],
    ["--set", "__class__=1"], ["--set", "window_s=0.1", "--set", "window_s=wide"], ["--set", "\x1b[31m=1"],
    ["--align", "auto"], ["--align", "yes"], ["--pedal"], ["--players", ""], ["--players", ",,"],
    ["--players", "a"], ["--players", "a,a"], ["--players", "a,b"], ["--players", "\x1b[2J,b"], ["--players", "a/b,.."],
    ["--players", "a\nb,c"], ["--format", "wma"], ["--format", ""], ["--force", "--force"], ["--forc"], ["extra"],
    ["--method"], ["--method", ""], ["--method", "nmff"], ["--method", "\x1b[31m"], ["--out"], ["-x"], ["--", "-x"],
)  # fmt: skip


def pick(rng, among):
    among = list(among)
    return among[int(rng.integers(len(among)))]


def separate(folder, rng):
    """A call of `separate`, with one to three things wrong."""
    method = pick(rng, [method for method in catalogue.METHODS if _installed(method) and not method.downloads])
    wrong = set(rng.permutation(["mixture", "score", "option", "output", "stray"])[: int(rng.integers(1, 4))].tolist())
    mixture, score = good_audio(folder), good_score(folder)
    label = [method.name]
    if "mixture" in wrong:
        name = pick(rng, AUDIO)
        label.append(f"mixture {name}")
        mixture = AUDIO[name](folder, rng)
    arguments = ["separate", str(mixture), "--method", method.name]
    if "score" in wrong:
        name = pick(rng, SCORES)
        label.append(f"score {name}")
        score = SCORES[name](folder, rng)
    if "score" in wrong or "score" in method.needs:
        arguments += ["--score", str(score)]
    out = folder / "out"
    if "output" in wrong:
        name = pick(rng, OUTPUTS)
        label.append(f"output {name}")
        out = OUTPUTS[name](folder, rng)
    arguments += ["--out", str(out)]
    for _ in range(int(rng.integers(1, 4)) if "option" in wrong else 0):
        option = pick(rng, list(method.options) or ["none"])
        rule = method.options[option].rule if option in method.options else None
        values = [*VALUES, *([str(rule.at_least), str(rule.at_most)] if isinstance(rule, options.Number) else [])]
        arguments += ["--set", f"{option}={pick(rng, values)}"]
    if "stray" in wrong:
        arguments += pick(rng, STRAY)
    if rng.random() < 0.3:
        arguments += ["--force"]
    if rng.random() < 0.2:
        arguments += ["--format", pick(rng, FORMATS)]
    return ", ".join(label), Case(arguments, (str(out),))


def good_stems(folder, name="stems"):
    (folder / name).mkdir()
    for stem in ("low", "high"):
        good_audio(folder / name, name=f"{stem}.wav")
    return folder / name


def evaluate(folder, rng):
    """A call of `evaluate` with folders that hold bad files, and with bad places for its table."""
    estimates, sources = good_stems(folder, "estimates"), good_stems(folder, "sources")
    name = pick(rng, AUDIO)
    label = [f"a stem {name}"]
    spoilt = folder / "spoilt"
    spoilt.mkdir()
    made = Path(AUDIO[name](spoilt, rng))
    with contextlib.suppress(OSError, ValueError):
        target = estimates / (pick(rng, ["low", "third"]) + made.suffix)
        if made.is_relative_to(spoilt):
            target.unlink(missing_ok=True)
            made.rename(target)
    if rng.random() < 0.5:
        label.append(kind := pick(rng, ["no folder", "a file", "empty", "nothing", "a loop", "the same", "escapes"]))
        sources = {
            "no folder": folder / "gone",
            "a file": good_audio(folder),
            "empty": spoilt,
            "nothing": "",
            "a loop": loop(folder, rng),
            "the same": estimates,
            "escapes": folder / "\x1b[2J",
        }[kind]
    arguments = ["evaluate", str(estimates), str(sources)]
    results = ()
    if rng.random() < 0.7:
        name = pick(rng, OUTPUTS)
        label.append(f"table {name}")
        table = OUTPUTS[name](folder, rng)
        if rng.random() < 0.3:
            table = estimates / "low.wav"
        arguments += ["--csv", str(table)]
        results = (str(table),)
    arguments += pick(rng, [[], ["--force"], ["--bss-eval"], ["--nonsense"], ["--csv"], ["extra"]])
    return ", ".join(label), Case(arguments, results)


def others(folder, rng):
    """Calls of the other commands, and of none."""
    for make in (good_audio, good_score):
        make(folder)
    (folder / "not.ipynb").write_text("{}")
    odd = pick(rng, ["", "\x1b[2J", str(folder / "gone"), str(folder / "mix.wav"), str(folder / "not.ipynb"),
                     "--nonsense", "-1", "a\0b", "x" * 5000, "\udcff", str(folder)])  # fmt: skip
    no_folder = pick(rng, ["", "a\0b", "x" * 5000, str(folder / "mix.wav"), str(folder / "mix.wav" / "in"), "/proc/no"])
    arguments = pick(
        rng,
        [
            [], [odd], ["--traceback"], ["--version", odd], ["--help", odd], ["seperate", odd], ["separate"],
            ["separate", odd], ["methods", odd], ["datasets", odd], ["verify", odd], ["doctor", odd],
            ["lab", "--port", odd or "0"], ["lab", "--port", "70000"], ["lab", "--port", "nan"],
            ["lab", odd, "--port", "70000"], ["lab", no_folder, "--no-server"], ["data", odd], ["data", "lessons", odd],
            ["lesson", odd], ["lesson", "strip", odd or "x"], ["doctor", "--files", odd], ["book", no_folder],
            ["evaluate", odd], ["evaluate", odd, odd], ["separate", "--help", odd], ["grade"], ["grade", odd],
            ["grade", str(folder / "gone.ipynb")], ["grade", str(folder / "mix.wav")], ["datasets"], ["methods"],
            ["transcribe", odd], ["transcribe", str(folder / "mix.wav"), "--out", odd],
            ["transcribe", str(folder / "gone.wav"), "--out", str(folder / "notes.mid"), "--threshold", odd],
        ],
    )  # fmt: skip
    return " ".join(arguments)[:60], Case(arguments)


def score_command(folder, rng):
    """Calls of `score`."""
    name = pick(rng, SCORES)
    path = SCORES[name](folder, rng)
    arguments = ["score", str(path)]
    label, results = f"score {name}", ()
    if rng.random() < 0.5:
        place = pick(rng, OUTPUTS)
        out = OUTPUTS[place](folder, rng)
        label += f", output {place}"
        arguments += ["--to", pick(rng, ["midi", "csv", "musicxml", "pdf", ""]), "--out", str(out)]
        results = (str(out),)
    arguments += pick(rng, [[], ["--force"], ["--players", "a"], ["--players", ",,"], ["--nonsense"], ["--pedal"]])
    return label, Case(arguments, results)


def case(number, seed, folder):
    """The case of that number: its label, and what to call; its files lie in `folder` then."""
    rng = np.random.default_rng([seed, number])
    make = pick(rng, [*[separate] * 12, *[evaluate] * 3, *[others] * 3, *[score_command] * (2 * _has_score())])
    return make(folder, rng)


def case_of(number, seed):
    """As `case`, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bad-input-") as place:
        return case(number, seed, Path(place))


# Trying and judging.


def run_in_child(arguments: list[str], folder: Path, longest_s: float, call: Callable) -> Outcome:
    """Call `call(arguments)` in a child process of its own that works in `folder`, and stop it where it takes long."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _be_child(arguments, folder, out.fileno(), err.fileno(), call)
        status = None
        while status is None:
            ended, state = os.waitpid(child, os.WNOHANG)
            if ended:
                status = os.waitstatus_to_exitcode(state)
            elif time.monotonic() - started > longest_s:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                break
            else:
                time.sleep(0.003)
        seconds = time.monotonic() - started
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode("utf-8", "backslashreplace"))
    return Outcome(status, *said, seconds)


def _be_child(arguments, folder, out, err, call):
    status = 70
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", errors="strict") for number in (1, 2))
        os.chdir(folder)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, hard))
        try:
            status = call(arguments)
        except SystemExit as ended:
            status = ended.code
        sys.stdout.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 99
    finally:
        with contextlib.suppress(BaseException):
            sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 98)


def complaints(outcome: Outcome, called: Case, before: dict, after: dict) -> list[str]:
    """What is wrong with what a call did, in words; nothing if all is well."""
    found = []
    if outcome.status is None:
        return [f"took more than {LONGEST_S} s"]
    if outcome.status not in (0, 1, 2):
        found.append(f"exit status {outcome.status}")
    # File names that a case gave are shown as they are, and are no words of a library.
    said = outcome.err
    if raw := RAW.search(said):
        found.append(f"raw words: {raw[0]!r}")
    if unsafe := UNSAFE.search(said + outcome.out):
        found.append(f"a control character: {unsafe[0]!r}")
    lines = [line for line in said.splitlines() if not line.startswith((" ", "usage:"))]
    if len(lines) > MOST_LINES or not all(re.match("mss-lab( [a-z]+){0,2}: ", line) for line in lines):
        found.append(f"{len(lines)} lines, or not of mss-lab alone")
    if outcome.status == 2 and not said + outcome.out:
        found.append("refused without a word")
    return found + _losses(outcome.status, called, before, after)


def _losses(status, called, before, after):
    """Changed and lost files, and what was left behind."""
    found = []
    places = called.results

    def is_result(name):
        return status == 0 and any(
            name == place or name.startswith(f"{place}/") or place.startswith(f"{name}/") for place in places
        )

    def was_kept(name):
        # A folder that held foreign files is kept under its name with ".old".
        return any(
            name.startswith(place) and after.get(f"{place}.old{name[len(place) :]}") == before[name] for place in places
        )

    may_replace = "--force" in called.arguments or "--forc" in called.arguments
    for name, content in before.items():
        if after.get(name) != content and not (is_result(name) and may_replace and was_kept(name)):
            # An empty folder may be filled, and a link may be replaced itself.
            if is_result(name) and (content[0] == "folder" or (content[0] == "link" and may_replace)):
                continue
            if is_result(name) and may_replace and called.arguments[0] != "separate" and name in places:
                continue
            found.append(f"{name} was changed or lost")
    for name in after.keys() - before.keys():
        kept = any(name == f"{place}.old" or name.startswith(f"{place}.old/") for place in places)
        if not (is_result(name) or (kept and status == 0)) or "/." in f"/{name}":
            found.append(f"{name} was left behind")
    return found


def try_case(number, seed, call, longest_s=LONGEST_S):
    """Try one case; returns its label, its arguments, what it did, and what is wrong with that."""
    with tempfile.TemporaryDirectory(prefix="bad-input-") as place:
        folder = Path(place) / "work" / "here"
        folder.mkdir(parents=True)
        label, called = case(number, seed, folder)
        before = snapshot(folder.parent)
        outcome = run_in_child([str(a) for a in called.arguments], folder, longest_s, call)
        after = snapshot(folder.parent)
        relative = Case(called.arguments, tuple(f"here/{_relative(p, folder)}" for p in called.results if p))
        found = complaints(outcome, relative, before, after)
    return label, called.arguments, outcome, found


def _relative(place, folder):
    return os.path.relpath(os.path.join(folder, place), folder)  # noqa: PTH118


def _installed(method):
    try:
        method.load()
    except ModuleNotFoundError:
        return False
    return True


def _has_score():
    from mss_lab import cli

    return "score" in cli._parser()._subparsers._group_actions[0].choices


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.cli.bad_inputs", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="number of one case, of which everything is shown")
    given = parser.parse_args(arguments)
    from mss_lab import cli

    for method in catalogue.METHODS:
        _installed(method)
    numbers = range(given.first, given.first + given.count) if given.only is None else [given.only]
    bad, statuses, slowest = 0, {}, (0.0, "")
    for number in numbers:
        label, called, outcome, found = try_case(number, given.seed, cli.main)
        statuses[outcome.status] = statuses.get(outcome.status, 0) + 1
        slowest = max(slowest, (outcome.seconds, f"{number}: {label}"))
        if found or given.only is not None:
            bad += bool(found)
            print(f"{number}: {label}\n  called with {[a[:200] for a in map(ascii, called)]}", flush=True)
            print(f"  said {outcome.err[-1500:] if given.only is None else outcome.out + outcome.err!r}")
            print("".join(f"  WRONG: {what}\n" for what in found), end="", flush=True)
    statuses = ", ".join(f"{count} with {status}" for status, count in sorted(statuses.items(), key=str))
    print(f"{len(numbers)} inputs ended: {statuses}; {bad} wrong; the slowest took {slowest[0]:.1f} s ({slowest[1]})")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
