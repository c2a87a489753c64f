"""Answers that are rearranged questions: a look finds which cell is copied, and a network hears it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from grid_examples import BITS, bits, examples_of, items, puzzles
from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.config import DataConfig
from ponderling.config.reading import from_json, to_json
from ponderling.data import grid_config, task_of, with_copies
from ponderling.exchange.onnx_export import describe, export, initial_inputs
from ponderling.models import build_model
from ponderling.models.ties import within_own_edges
from ponderling.recipes import grid_recipe
from ponderling.solving.canvas import for_text, on_canvas
from ponderling.solving.solver import Solver
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.copying import copies_in
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.looking import propose
from ponderling.tasks.custom.spec import GridSpec
from ponderling.tasks.custom.structure import Structure
from ponderling.tasks.relations import Copies, Neighbours
from ponderling.training.arrays import train

SWAP = Copies((1, 0), rows=1, columns=2, height=2, width=1)
"""A row of two cells written as a column, the last one first."""

TRAIN = [
    *("--train.steps", "120", "--train.ema-rate", "0.9", "--run.eval-every", "60", "--train.N-sup", "2"),
    *("--model.n", "1", "--model.T", "1"),
]


def zigzag(grid: np.ndarray) -> np.ndarray:
    """The cells of a grid as one row, diagonal after diagonal, every other one backwards."""
    cells = sorted(
        np.ndindex(grid.shape), key=lambda cell: (sum(cell), cell[0] if sum(cell) % 2 else cell[1])
    )  # as in JPEG
    return np.array([[grid[cell] for cell in cells]])


def write(path: Path, change, *, shapes: tuple[tuple[int, int], ...], count: int = 600, symbols: int = 4) -> None:
    rng = np.random.default_rng(0)
    questions = [rng.integers(0, symbols, shapes[i % len(shapes)]) for i in range(count)]
    lines = [{"input": grid.tolist(), "output": change(grid).tolist()} for grid in questions]
    path.write_text("\n".join(map(json.dumps, lines)))


REARRANGED = {
    "zigzag": zigzag,
    "columns as a row": lambda grid: grid.T.reshape(1, -1),
    "two rows exchanged": lambda grid: grid[[0, 2, 1, *range(3, len(grid))]],
    "interleaved rows": lambda grid: grid[np.argsort(np.arange(len(grid)) % 2, kind="stable")],
}


@pytest.mark.parametrize("name", REARRANGED)
def test_a_look_finds_where_the_cells_of_several_sizes_come_from(name, tmp_path):
    change, shapes = REARRANGED[name], ((4, 4), (5, 3), (5, 6))
    write(tmp_path / "a.jsonl", change, shapes=shapes)
    data = grid_config(str(tmp_path / "a.jsonl"))
    task = Grids.of(data)
    proposal = propose(task.puzzles_of(read_grid_file(tmp_path / "a.jsonl")), task.spec)
    assert str(proposal) == "copies"
    assert [(table.rows, table.columns) for table in proposal.copies] == sorted(shapes)
    for table in proposal.copies:
        numbered = np.arange(table.rows * table.columns).reshape(table.rows, table.columns)
        assert np.array(table.cells).reshape(table.height, table.width).tolist() == change(numbered).tolist()


def test_a_cell_is_no_copy_by_chance():
    questions, others = bits(), np.random.default_rng(1).integers(1, 3, (300, 4, 4))
    assert "copies" not in items(puzzles(questions, others))
    shuffled = questions.reshape(300, -1)[:, np.random.default_rng(0).permutation(16)].reshape(300, 4, 4)
    assert items(puzzles(questions, shuffled)) == {"copies": "seen"}
    assert "copies" not in items(puzzles(questions[:20], shuffled[:20]))  # too few to tell
    rare = np.where(np.random.default_rng(2).random((60, 4, 4)) < 0.01, 2, 1)  # many cells are always alike
    moved = rare.reshape(60, -1)[:, ::-1].reshape(60, 4, 4)
    assert copies_in(puzzles(rare, moved), BITS).share == 0


def test_an_answer_that_is_wrong_once_is_no_copy_in_that_cell():
    questions = bits()
    answers = questions.reshape(300, -1)[:, np.random.default_rng(0).permutation(16)].reshape(300, 4, 4)
    answers[250, 1, 2] = 3 - answers[250, 1, 2]
    found = copies_in(puzzles(questions, answers), BITS)
    assert np.flatnonzero(np.array(found.tables[0].cells) < 0).tolist() == [6]
    assert not found.is_all
    assert items(puzzles(questions, answers))["copies"] == "seen"
    assert "all" in items(puzzles(questions, answers))


def test_of_cells_that_never_differ_the_one_in_the_same_place_is_taken_else_the_first():
    left = np.random.default_rng(0).integers(1, 3, (100, 4, 2))
    twice = np.concatenate([left, left], axis=2)
    (table,) = copies_in(puzzles(twice, np.roll(twice, 1, axis=1)), BITS).tables
    assert np.array(table.cells).reshape(4, 4)[1].tolist() == [0, 1, 0, 1]
    (table,) = copies_in(puzzles(twice, twice), BITS).tables
    assert table.cells == tuple(range(16))


def test_sizes_of_few_examples_or_of_several_answers_have_no_table(tmp_path):
    def change(grid):
        return zigzag(grid)[:, : int(4 + grid[0, 0])] if grid.shape == (4, 4) else zigzag(grid)

    examples, spec = examples_of(change, tmp_path, shapes=((2, 3), *[(3, 3), (4, 4)] * 2))  # 20, 40 and 40 examples
    found = copies_in(examples, spec)
    assert [(table.rows, table.columns) for table in found.tables] == [(3, 3)]
    assert not found.is_all


def test_rules_that_hold_on_every_size_are_proposed_before(tmp_path):
    for change in (np.rot90, lambda grid: np.tile(grid, (2, 1))):
        examples, spec = examples_of(change, tmp_path, shapes=((3, 3), (4, 4)) * 2)
        assert "copies" not in items(examples, spec)


@pytest.mark.parametrize("rows", [4, 7])
def test_every_cell_hears_what_the_table_of_its_own_size_says(rows):
    spec = GridSpec(("a", "b"), rows=rows, columns=5, sizes="marked", copies=(SWAP,))
    task = Grids(spec, structure="neighbours=4+copies")
    neighbours = task.relations.neighbours
    C = rows * 5
    tokens = np.concatenate([task.parse_grid(grid)[None] for grid in ([["a", "b"]], [["a", "b", "b"]])])
    heard = within_own_edges(torch.from_numpy(tokens).long(), neighbours.canvas)
    assert heard.shape == (2, 5, C)
    assert [cell for cell in range(C) if heard[0, 4, cell] < C] == [0, 5]
    assert heard[0, 4, [0, 5]].tolist() == [1, 0]
    assert (heard[1, 4] == C).all()  # a size that no table knows


def test_one_size_needs_no_look_at_the_question():
    spec = GridSpec(("a",), rows=2, columns=2, copies=(Copies((3, -1, 1, 0), rows=2, columns=2, height=2, width=2),))
    neighbours = Structure.named("copies", spec).relations(spec).neighbours
    assert neighbours == Neighbours(((3, -1, 1, 0),), alike=(0,), touching=0)
    other = replace(spec, columns=3)
    assert Structure.named("copies", other).relations(other).neighbours.cells == ((-1,) * 6,)


def test_tables_are_read_back_from_a_runs_settings():
    spec = GridSpec(("a", "b"), rows=2, columns=2, sizes="marked", copies=(SWAP,))
    data = DataConfig(task="grids", grid=spec, structure="copies")
    assert from_json(DataConfig, json.loads(json.dumps(to_json(data)))) == data
    old = {key: value for key, value in to_json(spec).items() if key != "copies"}
    assert from_json(GridSpec, old).copies == ()


GOOD = {"rows": 1, "columns": 2, "height": 1, "width": 2, "cells": [1, 0]}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([GOOD | {"cells": [1, 2]}], "copies are of cells from 0 to 1 of a question of 1x2, or -1: got 2"),
        ([GOOD | {"cells": [1, -2]}], "or -1: got -2"),
        ([GOOD | {"cells": [1]}], "copies need a cell for each of an answer of 1x2: got 1"),
        ([GOOD | {"cells": [1, True]}], r"cells: expected a list of int, got \[1, true\]"),
        ([GOOD | {"cells": "10"}], 'cells: expected a list of int, got "10"'),
        ([GOOD | {"cells": [0] * 10_001}], "expected at most 10,000 items"),
        ([GOOD | {"rows": 0}], "copies need a whole number from 1: got rows 0"),
        ([GOOD | {"width": "2"}], 'width: expected int, got "2"'),
        ([GOOD | {"columns": 10**18, "width": 10**18}], "copies need a cell for each of an answer"),
        ([GOOD | {"module": "os"}], "unknown field 'module'"),
        ([GOOD, GOOD], "copies need sizes that differ: one has two tables"),
        ([[1, 0]], r"grid.copies\[0\]: expected an object with fields"),
        ({"1x2": [1, 0]}, "grid.copies: expected a list"),
        (
            [GOOD | {"rows": 1 + i, "width": 5000, "cells": [0] * 5000} for i in range(3)],
            "copies tell where at most 10,000 cells come from",
        ),
    ],
)
def test_tables_that_cannot_be_are_refused_in_one_line(tables, message):
    grid = {"symbols": ["a", "b"], "rows": 2, "columns": 2, "sizes": "marked", "copies": tables}
    with pytest.raises(ValueError, match=message) as refused:
        from_json(DataConfig, {"task": "grids", "grid": grid, "structure": "copies"})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("size", [{"rows": 10**6}, {"rows": 2, "columns": 500_000}])
def test_tables_of_sizes_beyond_the_canvas_are_never_used(size):
    tables = (SWAP, replace(SWAP, **size))
    for sizes in ("marked", "one"):
        task = Grids(GridSpec(("a", "b"), rows=2, columns=2, sizes=sizes, copies=tables), structure="copies")
        config = grid_recipe(DataConfig(task="grids", grid=task.spec, structure="copies"), 4).config
        model = build_model(config)
        with torch.no_grad():
            _, output = model(model.initial_state(1), torch.tensor([[2, 2, 1, 1]]), puzzle_ids=torch.zeros(1).long())
        assert output.logits.isfinite().any()


def test_an_answer_larger_than_the_canvas_is_never_looked_up():
    large = Copies((1,) * 30, rows=1, columns=2, height=5, width=6)
    neighbours = Neighbours.of_grid(2, 2, number=0, copies=(large,), outside=(0, 1))
    heard = within_own_edges(torch.tensor([[3, 2, 1, 1]]), neighbours.canvas)
    assert heard.max() <= 4
    assert heard.min() >= 0


def test_copies_without_a_table_and_with_turned_grids_are_refused(tmp_path, capsys):
    with pytest.raises(ValueError, match="no examples show which cells are copies: leave copies out"):
        Structure.named("neighbours=4+copies", BITS)
    spec = replace(BITS, copies=(Copies((0,) * 16, rows=4, columns=4, height=4, width=4),))
    with pytest.raises(ValueError, match="which symmetries flips change: leave one of them out"):
        Grids(spec, structure="copies", symmetries="flips")
    Grids(spec, structure="copies", symmetries="colours")
    write(tmp_path / "a.jsonl", lambda grid: grid[:, [1, 0, 2]], shapes=((3, 3),))
    arguments = ["train", "--data", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "run"), "--train.steps", "1"]
    arguments += ["--data.symmetries", "dihedral"]
    assert main([*arguments, "--data.structure", "copies"]) == 2
    assert "leave one of them out" in capsys.readouterr().err
    assert main(arguments) == 0  # copies are not proposed
    assert "copies" not in load_checkpoint(tmp_path / "run").config.data.structure
    write(tmp_path / "b.jsonl", lambda grid: np.random.default_rng(grid).integers(0, 4, (3, 3)), shapes=((3, 3),))
    arguments[2] = str(tmp_path / "b.jsonl")
    assert main(["train", *arguments[1:3], "--data.structure", "copies+all", "--out", str(tmp_path / "other")]) == 2
    assert "no examples show which cells are copies" in capsys.readouterr().err


def test_a_zigzag_of_several_sizes_is_learned_in_seconds(tmp_path, capsys):
    write(tmp_path / "a.jsonl", zigzag, shapes=((2, 2), (3, 3), (4, 4)))
    assert main(["train", "--data", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "run"), *TRAIN, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["exact"] == 1.0
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint.config.data.structure == "copies"
    assert len(checkpoint.config.data.grid.copies) == 3
    grid = np.arange(16).reshape(4, 4) % 4
    solver = Solver.from_pretrained(tmp_path / "run")
    assert solver.solve(grid).grid.tolist() == zigzag(grid).tolist()
    larger = for_text(checkpoint, "0123012301/0123012301/0123012301/0123012301/0123012301")
    assert larger.config.data.grid.rows == 5
    assert on_canvas(larger, 9, columns=20).config.data.grid.copies == checkpoint.config.data.grid.copies
    with pytest.raises(ValueError, match="rearranged"):
        export(checkpoint, tmp_path / "zigzag.onnx")
    more = ["--train.steps", "122", "--resume", "--out", str(tmp_path / "run")]
    assert main(["train", "--data", str(tmp_path / "a.jsonl"), *TRAIN[2:], *more]) == 0


def test_arrays_are_looked_at_too_and_a_run_on_them_goes_on(tmp_path):
    questions = np.random.default_rng(0).integers(0, 4, (200, 3, 4))
    answers = questions[:, ::-1].reshape(200, -1)[:, np.roll(np.arange(12), 5)].reshape(200, 4, 3)
    solver = train(questions, answers, steps=2, out=tmp_path / "run", progress=False)
    assert solver.config.data.structure == "copies"
    assert len(solver.config.data.grid.copies) == 1
    again = train(questions, answers, steps=3, out=tmp_path / "run", resume=True, progress=False)
    assert again.config.data.grid == solver.config.data.grid


def test_the_graph_of_one_size_computes_what_the_model_does(tmp_path):
    write(tmp_path / "a.jsonl", lambda grid: grid[:, [1, 0, 2]], shapes=((3, 3),), count=100)
    data = with_copies(replace(grid_config(str(tmp_path / "a.jsonl")), structure="neighbours=4+copies"))
    assert data.grid.copies[0].cells == (1, 0, 2, 4, 3, 5, 7, 6, 8)
    arguments = ["--data.structure", "neighbours=4+copies", "--train.steps", "1", "--out", str(tmp_path / "run")]
    assert main(["train", "--data", str(tmp_path / "a.jsonl"), *arguments]) == 0
    checkpoint = load_checkpoint(tmp_path / "run")
    assert task_of(checkpoint.config.data).spec == data.grid
    assert max(export(checkpoint, tmp_path / "a.onnx").values()) < 1e-4
    about = describe(checkpoint)
    assert about["neighbours"][-1] == [1, 0, 2, 4, 3, 5, 7, 6, 8]
    tokens = np.random.default_rng(0).integers(1, 5, (3, 9))
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    (logits,) = session.run(["logits"], initial_inputs(about, tokens))
    model = checkpoint.model
    with torch.no_grad():
        _, output = model(model.initial_state(3), torch.from_numpy(tokens), puzzle_ids=torch.zeros(3).long())
    assert np.abs(logits - output.logits.numpy()).max() < 1e-4
