"""The grid of the mask painter: which bins of a transform belong to each cell that a reader can paint.

The rows of the grid are bands of whole bins. Low bands are one bin high, because nothing can be painted within a bin;
from there on each band is higher than the one below by the same ratio, so that the axis is logarithmic. All columns
have the same number of frames, except the last, which may have fewer. Every bin of the transform lies in exactly one
cell: a mask that is expanded changes the bins of its cells and no others.

Contents: Grid, grid_for. Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb
"""

import dataclasses

import numpy as np

from .. import checks
from ..refusals import RefusedValue, ShapeError

# Three pixels for each row and two for each column: more could not be distinguished on a page.
MOST_ROWS = 128
MOST_COLUMNS = 400


@dataclasses.dataclass(frozen=True)
class Grid:
    """Cells over the bins of a transform.

    Attributes
    ----------
    edges : tuple of int, (rows + 1,)
        Row r holds the bins from ``edges[r]`` to ``edges[r + 1] - 1``; row 0 is the lowest frequency.
    frames : int
        Frames of the transform.
    frames_per_column : int
    """

    edges: tuple[int, ...]
    frames: int
    frames_per_column: int

    @property
    def bins(self) -> int:
        """Bins of the transform."""
        return self.edges[-1]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self.edges) - 1, -(-self.frames // self.frames_per_column)

    def check(self, name: str, mask: np.ndarray) -> np.ndarray:
        """Return a mask as float32 (rows, columns), or raise ShapeError, TypeError or ValueError."""
        mask = checks.check_magnitude(name, mask, "rows columns")
        if mask.shape != self.shape:
            raise ShapeError(
                f"{name} must be {self.shape} (rows, columns), got {mask.shape}; "
                "a mask of the bins of the transform becomes one of the cells by reduce(mask)"
            )
        if mask.max() > 1:
            raise RefusedValue(f"{name} must lie between 0 and 1, got {mask.max():.4g}; divide it by its largest value")
        return mask.astype(np.float32)

    def expand(self, mask: np.ndarray) -> np.ndarray:
        """The mask of the transform's bins, float32 (freq, frames): each bin has the value of its cell.

        Raises ShapeError, TypeError or ValueError if `mask` is not (rows, columns) with values from 0 to 1.
        """
        mask = self.check("mask", mask)
        tall = np.repeat(mask, np.diff(self.edges), axis=0)
        return np.repeat(tall, self.frames_per_column, axis=1)[:, : self.frames]

    def reduce(self, mask: np.ndarray) -> np.ndarray:
        """The mask of the cells, float32 (rows, columns): each cell has the mean of its bins.

        Parameters
        ----------
        mask : float (freq, frames) or (channels, freq, frames)
            A mask with values from 0 to 1, such as an ideal one; the mean over the channels is taken.

        Raises
        ------
        ShapeError, TypeError, ValueError
            If the mask has other bins or frames, or values outside 0 to 1.
        """
        mask = np.asarray(mask)
        mask = checks.check_magnitude("mask", mask, "freq frames" if mask.ndim == 2 else "channels freq frames")
        if mask.shape[-2:] != (self.bins, self.frames) or mask.shape[0] == 0:
            raise ShapeError(
                f"mask must be {(self.bins, self.frames)} (freq, frames), got {mask.shape}; "
                "compute it from the transform that the painter shows"
            )
        if mask.max() > 1:
            raise RefusedValue(f"mask must lie between 0 and 1, got {mask.max():.4g}; divide it by its largest value")
        plane = mask.mean(axis=0) if mask.ndim == 3 else mask
        counts = np.outer(np.diff(self.edges), np.diff([*self._starts, self.frames]))
        return np.asarray(np.clip(self._over_cells(np.add, plane) / counts, 0, 1), np.float32)

    def loudest(self, power: np.ndarray) -> np.ndarray:
        """The largest value of each cell, (rows, columns), of a plane (freq, frames)."""
        return self._over_cells(np.maximum, power)

    @property
    def _starts(self) -> np.ndarray:
        return np.arange(0, self.frames, self.frames_per_column)

    def _over_cells(self, join: np.ufunc, plane: np.ndarray) -> np.ndarray:
        rows = join.reduceat(plane, np.array(self.edges[:-1]), axis=0)
        return np.asarray(join.reduceat(rows, self._starts, axis=1))


def grid_for(bins: int, frames: int) -> Grid:
    """The grid of a transform: at most 128 rows and 400 columns.

    Raises TypeError or ValueError if a number is below 1.

    Examples
    --------
    >>> grid_for(bins=2049, frames=431).shape
    (128, 216)
    >>> grid_for(bins=4, frames=1).edges
    (0, 1, 2, 3, 4)
    """
    bins = int(checks.check_number("bins", bins, at_least=1, whole=True))
    frames = int(checks.check_number("frames", frames, at_least=1, whole=True))
    return Grid(_edges(bins), frames, -(-frames // MOST_COLUMNS))


def _edges(bins: int) -> tuple[int, ...]:
    if bins <= MOST_ROWS:
        return tuple(range(bins + 1))
    # The smallest ratio for which the bands, each at least one bin high, reach the last bin in the rows that there are.
    low, high = 1.0, 2.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _grown(middle)[-1] >= bins else (middle, high)
    edges = np.minimum(np.rint(_grown(high)), bins).astype(int)
    return tuple(edges.tolist())


def _grown(ratio: float) -> np.ndarray:
    edges = [0.0]
    while len(edges) <= MOST_ROWS:
        edges.append(max(edges[-1] + 1, edges[-1] * ratio))
    return np.array(edges)
