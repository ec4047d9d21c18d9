"""Unseen inputs: every check holds on other inputs of the same kind, and none can be passed with a table of results."""

import operator
import pickle

import numpy as np
import pytest

from mss_lab import lessons
from mss_lab.lessons import answers
from mss_lab.lessons.exercise import answer_of
from tests.lessons.marked import is_function, marked

FIRST_SECRET = 1000
EXERCISES = [made for number in lessons.numbers() for made in lessons.exercises_of(number)]
FUNCTIONS = [made for made in EXERCISES if is_function(made)]


@pytest.fixture
def secrets(request):
    """Numbers that unseen inputs are drawn by: four, and with --thorough twelve."""
    return range(FIRST_SECRET, FIRST_SECRET + (12 if request.config.getoption("thorough") else 4))


class Elsewhere:
    """A function that lives in another process: it can be called with plain data, and nothing else."""

    __slots__ = ("_function", "calls")

    def __init__(self, function):
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "calls", [])

    def __getattribute__(self, name):
        if name in ("__class__", "__call__"):
            return object.__getattribute__(self, name)
        raise AssertionError(f"a check asks a student's function for {name}")

    def __call__(self, *arguments, **options):
        assert_plain(arguments)
        assert_plain(options)
        result = object.__getattribute__(self, "_function")(*arguments, **options)
        object.__getattribute__(self, "calls").append((key_of(arguments, options), result))
        return result


def assert_plain(value):
    if isinstance(value, np.ndarray):
        assert type(value) is np.ndarray and value.dtype.kind in "biufc", f"an array of {value.dtype}"
    elif type(value) in (list, tuple):
        for item in value:
            assert_plain(item)
    elif type(value) is dict:
        assert_plain(list(value.items()))
    else:
        assert type(value) in (int, float, complex, str, bool, type(None)), f"{value!r} of type {type(value)}"


def key_of(arguments, options):
    return pickle.dumps((arguments, sorted(options.items())))


def calls_of(made, secret=None):
    """The inputs and results of the solution, call by call."""
    solution = Elsewhere(answer_of(made.solution, made))
    if secret is None:
        assert made.judge(solution).right
    else:
        with answers.unseen_inputs(secret):
            verdict = made.judge(solution)
        assert verdict.right, f"secret {secret}: {verdict.message}"
    return object.__getattribute__(solution, "calls")


def table(calls, otherwise):
    """A function that knows the results for the inputs of the class; `otherwise` makes its result for other inputs."""
    known = dict(calls)

    def answer(*arguments, **options):
        key = key_of(arguments, options)
        return known[key] if key in known else otherwise(calls[0][1])

    return answer


def in_order(calls):
    """A function that gives the results of the class one after the other, whatever it is called with."""
    results = [result for _, result in calls]
    count = iter(range(10**9))

    def answer(*arguments, **options):
        return results[next(count) % len(results)]

    return answer


def zeros(result):
    if isinstance(result, tuple):
        return tuple(zeros(part) for part in result)
    return set() if isinstance(result, set) else np.zeros_like(result)


@pytest.mark.parametrize("made", marked(EXERCISES))
def test_on_unseen_inputs_the_solution_is_right_and_every_mistake_refused(made, secrets):
    solution = answer_of(made.solution, made)
    if made.given is not None and not callable(solution):
        # A value belongs to the inputs that were handed out, so the grader judges it with these alone.
        assert made.judge_unseen(solution, FIRST_SECRET).right
        return
    mistakes = [answer_of(mistake, made) for mistake in made.mistakes]
    for secret in secrets:
        verdict = made.judge_unseen(solution, secret)
        assert verdict.right, f"secret {secret}: {verdict.message}"
        with answers.unseen_inputs(secret):
            states = [made.judge(mistake).state for mistake in mistakes]
        assert set(states) <= {"wrong", "error"}, f"secret {secret}: {states}"


@pytest.mark.parametrize("made", FUNCTIONS, ids=operator.attrgetter("number"))
def test_checks_hand_over_plain_data_and_other_inputs_at_every_call(made, secrets):
    usual = calls_of(made)
    seen = {key for key, _ in usual}
    for secret in secrets[:4]:
        unseen = calls_of(made, secret)
        assert len(unseen) == len(usual)
        repeated = [place for place, (key, _) in enumerate(unseen) if key in seen]
        assert not repeated, f"secret {secret}: calls {repeated} have inputs of the class"


@pytest.mark.parametrize("made", FUNCTIONS, ids=operator.attrgetter("number"))
def test_a_table_of_results_is_right_in_class_and_refused_on_unseen_inputs(made, secrets):
    calls = calls_of(made)
    for memorised in (
        lambda: table(calls, zeros),
        lambda: table(calls, lambda result: result),
        lambda: in_order(calls),
    ):
        assert made.judge(memorised()).right
        for secret in secrets:
            with answers.unseen_inputs(secret):
                refused = made.judge(memorised())
            assert refused.state in ("wrong", "error", "not attempted"), f"secret {secret}"
        verdict = made.judge_unseen(table(calls, zeros), FIRST_SECRET)
        assert not verdict.right and "right for the inputs that every check uses" in verdict.message


def test_functions_are_many_of_the_exercises():
    # The others ask for numbers, and for what is heard in a recording or reached with it.
    assert len(FUNCTIONS) > len(EXERCISES) / 3
