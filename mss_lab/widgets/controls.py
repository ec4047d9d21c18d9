"""Controls: a function of a few parameters becomes a panel of labelled inputs, a picture, a sound and words.

::

    def listen(cutoff_hz, order):
        return controls.View(figure=figure, sound=waveform, sample_rate_hz=44_100, text="...")

    controls.explore(
        listen, cutoff_hz=controls.slider(100, 8000, 1000, unit="Hz", log=True), order=controls.slider(1, 8, 2)
    )

Every change runs the function in one worker thread with the newest values; older requests are dropped (see `worker`).
The picture and the player stay in place and receive the new content, so nothing flickers and the sound continues at the
same position. An error of the function is shown on the panel, which continues to work.

Without a front end the function runs once with the start values, and the output holds the picture, the words and an
audio element; `Panel.values`, `Panel.view` and `Panel.set` work in the same way.

An input is any widget with a trait ``value`` and a label, which is its trait ``label`` or ``description``: the sliders
below, any of ipywidgets, `panorama.window`, `kernel_grid.grid`, or an anywidget of your own, such as a piano-roll
editor whose `value` is a tuple of notes. It must assign a new object to `value` whenever the reader has changed
something. For pages without a front end it may have ``describe()`` (its value in a few words) and ``static()`` (its
picture, as PNG bytes and as HTML). These can also be used separately: `worker.LatestWorker`, `picture.Picture`,
`words.Words`, `player.Player`.

Contents: slider, choice, switch, View, explore, Panel. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import base64
import dataclasses
import html
import math
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ipywidgets
import numpy as np

from .. import checks, plots
from ..refusals import RefusedType, RefusedValue
from . import fallback, picture, piece, player, standalone, words, worker

# Fine enough to choose a value, coarse enough for the arrow keys.
STEPS = 100
LABEL_WIDTH = "11em"
INPUT_WIDTH = "36em"


@dataclasses.dataclass(frozen=True)
class View:
    """The result of a function for one set of values; every field may be left out.

    Attributes
    ----------
    figure : matplotlib Figure, or function without arguments that returns one, optional
        A function is called after the sound has been sent, so that the change is audible while the figure is drawn. A
        figure of pyplot is closed after it has been drawn.
    sound : float (channels, samples), or dict of source name -> such waveforms, or of versions, optional
        As for `player.play`.
    sample_rate_hz : int, optional
        Required with a sound.
    text : str
        Plain words and numbers below the inputs.
    alt : str
        Alternative text of the figure; by default it is made from its titles and labels.
    """

    figure: Any = None
    sound: np.ndarray | Mapping[str, Any] | None = None
    sample_rate_hz: int | None = None
    text: str = ""
    alt: str = ""


def slider(
    low: float, high: float, start: float, step: float | None = None, label: str = "", unit: str = "", log: bool = False
) -> ipywidgets.Widget:
    """A number between `low` and `high`.

    Parameters
    ----------
    low, high, start : int or float
        If all three and `step` are ints, so is the value.
    step : number, optional
        A hundredth of the range, or 1 for ints. On a logarithmic slider it is a ratio above 1, such as 1.05.
    label : str
        By default the parameter's name.
    unit : str
        Written in brackets after the label.
    log : bool
        Equal distances on the slider are equal ratios; `low` must be above 0. The value is a float.

    Raises
    ------
    TypeError, ValueError
        If the bounds are not numbers in order, `start` is outside or between two steps, or `step` is not positive.

    Lesson: notebooks/00_unmix_in_five_minutes.ipynb
    """
    checks.check_number("low", low, above=0 if log else None, unit=unit)
    checks.check_number("high", high, above=low, unit=unit)
    checks.check_number("start", start, at_least=low, at_most=high, unit=unit)
    if step is not None:
        checks.check_number("step", step, above=1 if log else 0)
    shared: dict[str, Any] = {"value": start, "continuous_update": True, **_labelled(_with_unit(label, unit))}
    if log:
        low, high, start = math.log10(low), math.log10(high), math.log10(start)
        step = _step(low, high, start, math.log10(step) if step else None)
        widget = ipywidgets.FloatLogSlider(min=low, max=high, step=step, readout_format=".4g", **shared)
    elif all(isinstance(number, int) for number in (low, high, start, step or 1)):
        step = _step(low, high, start, step or 1)
        widget = ipywidgets.IntSlider(min=low, max=high, step=step, **shared)
    else:
        step = _step(low, high, start, step)
        digits = max(0, math.ceil(-math.log10(step) - 1e-9))
        widget = ipywidgets.FloatSlider(min=low, max=high, step=step, readout_format=f".{digits}f", **shared)
    widget.mss_unit = unit
    return widget


def choice(options: Iterable[Any] | Mapping[str, Any], label: str = "") -> ipywidgets.Widget:
    """One of several values, the first at the start; a dict maps each text that is shown to its value.

    Raises ValueError if there is no option.
    """
    options = dict(options) if isinstance(options, Mapping) else {str(option): option for option in options}
    if not options:
        raise RefusedValue("options are empty; give at least one value to choose")
    return ipywidgets.Dropdown(options=list(options.items()), **_labelled(label))


def switch(start: bool, label: str = "") -> ipywidgets.Widget:
    """True or False. Raises TypeError if `start` is neither."""
    if not isinstance(start, bool | np.bool_):
        raise RefusedType(f"start must be True or False, got {start!r}")
    return ipywidgets.Checkbox(value=bool(start), indent=True, **_labelled(label))


def explore(function: Callable[..., View], **parameters: Any) -> "Panel":
    """Change the parameters of a function by inputs, and show the picture, the sound and the words that it returns.

    Parameters
    ----------
    function : callable
        Takes the parameters by name and returns a `View`. After the first call it runs in a worker thread, at the same
        time as other code, and should draw on `matplotlib.figure.Figure` or close the figures that pyplot made.
    **parameters : widgets
        One input for each parameter: `slider`, `choice`, `switch`, or any widget with a trait `value` and a label.

    Returns
    -------
    Panel
        Shown when it is the last line of a cell. The function has been run once with the start values.

    Raises
    ------
    TypeError
        If the function is not callable, does not return a `View`, or an input has no `value`.
    Exception
        Any exception that the function raises for the start values.

    Lesson: notebooks/00_unmix_in_five_minutes.ipynb
    """
    return Panel(function, parameters)


class Panel(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """The widget behind `explore`: inputs, words, picture and player, one below the other.

    Attributes
    ----------
    inputs : dict of parameter name -> widget
    values : dict of parameter name -> current value of the input
    view : View
        The newest view that is shown.
    """

    def __init__(self, function: Callable[..., View], inputs: Mapping[str, Any]) -> None:
        if not callable(function):
            raise RefusedType(
                f"function must be callable, got {function!r}; pass the function itself, without brackets"
            )
        if not inputs:
            raise RefusedValue("explore needs at least one parameter, such as level_db=controls.slider(-20, 0, -6)")
        for name, item in inputs.items():
            if not isinstance(item, ipywidgets.Widget) or not item.has_trait("value"):
                raise RefusedType(
                    f"{name} must be an input with a value, got {item!r}; "
                    f"make one with controls.slider, controls.choice or controls.switch"
                )
        self.inputs = dict(inputs)
        self._function = function
        self.view = View()
        self._words = words.Words()
        self._picture = picture.Picture()
        # The player is made with the first sound; later sounds replace its content.
        self._player: player.Player | None = None
        self._worker = worker.LatestWorker(self._work, self._show, self._fail)
        self._quiet = False
        for name, item in self.inputs.items():
            _name(item, name)
            item.observe(self._changed, "value")
        super().__init__()
        self._worker.run_now(self.values)
        self._arrange()

    @property
    def values(self) -> dict[str, Any]:
        """The current values of the inputs, as a new dict."""
        return {name: item.value for name, item in self.inputs.items()}

    def set(self, **values: Any) -> View:
        """Set inputs from code, run the function and show its view before returning it.

        Raises TypeError for an unknown parameter, the exception of an input that refuses a value, and the exception of
        the function, which the panel also shows.
        """
        unknown = set(values) - set(self.inputs)
        if unknown:
            raise RefusedType(f"unknown parameter {min(unknown)!r}; this panel has {', '.join(self.inputs)}")
        self._quiet = True
        try:
            for name, value in values.items():
                self.inputs[name].value = value
        finally:
            self._quiet = False
        self._worker.run_now(self.values)
        return self.view

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the panel shows the current values of its inputs; return False if the time is over before."""
        return self._worker.wait(timeout_s)

    def _changed(self, change: Any) -> None:
        if self._quiet:
            return
        self._words.busy = True
        self._worker.submit(self.values)

    def _work(self, values: dict[str, Any]) -> View:
        view = self._function(**values)
        if not isinstance(view, View):
            raise RefusedType(
                f"{_name_of(self._function)} must return a controls.View, got {type(view).__name__}; "
                "end it with: return controls.View(figure=..., sound=..., sample_rate_hz=..., text=...)"
            )
        return view

    def _show(self, values: dict[str, Any], view: View) -> None:
        # The sound is sent first: the page unpacks it while the picture is drawn here, and if a sound is refused, the
        # picture and the words do not change.
        if view.sound is not None:
            stems, rate = _stems(view.sound), piece.check_playable_rate(view.sample_rate_hz)
            if self._player is None:
                self._player = player.Player(stems, rate, spectrograms=False)
                self._arrange()
            else:
                self._player.replace(stems, rate)
        if self._player is not None:
            self._player.layout.display = None if view.sound is not None else "none"
        figure = view.figure() if callable(view.figure) else view.figure
        self._picture.show(figure, view.alt)
        self._words.say(view.text)
        _close(figure)
        self.view = view

    def _fail(self, values: dict[str, Any], error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        where = f"\n(line {frames[-1].lineno} of {frames[-1].name})" if frames else ""
        self._words.say(f"{type(error).__name__}: {error}{where}\nMove a control to try other values.", "error")

    def _arrange(self) -> None:
        parts = [*self.inputs.values(), self._words, self._picture, self._player]
        self.children = tuple(part for part in parts if part is not None)

    def static(self) -> tuple[bytes, str]:
        """The picture (PNG bytes, empty if there is none) and the HTML that replace the panel without a front end."""
        values = ", ".join(f"{_label_of(item)} {_value_text(item)}" for item in self.inputs.values())
        parts = [f"<div>{html.escape(values)}</div>"]
        parts += [item.static()[1] for item in self.inputs.values() if hasattr(item, "static")]
        if self._words.text:
            parts.append(f"<div>{html.escape(self._words.text)}</div>")
        if self._picture.png:
            parts.append(plots.image_html(self._picture.png, self._picture.alt))
        if self.view.sound is not None and self._player is not None:
            if standalone.is_for_pages():
                parts.append(self._player.standalone())
            else:
                mixture, rate = self._player.piece.mixture, self.view.sample_rate_hz
                parts.append(fallback.audio_html(mixture, piece.check_playable_rate(rate), "Sound for these values"))
        return self._picture.png, f"<div>{''.join(parts)}</div>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**kwargs))
        png, page = self.static()
        values = ", ".join(f"{name}={_value_text(item)}" for name, item in self.inputs.items())
        data |= {"text/plain": "\n".join(filter(None, (f"Panel: {values}", self._words.text))), "text/html": page}
        metadata = {}
        if png:
            data["image/png"] = base64.b64encode(png).decode()
            metadata["image/png"] = {"alt": self._picture.alt}
        return data, metadata


def _stems(sound: np.ndarray | Mapping[str, Any]) -> Mapping[str, Any]:
    return sound if isinstance(sound, Mapping) else {"sound": sound}


def _step(low: float, high: float, start: float, step: float | None) -> Any:
    # The browser's slider moves a start that is not a whole number of steps from `low`, and the first picture would
    # belong to another value than the one requested. So the default step is adjusted, and any other must fit.
    steps = (start - low) / (step or (high - low) / STEPS)
    if step is None:
        return (start - low) / max(1, round(steps)) if start > low else (high - low) / STEPS
    if abs(steps - round(steps)) > 1e-6:
        raise RefusedValue(
            f"start must be a whole number of steps from low, got {steps:.3g} steps; change start, low or step"
        )
    return step


def _labelled(label: str) -> dict[str, Any]:
    return {
        "description": label,
        "style": {"description_width": LABEL_WIDTH},
        "layout": {"width": INPUT_WIDTH, "max_width": "100%"},
    }


def _with_unit(label: str, unit: str) -> str:
    return f"{label} ({unit})" if label and unit else label


def _name(item: ipywidgets.Widget, name: str) -> None:
    # An input without a label is labelled by its parameter's name, without the unit at the end of the name.
    if item.has_trait("label") and not item.has_trait("description"):
        return
    if item.has_trait("description") and not item.description:
        unit = getattr(item, "mss_unit", "")
        words = name.removesuffix(f"_{unit.lower()}") if unit else name
        item.description = _with_unit(words.replace("_", " ").capitalize(), unit)


def _label_of(item: ipywidgets.Widget) -> str:
    if item.has_trait("description"):
        return str(item.description)
    return str(item.label) if item.has_trait("label") else type(item).__name__


def _value_text(item: ipywidgets.Widget) -> str:
    if hasattr(item, "describe"):
        return str(item.describe())
    return f"{item.value:.4g}" if isinstance(item.value, float) else str(item.value)


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "the function")


def _close(figure: Any) -> None:
    # A figure can be registered with pyplot only if pyplot is loaded; closing another figure has no effect.
    pyplot = sys.modules.get("matplotlib.pyplot")
    if figure is not None and pyplot is not None:
        pyplot.close(figure)
