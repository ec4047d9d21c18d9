"""Axes that show nothing: a mistake that a figure does not report by itself.

Contents: visible_axes, has_content, shows_nothing, names_of_blank_axes.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Pixels at the edge of axes that belong to their frame and to ticks that point inwards.
FRAME_PIXELS = 6


def visible_axes(figure: "Figure") -> list["Axes"]:
    """The axes of a figure that a reader sees: neither hidden nor switched off. Scales of colours are among them."""
    return [ax for ax in figure.axes if ax.get_visible() and ax.axison]


def has_content(ax: "Axes") -> bool:
    """Whether anything was drawn on axes: a line, an image, an area, a text."""
    return bool(ax.has_data() or ax.texts or ax.tables or ax.child_axes)


def shows_nothing(ax: "Axes", pixels: np.ndarray) -> bool:
    """Whether all pixels inside the frame of axes have one colour: that of their ground, or that of an image.

    An area that a line fills, such as the waveform of a steady tone, is something to see.

    Parameters
    ----------
    ax : matplotlib Axes
        Of a figure that has been drawn.
    pixels : uint8 (rows, columns, 4)
        The figure as it was drawn, the top row first.
    """
    from matplotlib.colors import to_rgb

    box, rows = ax.bbox, pixels.shape[0]
    top, bottom = rows - int(box.y1) + FRAME_PIXELS, rows - int(box.y0) - FRAME_PIXELS
    inside = pixels[max(0, top) : bottom, max(0, int(box.x0) + FRAME_PIXELS) : int(box.x1) - FRAME_PIXELS]
    # Axes of a few pixels cannot be judged.
    if not inside.size or not (inside == inside[0, 0]).all():
        return False
    is_image = bool(ax.images) or any(collection.get_array() is not None for collection in ax.collections)
    return is_image or bool(np.allclose(inside[0, 0, :3] / 255, to_rgb(ax.get_facecolor()), atol=0.01))


def names_of_blank_axes(figure: "Figure", pixels: np.ndarray) -> list[str]:
    """The title, the label or the number of each visible axes of a drawn figure that shows nothing or one colour."""
    return [
        ax.get_title() or ax.get_ylabel() or f"number {number}"
        for number, ax in enumerate(visible_axes(figure), start=1)
        if not has_content(ax) or shows_nothing(ax, pixels)
    ]
