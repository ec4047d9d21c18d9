"""The factor explorer in a real browser: components assigned by mouse, touch and keyboard alone, and what is heard."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import workbench
from tests.browser.test_drawn_inputs import CELLS, mouse_drag, show

pytestmark = pytest.mark.browser

# Tones that are far apart, each with its true spectrum as template: which components sound can be measured.
OPENING = """\
import json
import numpy as np
from matplotlib.figure import Figure
from mss_lab import signals, transforms
from mss_lab.nmf import assigned
from mss_lab.widgets import controls, factors

rate = 16_000
settings = transforms.settings_for(rate)
tones = [signals.tone(hz, 1, rate, amplitude=0.2) for hz in TONES_HZ]
templates = np.stack([np.abs(transforms.stft(tone, **settings))[0].mean(axis=1) for tone in tones], axis=1)
frames = transforms.frame_count(rate, **settings)
activations = np.ones((len(tones), frames))
shares = assigned.Shares(sum(tones), templates, activations, **settings)
rows = factors.explorer(templates, activations, rate, sources=3, label="Whose is it?")


def listen(owners):
    figure = Figure(figsize=(2, 1))
    figure.subplots()
    return controls.View(figure, rows.stems(shares, owners), rate, rows.describe())


panel = controls.explore(listen, owners=rows)
panel
"""
TONES_HZ = (500, 1500, 2750, 4000)

# Level of each tone in the middle of what the player would play.
LEVELS = """async (root, [solo, tones]) => {
    const [samples] = await root.mssPlayer.renderOffline({ solo }, {});
    return tones.map((hz) => {
        let [re, im] = [0, 0];
        for (let i = 4000; i < 12000; i++) {
            re += samples[i] * Math.cos((2 * Math.PI * hz * i) / 16000);
            im += samples[i] * Math.sin((2 * Math.PI * hz * i) / 16000);
        }
        return (2 * Math.hypot(re, im)) / 8000;
    });
}"""


def open_explorer(server, page, name, tones_hz=TONES_HZ):
    show(server, page, name, f"TONES_HZ = {tones_hz}\n{OPENING}", ".mss-factors")
    page.locator(".mss-list").evaluate("(list) => list.scrollIntoView({ block: 'center' })")


def await_words(page, *parts):
    page.wait_for_function("(text) => document.querySelector('.mss-words').textContent === text", arg="; ".join(parts))


def heard(page, *solo):
    return page.locator(".mss-player").evaluate(LEVELS, [list(solo), list(TONES_HZ)])


def middle(page, selector, number):
    box = page.locator(selector).nth(number).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def value(page):
    return json.loads(workbench.run_cell(page, "print(json.dumps([rows.value, rows.selected]))"))


def to_db_of(levels, loud):
    """Whether the tones `loud` are as loud as they were mixed, and all others 60 dB softer."""
    for k, level in enumerate(levels):
        if k in loud:
            assert level == pytest.approx(0.2, rel=0.01)
        else:
            assert level < 0.2 * 1e-3


@pytest.mark.slow(15)
def test_components_are_assigned_and_heard_by_mouse(server, page):
    open_explorer(server, page, "factors.ipynb")
    await_words(page, "unassigned: 1, 2, 3, 4")
    to_db_of(heard(page), {0, 1, 2, 3})
    # The second component to the third source, the fourth to the first.
    mouse_drag(page, middle(page, ".mss-component", 1), middle(page, ".mss-zone", 2))
    await_words(page, "source 3: 2", "unassigned: 1, 3, 4")
    mouse_drag(page, middle(page, ".mss-component", 3), middle(page, ".mss-zone", 0))
    await_words(page, "source 1: 4", "source 3: 2", "unassigned: 1, 3")
    to_db_of(heard(page, "source 3"), {1})
    to_db_of(heard(page, "source 1"), {3})
    to_db_of(heard(page, "source 2"), set())
    to_db_of(heard(page, "unassigned"), {0, 2})
    # Beside all zones it stays; on the last zone it is taken away; a click on a zone assigns the chosen component.
    mouse_drag(page, middle(page, ".mss-component", 3), middle(page, ".mss-component", 1))
    mouse_drag(page, middle(page, ".mss-component", 1), middle(page, ".mss-zone", 3))
    await_words(page, "source 1: 4", "unassigned: 1, 2, 3")
    page.locator(".mss-zone").nth(1).click()
    await_words(page, "source 1: 4", "source 2: 2", "unassigned: 1, 3")
    check_a_component_alone(page)
    assert value(page) == [[-1, 1, -1, 0], -1]
    check_python_moves_it(page)
    assert page.mss_errors == []


def check_a_component_alone(page):
    page.locator(".mss-component").nth(2).click()
    await_words(page, "source 1: 4", "source 2: 2", "unassigned: 1, 3", "component 3 plays alone")
    to_db_of(heard(page), {2})
    expect(page.get_by_role("option", name="component 3", exact=False)).to_have_attribute("aria-selected", "true")
    page.locator(".mss-component").nth(2).click()
    await_words(page, "source 1: 4", "source 2: 2", "unassigned: 1, 3")
    to_db_of(heard(page), {0, 1, 2, 3})


def check_python_moves_it(page):
    workbench.run_cell(page, "panel.set(owners=[0, 0, 1, 2]); rows.selected = 1")
    await_words(page, "source 1: 1, 2", "source 2: 3", "source 3: 4", "component 2 plays alone")
    expect(page.locator(".mss-zone output")).to_have_text(["2", "1", "1", "0"])
    expect(page.locator('.mss-component[aria-selected="true"]')).to_have_attribute("data-component", "1")
    said = workbench.run_cell(page, "rows.value = (0, 0, 0, 3)")
    assert "from 0 to 2, or -1" in said
    expect(page.locator(".mss-zone output")).to_have_text(["2", "1", "1", "0"])


@pytest.mark.slow(12)
def test_everything_by_the_keyboard_alone(server, page):
    open_explorer(server, page, "factors_keys.ipynb")
    before = page.evaluate(CELLS)
    # One tab stop, and on from there by the arrows; letters reach neither the cells of the notebook nor its commands.
    stops = page.locator('.mss-component[tabindex="0"]')
    expect(stops).to_have_count(1)
    stops.focus()
    for key in ("1", "ArrowDown", "2", "ArrowDown", "ArrowDown", "ArrowDown", "3", "9", *"ddabx"):
        page.keyboard.press(key)
    await_words(page, "source 1: 1", "source 2: 2", "source 3: 4", "unassigned: 3")
    assert (
        page.locator(".mss-component:focus")
        .get_attribute("aria-label")
        .startswith("component 4, source 3, peak at 4000")
    )
    for key in ("Home", "Enter"):
        page.keyboard.press(key)
    await_words(page, "source 1: 1", "source 2: 2", "source 3: 4", "unassigned: 3", "component 1 plays alone")
    to_db_of(heard(page), {0})
    for key in ("ArrowDown", " ", "ArrowUp", "0"):
        page.keyboard.press(key)
    await_words(page, "source 2: 2", "source 3: 4", "unassigned: 1, 3", "component 2 plays alone")
    to_db_of(heard(page), {1})
    for key in ("Escape", "End", "Delete"):
        page.keyboard.press(key)
    await_words(page, "source 2: 2", "unassigned: 1, 3, 4")
    assert value(page) == [[-1, 1, -1, -1], -1]
    # Where something else moves the focus, as a screen reader does, keys mean what is focused.
    page.locator(".mss-component").nth(2).focus()
    expect(stops).to_have_attribute("data-component", "2")
    page.keyboard.press("3")
    await_words(page, "source 2: 2", "source 3: 3", "unassigned: 1, 4")
    assert page.evaluate(CELLS) == before + 1
    assert page.mss_errors == []


@pytest.mark.slow(12)
def test_a_hundred_components_scroll_within_the_card(server, page):
    open_explorer(server, page, "factors_many.ipynb", tuple(range(100, 7100, 70)))
    rows, last = page.locator(".mss-component"), page.locator(".mss-component").nth(99)
    expect(rows).to_have_count(100)
    assert page.locator(".mss-factors").bounding_box()["height"] < 560
    top = page.locator(".mss-factors").bounding_box()["y"]
    rows.first.focus()
    page.keyboard.press("End")
    page.keyboard.press("2")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.startsWith('source 2: 100; ')")
    # The last row is seen, and the page has not moved.
    box, seen = last.bounding_box(), page.locator(".mss-list").bounding_box()
    assert seen["y"] <= box["y"] and box["y"] + box["height"] <= seen["y"] + seen["height"] + 1
    assert page.locator(".mss-factors").bounding_box()["y"] == top
    mouse_drag(page, middle(page, ".mss-component", 97), middle(page, ".mss-zone", 0))
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.startsWith('source 1: 98; ')")
    assert value(page)[0][97:] == [0, -1, 1]
    assert page.mss_errors == []
