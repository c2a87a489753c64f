"""Sudokus in JSON: a board as lists, as lines of text or as one text; an object that holds one; or many."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_shape import described
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.problems import one_line
from ponderling.tasks.sudoku.decoded import Written, answered, decoded, with_answers
from ponderling.tasks.sudoku.placed import are_boxes, placed
from ponderling.tasks.sudoku.puzzle_lines import cells_of, puzzles_in, read_drawn
from ponderling.tasks.sudoku.rows import row_of
from ponderling.tasks.text_files import NAMES, NOT_READ, OTHER_RULES, REGIONS

OBJECTS = (
    *(
        "sudoku",
        "start",
        "clues",
        "given",
        "givens",
        "cells",
        "squares",
        "boards",
        "grids",
        "sudokus",
        "data",
        "rows",
        "value",
    ),
    "input",
)
"""What else an object of JSON may call its board, or its list of them."""
ANSWERS = (*NAMES["answer"], "output")
"""What it may call the answer."""
CONSTRAINTS = (
    *(
        "diagonal",
        "diagonals",
        "diagonal+",
        "diagonal-",
        "killercage",
        "arrow",
        "thermometer",
        "antiknight",
        "antiking",
    ),
    *("nonconsecutive", "disjointgroups", "extraregion", "littlekillersum", "sandwichsum", "palindrome", "renban"),
    *(
        "whispers",
        "difference",
        "ratio",
        "xv",
        "betweenline",
        "quadruple",
        "minimum",
        "maximum",
        "clone",
        "odd",
        "even",
    ),
)
"""Further names of other rules, most of them as f-puzzles has them: a value that is empty or false says that there are none."""


class OtherPuzzleError(PuzzleError):
    """A document has a Sudoku that is not read: of other rules, or an answer without its puzzle."""


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
    """The puzzles of a JSON value: a board as lists, as lines of text, as one text or by places; an object of one; or many.

    A full grid that follows its puzzle is its answer, as in lists of pairs.

    Raises:
        PuzzleError: when it holds something else.
    """
    return with_answers(_read(value, side, number=number))


def _read(value: Any, side: int, *, number: int) -> Iterator[Written]:
    """The puzzles of a JSON value, in which an answer that has no name is a puzzle, too."""
    cells = _cells_of(value, side, number=number)
    if cells is not None:
        yield decoded(number, cells, side=side)
    elif isinstance(value, str):
        yield from _of_string(value, side, number=number)
    elif isinstance(value, Mapping):
        yield from _of_object(value, side, number=number)
    elif isinstance(value, list) and value:
        if _are_rows(value, side):
            raise PuzzleError(f"expected a board of {side}x{side}, got {described(value)}")
        parts = (_read(part, side, number=number + i) for i, part in enumerate(value))
        yield from itertools.chain.from_iterable(parts) if len(value) != 2 else _of_two(*map(list, parts))
    else:
        raise PuzzleError(f"expected a board of {side}x{side}, got {one_line(str(value), 40)}")


def _are_rows(value: list[Any], side: int) -> bool:
    """Whether lists are rows of cells, of which none is a whole board."""
    return all(
        isinstance(row, list)
        and len(row) not in (0, side * side)
        and not any(isinstance(cell, list | Mapping) or len(str(cell)) > 2 for cell in row)
        for row in value
    )


def _of_two(first: list[Written], second: list[Written]) -> list[Written]:
    """The puzzles of a list of two: of puzzles and of their answers, which are full grids; or of puzzles alone.

    Raises:
        PuzzleError: naming the place of a puzzle beside which another full grid is.
    """
    are_questions = all("." in one.cells and not one.answer for one in first)
    are_answers = all("." not in one.cells and not one.answer for one in second)
    if not (are_questions and are_answers and len(first) == len(second)):
        return first + second
    pairs = [list(with_answers(pair)) for pair in zip(first, second, strict=True)]
    if wrong := next((pair[0] for pair in pairs if len(pair) > 1), None):
        raise PuzzleError(
            f"board {wrong.number}: the full grid beside it is no answer to it, as it has other clues: write "
            "objects with puzzle and solution, or a list of puzzles alone"
        )
    return [one for pair in pairs for one in pair]


def _cells_of(value: Any, side: int, *, number: int) -> list[str] | None:
    """The cells of a board, by place or in order; None for anything else."""
    try:
        return placed(value, side, check=_check_rules) or _board(value, side)
    except PuzzleError as error:
        raise type(error)(f"board {number}: {error}") from error


def _of_string(text: str, side: int, *, number: int) -> Iterator[Written]:
    """The puzzle of a text in JSON, which may be JSON itself."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if is_json(text):
        yield from _read(json_of(text), side, number=number)
    else:
        yield read_drawn(text, side)._replace(number=number)


def _of_object(value: Mapping[str, Any], side: int, *, number: int) -> Iterator[Written]:
    """The puzzles of a JSON object, with the answers that it names."""
    names = {name: str(name).lower() for name in value}
    _check_rules(value, side)
    known = [name for name in value if names[name] in NAMES["question"]] or [
        name for name in value if names[name] in OBJECTS
    ]
    if not known:
        known = _whole_boards(value, side)
        if known and all(names[name] in ANSWERS for name in known):
            raise OtherPuzzleError(f"has {one_line(known[0], 20)} alone, and no puzzle: name the file of the puzzles")
    if not known and value:
        parts = list(value.values())
        if not all(part and isinstance(part, list | Mapping) for part in parts):
            parts = [part for part in parts if isinstance(part, Mapping) and _has_board(part)]
        for i, part in enumerate(parts):  # by an id, or by how hard they are
            yield from _read(part, side, number=number + i)
        if parts:
            return
    if len(known) != 1:
        names_got = ", ".join(map(str, value))
        raise PuzzleError(
            f"expected an object with one of {', '.join(NAMES['question'])}: got {one_line(names_got, 60)}"
        )
    found = list(_read(value[known[0]], side, number=number))
    told = [value[name] for name in value if names[name] in ANSWERS]
    if len(told) == 1 and told[0] and not any(puzzle.answer for puzzle in found):
        answers = list(_grids(told[0], side))
        if len(answers) != len(found):
            raise PuzzleError(
                f"board {number}: expected an answer for each puzzle, got {len(answers)} for {len(found)}"
            )
        found = [answered(puzzle, cells) for puzzle, cells in zip(found, answers, strict=True)]
    yield from found


def _check_rules(value: Mapping[str, Any], side: int) -> None:
    """Refuses an object that names other rules.

    Raises:
        PuzzleError: with the name.
    """
    size = str(value.get("size"))
    if size.isdecimal() and size.lstrip("0") != str(side):
        raise PuzzleError(f"has size {size}: expected a board of {side}x{side}")
    for name, part in value.items():
        plain = str(name).lower()
        is_usual = not part or (plain in (REGIONS, *OTHER_RULES) and are_boxes(part, side))
        if plain in (*OTHER_RULES, REGIONS, *CONSTRAINTS) and not is_usual:
            raise OtherPuzzleError(f"has {one_line(str(name), 20)}, {NOT_READ}")


def _whole_boards(value: Mapping[str, Any], side: int) -> list[str]:
    """The names of an object's boards, whatever these are, without that of the answer."""
    found = [
        name
        for name, part in value.items()
        if _board(part, side) is not None or (isinstance(part, str) and len(part.strip()) == side * side)
    ]
    if len(found) == 2:
        found = [name for name in found if str(name).lower() not in ANSWERS]
    return found


def _has_board(value: Any) -> bool:
    """Whether an object, or an object in it, has a board by its name."""
    if not isinstance(value, Mapping):
        return False
    return any(str(name).lower() in NAMES["question"] or _has_board(part) for name, part in value.items())


def _grids(value: Any, side: int) -> Iterator[Sequence[str]]:
    """The cells of each answer of a JSON value, as they are written."""
    cells = placed(value, side) or _board(value, side)
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
    if all(isinstance(row, str) for row in value) and len(value) == side:
        in_rows = [row_of(row, side) for row in value]  # with something between the cells
        return [cell for row in in_rows for cell in row or []] if all(in_rows) else None
    rows = value if len(value) == side and all(isinstance(row, list) for row in value) else [value]
    cells = [cell for row in rows for cell in row]
    if len(cells) != side * side or any(len(row) not in (side, side * side) for row in rows):
        return None
    if all(isinstance(cell, Mapping) for cell in cells):
        cells = _values(cells, side)
    if any(isinstance(cell, list | Mapping) or cell is True for cell in cells):
        return None
    if any(isinstance(cell, float) and not cell.is_integer() for cell in cells):
        return None
    texts = (str(int(cell) if isinstance(cell, float) else cell).strip() for cell in cells)
    return [{"": ".", "None": ".", "False": ".", "-1": "."}.get(text, text) for text in texts]


def _values(cells: Sequence[Mapping[str, Any]], side: int) -> list[Any]:
    """The values of cells that are objects; where some are said to be given, the others were filled in and are blanks.

    Raises:
        PuzzleError: when cells are in regions that are not the usual boxes.
    """
    regions = [cell.get("region") for cell in cells]
    if any(region is not None for region in regions) and not are_boxes(regions, side):
        raise OtherPuzzleError(f"has cells with a region, {NOT_READ}")
    has_given = any("given" in cell for cell in cells)
    return [cell.get("value") if not has_given or cell.get("given") else None for cell in cells]
