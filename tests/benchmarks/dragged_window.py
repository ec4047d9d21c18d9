"""How soon a window that is moved over the panning histogram is heard and seen, in a real browser.

    python -m tests.benchmarks.dragged_window [--moves N] [--length SECONDS]

The beginning of the shipped band (10 s of it) in stereo at 44.1 kHz: the window keeps bins by their angle, the sound
inside and the rest go to the player, and a spectrogram of what is inside is drawn. Times run from the key press in the
page until the loudspeaker has the new sound, and until the new picture stands in the page, while the player plays; see
action_times.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import action_times
from tests.browser import workbench

MOVES = 12
LENGTH_S = 10.0

OPENING = """\
import numpy as np
from matplotlib.figure import Figure
from mss_lab import plots, transforms
from mss_lab.datasets import pieces
from mss_lab.spatial import adress, panning
from mss_lab.widgets import controls, panorama

band = pieces.load("band")
rate = band.sample_rate_hz
mixture = band.mixture[:, : round(LENGTH_S * rate)]
settings = transforms.settings_for(rate, 4096 / 44_100)
stft = transforms.stft(mixture, **settings)
found_rad = {"histogram": panning.angles_rad, "ADRess": lambda stft: adress.nulls(stft)[0]}[METHOD](stft)
centres_rad, energy = panning.histogram(stft, angles=found_rad)


def listen(window_rad):
    inside, rest = panning.keep(mixture, stft, window_rad, angles=found_rad, **settings)

    def draw():
        figure = Figure(figsize=(8, 3), layout="constrained")
        kept = stft * panning.window_mask(stft, window_rad, angles=found_rad)
        plots.spectrogram(kept, rate, settings["hop_samples"], figure.subplots())
        return figure

    return controls.View(draw if PICTURE else None, {"inside": inside, "rest": rest}, rate, f"{window_rad}")


controls.explore(listen, window_rad=panorama.window(centres_rad, energy, (0.25, 0.45)))
"""


def main(arguments: list[str] | None = None) -> int:
    """Measure both ways to find the angles, with and without a picture, and print medians and the slowest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=MOVES)
    parser.add_argument("--length", type=float, default=LENGTH_S, metavar="SECONDS", help="of the music")
    given = parser.parse_args(arguments)
    moves = given.moves
    with (
        tempfile.TemporaryDirectory() as folder,
        workbench.jupyterlab(Path(folder)) as server,
        workbench.chromium() as browser,
    ):
        print(f"{'':22}{'sound':>18}{'picture':>18}   (ms, median and slowest of {moves})")
        for method, picture in (("histogram", True), ("histogram", False), ("ADRess", True), ("ADRess", False)):
            found = measure(server, browser, method, picture, moves, given.length)
            cells = [f"{_said([move[key] for move in found if key in move]):>18}" for key in ("sound", "picture")]
            print(f"{method + ('' if picture else ', no picture'):22}{''.join(cells)}", flush=True)
    return 0


def measure(
    server: workbench.Server, browser, method: str, picture: bool, moves: int, length_s: float
) -> list[dict[str, float]]:
    """Move the window `moves` times and return what each took, in milliseconds."""
    code = f"METHOD, PICTURE, LENGTH_S = {method!r}, {picture}, {length_s}\n{OPENING}"
    awaited = ("sound", "picture", "words") if picture else ("sound", "words")
    with action_times.playing_page(server, browser, f"{method}_{picture}.ipynb", code) as page:
        whole = page.locator(".mss-panorama .mss-whole")
        whole.focus()
        return action_times.measured(page, lambda _: page.keyboard.press("ArrowRight"), moves, awaited)


def _said(times_ms: list[float]) -> str:
    return f"{statistics.median(times_ms):.0f}, {max(times_ms):.0f}" if times_ms else ""


if __name__ == "__main__":
    sys.exit(main())
