"""PROJET: project a stereo mixture in several directions, and model all projections together.

A projection is a mono signal in which one pan position is silent: c_m = sin(psi_m) x_1 - cos(psi_m) x_2 is zero for a
source at the angle psi_m, and its gain grows with the distance of a source from there. The model of a source is its
magnitude in each bin (P_j) and its distribution over a grid of pan positions (Q_j, which adds up to 1):

    |c_m|^a = sum over j of P_j[f, n] sum over l of Q_jl K_lm,     K_lm = |sin(psi_m - theta_l)|^a.

Multiplicative updates fit P and Q. Each projection is then filtered by its model, and the estimates are the
least-squares solution for the filtered projections. Alternatively, P and Q give the powers and spatial covariances of a
multichannel Wiener filter, which can separate two sources in one bin, where projections only attenuate them.

With delays, a source may also be delayed in one channel: grid and projections then have pairs of pan and delay, and K
depends on the frequency.

The exponent a is 1 for the Kullback-Leibler divergence and for Cauchy, which compare magnitudes, and 2 for
Itakura-Saito, which compares powers.

Contents: Projet, fit, filtered, spatial_model, gains_near, projections; `projet_separation` separates recordings with
them. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from . import panning
from .entries import DIVERGENCES
from .projet_updates import (
    LEAST,
    blocks,
    divergence_of,
    exponent_of,
    gains_of,
    grouped,
    iterate,
    kernel,
    pooled_projections,
    shares,
    vectors_of,
)

DIRECTIONS = 10
PANS = 91
ITERATIONS = 100


# Initial width of a source on the grid.
START_RAD = 0.02


@dataclasses.dataclass(frozen=True)
class Projet:
    """The result of `fit`.

    Attributes
    ----------
    magnitudes : float32 (sources, freq, frames)
        P_j, to the power a: magnitudes for "kl" and "cauchy", powers for "is".
    gains : float32 (sources, positions)
        Q_j, each row adds up to 1. Positions are pans, or pairs of delay and pan; the pan varies faster.
    pans_rad : float64 (pans,)
        The grid, from 0 to pi/2.
    delays : tuple of float, samples
        Delays of a source in the right channel relative to the left.
    angles_rad : float64 (directions,)
        psi_m
    kind : {"kl", "is", "cauchy"}
    divergences : float64 (iterations + 1,) or (0,)
        Before the first update and after each iteration, if requested by `record`.

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
        result: np.ndarray = self.gains.reshape(len(self.gains), -1, len(self.pans_rad)).sum(axis=1) @ self.pans_rad
        return result


def projections(mixture_stft: np.ndarray, angles_rad: np.ndarray) -> np.ndarray:
    """Mono projections of a stereo transform, c_m = sin(psi_m) X_1 - cos(psi_m) X_2.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    angles_rad : float (directions,)
        psi_m: the position that is silent in each projection.

    Returns
    -------
    complex (directions, freq, frames)

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: FitzGerald, Liutkus and Badeau, ICASSP 2016.

    Examples
    --------
    >>> centre = np.ones((2, 1, 1), complex)
    >>> np.round(np.abs(projections(centre, np.radians([0, 45, 90]))).ravel(), 3)
    array([1., 0., 1.])
    """
    mixture_stft = panning.check_stereo_stft("mixture_stft", mixture_stft)
    angles_rad = checks.check_axes("angles_rad", angles_rad, "directions")
    vectors = vectors_of(angles_rad, (0.0,), mixture_stft.shape[1])[0].astype(mixture_stft.dtype)
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
    """Fit magnitudes and positions of sources to the projections of a mixture.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    gains : real >= 0 (sources, positions)
        Initial Q_j; zeros stay zeros. With several delays, all pans of the first delay come first.
    kind : {"kl", "is", "cauchy"}
        Divergence between projections and model. Only for "kl" is it proved that the updates do not increase it.
    directions : int >= 2
        Number of projections, with angles from 0 to pi/2, for each delay.
    delays : sequence of float, samples
        The grid of delays.
    iterations : int >= 0
        Each updates P, then Q.
    learn_gains : bool
        Whether Q is learnt; if not, bins are independent of each other.
    pool_frames : odd int >= 1
        Projections are averaged over this number of frames before the fit. 1 as in the paper.
    record : bool
        Whether to compute the divergence in each iteration, which takes as long as the updates.
    rng : numpy.random.Generator
        Generator of the initial magnitudes.

    Returns
    -------
    Projet

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the transform is not stereo, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: FitzGerald, Liutkus and Badeau, ICASSP 2016 and, with
    delays, IEEE TASLP 2016. Differences: Itakura-Saito compares powers, not magnitudes; averages over frames.

    Examples
    --------
    >>> left_then_right = np.eye(2, dtype=complex)[:, :, np.newaxis]  # one bin of each source
    >>> model = fit(left_then_right, gains_near([0, np.pi / 2]), iterations=20, rng=np.random.default_rng(0))
    >>> model.magnitudes[0, :, 0] > model.magnitudes[1, :, 0]
    array([ True, False])
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
    C, scale = pooled_projections(mixture_stft, vectors_of(angles, delays, freq), kind, pool_frames)
    K = kernel(angles, pans, delays, freq, kind)
    groups, sources = len(K), len(Q)
    P = np.abs(rng.standard_normal((groups, sources, freq * frames // groups), np.float32)) + np.float32(1)
    P /= np.float32(P.mean(dtype=np.float64) * sources * max(LEAST, float((Q @ K).mean())))
    divergences = []
    for _ in range(iterations):
        if record:
            divergences.append(divergence_of(C, P, Q @ K, kind))
        Q = iterate(C, P, Q, K, kind, learn_gains)
    if record:
        divergences.append(divergence_of(C, P, Q @ K, kind))
    magnitudes = P.transpose(1, 0, 2).reshape(sources, freq, frames) * np.float32(scale)
    return Projet(magnitudes, Q, pans, delays, angles, kind, np.array(divergences))


def filtered(mixture_stft: np.ndarray, model: Projet, exponent: float = 1.0) -> np.ndarray:
    """Filter the projections of a mixture by their models, and solve for stereo sources in the least-squares sense.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    model : Projet
        Fitted to this mixture.
    exponent : float > 0
        Exponent of the filter; with 1 each source gets its fraction of the model of a projection.

    Returns
    -------
    complex (sources, 2, freq, frames)
        The dtype is that of the mixture. They add up to the mixture; bins that are 0 in all models are shared equally.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: FitzGerald, Liutkus and Badeau, ICASSP 2016.
    Difference: an exponent can make the filter sharper.

    Examples
    --------
    >>> stft = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(complex)
    >>> model = fit(stft, gains_near([0, np.pi / 2]), iterations=5, rng=np.random.default_rng(0))
    >>> bool(np.allclose(filtered(stft, model).sum(axis=0), stft))
    True
    """
    mixture_stft = panning.check_stereo_stft("mixture_stft", mixture_stft)
    checks.check_number("exponent", exponent, above=0)
    sources, freq, frames = model.magnitudes.shape
    if mixture_stft.shape[1:] != (freq, frames):
        raise checks.ShapeError(
            f"mixture_stft {mixture_stft.shape} (2, freq, frames) does not fit the model of {freq} bins and {frames} "
            "frames; give the transform that it was fitted to"
        )
    vectors = vectors_of(model.angles_rad, model.delays, freq)
    back = np.linalg.pinv(vectors)
    # One 2 x 2 matrix for each projection, which projects the mixture and maps it back: (groups, 4, directions).
    project_and_restore = np.einsum("gam,gmb->gabm", back, vectors).reshape(len(vectors), 4, -1)
    if len(vectors) == 1:
        project_and_restore = project_and_restore.real.astype(np.float32)
    W = model.gains @ kernel(model.angles_rad, model.pans_rad, model.delays, freq, model.kind)
    x = grouped(mixture_stft, len(W))
    P = grouped(model.magnitudes, len(W))
    y = np.empty((sources, *x.shape), np.result_type(mixture_stft, np.complex64))
    for block in blocks(*P.shape[::2]):
        E = W[block[0], :, :, np.newaxis] * P[block][:, :, np.newaxis]
        masks = shares(E, exponent)
        for j in range(sources):
            A = (project_and_restore[block[0]] @ masks[:, j]).reshape(len(masks), 2, 2, -1)
            y[j][block] = A[:, :, 0] * x[block][:, :1] + A[:, :, 1] * x[block][:, 1:]
    return y.transpose(0, 2, 1, 3).reshape(sources, 2, freq, frames)


def spatial_model(model: Projet, exponent: float = 1.0, diffuse: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The model of PROJET as powers and spatial covariances for `wiener.filtered`.

    Parameters
    ----------
    model : Projet
    exponent : float > 0
        Fractions of the power in each bin are raised to it.
    diffuse : float in [0, 1]
        The fraction of the covariances that is equal in all directions.

    Returns
    -------
    powers : float32 (sources, freq, frames)
        Fractions of the power, sufficient for a filter; they add up to 1 only if the exponent is 1.
    covariances : complex128 (sources, freq, 2, 2)

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Fitzgerald, Liutkus and Badeau, IEEE TASLP 2016.
    Differences: exponent and diffuse fraction.
    """
    checks.check_number("exponent", exponent, above=0)
    checks.check_number("diffuse", diffuse, at_least=0, at_most=1)
    loudest = model.magnitudes.max(axis=0)
    powers = model.magnitudes / np.where(loudest > 0, loudest, 1)
    powers **= np.float32(2 / exponent_of(model.kind))
    powers /= np.maximum(powers.sum(axis=0), np.float32(LEAST))
    if exponent != 1:
        powers **= np.float32(exponent)
    freq = powers.shape[1]
    vectors = gains_of(model.pans_rad, model.delays, freq)
    covariances = np.einsum("jl,glc,gld->jgcd", model.gains, vectors, vectors.conj(), optimize=True)
    covariances = (1 - diffuse) * covariances + diffuse * np.eye(2) / 2
    return powers, np.broadcast_to(covariances, (len(powers), freq, 2, 2))


def gains_near(
    angles_rad: Sequence[float], *, pans: int = PANS, delays: int = 1, width_rad: float = START_RAD
) -> np.ndarray:
    """Initial gains: sources near given angles, at any of the delays.

    Parameters
    ----------
    angles_rad : sequence of float in [0, pi/2]
    pans : int >= 2
        Number of positions on the grid, from 0 to pi/2.
    delays : int >= 1
    width_rad : float > 0, radians
        Width of a source on the grid.

    Returns
    -------
    float32 (sources, delays * pans)
        Rows add up to 1.

    Lesson: notebooks/12_more_than_a_histogram.ipynb.

    Examples
    --------
    >>> np.round(gains_near(np.radians([45, 90]), pans=3), 3)
    array([[0., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    pans = checks.check_number("pans", pans, at_least=2, whole=True)
    delays = checks.check_number("delays", delays, at_least=1, whole=True)
    checks.check_number("width_rad", width_rad, above=0, unit="radians")
    angles = checks.check_axes("angles_rad", angles_rad, "sources")
    distance = np.abs(np.linspace(0, np.pi / 2, pans) - angles[:, np.newaxis])
    # Relative to the nearest position, so that no row is empty if the source is narrow.
    gains = np.exp(-0.5 * ((distance**2 - distance.min(axis=1, keepdims=True) ** 2) / width_rad**2))
    gains = np.tile(gains, delays)
    result: np.ndarray = (gains / gains.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def _checked_gains(gains: np.ndarray, delays: int) -> tuple[np.ndarray, np.ndarray]:
    gains = checks.check_magnitude("gains", gains, "sources positions").astype(np.float32)
    totals = gains.sum(axis=1, keepdims=True)
    if not len(gains) or not delays or gains.shape[1] % delays or gains.shape[1] < 2 * delays or not totals.all():
        raise RefusedValue(
            f"gains must have a row that is not all zeros for each source, and at least two pans for each of the "
            f"{delays} delays, got shape {gains.shape}; create them with mss_lab.spatial.projet.gains_near"
        )
    return gains / totals, np.linspace(0, np.pi / 2, gains.shape[1] // delays)
