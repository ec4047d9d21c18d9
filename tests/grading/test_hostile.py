"""A class of hostile notebooks and folders with good students among them: no grade is lost, and nothing gets out.

The class is graded once, by the command, in a process of its own. A word that only this run knows stands in the path of
every temporary folder, and in every program that a notebook leaves behind, so that what is left over can be found.
Other words stand in the teacher's environment and in the notebook of a good student; no other notebook may show them.
"""

import csv
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path

import nbformat
import pytest

from tests.folders import snapshot
from tests.grading import hostile_notebooks
from tests.grading.hostile_notebooks import AFTER, ALL_RIGHT, GOOD, HOSTILE, OPEN
from tests.lessons import toy_lesson
from tests.paths import PACKAGE

pytestmark = [
    pytest.mark.notebook,
    # The class is graded once, for all tests of this file.
    pytest.mark.slow(80),
    pytest.mark.skipif(sys.platform != "linux", reason="the box is made of what Linux offers"),
]

TOKEN, SECRET, OTHERS = (f"{name}{secrets.token_hex(4)}" for name in ("left", "secret", "others"))
LIMITS = ["--jobs", "2", "--time-limit", "20", "--memory", "1", "--processes", "40"]
GOOD_STUDENTS = ("ada", "mia", "zoe")
PLAIN = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

# Files that are no notebooks, or odd ones, and words of what is said about them; None where they are graded.
ODD_FILES = {
    "empty.ipynb": (b"", "is not a notebook"),
    "binary.ipynb": (bytes(range(256)), "is not a notebook"),
    "not_json.ipynb": (b"{", "is not a notebook"),
    "a_list.ipynb": (b"[1, 2]", "is not a notebook"),
    "a_number.ipynb": (b"NaN", "is not a notebook"),
    "deep.ipynb": (b"[" * 10**6, "is not a notebook"),
    "deep_metadata.ipynb": (
        PLAIN.replace('"metadata": {}', '"metadata": ' + '{"a":' * 400 + "1" + "}" * 400).encode(),
        "",
    ),
    "not_a_number.ipynb": (PLAIN.replace('"metadata": {}', '"metadata": {"x": NaN, "y": 1e999}').encode(), ""),
    "version_99.ipynb": (PLAIN.replace('"nbformat": 4', '"nbformat": 99').encode(), "is not a notebook"),
    "version_of_text.ipynb": (PLAIN.replace('"nbformat": 4', '"nbformat": "4"').encode(), "is not a notebook"),
    "no_cells.ipynb": (b'{"metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "is not a notebook"),
    "cells_of_numbers.ipynb": (PLAIN.replace("[]", "[1, null]").encode(), "is not a notebook"),
    "source_of_numbers.ipynb": (
        PLAIN.replace("[]", '[{"cell_type": "code", "source": 7}]').encode(),
        "is not a notebook",
    ),
    "half_characters.ipynb": (
        PLAIN.replace("[]", '[{"cell_type": "raw", "id": "a", "metadata": {}, "source": "\\ud800"}]').encode(),
        "",
    ),
}


@pytest.fixture(scope="module")
def listener():
    """A port and an abstract socket at which somebody listens outside of the box, and what was heard."""
    heard = []
    servers = [socket.socket(socket.AF_INET), socket.socket(socket.AF_UNIX)]
    servers[0].bind(("127.0.0.1", 0))
    servers[1].bind(f"\0{TOKEN}")

    def listen(server):
        while True:
            try:
                heard.append(server.accept()[0])
            except OSError:
                return

    for server in servers:
        server.listen()
        threading.Thread(target=listen, args=(server,), daemon=True).start()
    yield servers[0].getsockname()[1], heard
    for server in servers:
        server.close()


def write(path, text, **words):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(hostile_notebooks.notebook(text, **words), path)


def make_class(students, words):
    """Fill the folder of a class."""
    for name in GOOD_STUDENTS:
        write(students / f"{name}.ipynb", GOOD, others=OTHERS)
    for name, (_, text) in HOSTILE.items():
        write(students / f"{name}.ipynb", text, **words)
    for name, (content, _) in ODD_FILES.items():
        (students / name).write_bytes(content)
    make_odd_places(students)
    make_odd_notebooks(students)
    make_folders(students / "folders")


def make_odd_places(students):
    (students / "dangling.ipynb").symlink_to("nowhere")
    (students / "loop.ipynb").symlink_to("loop.ipynb")
    (students / "link_to_ada.ipynb").symlink_to("ada.ipynb")
    os.mkfifo(students / "pipe.ipynb")
    (students / "folder.ipynb").mkdir()
    (students / "up").symlink_to("..")
    with socket.socket(socket.AF_UNIX) as one:
        # The path of a socket is short.
        here = os.open(".", os.O_RDONLY)
        os.chdir(students)
        one.bind("socket.ipynb")
        os.fchdir(here)
        os.close(here)
    with (students / "sparse.ipynb").open("wb") as file:
        file.truncate(10**12)
    for name in (b"\xff\xfe.ipynb", b"two\nlines.ipynb", b"\x1b]0;owned\x07\x1b[2J.ipynb"):
        Path(os.fsdecode(os.fsencode(students) + b"/" + name)).write_text(PLAIN, encoding="utf-8")


def make_odd_notebooks(students):
    odd = hostile_notebooks.notebook("lab.check('7.3', 'left')")
    odd.metadata = {
        "kernelspec": {"name": "../../evil", "display_name": "\x1b[2J", "language": "bash"},
        "title": "<script>",
    }
    odd.cells[1].metadata = {"tags": ["raises-exception"], "collapsed": True}
    nbformat.write(odd, students / "odd_kernel.ipynb")
    many = hostile_notebooks.notebook("lab.check('7.3', 'left')")
    many.cells += [nbformat.v4.new_code_cell("1") for _ in range(300)]
    many.cells.append(nbformat.v4.new_markdown_cell("x" * 20_000_000))
    nbformat.write(many, students / "huge.ipynb")
    forged = hostile_notebooks.notebook("1")
    forged.cells[1].outputs = [nbformat.v4.new_output("stream", text="7.1 right: That is it.\n" * 9)]
    nbformat.write(forged, students / "forged_output.ipynb")
    named = hostile_notebooks.notebook("1")
    named.cells[0].source = OPEN.replace("open('07')", "open('07', student='ada\\x1b[2J\\n=1')")
    nbformat.write(named, students / "named_like_ada.ipynb")
    other = hostile_notebooks.notebook("1")
    other.cells[0].source = "from mss_lab import lessons\nlessons.open('99')"
    nbformat.write(other, students / "unknown_lesson.ipynb")


def make_folders(folders):
    """Each of these students has a folder, with something bad in it."""
    places = {name: folders / name for name in ("links", "pipes", "modules", "much")}
    for place in places.values():
        write(place / "work.ipynb", "print(sorted(os.listdir()))" + hostile_notebooks.STILL)
    (places["links"] / "ada.txt").symlink_to("../../ada.ipynb")
    (places["links"] / "root").symlink_to("/")
    (places["links"] / "loop").symlink_to("loop")
    os.mkfifo(places["pipes"] / "pipe.wav")
    forge = f"open('{folders}/imported_by_the_grader', 'w').write('x')\nraise RuntimeError('imported')\n"
    for name in ("numpy", "nbclient", "json", "mss_lab", "sitecustomize", "usercustomize"):
        (places["modules"] / f"{name}.py").write_text(forge, encoding="utf-8")
    (places["modules"] / "x.pth").write_text(f"import os; {forge}", encoding="utf-8")
    with (places["much"] / "sparse.wav").open("wb") as file:
        file.truncate(10**13)
    for number in range(1200):
        (places["much"] / f"{number}.txt").write_bytes(b"x")


def processes_with(word):
    """Command lines of the processes that hold a word there or in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                command = (folder / "cmdline").read_bytes()
                if word.encode() in command + (folder / "environ").read_bytes():
                    found.append(command)
            except OSError:
                pass
    return found


def command(home, *more):
    """The grading command's process; its temporary folders lie in a folder whose name holds the word to look for."""
    temporary = home / TOKEN
    temporary.mkdir(exist_ok=True)
    variables = os.environ | {
        "MSS_LAB_LESSONS": str(home / "lessons"),
        "MSS_LAB_PROGRESS": str(home / "teacher.json"),
        "TEACHERS_SECRET": SECRET,
        "TMPDIR": str(temporary),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "mss_lab.cli", "grade", *map(str, more), *LIMITS],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def graded(tmp_path_factory, listener):
    """The whole class, graded once."""
    home = tmp_path_factory.mktemp("hostile")
    toy_lesson.write_lesson(home)
    students, out = home / "students", home / "out"
    students.mkdir()
    words = {"students": students, "out": out, "token": TOKEN, "port": listener[0]}
    make_class(students, words)
    before = (snapshot(students), snapshot(PACKAGE))
    process = command(home, students, "--out", out)
    printed, said = process.communicate(timeout=1200)
    assert process.returncode in (0, 1), said.decode()
    with (out / "grades.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        "home": home,
        "students": students,
        "out": out,
        "rows": rows,
        "printed": printed.decode(),
        "said": said.decode(),
        "code": process.returncode,
        "before": before,
        "after": (snapshot(students), snapshot(PACKAGE)),
    }


def verdicts_of(graded, name):
    rows = [row for row in graded["rows"] if row["notebook"] == str(graded["students"] / f"{name}.ipynb")]
    assert rows, f"{name} was forgotten"
    return {row["exercise"]: row["verdict"] for row in rows}


def page_of(graded, name):
    (page,) = (graded["out"] / "pages").glob(f"{name.replace('_', '-')}-*.html")
    return page.read_text(encoding="utf-8")


def test_at_least_forty_attacks(graded):
    assert len({row["notebook"] for row in graded["rows"]}) - len(GOOD_STUDENTS) >= 40


@pytest.mark.parametrize("name", GOOD_STUDENTS)
def test_every_good_grade_is_kept(graded, name):
    assert verdicts_of(graded, name) == ALL_RIGHT


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_notebooks_get_fair_verdicts(graded, name):
    wanted = HOSTILE[name][0]
    found = verdicts_of(graded, name)
    assert found | wanted == found
    assert [exercise for exercise, verdict in found.items() if verdict == "right" and exercise not in wanted] == []


@pytest.mark.parametrize("name", ODD_FILES)
def test_files_that_are_no_notebooks_are_told(graded, name):
    (row,) = [row for row in graded["rows"] if row["notebook"] == str(graded["students"] / name)]
    assert (row["verdict"], row["points"]) == ("error", "0")
    assert (ODD_FILES[name][1] or "opens no lesson") in row["message"] and TOKEN not in row["message"]


def test_odd_places_are_told(graded):
    told = {Path(row["notebook"]).name: row["message"] for row in graded["rows"]}
    for name, words in {
        "dangling.ipynb": "links are not followed",
        "loop.ipynb": "links are not followed",
        "link_to_ada.ipynb": "links are not followed",
        "up": "links are not followed",
        "pipe.ipynb": "got a pipe",
        "socket.ipynb": "got a socket",
        "sparse.ipynb": "at most 100 MB",
        "two lines.ipynb": "opens no lesson",
        "??.ipynb": "opens no lesson",
        ".ipynb": "opens no lesson",
        "unknown_lesson.ipynb": "opens no lesson",
    }.items():
        assert words in told[name], name


@pytest.mark.parametrize(
    "name", ["odd_kernel", "huge", "folders/links/work", "folders/pipes/work", "folders/much/work"]
)
def test_odd_notebooks_are_graded_all_the_same(graded, name):
    assert verdicts_of(graded, name) == {"7.1": "not attempted", "7.2": "not attempted"} | AFTER


@pytest.mark.parametrize("name", ["forged_output", "folders/modules/work", "named_like_ada"])
def test_what_was_not_answered_is_not_right(graded, name):
    assert "right" not in verdicts_of(graded, name).values() or name.startswith("folders")


def test_what_went_along_is_noted(graded):
    notes = {Path(row["notebook"]).parent.name: row["notes"] for row in graded["rows"]}
    assert "root was left out (a link)" in notes["links"] and "pipe.wav was left out (a pipe)" in notes["pipes"]
    assert "left out (more than 1000 files)" in notes["much"]
    assert not (graded["students"] / "folders/imported_by_the_grader").exists()


def test_one_name_twice_is_noted(graded):
    row = next(row for row in graded["rows"] if row["notebook"].endswith("named_like_ada.ipynb"))
    assert row["student"] == "ada =1"


def test_a_solution_that_was_seen_is_told(graded):
    (row,) = [row for row in graded["rows"] if "asks_for_the" in row["notebook"] and row["exercise"] == "7.3"]
    assert (row["hints"], row["solution seen"]) == ("1", "yes")


def test_no_process_is_left(graded):
    program = f"'{TOKEN}'; print(flush=True); import time; time.sleep(60)"
    finder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    # Its command line is there once it says something.
    finder.stdout.readline()
    try:
        # The search finds what there is ...
        assert len(processes_with(TOKEN)) == 1
    finally:
        finder.kill()
        finder.communicate()
    # ... and there is nothing.
    assert processes_with(TOKEN) == []


def test_nothing_is_left_on_disk(graded):
    assert list((graded["home"] / TOKEN).iterdir()) == []
    assert sorted(path.name for path in graded["out"].iterdir()) == ["grades.csv", "pages", "results", "students.csv"]


def test_nothing_outside_was_written(graded):
    assert "probed" in page_of(graded, "writes_outside")
    assert graded["before"] == graded["after"]
    assert not (graded["home"] / "teacher.json").exists()
    for place in (
        "/",
        "/tmp",
        "/etc",
        "/usr/lib",
        sys.prefix,
        Path.home(),
        graded["home"],
        graded["out"],
        PACKAGE.parent,
    ):
        assert not Path(place, TOKEN).is_file()


def test_no_variable_of_the_teachers_is_seen(graded):
    pages = {path.name: path.read_text(encoding="utf-8") for path in (graded["out"] / "pages").iterdir()}
    results = [path.read_text(encoding="utf-8") for path in (graded["out"] / "results").iterdir()]
    assert "probed" in page_of(graded, "looks_at_the_environment")
    assert "PATH" in page_of(graded, "looks_at_the_environment")
    assert not [name for name, text in pages.items() if SECRET in text]
    assert not [text for text in results if SECRET in text]


def test_no_other_submission_is_seen(graded):
    seen = [path.name for path in (graded["out"] / "pages").iterdir() if OTHERS in path.read_text(encoding="utf-8")]
    assert "probed" in page_of(graded, "looks_at_others")
    assert sorted(name.rpartition("-")[0] for name in seen) == sorted(GOOD_STUDENTS)


def test_nobody_outside_was_reached(graded, listener):
    assert "probed" in page_of(graded, "network")
    port, heard = listener
    assert heard == []
    # The listener hears what comes.
    with socket.create_connection(("127.0.0.1", port)):
        for _ in range(100):
            if heard:
                break
            time.sleep(0.02)
    assert len(heard) == 1


def test_no_character_acts_on_the_terminal_or_in_a_table(graded):
    tables = [(graded["out"] / name).read_text(encoding="utf-8") for name in ("grades.csv", "students.csv")]
    for text in (graded["printed"], graded["said"], *tables):
        acting = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs")}
        assert acting <= {"\n"}
    assert "Traceback" not in graded["said"]
    cells = [cell for row in graded["rows"] for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]


def test_the_exit_code_says_that_some_could_not_be_graded(graded):
    assert graded["code"] == 1
    assert re.search(r"\d+ notebooks, \d+ of \d+ exercises right; \d+ with a problem", graded["printed"])


def test_a_second_call_goes_on_where_the_first_ended(graded):
    stored = {path: json.loads(path.read_bytes())["grade"] for path in (graded["out"] / "results").iterdir()}
    (of_ada,) = [path for path, grade in stored.items() if json.loads(grade)["notebook"].endswith("/ada.ipynb")]
    of_ada.write_bytes(of_ada.read_bytes()[:-9])
    process = command(
        graded["home"], graded["students"] / "ada.ipynb", graded["students"] / "mia.ipynb", "--out", graded["out"]
    )
    printed = process.communicate(timeout=300)[0].decode()
    assert "2 notebooks, 6 of 6 exercises right; 1 graded before" in printed
    assert "mia.ipynb: 3 of 3 right" in printed and "(graded before)" in printed


def test_ctrl_c_keeps_what_is_graded_and_ends_the_rest(tmp_path):
    toy_lesson.write_lesson(tmp_path)
    (tmp_path / "students").mkdir()
    write(tmp_path / "students/1.ipynb", GOOD, others="")
    sleeper = f"subprocess.Popen([sys.executable, '-c', '{TOKEN} = 1; import time; time.sleep(60)'])\ntime.sleep(60)"
    for name in ("2", "3"):
        write(tmp_path / f"students/{name}.ipynb", sleeper)
    process = command(tmp_path, tmp_path / "students", "--out", tmp_path / "out")
    first = process.stdout.readline().decode()
    assert "1.ipynb: 3 of 3 right" in first, process.communicate()[1].decode()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert "stopped; 1 of 3 notebooks were graded; call again" in said.decode() and "Traceback" not in said.decode()
    assert processes_with(TOKEN) == [] and list((tmp_path / TOKEN).iterdir()) == []
    with (tmp_path / "out/grades.csv").open(newline="", encoding="utf-8") as file:
        assert {row["exercise"]: row["verdict"] for row in csv.DictReader(file)} == ALL_RIGHT
    assert len(list((tmp_path / "out/results").iterdir())) == 1
