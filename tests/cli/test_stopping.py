"""A request to end is obeyed, in Python code, in a library that computes for minutes, and where it is swallowed."""

import signal
import subprocess
import sys

import pytest

# Each goes on for minutes: a step of a library that Python cannot interrupt, threads that are waited for, and a
# library that catches everything.
LONG = {
    "one step": "STEP()",
    "threads": "concurrent.futures.ThreadPoolExecutor(1).submit(STEP).result()",
    "swallowed": """
while True:
    try:
        time.sleep(0.01)
    except BaseException:
        pass""",
    "in order": "time.sleep(600)",
}
PROGRAM = """
import concurrent.futures, functools, hashlib, sys, time
from pathlib import Path
from mss_lab import cli, files
from mss_lab.cli import stopping

stopping.PATIENCE_S = 0.1
STEP = functools.partial(hashlib.pbkdf2_hmac, "sha256", b"", b"", 10**9)

def work(*_):
    with files.whole_folder(Path(sys.argv[1]) / "stems") as folder:
        (folder / "one.wav").write_bytes(b"half")
        print("begun", flush=True)
        {long}

cli._run = work
sys.exit(cli.main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("long", LONG)
def test_a_process_ends_when_it_is_asked_to_and_leaves_nothing(tmp_path, long, number):
    work = LONG[long].replace("\n", "\n        ")
    command = [sys.executable, "-c", PROGRAM.format(long=work), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout.readline() == "begun\n"
            assert len(list(tmp_path.iterdir())) == 1
            run.send_signal(number)
            _, said = run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 128 + number
    assert said == "mss-lab: stopped; nothing half-done was left behind\n"
    assert list(tmp_path.iterdir()) == []
