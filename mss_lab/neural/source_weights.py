"""Weights of the sources in a loss that adds up one loss for each source.

A network that separates all sources at once has one task for each of them. Loud sources have large losses, so that the
sum of all losses is mainly the loss of the loudest. Weights w_j give other tasks their share: of equal size ("unit"),
in inverse proportion to the energy of the sources ("energy"), or larger for sources whose loss has decreased least
("dynamic"). The weighted loss is the mean of w_j L_j over the K sources.

Contents: WEIGHTINGS, energy_weights, dynamic_weights, SourceWeights.
Reference: Kadandale, Montesinos, Haro and Gómez, "Multi-channel U-Net for music source separation", MMSP 2020; dynamic
weights: Liu, Johns and Davison, CVPR 2019.
"""

import torch
from torch import nn

from .. import checks
from ..refusals import RefusedValue
from .contracts import BatchSource

WEIGHTINGS = ("unit", "energy", "dynamic")

# Number of batches on which energies are measured.
PREPARING_BATCHES = 32

# A source that is quieter than this part of the loudest one gets the weight of this energy.
LEAST_SHARE = 1e-3

# Losses below this value count as this value, so that their ratio is defined where a source has no more error.
LEAST_LOSS = 1e-12


def energy_weights(energies: torch.Tensor) -> torch.Tensor:
    """The weight of each source from its energy: w_j = E_max / E_j, so that all w_j E_j are equal.

    Parameters
    ----------
    energies : float >= 0 (sources,)
        The mean energy of each source in the training data. Energies of less than a thousandth of the largest count as
        a thousandth of it.

    Returns
    -------
    float (sources,)
        1 for the source with the largest energy, more for the others. If all are silent, all weights are 1.

    Raises
    ------
    ValueError
        If an energy is negative or not finite.

    Reference: Kadandale et al. 2020 (energy-based weighting). Difference: the limit of 1000.

    Examples
    --------
    >>> energy_weights(torch.tensor([4.0, 1.0, 2.0])).tolist()
    [1.0, 4.0, 2.0]
    """
    if energies.ndim != 1 or not energies.numel() or not bool((energies >= 0).all() and energies.isfinite().all()):
        raise RefusedValue(
            f"energies must be one number of 0 or more for each source, got {energies.tolist()}; measure each source's "
            "mean square"
        )
    largest = energies.max()
    if largest == 0:
        return torch.ones_like(energies)
    return largest / energies.clamp(min=LEAST_SHARE * largest)


def dynamic_weights(last: torch.Tensor, before: torch.Tensor, temperature: float = 2.0) -> torch.Tensor:
    """The weight of each source from the rate of decrease of its loss: large where the loss has decreased least.

    w_j = K softmax over j of (L_j(t - 1) / L_j(t - 2)) / T, for K sources.

    Parameters
    ----------
    last, before : float >= 0 (sources,)
        The mean loss of each source in the last epoch, and in the one before it.
    temperature : float > 0
        T: the larger it is, the less the weights differ.

    Returns
    -------
    float (sources,)
        They add up to the number of sources.

    Reference: Liu, Johns and Davison, CVPR 2019 (dynamic weight average); Kadandale et al. 2020.

    Examples
    --------
    >>> dynamic_weights(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])).tolist()
    [1.0, 1.0]
    >>> weights = dynamic_weights(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 4.0]))
    >>> [round(weight, 3) for weight in weights.tolist()]
    [0.876, 1.124]
    """
    checks.check_number("temperature", temperature, above=0)
    ratio = last.clamp(min=LEAST_LOSS) / before.clamp(min=LEAST_LOSS)
    return len(ratio) * (ratio / temperature).softmax(dim=0)


class SourceWeights(nn.Module):
    """The weights of the sources during a training. Its state is stored with the network, so that a run can continue.

    Parameters
    ----------
    sources : int >= 1
        K.
    weighting : {"unit", "energy", "dynamic"}
    epoch_steps : int >= 1
        Steps of an epoch; the dynamic weights stay the same during an epoch. In the first two epochs they are 1.
    temperature : float > 0
        As for `dynamic_weights`.

    Reference: Kadandale et al. 2020.
    """

    weights: torch.Tensor
    last: torch.Tensor
    total: torch.Tensor
    steps: torch.Tensor

    def __init__(self, sources: int, weighting: str, epoch_steps: int, temperature: float):
        super().__init__()
        self.weighting = checks.check_choice("weighting", weighting, WEIGHTINGS)
        self.epoch_steps = checks.check_number("epoch_steps", epoch_steps, at_least=1, whole=True, unit="steps")
        self.temperature = checks.check_number("temperature", temperature, above=0)
        self.register_buffer("weights", torch.ones(sources))
        # The mean losses of the last epoch; the sum of losses in this one; the steps of all epochs.
        self.register_buffer("last", torch.zeros(sources))
        self.register_buffer("total", torch.zeros(sources))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def prepare(self, batches: BatchSource) -> None:
        """Measure the energies of the sources on the first batches, if the weights follow from energies."""
        if self.weighting != "energy":
            return
        energies = [
            batches(step)["sources"].double().square().mean(dim=(0, 2)).cpu() for step in range(PREPARING_BATCHES)
        ]
        self.weights.copy_(energy_weights(torch.stack(energies).mean(dim=0)))

    def forward(self, losses: torch.Tensor) -> torch.Tensor:
        """The weighted loss, a scalar, from the losses of the sources (sources,).

        Dynamic weights take part only while the network is trained: they change from epoch to epoch, so that losses on
        validation could not be compared. There all sources count the same.
        """
        if self.weighting == "dynamic" and not self.training:
            return losses.mean()
        weighted = (self.weights * losses).mean()
        if self.weighting == "dynamic":
            self._count(losses.detach().float())
        return weighted

    @torch.no_grad()
    def _count(self, losses: torch.Tensor) -> None:
        self.total.add_(losses)
        self.steps.add_(1)
        epoch, step = divmod(int(self.steps), self.epoch_steps)
        if step:
            return
        mean = self.total / self.epoch_steps
        if epoch >= 2:
            # Not in place: the weights of this step are still part of its gradient.
            self.weights = dynamic_weights(mean, self.last, self.temperature)
        self.last.copy_(mean)
        self.total.zero_()
