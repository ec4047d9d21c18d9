"""What refusals give away: right values, and code of the solution, in the words that a wrong answer receives first.

Contents: leaks, judge_mistakes, wrong_answers.
"""

import ast
import dataclasses
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from mss_lab.lessons.exercise import Exercise, Verdict, answer_of

NUMBER = re.compile(r"(?<![\w.])-?\d[\d_,\u202f]*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")
# Shorter expressions, such as x**2, also stand in sentences that explain something else.
SHORTEST_CODE = 6
# Numbers of which so many significant digits agree are no coincidence: among what a function returns, and for a value.
FUNCTION_DIGITS = 3
VALUE_DIGITS = 2
# A list of all that can be answered gives nothing away.
CHOICES = re.compile(r'must be one of "[^.]*"')
# An answer of more numbers is not given away by one of them.
MOST_NUMBERS = 8


def leaks(made: Exercise, mistakes: list[tuple[Verdict, list[Any]]] | None = None) -> list[str]:
    """Each number or piece of code in a refusal that occurs in the right answer, with the refusal; empty if none does.

    All refusals are those of a reader who has seen no hint. `mistakes` is what `judge_mistakes` returns, where it is
    known already.
    """
    mistakes = judge_mistakes(made) if mistakes is None else mistakes
    solution = answer_of(made.solution, made)
    inputs: list[Any] = []
    _, results = judged(made, solution, inputs)
    secrets = Secrets(
        numbers=[number for result in results for number in few(result)],
        digits=FUNCTION_DIGITS if callable(solution) else VALUE_DIGITS,
        names=right_names(solution),
        code=code_expressions(made.solution),
        open={float(number) for number in numbers_in(made.task)} | {n for value in inputs for n in few(value)},
    )
    found = []
    for verdict, own in [*mistakes, *(judged(made, answer) for answer in wrong_answers(solution, results))]:
        if verdict.state not in ("right", "not attempted", "time limit"):
            shown = secrets.in_words(verdict.message.replace(made.task, ""), own)
            found += [f"{text} in: {verdict.message}" for text in shown[:1]]
    return list(dict.fromkeys(found))


def judge_mistakes(made: Exercise) -> list[tuple[Verdict, list[Any]]]:
    """For each mistake that the exercise lists what `judged` returns."""
    return [judged(made, answer_of(source, made)) for source in made.mistakes]


@dataclasses.dataclass(frozen=True)
class Secrets:
    """What a refusal must not say.

    Attributes
    ----------
    numbers : list of float
        The right ones.
    digits : int
        With how many significant digits a number is one of them.
    names : list of str
        Right words.
    code : list of str
        Expressions of the solution.
    open : set of float
        Numbers that the reader knows: those of the task and of the inputs.
    """

    numbers: list[float]
    digits: int
    names: list[str]
    code: list[str]
    open: set[float]

    def in_words(self, words: str, own: list[Any]) -> list[str]:
        """Those of the secrets that stand in a refusal; what it repeats of the reader's own answer is none."""
        for name in [name for value in own for name in right_names(value)]:
            words = words.replace(name, "")
        values = np.concatenate([np.zeros(0), *map(array_of, own)])
        shown = [
            text
            for text in numbers_in(words)
            if float(text) not in self.open
            and gives_away(text, self.numbers, self.digits)
            and not np.any(np.abs(values - float(text)) <= 0.5 * 10.0 ** -decimals_of(text))
        ]
        squeezed, unlisted = squeeze(words), CHOICES.sub("", words)
        shown += [code for code in self.code if squeeze(code) in squeezed]
        return shown + [name for name in self.names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", unlisted)]


def wrong_answers(solution: Any, results: list[Any]) -> Iterator[Any]:
    """Answers like the right one in kind and shape with other values.

    Parameters
    ----------
    solution
    results : list
        What the solution returned to the check, call by call, where it is a function.
    """
    rng = np.random.default_rng(1)
    for change in (
        np.zeros_like,
        lambda values: np.asarray(values) * 2.5,
        lambda values: -np.asarray(values),
        lambda values: np.asarray(values) + 7.75,
        lambda values: rng.standard_normal(np.shape(values)) * 10,
        lambda values: np.asarray(values)[..., None],
    ):
        yield changed_function(results, change) if callable(solution) else changed(solution, change)


def changed_function(results: list[Any], change: Any) -> Any:
    """A function that returns results of the right one, changed, one after the other."""
    following = itertools.cycle(results)
    return lambda *arguments, **options: changed(next(following), change)


def changed(value: Any, change: Any) -> Any:
    """The same value with other numbers: `change` is applied to each number and each array in it."""
    if isinstance(value, dict):
        return {key: changed(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(changed(item, change) for item in value)
    if isinstance(value, bool | np.bool_):
        return not value
    if isinstance(value, int | float | complex | np.number | np.ndarray):
        values = np.asarray(value)
        return ~values if values.dtype == bool else change(values)[()]
    if isinstance(value, set | frozenset):
        return {f"not {item}" for item in value}
    return f"not {value}"


def judged(made: Exercise, answer: Any, inputs: list[Any] | None = None) -> tuple[Verdict, list[Any]]:
    """The verdict on an answer, and what the answer is or, for a function, all that it returned."""
    if not callable(answer):
        return made.judge(answer), [answer]
    results: list[Any] = []

    def recorded(*arguments: Any, **options: Any) -> Any:
        if inputs is not None:
            inputs.extend([arguments, options])
        results.append(answer(*arguments, **options))
        return results[-1]

    return made.judge(recorded), results


def right_names(solution: Any) -> list[str]:
    """The right answer where it is a word or several."""
    words = [solution] if isinstance(solution, str) else solution
    return [word for word in words if isinstance(word, str)] if isinstance(words, list | tuple | set) else []


def array_of(value: Any) -> np.ndarray:
    """All numbers of an answer, one after the other."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return np.concatenate([np.zeros(0), *map(array_of, value)])
    is_number = isinstance(value, np.ndarray | int | float | np.number) and np.asarray(value).dtype.kind in "iuf"
    return np.asarray(value, float).ravel() if is_number else np.zeros(0)


def few(value: Any) -> list[float]:
    """The numbers of an answer, if they are so few that one of them says something about it."""
    numbers = array_of(value)
    return numbers.tolist() if len(numbers) <= MOST_NUMBERS else []


def numbers_in(words: str) -> list[str]:
    """The numbers of a text, such as "-1.5" and "44100", whatever stands between their thousands."""
    joined = re.sub(r"(?<=\d)[ \u202f,](?=\d{3}\b)", "", words)
    return [text.replace("_", "").replace(",", "") for text in NUMBER.findall(joined) if text.strip("-,_")]


def gives_away(text: str, right: list[float], digits: int) -> bool:
    """Whether a number in a text is one of the right ones, rounded to no fewer than so many significant digits.

    A number without decimals, such as the 10 of "10 log10", needs three digits, or must be exactly a right one over 9.
    """
    mantissa = text.partition("e")[0]
    shown = len(mantissa.replace("-", "").replace(".", "").lstrip("0"))
    decimals = decimals_of(text)
    value = float(text)
    digits = digits if "." in mantissa else FUNCTION_DIGITS
    for number in right:
        if not np.isfinite(number) or value == 0:
            continue
        if (number == value and abs(number) > 9) or (shown >= digits and round(number, decimals) == value):
            return True
    return False


def decimals_of(text: str) -> int:
    """The position of a number's last digit, in decimals; negative where it stands before the point."""
    mantissa, _, exponent = text.partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)


def code_expressions(source: str) -> list[str]:
    """The expressions of a program that compute something: operations, calls and entries of arrays."""
    kinds = (ast.BinOp, ast.Call, ast.Subscript, ast.Compare)
    texts = [ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return [text for text in dict.fromkeys(texts) if len(squeeze(text)) >= SHORTEST_CODE]


def squeeze(text: str) -> str:
    return re.sub(r"[\s`]", "", text).lower()
