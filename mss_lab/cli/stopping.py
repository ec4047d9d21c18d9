"""Ctrl-C, SIGTERM and SIGHUP end a command in order: temporary files are removed, and one line says that it stopped.

Python obeys a signal between two steps of Python code. A library that computes for minutes in one step, or that catches
the exception and goes on, would hold it up for as long. A thread therefore watches for signals as well, and ends the
process itself where the main thread has not done so after a few seconds.

Contents: Stopped, stop_signals, PATIENCE_S, WORDS.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from ..temporary import STOP_SIGNALS, abandon

# How long the main thread has to end in order after a signal.
PATIENCE_S = 3.0

WORDS = "mss-lab: stopped; nothing half-done was left behind"


class Stopped(KeyboardInterrupt):
    """The process was asked to end. It is a KeyboardInterrupt, so that what handles Ctrl-C handles it as well."""


@contextlib.contextmanager
def stop_signals(*, at_end: Any = None, insist: bool = False) -> Iterator[list[int]]:
    """Raise Stopped in the main thread when a signal asks the process to end, during the block.

    Parameters
    ----------
    at_end : signal handler, optional
        What the signals do after the block, such as `signal.SIG_IGN`; left out, what they did before.
    insist : bool
        Whether the process ends, with its temporary files removed, where the block, or a thread that it leaves behind,
        goes on for `PATIENCE_S` after a signal. Only for a process that does nothing else.

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
        with _watched() if insist and before else contextlib.nullcontext():
            yield arrived
    finally:
        sys.unraisablehook = report
        for number, handler in before.items():
            signal.signal(number, handler if at_end is None else at_end)


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    """End the process soon after a signal that arrives during the block, whatever goes on in it or after it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    ended = threading.Event()

    def watch() -> None:
        while number := os.read(reading, 1):
            if number[0] in STOP_SIGNALS:
                if not ended.wait(PATIENCE_S):
                    abandon()
                    with contextlib.suppress(OSError):
                        os.write(2, f"{WORDS}\n".encode())
                else:
                    # Python waits for all threads before it ends, such as those that still compute.
                    time.sleep(PATIENCE_S)
                os._exit(128 + number[0])
        os.close(reading)

    # The system writes the number of every signal here at once, whatever the main thread is doing.
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        os.close(writing)


def _quiet(report: Any) -> Any:
    """A hook that says nothing of a Stopped that was raised inside a destructor, where nobody can catch it."""

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Stopped):
            report(unraisable)

    return hook
