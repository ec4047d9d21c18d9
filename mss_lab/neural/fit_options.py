"""All options of a training run in one place: `FitOptions`, and the learning rate that follows from them.

The same fields are set from Python (`fit(..., learning_rate=1e-4)`), from the command line (`--learning-rate 1e-4`) and
from a TOML file (`[fit]`), and all of them are written into the card of the weights.

Contents: FitOptions, OPTIMIZERS, SCHEDULES, learning_rate_at, halvings, precision_for.
Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from .. import checks
from ..refusals import RefusedType

# Names of classes in torch.optim. This file does not import torch, so that the command line lists options quickly.
OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "adadelta": "Adadelta", "sgd": "SGD"}
SCHEDULES = ("constant", "cosine", "plateau")


def _option(default: Any, about: str) -> Any:
    return dataclasses.field(default=default, metadata={"about": about})


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """How a network is trained. Every field has a default; `replace` gives a copy with changes, checked.

    Attributes
    ----------
    steps : int >= 1
        Steps of the optimizer in the whole run.
    optimizer : {"adam", "adamw", "adadelta", "sgd"}
    learning_rate, weight_decay : float
    schedule : {"constant", "cosine", "plateau"}
        Schedule of the learning rate; see `learning_rate_at` and `halvings`.
    warmup_steps : int
        Steps over which the learning rate rises to its value.
    plateau : int
        With the schedule "plateau", the learning rate is halved after this many validations without improvement.
    clip_norm : float or None
        A longer gradient is shortened to this length.
    accumulate : int >= 1
        Batches whose gradients are averaged for one step. This replaces a larger batch where memory is short.
    ema_decay : float in [0, 1) or None
        Keep an exponential moving average of the weights, decay * average + (1 - decay) * weights after each step.
        The averaged weights are the ones that are validated and that the network has in the end.
    seed : int
        Seed of all random numbers inside the network.
    validate_every : int
        Steps between two validations.
    patience : int or None
        Stop after this many validations without improvement.
    keep : {"best", "last"}
        Which weights the network has in the end: the best on validation, or the last. Where the learning rate has
        fallen to 0, the best may be best by chance.
    songs_every : int or None
        Steps between two separations of whole validation songs, whose mean SDR is written to the curve.
    log_every : int
        Steps for each row of the curve, which has the mean of their losses. Checkpoints fall on such steps.
    minutes : float or None
        Stop after this time, counted for one call; the next call continues.
    checkpoint_minutes : float
        Time between two checkpoints: the most work that is lost when the process is killed.
    workers : int
        Processes that make batches in advance of the training; 0 makes them in a thread of this process.
    compile : bool
        Whether `torch.compile` translates the loss. This takes a minute and needs a C++ compiler; then steps are
        faster.
    accelerator, devices, nodes, strategy, precision
        The options of Lightning's Trainer. "auto" uses a GPU if there is one, in bfloat16 if it computes in that, else
        the CPU. Every process must hold the whole network (ddp and similar strategies), and several machines must share
        the run's folder. With several processes each trains on its share of every batch.
    progress, verbose : bool
        Whether to write a line of progress, and whether Lightning may write its own messages.
    """

    steps: int = _option(1000, "steps of the whole run")
    optimizer: str = _option("adam", ", ".join(OPTIMIZERS))
    learning_rate: float = _option(1e-3, "of the optimizer")
    weight_decay: float = _option(0.0, "of the optimizer")
    schedule: str = _option("constant", f"of the learning rate: {', '.join(SCHEDULES)}")
    warmup_steps: int = _option(0, "steps over which the learning rate rises")
    plateau: int = _option(5, "validations without improvement that halve the rate of the schedule plateau")
    clip_norm: float | None = _option(5.0, "greatest length of the gradient, or none")
    accumulate: int = _option(1, "batches whose gradients are averaged for one step")
    ema_decay: float | None = _option(None, "decay of averaged weights, such as 0.999, or none")
    seed: int = _option(0, "of everything random")
    validate_every: int = _option(200, "steps between validations")
    patience: int | None = _option(None, "validations without improvement that end the run, or none")
    keep: str = _option("best", "which weights to keep: best, last")
    songs_every: int | None = _option(None, "steps between separations of whole validation songs, or none")
    log_every: int = _option(10, "steps for each row of the curve")
    minutes: float | None = _option(None, "stop after this time; the same command continues")
    checkpoint_minutes: float = _option(3.0, "time between checkpoints")
    workers: int = _option(0, "processes that make batches; 0 makes them in a thread")
    compile: bool = _option(False, "translate the loss by torch.compile: true, false")
    accelerator: str = _option("auto", "cpu, gpu, or auto")
    devices: int | str | tuple[int, ...] = _option("auto", "how many, or auto for all")
    nodes: int = _option(1, "how many machines")
    strategy: str = _option("auto", "Lightning's, such as ddp")
    precision: str = _option("auto", "Lightning's; auto is bf16-mixed on a GPU that has it")
    progress: bool = _option(True, "write a line of progress: true, false")
    verbose: bool = _option(False, "let Lightning write its own messages: true, false")

    def __post_init__(self) -> None:
        check = checks.check_number
        check("steps", self.steps, at_least=1, whole=True)
        checks.check_choice("optimizer", self.optimizer, OPTIMIZERS)
        checks.check_choice("schedule", self.schedule, SCHEDULES)
        checks.check_choice("keep", self.keep, ("best", "last"))
        check("learning_rate", self.learning_rate, above=0)
        check("weight_decay", self.weight_decay, at_least=0)
        for name in ("validate_every", "log_every", "songs_every"):
            _check_unless_none(name, getattr(self, name), at_least=1, whole=True, unit="steps")
        for name in ("warmup_steps", "seed", "workers"):
            check(name, getattr(self, name), at_least=0, whole=True)
        for name in ("accumulate", "nodes"):
            check(name, getattr(self, name), at_least=1, whole=True)
        for name in ("plateau", "patience"):
            _check_unless_none(name, getattr(self, name), at_least=1, whole=True, unit="validations")
        _check_unless_none("clip_norm", self.clip_norm, above=0)
        _check_unless_none("ema_decay", self.ema_decay, at_least=0, below=1)
        _check_unless_none("minutes", self.minutes, at_least=0, unit="minutes")
        for name in ("compile", "progress", "verbose"):
            checks.check_switch(name, getattr(self, name))
        check("checkpoint_minutes", self.checkpoint_minutes, at_least=0, unit="minutes")

    def replace(self, **changes: Any) -> "FitOptions":
        """The same options with changes; RefusedType names an option that does not exist, RefusedValue a bad value."""
        option_names = [field.name for field in dataclasses.fields(self)]
        unknown = [name for name in changes if name not in option_names]
        if unknown:
            raise RefusedType(f"training has no option {', '.join(unknown)}; it has {', '.join(option_names)}")
        return dataclasses.replace(self, **changes)

    def deciding(self) -> dict[str, Any]:
        """The options that decide the trained weights; devices and waiting times are not among them."""
        options = {name: value for name, value in dataclasses.asdict(self).items() if name not in TECHNICAL}
        if self.schedule != "cosine":
            # Such a run may be made longer: its steps so far do not depend on the total number of steps.
            del options["steps"]
        if self.schedule != "plateau":
            del options["plateau"]
        return options


# Options that may differ between two calls of one run.
TECHNICAL = frozenset(
    {"keep", "minutes", "checkpoint_minutes", "workers", "compile", "accelerator", "devices", "nodes", "strategy"}
    | {"precision", "progress", "verbose"}
)


def precision_for(precision: str, device: str, bf16: bool) -> str:
    """The precision to compute in, as Lightning names it: "bf16-mixed" on a GPU that has it, "32-true" elsewhere.

    Parameters
    ----------
    precision : str
        "auto", or one of Lightning's own names, which is returned unchanged.
    device : {"cpu", "cuda", "mps", ...}
    bf16 : bool
        Whether the device computes in bfloat16 itself.
    """
    if precision != "auto":
        return precision
    return "bf16-mixed" if device == "cuda" and bf16 else "32-true"


def learning_rate_at(step: int, steps: int, learning_rate: float, schedule: str, warmup_steps: int = 0) -> float:
    """The learning rate of a step, counted from 0.

    It rises linearly over the first `warmup_steps`, and then stays constant, or falls to 0 along half a cosine. It
    depends on the step alone and needs no state. The schedule "plateau" is "constant" here; see `halvings`.
    """
    if step < warmup_steps:
        return learning_rate * (step + 1) / warmup_steps
    if schedule != "cosine":
        return learning_rate
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def halvings(validations: Sequence[float], plateau: int) -> int:
    """How often the schedule "plateau" has halved the learning rate after these validation losses.

    The rate is halved when `plateau` validations in a row have not improved on the best so far; then the count of such
    validations starts again from 0.
    """
    count, without_improvement, best = 0, 0, math.inf
    for validation in validations:
        without_improvement = 0 if validation < best else without_improvement + 1
        best = min(best, validation)
        if without_improvement == plateau:
            count, without_improvement = count + 1, 0
    return count


def _check_unless_none(name: str, value: Any, **bounds: Any) -> None:
    if value is not None:
        checks.check_number(name, value, **bounds)
