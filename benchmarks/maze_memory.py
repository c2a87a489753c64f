"""Whether a network for mazes measures distances exactly, and how long it remembers them.

python benchmarks/maze_memory.py [maze] [--file MAZES] [--mazes 64] [--recursions 60]

**The front.** The same maze is thought about twice, with G and with a free cell in its place. The call after which the state z
of a cell first differs between the two is when news of G has come there. The table compares it with the distance from G: a
network that moves news one cell in each call on z, and never slower, can tell the nearer of two ways exactly.

**The memory.** Each cell is told by the hint that the wave brings: where its path goes on. The table has the share of wrong
hints by age, the number of recursions since the wave passed the cell. A share that grows says that the network forgets.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch import Tensor
from tyro.conf import Positional

from ponderling.checkpoint import load_checkpoint
from ponderling.models.relational import Relational
from ponderling.tasks import get_task
from ponderling.tasks.maze import Maze
from ponderling.tasks.maze.cells import FREE, GOAL
from ponderling.tasks.maze.kinds import HINT_GOAL

DIFFERS = 0.7
"""Two states of a cell differ where their distance is above this share of a state's norm. Faint news runs ahead of the
front."""

AGES = (1, 2, 4, 8, 16, 24, 32)
"""Recursions since the wave passed."""


@dataclass(frozen=True)
class Options:
    """What to measure."""

    weights: Positional[str] = "maze"
    """A checkpoint of a relational network that was trained with hints."""
    _: KW_ONLY
    file: Path | None = None
    """A file of mazes; None: generated ones."""
    task: str = "maze30"
    """The family of the mazes."""
    mazes: int = 64
    """Number of mazes."""
    seed: int = 0
    """Seed of the generated mazes."""
    recursions: int = 60
    """Recursions in all."""


def latents(model: Relational, question: Tensor, *, calls: int) -> Tensor:
    """The state z of every cell after each call that changes it, (calls, N, L, D)."""
    y, z = (s.clone() for s in model.initial_state(len(question)))
    x, ties = model.embed_question(question, y.shape[2]), model.ties(question)
    states: list[Tensor] = []
    with torch.inference_mode():
        while len(states) < calls:
            for _ in range(model.config.n):
                z = model.net(x + y + z, ties)
                states.append(z[:, :, -1])
            y = model.net(y + z, ties)
    return torch.stack(states[:calls])


def arrivals(model: Relational, tokens: NDArray[np.uint8], *, calls: int) -> NDArray[np.int64]:
    """The call on z, from 1, after which news of G has come to each cell, (N, L); 0 where it has not."""
    with_goal = torch.from_numpy(tokens.astype(np.int64))
    without = with_goal.where(with_goal != GOAL, FREE)
    one, other = (latents(model, question, calls=calls) for question in (with_goal, without))
    differs = (one - other).norm(dim=-1) > DIFFERS * one[-1].norm(dim=-1).mean()
    return (differs.to(torch.uint8).argmax(0) + 1).where(differs.any(0), 0).numpy()


def hints_said(model: Relational, tokens: NDArray[np.uint8], *, recursions: int) -> NDArray[np.int64]:
    """The likeliest first hint, from 1, of each cell after each recursion, (recursions, N, L)."""
    question = torch.from_numpy(tokens.astype(np.int64))
    state, said = model.initial_state(len(tokens)), []
    ids = torch.zeros(len(tokens), dtype=torch.long)
    with torch.inference_mode():
        for _ in range(recursions):
            state, _ = model(state, question, puzzle_ids=ids, T=1)
            said.append(1 + model.hint_scores(state)[0].argmax(-1).numpy())
    return np.stack(said)


def print_front(came: NDArray[np.int64], distance: NDArray, *, calls: int) -> None:
    """How many calls news of G took, beside the distance."""
    print("moves from G  cells  news came at the call that the distance says  mean delay  greatest")
    for low in range(0, calls - 2, 15):
        within = (distance > low) & (distance <= min(low + 15, calls - 2)) & (came > 0)
        if within.any():
            late = came[within] - distance[within] - 1  # the call after which a cell beside G differs is the second
            exact = f"{100 * (late == 0).mean():.2f}%"
            print(
                f"{low + 1:5} to {low + 15:3}  {within.sum():5}  {exact:>44}  {late.mean():10.3f}  {np.abs(late).max():8}"
            )


def print_memory(said: NDArray[np.int64], right: NDArray, *, passed: NDArray) -> None:
    """The share of wrong hints by age, and at the end."""
    moves = (right > 0) & (right < HINT_GOAL) & (passed + max(AGES) <= len(said))
    wrong = said != right
    print(f"\nrecursions since the wave passed  wrong hints of {moves.sum():,} cells")
    for age in AGES:
        now = np.take_along_axis(wrong, (passed + age - 1)[None].clip(0, len(said) - 1), axis=0)[0]
        print(f"{age:32}  {100 * now[moves].mean():.3f}%")
    print(f"{'at the end':>32}  {100 * wrong[-1][moves].mean():.3f}%")


def main() -> None:
    """Prints both tables."""
    options = tyro.cli(Options, description=__doc__)
    checkpoint = load_checkpoint(options.weights, task=options.task)
    model, task = checkpoint.model, get_task(options.task)
    if not isinstance(task, Maze) or not isinstance(model, Relational) or not model.relations.hints:
        raise SystemExit(f"{options.weights}: this is for networks that were trained on mazes with hints")
    if options.file is not None:
        mazes = task.read(options.file, options.mazes)
    else:
        mazes = task.generate(np.random.default_rng(options.seed), options.mazes)
    known = task.hints(mazes.tokens)
    right, distance = known.labels[:, :, 0], known.rounds
    calls = 60
    print_front(arrivals(model, mazes.tokens[:16], calls=calls), distance[:16], calls=calls)
    n = model.config.n
    said = hints_said(model, mazes.tokens, recursions=options.recursions)
    print_memory(said, right, passed=-(-distance // n))


if __name__ == "__main__":
    main()
