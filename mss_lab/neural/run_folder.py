"""The folder of a training run: its record, its curve and its checkpoints, complete at any moment.

Every file is written under a temporary name and moved to its own in one step, and the record is written last. If the
process is killed at any moment, all files in the record are complete; other files are leftovers, which the next
checkpoint removes. A checkpoint with a wrong checksum is skipped, and the one before it is used.

Contents: RunFolder, Checkpoint, Best, read_curve. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import csv
import dataclasses
import io
import json
import os
import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from .. import files, shipped
from ..refusals import RefusedValue

FORMAT = "mss_lab training run, version 2"
RECORD, CURVE = "run.json", "curve.csv"
KEPT = 2

# The columns of the curve; a row has an empty field where it has no such value.
COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "validation", "song_sdr_db", "seconds")

Row = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Best:
    """The best weights on validation so far: their step, their validation loss, and their file with its checksum."""

    step: int
    validation: float
    file: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state from which a run continues.

    Attributes
    ----------
    step : int
        Steps that are done.
    seconds : float
        Time of these steps.
    model, optimizer : dict
        States of network and optimizer.
    best : Best or None
    waited : int
        Validations since the best one.
    stopped : str
        "early" if the run ended here for lack of improvement, else empty.
    average : dict or None
        State of the averaged weights, if there is an average.
    """

    step: int
    seconds: float
    model: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    best: Best | None = None
    waited: int = 0
    stopped: str = ""
    average: dict[str, torch.Tensor] | None = None

    def is_last(self, steps: int) -> bool:
        """Whether a run of this number of steps ends here."""
        return self.step >= steps or self.stopped == "early"


class RunFolder:
    """A run's folder, opened by `RunFolder.open`.

    Attributes
    ----------
    folder : Path
    record : dict
        The content of `run.json`: `run`, the facts of the run, and `checkpoints`, the oldest first.
    """

    def __init__(self, folder: Path, record: dict[str, Any]):
        self.folder = folder
        self.record = record

    @classmethod
    def open(cls, folder: str | os.PathLike[str], facts: Mapping[str, Any], *, leader: bool = True) -> "RunFolder":
        """Open the folder of a run with these facts, or start a new run.

        Parameters
        ----------
        folder : path
        facts : mapping
            All that decides the run, for JSON.
        leader : bool
            Whether this process writes: one of several that train together does.

        Raises
        ------
        FileExistsError
            If the folder has files that belong to no run.
        ValueError
            If it holds another run (the message lists the differences), or the record is damaged.
        OSError
            If it cannot be written.
        """
        folder = Path(folder)
        facts = json.loads(json.dumps(facts))
        path = folder / RECORD
        if not path.exists():
            _refuse_foreign_folder(folder)
            run = cls(folder, {"format": FORMAT, "run": facts, "checkpoints": []})
            if leader:
                run._write_record()
            return run
        record = _read_record(path)
        different = _differences(record["run"], facts)
        if different:
            raise RefusedValue(
                f"{folder} holds another run, which differs: {'; '.join(different)}. "
                "Use the options that it was started with, or name another folder"
            )
        return cls(folder, record)

    @classmethod
    def again(cls, folder: str | os.PathLike[str]) -> "RunFolder":
        """Open the folder of a run as it is."""
        folder = Path(folder)
        return cls(folder, _read_record(folder / RECORD))

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that is not damaged; None if none was written yet.

        Damaged checkpoints are skipped, with a warning.

        Raises
        ------
        ValueError
            If there are checkpoints, and all are damaged.
        """
        problems: list[str] = []
        for entry in reversed(self.record["checkpoints"]):
            problem = self._problem(entry["file"], entry["sha256"])
            if not problem:
                checkpoint = _read_checkpoint(self.folder / entry["file"])
                if problems:
                    warnings.warn(f"{'; '.join(problems)}: going on from step {checkpoint.step}", stacklevel=3)
                # A damaged checkpoint is not tried again.
                usable = [other for other in self.record["checkpoints"] if other["step"] <= checkpoint.step]
                self.record = {**self.record, "checkpoints": usable}
                return checkpoint
            problems.append(problem)
        if problems:
            raise RefusedValue(
                f"no checkpoint of {self.folder} can be used: {'; '.join(problems)}. "
                "Restore the files, or start again in another folder"
            )
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, add it to the record, and remove all except the last two; OSError if writing fails."""
        name = f"step-{checkpoint.step:08d}.pt"
        state = {field.name: getattr(checkpoint, field.name) for field in dataclasses.fields(checkpoint)}
        state["best"] = dataclasses.asdict(checkpoint.best) if checkpoint.best else None
        entry = {"step": checkpoint.step, "file": name, "sha256": self._write(name, state), "best": state["best"]}
        others = [other for other in self.record["checkpoints"] if other["step"] < checkpoint.step]
        self.record = {**self.record, "checkpoints": [*others, entry][-KEPT:]}
        self._write_record()
        self._sweep()

    def save_best(self, step: int, validation: float, state: Mapping[str, torch.Tensor]) -> Best:
        """Write the best weights so far. Earlier ones are removed only with the last checkpoint that refers to them."""
        name = f"best-{step:08d}.pt"
        return Best(step, validation, name, self._write(name, dict(state)))

    def best_weights(self, best: Best) -> dict[str, torch.Tensor] | None:
        """The best weights; None, with a warning, if their file is damaged."""
        problem = self._problem(best.file, best.sha256)
        if problem:
            warnings.warn(f"{problem}: the last weights are used", stacklevel=3)
            return None
        weights: dict[str, torch.Tensor] = torch.load(self.folder / best.file, map_location="cpu", weights_only=True)
        return weights

    def add_row(self, row: Row) -> None:
        """Add a line to the curve in a single write."""
        path = self.folder / CURVE
        with _writing(path), path.open("ab", buffering=0) as file:
            file.write(_as_csv([row], header=file.tell() == 0).encode())

    def cut_curve(self, step: int) -> list[Row]:
        """Remove the rows of the curve after a step, and an incomplete last line; return the other rows."""
        rows = [row for row in read_curve(self.folder) if row["step"] <= step]
        with _writing(self.folder / CURVE), files.whole_file(self.folder / CURVE) as temporary:
            temporary.write_text(_as_csv(rows, header=True))
        return rows

    def _problem(self, name: str, sha256: str) -> str:
        path = self.folder / name
        if not path.is_file():
            return f"{name} is missing"
        return "" if shipped.sha256(path) == sha256 else f"{name} is damaged, or not the one that was written here"

    def _write(self, name: str, state: Mapping[str, Any]) -> str:
        path = self.folder / name
        with _writing(path), files.whole_file(path) as temporary:
            torch.save(state, temporary)
            # Otherwise a power cut could keep the move of the file but lose its content.
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            return shipped.sha256(temporary)

    def _write_record(self) -> None:
        with _writing(self.folder / RECORD), files.whole_file(self.folder / RECORD) as temporary:
            temporary.write_text(json.dumps(self.record, indent=1) + "\n")

    def _sweep(self) -> None:
        listed = {entry["file"] for entry in self.record["checkpoints"]}
        listed |= {entry["best"]["file"] for entry in self.record["checkpoints"] if entry["best"]}
        for pattern in ("step-*.pt", "best-*.pt"):
            for path in self.folder.glob(pattern):
                if path.name not in listed:
                    path.unlink(missing_ok=True)


def read_curve(folder: str | os.PathLike[str]) -> list[Row]:
    """The rows of a run's curve, oldest first; none if there is no curve yet. A run may write to it at the same time.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    path = Path(folder) / CURVE
    if not path.exists():
        return []
    # After the last end of a line there may be a line that is being written.
    whole, _, _ = path.read_text().rpartition("\n")
    rows = csv.DictReader(whole.splitlines())
    return [
        {name: int(value) if name == "step" else float(value) for name, value in row.items() if value} for row in rows
    ]


def _as_csv(rows: Iterable[Row], *, header: bool) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if header:
        table.writeheader()
    table.writerows(rows)
    return text.getvalue()


class _writing:
    """Turn an error into an OSError that names the file; torch reports a full disk by a RuntimeError."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        full = isinstance(error, RuntimeError) and any(
            words in str(error) for words in ("PytorchStreamWriter", "inline_container", "file write", "enforce fail")
        )
        if isinstance(error, OSError) or full:
            code = getattr(error, "errno", None)
            reason = os.strerror(code) if code else "the disk took part of it only"
            raise OSError(
                f"{self.path} could not be written ({reason}); make room, or repair the folder, and train again: "
                "the run goes on from its last checkpoint"
            ) from error


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        is_record = isinstance(record, dict) and record.get("format") == FORMAT
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RefusedValue(f"{path} is damaged ({error}); restore it, or start again in another folder") from error
    if not is_record:
        raise RefusedValue(
            f"{path} must be the record of a training run of mss_lab, got another file; name another folder"
        )
    return record


def _read_checkpoint(path: Path) -> Checkpoint:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(**{**state, "best": Best(**state["best"]) if state["best"] else None})
    except (pickle.UnpicklingError, RuntimeError, TypeError, KeyError, EOFError) as error:
        raise RefusedValue(
            f"{path} must be a checkpoint that mss_lab wrote, got a file that holds something else; no code in it was "
            "run. Start again in another folder"
        ) from error


def _refuse_foreign_folder(folder: Path) -> None:
    if folder.is_dir() and (foreign_files := sorted(folder.glob("*.pt")) + sorted(folder.glob("*.ckpt"))):
        raise FileExistsError(
            f"{folder} must be a run's folder or a new one, got one with {foreign_files[0].name} and without {RECORD}; "
            "a checkpoint from elsewhere is not read. Name another folder"
        )


def _differences(stored: Any, requested: Any, name: str = "") -> Iterable[str]:
    if isinstance(stored, dict) and isinstance(requested, dict):
        return [
            difference
            for key in dict.fromkeys((*stored, *requested))
            for difference in _differences(stored.get(key), requested.get(key), f"{name}.{key}" if name else key)
        ]
    return [] if stored == requested else [f"{name} was {_short(stored)}, is {_short(requested)}"]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
