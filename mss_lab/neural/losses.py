"""Losses of the X-UMX family: two domains at once, and all combinations of sources for the price of the sources.

A network that says where each of J sources is can also be asked for any sum of them. X-UMX asks for every sum of one to
J-1 sources, 2^J - 2 in all, so that a note put into the wrong source is heard in many sums, not in two. In its
published form each sum is inverted to a waveform and compared for itself. Nothing here is: the waveform of a sum is the
sum of waveforms. What a distance between two sums needs is then known from the inner products of the J sources and the
J estimates, whatever the number of sums.

Shapes: B items of a batch, J sources, samples or frames behind. Estimates and masks carry gradients, targets none.

Contents: combinations, frequency_loss, weighted_sdr_loss, gram.
Lesson: notebooks/17_xumx.ipynb. Source: Sawata et al., ICASSP 2021 (X-UMX); wSDR: Choi et al., ICLR 2019.
"""

import math
from typing import Any, cast

import torch
from torch.autograd.function import once_differentiable

from ..refusals import RefusedValue

# Every signal is taken to have one sample more, of this energy. Cosines of silence are then defined, no gradient
# divides by zero, and a silent source that is estimated by silence counts as perfect.
LEAST_ENERGY = 1e-10

# Inner products are taken in stretches that stay in the processor's cache.
BLOCK_SAMPLES = 1 << 13


def combinations(sources: int, *, combine: bool = True) -> torch.Tensor:
    """Which sources each combination adds up: every choice of at least one source and not all.

    Parameters
    ----------
    sources : int >= 2
        J. With one source there is no choice, and X-UMX has nothing to share.
    combine : bool
        False gives the J sources one at a time, which is the loss without combinations.

    Returns
    -------
    float64 (2^J - 2, J), or (J, J)
        1 where the combination holds the source, else 0.

    Lesson: notebooks/17_xumx.ipynb. Source: Sawata et al. 2021.
    """
    if sources < 2:
        raise RefusedValue(f"combinations need 2 sources or more, got {sources}; give the other players a source too")
    if not combine:
        return torch.eye(sources, dtype=torch.float64)
    numbers = torch.arange(1, 2**sources - 1).unsqueeze(1)
    return (numbers >> torch.arange(sources) & 1).double()


def frequency_loss(
    masks: torch.Tensor, magnitude: torch.Tensor, targets: torch.Tensor, *, combine: bool = True
) -> torch.Tensor:
    """Mean squared error of magnitudes over all combinations: mean over c of (sum over j in c of M_j |X| - |S_j|)^2.

    The sum of two sources is compared with the sum of their magnitudes, not with the magnitude of their sum. Each
    source stands in 2^(J-1) - 1 combinations and each pair in 2^(J-2) - 1, so that with the errors E_j the sum over
    all combinations is 2^(J-2) sum over j of E_j^2 + (2^(J-2) - 1) (sum over j of E_j)^2: no combination is formed.

    Parameters
    ----------
    masks : real (B, J, ...)
        Carries the gradient.
    magnitude : real >= 0 (B, ...)
        Of the mixture.
    targets : real >= 0 (B, J, ...)
        Magnitudes of the sources.
    combine : bool
        False compares the sources alone.

    Returns
    -------
    scalar >= 0
        0 if and only if every masked magnitude is its target.

    Lesson: notebooks/17_xumx.ipynb. Source: Sawata et al. 2021, as in Tunturi et al. 2025.
    """
    _check_shapes("masks", masks, "targets", targets)
    _check_data("magnitude", magnitude)
    _check_data("targets", targets)
    if magnitude.shape != masks[:, 0].shape:
        raise RefusedValue(
            f"magnitude must have the shape of masks without its sources, {tuple(masks[:, 0].shape)}, got "
            f"{tuple(magnitude.shape)}; give one magnitude for each item of the batch"
        )
    loss: torch.Tensor = cast(Any, _FrequencyLoss).apply(masks, magnitude, targets, combine)
    return loss


class _FrequencyLoss(torch.autograd.Function):
    """Loss and gradient in one pass, an item at a time: nothing of the batch's size is stored but the gradient."""

    @staticmethod
    def forward(
        ctx: Any, masks: torch.Tensor, magnitude: torch.Tensor, targets: torch.Tensor, combine: str
    ) -> torch.Tensor:
        sources = masks.shape[1]
        own, shared, count = (
            (2 ** (sources - 2), 2 ** (sources - 2) - 1, 2**sources - 2) if combine else (1, 0, sources)
        )
        values = count * magnitude.numel()
        total = magnitude.new_zeros(())
        gradient = torch.empty_like(masks) if ctx.needs_input_grad[0] else None
        for item, mixture in enumerate(magnitude):
            error = masks[item] * mixture - targets[item]
            total += own / values * error.square().sum()
            error *= own
            if shared:
                together = error.sum(0) / own
                total += shared / values * together.square().sum()
                error += shared * together
            if gradient is not None:
                torch.mul(error, mixture * (2 / values), out=gradient[item])
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream, None, None, None


def weighted_sdr_loss(estimates: torch.Tensor, sources: torch.Tensor, *, combine: bool = True) -> torch.Tensor:
    """1 + wSDR, mean over all combinations and items: how far estimates point away from their sources.

    For the sum s of a combination's sources, the sum e of their estimates and the sum x of all sources, wSDR is
    -a cos(s, e) - (1 - a) cos(x - s, x - e), with a = |s|^2 / (|s|^2 + |x - s|^2): what was taken and what was left
    behind, each weighing what it holds. Norms and cosines of all combinations follow from one matrix of inner products
    of sources and estimates (`gram`).

    Parameters
    ----------
    estimates : real (B, J, samples)
        Carries the gradient.
    sources : real (B, J, samples)
        x is their sum, also where a recording holds players beside them.
    combine : bool
        False compares the sources alone.

    Returns
    -------
    scalar, 0 ... 2
        0 if and only if every estimate is its source; where all others are silent, any positive multiple of it will do.

    Departs from the source in that energies and inner products hold 1e-10 more (`LEAST_ENERGY`), which defines silence.

    Lesson: notebooks/17_xumx.ipynb. Source: Choi et al. 2019; combinations: Sawata et al. 2021.
    """
    _check_shapes("estimates", estimates, "sources", sources)
    _check_data("sources", sources)
    products = gram(estimates, sources.to(estimates.dtype))
    taken = combinations(sources.shape[1], combine=combine).to(products)
    left, none = 1 - taken, torch.zeros_like(taken)

    def product(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return ((first @ products) * second).sum(-1) + LEAST_ENERGY

    def energy(weights: torch.Tensor) -> torch.Tensor:
        # A difference of large numbers may round to less than nothing.
        return ((weights @ products) * weights).sum(-1).clamp(min=0) + LEAST_ENERGY

    # Weights of the J sources and the J estimates: s, e, x - s, x - e.
    target, estimate = torch.cat([taken, none], 1), torch.cat([none, taken], 1)
    rest, estimated_rest = torch.cat([left, none], 1), torch.cat([none + 1, -taken], 1)
    target_energy, rest_energy = energy(target), energy(rest)
    taken_cosine = product(target, estimate) * (target_energy * energy(estimate)).rsqrt()
    rest_cosine = product(rest, estimated_rest) * (rest_energy * energy(estimated_rest)).rsqrt()
    loudness = target_energy / (target_energy + rest_energy)
    loss: torch.Tensor = 1 - loudness * taken_cosine - (1 - loudness) * rest_cosine
    return loss.mean().to(estimates.dtype)


def gram(estimates: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Inner products of every source and estimate with every other, in float64 where the device has it.

    What a combination leaves behind may be a millionth of what it takes, and is known here only as a difference. In
    float64 nothing is lost by that.

    Parameters
    ----------
    estimates, sources : real (B, J, samples)
        Gradients flow to the estimates alone.

    Returns
    -------
    float64 (B, 2J, 2J)
        Sources first, then estimates.

    Lesson: notebooks/17_xumx.ipynb.
    """
    products: torch.Tensor = cast(Any, _Gram).apply(estimates, sources)
    return products


class _Gram(torch.autograd.Function):
    """Stretch by stretch, so that no float64 copy of whole signals is made; the gradient keeps the signals' type."""

    @staticmethod
    def forward(ctx: Any, estimates: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(estimates, sources)
        wide = torch.float32 if estimates.device.type == "mps" else torch.float64
        count = 2 * sources.shape[1]
        products = torch.zeros(len(sources), count, count, dtype=wide, device=sources.device)
        # A GPU has no such cache to stay in, and dislikes many short steps.
        block = BLOCK_SAMPLES if sources.device.type == "cpu" else max(1, sources.shape[-1])
        for some, others in zip(sources.split(block, -1), estimates.split(block, -1), strict=True):
            signals = torch.cat([some, others], 1).to(wide)
            products.baddbmm_(signals, signals.mT)
        return products

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        estimates, sources = ctx.saved_tensors
        count = sources.shape[1]
        weights = (upstream + upstream.mT)[:, count:].to(sources.dtype)
        gradient = weights[..., :count] @ sources
        return torch.baddbmm(gradient, weights[..., count:], estimates), None


def _check_shapes(name: str, tensor: torch.Tensor, other_name: str, other: torch.Tensor) -> None:
    if tensor.shape != other.shape or tensor.ndim < 3 or not math.prod(tensor.shape):
        raise RefusedValue(
            f"{name} and {other_name} must have one shape (batch, sources, ...), not empty, got {tuple(tensor.shape)} "
            f"and {tuple(other.shape)}; cut both to the same length"
        )


def _check_data(name: str, tensor: torch.Tensor) -> None:
    if tensor.requires_grad:
        raise RefusedValue(f"{name} must be data, got a tensor that asks for gradients, which would be lost; detach it")
