"""Regions that puzzles bring of their own: data beside the tokens, also in runs that once kept them in the tokens."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.models import TRM
from ponderling.recipes import get_recipe
from ponderling.supervision import Batch, empty_carry, refill
from ponderling.tasks import get_task
from ponderling.tasks.base import DataSplit, Puzzles, join
from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.sudoku.jigsaw import generate_jigsaws
from ponderling.training.resume import carry_from_dict, carry_to_dict
from ponderling.training.same_puzzles import fingerprint
from ponderling.training.trainer import Trainer, to_batch

V = 6


class Counting:
    """A model with a state of one number for each puzzle."""

    def initial_state(self, batch_size):
        return (torch.zeros(batch_size, 1),)


def puzzles(count: int) -> Puzzles:
    return generate_jigsaws(SUDOKUS["sudoku4"], np.random.default_rng(0), count=count, layouts=2)


def test_a_batch_mixes_puzzles_with_and_without_regions():
    plain = SUDOKUS["sudoku4"].load_default("train")[:3]
    own = puzzles(2)
    carry = empty_carry(Counting(), 3, seq_len=16)  # pyright: ignore[reportArgumentType]
    carry = refill(Counting(), carry, new=to_batch(plain))  # pyright: ignore[reportArgumentType]
    assert carry.batch.regions is None
    carry = replace(carry, halted=torch.tensor([True, False, True]))
    carry = refill(Counting(), carry, new=to_batch(own))  # pyright: ignore[reportArgumentType]
    assert carry.batch.regions is not None
    assert own.regions is not None
    np.testing.assert_array_equal(carry.batch.regions.numpy(), [own.regions[0], np.zeros(16), own.regions[1]])
    carry = replace(carry, halted=torch.tensor([True, False, False]))
    carry = refill(Counting(), carry, new=to_batch(plain[:1]))  # pyright: ignore[reportArgumentType]
    assert carry.batch.regions is not None
    np.testing.assert_array_equal(carry.batch.regions.numpy(), [np.zeros(16), np.zeros(16), own.regions[1]])
    mixed = join([own, plain])
    assert mixed.brings_regions.tolist() == [True, True, False, False, False]
    assert mixed[[3, 1]].brings_regions.tolist() == [False, True]


def test_slots_that_had_their_regions_in_the_tokens_are_read():
    """Runs of before wrote token + V * region."""
    batch = to_batch(join([puzzles(2), SUDOKUS["sudoku4"].load_default("train")[:1]]))
    carry = refill(Counting(), empty_carry(Counting(), 3, seq_len=16), new=batch)  # pyright: ignore[reportArgumentType]
    saved = carry_to_dict(carry)
    old = {key: value for key, value in saved.items() if key != "regions"}
    old["tokens"] = saved["tokens"] + V * saved["regions"]
    for found in (carry_from_dict(part, torch.device("cpu"), vocab_size=V).batch for part in (saved, old)):
        assert torch.equal(found.tokens, batch.tokens)
        assert found.regions is not None
        assert batch.regions is not None
        assert torch.equal(found.regions, batch.regions)
    plain = Batch(batch.tokens[2:], batch.labels[2:], puzzle_ids=batch.puzzle_ids[2:])
    carry = refill(Counting(), empty_carry(Counting(), 1, seq_len=16), new=plain)  # pyright: ignore[reportArgumentType]
    assert carry_from_dict(carry_to_dict(carry), torch.device("cpu"), vocab_size=V).batch.regions is None


def test_the_hash_of_a_runs_puzzles_is_what_it_was_with_regions_in_the_tokens():
    own = puzzles(3)
    assert own.regions is not None
    old = hashlib.sha256((own.tokens + V * own.regions).astype(np.uint8).tobytes())
    old.update(own.labels.tobytes())
    assert fingerprint(own, V) == old.hexdigest()
    plain = replace(own, regions=None)
    assert fingerprint(plain, V) != fingerprint(own, V) == fingerprint(replace(own, regions=own.regions.copy()), V)
    assert fingerprint(plain, V) == fingerprint(replace(own, regions=np.zeros_like(own.regions)), V)


@pytest.mark.parametrize("given", [False, True])
def test_a_network_that_is_not_told_of_regions_is_not_trained_on_them(tmp_path, given):
    task, own, config = get_task("sudoku4"), puzzles(4), get_recipe("sudoku4").config
    with pytest.raises(
        ValueError, match=r"regions of their own, which only a relational network.*got --model.system trm"
    ):
        Trainer(
            config,
            tmp_path,
            task=task,
            data=DataSplit(train=own, validation=own[:0], test=own[:0]),
            model=TRM(config) if given else None,
        )
