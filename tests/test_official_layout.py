"""The official repositories' folders of built data: written as they read them, and read back as the same puzzles."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ponderling.cli import main
from ponderling.data import grid_config, task_of
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError, Puzzles
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.split import load_grids
from ponderling.tasks.official_layout import FIELDS, read_layout, write_layout

TINY = [
    "--train.steps", "4", "--train.batch-size", "4", "--train.N-sup", "2", "--run.eval-every", "4",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
    "--model.puzzle-embedding-size", "16",
]  # fmt: skip


def puzzles_of(count, ids=0, seed=0, low=1):
    rng = np.random.default_rng(seed)
    tokens, labels = rng.integers(low, 5, (2, count, 9)).astype(np.uint8)
    return Puzzles(tokens, labels, puzzle_ids=np.resize(np.array(ids, np.int32), count))


GRID = {"symbols": ["a", "b", "c", "d"], "rows": 3, "columns": 3, "sizes": "one"}


def write(folder, ids=0, num_puzzles=1, low=1, grid=GRID):
    parts = {"train": puzzles_of(20, ids, 0, low), "test": puzzles_of(6, ids, 1, low)}
    write_layout(folder, parts, vocab_size=5, num_puzzles=num_puzzles, grid=grid)
    return parts


def by_puzzle(folder, split):
    """Each puzzle's identifier and examples, as the official sampler finds them: by offsets."""
    arrays = {name: np.load(folder / split / f"all__{name}.npy") for name in FIELDS}
    inputs, _, ids, puzzles, groups = arrays.values()
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        "inputs": "uint8",
        "labels": "uint8",
        "puzzle_identifiers": "int32",
        "puzzle_indices": "int32",
        "group_indices": "int32",
    }
    found = []
    for group in range(len(groups) - 1):
        for puzzle in range(groups[group], groups[group + 1]):
            found.append((int(ids[puzzle]), inputs[puzzles[puzzle] : puzzles[puzzle + 1]].tolist()))
    return found


def test_puzzles_without_ids_are_a_group_each_and_come_back_in_order(tmp_path):
    parts = write(tmp_path)
    for split, puzzles in parts.items():
        again = read_layout(tmp_path, split)
        assert (again.tokens == puzzles.tokens).all()
        assert (again.labels == puzzles.labels).all()
        assert by_puzzle(tmp_path, split) == [(0, [row]) for row in puzzles.tokens.tolist()]
        facts = json.loads((tmp_path / split / "dataset.json").read_text())
        assert facts["total_groups"] == facts["total_puzzles"] == len(puzzles)
        assert facts["mean_puzzle_examples"] == 1.0
        assert (facts["vocab_size"], facts["seq_len"], facts["num_puzzle_identifiers"]) == (5, 9, 1)
        assert (facts["pad_id"], facts["ignore_label_id"], facts["blank_identifier_id"], facts["sets"]) == (
            0,
            0,
            0,
            ["all"],
        )
    assert json.loads((tmp_path / "identifiers.json").read_text()) == ["<blank>"]


def test_examples_of_one_puzzle_id_stand_together(tmp_path):
    parts = write(tmp_path, ids=[2, 1, 2, 1], num_puzzles=3)
    train = parts["train"]
    expected = [(i, train.tokens[train.puzzle_ids == i].tolist()) for i in (1, 2)]
    assert by_puzzle(tmp_path, "train") == expected
    again = read_layout(tmp_path, "train")
    pairs = sorted(zip(again.puzzle_ids.tolist(), again.tokens.tolist(), again.labels.tolist()))
    assert pairs == sorted(zip(train.puzzle_ids.tolist(), train.tokens.tolist(), train.labels.tolist()))


def test_a_folder_that_others_built_is_a_task_with_numbers_for_symbols(tmp_path):
    write(tmp_path)
    (tmp_path / "grid.json").unlink()
    spec = grid_config(str(tmp_path)).grid
    assert (spec.symbols, spec.rows, spec.columns, spec.sizes, spec.vocab_size) == (
        ("1", "2", "3", "4"),
        3,
        3,
        "one",
        5,
    )


def test_padding_in_a_folder_that_others_built_stays_where_it_is(tmp_path):
    parts = write(tmp_path, low=0)
    (tmp_path / "grid.json").unlink()
    data = grid_config(str(tmp_path))
    assert (data.grid.sizes, data.grid.vocab_size) == ("raw", 5)
    task = task_of(data)
    assert (load_grids(task, data.train, test=data.test).train.puzzles.tokens == parts["train"].tokens).all()
    row = parts["train"].tokens[0]
    assert (task.parse(task.format(row)) == row).all()
    with pytest.raises(ValueError, match="where the grids lie on this data's canvas is not known"):
        Grids(data.grid, symmetries="flips")


def test_an_ignored_label_of_another_number_becomes_padding(tmp_path):
    write(tmp_path)
    labels = np.load(tmp_path / "train" / "all__labels.npy").astype(np.int64)
    labels[:, 0] = -100
    np.save(tmp_path / "train" / "all__labels.npy", labels)
    facts = json.loads((tmp_path / "train" / "dataset.json").read_text()) | {"ignore_label_id": -100}
    (tmp_path / "train" / "dataset.json").write_text(json.dumps(facts))
    assert not read_layout(tmp_path, "train").labels[:, 0].any()


def spoil(path, name, array):
    np.save(path / "train" / f"all__{name}.npy", array)


def state(path, **facts):
    """Changes what the training split's dataset.json says; others wrote no grid.json."""
    file = path / "train" / "dataset.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))
    (path / "grid.json").unlink()


def inputs_to_test(path):
    return np.load(path / "test" / "all__inputs.npy")


def load(folder):
    data = grid_config(str(folder))
    return task_of(data).load_split(data)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (lambda p: (p / "train" / "dataset.json").unlink(), "train/dataset.json: cannot be read"),
        (lambda p: (p / "train" / "dataset.json").write_text("{}"), "vocab_size, seq_len, num_puzzle_identifiers, sets must"),
        (lambda p: (p / "train" / "all__labels.npy").unlink(), "all__labels.npy: cannot be read"),
        (lambda p: (p / "train" / "all__labels.npy").write_bytes(b"x"), "all__labels.npy: cannot be read"),
        (lambda p: spoil(p, "labels", np.zeros((3, 9), np.uint8)), "labels must be integers (20, 9), got uint8 (3, 9)"),
        (lambda p: spoil(p, "inputs", np.full((20, 9), 9, np.uint8)), "row 0 of inputs has a token outside 0 to 4"),
        (lambda p: spoil(p, "puzzle_indices", np.arange(20)), "puzzle_indices must rise from 0 to 20"),
        (lambda p: spoil(p, "puzzle_identifiers", np.full(20, 4)), "puzzle_identifiers must be from 0 to 0"),
        (lambda p: (p / "train" / "dataset.json").write_text("["), "train/dataset.json: cannot be read"),
        (lambda p: state(p, seq_len=-9, vocab_size=0), "vocab_size 0, seq_len -9: must be at least 1"),
        (lambda p: state(p, vocab_size=300), "train/dataset.json: grids need rows, columns and 1 to 253 symbols"),
        (lambda p: state(p, sets=["some"]), "train/some__inputs.npy: cannot be read: No such file"),
        (lambda p: state(p, ignore_label_id="x"), "ignore_label_id must be a token or null"),
        (lambda p: spoil(p, "inputs", np.array(3)), "inputs must be integers of 2 dimensions, got int64 ()"),
        (lambda p: spoil(p, "puzzle_identifiers", np.zeros(20)), "puzzle_identifiers must be integers of 1 dimension"),
        (lambda p: spoil(p, "puzzle_indices", np.arange(21.0)), "puzzle_indices must be integers of 1 dimension"),
        (lambda p: spoil(p, "labels", np.array([{}], object)), "all__labels.npy: cannot be read: Object arrays"),
        (lambda p: (p / "train" / "all__inputs.npy").write_bytes(b"\x80\x04x"), "not an array that np.save wrote"),
        (lambda p: (p / "grid.json").write_text("{"), "grid.json: cannot be read"),
        (lambda p: (p / "grid.json").write_text('{"rows": 2}'), "grid.json: KeyError('symbols')"),
        (lambda p: (p / "grid.json").write_text(json.dumps(GRID | {"rows": 2})), "grid.json is of other data than"),
        (lambda p: spoil(p, "inputs", np.resize(inputs_to_test(p), (20, 9))), "test, row 0: its question is also"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_refused_with_file_and_reason(spoilt, message, tmp_path):
    write(tmp_path)
    spoilt(tmp_path)
    with pytest.raises(PuzzleError) as error:
        load(tmp_path)
    assert message in str(error.value)


def test_puzzle_ids_of_a_folder_train_their_embeddings(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "built", ids=[1, 2], num_puzzles=7)
    assert main(["train", "--data", "built", "--out", "run", "--json", *TINY]) == 0
    captured = capsys.readouterr()
    assert "7 puzzle ids" in captured.err
    assert json.loads(captured.out)["test"]["puzzles"] == 6
    from ponderling.checkpoint import load_checkpoint

    checkpoint = load_checkpoint("run")
    assert checkpoint.shape.num_puzzles == 7
    rows = checkpoint.model.puzzle_embedding.table
    assert [bool(row.any()) for row in rows] == [False, True, True, False, False, False, False]
    assert main(["eval", "run", "--data", "built", "--json"]) == 0


def test_export_of_a_task_and_of_a_file_is_read_back(tmp_path, capsys):
    sudoku = get_task("sudoku4")
    out = tmp_path / "sudoku"
    assert main(["data", "export", "sudoku4", "--out", str(out)]) == 0
    for split in ("train", "test"):
        assert (read_layout(out, split).tokens == sudoku.load_default(split).tokens).all()
    assert grid_config(str(out)).grid.symbols == (".", "1", "2", "3", "4")
    assert main(["data", "export", "sudoku4", "--out", str(out)]) == 2
    assert "holds a data set already: choose another --out" in capsys.readouterr().err

    file = tmp_path / "pairs.jsonl"
    pairs = [{"input": [[i, j, 0][: 1 + i]], "output": [[i], [j]]} for i in range(4) for j in range(6)]
    file.write_text("\n".join(map(json.dumps, pairs)))
    data = grid_config(str(file))
    parts = load_grids(task_of(data), data.train, test=data.test)
    assert main(["data", "export", str(file), "--out", str(tmp_path / "grids")]) == 0
    again = grid_config(str(tmp_path / "grids"))
    assert again.grid == data.grid
    for part, split in ((parts.train, "train"), (parts.test, "test")):
        assert (read_layout(tmp_path / "grids", split).tokens == part.puzzles.tokens).all()
        assert (read_layout(tmp_path / "grids", split).labels == part.puzzles.labels).all()
    back = ["data", "export", str(tmp_path / "grids"), "--out", str(tmp_path / "lines"), "--format", "jsonl"]
    assert main(back) == 0
    texts = [(tmp_path / "lines" / f"{name}.jsonl").read_text() for name in ("train", "test")]
    written = [json.loads(line) for text in texts for line in text.splitlines()]
    assert sorted(map(json.dumps, written)) == sorted(map(json.dumps, pairs))
    assert main(back) == 2


def test_a_file_of_sudokus_is_exported_with_the_official_tokens(tmp_path, capsys):
    sudoku = get_task("sudoku6")
    sudoku.write(tmp_path / "p.csv", sudoku.load_default("test")[:40])
    assert main(["data", "export", str(tmp_path / "p.csv"), "--out", str(tmp_path / "out")]) == 0
    train, test = (read_layout(tmp_path / "out", split) for split in ("train", "test"))
    assert (len(train), len(test)) == (36, 4)
    rows = {row.tobytes() for row in [*train.tokens, *test.tokens]}
    assert rows == {row.tobytes() for row in sudoku.load_default("test")[:40].tokens}
    sudoku.write(tmp_path / "q.csv", sudoku.load_default("test")[40:44])
    args = ["data", "export", str(tmp_path / "p.csv"), "--format", "jsonl", "--task", "sudoku6", "--test"]
    assert main([*args, str(tmp_path / "p.csv"), "--out", str(tmp_path / "lines")]) == 2
    args.append(str(tmp_path / "q.csv"))
    assert main([*args, "--out", str(tmp_path / "lines")]) == 0
    first = json.loads((tmp_path / "lines" / "test.jsonl").read_text().splitlines()[0])
    assert "".join("".join(row) for row in first["input"]) == sudoku.format(sudoku.load_default("test").tokens[40])


@pytest.mark.parametrize("source", ["nowhere.jsonl", "sudoku44"])
def test_what_cannot_be_exported_is_one_line(source, tmp_path, capsys):
    assert main(["data", "export", source, "--out", str(tmp_path / "x")]) == 2
    assert source in capsys.readouterr().err
