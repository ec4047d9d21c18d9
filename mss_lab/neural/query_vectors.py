"""The vectors of many queries, stored beside the weights of a network: the map of its instruments.

    mss-lab data vectors SONGS [SONGS ...] --weights NETWORK.safetensors

SONGS are stores of songs, as `mss-lab data training` makes them, of one side each. From every stem of an instrument of
the tree an excerpt is drawn, and the network gives a vector for it. All vectors are written into
NETWORK.vectors.npz, with the instrument, the timbre and the side of each, and the checksum of the weights: vectors mean
nothing to a network that did not give them.

The mean over the vectors of an instrument stands for the instrument, where no recording of it is at hand.

Contents: Vectors, path_of, load, shipped, vectors_of, of_instrument, draw, save, add_arguments, run.
Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, PhD thesis 2022, chapter 2 (Fig. 2.15).
"""

import argparse
import dataclasses
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks, files, hierarchy
from .. import shipped as shipping
from ..datasets import store as stores
from ..datasets.store import Store
from ..refusals import RefusedValue
from . import query, query_batches, weights

# Keeps these draws independent of other draws from the same seed.
STREAM = 0x3EC7
ENDING = ".vectors.npz"
QUERY_S = 4.0
# The side of a split whose vectors stand for their instrument.
TRAINING_SIDE = "train"


@dataclasses.dataclass(frozen=True)
class Vectors:
    """Vectors of queries, in rows, and what played in each of them.

    Attributes
    ----------
    vectors : float32 (queries, dimensions)
    leaf, timbre, side : str (queries,)
        Instrument, name of its timbre, and side of the split: "train" for what the network was trained on.
    weights : str
        SHA-256 of the weights that gave them.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """

    vectors: np.ndarray
    leaf: np.ndarray
    timbre: np.ndarray
    side: np.ndarray
    weights: str

    @property
    def leaves(self) -> tuple[str, ...]:
        """The instruments, each once."""
        return tuple(dict.fromkeys(self.leaf.tolist()))

    def mean(self, leaf: str) -> np.ndarray:
        """The mean vector of an instrument, float32 (dimensions,): over its training queries, or all if it has none."""
        checks.check_choice("instrument", leaf, self.leaves)
        rows = self.leaf == leaf
        of_training = rows & (self.side == TRAINING_SIDE)
        mean: np.ndarray = self.vectors[of_training if of_training.any() else rows].mean(axis=0, dtype=np.float64)
        return mean.astype(np.float32)


def path_of(weights_path: str | os.PathLike[str]) -> Path:
    """The file of vectors that belongs to a file of weights: NAME.vectors.npz beside NAME.safetensors."""
    path = Path(weights_path)
    return path.with_name(path.stem + ENDING)


def load(path: str | os.PathLike[str], weights_path: str | os.PathLike[str] | None = None) -> Vectors:
    """Read a file of vectors.

    Parameters
    ----------
    path : path
        A file that `save` wrote.
    weights_path : path, optional
        The weights that must have given them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, another file, or belongs to other weights.
    """
    again = f"make it again: mss-lab data vectors SONGS --weights {weights_path or 'NETWORK.safetensors'}"
    path = files.existing_file(path, "file of vectors", again)
    try:
        with np.load(path, allow_pickle=False) as content:
            names = [field.name for field in dataclasses.fields(Vectors)]
            arrays = {name: content[name] for name in names}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError) as error:
        raise RefusedValue(f"{path} is damaged, or no file of vectors ({error}); {again}") from error
    vectors = arrays["vectors"].astype(np.float32)
    rows = {len(arrays[name]) for name in ("leaf", "timbre", "side")}
    if vectors.ndim != 2 or rows != {len(vectors)} or not np.isfinite(vectors).all():
        raise RefusedValue(f"{path} must hold a finite vector, a leaf, a timbre and a side in each row; {again}")
    loaded = Vectors(vectors, arrays["leaf"], arrays["timbre"], arrays["side"], str(arrays["weights"]))
    if weights_path is not None and shipping.sha256(weights_path) != loaded.weights:
        raise RefusedValue(f"{path} must hold vectors of {weights_path}, got those of other weights; {again}")
    return loaded


def shipped() -> Vectors:
    """The vectors of the network that ships.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load`.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """
    folder = shipping.data_folder(weights.FOLDER) / weights.FOLDER
    weights_path = folder / f"{query.NAME}.safetensors"
    return load(path_of(weights_path), weights_path)


def vectors_of(weights: str | os.PathLike[str] | None = None) -> Vectors:
    """The vectors beside a file of weights, or those of the network that ships; errors as `load`.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """
    return shipped() if weights is None else load(path_of(weights), weights)


def of_instrument(leaf: str, *, weights: str | os.PathLike[str] | None = None) -> np.ndarray:
    """The mean vector of an instrument, which can be used in place of a query.

    Parameters
    ----------
    leaf : str
        An instrument whose vectors are stored.
    weights : path, optional
        A file of weights with its vectors beside it; the weights that ship if it is left out.

    Returns
    -------
    float32 (dimensions,)

    Raises
    ------
    FileNotFoundError
        If there are no vectors beside the weights.
    ValueError
        If there is no vector of this instrument, or the file is damaged.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """
    return vectors_of(weights).mean(leaf)


def draw(
    store: Store,
    network: Any,
    *,
    tree: hierarchy.Hierarchy = hierarchy.QUARTET,
    query_s: float = QUERY_S,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """The vectors of one query from every stem of a store that is an instrument of the tree.

    Parameters
    ----------
    store : store of songs
    network : QueryByExample
    tree : Hierarchy
    query_s : float > 0, seconds
        Length of the excerpts.
    seed : int >= 0
        Decides which excerpt is taken of each stem.

    Returns
    -------
    dict
        `vectors` float32 (queries, dimensions); `leaf`, `timbre` and `side`, str (queries,).

    Raises
    ------
    ValueError
        If a number is out of its range, or the store has no such stem.
    """
    checks.check_number("query_s", query_s, above=0, unit="seconds")
    seed = checks.check_number("seed", seed, at_least=0, whole=True)
    rate_hz = int(store.facts["sample_rate_hz"])
    rows = []
    for leaf, stems in query_batches.stems_of(store, tree).items():
        for stem in stems:
            rng = np.random.default_rng((STREAM, seed, stem.item, stem.source))
            audio = store[stem.item]["audio"][stem.source]
            excerpt = query_batches.salient_excerpt(audio, max(1, round(query_s * rate_hz)), rng)
            if excerpt.any():
                rows.append((query.vector_of(excerpt[None], rate_hz, weights=network), leaf, stem.timbre))
    if not rows:
        raise RefusedValue(
            f"{store.folder} must hold stems of instruments of the tree, got none; give songs with some of "
            f"{', '.join(tree.leaves)}"
        )
    vectors, leaves, timbres = zip(*rows, strict=True)
    side = np.array([str(store.facts.get("split", ""))] * len(rows))
    return {"vectors": np.stack(vectors), "leaf": np.array(leaves), "timbre": np.array(timbres), "side": side}


def save(
    songs: Sequence[str | os.PathLike[str]],
    weights_path: str | os.PathLike[str],
    *,
    tree: hierarchy.Hierarchy = hierarchy.QUARTET,
    query_s: float = QUERY_S,
    seed: int = 0,
) -> Vectors:
    """Draw queries from stores of songs, and write their vectors beside the weights of the network that gives them.

    Parameters
    ----------
    songs : sequence of path
        Stores of songs.
    weights_path : path
        Weights of a network that takes a query. A file of vectors that is there already is replaced.
    tree, query_s, seed
        As for `draw`.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If a store or the weights are missing, or do not suit.
    """
    if not songs:
        raise RefusedValue("songs must name at least one store of songs, got none")
    network = weights.load(weights_path)
    # Refused before any work, as `query.vector_of` would.
    query.check_network(network)
    parts = [draw(stores.open_store(folder), network, tree=tree, query_s=query_s, seed=seed) for folder in songs]
    joined: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    joined["vectors"] = joined["vectors"].astype(np.float16)
    joined["weights"] = np.array(shipping.sha256(weights_path))
    path = path_of(weights_path)
    with files.whole_file(path, force=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **joined)
    return load(path, weights_path)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab data vectors` to a parser."""
    add = parser.add_argument
    add("songs", nargs="+", metavar="SONGS", help="stores of songs")
    add("--weights", required=True, metavar="FILE", help="weights of a network that takes a query")
    add("--query-s", type=float, default=QUERY_S, metavar="T", help="length of a query (default: %(default)g s)")
    add("--seed", type=int, default=0, metavar="S", help="seed of all random choices (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Write the vectors, and print how many there are of each instrument."""
    vectors = save(options.songs, options.weights, query_s=options.query_s, seed=options.seed)
    counts = ", ".join(f"{leaf} {int((vectors.leaf == leaf).sum())}" for leaf in vectors.leaves)
    print(f"{path_of(options.weights)}: {len(vectors.leaf)} vectors ({counts})")
    return 0
