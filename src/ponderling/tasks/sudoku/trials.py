"""How far trial and error gets on a Sudoku: a measure of the inference that a puzzle asks for, and not of guesses.

One level: assume a candidate, infer (singles and locked candidates), and strike it if that contradicts; until nothing changes.
This solves nearly every puzzle there is, though not most of the hardest that people have published. People who rate puzzles
call it T&E(1), or Nishio with full propagation.
"""

from __future__ import annotations

import numpy as np

from ponderling.tasks.numba import Masks, compiled, count_bits
from ponderling.tasks.sudoku.geometry import Geometry
from ponderling.tasks.sudoku.search import propagate


@compiled
def left_after_trials(question: Masks, shape: Geometry) -> int:
    """Candidates beyond one for each cell that one level of trial and error cannot strike: 0 if it solves the puzzle.

    -1 for a puzzle that has no solution, where that is noticed.

    Args:
        question: Candidates of each cell, (cells,): one bit for a clue, every bit for a blank.
        shape: The geometry.
    """
    units, peers, segments, line_rest, box_rest = shape
    cand, done = question.copy(), np.zeros(len(question), np.int64)
    if not propagate(cand, done, units, peers, segments, line_rest, box_rest):
        return -1
    struck = True
    while struck and _left(cand):
        struck = False
        for cell in range(len(cand)):
            mask = cand[cell]
            if mask & (mask - 1) == 0:
                continue
            while mask:
                bit = mask & -mask
                mask &= mask - 1
                trial, trial_done = cand.copy(), done.copy()
                trial[cell] = bit
                if not propagate(trial, trial_done, units, peers, segments, line_rest, box_rest):
                    cand[cell] &= ~bit
                    struck = True
        if struck and not propagate(cand, done, units, peers, segments, line_rest, box_rest):
            return -1
    return _left(cand)


@compiled
def _left(cand: Masks) -> int:
    left = 0
    for mask in cand:
        left += count_bits(mask) - 1
    return left
