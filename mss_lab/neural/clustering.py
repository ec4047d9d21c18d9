"""Deep clustering: vectors for the bins of a spectrogram, near one another where one source is loudest.

A network gives every bin a vector of unit length, its embedding. The loss asks that the vectors of two bins are alike
if the same source is loudest in both, and at right angles if not. After training, k-means groups the vectors of a new
mixture: each group is a source, and has a binary mask.

Symbols: V (bins, dimensions) embeddings, Y (bins, sources) with 1 for the loudest source of a bin, w weights of bins.

Contents: affinity_loss, loudest_source, audible_bins, cluster_masks.
Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

import numpy as np
import torch
from sklearn.cluster import KMeans

from .. import checks
from ..refusals import ShapeError

# Bins this far below the loudest of the mixture have no weight, and do not decide the clusters.
AUDIBLE_DB = -40.0


def affinity_loss(embeddings: torch.Tensor, loudest: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """How far the likeness of embeddings is from the likeness of their sources: a weighted |V V' - Y Y'|², normalised.

    The matrices of (bins, bins) are never formed: |V V' - Y Y'|² = |V' V|² - 2 |V' Y|² + |Y' Y|², where all products
    have the size of dimensions and sources.

    Parameters
    ----------
    embeddings : float (batch, bins, dimensions)
    loudest : float (batch, bins, sources)
        1 for the source that is loudest in a bin, 0 for the others.
    weights : float (batch, bins)
        0 or more; a pair of bins counts by the product of their weights.

    Returns
    -------
    float ()
        Mean over the batch of the weighted mean over all pairs of bins; 0 or more, and 0 for embeddings that are equal
        to `loudest`. Bins without weight do not count, and an example without weights counts as 0.

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: Hershey et al., ICASSP 2016.
    Difference: divided by the square of the sum of weights, so that it does not depend on the length of the excerpt.
    """
    if embeddings.shape[:2] != loudest.shape[:2] or weights.shape != loudest.shape[:2]:
        raise ShapeError(
            "embeddings, loudest and weights must have the same batch and bins, got "
            f"{tuple(embeddings.shape)}, {tuple(loudest.shape)} and {tuple(weights.shape)}; flatten all in one way"
        )
    # In float32: sums over many bins would lose their small terms in half precision.
    root = weights.float().sqrt().unsqueeze(-1)
    v, y = embeddings.float() * root, loudest.float() * root

    def squared(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return (left.mT @ right).square().sum(dim=(-2, -1))

    distance = squared(v, v) - 2 * squared(v, y) + squared(y, y)
    pairs = weights.float().sum(dim=-1).square()
    return (distance / pairs.clamp(min=torch.finfo(torch.float32).tiny)).clamp(min=0).mean()


def loudest_source(magnitudes: torch.Tensor) -> torch.Tensor:
    """1 for the source that is loudest in each bin: float of the shape (batch, sources, freq, frames) of magnitudes."""
    winner = magnitudes.argmax(dim=1, keepdim=True)
    return torch.zeros_like(magnitudes).scatter_(1, winner, 1.0)


def audible_bins(magnitude: torch.Tensor, range_db: float = AUDIBLE_DB) -> torch.Tensor:
    """1 for bins at most so far below the loudest of each example, else 0: float (batch, freq, frames).

    Silence has no audible bins.
    """
    loudest = magnitude.amax(dim=(-2, -1), keepdim=True)
    return ((magnitude > loudest * 10 ** (range_db / 20)) & (magnitude > 0)).to(magnitude.dtype)


def cluster_masks(
    embeddings: np.ndarray, audible: np.ndarray, sources: int, *, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Group the embeddings of a mixture by k-means, and give each group a binary mask.

    Parameters
    ----------
    embeddings : float (freq, frames, dimensions)
    audible : bool or float (freq, frames)
        Only these bins decide where the groups lie; every bin then goes to the nearest group.
    sources : int >= 1
        Number of groups. Where there are fewer audible bins than groups, the first group receives all.
    rng : numpy.random.Generator, optional
        Draws the seed of k-means. Default: a generator with seed 0.

    Returns
    -------
    bool (sources, freq, frames)
        Each bin belongs to one group. The order of the groups is arbitrary, but the same for the same rng.

    Lesson: notebooks/21_separate_and_transcribe.ipynb. Reference: Hershey et al., ICASSP 2016.
    """
    embeddings = checks.check_axes("embeddings", embeddings, "freq frames dimensions")
    sources = checks.check_number("sources", sources, at_least=1, whole=True)
    audible = np.asarray(audible, bool)
    if audible.shape != embeddings.shape[:2]:
        raise ShapeError(
            f"audible must be (freq, frames) as embeddings, {embeddings.shape[:2]}, got {audible.shape}; give one "
            "value for each bin"
        )
    labels = np.zeros(audible.shape, int)
    if audible.sum() >= sources:
        seed = int((rng or np.random.default_rng(0)).integers(2**31))
        means = KMeans(sources, n_init=4, random_state=seed).fit(embeddings[audible])
        labels = means.predict(embeddings.reshape(-1, embeddings.shape[-1])).reshape(audible.shape)
    masks: np.ndarray = labels == np.arange(sources)[:, np.newaxis, np.newaxis]
    return masks
