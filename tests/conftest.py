"""What all tests share: a seeded generator, read-only arrays, the made-up lesson, and the real recordings."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

RECORDINGS_VARIABLE = "MSS_LAB_RECORDINGS"

# A shell that runs the tests in the background has them ignore Ctrl-C, and every program that they start inherits that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# `jsonschema`, which comes with nbformat, would compile a grammar of `rfc3987_syntax` for more than a second, which no
# test needs; see `mss_lab.lessons.notebooks`.
sys.modules.setdefault("rfc3987_syntax", None)


def seconds_of(item):
    """About how long a test takes, from its mark `slow`; 0 for all others."""
    return max((mark.args[0] for mark in item.iter_markers("slow")), default=0)


def longest_first(items):
    """The files with the slowest tests first, and in a file its slowest: so that all processes end at the same time."""
    of_file = {}
    for item in items:
        of_file[item.path] = max(seconds_of(item), of_file.get(item.path, 0))
    places = {path: place for place, path in enumerate(of_file)}
    return sorted(items, key=lambda item: (-of_file[item.path], places[item.path], -seconds_of(item)))


def pytest_make_parametrize_id(val):
    """Content of files is no name of a test: a header may hold the time, and processes must find the same tests."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and len(val) > 32 else None


def pytest_addoption(parser):
    parser.addoption(
        "--thorough",
        action="store_true",
        help="also try lessons with all kinds of recordings, exercises with more unseen inputs, and slow networks",
    )


def pytest_collection_modifyitems(items):
    items[:] = longest_first(items)
    for item in items:
        if item.get_closest_marker("no_warnings"):
            # What a test before it has left open, such as the socket of a kernel, is not for this one to answer for.
            item.add_marker(pytest.mark.filterwarnings("error", "ignore::ResourceWarning"))
    # Listed as not run where nobody gave the recordings; where somebody did, a wrong path fails in the fixture below.
    if os.environ.get(RECORDINGS_VARIABLE):
        return
    not_run = pytest.mark.skip(reason=f"not run: {RECORDINGS_VARIABLE} does not name the folder of real recordings")
    for item in items:
        if item.get_closest_marker("recordings") or "recordings" in getattr(item, "fixturenames", ()):
            item.add_marker(not_run)


@pytest.fixture(scope="session")
def recordings():
    """The folder of real recordings that MSS_LAB_RECORDINGS names."""
    folder = Path(os.environ.get(RECORDINGS_VARIABLE, ""))
    # A session's fixture is asked for by tests that are run only, so the variable is set here.
    if not os.environ.get(RECORDINGS_VARIABLE) or not folder.is_dir():
        pytest.fail(f"{RECORDINGS_VARIABLE} must name a folder that exists, got {str(folder)!r}; mend it or unset it")
    return folder


@pytest.fixture
def rng():
    """A generator that draws the same numbers in every run."""
    return np.random.default_rng(20_250_101)


@pytest.fixture
def frozen():
    """A function that makes arrays read-only, so that writing into an input fails; returns what it was given."""

    def freeze(*arrays):
        for array in arrays:
            for one in array.values() if isinstance(array, dict) else (array,):
                one.setflags(write=False)
        return arrays[0] if len(arrays) == 1 else arrays

    return freeze


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of a test in which `toy_lesson` is the only lesson, 07, and in which progress is kept."""
    from tests.lessons import toy_lesson

    monkeypatch.setenv("MSS_LAB_LESSONS", str(toy_lesson.write_lesson(tmp_path)))
    monkeypatch.setenv("MSS_LAB_PROGRESS", str(tmp_path / "kept" / "progress.json"))
    return tmp_path
