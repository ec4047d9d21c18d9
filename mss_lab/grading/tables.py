"""Two tables of a class: a line for each exercise, and a line for each student.

They are comma-separated, in UTF-8, for spreadsheets and programs. What students wrote is made plain (see `plain`), and
no cell begins like a formula, which a spreadsheet would carry out.

Students are identified by name. If two notebooks state the same name for the same lesson, both lines say so, since one
of the two may be another student's. In the table of students, the better of two verdicts on one exercise counts.

Contents: write_grades, write_students, same_name.
"""

import collections
import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import files
from .grades import ExerciseGrade, NotebookGrade
from .plain import plain

GRADES_COLUMNS = (
    "student", "lesson", "exercise", "verdict", "points", "tries", "hints", "solution seen", "same as solution",
    "seconds", "message", "notebook", "notes",
)  # fmt: skip

# What begins a formula, in the width of East Asian scripts too; also after a semicolon, which separates cells where a
# comma stands for the decimal point.
FORMULA = re.compile("(^|;)([\\s\"']*)(?=[=+\\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                     "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}])")  # fmt: skip
LONGEST_NAME = 120


def write_grades(path: str | os.PathLike[str], notebook_grades: Sequence[NotebookGrade], *, force: bool = True) -> None:
    """Write a line for each exercise, and one for a notebook without any.

    Raises
    ------
    FileExistsError, OSError
        As for `files.whole_file`.
    """
    doubles = same_name(notebook_grades)
    rows = []
    for grade, double in zip(notebook_grades, doubles, strict=True):
        of_notebook = {
            "student": plain(grade.student, LONGEST_NAME),
            "seconds": f"{grade.seconds:.1f}",
            "notebook": plain(grade.notebook),
            "notes": _joined([grade.problem, *grade.notes, double]),
        }
        for one in grade.exercises:
            rows.append(of_notebook | _cells_of(one))
        if not grade.exercises:
            lessons = " ".join(grade.lessons)
            message = grade.problem or "there is no exercise to grade"
            of_notebook |= {"notes": _joined([*grade.notes, double])}
            rows.append(of_notebook | {"lesson": lessons, "verdict": "error", "points": 0, "message": plain(message)})
    _write(path, GRADES_COLUMNS, rows, force)


def write_students(
    path: str | os.PathLike[str], notebook_grades: Sequence[NotebookGrade], *, force: bool = True
) -> None:
    """Write a line for each student, with the totals of each lesson and of all of them.

    Raises
    ------
    FileExistsError, OSError
        As for `files.whole_file`.
    """
    doubles = same_name(notebook_grades)
    by_student: dict[str, list[int]] = collections.defaultdict(list)
    for index, grade in enumerate(notebook_grades):
        by_student[plain(grade.student, LONGEST_NAME)].append(index)
    lessons = sorted({_lesson_of(one.exercise) for grade in notebook_grades for one in grade.exercises})
    per_lesson = [f"lesson {lesson} {what}" for lesson in lessons for what in ("points", "exercises")]
    totals = ("points", "exercises", "tries", "hints", "solutions seen", "same as solution", "problems")
    columns = ("student", *per_lesson, *totals, "seconds", "notebooks", "notes")
    rows = []
    for student, indices in by_student.items():
        own = [notebook_grades[index] for index in indices]
        best = _best_of(own)
        row: dict[str, Any] = {"student": student} | _totals(best.values())
        for lesson in lessons:
            of_lesson = _totals(one for number, one in best.items() if _lesson_of(number) == lesson)
            if of_lesson["exercises"]:
                row |= {f"lesson {lesson} {what}": of_lesson[what] for what in ("points", "exercises")}
        row |= {
            "problems": sum(bool(grade.problem) for grade in own),
            "seconds": f"{sum(grade.seconds for grade in own):.1f}",
            "notebooks": len(own),
            "notes": _joined([part for index in indices for part in (notebook_grades[index].problem, doubles[index])]),
        }
        rows.append(row)
    _write(path, columns, rows, force)


def same_name(notebook_grades: Sequence[NotebookGrade]) -> list[str]:
    """For each notebook, which others give the same student's name for the same lesson; mostly an empty text."""
    lessons = [set(grade.lessons) | {_lesson_of(one.exercise) for one in grade.exercises} for grade in notebook_grades]
    by_lesson: dict[tuple[str, str], list[int]] = collections.defaultdict(list)
    for index, grade in enumerate(notebook_grades):
        for lesson in lessons[index]:
            by_lesson[plain(grade.student, LONGEST_NAME), lesson].append(index)
    words: list[dict[str, None]] = [{} for _ in notebook_grades]
    for (_, lesson), indices in by_lesson.items():
        for index in indices:
            others = [plain(notebook_grades[other].notebook, LONGEST_NAME) for other in indices if other != index]
            if others:
                more = " and more" if len(others) > 3 else ""
                names = ", ".join(others[:3])
                words[index][f"the same student's name for lesson {lesson} in {names}{more}"] = None
    return ["; ".join(one) for one in words]


def _cells_of(one: ExerciseGrade) -> dict[str, Any]:
    return {
        "lesson": _lesson_of(one.exercise),
        "exercise": plain(one.exercise),
        "verdict": plain(one.verdict),
        "points": one.points,
        "tries": one.tries,
        "hints": one.hints,
        "solution seen": _yes(one.solution_seen),
        "same as solution": _yes(one.same_as_solution),
        "message": plain(one.message),
    }


def _totals(exercises: Iterable[ExerciseGrade]) -> dict[str, int]:
    exercises = list(exercises)
    return {
        "points": sum(one.points for one in exercises),
        "exercises": len(exercises),
        "tries": sum(one.tries for one in exercises),
        "hints": sum(one.hints for one in exercises),
        "solutions seen": sum(one.solution_seen for one in exercises),
        "same as solution": sum(one.same_as_solution for one in exercises),
    }


def _best_of(own: Iterable[NotebookGrade]) -> dict[str, ExerciseGrade]:
    best: dict[str, ExerciseGrade] = {}
    for grade in own:
        for one in grade.exercises:
            if one.exercise not in best or one.points > best[one.exercise].points:
                best[one.exercise] = one
    return best


def _lesson_of(exercise: str) -> str:
    number = exercise.partition(".")[0]
    return f"{int(number):02}" if number.isascii() and number.isdigit() and len(number) < 4 else plain(number)


def _yes(value: bool) -> str:
    return "yes" if value else ""


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(plain(part) for part in parts if part))


def _write(
    path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, Any]], force: bool
) -> None:
    with files.whole_file(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, restval="", quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({name: FORMULA.sub(r"\1'\2", str(value)) for name, value in row.items()})
