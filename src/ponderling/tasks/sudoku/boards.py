"""Sudokus in JSON: a board as lists, as lines of text or as one text; an object that holds one; or many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.problems import one_line
from ponderling.tasks.sudoku.decoded import Written, answered, decoded
from ponderling.tasks.sudoku.puzzle_lines import cells_of, puzzles_in, read_drawn
from ponderling.tasks.text_files import NAMES, NOT_READ, OTHER_RULES, REGIONS

OBJECTS = ("sudoku", "start", "clues", "given", "cells", "boards", "grids", "sudokus", "data", "rows", "value", "input")
"""What else an object of JSON may call its board, or its list of them."""
ANSWERS = (*NAMES["answer"], "output")
"""What it may call the answer."""


def is_json(text: str) -> bool:
    """Whether a text begins as a board in JSON does, and no section of an .sdk file; or is a quoted text."""
    return re.match(r"\s*(\{|\[\s*($|[\[{\"\d.-]|null|false)|\"[^\"]*\"\s*$)", text) is not None


def json_of(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        PuzzleError: when it is not JSON.
    """
    try:
        return parse_json(text)
    except JsonError as error:
        raise PuzzleError(str(error)) from error


def read_boards(value: Any, side: int, *, number: int = 1) -> Iterator[Written]:
    """The puzzles of a JSON value: a board as lists, as lines of text or as one text; an object that holds one; or many.

    Raises:
        PuzzleError: when it holds something else.
    """
    cells = _board(value, side)
    if cells is not None:
        yield decoded(number, cells, side=side)
    elif isinstance(value, str):
        yield from _of_string(value, side, number=number)
    elif isinstance(value, Mapping):
        yield from _of_object(value, side, number=number)
    elif isinstance(value, list) and value:
        for i, part in enumerate(value):
            yield from read_boards(part, side, number=number + i)
    else:
        raise PuzzleError(f"expected a board of {side}x{side}, got {one_line(str(value), 40)}")


def _of_string(text: str, side: int, *, number: int) -> Iterator[Written]:
    """The puzzle of a text in JSON, which may be JSON itself."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if is_json(text):
        yield from read_boards(json_of(text), side, number=number)
    else:
        yield read_drawn(text, side)._replace(number=number)


def _of_object(value: Mapping[str, Any], side: int, *, number: int) -> Iterator[Written]:
    """The puzzles of a JSON object, with the answers that it names."""
    names = {name: str(name).lower() for name in value}
    known = [name for name in value if names[name] in NAMES["question"]] or [
        name for name in value if names[name] in OBJECTS
    ]
    if other := next((name for name in value if names[name] in (*OTHER_RULES, REGIONS)), None):
        raise PuzzleError(f"has {one_line(str(other), 20)}, {NOT_READ}")
    if not known and value and all(part and isinstance(part, list | Mapping) for part in value.values()):
        for i, part in enumerate(value.values()):  # by an id, or by how hard they are
            yield from read_boards(part, side, number=number + i)
        return
    if len(known) != 1:
        names_got = ", ".join(map(str, value))
        raise PuzzleError(
            f"expected an object with one of {', '.join(NAMES['question'])}: got {one_line(names_got, 60)}"
        )
    found = list(read_boards(value[known[0]], side, number=number))
    told = [value[name] for name in value if names[name] in ANSWERS]
    if len(told) == 1 and told[0] and not any(puzzle.answer for puzzle in found):
        answers = list(_grids(told[0], side))
        if len(answers) != len(found):
            raise PuzzleError(
                f"board {number}: expected an answer for each puzzle, got {len(answers)} for {len(found)}"
            )
        found = [answered(puzzle, cells) for puzzle, cells in zip(found, answers, strict=True)]
    yield from found


def _grids(value: Any, side: int) -> Iterator[Sequence[str]]:
    """The cells of each answer of a JSON value, as they are written."""
    cells = _board(value, side)
    if cells is not None:
        yield cells
    elif isinstance(value, str):
        for lines in puzzles_in(value.split("\n"), side):
            yield cells_of(lines, side)[0]
    elif isinstance(value, list) and value:
        for part in value:
            yield from _grids(part, side)
    else:
        raise PuzzleError(f"expected an answer of {side}x{side}, got {one_line(str(value), 40)}")


def _board(value: Any, side: int) -> list[str] | None:
    """The cells of a board as JSON has it: rows of cells, or all cells in one list; None for anything else."""
    if not isinstance(value, list) or len(value) not in (side, side * side):
        return None
    if all(isinstance(row, str) and len(row) == side for row in value) and len(value) == side and side > 1:
        return [cell for row in value for cell in row]
    rows = value if len(value) == side and all(isinstance(row, list) for row in value) else [value]
    cells = [cell for row in rows for cell in row]
    if len(cells) != side * side or any(len(row) not in (side, side * side) for row in rows):
        return None
    if any(isinstance(cell, list | Mapping) or cell is True for cell in cells):
        return None
    if any(isinstance(cell, float) and not cell.is_integer() for cell in cells):
        return None
    texts = (str(int(cell) if isinstance(cell, float) else cell).strip() for cell in cells)
    return [{"": ".", "None": ".", "False": ".", "-1": "."}.get(text, text) for text in texts]
