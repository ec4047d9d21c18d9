"""A network small enough for tests: two layers, a mask for each source; and what to train it with."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mss_lab.neural import frontend

SOURCES = ("violin", "bassoon")
RATE_HZ = 8000
SAMPLES = 2000
PARTS = 2


@dataclasses.dataclass(frozen=True)
class ToySettings:
    """Sizes; `score` lets the masks follow from the rolls, `normalise` and `dropout` make it depend on the batch."""

    sources: tuple[str, ...] = SOURCES
    sample_rate_hz: int = RATE_HZ
    window_samples: int = 128
    hop_samples: int = 32
    hidden: int = 12
    dropout: float = 0.2
    normalise: bool = True
    score: bool = False


class ToyNetwork(nn.Module):
    Settings = ToySettings

    def __init__(self, settings):
        super().__init__()
        self.settings = settings
        self.sources = settings.sources
        self.sample_rate_hz = settings.sample_rate_hz
        self.hop_samples = settings.hop_samples
        self.needs_score = settings.score
        bins = settings.window_samples // 2 + 1
        self.norm = nn.BatchNorm1d(bins) if settings.normalise else nn.Identity()
        self.first = nn.Linear(bins + (128 * len(settings.sources) if settings.score else 0), settings.hidden)
        self.dropout = nn.Dropout(settings.dropout)
        self.second = nn.Linear(settings.hidden, bins * len(settings.sources))

    def forward(self, mixture, conditions=None):
        lengths = (self.settings.window_samples, self.settings.hop_samples)
        transform = frontend.stft(mixture, *lengths)
        heard = self.norm(transform.abs()).transpose(1, 2)
        if self.settings.score:
            heard = torch.cat([heard, conditions["rolls"].transpose(1, 2).flatten(2)], dim=-1)
        made = self.second(self.dropout(torch.tanh(self.first(heard)))).float()
        masks = made.transpose(1, 2).unflatten(1, (len(self.sources), -1)).softmax(dim=1)
        return frontend.istft(masks * transform[:, None], *lengths, length=mixture.shape[-1])

    def loss(self, batch):
        sources = batch["sources"]
        return 100 * (self(sources.sum(dim=1), batch) - sources).square().mean()


def network(seed=0, **settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ToyNetwork(ToySettings(**settings))


def batches(step):
    """Four mixtures of a low and a high tone, drawn by the number of the step."""
    rng = np.random.default_rng(step)
    times_s = np.arange(SAMPLES) / RATE_HZ
    frequencies_hz = np.stack([rng.uniform(100, 300, 4), rng.uniform(1000, 3000, 4)], axis=1)[..., None]
    return {"sources": torch.from_numpy(0.3 * np.sin(2 * np.pi * frequencies_hz * times_s)).float()}


def validation():
    return [batches(10_000 + step) for step in range(2)]


def run(folder, steps=30, model=None, made=batches, **options):
    """A short run of `fit`; returns the network and the result."""
    from mss_lab.neural import fit

    model = model or network()
    plan = {"validate": validation(), "validate_every": 10, "log_every": 5, "accelerator": "cpu", "progress": False}
    plan["learning_rate"] = 0.01
    result = fit.fit(model, made, folder=folder, steps=steps, **{**plan, **options})
    return model, result


class Songs(list):
    """A list of songs that serves as a store."""

    def __init__(self, songs, **facts):
        super().__init__(songs)
        self.facts = {"sources": list(SOURCES), "sample_rate_hz": RATE_HZ, **facts}


def song(index, length_s=1.0):
    """Two notes for each of two players, and what they sound like: a tone where a note is, and nothing elsewhere."""
    rng = np.random.default_rng(index)
    samples = round(length_s * RATE_HZ)
    times_s = np.arange(samples) / RATE_HZ
    audio, notes = np.zeros((2, samples), np.float16), []
    for source, lowest in enumerate((72, 45)):
        for onset_s, offset_s in ((0.1, 0.4), (0.5, 0.9)):
            midi = int(rng.integers(lowest, lowest + 12))
            sounding = (times_s >= onset_s) & (times_s < offset_s)
            audio[source] += (sounding * 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * times_s)).astype("f2")
            notes.append((source, midi, onset_s, offset_s))
    return {"audio": audio, "notes": np.array(notes, np.float64)}


if __name__ == "__main__":
    # A run of its own, to be killed or to be one of two: folder, devices, and seconds to wait at a step and there.
    folder, devices, wait_at = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

    def slow_batches(step):
        if step == wait_at:
            (Path(folder) / "waiting").touch()
            import time

            time.sleep(600)
        return batches(step)

    if devices == 1:
        run(folder, made=slow_batches, checkpoint_minutes=0)
    else:
        alone = {"validate": None, "optimizer": "sgd", "learning_rate": 0.1, "clip_norm": 0.5}
        run(folder, 5, network(normalise=False, dropout=0.0), devices=devices, strategy="ddp", **alone)
