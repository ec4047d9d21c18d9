"""Losses and a whole training step of X-UMX beside their published form: same values, same gradients, less time.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.combination_loss [--repeats 5] [--clock wall] [--sources 4] [--batch 8]

The published form goes through all combinations one after the other: it adds the masks, inverts the sum (14 inverse
transforms for 4 sources) and compares it with the sum of the sources, in both domains. A step is the forward pass, both
losses, their gradients, and Adam, for the network of the paper at 44.1 kHz; in the published form each branch goes
through its layers one at a time as they are drawn. Both forms of a step share one set of weights, and draw no dropout
when their values are compared.

Times are the shortest of the repeats, taken in turn in one process; a ratio below 1 says that ours is faster. Behind it
stand the ratios of the single repeats. On a machine that others use too, `--clock processor` counts what this process
was given. Memory is the peak of a process of its own that does the same three times, and
the rise of that peak over what it had held before.
"""

import argparse
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch.nn import functional

from mss_lab.neural import frontend, layers, losses
from mss_lab.neural.models import xumx
from tests.benchmarks.memory import peak_bytes

SAMPLE_RATE_HZ, WINDOW, HOP = 44_100, 4096, 1024
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


# The published form


def every_combination(sources: int) -> list[tuple[int, ...]]:
    """All choices of 1 to J-1 sources."""
    return [chosen for size in range(1, sources) for chosen in itertools.combinations(range(sources), size)]


def published_wsdr(estimate: torch.Tensor, source: torch.Tensor, mixture: torch.Tensor) -> torch.Tensor:
    """1 + wSDR of waveforms (batch, samples), as its formula stands; one sample more of `LEAST_ENERGY` in each."""

    def inner(first, second):
        return (first * second).sum(-1) + losses.LEAST_ENERGY

    def cosine(first, second):
        return inner(first, second) / (inner(first, first) * inner(second, second)).sqrt()

    rest = mixture - source
    share = inner(source, source) / (inner(source, source) + inner(rest, rest))
    return 1 - share * cosine(source, estimate) - (1 - share) * cosine(rest, mixture - estimate)


def published_loss(
    masks: torch.Tensor, transform: torch.Tensor, targets: torch.Tensor, sources: torch.Tensor, hop: int = HOP
) -> tuple[torch.Tensor, torch.Tensor]:
    """Frequency loss and 1 + wSDR, each the mean over combinations that are formed one by one."""
    window = 2 * (transform.shape[-2] - 1)
    mixture, magnitude = sources.sum(1), transform.abs()
    found = []
    for chosen in every_combination(sources.shape[1]):
        mask = sum(masks[:, j] for j in chosen)
        frequency = functional.mse_loss(mask * magnitude, sum(targets[:, j] for j in chosen))
        estimate = frontend.istft(mask * transform, window, hop, length=sources.shape[-1])
        found.append((frequency, published_wsdr(estimate, sum(sources[:, j] for j in chosen), mixture).mean()))
    return sum(one for one, _ in found) / len(found), sum(one for _, one in found) / len(found)


def published_masks(model: xumx.Xumx, magnitude: torch.Tensor, rolls: torch.Tensor | None = None) -> torch.Tensor:
    """Masks of a network with these weights, layer after layer and branch after branch."""
    bins = model.settings.input_bins
    encoded, scores = [], []
    for j, branch in enumerate(model.branches):
        seen = magnitude[:, :bins].transpose(1, 2)
        score = None if rolls is None else rolls[:, j]
        if branch.score in ("concatenate", "multiply", "late"):
            score = torch.relu(rows(branch.reader_norm, branch.reader(score)[0]))
        if branch.score == "only":
            seen = score
        else:
            if branch.score == "multiply":
                seen = seen * torch.sigmoid(branch.gate(score))
            seen = (seen + branch.input_shift) * branch.input_scale
        if branch.score == "concatenate":
            seen = torch.cat([seen, score], -1)
        encoded.append(torch.tanh(rows(branch.encoder_norm, branch.encoder(seen))))
        scores.append(score)
    if model.settings.bridging:
        encoded = [sum(encoded) / len(encoded)] * len(encoded)
    joined = [torch.cat([e, branch.memory(e)[0]], -1) for e, branch in zip(encoded, model.branches, strict=True)]
    if model.settings.bridging:
        joined = [sum(joined) / len(joined)] * len(joined)
    masks = []
    for branch, own, score in zip(model.branches, joined, scores, strict=True):
        own = torch.cat([own, score], -1) if branch.score == "late" else own
        hidden = torch.relu(rows(branch.decoder_norm, branch.decoder(own)))
        mask = rows(branch.output_norm, branch.output(hidden))
        if branch.score != "only":
            mask = mask * branch.output_scale + branch.output_shift
        masks.append(torch.relu(mask).transpose(1, 2))
    return torch.stack(masks, 1)


def rows(norm: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Batch normalisation of the last axis over all others."""
    return norm(features.flatten(0, 1)).view(features.shape)


# What is compared


def loss_of(form: str, masks: torch.Tensor, data: dict[str, torch.Tensor]) -> torch.Tensor:
    """The loss of one form, from masks on; what the data hold is not timed with it."""
    transform, targets, sources = data["transform"], data["targets"], data["sources"]
    if form == "published":
        frequency, time_domain = published_loss(masks, transform, targets, sources)
    else:
        estimates = layers.masked_waveforms(masks, transform, WINDOW, HOP, length=sources.shape[-1])
        frequency = losses.frequency_loss(masks, transform.abs(), targets)
        time_domain = losses.weighted_sdr_loss(estimates, sources)
    return frequency + 10 * time_domain


def step_loss(form: str, model: xumx.Xumx, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The loss of a whole step of one form, from waveforms on."""
    if form == "ours":
        return model.loss(batch)
    sources = batch["sources"]
    transform = frontend.stft(sources.sum(1), WINDOW, HOP)
    masks = published_masks(model, transform.abs(), batch.get("rolls"))
    frequency, time_domain = published_loss(masks, transform, frontend.stft(sources, WINDOW, HOP).abs(), sources)
    return frequency + 10 * time_domain


def music(batch: int, sources: int, length_s: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Waveforms (batch, sources, samples) that differ in level and colour: harmonics that decay, with some noise."""
    generator = torch.Generator().manual_seed(0)
    times = torch.arange(round(length_s * SAMPLE_RATE_HZ), dtype=dtype) / SAMPLE_RATE_HZ
    pitches_hz = 110 * 2 ** (torch.rand(batch, sources, 1, generator=generator, dtype=dtype) * 3)
    levels = torch.rand(batch, sources, 1, generator=generator, dtype=dtype)
    waveforms = torch.empty(batch, sources, len(times), dtype=dtype)
    # An item at a time, so that making them takes less memory than what is measured.
    for item, pitch_hz, level in zip(waveforms, pitches_hz, levels, strict=True):
        tone = sum(torch.sin(2 * torch.pi * h * pitch_hz * times) / h for h in range(1, 6))
        noise = torch.randn(item.shape, generator=generator, dtype=dtype)
        item.copy_(level * (0.05 * tone * torch.exp(-3 * (times % 0.5)) + 0.001 * noise))
    return waveforms


def data_of(waveforms: torch.Tensor) -> dict[str, torch.Tensor]:
    """What a loss needs beside masks."""
    transform = frontend.stft(waveforms.sum(1), WINDOW, HOP)
    return {"sources": waveforms, "transform": transform, "targets": frontend.stft(waveforms, WINDOW, HOP).abs()}


def start_masks(data: dict[str, torch.Tensor]) -> torch.Tensor:
    """Masks as a network gives them at first, around 1, with time before frequency in memory as there."""
    batch, sources, bins, frames = data["targets"].shape
    generator = torch.Generator().manual_seed(1)
    masks = torch.relu(1 + torch.randn(batch, sources, frames, bins, generator=generator, dtype=data["targets"].dtype))
    return masks.transpose(-1, -2).requires_grad_()


def values(form: str, data: dict[str, torch.Tensor]) -> tuple[float, torch.Tensor]:
    """Loss and gradient of one form."""
    masks = start_masks(data)
    loss = loss_of(form, masks, data)
    loss.backward()
    return loss.item(), masks.grad


def in_turn(
    forms: dict[str, Callable[[], None]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each form, all forms in every repeat; one repeat goes before that is not counted."""
    seconds: dict[str, list[float]] = {form: [] for form in forms}
    for repeat in range(repeats + 1):
        for form, run in forms.items():
            before = clock()
            run()
            if repeat:
                seconds[form].append(clock() - before)
    return seconds


def loss_runs(waveforms: torch.Tensor) -> dict[str, Callable[[], None]]:
    """Forward and backward of both forms of the loss, ready to be timed."""
    data = data_of(waveforms)
    masks = start_masks(data)

    def run(form):
        masks.grad = None
        loss_of(form, masks, data).backward()

    return {form: lambda form=form: run(form) for form in ("published", "ours")}


def step_runs(waveforms: torch.Tensor) -> dict[str, Callable[[], None]]:
    """A training step of both forms, ready to be timed."""
    torch.manual_seed(0)
    names = tuple(f"source {j}" for j in range(waveforms.shape[1]))
    model = xumx.Xumx(xumx.XumxSettings(sources=names))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-5)

    def run(form):
        optimizer.zero_grad()
        step_loss(form, model, {"sources": waveforms}).backward()
        optimizer.step()

    return {form: lambda form=form: run(form) for form in ("published", "ours")}


def memory(what: str, form: str, waveforms: torch.Tensor) -> tuple[float, float]:
    """Peak of this process after three runs, and its rise over what was held before the first."""
    run = (loss_runs if what == "loss" else step_runs)(waveforms)[form]
    before = peak_bytes() / 1e6
    for _ in range(3):
        run()
    peak = peak_bytes() / 1e6
    return peak, peak - before


def memory_elsewhere(what: str, form: str, arguments: argparse.Namespace) -> tuple[float, float]:
    """`memory` in a process of its own."""
    sizes = [f"--{name}={getattr(arguments, name)}" for name in ("sources", "batch", "length")]
    command = [sys.executable, "-m", "tests.benchmarks.combination_loss", *sizes, "--memory", what, form]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(found[-2]), float(found[-1])


def main(given: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--sources", type=int, default=4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=float, default=6.0, help="of a segment, in seconds")
    parser.add_argument("--memory", nargs=2, metavar=("WHAT", "FORM"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(given)
    waveforms = music(arguments.batch, arguments.sources, arguments.length)
    if arguments.memory:
        print(*memory(*arguments.memory, waveforms))
        return 0
    print(
        f"{arguments.batch} segments of {arguments.length:g} s, {arguments.sources} sources, {SAMPLE_RATE_HZ} Hz, "
        f"window {WINDOW}, hop {HOP}; {torch.get_num_threads()} thread(s) of {os.cpu_count()}, clock: {arguments.clock}"
    )
    print(f"{'':26s}{'published':>11s}{'ours':>9s}{'ratio':>8s}   ratios of the repeats")
    for what, runs in (("loss, forward + backward", loss_runs), ("step", step_runs)):
        seconds = in_turn(runs(waveforms), arguments.repeats, CLOCKS[arguments.clock])
        theirs, mine = min(seconds["published"]), min(seconds["ours"])
        single = " ".join(f"{b / a:.3f}" for a, b in zip(seconds["published"], seconds["ours"], strict=True))
        print(f"{what + ' (s)':26s}{theirs:11.2f}{mine:9.2f}{mine / theirs:8.3f}   {single}", flush=True)
    for what in ("loss", "step"):
        held = {form: memory_elsewhere(what, form, arguments) for form in ("published", "ours")}
        for name, place in ((f"{what}, peak (MB)", 0), (f"{what}, rise (MB)", 1)):
            theirs, mine = held["published"][place], held["ours"][place]
            print(f"{name:26s}{theirs:11.0f}{mine:9.0f}{mine / theirs:8.3f}", flush=True)
    print(f"\n{'agreement':26s}{'published':>11s}{'ours':>9s}{'loss':>10s}{'gradient':>10s}   (differences, relative)")
    for dtype in (torch.float32, torch.float64):
        # Two segments are enough for this, and leave room for float64.
        data = data_of(music(2, arguments.sources, arguments.length, dtype))
        (theirs, their_gradient), (mine, gradient) = values("published", data), values("ours", data)
        apart = (their_gradient - gradient).norm() / their_gradient.norm()
        print(f"{dtype!s:26s}{theirs:11.5f}{mine:9.5f}{abs(mine / theirs - 1):10.1e}{apart:10.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
