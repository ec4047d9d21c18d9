"""environment.yml, pyproject.toml and constraints.txt tell one story."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import mss_lab
from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["optional-dependencies"]


def pins():
    lines = [line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    assert all(re.fullmatch(r"==[^,*]+", str(pin.specifier)) for pin in requirements), "constraints must be exact"
    return {canonicalize_name(pin.name): Version(str(pin.specifier)[2:]) for pin in requirements}


def makefile_extras():
    return {
        extra for found in re.findall(r"\.\[([a-z,]+)\]", (ROOT / "Makefile").read_text()) for extra in found.split(",")
    }


def conda_requirements():
    return {
        Requirement(line).name: Requirement(line).specifier for line in CONDA["dependencies"] if isinstance(line, str)
    }


def pip_lines():
    return [line for part in CONDA["dependencies"] if isinstance(part, dict) for line in part["pip"]]


def test_conda_makes_what_pip_cannot():
    assert set(conda_requirements()) == {"python", "pip", "fluidsynth", "ffmpeg"}
    assert CONDA["channels"] == ["conda-forge"]
    assert CONDA["name"] == PROJECT["name"]


def test_both_ask_for_the_same_python():
    assert SpecifierSet(PROJECT["requires-python"]) == conda_requirements()["python"]


def test_the_package_comes_by_pip_with_all_that_lessons_need():
    (line,) = pip_lines()
    asked = re.fullmatch(r"-e \.\[([a-z,]+)\]", line)
    assert asked, f"the only pip line must install this package with extras, got {line!r}"
    extras = set(asked[1].split(","))
    assert extras <= set(EXTRAS)
    assert extras == {"scores", "render", "train"}


def test_the_extras_are_those_that_the_readme_promises():
    assert set(EXTRAS) == {
        "scores",
        "render",
        "train",
        "quality",
        "peers",
        "pretrained",
        "book",
        "docs",
        "completion",
        "serve",
        "dev",
    }
    for extra, package in {"scores": "music21", "render": "pyfluidsynth", "quality": "pyclarity"}.items():
        assert [Requirement(line).name for line in EXTRAS[extra]] == [package]
    networks = {"torch", "torchaudio", "lightning", "safetensors", "mir_eval"}
    assert {Requirement(line).name for line in EXTRAS["train"]} == networks


def test_make_installs_extras_that_exist():
    assert makefile_extras() and makefile_extras() <= set(EXTRAS)


def test_every_requirement_has_a_range_with_both_ends():
    for line in (*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)):
        operators = {specifier.operator for specifier in Requirement(line).specifier}
        assert operators == {">=", "<"}, f"{line}: give the oldest version that works and the first that is not tried"


def test_every_pin_lies_in_the_range_it_is_asked_for():
    pinned = pins()
    installed = [*PROJECT["dependencies"], *(line for extra in sorted(makefile_extras()) for line in EXTRAS[extra])]
    for line in installed:
        name = canonicalize_name(Requirement(line).name)
        assert name in pinned, f"{name} is installed by make, and constraints.txt does not pin it"
    for line in (*installed, *(line for lines in EXTRAS.values() for line in lines)):
        requirement = Requirement(line)
        pin = pinned.get(canonicalize_name(requirement.name))
        assert pin is None or requirement.specifier.contains(pin), f"{line}, but constraints.txt pins {pin}"


def test_pins_name_no_build_and_no_place():
    for name, version in pins().items():
        assert version.local is None, f"{name} is pinned to a build ({version}) that other computers do not have"
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "-e " not in text and "@" not in text and "://" not in text


def test_the_readme_lists_every_environment_variable():
    names = [*(ROOT / "mss_lab").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "tests").rglob("*.sh")]
    used = {name for path in [*names, ROOT / "Makefile", ROOT / ".ci" / "run"]
            for name in re.findall(r"\bMSS_LAB_[A-Z]+(?:_[A-Z]+)*\b", path.read_text(encoding="utf-8"))}  # fmt: skip
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("## Environment variables")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(MSS_LAB_\w+)` \|", table, re.MULTILINE)
    assert len(listed) == len(set(listed)) and set(listed) == used


def test_the_version_stands_in_one_place():
    assert "version" not in PROJECT and PROJECT["dynamic"] == ["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == mss_lab.__version__
    heading = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heading and heading[1] in ("Unreleased", mss_lab.__version__)
