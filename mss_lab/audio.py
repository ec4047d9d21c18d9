"""Audio files: read, write, resample. Waveforms are float32, (channels, samples), full scale at 1.

WAV, FLAC, OGG and MP3 are read and written by libsndfile, through soundfile; sample rates are changed by soxr.

Contents: read_audio, write_audio, write_stems, resample. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
import soxr

from . import checks, files

# What is written for each ending. WAV keeps floats, so estimates above full scale survive.
SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24", ".ogg": "VORBIS", ".mp3": "MPEG_LAYER_III"}


def read_audio(path: str | os.PathLike, sample_rate_hz: int | None = None) -> tuple[np.ndarray, int]:
    """Read a whole audio file.

    Parameters
    ----------
    path : path
    sample_rate_hz : int, optional
        Resample to this rate; without it, the file's own rate is kept.

    Returns
    -------
    waveform : float32 (channels, samples)
    sample_rate_hz : int

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not audio, holds no sample, or holds NaN or infinite samples.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"audio file {path} {what}; give the path of a WAV, FLAC, OGG or MP3 file")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"{path} could not be read as audio ({error.error_string.rstrip('.')}); "
            "give a WAV, FLAC, OGG or MP3 file, or convert it to one (ffmpeg -i IN OUT.wav)"
        ) from error
    if not len(samples):
        raise ValueError(f"{path} holds no samples; give a recording of at least one sample")
    waveform = checks.check_waveform(f"the audio of {path}", np.ascontiguousarray(samples.T))
    if sample_rate_hz is None:
        return waveform, rate
    return resample(waveform, rate, sample_rate_hz), checks.check_sample_rate(sample_rate_hz)


def write_audio(
    path: str | os.PathLike,
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
        If the ending is unknown, or the samples exceed full scale in a format that would clip them.
    FileExistsError
        If the file is there and `force` is False.
    OSError
        If the place cannot be written.
    """
    path = Path(path)
    waveform = checks.check_waveform("waveform", waveform)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    ending = path.suffix.lower()
    if ending not in SUBTYPES:
        raise ValueError(
            f"{path} must end in one of {', '.join(SUBTYPES)}, got {ending!r}; the ending names the format"
        )
    subtype = subtype or SUBTYPES[ending]
    peak = float(np.abs(waveform).max())
    if peak > 1 and subtype not in ("FLOAT", "DOUBLE"):
        raise ValueError(
            f"waveform has a peak of {peak:.3g}, and {ending} files clip above 1; "
            f"divide it by {peak:.3g}, or write a .wav file, which keeps floats"
        )
    with files.whole_file(path, force=force) as temporary:
        try:
            soundfile.write(temporary, waveform.T, sample_rate_hz, subtype=subtype)
        except soundfile.LibsndfileError as error:
            raise ValueError(
                f"{path} could not be written ({error.error_string}); "
                f"{sample_rate_hz} Hz with {len(waveform)} channel(s) may not exist in this format: try .wav"
            ) from error


def write_stems(
    folder: str | os.PathLike,
    stems: Mapping[str, np.ndarray],
    sample_rate_hz: int,
    *,
    ending: str = ".wav",
    force: bool = False,
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
        Whether a folder that holds something may be replaced.

    Raises
    ------
    FileExistsError, OSError, ShapeError, ValueError
        As for `whole_folder`, `check_sources` and `write_audio`.
    """
    stems = checks.check_sources("stems", stems)
    for name in stems:
        if name != Path(name).name or name in (".", ".."):
            raise ValueError(f"source name {name!r} cannot be a file name; use letters, digits, spaces, - and _")
    with files.whole_folder(folder, force=force) as temporary:
        for name, waveform in stems.items():
            write_audio(temporary / f"{name}{ending}", waveform, sample_rate_hz)


def resample(waveform: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Change the sample rate, (channels, samples) to (channels, about samples * to_hz / from_hz); type kept."""
    waveform = checks.check_waveform("waveform", waveform)
    from_hz, to_hz = checks.check_sample_rate(from_hz), checks.check_sample_rate(to_hz)
    if from_hz == to_hz:
        return waveform
    resampled = soxr.resample(np.ascontiguousarray(waveform.T), from_hz, to_hz, quality="HQ").T
    if not resampled.shape[1]:
        # A handful of samples can round to none; the contract promises at least one.
        resampled = waveform[:, :1]
    return np.ascontiguousarray(resampled)
