"""Ctrl-C, SIGTERM and SIGHUP end a command in order: temporary files are removed, and one line says that it stopped.

Contents: Stopped, stop_signals.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from ..files import STOP_SIGNALS


class Stopped(KeyboardInterrupt):
    """The process was asked to end. It is a KeyboardInterrupt, so that what handles Ctrl-C handles it as well."""


@contextlib.contextmanager
def stop_signals(*, at_end: Any = None) -> Iterator[list[int]]:
    """Raise Stopped in the main thread when a signal asks the process to end, during the block.

    Parameters
    ----------
    at_end : signal handler, optional
        What the signals do after the block, such as `signal.SIG_IGN`; left out, what they did before.

    Yields
    ------
    list of int
        The signals that have arrived. A library may turn the exception into another one, or lose it; this list tells.
    """
    arrived: list[int] = []

    def stop(number: int, _: Any) -> None:
        arrived.append(number)
        raise Stopped(number)

    before: dict[int, Any] = {}
    # Only the main thread may say what signals do. A signal that is ignored, as `nohup` does, stays so.
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                before[number] = signal.signal(number, stop)
    report, sys.unraisablehook = sys.unraisablehook, _quiet(sys.unraisablehook)
    try:
        yield arrived
    finally:
        sys.unraisablehook = report
        for number, handler in before.items():
            signal.signal(number, handler if at_end is None else at_end)


def _quiet(report: Any) -> Any:
    """A hook that says nothing of a Stopped that was raised inside a destructor, where nobody can catch it."""

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Stopped):
            report(unraisable)

    return hook
