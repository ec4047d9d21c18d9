"""Losses of the X-UMX family: in frequency and in time, and for all combinations of sources at the cost of the sources.

The estimates of J sources also give an estimate of any sum of them. The loss of X-UMX compares every sum of one to J-1
sources, 2^J - 2 in all, so that a note in the wrong source increases the error of many sums, not of two. The published
form inverts each sum to a waveform and compares it separately. That is not necessary: the waveform of a sum is the sum
of the waveforms. So the distances between all sums follow from the inner products of the J sources and the J estimates,
whatever the number of sums.

Shapes: B items of a batch, J sources, then samples or frames. Gradients flow to estimates and masks, not to targets.

Contents: combinations, frequency_loss, weighted_sdr_loss, gram.
Lesson: notebooks/17_xumx.ipynb. Reference: Sawata et al., ICASSP 2021 (X-UMX); wSDR: Choi et al., ICLR 2019.
"""

import math
from typing import Any, cast

import torch
from torch.autograd.function import once_differentiable

from ..refusals import RefusedValue

# Every signal is treated as if it had one more sample, of this energy. Cosines of silence are then defined, no gradient
# divides by zero, and a silent estimate of a silent source counts as perfect.
LEAST_ENERGY = 1e-10

# Inner products are computed in blocks that stay in the cache of a CPU.
BLOCK_SAMPLES = 1 << 13


def combinations(sources: int, *, combine: bool = True) -> torch.Tensor:
    """The sources that each combination adds up: every choice of at least one source, but not all.

    Parameters
    ----------
    sources : int >= 2
        J. One source has no combinations.
    combine : bool
        False gives the J sources one at a time: the loss without combinations.

    Returns
    -------
    float64 (2^J - 2, J), or (J, J)
        1 where the combination holds the source, else 0.

    Lesson: notebooks/17_xumx.ipynb. Reference: Sawata et al. 2021.

    Examples
    --------
    >>> combinations(3).int().tolist()
    [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]]
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

    The sum of two estimates is compared with the sum of the sources' magnitudes, not with the magnitude of their sum.
    Each source is in 2^(J-1) - 1 combinations and each pair in 2^(J-2) - 1, so that with the errors E_j the sum over
    all combinations is 2^(J-2) sum over j of E_j^2 + (2^(J-2) - 1) (sum over j of E_j)^2. The combinations themselves
    need not be computed.

    Parameters
    ----------
    masks : real (B, J, ...)
        Gradients flow to the masks.
    magnitude : real >= 0 (B, ...)
        Magnitude of the mixture.
    targets : real >= 0 (B, J, ...)
        Magnitudes of the sources.
    combine : bool
        False compares only single sources.

    Returns
    -------
    scalar >= 0
        0 if and only if every masked magnitude is its target.

    Lesson: notebooks/17_xumx.ipynb. Reference: Sawata et al. 2021, as in Tunturi et al. 2025.

    Examples
    --------
    >>> magnitude, targets = torch.ones(1, 1), torch.tensor([[[0.75], [0.25]]])
    >>> float(frequency_loss(targets, magnitude, targets))
    0.0
    >>> float(frequency_loss(targets.flip(1), magnitude, targets))
    0.25
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
    """Loss and gradient in one pass, item by item; only the gradient is stored at the size of the whole batch."""

    @staticmethod
    def forward(
        ctx: Any, masks: torch.Tensor, magnitude: torch.Tensor, targets: torch.Tensor, combine: str
    ) -> torch.Tensor:
        sources = masks.shape[1]
        single_weight, sum_weight, count = (
            (2 ** (sources - 2), 2 ** (sources - 2) - 1, 2**sources - 2) if combine else (1, 0, sources)
        )
        values = count * magnitude.numel()
        total = magnitude.new_zeros(())
        gradient = torch.empty_like(masks) if ctx.needs_input_grad[0] else None
        for item, mixture in enumerate(magnitude):
            error = masks[item] * mixture - targets[item]
            total += single_weight / values * error.square().sum()
            error *= single_weight
            if sum_weight:
                summed = error.sum(0) / single_weight
                total += sum_weight / values * summed.square().sum()
                error += sum_weight * summed
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
    """1 + wSDR, mean over all combinations and items: it grows with the angles between estimates and sources.

    For the sum s of a combination's sources, the sum e of their estimates and the sum x of all sources, wSDR is
    -a cos(s, e) - (1 - a) cos(x - s, x - e), with a = |s|^2 / (|s|^2 + |x - s|^2). The first term compares the
    combination, the second compares the rest of the mixture, and each is weighted by its share of the energy. Norms and
    cosines of all combinations follow from one matrix of inner products of sources and estimates (`gram`).

    Parameters
    ----------
    estimates : real (B, J, samples)
        Gradients flow to the estimates.
    sources : real (B, J, samples)
        x is their sum, also where a recording has other players besides them.
    combine : bool
        False compares only single sources.

    Returns
    -------
    scalar, 0 ... 2
        0 if and only if every estimate is its source; where all other sources are silent, also for positive multiples
        of the source.

    Differs from the reference: 1e-10 (`LEAST_ENERGY`) is added to energies and inner products, so that the loss of
    silence is defined.

    Lesson: notebooks/17_xumx.ipynb. Reference: Choi et al. 2019; combinations: Sawata et al. 2021.

    Examples
    --------
    >>> sources = torch.eye(2).unsqueeze(0)  # two sources of two samples
    >>> float(weighted_sdr_loss(sources, sources)) < 1e-6
    True
    >>> round(float(weighted_sdr_loss(sources.flip(1), sources)), 3)  # the wrong way round
    1.0
    """
    _check_shapes("estimates", estimates, "sources", sources)
    _check_data("sources", sources)
    products = gram(estimates, sources.to(estimates.dtype))
    chosen = combinations(sources.shape[1], combine=combine).to(products)
    others, zeros = 1 - chosen, torch.zeros_like(chosen)

    def product(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return ((first @ products) * second).sum(-1) + LEAST_ENERGY

    def energy(weights: torch.Tensor) -> torch.Tensor:
        # Rounding may make a difference of large numbers negative.
        return ((weights @ products) * weights).sum(-1).clamp(min=0) + LEAST_ENERGY

    # Weights of the J sources and the J estimates: s, e, x - s, x - e.
    target, estimate = torch.cat([chosen, zeros], 1), torch.cat([zeros, chosen], 1)
    rest, estimated_rest = torch.cat([others, zeros], 1), torch.cat([zeros + 1, -chosen], 1)
    target_energy, rest_energy = energy(target), energy(rest)
    target_cosine = product(target, estimate) * (target_energy * energy(estimate)).rsqrt()
    rest_cosine = product(rest, estimated_rest) * (rest_energy * energy(estimated_rest)).rsqrt()
    loudness = target_energy / (target_energy + rest_energy)
    loss: torch.Tensor = 1 - loudness * target_cosine - (1 - loudness) * rest_cosine
    return loss.mean().to(estimates.dtype)


def gram(estimates: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Inner products of every source and estimate with every other, in float64 if the device has it.

    The rest of the mixture may have a millionth of a combination's energy, and is computed here as a difference.
    float64 is precise enough for that.

    Parameters
    ----------
    estimates, sources : real (B, J, samples)
        Gradients flow only to the estimates.

    Returns
    -------
    float64 (B, 2J, 2J)
        Sources first, then estimates.

    Lesson: notebooks/17_xumx.ipynb.

    Examples
    --------
    >>> sources = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    >>> gram(0.5 * sources, sources)[0].tolist()
    [[1.0, 0.0, 0.5, 0.0], [0.0, 4.0, 0.0, 2.0], [0.5, 0.0, 0.25, 0.0], [0.0, 2.0, 0.0, 1.0]]
    """
    products: torch.Tensor = cast(Any, _Gram).apply(estimates, sources)
    return products


class _Gram(torch.autograd.Function):
    """Block by block, so that no float64 copy of whole signals is made; the gradient has the type of the signals."""

    @staticmethod
    def forward(ctx: Any, estimates: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(estimates, sources)
        wide = torch.float32 if estimates.device.type == "mps" else torch.float64
        count = 2 * sources.shape[1]
        products = torch.zeros(len(sources), count, count, dtype=wide, device=sources.device)
        # A GPU has no such cache, and many short steps are slow there.
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
        raise RefusedValue(f"{name} must be data, got a tensor that requires gradients, which would be lost; detach it")
