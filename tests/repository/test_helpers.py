"""The tests' own order: every test file lies in a folder, and what two files need is defined once."""

import ast
from collections import defaultdict
from types import SimpleNamespace

import pytest

from tests.conftest import longest_first
from tests.paths import ROOT

TESTS = ROOT / "tests"
# Shorter functions say less than the line that would import them.
FEWEST_CHARACTERS = 80


def definitions(source):
    """Name and content of every helper of a file: functions and classes, without decorators and docstring."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("test_"):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            arguments = ast.unparse(node.args) if isinstance(node, ast.FunctionDef) else ""
            yield node.name, "\n".join([arguments, *map(ast.unparse, body)])


def copies(sources):
    """Names of helpers that several files define with the same content, from {file: its text}."""
    places = defaultdict(list)
    for file, source in sources.items():
        for name, content in definitions(source):
            if len(content) >= FEWEST_CHARACTERS:
                places[content].append(f"{name} in {file}")
    return [", ".join(found) for found in places.values() if len(found) > 1]


def test_no_helper_is_defined_twice():
    sources = {str(path.relative_to(TESTS)): path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    assert len(sources) > 100
    assert copies(sources) == []


def test_a_copy_is_found_under_another_name_and_docstring():
    body = "    times_s = np.arange(round(seconds * 8000)) / 8000\n    return np.sin(6.28 * hz * times_s)\n"
    tone = f"def tone(hz, seconds=1.0):\n{body}"
    other = f'def sine(hz, seconds=1.0):\n    """A tone."""\n{body}'
    assert copies({"a.py": tone, "b.py": other}) == ["tone in a.py, sine in b.py"]
    assert copies({"a.py": tone, "b.py": other.replace("8000", "16000")}) == []
    assert copies({"a.py": "def two():\n    return 2\n", "b.py": "def two():\n    return 2\n"}) == []


def test_every_test_file_lies_in_a_folder():
    assert list(TESTS.glob("test_*.py")) == []
    assert all((path.parent / "__init__.py").is_file() for path in TESTS.rglob("test_*.py"))


def item(path, *seconds):
    return SimpleNamespace(path=path, iter_markers=lambda name: [pytest.mark.slow(number).mark for number in seconds])


def test_the_longest_tests_start_first_and_files_stay_together():
    quick, short, long, other = item("a"), item("b", 2), item("b", 30), item("c", 5)
    last = item("b")
    assert longest_first([quick, short, other, last, long]) == [long, short, last, other, quick]
    assert longest_first([]) == []
