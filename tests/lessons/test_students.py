"""Students: numbers drawn from a name, answers judged on inputs nobody has seen, and solutions withheld."""

import unicodedata

import numpy as np
import pytest

from mss_lab import launch, lessons
from mss_lab.lessons import answers
from mss_lab.lessons.exercise import Exercise, answer_of
from tests.lessons.marked import marked

NAMES = [f"{first} {last}" for first in ("Ada", "Emmy", "Sofja", "Zoë") for last in range(50)]
ALL = [made for number in lessons.numbers() for made in lessons.exercises_of(number)]
DRAWN = [made for made in ALL if made.drawn]


def names_for(made):
    """Names to try: fewer for exercises that work on a recording, since each of them is made and solved in a second."""
    return NAMES[::20] if made.kind == "sound" else NAMES


# Numbers drawn from a name


def test_every_exercise_that_requires_a_number_draws_it_for_each_student():
    assert len({made.number.split(".")[0] for made in DRAWN}) >= 3
    assert [made.number for made in ALL if made.kind == "number" and made.drawn is None] == []


@pytest.mark.parametrize("made", marked(DRAWN))
def test_for_every_name_the_exercise_is_sound_and_the_standard_answer_is_rarely_right(made):
    standard = answer_of(made.solution, made)
    passed_on = 0
    for name in names_for(made):
        own = made.for_student(name)
        assert own.number == made.number and own.task
        solved = own.judge(answer_of(own.solution, own))
        assert solved.right, f"{name}: {solved.message}"
        refusals = [own.judge(answer_of(mistake, own)) for mistake in own.mistakes]
        assert [verdict.state for verdict in refusals] == ["wrong"] * len(refusals), name
        assert len({verdict.message for verdict in refusals}) == len(refusals), name
        passed_on += own.judge(standard).right
    assert passed_on <= 0.1 * len(names_for(made))


@pytest.mark.parametrize("made", marked(DRAWN))
def test_a_typical_slip_is_told_as_such_for_every_name(made):
    # A slip without words of its own would get the general words, which end with where to look.
    for name in names_for(made):
        own = made.for_student(name)
        _, is_number, general = own.judge(1e30, explained=True).message.partition("too high. ")
        if not is_number:
            assert not isinstance(answer_of(own.solution, own), int | float | np.number)
            return
        assert general
        for mistake in own.mistakes:
            assert general not in own.judge(answer_of(mistake, own), explained=True).message, name


def test_without_a_name_the_numbers_are_the_standard_ones():
    for made in ALL:
        assert made.for_student("") is made and made.for_student(" \n") is made
    assert [made.for_student("Ada").task for made in ALL if not made.drawn] == [
        made.task for made in ALL if not made.drawn
    ]


def test_spellings_of_one_name_have_the_same_numbers():
    decomposed = unicodedata.normalize("NFD", "Zoë Ångström")
    assert decomposed != "Zoë Ångström"
    for made in DRAWN:
        tasks = {
            made.for_student(name).task
            for name in ("Zoë Ångström", "  zoë \t ÅNGSTRÖM ", decomposed, decomposed.upper())
        }
        assert len(tasks) == 1


def test_the_numbers_are_the_same_on_every_computer():
    made = lessons.exercises_of("00")[0].for_student("Ada Lovelace")
    assert "a 4096-sample window" in made.task and "G3 (196 Hz)" in made.task


def test_a_name_that_is_no_text_and_a_foreign_number_are_refused():
    with pytest.raises(TypeError, match="must be a text"):
        DRAWN[0].for_student(7)
    settings = {"task": "Do it.", "check": answers.text, "hints": ("one",), "solution": "answer = 1"}
    other = Exercise("7.2", mistakes=("a", "b"), **settings)
    with pytest.raises(ValueError, match=r"must bear its number, got 7\.2"):
        Exercise("7.1", mistakes=("a", "b"), drawn=lambda rng: other, **settings).for_student("Ada")


# The lab


def test_the_lab_shows_and_checks_the_students_own_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("MSS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    own, standard = lessons.open("00", student="Ada Lovelace"), lessons.open("00")
    drawn = ", ".join(made.number for made in own.exercises.values() if made.drawn)
    undrawn = next(made.number for made in own.exercises.values() if made.drawn is None)
    assert f"Student: Ada Lovelace. Numbers of your own in {drawn}:" in repr(own) and "Student" not in repr(standard)
    assert own.exercises["0.1"].task in own.task("0.1").message and "drawn from the name Ada" in own.task("0.1").message
    assert "A3 (220 Hz)" in standard.task("0.1").message and 'student="your name"' in standard.task("0.1").message
    assert standard.check("0.1", 41).right and not own.check("0.1", 41).right
    assert own.check("0.1", answer_of(own.exercises["0.1"].solution)).right
    assert "student" not in own.task(undrawn).message
    with pytest.raises(TypeError, match="must be a text"):
        lessons.open("00", student=7)
    with pytest.raises(LookupError, match=r"no exercise '0\.9'"):
        own.task("0.9")


def test_withheld_solutions_are_not_shown_not_offered_and_not_marked_as_seen(lab, monkeypatch):
    monkeypatch.setenv("MSS_LAB_SOLUTIONS", "withheld")
    shown = lab.solution("7.1")
    assert "instructor withholds" in shown.message and "log10" not in repr(shown) + shown._repr_html_()
    lab.hint("7.1"), lab.hint("7.1")
    assert lab.hint("7.1").message.endswith("That is all of them.")
    assert not lab._mark("7.1").solution_seen
    monkeypatch.setenv("MSS_LAB_SOLUTIONS", "")
    assert "log10(2)" in lab.solution("7.1").body_text and lab._mark("7.1").solution_seen
    assert "lab.solution" in lab.hint("7.1").message


def test_the_server_withholds_solutions_only_where_it_is_asked_to(monkeypatch):
    monkeypatch.delenv("MSS_LAB_SOLUTIONS", raising=False)
    monkeypatch.setenv("OTHER", "kept")
    withheld = launch.server_environment(solutions=False)
    assert withheld["MSS_LAB_SOLUTIONS"] == "withheld" and withheld["OTHER"] == "kept"
    assert "MSS_LAB_SOLUTIONS" not in launch.server_environment()


# Inputs nobody has seen


def test_without_a_secret_a_check_draws_as_ever():
    np.testing.assert_array_equal(answers.rng(12).random(5), np.random.default_rng(12).random(5))
    generator = answers.rng(12)
    assert answers.varied(8, 5, 20, generator) == 8 and answers.varied("as it is", 1, 2, generator) == "as it is"
    np.testing.assert_array_equal(generator.random(5), np.random.default_rng(12).random(5))


def test_a_secret_changes_the_inputs_while_the_context_lasts():
    with answers.unseen_inputs(7):
        first = answers.rng(12).random(5)
        assert not np.array_equal(first, np.random.default_rng(12).random(5))
        with answers.unseen_inputs(8):
            assert not np.array_equal(answers.rng(12).random(5), first)
        np.testing.assert_array_equal(answers.rng(12).random(5), first)
    np.testing.assert_array_equal(answers.rng(12).random(5), np.random.default_rng(12).random(5))
    with answers.unseen_inputs(0):
        assert not np.array_equal(answers.rng(12).random(5), np.random.default_rng(12).random(5))
    with pytest.raises(KeyError), answers.unseen_inputs(7):
        raise KeyError
    np.testing.assert_array_equal(answers.rng(12).random(5), np.random.default_rng(12).random(5))


def test_varied_numbers_stay_in_their_range_and_kind():
    with answers.unseen_inputs(2**200):
        generator = answers.rng(1)
        whole = [answers.varied(8, 5, 7, generator) for _ in range(100)]
        real = [answers.varied(0.5, 0.1, 0.9, generator) for _ in range(100)]
    assert set(whole) == {5, 6, 7} and all(type(value) is int for value in whole)
    assert all(type(value) is float and 0.1 <= value <= 0.9 for value in real) and len(set(real)) == 100


@pytest.mark.parametrize("secret", [-1, 0.5, True, "7", None])
def test_a_secret_that_is_no_whole_number_is_refused(secret):
    with pytest.raises((TypeError, ValueError), match="secret must be a whole number at least 0"):
        answers.unseen_inputs(secret).__enter__()


def test_inputs_are_drawn_until_they_tell_or_given_up():
    generator = np.random.default_rng(0)
    assert answers.telling(lambda: int(generator.integers(10)), lambda value: value == 3) == 3
    with pytest.raises(RuntimeError, match="1000 draws"):
        answers.telling(lambda: 1, lambda value: False)


def test_a_slip_that_happens_to_be_right_is_right():
    assert answers.array(np.ones(3), np.ones(3), "frames", mistakes={"Not twice.": np.ones(3)}) is None


def _check_sum(answer):
    signal = answers.rng(7).random(4)
    return answers.number(answers.call(answer, signal), float(signal.sum()), 1e-9)


SUMMED = Exercise(
    "7.1",
    "Sum.",
    _check_sum,
    ("Add.",),
    "def answer(x):\n    return x.sum()",
    ("def answer(x):\n    return x.max()", "def answer(x):\n    return x.min()"),
)


def stops_elsewhere(x):
    if abs(x.sum() - np.random.default_rng(7).random(4).sum()) > 1e-9:
        raise KeyError("other inputs")
    return x.sum()


@pytest.mark.parametrize(
    "function, state, words",
    [
        (lambda x: x.sum(), "right", "That is it."),
        (lambda x: np.random.default_rng(7).random(4).sum(), "wrong", "right for the inputs that every check uses"),
        (stops_elsewhere, "error", "KeyError"),
        (lambda x: x.sum() if x[0] == np.random.default_rng(7).random() else None, "wrong", "Not answered yet"),
        (lambda x: x.max(), "wrong", "The answer is"),
        (None, "not attempted", "Sum."),
    ],
)
def test_a_right_answer_is_judged_again_on_unseen_inputs(function, state, words):
    verdict = SUMMED.judge_unseen(function, 99)
    assert verdict.state == state and words in verdict.message
