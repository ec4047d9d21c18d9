"""The query panel in a real JupyterLab: instruments, points of the map, files and levels, by mouse and by keyboard."""

import base64

import numpy as np
import pytest
from playwright.sync_api import expect

from mss_lab import audio, signals
from tests.browser import workbench
from tests.browser.workbench import rendered

pytestmark = pytest.mark.browser

RATE_HZ = 16_000
CELL = """\
import base64
import numpy as np
from mss_lab import signals
from mss_lab.widgets import query_panel

rate = 16_000
mixture = sum(signals.harmonic_tone(hz, 2.0, rate, amplitude=0.2) for hz in (220, 740)).astype(np.float32)
panel = query_panel.panel(mixture, rate)
panel
"""
STATE = """\
panel.wait()
print(panel._form.query, panel._form.level, base64.b64encode(panel.selected.astype("<f4").tobytes()).decode(), sep="|")
"""


def state(page):
    """The query and the level of the kernel, and what it has selected."""
    query, level, selected = workbench.run_cell(page, STATE).strip().split("|")
    return eval(query), float(level), np.frombuffer(base64.b64decode(selected), "<f4")[None]


def await_point(page, expected, tolerance):
    """Edits travel beside cells: wait until the query of the kernel is this point of the map; return the state."""
    states = []

    def check():
        states.append(state(page))
        np.testing.assert_allclose(states[-1][0].get("point", np.nan), expected, rtol=0, atol=tolerance)

    workbench.eventually(page, check)
    return states[-1]


def check_sound(page, selected):
    """What is heard when the selected part is soloed is what the kernel has, and with the rest it is the mixture."""
    shown = page.locator(".mss-player")
    mixture = sum(signals.harmonic_tone(hz, 2.0, RATE_HZ, amplitude=0.2) for hz in (220, 740))

    def check():
        whole = rendered(shown)
        gain = np.sum(whole * mixture) / np.sum(mixture**2)
        np.testing.assert_allclose(whole, gain * np.broadcast_to(mixture, whole.shape), atol=1e-3)
        alone = rendered(shown, {"solo": ["selected"]})
        np.testing.assert_allclose(alone, gain * np.broadcast_to(selected, alone.shape), atol=1e-3)

    workbench.eventually(page, check)


@pytest.mark.slow(15)
def test_queries_of_every_kind_select_by_mouse_and_by_keyboard(server, page, tmp_path):
    workbench.write_notebook(server, "query.ipynb", CELL)
    workbench.open_notebook(page, server, "query.ipynb")
    workbench.run_all(page, ".mss-query")
    page.wait_for_selector(".mss-player")
    query, level, selected = state(page)
    assert (query, level) == ({"instrument": "clarinet"}, 1)
    check_sound(page, selected)

    # A menu, by keyboard: a letter goes to the next entry that begins with it.
    menu = page.get_by_role("combobox", name="Instrument")
    menu.focus()
    page.keyboard.type("cel")
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.startsWith('cello')")
    query, _, of_cello = state(page)
    assert query == {"instrument": "cello"}
    check_sound(page, of_cello)
    assert not np.allclose(of_cello, selected, atol=1e-3)

    # A point, by mouse: dragged from where it lies to the left upper quarter.
    area = page.locator(".mss-plane")
    area.scroll_into_view_if_needed()
    box, handle = area.bounding_box(), page.get_by_role("slider", name="Point of the map")
    ring = handle.bounding_box()
    page.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
    page.mouse.down()
    for share in (0.5, 0.25):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
    page.mouse.up()
    bounds = np.array(workbench.run_cell(page, "print(*panel._map.bounds[0], *panel._map.bounds[1])").split(), float)
    expected = [bounds[0] + 0.25 * (bounds[1] - bounds[0]), bounds[3] - 0.25 * (bounds[3] - bounds[2])]
    query, _, at_point = await_point(page, expected, 0.06)
    check_sound(page, at_point)
    expect(menu).to_have_value("")

    # By keyboard: a step is a hundredth of the map, and Shift makes it ten.
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    steps = (bounds[1] - bounds[0]) / 100, -(bounds[3] - bounds[2]) / 10
    await_point(page, np.add(query["point"], steps), 1e-6)

    # A file; a letter instead of one is refused in words.
    (tmp_path / "letter.wav").write_text("Dear reader, " * 1000)
    page.get_by_label("Query, an audio file").set_input_files(tmp_path / "letter.wav")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.includes('could not be read')")
    audio.write_audio(tmp_path / "mine.wav", signals.harmonic_tone(330, 1.0, RATE_HZ), RATE_HZ)
    page.get_by_label("Query, an audio file").set_input_files(tmp_path / "mine.wav")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.startsWith('what mine.wav plays')")
    query, _, of_file = state(page)
    assert query == {"recording": "mine.wav"}
    check_sound(page, of_file)
    np.testing.assert_allclose(rendered(page.locator(".mss-player"), {"version": 1})[:, RATE_HZ + 200 :], 0, atol=1e-4)

    # Levels, by keyboard: eleven steps of a twentieth.
    page.get_by_role("slider", name="Level", exact=True).focus()
    for _ in range(11):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.includes('45%')")
    expect(page.locator(".mss-words")).to_contain_text("55% level 2 of what mine.wav plays")
    _, level, blend = state(page)
    assert level == pytest.approx(1.55)
    check_sound(page, blend)
    assert not np.allclose(blend, of_file, atol=1e-4)
    assert page.mss_errors == []
