"""The mask painter without a browser: its grid, what a mask does to the sound, and what it refuses."""

import base64

import numpy as np
import pytest

from mss_lab import masks, signals, transforms
from mss_lab.checks import ShapeError
from mss_lab.widgets import controls, mask_grid, mask_painter

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def mixture():
    low = signals.tone(500, 1.5, RATE_HZ, amplitude=0.4)
    high = signals.tone(4000, 1.5, RATE_HZ, amplitude=0.2)
    return np.concatenate([low + high, low - high]).astype(np.float32)


@pytest.fixture
def brush(mixture):
    return mask_painter.painter(mixture, RATE_HZ, label="Bins")


def cells_of(brush, low_hz, high_hz, from_s, to_s):
    """A mask of the cells whose row lies within two frequencies and whose column within two times."""
    edges_hz, columns = np.array(brush.plane["edgesHz"]), np.arange(brush.grid.shape[1])
    rows = (edges_hz[:-1] >= low_hz) & (edges_hz[1:] <= high_hz)
    starts_s = brush.plane["firstS"] + columns * brush.plane["columnS"]
    return np.outer(rows, (starts_s >= from_s) & (starts_s < to_s)).astype(np.float32)


@pytest.mark.parametrize("bins", [1, 2, 5, 128, 129, 130, 200, 757, 1025, 2049, 4097, 20_000])
def test_every_bin_lies_in_one_row_and_every_row_holds_one(bins):
    grid = mask_grid.grid_for(bins, 431)
    heights = np.diff(grid.edges)
    assert grid.edges[0] == 0 and grid.edges[-1] == bins == heights.sum()
    assert heights.min() >= 1
    assert grid.shape == (min(bins, 128), 216)


def test_the_rows_are_logarithmic_where_they_are_higher_than_a_bin():
    edges = np.array(mask_grid.grid_for(2049, 100).edges)
    ratios = edges[1:] / np.maximum(edges[:-1], 1)
    assert np.diff(edges)[:20].tolist() == [1] * 20
    # Rounding to whole bins changes the edges of narrow bands by up to half a bin.
    assert ratios[80:] == pytest.approx(1.044, abs=0.01)


@pytest.mark.parametrize(("frames", "columns"), [(1, 1), (399, 399), (400, 400), (401, 201), (1000, 334)])
def test_columns_have_equally_many_frames_except_the_last(frames, columns):
    grid = mask_grid.grid_for(9, frames)
    assert grid.shape == (9, columns)
    column = np.zeros(grid.shape, np.float32)
    column[:, -1] = 1
    last = frames - (columns - 1) * grid.frames_per_column
    assert grid.expand(column).sum() == 9 * last


def test_a_cell_changes_its_own_bins_only():
    grid = mask_grid.grid_for(300, 1001)
    for row, column in ((0, 0), (5, 100), (127, 333)):
        mask = np.zeros(grid.shape)
        mask[row, column] = 0.5
        bins = grid.expand(mask)
        assert bins.shape == (300, 1001)
        changed = np.zeros((300, 1001))
        changed[grid.edges[row] : grid.edges[row + 1], 3 * column : 3 * column + 3] = 0.5
        np.testing.assert_array_equal(bins, changed)
        np.testing.assert_array_equal(grid.reduce(bins), mask)
        np.testing.assert_array_equal(mask_painter.expand(mask, grid), bins)


def test_a_mask_of_bins_becomes_the_mean_of_each_cell():
    grid = mask_grid.grid_for(300, 1001)
    bins = np.random.default_rng(0).random((2, 300, 1001))
    cells = grid.reduce(bins)
    row, column = 120, 333
    inside = bins[:, grid.edges[row] : grid.edges[row + 1], 999:]
    assert cells[row, column] == pytest.approx(inside.mean(), rel=1e-6)
    assert cells.mean() < 1


def test_a_full_mask_is_the_sound_and_an_empty_one_is_silent(brush, mixture):
    full = brush.split(np.ones(brush.grid.shape))
    np.testing.assert_allclose(full["painted"], mixture, atol=1e-6)
    np.testing.assert_allclose(full["rest"], 0, atol=1e-6)
    empty = brush.split(brush.value)
    assert not empty["painted"].any()
    np.testing.assert_array_equal(empty["rest"], mixture)


def test_painted_and_rest_add_up_to_the_mixture(brush, mixture):
    mask = np.random.default_rng(1).random(brush.grid.shape)
    stems = brush.split(mask)
    np.testing.assert_allclose(stems["painted"] + stems["rest"], mixture, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"window_samples": 256}, {"window_samples": 600, "hop_samples": 300}])
@pytest.mark.parametrize("samples", [1, 700, 24_000])
def test_what_follows_a_stroke_is_what_the_whole_mask_makes(mixture, options, samples):
    sound = np.random.default_rng(0).uniform(-1, 1, (2, samples))
    brush = mask_painter.painter(sound, RATE_HZ, **options)
    mask, rng = np.zeros(brush.grid.shape), np.random.default_rng(1)
    for _ in range(12):
        # Strokes of all sizes, at both ends, too; some erase.
        columns, rows = np.sort(rng.integers(0, np.array(mask.shape)[:, np.newaxis] + 1, (2, 2)))[::-1]
        mask[slice(*rows), slice(*columns)] = rng.integers(0, 2)
        fresh = mask_painter.painter(sound, RATE_HZ, **options).split(mask)["painted"]
        np.testing.assert_allclose(brush.split(mask)["painted"], fresh, atol=1e-10)
        whole = transforms.istft(brush.transform * brush.expand(mask), samples, **brush._settings)
        np.testing.assert_allclose(fresh, whole, atol=1e-10)
    assert not brush.split(np.zeros(mask.shape))["painted"].any()


def test_a_painted_region_takes_that_region_out(brush, mixture):
    # The middle half second of the upper tone; the lower one stays whole.
    stems = brush.split(cells_of(brush, 2000, 8000, 0.5, 1.0))
    times_s = np.arange(mixture.shape[1]) / RATE_HZ
    middle, outside = (times_s > 0.6) & (times_s < 0.9), (times_s < 0.4) | (times_s > 1.1)
    high = signals.tone(4000, 1.5, RATE_HZ, amplitude=0.2)
    assert np.abs(stems["painted"][:, outside]).max() == 0
    np.testing.assert_allclose(stems["painted"][0, middle], high[0, middle], atol=2e-3)
    np.testing.assert_allclose(stems["painted"][1, middle], -high[0, middle], atol=2e-3)


def test_a_transform_can_be_given_instead_of_a_waveform(brush, mixture):
    other = mask_painter.painter(transforms.stft(mixture, **transforms.settings_for(RATE_HZ)), RATE_HZ)
    assert other.grid == brush.grid
    samples = other.mixture.shape[1]
    # The transform does not hold how many samples follow the last whole hop.
    assert 0 <= mixture.shape[1] - samples < transforms.settings_for(RATE_HZ)["hop_samples"]
    full = other.split(np.ones(other.grid.shape))["painted"]
    np.testing.assert_allclose(full, mixture[:, :samples], atol=1e-4)
    narrow = mask_painter.painter(mixture, RATE_HZ, window_samples=256)
    assert narrow.grid.bins == 129
    np.testing.assert_allclose(narrow.split(np.ones(narrow.grid.shape))["painted"], mixture, atol=1e-6)


def test_the_picture_is_loudest_where_the_sound_is(brush):
    picture = np.frombuffer(brush.picture, np.uint8).reshape(brush.grid.shape)
    row = int(picture[:, 40].argmax())
    assert brush.plane["edgesHz"][row] <= 500 < brush.plane["edgesHz"][row + 1]
    assert picture.max() == 255


def test_an_ideal_mask_is_a_start_and_a_value(brush, mixture):
    settings = transforms.settings_for(RATE_HZ)
    parts = [mixture / 2 + side * signals.tone(500, 1.5, RATE_HZ, amplitude=0.4) / 2 for side in (1, -1)]
    ideal = masks.ideal_ratio(np.stack([transforms.stft(part.astype(np.float32), **settings) for part in parts]))
    made = mask_painter.painter(mixture, RATE_HZ, start=ideal[0])
    np.testing.assert_allclose(made.value, brush.grid.reduce(ideal[0]), atol=0.5 / 255 + 1e-6)
    brush.value = ideal[0].mean(axis=0)
    np.testing.assert_array_equal(brush.value, made.value)


def test_the_value_is_what_a_page_would_hold(brush):
    mask = np.random.default_rng(2).random(brush.grid.shape)
    brush.value = mask
    assert brush.value.dtype == np.float32
    np.testing.assert_allclose(brush.value, mask, atol=0.5 / 255 + 1e-6)
    sent = brush.get_state("value")["value"]
    assert isinstance(sent, bytes) and len(sent) == mask.size
    before = brush.value
    brush.set_state({"value": memoryview(sent)})
    np.testing.assert_array_equal(brush.value, before)
    with pytest.raises(ValueError, match="read-only"):
        brush.value[0, 0] = 1


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (lambda shape: np.ones((3, 5)), ShapeError, r"must be \(128, \d+\) \(rows, columns\), got \(3, 5\)"),
        (lambda shape: np.ones(shape[::-1]), ShapeError, "must be"),
        (lambda shape: np.ones(shape[0]), ShapeError, "one axis for each"),
        (lambda shape: np.full(shape, 1.1), ValueError, "between 0 and 1, got 1.1"),
        (lambda shape: np.full(shape, -0.1), ValueError, "0 or more"),
        (lambda shape: np.full(shape, np.nan), ValueError, "finite"),
        (lambda shape: np.full(shape, 1j), TypeError, "real"),
        (lambda shape: None, TypeError, "array of numbers"),
        (lambda shape: "all", TypeError, "array of numbers"),
    ],
)
def test_what_is_no_mask_is_refused_and_the_old_one_stays(brush, value, error, words):
    brush.value = np.ones(brush.grid.shape)
    with pytest.raises(error, match=words):
        brush.value = value(brush.grid.shape)
    assert brush.value.min() == 1
    with pytest.raises(error, match=words):
        brush.split(value(brush.grid.shape))
    if value(brush.grid.shape) is not None:
        with pytest.raises(error, match=words):
            mask_painter.painter(brush.mixture, RATE_HZ, start=value(brush.grid.shape))


def test_bytes_of_another_length_are_answered_with_the_mask_that_holds(brush, monkeypatch):
    sent = []
    monkeypatch.setattr(brush, "send_state", lambda key=None: sent.append(key))
    with pytest.raises(ShapeError, match="a byte for each cell"):
        brush.set_state({"value": memoryview(b"\xff" * 7)})
    assert sent == ["value"]
    assert not brush.value.any()


@pytest.mark.parametrize(
    ("sound", "error", "words"),
    [
        (np.zeros((1, 0)), ValueError, "sample"),
        (np.zeros(16_000), ShapeError, r"waveform\[np.newaxis\]"),
        (np.zeros((1, 16_000), int), TypeError, "float"),
        (np.full((1, 16_000), np.nan), ValueError, "finite"),
        (np.zeros((1, 2 * 3600 * RATE_HZ), np.float32), ValueError, "at most 60 s.*7200.0 s.*waveform"),
        (np.zeros((1, 9, 0), complex), ShapeError, "at least two bins"),
        (np.zeros((1, 1, 9), complex), ShapeError, "at least two bins"),
        (np.zeros((9, 9), complex), ShapeError, "channels freq frames|channels, freq, frames"),
        (np.full((1, 9, 9), np.nan + 0j), ValueError, "finite"),
        (np.zeros((1, 9, 2_000_000), np.complex64), ValueError, "at most 60 s"),
        ("song.wav", TypeError, "array of numbers"),
    ],
)
def test_what_cannot_be_painted_on_is_refused(sound, error, words):
    with pytest.raises(error, match=words):
        mask_painter.painter(sound, RATE_HZ)


@pytest.mark.parametrize("options", [{"window_samples": 0.5}, {"hop_samples": 100_000}, {"window_samples": -8}])
def test_a_window_that_cannot_reconstruct_is_refused(mixture, options):
    with pytest.raises((TypeError, ValueError), match="samples"):
        mask_painter.painter(mixture, RATE_HZ, **options)
    with pytest.raises((TypeError, ValueError), match="sample_rate_hz"):
        mask_painter.painter(mixture, 10)


@pytest.mark.slow(4)
@pytest.mark.parametrize("sound", [np.zeros((2, RATE_HZ)), np.zeros((1, 1)), np.ones((1, 1)), np.full((2, 400), 0.1)])
def test_silence_and_single_samples_are_painted_on_as_any_sound(sound):
    brush = mask_painter.painter(sound, RATE_HZ)
    assert brush.picture.count(0) == len(brush.picture) or sound.any()
    np.testing.assert_allclose(brush.split(np.ones(brush.grid.shape))["painted"], sound, atol=1e-9)
    assert brush.png().startswith(b"\x89PNG")


def test_equal_channels_stay_equal(mixture):
    brush = mask_painter.painter(np.repeat(mixture[:1], 2, axis=0), RATE_HZ)
    painted = brush.split(cells_of(brush, 0, 1000, 0.2, 0.7))["painted"]
    np.testing.assert_array_equal(painted[0], painted[1])
    assert painted.any()


def test_it_says_how_much_is_painted_and_where(brush):
    assert brush.describe() == "nothing is painted"
    brush.value = np.ones(brush.grid.shape)
    assert brush.describe() == "everything is painted"
    brush.value = cells_of(brush, 1000, 2000, 0.5, 1.0)
    said = brush.describe()
    assert said.startswith(f"{brush.value.mean():.1%} of the cells painted, from 0.")
    assert " Hz" in said and " s " in said


@pytest.mark.slow(3)
def test_a_panel_splits_the_sound_and_shows_the_picture_without_a_page(brush, mixture):
    panel = controls.explore(lambda mask: controls.View(sound=brush.split(mask), sample_rate_hz=RATE_HZ), mask=brush)
    brush.value = cells_of(brush, 1000, 8000, 0, 2)
    assert panel.wait(30)
    assert list(panel.view.sound) == ["painted", "rest"]
    np.testing.assert_allclose(sum(panel.view.sound.values()), mixture, atol=1e-6)
    data = panel._repr_mimebundle_()[0]
    assert "Bins " in data["text/html"] and "of the cells painted" in data["text/html"]
    assert brush.static()[1] in data["text/html"]
    data, metadata = brush._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"].startswith("Bins: ")
    before = brush.png()
    brush.value = np.zeros(brush.grid.shape)
    assert brush.png() != before


def test_harmonics_are_painted_as_long_as_a_row_is_free_between_them(brush):
    mask = brush.harmonics(440, 0.5, 1.0, rows=1)
    edges_hz = np.array(brush.plane["edgesHz"])
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    np.testing.assert_array_equal(np.unique(mask), [0, 1])
    assert mask.sum() == rows.size * columns.size
    # Each painted row holds one harmonic more, and no two rows touch.
    for number, row in enumerate(rows, start=1):
        assert edges_hz[row] <= 440 * number < edges_hz[row + 1]
    assert rows.size > 10 and np.diff(rows).min() >= 2
    starts_s = brush.plane["firstS"] + columns * brush.plane["columnS"]
    assert starts_s[0] <= 0.5 < starts_s[1] and starts_s[-1] <= 1.0 < starts_s[-1] + brush.plane["columnS"]


def test_higher_bands_never_touch_each_other(brush):
    for rows in (3, 5, 15):
        painted = brush.harmonics(440, 0, 1, rows).any(axis=1)
        bands = np.flatnonzero(np.diff(np.concatenate([[0], painted, [0]]).astype(int)) == 1).size
        assert bands == brush.harmonics(440, 0, 1, 1).any(axis=1).sum()
        assert painted.sum() > bands


def test_painted_harmonics_separate_a_tone_from_another():
    tones = {hz: signals.harmonic_tone(hz, 1.5, RATE_HZ, harmonics=2, amplitude=0.2) for hz in (400, 530)}
    brush = mask_painter.painter(sum(tones.values()), RATE_HZ)
    painted = brush.split(brush.harmonics(400, 0, 1.5, rows=7))["painted"]
    middle = slice(RATE_HZ // 2, RATE_HZ)
    error = painted[:, middle] - tones[400][:, middle]
    assert np.sum(tones[400][:, middle] ** 2) / np.sum(error**2) > 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0, 1), "fundamental_hz"),
        ((9000, 0, 1), "fundamental_hz"),
        ((440, -1, 1), "start_s"),
        ((440, 1, 0.5), "end_s"),
        ((440, 0, np.nan), "end_s"),
        ((440, 0, 1, 2), "odd.*take 1"),
        ((440, 0, 1, 0), "rows"),
    ],
)
def test_harmonics_outside_the_picture_are_refused(brush, arguments, words):
    with pytest.raises(ValueError, match=words):
        brush.harmonics(*arguments)
    assert not brush.harmonics(440, 5, 6).any()
