"""The examples in docstrings run, and return what they show."""

import doctest
import importlib

import pytest

from tests.paths import PACKAGE

MODULES = sorted(
    ".".join(("mss_lab", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_return_what_they_show(name):
    result = doctest.testmod(importlib.import_module(name), report=True)
    assert result.attempted > 0
    assert result.failed == 0


def test_there_are_examples():
    assert len(MODULES) > 20
