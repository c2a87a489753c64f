"""Mazes of other characters, such as blocks, dots, A and B."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.forms import FREES, GOALS, OURS, PATHS, STARTS, WALLS, Written, blocks
from ponderling.tasks.maze.written.lines import SOLID, even
from ponderling.tasks.maze.written.tidied import tidied
from ponderling.tasks.problems import shown


def is_frozen_lake(counts: Mapping[str, int]) -> bool:
    """Whether cells are those of gymnasium's FrozenLake: S, G, frozen ones F, and holes H, of which one may be missing."""
    return (
        set(counts) <= set("SFHG")
        and counts.get("S") == counts.get("G") == 1
        and bool(counts.get("F", 0))
        and counts["F"] > 1
    )


def read_characters(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes of other characters, with empty lines between them."""
    for number, block in blocks(lines, may_be_blank=True):
        try:
            yield from_characters(number, block)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def from_characters(number: int, lines: Sequence[str]) -> Written:
    """A maze of the characters above; blanks at the ends of lines may be missing."""
    tidy = tidied(lines)
    if tidy is not None:
        found = _from_rows(number, tidy[0])
        return found._replace(form=f"{found.form}, {tidy[1]}")
    return _from_rows(number, lines)


def _from_rows(number: int, lines: Sequence[str]) -> Written:
    """A maze of a character for each cell, or of two where they are blocks."""
    lines = even(lines)
    width = max(map(len, lines))
    rows = [line.ljust(width) for line in lines]
    used = set("".join(rows))
    if used & set("█▓▒■") and _are_double(rows):
        rows = ["".join(sorted(row[i : i + 2])[-1] for i in range(0, width, 2)) for row in rows]
        used, width = set("".join(rows)), width // 2
    counts = Counter("".join(rows))
    if is_frozen_lake(counts):
        exchanged = str.maketrans("FH", " #")
        return Written(number, tuple(row.translate(exchanged) for row in rows), "a frozen lake: H a wall, F free")
    meaning = dict.fromkeys(WALLS, "#") | dict.fromkeys(FREES, " ") | dict.fromkeys(PATHS, "o")
    meaning |= dict.fromkeys(STARTS, "S")
    goal = next((mark for mark in GOALS if counts[mark]), "T" if counts["T"] == 1 else "")
    meaning |= dict.fromkeys("X", "o") | ({goal: "G"} if goal else {})
    if not used & set(WALLS) and counts["X"] + counts["x"] > 1:
        meaning |= dict.fromkeys("Xx", "#")
    elif not used & set(WALLS) and set(rows[0]) == set(rows[-1]) == {"*"}:
        meaning["*"] = "#"
    meaning["░"] = " " if used & set(WALLS) else "#"
    if used & set(SOLID) and counts["@"] == 1 and not used & {*STARTS, "P"}:
        meaning["@"] = "S"  # who walks in a game's maze
    if not goal and counts[">"] == 1:
        meaning[">"] = goal = "G"
    if not goal and counts["."] == 1 and " " in used:
        meaning["."] = "G"
    elif "." in used and " " in used:
        meaning["."] = "o"  # crumbs of a path; whether they are one is checked where it is read as an answer
    if "P" in used and not used & set(STARTS):
        meaning["P"] = "S"
    strange = sorted(used - meaning.keys())
    if strange:
        raise PuzzleError(f"{shown(strange[0])} is neither a wall, nor free, nor S, G or a path in such a maze")
    return Written(number, tuple("".join(map(meaning.__getitem__, row)) for row in rows), drawn_with(used, meaning))


def _are_double(rows: Sequence[str]) -> bool:
    """Whether each cell of a maze is two characters.

    Raises:
        PuzzleError: when all rows but one are so.
    """
    others = [i for i, row in enumerate(rows) if len(row) % 2 or not _is_double(row)]
    if len(others) == 1 and len(rows) > 3:
        raise PuzzleError(
            f"row {others[0] + 1} of a drawn maze does not have two equal characters for each cell, as all other rows have"
        )
    return not others


def _is_double(row: str) -> bool:
    pairs = [row[i : i + 2] for i in range(0, len(row), 2)]
    return all(pair[0] == pair[1] or (" " in pair and pair.strip() in {*STARTS, *GOALS}) for pair in pairs)


def drawn_with(used: Iterable[str], meaning: Mapping[str, str]) -> str:
    """What a drawing is taken for, in words: the characters that are not ours, and what they mean."""
    names = {"#": "a wall", " ": "a free cell", "S": "S", "G": "G", "o": "the path"}
    marks = sorted(used, key=lambda mark: (OURS.index(meaning[mark]), mark))
    said = [f"{shown(mark)} for {names[meaning[mark]]}" for mark in marks if mark != meaning[mark]]
    return f"drawn, with {', '.join(said)}" if said else "drawn"
