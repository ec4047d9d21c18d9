"""Masked mixtures as sound: the same as mask times STFT, inverted; forwards, backwards, and in any layout of memory."""

import pytest
import torch
from torch.testing import assert_close

from mss_lab import checks
from mss_lab.neural import frontend, layers
from tests.neural.training import random_tensor


def plainly(masks, transform, window_samples, hop_samples, window="hann", *, length):
    return frontend.istft(masks * transform.unsqueeze(1), window_samples, hop_samples, window, length=length)


def both(function, masks, *arguments, length, **options):
    masks = masks.clone().requires_grad_()
    sound = function(masks, *arguments, length=length, **options)
    sound.backward(random_tensor(*sound.shape, seed=9).to(sound))
    return sound.detach(), masks.grad


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("window_samples, hop_samples, window, length",
                         [(64, 16, "hann", 501), (64, 32, "hann", 400), (9, 3, "hamming", 50), (64, 8, "sine", 7),
                          (64, 16, "blackman-harris", 1)])  # fmt: skip
@pytest.mark.parametrize("batch, sources", [(2, 3), (1, 1)])
def test_it_is_the_inverse_of_mask_times_stft(
    window_samples, hop_samples, window, length, batch, sources, dtype, tolerance
):
    transform = frontend.stft(random_tensor(batch, length, dtype=dtype), window_samples, hop_samples, window)
    masks = random_tensor(batch, sources, *transform.shape[1:], dtype=dtype).abs()
    arguments = (transform, window_samples, hop_samples, window)
    expected, expected_gradient = both(plainly, masks, *arguments, length=length)
    sound, gradient = both(layers.masked_waveforms, masks, *arguments, length=length)
    assert sound.dtype == dtype and sound.shape == (batch, sources, length)
    assert_close(sound, expected, atol=tolerance, rtol=tolerance)
    assert_close(gradient, expected_gradient, atol=tolerance, rtol=tolerance)


def test_layout_in_memory_makes_no_difference():
    transform = frontend.stft(random_tensor(2, 200), 32, 8)
    masks = random_tensor(2, 3, *transform.shape[1:])
    turned = masks.transpose(-1, -2).contiguous().transpose(-1, -2)
    assert not turned.is_contiguous()
    for first, second in zip(
        both(layers.masked_waveforms, masks, transform, 32, 8, length=200),
        both(layers.masked_waveforms, turned, transform.contiguous(), 32, 8, length=200),
        strict=True,
    ):
        assert_close(first, second)


def test_all_at_once_is_the_same_as_one_by_one(monkeypatch):
    transform = frontend.stft(random_tensor(2, 200), 32, 8)
    masks = random_tensor(2, 3, *transform.shape[1:])
    expected = both(layers.masked_waveforms, masks, transform, 32, 8, length=200)
    # How an accelerator goes through them.
    monkeypatch.setattr(layers, "_is_one_by_one", lambda tensor: False)
    for first, second in zip(both(layers.masked_waveforms, masks, transform, 32, 8, length=200), expected, strict=True):
        assert_close(first, second)


def test_gradients_are_right():
    transform = frontend.stft(random_tensor(1, 10), 8, 2)
    masks = random_tensor(1, 2, *transform.shape[1:]).requires_grad_()
    assert torch.autograd.gradcheck(lambda masks: layers.masked_waveforms(masks, transform, 8, 2, length=10), (masks,))


def test_masks_of_ones_give_the_mixture_back_and_zeros_give_silence():
    waveform = random_tensor(2, 333)
    transform = frontend.stft(waveform, 64, 16)
    ones = torch.ones(2, 1, *transform.shape[1:], dtype=torch.float64)
    assert_close(layers.masked_waveforms(ones, transform, 64, 16, length=333)[:, 0], waveform)
    assert not layers.masked_waveforms(0 * ones, transform, 64, 16, length=333).any()


def test_what_does_not_fit_is_refused():
    transform = frontend.stft(random_tensor(2, 100), 16, 4)
    masks = torch.ones(2, 3, *transform.shape[1:], dtype=torch.float64)
    for hop_samples in (5, 16, 0, -4):
        with pytest.raises(ValueError, match="hop_samples must divide"):
            layers.masked_waveforms(masks, transform, 16, hop_samples, length=100)
    with pytest.raises(ValueError, match="into 4 parts or more"):
        layers.check_hop(16, 8, least_parts=4)
    for wrong in (masks[:1], masks[..., 1:], masks[:, :, 1:]):
        with pytest.raises(checks.ShapeError, match="masks must be"):
            layers.masked_waveforms(wrong, transform, 16, 4, length=100)
    with pytest.raises(checks.ShapeError, match="for 200 samples"):
        layers.masked_waveforms(masks, transform, 16, 4, length=200)
    with pytest.raises(ValueError, match="must be data"):
        layers.masked_waveforms(masks, transform.clone().requires_grad_(), 16, 4, length=100)


def test_recurrent_layers_stay_in_single_precision_on_a_cpu():
    torch.manual_seed(0)
    recurrent, sequence = (
        layers.Lstm(5, 4, batch_first=True, bidirectional=True),
        random_tensor(2, 7, 5, seed=1).float(),
    )
    expected = recurrent(sequence)[0]
    with torch.autocast("cpu", torch.bfloat16):
        halved = recurrent(sequence.bfloat16())[0]
        unchanged = recurrent(sequence)[0]
    assert_close(unchanged, expected)
    assert halved.dtype == torch.float32
    assert_close(halved, expected, atol=0.02, rtol=0)


def test_frames_are_normalised_one_by_one():
    frames = random_tensor(2, 6, 9).float()
    expected = (frames - frames.mean(dim=1, keepdim=True)) / frames.std(dim=1, unbiased=False, keepdim=True)
    assert_close(layers.FrameNorm(1, 6, eps=0)(frames), expected)
    assert_close(layers.FrameNorm(1, 6)(frames)[..., 3:4], layers.FrameNorm(1, 6)(frames[..., 3:4]))


def test_the_weights_of_all_kinds_of_convolutions_come_closer_to_one_size():
    kinds = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d)
    model = torch.nn.ModuleList([*(kind(3, 5, 2) for kind in kinds), torch.nn.Linear(4, 4), torch.nn.Conv1d(1, 1, 1)])
    before = [{name: values.clone() for name, values in layer.named_parameters()} for layer in model]
    layers.rescale_convolutions(model, 0.1)
    for number, (layer, old) in enumerate(zip(model, before, strict=True)):
        scale = (0.1 / old["weight"].std()).sqrt() if number < len(kinds) else torch.ones(())
        assert_close(layer.weight, scale * old["weight"])
        assert_close(layer.bias, scale * old["bias"])
