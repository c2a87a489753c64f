"""Symmetries of grids: what they change, and which ones cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from own_grids import decoded, write_jsonl
from ponderling.data import grid_config, task_of
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.spec import GridSpec


@pytest.mark.parametrize("name", ["flips", "rotations", "dihedral", "colours", "dihedral+colours=0,2"])
@pytest.mark.parametrize("shape", [(3, 3), None])
def test_augmented_pairs_obey_the_rule_that_has_the_symmetry(name, shape, tmp_path):
    """Answer: every cell one symbol on; turning keeps that. For colours the identity, which renaming keeps."""
    rng = np.random.default_rng(0)
    colours = "colours" in name
    grids = [rng.integers(0, 3, shape or (rng.integers(1, 4), rng.integers(1, 4))) for _ in range(60)]
    pairs = [(g.tolist(), (g if colours else (g + 1) % 3).tolist()) for g in grids]
    path = write_jsonl(tmp_path / "a.jsonl", pairs)
    data = grid_config(path, symmetries=name)
    task = task_of(data)
    puzzles = task.puzzles_of(read_grid_file(path))
    new = task.augment(rng, puzzles)
    assert (new.tokens != puzzles.tokens).any()
    for question, answer in zip(decoded(task, new.tokens), decoded(task, new.labels)):
        assert (np.array(answer) == (np.array(question) + (not colours)) % 3).all()
    assert task.canonical(new.tokens) == task.canonical(puzzles.tokens)
    if shape:
        symmetry = task.sample_symmetries(rng, len(puzzles))
        assert (symmetry.undo(symmetry.apply(puzzles.tokens)) == puzzles.tokens).all()


def test_all_elements_of_a_group_are_drawn_and_form_a_group(tmp_path):
    spec = GridSpec(tuple("abcdefghi"), rows=3, columns=3)
    for name, size in (("flips", 4), ("rotations", 4), ("dihedral", 8)):
        task = Grids(spec, symmetries=name)
        maps = {tuple(row) for row in task.sample_symmetries(np.random.default_rng(0), 200).cells}
        assert len(maps) == size
        assert {tuple(np.array(a)[list(b)]) for a in maps for b in maps} == maps


def test_question_and_answer_of_different_sizes_are_turned_each_within_its_own(tmp_path):
    """The answer is the question's first row: turned by a quarter, its last column."""
    rng = np.random.default_rng(0)
    grids = [rng.integers(0, 3, (rng.integers(2, 4), rng.integers(2, 5))) for _ in range(40)]
    path = write_jsonl(tmp_path / "a.jsonl", [(g.tolist(), g[:1].tolist()) for g in grids])
    data = grid_config(path, symmetries="dihedral")
    assert (data.grid.rows, data.grid.columns) == (4, 4)
    task = task_of(data)
    new = task.augment(rng, task.puzzles_of(read_grid_file(path)))
    for question, answer in zip(decoded(task, new.tokens), decoded(task, new.labels)):
        q, a = np.array(question), np.array(answer)
        sides = [q[:1], q[-1:], q[:, :1], q[:, -1:]]
        assert any(side.shape == a.shape and (side == a).all() for side in sides)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flip", "symmetries must be none, or flips, rotations, dihedral, colours"),
        ("flips+dihedral", "one geometry at most"),
        ("colours=a,z", "no cell holds 'z'"),
        ("rotations", "quarter turns need square grids, these are 2x3; flips would do"),
    ],
)
def test_symmetries_that_cannot_be_are_refused(name, message):
    with pytest.raises(ValueError, match="symmetries") as error:
        Grids(GridSpec(("a", "b"), rows=2, columns=3), symmetries=name)
    assert message in str(error.value)
