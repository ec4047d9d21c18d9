"""NMF whose templates follow the pitch: one set of harmonic weights for each key, at the frequency that sounds.

A template at one fixed frequency must be wide to contain a vibrato, and a wide template takes energy from its
neighbours. Here a key has the same template at several positions some cents apart, and a frame is at one of them or
between two. The weights of the harmonics, which are learnt, are shared by all positions. So following a pitch adds no
freedom, and bells can be narrow. The position of each key in each frame is given (`pitch_tracks` estimates it) and is
not changed here.

Two more rules keep templates close to their own sound. A bin contributes to a key in proportion to the key's share of
the bin in the model, so that harmonics are learnt where no other key sounds. And a key also learns from the near
pitches of the same player; the less it sounds itself, the more it learns from them.

With one position and neither of these rules, this is plain NMF with the Kullback-Leibler divergence, whose updates
never raise it. That also holds for any number of positions, since the positions of a frame are constants. It does not
hold for updates that are weighted by a key's own share or that pool near pitches: they do not descend, and are stopped
after few iterations.

Symbols: V[f, n] magnitude, W[c, k, f] template of key k at position c, H[k, n] activation, C[c, k, n] weight of
position c of key k in frame n, Y = sum over c and k of W C H model, a[k, h] weight of harmonic h.

Contents: POSITIONS_CENTS, nearness, pitch_similarity, fit, activations, models, blocks.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.ndimage
import scipy.sparse

from .. import updates
from . import shapes as harmonic

POSITIONS_CENTS = (-50.0, -25.0, 0.0, 25.0, 50.0)
# The standard deviation, in semitones, of the interval between pitches of a player whose spectra are similar.
SIMILAR_SEMITONES = 1.5
# The weight of near pitches in what a key learns, relative to the mean evidence of those pitches.
POOLING = 1.0

# Relative to the peak of V, which is 1 inside the fit: far below anything audible, far above underflow.
TINY = 1e-10
# Added to the model if bins are weighted by share: its square must not underflow. Softer bins teach nothing.
LEAST_BY_SHARE = 1e-7
# The model is computed for about this many bins at a time, so that no second array of the spectrogram's size is needed.
BLOCK_BINS = 1 << 19


def nearness(tracks_cents: np.ndarray) -> np.ndarray:
    """The weights of the two positions between which each key lies in each frame: C.

    Parameters
    ----------
    tracks_cents : float (keys, frames)
        Beyond the outermost positions, the outermost one counts.

    Returns
    -------
    float32 (positions, keys, frames)
        0 to 1; over the positions they add up to 1.
    """
    positions = np.array(POSITIONS_CENTS, np.float32)
    within = np.clip(tracks_cents, positions[0], positions[-1]).astype(np.float32)
    result: np.ndarray = np.maximum(
        1 - np.abs(within - positions[:, np.newaxis, np.newaxis]) / (positions[1] - positions[0]), 0
    )
    return result


def pitch_similarity(keys: tuple[tuple[str, float], ...], unpitched: frozenset[str] = frozenset()) -> np.ndarray:
    """How much each key learns from each other key: a Gaussian of their interval.

    Parameters
    ----------
    keys : sequence of (source, midi)
    unpitched : set of str
        Sources whose keys are drums, none of which is similar to another.

    Returns
    -------
    float32 (keys, keys)
        1 for a key itself, 0 between players and between drums.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: none, own method.

    Examples
    --------
    >>> np.round(pitch_similarity((("flute", 69), ("flute", 70), ("oboe", 69))), 2)
    array([[1. , 0.8, 0. ],
           [0.8, 1. , 0. ],
           [0. , 0. , 1. ]], dtype=float32)
    """
    pitches = np.array([midi for _, midi in keys], float)
    players = np.array([source for source, _ in keys])
    similarity = np.exp(-0.5 * ((pitches[:, np.newaxis] - pitches) / SIMILAR_SEMITONES) ** 2)
    similarity *= players[:, np.newaxis] == players
    drums = np.isin(players, list(unpitched))
    return np.where(drums | drums[:, np.newaxis], np.eye(len(keys)), similarity).astype(np.float32)


def fit(
    magnitude: np.ndarray,
    allowed: np.ndarray,
    shapes: scipy.sparse.csr_array,
    tracks_cents: np.ndarray | None = None,
    *,
    iterations: int,
    free_iterations: int = 0,
    smoothing_frames: float = 0.0,
    by_share: bool = True,
    similarity: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn templates and activations under the constraints of a score, along given pitches.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
        V.
    allowed : bool, or 0 and 1 (keys, frames)
        Where each key may sound.
    shapes : sparse float32 (keys * harmonics, positions * keys * freq)
        As returned by `mss_lab.nmf.shapes.of_keys`, at `POSITIONS_CENTS` or at one position.
    tracks_cents : float (keys, frames), optional
        Offset of each key from its middle position in each frame; not needed for one position.
    iterations : int >= 1
    free_iterations : int in [0, iterations]
        The number of last iterations in which every bin of a template is free.
    smoothing_frames : float >= 0
        Standard deviation of the Gaussian by which activations are smoothed in every iteration but the last.
    by_share : bool
        Whether a bin contributes to a key in proportion to the key's share of it. If not, these are the updates of
        plain NMF.
    similarity : float32 (keys, keys), optional
        How much each key learns from the others, as returned by `pitch_similarity`.

    Returns
    -------
    templates : float32 (positions, keys, freq)
        The largest of a key's positions adds up to 1, and all are zero wherever their shapes are.
    activations : float32 (keys, frames)

        Zero where they are not allowed.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012 (constraints by a score); Lee
    and Seung, NIPS 2000 (updates); Raczyński et al., ISMIR 2007 (harmonic templates). Positions, shares, pooling,
    smoothing and the change from harmonics to bins are our own.
    """
    keys, freq = len(allowed), len(magnitude)
    level = _level(magnitude)
    harmonics = shapes.shape[0] // max(keys, 1)
    weights = np.tile(1 / np.arange(1, harmonics + 1, dtype=np.float32), (keys, 1))
    H = _flat(magnitude, allowed, level)
    W, _, weights = _normalised(harmonic.templates(weights, shapes, freq), H, weights)
    for iteration in range(iterations):
        last = iteration == iterations - 1
        H = _updated(magnitude, level, W, H, tracks_cents, allowed, 0.0 if last else smoothing_frames)
        observed, expected = _update_terms(magnitude, level, W, H, tracks_cents, by_share)
        if iteration < iterations - free_iterations:
            weight_terms = weights * harmonic.collected(observed, shapes), harmonic.collected(expected, shapes)
            weights = _quotient(*_pooled(*weight_terms, similarity), weights)
            W = harmonic.templates(weights, shapes, freq)
        else:
            W = _quotient(W * observed, expected, W)
        W, H, weights = _normalised(W, H, weights)
    return W, H * level


def activations(
    magnitude: np.ndarray,
    templates: np.ndarray,
    allowed: np.ndarray,
    tracks_cents: np.ndarray | None = None,
    *,
    iterations: int,
    smoothing_frames: float = 0.0,
) -> np.ndarray:
    """Estimate the activations of known templates.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
    templates : float32 (positions, keys, freq)
    allowed : bool, or 0 and 1 (keys, frames)
    tracks_cents : float (keys, frames), optional
    iterations : int >= 1
    smoothing_frames : float >= 0

    Returns
    -------
    float32 (keys, frames)
    """
    level = _level(magnitude)
    H = _flat(magnitude, allowed, level)
    for iteration in range(iterations):
        last = iteration == iterations - 1
        H = _updated(magnitude, level, templates, H, tracks_cents, allowed, 0.0 if last else smoothing_frames)
    return H * level


def models(
    templates: np.ndarray,
    activations: np.ndarray,
    tracks_cents: np.ndarray | None,
    owners: np.ndarray,
    sources: int,
) -> np.ndarray:
    """The magnitude that the templates of each source describe.

    Parameters
    ----------
    templates : float32 (positions, keys, freq)
    activations : float32 (keys, frames)
    tracks_cents : float (keys, frames), or None
    owners : int (keys,)
        Index of the source, from 0, that each key belongs to.
    sources : int >= 1

    Returns
    -------
    float32 (sources, 1, freq, frames)
    """
    _, keys, freq = templates.shape
    out = np.zeros((sources, 1, activations.shape[1], freq), np.float32)
    for frames in _frame_blocks(freq, activations.shape[1]):
        block = _sounding(templates, activations, tracks_cents, frames)
        players = owners[block.rows % max(keys, 1)]
        for j in np.unique(players):
            out[j, 0, frames] = block.spread[players == j].T @ block.templates[players == j]
    return out.swapaxes(2, 3)


class Block(NamedTuple):
    """Some frames of a model, with the templates that sound in them.

    Attributes
    ----------
    frames : slice
    rows : int (rows,)
        Indices of the templates that sound: position * keys + key.
    templates : float32 (rows, freq)
    spread : float32 (rows, frames)
        Their activations, C H.
    """

    frames: slice
    rows: np.ndarray
    templates: np.ndarray
    spread: np.ndarray


def blocks(
    templates: np.ndarray, activations: np.ndarray, tracks_cents: np.ndarray | None = None, *, least: float
) -> Iterator[tuple[Block, np.ndarray]]:
    """A model, some frames at a time, computed only from the templates that sound in them.

    Only a few keys of a long score sound at any time, and their pitches stay near a few positions. This saves time, and
    memory does not grow with the recording.

    Parameters
    ----------
    templates : float32 (positions, keys, freq)
    activations : float32 (keys, frames)
    tracks_cents : float (keys, frames), optional
    least : float > 0
        Added to the model everywhere, so that it can be a divisor.

    Yields
    ------
    block : Block
    model : float32 (frames, freq)
        Frames first, as the STFT stores them.
    """
    for frames in _frame_blocks(templates.shape[2], activations.shape[1]):
        block = _sounding(templates, activations, tracks_cents, frames)
        model = block.spread.T @ block.templates
        model += np.float32(least)
        yield block, model


def _sounding(W: np.ndarray, H: np.ndarray, tracks_cents: np.ndarray | None, frames: slice) -> Block:
    spread = H[np.newaxis, :, frames]
    if len(W) > 1 and tracks_cents is not None:
        spread = nearness(tracks_cents[:, frames]) * spread
    spread = spread.reshape(-1, spread.shape[2])
    rows = np.flatnonzero(spread.any(axis=1))
    return Block(frames, rows, W.reshape(-1, W.shape[2])[rows], spread[rows])


def _frame_blocks(freq: int, frames: int) -> Iterator[slice]:
    size = max(1, BLOCK_BINS // freq)
    for start in range(0, frames, size):
        yield slice(start, min(start + size, frames))


def _updated(
    magnitude: np.ndarray,
    level: np.float32,
    W: np.ndarray,
    H: np.ndarray,
    tracks_cents: np.ndarray | None,
    allowed: np.ndarray,
    smoothing_frames: float,
) -> np.ndarray:
    """One update of the activations, and their smoothing."""
    observed, expected = np.zeros_like(H), np.zeros_like(H)
    totals = W.sum(axis=2).ravel()
    for block, ratio in blocks(W, H, tracks_cents, least=updates.least_model(1, np.float32)):
        np.divide(_block_of(magnitude, level, block.frames), ratio, out=ratio)
        # Both contain an extra factor H, which cancels in the quotient.
        observed[:, block.frames] = _sum_over_positions(
            block.spread * (block.templates @ ratio.T), block.rows, len(W), len(H)
        )
        expected[:, block.frames] = _sum_over_positions(
            block.spread * totals[block.rows, np.newaxis], block.rows, len(W), len(H)
        )
    H = observed * H / np.maximum(expected, TINY)
    if smoothing_frames > 0:
        H = scipy.ndimage.gaussian_filter1d(H, smoothing_frames, axis=1) * allowed
    return H


def _sum_over_positions(values: np.ndarray, rows: np.ndarray, positions: int, keys: int) -> np.ndarray:
    """Values of some templates (rows, frames), added up over the positions of each key: (keys, frames)."""
    out = np.zeros((positions * keys, values.shape[1]), np.float32)
    out[rows] = values
    result: np.ndarray = out.reshape(positions, keys, -1).sum(axis=0)
    return result


def _update_terms(
    magnitude: np.ndarray,
    level: np.float32,
    W: np.ndarray,
    H: np.ndarray,
    tracks_cents: np.ndarray | None,
    by_share: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over frames of the observed and of the modelled magnitude of each template's bins, (positions, keys, freq).

    The quotient of the two is the factor of an update. With weights by share, a bin in a frame has weight W C H / Y.
    """
    positions, keys, freq = W.shape
    observed, expected = np.zeros((2, positions * keys, freq), np.float32)
    least = LEAST_BY_SHARE if by_share else updates.least_model(1, np.float32)
    for block, model in blocks(W, H, tracks_cents, least=least):
        V = _block_of(magnitude, level, block.frames)
        if not by_share:
            observed[block.rows] += block.spread @ np.divide(V, model, out=model)
            expected[block.rows] += block.spread.sum(axis=1, keepdims=True)
            continue
        inverse = np.reciprocal(model, out=model)
        squares = block.spread**2
        expected[block.rows] += squares @ inverse
        inverse *= inverse
        inverse *= V
        observed[block.rows] += squares @ inverse
    if by_share:
        flat = W.reshape(-1, freq)
        observed *= flat
        expected *= flat
    return observed.reshape(W.shape), expected.reshape(W.shape)


def _pooled(observed: np.ndarray, expected: np.ndarray, similarity: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The terms for each weight (keys, harmonics), plus a fraction of those of similar keys."""
    if similarity is None:
        return observed, expected
    common = similarity @ expected
    prior = POOLING * common / similarity.sum(axis=1, keepdims=True)
    return observed + prior * (similarity @ observed) / np.maximum(common, TINY), expected + prior


def _quotient(observed: np.ndarray, expected: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """observed / expected; where nothing is expected, the value of `otherwise`."""
    result: np.ndarray = np.divide(observed, expected, out=otherwise.copy(), where=expected > TINY)
    return result


def _normalised(W: np.ndarray, H: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same model with templates that add up to 1 at the position where each key has most.

    Not at the middle position: a key that sounds only off the middle may end with zeros there, and repeated division by
    nearly 0 would overflow.
    """
    scale = W.sum(axis=2).max(axis=0)[:, np.newaxis]
    divisor = np.maximum(scale, TINY)
    return W / divisor, H * scale, weights / divisor


def _level(magnitude: np.ndarray) -> np.float32:
    """The peak of V, by which it is divided block by block; 1 for silence."""
    return np.float32(magnitude.max(initial=0) or 1.0)


def _block_of(magnitude: np.ndarray, level: np.float32, frames: slice) -> np.ndarray:
    """Some frames of V with a peak of 1, float32 (frames, freq)."""
    result: np.ndarray = np.divide(magnitude[:, frames].T, level, order="C", dtype=np.float32)
    return result


def _flat(magnitude: np.ndarray, allowed: np.ndarray, level: np.float32) -> np.ndarray:
    """Initial activations: equal wherever they are allowed."""
    total = magnitude.sum(dtype=np.float64) / float(level)
    result: np.ndarray = (allowed * (total / max(1, np.count_nonzero(allowed)))).astype(np.float32)
    return result
