"""Files of grids in text: examples in JSON, one in each line or all in one document, or in the rows of a CSV file."""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.grid_file import CellGrids, GridFile, not_a_rating, not_a_split
from ponderling.tasks.custom.json_forms import Entry, entries_of, entry_of, refuse_arc_tasks
from ponderling.tasks.custom.names import EXPECTED, names_in
from ponderling.tasks.custom.symbols import NO_GRID, Coder, Grid
from ponderling.tasks.custom.text_form import AmbiguousError, Text, form_of, rows_of, text_of
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.opened import lines_of, read_json
from ponderling.tasks.problems import Problems, shown
from ponderling.tasks.text_files import NAMES, without_preamble

SEPARATORS = ",;\t|"
"""What may part the columns of a CSV."""

ELSEWHERE = "Sudokus and mazes in other files are trained on with `ponderling train RECIPE --data.train FILE`"
"""What is said of files that may hold puzzles of a known family."""

_SIDES = ("input", "output")


def read_json_lines(path: Path) -> GridFile:
    """The examples of a file with a JSON object in each line.

    Raises:
        PuzzleError: naming each line that cannot be used, and the reason.
    """
    return _read(path, "line", parse=_json_lines)


def read_json_document(path: Path) -> GridFile:
    """The examples of a file that is one JSON document; `json_forms.py` says how it may hold them.

    Raises:
        PuzzleError: naming each example that cannot be used, and the reason.
    """
    return _read(path, "example", parse=_json_document)


def read_csv(path: Path) -> GridFile:
    """The examples of a CSV file with a header.

    Raises:
        PuzzleError: naming each row that cannot be used, and the reason.
    """
    return _read(path, "row", parse=_csv_rows)


@dataclass(frozen=True, kw_only=True)
class _Example:
    number: int
    input: Any
    output: Any
    split: str
    rating: Any
    name: str


def _read(path: Path, unit: str, *, parse: Callable[..., Iterator[_Example]]) -> GridFile:
    problems = Problems(path, unit)
    grids = _Grids(path, problems)
    examples: list[_Example] = []
    for example in parse(path, problems=problems):
        grids.add(example)
        examples.append(replace(example, input=None, output=None))
    grids.read_texts()
    is_test, ratings = _splits(examples, problems), _ratings(examples, problems)
    problems.report()
    inputs, outputs = (_joined(side) for side in grids.sides)
    names = tuple(example.name for example in examples)
    return GridFile(
        path=path,
        unit=unit,
        numbers=np.array(grids.numbers, np.int64),
        symbols=tuple(grids.coder.symbols),
        inputs=inputs,
        outputs=outputs,
        is_test=is_test,
        ratings=ratings,
        names=names if any(names) else None,
    )


class _Grids:
    """The grids of a file as they come. Texts wait for the last one: all of them together say how they are meant.

    Args:
        path: The file.
        problems: Where to note what is wrong.
    """

    def __init__(self, path: Path, problems: Problems):
        self.problems, self.coder = problems, Coder(path)
        self.numbers: list[int] = []
        """The line or row of each example."""
        self.sides: tuple[list[Grid], list[Grid]] = ([], [])
        """The inputs and the outputs; empty where one is not given, cannot be read, or waits."""
        self._texts: list[tuple[int, Text]] = []  # with the index of the example

    def add(self, example: _Example) -> None:
        """Takes in the grids of the next example."""
        for side, value in enumerate((example.input, example.output)):
            found = NO_GRID
            if value is not None:
                with self._noting(example.number, side=side):
                    text = text_of(value, side)
                    if isinstance(text, Text):
                        self._texts.append((len(self.numbers), text))
                    else:
                        found = self.coder.grid(text, side=side)
            self.sides[side].append(found)
        self.numbers.append(example.number)

    def read_texts(self) -> None:
        """Reads the grids that are written as text; there are no more examples to come."""
        try:
            form = form_of([text for _, text in self._texts])
        except AmbiguousError as error:
            i, text = self._texts[error.index]
            self.problems.add(self.numbers[i], f"{_SIDES[text.side]}: {error}")
            return
        for i, text in self._texts:
            with self._noting(self.numbers[i], side=text.side):
                rows = rows_of(text, form)
                self.sides[text.side][i] = self.coder.grid(rows, side=text.side, from_text=True)

    @contextlib.contextmanager
    def _noting(self, number: int, *, side: int) -> Iterator[None]:
        """Notes a ValueError as a problem of this side of an example."""
        try:
            yield
        except PuzzleError:
            raise
        except ValueError as error:
            self.problems.add(number, f"{_SIDES[side]}: {error}")


def _joined(grids: Sequence[Grid]) -> CellGrids:
    return CellGrids(
        np.concatenate([NO_GRID[0], *(codes for codes, _ in grids)]),
        np.array([shape for _, shape in grids], np.int32).reshape(-1, 2),
    )


def _json_lines(path: Path, *, problems: Problems) -> Iterator[_Example]:
    for number, line in enumerate(lines_of(path, holds="grids"), 1):
        if not line.strip():
            continue
        try:
            value = parse_json(line.rstrip("\n"))
            refuse_arc_tasks([value], path)
            entry = entry_of(value)
        except JsonError as error:
            problems.add(number, str(error))
            continue
        if (example := _example(number, entry, problems=problems)) is not None:
            yield example


def _json_document(path: Path, *, problems: Problems) -> Iterator[_Example]:
    for number, entry in enumerate(entries_of(read_json(path), path=path), 1):
        if (example := _example(number, entry, problems=problems)) is not None:
            yield example


def _are_pairs(value: Any) -> bool:
    """Whether this is a list of lists of two grids."""
    return (
        isinstance(value, list) and bool(value) and all(isinstance(pair, list) and len(pair) == 2 for pair in value)
    ) and all(isinstance(grid, list) and grid and isinstance(grid[0], list) for pair in value for grid in pair)


def _example(number: int, entry: Entry, *, problems: Problems) -> _Example | None:
    """The example that an object is; None, with what is wrong noted, where it cannot be used."""
    value = entry.value
    if not isinstance(value, dict):
        problems.add(number, f"expected an object with input and output, got {shown(value)}")
        return None
    if "examples" in value and None in names_in(value) and _are_pairs(value["examples"]):
        problems.add(
            number,
            'an ARC task as BARC writes it, pairs of grids under examples: write it as {"train": [{"input": ..., "output": '
            '...}, ...], "test": [...]}, and train with `ponderling train arc10 --data.train FILE`',
        )
        return None
    grids = [None if key is None else value[key] for key in names_in(value)]
    if grids[0] is None:
        keys = shown(", ".join(value), quote="") or "none"
        problems.add(number, f"no input; its keys are {keys}: name them {EXPECTED}{_elsewhere(value)}")
        return None
    name = value.get("id", entry.name or None)
    if name is not None and type(name) not in (int, str):
        problems.add(number, f"id must be a text or a whole number: got {shown(name)}")
        return None
    split = value.get("split") or entry.split
    if entry.split and split != entry.split:
        problems.add(number, f"its split is {shown(split)}, and it stands in {entry.split}")
        return None
    return _Example(
        number=number,
        input=grids[0],
        output=grids[1],
        split=split,
        rating=value.get("rating"),
        name="" if name is None else str(name),
    )


def _elsewhere(names: Iterable[str]) -> str:
    """Where files of Sudokus and mazes are trained on, if a name is of these; else empty."""
    is_of_puzzles = any(name.strip().lower() in (*NAMES["question"], "maze") for name in names)
    return f"; {ELSEWHERE}" * is_of_puzzles


def _separator(header: str) -> str:
    """What parts the columns of a CSV: the sign between known names of a question and its answer, or else a comma."""
    for sign in SEPARATORS:
        if None not in names_in(name.strip("\"'") for name in header.strip().split(sign)):
            return sign
    return next((sign for sign in SEPARATORS if names_in(header.strip().split(sign))[0] is not None), ",")


def _csv_rows(path: Path, *, problems: Problems) -> Iterator[_Example]:
    lines = lines_of(path, holds="grids")
    before, first = next(without_preamble(lines, L=0), (1, ""))
    reader = csv.reader(itertools.chain([first] * bool(first), lines), delimiter=_separator(first))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        named = names_in(header)
        where = [-1 if name is None else header.index(name) for name in named]
        if where[0] < 0:
            raise PuzzleError(
                f"{path}: expected a header with the columns input and output (or question and answer), "
                f"got {shown(','.join(header), quote='') or 'nothing'}{_elsewhere(header)}"
            )
        others = [header.index(name) if name in header else -1 for name in ("split", "rating")]
        others.append(
            next((header.index(name) for name in ("id", "source") if name in header and name not in named), -1)
        )
        if twice := [header[i] for i in (*where, *others) if i >= 0 and header.count(header[i]) > 1]:
            raise PuzzleError(f"{path}: the header has the column {twice[0]} more than once")
        for fields in reader:
            if len(fields) == len(header):
                input_, output, split, rating, name = (fields[i] if i >= 0 else "" for i in (*where, *others))
                yield _Example(
                    number=before - 1 + reader.line_num,
                    input=input_,
                    output=output or None,
                    split=split.strip(),
                    rating=rating.strip() or None,
                    name=name,
                )
            elif any(fields):
                problems.add(before - 1 + reader.line_num, f"expected {len(header)} columns, got {len(fields)}")
    except csv.Error as error:
        raise PuzzleError(f"{path}, row {before - 1 + reader.line_num}: not CSV: {error}") from error


def _splits(examples: Sequence[_Example], problems: Problems) -> NDArray[np.bool_] | None:
    if not any(example.split for example in examples):
        return None
    for example in examples:
        if not isinstance(example.split, str) or example.split not in ("train", "test"):
            problems.add(example.number, not_a_split(example.split))
    return np.array([example.split == "test" for example in examples])


def _ratings(examples: Sequence[_Example], problems: Problems) -> NDArray[np.int32] | None:
    if all(example.rating is None for example in examples):
        return None
    ratings = np.zeros(len(examples), np.int32)
    for i, example in enumerate(examples):
        text = str(example.rating) if type(example.rating) in (int, str) else ""
        if text.isascii() and text.isdigit() and len(text) < 10:
            ratings[i] = int(text)
        elif example.rating is None:
            problems.add(example.number, "no rating, though others have one: rate all or none")
        else:
            problems.add(example.number, not_a_rating(example.rating))
    return ratings
