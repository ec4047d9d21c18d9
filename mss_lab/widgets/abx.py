"""The A/B/X test on the page: a player with the sounds A, B and X, and the form on which a listener answers.

A and B are made equally loud, and X is the same samples as one of them. The player draws none of them and names no
gain. The order stays in Python until the last answer.

Contents: Session. Lesson: notebooks/04_is_it_better.ipynb
"""

import html
from typing import Any

import ipywidgets
import numpy as np

from .. import checks, loudness, units
from ..metrics import abx
from ..refusals import RefusedValue, warn_caller
from . import fallback, form, player

QUESTION = "Is X the sound A or the sound B? Listen to all three as often as you like; guess if you hear no difference."
BUTTONS = tuple(f"X is {letter}" for letter in abx.LETTERS)


class Session(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """The widget behind `listening.abx`.

    Attributes
    ----------
    trials : int
    answers : tuple of "A" and "B"
        Those that the listener has given.
    """

    def __init__(
        self, a: np.ndarray, b: np.ndarray, sample_rate_hz: int, trials: int, rng: np.random.Generator, title: str
    ) -> None:
        self._sounds = _equally_loud(a, b, sample_rate_hz)
        self._key = abx.order(trials, rng=rng)
        self.trials = len(self._key)
        self.answers: tuple[str, ...] = ()
        self._title = title
        self._player = player.Player(self._versions(), sample_rate_hz, title=title, blind=True)
        self._form = form.Form()
        self._form.pressed = lambda button: self.answer(abx.LETTERS[button])
        warning = ""
        if self.trials < abx.FEWEST_TRIALS:
            warning = (
                f"With {self.trials} trial{'s' if self.trials > 1 else ''} no result can be significant at 5 %; "
                f"take at least {abx.FEWEST_TRIALS}."
            )
            warn_caller(f"abx: {warning[0].lower()}{warning[1:-1]}", UserWarning)
        self._form.open_page(self._heading(), QUESTION, BUTTONS, words=warning)
        super().__init__([self._player, self._form])

    @property
    def result(self) -> abx.Result | None:
        """The number of right answers and its p-value; None before the last answer, since a test that is stopped
        when the numbers look good has another distribution.
        """
        return abx.judge(self._key, self.answers) if len(self.answers) == self.trials else None

    def answer(self, letter: str) -> None:
        """Say what X is, "A" or "B", as the buttons do; the next X follows, or the result.

        Raises ValueError for another letter, or after the last trial.
        """
        checks.check_choice("letter", letter, abx.LETTERS)
        if self.result is not None:
            raise RefusedValue(f"all {self.trials} trials are answered; make a new test to listen again")
        self.answers = (*self.answers, letter)
        result = self.result
        if result is None:
            self._player.replace(self._versions(), self._player.piece.sample_rate_hz)
            self._form.open_page(self._heading(), QUESTION, BUTTONS, words=f"Answered. {self._heading()}")
            return
        needed = abx.fewest_right(self.trials)
        level = "No number of right answers would be" if needed is None else f"{needed} or more right answers are"
        self._form.closed = True
        self._form.table = {
            "caption": "Trial by trial",
            "head": ["Trial", "X was", "your answer"],
            "rows": [[str(i), *pair] for i, pair in enumerate(zip(self._key, self.answers, strict=True), start=1)],
        }
        self._form.say(f"{_sentence(result.in_words())} {level} significant at 5 %.")

    def _heading(self) -> str:
        return f"Trial {len(self.answers) + 1} of {self.trials}"

    def _versions(self) -> dict[str, dict[str, np.ndarray]]:
        sounds = self._sounds | {"X": self._sounds[self._key[len(self.answers)]]}
        return {name: {"sound": sound} for name, sound in sounds.items()}

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**kwargs))
        rate = self._player.piece.sample_rate_hz
        words = f"A/B/X test of {self.trials} trials. {QUESTION}"
        sounds = "".join(
            f"<div>{name} {fallback.audio_html(_first(sound, rate), rate, f'Sound {name}')}</div>"
            for name, sound in self._sounds.items()
        )
        title = f"<p>{html.escape(self._title)}</p>" if self._title else ""
        data |= {
            "text/plain": words,
            "text/html": f"<div>{title}<p>{html.escape(words)} The test needs a running notebook; these are A and B."
            f"</p>{sounds}</div>",
        }
        return data, {}


def _equally_loud(a: np.ndarray, b: np.ndarray, sample_rate_hz: int) -> dict[str, np.ndarray]:
    a, b = checks.check_waveform("a", a), checks.check_waveform("b", b)
    checks.check_same_shape("b", b, "a", a)
    if not a.any() and not b.any():
        raise RefusedValue("a and b are both silent, so there is nothing to listen to; pass two sounds")
    gain_db = loudness.matching_gains_db({"A": a, "B": b}, sample_rate_hz)["B"]
    return {"A": a.astype(np.float32), "B": (b * units.db_to_amplitude(gain_db)).astype(np.float32)}


def _first(waveform: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    return waveform[:, : units.seconds_to_samples(player.FALLBACK_S, sample_rate_hz)]


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
