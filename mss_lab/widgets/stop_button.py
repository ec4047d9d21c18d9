"""A button that ends long work in a cell, in a way that the work can take note of.

While a cell runs, the kernel does not read what the widgets of a page send. An interrupt reaches it at any time: the
button sends one, and within the `with` block of `noted_interrupts` it only sets a mark. A second interrupt ends the
work by KeyboardInterrupt, as usual.

Contents: StopButton, noted_interrupts. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import anywidget
import traitlets

from . import front_end


class StopButton(anywidget.AnyWidget):
    """The button; it can be pressed while `running` is True, and `words` stand beside it."""

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    running = traitlets.Bool(False).tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)


@contextlib.contextmanager
def noted_interrupts(note: Callable[[], None]) -> Iterator[None]:
    """Call `note` at the first interrupt within the block; the second one raises KeyboardInterrupt.

    Only the main thread of a program can receive interrupts; in another thread the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.getsignal(signal.SIGINT)

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        note()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
