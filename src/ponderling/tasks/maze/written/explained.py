"""Mazes of any characters, where words beside them say what each means: `'u' = Wall`, `X: a blocked cell`, `S (start)`.

Prompts for language models are such texts, as reasoning-gym writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.characters import drawn_with
from ponderling.tasks.maze.written.forms import Written

LONGEST = 1000
"""Most characters of a line that may explain something."""
_FENCE = re.compile(r"```\w*")
_WORDS = {
    "#": "wall walls block blocks blocked obstacle obstacles barrier barriers",
    " ": "passage passages open free empty floor corridor corridors",
    "S": "start starting player entrance",
    "G": "goal destination end exit target finish",
}
_MEANING = {word: cell for cell, words in _WORDS.items() for word in words.split()}
_ENTRY = re.compile(
    r"""(?:(?P<quote>["'`])(?P<quoted>.)(?P=quote)|(?<!\S)(?P<bare>\S)(?=\s*[=:(–—-]))"""  # the character
    r"\s*(?:=|:|->|[–—-]|\(|is|are|means|marks|represents|denotes)\s*"
    r"(?P<words>[^,;'\"`]{3,60})"
)


def is_explained(lines: Sequence[str]) -> bool:
    """Whether lines explain all characters of a maze that they hold: walls, free cells, one start or more, one goal."""
    meaning = _legend(lines)
    return {"#", "S", "G"} <= set(meaning.values()) and any(
        reason is None for _, _, reason in _drawings(lines, meaning)
    )


def read_explained(lines: Iterable[str]) -> Iterator[Written]:
    """Such mazes, one after the other.

    Raises:
        PuzzleError: naming the line of a drawing that is none, and the reason.
    """
    lines = list(lines)
    meaning = _legend(lines)
    form = f"{drawn_with(meaning, meaning)}, as its text explains"
    for number, rows, reason in _drawings(lines, meaning):
        if reason is not None:
            raise PuzzleError(f"line {number}: {reason}")
        yield Written(number, rows, form)


def _legend(lines: Iterable[str]) -> dict[str, str]:
    """What each character means, in ours; without those of which two things are said."""
    meaning: dict[str, str] = {}
    twice: set[str] = set()
    for line in lines:
        for entry in _ENTRY.finditer(line) if len(line) <= LONGEST else ():
            words = re.findall(r"[a-z]+", entry["words"].lower())
            cell = next((_MEANING[word] for word in words if word in _MEANING), None)
            sign = entry["quoted"] or entry["bare"]
            if cell is not None and meaning.setdefault(sign, cell) != cell:
                twice.add(sign)
    return {sign: cell for sign, cell in meaning.items() if sign not in twice}


def _drawings(lines: Iterable[str], meaning: Mapping[str, str]) -> Iterator[tuple[int, tuple[str, ...], str | None]]:
    """The line that each drawing of two rows or more begins in, its rows in our characters, and why it is no maze, if so."""
    rows: list[str] = []
    before = ""
    for number, line in enumerate([*lines, ""], 1):
        line = "" if _FENCE.fullmatch(line.strip()) else line.rstrip("\r\n")
        row = _row(line, meaning)
        if row:
            rows.append(row)
            continue
        if len(rows) > 1:
            width = max(map(len, rows))
            drawn = [row.ljust(width) for row in rows] if " " in meaning else rows
            yield number - len(rows), tuple(drawn), _why_no_maze(drawn, (before, line))
        rows, before = [], line


def _why_no_maze(rows: Sequence[str], beside: tuple[str, str]) -> str | None:
    """Why rows are no maze, between the lines before and after them; None where they are one."""
    width, cells = len(rows[0]), "".join(rows)
    if len(set(map(len, rows))) > 1:
        return (
            f"expected rows of {width} cells in this maze, got one of {next(len(r) for r in rows if len(r) != width)}"
        )
    if any(len("".join(line.split())) == width for line in beside):
        return "a row beside this maze has a character that its text does not explain"
    starts, goals = cells.count("S"), cells.count("G")
    if not starts or goals != 1:
        return f"expected a start or several and one goal in this maze, got {starts} and {goals}"
    return None


def _row(line: str, meaning: Mapping[str, str]) -> str:
    """The cells of a row; empty for a line that is none."""
    if " " not in meaning:
        line = "".join(line.split())
    return "".join(meaning[sign] for sign in line) if line.strip() and set(line) <= meaning.keys() else ""
