"""What the X-UMX students cost: size, and seconds of a training step on segments of noise.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.xumx_students [--steps 3] [--sizes hidden=128 layers=3 ...]

A step is the forward pass, both losses, their gradients, and Adam, with batch and length of the recipe. Seconds are
those of the processor, the least of the steps; one step goes before that is not counted. Size is what half precision
stores. `--sizes` changes settings of the recipe, for all students.
"""

import argparse
import ast
import sys
import time

import torch

from mss_lab.neural import models, recipes

SOURCES = ("violin", "clarinet", "tenor_sax", "bassoon")
STUDENTS = ("xumx", "xumx-informed", "xumx-score-only")


def seconds(model: torch.nn.Module, recipe: recipes.Recipe, steps: int) -> float:
    """Processor's seconds of the quickest step."""
    generator = torch.Generator().manual_seed(0)
    samples = round(recipe.data.segment_s * recipe.data.sample_rate_hz)
    frames = 1 + samples // model.hop_samples
    rolls = torch.rand(recipe.data.batch, len(SOURCES), frames, 128, generator=generator) < 0.02
    sources = 0.05 * torch.randn(recipe.data.batch, len(SOURCES), samples, generator=generator)
    batch = {"sources": sources, "rolls": rolls.float()}
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.fit.learning_rate)
    found = []
    for _ in range(steps + 1):
        before = time.process_time()
        optimizer.zero_grad()
        model.loss(batch).backward()
        optimizer.step()
        found.append(time.process_time() - before)
    return min(found[1:])


def main(given: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--sizes", nargs="*", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args(given)
    sizes = {name: ast.literal_eval(value) for name, value in (one.split("=") for one in arguments.sizes)}
    print(f"{torch.get_num_threads()} thread(s)\n{'student':18s}{'parameters':>12s}{'MB':>7s}{'s/step':>9s}")
    for name in STUDENTS:
        recipe = recipes.recipe(name)
        settings = {**recipe.settings, "sources": SOURCES, "sample_rate_hz": recipe.data.sample_rate_hz, **sizes}
        model = models.build(recipe.network, settings)
        count = sum(tensor.numel() for tensor in model.state_dict().values())
        print(f"{name:18s}{count:12d}{2 * count / 1e6:7.2f}{seconds(model, recipe, arguments.steps):9.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
