"""Checks of a caller's input, all in one place.

Each message says three things: what was expected, what came, and what to do. Checks that pass return the input in the
form that the caller needs (an array, a float), so that a function starts with its checks and then relies on its
arguments. Every array may be given as nested lists; none is written into.

Contents: check_axes, check_waveform, check_stereo, check_same_shape, check_sources, check_estimates, check_sample_rate,
check_magnitude, check_finite, check_number, check_switch, check_choice, check_pairs, check_generator.
"""

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from .refusals import RefusedType, RefusedValue

# Imported under its own name: `checks.ShapeError` is what callers write.
from .refusals import ShapeError as ShapeError

# Rates outside these bounds are almost always a mistake (kHz for Hz, or samples for rate), and no lesson needs them.
LOWEST_SAMPLE_RATE_HZ = 1_000
HIGHEST_SAMPLE_RATE_HZ = 768_000


def check_axes(name: str, array: Any, axes: str) -> np.ndarray:
    """Return `array` as an ndarray with one dimension per word of `axes`, or raise ShapeError.

    Parameters
    ----------
    name : str
        The argument's name in the caller; opens the message.
    array : array_like
    axes : str
        Names of the axes, separated by spaces, such as ``"channels freq frames"``.

    Raises
    ------
    ShapeError
        If the number of axes differs.
    TypeError
        If the values are not numbers (real, complex or boolean).
    """
    axis_names = axes.split()
    try:
        array = np.asarray(array)
    except ValueError as error:
        raise ShapeError(
            f"{name} must be ({', '.join(axis_names)}), got rows of different lengths; cut or pad them to one length"
        ) from error
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise RefusedType(
            f"{name} must be an array of numbers ({', '.join(axis_names)}), got values of type {array.dtype}; "
            "pass a NumPy array"
        )
    if array.ndim != len(axis_names):
        hint = "give it one axis for each of these names"
        if array.ndim == len(axis_names) - 1 and "channels" in axis_names:
            hint = f"a mono signal keeps a channel axis of length 1: {name}[np.newaxis]"
        raise ShapeError(f"{name} must be ({', '.join(axis_names)}), got shape {array.shape}; {hint}")
    result: np.ndarray = array
    return result


def check_finite(name: str, array: Any) -> np.ndarray:
    """Return `array` as an ndarray, or raise ValueError if it holds a NaN or an infinity."""
    array = np.asarray(array)
    # A sum is one fast pass; only if it is not finite, the bad values are searched for.
    with np.errstate(over="ignore", invalid="ignore"):
        is_suspicious = not np.isfinite(array.sum())
    if is_suspicious:
        bad = ~np.isfinite(array)
        count = int(np.count_nonzero(bad))
        if count:
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise RefusedValue(
                f"{name} must be finite, got {count} NaN or infinite value(s), the first at index {first}; "
                "correct the step that made them, or replace them with np.nan_to_num"
            )
    result: np.ndarray = array
    return result


def check_waveform(name: str, array: Any) -> np.ndarray:
    """Return `array` as a floating (channels, samples) waveform, or refuse it.

    float32 and float64 keep their type, other floats become float32; integers are refused, because their scale is
    unknown.

    Raises
    ------
    ShapeError
        If the axes are not (channels, samples), or look swapped.
    TypeError
        If the values are not real floating-point numbers.
    ValueError
        If there is no sample or no channel, or if a value is NaN or infinite.
    """
    array = check_axes(name, array, "channels samples")
    channels, samples = array.shape
    if channels == 0 or samples == 0:
        raise RefusedValue(
            f"{name} must hold at least one channel and one sample, got shape {array.shape}, which is empty; "
            "check the slice or the file it came from"
        )
    if channels > 32 and channels > samples:
        raise ShapeError(
            f"{name} must be (channels, samples), got shape {array.shape}, which looks like (samples, channels); "
            f"transpose it: {name}.T"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise RefusedType(
            f"{name} must hold floating-point samples between -1 and 1, got {array.dtype}; "
            "divide integer samples by their full scale first (32768 for 16 bits)"
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    return check_finite(name, array)


def check_stereo(name: str, array: Any) -> np.ndarray:
    """Return a waveform that has exactly two channels, or raise ShapeError."""
    array = check_waveform(name, array)
    if array.shape[0] != 2:
        raise ShapeError(
            f"{name} must have 2 channels (left, right), got {array.shape[0]}; "
            "this method uses the difference between the channels, so choose another for this recording"
        )
    result: np.ndarray = array
    return result


def check_same_shape(name: str, array: np.ndarray, other_name: str, other: np.ndarray) -> None:
    """Raise ShapeError unless both arrays have the same shape."""
    if np.shape(array) != np.shape(other):
        raise ShapeError(
            f"{name} and {other_name} must have the same shape, got {np.shape(array)} and {np.shape(other)}; "
            "cut or pad them to the same length and the same number of channels"
        )


def check_sources(name: str, sources: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return a dict of source name -> waveform, all of one shape, or refuse it.

    Raises
    ------
    TypeError
        If `sources` is not a mapping, or a name is not a string.
    ValueError
        If it is empty, or a waveform is refused by `check_waveform`.
    ShapeError
        If two waveforms differ in shape.
    """
    if not isinstance(sources, Mapping):
        raise RefusedType(f"{name} must map source names to waveforms, got {type(sources).__name__}; pass a dict")
    if not sources:
        raise RefusedValue(f"{name} must hold at least one source, got an empty dict; add a waveform under its name")
    for label in sources:
        if not isinstance(label, str):
            raise RefusedType(
                f"{name} must have names (text) as keys, got {label!r} of type {type(label).__name__}; "
                "name each source, such as 'violin'"
            )
    checked = {label: check_waveform(f"{name}[{label!r}]", waveform) for label, waveform in sources.items()}
    first_label, first = next(iter(checked.items()))
    for label, waveform in checked.items():
        check_same_shape(f"{name}[{label!r}]", waveform, f"{name}[{first_label!r}]", first)
    return checked


def check_estimates(name: str, estimates: Mapping[str, Any], mixture: np.ndarray) -> dict[str, np.ndarray]:
    """Return a separator's estimates if they are a dict of waveforms of the mixture's shape, else raise."""
    estimates = check_sources(name, estimates)
    check_same_shape(name, next(iter(estimates.values())), "the mixture", mixture)
    return estimates


def check_sample_rate(sample_rate_hz: Any) -> int:
    """Return the sample rate as an int, or raise TypeError or ValueError if no recording has it."""
    return int(
        check_number(
            "sample_rate_hz",
            sample_rate_hz,
            at_least=LOWEST_SAMPLE_RATE_HZ,
            at_most=HIGHEST_SAMPLE_RATE_HZ,
            whole=True,
            unit="Hz",
            hint="give the rate of the recording in Hz, such as 44100 for 44.1 kHz",
        )
    )


def check_magnitude(name: str, array: Any, axes: str) -> np.ndarray:
    """Return real, finite, non-negative values with the given axes, or refuse them."""
    array = check_axes(name, array, axes)
    if np.iscomplexobj(array):
        raise RefusedType(f"{name} must hold real magnitudes, got {array.dtype}; take np.abs of the STFT first")
    check_finite(name, array)
    if array.size and array.min() < 0:
        raise RefusedValue(
            f"{name} must hold magnitudes of 0 or more, got a smallest value of {array.min():.3g}; "
            "magnitudes are linear, not dB"
        )
    result: np.ndarray = array
    return result


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    whole: bool = False,
    unit: str = "",
    hint: str = "",
) -> Any:
    """Return `value` as a Python number if it is one finite number inside the bounds.

    Parameters
    ----------
    name : str
        The argument's name in the caller; opens the message.
    value : int or float, also NumPy's
        Booleans and text are refused.
    above, at_least, below, at_most : float, optional
        Bounds. The values of `above` and `below` themselves are refused.
    whole : bool
        Whether the value must be a whole number; 3.0 is one. The result is then an int.
    unit, hint : str
        Unit and advice for the message.

    Raises
    ------
    TypeError
        If `value` is not a number.
    ValueError
        If it is NaN, infinite, out of bounds, or not whole although it must be.
    """
    limits = (("above", above), ("at least", at_least), ("below", below), ("at most", at_most))
    bounds = " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)
    kind = "a whole number" if whole else "a number"
    expected = " ".join(part for part in (kind, bounds, f"({unit})" if unit else "") if part)
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise RefusedType(
            f"{name} must be {expected}, got {value!r} of type {type(value).__name__}; "
            f"{hint or 'pass one plain number'}"
        )
    number = value.item() if isinstance(value, np.generic) else value
    inside = (
        (isinstance(number, int) or math.isfinite(number))
        and (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (below is None or number < below)
        and (at_most is None or number <= at_most)
        and (not whole or number == int(number))
    )
    if not inside:
        raise RefusedValue(f"{name} must be {expected}, got {value}; {hint or 'choose another value'}")
    return int(number) if whole else number


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return `value` if it is one of `choices`, otherwise raise ValueError that lists them and suggests the nearest."""
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(map(repr, sorted(choices))) or "(there are none)"
    near = difflib.get_close_matches(str(value).lower(), list(choices), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "choose one of these, spelt as here"
    raise RefusedValue(f"{name} must be one of {listed}, got {value!r}; {hint}")


def check_switch(name: str, value: Any) -> bool:
    """Return `value` as a bool if it is True or False, otherwise raise TypeError: text and numbers are mistakes."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise RefusedType(f"{name} must be true or false, got {value!r}; in Python, pass True or False")


def check_pairs(name: str, value: Any, left: str, right: str) -> dict[str, str]:
    """Return a mapping of text to text, which may also be given as one text, such as "lead=flute, vocals=choir".

    Parameters
    ----------
    name : str
        The argument's name in the caller; opens the message.
    value : mapping of str -> str, text, or None
        None is an empty mapping.
    left, right : str
        Names of the texts before and after each "=", for the message, such as "SOURCE" and "INSTRUMENT".

    Raises
    ------
    TypeError, ValueError
        If it is neither, or the text does not have that form.
    """
    if value is None:
        return {}
    expected = f"{name} must be {left}={right}, several separated by commas"
    if isinstance(value, str):
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if not pairs or not all(equals and key.strip() and text.strip() for key, equals, text in pairs):
            raise RefusedValue(f"{expected}, got {value!r}; leave it out if the names are enough")
        return {key.strip(): text.strip() for key, _, text in pairs}
    if not isinstance(value, Mapping):
        raise RefusedType(f"{expected}, got {value!r}; in Python, pass a dict")
    for key, text in value.items():
        if not (isinstance(key, str) and isinstance(text, str)):
            raise RefusedType(f"{expected}, got {key!r}: {text!r}; both must be names (text)")
    return dict(value)


def check_generator(name: str, rng: Any) -> np.random.Generator:
    """Return `rng` if it is a NumPy generator, otherwise raise TypeError that shows how to make one."""
    if not isinstance(rng, np.random.Generator):
        raise RefusedType(f"{name} must be a seeded generator, got {rng!r}; pass np.random.default_rng(0)")
    return rng
