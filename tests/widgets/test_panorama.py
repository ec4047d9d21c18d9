"""The panorama without a browser: what it takes, what it refuses, and what it is where no page shows it."""

import base64

import numpy as np
import pytest

from mss_lab import signals
from mss_lab.checks import ShapeError
from mss_lab.widgets import controls, panorama

CENTRES_RAD = (np.arange(90) + 0.5) / 90 * np.pi / 2
# Two sources, at 20.5 and 74.5 degrees; the second a hundredth of the first, so 20 dB below it.
ENERGY = np.where(np.arange(90) == 20, 3.0, 0.0) + np.where(np.arange(90) == 74, 0.03, 0.0)


@pytest.fixture
def window():
    return panorama.window(CENTRES_RAD, ENERGY, (0.3, 0.5), label="Angles that are kept")


def test_the_page_gets_degrees_and_decibels_below_the_highest_bin(window):
    assert window.centres_deg == pytest.approx(np.arange(90) + 0.5)
    assert window.levels_db[20] == pytest.approx(0)
    assert window.levels_db[74] == pytest.approx(-20)
    assert set(np.delete(window.levels_db, [20, 74])) == {-panorama.RANGE_DB}
    assert window.description == "Angles that are kept"


def test_the_value_is_two_floats_wherever_it_comes_from(window):
    assert window.value == (0.3, 0.5)
    for given in ((1, 1.5), [1, 1.5], np.array([1, 1.5])):
        window.value = given
        assert window.value == (1.0, 1.5)
        assert [type(bound) for bound in window.value] == [float, float]


@pytest.mark.parametrize("at", [0, 45, 89])
def test_without_a_start_the_window_lies_around_the_highest_bin(at):
    low, high = np.degrees(panorama.window(CENTRES_RAD, np.arange(90) == at).value)
    assert low <= CENTRES_RAD[at] * 180 / np.pi <= high
    assert high - low == pytest.approx(15)
    assert low >= -1e-9
    assert high <= 90 + 1e-9


def test_silence_has_a_histogram_too():
    silent = panorama.window(CENTRES_RAD, np.zeros(90))
    assert set(silent.levels_db) == {-panorama.RANGE_DB}
    assert silent.png().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ((0.5, 0.3), ValueError, "low angle below its high one"),
        ((0.3, 0.3), ValueError, "low angle below its high one"),
        ((-0.1, 0.3), ValueError, r"value\[0\] must lie between 0 \(left\) and pi/2"),
        ((20, 40), ValueError, "angles are in radians"),
        ((np.nan, 0.3), ValueError, "must be a number, got nan"),
        ((0.3, "0.5"), TypeError, "must be a number"),
        ((0.3, None), TypeError, "must be a number"),
        ((0.3, 0.4, 0.5), TypeError, "two angles in radians"),
        ("ab", TypeError, "two angles in radians"),
        (0.3, TypeError, "two angles in radians"),
        (None, TypeError, "two angles in radians"),
    ],
)
def test_what_is_no_window_is_refused_and_the_old_one_stays(window, value, error, words):
    with pytest.raises(error, match=words):
        window.value = value
    assert window.value == (0.3, 0.5)
    with pytest.raises(error, match=words.replace("value", "start_rad")):
        panorama.window(CENTRES_RAD, ENERGY, value) if value is not None else window.check(value)


def test_a_rounding_beyond_the_ends_is_the_end(window):
    window.value = (-1e-9, np.pi / 2 + 1e-9)
    assert window.value == (0.0, np.pi / 2)


def test_a_refused_value_from_the_page_is_answered_with_the_one_that_holds(window, monkeypatch):
    sent = []
    monkeypatch.setattr(window, "send_state", lambda key=None: sent.append((key, window.value)))
    window.set_state({"value": [0.6, 0.9]})
    assert window.value == (0.6, 0.9)
    assert sent == []
    with pytest.raises(ValueError, match="low angle below"):
        window.set_state({"value": [0.9, 0.6]})
    assert window.value == (0.6, 0.9)
    assert sent == [("value", (0.6, 0.9))]


@pytest.mark.parametrize(
    ("centres_rad", "energy", "error", "words"),
    [
        (CENTRES_RAD[:-1], ENERGY, ShapeError, "the same shape"),
        (CENTRES_RAD[np.newaxis], ENERGY[np.newaxis], ShapeError, r"must be \(bins\)"),
        (CENTRES_RAD[:1], ENERGY[:1], ValueError, "at least two bins"),
        (np.degrees(CENTRES_RAD), ENERGY, ValueError, "pass np.radians"),
        (CENTRES_RAD - 0.1, ENERGY, ValueError, "between 0"),
        (CENTRES_RAD[::-1], ENERGY, ValueError, "must ascend"),
        (CENTRES_RAD + 0j, ENERGY, TypeError, "real angles"),
        (CENTRES_RAD * np.nan, ENERGY, ValueError, "finite"),
        (CENTRES_RAD, -ENERGY, ValueError, "0 or more"),
        (CENTRES_RAD, ENERGY * np.nan, ValueError, "finite"),
    ],
)
def test_what_is_no_histogram_is_refused(centres_rad, energy, error, words):
    with pytest.raises(error, match=words):
        panorama.window(centres_rad, energy)


def test_the_histogram_is_not_written_into():
    centres_rad, energy = CENTRES_RAD.copy(), ENERGY.copy()
    centres_rad.flags.writeable = energy.flags.writeable = False
    panorama.window(centres_rad, energy)


def test_a_panel_follows_it_and_shows_its_picture_where_no_page_does(window):
    def listen(window_rad):
        low, high = window_rad
        return controls.View(
            sound=signals.tone(440, 0.1, 16_000), sample_rate_hz=16_000, text=f"{low:.2f} to {high:.2f}"
        )

    panel = controls.explore(listen, window_rad=window)
    assert panel.view.text == "0.30 to 0.50"
    window.value = (0.6, 0.9)
    assert panel.wait(30)
    assert panel.view.text == "0.60 to 0.90"
    assert panel.set(window_rad=(0.7, 0.8)).text == "0.70 to 0.80"
    data = panel._repr_mimebundle_()[0]
    assert data["text/plain"].startswith("Panel: window_rad=40.1° to 45.8°")
    assert "Angles that are kept 40.1° to 45.8°" in data["text/html"]
    assert window.static()[1] in data["text/html"]


def test_without_a_label_a_panel_names_it_by_its_parameter():
    unnamed = panorama.window(CENTRES_RAD, ENERGY)
    controls.explore(lambda angles: controls.View(), angles=unnamed)
    assert unnamed.description == "Angles"


def test_alone_without_a_page_it_is_a_picture_with_words(window):
    data, metadata = window._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == "Angles that are kept: 17.2° to 28.6°"
    assert data["text/plain"] == "Window: Angles that are kept: 17.2° to 28.6°"
    before = window.png()
    window.value = (0.6, 0.9)
    assert window.png() != before
