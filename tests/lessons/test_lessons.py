"""Lessons: answers are judged in words, the lab stands what readers do, and progress is never lost."""

import contextlib
import json
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from mss_lab import lessons
from mss_lab.lessons import answers, cards, progress
from mss_lab.lessons.answer_files import expected_words
from mss_lab.lessons.exercise import STATES, Exercise, answer_of
from mss_lab.lessons.explaining import explaining
from mss_lab.lessons.time_limit import within
from tests.lessons.leaks import judge_mistakes, leaks
from tests.lessons.marked import marked


def exercise(check, **changes):
    settings = {
        "number": "7.1",
        "task": "Do it.",
        "check": check,
        "hints": ("one", "two"),
        "solution": "answer = 1",
        "mistakes": ("answer = 2", "answer = 3"),
    }
    return Exercise(**(settings | changes))


def judged_call(function, *arguments, wanted=None, **changes):
    """Judge a student's function by its result for the arguments; without a wanted one, any result is right."""

    def check(answer):
        result = answers.call(answer, *arguments)
        return None if wanted is None else answers.array(result, wanted, "samples")

    return exercise(check, **changes).judge(function)


# Answers left open


@pytest.mark.parametrize("blank", [None, ..., NotImplemented])
def test_an_open_answer_is_not_attempted_and_the_task_is_shown_again(blank):
    verdict = exercise(lambda answer: None).judge(blank)
    assert verdict.state == "not attempted" and not verdict.right
    assert "Do it." in verdict.message


def raises_not_implemented(x):
    raise NotImplementedError


@pytest.mark.parametrize("function", [lambda x: None, lambda x: ..., raises_not_implemented])
def test_a_function_that_returns_nothing_is_not_attempted(function):
    assert judged_call(function, 1).state == "not attempted"


def test_a_false_or_empty_answer_is_an_answer():
    wrong = exercise(lambda answer: "no")
    for answer in (False, 0, "", [], np.zeros(0)):
        assert wrong.judge(answer).state == "wrong"


# Functions that students write


def test_an_error_is_told_in_words_with_the_students_line(tmp_path, monkeypatch):
    (tmp_path / "student.py").write_text("def half(x):\n    return x / 0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    from student import half

    verdict = judged_call(half, 1)
    assert verdict.state == "error"
    assert "ZeroDivisionError: division by zero, in its line 2: return x / 0" in verdict.message
    assert "Traceback" not in verdict.message


def test_an_error_in_the_check_itself_says_what_the_answer_is_and_shows_no_error_of_python():
    verdict = exercise(lambda answer: answer.shape).judge(3)
    assert verdict.state == "error" and "Do it." in verdict.message and "AttributeError" not in verdict.message
    assert verdict.message.startswith("The answer is 3, which cannot be compared with what the task requires")

    def check(answer):
        return answers.truth(answers.call(answer, np.ones(2)) - np.ones(3) == 0, "no")

    verdict = exercise(check).judge(lambda x: x)
    assert verdict.message.startswith("Your function returned an array of shape (2,), which cannot be compared")
    assert verdict.state == "error" and "broadcast" not in verdict.message


def test_what_is_no_function_is_refused_by_name():
    assert "must be a function, got 3;" in judged_call(3, 1).message


def writes(x):
    x[0] = 9
    return x


def writes_by_detour(x):
    x.setflags(write=True)
    x[0] = 9
    return x.copy()


def writes_with_out(x):
    return np.multiply(x, 2, out=x)


@pytest.mark.parametrize("function", [writes, writes_by_detour, writes_with_out])
def test_writing_into_an_input_is_refused_and_leaves_it_alone(function):
    signal = np.arange(3.0)
    verdict = judged_call(function, signal)
    assert verdict.state == "wrong" and "input" in verdict.message
    assert signal.tolist() == [0, 1, 2]


def test_inputs_arrive_read_only():
    seen = []
    judged_call(
        lambda x, stems: seen.extend([x.flags.writeable, stems["a"].flags.writeable]), np.ones(2), {"a": np.ones(2)}
    )
    assert seen == [False, False]


def test_arrays_inside_dicts_and_lists_are_frozen_too():
    signal = np.arange(3.0)
    assert "input" in judged_call(lambda stems: writes(stems["a"]), {"a": signal}).message
    assert "input" in judged_call(lambda stems: writes(stems[0]), [signal]).message
    assert signal[0] == 0


def test_a_result_with_nan_inputs_is_not_taken_for_a_change():
    assert judged_call(lambda x: x, np.array([np.nan, 1.0])).right


def spins(x):
    while True:
        pass


def spins_and_swallows(x):
    while True:
        with contextlib.suppress(Exception):
            while True:
                pass


def spins_and_swallows_everything(x):
    for _ in range(3):
        try:
            while True:
                pass
        except BaseException:
            continue
    while True:
        pass


@pytest.mark.parametrize("function", [spins, spins_and_swallows, spins_and_swallows_everything])
def test_an_endless_loop_is_stopped_and_said(function):
    verdict = judged_call(function, 1, time_limit_s=0.2)
    assert verdict.state == "time limit" and "0.2 s" in verdict.message
    assert not [thread for thread in threading.enumerate() if thread.name == "time limit"], "it still runs"


def test_a_call_that_cannot_be_stopped_is_left_behind():
    started = threading.Event()
    go_on = threading.Event()

    def blocks():
        started.set()
        # One call into a library, as far as the interpreter can see.
        go_on.wait()

    with pytest.raises(TimeoutError, match=r"more than 0.05 s"):
        within(0.05, blocks)
    assert started.is_set()
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "time limit":
            thread.join()


def test_what_is_in_time_comes_back_as_it_is():
    made = object()
    assert within(60, lambda one: one, made) is made
    with pytest.raises(KeyError, match="mine"):
        within(60, {}.__getitem__, "mine")
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        within(60, np.log10, np.zeros(1))


def test_the_caller_is_never_hit_by_a_stop():
    for _ in range(20):
        with contextlib.suppress(TimeoutError):
            within(0.001, sum, range(20_000))
    total = 0
    for step in range(300_000):
        total += step
    assert total == 44_999_850_000


def test_a_function_that_ends_the_program_does_not():
    verdict = judged_call(lambda x: exit(), 1)
    assert verdict.state == "error" and "SystemExit" in verdict.message


# Comparing


@pytest.mark.parametrize(
    "given, words",
    [
        (7.0, "too high"),
        (5.0, "too low"),
        (-6.0, "The sign is turned"),
        (10**20, "1e+20 dB, too high"),
        (np.nan, "nan"),
        (np.inf, "inf"),
        ("6", "one number in dB, got the text '6'"),
        (True, "one number"),
        (np.zeros(3), "shape (3,)"),
        (max, "a function (max)"),
    ],
)
def test_a_wrong_number_is_told_apart(given, words):
    mistakes = {"The sign is turned.": -6.0}
    with explaining(True):
        message = answers.number(given, 6.0, 0.1, "dB", where="Look at step 2.", mistakes=mistakes)
    assert message is not None and words in message
    assert "Look at step 2." in message or "sign" in message


def test_whole_numbers_of_thousands_of_digits_are_told_in_words():
    huge = 10**5000
    assert "-1e+300 dB, too low" in (answers.number(-huge, 6.0, 0.1, "dB") or "")
    assert "a whole number of more than 300 digits" in (answers.array(huge, np.zeros(2), "frames") or "")
    assert "a whole number of more than 300 digits" in (answers.text(huge, "left", ("left", "right")) or "")


def test_the_wanted_number_is_never_said():
    message = answers.number(16_384.0, 731.25, 0.1, "Hz")
    assert "16384 Hz" in message and "731" not in message


@pytest.mark.parametrize("given", [6, 6.05, np.float32(5.95), np.array([6.0]), np.array(6)])
def test_a_number_near_enough_is_right_in_every_form(given):
    assert answers.number(given, 6.0, 0.1) is None


def test_a_number_just_outside_its_tolerance_is_wrong():
    assert answers.number(6.1000001, 6.0, 0.1) is not None


@pytest.mark.parametrize(
    "given, words",
    [
        (np.zeros((3, 2)), "another order: try a transpose"),
        (np.zeros((2, 4)), "Look at the axis frames"),
        (np.zeros(3), "It has 1 axes and needs 2"),
        (np.zeros((2, 3), complex), "complex"),
        (np.full((2, 3), np.nan), "6 NaN"),
        (np.array([[0, 1, 3], [3, 4, 5]]), "most at freq 0, frames 2: got 3."),
        ([[1, 2], [3]], "array of numbers"),
        ("abc", "must be an array (freq, frames)"),
        (2 * np.arange(6.0).reshape(2, 3), "Not twice."),
        ([[np.nan, np.inf, np.inf], [np.inf, np.inf, np.inf]], "Not over 0."),
    ],
)
def test_a_wrong_array_is_told_apart(given, words):
    wanted = np.arange(6.0).reshape(2, 3)
    with np.errstate(all="ignore"):
        over = wanted / 0
    message = answers.array(given, wanted, "freq frames", mistakes={"Not twice.": 2 * wanted, "Not over 0.": over})
    assert message is not None and words in message


@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
def test_an_array_is_compared_at_its_own_level(level):
    wanted = level * np.arange(6.0).reshape(2, 3)
    assert answers.array(wanted * (1 + 1e-8), wanted, "freq frames") is None
    assert answers.array(wanted * (1 + 1e-4), wanted, "freq frames") is not None


def test_silence_one_sample_and_truth_values_compare():
    assert answers.array(np.zeros((1, 1)), np.zeros((1, 1)), "channels samples") is None
    assert answers.array(np.full((1, 1), 1e-30), np.zeros((1, 1)), "channels samples") is not None
    assert answers.array(np.array([True, False]), np.array([True, False]), "frames") is None
    assert answers.array(np.array([True, True]), np.array([True, False]), "frames") is not None
    assert answers.array(np.array([0], np.uint8), np.array([1], np.uint8), "frames") is not None


def test_words_are_compared_whatever_their_case():
    choices = ("left", "right")
    assert answers.text(" Left ", "left", choices) is None
    assert answers.text("right", "left", choices, {"right": "The other."}) == "The other."
    assert 'one of "left", "right", got "up"' in answers.text("up", "left", choices)
    with pytest.raises(answers.Blank):
        answers.text("  ", "left", choices)


# Exercises that are badly made


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"number": "7"}, "lesson and place"),
        ({"task": " "}, "no task"),
        ({"hints": ()}, "no hint"),
        ({"hints": "one"}, "tuple of texts"),
        ({"mistakes": ("answer = 2",)}, "two typical mistakes, got 1"),
        ({"check": None}, "must be a function"),
    ],
)
def test_a_badly_made_exercise_is_refused(changes, words):
    check = changes.pop("check", lambda answer: None)
    with pytest.raises((ValueError, TypeError), match=words):
        exercise(check, **changes)


def test_code_without_an_answer_is_refused():
    with pytest.raises(ValueError, match=r"must define answer, got only \['x'\]"):
        answer_of("x = 1")


def flaws(made) -> list[str]:
    """What is wrong with an exercise's own solution, mistakes and messages."""
    mistakes = judge_mistakes(made)
    found = leaks(made, mistakes)
    expected = [expected_words(source) for source in made.mistakes]
    outcomes, explained = {"the blank": made.judge(None)}, {}
    for place, (source, (verdict, _)) in enumerate(zip(made.mistakes, mistakes, strict=True), start=1):
        outcomes[f"mistake {place}"] = verdict
        explained[f"mistake {place}"] = made.judge(answer_of(source, made), explained=True)
    for name, verdict in outcomes.items():
        if verdict.right:
            found.append(f"{name} passes")
    for name in list(outcomes)[1:]:
        if outcomes[name].state in ("not attempted", "time limit"):
            found.append(f"{name} is {outcomes[name].state}")
    for place, words in enumerate(expected, start=1):
        told = [name for name, verdict in explained.items() if words in verdict.message]
        if words and told != [f"mistake {place}"]:
            found.append(f"{words!r} is told to {told}, not to mistake {place} alone")
    if len({verdict.message for verdict in outcomes.values()}) < len(outcomes):
        found.append("two refusals have one message")
    solved = made.judge(answer_of(made.solution, made))
    if not solved.right:
        found.append(f"the solution is refused: {solved.message}")
    return found


REAL = [made for number in lessons.numbers() for made in lessons.exercises_of(number)]


@pytest.mark.parametrize("made", marked(REAL))
def test_solutions_pass_and_mistakes_are_refused_in_words_of_their_own_that_give_nothing_away(made):
    assert flaws(made) == []


@pytest.mark.parametrize(
    "check, flaw",
    [
        (lambda answer: None, "mistake 1 passes"),
        (lambda answer: "no" if answer == 1 else None, "the solution is refused: no"),
        (lambda answer: "no" if answer > 1 else None, "two refusals have one message"),
        (lambda answer: f"no {answers.call(lambda: None)}", "mistake 1 is not attempted"),
        (
            lambda answer: None if answer == 1 else f"no {answer}",
            "'That is 3' is told to [], not to mistake 2 alone",
        ),
    ],
)
def test_flaws_of_an_exercise_are_seen(check, flaw):
    assert flaw in flaws(exercise(check, mistakes=("answer = 2", "# %% That is 3\nanswer = 3")))


def test_a_sound_exercise_has_no_flaw():
    assert flaws(exercise(lambda answer: None if answer == 1 else f"not {answer}")) == []


# The lab


@pytest.mark.parametrize("number", ["07", "7", 7])
def test_a_lesson_opens_by_its_number(home, number):
    lab = lessons.open(number)
    assert lab.number == "07" and lab.title == "A toy" and lab.sample_rate_hz == 8000
    assert list(lab.sources) == ["flute", "horn"] and len(lab.score.notes) == 2
    np.testing.assert_allclose(lab.mixture, sum(lab.sources.values()), atol=1e-7)


@pytest.mark.parametrize("number", ["98", "x", 3.5, True, "007"])
def test_a_lesson_that_is_not_there_lists_those_that_are(home, number):
    with pytest.raises(LookupError, match=r"there are .*07"):
        lessons.open(number)


def test_the_recording_cannot_be_written_into(lab):
    for waveform in (lab.mixture, *lab.sources.values()):
        with pytest.raises(ValueError, match="read-only"):
            waveform[0, 0] = 1


def test_checks_say_right_wrong_or_open(lab):
    assert lab.check("7.1", 6.02).right
    wrong = lab.check("7.1", 3.01)
    assert not wrong.right and wrong.message == (
        'The answer is 3.01 dB. That is 10 log10, for powers.\n`lab.hint("7.1")` says where to look.'
    )
    assert repr(wrong).startswith(f"{STATES['wrong']} 7.1 wrong\n")
    assert lab.check("7.1").state == "not attempted"
    assert lab.check("7.3", "Left").right


@pytest.mark.parametrize("ask", ["check", "hint", "solution"])
def test_an_unknown_exercise_lists_those_there_are(lab, ask):
    with pytest.raises(LookupError, match=r"no exercise '7.9'; it has 7.1, 7.2, 7.3"):
        getattr(lab, ask)("7.9")


def test_hints_come_one_by_one_and_end(lab):
    first, second, third = lab.hint("7.1"), lab.hint("7.1"), lab.hint("7.1")
    assert "A level is a logarithm" in first.message and "log10(2)" not in first.message
    assert "log10(2)" in second.message and "That is all" not in second.message
    assert "That is all" in third.message and third.heading == "Hint 2 of 2 for 7.1"


def test_a_solution_shows_runnable_code_and_asks_for_a_try_once(lab):
    shown = lab.solution("7.1")
    assert "try of your own first" in shown.message and not shown.right
    assert lessons.exercises_of("07")[0].judge(answer_of(shown.body_text)).right
    assert re.sub(r"<[^>]+>", "", shown.body_html) == shown.body_text
    lab.check("7.1", 3)
    assert "try of your own first" not in lab.solution("7.1").message


@pytest.mark.parametrize("card", ["right", "wrong", "open", "hint", "solution", "progress", "lab"])
def test_every_card_is_well_formed_and_says_its_state_in_words(lab, card):
    shown = {
        "right": lambda: lab.check("7.1", 6.02),
        "wrong": lambda: lab.check("7.1", "<script>&"),
        "open": lambda: lab.check("7.2", ...),
        "hint": lambda: lab.hint("7.1"),
        "solution": lambda: lab.solution("7.1"),
        "progress": lambda: lab.progress(),
        "lab": lambda: lab,
    }[card]()
    page = shown._repr_html_()
    tree = ElementTree.fromstring(page.replace("<br>", "<br/>"))
    assert tree.get("aria-label")
    assert "<script>" not in page
    words = "".join(tree.itertext())
    assert {"right": "7.1 right", "wrong": "7.1 wrong", "open": "7.2 not attempted"}.get(card, "") in words
    if card in ("right", "wrong", "open"):
        assert words.startswith(STATES[shown.state])


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("state", sorted(cards.EDGES))
def test_edges_stand_out_from_light_and_dark_pages(state):
    edge = luminance(cards.EDGES[state])
    assert (luminance("#ffffff") + 0.05) / (edge + 0.05) >= 3
    assert (edge + 0.05) / (luminance("#111111") + 0.05) >= 3


# Progress


def kept(home) -> dict[str, progress.Mark]:
    return progress.read(home / "kept" / "progress.json")


def test_progress_is_kept_from_one_sitting_to_the_next(home, lab):
    lab.check("7.1", 1)
    lab.check("7.1", 6.02)
    lab.check("7.2", ...)
    lab.check("7.3", "up")
    shown = lessons.open("07").progress()
    assert shown.heading == "Lesson 07: 1 of 3 exercises solved" and not shown.right
    rows = shown.body_text.splitlines()
    assert re.search(r"7\.1 .*right +2 ", rows[1]) and "not attempted" in rows[2] and "not yet right" in rows[3]


def test_once_right_stays_right_and_blanks_are_no_tries(home, lab):
    lab.check("7.1", 6.02)
    solved = kept(home)["7.1"]
    lab.check("7.1", 1)
    lab.check("7.1", None)
    lab.solution("7.1")
    assert kept(home)["7.1"] == solved and solved.tries == 1 and solved.right


def test_all_solved_is_said(lab):
    for number, answer in (("7.1", 6.02), ("7.2", lambda signal: 2 * signal), ("7.3", "left")):
        assert lab.check(number, answer).right
    assert lab.progress().right


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"exercises": {"7.1": {"wrong": 1}}}',
        b'{"exercises": {"7.1": {"tries": "3"}}}',
        b'{"exercises": []}',
    ],
)
def test_a_damaged_file_is_set_aside_not_lost(home, lab, content):
    path = home / "kept" / "progress.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert "damaged" in lab.progress().message
    assert path.read_bytes() == content
    shown = lab.check("7.1", 6.02)
    assert shown.right and "set aside as progress.damaged-1.json" in shown.message
    assert (path.parent / "progress.damaged-1.json").read_bytes() == content
    assert kept(home)["7.1"].right
    path.write_bytes(content)
    assert "progress.damaged-2.json" in lab.check("7.1", 6.02).message


def test_where_progress_cannot_be_saved_the_verdict_still_comes(home, lab, monkeypatch):
    (home / "a file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MSS_LAB_PROGRESS", str(home / "a file" / "progress.json"))
    shown = lab.check("7.1", 6.02)
    assert shown.right and "could not be saved" in shown.message


def test_a_file_that_stays_locked_is_said(home, lab, monkeypatch):
    monkeypatch.setattr(progress, "LOCK_WAIT_S", 0.05)
    monkeypatch.setattr(progress, "_try_lock", lambda descriptor: False)
    shown = lab.check("7.1", 6.02)
    assert shown.right and "held by another notebook" in shown.message


def test_a_change_waits_until_the_file_is_free(tmp_path):
    path = tmp_path / "progress.json"
    progress.record(path, "1.1", lambda mark: mark.after_try(True))
    other = threading.Thread(target=progress.record, args=(path, "1.2", lambda mark: mark.after_try(True)))
    with progress._locked(tmp_path / "progress.json.lock"):
        other.start()
        other.join(0.3)
        assert other.is_alive()
        assert list(progress.read(path)) == ["1.1"]
    other.join()
    assert list(progress.read(path)) == ["1.1", "1.2"]


SOLVE_MANY = """
import sys
from mss_lab.lessons import progress

for place in range(1, 16):
    progress.record(sys.argv[1], f"{sys.argv[2]}.{place}", lambda mark: mark.after_try(True))
"""


def test_two_notebooks_at_once_lose_no_mark(tmp_path):
    path = tmp_path / "progress.json"
    # Not by multiprocessing, whose processes would import all that this module does.
    workers = [subprocess.Popen([sys.executable, "-c", SOLVE_MANY, str(path), lesson]) for lesson in ("1", "2")]
    assert [worker.wait() for worker in workers] == [0, 0]
    marks = progress.read(path)
    assert len(marks) == 30 and all(mark.right for mark in marks.values())
    assert list(marks)[:3] == ["1.1", "1.2", "1.3"] and list(marks)[9] == "1.10"


def test_progress_lives_in_the_home_folder_unless_said_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("MSS_LAB_PROGRESS", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert progress.default_path() == tmp_path / ".mss_lab" / "progress.json"


def test_the_file_can_be_read_by_people(home, lab):
    lab.check("7.1", 6.02)
    content = json.loads((home / "kept" / "progress.json").read_text(encoding="utf-8"))
    assert content["version"] == 1 and content["exercises"]["7.1"]["right"] is True
    assert sorted(path.name for path in (home / "kept").iterdir()) == ["progress.json", "progress.json.lock"]


# Where lessons live


def test_exercises_must_be_numbered_in_order(home):
    path = home / "lessons" / "lesson_07.py"
    path.write_text(path.read_text(encoding="utf-8").replace('"7.2"', '"7.4"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"numbered 7.1, 7.2, 7.3, got 7.1, 7.4, 7.3"):
        lessons.exercises_of("07")
