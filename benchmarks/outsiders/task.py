"""What a task is, and how its files of training, test and other-size examples are drawn apart.

A task draws an endless stream of question and answer from a seed. The files take their examples from it in this order:

- `train.jsonl` has the first questions that differ from one another.
- `test.jsonl` has the next ones, none of which is a training question. They come from the same stream and have the same sizes.
- `unseen.jsonl` has questions of sizes that training does not show. Where training shows one size, this file has one, too:
  a task of one size has no end marks, so grids of different sizes would not fit on one canvas. Some tasks have no such file.

Two questions are the same only if every cell is. A mirror image, or the same grid in other colours, is another question.
A test question with a symbol that training never shows is passed over, since no network could have learnt that symbol.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from ponderling.system import write_text

Grid = list[list[Any]]
Pair = dict[str, Grid]
"""`input` and `output`: a line of the file."""
Stream = Callable[[int], Iterator[Pair]]
"""Draws examples from a seed, without end."""
Rule = Callable[[Grid, Grid], bool]
"""Whether an answer to a question is right, as `--data.check` takes it."""
Draw = Callable[[np.random.Generator, tuple[int, int]], Pair | None]
"""Draws an example of so many rows and columns, or None where the draw gave no fair question."""

MOST_DRAWS = 40
"""Draws for each wanted example, at most."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task that becomes files."""

    name: str
    asks: str
    """What is asked, and how it is put as grids."""
    stream: Stream
    """Draws examples of the sizes that are trained on."""
    sizes: str
    """The sizes of the grids in training, in words for a reader."""
    unseen: Stream | None = None
    """Draws examples of sizes not trained on; None where the task has one size."""
    unseen_sizes: str = ""
    """The sizes that training did not show, in words for a reader."""
    rule: Rule | None = None
    """Judges answers, where a question may have several right ones; None where it has one."""
    train: int = 5000
    """Number of training examples."""
    test: int = 200
    """Number of test examples, and of examples of sizes not trained on."""


@dataclass(frozen=True)
class Files:
    """The files of a task."""

    train: Path
    test: Path
    _: KW_ONLY
    unseen: Path | None = None

    def digest(self) -> str:
        """Twelve characters that change when any of the files does."""
        found = hashlib.sha256()
        for path in (self.train, self.test, self.unseen):
            found.update(b"" if path is None else path.read_bytes())
        return found.hexdigest()[:12]


def make_files(task: Task, folder: Path) -> Files:
    """The task's files in this folder, which are drawn if they are not there; the same task gives the same files.

    Raises:
        ValueError: when the stream has too few different questions.
    """
    unseen = None if task.unseen is None else folder / "unseen.jsonl"
    files = Files(folder / "train.jsonl", folder / "test.jsonl", unseen=unseen)
    if all(path is None or path.is_file() for path in (files.train, files.test, files.unseen)):
        return files
    print(f"{task.name}: drawing its files", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    stream = task.stream(0)
    train = distinct(stream, task.train, name=task.name)
    symbols = symbols_of(train)
    test = distinct(stream, task.test, name=task.name, known=train, symbols=symbols)
    if task.unseen is not None and unseen is not None:
        _write(unseen, distinct(task.unseen(0), task.test, name=task.name, symbols=symbols))
    _write(files.train, train)
    _write(files.test, test)
    return files


def distinct(
    stream: Iterator[Pair],
    count: int,
    *,
    name: str,
    known: Iterable[Pair] = (),
    symbols: set[str] | None = None,
) -> list[Pair]:
    """The next pairs of the stream whose questions differ from one another and from the known ones.

    Args:
        stream: Where to draw from.
        count: Number of pairs.
        name: The task's name, for the message.
        known: Pairs whose questions are not wanted again.
        symbols: What cells may hold; None for anything.

    Raises:
        ValueError: when so many are not found.
    """
    seen, found = {json.dumps(pair["input"]) for pair in known}, []
    for pair in itertools.islice(stream, MOST_DRAWS * count):
        key = json.dumps(pair["input"])
        if key in seen or (symbols is not None and not symbols_of([pair]) <= symbols):
            continue
        seen.add(key)
        found.append(pair)
        if len(found) == count:
            return found
    raise ValueError(
        f"{name}: {len(found)} new questions in {MOST_DRAWS * count:,} draws, {count} are wanted: ask for fewer"
    )


def symbols_of(pairs: Iterable[Pair]) -> set[str]:
    """What the cells of these pairs hold."""
    return {str(cell) for pair in pairs for grid in pair.values() for row in grid for cell in row}


def _write(file: Path, pairs: Sequence[Pair]) -> None:
    text = "".join(json.dumps(pair, separators=(",", ":"), ensure_ascii=False) + "\n" for pair in pairs)
    write_text(file, text)


def read_pairs(file: Path) -> list[Pair]:
    """The examples of a file that `make_files` wrote."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def of_sizes(draw: Draw, least: int, *, most: int, square: bool = False) -> Stream:
    """A stream of grids whose rows and columns are each drawn evenly from `least` to `most`."""

    def stream(seed: int) -> Iterator[Pair]:
        rng = np.random.default_rng(seed)
        while True:
            rows, columns = rng.integers(least, most + 1, 2).tolist()
            pair = draw(rng, (rows, rows if square else columns))
            if pair is not None:
                yield pair

    return stream


def of_size(draw: Draw, rows: int, *, columns: int) -> Stream:
    """A stream of grids of one size."""

    def stream(seed: int) -> Iterator[Pair]:
        rng = np.random.default_rng(seed)
        while True:
            pair = draw(rng, (rows, columns))
            if pair is not None:
                yield pair

    return stream


def same_shape(rule: Rule) -> Rule:
    """The rule, which then refuses answers that have another shape than the question."""

    @wraps(rule)
    def judge(question: Grid, answer: Grid) -> bool:
        return [len(row) for row in question] == [len(row) for row in answer] and rule(question, answer)

    return judge


NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Steps to the neighbours of a cell."""


def areas(grid: Grid) -> list[set[tuple[int, int]]]:
    """The areas of neighbouring cells that hold the same, in the reading order of their first cells."""
    found: list[set[tuple[int, int]]] = []
    placed: set[tuple[int, int]] = set()
    for row, line in enumerate(grid):
        for column, value in enumerate(line):
            if (row, column) in placed:
                continue
            area, waiting = {(row, column)}, [(row, column)]
            while waiting:
                r, c = waiting.pop()
                for down, right in NEIGHBOURS:
                    cell = r + down, c + right
                    inside = 0 <= cell[0] < len(grid) and 0 <= cell[1] < len(line)
                    if inside and cell not in area and grid[cell[0]][cell[1]] == value:
                        area.add(cell)
                        waiting.append(cell)
            placed |= area
            found.append(area)
    return found
