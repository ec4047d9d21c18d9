"""Answers: what the checks of exercises share. Each function says what is wrong, and after a hint also where to look.

Comparing functions return None when the answer is right, or a sentence that says what is wrong; so a check is a chain::

    def check(answer):
        mixture = answers.rng(32).random((2, 5, 4))
        estimate = answers.call(answer, mixture)
        return answers.array(estimate, 0.5 * mixture, "channels freq frames", where="A mask multiplies.")

The first sentence says what is wrong: the shape, the sign, a typical mistake. It never holds the right value or the way
to it; that is for hints, and for `where=`, which is shown only after a hint or two wrong tries (see `explaining`).

`call` runs a student's function and raises `Refused` (or one of its kinds) where there is no result to compare;
`Exercise.judge` catches it. No function here ever shows a traceback, and none writes into its inputs. A check draws its
inputs by `rng` and `varied`, so that a grader can repeat it on inputs that no student has seen.

Contents: number, array, text, truth (`comparing`); reached (`reaching`); Refused, Blank, Raised, call, is_blank,
describe (`calling`); rng, varied, usually, telling, unseen_inputs (`inputs`).
"""

from .calling import Blank, Raised, Refused, call, describe, is_blank
from .comparing import array, number, text, truth
from .inputs import rng, telling, unseen_inputs, usually, varied
from .reaching import reached

__all__ = [
    "Blank",
    "Raised",
    "Refused",
    "array",
    "call",
    "describe",
    "is_blank",
    "number",
    "reached",
    "rng",
    "telling",
    "text",
    "truth",
    "unseen_inputs",
    "usually",
    "varied",
]
