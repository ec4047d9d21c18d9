"""Controls without a browser: the worker's order of work, the inputs, the panel and what it leaves in a notebook."""

import base64
import threading
import time

import anywidget
import numpy as np
import pytest
import traitlets
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from mss_lab import plots, signals
from mss_lab.checks import ShapeError
from mss_lab.widgets import controls, picture, player, worker

RATE_HZ = 16_000
# Long enough never to be reached; a test that gets there has hung.
PATIENCE_S = 30


# ---- the worker ---------------------------------------------------------------------------------------------------


class Bench:
    """A worker whose jobs wait until the test lets each one go."""

    def __init__(self):
        self.shown, self.failed, self.begun = [], [], []
        self.started, self.gate = threading.Semaphore(0), threading.Semaphore(0)
        self.worker = worker.LatestWorker(self.work, self.show, self.fail)

    def work(self, job):
        self.begun.append(job)
        self.started.release()
        assert self.gate.acquire(timeout=PATIENCE_S)
        if isinstance(job, Exception):
            raise job
        return 10 * job

    def show(self, job, result):
        self.shown.append((job, result))

    def fail(self, job, error):
        self.failed.append(error)

    def await_start(self):
        assert self.started.acquire(timeout=PATIENCE_S)


def test_only_the_newest_waiting_job_is_done_and_a_superseded_result_is_dropped():
    bench = Bench()
    bench.worker.submit(1)
    bench.await_start()
    for job in (2, 3, 4):
        bench.worker.submit(job)
    bench.gate.release(2)
    assert bench.worker.wait(PATIENCE_S)
    assert bench.begun == [1, 4]
    assert bench.shown == [(4, 40)]


def test_two_results_in_a_row_are_never_dropped():
    bench = Bench()
    bench.worker.submit(1)
    for job in (2, 3, 4):
        bench.await_start()
        bench.worker.submit(job)
        bench.gate.release()
    bench.await_start()
    bench.gate.release()
    assert bench.worker.wait(PATIENCE_S)
    # 1 is dropped for 2, so 2 is shown though 3 waits; 3 is dropped for 4.
    assert bench.shown == [(2, 20), (4, 40)]


def test_an_error_reaches_fail_and_the_next_job_is_done():
    bench = Bench()
    error = ValueError("no")
    bench.gate.release(2)
    bench.worker.submit(error)
    assert bench.worker.wait(PATIENCE_S)
    bench.worker.submit(5)
    assert bench.worker.wait(PATIENCE_S)
    assert bench.failed == [error]
    assert bench.shown == [(5, 50)]


def test_run_now_ends_up_shown_last_and_forgets_what_waited():
    bench = Bench()
    bench.worker.submit(1)
    bench.await_start()
    bench.worker.submit(2)
    results = []
    caller = threading.Thread(target=lambda: results.append(bench.worker.run_now(3)))
    caller.start()
    # Job 1 still holds the turn, so the only thing that the caller can do first is to forget job 2.
    while bench.worker._waiting is not worker._NOTHING:
        time.sleep(0.001)
    bench.gate.release(2)
    caller.join(PATIENCE_S)
    assert bench.worker.wait(PATIENCE_S)
    assert results == [30]
    assert bench.shown == [(1, 10), (3, 30)]


def test_run_now_raises_and_tells_the_error():
    bench = Bench()
    bench.gate.release()
    with pytest.raises(KeyError):
        bench.worker.run_now(KeyError("x"))
    assert len(bench.failed) == 1


# ---- the inputs ---------------------------------------------------------------------------------------------------


def test_a_slider_keeps_ints_and_shows_label_unit_and_digits():
    whole = controls.slider(1, 8, 2)
    assert whole.value == 2
    assert isinstance(whole.value, int)
    fine = controls.slider(0.0, 0.5, 0.2, 0.05, label="Tolerance", unit="s")
    assert (fine.min, fine.max, fine.value, fine.step) == (0.0, 0.5, 0.2, 0.05)
    assert fine.description == "Tolerance (s)"
    assert fine.readout_format == ".2f"


@pytest.mark.parametrize(("low", "high", "start"), [(100, 8000, 1000), (100.0, 8000.0, 100.0), (0.3, 7.0, 6.9)])
@pytest.mark.parametrize("log", [False, True])
def test_a_start_is_a_whole_number_of_steps_from_low(low, high, start, log):
    made = controls.slider(float(low), float(high), float(start), log=log)
    at = np.log10(start) if log else start
    steps = (at - made.min) / made.step
    assert steps == pytest.approx(round(steps), abs=1e-6)
    assert made.value == pytest.approx(start)
    assert 50 <= (made.max - made.min) / made.step <= 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1, 1, 1), "above 1"),
        ((0, 1, 2), "at most 1"),
        ((0, 1, -1), "at least 0"),
        ((0.0, 1.0, 0.5, 0.0), "above 0"),
        ((0.0, 1.0, 0.5, 0.2), "whole number of steps"),
        ((np.nan, 1, 0), "low must be"),
    ],
)
def test_a_slider_refuses_bounds_that_make_no_sense(arguments, words):
    with pytest.raises(ValueError, match=words):
        controls.slider(*arguments)


def test_a_logarithmic_slider_needs_a_bound_above_zero():
    with pytest.raises(ValueError, match="above 0"):
        controls.slider(0, 10, 1, log=True)


def test_choices_and_switches():
    assert controls.choice(["hann", "sine"]).value == "hann"
    assert controls.choice({"Long": 4096, "Short": 512}).value == 4096
    assert controls.switch(True).value is True
    with pytest.raises(ValueError, match="empty"):
        controls.choice([])
    with pytest.raises(TypeError, match="True or False"):
        controls.switch(1)


# ---- the panel ----------------------------------------------------------------------------------------------------


def figure_of(value):
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    axes.plot([0, value])
    axes.set(title="Line", xlabel="Time (s)", ylabel="Level (dB)")
    return figure


def look_and_listen(level=1, loud=False):
    sound = signals.tone(440, 0.1, RATE_HZ, amplitude=0.1 * level * (1 + loud))
    return controls.View(figure_of(level), sound, RATE_HZ, f"level {level}")


@pytest.fixture
def panel():
    return controls.explore(
        look_and_listen,
        level=controls.slider(1, 4, 2, unit="dB"),
        loud=controls.switch(False),
    )


def sound_of(panel):
    return next(part for part in panel.children if isinstance(part, player.Player))


def test_a_panel_has_run_once_and_its_inputs_are_named(panel):
    assert panel.values == {"level": 2, "loud": False}
    assert panel.view.text == "level 2"
    assert [item.description for item in panel.inputs.values()] == ["Level (dB)", "Loud"]
    assert np.abs(sound_of(panel).piece.mixture).max() == pytest.approx(0.2, rel=1e-3)


def test_set_shows_the_new_view_before_it_returns(panel):
    shown, before = sound_of(panel), panel._picture.png
    assert panel.set(level=4, loud=True).text == "level 4"
    assert panel.values == {"level": 4, "loud": True}
    assert panel._words.text == "level 4"
    assert panel._picture.png != before
    # The player stays; only its sound is another, so that it can go on playing.
    assert sound_of(panel) is shown
    assert np.abs(shown.piece.mixture).max() == pytest.approx(0.8, rel=1e-3)


def test_moving_an_input_is_followed_in_the_background(panel):
    panel.inputs["level"].value = 3
    assert panel.wait(PATIENCE_S)
    assert panel.view.text == "level 3"
    assert not panel._words.busy


def test_an_error_is_said_and_the_panel_recovers():
    def fragile(number):
        if number > 2:
            raise ValueError("more than two is too many")
        return controls.View(text=f"fine {number}")

    panel = controls.explore(fragile, number=controls.slider(0, 5, 1))
    panel.inputs["number"].value = 4
    assert panel.wait(PATIENCE_S)
    assert panel._words.kind == "error"
    assert "ValueError: more than two is too many" in panel._words.text
    assert "fragile" in panel._words.text
    assert panel.view.text == "fine 1"
    with pytest.raises(ValueError, match="too many"):
        panel.set(number=5)
    panel.set(number=2)
    assert (panel._words.kind, panel._words.text) == ("result", "fine 2")


@pytest.mark.parametrize(
    ("view", "error", "words"),
    [
        ("text", TypeError, "must return a controls.View"),
        (controls.View(sound=np.zeros(5, np.float32), sample_rate_hz=RATE_HZ), ShapeError, "channel axis"),
        (controls.View(sound=np.zeros((1, 5), np.float32)), TypeError, "sample_rate_hz"),
    ],
)
def test_a_view_that_cannot_be_shown_is_refused_at_once(view, error, words):
    with pytest.raises(error, match=words):
        controls.explore(lambda x: view, x=controls.slider(0, 1, 0))


def test_a_refused_sound_leaves_the_panel_as_it_was():
    def sometimes_bad(x):
        sound = np.full((1, 9), np.nan if x else 0.5, np.float32)
        return controls.View(figure_of(x), sound, RATE_HZ, f"x {x}")

    panel = controls.explore(sometimes_bad, x=controls.slider(0, 1, 0))
    png = panel._picture.png
    with pytest.raises(ValueError, match="NaN"):
        panel.set(x=1)
    assert panel._picture.png == png
    assert panel.view.text == "x 0"
    assert panel._words.kind == "error"


def test_a_figure_may_be_drawn_after_the_sound_has_gone():
    heard = []

    def look(level):
        def draw():
            heard.append(np.abs(sound_of(panel).piece.mixture).max() if panel else None)
            if level == 4:
                raise ValueError("no picture of four")
            return figure_of(level)

        return controls.View(draw, signals.tone(440, 0.1, RATE_HZ, amplitude=0.1 * level), RATE_HZ, f"level {level}")

    panel = None
    panel = controls.explore(look, level=controls.slider(1, 4, 1))
    panel.set(level=3)
    assert heard == [None, pytest.approx(0.3, rel=1e-3)]
    wanted = picture.Picture()
    wanted.show(figure_of(3))
    assert (panel._picture.png, panel._picture.alt) == (wanted.png, wanted.alt)
    with pytest.raises(ValueError, match="no picture of four"):
        panel.set(level=4)
    assert panel._words.kind == "error"
    assert panel._picture.png == wanted.png


def test_a_first_run_that_fails_raises():
    with pytest.raises(ZeroDivisionError):
        controls.explore(lambda x: 1 / x, x=controls.slider(0, 1, 0))


def test_bad_calls_are_refused():
    with pytest.raises(TypeError, match="callable"):
        controls.explore(3, x=controls.switch(True))
    with pytest.raises(ValueError, match="at least one parameter"):
        controls.explore(look_and_listen)
    with pytest.raises(TypeError, match="input with a value"):
        controls.explore(look_and_listen, level=3)


def test_set_refuses_what_the_panel_has_not(panel):
    with pytest.raises(TypeError, match="unknown parameter 'lvel'"):
        panel.set(lvel=3)
    assert panel.values == {"level": 2, "loud": False}


def test_the_sound_may_come_and_go():
    def sometimes(on):
        sound = signals.tone(440, 0.1, RATE_HZ) if on else None
        return controls.View(sound=sound, sample_rate_hz=RATE_HZ if on else None)

    panel = controls.explore(sometimes, on=controls.switch(False))
    assert not any(isinstance(part, player.Player) for part in panel.children)
    panel.set(on=True)
    assert sound_of(panel).layout.display is None
    panel.set(on=False)
    assert sound_of(panel).layout.display == "none"


def test_an_input_of_ones_own_joins_in():
    class Notes(anywidget.AnyWidget):
        _esm = "export default {}"
        value = traitlets.Tuple().tag(sync=True)
        label = traitlets.Unicode("Piano roll").tag(sync=True)

    roll = Notes(value=(60,))
    panel = controls.explore(lambda notes: controls.View(text=f"{len(notes)} notes"), notes=roll)
    roll.value = (60, 64, 67)
    assert panel.wait(PATIENCE_S)
    assert panel.view.text == "3 notes"
    assert "Piano roll" in panel.static()[1]


def test_without_a_browser_the_output_holds_picture_words_and_sound(panel):
    panel.set(level=3)
    data, metadata = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]) == panel._picture.png
    assert metadata["image/png"]["alt"] == "Line: Level (dB) against Time (s)"
    for part in ("level 3", "<img", "<audio", "Level (dB) 3"):
        assert part in data["text/html"]
    assert data["text/plain"] == "Panel: level=3, loud=False\nlevel 3"


def test_figures_of_pyplot_are_closed_and_others_keep_their_resolution():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    def draw(x):
        figure, _ = pyplot.subplots()
        return controls.View(figure)

    before = pyplot.get_fignums()
    controls.explore(draw, x=controls.slider(0, 3, 0)).set(x=2)
    assert pyplot.get_fignums() == before
    figure = Figure(dpi=72)
    picture.Picture().show(figure)
    assert figure.dpi == 72


def test_alternative_text_falls_back_to_words():
    assert picture.alternative_text(Figure()) == "A figure without a title or labels"
    shown = picture.Picture()
    shown.show(figure_of(1), "A line that rises.")
    assert shown.alt == "A line that rises."
    shown.show(None)
    assert (shown.png, shown.alt) == (b"", "")


def test_alternative_text_names_what_the_legend_names():
    axes = Figure().subplots()
    axes.plot([1, 2], label="violin")
    axes.set(xlabel="time (s)", ylabel="level (dB)")
    axes.legend()
    assert picture.alternative_text(axes.figure) == "level (dB) against time (s) for violin"


def _drawing(height, label, top):
    figure = Figure(figsize=(4, 2), layout="constrained")
    axes = figure.subplots()
    axes.bar([0, 1], [1, height])
    axes.set(ylabel=label, ylim=(0, top), title="Bars")
    figure.colorbar(ScalarMappable(), ax=axes)
    return figure


@pytest.mark.slow(1)
def test_a_layout_that_is_used_again_draws_what_a_fresh_one_draws():
    shown = picture.Picture()
    two_lines = "a label\nof two lines"
    for values in ((1, "level", 5), (3, "level", 5), (3, two_lines, 5), (2, two_lines, 5), (2, two_lines, 500_000)):
        figure = _drawing(*values)
        shown.show(figure)
        assert shown.png == plots.to_png(_drawing(*values))
        assert "constrained" in type(figure.get_layout_engine()).__name__.lower()
