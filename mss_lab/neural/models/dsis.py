"""Deep score-informed separation (DSIS): mask inference that also reads the notes of every source.

The network reads the mixture and the piano rolls of all sources, and gives a mask for each source. A user who changes a
note in a roll steers the masks by it. Three variants differ in how the rolls are read:

- "vanilla": the rolls are joined to the spectrum, frame by frame
- "processed": recurrent layers of their own read the rolls first, and what they give is joined to the spectrum
- "residual": both: the rolls themselves, and what their layers give

All rolls are read together. So a note that is added to one source changes the masks of the others, too.

The masks: the thesis ends its network with a leaky ReLU, whose outputs are neither limited to 1 nor always positive,
although its loss is explained for masks between 0 and 1. Here "leaky" masks are limited to this range when they are
applied. "sigmoid" and "softmax" masks lie in it; softmax masks also add up to 1, so that what one source loses by an
edit another one receives.

Contents: VARIANTS, DsisSettings, Dsis. Lesson: notebooks/20_steer_a_network.ipynb
Reference: Manilow, PhD thesis 2022, chapter 4.
"""

import dataclasses
from typing import ClassVar

import torch
from torch import nn

from ... import checks
from ...refusals import RefusedValue, ShapeError
from ...score.roll import PITCHES
from .. import frontend
from ..contracts import Batch
from .mask_inference import MASKS, MaskInference, MaskInferenceSettings, recurrent_layers

VARIANTS = ("vanilla", "processed", "residual")


@dataclasses.dataclass(frozen=True)
class DsisSettings(MaskInferenceSettings):
    """Sizes of the network; the defaults are those of the thesis.

    Attributes
    ----------
    variant : {"vanilla", "processed", "residual"}
        How the rolls are read; see the module.
    lowest_midi, pitches : int
        The range of pitches that the network reads: by default the 88 keys of a piano.
    score_hidden, score_layers : int
        Units in each direction, and number, of the recurrent layers that read the rolls.
    embedding : int
        Number of features that these layers give for a frame.
    masks : {"leaky", "sigmoid", "softmax"}
        The range of the masks; see the module.
    """

    masks: str = "leaky"
    variant: str = "residual"
    lowest_midi: int = 21
    pitches: int = 88
    score_hidden: int = 600
    score_layers: int = 2
    embedding: int = 512

    mask_choices: ClassVar[tuple[str, ...]] = (*MASKS, "leaky")

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.check_choice("variant", self.variant, VARIANTS)
        checks.check_number("lowest_midi", self.lowest_midi, at_least=0, below=PITCHES, whole=True)
        most = PITCHES - self.lowest_midi
        checks.check_number("pitches", self.pitches, at_least=1, at_most=most, whole=True)
        for name in ("score_hidden", "score_layers", "embedding"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)

    @property
    def roll_features(self) -> int:
        """Number of features of a frame of all rolls."""
        return len(self.sources) * self.pitches

    @property
    def inputs(self) -> int:
        """Number of features of a frame that the last recurrent layers read."""
        rolls = 0 if self.variant == "processed" else self.roll_features
        return self.bins + rolls + (0 if self.variant == "vanilla" else self.embedding)


class Dsis(MaskInference):
    """Mask inference that reads the mixture and the rolls of all sources.

    Parameters
    ----------
    settings : DsisSettings

    Lesson: notebooks/20_steer_a_network.ipynb. Reference: Manilow, PhD thesis 2022, chapter 4.
    Difference: the loss is a mean, not a sum.
    """

    Settings: type[MaskInferenceSettings] = DsisSettings
    settings: DsisSettings
    needs_score = True

    def __init__(self, settings: DsisSettings):
        super().__init__(settings)
        self.normalise_rolls = nn.BatchNorm1d(settings.roll_features)
        if settings.variant != "vanilla":
            self.reader = recurrent_layers(
                settings.roll_features, settings.score_hidden, settings.score_layers, settings.dropout
            )
            self.embed = nn.Linear(2 * settings.score_hidden, settings.embedding)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate mixtures (batch, samples) by the `rolls` of the conditions; see `MaskInference.forward`."""
        return self.steered(self.front_end(mixture), conditions, mixture.shape[-1])

    def front_end(self, mixture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """All of a separation that does not depend on the notes, so that it is done once for any number of edits.

        Parameters
        ----------
        mixture : float (batch, samples)

        Returns
        -------
        complex (batch, freq, frames), float (batch, frames, freq)
            The STFT, and the normalised levels that the network reads.
        """
        transform = self._stft(mixture)
        return transform, super().features(transform.abs() * self._gain(mixture)[..., None])

    def steered(
        self, prepared: tuple[torch.Tensor, torch.Tensor], conditions: Batch | None, samples: int
    ) -> torch.Tensor:
        """Estimates, float (batch, sources, samples), from what `front_end` gave and the rolls of the conditions."""
        transform, levels = prepared
        features = self.with_rolls(levels, conditions)
        masks = self.masks_of(self.recurrent(features)[0]).clamp(0, 1)
        grid = self.settings.window_samples, self.settings.hop_samples
        return frontend.istft(masks * transform.unsqueeze(1), *grid, length=samples)

    def features(self, magnitude: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """The mixture's levels with the rolls: magnitudes (batch, freq, frames) to (batch, frames, features)."""
        return self.with_rolls(super().features(magnitude), conditions)

    def with_rolls(self, levels: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """The mixture's levels, the rolls and what their layers give: (batch, frames, features).

        Parameters
        ----------
        levels : float (batch, frames, freq)
        conditions : mapping
            `rolls`, float (batch, sources, frames, 128).

        Raises
        ------
        ValueError
            If the rolls are missing, have another shape, or hold notes outside the network's range.
        """
        rolls = self._rolls(conditions, *levels.shape[:2])
        parts = [levels]
        if self.settings.variant != "processed":
            parts.append(rolls)
        if self.settings.variant != "vanilla":
            parts.append(nn.functional.leaky_relu(self.embed(self.reader(rolls)[0])))
        return torch.cat(parts, dim=-1)

    def _rolls(self, conditions: Batch | None, batch: int, frames: int) -> torch.Tensor:
        rolls = (conditions or {}).get("rolls")
        if rolls is None:
            raise RefusedValue("conditions must hold rolls, one for each source, got none; give the score")
        expected = (batch, len(self.sources), frames, PITCHES)
        if tuple(rolls.shape) != expected:
            raise ShapeError(
                f"rolls must be (batch, sources, frames, pitches), here {expected}, got {tuple(rolls.shape)}; make "
                f"them with {self.sample_rate_hz / self.hop_samples:g} frames a second, for the length of the mixture"
            )
        first, last = self.settings.lowest_midi, self.settings.lowest_midi + self.settings.pitches
        if rolls[..., :first].any() or rolls[..., last:].any():
            raise RefusedValue(
                f"notes must lie from MIDI {first} to {last - 1}, which this network was made for, got others; remove "
                "them, or choose a method that takes any notes, such as informed-nmf"
            )
        by_frame = rolls[..., first:last].transpose(1, 2).flatten(2)
        normalised: torch.Tensor = self.normalise_rolls(by_frame.transpose(1, 2))
        return normalised.transpose(1, 2)
