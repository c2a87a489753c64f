"""Scores of answers, in numpy. Exact match is the headline; the share of right cells alone says little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, Tokens

Bools = NDArray[np.bool_]


def exact_match(answers: Tokens, labels: Tokens) -> Bools:
    """Whether each puzzle is right in every cell that counts, (N,).

    Args:
        answers: (N, L).
        labels: (N, L); cells equal to PAD are not compared.
    """
    return ((answers == labels) | (labels == PAD)).all(axis=1)


def cell_accuracy(answers: Tokens, labels: Tokens, *, end_mark: int | None = None) -> float:
    """Share of right cells among all that count, from 0 to 1; 0 when none does.

    Args:
        answers: (N, L).
        labels: (N, L); cells equal to PAD do not count.
        end_mark: A token of labels that says where a grid ends. These are not cells of it, and do not count either.
    """
    counts = labels != PAD
    if end_mark is not None:
        counts &= labels != end_mark
    return float((answers == labels)[counts].mean()) if counts.any() else 0.0


def share(flags: NDArray[Any]) -> float | None:
    """Mean of the flags; None for an empty array."""
    return float(np.mean(flags)) if len(flags) else None


def rating_buckets(ratings: NDArray[Any], edges: Sequence[int]) -> list[tuple[str, Bools]]:
    """Names such as `1-3` or `51+`, and which puzzles (N,) each holds; buckets without a puzzle are left out."""
    buckets = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        members = (ratings >= low) if high is None else (ratings >= low) & (ratings < high)
        name = f"{low}+" if high is None else f"{low}-{high - 1}" if high - low > 1 else str(low)
        if members.any():
            buckets.append((name, members))
    return buckets
