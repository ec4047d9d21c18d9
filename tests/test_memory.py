"""Memory: seamless chunks are the whole recording at once, estimates of memory are right, and excess is refused."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import catalogue, chunks, masks, memory, signals, transforms
from mss_lab.kernels import hpss
from mss_lab.refusals import RefusedValue
from mss_lab.score import harmonics
from mss_lab.score.notes import Note, Score
from mss_lab.spatial import adress

RATE_HZ = 8_000
SETTINGS = transforms.settings_for(RATE_HZ)
WINDOW = SETTINGS["window_samples"]
# Two notes at a time and a rest; some last over several chunks of the tests below.
SCORE = Score((Note("a", 57, 0.0, 1.3), Note("b", 64, 0.2, 2.9), Note("a", 60, 1.3, 2.0), Note("b", 52, 3.0, 3.1)))
SEAMLESS = {
    "score-masks": {"tuning_hz": 440.0, "tolerance_s": 0.05},
    "hpss": {"margin": 1.5},
    "adress": {"pans_rad": {"left": 0.3, "right": 1.2}},
}


def music(samples, channels=2, rng=None):
    """Two tones with harmonics from two places, noise, and silence in between."""
    rng = rng or np.random.default_rng(0)
    seconds = max(1.0, samples / RATE_HZ)
    low = signals.harmonic_tone(220.0, seconds, RATE_HZ, harmonics=6, amplitude=0.3)
    high = signals.harmonic_tone(329.6, seconds, RATE_HZ, harmonics=6, amplitude=0.2)
    mixture = (signals.pan(low, 0.3) + signals.pan(high, 1.2))[:, :samples]
    mixture = mixture + 0.01 * rng.standard_normal((2, samples))
    mixture[:, RATE_HZ : 2 * RATE_HZ] = 0
    return mixture[:channels].astype(np.float32)


def separated(method, mixture, monkeypatch, chunk_s, **options):
    monkeypatch.setattr(chunks, "CHUNK_S", chunk_s)
    return catalogue.separator(method, **SEAMLESS[method], **options)(mixture, RATE_HZ, SCORE)


def assert_same(some, others):
    assert list(some) == list(others)
    for name, estimate in some.items():
        assert_allclose(estimate, others[name], atol=2e-6)


@pytest.mark.parametrize("chunk_s", [0.001, 0.5, 1.0, 2.7])
@pytest.mark.parametrize("method", SEAMLESS)
def test_chunks_are_the_whole_recording_at_once(method, chunk_s, monkeypatch):
    mixture = music(round(3.3 * RATE_HZ))
    whole = separated(method, mixture, monkeypatch, 1e6)
    assert_same(separated(method, mixture, monkeypatch, chunk_s), whole)
    assert_allclose(sum(whole.values()), mixture, atol=2e-6)


@pytest.mark.parametrize("more", [-1, 0, 1, WINDOW // 4, WINDOW])
@pytest.mark.parametrize("method", SEAMLESS)
def test_one_chunk_and_a_little_more_or_less(method, more, monkeypatch):
    mixture = music(RATE_HZ + more)
    assert_same(separated(method, mixture, monkeypatch, 1.0), separated(method, mixture, monkeypatch, 1e6))


@pytest.mark.parametrize("samples", [1, 2, WINDOW // 4, WINDOW - 1])
@pytest.mark.parametrize("method", SEAMLESS)
def test_recordings_shorter_than_a_window(method, samples, monkeypatch):
    mixture = music(samples)
    assert_same(separated(method, mixture, monkeypatch, 0.01), separated(method, mixture, monkeypatch, 1e6))


@pytest.mark.parametrize("method", ["score-masks", "hpss"])
def test_mono_and_silence(method, monkeypatch):
    mixture = music(3 * RATE_HZ, channels=1)
    assert_same(separated(method, mixture, monkeypatch, 0.4), separated(method, mixture, monkeypatch, 1e6))
    for estimate in separated(method, np.zeros_like(mixture), monkeypatch, 0.4).values():
        assert_array_equal(estimate, 0)


def test_score_masks_of_chunks_are_those_of_one_transform(monkeypatch):
    # The oracle is the formula on the transform of the whole recording.
    mixture = music(round(3.3 * RATE_HZ))
    stft = transforms.stft(mixture, **SETTINGS)
    mask = harmonics.score_masks(SCORE, stft.shape[2], sample_rate_hz=RATE_HZ, tolerance_s=0.05, **SETTINGS)
    expected = masks.to_estimates(masks.apply(mask, stft), SCORE.sources, mixture.shape[1], **SETTINGS)
    assert_same(separated("score-masks", mixture, monkeypatch, 0.3), expected)


def test_medians_of_chunks_are_those_of_one_transform(monkeypatch):
    mixture = music(round(3.3 * RATE_HZ))
    found = separated("hpss", mixture, monkeypatch, 0.3, length_s=0.5)
    frames = 2 * round((0.5 * RATE_HZ / SETTINGS["hop_samples"] - 1) / 2) + 1
    stft = transforms.stft(mixture, **SETTINGS)
    bins = 2 * round((31 * 44_100 / 4096 / (RATE_HZ / WINDOW) - 1) / 2) + 1
    harmonic, percussive = hpss.decompose(stft, frames=frames, bins=bins, margin=1.5)
    for name, part in (("harmonic", harmonic), ("percussive", percussive)):
        assert_allclose(found[name], transforms.istft(part, mixture.shape[1], **SETTINGS), atol=2e-6)


def test_many_sources_get_shorter_chunks_and_the_same_sound(monkeypatch):
    names = [f"player_{number}" for number in range(12)]
    score = Score(tuple(Note(name, 50 + k, 0.1 * k, 1.0 + 0.1 * k) for k, name in enumerate(names)))
    mixture = music(2 * RATE_HZ)
    whole = harmonics.separate(mixture, RATE_HZ, score, tuning_hz=440.0)
    heard = []
    honest = chunks.seamless
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 3e6)
    monkeypatch.setattr(chunks, "seamless", lambda *a, **b: heard.extend(honest(*a, **b)) or heard)
    assert_same(harmonics.separate(mixture, RATE_HZ, score, tuning_hz=440.0), whole)
    assert len(heard) > 3


def peak_beyond_estimates(separate, mixture, *arguments, **options):
    separate(mixture[:, :RATE_HZ], *arguments, **options)
    tracemalloc.start()
    estimates = separate(mixture, *arguments, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - sum(estimate.nbytes for estimate in estimates.values())


def estimated(monkeypatch, run):
    """What a run measures, and what it had told `memory.check` that it needs."""
    told = []
    monkeypatch.setattr(memory, "check", lambda method, needed, **_: told.append(needed))
    measured = run()
    return measured, told[-1]


@pytest.mark.parametrize("sources", [2, 8])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_memory_of_score_masks_is_estimated_rightly(sources, channels, monkeypatch):
    score = Score(tuple(Note(f"player_{k}", 50 + k, 0.0, 6.0) for k in range(sources)))
    mixture = music(6 * RATE_HZ, channels)
    run = lambda: peak_beyond_estimates(harmonics.separate, mixture, RATE_HZ, score, tuning_hz=440.0)  # noqa: E731
    measured, told = estimated(monkeypatch, run)
    assert told / 2 < measured < 2 * told


@pytest.mark.parametrize("channels", [1, 2])
def test_the_memory_of_medians_is_estimated_rightly(channels, monkeypatch):
    run = lambda: peak_beyond_estimates(hpss.separate, music(6 * RATE_HZ, channels), RATE_HZ)  # noqa: E731
    measured, told = estimated(monkeypatch, run)
    assert told / 2 < measured < 2 * told


@pytest.mark.parametrize("mode", adress.MODES)
def test_the_memory_of_adress_is_estimated_rightly(mode, monkeypatch):
    options = {"pans_rad": {"left": 0.3, "centre": 0.8, "right": 1.2}, "mode": mode}
    run = lambda: peak_beyond_estimates(adress.separate, music(6 * RATE_HZ), RATE_HZ, **options)  # noqa: E731
    measured, told = estimated(monkeypatch, run)
    assert told / 2 < measured < 2 * told


def test_a_refusal_says_what_is_needed_what_is_allowed_and_what_to_do():
    with pytest.raises(RefusedValue, match=r"^duet would need about 2\.5 GB .* may use 1\.5 GB; cut it$"):
        memory.check("duet", 2.5e9, advice="cut it")
    memory.check("duet", memory.MOST_BYTES)
    with pytest.raises(RefusedValue, match="would need"):
        memory.check("duet", float("nan"))


@pytest.mark.parametrize(
    ("size", "text"),
    [(12, "12 bytes"), (2e6, "2 MB"), (1.5e9, "1.5 GB"), (123.4e9, "123 GB"), (4.56e15, "4,560,000 GB")],
)
def test_sizes_in_words(size, text):
    assert memory.words(size) == text


def test_estimates_that_cannot_fit_into_the_computer_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 8e9)
    with pytest.raises(RefusedValue, match=r"10000 estimates of 1000000 samples would take 80 GB .* has 8 GB"):
        memory.zeros_for((str(k) for k in range(10_000)), (2, 1_000_000))
    silent = memory.zeros_for(["a", "b"], (2, 5))
    assert silent["a"].shape == (2, 5) and silent["a"].dtype == np.float32 and not silent["b"].any()
