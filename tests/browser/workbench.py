"""A JupyterLab of its own and a Chromium that opens notebooks in it: for tests and for the README's pictures.

The server is started as `mss-lab lab` starts it. Nothing of the user's Jupyter is read or written: configuration, data
and runtime live in a temporary folder, and the server listens on 127.0.0.1 with a token of its own. The kernel is the
Python that runs this file. What the server and its kernels look up and connect to is written into a file.

Contents: Server, jupyterlab, chromium, launched, open_page, write_notebook, open_notebook, run_all, run_cell,
eventually, rendered, free_port, find_chromium.
"""

import base64
import contextlib
import dataclasses
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np

from mss_lab import launch

START_TIMEOUT_S = 60
# Two tests may share two cores with the rest of the suite.
WAIT_MS = 90_000
# What would otherwise be read from or written to the user's home.
OWN_PLACES = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MSS_LAB_PROGRESS")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


# Python runs this when it starts, in the server and in every kernel.
WRITE_CONNECTIONS = """
import os, sys

_file = os.open(os.environ["TEST_CONNECTIONS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def _hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        os.write(_file, f"{event} {arguments[0]}\\n".encode())
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        os.write(_file, f"{event} {arguments[1][0]}\\n".encode())

sys.addaudithook(_hook)
"""


@dataclasses.dataclass(frozen=True)
class Server:
    """A running JupyterLab.

    Attributes
    ----------
    address, token : str
        Where it listens, and the token that it asks for.
    folder : path
        Its notebooks lie there.
    connections : path
        A file with a line for each name that the server or a kernel looked up, and each connection that they made.
    """

    address: str
    token: str
    folder: Path
    connections: Path


def find_chromium() -> str:
    """Path of a Chromium: MSS_LAB_CHROMIUM, or one on the PATH; raises RuntimeError that says what to install."""
    found = os.environ.get("MSS_LAB_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not found or not Path(found).is_file():
        raise RuntimeError(
            "the browser tests need Chromium: install it (Debian and Ubuntu: apt install chromium) "
            "or name its program in MSS_LAB_CHROMIUM"
        )
    return found


@contextlib.contextmanager
def jupyterlab(folder: Path) -> Iterator[Server]:
    """Run JupyterLab on a free port for the notebooks in `folder`/notebooks, which is made; stops it afterwards."""
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True, exist_ok=True)
    token, port = secrets.token_hex(16), free_port()
    own = {name: str(folder / name.lower()) for name in OWN_PLACES}
    connections = folder / "connections"
    connections.touch()
    (folder / "python").mkdir()
    (folder / "python" / "sitecustomize.py").write_text(WRITE_CONNECTIONS)
    path = os.pathsep.join([str(folder / "python"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {
        **launch.server_environment(),
        **own,
        "JUPYTER_TOKEN": token,
        "PYTHONPATH": path,
        "TEST_CONNECTIONS": str(connections),
    }
    command = [*launch.server_command(notebooks, port, browser=False), "--expose-app-in-browser"]
    log = folder / "jupyterlab.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, cwd=notebooks, stdout=output, stderr=subprocess.STDOUT)
        try:
            server = Server(f"http://127.0.0.1:{port}", token, notebooks, connections)
            _wait_until_it_answers(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def chromium() -> Iterator:
    """A playwright browser on the installed Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, launched(playwright.chromium) as browser:
        yield browser


@contextlib.contextmanager
def launched(kind, *options: str) -> Iterator:
    """A browser of playwright's browser type `kind`, with further options of Chromium's command line."""
    browser = kind.launch(executable_path=find_chromium(), args=[*CHROMIUM_OPTIONS, *options])
    try:
        yield browser
    finally:
        browser.close()


def open_page(browser, *, width: int = 1280, height: int = 1000, scale: float = 1.0):
    """A fresh page (own cookies, own storage) whose errors are kept in `page.mss_errors`."""
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.mss_errors = []
    page.on("pageerror", lambda error: page.mss_errors.append(str(error)))
    return page


def write_notebook(server: Server, name: str, *cells: str) -> None:
    """Put a notebook of code cells into the server's folder."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, server.folder / name)


def open_notebook(page, server: Server, name: str) -> None:
    """Open a notebook of the server's folder and wait until its kernel is at rest."""
    page.goto(f"{server.address}/lab/tree/{name}?reset&token={server.token}")
    page.wait_for_function(
        """() => {
            const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
            return session?.kernel?.connectionStatus === 'connected' && session.kernel.status === 'idle';
        }"""
    )


def run_all(page, awaited: str) -> None:
    """Run all cells, wait for the element `awaited` (a CSS selector) and until the last cell has ended."""
    # Not awaited: the command's own promise was seen to stall.
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_selector(awaited, state="attached")
    _wait_until_idle(page)


def start_cell(page, code: str) -> None:
    """Put `code` in a new last cell and start it, without waiting for its end."""
    page.evaluate(
        """async (code) => {
            const { content } = window.jupyterapp.shell.currentWidget;
            content.activeCellIndex = content.widgets.length - 1;
            await window.jupyterapp.commands.execute('notebook:insert-cell-below');
            content.activeCell.model.sharedModel.setSource(code);
            window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        code,
    )


def run_cell(page, code: str) -> str:
    """Put `code` in a new last cell, run it, and return the text of its output."""
    start_cell(page, code)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.at(-1).model.executionCount !== null"
    )
    _wait_until_idle(page)
    return page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.at(-1).outputArea.node.innerText")


def eventually(page, check: Callable[[], None]) -> None:
    """Wait until `check` raises no AssertionError: a page draws in its next frame, and Python answers beside it."""
    until = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < until:
        with contextlib.suppress(AssertionError):
            return check()
        page.wait_for_timeout(100)
    return check()


def rendered(player, state: dict | None = None, **options) -> np.ndarray:
    """What a player on the page would sound like, rendered by its own audio graph, float32 (channels, samples).

    `state` has changes of the reader's settings, and `options` are those of the player's `renderOffline`.
    """
    channels = player.evaluate(
        """async (root, [state, options]) => {
            const channels = await root.mssPlayer.renderOffline(state, options);
            // As text of bytes: numbers one by one would take seconds.
            const encode = (samples) => new Promise((done) => {
                const reader = new FileReader();
                reader.onload = () => done(reader.result.split(",")[1]);
                reader.readAsDataURL(new Blob([samples]));
            });
            return Promise.all(channels.map(encode));
        }""",
        [state or {}, options],
    )
    return np.stack([np.frombuffer(base64.b64decode(channel), "<f4") for channel in channels])


def _wait_until_idle(page) -> None:
    page.wait_for_function(
        """() => {
            const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
            const running = content.widgets.some((cell) => cell.model.type === 'code'
                && cell.model.sharedModel.getSource().trim() && cell.model.executionCount === null);
            return !running && sessionContext.session.kernel.status === 'idle';
        }"""
    )


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_it_answers(server: Server, process: subprocess.Popen, log: Path) -> None:
    # A proxy of the surroundings must not stand between us and ourselves.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(urllib.error.URLError, OSError):
            opener.open(f"{server.address}/api?token={server.token}", timeout=5).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start on {server.address}:\n{log.read_text()[-2000:]}")
