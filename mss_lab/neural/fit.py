"""Training: one function for all networks, which can be stopped at any time and goes on where it was.

A step is: a batch by its number, the network's own loss, its gradient (made shorter where it is too long), one move of
the optimiser. All that is random in a step follows from the seed and the step's number, so a run that was killed and
goes on gives the weights and the curve that it would have given unbroken.

A run is a folder:

- `run.json`, the record: what was asked for, and the checkpoints with their SHA-256;
- `curve.jsonl`, a line for every few steps: loss, learning rate, length of the gradient, at times the validation loss;
- `step-*.pt`, the two newest checkpoints, and `best-*.pt`, the weights that did best on validation. They hold tensors
  and numbers, and are read as such: nothing is unpickled.

Contents: fit, FitResult, read_curve, precision_for, learning_rate_at, halvings. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import contextlib
import dataclasses
import importlib.util
import logging
import math
import os
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import nn

from .. import checks
from ..refusals import RefusedValue
from .run_folder import Best, Checkpoint, RunFolder, read_curve

__all__ = ["FitResult", "fit", "halvings", "learning_rate_at", "precision_for", "read_curve"]

Batch = dict[str, torch.Tensor]
Row = dict[str, float]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adadelta": torch.optim.Adadelta,
    "sgd": torch.optim.SGD,
}
SCHEDULES = ("constant", "cosine", "plateau")

# Keeps the draws of a step apart from those of anybody else who starts from the same seed.
STREAM = 0x51ED


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What a call of `fit` came to.

    Attributes
    ----------
    curve : tuple of dict
        The rows of `curve.jsonl`: `step`, `loss`, `learning_rate`, `gradient_norm`, `seconds`, at times `validation`.
    steps : int
        Steps that the run has taken by now.
    best_step : int
        Whose weights the network has now: the best by validation, or the last.
    best_validation : float or None
    stopped : {"done", "early", "time"}
        All steps taken; validation did not improve any more; or the minutes were over, and a next call goes on.
    seconds : float
        Spent training, over all calls.
    resumed_from : int
        The step that this call went on from; 0 for a new run.
    parameters : int
        Numbers that were learnt.
    device, precision : str
    folder : Path
    """

    curve: tuple[Row, ...]
    steps: int
    best_step: int
    best_validation: float | None
    stopped: str
    seconds: float
    resumed_from: int
    parameters: int
    device: str
    precision: str
    folder: Path


def precision_for(wanted: str, device: str, bf16: bool) -> str:
    """The precision to compute in, in Lightning's words: "bf16-mixed" on a GPU that has it, "32-true" elsewhere.

    Parameters
    ----------
    wanted : str
        "auto", or one of Lightning's own, which is kept.
    device : {"cpu", "cuda", "mps", ...}
    bf16 : bool
        Whether the device computes in bfloat16 itself.
    """
    if wanted != "auto":
        return wanted
    return "bf16-mixed" if device == "cuda" and bf16 else "32-true"


def learning_rate_at(step: int, steps: int, learning_rate: float, schedule: str, warmup_steps: int = 0) -> float:
    """The learning rate of a step, counted from 0.

    It rises evenly over the first `warmup_steps`, and then stays, or falls to 0 along half a cosine. A function of the
    step alone, it needs no state of its own. The schedule "plateau" is "constant" here; see `halvings`.
    """
    if step < warmup_steps:
        return learning_rate * (step + 1) / warmup_steps
    if schedule != "cosine":
        return learning_rate
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    return learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def halvings(validations: Sequence[float], plateau: int) -> int:
    """How often the schedule "plateau" has halved the learning rate, after these validation losses.

    The rate is halved when `plateau` validations in a row have not improved on the best so far; then the count of such
    validations starts again from 0.
    """
    count, stale, best = 0, 0, math.inf
    for validation in validations:
        stale = 0 if validation < best else stale + 1
        best = min(best, validation)
        if stale == plateau:
            count, stale = count + 1, 0
    return count


def fit(
    model: nn.Module,
    batches: Callable[[int], Batch],
    *,
    folder: str | os.PathLike,
    steps: int,
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    schedule: str = "constant",
    warmup_steps: int = 0,
    plateau: int = 5,
    clip_norm: float | None = 5.0,
    validate: Sequence[Batch] | None = None,
    validate_every: int = 200,
    patience: int | None = None,
    keep: str = "best",
    minutes: float | None = None,
    checkpoint_minutes: float = 3.0,
    log_every: int = 10,
    seed: int = 0,
    accelerator: str = "auto",
    devices: int | str | list[int] = "auto",
    nodes: int = 1,
    strategy: str = "auto",
    precision: str = "auto",
    on_progress: Callable[[Row], None] | None = None,
    progress: bool = True,
    verbose: bool = False,
) -> FitResult:
    """Train a network, or go on with a run that was stopped.

    Parameters
    ----------
    model : nn.Module
        As `mss_lab.neural.models` describes them. It is trained in place, and left on the CPU, ready to be used.
    batches : callable
        From the number of a step, counted from 0, to its batch: a dict of tensors whose first axis counts examples.
        It may have `facts` and `part(step, rank, ranks)`, as `segments.batches` gives them. It is called in a thread
        of its own, ahead of time, and must not draw from torch's own generator.
    folder : path
        Where the run lives. If there is one, it goes on.
    steps : int >= 1
        Of the whole run.
    optimizer : {"adam", "adamw", "adadelta", "sgd"}
    learning_rate, weight_decay : float
    schedule : {"constant", "cosine", "plateau"}
        Of the learning rate; see `learning_rate_at` and `halvings`.
    warmup_steps : int
    plateau : int
        With the schedule "plateau", the learning rate is halved after as many validations without improvement.
    clip_norm : float, optional
        Gradients longer than this are made as long.
    validate : sequence of batches, optional
        Their mean loss judges the weights, every `validate_every` steps and after the last.
    patience : int, optional
        Stop after as many validations without improvement.
    keep : {"best", "last"}
        Which weights the network has in the end: those that did best on validation, or the last ones, as it has without
        validation. Where the learning rate has gone down to 0, the best may be best by chance.
    minutes : float, optional
        Stop after this time, counted for this call; the next call goes on.
    checkpoint_minutes : float
        What a kill may cost.
    log_every : int
        Steps to a row of the curve, which has the mean of their losses. Checkpoints fall on such steps.
    seed : int
        Of what is random inside the network.
    accelerator, devices, nodes, strategy, precision
        As Lightning knows them. By themselves: a GPU where there is one, in bfloat16 where it can, else the CPU. Every
        process must hold the whole network (ddp and its kin), and several machines must share the folder's disk.
        With several processes each takes its part of every batch. Statistics over a batch are those of the whole
        batch on GPUs, and on CPUs those of each part.
    on_progress : callable, optional
        Called with each new row of the curve.
    progress : bool
        Whether to write a line on the way.
    verbose : bool
        Whether Lightning may speak.

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError
        If a number is out of range, the folder holds another run (what differs is said), or nothing whole.
    ArithmeticError
        If the loss or its gradient is not finite any more; the step is named, and the folder keeps what was good.
    OSError
        If the folder cannot be written, or the disk is full; what was there stays whole.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    plan = _checked_plan(
        steps=steps,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        schedule=schedule,
        warmup_steps=warmup_steps,
        plateau=plateau,
        clip_norm=clip_norm,
        validate_every=validate_every,
        patience=patience,
        log_every=log_every,
        seed=seed,
    )
    checks.check_choice("keep", keep, ("best", "last"))
    validate = tuple(validate or ())
    if patience is not None and not validate:
        raise RefusedValue("patience needs batches to validate with, got none; give validate, or leave patience out")
    if schedule == "plateau" and not validate:
        raise RefusedValue(
            "the schedule plateau needs batches to validate with, got none; give validate, or choose another schedule"
        )
    run = RunFolder.open(folder, _facts(model, batches, validate, plan), leader=process_rank() == 0)
    start = run.newest()
    training = _Training(model, batches, validate, plan, run, start, minutes, checkpoint_minutes, on_progress, progress)
    device = _device_of(accelerator)
    precision = precision_for(precision, device, device == "cuda" and torch.cuda.is_bf16_supported(False))
    prepare: Any = getattr(model, "prepare", None)
    if start is None and prepare is not None:
        with _own_randomness(seed, 0):
            prepare(batches)
    if start is None or not start.is_last(plan["steps"]):
        with _quiet(verbose), _interruptible(), _own_randomness(seed, 0):
            trainer = lightning.Trainer(
                accelerator=accelerator,
                devices=devices,
                num_nodes=nodes,
                strategy=strategy,
                precision=precision,  # type: ignore[arg-type]
                max_epochs=1,
                gradient_clip_val=clip_norm,
                sync_batchnorm=device == "cuda",
                logger=_tensorboard(run.folder),
                enable_progress_bar=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
                use_distributed_sampler=False,
                default_root_dir=run.folder,
            )
            trainer.fit(training, train_dataloaders=training.feed)
    # Where every process is a new one, what they learnt is in the folder and nowhere else.
    return _finished(model, run, start, steps, device, precision, keep)


class _Training(lightning.LightningModule):
    """What Lightning is told: the loss of a step, the optimiser, and what happens between steps."""

    def __init__(
        self,
        model: nn.Module,
        batches: Callable[[int], Batch],
        validate: tuple[Batch, ...],
        plan: Mapping[str, Any],
        run: RunFolder,
        start: Checkpoint | None,
        minutes: float | None,
        checkpoint_minutes: float,
        on_progress: Callable[[Row], None] | None,
        progress: bool,
    ):
        super().__init__()
        self.model: Any = model
        self.validate = validate
        self.plan = plan
        self.run = run
        self.start = start
        self.limit_s = math.inf if minutes is None else 60 * minutes
        self.checkpoint_s = 60 * checkpoint_minutes
        self.on_progress = on_progress
        self.progress = progress
        self.taken = start.step if start else 0
        self.best = start.best if start else None
        self.waited = start.waited if start else 0
        # The validation losses so far decide the schedule "plateau"; a run that goes on reads them from its curve.
        self.validations: list[float] = []
        self.stopped = ""
        self.feed = _Feed(batches, self.taken, plan["steps"])
        # Kept on the device until a row is due: to look at each would make a GPU wait.
        self.losses: list[torch.Tensor] = []
        self.norms: list[torch.Tensor] = []

    def configure_optimizers(self) -> torch.optim.Optimizer:
        plan = self.plan
        kind = OPTIMIZERS[plan["optimizer"]]
        return kind(self.model.parameters(), lr=plan["learning_rate"], weight_decay=plan["weight_decay"])

    def on_train_start(self) -> None:
        # A network that was listened to before is set for use, and Lightning leaves it so.
        self.model.train()
        if self.start is not None:
            self.model.load_state_dict(self.start.model)
            self.trainer.optimizers[0].load_state_dict(self.start.optimizer)
        if self.trainer.is_global_zero:
            self.run.cut_curve(self.taken)
        rows = read_curve(self.run.folder) if self.taken else []
        self.validations = [row["validation"] for row in rows if "validation" in row and row["step"] <= self.taken]
        self.began_s = self.saved_s = time.perf_counter()
        self.saved_step = self.taken
        self.line = _Line(self.taken, self.plan["steps"])
        self.earlier_s = self.start.seconds if self.start else 0.0
        # Only now is it no longer needed.
        self.start = None

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self._learning_rate()

    def training_step(self, batch: tuple[int, Batch], index: int) -> torch.Tensor:
        step, examples = batch
        _seed(self.plan["seed"], step, self.global_rank)
        loss = self.model.loss(examples)
        self.losses.append(loss.detach())
        return loss

    def configure_gradient_clipping(self, optimizer: Any, gradient_clip_val: Any = None, *_: Any, **__: Any) -> None:
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if gradient_clip_val is not None:
            torch.nn.utils.clip_grads_with_norm_(self.model.parameters(), gradient_clip_val, norm)
        self.norms.append(norm.detach())

    def on_train_batch_end(self, *_: Any) -> None:
        self.taken += 1
        plan = self.plan
        last = self.taken >= plan["steps"]
        judge = bool(self.validate) and (last or self.taken % plan["validate_every"] == 0)
        if judge or last or self.taken % plan["log_every"] == 0:
            self._row(judge)

    def on_train_end(self) -> None:
        # Lightning comes here only where nothing went wrong.
        if self.trainer.is_global_zero and (self.saved_step < self.taken or self.stopped):
            self._save()
        self.trainer.strategy.barrier("checkpoint")

    def _row(self, judge: bool) -> None:
        row: Row = {"step": self.taken, "loss": self._mean_loss(), "learning_rate": self._learning_rate(-1)}
        row["gradient_norm"] = float(torch.stack(self.norms).float().mean())
        self.losses, self.norms = [], []
        if judge:
            row["validation"] = self._validation()
            self._judge(row["validation"])
        row["seconds"] = round(self._seconds(), 3)
        now = time.perf_counter()
        if self._agreed(now - self.began_s > self.limit_s) and not self.stopped and self.taken < self.plan["steps"]:
            self.stopped = "time"
        if self.stopped:
            self.trainer.should_stop = True
        if self.trainer.is_global_zero:
            self.run.add_row(row)
            if now - self.saved_s >= self.checkpoint_s:
                self._save()
            if self.logger:
                self.logger.log_metrics({name: value for name, value in row.items() if name != "step"}, step=self.taken)
            if self.on_progress is not None:
                self.on_progress(dict(row))
            if self.progress:
                self.line.show(row, bool(self.stopped) or self.taken >= self.plan["steps"])

    def _judge(self, validation: float) -> None:
        self.validations.append(validation)
        if self.best is None or validation < self.best.validation:
            self.waited = 0
            if self.trainer.is_global_zero:
                self.best = self.run.save_best(self.taken, validation, _on_cpu(self.model.state_dict()))
            else:
                self.best = Best(self.taken, validation, "", "")
        else:
            self.waited += 1
        if self.plan["patience"] is not None and self.waited >= self.plan["patience"]:
            self.stopped = "early"

    def _validation(self) -> float:
        rank, ranks = self.trainer.global_rank, self.trainer.world_size
        total = torch.zeros((), device=self.device)
        self.model.eval()
        with torch.no_grad(), self.trainer.precision_plugin.val_step_context():
            for batch in self.validate[rank::ranks]:
                total = total + self.model.loss(self.trainer.strategy.batch_to_device(batch)).float()
        self.model.train()
        mean = float(self.trainer.strategy.reduce(total, reduce_op="sum")) / len(self.validate)
        if not math.isfinite(mean):
            raise ArithmeticError(
                f"the validation loss must stay finite, got {mean} after step {self.taken}; look for broken examples "
                f"in validate, or lower the learning rate. {self._what_is_kept()}"
            )
        return mean

    def _mean_loss(self) -> float:
        losses = torch.stack([loss.float() for loss in self.losses])
        losses = self.trainer.strategy.reduce(losses, reduce_op="mean")
        norms = torch.stack([norm.float() for norm in self.norms])
        good = (losses.isfinite() & norms.isfinite()).tolist()
        if not all(good):
            bad = good.index(False)
            step = self.taken - len(good) + bad + 1
            what, value = ("loss", losses[bad]) if not losses[bad].isfinite() else ("gradient of the loss", norms[bad])
            raise ArithmeticError(
                f"the {what} must stay finite, got {float(value)} at step {step}; lower the learning rate (now "
                f"{self._learning_rate(-1):g}) or clip_norm, or look for broken examples in the data. "
                f"{self._what_is_kept()}"
            )
        return float(losses.mean())

    def _what_is_kept(self) -> str:
        kept = f"the checkpoint of step {self.saved_step} is whole" if self.saved_step else "there is no checkpoint yet"
        return f"Of {self.run.folder}, {kept}"

    def _save(self) -> None:
        state = _on_cpu(self.trainer.optimizers[0].state_dict())
        stopped = self.stopped if self.stopped == "early" else ""
        weights = _on_cpu(self.model.state_dict())
        self.run.save(Checkpoint(self.taken, self._seconds(), weights, state, self.best, self.waited, stopped))
        self.saved_step, self.saved_s = self.taken, time.perf_counter()

    def _seconds(self) -> float:
        return self.earlier_s + time.perf_counter() - self.began_s

    def _learning_rate(self, offset: int = 0) -> float:
        plan = self.plan
        step = self.taken + offset
        rate = learning_rate_at(step, plan["steps"], plan["learning_rate"], plan["schedule"], plan["warmup_steps"])
        return rate * 0.5 ** halvings(self.validations, plan["plateau"]) if plan["schedule"] == "plateau" else rate

    def _agreed(self, wish: bool) -> bool:
        # Clocks differ: the first process decides for all, or some would wait for others that have left.
        return wish if self.trainer.world_size == 1 else bool(self.trainer.strategy.broadcast(wish))


class _Feed:
    """The batches from a step on, made in a thread of their own, two ahead of the training."""

    AHEAD = 2

    def __init__(self, batches: Callable[[int], Batch], first: int, last: int):
        self.batches = batches
        self.steps = range(first, last)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[tuple[int, Batch]]:
        waiting: list[tuple[int, Future]] = []
        steps = iter(self.steps)
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as thread:
            try:
                for step in self.steps:
                    while len(waiting) < self.AHEAD and (coming := next(steps, None)) is not None:
                        waiting.append((coming, thread.submit(self._make, coming)))
                    yield step, waiting.pop(0)[1].result()
            finally:
                for _, future in waiting:
                    future.cancel()

    def _make(self, step: int) -> Batch:
        rank, ranks = _place_among_processes()
        if ranks == 1:
            batch = self.batches(step)
        elif hasattr(self.batches, "part"):
            batch = self.batches.part(step, rank, ranks)
        else:
            batch = {name: _share(tensor, rank, ranks) for name, tensor in self.batches(step).items()}
        if torch.cuda.is_available():
            # From such memory a GPU fetches while it computes.
            batch = {name: tensor if tensor.is_cuda else tensor.pin_memory() for name, tensor in batch.items()}
        return batch


class _Line:
    """One line on the way: steps of the run, loss, speed, what is left. Written over itself where that can be seen."""

    LOG_EVERY_S = 60.0

    def __init__(self, first: int, last: int):
        self.first, self.last = first, last
        self.began_s = time.perf_counter()
        self.next_s = 0.0

    def show(self, row: Row, ended: bool) -> None:
        past_s = time.perf_counter() - self.began_s
        step = int(row["step"])
        left_min = past_s / (step - self.first) * (self.last - step) / 60
        judged = f"  validation {row['validation']:.4g}" if "validation" in row else ""
        words = f"step {step}/{self.last}  loss {row['loss']:.4g}{judged}  {left_min:.1f} min left"
        if sys.stderr.isatty() or "ipykernel" in sys.modules:
            sys.stderr.write(f"\r{words:<78}" + ("\n" if ended else ""))
        elif past_s >= self.next_s or ended:
            # In a log a line a minute is enough.
            self.next_s = past_s + self.LOG_EVERY_S
            sys.stderr.write(f"{words}\n")
        sys.stderr.flush()


def _checked_plan(**plan: Any) -> dict[str, Any]:
    checks.check_number("steps", plan["steps"], at_least=1, whole=True)
    checks.check_choice("optimizer", plan["optimizer"], OPTIMIZERS)
    checks.check_choice("schedule", plan["schedule"], SCHEDULES)
    checks.check_number("learning_rate", plan["learning_rate"], above=0)
    checks.check_number("weight_decay", plan["weight_decay"], at_least=0)
    for name in ("validate_every", "log_every"):
        checks.check_number(name, plan[name], at_least=1, whole=True, unit="steps")
    for name in ("warmup_steps", "seed"):
        checks.check_number(name, plan[name], at_least=0, whole=True)
    checks.check_number("plateau", plan["plateau"], at_least=1, whole=True, unit="validations")
    if plan["clip_norm"] is not None:
        checks.check_number("clip_norm", plan["clip_norm"], above=0)
    if plan["patience"] is not None:
        checks.check_number("patience", plan["patience"], at_least=1, whole=True, unit="validations")
    return plan


def _facts(
    model: nn.Module, batches: Callable[[int], Batch], validate: Sequence[Batch], plan: Mapping[str, Any]
) -> dict[str, Any]:
    """What decides a run. A device does not: a run may move to another."""
    settings: Any = getattr(model, "settings", None)
    facts = {
        "network": type(model).__qualname__,
        "settings": settings if settings is None else dataclasses.asdict(settings),
        "weights": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        "batches": getattr(batches, "facts", None),
        "validation": _digest(validate),
        **plan,
    }
    if plan["schedule"] != "cosine":
        # Such a run may be made longer: its steps so far do not depend on how many are to come.
        del facts["steps"]
    if plan["schedule"] != "plateau":
        del facts["plateau"]
    return facts


def _digest(validate: Sequence[Batch]) -> str:
    code = 0
    for batch in validate:
        for name in sorted(batch):
            code = zlib.crc32(batch[name].detach().cpu().contiguous().numpy().tobytes(), code)
    return f"{len(validate)} batches, {code:08x}"


def _finished(
    model: nn.Module, run: RunFolder, start: Checkpoint | None, steps: int, device: str, precision: str, keep: str
) -> FitResult:
    run = RunFolder.again(run.folder)
    last = run.newest()
    assert last is not None, "a run that ended without an error has a checkpoint"
    best = run.best_weights(last.best) if last.best and keep == "best" else None
    model.cpu()
    model.load_state_dict(last.model if best is None else best)
    model.eval()
    return FitResult(
        curve=tuple(row for row in read_curve(run.folder) if row["step"] <= last.step),
        steps=last.step,
        best_step=last.best.step if last.best is not None and best is not None else last.step,
        best_validation=last.best.validation if last.best is not None and best is not None else None,
        stopped=last.stopped or ("done" if last.is_last(steps) else "time"),
        seconds=last.seconds,
        resumed_from=start.step if start else 0,
        parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        device=torch.cuda.get_device_name() if device == "cuda" else device,
        precision=precision,
        folder=run.folder,
    )


def _on_cpu(state: Any) -> Any:
    if isinstance(state, torch.Tensor):
        return state.detach().cpu()
    if isinstance(state, Mapping):
        return {name: _on_cpu(value) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_on_cpu(value) for value in state)
    return state


def _share(tensor: torch.Tensor, rank: int, ranks: int) -> torch.Tensor:
    if len(tensor) % ranks:
        raise RefusedValue(
            f"a batch must be a multiple of the number of processes, {ranks}, got {len(tensor)} examples; "
            "choose another batch, or other devices"
        )
    share = len(tensor) // ranks
    return tensor[rank * share : (rank + 1) * share]


def _place_among_processes() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def process_rank() -> int:
    """The number of this process among those that train together; 0 writes, and 0 where there is one."""
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    return getattr(rank_zero_only, "rank", 0) or 0


def _device_of(accelerator: str) -> str:
    if accelerator not in ("auto", "gpu"):
        return accelerator
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _seed(seed: int, step: int, rank: int) -> None:
    # Spread over all bits, so that neighbours in seed, step and rank share nothing.
    mixed = zlib.crc32(f"{STREAM} {seed} {step} {rank}".encode())
    torch.manual_seed(mixed << 32 | zlib.crc32(f"{rank} {step} {seed}".encode()))


@contextlib.contextmanager
def _own_randomness(seed: int, step: int) -> Iterator[None]:
    """Draws in the block depend on the seed alone, and whoever draws afterwards does not notice them."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices):
        _seed(seed, step, 0)
        yield


@contextlib.contextmanager
def _quiet(verbose: bool) -> Iterator[None]:
    """Lightning's remarks and tips are not for those who train one network by one function."""
    if verbose:
        yield
        return
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning(\.|$)")
        warnings.filterwarnings("ignore", category=lightning.utilities.rank_zero.LightningDeprecationWarning)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C stops the training, and no more: Lightning would leave Python."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def _tensorboard(folder: Path) -> Any:
    """A logger for TensorBoard where that is installed, else none."""
    if importlib.util.find_spec("tensorboard") is None:
        return False
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(folder, name="tensorboard", version="")
