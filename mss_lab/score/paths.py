"""The cheapest path through two sequences of frames: dynamic time warping, with librosa's implementation.

Rows are frames of the recording, columns frames of the score; a cell's distance is 1 minus the cosine between the two.
`whole_path` goes from corner to corner, coarse frames first: a coarse path limits the finer one, and the finest is
computed block by block, so memory grows with the length of the recording and not with its square. `part_path` searches
the position of a recording in the score.

Contents: TEMPI, distances, frame_costs, totals, whole_path, part_path. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import math
from typing import Any

import numpy as np

from . import features

# Coarsest level: at most this many frames on either axis. Each level is this much finer than the one before.
COARSEST_FRAMES = 2000
FINER = 4
# A finer path stays within this many frames of the coarser path.
RADIUS = 6
# The finest level is solved in blocks of this many frames; each block includes this many frames of the next one.
BLOCK_FRAMES, LOOK_AHEAD_FRAMES = 1500, 300

# Tempi of the recording relative to the score that are tried if the position in the score is unknown.
TEMPI = (1.0, 0.5, math.sqrt(0.5), math.sqrt(2), 2.0)

# The cost of a missed onset relative to that of a wrong chord.
ONSET_WEIGHT = 0.4

# From corner to corner: either side may stay while the other advances, at a cost. A step of both has weight 2.
FREE_STEPS, FREE_WEIGHTS = ((1, 1), (1, 0), (0, 1)), (2.0, 1.5, 1.5)
# Within a score: between half and double tempo, each frame of the recording counted once. Staying is not allowed,
# because whole recordings would collapse to the one chord that fits them best.
BOUND_STEPS, BOUND_WEIGHTS = ((1, 1), (1, 2), (2, 1)), (1.0, 1.0, 2.0)


def distances(recording: np.ndarray, score: np.ndarray) -> np.ndarray:
    """1 minus the cosine of every pair of frames, float64 (recording frames, score frames), in [0, 1].

    Frames are columns of length 1 or, if silent, 0. Two silent frames have distance 0.
    """
    result: np.ndarray = 1 - np.clip(recording.T.astype(float) @ score.astype(float), 0, 1)
    result[np.ix_(~recording.any(axis=0), ~score.any(axis=0))] = 0
    return result


def frame_costs(recording: tuple[np.ndarray, np.ndarray], score: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The cost of every pair of frames: the distance of their levels plus the weighted distance of their onsets.

    Each side consists of its normalised columns and its onsets, both float (bands, frames).
    """
    return distances(recording[0], score[0]) + ONSET_WEIGHT * _onset_distances(recording[1], score[1])


def whole_path(
    recording_levels: np.ndarray,
    score_levels: np.ndarray,
    onsets: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """The path from both starts to both ends: int (steps, 2), frames of recording and score, never decreasing.

    Parameters
    ----------
    recording_levels, score_levels : float (bands, frames)
        As from `features.band_levels` and `features.score_levels`; the numbers of frames may differ.
    onsets : two float (bands, frames), optional
        Of recording and score, as from `features.recording_onsets` and `features.score_onsets`. They are used at the
        finest level, where they distinguish a repeated chord from a sustained one.
    """
    longest = max(recording_levels.shape[1], score_levels.shape[1])
    factors = [1]
    while longest / factors[0] > COARSEST_FRAMES or (len(factors) < 2 and longest / factors[0] > 50):
        factors.insert(0, factors[0] * FINER)
    path: np.ndarray | None = None
    marks = onsets or (np.zeros((1, recording_levels.shape[1])), np.zeros((1, score_levels.shape[1])))
    for level, factor in enumerate(factors):
        rows, columns = (features.unit_columns(averaged(levels, factor)) for levels in (recording_levels, score_levels))
        used = marks if factor == 1 else (np.zeros((1, rows.shape[1])), np.zeros((1, columns.shape[1])))
        if path is None:
            path = _dtw(frame_costs((rows, used[0]), (columns, used[1])), FREE_STEPS, FREE_WEIGHTS)
        else:
            path = _finer_path((rows, columns), used, path, factors[level - 1] // factor)
    assert path is not None
    return path


def part_path(recording: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, float]:
    """The part of a score that fits a recording best, between half and double its tempo.

    Parameters
    ----------
    recording, score : float (bands, frames)
        Columns of length 1 or 0. Either may be the longer; the position is always searched in the score.

    Returns
    -------
    path : int (steps, 2)
        Empty if the score is shorter than half the recording.
    cost : float
        Mean distance of a frame of the recording; infinite without a path.
    """
    rows, columns = recording.shape[1], score.shape[1]
    if 2 * columns <= rows:
        return np.zeros((0, 2), int), math.inf
    cells = distances(recording, score)
    # librosa searches the longer of the two sequences, whichever it is. Columns of infinite cost make the score the
    # longer one.
    padding = np.full((rows, max(0, rows - columns)), np.inf)
    return _part_of(np.concatenate([cells, padding], axis=1))


def averaged(levels: np.ndarray, factor: int) -> np.ndarray:
    """Mean of the levels over blocks of frames; the last block may be shorter."""
    if factor == 1:
        return levels
    starts = np.arange(0, levels.shape[1], factor)
    counts = np.diff(starts, append=levels.shape[1])
    return np.add.reduceat(levels, starts, axis=1) / counts


def _part_of(cells: np.ndarray) -> tuple[np.ndarray, float]:
    import librosa

    try:
        total, path = librosa.sequence.dtw(
            C=cells,
            subseq=True,
            step_sizes_sigma=np.array(BOUND_STEPS),
            weights_mul=np.array(BOUND_WEIGHTS),
        )
    except librosa.ParameterError:
        # No path satisfies the limits of tempo.
        return np.zeros((0, 2), int), math.inf
    path = path[::-1]
    return path, float(total[-1, path[-1, 1]] / len(cells))


def _dtw(cells: np.ndarray, steps: tuple[Any, ...], weights: tuple[Any, ...]) -> np.ndarray:
    import librosa

    _, path = librosa.sequence.dtw(C=cells, step_sizes_sigma=np.array(steps), weights_mul=np.array(weights))
    return path[::-1]


def totals(cells: np.ndarray) -> np.ndarray:
    """Costs of the cheapest paths from the first pair of frames to each pair; steps and weights as in `whole_path`."""
    import librosa

    return librosa.sequence.dtw(
        C=cells, step_sizes_sigma=np.array(FREE_STEPS), weights_mul=np.array(FREE_WEIGHTS), backtrack=False
    )


def _onset_distances(recording: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Half the squared distance of every pair of frames: lengths count here, since most frames have no onset."""
    lengths = np.sum(recording**2, axis=0)[:, np.newaxis] + np.sum(score**2, axis=0)
    result: np.ndarray = np.maximum(0, 0.5 * lengths - recording.T @ score)
    return result


def _finer_path(
    frames: tuple[np.ndarray, np.ndarray], onsets: tuple[np.ndarray, np.ndarray], coarse: np.ndarray, factor: int
) -> np.ndarray:
    """The path near a coarser one, block by block: each continues from the last cell that the previous one decided."""
    rows, columns = frames
    last = np.array([rows.shape[1] - 1, columns.shape[1] - 1])
    # The coarser path at the centres of its frames, with the corners added.
    centre = np.concatenate([[[0, 0]], np.minimum(coarse * factor + factor // 2, last), [last]])
    radius = RADIUS * factor
    pieces, start = [], np.array([0, 0])
    while True:
        goal = last
        if start[0] + BLOCK_FRAMES + LOOK_AHEAD_FRAMES < last[0]:
            ahead = np.searchsorted(centre[:, 0], start[0] + BLOCK_FRAMES + LOOK_AHEAD_FRAMES)
            goal = np.maximum(centre[ahead], start + 1)
        part = slice(start[0], goal[0] + 1), slice(start[1], goal[1] + 1)
        cells = frame_costs((rows[:, part[0]], onsets[0][:, part[0]]), (columns[:, part[1]], onsets[1][:, part[1]]))
        cells[~_near(cells.shape, centre - start, radius)] = np.inf
        path = _dtw(cells, FREE_STEPS, FREE_WEIGHTS) + start
        if goal[0] == last[0] or goal[1] == last[1]:
            pieces.append(path)
            tail = np.arange(path[-1, 0] + 1, last[0] + 1)
            pieces.append(np.stack([tail, np.full(len(tail), last[1])], axis=1))
            return np.concatenate(pieces)
        decided = path[: np.searchsorted(path[:, 0], start[0] + BLOCK_FRAMES, side="right")]
        pieces.append(decided[:-1])
        start = decided[-1]


def _near(shape: tuple[int, int], centre: np.ndarray, radius: int) -> np.ndarray:
    """Whether each cell lies within `radius` columns or rows of a path; corners always do."""
    row, column = np.arange(shape[0]), np.arange(shape[1])
    by_row = [np.searchsorted(centre[:, 0], row, side=side) for side in ("left", "right")]
    by_column = [np.searchsorted(centre[:, 1], column, side=side) for side in ("left", "right")]
    limit = len(centre) - 1
    # A path may stay in one direction: from the first to the last column that it has in each row, and vice versa.
    low, high = (centre[np.clip(index, 0, limit), 1] for index in (by_row[0], by_row[1] - 1))
    low, high = np.minimum(low, high)[:, np.newaxis], np.maximum(low, high)[:, np.newaxis]
    early, late = (centre[np.clip(index, 0, limit), 0] for index in (by_column[0], by_column[1] - 1))
    early, late = np.minimum(early, late), np.maximum(early, late)
    near: np.ndarray = (column >= low - radius) & (column <= high + radius)
    near |= (row[:, np.newaxis] >= early - radius) & (row[:, np.newaxis] <= late + radius)
    near[0, 0] = near[-1, -1] = True
    return near
