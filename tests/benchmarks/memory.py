"""How much memory this process holds, and the most that it has held.

Contents: peak_bytes, held_bytes, forget_peak.
"""

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The peak of this process alone; where only getrusage tells, that of who started it may be in it."""
    if STATUS.exists():
        # Linux hands the peak of the process that started this one on to getrusage.
        return _of_status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def held_bytes() -> int:
    """What this process holds now; where the system does not tell, its peak."""
    return _of_status("VmRSS") if STATUS.exists() else peak_bytes()


def forget_peak() -> None:
    """Let `peak_bytes` count from now on; does nothing where the system cannot do it."""
    file = Path("/proc/self/clear_refs")
    if file.exists():
        file.write_text("5")


def _of_status(name: str) -> int:
    return int(STATUS.read_text().split(f"{name}:")[1].split()[0]) * 1024
