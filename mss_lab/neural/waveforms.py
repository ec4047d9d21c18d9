"""A base class for networks that read a waveform and write waveforms, and the losses that compare waveforms.

Such a network shortens the waveform by steps of a fixed number of samples, so that only some lengths fit. The base
class adds silence until the length fits, and removes the estimates of this silence. Resampling, chunks that fade into
each other, the level, channels and silent recordings are the work of `mss_lab.neural.apply`, as for every network:
`hop_samples` is the grid on which chunks begin, and a network that steps through the waveform in the same positions
gives the same estimates for a chunk as for the whole recording.

Contents: LOSSES, WaveformSettings, WaveformNetwork, waveform_loss.
"""

import dataclasses
from typing import ClassVar

import torch
from torch import nn

from .. import checks
from ..refusals import ShapeError
from .contracts import Batch, check_source_names

LOSSES = ("absolute", "squared", "si-sdr")

# Added to mean squares in the ratio of SI-SDR: -80 dB, so that silence has a finite loss.
LEAST_POWER = 1e-8


@dataclasses.dataclass(frozen=True)
class WaveformSettings:
    """Settings of every such network; a network adds its own fields in a dataclass that derives from this one.

    Attributes
    ----------
    sources : tuple of str
        Names of the sources, in the order of the estimates.
    sample_rate_hz : int
    loss : {"absolute", "squared", "si-sdr"}
        How estimates are compared with sources; see `waveform_loss`.
    """

    sources: tuple[str, ...] = ("violin", "clarinet", "tenor_sax", "bassoon")
    sample_rate_hz: int = 44_100
    loss: str = "absolute"

    def __post_init__(self) -> None:
        # A list when it is read from a card.
        object.__setattr__(self, "sources", check_source_names(self.sources))
        checks.check_sample_rate(self.sample_rate_hz)
        checks.check_choice("loss", self.loss, LOSSES)


class WaveformNetwork(nn.Module):
    """Reads and writes waveforms of any length; a class that derives from it has `padding` and `waveforms`.

    Parameters
    ----------
    settings : WaveformSettings
    hop_samples : int
        A recording that begins a multiple of this number of samples earlier or later has the same estimates, as far as
        the network does not depend on the recording's length.
    """

    Settings: ClassVar[type] = WaveformSettings
    needs_score = False

    def __init__(self, settings: WaveformSettings, hop_samples: int):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = hop_samples

    def padding(self, samples: int) -> tuple[int, int]:
        """How many samples of silence a recording of this length needs before and after it."""
        raise NotImplementedError("a class that derives from WaveformNetwork must have padding(samples)")

    def waveforms(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates (batch, sources, samples or more) of padded mixtures (batch, padded samples).

        The first sample of an estimate is that of the recording, after the silence before it.
        """
        raise NotImplementedError("a class that derives from WaveformNetwork must have waveforms(mixture)")

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate mixtures.

        Parameters
        ----------
        mixture : float (batch, samples)
        conditions
            Ignored.

        Returns
        -------
        float (batch, sources, samples)
        """
        samples = mixture.shape[-1]
        padded = nn.functional.pad(mixture, self.padding(samples))
        return self.waveforms(padded).float()[..., :samples]

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of the settings, of the estimates of the sum of `sources` (batch, sources, samples); a scalar."""
        sources = batch["sources"]
        return waveform_loss(self(sources.sum(dim=1)), sources, self.settings.loss)


def waveform_loss(estimates: torch.Tensor, sources: torch.Tensor, loss: str) -> torch.Tensor:
    """Compare estimates with sources, sample by sample.

    Parameters
    ----------
    estimates, sources : float (batch, sources, samples)
    loss : {"absolute", "squared", "si-sdr"}
        The mean of |e - s|; the mean of (e - s)^2; or the negative mean of the scale-invariant signal-to-distortion
        ratio in dB, which does not depend on the level of an estimate. Each estimate belongs to one source, so that no
        order has to be searched for. Mean squares are increased by 1e-8, so that the ratio of silence is defined.

    Returns
    -------
    float ()

    Raises
    ------
    ShapeError
        If the shapes differ.

    Reference: Le Roux et al., ICASSP 2019 (SI-SDR).

    Examples
    --------
    >>> source = torch.tensor([[[1.0, -1.0, 1.0, -1.0]]])
    >>> estimate = source + torch.tensor([0.1, 0.1, -0.1, -0.1])
    >>> [round(waveform_loss(estimate, source, loss).item(), 3) for loss in LOSSES]
    [0.1, 0.01, -20.0]
    """
    checks.check_choice("loss", loss, LOSSES)
    if estimates.shape != sources.shape or estimates.ndim != 3:
        raise ShapeError(
            f"estimates and sources must have one shape (batch, sources, samples), got {tuple(estimates.shape)} and "
            f"{tuple(sources.shape)}; cut both to the same length"
        )
    if loss == "absolute":
        return (estimates - sources).abs().mean()
    if loss == "squared":
        return (estimates - sources).square().mean()
    estimates, sources = (signals - signals.mean(dim=-1, keepdim=True) for signals in (estimates, sources))
    power = sources.square().mean(dim=-1, keepdim=True)
    scale = (estimates * sources).mean(dim=-1, keepdim=True) / (power + LEAST_POWER)
    along = (scale * sources).square().mean(dim=-1) + LEAST_POWER
    error = (estimates - scale * sources).square().mean(dim=-1) + LEAST_POWER
    return -10 * (along / error).log10().mean()
