"""Which notebooks are graded, whose they are, and what goes with them.

Paths of notebooks are taken as they are, folders are searched. What cannot be graded (a link, a pipe, a folder that
cannot be searched) is a submission too, with the reason in words: no student is forgotten, and a problem with one
submission does not stop the grading of others. Links are never followed, because a student's link can lead to the work
of another student.

Contents: Submission, find, read, take_along.
"""

import collections
import dataclasses
import hashlib
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from ..lessons import beside
from ..refusals import RefusedValue

# A saved lesson holds its sounds and pictures.
LARGEST_NOTEBOOK_BYTES = 100_000_000

# A file's name that says which lesson it is, and therefore not who wrote it.
LESSON_NAME = re.compile(r"\d\d[_ -]")


@dataclasses.dataclass(frozen=True)
class Submission:
    """One student's notebook.

    Attributes
    ----------
    notebook : str
        Its path, as given or found.
    student : str
        Who wrote it, according to the path: the name of the file, or of the folder if each student has one.
    problem : str
        Why it cannot be graded; empty where it can.
    notes : tuple of str
    """

    notebook: str
    student: str
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Candidate:
    # A path, the same resolved except for its last part, and the folder that may stand for the student.
    path: str
    real_path: Path
    folder: Path
    below: bool
    problem: str


def find(paths: Iterable[str | os.PathLike[str]]) -> list[Submission]:
    """The submissions at these paths, in the order given, and in a folder in the order of their names.

    Parameters
    ----------
    paths : iterable of path
        Notebooks and folders. Folders are searched with all that is below them; hidden files and folders and
        `__pycache__` are left out.

    Returns
    -------
    list of Submission
        One for each notebook, however often it was named, and one for each path at which there is none.
    """
    candidates: dict[Path, _Candidate] = {}
    times: collections.Counter[Path] = collections.Counter()
    for path in paths:
        for one in _at(os.fsdecode(path)):
            candidates.setdefault(one.real_path, one)
            times[one.real_path] += 1
    unique = list(candidates.values())
    in_folder = collections.Counter(one.folder for one in unique)
    called = collections.Counter(one.real_path.stem for one in unique)
    return [
        Submission(
            one.path,
            _student(one, alone=in_folder[one.folder] == 1, shared_name=called[one.real_path.stem] > 1),
            one.problem,
            (f"it was named {times[one.real_path]} times, and graded once",) if times[one.real_path] > 1 else (),
        )
        for one in unique
    ]


def read(notebook: str | os.PathLike[str]) -> bytes:
    """The content of a notebook's file, whatever it is.

    Raises
    ------
    RefusedValue
        If it is no ordinary file, or larger than 100 MB.
    OSError
        If it is not there or cannot be read.
    """
    return beside.read_file(notebook, most_bytes=LARGEST_NOTEBOOK_BYTES)


def take_along(
    notebook: str | os.PathLike[str],
    into: Path,
    *,
    for_all: Iterable[str | os.PathLike[str]] = (),
    leave_out: Collection[Path] = (),
) -> beside.Copied:
    """Copy the files that go with a notebook into a folder.

    Files beside a notebook go with it only where no other notebook lies in its folder or below: in a folder that
    several share, the student is unknown.

    Parameters
    ----------
    notebook : path
    into : path
        An empty folder.
    for_all : iterable of path
        The teacher's files, which go with every notebook. They stand in for a student's of the same name.
    leave_out : collection of Path
        Resolved paths that do not go along, such as the folder of the results.

    Raises
    ------
    RefusedValue, OSError
        If one of the teacher's files cannot be read.
    """
    notebook = Path(notebook)
    copied = beside.Copied({}, ())
    if _is_alone(notebook):
        copied = beside.copy_beside(notebook.parent, into, leave_out=leave_out)
    digests = dict(copied.digests)
    for path in for_all:
        name = Path(path).name
        # The teacher's own link may be followed.
        content = beside.read_file(Path(path).resolve(), most_bytes=beside.LARGEST_COPY_BYTES)
        if (into / name).is_dir():
            raise RefusedValue(
                f"{path} cannot go with {notebook}: there is a folder named {name} beside it; rename one"
            )
        (into / name).write_bytes(content)
        digests[name] = hashlib.sha256(content).hexdigest()
    return beside.Copied(digests, copied.notes)


def _at(path: str) -> list[_Candidate]:
    # "class/eve/" would follow a link that "class/eve" shows.
    target = Path(path)
    try:
        kind = beside.kind_of(target.lstat())
    except (OSError, ValueError) as error:
        return [_problem(target, _words(error))]
    if kind == beside.FOLDER:
        return _search(target)
    return [_problem(target, _not_a_file(target, kind) if kind != beside.FILE else "")]


def _search(root: Path) -> list[_Candidate]:
    candidates: list[_Candidate] = []
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(folder.iterdir(), key=os.fsencode)
        except OSError as error:
            candidates.append(_problem(folder, f"the folder cannot be searched ({_words(error)})", root))
            continue
        for entry in entries:
            if beside.is_left_out(entry.name):
                continue
            try:
                kind = beside.kind_of(entry.lstat())
            except OSError as error:
                candidates.append(_problem(entry, _words(error), root))
                continue
            if kind == beside.FOLDER:
                waiting.append(entry)
            elif beside.is_notebook(entry.name):
                candidates.append(_problem(entry, _not_a_file(entry, kind) if kind != beside.FILE else "", root))
            elif kind == beside.LINK and _leads_to_folder(entry):
                candidates.append(_problem(entry, _not_a_file(entry, kind), root))
    # Folders were entered in another order than their names'.
    candidates.sort(key=lambda one: os.fsencode(one.path))
    return candidates or [_problem(root, "the folder holds no notebook")]


def _problem(path: Path, problem: str, root: Path | None = None) -> _Candidate:
    # Only the folders above are resolved: what a link leads to is another's place.
    real_path = _resolved(path.parent) / path.name if path.name not in ("", "..") else _resolved(path)
    folder, below = real_path.parent, False
    if root is not None and path != root:
        parts = path.relative_to(root).parts
        below = len(parts) > 1
        folder = _resolved(root) / parts[0] if below else _resolved(root)
    return _Candidate(str(path), real_path, folder, below, problem)


def _student(candidate: _Candidate, *, alone: bool, shared_name: bool) -> str:
    # Where each student has a folder, the folders' names distinguish them.
    stem = candidate.real_path.stem if beside.is_notebook(candidate.real_path.name) else candidate.real_path.name
    by_folder = LESSON_NAME.match(stem) or (alone and (candidate.below or shared_name))
    return (candidate.folder.name if by_folder else "") or stem


def _is_alone(notebook: Path) -> bool:
    """Whether no other notebook lies in the folder of this one, or below; False where there is too much to look at."""
    looked_at = 0
    waiting = [notebook.parent]
    while waiting:
        try:
            entries = list(waiting.pop().iterdir())
        except OSError:
            # What cannot be looked into does not go along either.
            continue
        looked_at += len(entries)
        if looked_at > beside.MOST_LOOKED_AT:
            return False
        for entry in entries:
            if beside.is_left_out(entry.name):
                continue
            if not entry.is_symlink() and entry.is_dir():
                waiting.append(entry)
            elif beside.is_notebook(entry.name) and entry != notebook:
                return False
    return True


def _not_a_file(path: Path, kind: str) -> str:
    if kind != beside.LINK:
        return f"a notebook must be an ordinary file, got {kind}; give the file itself"
    try:
        target = f"to {path.readlink()}"
    except OSError:
        target = ""
    return f"a notebook must be an ordinary file, got a link {target}; links are not followed, give the file itself"


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        # Links that lead to themselves (a RuntimeError up to Python 3.12), and names that no file can have.
        return path.absolute()


def _leads_to_folder(link: Path) -> bool:
    try:
        return link.is_dir()
    except OSError:
        return False


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; give the path of a notebook (.ipynb) or of a folder"
    return getattr(error, "strerror", None) or str(error)
