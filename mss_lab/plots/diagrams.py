"""Diagrams: the blocks of a network from left to right, with arrows between them.

Contents: blocks.
"""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..refusals import RefusedValue
from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

WIDTH = 0.72  # of a box; columns are 1 apart
GAP = 0.16  # between boxes of a column, as a share of their distance


def blocks(
    columns: Sequence[str | Sequence[str]], ax: "Axes", *, skips: Sequence[tuple[int, int]] = ()
) -> list[list["Rectangle"]]:
    """Draw columns of boxes with arrows from each column to the next one.

    Parameters
    ----------
    columns : sequence of str or of sequence of str
        From left to right. A text alone is one box over the whole height; several texts are boxes below one another,
        each in a colour of its row.
    ax : matplotlib Axes
        Its axes are hidden.
    skips : sequence of (from column, to column)
        Arrows that lead above the boxes between two columns.

    Returns
    -------
    list of lists of Rectangle
        The boxes of each column.

    Raises
    ------
    ValueError
        If two neighbouring columns have several boxes each, and not equally many.
    """
    texts = [[column] if isinstance(column, str) else list(column) for column in columns]
    for left, right in itertools.pairwise(texts):
        if len(left) != len(right) and 1 not in (len(left), len(right)):
            raise RefusedValue(
                f"neighbouring columns must have equally many boxes, or one of them a single box, got {len(left)} and "
                f"{len(right)}; put a single box between them"
            )
    boxes = [_column(position, column, ax) for position, column in enumerate(texts)]
    for number, pair in enumerate(itertools.pairwise(boxes)):
        for box in max(pair, key=len):
            _arrow(ax, (number + WIDTH, _middle(box)), (number + 1, _middle(box)))
    for start, end in skips:
        ax.plot([start + WIDTH / 2] * 2 + [end + WIDTH / 2], [1, 1.12, 1.12], color="0.3", lw=1)
        _arrow(ax, (end + WIDTH / 2, 1.12), (end + WIDTH / 2, 1))
    ax.set(xlim=(-0.1, len(texts) - 1 + WIDTH + 0.1), ylim=(-0.05, 1.18 if skips else 1.05))
    ax.set_axis_off()
    return boxes


def _column(position: int, texts: Sequence[str], ax: "Axes") -> list["Rectangle"]:
    """Boxes below one another: grey if there is one, else each in a colour of its own."""
    from matplotlib.patches import Rectangle

    height = 1 / len(texts)
    boxes: list[Rectangle] = []
    for row, text in enumerate(texts):
        gap = GAP * height if len(texts) > 1 else 0
        colour = COLOURS[row % len(COLOURS)] if len(texts) > 1 else "0.5"
        corner = (position, 1 - (row + 1) * height + gap / 2)
        box = Rectangle(corner, WIDTH, height - gap, facecolor=colour, alpha=0.3, edgecolor="none")
        ax.add_patch(box)
        boxes.append(box)
        ax.text(position + WIDTH / 2, _middle(box), text, ha="center", va="center", fontsize=8)
    return boxes


def _middle(box: "Rectangle") -> float:
    """Height of the middle of a box."""
    return float(box.get_y() + box.get_height() / 2)


def _arrow(ax: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow between two points."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.3", "shrinkA": 1, "shrinkB": 1})
