"""Evaluations of several puzzle families as one: every puzzle counts alike, whatever the size of its grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ponderling.solving.figures import Evaluation, joined
from ponderling.solving.seen import Overlap
from ponderling.tasks.base import PAD, Puzzles, Tokens


def over_families(evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
    """The figures of all puzzles together, as `Evaluation.to_json`, and of each family by its name under `families`.

    There are no rows by rating of all together, since every family has its own scale.
    """
    most = max(found.full.shape[1] for found in evaluations.values())
    parts = [_widened(found, most) for found in evaluations.values()]
    if any(part.full_valid is None for part in parts):
        parts = [replace(part, full_valid=None, early_valid=None) for part in parts]
    whole = replace(joined(parts), seen=_seen(parts), seconds=sum(part.seconds for part in parts))
    return {**whole.to_json(), "families": {name: found.to_json() for name, found in evaluations.items()}}


def _widened(found: Evaluation, num_cells: int) -> Evaluation:
    """The evaluation with cells that never count behind each grid, and without ratings."""

    def wide(tokens: Tokens) -> Tokens:
        return np.pad(tokens, ((0, 0), (0, num_cells - tokens.shape[1])), constant_values=PAD)

    old = found.puzzles
    puzzles = Puzzles(wide(old.tokens), wide(old.labels), puzzle_ids=old.puzzle_ids)
    return replace(found, full=wide(found.full), early=wide(found.early), puzzles=puzzles)


def _seen(parts: Sequence[Evaluation]) -> Overlap | None:
    overlaps = [part.seen for part in parts if part.seen is not None]
    if len(overlaps) < len(parts):
        return None
    return Overlap(
        rows=np.concatenate([overlap.rows for overlap in overlaps]),
        is_all=all(one.is_all for one in overlaps),
        not_here=tuple(dict.fromkeys(name for one in overlaps for name in one.not_here)),
    )
