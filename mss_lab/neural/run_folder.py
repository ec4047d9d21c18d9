"""The folder of a training run: its record, its curve and its checkpoints, whole at any moment.

Every file is written beside its place and moved there in one step, and the record is written last. A kill at any
moment leaves a record of files that are whole; what it does not list is litter of that kill, and is swept away by the
next checkpoint. A checkpoint whose checksum is wrong is passed over for the one before.

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
    """The weights that did best on validation so far: which step's, how well, and where they are."""

    step: int
    validation: float
    file: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Everything that a run goes on from.

    Attributes
    ----------
    step : int
        Steps taken.
    seconds : float
        Spent on them.
    model, optimizer : dict
        Their states.
    best : Best or None
    waited : int
        Validations since the best.
    stopped : str
        "early" where nothing is to come after it, else empty.
    average : dict or None
        State of the averaged weights, where there is an average.
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
        """Whether a run of so many steps ends here."""
        return self.step >= steps or self.stopped == "early"


class RunFolder:
    """A run's folder, opened by `RunFolder.open`.

    Attributes
    ----------
    folder : Path
    record : dict
        What `run.json` holds: `run`, the facts of the run, and `checkpoints`, the oldest first.
    """

    def __init__(self, folder: Path, record: dict[str, Any]):
        self.folder = folder
        self.record = record

    @classmethod
    def open(cls, folder: str | os.PathLike[str], facts: Mapping[str, Any], *, leader: bool = True) -> "RunFolder":
        """Open the folder of a run with these facts, or begin one.

        Parameters
        ----------
        folder : path
        facts : mapping
            What decides the run, for JSON.
        leader : bool
            Of several processes only one writes.

        Raises
        ------
        FileExistsError
            If the folder holds something that is no run.
        ValueError
            If it holds another run: what differs is said. Or if the record is damaged.
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
                "Ask for what it was begun with, or name another folder"
            )
        return cls(folder, record)

    @classmethod
    def again(cls, folder: str | os.PathLike[str]) -> "RunFolder":
        """Open the folder of a run as it is."""
        folder = Path(folder)
        return cls(folder, _read_record(folder / RECORD))

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that is whole; None where none was written yet.

        One that is damaged is passed over, with a warning.

        Raises
        ------
        ValueError
            If there are checkpoints, and none is whole.
        """
        troubles: list[str] = []
        for entry in reversed(self.record["checkpoints"]):
            trouble = self._trouble(entry["file"], entry["sha256"])
            if not trouble:
                found = _read_checkpoint(self.folder / entry["file"])
                if troubles:
                    warnings.warn(f"{'; '.join(troubles)}: going on from step {found.step}", stacklevel=3)
                # What is damaged is not offered again.
                kept = [other for other in self.record["checkpoints"] if other["step"] <= found.step]
                self.record = {**self.record, "checkpoints": kept}
                return found
            troubles.append(trouble)
        if troubles:
            raise RefusedValue(
                f"no checkpoint of {self.folder} can be used: {'; '.join(troubles)}. "
                "Bring back what was there, or begin again in another folder"
            )
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, list it, and remove those before the last two; OSError where that is not possible."""
        name = f"step-{checkpoint.step:08d}.pt"
        state = {field.name: getattr(checkpoint, field.name) for field in dataclasses.fields(checkpoint)}
        state["best"] = dataclasses.asdict(checkpoint.best) if checkpoint.best else None
        entry = {"step": checkpoint.step, "file": name, "sha256": self._write(name, state), "best": state["best"]}
        others = [other for other in self.record["checkpoints"] if other["step"] < checkpoint.step]
        self.record = {**self.record, "checkpoints": [*others, entry][-KEPT:]}
        self._write_record()
        self._sweep()

    def save_best(self, step: int, validation: float, state: Mapping[str, torch.Tensor]) -> Best:
        """Write the weights that did best so far. Those that a checkpoint speaks of stay until it goes."""
        name = f"best-{step:08d}.pt"
        return Best(step, validation, name, self._write(name, dict(state)))

    def best_weights(self, best: Best) -> dict[str, torch.Tensor] | None:
        """The weights that did best, or None, with a warning, where their file is damaged."""
        trouble = self._trouble(best.file, best.sha256)
        if trouble:
            warnings.warn(f"{trouble}: the last weights are used", stacklevel=3)
            return None
        weights: dict[str, torch.Tensor] = torch.load(self.folder / best.file, map_location="cpu", weights_only=True)
        return weights

    def add_row(self, row: Row) -> None:
        """Add a line to the curve, all of it at once."""
        path = self.folder / CURVE
        with _writing(path), path.open("ab", buffering=0) as file:
            file.write(_as_csv([row], header=file.tell() == 0).encode())

    def cut_curve(self, step: int) -> list[Row]:
        """Drop the rows of the curve after a step, and a line that was cut short; returns the rest."""
        rows = [row for row in read_curve(self.folder) if row["step"] <= step]
        with _writing(self.folder / CURVE), files.whole_file(self.folder / CURVE) as temporary:
            temporary.write_text(_as_csv(rows, header=True))
        return rows

    def _trouble(self, name: str, sha256: str) -> str:
        path = self.folder / name
        if not path.is_file():
            return f"{name} is missing"
        return "" if shipped.sha256(path) == sha256 else f"{name} is damaged, or not the one that was written here"

    def _write(self, name: str, state: Mapping[str, Any]) -> str:
        path = self.folder / name
        with _writing(path), files.whole_file(path) as temporary:
            torch.save(state, temporary)
            # A move that outlives a power cut, but not what was moved, would be the worst of both.
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
    """The rows of a run's curve, oldest first; none where there is no curve yet. A run may be writing to it meanwhile.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    path = Path(folder) / CURVE
    if not path.exists():
        return []
    # What stands behind the last end of a line is a line that is being written.
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
    """Says which file could not be written, and that the run may go on; torch hides a full disk in a RuntimeError."""

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
                f"{self.path} could not be written ({reason}); make room, or mend the folder, and train again: "
                "the run goes on from its last checkpoint"
            ) from error


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = isinstance(record, dict) and record.get("format") == FORMAT
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RefusedValue(f"{path} is damaged ({error}); bring it back, or begin again in another folder") from error
    if not known:
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
            f"{path} must be a checkpoint that mss_lab wrote, got a file that holds something else; nothing in it was "
            "run. Begin again in another folder"
        ) from error


def _refuse_foreign_folder(folder: Path) -> None:
    if folder.is_dir() and (strangers := sorted(folder.glob("*.pt")) + sorted(folder.glob("*.ckpt"))):
        raise FileExistsError(
            f"{folder} must be a run's folder or a new one, got one with {strangers[0].name} and without {RECORD}; a "
            "checkpoint from elsewhere is not read. Name another folder"
        )


def _differences(was: Any, asked: Any, name: str = "") -> Iterable[str]:
    if isinstance(was, dict) and isinstance(asked, dict):
        return [
            words
            for key in dict.fromkeys((*was, *asked))
            for words in _differences(was.get(key), asked.get(key), f"{name}.{key}" if name else key)
        ]
    return [] if was == asked else [f"{name} was {_short(was)}, is {_short(asked)}"]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
