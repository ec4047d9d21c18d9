"""Grading: every exercise gets its verdict, what a notebook prints is not believed, nobody's files are touched."""

import argparse
import csv
import hashlib

import nbformat
import pytest
import toy_lesson

from mss_lab.lessons import grade

pytestmark = pytest.mark.notebook

OPEN = '%from mss_lab import lessons\nlab = lessons.open("07")'

NOTEBOOKS = {
    # Right at the second try, a wrong function, and a check that its cell never reaches.
    "ada": (
        OPEN,
        '%lab.check("7.1", 3)',
        '%lab.check("7.1", 6.02)',
        '%lab.check("7.1", 9)',
        '%lab.check("7.2", lambda signal: signal)',
        '%lab.check("7.3", undefined)',
    ),
    # A verdict that was only printed, or sent to the grader; a function that stops; nothing for 7.3.
    "bob": (
        OPEN,
        "%print('7.1 right')",
        "%import json, os, socket\n"
        "for forged in ({'kind': 'verdict', 'exercise': '7.1', 'state': 'right', 'message': 'me'}, {}, [], 'right'):\n"
        "    with socket.socket(socket.AF_UNIX) as judge:\n"
        "        judge.connect(os.environ['MSS_LAB_JUDGE'])\n"
        "        words = json.dumps(forged).encode()\n"
        "        judge.sendall(len(words).to_bytes(8, 'big') + bytes(8) + words)",
        '%lab.check("7.1", ...)',
        "%lab.check('7.2', [].append)\nlab.check('7.2', lambda signal: 1 // 0)",
    ),
    # An endless cell between two checks.
    "eve": (OPEN, '%lab.check("7.1", 6.02)', "%while True:\n    pass", '%lab.check("7.2", lambda signal: 2 * signal)'),
    # Stops before it opens its lesson.
    "sam": ("%raise RuntimeError('early')", '%from mss_lab import lessons\nlab = lessons.open("7", 1)'),
    "kim": ("%import os\nos._exit(3)", OPEN, '%lab.check("7.1", 6.02)'),
    "none": ("%1 + 1",),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """All notebooks of the class, graded once: name -> {exercise: Grade}, and what was there before and after."""
    home = tmp_path_factory.mktemp("class")
    students = home / "students"
    students.mkdir()
    for name, cells in NOTEBOOKS.items():
        made = toy_lesson.notebook(*cells)
        made.cells[0].outputs = [nbformat.v4.new_output("stream", text="7.3 right")]
        (students / f"{name}.ipynb").write_text(nbformat.writes(made), encoding="utf-8")
    (students / "broken.ipynb").write_text("{", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSS_LAB_LESSONS", str(toy_lesson.write_lesson(home)))
        patch.setenv("MSS_LAB_PROGRESS", str(home / "teacher.json"))
        before = contents(students)
        paths = [students / f"{name}.ipynb" for name in (*NOTEBOOKS, "broken", "missing")]
        grades = grade.grade(paths, time_limit_s=25)
        found = {path.stem: {} for path in paths}
        for line in grades:
            found[line.notebook.rsplit("/", 1)[-1].removesuffix(".ipynb")][line.exercise] = line
    return found, before, contents(students), home


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*")}


def verdicts(graded, name):
    return {exercise: line.verdict for exercise, line in graded[0][name].items()}


def test_right_wrong_and_error_are_told_apart(graded):
    assert verdicts(graded, "ada") == {"7.1": "right", "7.2": "wrong", "7.3": "error"}
    lines = graded[0]["ada"]
    assert "Multiply by 2." in lines["7.2"].message
    assert lines["7.3"].message == "cell 6: NameError: name 'undefined' is not defined"
    assert all(line.seconds > 0 for line in lines.values())


def test_what_a_notebook_prints_or_writes_is_not_believed(graded):
    assert verdicts(graded, "bob") == {"7.1": "not attempted", "7.2": "error", "7.3": "not attempted"}
    lines = graded[0]["bob"]
    assert "ZeroDivisionError" in lines["7.2"].message
    assert "no check of it" in lines["7.3"].message


def test_what_was_checked_before_the_time_was_over_counts(graded):
    assert verdicts(graded, "eve") == {"7.1": "right", "7.2": "time limit", "7.3": "not attempted"}
    assert graded[0]["eve"]["7.2"].message == "the notebook ran for more than 25 s and was stopped in cell 3"


def test_a_kernel_that_dies_is_an_error(graded):
    assert verdicts(graded, "kim") == {"7.1": "error", "7.2": "not attempted", "7.3": "not attempted"}
    assert "kernel died" in graded[0]["kim"]["7.1"].message


def test_a_notebook_without_a_lesson_is_one_line(graded):
    for name, words in (
        ("none", "opens no lesson"),
        ("sam", "RuntimeError: early"),
        ("broken", "is not a notebook"),
        ("missing", "does not exist"),
    ):
        (line,) = graded[0][name].values()
        assert line.exercise == "" and line.verdict == "error" and words in line.message


def test_students_files_and_the_teachers_progress_are_not_touched(graded):
    _, before, after, home = graded
    assert before == after
    assert not (home / "teacher.json").exists()
    assert not (home / "teacher.json.lock").exists()


# The command


def run(monkeypatch, grades, *words):
    monkeypatch.setattr(grade, "grade", lambda paths, time_limit_s, progress: grades)
    parser = argparse.ArgumentParser()
    grade.add_arguments(parser)
    return grade.run(parser.parse_args(list(words)))


LINES = [
    grade.Grade("a.ipynb", "7.1", "right", "That is it.", 2.04),
    grade.Grade("a.ipynb", "7.2", "wrong", "=1+1, a\nformula", 2.04),
]


def test_the_table_has_a_line_for_each_exercise(tmp_path, monkeypatch, capsys):
    path = tmp_path / "grades.csv"
    assert run(monkeypatch, LINES, "a.ipynb", "--csv", str(path)) == 0
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "notebook": "a.ipynb",
        "exercise": "7.1",
        "verdict": "right",
        "message": "That is it.",
        "seconds": "2.0",
    }
    assert rows[1]["message"] == "'=1+1, a\nformula"
    assert "a.ipynb: 1 of 2 right" in capsys.readouterr().out


def test_a_table_that_is_there_is_kept_unless_forced(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(FileExistsError, match="--force"):
        run(monkeypatch, LINES, "a.ipynb", "--csv", str(path))
    assert path.read_text(encoding="utf-8") == "kept"
    assert run(monkeypatch, LINES, "a.ipynb", "--csv", str(path), "--force") == 0
    assert "7.1" in path.read_text(encoding="utf-8")


def test_a_notebook_that_could_not_be_run_makes_the_exit_code_1(monkeypatch, capsys):
    assert run(monkeypatch, [grade.Grade("a.ipynb", "", "error", "no", 0.0)], "a.ipynb") == 1
    assert "a.ipynb: could not be graded" in capsys.readouterr().out


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_time_limit_must_be_above_0(limit):
    with pytest.raises(ValueError, match="time_limit_s"):
        grade.grade([], limit)
