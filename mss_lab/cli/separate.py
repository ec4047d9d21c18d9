"""`mss-lab separate`: a mixture and its score become one audio file for each source."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import audio, catalogue, checks, files, memory, plugins, separating, stem_names, units
from ..refusals import RefusedValue
from .plain import one_line

if TYPE_CHECKING:
    from ..score.notes import Score


def add_arguments(separate: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab separate` to a parser."""
    separate.add_argument("mixture", metavar="MIX", help="audio file: WAV, FLAC, OGG or MP3")
    separate.add_argument(
        "--score", metavar="NOTES", help="the recording's notes: .mid, .musicxml, .mxl, or .csv with onsets in seconds"
    )
    add_reading_arguments(separate)
    separate.add_argument("--method", default="score-masks", help="see `mss-lab methods` (default: %(default)s)")
    plugins.add_argument(separate)
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
    separate.add_argument(
        "--memory",
        metavar="GB",
        type=float,
        default=memory.MOST_BYTES / 1e9,
        help="working memory that the method may use beside the recording and its estimates (default: %(default)g)",
    )
    separate.add_argument(
        "--force",
        action="store_true",
        help="replace the folder if it exists; other files than earlier results in it are kept, in DIR.old",
    )


def add_reading_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options that say how a score is read."""
    command.add_argument(
        "--players",
        metavar="NAME,NAME,...",
        type=lambda text: text.split(","),
        help="names for all parts of the score, in its order, where it has none of use",
    )
    command.add_argument("--pedal", action="store_true", help="let the sustain pedal of a MIDI file lengthen notes")


def run(options: argparse.Namespace) -> int:
    """Separate, write the stems, and print a line for each."""
    plugins.load_all(options.plugin)
    bound = dict(_option(text) for text in options.set)
    separator = catalogue.separator(options.method, **bound)
    needs = catalogue.get(options.method).needs
    if "score" in needs and not options.score:
        raise RefusedValue(
            f"method {options.method} needs a score, got none; add --score NOTES (.mid, .musicxml or .csv)"
        )
    if (options.players or options.pedal) and not options.score:
        raise RefusedValue("--players and --pedal say how a score is read, got no score; add --score NOTES")
    if options.align != "none" and not options.score:
        raise RefusedValue(f"--align {options.align} needs a score to align, got none; add --score NOTES")
    gigabytes = checks.check_number("--memory", options.memory, above=0, unit="gigabytes")
    out, ending = Path(options.out), f".{options.format}"
    inputs = [path for path in (options.mixture, options.score) if path]
    # The folder is asked for before the work, so that a name that is taken costs no waiting.
    files.check_new_folder(out, force=options.force, inputs=inputs)
    with _steps("reading", "separating", "writing") as step, memory.allowing(1e9 * gigabytes):
        mixture, rate = audio.read_audio(options.mixture)
        score = _read(options)
        memory.check_separator(separator, mixture, rate, score)
        if score is not None and options.align == "auto":
            score = _aligned(mixture, rate, score)
        step()
        estimates = _within_full_scale(separator(mixture, rate, score), ending)
        names = stem_names.file_names(estimates)
        step()
        stems = {names[source]: waveform for source, waveform in estimates.items()}
        audio.write_stems(out, stems, rate, ending=ending, force=options.force, inputs=inputs)
        step()
    for source, waveform in estimates.items():
        # Added up in double precision, without a copy of the recording in it.
        energy = np.einsum("cn,cn->", waveform, waveform, dtype=np.float64, casting="safe")
        level_db = units.power_to_db(energy / waveform.size, -200)
        renamed = "" if names[source] == source else f"  ({source!r})"
        path = one_line(str(out / (names[source] + ending)))
        print(f"{path}  {waveform.shape[1] / rate:.1f} s  {level_db:.1f} dB{renamed}")
    return 0


def _read(options: argparse.Namespace) -> "Score | None":
    from ..score.files import read_score

    if not options.score:
        return None
    return read_score(options.score, players=options.players, pedal=options.pedal)


def _aligned(mixture: np.ndarray, rate: int, score: "Score") -> "Score":
    """The score with the times of the recording; says how it was aligned."""
    aligned = separating.aligned_with(mixture, rate, score)
    for remark in aligned.remarks:
        print(f"aligned: {remark}")
    if aligned.doubt:
        print(f"mss-lab: {aligned.doubt}", file=sys.stderr)
    return aligned.score


@contextlib.contextmanager
def _steps(*names: str) -> Iterator[Callable[[], None]]:
    """A progress bar over named steps, shown once they have taken two seconds; yields what ends a step."""
    from tqdm import tqdm

    # Not where the output goes to a file; and past what makes other output visible, which would show how a bar moves.
    with tqdm(total=len(names), desc=names[0], delay=2, leave=False, disable=None, file=sys.__stderr__) as bar:

        def step() -> None:
            # Set without drawing: drawing at once would show the bar before its delay is over.
            bar.set_description(names[min(bar.n + 1, len(names) - 1)], refresh=False)
            bar.update()

        yield step


def _within_full_scale(estimates: dict[str, np.ndarray], ending: str) -> dict[str, np.ndarray]:
    """The estimates, turned down by one gain where the format would clip them, which is then said."""
    quieter, peak = separating.within_full_scale(estimates, ending)
    if peak > 1:
        print(
            f"mss-lab: estimates peak at {peak:.2f} and {ending} clips above 1; all were divided by it",
            file=sys.stderr,
        )
    return quieter


def _option(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise RefusedValue(f"--set must be NAME=VALUE, got {text!r}; for example --set tolerance_s=0.05")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, {"true": True, "false": False}.get(value.lower(), value)
