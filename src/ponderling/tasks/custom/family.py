"""Any grid-to-grid data as a task: what a file says of itself is its whole definition, and goes into the checkpoint.

Token 0 is padding. Where all grids have one shape, a token for each symbol follows, and nothing else is needed. Where
sizes differ, every grid lies in the upper left corner of a canvas as large as the largest. Token 1, the end mark, is
put below its last row and right of its last column, where the canvas has room; beyond is padding, which is never
scored. So the marks are part of the answer: with them the network says how large its answer is. The official ARC data
sets do the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ponderling.system import write_text
from ponderling.tasks import symbol_grids
from ponderling.tasks.base import PAD, DataSettings, DataSplit, PuzzleError, Puzzles, Symmetry, Tokens, Verdict
from ponderling.tasks.custom.files import read_grid_file, tested_file
from ponderling.tasks.custom.grid_file import CellGrids, GridFile
from ponderling.tasks.custom.looking import Proposal, propose
from ponderling.tasks.custom.spec import END, GridSpec
from ponderling.tasks.custom.split import load_grids
from ponderling.tasks.custom.structure import NONE, Structure
from ponderling.tasks.custom.symbols import codes_of
from ponderling.tasks.custom.text_form import Rows, readings_of
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.official_layout import is_layout, read_layout
from ponderling.tasks.own_code import import_attribute
from ponderling.tasks.problems import Problems, shown
from ponderling.tasks.relations import Relations
from ponderling.tasks.split import split_off

GEOMETRIES: dict[str, tuple[int, ...]] = {"flips": (0, 1, 2, 3), "rotations": (0, 3, 5, 6), "dihedral": tuple(range(8))}
"""Elements of each group of geometrical symmetries: bit 0 turns the rows around, bit 1 the columns, after bit 2 exchanged
rows and columns."""


@dataclass(frozen=True)
class Symmetries:
    """Changes of a grid that keep puzzles valid, from a text such as `dihedral+colours=1,2,3`."""

    geometry: tuple[int, ...] = (0,)
    """Elements of the geometrical group; see GEOMETRIES."""
    colours: tuple[int, ...] = ()
    """Tokens that may be exchanged for one another."""

    @classmethod
    def named(cls, text: str, spec: GridSpec) -> Symmetries:
        """The symmetries of that name.

        Raises:
            ValueError: when the name is unknown, or the grids cannot have these symmetries.
        """
        geometry: tuple[int, ...] = (0,)
        colours: tuple[int, ...] = ()
        for name in text.split("+") if text != "none" else ():
            if name in GEOMETRIES and len(geometry) == 1:
                geometry = GEOMETRIES[name]
            elif name.partition("=")[0] == "colours" and not colours:
                wanted = name.partition("=")[2].split(",") if "=" in name else list(spec.symbols)
                if unknown := [symbol for symbol in wanted if symbol not in spec.symbols]:
                    raise ValueError(f"symmetries {text}: no cell holds {', '.join(map(repr, unknown))}")
                colours = tuple(spec.first_symbol + spec.symbols.index(symbol) for symbol in wanted)
            else:
                raise ValueError(
                    f"symmetries must be none, or {', '.join(GEOMETRIES)}, colours or colours=A,B,... with + between "
                    f"(one geometry at most): got {text!r}"
                )
        if any(element & 4 for element in geometry) and spec.rows != spec.columns:
            raise ValueError(
                f"symmetries {text}: quarter turns need square grids, these are {spec.rows}x{spec.columns}; flips would do"
            )
        if spec.sizes == "raw" and (len(geometry) > 1 or colours):
            raise ValueError(
                f"symmetries {text}: where the grids lie on this data's canvas is not known; none can be used"
            )
        return cls(geometry, colours)

    def __bool__(self) -> bool:
        return len(self.geometry) > 1 or bool(self.colours)


Checker = Callable[[list[list[Any]], list[list[Any]]], bool | Sequence[str]]
"""Judges an answer to a question, both as rows of cells: a yes or no, or what is wrong."""


class Grids(GridTask):
    """The task of a file of grids.

    Args:
        spec: What the file says of itself.
        check: `module:function` that judges an answer by rules; None: there are no rules.
        symmetries: Changes that keep puzzles valid; see `Symmetries`.
        structure: What ties cells together, as text; see `structure.Structure`.

    Raises:
        ValueError: when the function cannot be imported, or the grids cannot have these symmetries.
    """

    name = "grids"

    def __init__(self, spec: GridSpec, check: str | None = None, *, symmetries: str = "none", structure: str = "none"):
        self.spec = spec
        self.end_mark = END if spec.sizes == "marked" else None
        self.structure = None if structure == NONE else Structure.named(structure, spec)
        self.grid_shape = (spec.rows, spec.columns)
        self.check_name, self.checker = check, None if check is None else import_checker(check)
        self.symmetries = symmetries
        self.group = Symmetries.named(symmetries, spec)
        fixed = self.structure is not None and self.structure.fixed
        if fixed and len(self.group.geometry) > 1:
            raise ValueError(
                f"structure {fixed} says which cell of the question an answer's cell is, which symmetries {symmetries} change: "
                "leave one of them out"
            )
        self.numbers = symbol_grids.are_numbers(spec.symbols)
        """Whether cells are integers."""

    @classmethod
    def of(cls, settings: DataSettings | None) -> Grids:
        """The task that a run's settings define.

        Raises:
            ValueError: when the settings define no task, or for the reasons of the class.
        """
        if settings is None or settings.grid is None:
            raise ValueError("grids come from a file: name it with --data")
        return cls(settings.grid, settings.check, symmetries=settings.symmetries, structure=settings.structure)

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return self.spec.vocab_size

    def num_puzzles(self, puzzles: Puzzles) -> int:
        """Number of puzzle ids that the data declares, or more where these puzzles need more."""
        return max(self.spec.num_puzzles, super().num_puzzles(puzzles))

    # Grids and tokens

    def encode(self, grids: CellGrids, tokens_of_codes: NDArray[np.uint8]) -> Tokens:
        """The grids on the canvas, (N, L): a grid that is not given is all padding.

        Args:
            grids: Grids that fit the canvas.
            tokens_of_codes: The token of each code.
        """
        canvas = np.full((len(grids.shapes), *self.grid_shape), PAD, np.uint8)
        for (rows, columns), members, codes in grids.by_shape():
            canvas[members, :rows, :columns] = tokens_of_codes[codes]
            self._mark(canvas, members, rows=rows, columns=columns)
        return canvas.reshape(len(canvas), -1)

    def _mark(self, canvas: Tokens, members: NDArray[np.intp], *, rows: int, columns: int) -> None:
        if self.spec.sizes == "marked":
            if rows < self.spec.rows:
                canvas[members, rows, :columns] = END
            if columns < self.spec.columns:
                canvas[members, :rows, columns] = END

    def decode(self, tokens: Tokens) -> list[list[str]]:
        """The grid (L,) as rows of symbols; `?` for a token without a symbol, no rows if its first cell is a mark."""
        rows, columns = self.spec.own_sizes(tokens[None])[0]
        first = self.spec.first_symbol
        cells = tokens.reshape(self.grid_shape)[:rows, :columns].tolist() if columns else []
        return [[self.spec.symbols[token - first] if token >= first else "?" for token in row] for row in cells]

    def to_rows(self, tokens: Tokens) -> list[list[Any]]:
        """The grid (L,) as in a JSON line: integers where all symbols are."""
        rows = self.decode(tokens)
        return [[int(cell) if self.numbers and cell != "?" else cell for cell in row] for row in rows]

    def puzzles_of(self, file: GridFile, need_answers: bool = True) -> Puzzles:
        """The examples of a file in this task's tokens.

        Raises:
            PuzzleError: naming the rows with a symbol or a size that this task does not have, or without an answer.
        """
        problems = Problems(file.path, file.unit)
        known = {symbol: self.spec.first_symbol + i for i, symbol in enumerate(self.spec.symbols)}
        lut = np.array([known.get(symbol, 255) for symbol in file.symbols], np.uint8)
        for what, grids in (("input", file.inputs), ("output", file.outputs)):
            self._find_strangers(what, grids, lut=lut, file=file, problems=problems)
        if need_answers:
            for i in np.flatnonzero(~file.has_answers):
                problems.add(int(file.numbers[i]), "no output")
        problems.report()
        return Puzzles(
            tokens=self.encode(file.inputs, lut),
            labels=self.encode(file.outputs, lut),
            puzzle_ids=np.zeros(len(file), np.int32),
            ratings=file.ratings,
            sources=file.names,
        )

    def _find_strangers(
        self, what: str, grids: CellGrids, *, lut: NDArray[np.uint8], file: GridFile, problems: Problems
    ) -> None:
        rows, columns = self.grid_shape
        given = grids.shapes[:, 0] > 0
        may_differ = self.spec.sizes == "marked"
        wrong = grids.shapes > (rows, columns) if may_differ else grids.shapes != (rows, columns)
        needed = f"at most {rows}x{columns}" if may_differ else f"every grid must be {rows}x{columns}"
        for i in np.flatnonzero(wrong.any(axis=1) & given):
            shape = "x".join(map(str, grids.shapes[i]))
            problems.add(int(file.numbers[i]), f"{what} is {shape}: {needed}, as in the training data")
        at = np.flatnonzero(lut[grids.codes] == 255)
        for i in np.unique(np.searchsorted(grids.starts, at, side="right") - 1):
            codes = grids.codes[grids.starts[i] : grids.starts[i + 1]]
            strange = next(file.symbols[code] for code in codes if lut[code] == 255)
            problems.add(int(file.numbers[i]), f"{what} holds {strange!r}, which no training grid does")

    # Text

    def parse(self, text: str) -> Tokens:
        """One question from JSON, or from rows with / or line ends between them, or in one line.

        Raises:
            PuzzleError: everything that is wrong with it.
        """
        rows, columns = self.grid_shape
        line = text.strip("\r\n")
        is_line = len(line) == rows * columns and not set(line) & set("[/\n")
        if is_line and self.spec.sizes == "one" and all(len(symbol) == 1 for symbol in self.spec.symbols):
            return self._tokens_of_rows([list(line[r * columns : (r + 1) * columns]) for r in range(rows)])
        return self._tokens_of_text(text)

    def parse_grid(self, grid: Any) -> Tokens:
        """One question from rows of the file's symbols, integers or texts; sizes may differ where the file's do.

        Where every grid has one size, an array or list of one dimension is read row by row.

        Raises:
            PuzzleError: everything that is wrong with it.
        """
        rows, columns = self.grid_shape
        if self.spec.sizes != "one":
            return self._tokens_of_rows(symbol_grids.rows_of(grid))
        cells = symbol_grids.cells_of(grid, self.grid_shape)
        return self._tokens_of_rows([cells[r * columns : (r + 1) * columns] for r in range(rows)])

    def to_grid(self, tokens: Tokens) -> NDArray[Any]:
        """The grid (L,) as an array of its own size: integers where all its symbols are, else texts."""
        rows = self.to_rows(tokens)
        return np.array(rows) if rows else np.zeros((0, 0), np.int64 if self.numbers else np.str_)

    def _tokens_of_text(self, text: str) -> Tokens:
        """The tokens of one grid from text, read in the one way that fits this task.

        Raises:
            PuzzleError: when no way fits, or two ways that differ.
        """
        try:
            readings = readings_of(text)
        except ValueError as error:
            raise PuzzleError(f"no grid: {error}") from error
        fitting: list[tuple[Tokens, Rows]] = []
        refusal: PuzzleError | None = None
        for rows in readings:
            try:
                tokens = self._tokens_of_rows(rows, from_text=True)
            except PuzzleError as error:
                refusal = refusal or error
                continue
            if not any((tokens == other).all() for other, _ in fitting):
                fitting.append((tokens, rows))
        if not fitting and refusal is not None:
            raise refusal
        if len(fitting) > 1 and any(c.isspace() for c in text):
            raise PuzzleError(
                f"{shown(text)} can be read in two ways: write it as JSON, {shown(fitting[0][1])} or {shown(fitting[1][1])}"
            )
        return fitting[0][0]

    def _tokens_of_rows(self, rows: Rows, *, from_text: bool = False) -> Tokens:
        """The tokens of one grid from its rows of cells."""
        try:
            symbols, codes, shape = codes_of(rows, from_text=from_text)
        except ValueError as error:
            raise PuzzleError(f"no grid: {error}") from error
        grids = CellGrids(codes, np.array([shape], np.int32))
        none = CellGrids(np.empty(0, np.int32), np.zeros((1, 2), np.int32))
        file = GridFile(
            path=Path("the grid"),
            unit="grid",
            numbers=np.array([1]),
            symbols=symbols,
            inputs=grids,
            outputs=none,
            is_test=None,
            ratings=None,
            names=None,
        )
        try:
            return self.puzzles_of(file, need_answers=False).tokens[0]
        except PuzzleError as error:
            raise PuzzleError(str(error).removeprefix("the grid, grid 1: ")) from error

    @property
    def _text_form(self) -> Literal["characters", "words", "json"]:
        symbols = "".join(self.spec.symbols)
        if any(c.isspace() or c in "/,[" for c in symbols):
            return "json"
        return "characters" if len(symbols) == len(self.spec.symbols) else "words"

    def format(self, tokens: Tokens) -> str:
        """The grid as one line: rows with / between, or JSON where symbols would make that ambiguous."""
        rows = self.decode(tokens)
        form = self._text_form
        if not rows or form == "json" or (form == "words" and len(rows[0]) == 1):
            return json.dumps(self.to_rows(tokens), separators=(",", ":"), ensure_ascii=False)
        between = "" if form == "characters" else " "
        return "/".join(between.join(row) for row in rows) + ("/" if len(rows) == 1 else "")

    def render(self, tokens: Tokens) -> list[list[str]]:
        """The canvas as rows of one text for each cell, blank outside the grid."""
        rows = self.decode(tokens)
        blank = [[" "] * self.spec.columns for _ in range(self.spec.rows - len(rows))]
        return [row + [" "] * (self.spec.columns - len(row)) for row in rows] + blank

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """The symbols."""
        return tuple(range(self.spec.first_symbol, self.vocab_size))

    @property
    def characters(self) -> tuple[str, ...]:
        """The first character of each token in text."""
        tokens = (np.full(self.num_cells, token, np.uint8) for token in range(1, self.vocab_size))
        return ("", *(self.format(grid)[0] for grid in tokens))

    # Rules

    @property
    def has_rules(self) -> bool:
        """Whether a checker was named."""
        return self.checker is not None

    def is_right(self, question: Tokens, answer: Tokens) -> Sequence[str]:
        """The checker's objections to an answer (L,)."""
        if self.checker is None:
            return ()
        rows = self.decode(answer)
        if not rows or any("?" in row for row in rows if "?" not in self.spec.symbols):
            return ["the answer is no grid: an end mark stands inside it"]
        question_rows, answer_rows = self.to_rows(question), self.to_rows(answer)
        name = self.check_name or getattr(self.checker, "__name__", "given")
        try:
            said = self.checker(question_rows, answer_rows)
        except Exception as error:  # the code is the user's own
            raise PuzzleError(
                f"the checker {name} raised {type(error).__name__} instead of judging an answer: "
                f"{' '.join(str(error).split()) or 'no reason given'}; it is called with question and answer as lists of rows"
            ) from error
        if isinstance(said, bool | np.bool_):
            return () if said else ["the rules refuse the answer"]
        if isinstance(said, str) or not isinstance(said, Sequence):
            raise PuzzleError(
                f"the checker {name} must return True, False or a list of reasons: got {str(said)[:60]!r}"
            )
        return said

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """What the rules say about this answer (L,) to this question (L,)."""
        reasons = tuple(self.is_right(question, answer))
        return Verdict(not reasons, wrong_cells=(), reasons=reasons)

    @property
    def relations(self) -> Relations | None:
        """What the structure ties together; None without one."""
        return None if self.structure is None else self.structure.relations(self.spec)

    def propose(self, puzzles: Puzzles, *, turns: bool = False) -> Proposal:
        """The structure that training examples suggest; see `looking.propose`.

        Args:
            puzzles: The training examples.
            turns: Training will turn or mirror the grids, even if the task's symmetries do not say so.
        """

        def judge(question: Tokens, answer: Tokens) -> bool:
            return not self.is_right(question, answer)

        turns = turns or len(self.group.geometry) > 1
        return propose(puzzles, self.spec, judge=judge if self.has_rules else None, turns=turns)

    # Symmetries

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """Random transformations of the whole canvas; where sizes differ, of the symbols alone (see `augment`)."""
        elements = np.zeros(count, np.int64)
        if self.spec.sizes == "one":
            elements = rng.choice(np.array(self.group.geometry), count)
        maps = np.stack([self._cell_map(k) for k in range(8)])
        return Symmetry(maps[elements], self._sample_colours(rng, count))

    def _cell_map(self, element: int) -> NDArray[np.int64]:
        """For each cell of the transformed canvas the cell that moves there; the identity where it would not fit."""
        cells = np.arange(self.num_cells).reshape(1, *self.grid_shape)
        if element & 4 and self.spec.rows != self.spec.columns:
            return cells.reshape(-1)
        return _turned(cells, element).reshape(-1)

    def _sample_colours(self, rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
        symbols = np.tile(np.arange(self.vocab_size, dtype=np.uint8), (count, 1))
        if self.group.colours:
            tokens = np.array(self.group.colours, np.uint8)
            symbols[:, tokens] = rng.permuted(np.tile(tokens, (count, 1)), axis=1)
        return symbols

    def augment(self, rng: np.random.Generator, puzzles: Puzzles) -> Puzzles:
        """Each question and its answer under one random symmetry, each grid turned within its own size."""
        if not self.group:
            return puzzles
        if self.spec.sizes == "one":
            return self.sample_symmetries(rng, len(puzzles)).apply_to(puzzles)
        elements = rng.choice(np.array(self.group.geometry), len(puzzles))
        colours = self._sample_colours(rng, len(puzzles))
        tokens, labels = (
            np.take_along_axis(colours, self.turn(grids, elements), axis=1)
            for grids in (puzzles.tokens, puzzles.labels)
        )
        return replace(puzzles, tokens=tokens, labels=labels)

    def turn(self, tokens: Tokens, elements: NDArray[np.integer[Any]]) -> Tokens:
        """The grids (N, L), each by its geometrical element (N,)."""
        sizes = self.spec.own_sizes(tokens)
        old = tokens.reshape(-1, *self.grid_shape)
        new = np.zeros_like(old)
        kinds, kind = np.unique(np.column_stack([sizes, elements]), axis=0, return_inverse=True)
        for number, (rows, columns, element) in enumerate(kinds.tolist()):
            if rows and columns:
                members = np.flatnonzero(kind.reshape(-1) == number)
                turned = _turned(old[members, :rows, :columns], element)
                new[members, : turned.shape[1], : turned.shape[2]] = turned
                self._mark(new, members, rows=turned.shape[1], columns=turned.shape[2])
        return new.reshape(len(new), -1)

    def canonical(self, tokens: Tokens) -> list[bytes]:
        """For each grid (N, L) a key that is equal for two grids iff a symmetry maps one to the other."""
        keys: list[bytes] = []
        for element in self.group.geometry:
            turned = self._first_seen(self.turn(tokens, np.full(len(tokens), element)))
            found = [row.tobytes() for row in turned]
            keys = list(map(min, keys, found)) if keys else found
        return keys

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each question (N, L), (N,), equal where a symmetry carries one to the other; there are no regions."""
        keys = np.frombuffer(b"".join(self.canonical(tokens)), np.uint8)
        return super().fingerprint(keys.reshape(tokens.shape), regions=regions)

    def _first_seen(self, tokens: Tokens) -> Tokens:
        """The exchangeable tokens renamed in the order in which they first occur."""
        colours = np.array(self.group.colours, np.uint8)
        if not len(colours):
            return tokens
        L = tokens.shape[1]
        seen = [tokens == colour for colour in colours]
        first = np.stack([np.where(s.any(axis=1), s.argmax(axis=1), L) for s in seen], axis=1)
        renamed = tokens.copy()
        ranks = np.argsort(np.argsort(first, axis=1, kind="stable"), axis=1, kind="stable")
        names = np.sort(colours)[ranks]
        for i, s in enumerate(seen):
            renamed = np.where(s, names[:, i : i + 1], renamed)
        return renamed

    # Files

    def read(self, path: str | Path, limit: int | None = None, *, need_answers: bool = False) -> Puzzles:
        """The puzzles of a file or folder of grids; only its test puzzles where it sets some apart.

        Raises:
            PuzzleError: naming file, row and reason; also for a missing answer, if `need_answers`.
        """
        path = tested_file(path)
        if is_layout(path):
            return read_layout(path, "test", vocab_size=self.spec.vocab_size)[:limit]
        file = read_grid_file(path)
        rows = np.arange(len(file)) if file.is_test is None else np.flatnonzero(file.is_test)
        return self.puzzles_of(file, need_answers)[rows][:limit]

    def write(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes JSON lines that `read` reads back, whole or not at all."""
        lines = []
        for i in range(len(puzzles)):
            example: dict[str, Any] = {"input": self.to_rows(puzzles.tokens[i])}
            if puzzles.labels[i].any():
                example["output"] = self.to_rows(puzzles.labels[i])
            if puzzles.ratings is not None:
                example["rating"] = int(puzzles.ratings[i])
            if puzzles.sources is not None and puzzles.sources[i]:
                example["id"] = puzzles.sources[i]
            lines.append(json.dumps(example, separators=(",", ":"), ensure_ascii=False) + "\n")
        write_text(Path(path), "".join(lines))

    def write_pairs(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes pairs as JSON lines, the form that files of this family have."""
        self.write(path, puzzles)

    def layout_facts(self, *, padded: bool) -> dict[str, Any]:
        """What the training file says of itself, but for the number of puzzle ids."""
        left_out = ("num_puzzles", "copies")  # the copies are found anew
        return {key: value for key, value in asdict(self.spec).items() if key not in left_out}

    def load_split(self, data: DataSettings) -> DataSplit:
        """The puzzles of the run's files, with no test question among the others."""
        parts = load_grids(self, data.train, test=data.test, drop=data.overlap == "drop")
        return split_off(parts.train.puzzles, parts.test.puzzles, task=self, data=data, left_out=parts.left_out)

    def load_test(self, data: DataSettings, source: str) -> Puzzles:
        """The puzzles of a source; for the training file, only those not trained on."""
        own = data.train if data.test == "default" else data.test
        if source == "default" or Path(source).resolve() == Path(own).resolve():
            return load_grids(self, data.train, test=data.test, drop=data.overlap == "drop").test.puzzles
        return self.read(source, need_answers=True)

    def load_default(self, split: str) -> Puzzles:
        """Raises PuzzleError: your own grids have no default set."""
        raise PuzzleError("grids come from a file: name it with --data")


def _turned(grids: NDArray[Any], element: int) -> NDArray[Any]:
    """Grids (N, rows, columns) transformed by a geometrical element; see GEOMETRIES."""
    if element & 4:
        grids = grids.swapaxes(1, 2)
    if element & 1:
        grids = grids[:, ::-1]
    return grids[:, :, ::-1] if element & 2 else grids


def import_checker(name: str) -> Checker:
    """The function that `module:function` names, also of a file in this folder.

    Raises:
        ValueError: when the function cannot be found.
    """
    try:
        function = import_attribute(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"check {name}: expected module:function that can be imported: {error}") from error
    if not callable(function):
        raise ValueError(f"check {name}: is no function")
    return cast(Checker, function)
