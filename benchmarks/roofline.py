"""How near a training step comes to what this machine can do at most with the same matrix products.

    python benchmarks/roofline.py sudoku

Every matrix product of an uncompiled step, forward and backward, is noted with its shapes and strides. Each kind is then
timed alone, warm, into memory that is there already; their sum is what the step would take if all between the products were
free. It is not: what a product reads was written by somebody, and what it writes is read again, so each such tensor has to
cross the memory bus once more. Products and that traffic, at the bandwidth of a sum of two large tensors, are the roofline:
arithmetic between the products, saved activations that are no operand of one, and the optimizer count as nothing.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import tyro
from torch.utils._python_dispatch import TorchDispatchMode
from tyro.conf import Positional

from bench_step import CONFIGURATIONS, make_trainer
from ponderling.system import keep_freed_memory

PRODUCTS = {"aten.mm.default": torch.mm, "aten.bmm.default": torch.bmm, "aten.addmm.default": torch.addmm}

Operand = tuple[tuple[int, ...], tuple[int, ...]]
"""Shape and strides."""


@dataclass(frozen=True)
class Options:
    """What to measure."""

    name: Positional[str] = "sudoku"
    """A configuration of bench_step.py."""
    rounds: int = 3
    """Steps that are timed, and timings of each product."""


class Products(TorchDispatchMode):
    """Counts the matrix products that run, and the bytes of their operands and results, each tensor once."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, tuple[Operand, ...]]] = Counter()
        self.bytes = 0
        self.kept: dict[int, torch.Tensor] = {}  # else another tensor could get a number that has been seen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if str(func) in PRODUCTS:
            self.counts[str(func), tuple((tuple(a.shape), tuple(a.stride())) for a in args)] += 1
            for tensor in (*args, result):
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in self.kept:
                    self.kept[storage.data_ptr()] = tensor
                    self.bytes += min(storage.nbytes(), tensor.numel() * tensor.element_size())
        return result


def best(work: Callable[[], object], rounds: int) -> float:
    """Seconds, the best of so many after one to warm up."""
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times[1:])


def seconds_of(name: str, operands: tuple[Operand, ...], *, rounds: int) -> float:
    """Of one product of this kind, into memory that is there."""
    tensors = [
        torch.randn(1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))).as_strided(shape, strides)
        for shape, strides in operands
    ]
    product = PRODUCTS[name]
    out = product(*tensors)
    return best(lambda: product(*tensors, out=out), rounds)


def bandwidth(rounds: int) -> float:
    """Bytes a second of the sum of two tensors of 64 MB."""
    a, b, c = (torch.zeros(16 * 2**20) for _ in range(3))
    return 3 * a.numel() * 4 / best(lambda: torch.add(a, b, out=c), 3 * rounds)


def main(options: Options) -> None:
    """Measures and prints."""
    keep_freed_memory()  # as training does
    config = CONFIGURATIONS[options.name]
    with tempfile.TemporaryDirectory() as folder:
        plain = make_trainer(replace(config, run=replace(config.run, compile=False)), folder)
        products = Products()
        with products:
            plain.train_step()
        traffic = products.bytes / bandwidth(options.rounds)
        products.kept.clear()
        del plain
        alone = sum(count * seconds_of(*kind, rounds=options.rounds) for kind, count in products.counts.items())
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(config, folder)
        trainer.train_step()
        step = best(trainer.train_step, options.rounds)
    print(f"{options.name}: {sum(products.counts.values()):,} matrix products of {len(products.counts)} kinds")
    print(f"the products alone {alone:.2f} s, {products.bytes / 1e9:.1f} GB between them {traffic:.2f} s")
    print(
        f"a step, compiled, {step:.2f} s: {step / alone:.2f} times the products, {step / (alone + traffic):.2f} times both"
    )


if __name__ == "__main__":
    main(tyro.cli(Options))
