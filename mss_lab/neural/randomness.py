"""Random numbers of a training run: every step has its own stream.

Contents: seed_step, own_randomness.
"""

import contextlib
import zlib
from collections.abc import Iterator

import torch

# Keeps these draws independent of other draws from the same seed.
STREAM = 0x51ED


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Seed torch's generator for one step of one process; the seed depends only on these three numbers."""
    # Spread over all bits, so that similar seeds, steps and ranks give independent streams.
    mixed = zlib.crc32(f"{STREAM} {seed} {step} {rank}".encode())
    torch.manual_seed(mixed << 32 | zlib.crc32(f"{rank} {step} {seed}".encode()))


@contextlib.contextmanager
def own_randomness(seed: int, step: int) -> Iterator[None]:
    """A block whose draws depend only on seed and step; draws after the block are the same as without it."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices):
        seed_step(seed, step)
        yield
