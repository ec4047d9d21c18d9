"""The training view: the curve of a training while it grows, the sound of the estimates at checkpoints, and a stop.

::

    with training_view.watch(lambda: apply.separate(model, mixture, rate), rate) as view:
        result = fit.fit(model, batches, folder=folder, steps=500, on_progress=view)

Within the block an interrupt of the kernel, by the button of the view or by the notebook's own, ends the training with
the next row of its curve, and what was learnt is kept. A second interrupt ends the cell as usual.

Contents: watch, TrainingView. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from .. import checks, plots
from ..refusals import RefusedType
from . import live, picture, piece, player, stop_button

# Separating and drawing take time from the training.
EVERY_S = 1.0
SOUND_EVERY_S = 10.0


def watch(
    estimate: Callable[[], Mapping[str, Any]] | None = None,
    sample_rate_hz: int | None = None,
    *,
    rows: Sequence[Mapping[str, float]] = (),
    over: str = "seconds",
    title: str = "",
    every_s: float = EVERY_S,
    sound_every_s: float = SOUND_EVERY_S,
) -> "TrainingView":
    """Watch and hear a training, in a `with` block; the view is the argument `on_progress` of the training.

    Parameters
    ----------
    estimate : function without arguments, optional
        Separates something by the network as it is now, and returns sources, or versions of them, as for `player.play`;
        called between two steps. Without it there is no sound.
    sample_rate_hz : int, optional
        Required with `estimate`.
    rows : sequence of dict
        Earlier rows of a run that is continued.
    over : {"seconds", "step"}
        Quantity of the horizontal axis.
    title : str
    every_s, sound_every_s : float >= 0
        Least time between two drawings, and between two estimates. Both come at the end of the block, too.

    Returns
    -------
    TrainingView

    Raises
    ------
    TypeError, ValueError
        If `estimate` is not callable, its sample rate is missing, or a time is negative.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    checks.check_choice("over", over, ("seconds", "step"))
    if estimate is not None and not callable(estimate):
        raise RefusedType(f"estimate must be a function without arguments, got {estimate!r}; put lambda: before it")
    rate_hz = None if estimate is None else piece.check_playable_rate(sample_rate_hz)
    every_s = checks.check_number("every_s", every_s, at_least=0, unit="seconds")
    sound_every_s = checks.check_number("sound_every_s", sound_every_s, at_least=0, unit="seconds")
    return TrainingView(estimate, rate_hz, rows, over, title, every_s, sound_every_s)


class TrainingView(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """Made by `watch`. A call with a row adds it, and returns True once the reader has stopped the training.

    Attributes
    ----------
    rows : list of dict
        All rows so far.
    stopping : bool
        Whether the reader has pressed the button or interrupted.
    """

    def __init__(
        self,
        estimate: Callable[[], Mapping[str, Any]] | None,
        rate_hz: int | None,
        rows: Sequence[Mapping[str, float]],
        over: str,
        title: str,
        every_s: float,
        sound_every_s: float,
    ) -> None:
        self.rows = [dict(row) for row in rows]
        self.stopping = False
        self._estimate, self._rate_hz = estimate, rate_hz
        self._over, self._title = over, title
        self._every_s, self._sound_every_s = every_s, sound_every_s
        self._drawn_s = self._estimated_s = 0.0
        self._handle: Any = None
        self._curve = picture.Picture()
        self._player: player.Player | None = None
        self._button = stop_button.StopButton()
        # One block, so a view serves for one training.
        self._interrupts = stop_button.noted_interrupts(self.stop)
        super().__init__([self._button, self._curve])

    def stop(self) -> None:
        """End the training with its next row, as an interrupt does."""
        self.stopping = True

    def __call__(self, row: Mapping[str, float]) -> bool:
        """Add a row; draw and listen if enough time has passed. Returns whether the training should end."""
        self.rows.append(dict(row))
        if time.perf_counter() - self._drawn_s >= self._every_s:
            self._draw()
        if time.perf_counter() - self._estimated_s >= self._sound_every_s:
            self._listen()
        return self.stopping

    def __enter__(self) -> "TrainingView":
        self._draw()
        self._listen()
        self._button.running = True
        self._handle = display(self, display_id=True)
        self._interrupts.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interrupts.__exit__(None, None, None)
        self._draw()
        if kind is None:
            self._listen()
        ended = "Stopped, and kept." if self.stopping else "The training has ended."
        with self._button.hold_sync():
            self._button.running, self._button.words = False, ended if kind is None else ""
        # A page without a kernel keeps what the output holds at the end.
        if self._handle is not None:
            self._handle.update(self)

    def describe(self) -> str:
        """The curve in words, and how old the sound is."""
        return live.curve_words(self.rows)

    def _draw(self) -> None:
        figure = Figure(figsize=(6.5, 2.8), layout="constrained")
        plots.training_curve(self.rows, figure.subplots(), over=self._over, title=self._title)
        self._curve.show(figure, self.describe())
        self._drawn_s = time.perf_counter()

    def _listen(self) -> None:
        if self._estimate is None or self._rate_hz is None:
            return
        step = f"{self.rows[-1]['step']:.0f}" if self.rows else "0"
        title = f"The estimate after step {step}"
        sounds = self._estimate()
        if self._player is None:
            self._player = player.Player(sounds, self._rate_hz, title=title)
            self.children = (self._button, self._curve, self._player)
        else:
            self._player.replace(sounds, self._rate_hz, title=title)
        self._estimated_s = time.perf_counter()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**kwargs))
        parts = [plots.image_html(self._curve.png, self.describe())]
        if self._player is not None:
            parts.append(self._player.static()[1])
        data |= {"text/plain": f"Training view: {self.describe()}", "text/html": f"<div>{''.join(parts)}</div>"}
        return data, {}
