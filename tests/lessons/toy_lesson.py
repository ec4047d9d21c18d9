"""A lesson made up for tests: a tiny piece, three exercises, and a notebook that has every part."""

import hashlib
import json
import textwrap
from pathlib import Path

import nbformat
import numpy as np

from mss_lab import audio
from mss_lab.score.midi import write_midi
from mss_lab.score.notes import Note, Score

SAMPLE_RATE_HZ = 8000

LESSON = """
import numpy as np

from mss_lab.lessons import Exercise, answers

PIECE = {piece!r}


def _check_double(answer):
    signal = np.arange(6.0).reshape(2, 3)
    doubled = answers.call(answer, signal)
    return answers.array(doubled, 2 * signal, "channels samples", where="Multiply by 2.")


def _check_factor(answer):
    return answers.number(answer, 6.02, 0.01, "dB", mistakes={{"That is 10 log10, for powers.": 3.01}})


EXERCISES = (
    Exercise(
        number="7.1",
        task="How many dB is a factor of 2?",
        check=_check_factor,
        hints=("A level is a logarithm.", "Use 20 log10(2)."),
        solution="import numpy as np\\nanswer = 20 * np.log10(2)",
        mistakes=("import numpy as np\\nanswer = 10 * np.log10(2)", "answer = 2"),
    ),
    Exercise(
        number="7.2",
        task="Write a function that doubles a signal.",
        check=_check_double,
        hints=("Use *.",),
        solution="def answer(signal):\\n    return 2 * signal",
        mistakes=(
            "def answer(signal):\\n    signal *= 2\\n    return signal",
            "def answer(signal):\\n    return signal",
        ),
        time_limit_s=1,
    ),
    Exercise(
        number="7.3",
        task="Left or right?",
        check=lambda answer: answers.text(answer, "left", ("left", "right"), {{"right": "Listen to the other ear."}}),
        hints=("Put on headphones.",),
        solution='answer = "left"',
        mistakes=('answer = "right"', 'answer = "up"'),
    ),
)
"""

# Its first exercise hands out a signal and draws its numbers from the student's name; its second judges a function on
# inputs that change for a grader.
HANDING_LESSON = """
from mss_lab.lessons import Exercise, answers

PIECE = {piece!r}


def _loudest_exercise(gain=1.0):
    def given():
        return {{"mixture": gain * answers.rng(71).random((2, 50)), "rate": 8000}}

    def check(answer):
        return answers.number(answer, given()["mixture"].max(), 1e-9)

    return Exercise(
        number="7.1",
        task=f"The largest value at a gain of {{gain:.4f}}?",
        check=check,
        hints=("Use max.",),
        solution='answer = lab.given("7.1")["mixture"].max()',
        mistakes=('answer = lab.given("7.1")["mixture"].min()', "answer = 2"),
        drawn=lambda rng: _loudest_exercise(rng.uniform(2, 3)),
        kind="sound",
        given=given,
    )


def _given_signal():
    return answers.rng(72).random(9)


def _check_reversed(answer):
    signal = _given_signal()
    return answers.array(answers.call(answer, signal), signal[::-1], "samples")


EXERCISES = (
    _loudest_exercise(),
    Exercise(
        number="7.2",
        task="Write a function that reverses a signal.",
        check=_check_reversed,
        hints=("A step of -1.",),
        solution="def answer(signal):\\n    return signal[::-1]",
        mistakes=("def answer(signal):\\n    return signal", "def answer(signal):\\n    return -signal"),
        kind="construct",
        given=_given_signal,
    ),
    Exercise(
        number="7.3",
        task="One and one?",
        check=lambda answer: answers.number(answer, 2, 0),
        hints=("Two.",),
        solution="answer = 2",
        mistakes=("answer = 1", "answer = 3"),
    ),
)
"""


def write_lesson(folder: Path) -> Path:
    """Write lesson 07 and its piece, and return the folder for MSS_LAB_LESSONS."""
    piece = write_piece(folder / "toy_piece")
    lessons = folder / "lessons"
    lessons.mkdir()
    (lessons / "lesson_07.py").write_text(LESSON.format(piece=str(piece)), encoding="utf-8")
    return lessons


def write_handing_lesson(folder: Path) -> None:
    """Put another lesson 07 in the place of the one that `write_lesson` wrote: its exercises hand out inputs."""
    text = HANDING_LESSON.format(piece=str(folder / "toy_piece"))
    (folder / "lessons" / "lesson_07.py").write_text(text, encoding="utf-8")


def write_piece(folder: Path) -> Path:
    """Write a piece of two sources and half a second."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for source in ("flute", "horn"):
        noise = 0.2 * rng.standard_normal((1, SAMPLE_RATE_HZ // 2)).astype(np.float32)
        audio.write_audio(folder / f"{source}.flac", noise, SAMPLE_RATE_HZ)
    score = Score((Note("flute", 72, 0, 0.25), Note("horn", 48, 0.25, 0.5)))
    write_midi(folder / "score.mid", score)
    files = ("flute.flac", "horn.flac", "score.mid")
    record = {
        "name": folder.name,
        "title": "A toy",
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "sources": ["flute", "horn"],
        "pans_rad": None,
        "licence": "CC0-1.0",
        "credits": "made up",
        "made_by": "a test",
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    (folder / "piece.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def notebook(*cells: str):
    """A notebook: cells that begin with % are code (after the %), all others markdown."""
    made = nbformat.v4.new_notebook()
    for index, cell in enumerate(cells):
        cell = textwrap.dedent(cell).strip()
        new = nbformat.v4.new_code_cell(cell[1:]) if cell.startswith("%") else nbformat.v4.new_markdown_cell(cell)
        new.id = f"cell{index}"
        made.cells.append(new)
    return made


HEAD = """\
# Levels

You can tell a level in dB by the end.

**You will**

- hear a factor of two
- compute a level
- write a function

**Before this:** [lesson 06](06_x.ipynb)

**Runs in:** <!-- runs-in -->2 s<!-- /runs-in -->

**Your time:** about 10 minutes. **Shortest path:** exercise 7.1, 2 minutes.

**Listens to:** a toy (CC0)
"""
OPENING = '%from mss_lab import lessons\nlab = lessons.open("07")\nlab'
PREDICT = "### Predict, then listen\n\nWhich is louder?"
BREAK = "## Break it\n\nSilence has no level."
EXERCISES = "## Exercises"
TASKS = (
    "**7.1** How many dB? Expected: about 6 dB.",
    '%answer = ...\nlab.check("7.1", answer)',
    "**7.2** Double it. Expected: twice the signal.",
    '%def double(signal):\n    ...\n\nlab.check("7.2", double)',
    "**7.3** Which side? Expected: one of two words.",
    '%lab.check("7.3", None)',
)
QUESTION = "1. Why?\n\n<details><summary>Answer</summary>\n\nBecause.\n\n</details>\n\n"
QUESTIONS = "## Five questions\n\n" + 5 * QUESTION
GO_ON = "## Go on\n\nRead [the paper](https://example.org/paper)."
GOOD = (HEAD, OPENING, PREDICT, BREAK, EXERCISES, *TASKS, QUESTIONS, GO_ON)


def good_notebook():
    """A lesson's notebook that lacks nothing."""
    return notebook(*GOOD)
