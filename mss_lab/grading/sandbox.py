"""Where a student's notebook runs: out of reach of the teacher's files, variables, network and other submissions.

On Linux the kernel of a notebook runs in namespaces of its own (see `box`): it sees Python and its packages, the
workbook's package and data, read-only, and a folder in memory with the files that came with its notebook. It has no
network, sees no process but its own, and holds no rights. It may hold so much memory, so many processes, and write so
many bytes. The shipped lessons' checks and solutions are not there; what stands in their place knows the tasks only.

Where a system has no namespaces, or does not allow them, the limits and the clean environment still hold, but the
notebook can read and write what its user can; connections are refused to Python's sockets only. `weakness` says so.

Contents: Limits, weakness, launch.
"""

import contextlib
import dataclasses
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .. import checks, shipped
from ..lessons import keeper, lesson_files, notebooks
from . import box

# What programs need of /etc: libraries, names of users, fonts, the time zone.
CONFIGURATION = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "passwd", "group", "nsswitch.conf", "localtime", "fonts",
    "alternatives", "mime.types", "os-release",
)  # fmt: skip
PROGRAMS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
# The sockets between the kernel and the grader; nothing else belongs there.
SHARED_BYTES = 20_000_000
HOME = "/tmp/home"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one notebook may take.

    Attributes
    ----------
    seconds : float > 0
        From the start of its kernel to the end of its last cell.
    memory_bytes : int > 0
        Of all its processes together.
    processes : int > 0
        At one time; its kernel is one, and two more look after it.
    file_bytes : int > 0
        Of all files that it writes.
    """

    seconds: float = 300.0
    memory_bytes: int = 3_000_000_000
    processes: int = 50
    file_bytes: int = 500_000_000

    def __post_init__(self) -> None:
        checks.check_number("seconds", self.seconds, above=0, unit="seconds")
        for name in ("memory_bytes", "processes", "file_bytes"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)


@dataclasses.dataclass(frozen=True)
class Launch:
    """How `notebooks.execute` starts a kernel in the box.

    Attributes
    ----------
    command : tuple of str
        What stands before the kernel's own command.
    environment : dict of str -> str
        All variables that the kernel gets.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    ended: Path

    def reason(self) -> str:
        """Why the box ended its program, or an empty text where it did not."""
        return self.ended.read_text(encoding="utf-8") if self.ended.exists() else ""


@functools.cache
def weakness() -> str:
    """What does not hold on this system, as a sentence; empty where everything does."""
    if sys.platform != "linux":
        return f"a notebook is held by a time limit only, since {sys.platform} has no namespaces"
    with tempfile.TemporaryDirectory(prefix="mss_lab-box-") as own:
        folders = [Path(own) / name for name in ("files", "shared")]
        for folder in folders:
            folder.mkdir()
        with launch(folders[0], folders[1], Limits(), own=Path(own), namespaces=True) as started:
            tried = subprocess.run(
                [*started.command, sys.executable, "-c", "import numpy"], capture_output=True, env=started.environment
            )
            if tried.returncode == 0:
                return ""
            words = tried.stderr.decode(errors="replace").strip().splitlines()
            reason = started.reason() or (words[-1] if words else f"exit code {tried.returncode}")
    return (
        "a notebook can read and write what its user can, and reach the network through other programs than Python, "
        f"since this system allows no namespaces ({reason})"
    )


@contextlib.contextmanager
def launch(
    files: Path,
    shared: Path,
    limits: Limits,
    *,
    own: Path,
    lessons: Path | None = None,
    readable: Iterable[str | os.PathLike[str]] = (),
    variables: dict[str, str] | None = None,
    namespaces: bool | None = None,
) -> Iterator[Launch]:
    """Prepare a box; it is gone with the context.

    Parameters
    ----------
    files : path
        A folder whose files stand where the program starts.
    shared : path
        A folder in which grader and program both write; for sockets.
    limits : Limits
    own : path
        A folder for the box itself.
    lessons : path, optional
        Lessons that stand in for the workbook's own, whose files are not there.
    readable : iterable of path
        Further files and folders that can be read, at the same place.
    variables : dict of str -> str, optional
        To add to the environment.
    namespaces : bool, optional
        Whether to use them; by default, where the system allows it.

    Yields
    ------
    Launch
    """
    strong = (not weakness()) if namespaces is None else namespaces
    root = own / "root"
    root.mkdir(exist_ok=True)
    home = HOME if strong else str(own / "home")
    environment = _environment(home, lessons) | dict(variables or {})
    settings = {
        **_folders(files, shared, home, lessons, readable),
        "namespaces": strong,
        "root": str(root),
        "work": "/tmp/work" if strong else str(files),
        "environment": environment,
        "memory_bytes": limits.memory_bytes,
        "processes": limits.processes,
        "file_bytes": limits.file_bytes,
    }
    if strong:
        # Root runs the program as nobody, who shall read the files and write sockets. The folder above is the grader's.
        shared.chmod(0o777)
    else:
        Path(home).mkdir(exist_ok=True)
    path = own / "box.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    yield Launch(_command(path), environment, own / "ended")


def _command(settings: Path) -> tuple[str, ...]:
    # On other systems the kernel starts as it is: keeper and box use services that only Linux offers.
    if sys.platform != "linux":
        return ()
    python = (sys.executable, "-I", "-S")
    return (*python, keeper.__file__, *python, box.__file__, str(settings))


def _folders(
    files: Path, shared: Path, home: str, lessons: Path | None, readable: Iterable[str | os.PathLike[str]]
) -> dict[str, Any]:
    """Which folders the box shows, hides and makes."""
    return {
        "readable": [str(path) for path in (*_needed(), *([lessons] if lessons else []), *readable)],
        "emptied": [str(lesson_files.CONTENT_FOLDER)] if lessons else [],
        "shared": str(shared),
        "shared_bytes": SHARED_BYTES,
        "files": str(files),
        "folders": [home, "/tmp/matplotlib", "/var/tmp"],
    }


def _environment(home: str, lessons: Path | None) -> dict[str, str]:
    # Nothing of the teacher's: each variable is named here.
    made = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": home,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_package().parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "IPYTHONDIR": f"{home}/ipython",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
        "MSS_LAB_PROGRESS": f"{home}/progress.json",
        shipped.DATA_VARIABLE: str(shipped.data_folder().absolute()),
    }
    return made | ({"MSS_LAB_LESSONS": str(lessons)} if lessons else {})


def _needed() -> list[Path]:
    # Python, its packages, and the libraries below them; the workbook's package and data.
    package = _package()
    interpreter = {Path(prefix) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    packages = {Path(path) for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
    # Folders before what lies in them, so that what is bound already is not bound again.
    wanted = sorted({*interpreter, *packages, package, shipped.data_folder().absolute()})
    wanted += [path.resolve() for path in wanted]
    return [
        *(Path("/") / name for name in PROGRAMS),
        *(Path("/etc") / name for name in CONFIGURATION),
        *dict.fromkeys(wanted),
    ]


def _package() -> Path:
    return Path(notebooks.__file__).resolve().parents[1]
