"""Files and folders appear whole or not at all, whatever happens half-way."""

import functools
import os
import stat
from pathlib import Path

import pytest

from mss_lab import files
from tests import folders

everything = functools.partial(folders.contents, text=True)


class Interrupted(BaseException):
    """Stands for Ctrl-C, which is no Exception."""


FAILURES = [RuntimeError("half-way"), OSError("disk full"), Interrupted()]


def test_a_file_appears_with_all_its_folders(tmp_path):
    with files.whole_file(tmp_path / "a" / "b" / "new.txt") as temporary:
        assert temporary.name == "new.txt"
        assert not (tmp_path / "a" / "b" / "new.txt").exists()
        temporary.write_text("whole")
    assert everything(tmp_path) == {"a": None, "a/b": None, "a/b/new.txt": "whole"}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_file_that_fails_half_way_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), files.whole_file(tmp_path / "a" / "b" / "new.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path, error):
    (tmp_path / "old.txt").write_text("old")
    with pytest.raises(type(error)), files.whole_file(tmp_path / "old.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert everything(tmp_path) == {"old.txt": "old"}


def test_a_file_is_replaced_only_when_allowed(tmp_path):
    path = tmp_path / "old.txt"
    path.write_text("old")
    with (
        pytest.raises(FileExistsError, match=r"old\.txt exists already; choose another name, or allow .*--force"),
        files.whole_file(path, force=False),
    ):
        raise AssertionError("the block must not run")
    with files.whole_file(path, force=True) as temporary:
        temporary.write_text("new")
    assert everything(tmp_path) == {"old.txt": "new"}


def test_a_file_that_appears_meanwhile_is_not_replaced_either(tmp_path):
    with (
        pytest.raises(FileExistsError, match="exists already"),
        files.whole_file(tmp_path / "x.txt", force=False) as temporary,
    ):
        temporary.write_text("mine")
        (tmp_path / "x.txt").write_text("theirs")
    assert everything(tmp_path) == {"x.txt": "theirs"}


def test_a_folder_is_no_file(tmp_path):
    with (
        pytest.raises(FileExistsError, match="must be a file's name, got a folder that exists; add the name"),
        files.whole_file(tmp_path),
    ):
        pass


@pytest.mark.parametrize("whole", [files.whole_file, files.whole_folder])
def test_a_place_below_a_file_cannot_be_written(tmp_path, whole):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(OSError, match=r"folder .*file.* cannot be made or written .*choose a place you may write to"),
        whole(tmp_path / "file" / "deeper" / "x"),
    ):
        pass
    assert everything(tmp_path) == {"file": "in the way"}


@pytest.mark.parametrize("whole", [files.whole_file, files.whole_folder])
def test_a_place_that_may_not_be_written_is_refused(tmp_path, whole, monkeypatch):
    # Tests may run as root, who may write anywhere; so the system's answer is played.
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mss_lab.temporary.tempfile.mkdtemp", refuse)
    with (
        pytest.raises(OSError, match=r"cannot be made or written \(Permission denied\); choose a place"),
        whole(tmp_path / "new" / "x"),
    ):
        pass
    assert everything(tmp_path) == {}


def test_long_names_still_find_a_temporary_place(tmp_path):
    name = "x" * 250 + ".txt"
    with files.whole_file(tmp_path / name) as temporary:
        temporary.write_text("whole")
    assert everything(tmp_path) == {name: "whole"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_files_and_folders_have_the_rights_that_the_umask_gives(tmp_path):
    before = os.umask(0o027)
    try:
        with files.whole_folder(tmp_path / "folder") as temporary:
            (temporary / "file").write_text("x")
        with files.whole_file(tmp_path / "file") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("folder", "folder/file", "file")]
    assert rights == [0o750, 0o640, 0o640]


def fill(folder, error=None):
    (folder / "one.txt").write_text("1")
    if error is not None:
        raise error
    (folder / "two.txt").write_text("2")


def test_a_folder_appears_whole(tmp_path):
    with files.whole_folder(tmp_path / "a" / "out") as temporary:
        fill(temporary)
        assert not (tmp_path / "a" / "out").exists()
    assert everything(tmp_path) == {"a": None, "a/out": None, "a/out/one.txt": "1", "a/out/two.txt": "2"}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("old", [False, True])
def test_a_folder_that_fails_half_way_changes_nothing(tmp_path, error, old):
    if old:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "old.txt").write_text("old")
    before = everything(tmp_path)
    with pytest.raises(type(error)), files.whole_folder(tmp_path / "out", force=True) as temporary:
        fill(temporary, error)
    assert everything(tmp_path) == before


def test_a_folder_that_holds_something_is_replaced_only_when_allowed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    with (
        pytest.raises(FileExistsError, match=r"folder .*out exists already; choose another, or allow .*--force"),
        files.whole_folder(tmp_path / "out"),
    ):
        raise AssertionError("the block must not run")
    with files.whole_folder(tmp_path / "out", force=True) as temporary:
        fill(temporary)
    assert everything(tmp_path) == {"out": None, "out/one.txt": "1", "out/two.txt": "2"}


def test_an_empty_folder_is_nothing(tmp_path):
    (tmp_path / "out").mkdir()
    with files.whole_folder(tmp_path / "out") as temporary:
        fill(temporary)
    assert everything(tmp_path) == {"out": None, "out/one.txt": "1", "out/two.txt": "2"}


def test_a_folder_filled_meanwhile_is_not_replaced_either(tmp_path):
    with pytest.raises(FileExistsError, match="exists already"), files.whole_folder(tmp_path / "out") as temporary:
        fill(temporary)
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs.txt").write_text("theirs")
    assert everything(tmp_path) == {"out": None, "out/theirs.txt": "theirs"}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("file")
    with (
        pytest.raises(FileExistsError, match="must be a folder's name, got a file that exists; choose another name"),
        files.whole_folder(tmp_path / "out", force=True),
    ):
        pass
    assert everything(tmp_path) == {"out": "file"}


@pytest.fixture
def no_exchange(monkeypatch):
    """A system that cannot exchange two folders in one step."""
    monkeypatch.setattr(files, "_exchanged_by_the_system", lambda one, other: False)


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_the_old_folder_comes_back_when_the_last_step_fails(tmp_path, monkeypatch, error):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    move = Path.replace

    def fail_with_the_new_one(self, target):
        if self.name == "new":
            raise error
        return move(self, target)

    monkeypatch.setattr(Path, "replace", fail_with_the_new_one)
    with pytest.raises(type(error)), files.whole_folder(tmp_path / "out", force=True) as temporary:
        fill(temporary)
    assert everything(tmp_path) == {"out": None, "out/old.txt": "old"}


@pytest.mark.usefixtures("no_exchange")
def test_the_old_folder_is_kept_aside_when_it_cannot_come_back(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    move = Path.replace

    def fail_after_the_first(self, target):
        if self.name in ("new", "old"):
            raise OSError("broken")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", fail_after_the_first)
    with pytest.raises(OSError, match="broken"), files.whole_folder(tmp_path / "out", force=True) as temporary:
        fill(temporary)
    assert [path.read_text() for path in tmp_path.rglob("old.txt")] == ["old"]


@pytest.mark.parametrize("place", ["work", ".", "..", "../../home", "../.."])
def test_force_never_replaces_the_folder_one_works_or_lives_in(tmp_path, monkeypatch, place):
    for folder in ("home", "place/work"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "dear.txt").write_text("dear")
    monkeypatch.chdir(tmp_path / "place" / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    before = everything(tmp_path)
    target = Path.cwd() if place == "work" else Path(place)
    with (
        pytest.raises(ValueError, match="must be a folder of its own, got one you work or live in; name a new folder"),
        files.whole_folder(target, force=True) as temporary,
    ):
        fill(temporary)
    assert everything(tmp_path) == before


def test_a_link_to_a_folder_is_replaced_and_what_it_points_to_is_kept(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "old.txt").write_text("old")
    try:
        (tmp_path / "out").symlink_to(tmp_path / "real", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    with files.whole_folder(tmp_path / "out", force=True) as temporary:
        fill(temporary)
    assert everything(tmp_path / "real") == {"old.txt": "old"}
    assert everything(tmp_path / "out") == {"one.txt": "1", "two.txt": "2"}


def circle(folder):
    (folder / "one").symlink_to("other")
    (folder / "other").symlink_to("one")
    return folder / "one"


@pytest.mark.parametrize("place", ["gone/..", "there/..", ".", "there"])
def test_a_folder_is_no_file_however_it_is_spelt(tmp_path, place):
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError, match="must be a file's name"):
        files.check_new_file(tmp_path / place, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("make", [circle, lambda folder: circle(folder) / "below", lambda folder: folder / "a\0b"])
@pytest.mark.parametrize("check", [files.check_new_file, files.check_new_folder])
def test_a_place_that_no_file_can_have_is_refused(tmp_path, check, make, force):
    path = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"leads back to itself|holds a NUL"):
        check(path, force=force)
    assert sorted(tmp_path.iterdir()) == before


def test_an_input_in_a_circle_of_links_is_no_reason_to_fail(tmp_path):
    files.check_new_folder(tmp_path / "out", force=True, inputs=[circle(tmp_path)])
    (tmp_path / "out").mkdir()
    files.check_new_folder(tmp_path / "out", force=True, inputs=[tmp_path / "one"])
