"""Inputs that exercises hand out: the same at every call, the reader's own, the grader's while a notebook is graded."""

import numpy as np
import pytest

from mss_lab import lessons
from mss_lab.grading.judge import Judge
from mss_lab.lessons import answers, judged
from mss_lab.lessons.exercise import KINDS, Exercise, answer_of
from mss_lab.lessons.lab import Lab
from tests.lessons.toy_lesson import write_handing_lesson


@pytest.fixture
def handing(home):
    """Lesson 07 with exercises that hand out inputs."""
    write_handing_lesson(home)
    return lessons.exercises_of("07")


def test_inputs_are_the_same_at_every_call_and_cannot_be_written_into(handing):
    lab = lessons.open("07")
    first, second = lab.given("7.1"), lab.given("7.1")
    assert first["rate"] == 8000
    np.testing.assert_array_equal(first["mixture"], second["mixture"])
    np.testing.assert_array_equal(first["mixture"], np.random.default_rng(71).random((2, 50)))
    with pytest.raises(ValueError, match="read-only"):
        first["mixture"][0] = 0


def test_a_named_student_gets_inputs_of_their_own_and_their_answer_is_judged_with_them(handing):
    ada, class_lab = lessons.open("07", student="Ada"), lessons.open("07")
    own = ada.given("7.1")["mixture"]
    gain = own / class_lab.given("7.1")["mixture"]
    assert np.ptp(gain) < 1e-12 and 2 < gain[0, 0] < 3
    assert ada.check("7.1", own.max()).right and not class_lab.check("7.1", own.max()).right


def test_an_exercise_that_hands_out_nothing_refuses_in_words(handing):
    with pytest.raises(ValueError, match=r"exercise 7\.3 hands out nothing; its task is: One and one\?"):
        lessons.open("07").given("7.3")
    with pytest.raises(LookupError, match=r"no exercise '7\.9'"):
        lessons.open("07").given("7.9")


def test_a_solution_uses_the_inputs_of_its_exercise_and_no_other(handing):
    for made in (handing[0], handing[0].for_student("Ada")):
        assert made.judge(answer_of(made.solution, made)).right
        assert not made.judge(answer_of(made.mistakes[0], made)).right
    with pytest.raises(ValueError, match=r"must use its own inputs, not those of 7\.2"):
        answer_of('answer = lab.given("7.2")', handing[0])
    with pytest.raises(NameError):
        answer_of(handing[0].solution)


def test_a_value_is_judged_with_the_inputs_handed_out_and_a_function_with_unseen_ones_too(handing):
    loudest, reversing = handing[:2]
    with answers.unseen_inputs(5):
        assert not np.array_equal(loudest.handed_out()["mixture"], np.random.default_rng(71).random((2, 50)))
    for secret in range(5):
        assert loudest.judge_unseen(answer_of(loudest.solution, loudest), secret).right
        assert reversing.judge_unseen(answer_of(reversing.solution, reversing), secret).right
        known = reversing.handed_out()[::-1]
        assert reversing.judge(lambda signal, known=known: known).right
        refused = reversing.judge_unseen(lambda signal, known=known: known, secret)
        assert "right for the inputs that every check uses" in refused.message


def test_the_grader_draws_the_inputs_while_a_notebook_is_graded(handing, tmp_path, monkeypatch):
    expected = handing[0].for_student("Ada").handed_out()
    monkeypatch.setenv(judged.PLACE, str(tmp_path / "judge"))
    with Judge(secret=1).listening(tmp_path / "judge") as judge:
        judged.tell("opened", lesson="07", student="Ada")
        # What a notebook holds while it is graded: no inputs, no checks.
        stubs = tuple(
            Exercise(made.number, made.task, lambda answer: "not here", ("a",), "", ("a", "b")) for made in handing
        )
        lab = Lab("07", stubs, str(tmp_path / "toy_piece"), "Ada")
        inputs = lab.given("7.1")
        assert list(inputs) == ["mixture", "rate"] and inputs["rate"] == 8000
        np.testing.assert_array_equal(inputs["mixture"], expected["mixture"])
        assert not inputs["mixture"].flags.writeable
        with pytest.raises(ValueError, match=r"exercise 7\.3 hands out nothing; its task is: One and one\?"):
            lab.given("7.3")
        assert lab.check("7.1", inputs["mixture"].max()).right
        assert lab.check("7.2", lambda signal: signal[::-1]).right
    assert {number: events.tries for number, events in judge.exercises.items()} == {"7.1": 1, "7.2": 1}


def settings(**changes):
    usual = {"task": "Do it.", "check": lambda answer: None, "hints": ("one",), "solution": "answer = 1"}
    return usual | {"mistakes": ("a", "b")} | changes


def test_kinds_and_inputs_that_are_badly_made_are_refused():
    with pytest.raises(ValueError, match=f"must be one of {', '.join(KINDS)}, got 'song'"):
        Exercise("7.1", **settings(kind="song"))
    with pytest.raises(TypeError, match=r"given of exercise 7\.1 must be a function.*an array of shape \(3,\)"):
        Exercise("7.1", **settings(given=np.zeros(3)))
    for inputs in (object(), {"a": [object()]}, np.array([None]), {1.5: 2}):
        with pytest.raises(TypeError, match="must hand out arrays of numbers"):
            Exercise("7.1", **settings(given=lambda inputs=inputs: inputs)).handed_out()
