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
    return {"#", "S", "G"} <= set(meaning.values()) and next(_mazes(lines, meaning), None) is not None


def read_explained(lines: Iterable[str]) -> Iterator[Written]:
    """Such mazes, one after the other.

    Raises:
        PuzzleError: when their characters are explained no more.
    """
    lines = list(lines)
    meaning = _legend(lines)
    form = f"{drawn_with(meaning, meaning)}, as its text explains"
    found = [Written(number, rows, form) for number, rows in _mazes(lines, meaning)]
    if not found:
        raise PuzzleError("its text says twice what a character of the maze means, with two meanings")
    yield from found


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


def _mazes(lines: Iterable[str], meaning: Mapping[str, str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The line that each maze begins in, and its rows, in our characters; none of which a row has another character."""
    rows: list[str] = []
    before = ""
    for number, line in enumerate([*lines, ""], 1):
        row = _row(line.rstrip("\r\n"), meaning)
        if row and (not rows or len(row) == len(rows[0])):
            rows.append(row)
            continue
        cells = "".join(rows)
        is_whole = all(len("".join(beside.split())) != len(rows[0]) for beside in (before, line)) if rows else False
        if is_whole and len(rows) > 1 and "S" in cells and cells.count("G") == 1:
            yield number - len(rows), tuple(rows)
        rows, before = ([row], "") if row else ([], line)


def _row(line: str, meaning: Mapping[str, str]) -> str:
    """The cells of a row; empty for a line that is none."""
    if " " not in meaning:
        line = "".join(line.split())
    return "".join(meaning[sign] for sign in line) if line.strip() and set(line) <= meaning.keys() else ""
