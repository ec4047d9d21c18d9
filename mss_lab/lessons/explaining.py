"""How much a refusal says: what is wrong at first, and where to look after a hint or after two wrong tries.

A reader's first wrong answer receives what is wrong with it, and nothing that gives the right answer away. The text
`where=` of a comparison and the expected values of an array are added for a reader who has seen a hint or tried twice.

Contents: WRONG_TRIES, applies, explaining, is_explaining.
"""

import contextlib
import contextvars
from collections.abc import Iterator

# After so many wrong tries, a further one receives the explanation too.
WRONG_TRIES = 2

_EXPLAINING: contextvars.ContextVar[bool] = contextvars.ContextVar("explaining", default=False)


def applies(hints: int, wrong_tries: int) -> bool:
    """Whether a reader who has seen so many hints and was wrong so often receives the explanation."""
    return hints > 0 or wrong_tries >= WRONG_TRIES


@contextlib.contextmanager
def explaining(explained: bool) -> Iterator[None]:
    """While this context lasts, refusals explain where to look, or do not."""
    token = _EXPLAINING.set(explained)
    try:
        yield
    finally:
        _EXPLAINING.reset(token)


def is_explaining() -> bool:
    """Whether a refusal now explains where to look."""
    return _EXPLAINING.get()
