"""Outputs of lessons: what a reader would stumble over is found, and the lessons' own outputs have none of it."""

import nbformat
import pytest

from mss_lab import cli
from mss_lab.lessons import notebooks, outputs
from tests.lessons import toy_lesson

GOOD_TEXTS = (
    "mean SDR 5.1 dB",
    "[1. 2.]",
    "masks: (4, 1, 1025, 690) (sources, channels, freq, frames)",
    "no information, finite or infinite",
    "x.nan stands in code, and so does nan(1)",
    "a < b and b > c",
    '{"name": "a card that is JSON"}',
    "frame 3: 12.5 Hz",
)


@pytest.mark.parametrize("text", GOOD_TEXTS)
def test_words_and_numbers_are_no_problem(text):
    assert outputs.text_problems(text) == []


@pytest.mark.parametrize("value", ["3.5", "'a title'", "True", "Listening to a chorale (mono)"])
def test_a_plain_value_is_no_problem(value):
    assert outputs.text_problems(value, is_value=True) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<mss_lab.nmf.Model object at 0x7f00aa>", "an object as Python writes it: <mss_lab.nmf.Model object at"),
        ("made <function f at 0x7f>", "an object as Python writes it: <function f"),
        ("[<matplotlib.lines.Line2D at 0x7f>]", "an object of matplotlib as Python writes it: <matplotlib"),
        ("Text(0.5, 0, 'time')", "an object of matplotlib as Python writes it: Text(0.5"),
        ("x = array([1., 2.])", "an array as Python writes it: array([1."),
        ("tensor([1, 2])", "an array as Python writes it: tensor([1"),
        ("[np.float64(1.0)]", "a number with its type as Python writes it: np.float64(1.0)"),
        ("dtype('float32')", "a number with its type"),
        ("the table is {'a': 1.0}", "a dict as Python writes it: {'a': 1.0}"),
        ("{(1, 2): 3}", "a dict as Python writes it"),
        ("dict_keys(['a'])", "a view of a dict"),
        ("drums: nan dB", "not a finite number: drums: nan dB"),
        ("a\nb: -inf\nc", "not a finite number: b: -inf"),
    ],
)
def test_what_python_writes_for_programmers_is_a_problem(text, words):
    (found,) = outputs.text_problems(text)
    assert words in found


@pytest.mark.parametrize(
    "value", ["(1, 2)", "[1, 2]", "None", "Ellipsis", "NotImplemented", "numpy.float32", "[{'a': 1}]"]
)
def test_a_container_or_no_value_as_a_cells_value_is_a_problem(value):
    (found,) = outputs.text_problems(value, is_value=True)
    assert "as Python writes it" in found


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("", "without a description"),
        ("Figure", "without a description"),
        ("SDR of three methods {'a': 1}", "in the description of a picture a dict"),
        ("SDR for scores that are [0.0, 0.2] s late", "in the description of a picture a list"),
        ("SDR of three methods: nan", "in the description of a picture a value that is not a finite number"),
    ],
)
def test_a_description_that_says_nothing_to_a_listener_is_a_problem(description, words):
    (found,) = outputs.description_problems(description)
    assert words in found


def test_a_description_in_words_is_no_problem():
    assert outputs.description_problems("Two lines: the SDR falls from 5.1 to 2.0 dB (violin above).") == []


PICTURES = """%
import numpy as np, warnings
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from IPython.display import display
from mss_lab import plots
"""
LINE = "%figure, axes = plt.subplots(1, 2)\naxes[0].plot([1, 2])\n"
SHOWN = "plots.picture(figure, 'A line that goes up, twice.')"
# (the cell, the words of its problem); None where it has none.
CELLS = (
    (LINE + "axes[1].plot([1, 2])\n" + SHOWN, None),
    (LINE + "axes[1].plot([1, 2])\ndisplay(" + SHOWN + ")\nprint(1)", None),
    (LINE + "axes[1].axis('off')\n" + SHOWN, None),
    ("%figure = Figure()\nfigure.subplots().imshow(np.eye(3))\n" + SHOWN, None),
    (LINE + "axes[1].plot([1, 2])\n" + SHOWN + "\nprint(1)", '"A line that goes up, twice." is not displayed'),
    ("%figure = Figure()\nfigure.subplots().plot([1, 2]);", "1 figure(s) made and not displayed"),
    ("%plt.plot([1, 2]);", "a picture without a description (<Figure size"),
    ("%figure, ax = plt.subplots()\nax.plot([1, 2]);\nplots.picture(figure, 'Line.')", "without a description of what"),
    (LINE + SHOWN, "axes that show nothing: number 2"),
    (LINE + "axes[1].imshow(np.ones((3, 3)))\n" + SHOWN, "axes that show nothing: number 2"),
    ("%object()", "an object as Python writes it"),
    ("%{'a': 1}", "a dict as Python writes it"),
    ("%print({'a': 1})", "a dict as Python writes it"),
    ("%print(f'{np.nan:.1f} dB')", "not a finite number: nan dB"),
    ("%# Nothing was played, so the level is -inf.\nprint('level -inf dB')", None),
    ("%from mss_lab.lessons.cards import Card\nCard('Exercise 3.1', 'The result must not be nan.')", None),
    ("%warnings.warn('meant')  # The warning says why.", None),
    ("%warnings.warn('look out')", "a warning or another text on stderr"),
)


@pytest.mark.slow(6)
@pytest.mark.notebook
def test_each_kind_of_problem_is_found_in_a_run(tmp_path):
    made = toy_lesson.notebook(PICTURES, *(cell for cell, _ in CELLS))
    run = notebooks.execute(made, folder=tmp_path, time_limit_s=60, watch=True)
    assert not run.errors
    messages = {
        index: [problem.words for problem in outputs.problems(run) if problem.cell == index + 1]
        for index in range(len(CELLS))
    }
    for index, (cell, words) in enumerate(CELLS):
        assert len(messages[index]) == (words is not None), (cell, messages[index])
        assert words is None or words in messages[index][0], (cell, messages[index])
    # The reports are no outputs of the notebook.
    kinds = {kind for cell in run.notebook.cells[1:] for output in cell.outputs for kind in output.get("data", {})}
    assert notebooks.PICTURES not in kinds and "text/html" in kinds


@pytest.mark.slow(3)
@pytest.mark.notebook
def test_the_command_that_makes_the_book_lists_what_a_reader_stumbles_over(tmp_path, capsys):
    path = tmp_path / "03_a.ipynb"
    path.write_text(nbformat.writes(toy_lesson.notebook("# A\n\nB.", "%print({'a': 1})")), encoding="utf-8")
    assert cli.main(["book", "--folder", str(tmp_path / "book"), str(path)]) == 0
    assert "cell 1: a dict as Python writes it: {'a': 1}" in capsys.readouterr().err
