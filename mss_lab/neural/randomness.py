"""Random numbers of a training run: every step draws from a stream of its own.

Contents: seed_step, own_randomness.
"""

import contextlib
import zlib
from collections.abc import Iterator

import torch

# Keeps the draws of a step apart from those of other code that starts from the same seed.
STREAM = 0x51ED


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Set torch's generator for one step of one process, from the three numbers alone."""
    # Spread over all bits, so that neighbours in seed, step and rank share nothing.
    mixed = zlib.crc32(f"{STREAM} {seed} {step} {rank}".encode())
    torch.manual_seed(mixed << 32 | zlib.crc32(f"{rank} {step} {seed}".encode()))


@contextlib.contextmanager
def own_randomness(seed: int, step: int) -> Iterator[None]:
    """A block whose draws depend on the seed alone; draws after the block are as if there had been no block."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices):
        seed_step(seed, step)
        yield
