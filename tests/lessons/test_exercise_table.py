"""The table of exercises: what pasting solves, what the package solves, and which lessons keep the rules."""

import dataclasses

import numpy as np
import pytest

from mss_lab import lessons
from mss_lab.lessons import answers, notebooks
from mss_lab.lessons.exercise import Exercise
from mss_lab.transforms import make_window
from tests.benchmarks.code_overlap import share_of
from tests.benchmarks.exercises import MOSTLY, Row, broken_kinds, broken_rules, rows_of_notebook
from tests.lessons.toy_lesson import notebook
from tests.paths import NOTEBOOKS

OPENING = '%from mss_lab import lessons\nlab = lessons.open("07")'
CHECKS = tuple(f'%lab.check("7.{index}", ...)' for index in (1, 2, 3))


@pytest.mark.parametrize("number", lessons.numbers())
def test_the_kinds_of_a_lessons_exercises_keep_the_rules(number):
    exercises = lessons.exercises_of(number)
    assert broken_kinds([made.kind or "" for made in exercises]) == []
    cells = notebooks.read(next(NOTEBOOKS.glob(f"{number}_*.ipynb"))).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code" and "lab.check" not in cell.source]
    assert min(share_of(made.solution, sources) for made in exercises) < MOSTLY


def pasted(*cells):
    """What solves each of the made-up lesson's exercises."""
    rows, problems = rows_of_notebook(notebook(OPENING, *cells, *CHECKS), lessons.exercises_of("07"))
    assert problems == [] and [row.exercise for row in rows] == ["7.1", "7.2", "7.3"]
    return [row.pasted for row in rows]


def test_a_variable_and_a_function_under_any_name_are_noticed(home):
    assert pasted("%level_db = 6.02\ndef louder(x):\n    return x + x") == ["level_db, cell 1", "louder, cell 1", "-"]
    assert pasted("%import numpy as np\nvalues = np.array([6.0206])") == ["values, cell 1", "-", "-"]
    assert pasted("%levels = {'a': 1.5, 'b': 6.02}") == ["levels['b'], cell 1", "-", "-"]


def test_what_a_later_cell_replaced_is_noticed_too(home):
    cells = ("%def change(x):\n    return 2 * x", "%def change(x):\n    return -x")
    assert pasted(*cells) == ["-", "change, cell 1", "-"]


def test_what_solves_nothing_or_stands_there_by_chance_is_not_counted(home):
    assert pasted("%side = 'left'\ndef half(x):\n    return x / 2\ndef stops(x):\n    return 1 / 0") == ["-"] * 3


def test_a_value_below_the_exercise_does_not_count(home):
    rows, _ = rows_of_notebook(notebook(OPENING, *CHECKS, "%level_db = 6.02"), lessons.exercises_of("07"))
    assert [row.pasted for row in rows] == ["-"] * 3


def test_a_cell_that_stops_is_listed_and_the_others_run(home):
    cells = notebook(OPENING, "%before = 6.02\n1 / 0", "%level_db = 6.02", *CHECKS)
    rows, problems = rows_of_notebook(cells, lessons.exercises_of("07"))
    assert problems == ["cell 1 stops with ZeroDivisionError: division by zero"]
    assert rows[0].pasted == "before, cell 1"


def window_exercise(**changes):
    def check(answer):
        length = answers.varied(64, 32, 128, answers.rng(1))
        return answers.array(answers.call(answer, "hann", length), make_window("hann", length), "samples")

    settings = {
        "number": "7.1",
        "task": "Write a window.",
        "check": check,
        "hints": ("Half a cosine.",),
        "solution": "from mss_lab.transforms import make_window\n\ndef answer(name, length):\n"
        "    return 1.0 * make_window(name, length)",
        "mistakes": ("import numpy as np\nanswer = np.ones", "answer = 2"),
    }
    return Exercise(**(settings | changes))


WINDOW = "Words on `mss_lab.transforms.make_window`."


@pytest.mark.parametrize(
    "changes, text, expected",
    [
        ({}, WINDOW, "refused: mss_lab.transforms.make_window"),
        ({}, "Words on `mss_lab.transforms.stft`.", "-"),
        ({"own_function": False}, WINDOW, "meant to be used: mss_lab.transforms.make_window"),
    ],
)
def test_a_function_of_the_package_that_the_lesson_names_is_tried(home, changes, text, expected):
    cells = notebook(text, OPENING, CHECKS[0])
    rows, _ = rows_of_notebook(cells, [window_exercise(**changes)])
    assert rows[0].package == expected


def test_a_function_of_the_package_that_is_accepted_where_it_is_to_be_written_is_noticed(home, monkeypatch):
    monkeypatch.setattr("mss_lab.lessons.library_functions.words_on", lambda answer: "")
    rows, _ = rows_of_notebook(notebook(WINDOW, OPENING, CHECKS[0]), [window_exercise()])
    assert rows[0].package == "accepted: mss_lab.transforms.make_window"
    assert "a function of the package is accepted" in broken_rules(rows)


def test_what_an_exercise_hands_out_can_be_its_answer(home):
    def check(answer):
        return answers.array(answer, np.arange(3.0), "samples")

    inputs = {"mixture": np.ones(2), "voice": np.arange(3.0)}
    made = window_exercise(check=check, given=lambda: inputs, solution="import numpy as np\nanswer = np.arange(3.0)")
    rows, _ = rows_of_notebook(notebook(OPENING, CHECKS[0]), [made])
    assert rows[0].pasted == "given['voice'], lab"


@pytest.mark.parametrize(
    "other, share",
    [
        ("def level(sound):\n    return 10 * np.log10(np.sum(sound ** 2))", 1.0),
        ("power = np.sum(tone ** 2)", 6 / 11),
        ("power = np.mean(tone ** 2)", 0.0),
        ("power = np.sum(tone ** 3)\nbins = len(tone ** 2)", 0.0),
        ("", 0.0),
    ],
)
def test_code_that_stands_in_other_code_under_other_names_is_measured(other, share):
    program = "import numpy as np\n\ndef answer(x):\n    return 10 * np.log10(np.sum(x ** 2))"
    assert share_of(program, ["", other]) == pytest.approx(share)


def row(kind="construct", pasted="-", package="-", number=1):
    return Row(f"7.{number}", kind, pasted, 0.5, package, own=False, mistakes=2)


GOOD = [row("sound"), row(number=2), row("formula", "f, cell 3", number=3)]


@pytest.mark.parametrize(
    "rows, broken",
    [
        (GOOD, []),
        (GOOD[:2], ["2 exercises, expected 3 to 5"]),
        ([*GOOD, row("number")], ["2 formulas or numbers, expected at most 1"]),
        ([row(), row(), row()], ["none works on a recording"]),
        ([row(""), *GOOD], ["1 without a kind"]),
        ([dataclasses.replace(one, pasted="x, cell 1") for one in GOOD], ["all are solved by pasting"]),
        ([dataclasses.replace(one, alike=0.9) for one in GOOD], ["all are solved by pasting"]),
        ([*GOOD, row(package="accepted: x")], ["a function of the package is accepted"]),
        ([*GOOD, row(package="refused: x")], []),
    ],
)
def test_a_lesson_that_breaks_a_rule_is_noticed(rows, broken):
    assert broken_rules(rows) == broken
