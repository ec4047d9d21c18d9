"""One line of progress for a training run: steps, loss, and remaining time.

Contents: ProgressLine.
"""

import sys
import time
from collections.abc import Mapping

# In a log, one line per minute is enough.
LOG_EVERY_S = 60.0


class ProgressLine:
    """A line that overwrites itself in a terminal or a notebook, and appears once a minute in a log."""

    def __init__(self, first_step: int, last_step: int):
        self.first_step, self.last_step = first_step, last_step
        self.began_s = time.perf_counter()
        self.next_s = 0.0

    def show(self, row: Mapping[str, float], ended: bool) -> None:
        """Write the newest row of the curve."""
        elapsed_s = time.perf_counter() - self.began_s
        step = int(row["step"])
        left_min = elapsed_s / (step - self.first_step) * (self.last_step - step) / 60
        validation = f"  validation {row['validation']:.4g}" if "validation" in row else ""
        songs = f"  songs {row['song_sdr_db']:.2f} dB" if "song_sdr_db" in row else ""
        line = f"step {step}/{self.last_step}  loss {row['loss']:.4g}{validation}{songs}  {left_min:.1f} min left"
        if sys.stderr.isatty() or "ipykernel" in sys.modules:
            sys.stderr.write(f"\r{line:<78}" + ("\n" if ended else ""))
        elif elapsed_s >= self.next_s or ended:
            self.next_s = elapsed_s + LOG_EVERY_S
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
