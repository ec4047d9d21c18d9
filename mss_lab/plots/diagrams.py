"""Diagrams: the blocks of a network from left to right, with arrows between them; and trees of instruments.

Contents: blocks, tree.
"""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..hierarchy import Hierarchy
from ..refusals import RefusedValue
from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

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


def tree(hierarchy: Hierarchy, ax: "Axes") -> dict[str, "Text"]:
    """Draw a tree of instruments: its leaves at the bottom, and each other node above the middle of its leaves.

    Returns
    -------
    dict of node -> Text
    """
    levels = range(1, hierarchy.levels + 1)
    nodes = {node: level for level in levels for node in hierarchy.nodes(level)}
    middles = {
        node: float(np.mean([hierarchy.leaves.index(leaf) for leaf in hierarchy.leaves_of(node)])) for node in nodes
    }
    for path in hierarchy.paths.values():
        ax.plot([middles[node] for node in path], levels, color="0.7", zorder=0)
    texts = {}
    for node, level in nodes.items():
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": COLOURS[(level - 1) % len(COLOURS)]}
        words = node.replace(" ", "\n").replace("_", "\n")
        texts[node] = ax.text(middles[node], level, words, ha="center", va="center", fontsize=8, bbox=box)
    ax.set(xlim=(-0.7, len(hierarchy.leaves) - 0.3), ylim=(0.5, hierarchy.levels + 0.5), ylabel="level")
    ax.set(xticks=[], yticks=list(levels))
    return texts


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
