"""The training stream: every puzzle once an epoch, the same however it is cut, shared out and resumed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponderling.data import Sampler
from ponderling.data.loading import give_clues
from ponderling.tasks.base import Puzzles
from ponderling.tasks.sudoku import SUDOKUS


def numbered(count: int) -> Puzzles:
    """Puzzles whose first cell tells them apart."""
    tokens = np.zeros((count, 2), np.uint8)
    tokens[:, 0] = np.arange(count)
    return Puzzles(tokens, tokens + 1, puzzle_ids=np.arange(count, dtype=np.int32))


def shift(rng, puzzles):
    """An augmentation that shows in the second cell."""
    marks = rng.integers(0, 200, len(puzzles)).astype(np.uint8)
    tokens, labels = puzzles.tokens.copy(), puzzles.labels.copy()
    tokens[:, 1] = labels[:, 1] = marks
    return replace(puzzles, tokens=tokens, labels=labels)


def test_an_epoch_shows_every_puzzle_once_and_the_next_in_another_order():
    sampler = Sampler(numbered(50), None, seed=0)
    first, second = sampler.take(50), sampler.take(50)
    assert sorted(first.puzzle_ids) == sorted(second.puzzle_ids) == list(range(50))
    assert list(first.puzzle_ids) != list(second.puzzle_ids)


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6), st.integers(0, 3))
def test_the_stream_is_the_same_however_it_is_cut(cuts, seed):
    whole = Sampler(numbered(37), shift, seed=seed).take(sum(cuts))
    sampler = Sampler(numbered(37), shift, seed=seed)
    parts = [sampler.take(cut) for cut in cuts]
    assert (np.concatenate([p.tokens for p in parts]) == whole.tokens).all()
    assert (np.concatenate([p.puzzle_ids for p in parts]) == whole.puzzle_ids).all()


@given(st.integers(1, 3000))
def test_position_is_all_there_is_to_save(position):
    sampler = Sampler(numbered(37), shift, seed=5)
    sampler.take(position)
    resumed = Sampler(numbered(37), shift, seed=5)
    resumed.position = sampler.position
    assert (sampler.take(100).tokens == resumed.take(100).tokens).all()


def test_workers_together_see_the_stream_of_one():
    whole = Sampler(numbered(37), shift, seed=1).take(3000)
    parts = [Sampler(numbered(37), shift, seed=1, rank=rank, world_size=3).take(1000) for rank in range(3)]
    for rank, part in enumerate(parts):
        assert (part.tokens == whole.tokens[rank::3]).all()


def test_questions_and_answers_get_the_same_augmentation_and_another_one_each_epoch():
    sampler = Sampler(numbered(37), shift, seed=1)
    first, second = sampler.take(37), sampler.take(37)
    assert (first.tokens[:, 1] == first.labels[:, 1]).all()
    assert (first.tokens[np.argsort(first.puzzle_ids)] != second.tokens[np.argsort(second.puzzle_ids)]).any()


def test_seeds_differ():
    assert (
        Sampler(numbered(50), None, seed=0).take(50).tokens != Sampler(numbered(50), None, seed=1).take(50).tokens
    ).any()


def test_an_empty_training_set_is_refused():
    with pytest.raises(ValueError, match="the training set is empty"):
        Sampler(numbered(0), None, seed=0)


@given(most=st.integers(0, 20), seed=st.integers(0, 2**16))
def test_given_clues_are_of_the_answer_and_each_number_up_to_the_most_comes(most, seed):
    task = SUDOKUS["sudoku4"]
    few = task.load_default("test")[[0]]
    puzzles = few[np.zeros(400, np.int64)]
    missing = int((few.tokens == 1).sum())
    easier = give_clues(task, np.random.default_rng(seed), puzzles=puzzles, most=most)
    changed = easier.tokens != puzzles.tokens
    assert (easier.tokens[changed] == puzzles.labels[changed]).all()
    assert set(changed.sum(axis=1).tolist()) == {min(k, missing) for k in range(most + 1)}
    assert (easier.labels == puzzles.labels).all()
