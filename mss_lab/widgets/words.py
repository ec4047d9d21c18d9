"""Words: a line of results on a panel, read aloud when it changes; also where errors are said.

Contents: Words. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import pathlib

import anywidget
import traitlets


class Words(anywidget.AnyWidget):
    """Plain text of a kind: ``"result"`` or ``"error"``; `busy` says that newer words are being worked out."""

    _esm = pathlib.Path(__file__).with_suffix(".js")
    _css = pathlib.Path(__file__).with_suffix(".css")

    text = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Enum(("result", "error"), "result").tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)

    def say(self, text: str, kind: str = "result") -> None:
        """Show `text`, and that the work for it is done."""
        with self.hold_sync():
            self.text, self.kind, self.busy = text, kind, False
