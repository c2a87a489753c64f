"""Files of grids that cannot be used: each is refused, with its line or row and the reason."""

from __future__ import annotations

import json

import numpy as np
import pytest

from own_grids import refusal
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.problems import Problems


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"input": [[1, 2], [3]], "output": [[1]]}'], "line 1: input: ragged: row 1 has 2 cells, row 2 has 1"),
        (['{"input": [[1]]', "[]"], "line 1: not JSON"),
        (["[1]"], "line 1: expected an object with input and output, got [1]"),
        (['{"inptu": [[1]], "output": [[1]]}'], "no input; its keys are inptu, output: name them input and output"),
        (['{"input": [[1]]}', '{"input": [[2]], "output": [[2]]}'], "line 1: no output"),
        (['{"input": [[1.5]], "output": [[1]]}'], "line 1: input: cell 1.5 at row 1 column 1: expected an integer or"),
        (['{"input": [[true]], "output": [[1]]}'], "cell true at row 1 column 1"),
        (['{"input": [1, 2], "output": [[1]]}'], "input: expected a list of rows, got [1, 2]: write one row as [[1, 2]]"),
        (['{"input": [[1]], "output": 7}'], "line 1: output: expected a list of rows, got 7: write one cell as [[7]]"),
        (['{"input": [[null]], "output": [[1]]}'], "row 1 column 1: expected an integer or a short text, such as 0"),
        (['{"input": [[2.0]], "output": [[1]]}'], "cell 2.0 at row 1 column 1: expected an integer or a short text, such as 2"),
        (['{"input": [], "output": [[1]]}'], "line 1: input: the grid is empty"),
        (['{"input": [["a long symbol, very long"]], "output": [[1]]}'], "expected 1 to 16 characters"),
        (["", ""], "no example in it"),
        (['{"input": [[1]], "output": [[1]], "split": "dev"}'], "line 1: split must be train or test: got 'dev'"),
        (['{"input": [[1]], "output": [[1]], "split": "test"}'], "no example to train on"),
        (['{"input": [[1]], "output": [[1]], "split": "train"}'], "no example to test on"),
        (['{"input": [[1]], "output": [[1]], "rating": "hard"}'], "line 1: rating must be a whole number from 0, got 'hard'"),
        (['{"input": [[1]], "output": [[1]]}'] * 3, "all its questions are equal: none can be held out"),
        (['{"input": [[1]], "output": [[1]]}'], "it has one example: none can be held out"),
        ([json.dumps({"input": [list(range(300))], "output": [[1]]})], "more than 253 different symbols (0, 1, 2, ..."),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_with_line_and_reason(lines, message, tmp_path):
    (tmp_path / "bad.jsonl").write_text("\n".join(lines))
    said = refusal(tmp_path / "bad.jsonl")
    assert message in said
    assert "bad.jsonl" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected a header with the columns input and output (or question and answer), got a,b"),
        ("input,output\n12/3,12/34\n", "row 2: input: ragged: row 1 has 2 cells, row 2 has 1"),
        ("input,output\n12/34\n", "row 2: expected 2 columns, got 1"),
        ("input,output\n12/34,\n", "row 2: no output"),
        ("input,output\n12/34,[[1\n", "row 2: output: not JSON"),
    ],
)
def test_a_malformed_csv_is_refused_with_row_and_reason(text, message, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    assert message in refusal(tmp_path / "bad.csv")


GRIDS = np.zeros((2, 2, 2), int)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"frames": np.zeros(3)}, "expected arrays inputs and outputs, got frames"),
        ({"inputs": GRIDS[:, 0], "outputs": GRIDS[:, 0]}, "inputs must be integers or texts of shape (2, rows, columns): got"),
        ({"inputs": GRIDS + 0.5, "outputs": GRIDS}, "got float64 (2, 2, 2)"),
        ({"inputs": GRIDS[..., None], "outputs": GRIDS}, "got int64 (2, 2, 2, 1); write array[..., 0]"),
        ({"inputs": GRIDS > 0, "outputs": GRIDS}, "got bool (2, 2, 2); write array.astype(int)"),
        ({"inputs": GRIDS, "outputs": GRIDS[:, 0, 0]}, "got int64 (2,); answers of one cell are array[:, None, None]"),
        ({"inputs": GRIDS, "outputs": GRIDS[:1]}, "outputs must be integers or texts of shape (2"),
        (
            {"inputs": GRIDS, "outputs": GRIDS, "input_shapes": np.array([[2, 2], [3, 1]])},
            "row 1: input has shape (3, 1), the array has room for (2, 2)",
        ),
        ({"inputs": GRIDS, "outputs": GRIDS, "input_shapes": GRIDS}, "input_shapes must be integers of shape (2, 2)"),
        ({"inputs": GRIDS, "outputs": GRIDS, "split": np.array(["train", "dev"])}, "row 1: split must be train or test"),
    ],
)  # fmt: skip
def test_a_malformed_npz_is_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "bad.npz", **arrays)
    assert message in refusal(tmp_path / "bad.npz")


def test_pickled_and_broken_npz_are_refused(tmp_path):
    np.savez(tmp_path / "bad.npz", inputs=np.array([[1], [1, 2]], object))
    assert "not an npz file of plain arrays" in refusal(tmp_path / "bad.npz")
    (tmp_path / "worse.npz").write_bytes(b"PK nothing")
    assert "not an npz file of plain arrays" in refusal(tmp_path / "worse.npz")
    (tmp_path / "grids.parquet").write_bytes(b"")
    assert "a file of grids ends in .jsonl, .csv, .npz" in refusal(tmp_path / "grids.parquet")
    for name, advice in (
        ("a.parquet", "as JSON lines"),
        ("a.npy", "np.savez"),
        ("a.pkl", "may run code"),
        ("a.xlsx", "as CSV"),
    ):
        (tmp_path / name).write_bytes(b"")
        assert advice in refusal(tmp_path / name)


def test_all_problems_of_a_file_are_told_together(tmp_path):
    (tmp_path / "bad.jsonl").write_text("nonsense\n" * 8)
    said = refusal(tmp_path / "bad.jsonl")
    assert "bad.jsonl, lines 1, 2, 3, 4, 5: not JSON: " in said
    assert "and 3 more problems" in said
    (tmp_path / "bad.jsonl").write_text('nonsense\n{"output": [[1]]}\n' * 2)
    said = refusal(tmp_path / "bad.jsonl")
    assert said.count("; lines 2, 4: no input; ") == 1
    assert said.count("lines 1, 3: not JSON: ") == 1
    problems = Problems(tmp_path / "a.npz", "index")
    for index in (2, 0):
        problems.add(index, "ragged")
    with pytest.raises(PuzzleError, match=r"a\.npz, indices 0, 2: ragged$"):
        problems.report()
