"""What all widgets share in a real browser: accessibility, themes, a kernel that is gone, pages without a kernel.

axe-core (Deque Systems) judges roles, names, contrast and keyboard access; it comes with a package for tests.
"""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from mss_lab import signals
from mss_lab.widgets import player
from tests.browser import workbench
from tests.browser.workbench import rendered

pytestmark = pytest.mark.browser

RATE_HZ = 16_000

WIDGETS = """\
import numpy as np
from mss_lab import signals
from mss_lab.widgets import controls, kernel_grid, panorama, player

rate = 16_000
low = signals.tone(250, 2, rate, amplitude=0.4).astype(np.float32)
high = signals.tone(2000, 2, rate, amplitude=0.3).astype(np.float32)
player.play({"A": {"low": low, "high": high}, "B": {"low": high, "high": low}}, rate, "Two versions")
"""
PANEL = """\
centres_rad = np.linspace(0.05, 1.5, 30)


def look(window_rad, kernel, level_db):
    return controls.View(sound=low, sample_rate_hz=rate, text=f"{level_db} dB")


controls.explore(
    look,
    window_rad=panorama.window(centres_rad, np.ones(30)),
    kernel=kernel_grid.grid(5, 5),
    level_db=controls.slider(-10, 0, -3, unit="dB"),
)
"""
EDITORS = """\
from mss_lab.score.notes import Note, Score
from mss_lab.widgets import factors, mask_painter, piano_roll

score = Score((Note("flute", 59, 0, 1), Note("horn", 71, 1, 2)), ("flute", "horn", "cello"))
empty = piano_roll.editor(Score((), ("flute",)))
roll = piano_roll.editor(score, low + high, rate, support=[0.9, 0.1], label="Notes")
roll.anchors, roll.selected = [(0.5, 0.6), (1, 1)], [0]
rng = np.random.default_rng(0)
rows = factors.explorer(rng.random((129, 3)), rng.random((3, 40)), rate, sources=2, label="Whose?")
rows.value = (0, 1, -1)
display(mask_painter.painter(low + high, rate, label="Kept"), rows, roll, empty)
"""
LISTENING = """\
from IPython.display import display
from mss_lab.metrics import listening as judge
from mss_lab.widgets import listening

display(listening.abx(low, high, rate, rng=np.random.default_rng(0)))
page = listening.rate(judge.trial(low, {"other": high}, rate, rng=np.random.default_rng(0)), rate)
page.set(A=70)
page._form.say("An error is said like this", "error")
page
"""
QUERY = """\
from mss_lab.widgets import query_panel

query_panel.panel((low + high)[:1], rate)
"""
OWN = """\
from mss_lab.widgets import own

own_panel = own.panel()
own_panel.open(low, rate)
own_panel
"""
# Of JupyterLab's page only what a widget of ours has made is judged.
OURS = ".mss-card"
# What axe calls these is described at https://dequeuniversity.com/rules/axe/.
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# JupyterLab's body has no height and hides what overflows it. All that it holds is shown, but axe counts texts in it as
# invisible, and would judge the contrast of none; nor does it judge texts outside of the window.
SHOW_THE_BODY = "body { overflow: visible !important; }"
SHRUNK = """() => [...document.querySelectorAll('.mss-card canvas')]
    .filter((canvas) => canvas.clientWidth > 1 && canvas.width === 1).map((canvas) => canvas.className)"""
TALL_PX, LEAST_TEXTS = 8_000, 150


def faults(page):
    """What axe finds in the widgets on the page, a line for each fault."""
    page.add_style_tag(content=SHOW_THE_BODY)
    # JupyterLab shows an output that lies outside of the window only when it is scrolled to.
    for card in page.locator(OURS).all():
        card.scroll_into_view_if_needed()
    result = Axe().run(page, context=OURS, options={"runOnly": LEVELS}).response
    judged = [len(rule["nodes"]) for rule in result["passes"] if rule["id"] == "color-contrast"]
    lines = [f"color-contrast was not judged: {judged} texts"] if sum(judged) < LEAST_TEXTS else []
    for rule in result["violations"]:
        lines += [f"{rule['id']}: {node['html'][:150]}: {node['failureSummary']}" for node in rule["nodes"]]
    return lines


@pytest.mark.slow(40)
def test_widgets_are_accessible_in_both_themes_and_say_when_the_kernel_is_gone(server, page):
    workbench.write_notebook(server, "frame.ipynb", WIDGETS, PANEL, LISTENING, EDITORS, QUERY, OWN)
    page.set_viewport_size({"width": 1280, "height": TALL_PX})
    workbench.open_notebook(page, server, "frame.ipynb")
    workbench.run_all(page, ".mss-own")
    page.locator(".mss-own summary").click()
    page.locator(".mss-roll summary").first.click()
    assert faults(page) == []
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
    assert faults(page) == []
    # JupyterLab hides its page for a moment when the theme changes; what is drawn in that moment must stay large.
    page.wait_for_timeout(500)
    assert page.evaluate(SHRUNK) == []

    # The check can fail: a button without a name, and a text that is hardly lighter than what is behind it.
    page.locator(OURS).first.evaluate("(card) => card.append(document.createElement('button'))")
    page.locator(".mss-roll .mss-hint").last.evaluate("(hint) => { hint.style.color = '#777'; }")
    assert {line.partition(":")[0] for line in faults(page)} == {"button-name", "color-contrast"}

    first = page.locator(".mss-player").first
    before = rendered(first)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_selector(".mss-gone")
    words = page.locator(".mss-gone").first
    words.scroll_into_view_if_needed()
    page.wait_for_function("(words) => words.innerText.includes('Run the cell again')", arg=words.element_handle())
    # What the page has can still be heard.
    np.testing.assert_array_equal(rendered(first), before)
    for kind in ("player", "panorama", "kernel", "form", "painter", "factors", "roll", "query", "own"):
        expect(page.locator(f".mss-{kind}").first).to_have_attribute("data-connected", "false")
    assert page.mss_errors == []


@pytest.mark.slow(6)
@pytest.mark.parametrize("rate_hz", [RATE_HZ, 22_000])
def test_an_exported_page_plays_its_stems_without_a_kernel(page, tmp_path, monkeypatch, rate_hz):
    monkeypatch.setenv("MSS_LAB_PAGES", "1")
    monkeypatch.setattr(player, "FALLBACK_S", 2.0)
    ticks = signals.clicks([0.5, 1.0, 1.5], 3, rate_hz, amplitude=0.5) + signals.tone(300, 3, rate_hz, amplitude=0.1)
    stems = {
        "</script>clicks": signals.pan(ticks, 0.3).astype(np.float32),
        "tone": signals.pan(signals.tone(440, 3, rate_hz, amplitude=0.3), 1.2).astype(np.float32),
    }
    made = player.play({"truth": stems, "half": {name: wave / 2 for name, wave in stems.items()}}, rate_hz, "Export")
    _png, html = made.static()
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html><meta charset='utf-8'><body>{html}</body>", encoding="utf-8")

    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function("() => document.querySelector('.mss-player')?.mssPlayer.loaded() === 1")
    shown = page.locator(".mss-player")
    expect(shown).to_contain_text("Export (the first 2 s)")
    samples = 2 * rate_hz
    for name, stem in stems.items():
        sound = rendered(shown, {"solo": [name]})
        assert sound.shape == (2, samples)
        # All stems start where they should: a file compressed with loss often begins late.
        for channel in (0, 1):
            inner = sound[channel, 4000:-4000]
            lags = np.abs(np.correlate(stem[channel, 2000 : samples - 2000], inner, "valid"))
            if "clicks" in name:
                assert lags.argmax() == 2000
            assert np.corrcoef(inner, stem[channel, 4000 : samples - 4000])[0, 1] > 0.99
    half = rendered(shown, {"version": 1, "levelMatched": False})
    np.testing.assert_allclose(np.abs(half).max(), np.abs(rendered(shown)).max() / 2, rtol=0.1)
    shown.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("(root) => Number(root.dataset.position) > 0.2", arg=shown.element_handle())
    assert page.mss_errors == []
