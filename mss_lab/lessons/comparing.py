"""Comparing an answer with the right one: None where it is right, else a sentence that says what is wrong.

The sentence gives neither the expected value nor the way to it, as long as the reader has seen no hint; see
`explaining`. Tensors of PyTorch, columns of pandas and lists count as the arrays that they hold.

Contents: number, array, text, truth.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from ..refusals import RefusedValue
from .calling import LARGEST_WHOLE, Blank, capitalised, describe, is_blank
from .explaining import is_explaining
from .plain_values import plain

# How far floating-point answers may differ from the expected array, relative to its largest value.
ARRAY_TOLERANCE = 1e-6
# Answers in single and half precision may differ by so many of the steps between their numbers, and by no more than
# this share. In single precision that is 1e-4, the precision at which messages show numbers.
ROUNDING_STEPS = 1000
COARSEST = 0.01


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
        The student's answer; an array or a list of one number counts as that number. A number that is written with at
        least three significant digits, or with two decimals, may be the expected one rounded to them.
    expected, tolerance : float
        In `unit`; the tolerance is absolute. For an answer in single precision it is at least 1e-4 of `expected`.
    unit : str
        Such as "dB"; stands behind the numbers in the message.
    name : str
        Opens the message.
    where : str
        A sentence on where to look, added to the message for a reader who has seen a hint or was wrong twice.
    mistakes : dict of str -> float, optional
        Typical wrong results: what to say -> the number that this mistake gives. They are tried before the general
        message.
    """
    where = _explanation(where)
    unit = f" {unit}" if unit else ""
    if is_blank(answer):
        raise Blank
    value = _one_number(plain(answer))
    if value is None:
        return f"{capitalised(name)} must be one number{unit and ' in' + unit}, got {describe(answer)}.{where}"
    if not isinstance(value, int) and not np.isfinite(value):
        return f"{capitalised(name)} is {value}, which is no finite number; look for a division by zero.{where}"
    tolerance = max(tolerance, _precision_of(value) * abs(expected))
    if abs(value - expected) <= tolerance or _is_rounded(value, expected):
        return None
    for words, mistake in (mistakes or {}).items():
        if abs(value - mistake) <= tolerance:
            return f"{capitalised(name)} is {_short(value)}{unit}. {words}"
    # It says in which respect the answer is wrong, not what is expected: that would give the solution away.
    return f"{capitalised(name)} is {_short(value)}{unit}, {_number_difference(value, expected, tolerance)}.{where}"


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
        Largest allowed difference; by default 1e-6 of the largest expected value. For an answer in single precision it
        is at least 1e-4 of that value.
    name, where : str
        As for `number`.
    mistakes : dict of str -> array, optional
        Typical wrong results: what to say -> the array that this mistake gives, NaN and infinities included. They are
        tried if the answer is wrong, before the general messages.
    """
    where = _explanation(where)
    if is_blank(answer):
        raise Blank
    answer, written = plain(answer), answer
    expected = _signed(np.asarray(expected))
    names = axes.split()
    if expected.ndim != len(names):
        raise RefusedValue(f"axes must name the {expected.ndim} axes of expected, got {axes!r}")
    if not isinstance(answer, np.ndarray | list | tuple | int | float | complex | np.generic):
        return f"{capitalised(name)} must be an array ({', '.join(names)}), got {describe(answer)}.{where}"
    actual = _numbers(answer)
    if actual is None:
        return f"{capitalised(name)} must be an array of numbers, got {describe(answer)}.{where}"
    largest = float(np.abs(expected).max(initial=0.0))
    if tolerance is None:
        tolerance = ARRAY_TOLERANCE * largest
    tolerance = max(tolerance, _precision_of(actual) * largest)
    if _is_right(actual, expected, tolerance) or _are_rounded(written, actual, expected, tolerance):
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
    if isinstance(answer, np.ndarray) and answer.ndim == 0 and answer.dtype.kind == "U":
        answer = str(answer)
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
    """None if the condition holds, in all places of an array, else the words `otherwise`; for laws of an answer."""
    return None if bool(np.all(condition)) else otherwise


def _explanation(where: str) -> str:
    return f" {where}" if where and is_explaining() else ""


def _one_number(answer: Any) -> Any:
    if isinstance(answer, list | tuple) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, bool | np.bool_ | str):
        return None
    if isinstance(answer, np.ndarray) and answer.size == 1 and answer.dtype.kind in "iufc":
        return answer.reshape(())[()]
    if isinstance(answer, int):
        # Python's whole numbers have no end, floating-point numbers do.
        return max(-LARGEST_WHOLE, min(answer, LARGEST_WHOLE))
    return answer if isinstance(answer, float | complex | np.number) else None


def _precision_of(value: Any) -> float:
    """The share by which numbers of this kind may differ because they were rounded while they were calculated."""
    kind = np.asarray(value).dtype
    return min(ROUNDING_STEPS * float(np.finfo(kind).eps), COARSEST) if kind.kind in "fc" else 0.0


def _is_rounded(value: Any, expected: Any) -> bool:
    """Whether a number is the expected one as a cell prints it, with three significant digits or two decimals."""
    if type(value) is not float or not np.isfinite(value) or isinstance(expected, complex):
        return False
    written = Decimal(repr(value)).as_tuple()
    decimals = -int(written.exponent)
    digits = len(written.digits)
    if decimals < 1 or not (digits >= 3 or (digits == 2 and decimals >= 2)):
        return False
    return round(float(expected), decimals) == value


def _are_rounded(written: Any, actual: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Whether a list holds the expected numbers, each within the tolerance or as a cell prints it."""
    if not isinstance(written, list | tuple) or actual.shape != expected.shape or np.iscomplexobj(actual):
        return False
    pairs = zip(actual.ravel().tolist(), expected.ravel().tolist(), strict=True)
    return all(abs(value - right) <= tolerance or _is_rounded(value, right) for value, right in pairs)


def _number_difference(value: Any, expected: Any, tolerance: float) -> str:
    """In which respect a number differs from the expected one: its sign, its unit, or its size."""
    if expected != 0 and abs(value + expected) <= tolerance:
        return "with the sign turned round"
    if value != 0 and abs(1 / value - expected) <= tolerance:
        return "which is upside down"
    if expected != 0 and any(abs(value * factor - expected) <= tolerance for factor in (1000, 0.001)):
        return "wrong by a factor of 1000; look at the unit"
    return f"too {'high' if value.real > expected.real else 'low'}"


def _signed(values: np.ndarray) -> np.ndarray:
    # Differences of truth values and of unsigned integers are no differences.
    return values.astype(float) if values.dtype.kind in "biu" else values


def _numbers(answer: Any) -> np.ndarray | None:
    try:
        values = np.asarray(answer)
    except (ValueError, TypeError, OverflowError):
        # Lists of different lengths, or objects that refuse to be numbers.
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
    if respect := _whole_difference(actual, expected, tolerance):
        return f"has the right shape, but {respect}."
    difference = np.abs(actual - expected)
    worst = np.unravel_index(int(np.argmax(difference)), difference.shape)
    position = ", ".join(f"{axis} {int(index)}" for axis, index in zip(names, worst, strict=True))
    share = np.mean(difference > tolerance)
    actual_text, expected_text = _apart(actual[worst], expected[worst])
    return (
        f"has the right shape, but {share:.0%} of its values are off, most at {position or 'its value'}: "
        f"got {actual_text}{f', expected {expected_text}' if is_explaining() else ''}."
    )


def _whole_difference(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> str:
    """In which respect all values differ alike: all are 0, the sign, one factor or one offset; empty if in none."""
    if not np.any(actual):
        return "it holds only zeros"
    if np.all(np.abs(actual + expected) <= tolerance):
        return "the sign of its values is turned round"
    if actual.size < 3 or not np.ptp(np.abs(expected)) > tolerance:
        return ""
    factor = np.vdot(actual, expected) / np.vdot(actual, actual)
    if factor != 0 and np.all(np.abs(factor * actual - expected) <= tolerance):
        return "all its values are wrong by one and the same factor"
    if np.all(np.abs(actual - expected - np.mean(actual - expected)) <= tolerance):
        return "all its values are wrong by one and the same number that is added"
    return ""


def _apart(actual: Any, expected: Any) -> tuple[str, str]:
    """Both numbers with so many digits that they differ."""
    for digits in (4, 6, 9, 12):
        if (texts := (_short(actual, digits), _short(expected, digits)))[0] != texts[1]:
            break
    return texts


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


def _short(value: Any, digits: int = 4) -> str:
    if isinstance(value, complex | np.complexfloating):
        return f"{value:.{digits}g}"
    value = float(value)
    return f"{value:.10g}" if value.is_integer() else f"{value:.{digits}g}"
