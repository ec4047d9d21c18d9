"""JupyterLab as `mss-lab lab` starts it.

It asks nothing, neither the page nor the server reaches other computers, and a notebook that it merely opened and saved
is still updated.
"""

import socket
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import expect

from mss_lab import course, shipped
from mss_lab.lessons import notebooks
from tests.browser import workbench

pytestmark = pytest.mark.browser

# How long a page is watched. JupyterLab's question appeared within a second where it was not turned off.
WATCHED_MS = 4000

REACH_OUT = """
import socket
with socket.socket() as probe:
    probe.setblocking(False)
    probe.connect_ex(("192.0.2.1", 9))
"""


def outside(lines):
    """Those of the lines "event host" whose host is another computer."""
    here = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "", "None", socket.gethostname()}
    return [line for line in lines if line.partition(" ")[2] not in here]


def test_no_question_is_asked_and_no_request_leaves_this_computer(server, page):
    requests = []
    page.context.on("request", lambda request: requests.append(request.url))
    page.on("websocket", lambda socket: requests.append(socket.url))
    workbench.write_notebook(server, "offline.ipynb", "")
    workbench.open_notebook(page, server, "offline.ipynb")
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    assert "42" in workbench.run_cell(page, "40 + 2")
    # The panel of extensions lists what PyPI has, where that is not turned off.
    page.evaluate("() => window.jupyterapp.shell.activateById('extensionmanager.main-view')")
    page.wait_for_timeout(WATCHED_MS)

    expect(page.locator(".Toastify__toast, .jp-Dialog")).to_have_text([])
    named = [url for url in requests if urlsplit(url).scheme in ("http", "https", "ws", "wss")]
    assert len(named) > 10
    assert not [url for url in named if urlsplit(url).netloc != urlsplit(server.address).netloc]
    connections = server.connections.read_text().splitlines()
    assert not outside(connections)

    # So would a request outside be seen: to an address that is kept for documentation, where nobody answers.
    workbench.run_cell(page, REACH_OUT)
    assert outside(server.connections.read_text().splitlines()) == ["socket.connect 192.0.2.1"]


def test_a_notebook_that_was_only_opened_and_saved_is_updated(server, page, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "IN_THE_WHEEL", tmp_path)
    (tmp_path / "notebooks").mkdir()

    def ship(words):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(words, id="first")])
        (tmp_path / "notebooks" / "98_saved.ipynb").write_text(notebooks.canonical(notebook), encoding="utf-8")

    mine = server.folder / "98_saved.ipynb"
    ship("1 + 1")
    course.lay_out(server.folder.parent)
    workbench.open_notebook(page, server, mine.name)
    page.evaluate("""async () => {
        // What a reader does by hand, and JupyterLab after two minutes: what the kernel said of itself is written, too.
        const { context } = window.jupyterapp.shell.currentWidget;
        context.model.sharedModel.setMetadata('language_info', { name: 'python', version: '3.99' });
        await context.save();
    }""")
    assert "3.99" in mine.read_text(encoding="utf-8")
    ship("2 + 2")
    assert course.lay_out(server.folder.parent).updated == ("notebooks/98_saved.ipynb",)
    assert "2 + 2" in mine.read_text(encoding="utf-8")
