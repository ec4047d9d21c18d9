"""The judge: verdicts are made of answers alone, functions are called where they live, nothing sent to it stops it."""

import contextlib
import socket

import numpy as np
import pytest

from mss_lab.grading.judge import MOST_TRIES, Judge
from mss_lab.lessons import exercises_of, judged, wire
from mss_lab.lessons.exercise import answer_of
from tests.lessons import toy_lesson


@pytest.fixture
def judge(home, tmp_path, monkeypatch):
    monkeypatch.setenv(judged.PLACE, str(tmp_path / "judge"))
    with Judge(secret=1).listening(tmp_path / "judge") as judge:
        yield judge


def states(judge, number):
    return [verdict.state for verdict in judge.exercises[number].verdicts]


def test_answers_are_judged_as_in_class(judge):
    assert judged.verdict_on("7.1", 6.02).state == "right"
    assert judged.verdict_on("7.1", 3.01).message.endswith("That is 10 log10, for powers.")
    assert judged.verdict_on("7.1", None).state == "not attempted"
    assert judged.verdict_on("7.3", "left").state == "right"
    assert states(judge, "7.1") == ["right", "wrong", "not attempted"]
    assert judge.exercises["7.1"].tries == 1


def test_functions_run_in_the_kernel_and_are_judged_here(judge):
    assert judged.verdict_on("7.2", lambda signal: 2 * signal).state == "right"
    assert "wrong by one and the same factor" in judged.verdict_on("7.2", lambda signal: signal).message
    assert "ZeroDivisionError" in judged.verdict_on("7.2", lambda signal: 1 // 0).message
    assert (
        "writes into its input" in judged.verdict_on("7.2", lambda signal: np.multiply(signal, 2, out=signal)).message
    )
    assert "returns nothing yet" in judged.verdict_on("7.2", lambda signal: None).message
    assert "got a Strange" in judged.verdict_on("7.2", lambda signal: type("Strange", (), {})()).message
    assert judged.verdict_on("7.2", 5).message.startswith("The answer must be a function")


def test_a_function_that_never_returns_costs_its_own_verdict(judge):
    def endless(signal):
        while True:
            pass

    assert judged.verdict_on("7.2", endless).state == "time limit"
    assert judged.verdict_on("7.2", lambda signal: 2 * signal).state == "right"


def test_hints_solutions_and_names_are_noted(judge):
    judged.tell("opened", lesson="07", student="Ada")
    judged.tell("opened", lesson="7", student="")
    for _ in range(5):
        judged.tell("hint", exercise="7.1")
    judged.tell("solution", exercise="7.2")
    assert judge.opened == ["07"] and judge.student == "Ada"
    # Two hints are all there are.
    assert judge.exercises["7.1"].hints == 2 and not judge.exercises["7.1"].solution_seen
    assert judge.exercises["7.2"].solution_seen


def test_where_to_look_is_said_after_a_hint_or_two_wrong_tries(judge):
    def message(number, answer):
        return judged.verdict_on(number, answer).message

    def identity(signal):
        return signal

    assert "Multiply by 2." not in message("7.2", identity)
    assert "Multiply by 2." not in message("7.2", ...) + message("7.2", identity)
    assert message("7.2", identity).endswith("Multiply by 2.")
    assert message("7.2", lambda signal: 2 * signal) == "That is it."


def test_where_to_look_is_said_after_one_hint(judge):
    judged.tell("hint", exercise="7.2")
    assert judged.verdict_on("7.2", lambda signal: signal).message.endswith("Multiply by 2.")
    assert "Multiply by 2." not in judged.verdict_on("7.3", "right").message


def test_guessing_ends(judge):
    for guess in range(MOST_TRIES):
        judged.verdict_on("7.1", guess)
    assert "not looked at" in judged.verdict_on("7.1", 6.02).message
    assert "right" not in states(judge, "7.1")


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "verdict", "exercise": "7.1", "state": "right", "message": ""},
        {"kind": "check", "exercise": "99.1", "answer": 1},
        {"kind": "check", "exercise": [], "answer": 1},
        {"kind": "check"},
        {"kind": "opened", "lesson": "77", "student": ""},
        {"kind": "opened", "lesson": "../../x", "student": ""},
        {"kind": None},
        {},
    ],
    ids=str,
)
def test_messages_of_other_kinds_change_nothing(judge, message):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(judged._connected().getpeername())
        channel = wire.Channel(connection)
        channel.send(message)
        with contextlib.suppress(EOFError):
            assert channel.receive(limit_s=5) == {"words": ""}
    assert judge.opened == [] and not any(found.verdicts for found in judge.exercises.values())
    assert judged.verdict_on("7.1", 6.02).state == "right"


def test_bytes_that_are_no_message_change_nothing(judge):
    for words in (b"", b"GET / HTTP/1.1\r\n\r\n", bytes(16), b"\xff" * 64):
        with judged._connected() as connection:
            connection.sendall(words)
    assert judged.verdict_on("7.1", 6.02).state == "right"


def test_a_function_is_judged_again_on_inputs_that_nobody_has_seen(judge, home):
    toy_lesson.write_handing_lesson(home)
    seen = []

    def from_memory(signal):
        seen.append(signal)
        return seen[0][::-1]

    assert "but not for others" in judged.verdict_on("7.2", from_memory).message
    assert len(seen) == 2 and not np.array_equal(*seen)


def test_numbers_are_those_of_the_name_that_the_notebook_gives(judge, home):
    toy_lesson.write_handing_lesson(home)
    judged.tell("opened", lesson="07", student="Ada Lovelace")
    standard = exercises_of("07")[0]
    hers = standard.for_student("Ada Lovelace")
    assert judged.tell("task", exercise="7.1") == hers.task
    assert judged.verdict_on("7.1", answer_of(hers.solution, hers)).state == "right"
    assert judged.verdict_on("7.1", answer_of(standard.solution, standard)).state == "wrong"
