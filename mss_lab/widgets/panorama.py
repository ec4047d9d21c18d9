"""Panorama: a window that a reader drags over a panning histogram.

The histogram shows how much energy comes from each angle between hard left and hard right; the window chooses a range
of angles. It is an input for `controls.explore`::

    centres_rad, energy = panning.histogram(transform)
    controls.explore(listen, window_rad=panorama.window(centres_rad, energy, label="Angles that are kept"))

Contents: window, Window. Lesson: notebooks/11_where_is_it.ipynb
"""

import math
from typing import Any

import numpy as np
import traitlets

from .. import checks, units
from ..refusals import RefusedType, RefusedValue
from . import drawn, fallback, front_end

RIGHT_RAD = math.pi / 2
# Range of the histogram below its highest bin; a source 40 dB lower is not audible among the others.
RANGE_DB = 40.0
# Half the width of the default window.
HALF_RAD = math.radians(7.5)
# Rounding errors of angles: an angle that is outside the range by at most this is set to its end.
SLACK_RAD = 1e-6


def window(centres_rad: Any, energy: Any, start_rad: tuple[float, float] | None = None, label: str = "") -> "Window":
    """Choose a range of angles on a panning histogram, by mouse, touch or keyboard.

    Parameters
    ----------
    centres_rad : float (bins,)
        The bins' angles in ascending order: 0 is hard left, pi/4 the centre, pi/2 hard right.
    energy : float (bins,)
        The energy in each bin, 0 or more, in any unit; it is drawn in dB below the highest.
    start_rad : (low, high), optional
        The window at the start; by default 15 degrees around the highest bin.
    label : str
        Label of the input; in a panel by default the parameter's name.

    Returns
    -------
    Window
        An anywidget whose trait `value` is (low_rad, high_rad), with 0 <= low < high <= pi/2.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are fewer than two bins, their angles do not ascend from 0 to pi/2, or their number is not that of the
        energies; if an energy is negative or not finite; if `start_rad` is no such window.

    Lesson: notebooks/11_where_is_it.ipynb
    """
    return Window(centres_rad, energy, start_rad, label)


class Window(drawn.Drawn):
    """The widget behind `window`.

    Attributes
    ----------
    value : (low_rad, high_rad)
        Set it from code to move the window; an invalid window is refused.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    centres_deg = traitlets.List(traitlets.Float()).tag(sync=True)
    levels_db = traitlets.List(traitlets.Float()).tag(sync=True)
    range_db = traitlets.Float(RANGE_DB).tag(sync=True)

    def __init__(self, centres_rad: Any, energy: Any, start_rad: Any = None, label: str = "") -> None:
        centres_rad, energy = _check_histogram(centres_rad, energy)
        if start_rad is None:
            start_rad = _around(float(centres_rad[np.argmax(energy)]))
        highest = float(energy.max())
        levels_db = units.power_to_db(energy / highest if highest > 0 else energy, floor_db=-RANGE_DB)
        super().__init__(
            value=_check_window("start_rad", start_rad),
            description=label,
            centres_deg=np.degrees(centres_rad).tolist(),
            levels_db=levels_db.tolist(),
        )

    def check(self, value: Any) -> tuple[float, float]:
        """Return (low_rad, high_rad) as floats, or raise TypeError or ValueError."""
        return _check_window("value", value)

    def describe(self) -> str:
        """The window in degrees."""
        low, high = (math.degrees(bound) for bound in self.value)
        return f"{low:.1f}° to {high:.1f}°"

    def png(self) -> bytes:
        """The histogram with the window over it."""
        low, high = (math.degrees(bound) for bound in self.value)
        return fallback.panorama_png(self.centres_deg, self.levels_db, RANGE_DB, low, high)


def _check_histogram(centres_rad: Any, energy: Any) -> tuple[np.ndarray, np.ndarray]:
    centres_rad = checks.check_finite("centres_rad", checks.check_axes("centres_rad", centres_rad, "bins"))
    energy = checks.check_magnitude("energy", energy, "bins")
    checks.check_same_shape("energy", energy, "centres_rad", centres_rad)
    if np.iscomplexobj(centres_rad):
        raise RefusedType(f"centres_rad must hold real angles, got {centres_rad.dtype}; pass radians from 0 to pi/2")
    if centres_rad.size < 2:
        raise RefusedValue(f"centres_rad must hold at least two bins, got {centres_rad.size}; make a finer histogram")
    if centres_rad.min() < -SLACK_RAD or centres_rad.max() > RIGHT_RAD + SLACK_RAD:
        raise RefusedValue(
            f"centres_rad must lie between 0 (left) and pi/2 (right), got {centres_rad.min():.4g} to "
            f"{centres_rad.max():.4g}; if these are degrees, pass np.radians of them"
        )
    if (np.diff(centres_rad) <= 0).any():
        raise RefusedValue(
            "centres_rad must ascend, each bin to the right of the one before; sort them and the energies"
        )
    return centres_rad.astype(float), energy.astype(float)


def _check_window(name: str, value: Any) -> tuple[float, float]:
    hint = "a window is (low_rad, high_rad), such as (0.6, 0.9)"
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise RefusedType(f"{name} must be two angles in radians, got {value!r}; {hint}")
    low, high = (_check_angle(f"{name}[{side}]", bound, hint) for side, bound in enumerate(value))
    if low >= high:
        raise RefusedValue(f"{name} must have its low angle below its high one, got {low:.4g} and {high:.4g}; {hint}")
    return low, high


def _check_angle(name: str, value: Any, hint: str) -> float:
    value = checks.check_number(name, value, hint=hint)
    nearest = min(max(float(value), 0.0), RIGHT_RAD)
    if abs(value - nearest) <= SLACK_RAD:
        return nearest
    raise RefusedValue(f"{name} must lie between 0 (left) and pi/2 (right), got {value:.4g}; angles are in radians")


def _around(centre_rad: float) -> tuple[float, float]:
    # The window is moved, not cut, at the ends, so that it has the same width for a hard-panned source.
    low = min(max(centre_rad - HALF_RAD, 0.0), RIGHT_RAD - 2 * HALF_RAD)
    return low, low + 2 * HALF_RAD
