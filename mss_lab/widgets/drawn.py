"""Drawn inputs: the common base of the inputs on which a reader draws.

Each has a trait ``value`` that is checked, whether it comes from Python or from the page: an invalid value is refused
with an explanation, the input keeps its value, and the page receives that value again. Without a front end the input is
a picture.

Contents: Checked, CheckedWidget, Drawn. Lesson: notebooks/11_where_is_it.ipynb
"""

import base64
import html
from typing import Any

import anywidget
import traitlets

from .. import plots


class Checked(traitlets.TraitType[Any, Any]):
    """A trait whose values pass through a method of the widget that has it, by default through `check`.

    A value is checked before it is assigned. What `traitlets.validate` refuses with a ValueError would stay assigned
    where it came from the page.
    """

    def __init__(self, default_value: Any = traitlets.Undefined, *, by: str = "check") -> None:
        super().__init__(default_value)
        self._by = by

    def validate(self, obj: Any, value: Any) -> Any:
        """Called by traitlets before it assigns."""
        return getattr(obj, self._by)(value)


class CheckedWidget(anywidget.AnyWidget):
    """A widget with `Checked` traits: what the page sends and they refuse is taken back on the page."""

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over a state from the page; if it is refused, the page receives the current values again."""
        try:
            super().set_state(sync_data)
        except (TypeError, ValueError, traitlets.TraitError):
            for name, trait in self.traits(sync=True).items():
                if isinstance(trait, Checked):
                    self.send_state(name)
            raise


class Drawn(CheckedWidget):
    """The base of all drawn inputs, such as `panorama.Window`; each defines `check`, `describe` and `png`."""

    value = Checked().tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)

    def check(self, value: Any) -> Any:
        """Return the value in the form that the trait holds, or raise TypeError or ValueError with an explanation."""
        raise NotImplementedError

    def describe(self) -> str:
        """The value in a few words."""
        raise NotImplementedError

    def png(self) -> bytes:
        """The current state of the input, as a picture."""
        raise NotImplementedError

    def static(self) -> tuple[bytes, str]:
        """The picture (PNG bytes) and the HTML that replace the input without a front end."""
        png = self.png()
        return png, f"<div>{html.escape(self.description)}{plots.image_html(png, self._alternative())}</div>"

    def _alternative(self) -> str:
        return ": ".join(filter(None, (self.description, self.describe())))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        png, page = self.static()
        data |= {
            "text/plain": f"{type(self).__name__}: {self._alternative()}",
            "image/png": base64.b64encode(png).decode(),
            "text/html": page,
        }
        return data, {**metadata, "image/png": {"alt": self._alternative()}}
