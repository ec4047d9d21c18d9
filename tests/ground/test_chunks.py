"""Chunks: their gains add up to 1 everywhere, and none is much longer than asked."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab import transforms
from mss_lab.chunks import CHUNK_S, FADE_S, chunks, excerpts, seamless, transformed


@pytest.mark.parametrize("seconds", [0.001, 0.5, 30.0, 31.0, 31.5, 59.0, 61.0, 100.0, 1200.0])
def test_chunks_cover_everything_once(seconds):
    samples = round(seconds * 1000)
    total, longest = np.zeros(samples), 0
    for start, stop, gains in chunks(samples, 1000):
        assert len(gains) == stop - start
        assert gains.min() > 0
        total[start:stop] += gains
        longest = max(longest, stop - start)
    assert_allclose(total, 1, atol=1e-6)
    assert longest <= 1000 * (CHUNK_S + FADE_S)


def test_no_gain_jumps():
    for _, _, gains in chunks(100_000, 1000, chunk_s=10, fade_s=2):
        assert np.abs(np.diff(gains)).max() < 1.01 / 2000


@pytest.mark.parametrize("seconds", [0.001, 9, 12, 13, 1200])
def test_excerpts_lie_within_and_reach_both_ends(seconds):
    samples = round(seconds * 1000)
    found = excerpts(samples, 1000, 12.0, 3.0)
    assert found[0][0] == 0 and found[-1][1] == samples
    assert all(0 <= start < stop <= samples for start, stop in found)
    assert sum(stop - start for start, stop in found) <= 12_000
    assert len(found) == (1 if seconds <= 12 else 4)


@pytest.mark.parametrize("option, words", [({"chunk_s": 1.5}, "chunk_s must be"), ({"fade_s": 0.0}, "fade_s must be")])
def test_fades_that_do_not_fit_are_refused(option, words):
    with pytest.raises(ValueError, match=words):
        chunks(100_000, 1000, **option)


@pytest.mark.parametrize("samples", [1, 99, 1000, 1001, 4321])
@pytest.mark.parametrize("reach_frames", [0, 3])
def test_seamless_chunks_lie_side_by_side_and_begin_on_frames(samples, reach_frames):
    cut = list(
        seamless(samples, {"window_samples": 64, "hop_samples": 16}, chunk_samples=990, reach_frames=reach_frames)
    )
    assert cut[0][2] == 0 and cut[-1][3] == samples
    assert all(before[3] == after[2] for before, after in itertools.pairwise(cut))
    margin = 64 + 16 * reach_frames
    for first, last, start, stop in cut:
        assert first % 16 == start % 16 == 0
        assert stop - start <= 992
        assert first == max(0, start - margin) and last == min(samples, stop + margin)


@pytest.mark.parametrize("samples", [1, 63, 64, 1_000, 1_001])
@pytest.mark.parametrize("piece_samples", [1, 100, 10_000])
def test_a_transform_comes_in_pieces_as_it_is_whole(samples, piece_samples, rng):
    waveform = rng.standard_normal((2, samples)).astype(np.float32)
    settings = {"window_samples": 128, "hop_samples": 24}
    whole = transforms.stft(waveform, **settings)
    reached = 0
    for first, last, stft in transformed(waveform, settings, piece_samples):
        assert first == reached
        assert_allclose(stft, whole[:, :, first:last], atol=1e-5)
        reached = last
    assert reached == whole.shape[2]
