"""Separate what a query plays: a recording of an instrument selects the same instrument in a mixture.

Contents: separate, vector_of, check_network. Lesson: notebooks/22_hierarchies_and_queries.ipynb
"""

import os
from typing import Any

import numpy as np
import torch

from .. import audio, checks
from ..refusals import RefusedType
from . import apply
from . import weights as stored_weights
from .contracts import Network
from .models.hierarchical import QueryByExample

NAME = "query-by-example"


def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    query: np.ndarray,
    query_rate_hz: int | None = None,
    *,
    chunk_s: float = apply.CHUNK_S,
    overlap_s: float = apply.OVERLAP_S,
    weights: str | os.PathLike[str] | Network | None = None,
) -> dict[str, np.ndarray]:
    """Separate a mixture at every level of a hierarchy, for the instrument that a query plays.

    Parameters
    ----------
    mixture : float (channels, samples)
    sample_rate_hz : int
    query : float (channels, samples)
        A recording of the instrument alone, of any length; its channels are read one after the other. Or a vector,
        float (dimensions,), as `vector_of` gives it, or one between two of them.
    query_rate_hz : int, optional
        Sample rate of the query; that of the mixture if it is left out.
    chunk_s, overlap_s : float, seconds
        As for `mss_lab.neural.apply.separate`.
    weights : path or Network, optional
        The weights that ship if it is left out.

    Returns
    -------
    dict of level -> float32 (channels, samples)
        "level 1" is the instrument, "level 2" its family, and so on; a level holds all below it.

    Raises
    ------
    TypeError, ValueError
        If mixture or query is no waveform, the query is silent, or the network takes no query.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, Wichern and Le Roux, ISMIR 2020.
    """
    network = _network(weights)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    vector = np.asarray(query)
    if vector.ndim != 1:
        vector = vector_of(query, query_rate_hz or sample_rate_hz, weights=network)
    anchor = torch.from_numpy(vector.astype(np.float32))[None]
    return apply.separate(
        network, mixture, sample_rate_hz, chunk_s=chunk_s, overlap_s=overlap_s, even_level=True,
        conditions={"anchor": anchor},
    )  # fmt: skip


def vector_of(
    query: np.ndarray, sample_rate_hz: int, *, weights: str | os.PathLike[str] | Network | None = None
) -> np.ndarray:
    """The vector in which the network sums up a query; similar instruments have similar ones.

    Parameters
    ----------
    query : float (channels, samples)
    sample_rate_hz : int
    weights : path or Network, optional

    Returns
    -------
    float32 (dimensions,)

    Raises
    ------
    TypeError, ValueError
        If the query is no waveform, or silent.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, PhD thesis 2022, chapter 2.
    """
    network: Any = _network(weights)
    query = checks.check_waveform("query", query)
    waveform = audio.resample(query, checks.check_sample_rate(sample_rate_hz), network.sample_rate_hz).reshape(1, -1)
    with apply.evaluating(network) as device:
        vector: np.ndarray = network.embed(torch.from_numpy(waveform).to(device))[0].float().cpu().numpy()
    return vector


def _network(weights: str | os.PathLike[str] | Network | None) -> Network:
    return check_network(stored_weights.network_of(weights, NAME))


def check_network(network: Network) -> Network:
    """Refuse a network that takes no query."""
    if not isinstance(network, QueryByExample):
        raise RefusedType(
            f"weights must be those of a network that takes a query, got a {type(network).__name__}; train one: "
            f"mss-lab train {NAME}"
        )
    return network
