"""ADRess: nulls lie where the plane has them, magnitudes are what METHODS checked, estimates add up."""

import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals, transforms
from mss_lab.datasets import pieces
from mss_lab.metrics import energy
from mss_lab.spatial import adress, panning
from mss_lab.spatial.entries import ADRESS
from mss_lab.spatial.panning import PanWarning
from tests.measures import mean_sdr_db

RATE = 16_000
SETTINGS = transforms.settings_for(RATE)
CHECKED_PANS = (0.2, 0.5, np.pi / 4, 1.0, 1.4)


def random_stft(rng, frames=5, dtype=np.complex128):
    return (rng.standard_normal((2, 40, frames)) + 1j * rng.standard_normal((2, 40, frames))).astype(dtype)


def panned_stft(rng, pan):
    return transforms.stft(signals.pan(signals.noise(0.7, RATE, rng=rng), pan), **SETTINGS)


def three_tones(duration_s=1.0, rate=RATE):
    pans = {"low": 0.25, "mid": np.pi / 4, "high": 1.3}
    pitches = {"low": 220.0, "mid": 311.0, "high": 397.0}
    sources = {
        name: signals.pan(signals.harmonic_tone(pitches[name], duration_s, rate, harmonics=4, amplitude=0.3), pan)
        for name, pan in pans.items()
    }
    return pans, sources, signals.mix(sources).astype(np.float32)


# The plane and its nulls.


@pytest.mark.parametrize("beta", [2, 7, 100])
@pytest.mark.parametrize("corrected", [True, False])
def test_nulls_found_in_one_step_are_the_lowest_points_of_the_plane(rng, beta, corrected):
    stft = random_stft(rng)
    angles, magnitude = adress.nulls(stft, beta=beta, corrected=corrected)
    where = adress.plane_angles_rad(beta)
    for n in range(stft.shape[2]):
        plane = adress.azimuth_plane(stft[:, :, n], beta=beta)
        assert plane.shape == (2 * beta + 1, 40)
        for f in range(40):
            left, right = np.abs(stft[:, f, n])
            # The half in which the louder channel is subtracted; the centre row belongs to the left one.
            half = slice(0, beta + 1) if left >= right else slice(beta, None)
            column = plane[half, f]
            if left < right:
                column = np.concatenate([[abs(stft[0, f, n] - stft[1, f, n])], column[1:]])
            assert_allclose(angles[f, n], where[half][column.argmin()], atol=1e-12)
            highest = max(left, right) if corrected else column.max()
            assert_allclose(magnitude[f, n], highest - column.min(), atol=1e-12)


def test_the_plane_is_what_the_equations_say(rng):
    frame = random_stft(rng)[:, :, 0]
    plane = adress.azimuth_plane(frame, beta=4)
    for row, gain in enumerate((0, 0.25, 0.5, 0.75, 1)):
        assert_allclose(plane[row], np.abs(frame[1] - gain * frame[0]))
        assert_allclose(plane[8 - row], np.abs(frame[0] - gain * frame[1]), atol=1e-12)
    assert_allclose(np.tan(adress.plane_angles_rad(4)[:5]), [0, 0.25, 0.5, 0.75, 1], atol=1e-12)
    assert_allclose(adress.plane_angles_rad(4) + adress.plane_angles_rad(4)[::-1], np.pi / 2)


@pytest.mark.parametrize("pan", CHECKED_PANS)
def test_one_source_is_found_within_3_mrad_checked_in_methods(rng, pan):
    # The energy-weighted estimate, with beta 100.
    stft = panned_stft(rng, pan)
    angles, _ = adress.nulls(stft, beta=100)
    assert abs(np.average(angles, weights=np.sum(np.abs(stft) ** 2, axis=0)) - pan) < 0.003


@pytest.mark.parametrize("pan", [0.0, *CHECKED_PANS, np.pi / 2])
def test_the_corrected_magnitude_is_that_of_the_louder_channel(rng, pan):
    # |X_dom| - min. At beta 100, at most half a step of the gain is left over.
    stft = panned_stft(rng, pan)
    louder = np.abs(stft).max(axis=0)
    magnitude = adress.nulls(stft)[1]
    assert (magnitude <= louder * (1 + 1e-6)).all()
    assert (magnitude >= 0.995 * louder - 1e-12).all()


@pytest.mark.parametrize("pan", CHECKED_PANS)
def test_the_first_published_magnitude_is_the_fainter_channel_or_the_difference_checked_in_methods(rng, pan):
    # Max - min is max(cos, sin - cos) |q| for pans beyond the centre, so that it is that of X_1 only where
    # tan(pan) <= 2; at 1.4 it is 4.8 times as much.
    stft = panned_stft(rng, pan)
    source = np.sqrt(np.sum(np.abs(stft) ** 2, axis=0))
    loud = source > 0.01 * source.max()
    fainter, louder = sorted((np.cos(pan), np.sin(pan)))
    wanted = max(fainter, louder - fainter)
    gain = np.median(adress.nulls(stft, corrected=False)[1][loud] / source[loud])
    assert abs(gain - wanted) < 0.01
    if pan == 1.4:
        assert round(gain / np.cos(pan), 1) == 4.8
    if pan in (0.5, np.pi / 4, 1.0):
        assert_allclose(gain, fainter, atol=0.01)


def test_silence_and_types(frozen):
    stft = frozen(np.zeros((2, 3, 4), np.complex64))
    angles, magnitude = adress.nulls(stft)
    assert_allclose(angles, np.pi / 4)
    assert_array_equal(magnitude, 0)
    assert magnitude.dtype == np.float32


@pytest.mark.parametrize("beta", [1, 0, 2.5, "many"])
def test_steps_that_cannot_be_are_refused(beta):
    for function in (
        lambda: adress.nulls(np.zeros((2, 3, 4), complex), beta=beta),
        lambda: adress.azimuth_plane(np.zeros((2, 3), complex), beta=beta),
        lambda: adress.plane_angles_rad(beta),
    ):
        with pytest.raises((TypeError, ValueError), match="beta must be a whole number at least 2"):
            function()


# Shares.


def test_bins_go_to_the_nearest_direction_and_equal_ones_share():
    angles = np.array([[0.0, 0.49, 0.51, 1.5]])
    pans = (1.0, 0.0, 1.0)
    shares = np.array(list(adress.nearest(angles, pans)))
    assert_allclose(shares[:, 0], [[0, 0, 0.5, 0.5], [1, 1, 0, 0], [0, 0, 0.5, 0.5]])
    narrow = np.array(list(adress.nearest(angles, pans, width_rad=0.99)))
    assert_allclose(narrow.sum(axis=0), [[1, 1, 1, 0]])
    assert_allclose(np.array(list(adress.nearest(angles, pans, width_rad=0.2))).sum(axis=0), [[1, 0, 0, 0]])


# The separator.


@pytest.mark.parametrize("mode", ADRESS.options["mode"].rule.choices)
def test_tones_that_keep_apart_are_separated(mode):
    pans, sources, mixture = three_tones()
    estimates = adress.separate(mixture, RATE, pans_rad=pans, mode=mode)
    # Measured: 26.3 dB with masks, 26.1 dB with resynthesis; the mixture itself has -3.0 dB.
    assert mean_sdr_db(sources, estimates) > 22
    found = adress.separate(mixture, RATE, mode=mode)
    assert tuple(found) == ("pan_14", "pan_45", "pan_74")
    assert mean_sdr_db(sources, dict(zip(pans, found.values(), strict=True))) > 22


@pytest.mark.slow(1)
def test_the_band_is_separated_and_resynthesis_wants_its_correction():
    piece = pieces.load("band")
    excerpt = {name: source[:, : 8 * piece.sample_rate_hz] for name, source in piece.sources.items()}
    mixture = signals.mix(excerpt)

    def score(**options):
        return mean_sdr_db(excerpt, adress.separate(mixture, piece.sample_rate_hz, pans_rad=piece.pans_rad, **options))

    as_mask, resynthesis, uncorrected = score(), score(mode="resynth"), score(mode="resynth", corrected=False)
    # Measured: 11.7, 12.0 and 8.3 dB.
    assert as_mask > 10
    assert resynthesis > as_mask
    assert uncorrected < resynthesis - 2


@pytest.mark.parametrize("pans", [None, {"a": 0.2, "b": 0.9}, {"a": 0.2, "b": 0.2, "c": np.pi / 2}, {"all": 0.0}])
def test_masks_add_up_whatever_the_directions(rng, pans, frozen):
    mixture = frozen(rng.uniform(-1, 1, (2, 9_001)).astype(np.float32))
    estimates = adress.separate(mixture, RATE, pans_rad=pans)
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
    if pans and "c" in pans:
        assert_array_equal(estimates["a"], estimates["b"])


def test_a_narrow_window_leaves_out_what_lies_elsewhere():
    _, sources, mixture = three_tones()
    alone = adress.separate(mixture, RATE, pans_rad={"low": 0.25}, width_rad=0.2)
    assert energy.sdr(sources["low"], alone["low"]) > 22
    everything = adress.separate(mixture, RATE, pans_rad={"low": 0.25})
    assert_allclose(everything["low"], mixture, atol=1e-6)
    # However narrow, it holds the two steps next to the direction.
    slit = adress.separate(signals.pan(signals.tone(440.0, 0.5, RATE), 0.3123), RATE, width_rad=1e-9)
    assert np.abs(next(iter(slit.values()))).max() > 0.4


def test_each_option_is_used():
    pans, _, mixture = three_tones()
    plain = adress.separate(mixture, RATE, pans_rad=pans, mode="resynth")
    for option in ({"beta": 3}, {"window_s": 0.02}, {"corrected": False}, {"width_rad": 0.1}, {"mode": "mask"}):
        other = adress.separate(mixture, RATE, pans_rad=pans, **{"mode": "resynth", **option})
        assert np.abs(plain["low"] - other["low"]).max() > 1e-3


@pytest.mark.parametrize("mode", ADRESS.options["mode"].rule.choices)
@pytest.mark.parametrize("pan", [0.0, np.pi / 2])
def test_a_source_on_one_side_stays_there(mode, pan):
    mixture = signals.pan(signals.harmonic_tone(330.0, 0.5, RATE), pan).astype(np.float32)
    ((name, estimate),) = adress.separate(mixture, RATE, mode=mode).items()
    assert name == f"pan_{round(np.degrees(pan))}"
    assert_allclose(estimate, mixture, atol=1e-4)


@pytest.mark.parametrize("mode", ADRESS.options["mode"].rule.choices)
@pytest.mark.parametrize("samples", [1, 2, 1_000, 3_000])
@pytest.mark.parametrize("rate", [8_000, 96_000])
def test_equal_silent_and_short_channels_are_never_nan(rng, mode, samples, rate):
    left = rng.uniform(-1, 1, (1, samples)).astype(np.float32)
    for right in (left, -left, 0 * left):
        for mixture in (
            np.concatenate([left, right]),
            np.concatenate([right, left]),
            np.zeros((2, samples), np.float32),
        ):
            for pans in (None, {"a": 0.0, "b": np.pi / 2}):
                for estimate in adress.separate(mixture, rate, mode=mode, pans_rad=pans).values():
                    assert estimate.shape == mixture.shape
                    assert estimate.dtype == np.float32
                    assert np.isfinite(estimate).all()


def test_more_sources_than_peaks_are_warned_of():
    mixture = np.repeat(signals.tone(440.0, 0.5, RATE), 2, axis=0).astype(np.float32)
    with pytest.warns(PanWarning, match="4 sources were requested") as caught:
        assert tuple(adress.separate(mixture, RATE, count=4)) == ("pan_45",)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adress.separate(mixture, RATE)


@pytest.mark.slow(0.9)
def test_memory_does_not_grow_with_length(rng):
    def beyond_estimates(duration_s):
        mixture = rng.uniform(-1, 1, (2, duration_s * 8_000)).astype(np.float32)
        tracemalloc.start()
        estimates = adress.separate(mixture, 8_000, pans_rad={"left": 0.3, "right": 1.2})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - sum(estimate.nbytes for estimate in estimates.values())

    assert beyond_estimates(180) < 1.2 * beyond_estimates(60)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "masks"}, "mode must be one of 'mask', 'resynth'.*did you mean 'mask'"),
        ({"width_rad": 0}, "width_rad must be a number at least"),
        ({"beta": 1}, "beta must be"),
        ({"window_s": 0}, "window_s must be"),
        ({"count": 0}, "count must be"),
        ({"pans_rad": {"a": 2.0}}, r"pans_rad\['a'\] must be"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        adress.separate(np.zeros((2, 100), np.float32), RATE, **options)
    with pytest.raises(checks.ShapeError, match="must have 2 channels"):
        adress.separate(np.zeros((1, 100), np.float32), RATE)


def test_the_nearest_window_of_the_histogram_is_the_same_idea():
    # Where bins are in phase in both channels, nulls and angles agree to half a step of the gain.
    _, _, mixture = three_tones()
    stft = transforms.stft(mixture[:, 2_000:-2_000], **SETTINGS)
    power = np.sum(np.abs(stft) ** 2, axis=0)
    in_phase = np.abs(np.angle(stft[0] * stft[1].conj())) < 0.01
    apart = np.abs(adress.nulls(stft)[0] - panning.angles_rad(stft))
    assert (apart[in_phase & (power > 1e-3 * power.max())] < 0.006).all()
