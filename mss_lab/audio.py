"""Audio files: read, write, resample. Waveforms are float32, (channels, samples), full scale at 1.

WAV, FLAC, OGG and MP3 are read and written by libsndfile, through soundfile; sample rates are changed by soxr. In
all four, a signal that is read back has the same length and no delay. WAV is exact, FLAC rounds to 24 bits (an error of
at most 1.2e-7), OGG and MP3 are lossy: they change the waveform in ways that are hardly audible.

Contents: AudioWarning, read_audio, audio_length, write_audio, write_stems, encode_audio, resample, resample_pieces.
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

# The encoding for each file extension. WAV keeps floats, so estimates above full scale survive.
SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24", ".ogg": "VORBIS", ".mp3": "MPEG_LAYER_III"}

# libsndfile's Vorbis encoder overflows its stack and ends Python if it gets minutes of audio in one call.
FRAMES_PER_WRITE = 1 << 16


# Written into every stem, so that a folder of stems is recognised as an earlier result before it is replaced.
STEM_COMMENT = "stem written by mss_lab"

# Compressed formats hold at most about this many frames in a byte (FLAC, of silence). If a header states
# more, or an unknown length, the file is read in blocks.
MOST_FRAMES_PER_BYTE = 8192
FRAMES_PER_READ = 1 << 20

# Full scale is 1. Programs that forget to divide 32-bit integers write 2e9; the energy of still
# larger numbers exceeds the range of 32-bit floats.
HIGHEST_LEVEL = 1e12


# A file longer than this without samples was probably not finished by the program that recorded it.
FEWEST_BYTES = 4096


class AudioWarning(UserWarning):
    """An audio file was read, but a part of its content is missing."""


def read_audio(
    path: str | os.PathLike[str],
    sample_rate_hz: int | None = None,
    *,
    start_s: float = 0.0,
    length_s: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read an audio file, or a section of it.

    Parameters
    ----------
    path : path
    sample_rate_hz : int, optional
        Resample to this rate. Default: the rate of the file.
    start_s : float >= 0, seconds
        Start of the section; earlier samples are not read.
    length_s : float > 0, seconds, optional
        Length of the section, rounded to samples. Default, or if the file is shorter: to the end of the file.

    Returns
    -------
    waveform : float32 (channels, samples)
    sample_rate_hz : int

    Warns
    -----
    AudioWarning
        If the file was cut short and this reads up to its end (see `mss_lab.truncation`). The remaining samples are
        returned. A truncated FLAC file cannot be read, and is refused.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or it is a folder.
    PermissionError
        If the file may not be read.
    ValueError
        If the file is a pipe, is not audio, is damaged, has no samples, has samples that are NaN, infinite or above
        1e12, its rate or the requested one is out of range, or the section begins after its end.
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
        requested = file.frames - start
        if length_s is not None:
            requested = min(requested, max(1, round((start_s + length_s) * file_rate_hz) - start))
        stated = min(requested, _most_frames(path))
        samples = _read_frames(file, requested, stated)
        at_end = start + len(samples) >= file.frames or len(samples) < requested
    if not len(samples):
        raise RefusedValue(f"{path} holds no samples{_unread(path)}; give a recording of at least one sample")
    missing = truncation.what_is_missing(path) if at_end else ""
    if not missing and len(samples) < stated:
        missing = f"its header promises {stated} samples, of which {stated - len(samples)} are missing"
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
    """The number of samples in each channel of an audio file, and its sample rate in Hz, as stated in its header.

    Raises
    ------
    FileNotFoundError, PermissionError, ValueError
        As for `read_audio`, if the header shows it.
    """
    with _open(path) as file:
        return file.frames, _checked_file_rate(path, file.samplerate)


@contextlib.contextmanager
def _open(path: str | os.PathLike[str]) -> Iterator[soundfile.SoundFile]:
    path = files.existing_file(path, "audio file", "give the path of a WAV, FLAC, OGG or MP3 file")
    # libsndfile reports "not audio" for a file without read permission; the system reports the difference.
    path.open("rb").close()
    opened = False
    try:
        with _silent_decoder(path), soundfile.SoundFile(_native(path)) as file:
            opened = True
            yield file
    except (soundfile.LibsndfileError, TypeError) as error:
        if opened and isinstance(error, TypeError):
            raise
        # TypeError: a .raw file, for which soundfile requires the format as arguments.
        reason = error.error_string.strip(" .") if isinstance(error, soundfile.LibsndfileError) else "raw samples"
        if opened:
            raise RefusedValue(
                f"{path} could not be read as audio to its end ({reason or 'the decoder failed'}): it is damaged, or "
                "was cut short; copy or export it again"
            ) from error
        if reason.startswith("File does not exist"):
            # libsndfile's message for text in a file named .mp3; the existence of the file was checked above.
            reason = "Format not recognised"
        raise RefusedValue(
            f"{path} could not be read as audio ({foreign.kind_of(path) or reason}); "
            "give a WAV, FLAC, OGG or MP3 file, or convert it to one (ffmpeg -i IN OUT.wav)"
        ) from error


def _native(path: Path) -> str | bytes:
    """The path for libsndfile; soundfile itself cannot encode a name of bytes that are not valid text."""
    return str(path) if sys.platform == "win32" else os.fsencode(path)


@contextlib.contextmanager
def _silent_decoder(path: Path) -> Iterator[None]:
    """Prevent the MP3 decoder from writing to the terminal; errors are reported by messages of this package."""
    if path.suffix.lower() != ".mp3":
        yield
        return
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a program without a terminal may not have this stream
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


def _read_frames(file: soundfile.SoundFile, requested: int, stated: int) -> np.ndarray:
    """Up to `requested` frames as float32 (frames, channels); memory is reserved only as the file size allows."""
    if stated == requested:
        result: np.ndarray = file.read(requested, dtype="float32", always_2d=True)
        return result
    pieces: list[np.ndarray] = []
    while not pieces or len(pieces[-1]) == FRAMES_PER_READ:
        pieces.append(file.read(FRAMES_PER_READ, dtype="float32", always_2d=True))
    return np.concatenate(pieces)[:requested]


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
    """Write a waveform; the file appears complete or not at all.

    Parameters
    ----------
    path : path
        The extension selects the format: .wav (32-bit float), .flac (24 bit), .ogg or .mp3.
    waveform : float (channels, samples)
    sample_rate_hz : int
    subtype : str, optional
        Another encoding that libsndfile supports, such as "PCM_16".
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ValueError
        If the extension or subtype is unknown, the format does not support the rate or number of channels, or the
        samples exceed full scale in a format that would clip them.
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If the path cannot be written, or the disk is full.
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
    """Write one file per source into a folder that appears complete or not at all.

    Parameters
    ----------
    folder : path
    stems : dict of source name -> float (channels, samples)
    sample_rate_hz : int
    ending : str
        Format of every file, as for `write_audio`.
    force : bool
        Whether a folder with content may be replaced. It is deleted if it contains only stems that were written by
        this function, and otherwise kept under its name with ".old" added (see `mss_lab.files.whole_folder`).
    inputs : iterable of path
        Files from which the stems were made. A folder that contains one of them is never replaced.

    Raises
    ------
    FileExistsError, OSError, ShapeError, ValueError
        As for `whole_folder`, `check_sources` and `write_audio`.
    """
    stems = checks.check_sources("stems", stems)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    stem_names.check_file_names(stems)
    # Everything is checked before anything is written: a clipping last stem then costs no time for the others.
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
    supported = soundfile.available_subtypes(ending[1:])
    if subtype not in supported:
        raise RefusedValue(
            f"subtype of a {ending} file must be one of {', '.join(supported)}, got {subtype!r}; leave it out"
        )
    peak = float(max(waveform.max(), -waveform.min()))
    if peak > 1 and subtype not in ("FLOAT", "DOUBLE"):
        # Rounded up, so that division by the printed number is sufficient.
        divisor = math.ceil(peak * 1000) / 1000
        raise RefusedValue(
            f"{name} must lie between -1 and 1, where {ending} files of {subtype} clip, got a peak of {peak:.6g}; "
            f"divide it by {divisor:g}, or write a .wav file, which keeps floats"
        )
    return subtype


def encode_audio(
    waveform: np.ndarray, sample_rate_hz: int, ending: str, *, subtype: str | None = None, comment: str = ""
) -> bytes:
    """The bytes of an audio file; parameters and exceptions as for `write_audio`, with the file's ending for its path.

    `comment` is a text that the file contains besides its samples.
    """
    waveform = checks.check_waveform("waveform", waveform)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    subtype = _check_encoding("waveform", waveform, sample_rate_hz, ending.lower(), subtype)
    return _encoded(Path(f"audio{ending}"), waveform, sample_rate_hz, subtype, comment).getvalue()


def _encoded(path: Path, waveform: np.ndarray, sample_rate_hz: int, subtype: str, comment: str = "") -> io.BytesIO:
    channels, samples = waveform.shape
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
    return encoded


def _encode(
    temporary: Path, path: Path, waveform: np.ndarray, sample_rate_hz: int, subtype: str, comment: str = ""
) -> None:
    # Encoded in memory and written by Python, which notices a full disk. libsndfile's encoders of OGG and MP3 do
    # not: they leave a truncated file and report success.
    encoded = _encoded(path, waveform, sample_rate_hz, subtype, comment)
    try:
        temporary.write_bytes(encoded.getbuffer())
    except OSError as error:
        raise OSError(f"{path} could not be written ({error.strerror}); make room, or choose another place") from error


def resample(waveform: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Change the sample rate; frequencies below half of both rates keep their level and their position in time.

    Parameters
    ----------
    waveform : float (channels, samples)
    from_hz, to_hz : int
        The present and the new sample rate.

    Returns
    -------
    float (channels, round(samples * to_hz / from_hz)), of the same type
        Within one sample, and at least one. With equal rates, the waveform itself.

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
        # A few samples can round to none; the contract guarantees at least one.
        resampled = waveform[:, :1]
    return np.ascontiguousarray(resampled)


def resample_pieces(pieces: Iterable[np.ndarray], from_hz: int, to_hz: int) -> Iterator[np.ndarray]:
    """Change the sample rate of a long signal in pieces; concatenated, they equal the result of `resample`.

    Parameters
    ----------
    pieces : iterable of float32 (channels, samples)
        In order.
    from_hz, to_hz : int

    Yields
    ------
    float32 (channels, samples)
        In order; a piece may be empty.
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
