"""Mazes as the tokens that maze-dataset writes (M. Ivanitskiy, 2023, arXiv 2309.10498)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.forms import Written, with_ends
from ponderling.tasks.problems import shown

TOKENS = "<ADJLIST_START>"
"""How such a maze begins."""

_CELL = re.compile(r"\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)")


def read_tokens(lines: Iterable[str]) -> Iterator[Written]:
    """A maze a line, as maze-dataset writes them for language models; `<PATH_START>` is passed over: it is an answer."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _from_tokens(number, line)
            except PuzzleError as error:
                raise PuzzleError(f"line {number}: {error}") from error


def _from_tokens(number: int, line: str) -> Written:
    parts = {name: _between(line, name) for name in ("ADJLIST", "ORIGIN", "TARGET")}
    joined = []
    for link in parts["ADJLIST"].split(";"):
        cells = _CELL.findall(link)
        if not cells and not link.strip():
            continue
        if len(cells) != 2 or "<-->" not in link:
            raise PuzzleError(f"expected two cells joined by <-->, got {shown(link.strip())}")
        joined.append([(int(row), int(column)) for row, column in cells])
    if not joined:
        raise PuzzleError("expected cells joined by <--> after <ADJLIST_START>, got none")
    side = 1 + max(itertools.chain.from_iterable(itertools.chain.from_iterable(joined)))
    if side > 200:
        raise PuzzleError(f"expected cells of at most (199,199), got one of {side - 1}")
    grid = [["#"] * (2 * side + 1) for _ in range(2 * side + 1)]
    for (a, b), (c, d) in joined:
        if abs(a - c) + abs(b - d) != 1:
            raise PuzzleError(f"the cells ({a},{b}) and ({c},{d}) are joined, and not side by side")
        for row, column in ((2 * a + 1, 2 * b + 1), (2 * c + 1, 2 * d + 1), (a + c + 1, b + d + 1)):
            grid[row][column] = " "
    ends = {}
    for name in ("ORIGIN", "TARGET"):
        cells = _CELL.findall(parts[name])
        if len(cells) != 1:
            raise PuzzleError(f"expected one cell after <{name}_START>, got {len(cells) or 'none'}")
        row, column = 2 * int(cells[0][0]) + 1, 2 * int(cells[0][1]) + 1
        ends[name] = (row, column)
    made = with_ends(number, list(map("".join, grid)), start=ends["ORIGIN"], goal=ends["TARGET"], form="")
    return made._replace(form="maze-dataset's tokens; walls became cells")


def _between(line: str, name: str) -> str:
    begin, end = f"<{name}_START>", f"<{name}_END>"
    if line.count(begin) != 1 or line.count(end) != 1 or line.index(begin) > line.index(end):
        raise PuzzleError(f"expected one {begin} and then one {end}")
    return line[line.index(begin) + len(begin) : line.index(end)]
