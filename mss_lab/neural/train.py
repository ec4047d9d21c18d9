"""Train a network by its recipe: `python -m mss_lab.neural.train NAME --data FOLDER --out FOLDER`.

The data is a store of songs, or a folder with two, `train` and `valid`, as `python -m mss_lab.datasets.make_training`
makes them. The folder that comes out holds the run, which can be stopped at any time and goes on when the same command
is given again; and when it has ended, `NAME.safetensors` with its card, and `NAME.csv`, how well it parts the
validation's segments. Nothing is needed but numpy, torch, lightning and safetensors.

Contents: train, judge, main. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import argparse
import csv
import dataclasses
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import nn

from .. import files
from ..datasets.store import Store, open_store
from ..metrics import energy
from ..refusals import RefusedValue
from . import command, fit, models, recipes, segments, weights

# Validation's segments are the same in every run of a recipe.
VALIDATION_SEED = 1_000_003

FIT_OPTIONS = (
    "optimizer",
    "learning_rate",
    "weight_decay",
    "schedule",
    "warmup_steps",
    "plateau",
    "clip_norm",
    "validate_every",
    "patience",
)


def train(
    name: str,
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    preset: str = "student",
    valid: str | os.PathLike | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> fit.FitResult:
    """Train by a recipe, or go on with it; write weights, card and table when it has ended.

    Parameters
    ----------
    name, preset : str
        As in `mss_lab.neural.recipes`.
    data, valid : path
        Stores of songs. Left out, `valid` is the folder of that name in `data`, if there is one.
    out : path
        The run is in its folder `run`.
    steps : int, optional
        Other than the recipe's.
    minutes : float, optional
        Stop after these; what is written then is what there is by then.
    seed : int
    changes : mapping, optional
        Settings of the network other than the recipe's.
    **options
        Further options of `mss_lab.neural.fit.fit`: accelerator, devices, on_progress and the like.

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError
        If the data are none for this recipe, or as `fit`.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    recipe = recipes.recipe(name, preset)
    store, valid_store = _stores(Path(data), valid)
    for one in filter(None, (store, valid_store)):
        _check_data(one, store, recipe)
    out = Path(out)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        own = {"sources": store.facts["sources"], "sample_rate_hz": recipe.sample_rate_hz}
        model: Any = models.build(recipe.network, {**own, **recipe.settings, **(changes or {})})
    cut: dict[str, Any] = {
        "length_samples": round(recipe.segment_s * recipe.sample_rate_hz),
        "batch": recipe.batch,
        "gains": recipe.gains,
        "roll_hop_samples": model.hop_samples if model.needs_score else None,
    }
    batches = segments.batches(store, seed=seed, incoherent=recipe.incoherent, **cut)
    judged = segments.batches(valid_store or store, seed=VALIDATION_SEED, **cut)
    validate = [judged(step) for step in range(recipe.validate_batches)]
    result = fit.fit(
        model,
        batches,
        folder=out / "run",
        steps=steps or recipe.steps,
        seed=seed,
        minutes=minutes,
        validate=validate if valid_store else None,
        **{option: getattr(recipe, option) for option in FIT_OPTIONS if valid_store or option != "patience"},
        **options,
    )
    if fit.process_rank() == 0:
        path = out / f"{name}.safetensors"
        weights.save(model, path, _card(name, preset, seed, store, result, {}), dtype="float16")
        # What is judged is what was written, half precision and all.
        table = judge(weights.load(path), validate)
        figures = {"judged on": "valid" if valid_store else "train", "table": table}
        weights.save(model, path, _card(name, preset, seed, store, result, figures), dtype="float16")
        _write_table(out / f"{name}.csv", table)
    return result


def judge(model: nn.Module, batches: Iterable[Mapping[str, torch.Tensor]]) -> list[dict[str, Any]]:
    """How well a network parts batches: a row for each source, and one for their mean.

    Returns
    -------
    list of dict
        `source`; `si_sdr`, dB; `improvement` over the mixture, dB; `segments`, those in which the source sounds. Means
        over segments.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    network: Any = model
    found: dict[str, list[tuple[float, float]]] = {source: [] for source in network.sources}
    for batch in batches:
        sources = batch["sources"]
        with torch.inference_mode():
            estimates = network(sources.sum(dim=1), batch.get("rolls"))
        for example, parted in zip(sources.numpy(), estimates.float().numpy(), strict=True):
            mixture = example.sum(axis=0, keepdims=True)
            for index, source in enumerate(network.sources):
                true = example[index : index + 1]
                if true.any():
                    before = energy.si_sdr(true, mixture)
                    found[source].append((energy.si_sdr(true, parted[index : index + 1]), before))
    rows: list[dict[str, Any]] = []
    for source, pairs in found.items():
        # A source that plays alone is the mixture, and leaves nothing to improve.
        numbers = np.array([pair for pair in pairs if np.isfinite(pair).all()]).reshape(-1, 2)
        if len(numbers):
            after, before = numbers.mean(axis=0)
            rows.append(_table_row(source, after, after - before, len(numbers)))
    if rows:
        after, better = (float(np.mean([row[column] for row in rows])) for column in ("si_sdr", "improvement"))
        rows.append(_table_row("mean", after, better, sum(row["segments"] for row in rows)))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mss_lab.neural.train", description="Train a network by its recipe."
    )
    parser.add_argument("name", metavar="NAME", choices=recipes.names(), help=", ".join(recipes.names()))
    parser.add_argument("--data", required=True, help="a store of songs, or a folder with stores train and valid")
    parser.add_argument("--valid", help="a store to validate with (default: valid in --data)")
    parser.add_argument("--preset", default="student", choices=recipes.PRESETS)
    command.add_options(parser)
    given = vars(parser.parse_args(arguments))
    name, data, out = (given.pop(word) for word in ("name", "data", "out"))
    return command.obey(
        "mss_lab.neural.train",
        lambda: train(name, data, out, **given),
        lambda result: _summary(name, Path(out), result),
    )


def _summary(name: str, out: Path, result: fit.FitResult) -> str:
    why = {"done": "all steps taken", "early": "no more improvement", "time": "time is up; the same command goes on"}
    best = "" if result.best_validation is None else f", best {result.best_validation:.4g} at step {result.best_step}"
    lines = [
        f"{name}: {result.steps} steps in {result.seconds / 60:.1f} min on {result.device} ({result.precision}), "
        f"{why[result.stopped]}{best}",
        (out / f"{name}.csv").read_text(encoding="utf-8").rstrip(),
        str(out / f"{name}.safetensors"),
    ]
    return "\n".join(lines)


def _stores(data: Path, valid: str | os.PathLike | None) -> tuple[Store, Store | None]:
    nested = (data / "train").is_dir()
    if valid is None and nested and (data / "valid").is_dir():
        valid = data / "valid"
    return open_store(data / "train" if nested else data), None if valid is None else open_store(valid)


def _check_data(store: Store, other: Store, recipe: recipes.Recipe) -> None:
    missing = [fact for fact in ("sources", "sample_rate_hz") if fact not in store.facts]
    if missing:
        raise RefusedValue(
            f"{store.folder} must be a store of songs, got one without {' and '.join(missing)} in its facts"
        )
    if store.facts["sample_rate_hz"] != recipe.sample_rate_hz:
        raise RefusedValue(
            f"{store.folder} must be at {recipe.sample_rate_hz} Hz for this recipe, got "
            f"{store.facts['sample_rate_hz']} Hz; make the data at that rate, or choose another preset"
        )
    if store.facts["sources"] != other.facts["sources"]:
        raise RefusedValue(
            f"{store.folder} must have the sources {', '.join(other.facts['sources'])}, as {other.folder} has, got "
            f"{', '.join(store.facts['sources'])}"
        )


def _card(
    name: str, preset: str, seed: int, store: Store, result: fit.FitResult, figures: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "preset": preset,
        "made_by": f"python -m mss_lab.neural.train {name} --preset {preset} --seed {seed} --steps {result.steps}",
        "data": {"items": len(store), **store.facts},
        "seed": seed,
        "recipe": dataclasses.asdict(recipes.recipe(name, preset)),
        "steps": result.steps,
        "best_step": result.best_step,
        "best_validation": result.best_validation,
        "stopped": result.stopped,
        "seconds": round(result.seconds, 1),
        "device": result.device,
        "precision": result.precision,
        "versions": {"torch": torch.__version__, "lightning": lightning.__version__, "numpy": np.__version__},
        "figures": dict(figures),
    }


def _table_row(source: str, si_sdr: float, improvement: float, count: int) -> dict[str, Any]:
    return {"source": source, "si_sdr": round(si_sdr, 2), "improvement": round(improvement, 2), "segments": count}


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with files.whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ("source", "si_sdr", "improvement", "segments"))
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
