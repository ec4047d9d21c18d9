"""Build the wheel, install it into a new virtual environment, and use it there, far from the repository.

    python tests/wheel/check_wheel.py          (or: make wheel)

First with the base dependencies alone: methods, notebooks laid out, lesson 00 executed and graded, a separation with a
score, a network refused with its remedy. Then the remedy itself is run, and a network separates. Each step is a line of
the table that is printed; the exit status is 1 if one of them failed.

pip is configured as usual, by its own files and variables. The versions are those of constraints.txt. The variable
TORCH_INDEX names a further place to look for PyTorch, as for make.
"""

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIECE, LENGTH_S = "chorale_a", 12
# The SDR that `mss-lab evaluate` must print at least, on average over the players. Measured: 8.27 dB and 8.73 dB.
LEAST_SDR_DB = {"informed-nmf": 8.0, "refined-nmf": 8.5}

WRITE_PIECE = f"""
from mss_lab import audio
from mss_lab.datasets import pieces
from mss_lab.score import midi
from mss_lab.score.notes import Score
piece = pieces.load("{PIECE}")
rate, end = piece.sample_rate_hz, {LENGTH_S} * piece.sample_rate_hz
audio.write_audio("mix.wav", piece.mixture[:, :end], rate)
audio.write_stems("true", {{name: stem[:, :end] for name, stem in piece.sources.items()}}, rate)
midi.write_midi("notes.mid", Score(tuple(note for note in piece.score.notes if note.onset_s < {LENGTH_S} - 0.5)))
"""

# A student's notebook with one wrong answer.
WRITE_NOTEBOOK = """
import nbformat
cells = ["from mss_lab import lessons\\nlab = lessons.open('00')", "lab.check('0.1', -1)"]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
nbformat.write(notebook, "ada.ipynb")
"""

EXECUTE = """
import sys
from mss_lab.lessons import notebooks
run = notebooks.execute(notebooks.read(sys.argv[1]), folder="course/notebooks", time_limit_s=300, network=False)
print(f"{run.seconds:.0f} s, {len(run.notebook.cells)} cells")
sys.exit(str(run.errors[0]) if run.errors else run.timed_out)
"""

NO_LIBRARY = """
import importlib.util, sys
found = [name for name in ("torch", "lightning", "music21", "norbert") if importlib.util.find_spec(name)]
sys.exit(f"the base dependencies should not bring {', '.join(found)}" if found else 0)
"""


class Failed(Exception):
    """A step did not do what it should."""


@dataclasses.dataclass
class Environment:
    """A virtual environment in a folder of its own, where all commands run."""

    folder: Path

    def __post_init__(self) -> None:
        self.programs = self.folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        self.work = self.folder / "work"
        self.work.mkdir()
        # Nothing of this process's package or settings.
        self.variables = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONPATH" and not name.startswith("MSS_LAB_")
        }
        self.variables["MSS_LAB_PROGRESS"] = str(self.folder / "progress.json")

    def run(self, program: str, *words: str, status: int = 0) -> str:
        """Run a program of the environment; returns all that it printed, and fails at another exit status."""
        command = [str(self.programs / program), *words]
        done = subprocess.run(
            command, cwd=self.work, env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode != status:
            raise Failed(f"{program} {' '.join(words)[:200]}\nends with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def pip(self, *words: str) -> None:
        """Install something, with the versions of constraints.txt."""
        index = os.environ.get("TORCH_INDEX")
        more = ["--extra-index-url", index] if index else []
        self.run("python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-compile",
                 "--constraint", str(ROOT / "constraints.txt"), *more, *words)  # fmt: skip


def build(out: Path) -> Path:
    """`pip wheel .` in the repository; returns the path of the wheel."""
    command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--quiet", "--no-deps"]
    done = subprocess.run([*command, "--wheel-dir", str(out), str(ROOT)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(done.stderr)
    (wheel,) = out.glob("*.whl")
    return wheel


def separate(env: Environment, method: str) -> str:
    """Separate the beginning of a shipped chorale with its score, and measure the result."""
    env.run("mss-lab", "separate", "mix.wav", "--score", "notes.mid", "--method", method, "--out", method)
    printed = env.run("mss-lab", "evaluate", method, "true")
    mean = re.search(r"^mean\s+(-?[\d.]+)", printed, re.MULTILINE)
    if mean is None or float(mean[1]) < LEAST_SDR_DB[method]:
        raise Failed(f"SDR of {method} must be at least {LEAST_SDR_DB[method]} dB on average, got:\n{printed}")
    return f"SDR {mean[1]} dB on average"


def methods(env: Environment) -> str:
    """All methods are listed, each with its lesson."""
    printed = env.run("mss-lab", "methods")
    lessons = re.findall(r"^  Lesson: (.*)$", printed, re.MULTILINE)
    if "informed-nmf" not in printed or "refined-nmf" not in printed or not lessons:
        raise Failed(printed)
    missing = [lesson for lesson in lessons if "not written" in lesson]
    if missing:
        raise Failed(f"lessons that do not ship: {missing}")
    return f"{len(lessons)} methods"


def lay_out(env: Environment) -> str:
    """`mss-lab lab FOLDER` lays all notebooks out, and the second time finds them up to date."""
    first = env.run("mss-lab", "lab", "course", "--no-server").strip()
    second = env.run("mss-lab", "lab", "course", "--no-server").strip()
    laid = {path.name for path in (env.work / "course" / "notebooks").glob("*.ipynb")}
    if laid != {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} or second != "all notebooks are up to date":
        raise Failed(f"{first}\n{second}")
    return first


def check_an_answer(env: Environment) -> str:
    """A wrong answer is judged in words, and the try is kept in the reader's progress."""
    printed = env.run("python", "-c", "from mss_lab import lessons; print(lessons.open('00').check('0.1', -1))")
    kept = Path(env.variables["MSS_LAB_PROGRESS"]).read_text(encoding="utf-8")
    if "0.1 wrong" not in printed or '"tries": 1' not in kept:
        raise Failed(f"{printed}\n{kept}")
    return "wrong, as it should be"


def grade(env: Environment) -> str:
    """A class of one notebook is graded: every exercise of lesson 00 has a line, and the one answer is wrong."""
    env.run("python", "-c", WRITE_NOTEBOOK)
    env.run("mss-lab", "grade", "ada.ipynb", "--out", "grades")
    rows = (env.work / "grades" / "grades.csv").read_text(encoding="utf-8").splitlines()[1:]
    if len(rows) != 4 or ["wrong" in row for row in rows] != [True, False, False, False]:
        raise Failed("\n".join(rows))
    return f"{len(rows)} exercises, one answer, which is wrong"


def refuse_a_network(env: Environment) -> str:
    """Without torch a network is refused in one line, which names the remedy."""
    printed = env.run("mss-lab", "separate", "mix.wav", "--method", "xumx", "--out", "no", status=2)
    remedy = re.search(r"pip install '(mss-lab\[train\])'", printed)
    if remedy is None or printed.count("\n") != 1:
        raise Failed(printed)
    return remedy[0]


def steps(env: Environment, wheel: Path) -> list[tuple[str, Callable[[], str | None]]]:
    """All steps in order: what each one shows, and a function that returns a few words or raises Failed."""
    lesson_00 = "course/notebooks/00_unmix_in_five_minutes.ipynb"
    in_wheel = "import mss_lab, sys; sys.exit('site-packages' not in mss_lab.__file__)"
    return [
        ("wheel and base dependencies installed", lambda: env.pip(str(wheel))),
        ("the wheel's package is used", lambda: env.run("python", "-c", in_wheel)),
        ("no library of an extra", lambda: env.run("python", "-c", NO_LIBRARY)),
        ("mss-lab methods", lambda: methods(env)),
        ("mss-lab lab FOLDER", lambda: lay_out(env)),
        ("lesson 00 executed there", lambda: env.run("python", "-c", EXECUTE, lesson_00).strip()),
        ("an answer checked, and progress kept", lambda: check_an_answer(env)),
        ("a notebook of lesson 00 graded", lambda: grade(env)),
        ("a shipped piece written", lambda: env.run("python", "-c", WRITE_PIECE)),
        ("separate --method informed-nmf", lambda: separate(env, "informed-nmf")),
        ("a network refused with its remedy", lambda: refuse_a_network(env)),
        ("the remedy: pip install 'mss-lab[train]'", lambda: env.pip("mss-lab[train]")),
        ("separate --method refined-nmf", lambda: separate(env, "refined-nmf")),
    ]


def print_line(started_s: float, words: str) -> None:
    """Print a line of the table: a step that went well, and how long it took."""
    print(f"ok      {time.monotonic() - started_s:6.1f} s  {words}", flush=True)


def main() -> int:
    """Run all steps and print the table; 1 if one failed, else 0."""
    with tempfile.TemporaryDirectory(prefix="mss-lab-wheel-", ignore_cleanup_errors=True) as own:
        started_s = time.monotonic()
        try:
            wheel = build(Path(own))
            env = Environment(Path(own))
            subprocess.run([sys.executable, "-m", "venv", str(Path(own, "venv"))], check=True)
            print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
            print(
                f"ok      {time.monotonic() - started_s:6.1f} s  pip wheel . and a new virtual environment", flush=True
            )
            for name, step in steps(env, wheel):
                step_s = time.monotonic()
                words = step() or ""
                shown = f": {words}" if words and "\n" not in words else ""
                print(f"ok      {time.monotonic() - step_s:6.1f} s  {name}{shown}", flush=True)
        except Failed as error:
            print(f"FAILED  {error}", flush=True)
            return 1
        print(f"The wheel works; {time.monotonic() - started_s:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
