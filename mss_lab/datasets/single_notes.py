"""Recordings of single notes in the form of sample libraries: a folder for each instrument, a file for each note.

A file is named after its pitch: "A4.mp3", "As3.mp3" or "A#3.mp3" for the A sharp below middle C. Names are not always
correct, so the sounding pitch is measured, and a note counts for that pitch.

The folders are those of the npm packages `tonejs-instrument-NAME-mp3`: notes that N. P. Brosowsky gathered and edited
as tonejs-instruments (licence of the recordings: CC BY 3.0).

Contents: PROGRAMS, SingleNote; pitch_of_name, sounding_midi, sounding_part, files_of, read_folder.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import scipy.ndimage

from .. import audio, checks, units
from ..refusals import RefusedValue

# Folder of each instrument, and the General MIDI programs (counted from 0) for which its notes are used.
PROGRAMS = {
    "violin": (40,),
    "cello": (42,),
    "contrabass": (43,),
    "trumpet": (56,),
    "trombone": (57,),
    "tuba": (58,),
    "french-horn": (60,),
    "saxophone": (65, 66),
    "bassoon": (70,),
    "clarinet": (71,),
    "flute": (73,),
}

SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"": 0, "s": 1, "#": 1, "b": -1}
ENDINGS = (".wav", ".flac", ".ogg", ".mp3")

# A note begins where its level first comes within 20 dB of its loudest moment.
SOUNDING_DB = -20.0
LEVEL_WINDOW_S = 0.05
# Typical length of written notes; later a plucked or struck note has lost its upper harmonics.
LONGEST_S = 2.0
# Range of pitches around that of the name: slightly more than an octave on each side.
SEARCH_SEMITONES = 13.5


@dataclasses.dataclass(frozen=True)
class SingleNote:
    """One recorded note: the name of its file, its sounding pitch (MIDI, with a fraction), and the sound itself.

    `waveform` is float32 (1, samples), from where the note begins to sound, at most `LONGEST_S` long.
    """

    file: str
    midi: float
    waveform: np.ndarray
    sample_rate_hz: int


def pitch_of_name(name: str) -> int:
    """The MIDI pitch that a file is named after: "A4.mp3" is 69, "As3 v2.mp3" is 58.

    Raises
    ------
    ValueError
        If the name does not begin with a pitch.
    """
    match = re.match(r"([A-G])([s#b]?)(-?\d)(?!\d)", name)
    if match is None:
        raise RefusedValue(f"a note's file must be named after its pitch, such as A4.mp3 or As3.mp3, got {name!r}")
    letter, accidental, octave = match.groups()
    return 12 * (int(octave) + 1) + SEMITONES[letter] + ACCIDENTALS[accidental]


def sounding_midi(waveform: np.ndarray, sample_rate_hz: int, named_midi: float) -> float:
    """The pitch of a recorded note, as a MIDI number with a fraction, within about an octave of its name's.

    Parameters
    ----------
    waveform : float (1, samples)
    sample_rate_hz : int
    named_midi : float
        Centre of the search.

    Raises
    ------
    ValueError
        If the note is silent.

    Reference: the YIN method, as in librosa; the median over the frames.
    """
    import librosa

    if not waveform.any():
        raise RefusedValue("a note must sound to have a pitch, got silence; leave its file out")
    lowest_hz, highest_hz = (units.midi_to_hz(named_midi + step) for step in (-SEARCH_SEMITONES, SEARCH_SEMITONES))
    # YIN needs two periods of the lowest pitch in a frame.
    frame = max(2048, 2 ** int(np.ceil(np.log2(2.5 * sample_rate_hz / lowest_hz))))
    f0_hz = librosa.yin(
        waveform[0], fmin=lowest_hz, fmax=min(highest_hz, 0.45 * sample_rate_hz), sr=sample_rate_hz, frame_length=frame
    )
    return float(units.hz_to_midi(np.median(f0_hz)))


def sounding_part(waveform: np.ndarray, sample_rate_hz: int, longest_s: float = LONGEST_S) -> np.ndarray:
    """The part of a recorded note from where it begins to sound, at most `longest_s` seconds; a view."""
    checks.check_number("longest_s", longest_s, above=0, unit="seconds")
    power = scipy.ndimage.uniform_filter1d(
        np.mean(waveform**2, axis=0), max(1, round(LEVEL_WINDOW_S * sample_rate_hz)), mode="constant"
    )
    start = int(np.argmax(power >= power.max() * 10 ** (SOUNDING_DB / 10)))
    return waveform[:, start : start + max(1, round(longest_s * sample_rate_hz))]


def files_of(folder: str | os.PathLike[str]) -> list[Path]:
    """The audio files of an instrument's folder, in the order of their names.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it contains no audio file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"folder {folder} of single notes does not exist; give one with files such as A4.mp3")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not paths:
        raise RefusedValue(f"folder {folder} must hold single notes such as A4.mp3, got none")
    return paths


def read_folder(folder: str | os.PathLike[str]) -> tuple[SingleNote, ...]:
    """Every note of an instrument's folder, in order of pitch.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `files_of`; ValueError also if a file is not named after a pitch, or is silent.
    """
    notes = []
    for path in files_of(folder):
        named_midi = pitch_of_name(path.name)
        waveform, sample_rate_hz = audio.read_audio(path)
        waveform = sounding_part(waveform.mean(axis=0, keepdims=True), sample_rate_hz)
        midi = sounding_midi(waveform, sample_rate_hz, named_midi)
        notes.append(SingleNote(path.name, midi, waveform, sample_rate_hz))
    return tuple(sorted(notes, key=lambda note: note.midi))
