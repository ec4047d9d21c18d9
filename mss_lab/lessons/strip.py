"""Bring notebooks into the form that the repository keeps: no outputs, nothing that differs between machines.

    mss-lab lesson strip notebooks/*.ipynb

Contents: strip, add_arguments, run.
"""

import argparse
import os
from pathlib import Path

from .. import files
from . import notebooks


def strip(path: str | os.PathLike[str]) -> bool:
    """Write a notebook in its canonical form, if it is not yet so; whether it was changed.

    Raises
    ------
    FileNotFoundError, ValueError
        If it is no notebook; the file is then left as it is.
    """
    path = Path(path)
    text = notebooks.canonical(notebooks.read(path))
    if text == path.read_text(encoding="utf-8"):
        return False
    with files.whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab lesson strip` to a parser."""
    parser.add_argument("notebooks", nargs="+", metavar="NOTEBOOK")


def run(options: argparse.Namespace) -> int:
    """Strip the notebooks, and say of each whether it was changed."""
    for path in options.notebooks:
        print(f"{path}: {'stripped' if strip(path) else 'nothing to strip'}")
    return 0
