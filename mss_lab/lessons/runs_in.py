"""Measure how long lessons run, and write it into their cards.

    mss-lab lesson measure [NOTEBOOK ...]

Each notebook is run from a fresh kernel in a folder of its own; the time goes between `<!-- runs-in -->` and
`<!-- /runs-in -->` in its first or second markdown cell, and the file is brought into its canonical form. Without
names, all notebooks of ./notebooks are measured.

Contents: measure, write_time, add_arguments, run.
"""

import argparse
import math
import os
from pathlib import Path

from .. import files
from ..refusals import RefusedValue
from . import notebooks
from .structure import RUNS_IN

TIME_LIMIT_S = 600.0


def measure(path: str | os.PathLike[str], time_limit_s: float = TIME_LIMIT_S) -> float:
    """Seconds that a notebook takes from a fresh kernel.

    Raises
    ------
    RefusedValue
        If a cell stops with an error, or the time runs out: such a time would mean nothing.
    """
    notebook = notebooks.read(path)
    with notebooks.working_copy(path) as folder:
        run = notebooks.execute(notebook, folder=folder, time_limit_s=time_limit_s)
    if run.timed_out:
        raise RefusedValue(f"{path} ran for more than {time_limit_s:g} s; nothing was written")
    if run.errors:
        raise RefusedValue(f"{path} stops with an error ({run.errors[0]}); nothing was written")
    return run.seconds


def write_time(path: str | os.PathLike[str], seconds: float) -> str:
    """Write a measured time into a notebook's card, and return the words written.

    Raises
    ------
    ValueError
        If the first two markdown cells have no such comments; the file is then left as it is.
    """
    path = Path(path)
    notebook = notebooks.read(path)
    words = f"about {_rounded(seconds)} s on {_cores()} cores"
    head = [cell for cell in notebook.cells if cell.cell_type == "markdown"][:2]
    cell = next((cell for cell in head if RUNS_IN.search(cell.source)), None)
    if cell is None:
        raise RefusedValue(
            f"{path} has no place for its time: put <!-- runs-in --><!-- /runs-in --> behind "
            '"**Runs in:**" in its first or second markdown cell'
        )
    cell.source = RUNS_IN.sub(f"<!-- runs-in -->{words}<!-- /runs-in -->", cell.source, count=1)
    with files.whole_file(path) as temporary:
        temporary.write_text(notebooks.canonical(notebook), encoding="utf-8", newline="\n")
    return words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab lesson measure` to a parser."""
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="default: all of ./notebooks")


def run(options: argparse.Namespace) -> int:
    """Measure the notebooks, one after the other, and write each time into its card before the next begins."""
    for path in options.notebooks or notebooks.in_folder("notebooks"):
        print(f"{path}: {write_time(path, measure(path))}", flush=True)
    return 0


def _rounded(seconds: float) -> int:
    # Rounded up to a multiple of 5 s from 10 s on, so that the text does not change with every measurement.
    return max(1, math.ceil(seconds)) if seconds < 10 else 5 * math.ceil(seconds / 5)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
