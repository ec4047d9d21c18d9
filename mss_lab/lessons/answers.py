"""Answers: what the checks of exercises share. Each says what is wrong, and where to look.

Comparing functions return None when the answer is right, or a sentence that says what is wrong; so a check is a chain::

    def check(answer):
        estimate = answers.call(answer, mixture, mask)
        return answers.array(estimate, wanted, "channels freq frames", where="masks multiply")

`call` runs a student's function and raises `Refused` (or one of its kinds) where there is no result to compare;
`Exercise.judge` catches it. No function here ever shows a traceback, and none writes into its inputs.

The inputs of a check are the same for everybody, so that messages can be compared in class; a function could therefore
hold a table of the right results. A check draws its inputs from `rng` and `varied`, and a grader repeats it inside
`unseen_inputs` with a secret number: then the inputs are others of the same kind.

Contents: Refused, Blank, Raised; number, array, text, truth, call, is_blank; rng, varied, usually, telling,
unseen_inputs.
"""

import contextlib
import contextvars
import linecache
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from .time_limit import Stop

# How far floating-point answers may stray from the wanted array, as a part of its largest value.
ARRAY_TOLERANCE = 1e-6

# Whole numbers beyond this are taken for it.
LARGEST_WHOLE = 10**300

# How often inputs are drawn again that do not tell a typical mistake from the right answer.
MOST_DRAWS = 1000

# A context variable and no environment variable: a process that a student's code runs in neither inherits nor sees it.
_SECRET: contextvars.ContextVar[int | None] = contextvars.ContextVar("secret", default=None)


class Refused(Exception):
    """An answer that is wrong; its text says why. Raised where there is nothing to compare."""


class Blank(Refused):
    """An answer that was left open."""


class Raised(Refused):
    """A student's function that stopped with an error."""


@contextlib.contextmanager
def unseen_inputs(secret: int) -> Iterator[None]:
    """While this context lasts, checks draw other inputs than in class.

    Parameters
    ----------
    secret : int >= 0
        The same secret gives the same inputs again. It must not be known where the student's code runs.
    """
    token = _SECRET.set(checks.check_number("secret", secret, at_least=0, whole=True))
    try:
        yield
    finally:
        _SECRET.reset(token)


def rng(seed: int) -> np.random.Generator:
    """The generator from which a check draws its inputs: `np.random.default_rng(seed)` in class, another in a context
    of `unseen_inputs`.

    Parameters
    ----------
    seed : int >= 0
        The check's own, so that two checks do not draw the same.
    """
    secret = _SECRET.get()
    return np.random.default_rng(seed if secret is None else [seed, secret])


def varied(usual: Any, low: Any, high: Any, generator: np.random.Generator) -> Any:
    """The number `usual` in class; in a context of `unseen_inputs` one between `low` and `high`, both included.

    In class nothing is drawn from the generator. Whole limits give a whole number, as a Python int; else a float comes.
    """
    if isinstance(low, int) and isinstance(high, int):
        return usually(usual, lambda: int(generator.integers(low, high, endpoint=True)))
    return usually(usual, lambda: float(generator.uniform(low, high)))


def usually(usual: Any, draw: Callable[[], Any]) -> Any:
    """The inputs `usual` in class; in a context of `unseen_inputs` what `draw` returns."""
    return usual if _SECRET.get() is None else draw()


def telling(draw: Callable[[], Any], tells: Callable[[Any], bool]) -> Any:
    """Draw inputs until they tell typical mistakes from the right answer.

    For inputs of whole numbers and truth values, where a mistake can give the right result by chance.

    Parameters
    ----------
    draw : callable -> inputs
        Draws from a generator, so that every call gives others.
    tells : callable inputs -> bool
        Whether every mistake gives another result than the right answer.

    Raises
    ------
    RuntimeError
        If no inputs of 1000 do; the check must draw in another way.
    """
    for _ in range(MOST_DRAWS):
        inputs = draw()
        if tells(inputs):
            return inputs
    raise RuntimeError(f"{MOST_DRAWS} draws gave no inputs that tell the mistakes from the right answer")


def is_blank(value: Any) -> bool:
    """Whether an answer was left open: None, ``...`` or NotImplemented."""
    return value is None or value is Ellipsis or value is NotImplemented


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
        What the student gave; arrays that hold one number are taken for that number.
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
        return f"{_capital(name)} must be one number{unit and ' in' + unit}, got {describe(answer)}.{where}"
    if not isinstance(value, int) and not np.isfinite(value):
        return f"{_capital(name)} is {value}, which is no finite number; look for a division by zero.{where}"
    if abs(value - wanted) <= tolerance:
        return None
    for words, slip in (slips or {}).items():
        if abs(value - slip) <= tolerance:
            return f"{_capital(name)} is {_short(value)}{unit}. {words}"
    side = "high" if value.real > wanted.real else "low"
    # Which side, not what was wanted: a check that says the answer has nothing left to ask.
    return f"{_capital(name)} is {_short(value)}{unit}, too {side}.{where}"


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
        return f"{_capital(name)} must be an array ({', '.join(names)}), got {describe(answer)}.{where}"
    try:
        got = _signed(np.asarray(answer))
        if got.dtype == object or got.dtype.kind not in "biufc":
            raise ValueError
    except ValueError:
        return f"{_capital(name)} must be an array of numbers, got {describe(answer)}.{where}"
    if tolerance is None:
        tolerance = ARRAY_TOLERANCE * float(np.abs(wanted).max(initial=0.0))
    if _is_right(got, wanted, tolerance):
        return None
    for words, slip in (slips or {}).items():
        if got.shape == np.shape(slip) and _alike(got, _signed(np.asarray(slip)), tolerance):
            return words
    if got.shape != wanted.shape:
        return f"{_capital(name)} has shape {got.shape}, {_shape_words(got.shape, wanted.shape, names)}{where}"
    if np.iscomplexobj(got) and not np.iscomplexobj(wanted):
        return f"{_capital(name)} is complex, wanted real numbers; is a magnitude or an inverse missing?{where}"
    if not np.all(np.isfinite(got)):
        count = int(np.count_nonzero(~np.isfinite(got)))
        return f"{_capital(name)} holds {count} NaN or infinite value(s); look for a division by zero.{where}"
    difference = np.abs(got - wanted)
    worst = np.unravel_index(int(np.argmax(difference)), difference.shape)
    place = ", ".join(f"{axis} {int(index)}" for axis, index in zip(names, worst, strict=True))
    share = np.mean(difference > tolerance)
    return (
        f"{_capital(name)} has the right shape, but {share:.0%} of its values are off, most at {place or 'its value'}: "
        f"got {_short(got[worst])}, wanted {_short(wanted[worst])}.{where}"
    )


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


def call(function: Any, *arguments: Any, name: str = "your function", **options: Any) -> Any:
    """Run a student's function on frozen copies of the arguments, and return what it returns.

    Arrays reach the function read-only, also inside dicts, lists and tuples; one that is written into, or changed by a
    detour, is refused in words. Time is limited by `Exercise.judge`, not here.

    Raises
    ------
    Blank
        If the function returns None, ``...`` or NotImplemented, or raises NotImplementedError.
    Raised
        If it stops with any other error: its kind, its words and the student's line.
    Refused
        If it is no function, or writes into its inputs.
    """
    if is_blank(function):
        raise Blank
    if not callable(function):
        raise Refused(f"The answer must be a function, got {describe(function)}; give its name, without brackets.")
    frozen_arguments, frozen_options = _frozen(arguments), _frozen(options)
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
                f"{_capital(name)} writes into its input{line}. A method leaves its inputs as they were: "
                "work on a copy, or make a new array."
            ) from error
        shown = str(error) or "without words"
        raise Raised(f"{_capital(name)} stopped with {type(error).__name__}: {shown}{line}.") from error
    if not _same((frozen_arguments, frozen_options), (arguments, options)):
        raise Refused(f"{_capital(name)} changes its input. Work on a copy, or make a new array.")
    if is_blank(result):
        raise Blank(f"{_capital(name)} returns nothing yet; end it with return.")
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


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        copy = value.copy()
        copy.setflags(write=False)
        return copy
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_frozen(item) for item in value)
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
    # The student's own line is the one to look at; what lies deeper belongs to a library.
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


def _short(value: Any) -> str:
    if isinstance(value, complex | np.complexfloating):
        return f"{value:.4g}"
    value = float(value)
    return f"{value:.10g}" if value.is_integer() else f"{value:.4g}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
