"""`mss-lab serve` without a browser: its command, its environment, and what it says when it cannot start."""

import sys
from pathlib import Path

import nbformat
import pytest

from mss_lab import cli, serve


def test_the_server_is_local_behind_a_token_and_has_folders_of_its_own(tmp_path):
    page = serve.write_page(tmp_path)
    command = serve.serve_command(page, 9000, browser=False)
    assert command[:4] == [sys.executable, "-m", "voila", str(page)]
    assert {"--Voila.ip=127.0.0.1", "--Voila.auto_token=True", "--Voila.port=9000", "--Voila.port_retries=0"} <= {
        *command
    }
    assert "--no-browser" in command
    assert not any("port" in word or "browser" in word for word in serve.serve_command(page)[4:])

    environment = serve.serve_environment(tmp_path, {"JUPYTER_PATH": "mine", "HOME": "/home/me"})
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        assert Path(environment[name]).parent == tmp_path
    assert environment["JUPYTER_PATH"].endswith("mine")
    assert environment["HOME"] == "/home/me"


def test_the_page_is_one_cell_and_its_template_needs_no_network(tmp_path):
    notebook = nbformat.read(serve.write_page(tmp_path), as_version=4)
    assert [cell.source for cell in notebook.cells] == [serve.CELL]
    template = serve.JUPYTER_DATA / "voila" / "templates" / "mss-lab"
    assert (template / "conf.json").is_file()
    assert "://" not in (template / "index.html.j2").read_text(encoding="utf-8")


def test_without_voila_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "voila", None)
    assert cli.main(["serve"]) == 2
    said = capsys.readouterr().err
    assert "pip install 'mss-lab[serve]'" in said
    assert "own.panel()" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("port", ["0", "70000"])
def test_an_impossible_port_is_refused(capsys, port):
    assert cli.main(["serve", "--port", port]) == 2
    assert "65535" in capsys.readouterr().err
