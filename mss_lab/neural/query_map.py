"""A map of queries: stored vectors seen along their two main directions, and the vector that a point of it stands for.

A map loses what lies across it. A point stands for the vector that lies on the map's plane there, moved away from the
plane as far as the mean vectors of the instruments are, the nearest ones most. So the place of an instrument's mean
stands for that mean exactly, and between them the vector changes without a step.

Contents: QueryMap, of. Lesson: notebooks/22_hierarchies_and_queries.ipynb
Reference: Manilow, PhD thesis 2022, chapter 2 (Fig. 2.15); the weights are those of Shepard, ACM 1968.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from .. import checks
from ..refusals import ShapeError
from .query_vectors import Vectors


@dataclasses.dataclass(frozen=True, eq=False)
class QueryMap:
    """The plane of largest variance through many vectors; made by `of`.

    Attributes
    ----------
    centre : float (dimensions,)
        The mean of all vectors: position (0, 0).
    directions : float (2, dimensions)
        The directions across and up, of length 1 and at right angles.
    positions : float (queries, 2)
        Of each stored vector, in the unit of the vectors.
    means : float (leaves, dimensions)
        The mean vector of each instrument.
    leaves : tuple of str

    Lesson: notebooks/22_hierarchies_and_queries.ipynb
    """

    centre: np.ndarray
    directions: np.ndarray
    positions: np.ndarray
    means: np.ndarray
    leaves: tuple[str, ...]

    @property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The lowest and the highest position, across and up, with a twentieth of the range around them."""
        low, high = self.positions.min(axis=0), self.positions.max(axis=0)
        margin = np.maximum((high - low) / 20, 1e-3)
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
        return (left, right), (bottom, top)

    def mean(self, leaf: str) -> np.ndarray:
        """The mean vector of an instrument, float32 (dimensions,); ValueError if the map has no such instrument."""
        checks.check_choice("instrument", leaf, self.leaves)
        mean: np.ndarray = self.means[self.leaves.index(leaf)].astype(np.float32)
        return mean

    def position_of(self, vector: np.ndarray) -> np.ndarray:
        """Where a vector lies on the map, float (2,).

        Raises ValueError if the vector has not the map's dimensions, or is not finite.
        """
        vector = checks.check_finite("vector", checks.check_axes("vector", vector, "dimensions"))
        if vector.shape != self.centre.shape:
            raise ShapeError(f"vector must have shape {self.centre.shape}, got {vector.shape}; take `query.vector_of`")
        position: np.ndarray = self.directions @ (vector - self.centre)
        return position

    def vector_at(self, point: Sequence[float] | np.ndarray) -> np.ndarray:
        """The vector that a point stands for, float32 (dimensions,); its own position is that point.

        Raises TypeError or ValueError if the point is not two finite numbers.
        """
        across, up = point
        at = np.array([checks.check_number("across", across), checks.check_number("up", up)], float)
        on_plane = self.centre + at @ self.directions
        positions = (self.means - self.centre) @ self.directions.T
        beside = self.means - self.centre - positions @ self.directions
        squared = np.sum((positions - at) ** 2, axis=1)
        nearest = squared.argmin()
        if squared[nearest] < 1e-12:
            return self.mean(self.leaves[nearest])
        weights = squared[nearest] / squared
        vector: np.ndarray = on_plane + weights @ beside / weights.sum()
        return vector.astype(np.float32)

    def nearest_leaf(self, vector: np.ndarray) -> tuple[str, float]:
        """The instrument whose mean vector is nearest in all dimensions, and its distance in the unit of the vectors.

        Raises ValueError as `position_of`.
        """
        self.position_of(vector)
        distances = np.linalg.norm(self.means - vector, axis=1)
        return self.leaves[distances.argmin()], float(distances.min())


def of(vectors: Vectors) -> QueryMap:
    """The map of stored vectors, such as `mss_lab.neural.query_vectors.shipped()`.

    Parameters
    ----------
    vectors : Vectors
        At least two queries, of at least two dimensions.

    Raises
    ------
    ShapeError
        If there are fewer.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, PhD thesis 2022, chapter 2.
    """
    rows = vectors.vectors.astype(float)
    if min(rows.shape) < 2:
        raise ShapeError(f"a map needs at least two vectors of at least two dimensions, got {rows.shape}; add songs")
    centre = rows.mean(axis=0)
    directions = np.linalg.svd(rows - centre, full_matrices=False)[2][:2]
    means = np.stack([vectors.mean(leaf) for leaf in vectors.leaves]).astype(float)
    return QueryMap(centre, directions, (rows - centre) @ directions.T, means, vectors.leaves)
