"""Kernel grid: a proximity kernel drawn cell by cell.

A proximity kernel defines which bins around a bin of a spectrogram should have similar magnitudes: those to its left
and right for a sustained tone, those above and below it for a drum. The grid is the neighbourhood, with the bin itself
in the middle. It is an input for `controls.explore`::

    cells = kernel_grid.grid(rows=9, columns=9, cell_hz=40, cell_s=0.1, label="Neighbours that sound alike")
    controls.explore(listen, cells=cells)

Contents: grid, named, Grid, NAMES. Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
"""

from typing import Any

import numpy as np
import traitlets

from .. import checks
from ..refusals import RefusedValue, ShapeError
from . import drawn, fallback, front_end

# "clear" keeps the bin itself, since there is no median over a kernel without a cell.
NAMES = ("horizontal", "vertical", "cross", "periodic", "clear")
# With more cells, each would be too small to click.
MOST_CELLS = 31

Cells = tuple[tuple[bool, ...], ...]


def grid(
    rows: int = 9,
    columns: int = 9,
    *,
    cell_hz: float = 40.0,
    cell_s: float = 0.1,
    start: Any = "horizontal",
    label: str = "",
    period_cells: int = 2,
) -> "Grid":
    """Draw a proximity kernel, by mouse, touch or keyboard.

    Parameters
    ----------
    rows, columns : odd int, 1 to 31
        Size of the neighbourhood, in frequency and in time.
    cell_hz, cell_s : float > 0
        Height of a cell in Hz and width in seconds.
    start : str or (rows, columns) of bool
        One of `NAMES`, or the cells themselves, the highest frequency first.
    label : str
        Label of the input; in a panel by default the parameter's name.
    period_cells : int >= 1
        Distance between the cells of ``"periodic"``, in columns.

    Returns
    -------
    Grid
        An anywidget whose trait `value` is a tuple of rows, each a tuple of bool; the first row is the highest
        frequency, the first column the earliest time, the middle cell the bin itself.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If a size is even or out of bounds, a step not positive, or `start` is neither a name nor such cells.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus, Fitzgerald, Rafii, Pardo and Daudet,
    "Kernel additive models for source separation", 2014.
    """
    return Grid(rows, columns, cell_hz, cell_s, start, label, period_cells)


def named(name: str, rows: int, columns: int, period_cells: int = 2) -> Cells:
    """The cells of a kernel, by its name.

    ``"horizontal"`` is the middle row, ``"vertical"`` the middle column, ``"cross"`` both, ``"periodic"`` every
    `period_cells`-th cell of the middle row, counted from the middle, ``"clear"`` the middle alone.

    Raises TypeError or ValueError for an unknown name, an even size, or a period below 1.
    """
    name = checks.check_choice("name", name, NAMES)
    rows, columns = _check_size("rows", rows), _check_size("columns", columns)
    period_cells = checks.check_number("period_cells", period_cells, at_least=1, whole=True)
    up, along = np.arange(rows) - rows // 2, np.arange(columns) - columns // 2
    on_row, on_column = np.meshgrid(up == 0, along == 0, indexing="ij")
    cells = {
        "horizontal": on_row,
        "vertical": on_column,
        "cross": on_row | on_column,
        "periodic": on_row & (along % period_cells == 0),
        "clear": on_row & on_column,
    }
    return _tuples(cells[name])


class Grid(drawn.Drawn):
    """The widget behind `grid`.

    Attributes
    ----------
    value : tuple of tuples of bool
        Set it from code to the cells or to one of `NAMES`; a kernel of another size is refused.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    kernels = traitlets.Dict().tag(sync=True)
    cell_hz = traitlets.Float().tag(sync=True)
    cell_s = traitlets.Float().tag(sync=True)

    def __init__(
        self, rows: int, columns: int, cell_hz: float, cell_s: float, start: Any, label: str, period_cells: int
    ) -> None:
        cell_hz = checks.check_number("cell_hz", cell_hz, above=0, unit="Hz")
        cell_s = checks.check_number("cell_s", cell_s, above=0, unit="s")
        self._kernels = {name: named(name, rows, columns, period_cells) for name in NAMES}
        value = self._check("start", start)
        super().__init__(value=value, description=label, kernels=self._kernels, cell_hz=cell_hz, cell_s=cell_s)

    def check(self, value: Any) -> Cells:
        """Return the cells as tuples of bool, or raise ShapeError, TypeError or ValueError."""
        return self._check("value", value)

    def describe(self) -> str:
        """The kernel's name or the number of its cells, and the size of the grid in Hz and seconds."""
        rows, columns = len(self.value), len(self.value[0])
        count = sum(map(sum, self.value))
        name = next((name for name in NAMES[:-1] if self._kernels[name] == self.value), "")
        cells = f"{count} cell{'s' if count > 1 else ''}"
        within = f"within ±{rows // 2 * self.cell_hz:g} Hz and ±{columns // 2 * self.cell_s:g} s"
        return f"{f'{name}, ' if name else ''}{cells} {within}"

    def png(self) -> bytes:
        """The grid with its cells."""
        return fallback.kernel_png(np.array(self.value), self.cell_hz, self.cell_s)

    def _check(self, name: str, value: Any) -> Cells:
        if isinstance(value, str):
            return self._kernels[checks.check_choice(name, value, NAMES)]
        cells = checks.check_axes(name, value, "rows columns")
        expected = np.shape(self._kernels["clear"])
        if cells.shape != expected:
            raise ShapeError(
                f"{name} must be {expected} (rows, columns), got {cells.shape}; make a grid of that size to draw on"
            )
        if not np.isin(cells, (0, 1)).all():
            raise RefusedValue(f"{name} must hold True or False in every cell; compare numbers with 0: cells > 0")
        if not cells.any():
            raise RefusedValue(
                f"{name} must hold at least one cell that is True, since there is no median over none; "
                "set the middle cell for the bin itself"
            )
        return _tuples(cells.astype(bool))


def _tuples(cells: np.ndarray) -> Cells:
    return tuple(tuple(row) for row in cells.tolist())


def _check_size(name: str, size: Any) -> int:
    cells = int(checks.check_number(name, size, at_least=1, at_most=MOST_CELLS, whole=True))
    if cells % 2 == 0:
        raise RefusedValue(f"{name} must be odd, so that one cell is the middle, got {cells}; take {cells - 1}")
    return cells
