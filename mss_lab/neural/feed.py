"""Make batches in advance of the training, in a thread or in separate processes, in the order of the steps.

Contents: Feed, batch_of, rank_and_count.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch

from ..refusals import RefusedValue
from .contracts import Batch, BatchSource

# Batches that are made in advance: in all for a thread, or for each worker process.
AHEAD = 2


class Feed:
    """Iterate over pairs of (number, batch), for one of the processes that train together.

    Attributes
    ----------
    batches : function of a number
    numbers : range
        Numbers of the batches, from the first that is still to come.
    workers : int
        Processes that make the batches; 0 makes them in a thread of this process.
    """

    def __init__(self, batches: BatchSource, first: int, last: int, workers: int = 0):
        self.batches = batches
        self.numbers = range(first, last)
        self.workers = workers

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[tuple[int, Batch]]:
        # Read here, because worker processes have no information about the other processes that train.
        rank, ranks = rank_and_count()
        return self._from_processes(rank, ranks) if self.workers else self._from_thread(rank, ranks)

    def _from_thread(self, rank: int, ranks: int) -> Iterator[tuple[int, Batch]]:
        waiting: list[tuple[int, Future[Batch]]] = []
        numbers_to_submit = iter(self.numbers)
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as thread:
            try:
                for number in self.numbers:
                    while len(waiting) < AHEAD and (following := next(numbers_to_submit, None)) is not None:
                        waiting.append((following, thread.submit(batch_of, self.batches, following, rank, ranks)))
                    yield number, _pinned(waiting.pop(0)[1].result())
            finally:
                for _, future in waiting:
                    future.cancel()

    def _from_processes(self, rank: int, ranks: int) -> Iterator[tuple[int, Batch]]:
        loader: Any = torch.utils.data.DataLoader(
            _Numbered(self.batches, self.numbers, rank, ranks),
            batch_size=None,
            num_workers=min(self.workers, max(1, len(self.numbers))),
            prefetch_factor=AHEAD,
            pin_memory=torch.cuda.is_available(),
        )
        yield from loader


class _Numbered(torch.utils.data.Dataset[tuple[int, Batch]]):
    """The batches of a range of numbers, as a data set for torch's loader."""

    def __init__(self, batches: BatchSource, numbers: range, rank: int, ranks: int):
        self.batches, self.numbers, self.rank, self.ranks = batches, numbers, rank, ranks

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> tuple[int, Batch]:
        number = self.numbers[index]
        return number, batch_of(self.batches, number, self.rank, self.ranks)


def batch_of(batches: BatchSource, number: int, rank: int, ranks: int) -> Batch:
    """The share of a batch that process `rank` of `ranks` trains on."""
    if ranks == 1:
        return batches(number)
    part: Any = getattr(batches, "part", None)
    if part is not None:
        share: Batch = part(number, rank, ranks)
        return share
    return {name: _share(tensor, rank, ranks) for name, tensor in batches(number).items()}


def rank_and_count() -> tuple[int, int]:
    """The number of this process among those that train together, and the number of these processes."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def _share(tensor: torch.Tensor, rank: int, ranks: int) -> torch.Tensor:
    if len(tensor) % ranks:
        raise RefusedValue(
            f"a batch must be a multiple of the number of processes, {ranks}, got {len(tensor)} examples; "
            "choose another batch, or other devices"
        )
    share = len(tensor) // ranks
    return tensor[rank * share : (rank + 1) * share]


def _pinned(batch: Batch) -> Batch:
    if not torch.cuda.is_available():
        return batch
    # A GPU can copy from pinned memory while it computes.
    return {name: tensor if tensor.is_cuda else tensor.pin_memory() for name, tensor in batch.items()}
