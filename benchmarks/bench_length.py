"""What a longer grid costs: seconds of one supervision step by number of tokens, attention and MLP blocks.

    python benchmarks/bench_length.py

Random weights, no gradient. For a cost linear in the tokens the time for each stays the same; attention compares every pair of
tokens and an MLP over positions has weights for every pair, so both grow beyond that. Each length has a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import torch
import tyro

from peak_memory import peak_mb
from ponderling.config import DType, ModelConfig, PuzzleShape
from ponderling.models import build_model, count_parameters


@dataclass(frozen=True)
class Options:
    """What to measure."""

    sides: tuple[int, ...] = (9, 12, 16, 20, 30)
    """Sides of square grids: 81 to 900 tokens."""
    hidden_size: int = 128
    """D."""
    _: KW_ONLY
    dtype: DType = "float32"
    """Of the activations."""
    puzzles: int = 8
    """In a batch."""
    rounds: int = 5
    """The fastest counts."""
    json: Path | None = None
    """Also write the figures to this file."""
    one: str | None = None
    """Used by the script itself: the mixer and the side to measure, as `mlp 9`."""


@torch.inference_mode()
def measure(options: Options, mixer: str, *, side: int) -> dict[str, Any]:
    """Milliseconds of one step, and the process's peak memory."""
    tokens = side * side
    config = ModelConfig(
        hidden_size=options.hidden_size,
        num_heads=4,
        mixer="mlp" if mixer == "mlp" else "attention",
        positions="none" if mixer == "mlp" else "rope",
        puzzle_embedding_size=0,
        dtype=options.dtype,
    )
    model = build_model(config, PuzzleShape(vocab_size=11, seq_len=tokens, num_puzzles=1, columns=side)).eval()
    question = torch.randint(1, 11, (options.puzzles, tokens))
    ids = torch.zeros(options.puzzles, dtype=torch.long)
    state = model.initial_state(options.puzzles)
    times = []
    for _ in range(options.rounds):
        began = time.perf_counter()
        model(state, question, puzzle_ids=ids)
        times.append(time.perf_counter() - began)
    return {
        "mixer": mixer,
        "tokens": tokens,
        "parameters": count_parameters(model),
        "ms": round(1000 * min(times), 1),
        "us_a_token": round(1e6 * min(times) / tokens / options.puzzles, 2),
        "peak_mb": peak_mb(),
    }


def main(options: Options) -> None:
    """Measures and prints."""
    if options.one:
        mixer, side = options.one.split()
        return print(json.dumps(measure(options, mixer, side=int(side))))
    rows = []
    print("| blocks | tokens | parameters | ms a step | us a token and puzzle | peak memory, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for mixer in ("attention", "mlp"):
        for side in options.sides:
            command = [sys.executable, __file__, *sys.argv[1:], "--one", f"{mixer} {side}"]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
            rows.append(row)
            print(
                f"| {mixer} | {row['tokens']} | {row['parameters']:,} | {row['ms']} | {row['us_a_token']} | {row['peak_mb']} |"
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Options))
