"""Grids written as text: which readings a file allows, and that no symbol changes on its way through a file."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.data import grid_config, task_of
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.arrays import grid_file_of_arrays
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.spec import GridSpec
from ponderling.tasks.custom.text_form import grid_of_text
from ponderling.tasks.symbol_grids import are_numbers


def cells_of(file, side):
    """The grids of a side as rows of symbols."""
    grids = (file.inputs, file.outputs)[side]
    found = []
    for i, (rows, columns) in enumerate(grids.shapes.tolist()):
        cells = [file.symbols[code] for code in grids.codes[grids.starts[i] : grids.starts[i + 1]]]
        found.append([cells[r * columns : (r + 1) * columns] for r in range(rows)])
    return found


def csv_file(folder, rows):
    path = folder / "a.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("input", "output"), *rows])
    return path


def jsonl_file(folder, rows):
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps({"input": q, "output": a}) + "\n" for q, a in rows))
    return path


@pytest.mark.parametrize("write", [csv_file, jsonl_file])
@pytest.mark.parametrize(
    ("rows", "inputs"),
    [
        ([("10 3", "3 10")] * 60, [[["10", "3"]]] * 60),
        ([("10 20 300", "300 20 10")], [[["10", "20", "300"]]]),
        ([("1\t2", "2\t1")], [[["1", "2"]]]),
        ([("1\t20\t3 ", " 3 20 1")], [[["1", "20", "3"]]]),
        ([("10   3", "3   10")], [[["10", "3"]]]),
        ([("-1 5", "5 -1")], [[["-1", "5"]]]),
        ([("red green", "green red")], [[["red", "green"]]]),
        ([("1 2 3 4 5", "5 4 3 2 1")], [[["1", "2", "3", "4", "5"]]]),
        ([("7 5", "8"), ("1 2", "3")], [[["7", "5"]], [["1", "2"]]]),
        ([("10 2/3 4", "1 2/3 4")], [[["10", "2"], ["3", "4"]]]),
        ([("1234", "4321")], [[["1", "2"], ["3", "4"]]]),
        ([("#  #", "#  #"), ("  ##", "##  "), ("## #", "# ##")],
         [[["#", " "], [" ", "#"]], [[" ", " "], ["#", "#"]], [["#", "#"], [" ", "#"]]]),
        ([("####/#S #/#  #", "####/#S.#/#..#"), ("# #/# #/# #", "# #/#.#/# #")],
         [[list("####"), list("#S #"), list("#  #")], [list("# #")] * 3]),
        ([("###\n# #\n   ", "###\n# #\n   ")], [[list("###"), list("# #"), list("   ")]]),
        ([("abcd", "dcba"), ("abc", "cba")], [[["a", "b", "c", "d"]], [["a", "b", "c"]]]),
    ],
)  # fmt: skip
def test_blanks_between_cells_separate_them_and_squares_have_none_or_many(write, rows, inputs, tmp_path):
    assert cells_of(read_grid_file(write(tmp_path, rows)), 0) == inputs


@pytest.mark.parametrize(
    ("rows", "input_"),
    [
        ([(["10 3", "3 10"], ["1 2", "3 4"])], [["10", "3"], ["3", "10"]]),
        ([(["1\t2"], ["2\t1"])], [["1", "2"]]),
        ([(["5 . 3", ". 7 ."], ["5 1 3", "2 7 1"])], [["5", ".", "3"], [".", "7", "."]]),
        ([(["#  #", " ## "], ["#  #", " ## "])], [["#", " ", " ", "#"], [" ", "#", "#", " "]]),
        ([(["S #", "# G"], ["SO#", "#OG"]), (["S  ", "##G"], ["SOO", "##G"])], [["S", " ", "#"], ["#", " ", "G"]]),
        ([(["12", "34"], ["10", "10"])], [["1", "2"], ["3", "4"]]),
    ],
)
def test_texts_in_a_json_list_are_characters_unless_blanks_can_only_separate(rows, input_, tmp_path):
    assert cells_of(read_grid_file(jsonl_file(tmp_path, rows)), 0)[0] == input_


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("## #", "# ##")], 'line 1: input: "## #" can be 1x2 cells with blanks between, or 2x2 characters'),
        ([("## #", "# ##")], 'write such grids as JSON, [["##", "#"]] or [["#", "#"], [" ", "#"]]'),
        ([("1  2", "2  1")], '"1  2" can be 1x2 cells with blanks between, or 2x2 characters'),
        ([("1   10  3", "3   10  1")], '"1   10  3" can be 1x3 cells with blanks between, or 3x3 characters'),
        ([("7 5", "12"), ("3 4", "7")], 'line 1: output: "12" can be one cell or 2, as other texts'),
        ([("7 5", "12"), ("3 4", "7")], "have blanks between cells: write it as JSON, [[12]] or [[1, 2]]"),
        ([("1 2/3 4", "12/34")], 'output: "12" can be one cell or 2'),
        ([("red green", "red")], 'output: "red" can be one cell or 3'),
        ([(["X O", "O X"], ["X O", "O X"])], 'input: "X O / O X" can be 2x2 cells with blanks between, or 2x3 characters'),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_refused_with_both(rows, message, tmp_path):
    with pytest.raises(PuzzleError) as error:
        read_grid_file(jsonl_file(tmp_path, rows))
    assert message in str(error.value)
    assert "a.jsonl" in str(error.value)


@pytest.mark.parametrize("text", ["1 2/345", "red fox/bluefox", ". . #/.   #", "# #\t#/##\t##"])
def test_rows_of_cells_of_which_one_is_missing_are_no_drawing(text, tmp_path):
    with pytest.raises(PuzzleError, match="ragged"):
        read_grid_file(jsonl_file(tmp_path, [(text, text)]))


def test_the_json_that_a_refusal_proposes_is_read(tmp_path):
    rows = [('[["##", "#"]]', '[["#", "##"]]'), ('[["#", "#"], [" ", "#"]]', "[[1, 2]]")]
    assert cells_of(read_grid_file(csv_file(tmp_path, rows)), 0) == [[["##", "#"]], [["#", "#"], [" ", "#"]]]


@pytest.mark.parametrize(
    ("text", "rows"), [("10 3", [["10", "3"]]), ("1\t2", [["1", "2"]]), ("#  #", [["#", " "], [" ", "#"]])]
)
def test_one_text_alone_is_read_as_in_a_file(text, rows):
    assert grid_of_text(text) == rows


def test_a_typed_grid_is_read_in_the_way_that_fits_the_task():
    words = Grids(GridSpec(("10", "3"), rows=1, columns=2))
    assert words.to_rows(words.parse("10 3")) == [[10, 3]]
    one = Grids(GridSpec(("12", "3"), rows=1, columns=1))
    assert one.to_rows(one.parse("12")) == [[12]]
    maze = Grids(GridSpec((" ", "#"), rows=2, columns=2))
    assert maze.to_rows(maze.parse("## #")) == [["#", "#"], [" ", "#"]]
    row = Grids(GridSpec(("a", "b"), rows=1, columns=4, sizes="marked"))
    assert row.to_rows(row.parse("abba")) == [["a", "b", "b", "a"]]
    both = Grids(GridSpec((" ", "1", "2", "21"), rows=2, columns=2, sizes="marked"))
    with pytest.raises(PuzzleError, match="can be read in two ways: write it as JSON"):
        both.parse("1 21")


# Symbols


@pytest.mark.parametrize(
    "text", ["01", "-0", "+1", "1.0", "1_0", "\u0661", "\uff11", "--1", "1\n", " 1", "", "-", "00", "-01"]
)
def test_what_python_writes_otherwise_is_not_a_number(text):
    assert not are_numbers(["1", text])


@given(st.integers() | st.text("0123456789-+_ \u0661", max_size=4))
def test_numbers_are_the_texts_that_survive_being_numbers(value):
    try:
        survives = str(int(str(value))) == str(value)
    except ValueError:
        survives = False
    assert are_numbers([str(value)]) is survives


@pytest.mark.parametrize("texts", [["01", "1"], ["1", "\u0661"], ["-0", "0"], ["007", "7"], ["+1", "1"], ["1", "1 "]])
def test_symbols_that_look_like_one_number_stay_two(texts, tmp_path, capsys):
    """In the file's task, in the export, and for the checker."""
    rng = np.random.default_rng(0)
    grids = [rng.choice(texts, (2, 3)).tolist() for _ in range(40)]
    grids = list({json.dumps(grid): grid for grid in grids}.values())
    path = jsonl_file(tmp_path, [(grid, grid[::-1]) for grid in grids])
    data = grid_config(str(path))
    task = task_of(data)
    assert data.grid.symbols == tuple(sorted(texts))
    assert [task.to_rows(tokens) for tokens in task.read(path).tokens] == grids
    seen = []
    task.checker = lambda question, answer: seen.append(question) or True
    task.is_right(task.read(path).tokens[0], task.read(path).labels[0])
    assert seen == [grids[0]]
    assert main(["data", "export", str(path), "--out", str(tmp_path / "out"), "--format", "jsonl"]) == 0
    texts = [(tmp_path / "out" / f"{part}.jsonl").read_text() for part in ("train", "test")]
    exported = [json.loads(line) for line in "".join(texts).splitlines()]
    assert sorted(map(json.dumps, ([e["input"], e["output"]] for e in exported))) == sorted(
        json.dumps([grid, grid[::-1]]) for grid in grids
    )
    assert task_of(grid_config(str(tmp_path / "out" / "train.jsonl"))).spec == task.spec


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1, "1"], 'cells are both the number 1 and the text "1"'),
        ([1, True], "cell true at row 1 column 2"),
        ([1, 1.0], "cell 1.0 at row 1 column 2"),
        ([1, None], "cell null at row 1 column 2"),
        ([1, 10**20], "cell '100000000000000000000': expected 1 to 16 characters"),
        ([1, "x\ny"], "cell 'x\\ny': expected 1 to 16 characters"),
        ([1, ""], "cell '': expected 1 to 16 characters"),
        ([1, [1]], "cell [1] at row 1 column 2"),
        ([1, {"a" * 99: 1}], 'cell {"aaaa'),
    ],
)
def test_values_that_are_not_one_symbol_are_never_made_one(row, message, tmp_path):
    with pytest.raises(PuzzleError) as error:
        read_grid_file(jsonl_file(tmp_path, [([[2, 3]], [[2, 3]]), ([row], [[1, 2]])]))
    assert f"line 2: input: {message}" in str(error.value)
    assert str(error.value).isprintable()


def test_numbers_and_texts_in_arrays_are_not_mixed():
    """Texts for inputs and numbers for outputs are one alphabet; within a side, 1 and "1" are refused."""
    assert grid_file_of_arrays([[["1", "2"]]], [[[1, 2]]]).symbols == ("1", "2")
    for inputs in ([[[1, "1"]]], [[[1, 2]], [["1", "2"]]], np.array([[[1, "1"]]], object)):
        with pytest.raises(PuzzleError, match='inputs are both the number 1 and the text "1"'):
            grid_file_of_arrays(inputs, [[[1, 2]]] * len(inputs))
    with pytest.raises(
        PuzzleError, match="index 0: inputs holds True at row 1 column 2: expected an integer or a text"
    ):
        grid_file_of_arrays([[[1, True]]], [[[1, 2]]])


def test_grids_beyond_the_largest_are_refused_with_the_files_name(tmp_path):
    path = jsonl_file(tmp_path, [([[1]] * 1025, [[1]]), ([[1] * 1025], [[1]])])
    with pytest.raises(PuzzleError, match=r"a.jsonl: grids have at most 1,048,576 cells"):
        grid_config(str(path))


SYMBOL = st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1, max_size=16)


@st.composite
def pairs(draw):
    """Pairs of grids of up to 3x3 over some symbols: texts of any kind, or numbers."""
    numbers = draw(st.booleans())
    symbols = draw(st.lists(st.integers(-99, 999) if numbers else SYMBOL, min_size=1, max_size=5, unique=True))
    grid = st.integers(1, 3).flatmap(
        lambda columns: st.lists(
            st.lists(st.sampled_from(symbols), min_size=columns, max_size=columns), min_size=1, max_size=3
        )
    )
    return draw(st.lists(st.tuples(grid, grid), min_size=1, max_size=6))


@pytest.mark.parametrize("write", [jsonl_file, csv_file])
@given(pairs=pairs())
@settings(max_examples=60, deadline=None)
def test_any_symbols_come_back_from_a_file_and_from_its_export(write, pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grids")
    cells = pairs if write is jsonl_file else [tuple(map(json.dumps, pair)) for pair in pairs]
    path = write(folder, cells)
    task = task_of(grid_config(str(path)))
    puzzles = task.puzzles_of(read_grid_file(path))
    task.write(folder / "again.jsonl", puzzles)
    again = task_of(grid_config(str(folder / "again.jsonl")))
    read = again.read(folder / "again.jsonl")
    for side in (0, 1):
        found = [task.to_rows((puzzles.tokens, puzzles.labels)[side][i]) for i in range(len(pairs))]
        assert found == [again.to_rows((read.tokens, read.labels)[side][i]) for i in range(len(pairs))]
        as_texts = [[[str(cell) for cell in row] for row in pair[side]] for pair in pairs]
        assert [[[str(cell) for cell in row] for row in grid] for grid in found] == as_texts
    assert (task.parse(task.format(puzzles.tokens[0])) == puzzles.tokens[0]).all()
