"""Grouping of units: segments, then streams.

A unit is one band in one frame. Neighbouring bands that contain the same harmonic, or beat with the same period, have
nearly the same correlation at every lag: they are tied, and ties from band to band and from frame to frame make
segments. Segments are joined in two ways. At one time: those that fit one pitch, and those that begin or end together
with them. Over time: pitches that move by little make a contour, and contours with similar pitch and timbre make a
stream.

Contents: ties, segments; contours, streams; simultaneous. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses

import numpy as np
import scipy.sparse.csgraph

from .. import checks
from .correlogram import Correlogram
from .pitch import AGREES, AUDIBLE

TIED = 0.95
TOGETHER_S = 0.02
JUMP_SEMITONES = 1.0
GAP_S = 0.03
SHORTEST_CONTOUR_S = 0.05

# Onsets and offsets decide for a stream only if it has more than this fraction of what begins or ends then.
ALONE = 0.8

# A stream counts as occupied for a contour if it has a pitch in more than this fraction of the contour's time. If it
# has one for less, the contour gets the rest: a pitch often begins a few frames before the last one has decayed.
OVERLAP = 0.25

# The cost of a new stream for a contour: as much as a distance of nine semitones to all others.
NEW_STREAM = 0.75


def ties(correlogram: Correlogram, *, least_fired: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The similarity of each unit to that of the next band and to that of the next frame.

    This is the correlation coefficient, over all lags, of the correlogram of the two units.

    Parameters
    ----------
    correlogram : Correlogram
    least_fired : float >= 0, optional
        Units that fire less are similar to none. Default: a small fraction of the largest firing of any unit.

    Returns
    -------
    upwards : float32 (bands - 1, frames)
        Between a band and the next.
    onwards : float32 (bands, frames - 1)
        Between a frame and the next.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Wang and Brown, IEEE Transactions on Neural
    Networks 1999.

    Examples
    --------
    >>> values = np.array([[[1.0, 0, -1, 0]], [[1.0, 0, -1, 0]], [[1.0, 0, 1, 0]]])  # bands 0 and 1 are alike
    >>> units = Correlogram(values, np.ones((3, 1)), np.ones((3, 1)), np.arange(4) / 1000, 0.01)
    >>> np.round(ties(units)[0].ravel(), 3)
    array([1., 0.])
    """
    if least_fired is None:
        least_fired = AUDIBLE * float(correlogram.fired.max(initial=0))
    checks.check_number("least_fired", least_fired, at_least=0)
    audible = correlogram.fired > least_fired
    values = correlogram.values - correlogram.values.mean(axis=2, keepdims=True)
    length = np.sqrt(np.einsum("bnl,bnl->bn", values, values))
    length[length == 0] = 1
    upwards = np.einsum("bnl,bnl->bn", values[:-1], values[1:]) / (length[:-1] * length[1:])
    onwards = np.einsum("bnl,bnl->bn", values[:, :-1], values[:, 1:]) / (length[:, :-1] * length[:, 1:])
    return upwards * (audible[:-1] & audible[1:]), onwards * (audible[:, :-1] & audible[:, 1:])


def segments(upwards: np.ndarray, onwards: np.ndarray, *, tied: float = TIED) -> np.ndarray:
    """Number the segments: units that are connected by ties.

    Parameters
    ----------
    upwards, onwards : real (bands - 1, frames), (bands, frames - 1)
        As returned by `ties`.
    tied : float in [0, 1]
        Units whose similarity is larger are tied. A tie from frame to frame counts only between units that are
        each tied to a neighbouring band, too.

    Returns
    -------
    int (bands, frames)
        0 where a unit belongs to none, otherwise the number of its segment, from 1.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the ties do not fit each other, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Hu and Wang, IEEE Transactions on Neural Networks
    2004.

    Examples
    --------
    >>> segments(upwards=np.array([[1.0, 1.0], [0.0, 0.0]]), onwards=np.ones((3, 1)))
    array([[1, 1],
           [1, 1],
           [0, 0]])
    """
    upwards = checks.check_axes("upwards", upwards, "bands frames")
    onwards = checks.check_axes("onwards", onwards, "bands frames")
    bands, frames = len(onwards), upwards.shape[1]
    if len(upwards) != bands - 1 or onwards.shape[1] != max(0, frames - 1):
        raise checks.ShapeError(
            f"upwards {upwards.shape} and onwards {onwards.shape} must be (bands - 1, frames) and (bands, frames - 1); "
            "take both from one call of ties"
        )
    checks.check_number("tied", tied, at_least=0, at_most=1)
    up = upwards > tied
    inside = np.zeros((bands, frames), bool)
    inside[:-1] |= up
    inside[1:] |= up
    on = (onwards > tied) & inside[:, :-1] & inside[:, 1:]
    units = np.arange(bands * frames).reshape(bands, frames)
    first = np.concatenate([units[:-1][up], units[:, :-1][on]])
    second = np.concatenate([units[1:][up], units[:, 1:][on]])
    graph = scipy.sparse.coo_array((np.ones(len(first), bool), (first, second)), shape=(units.size, units.size))
    labels = scipy.sparse.csgraph.connected_components(graph, directed=False)[1].reshape(bands, frames)
    numbers = np.zeros((bands, frames), int)
    numbers[inside] = np.unique(labels[inside], return_inverse=True)[1] + 1
    return numbers


@dataclasses.dataclass(frozen=True)
class Contour:
    """A pitch followed through time.

    Attributes
    ----------
    frames : int (length,)
        Ascending; there may be short gaps.
    rows : int (length,)
        Indices into the pitches of each frame.
    semitones : float (length,)
        MIDI pitch in each frame.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    frames: np.ndarray
    rows: np.ndarray
    semitones: np.ndarray


def contours(
    periods_s: np.ndarray,
    hop_s: float,
    *,
    jump_semitones: float = JUMP_SEMITONES,
    gap_s: float = GAP_S,
    shortest_s: float = SHORTEST_CONTOUR_S,
) -> list[Contour]:
    """Follow pitches from frame to frame, the nearest pair first.

    Parameters
    ----------
    periods_s : float (count, frames), seconds
        As returned by `pitch.pitches`; nan where there is none.
    hop_s : float > 0, seconds
        From one frame to the next.
    jump_semitones : float >= 0
        How far a pitch may move from one frame to the next.
    gap_s : float >= 0, seconds
        The longest gap.
    shortest_s : float >= 0, seconds
        Shorter contours are left out.

    Returns
    -------
    list of Contour
        In the order of their first frames.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language
    1994.

    Examples
    --------
    >>> periods_s = 1 / np.repeat([440.0, 880.0], 10)[np.newaxis]  # A4, then A5
    >>> [(int(contour.frames[0]), round(float(contour.semitones[0]))) for contour in contours(periods_s, hop_s=0.01)]
    [(0, 69), (10, 81)]
    """
    periods_s = checks.check_axes("periods_s", periods_s, "count frames")
    checks.check_number("hop_s", hop_s, above=0, unit="seconds")
    checks.check_number("jump_semitones", jump_semitones, at_least=0, unit="semitones")
    checks.check_number("gap_s", gap_s, at_least=0, unit="seconds")
    checks.check_number("shortest_s", shortest_s, at_least=0, unit="seconds")
    semitones = 69 - 12 * np.log2(periods_s * 440.0)
    gap = 1 + int(gap_s / hop_s + 1e-9)
    open_: list[list[tuple[int, int, float]]] = []
    closed: list[list[tuple[int, int, float]]] = []
    for frame in range(semitones.shape[1]):
        closed += [line for line in open_ if frame - line[-1][0] > gap]
        open_ = [line for line in open_ if frame - line[-1][0] <= gap]
        new = {int(row): float(semitones[row, frame]) for row in np.flatnonzero(np.isfinite(semitones[:, frame]))}
        pairs = sorted(
            (abs(pitch - line[-1][2]), index, row) for index, line in enumerate(open_) for row, pitch in new.items()
        )
        used: set[int] = set()
        for distance, index, row in pairs:
            if distance > jump_semitones:
                break
            if index not in used and row in new:
                used.add(index)
                open_[index].append((frame, row, new.pop(row)))
        open_ += [[(frame, row, pitch)] for row, pitch in new.items()]
    lasting = [line for line in closed + open_ if (line[-1][0] - line[0][0]) * hop_s >= shortest_s]
    lasting.sort(key=lambda line: (line[0][0], line[0][1]))
    return [Contour(*(np.array(column) for column in zip(*line, strict=True))) for line in lasting]


def streams(
    pitch_contours: list[Contour], fits: np.ndarray, fired: np.ndarray, count: int, *, agrees: float = AGREES
) -> np.ndarray:
    """Join successive contours to streams, by pitch and by timbre.

    Contours are assigned in the order of their beginnings. Each is assigned to the unoccupied stream whose last contour
    is nearest: the distance is that between their mean pitches in octaves plus that between their timbres, half the sum
    of absolute differences of the distributions of their firing over the bands. While there are fewer streams than
    `count`, a contour that is far from all others begins one. A contour for which every stream is occupied is left out.

    Parameters
    ----------
    pitch_contours : list of Contour
    fits : real (count of pitches, bands, frames)
        As returned by `pitch.pitches`.
    fired : real >= 0 (bands, frames)
        Firing of the correlogram: how loud each unit is.
    count : int >= 1
        The largest number of streams.
    agrees : float in [0, 1]
        Units that fit a pitch at least this well count for its timbre.

    Returns
    -------
    int (count, frames)
        Index of the stream's pitch in each frame; -1 where it has none.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language
    1994.
    """
    fits = checks.check_magnitude("fits", fits, "count bands frames")
    fired = checks.check_magnitude("fired", fired, "bands frames")
    checks.check_same_shape("the units of fits", fits[0], "fired", fired)
    count = checks.check_number("count", count, at_least=1, whole=True)
    rows = np.full((count, fired.shape[1]), -1)
    last: list[tuple[float, np.ndarray] | None] = [None] * count
    for contour in pitch_contours:
        timbre = _timbre(contour, fits, fired, agrees)
        pitch = float(contour.semitones.mean())
        span = slice(contour.frames[0], contour.frames[-1] + 1)
        costs = []
        for stream, last_contour in enumerate(last):
            if (rows[stream, span] >= 0).mean() > OVERLAP:
                costs.append(np.inf)
            elif last_contour is None:
                costs.append(NEW_STREAM)
            else:
                costs.append(abs(pitch - last_contour[0]) / 12 + 0.5 * float(np.abs(timbre - last_contour[1]).sum()))
        stream = int(np.argmin(costs))
        if np.isfinite(costs[stream]):
            free = rows[stream, contour.frames] < 0
            rows[stream, contour.frames[free]] = contour.rows[free]
            last[stream] = (pitch, timbre)
    return rows


def simultaneous(
    rows: np.ndarray,
    fits: np.ndarray,
    numbers: np.ndarray,
    fired: np.ndarray,
    hop_s: float,
    *,
    agrees: float = AGREES,
    together_s: float = TOGETHER_S,
) -> np.ndarray:
    """The units of each stream: whole segments by pitch or by onset and offset, and single units by pitch.

    A unit that fits the pitch of a stream belongs to the one that it fits best. A segment's units that fit no pitch
    belong to the stream that fits more than half of the segment's firing; otherwise to the stream whose segments begin
    or end together with it, if no other stream's segments do.

    Parameters
    ----------
    rows : int (count, frames)
        As returned by `streams`.
    fits : real (count of pitches, bands, frames)
        As returned by `pitch.pitches`.
    numbers : int (bands, frames)
        As returned by `segments`.
    fired : real >= 0 (bands, frames)
        Firing of the correlogram: how loud each unit is.
    hop_s : float > 0, seconds
        From one frame to the next.
    agrees : float in [0, 1]
        A unit with at least this fit belongs to a pitch.
    together_s : float >= 0, seconds
        The largest distance of onsets, or of offsets, that count as simultaneous.

    Returns
    -------
    bool (count, bands, frames)
        A unit belongs to one stream or to none.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. References: Brown and Cooke, Computer Speech and Language
    1994; Hu and Wang, IEEE Transactions on Neural Networks 2004. Difference: a unit's own fit has priority over that of
    its segment.

    Examples
    --------
    >>> fits = np.array([[0.9, 0.2], [0.1, 0.95]])[:, :, np.newaxis]  # each of two bands fits one of two pitches
    >>> units = simultaneous(np.array([[0], [1]]), fits, np.zeros((2, 1), int), np.ones((2, 1)), hop_s=0.01)
    >>> units[:, :, 0]
    array([[ True, False],
           [False,  True]])
    """
    rows = checks.check_axes("rows", rows, "count frames")
    fits = checks.check_magnitude("fits", fits, "count bands frames")
    numbers = checks.check_axes("numbers", numbers, "bands frames")
    fired = checks.check_magnitude("fired", fired, "bands frames")
    checks.check_same_shape("numbers", numbers, "fired", fired)
    checks.check_same_shape("the units of fits", fits[0], "fired", fired)
    checks.check_number("hop_s", hop_s, above=0, unit="seconds")
    checks.check_number("together_s", together_s, at_least=0, unit="seconds")
    frames = np.arange(rows.shape[1])
    # The fit of every unit to the pitch that each stream has in its frame.
    fit_to_stream = np.where(rows[:, np.newaxis] >= 0, fits[np.maximum(rows, 0), :, frames].transpose(0, 2, 1), 0)
    best = fit_to_stream.argmax(axis=0)
    stream_of_unit = np.where(fit_to_stream.max(axis=0) >= max(agrees, np.finfo(float).tiny), best, -1)
    stream_of_segment = _joined(stream_of_unit, numbers, fired, len(rows), round(together_s / hop_s))
    chosen = np.where(stream_of_unit >= 0, stream_of_unit, stream_of_segment[numbers])
    result: np.ndarray = chosen == np.arange(len(rows))[:, np.newaxis, np.newaxis]
    return result


def _timbre(contour: Contour, fits: np.ndarray, fired: np.ndarray, agrees: float) -> np.ndarray:
    units = fits[contour.rows, :, contour.frames].T
    shares = ((units >= agrees) * fired[:, contour.frames]).sum(axis=1)
    result: np.ndarray = shares / max(shares.sum(), np.finfo(float).tiny)
    return result


def _joined(stream_of_unit: np.ndarray, numbers: np.ndarray, fired: np.ndarray, count: int, reach: int) -> np.ndarray:
    """The stream of every segment, -1 for none; entry 0 means no segment."""
    total = int(numbers.max(initial=0)) + 1
    claims = np.stack(
        [np.bincount(numbers.ravel(), (fired * (stream_of_unit == j)).ravel(), total) for j in range(count)]
    )
    whole = np.bincount(numbers.ravel(), fired.ravel(), total)
    joined = np.where(claims.max(axis=0) > 0.5 * whole, claims.argmax(axis=0), -1)
    joined[0] = -1
    positions = np.nonzero(numbers)
    first, last = np.full(total, numbers.shape[1]), np.full(total, -1)
    np.minimum.at(first, numbers[positions], positions[1])
    np.maximum.at(last, numbers[positions], positions[1])
    votes = np.zeros((count, total))
    for edges in (first, last):
        # How much of each stream begins (ends) in each frame, and within reach of it.
        for stream in range(count):
            members = joined == stream
            weights_at = np.bincount(edges[members], whole[members], numbers.shape[1] + 1)
            sums = np.concatenate([[0.0], np.cumsum(weights_at)])
            low, high = np.clip(edges - reach, 0, len(weights_at)), np.clip(edges + reach + 1, 0, len(weights_at))
            votes[stream] += sums[high] - sums[low]
    # If several streams begin at the same time, the onset decides nothing.
    undecided = (joined < 0) & (votes.max(axis=0) > ALONE * votes.sum(axis=0))
    undecided[0] = False
    return np.where(undecided, votes.argmax(axis=0), joined)
