"""PROJET: look at a stereo mixture from several directions, and explain all the looks together.

A projection turns stereo into mono so that one pan position falls silent: c_m = sin(psi_m) x_1 - cos(psi_m) x_2 is zero
for a source at the angle psi_m, and the farther a source lies from there, the louder it stays. Each source is modelled
by how loud it is in each bin (P_j) and by how it is spread over a grid of pan positions (Q_j, which adds up to 1):

    |c_m|^a = sum over j of P_j[f, n] sum over l of Q_jl K_lm,     K_lm = |sin(psi_m - theta_l)|^a.

Multiplicative updates fit P and Q. Each projection is then filtered by its model, and the estimates are those whose
projections are nearest to what comes out, in the least-squares sense. Or P and Q become the powers and spatial
covariances of a multichannel Wiener filter, which can undo a sum of two sources where projections only dim it.

With delays, a source may also be late in one channel: grid and projections then have pairs of pan and delay, and K
depends on the frequency.

The exponent a is 1 for the Kullback-Leibler divergence and for Cauchy, which compare magnitudes, and 2 for
Itakura-Saito, which compares powers.

Contents: Projet, fit, filtered, spatial_model, gains_near, projections, separate.
Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal

from .. import checks, memory, options, transforms
from ..chunks import CHUNK_S, FADE_S, chunks, excerpts
from ..refusals import RefusedType, RefusedValue
from ..silence import between_silences
from . import panning, wiener
from .entries import DIVERGENCES, PROJET

DIRECTIONS = 10
PANS = 91
ITERATIONS = 100

# Sources hold their pitch longer than a frame, while their phases turn: averaged over so long, they interfere less.
POOL_S = 0.25

# Of the filter that shares each bin. Above 1 it leans towards the loudest, as only few sources share most bins.
EXPONENT = 1.5
# The part of each source's power that the Wiener filter expects from everywhere, as from a room.
DIFFUSE = 0.001

# How far a source is spread over the grid at the start, and how little each other position has.
START_RAD = 0.02

# Learnt from so much of a recording, in excerpts of 5 s if it is longer.
LEARN_S = 30.0
EXCERPT_S = 5.0

# Updates work through blocks of so many bins: they stay in the processor's cache, and their products are too small for
# the linear algebra library to share out among threads, which would take longer than the products do.
BLOCK_BINS = 1 << 11

# Memory for each bin: the transform and its copies; of each projection; of each source, its model, powers and estimate.
STFT_BYTES = 40
LOOK_BYTES = 4
SOURCE_BYTES = 32
# For each entry of the kernels, which say how loud a position is in a projection.
KERNEL_BYTES = 24

# Projections and models are raised to this part of the mean projection, so that quotients stay finite in float32.
LEAST = 1e-9


@dataclasses.dataclass(frozen=True)
class Projet:
    """What `fit` found.

    Attributes
    ----------
    magnitudes : float32 (sources, freq, frames)
        P_j, to the power a: magnitudes for "kl" and "cauchy", powers for "is".
    gains : float32 (sources, positions)
        Q_j, each row adds up to 1. Positions are pans, or pairs of delay and pan, pans running faster.
    pans_rad : float64 (pans,)
        The grid, from 0 to pi/2.
    delays : tuple of float, samples
        How much later than in the left channel a source is in the right one.
    angles_rad : float64 (directions,)
        psi_m
    kind : {"kl", "is", "cauchy"}
    divergences : float64 (iterations + 1,) or (0,)
        Before the first update and after each iteration, if they were asked for.

    Lesson: notebooks/12_more_than_a_histogram.ipynb
    """

    magnitudes: np.ndarray
    gains: np.ndarray
    pans_rad: np.ndarray
    delays: tuple[float, ...]
    angles_rad: np.ndarray
    kind: str
    divergences: np.ndarray

    @property
    def centroids_rad(self) -> np.ndarray:
        """Mean pan of each source, weighted by its gains, float64 (sources,)."""
        return self.gains.reshape(len(self.gains), -1, len(self.pans_rad)).sum(axis=1) @ self.pans_rad


def projections(mixture_stft: np.ndarray, angles_rad: np.ndarray) -> np.ndarray:
    """Mono looks at a stereo transform, c_m = sin(psi_m) X_1 - cos(psi_m) X_2.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    angles_rad : float (directions,)
        psi_m: where each look is deaf.

    Returns
    -------
    complex (directions, freq, frames)

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: FitzGerald, Liutkus and Badeau, ICASSP 2016.
    """
    mixture_stft = panning.check_stereo_stft("mixture_stft", mixture_stft)
    angles_rad = checks.check_axes("angles_rad", angles_rad, "directions")
    vectors = _vectors(angles_rad, (0.0,), mixture_stft.shape[1])[0].astype(mixture_stft.dtype)
    return np.tensordot(vectors, mixture_stft, axes=1)


def fit(
    mixture_stft: np.ndarray,
    gains: np.ndarray,
    *,
    kind: str = "kl",
    directions: int = DIRECTIONS,
    delays: Sequence[float] = (0.0,),
    iterations: int = ITERATIONS,
    learn_gains: bool = True,
    pool_frames: int = 1,
    record: bool = False,
    rng: np.random.Generator,
) -> Projet:
    """Fit loudness and positions of sources to the projections of a mixture.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    gains : real >= 0 (sources, positions)
        Q_j to start from; zeros stay zeros. With several delays, all pans of the first delay come first.
    kind : {"kl", "is", "cauchy"}
        Divergence between projections and model. Only for "kl" theory promises that it never rises.
    directions : int >= 2
        How many projections, their angles from 0 to pi/2; each is taken at each delay.
    delays : sequence of float, samples
        The grid of delays.
    iterations : int >= 0
        Each updates P, then Q.
    learn_gains : bool
        Whether Q is learnt; if not, each bin is a problem of its own.
    pool_frames : odd int >= 1
        Projections are averaged over so many frames before they are explained. 1 is the paper.
    record : bool
        Whether to compute the divergence in each iteration, which takes as long as the updates.
    rng : numpy.random.Generator
        Draws the magnitudes to start from.

    Returns
    -------
    Projet

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the transform is not stereo, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: FitzGerald, Liutkus and Badeau, ICASSP 2016 and, with
    delays, IEEE TASLP 2016. Differs: Itakura-Saito compares powers, not magnitudes; averaging over frames is ours.
    """
    mixture_stft = panning.check_stereo_stft("mixture_stft", mixture_stft)
    checks.check_finite("mixture_stft", mixture_stft)
    checks.check_choice("kind", kind, DIVERGENCES)
    checks.check_generator("rng", rng)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    Q, pans = _checked_gains(gains, len(delays))
    pool_frames = checks.check_number("pool_frames", pool_frames, at_least=1, whole=True)
    angles = np.linspace(0, np.pi / 2, checks.check_number("directions", directions, at_least=2, whole=True))
    delays = tuple(float(checks.check_number("delays", delay, unit="samples")) for delay in delays)

    _, freq, frames = mixture_stft.shape
    C, scale = _looks(mixture_stft, _vectors(angles, delays, freq), kind, pool_frames)
    K = _kernel(angles, pans, delays, freq, kind)
    groups, sources = len(K), len(Q)
    P = np.abs(rng.standard_normal((groups, sources, freq * frames // groups), np.float32)) + np.float32(1)
    P /= np.float32(P.mean(dtype=np.float64) * sources * max(LEAST, float((Q @ K).mean())))
    divergences = []
    for _ in range(iterations):
        if record:
            divergences.append(_divergence(C, P, Q @ K, kind))
        Q = _iterate(C, P, Q, K, kind, learn_gains)
    if record:
        divergences.append(_divergence(C, P, Q @ K, kind))
    magnitudes = P.transpose(1, 0, 2).reshape(sources, freq, frames) * np.float32(scale)
    return Projet(magnitudes, Q, pans, delays, angles, kind, np.array(divergences))


def filtered(mixture_stft: np.ndarray, model: Projet, exponent: float = 1.0) -> np.ndarray:
    """Filter the projections of a mixture by their models, and find the stereo sources that fit what comes out best.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    model : Projet
        Fitted to it.
    exponent : float > 0
        Of the filter; with 1 each source gets the part of a projection that it has in the model.

    Returns
    -------
    complex (sources, 2, freq, frames)
        Of the mixture's type. They add up to the mixture; bins that no model claims are shared equally.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: FitzGerald, Liutkus and Badeau, ICASSP 2016. Differs: an
    exponent may sharpen the filter.
    """
    mixture_stft = panning.check_stereo_stft("mixture_stft", mixture_stft)
    checks.check_number("exponent", exponent, above=0)
    sources, freq, frames = model.magnitudes.shape
    if mixture_stft.shape[1:] != (freq, frames):
        raise checks.ShapeError(
            f"mixture_stft {mixture_stft.shape} (2, freq, frames) does not fit the model of {freq} bins and {frames} "
            "frames; give the transform that it was fitted to"
        )
    vectors = _vectors(model.angles_rad, model.delays, freq)
    back = np.linalg.pinv(vectors)
    # One 2 x 2 matrix for each projection, which takes the mixture to it and back again: (groups, 4, directions).
    there_and_back = np.einsum("gam,gmb->gabm", back, vectors).reshape(len(vectors), 4, -1)
    if len(vectors) == 1:
        there_and_back = there_and_back.real.astype(np.float32)
    W = model.gains @ _kernel(model.angles_rad, model.pans_rad, model.delays, freq, model.kind)
    x = _grouped(mixture_stft, len(W))
    P = _grouped(model.magnitudes, len(W))
    y = np.empty((sources, *x.shape), np.result_type(mixture_stft, np.complex64))
    for block in _blocks(*P.shape[::2]):
        E = W[block[0], :, :, np.newaxis] * P[block][:, :, np.newaxis]
        masks = _shares(E, exponent)
        for j in range(sources):
            A = (there_and_back[block[0]] @ masks[:, j]).reshape(len(masks), 2, 2, -1)
            y[j][block] = A[:, :, 0] * x[block][:, :1] + A[:, :, 1] * x[block][:, 1:]
    return y.transpose(0, 2, 1, 3).reshape(sources, 2, freq, frames)


def spatial_model(model: Projet, exponent: float = 1.0, diffuse: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """What PROJET found, as powers and spatial covariances for `wiener.filtered`.

    Parameters
    ----------
    model : Projet
    exponent : float > 0
        Shares of power in each bin are raised to it.
    diffuse : float in [0, 1]
        The part of the covariances that is the same in all directions.

    Returns
    -------
    powers : float32 (sources, freq, frames)
        Shares, which a filter needs no more than; they add up to 1 only if the exponent is 1.
    covariances : complex128 (sources, freq, 2, 2)

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Fitzgerald, Liutkus and Badeau, IEEE TASLP 2016, who name
    the model; exponent and diffuse part are ours.
    """
    checks.check_number("exponent", exponent, above=0)
    checks.check_number("diffuse", diffuse, at_least=0, at_most=1)
    loudest = model.magnitudes.max(axis=0)
    powers = model.magnitudes / np.where(loudest > 0, loudest, 1)
    powers **= np.float32(2 / _exponent(model.kind))
    powers /= np.maximum(powers.sum(axis=0), np.float32(LEAST))
    if exponent != 1:
        powers **= np.float32(exponent)
    freq = powers.shape[1]
    vectors = _gains_of(model.pans_rad, model.delays, freq)
    covariances = np.einsum("jl,glc,gld->jgcd", model.gains, vectors, vectors.conj(), optimize=True)
    covariances = (1 - diffuse) * covariances + diffuse * np.eye(2) / 2
    return powers, np.broadcast_to(covariances, (len(powers), freq, 2, 2))


def gains_near(
    angles_rad: Sequence[float], *, pans: int = PANS, delays: int = 1, width_rad: float = START_RAD
) -> np.ndarray:
    """Gains to start from: sources near given angles, at any of the delays.

    Parameters
    ----------
    angles_rad : sequence of float in [0, pi/2]
    pans : int >= 2
        Of the grid, from 0 to pi/2.
    delays : int >= 1
    width_rad : float > 0, radians
        How far a source is spread.

    Returns
    -------
    float32 (sources, delays * pans)
        Rows add up to 1.

    Lesson: notebooks/12_more_than_a_histogram.ipynb.
    """
    pans = checks.check_number("pans", pans, at_least=2, whole=True)
    delays = checks.check_number("delays", delays, at_least=1, whole=True)
    checks.check_number("width_rad", width_rad, above=0, unit="radians")
    angles = checks.check_axes("angles_rad", angles_rad, "sources")
    away = np.abs(np.linspace(0, np.pi / 2, pans) - angles[:, np.newaxis])
    # Measured from the nearest position, so that something is there, however narrow the source is.
    gains = np.exp(-0.5 * ((away**2 - away.min(axis=1, keepdims=True) ** 2) / width_rad**2))
    gains = np.tile(gains, delays)
    return (gains / gains.sum(axis=1, keepdims=True)).astype(np.float32)


def _working_bytes(
    recording: memory.Recording,
    *,
    pans_rad: Mapping[str, float] | None,
    count: int | None,
    directions: int,
    pans: int,
    delays_s: Sequence[float],
    window_s: float,
    **_: Any,
) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    sources = panning.likely_count(pans_rad, count)
    late = len(delays_s) if isinstance(delays_s, Sequence) else 1
    looks = late * memory.amount(directions, DIRECTIONS)
    # With delays, every frequency has a kernel of its own.
    kernels = (settings["window_samples"] // 2 + 1 if late > 1 else 1) * late * memory.amount(pans, PANS) * looks
    bins = recording.bins(max(CHUNK_S + FADE_S, LEARN_S), settings)
    each = STFT_BYTES + LOOK_BYTES * looks + SOURCE_BYTES * sources
    return recording.float32_bytes + each * bins + KERNEL_BYTES * kernels


@options.within(PROJET.options)
@memory.limited("projet", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    pans_rad: Mapping[str, float] | None = None,
    count: int | None = None,
    kind: str = "kl",
    directions: int = DIRECTIONS,
    pans: int = PANS,
    delays_s: Sequence[float] = (0.0,),
    iterations: int = ITERATIONS,
    pool_s: float = POOL_S,
    resynthesis: str = "wiener",
    exponent: float = EXPONENT,
    diffuse: float = DIFFUSE,
    window_s: float = panning.WINDOW_S,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Separate a stereo mixture by where its sources are, explaining projections on all sides at once.

    The spread of each source over the pan positions is learnt from 30 s in all; the rest of a long recording is worked
    through in chunks with what was learnt.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    pans_rad : mapping of source name -> angle in [0, pi/2], optional
        Where sources are at the start. Default: at the peaks of the panning histogram, which name them.
    count : int >= 1, optional
        How many peaks to take.
    kind, directions, iterations
        Of `fit`.
    pans : int >= 2
        Positions on the grid.
    delays_s : sequence of float, seconds
        How much later than on the left a source may be on the right.
    pool_s : float >= 0, seconds
        Over how long projections are averaged before they are explained; 0 is the paper.
    resynthesis : {"wiener", "projections"}
        The multichannel Wiener filter, or the paper's: projections are filtered, and the nearest sources found.
    exponent : float > 0
        Of either filter; 1 is the paper.
    diffuse : float in [0, 1]
        Of `spatial_model`: which part of each source comes from everywhere. In rooms, 0.03 or so is better.
    window_s : float > 0, seconds
        Of the STFT's window, at every sample rate.
    rng : numpy.random.Generator, optional
        Draws what the fit starts from. Default: a new one with seed 0.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: FitzGerald, Liutkus and Badeau, ICASSP 2016.
    Differs: averages over a quarter of a second, and filters by the multichannel Wiener filter; see the options.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    rng = np.random.default_rng(0) if rng is None else rng
    settings = transforms.settings_for(sample_rate_hz, window_s)
    sources = panning.named(pans_rad, count, mixture, sample_rate_hz, window_s=window_s)
    pool = 1 + 2 * round(pool_s * sample_rate_hz / settings["hop_samples"] / 2)
    delays = tuple(one * sample_rate_hz for one in _checked_delays_s(delays_s))
    model_of = functools.partial(
        fit, kind=kind, directions=directions, delays=delays, iterations=iterations, pool_frames=pool, rng=rng
    )

    samples = mixture.shape[1]
    parts = excerpts(samples, sample_rate_hz, LEARN_S, EXCERPT_S)
    heard = np.concatenate([transforms.stft(mixture[:, a:b], **settings) for a, b in parts], axis=2)
    gains = gains_near(list(sources.values()), pans=pans, delays=max(1, len(delays)))
    learnt = model_of(heard, gains)
    del heard

    estimates = memory.zeros_for(sources, mixture.shape)
    for start, stop, ramp in chunks(samples, sample_rate_hz):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        whole = len(parts) == 1 and stop - start == samples
        model = learnt if whole else model_of(stft, learnt.gains, learn_gains=False)
        if resynthesis == "wiener":
            found = wiener.filtered(stft, *spatial_model(model, exponent, diffuse))
        else:
            found = filtered(stft, model, exponent)
        for estimate, one in zip(estimates.values(), found, strict=True):
            estimate[:, start:stop] += ramp * transforms.istft(one, stop - start, **settings)
    return estimates


def _shares(models: np.ndarray, exponent: float) -> np.ndarray:
    """Masks (groups, sources, directions, bins) from models; where all are silent, equal shares."""
    loudest = models.max(axis=1, keepdims=True)
    heard = loudest > 0
    claims = np.where(heard, models / np.where(heard, loudest, 1), np.float32(1))
    if exponent != 1:
        claims **= np.float32(exponent)
    claims /= claims.sum(axis=1, keepdims=True)
    return claims


def _vectors(angles_rad: np.ndarray, delays: Sequence[float], freq: int) -> np.ndarray:
    """Projections as vectors, complex (groups, directions, 2): one group for all frequencies if there is no delay."""
    turns = _turns(delays, freq)
    left = np.broadcast_to(np.sin(angles_rad), (len(turns), len(delays), len(angles_rad)))
    right = -np.cos(angles_rad) * turns[:, :, np.newaxis]
    return np.stack([left, right], axis=-1).reshape(len(turns), -1, 2)


def _checked_delays_s(delays_s: Sequence[float]) -> tuple[float, ...]:
    if isinstance(delays_s, str) or not isinstance(delays_s, Sequence | np.ndarray) or len(delays_s) > 100:
        raise RefusedType(f"delays_s must be at most 100 numbers of seconds, got {delays_s!r}; in Python, pass (0.0,)")
    return tuple(
        float(checks.check_number("delays_s", one, at_least=-1, at_most=1, unit="seconds")) for one in delays_s
    )


def _kernel(angles_rad: np.ndarray, pans_rad: np.ndarray, delays: Sequence[float], freq: int, kind: str) -> np.ndarray:
    """K, float32 (groups, positions, directions): how loud a source at a position is in a projection."""
    vectors = _vectors(angles_rad, delays, freq)
    heard = np.abs(_gains_of(pans_rad, delays, freq) @ vectors.swapaxes(1, 2))
    return (heard ** _exponent(kind)).astype(np.float32)


def _gains_of(pans_rad: np.ndarray, delays: Sequence[float], freq: int) -> np.ndarray:
    """Left and right gain of a source at each position, complex (groups, positions, 2)."""
    late = np.conj(_turns(delays, freq))
    left = np.broadcast_to(np.cos(pans_rad), (len(late), len(delays), len(pans_rad)))
    right = np.sin(pans_rad) * late[:, :, np.newaxis]
    return np.stack([left, right], axis=-1).reshape(len(late), -1, 2)


def _turns(delays: Sequence[float], freq: int) -> np.ndarray:
    """What makes up for a delay at each frequency, exp(i omega delay), complex (groups, delays)."""
    if not np.any(delays):
        return np.ones((1, len(delays)), complex)
    return np.exp(1j * np.outer(np.pi * np.arange(freq) / max(1, freq - 1), delays))


def _exponent(kind: str) -> int:
    return 2 if kind == "is" else 1


def _looks(mixture_stft: np.ndarray, vectors: np.ndarray, kind: str, pool_frames: int) -> tuple[np.ndarray, float]:
    """|c_m|^a, float32 (groups, directions, bins) with a mean of 1, and its scale."""
    _, freq, frames = mixture_stft.shape
    groups, directions = vectors.shape[:2]
    level = float(np.abs(mixture_stft).max()) or 1.0
    x = _grouped((mixture_stft / level).astype(np.complex64), groups)
    vectors = vectors.real.astype(np.float32) if groups == 1 else vectors.astype(np.complex64)
    weights = scipy.signal.windows.hann(pool_frames + 2)[1:-1].astype(np.float32)
    C = np.empty((groups, directions, x.shape[-1]), np.float32)
    for m in range(directions):
        c = np.abs(vectors[:, m, :1] * x[:, 0] + vectors[:, m, 1:] * x[:, 1]) ** _exponent(kind)
        if pool_frames > 1:
            c = scipy.ndimage.convolve1d(c.reshape(freq, frames), weights / weights.sum(), axis=1, mode="reflect")
        C[:, m] = c.reshape(groups, -1)
    scale = float(C.mean(dtype=np.float64))
    if scale > 0:
        C /= np.float32(scale)
    np.maximum(C, np.float32(LEAST), out=C)
    return C, scale * level ** _exponent(kind)


def _grouped(stack: np.ndarray, groups: int) -> np.ndarray:
    """(any, freq, frames) as (groups, any, bins): all bins together, or each frequency by itself."""
    return stack.reshape(1, len(stack), -1) if groups == 1 else stack.swapaxes(0, 1)


def _blocks(groups: int, bins: int) -> Iterator[tuple[slice, slice, slice]]:
    """Parts of an array (groups, any, bins) that stay in the cache."""
    every = max(1, BLOCK_BINS // max(1, bins))
    for first in range(0, groups, every):
        for start in range(0, bins, BLOCK_BINS):
            yield slice(first, first + every), slice(None), slice(start, start + BLOCK_BINS)


def _pull(C: np.ndarray, P: np.ndarray, W: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The two parts of the gradient with respect to the model E of projections; None is all ones."""
    E = W.swapaxes(-1, -2) @ P
    E += np.float32(LEAST)
    if kind == "kl":
        return np.divide(C, E, out=E), None
    down = np.reciprocal(E)
    if kind == "is":
        up = C * down
        up *= down
        return up, down
    E *= 3
    square = np.square(C)
    square += np.square(E / 3)
    return down, np.divide(E, square, out=E)


def _iterate(C: np.ndarray, P: np.ndarray, Q: np.ndarray, K: np.ndarray, kind: str, learn_gains: bool) -> np.ndarray:
    """Update P in place, then Q, which comes back; rows of Q add up to 1."""
    W = Q @ K
    ups = downs = np.float32(0)
    for block in _blocks(*P.shape[::2]):
        w, c, p = W[block[0]], C[block], P[block]
        up, down = _pull(c, p, w, kind)
        p *= (w @ up) / (w.sum(axis=2, keepdims=True) if down is None else w @ down)
        np.maximum(p, np.float32(LEAST), out=p)
        if not learn_gains:
            continue
        up, down = _pull(c, p, w, kind)
        k = K[block[0]].swapaxes(1, 2)
        ups = ups + ((p @ up.swapaxes(1, 2)) @ k).sum(axis=0, dtype=np.float64)
        downs = downs + (
            (p.sum(axis=2, keepdims=True) * k.sum(axis=1, keepdims=True))
            if down is None
            else (p @ down.swapaxes(1, 2)) @ k
        ).sum(axis=0, dtype=np.float64)
    if not learn_gains:
        return Q
    Q = Q * (ups / np.maximum(downs, LEAST))
    totals = Q.sum(axis=1, keepdims=True)
    P *= totals.astype(np.float32)
    return (Q / totals).astype(np.float32)


def _divergence(C: np.ndarray, P: np.ndarray, W: np.ndarray, kind: str) -> float:
    total = 0.0
    for block in _blocks(*P.shape[::2]):
        c = C[block].astype(np.float64)
        E = W[block[0]].swapaxes(1, 2).astype(np.float64) @ P[block] + LEAST
        if kind == "kl":
            total += float(np.sum(c * np.log(c / E) - c + E))
        elif kind == "is":
            total += float(np.sum(c / E - np.log(c / E) - 1))
        else:
            # Minus the log-likelihood of an isotropic complex Cauchy variable, but for a constant.
            total += float(np.sum(1.5 * np.log(c * c + E * E) - np.log(E)))
    return total


def _checked_gains(gains: np.ndarray, delays: int) -> tuple[np.ndarray, np.ndarray]:
    gains = checks.check_magnitude("gains", gains, "sources positions").astype(np.float32)
    totals = gains.sum(axis=1, keepdims=True)
    if not len(gains) or not delays or gains.shape[1] % delays or gains.shape[1] < 2 * delays or not totals.all():
        raise RefusedValue(
            f"gains must have a row with something in it for each source, and at least two pans for each of the "
            f"{delays} delays, got shape {gains.shape}; start them with mss_lab.spatial.projet.gains_near"
        )
    return gains / totals, np.linspace(0, np.pi / 2, gains.shape[1] // delays)
