"""Mazes as other people's programs write them, read into one form: rows of `#`, spaces, `S`, `G`, and `o` for a path shown.

Numbers (of grids in code, or of the official data sets), other characters (blocks, dots, A and B), lines for walls,
JSON, and the tokens that maze-dataset writes (M. Ivanitskiy, 2023, arXiv 2309.10498). Whatever is not one of these is None:
`drawn` and `text_files` read mazes in our own characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.characters import is_frozen_lake, read_characters
from ponderling.tasks.maze.written.contests import is_contest, read_contests
from ponderling.tasks.maze.written.explained import is_explained, read_explained
from ponderling.tasks.maze.written.forms import (
    DIGITS,
    KNOWN,
    NUMBERS,
    OTHERS,
    STARTS,
    Written,
    blocks,
)
from ponderling.tasks.maze.written.json_values import read_json
from ponderling.tasks.maze.written.lattices import is_lattice, read_lattices
from ponderling.tasks.maze.written.lines import lines_in, without_titles
from ponderling.tasks.maze.written.numbers import has_digits, read_digits_and_ends, read_numbers
from ponderling.tasks.maze.written.tidied import tidied
from ponderling.tasks.maze.written.tokens import TOKENS, read_tokens


def read_text(text: str) -> Written | None:
    """One maze from a text in such a form; None for a text in another.

    Raises:
        PuzzleError: when it is in such a form and cannot be read, or holds several mazes.
    """
    lines = lines_in(text)
    if is_contest(lines):
        reader = read_contests
    elif is_explained(lines):
        reader = read_explained
    else:
        lines = list(without_titles(lines))
        reader = reader_for(lines)
    if reader is None:
        return None
    found = list(reader(lines))
    if len(found) != 1:
        raise PuzzleError(f"expected one maze, got {len(found) or 'none'}" + ": put them in a file" * (len(found) > 1))
    return found[0]


Reader = Callable[[Iterable[str]], Iterator[Written]]
"""Reads the mazes of lines that have one form."""


def reader_for(head: Sequence[str]) -> Reader | None:
    """The function that reads lines which begin like these; None for a form that is not here."""
    block = next(blocks(head, may_be_blank=True), None)
    if block is None:
        return None
    first, lines = block.lines[0].strip(), [line for line in block.lines if line.strip()]
    is_array = len(lines) > 1 and "," not in first and all(map(NUMBERS.fullmatch, lines))  # as numpy prints it
    if first[0] in "[{" and not is_array:
        return read_json
    if len(lines) == 1 and first[0] == first[-1] == '"' and "\\n" in first:
        return read_json
    if TOKENS in first:
        return read_tokens
    if len(lines) < 2:
        return None
    if is_lattice(lines):
        return read_lattices
    if all(map(NUMBERS.fullmatch, lines)) or all(map(DIGITS.fullmatch, map(str.strip, lines))):
        return read_numbers
    found = set().union(*lines)
    if has_digits(lines):
        return read_digits_and_ends
    others = Counter("".join(lines))
    if is_frozen_lake(others):
        return read_characters
    is_wall = "X" in found and "#" not in found
    is_goal = others["X"] == 1 and "#" in found and not found & {"G", "E"}
    if found <= set(KNOWN) and (is_wall or is_goal):
        return read_characters
    if tidied(lines) is not None or _is_of_others(found):
        return read_characters
    return None


def _is_of_others(found: set[str]) -> bool:
    """Whether these are characters of other programs' mazes."""
    return not found <= set(KNOWN) and found <= set(OTHERS + "x" * (not found.isdisjoint(STARTS)))
