"""What refusals give away: right values, and code of the solution, in the words that a wrong answer receives first.

Contents: leaks, wrong_answers.
"""

import ast
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
MOST_NUMBERS = 50


def leaks(made: Exercise) -> list[str]:
    """Each number or piece of code in a refusal that occurs in the right answer, with the refusal; empty if none does.

    All refusals are those of a reader who has seen no hint.
    """
    solution = answer_of(made.solution, made)
    right, inputs = right_and_input_numbers(made, solution)
    expressions, names = code_expressions(made.solution), right_names(solution)
    digits = FUNCTION_DIGITS if callable(solution) else VALUE_DIGITS
    known = {float(number) for number in numbers_in(made.task)} | set(inputs)
    found = []
    for answer in wrong_answers(made, solution):
        verdict, own = judged(made, answer)
        if verdict.state in ("right", "not attempted", "time limit"):
            continue
        words = verdict.message.replace(made.task, "")
        for name in [name for value in own for name in right_names(value)]:
            words = words.replace(name, "")
        repeated = texts_of(own)
        shown = [
            text
            for text in numbers_in(words)
            if text not in repeated and float(text) not in known and gives_away(text, right, digits)
        ]
        squeezed = squeeze(words)
        shown += [code for code in expressions if squeeze(code) in squeezed]
        named = CHOICES.sub("", words)
        shown += [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", named)]
        found += [f"{text} in: {verdict.message}" for text in shown[:1]]
    return list(dict.fromkeys(found))


def wrong_answers(made: Exercise, solution: Any) -> Iterator[Any]:
    """The exercise's mistakes, and answers like the right one in kind and shape with other values."""
    for source in made.mistakes:
        yield answer_of(source, made)
    rng = np.random.default_rng(1)
    for change in (
        np.zeros_like,
        lambda values: np.asarray(values) * 2.5,
        lambda values: -np.asarray(values),
        lambda values: np.asarray(values) + 7.75,
        lambda values: rng.standard_normal(np.shape(values)) * 10,
        lambda values: np.asarray(values)[..., None],
    ):
        yield changed_function(solution, change) if callable(solution) else changed(solution, change)


def changed_function(solution: Any, change: Any) -> Any:
    return lambda *arguments, **options: changed(solution(*arguments, **options), change)


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


def right_and_input_numbers(made: Exercise, solution: Any) -> tuple[list[float], list[float]]:
    """The numbers of the right answer; where it is a function, of what it returns to the check and of what it gets."""
    inputs: list[Any] = []
    _, results = judged(made, solution, inputs)
    numbers = list(flattened(results))
    return numbers if len(numbers) <= MOST_NUMBERS else [], list(flattened(inputs))


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


def flattened(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from flattened(item)
    elif isinstance(value, np.ndarray | int | float | np.number) and np.asarray(value).dtype.kind in "iuf":
        yield from np.asarray(value, float).ravel().tolist()


def numbers_in(words: str) -> list[str]:
    """The numbers of a text, such as "-1.5" and "44100", whatever stands between their thousands."""
    joined = re.sub(r"(?<=\d)[ \u202f,](?=\d{3}\b)", "", words)
    return [text.replace("_", "").replace(",", "") for text in NUMBER.findall(joined) if text.strip("-,_")]


def gives_away(text: str, right: list[float], digits: int) -> bool:
    """Whether a number in a text is one of the right ones, rounded to no fewer than so many significant digits.

    A number without decimals, such as the 10 of "10 log10", needs three digits, or must be exactly a right one over 9.
    """
    mantissa, _, exponent = text.partition("e")
    shown = len(mantissa.replace("-", "").replace(".", "").lstrip("0"))
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    value = float(text)
    digits = digits if "." in mantissa else FUNCTION_DIGITS
    for number in right:
        if not np.isfinite(number) or value == 0:
            continue
        if (number == value and abs(number) > 9) or (shown >= digits and round(number, decimals) == value):
            return True
    return False


def code_expressions(source: str) -> list[str]:
    """The expressions of a program that compute something: operations, calls and entries of arrays."""
    kinds = (ast.BinOp, ast.Call, ast.Subscript, ast.Compare)
    texts = [ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return [text for text in dict.fromkeys(texts) if len(squeeze(text)) >= SHORTEST_CODE]


def squeeze(text: str) -> str:
    return re.sub(r"[\s`]", "", text).lower()


def texts_of(own: list[Any]) -> set[str]:
    """The answer's own numbers, as a refusal repeats them."""
    return {text for number in flattened(own) for text in (f"{number:.4g}", f"{number:.10g}")}
