"""What a source of ARC tasks holds, as `data inspect` shows it."""

from __future__ import annotations

from typing import Any

from ponderling.tasks.arc.facts import arc_facts
from ponderling.tasks.arc.family import NONE, Arc
from ponderling.tasks.arc.files import merged, read_each, same_tasks

SHOWN = 3
"""Tasks that a line names."""


def facts_of(source: str, *, test: str | None = None, task: str = "arc30", views: int | None = None) -> dict[str, Any]:
    """What a source of tasks holds, and another with those to be solved; which are in both, and their puzzle ids.

    Args:
        source: The tasks, as `read_tasks` takes them.
        test: Another source, with the tasks to be solved.
        task: The family whose canvas the puzzle ids are counted on.
        views: Count the puzzle ids that this number of views of each task makes.

    Raises:
        ValueError: for what is wrong with the files, and negative views.
    """
    sources = {"train": source} | ({} if test is None else {"test": test})
    given = {part: list(read_each(one)) for part, one in sources.items()}
    tasks = {part: merged(given[part], one) for part, one in sources.items()}
    facts: dict[str, Any] = {
        "task": task,
        **{part: {"source": one, **arc_facts(given[part], one)} for part, one in sources.items()},
    }
    if test is not None:
        facts["in_both"] = same_tasks(tasks["train"], tasks["test"])
    if views is not None:
        if views < 0:
            raise ValueError(f"--views must not be negative: got {views}")
        rows, _, columns = task.removeprefix("arc").partition("x")
        family = Arc(int(rows), views, columns=int(columns or rows))
        family.read_data(source, test or NONE, drop=True)
        facts |= {"views": views, "puzzle_ids": family.identifiers.num_rows, "left_out": family.left_out}
    return facts


def lines_of(facts: dict[str, Any]) -> list[str]:
    """The facts of `facts_of` for a person."""
    lines = [line for part in ("train", "test") if part in facts for line in _part_lines(facts[part])]
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


def _part_lines(f: dict[str, Any]) -> list[str]:
    tests, grids = f["test_inputs"], f["grids"]
    lacking = f", {tests['without_output']:,} without output" if tests["without_output"] else ""
    (low, high), (narrow, wide) = grids["rows"], grids["columns"]
    fits = " and ".join(f"{count:,} on {canvas}" for canvas, count in f["fitting"].items())
    too_large = f["tasks"] - max(f["fitting"].values())
    colours = f["tasks_with_colour"]
    twice, sharing = f["read_twice"], f["sharing_a_pair"]
    lines = [
        f"{f['source']}: {f['tasks']:,} task{'s' * (f['tasks'] != 1)}",
        f"  demonstration pairs: {_count(f['demonstrations'])}",
        f"  test inputs: {_count(tests)}; {tests['with_output']:,} with output{lacking}",
        *([f"  more pairs of their rules, to train on: {f['more_pairs']:,}"] if f["more_pairs"] else []),
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
