"""Worker: does the newest job in one thread, and drops the ones it has superseded.

A slider that is dragged asks for a new picture many times a second. Jobs are never queued: while one runs, only the
newest request waits. When a job ends and a newer one already waits, its result is dropped; but never two in a row,
so that a long drag still shows where it is going.

Contents: LatestWorker. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import threading
from collections.abc import Callable
from typing import Any

# Says that nothing waits; None is a job like any other.
_NOTHING = object()


class LatestWorker:
    """Runs `work` on the newest job, and hands its result to `show`; errors of either go to `fail`.

    The thread lives only while there is work. All three functions are called from one thread at a time.

    Parameters
    ----------
    work : callable, job -> result
    show : callable, (job, result) -> None
        Not called for a result that is dropped.
    fail : callable, (job, exception) -> None
    """

    def __init__(
        self,
        work: Callable[[Any], Any],
        show: Callable[[Any, Any], None],
        fail: Callable[[Any, Exception], None],
    ) -> None:
        self._work, self._show, self._fail = work, show, fail
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: Any = _NOTHING
        self._thread: threading.Thread | None = None
        self._dropped_last = False

    def submit(self, job: Any) -> None:
        """Ask for a job; one that waited and has not begun is forgotten. Returns at once."""
        with self._lock:
            self._waiting = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="mss-lab-latest-worker")
                self._thread.start()

    def run_now(self, job: Any) -> Any:
        """Do a job in the calling thread, after the one that runs; what waited is forgotten, as it is older.

        Returns the result, which has been shown. An error goes to `fail` and is raised again.
        """
        with self._lock:
            self._waiting = _NOTHING
        with self._turn:
            try:
                result = self._work(job)
                self._show(job, result)
            except Exception as error:
                self._fail(job, error)
                raise
        return result

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing runs or waits; says whether that was reached in time."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
            return not thread.is_alive()
        return True

    def _run(self) -> None:
        while True:
            with self._turn:
                with self._lock:
                    job, self._waiting = self._waiting, _NOTHING
                    if job is _NOTHING:
                        self._thread = None
                        return
                self._do(job)

    def _do(self, job: Any) -> None:
        try:
            result = self._work(job)
            with self._lock:
                superseded = self._waiting is not _NOTHING
            self._dropped_last = superseded and not self._dropped_last
            if not self._dropped_last:
                self._show(job, result)
        except Exception as error:
            # Whatever a reader's function raises belongs on the panel; the thread must outlive it.
            self._fail(job, error)
