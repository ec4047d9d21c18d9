"""What runs before a commit and on GitHub is what `make` runs: one definition of the checks, and no other tools."""

import os
import re
import shlex

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from tests.paths import ROOT
from tests.repository.test_environment import PROJECT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def rule(target):
    """The commands of a target of the Makefile, as text."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, f"the Makefile has no target {target}"
    return found[1]


def workflow():
    # YAML 1.1 reads the word `on` as the truth value.
    return yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))


def hooks():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [one["repo"] for one in repositories] == ["local"], "a hook from elsewhere would be fetched"
    return repositories[0]["hooks"]


def test_continuous_integration_runs_what_make_runs():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    commands = [line for line in script.read_text(encoding="utf-8").splitlines() if line.startswith("make ")]
    assert commands[0] == "make test"
    targets = [word for command in commands for word in command.split()[1:] if not word.startswith("--")]
    assert set(targets) == {"test", "wheel", "docs"} and all(map(rule, targets))


def test_the_quick_lane_is_a_part_of_the_tests():
    assert (
        '-m "not slow and not recordings" $(QUICK)' in rule("quick")
        and "$(PYTEST)" in rule("quick")
        and "$(PYTEST)" in rule("test")
    )
    (parts,) = re.findall(r"^QUICK := \$\(addprefix tests/,(.*)\)$", MAKEFILE, re.MULTILINE)
    assert {"notebooks", "ground", "methods"} <= set(parts.split())
    assert all((ROOT / "tests" / part).exists() for part in parts.split())


def test_github_runs_continuous_integration_on_every_supported_python():
    (job,) = workflow()["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    assert job["runs-on"].startswith("ubuntu-")
    versions = job["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12"]
    supported = SpecifierSet(PROJECT["requires-python"])
    assert all(version in supported for version in versions) and "3.10" not in supported


def test_github_runs_on_what_is_pushed_and_what_is_proposed():
    events = workflow()[True]
    assert set(events) == {"push", "pull_request"} and events["push"]["branches"] == ["main"]
    assert workflow()["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_a_hook_is_a_tool_of_the_project_that_needs_no_network(hook):
    program, *_ = shlex.split(hook["entry"])
    assert hook["language"] == "system" and program in (".venv/bin/mss-lab", ".venv/bin/ruff")


def test_hooks_and_make_lint_alike():
    entries = " ".join(hook["entry"] for hook in hooks())
    for tool in ("ruff check", "ruff format"):
        assert f"$(BIN)/{tool}" in rule("test") and f".venv/bin/{tool}" in entries
    assert "mss-lab lesson strip" in entries
