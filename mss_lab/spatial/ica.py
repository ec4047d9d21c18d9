"""Independent component analysis: two channels are rotated until their contents are independent of each other.

If two sources are mixed by gains alone, x = A s with a 2 x 2 matrix A, another matrix separates them: s = W x. The
sources are unknown, but they are independent, and a sum of independent signals is closer to a Gaussian than each of
them. So W is rotated until its outputs are as far from Gaussian as possible.

Once the channels are white (uncorrelated, of power 1), only one angle is unknown, and all of its values are tried:
methods that climb from one initial value, such as FastICA, may stop at the wrong angle. The distance of an output from
Gaussian is measured by its mean magnitude, which is 0.80 for a real Gaussian of power 1 and 0.89 for a complex one.
Both the samples and the bins of a short-time Fourier transform are used. Sums of notes are nearly Gaussian in their
samples, which alone often mislead; in the transform, notes fill few bins, and differ clearly.

W determines sources up to order, sign and scale. Their images, the contributions of each source to each channel, have
no such ambiguity: y_j = A[:, j] s_j. They are sorted from left to right.

Symbols: x mixture, z white mixture, phi angle of the rotation, W unmixing matrix, A its inverse.

Contents: whitening, magnitudes, unmixing, images, separate. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

from typing import Any

import numpy as np
import scipy.optimize

from .. import checks, memory, options, transforms
from ..chunks import excerpts
from ..refusals import RefusedValue, warn_caller
from . import panning
from .entries import ICA

WINDOW_S = 0.064

# The length of a recording that is used, in excerpts of 5 s if it is longer: a 2 x 2 matrix needs no more.
LEARN_S = 60.0
EXCERPT_S = 5.0

# If the fainter of two uncorrelated directions has no more than this fraction of the power, there is one source.
LEAST_SPREAD = 1e-10

# Memory for each sample that is used, in copies in double precision and the transform; and for each value with which
# angles are compared.
VALUE_BYTES = 20
ANGLE_BYTES = 50

# Number of angles that are tried in half a turn; the best is then refined between its neighbours.
ANGLES = 180
# Means over this many samples and bins are exact enough, and quick.
MOST_VALUES = 200_000

# Mean magnitudes of Gaussian values of power 1.
REAL_GAUSSIAN, COMPLEX_GAUSSIAN = np.sqrt(2 / np.pi), np.sqrt(np.pi) / 2
# The contrast of Gaussian sources varies by about 1 / values over the angles. If it varies by less than this many times
# as much, no angle is significant.
LEAST_CONTRAST = 5.0
# Independent sources are orthogonal in the white mixture; the cosine of the angle between two that are not is their
# correlation. Above this correlation a rotation cannot separate them by more than about 14 dB.
MOST_CORRELATION = 0.2
# Two directions that are nearer than this are not distinguished, and a minimum that is no deeper than this is ignored.
APART_RAD = np.pi / 9
LEAST_DIP = 0.02


def whitening(mixture: np.ndarray) -> np.ndarray:
    """The matrix that makes two channels uncorrelated, each with power 1.

    Parameters
    ----------
    mixture : float (2, samples)
        Its mean is ignored.

    Returns
    -------
    float64 (2, 2), or (1, 2)
        A single row if both channels contain the same signal, or nothing.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Hyvarinen and Oja, Neural Networks 2000.

    Examples
    --------
    >>> mixture = np.array([[1.0, 0.5], [0.5, 1.0]]) @ np.random.default_rng(0).laplace(size=(2, 1000))
    >>> bool(np.allclose(np.cov(whitening(mixture) @ mixture, bias=True), np.eye(2)))
    True
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float64)
    powers, directions = np.linalg.eigh(np.cov(mixture, bias=True))
    if powers[0] <= LEAST_SPREAD * powers[1]:
        return directions[:, 1:].T
    result: np.ndarray = (directions / np.sqrt(powers)).T
    return result


def magnitudes(white: np.ndarray, angles_rad: np.ndarray) -> np.ndarray:
    """Mean magnitude of the white mixture in each direction, divided by its root mean square.

    Parameters
    ----------
    white : real or complex (2, values)
        z: samples, or bins of a transform. Values that are 0 in both channels are left out, so that silence does not
        count as non-Gaussian.
    angles_rad : float (angles,)

    Returns
    -------
    float64 (angles,)
        E|y| / sqrt(E|y|^2), where y = cos(phi) z_1 + sin(phi) z_2; 0 for silence.

    Lesson: notebooks/12_more_than_a_histogram.ipynb

    Examples
    --------
    >>> white = np.array([[1.0, 0, -1, 0], [0, 1, 0, -1]])  # sources that never sound together
    >>> np.round(magnitudes(white, np.radians([0, 45])), 3)
    array([0.707, 1.   ])
    """
    first, second = white
    powers = np.abs(first) ** 2, np.abs(second) ** 2
    sounding = powers[0] + powers[1] > 0
    both = 2 * np.real(first * np.conj(second))[sounding]
    powers = powers[0][sounding], powers[1][sounding]
    means = np.zeros(len(angles_rad))
    for index, angle in enumerate(angles_rad):
        c, s = np.cos(angle), np.sin(angle)
        power = np.maximum(c * c * powers[0] + s * s * powers[1] + c * s * both, 0)
        if power.any():
            means[index] = np.mean(np.sqrt(power), dtype=np.float64) / np.sqrt(np.mean(power, dtype=np.float64))
    return means


def unmixing(mixture: np.ndarray, sample_rate_hz: int, *, window_s: float = WINDOW_S) -> np.ndarray:
    """The matrix W that makes the channels of W x as independent as a rotation of the white mixture can make them.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    window_s : float > 0, seconds
        Length of the window of the STFT in whose bins outputs are compared with Gaussians.

    Returns
    -------
    float64 (2, 2), or (1, 2)
        A single row if both channels contain the same signal, or nothing.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or an option is out of its range.

    Warns
    -----
    PanWarning
        If no angle differs significantly from the others, or if there are two clear directions that no rotation can
        separate: then the sources are correlated, or there are more than two.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Hyvarinen and Oja, Neural Networks 2000; Bofill and
    Zibulevsky, Signal Processing 2001 (sources are sparse in the transform). Difference: every angle is tried, and the
    distance from Gaussian is measured by the mean magnitude, in samples and in bins.

    Examples
    --------
    >>> sources = np.sin(2 * np.pi * np.array([[440.0], [1000.0]]) * np.arange(4000) / 8000)
    >>> mixture = np.array([[1.0, 0.5], [0.5, 1.0]]) @ sources
    >>> outputs = unmixing(mixture, 8000) @ mixture
    >>> np.round(np.abs(np.corrcoef(outputs, sources)[:2, 2:]).max(axis=1), 2)
    array([1., 1.])
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float64)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    window_samples = transforms.window_samples_for(sample_rate_hz, window_s)
    to_white = whitening(mixture)
    if len(to_white) == 1:
        return to_white
    samples = (to_white @ (mixture - mixture.mean(axis=1, keepdims=True))).astype(np.float32)
    settings = {"window_samples": window_samples, "hop_samples": window_samples // 2}
    stft = transforms.stft(samples, window="sine", **settings)
    bins = stft[..., :: max(1, stft[0].size // MOST_VALUES)].reshape(2, -1)
    samples = samples[:, :: max(1, samples.shape[1] // MOST_VALUES)]
    angle = _best_angle(samples, bins)
    result: np.ndarray = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) @ to_white
    return result


def _best_angle(samples: np.ndarray, bins: np.ndarray) -> float:
    """The rotation of the white mixture whose two outputs are furthest from Gaussian, in [0, pi/2)."""
    angles = np.arange(ANGLES) * np.pi / ANGLES
    in_bins = magnitudes(bins, angles)
    distance = (magnitudes(samples, angles) - REAL_GAUSSIAN) ** 2 + (in_bins - COMPLEX_GAUSSIAN) ** 2
    quarter = ANGLES // 2
    contrast = distance[:quarter] + distance[quarter:]
    top = angles[contrast.argmax()]
    if np.ptp(contrast) * min(samples.shape[1], bins.shape[1]) < LEAST_CONTRAST:
        _warn(
            "ICA finds no clear angle, as with Gaussian sources or very short recordings. Its estimates may be any "
            "mixtures; choose another method"
        )
    elif (correlation := _correlation(angles, in_bins)) > MOST_CORRELATION:
        _warn(
            f"ICA finds two directions with a correlation of {correlation:.1f}, which no rotation can separate: the "
            "sources play the same at the same time, or there are more than two. Its estimates are mixtures of them; "
            "choose another method"
        )

    def negative_contrast(angle: float) -> float:
        both = np.array([angle, angle + np.pi / 2])
        distance = (magnitudes(samples, both) - REAL_GAUSSIAN) ** 2 + (magnitudes(bins, both) - COMPLEX_GAUSSIAN) ** 2
        return -float(distance.sum())

    step = np.pi / ANGLES
    return float(scipy.optimize.minimize_scalar(negative_contrast, bounds=(top - step, top + step), method="bounded").x)


def _correlation(angles: np.ndarray, in_bins: np.ndarray) -> float:
    """Correlation of the two deepest minima of the mean magnitude; 0 if there is only one minimum."""
    dips = (in_bins < np.roll(in_bins, 1)) & (in_bins <= np.roll(in_bins, -1)) & (in_bins < in_bins.max() - LEAST_DIP)
    lowest = angles[dips][np.argsort(in_bins[dips])]
    for other in lowest[1:]:
        distance = abs(other - lowest[0])
        if APART_RAD < distance < np.pi - APART_RAD:
            return float(abs(np.cos(distance)))
    return 0.0


def _warn(text: str) -> None:
    warn_caller(text, panning.PanWarning)


def images(mixture: np.ndarray, unmixing: np.ndarray) -> np.ndarray:
    """The contribution of each source to each channel, y_j = A[:, j] (W x)_j, where A is the inverse of W.

    Parameters
    ----------
    mixture : float (2, samples)
    unmixing : float (1 or 2, 2)
        W.

    Returns
    -------
    float (sources, 2, samples)
        From left to right; of the mixture's type. They add up to the mixture, which a single source contains whole.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or W is not such a matrix.

    Lesson: notebooks/12_more_than_a_histogram.ipynb.

    Examples
    --------
    >>> images(np.array([[1.0, 2.0], [3.0, 4.0]]), np.eye(2)).tolist()  # a source in each channel
    [[[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [3.0, 4.0]]]
    """
    mixture = checks.check_stereo("mixture", mixture)
    W = checks.check_finite("unmixing", checks.check_axes("unmixing", unmixing, "sources channels"))
    if W.shape not in ((1, 2), (2, 2)) or np.linalg.matrix_rank(W) < len(W):
        raise RefusedValue(
            f"unmixing must be one or two independent rows of 2, got {W.tolist()}; make it with ica.unmixing"
        )
    if len(W) == 1:
        return mixture[np.newaxis].copy()
    A = np.linalg.inv(W)
    order = np.argsort(np.arctan2(np.abs(A[1]), np.abs(A[0])), kind="stable")
    result = np.empty((2, *mixture.shape), mixture.dtype)
    for image, j in zip(result, order, strict=True):
        np.matmul(np.outer(A[:, j], W[j]).astype(mixture.dtype), mixture, out=image)
    return result


def _working_bytes(recording: memory.Recording, **_: Any) -> float:
    learning = VALUE_BYTES * recording.channels * min(recording.samples, LEARN_S * recording.sample_rate_hz)
    return recording.float32_bytes + learning + ANGLE_BYTES * min(recording.samples, MOST_VALUES)


@options.within(ICA.options)
@memory.limited("ica", _working_bytes)
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    window_s: float = WINDOW_S,
) -> dict[str, np.ndarray]:
    """Separate two sources that are mixed by gains alone.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    window_s : float > 0, seconds
        Passed to `unmixing`, which uses at most 60 s.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        Two sources from left to right, named after their angles as in `panning.labels`; or one, if both channels
        contain the same signal. They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or an option is out of its range.

    Warns
    -----
    PanWarning
        As for `unmixing`.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Hyvarinen and Oja, Neural Networks 2000.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    ranges = excerpts(mixture.shape[1], sample_rate_hz, LEARN_S, EXCERPT_S)
    learnt_from = np.concatenate([mixture[:, start:stop] for start, stop in ranges], axis=1)
    estimates = images(mixture, unmixing(learnt_from, sample_rate_hz, window_s=window_s))
    # Summed in double precision, without a copy of the recording in it.
    left, right = (
        [np.einsum("n,n->", image[c], image[c], dtype=np.float64, casting="safe") ** 0.5 for image in estimates]
        for c in (0, 1)
    )
    names = panning.labels(np.arctan2(right, left))
    return dict(zip(names, estimates, strict=True))
