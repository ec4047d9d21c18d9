"""DUET, the degenerate unmixing estimation technique: separation by level and delay between the two channels.

In a bin where only one source is active, X_2 / X_1 = a exp(-i w d): the right channel has a times the level of the
left, d seconds later. A histogram over both has a peak for each source. Level is counted as symmetric attenuation
a - 1/a, which is 0 in the centre and changes sign when the channels are exchanged.

Limits of the method:

- Phase is known only modulo 2 pi, so a delay is unambiguous only if |w d| < pi. Only frequencies below
  1 / (2 delay limit) are counted: 2667 Hz for the default limit of 0.19 ms, a path of 6 cm.
- A source panned by level has a = tan(phi), so a symmetric attenuation of -2 / tan(2 phi). Limits of -3 and 3 include
  sources panned between 16.8 and 73.2 degrees; those nearer to a side are not counted at all.
- Music that is panned by level alone has no delays: the histogram of angles in `panning` then has a finer resolution.

Symbols: X_1, X_2 STFT of the left and the right channel, a level, d delay, w angular frequency, phi angle.

Contents: Histogram, histogram, peaks, attenuation_of, angle_of, separate. Lesson: notebooks/11_where_is_it.ipynb
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import scipy.ndimage

from .. import checks, memory, options, transforms
from ..chunks import CHUNK_S, FADE_S, chunks
from ..refusals import RefusedValue, warn_caller
from ..silence import between_silences
from . import adress, panning
from .entries import DUET, NEIGHBOURHOOD_BINS
from .ownership import frequencies_hz_of, most_likely, owners
from .panning import PanWarning

ATTENUATION_LIMIT = 3.0
DELAY_LIMIT_S = 3 / 16_000
# Odd, so that the centre and a delay of 0 are in the middle of a bin.
BINS = 51
WINDOW_S = panning.WINDOW_S

# Bytes per bin: while the histogram is computed, in double precision, and while the mixture is filtered.
COUNT_BYTES = 100
FILTER_BYTES = 64

# A peak lower than this fraction of the highest is not a source, even if more sources are requested: in bins that two
# sources share, delays are random, and there are ripples of 3 % of the highest peak, which move with the frame grid.
LEAST_PEAK = 0.05

# A warning is given if a larger fraction of the energy is outside the range of levels, or of delays.
MOST_BEYOND_ATTENUATION = 0.05
MOST_BEYOND_DELAY = 0.25


class _Layout(TypedDict):
    attenuation_limit: float
    delay_limit_s: float
    bins: int
    level_exponent: float
    frequency_exponent: float


@dataclasses.dataclass(frozen=True)
class Histogram:
    """Histogram of the energy over level and delay.

    Attributes
    ----------
    attenuations : float64 (bins,)
        Centres of the bins of a - 1/a, from left to right.
    delays_s : float64 (bins,)
        Centres of the bins of the delay; positive if the right channel is later.
    weight : float64 (attenuations, delays)
        Sum of |X_1 X_2|^p w^q, smoothed over 3 by 3 bins.
    beyond_attenuation, beyond_delay : float in [0, 1]
        Fraction of the energy, at the frequencies that are counted, outside either limit.

    Lesson: notebooks/11_where_is_it.ipynb
    """

    attenuations: np.ndarray
    delays_s: np.ndarray
    weight: np.ndarray
    beyond_attenuation: float
    beyond_delay: float


def attenuation_of(angle_rad: float) -> float:
    """Symmetric attenuation of a source panned to an angle, tan(phi) - 1 / tan(phi): infinite at the sides.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Yilmaz and Rickard, IEEE Trans. Signal Processing 2004.

    Examples
    --------
    >>> round(attenuation_of(np.radians(60)), 3)
    1.155
    """
    left, right = np.cos(2 * angle_rad), np.sin(2 * angle_rad)
    return float(-2 * left / right) if abs(right) > 1e-12 else float(np.copysign(np.inf, -left))


def angle_of(attenuation: float) -> float:
    """The angle in [0, pi/2] that has a symmetric attenuation: the inverse of `attenuation_of`."""
    return float(np.arctan2(2, -attenuation) / 2)


def histogram(
    mixture_stft: np.ndarray,
    sample_rate_hz: int,
    *,
    attenuation_limit: float = ATTENUATION_LIMIT,
    delay_limit_s: float = DELAY_LIMIT_S,
    bins: int = BINS,
    level_exponent: float = 1.0,
    frequency_exponent: float = 0.0,
) -> Histogram:
    """Compute the histogram of level and delay.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
        STFT with bins from 0 to half the sample rate.
    sample_rate_hz : int
    attenuation_limit : float > 0
        The histogram spans a - 1/a from minus this to this.
    delay_limit_s : float > 0, seconds
        The histogram spans delays from minus this to this, and counts frequencies below 1 / (2 delay_limit_s).
    bins : int >= 5
        Number of bins in each direction.
    level_exponent, frequency_exponent : float >= 0
        p and q of the weight |X_1 X_2|^p w^q: normally 1 and 0; 0.5 and 0 if one source is much louder than the others.

    Returns
    -------
    Histogram

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are not two channels, or a number is out of its range.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Yilmaz and Rickard, IEEE Trans. Signal Processing 2004.
    Difference: the smoothing over 3 by 3 bins has its largest weight in the middle; the number of bins is odd.
    """
    mixture_stft = panning.check_stereo_stft("mixture_stft", mixture_stft)
    layout: _Layout = {
        "attenuation_limit": attenuation_limit,
        "delay_limit_s": delay_limit_s,
        "bins": bins,
        "level_exponent": level_exponent,
        "frequency_exponent": frequency_exponent,
    }
    _check_layout(layout)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    return _finished(*_counted(mixture_stft, sample_rate_hz, layout), layout)


def peaks(counts: Histogram, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The angles and delays at which a histogram has its peaks.

    Parameters
    ----------
    counts : Histogram
    count : int >= 1, optional
        The largest number of peaks; the highest of those above the threshold are returned.

    Returns
    -------
    angles_rad, delays_s : float64 (peaks,)
        From left to right; at the same angle, to a degree, the smaller delay first. Centres of gravity of 3 by 3 bins.
        Empty for silence.

    Raises
    ------
    TypeError, ValueError
        If the count is not valid.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Yilmaz and Rickard 2004.

    Examples
    --------
    >>> pans_rad = np.radians(np.where(np.arange(257) % 2, 60, 30))  # two sources, which alternate from bin to bin
    >>> stft = np.stack([np.cos(pans_rad), np.sin(pans_rad)])[:, :, np.newaxis].astype(complex)
    >>> angles_rad, delays_s = peaks(histogram(stft, 8000), count=2)
    >>> bool(np.allclose(np.degrees(angles_rad), [30, 60], atol=1)), bool(np.allclose(delays_s, 0))
    (True, True)
    """
    if count is not None:
        count = checks.check_number("count", count, at_least=1, whole=True, hint="give the number of sources")
    weight = counts.weight
    least = LEAST_PEAK * weight.max()
    highest = scipy.ndimage.maximum_filter(weight, NEIGHBOURHOOD_BINS, mode="constant")
    rows, columns = np.nonzero((weight == highest) & (weight > least))
    order = np.argsort(-weight[rows, columns], kind="stable")[:count]
    positions = []
    for row, column in zip(rows[order], columns[order], strict=True):
        near = np.s_[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        across, along = weight[near].sum(axis=1), weight[near].sum(axis=0)
        attenuation = np.average(counts.attenuations[near[0]], weights=across)
        positions.append((angle_of(float(attenuation)), float(np.average(counts.delays_s[near[1]], weights=along))))
    positions.sort(key=lambda position: (round(np.degrees(position[0])), position[1]))
    angles, delays_s = np.array(positions).reshape(-1, 2).T
    return angles, delays_s


def _working_bytes(recording: memory.Recording, *, bins: int, window_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    counting = COUNT_BYTES * recording.bins(panning.BLOCK_S, settings) + 8 * 4 * memory.amount(bins, BINS) ** 2
    return recording.float32_bytes + max(counting, FILTER_BYTES * recording.bins(CHUNK_S + FADE_S, settings))


@options.within(DUET.options)
@memory.limited("duet", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    pans_rad: Mapping[str, float] | None = None,
    delays_s: Mapping[str, float] | None = None,
    count: int | None = None,
    mode: str = "mask",
    attenuation_limit: float = ATTENUATION_LIMIT,
    delay_limit_s: float = DELAY_LIMIT_S,
    bins: int = BINS,
    level_exponent: float = 1.0,
    frequency_exponent: float = 0.0,
    window_s: float = WINDOW_S,
) -> dict[str, np.ndarray]:
    """Separate a stereo mixture by level and delay: each bin goes to the source that fits it best.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score
        Not used.
    pans_rad : mapping of source name -> angle in [0, pi/2], optional
        Directions of the sources; their levels are tan(phi). Default: angles and delays are the peaks of the
        histogram, named by their angles in degrees.
    delays_s : mapping of source name -> seconds, optional
        For each source of `pans_rad`, its delay in the right channel relative to the left. Default: estimated from the
        bins nearest to the source's angle.
    count : int >= 1, optional
        The largest number of peaks, of those above the threshold.
    mode : {"mask", "demix"}
        With "mask", a bin goes to its source unchanged, so that estimates add up to the mixture. With "demix", the
        estimate is the maximum-likelihood one, with the source's level and delay; the rest of the bin is left out.
    attenuation_limit, delay_limit_s, bins, level_exponent, frequency_exponent
        As for `histogram`.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate; the hop is a quarter of it.

    Returns
    -------
    dict of source name -> float32 (2, samples)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a stereo waveform, or an option is out of its range.

    Warns
    -----
    PanWarning
        If there are fewer peaks than `count`, or much of the energy is outside the limits of the histogram.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Yilmaz and Rickard, IEEE Trans. Signal Processing 2004.
    Difference: levels are angles here, which avoids a division by zero for a source on one side.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    settings = transforms.settings_for(sample_rate_hz, window_s)
    layout: _Layout = {
        "attenuation_limit": attenuation_limit,
        "delay_limit_s": delay_limit_s,
        "bins": bins,
        "level_exponent": level_exponent,
        "frequency_exponent": frequency_exponent,
    }
    _check_layout(layout)
    if pans_rad is None:
        if delays_s is not None:
            raise RefusedValue("delays_s needs pans_rad, got none; give the sources' angles, too, or neither")
        positions = _estimated_positions(mixture, sample_rate_hz, count, settings, layout)
    else:
        pans = panning.named(pans_rad, count, mixture, sample_rate_hz)
        positions = _positions_of(mixture, sample_rate_hz, pans, delays_s, settings, layout)
    estimates = memory.zeros_for(positions, mixture.shape)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        owner, groups = owners(stft, sample_rate_hz, tuple(positions.values()))
        for index, (name, position) in enumerate(positions.items()):
            first, members = groups[index]
            kept = (owner == first) * np.float32(1 / members)
            image = stft if mode == "mask" else most_likely(stft, sample_rate_hz, position)
            estimates[name][:, start:stop] += gains * transforms.istft(kept * image, stop - start, **settings)
    return estimates


def _estimated_positions(
    mixture: np.ndarray, sample_rate_hz: int, count: int | None, settings: transforms.StftSettings, layout: _Layout
) -> dict[str, tuple[float, float]]:
    # Angle and delay of every peak of the histogram of the whole recording, by names made from the angles.
    weight, energies = np.zeros((layout["bins"], layout["bins"])), np.zeros(3)
    for stft in panning.blocks(mixture, sample_rate_hz, settings):
        more_weight, more_energies = _counted(stft, sample_rate_hz, layout)
        weight, energies = weight + more_weight, energies + more_energies
    counts = _finished(weight, energies, layout)
    _warn_of_limits(counts, layout)
    angles, delays_s = peaks(counts, count)
    if count is not None and len(angles) < count:
        panning.warn_of_fewer(len(angles), count)
    if not len(angles):
        angles, delays_s = np.array([panning.CENTRE_RAD]), np.zeros(1)
    return {
        name: (float(angle), float(delay_s))
        for name, angle, delay_s in zip(panning.labels(angles), angles, delays_s, strict=True)
    }


def _positions_of(
    mixture: np.ndarray,
    sample_rate_hz: int,
    pans: Mapping[str, float],
    delays_s: Mapping[str, float] | None,
    settings: transforms.StftSettings,
    layout: _Layout,
) -> dict[str, tuple[float, float]]:
    # The caller's angles, each with the caller's delay, or with the most frequent delay near this angle.
    if delays_s is not None:
        if not isinstance(delays_s, Mapping) or set(delays_s) != set(pans):
            raise RefusedValue(
                f"delays_s must name the sources of pans_rad, {', '.join(pans)}, got {delays_s!r}; "
                "pass a dict with a delay in seconds for each of them"
            )
        for name, delay_s in delays_s.items():
            checks.check_number(f"delays_s[{name!r}]", delay_s, at_least=-0.1, at_most=0.1, unit="seconds")
        return {name: (pan, float(delays_s[name])) for name, pan in pans.items()}
    bins, limit_s = layout["bins"], layout["delay_limit_s"]
    weight = np.zeros((len(pans), bins))
    for stft in panning.blocks(mixture, sample_rate_hz, settings):
        features = _features_of(stft, sample_rate_hz, layout)
        inside = np.abs(features.delays_s) <= limit_s
        column = _bin_of(features.delays_s[inside], limit_s, bins)
        for index, share in enumerate(adress.nearest(features.angles, tuple(pans.values()))):
            weight[index] += np.bincount(column, (share * features.weight)[inside], bins)
    weight = scipy.ndimage.convolve1d(weight, [0.25, 0.5, 0.25], mode="constant")
    centres_s = _centres(limit_s, bins)
    positions = {}
    for (name, pan), row in zip(pans.items(), weight, strict=True):
        top = int(row.argmax())
        near = np.s_[max(0, top - 1) : top + 2]
        positions[name] = (pan, float(np.average(centres_s[near], weights=row[near])) if row.any() else 0.0)
    return positions


@dataclasses.dataclass(frozen=True)
class _Features:
    # Angle, delay, weight and energy of every bin at the frequencies that are counted, each (freq, frames).
    angles: np.ndarray
    delays_s: np.ndarray
    weight: np.ndarray
    energy: np.ndarray


def _features_of(mixture_stft: np.ndarray, sample_rate_hz: int, layout: _Layout) -> _Features:
    frequencies_hz = frequencies_hz_of(mixture_stft.shape[1], sample_rate_hz)
    # At 0 Hz there is no delay, and above the limit it is ambiguous.
    used = (frequencies_hz > 0) & (frequencies_hz <= 1 / (2 * layout["delay_limit_s"]))
    left, right = mixture_stft[:, used].astype(np.complex128, copy=False)
    angular = 2 * np.pi * frequencies_hz[used][:, np.newaxis]
    product = np.abs(left) * np.abs(right)
    return _Features(
        angles=np.arctan2(np.abs(right), np.abs(left)),
        delays_s=-np.angle(right * left.conj()) / angular,
        weight=product ** layout["level_exponent"] * angular ** layout["frequency_exponent"] * (product > 0),
        energy=np.abs(left) ** 2 + np.abs(right) ** 2,
    )


def _counted(mixture_stft: np.ndarray, sample_rate_hz: int, layout: _Layout) -> tuple[np.ndarray, np.ndarray]:
    # The histogram before smoothing; and the energy: all, outside the range of levels, outside the range of delays.
    features = _features_of(mixture_stft, sample_rate_hz, layout)
    bins, level_limit, delay_limit_s = layout["bins"], layout["attenuation_limit"], layout["delay_limit_s"]
    # The angles at the limits of the attenuation; those in between have a finite one.
    level_inside = (features.angles >= angle_of(-level_limit)) & (features.angles <= angle_of(level_limit))
    delay_inside = np.abs(features.delays_s) <= delay_limit_s
    inside = level_inside & delay_inside
    attenuations = -2 / np.tan(2 * features.angles[inside])
    cell = _bin_of(attenuations, level_limit, bins) * bins + _bin_of(features.delays_s[inside], delay_limit_s, bins)
    weight = np.bincount(cell, features.weight[inside], bins * bins).reshape(bins, bins)
    beyond = (features.energy[~level_inside].sum(), features.energy[~delay_inside].sum())
    return weight, np.array([features.energy.sum(), *beyond])


def _finished(weight: np.ndarray, energies: np.ndarray, layout: _Layout) -> Histogram:
    for axis in (0, 1):
        weight = scipy.ndimage.convolve1d(weight, [0.25, 0.5, 0.25], axis=axis, mode="constant")
    beyond = energies[1:] / energies[0] if energies[0] > 0 else np.zeros(2)
    return Histogram(
        attenuations=_centres(layout["attenuation_limit"], layout["bins"]),
        delays_s=_centres(layout["delay_limit_s"], layout["bins"]),
        weight=weight,
        beyond_attenuation=float(beyond[0]),
        beyond_delay=float(beyond[1]),
    )


def _warn_of_limits(counts: Histogram, layout: _Layout) -> None:
    limit = layout["attenuation_limit"]
    if counts.beyond_attenuation > MOST_BEYOND_ATTENUATION:
        low, high = (float(np.degrees(angle_of(sign * limit))) for sign in (-1, 1))
        warn_caller(
            f"{100 * counts.beyond_attenuation:.0f} % of the energy is nearer to a side than the histogram's range, "
            f"{low:.1f} to {high:.1f} degrees: sources there are not detected. Raise attenuation_limit ({limit:g}) and "
            "bins, give their angles as pans_rad, or use adress",
            PanWarning,
        )
    if counts.beyond_delay > MOST_BEYOND_DELAY:
        limit_ms = 1000 * layout["delay_limit_s"]
        warn_caller(
            f"{100 * counts.beyond_delay:.0f} % of the energy has a longer delay than the histogram's range, "
            f"{limit_ms:.3g} ms: reverberation, or microphones far apart. Raise delay_limit_s, which leaves fewer "
            "frequencies for the histogram",
            PanWarning,
        )


def _centres(limit: float, bins: int) -> np.ndarray:
    return (np.arange(bins) + 0.5) * (2 * limit / bins) - limit


def _bin_of(values: np.ndarray, limit: float, bins: int) -> np.ndarray:
    return np.clip(((values + limit) * (bins / (2 * limit))).astype(np.intp), 0, bins - 1)


def _check_layout(layout: _Layout) -> None:
    checks.check_number("attenuation_limit", layout["attenuation_limit"], above=0)
    hint = "the time that sound takes between two microphones, such as 0.0002"
    checks.check_number("delay_limit_s", layout["delay_limit_s"], above=0, at_most=0.1, unit="seconds", hint=hint)
    checks.check_number("bins", layout["bins"], at_least=NEIGHBOURHOOD_BINS, whole=True)
    checks.check_number("level_exponent", layout["level_exponent"], at_least=0)
    checks.check_number("frequency_exponent", layout["frequency_exponent"], at_least=0)
