"""Anyone's grids: from files in every format to tokens and back, what is refused, and a run from the command line."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from ponderling.cli import main
from ponderling.cli.train import take_files
from ponderling.config import DataConfig, Search, from_json, to_json
from ponderling.data import grid_config, task_of
from ponderling.solving.evaluate import Evaluation, SearchEvaluation, evaluate
from ponderling.solving.solver import Solver
from ponderling.tasks.base import PAD, PuzzleError
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.files import grid_of_text, read_grid_file
from ponderling.tasks.custom.spec import END, GridSpec
from ponderling.tasks.custom.split import grid_facts, load_grids

TINY = [
    "--train.steps", "6", "--train.batch-size", "4", "--train.N-sup", "2", "--run.eval-every", "6",
    "--model.hidden-size", "16", "--model.num-heads", "2", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
]  # fmt: skip


def facts_of(data):
    return grid_facts(Grids.of(data), data.train, test=data.test)


def mirrored(count, shape=None, seed=0, symbols=(0, 1, 2)):
    """Pairs of a grid and its mirror image, of sizes from 1x1 to 3x4 where no shape is given; no two alike."""
    rng = np.random.default_rng(seed)
    found = {}
    while len(found) < count:
        rows, columns = shape or (rng.integers(1, 4), rng.integers(1, 5))
        grid = rng.choice(symbols, (rows, columns))
        found[str(grid.tolist())] = (grid.tolist(), grid[:, ::-1].tolist())
    return list(found.values())


def write_jsonl(path, pairs, **columns):
    lines = [
        json.dumps({"input": q, "output": a, **{name: values[i] for name, values in columns.items()}})
        for i, (q, a) in enumerate(pairs)
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def decoded(task, tokens):
    return [task.to_rows(row) for row in tokens]


# Formats


def as_jsonl(path, pairs):
    write_jsonl(path.with_suffix(".jsonl"), pairs)
    return path.with_suffix(".jsonl")


def as_jsonl_of_texts(path, pairs):
    texts = [tuple(["".join(map(str, row)) for row in grid] for grid in pair) for pair in pairs]
    return as_jsonl(path, texts)


def as_gzip(path, pairs):
    plain = as_jsonl(path, pairs)
    with gzip.open(f"{plain}.gz", "wb") as file:
        file.write(plain.read_bytes())
    return plain.with_name(f"{plain.name}.gz")


def as_csv(path, pairs, between="/", header=("input", "output")):
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for pair in pairs:
            writer.writerow([between.join(" ".join(map(str, row)) for row in grid) + between for grid in pair])
    return path.with_suffix(".csv")


def as_csv_of_lines(path, pairs):
    return as_csv(path, pairs, "\n", ("question", "answer"))


def as_npz(path, pairs):
    shapes = [np.array([np.shape(pair[side]) for pair in pairs]) for side in (0, 1)]
    arrays = [np.full((len(pairs), *shapes[side].max(axis=0)), -1) for side in (0, 1)]
    for i, pair in enumerate(pairs):
        for side in (0, 1):
            rows, columns = shapes[side][i]
            arrays[side][i, :rows, :columns] = pair[side]
    np.savez(
        path.with_suffix(".npz"), inputs=arrays[0], outputs=arrays[1], input_shapes=shapes[0], output_shapes=shapes[1]
    )
    return path.with_suffix(".npz")


FORMATS = [as_jsonl, as_jsonl_of_texts, as_gzip, as_csv, as_csv_of_lines, as_npz]


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize("shape", [None, (2, 3), (3, 3)])
def test_every_format_gives_the_grids_that_were_written(write, shape, tmp_path):
    pairs = mirrored(30, shape)
    path = write(tmp_path / "grids", pairs)
    data = grid_config(str(path))
    task = task_of(data)
    assert isinstance(task, Grids)
    assert data.grid.sizes == ("one" if shape else "marked")
    assert data.grid.symbols == ("0", "1", "2")
    puzzles = task.puzzles_of(read_grid_file(path))
    assert decoded(task, puzzles.tokens) == [q for q, _ in pairs]
    assert decoded(task, puzzles.labels) == [a for _, a in pairs]
    task.write(tmp_path / "again.jsonl", puzzles)
    assert (task.read(tmp_path / "again.jsonl").labels == puzzles.labels).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (4, 1), (9, 9), (3, 5)])
def test_any_pair_of_sizes_survives_tokens_and_text(shape):
    """Also sizes that fill a side of the canvas, where there is no room for a mark."""
    task = Grids(GridSpec(("0", "1", "2"), rows=9, columns=9, sizes="marked"))
    grid = np.random.default_rng(0).integers(0, 3, shape).tolist()
    tokens = task.parse(json.dumps(grid))
    assert task.to_rows(tokens) == grid
    assert (task.parse(task.format(tokens)) == tokens).all()
    canvas = tokens.reshape(9, 9)
    rows, columns = shape
    assert (canvas == END).sum() == (columns if rows < 9 else 0) + (rows if columns < 9 else 0)
    assert (canvas[rows + 1 :] == PAD).all()


@pytest.mark.parametrize(
    "symbols", [("0", "1"), ("10", "7"), (" ", "#"), ("/", "a"), (",", "b"), ("-1", "3"), ("[", "x")]
)
def test_one_line_of_text_is_read_back_whatever_the_symbols(symbols):
    rng = np.random.default_rng(0)
    for spec in (GridSpec(symbols, rows=2, columns=3), GridSpec(symbols, rows=3, columns=4, sizes="marked")):
        task = Grids(spec)
        for shape in [(2, 3)] if spec.sizes == "one" else [(2, 3), (1, 4), (3, 1), (2, 2), (1, 1)]:
            tokens = task.parse(json.dumps(rng.choice(symbols, shape).tolist()))
            text = task.format(tokens)
            assert "\n" not in text
            assert (task.parse(text) == tokens).all()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("ab/cd", ["ab", "cd"]),
        ("ab\ncd\n", ["ab", "cd"]),
        ("abcd", ["ab", "cd"]),
        ("abc", ["abc"]),
        ("abcd/", ["abcd"]),
        ("#  #", ["# ", " #"]),
        ("a b c d e", ["abcde"]),
        ('["ab", "cd"]', ["ab", "cd"]),
    ],
)
def test_text_is_read_as_the_documents_say(text, rows):
    assert grid_of_text(text) == [list(row) for row in rows]


def test_lines_of_different_lengths_are_rows_and_not_squares(tmp_path):
    (tmp_path / "rows.csv").write_text("input,output\nabcd,dcba\nabc,cba\n")
    assert read_grid_file(tmp_path / "rows.csv").inputs.shapes.tolist() == [[1, 4], [1, 3]]
    (tmp_path / "squares.csv").write_text("input,output\nabcd,dcba\nabca,acba\n")
    assert read_grid_file(tmp_path / "squares.csv").inputs.shapes.tolist() == [[2, 2], [2, 2]]


def test_ratings_and_names_are_kept(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", mirrored(4, (2, 2)), rating=[3, 0, 1, 2], id=["a", "b", "c", "d"])
    puzzles = task_of(grid_config(path)).read(path)
    assert puzzles.ratings.tolist() == [3, 0, 1, 2]
    assert puzzles.sources == ("a", "b", "c", "d")


# Refusals


def refusal(path, test=None, **settings) -> str:
    path = Path(path)
    with pytest.raises(ValueError, match=path.name if test is None else Path(test).name) as error:
        facts_of(grid_config(str(path), None if test is None else str(test), **settings))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"input": [[1, 2], [3]], "output": [[1]]}'], "line 1: input: ragged: row 1 has 2 cells, row 2 has 1"),
        (['{"input": [[1]]', "[]"], "line 1: not JSON"),
        (["[1]"], "line 1: expected an object with input and output, got [1]"),
        (['{"inptu": [[1]], "output": [[1]]}'], "line 1: no input; its keys are inptu, output"),
        (['{"input": [[1]]}', '{"input": [[2]], "output": [[2]]}'], "line 1: no output"),
        (['{"input": [[1.5]], "output": [[1]]}'], "line 1: input: cell 1.5 at row 1 column 1: expected an integer or"),
        (['{"input": [[true]], "output": [[1]]}'], "cell true at row 1 column 1"),
        (['{"input": [1, 2], "output": [[1]]}'], "line 1: input: expected a list of rows, got [1, 2]"),
        (['{"input": [], "output": [[1]]}'], "line 1: input: the grid is empty"),
        (['{"input": [["a long symbol, very long"]], "output": [[1]]}'], "expected 1 to 16 characters"),
        (["", ""], "no example in it"),
        (['{"input": [[1]], "output": [[1]], "split": "dev"}'], "line 1: split must be train or test: got 'dev'"),
        (['{"input": [[1]], "output": [[1]], "split": "test"}'], "no example to train on"),
        (['{"input": [[1]], "output": [[1]], "split": "train"}'], "no example to test on"),
        (['{"input": [[1]], "output": [[1]], "rating": "hard"}'], "line 1: rating must be a whole number from 0, got 'hard'"),
        (['{"input": [[1]], "output": [[1]]}'] * 3, "all its questions are equal: none can be held out"),
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
        ({"x": np.zeros(3)}, "expected arrays inputs and outputs, got x"),
        ({"inputs": GRIDS[:, 0], "outputs": GRIDS[:, 0]}, "inputs must be integers or texts of shape (2, rows, columns): got"),
        ({"inputs": GRIDS * 1.0, "outputs": GRIDS * 1.0}, "got float64 (2, 2, 2)"),
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


def test_all_problems_of_a_file_are_told_together(tmp_path):
    (tmp_path / "bad.jsonl").write_text("nonsense\n" * 8)
    said = refusal(tmp_path / "bad.jsonl")
    assert "line 1: " in said
    assert "line 5: " in said
    assert "and 3 more problems" in said


def test_a_symbol_or_size_that_training_does_not_show_is_refused_in_test_data(tmp_path):
    train = write_jsonl(tmp_path / "train.jsonl", mirrored(20, (2, 2)))
    strange = write_jsonl(tmp_path / "strange.jsonl", [([[0, 1], [7, 1]], [[1, 0], [1, 7]])])
    assert "strange.jsonl, line 1: input holds '7', which no training grid does" in refusal(train, strange)
    data = grid_config(train)
    large = write_jsonl(tmp_path / "large.jsonl", mirrored(2, (2, 3)))
    with pytest.raises(PuzzleError, match="line 1: input is 2x3: every grid must be 2x2, as in the training data"):
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


# Symmetries


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


# Rules


@pytest.fixture
def rules(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules_for_test.py").write_text(
        "def mirror(question, answer):\n    return [row[::-1] for row in question] == answer\n"
        "def reasons(question, answer):\n    return [] if mirror(question, answer) else ['no mirror image']\n"
        "def confused(question, answer):\n    return 'yes'\n"
        "constant = 3\n"
    )


def test_a_checker_judges_answers_as_rows_of_cells(rules, tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(20)))
    for name, reason in (("mirror", "the rules refuse the answer"), ("reasons", "no mirror image")):
        task = Grids(data.grid, check=f"rules_for_test:{name}")
        assert task.has_rules
        question = task.parse("[[0, 1, 2]]")
        assert task.check(question, task.parse("[[2, 1, 0]]")).valid
        assert task.check(question, question).reasons == (reason,)
        torn = task.parse("[[2, 1, 0]]")
        torn[0] = END
        assert task.check(question, torn).reasons == ("the answer is no grid: an end mark stands inside it",)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("rules_for_test", "expected module:function"),
        ("rules_for_test:nothing", "has no attribute 'nothing'"),
        ("no_such_rules:f", "No module named 'no_such_rules'"),
        ("rules_for_test:constant", "is no function"),
        ("rules_for_test:confused", "must return True, False or a list of reasons: got 'yes'"),
    ],
)
def test_a_checker_that_cannot_be_used_is_refused(rules, check, message, tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(20)))
    with pytest.raises(ValueError, match="check") as error:
        facts_of(DataConfig(task="grids", train=data.train, grid=data.grid, check=check))
    assert message in str(error.value)


def test_answers_that_the_rules_refuse_are_found_before_training(rules, tmp_path):
    pairs = mirrored(20)
    pairs[7] = ([[0, 1]], [[0, 1]])
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", pairs))
    data = DataConfig(task="grids", train=data.train, grid=data.grid, check="rules_for_test:reasons")
    with pytest.raises(PuzzleError, match="line 8: the checker refuses its answer: no mirror image"):
        task_of(data).load_split(data)


# Config and command line


def test_the_definition_of_the_task_survives_config_json(tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(20)), symmetries="flips")
    again = from_json(DataConfig, json.loads(json.dumps(to_json(data))))
    assert again == data
    with pytest.raises(ValueError, match=r"grid.symbols: expected a list of str, got \[1\]"):
        from_json(DataConfig, {"grid": {"symbols": [1], "rows": 1, "columns": 1}})
    with pytest.raises(
        ValueError, match="symmetries, structure and check are for --data FILE: task sudoku4 has its own"
    ):
        DataConfig(symmetries="flips")


def test_data_and_test_are_taken_out_of_the_arguments():
    assert take_files(["r", "--data", "a", "--data.max-test", "3", "--test=b"]) == (
        ("a", "b"),
        ["r", "--data.max-test", "3"],
    )
    assert take_files(["r", "--data.train", "a"]) == (None, ["r", "--data.train", "a"])
    for args in (["--data"], ["--data", "--out"], ["--test", "b"]):
        with pytest.raises(ValueError, match=r"--(data|test)"):
            take_files(args)


def one_line(capsys) -> str:
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ponderling:")]
    return line


def test_train_eval_and_solve_from_a_file_of_grids(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_jsonl(tmp_path / "my.jsonl", mirrored(60))
    assert main(["train", "--data", path, "--data.symmetries", "flips", "--json", *TINY]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["recipe"] == "grid"
    assert "sizes differ: canvas 3x4 with end marks; symbols 0 1 2; 5 tokens; symmetries flips" in captured.err
    assert "test: one question in 10, held out at random" in captured.err
    assert main(["eval", "runs/my", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["puzzles"] == result["test"]["puzzles"] <= 6
    assert figures["valid"] is None
    # the training file is no test: of it only what was held out counts
    assert main(["eval", "runs/my", "--data", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exact"] == figures["exact"]
    assert main(["solve", "runs/my", "[[0, 1], [2, 0]]", "--json"]) == 0
    solved = json.loads(capsys.readouterr().out)
    assert solved["question"] == "01/20"
    assert solved["valid"] is None
    (tmp_path / "ask.jsonl").write_text('{"input": [[0, 1]]}\n{"input": ["12"]}\n')
    assert main(["solve", "runs/my", "ask.jsonl"]) == 0
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["01/", "12/"]
    assert main(["eval", "runs/my", "--data", "ask.jsonl"]) == 2
    assert "ask.jsonl, line 1: no output; line 2: no output" in one_line(capsys)
    assert main(["solve", "runs/my", "[[0, 7]]"]) == 2
    assert one_line(capsys) == "ponderling: input holds '7', which no training grid does"
    assert main(["train", "--data", path, "--resume", "--json", *TINY]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 6


def test_a_recipe_gives_its_model_to_a_file_of_grids_and_a_test_file_is_used(tmp_path, capsys, rules):
    pairs = mirrored(30, (2, 3))
    train = write_jsonl(tmp_path / "train.jsonl", pairs[:20])
    test = write_jsonl(tmp_path / "test.jsonl", pairs[20:])
    args = [
        "train",
        "sudoku4",
        "--data",
        train,
        "--test",
        test,
        "--data.check",
        "rules_for_test:mirror",
        "--out",
        "run",
    ]
    assert main([*args, "--json", *TINY]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["recipe"], result["test"]["puzzles"]) == ("sudoku4", 10)
    assert result["test"]["valid"] is not None
    config = json.loads((tmp_path / "run" / "last" / "config.json").read_text())
    assert config["config"]["data"]["test"] == test
    assert config["config"]["model"]["mixer"] == "mlp"


def test_inspect_tells_of_grids_and_still_of_sudokus(tmp_path, capsys):
    from ponderling.tasks import get_task

    pairs = mirrored(20, (2, 2))
    path = write_jsonl(
        tmp_path / "a.jsonl", [*pairs, (pairs[0][0], [[0, 0], [0, 0]])], split=["train"] * 15 + ["test"] * 5 + ["train"]
    )
    assert main(["data", "inspect", path, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["train"]["examples"], facts["test"]["examples"]) == (16, 5)
    assert facts["train"]["repeated_questions"] == facts["train"]["questions_with_several_answers"] == 1
    assert facts["split"] == "test: as the file says"
    sudoku = get_task("sudoku4")
    sudoku.write(tmp_path / "s.csv", sudoku.load_default("test")[:9])
    for task, expected in ((None, "sudoku4"), ("grids", "grids")):
        assert main(["data", "inspect", str(tmp_path / "s.csv"), "--json", *(["--task", task] if task else [])]) == 0
        assert json.loads(capsys.readouterr().out)["task"] == expected
    (tmp_path / "maze.csv").write_text("question,answer\n" + "".join(f"{q},{q}\n" for q in ["#  #", "  ##", "## #"]))
    assert main(["data", "inspect", str(tmp_path / "maze.csv")]) == 0
    assert "every grid 2x2; symbols ' ' #" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "--data", "nowhere.jsonl"], "nowhere.jsonl"),
        (["train", "sudoku44", "--data", "nowhere.jsonl"], "unknown recipe 'sudoku44'"),
        (["train", "a_module:Thing", "--data", "b.jsonl"], "a_module:Thing is a task, and --data FILE another"),
        (["train", "--data"], "expected a file or folder of grids after --data"),
        (["train", "sudoku4", "--data.symmetries", "flips"], "symmetries, structure and check are for --data FILE"),
        (["train", "--out", "x"], "expected a recipe before --out, or --data FILE"),
    ],
)
def test_mistakes_are_one_line(args, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    assert message in one_line(capsys)


def test_load_test_reads_another_file_whole(tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(30, (2, 2))))
    other = write_jsonl(tmp_path / "b.jsonl", mirrored(7, (2, 2), seed=9))
    assert len(task_of(data).load_test(data, other)) == 7
    assert len(task_of(data).load_test(data, "default")) == 3


def test_end_marks_are_no_cells_that_may_be_right(tmp_path):
    """A label of one cell on a canvas of 3x3: an answer that has the marks right, and the cell wrong, has no right cell."""
    rng = np.random.default_rng(0)
    lines = [{"input": rng.integers(0, 2, (3, 3)).tolist(), "output": [[int(rng.integers(2, 5))]]} for _ in range(40)]
    path = tmp_path / "label.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    assert main(["train", "--data", str(path), "--train.steps", "3", "--out", str(tmp_path / "run")]) == 0
    solver = Solver.load(tmp_path / "run")
    assert solver.task.end_mark == END
    puzzles = solver.task.read(path)
    full = evaluate(solver, puzzles, steps=2)
    assert isinstance(full, Evaluation)
    symbols = puzzles.labels > END
    assert symbols.sum() == 40
    wrong = np.where(symbols, 1 + puzzles.labels % 5 + END, puzzles.labels)
    assert (wrong != puzzles.labels)[symbols].all()
    assert dataclasses.replace(full, full=wrong).cells == 0
    assert dataclasses.replace(full, early=wrong).early_exit.cells == 0
    assert dataclasses.replace(full, full=puzzles.labels).cells == 1
    found = evaluate(solver, puzzles, steps=2, search=Search())
    assert isinstance(found, SearchEvaluation)
    assert found.end_mark == END
