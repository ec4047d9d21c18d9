"""How soon a long piece stands in the player, and how much memory its page needs, in a real browser.

    python -m tests.benchmarks.player_opening [--length SECONDS] [--stems N] [--limit-s S] [--limit-mb MB]

Stereo stems at 44.1 kHz, made from the shipped band, are shown in the player of a notebook in JupyterLab. Times run
from the moment at which the cell is started until the player stands in the page, and until its last sample has
arrived. Memory is that of the browser's process for the page (JupyterLab included): once all has arrived, and after
ten seconds of playing in the middle of the piece. The command ends with 1 where a limit is not kept.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.browser import workbench

LENGTH_S, STEMS = 300.0, 5
LIMIT_S, LIMIT_MB = 3.0, 500.0
PLAYED_MS = 10_000

# Imports and a first player of one second: a reader opens a long piece in a notebook that is already at work.
OPENING = """\
import numpy as np
from mss_lab.datasets import pieces
from mss_lab.widgets import player

band = pieces.load("band")
rate, samples = band.sample_rate_hz, round(LENGTH_S * band.sample_rate_hz)
whole = np.tile(band.mixture, (1, -(-samples // band.mixture.shape[1])))[:, :samples].astype(np.float32)
stems = {f"stem {number}": 0.2 * np.roll(whole, number * rate, axis=1) for number in range(STEMS)}
player.play({"one": whole[:, :rate]}, rate)
"""
LONG = 'player.play(stems, rate, "Long")'


def main(arguments: list[str] | None = None) -> int:
    """Open the piece, play it, and print times and memory beside their limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=float, default=LENGTH_S, metavar="SECONDS")
    parser.add_argument("--stems", type=int, default=STEMS)
    parser.add_argument("--limit-s", type=float, default=LIMIT_S)
    parser.add_argument("--limit-mb", type=float, default=LIMIT_MB)
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        workbench.jupyterlab(Path(folder)) as server,
        workbench.chromium() as browser,
    ):
        page = workbench.open_page(browser)
        values = f"LENGTH_S, STEMS = {given.length}, {given.stems}\n"
        workbench.write_notebook(server, "long.ipynb", values + OPENING)
        workbench.open_notebook(page, server, "long.ipynb")
        workbench.run_all(page, ".mss-player")
        opened_s, arrived_s = open_long(page)
        held_mb = renderer_mb(browser)
        player = page.locator(".mss-player").last
        player.evaluate("(root, at) => { root.mssPlayer.seek(at); return root.mssPlayer.play(); }", given.length / 2)
        page.wait_for_timeout(min(PLAYED_MS, 250 * given.length))
        playing_mb = renderer_mb(browser)
        faults = list(page.mss_errors)
    print(f"{given.stems} stereo stems of {given.length:g} s at 44.1 kHz")
    print(f"{'from the cell to the player (s)':40s} {opened_s:7.2f}   limit {given.limit_s:g}")
    print(f"{'until the last sample has arrived (s)':40s} {arrived_s:7.2f}")
    print(f"{'memory of the page (MB)':40s} {held_mb:7.0f}   limit {given.limit_mb:g}")
    print(f"{'memory of the page while it plays (MB)':40s} {playing_mb:7.0f}   limit {given.limit_mb:g}")
    if faults:
        print(f"FAILED: the page reports {faults[0]}")
    return int(bool(faults) or opened_s > given.limit_s or max(held_mb, playing_mb) > given.limit_mb)


def open_long(page) -> tuple[float, float]:
    """Run the cell of the long piece; seconds until its player stands in the page, and until all has arrived."""
    start = time.perf_counter()
    workbench.start_cell(page, LONG)
    page.wait_for_selector(".mss-player >> nth=1")
    opened_s = time.perf_counter() - start
    player = page.locator(".mss-player").last.element_handle()
    page.wait_for_function("(root) => root.mssPlayer.loaded() === 1", arg=player)
    return opened_s, time.perf_counter() - start


def renderer_mb(browser) -> float:
    """Resident memory of the browser's largest process for a page, in MB."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    held = [
        int(Path(f"/proc/{process['id']}/status").read_text().split("VmRSS:")[1].split()[0]) / 1000
        for process in processes
        if process["type"] == "renderer"
    ]
    return max(held)


if __name__ == "__main__":
    sys.exit(main())
