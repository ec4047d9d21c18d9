"""Files and folders that appear whole or not at all.

A result is written beside its place under a temporary name and moved there in one step, so that a full disk, an
error or a power cut never leaves half a file under the real name, and never costs the file that was there before.

Contents: whole_file, whole_folder.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: str | os.PathLike, *, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path; when the block ends without an error, that file becomes `path`.

    Parameters
    ----------
    path : path
        Where the file shall be. Its folder is made if need be. The temporary path keeps the ending.
    force : bool
        Whether a file that is already there may be replaced.

    Raises
    ------
    FileExistsError
        If something is there and `force` is False.
    OSError
        If the folder cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise FileExistsError(f"{path} is a folder; name a file")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists already; choose another name, or allow replacing it (--force)")
    _make_folder(path.parent)
    with _temporary_folder(path.parent, path.name) as folder:
        temporary = folder / path.name
        yield temporary
        os.replace(temporary, path)


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
    OSError
        If the folder cannot be written.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is a file; name a folder")
    if path.is_dir() and any(path.iterdir()) and not force:
        raise FileExistsError(f"folder {path} exists already; choose another, or allow replacing it (--force)")
    _make_folder(path.parent)
    with _temporary_folder(path.parent, path.name) as folder:
        filled = folder / "new"
        filled.mkdir()
        yield filled
        if path.exists():
            # A folder cannot be replaced in one step; should the second move fail, the old one goes back.
            old = folder / "old"
            os.replace(path, old)
            try:
                os.replace(filled, path)
            except OSError:
                os.replace(old, path)
                raise
        else:
            os.replace(filled, path)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make folder {folder} ({error.strerror}); choose a place you may write to") from error


@contextlib.contextmanager
def _temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    # Beside the target, so that the final move stays on one file system and is a single step.
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
    except OSError as error:
        raise OSError(f"cannot write in {parent} ({error.strerror}); choose a place you may write to") from error
    # mkdtemp makes private folders; what leaves here shall have the rights that the user's umask gives.
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
