"""The most memory that this process has held. Contents: peak_bytes."""

import resource
import sys
from pathlib import Path


def peak_bytes() -> int:
    """The peak of this process alone; where only getrusage tells, that of who started it may be in it."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands the peak of the process that started this one on to getrusage.
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
