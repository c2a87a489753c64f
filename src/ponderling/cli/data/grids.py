"""What a file of grids holds, shown before training on it and by `data inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from ponderling.config import DataConfig

if TYPE_CHECKING:
    from ponderling.tasks.custom.looking import Proposal

SHOWN = 24
"""Symbols of a large vocabulary that are listed."""


def show_grids(data: DataConfig, stream: TextIO) -> None:
    """Reads the files and tells what they hold, in a few lines."""
    from ponderling.tasks.custom import Grids
    from ponderling.tasks.custom.split import grid_facts

    facts = grid_facts(Grids.of(data), data.train, test=data.test, drop=data.overlap == "drop")
    facts["left_out"] = []  # the run itself tells of these, with those that it leaves out further
    lines = lines_of(data.train, facts)
    if data.structure != "none":
        lines.append(f"  structure {data.structure} (`ponderling data inspect` says why)")
    print("\n".join(lines), file=stream)


def lines_of(source: str, facts: dict[str, Any]) -> list[str]:
    """The facts of `custom.grid_facts` for a person."""
    rows, columns = facts["canvas"]
    sizes = {
        "one": f"every grid {rows}x{columns}",
        "marked": f"sizes differ: canvas {rows}x{columns} with end marks",
        "raw": f"canvas {rows}x{columns} with padding",
    }[facts["sizes"]]
    symbols = facts["symbols"]
    more = f" ... ({len(symbols)} in all)" if len(symbols) > SHOWN else ""
    ids = f"; {facts['puzzle_ids']:,} puzzle ids" if facts["puzzle_ids"] > 1 else ""
    lines = [
        f"{source}: {sizes}; symbols {' '.join(map(_shown, symbols[:SHOWN]))}{more}; {facts['tokens']} tokens{ids}; "
        f"symmetries {facts['symmetries']}",
        f"  {facts['split']}",
    ]
    for name in ("train", "test"):
        f = facts[name]
        if not f["examples"]:
            continue
        notes = [
            f"{f[key]:,} {one if f[key] == 1 else several}"
            for key, one, several in (
                ("repeated_questions", "repeated question", "repeated questions"),
                ("questions_with_several_answers", "question with several answers", "questions with several answers"),
                ("answers_equal_to_question", "answer equal to its question", "answers equal to their question"),
            )
            if f[key]
        ]
        lines.append(
            f"  {name}: {f['examples']:,} example{'s' * (f['examples'] != 1)}, inputs {f['inputs']}, outputs {f['outputs']}"
            + "".join(f", {note}" for note in notes)
        )
    return lines + [f"  {reason}" for reason in facts["left_out"]]


def structure_lines(proposal: Proposal) -> list[str]:
    """A proposed structure and why, for a person."""
    lines = [f"  structure {proposal}: what `ponderling train --data` takes, unless --data.structure names another"]
    return lines + [f"    {f.item or 'none'}: {f.status}; {f.why}" for f in proposal.findings]


def _shown(symbol: str) -> str:
    return symbol if symbol.strip() and symbol.isprintable() else repr(symbol)
