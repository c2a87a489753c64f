"""Floating-point operations of one supervision step of recipes on their task, by torch's FlopCounterMode.

    python benchmarks/step_cost.py sudoku trm-sudoku-mlp trm-sudoku-attention hrm-sudoku
    python benchmarks/step_cost.py maze@maze30 trm-maze hrm-maze

Forward only, one puzzle. `@` and a task stand for another size than the recipe's own.
The counter does not see activations, norms, and attention that is fused.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from ponderling.config import PuzzleShape
from ponderling.models import build_model, count_parameters
from ponderling.recipes import get_recipe
from ponderling.tasks import get_task


@torch.no_grad()
def cost(name: str) -> tuple[int, int, int]:
    """Parameters of the recipe's network, operations of a step, and steps as in training."""
    recipe, _, other = name.partition("@")
    config = get_recipe(recipe).config
    task = get_task(other or config.data.family)
    rows, columns = task.grid_shape
    shape = PuzzleShape(task.vocab_size, rows * columns, num_puzzles=1, columns=columns)
    model = build_model(replace(config.model, dtype="float32"), shape, relations=task.relations).eval()
    tokens, ids = torch.ones(1, rows * columns, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        model(model.initial_state(1), tokens, puzzle_ids=ids)
    return count_parameters(model), counter.get_total_flops(), config.train.N_sup


def main(names: list[str]) -> None:
    """Prints a row for each, with what its steps cost in steps of the first."""
    first = cost(names[0])[1]
    print(f"| recipe | parameters | one step | all its steps | in steps of {names[0]} |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in names:
        parameters, flops, steps = cost(name)
        print(
            f"| `{name}` | {parameters:,} | {flops:.2e} | {steps}: {steps * flops:.2e} | {steps * flops / first:,.0f} |"
        )


if __name__ == "__main__":
    main(sys.argv[1:] or ["sudoku", "trm-sudoku-mlp", "trm-sudoku-attention", "hrm-sudoku"])
