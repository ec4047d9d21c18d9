"""Bootstrapping: training in stages, each on a handful of renditions drawn afresh, with replacement.

Four players with 27 renditions each can be combined in half a million ways for one piece. Instead of choosing some of
them once and for all, draw a few before every stage, train on these, and draw again.

Contents: stages, Stages. Lesson: notebooks/19_score_filtered_cnn.ipynb
"""

import dataclasses
from typing import Any

import numpy as np
import torch

from .. import checks
from .segments import Batches

# Keeps these draws apart from those of anybody else who starts from the same seed.
STREAM = 0xB007


def stages(batches: Batches, *, drawn: int = 50, steps_a_stage: int, redraw: bool = True) -> "Stages":
    """Batches for training that come from `drawn` renditions at a time.

    Parameters
    ----------
    batches : Batches
        Of `mss_lab.neural.segments.batches`; every item of theirs is one rendition.
    drawn : int >= 1
        How many a stage has. With replacement: one that is drawn twice is heard twice as often. 50 served the paper
        best; fewer hurt.
    steps_a_stage : int >= 1
        Steps before new ones are drawn.
    redraw : bool
        Whether every stage draws anew. Without it all stages train on what the first has drawn: the fixed set that
        bootstrapping is compared with.

    Returns
    -------
    Stages
        To be used as the batches were. What a step gets depends on their seed and the step alone, so that training
        may be taken up at any step.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Source: Miron, Janer and Gómez, ISMIR 2017.
    """
    return Stages(
        batches,
        checks.check_number("drawn", drawn, at_least=1, whole=True),
        checks.check_number("steps_a_stage", steps_a_stage, at_least=1, whole=True),
        redraw,
    )


@dataclasses.dataclass(frozen=True)
class Stages:
    """Batches by step, from other renditions in every stage; `stages` makes one, and says what its fields are.

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
        """Of the store, and so of the batches."""
        return self.batches.sample_rate_hz

    @property
    def facts(self) -> dict[str, Any]:
        """What decides the batches, for JSON: two with the same facts give the same."""
        own = {"drawn": self.drawn, "steps_a_stage": self.steps_a_stage, "redraw": self.redraw}
        return {**self.batches.facts, "bootstrap": own}

    def items(self, step: int) -> tuple[int, ...]:
        """The renditions of the stage to which a step belongs."""
        stage = step // self.steps_a_stage if self.redraw else 0
        rng = np.random.default_rng((STREAM, self.batches.seed, stage))
        places = rng.integers(len(self.batches.items), size=self.drawn)
        return tuple(self.batches.items[place] for place in places)

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a step."""
        return self.part(step, 0, 1)

    def part(self, step: int, rank: int, ranks: int) -> dict[str, torch.Tensor]:
        """The segments of a step's batch that process `rank` of `ranks` takes: the same number for each."""
        return dataclasses.replace(self.batches, items=self.items(step)).part(step, rank, ranks)
