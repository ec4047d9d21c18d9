"""`mss-lab train`: train a network by its recipe, or continue a run that was stopped.

Every option of a run has three spellings: here as `--learning-rate 1e-4`, in a TOML file as `learning_rate = 1e-4`
under `[fit]`, and in Python as an argument of `mss_lab.neural.train.train`. Settings of the network and of its data
are given as `--set settings.hidden=64` and `--set data.batch=4`, or in the file under `[settings]` and `[data]`.
"""

import argparse
import dataclasses
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import plugins
from ..neural.fit_options import FitOptions
from ..refusals import RefusedValue, missing_extra
from .plain import one_line

if TYPE_CHECKING:
    from ..neural.fit import FitResult

WHY_STOPPED = {
    "done": "all steps taken",
    "early": "no more improvement",
    "time": "time is up; the same command continues",
    "asked": "stopped as asked; the same command continues",
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `mss-lab train`."""
    command.add_argument("name", metavar="NAME", help="the recipe; a name that does not exist lists all of them")
    command.add_argument("--data", required=True, help="folder of examples, such as `mss-lab data` makes")
    command.add_argument("--out", required=True, help="folder for the run, the weights, their card and their table")
    command.add_argument("--valid", help="folder of examples to validate with (default: valid in --data)")
    command.add_argument(
        "--preset", default="student", help="student, paper, or another of the recipe (default: %(default)s)"
    )
    command.add_argument("--config", metavar="FILE", help="changes to the recipe: a .toml file, or the card of weights")
    command.add_argument(
        "--set",
        metavar="SECTION.NAME=VALUE",
        action="append",
        default=[],
        help="one change to the recipe, such as data.batch=4 or settings.hidden=64, as often as needed",
    )
    plugins.add_argument(command)
    command.add_argument("--quiet", action="store_true", help="no line of progress")
    run_options = command.add_argument_group("options of the run (default: the recipe's)")
    for field in dataclasses.fields(FitOptions):
        flag = "--" + field.name.replace("_", "-")
        run_options.add_argument(flag, metavar="VALUE", default=argparse.SUPPRESS, help=field.metadata["about"])


def run(options: argparse.Namespace) -> int:
    """Train, and print how it went; one process of several prints."""
    plugins.load_all(options.plugin)
    try:
        from ..neural import fit, recipes, train
    except ModuleNotFoundError as error:
        raise missing_extra(error, "training") from error
    changes = recipes.read_changes(options.config) if options.config else {}
    changes = merged(changes, read_settings(options.set))
    given = {name: value for name, value in vars(options).items() if name in FitOptions.__dataclass_fields__}
    fit_options = {name: read_value(text) for name, text in given.items()}
    if options.quiet:
        fit_options["progress"] = False
    try:
        result = train.train(
            options.name,
            options.data,
            options.out,
            preset=options.preset,
            valid=options.valid,
            changes=changes,
            **fit_options,
        )
    except ArithmeticError as error:
        print(f"mss-lab: {one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mss-lab: stopped; the same command continues from the last checkpoint", file=sys.stderr)
        raise
    if fit.process_rank() == 0:
        print(_summary(options.name, Path(options.out), result))
    return 0


def read_value(text: str) -> Any:
    """A value as TOML writes it, `none`, or the text itself."""
    if text == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def read_settings(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """From texts such as "data.batch=4" to changes by section; RefusedValue for one of another form."""
    changes: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        section, dot, option = name.partition(".")
        if not (equals and dot and section and option):
            raise RefusedValue(f"--set must be SECTION.NAME=VALUE, got {text!r}; for example --set data.batch=4")
        changes.setdefault(section, {})[option] = read_value(value)
    return changes


def merged(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Changes of two places; where both name an option, the second counts."""
    sections = dict.fromkeys((*first, *second))
    return {section: {**first.get(section, {}), **second.get(section, {})} for section in sections}


def _summary(name: str, out: Path, result: "FitResult") -> str:
    best = "" if result.best_validation is None else f", best {result.best_validation:.4g} at step {result.best_step}"
    lines = [
        f"{name}: {result.steps} steps in {result.seconds / 60:.1f} min on {result.device} ({result.precision}), "
        f"{WHY_STOPPED[result.stopped]}{best}",
        (out / f"{name}.csv").read_text(encoding="utf-8").rstrip(),
        str(out / f"{name}.safetensors"),
    ]
    return "\n".join(lines)
