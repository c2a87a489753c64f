"""Generating mazes as asked for: what each number means, what cannot exist, and Maze-Hard's kind, which is tried for long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError, Tokens
from ponderling.tasks.maze import kinds
from ponderling.tasks.maze.cells import FREE, GOAL, START, WALL
from ponderling.tasks.maze.paths import draw

WALLS = (0.3, 0.5)
"""Lowest and highest share of walls in a generated maze: 270 to 450 of the 30x30 cells."""

HARD_PATH, HARD_CELLS, HARD_SIDE = 110, 900, 30
"""Maze-Hard's shortest paths have at least 110 cells of 30x30. Smaller mazes take the same share of their cells by default.
In larger ones that becomes too rare to find: they take the same multiple of their side."""

TRIED_CELLS, MOST_TRIES = 20_000_000, 10_000_000
"""Cells of the random mazes tried in one compiled call, some 0.2 s; and mazes tried for one in all, of which Maze-Hard's kind
takes some 50,000."""

UNSOLVABLE = 0.05
"""Share of mazes without a way in the set `mixed`."""


class TrainingSet(NamedTuple):
    """How the mazes of a set to train on are drawn; S is far from G, anywhere, or beside it."""

    kind: str
    """One of `kinds.KINDS`, or mixed."""
    most_starts: int
    """Most S of a maze; where it is above 1, half of the mazes have 2 or more."""
    unsolvable: float
    """Share of mazes without a way."""


TRAINING_SETS = {
    "mixed": TrainingSet("mixed", 1, UNSOLVABLE),
    "starts": TrainingSet("hard", 6, 0.0),
    "kinds": TrainingSet("mixed", 6, 0.0),
    "closed": TrainingSet("mixed", 1, 0.3),
}
"""Sets of every size to train on: all kinds of walls; Maze-Hard's walls and up to 6 S, each with its path, so that a maze
teaches more choices; all kinds of walls with up to 6 S; all kinds of walls, three in ten without a way."""

DRAWN_CELLS = 20_000
"""Cells of the mazes that are drawn in one compiled call, some 0.01 s; `stop` is asked between calls."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What mazes are asked for; see `Maze.generate` for what each setting means, and for None.

    Raises:
        PuzzleError: when such mazes cannot exist.
    """

    shape: tuple[int, int]
    """Rows and columns."""
    name: str
    """The family's name, for messages."""
    hard_path: int
    """Fewest cells of the path in mazes of the kind hard."""
    kind: str = "hard"
    walls: tuple[float, float] | None = None
    min_path: int | None = None
    ends: str | None = None
    unsolvable: float = 0.0
    most_starts: int = 1

    def __post_init__(self) -> None:
        for what, name, names in (("kind", self.kind, kinds.KINDS), ("ends", self.whose_ends, kinds.ENDS)):
            if name not in (*names, "mixed"):
                raise PuzzleError(f"{what} is one of {', '.join((*names, 'mixed'))}: got {name!r}")
        if self.walls is not None and self.kind not in ("hard", "field"):
            raise PuzzleError(f"the share of walls is for the kinds hard and field: got one for {self.kind}")
        if not 0 <= self.unsolvable <= 1:
            raise PuzzleError(f"the share of mazes without a way is from 0 to 1: got {self.unsolvable}")
        if self.kind == "empty" and self.unsolvable:
            raise PuzzleError(
                "a maze without walls always has a way: ask for another kind than empty, or for unsolvable 0"
            )
        if self.whose_ends == "beside" and self.min_path is not None and self.min_path != 2:
            raise PuzzleError(f"a path to S beside G has 2 cells: got a least path of {self.min_path}")
        if self.most_starts < 1:
            raise PuzzleError(f"a maze has one S at least: got {self.most_starts}")
        if self.min_path is not None and not 2 <= self.min_path <= self.num_cells:
            raise PuzzleError(f"a path in {self.name} has from 2 to {self.num_cells} cells: got {self.min_path}")
        self.plan()

    @property
    def num_cells(self) -> int:
        """L."""
        return self.shape[0] * self.shape[1]

    @property
    def whose_ends(self) -> str:
        """Where S is: as asked for, or what the kind has by default."""
        if self.ends is not None:
            return self.ends
        return "mixed" if self.kind == "mixed" else "far"

    @property
    def is_tried_for(self) -> bool:
        """Whether mazes are those of Maze-Hard's own distribution: all drawn at random, and kept where S is far enough."""
        return self.kind == "hard" and self.ends in (None, "far", "any") and self.most_starts == 1

    def plan(self) -> kinds.Plan:
        """What `kinds.draw_mazes` draws by.

        Raises:
            PuzzleError: when a path is longer than the walls let it be.
        """
        is_far = self.kind == "hard" and self.min_path is None and self.whose_ends == "far"
        least = self.hard_path if is_far else self.min_path or 2
        hard = self._wall_counts("hard", default=WALLS, min_path=least if self.kind == "hard" else 2)
        field = self._wall_counts("field", default=kinds.FIELD_WALLS, min_path=2)
        return kinds.Plan(
            columns=self.shape[1],
            kinds=_shares(self.kind, kinds.KINDS, mixed=kinds.MIXED),
            ends=_shares(self.whose_ends, kinds.ENDS, mixed=kinds.MIXED_ENDS),
            walls=np.array([hard, field]),
            min_moves=0 if self.min_path is None or self.whose_ends == "beside" else self.min_path - 1,
            hard_moves=self.hard_path - 1,
            most_starts=self.most_starts,
            unsolvable=float(self.unsolvable),
        )

    def _wall_counts(self, kind: str, *, default: tuple[float, float], min_path: int) -> tuple[int, int]:
        """Lowest and highest number of walls of mazes of this kind, hard or field."""
        walls = self.walls if self.walls is not None and self.kind == kind else default
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

    def too_rare(self) -> str:
        """What to say where no such maze came up."""
        wanted = [f"of the kind {self.kind}"]
        if self.ends:
            wanted.append(f"with S {self.ends} from G" if self.ends == "far" else f"with S {self.ends}")
        wanted += [f"with a path of {self.min_path} cells or more"] if self.min_path else []
        wanted += ["without a way from S to G"] if self.unsolvable else []
        return (
            f"of {kinds.TRIES * kinds.ROUNDS:,} random {self.name} mazes none is as asked for, {', '.join(wanted)}: ask for "
            "a shorter path, for another kind or for larger mazes"
        )


class Drawn(NamedTuple):
    """Mazes as drawn."""

    questions: Tokens
    """(N, L)."""
    answers: Tokens
    """(N, L)."""
    lengths: NDArray[np.int32]
    """Cells of each path, S and G included, 0 where there is no way, (N,)."""


def generate(
    wanted: Wanted, rng: np.random.Generator, *, count: int, progress: Callable[[int], object], stop: Callable[[], bool]
) -> Drawn:
    """Random mazes as wanted; the arguments and errors are those of `Maze.generate`."""
    plan, shape = wanted.plan(), (count, wanted.num_cells)
    drawn = Drawn(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros(count, np.int32))
    batch = 1 if wanted.is_tried_for else max(1, DRAWN_CELLS // wanted.num_cells)
    made = 0
    while made < count and not stop():
        rows = slice(made, min(made + batch, count))
        questions, answers, lengths = drawn.questions[rows], drawn.answers[rows], drawn.lengths[rows]
        if wanted.is_tried_for and (not wanted.unsolvable or rng.random() >= wanted.unsolvable):
            one = _try_for_one(wanted, rng, plan=plan, stop=stop)
            if one is None:
                break
            questions[0], lengths[0] = one
            answer(questions, plan.columns, answers=answers)
        else:
            own = plan._replace(unsolvable=1.0) if wanted.is_tried_for else plan
            if kinds.draw_mazes(rng, own, questions, answers, lengths) < len(lengths):
                raise PuzzleError(wanted.too_rare())
        made += len(lengths)
        progress(made)
    return Drawn(drawn.questions[:made], drawn.answers[:made], drawn.lengths[:made])


def draw_plainly(wanted: Wanted, rng: np.random.Generator) -> Tokens:
    """One maze (L,) of any kind but hard, which is slow to find; drawn in plain Python, without a wait for numba.

    Raises:
        PuzzleError: when none of this size could be found.
    """
    plan = wanted.plan()
    shares = np.where(np.array(kinds.KINDS) == "hard", 0.0, plan.kinds)
    plan = plan._replace(kinds=shares / shares.sum())
    questions, answers = np.zeros((2, 1, wanted.num_cells), np.uint8)
    if not kinds.draw_mazes.plain(rng, plan, questions, answers, np.zeros(1, np.int32)):
        raise PuzzleError(wanted.too_rare())
    return questions[0]


def answer(questions: Tokens, columns: int, *, answers: Tokens) -> None:
    """Fills `answers` (N, L) with the questions (N, L) and their shortest paths."""
    fill = kinds.answer_mazes.briefly if len(questions) <= 4 else kinds.answer_mazes
    fill(questions, columns, answers)


def _try_for_one(
    wanted: Wanted, rng: np.random.Generator, *, plan: kinds.Plan, stop: Callable[[], bool]
) -> tuple[Tokens, int] | None:
    """A question of Maze-Hard's kind and the number of cells of its shortest path; None if stopped."""
    least = wanted.min_path or (2 if wanted.ends == "any" else wanted.hard_path)
    fewest, most = plan.walls[0].tolist()
    L = wanted.num_cells
    is_free, order = np.empty(L, bool), np.arange(L, dtype=np.int32)
    parents, queue = np.empty(L, np.int32), np.empty(L, np.int32)
    tried = 0
    while tried < MOST_TRIES:
        if stop():
            return None
        tries = min(max(1, TRIED_CELLS // L), MOST_TRIES - tried)
        tried += tries
        start, goal, moves = draw(
            rng, plan.columns, fewest, most, least - 1, tries, is_free, order, parents, queue
        )  # fmt: skip
        if moves >= 0:
            question = np.where(is_free, FREE, WALL).astype(np.uint8)
            question[start], question[goal] = START, GOAL
            return question, moves + 1
    raise PuzzleError(
        f"of {MOST_TRIES:,} random mazes with {fewest} to {most} walls none has a shortest path of {least} cells or "
        "more: ask for a shorter path or for other walls"
    )


def _shares(name: str, names: tuple[str, ...], *, mixed: tuple[float, ...]) -> NDArray[np.float64]:
    """The share of each name: all for the one that is asked for."""
    return np.array(mixed if name == "mixed" else [float(other == name) for other in names])
