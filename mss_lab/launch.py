"""Open JupyterLab at the first lesson: on this computer only, with Jupyter's token.

Contents: FIRST_LESSON, server_command, server_environment, add_arguments, run.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from .refusals import RefusedValue

FIRST_LESSON = "notebooks/00_unmix_in_five_minutes.ipynb"
ROOT = Path(__file__).resolve().parent.parent


def server_command(port: int | None = None, *, browser: bool = True) -> list[str]:
    """The command that starts JupyterLab.

    Parameters
    ----------
    port : int, optional
        Exactly this one, or an error; without it, 8888 or the next that is free.
    browser : bool
        Whether to open the browser, beside printing the address.
    """
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Containers often have no other user, and Jupyter refuses to start there unless told.
        command.append("--allow-root")
    return command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `mss-lab lab`."""
    parser.add_argument("--port", type=int, metavar="N", help="exactly this port (default: 8888 or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--no-solutions",
        action="store_true",
        help="withhold the solutions of exercises (their texts stay in the files)",
    )


def server_environment(*, solutions: bool = True) -> dict[str, str]:
    """The environment variables of the server and its notebooks; without solutions `lab.solution` shows none."""
    from .lessons.lab import SOLUTIONS

    return dict(os.environ) if solutions else {**os.environ, SOLUTIONS: "withheld"}


def run(options: argparse.Namespace) -> int:
    """Start the server and stay until it ends."""
    if not (ROOT / FIRST_LESSON).is_file():
        raise FileNotFoundError(
            f"{ROOT / FIRST_LESSON} is missing; the notebooks live in the project's folder: clone it, and install it "
            "from there with `pip install -e .`"
        )
    if options.port is not None and not 1 <= options.port <= 65_535:
        raise RefusedValue(f"port must be a whole number from 1 to 65535, got {options.port}")
    return subprocess.call(
        server_command(options.port, browser=not options.no_browser),
        cwd=ROOT,
        env=server_environment(solutions=not options.no_solutions),
    )
