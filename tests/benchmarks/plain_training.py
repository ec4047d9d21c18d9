"""What the experiments on small networks share: options, a training loop, and how estimates are measured.

The loop keeps no checkpoints. An experiment that was interrupted repeats the network that it was training.

Contents: add_arguments, out_path; train, separated, mean_over_sources.
"""

import argparse
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from mss_lab.neural.contracts import BatchSource
from tests.paths import ROOT


def add_arguments(parser: argparse.ArgumentParser, *, seeds: int, steps: int) -> None:
    """Add the options that all of these experiments have."""
    parser.add_argument("--seeds", type=int, default=seeds, metavar="N", help="seeds 0 to N - 1 (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=steps, help="of every training (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="file for the rows (default: the one that the lesson shows)")
    parser.add_argument("--small", action="store_true", help="seconds instead of an hour, to see that it works")


def out_path(options: argparse.Namespace, name: str) -> Path:
    """The file of an experiment; that of a small run is a new one, which is left in the folder for temporary files."""
    if options.small and options.out is None:
        return Path(tempfile.mkdtemp()) / f"{name}.json"
    return options.out or ROOT / "data" / "experiments" / f"{name}.json"


def train(
    network: torch.nn.Module,
    batches: BatchSource,
    steps: int,
    learning_rate: float,
    *,
    falling: bool = True,
    at_step: Callable[[int, float], None] | None = None,
    every: int = 50,
) -> torch.nn.Module:
    """Train with Adam, and return the network in evaluation mode with its last weights.

    The learning rate falls to 0 along half a cosine, or stays as it is. `at_step` is called before the first step, with
    0 and the loss of the first batch, and then after every `every` steps with their number and their mean loss; the
    network is in evaluation mode then.
    """
    optimizer = torch.optim.Adam(network.parameters(), learning_rate)
    losses: list[float] = []
    for step in range(steps):
        if falling:
            optimizer.param_groups[0]["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        network.train()
        loss = network.loss(batches(step))
        losses.append(loss.item())
        if at_step is not None and step == 0:
            network.eval()
            at_step(0, losses[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if at_step is not None and (step + 1) % every == 0:
            network.eval()
            at_step(step + 1, float(np.mean(losses)))
            losses = []
    return network.eval()


@torch.no_grad()
def separated(network: torch.nn.Module, sources: np.ndarray) -> np.ndarray:
    """Estimates (sources, samples) of a network for the sum of sources (sources, samples)."""
    mixture = torch.from_numpy(np.asarray(sources, np.float32).sum(axis=0, keepdims=True))
    return network.eval()(mixture)[0].numpy()


def mean_over_sources(measure: Callable[..., float], sources: np.ndarray, estimates: np.ndarray) -> float:
    """Mean of a metric over the sources that sound, each as (1, samples)."""
    pairs = zip(np.asarray(sources, np.float32), estimates, strict=True)
    return float(np.mean([measure(source[None], estimate[None]) for source, estimate in pairs if source.any()]))
