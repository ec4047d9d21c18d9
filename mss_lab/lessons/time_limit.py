"""A time limit for Python code in the same process, for loops that never end.

Contents: Stop, within.
"""

import contextvars
import ctypes
import threading
from collections.abc import Callable
from typing import Any

from .. import checks

# How often the stop is raised again in code that catches it, and after which wait.
STOPS = 10
STOP_WAIT_S = 0.1


class Stop(SystemExit):
    """Raised inside the code whose time is over. It is no Exception, so that ``except Exception`` does not catch it."""


def within(limit_s: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `function` returns, or stop it after `limit_s` seconds.

    The function runs in a thread of its own, and the caller waits. When the time is over, the interpreter raises `Stop`
    in that thread, which ends every loop written in Python, on every system. A single call into a library (a long
    sleep, a large product of matrices) ends only when it returns; the caller then goes on without waiting for it.

    Parameters
    ----------
    limit_s : float > 0
        Seconds.
    function, arguments
        What to call.

    Raises
    ------
    TimeoutError
        If the time is over.
    BaseException
        Whatever the function raises.
    """
    checks.check_number("limit_s", limit_s, above=0, unit="seconds")
    outcome: dict[str, Any] = {}

    def work() -> None:
        try:
            outcome["value"] = function(*arguments)
        except BaseException as error:
            outcome["error"] = error

    # The thread gets the caller's context, in which NumPy, for example, keeps how it treats a division by zero.
    worker = threading.Thread(target=contextvars.copy_context().run, args=(work,), name="time limit", daemon=True)
    worker.start()
    try:
        worker.join(limit_s)
    finally:
        # Also where the reader interrupts the wait.
        late = worker.is_alive()
        if late:
            _stop(worker)
    if late:
        raise TimeoutError(f"this ran for more than {limit_s:g} s")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def _stop(worker: threading.Thread) -> None:
    for _ in range(STOPS):
        if worker.ident is None or not worker.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(Stop))
        worker.join(STOP_WAIT_S)
