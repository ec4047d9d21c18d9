"""Comparing: at the precision that is shown, in every form that an answer can have, and without the right value."""

import numpy as np
import pytest

from mss_lab.lessons import answers
from mss_lab.lessons.calling import capitalised
from mss_lab.lessons.exercise import Exercise
from mss_lab.lessons.explaining import explaining
from mss_lab.lessons.plain_values import plain
from mss_lab.lessons.wire import pack, unpack

RIGHT = np.random.default_rng(3).uniform(-3, 3, (3, 4))


class Column:
    """Like a column of pandas."""

    def __init__(self, values):
        self._values = values

    def to_numpy(self):
        return np.asarray(self._values)


class Other:
    """Like an array of another library."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._values, dtype)


def tensor(values, **options):
    torch = pytest.importorskip("torch")
    return torch.tensor(values, **options)


FORMS = {
    "float32": lambda values: np.asarray(values, np.float32),
    "list": lambda values: np.asarray(values).tolist(),
    "tensor": tensor,
    "tensor with gradients": lambda values: tensor(values, requires_grad=True),
    "single tensor": lambda values: tensor(np.asarray(values, np.float32)),
    "column": Column,
    "other array": Other,
}


def verdict_on(answer, check):
    settings = {"task": "Do it.", "hints": ("one",), "solution": "answer = 1", "mistakes": ("a", "b")}
    return Exercise("7.1", check=check, **settings).judge(answer)


# Forms


@pytest.mark.parametrize("form", FORMS)
def test_arrays_are_taken_in_every_form(form):
    answer, wrong = FORMS[form](RIGHT), FORMS[form](RIGHT + np.eye(3, 4))

    def check(answer):
        return answers.array(answer, RIGHT, "freq frames")

    def check_function(function):
        return answers.array(answers.call(function, 1), RIGHT, "freq frames")

    assert verdict_on(answer, check).right and verdict_on(wrong, check).state == "wrong"
    assert verdict_on(lambda x: answer, check_function).right
    assert verdict_on(lambda x: wrong, check_function).state == "wrong"


@pytest.mark.parametrize("form", FORMS)
def test_numbers_are_taken_in_every_form(form):
    for values in (6.02, [6.02]):
        if form == "list" and values == 6.02:
            continue
        answer = FORMS[form](values)
        assert answers.number(answer, 6.02, 1e-9) is None
        assert answers.number(answer, 6.3, 0.1).startswith("The answer is 6.02, too low")
    assert "must be one number" in answers.number(FORMS[form]([6.0, 6.0]), 6.0, 0.1)


def test_tensors_of_a_precision_that_numpy_lacks_and_inside_lists_are_converted():
    torch = pytest.importorskip("torch")
    assert plain(torch.tensor([1.5], dtype=torch.bfloat16)).dtype == np.float32
    pair = plain((torch.ones(2), {"a": [torch.tensor(3)]}))
    np.testing.assert_array_equal(pair[0], np.ones(2))
    assert pair[1]["a"][0] == 3 and type(pair[1]["a"][0]) is np.ndarray


def test_what_is_no_array_or_cannot_be_converted_stays_as_it_is():
    torch = pytest.importorskip("torch")
    endless = []
    endless.append(endless)
    for value in (3, "three", None, max, object(), torch.eye(2).to_sparse(), torch.nn.Linear(1, 1), Column):
        assert plain(value) is value
    assert isinstance(plain(endless), list)
    # Like before it, a sparse tensor is no array of numbers.
    assert "must be an array" in answers.array(torch.eye(2).to_sparse(), np.eye(2), "freq frames")


def test_words_in_an_array_are_words():
    assert answers.text(np.array("left"), "left", ("left", "right")) is None


def test_what_a_student_answers_in_tensors_reaches_the_grader_as_arrays():
    packed, arrays = pack(plain([tensor([1.0, 2.0])]))
    arrived = unpack(packed, b"".join(array.tobytes() for array in arrays))
    np.testing.assert_array_equal(arrived[0], [1, 2])


# Precision


def test_single_precision_is_compared_at_the_precision_that_is_shown():
    rounded = RIGHT.astype(np.float32)
    assert answers.array(rounded * np.float32(1 + 3e-5), RIGHT, "freq frames") is None
    assert answers.array(RIGHT * (1 + 3e-5), RIGHT, "freq frames") is not None
    assert answers.array(rounded * np.float32(1.001), RIGHT, "freq frames") is not None
    assert answers.array(RIGHT.astype(np.float16), RIGHT, "freq frames") is None
    assert answers.number(np.float32(-1.76202), -1.762, 1e-6) is None
    assert answers.number(np.float32(-1.763), -1.762, 1e-6) is not None
    assert answers.number(-1.76202, -1.762, 1e-6) is not None


@pytest.mark.parametrize("typed", [-1.762, -1.76, -1.76202, [-1.762], np.array(-1.76)[()].item()])
def test_a_number_typed_as_a_cell_printed_it_is_right(typed):
    assert answers.number(typed, -1.762018, 1e-9) is None


@pytest.mark.parametrize("typed", [-1.8, -2, -1.763, -1.77, -1.76203])
def test_a_number_rounded_wrongly_or_too_coarsely_is_wrong(typed):
    assert answers.number(typed, -1.762018, 1e-9) is not None


def test_a_list_typed_as_a_cell_printed_it_is_right():
    assert answers.array([0.333, 0.667, 1.0], [1 / 3, 2 / 3, 1], "frames") is None
    assert answers.array([0.333, 0.666, 1.0], [1 / 3, 2 / 3, 1], "frames") is not None
    # What a program calculates is not rounded.
    assert answers.array(np.array([0.333, 0.667, 1.0]), [1 / 3, 2 / 3, 1], "frames") is not None


def test_numbers_that_differ_are_shown_with_the_digits_that_differ():
    actual = np.array([1.0, 2.0, -1.762_05])
    with explaining(True):
        message = answers.array(actual, np.array([1.0, 2.0, -1.762_02]), "frames")
    assert "got -1.76205, expected -1.76202" in message


# What a refusal says


@pytest.mark.parametrize(
    "answer, words",
    [
        (-6.25, "-6.25 dB, with the sign turned round"),
        (0.16, "0.16 dB, which is upside down"),
        (6250, "6250 dB, wrong by a factor of 1000; look at the unit"),
        (0.00625, "wrong by a factor of 1000"),
        (7, "too high"),
        (0, "too low"),
        (6 + 7j, "too low"),
    ],
)
def test_a_wrong_number_is_described_without_the_right_one(answer, words):
    message = answers.number(answer, 6.25, 0.001, "dB", where="Halve 12.5.")
    assert words in message and "12.5" not in message and "6.25" not in message.replace("-6.25 dB", "")


@pytest.mark.parametrize(
    "answer, words",
    [
        (np.zeros((3, 4)), "it holds only zeros"),
        (-RIGHT, "the sign of its values is turned round"),
        (3 * RIGHT, "all its values are wrong by one and the same factor"),
        (RIGHT - 5, "all its values are wrong by one and the same number that is added"),
        (RIGHT + np.eye(3, 4), "25% of its values are off"),
        (1j * RIGHT, "is complex"),
    ],
)
def test_a_wrong_array_is_described_without_the_right_one(answer, words):
    message = answers.array(answer, RIGHT, "freq frames", where="Take the square.")
    assert words in message and "expected 0" not in message and "square" not in message


def test_constant_and_single_values_are_no_wrong_factors():
    assert "are off" in answers.array(np.ones(3), np.full(3, 2.0), "frames")
    assert "are off" in answers.array(np.ones(1), np.full(1, 2.0), "frames")


def test_where_to_look_is_added_while_a_check_explains():
    with explaining(True):
        assert answers.number(7, 6.0, 0.1, where="Halve it.").endswith("too high. Halve it.")
        assert answers.array(RIGHT + np.eye(3, 4), RIGHT, "freq frames", where="Halve it.").endswith(" Halve it.")
        with explaining(False):
            assert answers.number(7, 6.0, 0.1, where="Halve it.").endswith("too high.")
    assert answers.number(7, 6.0, 0.1, where="Halve it.").endswith("too high.")


@pytest.mark.parametrize(
    "words, shown",
    [
        ("the mask", "The mask"),
        ("with 3 frames, the path", "With 3 frames, the path"),
        ("cosine_sums", "cosine_sums"),
        ("owners", "owners"),
        ("cosine_sums of 3 frames", "cosine_sums of 3 frames"),
        ("more - less", "more - less"),
        ("w[0] of the window", "w[0] of the window"),
        ("", ""),
    ],
)
def test_names_of_code_are_shown_as_they_are_written(words, shown):
    assert capitalised(words) == shown


def test_an_error_in_a_function_begins_with_its_name_as_written():
    verdict = verdict_on(lambda x: x / 0, lambda answer: answers.call(answer, 1, name="cosine_sums"))
    assert verdict.message.startswith("cosine_sums stopped with ZeroDivisionError")


# After hints and tries


def test_the_lab_says_where_to_look_after_a_hint_or_two_wrong_tries(lab):
    def identity(signal):
        return signal

    for _ in range(2):
        message = lab.check("7.2", identity).message
        assert "Multiply by 2." not in message and message.endswith('`lab.hint("7.2")` says where to look.')
    lab.check("7.2")
    assert lab.check("7.2", identity).message.endswith("Multiply by 2.")


def test_the_lab_says_where_to_look_after_one_hint_of_that_exercise_also_in_a_later_sitting(lab):
    from mss_lab import lessons

    lab.hint("7.1")
    assert "Multiply by 2." not in lab.check("7.2", lambda signal: signal).message
    lab.hint("7.2")
    for opened in (lab, lessons.open("07")):
        assert opened.check("7.2", lambda signal: signal).message.endswith("Multiply by 2.")
    assert lab.check("7.2", lambda signal: 2 * signal).message == "That is it."
