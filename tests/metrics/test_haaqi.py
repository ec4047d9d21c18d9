"""HAAQI: what it refuses, its seed, pyclarity called directly, and the order of a few estimates."""

import sys

import numpy as np
import pytest

from mss_lab import refusals
from mss_lab.metrics import haaqi
from tests.measures import refusal

RATE_HZ = 24_000
LOSS_DB = (20, 25, 30, 40, 55, 60)


@pytest.fixture
def clarity():
    return pytest.importorskip("clarity.evaluator.haaqi", reason="not run: pyclarity is not installed")


def noise(channels=1, seconds=0.5, seed=0):
    """Noise that becomes louder and softer, as music does."""
    samples = round(seconds * RATE_HZ)
    loudness = 0.1 + np.abs(np.sin(np.arange(samples) * 2 * np.pi * 4 / RATE_HZ))
    return 0.1 * loudness * np.random.default_rng(seed).standard_normal((channels, samples))


def without_clarity(monkeypatch):
    for name in ("clarity", "clarity.evaluator", "clarity.evaluator.haaqi", "clarity.utils.audiogram"):
        monkeypatch.setitem(sys.modules, name, None)


def test_a_seed_is_that_of_the_challenge():
    assert haaqi.seed_of("a") == 0x0CC175B9C0F1B6A831C399E269772661 % 10**8
    assert "name must be text" in refusal(lambda: haaqi.seed_of(7), TypeError)


@pytest.mark.parametrize(
    "source, estimate, options, words",
    [
        (noise(), noise(2), {}, "same shape"),
        (noise(3), noise(3), {}, "at most 2 ears"),
        (noise(seconds=0.4), noise(seconds=0.4), {}, "at least 0.5 s, got 0.4 s"),
        (0 * noise(), noise(), {}, "silence in channel 0"),
        (noise(2) * [[1], [0]], noise(2), {}, "silence in channel 1"),
        (noise()[0], noise(), {}, "channels"),
        (noise() * np.nan, noise(), {}, "finite"),
        (noise(), noise(), {"seed": -1}, "seed_of"),
        (noise(), noise(), {"seed": 2**32}, "seed"),
        (noise(), noise(), {"level_db_spl": 200}, "dB SPL"),
        (noise(), noise(), {"audiogram_db": [0, 0]}, "250, 500, 1000, 2000, 4000, 6000 Hz"),
        (noise(), noise(), {"audiogram_db": np.zeros((2, 6))}, "each of 1"),
        (noise(), noise(), {"audiogram_db": [0, 0, 0, 0, 0, 200]}, "a positive number"),
        (noise(), noise(), {"sample_rate_hz": 24}, "44100 for 44.1 kHz"),
    ],
)
def test_bad_input_is_refused_in_words(monkeypatch, source, estimate, options, words):
    # Before pyclarity is loaded.
    without_clarity(monkeypatch)
    options = {"sample_rate_hz": RATE_HZ, "seed": 1, **options}
    assert words in refusal(lambda: haaqi.haaqi(source, estimate, **options))


def test_without_pyclarity_the_extra_is_named(monkeypatch):
    without_clarity(monkeypatch)
    message = refusal(lambda: haaqi.haaqi(noise(), noise(), RATE_HZ, seed=1), refusals.MissingExtra)
    assert message == "HAAQI needs clarity, which is not installed; install it with: pip install 'mss-lab[quality]'"


@pytest.mark.slow(15)
def test_a_signal_with_itself_is_nearly_1_and_repeatable(clarity, frozen):
    signal = frozen(noise(2))
    np.random.seed(5)  # noqa: NPY002
    index = haaqi.haaqi(signal, signal, RATE_HZ, seed=3)
    assert np.random.standard_normal() == np.random.RandomState(5).standard_normal()  # noqa: NPY002
    assert len(index.ears) == 2 and all(0.95 < ear <= 0.999 for ear in index.ears)
    assert index.mean == pytest.approx(sum(index.ears) / 2)
    # The same seed gives the same numbers, to the last bit, and a shorter list of ears begins in the same way.
    assert haaqi.haaqi(signal[:1], signal[:1], RATE_HZ, seed=3).ears == index.ears[:1]
    assert haaqi.haaqi(signal[:1], signal[:1], RATE_HZ, seed=4).ears != index.ears[:1]


@pytest.mark.slow(8)
def test_the_value_is_that_of_pyclarity_called_directly(clarity):
    from clarity.utils.audiogram import Audiogram

    source = noise(seconds=0.75)
    estimate = source + 0.3 * noise(seconds=0.75, seed=1)
    rms = np.sqrt(np.mean(source**2))
    np.random.seed(haaqi.seed_of("a song"))  # noqa: NPY002
    expected = clarity.compute_haaqi(
        estimate[0], source[0], 24_000, 24_000, Audiogram(np.array(LOSS_DB), np.array(haaqi.AUDIOGRAM_HZ)), 1,
        70 - 20 * np.log10(rms),
    )  # fmt: skip
    index = haaqi.haaqi(source, estimate, RATE_HZ, seed=haaqi.seed_of("a song"), audiogram_db=LOSS_DB, level_db_spl=70)
    assert index.ears == (pytest.approx(expected, abs=1e-9),)


@pytest.mark.no_warnings
@pytest.mark.slow(15)
def test_worse_estimates_have_a_lower_index(clarity):
    source, other = noise(), noise(seed=1)
    estimates = (source, source + 0.3 * other, 0 * source)
    indices = [haaqi.haaqi(source, estimate, RATE_HZ, seed=1).mean for estimate in estimates]
    assert indices == sorted(indices, reverse=True)
    assert indices[0] > indices[1] + 0.1 and 0 <= indices[2] < 0.3
