"""What ties the cells of your own grids together, as text such as `neighbours=8+rows+columns`, for a relational network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ponderling.tasks.base import PAD
from ponderling.tasks.custom.spec import END, GridSpec
from ponderling.tasks.relations import ALIKE, Neighbours, Relations

NONE = "none"
"""No structure: nothing ties the cells together but a TRM's own mixing of positions."""

ITEMS = (
    "neighbours=4 or neighbours=8",
    "images",
    "wraps",
    f"alike={' or '.join(ALIKE)}",
    "rows",
    "columns",
    "diagonals",
    "boxes=RxC",
    "shrinks=RxC",
    "grows=RxC",
    "parts=RxC",
    "shift=RxC",
    "copies",
    "all",
    "areas",
    "symbols or symbols=A,B,...",
    "fills",
    "positions",
    "places",
)
"""What a structure is made of."""

SIZES = ("boxes", "shrinks", "grows", "parts")
"""Items with a number of rows and columns, from 1."""

FLAGS = ("images", "wraps", "copies", "rows", "columns", "diagonals", "all", "areas", "fills", "positions", "places")


@dataclass(frozen=True)
class Structure:
    """The relations of a file's grids; docs/your-task.md says what each item is for."""

    neighbours: int = 0
    """4 or 8 neighbours of each cell; 0 for none."""
    _: KW_ONLY
    images: bool = False
    """A cell hears those that turns and mirrors of its grid put in its place."""
    wraps: bool = False
    """Opposite edges touch."""
    alike: str = "none"
    """Directions that share weights, as `Neighbours.of_grid` takes it."""
    rows: bool = False
    """Each row is a group."""
    columns: bool = False
    """Each column is a group."""
    diagonals: bool = False
    """Each diagonal of two cells and more, in both directions, is a group."""
    boxes: tuple[int, int] | None = None
    """Each box of this number of rows and columns is a group."""
    shrinks: tuple[int, int] | None = None
    """A cell hears the block of this number of rows and columns that becomes it where a grid is shrunk."""
    grows: tuple[int, int] | None = None
    """A cell hears the one that becomes a block of this number of rows and columns, and the one of the repeated grid; with
    `images` the images of the repeated grid, too."""
    parts: tuple[int, int] | None = None
    """A cell hears those in its place in the other parts of its grid, which has this number of rows and columns of equal parts,
    perhaps with a line of cells between."""
    shift: tuple[int, int] | None = None
    """A cell hears the one this number of rows down and of columns to the right; negative numbers are up and to the left."""
    copies: bool = False
    """A cell hears the one that it is a copy of in all training examples whose question has its question's size."""
    all: bool = False
    """The whole grid is a group."""
    areas: bool = False
    """Connected areas of one symbol in the question are groups."""
    symbols: tuple[str, ...] = ()
    """Symbols that can be exchanged for one another."""
    fills: bool = False
    """Answers hold interchangeable symbols alone, in place of blanks."""
    positions: bool = False
    """Each place of the grid has an embedding."""
    places: bool = False
    """Cells also mix as in a TRM with an MLP over positions, with weights of their own."""

    @classmethod
    def named(cls, text: str, spec: GridSpec) -> Structure:
        """The structure that a text means for these grids.

        Raises:
            ValueError: for an item that is unknown, or that these grids cannot have.
        """
        found: dict[str, object] = {}
        for item in text.split("+"):
            name, equals, value = item.partition("=")
            if name in found:
                raise ValueError(f"structure {text}: {name} is named twice")
            found[name] = _value(name, value if equals else None, text=text, spec=spec)
        structure = cls(**found)  # type: ignore[arg-type]
        if structure.fills and not structure.symbols:
            raise ValueError(f"structure {text}: fills needs symbols that can be exchanged")
        if structure.copies and not spec.copies:
            raise ValueError(f"structure {text}: no examples show which cells are copies: leave copies out")
        if structure.neighbours == 0 and (structure.areas or (structure.wraps and not structure.shift)):
            raise ValueError(f"structure {text}: wraps and areas need neighbours=4 or neighbours=8, wraps else a shift")
        if structure.neighbours == 0 and structure.alike != "none" and not structure.images:
            raise ValueError(f"structure {text}: alike needs neighbours=4, neighbours=8 or images")
        return structure

    def __str__(self) -> str:
        parts = [f"neighbours={self.neighbours}"] * bool(self.neighbours)
        parts += [f"alike={self.alike}"] * (self.alike != "none")
        for name in (*SIZES, "shift"):
            if (value := getattr(self, name)) is not None:
                parts.append(f"{name}={value[0]}x{value[1]}")
        parts += [f"symbols={','.join(self.symbols)}"] * bool(self.symbols)
        return "+".join([*parts, *(name for name in FLAGS if getattr(self, name))])

    @property
    def fixed(self) -> str:
        """The item that says in which place of the question a cell of the answer is found; empty where there is none."""
        return "copies" if self.copies else "shift" if self.shift else ""

    def relations(self, spec: GridSpec) -> Relations:
        """What a relational network is built on, for grids on this canvas."""
        cells = np.arange(spec.rows * spec.columns).reshape(spec.rows, spec.columns)
        groups: dict[str, Iterable[np.ndarray]] = {}
        if self.rows:
            groups["rows"] = list(cells)
        if self.columns:
            groups["columns"] = list(cells.T)
        if self.diagonals:
            offsets = range(2 - spec.rows, spec.columns - 1)
            groups["diagonals"] = [np.diagonal(grid, i) for grid in (cells, cells[:, ::-1]) for i in offsets]
        if self.boxes:
            height, width = self.boxes
            blocks = cells.reshape(spec.rows // height, height, spec.columns // width, width).swapaxes(1, 2)
            groups["boxes"] = list(blocks.reshape(-1, height * width))
        if self.all:
            groups["all"] = [cells.ravel()]
        symbols = tuple(spec.first_symbol + spec.symbols.index(symbol) for symbol in self.symbols)
        least = 0 if spec.sizes != "one" else 1
        named = tuple(token for token in range(least, spec.vocab_size) if token not in symbols)
        neighbours = None
        tied = (self.neighbours, self.images, self.shrinks, self.grows, self.parts, self.shift, self.copies)
        if any(tied):
            neighbours = Neighbours.of_grid(
                spec.rows,
                spec.columns,
                number=self.neighbours,
                images=self.images,
                alike=self.alike,
                wraps=self.wraps,
                shrinks=self.shrinks,
                grows=self.grows,
                parts=self.parts,
                shift=self.shift,
                copies=spec.copies if self.copies else (),
                outside=(PAD, END) if spec.sizes == "marked" else (),
            )
        return Relations(
            {name: tuple(tuple(map(int, group)) for group in members) for name, members in groups.items()},
            symbols=symbols,
            named=named or (0,),
            answers=() if self.fills else tuple(token for token in named if token > 0),
            neighbours=neighbours,
            areas=self.areas,
            places=self.places,
        )


def _value(name: str, value: str | None, *, text: str, spec: GridSpec) -> object:
    """The value of one item.

    Raises:
        ValueError: naming what an item may be.
    """
    if name in FLAGS and value is None:
        return True
    if name == "neighbours" and value in ("4", "8"):
        return int(value)
    if name == "alike" and value in ALIKE:
        return value
    if name == "symbols":
        symbols = spec.symbols if value is None else tuple(value.split(","))
        if strange := [symbol for symbol in symbols if symbol not in spec.symbols]:
            raise ValueError(f"structure {text}: no cell holds {', '.join(map(repr, strange))}")
        return symbols
    if name in SIZES and value and (match := re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", value)):
        height, width = map(int, match.groups())
        if name == "boxes" and (spec.rows % height or spec.columns % width):
            raise ValueError(f"structure {text}: boxes of {value} do not fill grids of {spec.rows}x{spec.columns}")
        if name != "boxes" and (height > spec.rows or width > spec.columns or height * width == 1):
            several = "two parts" if name == "parts" else "a block of two cells"
            raise ValueError(
                f"structure {text}: {name} takes {several} or more, which grids of {spec.rows}x{spec.columns} hold"
            )
        return height, width
    if name == "shift" and value and (match := re.fullmatch(r"(-?\d{1,9})x(-?\d{1,9})", value)):
        down, right = map(int, match.groups())
        if (down, right) == (0, 0) or abs(down) >= spec.rows or abs(right) >= spec.columns:
            raise ValueError(
                f"structure {text}: shift goes to another cell, which grids of {spec.rows}x{spec.columns} hold: got {value}"
            )
        return down, right
    raise ValueError(f"structure must be {NONE}, or {', '.join(ITEMS)}, joined with +: got {text!r}")
