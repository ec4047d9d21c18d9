"""The form of the query panel: an instrument, a sound, or a point on the map, and a slider of levels, as one widget.

The form only shows and sends; `query_panel.Panel` decides.

Contents: Form. Lesson: notebooks/22_hierarchies_and_queries.ipynb
"""

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from . import drawn, front_end, uploads


class Form(drawn.CheckedWidget):
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

    query = drawn.Checked(by="check_query").tag(sync=True)
    level = drawn.Checked(by="check_level").tag(sync=True)
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
        self.check_query, self.check_level = check_query, check_level
        self._uploads = uploads.Uploads(self.send, arrived)
        super().__init__(**state, limits=uploads.limits())
        self.on_msg(self._take)

    def _take(self, _widget: Any, message: Mapping[str, Any], buffers: Any) -> None:
        self._uploads.take(message, buffers)
