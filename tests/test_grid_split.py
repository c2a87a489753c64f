"""Grids to train and to test on are kept apart, and the test shows nothing that training does not."""

from __future__ import annotations

import numpy as np
import pytest

from own_grids import facts_of, mirrored, refusal, write_jsonl
from ponderling.data import grid_config, task_of
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.split import load_grids


def test_a_symbol_or_size_that_training_does_not_show_is_refused_in_test_data(tmp_path):
    train = write_jsonl(tmp_path / "train.jsonl", mirrored(20, (2, 2)))
    strange = write_jsonl(tmp_path / "strange.jsonl", [([[0, 1], [7, 1]], [[1, 0], [1, 7]])])
    assert "strange.jsonl, line 1: input holds '7', which no training grid does" in refusal(train, strange)
    data = grid_config(train)
    large = write_jsonl(tmp_path / "large.jsonl", mirrored(2, (2, 3)))
    with pytest.raises(PuzzleError, match="lines 1, 2: input is 2x3: every grid must be 2x2, as in the training data"):
        task_of(data).read(large)
    split = write_jsonl(
        tmp_path / "split.jsonl", [*mirrored(5, (2, 2)), ([[9]], [[9]])], split=["train"] * 5 + ["test"]
    )
    assert "split.jsonl, line 6: input holds '9'" in refusal(split)


def test_a_rare_symbol_is_never_held_out(tmp_path):
    for seed in range(5):
        pairs = [*mirrored(20, (2, 2), seed), ([[5, 0], [0, 0]], [[0, 5], [0, 0]])]
        order = np.random.default_rng(seed).permutation(len(pairs))
        path = write_jsonl(tmp_path / f"{seed}.jsonl", [pairs[i] for i in order])
        data = grid_config(path)
        parts = load_grids(Grids.of(data), data.train, test=data.test)
        five = data.grid.first_symbol + data.grid.symbols.index("5")
        assert (parts.train.puzzles.tokens == five).any()


@pytest.mark.parametrize(
    ("symmetries", "change"),
    [
        ("none", lambda g: g),
        ("flips", lambda g: g[:, ::-1]),
        ("rotations", lambda g: np.rot90(g)),
        ("dihedral", lambda g: g.T),
        ("colours", lambda g: (g + 1) % 3),
        ("dihedral+colours=1,2", lambda g: np.array([0, 2, 1])[g.T[::-1]]),
    ],
)
def test_a_training_question_in_the_test_data_is_found_up_to_the_symmetries(symmetries, change, tmp_path):
    grid = np.array([[0, 1, 2], [0, 0, 1], [2, 0, 0]])
    others = mirrored(10, (3, 3), seed=3)
    train = write_jsonl(tmp_path / "train.jsonl", [*others, (grid.tolist(), grid.tolist())])
    changed = change(grid).tolist()
    test = write_jsonl(tmp_path / "test.jsonl", [(changed, changed)])
    said = refusal(train, test, symmetries=symmetries)
    assert "test.jsonl, line 1: its question is also that of training line 11" in said
    if symmetries != "none":
        facts_of(grid_config(train, test))  # without the symmetry they differ


def test_repeated_questions_are_held_out_together(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", mirrored(15, (2, 2)) * 3)
    data = grid_config(path)
    parts = load_grids(Grids.of(data), data.train, test=data.test)
    train, test = ({row.tobytes() for row in part.puzzles.tokens} for part in (parts.train, parts.test))
    assert len(parts.test.puzzles) == 3
    assert not train & test


def test_load_test_reads_another_file_whole(tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(30, (2, 2))))
    other = write_jsonl(tmp_path / "b.jsonl", mirrored(7, (2, 2), seed=9))
    assert len(task_of(data).load_test(data, other)) == 7
    assert len(task_of(data).load_test(data, "default")) == 3
