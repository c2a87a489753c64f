"""Jigsaw Sudokus: layouts, rules, symmetries, generation, and the way through the command line."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.config import DataConfig, ModelConfig, PuzzleShape
from ponderling.data.loading import give_clues
from ponderling.models import build_model
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError, join
from ponderling.tasks.maze import Maze
from ponderling.tasks.split import load_puzzles
from ponderling.tasks.sudoku import SUDOKUS, Jigsaw, Sudoku
from ponderling.tasks.sudoku.hunt_hard import hunt
from ponderling.tasks.sudoku.jigsaw import generate_jigsaws, random_layout
from ponderling.training.trainer import to_batch

BOXES = "AABBAABBCCDDCCDD"
TWISTED = "AAABABBBCCCDCDDD"


def test_a_layout_of_boxes_has_the_rules_of_a_plain_sudoku():
    jigsaw, plain = Jigsaw.of(BOXES), Sudoku(2, 2)
    assert get_task("jigsaw-" + BOXES) == jigsaw
    assert sorted(map(tuple, jigsaw.geometry.units.tolist())) == sorted(map(tuple, plain.geometry.units.tolist()))
    assert jigsaw.relations == plain.relations
    puzzles = plain.generate(np.random.default_rng(0), 5)
    assert jigsaw.valid(puzzles.tokens, puzzles.labels).all()


def test_a_region_that_holds_a_symbol_twice_is_named():
    task = Jigsaw.of(TWISTED)
    boxed = Sudoku(2, 2).generate(np.random.default_rng(0), 1).labels[0]
    verdict = task.check(np.full(16, 1, np.uint8), boxed)
    assert not verdict.valid
    assert re.search(r"\d stands twice in region [ABCD]", verdict.reasons[0])


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [
        ("AAB", "a letter for each cell of a square grid, from 2x2 to 16x16: got 3 letters"),
        ("AABBAABBCCDDCCDA", r"has 4 regions of 4 cells each: got 4 \(A 5, B 4, C 4, D 3\)"),
        ("AABBAABBCCDCDCDD", "region C is in several pieces"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(layout, complaint):
    with pytest.raises(ValueError, match=complaint):
        get_task("jigsaw-" + layout)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), side=st.integers(4, 7))
def test_random_layouts_have_puzzles_and_symmetries_keep_them(seed, side):
    rng = np.random.default_rng(seed)
    task = Jigsaw.of(random_layout(rng, side))
    puzzles = task.generate(rng, 4)
    assert task.valid(puzzles.tokens, puzzles.labels).all()
    assert all(task.solve(question).num_solutions == 1 for question in puzzles.tokens)
    symmetry = task.sample_symmetries(rng, 4)
    moved = symmetry.apply_to(puzzles)
    assert task.valid(moved.tokens, moved.labels).all()
    assert (symmetry.undo(moved.tokens) == puzzles.tokens).all()
    assert (task.fingerprint(moved.tokens) == task.fingerprint(puzzles.tokens)).all()


def test_inequivalent_puzzles_have_different_fingerprints():
    puzzles = Jigsaw.of(TWISTED).generate(np.random.default_rng(0), 50)
    distinct = {tuple(row) for row in Jigsaw.of(TWISTED)._renamed(puzzles.tokens).tolist()}
    prints = set(Jigsaw.of(TWISTED).fingerprint(puzzles.tokens).tolist())
    assert len(distinct) / 8 <= len(prints) <= len(distinct)


def test_only_turns_that_carry_regions_to_regions_are_symmetries():
    square = {
        tuple(cells) for cells in Jigsaw.of(BOXES).sample_symmetries(np.random.default_rng(0), 200).cells.tolist()
    }
    twisted = {
        tuple(cells) for cells in Jigsaw.of(TWISTED).sample_symmetries(np.random.default_rng(0), 200).cells.tolist()
    }
    assert (len(square), len(twisted)) == (8, 2)


def test_the_packaged_weights_solve_jigsaws_made_by_the_command_line(tmp_path, capsys):
    out = tmp_path / "jigsaw"
    command = ["data", "make", "sudoku", "--variant", "jigsaw", "--size", "4", "--layout", TWISTED]
    assert main([*command, "--train", "0", "--test", "20", "--out", str(out)]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["task"] == f"jigsaw-{TWISTED}"
    file = str(out / "test.csv.gz")
    assert main(["eval", "sudoku", "--task", made["task"], "--data", file, "--steps", "8", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["exact"] >= 0.5
    with pytest.raises(ValueError, match="has no rating to hunt by"):
        hunt(Jigsaw.of(TWISTED), np.random.default_rng(0), count=1, climbs=1, rating=(1, 5))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--layout", BOXES], "--layout is for --variant jigsaw: got --variant plain"),
        (["--variant", "jigsaw", "--size", "3"], "--size must be from 4 to 16 with --variant jigsaw: got 3"),
        (["--variant", "jigsaw", "--layout", BOXES], "--layout is of 4x4 cells, --size says 9: make them agree"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, capsys, options, complaint):
    assert main(["data", "make", "sudoku", "--out", str(tmp_path / "out"), *options]) == 2
    assert complaint in capsys.readouterr().err


def test_a_question_that_brings_its_regions_is_answered_as_by_the_family_of_that_layout():
    plain, own = SUDOKUS["sudoku6"], Jigsaw.of(random_layout(np.random.default_rng(3), 6))
    config = ModelConfig(
        system="relational", hidden_size=8, num_layers=1, n=2, T=1, prefix_len=0, puzzle_embedding_size=0, positions="none",
        dtype="float32",
    )  # fmt: skip
    shape = PuzzleShape(plain.vocab_size, 36)
    network, same = (
        build_model(config, shape, generator=torch.Generator().manual_seed(0), relations=task.relations)
        for task in (plain, own)
    )
    jigsaws = own.generate(np.random.default_rng(0), 2)
    _, layout = plain.with_layout(own.layout)
    jigsaws = replace(jigsaws, regions=np.tile(1 + layout, (2, 1)))
    batch = to_batch(join([jigsaws, plain.load_default("test")[:2]]))
    tokens, ids, regions = batch.tokens, batch.puzzle_ids, batch.regions
    assert regions is not None
    _, output = network(network.initial_state(4), tokens, puzzle_ids=ids, regions=regions)
    _, expected = same(same.initial_state(2), tokens[:2], puzzle_ids=ids[:2])
    torch.testing.assert_close(output.logits[:2], expected.logits)
    _, expected = network(network.initial_state(2), tokens[2:], puzzle_ids=ids[2:])  # those that bring none have boxes
    torch.testing.assert_close(output.logits[2:], expected.logits)
    with torch.no_grad():
        many, count = tokens.repeat(5, 1), 20  # more than the network takes at a time
        _, again = network(network.initial_state(count), many, puzzle_ids=ids.repeat(5), regions=regions.repeat(5, 1))
    torch.testing.assert_close(again.logits[:4], output.logits.detach())


def test_jigsaws_of_many_layouts_go_through_a_file_symmetries_and_further_clues(tmp_path):
    task = SUDOKUS["sudoku6"]
    made = generate_jigsaws(task, np.random.default_rng(0), count=7, layouts=3, rating=(1, 50))
    assert made.ratings is not None
    assert made.ratings.min() >= 1
    assert made.brings_regions.all()
    both = join([made, replace(task.load_default("test")[:2], sources=("ponderling",) * 2)])
    task.write(tmp_path / "jigsaws.csv.gz", both)
    read = task.read(tmp_path / "jigsaws.csv.gz")
    assert (read.tokens == both.tokens).all()
    assert (read.labels == both.labels).all()
    np.testing.assert_array_equal(read.regions, both.regions)
    np.testing.assert_array_equal(read.ratings, both.ratings)
    assert len(set(task.fingerprint(read.tokens, regions=read.regions).tolist())) == 9
    rng = np.random.default_rng(1)
    shown = give_clues(task, rng, puzzles=task.augment(rng, read), most=3)
    clues = task.clue_mask(shown.tokens).sum(1) - task.clue_mask(read.tokens).sum(1)
    assert set(clues.tolist()) <= {0, 1, 2, 3}
    assert clues.sum() > 0
    assert shown.regions is not None
    for tokens, labels, regions in zip(shown.tokens, shown.labels, shown.regions, strict=True):
        units = [*labels.reshape(6, 6), *labels.reshape(6, 6).T]
        units += [labels[regions == r] for r in range(1, 7)] if regions.any() else []
        assert all(sorted(unit) == list(range(2, 8)) for unit in units)
        given = task.clue_mask(tokens)
        assert (tokens[given] == labels[given]).all()


def test_only_training_takes_puzzles_that_bring_regions(tmp_path):
    task = SUDOKUS["sudoku6"]
    train = tmp_path / "train.csv"
    task.write(train, generate_jigsaws(task, np.random.default_rng(0), count=30, layouts=3))
    split = task.load_split(DataConfig("sudoku6", train=f"{train}+default", num_validation=40))
    assert split.train.brings_regions.sum() == 30
    assert not split.validation.brings_regions.any()
    with pytest.raises(ValueError, match="regions of their own are to train on"):
        load_puzzles(task, str(train), split="test")


def test_what_is_held_out_of_sets_that_are_joined_is_in_no_copy_trained_on():
    task = SUDOKUS["sudoku4"]
    split = task.load_split(DataConfig("sudoku4", train="default+default", num_validation=30))
    held = {row.tobytes() for row in split.validation.tokens}
    assert not held & {row.tobytes() for row in split.train.tokens}
    whole = {row.tobytes() for row in task.load_default("train").tokens}
    assert {row.tobytes() for row in split.train.tokens} == whole - held  # and nothing else is missing


def test_regions_in_a_file_that_cannot_be_are_refused(tmp_path):
    task, file = SUDOKUS["sudoku4"], tmp_path / "bad.csv"
    row = "a,1...............,,3,{}\n"
    header = "source,question,answer,rating,regions\n"
    file.write_text(header + row.format("AABB"))
    with pytest.raises(PuzzleError, match="row 2: sudoku4 has no puzzles with 2 regions of their own"):
        task.read(file)
    file.write_text(header + row.format("AAAABBBBCCCCDDDE"))
    with pytest.raises(PuzzleError, match="row 2: a jigsaw of 4x4 has 4 regions of 4 cells each"):
        task.read(file)
    file.write_text(header + row.format("AABBAABBCCDDCCDD"))
    with pytest.raises(PuzzleError, match="row 2: the puzzle has more than one solution"):
        task.read(file)
    with pytest.raises(ValueError, match="expected at least one layout, and at most one for each puzzle: got 3 for 2"):
        generate_jigsaws(task, np.random.default_rng(0), count=2, layouts=3)
    with pytest.raises(PuzzleError, match="the column regions is for Sudokus"):
        Maze(4).read(file)


def test_files_of_many_layouts_are_made_from_the_command_line(tmp_path, capsys):
    command = ["data", "make", "sudoku", "--size", "6", "--variant", "jigsaw", "--layouts", "3", "--train", "5"]
    assert main([*command, "--test", "0", "--min-rating", "1", "--out", str(tmp_path / "a")]) == 0
    made = SUDOKUS["sudoku6"].read(tmp_path / "a" / "train.csv.gz")
    assert made.regions is not None
    assert (len(made), len({row.tobytes() for row in made.regions})) == (5, 3)
    facts = json.loads((tmp_path / "a" / "made.json").read_text())
    assert facts["train"]["puzzles"] == 5
    assert "--layouts 3 --train 5 --test 0 --min-rating 1" in facts["command"]
    assert main([*command, "--test", "0", "--out", str(tmp_path / "a")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*command, "--test", "1", "--hunted", "2", "--out", str(tmp_path / "b")]) == 2
    assert "got --variant jigsaw, --size 6, --test 1 and --hunted" in capsys.readouterr().err
