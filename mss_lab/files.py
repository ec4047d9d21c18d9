"""Files and folders that appear whole or not at all.

A result is written beside its place under a temporary name and moved there in one step. An error, a full disk or an
interruption half-way leaves neither half a file under the real name nor litter beside it, and the file that was there
before stays as it was.

Contents: whole_file, whole_folder.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .refusals import RefusedValue

# Hidden, and so named that whoever finds one after a power cut knows whose it is.
TEMPORARY_PREFIX = ".mss-lab-"


@contextlib.contextmanager
def whole_file(path: str | os.PathLike, *, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path to write to; when the block ends without an error, that file becomes `path`.

    Parameters
    ----------
    path : path
        Where the file shall be. Its folder is made if need be. The temporary path has the same name.
    force : bool
        Whether a file that is already there may be replaced.

    Raises
    ------
    FileExistsError
        If something is there and `force` is False, or if a folder is there.
    OSError
        If the folder cannot be made or written.
    """
    path = Path(path)
    _refuse_file(path, force)
    with _temporary_folder(path.parent) as folder:
        temporary = folder / path.name
        yield temporary
        # Writing may have taken minutes, in which another program can have put something here.
        _refuse_file(path, force)
        temporary.replace(path)


@contextlib.contextmanager
def whole_folder(path: str | os.PathLike, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary folder to fill; when the block ends without an error, it becomes `path`.

    Parameters
    ----------
    path : path
        Where the folder shall be.
    force : bool
        Whether a folder that is already there may be replaced, with everything in it.

    Raises
    ------
    FileExistsError
        If something is there and `force` is False (an empty folder is nothing), or if a file stands in the way.
    ValueError
        If the working folder or the home folder would be replaced, or one that holds them; `force` does not help.
    OSError
        If the folder cannot be made or written.
    """
    path = Path(path)
    _refuse_folder(path, force)
    with _temporary_folder(path.parent) as folder:
        filled = folder / "new"
        filled.mkdir()
        yield filled
        _refuse_folder(path, force)
        if path.exists():
            _exchange(filled, path)
        else:
            filled.replace(path)


def _refuse_file(path: Path, force: bool) -> None:
    if path.is_dir():
        raise FileExistsError(f"{path} must be a file's name, got a folder that exists; add the name of a file to it")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists already; choose another name, or allow replacing it (--force)")


def _refuse_folder(path: Path, force: bool) -> None:
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
    if path.is_dir() and any(path.iterdir()) and not force:
        raise FileExistsError(f"folder {path} exists already; choose another, or allow replacing it (--force)")


def _exchange(filled: Path, path: Path) -> None:
    # A folder cannot be replaced in one step: the old one steps aside, and back again should the second move fail.
    # It waits in a folder of its own, so that nothing but success removes it.
    aside = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=path.parent))
    try:
        path.replace(aside / "old")
        try:
            filled.replace(path)
        except BaseException:
            (aside / "old").replace(path)
            raise
        shutil.rmtree(aside / "old", ignore_errors=True)
    finally:
        with contextlib.suppress(OSError):
            aside.rmdir()


@contextlib.contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    # Beside the target, so that the final move stays on one file system and is a single step.
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent))
        except OSError as error:
            raise OSError(
                f"a file must go into folder {parent}, which cannot be made or written ({error.strerror}); "
                "choose a place you may write to"
            ) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        # Folders made for a result that did not come about go again, innermost first, unless others have used them.
        for made in missing:
            with contextlib.suppress(OSError):
                made.rmdir()
        raise
