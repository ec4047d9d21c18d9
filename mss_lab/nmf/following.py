"""NMF whose templates follow the pitch: one set of harmonic weights a key, read at the frequency that sounds.

A template at one fixed frequency has to be wide to hold a vibrato, and a wide template takes from its neighbours. Here
a key has the same template at several places some cents apart, and a frame lies at one of them or between two. What is
learnt, the weights of the harmonics, is shared by all places. So following a pitch adds no freedom, and bells can be
narrow. Where each key lies in each frame is given (`pitch_tracks` finds it) and is not changed here.

Two more things keep templates honest. A bin may teach a key by as much as the model says that the bin is the key's own,
so that harmonics are learnt where nobody else plays. And a key leans on the near pitches of the same player, the more,
the less it is heard itself.

With one place, and neither of these two, this is plain NMF with the Kullback-Leibler divergence, whose updates never
raise it. That holds with any number of places, too, since the places of a frame are constants. It does not hold for
updates that are weighted by a key's own share or lean on near pitches: they are no descent, and are stopped after few
rounds.

Symbols: V[f, n] magnitude, W[c, k, f] template of key k at place c, H[k, n] activation, C[c, k, n] how near to place c
key k is in frame n, Y = sum over c and k of W C H model, a[k, h] weight of harmonic h.

Contents: PLACES_CENTS, nearness, kinship, fit, activations, models, blocks. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.ndimage
import scipy.sparse

from .. import updates
from . import shapes as harmonic

PLACES_CENTS = (-50.0, -25.0, 0.0, 25.0, 50.0)
# How far apart two pitches of a player are whose spectra are much alike.
KIN_SEMITONES = 1.5
# How much a key leans on near pitches, in parts of what is heard of them.
LEANING = 1.0

# Relative to the peak of V, which is 1 inside the fit: far below anything heard, far above underflow.
TINY = 1e-10
# What is added to the model where bins teach by share, whose square must still be a number. Softer bins teach nothing.
LEAST_BY_SHARE = 1e-7
# The model is made for about this many bins at a time, so that no second array of the spectrogram's size is needed.
BLOCK_BINS = 1 << 19


def nearness(tracks_cents: np.ndarray) -> np.ndarray:
    """Between which two places each key lies in each frame: C.

    Parameters
    ----------
    tracks_cents : float (keys, frames)
        Beyond the outermost places, the outermost count.

    Returns
    -------
    float32 (places, keys, frames)
        0 to 1; over the places they add up to 1.
    """
    places = np.array(PLACES_CENTS, np.float32)
    within = np.clip(tracks_cents, places[0], places[-1]).astype(np.float32)
    return np.maximum(1 - np.abs(within - places[:, np.newaxis, np.newaxis]) / (places[1] - places[0]), 0)


def kinship(keys: tuple[tuple[str, float], ...], unpitched: frozenset[str] = frozenset()) -> np.ndarray:
    """How much each key learns from each other one: a bell over their interval.

    Parameters
    ----------
    keys : sequence of (source, midi)
    unpitched : set of str
        Sources whose keys are drums, none of which is like another.

    Returns
    -------
    float32 (keys, keys)
        1 for a key itself, 0 between players and between drums.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Source: ours.
    """
    pitches = np.array([midi for _, midi in keys], float)
    players = np.array([source for source, _ in keys])
    kin = np.exp(-0.5 * ((pitches[:, np.newaxis] - pitches) / KIN_SEMITONES) ** 2)
    kin *= players[:, np.newaxis] == players
    drums = np.isin(players, list(unpitched))
    return np.where(drums | drums[:, np.newaxis], np.eye(len(keys)), kin).astype(np.float32)


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
    kin: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn templates and activations under the constraints of a score, along given pitches.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
        V.
    allowed : bool, or 0 and 1 (keys, frames)
        Where each key may sound.
    shapes : sparse float32 (keys * harmonics, places * keys * freq)
        As of `mss_lab.nmf.shapes.of_keys`, at `PLACES_CENTS` or at one place.
    tracks_cents : float (keys, frames), optional
        Where each key lies in each frame, from its middle place; not needed for one place.
    iterations : int >= 1
    free_iterations : int in [0, iterations]
        How many of them, the last, let every bin of a template move by itself.
    smoothing_frames : float >= 0
        Standard deviation of the bell by which activations are smoothed in every round but the last.
    by_share : bool
        Whether a bin teaches a key by as much as it is the key's own. If not, these are the updates of plain NMF.
    kin : float32 (keys, keys), optional
        On which other keys a key leans, as of `kinship`.

    Returns
    -------
    templates : float32 (places, keys, freq)
        The largest of a key's places adds up to 1, and all are zero wherever their shapes are.
    activations : float32 (keys, frames)
        Zero where not allowed.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Source: Ewert and Müller, ICASSP 2012 (constraints by a score); Lee and
    Seung, NIPS 2000 (updates); Raczyński et al., ISMIR 2007 (harmonic templates). Places, shares, leaning, smoothing
    and the change from harmonics to bins are ours.
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
        heard, due = _evidence(magnitude, level, W, H, tracks_cents, by_share)
        if iteration < iterations - free_iterations:
            of_weights = weights * harmonic.collected(heard, shapes), harmonic.collected(due, shapes)
            weights = _quotient(*_leaning(*of_weights, kin), weights)
            W = harmonic.templates(weights, shapes, freq)
        else:
            W = _quotient(W * heard, due, W)
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
    """Activations of templates that are known.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
    templates : float32 (places, keys, freq)
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
    templates : float32 (places, keys, freq)
    activations : float32 (keys, frames)
    tracks_cents : float (keys, frames), or None
    owners : int (keys,)
        Number of the source, from 0, that each key belongs to.
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
    """Some frames of a model: what sounds in them.

    Attributes
    ----------
    frames : slice
    rows : int (rows,)
        Which templates sound, counted through as place * keys + key.
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
    """A model some frames at a time, with the templates alone that sound in them.

    Of a long score only a few keys sound at any time, and their pitches stay near a few places. So little is computed,
    and memory does not grow with the recording.

    Parameters
    ----------
    templates : float32 (places, keys, freq)
    activations : float32 (keys, frames)
    tracks_cents : float (keys, frames), optional
    least : float > 0
        Added to the model everywhere, so that one may divide by it.

    Yields
    ------
    block : Block
    model : float32 (frames, freq)
        Frames first, as the STFT has them in memory.
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
    gained, due = np.zeros_like(H), np.zeros_like(H)
    totals = W.sum(axis=2).ravel()
    for block, ratio in blocks(W, H, tracks_cents, least=updates.least_model(1, np.float32)):
        np.divide(_block_of(magnitude, level, block.frames), ratio, out=ratio)
        # Both carry a factor H too much, which the quotient loses again.
        gained[:, block.frames] = _over_places(block.spread * (block.templates @ ratio.T), block.rows, len(W), len(H))
        due[:, block.frames] = _over_places(block.spread * totals[block.rows, np.newaxis], block.rows, len(W), len(H))
    H = gained * H / np.maximum(due, TINY)
    if smoothing_frames > 0:
        H = scipy.ndimage.gaussian_filter1d(H, smoothing_frames, axis=1) * allowed
    return H


def _over_places(values: np.ndarray, rows: np.ndarray, places: int, keys: int) -> np.ndarray:
    """Values of some templates (rows, frames), added up over the places of each key: (keys, frames)."""
    out = np.zeros((places * keys, values.shape[1]), np.float32)
    out[rows] = values
    return out.reshape(places, keys, -1).sum(axis=0)


def _evidence(
    magnitude: np.ndarray,
    level: np.float32,
    W: np.ndarray,
    H: np.ndarray,
    tracks_cents: np.ndarray | None,
    by_share: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """What the bins of each template collect, and what they would if the model were right; both (places, keys, freq).

    The quotient of the two is the factor of an update. Weighted by share, a bin in a frame counts by W C H / Y.
    """
    places, keys, freq = W.shape
    heard, due = np.zeros((2, places * keys, freq), np.float32)
    least = LEAST_BY_SHARE if by_share else updates.least_model(1, np.float32)
    for block, model in blocks(W, H, tracks_cents, least=least):
        V = _block_of(magnitude, level, block.frames)
        if not by_share:
            heard[block.rows] += block.spread @ np.divide(V, model, out=model)
            due[block.rows] += block.spread.sum(axis=1, keepdims=True)
            continue
        inverse = np.reciprocal(model, out=model)
        squares = block.spread**2
        due[block.rows] += squares @ inverse
        inverse *= inverse
        inverse *= V
        heard[block.rows] += squares @ inverse
    if by_share:
        flat = W.reshape(-1, freq)
        heard *= flat
        due *= flat
    return heard.reshape(W.shape), due.reshape(W.shape)


def _leaning(heard: np.ndarray, due: np.ndarray, kin: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The evidence for each weight (keys, harmonics), with a part of what near pitches found added to it."""
    if kin is None:
        return heard, due
    common = kin @ due
    belief = LEANING * common / kin.sum(axis=1, keepdims=True)
    return heard + belief * (kin @ heard) / np.maximum(common, TINY), due + belief


def _quotient(heard: np.ndarray, due: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """heard / due; where nothing is due, what was there before."""
    return np.divide(heard, due, out=otherwise.copy(), where=due > TINY)


def _normalised(W: np.ndarray, H: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same model with templates that add up to 1 at the place where each key has most.

    Not at the middle place: a key that sounds only off the middle may have nothing there in the end, and dividing by
    nothing, round after round, would leave the numbers that a float can hold.
    """
    scale = W.sum(axis=2).max(axis=0)[:, np.newaxis]
    divisor = np.maximum(scale, TINY)
    return W / divisor, H * scale, weights / divisor


def _level(magnitude: np.ndarray) -> np.float32:
    """The peak of V, by which it is divided block by block; 1 for silence."""
    return np.float32(magnitude.max(initial=0) or 1.0)


def _block_of(magnitude: np.ndarray, level: np.float32, frames: slice) -> np.ndarray:
    """Some frames of V with a peak of 1, float32 (frames, freq)."""
    return np.divide(magnitude[:, frames].T, level, order="C", dtype=np.float32)


def _flat(magnitude: np.ndarray, allowed: np.ndarray, level: np.float32) -> np.ndarray:
    """Activations to start from: equal wherever they are allowed."""
    total = magnitude.sum(dtype=np.float64) / float(level)
    return (allowed * (total / max(1, np.count_nonzero(allowed)))).astype(np.float32)
