"""Finished figures as images with alternative text.

Contents: Picture, picture, in_words, to_png, image_html.
"""

import base64
import html
import io
import math
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..refusals import RefusedValue
from . import blank, scales

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# matplotlib's text layout keeps global caches that are not made for two threads.
_drawing = threading.Lock()


class Picture:
    """A finished figure that a notebook shows as an image with alternative text."""

    def __init__(self, png: bytes, alternative_text: str) -> None:
        self.png = png
        self.alternative_text = alternative_text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": image_html(self.png, self.alternative_text), "text/plain": self.alternative_text}


def picture(figure: "Figure", alternative_text: str, *, dpi: int = 90) -> Picture:
    """Render a figure to PNG and close it. A mask that has no scale of colours yet gets one.

    Parameters
    ----------
    figure : matplotlib Figure
    alternative_text : str
        One sentence that says what the picture shows, for readers who cannot see it.
    dpi : int
        Dots per inch.

    Raises
    ------
    RefusedValue
        If the figure shows nothing, or there is no alternative text.
    """
    if not alternative_text.strip():
        raise RefusedValue("alternative_text is empty; say in one sentence what the picture shows")
    if not (any(map(blank.has_content, figure.axes)) or figure.texts or figure.images):
        raise RefusedValue("figure must show something, got only axes on which nothing is drawn; draw on them first")
    scales.add_missing(figure)
    png = to_png(figure, dpi)
    # Figures made by pyplot stay in its list until they are closed; for others this does nothing.
    from matplotlib import pyplot

    pyplot.close(figure)
    return Picture(png, alternative_text)


def to_png(figure: "Figure", dpi: int = 100) -> bytes:
    """A figure as PNG bytes, drawn by Agg whatever canvas it has; a little compressed, so fast. Safe in any thread."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas, figure_dpi = figure.canvas, figure.dpi
    buffer = io.BytesIO()
    with _drawing:
        try:
            figure.dpi = dpi
            FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 1, "dpi": (dpi, dpi)})
        finally:
            # The figure is the caller's: it gets its canvas and resolution back.
            figure.set_canvas(canvas)
            figure.dpi = figure_dpi
    return buffer.getvalue()


def image_html(png: bytes, alternative_text: str) -> str:
    """An HTML image element with the PNG inside."""
    data = base64.b64encode(png).decode()
    text = html.escape(alternative_text, quote=True)
    return f'<img src="data:image/png;base64,{data}" alt="{text}" style="max-width: 100%">'


def in_words(values: Mapping[Any, Any], decimals: int = 1) -> str:
    """Numbers by name as words for an alternative text, such as "violin 5.1, cello 4.0".

    Parameters
    ----------
    values : dict of name -> float, or of name -> such a dict
        Where names are numbers, "at" stands before them. A value that is not finite is written "none".
    decimals : int >= 0
    """
    parts = []
    for name, value in values.items():
        words = f"at {name:g}" if isinstance(name, int | float) else str(name)
        if isinstance(value, Mapping):
            parts.append(f"{words}: {in_words(value, decimals)}")
        else:
            # Adding 0 turns the -0.0 that rounding may leave into 0.0.
            number = f"{round(value, decimals) + 0.0:.{decimals}f}" if math.isfinite(value) else "none"
            parts.append(f"{words} {number}")
    return ("; " if any(isinstance(value, Mapping) for value in values.values()) else ", ").join(parts)
