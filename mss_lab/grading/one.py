"""Grade one notebook, in a process of its own, so that whatever goes wrong with it costs no other grade.

    python -m mss_lab.grading.one JOB

JOB is a JSON file that `Job.to_json` writes. The grade appears in the job's folder as `grade.json`, from the first
verdict on; afterwards, the executed notebook becomes a page where the job says.

Contents: Job, grade_one, main.
"""

import dataclasses
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import files
from ..lessons import judged, lesson_files, notebooks
from ..lessons.exercise import Verdict
from ..lessons.likeness import same_as_solution
from . import pages, sandbox, stubs
from .grades import ExerciseGrade, NotebookGrade
from .judge import Judge, Judged

# Outputs of a notebook beyond this are left out; a student's grade does not depend on them.
MOST_OUTPUT_BYTES = 20_000_000
# What this process itself may hold: a kernel that sends enormous outputs is not the teacher's loss.
MOST_MEMORY_BYTES = 4_000_000_000
MEMORY = "of memory"


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be graded, and how.

    Attributes
    ----------
    notebook : str
        Path of the notebook.
    name : str
        What the grade calls it.
    student : str
        Whose it is, where it does not say so itself.
    files : str
        A folder with the files that stand beside it when it runs.
    folder : str
        Where the grade appears.
    lesson : str
        The only lesson that counts, such as "03"; empty for whatever it opens.
    secret : int
        From it follow the inputs on which functions are judged again.
    page : str
        Where the page of the executed notebook shall be; empty for none.
    stubs : str
        A folder that `stubs.write` has filled, so that not each job has to load every lesson for it; empty for none.
    pieces : tuple of str
        What `stubs.write` returned then.
    limits : sandbox.Limits
    """

    notebook: str
    name: str
    student: str
    files: str
    folder: str
    lesson: str = ""
    secret: int = 0
    page: str = ""
    stubs: str = ""
    pieces: tuple[str, ...] = ()
    limits: sandbox.Limits = dataclasses.field(default_factory=sandbox.Limits)

    def to_json(self) -> str:
        """As text, for `main`."""
        return json.dumps(dataclasses.asdict(self))


def grade_one(job: Job, keep: Callable[[NotebookGrade], None] = lambda grade: None) -> tuple[NotebookGrade, Any]:
    """Run a notebook in the box, judge its answers outside of it, and return its grade.

    Parameters
    ----------
    job : Job
    keep : callable NotebookGrade -> anything
        Gets the grade so far after every verdict.

    Returns
    -------
    grade : NotebookGrade
    executed : NotebookNode or None
        None where it could not be read or its kernel did not start.
    """
    try:
        notebook = notebooks.read(job.notebook)
    except (OSError, ValueError, RecursionError) as error:
        # The teacher knows the notebook by another path.
        words = str(error).replace(job.notebook, job.name)
        return NotebookGrade(job.name, job.student, problem=words), None
    judge = Judge(job.secret, lambda: keep(_so_far(job, judge)))
    with tempfile.TemporaryDirectory(prefix="g-", ignore_cleanup_errors=True) as own:
        folders = {name: Path(own) / name for name in ("shared", "lessons", "box")}
        for folder in folders.values():
            folder.mkdir()
        if job.stubs:
            for path in Path(job.stubs).iterdir():
                shutil.copy(path, folders["lessons"])
            pieces = [Path(piece) for piece in job.pieces]
        else:
            pieces = stubs.write(folders["lessons"])
        socket = folders["shared"] / "judge"
        with (
            judge.listening(socket),
            sandbox.launch(
                Path(job.files),
                folders["shared"],
                job.limits,
                own=folders["box"],
                lessons=folders["lessons"],
                readable=pieces,
                variables={judged.PLACE: str(socket)},
            ) as launch,
        ):
            start = notebooks.KernelStart(launch.command, launch.environment, folders["shared"])
            try:
                run = notebooks.execute(
                    notebook,
                    folder=job.files,
                    time_limit_s=job.limits.seconds,
                    start=start,
                    most_output_bytes=MOST_OUTPUT_BYTES,
                )
            except RuntimeError as error:
                reason = launch.reason() or str(error)
                return dataclasses.replace(_so_far(job, judge), problem=f"its kernel did not start ({reason})"), None
            return _grade(job, judge, run, launch.reason()), run.notebook


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade as the job says."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # A grammar of web addresses that takes a second to load. The checks of notebooks do not use it, and can do without.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    fields = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    job = Job(**fields | {"limits": sandbox.Limits(**fields["limits"])})
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    folder = Path(job.folder)

    def keep(grade: NotebookGrade) -> None:
        with files.whole_file(folder / "grade.json", force=True) as temporary:
            temporary.write_text(grade.to_json(), encoding="utf-8")

    grade, executed = grade_one(job, keep)
    keep(grade)
    if executed is not None and job.page:
        try:
            with files.whole_file(job.page, force=True) as temporary:
                temporary.write_text(pages.make_page(executed, f"{grade.student}: {job.name}"), encoding="utf-8")
        except Exception as error:
            # The grade is kept even if a student's texts cause an error while the page is made.
            keep(dataclasses.replace(grade, notes=(*grade.notes, f"there is no page of it ({type(error).__name__})")))
    return 0


def _so_far(job: Job, judge: Judge) -> NotebookGrade:
    exercises = tuple(
        _exercise_grade(number, events, None) for number, events in sorted(judge.exercises.items()) if events.verdicts
    )
    problem = "the grading of this notebook was stopped before its end"
    return NotebookGrade(job.name, judge.student or job.student, tuple(judge.opened), exercises, problem)


def _grade(job: Job, judge: Judge, run: notebooks.Run, reason: str) -> NotebookGrade:
    named = [*judge.opened, *_lessons_in(run.notebook)]
    lessons = tuple(dict.fromkeys(number for number in named if job.lesson in ("", number)))
    student = judge.student or job.student
    if not lessons:
        if named:
            why = f"it opens lesson {', '.join(dict.fromkeys(named))}, and lesson {job.lesson} is graded"
        else:
            stop = reason or ("the time ran out" if run.timed_out else str(run.errors[0]) if run.errors else "no error")
            why = f"it opens no lesson that there is ({stop})"
        return NotebookGrade(job.name, student, problem=why, seconds=run.seconds)
    cells = [cell.source for cell in run.notebook.cells if cell.cell_type == "code"]
    exercises = []
    for number in lessons:
        for exercise in lesson_files.exercises_of(number):
            events = judge.exercises.get(exercise.number, Judged())
            missing = None if events.verdicts else _without_verdict(exercise.number, run, reason, job.limits.seconds)
            graded = _exercise_grade(exercise.number, events, missing)
            exercises.append(dataclasses.replace(graded, same_as_solution=same_as_solution(cells, exercise)))
    problem = f"it was stopped: {reason}" if reason else ""
    if run.timed_out and run.stopped_at is not None:
        problem = f"it ran for more than {job.limits.seconds:g} s and was stopped in cell {run.stopped_at + 1}"
    elif run.stopped_at is not None and not problem:
        problem = f"it was stopped in {run.errors[-1]}"
    return NotebookGrade(job.name, student, lessons, tuple(exercises), problem, run.seconds)


def _exercise_grade(number: str, events: Judged, missing: Verdict | None) -> ExerciseGrade:
    right = [verdict for verdict in events.verdicts if verdict.right]
    verdict = right[0] if right else events.verdicts[-1] if events.verdicts else missing
    assert verdict is not None
    return ExerciseGrade(number, verdict.state, verdict.message, events.tries, events.hints, events.solution_seen)


def _lessons_in(notebook: Any) -> list[str]:
    # A notebook that stops before it opens its lesson still says which one it is about.
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    named = [
        f"{int(number):02}"
        for number in re.findall(r"lessons\.open\(\s*[\"']?(\d{1,2})[\"']?\s*(?:\)|,\s*student\b)", code)
    ]
    return [number for number in named if number in lesson_files.numbers()]


def _without_verdict(exercise: str, run: notebooks.Run, reason: str, limit_s: float) -> Verdict:
    pattern = re.compile(rf"\.check\(\s*[\"']{re.escape(exercise)}[\"']")
    cells = [
        index
        for index, cell in enumerate(run.notebook.cells)
        if cell.cell_type == "code" and pattern.search(cell.source)
    ]
    for error in run.errors:
        if error.cell in cells and error.cell != run.stopped_at:
            return Verdict(exercise, "error", str(error))
    if run.stopped_at is not None and any(index >= run.stopped_at for index in cells):
        if run.timed_out:
            message = f"the notebook ran for more than {limit_s:g} s and was stopped in cell {run.stopped_at + 1}"
            return Verdict(exercise, "time limit", message)
        words = f"the notebook was stopped in cell {run.stopped_at + 1}: {reason}" if reason else str(run.errors[-1])
        return Verdict(exercise, "memory limit" if MEMORY in reason else "error", words)
    if cells:
        return Verdict(exercise, "not attempted", "its check did not run")
    return Verdict(exercise, "not attempted", "there is no check of it in the notebook")


if __name__ == "__main__":
    sys.exit(main())
