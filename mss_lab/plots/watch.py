"""Watch the figures of a notebook while it runs, and report those that a reader does not see.

A kernel that calls `install` reports after each cell: pictures and figures that the cell made and did not show, and
axes that show nothing. The report is an output of the cell, of a type that no front end shows;
`mss_lab.lessons.notebooks.execute` takes it out again.

Contents: install, Watch.
"""

import functools
from typing import Any

import numpy as np

from . import blank, pictures


class Watch:
    """What became of the figures and the pictures that were made since the last report."""

    def __init__(self) -> None:
        self._figures: list[Any] = []
        self._drawn: list[Any] = []
        self._pictures: list[pictures.Picture] = []
        self._shown: list[pictures.Picture] = []
        self._blank: dict[int, list[str]] = {}

    def start(self) -> None:
        """Note all figures and pictures of this process from now on."""
        from matplotlib.figure import Figure

        _after(Figure, "__init__", lambda figure, *_: self._figures.append(figure))
        _after(Figure, "draw", self._after_drawing)
        _after(pictures.Picture, "__init__", lambda picture, *_: self._pictures.append(picture))
        _after(pictures.Picture, "_repr_mimebundle_", lambda picture, *_: self._shown.append(picture))

    def problems(self) -> list[str]:
        """What a reader does not see of what was made since the last call, a sentence for each."""
        unseen = [one for one in self._pictures if not any(one is other for other in self._shown)]
        messages = [
            f'the picture "{_short(one.alternative_text)}" is not displayed; make it the last expression of its cell'
            for one in unseen
        ]
        undrawn = sum(not any(one is other for other in self._drawn) for one in self._figures)
        if undrawn:
            messages.append(f"{undrawn} figure(s) made and not displayed; end the cell with plots.picture(figure, ...)")
        messages += [f"axes that show nothing: {name}" for names in self._blank.values() for name in names]
        for kept in (self._figures, self._drawn, self._pictures, self._shown):
            kept.clear()
        self._blank.clear()
        return messages

    def _after_drawing(self, figure: Any, renderer: Any) -> None:
        self._drawn.append(figure)
        if hasattr(renderer, "buffer_rgba"):
            pixels = np.asarray(renderer.buffer_rgba())
            # Before some drawings matplotlib draws once without pixels, to measure: the last drawing counts.
            self._blank[id(figure)] = blank.names_of_blank_axes(figure, pixels)


def install(shell: Any, report_type: str) -> Watch:
    """Watch the figures of an IPython shell, and report after each of its cells by an output of a type."""
    watch = Watch()
    watch.start()

    def report(*_: Any) -> None:
        messages = watch.problems()
        if messages:
            shell.display_pub.publish({report_type: {"problems": messages}})

    shell.events.register("post_run_cell", report)
    return watch


def _after(kind: type, name: str, call: Any) -> None:
    original = getattr(kind, name)

    @functools.wraps(original)
    def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
        result = original(self, *arguments, **options)
        call(self, *arguments)
        return result

    setattr(kind, name, wrapped)


def _short(words: str, most: int = 60) -> str:
    return words if len(words) <= most else f"{words[:most].rstrip()}..."
