"""The form of the panel "Separate your own": files, a microphone, a method, and the buttons, as one widget.

The form only shows and sends; `own.Panel` decides. It has no value of a parameter, so it is no input of
`controls.explore`.

Contents: Form, described. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from .. import catalogue, options, separating
from . import front_end, uploads

# The bytes of a zip file travel to the page in messages of this size.
PIECE_BYTES = 4 * 2**20
SCORE_ENDINGS = (".mid", ".midi", ".musicxml", ".mxl", ".xml", ".csv")
TITLE = "Separate your own"


class Form(anywidget.AnyWidget):
    """The widget of the form; messages of the page are passed to the functions that it is given.

    Attributes
    ----------
    content : dict
        What is shown of the recording, the score and the methods.
    choices : dict
        The reader's choices: `method`, `align`, `start_s`, `end_s` (None: to the end), `options`.
    stage : str
        What is being done; empty if nothing is.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__, "panel.css")

    content = traitlets.Dict().tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    stage = traitlets.Unicode().tag(sync=True)
    limits = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        choices: Mapping[str, Any],
        arrived: Callable[[str, str, bytes], None],
        pressed: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._uploads = uploads.Uploads(self.send, arrived)
        self._pressed = pressed
        super().__init__(
            choices=dict(choices),
            limits={**uploads.limits(), "title": TITLE, "scoreEndings": SCORE_ENDINGS},
        )
        self.on_msg(self._take)

    def send_file(self, name: str, data: bytes, view: str) -> None:
        """Let the page on which a button was pressed save a file."""
        pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
        for number, piece in enumerate(pieces):
            message = {"kind": "file", "view": view, "name": name, "piece": number, "pieces": len(pieces)}
            self.send(message, [piece])

    def _take(self, _widget: Any, message: Mapping[str, Any], buffers: Any) -> None:
        if message["kind"] in ("begin", "piece", "cancel"):
            self._uploads.take(message, buffers)
        else:
            self._pressed(message["kind"], message)


def described(method: catalogue.Method, channels: int | None, *, has_score: bool) -> dict[str, Any]:
    """What the page shows of a method for a recording with that many channels, or for none."""
    needs = [
        "a score" if "score" in method.needs else "",
        "two channels" if "stereo" in method.needs else "",
    ]
    facts = [
        f"Needs {' and '.join(filter(None, needs))}." if any(needs) else "Needs only the recording, in mono or stereo.",
        "Is a trained network." if "torch" in method.libraries else "Is no trained network.",
        f"Loads, once, {method.downloads}." if method.downloads else "",
        f"{_pace_words(method.pace)}" if method.pace else "",
        f"Gives {method.gives}." if method.gives else "",
        f"Assumes: {_lower(method.assumes)}." if method.assumes else "",
    ]
    return {
        "name": method.name,
        "title": method.title,
        "facts": [fact for fact in facts if fact],
        "reason": separating.unmet_need(method, channels, has_score=has_score),
        "options": [item for name, option in method.options.items() if (item := _input_of(name, option))],
    }


def _pace_words(pace: float) -> str:
    """How long a method takes, in words that hold for slow and for fast computers."""
    if pace < 0.1:
        return "Takes some seconds for a song."
    if pace < 0.5:
        return "Takes less time than the music lasts."
    if pace < 2:
        return "Takes about as long as the music lasts."
    return f"Takes about {pace:.0f} times as long as the music lasts."


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _input_of(name: str, option: options.Option) -> dict[str, Any] | None:
    """The input of an option on the page; None for one that is not a number, a switch or a word."""
    item: dict[str, Any] = {"name": name, "default": option.default, "words": option.rule.words()}
    match option.rule:
        case options.Number(at_least=low, at_most=high, whole=whole):
            return item | {"kind": "number", "low": low, "high": high, "whole": whole}
        case options.Switch():
            return item | {"kind": "switch"}
        case options.Choice(choices=words):
            return item | {"kind": "choice", "choices": list(words)}
    return None
