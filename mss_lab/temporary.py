"""Temporary folders beside the place where a result will be, which are gone when the work ends, however it ends.

A process that is killed cannot clean up: it leaves its temporary folder. Each such folder holds a file that its process
keeps locked as long as it lives, so that the next process that writes to the same place knows which ones to remove.

Contents: KeptWarning, TEMPORARY_PREFIX, NEW, OLD, temporary_folder, undisturbed, abandon.
"""

import contextlib
import errno
import os
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# Temporary folders are hidden, and their name says which program made them.
TEMPORARY_PREFIX = ".mss-lab-"

# What a temporary folder holds: a file that its process keeps locked as long as it lives, the new file or folder, and,
# for a moment and only where the system cannot exchange two folders in one step, the folder that is being replaced.
LOCK, NEW, OLD = "lock", "new", "old"

# Ctrl-C, a request to end, and a terminal that was closed. Windows has no SIGHUP.
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

# Errors of writing that name no file: no space left, over a quota, file too large, input/output error.
WRITE_ERRORS = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO") if hasattr(errno, name)}

# Temporary folders of this process, with their locks, that exist now.
_in_use: list[tuple[Path, Any]] = []


class KeptWarning(UserWarning):
    """A folder was replaced, but it held files that are not an earlier result; it was kept under another name."""


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C, SIGTERM and SIGHUP during the block; they take effect when it ends."""
    arrived: list[int] = []
    handlers: dict[int, Any] = {}
    # Only the main thread receives signals, and only it may change what they do.
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                handlers[number] = signal.signal(number, lambda signal_number, _: arrived.append(signal_number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(arrived):
            signal.raise_signal(number)


def abandon() -> None:
    """Remove the temporary folders of this process, before it ends without waiting for those who use them."""
    while _in_use:
        _remove(_in_use[-1])


@contextlib.contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """A locked temporary folder beside `path`, with a folder NEW in it; both are removed at the end."""
    # Beside the target, so that the final move stays on one file system and is a single step.
    parent = path.parent
    missing = [folder for folder in (parent, *parent.parents) if not os.path.lexists(folder)]
    made: tuple[Path, Any] | None = None
    try:
        try:
            with undisturbed():
                made = _made(parent, path.name)
        except OSError as error:
            raise OSError(
                f"a file must go into folder {parent}, which cannot be made or written ({error.strerror}); "
                "choose a place you may write to"
            ) from error
        try:
            yield made[0]
        except OSError as error:
            words = _in_the_users_words(error, made[0], path)
            if words is None:
                raise
            raise words from error
    except BaseException:
        with undisturbed():
            _remove(made)
            # Folders made for a result that did not come about go again, innermost first, unless others used them.
            _rmdirs(missing)
        raise
    else:
        with undisturbed():
            _remove(made)
            if not os.path.lexists(path):
                _rmdirs(missing)


def _made(parent: Path, name: str) -> tuple[Path, Any]:
    parent.mkdir(parents=True, exist_ok=True)
    _clear(parent)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent))
    (folder / NEW).mkdir()
    # The lock gets its name when it is locked, so that no other process takes this folder for an abandoned one.
    # (Windows cannot rename an open file.)
    place = folder / (LOCK if sys.platform == "win32" else f"{LOCK}ing")
    lock = place.open("w", encoding="utf-8", errors="surrogateescape")
    lock.write(name)
    lock.flush()
    if _locked(lock):
        if place.name != LOCK:
            place.replace(folder / LOCK)
    else:
        # A file system without locks: nobody could tell whether this folder is still in use, so nobody clears it.
        lock.close()
        place.unlink()
    _in_use.append((folder, lock))
    return folder, lock


def _remove(made: tuple[Path, Any] | None) -> None:
    if made is None:
        return
    folder, lock = made
    if made in _in_use:
        _in_use.remove(made)
    lock.close()
    # Somebody's folder that could be moved neither away nor back stays, to be found.
    if not os.path.lexists(folder / OLD):
        # The lock goes last: as long as it is there, another process can finish this.
        shutil.rmtree(folder / NEW, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _rmdirs(folders: Iterable[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _clear(parent: Path) -> None:
    """Remove temporary folders of processes that were killed, after putting back what they had set aside."""
    for folder in parent.glob(f"{TEMPORARY_PREFIX}*"):
        try:
            with (folder / LOCK).open("r+", encoding="utf-8", errors="surrogateescape") as lock:
                if not _locked(lock):
                    continue  # in use
                path = parent / lock.read()
            if os.path.lexists(folder / OLD) and not os.path.lexists(path):
                (folder / OLD).replace(path)
            if os.path.lexists(folder / OLD):
                warnings.warn(f"a run that was killed left {folder / OLD}, which was {path}", KeptWarning, stacklevel=2)
            else:
                _remove((folder, lock))
        except OSError:
            continue  # no lock, gone meanwhile, or somebody else's


def _locked(file: Any) -> bool:
    """Take the lock of an open file that no other process holds; the system releases it when its owner ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _in_the_users_words(error: OSError, temporary: Path, path: Path) -> OSError | None:
    """What to raise for an error of writing, so that it names no temporary path; None for any other error."""
    of_temporary = any(str(name).startswith(str(temporary)) for name in (error.filename, error.filename2) if name)
    without_name = error.filename is None and error.errno in WRITE_ERRORS
    if not (of_temporary or without_name):
        return None
    said = OSError(f"{path} could not be written ({error.strerror}); make room, or choose another place")
    # Long work, such as a store of many files, asks whether the disk was full, and says what is kept.
    said.errno = error.errno
    return said
