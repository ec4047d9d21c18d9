"""The data of recipes for separation at all levels of a hierarchy: stores of songs, taken apart into their stems.

Contents: QueryData. Lesson: notebooks/22_hierarchies_and_queries.ipynb
"""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import checks, hierarchy
from ..datasets.store import Store
from ..metrics import energy
from ..refusals import RefusedValue
from . import query_batches
from .contracts import Batch, Batches, Network
from .training_data import VALIDATION_SEED, TrainingData, song_stores


@dataclasses.dataclass(frozen=True)
class QueryData:
    """Mixtures of single instruments with a query for each, drawn from a store of songs at every step.

    Attributes
    ----------
    tree : str
        Name of a tree of `mss_lab.hierarchy.TREES`.
    target : str or None
        The instrument that is always separated, for a network without a query; None draws it for each example.
    levels : tuple of int
        The levels that the network separates; a single one for a network of one level.
    labelled_leaves : float in [0, 1]
        The share of the stems whose instrument is known.
    items : float in (0, 1]
        The share of the songs that are used.
    sample_rate_hz : int
        Sample rate that the songs must have.
    segment_s, query_s : float, seconds
        Length of the mixtures, and of the queries.
    players : int >= 2
        Instruments in a mixture.
    queries : int in 1 ... players
        How many of them are targets, each with a query, in training. In validation one is.
    batch, validate_batches : int
    gains : (low, high)
        A gain for each source of each segment is drawn from this range.
    equaliser_db, varied_speed
        Changes of the instruments in training, not in validation; see `mss_lab.neural.query_batches.batches`.
    """

    tree: str = "quartet"
    target: str | None = None
    levels: tuple[int, ...] = (1, 2, 3)
    labelled_leaves: float = 1.0
    items: float = 1.0
    sample_rate_hz: int = 16_000
    segment_s: float = 4.0
    query_s: float = 4.0
    players: int = 4
    queries: int = 1
    batch: int = 8
    validate_batches: int = 16
    gains: tuple[float, float] = (0.25, 1.25)
    equaliser_db: float = 0.0
    varied_speed: bool = False

    def __post_init__(self) -> None:
        checks.check_choice("tree", self.tree, hierarchy.TREES)
        checks.check_sample_rate(self.sample_rate_hz)
        for name in ("segment_s", "query_s"):
            checks.check_number(name, getattr(self, name), above=0, unit="seconds")
        checks.check_number("items", self.items, above=0, at_most=1)
        for name in ("batch", "validate_batches"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)
        levels = hierarchy.TREES[self.tree].levels
        if not self.levels or list(self.levels) != sorted(set(self.levels)) or not 1 <= self.levels[0] <= levels:
            raise RefusedValue(f"levels must be some of 1 to {levels}, from the lowest up, got {self.levels}")
        checks.check_number("levels", self.levels[-1], at_least=1, at_most=levels, whole=True)

    def open(self, data: str | os.PathLike[str], valid: str | os.PathLike[str] | None, seed: int) -> TrainingData:
        """Open a store of songs, or a folder with two stores, `train` and `valid`."""
        store, valid_store = song_stores(Path(data), valid)
        for opened in filter(None, (store, valid_store)):
            if opened.facts.get("sample_rate_hz") != self.sample_rate_hz:
                raise RefusedValue(
                    f"{opened.folder} must be at {self.sample_rate_hz} Hz for this recipe, got "
                    f"{opened.facts.get('sample_rate_hz')} Hz; make the data at that rate"
                )
        training = self._chosen(
            self._batches(
                store, seed, labelled_leaves=self.labelled_leaves, items=range(max(1, round(self.items * len(store)))),
                queries=self.queries, equaliser_db=self.equaliser_db, varied_speed=self.varied_speed,
            )
        )  # fmt: skip
        judged = self._chosen(self._batches(valid_store or store, VALIDATION_SEED))
        validation: list[Batch] = [judged(number) for number in range(self.validate_batches)]
        return TrainingData(
            network_settings={
                "sources": [f"level {level}" for level in self.levels],
                "sample_rate_hz": self.sample_rate_hz,
            },
            batches=lambda model: training,
            validation=lambda model: validation,
            validated_on="valid" if valid_store else "train",
            facts={
                "items": len(store),
                **store.facts,
                "validation": None if valid_store is None else {"items": len(valid_store), **valid_store.facts},
                "validation_seed": VALIDATION_SEED,
            },
            song_sdr_db=lambda model: _lowest_level_sdr_db(model, validation),
        )

    def _batches(self, store: Store, seed: int, **changes: Any) -> query_batches.QueryBatches:
        return query_batches.batches(
            store,
            hierarchy.TREES[self.tree],
            length_samples=round(self.segment_s * self.sample_rate_hz),
            query_samples=round(self.query_s * self.sample_rate_hz),
            batch=self.batch,
            seed=seed,
            players=self.players,
            target=self.target,
            gains=self.gains,
            **changes,
        )

    def _chosen(self, batches: query_batches.QueryBatches) -> "ChosenLevels":
        return ChosenLevels(batches, self.levels)


@dataclasses.dataclass(frozen=True)
class ChosenLevels:
    """Batches of which a network sees only some levels.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """

    batches: Batches
    levels: tuple[int, ...]

    @property
    def facts(self) -> dict[str, Any]:
        """All that decides the batches, for JSON."""
        return {**getattr(self.batches, "facts", {}), "levels": list(self.levels)}

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a step."""
        rows = [level - 1 for level in self.levels]
        batch = dict(self.batches(step))
        return {**batch, "belongs": batch["belongs"][:, rows], "labelled": batch["labelled"][:, rows]}


def _lowest_level_sdr_db(model: Network, validation: Iterable[Batch]) -> float:
    """Mean SDR in dB of the estimates of the lowest level."""
    network: Any = model
    values = []
    for batch in validation:
        with torch.inference_mode():
            estimates = network(batch["sources"].sum(dim=1), batch)[:, 0].float().numpy()
        for reference, estimate in zip(network.references(batch)[:, 0].numpy(), estimates, strict=True):
            values.append(energy.sdr(reference[None], estimate[None]))
    return float(np.mean(values))
