"""Panning: the angle of each bin, the histogram of angles, its peaks, and the sound within a window of angles.

A source at angle phi is cos(phi) q on the left and sin(phi) q on the right: `mss_lab.signals.pan`. In a bin with only
this source, atan2(|X_right|, |X_left|) is phi. If several sources share a bin, the angle depends on their phases and
may have any value. Angles are in radians: 0 is left, pi/4 the centre, pi/2 right.

Symbols: X_1, X_2 STFT of the left and the right channel, phi angle.

Contents: angles_rad; histogram, histogram_of, blocks; peaks, labels, named; window_mask, keep; PanWarning.
Lesson: notebooks/11_where_is_it.ipynb
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import scipy.ndimage
import scipy.signal

from .. import checks, memory, transforms
from ..refusals import RefusedType, RefusedValue, warn_caller

LEFT_RAD, CENTRE_RAD, RIGHT_RAD = 0.0, np.pi / 4, np.pi / 2

BINS = 256
# The width of two bins: narrow enough to separate sources 5 degrees apart, wide enough to join the angles of one.
SMOOTH_RAD = 0.01
MIN_DISTANCE_RAD = 0.05
WINDOW_S = 4096 / 44_100

# A peak that rises less than this fraction of the highest above its surroundings is not a source. If the number of
# sources is given, fainter peaks count too, but not ripples.
LEAST_PROMINENCE = 0.05
RIPPLE = 0.005

# The length of a recording that is transformed at a time.
BLOCK_S = 20.0

# The assumed number of sources if none is given.
LIKELY_COUNT = 4


class PanWarning(UserWarning):
    """The estimated or given directions hardly fit the request or the mixture."""


def angles_rad(mixture_stft: np.ndarray) -> np.ndarray:
    """The apparent angle of each bin, atan2(|X_2|, |X_1|).

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)

    Returns
    -------
    float (freq, frames), in [0, pi/2]
        float32 from complex64. Silent bins have the angle of the centre.

    Raises
    ------
    ShapeError
        If there are not two channels.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Cano et al., IEEE Signal Processing Magazine 2019. Difference:
    the paper uses the ratio of the channels, which is infinite for a source on one side.

    Examples
    --------
    >>> np.degrees(angles_rad(np.array([[[1], [1], [0]], [[0], [1], [1]]], complex))).ravel()
    array([ 0., 45., 90.])
    """
    mixture_stft = check_stereo_stft("mixture_stft", mixture_stft)
    left, right = np.abs(mixture_stft[0]), np.abs(mixture_stft[1])
    angles: np.ndarray = np.arctan2(right, left)
    angles[(left == 0) & (right == 0)] = CENTRE_RAD
    return angles


def histogram(
    mixture_stft: np.ndarray, *, bins: int = BINS, smooth_rad: float = SMOOTH_RAD, angles: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The energy at each angle: a histogram of `angles_rad`, weighted by |X_1|^2 + |X_2|^2.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    bins : int >= 2
        Number of bins over [0, pi/2].
    smooth_rad : float >= 0, radians
        Standard deviation of the Gaussian that smooths it; 0 turns smoothing off. The histogram is mirrored at both
        ends, so that no energy is lost there.
    angles : float (freq, frames), optional
        Angles, if they are already known.

    Returns
    -------
    centres_rad, energy : float64 (bins,)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are not two channels, or a number is out of its range.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Cano et al. 2019.
    """
    mixture_stft = check_stereo_stft("mixture_stft", mixture_stft)
    bins = checks.check_number("bins", bins, at_least=2, whole=True)
    angles = angles_rad(mixture_stft) if angles is None else _checked_angles(angles, mixture_stft)
    return centres_of(bins), _smoothed(_counted(mixture_stft, angles, bins), smooth_rad)


def histogram_of(
    mixture: np.ndarray,
    sample_rate_hz: int,
    *,
    bins: int = BINS,
    smooth_rad: float = SMOOTH_RAD,
    window_s: float = WINDOW_S,
) -> tuple[np.ndarray, np.ndarray]:
    """The histogram of a whole recording, transformed in pieces, so that memory does not grow with its length.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    bins, smooth_rad
        As for `histogram`.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate.

    Returns
    -------
    centres_rad, energy : float64 (bins,)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a stereo waveform, or a number is out of its range.

    Lesson: notebooks/11_where_is_it.ipynb.
    """
    mixture = checks.check_stereo("mixture", mixture)
    bins = checks.check_number("bins", bins, at_least=2, whole=True)
    energy = np.zeros(bins)
    for stft in blocks(mixture, sample_rate_hz, transforms.settings_for(sample_rate_hz, window_s)):
        energy += _counted(stft, angles_rad(stft), bins)
    return centres_of(bins), _smoothed(energy, smooth_rad)


def blocks(mixture: np.ndarray, sample_rate_hz: int, settings: transforms.StftSettings) -> Iterator[np.ndarray]:
    """Transforms of one section after the other, for histograms: frames do not overlap from one section to the next."""
    block = round(BLOCK_S * sample_rate_hz)
    for start in range(0, mixture.shape[1], block):
        yield transforms.stft(mixture[:, start : start + block], **settings)


def centres_of(bins: int) -> np.ndarray:
    """Centres of this many equal bins over [0, pi/2], float64 (bins,)."""
    return (np.arange(bins) + 0.5) * (RIGHT_RAD / bins)


def peaks(
    centres_rad: np.ndarray,
    energy: np.ndarray,
    count: int | None = None,
    min_distance_rad: float = MIN_DISTANCE_RAD,
    least_prominence: float = LEAST_PROMINENCE,
) -> np.ndarray:
    """The angles at which a histogram has its peaks.

    Parameters
    ----------
    centres_rad, energy : float (bins,)
        As returned by `histogram`.
    count : int >= 1, optional
        The largest number of peaks; the most prominent ones are kept. Default: all that are prominent enough.
    min_distance_rad : float >= 0, radians
        Of two peaks nearer than this, the higher is kept.
    least_prominence : float in [0, 1]
        If no count is given: the smallest prominence of a peak, relative to the highest energy.

    Returns
    -------
    float64 (peaks,), in [0, pi/2], ascending
        Interpolated between bins by a parabola through the three highest. Empty if all is silent.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the histogram is not one, or a number is out of its range.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Cano et al. 2019.
    """
    centres_rad = checks.check_axes("centres_rad", centres_rad, "bins")
    energy = checks.check_magnitude("energy", energy, "bins")
    checks.check_same_shape("centres_rad", centres_rad, "energy", energy)
    if count is not None:
        count = checks.check_number("count", count, at_least=1, whole=True, hint="give the number of sources")
    checks.check_number("min_distance_rad", min_distance_rad, at_least=0, unit="radians")
    checks.check_number("least_prominence", least_prominence, at_least=0, at_most=1)
    if len(energy) < 2 or not energy.any():
        return np.zeros(0)
    width_rad = centres_rad[1] - centres_rad[0]
    # A peak may lie at either end, because zeros are added beyond the ends.
    heights = np.concatenate([[0], energy / energy.max(), [0]])
    indices, properties = scipy.signal.find_peaks(
        heights,
        distance=max(1, round(min_distance_rad / width_rad)),
        prominence=RIPPLE if count is not None else least_prominence,
    )
    if count is not None:
        indices = indices[np.argsort(-properties["prominences"], kind="stable")[:count]]
    # Beyond the ends the histogram is mirrored, so that a hard-panned source lies exactly at the end.
    mirrored = np.pad(energy, 1, mode="symmetric")
    before, top, after = mirrored[indices - 1], mirrored[indices], mirrored[indices + 1]
    curvature = before - 2 * top + after
    shift = np.divide(0.5 * (before - after), curvature, out=np.zeros(len(indices)), where=curvature < 0)
    return np.sort(np.clip(centres_rad[indices - 1] + np.clip(shift, -0.5, 0.5) * width_rad, LEFT_RAD, RIGHT_RAD))


def labels(angles: Iterable[float]) -> tuple[str, ...]:
    """A name for each angle: pan_20 for 20 degrees; a second one with that name is pan_20_2."""
    names: list[str] = []
    for angle in angles:
        plain = f"pan_{round(float(np.degrees(angle)))}"
        copies = sum(name == plain or name.startswith(f"{plain}_") for name in names)
        names.append(f"{plain}_{copies + 1}" if copies else plain)
    return tuple(names)


def named(
    pans_rad: Mapping[str, float] | None,
    count: int | None,
    mixture: np.ndarray,
    sample_rate_hz: int,
    *,
    window_s: float = WINDOW_S,
) -> dict[str, float]:
    """The directions of the sources: those that the caller names, otherwise the peaks of the histogram.

    Parameters
    ----------
    pans_rad : mapping of source name -> angle in [0, pi/2], optional
        Two sources may have the same angle, although few methods can separate them.
    count : int >= 1, optional
        The number of sources. With `pans_rad`, it must be their number.
    mixture : float (2, samples)
    sample_rate_hz : int
    window_s : float > 0, seconds
        Length of the window of the histogram's STFT.

    Returns
    -------
    dict of source name -> angle in radians
        For a silent mixture, only the centre.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If names or angles are not such, the numbers differ, or the mixture is not a stereo waveform.

    Warns
    -----
    PanWarning
        If there are fewer peaks than `count`; only those are returned.

    Lesson: notebooks/11_where_is_it.ipynb.
    """
    mixture = checks.check_stereo("mixture", mixture)
    if count is not None:
        count = checks.check_number("count", count, at_least=1, whole=True, hint="give the number of sources")
    if pans_rad is not None:
        pans = check_pans(pans_rad)
        if count is not None and count != len(pans):
            raise RefusedValue(
                f"count must be the number of angles in pans_rad, {len(pans)}, got {count}; give only one of the two"
            )
        return pans
    angles = peaks(*histogram_of(mixture, sample_rate_hz, window_s=window_s), count)
    if count is not None and len(angles) < count:
        warn_of_fewer(len(angles), count)
    if not len(angles):
        angles = np.array([CENTRE_RAD])
    return {name: float(angle) for name, angle in zip(labels(angles), angles, strict=True)}


def likely_count(pans_rad: object, count: object) -> float:
    """The number of sources that a method is likely to return: the requested one, or `LIKELY_COUNT`."""
    named = len(pans_rad) if isinstance(pans_rad, Mapping) else LIKELY_COUNT
    return memory.amount(count, named)


def check_pans(pans_rad: Mapping[str, float]) -> dict[str, float]:
    """Return names and angles as a dict of floats, or raise TypeError or ValueError."""
    if not isinstance(pans_rad, Mapping):
        raise RefusedType(
            f"pans_rad must map source names to angles in radians, got {type(pans_rad).__name__}; "
            "pass a dict, such as {'voice': 0.785}"
        )
    if not pans_rad:
        raise RefusedValue(
            "pans_rad must name at least one source, got an empty dict; leave it out to estimate directions"
        )
    for name in pans_rad:
        if not isinstance(name, str):
            raise RefusedType(f"pans_rad must have names (text) as keys, got {name!r}; name each source")
    hint = "0 is left, pi/4 the centre, pi/2 right; np.radians converts degrees to radians"
    return {
        name: float(
            checks.check_number(
                f"pans_rad[{name!r}]", angle, at_least=0, at_most=RIGHT_RAD + 1e-9, unit="radians", hint=hint
            )
        )
        for name, angle in pans_rad.items()
    }


def warn_of_fewer(peak_count: int, count: int) -> None:
    """Warn that there are fewer peaks than requested sources."""
    description = {0: "no peak", 1: "only 1 peak"}.get(peak_count, f"only {peak_count} peaks")
    warn_caller(
        f"{count} sources were requested, but the panning histogram has {description}: sources at one angle look like "
        "one. Give their angles as pans_rad, if you know them, or a smaller count",
        PanWarning,
    )


def window_mask(
    mixture_stft: np.ndarray, window_rad: tuple[float, float], *, angles: np.ndarray | None = None
) -> np.ndarray:
    """Select the bins within a window of angles.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    window_rad : (low, high), 0 <= low <= high <= pi/2
        The lower end belongs to the window, the upper does not, unless it is pi/2: adjacent windows share no bin.
    angles : float (freq, frames), optional
        Angles, if they are already known.

    Returns
    -------
    bool (freq, frames)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are not two channels, or the window is not one.

    Lesson: notebooks/11_where_is_it.ipynb.
    """
    mixture_stft = check_stereo_stft("mixture_stft", mixture_stft)
    low, high = _checked_window(window_rad)
    angles = angles_rad(mixture_stft) if angles is None else _checked_angles(angles, mixture_stft)
    # float32's pi/2 is slightly larger than pi/2, so the right end is not compared at all.
    return angles >= low if high >= RIGHT_RAD else (angles >= low) & (angles < high)


def keep(
    mixture: np.ndarray,
    mixture_stft: np.ndarray,
    window_rad: tuple[float, float],
    *,
    angles: np.ndarray | None = None,
    window_samples: int = 4096,
    hop_samples: int = 1024,
    window: str = "hann",
) -> tuple[np.ndarray, np.ndarray]:
    """The sound within a window of angles, and the rest: both are stereo, and together they are the mixture.

    Parameters
    ----------
    mixture : float (2, samples)
    mixture_stft : complex (2, freq, frames)
        Its transform, so that it need not be computed again for every position of a window.
    window_rad : (low, high), 0 <= low <= high <= pi/2
    angles : float (freq, frames), optional
        Angles, if they are already known.
    window_samples, hop_samples, window
        Settings of the transform.

    Returns
    -------
    inside, rest : float (2, samples)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are not two channels, the transform is not of this mixture, or the window is not one.

    Lesson: notebooks/11_where_is_it.ipynb.
    """
    mixture = checks.check_stereo("mixture", mixture)
    mask = window_mask(mixture_stft, window_rad, angles=angles)
    inside = transforms.istft(
        mixture_stft * mask,
        mixture.shape[1],
        window_samples=window_samples,
        hop_samples=hop_samples,
        window=window,
    )
    return inside, mixture - inside


def check_stereo_stft(name: str, mixture_stft: np.ndarray) -> np.ndarray:
    """Return a transform of two channels, or raise ShapeError or TypeError."""
    mixture_stft = checks.check_axes(name, mixture_stft, "channels freq frames")
    if mixture_stft.shape[0] != 2:
        raise checks.ShapeError(
            f"{name} must have 2 channels (left, right), got {mixture_stft.shape[0]}; "
            "a panning angle is the difference between two channels"
        )
    if not np.iscomplexobj(mixture_stft):
        raise RefusedType(f"{name} must be complex, got {mixture_stft.dtype}; pass the STFT, not its magnitude")
    return mixture_stft


def _checked_angles(angles: np.ndarray, mixture_stft: np.ndarray) -> np.ndarray:
    angles = checks.check_axes("angles", angles, "freq frames")
    if angles.shape != mixture_stft.shape[1:]:
        raise checks.ShapeError(
            f"angles must be (freq, frames) like mixture_stft, {mixture_stft.shape[1:]}, got {angles.shape}; "
            "make them from this transform: panning.angles_rad(mixture_stft)"
        )
    return angles


def _checked_window(window_rad: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = window_rad
    except (TypeError, ValueError) as error:
        raise RefusedType(f"window_rad must be two angles (low, high) in radians, got {window_rad!r}") from error
    checks.check_number("the window's lower angle", low, at_least=0, at_most=RIGHT_RAD + 1e-9, unit="radians")
    checks.check_number("the window's upper angle", high, at_least=low, at_most=RIGHT_RAD + 1e-9, unit="radians")
    return float(low), float(high)


def _counted(mixture_stft: np.ndarray, angles: np.ndarray, bins: int) -> np.ndarray:
    index = np.minimum((angles * (bins / RIGHT_RAD)).astype(np.intp), bins - 1)
    # Squared in float64: the power of very quiet music underflows in float32.
    left, right = mixture_stft.astype(np.complex128, copy=False)
    power = left.real**2 + left.imag**2 + right.real**2 + right.imag**2
    return np.bincount(index.ravel(), weights=power.ravel(), minlength=bins)


def _smoothed(energy: np.ndarray, smooth_rad: float) -> np.ndarray:
    checks.check_number("smooth_rad", smooth_rad, at_least=0, unit="radians")
    if not smooth_rad:
        return energy
    result: np.ndarray = scipy.ndimage.gaussian_filter1d(energy, smooth_rad * len(energy) / RIGHT_RAD, mode="reflect")
    return result
