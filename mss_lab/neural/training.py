"""A training run as a module of Lightning: the loss of a step, the optimizer, and the work between steps.

Contents: Training. `mss_lab.neural.fit.fit` is the function that runs it.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as lightning
import torch
from torch.optim import swa_utils

from .contracts import Batch, BatchSource, Network
from .feed import Feed
from .fit_options import OPTIMIZERS, FitOptions, halvings, learning_rate_at
from .progress_line import ProgressLine
from .randomness import seed_step
from .run_folder import Best, Checkpoint, Row, RunFolder, read_curve


class Training(lightning.LightningModule):
    """A training run, new or continued from its newest checkpoint.

    Steps are steps of the optimizer; each uses `options.accumulate` batches.
    """

    def __init__(
        self,
        model: Network,
        batches: BatchSource,
        validate: tuple[Batch, ...],
        song_sdr_db: Callable[[Network], float] | None,
        options: FitOptions,
        run: RunFolder,
        start: Checkpoint | None,
        on_progress: Callable[[Row], bool | None] | None,
    ):
        super().__init__()
        self.model: Any = model
        self.validate = validate
        self.song_sdr_db = song_sdr_db
        self.options = options
        self.run = run
        self.start = start
        self.on_progress = on_progress
        self.steps_done = start.step if start else 0
        self.batches_done = self.steps_done * options.accumulate
        self.best = start.best if start else None
        self.validations_since_best = start.waited if start else 0
        # The validation losses so far decide the schedule "plateau"; a run that continues reads them from its curve.
        self.validations: list[float] = []
        self.stopped = ""
        self.feed = Feed(batches, self.batches_done, options.steps * options.accumulate, options.workers)
        # These stay on the device until a row of the curve is written: reading each value would make a GPU wait.
        self.losses: list[torch.Tensor] = []
        self.norms: list[torch.Tensor] = []
        self.average: Any = None
        if options.ema_decay is not None:
            update = swa_utils.get_ema_multi_avg_fn(options.ema_decay)
            module: Any = model
            self.average = swa_utils.AveragedModel(module, multi_avg_fn=update).requires_grad_(False)
        self.loss: Any = torch.compile(self.model.loss) if options.compile else self.model.loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer of the options."""
        make: Any = getattr(torch.optim, OPTIMIZERS[self.options.optimizer])
        settings = {"lr": self.options.learning_rate, "weight_decay": self.options.weight_decay}
        optimizer: torch.optim.Optimizer = make(self.model.parameters(), **settings)
        return optimizer

    def on_train_start(self) -> None:
        """Load the state of the newest checkpoint."""
        # A network that was used before is in evaluation mode, which Lightning does not change.
        self.model.train()
        if self.start is not None:
            self.model.load_state_dict(self.start.model)
            self.trainer.optimizers[0].load_state_dict(self.start.optimizer)
            if self.average is not None and self.start.average is not None:
                self.average.load_state_dict(self.start.average)
        if self.trainer.is_global_zero:
            self.run.cut_curve(self.steps_done)
        rows = read_curve(self.run.folder) if self.steps_done else []
        self.validations = [row["validation"] for row in rows if "validation" in row and row["step"] <= self.steps_done]
        self.began_s = self.saved_s = time.perf_counter()
        self.saved_step = self.steps_done
        self.line = ProgressLine(self.steps_done, self.options.steps)
        self.earlier_s = self.start.seconds if self.start else 0.0
        # The tensors of the checkpoint are no longer needed.
        self.start = None

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        """Set the learning rate of this step."""
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self._learning_rate()

    def training_step(self, batch: tuple[int, Batch], index: int) -> torch.Tensor:
        """The loss of one batch."""
        number, examples = batch
        seed_step(self.options.seed, number, self.global_rank)
        loss: torch.Tensor = self.loss(examples)
        self.losses.append(loss.detach())
        return loss

    def configure_gradient_clipping(self, optimizer: Any, gradient_clip_val: Any = None, *_: Any, **__: Any) -> None:
        """Shorten the gradient if it is too long, and store its length for the curve."""
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if gradient_clip_val is not None:
            torch.nn.utils.clip_grads_with_norm_(self.model.parameters(), gradient_clip_val, norm)
        self.norms.append(norm.detach())

    def on_train_batch_end(self, *_: Any) -> None:
        """Count, average, validate and save when a step is complete."""
        self.batches_done += 1
        if self.batches_done % self.options.accumulate:
            return
        self.steps_done += 1
        if self.average is not None:
            self.average.update_parameters(self.model)
        last = self.steps_done >= self.options.steps
        validate = bool(self.validate) and (last or self._is_multiple_of(self.options.validate_every))
        songs = self.song_sdr_db is not None and (last or self._is_multiple_of(self.options.songs_every))
        if validate or songs or last or self._is_multiple_of(self.options.log_every):
            self._add_row(validate, songs)

    def on_train_end(self) -> None:
        """Write the last checkpoint. Lightning calls this only if there was no error."""
        if self.trainer.is_global_zero and (self.saved_step < self.steps_done or self.stopped):
            self._save()
        self.trainer.strategy.barrier("checkpoint")

    @property
    def used(self) -> Any:
        """The network that is validated and stored as the best: the averaged one if there is an average."""
        return self.model if self.average is None else self.average.module

    def _is_multiple_of(self, every: int | None) -> bool:
        return every is not None and self.steps_done % every == 0

    def _add_row(self, validate: bool, songs: bool) -> None:
        row: Row = {"step": self.steps_done, "loss": self._mean_loss(), "learning_rate": self._learning_rate(-1)}
        row["gradient_norm"] = float(torch.stack(self.norms).float().mean())
        self.losses, self.norms = [], []
        if validate:
            row["validation"] = self._validation()
            self._judge(row["validation"])
        if songs and self.trainer.is_global_zero:
            row["song_sdr_db"] = self._song_sdr_db()
        row["seconds"] = round(self._seconds(), 3)
        end_now = False
        if self.trainer.is_global_zero:
            self.run.add_row(row)
            end_now = self.on_progress is not None and self.on_progress(dict(row)) is True
        self._stop_where_it_should(end_now)
        if self.trainer.is_global_zero:
            self._publish(row)

    def _publish(self, row: Row) -> None:
        if time.perf_counter() - self.saved_s >= 60 * self.options.checkpoint_minutes:
            self._save()
        if self.logger:
            values = {name: value for name, value in row.items() if name != "step"}
            self.logger.log_metrics(values, step=self.steps_done)
        if self.options.progress:
            self.line.show(row, bool(self.stopped) or self.steps_done >= self.options.steps)

    def _stop_where_it_should(self, end_now: bool) -> None:
        limit_s = math.inf if self.options.minutes is None else 60 * self.options.minutes
        time_is_up = self._agreed(time.perf_counter() - self.began_s > limit_s)
        end_now = self._agreed(end_now)
        if (end_now or time_is_up) and not self.stopped and self.steps_done < self.options.steps:
            self.stopped = "asked" if end_now else "time"
        if self.stopped:
            self.trainer.should_stop = True

    def _judge(self, validation: float) -> None:
        self.validations.append(validation)
        if self.best is None or validation < self.best.validation:
            self.validations_since_best = 0
            if self.trainer.is_global_zero:
                self.best = self.run.save_best(self.steps_done, validation, _on_cpu(self.used.state_dict()))
            else:
                self.best = Best(self.steps_done, validation, "", "")
        else:
            self.validations_since_best += 1
        if self.options.patience is not None and self.validations_since_best >= self.options.patience:
            self.stopped = "early"

    def _validation(self) -> float:
        rank, ranks = self.trainer.global_rank, self.trainer.world_size
        total_loss = torch.zeros((), device=self.device)
        self.used.eval()
        with torch.no_grad(), self.trainer.precision_plugin.val_step_context():
            for batch in self.validate[rank::ranks]:
                total_loss = total_loss + self.used.loss(self.trainer.strategy.batch_to_device(batch)).float()
        self.used.train()
        mean_loss = float(self.trainer.strategy.reduce(total_loss, reduce_op="sum")) / len(self.validate)
        if not math.isfinite(mean_loss):
            raise ArithmeticError(
                f"the validation loss must stay finite, got {mean_loss} after step {self.steps_done}; look for broken "
                f"examples in validate, or lower the learning rate. {self._checkpoint_text()}"
            )
        return mean_loss

    def _song_sdr_db(self) -> float:
        assert self.song_sdr_db is not None
        self.used.eval()
        sdr_db = float(self.song_sdr_db(self.used))
        self.used.train()
        return sdr_db

    def _mean_loss(self) -> float:
        losses = torch.stack([loss.float() for loss in self.losses])
        losses = self.trainer.strategy.reduce(losses, reduce_op="mean")
        # The loss of a step that uses several batches is their mean.
        losses = losses.unflatten(0, (-1, self.options.accumulate)).mean(dim=1)
        norms = torch.stack([norm.float() for norm in self.norms])
        finite = (losses.isfinite() & norms.isfinite()).tolist()
        if not all(finite):
            first_bad = finite.index(False)
            step = self.steps_done - len(finite) + first_bad + 1
            name, value = (
                ("loss", losses[first_bad])
                if not losses[first_bad].isfinite()
                else ("gradient of the loss", norms[first_bad])
            )
            raise ArithmeticError(
                f"the {name} must stay finite, got {float(value)} at step {step}; lower the learning rate (now "
                f"{self._learning_rate(-1):g}) or clip_norm, or look for broken examples in the data. "
                f"{self._checkpoint_text()}"
            )
        return float(losses.mean())

    def _checkpoint_text(self) -> str:
        state = (
            f"the checkpoint of step {self.saved_step} is whole" if self.saved_step else "there is no checkpoint yet"
        )
        return f"Of {self.run.folder}, {state}"

    def _save(self) -> None:
        self.run.save(
            Checkpoint(
                step=self.steps_done,
                seconds=self._seconds(),
                model=_on_cpu(self.model.state_dict()),
                optimizer=_on_cpu(self.trainer.optimizers[0].state_dict()),
                best=self.best,
                waited=self.validations_since_best,
                stopped=self.stopped if self.stopped == "early" else "",
                average=None if self.average is None else _on_cpu(self.average.state_dict()),
            )
        )
        self.saved_step, self.saved_s = self.steps_done, time.perf_counter()

    def _seconds(self) -> float:
        return self.earlier_s + time.perf_counter() - self.began_s

    def _learning_rate(self, offset: int = 0) -> float:
        options, step = self.options, self.steps_done + offset
        rate = learning_rate_at(step, options.steps, options.learning_rate, options.schedule, options.warmup_steps)
        return rate * 0.5 ** halvings(self.validations, options.plateau) if options.schedule == "plateau" else rate

    def _agreed(self, decision: bool) -> bool:
        # Clocks differ: the first process decides for all; otherwise some would wait for others that have ended.
        return decision if self.trainer.world_size == 1 else bool(self.trainer.strategy.broadcast(decision))


def _on_cpu(state: Any) -> Any:
    if isinstance(state, torch.Tensor):
        return state.detach().cpu()
    if isinstance(state, Mapping):
        return {name: _on_cpu(value) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_on_cpu(value) for value in state)
    return state
