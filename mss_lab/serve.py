"""`mss-lab serve`: the panel "Separate your own" as a page of its own, on this computer only.

The page is a notebook of one cell, which Voila shows without its code. Each page that is opened has a kernel of its
own, which ends when the page is closed. The server listens on 127.0.0.1 behind Jupyter's token, makes no request to
other computers, and keeps its files in a temporary folder: the reader's own settings and files of Jupyter are neither
read nor changed.

Contents: serve_command, serve_environment, write_page, add_arguments, run.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat

from . import launch, refusals, temporary

PAGE = "separate-your-own.ipynb"
CELL = "from mss_lab.widgets import own\n\nown.panel()"
# A folder with the template of the page.
JUPYTER_DATA = Path(__file__).resolve().parent / "jupyter_data"
# What Jupyter and IPython would otherwise read from and write to the reader's home.
OWN_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
# A page that was lost, not closed, leaves its kernel: it ends after this time without a connection.
IDLE_S = 600
# Less than the command line waits for an end in order, see `cli.stopping`.
STOP_TIMEOUT_S = 2


def serve_command(page: str | os.PathLike[str], port: int | None = None, *, browser: bool = True) -> list[str]:
    """The command that starts Voila.

    Parameters
    ----------
    page : path
        The notebook that is shown.
    port : int, optional
        Only this port is tried; by default 8866 or the next free one.
    browser : bool
        Whether to open the browser besides printing the address.
    """
    command = [
        *(sys.executable, "-m", "voila", str(page)),
        "--Voila.ip=127.0.0.1",
        "--Voila.auto_token=True",
        f"--Voila.root_dir={Path(page).parent}",
        f"--Voila.connection_dir_root={Path(page).parent}",
        "--VoilaConfiguration.template=mss-lab",
        f"--MappingKernelManager.cull_idle_timeout={IDLE_S}",
        "--MappingKernelManager.cull_interval=60",
    ]
    if port is not None:
        command += [f"--Voila.port={port}", "--Voila.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    return command


def serve_environment(folder: Path, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables of the server and its kernels, whose own files go into `folder`."""
    paths = [str(JUPYTER_DATA), *filter(None, [variables.get("JUPYTER_PATH")])]
    own = {name: str(folder / name.lower()) for name in OWN_FOLDERS}
    return {**launch.KERNEL_DEFAULTS, **variables, **own, "JUPYTER_PATH": os.pathsep.join(paths)}


def write_page(folder: Path) -> Path:
    """Write the notebook of the page into a folder; returns its path."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["title"] = "Separate your own"
    path = folder / PAGE
    nbformat.write(notebook, path)
    return path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab serve` to a parser."""
    parser.add_argument("--port", type=int, metavar="N", help="exactly this port (default: 8866 or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def run(options: argparse.Namespace) -> int:
    """Start the server and wait until it ends.

    Raises
    ------
    MissingExtra
        If Voila is not installed.
    RefusedValue
        If the port is none.
    """
    launch.check_port(options.port)
    refusals.require("voila", "the command serve", otherwise="open the panel in a notebook: own.panel(), in lesson 00")
    # Removed at the end, also where the command line ends the process without waiting.
    with temporary.temporary_folder(Path(tempfile.gettempdir()) / "serve") as outer:
        folder = outer / temporary.NEW
        command = serve_command(write_page(folder), options.port, browser=not options.no_browser)
        process = subprocess.Popen(command, cwd=folder, env=serve_environment(folder))
        try:
            return process.wait()
        finally:
            # Ctrl-C reaches the server by itself; other signals reach only this process.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.terminate()
                process.wait(STOP_TIMEOUT_S)
            process.kill()
