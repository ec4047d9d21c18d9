"""Training: one function for all networks. A run can be stopped at any time, and a second call continues it.

A step takes the batch of its number, computes the network's own loss and its gradient (shortened if it is too long),
and updates the weights once. All random numbers of a step follow from the seed and the number of the step, so a run
that was killed and continued gives the same weights and the same curve as one without the interruption.

A run is a folder:

- `run.json`, the record: the options, and the checkpoints with their SHA-256;
- `curve.csv`, a row for every few steps: loss, learning rate, length of the gradient, in some rows the validation loss;
- `step-*.pt`, the two newest checkpoints, and `best-*.pt`, the weights with the lowest validation loss. They hold only
  tensors and numbers, and reading them runs no code that a file contains.

Contents: fit, FitResult, process_rank; FitOptions, learning_rate_at, halvings and precision_for from `fit_options`,
read_curve from `run_folder`. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import contextlib
import dataclasses
import importlib.util
import logging
import os
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.rank_zero import LightningDeprecationWarning

from ..refusals import RefusedValue
from .contracts import Batch, BatchSource, Network, check_network
from .fit_options import FitOptions, halvings, learning_rate_at, precision_for
from .randomness import own_randomness
from .run_folder import Checkpoint, Row, RunFolder, read_curve
from .training import Training

__all__ = ["FitOptions", "FitResult", "fit", "halvings", "learning_rate_at", "precision_for", "read_curve"]


@dataclasses.dataclass(frozen=True)
class FitResult:
    """The result of a call of `fit`.

    Attributes
    ----------
    curve : tuple of dict
        The rows of `curve.csv`: `step`, `loss`, `learning_rate`, `gradient_norm`, `seconds`, and at times `validation`
        and `song_sdr_db`.
    steps : int
        Steps of the run so far.
    best_step : int
        The step whose weights the network has now: the best on validation, or the last.
    best_validation : float or None
    stopped : {"done", "early", "time", "asked"}
        All steps were done; validation no longer improved; or the minutes were over, or `on_progress` asked to stop,
        and the next call continues.
    seconds : float
        Training time of all calls.
    resumed_from : int
        The step from which this call continued; 0 for a new run.
    parameters : int
        Number of learned parameters.
    device, precision : str
    folder : Path
    options : FitOptions
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
    options: FitOptions


def fit(
    model: Network,
    batches: BatchSource,
    *,
    folder: str | os.PathLike[str],
    validate: Sequence[Batch] | None = None,
    song_sdr_db: Callable[[Network], float] | None = None,
    on_progress: Callable[[Row], bool | None] | None = None,
    options: FitOptions | None = None,
    **changes: Any,
) -> FitResult:
    """Train a network, or continue a run that was stopped.

    Parameters
    ----------
    model : Network
        As `mss_lab.neural.contracts` describes it. It is trained in place, and is on the CPU and ready for use
        afterwards.
    batches : callable
        From the number of a batch, counted from 0, to the batch: a dict of tensors whose first axis counts examples.
        It is called in advance, in a thread or in separate processes, and must not draw from torch's own generator. See
        `mss_lab.neural.contracts.Batches`.
    folder : path
        The folder of the run. A run that it holds is continued.
    validate : sequence of batches, optional
        Their mean loss, computed every `validate_every` steps and after the last, decides which weights are best.
    song_sdr_db : function of the network, optional
        The mean SDR of whole songs in dB; called every `songs_every` steps and after the last.
    on_progress : callable, optional
        Called with each new row of the curve. If it returns True, the training ends with this row, and the next call
        continues.
    options : FitOptions, optional
    **changes
        Options by name, such as `steps=500, learning_rate=1e-4`; they replace those of `options`.

    Returns
    -------
    FitResult

    Raises
    ------
    TypeError
        If there is no option of that name, or the model is not a network.
    ValueError
        If a number is out of range, the folder holds another run (the message lists the differences), or all its
        checkpoints are damaged.
    ArithmeticError
        If the loss or its gradient is no longer finite. The message names the step, and earlier checkpoints stay in the
        folder.
    OSError
        If the folder cannot be written, or the disk is full; the files that were there stay whole.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    model = check_network(model)
    options = (options or FitOptions()).replace(**changes)
    validate = tuple(validate or ())
    _check_validation(options, validate)
    run = RunFolder.open(folder, _facts(model, batches, validate, options), leader=process_rank() == 0)
    start = run.newest()
    training = Training(model, batches, validate, song_sdr_db, options, run, start, on_progress)
    device = _device_of(options.accelerator)
    precision = precision_for(options.precision, device, device == "cuda" and torch.cuda.is_bf16_supported(False))
    prepare: Any = getattr(model, "prepare", None)
    if start is None and prepare is not None:
        with own_randomness(options.seed, 0):
            prepare(batches)
    if start is None or not start.is_last(options.steps):
        with _quiet(options.verbose), _interruptible(), own_randomness(options.seed, 0):
            _trainer(options, run, device, precision).fit(training, train_dataloaders=training.feed)
    # Lightning may train in new processes; then only the folder holds the trained weights.
    result = _finished(model, run, start, options, device, precision)
    return dataclasses.replace(result, stopped="asked") if training.stopped == "asked" else result


def process_rank() -> int:
    """The number of this process among those that train together. Process 0 writes; a single process has number 0."""
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    return getattr(rank_zero_only, "rank", 0) or 0


def _check_validation(options: FitOptions, validate: tuple[Batch, ...]) -> None:
    if options.patience is not None and not validate:
        raise RefusedValue("patience needs batches to validate with, got none; give validate, or leave patience out")
    if options.schedule == "plateau" and not validate:
        raise RefusedValue(
            "the schedule plateau needs batches to validate with, got none; give validate, or choose another schedule"
        )


def _trainer(options: FitOptions, run: RunFolder, device: str, precision: Any) -> lightning.Trainer:
    try:
        return lightning.Trainer(
            accelerator=options.accelerator,
            devices=list(options.devices) if isinstance(options.devices, tuple) else options.devices,
            num_nodes=options.nodes,
            strategy=options.strategy,
            precision=precision,
            max_epochs=1,
            accumulate_grad_batches=options.accumulate,
            gradient_clip_val=options.clip_norm,
            sync_batchnorm=device == "cuda",
            logger=_tensorboard(run.folder),
            enable_progress_bar=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=run.folder,
        )
    except (ValueError, TypeError, MisconfigurationException) as error:
        reason = str(error).split("\n")[0]
        raise RefusedValue(
            "accelerator, devices, strategy and precision must suit this computer, got options that Lightning refuses: "
            f"{reason}; leave them out, which uses what this computer has"
        ) from error


def _facts(model: Network, batches: BatchSource, validate: Sequence[Batch], options: FitOptions) -> dict[str, Any]:
    """All that decides a run. The device is not included: a run may continue on another one."""
    settings: Any = getattr(model, "settings", None)
    return {
        "network": type(model).__qualname__,
        "settings": settings if settings is None else dataclasses.asdict(settings),
        "weights": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        "batches": getattr(batches, "facts", None),
        "validation": _digest(validate),
        **options.deciding(),
    }


def _digest(validate: Sequence[Batch]) -> str:
    code = 0
    for batch in validate:
        for name in sorted(batch):
            code = zlib.crc32(batch[name].detach().cpu().contiguous().numpy().tobytes(), code)
    return f"{len(validate)} batches, {code:08x}"


def _finished(
    model: Network, run: RunFolder, start: Checkpoint | None, options: FitOptions, device: str, precision: str
) -> FitResult:
    run = RunFolder.again(run.folder)
    last = run.newest()
    assert last is not None, "a run that ended without an error has a checkpoint"
    best_weights = run.best_weights(last.best) if last.best and options.keep == "best" else None
    best = last.best if best_weights is not None else None
    model.cpu()
    model.load_state_dict(_last_weights(last) if best_weights is None else best_weights)
    model.eval()
    return FitResult(
        curve=tuple(row for row in read_curve(run.folder) if row["step"] <= last.step),
        steps=last.step,
        best_step=best.step if best else last.step,
        best_validation=best.validation if best else None,
        stopped=last.stopped or ("done" if last.is_last(options.steps) else "time"),
        seconds=last.seconds,
        resumed_from=start.step if start else 0,
        parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        device=torch.cuda.get_device_name() if device == "cuda" else device,
        precision=precision,
        folder=run.folder,
        options=options,
    )


def _last_weights(last: Checkpoint) -> dict[str, torch.Tensor]:
    if last.average is None:
        return last.model
    prefix = "module."
    return {name.removeprefix(prefix): tensor for name, tensor in last.average.items() if name.startswith(prefix)}


def _device_of(accelerator: str) -> str:
    if accelerator not in ("auto", "gpu"):
        return accelerator
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextlib.contextmanager
def _quiet(verbose: bool) -> Iterator[None]:
    """Suppress Lightning's messages and tips, which do not concern a reader who trains a network by one function."""
    if verbose:
        yield
        return
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning(\.|$)")
        warnings.filterwarnings("ignore", category=LightningDeprecationWarning)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C stop the training only: Lightning would end the whole Python process."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def _tensorboard(folder: Path) -> Any:
    """A logger for TensorBoard if that is installed, else False."""
    if importlib.util.find_spec("tensorboard") is None:
        return False
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(folder, name="tensorboard", version="")
