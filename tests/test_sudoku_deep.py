"""Puzzles that withstand one level of trial and error: endurance, evolution, gathering."""

from __future__ import annotations

import numpy as np
import pytest

from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.sudoku.hunt_deep import ENDURES, Found, endurance, evolve, gather, hunt_deep
from ponderling.tasks.sudoku.trials import left_after_trials

S9 = SUDOKUS["sudoku9"]


def masks(puzzles) -> Found:
    return Found(
        np.stack([S9.masks_of(tokens) for tokens in puzzles.tokens]),
        np.stack([S9.masks_of(labels) for labels in puzzles.labels]),
    )


def some(split: str, count: int):
    return S9.load_default(split)[:count]


def test_the_packaged_deep_set_withstands_trials_and_a_random_one_does_not():
    deep = S9.load_default("deep")
    withstand = np.array([S9.left_after_trials(tokens) > 0 for tokens in deep.tokens[:300]])
    assert 0.5 < withstand.mean() < 1  # the rest are ordinary, lest these be forgotten
    assert all(endurance(S9.masks_of(tokens), S9.geometry, -1) >= ENDURES for tokens in deep.tokens[:300][withstand])
    assert not any(S9.left_after_trials(tokens) for tokens in some("test", 50).tokens)


def test_a_search_that_stops_early_says_something_too_low():
    for tokens in some("train", 20).tokens:
        whole = endurance(S9.masks_of(tokens), S9.geometry, -1)
        assert endurance(S9.masks_of(tokens), S9.geometry, whole) == whole
        assert endurance(S9.masks_of(tokens), S9.geometry, whole + 1) < whole + 1


def test_evolution_raises_endurance_and_keeps_one_solution():
    hunted = S9.load_default("hunted")
    start = masks(hunted[np.argsort(-hunted.ratings, kind="stable")[:30]])
    scores = np.array([endurance(question, S9.geometry, -1) for question in start.questions])
    before = np.sort(scores)
    evolve(start.questions, start.answers, scores, 300, S9.geometry, np.array([5]))
    assert (np.sort(scores) >= before).all()
    assert scores.sum() > before.sum()
    for question, answer, score in zip(start.questions, start.answers, scores, strict=True):
        solution = S9.solve(S9.from_masks(question[None])[0])
        assert solution.num_solutions == 1
        assert (solution.answer == S9.from_masks(answer[None])[0]).all()
        assert endurance(question, S9.geometry, -1) == score


def test_more_are_gathered_around_one_that_withstands_trials():
    deep = S9.load_default("deep")[:40]
    known = set(S9.fingerprint(deep.tokens).tolist())
    found = hunt_deep(S9, np.random.default_rng(0), count=5, start=deep, known=known)
    assert len(found) == 5
    assert not known & set(S9.fingerprint(found.tokens).tolist())
    assert all(S9.left_after_trials(tokens) > 0 for tokens in found.tokens)
    assert S9.valid(found.tokens, found.labels).all()
    assert all(S9.solve(tokens).num_solutions == 1 for tokens in found.tokens)
    assert found.ratings.tolist() == [S9.rate(tokens) for tokens in found.tokens]


def test_gathering_adds_and_never_loses():
    deep = S9.load_default("deep")
    start = masks(deep[np.array([S9.left_after_trials(tokens) > 0 for tokens in deep.tokens[:20]]).nonzero()[0]])
    more = gather(start, 200, shape=S9.geometry, state=np.array([3]))
    assert (more.questions[: len(start.questions)] == start.questions).all()
    assert len({row.tobytes() for row in more.questions}) == len(more.questions)
    assert all(left_after_trials(question, S9.geometry) > 0 for question in more.questions)


def test_what_cannot_be_hunted_is_refused():
    rng, start = np.random.default_rng(0), some("train", 3)
    with pytest.raises(ValueError, match="hunted among 9x9 Sudokus of rows, columns and boxes: not sudoku6"):
        hunt_deep(SUDOKUS["sudoku6"], rng, count=1, start=start)
    with pytest.raises(ValueError, match="got 1, 4 islands and 3 puzzles"):
        hunt_deep(S9, rng, count=1, start=start)
