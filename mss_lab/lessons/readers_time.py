"""The minutes that a reader needs for a lesson, and the shortest path through it, from the lesson's card.

The card says both in one line::

    **Your time:** about 50 minutes. **Shortest path:** parts 1, 2 and 5 with exercises 3.1 and 3.4, 20 minutes.

Contents: ReadersTime, of_notebook, problems.
"""

import dataclasses
import re
from typing import Any

LINE = re.compile(r"^\*\*Your time:\*\* (?P<time>[^*\n]+?) \*\*Shortest path:\*\* (?P<path>[^*\n]+)$", re.MULTILINE)
FORM = "**Your time:** about 50 minutes. **Shortest path:** parts 1 and 2 with exercise 3.1, 20 minutes."
# A lesson that takes longer has two parts, with a stop between them.
MOST_MINUTES = 60
STOP = "Stop here for today"
# An upper limit: few readers are faster where the subject is new to them.
WORDS_A_MINUTE = 200


@dataclasses.dataclass(frozen=True)
class ReadersTime:
    """Minutes for the whole lesson; the shortest path, in words that end in its own minutes; and these minutes."""

    minutes: int
    shortest_path: str
    shortest_minutes: int


def of_notebook(notebook: Any) -> ReadersTime | None:
    """What the card of a lesson says; None if it does not say it in the form above."""
    head = "\n\n".join([cell.source for cell in notebook.cells if cell.cell_type == "markdown"][:2])
    line = LINE.search(head)
    if line is None:
        return None
    minutes = re.match(r"about (\d+) minutes\b.*\.$", line["time"])
    shortest = re.search(r"(\d+) minutes\.$", line["path"].strip())
    if minutes is None or shortest is None:
        return None
    return ReadersTime(int(minutes[1]), line["path"].strip().rstrip("."), int(shortest[1]))


def problems(notebook: Any) -> list[str]:
    """What is wrong with the reader's time on the card, a sentence for each."""
    time = of_notebook(notebook)
    if time is None:
        return [f"the card must give the reader's time in a line of this form: {FORM}"]
    messages = []
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    least = len(words.split()) / WORDS_A_MINUTE
    if time.minutes < least:
        messages.append(f"the reader's time is {time.minutes} minutes, but the text alone takes {least:.0f}")
    if time.shortest_minutes > time.minutes:
        messages.append(f"the shortest path takes {time.shortest_minutes} minutes, more than all {time.minutes}")
    if time.minutes > MOST_MINUTES and not re.search(rf"(?m)^#+ {STOP}", words):
        messages.append(f'the reader\'s time is over {MOST_MINUTES} minutes; make two parts, with "## {STOP}" between')
    return messages
