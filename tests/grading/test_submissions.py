"""Which notebooks are graded, whose they are, and what goes with them: nobody is forgotten, and no link is followed."""

import hashlib
import os
import socket
import sys
from pathlib import Path

import pytest

from mss_lab.grading import submissions
from mss_lab.lessons import beside

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of this kind are not there on Windows")


def make(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("{}", encoding="utf-8")


def found(*paths):
    return [(one.notebook, one.problem) for one in submissions.find(paths)]


def students(root, *paths):
    return {os.path.relpath(one.notebook, root): one.student for one in submissions.find(paths)}


# Which


def test_folders_are_searched_in_a_stable_order_without_hidden_ones(tmp_path):
    make(tmp_path, "b/z.ipynb", "b/a.IPYNB", "a/deep/er/x.ipynb", "c.ipynb", "c.txt", ".hidden.ipynb")
    make(tmp_path, ".git/x.ipynb", "a/.ipynb_checkpoints/x-checkpoint.ipynb", "__pycache__/x.ipynb")
    names = [os.path.relpath(path, tmp_path) for path, problem in found(tmp_path) if not problem]
    assert names == ["a/deep/er/x.ipynb", "b/a.IPYNB", "b/z.ipynb", "c.ipynb"]


def test_paths_keep_the_order_in_which_they_were_given(tmp_path):
    make(tmp_path, "b.ipynb", "a.ipynb", "c/d.ipynb")
    given = [tmp_path / "b.ipynb", tmp_path / "c", tmp_path / "a.ipynb"]
    assert [path for path, _ in found(*given)] == [str(given[0]), str(tmp_path / "c/d.ipynb"), str(given[2])]


def test_a_notebook_named_twice_is_graded_once_and_that_is_said(tmp_path):
    make(tmp_path, "a/x.ipynb", "b/x.ipynb")
    (tmp_path / "link").symlink_to("a")
    given = [tmp_path / "a/x.ipynb", tmp_path / "b/../a/x.ipynb", tmp_path / "link/x.ipynb", tmp_path / "a"]
    (one,) = submissions.find(given)
    assert one.notebook == str(given[0]) and one.notes == ("it was named 4 times, and graded once",)


def test_hard_links_are_two_submissions(tmp_path):
    # A tool that saves disk may have made one file of two equal ones.
    make(tmp_path, "ada.ipynb")
    os.link(tmp_path / "ada.ipynb", tmp_path / "bob.ipynb")
    assert students(tmp_path, tmp_path) == {"ada.ipynb": "ada", "bob.ipynb": "bob"}


def test_links_are_never_followed_and_never_forgotten(tmp_path):
    make(tmp_path, "class/ada/w.ipynb")
    eve = tmp_path / "class/eve"
    eve.mkdir()
    (eve / "w.ipynb").symlink_to("../ada/w.ipynb")
    (eve / "dangling.ipynb").symlink_to("nowhere")
    (eve / "loop.ipynb").symlink_to("loop.ipynb")
    (eve / "up").symlink_to("..")
    (eve / "text").symlink_to("nowhere")
    (tmp_path / "class/zoe").symlink_to("ada")
    told = {os.path.relpath(path, tmp_path / "class"): problem for path, problem in found(tmp_path / "class")}
    assert list(told) == ["ada/w.ipynb", "eve/dangling.ipynb", "eve/loop.ipynb", "eve/up", "eve/w.ipynb", "zoe"]
    assert told.pop("ada/w.ipynb") == ""
    assert all("links are not followed" in problem for problem in told.values())
    # As `class/*` and `class/*/` name them.
    for end in ("", "/"):
        (one,) = submissions.find([f"{tmp_path}/class/zoe{end}"])
        assert "a link to ada" in one.problem and one.student == "zoe"


def test_pipes_sockets_devices_and_folders_of_that_name_are_told(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    make(tmp_path, "full.ipynb/inside.ipynb", "other/x.txt")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket.ipynb")
    told = dict(found("pipe.ipynb", "socket.ipynb", "folder.ipynb", "full.ipynb", "/dev/zero", "other", "none.ipynb"))
    assert "got a pipe" in told["pipe.ipynb"] and "got a socket" in told["socket.ipynb"]
    assert told["folder.ipynb"] == told["other"] == "the folder holds no notebook"
    assert told["full.ipynb/inside.ipynb"] == "" and "got a device" in told["/dev/zero"]
    assert "there is no such file" in told["none.ipynb"]
    in_search = dict(found("."))
    assert "got a pipe" in in_search["pipe.ipynb"] and "got a socket" in in_search["socket.ipynb"]


def test_folders_that_cannot_be_searched_are_told_and_others_are_graded(tmp_path, monkeypatch):
    make(tmp_path, "a/x.ipynb", "closed/x.ipynb", "z/x.ipynb")
    whole = type(tmp_path).iterdir

    def iterdir(folder):
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return whole(folder)

    monkeypatch.setattr(type(tmp_path), "iterdir", iterdir)
    told = {os.path.relpath(path, tmp_path): problem for path, problem in found(tmp_path)}
    assert told == {"a/x.ipynb": "", "closed": "the folder cannot be searched (Permission denied)", "z/x.ipynb": ""}


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.ipynb", b"two\nlines.ipynb", b"\x1b]0;x\x07.ipynb", b"-rf.ipynb", b" .ipynb"]
)
def test_names_of_any_bytes_are_found(tmp_path, name):
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"{}")
    (one,) = submissions.find([tmp_path])
    assert os.fsencode(one.notebook) == path and not one.problem
    assert submissions.read(one.notebook) == b"{}"


@pytest.mark.parametrize("path", ["a" * 5000, "a\0b", "a\0b/c", "a/" * 3000, "loop/a.ipynb", "loop/.."])
def test_impossible_paths_are_told(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (one,) = submissions.find([path])
    assert one.problem


def test_a_folder_deeper_than_paths_can_be_is_told(tmp_path):
    make(tmp_path, "a.ipynb")
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(40):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
    finally:
        os.fchdir(before)
        os.close(before)
    told = submissions.find([tmp_path])
    assert [one.student for one in told if not one.problem] == ["a"]
    assert any("name too long" in one.problem for one in told)


# Whose


def test_each_student_has_a_file(tmp_path):
    make(tmp_path, "ada.ipynb", "bob.ipynb")
    assert students(tmp_path, tmp_path) == {"ada.ipynb": "ada", "bob.ipynb": "bob"}
    assert students(tmp_path, tmp_path / "ada.ipynb") == {"ada.ipynb": "ada"}


def test_each_student_has_a_folder(tmp_path):
    make(tmp_path, "ada/work.ipynb", "bob/deep/er.ipynb", "cyd/00_unmix.ipynb", "cyd/05_nmf.ipynb")
    wanted = {
        "ada/work.ipynb": "ada",
        "bob/deep/er.ipynb": "bob",
        "cyd/00_unmix.ipynb": "cyd",
        "cyd/05_nmf.ipynb": "cyd",
    }
    assert students(tmp_path, tmp_path) == wanted


def test_each_student_has_a_folder_and_a_shell_named_the_files(tmp_path):
    make(tmp_path, "ada/work.ipynb", "bob/work.ipynb")
    by_file = students(tmp_path, tmp_path / "ada/work.ipynb", tmp_path / "bob/work.ipynb")
    by_folder = students(tmp_path, tmp_path / "ada", tmp_path / "bob")
    assert by_file == by_folder == {"ada/work.ipynb": "ada", "bob/work.ipynb": "bob"}


def test_each_lesson_has_a_folder(tmp_path):
    make(tmp_path, "lesson00/ada.ipynb", "lesson00/bob.ipynb", "lesson05/ada.ipynb", "lesson05/bob.ipynb")
    assert set(students(tmp_path, tmp_path).values()) == {"ada", "bob"}


# What is read


def test_only_ordinary_files_of_some_size_are_read(tmp_path, monkeypatch):
    make(tmp_path, "a.ipynb")
    assert submissions.read(tmp_path / "a.ipynb") == b"{}"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("a.ipynb")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10**12)
    for name, words in (("pipe", "a pipe"), ("link", "a link"), ("huge", r"at most 100 MB, got 1e\+06 MB")):
        with pytest.raises(ValueError, match=words):
            submissions.read(tmp_path / name)
    monkeypatch.setattr(submissions, "LARGEST_NOTEBOOK_BYTES", 2)
    assert submissions.read(tmp_path / "a.ipynb") == b"{}"
    monkeypatch.setattr(submissions, "LARGEST_NOTEBOOK_BYTES", 1)
    with pytest.raises(ValueError, match="make it smaller"):
        submissions.read(tmp_path / "a.ipynb")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_a_file_that_says_it_is_empty_is_read_to_the_limit():
    # Files of /proc hold more than their size says.
    assert Path("/proc/self/status").stat().st_size == 0
    with pytest.raises(ValueError, match="at most"):
        beside.read_file("/proc/self/status", most_bytes=100)


# What goes with it


def test_files_beside_go_with_a_notebook_that_is_alone(tmp_path):
    make(tmp_path, "ada/work.ipynb", "ada/own.wav", "ada/data/x.csv", "ada/.git/config", "ada/__pycache__/a.pyc")
    make(tmp_path, "ada/.ipynb_checkpoints/work-checkpoint.ipynb")
    (tmp_path / "into").mkdir()
    copied = submissions.take_along(tmp_path / "ada/work.ipynb", tmp_path / "into")
    empty = hashlib.sha256(b"{}").hexdigest()
    assert copied.digests == {"own.wav": empty, "data/x.csv": empty} and copied.notes == ()
    assert sorted(os.path.relpath(path, tmp_path / "into") for path in (tmp_path / "into").rglob("*.*")) == [
        "data/x.csv",
        "own.wav",
    ]


@pytest.mark.parametrize("other", ["bob.ipynb", "below/bob.ipynb", "below/deep/bob.IPYNB"])
def test_nothing_goes_with_a_notebook_that_shares_its_folder(tmp_path, other):
    make(tmp_path, "class/ada.ipynb", f"class/{other}", "class/own.wav")
    (tmp_path / "into").mkdir()
    copied = submissions.take_along(tmp_path / "class/ada.ipynb", tmp_path / "into")
    assert copied.digests == {} and list((tmp_path / "into").iterdir()) == []


def test_only_ordinary_files_go_along(tmp_path, monkeypatch):
    make(tmp_path, "ada/work.ipynb", "ada/good.wav", "ada/closed.wav", "secret", "ada/results/x.json")
    ada = tmp_path / "ada"
    (ada / "link").symlink_to("../secret")
    (ada / "up").symlink_to("..")
    (ada / "loop").symlink_to("loop")
    os.mkfifo(ada / "pipe")
    whole = os.open

    def refuse(path, *arguments):
        if Path(path).name == "closed.wav":
            raise PermissionError(13, "Permission denied")
        return whole(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    (tmp_path / "into").mkdir()
    copied = submissions.take_along(ada / "work.ipynb", tmp_path / "into", leave_out=[ada / "results"])
    assert list(copied.digests) == ["good.wav"]
    assert sorted(copied.notes) == [
        "closed.wav was left out (Permission denied)",
        "link was left out (a link)",
        "loop was left out (a link)",
        "pipe was left out (a pipe)",
        "up was left out (a link)",
    ]


def test_what_goes_along_is_limited_in_size_number_and_depth(tmp_path, monkeypatch):
    make(tmp_path, "ada/work.ipynb", "ada/1.wav", "ada/2.wav", "ada/a/b/c.wav")
    with (tmp_path / "ada/huge.wav").open("wb") as file:
        file.truncate(10**12)
    monkeypatch.setattr(beside, "DEEPEST", 1)
    monkeypatch.setattr(beside, "MOST_FILES", 1)
    (tmp_path / "into").mkdir()
    copied = submissions.take_along(tmp_path / "ada/work.ipynb", tmp_path / "into")
    assert list(copied.digests) == ["1.wav"]
    assert [note.split(" (")[0] for note in copied.notes] == [
        "a/b was left out",
        "2.wav was left out",
        "huge.wav was left out",
    ]
    monkeypatch.setattr(beside, "MOST_LOOKED_AT", 1)
    (tmp_path / "more").mkdir()
    assert submissions.take_along(tmp_path / "ada/work.ipynb", tmp_path / "more").digests == {}


def test_the_teachers_files_go_with_everybody_and_before_a_students(tmp_path):
    make(tmp_path, "class/ada.ipynb", "class/bob.ipynb", "eve/eve.ipynb", "eve/song.wav")
    (tmp_path / "teacher").mkdir()
    song = tmp_path / "teacher/song.wav"
    song.write_bytes(b"music")
    digest = hashlib.sha256(b"music").hexdigest()
    for notebook in ("class/ada.ipynb", "eve/eve.ipynb"):
        into = tmp_path / f"into-{notebook[:3]}"
        into.mkdir()
        copied = submissions.take_along(tmp_path / notebook, into, for_all=[song])
        assert copied.digests == {"song.wav": digest} and (into / "song.wav").read_bytes() == b"music"
    with pytest.raises(OSError):
        submissions.take_along(tmp_path / "class/ada.ipynb", into, for_all=[tmp_path / "none"])
