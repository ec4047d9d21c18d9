"""The catalogue: every separation method by name, with its inputs and outputs.

Entries are next to their methods, in the file `entries.py` of each folder; this file collects them, in the order of the
course. A method's function is loaded when it is needed, so that listing the catalogue is fast and the libraries of a
network are imported only when a network is used.

A reader's own method is added by `register`, in a notebook's cell or in a file that `mss-lab --plugin FILE.py` reads.

Contents: FACTS, Separator, Method, METHODS, methods, names, get, fitting, separator, register, unregister.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import functools
import inspect
import re
from collections.abc import Collection
from typing import Any

from . import lowrank_entries, options
from .casa import entries as casa
from .kernels import entries as kernels
from .method import FACTS, UNDECLARED, Method, SeparatingFunction, Separator
from .neural import entries as neural
from .nmf import entries as nmf
from .refusals import RefusedType, RefusedValue
from .score import entries as score
from .sinusoids import entries as sinusoids
from .spatial import entries as spatial

__all__ = ["FACTS", "METHODS", "Method", "Separator", "fitting", "get", "methods", "names", "register", "separator",
           "unregister"]  # fmt: skip

# Methods of the package, in the order of the course.
METHODS: tuple[Method, ...] = (
    *score.METHODS,
    *nmf.METHODS,
    *spatial.METHODS,
    *kernels.METHODS,
    *lowrank_entries.METHODS,
    *sinusoids.METHODS,
    *casa.METHODS,
    *neural.METHODS,
)

# Methods of readers, by name; see `register`.
_registered: dict[str, Method] = {}


def methods() -> tuple[Method, ...]:
    """All methods: those of the package in the order of the course, then those that were registered."""
    return (*METHODS, *_registered.values())


def names(*, downloads: bool = True) -> tuple[str, ...]:
    """The names of all methods, in the order of `methods`.

    Parameters
    ----------
    downloads : bool
        Whether methods that load weights from another computer are included; see `Method.downloads`.
    """
    return tuple(method.name for method in methods() if downloads or not method.downloads)


def get(name: str) -> Method:
    """The entry of that name; ValueError with a list of the names if there is none."""
    from . import checks

    checks.check_choice("method", name, names())
    return next(method for method in methods() if method.name == name)


def fitting(facts: Collection[str]) -> tuple[Method, ...]:
    """The methods all of whose assumptions are among the facts, in the order of the course.

    A registered method that states no assumption is left out.

    Parameters
    ----------
    facts : collection of keys of `FACTS`

    Raises
    ------
    ValueError
        If a fact is not one of them.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb

    Examples
    --------
    >>> names = [method.name for method in fitting(["stereo", "apart", "sparse"])]
    >>> "duet" in names, "hpss" in names
    (True, False)
    """
    from . import checks

    for fact in facts:
        checks.check_choice("fact", fact, FACTS)
    return tuple(method for method in methods() if method.fits and method.fits <= set(facts))


def separator(name: str, **values: object) -> Separator:
    """A separator by name, with options bound: `separator(mixture, sample_rate_hz, score)`.

    Options are checked at once (see `mss_lab.options`), so that a mistake is reported before any file is read. Where an
    option is another method, such as the start of local-gaussian, its name is enough: `start="duet"`.

    Raises
    ------
    ValueError
        If there is no method of that name, or an option is out of its range.
    TypeError
        If the method has no such option, or it has another type.
    """
    method = get(name)
    unknown = [option for option in values if option not in method.options]
    if unknown:
        raise RefusedType(f"{name} has no option {', '.join(unknown)}; it has {', '.join(method.options) or 'none'}")
    for option, value in values.items():
        if isinstance(value, str) and isinstance(method.options[option].rule, options.OtherMethod):
            values[option] = separator(value)
    values = options.check(method.options, values)
    function = method.load()
    return functools.partial(_held_to_contract(method, function) if name in _registered else function, **values)


def register(method: Method) -> Method:
    """Add a reader's own method to the catalogue, until Python exits.

    Parameters
    ----------
    method : Method
        Its `function` is "module:function" or the function itself. It is called as
        `function(mixture, sample_rate_hz, score)`, has all options as keyword-only parameters, and returns waveforms by
        name of source, each of the mixture's shape. Without `options` those of the function are read. An entry of the
        same name that was registered before is replaced, so that a notebook's cell can run twice.

    Returns
    -------
    Method
        The entry in the catalogue, with its options.

    Raises
    ------
    ValueError
        If the name is a method of the package, or not valid on the command line.
    TypeError
        If the function cannot be called in this way, or options are given that are not its own.
    MissingExtra
        If a library that the function's module imports is not installed, and options are left out.
    """
    if not isinstance(method, Method):
        raise RefusedType(f"a method must be a mss_lab.catalogue.Method, got {method!r}; see its help")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", method.name):
        raise RefusedValue(
            f"a method's name must be lower-case letters and digits, words separated by hyphens, got {method.name!r}"
        )
    if any(method.name == own.name for own in METHODS):
        raise RefusedValue(f"{method.name} is a method of the package; choose another name")
    if method.options is UNDECLARED or callable(method.function):
        function = method.load()
        _check_signature(method.name, function)
        if method.options is UNDECLARED:
            method = dataclasses.replace(method, options=options.of(function))
        options.check_declared(function, method.options)
    _registered[method.name] = method
    return method


def unregister(name: str) -> None:
    """Remove a registered method; ValueError if there is none."""
    from . import checks

    del _registered[checks.check_choice("registered method", name, _registered)]


def _held_to_contract(method: Method, function: SeparatingFunction) -> SeparatingFunction:
    """A reader's function with checks of its inputs and estimates, which tests make for methods of the package."""

    @functools.wraps(function)
    def checked(mixture: Any, sample_rate_hz: int, score: Any = None, **values: Any) -> dict[str, Any]:
        from . import checks

        mixture = checks.check_waveform("mixture", mixture)
        if "stereo" in method.needs:
            checks.check_stereo("mixture", mixture)
        if "score" in method.needs and score is None:
            raise RefusedValue(f"{method.name} needs a score, got none; pass score=")
        estimates = function(mixture, sample_rate_hz, score, **values)
        estimates = checks.check_estimates(f"the result of {method.name}", estimates, mixture)
        return {name: waveform.astype("float32", copy=False) for name, waveform in estimates.items()}

    return checked


def _check_signature(name: str, function: SeparatingFunction) -> None:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = list(inspect.signature(function).parameters.values())
    inputs = [parameter for parameter in parameters if parameter.kind in positional]
    keywords = [parameter for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    takes_score = len(inputs) == 3 and inputs[2].default is None
    if not takes_score or any(parameter.default is inspect.Parameter.empty for parameter in keywords):
        raise RefusedType(
            f"the function of {name} must be called as function(mixture, sample_rate_hz, score=None), with options "
            f"after a * that have defaults, got {inspect.signature(function)}"
        )
