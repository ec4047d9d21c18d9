"""Files and folders that appear whole or not at all, and checks of the paths that a user gives.

A result is written beside its place, into a hidden temporary folder (see `temporary`), and moved to its place in one
step. An error, a full disk or an interruption half-way leaves neither half a file under the real name nor a temporary
folder, and what was there before stays as it was. A process that is killed cannot clean up: it leaves its temporary
folder, which the next result that is written to the same place removes.

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
    """The path of a file to read, or a refusal that says what stands there instead.

    Parameters
    ----------
    path : path
    what : str
        What the file is to the reader, such as "audio file"; opens the message.
    hint : str
        What to give; closes the message.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or it is a folder.
    RefusedValue
        If it is a pipe or a device: reading one can wait forever.
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
    """Refuse a place where a file cannot or must not be written, before the work that makes the file.

    Parameters
    ----------
    path : path
    force : bool
        Whether a file that is already there may be replaced.
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
    """Refuse a place where a folder cannot or must not be written, before the work that fills the folder.

    Parameters
    ----------
    path : path
    force : bool
        Whether a folder that is already there may be replaced.
    inputs : iterable of path
        Files that are read for this result. A folder that holds one of them is never replaced.

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
        Where the file shall be. Its folder is made if need be. The temporary path has the same name.
    force : bool
        Whether a file that is already there may be replaced. A link that is there is replaced itself; what it leads to
        stays as it is.
    inputs : iterable of path
        Files that are read for this result. None of them is ever replaced.

    Raises
    ------
    FileExistsError
        If something is there and `force` is False, or if a folder is there.
    RefusedValue
        If a pipe or a device is there, or one of the inputs.
    OSError
        If the folder cannot be made or written, or the disk is full.
    """
    path, inputs = Path(path), list(inputs)
    _refuse_file(path, force, inputs)
    with temporary_folder(path) as folder:
        temporary = folder / NEW / path.name
        yield temporary
        # Writing may have taken minutes, in which another program can have put something here.
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
        Where the folder shall be.
    force : bool
        Whether a folder that is already there may be replaced. A link that is there is replaced itself; what it leads
        to stays as it is.
    inputs : iterable of path
        Files that are read for this result. A folder that holds one of them is never replaced.
    is_result : function of a path -> bool, optional
        Whether a file is part of an earlier result of the same kind. A folder that is replaced is deleted if this is
        true of everything in it. Otherwise it is kept beside the new one, under its name with ".old" added, and a
        KeptWarning says so. Without this function, the folder is deleted whatever it holds.

    Raises
    ------
    FileExistsError
        If something is there and `force` is False (an empty folder is nothing), or if a file stands in the way.
    RefusedValue
        If the working folder or the home folder would be replaced, one that holds them or an input, or a drive;
        `force` does not help.
    OSError
        If the folder cannot be made or written, or the disk is full.
    """
    path, inputs = _with_name(path), list(inputs)
    _refuse_folder(path, force, inputs)
    with temporary_folder(path) as folder:
        yield folder / NEW
        _refuse_folder(path, force, inputs)
        with undisturbed():
            _put_in_place(folder, path, is_result)


def _with_name(path: str | os.PathLike[str]) -> Path:
    # "stems/.." has no name of its own that something could be moved to.
    path = Path(path)
    return path.resolve() if path.name in ("", "..") else path


def _refuse_no_name(path: Path) -> None:
    if "\0" in str(path):
        raise RefusedValue(f"{path} cannot be the name of a file or folder, as it holds a NUL; choose another name")
    if _resolved(path) is None:
        raise RefusedValue(f"{path} goes through a link that leads back to itself; choose another name")


def _resolved(path: Path) -> Path | None:
    """The path with all links followed; None where they lead in a circle."""
    try:
        return path.resolve()
    except (RuntimeError, OSError) as error:
        # Python 3.13 follows links as far as they lead. Before, a circle is a RuntimeError.
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
    # One slip with --force must not cost somebody all they have.
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
    """Whether a file lies in a folder, or is reached through it, however the two paths are spelt."""
    if not folder.exists():
        return False
    path = Path(path).absolute()
    if ".." in path.parts:
        path = path.parent.resolve() / path.name
    # Links are followed one by one: a link inside the folder goes away with the folder.
    followed = (_resolved(step) for step in (path, *(step.parent for step in (path, *path.parents))))
    steps = [step for step in followed if step is not None]
    places = {place for step in steps for place in (step, *step.parents)}
    return any(place.is_dir() and place.samefile(folder) for place in places)


def _put_in_place(folder: Path, path: Path, is_result: Callable[[Path], bool] | None) -> None:
    new = folder / NEW
    if not os.path.lexists(path):
        new.replace(path)
        return
    strange = [] if path.is_symlink() or is_result is None else _strangers(path, is_result)
    if not strange:
        # What was there is deleted together with the temporary folder.
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
        f"{path} held {', '.join(strange[:3])}{' and more' if len(strange) > 3 else ''}, which is no earlier result; "
        f"all that it held is now in {kept}",
        KeptWarning,
        stacklevel=2,
    )


def _strangers(folder: Path, is_result: Callable[[Path], bool]) -> list[str]:
    entries = sorted(folder.iterdir())
    return [entry.name for entry in entries if entry.is_symlink() or not entry.is_file() or not is_result(entry)]


def _free_name(path: Path) -> Path:
    number, name = 1, path.with_name(f"{path.name}.old")
    while os.path.lexists(name):
        number += 1
        name = path.with_name(f"{path.name}.old-{number}")
    return name


def _exchange(new: Path, path: Path, aside: Path) -> None:
    """Let two folders change places."""
    if _exchanged_by_the_system(new, path):
        return
    # Two folders change places by three moves; should the second fail, the first is taken back. A process that is
    # killed between the first two leaves the old folder aside, and the next run puts it back (see `_clear`).
    path.replace(aside)
    try:
        new.replace(path)
    except BaseException:
        aside.replace(path)
        raise
    aside.replace(new)


def _exchanged_by_the_system(one: Path, other: Path) -> bool:
    """Exchange two paths in one step, which Linux and macOS can do on most file systems; False where it failed."""
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
