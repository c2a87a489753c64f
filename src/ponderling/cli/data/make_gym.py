"""`ponderling data make gym`: grid pairs of a reasoning-gym task, as JSON lines for `ponderling train --data`."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponderling.cli.arguments import check_numbers, parse_arguments
from ponderling.cli.data.made import new_folder
from ponderling.system import did_you_mean, write_text
from ponderling.tasks.json_text import parse_json
from ponderling.tasks.symbol_grids import are_numbers

Grid = list[list[int | str]]

QUESTION_KEYS = ("input", "puzzle", "matrix")
"""Where an entry's metadata may hold its question as a grid; where none does, the last grid in the question's text is it."""
ANSWER_KEYS = ("output", "solution")
"""Where an entry's metadata may hold its answer as a grid; otherwise the answer's text is read as a grid."""
MORE_IN_WORDS = {
    "arc_agi": "its rule is shown by other grids",
    "game_of_life_halting": "its answer is yes or no",
    "manipulate_matrix": "what is to be done is said in words",
    "pool_matrix": "what is to be done is said in words",
    "rearc": "its rule is shown by other grids",
    "rotate_matrix": "the angle is said in words",
    "survo": "the numbers to be placed are said in words",
}
"""Data sets whose questions say more than their grid does."""
WORKING = (
    "binary_matrix",
    "futoshiki",
    "game_of_life",
    "kakurasu",
    "mini_sudoku",
    "modulo_grid",
    "n_queens",
    "spiral_matrix",
    "sudoku",
)
"""Data sets that are known to be grid pairs: all that there are in reasoning-gym 0.1.25. Others are tried when asked for."""


@dataclass(frozen=True, kw_only=True)
class GymCommand:
    """What `ponderling data make gym` takes."""

    out: Path
    """Folder for train.jsonl and test.jsonl; files that are there already are not overwritten."""
    name: str
    """The reasoning-gym data set, such as binary_matrix, futoshiki, game_of_life, kakurasu or n_queens."""
    train: int = 1000
    """Training pairs."""
    test: int = 100
    """Test pairs, none of whose questions is a training question."""
    options: str = "{}"
    """The data set's own options as JSON, such as '{"min_n": 5, "max_n": 5}'."""
    seed: int = 0
    """Seed; the same command gives the same files."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        GymCommand, args, prog="ponderling data make gym", description="Writes grid pairs of a reasoning-gym data set."
    )
    check_numbers(command, seed=0)
    if command.train < 1 or command.test < 1:
        raise ValueError(f"--train and --test must be at least 1: got {command.train} and {command.test}")
    with new_folder(command.out, "train.jsonl", "test.jsonl") as (train, test):
        pairs, drawn = _distinct_pairs(command)
        _write_pairs(test, pairs[: command.test])
        _write_pairs(train, pairs[command.test :])
    print(
        f"{command.name}: {command.train:,} pairs in {train}, {command.test:,} in {test}, of {drawn:,} drawn; "
        f"train with --data {train} --test {test}",
        file=sys.stderr,
    )
    return 0


def _write_pairs(file: Path, pairs: list[dict[str, Grid]]) -> None:
    text = "".join(json.dumps(pair, separators=(",", ":"), ensure_ascii=False) + "\n" for pair in pairs)
    write_text(file, text)


def _distinct_pairs(command: GymCommand) -> tuple[list[dict[str, Grid]], int]:
    """Draws the wanted number of pairs, all with distinct questions, and returns how many draws that took."""
    wanted = command.train + command.test
    entries = _data_set(command.name, command.options, size=4 * wanted + 100, seed=command.seed)
    found: dict[str, dict[str, Grid]] = {}
    for i in range(len(entries)):
        pair = grid_pair(entries[i])
        if pair is None:
            why = MORE_IN_WORDS.get(command.name, f"question and answer {i} are not both grids")
            raise ValueError(f"--name {command.name} does not work: {why}; {', '.join(WORKING)} do")
        found.setdefault(json.dumps(pair["input"]), pair)
        if len(found) == wanted:
            return list(found.values()), i + 1
    raise ValueError(
        f"--name {command.name}: only {len(found)} different questions in {len(entries)} draws: ask for fewer than {wanted}, "
        "or for larger grids with --options"
    )


def _data_set(name: str, options: str, *, size: int, seed: int) -> Any:
    gym = _gym()
    if name not in gym.factory.DATASETS:
        hint = did_you_mean(name, gym.factory.DATASETS)
        raise ValueError(f"--name {name}: no data set of reasoning-gym; {hint}Those of grids are {', '.join(WORKING)}")
    try:
        values = parse_json(options)
    except ValueError as error:
        raise ValueError(f"--options must be a JSON object: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"--options must be a JSON object: got {options}")
    try:
        return gym.create_dataset(name, size=size, seed=seed, **values)
    except (TypeError, AssertionError, ValueError) as error:  # the library checks its options by assertions
        raise ValueError(f"--name {name} does not take --options {options}: {error}") from error


def _gym() -> Any:
    try:
        import reasoning_gym
        import reasoning_gym.factory
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("`data make gym` needs reasoning-gym: pip install 'ponderling[gym]'") from error
    return reasoning_gym


def grid_pair(entry: dict[str, Any]) -> dict[str, Grid] | None:
    """The question and answer of an entry as grids; None if either cannot be read, or the grid leaves something out."""
    metadata = entry["metadata"]
    name = metadata.get("source_dataset", "")
    if name in MORE_IN_WORDS:
        return None
    if name in REWRITTEN:
        return REWRITTEN[name](metadata)
    question = _first_grid(metadata, QUESTION_KEYS) or _last_grid(entry["question"])
    answer = _first_grid(metadata, ANSWER_KEYS) or as_grid(entry["answer"])
    return {"input": question, "output": answer} if question and answer else None


def _futoshiki(metadata: dict[str, Any]) -> dict[str, Grid]:
    """Cells with the signs between them: 0 is a blank, a dot no sign."""
    n = metadata["board_size"]

    def with_signs(cells: Grid) -> Grid:
        grid: Grid = [["."] * (2 * n - 1) for _ in range(2 * n - 1)]
        for row in range(n):
            grid[2 * row][::2] = [str(cell) for cell in cells[row]]
        for row, column, row2, column2, sign in metadata["constraints"]:
            grid[row + row2][column + column2] = sign if row == row2 else "v" if sign == ">" else "^"
        return grid

    return {"input": with_signs(metadata["puzzle"]), "output": with_signs(metadata["solution"])}


def _kakurasu(metadata: dict[str, Any]) -> dict[str, Grid]:
    """Cells with the sums of rows on the right and of columns below, which the answer repeats."""

    def with_sums(cells: Grid) -> Grid:
        sums = [[*row, total] for row, total in zip(cells, metadata["row_sums"], strict=True)]
        return [*sums, [*metadata["col_sums"], 0]]

    return {"input": with_sums(metadata["puzzle"]), "output": with_sums(metadata["solution"])}


REWRITTEN: dict[str, Callable[[dict[str, Any]], dict[str, Grid]]] = {"futoshiki": _futoshiki, "kakurasu": _kakurasu}
"""Data sets whose grids alone do not say all, but can."""


def _first_grid(metadata: dict[str, Any], keys: tuple[str, ...]) -> Grid | None:
    return next((grid for key in keys if (grid := as_grid(metadata.get(key)))), None)


def _last_grid(text: str) -> Grid | None:
    """The last nested list in the text, or else its last paragraph that is a grid."""
    lists = re.findall(r"\[\s*\[[^a-zA-Z]*?\]\s*\]", text)
    candidates = [lists[-1]] if lists else reversed(text.strip().split("\n\n"))
    return next((grid for candidate in candidates if (grid := as_grid(candidate)) and len(grid) > 1), None)


def as_grid(value: Any) -> Grid | None:
    """The value as rows of cells: nested lists, an array, or a text of JSON or of rows of cells with spaces between."""
    if isinstance(value, str):
        value = _rows_of_text(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, list | tuple) or not value or not all(isinstance(row, list | tuple) for row in value):
        return None
    rows = [list(row) for row in value]
    cells = [cell for row in rows for cell in row]
    fits = all(type(cell) is int or (isinstance(cell, str) and 0 < len(cell) <= 2) for cell in cells)
    return rows if fits and len({len(row) for row in rows}) == 1 and len(cells) > 1 else None


def _rows_of_text(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            return None
    lines = [line.split() if " " in line.strip() else list(line.strip()) for line in text.strip().splitlines()]
    return [[int(cell) if are_numbers([cell]) else cell for cell in line] for line in lines]
