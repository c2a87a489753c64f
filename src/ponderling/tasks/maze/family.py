"""Mazes of any size: free cells and walls, a start S and a goal G; the answer marks a shortest path with `o`.

Most mazes have many shortest paths, and the label is one of them: the one that `paths.search` finds, by the rule of the
public set Maze-Hard. So two scores tell different things: `exact` asks for that very path, `valid` for any shortest one.

Tokens are those of Maze-Hard as the official repositories build it: 0 padding, 1 wall, 2 free, 3 S, 4 G, 5 path.
`paths.py` does the searching; it is imported by the methods that search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Neighbours, PuzzleError, Puzzles, Relations, Symmetry, Tokens, Verdict, join
from ponderling.tasks.grid_task import GridTask

WALL, FREE, START, GOAL, PATH = 1, 2, 3, 4, 5

HUB_REPOSITORY = "sapientinc/maze-30x30-hard-1k"
"""The public data set Maze-Hard: 1,000 mazes of 30x30 to train on, 1,000 to test."""

WALLS = (0.3, 0.5)
"""Lowest and highest share of walls in a generated maze: 270 to 450 of the 30x30 cells."""

HARD_PATH, HARD_CELLS = 110, 900
"""Maze-Hard's shortest paths have at least 110 cells of 900; other sizes take the same share by default."""

SHORT_PATH = 3
"""Fewest cells of the shortest path in the easier half of the training mazes."""

MOST_CELLS = 400
"""Most cells of mazes that `load_default` generates, in seconds; `ponderling data make maze` makes larger ones."""

TRIES, MOST_TRIES = 100_000, 10_000_000
"""Random mazes tried in one compiled call, and for one maze in all; one of Maze-Hard's kind takes some 50,000."""

Bools = NDArray[np.bool_]


class Maze(GridTask):
    """The family of mazes with a given number of rows and columns."""

    symbols = "# SGo"
    kind = "maze"
    cells_touch = True
    extends_question = True
    has_many_answers = True

    def __init__(self, rows: int, columns: int | None = None):
        columns = rows if columns is None else columns
        if min(rows, columns) < 1 or rows * columns < 2:
            raise ValueError(f"a maze has at least two cells: got {rows}x{columns}")
        self.grid_shape = (rows, columns)
        self.name = f"maze{rows}" if rows == columns else f"maze{rows}x{columns}"
        self.hub_repository = HUB_REPOSITORY if self.grid_shape == (30, 30) else None

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """The tokens of free cells and of the path."""
        return FREE, PATH

    @property
    def relations(self) -> Relations:
        """Each cell's neighbours, direction by direction, since the rule that chooses among paths tells directions apart."""
        tokens = tuple(range(WALL, PATH + 1))
        return Relations({}, symbols=(), named=tokens, answers=tokens, neighbours=Neighbours.of_grid(*self.grid_shape))

    def render(self, tokens: Tokens) -> list[list[str]]:
        """The grid as rows of two characters for each cell, so that a cell is about square in a terminal."""
        texts = np.array(["??", "██", "  ", "S ", "G ", "o "])
        return texts[tokens].reshape(self.grid_shape).tolist()

    # Rules

    def clue_mask(self, tokens: Tokens) -> Bools:
        """Whether each cell is given: all but the free cells, so walls, S and G."""
        return tokens != FREE

    def check_question(self, tokens: Tokens) -> None:
        """Refuses a maze (L,) without exactly one S and one G, or without a path between them.

        Raises:
            PuzzleError: everything that is wrong.
        """
        problems = self._problems(tokens)
        if problems:
            raise PuzzleError("; ".join(problems))

    def _problems(self, tokens: Tokens) -> list[str]:
        counts = np.bincount(tokens, minlength=self.vocab_size)
        problems = [
            f"a maze has one {self.symbols[token - 1]}: got {counts[token] or 'none'}"
            for token in (START, GOAL)
            if counts[token] != 1
        ]
        for token, what in ((PATH, "a path cell"), (0, "padding")):
            if counts[token]:
                problems.append(f"{what} at {self.place(int(np.argmax(tokens == token)))}: a question has none")
        if not problems and self._search(tokens != WALL, tokens)[0] < 0:
            problems.append("no way leads from S to G")
        return problems

    def is_right(self, question: Tokens, answer: Tokens) -> list[str]:
        """What is wrong with the marked path, if anything; `check` reports changed walls, S and G."""
        problems = self._problems(question)
        if problems:
            return problems
        foreign = np.flatnonzero(self._foreign(question, answer))
        reasons = [
            f"the free cell at {self.place(int(i))} became {self.format(answer[i : i + 1])}" for i in foreign[:3]
        ]
        shortest = self._search(question != WALL, question)[0]
        marks = _marks(question, answer)
        length = self._search(marks | _ends(question), question)[0]
        num_marked = int(marks.sum())
        if length < 0:
            reasons.append("the marked cells do not lead from S to G" if num_marked else "no path is marked")
        elif length > shortest:
            reasons.append(f"the path has {length + 1} cells with S and G, a shortest one {shortest + 1}")
        elif num_marked > shortest - 1:
            astray = num_marked - shortest + 1
            reasons.append(f"{astray} marked {'cell is' if astray == 1 else 'cells are'} not on the path")
        return reasons

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """What is wrong with an answer (L,), and the cells to blame: changed ones and marks that lead nowhere."""
        verdict = super().check(question, answer)
        wrong = self.clue_mask(question) & (answer != question) | self._foreign(question, answer)
        if not self._problems(question):
            wrong |= self._astray(question, answer)
        return replace(verdict, wrong_cells=tuple(map(int, np.flatnonzero(wrong))))

    def valid(self, questions: Tokens, answers: Tokens) -> Bools:
        """Whether each answer (N, L) marks a shortest path and changes nothing else, (N,)."""
        kept = np.where(questions == FREE, (answers == FREE) | (answers == PATH), answers == questions)
        valid = kept.all(axis=1) & ((questions != PATH) & (questions != 0)).all(axis=1)
        valid &= ((questions == START).sum(axis=1) == 1) & ((questions == GOAL).sum(axis=1) == 1)
        rows = np.flatnonzero(valid)
        questions, answers = questions[rows], answers[rows]
        shortest = self._distances(questions != WALL, questions)
        marks = answers == PATH
        # As many marks as a shortest path has, and S and G joined by them: then they are that path and nothing else.
        joined = self._distances(marks | _ends(questions), questions) == shortest
        valid[rows] = (shortest > 0) & joined & (marks.sum(axis=1) == shortest - 1)
        return valid

    @staticmethod
    def _foreign(question: Tokens, answer: Tokens) -> Bools:
        """Free cells of the question that are neither free nor path in the answer."""
        return (question == FREE) & (answer != FREE) & (answer != PATH)

    def _astray(self, question: Tokens, answer: Tokens) -> Bools:
        """Marks off the path through marks from S to G; without such a path, marks joined to neither."""
        marks = _marks(question, answer)
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
        from ponderling.tasks.maze.paths import search

        start, goal = (int(np.argmax(question == token)) for token in (START, GOAL))
        if backwards:
            start, goal = goal, start
        parents, queue = np.empty(self.num_cells, np.int32), np.empty(self.num_cells, np.int32)
        return search.briefly(is_free, self.grid_shape[1], start, goal, parents, queue), parents

    def _distances(self, is_free: Bools, questions: Tokens) -> NDArray[np.int32]:
        """Number of moves from S to G on the free cells of each grid (N, L), -1 if unreachable; (N,)."""
        from ponderling.tasks.maze.paths import distances

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
        """The question (L,) with the shortest path of Maze-Hard's rule; raises PuzzleError if G cannot be reached."""
        self.check_question(question)
        return self._labelled(question)

    def _labelled(self, question: Tokens) -> Tokens:
        answer = question.copy()
        answer[self._between(self._search(question != WALL, question)[1], question)] = PATH
        return answer

    # Generation

    @property
    def hard_path(self) -> int:
        """Fewest cells of a generated maze's shortest path, S and G included: 110 for 30x30."""
        return max(2, round(self.num_cells * HARD_PATH / HARD_CELLS))

    @property
    def rating_edges(self) -> tuple[int, ...]:
        """Lowest rating, in cells of the path, of each row of a table by rating."""
        return (0, *(round(self.hard_path * share) for share in (1.0, 1.03, 1.1, 1.2)))

    def generate(
        self,
        rng: np.random.Generator,
        count: int,
        *,
        walls: tuple[float, float] = WALLS,
        min_path: int | None = None,
        progress: Callable[[int], object] = lambda done: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Puzzles:
        """Random mazes with a long shortest path: at 30x30 the defaults give the distribution of Maze-Hard.

        Args:
            rng: The only source of randomness.
            count: Number of mazes.
            walls: Lowest and highest share of walls, from 0 to 1; their number is uniform between.
            min_path: Fewest cells of the shortest path, S and G included; None: `hard_path`. The rating is that number.
            progress: Called with the number made so far.
            stop: Asked before each maze whether to end here, with fewer.

        Raises:
            PuzzleError: when such mazes cannot exist, or are too rare to find.
        """
        min_path = self.hard_path if min_path is None else min_path
        fewest, most = self._wall_counts(walls, min_path)
        made: list[tuple[Tokens, int]] = []
        while len(made) < count and not stop():
            made.append(self._generate_one(rng, fewest, most=most, min_path=min_path))
            progress(len(made))
        count = len(made)
        questions = np.array([question for question, _ in made], np.uint8).reshape(count, self.num_cells)
        labels = np.array([self._labelled(question) for question in questions], np.uint8)
        ratings = np.array([length for _, length in made], np.int32)
        return replace(self.puzzles(questions, labels, ratings=ratings), sources=("ponderling",) * count)

    def _wall_counts(self, walls: tuple[float, float], min_path: int) -> tuple[int, int]:
        if not 0 <= walls[0] <= walls[1] < 1:
            raise PuzzleError(f"the share of walls is from 0 to below 1, the lower first: got {walls[0]} to {walls[1]}")
        # two cells at least stay free, for S and G
        fewest, most = (min(round(share * self.num_cells), self.num_cells - 2) for share in walls)
        if not 2 <= min_path <= self.num_cells - fewest:
            raise PuzzleError(
                f"a path in {self.name} has from 2 to {self.num_cells - fewest} cells, with {fewest} walls at least: "
                f"got {min_path}"
            )
        return fewest, most

    def _generate_one(self, rng: np.random.Generator, fewest: int, *, most: int, min_path: int) -> tuple[Tokens, int]:
        """A question and the number of cells of its shortest path."""
        from ponderling.tasks.maze.paths import draw

        L, columns = self.num_cells, self.grid_shape[1]
        is_free, order = np.empty(L, bool), np.arange(L, dtype=np.int32)
        parents, queue = np.empty(L, np.int32), np.empty(L, np.int32)
        for _ in range(MOST_TRIES // TRIES):
            start, goal, moves = draw(
                rng, columns, fewest, most, min_path - 1, TRIES, is_free, order, parents, queue
            )  # fmt: skip
            if moves >= 0:
                question = np.where(is_free, FREE, WALL).astype(np.uint8)
                question[start], question[goal] = START, GOAL
                return question, moves + 1
        raise PuzzleError(
            f"of {MOST_TRIES:,} random mazes with {fewest} to {most} walls none has a shortest path of {min_path} cells or "
            "more: ask for a shorter path or for other walls"
        )

    def load_default(self, split: str) -> Puzzles:
        """Generated mazes, always the same; no test maze is a training maze, turned or mirrored or not.

        Test mazes have a path of at least `hard_path` cells, and so do half of the training mazes; the other half
        starts at `SHORT_PATH`, for a curriculum by rating (`Phase`): without it little is learned (dev/LOG.md).
        """
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
        labels = np.array([self._labelled(question) for question in puzzles.tokens], np.uint8)
        return replace(puzzles, labels=labels.reshape(puzzles.tokens.shape))

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each maze (N, L) that no symmetry changes, (N,): if two differ, the mazes are not alike."""
        weights = np.random.default_rng(0).integers(1 << 63, size=self.num_cells, dtype=np.uint64)
        images = [(tokens[:, cells] * weights).sum(axis=1, dtype=np.uint64) for cells in self.symmetries().cells]
        return np.min(images, axis=0)


def _marks(question: Tokens, answer: Tokens) -> Bools:
    """Free cells that the answer marks as path."""
    return (question == FREE) & (answer == PATH)


def _ends(questions: Tokens) -> Bools:
    """Whether each cell is S or G."""
    return (questions == START) | (questions == GOAL)
