"""The description of a separation method as plain data: its entry in the catalogue.

Each folder of methods has its entries in a file `entries.py`, and `mss_lab.catalogue` collects them. A reader's own
method gets an entry in the same way, and is added by `mss_lab.catalogue.register`.

This file imports no large library, so that all methods can be listed quickly, also without their libraries.

Contents: FACTS, Separator, SeparatingFunction, UNDECLARED, Method.
"""

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from .options import Option
from .refusals import missing_extra, remedy

if TYPE_CHECKING:
    import numpy as np

# Facts that may be known about a mixture before it is separated.
FACTS = {
    "stereo": "it has two channels",
    "apart": "its sources are panned apart",
    "two": "it has at most as many sources as channels",
    "sparse": "its sources rarely overlap in time and frequency",
    "score": "there is a score, aligned with it",
    "pitched": "its sources are tones with harmonics, at different pitches",
    "steady": "each source stays near its own pitch",
    "voice": "one voice sings with accompaniment",
    "repeats": "the accompaniment repeats",
    "drums": "percussive sounds occur with sustained tones",
    "known": "its instruments are those on which a network was trained",
}


class Separator(Protocol):
    """The contract that joins every method: a function of a mixture, with all of its options bound."""

    def __call__(self, mixture: "np.ndarray", sample_rate_hz: int, score: Any = None, /) -> "dict[str, np.ndarray]":
        """Separate a mixture (channels, samples) into estimates by name of source, each of the mixture's shape."""
        ...


# The same function before its options are bound: it takes them as keyword-only parameters.
SeparatingFunction = Callable[..., "dict[str, np.ndarray]"]

# Stands for options that an entry leaves out.
UNDECLARED: Mapping[str, Option] = MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Method:
    """An entry of the catalogue.

    Attributes
    ----------
    name : str
        As written on the command line: lower-case letters and digits, words separated by hyphens.
    title : str
        One line that describes the method.
    function : str or callable
        "module:function", inside the package with a dot before the module, or the function itself; called as
        `function(mixture, sample_rate_hz, score, **options)`.
    options : mapping of name -> Option, optional
        As returned by `mss_lab.options.declare`. Default: `mss_lab.catalogue.register` reads them from the function.
    needs : frozenset of {"score", "stereo"}
        Required inputs; a mixture without them is refused.
    gives : str
        A description of its estimates.
    lesson : str
        The notebook that explains it.
    reference : str
        The publication.
    adds_up : bool
        Whether the estimates add up to the mixture.
    assumes : str
        The conditions under which the method can separate a mixture, in a short sentence.
    fits : frozenset of str
        The same as keys of `FACTS`: the method is suitable for mixtures of which all are true.
    libraries : tuple of str
        Modules that it imports and that are not part of the base installation, such as "torch".
    downloads : str
        What it loads once from another computer, from where, its licence and, if it is known, its size; empty if all
        that it needs is installed with the package or its libraries. No lesson may depend on such a method.
    pace : float
        Seconds of computing for a second of stereo music at 44.1 kHz, on one core; 0 if it was not measured. Measured
        by `python -m tests.benchmarks.paces`.
    """

    name: str
    title: str
    function: str | SeparatingFunction
    options: Mapping[str, Option] = dataclasses.field(default_factory=lambda: UNDECLARED, hash=False)
    needs: frozenset[str] = frozenset()
    gives: str = ""
    lesson: str = ""
    reference: str = ""
    adds_up: bool = False
    assumes: str = ""
    fits: frozenset[str] = frozenset()
    libraries: tuple[str, ...] = ()
    downloads: str = ""
    pace: float = 0.0

    def load(self) -> SeparatingFunction:
        """The function itself; MissingExtra if it needs a library that is not installed."""
        if callable(self.function):
            return self.function
        module, function = self.function.split(":")
        try:
            loaded: SeparatingFunction = getattr(importlib.import_module(module, package=__package__), function)
            return loaded
        except ModuleNotFoundError as error:
            # The extra of the first library that is missing may install the others.
            name = next((library for library in self.libraries if not _is_installed(library)), error.name)
            raise missing_extra(ModuleNotFoundError(str(error), name=name), f"method {self.name}") from error

    def defaults(self) -> dict[str, Any]:
        """Every option with its default."""
        return {name: option.default for name, option in self.options.items()}

    def missing(self) -> str:
        """The first library that is not installed, with advice: "needs torch, which is ..."; empty if there is none."""
        return next((remedy(library) for library in self.libraries if not _is_installed(library)), "")


def _is_installed(library: str) -> bool:
    # Searches for the file without running it.
    try:
        return importlib.util.find_spec(library) is not None
    except (ImportError, ValueError):
        return False
