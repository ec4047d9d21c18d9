"""A reader's own copy of the course: notebooks laid out in a folder, and brought up to date after an upgrade.

The notebooks go into `FOLDER/notebooks`; all other files that a lesson needs are in the package. The record
`FOLDER/.mss_lab/course.json` holds the SHA-256 of each notebook as it was last laid out. With it a later call decides
whether the reader has changed a notebook:

- A notebook that is missing is laid out, also after the reader deleted it.
- An unchanged notebook is replaced by the new version. A notebook that was opened and saved without outputs counts as
  unchanged, since JupyterLab rewrites such a file by itself.
- A notebook that the reader changed, or ran and saved with its outputs, is never overwritten. When a new version of it
  ships, that version is laid out once next to it, as `NAME.new.ipynb`, or as `NAME.new-2.ipynb` if the reader has
  changed the former.

No other file in the folder is read, changed or deleted. Each file appears whole or not at all.

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
    """The changes that `lay_out` made in a folder. All names are relative to it.

    Attributes
    ----------
    added, updated : tuple of str
        Notebooks that are new in the folder, and those that were replaced by their new version.
    kept : tuple of str
        Notebooks of the reader that differ from the shipped ones and were not changed.
    beside : dict of str -> str
        Those of the kept notebooks whose new version was laid out by this call, with the name of the new version.
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
        If a file has the name of a folder that is needed, or the record is damaged.
    OSError
        If the folder cannot be made or written. The files that were written before are complete.
    """
    folder = Path(folder)
    for needed_folder in (folder, folder / NOTEBOOKS, (folder / RECORD).parent):
        if os.path.lexists(needed_folder) and not needed_folder.is_dir():
            raise RefusedValue(
                f"{needed_folder} must be a folder, got something else of this name; choose another FOLDER"
            )
    checksums = _read_record(folder / RECORD)
    before = dict(checksums)
    added: list[str] = []
    updated: list[str] = []
    kept: list[str] = []
    beside: dict[str, str] = {}
    try:
        for name, content in _shipped_notebooks():
            checksum, path = _sha256(content), folder / name
            if not os.path.lexists(path):
                _write(path, content, force=False)
                added.append(name)
            elif _is(path, checksum):
                pass
            elif _is(path, checksums.get(name)):
                _write(path, content, force=True)
                updated.append(name)
            else:
                kept.append(name)
                # Without an entry, the reader had a file of this name before the course was laid out.
                if checksums.get(name) != checksum:
                    beside[name] = _lay_beside(folder, name, content, checksums)
            checksums[name] = checksum
    finally:
        if checksums != before:
            _write_record(folder / RECORD, checksums)
    return Laid(tuple(added), tuple(updated), tuple(kept), beside)


def _shipped_notebooks() -> Iterator[tuple[str, bytes]]:
    """Yield the name of every shipped notebook, relative to the course, and its content."""
    root = shipped.course_folder()
    paths = sorted((root / NOTEBOOKS).glob(LESSONS))
    if not paths:
        source_folder = root / NOTEBOOKS
        raise FileNotFoundError(f"there are no notebooks in {source_folder}; {shipped.remedy(source_folder)}")
    for path in paths:
        yield path.relative_to(root).as_posix(), path.read_bytes()


def _lay_beside(folder: Path, name: str, content: bytes, checksums: dict[str, str]) -> str:
    """Write the new version of a notebook next to the reader's own, and return its name."""
    checksum, number = _sha256(content), 1
    while True:
        new_name = f"{name.removesuffix('.ipynb')}.new{'' if number == 1 else f'-{number}'}.ipynb"
        path = folder / new_name
        if not os.path.lexists(path):
            _write(path, content, force=False)
        elif _is(path, checksums.get(new_name)):
            _write(path, content, force=True)
        elif not _is(path, checksum):
            number += 1
            continue
        checksums[new_name] = checksum
        return new_name


def _is(path: Path, checksum: str | None) -> bool:
    """Whether a file is an unchanged notebook; an editor may have rewritten it, but without outputs."""
    # A link was made by the reader, so it counts as changed.
    if checksum is None or path.is_symlink() or not path.is_file():
        return False
    return checksum in (shipped.sha256(path), _checksum_without_traces(path))


def _checksum_without_traces(path: Path) -> str:
    """The checksum of a notebook's canonical form; empty if that form would drop something that the reader added."""
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
