"""The ratings of several listeners: kept in one file for each listener, read together, screened and summed up.

A file is a CSV table with the columns `listener, trial, stimulus, rating`: a line for each stimulus of each trial that
the listener has finished. A class collects these files in one folder.

Contents: Rating, COLUMNS, path_of, write, add, read, System, Summary, summarise.
Lesson: notebooks/04_is_it_better.ipynb
"""

import csv
import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from .. import checks, files, stem_names
from ..refusals import RefusedValue
from . import protocols
from .listening import BEST_RATING, REFERENCE, trusted_listeners

COLUMNS = ("listener", "trial", "stimulus", "rating")
# What begins a formula, which a spreadsheet would carry out.
FORMULA = ("=", "+", "-", "@")


@dataclasses.dataclass(frozen=True)
class Rating:
    """One line of a file.

    Attributes
    ----------
    listener, trial, stimulus : str
        The name of the listener, that of the excerpt, and the true name of what was rated.
    rating : float
        0 to 100.
    """

    listener: str
    trial: str
    stimulus: str
    rating: float


def path_of(folder: str | os.PathLike[str], listener: str) -> Path:
    """The file of a listener in a folder.

    Raises
    ------
    ValueError
        If the name is not a text that is a valid name of a file on every system.
    """
    check_name("listener", listener)
    if listener != stem_names.as_file_name(listener):
        raise RefusedValue(f"listener must be a name that can name a file, got {listener!r}; use letters and digits")
    return Path(folder) / f"{listener}.csv"


def check_name(what: str, name: str) -> str:
    """Return a name that a file of ratings can hold, or raise ValueError."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or name.startswith(FORMULA):
        raise RefusedValue(
            f"{what} must be a name of printable characters that does not begin with =, +, - or @, got {name!r}; "
            "choose another name"
        )
    return name


def write(path: str | os.PathLike[str], ratings: Iterable[Rating]) -> None:
    """Write a file of ratings; it is written completely or not at all.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with files.whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows((*dataclasses.astuple(one)[:3], f"{one.rating:g}") for one in ratings)


def add(path: str | os.PathLike[str], ratings: Sequence[Rating]) -> None:
    """Add ratings to a listener's file, which is made if there is none.

    Raises
    ------
    ValueError
        If the file is refused by `read`, belongs to another listener, or holds one of these ratings already.
    OSError
        If the file cannot be written.
    """
    before = read(path) if Path(path).exists() else []
    others = {one.listener for one in before} - {one.listener for one in ratings}
    if others:
        raise RefusedValue(f"{path} holds ratings by {min(others)!r}, another listener; choose another name")
    write(path, _checked([*before, *ratings], f"{path} with the new ratings"))


def read(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Rating]:
    """Read the ratings of one listener or of many.

    Parameters
    ----------
    paths : path, or iterable of paths
        A file, a folder (all of its files whose names end with .csv), or several of them.

    Returns
    -------
    list of Rating
        In the order of the files' names and lines.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a folder holds no such file; if a file is not a table with the four columns, holds no rating, or a rating is
        not a number from 0 to 100; or if there are two ratings of one stimulus by one listener in one trial.

    Lesson: notebooks/04_is_it_better.ipynb
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    collected: list[Rating] = []
    for path in map(Path, several):
        if path.is_dir():
            tables = sorted(item for item in path.iterdir() if item.suffix.lower() == ".csv" and item.is_file())
            if not tables:
                raise RefusedValue(
                    f"folder {path} holds no file of ratings; copy the listeners' .csv files into it first"
                )
        else:
            tables = [files.existing_file(path, "file of ratings", "name a listener's .csv file, or their folder")]
        for table in tables:
            collected += _read_one(table)
    return _checked(collected, "the files")


@dataclasses.dataclass(frozen=True)
class System:
    """What the trusted listeners say of one stimulus, such as a separator, the hidden reference or an anchor.

    Attributes
    ----------
    name : str
    by_listener : dict of listener -> float
        The mean of each listener's ratings over the trials.
    mean, low, high : float
        Mean over the listeners, and its 95 % confidence interval, within 0 and 100.
    """

    name: str
    by_listener: dict[str, float]
    mean: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Summary:
    """The result of a listening test.

    Attributes
    ----------
    systems : tuple of System
        The best mean first.
    trusted, dropped : tuple of str
        The listeners who count, and those who rated the hidden reference below 90 too often.
    trials : int
        Number of different trials.
    """

    systems: tuple[System, ...]
    trusted: tuple[str, ...]
    dropped: tuple[str, ...]
    trials: int

    def as_text(self) -> str:
        """A table: the mean of each system and its interval; below it, who was dropped."""
        width = max(len(system.name) for system in self.systems)
        lines = [f"{'':{width}}   mean   95 % interval"]
        for one in self.systems:
            limits = f"{one.low:5.1f} to {one.high:5.1f}" if len(one.by_listener) > 1 else "of one listener: none"
            lines.append(f"{one.name:{width}}  {one.mean:5.1f}   {limits}")
        trials = f"{self.trials} trial{'s' if self.trials > 1 else ''}"
        lines.append(f"{len(self.trusted)} of {len(self.trusted) + len(self.dropped)} listeners trusted, {trials}")
        if self.dropped:
            lines.append(f"dropped, since they missed the hidden reference too often: {', '.join(self.dropped)}")
        return "\n".join(lines)


def summarise(ratings: Iterable[Rating]) -> Summary:
    """Drop the listeners who did not listen, and give the mean rating of each system with its interval.

    Listeners are selected by `mss_lab.metrics.listening.trusted_listeners`. The ratings of a listener are averaged over
    the trials first, those that the listener has rated. So each listener is one value, and the interval is that of the
    mean of these values by Student's distribution. A bootstrap of five or ten listeners would give intervals that are
    too narrow. An interval is cut off at 0 and 100. The excerpts are fixed: nothing is said about other excerpts.

    Parameters
    ----------
    ratings : iterable of Rating
        From `read`.

    Returns
    -------
    Summary

    Raises
    ------
    ValueError
        If there is no rating, or no listener can be trusted.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: ITU-R BS.1534-3, 2015, sections on post-screening and on the
    presentation of means with confidence intervals.
    """
    ratings = _checked(list(ratings), "ratings")
    listeners = list(dict.fromkeys(one.listener for one in ratings))
    trials = list(dict.fromkeys(one.trial for one in ratings))
    hidden = np.full((len(listeners), len(trials)), np.nan)
    for one in ratings:
        if one.stimulus == REFERENCE:
            hidden[listeners.index(one.listener), trials.index(one.trial)] = one.rating
    trusted = {name for name, stays in zip(listeners, trusted_listeners(hidden), strict=True) if stays}
    if not trusted:
        raise RefusedValue(
            f"none of {len(listeners)} listeners can be trusted: each rated the {REFERENCE} below 90 in more than 15 % "
            "of the trials, or never; there is no result without a listener who recognises the reference"
        )
    names = dict.fromkeys(one.stimulus for one in ratings if one.listener in trusted)
    systems = [_system(name, [one for one in ratings if one.stimulus == name], trusted) for name in names]
    return Summary(
        tuple(sorted(systems, key=lambda system: -system.mean)),
        tuple(name for name in listeners if name in trusted),
        tuple(name for name in listeners if name not in trusted),
        len(trials),
    )


def _system(name: str, ratings: Sequence[Rating], trusted: set[str]) -> System:
    by_listener: dict[str, list[float]] = {}
    for one in ratings:
        if one.listener in trusted:
            by_listener.setdefault(one.listener, []).append(one.rating)
    means = {listener: float(np.mean(values)) for listener, values in by_listener.items()}
    interval = protocols.mean_with_interval(means.values(), by="t")
    return System(name, means, interval.mean, max(0.0, interval.low), min(BEST_RATING, interval.high))


def _read_one(path: Path) -> list[Rating]:
    try:
        # Spreadsheets put a mark of the encoding before the first column.
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
            if missing:
                raise RefusedValue(
                    f"{path} must have the columns {', '.join(COLUMNS)}, separated by commas; {missing[0]} is missing; "
                    "use a file as the listening test writes it"
                )
            ratings = [_rating(line, f"{path}, line {table.line_num}") for line in table]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RefusedValue(f"{path} is not a table of text in UTF-8 ({error}); save it as CSV in UTF-8") from error
    if not ratings:
        raise RefusedValue(f"{path} holds no rating; remove it, or let the listener rate a page")
    return ratings


def _rating(line: dict[str, str | None], where: str) -> Rating:
    names = {column: line[column] for column in COLUMNS[:3]}
    empty = [column for column, name in names.items() if not name or not name.strip()]
    if empty:
        raise RefusedValue(f"{where}: {empty[0]} is empty; write a name there")
    try:
        rating = float(line["rating"] or "")
    except ValueError:
        raise RefusedValue(f"{where}: rating must be a number, got {line['rating']!r}; correct it") from None
    rating = checks.check_number(f"{where}: rating", rating, at_least=0, at_most=BEST_RATING)
    return Rating(**{column: str(name) for column, name in names.items()}, rating=float(rating))


def _checked(ratings: list[Rating], where: str) -> list[Rating]:
    """Refuse no ratings at all, and two of one stimulus."""
    if not ratings:
        raise RefusedValue(f"there must be at least one rating, got none in {where}; let a listener rate a page")
    keys: set[tuple[str, str, str]] = set()
    for one in ratings:
        key = (one.listener, one.trial, one.stimulus)
        if key in keys:
            raise RefusedValue(
                f"there must be one rating for each stimulus, but {where} hold two of {one.stimulus!r} by "
                f"{one.listener!r} in trial {one.trial!r}; remove one of them"
            )
        keys.add(key)
    return ratings
