"""Methods that decide work at 44.1 kHz whatever higher rate a recording has, and their estimates still add up."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab import audio, catalogue
from mss_lab.common_rate import COMMON_RATE_HZ, at_common_rate

METHODS = {
    "repet-similarity": {},
    "sinusoidal": {},
    "source-filter": {"iterations": 10, "runs": 1},
    "fastmnmf": {"runs": 1, "iterations": 3, "count": 2},
}


def halves(mixture, sample_rate_hz, score=None):
    """A separator that notes its rate, and gives a third and two thirds of the mixture."""
    halves.rate_hz, halves.shape = sample_rate_hz, mixture.shape
    return {"third": mixture / 3, "rest": mixture * 2 / 3}


@pytest.mark.parametrize("rate_hz", [48_000, 96_000, 44_101])
@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 5_000), (2, 20_001)])
def test_estimates_have_the_shape_of_the_mixture_and_add_up_to_it(rng, rate_hz, shape):
    mixture = 0.1 * rng.standard_normal(shape).astype(np.float32)
    estimates = at_common_rate(halves)(mixture, rate_hz)
    assert halves.rate_hz == COMMON_RATE_HZ
    assert all(estimate.shape == shape and estimate.dtype == np.float32 for estimate in estimates.values())
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100])
def test_lower_rates_are_left_alone(rng, rate_hz):
    mixture = rng.standard_normal((2, 1_000))
    estimates = at_common_rate(halves)(mixture, rate_hz)
    assert halves.rate_hz == rate_hz and halves.shape == mixture.shape
    assert np.array_equal(estimates["third"], mixture / 3)


def test_silence_stays_silent_and_the_mixture_is_not_written_into(rng):
    assert not any(estimate.any() for estimate in at_common_rate(halves)(np.zeros((2, 4_800)), 48_000).values())
    mixture = rng.standard_normal((1, 4_800)).astype(np.float32)
    kept = mixture.copy()
    at_common_rate(halves)(mixture, 48_000)
    assert np.array_equal(mixture, kept)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_music_comes_out_alike_at_a_higher_rate(rng, name):
    """The estimates at 88.2 kHz are those at 44.1 kHz, resampled: what this rate adds is above all that is heard."""
    times_s = np.arange(2 * COMMON_RATE_HZ) / COMMON_RATE_HZ
    tones = [
        0.1 * np.sin(2 * np.pi * f * times_s) * (np.sin(2 * np.pi * r * times_s) > 0) for f, r in ((330, 1), (890, 3))
    ]
    mixture = np.stack([tones[0] + 0.3 * tones[1], 0.4 * tones[0] + tones[1]]).astype(np.float32)
    mixture += 0.003 * rng.standard_normal(mixture.shape).astype(np.float32)
    doubled = audio.resample(mixture, COMMON_RATE_HZ, 2 * COMMON_RATE_HZ)
    # Brought down again, it is exactly what the method is given at the lower rate.
    mixture = audio.resample(doubled, 2 * COMMON_RATE_HZ, COMMON_RATE_HZ)

    def separated(waveform, rate_hz):
        drawn = {"rng": np.random.default_rng(0)} if "rng" in catalogue.get(name).options else {}
        return catalogue.separator(name, **METHODS[name], **drawn)(waveform, rate_hz)

    low, high = separated(mixture, COMMON_RATE_HZ), separated(doubled, 2 * COMMON_RATE_HZ)
    assert list(low) == list(high)
    for source, estimate in high.items():
        back = audio.resample(estimate, 2 * COMMON_RATE_HZ, COMMON_RATE_HZ)[:, : mixture.shape[1]]
        error = np.square(back - low[source])[:, 1000:-1000].sum()
        assert error < 1e-3 * np.square(mixture).sum(), source
