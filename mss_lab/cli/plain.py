r"""What a command prints, made safe for a terminal: names of files and players may hold anything.

A name can hold escape sequences that a terminal obeys, bytes that are no text, and characters that the terminal's
encoding does not have. Each is shown as Python would write it, such as \x1b, so that the name stays recognisable.

Contents: visible, one_line, counted, PlainStream, plain_streams.
"""

import contextlib
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

# Categories of Unicode that a terminal obeys or that nobody sees: controls, marks of direction, halves of characters,
# separators of lines and paragraphs.
UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
KEPT = "\n\t"


def visible(text: str, encoding: str | None = None) -> str:
    """The text with every character shown as an escape sequence of Python that is not safe, or not in the encoding."""
    if not text.isprintable():
        text = "".join(_shown(character) for character in text)
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def one_line(text: str) -> str:
    """The text with line breaks shown as escape sequences too: a name that holds one shall not look like two messages.

    Line breaks at the end are left.
    """
    content = text.rstrip("\n")
    return visible(content).replace("\n", "\\n").replace("\t", "\\t") + text[len(content) :]


def counted(number: int, what: str) -> str:
    """Such as "1 note" and "2 notes"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _shown(character: str) -> str:
    if character in KEPT or unicodedata.category(character) not in UNSAFE:
        return character
    return ascii(character)[1:-1]


class PlainStream:
    """A text stream through which everything passes `visible`."""

    def __init__(self, stream: Any):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text made visible; returns its length, as streams do."""
        self._stream.write(visible(text, getattr(self._stream, "encoding", None)))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write one text after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def plain_streams() -> Iterator[None]:
    """Let everything that is printed during the block pass `visible`."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = PlainStream(before[0]), PlainStream(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
