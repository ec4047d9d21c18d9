"""Separation at all levels of a hierarchy: an instrument, its family, and the family of its family.

A tree of instruments (`mss_lab.hierarchy`) puts every instrument below wider and wider families. A network with one
mask for each level learns them together:

- source-specific: the network always separates the same instrument, and the families that it belongs to;
- query by example: a second network listens to a recording, the query, and gives a vector for it. The network that
  separates reads this vector with every frame of the mixture, and separates what sounds like the query. Or the vector
  scales what the network knows of the mixture: then all queries of a mixture share the reading of it.

A family sounds wherever one of its members does. With the hierarchical constraint a mask is therefore at least as large
as the masks of the levels below it, in every bin. A network with one level only is trained like the others, and knows
nothing of the tree.

Contents: HierarchicalSettings, Hierarchical, QuerySettings, QueryByExample.
Lesson: notebooks/22_hierarchies_and_queries.ipynb
References: Manilow, Wichern and Le Roux, ISMIR 2020; Manilow, PhD thesis 2022, chapter 2.
"""

import dataclasses
import itertools
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from ... import checks
from ...refusals import RefusedValue, ShapeError
from .. import targets
from ..contracts import Batch
from .mask_inference import MaskInference, MaskInferenceSettings, level_db, recurrent_layers

# Bins of a query that are softer than its loudest bin by more than this do not count.
AUDIBLE_DB = 60.0

DISTANCES = ("absolute", "squared")
CONDITIONING = ("input", "product")


@dataclasses.dataclass(frozen=True)
class HierarchicalSettings(MaskInferenceSettings):
    """Sizes of the network; the defaults are those of the thesis.

    Attributes
    ----------
    sources : tuple of str
        A name for each level, from the instrument up.
    constrained : bool
        Whether the mask of a level is at least as large as those of the levels below it.
    distance : {"absolute", "squared"}
        Of what the masks leave from what they should leave. The reference has the absolute distance, for which silence
        is a good estimate of an instrument during the first thousands of steps: in most bins it is silent. The squared
        one learns from the loud bins first.
    """

    sources: tuple[str, ...] = ("level 1", "level 2", "level 3")
    constrained: bool = True
    distance: str = "absolute"

    # Masks that add up to 1 would forbid that an instrument is in its own family.
    mask_choices: ClassVar[tuple[str, ...]] = ("sigmoid",)

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.check_choice("distance", self.distance, DISTANCES)


class Hierarchical(MaskInference):
    """Mask inference with a mask for each level of a hierarchy, for one instrument.

    Parameters
    ----------
    settings : HierarchicalSettings

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    Reference: Manilow, Wichern and Le Roux, ISMIR 2020; Manilow, PhD thesis 2022, chapter 2.
    Difference: the loss is a mean, not a sum.
    """

    Settings: type[MaskInferenceSettings] = HierarchicalSettings
    settings: HierarchicalSettings

    def masks_of(self, hidden: torch.Tensor) -> torch.Tensor:
        """The masks (batch, levels, freq, frames); with the constraint, none is smaller than one below it."""
        masks = super().masks_of(hidden)
        if not self.settings.constrained:
            return masks
        # `cummax` does the same, and takes several times as long with its gradient.
        return torch.stack(list(itertools.accumulate(masks.unbind(dim=1), torch.maximum)), dim=1)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The truncated phase-sensitive loss of all levels whose truth is known.

        Parameters
        ----------
        batch : dict of Tensor
            `sources` (batch, sources, samples), the instruments that play; `belongs` (batch, levels, sources), 1 where
            a source belongs to what is separated at a level, else 0; and optionally `labelled` (batch, levels), 0 where
            this is not known and nothing is learnt from it. All levels are labelled if it is left out. Both may have
            several rows for each mixture, one after the other, where several queries are.

        Returns
        -------
        float ()
        """
        transforms, mixture = self.transforms_of(batch["sources"])
        belongs = self._belongs(batch)
        masks = self.masks(mixture.abs(), batch)
        if len(masks) != len(belongs):
            raise ShapeError(
                f"belongs must have one row for each estimate, {len(masks)}, got {len(belongs)}; give a query for each "
                "row, and one row for each mixture to a network without queries"
            )
        transforms, mixture = _one_for_each(transforms, len(belongs)), _one_for_each(mixture, len(belongs))
        nodes = torch.einsum("bls,bsft->blft", belongs.to(transforms.dtype), transforms)
        target = targets.phase_sensitive_target(nodes, mixture)
        errors = masks * mixture.abs().unsqueeze(1) - target
        distances = (errors.abs() if self.settings.distance == "absolute" else errors.square()).mean(dim=(-2, -1))
        labelled = batch["labelled"] if "labelled" in batch else torch.ones_like(distances)
        return (distances * labelled).sum() / labelled.sum().clamp(min=1)

    def references(self, batch: Batch) -> torch.Tensor:
        """What the estimates should be: the sum of the sources that belong to each level (batch, levels, samples)."""
        belongs = self._belongs(batch)
        return torch.einsum("bls,bst->blt", belongs, _one_for_each(batch["sources"], len(belongs)))

    def _belongs(self, batch: Batch) -> torch.Tensor:
        if "belongs" not in batch:
            raise RefusedValue("a batch must say which sources belong to each level, got no belongs; add it")
        belongs = batch["belongs"]
        expected = (batch["sources"].shape[0], len(self.sources), batch["sources"].shape[1])
        if tuple(belongs.shape[1:]) != expected[1:] or len(belongs) == 0 or len(belongs) % expected[0]:
            raise ShapeError(
                f"belongs must be (batch, levels, sources), here {expected} or a multiple of the first, got "
                f"{tuple(belongs.shape)}; name as many levels in the settings as the tree has"
            )
        return belongs


@dataclasses.dataclass(frozen=True)
class QuerySettings(HierarchicalSettings):
    """Sizes of both networks; the defaults are those of the thesis.

    Attributes
    ----------
    query_hidden, query_layers : int
        Units in each direction, and number, of the recurrent layers that read the query.
    dimensions : int
        Length of the vector that they give for a query.
    leaves : tuple of str
        The instruments of the tree, whose names are to be read from the vectors of queries in training; none by
        default, as in the reference. The names are not used when the network separates.
    naming_weight : float >= 0
        Weight of the loss of these names. Without it, a network that is trained for minutes gives all instruments
        nearly the same vector, and takes no notice of the query.
    conditioning : {"input", "product"}
        Where the vector of the query enters. As an input of every frame, as in the reference; or by products: after
        the recurrent layers, one more layer, whose outputs are scaled and shifted by the vector (Perez et al., AAAI
        2018, feature-wise linear modulation; for separation Meseguer-Brocal and Peeters, ISMIR 2019).
    even_vectors : bool
        Whether each number of the vectors is brought to mean 0 and spread 1 over the queries of training, so that
        queries differ from the first step on. In the reference it is not.
    """

    query_hidden: int = 600
    query_layers: int = 2
    dimensions: int = 20
    leaves: tuple[str, ...] = ()
    naming_weight: float = 0.1
    conditioning: str = "input"
    even_vectors: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("query_hidden", "query_layers", "dimensions"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("naming_weight", self.naming_weight, at_least=0)
        checks.check_choice("conditioning", self.conditioning, CONDITIONING)
        # A list when it is read from a card.
        object.__setattr__(self, "leaves", tuple(self.leaves))
        if len(set(self.leaves)) != len(self.leaves):
            raise RefusedValue(f"leaves must be names, each once, got {self.leaves}; name every instrument once")

    @property
    def inputs(self) -> int:
        """Number of features of a frame: the spectrum, and the query's vector if it is an input."""
        return self.bins + (self.dimensions if self.conditioning == "input" else 0)


class QueryByExample(Hierarchical):
    """A separator of whatever a query plays, at every level of a hierarchy.

    Parameters
    ----------
    settings : QuerySettings

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    Reference: Manilow, Wichern and Le Roux, ISMIR 2020; Manilow, PhD thesis 2022, chapter 2.
    Differences: the loss is a mean, not a sum; the vector of a query may also be trained to name its instrument, be
    normalised, and scale features of the mixture instead of being read with them.
    """

    Settings: type[MaskInferenceSettings] = QuerySettings
    settings: QuerySettings

    def __init__(self, settings: QuerySettings):
        super().__init__(settings)
        self.normalise_query = nn.BatchNorm1d(settings.bins)
        self.listen = recurrent_layers(settings.bins, settings.query_hidden, settings.query_layers, settings.dropout)
        self.to_vectors = nn.Linear(2 * settings.query_hidden, settings.bins * settings.dimensions)
        self.to_names = nn.Linear(settings.dimensions, len(settings.leaves)) if settings.leaves else None
        self.even_vectors = nn.BatchNorm1d(settings.dimensions, affine=False) if settings.even_vectors else None
        if settings.conditioning == "product":
            width = 2 * settings.hidden
            self.to_features = nn.Linear(width, width)
            self.to_scale, self.to_shift = nn.Linear(settings.dimensions, width), nn.Linear(settings.dimensions, width)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of the levels, and that of the names of the queries' instruments.

        Parameters
        ----------
        batch : dict of Tensor
            As for `Hierarchical.loss`, with `query` (queries, samples), and, if the network names instruments, `leaf`,
            int (queries,): the number of each query's instrument among `leaves`, -1 where it is not known. There may be
            several queries for each mixture; those of the first mixture come first.

        Returns
        -------
        float ()

        Raises
        ------
        ValueError
            If the instruments of the queries are missing, or one has a number that no leaf has.
        """
        if self.to_names is None or not self.settings.naming_weight:
            return super().loss(batch)
        leaf = self._leaf(batch)
        anchor = self.embed(batch["query"])
        names = functional.cross_entropy(self.to_names(anchor).float(), leaf, ignore_index=-1, reduction="sum")
        separation = super().loss({**batch, "anchor": anchor})
        return separation + self.settings.naming_weight * names / (leaf >= 0).sum().clamp(min=1)

    def _leaf(self, batch: Batch) -> torch.Tensor:
        if "leaf" not in batch:
            raise RefusedValue("a batch must say which leaf each query plays, got no leaf; add it, or set no leaves")
        leaf = batch["leaf"]
        if int(leaf.max()) >= len(self.settings.leaves):
            raise RefusedValue(
                f"the leaf of a query must be less than {len(self.settings.leaves)}, got {int(leaf.max())}; name all "
                "leaves of the tree in the settings"
            )
        return leaf

    def embed(self, query: torch.Tensor) -> torch.Tensor:
        """The vector of a query: a mean over the vectors of its audible bins.

        Parameters
        ----------
        query : float (batch, samples)
            Of any length.

        Returns
        -------
        float (batch, dimensions)

        Raises
        ------
        ValueError
            If a query is silent.

        Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, PhD thesis 2022, chapter 2.
        """
        magnitude = self._stft(query).abs() * self._gain(query)[..., None]
        loudest = magnitude.amax(dim=(1, 2), keepdim=True)
        if not bool((loudest > 0).all()):
            raise RefusedValue("a query must sound, got a silent one; choose a passage in which the instrument plays")
        hidden = self.listen(self.normalise_query(level_db(magnitude)).transpose(1, 2))[0]
        audible = (magnitude > loudest * 10 ** (-AUDIBLE_DB / 20)).to(hidden.dtype)
        # The vectors of all bins would fill gigabytes for a long query. They are linear in the hidden features, so
        # these are added up over the frames first.
        of_frequency = audible @ hidden
        weight = self.to_vectors.weight.unflatten(0, (self.settings.bins, self.settings.dimensions))
        bias = self.to_vectors.bias.unflatten(0, (self.settings.bins, self.settings.dimensions))
        total = torch.einsum("bfh,fdh->bd", of_frequency, weight) + audible.sum(dim=2) @ bias
        vector: torch.Tensor = total / audible.sum(dim=(1, 2)).unsqueeze(-1)
        if self.even_vectors is None:
            return vector
        # A single vector has no spread; then that of the batches before is used.
        own_spread = self.training and len(vector) > 1
        mean, variance = self.even_vectors.running_mean, self.even_vectors.running_var
        return self.even_vectors(vector) if own_spread else functional.batch_norm(vector, mean, variance)

    def forward(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate mixtures (batch, samples) by queries: float (queries, levels, samples).

        `conditions` are those of `hidden`.
        """
        anchors = self._anchors(len(mixture), conditions)
        return super().forward(_one_for_each(mixture, len(anchors)), {"anchor": anchors})

    def hidden(self, magnitude: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """What the network makes of each mixture for each query of it: (queries, frames, 2 hidden).

        Parameters
        ----------
        magnitude : float (batch, freq, frames)
        conditions : mapping
            `query`, float (queries, samples) of any length; or `anchor`, float (queries, dimensions), vectors that
            `embed` gave, or some between two of them. There are as many queries for each mixture, one after the other.

        Raises
        ------
        ValueError
            If neither is given, a query is silent, or their number does not suit.
        """
        anchors = self._anchors(len(magnitude), conditions)
        spectrum = self.features(magnitude)
        if self.settings.conditioning == "input":
            spectrum = _one_for_each(spectrum, len(anchors))
            in_every_frame = anchors[:, None].expand(-1, spectrum.shape[1], -1)
            hidden: torch.Tensor = self.recurrent(torch.cat([spectrum, in_every_frame], dim=-1))[0]
            return hidden
        features = _one_for_each(self.to_features(self.recurrent(spectrum)[0]), len(anchors))
        scaled = features * (1 + self.to_scale(anchors))[:, None] + self.to_shift(anchors)[:, None]
        return functional.relu(scaled)

    def _anchors(self, mixtures: int, conditions: Batch | None) -> torch.Tensor:
        """The vectors of the queries, of which there must be as many for each mixture."""
        conditions = conditions or {}
        if "anchor" not in conditions and "query" not in conditions:
            raise RefusedValue("conditions must hold a query, got none; give a recording of what is to be separated")
        anchors = conditions["anchor"] if "anchor" in conditions else self.embed(conditions["query"])
        expected = (mixtures, self.settings.dimensions)
        if anchors.ndim != 2 or anchors.shape[1] != expected[1] or len(anchors) == 0 or len(anchors) % mixtures:
            raise ShapeError(
                f"a query's vector must be (batch, dimensions), here {expected} or a multiple of the first, got "
                f"{tuple(anchors.shape)}; give as many queries for each mixture"
            )
        return anchors


def _one_for_each(values: torch.Tensor, rows: int) -> torch.Tensor:
    """Values of mixtures, repeated for the queries of each."""
    return values if len(values) == rows else values.repeat_interleave(rows // len(values), dim=0)
