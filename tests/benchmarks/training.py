"""What the bench costs beside a bare loop: `python -m tests.benchmarks.training [--steps N]`.

The same small network takes the same steps in a bare loop (batch, loss, gradient, clipping, optimiser) and in `fit`,
turn about; the ratio of process times is printed for two sizes, and the time of a checkpoint. Process time, so that
others on the machine do not count.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch

from mss_lab.neural import fit, models

SOURCES = ("violin", "clarinet", "tenor_sax", "bassoon")


def batches_of(samples):
    """Noise, made once: what a batch costs is another question."""
    generator = torch.Generator().manual_seed(0)
    kept = [{"sources": 0.1 * torch.randn(8, 4, samples, generator=generator)} for _ in range(4)]
    return lambda step: kept[step % 4]


def built(hidden):
    torch.manual_seed(0)
    return models.build("mask-inference", {"hidden": hidden, "layers": 2})


def bare_s(model, batches, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    began_s = time.process_time()
    for step in range(steps):
        loss = model.loss(batches(step))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    return time.process_time() - began_s


def fit_s(model, batches, steps, folder):
    """Time per step without what a run costs once: a run of more steps less one of few."""
    times = []
    for count in (1, steps + 1):
        began_s = time.process_time()
        fit.fit(model, batches, folder=folder / str(count), steps=count, accelerator="cpu", progress=False)
        times.append(time.process_time() - began_s)
    return times[1] - times[0], times[0]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30)
    steps = parser.parse_args(arguments).steps
    print(f"{'network':<34}{'bare ms':>9}{'fit ms':>9}{'ratio':>7}{'once s':>8}")
    for words, hidden, samples in (("tiny: hidden 8, 0.1 s", 8, 1600), ("student: hidden 128, 4 s", 128, 64_000)):
        batches = batches_of(samples)
        bare_s(built(hidden), batches, 2)
        with tempfile.TemporaryDirectory() as folder:
            bare = bare_s(built(hidden), batches, steps)
            fitted, once = fit_s(built(hidden), batches, steps, Path(folder))
        print(f"{words:<34}{1e3 * bare / steps:9.1f}{1e3 * fitted / steps:9.1f}{fitted / bare:7.2f}{once:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
