"""Picture: an image in the page that is exchanged in place, without a flicker and with alternative text.

Contents: Picture, alternative_text. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import pathlib
from typing import Any

import anywidget
import traitlets

from .. import plots


class Picture(anywidget.AnyWidget):
    """A PNG and what it shows in words; `show` exchanges both at once.

    The page decodes a new picture before it takes the old one's place, and keeps only the newest of those that wait.
    """

    _esm = pathlib.Path(__file__).with_suffix(".js")

    png = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)

    def show(self, figure: Any, alt: str = "") -> None:
        """Draw a matplotlib figure, or nothing for None; `alt` replaces the text made from its titles and labels."""
        png = b"" if figure is None else plots.to_png(figure)
        with self.hold_sync():
            self.png = png
            self.alt = "" if figure is None else alt or alternative_text(figure)
            self.revision += 1


def alternative_text(figure: Any) -> str:
    """Words for a figure, from its title and the titles and labels of its axes."""
    parts = []
    if figure.get_suptitle():
        parts.append(figure.get_suptitle())
    for axes in figure.axes:
        labels = " against ".join(label for label in (axes.get_ylabel(), axes.get_xlabel()) if label)
        words = ": ".join(part for part in (axes.get_title() or axes.get_title(loc="left"), labels) if part)
        if words:
            parts.append(words)
    return ". ".join(parts) or "Figure"
