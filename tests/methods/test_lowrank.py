"""Robust PCA: what was put together is parted again, the optimum is one, and a voice leaves its loop."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, lowrank, signals, transforms
from mss_lab.metrics import energy

RATE = 16_000
both_ways = pytest.mark.parametrize("svd", ["exact", "randomised"])


def put_together(rng, rows=120, columns=200, rank=3, share=0.05):
    low = rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns))
    sparse = np.where(rng.random((rows, columns)) < share, rng.uniform(-10, 10, (rows, columns)), 0)
    return low, sparse


def looped(rng, seconds=6.0, rate=RATE):
    """A gliding voice over one chord that is struck again and again: the two sources, (1, samples)."""
    chord = sum(signals.harmonic_tone(f, 0.5, rate, harmonics=5, amplitude=0.15) for f in (130.8, 164.8, 196.0))
    chord = signals.fade(chord, 0.02, rate)
    accompaniment = np.tile(chord, (1, round(2 * seconds)))
    times_s = np.arange(accompaniment.shape[1]) / rate
    pitch_hz = 420 * 2 ** (0.4 * np.sin(2 * np.pi * 0.31 * times_s) + 0.03 * np.sin(2 * np.pi * 5.5 * times_s))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate
    voice = 0.1 * sum(np.sin(h * phase) / h for h in range(1, 8))[np.newaxis]
    return voice.astype(np.float32), accompaniment.astype(np.float32)


# The checked answer of the reference: 120 x 200, rank 3 plus 5 % sparse, 22 iterations, relative error 6e-8, rank 3.


@both_ways
def test_rank_three_and_five_percent_are_recovered_as_in_the_reference(svd, rng):
    for seed in range(4):
        low, sparse = put_together(np.random.default_rng(seed))
        found = lowrank.robust_pca(low + sparse, svd=svd, rng=rng)
        assert found.rank == 3
        assert 18 <= found.iterations <= 28
        assert np.linalg.norm(found.low_rank - low) < 2e-7 * np.linalg.norm(low)
        assert np.linalg.norm(found.sparse - sparse) < 2e-7 * np.linalg.norm(sparse)
        assert_array_equal(found.sparse != 0, sparse != 0)


def plain(M, iterations, gain=1.0):
    """The method as it is printed, one line each, with NumPy's own SVD: the oracle."""
    lam, mu = gain / np.sqrt(max(M.shape)), 1.25 / np.linalg.norm(M, 2)
    Y = M / max(np.linalg.norm(M, 2), np.abs(M).max() / lam)
    S = np.zeros_like(M)
    for _ in range(iterations):
        U, s, V = np.linalg.svd(M - S + Y / mu, full_matrices=False)
        L = U * np.maximum(s - 1 / mu, 0) @ V
        T = M - L + Y / mu
        S = np.sign(T) * np.maximum(np.abs(T) - lam / mu, 0)
        Y, mu = Y + mu * (M - L - S), 1.5 * mu
    return L, S


@both_ways
@pytest.mark.parametrize(
    "shape, gain", [((30, 50), 1.0), ((50, 30), 1.0), ((40, 40), 2.0), ((1, 9), 1.0), ((9, 1), 0.5)]
)
def test_every_iteration_is_that_of_the_plain_method(svd, shape, gain, rng):
    M = np.abs(rng.standard_normal((shape[0], 2)) @ rng.standard_normal((2, shape[1]))) + (rng.random(shape) < 0.1)
    for iterations in (1, 2, 5, 15):
        found = lowrank.robust_pca(M, gain=gain, iterations=iterations, svd=svd)
        L, S = plain(M, iterations, gain)
        assert_allclose(found.low_rank, L, atol=1e-9)
        assert_allclose(found.sparse, S, atol=1e-9)
        assert found.errors[-1] == pytest.approx(np.linalg.norm(M - L - S) / np.linalg.norm(M), rel=1e-4, abs=1e-12)


def test_what_is_found_is_the_optimum(rng):
    # The multipliers at the end prove it: lambda sign(S) where S is not 0, within lambda elsewhere, U Vᵀ on L's space.
    low, sparse = put_together(rng, 60, 90)
    found = lowrank.robust_pca(low + sparse)
    cost = np.linalg.norm(found.low_rank, "nuc") + np.abs(found.sparse).sum() / np.sqrt(90)
    for _ in range(20):
        step = 1e-3 * rng.standard_normal(low.shape)
        for move in (step, low * 1e-3 * rng.standard_normal(), sparse * 1e-3 * rng.standard_normal()):
            other = np.linalg.norm(found.low_rank + move, "nuc") + np.abs(found.sparse - move).sum() / np.sqrt(90)
            assert other > cost


@pytest.mark.slow(0.8)
@both_ways
def test_spectrograms_are_parted_alike_both_ways(svd, rng):
    voice, accompaniment = looped(rng)
    M = np.abs(transforms.stft(voice + accompaniment, window_samples=512, hop_samples=128)[0])
    exact = lowrank.robust_pca(M, tolerance=1e-5)
    found = lowrank.robust_pca(M, tolerance=1e-5, svd=svd)
    assert np.linalg.norm(found.low_rank - exact.low_rank) < 0.02 * np.linalg.norm(exact.low_rank)
    assert np.linalg.norm(M - found.low_rank - found.sparse) < 1e-5 * np.linalg.norm(M)


@pytest.mark.parametrize("rank", [60, 200])
def test_the_randomised_way_looks_again_where_there_is_more_than_it_looked_for(rank, rng):
    left, right = (np.linalg.qr(rng.standard_normal((n, rank)))[0] for n in (400, 500))
    M = left @ right.T
    exact, found = (lowrank.robust_pca(M, iterations=2, svd=svd) for svd in ("exact", "randomised"))
    assert found.rank == exact.rank == rank
    assert_allclose(found.low_rank, exact.low_rank, atol=1e-5)


def test_level_and_transposition_change_nothing_else(rng):
    M = sum(put_together(rng, 40, 60))
    found = lowrank.robust_pca(M)
    for level in (1e-9, 1e9):
        other = lowrank.robust_pca(level * M)
        assert_allclose(other.low_rank / level, found.low_rank, atol=1e-6)
    assert_allclose(lowrank.robust_pca(M.T).sparse.T, found.sparse, atol=1e-6)


def test_the_larger_the_gain_the_sparser(rng):
    M = np.abs(rng.standard_normal((40, 60)))
    found = [lowrank.robust_pca(M, gain=gain) for gain in (0.5, 1.0, 2.0)]
    filled = [np.mean(np.abs(parts.sparse) > 1e-6) for parts in found]
    assert filled[0] > filled[1] > filled[2]
    assert found[0].rank < found[2].rank


def test_nothing_and_little_come_back_as_they_are(frozen):
    nothing = lowrank.robust_pca(frozen(np.zeros((4, 6), np.float32)))
    assert not nothing.low_rank.any() and not nothing.sparse.any()
    assert nothing.rank == nothing.iterations == len(nothing.errors) == 0
    for one in (np.array([[3.0]]), np.full((5, 7), 2.0)):
        found = lowrank.robust_pca(frozen(one))
        assert_allclose(found.low_rank + found.sparse, one, rtol=1e-6)
    assert_allclose(lowrank.robust_pca(np.full((5, 7), 2.0)).low_rank, 2.0, rtol=1e-6)


@pytest.mark.parametrize(
    "matrix, options, error, words",
    [
        (np.ones(3), {}, checks.ShapeError, r"must be \(rows, columns\)"),
        (np.ones((0, 3)), {}, ValueError, "at least one value"),
        (np.full((2, 2), np.nan), {}, ValueError, "must be finite"),
        (np.ones((2, 2)) * 1j, {}, TypeError, "must be real"),
        (np.ones((2, 2)), {"gain": 0}, ValueError, "gain must be"),
        (np.ones((2, 2)), {"iterations": 0}, ValueError, "iterations must be"),
        (np.ones((2, 2)), {"tolerance": 0.0}, ValueError, "tolerance must be"),
        (np.ones((2, 2)), {"svd": "quick"}, ValueError, "svd must be one of"),
        (np.ones((2, 2)), {"rng": 1}, TypeError, "rng must be"),
    ],
)
def test_bad_input_is_refused(matrix, options, error, words):
    with pytest.raises(error, match=words):
        lowrank.robust_pca(matrix, **options)


# The separator.


@pytest.mark.parametrize("mask", ["soft", "binary"])
def test_a_voice_leaves_its_loop(mask, rng):
    voice, accompaniment = looped(rng)
    estimates = lowrank.separate(voice + accompaniment, RATE, mask=mask)
    assert list(estimates) == ["voice", "accompaniment"]
    # Measured: 7.7 and 8.6 dB for the voice, 11.9 and 12.8 dB for the loop, from -4.2 and 4.2 dB.
    assert energy.sdr(voice, estimates["voice"]) > 6.5
    assert energy.sdr(accompaniment, estimates["accompaniment"]) > 10.5


@pytest.mark.parametrize("mask", ["soft", "binary"])
def test_masks_are_those_of_the_paper(mask, rng):
    mixture = sum(looped(rng, 1.0))
    stft = transforms.stft(mixture, window_samples=1024, hop_samples=256)
    parts = lowrank.robust_pca(np.abs(stft[0]))
    S, L = np.abs(parts.sparse), np.abs(parts.low_rank)
    share = S / (S + L) if mask == "soft" else S > L
    wanted = transforms.istft(stft * share, mixture.shape[1], window_samples=1024, hop_samples=256)
    found = lowrank.separate(mixture, RATE, mask=mask, highpass_hz=0, tolerance=1e-7, svd="exact")["voice"]
    assert energy.sdr(wanted, found) > 60


def test_estimates_add_up_to_a_millionth(rng):
    voice, accompaniment = looped(rng, 2.0)
    mixture = np.concatenate([voice, 0.5 * accompaniment])
    estimates = lowrank.separate(mixture, RATE)
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6 * np.abs(mixture).max())


def test_drums_land_with_the_voice_but_for_the_high_pass(rng):
    times_s = np.arange(3 * RATE) / RATE
    drone = signals.harmonic_tone(220.0, 3.0, RATE)
    kick = np.zeros_like(drone)
    for start_s in (0.3, 1.0, 1.9, 2.2):
        since_s = np.maximum(times_s - start_s, 0)
        kick += np.where(times_s > start_s, np.exp(-since_s / 0.05) * np.sin(2 * np.pi * 60 * since_s), 0)
    for highpass_hz, lowest, highest in ((0.0, 0.5, 1.0), (100.0, 0.0, 0.1)):
        voice = lowrank.separate((drone + kick).astype(np.float32), RATE, highpass_hz=highpass_hz)["voice"]
        share = np.sum(voice * kick) / np.sum(kick * kick)
        assert lowest < share < highest


def test_binary_masks_are_binary_and_the_gain_decides(rng):
    voice, accompaniment = looped(rng, 2.0)
    mixture = voice + accompaniment
    energies = [np.sum(lowrank.separate(mixture, RATE, mask_gain=k)["voice"] ** 2) for k in (0.3, 1, 3)]
    assert energies[0] > energies[1] > energies[2] > 0
    energies = [np.sum(lowrank.separate(mixture, RATE, gain=k)["voice"] ** 2) for k in (0.7, 1, 3)]
    assert energies[0] > energies[1] > energies[2]
    everything = lowrank.separate(mixture, RATE, mask="binary", mask_gain=1e-9, highpass_hz=0)["voice"]
    nothing = lowrank.separate(mixture, RATE, mask="binary", mask_gain=1e9, highpass_hz=0)["voice"]
    assert np.sum((mixture - everything) ** 2) < 0.02 * np.sum(mixture**2)
    assert np.sum(nothing**2) < 0.02 * np.sum(mixture**2)


@pytest.mark.slow(0.6)
def test_chunks_do_not_show(rng):
    voice, accompaniment = looped(rng, 9.0)
    whole = lowrank.separate(voice + accompaniment, RATE)["voice"]
    parts = lowrank.separate(voice + accompaniment, RATE, chunk_s=3.0)["voice"]
    assert energy.sdr(voice, parts) > energy.sdr(voice, whole) - 3


def test_ten_minutes_take_no_more_memory_than_their_estimates(rng, monkeypatch):
    # Ten minutes at a low rate; what is watched is the largest matrix that is ever parted.
    seen = []
    real = lowrank.robust_pca
    monkeypatch.setattr(
        lowrank, "robust_pca", lambda matrix, **options: seen.append(matrix.shape) or real(matrix, **options)
    )
    rate = 1_000
    mixture = signals.noise(600.0, rate, rng=rng, channels=2).astype(np.float32)
    estimates = lowrank.separate(mixture, rate, iterations=2)
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
    assert len(seen) >= 20
    assert max(columns for _, columns in seen) < 31.1 * rate / 16 + 2


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("kind", ["one sample", "one frame", "silence", "twins", "one side"])
def test_odd_mixtures_get_a_sane_answer(rate, kind, rng):
    tone = signals.harmonic_tone(220.0, 0.2, rate)
    mixture = {
        "one sample": tone[:, :1],
        "one frame": tone[:, :50],
        "silence": np.zeros((2, rate // 5)),
        "twins": np.concatenate([tone, tone]),
        "one side": np.concatenate([tone, 0 * tone]),
    }[kind].astype(np.float32)
    estimates = lowrank.separate(mixture, rate)
    for estimate in estimates.values():
        assert np.isfinite(estimate).all()
        assert estimate.shape == mixture.shape
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
    if kind == "twins":
        assert_array_equal(estimates["voice"][0], estimates["voice"][1])
    if kind == "one side":
        assert not estimates["voice"][1].any()


@pytest.mark.parametrize(
    "options, words",
    [
        ({"mask": "hard"}, "mask must be one of"),
        ({"mask_gain": 0}, "mask_gain must be"),
        ({"highpass_hz": -1}, "highpass_hz must be"),
        ({"window_s": 0}, "window_s must be"),
        ({"chunk_s": 1.0}, "chunk_s must be"),
        ({"gain": -1}, "gain must be"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        lowrank.separate(np.ones((1, 100), np.float32), RATE, **options)
