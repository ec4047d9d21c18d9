"""Every kernel ends with its notebook, and with it all that it started, however the notebook ended."""

import sys
import uuid
from pathlib import Path

import pytest

from mss_lab.lessons import notebooks
from tests.lessons import toy_lesson

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.skipif(sys.platform != "linux", reason="not run: processes are looked for in /proc"),
]

# Starts a program as its own session, whose parent ends at once: nobody of the kernel's group or tree is left above it.
DAEMON = """%
import os, subprocess, sys, time
sleeper = "import os, subprocess, sys\\nif os.fork() == 0:\\n    os.setsid()\\n    os.execvp('sleep', ['sleep', '600'])"
subprocess.run([sys.executable, "-c", sleeper])
"""
CHILD = "%subprocess.Popen(['sleep', '600'])"

ENDINGS = {
    "at its last cell": (),
    "by its time limit": ("%while True:\n    pass",),
    "by a kernel that kills itself": ("%os.kill(os.getpid(), 9)",),
    "by an error": ("%1 / 0",),
}


def processes_with(marker: str) -> list[str]:
    """Command lines of the processes that have `marker` in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if marker.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_text())
            except OSError:
                continue
    return found


@pytest.mark.slow(4)
@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_left_of_a_notebook_that_ends(ending, tmp_path):
    marker = uuid.uuid4().hex
    seen = "%print(len(os.listdir('/proc')))"
    made = toy_lesson.notebook(DAEMON, CHILD, seen, *ENDINGS[ending])
    run = notebooks.execute(made, folder=tmp_path, time_limit_s=5, environment={"MARKER": marker})
    assert run.notebook.cells[2].outputs, "the processes to be ended were never started"
    assert processes_with(marker) == []


def test_nothing_is_left_where_the_caller_stops_waiting(tmp_path, monkeypatch):
    marker = uuid.uuid4().hex
    running = []

    def interrupted(*arguments):
        running.extend(processes_with(marker))
        raise KeyboardInterrupt

    monkeypatch.setattr(notebooks, "_run_cells", interrupted)
    with pytest.raises(KeyboardInterrupt):
        notebooks.execute(toy_lesson.notebook(), folder=tmp_path, time_limit_s=5, environment={"MARKER": marker})
    assert running and processes_with(marker) == []
