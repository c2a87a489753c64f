"""What the examples of a file say about how its grids hang together: a structure for a network, and why.

Each finding is *verified*, where the user's checker confirms it on transformed examples; *seen* in all examples that were
looked at; or merely *not contradicted* by any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Tokens
from ponderling.tasks.custom.copying import FEWEST, Copied, copies_in
from ponderling.tasks.custom.shifting import shift_in
from ponderling.tasks.custom.spec import GridSpec
from ponderling.tasks.custom.structure import NONE, Structure
from ponderling.tasks.relations import DIRECTIONS, IMAGES, Copies, Move

Status = Literal["verified", "seen", "not contradicted"]
Judge = Callable[[Tokens, Tokens], bool]
"""Whether a checker accepts an answer (L,) to a question (L,)."""

LOOKED_AT, CELLS_LOOKED_AT = 1000, 200_000
"""Most examples that are looked at, and most cells of them all, so that a look takes seconds."""

CHECKED = 20
"""Number of examples that a checker judges after a change."""

COPIED = 0.25
"""Share of the answers' cells which, copied from another place of the question, make it worth telling which one."""

TURNED = 0.75
"""Share of the answers' cells, or of those that differ from the question's, that turning or mirroring the question explains,
from which on images are proposed."""

OFTEN = 0.75
"""Share of the cells that look like another one, from which on what always holds of them is no accident."""

MOST_OF_BLOCK = 16
"""Cells of the largest blocks that may shrink to a cell; each has weights of its own."""

AS_NEAR = 0.5, 1.5
"""Where opposite edges touch, an answer at one tells as much of the opposite one as of the next cell, beyond what it tells of a
cell half a grid away: between these shares of it. More is a mirror."""

LONG_ENOUGH = 5
"""Cells of the shortest rows and columns that say whether their ends touch."""

SURE = 10.0
"""What pairs of cells tell of each other more than others do, in nats of all these pairs, so that it is hardly by chance."""

SEVERAL = 3
"""Mean number of cells of a symbol in an answer from which on it says something that no two of them share a diagonal."""

NEAREST: tuple[tuple[tuple[tuple[int, int], ...], str, str], ...] = (
    ((), "neighbours=4", ""),
    *(((step,), f"neighbours={4 if step in DIRECTIONS[:4] else 8}", " and one neighbour's") for step in DIRECTIONS),
    (DIRECTIONS[:4], "neighbours=4", " and these neighbours'"),
    (DIRECTIONS, "neighbours=8", " and these neighbours'"),
)
"""Neighbours that may decide a cell's answer: their steps, the item that has them, and what to call their questions."""

TURNS = (
    "as it is",
    "turned by a quarter",
    "turned by a half",
    "turned by three quarters",
    "mirrored upside down",
    "mirrored left to right",
    "mirrored at its diagonal",
    "mirrored at its other diagonal",
)
"""The identity and the IMAGES in words."""

MOST_CELLS_SQUARED = 400
"""Cells of the largest grids whose areas are proposed; the work for these grows with the square of the number."""


@dataclass(frozen=True)
class Finding:
    """One part of a proposed structure."""

    item: str
    """As in the text of a structure; empty for what leads to none."""
    _: KW_ONLY
    why: str
    """The reason, a clause for a person to read."""
    status: Status


@dataclass(frozen=True)
class Proposal:
    """The structure that a file's examples suggest."""

    structure: Structure | None
    """None: nothing ties cells together, and a plain TRM is the better choice."""
    findings: tuple[Finding, ...]
    _: KW_ONLY
    copies: tuple[Copies, ...] = ()
    """Where answers come from, for the file's `GridSpec`, if the structure has `copies`."""

    def __str__(self) -> str:
        return NONE if self.structure is None else str(self.structure)


def propose(puzzles: Puzzles, spec: GridSpec, *, judge: Judge | None = None, turns: bool = False) -> Proposal:
    """Looks at the training examples.

    Args:
        puzzles: The training examples.
        spec: The file's canvas and symbols.
        judge: The user's checker, where there is one.
        turns: Training will turn or mirror the grids, so that no cell can be a copy of one in a fixed place.
    """
    if spec.num_puzzles > 1:
        return Proposal(
            None, (Finding("", why="rules differ by puzzle id, which only a puzzle embedding knows", status="seen"),)
        )
    if spec.sizes == "raw":
        return Proposal(
            None, (Finding("", why="where the grids lie on this data's canvas is not known", status="seen"),)
        )
    count = max(2, min(LOOKED_AT, CELLS_LOOKED_AT // (spec.rows * spec.columns)))
    rows = np.random.default_rng(0).permutation(len(puzzles))[:count]
    questions, answers = puzzles.tokens[rows], puzzles.labels[rows]
    latin = _latin(questions, answers, spec=spec, judge=judge)
    if latin:
        return _proposal(latin, spec)
    findings = [_neighbours(questions, answers, spec=spec)]
    if findings[0].status == "seen":  # nothing else is needed
        return _proposal(findings, spec)
    scales = _scales(questions, answers, spec=spec)
    if scales and scales[0].status == "seen":
        return _proposal(scales, spec)
    if _edges_touch(questions, answers, spec=spec):
        why = "answers at an edge tell as much of the opposite edge as of the cells beside them"
        findings.append(Finding("wraps", why=why, status="seen"))
    findings += scales + _parts(questions, answers, spec=spec)
    turned = _turned(questions, answers, spec=spec)
    if turned.is_all:
        return _proposal([Finding("images", why=f"every answer is its question {turned.how}", status="seen")], spec)
    shift = None if turns else shift_in(questions, answers, spec=spec)
    if shift is not None:
        where = " and ".join(_steps(shift.down, ("down", "up")) + _steps(shift.right, ("to the right", "to the left")))
        why = f"a cell of an answer is the question's that lies {where}" + ", where opposite edges touch" * shift.wraps
        moved = Finding(str(shift), why=why, status="seen")
        if shift.is_all:
            return _proposal([moved], spec)
        findings.append(moved)
    no_look = turns or shift is not None
    copied = Copied((), share=0.0, is_all=False) if no_look else copies_in(puzzles, spec)
    if copied.share >= COPIED:
        spec = replace(spec, copies=copied.tables)
        why = f"{100 * copied.share:.0f}% of an answer's cells are those of another place of the question"
        if copied.is_all:
            why = "every cell of an answer is that of a place of the question, which its size tells"
            return _proposal([Finding("copies", why=why, status="seen")], spec)
        findings.append(Finding("copies", why=why, status="seen"))
    if turned.why:
        findings.append(Finding("images", why=turned.why, status="seen"))
    if spec.rows > 1 and spec.columns > 1:
        findings += [
            Finding("rows", why="cells of a row may hear of each other", status="not contradicted"),
            Finding("columns", why="cells of a column may hear of each other", status="not contradicted"),
        ]
    findings += _diagonals(answers, spec)
    findings.append(Finding("all", why="every cell may hear of all", status="not contradicted"))
    findings += _areas(questions, spec)
    return _proposal(findings, spec)


def _steps(number: int, ways: tuple[str, str]) -> list[str]:
    """A number of steps in words, forwards or backwards; nothing for none."""
    return [f"{abs(number)} {ways[number < 0]}"] if number else []


def _proposal(findings: list[Finding], spec: GridSpec) -> Proposal:
    text = "+".join(finding.item for finding in findings if finding.item)
    return Proposal(Structure.named(text, spec) if text else None, tuple(findings), copies=spec.copies)


def _latin(questions: Tokens, answers: Tokens, *, spec: GridSpec, judge: Judge | None) -> list[Finding]:
    """Rows, columns and boxes that hold each symbol of the answers once, if answers fill in blanks of their questions."""
    if spec.sizes != "one" or len(answers) < 2:
        return []
    used = np.unique(answers)
    blanks = np.setdiff1d(np.unique(questions), used)
    kept = (questions == answers) | np.isin(questions, blanks)
    if len(blanks) != 1 or not kept.all():
        return []
    grids = answers.reshape(-1, spec.rows, spec.columns)

    def once(units: NDArray[np.uint8]) -> bool:
        return units.shape[-1] == len(used) and bool((np.sort(units, axis=-1) == used).all())

    findings = []
    for item, units in (("rows", grids), ("columns", grids.swapaxes(1, 2))):
        if once(units):
            findings.append(
                Finding(item, why=f"each of the {item} of every answer holds each symbol once", status="seen")
            )
    if not findings:
        return []
    for height in range(2, spec.rows):
        width = len(used) // height
        if height * width == len(used) and width > 1 and spec.rows % height == 0 and spec.columns % width == 0:
            boxes = grids.reshape(len(grids), spec.rows // height, height, spec.columns // width, width).swapaxes(2, 3)
            if once(boxes.reshape(len(grids), -1, height * width)):
                item = f"boxes={height}x{width}"
                findings.append(Finding(item, why="each box of every answer holds each symbol once", status="seen"))
    symbols = [spec.symbols[token - spec.first_symbol] for token in used]
    if any("," in symbol or "+" in symbol for symbol in symbols):
        return []
    exchanged = _confirms(judge, questions=questions, answers=answers, change=_exchange(used, spec.vocab_size))
    if exchanged is False:
        return []
    why = "exchanged symbols make valid examples" if exchanged else "no example tells the symbols of the answers apart"
    status: Status = "verified" if exchanged else "not contradicted"
    return [
        *findings,
        Finding(f"symbols={','.join(symbols)}", why=why, status=status),
        Finding("fills", why="every answer keeps what is given and fills the blanks", status="seen"),
    ]


def _exchange(used: NDArray[np.uint8], vocab_size: int) -> Callable[[Tokens], Tokens]:
    """Each of these tokens for the next one."""
    new = np.arange(vocab_size, dtype=np.uint8)
    new[used] = np.roll(used, 1)
    return lambda tokens: new[tokens]


def _confirms(
    judge: Judge | None, *, questions: Tokens, answers: Tokens, change: Callable[[Tokens], Tokens]
) -> bool | None:
    """Whether the checker accepts the examples so changed; None without one."""
    if judge is None:
        return None
    try:
        return all(judge(change(q), change(a)) for q, a in zip(questions[:CHECKED], answers[:CHECKED], strict=True))
    except PuzzleError:
        return False


def _neighbours(questions: Tokens, answers: Tokens, *, spec: GridSpec) -> Finding:
    """The neighbours that a cell's answer depends on alone, beyond the edges too if need be; else all eight.

    Few of them recur in fewer examples, so none and one are looked at before four and eight. Where even all eight do not
    decide, fewer cannot.
    """
    shape = (len(questions), spec.rows, spec.columns)
    grids, said = questions.reshape(shape), answers.reshape(shape)
    contradicted = list(NEAREST)
    undecided = not _decides(*_windows(grids, said, steps=DIRECTIONS, spec=spec))[0]
    for steps, item, whose in () if undecided else NEAREST:
        always, often = _decides(*_windows(grids, said, steps=steps, spec=spec))
        if always and often:
            return Finding(item, why=f"a cell's answer depends on its own question{whose} alone", status="seen")
        if always:
            contradicted.remove((steps, item, whose))
    own_sizes_stay = bool((spec.own_sizes(grids) == spec.own_sizes(said)).all())
    if own_sizes_stay and _decides(*_wrapped_windows(grids, said, steps=DIRECTIONS, spec=spec))[0]:
        for steps, item, whose in contradicted:
            if steps and all(_decides(*_wrapped_windows(grids, said, steps=steps, spec=spec))):
                why = f"a cell's answer depends on its own question{whose} alone, where opposite edges touch"
                return Finding(f"{item}+wraps", why=why, status="seen")
    return Finding("neighbours=8", why="cells that touch may hear of each other", status="not contradicted")


def _decides(keys: Tokens, said: NDArray[np.uint8]) -> tuple[bool, bool]:
    """Whether cells with the same keys, (cells, 1 + K), always have the same answer, (cells,); and whether keys often recur.

    They must recur among the cells, too, whose answer is not the usual one for their own token. In grids that are mostly empty
    nearly all others look alike and say nothing.
    """
    keys, said = keys[said != PAD], said[said != PAD]
    if not len(said):
        return False, False
    kinds, kind, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    kind = kind.reshape(-1)
    low, high = np.full(len(kinds), 255), np.zeros(len(kinds), np.int64)
    np.minimum.at(low, kind, said)
    np.maximum.at(high, kind, said)
    recurs = counts[kind] > 1
    answers_of = np.zeros((256, 256), np.int64)
    np.add.at(answers_of, (keys[:, 0], said), 1)
    is_usual = said == answers_of.argmax(axis=1)[keys[:, 0]]
    often = all(part.mean() >= OFTEN for part in (recurs, recurs[~is_usual]) if len(part))
    return bool((low == high).all()), often


def _windows(
    grids: Tokens, answers: Tokens, *, steps: tuple[tuple[int, int], ...], spec: GridSpec
) -> tuple[Tokens, Tokens]:
    """Each cell with its neighbours (cells, 1 + K), 255 beyond the canvas, and its answer (cells,).

    Both are given as (N, rows, columns).
    """
    padded = np.pad(grids, ((0, 0), (1, 1), (1, 1)), constant_values=255)
    windows = [grids, *(padded[:, 1 + d : 1 + d + spec.rows, 1 + r : 1 + r + spec.columns] for d, r in steps)]
    return np.stack([window.reshape(-1) for window in windows], axis=1), answers.reshape(-1)


def _wrapped_windows(
    grids: Tokens, answers: Tokens, *, steps: tuple[tuple[int, int], ...], spec: GridSpec
) -> tuple[Tokens, Tokens]:
    """Each cell with its neighbours (cells, 1 + K), where opposite edges of its own grid touch, and its answer (cells,).

    Both are given as (N, rows, columns). Answers have the sizes of their questions.
    """
    sizes = spec.own_sizes(grids)
    keys, said = [], []
    for rows, columns in np.unique(sizes, axis=0):
        members = (sizes == (rows, columns)).all(axis=1)
        own = grids[members, :rows, :columns]
        windows = [own, *(np.roll(own, (-down, -right), axis=(1, 2)) for down, right in steps)]
        keys.append(np.stack([window.reshape(-1) for window in windows], axis=1))
        said.append(answers[members, :rows, :columns].reshape(-1))
    return np.concatenate(keys), np.concatenate(said)


def _scales(questions: Tokens, answers: Tokens, *, spec: GridSpec) -> list[Finding]:
    """Blocks that shrink to a cell, or cells that grow to a block, where all sizes of answers are so explained."""
    if spec.sizes != "marked":
        return []
    grids, said = (tokens.reshape(len(tokens), spec.rows, spec.columns) for tokens in (questions, answers))
    own, new = spec.own_sizes(grids), spec.own_sizes(said)
    if own.min() == 0 or (own == new).all():
        return []
    if (new % own == 0).all() and (new // own == new[0] // own[0]).all():
        block = tuple(map(int, new[0] // own[0]))
        status, why = "not contradicted", f"every answer is {block[0]}x{block[1]} times as large as its question"
        for repeated, how in ((False, "with each cell as a block"), (True, "which is repeated")):
            if all(_grown(grids[i], said[i], own=own[i], block=block, repeated=repeated) for i in range(len(own))):
                status, why = "seen", f"every answer is its question, {how}"
        return [Finding(f"grows={block[0]}x{block[1]}", why=why, status=status)]
    blocks = [_shrunk(own[:, axis], new[:, axis]) for axis in (0, 1)]
    if not 1 < blocks[0] * blocks[1] <= MOST_OF_BLOCK:
        return []
    why = f"every answer has a cell for each block of {blocks[0]}x{blocks[1]} of its question"
    return [Finding(f"shrinks={blocks[0]}x{blocks[1]}", why=why, status="not contradicted")]


def _shrunk(own: NDArray[np.int64], new: NDArray[np.int64]) -> int:
    """The number of cells of a row or column that become one, by their lengths in questions and answers; 0: unknown.

    Answers of a single cell do not tell. The last block may be cut off, which takes lengths that differ to see.
    """
    for k in range(1, int(own.max()) + 1):
        if (-(-own // k) == new).all():
            cut_off = (own % k).any() and (own == own[0]).all()
            return 0 if k > 1 and (new.max() == 1 or cut_off) else k
    return 0


def _parts(questions: Tokens, answers: Tokens, *, spec: GridSpec) -> list[Finding]:
    """Parts of the question that are as large as the answer, perhaps with a line of cells between."""
    if spec.sizes != "marked":
        return []
    own, new = (spec.own_sizes(tokens.reshape(len(tokens), spec.rows, spec.columns)) for tokens in (questions, answers))
    number = [_divided(own[:, axis], new[:, axis]) for axis in (0, 1)]
    if not 1 < number[0] * number[1] <= MOST_OF_BLOCK:
        return []
    why = f"every question has {number[0]}x{number[1]} parts of its answer's size"
    return [Finding(f"parts={number[0]}x{number[1]}", why=why, status="not contradicted")]


def _divided(own: NDArray[np.int64], new: NDArray[np.int64]) -> int:
    """The number of parts of an answer's length in a question's, by their lengths; 0: unknown, as where it is a single cell."""
    for number in range(1, int(own.max()) + 1):
        if ((own == number * new) | (own == number * (new + 1) - 1)).all():
            return 0 if number > 1 and new.max() == 1 else number
    return 0


def _grown(question: Tokens, answer: Tokens, *, own: NDArray[np.int64], block: tuple[int, ...], repeated: bool) -> bool:
    """Whether the answer is the question with each cell as a block, or repeated."""
    grid = question[: own[0], : own[1]]
    grown = np.tile(grid, block) if repeated else np.kron(grid, np.ones(block, grid.dtype))
    return bool((answer[: grown.shape[0], : grown.shape[1]] == grown).all())


def _edges_touch(questions: Tokens, answers: Tokens, *, spec: GridSpec) -> bool:
    """Whether the answers of cells at each of the four edges tell of the opposite edge as of the cell beside them.

    What they tell of other answers is measured as mutual information, beside that of the next cell inwards, and of one half a
    grid away.
    """
    grids, said = (tokens.reshape(len(tokens), spec.rows, spec.columns) for tokens in (questions, answers))
    own = spec.own_sizes(grids)
    if (own != spec.own_sizes(said)).any():
        return False
    for axis in (0, 1):
        lines = []
        for rows, columns in np.unique(own, axis=0):
            grid = said[(own == (rows, columns)).all(axis=1), :rows, :columns].swapaxes(1, 1 + axis)
            length = grid.shape[1]
            if length >= LONG_ENOUGH:
                lines += [
                    [grid[:, i].ravel() for i in line] for line in ((0, 1, length // 2, -1), (-1, -2, length // 2, 0))
                ]
        if not lines:
            return False
        edge, *others = (np.concatenate(part) for part in zip(*lines, strict=True))
        near, half, opposite = (_mutual_information(edge, other) for other in others)
        least, most = (share * (near - half) for share in AS_NEAR)
        if not max(least, SURE / len(edge)) <= opposite - half <= most:
            return False
    return True


def _mutual_information(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """What one of two rows of tokens tells of the other, in nats a pair."""
    counts = np.zeros((256, 256))
    np.add.at(counts, (first, second), 1)
    joint = counts / counts.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / apart[there])).sum())


class _Turned(NamedTuple):
    """What the image of the questions that explains most says of the answers."""

    is_all: bool
    """Whether it is every answer."""
    how: str
    """The image, as one of the TURNS."""
    why: str
    """Why images matter, or nothing where they need not."""


def _turned(questions: Tokens, answers: Tokens, *, spec: GridSpec) -> _Turned:
    """Compares the answers with all images of their questions, and with these themselves, repeated where answers are larger.

    Images matter where one of them has most of all answer cells, and more than the question as it is has; or most of those
    in which an answer differs from its question.
    """
    shape = (len(questions), spec.rows, spec.columns)
    grids, said = questions.reshape(shape), answers.reshape(shape)
    sizes = np.concatenate([spec.own_sizes(grids), spec.own_sizes(said)], axis=1)
    right, new = np.zeros(1 + len(IMAGES), np.int64), np.zeros(1 + len(IMAGES), np.int64)
    total = changed = 0
    for rows, columns, height, width in np.unique(sizes, axis=0):
        members = (sizes == (rows, columns, height, width)).all(axis=1)
        question, answer = grids[members, :rows, :columns], said[members, :height, :width]
        total, differs = total + answer.size, np.ones_like(answer, bool)
        place = np.arange(height)[:, None], np.arange(width)[None, :]
        for number, move in enumerate((Move(), *IMAGES)):
            image = (columns, rows) if move.transposed else (rows, columns)
            if min(rows, columns) and (height % image[0], width % image[1]) == (0, 0):
                again = move._replace(repeats=True)
                row, column = np.broadcast_arrays(*again(*place, rows=rows, columns=columns))
                is_right = question[:, row, column] == answer
                differs = differs if number else ~is_right
                right[number] += is_right.sum() * ((height, width) == image)
                new[number] += (is_right & differs).sum()
        changed += int(differs.sum())
    most, mended = int(right.argmax()), int(new.argmax())
    if right[most] >= max(TURNED * total, right[0] + FEWEST):
        how, share = TURNS[most], right[most] / total
        return _Turned(share == 1, how, f"{100 * share:.0f}% of all answer cells are those of the question {how}")
    if new[mended] >= max(TURNED * changed, FEWEST):
        how, share = TURNS[mended], new[mended] / changed
        why = f"{100 * share:.0f}% of the cells that an answer changes are those of the question {how}"
        return _Turned(False, how, why)
    return _Turned(False, TURNS[most], "")


def _diagonals(answers: Tokens, spec: GridSpec) -> list[Finding]:
    """The diagonals, where several cells of the answers hold a symbol and no two of these cells share one."""
    if len(answers) < FEWEST:
        return []
    row, column = np.divmod(np.arange(spec.rows * spec.columns), spec.columns)
    for token in range(spec.first_symbol, spec.vocab_size):
        holds = answers == token
        if holds.sum() < SEVERAL * len(answers):
            continue
        most = 0
        for diagonal in (row + column, row - column + spec.columns - 1):
            counts = np.zeros((len(answers), spec.rows + spec.columns - 1), np.int64)
            np.add.at(counts.T, diagonal, holds.T)
            most = max(most, counts.max())
        if most == 1:
            why = f"no two cells of an answer that hold {spec.symbols[token - spec.first_symbol]} share one"
            return [Finding("diagonals", why=why, status="seen")]
    return []


def _areas(questions: Tokens, spec: GridSpec) -> list[Finding]:
    """Connected areas, where questions have some of two cells and more, and not one alone."""
    if spec.rows * spec.columns > MOST_CELLS_SQUARED or min(spec.rows, spec.columns) < 2:
        return []
    grids = questions.reshape(len(questions), spec.rows, spec.columns)
    joined = ((grids[:, 1:] == grids[:, :-1]).mean() + (grids[:, :, 1:] == grids[:, :, :-1]).mean()) / 2
    if not 0.25 <= joined <= 0.99:
        return []
    return [
        Finding(
            "areas", why=f"{100 * joined:.0f}% of the cells side by side hold one symbol", status="not contradicted"
        )
    ]
