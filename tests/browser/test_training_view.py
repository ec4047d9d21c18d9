"""The training view in a real browser: it grows and sounds while the cell runs, and its button ends the training."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser import workbench
from tests.browser.workbench import rendered

pytestmark = pytest.mark.browser

# Steps of a twentieth of a second, for a minute at most; the tone rises with the steps.
TRAINING = """\
import time
import numpy as np
from mss_lab import signals
from mss_lab.widgets import training_view

rate, step = 16_000, 0


def estimate():
    return {"tone": signals.tone(200 + step, 0.5, rate, amplitude=0.3).astype(np.float32)}


with training_view.watch(estimate, rate, over="step", every_s=0.2, sound_every_s=0.2) as view:
    for step in range(1, 1201):
        time.sleep(0.05)
        if view({"step": step, "loss": 1 / step, "seconds": 0.05 * step}):
            break
"""


def pitch_hz(player):
    sound = rendered(player)[0]
    return np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 16_000)).argmax()


@pytest.mark.slow(15)
def test_a_training_is_seen_and_heard_and_stopped_while_its_cell_runs(server, page):
    workbench.write_notebook(server, "training.ipynb", TRAINING)
    workbench.open_notebook(page, server, "training.ipynb")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_selector(".mss-player")
    player = page.locator(".mss-player").first
    page.wait_for_function(
        "() => Number(document.querySelector('.mss-player').dataset.revision) > 3 "
        "&& Number(document.querySelector('.mss-picture').dataset.revision) > 3"
    )
    early = pitch_hz(player)
    assert early > 200
    page.wait_for_function(
        "(least) => Number(document.querySelector('.mss-player').dataset.revision) > least",
        arg=int(player.get_attribute("data-revision")) + 3,
    )
    assert pitch_hz(player) > early

    page.get_by_role("button", name="Stop and keep").first.click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.executionCount !== null"
    )
    steps = int(workbench.run_cell(page, "print(step, view.stopping)").split()[0])
    assert 5 < steps < 1200
    expect(page.locator(".mss-stop").last).to_contain_text("Stopped, and kept.")
    # The last sound is that of the last step.
    assert pitch_hz(page.locator(".mss-player").last) == 200 + steps
    assert page.mss_errors == []
