"""What a reader would stumble over in the outputs of an executed lesson.

Looked at are the outputs themselves and the reports of `mss_lab.plots.watch` on pictures that a cell made. Problems are
pictures that are not displayed or not described, axes that show nothing, objects and containers as Python writes them,
values that are not a finite number, and warnings. Where such a value or a warning is what a cell is about, a comment of
the cell says so: it holds the word nan, inf or warning.

Contents: Problem, problems, text_problems, description_problems.
"""

import dataclasses
import html
import re
from collections.abc import Iterator
from typing import Any

from .notebooks import Run

# As Python writes values: (pattern, what it is). The first that matches is reported.
RAW = (
    (r"<[^<>\n]*\bobject at 0x[0-9a-f]+>|<(?:function|bound method|class|module|built-in)\b[^<>\n]*>", "an object"),
    (r"<(?:Figure|Axes|matplotlib)\b[^<>\n]*>|\bText\(-?\d|\bLine2D\(|\bRectangle\(xy", "an object of matplotlib"),
    (r"\b(?:array|tensor|masked_array)\(\s*[\[\d-]", "an array"),
    (r"\bnp\.(?:float|int|uint|complex|bool|str)\w*\(|\bdtype\(|\bdtype=", "a number with its type"),
    (r"\bdict_(?:keys|values|items)\(|\bodict|\bmappingproxy\(", "a view of a dict"),
    (r"\{(?:'[^'\n]*'|\d+|\([^()\n]*\)): |\[\{", "a dict"),
)
ONLY = (
    (r"Ellipsis|NotImplemented|None", "no value"),
    (r"\(.*,.*\)", "a tuple"),
    (r"\[.+\]", "a list"),
    (r"numpy\.\w+", "a type"),
)
NOT_A_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:nan|inf)(?![\w(])")
CARD = '<div role="group"'
INFINITE, WARNING = "a value that is not a finite number", "a warning or another text on stderr"
# Kinds of problems that a comment of the cell announces.
MEANT = {INFINITE: re.compile(r"#.*\b(?:nan|inf)\b"), WARNING: re.compile(r"#.*\bwarnings?\b")}
# What only a description should not hold: readers are read them aloud, bracket by bracket.
LISTED = re.compile(r"\[\s*[-\d'\"(]")
FEWEST_WORDS = 4


@dataclasses.dataclass(frozen=True)
class Problem:
    """A cell, counted from 0 as in the notebook's file, and what is wrong with its outputs."""

    cell: int
    words: str

    def __str__(self) -> str:
        return f"cell {self.cell}: {self.words}"


def problems(run: Run) -> list[Problem]:
    """What is wrong with the outputs of an executed notebook; empty if a reader stumbles over none.

    Parameters
    ----------
    run : Run
        From `notebooks.execute` with `watch=True`; without it, pictures that are not displayed stay unnoticed.
    """
    messages = [Problem(report.cell, report.words) for report in run.pictures]
    for index, cell in enumerate(run.notebook.cells):
        if cell.cell_type == "code":
            words = [words for output in cell.outputs for words in _of_output(output)]
            meant = [kind for kind, comment in MEANT.items() if comment.search(cell.source)]
            messages += [Problem(index, one) for one in words if not any(kind in one for kind in meant)]
    return list(dict.fromkeys(sorted(messages, key=lambda problem: problem.cell)))


def text_problems(text: str, *, is_value: bool = False) -> list[str]:
    """What is wrong with a text that a cell shows.

    Parameters
    ----------
    text : str
    is_value : bool
        Whether it is the value of the cell's last expression, as Python writes it, and not printed by the cell.
    """
    messages = []
    kinds = [*RAW, *((rf"\A(?:{pattern})\Z", kind) for pattern, kind in ONLY if is_value)]
    for pattern, kind in kinds:
        if match := re.search(pattern, text.strip(), re.DOTALL):
            messages.append(f"{kind} as Python writes it: {_short(match[0], text)}")
            break
    if match := NOT_A_NUMBER.search(text):
        messages.append(f"{INFINITE}: {_line_of(match.start(), text)}")
    return messages


def description_problems(description: str) -> list[str]:
    """What is wrong with the alternative text of a picture."""
    if len(description.split()) < FEWEST_WORDS:
        return [f'a picture without a description of what it shows: "{description}"']
    messages = [f"in the description of a picture {words}" for words in text_problems(description)]
    if not messages and (match := LISTED.search(description)):
        messages.append(f"in the description of a picture a list as Python writes it: {description[match.start() :]}")
    return messages


def _of_output(output: Any) -> Iterator[str]:
    if output.output_type == "stream":
        if output.name == "stderr":
            yield f"{WARNING}: {_short(output.text.strip())}"
        else:
            yield from text_problems(output.text)
    elif output.output_type in ("display_data", "execute_result"):
        data = output.data
        if "text/html" in data:
            yield from _of_page(data["text/html"])
        elif any(kind.startswith("image/") for kind in data):
            yield f"a picture without a description ({_short(data.get('text/plain', ''))}): show it by plots.picture"
        elif not any(kind.startswith(("application/", "audio/")) for kind in data):
            yield from text_problems(data.get("text/plain", ""), is_value=True)


def _of_page(page: str) -> Iterator[str]:
    for image in re.findall(r"<img\b[^>]*>", page):
        described = re.search(r"""\balt=(?:"([^"]*)"|'([^']*)')""", image)
        yield from description_problems(html.unescape(described[1] or described[2] or "") if described else "")
    messages = text_problems(_text_of(page))
    # A card may speak of such values in its task or in its verdict.
    yield from (words for words in messages if CARD not in page or INFINITE not in words)


def _text_of(page: str) -> str:
    """The words of a page, a line for each element, without scripts and styles and without what is shown as code."""
    page = re.sub(r"<(script|style|pre|code)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s*<[^>]*>\s*", "\n", page))


def _line_of(position: int, text: str) -> str:
    start, end = text.rfind("\n", 0, position) + 1, text.find("\n", position)
    return _short(text[start : end if end >= 0 else len(text)].strip())


def _short(words: str, context: str = "", most: int = 80) -> str:
    words = " ".join(words.split())
    if len(words) < 12 and context:
        words = " ".join(context[max(0, context.find(words)) :].split())
    return words if len(words) <= most else f"{words[:most]}..."
