"""Files and folders that appear complete or not at all, and checks of the paths that a user gives.

A result is written into a hidden temporary folder next to its path (see `temporary`), and moved to its path in one
step. After an error, a full disk or an interruption there is neither an incomplete file nor a temporary folder, and
existing files are unchanged. A process that is killed cannot clean up: its temporary folder remains, and is removed
when the next result is written to the same path.

Contents: existing_file, check_new_file, check_new_folder, whole_file, whole_folder.
"""

import contextlib
import ctypes
import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .refusals import RefusedValue
from .temporary import NEW, OLD, KeptWarning, temporary_folder, undisturbed


def existing_file(path: str | os.PathLike[str], what: str, hint: str) -> Path:
    """The path of a file to read, or a refusal that describes what exists there instead.

    Parameters
    ----------
    path : path
    what : str
        Description of the file, such as "audio file"; the message begins with it.
    hint : str
        Advice; the message ends with it.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or it is a folder.
    RefusedValue
        If it is a pipe or a device: reading it may never end.
    """
    path = Path(path)
    if path.is_file():
        return path
    if path.is_dir():
        raise FileNotFoundError(f"{what} {path} is a folder; {hint}")
    if path.exists():
        raise RefusedValue(f"{what} {path} is a pipe or a device, which cannot be read as a file; {hint}")
    if path.is_symlink():
        raise FileNotFoundError(f"{what} {path} is a link to {path.readlink()}, which does not exist; {hint}")
    raise FileNotFoundError(f"{what} {path} does not exist; {hint}")


def check_new_file(path: str | os.PathLike[str], *, force: bool, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuse a path to which a file cannot or must not be written, before the file is computed.

    Parameters
    ----------
    path : path
    force : bool
        Whether an existing file may be replaced.
    inputs : iterable of path
        Files that are read for this result. None of them is ever replaced.

    Raises
    ------
    FileExistsError, OSError, RefusedValue
        As for `whole_file`.
    """
    path = Path(path)
    _refuse_file(path, force, inputs)
    with temporary_folder(path):
        pass


def check_new_folder(
    path: str | os.PathLike[str], *, force: bool, inputs: Iterable[str | os.PathLike[str]] = ()
) -> None:
    """Refuse a path to which a folder cannot or must not be written, before its files are computed.

    Parameters
    ----------
    path : path
    force : bool
        Whether an existing folder may be replaced.
    inputs : iterable of path
        Files that are read for this result. A folder that contains one of them is never replaced.

    Raises
    ------
    FileExistsError, OSError, RefusedValue
        As for `whole_folder`.
    """
    path = _with_name(path)
    _refuse_folder(path, force, inputs)
    with temporary_folder(path):
        pass


@contextlib.contextmanager
def whole_file(
    path: str | os.PathLike[str], *, force: bool = True, inputs: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[Path]:
    """Yield a temporary path to write to; when the block ends without an error, that file becomes `path`.

    Parameters
    ----------
    path : path
        Path of the file. Its folder is created if necessary. The temporary path has the same name.
    force : bool
        Whether an existing file may be replaced. A link is replaced itself; its target is unchanged.
    inputs : iterable of path
        Files that are read for this result. None of them is ever replaced.

    Raises
    ------
    FileExistsError
        If the path exists and `force` is False, or if it is a folder.
    RefusedValue
        If the path is a pipe, a device, or one of the inputs.
    OSError
        If the folder cannot be created or written, or the disk is full.
    """
    path, inputs = Path(path), list(inputs)
    _refuse_file(path, force, inputs)
    with temporary_folder(path) as folder:
        temporary = folder / NEW / path.name
        yield temporary
        # Writing may have taken minutes, and another program may have written to this path.
        _refuse_file(path, force, inputs)
        with undisturbed():
            temporary.replace(path)


@contextlib.contextmanager
def whole_folder(
    path: str | os.PathLike[str],
    *,
    force: bool = False,
    inputs: Iterable[str | os.PathLike[str]] = (),
    is_result: Callable[[Path], bool] | None = None,
) -> Iterator[Path]:
    """Yield a temporary folder to fill; when the block ends without an error, it becomes `path`.

    Parameters
    ----------
    path : path
        Path of the folder.
    force : bool
        Whether an existing folder may be replaced. A link is replaced itself; its target is unchanged.
    inputs : iterable of path
        Files that are read for this result. A folder that contains one of them is never replaced.
    is_result : function of a path -> bool, optional
        Whether a file is part of an earlier result of the same kind. A folder that is replaced is deleted if this is
        true for all its files. Otherwise it is kept next to the new one, under its name with ".old" added, with a
        KeptWarning. Without this function, the folder is deleted with any content.

    Raises
    ------
    FileExistsError
        If the folder exists and is not empty and `force` is False, or if the path is a file.
    RefusedValue
        If the working folder or the home folder would be replaced, a folder that contains them or an input, or a drive;
        also with `force`.
    OSError
        If the folder cannot be created or written, or the disk is full.
    """
    path, inputs = _with_name(path), list(inputs)
    _refuse_folder(path, force, inputs)
    with temporary_folder(path) as folder:
        yield folder / NEW
        _refuse_folder(path, force, inputs)
        with undisturbed():
            _move_to_path(folder, path, is_result)


def _with_name(path: str | os.PathLike[str]) -> Path:
    # "stems/.." has no name to which a folder could be moved.
    path = Path(path)
    return path.resolve() if path.name in ("", "..") else path


def _refuse_no_name(path: Path) -> None:
    if "\0" in str(path):
        raise RefusedValue(f"{path} cannot be the name of a file or folder, as it holds a NUL; choose another name")
    if _resolved(path) is None:
        raise RefusedValue(f"{path} goes through a link that leads back to itself; choose another name")


def _resolved(path: Path) -> Path | None:
    """The path with all links followed; None if they form a cycle."""
    try:
        return path.resolve()
    except (RuntimeError, OSError) as error:
        # Before Python 3.13, a cycle of links is a RuntimeError.
        if isinstance(error, OSError) and error.errno != errno.ELOOP:
            raise
        return None


def _refuse_file(path: Path, force: bool, inputs: Iterable[str | os.PathLike[str]]) -> None:
    _refuse_no_name(path)
    # "stems/.." is a folder, whether "stems" exists or not.
    if path.is_dir() or path.name in ("", ".."):
        raise FileExistsError(f"{path} must be a file's name, got a folder that exists; add the name of a file to it")
    if path.exists() and not path.is_file():
        raise RefusedValue(f"{path} must be a file's name, got a pipe or a device; choose another name")
    for read in inputs:
        if path.exists() and Path(read).exists() and path.samefile(read):
            raise RefusedValue(f"{path} must not be one of the files that are read; choose another name")
    if os.path.lexists(path) and not force:
        raise FileExistsError(f"{path} exists already; choose another name, or allow replacing it (--force)")


def _refuse_folder(path: Path, force: bool, inputs: Iterable[str | os.PathLike[str]]) -> None:
    _refuse_no_name(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} must be a folder's name, got a file that exists; choose another name")
    # A mistake with --force must not delete all files of a user.
    keep = [Path.cwd()]
    with contextlib.suppress(RuntimeError):  # some accounts have no home
        keep.append(Path.home())
    if any(folder.resolve().is_relative_to(path.resolve()) for folder in keep):
        raise RefusedValue(
            f"{path} must be a folder of its own, got one you work or live in; name a new folder inside it"
        )
    for read in inputs:
        if _lies_in(read, path):
            raise RefusedValue(
                f"folder {path} holds {read}, which is read for this result and would be deleted with the folder; "
                "choose another folder"
            )
    if path.is_symlink():
        if not force:
            raise FileExistsError(
                f"{path} is a link to {path.readlink()}; name the folder itself, or allow replacing the link (--force)"
            )
        return
    if path.is_mount():
        raise RefusedValue(f"{path} must be a folder of its own, got a drive; name a new folder inside it")
    if path.is_dir() and any(path.iterdir()) and not force:
        raise FileExistsError(f"folder {path} exists already; choose another, or allow replacing it (--force)")


def _lies_in(path: str | os.PathLike[str], folder: Path) -> bool:
    """Whether a file lies in a folder, or is reached through it, for any spelling of both paths."""
    if not folder.exists():
        return False
    path = Path(path).absolute()
    if ".." in path.parts:
        path = path.parent.resolve() / path.name
    # Links are followed one by one: a link inside the folder is deleted with the folder.
    followed = (_resolved(step) for step in (path, *(step.parent for step in (path, *path.parents))))
    steps = [step for step in followed if step is not None]
    ancestors = {ancestor for step in steps for ancestor in (step, *step.parents)}
    return any(ancestor.is_dir() and ancestor.samefile(folder) for ancestor in ancestors)


def _move_to_path(folder: Path, path: Path, is_result: Callable[[Path], bool] | None) -> None:
    new = folder / NEW
    if not os.path.lexists(path):
        new.replace(path)
        return
    others = [] if path.is_symlink() or is_result is None else _other_files(path, is_result)
    if not others:
        # The old content is deleted together with the temporary folder.
        _exchange(new, path, folder / OLD)
        return
    kept = _free_name(path)
    new.replace(kept)
    try:
        _exchange(kept, path, folder / OLD)
    except BaseException:
        kept.replace(new)
        raise
    warnings.warn(
        f"{path} held {', '.join(others[:3])}{' and more' if len(others) > 3 else ''}, which is no earlier result; "
        f"all that it held is now in {kept}",
        KeptWarning,
        stacklevel=2,
    )


def _other_files(folder: Path, is_result: Callable[[Path], bool]) -> list[str]:
    entries = sorted(folder.iterdir())
    return [entry.name for entry in entries if entry.is_symlink() or not entry.is_file() or not is_result(entry)]


def _free_name(path: Path) -> Path:
    number, name = 1, path.with_name(f"{path.name}.old")
    while os.path.lexists(name):
        number += 1
        name = path.with_name(f"{path.name}.old-{number}")
    return name


def _exchange(new: Path, path: Path, aside: Path) -> None:
    """Exchange two folders."""
    if _exchanged_by_the_system(new, path):
        return
    # Two folders are exchanged by three moves; if the second fails, the first is reversed. If a process is killed
    # between the first two, the next run moves the old folder back (see `_clear`).
    path.replace(aside)
    try:
        new.replace(path)
    except BaseException:
        aside.replace(path)
        raise
    aside.replace(new)


def _exchanged_by_the_system(one: Path, other: Path) -> bool:
    """Exchange two paths in one step, which Linux and macOS can do on most file systems; False if it failed."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(one.absolute()), os.fsencode(other.absolute())
        if sys.platform == "linux":
            at_working_folder, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
            return bool(library.renameat2(at_working_folder, names[0], at_working_folder, names[1], exchange) == 0)
        if sys.platform == "darwin":
            return library.renamex_np(*names, 2) == 0  # RENAME_SWAP
    except (OSError, TypeError, AttributeError):
        pass  # Windows, and C libraries without this function
    return False
