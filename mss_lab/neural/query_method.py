"""Query by example as a method of the catalogue: by a recording, or by the stored vectors of instruments.

Contents: query_by_example. Lesson: notebooks/22_hierarchies_and_queries.ipynb
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import audio, memory, options
from ..score.notes import Score
from ..silence import between_silences
from . import apply, query_vectors
from . import query as queries
from . import weights as stored_weights
from .entries import QUERY_BY_EXAMPLE


@options.within(QUERY_BY_EXAMPLE.options)
@memory.limited(queries.NAME, apply.working_bytes(57e6, 0.1e6))
@between_silences
def query_by_example(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    chunk_s: float = apply.CHUNK_S,
    overlap_s: float = apply.OVERLAP_S,
    players: Mapping[str, str] | None = None,
    query: str | os.PathLike[str] | None = None,
    weights: str | os.PathLike[str] | None = None,
) -> dict[str, np.ndarray]:
    """Separate what a recording plays, or, without one, the instruments of a score by the vectors that are stored.

    Parameters
    ----------
    mixture : float (channels, samples)
    sample_rate_hz : int
    score : Score, optional
        Without a query, it selects and names the instruments. Its notes are not read.
    chunk_s, overlap_s : float, seconds
        As for `mss_lab.neural.apply.separate`.
    players : mapping, optional
        From sources of the score to instruments of the network, where their names do not decide.
    query : path, optional
        An audio file in which the instrument plays alone.
    weights : path, optional
        A file of weights of your own, with its vectors beside it; without it, the weights that ship.

    Returns
    -------
    dict of name -> float32 (channels, samples)
        With a query "level 1", the instrument, "level 2", its family, and so on. Without one, each source of the score,
        or without a score each instrument that has vectors, separated with the mean vector of that instrument.

    Raises
    ------
    FileNotFoundError
        If there is no such query, or no file of vectors beside the weights.
    TypeError, ValueError
        If an input does not suit, or the score has an instrument without vectors.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, Wichern and Le Roux, ISMIR 2020.
    """
    network = queries.check_network(stored_weights.network_of(weights, queries.NAME))
    lengths: Any = {"chunk_s": chunk_s, "overlap_s": overlap_s}
    if query is not None:
        recording, rate_hz = audio.read_audio(query)
        return queries.separate(mixture, sample_rate_hz, recording, rate_hz, weights=network, **lengths)
    vectors = query_vectors.vectors_of(weights)
    index_of_source = apply.players_for(vectors.leaves, score, players)
    estimates = memory.zeros_for(index_of_source, mixture.shape)
    for name, index in index_of_source.items():
        if index is not None:
            leaf = vectors.leaves[index]
            levels = queries.separate(mixture, sample_rate_hz, vectors.mean(leaf), weights=network, **lengths)
            estimates[name] = levels[network.sources[0]]
    return estimates
