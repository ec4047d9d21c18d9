"""Audio files: read, write, resample. Waveforms are float32, (channels, samples), full scale at 1.

WAV, FLAC, OGG and MP3 are read and written by libsndfile, through soundfile; sample rates are changed by soxr. What
is read back has the length that was written and stands at the same sample in all four. WAV keeps every bit, FLAC
rounds to 24 bits (an error of 1.2e-7 at most), OGG and MP3 change the waveform as far as the ear is said not to mind.

Contents: AudioWarning, read_audio, audio_length, write_audio, write_stems, resample, resample_pieces.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import contextlib
import io
import math
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile
import soxr

from . import checks, files, foreign, stem_names, truncation
from .refusals import RefusedValue

# What is written for each ending. WAV keeps floats, so estimates above full scale survive.
SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24", ".ogg": "VORBIS", ".mp3": "MPEG_LAYER_III"}

# libsndfile's Vorbis encoder overflows its stack and ends Python when it is handed minutes of sound at once.
FRAMES_PER_WRITE = 1 << 16


# Written into every stem, so that a folder of stems is known as an earlier result before it is replaced.
STEM_COMMENT = "stem written by mss_lab"

# Compressed formats hold at most about this many frames in a byte (FLAC, of silence). A header that promises more, or
# that says "unknown", is not believed, and the file is read piece by piece.
MOST_FRAMES_PER_BYTE = 8192
FRAMES_PER_READ = 1 << 20

# Full scale is 1. Programs that forget to divide 32-bit integers write 2e9; the energy of what is far louder is beyond
# the range of 32-bit floats.
HIGHEST_LEVEL = 1e12


# A file longer than this that holds no sample was most likely not finished by the program that recorded it.
FEWEST_BYTES = 4096


class AudioWarning(UserWarning):
    """An audio file was read, but part of what it should hold is missing."""


def read_audio(
    path: str | os.PathLike[str],
    sample_rate_hz: int | None = None,
    *,
    start_s: float = 0.0,
    length_s: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read an audio file, or a stretch of it.

    Parameters
    ----------
    path : path
    sample_rate_hz : int, optional
        Resample to this rate; without it, the file's own rate is kept.
    start_s : float >= 0, seconds
        Where to begin; what lies before is not read.
    length_s : float > 0, seconds, optional
        How much to read, to the nearest sample; left out, or beyond the end, as far as the file goes.

    Returns
    -------
    waveform : float32 (channels, samples)
    sample_rate_hz : int

    Warns
    -----
    AudioWarning
        If the file was cut short and this reads up to its end (see `mss_lab.truncation`). What is there is returned.
        FLAC cannot be read beyond a cut, and is refused.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or it is a folder.
    PermissionError
        If the file may not be read.
    ValueError
        If the file is a pipe, is not audio, is damaged, holds no sample, holds samples that are NaN, infinite or above
        1e12, its rate or the one asked for is no recording's, or the stretch begins behind its end.
    """
    if sample_rate_hz is not None:
        sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("start_s", start_s, at_least=0, unit="seconds")
    if length_s is not None:
        checks.check_number("length_s", length_s, above=0, unit="seconds")
    with _open(path) as file:
        file_rate_hz = file.samplerate
        start = round(start_s * file_rate_hz)
        if start and start >= file.frames:
            end_s = file.frames / file_rate_hz
            raise RefusedValue(f"start_s must lie before the end of {path}, at {end_s:.3f} s, got {start_s:g} s")
        if start:
            file.seek(start)
        wanted = file.frames - start
        if length_s is not None:
            wanted = min(wanted, max(1, round((start_s + length_s) * file_rate_hz) - start))
        promised = min(wanted, _most_frames(path))
        samples = _read_frames(file, wanted, promised)
        at_end = start + len(samples) >= file.frames or len(samples) < wanted
    if not len(samples):
        raise RefusedValue(f"{path} holds no samples{_unread(path)}; give a recording of at least one sample")
    missing = truncation.what_is_missing(path) if at_end else ""
    if not missing and len(samples) < promised:
        missing = f"its header promises {promised} samples, of which {promised - len(samples)} are missing"
    if missing:
        warnings.warn(
            f"{path} was cut short: {missing}; what is there is used. Copy or export the file again to have the rest",
            AudioWarning,
            stacklevel=2,
        )
    waveform = checks.check_waveform(f"the audio of {path}", np.ascontiguousarray(samples.T))
    peak = max(float(waveform.max()), -float(waveform.min()))
    if peak > HIGHEST_LEVEL:
        raise RefusedValue(
            f"the audio of {path} must lie near full scale, which is 1, and not above {HIGHEST_LEVEL:g}, got a peak of "
            f"{peak:.3g}; export it again with its level divided"
        )
    file_rate_hz = _checked_file_rate(path, file_rate_hz)
    if sample_rate_hz is None:
        return waveform, file_rate_hz
    return resample(waveform, file_rate_hz, sample_rate_hz), sample_rate_hz


def audio_length(path: str | os.PathLike[str]) -> tuple[int, int]:
    """How many samples an audio file holds in each channel, and its sample rate in Hz; read from its heading.

    Raises
    ------
    FileNotFoundError, PermissionError, ValueError
        As `read_audio`, where the heading tells.
    """
    with _open(path) as file:
        return file.frames, _checked_file_rate(path, file.samplerate)


@contextlib.contextmanager
def _open(path: str | os.PathLike[str]) -> Iterator[soundfile.SoundFile]:
    path = files.existing_file(path, "audio file", "give the path of a WAV, FLAC, OGG or MP3 file")
    # libsndfile calls a file that may not be read "not audio"; the system tells the two apart.
    path.open("rb").close()
    opened = False
    try:
        with _silent_decoder(path), soundfile.SoundFile(_native(path)) as file:
            opened = True
            yield file
    except (soundfile.LibsndfileError, TypeError) as error:
        if opened and isinstance(error, TypeError):
            raise
        # TypeError: a file called .raw, about which soundfile wants to be told everything.
        reason = error.error_string.strip(" .") if isinstance(error, soundfile.LibsndfileError) else "raw samples"
        if opened:
            raise RefusedValue(
                f"{path} could not be read as audio to its end ({reason or 'the decoder failed'}): it is damaged, or "
                "was cut short; copy or export it again"
            ) from error
        if reason.startswith("File does not exist"):
            # What libsndfile says of text under the name of an MP3; that the file exists is known here.
            reason = "Format not recognised"
        raise RefusedValue(
            f"{path} could not be read as audio ({foreign.kind_of(path) or reason}); "
            "give a WAV, FLAC, OGG or MP3 file, or convert it to one (ffmpeg -i IN OUT.wav)"
        ) from error


def _native(path: Path) -> str | bytes:
    """The path as libsndfile gets it; soundfile itself cannot encode a name of bytes that are no text."""
    return str(path) if sys.platform == "win32" else os.fsencode(path)


@contextlib.contextmanager
def _silent_decoder(path: Path) -> Iterator[None]:
    """Keep the MP3 decoder from writing to the terminal: what it finds is said in words of our own."""
    if path.suffix.lower() != ".mp3":
        yield
        return
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a program without a terminal may have no such stream
        yield
        return
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _most_frames(path: str | os.PathLike[str]) -> int:
    return Path(path).stat().st_size * MOST_FRAMES_PER_BYTE


def _read_frames(file: soundfile.SoundFile, wanted: int, promised: int) -> np.ndarray:
    """Up to `wanted` frames as float32 (frames, channels); memory is set aside for what the file's size allows."""
    if promised == wanted:
        result: np.ndarray = file.read(wanted, dtype="float32", always_2d=True)
        return result
    pieces: list[np.ndarray] = []
    while not pieces or len(pieces[-1]) == FRAMES_PER_READ:
        pieces.append(file.read(FRAMES_PER_READ, dtype="float32", always_2d=True))
    return np.concatenate(pieces)[:wanted]


def _unread(path: str | os.PathLike[str]) -> str:
    length = Path(path).stat().st_size
    return f" by its header, although it is {length} bytes long" if length > FEWEST_BYTES else ""


def _checked_file_rate(path: str | os.PathLike[str], file_rate_hz: int) -> int:
    try:
        return checks.check_sample_rate(file_rate_hz)
    except ValueError as error:
        raise RefusedValue(f"{path} cannot be used: its {error}") from error


def write_audio(
    path: str | os.PathLike[str],
    waveform: np.ndarray,
    sample_rate_hz: int,
    *,
    subtype: str | None = None,
    force: bool = True,
) -> None:
    """Write a waveform; the file appears whole or not at all.

    Parameters
    ----------
    path : path
        The ending names the format: .wav (32-bit float), .flac (24 bit), .ogg or .mp3.
    waveform : float (channels, samples)
    sample_rate_hz : int
    subtype : str, optional
        Another encoding that libsndfile knows, such as "PCM_16".
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ValueError
        If the ending or subtype is unknown, the format has no such rate or number of channels, or the samples exceed
        full scale in a format that would clip them.
    FileExistsError
        If the file is there and `force` is False.
    OSError
        If the place cannot be written, or the disk is full.
    """
    path = Path(path)
    waveform = checks.check_waveform("waveform", waveform)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    subtype = _check_encoding("waveform", waveform, sample_rate_hz, path.suffix.lower(), subtype)
    with files.whole_file(path, force=force) as temporary:
        _encode(temporary, path, waveform, sample_rate_hz, subtype)


def write_stems(
    folder: str | os.PathLike[str],
    stems: Mapping[str, np.ndarray],
    sample_rate_hz: int,
    *,
    ending: str = ".wav",
    force: bool = False,
    inputs: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Write one file per source into a folder that appears whole or not at all.

    Parameters
    ----------
    folder : path
    stems : dict of source name -> float (channels, samples)
    sample_rate_hz : int
    ending : str
        Format of every file, as for `write_audio`.
    force : bool
        Whether a folder that holds something may be replaced. It is deleted if it holds nothing but stems that were
        written by this function, and else kept under its name with ".old" added (see `mss_lab.files.whole_folder`).
    inputs : iterable of path
        Files from which the stems were made. A folder that holds one of them is never replaced.

    Raises
    ------
    FileExistsError, OSError, ShapeError, ValueError
        As for `whole_folder`, `check_sources` and `write_audio`.
    """
    stems = checks.check_sources("stems", stems)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    stem_names.check_file_names(stems)
    # All is refused before anything is written: a clipping last stem shall not cost the time of the others.
    for name, waveform in stems.items():
        subtype = _check_encoding(f"stems[{name!r}]", waveform, sample_rate_hz, ending.lower())
    with files.whole_folder(folder, force=force, inputs=inputs, is_result=_is_stem) as temporary:
        for name, waveform in stems.items():
            file = f"{name}{ending}"
            _encode(temporary / file, Path(folder) / file, waveform, sample_rate_hz, subtype, STEM_COMMENT)


def _is_stem(path: Path) -> bool:
    try:
        with soundfile.SoundFile(_native(path)) as file:
            return bool(file.comment == STEM_COMMENT)
    except (soundfile.LibsndfileError, TypeError):
        return False


def _check_encoding(
    name: str, waveform: np.ndarray, sample_rate_hz: int, ending: str, subtype: str | None = None
) -> str:
    if ending not in SUBTYPES:
        raise RefusedValue(
            f"an audio file must end in one of {', '.join(SUBTYPES)}, got {ending!r}; the ending names the format"
        )
    subtype = subtype or SUBTYPES[ending]
    known = soundfile.available_subtypes(ending[1:])
    if subtype not in known:
        raise RefusedValue(
            f"subtype of a {ending} file must be one of {', '.join(known)}, got {subtype!r}; leave it out"
        )
    peak = float(max(waveform.max(), -waveform.min()))
    if peak > 1 and subtype not in ("FLOAT", "DOUBLE"):
        # Rounded up, so that dividing by the number as printed is enough.
        divisor = math.ceil(peak * 1000) / 1000
        raise RefusedValue(
            f"{name} must lie between -1 and 1, where {ending} files of {subtype} clip, got a peak of {peak:.6g}; "
            f"divide it by {divisor:g}, or write a .wav file, which keeps floats"
        )
    return subtype


def _encode(
    temporary: Path, path: Path, waveform: np.ndarray, sample_rate_hz: int, subtype: str, comment: str = ""
) -> None:
    channels, samples = waveform.shape
    # Encoded in memory and written by Python, which notices a full disk. libsndfile's encoders of OGG and MP3 do not:
    # they leave a file that is cut short and say that all is well.
    encoded = io.BytesIO()
    try:
        container = path.suffix[1:].upper()
        with soundfile.SoundFile(encoded, "w", sample_rate_hz, channels, subtype, format=container) as file:
            if comment:
                file.comment = comment
            for start in range(0, samples, FRAMES_PER_WRITE):
                file.write(waveform[:, start : start + FRAMES_PER_WRITE].T)
    except soundfile.LibsndfileError as error:
        raise RefusedValue(
            f"{path} could not be written ({error.error_string.rstrip('.')}); "
            f"{sample_rate_hz} Hz with {channels} channel(s) may not exist in this format: try .wav"
        ) from error
    try:
        temporary.write_bytes(encoded.getbuffer())
    except OSError as error:
        raise OSError(f"{path} could not be written ({error.strerror}); make room, or choose another place") from error


def resample(waveform: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Change the sample rate; what lay below half of both rates keeps its level, pitch and place in time.

    Parameters
    ----------
    waveform : float (channels, samples)
    from_hz, to_hz : int
        Sample rates now and then.

    Returns
    -------
    float (channels, round(samples * to_hz / from_hz)), of the same type
        Give or take one sample, and at least one. With equal rates, the waveform itself.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `check_waveform` and `check_sample_rate`.
    """
    waveform = checks.check_waveform("waveform", waveform)
    from_hz, to_hz = checks.check_sample_rate(from_hz), checks.check_sample_rate(to_hz)
    if from_hz == to_hz:
        return waveform
    resampled = soxr.resample(np.ascontiguousarray(waveform.T), from_hz, to_hz, quality="HQ").T
    if not resampled.shape[1]:
        # A handful of samples can round to none; the contract promises at least one.
        resampled = waveform[:, :1]
    return np.ascontiguousarray(resampled)


def resample_pieces(pieces: Iterable[np.ndarray], from_hz: int, to_hz: int) -> Iterator[np.ndarray]:
    """Change the sample rate of a long signal that comes in pieces; together they are what `resample` would give.

    Parameters
    ----------
    pieces : iterable of float32 (channels, samples)
        One after the other.
    from_hz, to_hz : int

    Yields
    ------
    float32 (channels, samples)
        As they come; a piece may be empty.
    """
    stream: soxr.ResampleStream | None = None
    for piece in pieces:
        if from_hz == to_hz:
            yield piece
            continue
        if stream is None:
            channels = len(piece)
            stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality="HQ")
        yield stream.resample_chunk(np.ascontiguousarray(piece.T)).reshape(-1, channels).T
    if stream is not None:
        yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True).reshape(-1, channels).T
