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
    wanted: float,
    tolerance: float,
    unit: str = "",
    *,
    name: str = "the answer",
    where: str = "",
    slips: Mapping[str, float] | None = None,
) -> str | None:
    """None if `answer` is a number within `tolerance` of `wanted`, else what is wrong.

    Parameters
    ----------
    answer : anything
        The student's answer; an array of one number counts as that number.
    wanted, tolerance : float
        In `unit`; the tolerance is absolute.
    unit : str
        Such as "dB"; stands behind the numbers in the message.
    name : str
        Opens the message.
    where : str
        A sentence on where to look, added to the message.
    slips : dict of str -> float, optional
        Typical wrong results: what to say -> the number that this slip gives. Tried before the general message.
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
    if abs(value - wanted) <= tolerance:
        return None
    for words, slip in (slips or {}).items():
        if abs(value - slip) <= tolerance:
            return f"{capitalised(name)} is {_short(value)}{unit}. {words}"
    side = "high" if value.real > wanted.real else "low"
    # It says on which side the answer is, not what is expected: that would give the solution away.
    return f"{capitalised(name)} is {_short(value)}{unit}, too {side}.{where}"


def array(
    answer: Any,
    wanted: np.ndarray,
    axes: str,
    *,
    tolerance: float | None = None,
    name: str = "the answer",
    where: str = "",
    slips: Mapping[str, np.ndarray] | None = None,
) -> str | None:
    """None if `answer` is an array like `wanted`, else what is wrong: the shape, the kind, or the first difference.

    Parameters
    ----------
    answer : anything
    wanted : array
    axes : str
        Names of the axes, separated by spaces, such as ``"channels freq frames"``.
    tolerance : float, optional
        Largest allowed difference; by default 1e-6 of the largest wanted value.
    name, where : str
        As for `number`.
    slips : dict of str -> array, optional
        Typical wrong results: what to say -> the array that this slip gives, NaN and infinities included. Tried after
        the wanted one and before the general messages.
    """
    where = f" {where}" if where else ""
    if is_blank(answer):
        raise Blank
    wanted = _signed(np.asarray(wanted))
    names = axes.split()
    if wanted.ndim != len(names):
        raise RefusedValue(f"axes must name the {wanted.ndim} axes of wanted, got {axes!r}")
    if not isinstance(answer, np.ndarray | list | tuple | int | float | complex | np.generic):
        return f"{capitalised(name)} must be an array ({', '.join(names)}), got {describe(answer)}.{where}"
    got = _numbers(answer)
    if got is None:
        return f"{capitalised(name)} must be an array of numbers, got {describe(answer)}.{where}"
    if tolerance is None:
        tolerance = ARRAY_TOLERANCE * float(np.abs(wanted).max(initial=0.0))
    if _is_right(got, wanted, tolerance):
        return None
    for words, slip in (slips or {}).items():
        if got.shape == np.shape(slip) and _alike(got, _signed(np.asarray(slip)), tolerance):
            return words
    return f"{capitalised(name)} {_difference(got, wanted, names, tolerance)}{where}"


def text(answer: Any, wanted: str, choices: tuple[str, ...], slips: Mapping[str, str] | None = None) -> str | None:
    """None if `answer` is the wanted one of `choices`, whatever its case, else what is wrong.

    Parameters
    ----------
    answer : anything
    wanted : str
    choices : tuple of str
        All the words that can be answered.
    slips : dict of str -> str, optional
        A wrong choice -> what to say about it.
    """
    if is_blank(answer) or (isinstance(answer, str) and not answer.strip()):
        raise Blank
    listed = ", ".join(f'"{choice}"' for choice in choices)
    if not isinstance(answer, str):
        return f"The answer must be one of {listed}, got {describe(answer)}."
    given = " ".join(answer.split()).casefold()
    if given == wanted.casefold():
        return None
    if given not in {choice.casefold() for choice in choices}:
        return f'The answer must be one of {listed}, got "{answer}".'
    for choice, words in (slips or {}).items():
        if given == choice.casefold():
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


def _difference(got: np.ndarray, wanted: np.ndarray, names: list[str], tolerance: float) -> str:
    """In which respect an array differs from the wanted one: its shape, its kind, or its values."""
    if got.shape != wanted.shape:
        return f"has shape {got.shape}, {_shape_words(got.shape, wanted.shape, names)}"
    if np.iscomplexobj(got) and not np.iscomplexobj(wanted):
        return "is complex, wanted real numbers; is a magnitude or an inverse missing?"
    if not np.all(np.isfinite(got)):
        count = int(np.count_nonzero(~np.isfinite(got)))
        return f"holds {count} NaN or infinite value(s); look for a division by zero."
    difference = np.abs(got - wanted)
    worst = np.unravel_index(int(np.argmax(difference)), difference.shape)
    position = ", ".join(f"{axis} {int(index)}" for axis, index in zip(names, worst, strict=True))
    share = np.mean(difference > tolerance)
    return (
        f"has the right shape, but {share:.0%} of its values are off, most at {position or 'its value'}: "
        f"got {_short(got[worst])}, wanted {_short(wanted[worst])}."
    )


def _is_right(got: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    # Asked before the slips: for some inputs a typical slip happens to give the right result.
    if got.shape != wanted.shape or (np.iscomplexobj(got) and not np.iscomplexobj(wanted)):
        return False
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(got - wanted) <= tolerance))


def _alike(got: np.ndarray, slip: np.ndarray, tolerance: float) -> bool:
    # A typical slip may leave NaN or infinities; they count as equal where they stand in the same places.
    with np.errstate(invalid="ignore"):
        near = np.abs(got - slip) <= tolerance
    return bool(np.all(near | (got == slip) | (np.isnan(got) & np.isnan(slip))))


def _shape_words(got: tuple[int, ...], wanted: tuple[int, ...], names: list[str]) -> str:
    words = ", ".join(f"{size} {axis}" for size, axis in zip(wanted, names, strict=True))
    reason = ""
    if len(got) != len(wanted):
        reason = f" It has {len(got)} axes and needs {len(wanted)}."
    elif sorted(got) == sorted(wanted):
        reason = " The axes are there, but in another order: try a transpose."
    else:
        off = [axis for size, want, axis in zip(got, wanted, names, strict=True) if size != want]
        reason = f" Look at the axis {', '.join(off)}."
    return f"wanted {wanted} ({words or 'one number'}).{reason}"


def _short(value: Any) -> str:
    if isinstance(value, complex | np.complexfloating):
        return f"{value:.4g}"
    value = float(value)
    return f"{value:.10g}" if value.is_integer() else f"{value:.4g}"
