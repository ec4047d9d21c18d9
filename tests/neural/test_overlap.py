"""Segments that overlap: what is cut and put together again is what it was."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import overlap  # noqa: E402

PAPER = (30, 5)


@pytest.mark.parametrize("length, step", [PAPER, (30, 30), (30, 29), (7, 3), (6, 5), (4, 1), (1, 1)])
@pytest.mark.parametrize("frames", [1, 2, 4, 5, 29, 30, 31, 34, 35, 36, 61, 100])
def test_what_is_cut_and_put_together_is_what_it_was(frames, length, step, rng):
    spectrograms = torch.from_numpy(rng.normal(size=(2, 3, frames, 4)))
    segments = overlap.cut(spectrograms, length, step)
    assert segments.shape == (2, overlap.segment_count(frames, length, step), 3, length, 4)
    whole = overlap.overlap_add(segments.unbind(1), frames, step)
    torch.testing.assert_close(whole, spectrograms, atol=1e-12, rtol=0)


@pytest.mark.parametrize("frames, expected", [(1, 1), (30, 1), (31, 2), (35, 2), (36, 3)])
def test_no_more_segments_than_it_takes(frames, expected):
    assert overlap.segment_count(frames, *PAPER) == expected


def test_the_tail_is_filled_up_with_zeros():
    segments = overlap.cut(torch.ones(1, 1, 33, 1), *PAPER)
    assert segments[0, 1, 0, :, 0].tolist() == [1.0] * 28 + [0.0] * 2


@pytest.mark.parametrize("count", [1, 2, 3, 9])
@pytest.mark.parametrize("length, step", [PAPER, (30, 30), (7, 3), (6, 5)])
def test_parts_of_a_frame_add_up_to_one(count, length, step):
    gains = overlap.fades(count, length, step)
    assert gains.shape == (count, length) and gains.min() >= 0
    total = np.zeros(length + (count - 1) * step)
    for index in range(count):
        total[index * step : index * step + length] += gains[index]
    np.testing.assert_allclose(total, 1, atol=1e-12)


def test_fades_equal_laying_down_one_segment_after_the_other(rng):
    # As the authors' program does it: where frames are shared, what lies there fades out and the new one fades in.
    length, step = PAPER
    shared = length - step
    segments = rng.normal(size=(7, length))
    whole = np.zeros(length + 6 * step)
    whole[:length] = segments[0]
    rise = np.linspace(0, 1, shared)
    for index in range(1, 7):
        start = index * step
        whole[start : start + shared] = (1 - rise) * whole[start : start + shared] + rise * segments[index, :shared]
        whole[start + shared : start + length] = segments[index, shared:]
    given = torch.from_numpy(segments)[None, :, None, :, None]
    result = overlap.overlap_add(given.unbind(1), len(whole), step)
    np.testing.assert_allclose(result[0, 0, :, 0], whole, atol=1e-12)


def test_gradients_reach_every_segment():
    segments = torch.ones(1, 3, 1, 30, 2, requires_grad=True)
    overlap.overlap_add(segments.unbind(1), 40, 5).sum().backward()
    assert (segments.grad.sum(dim=(0, 2, 3, 4)) > 0).all()


def test_a_step_longer_than_a_segment_and_no_segment_are_refused():
    with pytest.raises(ValueError, match="step must be a whole number at least 1 and at most 30"):
        overlap.cut(torch.ones(1, 1, 40, 1), 30, 31)
    with pytest.raises(ValueError, match="at least one segment"):
        overlap.overlap_add([], 10, 5)
