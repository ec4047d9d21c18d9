"""The inputs that are drawn on, in a real browser: by mouse, touch and keyboard, and what a panel makes of them."""

import math

import pytest
from playwright.sync_api import expect

from tests.browser import workbench

pytestmark = pytest.mark.browser

# Two tones at known angles: which of them lies in the window can be told from the level of each channel.
PANORAMA = """\
import numpy as np
from matplotlib.figure import Figure
from mss_lab import signals
from mss_lab.widgets import controls, kernel_grid, panorama

rate = 16_000
tones = {0.35: signals.tone(440, 1, rate, amplitude=0.4), 1.2: signals.tone(660, 1, rate, amplitude=0.4)}
centres_rad = (np.arange(180) + 0.5) / 180 * np.pi / 2
energy = sum(np.exp(-(((centres_rad - pan_rad) / 0.05) ** 2)) for pan_rad in tones)
heard = []


def listen(window_rad):
    low, high = window_rad
    heard.append(window_rad)
    kept = [signals.pan(tone, pan_rad) for pan_rad, tone in tones.items() if low <= pan_rad < high]
    sound = sum(kept) if kept else np.zeros((2, rate), np.float32)

    def draw():
        figure = Figure(figsize=(4, 1))
        figure.subplots().plot([low, high])
        return figure

    return controls.View(draw, sound, rate, f"{np.degrees(low):.1f} to {np.degrees(high):.1f}")


panel = controls.explore(
    listen, window_rad=panorama.window(centres_rad, energy, np.radians([10, 30]), label="Angles that are kept")
)
panel
"""
KERNEL = """\
import numpy as np
from matplotlib.figure import Figure
from mss_lab import signals
from mss_lab.widgets import controls, kernel_grid


def look(cells):
    figure = Figure(figsize=(2, 2))
    figure.subplots().imshow(cells)
    sound = signals.tone(440, 1, 16_000, amplitude=0.01 * np.sum(cells))
    return controls.View(figure, sound, 16_000, " ".join("".join(".#"[cell] for cell in row) for row in cells))


panel = controls.explore(look, cells=kernel_grid.grid(5, 7, cell_hz=40, cell_s=0.1, label="Neighbours"))
panel
"""

# Root mean square of each channel of what the player would play.
LEVELS = """async (root) => (await root.mssPlayer.renderOffline({}, {})).map(
    (samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length))"""
CELLS = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"


def await_words(page, text):
    page.wait_for_function("(text) => document.querySelector('.mss-words').textContent === text", arg=text)


def levels(page):
    """Of the left and the right channel, once the player has taken the newest sound."""
    return page.locator(".mss-player").evaluate(LEVELS)


def touch_drag(page, start, end, steps=8):
    """One finger, from one point to another; the page must not take it for scrolling."""
    finger = page.context.new_cdp_session(page)
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    points = [[a + (b - a) * i / steps for a, b in zip(start, end, strict=True)] for i in range(steps + 1)]
    for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * steps, points, strict=True):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": False})


def mouse_drag(page, start, end, steps=10):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


def show(server, page, name, code, awaited):
    workbench.write_notebook(server, name, code)
    workbench.open_notebook(page, server, name)
    workbench.run_all(page, ".mss-picture[data-revision]")
    page.wait_for_selector(awaited)
    page.locator(awaited).scroll_into_view_if_needed()


# ---- the panorama -------------------------------------------------------------------------------------------------


@pytest.mark.slow(10)
def test_a_window_dragged_over_the_histogram_is_heard_and_seen(server, page):
    show(server, page, "panorama.ipynb", PANORAMA, ".mss-panorama")
    await_words(page, "10.0 to 30.0")
    check_the_mouse(page)
    check_the_edges(page)
    check_the_keys(page)
    check_touch(page)
    check_python_moves_it(page)
    assert page.mss_errors == []


def point(page, deg, down=0.5):
    box = page.locator(".mss-panorama .mss-plot").bounding_box()
    return box["x"] + box["width"] * deg / 90, box["y"] + box["height"] * down


def bounds(page):
    """The window in degrees, as the page says it to a screen reader."""
    return [
        float(page.get_by_role("slider", name=name).get_attribute("aria-valuenow"))
        for name in ("Left edge", "Right edge")
    ]


def check_the_mouse(page):
    picture, sound = page.locator(".mss-picture"), page.locator(".mss-player")
    left, right = levels(page)
    assert math.atan2(right, left) == pytest.approx(0.35, abs=1e-3)
    drawn, revision = picture.get_attribute("src"), int(sound.get_attribute("data-revision"))
    sound.evaluate("(root) => { root.mssPlayer.set({ loopOn: true }); return root.mssPlayer.play(); }")
    # As a whole, from the one tone to the other, 68.75 degrees; it may not leave the plot.
    mouse_drag(page, point(page, 15), point(page, 65))
    await_words(page, "60.0 to 80.0")
    check_it_is_drawn(page, 60, 80)
    page.wait_for_function("(old) => document.querySelector('.mss-picture').src !== old", arg=drawn)
    expect(sound).not_to_have_attribute("data-revision", str(revision))
    assert sound.evaluate("(root) => root.mssPlayer.playing()")
    sound.evaluate("(root) => root.mssPlayer.pause()")
    left, right = levels(page)
    assert math.atan2(right, left) == pytest.approx(1.2, abs=1e-3)
    mouse_drag(page, point(page, 65), point(page, 90))
    await_words(page, "70.0 to 90.0")
    # Beside it: it comes to the pointer.
    mouse_drag(page, point(page, 40), point(page, 41))
    await_words(page, "31.0 to 51.0")
    assert levels(page) == [0, 0]


def check_it_is_drawn(page, low, high):
    box = page.locator(".mss-panorama .mss-whole").bounding_box()
    assert [box["x"], box["x"] + box["width"]] == pytest.approx([point(page, low)[0], point(page, high)[0]], abs=1)
    expect(page.locator(".mss-panorama output")).to_have_text(f"{low:.1f}° to {high:.1f}°")
    # The part of the histogram that is coloured: cut away from the right and from the left, in percent.
    cut = page.locator(".mss-panorama .mss-lit").evaluate(
        "(svg) => svg.style.clipPath.match(/[0-9.]+(?=%)/g).map(Number)"
    )
    assert cut == pytest.approx([100 - high / 0.9, low / 0.9], abs=0.1)


def check_the_edges(page):
    mouse_drag(page, point(page, 31), point(page, 11))
    await_words(page, "11.0 to 51.0")
    mouse_drag(page, point(page, 51), point(page, 71))
    await_words(page, "11.0 to 71.0")
    left, right = levels(page)
    # Both tones, at right angles in power: cos and sin of both angles squared, added.
    assert left / right == pytest.approx(
        math.hypot(math.cos(0.35), math.cos(1.2)) / math.hypot(math.sin(0.35), math.sin(1.2)), rel=1e-2
    )
    # One edge never passes the other.
    mouse_drag(page, point(page, 11), point(page, 85))
    await_words(page, "70.0 to 71.0")
    mouse_drag(page, point(page, 71), point(page, 5))
    assert bounds(page) == [70, 71]


def check_the_keys(page):
    before = page.evaluate(CELLS)
    low, high = (page.get_by_role("slider", name=name) for name in ("Left edge", "Right edge"))
    low.press("Shift+ArrowLeft")
    await_words(page, "65.0 to 71.0")
    high.press("ArrowRight")
    high.press("End")
    await_words(page, "65.0 to 90.0")
    low.press("Home")
    await_words(page, "0.0 to 90.0")
    expect(low).to_have_attribute("aria-valuetext", "0 degrees, left")
    expect(high).to_have_attribute("aria-valuetext", "90 degrees, right")
    high.press("PageDown")
    low.press("ArrowRight")
    await_words(page, "1.0 to 85.0")
    whole = page.get_by_role("slider", name="Whole window")
    # D deletes and A, B, X change cells in the notebook's command mode; none may get through.
    for key in ("ArrowRight", "d", "d", "a", "b", "x"):
        whole.press(key)
    await_words(page, "2.0 to 86.0")
    expect(whole).to_have_attribute("aria-valuetext", "2 to 86 degrees, middle at 44 degrees, left of the centre")
    assert page.evaluate(CELLS) == before


def check_touch(page):
    touch_drag(page, point(page, 86), point(page, 46))
    await_words(page, "2.0 to 46.0")
    touch_drag(page, point(page, 20), point(page, 35, 0.6))
    await_words(page, "17.0 to 61.0")


def check_python_moves_it(page):
    workbench.run_cell(page, "panel.set(window_rad=np.radians([20, 25])); print(len(heard))")
    await_words(page, "20.0 to 25.0")
    assert bounds(page) == [20, 25]
    said = workbench.run_cell(page, "panel.inputs['window_rad'].value = (1, 0)")
    assert "low angle below its high one" in said
    assert bounds(page) == [20, 25]


@pytest.mark.slow(8)
def test_a_slow_function_is_asked_only_for_the_newest_window(server, page):
    slow = PANORAMA.replace("heard.append(window_rad)", "heard.append(window_rad); import time; time.sleep(0.3)")
    show(server, page, "slow.ipynb", slow, ".mss-panorama")
    mouse_drag(page, point(page, 15), point(page, 65), steps=50)
    # What is drawn does not wait for the function.
    assert bounds(page) == [60, 80]
    await_words(page, "60.0 to 80.0")
    calls = int(workbench.run_cell(page, "print(len(heard))"))
    assert 2 <= calls < 40
    assert page.mss_errors == []


# ---- the kernel grid ----------------------------------------------------------------------------------------------


@pytest.mark.slow(11)
def test_a_kernel_drawn_on_the_grid_is_heard_and_seen(server, page):
    show(server, page, "kernel.ipynb", KERNEL, ".mss-kernel")
    await_words(page, "....... ....... ####### ....... .......")
    check_drawing(page)
    check_the_buttons(page)
    check_the_keys_of_the_grid(page)
    check_the_last_cell_stays(page)
    check_python_sets_cells(page)
    assert page.mss_errors == []


def cell(page, row, column):
    box = page.locator(f'.mss-kernel [data-at="{row},{column}"]').bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def check_drawing(page):
    picture, sound = page.locator(".mss-picture"), page.locator(".mss-player")
    drawn, (before, *_) = picture.get_attribute("src"), levels(page)
    # One report of the pointer, from corner to corner: the cells between are drawn, too.
    mouse_drag(page, cell(page, 0, 0), cell(page, 4, 4), steps=1)
    await_words(page, "#...... .#..... ####### ...#... ....#..")
    page.wait_for_function("(old) => document.querySelector('.mss-picture').src !== old", arg=drawn)
    expect(sound).not_to_have_attribute("data-revision", "1")
    assert levels(page)[0] == pytest.approx(before * 11 / 7, rel=1e-3)
    # Begun on a full cell, a drag rubs out.
    mouse_drag(page, cell(page, 2, 5), cell(page, 2, 0))
    await_words(page, "#...... .#..... ......# ...#... ....#..")
    touch_drag(page, cell(page, 4, 5), cell(page, 0, 5))
    await_words(page, "#....#. .#...#. .....## ...#.#. ....##.")


def check_the_buttons(page):
    for name, rows in {
        "Vertical": "...#... ...#... ...#... ...#... ...#...",
        "Cross": "...#... ...#... ####### ...#... ...#...",
        "Periodic": "....... ....... .#.#.#. ....... .......",
        "Clear": "....... ....... ...#... ....... .......",
        "Horizontal": "....... ....... ####### ....... .......",
    }.items():
        button = page.get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        await_words(page, rows)
        expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".mss-said")).to_have_text("7 cells of 35")


def check_the_keys_of_the_grid(page):
    before = page.evaluate(CELLS)
    # One tab stop, and on from there by the arrows.
    stops = page.locator('.mss-kernel [role="gridcell"][tabindex="0"]')
    expect(stops).to_have_count(1)
    stops.focus()
    # Up to the corner, where the grid ends; then the second cell of the second row, and the one above it.
    for key in (*["ArrowUp"] * 5, "Home", "ArrowLeft", "ArrowRight", "ArrowDown", " ", "ArrowUp", "Enter", *"ddabx"):
        page.keyboard.press(key)
    await_words(page, ".#..... .#..... ####### ....... .......")
    focused = page.locator(".mss-kernel :focus")
    expect(focused).to_have_attribute("aria-label", "0.2 s earlier, 80 Hz higher, in the kernel")
    page.keyboard.press(" ")
    await_words(page, "....... .#..... ####### ....... .......")
    expect(focused).to_have_attribute("aria-label", "0.2 s earlier, 80 Hz higher, empty")
    expect(focused).to_have_attribute("aria-selected", "false")
    expect(stops).to_have_count(1)
    # Where something else moves the focus, as a screen reader does, keys mean what is focused.
    page.locator('.mss-kernel [data-at="4,6"]').focus()
    page.keyboard.press(" ")
    await_words(page, "....... .#..... ####### ....... ......#")
    expect(stops).to_have_attribute("data-at", "4,6")
    page.keyboard.press(" ")
    assert page.evaluate(CELLS) == before


def check_the_last_cell_stays(page):
    page.get_by_role("button", name="Clear").click()
    await_words(page, "....... ....... ...#... ....... .......")
    mouse_drag(page, cell(page, 2, 3), cell(page, 2, 4))
    expect(page.locator(".mss-said")).to_contain_text("a kernel needs one")
    page.mouse.click(*cell(page, 0, 6))
    await_words(page, "......# ....... ...#... ....... .......")
    expect(page.locator(".mss-said")).to_have_text("2 cells of 35")


def check_python_sets_cells(page):
    workbench.run_cell(page, "panel.set(cells='cross'); None")
    await_words(page, "...#... ...#... ####### ...#... ...#...")
    expect(page.get_by_role("button", name="Cross")).to_have_attribute("aria-pressed", "true")
    said = workbench.run_cell(page, "panel.inputs['cells'].value = np.zeros((5, 7))")
    assert "at least one cell" in said
    expect(page.get_by_role("button", name="Cross")).to_have_attribute("aria-pressed", "true")
