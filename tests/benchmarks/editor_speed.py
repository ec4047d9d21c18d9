"""How smoothly notes are dragged on the piano roll, and how soon an edit is heard, in a real browser.

    python -m tests.benchmarks.editor_speed [--actions N] [--frames N] [--length SECONDS] [--rate HZ] [--rows NAME ...]

First a note is dragged over the spectrogram of a shipped chorale (30 s), and then one of 10,000 notes: the pointer
moves in every frame, and the time from frame to frame is measured; a browser draws 60 frames a second at most. Then a
note of 10 s of the chorale is moved by a semitone, up and down in turn, while the player plays: from the key press in
the page until the loudspeaker has the new sound. The last column is the processor time of the separation alone, in the
kernel: where it is near the first, the separation takes the time; the rest is sending and decoding sound.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.browser import workbench

ACTIONS = 30
FRAMES = 240
LENGTH_S = 10.0
RATE_HZ = 16_000

LOADED = """\
import time
import numpy as np
from mss_lab import audio
from mss_lab.datasets import pieces
from mss_lab.neural import edit, weights
from mss_lab.nmf import informed
from mss_lab.score import harmonics
from mss_lab.score.notes import Note, Score
from mss_lab.widgets import controls, piano_roll

chorale = pieces.load("chorale_a")
"""
SHOWN = "piano_roll.editor(SCORE, chorale.mixture[:, : 30 * chorale.sample_rate_hz], chorale.sample_rate_hz)"
# Scores over the first 30 s of the chorale.
DRAGGED = {
    "161 notes over 30 s": "chorale.score",
    "10,000 notes over 30 s": "Score(tuple("
    "Note(f'p{n % 4}', 48 + n % 37, 0.003 * n, 0.003 * n + 0.3) for n in range(10_000)))",
}
METHODS = {
    "score masks": "lambda score: harmonics.separate(mixture, RATE_HZ, score, tuning_hz=440)",
    "informed NMF, 10 iterations": "lambda score: informed.separate("
    "mixture, RATE_HZ, score, tuning_hz=440, iterations=10, follow_pitch=False, follow_intonation=False)",
    "the same, following pitch": "lambda score: informed.separate("
    "mixture, RATE_HZ, score, tuning_hz=440, iterations=10)",
    "DSIS": "edit.Editor(weights.shipped('dsis'), mixture, RATE_HZ).separate",
}
PANEL = """\
names = {"saxophone": "tenor_sax"}
kept = [n for n in chorale.score.notes if n.offset_s < LENGTH_S]
notes = tuple(Note(names.get(n.source, n.source), n.midi, n.onset_s, n.offset_s) for n in kept)
score = Score(notes, tuple(names.get(name, name) for name in chorale.score.sources))
mono = chorale.mixture.mean(axis=0, keepdims=True)
mixture = audio.resample(mono, chorale.sample_rate_hz, RATE_HZ)[:, : round(LENGTH_S * RATE_HZ)].astype(np.float32)
method = METHOD
taken_s = []


def separate(score):
    start_s = time.process_time()
    estimates = method(score)
    taken_s.append(time.process_time() - start_s)
    return controls.View(sound=estimates, sample_rate_hz=RATE_HZ)


controls.explore(separate, score=piano_roll.editor(score, mixture, RATE_HZ))
"""

# The pointer moves once in each frame, on a circle around the place of the press; the times between frames, in ms.
DRAG = """async (root, [frames, x, y]) => {
    const field = root.querySelector('.mss-field');
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const times = [];
    let last = await frame();
    for (let n = 0; n < frames; n++) {
        const at = { clientX: x + 80 * Math.sin(n / 15), clientY: y - 60 * Math.sin(n / 23), pointerId: 1 };
        field.dispatchEvent(new PointerEvent('pointermove', { ...at, bubbles: true }));
        const now = await frame();
        times.push(now - last);
        last = now;
    }
    return times;
}"""
# A selected note is moved by a semitone: seconds until the player sounds as it says.
EDIT = """async (player, key) => {
    const field = document.querySelector('.mss-roll .mss-field');
    const before = player.mssPlayer.heardRevision();
    const start = performance.now();
    field.dispatchEvent(new KeyboardEvent('keydown', { key, ctrlKey: true, bubbles: true }));
    while (player.mssPlayer.heardRevision() === before) await new Promise((done) => setTimeout(done, 2));
    return (performance.now() - start) / 1000;
}"""


def main(arguments: list[str] | None = None) -> int:
    """Measure both, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--actions", type=int, default=ACTIONS, help="edits (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of a drag (default: %(default)s)")
    parser.add_argument("--length", type=float, default=LENGTH_S, metavar="SECONDS", help="of the music that is edited")
    parser.add_argument("--rate", type=int, default=RATE_HZ, metavar="HZ", help="of the music that is edited")
    parser.add_argument("--rows", nargs="+", choices=[*DRAGGED, *METHODS], metavar="NAME", help="only these")
    options = parser.parse_args(arguments)
    rows = options.rows or [*DRAGGED, *METHODS]
    with (
        tempfile.TemporaryDirectory() as folder,
        workbench.jupyterlab(Path(folder)) as server,
        workbench.chromium() as browser,
    ):
        print(f"{'dragged':30}{'frames a second':>18}{'slowest 5 %':>14}")
        for name, code in ((name, DRAGGED[name]) for name in rows if name in DRAGGED):
            times_ms = dragged(server, browser, code, options.frames)
            print(f"{name:30}{1000 / np.median(times_ms):18.1f}{1000 / np.quantile(times_ms, 0.95):14.1f}", flush=True)
        words = f"edited, {options.length:g} s at {options.rate} Hz"
        print(f"\n{words:30}{'median (s)':>12}{'95th percentile':>18}{'separation (s)':>16}")
        for name, code in ((name, METHODS[name]) for name in rows if name in METHODS):
            seconds, alone_s = edited(server, browser, code, options)
            print(
                f"{name:30}{np.median(seconds):12.2f}{np.quantile(seconds, 0.95):18.2f}{np.median(alone_s):16.2f}",
                flush=True,
            )
    return 0


def dragged(server: workbench.Server, browser, code: str, frames: int) -> list[float]:
    """Times between frames in ms, while a note is dragged."""
    page = _open(server, browser, f"{LOADED}{SHOWN}".replace("SCORE", code), ".mss-roll")
    roll = page.locator(".mss-roll")
    roll.scroll_into_view_if_needed()
    point = roll.evaluate("(root) => root.mssRoll.point(Math.floor(root.mssRoll.notes().length / 2))")
    page.mouse.move(*point)
    page.mouse.down()
    times_ms = roll.evaluate(DRAG, [frames, *point])
    page.mouse.up()
    assert "moved" in page.locator(".mss-roll .mss-said").inner_text()
    page.context.close()
    return times_ms


def edited(
    server: workbench.Server, browser, code: str, options: argparse.Namespace
) -> tuple[list[float], list[float]]:
    """Seconds from each edit to its sound, and the processor time of each separation."""
    head = f"LENGTH_S, RATE_HZ = {options.length}, {options.rate}\n"
    page = _open(server, browser, head + LOADED + PANEL.replace("METHOD", code), ".mss-player")
    player = page.locator(".mss-player")
    player.evaluate("(root) => { root.mssPlayer.set({ loopOn: true }); return root.mssPlayer.play(); }")
    page.locator(".mss-roll .mss-field").focus()
    page.keyboard.press("Home")
    seconds = []
    for number in range(options.actions + 1):
        page.wait_for_timeout(400)
        seconds.append(player.evaluate(EDIT, "ArrowUp" if number % 2 == 0 else "ArrowDown"))
    alone_s = json.loads(workbench.run_cell(page, "print(taken_s)"))
    page.context.close()
    # The first edit pays for what is loaded once.
    return seconds[1:], alone_s[2:]


def _open(server: workbench.Server, browser, code: str, awaited: str):
    page = workbench.open_page(browser)
    name = f"speed_{abs(hash(code))}.ipynb"
    workbench.write_notebook(server, name, code)
    workbench.open_notebook(page, server, name)
    workbench.run_all(page, awaited)
    return page


if __name__ == "__main__":
    sys.exit(main())
