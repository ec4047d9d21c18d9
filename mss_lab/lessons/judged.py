"""The kernel's side of grading: answers travel to the grader, and verdicts come back.

Where the environment variable MSS_LAB_JUDGE names a socket, `Lab.check` sends an answer there and shows the verdict
that it receives. It also reports hints and solutions that were shown, and lessons that were opened. A function stays in
this process: the grader sends arguments, and receives what the function returns. Nothing that happens in this process
decides a verdict; see `mss_lab.grading`.

Contents: is_graded, tell, inputs_of, verdict_on, PLACE.
"""

import contextlib
import os
import socket
from typing import Any

from ..refusals import RefusedValue
from . import answers, library_functions
from .calling import frozen
from .exercise import Verdict
from .plain_values import plain
from .time_limit import within
from .wire import Channel

PLACE = "MSS_LAB_JUDGE"


def is_graded() -> bool:
    """Whether a grader runs this notebook."""
    return bool(os.environ.get(PLACE))


def tell(event: str, **words: str) -> str:
    """Report an event to the grader, such as that a hint was shown; returns its reply, or "" without a grader."""
    if not is_graded():
        return ""
    with _connected() as connection:
        channel = Channel(connection)
        channel.send({"kind": event, **words})
        return str(channel.receive()["words"])


def inputs_of(exercise: str) -> Any:
    """The inputs that the grader hands out for an exercise; its arrays are copies of the grader's.

    Raises
    ------
    ValueError
        If the exercise hands out nothing.
    """
    with _connected() as connection:
        channel = Channel(connection)
        channel.send({"kind": "given", "exercise": exercise})
        reply = channel.receive()
    if reply["words"]:
        raise RefusedValue(str(reply["words"]))
    return frozen(reply["given"])


def verdict_on(exercise: str, answer: Any) -> Verdict:
    """Send an answer to the grader, run its functions as the grader asks, and return the verdict.

    Raises
    ------
    OSError, EOFError
        If the grader has ended.
    """
    functions: list[Any] = []

    def keep(function: Any) -> int:
        functions.append(function)
        return len(functions) - 1

    with _connected() as connection:
        channel = Channel(connection)
        try:
            library = library_functions.words_on(answer)
            channel.send({"kind": "check", "exercise": exercise, "answer": plain(answer), "library": library}, keep)
        except ValueError as error:
            return Verdict(exercise, "wrong", f"The answer is too large to be checked: {error}.")
        while True:
            message = channel.receive()
            if message["kind"] == "verdict":
                return Verdict(exercise, str(message["state"]), str(message["message"]))
            reply = _called(functions[message["function"]], message)
            # If the time for the whole check is over, the grader has sent its verdict and closed the connection.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                try:
                    channel.send(reply, keep)
                except ValueError as error:
                    channel.send({"kind": "Refused", "words": f"What your function returns is too large: {error}."})


def _called(function: Any, message: dict[str, Any]) -> dict[str, Any]:
    try:
        result = within(
            message["limit_s"],
            lambda: answers.call(function, *message["arguments"], name=message["name"], **message["options"]),
        )
    except TimeoutError:
        return {"kind": "TimeoutError", "words": ""}
    except answers.Refused as refused:
        return {"kind": type(refused).__name__, "words": str(refused)}
    return {"kind": "result", "result": result}


def _connected() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(os.environ[PLACE])
    return connection
