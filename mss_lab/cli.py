"""The command line: `mss-lab separate`, `methods`, `evaluate`, `datasets`, `grade`, `lab`, `verify` and `doctor`.

Commands say what went wrong in one line and exit with 2; `doctor` and `evaluate` exit with 1 when what they looked at
is not as it should be. `mss-lab COMMAND --help` explains each.
"""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import __version__, audio, catalogue, doctor, files, launch, units

if TYPE_CHECKING:
    from .score.notes import Score

# What a command may say in one line; anything else is a fault of ours and keeps its traceback.
EXPECTED = (ValueError, TypeError, OSError, ModuleNotFoundError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 2
    try:
        return options.run(options) or 0
    except BrokenPipeError:
        # The reader of our output went away, as `mss-lab methods | head -1` does. It is an OSError, so it comes first.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except EXPECTED as error:
        print(f"mss-lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mss-lab: stopped; nothing half-done was left behind", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mss-lab", description="Separate music, judge separations, open the workbook."
    )
    parser.add_argument("--version", action="version", version=f"mss-lab {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    separate = commands.add_parser("separate", help="separate a mixture into its sources")
    separate.add_argument("mixture", metavar="MIX", help="audio file: WAV, FLAC, OGG or MP3")
    separate.add_argument(
        "--score", metavar="NOTES", help="the recording's notes: .mid, .musicxml, .mxl, or .csv with onsets in seconds"
    )
    separate.add_argument("--method", default="score-masks", help="see `mss-lab methods` (default: %(default)s)")
    separate.add_argument(
        "--align",
        default="none",
        choices=("auto", "none"),
        help="auto moves the notes to where they sound; none takes the score's times as the recording's (default)",
    )
    separate.add_argument("--out", metavar="DIR", required=True, help="folder for one file per source")
    separate.add_argument(
        "--format", default="wav", choices=[e.lstrip(".") for e in audio.SUBTYPES], help="of the files"
    )
    separate.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="an option of the method, as often as needed"
    )
    separate.add_argument("--force", action="store_true", help="replace the folder if it exists")
    separate.set_defaults(run=_separate)

    methods = commands.add_parser("methods", help="list the separation methods and their options")
    methods.set_defaults(run=_methods)

    evaluate = commands.add_parser("evaluate", help="compare a folder of estimates with a folder of true sources")
    evaluate.add_argument("estimates", metavar="ESTIMATES", help="folder with one audio file per source")
    evaluate.add_argument("sources", metavar="SOURCES", help="folder with the true sources, files named alike")
    evaluate.add_argument("--bss-eval", action="store_true", help="also SIR, SAR and ISR (BSS Eval v4); slower")
    evaluate.add_argument("--csv", metavar="FILE", help="write the table here as well")
    evaluate.set_defaults(run=_evaluate)

    datasets = commands.add_parser("datasets", help="list the published data sets that can be read, and where they are")
    datasets.set_defaults(run=_datasets)

    grade = commands.add_parser("grade", help="run students' notebooks and report on every exercise")
    from .lessons import grade as grading

    grading.add_arguments(grade)
    grade.set_defaults(run=grading.run)

    lab = commands.add_parser("lab", help="open JupyterLab at the first lesson")
    launch.add_arguments(lab)
    lab.set_defaults(run=launch.run)

    verify = commands.add_parser("verify", help="check that the lessons' audio and tables are as they were shipped")
    verify.set_defaults(run=_verify)

    health = commands.add_parser("doctor", help="what is installed, what is missing, and how to mend it")
    health.set_defaults(run=lambda options: doctor.run())
    return parser


def _separate(options: argparse.Namespace) -> int:
    from .score import notes

    bound = dict(_option(text) for text in options.set)
    separator = catalogue.separator(options.method, **bound)
    needs = catalogue.get(options.method).needs
    if "score" in needs and not options.score:
        raise ValueError(
            f"method {options.method} needs a score, got none; add --score NOTES (.mid, .musicxml or .csv)"
        )
    if options.align != "none" and not options.score:
        raise ValueError(f"--align {options.align} needs a score to align, got none; add --score NOTES")
    out, ending = Path(options.out), f".{options.format}"
    # The folder is asked for before the work, so that a name that is taken costs no waiting.
    with files.whole_folder(out, force=options.force) as folder, _steps("reading", "separating", "writing") as step:
        mixture, rate = audio.read_audio(options.mixture)
        score = notes.read_score(options.score) if options.score else None
        if score is not None and options.align == "auto":
            score = _aligned(mixture, rate, score)
        step()
        with _warnings_in_one_line():
            estimates = separator(mixture, rate, score)
        estimates = _within_full_scale(estimates, ending)
        estimates = {audio.as_file_name(name): waveform for name, waveform in estimates.items()}
        step()
        audio.write_stems(folder, estimates, rate, ending=ending)
        step()
    for name, waveform in estimates.items():
        level_db = units.power_to_db(np.mean(np.square(waveform, dtype=np.float64)), -200)
        print(f"{out / (name + ending)}  {waveform.shape[1] / rate:.1f} s  {level_db:.1f} dB")
    return 0


def _aligned(mixture: np.ndarray, rate: int, score: "Score") -> "Score":
    """The score with the times of the recording, which may hold the whole of it or a part; says how it went."""
    from .score import align
    from .score.agreement import words_of_doubt

    aligned, found = align.align_score(mixture, rate, score)
    if found.is_doubtful:
        # A recording of a part looks like a wrong score as long as the whole is expected of it.
        with contextlib.suppress(ValueError):
            part = align.align_score(mixture, rate, score, extent="part")
            if part[1].mean_confidence > found.mean_confidence:
                aligned, found = part
    first_s, last_s = found.recording_times_s[0], found.recording_times_s[-1]
    print(
        f"aligned: {found.score_times_s[0]:.2f} to {found.score_times_s[-1]:.2f} s of the score at {first_s:.2f} to "
        f"{last_s:.2f} s of the recording, confidence {found.mean_confidence:.2f}, A4 = {found.tuning_hz:.1f} Hz"
    )
    if found.is_doubtful:
        words = words_of_doubt(found.mean_confidence, align.LEAST_CONFIDENCE, "is it of this piece? Give another")
        print(f"mss-lab: {words}", file=sys.stderr)
    return aligned


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """What the package warns of, said as the commands say everything; others' warnings stay as they are."""
    from .score.agreement import ScoreWarning
    from .spatial.panning import PanWarning

    with warnings.catch_warnings(record=True) as caught:
        for kind in (ScoreWarning, PanWarning):
            warnings.simplefilter("always", kind)
        yield
    for warning in caught:
        if issubclass(warning.category, ScoreWarning | PanWarning):
            print(f"mss-lab: {warning.message}", file=sys.stderr)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


@contextlib.contextmanager
def _steps(*names: str) -> Iterator[Callable[[], None]]:
    """A progress bar over named steps, shown once they have taken two seconds; yields what ends a step."""
    from tqdm import tqdm

    with tqdm(total=len(names), desc=names[0], delay=2, leave=False) as bar:

        def step() -> None:
            # Set without drawing: drawing at once would show the bar before its delay is over.
            bar.set_description(names[min(bar.n + 1, len(names) - 1)], refresh=False)
            bar.update()

        yield step


def _within_full_scale(estimates: dict[str, np.ndarray], ending: str) -> dict[str, np.ndarray]:
    """All estimates turned down by one gain where the format would clip; .wav keeps floats and is left alone."""
    peak = max(float(np.abs(waveform).max()) for waveform in estimates.values())
    if audio.SUBTYPES[ending] == "FLOAT" or peak <= 1:
        return estimates
    print(f"mss-lab: estimates peak at {peak:.2f} and {ending} clips above 1; all were divided by it", file=sys.stderr)
    return {name: waveform / np.float32(peak * 1.0001) for name, waveform in estimates.items()}


def _option(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"--set must be NAME=VALUE, got {text!r}; for example --set tolerance_s=0.05")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, {"true": True, "false": False}.get(value.lower(), value)


def _methods(options: argparse.Namespace) -> int:
    for method in catalogue.METHODS:
        needs = f" (needs {', '.join(sorted(method.needs))})" if method.needs else ""
        print(f"{method.name}{needs}\n  {method.title}.\n  Gives {method.gives}.")
        listed = ", ".join(f"{name}={value}" for name, value in method.options().items())
        lesson = method.lesson if (launch.ROOT / method.lesson).is_file() else f"{method.lesson} (not written yet)"
        print(f"  Options: {listed or 'none'}\n  Lesson: {lesson}\n  Source: {method.source}")
    return 0


def _datasets(options: argparse.Namespace) -> int:
    from .datasets import readers
    from .datasets.readers import shared

    for name in readers.names():
        reader = readers.get(name)
        about = reader.ABOUT
        folder = shared.find(about)
        if folder is None:
            state = f"not found: unpack it as {about.folders[0]} in the folder that {shared.VARIABLE} names"
        else:
            try:
                state = f"found in {folder}: {len(reader.tracks(folder))} of {about.count} pieces"
            except EXPECTED as error:
                state = f"found in {folder}, but {error}"
        print(f"{name}: {about.title}\n  {about.holds}\n  From {about.where}")
        print(f"  Licence: {about.licence}\n  Size: {about.size}\n  {state[0].upper()}{state[1:]}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from . import shipped
    from .datasets import pieces
    from .nmf import instruments

    names = pieces.names()
    for name in names:
        pieces.verify(name)
    print(f"The lessons' audio is whole: {', '.join(names)}")
    shipped.read_record(shipped.data_folder(instruments.FOLDER) / instruments.FOLDER / instruments.RECORD)
    print("The table of instruments is whole")
    networks = shipped.check_weights(shipped.data_folder("models/networks") / "models/networks")
    print(f"The networks are whole: {', '.join(networks)}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from . import compare
    from .datasets.track import read_track

    estimates = read_track(options.estimates, notes_file=None)
    truth = read_track(options.sources, notes_file=None)
    if set(estimates.sources) != set(truth.sources):
        raise ValueError(
            f"the folders must hold files of the same names, got {', '.join(estimates.sources)} in {options.estimates} "
            f"and {', '.join(truth.sources)} in {options.sources}; rename or move away what has no partner"
        )
    if estimates.sample_rate_hz != truth.sample_rate_hz:
        raise ValueError(
            f"the folders must have one sample rate, got {estimates.sample_rate_hz} and {truth.sample_rate_hz} Hz; "
            "resample one of them"
        )
    rows = compare.measure("estimate", truth, estimates.sources, 0.0)
    table: dict[str, dict[str, float]] = {row.source: {} for row in rows}
    for row in rows:
        table[row.source] = {"SDR": row.sdr, "SI-SDR": row.si_sdr, "SI-SDRi": row.si_sdr_improvement}
    if options.bss_eval:
        from .metrics.bss_eval import bss_eval

        scores = bss_eval(truth.sources, estimates.sources, truth.sample_rate_hz, window_s=None).median()
        for name, ratios in scores.items():
            table[name] |= {metric.upper(): ratios[metric] for metric in ("sir", "sar", "isr")}
    print(compare.as_text(compare.with_mean(table), decimals=2))
    if options.csv:
        compare.write_table(options.csv, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
