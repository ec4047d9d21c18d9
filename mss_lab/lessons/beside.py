"""The files beside a notebook: which of them are copied into its working folder, and how.

Only ordinary files are copied, up to a limit. A link could lead anywhere, reading a pipe or a device could block, and
a notebook in a home folder must not cause all of that folder to be copied.

Contents: Copied, copy_beside, read_file, is_notebook, is_left_out, kind_of.
"""

import dataclasses
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from ..refusals import RefusedValue

# Limits of what is copied, where the largest files are left out first, and of how many files and folders are examined.
LARGEST_COPY_BYTES = 100_000_000
MOST_FILES = 1000
MOST_LOOKED_AT = 10_000
DEEPEST = 20

# Links are not followed, and a pipe without a writer does not block. Windows has neither flag, but needs O_BINARY.
READ_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    READ_FLAGS |= getattr(os, _name, 0)

KINDS = {
    stat.S_IFREG: "an ordinary file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
FILE, FOLDER, LINK = KINDS[stat.S_IFREG], KINDS[stat.S_IFDIR], KINDS[stat.S_IFLNK]


@dataclasses.dataclass(frozen=True)
class Copied:
    """The result of copying.

    Attributes
    ----------
    digests : dict of str -> str
        SHA-256 of every file that was copied, by its path in the folder.
    notes : tuple of str
        What was left out, and for which reason.
    """

    digests: dict[str, str]
    notes: tuple[str, ...]


def copy_beside(folder: str | os.PathLike[str], into: Path, *, leave_out: Collection[Path] = ()) -> Copied:
    """Copy what lies in `folder` and below it into the folder `into`.

    Left out are notebooks, hidden files and folders, links, pipes, sockets, devices, files that cannot be read, and
    what would exceed 100 MB, 1000 files or 20 levels, beginning with the largest.

    Parameters
    ----------
    folder : path
    into : path
        It exists, and lies elsewhere.
    leave_out : collection of Path
        Resolved paths of files and folders that are not copied either.
    """
    files: list[tuple[int, str]] = []
    notes: list[str] = []
    for number, (path, what) in enumerate(_below(Path(folder), leave_out)):
        if number >= MOST_LOOKED_AT:
            notes.append(f"of what lies beside the notebook, only {MOST_LOOKED_AT} files were examined")
            break
        if isinstance(what, int):
            files.append((what, path))
        else:
            notes.append(f"{path} was left out ({what})")
    digests: dict[str, str] = {}
    room = LARGEST_COPY_BYTES
    for _, path in sorted(files):
        if len(digests) >= MOST_FILES:
            notes.append(f"{path} was left out (more than {MOST_FILES} files)")
            continue
        try:
            content = read_file(Path(folder, path), most_bytes=room)
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_bytes(content)
        except (OSError, ValueError) as error:
            notes.append(f"{path} was left out ({getattr(error, 'strerror', None) or error})")
            continue
        room -= len(content)
        digests[path] = hashlib.sha256(content).hexdigest()
    return Copied(digests, tuple(notes))


def read_file(path: str | os.PathLike[str], *, most_bytes: int) -> bytes:
    """The content of an ordinary file; nothing else is opened, and reading never blocks.

    Raises
    ------
    RefusedValue
        If it is a link, a folder, a pipe, a socket or a device, or if it has more than `most_bytes`.
    OSError
        If there is no such file, or it cannot be read.
    """
    _refuse_kind(os.lstat(path))
    with os.fdopen(os.open(path, READ_FLAGS), "rb") as file:
        # Checked once more, since another file may have taken its place before it was opened.
        status = os.fstat(file.fileno())
        _refuse_kind(status)
        # A file whose stated size is 0 can still have content, and a file can grow while it is read.
        content = b"" if status.st_size > most_bytes else file.read(most_bytes + 1)
    size = max(status.st_size, len(content))
    if size > most_bytes:
        raise RefusedValue(
            f"it must be a file of at most {most_bytes / 1e6:.3g} MB, got {size / 1e6:.3g} MB; make it smaller"
        )
    return content


def is_notebook(name: str) -> bool:
    """Whether a file's name says that it is a notebook, and not a hidden one."""
    return name.lower().endswith(".ipynb") and not name.startswith(".")


def is_left_out(name: str) -> bool:
    """Whether a file or folder of this name is left out: hidden ones, and Python's own `__pycache__`."""
    return name.startswith(".") or name == "__pycache__"


def kind_of(status: os.stat_result) -> str:
    """What a path is, in words, such as "an ordinary file"."""
    return KINDS.get(stat.S_IFMT(status.st_mode), "something else than a file")


def _below(folder: Path, leave_out: Collection[Path]) -> Iterator[tuple[str, int | str]]:
    """Every file below a folder with its size, and everything else that is not copied with the reason."""
    waiting = [Path()]
    real = folder.resolve()
    while waiting:
        subfolder = waiting.pop()
        try:
            items = sorted((folder / subfolder).iterdir(), key=os.fsencode)
        except OSError as error:
            yield str(subfolder), error.strerror or str(error)
            continue
        for item in items:
            path = subfolder / item.name
            if is_left_out(item.name) or real / path in leave_out:
                continue
            try:
                status = item.lstat()
            except OSError as error:
                yield str(path), error.strerror or str(error)
                continue
            kind = kind_of(status)
            if kind != FOLDER:
                if not is_notebook(item.name):
                    yield str(path), status.st_size if kind == FILE else kind
            elif len(path.parts) <= DEEPEST:
                waiting.append(path)
            else:
                yield str(path), f"more than {DEEPEST} folders deep"


def _refuse_kind(status: os.stat_result) -> None:
    kind = kind_of(status)
    if kind != FILE:
        raise RefusedValue(f"it must be an ordinary file, got {kind}; give the file itself")
