"""The player's further abilities in a real browser: half speed, muted regions, zoom, saving, and long pieces.

What would be heard is rendered offline from the player's own audio graph and measured in Python.
"""

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.browser import workbench
from tests.browser.workbench import rendered

pytestmark = pytest.mark.browser

RATE_HZ = 16_000
LENGTH_S = 4

OPENING = """\
import numpy as np
from mss_lab import signals
from mss_lab.widgets import player, sounds

rate, length_s = 16_000, 4
low = signals.pan(signals.tone(250, length_s, rate, amplitude=0.4), 0.3).astype(np.float32)
high = signals.pan(signals.tone(2000, length_s, rate, amplitude=0.3), 1.2).astype(np.float32)
noise = signals.noise(length_s, rate, rng=np.random.default_rng(0), channels=2).astype(np.float32) * 0.1
stems = {"low": low, "high": high, "noise": noise}
player.play(stems, rate, "Short: in one message")
"""
# The same sounds on the road of a long piece: chunks of a second, as FLAC.
LONG = """\
sounds.PLAIN_BYTES, sounds.CHUNK_S = 0, 1.0
player.play(stems, rate, "Long / in chunks")
"""


@pytest.fixture
def players(server, page):
    """The player of the short way and that of the long way, once all chunks have arrived."""
    workbench.write_notebook(server, "players.ipynb", OPENING, LONG)
    workbench.open_notebook(page, server, "players.ipynb")
    workbench.run_all(page, ".mss-player >> nth=1")
    short, long = page.locator(".mss-player").nth(0), page.locator(".mss-player").nth(1)
    page.wait_for_function("(root) => root.mssPlayer.loaded() === 1", arg=long.element_handle())
    return short, long


def frequency_hz(signal):
    """The frequency of a tone, from the phase that its analytic signal gains: exact to a small part of a cent."""
    spectrum = np.fft.rfft(signal * np.hanning(len(signal)), 8 * len(signal))
    peak = int(np.abs(spectrum).argmax())
    a, b, c = np.log(np.abs(spectrum[peak - 1 : peak + 2]))
    return (peak + 0.5 * (a - c) / (a - 2 * b + c)) * RATE_HZ / (8 * len(signal))


@pytest.mark.slow(20)
def test_long_and_short_pieces_sound_alike_slow_and_cut(players, page):
    short, long = players
    whole = rendered(short)
    assert whole.shape == (2, LENGTH_S * RATE_HZ)
    check_a_long_piece_sounds_like_a_short_one(short, long, whole)
    for player in players:
        check_half_speed_keeps_the_pitch(player)
        check_a_muted_region_changes_only_itself(player)
    check_half_speed_adds_up(short)
    check_zoom(page, long)
    check_saving(page, long)
    check_the_region_is_muted_by_key(page, short)
    check_playing_slowly(page, long)
    assert page.mss_errors == []


def check_a_long_piece_sounds_like_a_short_one(short, long, whole):
    # Chromium divides the positive integers of a file by 32767 and the negative ones by 32768.
    np.testing.assert_allclose(rendered(long), whole, atol=2e-5)
    # From a place within a chunk, over the seams of chunks.
    part = {"startS": 0.7, "durationS": 2.5}
    np.testing.assert_allclose(rendered(long, **part), rendered(short, **part), atol=2e-5)
    np.testing.assert_allclose(rendered(long, {"solo": ["noise"]}), rendered(short, {"solo": ["noise"]}), atol=2e-5)


def check_half_speed_keeps_the_pitch(player):
    for name, channel, hz in (("low", 0, 250), ("high", 1, 2000)):
        slow = rendered(player, {"solo": [name], "speed": 0.5})
        assert slow.shape == (2, 2 * LENGTH_S * RATE_HZ)
        cents = 1200 * np.log2(frequency_hz(slow[channel, RATE_HZ : 6 * RATE_HZ]) / hz)
        assert abs(cents) < 5, name
    # Half as fast: what begins at 1 s is heard from 2 s on.
    late = {"solo": ["low"], "speed": 0.5, "cuts": {"low": [[0, 1]]}}
    levels = np.abs(rendered(player, late)[0])
    assert levels[: int(1.9 * RATE_HZ)].max() < 1e-3
    assert levels[int(2.1 * RATE_HZ) : int(2.5 * RATE_HZ)].max() > 0.3


def check_half_speed_adds_up(player):
    slow = rendered(player, {"speed": 0.5})
    parts = sum(rendered(player, {"speed": 0.5, "solo": [name]}) for name in ("low", "high", "noise"))
    np.testing.assert_allclose(parts, slow, atol=2e-6)


def check_a_muted_region_changes_only_itself(player):
    whole = rendered(player)
    cut = rendered(player, {"cuts": {"low": [[1, 1.5]]}})
    alone = rendered(player, {"solo": ["low"]})
    change = whole - cut
    outside = np.r_[0:RATE_HZ, round(1.5 * RATE_HZ) : LENGTH_S * RATE_HZ]
    np.testing.assert_allclose(change[:, outside], 0, atol=2e-6)
    inside = slice(round(1.02 * RATE_HZ), round(1.48 * RATE_HZ))
    np.testing.assert_allclose(change[:, inside], alone[:, inside], atol=2e-6)


def check_zoom(page, player):
    view = "(root) => root.mssPlayer.view()"
    player.evaluate("(root) => { root.mssPlayer.seek(1); root.focus(); }")
    assert player.evaluate(view) == [0, 4]
    page.keyboard.press("+")
    page.keyboard.press("+")
    start, end = player.evaluate(view)
    # The place of the play-head stays where it was, a quarter from the left.
    assert end - start == pytest.approx(1)
    assert (1 - start) / (end - start) == pytest.approx(0.25)
    page.keyboard.press("PageDown")
    assert player.evaluate(view) == pytest.approx([start + 0.8, end + 0.8])
    # A click on a strip is a time within the view.
    track = player.locator(".mss-track").first
    box = track.bounding_box()
    track.click(position={"x": box["width"] / 2, "y": 5})
    assert player.evaluate("(root) => root.mssPlayer.position()") == pytest.approx((start + end) / 2 + 0.8, abs=0.01)
    # The map shows the whole piece: its window is dragged to the end.
    window = player.locator(".mss-map-window").bounding_box()
    page.mouse.move(window["x"] + 3, window["y"] + 5)
    page.mouse.down()
    page.mouse.move(window["x"] + 2000, window["y"] + 5)
    page.mouse.up()
    assert player.evaluate(view) == pytest.approx([3, 4])
    player.get_by_role("button", name="Whole piece").click()
    assert player.evaluate(view) == [0, 4]
    track.hover(position={"x": box["width"] / 2, "y": 5})
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    start, end = player.evaluate(view)
    assert end - start < 2
    assert start < 2 < end
    page.keyboard.press("0")


def check_saving(page, player):
    player.evaluate("(root) => root.mssPlayer.set({ solo: ['low'], loop: [1, 2.5], loopOn: true })")
    with page.expect_download() as download:
        player.get_by_role("button", name="Save what is heard").click()
    assert download.value.suggested_filename == "Long-in-chunks.wav"
    saved, rate_hz = soundfile.read(download.value.path())
    assert (rate_hz, saved.shape) == (RATE_HZ, (round(1.5 * RATE_HZ), 2))
    expected = rendered(player, {"loopOn": False}, startS=1, durationS=1.5)
    np.testing.assert_allclose(saved.T, expected, atol=1 / 32767)
    player.evaluate("(root) => root.mssPlayer.set({ solo: [], loop: null, loopOn: false })")


def check_the_region_is_muted_by_key(page, player):
    player.evaluate("(root) => { root.mssPlayer.seek(0); root.focus(); }")
    page.keyboard.press("Alt+Digit2")
    expect(player.locator(".mss-status")).to_contain_text("Choose a region first")
    player.evaluate("(root) => root.mssPlayer.set({ loop: [1, 2], loopOn: false })")
    page.keyboard.press("Alt+Digit2")
    assert player.evaluate("(root) => root.mssPlayer.state().cuts") == {"high": [[1, 2]]}
    button = player.get_by_role("button", name="Mute high within the region")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(player.locator(".mss-status")).to_contain_text("muted from 1.0 to 2.0 s")
    button.click()
    assert player.evaluate("(root) => root.mssPlayer.state().cuts") == {"high": []}


def check_playing_slowly(page, player):
    """The clock of the player runs at half speed, and a new speed goes on from the same place."""
    player.evaluate("(root) => { root.mssPlayer.seek(0.5); root.focus(); return root.mssPlayer.play(); }")
    page.keyboard.press("h")
    page.wait_for_function("(root) => root.mssPlayer.position() > 0.6", arg=player.element_handle())
    elapsed, moved = player.evaluate(
        """async (root) => {
            const [start, from] = [performance.now(), root.mssPlayer.position()];
            await new Promise((done) => setTimeout(done, 1000));
            return [(performance.now() - start) / 1000, root.mssPlayer.position() - from];
        }"""
    )
    assert moved / elapsed == pytest.approx(0.5, abs=0.12)
    check_a_reader_who_looks_elsewhere_is_left_there(page, player)
    before = player.evaluate("(root) => root.mssPlayer.position()")
    page.keyboard.press("h")
    after = player.evaluate("(root) => root.mssPlayer.position()")
    assert 0 <= after - before < 0.5
    player.evaluate("(root) => root.mssPlayer.pause()")


def check_a_reader_who_looks_elsewhere_is_left_there(page, player):
    view = "(root) => root.mssPlayer.view()"
    page.keyboard.press("+")
    page.keyboard.press("+")
    for _ in range(5):
        page.keyboard.press("PageDown")
    assert player.evaluate(view) == [3, 4]
    page.wait_for_timeout(300)
    assert player.evaluate("(root) => root.mssPlayer.position()") < 3
    assert player.evaluate(view) == [3, 4]
    page.keyboard.press("0")
