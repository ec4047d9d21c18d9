"""What finds the right value, or code of the solution, in a refusal; test_lessons.py tries it on every exercise."""

import numpy as np
import pytest

from mss_lab.lessons import answers
from mss_lab.lessons.exercise import Exercise
from tests.lessons.leaks import gives_away, leaks, numbers_in, wrong_answers


def exercise(check, solution, task="Do it.", mistakes=("answer = 2", "answer = 3")):
    return Exercise("7.1", task, check, ("one",), solution, mistakes)


def of_number(right, **options):
    return exercise(lambda answer: answers.number(answer, right, 1e-6, **options), f"answer = {right!r}")


def of_function(words):
    def check(answer):
        signal = answers.rng(1).random(4)
        result = answers.call(answer, signal)
        return answers.array(result, np.cumsum(signal) / 3, "samples") and words

    wrong = tuple(f"def answer(x):\n    return x * {factor}" for factor in (2, 3))
    return exercise(check, "import numpy as np\n\ndef answer(x):\n    return np.cumsum(x) / 3", mistakes=wrong)


def of_word(mistakes):
    def check(answer):
        return answers.text(answer, "left", ("left", "right"), mistakes)

    return exercise(check, 'answer = "left"', mistakes=('answer = "right"', 'answer = "up"'))


@pytest.mark.parametrize(
    "made, leak",
    [
        (exercise(lambda answer: answers.truth(answer == 41, "It is 41."), "answer = 41"), "41"),
        (exercise(lambda answer: answers.truth(answer == 44_100, "It is 44 100 Hz."), "answer = 44_100"), "44100"),
        (of_number(6.0206, mistakes={"Not twice 3.01.": 2}), None),
        (of_number(6.0206, mistakes={"It is about 6.02 dB.": 3}), "6.02"),
        (of_number(0.0421, mistakes={"Rather 4.2e-2.": 3}), "4.2e-2"),
        (of_number(-6.0206, mistakes={"The level is -6.0 dB.": 3}), "-6.0"),
        (of_number(4.25, where="It is 4.25."), None),
        (of_function("Write np.cumsum(x) first."), "np.cumsum(x)"),
        (of_function("Write `NP.cumsum( x )/3`."), "np.cumsum(x) / 3"),
        (of_function("The first value is 0.1706."), "0.1706"),
        (of_function("Divide what adds up by a constant."), None),
        (of_word({"right": "No, left."}), "left"),
        (of_word({"right": "The other one."}), None),
    ],
)  # fmt: skip
def test_a_leak_is_noticed_in_every_form(made, leak):
    if leak is None:
        assert leaks(made) == []
    else:
        assert leaks(made)[0].startswith(f"{leak} in: ")


def test_numbers_of_the_task_and_of_the_answer_itself_are_no_leaks():
    task = "How loud is 6.0206 dB, in dB?"
    made = exercise(lambda answer: answers.truth(answer == 6.0206, "It is not 6.0206."), "answer = 6.0206", task)
    assert leaks(made) == []
    assert leaks(of_number(-6.5)) == []


def test_wrong_answers_have_the_kind_and_shape_of_the_right_one():
    wrong = list(wrong_answers({"a": np.ones((2, 3)), "b": 3}, []))
    assert [answer["a"].shape for answer in wrong] == [(2, 3)] * 5 + [(2, 3, 1)]
    assert wrong[1]["b"] == 7.5 and wrong[2]["b"] == -3


@pytest.mark.parametrize(
    "words, numbers",
    [
        ("44 100 Hz and 1,024 bins", ["44100", "1024"]),
        ("-1.5e-3, x2, 3.", ["-1.5e-3", "3"]),
        ("bwv12 has 10_000 notes", ["10000"]),
        ("2 3 4", ["2", "3", "4"]),
    ],
)
def test_numbers_of_a_text_are_read(words, numbers):
    assert numbers_in(words) == numbers


@pytest.mark.parametrize(
    "text, digits, expected",
    [
        ("1.76", 3, True), ("1.762", 3, True), ("1.8", 3, False), ("1.8", 2, True), ("1.77", 3, False),
        ("-1.76", 3, False), ("2", 2, False), ("17.62e-1", 3, True), ("12", 2, True), ("3", 2, False),
        ("0.0", 1, False),
    ],
)  # fmt: skip
def test_roundings_of_a_right_number_give_it_away(text, digits, expected):
    assert gives_away(text, [1.7618, 12, 3, np.nan], digits) is expected
