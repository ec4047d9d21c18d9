"""DUET, the degenerate unmixing estimation technique: sources told apart by how loud and how late they reach the right.

Where one source is heard alone, X_2 / X_1 = a exp(-i w d): the right channel has a times the level of the left, d
seconds later. A histogram over both has a peak for each source. Level is counted as symmetric attenuation a - 1/a,
which is 0 in the centre and changes sign when the channels are exchanged.

What it cannot hear:

- Phase repeats every turn, so a delay is certain only where |w d| < pi. Only frequencies below 1 / (2 delay limit) are
  counted: 2667 Hz for the default limit of 0.19 ms, the way of sound over 6 cm.
- A source panned by level has a = tan(phi), so a symmetric attenuation of -2 / tan(2 phi). Limits of -3 and 3 hold what
  is panned between 16.8 and 73.2 degrees; what lies nearer to a side is not counted at all.
- Music that is panned by level alone has no delays to be told apart by: the histogram of angles in `panning` is then
  the finer one.

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
# Odd, so that the centre, and no delay at all, lie in the middle of a bin.
BINS = 51
WINDOW_S = panning.WINDOW_S

# Memory for each bin: while the histogram is counted, in double precision, and while the mixture is filtered.
COUNT_BYTES = 100
FILTER_BYTES = 64

# A peak that is less than this part of the highest of all is no source,
# also where more sources are asked for: where partials of two sources meet, delays are by chance, and there are ripples
# of 3 % of the highest, which lie elsewhere with every other grid of frames.
LEAST_PEAK = 0.05

# Warned of from this part of the energy on: beyond the levels, beyond the delays.
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
    """How much is heard at which level and which delay.

    Attributes
    ----------
    attenuations : float64 (bins,)
        Centres of the bins of a - 1/a, from left to right.
    delays_s : float64 (bins,)
        Centres of the bins of the delay; where it is positive, the right channel is the later one.
    weight : float64 (attenuations, delays)
        Sum of |X_1 X_2|^p w^q, smoothed over 3 by 3 bins.
    beyond_attenuation, beyond_delay : float in [0, 1]
        What part of the energy, at the frequencies that are counted, lies beyond either limit.

    Lesson: notebooks/11_where_is_it.ipynb
    """

    attenuations: np.ndarray
    delays_s: np.ndarray
    weight: np.ndarray
    beyond_attenuation: float
    beyond_delay: float


def attenuation_of(angle_rad: float) -> float:
    """Symmetric attenuation of a source panned to an angle, tan(phi) - 1 / tan(phi): infinite at the sides.

    Lesson: notebooks/11_where_is_it.ipynb. Source: Yilmaz and Rickard, IEEE Trans. Signal Processing 2004.
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
    """Count what is heard at which level and which delay.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
        Its bins reach from 0 to half the sample rate.
    sample_rate_hz : int
    attenuation_limit : float > 0
        The histogram spans a - 1/a from minus this to this.
    delay_limit_s : float > 0, seconds
        It spans delays from minus this to this, and counts frequencies below 1 / (2 delay_limit_s).
    bins : int >= 5
        Each way.
    level_exponent, frequency_exponent : float >= 0
        p and q of the weight |X_1 X_2|^p w^q: 1 and 0 as a rule, 0.5 and 0 where one source is much the loudest.

    Returns
    -------
    Histogram

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are not two channels, or a number is out of its range.

    Lesson: notebooks/11_where_is_it.ipynb. Source: Yilmaz and Rickard, IEEE Trans. Signal Processing 2004. Differs:
    the 3 by 3 bins that it is smoothed over count most in the middle, the number of bins is odd.
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


def peaks(found: Histogram, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The angles and delays at which a histogram has its peaks.

    Parameters
    ----------
    found : Histogram
    count : int >= 1, optional
        At most so many, the highest of those that are high enough.

    Returns
    -------
    angles_rad, delays_s : float64 (peaks,)
        From left to right; at one angle, to a degree, the earlier first. Centres of gravity of 3 by 3 bins. Empty if
        all is silent.

    Raises
    ------
    TypeError, ValueError
        If the count is none.

    Lesson: notebooks/11_where_is_it.ipynb. Source: Yilmaz and Rickard 2004.
    """
    if count is not None:
        count = checks.check_number("count", count, at_least=1, whole=True, hint="say how many sources there are")
    weight = found.weight
    least = LEAST_PEAK * weight.max()
    highest = scipy.ndimage.maximum_filter(weight, NEIGHBOURHOOD_BINS, mode="constant")
    rows, columns = np.nonzero((weight == highest) & (weight > least))
    order = np.argsort(-weight[rows, columns], kind="stable")[:count]
    places = []
    for row, column in zip(rows[order], columns[order], strict=True):
        near = np.s_[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        across, along = weight[near].sum(axis=1), weight[near].sum(axis=0)
        attenuation = np.average(found.attenuations[near[0]], weights=across)
        places.append((angle_of(float(attenuation)), float(np.average(found.delays_s[near[1]], weights=along))))
    places.sort(key=lambda place: (round(np.degrees(place[0])), place[1]))
    angles, delays_s = np.array(places).reshape(-1, 2).T
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
    """Separate a stereo mixture by level and delay: each bin goes to the source that explains it best.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score
        Not used.
    pans_rad : mapping of source name -> angle in [0, pi/2], optional
        Directions of the sources, of which tan(phi) is the level. Without it, angles and delays are the peaks of the
        histogram, named by their angles in degrees.
    delays_s : mapping of source name -> seconds, optional
        For each source of `pans_rad`, how much later it reaches the right channel than the left. Without it, it is
        looked for among the bins nearest to the source's angle.
    count : int >= 1, optional
        How many peaks to take at most, of those that are high enough.
    mode : {"mask", "demix"}
        With "mask", a bin goes to its source as it is, so that estimates add up to the mixture. With "demix", the
        source is the most likely one, and is placed at its level and delay: what does not suit these is left out.
    attenuation_limit, delay_limit_s, bins, level_exponent, frequency_exponent
        Of `histogram`.
    window_s : float > 0, seconds
        Of the STFT's window, at every sample rate; the hop is a quarter of it.

    Returns
    -------
    dict of source name -> float32 (2, samples)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no stereo waveform, or an option is out of its range.

    Warns
    -----
    PanWarning
        If there are fewer peaks than `count`, or much of the energy lies beyond the limits of the histogram.

    Lesson: notebooks/11_where_is_it.ipynb. Source: Yilmaz and Rickard, IEEE Trans. Signal Processing 2004. Differs:
    levels are angles here, so that a source on one side is no division by zero.
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
        places = _places_found(mixture, sample_rate_hz, count, settings, layout)
    else:
        pans = panning.named(pans_rad, count, mixture, sample_rate_hz)
        places = _places_given(mixture, sample_rate_hz, pans, delays_s, settings, layout)
    estimates = memory.zeros_for(places, mixture.shape)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        owner, sharers = owners(stft, sample_rate_hz, tuple(places.values()))
        for index, (name, place) in enumerate(places.items()):
            first, many = sharers[index]
            kept = (owner == first) * np.float32(1 / many)
            image = stft if mode == "mask" else most_likely(stft, sample_rate_hz, place)
            estimates[name][:, start:stop] += gains * transforms.istft(kept * image, stop - start, **settings)
    return estimates


def _places_found(
    mixture: np.ndarray, sample_rate_hz: int, count: int | None, settings: transforms.StftSettings, layout: _Layout
) -> dict[str, tuple[float, float]]:
    # Angle and delay of every peak of the whole recording's histogram, under names made from the angles.
    weight, energies = np.zeros((layout["bins"], layout["bins"])), np.zeros(3)
    for stft in panning.blocks(mixture, sample_rate_hz, settings):
        more_weight, more_energies = _counted(stft, sample_rate_hz, layout)
        weight, energies = weight + more_weight, energies + more_energies
    found = _finished(weight, energies, layout)
    _warn_of_limits(found, layout)
    angles, delays_s = peaks(found, count)
    if count is not None and len(angles) < count:
        panning.warn_of_fewer(len(angles), count)
    if not len(angles):
        angles, delays_s = np.array([panning.CENTRE_RAD]), np.zeros(1)
    return {
        name: (float(angle), float(delay_s))
        for name, angle, delay_s in zip(panning.labels(angles), angles, delays_s, strict=True)
    }


def _places_given(
    mixture: np.ndarray,
    sample_rate_hz: int,
    pans: Mapping[str, float],
    delays_s: Mapping[str, float] | None,
    settings: transforms.StftSettings,
    layout: _Layout,
) -> dict[str, tuple[float, float]]:
    # The caller's angles, each with the caller's delay, or with the one that is heard most near this angle.
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
        found = _heard(stft, sample_rate_hz, layout)
        inside = np.abs(found.delays_s) <= limit_s
        column = _bin_of(found.delays_s[inside], limit_s, bins)
        for index, share in enumerate(adress.nearest(found.angles, tuple(pans.values()))):
            weight[index] += np.bincount(column, (share * found.weight)[inside], bins)
    weight = scipy.ndimage.convolve1d(weight, [0.25, 0.5, 0.25], mode="constant")
    centres_s = _centres(limit_s, bins)
    places = {}
    for (name, pan), row in zip(pans.items(), weight, strict=True):
        top = int(row.argmax())
        near = np.s_[max(0, top - 1) : top + 2]
        places[name] = (pan, float(np.average(centres_s[near], weights=row[near])) if row.any() else 0.0)
    return places


@dataclasses.dataclass(frozen=True)
class _Heard:
    # Of the frequencies that are counted, every bin's angle, delay, weight and energy, each (freq, frames).
    angles: np.ndarray
    delays_s: np.ndarray
    weight: np.ndarray
    energy: np.ndarray


def _heard(mixture_stft: np.ndarray, sample_rate_hz: int, layout: _Layout) -> _Heard:
    frequencies_hz = frequencies_hz_of(mixture_stft.shape[1], sample_rate_hz)
    # At 0 Hz there is no delay, and above the limit it is not certain.
    used = (frequencies_hz > 0) & (frequencies_hz <= 1 / (2 * layout["delay_limit_s"]))
    left, right = mixture_stft[:, used].astype(np.complex128, copy=False)
    angular = 2 * np.pi * frequencies_hz[used][:, np.newaxis]
    product = np.abs(left) * np.abs(right)
    return _Heard(
        angles=np.arctan2(np.abs(right), np.abs(left)),
        delays_s=-np.angle(right * left.conj()) / angular,
        weight=product ** layout["level_exponent"] * angular ** layout["frequency_exponent"] * (product > 0),
        energy=np.abs(left) ** 2 + np.abs(right) ** 2,
    )


def _counted(mixture_stft: np.ndarray, sample_rate_hz: int, layout: _Layout) -> tuple[np.ndarray, np.ndarray]:
    # The raw histogram, and the energy of all that is heard, beyond the levels, and beyond the delays.
    found = _heard(mixture_stft, sample_rate_hz, layout)
    bins, level_limit, delay_limit_s = layout["bins"], layout["attenuation_limit"], layout["delay_limit_s"]
    # Angles that lie as far out as the limit of the attenuation; those in between have a finite one.
    level_inside = (found.angles >= angle_of(-level_limit)) & (found.angles <= angle_of(level_limit))
    delay_inside = np.abs(found.delays_s) <= delay_limit_s
    inside = level_inside & delay_inside
    attenuations = -2 / np.tan(2 * found.angles[inside])
    cell = _bin_of(attenuations, level_limit, bins) * bins + _bin_of(found.delays_s[inside], delay_limit_s, bins)
    weight = np.bincount(cell, found.weight[inside], bins * bins).reshape(bins, bins)
    beyond = (found.energy[~level_inside].sum(), found.energy[~delay_inside].sum())
    return weight, np.array([found.energy.sum(), *beyond])


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


def _warn_of_limits(found: Histogram, layout: _Layout) -> None:
    limit = layout["attenuation_limit"]
    if found.beyond_attenuation > MOST_BEYOND_ATTENUATION:
        low, high = (float(np.degrees(angle_of(sign * limit))) for sign in (-1, 1))
        warn_caller(
            f"{100 * found.beyond_attenuation:.0f} % of the energy lies nearer to a side than the histogram reaches, "
            f"{low:.1f} to {high:.1f} degrees: sources there are not found. Raise attenuation_limit ({limit:g}) and "
            "bins, give their angles as pans_rad, or use adress",
            PanWarning,
        )
    if found.beyond_delay > MOST_BEYOND_DELAY:
        limit_ms = 1000 * layout["delay_limit_s"]
        warn_caller(
            f"{100 * found.beyond_delay:.0f} % of the energy has a longer delay than the histogram reaches, "
            f"{limit_ms:.3g} ms: reverberation, or microphones far apart. Raise delay_limit_s, which leaves fewer "
            "frequencies to listen to",
            PanWarning,
        )


def _centres(limit: float, bins: int) -> np.ndarray:
    return (np.arange(bins) + 0.5) * (2 * limit / bins) - limit


def _bin_of(values: np.ndarray, limit: float, bins: int) -> np.ndarray:
    return np.clip(((values + limit) * (bins / (2 * limit))).astype(np.intp), 0, bins - 1)


def _check_layout(layout: _Layout) -> None:
    checks.check_number("attenuation_limit", layout["attenuation_limit"], above=0)
    hint = "the way of sound between two microphones, such as 0.0002"
    checks.check_number("delay_limit_s", layout["delay_limit_s"], above=0, at_most=0.1, unit="seconds", hint=hint)
    checks.check_number("bins", layout["bins"], at_least=NEIGHBOURHOOD_BINS, whole=True)
    checks.check_number("level_exponent", layout["level_exponent"], at_least=0)
    checks.check_number("frequency_exponent", layout["frequency_exponent"], at_least=0)
