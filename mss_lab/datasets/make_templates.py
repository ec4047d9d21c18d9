"""Make the tables of harmonics again, from renders or from recordings.

    mss-lab data templates [--out DIR]
    mss-lab data templates --single-notes FOLDER [--out DIR]

The amplitude of each harmonic is measured while single notes sound. The result is a small table: how an instrument
divides its sound among its harmonics, pitch by pitch. The first command makes data/models/instruments: notes of General
MIDI instruments, rendered at several strengths and lengths. The second makes data/models/single_notes: recorded notes
in FOLDER, which holds a folder for each instrument (see `mss_lab.datasets.single_notes`). Nothing is random, so the
same versions of the tools give the same tables.

Contents: RANGES; notes_of, measure, measure_recordings, harmonic_levels; write, write_recorded, add_arguments, run.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from tqdm import tqdm

from .. import checks, files, shipped, transforms, units
from ..refusals import RefusedValue
from ..score.instruments import name_of
from ..score.notes import Note, Score
from . import render, single_notes

SAMPLE_RATE_HZ = 44_100
HARMONICS = 60
STEP_SEMITONES = 2
VELOCITIES = (50, 80, 110)
LENGTHS_S = (0.4, 1.6)
GAP_S = 0.6

# Long enough to separate the harmonics of the lowest notes, with frames close enough to follow their decay.
WINDOW_SAMPLES, HOP_SAMPLES = 8192, 1024
# Levels are stored in steps of half a decibel below the strongest harmonic, down to 127 dB: one byte each.
STEP_DB = 0.5
LOWEST_STEP = 254

RECORD = "record.json"
TABLE = "harmonics.npz"
RECORDED_CREDIT = (
    "Measured on single notes of tonejs-instruments by N. P. Brosowsky (CC BY 3.0), from the npm packages "
    "tonejs-instrument-NAME-mp3 by Makefully Studios."
)
CREDIT = "Measured on single notes of the FluidR3 GM soundfont by Frank Wen and contributors (MIT licence)."

# Lowest and highest pitch of each program, counted from 0: the range of players, not of a soundfont. Programs without
# harmonics (bells, drums, effects) and without an instrument (pads) are left out.
RANGES = {
    **dict.fromkeys(range(8), (24, 105)),  # pianos, harpsichord, clavinet
    **{8: (60, 105), 11: (53, 89), 12: (45, 96), 15: (48, 86)},  # celesta, vibraphone, marimba, dulcimer
    **dict.fromkeys(range(16, 21), (24, 96)),  # organs
    **{21: (41, 93), 22: (48, 96), 23: (41, 93)},  # accordions, harmonica
    **dict.fromkeys(range(24, 31), (40, 88)),  # guitars
    **dict.fromkeys(range(32, 40), (23, 67)),  # basses
    **{40: (55, 103), 41: (48, 91), 42: (36, 84), 43: (24, 67)},  # violin, viola, cello, contrabass
    **{44: (28, 96), 45: (28, 96), 46: (24, 103), 47: (36, 60)},  # tremolo, pizzicato, harp, timpani
    **dict.fromkeys(range(48, 52), (28, 96)),  # string ensembles
    **dict.fromkeys(range(52, 55), (40, 84)),  # voices
    **{56: (52, 86), 57: (34, 77), 58: (26, 65), 59: (52, 86)},  # trumpet, trombone, tuba, muted trumpet
    **{60: (34, 77), 61: (34, 84), 62: (34, 84), 63: (34, 84)},  # horn, brass
    **{64: (56, 88), 65: (49, 82), 66: (44, 77), 67: (36, 70)},  # saxophones from soprano to baritone
    **{68: (58, 93), 69: (52, 81), 70: (34, 76), 71: (50, 94)},  # oboe, English horn, bassoon, clarinet
    **{72: (74, 108), 73: (59, 98), 74: (60, 98), 75: (60, 96)},  # piccolo, flute, recorder, pan flute
    **{76: (60, 96), 77: (55, 90), 78: (72, 108), 79: (60, 96)},  # bottle, shakuhachi, whistle, ocarina
    **dict.fromkeys(range(80, 88), (36, 96)),  # synthesisers that lead
    **{104: (48, 84), 105: (48, 84), 106: (50, 84), 107: (44, 84)},  # sitar, banjo, shamisen, koto
    **{109: (55, 81), 110: (55, 96), 111: (58, 84)},  # bagpipe, fiddle, shanai
}


def notes_of(program: int) -> tuple[Note, ...]:
    """The notes that are rendered with a program: every second pitch of its range and its highest, in sequence.

    Raises
    ------
    ValueError
        If the program is not among RANGES.
    """
    if program not in RANGES:
        raise RefusedValue(f"program must be one that is measured, {sorted(RANGES)}, got {program}")
    lowest, highest = RANGES[program]
    pitches = sorted({*range(lowest, highest, STEP_SEMITONES), highest})
    notes, onset_s = [], GAP_S
    for midi in pitches:
        for velocity in VELOCITIES:
            for length_s in LENGTHS_S:
                notes.append(Note("instrument", midi, onset_s, onset_s + length_s, velocity))
                onset_s += length_s + GAP_S
    return tuple(notes)


def measure(program: int) -> tuple[np.ndarray, np.ndarray]:
    """Render an instrument and measure it.

    Parameters
    ----------
    program : int
        A key of RANGES.

    Returns
    -------
    midi : uint8 (pitches,)
    levels : uint8 (pitches, HARMONICS)
        How far each harmonic is below the strongest of its pitch, in half decibels; 254 is the lowest level.

    Raises
    ------
    MissingExtra, FileNotFoundError
        If FluidSynth or its soundfont is missing; the message says what to install.
    """
    notes = notes_of(program)
    stem = render.render(
        Score(notes), {"instrument": program}, sample_rate_hz=SAMPLE_RATE_HZ, loudness=None, tail_s=GAP_S
    )["instrument"]
    levels: dict[int, list[np.ndarray]] = {}
    for note in notes:
        start, stop = (round(time_s * SAMPLE_RATE_HZ) for time_s in (note.onset_s, note.offset_s))
        levels.setdefault(int(note.midi), []).append(harmonic_levels(stem[:, start:stop], note.midi, SAMPLE_RATE_HZ))
    return _steps_below_the_strongest(levels)


def measure_recordings(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Measure an instrument on its recorded single notes.

    Parameters
    ----------
    folder : path
        As for `mss_lab.datasets.single_notes.read_folder`.

    Returns
    -------
    midi, levels
        As for `measure`. A note counts for the pitch that sounds, whatever the name of its file.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `mss_lab.datasets.single_notes.read_folder`.
    """
    levels: dict[int, list[np.ndarray]] = {}
    for note in single_notes.read_folder(folder):
        measured = harmonic_levels(note.waveform, note.midi, note.sample_rate_hz)
        levels.setdefault(units.nearest_pitch(note.midi), []).append(measured)
    return _steps_below_the_strongest(levels)


def _steps_below_the_strongest(levels: dict[int, list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The mean over the notes of each pitch, all with the same weight; a pitch without any sound is left out."""
    # A soundfont may have no sound for a key or a strength.
    shares = {midi: [one / one.sum() for one in notes if one.any()] for midi, notes in sorted(levels.items())}
    means = {midi: np.mean(notes, axis=0) for midi, notes in shares.items() if notes}
    amplitudes = np.array(list(means.values()))
    below_db = units.amplitude_to_db(amplitudes.max(axis=1, keepdims=True)) - units.amplitude_to_db(amplitudes, -400.0)
    steps = np.minimum(np.rint(below_db / STEP_DB), LOWEST_STEP).astype(np.uint8)
    return np.array(list(means), np.uint8), steps


def harmonic_levels(waveform: np.ndarray, midi: float, sample_rate_hz: int, harmonics: int = HARMONICS) -> np.ndarray:
    """Mean amplitude of each harmonic of a single note.

    All energy within the window's main lobe and half a semitone of a harmonic, but no farther than half-way to the
    next, counts for that harmonic: so vibrato and a slightly detuned soundfont do no harm.

    Parameters
    ----------
    waveform : float (1, samples)
        The note, from its onset to its offset.
    midi : float
    sample_rate_hz : int
    harmonics : int >= 1

    Returns
    -------
    float (harmonics,)
        Linear, 1 for a sinusoid of amplitude 1 that fills its frames; 0 above half the sample rate.
    """
    checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    stft = transforms.stft(waveform, window_samples=WINDOW_SAMPLES, hop_samples=HOP_SAMPLES)
    power = np.abs(stft[0].astype(complex)) ** 2
    bin_hz = sample_rate_hz / WINDOW_SAMPLES
    f0_hz = units.midi_to_hz(midi)
    centres_hz = f0_hz * np.arange(1, harmonics + 1)
    half_widths_hz = np.minimum(centres_hz * (units.cents_to_ratio(50) - 1) + 2 * bin_hz, f0_hz / 2)
    taper = transforms.make_window("hann", WINDOW_SAMPLES)
    # A sinusoid of amplitude 1: by Parseval, half of its windowed energy lies at positive frequencies.
    whole = WINDOW_SAMPLES * np.sum(taper**2) / 4
    levels = np.zeros(harmonics)
    for h, (centre_hz, half_hz) in enumerate(zip(centres_hz, half_widths_hz, strict=True)):
        if centre_hz >= sample_rate_hz / 2:
            break
        first, last = np.ceil((centre_hz - half_hz) / bin_hz), np.floor((centre_hz + half_hz) / bin_hz)
        levels[h] = np.mean(np.sqrt(power[int(first) : int(last) + 1].sum(axis=0) / whole))
    return levels


def write(out: Path) -> dict[str, Any]:
    """Measure every rendered instrument and put the table's folder at `out`; returns its record."""
    tables = {program: measure(program) for program in tqdm(RANGES, unit="instrument", desc="rendering")}
    facts = {
        "title": "Amplitudes of the harmonics of General MIDI instruments",
        "credits": CREDIT,
        "licence": "MIT",
        "velocities": VELOCITIES,
        "lengths_s": LENGTHS_S,
        "versions": {**render.versions(), **_versions()},
        "made_by": "mss-lab data templates",
    }
    return _write_table(out, tables, facts, LICENCE)


def write_recorded(folder: Path, out: Path) -> dict[str, Any]:
    """Measure the recorded single notes in the folders of `folder` and put the table at `out`; returns its record."""
    names = [name for name in single_notes.PROGRAMS if (folder / name).is_dir()]
    if not names:
        raise RefusedValue(
            f"{folder} must hold a folder for each instrument, none is called {', '.join(single_notes.PROGRAMS)}"
        )
    measured = {name: measure_recordings(folder / name) for name in tqdm(names, unit="instrument", desc="measuring")}
    tables = {program: measured[name] for name in names for program in single_notes.PROGRAMS[name]}
    facts = {
        "title": "Amplitudes of the harmonics of recorded instruments",
        "credits": RECORDED_CREDIT,
        "licence": "CC BY 3.0",
        "notes": {
            name: sum(path.suffix in single_notes.ENDINGS for path in (folder / name).iterdir()) for name in names
        },
        "versions": _versions(),
        "made_by": "mss-lab data templates --single-notes FOLDER",
    }
    return _write_table(out, tables, facts, RECORDED_LICENCE)


def _versions() -> dict[str, str]:
    return {"numpy": np.__version__, "scipy": scipy.__version__}


def _write_table(
    out: Path, tables: dict[int, tuple[np.ndarray, np.ndarray]], facts: dict[str, Any], licence: str
) -> dict[str, Any]:
    """Write table, licence and record into a folder, completely or not at all."""
    with files.whole_folder(out, force=True) as folder:
        np.savez_compressed(
            folder / TABLE,
            programs=np.repeat(np.array(list(tables), np.uint8), [len(midi) for midi, _ in tables.values()]),
            midi=np.concatenate([midi for midi, _ in tables.values()]),
            levels=np.concatenate([levels for _, levels in tables.values()]),
        )
        (folder / "LICENCE").write_text(licence, encoding="utf-8")
        record = {
            **facts,
            "instruments": {str(program): name_of(program) for program in tables},
            "harmonics": HARMONICS,
            "step_db": STEP_DB,
            "lowest_step": LOWEST_STEP,
            "sha256": {path.name: shipped.sha256(path) for path in sorted(folder.iterdir())},
        }
        (folder / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab data templates` to a parser."""
    parser.add_argument(
        "--single-notes", type=Path, metavar="FOLDER", help="measure recorded notes: one folder for each instrument"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to put the table in (default: in data/models)")


def run(options: argparse.Namespace) -> int:
    """Measure, write the table, and print its size."""
    name = "single_notes" if options.single_notes else "instruments"
    out = options.out or shipped.data_folder() / "models" / name
    record = write_recorded(options.single_notes, out) if options.single_notes else write(out)
    table = out / TABLE
    sys.stdout.write(f"{table}: {len(record['instruments'])} instruments, {table.stat().st_size / 1e3:.0f} kB\n")
    return 0


RECORDED_LICENCE = """Amplitudes of the harmonics of recorded instruments

The numbers in this folder were measured on the single notes of tonejs-instruments, gathered and edited by
N. P. Brosowsky, in the form of the npm packages tonejs-instrument-NAME-mp3 by Makefully Studios. The recordings are
licensed under the Creative Commons Attribution 3.0 Unported licence (CC BY 3.0,
https://creativecommons.org/licenses/by/3.0/), and so are these numbers. The recordings themselves are not part of this
project. What was changed: the amplitude of each harmonic was measured over the first two seconds of each note, and
averaged over the notes of one pitch.
"""

LICENCE = """Amplitudes of the harmonics of General MIDI instruments

The numbers in this folder were measured on single notes of the soundfont FluidR3 GM, Copyright (c) 2000-2002, 2008
Frank Wen, Copyright (c) 2008 Toby Smithe, which is released under the MIT licence. So are they:

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
