"""The table of lessons in README.md: titles and minutes come from the lessons, the last column is written by hand.

`python -m tests.notebooks.readme_table` writes it anew after a title or the reader's time on a card has changed.
"""

import re

from mss_lab.lessons import notebooks, readers_time
from tests.paths import NOTEBOOKS, ROOT

README = ROOT / "README.md"
HEAD = ("| # | Lesson | Minutes, shortest path | You hear and build |", "|---|---|---|---|")
_ROW = re.compile(r"\| (\d\d) \| \[.*\]\(notebooks/.*\.ipynb\) \|(?:.*\|)? ([^|]+) \|")


def row(path, words: str) -> str:
    """The line of a lesson, with the words of its last column."""
    notebook = notebooks.read(path)
    title = notebook.cells[0].source.splitlines()[0].partition(": ")[2]
    time = readers_time.of_notebook(notebook)
    minutes = f"{time.minutes}, {time.shortest_minutes}" if time else ""
    return f"| {path.name[:2]} | [{title}](notebooks/{path.name}) | {minutes} | {words} |".replace("|  |", "| |")


def written_anew(text: str) -> str:
    """README.md's text with the lines of all lessons written anew."""
    paths = {path.name[:2]: path for path in NOTEBOOKS.glob("*.ipynb")}
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if (match := _ROW.fullmatch(line)) and match[1] in paths:
            lines[index] = row(paths[match[1]], match[2])
        elif line.startswith("| # | Lesson |"):
            lines[index : index + 2] = HEAD
    return "\n".join(lines)


if __name__ == "__main__":
    README.write_text(written_anew(README.read_text(encoding="utf-8")), encoding="utf-8")
