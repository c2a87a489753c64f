"""What `keep_freed_memory` is worth: the token mixer's largest product, whose output of 34 or 67 MB is allocated anew.

    python benchmarks/bench_allocator.py

Two processes take turns, one with the setting, one with the allocator as it comes; the best round of each counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
import tyro

from bench_step import ceiling, timed
from ponderling.system import keep_freed_memory


@dataclass(frozen=True)
class Options:
    """What to measure."""

    rounds: int = 4
    """Processes of each."""
    side: str | None = None
    """Used by the script itself: print the GFLOP/s with `kept` memory, or as it `comes`."""


def gflops() -> dict[str, float]:
    """The product as `MixPositions` has it and as the official code does, best of eight; batches of bench_step.py."""
    figures = {"ceiling": ceiling()}
    for batch_size, D in ((64, 128), (32, 512)):
        x, weight = torch.randn(batch_size, 97, D), torch.randn(2 * 512, 97)
        ways = {
            "from the left": lambda x=x, weight=weight: torch.bmm(weight.expand(len(x), -1, -1), x),
            "official": lambda x=x, weight=weight: F.linear(x.transpose(1, 2), weight),
        }
        for way, product in ways.items():
            best = min(timed(product) for _ in range(8))
            figures[f"{batch_size} x {D} channels, {way}"] = 2 * batch_size * D * weight.numel() / best / 1e9
    return figures


def main(options: Options) -> None:
    """Measures and prints a table."""
    if options.side:
        if options.side == "kept":
            keep_freed_memory()
        print(json.dumps(gflops()))
        return
    best: dict[str, dict[str, float]] = {"comes": {}, "kept": {}}
    for _ in range(options.rounds):
        for side, figures in best.items():
            command = [sys.executable, __file__, "--side", side]
            measured = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
            best[side] = {what: max(value, figures.get(what, 0)) for what, value in measured.items()}
    print("| GFLOP/s | as it comes | kept | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for what, comes in best["comes"].items():
        print(f"| {what} | {comes:.0f} | {best['kept'][what]:.0f} | {best['kept'][what] / comes:.2f} |")


if __name__ == "__main__":
    main(tyro.cli(Options))
