"""Answer files: solutions and mistakes read from files, their numbers replaced, and every file in use."""

import operator

import pytest

from mss_lab import lessons
from mss_lab.lessons import answer_files, lesson_files
from mss_lab.lessons.exercise import Exercise, answer_of

EXERCISES = [made for number in lessons.numbers() for made in lessons.exercises_of(number)]
DRAWN = [made for made in EXERCISES if made.drawn]

SOLUTION = """\
small_window = 64
window = 4096
rate_hz = 44_100


def answer(window_s, window=window):
    window = 1
    return window_s, rate_hz
"""
MISTAKES = """\
import math

window = 4096

# %% The first: it says so
rate_hz = 22_050
answer = window, rate_hz

# %% The second
def answer():
    # %% not a border
    return math.pi
"""


def lesson_file(made):
    lesson = int(made.number.partition(".")[0])
    return lesson_files.CONTENT_FOLDER / f"lesson_{lesson:02}" / "exercises.py"


@pytest.fixture
def file(tmp_path):
    """A lesson's file, beside which exercise 7.1 has its solution and mistakes."""
    for folder, text in (("solutions", SOLUTION), ("mistakes", MISTAKES)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "7_1.py").write_text(text, encoding="utf-8")
    return tmp_path / "exercises.py"


# The course's own files


@pytest.mark.parametrize("folder", ["solutions", "mistakes"])
def test_every_exercise_has_its_files_and_every_file_its_exercise(folder):
    expected = {lesson_file(made).with_name(folder) / f"{made.number.replace('.', '_')}.py" for made in EXERCISES}
    assert set(lesson_files.CONTENT_FOLDER.glob(f"lesson_*/{folder}/*.py")) == expected


def test_every_mistake_says_by_which_words_it_is_refused():
    silent = [
        made.number for made in EXERCISES for mistake in made.mistakes if not answer_files.expected_words(mistake)
    ]
    assert silent == []


@pytest.mark.parametrize("made", DRAWN, ids=operator.attrgetter("number"))
def test_without_a_name_the_numbers_in_the_files_are_those_of_the_exercise(made):
    assert answer_files.solution(lesson_file(made), made.number) == made.solution
    assert answer_files.mistakes(lesson_file(made), made.number) == made.mistakes
    own = [made.for_student(name) for name in ("Ada", "Emmy", "Sofja")]
    # What the readers' own exercises differ in: the numbers in their solution, or the inputs that are handed out.
    if made.given is None:
        assert {one.solution for one in own} != {made.solution}
    else:
        assert len({repr(one.handed_out()) for one in own}) > 1


# Reading


def test_what_stands_above_the_first_mistake_belongs_to_all_and_each_begins_with_its_words(file):
    first, second = answer_files.mistakes(file, "7.1")
    assert (
        first
        == "# %% The first: it says so\nimport math\n\nwindow = 4096\n\nrate_hz = 22_050\nanswer = window, rate_hz\n"
    )
    assert second.startswith("# %% The second\nimport math\n") and second.endswith("not a border\n    return math.pi\n")
    words = [
        answer_files.expected_words(source) for source in (first, second, "# %%\nanswer = 1", "answer = 1\n# %% no")
    ]
    assert words == ["The first: it says so", "The second", "", ""]


def test_only_the_first_assignment_at_the_left_edge_gets_its_new_value(file):
    source = answer_files.solution(file, "7.1", {"window": 512, "rate_hz": 8000})
    assert source == SOLUTION.replace("4096", "512").replace("44_100", "8000")
    assert answer_of(source)(0) == (0, 8000)
    mistakes = answer_files.mistakes(file, "7.1", {"window": 512, "rate_hz": 8000})
    # What a mistake itself assigns stays.
    assert answer_of(mistakes[0]) == (512, 22_050)


def test_a_border_without_words_begins_a_mistake_too(file):
    file.with_name("mistakes").joinpath("7_1.py").write_text("# %%\nanswer = 1\n# %% No\nanswer = 2\n")
    first, second = answer_files.mistakes(file, "7.1")
    assert first.endswith("answer = 1\n") and second == "# %% No\nanswer = 2\n"
    assert answer_files.expected_words(first) == ""


@pytest.mark.parametrize(
    "value, written",
    [
        (9999, "9999"),
        (10_000, "10_000"),
        (-3, "-3"),
        (0.3, "0.3"),
        (220.0, "220.0"),
        (1e-9, "1e-09"),
        (r"\1", r"'\\1'"),
    ],
)
def test_values_are_written_as_python_reads_them(value, written):
    source = answer_files.with_values("x = 1\nanswer = x\n", {"x": value})
    assert source == f"x = {written}\nanswer = x\n" and answer_of(source) == value


def test_a_missing_file_and_a_missing_number_are_refused(file):
    with pytest.raises(FileNotFoundError, match=r"exercise 7\.2 has no solutions: write them in .*7_2\.py"):
        answer_files.solution(file, "7.2")
    with pytest.raises(FileNotFoundError, match=r"exercise 7\.2 has no mistakes"):
        answer_files.mistakes(file, "7.2")
    with pytest.raises(ValueError, match=r"must assign hop, each in a line of its own such as 'hop = 1'"):
        answer_files.solution(file, "7.1", {"window": 512, "hop": 256})


def test_an_exercise_takes_its_texts_from_the_files(file):
    made = Exercise.from_files(
        file, number="7.1", task="Do it.", check=lambda answer: None, hints=("Try.",), values={"window": 512}
    )
    assert made.solution == answer_files.solution(file, "7.1", {"window": 512})
    assert made.mistakes == answer_files.mistakes(file, "7.1", {"window": 512}) and made.time_limit_s == 10


# A teacher's own lesson

OWN = """
from mss_lab.lessons import Exercise

PIECE = "chorale_a"
EXERCISES = (
    Exercise.from_files(
        __file__, number="7.1", task="Do it.", check=lambda answer: None if answer == 1 else "no", hints=("Try.",)
    ),
)
"""


def test_a_lesson_of_ones_own_may_be_a_folder_like_those_of_the_course(tmp_path, monkeypatch):
    folder = tmp_path / "lesson_07"
    for name, text in (("solutions", "answer = 1\n"), ("mistakes", MISTAKES)):
        (folder / name).mkdir(parents=True)
        (folder / name / "7_1.py").write_text(text, encoding="utf-8")
    (folder / "exercises.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "lesson_071.py").write_text("raise SystemExit", encoding="utf-8")
    (tmp_path / "lesson_95").mkdir()
    monkeypatch.setenv("MSS_LAB_LESSONS", str(tmp_path))
    (made,) = lessons.exercises_of("07")
    assert made.judge(answer_of(made.solution)).right and not made.judge(answer_of(made.mistakes[0])).right
    assert "95" not in lessons.numbers() and {"00", "07"} <= set(lessons.numbers())
