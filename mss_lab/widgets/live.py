"""A training curve that is drawn while it grows.

::

    with live.curve() as draw:
        fit.fit(model, batches, folder=folder, steps=500, on_progress=draw)

Contents: curve, LiveCurve, curve_words. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from IPython.display import display
from matplotlib.figure import Figure

from .. import checks, plots

# Drawing takes a tenth of a second, during which the training waits.
EVERY_S = 1.0


def curve(
    rows: Sequence[Mapping[str, float]] = (), *, over: str = "seconds", title: str = "", every_s: float = EVERY_S
) -> "LiveCurve":
    """A curve for the argument `on_progress` of `mss_lab.neural.fit.fit`, for use in a `with` block.

    Parameters
    ----------
    rows : sequence of dict
        Earlier rows of a run that is continued.
    over : {"seconds", "step"}
        Quantity of the horizontal axis.
    title : str
    every_s : float >= 0
        Least time between two drawings; the curve is always drawn at the end of the block.

    Returns
    -------
    LiveCurve

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    checks.check_choice("over", over, ("seconds", "step"))
    every_s = checks.check_number("every_s", every_s, at_least=0, unit="seconds")
    return LiveCurve(rows, over, title, every_s)


class LiveCurve:
    """Made by `curve`. A call with a row adds the row; the picture is replaced in place.

    Attributes
    ----------
    rows : list of dict
        All rows so far.
    """

    def __init__(self, rows: Sequence[Mapping[str, float]], over: str, title: str, every_s: float) -> None:
        self.rows = [dict(row) for row in rows]
        self.over = over
        self.title = title
        self.every_s = every_s
        self._handle: Any = None
        self._drawn_s = 0.0

    def __enter__(self) -> "LiveCurve":
        self._draw()
        return self

    def __call__(self, row: Mapping[str, float]) -> None:
        """Add a row, and draw if enough time has passed."""
        self.rows.append(dict(row))
        if time.perf_counter() - self._drawn_s >= self.every_s:
            self._draw()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw()

    def words(self) -> str:
        """A sentence that describes the curve."""
        return curve_words(self.rows)

    def _draw(self) -> None:
        figure = Figure(figsize=(6.5, 2.8), layout="constrained")
        plots.training_curve(self.rows, figure.subplots(), over=self.over, title=self.title)
        picture = plots.picture(figure, self.words())
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
        self._drawn_s = time.perf_counter()


def curve_words(rows: Sequence[Mapping[str, float]]) -> str:
    """A sentence that describes the curve of a training."""
    if not rows:
        return "Training curve with no row yet."
    first, last = rows[0], rows[-1]
    return (
        f"Training curve: the loss is {first['loss']:.3g} at step {first['step']:.0f} and {last['loss']:.3g} at "
        f"step {last['step']:.0f}."
    )
