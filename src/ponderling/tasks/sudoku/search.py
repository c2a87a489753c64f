"""Solving and digging Sudoku grids of any box shape: candidate masks, propagation, and a depth-first search.

`family.py` is the way in, `geometry.py` says which cells constrain which, and `rating.py` is another search,
for ratings.

A grid here is a vector of `cells` masks: bit d is set while symbol d (0 = the first) is possible in the cell.
"""

from __future__ import annotations

import numpy as np

from ponderling.tasks.numba import Masks, compiled, count_bits


@compiled
def random_number(state: Masks) -> int:
    """The next number of a linear congruential generator (31 bits); `state` holds one number and is changed."""
    state[0] = (state[0] * 1103515245 + 12345) & 0x7FFFFFFF
    return (state[0] >> 8) & 0x7FFFFF


@compiled
def propagate(
    cand: Masks, done: Masks, units: Masks, peers: Masks, segments: Masks, line_rest: Masks, box_rest: Masks
) -> bool:
    """Naked singles, hidden singles and locked candidates until nothing changes; False on a contradiction.

    `done` marks cells whose symbol has been taken from their peers already.
    """
    side = units.shape[1]
    full = (1 << side) - 1
    while True:
        changed = True
        while changed:
            changed = False
            for cell in range(len(cand)):
                mask = cand[cell]
                if mask == 0:
                    return False
                if not done[cell] and mask & (mask - 1) == 0:
                    done[cell] = 1
                    for i in range(peers.shape[1]):
                        peer = peers[cell, i]
                        if cand[peer] & mask:
                            cand[peer] &= ~mask
                            changed = True
                            if cand[peer] == 0:
                                return False
            for u in range(len(units)):
                once = 0
                twice = 0
                for i in range(side):
                    mask = cand[units[u, i]]
                    twice |= once & mask
                    once |= mask
                if once != full:
                    return False
                alone = once & ~twice
                if alone:
                    for i in range(side):
                        cell = units[u, i]
                        here = cand[cell] & alone
                        if here and cand[cell] != here:
                            if here & (here - 1):
                                return False
                            cand[cell] = here
                            changed = True
        for s in range(len(segments)):
            here, in_line, in_box = 0, 0, 0
            for i in range(segments.shape[1]):
                if segments[s, i] >= 0:
                    here |= cand[segments[s, i]]
            for i in range(line_rest.shape[1]):
                if line_rest[s, i] >= 0:
                    in_line |= cand[line_rest[s, i]]
            for i in range(box_rest.shape[1]):
                if box_rest[s, i] >= 0:
                    in_box |= cand[box_rest[s, i]]
            from_line = here & ~in_box & in_line  # must lie here within the box, so not elsewhere in the line
            from_box = here & ~in_line & in_box
            if from_line:
                for i in range(line_rest.shape[1]):
                    if line_rest[s, i] >= 0:
                        cand[line_rest[s, i]] &= ~from_line
                changed = True
            if from_box:
                for i in range(box_rest.shape[1]):
                    if box_rest[s, i] >= 0:
                        cand[box_rest[s, i]] &= ~from_box
                changed = True
        if not changed:
            return True


@compiled
def _choose(cand: Masks, peers: Masks, state: Masks) -> int:
    """The cell to branch on: fewest candidates, then the most undecided peers' candidates in common, then at random."""
    best, best_count, best_weight, ties = -1, 99, -1, 0
    for cell in range(len(cand)):
        mask = cand[cell]
        if mask & (mask - 1) == 0:
            continue
        count = count_bits(mask)
        if count > best_count:
            continue
        weight = 0
        for i in range(peers.shape[1]):
            weight += count_bits(cand[peers[cell, i]] & mask)
        if count < best_count or weight > best_weight:
            best, best_count, best_weight, ties = cell, count, weight, 1
        elif weight == best_weight:
            ties += 1
            if state[0] and random_number(state) % ties == 0:
                best = cell
    return best


@compiled
def search(
    start: Masks,
    units: Masks,
    peers: Masks,
    segments: Masks,
    line_rest: Masks,
    box_rest: Masks,
    limit: int,
    max_guesses: int,
    state: Masks,
    solutions: Masks,
) -> tuple[int, int]:
    """Depth-first search: assume a symbol of the chosen cell, and if that fails, that it is another.

    Args:
        start: Candidates, (cells,); not changed.
        units, peers, segments, line_rest, box_rest: The geometry.
        limit: Number of solutions to stop after.
        max_guesses: Number of guesses after which to give up.
        state: Random state, (1,); 0: lowest symbol first and no random ties.
        solutions: Receives the solutions' masks, (limit, cells).

    Returns:
        Solutions found (at most `limit`; -1 when given up), and guesses made.
    """
    cells = len(start)
    stack = np.empty((cells + 1, cells), np.int64)  # each guess on the way down decides another cell
    marks = np.empty((cells + 1, cells), np.int64)
    stack[0] = start
    marks[0] = 0
    depth = 1
    found, guesses = 0, 0
    while depth:
        depth -= 1
        cand = stack[depth].copy()
        done = marks[depth].copy()
        while True:
            if not propagate(cand, done, units, peers, segments, line_rest, box_rest):
                break
            cell = _choose(cand, peers, state)
            if cell < 0:
                solutions[found] = cand
                found += 1
                if found >= limit:
                    return found, guesses
                break
            if guesses >= max_guesses:
                return -1, guesses
            mask = cand[cell]
            bit = mask & -mask
            if state[0]:
                for _ in range(random_number(state) % count_bits(mask)):
                    mask &= mask - 1
                bit = mask & -mask
            stack[depth] = cand
            marks[depth] = done
            stack[depth, cell] &= ~bit
            depth += 1
            cand[cell] = bit
            guesses += 1
    return found, guesses


@compiled
def dig(
    answer: Masks,
    order: Masks,
    min_clues: int,
    units: Masks,
    peers: Masks,
    segments: Masks,
    line_rest: Masks,
    box_rest: Masks,
    max_guesses: int,
    given: Masks,
) -> int:
    """Takes clues away in the given order as long as the solution stays the only one; sets `given`, returns their number.

    A clue can go if no other symbol is possible in its cell: one search for a solution that differs there. A search
    that gives up keeps the clue. With `min_clues` 0 the puzzle is minimal: no clue can go.
    """
    cells = len(answer)
    side = units.shape[1]
    full = (1 << side) - 1
    given[:] = 1
    clues = cells
    state = np.zeros(1, np.int64)
    solutions = np.zeros((1, cells), np.int64)
    start = answer.copy()
    for k in range(len(order)):
        if clues <= min_clues:
            break
        cell = order[k]
        start[cell] = full & ~answer[cell]
        found, _ = search(start, units, peers, segments, line_rest, box_rest, 1, max_guesses, state, solutions)
        if found == 0:
            given[cell] = 0
            clues -= 1
            start[cell] = full
        else:
            start[cell] = answer[cell]
    return clues
