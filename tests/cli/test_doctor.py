"""The doctor finds what is there, and says how to mend what is not."""

import importlib.metadata

from mss_lab import cli, doctor
from mss_lab.datasets import pieces


def test_all_is_well_where_the_tests_run(capsys):
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "MISSING" not in printed
    for name in pieces.names():
        assert name in printed


def test_missing_data_are_found_and_the_mend_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path / "nowhere"))
    assert cli.main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "MISSING   lesson data" in printed
    assert "copy it again from" in printed


def test_a_missing_library_is_found_with_its_install_command(monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name.lower() in ("librosa", "music21"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    findings = {finding.subject: finding for finding in doctor.examine()}
    assert not findings["libraries"].is_ok
    assert findings["libraries"].needed
    assert "librosa" in findings["libraries"].state
    scores = next(finding for subject, finding in findings.items() if subject.startswith("extra [scores]"))
    assert not scores.is_ok
    assert not scores.needed
    assert "pip install 'mss-lab[scores]'" in scores.repair
