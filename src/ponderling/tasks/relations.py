"""What a task declares of its grids for a network that knows nothing else: groups of cells, neighbours, symbols, hints."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np


class Regions(NamedTuple):
    """The groups of a family that a puzzle may replace with its own regions, see `Puzzles.regions`."""

    relation: str
    """The relation that the replaceable groups belong to."""
    first: int
    """Index of the first replaceable group in its relation."""
    number: int
    """Number of replaceable groups, which follow one another."""


class Move(NamedTuple):
    """From a cell to the one that it hears: turned, mirrored or scaled within its grid, or in another part, then steps on."""

    down: int = 0
    """Steps down."""
    right: int = 0
    """Steps to the right."""
    transposed: bool = False
    """Row and column change places, before anything else."""
    upside_down: bool = False
    """The first row becomes the last."""
    mirrored: bool = False
    """The first column becomes the last."""
    times: tuple[int, int] = (1, 1)
    """Row and column are multiplied by these: from the cell of a shrunk grid to the first of its block."""
    over: tuple[int, int] = (1, 1)
    """Row and column are divided by these and rounded down: from the cell of a grown grid to the one that it stands for."""
    repeats: bool = False
    """The grid goes on beyond its edges, again and again, and is then turned or mirrored."""
    of: tuple[int, int] = (1, 1)
    """The grid has this number of equal parts above and beside one another, perhaps with a line of cells between."""
    on: tuple[int, int] = (0, 0)
    """Parts down and to the right; the last one is followed by the first."""

    @property
    def is_within(self) -> bool:
        """Whether it turns or mirrors the grid or goes to another part of it, and so never beyond its edges."""
        return self.transposed or self.upside_down or self.mirrored or self.of != (1, 1)

    @property
    def only_steps(self) -> bool:
        """Whether it goes some steps and nothing else, and so on beyond an edge where opposite ones touch."""
        return self == Move(self.down, self.right)

    def __call__(self, row: Any, column: Any, *, rows: Any, columns: Any) -> tuple[Any, Any]:
        """Row and column of the heard cell, perhaps outside of the grid; numbers, arrays or tensors of integers.

        Args:
            row: The cell's row.
            column: The cell's column.
            rows: Rows of the grid.
            columns: Columns of the grid.
        """
        if self.transposed:
            row, column = column, row
        if self.repeats:
            row, column = row % rows, column % columns
        row = rows - 1 - row if self.upside_down else row
        column = columns - 1 - column if self.mirrored else column
        row, column = row * self.times[0] // self.over[0], column * self.times[1] // self.over[1]
        row = _in_part(row, self.on[0], number=self.of[0], length=rows)
        column = _in_part(column, self.on[1], number=self.of[1], length=columns)
        return row + self.down, column + self.right


def _in_part(place: Any, on: int, *, number: int, length: Any) -> Any:
    """The place that is this number of parts on, of so many that a length has; beyond the length for places that are so, too.

    Lengths that the number does not divide have a cell between the parts.
    """
    if not on:
        return place
    step = -(-length // number)
    goes_round = (place // step + on >= number) & (place < length)
    return place + step * (on - number * goes_round)


@dataclass(frozen=True)
class Copies:
    """Where the cells of an answer come from, for all questions of one size."""

    cells: tuple[int, ...]
    """For each cell of the answer the one of the question that it is a copy of, row by row; -1 for none."""
    _: KW_ONLY
    rows: int
    """Rows of the question."""
    columns: int
    """Columns of the question."""
    height: int
    """Rows of the answer."""
    width: int
    """Columns of the answer."""

    def __post_init__(self) -> None:
        sides = {name: getattr(self, name) for name in ("rows", "columns", "height", "width")}
        if wrong := [name for name, side in sides.items() if type(side) is not int or side < 1]:
            raise ValueError(f"copies need a whole number from 1: got {wrong[0]} {sides[wrong[0]]!r}")
        if len(self.cells) != self.height * self.width:
            raise ValueError(
                f"copies need a cell for each of an answer of {self.height}x{self.width}: got {len(self.cells)}"
            )
        most = self.rows * self.columns - 1
        if strange := [cell for cell in self.cells if type(cell) is not int or not -1 <= cell <= most]:
            raise ValueError(
                f"copies are of cells from 0 to {most} of a question of {self.rows}x{self.columns}, or -1: got {strange[0]!r}"
            )

    def on(self, rows: int, columns: int) -> list[int]:
        """The cell that each cell of a canvas hears, in whose corner a question of the table's size is; -1: none.

        Args:
            rows: Rows of the canvas.
            columns: Columns of the canvas.
        """
        heard = np.full((rows, columns), -1)
        if max(self.rows, self.height) <= rows and max(self.columns, self.width) <= columns:
            row, column = np.divmod(np.array(self.cells), self.columns)
            table = np.where(row < 0, -1, row * columns + column)
            heard[: self.height, : self.width] = table.reshape(self.height, self.width)
        return heard.reshape(-1).tolist()


class Canvas(NamedTuple):
    """A grid of cells in whose upper left corner lie smaller ones, whose own edges say where a move ends."""

    rows: int
    """Rows of the canvas."""
    columns: int
    """Columns of the canvas."""
    outside: tuple[int, ...]
    """Tokens of cells that are not of the smaller grid."""
    moves: tuple[Move, ...]
    """The directions, (K,)."""
    wraps: bool
    """Opposite edges of the smaller grids touch."""
    copies: tuple[Copies, ...] = ()
    """Where there are any, one more direction: to the cell that these tables name for the question's size."""


@dataclass(frozen=True)
class Neighbours:
    """The cells that lie next to one another, direction by direction.

    Any graph whose edges have a direction out of a few can be said so: grids with four or eight neighbours, grids whose
    opposite edges touch, one-way streets.
    """

    cells: tuple[tuple[int, ...], ...]
    """For each direction the neighbour of every cell, (K, C) for K directions; -1 where there is none."""
    _: KW_ONLY
    alike: tuple[int, ...]
    """For each direction the number of its kind, from 0 without gaps. A cell hears the sum of its neighbours of one kind; each
    kind has weights of its own."""
    touching: int | None = None
    """Number of directions, the first ones, in which cells touch and so may form areas; None: all."""
    grid: tuple[int, int] | None = None
    """Rows and columns where these are the first of the `DIRECTIONS` on a grid that ends at its edges; None for others."""
    canvas: Canvas | None = None
    """Where grids are smaller than their canvas, and wrap, are turned or go on: then each question's own size says which cells
    these are, and `cells` is for grids that fill the canvas. None: every question has these neighbours."""

    @classmethod
    def of_grid(
        cls,
        rows: int,
        columns: int,
        *,
        number: int = 4,
        images: bool = False,
        alike: str = "none",
        wraps: bool = False,
        shrinks: tuple[int, int] | None = None,
        grows: tuple[int, int] | None = None,
        parts: tuple[int, int] | None = None,
        shift: tuple[int, int] | None = None,
        copies: tuple[Copies, ...] = (),
        outside: tuple[int, ...] = (),
    ) -> Neighbours:
        """The four neighbours of each cell of a grid, or the eight, and those that turns, mirrors or scales put in its place.

        Args:
            rows: Rows of the grid.
            columns: Columns of the grid.
            number: 4 neighbours that share an edge; 8, with those that touch at a corner; or 0.
            images: A cell hears its images under the seven symmetries of the grid, too, but those outside of the grid.
            alike: Directions that share their weights: none; flips, where opposite ones do; or dihedral, where all do, apart
                from diagonal ones, which then share theirs.
            wraps: The grid's opposite edges touch.
            shrinks: A cell hears those of its block of this number of rows and columns, as if each block became a cell. Each
                place in a block has weights of its own.
            grows: A cell hears the one that it stands for where each cell becomes a block of this number of rows and columns,
                and the one in its place where the grid is repeated instead; with `images` those of the repeated grid.
            parts: A cell hears those in its place in the other parts of the grid, which has this number of rows and columns of
                equal parts, perhaps with a line of cells between.
            shift: A cell hears the one this number of rows down and of columns to the right, too.
            copies: A cell hears the one that these tables name, by the question's size; none in questions of other sizes.
            outside: Tokens of cells outside of a question's own grid, whose edges touch then, or within which it is turned or
                repeated; for `wraps`, `images`, `grows`, `parts` and `copies` alone.

        Raises:
            ValueError: when `alike` is none of these.
        """
        if alike not in ALIKE:
            raise ValueError(f"directions are alike under {', '.join(ALIKE)}: got {alike!r}")
        scaled = _scaled(shrinks, grows) + _parted(parts) + ((Move(*shift),) if shift else ())
        if number not in (0, 4, 8) or not (number or images or scaled or copies):
            raise ValueError(
                f"a cell of a grid has 4 or 8 neighbours, or none beside images, scales, shifts and copies: got {number}"
            )
        turned = tuple(move._replace(repeats=grows is not None) for move in IMAGES) * images
        moves = tuple(Move(*step) for step in DIRECTIONS[:number]) + turned + scaled
        row, column = np.divmod(np.arange(rows * columns), columns)
        cells = []
        for move in moves:
            r, c = move(row, column, rows=rows, columns=columns)
            inside = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
            cells.append(np.where(inside | (wraps and move.only_steps), r % rows * columns + c % columns, -1))
        if copies:
            full = [table for table in copies if (table.rows, table.columns) == (rows, columns)]
            cells.append(full[0].on(rows, columns) if full else [-1] * (rows * columns))
        kinds = ALIKE[alike][:number] + ALIKE[alike][len(DIRECTIONS) :] * images
        kinds += tuple(len(ALIKE[alike]) + i for i in range(len(scaled) + bool(copies)))
        kinds = tuple(sorted(set(kinds)).index(kind) for kind in kinds)  # without gaps
        depends = bool(outside) and (wraps or images or grows is not None or parts is not None or bool(copies))
        canvas = Canvas(rows, columns, outside, moves, wraps, copies) if depends else None
        plain = None if wraps or images or scaled or copies else (rows, columns)
        return cls(
            tuple(tuple(map(int, one)) for one in cells), alike=kinds, touching=number, grid=plain, canvas=canvas
        )


def _scaled(shrinks: tuple[int, int] | None, grows: tuple[int, int] | None) -> tuple[Move, ...]:
    """From each cell to those of its block, and to the cells that become it where the grid grows."""
    blocks = [Move(r, c, times=shrinks) for r, c in np.ndindex(shrinks)] if shrinks else []
    return (*blocks, *((Move(over=grows), Move(repeats=True)) if grows else ()))


def _parted(parts: tuple[int, int] | None) -> tuple[Move, ...]:
    """From each cell to those in its place in the other parts."""
    return tuple(Move(of=parts, on=on) for on in np.ndindex(parts) if any(on)) if parts else ()


DIRECTIONS = ((1, 0), (0, -1), (0, 1), (-1, 0), (1, -1), (1, 1), (-1, -1), (-1, 1))
"""Steps in rows and columns to each neighbour: down, left, right, up; then the four at the corners."""

IMAGES = (
    Move(transposed=True, upside_down=True),
    Move(upside_down=True, mirrored=True),
    Move(transposed=True, mirrored=True),
    Move(upside_down=True),
    Move(mirrored=True),
    Move(transposed=True),
    Move(transposed=True, upside_down=True, mirrored=True),
)
"""The symmetries of a square but the identity: turns by a quarter, a half and three quarters, then mirrors: upside down, left
to right, and at both diagonals."""

ALIKE = {
    "none": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),
    "flips": (0, 1, 1, 0, 2, 2, 2, 2, 3, 4, 3, 5, 6, 7, 7),
    "dihedral": (0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 2, 4, 4, 5, 5),
}
"""The kind of each of the DIRECTIONS, and then of the IMAGES, where it must be alike under a group of symmetries of the grid:
such a group exchanges those of one kind."""


@dataclass(frozen=True)
class Relations:
    """What ties the cells of a grid together, and what their symbols have in common, for a network that knows nothing else.

    A symmetry is a permutation of the cells that carries every group of a relation to a group of it, and neighbours to
    neighbours of the same kind; or any permutation of `symbols`. Each must carry puzzles to puzzles and answers to answers.
    """

    groups: dict[str, tuple[tuple[int, ...], ...]]
    """Groups of cells of each relation; groups of one relation are treated alike, and may differ in size."""
    _: KW_ONLY
    symbols: tuple[int, ...]
    """Tokens that can be exchanged for one another: the network has a vector for each of them in every cell."""
    named: tuple[int, ...]
    """Tokens of questions that cannot, each with an embedding of its own. Any other token is taken for the first of them."""
    answers: tuple[int, ...] = ()
    """The named tokens that answers may hold; where there are any, every cell has one more vector, which stands for them."""
    neighbours: Neighbours | None = None
    """The cells that lie next to one another; None where that does not matter."""
    areas: bool = False
    """Whether the connected areas of cells with the same token in the question are groups, too. Cells are connected where they
    are neighbours."""
    most_areas: int | None = None
    """Number of a question's areas that are groups, the largest first, of two cells at least; None: all are."""
    places: bool = False
    """Whether cells also mix by where they are, with weights for each pair of places, as in a TRM with an MLP over positions.
    Such weights fit one size of grids alone."""
    regions: Regions | None = None
    """Groups that puzzles may replace; None where every puzzle has the groups of the family."""
    turns: tuple[tuple[int, ...], ...] = ()
    """The symmetries under which a puzzle has as many ids in a row, which share its vectors; for each of them, and for each
    direction of the neighbours, the direction of the puzzle itself that was turned to it. See `models.puzzle_vectors`."""
    hints: tuple[int, ...] = ()
    """Number of values that each of a cell's K hints can have, see `base.Hints`; the network has a head that names them."""
    holds: int = 0
    """Number of the first hint's values, from the first, that stay right once a cell can know them. Cells may hold these."""

    def __post_init__(self) -> None:
        if not self.symbols and not self.answers:
            raise ValueError("answers need tokens: name interchangeable symbols, or named tokens for answers, or both")
        if not self.named or set(self.named) & set(self.symbols) or not set(self.answers) <= set(self.named):
            raise ValueError(
                "tokens are interchangeable symbols or named ones, one of these at least; answers are among the named: got "
                f"symbols {self.symbols}, named {self.named}, answers {self.answers}"
            )
        if self.areas and (self.neighbours is None or self.neighbours.touching == 0):
            raise ValueError("connected areas need neighbours that connect")
        if self.hints and not self.answers:
            raise ValueError("hints are read where named answers are: name tokens for answers")
        if not 0 <= self.holds <= (self.hints[0] if self.hints else 0):
            raise ValueError(f"holds is a number of the first hint's values: got {self.holds} with hints {self.hints}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all relations that messages go along, in the order of the network's weights."""
        more = ["areas"] * self.areas + ["neighbours"] * (self.neighbours is not None)
        return (*self.groups, *more)

    @property
    def num_cells(self) -> int | None:
        """C, the number of cells that groups and neighbours speak of; None where they speak of none."""
        if self.neighbours is not None:
            return len(self.neighbours.cells[0])
        cells = [cell for groups in self.groups.values() for group in groups for cell in group]
        return 1 + max(cells) if cells else None
