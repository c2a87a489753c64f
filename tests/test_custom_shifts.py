"""Answers that are moved questions: a look finds how far, and a network hears the cell that lies there on every size."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_examples import BITS, bits, examples_of, items, puzzles
from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.exchange.onnx_export import export
from ponderling.models.ties import adjacency, within_own_edges
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.looking import propose
from ponderling.tasks.custom.shifting import Shift, shift_in
from ponderling.tasks.custom.spec import GridSpec
from ponderling.tasks.custom.structure import Structure
from ponderling.training.arrays import train


def fallen(grid: np.ndarray) -> np.ndarray:
    """The grid two rows further down, with zeros above."""
    return np.concatenate([np.zeros_like(grid[:2]), grid[:-2]])


SHAPES = [(rows, columns) for rows in range(4, 9) for columns in range(4, 9)]
"""The sizes of grids here: none has the number of examples that a table of copies takes."""


@pytest.mark.parametrize(
    ("change", "proposed"),
    [
        (lambda grid: grid[1:-1, 1:-1], "shift=1x1"),
        (lambda grid: grid[2:], "shift=2x0"),
        (fallen, "shift=-2x0"),
        (lambda grid: np.roll(grid, (2, -1), (0, 1)), "shift=-2x1+wraps"),
        (lambda grid: np.roll(grid, 3, axis=1), "shift=0x-3+wraps"),
    ],
)
def test_a_look_finds_how_far_answers_are_moved(change, proposed, tmp_path):
    examples, spec = examples_of(change, tmp_path, shapes=SHAPES)
    proposal = propose(examples, spec)
    assert str(proposal) == proposed
    assert [finding.status for finding in proposal.findings] == ["seen"]
    assert not any(item.startswith("shift") for item in items(examples, spec, turns=True))  # turns keep no distance


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.booleans(), st.data())
def test_every_shift_is_found_on_every_size(rows, columns, wraps, data):
    down, right = data.draw(st.integers(1 - rows, rows - 1)), data.draw(st.integers(1 - columns, columns - 1))
    spec = GridSpec(tuple("abcdefgh"), rows=rows, columns=columns)
    questions = (
        np.random.default_rng(data.draw(st.integers(0, 99))).integers(1, 9, (40, rows, columns)).astype(np.uint8)
    )
    answers = np.roll(questions, (-down, -right), (1, 2))
    if not wraps:
        beyond = [np.arange(length) + step for length, step in ((rows, down), (columns, right))]
        inside = [(way >= 0) & (way < length) for way, length in zip(beyond, (rows, columns), strict=True)]
        answers = np.where(inside[0][:, None] & inside[1][None, :], answers, 1).astype(np.uint8)
    found = shift_in(questions.reshape(40, -1), answers.reshape(40, -1), spec=spec)
    kept = (rows - abs(down)) * (columns - abs(right)) / (rows * columns)
    if (down % rows, right % columns) == (0, 0) or (not wraps and kept < 0.5):
        assert found is None
    elif wraps:
        assert found is not None
        assert found.wraps
        assert ((found.down - down) % rows, (found.right - right) % columns) == (0, 0)
    else:
        assert found == Shift(down, right, wraps=False, is_all=True)


def test_what_does_not_hold_in_every_example_is_no_shift():
    questions = bits()
    answers = np.roll(questions, 2, axis=1)
    assert items(puzzles(questions, answers)) == {"shift=-2x0+wraps": "seen"}
    answers[250, [1, 3], 2] = 3 - answers[250, [1, 3], 2]
    assert not any(item.startswith("shift") for item in items(puzzles(questions, answers)))
    assert not any(item.startswith("shift") for item in items(puzzles(questions[:20], np.roll(questions, 2, 1)[:20])))
    some = np.where((np.arange(300) % 2 == 0)[:, None, None], questions, np.roll(questions, 2, axis=1))
    assert not any(item.startswith("shift") for item in items(puzzles(questions, some)))


def test_cells_that_come_from_outside_and_vary_need_more_than_the_shift():
    questions = bits()
    answers = np.roll(questions, 2, axis=1)
    answers[:, :2] = (questions.sum(axis=1, keepdims=True) % 2) + 1
    found = items(puzzles(questions, answers))
    assert found["shift=-2x0"] == "seen"
    assert {"rows", "columns", "all"} <= set(found)
    assert "copies" not in found  # the shift says it on every size


@pytest.mark.parametrize("rows", [4, 7])
def test_a_cell_hears_the_one_that_lies_there_in_its_own_grid(rows):
    spec = GridSpec(("a", "b"), rows=rows, columns=5, sizes="marked")
    C = 5 * rows
    plain = Structure.named("shift=1x-1", spec).relations(spec).neighbours
    heard = adjacency(plain)
    assert plain.canvas is None
    assert heard.shape == (1, C)
    assert heard[0, [1, 6, 0, C - 1]].tolist() == [5, 10, C, C]
    around = Structure.named("shift=2x0+wraps", spec).relations(spec).neighbours
    tokens = torch.from_numpy(Grids(spec).parse_grid([["a", "b"]] * 3)[None]).long()
    heard = within_own_edges(tokens, around.canvas)
    assert heard[0, 0, [0, 1, 5, 6, 10, 11]].tolist() == [10, 11, 0, 1, 5, 6]
    assert heard[0, 0, 2] == C  # outside of the grid


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ("shift=0x0", "shift goes to another cell, which grids of 4x4 hold: got 0x0"),
        ("shift=4x0", "which grids of 4x4 hold: got 4x0"),
        ("shift=1x-4", "which grids of 4x4 hold: got 1x-4"),
        ("shift=+1x0", "structure must be none, or"),
        ("shift", "structure must be none, or"),
        ("shift=1x0+shift=2x0", "shift is named twice"),
        ("shift=1x0+areas", "areas need neighbours=4 or neighbours=8"),
    ],
)
def test_shifts_that_cannot_be_are_refused(structure, message):
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        Structure.named(structure, BITS)
    assert str(Structure.named("wraps+shift=-1x2", BITS)) == "shift=-1x2+wraps"
    with pytest.raises(ValueError, match=r"structure shift says which cell .* which symmetries rotations change"):
        Grids(BITS, structure="shift=1x0", symmetries="rotations")
    Grids(BITS, structure="shift=1x0", symmetries="colours")


def test_a_shift_is_learned_and_holds_on_larger_grids(tmp_path, capsys):
    rng, lines = np.random.default_rng(0), {"train": [], "test": []}
    for part, count, sizes in (("train", 600, (5, 7)), ("test", 50, (8, 10))):
        for _ in range(count):
            grid = rng.integers(0, 4, rng.integers(*sizes, 2))
            lines[part].append(json.dumps({"input": grid.tolist(), "output": grid[1:-1, 1:-1].tolist()}))
        (tmp_path / f"{part}.jsonl").write_text("\n".join(lines[part]))
    run = str(tmp_path / "run")
    command = ["train", "--data", str(tmp_path / "train.jsonl"), "--out", run, "--run.eval-every", "120"]
    command += ["--train.steps", "120", "--train.ema-rate", "0.9", "--train.N-sup", "2", "--model.n", "1"]
    assert main([*command, "--model.T", "2"]) == 0
    assert load_checkpoint(run).config.data.structure == "shift=1x1"
    capsys.readouterr()
    assert main(["eval", run, "--data", str(tmp_path / "test.jsonl"), "--early-exit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exact"] >= 0.9
    export(load_checkpoint(run), tmp_path / "shift.onnx")  # compares the graph with the model


def test_arrays_that_are_moved_are_seen_too(tmp_path):
    questions = np.random.default_rng(0).integers(0, 4, (200, 3, 6))
    solver = train(questions, np.roll(questions, 2, axis=2), steps=1, out=tmp_path / "run", progress=False)
    assert solver.config.data.structure == "shift=0x-2+wraps"
