"""Notebooks: every lesson has its parts, runs, and links with the package; and the checkers themselves can fail."""

import json
import re
import subprocess
import sys

import nbformat
import pytest

from mss_lab import cli, lessons
from mss_lab.grading.judge import Judge
from mss_lab.lessons import beside, judged, links, notebooks, outputs, runs_in, strip, structure
from tests.folders import snapshot
from tests.lessons import toy_lesson
from tests.notebooks import own_recordings, readme_table
from tests.paths import NOTEBOOKS, PACKAGE, ROOT

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
by_name = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)

# What a lesson may take on two cores, from a fresh kernel, by the time measured in its card. A run among other tests
# takes longer, and is stopped only where it hangs.
TIME_LIMIT_S, HANGS_S = 90, 600.0
# The kinds of recordings of a reader with which lessons of even and of odd numbers are tried.
TRIED_WITH = ("short", "stems")
# Two tests run at once: threads of their own inside would only wait for each other.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


# The lessons of the repository


@by_name
def test_a_lesson_has_its_parts_in_order(path):
    number = path.name[:2]
    names = [one.name for one in LESSONS]
    messages = structure.problems(notebooks.read(path), number, lessons.exercises_of(number), names)
    assert messages == []


@by_name
def test_a_lesson_is_kept_in_its_canonical_form(path):
    kept = path.read_text(encoding="utf-8")
    assert kept == notebooks.canonical(notebooks.read(path)), "run: mss-lab lesson strip notebooks/*.ipynb"


@pytest.mark.slow(4)
def test_lessons_and_the_package_link_each_other():
    found = links.problems({path.name: notebooks.read(path) for path in LESSONS}, PACKAGE)
    assert found == []


@by_name
def test_the_readme_lists_each_lesson_by_its_title(path):
    title = notebooks.read(path).cells[0].source.splitlines()[0].partition(": ")[2]
    assert f"| {path.name[:2]} | [{title}](notebooks/{path.name}) |" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_gives_the_minutes_of_the_cards():
    text = readme_table.README.read_text(encoding="utf-8")
    assert text == readme_table.written_anew(text), "run: python -m tests.notebooks.readme_table"


@by_name
def test_a_lesson_takes_no_longer_than_a_class_waits(path):
    card = "\n".join(cell.source for cell in notebooks.read(path).cells[:3])
    said = re.search(r"<!-- runs-in -->about (\d+) s on \d+ cores", card)
    assert said is not None and int(said[1]) <= TIME_LIMIT_S


def seconds_in_the_card(path):
    said = re.search(r"<!-- runs-in -->about (\d+) s", path.read_text(encoding="utf-8"))
    # A card that says nothing is another test's business.
    return int(said[1]) if said else TIME_LIMIT_S


@pytest.mark.notebook
@pytest.mark.parametrize(
    "path",
    # Lesson 00 is the one that `make quick` runs.
    [
        path if path.name[:2] == "00" else pytest.param(path, marks=pytest.mark.slow(seconds_in_the_card(path)))
        for path in LESSONS
    ],
    ids=lambda path: path.stem,
)
def test_a_lesson_runs_from_a_fresh_kernel_without_a_network(path, tmp_path):
    """With its own recording, and then, in the same kernel, with one of a reader."""
    before = sorted(path.parent.rglob("*"))
    judge = Judge(secret=0)
    notebook = notebooks.read(path)
    cells = len(notebook.cells)
    kind = TRIED_WITH[int(path.name[:2]) % 2]
    longer = own_recordings.again(notebook, own_recordings.make(kind, tmp_path))
    environment = {judged.PLACE: str(tmp_path / "judge"), **ONE_THREAD}
    with judge.listening(tmp_path / "judge"), notebooks.working_copy(path) as folder:
        run = notebooks.execute(
            longer,
            folder=folder,
            time_limit_s=HANGS_S,
            environment=environment,
            network=False,
            watch=True,
        )
    assert not run.errors and not run.timed_out, in_words(run, cells)
    assert sorted(path.parent.rglob("*")) == before
    # What a reader would stumble over in the outputs.
    assert [str(problem) for problem in outputs.problems(run) if problem.cell < cells] == []
    # As the repository keeps it, a lesson opens itself, and its exercises are still to be done.
    assert judge.opened == [path.name[:2]]
    states = {number: {verdict.state for verdict in found.verdicts} for number, found in judge.exercises.items()}
    assert states == {exercise.number: {"not attempted"} for exercise in lessons.exercises_of(path.name[:2])}


def in_words(run, cells):
    """Why a lesson did not run to its end: each error, and of the cells that a reader's recording concerns the code."""
    if run.timed_out:
        return [f"over {HANGS_S:g} s"]
    own = "with a recording of the reader: "
    return [
        f"{own}{run.notebook.cells[error.cell].source}: {error}" if error.cell >= cells else str(error)
        for error in run.errors
    ]


# The checker of parts


@pytest.fixture
def exercises(home):
    return lessons.exercises_of("07")


def problems(exercises, *cells):
    return structure.problems(toy_lesson.notebook(*cells), "07", exercises)


def test_a_good_lesson_has_no_problem(exercises):
    assert structure.problems(toy_lesson.good_notebook(), "07", exercises) == []


HEAD = toy_lesson.HEAD


@pytest.mark.parametrize(
    "old, new, problem",
    [
        (HEAD, HEAD.replace("# Levels", "Levels"), "begin with a title"),
        (HEAD, HEAD.replace("You can tell a level in dB by the end.\n\n", ""), "a promise of one sentence"),
        (HEAD, HEAD.replace("by the end.", "by the end. And more."), "must be one sentence"),
        (HEAD, HEAD.replace("by the end.", "by the end"), "must be one sentence"),
        (HEAD, HEAD.replace("**Listens to:**", "Sounds:"), "lacks Listens to"),
        (HEAD, HEAD.replace("**Before this:** [lesson 06](06_x.ipynb)", ""), "lacks Before this"),
        (HEAD, HEAD.replace("- write a function\n", ""), '3 to 5 things under "You will", got 2'),
        (HEAD, HEAD.replace("- write a", "- one\n- two\n- three\n- write a"), '"You will", got 6'),
        (HEAD, HEAD.replace("2 s", ""), "must be measured"),
        (HEAD, HEAD.replace("<!-- runs-in -->", ""), "must be measured"),
        (HEAD, HEAD.replace("**Your time:**", "Time:"), "lacks Your time"),
        (HEAD, HEAD.replace("about 10 minutes.", "ten minutes."), "must give the reader's time"),
        (HEAD, HEAD.replace("7.1, 2 minutes", "7.1"), "must give the reader's time"),
        (HEAD, HEAD.replace("10 minutes.", "0 minutes."), "0 minutes, but the text alone takes 1"),
        (HEAD, HEAD.replace("7.1, 2 minutes", "7.1, 12 minutes"), "takes 12 minutes, more than all 10"),
        (HEAD, HEAD.replace("10 minutes.", "70 minutes."), "make two parts"),
        (HEAD, HEAD.replace("a toy (CC0)", ", and tones"), 'has an empty item: "**Listens to:** , and tones"'),
        (toy_lesson.PREDICT, toy_lesson.PREDICT + " As in lesson 77.", "cell 3 names lesson 77, which does not exist"),
        (toy_lesson.PREDICT, toy_lesson.PREDICT + " See lessons 01 and 77. To come: 78.", "names lesson 77"),
        (toy_lesson.OPENING, toy_lesson.OPENING.replace("07", "08"), 'lessons.open("07"); it opens 08'),
        (toy_lesson.OPENING, toy_lesson.OPENING + "\n1\n2", "at most three lines, got 5"),
        (toy_lesson.OPENING, "%import numpy", "it opens none"),
        (toy_lesson.PREDICT, "Listen.", 'no part "Predict, then listen"'),
        (toy_lesson.BREAK, "We break it.", 'no part "Break it"'),
        (toy_lesson.EXERCISES, "Now you.", 'no part "Exercises"'),
        (toy_lesson.TASKS[1], "%answer = ...", "exercise 7.1 has no cell"),
        (toy_lesson.TASKS[5], '%lab.check("7.4", 1)', "a check of 7.4, which the lesson does not have"),
        (toy_lesson.TASKS[2], "**7.2** Double it.", "exercise 7.2 must say what is expected"),
        (toy_lesson.TASKS[4], "Which side? Expected: one of two words.", "the task of exercise 7.3 must stand above"),
        (toy_lesson.QUESTIONS, "## Questions", 'no part "Five questions"'),
        (toy_lesson.QUESTIONS, toy_lesson.QUESTIONS[: -len(toy_lesson.QUESTION)], "answers folded away"),
        (toy_lesson.QUESTIONS, toy_lesson.QUESTIONS + toy_lesson.QUESTION, "answers folded away"),
        (toy_lesson.QUESTIONS, toy_lesson.QUESTIONS.replace("<summary>Answer</summary>", "", 1), "folded away"),
        (toy_lesson.GO_ON, "The end.", 'no part "Go on"'),
        (toy_lesson.GO_ON, "## Go on\n\nRead a paper.", "must have links"),
        (toy_lesson.OPENING, toy_lesson.OPENING + 15 * "\n1\n\n", "has 18 lines; over 15"),
    ],
)
def test_a_missing_part_is_found(exercises, old, new, problem):
    assert old in toy_lesson.GOOD and old != new
    cells = [new if cell == old else cell for cell in toy_lesson.GOOD]
    found = problems(exercises, *cells)
    assert any(problem in one for one in found), found


@pytest.mark.parametrize(
    "words",
    [
        "As in lesson 7, 07 and lessons 01 to 03.",
        "Lesson 77 (to come) measures it.",
        "It is measured in lessons 77 and 78, which are to come.",
        "See [lesson 06](06_x.ipynb#part).",
        "**Your time:** is on the card.",
    ],
)
def test_a_reference_that_leads_somewhere_or_is_to_come_is_no_problem(exercises, words):
    cells = [cell + "\n\n" + words if cell == toy_lesson.BREAK else cell for cell in toy_lesson.GOOD]
    notebook = toy_lesson.notebook(*cells)
    assert structure.problems(notebook, "07", exercises, ["06_x.ipynb"]) == []


def test_a_link_to_a_file_that_does_not_exist_is_found(exercises):
    (message,) = structure.problems(toy_lesson.good_notebook(), "07", exercises, ["05_x.ipynb"])
    assert "links 06_x.ipynb, which does not exist (lesson 06)" in message


def test_a_long_lesson_with_a_stop_is_no_problem(exercises):
    long = HEAD.replace("10 minutes.", "90 minutes, in two parts.")
    stop = "## Stop here for today\n\nPart two brings levels in dB."
    cells = [*(long if cell == HEAD else cell for cell in toy_lesson.GOOD[:3]), stop, *toy_lesson.GOOD[3:]]
    assert problems(exercises, *cells) == []


@pytest.mark.parametrize("first", range(1, len(toy_lesson.GOOD) - 1))
def test_two_parts_in_the_wrong_order_are_found(exercises, first):
    cells = list(toy_lesson.GOOD)
    cells[first], cells[first + 1] = cells[first + 1], cells[first]
    assert problems(exercises, *cells)


def test_exercises_in_the_wrong_order_are_found(exercises):
    tasks = toy_lesson.TASKS
    swapped = [*tasks[2:4], *tasks[:2], *tasks[4:]]
    cells = [*toy_lesson.GOOD[:5], *swapped, *toy_lesson.GOOD[-2:]]
    assert any("in the order 7.2, 7.1, 7.3" in one for one in problems(exercises, *cells))


def test_too_few_or_too_many_exercises_are_found(exercises):
    assert any(
        "3 to 5 exercises, got 2" in one for one in structure.problems(toy_lesson.good_notebook(), "07", exercises[:2])
    )


def test_outputs_are_found(exercises):
    notebook = toy_lesson.good_notebook()
    notebook.cells[1].execution_count = 3
    assert any("cell 2 has outputs" in one for one in structure.problems(notebook, "07", exercises))


def test_an_empty_notebook_has_problems_not_exceptions(exercises):
    assert structure.problems(toy_lesson.notebook(), "07", exercises)
    assert structure.problems(toy_lesson.notebook("%1"), "07", exercises)


# The checker of links


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "mss_lab"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A package."""\n', encoding="utf-8")
    (folder / "units.py").write_text(
        '"""Units. Lesson: notebooks/01_sound.ipynb"""\n\n'
        'def midi_to_hz():\n    """Pitch. Lesson: notebooks/01_sound.ipynb"""\n\n'
        'def _private():\n    """Lesson: notebooks/00_gone.ipynb"""\n',
        encoding="utf-8",
    )
    (folder / "masks.py").write_text('"""Masks. Lesson: notebooks/03_masks.ipynb"""\n', encoding="utf-8")
    (folder / "audio.py").write_text('"""No home."""\n', encoding="utf-8")
    return folder


def link_problems(package, **sources):
    made = {f"{name[1:]}.ipynb": toy_lesson.notebook(source) for name, source in sources.items()}
    return links.problems(made, package)


def test_what_the_code_uses_is_named_too(package):
    for code in (
        "%from mss_lab import units\nunits.midi_to_hz(69)",
        "%from mss_lab.units import midi_to_hz as pitch",
        "%import mss_lab.units\nprint(mss_lab.units.midi_to_hz(69))",
        "%import mss_lab.units as u\n%matplotlib inline\nprint(u.midi_to_hz(69))",
    ):
        assert link_problems(package, _01_sound=code) == []
    for code in ("%units.midi_to_hz(69)", "%from mss_lab import audio", "%from mss_lab import units"):
        assert any("units.midi_to_hz names" in one for one in link_problems(package, _01_sound=code)), code


def test_a_module_is_named_by_its_neighbours_a_function_only_by_itself(package):
    (package / "widgets").mkdir()
    for name in ("__init__", "player", "worker"):
        text = f'"""{name}. Lesson: notebooks/01_sound.ipynb"""\n\ndef f():\n    """f"""\n'
        (package / "widgets" / f"{name}.py").write_text(text, encoding="utf-8")
    assert link_problems(package, _01_sound=SOUND + "\n\n`mss_lab.widgets.player.play`") == []
    assert len(link_problems(package, _01_sound=SOUND)) == 3


SOUND = "See `mss_lab.units.midi_to_hz(69)` here."


def test_links_both_ways_are_no_problem_and_later_lessons_may_be_named(package):
    assert link_problems(package, _01_sound=SOUND) == []
    assert link_problems(package, _00_start="See `mss_lab.units.midi_to_hz`.", _01_sound=SOUND) == []


@pytest.mark.parametrize(
    "sources, problem",
    [
        (
            {"_01_sound": "See `mss_lab.units`."},
            "mss_lab.units.midi_to_hz names notebooks/01_sound.ipynb, which does not",
        ),
        ({"_01_sound": "See midi_to_hz."}, "mss_lab.units names notebooks/01_sound.ipynb, which does not link it"),
        ({"_01_other": SOUND}, "names notebooks/01_sound.ipynb, which does not exist"),
        ({"_01_sound": SOUND, "_04_x": "A"}, "mss_lab.masks names notebooks/03_masks.ipynb, which does not exist"),
        ({"_01_sound": SOUND + " `mss_lab.units.hz`"}, "links mss_lab.units.hz, which does not exist"),
        ({"_01_sound": SOUND + " `mss_lab.nothing.x`"}, "links mss_lab.nothing.x, which does not exist"),
        ({"_01_sound": SOUND + " `mss_lab.units.np`"}, "links mss_lab.units.np, which does not exist"),
        ({"_01_sound": SOUND + " `mss_lab.audio.read_audio`"}, "(and its module's) names no lesson"),
    ],
)
def test_a_broken_link_is_found(package, sources, problem):
    found = link_problems(package, **sources)
    assert any(problem in one for one in found), found


def test_private_functions_have_no_home(package):
    assert set(links.homes(package)) == {"mss_lab.units", "mss_lab.units.midi_to_hz", "mss_lab.masks"}


def test_what_a_package_offers_is_linked_by_its_name_there(package):
    (package / "plots").mkdir()
    (package / "plots" / "__init__.py").write_text('"""Plots."""\n\nfrom .stereo import panorama\n', encoding="utf-8")
    text = '"""Stereo."""\n\ndef panorama():\n    """Draw. Lesson: notebooks/01_sound.ipynb"""\n'
    (package / "plots" / "stereo.py").write_text(text, encoding="utf-8")
    assert link_problems(package, _01_sound=SOUND + " `mss_lab.plots.panorama`") == []
    # Its file is the package's own business.
    problems = link_problems(package, _01_sound=SOUND + " `mss_lab.plots.stereo.panorama`")
    assert "mss_lab.plots.panorama names notebooks/01_sound.ipynb, which does not link it" in problems[0]


# The canonical form


def messy():
    notebook = toy_lesson.notebook("# A  \n", "%1 + 1\n\n", "%1 + 1\n\n")
    notebook.metadata = {"kernelspec": {"name": "mine"}, "widgets": {"state": 1}, "language_info": {"version": "3.99"}}
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="2")]
    notebook.cells[1].execution_count = 7
    notebook.cells[1].metadata = {"tags": ["raises-exception"], "collapsed": True}
    for cell in notebook.cells[1:]:
        del cell["id"]
    return notebook


def test_the_canonical_form_keeps_the_lesson_and_nothing_else():
    text = notebooks.canonical(messy())
    made = json.loads(text)
    assert made["metadata"] == notebooks.METADATA
    assert made["cells"][0]["id"] == "cell0"
    assert made["cells"][1]["outputs"] == [] and made["cells"][1]["execution_count"] is None
    assert made["cells"][1]["metadata"] == {"tags": ["raises-exception"]}
    assert made["cells"][1]["source"] == ["1 + 1"]
    assert len({cell["id"] for cell in made["cells"]}) == 3
    assert text == notebooks.canonical(messy())
    assert text == notebooks.canonical(nbformat.reads(text, as_version=4))
    nbformat.validate(nbformat.reads(text, as_version=4))


def test_stripping_writes_once_and_then_leaves_the_file_alone(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(nbformat.writes(toy_lesson.good_notebook()), encoding="utf-8")
    assert cli.main(["lesson", "strip", str(path)]) == 0
    kept = path.read_text(encoding="utf-8")
    assert kept == notebooks.canonical(notebooks.read(path))
    assert not strip.strip(path)


@pytest.mark.parametrize("command", [["lesson", "strip"], ["lesson", "measure"], ["book"]], ids=" ".join)
@pytest.mark.parametrize("content, words", [(b"\xff\x00", "not a notebook, which is text"), (None, "does not exist")])
def test_what_cannot_be_read_is_refused_by_every_command(tmp_path, capsys, command, content, words):
    if content:
        (tmp_path / "a.ipynb").write_bytes(content)
    assert cli.main([*command, str(tmp_path / "a.ipynb") if content else "a\0b"]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', "words", '{"nbformat": 4, "cells": [{}]}'])
def test_what_is_no_notebook_is_refused_and_left_alone(tmp_path, content, capsys):
    path = tmp_path / "a.ipynb"
    path.write_text(content, encoding="utf-8")
    assert cli.main(["lesson", "strip", str(path)]) == 2
    assert "is not a notebook" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == content
    with pytest.raises(FileNotFoundError, match="does not exist"):
        notebooks.read(tmp_path / "b.ipynb")


# Running


def runs_cells(test):
    """Mark a test that looks at `mixed_run`, which takes some seconds to be made."""
    return pytest.mark.slow(5)(pytest.mark.notebook(test))


@pytest.fixture(scope="module")
def mixed_run(tmp_path_factory):
    """One run of cells that do what cells should not."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / "notes.txt").write_text("beside", encoding="utf-8")
    (folder / ".hidden").write_text("hidden", encoding="utf-8")
    (folder / "other.ipynb").write_text("{}", encoding="utf-8")
    made = toy_lesson.notebook(
        "# Markdown",
        "%import os, pathlib, sys\nprint(sorted(path.name for path in pathlib.Path().iterdir()), sys.executable)",
        "%pathlib.Path('written.txt').write_text('x'); pathlib.Path('notes.txt').write_text('changed')",
        "%1 / 0",
        "%raise ValueError('meant')",
        "%import urllib.request\nurllib.request.urlopen('http://example.org', timeout=5)",
        "%import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)",
        "%print('the end', os.environ['EXTRA'], os.environ['MSS_LAB_PROGRESS'])",
        "%while True:\n    pass",
        "%print('never')",
    )
    made.cells[4].metadata = {"tags": ["raises-exception"]}
    made.metadata = {"kernelspec": {"name": "no-such-kernel", "display_name": "x", "language": "python"}}
    with notebooks.working_copy(folder / "a.ipynb") as working:
        run = notebooks.execute(made, folder=working, time_limit_s=15, environment={"EXTRA": "more"}, network=False)
    return made, run, folder


def printed(run, index: int) -> str:
    return "".join(output.get("text", "") for output in run.notebook.cells[index].outputs)


@runs_cells
def test_a_run_goes_on_after_errors_and_reports_them(mixed_run):
    _, run, _ = mixed_run
    assert [(error.cell, error.kind) for error in run.errors[:1]] == [(3, "ZeroDivisionError")]
    assert str(run.errors[0]) == "cell 4: ZeroDivisionError: division by zero"
    assert 4 not in [error.cell for error in run.errors]
    assert "the end more" in printed(run, 7)


@runs_cells
def test_a_run_has_no_network(mixed_run):
    _, run, _ = mixed_run
    refused = {error.cell: error.words for error in run.errors}
    assert "this run has no network" in refused[5] and "this run has no network" in refused[6]


@runs_cells
def test_a_run_ends_when_its_time_is_over(mixed_run):
    _, run, _ = mixed_run
    assert run.timed_out and run.stopped_at == 8
    assert not run.notebook.cells[9].outputs


@runs_cells
def test_a_run_works_on_copies_with_the_python_that_is_running(mixed_run):
    import sys

    made, run, folder = mixed_run
    assert f"['notes.txt'] {sys.executable}" in printed(run, 1)
    assert sorted(path.name for path in folder.iterdir()) == [".hidden", "notes.txt", "other.ipynb"]
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "beside"
    assert not made.cells[1].outputs


@runs_cells
def test_the_readers_progress_plays_no_part(mixed_run):
    from mss_lab.lessons import progress

    _, run, _ = mixed_run
    assert str(progress.default_path()) not in printed(run, 7)


def test_more_than_100_mb_stay_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(beside, "LARGEST_COPY_BYTES", 10)
    (tmp_path / "small.txt").write_text("12345", encoding="utf-8")
    (tmp_path / "large.txt").write_text("12345678901", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "more.txt").write_text("1234567", encoding="utf-8")
    with notebooks.working_copy(tmp_path / "a.ipynb") as working:
        assert sorted(path.name for path in working.iterdir()) == ["small.txt"]


# The card's time and the book


@pytest.mark.slow(0.4)
@pytest.mark.notebook
def test_the_measured_time_is_written_into_the_card(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    path.write_text(nbformat.writes(toy_lesson.notebook(HEAD, "%1")), encoding="utf-8")
    assert cli.main(["lesson", "measure", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert text == notebooks.canonical(notebooks.read(path))
    written = structure.RUNS_IN.search(text).group(1)
    assert written.startswith("about ") and written.endswith("cores") and written in capsys.readouterr().out


@pytest.mark.parametrize(
    "seconds, words", [(0.2, "about 1 s"), (9.1, "about 10 s"), (31, "about 35 s"), (60, "about 60 s")]
)
def test_times_are_rounded_up(tmp_path, seconds, words):
    path = tmp_path / "a.ipynb"
    path.write_text(nbformat.writes(toy_lesson.notebook("# A", HEAD)), encoding="utf-8")
    assert runs_in.write_time(path, seconds).startswith(words)
    assert words in path.read_text(encoding="utf-8")


def test_a_card_without_a_place_for_the_time_is_said_and_left(tmp_path):
    path = tmp_path / "a.ipynb"
    text = nbformat.writes(toy_lesson.notebook("# A", "B", HEAD))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="no place for its time"):
        runs_in.write_time(path, 3)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.slow(1.3)
@pytest.mark.notebook
def test_the_book_holds_what_the_lessons_show_and_needs_no_jupyter(tmp_path, capsys):
    good = tmp_path / "01_a.ipynb"
    cells = (
        "# Level & scale\n\nYou *can* hear it.\n\n"
        "**Your time:** about 9 minutes. **Shortest path:** part 1, 4 minutes.\n\n"
        "[next](02_b.ipynb) [part](02_b.ipynb#x)",
        "%from IPython.display import Audio, display\ndisplay(Audio([0.0, 0.5, 0.0], rate=8000, normalize=False))",
        "%widget = 'application/vnd.jupyter.widget-view+json'\n"
        "display({widget: {'model_id': 'x'}, 'text/html': '<b>still here</b>', 'text/plain': 'x'}, raw=True)\n"
        "display({widget: {'model_id': 'x'}, 'text/plain': 'nothing ' + 'to see'}, raw=True)",
    )
    good.write_text(nbformat.writes(toy_lesson.notebook(*cells)), encoding="utf-8")
    before = snapshot(tmp_path)
    out = tmp_path / "out" / "book"
    assert cli.main(["book", "--folder", str(out), str(good)]) == 0
    assert "01_a.html: Level & scale" in capsys.readouterr().out
    page = (out / "01_a.html").read_text(encoding="utf-8")
    assert "data:audio/wav;base64" in page and "still here" in page and "nothing to see" not in page
    assert 'href="02_b.html"' in page and 'href="02_b.html#x"' in page
    index = (out / "index.html").read_text(encoding="utf-8")
    assert '<a href="01_a.html">Level &amp; scale</a>' in index and "You can hear it." in index
    assert "About 9 minutes. Shortest path: part 1, 4 minutes." in index
    assert {name: held for name, held in snapshot(tmp_path).items() if not name.startswith("out")} == before
    # A second build does not take the place of the first unless it is allowed to.
    assert cli.main(["book", "--folder", str(out), str(good)]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.slow(0.9)
@pytest.mark.notebook
def test_a_lesson_that_fails_makes_no_book(tmp_path, capsys):
    bad = tmp_path / "02_bad.ipynb"
    bad.write_text(nbformat.writes(toy_lesson.notebook("# A", "%1 / 0")), encoding="utf-8")
    assert cli.main(["book", "--folder", str(tmp_path / "book"), str(bad)]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not (tmp_path / "book").exists()
    assert cli.main(["lesson", "measure", str(bad)]) == 2
    assert "nothing was written" in capsys.readouterr().err


def test_reading_a_notebook_compiles_no_grammar():
    code = f"""
import importlib.util, sys
from mss_lab.lessons import notebooks
notebooks.read({str(LESSONS[0])!r})
loaded = [name for name in sys.modules if name.startswith(("rfc3987_syntax", "lark"))]
print("jsonschema" in sys.modules, loaded, importlib.util.find_spec("rfc3987_syntax") is None)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    # It is installed with JupyterLab, and left for others to load.
    assert done.stdout.split() == ["True", "[]", "False"]
