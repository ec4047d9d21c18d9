"""Train a network by its recipe: from a folder of examples to weights, their card and a table of metrics.

`mss-lab train NAME --data FOLDER --out FOLDER` is the same from the command line. The output folder holds the run,
which can be stopped at any time and is continued by the same call. When it has ended, the folder also holds
`NAME.safetensors` with its card `NAME.json`, and `NAME.csv`, the metrics of the validation segments. Only numpy, torch,
lightning and safetensors are needed.

Contents: train, judge. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import csv
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch

from .. import files
from ..metrics import energy
from . import fit, models, recipes, weights
from .contracts import Batch, Network
from .recipes import Recipe
from .run_folder import Row
from .training_data import TrainingData

COLUMNS = ("source", "si_sdr", "improvement", "segments")
# Name of the row of a network that takes the players of any score.
ANY_PLAYER = "players"


def train(
    name: str,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    preset: str = "student",
    valid: str | os.PathLike[str] | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    on_progress: Callable[[Row], bool | None] | None = None,
    **options: Any,
) -> fit.FitResult:
    """Train by a recipe, or continue; write weights, card and table when the run has ended.

    Parameters
    ----------
    name, preset : str
        As in `mss_lab.neural.recipes`.
    data, valid : path
        Folders of examples, as the recipe's data require: a store of songs, or a folder with two, `train` and `valid`.
        If it is left out, `valid` is the folder of that name in `data`, if there is one.
    out : path
        Folder for the results; the run is in its folder `run`.
    changes : mapping, optional
        Changes to the recipe by section: `settings` of the network, `data` and `fit`; see `recipes.Recipe.changed`
        and `recipes.read_changes`.
    on_progress : callable, optional
        As for `mss_lab.neural.fit.fit`.
    **options
        Options of `mss_lab.neural.fit.FitOptions`, such as `steps=500` or `minutes=10`; they replace all others.

    Returns
    -------
    FitResult
        Weights, card and table are also written if the minutes were over before the last step.

    Raises
    ------
    ValueError
        If the data do not suit this recipe, or in the cases of `fit`.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    recipe = recipes.recipe(name, preset).changed(changes or {}).changed({"fit": options})
    opened = recipe.data.open(data, valid, recipe.fit.seed)
    if opened.validated_on == "train":
        # Patience needs validation data that are not trained on.
        recipe = recipe.changed({"fit": {"patience": None}})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.fit.seed)
        model: Any = models.build(recipe.network, {**opened.network_settings, **recipe.settings})
    validation = opened.validation(model)
    result = fit.fit(
        model,
        opened.batches(model),
        folder=Path(out) / "run",
        validate=validation if opened.validated_on == "valid" else None,
        song_sdr_db=opened.song_sdr_db if recipe.fit.songs_every else None,
        on_progress=on_progress,
        options=recipe.fit,
    )
    if fit.process_rank() == 0:
        _write(model, Path(out), name, preset, recipe, opened, validation, result)
    return result


def judge(model: Network, batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """Measure how well a network separates batches: a row for each source, and one for their mean.

    Returns
    -------
    list of dict
        `source`; `si_sdr`, dB; `improvement`, dB over the mixture, or over the network's own baseline if it has one;
        `segments`, the number of segments in which the source sounds. All values are means over segments. A network
        that takes the players of any score has one row for all of them.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    values: dict[str, list[tuple[float, float]]] = {source: [] for source in model.sources or (ANY_PLAYER,)}
    for batch in batches:
        mixture = batch["sources"].sum(dim=1)
        own_references: Any = getattr(model, "references", None)
        references = batch["sources"] if own_references is None else own_references(batch)
        with torch.inference_mode():
            estimates = model(mixture, batch).float().numpy()
            baselines = _baseline(model, mixture, batch, references).float().numpy()
        for example, estimate, baseline_estimate in zip(references.numpy(), estimates, baselines, strict=True):
            for index, stem in enumerate(example):
                if stem.any():
                    source = model.sources[index] if model.sources else ANY_PLAYER
                    pair = (
                        energy.si_sdr(stem[None], waveforms[index][None]) for waveforms in (estimate, baseline_estimate)
                    )
                    values[source].append((next(pair), next(pair)))
    return _table(values)


def _baseline(model: Any, mixture: torch.Tensor, batch: Batch, references: torch.Tensor) -> torch.Tensor:
    own = getattr(model, "baseline", None)
    return mixture[:, None].expand_as(references) if own is None else own(mixture, batch)


def _table(values: Mapping[str, list[tuple[float, float]]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for source, pairs in values.items():
        # A source that plays alone is equal to the mixture, and its values are not finite.
        finite_pairs = np.array([pair for pair in pairs if np.isfinite(pair).all()]).reshape(-1, 2)
        if len(finite_pairs):
            after, before = finite_pairs.mean(axis=0)
            rows.append(_table_row(source, after, after - before, len(finite_pairs)))
    if rows:
        after, improvement = (float(np.mean([row[column] for row in rows])) for column in ("si_sdr", "improvement"))
        rows.append(_table_row("mean", after, improvement, sum(row["segments"] for row in rows)))
    return rows


def _table_row(source: str, si_sdr: float, improvement: float, count: int) -> dict[str, Any]:
    return {"source": source, "si_sdr": round(si_sdr, 2), "improvement": round(improvement, 2), "segments": count}


def _write(
    model: Network,
    out: Path,
    name: str,
    preset: str,
    recipe: Recipe,
    opened: TrainingData,
    validation: Sequence[Batch],
    result: fit.FitResult,
) -> None:
    path, card = out / f"{name}.safetensors", _card(name, preset, recipe, opened, result)
    weights.save(model, path, {**card, "figures": {}}, dtype="float16")
    # The stored weights are measured, which includes the effect of half precision.
    stored = weights.load(path)
    own_judge: Any = getattr(stored, "judge", None)
    table = judge(stored, validation) if own_judge is None else own_judge(validation)
    metrics: dict[str, Any] = {"judged on": opened.validated_on, "table": table}
    if recipe.fit.songs_every:
        metrics["whole songs, SDR in dB"] = round(opened.song_sdr_db(stored), 2)
    weights.save(model, path, {**card, "figures": metrics}, dtype="float16")
    _write_table(out / f"{name}.csv", metrics["table"])


def _card(name: str, preset: str, recipe: Recipe, opened: TrainingData, result: fit.FitResult) -> dict[str, Any]:
    return {
        "name": name,
        "preset": preset,
        "made_by": f"mss-lab train {name} --data DATA --out OUT --config {name}.json",
        # Time limits belong to one call, not to the run.
        "training": recipe.changed({"fit": {"minutes": None}}).as_dict(),
        "data": dict(opened.facts),
        "seed": recipe.fit.seed,
        "steps": result.steps,
        "best_step": result.best_step,
        "best_validation": result.best_validation,
        "stopped": result.stopped,
        "seconds": round(result.seconds, 1),
        "device": result.device,
        "precision": result.precision,
        "versions": {"torch": torch.__version__, "lightning": lightning.__version__, "numpy": np.__version__},
    }


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with files.whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0] if rows else COLUMNS)
        table.writeheader()
        table.writerows(rows)
