"""Train a refiner: `python -m mss_lab.neural.train_refiner --data FOLDER --out FOLDER`.

FOLDER has in `train`, and in `valid`, stores of cues as `python -m mss_lab.neural.make_cues` makes them, one for each
number of players. The run can be stopped at any time and goes on when the same command is given again. Nothing is
needed but numpy, torch, lightning and safetensors.

Contents: train, judge, main. Lesson: notebooks/18_with_a_score_from_a_score.ipynb
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..datasets.store import MANIFEST, Store, open_store
from ..refusals import RefusedValue
from . import command, cues, fit, models, weights

NAME = "refiner"
# What a student may take: two cores, 90 minutes at most.
STEPS = 7000
# Six seconds.
LENGTH_FRAMES = 94
VALIDATION_SEED, VALIDATION_BATCHES = 1_000_003, 32
FIT: dict[str, Any] = {
    "optimizer": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 1e-2,
    "schedule": "cosine",
    "warmup_steps": 50,
    "clip_norm": 1.0,
    "validate_every": 400,
    # Validation is too short to tell the last few apart, and the learning rate has gone down to 0.
    "keep": "last",
}


def train(
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    steps: int | None = None,
    batch: int = 1,
    minutes: float | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> fit.FitResult:
    """Train, or go on with it; write the weights and their card.

    Parameters
    ----------
    data, out : path
    steps : int, optional
        7000 without it: two cores, 90 minutes at most.
    batch : int >= 1
    minutes : float, optional
        Stop after these; what is written then is what there is by then.
    seed : int
    changes : mapping, optional
        Settings of the network other than its defaults.
    **options
        Further options of `mss_lab.neural.fit.fit`.

    Raises
    ------
    ValueError
        If there are no stores of cues, or as `fit`.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    steps = steps or STEPS
    stores = stores_in(Path(data) / "train")
    batches = cues.batches(stores, length_frames=LENGTH_FRAMES, batch=batch, seed=seed)
    judged = cues.batches(stores_in(Path(data) / "valid"), length_frames=LENGTH_FRAMES, batch=1, seed=VALIDATION_SEED)
    validate = [judged(step) for step in range(VALIDATION_BATCHES)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = models.build(NAME, {**batches.grid, "bins": stores[0].facts["bins"], **(changes or {})})
    result = fit.fit(
        model,
        batches,
        folder=Path(out) / "run",
        steps=steps,
        validate=validate,
        minutes=minutes,
        seed=seed,
        **{**FIT, **options},
    )
    if fit.process_rank() == 0:
        card = {
            "name": NAME,
            "made_by": f"python -m mss_lab.neural.train_refiner --seed {seed} --steps {steps} --batch {batch}",
            "data": batches.facts,
            "steps": result.steps,
            "best_step": result.best_step,
            "seconds": round(result.seconds, 1),
            "device": result.device,
            "precision": result.precision,
            "figures": {"judged on": "valid, SDR in dB", **judge(model, validate)},
        }
        weights.save(model, Path(out) / f"{NAME}.safetensors", card, dtype="float16")
    return result


def judge(model: Any, batches: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, float]:
    """Mean SDR in dB of NMF alone and of NMF refined, over players that sound and batches.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    found: dict[str, list[float]] = {"nmf": [], "refined": []}
    for batch in batches:
        mixture = batch["sources"].sum(dim=1)
        for name, strength in (("nmf", 0.0), ("refined", 1.0)):
            with torch.inference_mode():
                estimates = torch.stack(
                    [
                        model.parted(one[None], {key: batch[key][i : i + 1] for key in batch}, strength=strength)[:, 0]
                        for i, one in enumerate(mixture)
                    ]
                )
            wanted, missed = (x.square().sum(-1) for x in (batch["sources"], batch["sources"] - estimates))
            sounds = wanted > 1e-4 * wanted.amax(dim=1, keepdim=True)
            found[name].append(float((10 * torch.log10(wanted / missed.clamp_min(1e-12)))[sounds].mean()))
    return {name: round(float(np.mean(values)), 2) for name, values in found.items()}


def stores_in(folder: Path) -> list[Store]:
    """All stores of a folder, in order of their names, or ValueError."""
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    if not found:
        raise RefusedValue(
            f"{folder} must hold stores of cues, got none; make them: python -m mss_lab.neural.make_cues"
        )
    return [open_store(path) for path in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m mss_lab.neural.train_refiner", description="Train a refiner.")
    parser.add_argument("--data", required=True, help="folder with stores of cues in train/ and valid/")
    parser.add_argument("--batch", type=int, default=1, help="segments a step (1)")
    command.add_options(parser)
    given = vars(parser.parse_args(arguments))
    data, out = given.pop("data"), given.pop("out")
    return command.obey("mss_lab.neural.train_refiner", lambda: train(data, out, **given), _summary)


def _summary(result: fit.FitResult) -> str:
    return f"{result.steps} steps in {result.seconds:.0f} s on {result.device}, weights of step {result.best_step}"


if __name__ == "__main__":
    sys.exit(main())
