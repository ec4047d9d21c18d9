"""The judge: takes answers from a notebook's kernel, and gives verdicts that the kernel cannot change.

It runs in the grader's process, outside of the box. Each check of a notebook opens a connection; the judge runs the
exercise's check on the answer that arrives. A function of the student is called in the kernel, with arguments that the
judge sends: first those of the check, then others that no student has seen. The kernel can only answer; it can lie only
about its own answers.

Contents: Judged, Judge.
"""

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..lessons import answers, explaining, lesson_files
from ..lessons.exercise import Exercise, Verdict
from ..lessons.wire import Channel
from ..refusals import RefusedValue

# Further tries are not judged: a notebook with so many is guessing.
MOST_TRIES = 100
# How long a call may take beyond its own limit, for the way there and back.
TRAVEL_S = 5.0
# Characters of what a kernel says about the library's function that an answer is.
LONGEST_NAME = 300
# Connections that may wait at one time; further ones are closed.
MOST_CONNECTIONS = 16


@dataclasses.dataclass
class Judged:
    """What happened with one exercise.

    Attributes
    ----------
    verdicts : list of Verdict
        Of each check, in order.
    hints : int
        How many were shown.
    solution_seen : bool
    """

    verdicts: list[Verdict] = dataclasses.field(default_factory=list)
    hints: int = 0
    solution_seen: bool = False

    @property
    def tries(self) -> int:
        """How many answers were checked, blanks left out, up to and with the first right one."""
        states = [verdict.state for verdict in self.verdicts if verdict.state != "not attempted"]
        return states.index("right") + 1 if "right" in states else len(states)


class Judge:
    """Listens on a socket and judges what comes; see `listening`.

    Attributes
    ----------
    opened : list of str
        Lessons that the notebook opened, in order.
    student : str
        The name that it gave with one; empty without.
    exercises : dict of str -> Judged
        By number, such as "3.2".

    Parameters
    ----------
    secret : int
        From it follow the inputs on which functions are judged again.
    changed : callable, optional
        Called after every verdict.
    """

    def __init__(self, secret: int, changed: Callable[[], None] = lambda: None) -> None:
        self.opened: list[str] = []
        self.student = ""
        self.exercises: dict[str, Judged] = {}
        self._secret = secret
        self._changed = changed
        self._one_at_a_time = threading.Lock()
        self._free = threading.Semaphore(MOST_CONNECTIONS)

    @contextlib.contextmanager
    def listening(self, path: Path) -> Iterator["Judge"]:
        """Judge what comes through the socket `path` while the context lasts."""
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.closing(server):
            server.bind(str(path))
            # Root runs a notebook as another user.
            path.chmod(0o666)
            server.listen()
            threading.Thread(target=self._serve, args=(server,), name="judge", daemon=True).start()
            yield self

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            if self._free.acquire(blocking=False):
                threading.Thread(target=self._receive, args=(connection,), name="judge", daemon=True).start()
            else:
                connection.close()

    def _receive(self, connection: socket.socket) -> None:
        # A kernel may send anything, and may stop anywhere; only its own answer is lost then.
        try:
            with contextlib.closing(connection), contextlib.suppress(Exception):
                channel = Channel(connection)
                calls = _Calls(channel)
                message = channel.receive(calls.function, limit_s=60)
                with self._one_at_a_time:
                    channel.send(self._answer(message, calls))
        finally:
            self._free.release()

    def _answer(self, message: dict[str, Any], calls: "_Calls") -> dict[str, Any]:
        kind = message["kind"]
        if kind == "opened":
            # Refused where there is no such lesson.
            lesson_files.exercises_of(str(message["lesson"]))
            number = f"{int(message['lesson']):02}"
            if number not in self.opened:
                self.opened.append(number)
            self.student = self.student or str(message["student"])
            return {"words": ""}
        exercise = self._exercise(str(message["exercise"]))
        if kind == "task":
            return {"words": exercise.task}
        if kind == "given":
            return _handed_out(exercise)
        judged = self.exercises.setdefault(exercise.number, Judged())
        if kind == "hint":
            judged.hints = min(judged.hints + 1, len(exercise.hints))
        elif kind == "solution":
            judged.solution_seen = True
        elif kind == "check":
            verdict = self._verdict(exercise, message, calls, judged)
            return {"kind": "verdict", "state": verdict.state, "message": verdict.message}
        return {"words": ""}

    def _exercise(self, number: str) -> Exercise:
        for exercise in lesson_files.exercises_of(number.partition(".")[0]):
            if exercise.number == number:
                return exercise.for_student(self.student)
        raise LookupError(f"there is no exercise {number}")

    def _verdict(self, exercise: Exercise, message: dict[str, Any], calls: "_Calls", judged: Judged) -> Verdict:
        if len(judged.verdicts) >= MOST_TRIES:
            return Verdict(exercise.number, "wrong", f"More than {MOST_TRIES} tries; this one was not looked at.")
        calls.limit_s = exercise.time_limit_s
        # The kernel alone knows where its functions come from. It can only make its own answer wrong by what it says.
        library = str(message.get("library", ""))[:LONGEST_NAME]
        explained = explaining.applies(judged.hints, judged.tries)
        verdict = exercise.judge_unseen(message["answer"], self._secret, library, explained=explained)
        judged.verdicts.append(verdict)
        self._changed()
        return verdict


def _handed_out(exercise: Exercise) -> dict[str, Any]:
    try:
        return {"words": "", "given": exercise.handed_out()}
    except RefusedValue as refusal:
        return {"words": str(refusal)}


class _Calls:
    """Functions that live in the kernel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.limit_s = 20.0

    def function(self, number: int, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            return self._call(number, arguments, options)

        call.__name__ = name
        return call

    def _call(self, number: int, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        request = {"kind": "call", "function": number, "arguments": arguments, "options": options}
        self._channel.send(request | {"name": "your function", "limit_s": self.limit_s})
        reply = self._channel.receive(self.function, limit_s=self.limit_s + TRAVEL_S)
        kind, words = reply["kind"], str(reply.get("words", ""))
        if kind == "result":
            return reply["result"]
        if kind == "TimeoutError":
            raise TimeoutError
        raise {"Blank": answers.Blank, "Raised": answers.Raised}.get(kind, answers.Refused)(words)
