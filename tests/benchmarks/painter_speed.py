"""How soon a painted mask and an assigned component are heard, in a real browser.

    python -m tests.benchmarks.painter_speed [--actions N] [--length SECONDS] [--components N]

The beginning of the shipped band (10 s of it) in stereo at 44.1 kHz. In the mask painter a dab of the brush, and the
harmonics of a note in one drag; in the factor explorer, with 20 components of three sources, a component that is
assigned by a key, and one that is selected to be heard alone. Times run from the last event of the action until the
player, which plays, has the new sound; see action_times. The last column compares each row with the first.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import action_times
from tests.browser import workbench

ACTIONS = 30
LENGTH_S = 10.0
COMPONENTS = 20
LIMIT_MS = 300

BAND = """\
import numpy as np
from mss_lab import transforms
from mss_lab.datasets import pieces
from mss_lab.nmf import assigned, beta
from mss_lab.widgets import controls, factors, mask_painter

band = pieces.load("band")
rate = band.sample_rate_hz
mixture = band.mixture[:, : round(LENGTH_S * rate)]
"""
PAINTER = """\
brush = mask_painter.painter(mixture, rate)
controls.explore(lambda mask: controls.View(sound=brush.split(mask), sample_rate_hz=rate), mask=brush)
"""
EXPLORER = """\
settings = transforms.settings_for(rate)
magnitude = np.abs(transforms.stft(mixture, **settings))
found = beta.factorise(magnitude, COMPONENTS, iterations=10, rng=np.random.default_rng(0))
shares = assigned.Shares(mixture, found.templates, found.activations, **settings)
rows = factors.explorer(found.templates, found.activations, rate, sources=3, groups=np.arange(COMPONENTS) % 3)
controls.explore(lambda owners: controls.View(sound=rows.stems(shares, owners), sample_rate_hz=rate), owners=rows)
"""

Times = list[dict[str, float]]


def painter_times(page, actions: int) -> Iterator[tuple[str, Times]]:
    """Dabs of the brush at different points, then drags of a note's harmonics."""
    # A grid of points that the brush does not reach twice.
    plane = page.locator(".mss-plane")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()

    def point(across: float, up: float) -> tuple[float, float]:
        return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]

    def dab(number: int) -> None:
        page.mouse.click(*point(0.05 + 0.9 * (number % 12) / 12, 0.1 + 0.8 * (number // 12 % 8) / 8))

    def harmonics(number: int) -> None:
        # Each at a place of its own, the first one too, which is not counted: paint over paint changes nothing.
        start = 0.02 + 0.9 * number / (actions + 1)
        page.mouse.move(*point(start, 0.4))
        page.mouse.down()
        page.mouse.move(*point(start + min(0.03, 0.9 / (actions + 1)), 0.4), steps=4)
        page.mouse.up()

    yield "painter, dab of the brush", action_times.measured(page, dab, actions)
    page.keyboard.press("c")
    page.keyboard.press("h")
    yield "painter, harmonics of a note", action_times.measured(page, harmonics, actions)


def explorer_times(page, actions: int) -> Iterator[tuple[str, Times]]:
    """Components assigned one after the other, then selected one after the other."""
    rows = page.locator(".mss-component")
    count = rows.count()
    rows.first.scroll_into_view_if_needed()

    def assign(number: int) -> None:
        # Each time round, every component moves on by one source, so that every key changes something.
        k, turn = number % count, number // count + 1
        rows.nth(k).focus()
        page.keyboard.press(str((k + turn) % 3 + 1))

    def select(number: int) -> None:
        rows.nth(number % count).focus()
        page.keyboard.press("Enter")

    yield "explorer, component assigned", action_times.measured(page, assign, actions)
    yield "explorer, component alone", action_times.measured(page, select, actions)


def main(arguments: list[str] | None = None) -> int:
    """Measure all four actions and print a row for each; 1 if a median is above 0.3 s."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--actions", type=int, default=ACTIONS)
    parser.add_argument("--length", type=float, default=LENGTH_S, metavar="SECONDS", help="of the music")
    parser.add_argument("--components", type=int, default=COMPONENTS)
    options = parser.parse_args(arguments)
    head = f"LENGTH_S, COMPONENTS = {options.length}, {options.components}\n{BAND}"
    pages: dict[str, tuple[str, Callable[..., Iterator[tuple[str, Times]]]]] = {
        "painter.ipynb": (PAINTER, painter_times),
        "explorer.ipynb": (EXPLORER, explorer_times),
    }
    medians_ms: list[float] = []
    print(f"{options.length:g} s, stereo, 44.1 kHz, {options.actions} actions")
    print(f"{'until the new sound':32}{'median (s)':>12}{'95 % (s)':>12}{'ratio':>8}")
    with (
        tempfile.TemporaryDirectory() as folder,
        workbench.jupyterlab(Path(folder)) as server,
        workbench.chromium() as browser,
    ):
        for name, (code, times_of) in pages.items():
            with action_times.playing_page(server, browser, name, head + code) as page:
                for label, times in times_of(page, options.actions):
                    medians_ms.append(action_times.median(times))
                    row = f"{medians_ms[-1] / 1000:>12.2f}{action_times.percentile_95(times) / 1000:>12.2f}"
                    print(f"{label:32}{row}{medians_ms[-1] / medians_ms[0]:>8.2f}", flush=True)
    within = max(medians_ms) <= LIMIT_MS
    print(f"{'Within' if within else 'Not within'} the limit of {LIMIT_MS / 1000:g} s in the median")
    return int(not within)


if __name__ == "__main__":
    sys.exit(main())
