"""What a film of a model's thinking shows: for each frame a set of shapes, and the opacity of each.

`svg.py` and `pixels.py` draw the same shapes, so that all formats show the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from ponderling.pictures.shown import ShownResult, is_within_steps
from ponderling.tasks.base import Task, Tokens

COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#12161c"),
    "edge": ("#d5dae1", "#323a45"),
    "given": ("#f0f2f5", "#1f262f"),
    "wall": ("#3f4854", "#6c7887"),
    "path": ("#9accff", "#1f5694"),
    "ink": ("#1c2128", "#f0f3f6"),
    "soft": ("#6a7482", "#93a0af"),
    "answer": ("#0b62c4", "#6cb2ff"),
    "line": ("#d5dae1", "#323a45"),
    "block": ("#5b6673", "#8b98a8"),
    "changed": ("#ffe38a", "#6b5300"),
    "wrong": ("#ffb4a8", "#8a2a22"),
    "wave": ("#f0a020", "#d98a10"),
    "guess": ("#8a4bd6", "#c39bff"),
    "right": ("#16803c", "#4ac26b"),
}
"""What a role looks like, in light and in dark."""

PALETTE = {"#": "wall", "██": "wall", "o": "path"}
"""Cells that are filled rather than written, by their text, as in mazes. A family can have a `palette` of its own beside it,
with roles or colours such as #ff0000."""
GRID = 432
"""Largest width and height of the grid, in pixels."""
MARGIN, CURVE = 20, 64
LEGEND = 22
"""Height of a line that says what colours mean, in pixels."""
LETTER = 6.4
"""About the width of a letter of these lines, in pixels."""
TINTS = 20
"""Number of strengths of the tint, so that a film names few of them."""
BIG = 0.5
"""A cell shows its likeliest symbol large from this probability on, before that all candidates, small."""
HOLD = 5
"""Number of frames that the last frame stays for."""


class Shape(NamedTuple):
    """One thing drawn. Shapes are equal when they would look alike, so that a film has each of them once."""

    layer: int
    """What is drawn over what: higher is later."""
    kind: Literal["rect", "ring", "line", "dot", "text"]
    role: str
    """A key of COLOURS, or a colour such as #ff0000."""
    x: float
    y: float
    """The left upper corner of a rect or ring, the start of a line, else the centre."""
    w: float = 0
    h: float = 0
    """Width and height; of a line: where it ends; of a dot: radius; of a text: its size."""
    text: str = ""
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "middle"
    thick: float = 1
    """Width of a line."""
    jumps: bool = False
    """Appears and goes at once instead of fading."""


@dataclass(frozen=True)
class Film:
    """What there is to draw."""

    task: Task
    result: ShownResult
    """The result to draw; it must have a trace."""

    @property
    def num_frames(self) -> int:
        """The question, and every moment of the trace."""
        return 1 + len(self.result.trace)

    @property
    def unit(self) -> str:
        """What a frame after the question shows: step or recursion."""
        return "recursion" if is_within_steps(self.result.trace) else "step"

    @property
    def cell(self) -> float:
        """Side of a cell."""
        return min(56, max(8, GRID // max(self.task.grid_shape)))

    @property
    def width(self) -> int:
        """Width of the picture."""
        return max(260, round(self.task.grid_shape[1] * self.cell)) + 2 * MARGIN

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        rows = self.task.grid_shape[0]
        return self.width, round(rows * self.cell) + CURVE + 4 * MARGIN + 22 + LEGEND * len(self.legend)

    @cached_property
    def legend(self) -> list[list[tuple[str, str, float]]]:
        """What colours mean, in lines: the role of each, in words, and where it begins."""
        if self.shows_changes:
            return [[("wave", f"how much each cell's hidden state changed in this {self.unit}", 0)]]
        texts = {text.strip() for row in self.task.render(self.result.question_tokens) for text in row}
        is_filled = not texts.isdisjoint({**PALETTE, **self.task.palette})  # its colours are its own
        named = [] if is_filled else [("ink", "given"), ("answer", "its answer")]
        named += [("changed", "changed")] + [("wrong", "breaks a rule")] * self.task.has_rules
        if any(len(step.guessed) for step in self.result.trace):
            named.append(("guess", "guessed"))
        lines: list[list[tuple[str, str, float]]] = [[]]
        x = 0.0
        for role, words in named:
            wide = 24 + LETTER * len(words)
            if x and x + wide > self.width - 2 * MARGIN:
                lines.append([])
                x = 0.0
            lines[-1].append((role, words, x))
            x += wide + 14
        return lines

    @property
    def shows_changes(self) -> bool:
        """Whether cells are tinted by how much their hidden state changed: in mazes, if the trace has kept that."""
        return self.task.cells_touch and any(step.change is not None for step in self.result.trace)

    def tokens(self, frame: int) -> Tokens:
        """The grid of a frame, (L,)."""
        return self.result.trace[frame - 1].tokens if frame else self.result.question_tokens


def shapes(film: Film, frame: int) -> dict[Shape, float]:
    """Everything that a frame shows, with its opacity."""
    drawn: dict[Shape, float] = {}
    _draw_board(film, drawn)
    _draw_cells(film, frame, drawn=drawn)
    if film.shows_changes:
        _draw_changes(film, frame, drawn=drawn)
    _draw_legend(film, drawn)
    _draw_words(film, frame, drawn=drawn)
    _draw_curve(film, frame, drawn=drawn)
    return drawn


def _left(film: Film) -> float:
    """Where the grid begins."""
    return (film.size[0] - film.task.grid_shape[1] * film.cell) / 2


def _corner(film: Film, cell: int) -> tuple[float, float]:
    """The left upper corner of a cell."""
    row, column = divmod(cell, film.task.grid_shape[1])
    return _left(film) + column * film.cell, MARGIN + row * film.cell


def _square(film: Film, cell: int, *, layer: int, role: str) -> Shape:
    """A shape that fills a cell."""
    return Shape(layer, "rect", role, *_corner(film, cell), film.cell, film.cell)


def _draw_board(film: Film, drawn: dict[Shape, float]) -> None:
    width, height = film.size
    rows, columns = film.task.grid_shape
    cell, left, top = film.cell, _left(film), MARGIN
    drawn[Shape(0, "rect", "paper", 0, 0, width, height)] = 1
    block_rows, block_columns = film.task.block_shape
    right, bottom = left + columns * cell, top + rows * cell
    regions = np.zeros((rows, columns), np.int64) if film.task.regions is None else film.task.regions
    for row, column in np.argwhere(regions[1:] != regions[:-1]):
        x, y = left + column * cell, top + (row + 1) * cell
        drawn[Shape(6, "line", "block", x, y, x + cell, y, thick=2)] = 1
    for row, column in np.argwhere(regions[:, 1:] != regions[:, :-1]):
        x, y = left + (column + 1) * cell, top + row * cell
        drawn[Shape(6, "line", "block", x, y, x, y + cell, thick=2)] = 1
    for row in range(rows + 1):
        thick = row % block_rows == 0
        y = top + row * cell
        drawn[Shape(5 + thick, "line", "block" if thick else "line", left, y, right, y, thick=1 + thick)] = 1
    for column in range(columns + 1):
        thick = column % block_columns == 0
        x = left + column * cell
        drawn[Shape(5 + thick, "line", "block" if thick else "line", x, top, x, bottom, thick=1 + thick)] = 1


def _draw_cells(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    task, result = film.task, film.result
    tokens = film.tokens(frame)
    texts = [text.strip() for row in task.render(tokens) for text in row]
    clues = task.clue_mask(result.question_tokens)
    before = film.tokens(frame - 1) if frame > 1 else tokens  # filling what was blank is no change of mind
    wrong = set(task.check(result.question_tokens, tokens).wrong_cells) if frame else set()
    palette: dict[str, str] = {**PALETTE, **task.palette}
    step = result.trace[frame - 1] if frame else None
    candidates = _candidates(task) if film.cell >= 20 else {}
    for i, text in enumerate(texts):
        if text in palette:
            sure = 1 if step is None or clues[i] else max(0.15, float(step.confidence[i]))
            filled = _square(film, i, layer=2, role=palette[text])
            drawn[filled] = sure * 0.7 if film.shows_changes and not clues[i] else sure
        elif clues[i]:
            drawn[_square(film, i, layer=1, role="given")] = 1
        p = step.probabilities[i] if step is not None and not clues[i] else None
        undecided = p is not None and bool(candidates) and p.max() < BIG
        if i in wrong and not clues[i]:
            drawn[_square(film, i, layer=3, role="wrong")] = 0.45 if undecided or film.shows_changes else 1
        elif tokens[i] != before[i] and not film.shows_changes:
            drawn[_square(film, i, layer=3, role="changed")] = 1
        (x, y), size = _corner(film, i), film.cell
        if step is not None and i in step.guessed:
            drawn[Shape(7, "ring", "guess", x + 2.5, y + 2.5, size - 5, size - 5, thick=2)] = 1
        if p is not None and undecided:
            _draw_candidates(drawn, candidates, p=p, x=x, y=y, size=size)
        elif text.strip(" .") and text not in palette:
            sure = 1.0 if p is None else float(p[tokens[i]])
            role = "ink" if clues[i] else "answer"
            letter = Shape(
                4, "text", role, x + size / 2, y + size / 2, h=round(0.58 * size), text=text, bold=bool(clues[i])
            )
            drawn[letter] = max(0.4, sure)


def _draw_changes(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    """A tint under the marks, as strong as the root of the change: most are far below the greatest; 1 and more is full."""
    change = film.result.trace[frame - 1].change if frame else None
    if change is None:
        return
    texts = [text.strip() for row in film.task.render(film.result.question_tokens) for text in row]
    for i, tint in enumerate(np.rint(TINTS * np.sqrt(np.clip(change, 0, 1))) / TINTS):
        if tint and texts[i] not in PALETTE:
            drawn[_square(film, i, layer=1, role="wave")] = float(tint)


def _draw_legend(film: Film, drawn: dict[Shape, float]) -> None:
    """What each colour means, below the words."""
    top = 2 * MARGIN + film.task.grid_shape[0] * film.cell + 4
    for line, named in enumerate(film.legend, 1):
        y = top + line * LEGEND
        for role, words, x in named:
            swatch = Shape(8, "rect", role, MARGIN + x, y - 5, 18, 10)
            if role == "guess":
                swatch = swatch._replace(kind="ring", thick=2)
            drawn[swatch] = 0.7 if role == "wave" else 1
            drawn[Shape(8, "text", "soft", MARGIN + x + 24, y, h=12, text=words, anchor="start")] = 1


def _candidates(task: Task) -> dict[int, str]:
    """The symbols that a cell may turn out to be, by token, for tasks whose symbols are all alike."""
    relations = task.relations
    if relations is None:
        return {}
    rows, columns = task.grid_shape
    return {token: task.render(np.full(rows * columns, token, np.uint8))[0][0] for token in relations.symbols}


def _draw_candidates(
    drawn: dict[Shape, float], candidates: dict[int, str], *, p: Any, x: float, y: float, size: float
) -> None:
    per_row = math.ceil(math.sqrt(len(candidates)))
    pitch = (size - 4) / per_row
    for place, (token, text) in enumerate(candidates.items()):
        if p[token] >= 0.03:
            row, column = divmod(place, per_row)
            centre = x + 2 + (column + 0.5) * pitch, y + 2 + (row + 0.5) * pitch
            # The root makes a tenth visible; a film of straight shares would show empty cells.
            drawn[Shape(4, "text", "answer", *centre, h=round(0.9 * pitch), text=text)] = math.sqrt(float(p[token]))


def _draw_words(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    width, _ = film.size
    y = 2 * MARGIN + film.task.grid_shape[0] * film.cell + 4
    left, right = MARGIN, width - MARGIN
    trace = film.result.trace

    def say(text: str, role: str, *, x: float, anchor: Literal["start", "end"], bold: bool = False) -> None:
        drawn[Shape(8, "text", role, x, y, h=15, text=text, bold=bold, anchor=anchor, jumps=True)] = 1

    say(f"{film.unit} {frame} of {len(trace)}" if frame else "the puzzle", "ink", x=left, anchor="start", bold=True)
    if not frame:
        say(
            f"{int((~film.task.clue_mask(film.result.question_tokens)).sum())} cells to fill",
            "soft",
            x=right,
            anchor="end",
        )
        return
    verdict = film.task.check(film.result.question_tokens, film.tokens(frame))
    if not film.task.has_rules:
        changed = int((film.tokens(frame) != film.tokens(frame - 1)).sum())
        say(f"{changed} {'cell' if changed == 1 else 'cells'} changed", "soft", x=right, anchor="end")
    elif verdict.valid:
        say(verdict.note or "every rule holds", "right", x=right, anchor="end", bold=True)
    else:
        count = len(verdict.wrong_cells)
        say(f"{count} {'cell breaks' if count == 1 else 'cells break'} a rule", "soft", x=right, anchor="end")


def _draw_curve(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    """How sure the halting head is, step by step; what is still to come is not there yet."""
    width, height = film.size
    left, right = MARGIN, width - MARGIN
    bottom, top = height - MARGIN, height - MARGIN - CURVE
    trace = film.result.trace
    for level in (bottom, top):
        drawn[Shape(5, "line", "line", left, level, right, level)] = 1
    drawn[
        Shape(
            8,
            "text",
            "soft",
            left,
            top - 12,
            h=12,
            text="how sure the network is that every cell is right" if film.width >= 340 else "how sure the network is",
            anchor="start",
        )
    ] = 1
    if not frame:
        return
    step = (right - left - 10) / max(1, len(trace))

    def point(k: int) -> tuple[float, float]:
        p = trace[k - 1].halt_probability if k else 0
        return round(left + 5 + k * step, 1), round(bottom - p * CURVE, 1)

    for k in range(1, frame + 1):
        drawn[Shape(9, "line", "right", *point(k - 1), *point(k), thick=2.5)] = 1
    drawn[Shape(10, "dot", "right", *point(frame), 4.5)] = 1
    sure = f"{trace[frame - 1].halt_probability:.0%}"
    drawn[Shape(8, "text", "right", right, top - 12, h=13, text=sure, bold=True, anchor="end", jumps=True)] = 1
