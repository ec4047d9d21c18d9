"""Results on disk: one file a notebook, written as soon as it is graded, so that a second call can go on.

A file's name is a hash of everything that decides the result: the notebook's content, the files that go with it, whose
it is by its path, the requested lesson, the limits, and the code of the workbook. Whatever changes, the notebook is
graded again; what did not change is not. A file that is damaged counts as not there.

    FOLDER/results/3f0a...json    FOLDER/pages/ada-3f0a....html    FOLDER/grades.csv    FOLDER/students.csv

Contents: open_folder, key_of, version, read, write, page_of.
"""

import dataclasses
import functools
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import files
from ..refusals import RefusedValue
from . import grades
from .plain import plain

FORMAT = 1
RESULTS, PAGES, GRADES, STUDENTS = "results", "pages", "grades.csv", "students.csv"

LARGEST_RESULT_BYTES = 20_000_000
# Enough letters that two notebooks of a class, or of all classes of a teacher, do not share them.
KEY_LETTERS = 32


def open_folder(folder: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Make a folder for results, or take one that an earlier call made.

    Raises
    ------
    FileExistsError
        If there is a file of this name, or a folder that holds something but no results, unless `force` allows it.
    OSError
        If it cannot be made or written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} must be a folder's name, got a file that exists; choose another name")
    unexpected = folder.is_dir() and not (folder / RESULTS).is_dir() and any(folder.iterdir())
    if unexpected and not force:
        raise FileExistsError(
            f"folder {folder} holds files, but no results of an earlier grading; choose another folder, "
            f"or allow writing {RESULTS}, {PAGES}, {GRADES} and {STUDENTS} into this one (--force)"
        )
    for name in (RESULTS, PAGES):
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"folder {folder / name} cannot be made ({error.strerror}); choose another --out") from error
    files.check_new_file(folder / RESULTS / "x.json", force=True)
    for name in (GRADES, STUDENTS):
        files.check_new_file(folder / name, force=True)
    return folder


def key_of(
    content: bytes, *, student: str, beside: Mapping[str, str], lesson: str | None, limits: Any, version: str
) -> str:
    """The name of a result: a hash of everything that decides it.

    Parameters
    ----------
    content : bytes
        Of the notebook's file.
    student : str
        Its student, according to its path.
    beside : dict of str -> str
        SHA-256 of the files that go with it, by name.
    lesson : str or None
        The only lesson that is graded; None for all.
    limits : dataclass
    version : str
        See `version`.
    """
    decides = {
        "format": FORMAT,
        "notebook": hashlib.sha256(content).hexdigest(),
        "student": student,
        "beside": dict(sorted(beside.items())),
        "lesson": lesson,
        "limits": dataclasses.asdict(limits),
        "version": version,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:KEY_LETTERS]


@functools.cache
def version(own_lessons: str | None = None) -> str:
    """A hash of the package's code, and of a folder of the teacher's own lessons.

    A check runs much of the package, so a change anywhere may change a verdict.
    """
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for folder in (package, *([Path(own_lessons)] if own_lessons else [])):
        for path in sorted(folder.rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def write(folder: Path, key: str, grade: grades.NotebookGrade) -> None:
    """Store a result; it is there whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    text = grade.to_json()
    stored = {"format": FORMAT, "key": key, "sha256": _checksum(key, text), "grade": text}
    with files.whole_file(folder / RESULTS / f"{key}.json") as temporary:
        temporary.write_text(json.dumps(stored, indent=1), encoding="utf-8")


def read(folder: Path, key: str) -> grades.NotebookGrade | None:
    """A stored result, or None where there is none, or it is damaged."""
    path = folder / RESULTS / f"{key}.json"
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_RESULT_BYTES:
            return None
        stored = json.loads(path.read_bytes())
        if stored["format"] != FORMAT or stored["sha256"] != _checksum(key, stored["grade"]):
            return None
        return grades.from_json(stored["grade"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, RefusedValue):
        return None


def page_of(folder: Path, key: str, student: str) -> Path:
    """Where the page of a graded notebook lies."""
    name = re.sub(r"[^0-9A-Za-z]+", "-", plain(student, 60)).strip("-").lower() or "notebook"
    return folder / PAGES / f"{name}-{key[:8]}.html"


def _checksum(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()
