"""The wheel: it carries the package and the course as the repository has them, and knows where they lie.

`make wheel` installs it into a virtual environment of its own, and uses it there (see tests/wheel/check_wheel.py).
"""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

import mss_lab
from tests.paths import ROOT

# It has 38 MB; package indexes take 100 MB at most.
MOST_BYTES = 60_000_000

# In the repository for the README, for the tests, or for those who build; not in a wheel.
LEFT_OUT = ("data/screenshots/",)


def listed_by_git():
    """The files of the repository that exist, as git lists them, with new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this repository, built from a copy, which also holds what an earlier build left."""
    copy, out = tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("wheel")
    for name in listed_by_git():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for name in ("deleted.py", "_course/notebooks/99_deleted.ipynb"):
        (copy / "build/lib/mss_lab" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "build/lib/mss_lab" / name).touch()
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_holds_what_git_lists_of_the_package_and_the_course(wheel):
    expected = {name: name for name in listed_by_git() if name.startswith("mss_lab/")}
    expected |= {
        f"mss_lab/_course/{name}": name for name in listed_by_git() if name.startswith(("notebooks/", "data/"))
    }
    expected = {inside: name for inside, name in expected.items() if not name.startswith(LEFT_OUT)}
    with zipfile.ZipFile(wheel) as opened:
        inside = {name for name in opened.namelist() if ".dist-info/" not in name}
        assert inside == set(expected)
        for name, original in expected.items():
            assert opened.read(name) == (ROOT / original).read_bytes(), name
    assert any(name.endswith(".flac") for name in inside) and any(name.endswith(".safetensors") for name in inside)


def test_the_wheel_has_a_name_and_size_that_an_index_takes(wheel):
    assert wheel.stat().st_size < MOST_BYTES
    assert wheel.name == f"mss_lab-{mss_lab.__version__}-py3-none-any.whl"


def test_the_package_in_the_wheel_finds_its_own_course(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "site")
    # A folder of this name beside an installed package is somebody else's.
    (tmp_path / "site" / "data" / "lessons").mkdir(parents=True)
    code = (
        "from mss_lab import shipped; from mss_lab.datasets import pieces\n"
        "print(shipped.is_checkout(), shipped.course_folder(), *pieces.names(), sep='|')\n"
        "print(shipped.remedy(shipped.data_folder()))"
    )
    variables = {name: value for name, value in os.environ.items() if name != "MSS_LAB_DATA"}
    variables["PYTHONPATH"] = str(tmp_path / "site")
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    place, remedy = done.stdout.splitlines()
    course = tmp_path / "site/mss_lab/_course"
    assert place == f"False|{course}|" + "|".join(sorted(path.name for path in (ROOT / "data/lessons").iterdir()))
    assert remedy == "install the package again: pip install --force-reinstall --no-deps mss-lab"
