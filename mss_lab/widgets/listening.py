"""A blind listening test on the page: a reference, stimuli named by letters, sliders to rate them, a button to reveal.

The page does not contain the names of the stimuli before the button is pressed. Only the reference is drawn, since a
waveform shows whether it is a mixture or a voice; the names stay in Python.

Contents: rate, Session. Lesson: notebooks/04_is_it_better.ipynb
"""

import html
from typing import Any

import ipywidgets

from ..metrics.listening import Trial
from ..refusals import RefusedType, RefusedValue
from . import controls, player

QUESTION = "How good is each, compared with the reference? 100 excellent, 80 good, 60 fair, 40 poor, 20 bad."


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


class Session(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """The widget behind `rate`: a player, a slider for each label, and the button that reveals.

    Attributes
    ----------
    trial : Trial
    ratings : dict of label -> int, or None
        None until the reader has moved every slider.
    revealed : bool
        Whether the names have been shown; the sliders are then locked.
    """

    def __init__(self, trial: Trial, sample_rate_hz: int, title: str) -> None:
        self.trial = trial
        self.revealed = False
        versions = {"reference": {"sound": trial.reference}}
        versions |= {label: {"sound": stimulus} for label, stimulus in trial.stimuli.items()}
        self._player = player.Player(versions, sample_rate_hz, title=title, spectrograms=False, by_ear=True)
        self._sliders = {label: controls.slider(0, 100, 0, label=label) for label in trial.stimuli}
        self._moved: set[str] = set()
        for label, item in self._sliders.items():
            item.observe(lambda change, label=label: self._rated(label), "value")
        self._button = ipywidgets.Button(description="Reveal")
        self._button.on_click(lambda button: self._pressed())
        self._words = ipywidgets.HTML(f"<p>{html.escape(QUESTION)}</p>")
        self._answer = ipywidgets.HTML()
        super().__init__([self._player, self._words, *self._sliders.values(), self._button, self._answer])

    @property
    def ratings(self) -> dict[str, int] | None:
        """The reader's rating of each label; None until every slider has been moved."""
        if self._moved != set(self._sliders):
            return None
        return {label: item.value for label, item in self._sliders.items()}

    def set(self, **ratings: int) -> None:
        """Move sliders from code, as a reader would; `session.set(A=80, B=20)`.

        Raises ValueError for a label that the trial does not have, or once the names have been revealed.
        """
        unknown = sorted(set(ratings) - set(self._sliders))
        if unknown:
            raise RefusedValue(f"this trial has no stimulus {unknown[0]!r}; it has {', '.join(self._sliders)}")
        if self.revealed:
            raise RefusedValue("the names have been revealed; make a new trial to rate again, blind")
        for label, rating in ratings.items():
            self._sliders[label].value = rating
            # A rating of 0 does not move the slider, but it counts as a rating.
            self._rated(label)

    def reveal(self) -> dict[str, float]:
        """Lock the sliders, show the name of each label's stimulus, and return the ratings by name.

        Raises ValueError while a stimulus is not rated.
        """
        ratings = self.ratings
        if ratings is None:
            left = ", ".join(label for label in self._sliders if label not in self._moved)
            raise RefusedValue(
                f"not rated yet: {left}; move every slider first, since the test is not blind after that"
            )
        named = self.trial.reveal(ratings)
        self.revealed = True
        for item in self._sliders.values():
            item.disabled = True
        self._button.disabled = True
        self._answer.value = _table(self.trial, ratings)
        return named

    def _rated(self, label: str) -> None:
        self._moved.add(label)
        self._answer.value = ""

    def _pressed(self) -> None:
        try:
            self.reveal()
        except ValueError as error:
            self._answer.value = f'<p role="alert">{html.escape(str(error))}</p>'

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**kwargs))
        _picture, page = self._player.static()
        labels = ", ".join(self._sliders)
        data |= {
            "text/plain": f"Listening test: {labels}. {QUESTION}",
            "text/html": f"<div><p>{html.escape(QUESTION)}</p><p>Stimuli: {labels}. The sliders need a running "
            f"notebook; the sound below is the reference.</p>{page}</div>",
        }
        return data, {}


def _table(trial: Trial, ratings: dict[str, int]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{label}</th><td>{html.escape(name)}</td><td>{ratings[label]}</td></tr>'
        for label, name in trial.key.items()
    )
    head = '<tr><th scope="col">Stimulus</th><th scope="col">was</th><th scope="col">your rating</th></tr>'
    return f"<table><caption>Revealed</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"
