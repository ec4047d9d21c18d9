"""`mss-lab listening`: a folder of ratings becomes a table and a picture, and bad files are refused in one line."""

import pytest

from mss_lab import cli
from mss_lab.metrics import listeners


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        name = f"L{number}"
        ratings = [listeners.Rating(name, "song", "hidden reference", 100.0 if number else 20.0)]
        ratings += [listeners.Rating(name, "song", "P", 40.0 + number)]
        listeners.write(tmp_path / "class" / f"{name}.csv", ratings)
    return tmp_path / "class"


def test_it_prints_the_table_and_writes_the_picture(folder, tmp_path, capsys):
    plot = tmp_path / "plot.png"
    assert cli.main(["listening", str(folder), "--plot", str(plot)]) == 0
    printed = capsys.readouterr().out
    assert listeners.summarise(listeners.read(folder)).as_text() in printed
    assert "dropped, since they missed the hidden reference too often: L0" in printed
    assert "P 42" in printed.splitlines()[-1]
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert cli.main(["listening", str(folder), "--plot", str(plot)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert cli.main(["listening", str(folder), "--plot", str(plot), "--force"]) == 0


def test_what_is_no_test_is_refused_in_one_line(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (folder / "bad.csv").write_text("listener,trial,stimulus,rating\nAnn,one,P,101\n")
    for path, words in (("empty", "holds no file of ratings"), ("class", "bad.csv, line 2: rating"), ("none", "exist")):
        assert cli.main(["listening", str(tmp_path / path)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and words in error
