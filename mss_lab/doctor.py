"""The doctor: what is installed, which device will compute, what is missing, and how to mend it.

Contents: Finding, examine, run.
"""

import ctypes.util
import dataclasses
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator

# What a missing extra costs the reader; the extra's name is what pip wants to hear.
EXTRAS = {
    "scores": "the chorales and quartets of music21, to train on",
    "render": "making the lessons' audio again",
    "train": "networks",
    "quality": "HAAQI",
    "peers": "methods of other libraries, and comparisons with them",
    "dev": "the tests",
}
NEEDED_DISK_BYTES = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was found, and how to mend it if not."""

    subject: str
    well: bool
    found: str
    mend: str = ""
    needed: bool = True


def examine() -> Iterator[Finding]:
    """Look at everything, the needed first."""
    version = platform.python_version()
    yield Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    yield from _libraries()
    yield _data()
    free_bytes = shutil.disk_usage(".").free
    yield Finding(
        "disk", free_bytes > NEEDED_DISK_BYTES, f"{free_bytes / 1e9:.0f} GB free", "make room: 1 GB is needed"
    )
    yield _device()
    yield from _programs()


def run() -> int:
    """Print all findings; 1 if something needed is missing, else 0."""
    findings = list(examine())
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        sign = "ok     " if finding.well else ("MISSING" if finding.needed else "not here")
        print(f"{sign:8}  {finding.subject:{width}}  {finding.found}")
        if not finding.well:
            print(f"{'':8}  {'':{width}}  -> {finding.mend}")
    missing = [finding.subject for finding in findings if finding.needed and not finding.well]
    if missing:
        print(f"\nTo mend first: {', '.join(missing)}")
        return 1
    print("\nAll that the lessons need is here.")
    return 0


def _libraries() -> Iterator[Finding]:
    """One finding for the libraries that every lesson needs, one for each extra."""
    groups: dict[str, list[str]] = {"": []}
    for requirement in importlib.metadata.requires("mss-lab") or []:
        distribution = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        marker = re.search(r"extra == ['\"]([^'\"]+)['\"]", requirement)
        groups.setdefault(marker.group(1) if marker else "", []).append(distribution)
    for extra, names in groups.items():
        if extra and extra not in EXTRAS:
            continue
        missing = [name for name in names if _version(name) is None]
        subject = f"extra [{extra}]: {EXTRAS[extra]}" if extra else "libraries"
        found = f"missing: {', '.join(missing)}" if missing else ", ".join(f"{name} {_version(name)}" for name in names)
        mend = f"pip install -e '.[{extra}]'" if extra else "pip install -e ."
        yield Finding(subject, not missing, found, f"in the project's folder: {mend}", needed=not extra)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _data() -> Finding:
    from .datasets import pieces

    mend = "restore the folder from the repository (git checkout -- data), or make it again (make data)"
    try:
        for name in pieces.names():
            pieces.verify(name)
    except (OSError, ValueError) as error:
        return Finding("lesson data", False, str(error), mend)
    return Finding("lesson data", bool(pieces.names()), ", ".join(pieces.names()) or "no piece found", mend)


def _device() -> Finding:
    cores = os.cpu_count() or 1
    try:
        import torch
    except ModuleNotFoundError:
        return Finding("device", True, f"CPU, {cores} cores (torch is not installed)", needed=False)
    except (ImportError, OSError) as error:
        # A build for another computer, or one of its libraries is missing.
        mend = "install it again: pip install --force-reinstall torch"
        return Finding("device", False, f"torch cannot be loaded ({error})", mend, needed=False)

    if torch.cuda.is_available():
        return Finding("device", True, f"GPU: {torch.cuda.get_device_name()} (torch {torch.__version__})", needed=False)
    if torch.backends.mps.is_available():
        return Finding("device", True, f"GPU: Apple (torch {torch.__version__})", needed=False)
    return Finding("device", True, f"CPU, {cores} cores (torch {torch.__version__})", needed=False)


def _programs() -> Iterator[Finding]:
    library = ctypes.util.find_library("fluidsynth") or ctypes.util.find_library("libfluidsynth-3")
    yield Finding(
        "FluidSynth (renders)",
        library is not None,
        library or "not found",
        "Debian: apt install libfluidsynth3 fluid-soundfont-gm; conda: fluidsynth; macOS: brew install fluid-synth",
        needed=False,
    )
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    yield Finding(
        "Chromium (browser test)", chromium is not None, chromium or "not found", "Debian: apt install chromium", False
    )
    ffmpeg = shutil.which("ffmpeg")
    yield Finding(
        "ffmpeg (other formats)", ffmpeg is not None, ffmpeg or "not found", "only to convert audio beforehand", False
    )
