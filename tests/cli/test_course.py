"""A reader's copy of the course: what came with it is updated, and nothing of the reader's is ever lost."""

import json
import shutil

import nbformat
import numpy as np
import pytest

from mss_lab import cli, course, files, launch, shipped
from mss_lab.lessons import notebooks
from mss_lab.refusals import RefusedValue
from tests.folders import contents

NAMES = ("notebooks/00_unmix_in_five_minutes.ipynb", "notebooks/01_sound.ipynb", "notebooks/02_masks.ipynb")
FIRST = NAMES[0]


def ship(root, version):
    """Write a course of three notebooks as a wheel would carry it; the last one is the same in all versions."""
    for name in NAMES:
        words = "always the same" if name == NAMES[-1] else f"version {version}"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"print({words!r})", id="first")])
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(notebooks.canonical(notebook), encoding="utf-8")


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """The folder of an installed course of version 1."""
    root = tmp_path / "installed"
    ship(root, 1)
    monkeypatch.setattr(shipped, "IN_THE_WHEEL", root)
    return root


@pytest.fixture
def folder(tmp_path, wheel):
    """A reader's folder in which version 1 was laid out."""
    course.lay_out(tmp_path / "mine")
    return tmp_path / "mine"


def edit(path, word="mine"):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += f"\n# {word}"
    nbformat.write(notebook, path)


def run_and_save(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="version 1\n")]
    notebook.cells[0].execution_count = 1
    nbformat.write(notebook, path)


def open_and_save(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.14.0"}
    nbformat.write(notebook, path, indent=2)


def test_an_empty_folder_gets_every_notebook_byte_for_byte(tmp_path, wheel):
    laid = course.lay_out(tmp_path / "new" / "folder")
    assert laid == course.Laid(NAMES, (), (), {})
    written = contents(tmp_path / "new" / "folder")
    assert course.RECORD in written and course.is_laid_out(tmp_path / "new" / "folder")
    assert written.pop(course.RECORD) and written.pop(".mss_lab") is None
    assert written == contents(wheel)


def test_a_second_call_writes_nothing(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert course.lay_out(folder) == course.Laid((), (), (), {})
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("change", [lambda path: None, open_and_save], ids=["untouched", "opened and saved"])
def test_a_notebook_that_the_reader_did_not_change_is_updated(folder, wheel, change):
    change(folder / FIRST)
    ship(wheel, 2)
    assert course.lay_out(folder) == course.Laid((), NAMES[:2], (), {})
    assert all((folder / name).read_bytes() == (wheel / name).read_bytes() for name in NAMES)


@pytest.mark.parametrize("change", [edit, run_and_save], ids=["edited", "run"])
def test_a_changed_notebook_is_kept_and_its_new_version_laid_beside_it_once(folder, wheel, change):
    change(folder / FIRST)
    own = (folder / FIRST).read_bytes()
    assert course.lay_out(folder) == course.Laid((), (), (FIRST,), {})

    ship(wheel, 2)
    new = "notebooks/00_unmix_in_five_minutes.new.ipynb"
    assert course.lay_out(folder) == course.Laid((), NAMES[1:2], (FIRST,), {FIRST: new})
    assert (folder / FIRST).read_bytes() == own
    assert (folder / new).read_bytes() == (wheel / FIRST).read_bytes()

    (folder / new).unlink()
    assert course.lay_out(folder) == course.Laid((), (), (FIRST,), {})
    assert not (folder / new).exists()


def test_what_was_laid_beside_is_updated_until_the_reader_changes_it(folder, wheel):
    edit(folder / FIRST)
    beside = [f"notebooks/00_unmix_in_five_minutes.{ending}.ipynb" for ending in ("new", "new-2")]
    for version in (2, 3):
        ship(wheel, version)
        assert course.lay_out(folder).beside == {FIRST: beside[0]}
        assert (folder / beside[0]).read_bytes() == (wheel / FIRST).read_bytes()
    edit(folder / beside[0])
    own = contents(folder)
    ship(wheel, 4)
    assert course.lay_out(folder).beside == {FIRST: beside[1]}
    after = contents(folder)
    assert after[beside[1]] == (wheel / FIRST).read_bytes()
    assert all(after[name] == own[name] for name in (FIRST, beside[0]))


def test_a_notebook_that_was_deleted_comes_again(folder, wheel):
    (folder / FIRST).unlink()
    assert course.lay_out(folder).added == (FIRST,)
    assert (folder / FIRST).read_bytes() == (wheel / FIRST).read_bytes()


def test_a_folder_with_other_things_keeps_them(tmp_path, wheel):
    mine = tmp_path / "mine"
    (mine / "notebooks" / "02_masks.ipynb").mkdir(parents=True)
    (mine / FIRST).write_text("no notebook at all")
    (mine / "elsewhere.ipynb").write_bytes((wheel / NAMES[1]).read_bytes())
    (mine / NAMES[1]).symlink_to(mine / "elsewhere.ipynb")
    (mine / "thesis.tex").write_text("years of work")
    before = contents(mine)
    laid = course.lay_out(mine)
    assert laid.added == laid.updated == ()
    assert laid.kept == NAMES and set(laid.beside) == set(NAMES)
    assert before.items() <= contents(mine).items()
    assert (mine / NAMES[1]).is_symlink() and (mine / NAMES[2]).is_dir()
    for name, new in laid.beside.items():
        assert (mine / new).read_bytes() == (wheel / name).read_bytes()


def test_the_courses_own_notebook_that_was_there_before_is_taken_on(tmp_path, wheel):
    shutil.copytree(wheel, tmp_path / "mine")
    assert course.lay_out(tmp_path / "mine") == course.Laid((), (), (), {})
    ship(wheel, 2)
    assert course.lay_out(tmp_path / "mine").updated == NAMES[:2]


def test_whatever_happens_nothing_of_the_readers_is_lost(tmp_path, wheel):
    rng = np.random.default_rng(0)
    mine = tmp_path / "mine"
    course.lay_out(mine)
    own: dict[str, bytes] = {}
    for step in range(120):
        paths = sorted(path for path in (mine / "notebooks").iterdir())
        path = paths[rng.integers(len(paths))]
        action = rng.choice(["edit", "run", "open", "delete", "upgrade", "write"])
        if action == "upgrade":
            ship(wheel, step)
        elif action == "delete":
            path.unlink()
            own.pop(path.name, None)
        elif action == "open" and path.name not in own:
            open_and_save(path)
        elif action != "open":
            if action == "write":
                path = mine / "notebooks" / f"00_unmix_in_five_minutes.new-{step}.ipynb"
                path.write_bytes((wheel / FIRST).read_bytes())
            (run_and_save if action == "run" else lambda path, step=step: edit(path, f"step {step}"))(path)
            own[path.name] = path.read_bytes()
        if rng.random() < 0.5:
            course.lay_out(mine)
        for name, content in own.items():
            assert (mine / "notebooks" / name).read_bytes() == content, f"step {step}: {action} {path.name}"
    assert own


def test_a_damaged_record_is_refused_and_nothing_is_written(folder, wheel):
    ship(wheel, 2)
    for text in ("", "[]", '{"sha256": {"a": 1}}', '{"sha256": 3}'):
        (folder / course.RECORD).write_text(text)
        before = contents(folder)
        with pytest.raises(RefusedValue, match=r"course\.json must say which notebooks were laid out, and is damaged"):
            course.lay_out(folder)
        assert contents(folder) == before


@pytest.mark.parametrize("place", ["", "notebooks", ".mss_lab"])
def test_a_file_where_a_folder_must_be_is_refused(tmp_path, wheel, place):
    file = tmp_path / "mine" / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("a file")
    with pytest.raises(RefusedValue, match="must be a folder, got something else"):
        course.lay_out(tmp_path / "mine")
    assert [path.name for path in tmp_path.rglob("*") if "installed" not in path.parts] == [
        *(["mine"] if place else []),
        file.name,
    ]


def test_a_folder_that_cannot_be_written_is_refused_in_words(tmp_path, wheel, capsys):
    (tmp_path / "file").touch()
    assert cli.main(["lab", str(tmp_path / "file" / "mine"), "--no-server"]) == 2
    assert "which cannot be made or written" in capsys.readouterr().err


def test_what_was_written_before_an_error_is_complete_and_recorded(tmp_path, wheel, monkeypatch):
    whole_file, mine = files.whole_file, tmp_path / "mine"

    def full_disk(path, **options):
        if path.name == "01_sound.ipynb":
            raise OSError("no space left")
        return whole_file(path, **options)

    monkeypatch.setattr(files, "whole_file", full_disk)
    with pytest.raises(OSError, match="no space left"):
        course.lay_out(mine)
    assert list(json.loads((mine / course.RECORD).read_text())["sha256"]) == [FIRST]
    assert (mine / FIRST).read_bytes() == (wheel / FIRST).read_bytes()
    monkeypatch.undo()
    monkeypatch.setattr(shipped, "IN_THE_WHEEL", wheel)
    assert course.lay_out(mine).added == NAMES[1:]


def test_the_command_says_what_it_did(tmp_path, wheel, capsys, monkeypatch):
    def said(*words):
        assert cli.main(["lab", *words, "--no-server"]) == 0
        return capsys.readouterr().out.splitlines()

    mine = str(tmp_path / "mine")
    assert said(mine) == ["3 notebooks laid out"]
    assert said(mine) == ["all notebooks are up to date"]
    edit(tmp_path / "mine" / FIRST)
    ship(wheel, 2)
    assert said(mine) == [
        "notebooks/01_sound.ipynb updated",
        f"{FIRST} is yours and was kept; the new version is notebooks/00_unmix_in_five_minutes.new.ipynb",
    ]
    monkeypatch.chdir(mine)
    assert said() == ["1 notebook with your changes or outputs kept"]


def test_without_a_folder_an_installed_wheel_refuses_and_names_the_command(tmp_path, wheel, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", "--no-server"]) == 2
    assert "mss-lab lab my-course" in capsys.readouterr().err
    assert cli.main(["lab", "", "--no-server"]) == 2
    assert "got an empty text" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["installed"]


def test_a_checkout_opens_its_own_notebooks_and_writes_nothing():
    assert shipped.is_checkout()
    for named in (None, str(shipped.course_folder())):
        assert launch.course_to_open(named) == shipped.course_folder()
    assert not course.is_laid_out(shipped.course_folder())
