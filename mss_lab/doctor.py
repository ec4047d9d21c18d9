"""The doctor: what is installed, which device computes, what is missing, and how to install it.

Contents: Finding, examine, shipped_files, add_arguments, run, verify.
"""

import argparse
import ctypes.util
import dataclasses
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Sequence

# What each extra is needed for, by the name that pip knows.
EXTRAS = {
    "scores": "the chorales and quartets of music21, to train on",
    "render": "making the lessons' audio again",
    "train": "networks",
    "quality": "HAAQI",
    "peers": "methods of other libraries, and comparisons with them",
    "pretrained": "models that others trained on pop songs",
    "dev": "the tests",
}
NEEDED_DISK_BYTES = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Finding:
    """One subject that was examined: whether it is in order, its state in words, and how to repair it if not."""

    subject: str
    is_ok: bool
    state: str
    repair: str = ""
    needed: bool = True


def examine() -> Iterator[Finding]:
    """Examine all subjects, those that are needed first."""
    version = platform.python_version()
    yield Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    yield from _libraries()
    yield from shipped_files()
    free_bytes = shutil.disk_usage(".").free
    yield Finding(
        "disk", free_bytes > NEEDED_DISK_BYTES, f"{free_bytes / 1e9:.0f} GB free", "make room: 1 GB is needed"
    )
    yield _device()
    yield from _programs()


def shipped_files() -> Iterator[Finding]:
    """Compare all files of the course with their checksums."""
    from .shipped import course_folder, remedy

    for subject, check in (("lesson data", _pieces), ("tables of instruments", _tables), ("networks", _networks)):
        try:
            names = check()
        except (OSError, ValueError) as error:
            # A refusal ends with what to do.
            state, _, repair = str(error).partition("; ")
            yield Finding(subject, False, state, repair)
        else:
            repair = remedy(course_folder() / "data")
            yield Finding(subject, bool(names), ", ".join(names) or "none was found", repair)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab doctor` to a parser."""
    parser.add_argument("--files", action="store_true", help="only check the files of the course, by their checksums")


def run(options: argparse.Namespace) -> int:
    """Print all findings; return 1 if something needed is missing, else 0."""
    findings = list(shipped_files() if options.files else examine())
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        sign = "ok     " if finding.is_ok else ("MISSING" if finding.needed else "not here")
        print(f"{sign:8}  {finding.subject:{width}}  {finding.state}")
        if not finding.is_ok:
            print(f"{'':8}  {'':{width}}  -> {finding.repair}")
    missing = [finding.subject for finding in findings if finding.needed and not finding.is_ok]
    if missing:
        print(f"\nTo repair first: {', '.join(missing)}")
        return 1
    if not options.files:
        print("\nAll that the lessons need is here.")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Do what `mss-lab doctor --files` does."""
    return run(argparse.Namespace(**{**vars(options), "files": True}))


def _pieces() -> Sequence[str]:
    from .datasets import pieces

    for name in pieces.names():
        pieces.verify(name)
    return pieces.names()


def _tables() -> Sequence[str]:
    from . import shipped
    from .nmf import instruments

    for folder in instruments.MEASURED_ON.values():
        shipped.read_record(shipped.data_folder(folder) / folder / instruments.RECORD)
    return tuple(instruments.MEASURED_ON)


def _networks() -> Sequence[str]:
    from . import shipped

    return shipped.check_weights(shipped.data_folder("models/networks") / "models/networks")


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
        state = f"missing: {', '.join(missing)}" if missing else ", ".join(f"{name} {_version(name)}" for name in names)
        # pip finds the installed package, from a checkout or a wheel, and adds only what is missing.
        repair = f"pip install 'mss-lab[{extra}]'" if extra else "pip install mss-lab"
        yield Finding(subject, not missing, state, repair, needed=not extra)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _device() -> Finding:
    cores = os.cpu_count() or 1
    try:
        import torch
    except ModuleNotFoundError:
        return Finding("device", True, f"CPU, {cores} cores (torch is not installed)", needed=False)
    except (ImportError, OSError) as error:
        # A build for another computer, or one of its libraries is missing.
        repair = "install it again: pip install --force-reinstall torch"
        return Finding("device", False, f"torch cannot be loaded ({error})", repair, needed=False)

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
        "ffmpeg (other formats)", ffmpeg is not None, ffmpeg or "not found", "only to convert audio in advance", False
    )
