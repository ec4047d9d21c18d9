"""Remixing and upmixing: stems, or estimates of them, mixed again with other levels, or over more loudspeakers.

A remix is the sum of all sources, each times its gain, y = sum over j of g_j s_j. Where only estimates e_j are at hand,
y = m + sum over j of (g_j - 1) e_j changes the mixture m as requested, and keeps what is in no estimate. If the
estimates add up to the mixture, the two are equal.

Gains are in dB; -inf removes a source. Nothing is clipped: every result says how far its peak is from full scale.

Contents: remix, rebalance, Remix, headroom_db, compensation_db; upmix, loudspeaker_gains, LOUDSPEAKERS.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from . import checks, units
from .refusals import RefusedType, RefusedValue

LARGEST_GAIN_DB = 60.0

# Azimuths of loudspeakers in radians: 0 straight ahead, positive to the right. Five: ITU-R BS.775 without the
# subwoofer, in the order of sound files: left, right, centre, left and right surround.
LOUDSPEAKERS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "stereo": (-math.pi / 6, math.pi / 6),
        "three": (-math.pi / 6, math.pi / 6, 0.0),
        "five": (-math.pi / 6, math.pi / 6, 0.0, -math.radians(110), math.radians(110)),
    }
)

# Between two loudspeakers that are further apart than this, no direction is audible.
WIDEST_GAP_RAD = math.radians(170)

# Rounding allowed when an angle is compared with that of a loudspeaker.
ROUNDING_RAD = 1e-9


@dataclasses.dataclass(frozen=True)
class Remix:
    """A mixture and its distance from full scale.

    Attributes
    ----------
    mixture : float (channels, samples)
    headroom_db : float
        What `headroom_db` says of it.
    """

    mixture: np.ndarray
    headroom_db: float


def remix(stems: Mapping[str, np.ndarray], gains_db: Mapping[str, float], *, compensate: bool = False) -> Remix:
    """The sum of all stems, each with its gain.

    Parameters
    ----------
    stems : dict of source name -> float (channels, samples)
        All of one shape.
    gains_db : dict of source name -> float at most 60, dB
        A source without one keeps its level; -inf removes it.
    compensate : bool
        Whether the whole is scaled by `compensation_db`, so that gains change the balance more than the level.

    Returns
    -------
    Remix
        float32 if the stems are, else float64. It may exceed full scale: then its headroom is negative.

    Raises
    ------
    TypeError, ValueError
        If the stems are refused, a gain belongs to no stem or is no number of that range.

    Examples
    --------
    >>> stems = {"violin": np.full((1, 2), 0.25), "cello": np.full((1, 2), 0.5)}
    >>> result = remix(stems, {"violin": 20, "cello": -math.inf})
    >>> result.mixture, round(result.headroom_db, 2)
    (array([[2.5, 2.5]]), -7.96)
    """
    stems = checks.check_sources("stems", stems)
    gains_db = _checked_gains_db(gains_db, stems)
    checks.check_switch("compensate", compensate)
    level = units.db_to_amplitude(compensation_db(gains_db)) if compensate else 1.0
    total = np.zeros(next(iter(stems.values())).shape)
    for name, stem in stems.items():
        total += level * units.db_to_amplitude(gains_db[name]) * stem
    return _finished(total, stems)


def rebalance(mixture: np.ndarray, estimates: Mapping[str, np.ndarray], gains_db: Mapping[str, float]) -> Remix:
    """A mixture in which some sources are louder or softer; what no estimate holds stays as it is.

    Parameters
    ----------
    mixture : float (channels, samples)
    estimates : dict of source name -> float (channels, samples)
        Of the mixture's shape. Sources whose gain is 0 dB do not matter, and may be missing.
    gains_db : dict of source name -> float at most 60, dB
        -inf subtracts the estimate.

    Returns
    -------
    Remix

    Raises
    ------
    TypeError, ValueError
        As for `remix`.

    Examples
    --------
    >>> rebalance(np.ones((1, 2)), {"voice": np.full((1, 2), 0.75)}, {"voice": -math.inf}).mixture
    array([[0.25, 0.25]])
    """
    mixture = checks.check_waveform("mixture", mixture)
    estimates = checks.check_estimates("estimates", estimates, mixture)
    gains_db = _checked_gains_db(gains_db, estimates)
    total = mixture.astype(np.float64)
    for name, estimate in estimates.items():
        total += (units.db_to_amplitude(gains_db[name]) - 1) * estimate
    return _finished(total, {"mixture": mixture, **estimates})


def headroom_db(waveform: np.ndarray) -> float:
    """By how many dB a waveform may be amplified before its peak reaches full scale, 1; negative if it exceeds it.

    Returns
    -------
    float, dB
        +inf for silence.

    Examples
    --------
    >>> round(headroom_db(np.array([[0.5, -0.1]])), 2)
    6.02
    """
    peak = np.abs(checks.check_waveform("waveform", waveform)).max()
    return -float(units.amplitude_to_db(peak))


def compensation_db(gains_db: Mapping[str, float]) -> float:
    """The gain of the whole that keeps its mean power if all sources are equally loud: -10 log10 of the mean of g_j^2.

    Parameters
    ----------
    gains_db : dict of source name -> float, dB
        Of all sources, also those of 0 dB.

    Raises
    ------
    ValueError
        If there is none, or all are removed.

    Reference: the program of the second Cadenza challenge, task 2 (`adjust_level`).

    Examples
    --------
    >>> round(compensation_db({"violin": 10, "cello": 0}), 2)
    -7.4
    """
    if not isinstance(gains_db, Mapping):
        raise RefusedType(f"gains_db must map source names to dB, got {type(gains_db).__name__}; pass a dict")
    powers = [10 ** (_checked_gain_db(name, gain_db) / 10) for name, gain_db in gains_db.items()]
    if not any(powers):
        raise RefusedValue("gains_db must leave at least one source, got none; there is no level to keep")
    return -10 * math.log10(sum(powers) / len(powers))


def upmix(
    stems: Mapping[str, np.ndarray], angles_rad: Mapping[str, float], loudspeakers_rad: Sequence[float] | str = "five"
) -> np.ndarray:
    """Place each source between two of several loudspeakers.

    Parameters
    ----------
    stems : dict of source name -> float (1, samples)
        Mono: the position comes from the angle alone.
    angles_rad : dict of source name -> float in [-pi, pi]
        The direction of each source: 0 straight ahead, positive to the right. Every stem has one.
    loudspeakers_rad : one of `LOUDSPEAKERS`, or the azimuth of each loudspeaker

    Returns
    -------
    float (loudspeakers, samples)
        Every source has the same energy as before.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If a stem is not mono or has no angle, or an angle is refused by `loudspeaker_gains`.

    Reference: Pulkki, "Virtual sound source positioning using vector base amplitude panning", JAES 1997.

    Examples
    --------
    >>> upmix({"violin": np.ones((1, 1))}, {"violin": 0.0}, "three").ravel()
    array([0., 0., 1.])
    """
    stems = checks.check_sources("stems", stems)
    if not isinstance(angles_rad, Mapping) or set(angles_rad) != set(stems):
        raise RefusedValue(
            f"angles_rad must have one angle for each of {', '.join(stems)}, got {angles_rad!r}; "
            "0 is straight ahead, positive to the right"
        )
    channels = {len(stem) for stem in stems.values()}
    if channels != {1}:
        raise checks.ShapeError(
            f"stems must be mono (1, samples) to be placed, got {max(channels)} channels; "
            "average them first: stem.mean(axis=0, keepdims=True)"
        )
    images = [loudspeaker_gains(angles_rad[name], loudspeakers_rad)[:, np.newaxis] * stems[name] for name in stems]
    result: np.ndarray = np.sum(images, axis=0).astype(np.result_type(*stems.values()))
    return result


def loudspeaker_gains(angle_rad: float, loudspeakers_rad: Sequence[float] | str = "five") -> np.ndarray:
    """The gain of each loudspeaker for a source at an angle: only the two beside it sound.

    With unit vectors p towards the source and l, r towards the two loudspeakers, p is a multiple of g_l l + g_r r, and
    g_l^2 + g_r^2 = 1.

    Parameters
    ----------
    angle_rad : float in [-pi, pi]
    loudspeakers_rad : one of `LOUDSPEAKERS`, or the azimuth of each loudspeaker

    Returns
    -------
    float (loudspeakers,)
        0 or more; the sum of their squares is 1.

    Raises
    ------
    TypeError, ValueError
        If the angle is out of its range or lies in a gap of more than 170 degrees, or there are fewer than two
        loudspeakers, or two at one angle.

    Reference: Pulkki, JAES 1997.

    Examples
    --------
    >>> np.round(loudspeaker_gains(0.0, "stereo"), 3)
    array([0.707, 0.707])
    """
    checks.check_number("angle_rad", angle_rad, at_least=-math.pi, at_most=math.pi, unit="radians")
    azimuths = _checked_azimuths(loudspeakers_rad)
    order = np.argsort(azimuths)
    # The loudspeakers on both sides, going around the listener.
    for left, right in zip(order, np.roll(order, -1), strict=True):
        gap = (azimuths[right] - azimuths[left]) % (2 * math.pi)
        from_left = (angle_rad - azimuths[left] + ROUNDING_RAD) % (2 * math.pi) - ROUNDING_RAD
        if from_left > gap + ROUNDING_RAD:
            continue
        gains = np.zeros(len(azimuths))
        if abs(from_left) <= ROUNDING_RAD or abs(gap - from_left) <= ROUNDING_RAD:
            gains[left if abs(from_left) <= ROUNDING_RAD else right] = 1
            return gains
        if gap > WIDEST_GAP_RAD:
            break
        gains[left], gains[right] = math.sin(gap - from_left), math.sin(from_left)
        result: np.ndarray = gains / np.linalg.norm(gains)
        return result
    raise RefusedValue(
        f"angle_rad must lie between two loudspeakers at most {math.degrees(WIDEST_GAP_RAD):.0f} degrees apart, got "
        f"{angle_rad:.3g} with loudspeakers at {', '.join(f'{azimuth:.3g}' for azimuth in azimuths)}; "
        "move the source, or take a layout that surrounds the listener: 'five'"
    )


def _checked_azimuths(loudspeakers_rad: Sequence[float] | str) -> np.ndarray:
    if isinstance(loudspeakers_rad, str):
        return np.array(LOUDSPEAKERS[checks.check_choice("loudspeakers_rad", loudspeakers_rad, LOUDSPEAKERS)])
    azimuths = np.array(
        [
            checks.check_number("loudspeakers_rad", azimuth, at_least=-math.pi, at_most=math.pi, unit="radians")
            for azimuth in loudspeakers_rad
        ]
    )
    turned = np.sort(azimuths % (2 * math.pi))
    if len(azimuths) < 2 or np.diff(turned, append=turned[:1] + 2 * math.pi).min() <= ROUNDING_RAD:
        raise RefusedValue(
            f"loudspeakers_rad must be at least two different azimuths, got {list(loudspeakers_rad)}; "
            f"take one of {', '.join(map(repr, LOUDSPEAKERS))}"
        )
    return azimuths


def _checked_gains_db(gains_db: Mapping[str, float], stems: Mapping[str, np.ndarray]) -> dict[str, float]:
    """A gain for every stem."""
    if not isinstance(gains_db, Mapping):
        raise RefusedType(f"gains_db must map source names to dB, got {type(gains_db).__name__}; pass a dict")
    for name in gains_db:
        checks.check_choice("the name of a gain", name, stems)
    return {name: _checked_gain_db(name, gains_db.get(name, 0.0)) for name in stems}


def _checked_gain_db(name: str, gain_db: float) -> float:
    if isinstance(gain_db, float | np.floating) and gain_db == -math.inf:
        return -math.inf
    return float(
        checks.check_number(
            f"gains_db[{name!r}]", gain_db, at_most=LARGEST_GAIN_DB, unit="dB", hint="-inf removes the source"
        )
    )


def _finished(total: np.ndarray, inputs: Mapping[str, np.ndarray]) -> Remix:
    mixture = total.astype(np.result_type(*inputs.values()), copy=False)
    return Remix(mixture, headroom_db(mixture))
