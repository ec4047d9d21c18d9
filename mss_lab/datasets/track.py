"""Tracks: a mixture with its sources and, if available, its score.

Contents: Track, audio_files, read_track.
"""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .. import audio, checks
from ..refusals import RefusedValue
from ..score import files, notes

AUDIO_ENDINGS = (".flac", ".wav", ".ogg", ".mp3")


@dataclasses.dataclass(frozen=True)
class Track:
    """A piece of music with its stems.

    Attributes
    ----------
    name : str
    sample_rate_hz : int
    sources : dict of source name -> float32 (channels, samples)
        All of one shape.
    score : Score or None
        Lists the sources in the order of `sources`.
    """

    name: str
    sample_rate_hz: int
    sources: Mapping[str, np.ndarray]
    score: notes.Score | None = None

    @property
    def mixture(self) -> np.ndarray:
        """The sum of the sources, float32 (channels, samples)."""
        result: np.ndarray = np.sum(list(self.sources.values()), axis=0).astype(np.float32)
        return result

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(next(iter(self.sources.values())).shape[1] / self.sample_rate_hz)


def audio_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The audio files of a folder in alphabetical order; FileNotFoundError, if it has none or is no folder.

    Hidden files are left out: some systems put one beside every file they copy.
    """
    folder = Path(folder)
    paths = []
    if folder.is_dir():
        paths = [path for path in folder.iterdir() if path.suffix.lower() in AUDIO_ENDINGS]
        paths = sorted(path for path in paths if not path.name.startswith("."))
    if not paths:
        why = "" if folder.is_dir() else ": it is a file" if folder.exists() else ": it does not exist"
        raise FileNotFoundError(
            f"{folder} holds no audio{why}; give a folder with one {' or '.join(AUDIO_ENDINGS)} per source"
        )
    return paths


def read_track(folder: str | os.PathLike[str], notes_file: str | None = "notes.csv") -> Track:
    """Read a folder that holds one audio file per source and, if it has one, a score.

    Parameters
    ----------
    folder : path
        Sources are named after their files and come in alphabetical order.
    notes_file : str or None
        The score's name in the folder (.csv or .mid), naming its sources as the audio files are named. None reads no
        score; a name that is not there is refused.

    Raises
    ------
    FileNotFoundError
        If the folder, the score or any audio is missing.
    ValueError
        If stems differ in sample rate, two files differ in their extension only, or the score names an unknown source.
    ShapeError
        If stems differ in length or channels.
    """
    folder = Path(folder)
    paths = audio_files(folder)
    twins = sorted({path.stem for path in paths if sum(path.stem == other.stem for other in paths) > 1})
    if twins:
        raise RefusedValue(f"{folder} must hold one audio file per source, got several of {', '.join(twins)}; keep one")
    stems = {path.stem: audio.read_audio(path) for path in paths}
    rates = {name: rate for name, (_, rate) in stems.items()}
    if len(set(rates.values())) > 1:
        listed = ", ".join(f"{name} {rate} Hz" for name, rate in rates.items())
        raise RefusedValue(f"the stems in {folder} must have one sample rate, got {listed}; resample them first")
    sources = checks.check_sources("stems", {name: waveform for name, (waveform, _) in stems.items()})
    score = None
    if notes_file is not None:
        written = files.read_score(folder / notes_file)
        unknown = sorted(set(written.sources) - set(sources))
        if unknown:
            raise RefusedValue(
                f"{folder / notes_file} names {', '.join(unknown)}, but the audio files are {', '.join(sources)}; "
                "use the same names"
            )
        score = notes.Score(written.notes, tuple(sources), written.unpitched)
    return Track(folder.name, next(iter(rates.values())), sources, score)
