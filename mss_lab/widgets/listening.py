"""Blind listening tests on the page: ratings of one excerpt or of several (MUSHRA), and A/B/X.

The page does not contain the names of the stimuli before they are revealed. Of a rated excerpt only the reference is
drawn, since a waveform shows whether it is a mixture or a voice; the names stay in Python.

Contents: rate, mushra, abx; RatingPage, Session, ClassSession. Lesson: notebooks/04_is_it_better.ipynb
"""

import html
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

from .. import checks
from ..metrics import listeners, listening
from ..metrics.listening import Trial
from ..refusals import RefusedType, RefusedValue
from . import abx as comparison
from . import form, player

QUESTION = "How good is each, compared with the reference? 100 excellent, 80 good, 60 fair, 40 poor, 20 bad."
CUTOFFS_HZ = (3_500.0, 7_000.0)


def rate(trial: Trial, sample_rate_hz: int, title: str = "Rate blind") -> "Session":
    """Let a reader rate the stimuli of a trial from 0 to 100.

    Parameters
    ----------
    trial : Trial
        From `mss_lab.metrics.listening.trial`.
    sample_rate_hz : int
    title : str

    Returns
    -------
    Session
        Shown when it is the last line of a cell.

    Raises
    ------
    TypeError, ValueError
        If it is no trial, or browsers need not support the sample rate.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: ITU-R BS.1534-3, 2015.
    """
    if not isinstance(trial, Trial):
        raise RefusedType(
            f"trial must be a Trial, got {type(trial).__name__}; make one with mss_lab.metrics.listening.trial"
        )
    return Session(trial, sample_rate_hz, title)


def mushra(
    excerpts: Mapping[str, tuple[np.ndarray, Mapping[str, np.ndarray]]],
    sample_rate_hz: int,
    listener: str = "",
    folder: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
) -> "ClassSession":
    """Let a listener rate several excerpts, one after the other, and save each page.

    Each page has a hidden reference, anchors at 3.5 and 7 kHz, and the estimates; at sample rates up to 16 kHz, where
    there is nothing above the second anchor, only the first. The order of the excerpts, and that
    of the stimuli on each page, is drawn from the seed and the listener's name. So it differs between listeners, and a
    listener who opens the test again continues with the first excerpt that is not saved.

    Parameters
    ----------
    excerpts : dict of name -> (reference, estimates)
        The reference, float (channels, samples), and a dict of system name -> estimate of the same shape. All excerpts
        must have estimates of the same systems.
    sample_rate_hz : int
        Above 8 kHz, so that there are frequencies which the anchor removes.
    listener : str
        The listener's name, or a pseudonym; it names the file. Required with a folder.
    folder : path, optional
        Where `listener`.csv is written when the listener presses "Save and go on"; made if necessary. Without a folder
        the ratings stay in `results`.
    seed : int >= 0

    Returns
    -------
    ClassSession
        Shown when it is the last line of a cell.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If a waveform, a name, the sample rate or the listener's earlier file is refused.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: ITU-R BS.1534-3, 2015.
    """
    return ClassSession(_checked_excerpts(excerpts), sample_rate_hz, listener, folder, seed)


def abx(
    a: np.ndarray,
    b: np.ndarray,
    sample_rate_hz: int,
    trials: int = 16,
    *,
    rng: np.random.Generator,
    title: str = "Is X A or B?",
) -> comparison.Session:
    """Let a reader find out whether they hear any difference between two sounds.

    In each trial X is one of them, drawn by `mss_lab.metrics.abx.order`. Both are made equally loud.

    Parameters
    ----------
    a, b : float (channels, samples)
        Two sounds of one shape. They may be equal: then only guessing is possible.
    sample_rate_hz : int
    trials : int, 1 to 1000
        With fewer than 5 no result can be significant, and a warning says so.
    rng : numpy Generator
        Draws the order.
    title : str

    Returns
    -------
    Session
        Shown when it is the last line of a cell. `session.answer("A")` answers from code; `session.result` has the
        number of right answers and the p-value once all trials are answered.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If a sound is refused, shapes differ, both are silent, or browsers need not support the sample rate.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: Clark, "High-resolution subjective testing using a double-blind
    comparator", Journal of the Audio Engineering Society, 1982.
    """
    return comparison.Session(a, b, sample_rate_hz, trials, rng, title)


class RatingPage(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """What `rate` and `mushra` share: a player with a reference and stimuli, and a form with a slider for each.

    Attributes
    ----------
    trial : Trial
        The one that is shown.
    """

    trial: Trial

    def __init__(self) -> None:
        self._form = form.Form()
        self._form.pressed = lambda button: self._pressed()
        self._form.rated = lambda: self._form.say("")
        # The form stays on the page when the player is exchanged, and so does the keyboard's focus.
        self._stage = ipywidgets.VBox()
        super().__init__([self._stage, self._form])

    @property
    def ratings(self) -> dict[str, int] | None:
        """The reader's rating of each label; None until every slider has been moved."""
        ratings = self._form.ratings
        complete = {label: rating for label, rating in ratings.items() if rating is not None}
        return complete if len(complete) == len(ratings) else None

    def set(self, **ratings: int) -> None:
        """Move sliders from code, as a reader would; `session.set(A=80, B=20)`.

        Raises TypeError or ValueError for a label that the trial does not have, for a rating that is not a whole number
        from 0 to 100, or once no rating can change any more.
        """
        if self._form.closed:
            raise RefusedValue(self._why_closed())
        self._form.rate(ratings)

    def _open(self, trial: Trial, sample_rate_hz: int, title: str, heading: str, button: str, words: str = "") -> None:
        self.trial = trial
        versions = {"reference": {"sound": trial.reference}}
        versions |= {label: {"sound": stimulus} for label, stimulus in trial.stimuli.items()}
        before = self._stage.children
        self._player = player.Player(versions, sample_rate_hz, title=title, spectrograms=False, by_ear=True)
        self._stage.children = (self._player,)
        for old in before:
            old.close()
        self._form.open_page(heading, QUESTION, [button], list(trial.stimuli), words)

    def _complete(self, why: str) -> dict[str, int]:
        ratings = self.ratings
        if ratings is None:
            raise RefusedValue(f"not rated yet: {', '.join(self._form.unrated)}; move every slider first{why}")
        return ratings

    def _why_closed(self) -> str:
        raise NotImplementedError

    def _pressed(self) -> None:
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**kwargs))
        _picture, page = self._player.static()
        labels = ", ".join(self.trial.stimuli)
        data |= {
            "text/plain": f"Listening test: {labels}. {QUESTION}",
            "text/html": f"<div><p>{html.escape(QUESTION)}</p><p>Stimuli: {labels}. The sliders need a running "
            f"notebook; the sound below is the reference.</p>{page}</div>",
        }
        return data, {}


class Session(RatingPage):
    """The widget behind `rate`: one trial, and a button that reveals.

    Attributes
    ----------
    revealed : bool
        Whether the names have been shown; the sliders are then locked.
    """

    def __init__(self, trial: Trial, sample_rate_hz: int, title: str) -> None:
        super().__init__()
        self.revealed = False
        self._open(trial, sample_rate_hz, title, "Ratings", "Reveal")

    def reveal(self) -> dict[str, float]:
        """Lock the sliders, show the name of each label's stimulus, and return the ratings by name.

        Raises ValueError while a stimulus is not rated.
        """
        ratings = self._complete(", since the test is not blind after that")
        named = self.trial.reveal(ratings)
        self.revealed = self._form.closed = True
        self._form.table = {
            "caption": "Revealed",
            "head": ["Stimulus", "was", "your rating"],
            "rows": [[label, name, str(ratings[label])] for label, name in self.trial.key.items()],
        }
        self._form.say("Revealed: the names are in the table below.")
        return named

    def _pressed(self) -> None:
        self.reveal()

    def _why_closed(self) -> str:
        return "the names have been revealed; make a new trial to rate again, blind"


class ClassSession(RatingPage):
    """The widget behind `mushra`: one excerpt after the other, each saved before the next.

    Attributes
    ----------
    results : tuple of `mss_lab.metrics.listeners.Rating`
        The ratings of all excerpts that are saved, also those of earlier sessions of this listener.
    """

    def __init__(
        self,
        excerpts: dict[str, tuple[np.ndarray, dict[str, np.ndarray]]],
        sample_rate_hz: int,
        listener: str,
        folder: str | os.PathLike[str] | None,
        seed: int,
    ) -> None:
        seed = checks.check_number("seed", seed, at_least=0, whole=True)
        if listener or folder is not None:
            # The names of files are checked before a listener has spent an hour.
            path = listeners.path_of(folder or "", listener)
        self._path = None if folder is None else path
        self._listener = listener or "listener"
        self._excerpts, self._rate = excerpts, sample_rate_hz
        self._entropy = [seed, zlib.crc32(self._listener.encode())]
        order = np.random.default_rng(self._entropy).permutation(len(excerpts))
        self._order = [list(excerpts)[index] for index in order]
        self.results = tuple(_earlier(self._path, self._listener, excerpts))
        super().__init__()
        self._turn()

    @property
    def finished(self) -> bool:
        """Whether all excerpts are saved."""
        return not self._waiting()

    @property
    def excerpt(self) -> str:
        """The name of the excerpt that is shown; the last one when all are saved."""
        return next(iter(self._waiting()), self._order[-1])

    def next(self) -> None:
        """Save the ratings of this page and turn to the next, as the button does.

        Raises ValueError while a stimulus is not rated, or once all excerpts are saved; OSError if the file cannot be
        written, and then the page stays.
        """
        if self.finished:
            raise RefusedValue(self._why_closed())
        named = self.trial.reveal(self._complete(""))
        new = [listeners.Rating(self._listener, self.excerpt, name, rating) for name, rating in named.items()]
        if self._path is not None:
            listeners.add(self._path, new)
        self.results = (*self.results, *new)
        self._turn()

    def _turn(self) -> None:
        """Show the first excerpt that is not saved."""
        saved = len(self._order) - len(self._waiting())
        where = "" if self._path is None else f" in {self._path}"
        if self.finished:
            if not self._stage.children:
                self._show("Finished", "")
            self._form.closed = True
            self._form.say(f"All {saved} excerpts are rated and saved{where}. Thank you.")
            return
        heading = f"Excerpt {saved + 1} of {len(self._order)}"
        self._show(heading, f"{saved} of {len(self._order)} excerpts saved{where}. {heading}." if saved else "")

    def _show(self, heading: str, words: str) -> None:
        reference, estimates = self._excerpts[self.excerpt]
        number = list(self._excerpts).index(self.excerpt)
        rng = np.random.default_rng([*self._entropy, number])
        # The low anchor always: a rate at which even that is impossible is refused.
        cutoffs_hz = CUTOFFS_HZ if listening.has_anchor(self._rate, CUTOFFS_HZ[1]) else CUTOFFS_HZ[:1]
        trial = listening.trial(reference, estimates, self._rate, rng=rng, cutoffs_hz=cutoffs_hz)
        button = "Save and go on" if len(self._waiting()) > 1 else "Save and finish"
        self._open(trial, self._rate, self.excerpt, heading, button, words)

    def _waiting(self) -> list[str]:
        saved = {one.trial for one in self.results}
        return [name for name in self._order if name not in saved]

    def _pressed(self) -> None:
        self.next()

    def _why_closed(self) -> str:
        return f"all {len(self._order)} excerpts are rated; a test is rated once by each listener"


def _checked_excerpts(excerpts: Any) -> dict[str, tuple[np.ndarray, dict[str, np.ndarray]]]:
    if not isinstance(excerpts, Mapping) or not excerpts:
        raise RefusedType(
            f"excerpts must be a dict of name -> (reference, estimates), with at least one excerpt, "
            f"got {excerpts!r:.60}"
        )
    checked = {}
    for name, pair in excerpts.items():
        listeners.check_name("the name of an excerpt", name)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise RefusedType(f"excerpts[{name!r}] must be a pair (reference, estimates), got {type(pair).__name__}")
        checked[name] = (
            checks.check_waveform(f"the reference of {name!r}", pair[0]),
            checks.check_sources(f"the estimates of {name!r}", pair[1]),
        )
        for system in checked[name][1]:
            listeners.check_name("the name of a system", system)
    first, (_, systems) = next(iter(checked.items()))
    for name, (_, estimates) in checked.items():
        if set(estimates) != set(systems):
            raise RefusedValue(
                f"all excerpts must have estimates of the same systems, got {', '.join(systems)} in {first!r} and "
                f"{', '.join(estimates)} in {name!r}; add what is missing"
            )
    return checked


def _earlier(path: Path | None, listener: str, excerpts: Mapping[str, Any]) -> list[listeners.Rating]:
    """The ratings that this listener has saved, or a refusal if they belong to another test."""
    if path is None or not path.exists():
        return []
    ratings = listeners.read(path)
    for one in ratings:
        if one.listener != listener:
            raise RefusedValue(f"{path} holds ratings by {one.listener!r}; choose another name for this listener")
        systems = excerpts[one.trial][1] if one.trial in excerpts else {}
        anchors = {listening.anchor_name(cutoff_hz) for cutoff_hz in CUTOFFS_HZ}
        if one.stimulus not in {*systems, *anchors, listening.REFERENCE}:
            raise RefusedValue(
                f"{path} belongs to another test: it rates {one.stimulus!r} in {one.trial!r}, which this test does not "
                "have; choose another folder"
            )
    return ratings
