"""Refusals: the exceptions that the package raises when an input, a file or an installation cannot be used.

A refusal is a message for the person who gave the input. It says what was expected, what came, and what to do. The
command line prints it in one line. Every other exception is a fault of the package or of a library, and keeps its
traceback, so that it can be reported and repaired.

Each refusal is also the built-in exception that Python programmers expect: `except ValueError` catches a refused
value. Files that are missing, exist already or cannot be written raise Python's own OSError and its subclasses.

Contents: Refusal, RefusedValue, RefusedType, ShapeError, MissingExtra, MissingDownload, EXTRAS, require,
missing_extra, remedy, in_words, warn_caller.
"""

import importlib
import re
import sys
import warnings
from types import ModuleType


class Refusal(Exception):
    """The base of all refusals. Raise one of its subclasses."""


class RefusedValue(Refusal, ValueError):
    """A value has the right type, but cannot be used."""


class RefusedType(Refusal, TypeError):
    """A value has a type that cannot be used."""


class ShapeError(RefusedValue):
    """An array does not have the axes that a function requires."""


class MissingExtra(Refusal, ModuleNotFoundError):
    """A library that only a part of the package needs is not installed."""


class MissingDownload(Refusal, ConnectionError):
    """A file that must be loaded from another computer once could not be loaded."""


# Libraries that the base installation leaves out, and the extra of pyproject.toml that installs each.
EXTRAS = {
    "music21": "scores",
    "fluidsynth": "render",
    "torch": "train",
    "torchaudio": "train",
    "lightning": "train",
    "mir_eval": "train",
    "safetensors": "train",
    "clarity": "quality",
    "fast_bss_eval": "peers",
    "norbert": "peers",
    "pyroomacoustics": "peers",
    "demucs": "pretrained",
    "huggingface_hub": "pretrained",
    "openunmix": "pretrained",
    "sphinx": "book",
    "argcomplete": "completion",
    "voila": "serve",
}


def require(module: str, purpose: str, *, otherwise: str = "") -> ModuleType:
    """Import an optional library, or raise an exception that names the extra which installs it.

    Parameters
    ----------
    module : str
        The library's name as it is imported; it may name a submodule, such as "lightning.pytorch".
    purpose : str
        What the library is needed for; opens the message, such as "reading MusicXML".
    otherwise : str
        An alternative for the reader, in a few words; closes the message.

    Raises
    ------
    MissingExtra
        If the library, or one that it needs, is not installed. ModuleNotFoundError if no extra installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_extra(error, purpose, otherwise=otherwise) from error


def missing_extra(error: ModuleNotFoundError, purpose: str, *, otherwise: str = "") -> ModuleNotFoundError:
    """The exception for a library that is not installed: a MissingExtra that names the remedy.

    A module that belongs to no extra is a fault of the installation or of the package; then `error` itself is returned.
    """
    library = (error.name or "").partition(".")[0]
    if library not in EXTRAS:
        return error
    hint = f", or {otherwise}" if otherwise else ""
    return MissingExtra(f"{purpose} {remedy(library)}{hint}", name=error.name)


def remedy(library: str) -> str:
    """What to do about a library that is not installed: "needs torch, which is not installed; install it with: ..."."""
    package = f"'mss-lab[{EXTRAS[library]}]'" if library in EXTRAS else library
    return f"needs {library}, which is not installed; install it with: pip install {package}"


def in_words(error: Exception) -> str:
    """The message of a refusal, of an error of a file, or of a lack of memory, as a reader should see it."""
    if isinstance(error, MemoryError):
        # NumPy says how much it needed, and more that only its users understand; Python says nothing.
        amount = re.search(r"Unable to allocate ([\d.]+) (\S+)", str(error))
        needed = f" ({float(amount[1]):g} {amount[2]} are needed)" if amount else ""
        return f"there is not enough memory{needed}; take a shorter recording, another method, or smaller options"
    if isinstance(error, OSError) and error.strerror:
        # Python begins with a number: "[Errno 28] No space left on device: 'stems'".
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return str(error)


def warn_caller(message: str, category: type[Warning]) -> None:
    """Issue a warning that points to the line outside the package from which the package was called.

    Parameters
    ----------
    message : str
    category : a class of warnings
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "mss_lab":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
