"""The page "Your own network in ten minutes": every block of it is run in an empty folder, as a reader would.

    python -m tests.neural.test_own_network [--minutes 2]

runs it with the training time of the page, and prints the table that the page ends with.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mss_lab import units
from mss_lab.refusals import RefusedValue
from tests.paths import ROOT

PAGE = ROOT / "docs" / "your_own_network.md"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RATE_HZ = 16_000
SOURCES = ("violin", "bassoon")


def blocks():
    """Language, file name or "", and text of every block of the page, in its order."""
    return [(language, name, text) for language, name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]


def write_stems(folder, seed, length_s=8.0):
    """A high and a low melody of plain harmonic tones, with their notes."""
    rng = np.random.default_rng(seed)
    samples = round(length_s * RATE_HZ)
    folder.mkdir(parents=True)
    rows = []
    for source, lowest, harmonics in zip(SOURCES, (74, 40), (5, 12), strict=True):
        stem = np.zeros(samples, np.float32)
        for onset_s in np.arange(0, length_s, 0.5):
            midi = int(rng.integers(lowest, lowest + 10))
            times_s = np.arange(round(0.5 * RATE_HZ)) / RATE_HZ
            tone = sum(
                np.sin(2 * np.pi * k * units.midi_to_hz(midi) * times_s + k) / k for k in range(1, harmonics + 1)
            )
            first = round(onset_s * RATE_HZ)
            stem[first : first + len(times_s)] += 0.1 * tone * np.hanning(len(times_s))
            rows.append((onset_s, f"{source},{midi},{onset_s},{onset_s + 0.5}"))
        soundfile.write(folder / f"{source}.wav", stem, RATE_HZ, subtype="FLOAT")
    lines = ["instrument,midi,onset_s,offset_s", *(row for _, row in sorted(rows))]
    (folder / "notes.csv").write_text("\n".join(lines) + "\n")


def run_page(folder, minutes):
    """Run the page's blocks in a folder with stems to learn from; returns what each command printed."""
    for number in range(5):
        write_stems(folder / "stems" / f"piece {number}", number)
    write_stems(folder / "held_out", 99)
    (folder / "held_out" / "notes.csv").unlink()
    mixture = sum(soundfile.read(folder / "held_out" / f"{source}.wav")[0] for source in SOURCES)
    soundfile.write(folder / "mixture.wav", mixture, RATE_HZ, subtype="FLOAT")
    printed = []
    for language, name, text in blocks():
        if name:
            (folder / name).write_text(text, encoding="utf-8")
        elif language == "sh":
            words = shlex.split(text.replace("--minutes 2", f"--minutes {minutes}"))
            assert words.pop(0) == "mss-lab"
            printed.append(run_python(folder, "-m", "mss_lab.cli", *words))
        else:
            printed.append(run_python(folder, "-c", text))
    return printed


def run_python(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ten_minutes")
    return folder, run_page(folder, 0.02)


def test_the_network_has_twelve_lines():
    code = next(text for _, name, text in blocks() if name == "my_network.py")
    network = code[code.index("class MyNetwork") : code.index("recipe = ")]
    assert len([line for line in network.splitlines() if line.strip()]) <= 12


def test_the_page_trains_separates_and_compares_and_its_card_trains_the_same_network_again(page):
    folder, printed = page
    stored, trained, separated, table = printed
    assert "train" in stored and "valid" in stored
    assert "my-network:" in trained and (folder / "run" / "my-network.safetensors").is_file()
    assert sorted(path.name for path in (folder / "separated").iterdir()) == ["bassoon.wav", "violin.wav"]
    rows = {
        name.strip(): float(sdr_db) for name, _, sdr_db in (line.rsplit(maxsplit=2) for line in table.splitlines()[1:])
    }
    assert rows["my network"] > rows["mixture"] + 6, table
    assert separated.count("dB") == 2

    words = "train my-network --plugin my_network.py --data songs --out {} --steps 30 --config run/my-network.json"
    for out in ("once", "twice"):
        run_python(folder, "-m", "mss_lab.cli", *words.format(out).split())
    once, twice = ((folder / out / "my-network.safetensors").read_bytes() for out in ("once", "twice"))
    assert once == twice


def test_weights_of_an_unknown_network_say_what_to_load(page):
    from mss_lab.neural import weights

    folder, _ = page
    with pytest.raises(RefusedValue, match=r"network called my-network, which is not known here; load the file"):
        weights.load(folder / "run" / "my-network.safetensors")


if __name__ == "__main__":
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2)
    with tempfile.TemporaryDirectory() as temporary:
        for text in run_page(Path(temporary), parser.parse_args().minutes):
            print(text)
