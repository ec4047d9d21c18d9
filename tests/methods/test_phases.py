"""Phases: the laws of Griffin-Lim, MISI and consistency, and librosa as an independent program."""

import itertools

import librosa
import numpy as np
import pytest

from mss_lab import phases, signals, transforms
from mss_lab.metrics import energy
from tests.measures import refusal

SETTINGS = {"window_samples": 256, "hop_samples": 64}
RATE_HZ = 8000
SAMPLES = 4000


def sounds():
    """Two players whose harmonics overlap in part, (sources, channels, samples)."""
    pitches = ((220, 331), (277, 440))
    return np.stack([
        np.concatenate([signals.vibrato_tone(hz, 0.5, RATE_HZ, amplitude=0.4, depth_cents=40) for hz in pair])
        for pair in pitches
    ])  # fmt: skip


def random_phases(rng, shape):
    return np.exp(2j * np.pi * rng.random(shape))


# Consistency


@pytest.mark.parametrize("samples", [1, 63, 500, 4000])
def test_the_transform_of_a_waveform_is_consistent(rng, frozen, samples):
    transform = frozen(transforms.stft(rng.standard_normal((2, samples)), **SETTINGS))
    assert np.allclose(phases.consistent(transform, samples, **SETTINGS), transform, atol=1e-12)
    assert phases.inconsistency(transform, samples, **SETTINGS) < 1e-12


def test_a_projection_twice_is_the_projection_once_and_is_orthogonal(rng):
    transform = transforms.stft(rng.standard_normal((1, 900)), **SETTINGS)
    transform = transform * random_phases(rng, transform.shape)
    once = phases.consistent(transform, 900, **SETTINGS)
    assert np.allclose(phases.consistent(once, 900, **SETTINGS), once, atol=1e-10)
    # What the projection removes is orthogonal to what it keeps, over the full spectrum.
    weights = np.full((129, 1), 2.0)
    weights[[0, -1]] = 1
    removed = np.vdot(once, weights * (transform - once)).real
    assert abs(removed) < 1e-9 * np.sum(np.abs(transform) ** 2)
    distance = phases.inconsistency(transform, 900, **SETTINGS)
    kept = np.sqrt(np.sum(weights * abs(once) ** 2) / np.sum(weights * abs(transform) ** 2))
    assert distance**2 + kept**2 == pytest.approx(1, abs=1e-9)


def test_silence_is_consistent():
    assert phases.inconsistency(np.zeros((1, 129, 63), complex), SAMPLES, **SETTINGS) == 0


# Griffin-Lim


@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_the_inconsistency_never_rises(rng, window):
    settings = {**SETTINGS, "window": window}
    magnitude = np.abs(transforms.stft(sounds()[0], **settings))
    start = random_phases(rng, magnitude.shape)
    distances = []
    for iterations in range(8):
        waveform = phases.griffin_lim(magnitude, SAMPLES, start=start, iterations=iterations, **settings)
        phase = np.angle(transforms.stft(waveform, **settings))
        distances.append(phases.inconsistency(magnitude * np.exp(1j * phase), SAMPLES, **settings))
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(distances))
    assert distances[-1] < 0.7 * distances[0]


@pytest.mark.parametrize("dtype, error", [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_true_phases_are_a_fixed_point(frozen, dtype, error):
    source = frozen(sounds()[0].astype(dtype))
    transform = frozen(transforms.stft(source, **SETTINGS))
    waveform = phases.griffin_lim(np.abs(transform), SAMPLES, start=transform, iterations=6, **SETTINGS)
    assert waveform.dtype == dtype and np.abs(waveform - source).max() < error


@pytest.mark.slow(6)
@pytest.mark.parametrize("momentum", [0, 0.99])
def test_griffin_lim_equals_librosa(rng, momentum):
    magnitude = np.abs(transforms.stft(sounds()[0], **SETTINGS))
    ours = phases.griffin_lim(magnitude, SAMPLES, iterations=5, momentum=momentum, **SETTINGS)
    theirs = librosa.griffinlim(
        magnitude, n_iter=5, hop_length=64, win_length=256, n_fft=256, init=None, momentum=momentum, length=SAMPLES,
        dtype=np.float64,
    )  # fmt: skip
    assert np.abs(ours - theirs)[:, 300:-300].max() < 1e-6


def test_one_sample_and_silence_pass():
    one = transforms.stft(np.ones((1, 1)), **SETTINGS)
    assert phases.griffin_lim(np.abs(one), 1, start=one, iterations=2, **SETTINGS) == pytest.approx(1)
    silence = phases.griffin_lim(np.zeros((2, 129, 63)), SAMPLES, iterations=2, **SETTINGS)
    assert silence.shape == (2, SAMPLES) and not silence.any()


# MISI


@pytest.mark.parametrize("iterations", [0, 1, 2, 5])
def test_estimates_add_up_to_the_mixture_after_any_iteration(rng, frozen, iterations):
    mixture = frozen(rng.standard_normal((2, 900)))
    magnitudes = frozen(rng.random((3, 2, 129, 15)))
    estimates = phases.misi(mixture, magnitudes, iterations=iterations, **SETTINGS)
    assert estimates.shape == (3, 2, 900) and np.allclose(estimates.sum(axis=0), mixture, atol=1e-12)


def test_true_magnitudes_and_phases_are_a_fixed_point_of_misi():
    sources = sounds()
    stack = np.stack([transforms.stft(source, **SETTINGS) for source in sources])
    estimates = phases.misi(sources.sum(axis=0), np.abs(stack), start=stack, iterations=4, **SETTINGS)
    assert np.allclose(estimates, sources, atol=1e-9)


def test_misi_improves_true_magnitudes_with_the_phase_of_the_mixture():
    sources = sounds()
    magnitudes = np.stack([np.abs(transforms.stft(source, **SETTINGS)) for source in sources])

    def mean_db(iterations):
        estimates = phases.misi(sources.sum(axis=0), magnitudes, iterations=iterations, **SETTINGS)
        return np.mean([energy.sdr(source, estimate) for source, estimate in zip(sources, estimates, strict=True)])

    assert mean_db(10) > mean_db(0) + 2


def test_one_source_is_the_mixture():
    mixture = sounds()[0]
    assert np.allclose(phases.misi(mixture, np.zeros((1, 2, 129, 63)), **SETTINGS)[0], mixture)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: phases.griffin_lim(np.ones((129, 63)), SAMPLES, **SETTINGS), ValueError, "channels, freq, frames"),
        (lambda: phases.griffin_lim(-np.ones((1, 129, 63)), SAMPLES, **SETTINGS), ValueError, "0 or more"),
        (lambda: phases.griffin_lim(np.ones((1, 129, 62)), SAMPLES, **SETTINGS), ValueError, "63 frames"),
        (lambda: phases.griffin_lim(np.ones((1, 129, 63)), SAMPLES, momentum=1, **SETTINGS), ValueError, "below 1"),
        (
            lambda: phases.griffin_lim(np.ones((1, 129, 63)), SAMPLES, start=np.ones((1, 129, 63)), **SETTINGS),
            TypeError,
            "start must be complex",
        ),
        (lambda: phases.misi(np.ones((1, 4000)), np.ones((2, 2, 129, 63)), **SETTINGS), ValueError, "this mixture"),
        (lambda: phases.misi(np.ones((1, 4000)), np.ones((0, 1, 129, 63)), **SETTINGS), ValueError, "this mixture"),
        (lambda: phases.consistent(np.ones((1, 129, 63)), SAMPLES, **SETTINGS), TypeError, "complex"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(call, error, words):
    assert words in refusal(call, error)
