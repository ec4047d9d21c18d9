"""Proximity kernels: for each bin, the bins in which a source is about as strong; and the medians over them.

A kernel is defined in Hz and seconds, and is converted to bins and frames for a transform. There are three kinds:

- a *shape* is the same around every bin: a horizontal or vertical line, a cross, or one that was drawn;
- a *periodic* kernel contains the same bin one, two, ... periods earlier and later;
- *nearest neighbours* are the frames of the recording that are most similar, wherever they are.

At the edges of a spectrogram values are mirrored for a shape; the other two leave out frames that do not exist.

Symbols: f_j[f, n] model of the power of source j, z_j power of its estimate, I_j(f, n) the kernel around a bin.

Contents: Kernel; horizontal, vertical, cross, drawn, periodic, nearest, named; footprint, neighbours, median,
median_filter, median_of_frames, odd. Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import scipy.ndimage

from .. import checks
from ..refusals import RefusedType, RefusedValue

# 31 frames and 31 bins of a transform with windows of 4096 samples and hops of 1024 at 44.1 kHz.
LENGTH_S = 31 * 1024 / 44_100
HEIGHT_HZ = 31 * 44_100 / 4096
REPEATS = 5
NEIGHBOURS = 10
LEAST_DISTANCE_S = 1.0

# The values under a kernel are gathered in blocks of about this many, which stay in the processor's cache.
BLOCK_VALUES = 1 << 18


@dataclasses.dataclass(frozen=True)
class Kernel:
    """The bins where a source is about as strong as in the bin itself.

    Made by `horizontal`, `vertical`, `cross`, `drawn`, `periodic` and `nearest`.

    Attributes
    ----------
    name : str
    length_s, height_hz : float, seconds and Hz
        Lengths of the lines of a shape; 0 if it has none.
    points : tuple of (float, float)
        Offsets (Hz, seconds) of single bins of a shape.
    period_s : float or None
        Period of a periodic kernel; with None, a method estimates it from the recording.
    count : int
        The number of periods before and after, or of neighbours; 0 for a shape.
    least_distance_s : float, seconds
        Smallest distance between two neighbours.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
    """

    name: str
    length_s: float = 0.0
    height_hz: float = 0.0
    points: tuple[tuple[float, float], ...] = ()
    period_s: float | None = None
    count: int = 0
    least_distance_s: float = 0.0

    @property
    def is_shape(self) -> bool:
        """Whether it is the same around every bin."""
        return not self.count


def horizontal(length_s: float = LENGTH_S) -> Kernel:
    """A source with sustained pitches: the bins of this frequency, in an interval of time around this frame.

    Raises TypeError or ValueError if the length is not a number above 0.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Fitzgerald, DAFx 2010.
    """
    return Kernel("horizontal", length_s=checks.check_number("length_s", length_s, above=0, unit="seconds"))


def vertical(height_hz: float = HEIGHT_HZ) -> Kernel:
    """A percussive source: the bins of this frame, in a range of frequencies around this one.

    Raises TypeError or ValueError if the height is not a number above 0.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Fitzgerald, DAFx 2010.
    """
    return Kernel("vertical", height_hz=checks.check_number("height_hz", height_hz, above=0, unit="Hz"))


def cross(length_s: float = 0.1, height_hz: float = 50.0) -> Kernel:
    """A source with gliding pitches, such as a voice: a short line through time and one through frequency.

    Raises TypeError or ValueError if the length or height is not a number above 0.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus et al., ICASSP 2014.

    Examples
    --------
    >>> footprint(cross(0.5, 30.0), spacing_hz=10.0, frame_s=0.1).astype(int)
    array([[0, 0, 1, 0, 0],
           [1, 1, 1, 1, 1],
           [0, 0, 1, 0, 0]])
    """
    checks.check_number("length_s", length_s, above=0, unit="seconds")
    checks.check_number("height_hz", height_hz, above=0, unit="Hz")
    return Kernel("cross", length_s=length_s, height_hz=height_hz)


def drawn(grid: Sequence[Sequence[bool]], cell_hz: float, cell_s: float) -> Kernel:
    """A kernel with the shape of a drawing.

    Parameters
    ----------
    grid : bool (rows, columns), both odd
        Rows are frequencies, the top row the highest; columns are times. The cell in the middle is the bin itself.
    cell_hz, cell_s : float > 0, Hz and seconds
        From one row to the next, and from one column to the next. A cell selects the one bin at its position, however
        large the cells are, so a drawing has the same meaning for every transform.

    Returns
    -------
    Kernel

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the grid is not such a table, has an even number of rows or columns, or no cell is drawn.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
    """
    cells = checks.check_axes("grid", grid, "rows columns")
    if cells.dtype != bool:
        raise RefusedType(f"grid must hold True and False, got {cells.dtype}; compare it first: grid > 0")
    if not all(size % 2 for size in cells.shape):
        raise checks.ShapeError(
            f"grid must have odd numbers of rows and columns, got {cells.shape}; "
            "the cell in the middle is the bin itself"
        )
    checks.check_number("cell_hz", cell_hz, above=0, unit="Hz")
    checks.check_number("cell_s", cell_s, above=0, unit="seconds")
    rows, columns = np.nonzero(cells)
    if not len(rows):
        raise RefusedValue("grid has no cell that is drawn; draw at least one")
    up = (cells.shape[0] // 2 - rows) * cell_hz
    later = (columns - cells.shape[1] // 2) * cell_s
    return Kernel("drawn", points=tuple(zip(up.tolist(), later.tolist(), strict=True)))


def periodic(period_s: float | None = None, repeats: int = REPEATS) -> Kernel:
    """A source that repeats: this bin, and the same bin up to `repeats` periods earlier and later.

    Parameters
    ----------
    period_s : float > 0, seconds, optional
        Default: a method estimates the period from the recording.
    repeats : int >= 1

    Raises TypeError or ValueError otherwise.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus et al., IEEE TSP 2014.
    """
    if period_s is not None:
        checks.check_number("period_s", period_s, above=0, unit="seconds")
    count = checks.check_number("repeats", repeats, at_least=1, whole=True)
    return Kernel("periodic", period_s=period_s, count=count)


def nearest(count: int = NEIGHBOURS, least_distance_s: float = LEAST_DISTANCE_S) -> Kernel:
    """A source that recurs at any time: this frame and the frames that are most similar to it.

    Parameters
    ----------
    count : int >= 1
        The largest number of frames, this one included.
    least_distance_s : float > 0, seconds
        Between any two of them: adjacent frames are similar even if nothing is repeated.

    Raises TypeError or ValueError otherwise.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Rafii and Pardo, ISMIR 2012.
    """
    count = checks.check_number("count", count, at_least=1, whole=True)
    checks.check_number("least_distance_s", least_distance_s, above=0, unit="seconds")
    return Kernel("nearest", count=count, least_distance_s=least_distance_s)


NAMED: dict[str, Callable[..., Kernel]] = {
    "horizontal": horizontal,
    "vertical": vertical,
    "cross": cross,
    "periodic": periodic,
    "nearest": nearest,
}


def named(kernel: str | Kernel) -> Kernel:
    """The kernel of that name with its defaults, or the kernel itself.

    Raises
    ------
    TypeError, ValueError
        If it is neither; the names are listed.
    """
    if isinstance(kernel, Kernel):
        return kernel
    if not isinstance(kernel, str):
        raise RefusedType(
            f"a kernel must be a name or made by mss_lab.kernels, got {type(kernel).__name__}; for example 'horizontal'"
        )
    return NAMED[checks.check_choice("kernel", kernel, NAMED)]()


def odd(length: float, step: float) -> int:
    """The odd number of steps nearest to a length, at least 1: a median has a middle, and so has the kernel."""
    return 2 * round((length / step - 1) / 2) + 1 if length > step else 1


def footprint(kernel: Kernel, spacing_hz: float, frame_s: float) -> np.ndarray:
    """Convert a shape to bins and frames.

    Parameters
    ----------
    kernel : Kernel
        A shape.
    spacing_hz, frame_s : float > 0, Hz and seconds
        From one bin to the next, and from one frame to the next.

    Returns
    -------
    bool (bins, frames), both odd
        The bin itself is in the middle. Rows go up in frequency.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb

    Examples
    --------
    >>> footprint(horizontal(0.5), spacing_hz=10.0, frame_s=0.1)
    array([[ True,  True,  True,  True,  True]])
    """
    if not kernel.is_shape:
        raise RefusedValue(f"a {kernel.name} kernel has no one shape; use neighbours")
    bins = np.array([round(hz / spacing_hz) for hz, _ in kernel.points] or [0])
    frames = np.array([round(s / frame_s) for _, s in kernel.points] or [0])
    up = max(odd(kernel.height_hz, spacing_hz) // 2, int(np.abs(bins).max()))
    later = max(odd(kernel.length_s, frame_s) // 2, int(np.abs(frames).max()))
    shape = np.zeros((2 * up + 1, 2 * later + 1), bool)
    if kernel.points:
        shape[up + bins, later + frames] = True
    if kernel.length_s:
        shape[up] = True
    if kernel.height_hz:
        shape[:, later] = True
    return shape


def neighbours(kernel: Kernel, magnitude: np.ndarray, frame_s: float) -> np.ndarray:
    """The frames that belong to a periodic kernel or to one of nearest neighbours.

    Parameters
    ----------
    kernel : Kernel
        Not a shape; a periodic kernel must have a period.
    magnitude : real >= 0 (freq, frames)
        Of the recording; for a periodic kernel only its number of frames matters.
    frame_s : float > 0, seconds

    Returns
    -------
    int (frames, most)
        The frames of the kernel around each frame, itself included; -1 where there are fewer.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb

    Examples
    --------
    >>> neighbours(periodic(0.2, repeats=1), np.ones((1, 6)), frame_s=0.1)[3]
    array([1, 3, 5])
    """
    frames = magnitude.shape[1]
    if kernel.is_shape or (kernel.name == "periodic" and kernel.period_s is None):
        raise RefusedValue(
            f"the {kernel.name} kernel has no neighbours; give a periodic one, with its period, or nearest"
        )
    if kernel.period_s is not None:
        # Each multiple is rounded by itself, so that a period between two frames does not drift.
        offsets = np.rint(np.arange(-kernel.count, kernel.count + 1) * kernel.period_s / frame_s).astype(int)
        indices = np.arange(frames)[:, np.newaxis] + np.unique(offsets)
        return np.where((indices >= 0) & (indices < frames), indices, -1)
    return _most_similar(magnitude, kernel.count, max(1, round(kernel.least_distance_s / frame_s)))


def _most_similar(magnitude: np.ndarray, count: int, distance: int) -> np.ndarray:
    """The frames with the highest cosine similarity, no two of them nearer than `distance` frames."""
    frames = magnitude.shape[1]
    lengths = np.sqrt(np.sum(magnitude**2, axis=0))
    unit = magnitude / np.where(lengths > 0, lengths, 1)
    # Of two equally similar frames, the one that is nearer in time wins.
    distances = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    similarity = (unit.T @ unit).astype(np.float64) - 1e-9 * distances
    # A frame is most similar to itself, also if it is silent.
    np.fill_diagonal(similarity, 2.0)
    # A peak is the highest value within the distance.
    peaks = similarity >= scipy.ndimage.maximum_filter1d(similarity, 2 * distance - 1, axis=1, mode="constant", cval=-1)
    similarity = np.where(peaks, similarity, -1)
    most = min(count, frames)
    best = np.argpartition(-similarity, most - 1, axis=1)[:, :most]
    return np.where(np.take_along_axis(similarity, best, axis=1) > -0.5, best, -1)


def median(
    power: np.ndarray, kernel: Kernel, spacing_hz: float, frame_s: float, *, frame_indices: np.ndarray | None = None
) -> np.ndarray:
    """The median over a kernel around every bin, f_j(f, n) = median of z_j over I_j(f, n).

    Parameters
    ----------
    power : real >= 0 (freq, frames)
        z_j: powers or magnitudes.
    kernel : Kernel
    spacing_hz, frame_s : float > 0, Hz and seconds
        Bin spacing and hop of the transform.
    frame_indices : int (frames, most), optional
        The result of `neighbours`, if it is already known.

    Returns
    -------
    float (freq, frames)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If `power` is not a magnitude, or a step is not above 0.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus et al., IEEE TSP 2014.
    """
    power = checks.check_magnitude("power", power, "freq frames")
    checks.check_number("spacing_hz", spacing_hz, above=0, unit="Hz")
    checks.check_number("frame_s", frame_s, above=0, unit="seconds")
    if kernel.is_shape:
        return median_filter(power, footprint(kernel, spacing_hz, frame_s))
    return median_of_frames(power, neighbours(kernel, power, frame_s) if frame_indices is None else frame_indices)


def median_filter(values: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Median over a shape around every bin; beyond the edges the values are mirrored.

    Parameters
    ----------
    values : float (freq, frames)
    shape : bool (bins, frames), both odd

    Returns
    -------
    float (freq, frames)
        For an even number of bins, the mean of the two in the middle.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb

    Examples
    --------
    >>> median_filter(np.array([[1.0, 9, 1, 5, 5, 5]]), np.ones((1, 3), bool))
    array([[1., 1., 5., 5., 5., 5.]])
    """
    values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    if shape.size == 1 or not values.size:
        return values.copy()
    if shape.all() and 1 in shape.shape:
        along_time = shape.shape[0] == 1
        return _median_of_rows(values, shape.size) if along_time else _median_of_rows(values.T, shape.size).T
    up, later = shape.shape[0] // 2, shape.shape[1] // 2
    padded = np.pad(values, ((up, up), (later, later)), mode="symmetric")
    rows, columns = np.nonzero(shape)
    result = np.empty_like(values)
    block = max(1, BLOCK_VALUES // (values.shape[1] * len(rows)))
    for start in range(0, len(values), block):
        stop = min(start + block, len(values))
        samples = np.empty((stop - start, values.shape[1], len(rows)), values.dtype)
        for k, (row, column) in enumerate(zip(rows, columns, strict=True)):
            samples[..., k] = padded[start + row : stop + row, column : column + values.shape[1]]
        result[start:stop] = _middle(samples)
    return result


def _middle(samples: np.ndarray) -> np.ndarray:
    """The median over the last axis, which is reordered in place; several times as fast as NumPy's own."""
    count = samples.shape[-1]
    half = count // 2
    if count % 2:
        samples.partition(half, axis=-1)
        return samples[..., half]
    samples.partition((half - 1, half), axis=-1)
    # Halved first, so that very large powers do not overflow.
    return samples[..., half - 1] / 2 + samples[..., half] / 2


def _median_of_rows(values: np.ndarray, length: int) -> np.ndarray:
    # SciPy's filter is ten times as fast for one long line as for a plane. So all rows, each with its mirrored ends,
    # are joined to one line; the values where two rows meet are cut away.
    half = length // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="symmetric")
    line = scipy.ndimage.median_filter(padded.ravel(), size=length, mode="nearest")
    return np.ascontiguousarray(line.reshape(padded.shape)[:, half : half + values.shape[1]])


def median_of_frames(values: np.ndarray, frame_indices: np.ndarray) -> np.ndarray:
    """Median, in every bin, over the frames that belong to each frame.

    Parameters
    ----------
    values : float (..., freq, frames)
    frame_indices : int (frames, most)
        Indices of frames; -1 is left out. There must be at least one for each frame.

    Returns
    -------
    float (..., freq, frames)

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb

    Examples
    --------
    >>> median_of_frames(np.array([[1.0, 7, 1, 2, 1, 2]]), np.array([[0, 2, 4], [1, 3, 5]]))
    array([[1., 2.]])
    """
    by_frame = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    result = np.empty((len(frame_indices), *by_frame.shape[1:]), values.dtype)
    size = max(1, by_frame[:1].size)
    counts = np.sum(frame_indices >= 0, axis=1)
    # Valid indices first, so that frames with equally many can be processed together.
    ordered = np.take_along_axis(frame_indices, np.argsort(frame_indices < 0, axis=1, kind="stable"), axis=1)
    for count in np.unique(counts):
        same_count = np.flatnonzero(counts == count)
        block = max(1, BLOCK_VALUES // (size * max(1, int(count))))
        for start in range(0, len(same_count), block):
            rows = same_count[start : start + block]
            samples = np.empty((len(rows), *by_frame.shape[1:], count), values.dtype)
            for k in range(count):
                samples[..., k] = by_frame[ordered[rows, k]]
            result[rows] = _middle(samples)
    return np.moveaxis(result, 0, -1)
