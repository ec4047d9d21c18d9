"""Scales of colours for figures that were drawn without one.

Contents: MASK, add_missing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Marks what shows a mask.
MASK = "mask"


def add_missing(figure: "Figure") -> None:
    """Give the masks of a figure one scale of colours beside them, unless one of them has a scale already."""
    masks = [mesh for ax in figure.axes for mesh in ax.collections if mesh.get_gid() == MASK]
    if masks and all(mesh.colorbar is None for mesh in masks):
        axes = [ax for ax in figure.axes if any(mesh.axes is ax for mesh in masks)]
        figure.colorbar(masks[0], ax=axes, label="mask")
