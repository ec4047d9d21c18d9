"""Inputs of checks: the same for all students in class, and others of the same kind for a grader.

In class the inputs do not change, so that messages can be compared. A function could therefore hold a table of the
right results. A check draws its inputs by `rng` and `varied`, and a grader repeats it inside `unseen_inputs` with a
secret number: then other inputs of the same kind are drawn.

Contents: rng, varied, usually, telling, unseen_inputs.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, overload

import numpy as np

from .. import checks

# How often inputs are drawn again that do not tell a typical mistake from the right answer.
MOST_DRAWS = 1000

T = TypeVar("T")

# A context variable and no environment variable: a process that a student's code runs in neither inherits nor sees it.
_SECRET: contextvars.ContextVar[int | None] = contextvars.ContextVar("secret", default=None)


@contextlib.contextmanager
def unseen_inputs(secret: int) -> Iterator[None]:
    """While this context lasts, checks draw inputs that follow from a secret, not those of the class.

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
    """The generator from which a check draws its inputs.

    In class this is `np.random.default_rng(seed)`; in a context of `unseen_inputs` it is another.

    Parameters
    ----------
    seed : int >= 0
        Each check has its own, so that no two checks draw the same inputs.
    """
    secret = _SECRET.get()
    # One more than the secret, since NumPy draws the same from [seed, 0] as from seed alone.
    return np.random.default_rng(seed if secret is None else [seed, secret + 1])


@overload
def varied(usual: int, low: int, high: int, generator: np.random.Generator) -> int: ...
@overload
def varied(usual: float, low: float, high: float, generator: np.random.Generator) -> float: ...
def varied(usual: Any, low: Any, high: Any, generator: np.random.Generator) -> Any:
    """The number `usual` in class; in a context of `unseen_inputs` one between `low` and `high`, both included.

    In class nothing is drawn from the generator. If both limits are whole numbers, the result is an int, else a float.
    """
    if isinstance(low, int) and isinstance(high, int):
        return usually(usual, lambda: int(generator.integers(low, high, endpoint=True)))
    return usually(usual, lambda: float(generator.uniform(low, high)))


def usually(usual: Any, draw: Callable[[], Any]) -> Any:
    """The inputs `usual` in class; in a context of `unseen_inputs` what `draw` returns."""
    return usual if _SECRET.get() is None else draw()


def telling(draw: Callable[[], T], tells: Callable[[T], bool]) -> T:
    """Draw inputs until typical mistakes give other results for them than the right answer does.

    This is for inputs of whole numbers and truth values, where a mistake can give the right result by chance.

    Parameters
    ----------
    draw : callable -> inputs
        Draws from a generator, so that every call returns other inputs.
    tells : callable inputs -> bool
        Whether every mistake gives another result than the right answer.

    Raises
    ------
    RuntimeError
        If 1000 draws give no such inputs; the check must then draw in another way.
    """
    for _ in range(MOST_DRAWS):
        inputs = draw()
        if tells(inputs):
            return inputs
    raise RuntimeError(f"{MOST_DRAWS} draws gave no inputs that tell the mistakes from the right answer")
