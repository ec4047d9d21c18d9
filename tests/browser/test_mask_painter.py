"""The mask painter in a real browser: painted by mouse, touch and keyboard alone, and what the player then plays."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import workbench
from tests.browser.test_drawn_inputs import CELLS, mouse_drag, show, touch_drag

pytestmark = pytest.mark.browser

# Two tones: which of them is painted, and when, can be measured in what the player would play.
OPENING = """\
import json
import numpy as np
from matplotlib.figure import Figure
from mss_lab import signals
from mss_lab.widgets import controls, mask_painter

rate = 16_000
mixture = signals.tone(500, 2, rate, amplitude=0.4) + signals.tone(4000, 2, rate, amplitude=0.2)
brush = mask_painter.painter(mixture, rate, label="Kept")


def listen(mask):
    figure = Figure(figsize=(2, 1))
    figure.subplots()
    return controls.View(figure, brush.split(mask), rate, f"{np.count_nonzero(mask)} cells")


def region():
    # Rows and columns that are painted, and whether all cells between them are.
    rows, columns = (np.flatnonzero(brush.value.any(axis=axis)) for axis in (1, 0))
    inside = brush.value[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    ends = [rows[0], rows[-1], columns[0], columns[-1]]
    print(json.dumps([*map(int, ends), bool(inside.min() == 1)]))


panel = controls.explore(listen, mask=brush)
panel
"""

# Level of both tones in `count` samples from a time on, of one stem of what the player would play.
LEVELS = """async (root, [solo, from]) => {
    const [samples] = await root.mssPlayer.renderOffline({ solo: [solo] }, {});
    return [500, 4000].map((hz) => {
        let [re, im] = [0, 0];
        for (let i = 0; i < 3200; i++) {
            re += samples[Math.round(from * 16000) + i] * Math.cos((2 * Math.PI * hz * i) / 16000);
            im += samples[Math.round(from * 16000) + i] * Math.sin((2 * Math.PI * hz * i) / 16000);
        }
        return (2 * Math.hypot(re, im)) / 3200;
    });
}"""


@pytest.fixture
def opened(server, page):
    show(server, page, "painter.ipynb", OPENING, ".mss-painter")
    # The whole plane must lie in the window, so that the mouse reaches all of it.
    page.locator(".mss-plane").evaluate("(plane) => plane.scrollIntoView({ block: 'center' })")
    yield page
    assert page.mss_errors == []


def grid_of(page):
    """Rows, columns and the bounds of the rows in Hz."""
    said = workbench.run_cell(page, "print(json.dumps([*brush.grid.shape, brush.plane['edgesHz']]))")
    return json.loads(said)


def region(page):
    return json.loads(workbench.run_cell(page, "region()"))


def point(page, row, column, rows, columns):
    """The middle of a cell on the page."""
    page.locator(".mss-plane").scroll_into_view_if_needed()
    box = page.locator(".mss-plane").bounding_box()
    x = box["x"] + box["width"] * (column + 0.5) / columns
    return x, box["y"] + box["height"] * (1 - (row + 0.5) / rows)


def await_cells(page, count):
    page.wait_for_function("(text) => document.querySelector('.mss-words').textContent === text", arg=f"{count} cells")


def painted(page, solo, from_s):
    return page.locator(".mss-player").evaluate(LEVELS, [solo, from_s])


def tool(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def row_of(edges_hz, hz):
    return next(row for row, high in enumerate(edges_hz[1:]) if hz < high)


def harmonic_rows(edges_hz, row, half):
    """Rows of the harmonics of the middle of a row, thinner and then no more where they come too near to each other."""
    fundamental, top = (edges_hz[row] + edges_hz[row + 1]) / 2, edges_hz[-1]
    rows, number = set(), 1
    while number * fundamental < top:
        own, upper = row_of(edges_hz, number * fundamental), (number + 1) * fundamental
        free = (row_of(edges_hz, upper) if upper < top else len(edges_hz) - 1) - own - 1
        if free < 1:
            break
        reach = min(half, (free - 1) // 2)
        rows |= set(range(max(0, own - reach), min(len(edges_hz) - 1, own + reach + 1)))
        number += 1
    return sorted(rows)


def painted_rows(page):
    said = workbench.run_cell(page, "print(json.dumps(np.flatnonzero(brush.value.any(axis=1)).tolist()))")
    return json.loads(said)


@pytest.mark.slow(15)
def test_a_painted_region_is_heard_alone_and_nothing_else(opened):
    page = opened
    rows, columns, edges_hz = grid_of(page)
    assert painted(page, "painted", 0.8) == [0, 0]
    tool(page, "Rectangle")
    low, high = row_of(edges_hz, 2000), rows - 1
    # From 0.5 to about 1.2 s of 2 s, above 2 kHz.
    left, right = columns // 4, round(columns * 0.6)
    mouse_drag(page, point(page, low, left, rows, columns), point(page, high, right, rows, columns), steps=4)
    await_cells(page, (high - low + 1) * (right - left + 1))
    assert region(page) == [low, high, left, right, True]
    # Inside, the upper tone as it is and nothing of the lower, to 60 dB; outside, silence.
    inside, before = painted(page, "painted", 0.75), painted(page, "painted", 0.1)
    assert inside[1] == pytest.approx(0.2, rel=0.01)
    assert inside[0] < 0.4 * 1e-3
    assert max(before) < 1e-5 and max(painted(page, "painted", 1.6)) < 1e-5
    # The rest is what was not painted.
    rest = painted(page, "rest", 0.75)
    assert rest[0] == pytest.approx(0.4, rel=0.01) and rest[1] < 0.2 * 1e-2
    assert painted(page, "rest", 0.1) == pytest.approx([0.4, 0.2], rel=0.01)
    check_the_stems_add_up(page)


def check_the_stems_add_up(page):
    largest = page.locator(".mss-player").evaluate(
        """async (root) => {
            const render = async (state) => (await root.mssPlayer.renderOffline(state, {}))[0];
            const both = await render({});
            const [painted, rest] = [await render({ solo: ["painted"] }), await render({ solo: ["rest"] })];
            return both.reduce((most, x, i) => Math.max(most, Math.abs(x - painted[i] - rest[i])), 0);
        }"""
    )
    assert largest < 1e-6


@pytest.mark.slow(25)
def test_all_tools_by_mouse_and_touch(opened):
    page = opened
    rows, columns, edges_hz = grid_of(page)

    def stroke(steps):
        middle = rows // 2, columns // 2
        ends = [point(page, middle[0], middle[1] + more, rows, columns) for more in (0, 20)]
        mouse_drag(page, *ends, steps=steps)

    # A stroke as one report of the pointer: the cells between are painted, too. The brush is nine rows high.
    stroke(1)
    page.wait_for_function("() => !document.querySelector('.mss-words').textContent.startsWith('0 ')")

    def check():
        low, high, left, right, _ = region(page)
        assert [low, high] == [rows // 2 - 4, rows // 2 + 4]
        assert left < columns // 2 and right > columns // 2 + 20

    workbench.eventually(page, check)
    cells = int(workbench.run_cell(page, "print(np.count_nonzero(brush.value))"))
    await_cells(page, cells)
    whole = f"{cells} cells"
    tool(page, "Smaller")
    tool(page, "Eraser")
    for _ in range(3):
        tool(page, "Larger")
    expect(page.get_by_role("button", name="Larger")).to_be_disabled()
    stroke(10)
    await_cells(page, 0)
    check_the_whole_mask(page, whole, rows * columns)
    tool(page, "Harmonics")
    row = row_of(edges_hz, 500)
    mouse_drag(page, point(page, row, 4, rows, columns), point(page, row + 9, 24, rows, columns))
    expected = harmonic_rows(edges_hz, row, 1)
    await_cells(page, 21 * len(expected))
    assert painted_rows(page) == expected and len(expected) > 10
    assert painted(page, "painted", 0.25)[0] == pytest.approx(0.4, rel=0.1)
    tool(page, "Clear")
    tool(page, "Rectangle")
    touch_drag(page, point(page, 3, 5, rows, columns), point(page, 8, 9, rows, columns))
    await_cells(page, 30)
    assert region(page) == [3, 8, 5, 9, True]


def check_the_whole_mask(page, whole, cells):
    tool(page, "Undo")
    page.wait_for_function("(text) => document.querySelector('.mss-words').textContent === text", arg=whole)
    tool(page, "Undo")
    await_cells(page, 0)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    tool(page, "Redo")
    tool(page, "Redo")
    await_cells(page, 0)
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()
    tool(page, "Invert")
    await_cells(page, cells)
    tool(page, "Clear")
    await_cells(page, 0)


@pytest.mark.slow(25)
def test_everything_by_the_keyboard_alone(opened):
    page = opened
    rows, columns, edges_hz = grid_of(page)
    before = page.evaluate(CELLS)
    plane = page.locator(".mss-plane")
    plane.focus()
    # To the left edge and the lowest row, then two rows up and one column to the right.
    for key in ("Home", *["Shift+ArrowDown"] * 20, "ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    assert page.locator(".mss-painter .mss-head output").inner_text().endswith(" s")
    # A rectangle of 3 by 5 cells; letters reach neither the cells of the notebook nor its commands.
    for key in ("r", " ", "ArrowUp", "ArrowUp", *["ArrowRight"] * 4, " ", *"ddabx"):
        page.keyboard.press(key)
    await_cells(page, 15)
    assert region(page) == [2, 4, 1, 5, True]
    plane.focus()
    check_the_brush_by_keys(page)
    for key in ("i",):
        page.keyboard.press(key)
    await_cells(page, rows * columns - 15)
    for key in ("z", "z"):
        page.keyboard.press(key)
    await_cells(page, 0)
    for key in ("y", "y"):
        page.keyboard.press(key)
    await_cells(page, rows * columns - 15)
    for key in ("c", "h", "-"):
        page.keyboard.press(key)
    # Four rows above the lowest the cursor is; from there to the row of 500 Hz.
    for key in (*["ArrowUp"] * (row_of(edges_hz, 500) - 4), "Home", " ", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    expected = harmonic_rows(edges_hz, row_of(edges_hz, 500), 0)
    await_cells(page, 9 * len(expected))
    assert painted_rows(page) == expected
    assert page.evaluate(CELLS) == before + 2
    check_python_sets_it(page)


def check_the_brush_by_keys(page):
    # The smallest brush paints the cell of the cursor, which is taken back by escape, and rubbed out by the eraser.
    for key in ("b", *"------", "ArrowRight", " ", "ArrowRight", "Escape"):
        page.keyboard.press(key)
    await_cells(page, 15)
    for key in (" ", "ArrowRight", " "):
        page.keyboard.press(key)
    await_cells(page, 17)
    for key in ("e", *"------", " ", "ArrowLeft", " "):
        page.keyboard.press(key)
    await_cells(page, 15)
    for key in ("z", "z"):
        page.keyboard.press(key)
    await_cells(page, 15)


def check_python_sets_it(page):
    workbench.run_cell(page, "panel.set(mask=np.eye(*brush.grid.shape)); None")
    await_cells(page, json.loads(workbench.run_cell(page, "print(min(brush.grid.shape))")))
    said = workbench.run_cell(page, "brush.value = np.ones((3, 4))")
    assert "must be" in said and "(3, 4)" in said
    # What Python has replaced can be had back.
    before = page.locator(".mss-words").inner_text()
    page.locator(".mss-plane").press("z")
    page.wait_for_function("(text) => document.querySelector('.mss-words').textContent !== text", arg=before)


@pytest.mark.slow(10)
def test_a_slow_function_is_asked_only_for_the_newest_mask(server, page):
    slow = OPENING.replace(
        "    figure = Figure", "    import time; time.sleep(0.3); calls.append(1)\n    figure = Figure"
    )
    show(server, page, "slow_painter.ipynb", f"calls = []\n{slow}", ".mss-painter")
    page.locator(".mss-plane").evaluate("(plane) => plane.scrollIntoView({ block: 'center' })")
    mouse_drag(page, point(page, 20, 5, 128, 85), point(page, 100, 80, 128, 85), steps=60)
    # What is drawn does not wait for the function.
    expect(page.locator(".mss-painter .mss-said")).to_contain_text("painted")
    page.wait_for_function(
        "(share) => Number.parseInt(document.querySelector('.mss-words').textContent) > share", arg=700
    )
    assert 1 < int(workbench.run_cell(page, "print(len(calls))")) < 40
    assert page.mss_errors == []
