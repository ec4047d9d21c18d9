"""What is known of a separation method, as plain data: its entry in the catalogue.

Each room of methods keeps its entries in a file `entries.py`, and `mss_lab.catalogue` gathers them. A reader's own
method gets an entry in the same way, and joins by `mss_lab.catalogue.register`.

This file imports nothing large, so that all methods can be listed at once, whether their libraries are installed or
not.

Contents: FACTS, Separator, UNDECLARED, Method.
"""

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .options import Option
from .refusals import missing_extra, remedy

if TYPE_CHECKING:
    import numpy as np

# What may be known of a mixture before anything is separated.
FACTS = {
    "stereo": "it has two channels",
    "apart": "its sources are panned apart",
    "two": "it has no more sources than channels",
    "sparse": "its sources seldom share a time and a frequency",
    "score": "there is a score, in time",
    "pitched": "its sources are tones with harmonics, at different pitches",
    "steady": "each source stays near a pitch of its own",
    "voice": "one voice sings over the rest",
    "repeats": "what accompanies repeats itself",
    "drums": "strokes sound against held tones",
    "known": "its instruments are those that a network was trained for",
}

# Called as `separator(mixture, sample_rate_hz, score=None)`.
Separator = Callable[..., "dict[str, np.ndarray]"]

# Stands for options that an entry leaves out.
UNDECLARED: Mapping[str, Option] = MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Method:
    """One entry.

    Attributes
    ----------
    name : str
        As written on the command line: small letters, digits, and hyphens between words.
    title : str
        One line that says what it does.
    function : str or callable
        "module:function", inside the package with a dot before the module, or the function itself; called as
        `function(mixture, sample_rate_hz, score, **options)`.
    options : mapping of name -> Option, optional
        As `mss_lab.options.declare` gives it. Left out, `mss_lab.catalogue.register` reads them from the function.
    needs : frozenset of {"score", "stereo"}
        Without these it refuses a mixture.
    gives : str
        What its estimates are, in words.
    lesson : str
        The notebook that teaches it.
    source : str
        The paper.
    adds_up : bool
        Whether the estimates add up to the mixture.
    assumes : str
        What must be true of a mixture for the method to part it, in a short sentence.
    fits : frozenset of str
        The same as words of `FACTS`: where all of them hold, the method has a chance.
    libraries : tuple of str
        Modules that it imports and that the base installation leaves out, such as "torch".
    """

    name: str
    title: str
    function: str | Separator
    options: Mapping[str, Option] = dataclasses.field(default_factory=lambda: UNDECLARED, hash=False)
    needs: frozenset[str] = frozenset()
    gives: str = ""
    lesson: str = ""
    source: str = ""
    adds_up: bool = False
    assumes: str = ""
    fits: frozenset[str] = frozenset()
    libraries: tuple[str, ...] = ()

    def load(self) -> Separator:
        """The function itself; MissingExtra where it needs a library that is not installed."""
        if callable(self.function):
            return self.function
        module, function = self.function.split(":")
        try:
            return getattr(importlib.import_module(module, package=__package__), function)
        except ModuleNotFoundError as error:
            raise missing_extra(error, f"method {self.name}") from error

    def defaults(self) -> dict[str, Any]:
        """Every option with its default."""
        return {name: option.default for name, option in self.options.items()}

    def missing(self) -> str:
        """Which of its libraries is not installed, and what to do: "needs torch, which is ..."; empty if none is."""
        return next((remedy(library) for library in self.libraries if not _is_installed(library)), "")


def _is_installed(library: str) -> bool:
    # Looks for the file without running it.
    try:
        return importlib.util.find_spec(library) is not None
    except (ImportError, ValueError):
        return False
