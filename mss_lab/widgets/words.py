"""Words: a line of results or errors on a panel, which screen readers read aloud when it changes.

Contents: Words. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import pathlib

import anywidget
import traitlets


class Words(anywidget.AnyWidget):
    """Plain text of a kind: ``"result"`` or ``"error"``; `busy` is True while newer words are computed."""

    _esm = pathlib.Path(__file__).with_suffix(".js")
    _css = pathlib.Path(__file__).with_suffix(".css")

    text = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Enum(("result", "error"), "result").tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)

    def say(self, text: str, kind: str = "result") -> None:
        """Show `text`, and set `busy` to False."""
        with self.hold_sync():
            self.text, self.kind, self.busy = text, kind, False
