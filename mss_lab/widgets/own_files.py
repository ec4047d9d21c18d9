"""The files of panels: a reader's recording and score, as they are read and cut.

Contents: noting_warnings, Recording, Uploaded, read_recording, read_score, section.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import contextlib
import dataclasses
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import audio, checks, units
from ..refusals import RefusedType, RefusedValue, ShapeError
from ..score import notes
from ..score.files import read_score_in_full
from ..score.notes import Score
from . import piece, uploads


class _NotedWarnings:
    """Collects the package's warnings of each thread that is within `noting`, and leaves all others as they are.

    Python has one hook for the warnings of all threads: the first thread installs it, and the last one removes it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_thread: dict[int, list[str]] = {}
        self._before = contextlib.ExitStack()

    @contextlib.contextmanager
    def noting(self) -> Iterator[list[str]]:
        """Yield a list that receives the texts of this thread's warnings."""
        thread = threading.get_ident()
        with self._lock:
            if not self._of_thread:
                self._before.enter_context(warnings.catch_warnings())
                warnings.showwarning = self._hook(warnings.showwarning)
            noted = self._of_thread[thread] = []
        try:
            yield noted
        finally:
            with self._lock:
                del self._of_thread[thread]
                if not self._of_thread:
                    self._before.close()

    def _hook(self, show: Callable[..., None]) -> Callable[..., None]:
        def note(message: Any, category: type[Warning], *location: Any, **more: Any) -> None:
            noted = self._of_thread.get(threading.get_ident())
            if noted is None or not category.__module__.startswith("mss_lab."):
                show(message, category, *location, **more)
            elif str(message) not in noted:
                noted.append(str(message))

        return note


noting_warnings = _NotedWarnings().noting


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """A recording of the reader.

    Attributes
    ----------
    name : str
    waveform : float32 (channels, samples), one or two channels
    sample_rate_hz : int
        8 to 96 kHz.
    remark : str
        What is missing of the file, if it was cut short.
    """

    name: str
    waveform: np.ndarray
    sample_rate_hz: int
    remark: str = ""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(units.samples_to_seconds(self.waveform.shape[1], self.sample_rate_hz))

    def describe(self) -> str:
        """Such as "song.wav: 12.3 s, two channels, 44100 Hz"."""
        channels = "two channels" if len(self.waveform) == 2 else "one channel"
        return f"{self.name}: {self.duration_s:.1f} s, {channels}, {self.sample_rate_hz} Hz"


@dataclasses.dataclass(frozen=True, eq=False)
class Uploaded:
    """A file that a page sent."""

    name: str
    data: bytes


def read_recording(job: tuple[Any, int | None]) -> Recording:
    """The recording of a job: a path, an `Uploaded` or a waveform, with the sample rate of a waveform, else None.

    Raises
    ------
    FileNotFoundError, ShapeError, TypeError, ValueError
        In the cases of `own.Panel.open`.
    """
    source, sample_rate_hz = job
    if isinstance(source, Uploaded):
        return uploads.read_uploaded(source.name, source.data, lambda path: _read_audio(path, source.name))
    if isinstance(source, str | os.PathLike):
        if sample_rate_hz is not None:
            raise RefusedType("sample_rate_hz is that of a waveform, got one with the path of a file; leave it out")
        return _read_audio(Path(source), Path(source).name)
    if sample_rate_hz is None:
        raise RefusedType("a waveform needs its sample rate, got none; call open(waveform, sample_rate_hz)")
    return _checked("recording", checks.check_waveform("waveform", source), sample_rate_hz, "")


def _read_audio(path: Path, name: str) -> Recording:
    with noting_warnings() as remarks:
        waveform, sample_rate_hz = audio.read_audio(path)
    return _checked(name, waveform, sample_rate_hz, " ".join(remarks).replace(str(path), name))


def _checked(name: str, waveform: np.ndarray, sample_rate_hz: Any, remark: str) -> Recording:
    if len(waveform) > 2:
        raise ShapeError(
            f"{name} must have one or two channels, got {len(waveform)}; export it in stereo or mono, or pass two of "
            "its channels to panel.open"
        )
    rate = piece.check_playable_rate(sample_rate_hz)
    # A copy, since the caller may change the waveform while the panel works.
    return Recording(name, np.array(waveform, np.float32), rate, remark)


def read_score(job: tuple[str, Any]) -> tuple[Score, tuple[str, ...]]:
    """The score of a job, and remarks about how it was read; a job is its name, and a path, an `Uploaded` or a Score.

    Raises
    ------
    FileNotFoundError, ValueError
        In the cases of `mss_lab.score.files.read_score`.
    """
    name, source = job
    if isinstance(source, Score):
        return source, ()
    if isinstance(source, Uploaded):
        reading = uploads.read_uploaded(name, source.data, read_score_in_full)
    else:
        reading = read_score_in_full(source)
    return reading.score, tuple(reading.warnings)


def section(recording: Recording, score: Score | None, choices: Mapping[str, Any]) -> tuple[np.ndarray, Score | None]:
    """The section of the recording that is separated, and the score with times from its start.

    `choices` as in `own_form.Form`; ValueError if the section begins after the end of the recording.
    """
    start_s, end_s = float(choices["start_s"]), choices["end_s"]
    if start_s >= recording.duration_s:
        raise RefusedValue(
            f"From must lie before the end of the recording, at {recording.duration_s:.3f} s, got {start_s:g} s"
        )
    if start_s == 0 and (end_s is None or end_s >= recording.duration_s):
        return recording.waveform, score
    end_s = recording.duration_s if end_s is None else min(float(end_s), recording.duration_s)
    rate = recording.sample_rate_hz
    start, end = round(start_s * rate), round(end_s * rate)
    waveform = recording.waveform[:, start : max(end, start + 1)]
    if score is None or choices["align"] == "auto":
        # Alignment searches the part of the score that is played.
        return waveform, score
    return waveform, notes.section(score, start_s, waveform.shape[1] / rate)
