"""Form: the part of a listening test that a listener fills in: sliders from 0 to 100, buttons, and a line of words.

All of it is used by the keyboard as by the mouse, and no key that is typed on it reaches the notebook. A form can have
several pages, one after the other. What the page sends carries the number of its page, so that a button that is pressed
twice, or a slider that is still moving, never counts for the next page.

Contents: Form. Lesson: notebooks/04_is_it_better.ipynb
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from .. import checks
from ..refusals import RefusedValue
from . import drawn, front_end

HIGHEST = 100


class Form(drawn.CheckedWidget):
    """Sliders named by labels, buttons, a heading, a question and a line that screen readers read when it changes.

    Attributes
    ----------
    pressed : function of the number of a button, optional
        Called when the listener presses a button.
    rated : function without arguments, optional
        Called when the listener has moved a slider.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    # Heading, question, labels, buttons, and the number of the page, which all change together.
    content = traitlets.Dict().tag(sync=True)
    # {"page": number, "ratings": {label: int, or None where the slider has not been moved}}
    value = drawn.Checked({}).tag(sync=True)
    # {"text": words, "kind": "result" or "error"}
    answer = traitlets.Dict({"text": "", "kind": "result"}).tag(sync=True)
    # Closed forms can be read, not changed.
    closed = traitlets.Bool(False).tag(sync=True)
    # {"caption": words, "head": [words], "rows": [[words]]}, or empty
    table = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        self.pressed: Callable[[int], None] | None = None
        self.rated: Callable[[], None] | None = None
        super().__init__()
        self.on_msg(self._received)

    @property
    def ratings(self) -> dict[str, int | None]:
        """The rating of each label; None where its slider has not been moved."""
        return dict(self.value["ratings"]) if self.value else {}

    @property
    def unrated(self) -> list[str]:
        """The labels whose sliders have not been moved."""
        return [label for label, rating in self.ratings.items() if rating is None]

    def open_page(
        self, heading: str, question: str, buttons: Sequence[str], labels: Sequence[str] = (), words: str = ""
    ) -> None:
        """Show a page; its sliders have not been moved."""
        page = self.content.get("page", 0) + 1
        with self.hold_sync():
            self.content = {
                "page": page,
                "heading": heading,
                "question": question,
                "buttons": list(buttons),
                "labels": list(labels),
            }
            self.value = {"page": page, "ratings": dict.fromkeys(labels)}
            self.say(words)

    def rate(self, ratings: Mapping[str, int]) -> None:
        """Move sliders from code. Raises ValueError for an unknown label or a rating that is not from 0 to 100."""
        self.value = {"page": self.content["page"], "ratings": {**self.ratings, **ratings}}

    def say(self, text: str, kind: str = "result") -> None:
        """Show words, as a ``"result"`` or as an ``"error"``."""
        self.answer = {"text": text, "kind": kind}

    def check(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the ratings of this page, or raise TypeError or ValueError; those of an earlier page are ignored."""
        if not self.content:
            return {}
        if value.get("page") != self.content.get("page") or (self.closed and self.value):
            return dict(self.value)
        labels, ratings = self.content["labels"], value.get("ratings", {})
        unknown = [label for label in ratings if label not in labels]
        if unknown:
            raise RefusedValue(f"there is no stimulus {unknown[0]!r} here; there are {', '.join(labels)}")
        return {"page": value["page"], "ratings": {label: _rating(label, ratings.get(label)) for label in labels}}

    @traitlets.observe("value")
    def _changed(self, change: Any) -> None:
        old, new = change["old"] or {}, change["new"]
        if self.rated is not None and old.get("page") == new.get("page"):
            self.rated()

    def _received(self, _widget: Any, message: Mapping[str, Any], _buffers: Any) -> None:
        if message.get("kind") != "pressed" or message.get("page") != self.content.get("page") or self.closed:
            return
        # The ratings come with the press: the page may hold back a change of a trait while an earlier one is handled.
        if self.content["labels"]:
            self.value = {"page": message["page"], "ratings": message["ratings"]}
        self.press(message["button"])

    def press(self, button: int) -> None:
        """Press a button, as the listener would; an error that this raises is said on the form."""
        try:
            if self.pressed is not None:
                self.pressed(button)
        except (ValueError, OSError) as error:
            self.say(str(error), "error")


def _rating(label: str, rating: Any) -> int | None:
    if rating is None:
        return None
    return int(checks.check_number(f"the rating of {label}", rating, at_least=0, at_most=HIGHEST, whole=True))
