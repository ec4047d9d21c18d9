"""The path of a recording through a score with jumps: passages left out or repeated, starts and ends in the middle.

Dynamic time warping (`paths`) goes through the whole score exactly once. Here the recording is compared with the score
in coarse frames, and the path may jump from any moment of the score to any other, at a fixed cost.

Contents: Run, JumpPath, path_with_jumps. Lesson: notebooks/07_scores_and_alignment.ipynb
Reference: Fremerey, Müller and Clausen, ISMIR 2010 (JumpDTW). Difference: they allow jumps at the repeat signs of a
printed score; a list of notes has no signs, so here a path may jump from everywhere to everywhere.
"""

import math
from typing import NamedTuple

import numpy as np

from . import features, paths
from .features import FRAME_S
from .notes import Score

# Length of the coarse frames in the recording. They are longer if the search would otherwise need more cells than this.
COARSE_S = 0.2
MOST_CELLS = 8_000_000
# The cost of a jump, and of a start or an end inside the score: as much as this many seconds in which the recording
# fits the score only by chance. Chosen on synthetic duets with 21 forms of repeats and cuts, and on pieces without any:
# with 1.5 s many sections of three seconds are missed, with 0.5 s jumps appear where there are none.
JUMP_S = 0.75
# The cost of a frame in which a path stays or passes two frames of the score, instead of one.
TEMPO_PRICE = 0.1
# A rest before or after the music costs nothing if the recording is this far below its loudest frame (first), and as
# much as a match by chance if it is only this far below (second).
REST_DB = (-50.0, -20.0)
# No frame costs more than this many matches by chance.
MOST_SURPRISE = 1.5


class Run(NamedTuple):
    """A section of the path without a jump: times in the recording and in the score, at frames' starts and the end."""

    recording_s: np.ndarray
    score_s: np.ndarray


class JumpPath(NamedTuple):
    """A path with jumps.

    Attributes
    ----------
    runs : tuple of Run
        At least one, in the order of the recording. Rests before, after and between them are left out.
    cost_s : float
        Cost of the path in seconds in which the recording fits the score by chance, jumps included.
    distance : float in [0, 1]
        Mean distance between the recording and the score along the path, as in `paths.distances`.
    """

    runs: tuple[Run, ...]
    cost_s: float
    distance: float


def path_with_jumps(levels: np.ndarray, score: Score, coarse_s: float = COARSE_S) -> JumpPath:
    """The cheapest path with jumps, over the tempi in `paths.TEMPI`.

    Parameters
    ----------
    levels : float (bands, frames)
        Levels of the recording, as from `features.band_levels`.
    score : Score
        With at least one pitched note.
    coarse_s : float > 0, seconds
        Length of a frame in the recording.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: Fremerey, Müller and Clausen, ISMIR 2010.
    """
    lead_s, end_s = features.extent_s(score)
    least_s = math.sqrt(levels.shape[1] * FRAME_S * (end_s - lead_s) / min(paths.TEMPI) / MOST_CELLS)
    factor = max(round(coarse_s / FRAME_S), math.ceil(least_s / FRAME_S))
    blocks = paths.averaged(levels, factor)
    rows, rest = features.unit_columns(blocks), _cost_of_rest(blocks)
    frame_s = factor * FRAME_S
    best: JumpPath | None = None
    for tempo in paths.TEMPI:
        columns = features.unit_columns(paths.averaged(features.columns_of(score, lead_s, FRAME_S * tempo), factor))
        distances = paths.distances(rows, columns)
        path, jumped, cost = _cheapest(_surprise(distances, rows, rest), JUMP_S / frame_s)
        if best is None or cost * frame_s < best.cost_s:
            runs = tuple(
                Run(row * frame_s, np.minimum(lead_s + column * frame_s * tempo, end_s))
                for row, column in _runs(path, jumped, columns.shape[1])
            )
            along = np.pad(distances, ((0, 0), (1, 1)), constant_values=1)[np.arange(len(path)), path]
            best = JumpPath(runs, cost * frame_s, float(along.mean()))
    assert best is not None
    return best


def _cost_of_rest(levels: np.ndarray) -> np.ndarray:
    """For each frame of the recording, the cost of treating it as a rest before or after the music: 0 to 1."""
    norms = np.linalg.norm(levels, axis=0)
    level_db = 20 * np.log10(np.maximum(norms / max(norms.max(), 1e-30), 1e-9))
    result: np.ndarray = np.interp(level_db, REST_DB, (0.0, 1.0))
    return result


def _surprise(distances: np.ndarray, rows: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The distance of frames relative to chance: 0 is a frame's best match in the score, 1 the mean of all.

    This is 1 minus the closeness of `agreement`. A column for rests is added at each end.
    """
    chance, best = distances.mean(axis=1, keepdims=True), distances.min(axis=1, keepdims=True)
    relative = np.where(chance - best > 1e-3, (distances - best) / np.maximum(chance - best, 1e-6), 0)
    # A silent frame matches only rests, even if the score has none.
    sounds = np.any(rows, axis=0, keepdims=True).T
    cells = np.minimum(np.where(sounds, relative, distances), MOST_SURPRISE)
    return np.concatenate([rest[:, np.newaxis], cells, rest[:, np.newaxis]], axis=1, dtype=np.float32)


def _cheapest(cells: np.ndarray, jump_price: float) -> tuple[np.ndarray, np.ndarray, float]:
    """For each row the column of the cheapest path, and whether the path jumped there; and the path's cost.

    From one row to the next a path stays, advances by one column or by two, or jumps anywhere.
    """
    rows, columns = cells.shape
    stay = np.full(columns, TEMPO_PRICE, np.float32)
    stay[[0, -1]] = 0
    steps = np.zeros((rows, columns), np.int8)
    jumped_from = np.zeros(rows, int)
    total = cells[0] + np.float32(jump_price)
    # Starting with a rest or the first frame of the score is not a jump; nor is ending with the last.
    total[:2] = cells[0, :2]
    for row in range(1, rows):
        reached = np.full((4, columns), np.inf, np.float32)
        reached[0] = total + stay
        reached[1, 1:] = total[:-1]
        reached[2, 2:] = total[:-2] + TEMPO_PRICE
        jumped_from[row] = np.argmin(total)
        reached[3] = total[jumped_from[row]] + jump_price
        steps[row] = reached.argmin(axis=0)
        total = cells[row] + reached.min(axis=0)
    total[:-2] += jump_price
    path, jumped = np.zeros(rows, int), np.zeros(rows, bool)
    path[-1] = np.argmin(total)
    for row in range(rows - 1, 0, -1):
        step = steps[row, path[row]]
        jumped[row] = step == 3
        path[row - 1] = jumped_from[row] if step == 3 else path[row] - step
    return path, jumped, float(total[path[-1]])


def _runs(path: np.ndarray, jumped: np.ndarray, columns: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of each section between jumps, counted from the start of the score, without rests."""
    runs = []
    for rows in np.split(np.arange(len(path)), np.flatnonzero(jumped)):
        rows = rows[(path[rows] >= 1) & (path[rows] <= columns)]
        if len(rows):
            # The starts of frames, and the end of the last one.
            runs.append((np.append(rows, rows[-1] + 1), np.append(path[rows] - 1, path[rows[-1]])))
    return runs or [(np.array([0, len(path)]), np.array([0, columns]))]
