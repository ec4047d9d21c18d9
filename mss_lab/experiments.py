"""Experiments that take longer than a lesson may: run once by a benchmark, kept as data, shown by the lesson.

An experiment is a JSON file in `data/experiments`. It states the command that made it, what was compared, the seeds and
the recordings, and holds one row for each run. The program that makes it adds row after row with a `Record`; the file
is whole after each of them, so that a run that was interrupted goes on where it stopped.

Contents: Experiment, Record, load, names. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import files, shipped
from .lessons.cards import Card, table_html, table_text
from .refusals import RefusedType, RefusedValue

FOLDER = "experiments"

Value = str | int | float | bool
FIELDS = ("command", "about", "seeds", "recordings", "rows")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """The data of one experiment.

    Attributes
    ----------
    name : str
    command : str
        What made the rows; the same command continues or repeats them.
    about : str
        One or two sentences: what was compared, and on what.
    seeds : tuple of int
        One for each repetition; empty where nothing is random.
    recordings : tuple of str
        Names of the real recordings that it was measured on; empty where all sound is synthetic.
    rows : tuple of dict of str -> str, int, float or bool
    """

    name: str
    command: str
    about: str
    seeds: tuple[int, ...]
    recordings: tuple[str, ...]
    rows: tuple[dict[str, Value], ...]

    def where(self, **values: Value) -> tuple[dict[str, Value], ...]:
        """The rows that have all these values, in the order in which they were added."""
        return tuple(row for row in self.rows if all(row.get(key) == value for key, value in values.items()))

    def column(self, key: str, **values: Value) -> np.ndarray:
        """One column of the rows that have all these values, (rows,).

        Parameters
        ----------
        key : str
        **values
            For example ``network="small"``.

        Raises
        ------
        LookupError
            If no row has the column and the values; the message lists what there is.
        """
        column = [row[key] for row in self.where(**values) if key in row]
        if not column:
            keys = list(dict.fromkeys(key for row in self.rows for key in row))
            conditions = ", ".join(f"{name}={value!r}" for name, value in values.items()) or "no condition"
            raise LookupError(f"experiment {self.name} has no {key!r} with {conditions}; its columns are {keys}")
        return np.array(column)

    def values(self, key: str) -> tuple[Value, ...]:
        """The different values of one column, in the order in which they first occur."""
        return tuple(dict.fromkeys(self.column(key).tolist()))

    def _card(self) -> Card:
        lines = [self.about, f"Made by: `{self.command}`"]
        if self.seeds:
            lines.append(f"Seeds: {', '.join(map(str, self.seeds))}.")
        lines.append(f"Real recordings: {', '.join(self.recordings) or 'none'}.")
        lines.append(f"Rows: {len(self.rows)}.")
        return Card(f"Experiment {self.name}", "\n".join(lines))

    def __repr__(self) -> str:
        return repr(self._card())

    def _repr_html_(self) -> str:
        return self._card()._repr_html_()

    def table(self, *keys: str, **values: Value) -> Card:
        """Rows as a table.

        Parameters
        ----------
        *keys : str
            The columns to show; all without any.
        **values
            Only rows that have these values are shown.
        """
        chosen = self.where(**values)
        columns = keys or tuple(dict.fromkeys(key for row in chosen for key in row))
        cells = [[_shown(row.get(key, "")) for key in columns] for row in chosen]
        return Card(
            f"Experiment {self.name}",
            self.about,
            body_text=table_text(columns, cells),
            body_html=table_html(self.about, columns, cells),
        )


class Record:
    """An experiment that is being made.

    Parameters
    ----------
    path : path
        The JSON file; if it exists, the experiment goes on with its rows.
    command, about : str
    seeds : iterable of int
    recordings : iterable of str

    Raises
    ------
    RefusedValue
        If the file exists and is no experiment.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        command: str,
        about: str,
        seeds: Iterable[int] = (),
        recordings: Iterable[str] = (),
    ):
        self._path = Path(path)
        self._head: dict[str, Any] = {
            "command": command,
            "about": about,
            "seeds": [int(seed) for seed in seeds],
            "recordings": list(recordings),
        }
        self.rows: list[dict[str, Value]] = list(read(self._path).rows) if self._path.exists() else []

    def has(self, **values: Value) -> bool:
        """Whether there is a row with all these values."""
        return any(all(row.get(key) == value for key, value in values.items()) for row in self.rows)

    def add(self, **row: Value) -> None:
        """Add a row, and write the whole file.

        Raises
        ------
        RefusedType
            If a value is neither text, number nor truth value.
        RefusedValue
            If a number is not finite, since JSON has none that is not.
        """
        self.rows.append({key: _plain(key, value) for key, value in row.items()})
        head = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in self._head.items()]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in self.rows)
        # One row a line, so that a change shows as the rows that changed.
        text = "{\n" + ",\n".join(head) + ',\n"rows": [\n' + lines + "\n]}\n"
        with files.whole_file(self._path, force=True) as temporary:
            temporary.write_text(text, encoding="utf-8")


def load(name: str) -> Experiment:
    """Load one of the experiments that ship with the course.

    Parameters
    ----------
    name : str
        Such as "17_ablation"; the number is that of the lesson.

    Raises
    ------
    LookupError
        If there is no such experiment; the message lists those there are.
    RefusedValue
        If its file is damaged.
    """
    path = shipped.data_folder(FOLDER) / FOLDER / f"{name}.json"
    if name not in names():
        raise LookupError(f"there is no experiment {name!r}; there are {', '.join(names()) or 'none'}")
    return read(path)


def names() -> tuple[str, ...]:
    """The names of the experiments that ship with the course."""
    return tuple(sorted(path.stem for path in (shipped.data_folder(FOLDER) / FOLDER).glob("*.json")))


def read(path: str | os.PathLike[str]) -> Experiment:
    """Read the file of an experiment.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RefusedValue
        If it is no experiment; the message states how to restore a shipped one.
    """
    path = files.existing_file(path, "experiment", shipped.remedy(path))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [{key: _plain(key, value) for key, value in row.items()} for row in content["rows"]]
        texts: Mapping[str, str] = {key: str(content[key]) for key in ("command", "about")}
        seeds, recordings = (_sequence(content[key]) for key in ("seeds", "recordings"))
        return Experiment(
            path.stem, **texts, seeds=tuple(map(int, seeds)), recordings=tuple(map(str, recordings)), rows=tuple(rows)
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedValue(
            f"{path} is not an experiment ({type(error).__name__}: {error}); it must be JSON with {', '.join(FIELDS)}: "
            f"{shipped.remedy(path)}"
        ) from error


def _sequence(values: Any) -> Sequence[Any]:
    if not isinstance(values, list):
        raise RefusedType(f"seeds and recordings must be lists, got {values!r}")
    return values


def _plain(key: str, value: Any) -> Value:
    # NumPy's scalars are numbers too, but not to JSON.
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, str | int | float | bool):
        raise RefusedType(f"{key} must be a text, a number or a truth value, got {value!r}")
    if isinstance(value, float) and not np.isfinite(value):
        raise RefusedValue(f"{key} must be finite, got {value}; leave the row out, and say why in `about`")
    return value


def _shown(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
