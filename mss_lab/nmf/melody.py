"""A melody from the loudness of each pitch over time: the loudest line that does not jump too often.

Contents: melody, near. Lesson: notebooks/06_nmf_that_knows_time.ipynb
"""

import numpy as np

from .. import checks, units
from ..refusals import RefusedValue

JUMP_PENALTY = 5.0
WIDTH_SEMITONES = 0.75
SILENCE_DB = -40.0


def melody(
    sources: np.ndarray,
    pitches_hz: np.ndarray,
    *,
    jump_penalty: float = JUMP_PENALTY,
    width_semitones: float = WIDTH_SEMITONES,
    silence_db: float = SILENCE_DB,
) -> np.ndarray:
    """The line through the sources with the largest sum of log H_F0 less a penalty for every semitone that it jumps.

    Parameters
    ----------
    sources : real >= 0 (combs, frames)
        H_F0. Values more than 40 dB below the loudest count as 40 dB below it.
    pitches_hz : real > 0 (combs,)
        In ascending order.
    jump_penalty : float >= 0
        The cost of a jump for each semitone; 0 takes the loudest pitch of each frame. In log H_F0, 5 is as much as a
        pitch that is 22 dB louder in one frame.
    width_semitones, silence_db : float >= 0, float < 0
        The voice is silent where the power within this distance from the line is this far below its maximum.

    Returns
    -------
    float64 (frames,), Hz
        0 where the voice is silent.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the sources are not magnitudes or do not fit the pitches, or an option is out of its range.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Durrieu et al., IEEE TASLP 2010; Viterbi, 1967.

    Examples
    --------
    >>> sources = np.array([[1.0, 1.0, 0.9, 1.0], [0.0, 0.0, 1.0, 0.0]])
    >>> melody(sources, np.array([100.0, 200.0])), melody(sources, np.array([100.0, 200.0]), jump_penalty=0)
    (array([100., 100., 100., 100.]), array([100., 100., 200., 100.]))
    """
    sources, pitches_hz = _checked_sources(sources, pitches_hz)
    penalty = checks.check_number("jump_penalty", jump_penalty, at_least=0)
    checks.check_number("silence_db", silence_db, below=0, unit="dB")
    if not sources.any():
        return np.zeros(sources.shape[1])
    line = pitches_hz[_best_path(np.log(np.maximum(sources, 1e-4 * sources.max())), pitches_hz, penalty)]
    levels = np.sum(sources, axis=0, where=near(line, pitches_hz, width_semitones), dtype=np.float64)
    return np.where(levels > units.db_to_amplitude(silence_db) ** 2 * levels.max(), line, 0.0)


def _best_path(scores: np.ndarray, pitches_hz: np.ndarray, penalty: float) -> np.ndarray:
    """Viterbi's path, an index for each frame.

    The best way to a pitch comes from below or from above. As a jump costs in proportion to its size, the best way from
    below is a running maximum of the reached sums, each weighed by the height of its pitch. So no pairs of pitches are
    compared, and the cost of a frame is proportional to the number of pitches.
    """
    climb = penalty * 12 * np.log2(pitches_hz)
    index = np.arange(len(scores))
    came_from = np.zeros(scores.shape, int)
    reached = scores[:, 0].astype(float)
    for frame in range(1, scores.shape[1]):
        below, below_at = _running_best(reached + climb, index)
        above, above_at = (array[::-1] for array in _running_best((reached - climb)[::-1], index[::-1]))
        from_below, from_above = below - climb, above + climb
        came_from[:, frame] = np.where(from_below >= from_above, below_at, above_at)
        reached = np.maximum(from_below, from_above) + scores[:, frame]
    path = np.empty(scores.shape[1], int)
    path[-1] = reached.argmax()
    for frame in range(len(path) - 1, 0, -1):
        path[frame - 1] = came_from[path[frame], frame]
    return path


def _running_best(values: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest value so far, and the entry of `index` at its last occurrence."""
    best = np.maximum.accumulate(values)
    return best, index[np.maximum.accumulate(np.where(values >= best, np.arange(len(values)), 0))]


def near(melody_hz: np.ndarray, pitches_hz: np.ndarray, width_semitones: float = WIDTH_SEMITONES) -> np.ndarray:
    """Which pitches lie within `width_semitones` of a melody, bool (combs, frames); none where it is 0, silent.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb

    Examples
    --------
    >>> near(np.array([100.0, 0.0]), np.array([100.0, 104.0, 200.0]))
    array([[ True, False],
           [ True, False],
           [False, False]])
    """
    melody_hz = checks.check_magnitude("melody_hz", melody_hz, "frames")
    checks.check_number("width_semitones", width_semitones, at_least=0, unit="semitones")
    voiced = melody_hz > 0
    distances_semitones = 12 * np.abs(np.log2(np.asarray(pitches_hz)[:, np.newaxis] / np.where(voiced, melody_hz, 1)))
    return (distances_semitones <= width_semitones + 1e-9) & voiced


def _checked_sources(sources: np.ndarray, pitches_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sources = checks.check_magnitude("sources", sources, "combs frames")
    pitches_hz = checks.check_finite("pitches_hz", checks.check_axes("pitches_hz", pitches_hz, "combs")).astype(float)
    if len(pitches_hz) != len(sources) or not pitches_hz.size:
        raise checks.ShapeError(
            f"pitches_hz must be one for each of the {len(sources)} sources, got {len(pitches_hz)}; "
            "use those that the combs were made with"
        )
    if pitches_hz[0] <= 0 or (np.diff(pitches_hz) <= 0).any():
        raise RefusedValue("pitches_hz must be above 0 and ascend, got others; make them with fundamentals_hz")
    return sources, pitches_hz
