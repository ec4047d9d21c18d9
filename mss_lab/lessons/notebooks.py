"""Notebooks as files and as runs: the canonical form that the repository keeps, and execution with a time limit.

A run starts a fresh kernel of the Python that is running, whatever kernel the notebook names, with this `mss_lab`, in
a folder of its own. Nothing is written beside the notebook, the reader's progress is not changed, and the reader's own
settings and history of IPython are not used.

Contents: CellError, PictureReport, Run, KernelStart; in_folder, read, canonical, execute, working_copy, end_process.
"""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..refusals import RefusedValue
from . import beside, keeper, progress

# What a notebook of the repository says about its kernel: nothing that differs from one machine to the next.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT_CELL_METADATA = ("tags",)

# How long to wait for the processes of a kernel to be gone; more than its keeper takes at most.
END_LIMIT_S = keeper.END_LIMIT_S + 2

# Runs when a kernel without a network starts. It stops what Python code does through sockets, names of hosts included;
# the kernel's own channels do not pass through Python's sockets.
NO_NETWORK = """
import socket

def _refused(*arguments, **options):
    raise OSError("this run has no network")

def _connect(self, address, _connect=socket.socket.connect):
    if self.family == getattr(socket, "AF_UNIX", None) or str(address[0]) in ("127.0.0.1", "::1", "localhost"):
        return _connect(self, address)
    _refused()

socket.socket.connect = _connect
socket.socket.connect_ex = _connect
socket.getaddrinfo = socket.gethostbyname = _refused
"""

# The type of the outputs in which a watched kernel reports on its pictures; `execute` takes them out again.
PICTURES = "application/vnd.mss-lab.pictures+json"

# Runs when a kernel starts whose pictures are watched. Its names are deleted, since a lesson's code shares them.
WATCH = f"""
from mss_lab.plots import watch
watch.install(get_ipython(), {PICTURES!r})
del watch
"""


@dataclasses.dataclass(frozen=True)
class CellError:
    """An error that stopped a cell: the cell's index in the notebook, the error's kind, and its message."""

    cell: int
    kind: str
    words: str

    def __str__(self) -> str:
        return f"cell {self.cell + 1}: {self.kind}: {self.words}"


@dataclasses.dataclass(frozen=True)
class PictureReport:
    """A picture that a reader does not see: the cell's index in the notebook, and what is wrong, in words."""

    cell: int
    words: str


@dataclasses.dataclass(frozen=True)
class Run:
    """The result of executing a notebook.

    Attributes
    ----------
    notebook : NotebookNode
        With its outputs.
    seconds : float
        From the start of the kernel to the end of the last cell.
    errors : tuple of CellError
        Cells tagged "raises-exception" are meant to stop and are left out.
    stopped_at : int or None
        The cell in which the time ran out or the kernel died, from 0; None if the end was reached.
    timed_out : bool
    pictures : tuple of PictureReport
        Where the kernel was watched: pictures that were made and not displayed, and axes that show nothing.
    """

    notebook: Any
    seconds: float
    errors: tuple[CellError, ...]
    stopped_at: int | None
    timed_out: bool
    pictures: tuple[PictureReport, ...] = ()


@dataclasses.dataclass(frozen=True)
class KernelStart:
    """Another way to start a kernel.

    Attributes
    ----------
    command : tuple of str
        What stands before the kernel's own command, and runs it.
    environment : dict of str -> str
        All its variables.
    sockets : path
        A folder that this process and the kernel share. They talk through sockets there, not through the network.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    sockets: Path


def in_folder(folder: str | os.PathLike[str]) -> list[Path]:
    """Paths of the notebooks of a folder, in order of their names.

    Raises
    ------
    RefusedValue
        If it holds none.
    """
    paths = sorted(Path(folder).glob("*.ipynb"))
    if not paths:
        raise RefusedValue(f"there is no notebook in the folder {folder}; name one")
    return paths


def read(path: str | os.PathLike[str]) -> Any:
    """Read a notebook file as a notebook of version 4.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no notebook.
    """
    nbformat = _import_nbformat()
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"notebook {path} does not exist; give the path of an .ipynb file")
    try:
        with warnings.catch_warnings():
            # `canonical` repairs missing and doubled cell ids; they are no reason to refuse a notebook.
            warnings.simplefilter("ignore")
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            nbformat.validate(notebook)
    except UnicodeDecodeError as error:
        raise RefusedValue(
            f"{path} is not a notebook, which is text; give an .ipynb file that Jupyter opens"
        ) from error
    except Exception as error:
        # nbformat raises errors of many kinds, some of its own, for files that are not what they say.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RefusedValue(f"{path} is not a notebook ({reason}); give an .ipynb file that Jupyter opens") from error
    return notebook


def canonical(notebook: Any) -> str:
    """The text of a notebook as the repository keeps it.

    Outputs, execution counts, widget states and metadata that differ between machines and editors are left out; keys
    are sorted; a cell keeps its id, and one without gets an id that follows from its content. Two texts of one lesson
    therefore differ only where the lesson does.
    """
    cells, ids = [], set()
    for cell in notebook.cells:
        source = cell.source if isinstance(cell.source, str) else "".join(cell.source)
        source = source.rstrip()
        name = cell.get("id") or hashlib.sha256(source.encode()).hexdigest()[:8]
        while name in ids:
            name = hashlib.sha256(f"{name} {source}".encode()).hexdigest()[:8]
        ids.add(name)
        metadata = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if cell.metadata.get(key)}
        kept = {
            "cell_type": cell.cell_type,
            "id": name,
            "metadata": metadata,
            "source": source.splitlines(keepends=True),
        }
        if cell.cell_type == "code":
            kept |= {"execution_count": None, "outputs": []}
        cells.append(kept)
    whole = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def execute(
    notebook: Any,
    *,
    folder: str | os.PathLike[str],
    time_limit_s: float,
    environment: Mapping[str, str] | None = None,
    network: bool = True,
    watch: bool = False,
    start: KernelStart | None = None,
    most_output_bytes: float = math.inf,
) -> Run:
    """Run every cell of a notebook in a fresh kernel, errors or not, until the end or until the time is over.

    Parameters
    ----------
    notebook : NotebookNode
        As `read` gives it; it is not changed.
    folder : path
        Where its code runs. Use `working_copy`.
    time_limit_s : float
        For the whole notebook. Its kernel is ended then, or with the last cell, and with it all that it started; only
        on systems other than Linux can a process that has lost its parent go on (see `keeper`).
    environment : dict of str -> str, optional
        Variables to add to this process's own.
    network : bool
        False refuses connections to other machines. This prevents accidents; it does not stop code that tries.
    watch : bool
        True watches the pictures that the cells make, for `outputs.problems`.
    start : KernelStart, optional
        Start the kernel in another way than as a child of this process, with its variables; `network` and `watch` then
        have no effect.
    most_output_bytes : float
        Outputs beyond this, counted over the whole notebook, are left out of it.

    Returns
    -------
    Run
    """
    notebook = _import_nbformat().from_dict(json.loads(json.dumps(notebook)))
    with tempfile.TemporaryDirectory(prefix="mss_lab-kernel-", ignore_cleanup_errors=True) as own:
        usual = _kernel_environment(Path(own), network, watch) if start is None else start.environment
        variables = {**usual, **(environment or {})}
        client = _client_of_bounded_outputs(most_output_bytes)(
            notebook,
            km=_this_python(start),
            allow_errors=True,
            shutdown_kernel="immediate",
            store_widget_state=False,
            resources={"metadata": {"path": str(folder)}},
        )
        with _running_kernel(client, variables):
            return _run_cells(client, notebook, time_limit_s)


def _import_nbformat() -> Any:
    # `jsonschema`, which checks notebooks, also loads `rfc3987_syntax` where it is installed. That module compiles a
    # grammar for more than a second, for a format of addresses that no schema of notebooks contains.
    name = "rfc3987_syntax"
    is_withheld = name not in sys.modules and "jsonschema" not in sys.modules
    if is_withheld:
        # With None in its place, an import of it raises ImportError.
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import nbformat
    finally:
        if is_withheld:
            del sys.modules[name]
    return nbformat


def _client_of_bounded_outputs(most_bytes: float) -> Any:
    from nbclient import NotebookClient

    class Client(NotebookClient):
        """A client that lets go of outputs once there are too many."""

        output_bytes = 0

        def process_message(self, message: Any, cell: Any, cell_index: int) -> Any:
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
                self.output_bytes += len(str(message["content"])) if most_bytes < math.inf else 0
                if self.output_bytes > most_bytes:
                    return None
            return super().process_message(message, cell, cell_index)

    return Client


def _run_cells(client: Any, notebook: Any, time_limit_s: float) -> Run:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    started = time.monotonic()
    errors: list[CellError] = []
    pictures: list[PictureReport] = []
    stopped_at, timed_out = None, False
    client.reset_execution_trackers()
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        left_s = time_limit_s - (time.monotonic() - started)
        if left_s <= 0:
            stopped_at, timed_out = index, True
            break
        # nbclient counts whole seconds.
        client.timeout = math.ceil(left_s)
        try:
            client.execute_cell(cell, index)
        except CellTimeoutError:
            stopped_at, timed_out = index, True
        except DeadKernelError:
            stopped_at = index
            errors.append(CellError(index, "DeadKernelError", "the kernel died; was it out of memory?"))
        except Exception as error:
            # Code in the kernel can send anything in its name, and nbclient stops in many ways at what it cannot read.
            stopped_at = index
            words = f"the kernel sent what cannot be understood ({type(error).__name__}: {error})"
            errors.append(CellError(index, "DeadKernelError", words))
        errors += _errors_of(cell, index)
        pictures += _reports_of(cell, index)
        if stopped_at is not None:
            break
    seconds = time.monotonic() - started
    return Run(notebook, seconds, tuple(errors), stopped_at, timed_out, tuple(pictures))


@contextlib.contextmanager
def _running_kernel(client: Any, variables: Mapping[str, str]) -> Iterator[None]:
    # A kernel that runs while the context does, and afterwards is gone with all it started, however the context ends.
    manager = client.km
    try:
        # nbclient closes its channels to a kernel manager that was handed to it only where it is asked to.
        with client.setup_kernel(env=variables, cleanup_kc=True):
            try:
                yield
            finally:
                end_process(getattr(manager.provisioner, "process", None))
    finally:
        # Also where the kernel did not start, or the start was interrupted.
        end_process(getattr(manager.provisioner, "process", None))


def end_process(process: subprocess.Popen[Any] | None) -> None:
    """End a process that runs below a keeper (on Linux), with all that it started; None and what has ended is fine."""
    if process is None or process.poll() is not None:
        return
    if sys.platform == "linux":
        # Its keeper ends everything below it, then itself.
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_LIMIT_S)
            return
    # Processes that have lost their parent are not found in this way.
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait(END_LIMIT_S)


@contextlib.contextmanager
def working_copy(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder that holds copies of the files and folders beside a notebook; see `beside`."""
    with tempfile.TemporaryDirectory(prefix="mss_lab-notebook-", ignore_cleanup_errors=True) as own:
        beside.copy_beside(Path(path).resolve().parent, Path(own))
        yield Path(own)


def _errors_of(cell: Any, index: int) -> list[CellError]:
    if "raises-exception" in cell.metadata.get("tags", ()):
        return []
    return [CellError(index, output.ename, output.evalue) for output in cell.outputs if output.output_type == "error"]


def _reports_of(cell: Any, index: int) -> list[PictureReport]:
    """Take the reports on pictures out of a cell's outputs."""
    reports = [output for output in cell.outputs if PICTURES in output.get("data", {})]
    cell.outputs = [output for output in cell.outputs if not any(output is report for report in reports)]
    return [PictureReport(index, words) for report in reports for words in report.data[PICTURES]["problems"]]


def _kernel_environment(own: Path, network: bool, watch: bool) -> dict[str, str]:
    variables = dict(os.environ)
    root = str(Path(__file__).resolve().parents[2])
    variables["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [variables.get("PYTHONPATH")])])
    variables["IPYTHONDIR"] = str(own / "ipython")
    variables[progress.PLACE] = str(own / "progress.json")
    startup = own / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    if not network:
        (startup / "00_no_network.py").write_text(NO_NETWORK, encoding="utf-8")
    if watch:
        (startup / "01_watch.py").write_text(WATCH, encoding="utf-8")
    return variables


def _this_python(start: KernelStart | None) -> Any:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisPython(KernelSpecManager):
        """Returns the Python that is running, whichever kernel is requested."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
            if start is not None:
                command = [*start.command, *command]
            elif sys.platform == "linux":
                command = [sys.executable, "-I", keeper.__file__, *command]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    class OpenFile(AsyncKernelManager):
        """The kernel may run as another user, who shall read what this process writes for it in their folder."""

        def write_connection_file(self, **options: Any) -> None:
            super().write_connection_file(**options)
            if start is not None:
                Path(self.connection_file).chmod(0o644)

    manager = OpenFile(kernel_spec_manager=ThisPython())
    if start is not None:
        manager.transport = "ipc"
        manager.ip = str(start.sockets / "kernel")
        manager.connection_file = str(start.sockets / "kernel.json")
    return manager
