"""Separation at all levels of a hierarchy: an instrument, its family, and the family of its family.

A tree of instruments (`mss_lab.hierarchy`) puts every instrument below wider and wider families. A network with one
mask for each level learns them together:

- source-specific: the network always separates the same instrument, and the families that it belongs to;
- query by example: a second network listens to a recording, the query, and gives a vector for it. The network that
  separates reads this vector with every frame of the mixture, and separates what sounds like the query.

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
            this is not known and nothing is learnt from it. All levels are labelled if it is left out.

        Returns
        -------
        float ()
        """
        transforms, mixture = self.transforms_of(batch["sources"])
        nodes = torch.einsum("bls,bsft->blft", self._belongs(batch).to(transforms.dtype), transforms)
        target = targets.phase_sensitive_target(nodes, mixture)
        magnitude = mixture.abs()
        errors = self.masks(magnitude, batch) * magnitude.unsqueeze(1) - target
        distances = (errors.abs() if self.settings.distance == "absolute" else errors.square()).mean(dim=(-2, -1))
        labelled = batch["labelled"] if "labelled" in batch else torch.ones_like(distances)
        return (distances * labelled).sum() / labelled.sum().clamp(min=1)

    def references(self, batch: Batch) -> torch.Tensor:
        """What the estimates should be: the sum of the sources that belong to each level (batch, levels, samples)."""
        return torch.einsum("bls,bst->blt", self._belongs(batch), batch["sources"])

    def _belongs(self, batch: Batch) -> torch.Tensor:
        if "belongs" not in batch:
            raise RefusedValue("a batch must say which sources belong to each level, got no belongs; add it")
        belongs = batch["belongs"]
        expected = (batch["sources"].shape[0], len(self.sources), batch["sources"].shape[1])
        if tuple(belongs.shape) != expected:
            raise ShapeError(
                f"belongs must be (batch, levels, sources), here {expected}, got {tuple(belongs.shape)}; name as many "
                "levels in the settings as the tree has"
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
    """

    query_hidden: int = 600
    query_layers: int = 2
    dimensions: int = 20
    leaves: tuple[str, ...] = ()
    naming_weight: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("query_hidden", "query_layers", "dimensions"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        checks.check_number("naming_weight", self.naming_weight, at_least=0)
        # A list when it is read from a card.
        object.__setattr__(self, "leaves", tuple(self.leaves))
        if len(set(self.leaves)) != len(self.leaves):
            raise RefusedValue(f"leaves must be names, each once, got {self.leaves}; name every instrument once")

    @property
    def inputs(self) -> int:
        """Number of features of a frame: the spectrum, and the query's vector."""
        return self.bins + self.dimensions


class QueryByExample(Hierarchical):
    """A separator of whatever a query plays, at every level of a hierarchy.

    Parameters
    ----------
    settings : QuerySettings

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    Reference: Manilow, Wichern and Le Roux, ISMIR 2020; Manilow, PhD thesis 2022, chapter 2.
    Differences: the loss is a mean, not a sum; the vector of a query may also be trained to name its instrument.
    """

    Settings: type[MaskInferenceSettings] = QuerySettings
    settings: QuerySettings

    def __init__(self, settings: QuerySettings):
        super().__init__(settings)
        self.normalise_query = nn.BatchNorm1d(settings.bins)
        self.listen = recurrent_layers(settings.bins, settings.query_hidden, settings.query_layers, settings.dropout)
        self.to_vectors = nn.Linear(2 * settings.query_hidden, settings.bins * settings.dimensions)
        self.to_names = nn.Linear(settings.dimensions, len(settings.leaves)) if settings.leaves else None

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of the levels, and that of the names of the queries' instruments.

        Parameters
        ----------
        batch : dict of Tensor
            As for `Hierarchical.loss`, with `query`, and, if the network names instruments, `leaf`, int (batch,): the
            number of each query's instrument among `leaves`, -1 where it is not known.

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
        return vector

    def features(self, magnitude: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """The mixture's levels, and the query's vector in every frame: (batch, frames, features).

        Parameters
        ----------
        magnitude : float (batch, freq, frames)
        conditions : mapping
            `query`, float (batch, samples) of any length; or `anchor`, float (batch, dimensions), a vector that
            `embed` gave, or one between two of them.

        Raises
        ------
        ValueError
            If neither is given, or a query is silent.
        """
        conditions = conditions or {}
        if "anchor" not in conditions and "query" not in conditions:
            raise RefusedValue("conditions must hold a query, got none; give a recording of what is to be separated")
        anchor = conditions["anchor"] if "anchor" in conditions else self.embed(conditions["query"])
        expected = (magnitude.shape[0], self.settings.dimensions)
        if tuple(anchor.shape) != expected:
            raise ShapeError(
                f"a query's vector must be (batch, dimensions), here {expected}, got {tuple(anchor.shape)}; give one "
                "query for each mixture"
            )
        spectrum = super().features(magnitude)
        return torch.cat([spectrum, anchor[:, None].expand(-1, spectrum.shape[1], -1)], dim=-1)
