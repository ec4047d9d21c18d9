"""Every lesson runs from top to bottom with a recording of the reader, and says what it cannot show with it.

In every run a lesson is tried with one of the four kinds of recordings, after it has run with its own: lessons of even
numbers with the one that is short, and the others with stems (test_notebooks.py). Cells that do not depend on the
recording are not run again. `pytest --thorough tests/notebooks` tries all four, each from a fresh kernel.
"""

import ast

import nbformat
import pytest

from mss_lab.lessons import needs, notebooks
from tests.notebooks import own_recordings
from tests.notebooks.test_notebooks import HANGS_S, ONE_THREAD, by_name

EVERYTHING = needs.Has(stems=4, score=True, channels=2, length_s=60.0)
LACKING = {
    needs.STEMS: needs.Has(stems=0, score=True, channels=2, length_s=60.0),
    needs.SCORE: needs.Has(stems=4, score=False, channels=2, length_s=60.0),
}


def code_cells(notebook):
    """The source and the code of each code cell after the opening one."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [(source, own_recordings.parsed(source)) for source in cells[1:]]


def comment_problems(cells):
    """Cells whose comment says less or more than their code, a sentence each."""
    problems = []
    skipped = {need: set() for need in LACKING}
    for need, has in LACKING.items():
        missing = {}
        for index, (source, tree) in enumerate(cells):
            plan = needs.plan(source, tree, has, missing)
            missing = plan.missing
            if plan.message:
                skipped[need].add(index)
    for index, (source, _) in enumerate(cells):
        declared, _ = needs.declared(source)
        stated = {needs.STEMS if one.endswith(needs.STEMS) else one for one in declared} & set(LACKING)
        # A comment's own words make `plan` leave the cell out; so the code is read without them.
        code = {need for need in LACKING if index in skipped[need] and reads(need, cells, index)}
        first = source.strip().splitlines()[0] if source.strip() else ""
        problems += [f"{first!r} needs {need}, and its first line does not say so" for need in sorted(code - stated)]
        problems += [f"{first!r} says that it needs {need}, and does not" for need in sorted(stated - code)]
    return problems


def reads(need, cells, last):
    """Whether the cell reads something that is absent without `need`, when no comment is looked at."""
    missing, plan = {}, None
    for source, tree in cells[: last + 1]:
        silent = "" if needs.STEMS in source.partition("\n")[0] or needs.SCORE in source.partition("\n")[0] else source
        plan = needs.plan(silent, tree, LACKING[need], missing)
        missing = plan.missing
    return bool(plan.message)


@by_name
def test_the_first_line_of_a_cell_says_what_its_code_needs(path):
    assert comment_problems(code_cells(notebooks.read(path))) == []


@pytest.mark.parametrize(
    "cells, problem",
    [
        (["x = lab.sources"], "'x = lab.sources' needs stems, and its first line does not say so"),
        (["# Needs stems: so.\nx = 1"], "'# Needs stems: so.' says that it needs stems, and does not"),
        (["# Needs stems: so.\nx = lab.sources", "x"], "'x' needs stems, and its first line does not say so"),
        (["# Needs stems: so.\nlab.sources, lab.score"], "'# Needs stems: so.' needs a score, and"),
        (["# Needs stems: so.\nx = lab.sources", "# Needs two stems: so.\nx[1]", "y = 1"], None),
        (["# Needs a score: so.\nx = lab.score", "x = 2", "print(x)"], None),
    ],
)
def test_a_comment_that_differs_from_the_code_is_found(cells, problem):
    problems = comment_problems([(source, ast.parse(source)) for source in cells])
    assert (problems == []) if problem is None else any(one.startswith(problem) for one in problems), problems


@pytest.mark.parametrize(
    "cells, kept",
    [
        (["lab = 0", "x = 1", "lab.mixture"], [0, 0, 1]),
        (["lab = 0", "x = 1", "y = lab.mixture * x", "z = 2", "print(y)"], [0, 0, 1, 0, 1]),
        # An exercise has its own data, but its blank can use what the reader made of the recording.
        (["lab = 0", "given = lab.given('1.1')", "lab.check('1.1', 3)"], [0, 0, 0]),
        (["lab = 0", "a = lab.sources", "lab.check('1.1', a)"], [0, 1, 1]),
        # What is written into counts, and a function that reads the recording when it is called.
        (["lab = 0", "table = {}", "table['a'] = 1", "table['b'] = lab.score"], [0, 1, 1, 1]),
        (["lab = 0", "def f():\n    return lab.mixture", "g = 3", "f()"], [0, 1, 0, 1]),
        (["lab = 0", "a = {1: {}}", "a[1][2] = 3", "b = 4", "print(a, lab.mixture)"], [0, 0, 0, 0, 1]),
        # A name that is used twice has its first value again.
        (["lab = 0", "x = 1", "lab.mixture * x", "x = 2"], [0, 1, 1, 0]),
        (["lab = 0", "x = 1", "def f():\n    return x", "f() * lab.mixture", "x = 2"], [0, 1, 0, 1, 0]),
        (["lab = 0", "import numpy as np", "np.ones(3)", "np.abs(lab.mixture)"], [0, 0, 0, 1]),
        # Each statement counts by itself, and a name that has a new value no longer depends on the recording.
        (["lab = 0", "import numpy as np\nx = lab.mixture", "y = np.ones(3)", "y + 1", "y * x"], [0, 1, 0, 0, 1]),
        (["lab = 0", "x = lab.mixture", "x = 3", "y = x"], [0, 1, 0, 0]),
        (["lab = 0", "x = lab.mixture", "if x is None:\n    x = 3", "y = x"], [0, 1, 1, 1]),
        (["lab = 0", "x = 3", "y = x", "x = lab.mixture", "print(y, x)"], [0, 0, 0, 1, 1]),
        # A function reads when it is called, through others, too.
        (["lab = 0", "x = 1", "def f():\n    return x", "g = [f]", "x = lab.mixture", "g[0]()"], [0, 0, 0, 0, 1, 1]),
        (["lab = 0", "def f():\n    return lab.title", "x = f(1)", "y = x", "z = 2"], [0, 1, 1, 1, 0]),
        (["lab = 0", "x, y = lab.title, 2", "x", "y", "x, y = y, x", "y"], [0, 1, 1, 0, 1, 1]),
        # A list that a cell adds to begins as it was.
        (["lab = 0", "a = []", "b = 2", "a.append(lab.title)"], [0, 1, 0, 1]),
    ],
)
def test_only_cells_that_the_recording_concerns_are_run_again(cells, kept):
    assert own_recordings.concerned([own_recordings.parsed(cell) for cell in cells]) == [bool(keep) for keep in kept]


@pytest.mark.notebook
@pytest.mark.slow(20)
@by_name
@pytest.mark.parametrize("kind", own_recordings.KINDS)
def test_a_lesson_runs_with_a_recording_of_the_reader_from_a_fresh_kernel(path, kind, request, tmp_path):
    if not request.config.getoption("thorough"):
        pytest.skip("tried with --thorough; in every run test_notebooks.py tries one kind with each lesson")
    notebook = own_recordings.inserted(path, own_recordings.make(kind, tmp_path))
    with notebooks.working_copy(path) as folder:
        run = notebooks.execute(notebook, folder=folder, time_limit_s=HANGS_S, environment=ONE_THREAD, network=False)
    assert not run.errors and not run.timed_out, [str(error) for error in run.errors] or f"over {HANGS_S:g} s"


def test_cells_run_again_after_the_lesson_with_nothing_of_theirs_left():
    cells = [
        "from mss_lab import lessons\n\nlab = lessons.open('07')",
        "x = 1",
        "y = lab.mixture * x",
        "z = 2",
        "print(y)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    longer = own_recordings.again(notebook, "lab.use('my.wav')")
    assert len(notebook.cells) == 5
    sources = [cell.source for cell in longer.cells]
    assert sources[:5] == cells
    assert sources[5:] == [
        "for _name in ['y']:\n    globals().pop(_name, None)",
        "lab.use('my.wav')",
        "y = lab.mixture * x",
        "print(y)",
    ]
    nbformat.validate(longer)
