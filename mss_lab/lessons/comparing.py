"""Comparing an answer with the right one: None where it is right, else a sentence that says what is wrong.

Contents: number, array, text, truth.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..refusals import RefusedValue
from .calling import LARGEST_WHOLE, Blank, capitalised, describe, is_blank

# How far floating-point answers may differ from the expected array, relative to its largest value.
ARRAY_TOLERANCE = 1e-6


def number(
    answer: Any,
    expected: float,
    tolerance: float,
    unit: str = "",
    *,
    name: str = "the answer",
    where: str = "",
    mistakes: Mapping[str, float] | None = None,
) -> str | None:
    """None if `answer` is a number within `tolerance` of `expected`, else what is wrong.

    Parameters
    ----------
    answer : anything
        The student's answer; an array of one number counts as that number.
    expected, tolerance : float
        In `unit`; the tolerance is absolute.
    unit : str
        Such as "dB"; stands behind the numbers in the message.
    name : str
        Opens the message.
    where : str
        A sentence on where to look, added to the message.
    mistakes : dict of str -> float, optional
        Typical wrong results: what to say -> the number that this mistake gives. They are tried before the general
        message.
    """
    where = f" {where}" if where else ""
    unit = f" {unit}" if unit else ""
    if is_blank(answer):
        raise Blank
    value = _one_number(answer)
    if value is None:
        return f"{capitalised(name)} must be one number{unit and ' in' + unit}, got {describe(answer)}.{where}"
    if not isinstance(value, int) and not np.isfinite(value):
        return f"{capitalised(name)} is {value}, which is no finite number; look for a division by zero.{where}"
    if abs(value - expected) <= tolerance:
        return None
    for words, mistake in (mistakes or {}).items():
        if abs(value - mistake) <= tolerance:
            return f"{capitalised(name)} is {_short(value)}{unit}. {words}"
    side = "high" if value.real > expected.real else "low"
    # It says on which side the answer is, not what is expected: that would give the solution away.
    return f"{capitalised(name)} is {_short(value)}{unit}, too {side}.{where}"


def array(
    answer: Any,
    expected: np.ndarray,
    axes: str,
    *,
    tolerance: float | None = None,
    name: str = "the answer",
    where: str = "",
    mistakes: Mapping[str, np.ndarray] | None = None,
) -> str | None:
    """None if `answer` is an array like `expected`, else what is wrong: the shape, the kind, or the first difference.

    Parameters
    ----------
    answer : anything
    expected : array
    axes : str
        Names of the axes, separated by spaces, such as ``"channels freq frames"``.
    tolerance : float, optional
        Largest allowed difference; by default 1e-6 of the largest expected value.
    name, where : str
        As for `number`.
    mistakes : dict of str -> array, optional
        Typical wrong results: what to say -> the array that this mistake gives, NaN and infinities included. They are
        tried if the answer is wrong, before the general messages.
    """
    where = f" {where}" if where else ""
    if is_blank(answer):
        raise Blank
    expected = _signed(np.asarray(expected))
    names = axes.split()
    if expected.ndim != len(names):
        raise RefusedValue(f"axes must name the {expected.ndim} axes of expected, got {axes!r}")
    if not isinstance(answer, np.ndarray | list | tuple | int | float | complex | np.generic):
        return f"{capitalised(name)} must be an array ({', '.join(names)}), got {describe(answer)}.{where}"
    actual = _numbers(answer)
    if actual is None:
        return f"{capitalised(name)} must be an array of numbers, got {describe(answer)}.{where}"
    if tolerance is None:
        tolerance = ARRAY_TOLERANCE * float(np.abs(expected).max(initial=0.0))
    if _is_right(actual, expected, tolerance):
        return None
    for words, mistake in (mistakes or {}).items():
        if actual.shape == np.shape(mistake) and _same_values(actual, _signed(np.asarray(mistake)), tolerance):
            return words
    return f"{capitalised(name)} {_difference(actual, expected, names, tolerance)}{where}"


def text(answer: Any, expected: str, choices: tuple[str, ...], mistakes: Mapping[str, str] | None = None) -> str | None:
    """None if `answer` is the expected one of `choices`, whatever its case, else what is wrong.

    Parameters
    ----------
    answer : anything
    expected : str
    choices : tuple of str
        All the words that can be answered.
    mistakes : dict of str -> str, optional
        A wrong choice -> what to say about it.
    """
    if is_blank(answer) or (isinstance(answer, str) and not answer.strip()):
        raise Blank
    listed = ", ".join(f'"{choice}"' for choice in choices)
    if not isinstance(answer, str):
        return f"The answer must be one of {listed}, got {describe(answer)}."
    answered = " ".join(answer.split()).casefold()
    if answered == expected.casefold():
        return None
    if answered not in {choice.casefold() for choice in choices}:
        return f'The answer must be one of {listed}, got "{answer}".'
    for choice, words in (mistakes or {}).items():
        if answered == choice.casefold():
            return words
    return f'"{answer}" is not it. Listen again, and look at the picture before it.'


def truth(condition: Any, otherwise: str) -> str | None:
    """None if the condition holds, else the words `otherwise`; for laws that an answer must obey."""
    return None if bool(condition) else otherwise


def _one_number(answer: Any) -> Any:
    if isinstance(answer, bool | np.bool_ | str):
        return None
    if isinstance(answer, np.ndarray) and answer.size == 1 and answer.dtype.kind in "iufc":
        return answer.reshape(())[()]
    if isinstance(answer, int):
        # Python's whole numbers have no end, floating-point numbers do.
        return max(-LARGEST_WHOLE, min(answer, LARGEST_WHOLE))
    return answer if isinstance(answer, float | complex | np.number) else None


def _signed(values: np.ndarray) -> np.ndarray:
    # Differences of truth values and of unsigned integers are no differences.
    return values.astype(float) if values.dtype.kind in "biu" else values


def _numbers(answer: Any) -> np.ndarray | None:
    try:
        values = np.asarray(answer)
    except ValueError:
        # Lists of different lengths.
        return None
    return _signed(values) if values.dtype.kind in "biufc" else None


def _difference(actual: np.ndarray, expected: np.ndarray, names: list[str], tolerance: float) -> str:
    """In which respect an array differs from the expected one: its shape, its kind, or its values."""
    if actual.shape != expected.shape:
        return f"has shape {actual.shape}, {_shape_words(actual.shape, expected.shape, names)}"
    if np.iscomplexobj(actual) and not np.iscomplexobj(expected):
        return "is complex, expected real numbers; is a magnitude or an inverse missing?"
    if not np.all(np.isfinite(actual)):
        count = int(np.count_nonzero(~np.isfinite(actual)))
        return f"holds {count} NaN or infinite value(s); look for a division by zero."
    difference = np.abs(actual - expected)
    worst = np.unravel_index(int(np.argmax(difference)), difference.shape)
    position = ", ".join(f"{axis} {int(index)}" for axis, index in zip(names, worst, strict=True))
    share = np.mean(difference > tolerance)
    return (
        f"has the right shape, but {share:.0%} of its values are off, most at {position or 'its value'}: "
        f"got {_short(actual[worst])}, expected {_short(expected[worst])}."
    )


def _is_right(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    # Asked before the mistakes: for some inputs a typical mistake happens to give the right result.
    if actual.shape != expected.shape or (np.iscomplexobj(actual) and not np.iscomplexobj(expected)):
        return False
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(actual - expected) <= tolerance))


def _same_values(actual: np.ndarray, mistake: np.ndarray, tolerance: float) -> bool:
    # A typical mistake may leave NaN or infinities; they count as equal where they stand in the same places.
    with np.errstate(invalid="ignore"):
        near = np.abs(actual - mistake) <= tolerance
    return bool(np.all(near | (actual == mistake) | (np.isnan(actual) & np.isnan(mistake))))


def _shape_words(actual: tuple[int, ...], expected: tuple[int, ...], names: list[str]) -> str:
    words = ", ".join(f"{size} {axis}" for size, axis in zip(expected, names, strict=True))
    reason = ""
    if len(actual) != len(expected):
        reason = f" It has {len(actual)} axes and needs {len(expected)}."
    elif sorted(actual) == sorted(expected):
        reason = " The axes are there, but in another order: try a transpose."
    else:
        off = [axis for size, want, axis in zip(actual, expected, names, strict=True) if size != want]
        reason = f" Look at the axis {', '.join(off)}."
    return f"expected {expected} ({words or 'one number'}).{reason}"


def _short(value: Any) -> str:
    if isinstance(value, complex | np.complexfloating):
        return f"{value:.4g}"
    value = float(value)
    return f"{value:.10g}" if value.is_integer() else f"{value:.4g}"
