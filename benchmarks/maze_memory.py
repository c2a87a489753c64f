"""Whether a network for mazes measures distances exactly, and how long it remembers them.

python benchmarks/maze_memory.py [maze] [--file MAZES] [--mazes 64] [--recursions 60]

**The front.** The same maze is thought about twice, with G and with a free cell in its place. News of G has come to a cell when
its states z differ between the two: clearly, by most of a state's norm, or faintly, by a hundredth of it. The table compares
the call on z after which it has come with the distance from G. Faint news also takes the short way through walls, which hear
their neighbours, too. Clear news that moves one cell in each call can tell the nearer of two ways exactly.

**The memory.** Each cell is told by the hint that the wave brings: where its path goes on. The table has the share of wrong
hints by age, the number of recursions since the wave passed the cell. A share that grows says that the network forgets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch import Tensor

from maze_wave import Source, told
from ponderling.models.relational import Relational
from ponderling.tasks.maze.cells import FREE, GOAL
from ponderling.tasks.maze.kinds import HINT_GOAL

CLEAR, FAINT = 0.7, 0.01
"""Shares of a state's norm by which two states of a cell differ at least, where news is clear and where it is faint."""

FOLLOWED, CALLS, BAND = 16, 60, 15
"""Number of mazes in which the front is followed, number of calls on z for which it is, and moves from G in a row of the
table."""

AGES = (1, 2, 4, 8, 16, 24, 32)
"""Recursions since the wave passed."""


@dataclass(frozen=True, kw_only=True)
class Options(Source):
    """What to measure."""

    mazes_shown: Annotated[int, tyro.conf.arg(name="mazes")] = 64
    """Number of mazes."""
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
            y = model.held(model.net(y + z, ties), y)
    return torch.stack(states[:calls])


def differences(model: Relational, tokens: NDArray[np.uint8], *, calls: int) -> NDArray[np.float32]:
    """How far apart the states with G and without it are after each call on z, as shares of a state's norm, (calls, N, L)."""
    with_goal = torch.from_numpy(tokens.astype(np.int64))
    without = with_goal.where(with_goal != GOAL, FREE)
    one, other = (latents(model, question, calls=calls) for question in (with_goal, without))
    return ((one - other).norm(dim=-1) / one[-1].norm(dim=-1).mean()).numpy()


def arrivals(apart: NDArray[np.float32], least: float) -> NDArray[np.int64]:
    """The call on z, from 1, after which each cell's states are more than `least` apart, (N, L); 0 where they never are."""
    differs = apart > least
    return np.where(differs.any(axis=0), differs.argmax(axis=0) + 1, 0)


def print_front(apart: NDArray[np.float32], distance: NDArray) -> None:
    """When news of G came, beside when the distance lets it come."""
    calls = len(apart)
    clear, faint = (arrivals(apart, least) for least in (CLEAR, FAINT))
    print("moves from G  cells  clear news: in time   sooner    later  faint news: sooner")
    for low in range(0, calls - 2, BAND):
        within = (distance > low) & (distance <= min(low + BAND, calls - 2))
        # The first call lets the cells beside G know; a cell's own state differs from the call after its distance on.
        late = clear[within] - distance[within] - 1
        never = clear[within] == 0
        shares = ((late == 0) & ~never, (late < 0) & ~never, (late > 0) | never, faint[within] <= distance[within])
        in_time, sooner, later, leaked = (f"{100 * share.mean():.2f}%" for share in shares)
        print(f"{low + 1:5} to {low + BAND:3}  {within.sum():5}  {in_time:>19}  {sooner:>7}  {later:>7}  {leaked:>18}")


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
    model, task = options.load()
    if model.config.num_layers != 1:
        raise SystemExit(
            f"{options.weights}: a call moves news by {model.config.num_layers} cells, one for each block: needs 1"
        )
    mazes = options.mazes(task, options.mazes_shown)
    known = task.hints(mazes.tokens)
    right, distance = known.labels[:, :, 0], known.rounds
    print_front(differences(model, mazes.tokens[:FOLLOWED], calls=CALLS), distance[:FOLLOWED])
    said = np.stack(told(model, mazes.tokens, recursions=options.recursions)[0])
    print_memory(said, right, passed=-(-distance // model.config.n))


if __name__ == "__main__":
    main()
