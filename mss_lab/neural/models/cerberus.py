"""Cerberus: one recurrent body with three heads, which cluster, separate and transcribe.

All heads read the output of the same recurrent layers:

- clustering: a vector for each bin (deep clustering, see `mss_lab.neural.clustering`);
- masks: a mask for each source, as in mask inference;
- transcription: a piano roll for each source, how likely a pitch sounds in a frame.

The loss is a weighted sum of the losses of the three. A weight of 0 switches a head off: then it learns nothing, and
the body learns nothing from it. All heads are built in any case, so that networks with other weights have the same
initial values, and differ in nothing else. With clustering and masks alone the network is called Chimera.

Contents: CerberusSettings, Cerberus. Lesson: notebooks/21_separate_and_transcribe.ipynb
References: Manilow, Seetharaman and Pardo, ICASSP 2020; Manilow, PhD thesis 2022, chapter 3; Luo et al., ICASSP 2017
(Chimera).
"""

import dataclasses

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue
from ...score.roll import PITCHES
from .. import clustering, frontend, targets
from ..contracts import Batch
from .mask_inference import MaskInference, MaskInferenceSettings

HEADS = ("clustering", "masks", "transcription")


@dataclasses.dataclass(frozen=True)
class CerberusSettings(MaskInferenceSettings):
    """Sizes of the network and weights of its losses; the defaults are those of the thesis for four sources.

    Attributes
    ----------
    dimensions : int
        Length of the vector of a bin.
    clustering_weight, masks_weight, transcription_weight : float >= 0
        Weights of the three losses, not all 0.
    clustered_share : float in (0, 1]
        The share of the frames whose bins the clustering loss compares, drawn anew at every step; 1 compares all.
    lowest_midi, pitches : int
        The range of pitches that is transcribed: by default the 88 keys of a piano.
    """

    hidden: int = 300
    masks: str = "softmax"
    dimensions: int = 20
    clustering_weight: float = 0.1
    masks_weight: float = 0.1
    transcription_weight: float = 0.8
    clustered_share: float = 1.0
    lowest_midi: int = 21
    pitches: int = 88

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.check_number("dimensions", self.dimensions, at_least=1, whole=True)
        checks.check_number("clustered_share", self.clustered_share, above=0, at_most=1)
        checks.check_number("lowest_midi", self.lowest_midi, at_least=0, below=PITCHES, whole=True)
        most = PITCHES - self.lowest_midi
        checks.check_number("pitches", self.pitches, at_least=1, at_most=most, whole=True)
        for name in self.weights:
            checks.check_number(f"{name}_weight", self.weights[name], at_least=0)
        if not any(self.weights.values()):
            raise RefusedValue("the weights of the three losses must not all be 0: nothing would be learnt; raise one")

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each head's loss."""
        return {name: getattr(self, f"{name}_weight") for name in HEADS}


class Cerberus(MaskInference):
    """Mask inference with two more heads on its recurrent layers, for clustering and for transcription.

    Parameters
    ----------
    settings : CerberusSettings

    Lesson: notebooks/21_separate_and_transcribe.ipynb
    Reference: Manilow, Seetharaman and Pardo, ICASSP 2020; Manilow, PhD thesis 2022, chapter 3.
    Differences: losses are means, not sums; the clustering loss may compare a drawn share of the frames.
    """

    Settings: type[MaskInferenceSettings] = CerberusSettings
    settings: CerberusSettings

    def __init__(self, settings: CerberusSettings):
        super().__init__(settings)
        self.learns_notes = settings.transcription_weight > 0
        self.to_embeddings = nn.Linear(2 * settings.hidden, settings.bins * settings.dimensions)
        self.to_rolls = nn.Linear(2 * settings.hidden, len(settings.sources) * settings.pitches)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate mixtures (batch, samples) by the masks, or by clustering where the masks have learnt nothing.

        Returns
        -------
        float (batch, sources, samples)
            By clustering they are in an arbitrary order.
        """
        if self.settings.masks_weight:
            return super().forward(mixture, conditions)
        transform = self._stft(mixture)
        embeddings = self.embeddings_of(self.hidden(transform.abs() * self._gain(mixture)[..., None]))
        audible = clustering.audible_bins(transform.abs())
        masks = [
            clustering.cluster_masks(vectors.detach().float().cpu().numpy(), bins.cpu().numpy() > 0, len(self.sources))
            for vectors, bins in zip(embeddings.unflatten(1, transform.shape[1:]), audible, strict=True)
        ]
        stacked = torch.from_numpy(np.stack(masks)).to(transform.device)
        return frontend.istft(
            stacked * transform.unsqueeze(1),
            self.settings.window_samples,
            self.settings.hop_samples,
            length=mixture.shape[-1],
        )

    def transcribe(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """How likely each pitch of each source sounds: mixture (batch, samples) to (batch, sources, frames, 128)."""
        magnitude = self._stft(mixture).abs() * self._gain(mixture)[..., None]
        rolls = self.rolls_of(self.hidden(magnitude)).sigmoid()
        above = PITCHES - self.settings.lowest_midi - self.settings.pitches
        return functional.pad(rolls, (self.settings.lowest_midi, above))

    def embeddings_of(self, hidden: torch.Tensor) -> torch.Tensor:
        """Vectors of unit length, (batch, freq * frames, dimensions), frames of one frequency together."""
        dimensions = self.settings.dimensions
        vectors = self.to_embeddings(hidden).float().sigmoid().unflatten(-1, (self.settings.bins, dimensions))
        # (batch, frames, freq, dimensions) to the order of a spectrogram.
        return functional.normalize(vectors, dim=-1).transpose(1, 2).flatten(1, 2)

    def rolls_of(self, hidden: torch.Tensor) -> torch.Tensor:
        """The rolls before the sigmoid, (batch, sources, frames, pitches)."""
        rolls: torch.Tensor = self.to_rolls(hidden).float().unflatten(-1, (len(self.sources), self.settings.pitches))
        return rolls.transpose(1, 2)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The weighted sum of the losses of the heads; one with weight 0 is not computed.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples); `rolls` (batch, sources, frames, 128) if transcription has a weight.

        Returns
        -------
        float ()
        """
        losses = self.losses(batch)
        return torch.stack([self.settings.weights[name] * loss for name, loss in losses.items()]).sum()

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        """The loss of each head that has a weight, without its weight."""
        transforms, mixture = self.transforms_of(batch["sources"])
        hidden = self.hidden(mixture.abs(), batch)
        losses = {}
        if self.settings.clustering_weight:
            losses["clustering"] = self._clustering_loss(hidden, transforms, mixture)
        if self.settings.masks_weight:
            losses["masks"] = targets.phase_sensitive_loss(self.masks_of(hidden), transforms, mixture)
        if self.settings.transcription_weight:
            losses["transcription"] = functional.mse_loss(self.rolls_of(hidden).sigmoid(), self._true_rolls(batch))
        return losses

    def _clustering_loss(self, hidden: torch.Tensor, transforms: torch.Tensor, mixture: torch.Tensor) -> torch.Tensor:
        audible = clustering.audible_bins(mixture.abs())
        if self.training and self.settings.clustered_share < 1:
            # Drawn before the vectors are computed, which would take longer than the rest of the network.
            count = max(1, round(self.settings.clustered_share * hidden.shape[1]))
            drawn = torch.randperm(hidden.shape[1], device=hidden.device)[:count]
            hidden, transforms, audible = hidden[:, drawn], transforms[..., drawn], audible[..., drawn]
        loudest = clustering.loudest_source(transforms.abs()).flatten(2).mT
        return clustering.affinity_loss(self.embeddings_of(hidden), loudest, audible.flatten(1))

    def _true_rolls(self, batch: Batch) -> torch.Tensor:
        if "rolls" not in batch:
            raise RefusedValue("a batch must hold rolls for the transcription loss, got none; give songs with notes")
        first = self.settings.lowest_midi
        return batch["rolls"][..., first : first + self.settings.pitches]
