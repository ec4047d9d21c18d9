"""A reader's own copy of the course: notebooks laid out in a folder, and brought up to date after an upgrade.

The notebooks go into `FOLDER/notebooks`; everything else that a lesson needs comes with the package. The record
`FOLDER/.mss_lab/course.json` holds the SHA-256 of each notebook as it was last laid out. It tells later whether a
notebook is still as it came:

- A notebook that is missing is laid out, also after the reader deleted it.
- One that is still as it came is replaced by the new version. One that was opened and saved without outputs counts as
  unchanged, since JupyterLab rewrites such a file without being asked.
- One that the reader changed, or ran and saved with its outputs, is never touched. When a new version of it ships, that
  version is laid out once beside it, as `NAME.new.ipynb`, or `NAME.new-2.ipynb` where that is the reader's by now.

Nothing else in the folder is read, changed or deleted. Each file appears whole or not at all.

Contents: RECORD, NOTEBOOKS, Laid, is_laid_out, lay_out.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from . import __version__, files, shipped
from .refusals import RefusedValue

NOTEBOOKS = "notebooks"
LESSONS = "[0-9][0-9]_*.ipynb"
RECORD = ".mss_lab/course.json"


@dataclasses.dataclass(frozen=True)
class Laid:
    """What was done to a folder. All names are relative to it.

    Attributes
    ----------
    added, updated : tuple of str
        Notebooks that are new in the folder, and those that were replaced by their new version.
    kept : tuple of str
        Notebooks of the reader's that differ from what ships, and were left as they are.
    beside : dict of str -> str
        Of those, the ones whose new version was laid out now, with the name of that new version.
    """

    added: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]
    beside: dict[str, str]


def is_laid_out(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder has a record, which means that a course was laid out there."""
    return (Path(folder) / RECORD).is_file()


def lay_out(folder: str | os.PathLike[str]) -> Laid:
    """Lay the notebooks out in a folder, or update those there that the reader has not changed.

    Parameters
    ----------
    folder : path
        It is made if it does not exist.

    Raises
    ------
    RefusedValue
        If a file stands where a folder must be, or the record is damaged.
    OSError
        If the folder cannot be made or written. What was written before that is complete.
    """
    folder = Path(folder)
    for place in (folder, folder / NOTEBOOKS, (folder / RECORD).parent):
        if os.path.lexists(place) and not place.is_dir():
            raise RefusedValue(f"{place} must be a folder, got something else of this name; choose another FOLDER")
    checksums = _read_record(folder / RECORD)
    before = dict(checksums)
    added: list[str] = []
    updated: list[str] = []
    kept: list[str] = []
    beside: dict[str, str] = {}
    try:
        for name, content in _shipped_notebooks():
            new, path = _sha256(content), folder / name
            if not os.path.lexists(path):
                _write(path, content, force=False)
                added.append(name)
            elif _is(path, new):
                pass
            elif _is(path, checksums.get(name)):
                _write(path, content, force=True)
                updated.append(name)
            else:
                kept.append(name)
                # Without an entry the reader had a file of this name before the course came.
                if checksums.get(name) != new:
                    beside[name] = _lay_beside(folder, name, content, checksums)
            checksums[name] = new
    finally:
        if checksums != before:
            _write_record(folder / RECORD, checksums)
    return Laid(tuple(added), tuple(updated), tuple(kept), beside)


def _shipped_notebooks() -> Iterator[tuple[str, bytes]]:
    """The name of every notebook that ships, relative to the course, and its content."""
    root = shipped.course_folder()
    paths = sorted((root / NOTEBOOKS).glob(LESSONS))
    if not paths:
        place = root / NOTEBOOKS
        raise FileNotFoundError(f"there are no notebooks in {place}; {shipped.remedy(place)}")
    for path in paths:
        yield path.relative_to(root).as_posix(), path.read_bytes()


def _lay_beside(folder: Path, name: str, content: bytes, checksums: dict[str, str]) -> str:
    """Write the new version of a notebook beside the reader's own; returns the name that it was given."""
    new, number = _sha256(content), 1
    while True:
        other = f"{name.removesuffix('.ipynb')}.new{'' if number == 1 else f'-{number}'}.ipynb"
        path = folder / other
        if not os.path.lexists(path):
            _write(path, content, force=False)
        elif _is(path, checksums.get(other)):
            _write(path, content, force=True)
        elif not _is(path, new):
            number += 1
            continue
        checksums[other] = new
        return other


def _is(path: Path, checksum: str | None) -> bool:
    """Whether a file is a notebook as it was laid out, perhaps rewritten by an editor, but without outputs."""
    # A link is the reader's own arrangement, whatever it leads to.
    if checksum is None or path.is_symlink() or not path.is_file():
        return False
    return checksum in (shipped.sha256(path), _checksum_without_traces(path))


def _checksum_without_traces(path: Path) -> str:
    """The checksum of a notebook's canonical form; empty if that form would leave out something of the reader's."""
    from .lessons import notebooks

    try:
        notebook = notebooks.read(path)
    except (OSError, ValueError):
        return ""
    for cell in notebook.cells:
        if cell.get("outputs") or cell.get("attachments") or set(cell.metadata) - {*notebooks.KEPT_CELL_METADATA}:
            return ""
    return _sha256(notebooks.canonical(notebook).encode())


def _write(path: Path, content: bytes, *, force: bool) -> None:
    with files.whole_file(path, force=force) as temporary:
        temporary.write_bytes(content)


def _read_record(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        checksums: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["sha256"]
        if not all(isinstance(text, str) for item in checksums.items() for text in item):
            raise TypeError("a checksum is not a text")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RefusedValue(
            f"the record {path} must say which notebooks were laid out, and is damaged ({error}); delete it: then "
            "every notebook there that differs from the course counts as yours, and is kept"
        ) from error
    return checksums


def _write_record(path: Path, checksums: dict[str, str]) -> None:
    record = {
        "about": "written by `mss-lab lab FOLDER`: the notebooks as they were last laid out",
        "version": __version__,
        "sha256": dict(sorted(checksums.items())),
    }
    _write(path, (json.dumps(record, indent=1) + "\n").encode(), force=True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
