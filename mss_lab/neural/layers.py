"""Layers that several networks share, and operations where those of torch would fail, be slow or need much memory.

Contents: Lstm, RecurrentFrames, FrameNorm, rescale_convolutions, masked_waveforms, check_hop.
Lesson: notebooks/17_xumx.ipynb
"""

from collections.abc import Iterator
from types import EllipsisType
from typing import Any, cast

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from ..refusals import RefusedValue, ShapeError
from . import frontend

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)


class Lstm(nn.LSTM):
    """`torch.nn.LSTM` that computes in single precision on a CPU, also where half precision is chosen around it.

    Processors without instructions for half precision, which many laptops have, refuse the LSTM in it. On a GPU nothing
    differs.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As that of `torch.nn.LSTM`; on a CPU the result is in single precision."""
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(input, hx)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float(), hx)


class RecurrentFrames(nn.Module):
    """Recurrent layers that read frames in both directions of time, and a linear layer back to as many channels.

    Parameters
    ----------
    channels : int
        Of the frames, and units of each direction.
    layers : int >= 1

    Reference: Défossez, Usunier, Bottou and Bach, "Music source separation in the waveform domain", 2019.
    """

    def __init__(self, channels: int, layers: int):
        super().__init__()
        self.lstm = Lstm(channels, channels, layers, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(2 * channels, channels)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Frames (batch, channels, frames) to frames of the same shape."""
        outputs: torch.Tensor = self.linear(self.lstm(hidden.transpose(1, 2))[0]).transpose(1, 2)
        return outputs


class FrameNorm(nn.GroupNorm):
    """Group normalisation over the channels of each frame, with a factor and an offset for each channel.

    The frames (batch, channels, frames) are normalised one by one, so that a frame does not depend on the length of the
    recording.

    Reference: Wu and He, "Group normalization", ECCV 2018.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Frames (batch, channels, frames) to frames of the same shape."""
        # Each frame becomes an example of its own.
        frames = super().forward(input.transpose(1, 2).flatten(0, 1))
        normalised: torch.Tensor = frames.unflatten(0, (len(input), -1)).transpose(1, 2)
        return normalised


@torch.no_grad()
def rescale_convolutions(model: nn.Module, reference: float) -> None:
    """Bring the initial weights of all convolutions of a network closer to one size.

    Parameters
    ----------
    model : nn.Module
        Changed in place: weights of standard deviation s, and the biases beside them, are multiplied by the square root
        of `reference` / s. Single weights, which have no standard deviation, stay as they are.
    reference : float > 0

    Reference: Défossez, Usunier, Bottou and Bach, "Music source separation in the waveform domain", 2019.
    """
    for module in model.modules():
        if isinstance(module, CONVOLUTIONS) and module.weight.numel() > 1:
            scale = (reference / module.weight.std()) ** 0.5
            for parameter in module.parameters():
                parameter.mul_(scale)


def masked_waveforms(
    masks: torch.Tensor,
    mixture_stft: torch.Tensor,
    window_samples: int,
    hop_samples: int,
    window: str = "hann",
    *,
    length: int,
) -> torch.Tensor:
    """Apply masks to the mixture and return the waveforms: `frontend.istft` of masks times the mixture's STFT.

    Waveforms and gradients are the same as by these two steps. On a CPU it processes one mask at a time, forwards and
    backwards, and stores nothing of the size of all masked spectrograms, which made it several times as fast.

    Parameters
    ----------
    masks : real (batch, sources, freq, frames)
        Gradients flow to the masks.
    mixture_stft : complex (batch, freq, frames)
        Made by `frontend.stft` with this window and hop; no gradient flows to it.
    window_samples, hop_samples : int
        The hop must divide the window, and be at most half of it.
    window : {"hann", "hamming", "blackman-harris", "sine"}
    length : int >= 1
        Samples of the recording.

    Returns
    -------
    float (batch, sources, length)

    Raises
    ------
    ShapeError
        If the shapes of masks and mixture do not belong together, or not to a recording of this length.
    ValueError
        If the hop does not divide the window, or the mixture requires a gradient.

    Lesson: notebooks/17_xumx.ipynb

    Examples
    --------
    >>> mixture = torch.sin(torch.arange(100.0)).unsqueeze(0)
    >>> transform = frontend.stft(mixture, 16, 4)
    >>> masks = torch.tensor([0.75, 0.25]).reshape(1, 2, 1, 1).expand(1, 2, *transform.shape[1:])
    >>> waveforms = masked_waveforms(masks, transform, 16, 4, length=100)
    >>> bool(torch.allclose(waveforms[:, 0], 0.75 * mixture, atol=1e-5))
    True
    """
    check_hop(window_samples, hop_samples)
    bins, frames = window_samples // 2 + 1, frontend.frame_count(length, window_samples, hop_samples)
    batch, sources = masks.shape[:2]
    if masks.shape != (batch, sources, bins, frames) or mixture_stft.shape != (batch, bins, frames):
        raise ShapeError(
            f"masks must be (batch, sources, {bins} freq, {frames} frames) and mixture_stft the same without sources "
            f"for {length} samples, got {tuple(masks.shape)} and {tuple(mixture_stft.shape)}; use one window and hop"
        )
    if mixture_stft.requires_grad:
        raise RefusedValue(
            "mixture_stft must be data, got a tensor that requires gradients, which would be lost; detach it"
        )
    taper = frontend.make_window(window, window_samples, masks.dtype, masks.device)
    waveforms: torch.Tensor = cast(Any, _MaskedWaveforms).apply(masks, mixture_stft, taper, hop_samples, length)
    return waveforms


def check_hop(window_samples: int, hop_samples: int, least_parts: int = 2) -> None:
    """Refuse a hop that does not divide the window, or that divides it into fewer than `least_parts` parts."""
    if hop_samples < 1 or window_samples % hop_samples or window_samples < least_parts * hop_samples:
        raise RefusedValue(
            f"hop_samples must divide window_samples into {least_parts} parts or more, got {hop_samples} and "
            f"{window_samples}; choose a quarter of the window, {max(1, window_samples // 4)}"
        )


class _MaskedWaveforms(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, masks: torch.Tensor, mixture: torch.Tensor, taper: torch.Tensor, hop: int, length: int
    ) -> torch.Tensor:
        window, frames = len(taper), mixture.shape[-1]
        mixture = mixture.unsqueeze(1).expand(masks.shape)
        inside = slice(window // 2, window // 2 + length)
        squares = _overlap_add(taper.square().expand(frames, window), hop)[inside]
        waveforms = masks.new_empty(*masks.shape[:2], length)
        for one in _one_by_one(masks):
            pieces = torch.fft.irfft((mixture[one] * masks[one]).mT, n=window)
            pieces *= taper
            torch.div(_overlap_add(pieces, hop)[..., inside], squares, out=waveforms[one])
        ctx.save_for_backward(masks, mixture, taper, squares)
        ctx.hop, ctx.inside = hop, inside
        return waveforms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None, None, None]:
        masks, mixture, taper, squares = ctx.saved_tensors
        window, frames = len(taper), mixture.shape[-1]
        gradient = torch.empty_like(masks)
        leading = () if _is_one_by_one(masks) else masks.shape[:2]
        padded = upstream.new_zeros(*leading, (frames - 1) * ctx.hop + window)
        for one in _one_by_one(masks):
            torch.div(upstream[one], squares, out=padded[..., ctx.inside])
            # A bin counts for itself and for its mirror image; the first and last bins have no mirror image.
            pieces = padded.unfold(-1, window, ctx.hop) * (taper * (2 / window))
            gradient[one] = (mixture[one] * torch.fft.rfft(pieces).mT.conj()).real
        gradient[..., 0, :] *= 0.5
        if window % 2 == 0:
            gradient[..., -1, :] *= 0.5
        return gradient, None, None, None, None


def _is_one_by_one(masks: torch.Tensor) -> bool:
    """On a CPU, one mask fits into the cache; an accelerator is faster with all masks at once."""
    return masks.device.type == "cpu"


def _one_by_one(masks: torch.Tensor) -> Iterator[tuple[int, int] | EllipsisType]:
    """Yield the indices of single masks, or one index of all."""
    if not _is_one_by_one(masks):
        yield ...
        return
    for item in range(masks.shape[0]):
        for source in range(masks.shape[1]):
            yield item, source


def _overlap_add(pieces: torch.Tensor, hop: int) -> torch.Tensor:
    """Add pieces (..., frames, window) that begin hop samples apart; (..., samples)."""
    frames, window = pieces.shape[-2:]
    parts = pieces.unflatten(-1, (window // hop, hop))
    whole = pieces.new_zeros(*pieces.shape[:-2], frames - 1 + window // hop, hop)
    for part in range(window // hop):
        whole[..., part : part + frames, :] += parts[..., part, :]
    return whole.flatten(-2)
