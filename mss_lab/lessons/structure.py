"""The parts that every lesson has, in order, and a check that lists what is missing.

1. A title (`# ...`) and a promise of one sentence, then a card with the labels **You will** (3 to 5 list items),
   **Before this**, **Runs in** (between `<!-- runs-in -->` and `<!-- /runs-in -->`, written by
   `mss-lab lesson measure`), **Your time** (see `readers_time`) and **Listens to**, all within the first two markdown
   cells. No list of a label begins with an empty item.
2. The opening cell, the first code cell: at most three lines, with `lessons.open("NN")`.
3. At least one **Predict, then listen**, and
4. a part **Break it**, each in a heading or in bold at the start of a line.
5. A heading **Exercises**; for every exercise of the lesson a cell with `lab.check("N.M", ...)`, and above it,
   after the check before, the task with its number and the word "Expected" beside the value that is expected.
6. A heading **Five questions** with five answers folded away (`<details><summary>...</summary>...</details>`).
7. A heading **Go on** with links.

No code cell has more than 15 lines that are not blank; outputs are stripped. Lessons that the text names exist (see
`references`).

Contents: problems.
"""

import itertools
import re
from collections.abc import Collection, Sequence
from typing import Any

from . import lesson_files, readers_time, references
from .exercise import Exercise

MOST_LINES = 15
RUNS_IN = re.compile(r"<!-- runs-in -->(.*?)<!-- /runs-in -->", re.DOTALL)
CARD_LABELS = ("You will", "Before this", "Runs in", "Your time", "Listens to")
# "**Listens to:** , and tones": what should have been filled in is missing.
EMPTY_ITEM = re.compile(r"\*\*[^*\n]+:\*\*[ \t]*(?:[,;.]|and\b|or\b)|[,;(][ \t]*[,;]")


def problems(notebook: Any, number: str, exercises: Sequence[Exercise], names: Collection[str] = ()) -> list[str]:
    """What is missing in a lesson's notebook, a sentence for each; empty if it has every part in order.

    Parameters
    ----------
    notebook : NotebookNode
    number : str
        The lesson's, such as "03".
    exercises : sequence of Exercise
        All that the lesson has.
    names : collection of str
        Names of the files of all lessons, which links may lead to; where there are none, links are not checked.
    """
    return [
        *_title_problems(notebook),
        *_card_problems(notebook),
        *_opening_problems(notebook, number),
        *_order_problems(notebook),
        *_exercise_problems(notebook, exercises),
        *_question_problems(notebook),
        *_cell_problems(notebook),
        *references.problems(notebook, lesson_files.numbers(), names),
    ]


def _title_problems(notebook: Any) -> list[str]:
    cells = notebook.cells
    if not cells or cells[0].cell_type != "markdown" or not re.match(r"# \S", cells[0].source):
        return ["the first cell must be markdown and begin with a title: # Title"]
    paragraphs = re.split(r"\n\s*\n", _head(notebook).strip())
    after = paragraphs[0].partition("\n")[2].strip() or (paragraphs[1].strip() if len(paragraphs) > 1 else "")
    if not re.match(r"[*_\"'A-Z]", after) or _label("You will").match(after):
        return ["a promise of one sentence must follow the title"]
    ends = re.findall(r"[.!?][*_\"']*(?=\s|$)", after)
    if len(ends) != 1 or not re.search(r"[.!?][*_\"']*$", after):
        return [f"the promise must be one sentence that ends in a full stop, got {len(ends)}: {after[:80]!r}"]
    return []


def _card_problems(notebook: Any) -> list[str]:
    head = _head(notebook)
    positions = {label: match.start() for label in CARD_LABELS if (match := _label(label).search(head))}
    missing = [label for label in CARD_LABELS if label not in positions]
    if missing:
        return [f"the card in the first two markdown cells lacks {', '.join(missing)} (each in bold at a line's start)"]
    messages = []
    if list(positions) != sorted(positions, key=positions.__getitem__):
        messages.append(f"the card must say, in this order, {', '.join(CARD_LABELS)}")
    promises = head[positions["You will"] : positions["Before this"]]
    items = len(re.findall(r"(?m)^\s*(?:[-*+]|\d+\.)\s(?!\s*\*\*You will)", promises)) or promises.count("<li>")
    if not 3 <= items <= 5:
        messages.append(f'the card must list 3 to 5 things under "You will", got {items}')
    messages += readers_time.problems(notebook)
    if empty := EMPTY_ITEM.search(head):
        messages.append(f'the card has an empty item: "{head[empty.start() :].splitlines()[0][:60]}"')
    measured = RUNS_IN.search(head)
    if not measured or not re.search(r"\d", measured.group(1)):
        messages.append('"Runs in" must be measured: put <!-- runs-in --><!-- /runs-in --> there, and run the script')
    return messages


def _opening_problems(notebook: Any, number: str) -> list[str]:
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if not code:
        return ["there is no code cell"]
    messages = []
    lines = [line for line in code[0].splitlines() if line.strip()]
    if len(lines) > 3:
        messages.append(f"the opening cell must have at most three lines, got {len(lines)}")
    opened = re.findall(r"lessons\.open\(\s*[\"']?(\w+)[\"']?\s*\)", code[0])
    if opened != [number]:
        opened_instead = ", ".join(opened) or "none"
        messages.append(
            f'the first code cell must open this lesson, lessons.open("{number}"); it opens {opened_instead}'
        )
    return messages


def _order_problems(notebook: Any) -> list[str]:
    opening = next((index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"), None)
    positions: dict[str, tuple[int, int] | None] = {"the opening cell": None if opening is None else (opening, 0)}
    for part in ("Predict, then listen", "Break it", "Exercises", "Five questions", "Go on"):
        positions[part] = _position(notebook, part)
    messages = [f'there is no part "{part}"' for part, position in positions.items() if position is None]
    present = [(part, position) for part, position in positions.items() if position is not None]
    for (part, position), (following, next_position) in itertools.pairwise(present):
        if position > next_position:
            messages.append(f'"{part}" must come before "{following}"')
    return messages


def _exercise_problems(notebook: Any, exercises: Sequence[Exercise]) -> list[str]:
    messages: list[str] = []
    words, checked = "", []
    numbers = [exercise.number for exercise in exercises]
    first = (_position(notebook, "Exercises") or (len(notebook.cells), 0))[0]
    end = (_position(notebook, "Five questions") or (len(notebook.cells), 0))[0]
    for cell in notebook.cells[first:end]:
        words += cell.source + "\n"
        if cell.cell_type != "code":
            continue
        for number in re.findall(r"lab\.check\(\s*[\"'](\d+\.\d+)[\"']", cell.source):
            checked.append(number)
            before = re.split(rf"lab\.check\(\s*[\"']{number}", words)[0]
            if number not in before:
                messages.append(f"the task of exercise {number} must stand above its check, with its number")
            if not re.search(r"\bexpected\b", before, re.IGNORECASE):
                messages.append(f'exercise {number} must say what is expected: put "Expected: ..." beside its task')
            words = ""
    messages += [
        f'exercise {number} has no cell with lab.check("{number}", ...) under Exercises'
        for number in numbers
        if number not in checked
    ]
    messages += [
        f"there is a check of {number}, which the lesson does not have" for number in checked if number not in numbers
    ]
    ordered = [number for number in dict.fromkeys(checked) if number in numbers]
    if ordered != [number for number in numbers if number in checked]:
        messages.append(f"the exercises stand in the order {', '.join(ordered)}")
    if not 3 <= len(numbers) <= 5:
        messages.append(f"a lesson has 3 to 5 exercises, got {len(numbers)}")
    return messages


def _question_problems(notebook: Any) -> list[str]:
    messages = []
    questions = _section(notebook, "Five questions")
    if questions is not None:
        folded = len(re.findall(r"<details>\s*<summary>.+?</summary>.*?\S.*?</details>", questions, re.DOTALL))
        if folded != 5 or questions.count("<details") != 5:
            messages.append(
                f"Five questions must have five answers folded away, each <details><summary>...</summary>..."
                f"</details>, got {folded}"
            )
    further = _section(notebook, "Go on")
    if further is not None and not re.search(r"\]\([^)\s]+\)", further):
        messages.append("Go on must have links")
    return messages


def _cell_problems(notebook: Any) -> list[str]:
    messages = []
    for index, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        if lines > MOST_LINES:
            messages.append(f"cell {index} has {lines} lines; over {MOST_LINES} belong in the package")
        if cell.outputs or cell.execution_count is not None:
            messages.append(f"cell {index} has outputs; run mss-lab lesson strip")
    return messages


def _head(notebook: Any) -> str:
    markdown = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return "\n\n".join(markdown[:2])


def _label(words: str) -> re.Pattern[str]:
    # At the start of a line, in bold or as a heading, perhaps as an item of a list or a row of a table.
    return re.compile(rf"^[ \t>|+*-]*(?:\*\*|__|<b>|<strong>|#+ )\s*(?:\d+\.\s*)?{re.escape(words)}\b", re.M | re.I)


def _position(notebook: Any, part: str) -> tuple[int, int] | None:
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and (match := _label(part).search(cell.source)):
            return index, match.start()
    return None


def _section(notebook: Any, part: str) -> str | None:
    position = _position(notebook, part)
    if position is None:
        return None
    index, start = position
    later = [cell.source for cell in notebook.cells[index + 1 :] if cell.cell_type == "markdown"]
    text = "\n\n".join([notebook.cells[index].source[start:], *later])
    # Up to the next heading of the same kind or above.
    heading = re.search(r"\n#{1,2} ", text)
    return text[: heading.start()] if heading else text
