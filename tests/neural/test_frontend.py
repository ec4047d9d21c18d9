"""The transform in torch is the package's own, batched and differentiable."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from mss_lab import checks, transforms
from mss_lab.neural import frontend

SETTINGS = [(1024, 256, "hann"), (2048, 512, "blackman-harris"), (64, 16, "hamming"), (100, 50, "sine"),
            (101, 25, "hann"), (1024, 300, "hann"), (512, 256, "hamming")]  # fmt: skip


@pytest.mark.parametrize("window_samples, hop_samples, window", SETTINGS)
@pytest.mark.parametrize("samples", [1, 2, 63, 64, 999, 1024, 5001])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_it_is_the_transform_of_the_package(window_samples, hop_samples, window, samples, dtype, tolerance, rng):
    signal = rng.uniform(-1, 1, (2, samples)).astype(dtype)
    lengths = {"window_samples": window_samples, "hop_samples": hop_samples}
    ours = frontend.stft(torch.from_numpy(signal), window_samples, hop_samples, window)
    expected = transforms.stft(signal, **lengths, window=window)
    assert ours.shape == expected.shape
    assert ours.shape[-1] == frontend.frame_count(samples, window_samples, hop_samples)
    assert_allclose(ours.numpy(), expected, atol=tolerance)
    changed = expected * rng.uniform(0, 1, expected.shape).astype(dtype)
    back = frontend.istft(torch.from_numpy(changed), window_samples, hop_samples, window, length=samples)
    assert_allclose(back.numpy(), transforms.istft(changed, samples, **lengths, window=window), atol=tolerance)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@pytest.mark.parametrize("shape", [(3000,), (3, 3001), (2, 3, 2999), (1, 1)])
def test_what_is_not_changed_comes_back(shape, dtype, tolerance):
    signal = 2 * torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(1)) - 1
    transform = frontend.stft(signal, 512, 128)
    assert transform.shape[:-2] == signal.shape[:-1]
    back = frontend.istft(transform, 512, 128, length=shape[-1])
    assert back.dtype == dtype
    assert_allclose(back.numpy(), signal.numpy(), atol=tolerance)


@pytest.mark.parametrize("window", transforms.WINDOWS)
@pytest.mark.parametrize("samples", [1, 2, 9, 64])
def test_windows_are_those_of_the_package(window, samples):
    made = frontend.make_window(window, samples, torch.float64)
    assert_allclose(made.numpy(), transforms.make_window(window, samples), atol=1e-15)


@pytest.mark.parametrize("window_samples, hop_samples, window", [*SETTINGS, (1, 1, "hann"), (2, 1, "sine")])
@pytest.mark.parametrize("samples", [1, 2, 63, 999, 5001])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_cosine_transform_is_that_of_the_package(
    window_samples, hop_samples, window, samples, dtype, tolerance, rng
):
    signal = rng.uniform(-1, 1, (2, samples)).astype(dtype)
    lengths = {"window_samples": window_samples, "hop_samples": hop_samples}
    expected = transforms.stdct(signal, **lengths, window=window)
    ours = frontend.stdct(torch.from_numpy(signal).reshape(1, 2, samples), window_samples, hop_samples, window)
    assert ours.shape == (1, *expected.shape) and ours.numpy().dtype == dtype
    assert_allclose(ours[0].numpy(), expected, atol=tolerance)
    changed = expected * rng.uniform(0, 1, expected.shape).astype(dtype)
    back = frontend.istdct(torch.from_numpy(changed), window_samples, hop_samples, window, length=samples)
    assert_allclose(back.numpy(), transforms.istdct(changed, samples, **lengths, window=window), atol=tolerance)


@pytest.mark.parametrize("window_samples", [16, 15])
def test_gradients_of_the_cosine_transform_are_right(window_samples):
    signal = torch.rand(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    gains = torch.linspace(0, 1, window_samples, dtype=torch.float64)[:, None]

    def through(signal):
        coefficients = frontend.stdct(signal, window_samples, 4, "sine")
        return frontend.istdct(coefficients * gains, window_samples, 4, "sine", length=50)

    assert torch.autograd.gradcheck(through, (signal,), fast_mode=True)


def test_coefficients_that_no_signal_can_have_are_refused():
    coefficients = torch.zeros(1, 64, 10)
    with pytest.raises(TypeError, match="transform must be real"):
        frontend.istdct(coefficients.cfloat(), 64, 16, length=150)
    with pytest.raises(checks.ShapeError, match=r"64 freq, 10 frames\) for 150 samples"):
        frontend.istdct(coefficients[:, :33], 64, 16, length=150)
    with pytest.raises(ValueError, match="hop_samples must let a hann window of 64 samples reconstruct"):
        frontend.istdct(coefficients[..., :4], 64, 64, length=150)
    with pytest.raises(ValueError, match="at least one sample"):
        frontend.stdct(torch.zeros(2, 0), 64, 16)


def test_gradients_are_right():
    signal = torch.rand(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)

    def through(signal):
        transform = frontend.stft(signal, 16, 4, "sine")
        return frontend.istft(
            transform * torch.linspace(0, 1, 9, dtype=torch.float64)[:, None], 16, 4, "sine", length=50
        )

    assert torch.autograd.gradcheck(through, (signal,), fast_mode=True)


def test_nothing_writes_into_its_input():
    signal = torch.rand(2, 500)
    before = signal.clone()
    transform = frontend.stft(signal, 64, 16)
    kept = transform.clone()
    frontend.istft(transform, 64, 16, length=500)
    assert torch.equal(signal, before)
    assert torch.equal(transform, kept)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_transformed_in_float32(dtype):
    signal = torch.rand(2, 500).to(dtype)
    transform = frontend.stft(signal, 64, 16)
    assert transform.dtype == torch.complex64
    assert torch.equal(transform, frontend.stft(signal.float(), 64, 16))


def test_a_window_made_in_inference_serves_training():
    with torch.inference_mode():
        frontend.stft(torch.rand(1, 400), 72, 18)
    signal = torch.rand(1, 400, requires_grad=True)
    frontend.istft(frontend.stft(signal, 72, 18), 72, 18, length=400).square().sum().backward()
    assert signal.grad.abs().max() > 0


def test_what_makes_no_sense_is_refused():
    transform = frontend.stft(torch.rand(1, 1000), 64, 16)
    with pytest.raises(
        checks.ShapeError, match=r"\(\.\.\., 33 freq, 64 frames\) for 1008 samples .* got \(1, 33, 63\)"
    ):
        frontend.istft(transform, 64, 16, length=1008)
    with pytest.raises(TypeError, match="transform must be complex"):
        frontend.istft(transform.abs(), 64, 16, length=1000)
    with pytest.raises(TypeError, match="floating-point samples"):
        frontend.stft(torch.zeros(1, 100, dtype=torch.int16), 64, 16)
    with pytest.raises(ValueError, match="at least one sample"):
        frontend.stft(torch.zeros(2, 0), 64, 16)
    with pytest.raises(ValueError, match=r"window must be one of .* did you mean 'hann'"):
        frontend.stft(torch.zeros(2, 100), 64, 16, "hanning")
    with pytest.raises(ValueError, match="hop_samples must be a whole number at least 1"):
        frontend.stft(torch.zeros(2, 100), 64, 0)
    with pytest.raises(ValueError, match="which leaves samples under no window; choose at most 32"):
        frontend.istft(frontend.stft(torch.zeros(1, 200), 64, 64), 64, 64, length=200)
