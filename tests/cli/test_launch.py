"""The server that `make lab` starts: this computer only, behind a token, open at lesson 00."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from mss_lab import cli, launch, serve, shipped

START_LIMIT_S = 90


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server on a free port with settings of its own: its port and the address it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder, root = tmp_path_factory.mktemp("jupyter"), shipped.course_folder()
    environment = {**os.environ}
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "HOME"):
        environment[name] = str(folder)
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            launch.server_command(root, port, browser=False), stdout=output, stderr=output, env=environment, cwd=root
        )
    try:
        deadline = time.monotonic() + START_LIMIT_S
        address = None
        while address is None and time.monotonic() < deadline and process.poll() is None:
            address = re.search(rf"http://127\.0\.0\.1:{port}/\S*token=\w+", log.read_text())
            time.sleep(0.2)
        assert address, f"the server did not start: {log.read_text()}"
        yield port, address.group()
    finally:
        process.terminate()
        process.wait(timeout=30)


def fetch(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.status, answer.url, answer.read().decode(errors="replace")


def test_the_printed_address_opens_lesson_00(server):
    _, address = server
    assert launch.FIRST_LESSON in address
    status, url, page = fetch(address)
    assert status == 200
    assert "/lab/tree/" in url
    assert "jupyter-config-data" in page


def test_without_the_token_nothing_is_served(server):
    port, _ = server
    with pytest.raises(urllib.error.HTTPError) as refusal:
        fetch(f"http://127.0.0.1:{port}/api/contents")
    assert refusal.value.code == 403


def test_only_this_computer_can_connect(server):
    port, _ = server
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    # A server that listened on every address of this computer would answer at its other ones, too.
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", port), timeout=5).close()


def test_the_port_is_kept_or_refused():
    assert "--ServerApp.port=9000" in launch.server_command("course", 9000)
    assert "--ServerApp.port_retries=0" in launch.server_command("course", 9000)
    assert not any("port" in word for word in launch.server_command("course"))
    assert "--no-browser" not in launch.server_command("course")


def test_an_impossible_port_is_refused(capsys):
    assert cli.main(["lab", "--port", "99999"]) == 2
    assert "65535" in capsys.readouterr().err


@pytest.mark.parametrize("environment", [launch.server_environment, lambda: serve.serve_environment(Path("folder"))])
def test_kernels_use_one_thread_of_openblas_unless_the_reader_wants_more(environment, monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert environment()["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert environment()["OPENBLAS_NUM_THREADS"] == "3"
