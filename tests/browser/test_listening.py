"""Listening tests in a real browser: A/B/X by the keyboard alone, and a page of ratings, saved and continued."""

import csv

import numpy as np
import pytest
from playwright.sync_api import expect

from mss_lab import loudness
from tests.browser import workbench
from tests.browser.test_drawn_inputs import CELLS
from tests.browser.workbench import rendered

pytestmark = pytest.mark.browser

RATE_HZ = 22_050

ABX = """\
import numpy as np
from mss_lab import signals
from mss_lab.widgets import listening

rate = 22_050
noise = signals.noise(2, rate, rng=np.random.default_rng(0)).astype(np.float32) * 0.2
tone = signals.tone(440, 2, rate, amplitude=0.1).astype(np.float32)
session = listening.abx(noise, noise + tone, rate, trials=5, rng=np.random.default_rng(3), title="Is there a tone?")
session
"""
MUSHRA = """\
import numpy as np
from mss_lab import signals
from mss_lab.widgets import listening

rate = 22_050
rng = np.random.default_rng(0)
excerpts = {
    name: (signals.noise(1, rate, rng=rng) * 0.1, {"system": signals.noise(1, rate, rng=rng) * 0.1})
    for name in ("first", "second")
}
session = listening.mushra(excerpts, rate, "Ann", "class ratings")
session
"""
FOCUSED = "() => document.activeElement.getAttribute('aria-label')"
KEY = "[''.join(x) for x in [session._key]][0]"


def tab_to(page, name, *, back=False):
    """Press Tab until the element of this name has the focus."""
    for _ in range(40):
        if page.evaluate(FOCUSED) == name:
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"{name} is not reached by Tab; the focus is on {page.evaluate(FOCUSED)}")


def await_status(page, words):
    page.wait_for_function(
        "(words) => document.querySelector('.mss-form .mss-status').textContent.includes(words)", arg=words
    )


def await_heading(page, words):
    page.wait_for_function(
        "(words) => document.querySelector('.mss-form .mss-title')?.textContent === words", arg=words
    )


@pytest.mark.slow(20)
def test_a_b_x_is_answered_by_keyboard_and_x_is_what_it_is(server, page):
    workbench.write_notebook(server, "abx.ipynb", ABX)
    workbench.open_notebook(page, server, "abx.ipynb")
    workbench.run_all(page, ".mss-form")
    key = workbench.run_cell(page, f"print({KEY})").strip()
    assert len(key) == 5 and set(key) == {"A", "B"}
    cells = page.evaluate(CELLS)
    player = page.locator(".mss-player")
    player.scroll_into_view_if_needed()
    check_nothing_shows_what_x_is(player)
    player.focus()
    for number, letter in enumerate(key, start=1):
        await_heading(page, f"Trial {number} of 5")
        check_x_sounds_like(page, player, letter)
        tab_to(page, f"X is {letter}", back=number > 1)
        # D deletes and A, B, X change cells in the notebook's command mode; none may get through.
        for pressed in ("d", "d", "a", "b", "x", "Enter"):
            page.keyboard.press(pressed)
    await_status(page, "5 of 5 right; by guessing 3.1 % would do at least as well.")
    expect(page.locator(".mss-form .mss-status")).to_have_attribute("role", "status")
    assert workbench.run_cell(page, "print(session.answers, session.result)").strip().startswith(str(tuple(key)))
    assert page.evaluate(CELLS) == cells + 1
    # Further presses do nothing.
    page.locator(".mss-form button").first.press("Enter")
    expect(page.locator(".mss-form .mss-status")).to_contain_text("5 of 5")
    assert page.mss_errors == []


def check_nothing_shows_what_x_is(player):
    expect(player.get_by_role("button", name="Level-matched")).to_have_count(0)
    words = player.inner_text() + str(player.locator("[title]").evaluate_all("(all) => all.map((one) => one.title)"))
    assert " dB" not in words.replace("0 dB", "")
    # No pixel is drawn for any of the three, also when a part of the piece is shown larger.
    ink = """(root) => [...root.querySelectorAll('canvas:not(.mss-axis)')].map((canvas) =>
        canvas.width && canvas.height
            ? canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((x) => x) : false)"""
    for name in "ABX":
        player.get_by_role("button", name=f"Version {name}").click()
        assert not any(player.evaluate(ink))
    player.press("+")
    player.page.wait_for_timeout(100)
    assert not any(player.evaluate(ink))
    player.press("0")


def check_x_sounds_like(page, player, letter):
    """What is heard of X is, sample by sample, what is heard of one of the two."""
    page.wait_for_function(
        "(root) => root.dataset.revision === document.querySelector('.mss-form').dataset.page",
        arg=player.element_handle(),
    )
    a, b, x = (rendered(player, {"version": version}) for version in range(3))
    assert not np.allclose(a, b, atol=1e-3)
    np.testing.assert_array_equal(x, {"A": a, "B": b}[letter])
    assert loudness.loudness_lufs(a, RATE_HZ) == pytest.approx(loudness.loudness_lufs(b, RATE_HZ), abs=0.05)


@pytest.mark.slow(25)
def test_a_page_is_rated_saved_and_continued_after_closing(server, page):
    workbench.write_notebook(server, "mushra.ipynb", MUSHRA)
    workbench.open_notebook(page, server, "mushra.ipynb")
    workbench.run_all(page, ".mss-form input")
    path = server.folder / "class ratings" / "Ann.csv"
    form, sliders = page.locator(".mss-form"), page.locator(".mss-form input")
    await_heading(page, "Excerpt 1 of 2")
    expect(sliders).to_have_count(4)
    check_a_page_waits_for_every_slider(page, form, sliders, path)
    before = page.locator(".mss-player").get_attribute("aria-label")
    form.get_by_role("button", name="Save and go on").press("Enter")
    await_heading(page, "Excerpt 2 of 2")
    expect(form.locator(".mss-status")).to_contain_text("Ann.csv")
    # The focus is still on a button of the form, and the player has the other excerpt.
    assert page.evaluate(FOCUSED) == "Save and finish"
    page.wait_for_function(
        "(old) => document.querySelectorAll('.mss-player').length === 1"
        " && document.querySelector('.mss-player').getAttribute('aria-label') !== old",
        arg=before,
    )
    expect(form.locator("output")).to_have_text(["not rated"] * 4)
    saved = list(csv.DictReader(path.open(encoding="utf-8")))
    assert sorted(float(row["rating"]) for row in saved) == [0, 1, 10, 100]
    assert {row["listener"] for row in saved} == {"Ann"}
    first = saved[0]["trial"]

    # Closed, and opened again with a new kernel: the test goes on where it was.
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_selector(".mss-gone")
    workbench.open_notebook(page, server, "mushra.ipynb")
    workbench.run_all(page, ".mss-form input")
    await_heading(page, "Excerpt 2 of 2")
    assert first not in page.locator(".mss-player").get_attribute("aria-label")
    for index in range(4):
        sliders.nth(index).press("End")
    form.get_by_role("button", name="Save and finish").press("Enter")
    await_status(page, "All 2 excerpts are rated and saved")
    saved = list(csv.DictReader(path.open(encoding="utf-8")))
    assert len(saved) == 8 and [row["trial"] for row in saved].count(first) == 4
    expect(sliders.nth(0)).to_be_disabled()
    assert page.mss_errors == []


def check_a_page_waits_for_every_slider(page, form, sliders, path):
    cells = page.evaluate(CELLS)
    tab_to_form = form.get_by_role("slider", name="Rating of A")
    tab_to_form.focus()
    page.keyboard.press("PageUp")
    for key in "ddabx":
        page.keyboard.press(key)
    assert page.evaluate(CELLS) == cells
    expect(sliders.nth(0)).to_have_attribute("aria-valuetext", "10, bad")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    expect(sliders.nth(1)).to_have_attribute("aria-valuetext", "100, excellent")
    tab_to(page, "Save and go on")
    page.keyboard.press("Enter")
    await_status(page, "not rated yet: C, D; move every slider first")
    assert not path.exists()
    # A slider that stands at 0 and shall stay there: a key, or a click, counts as a rating.
    expect(sliders.nth(2)).to_have_attribute("aria-valuetext", "not rated yet")
    sliders.nth(2).press("Home")
    expect(sliders.nth(2)).to_have_attribute("aria-valuetext", "0, bad")
    sliders.nth(3).press("ArrowRight")
    expect(form.locator("output")).to_have_text(["10", "100", "0", "1"])
    await_status(page, "")
