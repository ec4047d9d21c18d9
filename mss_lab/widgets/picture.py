"""Picture: an image in the page that is replaced in place, without flickering and with alternative text.

Contents: Picture, alternative_text. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import pathlib
from typing import Any

import anywidget
import traitlets

from .. import plots


class Picture(anywidget.AnyWidget):
    """A PNG and its description in words; `show` replaces both at once.

    The page decodes a new picture before it replaces the old one, and keeps only the newest of those that wait.
    """

    _esm = pathlib.Path(__file__).with_suffix(".js")

    png = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._layout: tuple[tuple[Any, ...], list[Any]] | None = None

    def show(self, figure: Any, alt: str = "") -> None:
        """Draw a matplotlib figure, or nothing for None; `alt` replaces the text made from its titles and labels."""
        png = b"" if figure is None else self._draw(figure)
        with self.hold_sync():
            self.png = png
            self.alt = "" if figure is None else alt or alternative_text(figure)
            self.revision += 1

    def _draw(self, figure: Any) -> bytes:
        plots.add_missing_scales(figure)
        # Arranging all labels takes a third of the time of drawing. While a reader moves a slider, the next figure
        # often has the same labels and limits as the last one: then its axes get the same positions.
        outline = _outline(figure)
        engine = figure.get_layout_engine()
        if engine is None or self._layout is None or self._layout[0] != outline:
            png = plots.to_png(figure)
            self._layout = None if engine is None else (outline, [axes.get_position() for axes in figure.axes])
            return png
        figure.set_layout_engine("none")
        try:
            for axes, position in zip(figure.axes, self._layout[1], strict=True):
                axes.set_position(position)
            return plots.to_png(figure)
        finally:
            figure.set_layout_engine(engine)


def _outline(figure: Any) -> tuple[Any, ...]:
    """All that decides how much space the parts of a figure need."""
    parts: list[Any] = [tuple(figure.get_size_inches()), figure.get_suptitle()]
    for axes in figure.axes:
        titles = tuple(axes.get_title(loc=side) for side in ("left", "center", "right"))
        ticks = tuple(
            (tuple(axis.get_ticklocs()), tuple(label.get_text() for label in axis.get_ticklabels()))
            for axis in (axes.xaxis, axes.yaxis)
        )
        limits = (*axes.get_xlim(), *axes.get_ylim())
        parts.append((titles, axes.get_xlabel(), axes.get_ylabel(), limits, ticks, axes.get_legend() is None))
    return tuple(parts)


def alternative_text(figure: Any) -> str:
    """A description of a figure, made from its title and the titles, labels and legends of its axes."""
    parts = []
    if figure.get_suptitle():
        parts.append(figure.get_suptitle())
    for axes in figure.axes:
        labels = " against ".join(label for label in (axes.get_ylabel(), axes.get_xlabel()) if label)
        words = ": ".join(part for part in (axes.get_title() or axes.get_title(loc="left"), labels) if part)
        legend = axes.get_legend()
        names = ", ".join(text.get_text() for text in legend.get_texts()) if legend else ""
        if words or names:
            parts.append(" for ".join(filter(None, (words, names))))
    return ". ".join(parts) or "A figure without a title or labels"
