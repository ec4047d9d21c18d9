"""Worker: runs the newest job in one thread, and drops older jobs that have not started.

A slider that is dragged requests a new picture many times a second. There is no queue: while a job runs, only the
newest request waits. If a newer job waits when a job ends, the result is dropped, but never two in a row, so that the
picture is updated during a long drag.

Contents: LatestWorker. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import threading
from collections.abc import Callable
from typing import Any

# Marks that no job waits, since None can be a job.
_NOTHING = object()


class LatestWorker:
    """Runs `work` on the newest job and passes its result to `show`; exceptions of both are passed to `fail`.

    The thread exists only while there is work. All three functions are called from one thread at a time.

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
        """Request a job and return at once; a job that waits and has not started is dropped."""
        with self._lock:
            self._waiting = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="mss-lab-latest-worker")
                self._thread.start()

    def run_now(self, job: Any) -> Any:
        """Run a job in the calling thread, after the one that runs; a job that waits is older, and is dropped.

        Returns the result, which has been shown. An exception is passed to `fail` and raised again.
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
        """Wait until no job runs or waits; return False if the time is over before."""
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
            # Any exception of a reader's function is shown on the panel; the thread must not end by it.
            self._fail(job, error)
