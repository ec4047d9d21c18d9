"""Open JupyterLab at the first lesson: on this computer only, with Jupyter's token, and without network requests.

Contents: FIRST_LESSON, OFFLINE, JUPYTER_CONFIG, KERNEL_DEFAULTS, server_command, check_port, server_environment,
course_to_open, add_arguments, run.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from . import course, shipped
from .refusals import RefusedValue

FIRST_LESSON = "notebooks/00_unmix_in_five_minutes.ipynb"

# JupyterLab would fetch its news, look for a newer version of itself, and list the extensions on PyPI. These options
# apply only to this server; the reader's own settings of JupyterLab are not changed.
OFFLINE = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)
# A folder with another default for one setting of JupyterLab: it then shows no question about fetching news.
JUPYTER_CONFIG = Path(__file__).resolve().parent / "jupyter_config"

# Variables of all kernels, where the reader has not set them. With several threads, OpenBLAS keeps all processors busy
# while it waits: beside a program that needs one of two processors, such as the browser, NMF takes four times as long
# as with one thread. With both processors free, two threads save about a tenth of the time at most.
KERNEL_DEFAULTS = {"OPENBLAS_NUM_THREADS": "1"}


def server_command(root: str | os.PathLike[str], port: int | None = None, *, browser: bool = True) -> list[str]:
    """The command that starts JupyterLab.

    Parameters
    ----------
    root : path
        The folder that JupyterLab shows; it contains `notebooks`.
    port : int, optional
        Only this port is tried; by default 8888 or the next free one.
    browser : bool
        Whether to open the browser besides printing the address.
    """
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}",
        *OFFLINE,
    ]
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Containers often have no other user than root, and Jupyter starts as root only with this option.
        command.append("--allow-root")
    return command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab lab` to a parser."""
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="lay the notebooks out here, or update those here that you have not changed, and open them "
        "(default: the notebooks of the repository, or of the folder you are in)",
    )
    parser.add_argument("--port", type=int, metavar="N", help="exactly this port (default: 8888 or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--no-server", action="store_true", help="only lay the notebooks out")
    parser.add_argument(
        "--no-solutions",
        action="store_true",
        help="withhold the solutions of exercises (their texts stay in the files)",
    )


def check_port(port: int | None) -> None:
    """Refuse a number that is no port; None is accepted."""
    if port is not None and not 1 <= port <= 65_535:
        raise RefusedValue(f"port must be a whole number from 1 to 65535, got {port}")


def server_environment(*, solutions: bool = True) -> dict[str, str]:
    """The environment variables of the server and its notebooks; without solutions `lab.solution` shows none."""
    from .lessons.lab import SOLUTIONS

    # These folders take precedence over those of the reader, which Jupyter also reads.
    folders = [str(JUPYTER_CONFIG), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    variables = {**KERNEL_DEFAULTS, **os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(folders)}
    return variables if solutions else {**variables, SOLUTIONS: "withheld"}


def course_to_open(folder: str | None) -> Path:
    """The folder with the notebooks to open. They are first laid out or updated there, and the changes are printed.

    Parameters
    ----------
    folder : str or None
        None means the repository of a checkout, or the working folder if the course was laid out in it before.

    Raises
    ------
    RefusedValue
        If there is no folder to open.
    RefusedValue, OSError
        In the cases of `course.lay_out`.
    """
    if folder is None:
        if shipped.is_checkout():
            return shipped.course_folder()
        if not course.is_laid_out("."):
            raise RefusedValue(
                "lab needs a folder for your copy of the notebooks, got none; name one, which is made if necessary: "
                "mss-lab lab my-course"
            )
        folder = "."
    if not folder.strip():
        raise RefusedValue("FOLDER must be the name of a folder, got an empty text; for example: mss-lab lab my-course")
    root = Path(folder).absolute()
    if root.is_dir() and root.samefile(shipped.course_folder()):
        return root
    for line in _in_words(course.lay_out(root)):
        print(line)
    return root


def run(options: argparse.Namespace) -> int:
    """Lay the notebooks out if that is requested, then start the server and wait until it ends."""
    check_port(options.port)
    root = course_to_open(options.folder)
    if not (root / FIRST_LESSON).is_file():
        raise FileNotFoundError(f"{root / FIRST_LESSON} is missing; {shipped.remedy(root / FIRST_LESSON)}")
    if options.no_server:
        return 0
    return subprocess.call(
        server_command(root, options.port, browser=not options.no_browser),
        cwd=root,
        env=server_environment(solutions=not options.no_solutions),
    )


def _in_words(laid: course.Laid) -> list[str]:
    lines = [
        f"{len(names)} notebooks {change}" if len(names) > 1 else f"{names[0]} {change}"
        for names, change in ((laid.added, "laid out"), (laid.updated, "updated"))
        if names
    ]
    for name in laid.kept:
        if name in laid.beside:
            lines.append(f"{name} is yours and was kept; the new version is {laid.beside[name]}")
    unchanged_count = len(laid.kept) - len(laid.beside)
    if unchanged_count:
        lines.append(
            f"{unchanged_count} {'notebook' if unchanged_count == 1 else 'notebooks'} with your changes or outputs kept"
        )
    return lines or ["all notebooks are up to date"]
