"""Words: a line of results or errors on a panel, which screen readers read aloud when it changes.

Contents: Words. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import pathlib

import anywidget
import traitlets

from ..refusals import Refusal, in_words


class Words(anywidget.AnyWidget):
    """Plain text of a kind: ``"result"`` or ``"error"``; `busy` is True while newer words are computed."""

    _esm = pathlib.Path(__file__).with_suffix(".js")
    _css = pathlib.Path(__file__).with_suffix(".css")

    text = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Enum(("result", "error"), "result").tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)

    def fail(self, error: Exception) -> None:
        """Show an error: a refusal in its own words, anything else as a fault of the program."""
        is_refusal = isinstance(error, Refusal | OSError | MemoryError)
        fault = f"{type(error).__name__}: {error}; this is a fault of the program"
        text = in_words(error) if is_refusal else fault
        self.say(text[:1].upper() + text[1:] if text.startswith(("the ", "there ")) else text, "error")

    def say(self, text: str, kind: str = "result") -> None:
        """Show `text`, and set `busy` to False."""
        with self.hold_sync():
            self.text, self.kind, self.busy = text, kind, False
