"""The options of separation methods: which values each may have, as plain data.

An option is a default and a rule. The entry of a method (`mss_lab.method.Method`) declares all of its options with
`declare`, and `@options.within(ENTRY.options)` above the function holds the function to them: names and defaults must
be those of its signature, and the values of every call are checked before any work. The catalogue checks them too, when
a separator is made, before any file is read.

A function that has no entry of its own, such as one in a notebook, names its rules in the decorator instead:
`@options.within(gain=options.Number(0, 2))`.

Ranges are wide: they allow whatever could be worth listening to, and refuse typing errors, which would cost hours or
all of the memory. What follows from two options together, such as a lowest frequency above the highest, is refused by
the method itself.

This file imports nothing large, so that all methods can be listed at once.

Contents: Number, Switch, Choice, Pairs, Seeded, Own, OtherMethod, Option, SHARED, FROM_ZERO, declare, within, of,
check, check_declared.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, cast

from .refusals import RefusedType

Function = TypeVar("Function", bound=Callable[..., Any])


class Rule(Protocol):
    """The values that an option may have."""

    def check(self, name: str, value: Any) -> Any:
        """Return the value in the form that the method expects, or refuse it."""

    def words(self) -> str:
        """The allowed values, in a few words; empty if there is no description."""


@dataclasses.dataclass(frozen=True)
class Number:
    """A number within bounds, including the bounds.

    Attributes
    ----------
    at_least, at_most : float
    unit : str
    whole : bool
        Whether only whole numbers are allowed.
    hint : str
        Advice that closes the message of a refusal.
    """

    at_least: float
    at_most: float
    unit: str = ""
    whole: bool = False
    hint: str = ""

    def check(self, name: str, value: Any) -> int | float:
        """The number, an int if it must be whole; RefusedType or RefusedValue otherwise."""
        from . import checks

        result: int | float = checks.check_number(
            name,
            value,
            at_least=self.at_least,
            at_most=self.at_most,
            whole=self.whole,
            unit=self.unit,
            hint=self.hint,
        )
        return result

    def words(self) -> str:
        """Such as "0 to 10 seconds"."""
        return f"{self.at_least:g} to {self.at_most:g}{' ' if self.unit else ''}{self.unit}"


@dataclasses.dataclass(frozen=True)
class Switch:
    """True or False, on the command line true or false."""

    def check(self, name: str, value: Any) -> bool:
        """The value as a bool; RefusedType for anything else, also for 1 and "yes"."""
        from . import checks

        return checks.check_switch(name, value)

    def words(self) -> str:
        """Both values, as written on the command line."""
        return "true or false"


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of a few words."""

    choices: Collection[str]

    def check(self, name: str, value: Any) -> str:
        """The word; RefusedValue for any other."""
        from . import checks

        return checks.check_choice(name, value, self.choices)

    def words(self) -> str:
        """All of the words."""
        return ", ".join(self.choices)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Text for text, such as "lead=flute, vocals=choir", or a dict of them; `left` and `right` name the two."""

    left: str
    right: str

    def check(self, name: str, value: Any) -> dict[str, str]:
        """The dict; RefusedType or RefusedValue for anything else."""
        from . import checks

        return checks.check_pairs(name, value, self.left, self.right)

    def words(self) -> str:
        """The form of the text."""
        return f"{self.left}={self.right}, several separated by commas"


@dataclasses.dataclass(frozen=True)
class Seeded:
    """A generator of random numbers, which can be set in Python only."""

    def check(self, name: str, value: Any) -> Any:
        """The generator; RefusedType for anything else."""
        from . import checks

        return checks.check_generator(name, value)

    def words(self) -> str:
        """Where it can be set."""
        return "in Python only"


@dataclasses.dataclass(frozen=True)
class Own:
    """A value that the method itself checks, such as a mapping; `about` describes it."""

    about: str = ""

    def check(self, name: str, value: Any) -> Any:
        """The value, unchanged."""
        return value

    def words(self) -> str:
        """The description."""
        return self.about


@dataclasses.dataclass(frozen=True)
class OtherMethod:
    """Another method: a separator, for which the catalogue and the command line also take its name."""

    def check(self, name: str, value: Any) -> Any:
        """The separator; RefusedType for anything else. Names are replaced by `mss_lab.catalogue` before this."""
        if not callable(value):
            raise RefusedType(
                f"{name} must be a separator, got {value!r}; pass mss_lab.catalogue.separator('projet'), or give its "
                "name to catalogue.separator or the command line"
            )
        return value

    def words(self) -> str:
        """What the command line takes."""
        return "the name of a method"


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of a method.

    Attributes
    ----------
    default : object
        None where the method chooses for itself; None is then allowed as a value.
    rule : Rule
        What it may be.
    """

    default: Any
    rule: Rule = Own()

    def check(self, name: str, value: Any) -> Any:
        """The value in the form that the method expects; RefusedType or RefusedValue if it may not have it."""
        return value if value is None and self.default is None else self.rule.check(name, value)


# The rules of options that mean the same in several methods, by name.
SHARED: Mapping[str, Rule] = MappingProxyType(
    {
        "chunk_s": Number(1, 600, "seconds"),
        "components": Number(1, 100, "spectra", whole=True),
        "count": Number(1, 32, "sources", whole=True, hint="say how many sources there are"),
        "exponent": Number(0.01, 20),
        "harmonics": Number(1, 500, "harmonics", whole=True),
        "highest_hz": Number(10, 100_000, "Hz"),
        "highpass_hz": Number(0, 100_000, "Hz"),
        "iterations": Number(1, 2000, "iterations", whole=True),
        "longest_s": Number(0.01, 3600, "seconds"),
        "lowest_hz": Number(10, 100_000, "Hz"),
        "overlap_s": Number(0, 60, "seconds"),
        "pans_rad": Own("a dict of angles, in Python only"),
        "pool_s": Number(0, 60, "seconds"),
        "rng": Seeded(),
        "runs": Number(1, 100, "runs", whole=True),
        "shortest_s": Number(0.01, 600, "seconds"),
        "tolerance_s": Number(0, 60, "seconds"),
        "tuning_hz": Number(200, 900, "Hz", hint="give the frequency of A4, such as 440, or leave it out"),
        "width_bins": Number(0, 100, "bins"),
        "width_cents": Number(0, 1200, "cents"),
        "window_s": Number(0.0005, 5, "seconds", hint="a window of 0.1 seconds suits most music"),
    }
)

# Iterations of a method that can run with 0, which shows the result of the initial values alone.
FROM_ZERO = Number(0, 2000, "iterations", whole=True)


def declare(**options: Any) -> Mapping[str, Option]:
    """The options of a method, in the order of its signature: `declare(tolerance_s=0.2, floor=Option(0.04, RULE))`.

    Parameters
    ----------
    options : name -> default or Option
        A bare default has the rule of `SHARED` for its name; True and False need none, since they are switches.
    """
    return MappingProxyType({name: _option(name, option) for name, option in options.items()})


def within(declared: Mapping[str, Option] | None = None, /, **rules: Rule) -> Callable[[Function], Function]:
    """Check the options of every call of a method.

    Parameters
    ----------
    declared : mapping of name -> Option, optional
        Those of the method's entry.
    rules : name of an option -> Rule
        For a function without an entry; its signature gives the defaults. An option without a rule here has the one of
        `SHARED`.

    Raises
    ------
    TypeError
        From the decorator, if names or defaults are not those of the function's signature: a fault of its author.
    """

    def decorate(function: Function) -> Function:
        defaults = _defaults(function)
        options = declared if declared is not None else _ruled(function, defaults, rules)
        check_declared(function, options)

        @functools.wraps(function)
        def checked(*positional: Any, **named: Any) -> Any:
            return function(*positional, **check(options, named))

        vars(checked)["declared_options"] = options
        return cast(Function, checked)

    return decorate


def of(separator: Callable[..., Any]) -> Mapping[str, Option]:
    """The options of a function, those apart that `functools.partial` has bound.

    Those of a function without `within` are its keyword-only parameters, and may be anything.
    """
    bound: set[str] = set()
    while isinstance(separator, functools.partial):
        bound |= set(separator.keywords)
        separator = separator.func
    options = getattr(separator, "declared_options", None)
    if options is None:
        options = {name: Option(default) for name, default in _defaults(separator).items()}
    return {name: option for name, option in options.items() if name not in bound}


def check(options: Mapping[str, Option], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of options, checked and in the form that the method expects.

    Parameters
    ----------
    options : mapping of name -> Option
    values : mapping of name -> value
        Names that are no options are left as they are, for Python to refuse.

    Raises
    ------
    RefusedType, RefusedValue
        If an option has a value that is not allowed.
    """
    return {name: options[name].check(name, value) if name in options else value for name, value in values.items()}


def check_declared(function: Callable[..., Any], options: Mapping[str, Option]) -> None:
    """Raise TypeError if names or defaults are not those of a function's keyword-only parameters, in their order."""
    defaults, title = _defaults(function), getattr(function, "__qualname__", repr(function))
    if list(options) != list(defaults):
        raise TypeError(f"{title} has the options {', '.join(defaults)}, declared are {', '.join(options)}")
    for name, default in defaults.items():
        declared = options[name].default
        if declared is not default and (type(declared) is not type(default) or declared != default):
            raise TypeError(f"{title} has {name}={default!r}, declared is {declared!r}")


def _option(name: str, default: Any) -> Option:
    if isinstance(default, Option):
        return default
    return Option(default, Switch() if isinstance(default, bool) else SHARED[name])


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def _ruled(
    function: Callable[..., Any], defaults: Mapping[str, Any], rules: Mapping[str, Rule]
) -> Mapping[str, Option]:
    if unknown := set(rules) - set(defaults):
        raise TypeError(f"{function.__qualname__} has no option {', '.join(sorted(unknown))}")
    return declare(
        **{name: Option(default, rules[name]) if name in rules else default for name, default in defaults.items()}
    )
