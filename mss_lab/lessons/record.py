"""The record that a grader reads: verdicts that travel from a notebook's kernel beside its output.

Where the environment names a file (MSS_LAB_VERDICTS) and a secret (MSS_LAB_VERDICTS_SECRET), every opened lesson and
every verdict is appended to that file as one line of JSON, signed with the secret. Without them nothing is written.

What this protects from: a notebook that prints "3.2 right", or that holds such an output from an earlier run, is not
believed; only lines signed with the secret of this run count. What it does not protect from: code in the notebook that
reads the secret from its own environment and signs a line itself, or that changes `mss_lab` in its kernel. A student
who goes that far has to be found by reading the notebook.

Contents: opened, verdict, read.
"""

import hmac
import json
import os
from pathlib import Path
from typing import Any

from .exercise import Verdict

PLACE = "MSS_LAB_VERDICTS"
SECRET = "MSS_LAB_VERDICTS_SECRET"


def opened(lesson: str) -> None:
    """Record that a lesson was opened."""
    _append({"kind": "opened", "lesson": lesson})


def verdict(found: Verdict) -> None:
    """Record a verdict."""
    _append({"kind": "verdict", "exercise": found.exercise, "state": found.state, "message": found.message})


def read(path: str | os.PathLike, secret: str) -> tuple[tuple[str, ...], tuple[Verdict, ...]]:
    """The lessons opened and the verdicts found, in order; lines that are not signed rightly are left out."""
    lessons: list[str] = []
    verdicts: list[Verdict] = []
    path = Path(path)
    if not path.is_file():
        return (), ()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        signature, _, content = line.partition(" ")
        if not hmac.compare_digest(signature.encode(), _signature(content, secret).encode()):
            continue
        entry = json.loads(content)
        if entry["kind"] == "opened" and entry["lesson"] not in lessons:
            lessons.append(entry["lesson"])
        if entry["kind"] == "verdict":
            verdicts.append(Verdict(entry["exercise"], entry["state"], entry["message"]))
    return tuple(lessons), tuple(verdicts)


def _append(entry: dict[str, Any]) -> None:
    path, secret = os.environ.get(PLACE), os.environ.get(SECRET)
    if not path or not secret:
        return
    content = json.dumps(entry)
    # One write of one line: lines of two processes do not mix.
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{_signature(content, secret)} {content}\n")


def _signature(content: str, secret: str) -> str:
    return hmac.new(secret.encode(), content.encode(), "sha256").hexdigest()
