"""Mazes in JSON, and in lists of a program's source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.maze.written.characters import from_characters
from ponderling.tasks.maze.written.forms import DIGITS, Written, with_ends
from ponderling.tasks.maze.written.numbers import from_numbers
from ponderling.tasks.problems import shown

OBJECTS = ("maze", "grid", "map", "cells", "board", "question", "layout", "tiles", "matrix")
"""What an object of JSON may call its maze, or `mazes` a list of them."""
ENDS = ("start", "origin", "source", "entrance"), ("goal", "end", "target", "finish", "exit", "destination")
"""What it may call the cells of S and G, as row and column from 0."""
ANSWERS = ("solution", "path", "answer")
"""What it may call the path, as a list of cells, or the maze with its path."""

_COORDINATES = ("row", "col"), ("row", "column"), ("y", "x"), ("r", "c")

_BRACES = str.maketrans("{}", "[]")

DEEPEST = 3
"""Lists or objects in one another that a maze of JSON may be in."""


def read_json(lines: Iterable[str]) -> Iterator[Written]:
    """A JSON value over all lines, or one a line."""
    texts = [line for line in lines if line.strip()]
    try:
        values = [parse_json("".join(texts))]
    except JsonError as error:
        try:
            values = _values(texts)
        except JsonError:
            raise PuzzleError(str(error)) from error
    place = 0
    for value in values:
        for maze, about in _mazes_in(value):
            place += 1
            try:
                yield _from_json(place, maze, about=about)
            except PuzzleError as error:
                raise PuzzleError(f"maze {place}: {error}") from error


def _values(lines: Sequence[str]) -> list[Any]:
    """JSON values, one a line; or a list of Python's over all lines, which may end in a comma.

    Raises:
        JsonError: for anything else.
    """
    try:
        return [parse_json(line) for line in lines]
    except JsonError:
        text = "".join(lines)
        if text.lstrip().startswith("{") and ":" not in text:  # an array of C's, or of Java's
            text = text.translate(_BRACES)
        text = re.sub(r"(?:(?:,\s*dtype=\w+)?\)\s*;?|;)\s*$", "", text)
        text = text if '"' in text else text.replace("'", '"')
        return [parse_json(re.sub(r",(\s*[\]}])", r"\1", text))]


def _mazes_in(value: Any, *, depth: int = 0) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The mazes of a JSON value, and the objects that tell more of them."""
    if depth > DEEPEST:
        raise PuzzleError(f"expected mazes at most {DEEPEST} lists or objects deep")
    if isinstance(value, dict):
        about = {str(key).lower(): inner for key, inner in value.items()}
        if isinstance(about.get("mazes"), list):
            for inner in about["mazes"]:
                yield from _mazes_in(inner, depth=depth + 1)
            return
        named = [name for name in OBJECTS if name in about]
        if len(named) != 1:
            raise PuzzleError(
                f"expected an object with one of {', '.join(OBJECTS)}: got {shown(', '.join(about)) or 'an empty one'}"
            )
        if isinstance(about[named[0]], dict):
            inner = about.pop(named[0])
            yield from _mazes_in({**about, **inner}, depth=depth + 1)
            return
        yield about[named[0]], about
    elif isinstance(value, str):
        yield value, {}
    elif isinstance(value, list) and value:
        if all(isinstance(row, str) for row in value):
            if any("\n" in row for row in value):
                yield from ((row, {}) for row in value)
            else:
                yield value, {}
        elif all(
            isinstance(row, list) and row and not isinstance(row[0], list) and len(str(row[0])) < 6 for row in value
        ) and not all(isinstance(row, list) and isinstance(row[0], str) and len(row[0]) > 1 for row in value):
            yield value, {}
        else:
            for inner in value:
                yield from _mazes_in(inner, depth=depth + 1)
    else:
        raise PuzzleError(f"expected a maze, as rows of numbers or of characters: got {shown(str(value))}")


def _from_json(number: int, maze: Any, *, about: Mapping[str, Any]) -> Written:
    start, goal = (_end(about, names) for names in ENDS)
    try:
        return _with_these_ends(number, maze, about=about, start=start, goal=goal)
    except PuzzleError:
        if start is None or goal is None or _have_names(about):
            raise
        try:  # some programs write column and row
            found = _with_these_ends(number, maze, about=about, start=(start[1], start[0]), goal=(goal[1], goal[0]))
        except PuzzleError:
            found = None
        if found is None:
            raise
        return found._replace(form=found.form.replace("by row and column", "by column and row"))


def _have_names(about: Mapping[str, Any]) -> bool:
    """Whether the numbers of an end have names, which say what they are."""
    named = [about[name] for names in ENDS for name in names if about.get(name) is not None]
    return not named or any(isinstance(place, dict) for place in named)


def _with_these_ends(
    number: int, maze: Any, *, about: Mapping[str, Any], start: tuple[int, int] | None, goal: tuple[int, int] | None
) -> Written:
    if isinstance(maze, str):
        maze = maze.replace("\r", "").strip("\n").split("\n")
    if not isinstance(maze, list) or not maze:
        raise PuzzleError(f"expected rows, got {shown(str(maze))}")
    if all(isinstance(row, list) and row and all(isinstance(cell, int) for cell in row) for row in maze):
        found = from_numbers(number, [[int(cell) for cell in row] for row in maze], start=start, goal=goal)
    else:
        lines = []
        for row in maze:
            cells = list(row) if isinstance(row, str | list) else []
            if not cells or not all(isinstance(cell, str) and len(cell) == 1 for cell in cells):
                raise PuzzleError("expected rows of whole numbers, or of one character for each cell")
            lines.append("".join(cells))
        if all(map(DIGITS.fullmatch, lines)):
            found = from_numbers(number, [list(map(int, line)) for line in lines], start=start, goal=goal)
        else:
            plain = from_characters(number, lines)
            found = with_ends(number, list(plain.rows), start=start, goal=goal, form=plain.form)
    return _with_path(found, about)._replace(form=f"JSON, {found.form}")


def _end(about: Mapping[str, Any], names: Sequence[str]) -> tuple[int, int] | None:
    named = [name for name in names if about.get(name) is not None]
    if not named:
        return next((place for name in names if (place := _in_two_keys(about, name)) is not None), None)
    return _place(about[named[0]], named[0])


def _in_two_keys(about: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    """A cell whose row and column have keys of their own, such as `start_row` and `start_col`; None where it has none."""
    for row, column in _COORDINATES:
        values = [about.get(f"{name}_{key}") for key in (row, column)]
        if all(type(value) is int for value in values):
            return _place(values, name)
    return None


def _place(value: Any, name: str) -> tuple[int, int]:
    if isinstance(value, dict):
        keys = {str(key).lower(): inner for key, inner in value.items()}
        for row, column in _COORDINATES:
            if row in keys and column in keys:
                value = [keys[row], keys[column]]
                break
    if isinstance(value, list) and len(value) == 2 and all(type(number) is int for number in value):
        return value[0], value[1]
    raise PuzzleError(f"expected {name} as [row, column] from 0, got {shown(str(value))}")


def _with_path(found: Written, about: Mapping[str, Any]) -> Written:
    """The maze with the marks of the path that its object tells."""
    named = [name for name in ANSWERS if about.get(name)]
    if not named:
        return found
    told = about[named[0]]
    if isinstance(told, list) and all(isinstance(place, dict | list) and len(place) == 2 for place in told):
        grid = [list(row) for row in found.rows]
        for place in told:
            row, column = _place(place, f"a cell of {named[0]}")
            if not (0 <= row < len(grid) and 0 <= column < len(grid[0])):
                raise PuzzleError(f"a cell of {named[0]}, {[row, column]}, is outside {len(grid)}x{len(grid[0])}")
            if grid[row][column] == "#":
                raise PuzzleError(f"a cell of {named[0]}, {[row, column]} (row and column, from 0), is a wall")
            if grid[row][column] == " ":
                grid[row][column] = "o"
        return found._replace(rows=tuple(map("".join, grid)))
    ends = {name: about[name] for names in ENDS for name in names if name in about}
    whole = _from_json(found.number, told, about=ends)
    if whole.shape != found.shape or any(
        a != b and not (a == " " and b == "o") for a, b in zip("".join(found.rows), "".join(whole.rows))
    ):
        raise PuzzleError(f"{named[0]} is not the maze with marks of a path")
    return found._replace(rows=whole.rows)
