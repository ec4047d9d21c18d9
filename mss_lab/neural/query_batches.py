"""Batches for separation at all levels of a hierarchy: mixtures of single instruments, and a query for each.

A store of songs is taken apart into its stems, each with its instrument. For every example a target instrument is
drawn, then a stem of it, then another instrument of its family, so that the family is more than the instrument, and
more instruments of the tree, which together are the mixture. The query is another stem of the target instrument, from
another song and, if there is one, of another timbre. The stems of a mixture come from different songs as a rule. Other
players of a mixture can be its targets as well, each with a query: a network that reads a mixture once for all of them
learns more in the same time.

The batch of a step depends only on the seed and the number of the step, as in `mss_lab.neural.segments`.

Contents: stems_of, batches, salient_excerpt, QueryBatches. Lesson: notebooks/22_hierarchies_and_queries.ipynb
Reference: Manilow, PhD thesis 2022, section 2.5.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .. import checks
from ..datasets import varied
from ..hierarchy import SALIENT_DB, Hierarchy, is_salient
from ..refusals import RefusedValue
from ..score import instruments
from .segments import Songs

# Keeps these draws independent of other draws from the same seed.
STREAM = 0x9E7
# Of the labels. With the same first number, a generator whose last number is 0 would repeat the draws of a step.
LABELS = 0x1AB
# How often another excerpt is drawn where one is too soft, before the loudest of them is taken.
TRIES = 8


@dataclasses.dataclass(frozen=True)
class Stem:
    """One source of one song of a store.

    Attributes
    ----------
    item, source : int
        Index of the song in the store, and of the source in the song.
    leaf, timbre : str
        Its instrument, a leaf of the tree, and the name of its timbre.
    """

    item: int
    source: int
    leaf: str
    timbre: str


def stems_of(store: Songs, tree: Hierarchy, items: Sequence[int] | None = None) -> dict[str, tuple[Stem, ...]]:
    """The stems of a store by instrument.

    A stem's instrument is the name of its source where that is a leaf of the tree. Otherwise the General MIDI programs
    of the song decide, which `mss-lab data training` stores.

    Parameters
    ----------
    store : store of songs
    tree : Hierarchy
        Stems of instruments that are not in it are left out.
    items : sequence of int, optional
        The songs to take; all if it is left out.

    Returns
    -------
    dict of leaf -> tuple of Stem
        Only leaves that have stems, in the order of the tree.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """
    leaf_of_program = {program: leaf for leaf in tree.leaves if (program := _program(leaf)) is not None}
    of_leaf: dict[str, list[Stem]] = {leaf: [] for leaf in tree.leaves}
    for item in range(len(store)) if items is None else items:
        song = store[item]
        for source, name in enumerate(store.facts["sources"]):
            program = int(song["programs"][source]) if "programs" in song else None
            leaf = name if name in of_leaf else leaf_of_program.get(program) if program is not None else None
            if leaf is not None and song["audio"][source].any():
                timbre = str(song["timbres"][source]) if "timbres" in song else ""
                of_leaf[leaf].append(Stem(item, source, leaf, timbre))
    return {leaf: tuple(stems) for leaf, stems in of_leaf.items() if stems}


def batches(
    store: Songs,
    tree: Hierarchy,
    *,
    length_samples: int,
    batch: int,
    seed: int,
    query_samples: int | None = None,
    players: int = 4,
    queries: int = 1,
    target: str | None = None,
    labelled_leaves: float = 1.0,
    items: Sequence[int] | None = None,
    gains: tuple[float, float] = (0.25, 1.25),
    equaliser_db: float = 0.0,
    varied_speed: bool = False,
) -> "QueryBatches":
    """A function from the number of a step to its batch.

    Parameters
    ----------
    store : store of songs
        Items with `audio` (sources, samples); facts with `sources` and `sample_rate_hz`.
    tree : Hierarchy
        At least `players` of its leaves must have stems.
    length_samples, query_samples : int >= 1
        Length of a mixture and of a query; queries are as long as mixtures if it is left out.
    batch : int >= 1
    seed : int >= 0
    players : int >= 2
        Number of instruments in a mixture, all different.
    queries : int in 1 ... players
        Number of players of each mixture that are targets; 1 if `target` is set.
    target : str, optional
        The leaf that is always the target, for a separator of one instrument; drawn for each example if left out.
    labelled_leaves : float in [0, 1]
        The share of the stems whose instrument is known. Of the others only the families are, and `labelled` is 0 at
        level 1. Which stems these are depends on the seed alone.
    items : sequence of int, optional
        The songs to draw from; all if it is left out.
    gains : (low, high)
        Each source of each segment is multiplied by a number that is uniformly distributed in this range.
    equaliser_db : float >= 0, dB
        Each source and each query passes an equaliser whose gains have this standard deviation; see
        `mss_lab.datasets.varied.equalised`.
    varied_speed : bool
        Whether each of them is played at a speed that is drawn from `mss_lab.datasets.varied.SPEEDS`.

    Returns
    -------
    QueryBatches
        Called with a step: `sources` (batch, players, samples), the targets first; `query` (batch * queries, query
        samples), those of the first mixture first; `belongs` (batch * queries, levels, players) and `labelled` (batch *
        queries, levels), as `Hierarchical.loss` describes them; and `leaf` (batch * queries,), the number of each
        target among the leaves of the tree, -1 where it is not labelled.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range, or there are too few instruments, or stems of one.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, PhD thesis 2022, section 2.5.
    """
    length_samples = checks.check_number("length_samples", length_samples, at_least=1, whole=True, unit="samples")
    if query_samples is not None:
        query_samples = checks.check_number("query_samples", query_samples, at_least=1, whole=True, unit="samples")
    batch = checks.check_number("batch", batch, at_least=1, whole=True)
    seed = checks.check_number("seed", seed, at_least=0, whole=True)
    players = checks.check_number("players", players, at_least=2, whole=True)
    queries = checks.check_number("queries", queries, at_least=1, at_most=players, whole=True)
    checks.check_number("labelled_leaves", labelled_leaves, at_least=0, at_most=1)
    checks.check_number("equaliser_db", equaliser_db, at_least=0, unit="dB")
    low, high = (checks.check_number("gains", gain, at_least=0) for gain in gains)
    stems = {
        leaf: of_leaf
        for leaf, of_leaf in stems_of(store, tree, items).items()
        if len({stem.item for stem in of_leaf}) > 1
    }
    if len(stems) < players:
        raise RefusedValue(
            f"store must hold {players} instruments of the tree, each in two songs or more, got {len(stems)}: "
            f"{', '.join(stems) or 'none'}; make more songs, or set players to {max(2, len(stems))} or fewer"
        )
    if target is not None:
        checks.check_choice("target", target, stems)
        if queries > 1:
            raise RefusedValue(f"queries must be 1 where a target is set, got {queries}; leave one of the two out")
    return QueryBatches(
        store, tree, stems, length_samples, query_samples or length_samples, batch, seed, players, queries, target,
        labelled_leaves, (min(low, high), max(low, high)), equaliser_db, varied_speed,
    )  # fmt: skip


def salient_excerpt(audio: np.ndarray, length_samples: int, rng: np.random.Generator) -> np.ndarray:
    """An excerpt in which a stem is salient, or the loudest of those that were tried.

    Parameters
    ----------
    audio : float (samples,)
    length_samples : int >= 1
    rng : np.random.Generator
        The number of draws is the same in all cases.

    Returns
    -------
    float32 (length_samples,)
        Silent at its end where the stem is shorter. It sounds, if the stem does.
    """
    last = max(0, len(audio) - length_samples)
    loudest, energy = np.zeros(length_samples, np.float32), 0.0
    for start in (rng.random(TRIES) * (last + 1)).astype(int):
        excerpt = _piece(audio, start, length_samples)
        if is_salient(excerpt[None], SALIENT_DB):
            return excerpt
        if (new_energy := float(np.sum(np.square(excerpt, dtype=np.float64)))) > energy:
            loudest, energy = excerpt, new_energy
    if energy == 0:
        # A stem that plays little: around its loudest sample.
        loudest = _piece(audio, min(last, max(0, int(np.abs(audio).argmax()) - length_samples // 2)), length_samples)
    return loudest


@dataclasses.dataclass(frozen=True)
class QueryBatches:
    """The batch of each step; made by `batches`, which describes the fields.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """

    store: Songs
    tree: Hierarchy
    stems: Mapping[str, tuple[Stem, ...]]
    length_samples: int
    query_samples: int
    batch: int
    seed: int
    players: int
    queries: int
    target: str | None
    labelled_leaves: float
    gains: tuple[float, float]
    equaliser_db: float
    varied_speed: bool

    @property
    def facts(self) -> dict[str, Any]:
        """All that decides the batches, for JSON: equal facts give equal batches."""
        other = ("store", "tree", "stems")
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in other}
        paths = {leaf: list(path) for leaf, path in self.tree.paths.items()}
        stems = {leaf: len(stems) for leaf, stems in self.stems.items()}
        return {**own, "tree": paths, "stems": stems, "store": dict(self.store.facts)}

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a step."""
        rng = np.random.default_rng((STREAM, self.seed, step))
        mixtures = [self._mixture(rng) for _ in range(self.batch)]
        joined = {name: np.concatenate([mixture[name] for mixture in mixtures]) for name in mixtures[0]}
        return {name: torch.from_numpy(values) for name, values in joined.items()}

    def leaves(self, rng: np.random.Generator) -> list[str]:
        """Draw the instruments of a mixture: the target, one of its family if there is one, and any others."""
        others = list(self.stems)
        target = self.target or str(rng.choice(others))
        others.remove(target)
        family = [leaf for leaf in others if self.tree.ancestor(leaf, 2) == self.tree.ancestor(target, 2)]
        chosen = [target]
        if family:
            chosen.append(str(rng.choice(family)))
            others.remove(chosen[1])
        chosen += [str(leaf) for leaf in rng.choice(others, self.players - len(chosen), replace=False)]
        return chosen

    def is_labelled(self, stem: Stem) -> bool:
        """Whether the instrument of a stem is known; of the others only the families are."""
        draw = np.random.default_rng((LABELS, self.seed, stem.item, stem.source)).random()
        return bool(draw < self.labelled_leaves)

    def _mixture(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """One mixture, and a row for each of its targets."""
        leaves = self.leaves(rng)
        drawn = [self.stems[leaf][rng.integers(len(self.stems[leaf]))] for leaf in leaves]
        sources = np.stack([self._excerpt(stem, self.length_samples, rng) for stem in drawn])
        sources *= rng.uniform(*self.gains, size=(len(leaves), 1)).astype(np.float32)
        rows = [self._target(stem, leaves, rng) for stem in drawn[: self.queries]]
        return {"sources": sources[None], **{name: np.stack([row[name] for row in rows]) for name in rows[0]}}

    def _target(self, stem: Stem, leaves: Sequence[str], rng: np.random.Generator) -> dict[str, Any]:
        """What belongs to a stem of a mixture of leaves, what is known of it, and a query for it."""
        belongs = [
            [self.tree.ancestor(leaf, level) == self.tree.ancestor(stem.leaf, level) for leaf in leaves]
            for level in range(1, self.tree.levels + 1)
        ]
        labelled = np.ones(self.tree.levels, np.float32)
        labelled[0] = self.is_labelled(stem)
        return {
            "query": self._excerpt(self._other(stem, rng), self.query_samples, rng),
            "belongs": np.array(belongs, np.float32),
            "labelled": labelled,
            "leaf": np.int64(self.tree.leaves.index(stem.leaf) if labelled[0] else -1),
        }

    def _other(self, stem: Stem, rng: np.random.Generator) -> Stem:
        """A stem of the same instrument from another song, of another timbre where there is one."""
        elsewhere = [other for other in self.stems[stem.leaf] if other.item != stem.item]
        foreign = [other for other in elsewhere if other.timbre != stem.timbre] or elsewhere
        return foreign[rng.integers(len(foreign))]

    def _excerpt(self, stem: Stem, length_samples: int, rng: np.random.Generator) -> np.ndarray:
        audio = self.store[stem.item]["audio"][stem.source]
        speed = varied.SPEEDS[rng.integers(len(varied.SPEEDS))] if self.varied_speed else (1, 1)
        excerpt = salient_excerpt(audio, math.ceil(length_samples * speed[0] / speed[1]), rng)
        if speed != (1, 1):
            excerpt = varied.at_speed(excerpt, speed)[:length_samples]
        if self.equaliser_db:
            excerpt = varied.equalised(excerpt, self.store.facts["sample_rate_hz"], self.equaliser_db, rng)
        return excerpt


def _piece(audio: np.ndarray, start: int, length_samples: int) -> np.ndarray:
    piece = audio[start : start + length_samples].astype(np.float32)
    return np.pad(piece, (0, length_samples - len(piece)))


def _program(leaf: str) -> int | None:
    try:
        return instruments.program_of(leaf)
    except ValueError:
        return None
