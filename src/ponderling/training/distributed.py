"""Several processes that train one model, each with its share of the batch, started by `torchrun`.

Every process holds the whole network and thinks about B / size puzzles. The gradients of all are added up before each
update, so that every process makes the same update and the weights never differ. A process alone is a `World` of one, in
which nothing is asked of anybody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from ponderling.models.device import check_device

T_ = TypeVar("T_")


@dataclass(frozen=True)
class World:
    """The processes of a run, and which of them this is."""

    rank: int = 0
    """This process, from 0."""
    size: int = 1
    """Processes in all."""

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and tells the user."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's slice of a sequence of `count` items; the slices in order of rank are the whole."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def own_seed(self, seed: int) -> int:
        """The seed of this process's stream of random numbers in a run; the first process uses the run's own seed."""
        return seed if self.is_first else int(np.random.SeedSequence([seed, 0, self.rank]).generate_state(1)[0])

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replaces every tensor by its sum over all processes, which is the same number in each of them, to the last bit."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1).to(tensors[0].dtype) for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.size == 1:
            return flag
        found = torch.tensor([int(flag)])
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found.item())

    def gather(self, value: T_) -> list[T_]:
        """Everyone's value, in order of rank, for the first process; nothing for the others. Nothing in it may be on a GPU."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size if self.is_first else []
        dist.gather_object(value, values if self.is_first else None)
        return values

    def collect(self, value: T_) -> list[T_]:
        """Everyone's value, in order of rank, for everyone. Nothing in it may be on a GPU; for small or rare things."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def joined(self, tensor: Tensor) -> Tensor:
        """Everyone's tensor of this shape, one after the other along the first axis."""
        if self.size == 1:
            return tensor
        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        dist.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    def from_first(self, work: Callable[[], T_]) -> T_:
        """What `work` gives in the first process, for all; what it raises there is raised in all."""
        if self.size == 1:
            return work()
        box: list[Any] = [None, None]
        if self.is_first:
            try:
                box[0] = work()
            except Exception as error:
                box[1] = error
        dist.broadcast_object_list(box)
        if box[1] is not None:
            raise box[1]
        return box[0]

    def copy_from_first(self, module: nn.Module) -> None:
        """Gives the module in every process the weights and buffers that it has in the first."""
        if self.size == 1:
            return
        with torch.no_grad():
            for value in module.state_dict().values():
                dist.broadcast(value, 0)


@contextmanager
def join_world() -> Iterator[World]:
    """The world that `torchrun` started this process into; a world of one without it.

    Raises:
        ValueError: when the environment names other processes, but not as torchrun does.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    missing = [
        name
        for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
        if name not in os.environ
    ]
    if missing:
        raise ValueError(
            f"WORLD_SIZE is {size}, but {', '.join(missing)} is not set: start several processes with torchrun "
            "(`torchrun --nproc-per-node 2 -m ponderling train ...`), or unset WORLD_SIZE"
        )
    dist.init_process_group()  # gloo for tensors on the CPU, nccl for those on a GPU
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def checked_device(device: str, world: World) -> torch.device:
    """`own_device`, once it is known to be there.

    Raises:
        ValueError: when it is not there, or cannot be shared out.
    """
    if world.size == 1 or device.partition(":")[0] != "cuda":
        return check_device(device)
    return check_device(own_device(device, world))


def own_device(device: str, world: World) -> torch.device:
    """The device that a run's `device` means in this process: of several GPUs the one with its local rank.

    Raises:
        ValueError: when there are more processes on this machine than GPUs, or one GPU is named for several.
    """
    found = torch.device(device)
    if world.size == 1 or found.type != "cuda":
        return found
    local, here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    count = torch.cuda.device_count() if found.index is None else 1
    if here > count:
        raise ValueError(
            f"torchrun started {here} processes here, and --run.device {device} is {count} GPU{'s' * (count != 1)}: each "
            "process needs its own; lower --nproc-per-node" + (" or say cuda" if found.index is not None else "")
        )
    if found.index is not None:
        return found
    return torch.device("cuda", local)
