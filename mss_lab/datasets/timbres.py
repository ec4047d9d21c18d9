"""The timbre that an engine draws and plays with, and what every engine can do.

Contents: Timbre, Engine, timbres_of, plain, digest. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..score.instruments import program_of
from ..score.notes import Note, Score
from . import rooms


@dataclasses.dataclass(frozen=True)
class Timbre:
    """How something sounds: an instrument, its player's habits and its room, as plain values.

    Attributes
    ----------
    engine : str
        Which engine drew it, and plays it.
    name : str
        Stable, and the same for every timbre that counts as one instrument: what is split by timbre is split by name.
        A soundfont and a program make one name; every timbre of the harmonic engine has a name of its own.
    program : int in [0, 127] or None
        The General MIDI program that it stands for; None for an instrument that has no name.
    settings : tuple of (name, value)
        Numbers, text, and tuples of them. One is read as ``timbre["detune_cents"]``.
    """

    engine: str
    name: str
    program: int | None
    settings: tuple[tuple[str, Any], ...]

    def __getitem__(self, setting: str) -> Any:
        for name, value in self.settings:
            if name == setting:
                return value
        raise KeyError(f"the timbre {self.name} has no setting {setting!r}, only {', '.join(dict(self.settings))}")

    def replace(self, **settings: Any) -> "Timbre":
        """The timbre with some of its settings changed, under its old name; KeyError for one that it has not."""
        for name in settings:
            self[name]
        return dataclasses.replace(self, settings=plain({**dict(self.settings), **settings}))

    def facts(self) -> dict[str, Any]:
        """Everything about it as JSON knows it; `from_facts` makes the same timbre again."""
        values = {"engine": self.engine, "name": self.name, "program": self.program}
        return {**values, "settings": {name: _listed(value) for name, value in self.settings}}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Timbre":
        """The timbre that `facts` describes."""
        return cls(facts["engine"], facts["name"], facts["program"], plain(facts["settings"]))


class Engine(Protocol):
    """What makes a score sound."""

    name: str

    def draw_timbre(self, rng: np.random.Generator, program: int | None = None) -> Timbre:
        """An instrument, its player and its room."""

    def play(
        self,
        score: Score,
        *,
        sample_rate_hz: int,
        rng: np.random.Generator,
        timbres: Mapping[str, Timbre] | None = None,
        tail_s: float = 0.5,
        room: rooms.Room | None = None,
        only: Sequence[Note] | None = None,
    ) -> dict[str, np.ndarray]:
        """One stem for each source: float32 (1, samples), all of one length, starting with the score."""


def timbres_of(
    engine: Engine, score: Score, rng: np.random.Generator, timbres: Mapping[str, Timbre] | None = None
) -> dict[str, Timbre]:
    """A timbre for every source: the one that is given, else one drawn for the instrument that the source's name means.

    A source whose name means no instrument gets a timbre of any; an unpitched source one of program 0, the standard
    drum kit.

    Raises
    ------
    ValueError
        If a timbre is given for a source that the score has not, or was drawn by another engine.
    """
    checks.check_generator("rng", rng)
    timbres = dict(timbres or {})
    for source, timbre in timbres.items():
        checks.check_choice("a source of timbres", source, score.sources)
        if timbre.engine != engine.name:
            raise RefusedValue(
                f"the timbre of {source} must be drawn by the engine that plays it, {engine.name}, got one of "
                f"{timbre.engine}; draw it with this engine's draw_timbre"
            )
    chosen = {}
    for source in score.sources:
        if source in timbres:
            chosen[source] = timbres[source]
        elif source in score.unpitched:
            chosen[source] = engine.draw_timbre(rng, 0)
        else:
            chosen[source] = engine.draw_timbre(rng, _program_or_none(source))
    return chosen


def plain(settings: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Settings as a timbre keeps them: Python's own numbers, to six digits, and tuples of them."""
    return tuple((name, _plain(value)) for name, value in settings.items())


@functools.singledispatch
def _plain(value: Any) -> Any:
    return value


@_plain.register(np.ndarray)
@_plain.register(list)
@_plain.register(tuple)
def _(value: Any) -> tuple[Any, ...]:
    return tuple(_plain(one) for one in value)


@_plain.register(float)
@_plain.register(np.floating)
def _(value: Any) -> float:
    return float(f"{float(value):.6g}")


@_plain.register(np.integer)
def _(value: Any) -> int:
    return int(value)


def _listed(value: Any) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def digest(settings: tuple[tuple[str, Any], ...]) -> str:
    """Ten letters that stand for settings: others for other settings, the same on every machine."""
    return hashlib.sha256(repr(sorted(settings)).encode()).hexdigest()[:10]


def _program_or_none(source: str) -> int | None:
    try:
        return program_of(source)
    except ValueError:
        return None
