"""Calling a student's function: its inputs are protected, and its errors become sentences.

Contents: Refused, Blank, Raised, LAST_RESULT; call, is_blank, describe, capitalised, frozen.
"""

import contextvars
import linecache
import re
import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np

from .plain_values import plain
from .time_limit import Stop

# Whole numbers beyond this are not printed, and count as this one.
LARGEST_WHOLE = 10**300

# What the student's function returned last, for a check that cannot go on with it.
LAST_RESULT: contextvars.ContextVar[Any] = contextvars.ContextVar("last result", default=None)


class Refused(Exception):
    """The answer is wrong, and the text says why. Raised where there is nothing to compare."""


class Blank(Refused):
    """The answer was left open."""


class Raised(Refused):
    """The student's function stopped with an error."""


def is_blank(value: Any) -> bool:
    """Whether an answer was left open: None, ``...`` or NotImplemented."""
    return value is None or value is Ellipsis or value is NotImplemented


def call(function: Any, *arguments: Any, name: str = "your function", **options: Any) -> Any:
    """Run a student's function on frozen copies of the arguments, and return what it returns.

    The function receives read-only arrays, also inside dicts, lists and tuples. A function that writes into an input,
    or changes it in another way, is refused. Tensors that it returns arrive as arrays; see `plain_values`.
    `Exercise.judge` limits the time, not this function.

    Raises
    ------
    Blank
        If the function returns None, ``...`` or NotImplemented, or raises NotImplementedError.
    Raised
        If it stops with any other error; the text holds the error's kind and message and the student's line.
    Refused
        If it is not a function, or writes into its inputs.
    """
    if is_blank(function):
        raise Blank
    if not callable(function):
        raise Refused(f"The answer must be a function, got {describe(function)}; give its name, without brackets.")
    frozen_arguments, frozen_options = frozen(arguments), frozen(options)
    try:
        result = function(*frozen_arguments, **frozen_options)
    except NotImplementedError as error:
        raise Blank from error
    except (Refused, Stop):
        raise
    except (Exception, SystemExit) as error:
        line = _last_line(error)
        if isinstance(error, ValueError) and "read-only" in str(error):
            raise Refused(
                f"{capitalised(name)} writes into its input{line}. A method leaves its inputs as they were: "
                "work on a copy, or make a new array."
            ) from error
        shown = str(error) or "without words"
        raise Raised(f"{capitalised(name)} stopped with {type(error).__name__}: {shown}{line}.") from error
    if not _same((frozen_arguments, frozen_options), (arguments, options)):
        raise Refused(f"{capitalised(name)} changes its input. Work on a copy, or make a new array.")
    if is_blank(result):
        raise Blank(f"{capitalised(name)} returns nothing yet; end it with return.")
    result = plain(result)
    LAST_RESULT.set(result)
    return result


def describe(value: Any) -> str:
    """A few words that say what a value is, for messages."""
    if callable(value):
        return f"a function ({getattr(value, '__name__', type(value).__name__)})"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        return "a whole number of more than 300 digits"
    if isinstance(value, bool | np.bool_ | int | float | complex | np.generic):
        return f"{value}"
    if isinstance(value, list | tuple | dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def capitalised(words: str) -> str:
    """The same words with a capital letter at the beginning; what stands in code, such as `cosine_sums`, stays."""
    first, *others = words.split(" ")
    is_code = not others or re.search(r"\W|_|\d", first) or {"+", "-", "*", "/", "@", "="} & set(others)
    return words if is_code else words[:1].upper() + words[1:]


def frozen(value: Any) -> Any:
    """The same value with read-only copies of its arrays, also of those inside dicts, lists and tuples."""
    if isinstance(value, np.ndarray):
        copy = value.copy()
        copy.setflags(write=False)
        return copy
    if isinstance(value, Mapping):
        return {key: frozen(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(frozen(item) for item in value)
    return value


def _same(one: Any, other: Any) -> bool:
    if isinstance(other, np.ndarray):
        return isinstance(one, np.ndarray) and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(other, Mapping):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in other)
    if type(other) in (list, tuple):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    # Anything else was handed over as it is, not copied.
    return True


def _last_line(error: BaseException) -> str:
    # The student's own line helps; the lines below it belong to a library.
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "site-packages" not in frame.filename
    ]
    for frame in reversed(own):
        line = linecache.getline(frame.filename, frame.lineno or 0).strip()
        if line and "/mss_lab/" not in frame.filename.replace("\\", "/"):
            return f", in its line {frame.lineno}: {line}"
    return ""
