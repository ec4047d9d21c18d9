"""Grading: every exercise gets its verdict, what a notebook prints is not believed, nobody's files are touched."""

import argparse
import csv
import dataclasses
import io
import os
import subprocess
import sys
import time

import nbformat
import pytest

from mss_lab.cli import grade
from mss_lab.cli.plain import plain_streams
from mss_lab.grading import class_run, results, sandbox, submissions
from mss_lab.grading.class_run import Graded, Settings
from mss_lab.grading.grades import ExerciseGrade, NotebookGrade
from mss_lab.refusals import Refusal
from tests.folders import snapshot
from tests.lessons import toy_lesson

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
    """All notebooks of the class, graded once: name -> grade, and what was there before and after."""
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
        before = snapshot(students)
        paths = [students / f"{name}.ipynb" for name in (*NOTEBOOKS, "broken", "missing")]
        settings = Settings(sandbox.Limits(seconds=25), jobs=2)
        coming = class_run.grade_class(submissions.find(paths), settings)
        found = {paths[one.index].stem: one.grade for one in coming}
    return found, before, snapshot(students), home


def verdicts(graded, name):
    return {one.exercise: one.verdict for one in graded[0][name].exercises}


def message(graded, name, exercise):
    return next(one.message for one in graded[0][name].exercises if one.exercise == exercise)


@pytest.mark.slow(25)
@pytest.mark.notebook
def test_right_wrong_and_error_are_told_apart(graded):
    assert verdicts(graded, "ada") == {"7.1": "right", "7.2": "wrong", "7.3": "error"}
    assert "wrong by one and the same factor" in message(graded, "ada", "7.2")
    assert message(graded, "ada", "7.3") == "cell 6: NameError: name 'undefined' is not defined"
    assert graded[0]["ada"].seconds > 0 and graded[0]["ada"].student == "ada"


@pytest.mark.notebook
def test_what_a_notebook_prints_or_writes_is_not_believed(graded):
    assert verdicts(graded, "bob") == {"7.1": "not attempted", "7.2": "error", "7.3": "not attempted"}
    assert "ZeroDivisionError" in message(graded, "bob", "7.2")
    assert "no check of it" in message(graded, "bob", "7.3")


@pytest.mark.notebook
def test_what_was_checked_before_the_time_was_over_counts(graded):
    assert verdicts(graded, "eve") == {"7.1": "right", "7.2": "time limit", "7.3": "not attempted"}
    assert message(graded, "eve", "7.2") == "the notebook ran for more than 25 s and was stopped in cell 3"


@pytest.mark.notebook
def test_a_kernel_that_dies_is_an_error(graded):
    assert verdicts(graded, "kim") == {"7.1": "error", "7.2": "not attempted", "7.3": "not attempted"}
    assert "kernel died" in message(graded, "kim", "7.1")


@pytest.mark.notebook
def test_a_notebook_without_a_lesson_is_one_line(graded):
    for name, words in (
        ("none", "opens no lesson"),
        ("sam", "RuntimeError: early"),
        ("broken", "is not a notebook"),
        ("missing", "there is no such file"),
    ):
        assert graded[0][name].exercises == () and words in graded[0][name].problem


@pytest.mark.notebook
def test_students_files_and_the_teachers_progress_are_not_touched(graded):
    _, before, after, home = graded
    assert before == after
    assert not (home / "teacher.json").exists()
    assert not (home / "teacher.json.lock").exists()


# A class, with a program in place of the one that runs notebooks

RIGHT = ExerciseGrade("7.1", "right", "That is it.", 1)
WRITES = """
import json, os, sys, time
job = json.load(open(sys.argv[1]))
text = open(job["notebook"]).read()
grade = {"notebook": "x", "student": job["student"], "lessons": ["07"], "problem": "", "seconds": 1.0, "notes": []}
exercise = {"exercise": "7.1", "verdict": "right", "message": ",".join(sorted(os.listdir(job["files"]))), "tries": 1}
grade["exercises"] = [exercise]
if "silent" not in text:
    open(os.path.join(job["folder"], "grade.json"), "w").write("{" if "broken" in text else json.dumps(grade))
print("last\\x1b[2J words")
time.sleep(60 if "slow" in text else 0)
sys.exit(3 if "fails" in text else 0)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A folder of students, and a small program that grades them by what their files say."""
    program = tmp_path / "program.py"
    program.write_text(WRITES, encoding="utf-8")
    started = []

    def start(own):
        with (own / "log").open("wb") as log:
            command = [sys.executable, "-S", str(program), str(own / "job.json")]
            started.append(subprocess.Popen(command, stdout=log, stderr=log))
        return started[-1]

    monkeypatch.setattr(class_run, "_start", start)
    students = tmp_path / "students"
    students.mkdir()
    yield students, started
    assert all(process.poll() is not None for process in started)


def write(students, **texts):
    for name, text in texts.items():
        (students / f"{name}.ipynb").write_text(text, encoding="utf-8")


def run_class(students, folder=None, **settings):
    coming = class_run.grade_class(submissions.find([students]), Settings(**settings), folder)
    return {one.grade.student: one for one in sorted(coming, key=lambda one: one.index)}


def test_a_process_that_fails_costs_no_other_grade(stand_in):
    students, _ = stand_in
    write(students, a="good", b="silent fails", c="broken", d="silent", e="good fails", f="good")
    (students / "dangling.ipynb").symlink_to("nowhere")
    found = run_class(students, jobs=2)
    problems = {name: one.grade.problem for name, one in found.items()}
    assert problems.pop("b") == "the grading of this notebook stopped (exit code 3, last words)"
    assert problems.pop("c") == problems.pop("d") == "the grading of this notebook stopped (exit code 0, last words)"
    assert "links are not followed" in problems.pop("dangling")
    assert problems == {"a": "", "e": "", "f": ""}
    assert found["a"].grade.notebook == str(students / "a.ipynb") and found["a"].grade.exercises[0].points == 1


def test_a_process_that_takes_too_long_is_ended(stand_in, monkeypatch):
    students, _ = stand_in
    monkeypatch.setattr(class_run, "MORE_TIME_S", 3.0)
    write(students, a="silent slow", b="slow")
    found = run_class(students, jobs=2, limits=sandbox.Limits(seconds=0.5))
    assert "it took too long" in found["a"].grade.problem
    assert found["b"].grade.exercises[0].verdict == "right"


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_no_more_processes_run_at_one_time_than_asked_for(stand_in, monkeypatch, jobs):
    students, started = stand_in
    running = []
    start = class_run._start

    def counted(own):
        running.append(sum(process.poll() is None for process in started))
        return start(own)

    monkeypatch.setattr(class_run, "_start", counted)
    write(students, **{f"s{number}": "good" for number in range(5)})
    assert len(run_class(students, jobs=jobs)) == 5
    assert max(running) == jobs - 1


def test_a_second_call_grades_what_is_new_changed_damaged_or_failed(stand_in, tmp_path):
    students, _ = stand_in
    folder = results.open_folder(tmp_path / "out")
    write(students, a="good", b="good", c="good fails")
    assert not any(one.reused for one in run_class(students, folder).values())
    write(students, b="good, but changed", d="good")
    reused = {name: one.reused for name, one in run_class(students, folder).items()}
    assert reused == {"a": True, "b": False, "c": False, "d": False}
    for path in (folder / "results").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    assert not any(one.reused for one in run_class(students, folder).values())
    assert not any(one.reused for one in run_class(students, folder, again=True).values())
    limits = sandbox.Limits(seconds=100)
    assert not any(one.reused for one in run_class(students, folder, limits=limits).values())


def test_a_file_that_goes_along_decides_too(stand_in, tmp_path):
    students, _ = stand_in
    folder = results.open_folder(tmp_path / "out")
    write(students, a="good")
    (students / "own.wav").write_bytes(b"1")
    (tmp_path / "all.csv").write_bytes(b"2")
    with_file = {"for_all": (str(tmp_path / "all.csv"),)}
    first = run_class(students, folder, **with_file)["a"]
    assert first.grade.exercises[0].message == "all.csv,own.wav"
    assert run_class(students, folder, **with_file)["a"].reused
    (tmp_path / "all.csv").write_bytes(b"3")
    assert not run_class(students, folder, **with_file)["a"].reused


def test_a_caller_that_stops_ends_every_process(stand_in, monkeypatch):
    students, started = stand_in
    write(students, a="good", b="slow", c="slow", d="good")
    coming = class_run.grade_class(submissions.find([students]), Settings(jobs=3))
    assert next(coming).grade.student == "a"
    assert sum(process.poll() is None for process in started) == 2
    before = time.monotonic()
    coming.close()
    assert all(process.poll() is not None for process in started) and time.monotonic() - before < 30
    assert len(started) == 3


def test_a_full_disk_costs_no_grade(stand_in, tmp_path, monkeypatch):
    students, _ = stand_in
    folder = results.open_folder(tmp_path / "out")
    write(students, a="good", b="good")

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "write", full)
    found = run_class(students, folder)
    assert all(one.grade.exercises for one in found.values())
    assert "could not be kept" in found["a"].grade.notes[0]


# The command

ADA = NotebookGrade("a.ipynb", "ada", ("07",), (RIGHT, ExerciseGrade("7.2", "wrong", "=1+1, a\nformula")), "", 2.04)
NONE = NotebookGrade("b\x1b[2J.ipynb", "b", problem="no\x1b]0;x\x07", notes=("odd",))


def run(monkeypatch, grades, *words, stop=None):
    def grade_class(found, settings, folder=None):
        for place, one in enumerate(grades):
            yield Graded(place, one, place == 1)
        if stop is not None:
            raise stop

    monkeypatch.setattr(class_run, "grade_class", grade_class)
    monkeypatch.setattr(sandbox, "weakness", lambda: "")
    parser = argparse.ArgumentParser()
    grade.add_arguments(parser)
    return grade.run(parser.parse_args(list(words)))


def test_the_command_shows_a_line_for_each_exercise(monkeypatch, capsys):
    assert run(monkeypatch, [ADA, NONE], "a.ipynb") == 1
    assert capsys.readouterr().out.splitlines() == [
        "a.ipynb: 1 of 2 right, 2.0 s",
        "  \N{CHECK MARK} 7.1  right: That is it.",
        "  \N{BALLOT X} 7.2  wrong: =1+1, a formula",
        "b.ipynb: could not be graded (graded before)",
        "  \N{WARNING SIGN} no",
        "  note: odd",
        "2 notebooks, 1 of 2 exercises right; 1 graded before; 1 with a problem",
    ]
    assert run(monkeypatch, [ADA], "a.ipynb") == 0


def test_a_terminal_of_few_letters_shows_which_ones_it_lacks(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    odd = dataclasses.replace(ADA, notebook="\udcff\xe9.ipynb")
    # As every command prints.
    with plain_streams():
        assert run(monkeypatch, [odd], "a.ipynb") == 0
    stream.flush()
    assert b"?\\xe9.ipynb: 1 of 2 right" in stream.buffer.getvalue()


def test_the_command_writes_tables(tmp_path, monkeypatch, capsys):
    out, table = tmp_path / "out", tmp_path / "grades.csv"
    assert run(monkeypatch, [ADA], "a.ipynb", "--csv", str(table), "--out", str(out)) == 0
    assert table.read_bytes() == (out / "grades.csv").read_bytes()
    with (out / "students.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["points"] == "1"
    assert f"pages: {out / 'pages'}" in capsys.readouterr().out


def test_a_table_that_is_there_is_kept_unless_forced(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(FileExistsError, match="--force"):
        run(monkeypatch, [ADA], "a.ipynb", "--csv", str(path))
    assert path.read_text(encoding="utf-8") == "kept"
    assert run(monkeypatch, [ADA], "a.ipynb", "--csv", str(path), "--force") == 0
    assert "7.1" in path.read_text(encoding="utf-8")
    notebook = tmp_path / "a.ipynb"
    notebook.write_text("{}", encoding="utf-8")
    with pytest.raises(Refusal, match="must not be one of the files that are read"):
        run(monkeypatch, [ADA], str(notebook), "--csv", str(notebook), "--force")


@pytest.mark.parametrize("stop, code", [(KeyboardInterrupt(), 130), (KeyboardInterrupt(15), 143)])
def test_a_command_that_is_stopped_keeps_its_tables(tmp_path, monkeypatch, capsys, stop, code):
    out = tmp_path / "out"
    for name in "abc":
        (tmp_path / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    assert run(monkeypatch, [ADA], str(tmp_path), "--out", str(out), stop=stop) == code
    assert "7.1" in (out / "grades.csv").read_text(encoding="utf-8")
    assert "stopped; 1 of 3 notebooks were graded; call again with the same --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        *([option, value] for option in ("--time-limit", "--memory") for value in ("0", "-1", "nan", "inf")),
        *([option, value] for option in ("--jobs", "--processes") for value in ("0", "-1")),
        ["--memory", "0.01"],
        ["--lesson", "99"],
        ["--lesson", "x"],
        ["--lesson", ""],
        ["--with", "none"],
        ["--with", "."],
        ["--with", "pipe"],
        ["--with", "one/song.wav", "--with", "two/song.wav"],
        ["--with", "a.ipynb"],
        ["--csv", "."],
        ["--csv", "a.ipynb", "--force"],
        ["--out", "a.ipynb"],
        ["--out", "."],
    ],
)
def test_bad_options_are_refused_before_anything_is_run(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    for path in ("a.ipynb", "one/song.wav", "two/song.wav"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("{}", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((Refusal, OSError)):
        run(monkeypatch, [ADA], "a.ipynb", *words)
    assert sorted(tmp_path.rglob("*")) == before


def test_options_reach_the_grading(tmp_path, monkeypatch):
    given = {}

    def grade_class(found, settings, folder=None):
        given.update(dataclasses.asdict(settings))
        yield from ()

    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.wav").write_bytes(b"1")
    parser = argparse.ArgumentParser()
    grade.add_arguments(parser)
    monkeypatch.setattr(class_run, "grade_class", grade_class)
    words = [
        "x",
        "--jobs",
        "3",
        "--memory",
        "1.5",
        "--processes",
        "9",
        "--time-limit",
        "7",
        "--lesson",
        "0",
        "--with",
        "song.wav",
        "--again",
        "--out",
        "o",
    ]
    assert grade.run(parser.parse_args(words)) == 0
    assert (given["jobs"], given["lesson"], given["for_all"], given["again"]) == (3, "00", ("song.wav",), True)
    assert (given["limits"]["seconds"], given["limits"]["memory_bytes"], given["limits"]["processes"]) == (
        7,
        1_500_000_000,
        9,
    )
    assert tmp_path / "o" in given["leave_out"]


def test_windows_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Refusal, match="WSL"):
        run(monkeypatch, [ADA], "a.ipynb")
