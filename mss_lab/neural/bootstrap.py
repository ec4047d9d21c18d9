"""Bootstrapping: training in stages, each on a few renditions that are drawn anew, with replacement.

Four players with 27 renditions each can be combined in half a million ways for one piece. Instead of a fixed choice,
a few combinations are drawn before every stage; the network trains on these until the next stage draws others.

Contents: stages, Stages. Lesson: notebooks/19_score_filtered_cnn.ipynb
"""

import dataclasses
from typing import Any

import numpy as np
import torch

from .. import checks
from .segments import Batches

# Keeps these draws independent of other draws from the same seed.
STREAM = 0xB007


def stages(batches: Batches, *, drawn: int = 50, steps_a_stage: int, redraw: bool = True) -> "Stages":
    """Training batches that come from `drawn` renditions at a time.

    Parameters
    ----------
    batches : Batches
        Of `mss_lab.neural.segments.batches`; each of their items is one rendition.
    drawn : int >= 1
        Number of renditions in a stage. They are drawn with replacement: one that is drawn twice is used twice as
        often. In the paper 50 gave the best result, and fewer gave worse ones.
    steps_a_stage : int >= 1
        Steps before new renditions are drawn.
    redraw : bool
        Whether every stage draws anew. If False, all stages train on the renditions of the first: the fixed set that
        bootstrapping is compared with.

    Returns
    -------
    Stages
        Used in the same way as the batches. The batch of a step depends only on their seed and on the step, so that
        training can continue from any step.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Reference: Miron, Janer and Gómez, ISMIR 2017.
    """
    return Stages(
        batches,
        checks.check_number("drawn", drawn, at_least=1, whole=True),
        checks.check_number("steps_a_stage", steps_a_stage, at_least=1, whole=True),
        redraw,
    )


@dataclasses.dataclass(frozen=True)
class Stages:
    """The batch of each step, from other renditions in every stage; made by `stages`, which describes the fields.

    Lesson: notebooks/19_score_filtered_cnn.ipynb
    """

    batches: Batches
    drawn: int
    steps_a_stage: int
    redraw: bool

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order of the batches."""
        return self.batches.sources

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of the store, and so of the batches."""
        return self.batches.sample_rate_hz

    @property
    def facts(self) -> dict[str, Any]:
        """All that decides the batches, for JSON: equal facts give equal batches."""
        own = {"drawn": self.drawn, "steps_a_stage": self.steps_a_stage, "redraw": self.redraw}
        return {**self.batches.facts, "bootstrap": own}

    def items(self, step: int) -> tuple[int, ...]:
        """The renditions of the stage to which a step belongs."""
        stage = step // self.steps_a_stage if self.redraw else 0
        rng = np.random.default_rng((STREAM, self.batches.seed, stage))
        indices = rng.integers(len(self.batches.items), size=self.drawn)
        return tuple(self.batches.items[index] for index in indices)

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a step."""
        return self.part(step, 0, 1)

    def part(self, step: int, rank: int, ranks: int) -> dict[str, torch.Tensor]:
        """The segments of a step's batch for process `rank` of `ranks`: the same number for each process."""
        return dataclasses.replace(self.batches, items=self.items(step)).part(step, rank, ranks)
