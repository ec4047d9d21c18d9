"""A time limit for Python code in the same process, for loops that never end.

Contents: TimeLimit, time_limit.
"""

import contextlib
import ctypes
import threading
from collections.abc import Iterator

from .. import checks


class TimeLimit(BaseException):
    """The time is over. Not an Exception, so that a student's ``except Exception`` does not swallow it."""


@contextlib.contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Raise TimeLimit inside the block once it has run for `limit_s` seconds.

    A second thread asks the interpreter to raise it between two steps of Python code. So every loop written in Python
    ends, on every system and in every thread; one call into a library (a long sleep, a large product of matrices) ends
    when it returns, not before. Where code swallows the exception, it comes again after a tenth of the time.

    Parameters
    ----------
    limit_s : float > 0
        Seconds.
    """
    checks.check_number("limit_s", limit_s, above=0, unit="seconds")
    watched = ctypes.c_ulong(threading.get_ident())
    done = threading.Event()
    lock = threading.Lock()

    def watch() -> None:
        wait_s = limit_s
        while not done.wait(wait_s):
            with lock:
                # Between the wait and the lock the block may have ended; then nothing may be raised any more.
                if not done.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(watched, ctypes.py_object(TimeLimit))
            wait_s = max(limit_s / 10, 0.05)

    watcher = threading.Thread(target=watch, name="time limit", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        _stop(done, lock, watched)


def _stop(done: threading.Event, lock: threading.Lock, watched: ctypes.c_ulong) -> None:
    # The exception may arrive at any step, this clean-up included: try until it went through once.
    while True:
        try:
            done.set()
            with lock:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(watched, None)
            return
        except TimeLimit:
            continue
