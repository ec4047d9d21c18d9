"""What tests of several networks share: random tensors, a short clip, a few steps of training, and the result."""

import os

import numpy as np
import torch

from mss_lab.neural import models

RATE_HZ = 8_000
HOP = 128


class Trap:
    """An object that runs code when it is unpickled: it makes the folder that the variable TRAP names."""

    def __reduce__(self):
        return (os.mkdir, (os.environ["TRAP"],))


def noise(samples, channels=1, seed=0):
    """Soft noise, float32 (channels, samples), the same for the same seed."""
    return np.random.default_rng(seed).standard_normal((channels, samples)).astype(np.float32) * 0.1


def built(name, settings, **changes):
    """A network with drawn weights, the same in every call, in evaluation mode."""
    torch.manual_seed(0)
    return models.build(name, {**settings, **changes}).eval()


def random_tensor(*shape, dtype=torch.float64, seed=0):
    """Normally distributed numbers, the same for the same seed."""
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def weights_of(model):
    """Copies of all weights of a network by their names, which further training leaves as they are."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def clip(samples=40 * HOP, batch=1):
    """A tone that glides and a tone that is struck again and again: a batch of equal items for networks of 8 kHz."""
    times_s = np.arange(samples) / RATE_HZ
    first = 0.1 * np.sin(2 * np.pi * (300 * times_s + 100 * times_s**2)) + 0.05 * np.sin(2 * np.pi * 1500 * times_s)
    second = 0.2 * np.sin(2 * np.pi * 700 * times_s) * np.exp(-((times_s * 8) % 1) * 4)
    sources = np.stack([first, second]).astype(np.float32)
    return {"sources": torch.from_numpy(sources).expand(batch, -1, -1).clone()}


def train(model, batch, steps, learning_rate):
    """Train on one batch with Adam, and return the loss of every step, each before its step was taken."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        loss = model.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def mean_sdr_db(model, batch):
    """Mean signal-to-distortion ratio of a network's estimates of a batch; leaves the network in evaluation mode."""
    model.eval()
    with torch.no_grad():
        estimates = model(batch["sources"].sum(dim=1), batch)
    error = (batch["sources"] - estimates).square().sum(dim=-1)
    return float((10 * torch.log10(batch["sources"].square().sum(dim=-1) / error)).mean())
