"""The kernel grid without a browser: its kernels, what it refuses, and what it is where no page shows it."""

import base64

import numpy as np
import pytest

from mss_lab.checks import ShapeError
from mss_lab.widgets import controls, kernel_grid


def as_text(cells):
    return ["".join("#" if cell else "." for cell in row) for row in cells]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("horizontal", [".......", "#######", "......."]),
        ("vertical", ["...#...", "...#...", "...#..."]),
        ("cross", ["...#...", "#######", "...#..."]),
        ("periodic", [".......", ".#.#.#.", "......."]),
        ("clear", [".......", "...#...", "......."]),
    ],
)
def test_named_kernels(name, rows):
    assert as_text(kernel_grid.named(name, 3, 7)) == rows


def test_periods_are_counted_from_the_middle():
    assert as_text(kernel_grid.named("periodic", 1, 9, period_cells=4)) == ["#...#...#"]
    assert as_text(kernel_grid.named("periodic", 1, 9, period_cells=3)) == [".#..#..#."]
    assert as_text(kernel_grid.named("periodic", 1, 3, period_cells=5)) == [".#."]
    assert kernel_grid.named("periodic", 3, 5, period_cells=1) == kernel_grid.named("horizontal", 3, 5)


def test_every_named_kernel_is_symmetric_and_holds_the_bin_itself():
    for name in kernel_grid.NAMES:
        cells = np.array(kernel_grid.named(name, 7, 11))
        np.testing.assert_array_equal(cells, cells[::-1])
        np.testing.assert_array_equal(cells, cells[:, ::-1])
        assert cells[3, 5]


def test_a_grid_starts_as_asked_and_holds_tuples_of_bool():
    made = kernel_grid.grid(label="Neighbours")
    assert made.value == kernel_grid.named("horizontal", 9, 9)
    assert made.description == "Neighbours"
    assert {type(cell) for row in made.value for cell in row} == {bool}
    assert set(made.kernels) == set(kernel_grid.NAMES)
    assert kernel_grid.grid(3, 5, start="vertical").value == kernel_grid.named("vertical", 3, 5)
    drawn = ((False, True, False),)
    assert kernel_grid.grid(1, 3, start=drawn).value == drawn


def test_the_value_takes_cells_and_names():
    made = kernel_grid.grid(3, 3)
    for given in ([[0, 1, 0], [0, 0, 0], [0, 0, 1]], np.array([[0, 1, 0], [0, 0, 0], [0, 0, 1]], bool)):
        made.value = given
        assert as_text(made.value) == [".#.", "...", "..#"]
        assert {type(cell) for row in made.value for cell in row} == {bool}
        made.value = "cross"
        assert as_text(made.value) == [".#.", "###", ".#."]


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("crss", ValueError, "did you mean 'cross'"),
        (np.ones((9, 9)), ShapeError, r"must be \(3, 5\) \(rows, columns\), got \(9, 9\)"),
        (np.ones((5, 3)), ShapeError, r"must be \(3, 5\)"),
        (np.ones(15), ShapeError, "one axis for each"),
        ([[1, 0], [1]], ShapeError, "rows of different lengths"),
        ([["a"] * 5] * 3, TypeError, "array of numbers"),
        (np.full((3, 5), 0.5), ValueError, "True or False in every cell"),
        (np.full((3, 5), np.nan), ValueError, "True or False in every cell"),
        (np.zeros((3, 5)), ValueError, "at least one cell"),
        (None, TypeError, "array of numbers"),
    ],
)
def test_what_is_no_kernel_is_refused_and_the_old_one_stays(value, error, words):
    made = kernel_grid.grid(3, 5, start="cross")
    with pytest.raises(error, match=words):
        made.value = value
    assert made.value == kernel_grid.named("cross", 3, 5)
    with pytest.raises(error, match=words):
        kernel_grid.grid(3, 5, start=value)


def test_a_refused_value_from_the_page_is_answered_with_the_one_that_holds(monkeypatch):
    made = kernel_grid.grid(1, 3)
    sent = []
    monkeypatch.setattr(made, "send_state", lambda key=None: sent.append((key, as_text(made.value))))
    made.set_state({"value": [[True, True, False]]})
    assert sent == []
    with pytest.raises(ValueError, match="at least one cell"):
        made.set_state({"value": [[False, False, False]]})
    assert sent == [("value", ["##."])]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rows": 8}, ValueError, "rows must be odd.*take 7"),
        ({"columns": 0}, ValueError, "at least 1"),
        ({"columns": 33}, ValueError, "at most 31"),
        ({"rows": 9.5}, ValueError, "whole number"),
        ({"rows": "9"}, TypeError, "whole number"),
        ({"cell_hz": 0}, ValueError, "above 0"),
        ({"cell_s": -0.1}, ValueError, "above 0"),
        ({"period_cells": 0}, ValueError, "at least 1"),
    ],
)
def test_what_makes_no_grid_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        kernel_grid.grid(**options)


def test_it_says_name_cells_and_reach():
    made = kernel_grid.grid(9, 9, cell_hz=40, cell_s=0.1)
    assert made.describe() == "horizontal, 9 cells within ±160 Hz and ±0.4 s"
    made.value = "clear"
    assert made.describe() == "1 cell within ±160 Hz and ±0.4 s"


def test_a_panel_follows_it_and_shows_its_picture_where_no_page_does():
    made = kernel_grid.grid(label="Neighbours that sound alike")
    panel = controls.explore(lambda cells: controls.View(text=f"{np.sum(cells)} cells"), cells=made)
    assert panel.view.text == "9 cells"
    made.value = "cross"
    assert panel.wait(30)
    assert panel.view.text == "17 cells"
    assert panel.set(cells="clear").text == "1 cells"
    made.value = "vertical"
    data = panel._repr_mimebundle_()[0]
    assert data["text/plain"].startswith("Panel: cells=vertical, 9 cells within")
    assert "Neighbours that sound alike vertical, 9 cells within" in data["text/html"]
    assert made.static()[1] in data["text/html"]


def test_alone_without_a_page_it_is_a_picture_with_words():
    made = kernel_grid.grid(1, 1, label="One bin")
    data, metadata = made._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == "One bin: horizontal, 1 cell within ±0 Hz and ±0 s"
    made = kernel_grid.grid(3, 5)
    before = made.png()
    made.value = "vertical"
    assert made.png() != before
