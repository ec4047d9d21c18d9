"""The panel "Separate your own": a recording of the reader, a method, and the stems in the player.

::

    from mss_lab.widgets import own

    own.panel()

The recording is a file that is uploaded, or a sound from the microphone. Nothing is written beside the notebook, and
nothing leaves the computer on which the notebook runs. `mss-lab serve` shows the same panel as a page of its own. From
code::

    panel = own.panel()
    panel.open("my.wav")
    panel.set(method="informed-nmf", score="my.mid", align="auto")
    sources = panel.separate()

Contents: panel, Panel, Separation. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import html
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

from .. import catalogue, checks, memory, separating, stem_names
from ..refusals import RefusedType, RefusedValue
from ..score.notes import Score
from . import own_files, own_form, piece, player, words, worker

ALIGNMENTS = ("none", "auto")
# The methods that are chosen until the reader chooses: with a score, and without one.
WITH_SCORE, WITHOUT_SCORE = "score-masks", "hpss"
ENDING = ".flac"
# Marks an argument that is left out, since None has a meaning.
_UNCHANGED: Any = object()


@dataclasses.dataclass(frozen=True, eq=False)
class Separation:
    """A result of the panel.

    Attributes
    ----------
    sources : dict of source name -> float32 (channels, samples)
    mixture : float32 (channels, samples)
        The section that was separated.
    sample_rate_hz : int
    method, name : str
        Of the method, and of the recording.
    remarks : tuple of str
        About the alignment of the score, and warnings of the method.
    took_s : float
    """

    sources: dict[str, np.ndarray]
    mixture: np.ndarray
    sample_rate_hz: int
    method: str
    name: str
    remarks: tuple[str, ...]
    took_s: float


@dataclasses.dataclass(frozen=True, eq=False)
class _Job:
    """A separation that was requested; `number` is higher than that of every earlier one."""

    number: int
    recording: own_files.Recording | None
    score: Score | None
    choices: Mapping[str, Any]


def panel() -> "Panel":
    """Separate a recording of your own: choose a file or use the microphone, choose a method, listen, and save.

    Returns
    -------
    Panel
        Shown when it is the last line of a cell.

    Lesson: notebooks/00_unmix_in_five_minutes.ipynb
    """
    return Panel()


class Panel(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """The widget behind `panel`: a form, a line of words, and a player once there are stems.

    Attributes
    ----------
    recording : Recording or None
    score : Score or None
    separation : Separation or None
        The newest result.
    """

    def __init__(self) -> None:
        self.recording: own_files.Recording | None = None
        self.score: Score | None = None
        self.separation: Separation | None = None
        self._score_name = ""
        self._number = 0
        self._is_default = True
        choices = {"method": WITHOUT_SCORE, "align": "none", "start_s": 0.0, "end_s": None, "options": {}}
        self._form = own_form.Form(choices, self._arrived, self._pressed)
        self._words = words.Words()
        self._player: player.Player | None = None
        self._recordings = worker.LatestWorker(own_files.read_recording, self._take_recording, self._fail)
        self._scores = worker.LatestWorker(own_files.read_score, self._take_score, self._fail)
        self._separations = worker.LatestWorker(self._work, self._show, self._fail_job)
        self._files = worker.LatestWorker(self._zip, self._send_zip, self._fail)
        super().__init__([self._form, self._words])
        self._refresh()
        self._words.say("Choose a recording, or record one.")

    # -- from code

    def open(self, path_or_waveform: Any = _UNCHANGED, sample_rate_hz: int | None = None) -> own_files.Recording | None:
        """Take a recording: the path of an audio file, or a waveform (channels, samples) with its sample rate.

        Without arguments it opens the channel to the page, as this method does in every widget.

        Raises
        ------
        FileNotFoundError, ShapeError, TypeError, ValueError
            If it is no audio of one or two channels at 8 to 96 kHz, is empty, or has samples that are not finite. The
            panel shows the message, and keeps the recording that it had.
        """
        if path_or_waveform is _UNCHANGED:
            super().open()
            return None
        self._recordings.run_now((path_or_waveform, sample_rate_hz))
        return self.recording

    def set(
        self,
        *,
        method: str = _UNCHANGED,
        score: Score | str | os.PathLike[str] | None = _UNCHANGED,
        align: str = _UNCHANGED,
        start_s: float = _UNCHANGED,
        end_s: float | None = _UNCHANGED,
        options: Mapping[str, Any] = _UNCHANGED,
    ) -> None:
        """Make the choices of the panel from code, as a reader would; those that are left out do not change.

        Parameters
        ----------
        method : str
            A name of the catalogue.
        score : Score, path or None
            None takes the score away.
        align : {"none", "auto"}
            "auto" moves the notes to where they sound; "none" takes the score's times as the recording's.
        start_s, end_s : float >= 0, seconds
            The section that is separated; None is the end of the recording.
        options : dict of option name -> value
            Options of the method; all others have their defaults.

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            If a choice is refused; the panel shows the message.
        """
        items = {"method": method, "align": align, "start_s": start_s, "end_s": end_s, "options": options}
        changes = {name: value for name, value in items.items() if value is not _UNCHANGED}
        if "method" in changes:
            # Options of another method mean nothing here.
            changes = {"options": {}} | changes
        choices = {**self._form.choices, **changes}
        try:
            _check_choices(choices)
        except (TypeError, ValueError) as error:
            self._fail(None, error)
            raise
        self._is_default &= "method" not in changes
        self._form.choices = choices
        if score is None:
            self._remove_score()
        elif score is not _UNCHANGED:
            self._scores.run_now(("the score", score) if isinstance(score, Score) else (Path(score).name, score))

    def separate(self) -> dict[str, np.ndarray]:
        """Separate with the current choices, show the result, and return the sources: name -> (channels, samples).

        Raises
        ------
        ValueError, TypeError
            If there is no recording, the method needs what is missing, or refuses the recording. The panel shows the
            message.
        """
        self._separations.run_now(self._job(self._form.choices))
        assert self.separation is not None
        return dict(self.separation.sources)

    def stems_zip(self) -> bytes:
        """The file that "Save stems" saves: a zip of FLAC files, as `mss-lab separate --format flac` names them.

        Raises ValueError if nothing has been separated.
        """
        return self._zip("")[1]

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is being read or separated; return False if the time is over before."""
        workers = (self._recordings, self._scores, self._separations, self._files)
        return all(each.wait(timeout_s) for each in workers)

    # -- from the page

    def _arrived(self, role: str, name: str, data: bytes) -> None:
        self._words.busy = True
        if role == "recording":
            self._recordings.submit((own_files.Uploaded(name, data), None))
        else:
            self._scores.submit((name, own_files.Uploaded(name, data)))

    def _pressed(self, kind: str, message: Mapping[str, Any]) -> None:
        if kind == "separate":
            self._separations.submit(self._job(message["choices"]))
        elif kind == "stop":
            self._stop()
        elif kind == "save":
            self._words.busy = True
            self._files.submit(str(message["view"]))
        elif kind == "remove-score":
            self._remove_score()
        elif kind == "chosen":
            self._is_default = False

    def _stop(self) -> None:
        self._number += 1
        self._form.stage = ""
        self._words.say(
            "Stopped. A step that has begun runs to its end, and its result is thrown away; a new separation waits for "
            "it."
        )

    # -- files

    def _take_recording(self, _job: Any, recording: own_files.Recording) -> None:
        self.recording = recording
        self._form.choices = {**self._form.choices, "start_s": 0.0, "end_s": None}
        self._refresh()
        remark = f"\n{recording.remark}" if recording.remark else ""
        self._words.say(f"{recording.describe()}.{remark}\nChoose a method, then press Separate.")

    def _take_score(self, job: Any, read: tuple[Score, tuple[str, ...]]) -> None:
        self.score, remarks = read
        self._score_name = job[0]
        self._refresh()
        self._words.say("\n".join((f"{self._score_words()}.", *remarks)))

    def _remove_score(self) -> None:
        self.score, self._score_name = None, ""
        self._refresh()
        self._words.say("The score was removed.")

    def _score_words(self) -> str:
        if self.score is None:
            return ""
        return f"{self._score_name}: {len(self.score.notes)} notes, {', '.join(self.score.sources)}"

    def _refresh(self) -> None:
        """Show the page what there is, and suggest a method until the reader has chosen one."""
        channels = None if self.recording is None else len(self.recording.waveform)
        has_score = self.score is not None
        if self._is_default:
            suggested = WITH_SCORE if has_score else WITHOUT_SCORE
            if suggested != self._form.choices["method"]:
                self._form.choices = {**self._form.choices, "method": suggested, "options": {}}
        self._form.content = {
            "recording": "" if self.recording is None else self.recording.describe(),
            "score": self._score_words(),
            "methods": [own_form.described(each, channels, has_score=has_score) for each in catalogue.methods()],
            "canSave": self.separation is not None,
        }

    # -- separating

    def _job(self, choices: Mapping[str, Any]) -> _Job:
        self._number += 1
        if self._separations.wait(0):
            self._form.stage = "Preparing"
        else:
            self._form.stage = "Waiting for the run that was stopped"
        return _Job(self._number, self.recording, self.score, dict(choices))

    def _step(self, job: _Job, stage: str) -> None:
        if job.number == self._number:
            self._form.stage = stage

    def _work(self, job: _Job) -> Separation | None:
        if job.number != self._number:
            return None
        with own_files.noting_warnings() as noted:
            result = self._separated(job)
        return dataclasses.replace(result, remarks=(*result.remarks, *noted))

    def _separated(self, job: _Job) -> Separation:
        _check_choices(job.choices)
        name = job.choices["method"]
        recording = _check_needs(catalogue.get(name), job.recording, job.score)
        self._step(job, f"Loading {name}")
        separate = catalogue.separator(name, **job.choices["options"])
        waveform, score = own_files.section(recording, job.score, job.choices)
        try:
            memory.check_separator(separate, waveform, recording.sample_rate_hz, score)
        except RefusedValue as error:
            raise RefusedValue(f"{error}. The fields From and To choose an excerpt.") from error
        remarks: tuple[str, ...] = ()
        if score is not None and job.choices["align"] == "auto":
            self._step(job, "Aligning the score")
            aligned = separating.aligned_with(waveform, recording.sample_rate_hz, score)
            score, remarks = aligned.score, (*(f"Alignment: {each}" for each in aligned.remarks), aligned.doubt)
        self._step(job, f"Separating with {name}")
        began_s = time.perf_counter()
        estimates = checks.check_estimates(
            f"the result of {name}", separate(waveform, recording.sample_rate_hz, score), waveform
        )
        took_s = time.perf_counter() - began_s
        self._step(job, "Preparing the player")
        rate_hz = recording.sample_rate_hz
        return Separation(dict(estimates), waveform, rate_hz, name, recording.name, remarks, took_s)

    def _show(self, job: _Job, result: Separation | None) -> None:
        if result is None or job.number != self._number:
            return
        versions, excerpt = _versions(result)
        title = f"{result.name}, {result.method}{f', {excerpt}' if excerpt else ''}"
        if self._player is None:
            self._player = player.Player(versions, result.sample_rate_hz, title=title)
            self.children = (self._form, self._words, self._player)
        else:
            self._player.replace(versions, result.sample_rate_hz, title=title)
        self.separation = result
        self._refresh()
        self._form.stage = ""
        count = len(result.sources)
        lines = [f"{result.method}: {count} {'stem' if count == 1 else 'stems'} in {result.took_s:.1f} s."]
        lines += [f"{remark[:1].upper()}{remark[1:]}." for remark in result.remarks if remark]
        if excerpt:
            lines.append(f"The stems are too long for the player, which has {excerpt}; Save stems saves them whole.")
        self._words.say("\n".join(lines))

    def _fail_job(self, job: _Job, error: Exception) -> None:
        if job.number == self._number:
            self._form.stage = ""
            self._fail(job, error)

    def _fail(self, _job: Any, error: Exception) -> None:
        self._words.fail(error)

    # -- saving

    def _zip(self, _view: str) -> tuple[str, bytes, float]:
        result = self.separation
        if result is None:
            raise RefusedValue("there are no stems yet; press Separate first")
        estimates, peak = separating.within_full_scale(result.sources, ENDING)
        name = stem_names.as_file_name(f"{Path(result.name).stem} {result.method}") or "stems"
        return f"{name}.zip", separating.stems_zip(estimates, result.sample_rate_hz, ending=ENDING), peak

    def _send_zip(self, view: str, archive: tuple[str, bytes, float]) -> None:
        name, data, peak = archive
        self._form.send_file(name, data, view)
        quieter = f" The stems peak at {peak:.2f}, and FLAC clips above 1; all were divided by it." if peak > 1 else ""
        self._words.say(f"{name}: {memory.words(len(data))}.{quieter}")

    # -- without a front end

    def static(self) -> tuple[bytes, str]:
        """The picture (PNG bytes, empty without stems) and the HTML that replace the panel without a front end."""
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._static_lines())
        png, page = self._player.static() if self._player is not None else (b"", "")
        return png, f"<div>{lines}{page}</div>"

    def _static_lines(self) -> list[str]:
        state = self.recording.describe() if self.recording else "no recording"
        lines = [f"{own_form.TITLE}: {state}, method {self._form.choices['method']}."]
        if self.separation is not None:
            return [*lines, self._words.text]
        return [*lines, "The panel needs a running notebook; from code: panel.open(path), panel.separate()."]

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**kwargs))
        _png, page = self.static()
        return data | {"text/plain": "\n".join(self._static_lines()), "text/html": page}, {}


def _check_choices(choices: Mapping[str, Any]) -> None:
    """Refuse choices that cannot be used, wherever they come from."""
    method = catalogue.get(choices["method"])
    checks.check_choice("align", choices["align"], ALIGNMENTS)
    start_s = checks.check_number("start_s (From)", choices["start_s"], at_least=0, unit="seconds")
    if choices["end_s"] is not None:
        checks.check_number("end_s (To)", choices["end_s"], above=start_s, unit="seconds")
    unknown = [name for name in choices["options"] if name not in method.options]
    if unknown:
        options = ", ".join(method.options) or "none"
        raise RefusedType(f"{method.name} has no option {', '.join(unknown)}; it has {options}")
    for name, value in choices["options"].items():
        if not isinstance(value, str):
            method.options[name].check(name, value)


def _check_needs(
    method: catalogue.Method, recording: own_files.Recording | None, score: Score | None
) -> own_files.Recording:
    if recording is None:
        raise RefusedValue("there is no recording yet; choose a file, or record one")
    if reason := separating.unmet_need(method, len(recording.waveform), has_score=score is not None):
        advice = "; choose its score, or another method" if reason == "needs a score" else "; choose another method"
        raise RefusedValue(f"{method.name} {reason}{advice}")
    return recording


def _versions(result: Separation) -> tuple[dict[str, dict[str, np.ndarray]], str]:
    """The sounds of the player, and in words which part of them, if they are too long for a page."""
    channels, samples = result.mixture.shape
    most = piece.MOST_BYTES // (2 * channels * (len(result.sources) + 1))
    versions = {result.method: dict(result.sources), "recording": {"recording": result.mixture}}
    if samples <= most:
        return versions, ""
    shorter = {
        version: {stem: waveform[:, :most] for stem, waveform in stems.items()} for version, stems in versions.items()
    }
    return shorter, f"the first {most // result.sample_rate_hz} s"
