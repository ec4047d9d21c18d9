"""A page of the book in a real browser: its players sound without a kernel."""

import nbformat
import numpy as np
import pytest

from mss_lab.lessons import book, notebooks
from tests.browser.workbench import rendered

pytestmark = pytest.mark.browser

CELL = """\
import numpy as np
from mss_lab import signals
from mss_lab.widgets import player

tones = {str(hz): signals.tone(hz, 1.0, 16_000, amplitude=0.3).astype(np.float32) for hz in (250, 1000)}
player.play(tones, 16_000, "Two tones")
"""


@pytest.mark.slow(12)
def test_the_players_of_a_page_play_their_stems(page, tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# A page\n\nIt sounds."), nbformat.v4.new_code_cell(CELL)]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "97_page.ipynb").write_text(notebooks.canonical(notebook), encoding="utf-8")
    made = book.make_page(tmp_path / "97_page.ipynb")
    (tmp_path / "97_page.html").write_text(made.html, encoding="utf-8")

    page.goto((tmp_path / "97_page.html").as_uri())
    page.wait_for_function("() => document.querySelector('.mss-player')?.mssPlayer.loaded() === 1")
    player = page.locator(".mss-player")
    for hz in (250, 1000):
        sound = rendered(player, {"solo": [str(hz)]})[0]
        assert abs(np.abs(np.fft.rfft(sound)).argmax() * 16_000 / len(sound) - hz) <= 1
    assert page.mss_errors == []
