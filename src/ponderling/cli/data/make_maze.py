"""`ponderling data make maze`: mazes of any size and of many kinds, with the rule of Maze-Hard for their paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ponderling.cli.arguments import check_numbers, parse_arguments
from ponderling.cli.data.made import FACTS, command_of, new_folder, say_stopped, write_facts
from ponderling.cli.display import Bars
from ponderling.cli.signals import StopOnSignal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ponderling.tasks.base import Puzzles
    from ponderling.tasks.maze import Maze

BATCH = 256
"""Mazes that are made before those like an earlier one are sorted out."""

Kind = Literal["hard", "field", "empty", "perfect", "loops", "cave", "corridor", "spiral", "mixed"]

Ends = Literal["far", "any", "beside", "mixed"]


@dataclass(frozen=True, kw_only=True)
class MakeMazeCommand:
    """What `ponderling data make maze` takes."""

    out: Path
    """Folder for train.csv.gz, test.csv.gz and made.json; files that are there already are not overwritten."""
    size: int = 10
    """Rows of the grid."""
    columns: int | None = None
    """Columns of the grid; as many as rows if not given."""
    train: int = 1000
    """Training mazes."""
    test: int = 100
    """Test mazes; none is a training maze, also not turned or mirrored."""
    kind: Kind = "hard"
    """Kind of walls: hard has random ones as Maze-Hard, field few, empty none. Perfect mazes have one way between any two
    places, loops some more. Then caves, corridors that turn back at the edges, spirals; mixed has all of them."""
    ends: Ends | None = None
    """Where S is: far from G, anywhere, or beside it. If not given far, and mixed for the mixed kind."""
    min_path: int | None = None
    """Cells of the shortest path at least, S and G included. If not given, the kind hard has 11 for every 90 cells of the grid
    up to 30x30, and 11 for every 3 cells of the side beyond: 12 for 10x10, 110 for 30x30 as in Maze-Hard, 220 for 60x60. Each
    cell more makes such mazes rarer. Other kinds go by `ends`."""
    walls: tuple[float, float] | None = None
    """Lowest and highest share of walls among the cells, from 0 to 1; their number is uniform between. For the kinds hard
    (if not given 0.3 0.5) and field (0 0.35)."""
    unsolvable: float = 0.0
    """Share of mazes without a way from S to G, from 0 to 1. Their answer has no path, and their rating is 0."""
    most_starts: int = 1
    """Most cells S. If above 1, half of the mazes have 2 or more, and the answer marks a path from each."""
    seed: int = 0
    """Seed; the same command gives the same files."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        MakeMazeCommand,
        args,
        prog="ponderling data make maze",
        description="Generates mazes with their shortest paths.",
    )
    check_numbers(command, min_path=2, most_starts=1, seed=0)
    import numpy as np

    from ponderling.tasks.maze import Maze
    from ponderling.tasks.maze.generating import WALLS
    from ponderling.tasks.maze.kinds import FIELD_WALLS

    if command.train < 0 or command.test < 0 or command.train + command.test < 1:
        raise ValueError(
            f"--train and --test must not be negative, and not both 0: got {command.train} and {command.test}"
        )
    task = Maze(command.size, command.columns)
    if command.walls is None and command.kind in ("hard", "field"):
        command = replace(command, walls=WALLS if command.kind == "hard" else FIELD_WALLS)
    files = ("train.csv.gz", "test.csv.gz", FACTS)
    with new_folder(command.out, *files) as (train_file, test_file, facts_file), StopOnSignal() as stop:
        rng = np.random.default_rng(command.seed)
        with Bars() as bars:
            wanted = command.train + command.test
            show = bars.add(task.name, total=wanted)
            if wanted and not bars.console.is_terminal:
                bars.say(f"{task.name}: making {wanted:,} mazes of the kind {command.kind}")
            made = _distinct_mazes(task, command, rng=rng, progress=show, stop=stop)
        if not len(made):
            raise KeyboardInterrupt
        is_whole = len(made) == wanted
        tests = command.test if is_whole else command.test * len(made) // wanted
        train, test = made[tests:], made[:tests]
        task.write(train_file, train)
        task.write(test_file, test)
        always = ("size", "kind", "train", "test", "walls", "seed")
        facts = {
            "command": command_of(command, "data make maze", always=always, never=("out",)),
            "train": _facts(train),
            "test": _facts(test),
        }
        write_facts(facts_file, facts if is_whole else facts | {"stopped_early": True})
    if not is_whole:
        say_stopped(command.out, training=(len(train), command.train), test=(len(test), command.test))
        return 130
    return 0


def _distinct_mazes(
    task: Maze,
    command: MakeMazeCommand,
    *,
    rng: np.random.Generator,
    progress: Callable[[int], object],
    stop: Callable[[], bool],
) -> Puzzles:
    """Draws the wanted number of mazes, no two of them alike, even turned or mirrored; fewer if stopped."""
    import numpy as np

    from ponderling.tasks.base import join

    options: dict[str, Any] = {
        name: getattr(command, name) for name in ("kind", "walls", "min_path", "ends", "unsolvable", "most_starts")
    }
    wanted, stalled = command.train + command.test, 0
    found = task.generate(rng, 0, **options)
    while len(found) < wanted and not stop():
        known = len(found)
        more = task.generate(
            rng,
            min(BATCH, wanted - known),
            progress=lambda done, known=known: progress(known + done),
            stop=stop,
            **options,
        )
        found = join([found, more])
        found = found[np.sort(np.unique(task.fingerprint(found.tokens), return_index=True)[1])]
        stalled = 0 if len(found) > known else stalled + 1
        if stalled == 50:
            raise ValueError(
                f"found only {known} different mazes of this kind and no new one for 50 batches: ask for fewer than {wanted}, "
                "for larger ones or for shorter paths"
            )
        progress(len(found))
    return found


def _facts(mazes: Puzzles) -> dict[str, Any]:
    from ponderling.tasks.maze.cells import WALL

    assert mazes.ratings is not None
    has_way = mazes.ratings > 0
    return {
        "mazes": len(mazes),
        "without_a_way": int((~has_way).sum()),
        "walls": _range((mazes.tokens == WALL).sum(axis=1)),
        "path_cells": _range(mazes.ratings[has_way]),
    }


def _range(numbers: NDArray[Any]) -> dict[str, float] | None:
    if not len(numbers):
        return None
    return {"fewest": int(numbers.min()), "mean": round(float(numbers.mean()), 2), "most": int(numbers.max())}
