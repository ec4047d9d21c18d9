"""Grade a class: each notebook in a process of its own, several at a time, and every result kept as it comes.

A process that is killed, stops with an error, or takes too long costs the grade of its notebook only. Whatever was
judged up to then counts. When the caller stops, by Ctrl-C or otherwise, the processes are ended with all they started.

Contents: Settings, Graded, grade_class.
"""

import contextlib
import dataclasses
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Generator, Sequence
from pathlib import Path

from .. import checks
from ..lessons import beside, keeper, lesson_files, notebooks
from ..temporary import undisturbed
from . import grades, one, results, sandbox, stubs, submissions
from .grades import NotebookGrade
from .plain import plain
from .submissions import Submission

LOOK_S = 0.05
# What a process may take beyond its notebook's time: its own start, that of the kernel, the last check, the page.
MORE_TIME_S = 180.0
# Letters that the path of the temporary folder may have.
LONGEST_PATH = 64


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a class is graded.

    Attributes
    ----------
    limits : sandbox.Limits
        Of each notebook.
    jobs : int > 0
        Notebooks that run at one time.
    lesson : str
        The only lesson that counts, such as "03"; empty for all.
    for_all : tuple of path
        Files that go with every notebook.
    leave_out : tuple of Path
        Resolved paths that go with none.
    again : bool
        Whether to grade what an earlier call has graded.
    """

    limits: sandbox.Limits = dataclasses.field(default_factory=sandbox.Limits)
    jobs: int = 1
    lesson: str = ""
    for_all: tuple[str, ...] = ()
    leave_out: Collection[Path] = ()
    again: bool = False

    def __post_init__(self) -> None:
        checks.check_number("jobs", self.jobs, at_least=1, whole=True)


@dataclasses.dataclass(frozen=True)
class Graded:
    """A notebook's grade, its index among the submissions, and whether the grade is of an earlier call."""

    index: int
    grade: NotebookGrade
    reused: bool


@dataclasses.dataclass
class _Running:
    index: int
    submission: Submission
    notes: tuple[str, ...]
    key: str
    own: Path
    process: subprocess.Popen[bytes]
    until: float


def grade_class(
    submissions_in_order: Sequence[Submission], settings: Settings, folder: Path | None = None
) -> Generator[Graded, None, None]:
    """Grade submissions, and yield each grade as it comes.

    Parameters
    ----------
    submissions_in_order : sequence of Submission
    settings : Settings
    folder : path, optional
        Where results are stored, and searched; see `results.open_folder`.
    """
    waiting = list(enumerate(submissions_in_order))[::-1]
    running: list[_Running] = []
    lessons = _new_folder()
    try:
        pieces = stubs.write(lessons)
        while waiting or running:
            while waiting and len(running) < settings.jobs:
                index, submission = waiting.pop()
                done = _begin(index, submission, settings, folder, (lessons, pieces), running)
                if done is not None:
                    yield done
            ended = [job for job in running if job.process.poll() is not None or time.monotonic() > job.until]
            for job in ended:
                grade = _finish(job, folder)
                running.remove(job)
                yield Graded(job.index, grade, False)
            if not ended:
                time.sleep(LOOK_S)
    finally:
        with undisturbed():
            if sys.platform == "linux":
                # All keepers are asked first, so that they end at the same time.
                for job in running:
                    job.process.terminate()
            for job in running:
                notebooks.end_process(job.process)
                _remove(job.own)
            _remove(lessons)


def _begin(
    index: int,
    submission: Submission,
    settings: Settings,
    folder: Path | None,
    lessons: tuple[Path, Sequence[Path]],
    running: list[_Running],
) -> Graded | None:
    """Start the process that grades a notebook; if none is needed, return its grade."""
    if submission.problem:
        return Graded(index, _failed(submission, submission.problem), False)
    own = _new_folder()
    started = False
    try:
        content, copied = _gathered(submission, settings, own)
        notes = (*submission.notes, *copied.notes)
        key = _key(content, copied, submission, settings)
        kept = results.read(folder, key) if folder is not None and not settings.again else None
        if kept is not None:
            return Graded(index, _named(kept, submission, notes), True)
        page = str(results.page_of(folder, key, submission.student).absolute()) if folder is not None else ""
        job = _job(submission, settings, own, page, lessons)
        (own / "job.json").write_text(job.to_json(), encoding="utf-8")
        until = time.monotonic() + settings.limits.seconds + MORE_TIME_S
        # Without this, a signal after the start of the process, but before it is in the list, would leave it running.
        with undisturbed():
            running.append(_Running(index, submission, notes, key, own, _start(own), until))
            started = True
        return None
    except (OSError, ValueError) as error:
        return Graded(index, _failed(submission, getattr(error, "strerror", None) or str(error)), False)
    except Exception as error:
        # An error of the grader that one student's files cause must not cost the other students their grades.
        return Graded(index, _failed(submission, f"it could not be graded ({type(error).__name__}: {error})"), False)
    finally:
        if not started:
            _remove(own)


def _gathered(submission: Submission, settings: Settings, own: Path) -> tuple[bytes, beside.Copied]:
    """The notebook's content, copied into `own` with the files that go with it."""
    content = submissions.read(submission.notebook)
    (own / "notebook.ipynb").write_bytes(content)
    (own / "files").mkdir()
    copied = submissions.take_along(
        submission.notebook, own / "files", for_all=settings.for_all, leave_out=settings.leave_out
    )
    return content, copied


def _key(content: bytes, copied: beside.Copied, submission: Submission, settings: Settings) -> str:
    return results.key_of(
        content,
        student=submission.student,
        beside=copied.digests,
        lesson=settings.lesson or None,
        limits=settings.limits,
        version=results.version(os.environ.get(lesson_files.OWN_LESSONS)),
    )


def _job(
    submission: Submission, settings: Settings, own: Path, page: str, lessons: tuple[Path, Sequence[Path]]
) -> one.Job:
    return one.Job(
        notebook=str(own / "notebook.ipynb"),
        name=submission.notebook,
        student=submission.student,
        files=str(own / "files"),
        folder=str(own),
        lesson=settings.lesson,
        secret=secrets.randbits(63),
        limits=settings.limits,
        page=page,
        stubs=str(lessons[0]),
        pieces=tuple(map(str, lessons[1])),
    )


def _start(own: Path) -> subprocess.Popen[bytes]:
    # A student's files lie where the notebook runs, and none of them shall be imported here: -P.
    command = [sys.executable, "-P", "-m", one.__name__, str(own / "job.json")]
    if sys.platform == "linux":
        command = [sys.executable, "-I", keeper.__file__, *command]
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path}
    # What a process that is ended leaves lies here, and goes with this folder.
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(own))
    with (own / "log").open("wb") as log:
        # A session of its own: Ctrl-C is this process's to answer.
        return subprocess.Popen(
            command,
            cwd=own,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _finish(job: _Running, folder: Path | None) -> NotebookGrade:
    late = job.process.poll() is None
    notebooks.end_process(job.process)
    try:
        text = beside.read_file(job.own / "grade.json", most_bytes=results.LARGEST_RESULT_BYTES)
        grade = grades.from_json(text.decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        why = "it took too long" if late else f"exit code {job.process.returncode}"
        grade = _failed(job.submission, f"the grading of this notebook stopped ({why}{_last_words(job.own)})")
    if folder is not None and job.process.returncode == 0 and not late:
        try:
            results.write(folder, job.key, grade)
        except OSError as error:
            grade = dataclasses.replace(grade, notes=(*grade.notes, f"its result could not be kept ({error})"))
    _remove(job.own)
    return _named(grade, job.submission, job.notes)


def _failed(submission: Submission, problem: str) -> NotebookGrade:
    return NotebookGrade(submission.notebook, submission.student, problem=problem, notes=submission.notes)


def _named(grade: NotebookGrade, submission: Submission, notes: tuple[str, ...]) -> NotebookGrade:
    # A kept result may be of a folder that has moved; what was left out is said anew.
    return dataclasses.replace(grade, notebook=submission.notebook, notes=(*grade.notes, *notes))


def _last_words(own: Path) -> str:
    with contextlib.suppress(OSError):
        lines = (own / "log").read_bytes()[-2000:].decode("utf-8", "replace").strip().splitlines()
        return f", {plain(lines[-1], 200)}" if lines else ""
    return ""


def _new_folder() -> Path:
    # Sockets lie in it, and a socket's path has at most about a hundred letters.
    usual = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="mss-", dir=usual if len(usual) <= LONGEST_PATH else "/tmp"))


def _remove(own: Path) -> None:
    # Without a box a notebook can leave anything here, such as folders deeper than Python can follow.
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(own)
