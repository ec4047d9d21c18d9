"""Take the README's pictures of lesson 00 in a real browser: python -m tests.browser.make_screenshots

Writes data/screenshots/*.png, each whole or not at all, reduced to 256 colours so that they stay small.
"""

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from mss_lab import files
from tests.browser import workbench
from tests.paths import NOTEBOOKS, ROOT

LESSON = NOTEBOOKS / "00_unmix_in_five_minutes.ipynb"
FOLDER = ROOT / "data" / "screenshots"
COLOURS = 256


def main() -> None:
    """Run lesson 00 and take three pictures: the player, the panel of controls, an exercise answered wrongly."""
    with (
        tempfile.TemporaryDirectory() as folder,
        workbench.jupyterlab(Path(folder)) as server,
        workbench.chromium() as browser,
    ):
        shutil.copy(LESSON, server.folder / LESSON.name)
        page = workbench.open_page(browser, width=1180, height=860)
        workbench.open_notebook(page, server, LESSON.name)
        page.evaluate("() => { window.jupyterapp.shell.collapseLeft(); window.jupyterapp.shell.collapseRight(); }")
        workbench.run_all(page, ".mss-player")

        player = page.locator(".mss-player").filter(has_text="The truth, and unmixed")
        player.scroll_into_view_if_needed()
        player.evaluate(
            """(root) => {
                root.mssPlayer.set({ mute: ['bassoon'], loop: [4, 9], loopOn: true });
                root.mssPlayer.seek(6.3);
            }"""
        )
        take(page, player, "player")

        picture = page.locator(".mss-picture").first
        picture.scroll_into_view_if_needed()
        take(page, page.locator(".widget-vbox").filter(has=picture).first, "panel")

        workbench.run_cell(page, 'answer = round(220 / (44_100 / 4096))\nlab.check("0.1", answer)')
        cell = page.locator(".jp-CodeCell").last
        cell.scroll_into_view_if_needed()
        take(page, cell, "exercise")


def take(page, what, name: str) -> None:
    """Picture of a page or an element, once its canvases have been drawn."""
    page.wait_for_timeout(800)
    # Of all palettes this one keeps the small coloured things, such as the swatches beside the names.
    image = (
        Image.open(io.BytesIO(what.screenshot())).convert("RGB").quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    )
    with files.whole_file(FOLDER / f"{name}.png") as temporary:
        image.save(temporary, optimize=True)


if __name__ == "__main__":
    main()
