"""Mazes of any size: free cells and walls, a start S and a goal G; the answer marks a shortest path with `o`.

Most mazes have many shortest paths, and the label is one of them: the one that `paths.search` finds, by the rule of the
public set Maze-Hard. So two scores tell different things: `exact` asks for that very path, `valid` for any shortest one.

A maze without a way from S to G is a question too: its answer has no marks. A maze may have several S, as a training aid:
its answer marks one shortest path for each of them that has a way.

`cells.py` has the tokens, `paths.py` does the searching, `kinds.py` draws mazes of other kinds than Maze-Hard's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks import text_files
from ponderling.tasks.base import Hints, PuzzleError, Puzzles, Symmetry, Tokens, Verdict, join
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.maze import drawn, kinds, several, written
from ponderling.tasks.maze.cells import FREE, GOAL, PATH, START, WALL
from ponderling.tasks.maze.generating import (
    HARD_CELLS,
    HARD_PATH,
    HARD_SIDE,
    TRAINING_SETS,
    Wanted,
    answer,
    draw_plainly,
    generate,
)
from ponderling.tasks.maze.paths import distances, search, spread
from ponderling.tasks.numba import has_numba
from ponderling.tasks.relations import Neighbours, Relations

HUB_REPOSITORY = "sapientinc/maze-30x30-hard-1k"
"""The public data set Maze-Hard: 1,000 mazes of 30x30 to train on, 1,000 to test."""

SHORT_PATH = 3
"""Fewest cells of the shortest path in the easier half of the training mazes."""

MOST_CELLS = 400
"""Most cells of mazes that `load_default` generates, in seconds; `ponderling data make maze` makes larger ones."""

SET_MAZES, SET_CELLS = 50_000, 20_000_000
"""Number of mazes in such a set, and most cells of them all: 100x100 has 2,000 mazes."""

NO_WAY = "no way leads from S to G"

Bools = NDArray[np.bool_]


class Maze(GridTask):
    """The family of mazes with a given number of rows and columns."""

    symbols = "# SGo"
    aliases = {"E": "G", "X": "o", "+": "o"}  # noqa: RUF012 (as other programs write mazes, see drawn.py)
    kind = "maze"
    cells_touch = True
    extends_question = True
    has_many_answers = True
    named_sets = tuple(TRAINING_SETS)
    sized_name = "maze{rows}x{columns}"

    def __init__(self, rows: int, columns: int | None = None):
        columns = rows if columns is None else columns
        if min(rows, columns) < 1 or rows * columns < 2:
            raise ValueError(f"a maze has at least two cells: got {rows}x{columns}")
        self.grid_shape = (rows, columns)
        self.name = f"maze{rows}" if rows == columns else f"maze{rows}x{columns}"
        self.hub_repository = HUB_REPOSITORY if self.grid_shape == (30, 30) else None

    def resized(self, rows: int, columns: int) -> Maze:
        """Mazes with another number of rows and columns.

        Raises:
            ValueError: when a grid has fewer than two cells.
        """
        return Maze(rows, columns)

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """The tokens of free cells and of the path."""
        return FREE, PATH

    @property
    def relations(self) -> Relations:
        """Each cell's neighbours, direction by direction, since the rule that chooses among paths tells directions apart."""
        tokens = tuple(range(WALL, PATH + 1))
        return Relations(
            {},
            symbols=(),
            named=tokens,
            answers=tokens,
            neighbours=Neighbours.of_grid(*self.grid_shape),
            hints=kinds.HINTS,
            holds=kinds.HINT_GOAL - 1,
        )

    def hints(self, questions: Tokens) -> Hints:
        """For each free cell where the path from it to G goes on: down, left, right, up; or that it is G, or has no way.

        Four more hints say for each direction whether G is nearer there. So both cells at an edge learn which of them is
        nearer, and one can tell when the other is wrong. The whole wave of distances is taught, not only what lies on one
        path. What depends on cells that are d moves away takes d rounds; before these, a cell cannot be told from one
        without a way.
        """
        hints = np.empty((*questions.shape, len(kinds.HINTS)), np.uint8)
        moves = np.empty(questions.shape, np.int32)
        rounds = np.empty(len(questions), np.int32)
        kinds.hint_mazes(questions, self.grid_shape[1], hints, moves, rounds)
        return Hints(labels=hints, rounds=moves, answer_rounds=rounds)

    def render(self, tokens: Tokens) -> list[list[str]]:
        """The grid as rows of two characters for each cell, so that a cell is about square in a terminal."""
        texts = np.array(["??", "██", "  ", "S ", "G ", "o "])
        return texts[tokens].reshape(self.grid_shape).tolist()

    # Text and files

    def parse(self, text: str) -> Tokens:
        """One question from text, (L,): all cells in a row, or a line for each row, which may lack its last blanks.

        Raises:
            PuzzleError: everything that is wrong with it.
        """
        foreign = written.read_text(text)
        text = "\n".join(foreign.rows if foreign is not None else written.without_titles(written.lines_in(text)))
        cells = drawn.as_one_line(text, self.grid_shape) or text
        try:
            return super().parse(cells)
        except PuzzleError as error:
            rows = [line for line in text.split("\n") if line]
            if len(rows) > 2 and max(map(len, rows)) == min(map(len, rows)):
                drawn.check_characters(rows)
            if len(cells.replace("\r", "").replace("\n", "")) == self.num_cells:
                raise
            raise PuzzleError(
                f"{error}; draw a maze of another size over several lines, or name its task (maze4x10)"
            ) from error

    def name_for(self, text: str) -> str:
        """The name of the family of mazes of the size of this one, drawn over several lines; else this one's."""
        foreign = written.read_text(text)
        text = "\n".join(written.without_titles(written.lines_in(text)))
        shape = drawn.shape_of(text) if foreign is None else foreign.shape
        cells = text.replace("\r", "").replace("\n", "") if foreign is None else "".join(foreign.rows)
        is_own = len(cells) == self.num_cells and (foreign is None or len(foreign.rows) == 1)  # lines may end anywhere
        return self.name if shape is None or is_own else _name_of(shape)

    def name_in(self, path: str | Path) -> str:
        """The name of the family of mazes of the size of a file's first, if that is drawn over several lines; else this one's.

        The size of a square with all cells in a row is known, too.

        Raises:
            PuzzleError: when the file cannot be read.
        """
        mazes = drawn.mazes_written(path)
        if mazes is not None:
            first = next(mazes, None)
            if first is None or first.shape == (1, self.num_cells):
                return self.name
            side = drawn.side_of(first.rows[0]) if len(first.rows) == 1 else None
            return _name_of(first.shape if side is None else (side, side))
        first = drawn.first_drawn(self, path)
        side = drawn.side_of_line(path) if first is None and Path(path).is_file() else None
        if side is not None:
            return _name_of((side, side))
        try:
            return self.name if first is None else self.name_for(first)
        except PuzzleError as error:
            raise PuzzleError(f"{path}: {error}") from error

    def form_in(self, path: str | Path) -> str:
        """What a file's mazes are taken for, in words; empty where they are in our own columns or characters.

        Raises:
            PuzzleError: when the file cannot be read.
        """
        mazes = drawn.mazes_written(path)
        first = None if mazes is None else next(mazes, None)
        return "" if first is None else first.form

    def texts_of(self, lines: Iterable[str]) -> Iterator[str]:
        """The mazes in a stream of lines: of one line each, or drawn over several and ended by an empty one."""
        return drawn.texts_of(lines, self.num_cells)

    def read(self, path: str | Path, limit: int | None = None) -> Puzzles:
        """The first `limit` mazes of a CSV or plain file, or of one in a form of `drawn` or `written`.

        Raises:
            PuzzleError: with file, place and reason.
        """
        if drawn.mazes_written(path) is not None or drawn.is_drawn(self, path):
            return drawn.read(self, path, limit=limit)
        drawn.check_lines(self, path)
        return super().read(path, limit)

    def places_in(self, path: str | Path, count: int) -> tuple[str, NDArray[np.int64]]:
        """What `read` counts in a file, and the numbers of its first `count` mazes."""
        if drawn.mazes_written(path) is not None or drawn.is_drawn(self, path):
            return "maze", np.arange(1, count + 1)
        return "row", text_files.row_numbers(self, path, count=count)

    # Rules

    def clue_mask(self, tokens: Tokens) -> Bools:
        """Whether each cell is given: all but the free cells, so walls, S and G."""
        return tokens != FREE

    def check_question(self, tokens: Tokens) -> None:
        """Refuses a maze (L,) without exactly one G and one S or more. Whether a way joins them is for the answer to say.

        Raises:
            PuzzleError: everything that is wrong.
        """
        problems = self._problems(tokens)
        if problems:
            raise PuzzleError("; ".join(problems))

    def _problems(self, tokens: Tokens) -> list[str]:
        counts = np.bincount(tokens, minlength=self.vocab_size)
        advice = "" if counts[GOAL] else ", mark the start with S and the goal with G"
        problems = [] if counts[START] else [f"a maze has one S: got none{advice}"]
        if counts[GOAL] != 1:
            problems.append(f"a maze has one G: got {counts[GOAL] or 'none'}")
        if not counts[START] and not counts[GOAL]:
            problems += self._openings(tokens)
        for token, what in ((PATH, "a path cell"), (0, "padding")):
            if counts[token]:
                problems.append(f"{what} at {self.place(int(np.argmax(tokens == token)))}: a question has none")
        return problems

    def _openings(self, tokens: Tokens) -> list[str]:
        """Where the border of a maze (L,) without S and G has two openings, what to do with them; else nothing."""
        rows, columns = self.grid_shape
        row, column = np.divmod(np.arange(self.num_cells), columns)
        border = (row == 0) | (row == rows - 1) | (column == 0) | (column == columns - 1)
        openings = np.flatnonzero(border & (tokens == FREE))
        if len(openings) != 2:
            return []
        return [f"its border is open at {' and '.join(self.place(int(i)) for i in openings)}: write S and G there"]

    def is_right(self, question: Tokens, answer: Tokens) -> list[str]:
        """What is wrong with the marked path, if anything; `check` reports changed walls, S and G."""
        problems = self._problems(question)
        if problems:
            return problems
        foreign = np.flatnonzero(self._foreign(question, answer))
        reasons = [
            f"the free cell at {self.place(int(i))} became {self.format(answer[i : i + 1])}" for i in foreign[:3]
        ]
        marks = _marks(question, answer)
        num_marked = int(marks.sum())
        if not self.has_way(question):
            return [*reasons, f"{NO_WAY}, yet {_cells(num_marked)} marked"] if num_marked else reasons
        if (question == START).sum() > 1:
            return reasons + self._wrong_with_several(question, marks)
        shortest = self._search(question != WALL, question)[0]
        length = self._search(marks | _ends(question), question)[0]
        if length < 0:
            reasons.append("the marked cells do not lead from S to G" if num_marked else "no path is marked")
        elif length > shortest:
            reasons.append(f"the path has {length + 1} cells with S and G, a shortest one {shortest + 1}")
        elif num_marked > shortest - 1:
            astray = num_marked - shortest + 1
            reasons.append(f"{astray} marked {'cell is' if astray == 1 else 'cells are'} not on the path")
        return reasons

    def _wrong_with_several(self, question: Tokens, marks: Bools) -> list[str]:
        """What is wrong with the marks of a maze with several S, one of which at least has a way."""
        goal, starts, ways = self._ways(question, marks)
        leading = several.leading(ways, goal)
        lost = [start for start in starts if start not in leading]
        reasons = [
            f"the marked cells are not a shortest path from the S at {self.place(start)} to G" for start in lost[:3]
        ]
        astray = marks.copy()
        astray[list(leading & several.reached_from(ways, starts))] = False
        if astray.any():
            reasons.append(f"{_cells(int(astray.sum()))} marked on the shortest path of no S")
        if not reasons and not several.are_paths(ways, starts=starts, goal=goal):
            reasons.append("the marked cells are more than one shortest path from each S to G")
        return reasons

    def _ways(self, question: Tokens, marks: Bools) -> tuple[int, list[int], several.Ways]:
        """G, every S that has a way to it, and the moves on marked cells that come nearer to it."""
        moves = self._moves(question)
        goal = int(np.argmax(question == GOAL))
        starts = np.flatnonzero((question == START) & (moves > 0)).tolist()
        return goal, starts, several.ways_nearer(marks | _ends(question), moves, columns=self.grid_shape[1])

    def has_way(self, question: Tokens) -> bool:
        """Whether some S of a maze (L,) has a way to G."""
        return bool((self._moves(question)[question == START] > 0).any())

    def _moves(self, question: Tokens) -> NDArray[np.int32]:
        """Fewest moves from each cell to G, -1 where there is no way; (L,)."""
        moves, queue = np.empty(self.num_cells, np.int32), np.empty(self.num_cells, np.int32)
        spread.briefly(question != WALL, self.grid_shape[1], int(np.argmax(question == GOAL)), moves, queue)
        return moves

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """What is wrong with an answer (L,), and the cells to blame: changed ones and marks that lead nowhere."""
        verdict = super().check(question, answer)
        wrong = self.clue_mask(question) & (answer != question) | self._foreign(question, answer)
        if not self._problems(question):
            wrong |= self._astray(question, answer)
        note = NO_WAY if verdict.valid and not self.has_way(question) else ""
        return replace(verdict, wrong_cells=tuple(map(int, np.flatnonzero(wrong))), note=note)

    def valid(self, questions: Tokens, answers: Tokens) -> Bools:
        """Whether each answer (N, L) marks a shortest path from S, nothing where there is no way, and changes nothing else.

        With several S the marks are one shortest path for each that has a way. (N,)
        """
        kept = np.where(questions == FREE, (answers == FREE) | (answers == PATH), answers == questions)
        valid = kept.all(axis=1) & ((questions != PATH) & (questions != 0)).all(axis=1)
        num_starts = (questions == START).sum(axis=1)
        valid &= (num_starts > 0) & ((questions == GOAL).sum(axis=1) == 1)
        for i in np.flatnonzero(valid & (num_starts > 1)):
            valid[i] = not self.is_right(questions[i], answers[i])
        rows = np.flatnonzero(valid & (num_starts == 1))
        questions, answers = questions[rows], answers[rows]
        shortest = self._distances(questions != WALL, questions)
        marks = answers == PATH
        num_marks = marks.sum(axis=1)
        # As many marks as a shortest path has, and S and G joined by them: then they are that path and nothing else.
        joined = self._distances(marks | _ends(questions), questions) == shortest
        valid[rows] = np.where(shortest > 0, joined & (num_marks == shortest - 1), num_marks == 0)
        return valid

    @staticmethod
    def _foreign(question: Tokens, answer: Tokens) -> Bools:
        """Free cells of the question that are neither free nor path in the answer."""
        return (question == FREE) & (answer != FREE) & (answer != PATH)

    def _astray(self, question: Tokens, answer: Tokens) -> Bools:
        """Marks off the path through marks from S to G; without such a path, marks joined to neither."""
        marks = _marks(question, answer)
        if not self.has_way(question):
            return marks
        if (question == START).sum() > 1:
            goal, starts, ways = self._ways(question, marks)
            marks[list(several.leading(ways, goal) & several.reached_from(ways, starts))] = False
            return marks
        passable = marks | _ends(question)
        length, parents = self._search(passable, question)
        if length >= 0:
            marks[self._between(parents, question)] = False
            return marks
        backwards = self._search(passable, question, backwards=True)[1]
        return marks & (parents < 0) & (backwards < 0)

    # Paths: see paths.py

    def _search(self, is_free: Bools, question: Tokens, *, backwards: bool = False) -> tuple[int, NDArray[np.int32]]:
        """Number of moves from S to G on free cells, -1 if unreachable, and the cell before each cell found."""
        start, goal = (int(np.argmax(question == token)) for token in (START, GOAL))
        if backwards:
            start, goal = goal, start
        parents, queue = np.empty(self.num_cells, np.int32), np.empty(self.num_cells, np.int32)
        return search.briefly(is_free, self.grid_shape[1], start, goal, parents, queue), parents

    def _distances(self, is_free: Bools, questions: Tokens) -> NDArray[np.int32]:
        """Number of moves from S to G on the free cells of each grid (N, L), -1 if unreachable; (N,)."""
        moves = np.empty(len(questions), np.int32)
        starts, goals = ((questions == token).argmax(axis=1).astype(np.int32) for token in (START, GOAL))
        fill = distances.briefly if len(questions) <= 4 else distances
        fill(is_free, self.grid_shape[1], starts, goals, moves)
        return moves

    @staticmethod
    def _between(parents: NDArray[np.int32], question: Tokens) -> list[int]:
        """The cells between S and G on the path that a search found."""
        start, cell = int(np.argmax(question == START)), int(parents[np.argmax(question == GOAL)])
        cells = []
        while cell != start:
            cells.append(cell)
            cell = int(parents[cell])
        return cells

    def find_answer(self, question: Tokens) -> Tokens:
        """The question (L,) with the shortest path of Maze-Hard's rule; the question itself where there is no way."""
        self.check_question(question)
        return self._labelled(question[None])[0]

    def _labelled(self, questions: Tokens) -> Tokens:
        """The questions (N, L) with their shortest paths."""
        answers = np.empty_like(questions)
        answer(questions, self.grid_shape[1], answers=answers)
        return answers

    # Generation

    @property
    def hard_path(self) -> int:
        """Fewest cells of a generated maze's shortest path, S and G included: 110 for 30x30; see HARD_PATH."""
        by_cells = self.num_cells * HARD_PATH / HARD_CELLS
        by_side = sum(self.grid_shape) / 2 * HARD_PATH / HARD_SIDE
        return max(2, round(min(by_cells, by_side)))

    @property
    def rating_edges(self) -> tuple[int, ...]:
        """Lowest rating, in cells of the path, of each row of a table by rating."""
        return (0, *(round(self.hard_path * share) for share in (1.0, 1.03, 1.1, 1.2)))

    def generate(
        self,
        rng: np.random.Generator,
        count: int,
        *,
        kind: str = "hard",
        walls: tuple[float, float] | None = None,
        min_path: int | None = None,
        ends: str | None = None,
        unsolvable: float = 0.0,
        most_starts: int = 1,
        progress: Callable[[int], object] = lambda done: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Puzzles:
        """Random mazes with a long shortest path: at 30x30 the defaults give the distribution of Maze-Hard.

        Args:
            rng: The only source of randomness.
            count: Number of mazes.
            kind: One of `kinds.KINDS`, or mixed for all of them.
            walls: Of the kinds hard and field: lowest and highest share of walls, from 0 to 1; their number is uniform between.
                None: WALLS, and `kinds.FIELD_WALLS`.
            min_path: Fewest cells of the shortest path, S and G included. None: `hard_path` for the kind hard, and as `ends`
                says for others.
            ends: Where S is: far from G, anywhere (any), beside G, or mixed. None: far, and mixed for the kind mixed.
            unsolvable: Share of mazes without a way from S to G, from 0 to 1. Their rating is 0; that of others is the
                number of cells of their path.
            most_starts: Most cells S. Where it is above 1, half of the mazes have 2 or more.
            progress: Called with the number made so far.
            stop: Asked now and then whether to end here, with fewer.

        Raises:
            PuzzleError: when such mazes cannot exist, or are too rare to find.
        """
        wanted = Wanted(
            shape=self.grid_shape,
            name=self.name,
            hard_path=self.hard_path,
            kind=kind,
            walls=walls,
            min_path=min_path,
            ends=ends,
            unsolvable=unsolvable,
            most_starts=most_starts,
        )
        drawn = generate(wanted, rng, count=count, progress=progress, stop=stop)
        puzzles = self.puzzles(drawn.questions, drawn.answers, ratings=drawn.lengths)
        return replace(puzzles, sources=("ponderling",) * len(drawn.questions))

    def one_to_try(self, rng: np.random.Generator) -> Tokens:
        """A random maze (L,) of any kind but hard, which is slow to find; drawn in plain Python, since one is made at once.

        Raises:
            PuzzleError: when none of this size could be found.
        """
        wanted = Wanted(shape=self.grid_shape, name=self.name, hard_path=self.hard_path, kind="mixed")
        return draw_plainly(wanted, rng)

    def load_default(self, split: str) -> Puzzles:
        """Generated mazes, always the same; no test maze is a training maze, turned or mirrored or not.

        The sets of TRAINING_SETS have mazes of all kinds, which may be test mazes too; `load_split` keeps those apart.
        Test mazes have a path of at least `hard_path` cells, and so do half of the training mazes; the other half
        starts at `SHORT_PATH`, for a curriculum by rating (`Phase`): without it little is learned (dev/LOG.md).
        """
        if split in TRAINING_SETS:
            return self._training_set(split)
        if self.num_cells > MOST_CELLS:
            raise PuzzleError(
                f"no {self.name} mazes come with the package: make some with `ponderling data make maze --size "
                f"{self.grid_shape[0]} --columns {self.grid_shape[1]}` and name the file"
                + (", or hub" if self.hub_repository else "")
            )
        if split not in ("train", "test"):
            raise ValueError(f"split must be train or test for {self.name}: got {split!r}")
        num_train, num_test = self.default_sizes
        test = self.generate(np.random.default_rng(1), num_test)
        if split == "test":
            return test
        half = num_train // 2
        short = self.generate(np.random.default_rng(2), half, min_path=min(SHORT_PATH, self.hard_path))
        train = join([short, self.generate(np.random.default_rng(0), num_train - half)])
        return self.without(train, test)

    def _training_set(self, name: str) -> Puzzles:
        if not has_numba():
            raise PuzzleError(
                f"the set {name} has {SET_MAZES:,} mazes, which are made with numba: pip install 'ponderling[generate]', or "
                "make fewer in a file with `ponderling data make maze --kind mixed`"
            )
        count = min(SET_MAZES, SET_CELLS // self.num_cells)
        seed = 2 + list(TRAINING_SETS).index(name)
        rng = np.random.default_rng([seed, *self.grid_shape])
        kind, most_starts, unsolvable = TRAINING_SETS[name]
        return self.generate(rng, count, kind=kind, ends="mixed", unsolvable=unsolvable, most_starts=most_starts)

    # Symmetries

    def symmetries(self) -> Symmetry:
        """The 8 symmetries of the square, or the 4 of the rectangle; the identity first."""
        grid = np.arange(self.num_cells).reshape(self.grid_shape)
        turned = [np.rot90(grid, quarter) for quarter in range(4)]
        images = np.stack([image for t in turned for image in (t, t[:, ::-1]) if image.shape == grid.shape])
        cells = images.reshape(len(images), -1)
        return Symmetry(cells, np.tile(np.arange(self.vocab_size, dtype=np.uint8), (len(cells), 1)))

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """`count` of the symmetries, drawn uniformly."""
        every = self.symmetries()
        chosen = rng.integers(len(every.cells), size=count)
        return Symmetry(every.cells[chosen], every.symbols[chosen])

    def relabel(self, puzzles: Puzzles) -> Puzzles:
        """Mazes with the path of Maze-Hard's rule, which a symmetry may carry to another shortest path."""
        return replace(puzzles, labels=self._labelled(puzzles.tokens))

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each maze (N, L) that no symmetry changes, (N,): if two differ, the mazes are not alike."""
        weights = np.random.default_rng(0).integers(1 << 63, size=self.num_cells, dtype=np.uint64)
        images = [(tokens[:, cells] * weights).sum(axis=1, dtype=np.uint64) for cells in self.symmetries().cells]
        return np.min(images, axis=0)


def _cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count} cells are"


def _name_of(shape: tuple[int, int]) -> str:
    """The name of the family of this shape.

    Raises:
        PuzzleError: when no maze has it.
    """
    try:
        return Maze(*shape).name
    except ValueError as error:
        raise PuzzleError(str(error)) from error


def _marks(question: Tokens, answer: Tokens) -> Bools:
    """Free cells that the answer marks as path."""
    return (question == FREE) & (answer == PATH)


def _ends(questions: Tokens) -> Bools:
    """Whether each cell is S or G."""
    return (questions == START) | (questions == GOAL)
