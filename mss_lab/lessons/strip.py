"""Bring notebooks into the form that the repository keeps: no outputs, nothing that differs between machines.

    python -m mss_lab.lessons.strip notebooks/*.ipynb

Contents: strip, main.
"""

import argparse
import os
import sys
from collections.abc import Sequence
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m mss_lab.lessons.strip", description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", metavar="NOTEBOOK")
    for path in parser.parse_args(arguments).notebooks:
        try:
            changed = strip(path)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write(f"{path}: {'stripped' if changed else 'nothing to strip'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
