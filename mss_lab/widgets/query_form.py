"""The form of the query panel: an instrument, a sound, or a point on the map, and a slider of levels, as one widget.

The form only shows and sends; `query_panel.Panel` decides.

Contents: Form. Lesson: notebooks/22_hierarchies_and_queries.ipynb
"""

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from . import front_end, uploads


class Form(anywidget.AnyWidget):
    """The widget of the form.

    Attributes
    ----------
    query : dict
        One of {"instrument": name}, {"point": [across, up]} and {"recording": name}.
    level : float
        From 1 to the number of levels.
    content : dict
        The map, the instruments, the names of the levels, and where the query lies.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__, "panel.css")

    query = traitlets.Dict().tag(sync=True)
    level = traitlets.Float().tag(sync=True)
    content = traitlets.Dict().tag(sync=True)
    points = traitlets.Bytes().tag(sync=True)
    limits = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        state: Mapping[str, Any],
        check_query: Callable[[Any], dict[str, Any]],
        check_level: Callable[[Any], float],
        arrived: Callable[[str, str, bytes], None],
    ) -> None:
        self._checks = {"query": check_query, "level": check_level}
        self._uploads = uploads.Uploads(self.send, arrived)
        super().__init__(**state, limits=uploads.limits())
        self.on_msg(self._take)

    @traitlets.validate("query", "level")
    def _validate(self, proposal: Any) -> Any:
        try:
            return self._checks[proposal["trait"].name](proposal["value"])
        except (TypeError, ValueError) as error:
            # Of what the page sends, traitlets takes back only what is refused by this class.
            raise traitlets.TraitError(str(error)) from error

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over a state from the page; if it is refused, the page receives the current one."""
        try:
            super().set_state(sync_data)
        except traitlets.TraitError:
            self.send_state(["query", "level"])
            raise

    def _take(self, _widget: Any, message: Mapping[str, Any], buffers: Any) -> None:
        self._uploads.take(message, buffers)
