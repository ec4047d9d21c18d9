"""A score through FluidSynth: one dry mono stem per source, all equally loud, the same samples on every run.

FluidSynth is a library outside Python, pyfluidsynth its Python interface, and the instruments are recordings in a
soundfont (FluidR3 GM by Frank Wen, MIT licence). None of them is needed to listen to the pieces that ship, only to
render them again. Each source has its own synthesiser, so that stems never share a reverb or run out of voices.

Contents: render, find_soundfont, versions. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import ctypes
import functools
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from .. import checks, signals
from ..loudness import at_loudness
from ..refusals import MissingExtra, RefusedValue
from ..score.notes import Note, Score

SOUNDFONT_VARIABLE = "MSS_LAB_SOUNDFONT"
SOUNDFONT_NAME = "FluidR3_GM.sf2"
SOUNDFONT_FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    str(Path(sys.prefix) / "share" / "soundfonts"),
    str(Path("~/.local/share/soundfonts").expanduser()),
)
HOW_TO_INSTALL = (
    "pip install pyfluidsynth, and the library: Debian, Ubuntu: apt install libfluidsynth3 fluid-soundfont-gm; "
    "conda: conda install -c conda-forge fluidsynth; macOS: brew install fluid-synth; "
    "Windows: choco install fluidsynth (pieces that are already rendered load without it)"
)

# FluidSynth computes blocks of 64 samples and starts a note at the next block. Times are rounded to blocks here, so
# that a repeated bar is repeated exactly.
BLOCK_SAMPLES = 64
# A synthesiser bends by two semitones up and down, unless set otherwise.
WIDEST_BEND_CENTS = 200
# Marks a bend in the position in which other events have 1 (key down) or 0 (key up).
BEND = -1
DRUM_BANK, DRUM_CHANNEL = 128, 9
REVERB_SEND, CHORUS_SEND = 91, 93


def render(
    score: Score,
    programs: Mapping[str, int],
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate_hz: int = 44_100,
    loudness: float | None = -27.0,
    tail_s: float = 1.0,
    reverb: bool = False,
    chorus: bool = False,
    bends_cents: Mapping[str, np.ndarray] | None = None,
    jobs: int = 1,
) -> dict[str, np.ndarray]:
    """Play each source of a score on its own synthesiser.

    Parameters
    ----------
    score : Score
        Pitches are rounded to semitones, times to blocks of 64 samples (within 0.7 ms at 44.1 kHz).
    programs : dict of source name -> General MIDI program in [0, 127]
        One for each source of the score; for an unpitched source it names the drum kit (0 is the standard kit).
    soundfont : path, optional
        Default: the result of `find_soundfont`.
    sample_rate_hz : int
    loudness : float or None, LUFS
        Every stem that is not silent is scaled to this loudness (see `mss_lab.loudness`); None keeps the synthesiser's
        levels.
    tail_s : float >= 0, seconds
        Audio after the last offset, in which notes decay; its last 50 ms fade to silence.
    reverb, chorus : bool
        FluidSynth's own effects, each with half of the instrument as input; off by default, so that a stem contains
        only the instrument.
    bends_cents : dict of source name -> float (blocks,), optional
        Bend of a source from its written pitches at every block of 64 samples, within 200 cents; the last value stays.
        Missing sources are not bent.
    jobs : int
        Number of stems rendered at the same time (threads).

    Returns
    -------
    dict of source name -> float32 (1, samples)
        In the order of the score's sources; left and right of the synthesiser are averaged. Not limited to full scale:
        the sum of stems may need a lower `loudness`.

    Raises
    ------
    ValueError
        If a source has no program, the soundfont lacks the program, or a bend is too wide.
    MissingExtra
        If pyfluidsynth or the FluidSynth library is missing; the message says what to install.
    FileNotFoundError
        If there is no soundfont.
    """
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("tail_s", tail_s, at_least=0, unit="seconds")
    if loudness is not None:
        checks.check_number("loudness", loudness, at_most=0, unit="LUFS")
    missing = [source for source in score.sources if source not in programs]
    if missing:
        raise RefusedValue(f"programs must name every source, {', '.join(missing)} is missing; add its number")
    for source in score.sources:
        checks.check_number(f"programs[{source!r}]", programs[source], at_least=0, at_most=127, whole=True)
    bends = {source: _bends(source, bends_cents or {}) for source in score.sources}
    soundfont = find_soundfont(soundfont)
    fluidsynth()
    samples = max(1, round((score.duration_s + tail_s) * sample_rate_hz))
    tasks = (
        joblib.delayed(_play)(
            score.notes_of(source),
            programs[source],
            source in score.unpitched,
            soundfont,
            sample_rate_hz,
            samples,
            reverb,
            chorus,
            bends[source],
        )
        for source in score.sources
    )
    # Threads: the synthesiser runs outside Python's lock, and the samples need no copy.
    played = joblib.Parallel(n_jobs=jobs, prefer="threads")(tasks)
    stems = {}
    for source, waveform in zip(score.sources, played, strict=True):
        if loudness is not None:
            waveform = at_loudness(waveform, sample_rate_hz, loudness)
        stems[source] = fade_out(waveform, 0.05, sample_rate_hz).astype(np.float32)
    return stems


def fade_out(waveform: np.ndarray, fade_s: float, sample_rate_hz: int) -> np.ndarray:
    """The waveform with its end faded to silence, and its start unchanged."""
    samples = min(round(fade_s * sample_rate_hz), waveform.shape[1])
    faded = signals.fade(waveform, fade_s, sample_rate_hz)
    return np.concatenate([waveform[:, :-samples], faded[:, -samples:]], axis=1) if samples else waveform


def find_soundfont(path: str | os.PathLike[str] | None = None) -> Path:
    """The soundfont: the given one, the one that MSS_LAB_SOUNDFONT names, or FluidR3 GM in the usual folders.

    Raises
    ------
    FileNotFoundError
        If there is none; the message says how to install it.
    """
    named = path or os.environ.get(SOUNDFONT_VARIABLE)
    if named:
        if not Path(named).is_file():
            origin = "" if path else f" (from {SOUNDFONT_VARIABLE})"
            raise FileNotFoundError(f"soundfont {named}{origin} does not exist; give the path of a .sf2 file")
        return Path(named)
    for folder in SOUNDFONT_FOLDERS:
        if (Path(folder) / SOUNDFONT_NAME).is_file():
            return Path(folder) / SOUNDFONT_NAME
    raise FileNotFoundError(
        f"no soundfont {SOUNDFONT_NAME} in {', '.join(SOUNDFONT_FOLDERS)}; install it (Debian, Ubuntu: "
        f"apt install fluid-soundfont-gm; elsewhere: FluidR3 GM, MIT licence), or set {SOUNDFONT_VARIABLE} to its path"
    )


def versions(soundfont: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """The versions on which the sound depends: FluidSynth, pyfluidsynth, and name and SHA-256 of the soundfont."""
    module = fluidsynth()
    version = module._fl.fluid_version_str
    version.restype = ctypes.c_char_p
    path = find_soundfont(soundfont)
    return {
        "fluidsynth": version().decode(),
        "pyfluidsynth": str(module.api_version),
        "soundfont": path.name,
        "soundfont_sha256": _sha256(str(path.resolve())),
    }


def fluidsynth() -> Any:
    """The module pyfluidsynth, with the library's float output bound to it.

    Raises
    ------
    MissingExtra
        If the module or the library is missing; the message says what to install.
    """
    try:
        import fluidsynth as module
    except (ImportError, OSError) as error:
        raise MissingExtra(f"rendering needs FluidSynth ({error}); install it: {HOW_TO_INSTALL}") from error
    # pyfluidsynth binds only 16-bit output, which would clip loud stems and add noise to quiet ones.
    write = getattr(module._fl, "fluid_synth_write_float", None)
    if write is None:
        raise MissingExtra(f"a module named fluidsynth is installed, but is not pyfluidsynth; {HOW_TO_INSTALL}")
    left_and_right = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int] * 2
    write.argtypes, write.restype = [ctypes.c_void_p, ctypes.c_int, *left_and_right], ctypes.c_int
    return module


def _play(
    notes: tuple[Note, ...],
    program: int,
    is_drum: bool,
    soundfont: Path,
    sample_rate_hz: int,
    samples: int,
    reverb: bool,
    chorus: bool,
    bends: Sequence[tuple[int, int]],
) -> np.ndarray:
    """One source on one synthesiser: float64 (1, samples)."""
    module = fluidsynth()
    synth = module.Synth(
        gain=0.5,
        samplerate=float(sample_rate_hz),
        channels=16,
        **{
            "synth.reverb.active": int(reverb),
            "synth.chorus.active": int(chorus),
            "synth.cpu-cores": 1,
            # Reads only the samples of this program instead of 148 MB.
            "synth.dynamic-sample-loading": 1,
        },
    )
    try:
        font = synth.sfload(str(soundfont))
        if font < 0:
            raise RefusedValue(f"{soundfont} could not be read as a soundfont; give a .sf2 file")
        channel, bank = (DRUM_CHANNEL, DRUM_BANK) if is_drum else (0, 0)
        if synth.program_select(channel, font, bank, program) != 0:
            raise RefusedValue(f"{soundfont} has no program {program} in bank {bank}; choose another program")
        for controller, enabled in ((REVERB_SEND, reverb), (CHORUS_SEND, chorus)):
            if enabled:
                synth.cc(channel, controller, 64)
        waveform = np.zeros(samples)
        written = 0
        # A bend comes before the notes of its block.
        events = sorted([*_events(notes, sample_rate_hz), *((block, BEND, bend, 0) for block, bend in bends)])
        for block, is_on, pitch, velocity in [*events, (-(-samples // BLOCK_SAMPLES), 0, 0, 0)]:
            upto = min(samples, block * BLOCK_SAMPLES)
            if upto > written:
                waveform[written:upto] = _write(module, synth, upto - written)
                written = upto
            if is_on == BEND:
                synth.pitch_bend(channel, pitch)
            elif is_on:
                synth.noteon(channel, pitch, velocity)
            elif pitch:
                synth.noteoff(channel, pitch)
        return waveform[np.newaxis]
    finally:
        synth.delete()


def _events(notes: tuple[Note, ...], sample_rate_hz: int) -> list[tuple[int, int, int, int]]:
    """(block, 1 for on and 0 for off, pitch, velocity) in order of time; keys are released before they are struck."""
    blocks_per_s = sample_rate_hz / BLOCK_SAMPLES
    events = []
    for note in notes:
        on = round(note.onset_s * blocks_per_s)
        off = max(on + 1, round(note.offset_s * blocks_per_s))
        events += [(on, 1, round(note.midi), note.velocity), (off, 0, round(note.midi), 0)]
    return sorted(events)


def _bends(source: str, bends_cents: Mapping[str, np.ndarray]) -> list[tuple[int, int]]:
    """(block, bend as a MIDI value, from 0) wherever the bend of a source changes."""
    if source not in bends_cents:
        return []
    cents = checks.check_finite("bends_cents", checks.check_axes("bends_cents", bends_cents[source], "blocks"))
    if np.abs(cents).max(initial=0) > WIDEST_BEND_CENTS:
        raise RefusedValue(
            f"bends_cents of {source} must stay within {WIDEST_BEND_CENTS} cents, got {np.abs(cents).max():.1f}; "
            "write another note instead"
        )
    steps = np.clip(np.rint(cents / WIDEST_BEND_CENTS * 8192), -8192, 8191).astype(int)
    changes = np.flatnonzero(np.diff(steps, prepend=0))
    return [(int(block), int(steps[block])) for block in changes]


def _write(module: Any, synth: Any, samples: int) -> np.ndarray:
    left, right = np.zeros(samples, np.float32), np.zeros(samples, np.float32)
    module._fl.fluid_synth_write_float(synth.synth, samples, left.ctypes.data, 0, 1, right.ctypes.data, 0, 1)
    return (left.astype(float) + right) / 2


@functools.lru_cache(maxsize=8)
def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
