"""The training view: rows, sounds and the button, without a browser; and a real training that it watches."""

import signal

import numpy as np
import pytest

from mss_lab import signals
from mss_lab.widgets import training_view

RATE_HZ = 16_000


@pytest.fixture
def shown(monkeypatch):
    """What would be displayed: the view at the beginning of the block, and again at its end."""
    shown = []

    class Handle:
        def update(self, view):
            shown.append(view)

    monkeypatch.setattr(training_view, "display", lambda view, display_id: shown.append(view) or Handle())
    return shown


def row(step):
    return {"step": step, "loss": 1 / step, "seconds": 0.1 * step}


def tone(hz):
    return {"tone": signals.tone(hz, 0.5, RATE_HZ, amplitude=0.3).astype(np.float32)}


def test_each_checkpoint_is_drawn_and_heard(shown):
    pitches_hz = iter([100, 200, 300, 400])
    heard = []

    def estimate():
        heard.append(next(pitches_hz))
        return tone(heard[-1])

    with training_view.watch(estimate, RATE_HZ, every_s=0, sound_every_s=0, title="A run") as view:
        assert heard == [100]
        assert view._player.piece.title == "The estimate after step 0"
        assert view(row(1)) is False
        assert view(row(2)) is False
        assert view._player.piece.title == "The estimate after step 2"
        np.testing.assert_array_equal(view._player.piece.mixture, tone(300)["tone"])
    assert heard == [100, 200, 300, 400]
    assert view.rows == [row(1), row(2)]
    assert shown == [view, view]
    assert view._button.words == "The training has ended."
    assert "0.5 at step 2" in view.describe()


def test_between_two_checkpoints_time_passes(shown):
    calls = []
    with training_view.watch(lambda: calls.append(1) or tone(100), RATE_HZ, every_s=60, sound_every_s=60) as view:
        revision = view._curve.revision
        for step in range(1, 50):
            view(row(step))
        assert view._curve.revision == revision
    # At the beginning and at the end.
    assert len(calls) == 2
    assert view._curve.revision == revision + 1


def test_an_interrupt_ends_the_training_with_the_next_row(shown):
    usual = signal.getsignal(signal.SIGINT)
    with training_view.watch() as view:
        assert view._button.running
        assert view(row(1)) is False
        signal.raise_signal(signal.SIGINT)
        assert view(row(2)) is True
    assert signal.getsignal(signal.SIGINT) is usual
    assert view._button.words == "Stopped, and kept."
    assert not view._button.running
    assert view._player is None


def test_a_second_interrupt_is_as_usual(shown):
    usual = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), training_view.watch():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is usual


def test_an_error_leaves_the_curve_and_is_not_hidden(shown):
    with pytest.raises(KeyError), training_view.watch(lambda: tone(100), RATE_HZ, sound_every_s=0) as view:
        view(row(1))
        raise KeyError
    assert "at step 1" in view._curve.alt
    data, _ = view._repr_mimebundle_()
    assert "<audio" in data["text/html"]
    assert data["text/plain"].startswith("Training view: Training curve: the loss is 1 at step 1")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"estimate": 3, "sample_rate_hz": RATE_HZ}, TypeError, "put lambda: before it"),
        ({"estimate": dict}, TypeError, "sample_rate_hz"),
        ({"estimate": dict, "sample_rate_hz": 4000}, ValueError, "to be played"),
        ({"over": "days"}, ValueError, "over"),
        ({"every_s": -1}, ValueError, "every_s"),
    ],
)
def test_bad_input_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        training_view.watch(**given)
