"""The box: what a program in it sees, what it may take, and that nothing is left of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mss_lab.grading import sandbox
from mss_lab.refusals import RefusedValue
from tests.paths import PACKAGE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="not run: boxes are made of services of Linux")
strong = pytest.mark.skipif(
    sys.platform == "linux" and bool(sandbox.weakness()), reason=f"not run: {sandbox.weakness()}"
)
# Which rules hold: with namespaces, where the system allows them, and without.
both = pytest.mark.parametrize("namespaces", [pytest.param(True, marks=strong), False], ids=["strong", "weak"])

SMALL = sandbox.Limits(memory_bytes=300_000_000, processes=12, file_bytes=5_000_000)


def run(folder, code, limits=SMALL, namespaces=True, **options):
    """Run Python code in a box; returns what it leaves in `told`, why it was ended, and its exit code."""
    files, shared = folder / "files", folder / "shared"
    for made in (files, shared):
        made.mkdir(exist_ok=True)
    (files / "beside.txt").write_text("beside", encoding="utf-8")
    told = shared / "told"
    code = f"import json, os\ntold = {{}}\n{code}\nwith open({str(told)!r}, 'w') as file:\n    json.dump(told, file)"
    with sandbox.launch(files, shared, limits, own=folder, namespaces=namespaces, **options) as launch:
        command = [*launch.command, sys.executable, "-c", code]
        done = subprocess.run(command, env=launch.environment, timeout=60, check=False)
        return json.loads(told.read_text(encoding="utf-8")) if told.exists() else None, launch.reason(), done.returncode


LOOK_AROUND = """
def names(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return type(error).__name__

def written(path):
    try:
        open(path, "a").close()
        return True
    except OSError:
        return False

told["beside"] = open("beside.txt").read()
told["variables"] = dict(os.environ)
told["teacher"] = [names({class_folder!r}), names("/root"), names("/home")]
told["processes"] = [name for name in names("/proc") if name.isdigit()]
others = [f"/proc/{{name}}/environ" for name in told["processes"] if name != str(os.getpid())]
told["others' variables"] = [path for path in others if os.access(path, os.R_OK)]
told["package"] = names({package!r})
told["content"] = names({package!r} + "/content")
told["written"] = [path for path in ({package!r} + "/units.py", {package!r} + "/new", "/usr/new") if written(path)]
import ctypes, socket
told["mount"] = ctypes.CDLL(None).mount(b"x", b"/tmp", b"tmpfs", 0, None)
told["unshare"] = ctypes.CDLL(None).unshare(0x10000000)
try:
    socket.create_connection(("192.0.2.1", 80), 1)
    told["network"] = "there"
except OSError as error:
    told["network"] = error.strerror or "nothing"
told["interfaces"] = [name for _, name in socket.if_nameindex()]
"""


@strong
def test_a_program_sees_nothing_of_the_teachers(tmp_path, monkeypatch):
    monkeypatch.setenv("TEACHERS_SECRET", "hush")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "bob.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "lessons").mkdir()
    code = LOOK_AROUND.format(class_folder=str(tmp_path / "class"), package=str(PACKAGE))
    told, reason, _ = run(tmp_path, code, lessons=tmp_path / "lessons")
    assert reason == "" and told["beside"] == "beside"
    assert "TEACHERS_SECRET" not in told["variables"] and "hush" not in str(told)
    assert told["teacher"][0] == "FileNotFoundError"
    # Where Python itself is installed in a home folder, the way there is seen, and nothing beside it.
    assert all(isinstance(names, str) or len(names) <= 2 for names in told["teacher"][1:])
    assert len(told["processes"]) == 2 and told["others' variables"] == []
    assert "units.py" in told["package"] and told["content"] == []
    assert told["written"] == []
    assert told["mount"] == -1 and told["unshare"] == -1
    assert told["network"] == "Network is unreachable" and told["interfaces"] == ["lo"]


@both
def test_files_beside_are_read_and_the_teachers_copies_kept(tmp_path, namespaces):
    told, reason, code = run(
        tmp_path, "told['read'] = open('beside.txt').read()\nopen('own.txt', 'w').write('x')", namespaces=namespaces
    )
    assert (told, reason, code) == ({"read": "beside"}, "", 0)
    assert not namespaces or [path.name for path in (tmp_path / "files").iterdir()] == ["beside.txt"]


SAID = {"memory of many": "of memory", "processes": "processes", "the shared folder": "for the grader"}
GREEDY = {
    "memory at once": "all_of_it = bytes(10**9)",
    "memory in small parts": "kept = []\nwhile True:\n    kept.append(bytearray(10**7))",
    "memory of many": "import time\nfor _ in range(5):\n    if not os.fork():\n        a = bytearray(10**8)\n"
    "        a[::4096] = b'x' * len(a[::4096])\n        time.sleep(30)\ntime.sleep(30)",
    "processes": "import time\nfor _ in range(30):\n    if not os.fork():\n        time.sleep(30)\ntime.sleep(30)",
    "a large file": "open('f', 'wb').write(bytes(10**7))",
    "the shared folder": "import time\nfor n in range(9):\n"
    "    open({shared!r} + str(n), 'wb').write(bytes(4 * 10**6))\ntime.sleep(30)",
}


@both
@pytest.mark.parametrize("kind", GREEDY)
def test_a_program_that_takes_too_much_is_ended(tmp_path, kind, namespaces):
    code = GREEDY[kind].format(shared=str(tmp_path / "shared") + "/")
    told, reason, status = run(tmp_path, code, namespaces=namespaces)
    # Some are refused by the system at once, and stop with an error of their own.
    assert told is None and status != 0
    words = {"memory of many": "of memory", "processes": "processes", "the shared folder": "for the grader"}.get(
        kind, ""
    )
    assert words in reason
    assert not processes_of(tmp_path)


@both
def test_nothing_that_was_started_goes_on(tmp_path, namespaces):
    daemon = "import time\nif not os.fork():\n    os.setsid()\n    if not os.fork():\n        time.sleep(60)\n"
    told, reason, status = run(tmp_path, daemon + "    os._exit(0)\ntime.sleep(0.3)", namespaces=namespaces)
    assert (told, reason, status) == ({}, "", 0)
    assert not processes_of(tmp_path)


def processes_of(folder):
    """Command lines of running processes that name a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in words and process.name != str(os.getpid()):
            found.append(words)
    return found


@both
def test_root_is_root_in_name_only(tmp_path, namespaces):
    code = "told['rights'] = [line for line in open('/proc/self/status') if line.startswith('CapEff')]"
    told, _, _ = run(tmp_path, code, namespaces=namespaces)
    assert told["rights"] == ["CapEff:\t0000000000000000\n"]


@both
def test_what_the_program_says_does_not_reach_the_terminal(tmp_path, namespaces, capfd):
    run(tmp_path, "os.write(1, b'\\x1b[2J')\nos.write(2, b'oh')", namespaces=namespaces)
    assert capfd.readouterr() == ("", "")


@both
def test_the_exit_code_is_the_programs(tmp_path, namespaces):
    assert run(tmp_path, "os._exit(3)", namespaces=namespaces)[2] == 3
    assert run(tmp_path, "os.kill(os.getpid(), 9)", namespaces=namespaces)[2] == 137


@pytest.mark.parametrize(
    "field, value",
    [("seconds", 0), ("seconds", float("nan")), ("memory_bytes", 0), ("processes", 1.5), ("file_bytes", -1)],
)
def test_limits_must_make_sense(field, value):
    with pytest.raises(RefusedValue, match=field):
        sandbox.Limits(**{field: value})
