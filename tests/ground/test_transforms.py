"""Transforms: exact reconstruction, agreement with independent programs, and the laws of linear transforms."""

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals, transforms

PAIRS = {"stft": (transforms.stft, transforms.istft), "stdct": (transforms.stdct, transforms.istdct)}
PROMISED = {np.float64: 1e-12, np.float32: 1e-6}

pairs = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
windows = pytest.mark.parametrize("window", transforms.WINDOWS)
types = pytest.mark.parametrize("dtype", PROMISED)


def peak_one(rng, channels, samples, dtype):
    """Noise of peak 1; every second draw of the hardest kind, full scale everywhere."""
    waveform = rng.uniform(-1, 1, (channels, samples))
    if rng.random() < 0.5:
        waveform = np.where(waveform < 0, -1.0, 1.0)
    waveform /= np.abs(waveform).max()
    return waveform.astype(dtype)


def round_trip_error(pair, waveform, **settings):
    forward, inverse = pair
    waveform.setflags(write=False)
    transform = forward(waveform, **settings)
    transform.setflags(write=False)
    back = inverse(transform, waveform.shape[1], **settings)
    assert back.dtype == waveform.dtype and back.shape == waveform.shape
    return np.abs(back.astype(float) - waveform.astype(float)).max()


# Reconstruction


@pairs
@windows
@types
@pytest.mark.parametrize("window_samples, hop_samples", [(1024, 256), (1024, 512), (1000, 333), (255, 64), (7, 3)])
@pytest.mark.parametrize("samples", [1, 2, 255, 1023, 1024, 10_001])
def test_reconstruction_is_exact(rng, pair, window, dtype, window_samples, hop_samples, samples):
    waveform = peak_one(rng, 2, samples, dtype)
    options = {"window": window, "window_samples": window_samples, "hop_samples": hop_samples}
    assert round_trip_error(pair, waveform, **options) < PROMISED[dtype]


@pairs
@types
def test_the_defaults_reconstruct_what_is_shorter_than_a_window_and_what_is_longer(rng, pair, dtype):
    for samples in (1, 99, 4097, 100_001):
        assert round_trip_error(pair, peak_one(rng, 1, samples, dtype)) < PROMISED[dtype]


@pytest.mark.slow(0.9)
@pairs
@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_every_hop_that_is_not_refused_reconstructs(pair, data):
    # Longer hops and other windows than anybody would choose: refused, or exact; nothing between.
    window_samples = data.draw(st.integers(1, 300), "window_samples")
    hop_samples = data.draw(st.integers(1, window_samples + 2), "hop_samples")
    window = data.draw(st.sampled_from(transforms.WINDOWS), "window")
    samples = data.draw(st.integers(1, 2000), "samples")
    dtype = data.draw(st.sampled_from(list(PROMISED)), "dtype")
    waveform = peak_one(np.random.default_rng(data.draw(st.integers(0, 2**32), "seed")), 1, samples, dtype)
    options = {"window": window, "window_samples": window_samples, "hop_samples": hop_samples}
    try:
        error = round_trip_error(pair, waveform, **options)
    except ValueError as refusal:
        assert "hop_samples must let" in str(refusal)
        assert hop_samples > max(1, window_samples // 2)
    else:
        assert error < PROMISED[dtype]


@pairs
@windows
@types
def test_half_a_window_is_never_refused(pair, window, dtype):
    # The advice that the refusal gives must be good for every window length.
    for window_samples in range(1, 130):
        hop_samples = max(1, window_samples // 2)
        options = {"window": window, "window_samples": window_samples, "hop_samples": hop_samples}
        assert round_trip_error(pair, np.ones((1, 50), dtype), **options) < PROMISED[dtype]


@pairs
def test_many_blocks_of_frames_reconstruct(rng, pair):
    # More frames than are transformed at once, so that blocks must meet without a seam.
    options = {"window_samples": 64, "hop_samples": 7}
    samples = 7 * (transforms.BLOCK_SAMPLES // 64) * 2 + 5
    assert round_trip_error(pair, peak_one(rng, 1, samples, np.float64), **options) < 1e-12


@pairs
@types
@pytest.mark.parametrize("samples", [1, 5000])
def test_silence_stays_silent(pair, dtype, samples):
    forward, inverse = pair
    transform = forward(np.zeros((2, samples), dtype))
    assert not transform.any()
    assert not inverse(transform, samples).any()


@pairs
@types
@pytest.mark.parametrize("level", [1e-6, 1e6])
def test_the_error_scales_with_the_level(rng, pair, dtype, level):
    waveform = (level * peak_one(rng, 1, 5000, np.float64)).astype(dtype)
    assert round_trip_error(pair, waveform) < PROMISED[dtype] * level


@pytest.mark.parametrize("level", [1e-300, 1e300])
@pairs
def test_extreme_levels_stay_finite(pair, level):
    assert np.isfinite(round_trip_error(pair, np.full((1, 3000), level)))


# Against independent programs


@pytest.mark.slow(1.2)
@windows
@pytest.mark.parametrize("samples", [5000, 22_051])
def test_stft_equals_librosas(rng, frozen, window, samples):
    waveform = frozen(rng.uniform(-1, 1, (2, samples)))
    taper = {
        "hann": "hann",
        "hamming": "hamming",
        "blackman-harris": "blackmanharris",
        "sine": np.sin(np.pi * (np.arange(2048) + 0.5) / 2048),
    }[window]
    for hop_samples in (512, 300):
        ours = transforms.stft(waveform, window_samples=2048, hop_samples=hop_samples, window=window)
        theirs = librosa.stft(waveform, n_fft=2048, hop_length=hop_samples, window=taper, pad_mode="constant")
        assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@windows
@pytest.mark.parametrize("window_samples, hop_samples", [(512, 128), (512, 256), (255, 50), (100, 70)])
def test_stft_equals_scipys(rng, window, window_samples, hop_samples):
    waveform = rng.uniform(-1, 1, (2, 3001))
    taper = transforms.make_window(window, window_samples)
    peer = scipy.signal.ShortTimeFFT(taper, hop_samples, fs=1, fft_mode="onesided", phase_shift=None)
    ours = transforms.stft(waveform, window_samples=window_samples, hop_samples=hop_samples, window=window)
    # Told to leave phases alone, SciPy counts them from the first sample of a frame; its frame 0 too is centred on 0.
    theirs = peer.stft(waveform, p0=0, p1=ours.shape[-1], axis=-1)
    assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@windows
def test_stft_equals_the_written_out_sum(rng, window):
    size, hop, samples = 9, 2, 14
    signal = rng.standard_normal((1, samples))
    transform = transforms.stft(signal, window_samples=size, hop_samples=hop, window=window)
    taper = transforms.make_window(window, size)
    for n in range(transform.shape[2]):
        for f in range(size // 2 + 1):
            total = 0
            for t in range(size):
                place = t + n * hop - size // 2
                if 0 <= place < samples:
                    total += taper[t] * signal[0, place] * np.exp(-2j * np.pi * f * t / size)
            assert abs(transform[0, f, n] - total) < 1e-12


@windows
@pytest.mark.parametrize("size, hop", [(8, 2), (9, 4), (1, 1)])
def test_stdct_equals_the_written_out_sum(rng, window, size, hop):
    samples = 14
    signal = rng.standard_normal((1, samples))
    transform = transforms.stdct(signal, window_samples=size, hop_samples=hop, window=window)
    taper = transforms.make_window(window, size)
    assert transform.shape[1] == size
    for n in range(transform.shape[2]):
        for k in range(size):
            total = 0
            for t in range(size):
                place = t + n * hop - size // 2
                if 0 <= place < samples:
                    total += taper[t] * signal[0, place] * np.cos(np.pi * k * (2 * t + 1) / (2 * size))
            expected = np.sqrt(2 / size) * (np.sqrt(0.5) if k == 0 else 1) * total
            assert abs(transform[0, k, n] - expected) < 1e-12


# Laws


@pairs
def test_the_transform_of_a_sum_is_the_sum_of_transforms(rng, pair):
    forward, inverse = pair
    a, b = rng.standard_normal((2, 2, 9001))
    total = forward(2 * a - 3 * b)
    assert_allclose(total, 2 * forward(a) - 3 * forward(b), atol=1e-10)
    other = forward(rng.standard_normal((2, 9001)))
    back = inverse(total + 0.5 * other, 9001)
    assert_allclose(back, inverse(total, 9001) + 0.5 * inverse(other, 9001), atol=1e-12)


@windows
def test_a_single_stdct_frame_keeps_the_energy(rng, window):
    # Parseval: the frame in the middle holds the whole signal under its window.
    signal = rng.standard_normal((1, 64))
    transform = transforms.stdct(signal, window_samples=64, hop_samples=32, window=window)
    assert_allclose(
        np.linalg.norm(transform[0, :, 1]),
        np.linalg.norm(transforms.make_window(window, 64) * signal[0]),
        rtol=1e-13,
    )


@pairs
def test_the_inverse_is_the_nearest_waveform(rng, pair):
    # Least squares: what the nearest waveform leaves over is orthogonal to every transform of a waveform.
    forward, inverse = pair
    options = {"window_samples": 64, "hop_samples": 16}
    wished = forward(rng.standard_normal((1, 500)), **options) * rng.random(
        forward(np.zeros((1, 500)), **options).shape
    )
    leftover = wished - forward(inverse(wished, 500, **options), **options)
    other = forward(rng.standard_normal((1, 500)), **options)
    weight = np.ones((other.shape[1], 1))
    if np.iscomplexobj(other):
        # All bins but the first and the last stand for two, at plus and minus their frequency.
        weight[1:-1] = 2
    assert np.linalg.norm(leftover) > 1
    assert abs(np.real(weight * leftover * other.conj()).sum()) < 1e-10


@pairs
def test_channels_do_not_touch(rng, pair):
    forward, _ = pair
    waveform = rng.standard_normal((3, 3000))
    waveform[1] = 0
    waveform[2] = waveform[0]
    transform = forward(waveform)
    assert not transform[1].any()
    assert_array_equal(transform[0], transform[2])
    assert_array_equal(transform[:1], forward(waveform[:1]))


@pairs
def test_stacks_of_sources_are_inverted_one_by_one(rng, pair):
    forward, inverse = pair
    sources = rng.standard_normal((4, 2, 3000))
    stack = np.stack([forward(source) for source in sources])
    back = inverse(stack, 3000)
    assert back.shape == sources.shape
    assert_allclose(back, sources, atol=1e-12)
    assert_allclose(inverse(stack[0, 0], 3000), sources[0, 0], atol=1e-12)


@pairs
def test_a_move_by_one_hop_moves_the_frames_by_one(rng, pair):
    forward, _ = pair
    options = {"window_samples": 64, "hop_samples": 16}
    signal = np.zeros((1, 800))
    signal[0, 200:400] = rng.standard_normal(200)
    moved = forward(np.roll(signal, 16, axis=1), **options)
    assert_allclose(moved[..., 1:], forward(signal, **options)[..., :-1], atol=1e-13)


# Where things are


@windows
def test_a_tone_lands_in_its_bin(window):
    rate, size = 16_000, 1024
    for bin_number in (10, 100, 400):
        tone = signals.tone(bin_number * rate / size, 1, rate, amplitude=0.5)
        magnitude = np.abs(transforms.stft(tone, window_samples=size, hop_samples=256, window=window))[0, :, 10:-10]
        assert (magnitude.argmax(axis=0) == bin_number).all()
        # A window gathers half its sum times the amplitude in the bin of the tone.
        assert_allclose(magnitude[bin_number], 0.25 * transforms.make_window(window, size).sum(), rtol=1e-3)
        power = (transforms.stdct(tone, window_samples=size, hop_samples=256, window=window)[0] ** 2).mean(axis=1)
        assert abs(power.argmax() - 2 * bin_number) <= 1


def test_a_click_is_loudest_in_the_frame_centred_on_it():
    rate, hop = 16_000, 256
    click = signals.clicks([20 * hop / rate], 1, rate)
    for forward, _ in PAIRS.values():
        transform = forward(click, window_samples=1024, hop_samples=hop)
        energy = (np.abs(transform[0]) ** 2).sum(axis=0)
        assert energy.argmax() == 20
        assert transforms.frame_times_s(len(energy), hop, rate)[20] == 20 * hop / rate


def test_frequencies_and_times_of_the_axes():
    frequencies_hz = transforms.stft_frequencies_hz(1000, 44_100)
    assert len(frequencies_hz) == 501 and frequencies_hz[0] == 0 and frequencies_hz[-1] == 22_050
    assert_allclose(frequencies_hz, librosa.fft_frequencies(sr=44_100, n_fft=1000))
    assert len(transforms.stft_frequencies_hz(255, 44_100)) == 128
    assert_allclose(transforms.stdct_frequencies_hz(4, 8000), [0, 1000, 2000, 3000])
    assert_allclose(transforms.frame_times_s(3, 441, 44_100), [0, 0.01, 0.02])
    assert transforms.frame_times_s(0, 441, 44_100).size == 0


@pytest.mark.parametrize(
    "samples, window_samples, hop_samples, frames",
    [
        (1, 4, 1, 2),
        (1023, 4096, 1024, 1),
        (1024, 4096, 1024, 2),
        (1025, 4096, 1024, 2),
        (1, 4, 2, 2),
        (1023, 2048, 1024, 2),
        (1024, 2048, 1024, 2),
        (1025, 2048, 1024, 3),
    ],
)
def test_the_number_of_frames(samples, window_samples, hop_samples, frames):
    assert transforms.frame_count(samples, window_samples, hop_samples) == frames
    options = {"window_samples": window_samples, "hop_samples": hop_samples}
    assert transforms.stft(np.ones((1, samples)), **options).shape == (1, window_samples // 2 + 1, frames)
    assert transforms.stdct(np.ones((1, samples)), **options).shape == (1, window_samples, frames)


@pairs
def test_whole_numbers_may_come_as_floats(rng, pair):
    forward, inverse = pair
    waveform = rng.standard_normal((1, 900))
    transform = forward(waveform, window_samples=256.0, hop_samples=np.float64(64))
    assert_array_equal(transform, forward(waveform, window_samples=256, hop_samples=64))
    assert_allclose(inverse(transform, 900.0, window_samples=256.0, hop_samples=64.0), waveform, atol=1e-12)


@types
def test_precision_is_kept(rng, dtype):
    waveform = rng.standard_normal((1, 900)).astype(dtype)
    assert transforms.stft(waveform).dtype == (np.complex64 if dtype == np.float32 else np.complex128)
    assert transforms.stdct(waveform).dtype == dtype


def test_single_precision_is_only_rounding_away_from_double(rng):
    waveform = rng.uniform(-1, 1, (1, 20_000)).astype(np.float32)
    for forward, _ in PAIRS.values():
        exact = forward(waveform.astype(np.float64))
        # Half a unit in the last place of float32, and nothing of the arithmetic.
        assert_allclose(forward(waveform), exact, rtol=2**-23, atol=1e-30)


def test_single_precision_is_inverted_in_double(rng):
    for forward, inverse in PAIRS.values():
        transform = forward(rng.uniform(-1, 1, (1, 20_000)).astype(np.float32))
        exact = inverse(transform.astype(np.result_type(transform, np.float64)), 20_000)
        assert_allclose(inverse(transform, 20_000), exact, rtol=2**-23, atol=1e-30)


# Windows


@windows
@pytest.mark.parametrize("size", [1, 2, 3, 4, 255, 1024])
def test_windows_peak_at_one_and_are_periodic(window, size):
    taper = transforms.make_window(window, size)
    assert taper.shape == (size,) and taper.dtype == np.float64
    assert (taper >= 0).all() and taper.max() <= 1 + 1e-15
    if size % 2 == 0:
        # The sine window lies between its samples, and so misses its peak by half a sample.
        assert_allclose(taper.max(), np.cos(np.pi / 2 / size) if window == "sine" else 1)
    mirrored = taper[::-1] if window == "sine" else np.roll(taper[::-1], 1)
    assert_allclose(taper, mirrored, atol=1e-15)


def test_windows_by_their_formulas():
    turn = 2 * np.pi * np.arange(64) / 64
    cosines = {
        "hann": 0.5 - 0.5 * np.cos(turn),
        "hamming": 0.54 - 0.46 * np.cos(turn),
        "blackman-harris": 0.35875 - 0.48829 * np.cos(turn) + 0.14128 * np.cos(2 * turn) - 0.01168 * np.cos(3 * turn),
    }
    for window, expected in cosines.items():
        assert_allclose(transforms.make_window(window, 64), expected, atol=1e-15)
    squares = transforms.make_window("sine", 64) ** 2
    assert_allclose(squares[:32] + squares[32:], 1)


RATES_HZ = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)


@pytest.mark.parametrize(
    "rate, window_s, size",
    [
        (44_100, 4096 / 44_100, 4096),
        (48_000, 4096 / 44_100, 4480),
        (96_000, 4096 / 44_100, 8960),
        (16_000, 0.064, 1024),
        (44_100, 0.064, 2816),
        (48_000, 0.064, 3072),
        (16_000, 4096 / 16_000, 4096),
    ],
)
def test_window_for_a_rate(rate, window_s, size):
    assert transforms.window_samples_for(rate, window_s) == size


@pytest.mark.parametrize("window_s", [0.025, 0.064, 4096 / 44_100, 0.128, 8192 / 44_100, 1.0])
def test_windows_keep_their_duration_at_every_rate(window_s):
    for rate in RATES_HZ:
        size = transforms.window_samples_for(rate, window_s)
        assert abs(size / rate / window_s - 1) < (0.025 if size >= 1024 else 0.055), rate


def test_windows_are_quick_to_transform_and_have_whole_hops():
    for wanted in range(1, 3000):
        size = transforms.window_samples_for(48_000, wanted / 48_000)
        assert size % 8 == 0
        for factor in (2, 3, 5, 7, 11):
            while size % factor == 0:
                size //= factor
        assert size == 1


def test_no_quick_length_is_nearer():
    def is_quick(count):
        for factor in (2, 3, 5, 7, 11):
            while count % factor == 0:
                count //= factor
        return count == 1

    quick = np.array([8 * count for count in range(1, 1100) if is_quick(count)])
    for wanted in range(8, 8000, 37):
        size = transforms.window_samples_for(16_000, wanted / 16_000)
        assert abs(size - wanted) == np.abs(quick - wanted).min()


@pytest.mark.parametrize("rate", RATES_HZ)
@pytest.mark.parametrize("division", [2, 4, 8])
def test_chosen_windows_reconstruct(rate, division, rng):
    window_samples = transforms.window_samples_for(rate)
    settings = {"window_samples": window_samples, "hop_samples": window_samples // division}
    signal = rng.uniform(-1, 1, (1, 3 * window_samples + 5))
    window = "sine" if division == 2 else "hann"
    for forward, inverse in ((transforms.stft, transforms.istft), (transforms.stdct, transforms.istdct)):
        found = inverse(forward(signal, window=window, **settings), signal.shape[1], window=window, **settings)
        assert_allclose(found, signal, atol=1e-12)


def test_window_for_a_very_short_time_is_the_smallest():
    assert transforms.window_samples_for(8000, 1e-9) == 8


# Refusals

X = np.zeros((1, 2049, 5), complex)
WAVE = np.zeros((1, 5000))


@pytest.mark.parametrize(
    "call, error, parts",
    [
        (
            lambda: transforms.stft(WAVE[0]),
            checks.ShapeError,
            ("signal must be (channels, samples)", "(5000,)", "np.newaxis"),
        ),
        (lambda: transforms.stft(WAVE.T), checks.ShapeError, ("looks like (samples, channels)", "signal.T")),
        (lambda: transforms.stdct(WAVE * np.nan), ValueError, ("signal must be finite", "5000 NaN")),
        (lambda: transforms.stft(np.zeros((1, 0))), ValueError, ("at least one channel and one sample",)),
        (
            lambda: transforms.stft(WAVE, window="han"),
            ValueError,
            ("window must be one of 'blackman-harris'", "'han'", "did you mean 'hann'?"),
        ),
        (lambda: transforms.stft(WAVE, window_samples=0), ValueError, ("window_samples", "at least 1", "got 0")),
        (lambda: transforms.stft(WAVE, hop_samples=0), ValueError, ("hop_samples", "at least 1", "got 0")),
        (lambda: transforms.stft(WAVE, hop_samples=1.5), ValueError, ("hop_samples", "whole number", "got 1.5")),
        (lambda: transforms.stft(WAVE, window_samples="4096"), TypeError, ("window_samples", "'4096' of type str")),
        (
            lambda: transforms.stft(WAVE, hop_samples=4096),
            ValueError,
            ("hop_samples must let a hann window of 4096 samples", "float64", "got 4096", "choose at most 2048"),
        ),
        (
            lambda: transforms.stdct(WAVE, hop_samples=5000),
            ValueError,
            ("hop_samples must let", "got 5000", "choose at most 1024"),
        ),
        (
            lambda: transforms.stft(WAVE.astype(np.float32), hop_samples=4000),
            ValueError,
            ("reconstruct float32", "got 4000"),
        ),
        (lambda: transforms.istft(X, 0), ValueError, ("samples", "at least 1", "got 0")),
        (lambda: transforms.istft(X, 5000, hop_samples=0), ValueError, ("hop_samples", "at least 1", "got 0")),
        (
            lambda: transforms.istft(X[:, 1:], 5000),
            checks.ShapeError,
            ("(..., 2049 freq, 5 frames)", "5000 samples", "(1, 2048, 5)", "use the settings"),
        ),
        (lambda: transforms.istft(X, 9000), checks.ShapeError, ("9 frames", "9000 samples", "(1, 2049, 5)")),
        (lambda: transforms.istft(X[0, 0], 5000), checks.ShapeError, ("freq", "(5,)")),
        (
            lambda: transforms.istft(X.real, 5000),
            TypeError,
            ("transform must be complex", "float64", "phase of the mixture"),
        ),
        (lambda: transforms.istft(X * np.nan, 5000), ValueError, ("transform must be finite", "10245 NaN")),
        (
            lambda: transforms.istft(X.astype(np.complex64), 5000, hop_samples=4000),
            ValueError,
            ("reconstruct float32",),
        ),
        (lambda: transforms.istdct(X, 5000), TypeError, ("transform must be real", "complex128", "istft")),
        (
            lambda: transforms.istdct(np.zeros((1, 2048, 10), int), 5000),
            TypeError,
            ("floating-point", "int64", "stdct"),
        ),
        (
            lambda: transforms.istdct(np.full((1, 2048, 10), np.inf), 5000),
            ValueError,
            ("transform must be finite", "20480"),
        ),
        (
            lambda: transforms.istdct(np.zeros((1, 2049, 10)), 5000),
            checks.ShapeError,
            ("2048 freq, 10 frames", "(1, 2049, 10)"),
        ),
        (lambda: transforms.frame_count(0, 4096, 1024), ValueError, ("samples", "at least 1", "got 0")),
        (lambda: transforms.frame_count(10, 4096, 0), ValueError, ("hop_samples", "at least 1", "got 0")),
        (lambda: transforms.stft_frequencies_hz(0, 44_100), ValueError, ("window_samples", "at least 1", "got 0")),
        (lambda: transforms.stft_frequencies_hz(4096, 0), ValueError, ("sample_rate_hz", "above 0", "got 0")),
        (lambda: transforms.frame_times_s(-1, 1024, 44_100), ValueError, ("frames", "at least 0", "got -1")),
        (lambda: transforms.window_samples_for(0), ValueError, ("sample_rate_hz", "at least 1000", "got 0")),
        (lambda: transforms.window_samples_for(44_100, 0), ValueError, ("window_s", "above 0", "got 0")),
        (lambda: transforms.make_window("sine", -1), ValueError, ("window_samples", "at least 1", "got -1")),
    ],
)
def test_refusals(call, error, parts):
    with pytest.raises(error) as refusal:
        call()
    for part in parts:
        assert part in str(refusal.value)


def test_a_hop_too_long_for_float32_serves_float64(rng):
    options = {"window_samples": 100, "hop_samples": 90}
    assert round_trip_error(PAIRS["stft"], rng.uniform(-1, 1, (1, 999)), **options) < 1e-12
    with pytest.raises(ValueError, match="reconstruct float32 signals"):
        transforms.stft(np.zeros((1, 999), np.float32), **options)


def test_one_magnitude_for_all_channels_keeps_the_mean_power(rng):
    stft = rng.standard_normal((2, 5, 3)) + 1j * rng.standard_normal((2, 5, 3))
    common = transforms.common_magnitude(stft)
    assert 2 * np.sum(common**2) == pytest.approx(np.sum(np.abs(stft) ** 2))
    np.testing.assert_allclose(transforms.common_magnitude(stft[:1]), np.abs(stft[0]))
    np.testing.assert_allclose(transforms.common_magnitude(stft[[0, 0]]), np.abs(stft[0]))
