"""Measured values: bars, tables as coloured cells, the loss of a training run.

Contents: bars, dots, heat_map, training_curve.
"""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from .style import COLOURS
from .style import outlined as edge_around

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.image import AxesImage

# Longer names of columns are broken between words, so that neighbours do not touch.
COLUMN_LETTERS = 14


def bars(values: Mapping[str, Mapping[str, float]], ax: "Axes", *, ylabel: str = "SDR (dB)") -> list["BarContainer"]:
    """Groups of bars: a group for each inner name, a colour for each outer name, the value on each bar."""
    groups = list(dict.fromkeys(name for inner in values.values() for name in inner))
    width = 0.8 / max(1, len(values))
    drawn = []
    for index, (label, inner) in enumerate(values.items()):
        positions = np.arange(len(groups)) + (index - (len(values) - 1) / 2) * width
        heights = np.array([inner.get(group, np.nan) for group in groups], dtype=float)
        # A bar of infinite length cannot be drawn; its value is written at the foot instead.
        lengths = np.where(np.isinf(heights), 0, heights)
        container = ax.bar(positions, lengths, width * 0.95, label=label, color=COLOURS[index % len(COLOURS)])
        texts = ["" if np.isnan(height) else f"{height:.1f}" for height in heights]
        ax.bar_label(container, texts, fontsize="x-small", padding=2)
        drawn.append(container)
    ax.set_xticks(range(len(groups)), groups)
    ax.set_ylabel(ylabel)
    ax.axhline(0, color="grey", lw=0.8)
    ax.margins(y=0.1)  # room for the values, also below negative bars
    if values:
        ax.legend(fontsize="small")
    return drawn


def dots(values: Mapping[str, Sequence[float]], ax: "Axes", *, xlabel: str = "SDR (dB)") -> None:
    """Rows of dots, the first at the top: a grey dot for each value of a row, and a blue bar at their mean.

    Raises
    ------
    ValueError
        If a row has no value.
    """
    empty = [label for label, row in values.items() if not len(row)]
    if empty:
        raise RefusedValue(f"every row must have at least one value, got none for {', '.join(empty)}; leave it out")
    for position, row in enumerate(values.values()):
        # Spread over the height of the row, so that equal values can be counted.
        heights = position + np.linspace(-0.25, 0.25, len(row) + 2)[1:-1]
        ax.plot(row, heights, "o", ms=3.5, color="0.55")
        ax.plot([np.mean(row)] * 2, [position - 0.38, position + 0.38], color=COLOURS[0], lw=3)
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.5, -0.5)
    ax.set_xlabel(xlabel)


def heat_map(
    table: Mapping[str, Mapping[str, float]],
    ax: "Axes",
    *,
    outlined: Collection[tuple[str, str]] = (),
    label: str = "SDR (dB)",
    decimals: int = 0,
    brightest: float | None = None,
) -> "AxesImage":
    """Draw a table of names and figures as coloured cells with the figures in them.

    Parameters
    ----------
    table : dict of line -> dict of column -> float
        nan, or a column that a line has not, is left blank.
    ax : matplotlib Axes
    outlined : collection of (line, column)
        Cells to frame.
    label : str
        Of the colours.
    decimals : int >= 0
    brightest : float, optional
        The value from which on all cells have the brightest colour, so that one very large value does not make the
        others look alike. The largest value unless given.

    Returns
    -------
    matplotlib AxesImage

    Raises
    ------
    ValueError
        If the table is empty.
    """
    from matplotlib.patches import Rectangle

    columns = list(dict.fromkeys(column for cells in table.values() for column in cells))
    if not columns:
        raise RefusedValue("the table must have at least one line and one column, got none; measure something first")
    values = np.array([[cells.get(column, np.nan) for column in columns] for cells in table.values()], float)
    finite = values[np.isfinite(values)]
    low, largest = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    high = largest if brightest is None else brightest
    image = ax.imshow(values, cmap="cividis", aspect="auto", vmin=low, vmax=max(high, low + 1e-9))
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            # White on the dark half of the colours, black on the bright one.
            colour = "white" if value < (low + high) / 2 else "black"
            # Adding 0 turns the -0.0 that rounding may leave into 0.0.
            text = f"{round(value, decimals) + 0.0:.{decimals}f}"
            ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    for line, name in outlined:
        corner = (columns.index(name) - 0.46, list(table).index(line) - 0.46)
        ax.add_patch(
            Rectangle(corner, 0.92, 0.92, fill=False, edgecolor=COLOURS[1], lw=2, path_effects=edge_around("black"))
        )
    titles = [_in_lines(column) for column in columns]
    ax.set_xticks(range(len(columns)), titles, fontsize=8)
    ax.set_yticks(range(len(table)), list(table), fontsize=8)
    ax.figure.colorbar(image, ax=ax, label=label, extend="max" if largest > high else "neither")
    return image


def _in_lines(name: str) -> str:
    """A name with line breaks after its commas, and between words where it is longer than `COLUMN_LETTERS`."""
    lines = name.replace(", ", ",\n").split("\n")
    return "\n".join(textwrap.fill(line, COLUMN_LETTERS, break_long_words=False) for line in lines)


def training_curve(
    rows: Sequence[Mapping[str, float]] | Mapping[str, Sequence[Mapping[str, float]]],
    ax: "Axes | None" = None,
    *,
    over: str = "step",
    title: str = "",
) -> "Axes":
    """Draw how the loss of one or several runs falls, on a logarithmic axis.

    Parameters
    ----------
    rows : sequence of dict, or dict of run name -> sequence of dict
        As `mss_lab.neural.run_folder.read_curve` gives them: `step`, `loss`, `seconds`, and at times `validation`,
        which is drawn as dots joined by a dashed line. Other columns are left alone. There may be none yet.
    ax : matplotlib Axes, optional
        Left out, on a figure of its own.
    over : {"step", "seconds"}
        What runs to the right.
    title : str

    Returns
    -------
    matplotlib Axes
        Its lines bear the labels "training" and "validation", behind the name of the run where there are several. Where
        no run was validated, names stand alone.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    checks.check_choice("over", over, ("step", "seconds"))
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.5, 2.8), layout="constrained").subplots()
    from matplotlib.ticker import LogLocator, NullFormatter

    runs = rows if isinstance(rows, Mapping) else {"": rows}
    validated = any("validation" in row for curve in runs.values() for row in curve)
    for index, (name, curve) in enumerate(runs.items()):
        # A run of its own has a colour for each line; of several, each has one for both.
        colours = (COLOURS[0], COLOURS[4]) if len(runs) == 1 else 2 * (COLOURS[index % len(COLOURS)],)
        for column, colour, style in zip(("loss", "validation"), colours, ("-", "o--"), strict=True):
            points = [(row[over], row[column]) for row in curve if column in row]
            if points:
                kind = {"loss": "training", "validation": "validation"}[column]
                label = f"{name} {kind}".strip() if validated or not name else name
                width = 1.5 if column == "loss" else 1.0
                style = "o" if len(points) == 1 else style  # a line needs two points to be seen
                ax.plot(*zip(*points, strict=True), style, label=label, lw=width, ms=4, color=colour)
    if any(np.min(line.get_ydata()) > 0 for line in ax.lines):
        ax.set_yscale("log")
        lowest, highest = ax.get_ylim()
        # Three labels a decade; more where the curve covers so little that fewer than two of them would be seen.
        subs = (1, 2, 5) if highest > 5 * lowest else (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
        ax.yaxis.set_major_locator(LogLocator(subs=subs))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    if not ax.lines:
        ax.text(0.5, 0.5, "no step yet", transform=ax.transAxes, ha="center", va="center", color="grey")
    if len(ax.lines) > 1:
        ax.legend(fontsize="small")
    ax.set(xlabel={"step": "step", "seconds": "time of training (s)"}[over], ylabel="loss", title=title)
    ax.grid(alpha=0.3, which="both")
    return ax
