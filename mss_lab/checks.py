"""Refusals: every check of a caller's input, in one place.

Each message says three things: what was wanted, what came, and what to do. Checks that pass return the input in the
form the caller asked for (an array, a float), so that a function opens with its checks and then trusts its names.

Contents: ShapeError; check_axes, check_waveform, check_stereo, check_same_shape, check_sources, check_sample_rate,
check_magnitude, check_finite, check_number, check_choice, check_generator.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

# Rates outside these bounds are almost always a slip (kHz for Hz, or samples for rate), and no lesson needs them.
LOWEST_SAMPLE_RATE_HZ = 1_000
HIGHEST_SAMPLE_RATE_HZ = 768_000


class ShapeError(ValueError):
    """An array's axes are not the ones a function asked for. The package's one exception class."""


def check_axes(name: str, array: Any, axes: str) -> np.ndarray:
    """Return `array` as an ndarray with one dimension per word of `axes`, or raise ShapeError.

    Parameters
    ----------
    name : str
        What the caller calls it; opens the message.
    array : array_like
    axes : str
        Names of the axes, separated by spaces, such as ``"channels freq frames"``.
    """
    array = np.asarray(array)
    wanted = axes.split()
    if array.ndim != len(wanted):
        hint = "give it one axis for each of these names"
        if array.ndim == len(wanted) - 1 and "channels" in wanted:
            hint = f"a mono signal keeps a channel axis of length 1: {name}[np.newaxis]"
        raise ShapeError(f"{name} must be ({', '.join(wanted)}), got shape {array.shape}; {hint}")
    return array


def check_finite(name: str, array: np.ndarray) -> np.ndarray:
    """Return `array`, or raise ValueError if it holds a NaN or an infinity."""
    # A sum is one fast pass; only when it is not finite is it worth finding out where and why.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())
    if suspicious:
        bad = ~np.isfinite(array)
        count = int(np.count_nonzero(bad))
        if count:
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"{name} must be finite, got {count} NaN or infinite value(s), the first at index {first}; "
                "mend the step that made them, or replace them with np.nan_to_num"
            )
    return array


def check_waveform(name: str, array: Any) -> np.ndarray:
    """Return `array` as a floating (channels, samples) waveform, or refuse it.

    float32 and float64 keep their type; integers are refused, because their scale is unknown.

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
        raise ValueError(f"{name} is empty (shape {array.shape}); it must hold at least one channel and one sample")
    if channels > 32 and channels > samples:
        raise ShapeError(
            f"{name} must be (channels, samples), got shape {array.shape}, which looks like (samples, channels); "
            f"transpose it: {name}.T"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(
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
            "this method listens to the difference between the channels, so choose another for this recording"
        )
    return array


def check_same_shape(name: str, array: np.ndarray, other_name: str, other: np.ndarray) -> None:
    """Raise ShapeError unless both arrays have one shape."""
    if np.shape(array) != np.shape(other):
        raise ShapeError(
            f"{name} and {other_name} must have one shape, got {np.shape(array)} and {np.shape(other)}; "
            "cut or pad them to the same length and the same number of channels"
        )


def check_sources(name: str, sources: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return a dict of source name -> waveform, all of one shape, or refuse it.

    Raises
    ------
    TypeError
        If `sources` is not a mapping.
    ValueError
        If it is empty, or a waveform is refused by `check_waveform`.
    ShapeError
        If two waveforms differ in shape.
    """
    if not isinstance(sources, Mapping):
        raise TypeError(f"{name} must map source names to waveforms, got {type(sources).__name__}; pass a dict")
    if not sources:
        raise ValueError(f"{name} is empty; it must hold at least one source")
    checked = {label: check_waveform(f"{name}[{label!r}]", waveform) for label, waveform in sources.items()}
    first_label, first = next(iter(checked.items()))
    for label, waveform in checked.items():
        check_same_shape(f"{name}[{label!r}]", waveform, f"{name}[{first_label!r}]", first)
    return checked


def check_sample_rate(sample_rate_hz: Any) -> int:
    """Return the sample rate as an int, or raise ValueError if no recording has it."""
    rate = check_number(
        "sample_rate_hz", sample_rate_hz, at_least=LOWEST_SAMPLE_RATE_HZ, at_most=HIGHEST_SAMPLE_RATE_HZ, unit="Hz"
    )
    if rate != int(rate):
        raise ValueError(f"sample_rate_hz must be a whole number of Hz, got {rate}; round it")
    return int(rate)


def check_magnitude(name: str, array: Any, axes: str) -> np.ndarray:
    """Return real, finite, non-negative values with the given axes, or refuse them."""
    array = check_axes(name, array, axes)
    if np.iscomplexobj(array):
        raise TypeError(f"{name} must hold real magnitudes, got {array.dtype}; take np.abs of the STFT first")
    check_finite(name, array)
    if array.size and array.min() < 0:
        raise ValueError(
            f"{name} must hold magnitudes of 0 or more, got a smallest value of {array.min():.3g}; "
            "magnitudes are linear, not dB"
        )
    return array


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    whole: bool = False,
    unit: str = "",
) -> float:
    """Return `value` if it is one finite number inside the bounds, else raise TypeError or ValueError."""
    bounds = []
    if above is not None:
        bounds.append(f"above {above:g}")
    if at_least is not None:
        bounds.append(f"at least {at_least:g}")
    if at_most is not None:
        bounds.append(f"at most {at_most:g}")
    kind = "a whole number" if whole else "a number"
    wanted = " ".join(part for part in (kind, " and ".join(bounds), f"({unit})" if unit else "") if part)
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be {wanted}, got {value!r} of type {type(value).__name__}")
    outside = (
        not np.isfinite(value)
        or (above is not None and value <= above)
        or (at_least is not None and value < at_least)
        or (at_most is not None and value > at_most)
        or (whole and value != int(value))
    )
    if outside:
        raise ValueError(f"{name} must be {wanted}, got {value}")
    return int(value) if whole else value


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return `value` if it is one of `choices`, else raise ValueError that lists them."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, sorted(choices)))}, got {value!r}")
    return value


def check_generator(name: str, rng: Any) -> np.random.Generator:
    """Return `rng` if it is a NumPy generator, else raise TypeError that shows how to make one."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{name} must be a seeded generator, got {rng!r}; pass np.random.default_rng(0)")
    return rng
