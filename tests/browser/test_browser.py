"""The workbook in a real browser: the player sounds as its buttons say, controls answer, lesson 00 works.

The audio graph of the player is rendered by an OfflineAudioContext, through the same function that plays, and what
comes out is measured in the page.
"""

import shutil

import pytest
from playwright.sync_api import expect

from tests.browser import workbench
from tests.paths import NOTEBOOKS

pytestmark = pytest.mark.browser

LESSON_00 = NOTEBOOKS / "00_unmix_in_five_minutes.ipynb"

# Two tones a sample rate apart from nothing: every gain in the graph can be told from the level of one frequency.
TWO_TONES = """\
import numpy as np
from mss_lab import signals
from mss_lab.widgets import controls, player
from matplotlib.figure import Figure

rate = 16_000
low = signals.pan(signals.tone(250, 3, rate, amplitude=0.4), 0.3).astype(np.float32)
high = signals.pan(signals.tone(2000, 3, rate, amplitude=0.3), 1.2).astype(np.float32)
half = {"low": low / 2, "high": high / 2}
player.play({"whole": {"low": low, "high": high}, "half": half}, rate, "Two tones")
"""
SECOND_PLAYER = """\
another = player.play({"known": {"other": low}, "A": {"other": high}}, rate, "Another", by_ear=True)
another
"""
PANEL = """\
def look(level_db):
    if level_db == -1:
        raise ValueError("not this one")
    figure = Figure(figsize=(4, 1))
    figure.subplots().plot([0, level_db])
    return controls.View(figure, low * 10 ** (level_db / 20), rate, f"level is {level_db} dB")


panel = controls.explore(look, level_db=controls.slider(-10, 0, -3, unit="dB"))
panel
"""

# Level of one frequency in a channel of what `renderOffline` gives, from 0.1 s on, where every fade has ended.
MEASURE = """async (root, [changes, options]) => {
    const rate = 16000;
    const channels = await root.mssPlayer.renderOffline(changes, options);
    return channels.map((samples) => [250, 2000].map((hz) => {
        const from = Math.round((options.measureS ?? 0.1) * rate);
        const count = rate / 2;
        let [re, im] = [0, 0];
        for (let i = 0; i < count; i++) {
            re += samples[from + i] * Math.cos((2 * Math.PI * hz * i) / rate);
            im += samples[from + i] * Math.sin((2 * Math.PI * hz * i) / rate);
        }
        return (2 * Math.hypot(re, im)) / count;
    }));
}"""
# Left and right of a tone panned to 0.3 rad, times its amplitude; the other lies at 1.2 rad.
LOW = (0.4 * 0.955336, 0.4 * 0.295520)
HIGH = (0.3 * 0.362358, 0.3 * 0.932039)


def levels(player, state=None, /, **options):
    """[[left low, left high], [right low, right high]] of what the player would sound like."""
    return player.evaluate(MEASURE, [state or {}, options])


def expected(low, high):
    return [[pytest.approx(low * LOW[side], abs=2e-4), pytest.approx(high * HIGH[side], abs=2e-4)] for side in (0, 1)]


@pytest.mark.slow(9)
def test_the_player_sounds_as_it_says_and_the_panel_follows(server, page):
    workbench.write_notebook(server, "two_tones.ipynb", TWO_TONES, SECOND_PLAYER, PANEL)
    workbench.open_notebook(page, server, "two_tones.ipynb")
    workbench.run_all(page, ".mss-picture[data-revision]")
    players = page.locator(".mss-player")
    expect(players).to_have_count(3)
    first, second = players.nth(0), players.nth(1)

    check_the_graph(first)
    check_the_transport(page, first, second)
    check_the_keys(page, first)
    check_only_the_first_version_is_drawn(second)
    check_the_panel(page)
    check_other_stems_are_drawn(page, second)
    check_nothing_stays_behind(page, first.element_handle())
    assert page.mss_errors == []


def check_the_graph(player):
    assert levels(player) == expected(1, 1)
    assert levels(player, {"solo": ["low"]}) == expected(1, 0)
    assert levels(player, {"mute": ["low"]}) == expected(0, 1)
    assert levels(player, {"solo": ["low"], "mute": ["low"]}) == expected(1, 0)
    assert levels(player, {"levelsDb": {"high": -20}}) == expected(1, 0.1)
    assert levels(player, {"levelsDb": {"high": -48}}) == expected(1, 0)
    assert levels(player, {"masterDb": -20}) == expected(0.1, 0.1)
    # The second version is half as loud, and level-matched unless that is switched off.
    assert levels(player, {"version": 1}) == expected(1, 1)
    assert levels(player, {"version": 1, "levelMatched": False}) == expected(0.5, 0.5)
    # A switch on the way: the first version before it, the second after it.
    change = [{"atS": 1.0, "state": {"version": 1, "levelMatched": False}}]
    assert levels(player, {}, changes=change) == expected(1, 1)
    assert levels(player, {}, changes=change, measureS=1.1) == expected(0.5, 0.5)
    check_the_switch_has_no_gap(player)
    check_the_loop_repeats(player)


def check_the_switch_has_no_gap(player):
    largest = player.evaluate(
        """async (root) => {
            const plain = await root.mssPlayer.renderOffline({}, {});
            const changes = [{ atS: 1, state: { version: 1 } }];
            const switched = await root.mssPlayer.renderOffline({}, { changes });
            return Math.max(...plain[0].map((sample, i) => Math.abs(sample - switched[0][i])));
        }"""
    )
    # Level-matched, both versions are one signal: a crossfade between them must not be heard at all.
    assert largest < 2e-3


def check_the_loop_repeats(player):
    # Neither the start nor the length of the region is a whole number of periods, so a wrong bound shows. Where the
    # loop closes, its end is crossfaded with its beginning for 5 ms, so that there is no click.
    repeats, steepest, steepest_at_seams = player.evaluate(
        """async (root) => {
            const [rate, start, length, seam] = [16000, 8016, 6403, 80];
            const state = { loop: [start / rate, (start + length) / rate], loopOn: true };
            const [plain] = await root.mssPlayer.renderOffline({}, {});
            const [left] = await root.mssPlayer.renderOffline(state, { startS: start / rate, durationS: 1.5 });
            let [largest, steepest, atSeams] = [0, 0, 0];
            for (let i = 0.1 * rate; i < left.length; i++) {
                const step = Math.abs(left[i] - left[i - 1]);
                if (i % length > seam) {
                    largest = Math.max(largest, Math.abs(left[i] - plain[start + (i % length)]));
                    steepest = Math.max(steepest, step);
                } else if (i > length) atSeams = Math.max(atSeams, step);
            }
            return [largest, steepest, atSeams];
        }"""
    )
    assert repeats < 1e-4
    assert steepest_at_seams < 1.05 * steepest


def check_the_transport(page, first, second):
    first.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("(root) => Number(root.dataset.position) > 0.2", arg=first.element_handle())
    assert first.evaluate("(root) => root.mssPlayer.contextState()") == "running"
    # One player at a time.
    second.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("(root) => Number(root.dataset.position) > 0.1", arg=second.element_handle())
    assert not first.evaluate("(root) => root.mssPlayer.playing()")
    second.get_by_role("button", name="Pause").click()
    stopped = second.evaluate("(root) => root.mssPlayer.position()")
    page.wait_for_timeout(150)
    assert second.evaluate("(root) => root.mssPlayer.position()") == stopped
    # Started shortly before its end, a player stops by itself and goes back.
    second.evaluate("(root) => { root.mssPlayer.seek(2.8); return root.mssPlayer.play(); }")
    page.wait_for_function("(root) => !root.mssPlayer.playing()", arg=second.element_handle())
    assert second.evaluate("(root) => root.mssPlayer.position()") == 0


def check_the_keys(page, player):
    cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    before = page.evaluate(cells)
    state = "(root) => root.mssPlayer.state()"
    player.evaluate("(root) => { root.mssPlayer.seek(0); root.focus(); }")
    # D deletes and A, B, X, Z, M, Y change cells in the notebook's command mode; none may get through.
    for key in ("1", "Shift+Digit2", "v", "d", "d", "a", "b", "x", "m", "y", "ArrowRight"):
        page.keyboard.press(key)
    now = player.evaluate(state)
    assert (now["solo"], now["mute"], now["version"]) == (["low"], ["high"], 1)
    assert player.evaluate("(root) => root.mssPlayer.position()") == pytest.approx(1.0)
    page.keyboard.press("i")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("o")
    now = player.evaluate(state)
    assert now["loopOn"]
    assert now["loop"] == pytest.approx([1.0, 2.0])
    page.keyboard.press(" ")
    assert player.evaluate("(root) => root.mssPlayer.playing()")
    page.keyboard.press(" ")
    assert not player.evaluate("(root) => root.mssPlayer.playing()")
    page.keyboard.press("l")
    assert not player.evaluate(state)["loopOn"]
    assert page.evaluate(cells) == before
    expect(player.get_by_role("button", name="Solo low")).to_have_attribute("aria-pressed", "true")
    expect(player.get_by_role("slider", name="Level of high")).to_have_attribute("aria-valuetext", "0 dB")


def check_only_the_first_version_is_drawn(player):
    painted = """(root) => [...root.querySelectorAll(".mss-wave, .mss-spectrogram")].map((canvas) =>
        canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"""
    assert player.evaluate(painted) == [True, True]
    player.evaluate("(root) => root.mssPlayer.set({ version: 1 })")
    assert player.evaluate(painted) == [False, False]
    assert "dB" not in player.get_by_role("button", name="Level-matched").get_attribute("title")


def check_the_panel(page):
    picture, words, sound = page.locator(".mss-picture"), page.locator(".mss-words"), page.locator(".mss-player").last
    expect(words).to_have_text("level is -3 dB")
    before = picture.get_attribute("src")
    sound.evaluate("(root) => { root.mssPlayer.set({ loopOn: true }); return root.mssPlayer.play(); }")
    handle = page.locator(".noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent === 'level is -2 dB'")
    page.wait_for_function("(old) => document.querySelector('.mss-picture').src !== old", arg=before)
    # The sound was exchanged under the running player.
    assert sound.evaluate("(root) => root.mssPlayer.playing()")
    revision = int(sound.get_attribute("data-revision"))
    assert revision > 1
    page.wait_for_function(
        "([root, revision]) => root.mssPlayer.heardRevision() === revision", arg=[sound.element_handle(), revision]
    )
    measured = levels(sound, {"loopOn": False})
    assert measured[0][0] == pytest.approx(LOW[0] * 10 ** (-2 / 20), abs=2e-4)
    sound.evaluate("(root) => root.mssPlayer.pause()")
    # An error is said in words, and the next value mends it.
    handle.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.includes('not this one')")
    handle.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent === 'level is 0 dB'")


def check_other_stems_are_drawn(page, player):
    """The spectrograms of a new sound follow it, also where it has more stems than the one before."""
    workbench.run_cell(page, "another.replace({'a': low, 'b': high, 'c': low}, rate)")
    page.wait_for_function(
        """(root) => {
            const strips = [...root.querySelectorAll(".mss-spectrogram")];
            const colours = (canvas) => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return new Set(new Uint32Array(data.buffer)).size;
            };
            return strips.length === 3 && strips.every((canvas) => colours(canvas) > 20);
        }""",
        arg=player.element_handle(),
    )


def check_nothing_stays_behind(page, player):
    assert player.evaluate("(root) => root.mssPlayer.contextState()") in ("running", "suspended")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs'); }")
    page.wait_for_function("() => !document.querySelector('.mss-player')")
    page.wait_for_function("(root) => root.mssPlayer.contextState() === 'closed'", arg=player)


@pytest.mark.slow(22)
def test_lesson_00_plays_follows_and_grades(server, page):
    shutil.copy(LESSON_00, server.folder / LESSON_00.name)
    workbench.open_notebook(page, server, LESSON_00.name)
    workbench.run_all(page, ".mss-player")
    several = page.locator(".mss-player").filter(has_text="The truth, and unmixed")
    several.scroll_into_view_if_needed()
    check_solo_and_mute_add_up(several)
    several.evaluate("(root) => root.mssPlayer.play()")
    page.wait_for_function("(root) => Number(root.dataset.position) > 0.2", arg=several.element_handle())
    several.evaluate("(root) => root.mssPlayer.pause()")

    picture, words = page.locator(".mss-picture").first, page.locator(".mss-words").first
    picture.scroll_into_view_if_needed()
    drawn, said = picture.get_attribute("src"), words.inner_text()
    handle = page.locator(".noUi-handle").first
    handle.focus()
    for _ in range(4):
        handle.press("ArrowRight")
    page.wait_for_function("(old) => document.querySelector('.mss-words').textContent !== old", arg=said)
    page.wait_for_function("(old) => document.querySelector('.mss-picture').src !== old", arg=drawn)

    wrong = workbench.run_cell(page, 'lab.check("0.1", round(220 / (44_100 / 4096)))')
    assert "the bin of the fundamental" in wrong
    right = workbench.run_cell(page, 'lab.check("0.1", round(2 * 220 / (44_100 / 4096)))')
    assert "right" in right.lower()
    assert "The note's first harmonic is in bin 20" in right
    assert page.mss_errors == []


def check_solo_and_mute_add_up(player):
    """Soloed alone and muted alone, a stem and the rest are the whole; and neither is silent."""
    found = player.evaluate(
        """async (root) => {
            const names = [...root.querySelectorAll('.mss-name')].map((item) => item.title);
            const options = { startS: 0, durationS: 5 };
            const [whole] = await root.mssPlayer.renderOffline({}, options);
            const energy = (samples) => samples.reduce((sum, x) => sum + x * x, 0);
            const shares = [];
            for (const name of names) {
                const [solo] = await root.mssPlayer.renderOffline({ solo: [name] }, options);
                const [rest] = await root.mssPlayer.renderOffline({ mute: [name] }, options);
                const error = whole.map((x, i) => x - solo[i] - rest[i]);
                shares.push([name, energy(solo) / energy(whole), energy(error) / energy(whole)]);
            }
            return shares;
        }"""
    )
    assert len(found) == 4
    for name, share, error in found:
        assert 0.005 < share < 0.995, name
        assert error < 1e-8, name
