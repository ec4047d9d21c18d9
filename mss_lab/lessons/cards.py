"""Cards: what a notebook shows for a check, a hint, a solution, a lesson and its progress.

A card inherits its colours from the page, so it reads in light and dark themes alike; its state is always a sign and
a word, and the coloured edge only repeats them. Outside a notebook a card prints as plain text.

Contents: Card, code_html, table_html.
"""

import dataclasses
import html
import re
from collections.abc import Iterable

from .exercise import STATES

# Each stands out by 3:1 or more against white and against JupyterLab's dark ground (#111111).
EDGES = {
    "right": "#2e8b57",
    "wrong": "#d1495b",
    "error": "#b8660b",
    "time limit": "#b8660b",
    "not attempted": "#767f8c",
}


@dataclasses.dataclass(frozen=True)
class Card:
    """A few lines to show.

    Attributes
    ----------
    heading : str
        First line; names the exercise or the lesson.
    message : str
        Plain text; parts in `backquotes` are set as code.
    right : bool
        Whether the exercise it speaks of is solved; False where it speaks of none.
    state : str
        A verdict's state, or "" for a card that judges nothing.
    body_text, body_html : str
        More, below the message: the same content for the terminal and for the page.
    """

    heading: str
    message: str = ""
    right: bool = False
    state: str = ""
    body_text: str = ""
    body_html: str = ""

    def __repr__(self) -> str:
        sign = f"{STATES[self.state]} " if self.state else ""
        lines = [f"{sign}{self.heading}", self.message, self.body_text]
        return "\n".join(line for line in lines if line)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        sign = f'<span aria-hidden="true">{STATES[self.state]} </span>' if self.state else ""
        message = f'<div style="margin-top:.3em">{inline_html(self.message)}</div>' if self.message else ""
        return (
            f'<div role="group" aria-label="{html.escape(self.heading)}" '
            f'style="border-left:.35em solid {EDGES.get(self.state, "#767f8c")};padding:.3em .9em;margin:.3em 0;'
            f'max-width:52em;line-height:1.5"><strong>{sign}{html.escape(self.heading)}</strong>'
            f"{message}{self.body_html}</div>"
        )


def inline_html(words: str) -> str:
    """Text as HTML: escaped, with `backquoted` parts as code and line breaks kept."""
    escaped = html.escape(words)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped).replace("\n", "<br>")


def code_html(source: str) -> str:
    """Python source as highlighted HTML, in the colours of the page's own theme.

    JupyterLab and the pages made from notebooks define the colours of code as variables, one set for each theme; where
    they are not defined, weight and slant still tell keywords and comments apart.
    """
    from pygments.lexers import PythonLexer
    from pygments.token import Comment, Keyword, Number, Operator, String

    styles = (
        (Comment, "font-style:italic;color:var(--jp-mirror-editor-comment-color,inherit)"),
        (Keyword, "font-weight:bold;color:var(--jp-mirror-editor-keyword-color,inherit)"),
        (Operator.Word, "font-weight:bold;color:var(--jp-mirror-editor-keyword-color,inherit)"),
        (String, "color:var(--jp-mirror-editor-string-color,inherit)"),
        (Number, "color:var(--jp-mirror-editor-number-color,inherit)"),
    )
    pieces = []
    for token, words in PythonLexer(stripall=True).get_tokens(source):
        style = next((style for kind, style in styles if token in kind), "")
        escaped = html.escape(words)
        pieces.append(f'<span style="{style}">{escaped}</span>' if style and words.strip() else escaped)
    return (
        '<pre tabindex="0" style="margin:.5em 0 0;padding:.5em .8em;overflow:auto;color:inherit;background:transparent;'
        f'border:1px solid #767f8c;border-radius:.3em"><code>{"".join(pieces).rstrip()}</code></pre>'
    )


def table_html(caption: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A small table whose first column names the rows."""
    style = 'style="text-align:left;padding:.1em .8em .1em 0"'
    head = "".join(f'<th scope="col" {style}>{html.escape(column)}</th>' for column in columns)
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td {style}>{inline_html(cell)}</td>" for cell in others)
        lines.append(f'<tr><th scope="row" {style}>{html.escape(first)}</th>{cells}</tr>')
    return (
        f'<table style="margin:.5em 0 0;color:inherit;font-size:inherit;border-spacing:0">'
        f'<caption style="text-align:left;color:inherit">{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


def table_text(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """The same table in plain text, its columns aligned."""
    lines = [list(columns), *(list(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
