"""Temporary folders next to the path of a result, which are removed at the end, also after an error.

A process that is killed cannot clean up: its temporary folder remains. Each folder contains a file that its process
keeps locked until it ends, so that the next process that writes to the same folder knows which ones to remove.

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

# Temporary folders are hidden, and their name shows the program that made them.
TEMPORARY_PREFIX = ".mss-lab-"

# Content of a temporary folder: a file that its process keeps locked until it ends, the new file or folder, and for a
# moment, if the system cannot exchange two folders in one step, the folder that is being replaced.
LOCK, NEW, OLD = "lock", "new", "old"

# Ctrl-C, a request to terminate, and a closed terminal. Windows has no SIGHUP.
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

# Errors of writing without a file name: no space left, over a quota, file too large, input/output error.
WRITE_ERRORS = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO") if hasattr(errno, name)}

# Temporary folders of this process, with their locks, that exist now.
_in_use: list[tuple[Path, Any]] = []


class KeptWarning(UserWarning):
    """A folder was replaced, but it contained files that are not an earlier result; it was kept under another name."""


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Delay Ctrl-C, SIGTERM and SIGHUP during the block; they take effect when it ends."""
    arrived: list[int] = []
    handlers: dict[int, Any] = {}
    # Only the main thread receives signals and may change their handlers.
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
    """Remove the temporary folders of this process, before it ends without waiting for other threads."""
    while _in_use:
        _remove(_in_use[-1])


@contextlib.contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """A locked temporary folder next to `path`, with a folder NEW in it; both are removed at the end."""
    # Next to the target, so that the final move is on one file system and is a single step.
    parent = path.parent
    missing = [folder for folder in (parent, *parent.parents) if not os.path.lexists(folder)]
    created: tuple[Path, Any] | None = None
    try:
        try:
            with undisturbed():
                created = _created(parent, path.name)
        except OSError as error:
            raise OSError(
                f"a file must go into folder {parent}, which cannot be made or written ({error.strerror}); "
                "choose a place you may write to"
            ) from error
        try:
            yield created[0]
        except OSError as error:
            words = _without_temporary_path(error, created[0], path)
            if words is None:
                raise
            raise words from error
    except BaseException:
        with undisturbed():
            _remove(created)
            # Folders created for a result that failed are removed, innermost first, unless they are in use.
            _rmdirs(missing)
        raise
    else:
        with undisturbed():
            _remove(created)
            if not os.path.lexists(path):
                _rmdirs(missing)


def _created(parent: Path, name: str) -> tuple[Path, Any]:
    parent.mkdir(parents=True, exist_ok=True)
    _clear(parent)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent))
    (folder / NEW).mkdir()
    # The lock gets its name when it is locked, so that no other process regards this folder as abandoned.
    # (Windows cannot rename an open file.)
    lock_path = folder / (LOCK if sys.platform == "win32" else f"{LOCK}ing")
    lock = lock_path.open("w", encoding="utf-8", errors="surrogateescape")
    lock.write(name)
    lock.flush()
    if _locked(lock):
        if lock_path.name != LOCK:
            lock_path.replace(folder / LOCK)
    else:
        # A file system without locks: nothing shows whether this folder is still in use, so it is never cleared.
        lock.close()
        lock_path.unlink()
    _in_use.append((folder, lock))
    return folder, lock


def _remove(created: tuple[Path, Any] | None) -> None:
    if created is None:
        return
    folder, lock = created
    if created in _in_use:
        _in_use.remove(created)
    lock.close()
    # A user's folder that could be moved neither away nor back is not removed.
    if not os.path.lexists(folder / OLD):
        # The lock is removed last: until then, another process can complete this.
        shutil.rmtree(folder / NEW, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _rmdirs(folders: Iterable[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _clear(parent: Path) -> None:
    """Remove temporary folders of processes that were killed, after restoring the folders that they had moved."""
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
            continue  # no lock, already removed, or of another user


def _locked(file: Any) -> bool:
    """Take the lock of an open file that no other process holds; the system releases it when the process ends."""
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


def _without_temporary_path(error: OSError, temporary: Path, path: Path) -> OSError | None:
    """An error of writing without the temporary path in its message; None for any other error."""
    of_temporary = any(str(name).startswith(str(temporary)) for name in (error.filename, error.filename2) if name)
    without_name = error.filename is None and error.errno in WRITE_ERRORS
    if not (of_temporary or without_name):
        return None
    reported = OSError(f"{path} could not be written ({error.strerror}); make room, or choose another place")
    # A store of many files checks whether the disk was full, and reports which files are kept.
    reported.errno = error.errno
    return reported
