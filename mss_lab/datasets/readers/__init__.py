"""Readers of published data sets: every piece is read as a track, with its sources, and its score if there is one.

The data sets are not part of this project, and nothing here downloads them. If a data set is missing, its reader states
where it can be obtained, under which licence, and where to put it. Each reader is a module with three names: `ABOUT`,
`tracks(folder)` and `read(folder, name, ...)`.

    from mss_lab.datasets import readers

    bach10 = readers.get("bach10")
    track = bach10.read(None, bach10.tracks()[0], start_s=2.0, length_s=5.0)

Contents: names, get. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import importlib
from types import ModuleType

from ... import checks

_NAMES = ("bach10", "urmp", "synthsod", "phenicx", "ensembleset", "cadenza", "slakh", "musdb")


def names() -> tuple[str, ...]:
    """The names of all readers."""
    return _NAMES


def get(name: str) -> ModuleType:
    """The reader of that name: a module with `ABOUT`, `tracks` and `read`.

    Raises
    ------
    ValueError
        If there is none; the message lists them.
    """
    return importlib.import_module(f"{__name__}.{checks.check_choice('data set', name, _NAMES)}")
