"""What the experiments of lesson 22 share: drawn mixtures, queries for them, and how estimates are measured.

Contents: batches_of, gain_db; Case, cases, Queries, separated, rows_of, quartets.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mss_lab import hierarchy
from mss_lab.metrics import energy
from mss_lab.neural import query, query_batches, query_vectors
from mss_lab.neural.training_data import VALIDATION_SEED
from tests.benchmarks.network_experiments import read_recordings

RATE_HZ = 16_000
TREE = hierarchy.QUARTET
LEVELS = tuple(range(1, TREE.levels + 1))
MIXTURE_S, QUERY_S = 4.0, 4.0
LENGTHS_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
# What the quartets of Bach10 call a leaf of the tree.
LEAF_OF = {"saxophone": "tenor_sax"}


def batches_of(
    songs_of_set: Any, seed: int, batch: int, length_s: float = MIXTURE_S, **changes: Any
) -> query_batches.QueryBatches:
    """Batches of mixtures of four instruments of the tree."""
    length = round(length_s * RATE_HZ)
    return query_batches.batches(songs_of_set, TREE, length_samples=length, batch=batch, seed=seed, **changes)


def gain_db(reference: np.ndarray, estimate: np.ndarray, mixture: np.ndarray) -> float | None:
    """SI-SDR gained over the mixture; none where the mixture is all that is to be separated, or there is nothing."""
    if not reference.any() or not estimate.any():
        return None
    value = energy.si_sdr_improvement(reference[None], estimate[None], mixture[None])
    return round(value, 2) if math.isfinite(value) and abs(value) < 100 else None


@dataclasses.dataclass(frozen=True)
class Case:
    """A mixture of stems of different leaves, and where it was drawn from."""

    stems: Mapping[str, np.ndarray]
    chosen: Mapping[str, query_batches.Stem]
    number: int

    @property
    def mixture(self) -> np.ndarray:
        """The sum of the stems, (samples,)."""
        mixture: np.ndarray = np.sum(list(self.stems.values()), axis=0)
        return mixture


def cases(songs_of_set: Any, count: int) -> Iterator[tuple[Case, np.random.Generator]]:
    """Mixtures drawn as those of training, and the generator that goes on to draw their queries."""
    drawn = batches_of(songs_of_set, VALIDATION_SEED, 1)
    for number in range(count):
        rng = np.random.default_rng([22, number])
        chosen = {leaf: drawn.stems[leaf][rng.integers(len(drawn.stems[leaf]))] for leaf in drawn.leaves(rng)}
        stems = {
            leaf: rng.uniform(*drawn.gains)
            * query_batches.salient_excerpt(songs_of_set[stem.item]["audio"][stem.source], drawn.length_samples, rng)
            for leaf, stem in chosen.items()
        }
        yield Case({leaf: stem.astype(np.float32) for leaf, stem in stems.items()}, chosen, number), rng


class Queries:
    """Draws queries from the stems of a set: of the same timbre in another song, or of another timbre."""

    def __init__(self, songs_of_set: Any, others: Any):
        self.sets = (songs_of_set, others)
        self.stems = [query_batches.stems_of(one, TREE) for one in self.sets]

    def leaves(self) -> list[str]:
        """The leaves of which there are queries."""
        return list(self.stems[0])

    def draw(
        self, leaf: str, rng: np.random.Generator, avoid: query_batches.Stem | None = None,
        length_s: float = QUERY_S, same_timbre: bool = False,
    ) -> np.ndarray | None:  # fmt: skip
        """A query of an instrument from another song than that of a stem; none where there is no such stem.

        Where the set has one timbre only, one of another timbre comes from the other set.
        """
        for songs_of_set, of_leaf in zip(self.sets, self.stems, strict=True):
            own = songs_of_set is self.sets[0]
            matching = [
                stem
                for stem in of_leaf.get(leaf, ())
                if avoid is None
                or ((stem.timbre == avoid.timbre) == same_timbre and (stem.item != avoid.item or not own))
            ]
            if matching:
                stem = matching[rng.integers(len(matching))]
                audio = songs_of_set[stem.item]["audio"][stem.source]
                return query_batches.salient_excerpt(audio, round(length_s * RATE_HZ), rng)
        return None


def separated(network: Any, case: Case, leaf: str, vector: np.ndarray) -> dict[str, Any]:
    """The gain at each level for a leaf, which stem the estimate of level 1 is nearest to, and its loudness."""
    mixture = case.mixture
    estimates = query.separate(mixture[None], RATE_HZ, vector, weights=network)
    estimate = estimates["level 1"]
    row: dict[str, Any] = {"leaf": leaf}
    for level in LEVELS:
        node = TREE.ancestor(leaf, level)
        members = [stem for name, stem in case.stems.items() if TREE.ancestor(name, level) == node]
        if members:
            gain = gain_db(np.sum(members, axis=0), estimates[f"level {level}"][0], mixture)
            row |= {} if gain is None else {f"level_{level}_db": gain}
    ratios = {name: energy.si_sdr(stem[None], estimate) for name, stem in case.stems.items()}
    row["nearest"] = max(ratios, key=lambda name: ratios[name])
    row["follows"] = row["nearest"] == leaf
    row["loudness_db"] = round(10 * math.log10(max(float(np.mean(estimate**2) / np.mean(mixture**2)), 1e-12)), 1)
    return row


def rows_of(
    network: Any, case: Case, queries: Queries, vectors: query_vectors.Vectors, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """One row for each query of a mixture: of all that play, of one that does not, and queries of several lengths."""
    target = next(iter(case.stems))

    def row(kind: str, leaf: str, drawn: np.ndarray | None, **more: Any) -> Iterator[dict[str, Any]]:
        if drawn is not None:
            vector = query.vector_of(drawn[None], RATE_HZ, weights=network)
            yield {"kind": kind, **more, **separated(network, case, leaf, vector)}

    for leaf, stem in case.chosen.items():
        yield from row("other timbre", leaf, queries.draw(leaf, rng, stem))
        yield from row("same timbre", leaf, queries.draw(leaf, rng, stem, same_timbre=True))
        if leaf in vectors.leaves:
            yield {"kind": "mean vector", **separated(network, case, leaf, vectors.mean(leaf))}
    absent = [leaf for leaf in queries.leaves() if leaf not in case.stems]
    if absent:
        leaf = str(rng.choice(absent))
        yield from row("absent", leaf, queries.draw(leaf, rng))
    for length_s in LENGTHS_S:
        drawn = queries.draw(target, rng, case.chosen[target], length_s)
        for whole in row("length", target, drawn, length_s=length_s):
            yield {key: whole[key] for key in ("kind", "length_s", "leaf", "level_1_db", "follows") if key in whole}


def quartets(recordings: Path, most: int | None) -> Iterator[tuple[Case, Mapping[str, np.ndarray]]]:
    """The real quartets, each with the stems of the next one, which are played by the same players."""
    tracks = [track for track, _, is_quartet in read_recordings(recordings, 12.0) if is_quartet]
    stems = [{LEAF_OF.get(name, name): wave[0] for name, wave in track.sources.items()} for track in tracks]
    for number, own in enumerate(stems[:most]):
        yield Case(own, {}, number), stems[(number + 1) % len(stems)]
