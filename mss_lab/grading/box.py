"""Run a program in a box: Linux namespaces that show it little of the machine, and limits on what it may take.

    python -I box.py SETTINGS PROGRAM [ARGUMENT ...]

SETTINGS is a file that `sandbox` writes. In the box there is no network; there are no processes but the program's own;
and of the files there are only those that Python needs, read-only, the box's own folder in memory, which is gone with
it, and one shared folder, for sockets. The program has no rights over any of this: it holds no capability.

A process outside the box watches it, and ends it when it holds more memory or more processes than it may, or fills the
shared folder. Why it was ended stands in the file `ended` beside SETTINGS. Where namespaces are switched off in
SETTINGS, only these limits hold.

This file is run by its path and needs the standard library only, so that it starts in a moment and stays small.

Contents: main, look, UNSHARED.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    # Windows has neither limits nor a box; the command says so, and other modules can still load this one.
    import resource

# Namespaces of users, mounts, processes, network, inter-process communication and names of the host: linux/sched.h.
UNSHARED = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "process": 0x20000000,
    "network": 0x40000000,
    "communication": 0x08000000,
    "host name": 0x04000000,
}
# linux/mount.h and linux/prctl.h
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC, MNT_DETACH = 4096, 16384, 1 << 18, 2, 4, 8, 2
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = -100, 0x8000, 1, 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
MOST_CAPABILITIES = 64
NOBODY = 65534
# Threads count as processes for the system.
THREADS_OF_A_PROCESS = 8
UNSHARED_NOW = b"unshared"

DEVICES = ("null", "zero", "full", "random", "urandom")

# How often to look. Between two looks a program can take what the machine gives; the limits of the system itself
# (RLIMIT_DATA, RLIMIT_FSIZE) hold for each of its processes at any moment.
LOOK_S = 0.1

libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None


def main(arguments: Sequence[str]) -> int:
    """Run the program to its end and return its exit code; 128 plus the signal's number where one ended it."""
    path, ended = Path(arguments[0]), Path(arguments[0]).with_name("ended")
    settings = json.loads(path.read_text(encoding="utf-8"))
    # The child reports when it has its namespaces, and waits until its user numbers are mapped.
    ready_read, ready_write = os.pipe()
    mapped_read, mapped_write = os.pipe()
    child = _fork(ready_write, lambda: _enter(settings, arguments[1:], ready_write, mapped_read))
    words = os.read(ready_read, 4096)
    if words == UNSHARED_NOW:
        _name_users(child)
        os.write(mapped_write, b".")
        words = os.read(ready_read, 4096)
    if words:
        ended.write_text(f"the box could not be made ({words.decode(errors='replace')})", encoding="utf-8")
    return _watch(child, settings, ended)


def look(root: int) -> tuple[int, int]:
    """How many processes there are from `root` downwards, and how many bytes of memory they hold together."""
    children: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        # A process may end between the listing and the reading.
        with contextlib.suppress(OSError, ValueError, IndexError):
            if folder.name.isdigit():
                # The name of the program stands in brackets and may hold anything, brackets too.
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(folder.name))
                resident, shared = (folder / "statm").read_bytes().split()[1:3]
                pages[int(folder.name)] = int(resident) - int(shared)
    below, left = [root], [root]
    while left:
        direct = children.get(left.pop(), [])
        below += direct
        left += direct
    return len(below), sum(pages.get(process, 0) for process in below) * resource.getpagesize()


def _watch(child: int, settings: dict[str, Any], ended: Path) -> int:
    # Outside of the box. Ending its first process ends all of them; without namespaces the keeper above does that.
    while True:
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            return _code(status)
        count, held = look(child)
        reason = ""
        if held > settings["memory_bytes"]:
            reason = f"it took more than {settings['memory_bytes'] / 1e9:.3g} GB of memory"
        elif count > settings["processes"]:
            reason = f"it started more than {settings['processes']} processes"
        elif _size(settings["shared"]) > settings["shared_bytes"]:
            reason = "it filled a folder that is for the grader"
        if reason:
            ended.write_text(reason, encoding="utf-8")
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return 128 + signal.SIGKILL
        time.sleep(LOOK_S)


def _size(folder: str) -> int:
    with contextlib.suppress(OSError):
        return sum(item.lstat().st_blocks * 512 for item in Path(folder).rglob("*"))
    return 0


def _enter(settings: dict[str, Any], command: Sequence[str], ready_write: int, mapped_read: int) -> int:
    # Between the watching process and the box: a process that makes a process namespace stays outside of it.
    if settings["namespaces"]:
        _do("unshare", sum(UNSHARED.values()))
        os.write(ready_write, UNSHARED_NOW)
        os.read(mapped_read, 1)
    return _code(os.waitpid(_fork(ready_write, lambda: _in_the_box(settings, command)), 0)[1])


def _fork(ready_write: int, run: Callable[[], int]) -> int:
    """Start a child that ends with this process; its exit code is what `run` returns. Returns its number.

    Why `run` stopped, if it did, is written into the pipe `ready_write`, which the child keeps and this process closes.
    """
    child = os.fork()
    if not child:
        try:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os._exit(run())
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.write(ready_write, str(error).encode() or b"no reason was given")
        finally:
            os._exit(125)
    os.close(ready_write)
    return child


def _name_users(child: int) -> None:
    # In the box, user 0 is the user who runs it. If that is root, user 0 is `nobody`, since no limit on processes holds
    # for root; root itself is user 1, which prepares the box.
    user, group = os.geteuid(), os.getegid()
    if user:
        Path(f"/proc/{child}/setgroups").write_text("deny", encoding="ascii")
        users, groups = f"0 {user} 1", f"0 {group} 1"
    else:
        users = groups = f"0 {NOBODY} 1\n1 0 1"
    Path(f"/proc/{child}/uid_map").write_text(users, encoding="ascii")
    Path(f"/proc/{child}/gid_map").write_text(groups, encoding="ascii")


def _in_the_box(settings: dict[str, Any], command: Sequence[str]) -> int:
    # The first process of the box. It waits for every process that loses its parent, as an init does.
    if settings["namespaces"]:
        socket.sethostname("box")
        _show_little(settings)
    else:
        os.chdir(settings["work"])
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    # With these closed, the watching process knows that the box stands.
    os.closerange(3, 1024)
    program = os.fork()
    if not program:
        try:
            os.setsid()
            _limit(settings)
            if settings["namespaces"]:
                _become_the_user()
            os.execve(command[0], list(command), {**settings["environment"], "JPY_PARENT_PID": str(os.getppid())})
        finally:
            os._exit(127)
    while True:
        process, status = os.wait()
        if process == program:
            return _code(status)


def _become_the_user() -> None:
    # Nor can it make namespaces of its own, in which it would hold all rights.
    Path("/proc/sys/user/max_user_namespaces").write_text("0", encoding="ascii")
    if os.getuid():
        os.setgroups([])
        os.setgid(0)
        os.setuid(0)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _limit(settings: dict[str, Any]) -> None:
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, settings["memory_bytes"]),
        (resource.RLIMIT_FSIZE, settings["file_bytes"]),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_NPROC, _tasks_outside(settings) + THREADS_OF_A_PROCESS * settings["processes"]),
    ):
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
    # With these no program that is started gets rights back, whatever its file says.
    _do("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # And where root runs it, it is root in name only: it cannot mount, or read what root may not read.
    if settings["namespaces"] or os.geteuid() == 0:
        for capability in range(MOST_CAPABILITIES):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def _tasks_outside(settings: dict[str, Any]) -> int:
    # In a namespace of users the system counts from 0; without one it counts all that the user runs.
    if settings["namespaces"]:
        return 0
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                count += sum(1 for _ in (folder / "task").iterdir())
    return count


def _show_little(settings: dict[str, Any]) -> None:
    """Replace the tree of files by one that holds what is listed in `settings`, and nothing else."""
    root = Path(settings["root"])
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("box", root, "tmpfs", MS_NOSUID | MS_NODEV, f"size={settings['file_bytes']},mode=755")
    for path in ("dev", "proc", "tmp", "old"):
        (root / path).mkdir()
    for path in settings["readable"]:
        _bind(Path(path), root, readable_only=True)
    for path in settings["emptied"]:
        _empty(root / path.lstrip("/"))
    for name in DEVICES:
        _bind(Path("/dev") / name, root)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (root / "dev" / name).symlink_to(f"/proc/self/{target}")
    (root / "dev/shm").mkdir()
    (root / "dev/shm").chmod(0o777)
    _mount("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _bind(Path(settings["shared"]), root)
    work = root / settings["work"].lstrip("/")
    shutil.copytree(settings["files"], work)
    for folder in settings["folders"]:
        (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for folder in (*settings["folders"], settings["work"]):
        _give(root / folder.lstrip("/"))
    _do("pivot_root", os.fsencode(root), os.fsencode(root / "old"))
    os.chdir("/")
    _do("umount2", b"/old", MNT_DETACH)
    Path("/old").rmdir()
    os.chdir(settings["work"])


def _give(folder: Path) -> None:
    # To user 0 of the box. The files of a student may be readable by their owner only, or be read-only.
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 0, 0)
        path.chmod(0o700 if path.is_dir() else 0o600)


def _bind(path: Path, root: Path, readable_only: bool = False) -> None:
    # A link stays a link: on many systems /lib is one to /usr/lib.
    target = root / str(path).lstrip("/")
    if target.exists() or target.is_symlink() or not (path.exists() or path.is_symlink()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        target.symlink_to(path.readlink())
        return
    if path.is_dir():
        target.mkdir()
    else:
        target.touch()
    _mount(path, target, None, MS_BIND | MS_REC)
    if readable_only:
        attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
        _do("mount_setattr", AT_FDCWD, os.fsencode(target), AT_RECURSIVE, attributes, ctypes.sizeof(attributes))


def _empty(target: Path) -> None:
    if target.is_dir():
        _mount("empty", target, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755")
    elif target.exists():
        _mount("/dev/null", target, None, MS_BIND)


def _mount(source: Any, target: Any, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    _do("mount", *words, ctypes.c_ulong(flags), None if options is None else options.encode())


def _do(name: str, *arguments: Any) -> None:
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        shown = next((os.fsdecode(one) for one in arguments if isinstance(one, bytes)), "")
        raise OSError(number, f"{name}: {os.strerror(number)}", shown)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
