"""Lessons without their answers, for the notebook that is graded: tasks and hints, but no check and no solution.

Contents: write.
"""

from pathlib import Path

from ..lessons import lesson_files

HEAD = '''"""Lesson {number}, while it is graded: the grader holds its checks and solutions."""

from mss_lab.lessons import Exercise

PIECE = {piece!r}


def _not_here(answer):
    raise RuntimeError("answers are checked by the grader")


EXERCISES = (
'''
EXERCISE = """    Exercise(
        number={number!r},
        task={task!r},
        check=_not_here,
        hints={hints!r},
        solution="# The grader shows no solutions.",
        mistakes=("answer = 1", "answer = 2"),
        time_limit_s={time_limit_s!r},
    ),
"""


def write(folder: Path) -> list[Path]:
    """Write every lesson there is into a folder for MSS_LAB_LESSONS.

    Parameters
    ----------
    folder : path
        It must exist.

    Returns
    -------
    list of path
        Folders of pieces that lie outside of the workbook; lessons of one's own may have such.
    """
    pieces = []
    for number in lesson_files.numbers():
        piece = lesson_files.piece_of(number)
        if Path(piece).is_dir():
            pieces.append(Path(piece).resolve())
        exercises = [
            EXERCISE.format(number=one.number, task=one.task, hints=one.hints, time_limit_s=one.time_limit_s)
            for one in lesson_files.exercises_of(number)
        ]
        text = HEAD.format(number=number, piece=piece) + "".join(exercises) + ")\n"
        (folder / f"lesson_{number}.py").write_text(text, encoding="utf-8")
    return pieces
