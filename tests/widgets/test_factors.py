"""The factor explorer without a browser: its value, what it refuses, and what it is where no page shows it."""

import base64

import numpy as np
import pytest

from mss_lab import transforms
from mss_lab.checks import ShapeError
from mss_lab.nmf import assigned
from mss_lab.widgets import controls, factors

RATE_HZ = 16_000
SETTINGS = transforms.settings_for(RATE_HZ)
BINS = SETTINGS["window_samples"] // 2 + 1


def factors_for(count, frames=43, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((BINS, count)), rng.random((count, frames))


@pytest.fixture
def rows():
    return factors.explorer(*factors_for(5), RATE_HZ, sources=("voice", "guitar", "bass"), label="Whose is it?")


def test_it_starts_without_sources_or_as_asked(rows):
    assert rows.value == (-1,) * 5
    assert rows.names == ("voice", "guitar", "bass")
    assert rows.description == "Whose is it?"
    made = factors.explorer(*factors_for(3), RATE_HZ, groups=np.array([1, 0, -1]))
    assert made.value == (1, 0, -1)
    assert made.names == ("source 1", "source 2")
    assert {type(owner) for owner in made.value} == {int}


def test_a_template_is_drawn_at_its_frequency_and_an_activation_at_its_time():
    templates, activations = np.zeros((BINS, 2)), np.zeros((2, 1000))
    templates[100, 0], templates[300, 1] = 2.0, 1.0
    activations[0, 500], activations[1, 999] = 1.0, 0.5
    made = factors.explorer(templates, activations, RATE_HZ)
    spectra = np.frombuffer(made.templates, np.uint8).reshape(2, -1)
    curves = np.frombuffer(made.activations, np.uint8).reshape(2, -1)
    edges_hz = made.content["edgesHz"]
    for k, bin_number in enumerate((100, 300)):
        hz = bin_number * RATE_HZ / SETTINGS["window_samples"]
        (row,) = np.flatnonzero(spectra[k])
        assert edges_hz[row] <= hz < edges_hz[row + 1]
        assert made.content["peaksHz"][k] == pytest.approx(hz)
    # A thousand frames in columns of three; a template's peak scales its activation, and both share one scale.
    assert np.flatnonzero(curves[0]).tolist() == [166] and np.flatnonzero(curves[1]).tolist() == [333]
    assert curves.max(axis=1).tolist() == [255, round(255 * 0.25**0.5)]
    assert made.content["energies"] == pytest.approx([16 / 17, 1 / 17])


def test_a_selection_computes_the_sound_of_a_panel_again(rows):
    mixture = np.random.default_rng(0).uniform(-1, 1, (1, RATE_HZ)).astype(np.float32)
    shares = assigned.Shares(mixture, *factors_for(5), **SETTINGS)
    panel = controls.explore(
        lambda owners: controls.View(sound=rows.stems(shares, owners), sample_rate_hz=RATE_HZ), owners=rows
    )
    assert list(panel.view.sound) == ["voice", "guitar", "bass", "unassigned"]
    rows.value = (0, 0, 1, 2, 2)
    assert panel.wait(30)
    assert list(panel.view.sound) == ["voice", "guitar", "bass"]
    np.testing.assert_allclose(sum(panel.view.sound.values()), mixture, atol=1e-5)
    rows.selected = 3
    assert panel.wait(30)
    np.testing.assert_array_equal(panel.view.sound["component 4"], shares.component(3))
    assert panel.values == {"owners": (0, 0, 1, 2, 2)}
    rows.selected = -1
    assert panel.wait(30)
    assert list(panel.view.sound) == ["voice", "guitar", "bass"]


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ((0, 1), ShapeError, "5 components, got 2"),
        ((0, 1, 2, 3, 0), ValueError, "from 0 to 2, or -1"),
        ((0.5,) * 5, TypeError, "whole numbers"),
        ("abcde", TypeError, "array of numbers"),
        (None, TypeError, "array of numbers"),
    ],
)
def test_what_is_no_assignment_is_refused_and_the_old_one_stays(rows, value, error, words):
    rows.value = [0, 1, 2, -1, 0]
    with pytest.raises(error, match=words):
        rows.value = value
    assert rows.value == (0, 1, 2, -1, 0)
    if value is not None:
        with pytest.raises(error, match=words):
            factors.explorer(*factors_for(5), RATE_HZ, sources=3, groups=value)


def test_a_refused_value_from_the_page_is_answered_with_the_one_that_holds(rows, monkeypatch):
    sent = []
    monkeypatch.setattr(rows, "send_state", lambda key=None: sent.append(key))
    with pytest.raises(ValueError, match="from 0 to 2"):
        rows.set_state({"value": [0, 0, 0, 0, 9]})
    assert "value" in sent and rows.value == (-1,) * 5


@pytest.mark.parametrize("selected", [5, -2])
def test_a_component_that_does_not_exist_cannot_be_selected(rows, selected):
    with pytest.raises(ValueError, match="from 0 to 4"):
        rows.selected = selected
    with pytest.raises(ValueError, match="selected must be"):
        rows.set_state({"selected": selected})
    assert rows.selected == -1


@pytest.mark.parametrize(
    ("templates", "activations", "error", "words"),
    [
        (*factors_for(101), ValueError, "at most 100 components.*got 101"),
        (np.ones((9, 0)), np.ones((0, 9)), ShapeError, "at least one component"),
        (np.ones((9, 2)), np.ones((2, 0)), ShapeError, "at least one component"),
        (np.ones((9, 2)), np.ones((3, 9)), ShapeError, "2 templates, got 3"),
        (np.ones(9), np.ones((2, 9)), ShapeError, "freq, components"),
        (np.ones((9, 2)), np.ones(9), ShapeError, "components, frames"),
        (-np.ones((9, 2)), np.ones((2, 9)), ValueError, "0 or more"),
        (np.full((9, 2), np.nan), np.ones((2, 9)), ValueError, "finite"),
        (np.ones((9, 2)), np.full((2, 9), np.inf), ValueError, "finite"),
        (np.ones((9, 2)) * 1j, np.ones((2, 9)), TypeError, "real"),
    ],
)
def test_what_is_no_factorisation_is_refused(templates, activations, error, words):
    with pytest.raises(error, match=words):
        factors.explorer(templates, activations, RATE_HZ)


@pytest.mark.parametrize(
    ("sources", "error", "words"),
    [
        (1, ValueError, "at least 2 and at most 9"),
        (10, ValueError, "at least 2 and at most 9"),
        ("voice", TypeError, "pass their names"),
        (["voice"], ValueError, "2 to 9 different names"),
        (list("abcdefghij"), ValueError, "2 to 9"),
        (["a", "a"], ValueError, "different names"),
        (["a", "unassigned"], ValueError, "none of them 'unassigned'"),
        ([1, 2], TypeError, "in quotes"),
    ],
)
def test_what_names_no_sources_is_refused(sources, error, words):
    with pytest.raises(error, match=words):
        factors.explorer(*factors_for(3), RATE_HZ, sources=sources)


@pytest.mark.slow(3)
@pytest.mark.parametrize("count", [1, 100])
def test_one_component_and_a_hundred_are_shown_in_one_frame_and_in_many(count):
    for frames in (1, 900):
        made = factors.explorer(*factors_for(count, frames), RATE_HZ, sources=9, groups=[8] * count)
        assert len(made.templates) == count * made.content["rows"]
        assert len(made.activations) == count * made.content["columns"] <= count * 400
        assert made.png().startswith(b"\x89PNG")


def test_components_without_energy_are_drawn_as_nothing():
    templates, activations = factors_for(3)
    templates[:, 1] = 0
    activations[2] = 0
    made = factors.explorer(templates, np.stack([activations, activations]), RATE_HZ)
    curves = np.frombuffer(made.activations, np.uint8).reshape(3, -1)
    assert [curve.any() for curve in curves] == [True, False, False]
    assert made.content["energies"] == [1, 0, 0]
    silent = factors.explorer(np.zeros((9, 2)), np.zeros((2, 4)), RATE_HZ)
    assert silent.content["energies"] == [0, 0]
    assert not any(silent.activations)


def test_it_says_whose_each_component_is(rows):
    assert rows.describe() == "unassigned: 1, 2, 3, 4, 5"
    rows.value = (0, 2, 0, -1, 2)
    rows.selected = 1
    assert rows.describe() == "voice: 1, 3; bass: 2, 5; unassigned: 4; component 2 plays alone"
    data, metadata = rows._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == f"Whose is it?: {rows.describe()}"
    before = rows.png()
    rows.value = (1, 2, 0, -1, 2)
    assert rows.png() != before
