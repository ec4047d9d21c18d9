"""The options of separation methods: which values each may have, declared beside the function that takes them.

A method names its options as keyword-only parameters, and `@options.within(...)` above it says what each may be. Names
that mean the same everywhere, such as `window_s`, have one rule for all methods, in `RULES`; what is particular to a
method stands in its own decorator. Values are checked at every call, before any work, and by the catalogue when a
separator is made, before any file is read.

Ranges are wide: they hold what somebody may want to hear, and keep out slips of the keyboard, which would cost hours or
all of the memory. What follows from two options together, such as a lowest frequency above the highest, is refused by
the method itself.

Contents: Number, Switch, Choice, Pairs, Seeded, Own, RULES, FROM_ZERO, within, rules_of, check.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol, TypeVar, cast

from . import checks

Function = TypeVar("Function", bound=Callable[..., Any])


class Rule(Protocol):
    """What an option may be."""

    def check(self, name: str, value: Any) -> Any:
        """Return the value in the form that the method wants, or refuse it."""

    def words(self) -> str:
        """What is allowed, in a few words; empty where there is nothing to say."""


@dataclasses.dataclass(frozen=True)
class Number:
    """A number within bounds, which are themselves allowed.

    Attributes
    ----------
    at_least, at_most : float
    unit : str
    whole : bool
        Whether only whole numbers will do.
    hint : str
        What to do instead; closes a refusal.
    """

    at_least: float
    at_most: float
    unit: str = ""
    whole: bool = False
    hint: str = ""

    def check(self, name: str, value: Any) -> int | float:
        """The number, an int where it must be whole; RefusedType or RefusedValue otherwise."""
        return checks.check_number(
            name,
            value,
            at_least=self.at_least,
            at_most=self.at_most,
            whole=self.whole,
            unit=self.unit,
            hint=self.hint,
        )

    def words(self) -> str:
        """Such as "0 to 10 seconds"."""
        return f"{self.at_least:g} to {self.at_most:g}{' ' if self.unit else ''}{self.unit}"


@dataclasses.dataclass(frozen=True)
class Switch:
    """True or False, on the command line true or false."""

    def check(self, name: str, value: Any) -> bool:
        """The value as a bool; RefusedType for anything else, 1 and "yes" among it."""
        return checks.check_switch(name, value)

    def words(self) -> str:
        """Both values as they are given on the command line."""
        return "true or false"


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of a few words."""

    choices: Collection[str]

    def check(self, name: str, value: Any) -> str:
        """The word; RefusedValue for any other."""
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
        return checks.check_pairs(name, value, self.left, self.right)

    def words(self) -> str:
        """The form of the text."""
        return f"{self.left}={self.right}, several with commas between"


@dataclasses.dataclass(frozen=True)
class Seeded:
    """A generator of random numbers, which only Python can give."""

    def check(self, name: str, value: Any) -> Any:
        """The generator; RefusedType for anything else."""
        return checks.check_generator(name, value)

    def words(self) -> str:
        """Who can give it."""
        return "in Python only"


@dataclasses.dataclass(frozen=True)
class Own:
    """Something that the method itself looks at, such as a mapping; `about` says what it is."""

    about: str = ""

    def check(self, name: str, value: Any) -> Any:
        """The value as it is."""
        return value

    def words(self) -> str:
        """What it is."""
        return self.about


# Options that mean the same in every method.
RULES: Mapping[str, Rule] = {
    "agrees": Number(0, 1),
    "bands": Number(1, 512, "bands", whole=True),
    "chunk_s": Number(1, 600, "seconds"),
    "components": Number(1, 100, "spectra", whole=True),
    "corrected": Switch(),
    "count": Number(1, 32, "sources", whole=True, hint="say how many sources there are"),
    "delay_limit_s": Number(1e-6, 0.1, "seconds", hint="the way of sound between two microphones, such as 0.0002"),
    "diffuse": Number(0, 1),
    "exponent": Number(0.01, 20),
    "filters": Number(1, 200, "filters", whole=True),
    "harmonics": Number(1, 500, "harmonics", whole=True),
    "height_hz": Number(0.1, 20_000, "Hz"),
    "highest_hz": Number(10, 100_000, "Hz"),
    "highpass_hz": Number(0, 100_000, "Hz"),
    "inharmonicity": Number(0, 1),
    "iterations": Number(1, 2000, "iterations", whole=True),
    "jump_semitones": Number(0, 128, "semitones"),
    "length_s": Number(0.001, 60, "seconds"),
    "lobe_bins": Number(1, 200, "bins", whole=True),
    "longest_s": Number(0.01, 3600, "seconds"),
    "lowest_hz": Number(10, 100_000, "Hz"),
    "near_cents": Number(0.1, 1200, "cents"),
    "overlap_s": Number(0, 60, "seconds"),
    "pans_rad": Own("a dict of angles, in Python only"),
    "pool_s": Number(0, 60, "seconds"),
    "refine": Switch(),
    "release_s": Number(0, 60, "seconds"),
    "rng": Seeded(),
    "runs": Number(1, 100, "runs", whole=True),
    "shortest_s": Number(0.01, 600, "seconds"),
    "smoothing_s": Number(0, 60, "seconds"),
    "strength": Number(0, 1),
    "together_s": Number(0, 60, "seconds"),
    "tolerance_s": Number(0, 60, "seconds"),
    "tuning_hz": Number(200, 900, "Hz", hint="give the frequency of A4, such as 440, or leave it out"),
    "width_bins": Number(0, 100, "bins"),
    "width_cents": Number(0, 1200, "cents"),
    "window_s": Number(0.0005, 5, "seconds", hint="a window of 0.1 seconds suits most music"),
}


# Iterations of a method that can stop where it starts, which shows what the start alone is worth.
FROM_ZERO = Number(0, 2000, "iterations", whole=True)


def within(**own: Rule) -> Callable[[Function], Function]:
    """Declare what the options of a method may be; those without a rule here have the one in `RULES`.

    Parameters
    ----------
    own : name of an option -> Rule
    """

    def decorate(function: Function) -> Function:
        parameters = inspect.signature(function).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
        rules = {name: own[name] if name in own else RULES[name] for name in defaults}
        if unknown := set(own) - set(rules):
            raise TypeError(f"{function.__qualname__} has no option {', '.join(sorted(unknown))}")

        @functools.wraps(function)
        def checked(*positional: Any, **named: Any) -> Any:
            return function(*positional, **check(checked, named))

        vars(checked)["option_rules"] = rules
        vars(checked)["option_defaults"] = defaults
        return cast(Function, checked)

    return decorate


def rules_of(function: Callable[..., Any]) -> Mapping[str, Rule]:
    """The rules that `within` declared for a function; empty for any other."""
    return getattr(function, "option_rules", {})


def check(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for a function, its options checked and in the form that it wants.

    Parameters
    ----------
    function : callable
        Declared by `within`; nothing is checked for any other.
    values : mapping of name -> value
        Names that are no options of the function are left as they are. None is allowed where it is the default.

    Raises
    ------
    RefusedType, RefusedValue
        If an option has a value that it may not have.
    """
    rules = rules_of(function)
    defaults = getattr(function, "option_defaults", {})

    def one(name: str, value: Any) -> Any:
        if name not in rules or (value is None and defaults[name] is None):
            return value
        return rules[name].check(name, value)

    return {name: one(name, value) for name, value in values.items()}
