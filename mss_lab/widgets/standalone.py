"""Standalone: a widget on a page that has no kernel, such as a page of the book.

The page contains the widget's own JavaScript, its state and its sounds, and a small model that answers in the kernel's
place. It makes outputs large, so it is made only where pages are built: `mss-lab book` sets the variable MSS_LAB_PAGES.
Set it yourself to export a notebook by other means::

    MSS_LAB_PAGES=1 jupyter nbconvert --execute --to html my.ipynb

Contents: is_for_pages, page_html. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

VARIABLE = "MSS_LAB_PAGES"

_PAGE = """<style>%(styles)s</style><div id="%(place)s"></div><script type="module">
%(script)s
const standaloneState = %(state)s;
const standaloneBytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const standaloneBuffers = %(buffers)s;
for (const [name, text] of Object.entries(%(bytes)s)) standaloneState[name] = standaloneBytes(text);
const standaloneListeners = new Set();
const standaloneModel = {
  get: (name) => standaloneState[name],
  set: (name, value) => (standaloneState[name] = value),
  save_changes: () => {},
  on: (event, listener) => event === "msg:custom" && standaloneListeners.add(listener),
  off: (event, listener) => standaloneListeners.delete(listener),
  send: (message) =>
    setTimeout(() => {
      const answer = { kind: "chunk", revision: message.revision, chunk: 0 };
      for (const listener of standaloneListeners) listener(answer, standaloneBuffers.map(standaloneBytes));
    }),
};
standaloneWidget.render({ model: standaloneModel, el: document.getElementById("%(place)s") });
</script>"""


def is_for_pages() -> bool:
    """Whether outputs are made for pages without a kernel."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def page_html(
    script: str,
    styles: str,
    state: Mapping[str, Any],
    pictures: Mapping[str, bytes] | None = None,
    chunk: Sequence[bytes] = (),
) -> str:
    """The HTML of a widget that runs by itself.

    Parameters
    ----------
    script, styles : str
        As `front_end.script` and `front_end.styles` give them.
    state : dict of trait name -> value that JSON can hold
    pictures : dict of trait name -> bytes, optional
        The traits that hold bytes.
    chunk : sequence of bytes
        What the model answers to a message of the widget: the buffers of its only chunk.
    """
    encode = {name: base64.b64encode(data).decode() for name, data in (pictures or {}).items()}
    return _PAGE % {
        "styles": styles,
        "place": f"mss-{secrets.token_hex(8)}",
        "script": script.replace("export default {", "const standaloneWidget = {"),
        "state": _json(state),
        "bytes": _json(encode),
        "buffers": _json([base64.b64encode(data).decode() for data in chunk]),
    }


def _json(value: Any) -> str:
    # A name of a source that contains "</script>" must not end the script.
    return json.dumps(value).replace("</", "<\\/")
