"""Hierarchies of instruments: trees whose leaves are instruments and whose inner nodes are families of them.

Level 1 are the leaves, level 2 their parents, and so on up to the children of the root. The sound of a node is the sum
of the sounds of its leaves, so that a separator of families needs no other stems than one of instruments.

Three trees are shipped: `QUARTET`, the instruments of the lessons and their relatives; `BAND`, the instruments of a
band in the manner of Slakh2100; and `HORNBOSTEL_SACHS`, by what vibrates.

Contents: Hierarchy, from_nested, from_parents, is_salient, blended, QUARTET, BAND, HORNBOSTEL_SACHS, TREES, register.
Lesson: notebooks/22_hierarchies_and_queries.ipynb
Reference: Manilow, Wichern and Le Roux, ISMIR 2020; Manilow, PhD thesis 2022, chapter 2.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import checks
from .refusals import RefusedType, RefusedValue

# A stem is salient, and worth separating, if it is louder than this on average (re full scale).
SALIENT_DB = -30.0


@dataclasses.dataclass(frozen=True)
class Hierarchy:
    """A tree of instruments; made by `from_nested` or `from_parents`.

    Attributes
    ----------
    paths : dict of leaf -> tuple of str
        The nodes from the leaf itself up to the child of the root; all of one length, `levels`.
    """

    paths: Mapping[str, tuple[str, ...]]

    @property
    def leaves(self) -> tuple[str, ...]:
        """The instruments."""
        return tuple(self.paths)

    @property
    def levels(self) -> int:
        """Number of levels, leaves included."""
        return len(next(iter(self.paths.values())))

    def nodes(self, level: int) -> tuple[str, ...]:
        """The nodes of a level, each once; level 1 are the leaves."""
        level = checks.check_number("level", level, at_least=1, at_most=self.levels, whole=True)
        return tuple(dict.fromkeys(path[level - 1] for path in self.paths.values()))

    def ancestor(self, leaf: str, level: int) -> str:
        """The node of a level above a leaf; level 1 is the leaf itself."""
        checks.check_choice("leaf", leaf, self.leaves)
        level = checks.check_number("level", level, at_least=1, at_most=self.levels, whole=True)
        return self.paths[leaf][level - 1]

    def leaves_of(self, node: str) -> tuple[str, ...]:
        """The instruments below a node of any level."""
        below = tuple(leaf for leaf, path in self.paths.items() if node in path)
        if not below:
            names = sorted({name for path in self.paths.values() for name in path})
            checks.check_choice("node", node, names)
        return below

    def stems(self, leaf_stems: Mapping[str, np.ndarray], level: int) -> dict[str, np.ndarray]:
        """The sounds of the nodes of a level: sums of the sounds of their leaves.

        Parameters
        ----------
        leaf_stems : dict of leaf -> float (channels, samples)
            Some or all of the leaves.
        level : int

        Returns
        -------
        dict of node -> float (channels, samples)
            The nodes that have a leaf among those given, in the order of the tree. At every level they add up to the
            same mixture.

        Raises
        ------
        ValueError
            If a name is no leaf, or there is no such level.

        Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, Wichern and Le Roux, ISMIR 2020.
        """
        stems = checks.check_sources("leaf_stems", leaf_stems)
        for leaf in stems:
            checks.check_choice("leaf_stems", leaf, self.leaves)
        result: dict[str, np.ndarray] = {}
        for leaf in self.leaves:
            if leaf in stems:
                node = self.ancestor(leaf, level)
                result[node] = result[node] + stems[leaf] if node in result else stems[leaf].copy()
        return result


def from_nested(tree: Mapping[str, Any]) -> Hierarchy:
    """A hierarchy from dicts in dicts; an empty dict ends a branch.

    Raises
    ------
    TypeError, ValueError
        If a name occurs twice (which would give a node two parents), leaves have different depths, or there is none.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb

    Examples
    --------
    >>> tree = from_nested({"winds": {"flute": {}, "oboe": {}}, "strings": {"violin": {}}})
    >>> tree.leaves, tree.nodes(2)
    (('flute', 'oboe', 'violin'), ('winds', 'strings'))
    """
    paths: dict[str, tuple[str, ...]] = {}
    parents: dict[str, str | None] = {}

    def walk(branch: Mapping[str, Any], above: tuple[str, ...]) -> None:
        for name, below in branch.items():
            if not isinstance(name, str) or not isinstance(below, Mapping):
                raise RefusedType(
                    f"tree must hold names with dicts below them, got {name!r}: {below!r}; write {{}} for a leaf"
                )
            if name in parents:
                raise RefusedValue(
                    f"every node must have one parent, got {name} below {parents[name] or 'the root'} and below "
                    f"{above[0] if above else 'the root'}; rename one of them"
                )
            parents[name] = above[0] if above else None
            if below:
                walk(below, (name, *above))
            else:
                paths[name] = (name, *above)

    walk(tree, ())
    return _checked(paths)


def from_parents(parent_of: Mapping[str, str | None]) -> Hierarchy:
    """A hierarchy from the parent of each node; None, or the empty name, is the root.

    Raises
    ------
    ValueError
        If nodes form a cycle, a parent is not listed itself, leaves have different depths, or there is none.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb

    Examples
    --------
    >>> from_parents({"flute": "winds", "oboe": "winds", "winds": None}).nodes(2)
    ('winds',)
    """
    for name, parent in parent_of.items():
        if parent and parent not in parent_of:
            raise RefusedValue(
                f"parent_of must name the parent of every node, got {name} below {parent}, which is missing; add "
                f"{parent!r}: None if it lies below the root"
            )
    inner = {parent for parent in parent_of.values() if parent}
    paths = {}
    for leaf in parent_of:
        path, above = [leaf], parent_of[leaf]
        while above:
            if above in path:
                raise RefusedValue(
                    f"parent_of must be a tree, got a cycle: {' below '.join([*path, above])}; give one of them "
                    "another parent"
                )
            path.append(above)
            above = parent_of[above]
        if leaf not in inner:
            paths[leaf] = tuple(path)
    return _checked(paths)


def is_salient(waveform: np.ndarray, least_db: float = SALIENT_DB) -> bool:
    """Whether a stem is louder than so many dB on average, re full scale; a silent one is not.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, PhD thesis 2022, section 2.5 (-30 dBFS).
    """
    waveform = checks.check_waveform("waveform", waveform)
    mean_square = float(np.mean(np.square(waveform, dtype=np.float64)))
    return mean_square > 10 ** (least_db / 10)


def _checked(paths: Mapping[str, tuple[str, ...]]) -> Hierarchy:
    if not paths:
        raise RefusedValue("a tree must have at least one leaf, got none; name an instrument")
    depths = {leaf: len(path) for leaf, path in paths.items()}
    if len(set(depths.values())) > 1:
        least, most = min(depths, key=lambda leaf: depths[leaf]), max(depths, key=lambda leaf: depths[leaf])
        raise RefusedValue(
            f"all leaves must have the same depth, got {least} at {depths[least]} and {most} at {depths[most]}; put a "
            "node between, even if it has one child"
        )
    return Hierarchy(dict(paths))


def blended(estimates: Sequence[np.ndarray], level: float) -> np.ndarray:
    """Estimates of neighbouring levels, faded into each other: level 1.25 is 3/4 of level 1 and 1/4 of level 2.

    Parameters
    ----------
    estimates : sequence of float (channels, samples)
        One for each level, the lowest first.
    level : float
        From 1 to their number.

    Returns
    -------
    float (channels, samples)

    Raises
    ------
    TypeError, ValueError
        If the level is out of its range.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb

    Examples
    --------
    >>> blended([np.zeros((1, 2)), np.ones((1, 2)), np.ones((1, 2))], 1.25).tolist()
    [[0.25, 0.25]]
    """
    level = checks.check_number("level", level, at_least=1, at_most=len(estimates))
    lower = int(level)
    share = level - lower
    if not share:
        return estimates[lower - 1].copy()
    blend: np.ndarray = (1 - share) * estimates[lower - 1] + share * estimates[lower]
    return blend.astype(estimates[lower - 1].dtype)


def _leaves(*names: str) -> dict[str, dict[str, Any]]:
    return {name: {} for name in names}


QUARTET = from_nested(
    {
        "winds": {
            "single reeds": _leaves("clarinet", "tenor_sax"),
            "double reeds": _leaves("bassoon", "oboe"),
            "flutes": _leaves("flute"),
        },
        "strings": {"bowed strings": _leaves("violin", "viola", "cello")},
    }
)

BAND = from_nested(
    {
        "rhythm": {"percussion": _leaves("drums"), "low instruments": _leaves("bass")},
        "harmony": {"keys": _leaves("piano"), "plucked strings": _leaves("guitar"), "pads": _leaves("strings")},
        "melody": {"solo": _leaves("lead")},
    }
)

HORNBOSTEL_SACHS = from_nested(
    {
        "aerophones": {
            "edge-blown": _leaves("flute", "piccolo", "recorder"),
            "reeds": _leaves("oboe", "clarinet", "bassoon", "tenor_sax"),
            "brass": _leaves("trumpet", "trombone", "horn", "tuba"),
        },
        "chordophones": {
            "bowed": _leaves("violin", "viola", "cello", "double bass"),
            "plucked": _leaves("guitar", "harp", "electric bass"),
            "struck": _leaves("piano"),
        },
        "membranophones": {"drums": _leaves("drum kit", "timpani")},
        "idiophones": {"tuned": _leaves("marimba", "glockenspiel"), "untuned": _leaves("triangle", "cymbals")},
    }
)

# The trees by the names that recipes use; `register` adds others.
TREES: dict[str, Hierarchy] = {"quartet": QUARTET, "band": BAND, "hornbostel-sachs": HORNBOSTEL_SACHS}
SHIPPED = frozenset(TREES)


def register(name: str, tree: Hierarchy) -> None:
    """Add a tree of your own, so that recipes can name it, or replace one that was added before.

    Raises
    ------
    TypeError, ValueError
        If it is no hierarchy, or the name is that of a shipped tree.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """
    if not isinstance(tree, Hierarchy):
        raise RefusedType(f"a tree must be a Hierarchy, got a {type(tree).__name__}; make one by hierarchy.from_nested")
    if name in SHIPPED:
        raise RefusedValue(f"a tree of your own must have a name of its own, got {name}, which is a shipped tree's")
    TREES[name] = tree
