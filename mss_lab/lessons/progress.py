"""Progress: which exercises a reader has solved, in one small file that no crash can destroy.

The file is `.mss_lab/progress.json` in the reader's home folder, so that every copy of the workbook shares it and no
notebook's folder gathers files; the environment variable MSS_LAB_PROGRESS names another. It is written whole or not
at all, under a lock, and each change is made to what the file holds at that moment, so that two notebooks at once lose
nothing. A damaged file is renamed, and the reader is informed; it is never overwritten.

Contents: Mark, default_path, read, record.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import files
from ..refusals import RefusedValue

PLACE = "MSS_LAB_PROGRESS"
LOCK_WAIT_S = 5.0


@dataclasses.dataclass(frozen=True)
class Mark:
    """What is stored about one exercise.

    Attributes
    ----------
    right : bool
        Whether it was ever answered rightly; once right, it stays so.
    tries : int
        Answers that were checked, blanks left out, up to and with the first right one.
    hints : int
        Most hints seen in one sitting.
    solution_seen : bool
        Whether the solution was opened before the exercise was solved.
    solved_at : str
        UTC time of the first right answer, ISO 8601; empty before.
    """

    right: bool = False
    tries: int = 0
    hints: int = 0
    solution_seen: bool = False
    solved_at: str = ""

    def after_try(self, right: bool) -> "Mark":
        """The mark after one more checked answer."""
        if self.right:
            return self
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return dataclasses.replace(self, right=right, tries=self.tries + 1, solved_at=now if right else "")


def default_path() -> Path:
    """The file that MSS_LAB_PROGRESS names, else `.mss_lab/progress.json` in the home folder."""
    named = os.environ.get(PLACE)
    return Path(named) if named else Path.home() / ".mss_lab" / "progress.json"


def read(path: str | os.PathLike[str]) -> dict[str, Mark]:
    """Every exercise's mark by its number; empty where there is no file.

    Raises
    ------
    ValueError
        If the file is damaged; it is left as it is.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        marks = {number: Mark(**fields) for number, fields in json.loads(content)["exercises"].items()}
        if not all(_is_sound(mark) for mark in marks.values()):
            raise RefusedValue("a value of the wrong kind")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RefusedValue(f"the progress file {path} is damaged ({error})") from error
    return marks


def record(path: str | os.PathLike[str], number: str, change: Callable[[Mark], Mark]) -> tuple[Mark, str]:
    """Change one exercise's mark in the file.

    Parameters
    ----------
    path : path
    number : str
        The exercise, such as "3.2".
    change : callable Mark -> Mark

    Returns
    -------
    mark : Mark
        The mark after the change.
    notice : str
        Empty, or a sentence for the reader: that a damaged file was set aside.

    Raises
    ------
    OSError
        If the file cannot be written or stays locked; nothing is lost then but this one change.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(path.name + ".lock")):
        notice = ""
        try:
            marks = read(path)
        except ValueError as error:
            aside = _free_name(path)
            path.replace(aside)
            notice = f"{str(error)[:1].upper()}{str(error)[1:]}; it was set aside as {aside.name}, and a new one begun."
            marks = {}
        marks[number] = change(marks.get(number, Mark()))
        exercises = {number: dataclasses.asdict(marks[number]) for number in sorted(marks, key=_in_order)}
        with files.whole_file(path) as temporary:
            temporary.write_text(json.dumps({"version": 1, "exercises": exercises}, indent=1) + "\n", encoding="utf-8")
    return marks[number], notice


def _is_sound(mark: Mark) -> bool:
    kinds = {field.name: type(field.default) for field in dataclasses.fields(Mark)}
    return all(type(getattr(mark, name)) is kind for name, kind in kinds.items())


def _in_order(number: str) -> tuple[int | str, ...]:
    return tuple(int(part) if part.isdigit() else part for part in number.split("."))


def _free_name(path: Path) -> Path:
    count = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{count}{path.suffix}")).exists():
        count += 1
    return aside


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The system's own lock: it ends with the process that holds it, so a crash leaves nothing to clean up.
    with path.open("a+b") as file:
        give_up = time.monotonic() + LOCK_WAIT_S
        while not _try_lock(file.fileno()):
            if time.monotonic() > give_up:
                raise TimeoutError(f"{path} is held by another notebook for more than {LOCK_WAIT_S:g} s")
            time.sleep(0.02)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
