"""Anyone's grids as one JSON document, and in a folder: what is taken for examples, and what for something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ponderling.cli import main
from ponderling.data import grid_config, task_of
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.files import read_grid_file

MIRROR = [
    ([[a, b, 3], [c, 3, 0]], [[3, b, a], [0, 3, c]]) for a in range(3) for b in range(3) for c in range(3)
]  # left and right exchanged; 27 pairs of 2x3
PAIRS = [{"input": x, "output": y} for x, y in MIRROR]

FORMS: dict[str, Any] = {
    "list": PAIRS,
    "list of pairs": MIRROR,
    "other names": [{"Question": x, "Answer": y} for x, y in MIRROR],
    "wrapped": {"name": "mirror", "version": 2, "examples": PAIRS},
    "columns": {"inputs": [x for x, _ in MIRROR], "outputs": [y for _, y in MIRROR]},
    "columns in the singular": {"input": [x for x, _ in MIRROR], "output": [y for _, y in MIRROR]},
    "by name": {f"m{i}": pair for i, pair in enumerate(PAIRS)},
    "texts": [{side: ["".join(map(str, row)) for row in grid] for side, grid in pair.items()} for pair in PAIRS],
    "columns of texts": {
        side: ["/".join("".join(map(str, row)) for row in pair[side[:-1]]) for pair in PAIRS]
        for side in ("inputs", "outputs")
    },
    "columns of lists of texts": {
        f"{side}s": [["".join(map(str, row)) for row in pair[side]] for pair in PAIRS] for side in ("input", "output")
    },
}


def output(capsys: Any, *args: Any) -> str:
    """What a command prints on stdout; it must succeed."""
    assert main([str(arg) for arg in args]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def error(capsys: Any, *args: Any) -> str:
    """What a command that fails prints on stderr."""
    assert main([str(arg) for arg in args]) == 2
    return capsys.readouterr().err


def written(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def pairs_of(path: Path) -> list[tuple[Any, Any]]:
    """The grids of a file as lists of rows of numbers."""
    file = read_grid_file(path)
    found: list[list[Any]] = []
    for side in (file.inputs, file.outputs):
        grids = []
        for i, (rows, columns) in enumerate(side.shapes.tolist()):
            cells = [int(file.symbols[code]) for code in side.codes[side.starts[i] : side.starts[i + 1]]]
            grids.append([cells[row * columns : (row + 1) * columns] for row in range(rows)])
        found.append(grids)
    return list(zip(*found, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_one_document_holds_the_examples_in_any_of_these_ways(tmp_path, form):
    assert pairs_of(written(tmp_path / "mine.json", FORMS[form])) == MIRROR


@pytest.mark.parametrize("form", FORMS)
def test_inspect_takes_it_for_grids(tmp_path, capsys, form):
    path = written(tmp_path / "mine.json", FORMS[form])
    assert "every grid 2x3; symbols 0 1 2 3" in output(capsys, "data", "inspect", path)


def test_an_object_in_each_line_is_read_under_the_wrong_ending(tmp_path, capsys):
    path = tmp_path / "mine.json"
    path.write_text("\n\n".join(map(json.dumps, PAIRS)) + "\n", encoding="utf-8")
    assert pairs_of(path) == MIRROR
    assert "every grid 2x3; symbols 0 1 2 3" in output(capsys, "data", "inspect", path)
    path.write_text(json.dumps(PAIRS[0]) + "\n{broken\n", encoding="utf-8")
    with pytest.raises(PuzzleError, match=r"mine.json, line 2: not JSON"):
        read_grid_file(path)
    path.write_text(json.dumps(PAIRS, indent=1), encoding="utf-8")
    assert pairs_of(path) == MIRROR


def test_names_of_examples_are_kept(tmp_path):
    file = read_grid_file(written(tmp_path / "mine.json", FORMS["by name"]))
    assert file.names is not None
    assert file.names[3] == "m3"


def test_one_example_alone_is_one_and_not_columns(tmp_path):
    assert pairs_of(written(tmp_path / "one.json", PAIRS[5])) == MIRROR[5:6]
    texts = {"input": ["120", "340"], "output": ["021", "043"]}
    assert pairs_of(written(tmp_path / "texts.json", texts)) == [
        ([[1, 2, 0], [3, 4, 0]], [[0, 2, 1], [0, 4, 3]]),
    ]


def test_the_parts_of_a_document_are_its_split(tmp_path):
    path = written(tmp_path / "parts.json", {"train": PAIRS[:21], "test": PAIRS[21:]})
    parts = task_of(data := grid_config(str(path))).load_split(data)
    assert len(parts.test) == 6
    assert pairs_of(path) == MIRROR
    path = written(tmp_path / "said.json", {"train": [PAIRS[0] | {"split": "test"}, *PAIRS]})
    with pytest.raises(PuzzleError, match=r'said.json, example 1: its split is "test", and it stands in train'):
        read_grid_file(path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], r"mine.json: no example in it"),
        (
            [[1, 2]],
            r"mine.json: expected a list of objects with input and output, or question and answer, or one in each of",
        ),
        ({"train": PAIRS, "test": 3}, r"mine.json: expected a list of objects"),
        ({"a": PAIRS[:2], "b": PAIRS[2:]}, r"mine.json: expected a list of objects"),
        ({"inputs": [MIRROR[0][0]], "outputs": []}, r"mine.json: has 1 of inputs, and 0 of outputs"),
        ([PAIRS[0], 7], r"mine.json, example 2: expected an object with input and output, got 7"),
        ([{"a": 1}], r"mine.json, example 1: no input; its keys are a: name them"),
        (
            {"007bbfb7": {"train": PAIRS[:2], "test": PAIRS[2:3]}},
            r"mine.json: holds ARC tasks, not examples; `ponderling train arc10",
        ),
        ([*PAIRS[:2], {"input": [[1, 2], [3]], "output": [[1]]}], r"mine.json, example 3: input: "),
        ("text", r"mine.json: expected a list of objects"),
    ],
)
def test_what_is_no_such_document_is_refused_in_a_line(tmp_path, value, said):
    with pytest.raises(PuzzleError, match=said) as caught:
        read_grid_file(written(tmp_path / "mine.json", value))
    assert "\n" not in str(caught.value)


def test_arc_tasks_and_sudokus_are_still_told_apart(tmp_path, capsys):
    arc = {"train": PAIRS[:3], "test": PAIRS[3:4]}
    for name, value in (("turn.json", arc), ("set.json", {"aa": arc, "bb": arc}), ("007bbfb7.json", PAIRS)):
        assert "demonstration pairs" in output(capsys, "data", "inspect", written(tmp_path / name, value))
    answer = [[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]]
    puzzle = [answer[0], [3, 4, 0, 2], *answer[2:]]
    sudokus = written(tmp_path / "sudokus.json", [{"puzzle": puzzle, "solution": answer}])
    assert "sudoku4" in output(capsys, "data", "inspect", sudokus)
    others = [{"puzzle": [[a, 0, 3, b], *puzzle[1:]], "solution": puzzle[::-1]} for a in (1, 2) for b in (1, 4)]
    assert "every grid 4x4" in output(capsys, "data", "inspect", written(tmp_path / "other.json", others * 6))


LATIN = [[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]]


def lines_of(pairs: list[dict[str, Any]], ending: str) -> str:
    """Pairs of puzzle and solution as JSON lines, or as a CSV."""
    if ending == ".jsonl":
        return "\n".join(map(json.dumps, pairs))
    rows = [
        ",".join("".join(str(cell) for row in pair[name] for cell in row) for name in ("puzzle", "solution"))
        for pair in pairs
    ]
    return "\n".join(["puzzle,solution", *rows])


@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
def test_questions_that_no_sudoku_can_have_are_anyones_grids(tmp_path, capsys, ending):
    """None of them has a whole answer that fits. Where one has, what is wrong with another is told."""
    path = tmp_path / f"mine{ending}"
    grids = [{"puzzle": [[1, 1, cell, 0], *LATIN[1:]], "solution": LATIN} for cell in (1, 2, 3, 4)]
    blanks = 4 * [0]
    ones = [
        {"puzzle": [row, blanks, blanks, blanks], "solution": [4 * [1], row, row, row]}
        for row in ([0, 0, 0, 1], [0, 1, 0, 0])
    ]
    for pairs in (grids * 5, ones * 5):
        path.write_text(lines_of(pairs, ending), encoding="utf-8")
        assert "every grid 4x4" in output(capsys, "data", "inspect", path)
    sudokus = [{"puzzle": [[0, *LATIN[0][1:]], *LATIN[1:]], "solution": LATIN}] * 5
    path.write_text(lines_of([*sudokus, grids[0]], ending), encoding="utf-8")
    assert "the answer does not fit the question" in error(capsys, "data", "inspect", path)


def test_a_folder_of_two_files_is_trained_on_and_tested(tmp_path, capsys):
    folder = tmp_path / "mirror"
    written(folder / "train.json", PAIRS[:21])
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, PAIRS[21:])), encoding="utf-8")
    (folder / "README.md").write_text("Mirrored grids.", encoding="utf-8")
    said = output(capsys, "data", "inspect", folder)
    assert "train: 21 examples" in said
    assert "test: 6 examples" in said
    data = grid_config(str(folder))
    assert (data.train, data.test) == (str(folder / "train.json"), str(folder / "test.jsonl"))
    assert grid_config(str(folder / "train.json"), str(folder)).test == str(folder / "test.jsonl")
    shutil.copy(folder / "train.json", folder / "train.ndjson")
    assert "holds train.json and train.ndjson: name one with --data" in error(capsys, "data", "inspect", folder)


@pytest.mark.slow
def test_a_folder_is_trained_on_evaluated_and_solved(tmp_path, capsys):
    folder, run = tmp_path / "mirror", tmp_path / "run"
    written(folder / "train.json", PAIRS[:21])
    written(folder / "test.json", {"inputs": [x for x, _ in MIRROR[21:]], "outputs": [y for _, y in MIRROR[21:]]})
    options = ["--train.steps", "200", "--train.ema-rate", "0.9", "--run.threads", "1", "--out", run]
    output(capsys, "train", "--data", folder, *options)
    said = json.loads(output(capsys, "eval", run, "--data", folder, "--json"))
    assert said["puzzles"] == 6
    solved = [line.split(",")[:2] for line in output(capsys, "solve", run, folder / "test.json").splitlines()]
    expected = [["/".join("".join(map(str, row)) for row in grid) for grid in pair] for pair in MIRROR[21:]]
    assert [question for question, _ in solved] == [question for question, _ in expected]
    right = sum(pair == other for pair, other in zip(solved, expected, strict=True))
    assert 0 < right == round(6 * said["early_exit"]["exact"])


def test_columns_keep_the_split_the_names_and_the_ratings(tmp_path):
    columns = {
        "id": [f"m{i}" for i in range(27)],
        "split": 20 * ["train"] + 7 * ["test"],
        "rating": [*range(27)],
        "input": [x for x, _ in MIRROR],
        "output": [y for _, y in MIRROR],
    }
    path = written(tmp_path / "mine.json", columns)
    file = read_grid_file(path)
    assert file.is_test is not None
    assert file.is_test.tolist() == 20 * [False] + 7 * [True]
    assert file.names is not None
    assert file.names[26] == "m26"
    assert file.ratings is not None
    assert file.ratings.tolist() == [*range(27)]
    with pytest.raises(PuzzleError, match=r"mine.json: has 27 of input, and 2 of split"):
        read_grid_file(written(path, columns | {"split": ["train", "test"]}))


def test_columns_of_texts_with_rows_in_them_are_several_whatever_their_name(tmp_path):
    texts = {side: ["/".join("".join(map(str, row)) for row in p[side]) for p in PAIRS] for side in ("input", "output")}
    parts = {
        "train": {side: part[:20] for side, part in texts.items()},
        "test": {side: part[20:] for side, part in texts.items()},
    }
    path = written(tmp_path / "mine.json", parts)
    assert pairs_of(path) == MIRROR
    assert read_grid_file(path).is_test is not None


def test_one_grid_of_words_is_one_grid(tmp_path):
    words = {"input": [["red", "tan"], ["tan", "red"]], "output": [["tan", "red"], ["red", "tan"]]}
    assert set(read_grid_file(written(tmp_path / "mine.json", words)).symbols) == {"red", "tan"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"train": PAIRS, "validation": PAIRS[:2], "test": PAIRS[2:]},
            "has validation beside train and test: leave it out",
        ),
        ({"easy": PAIRS, "hard": MIRROR}, "expected a list of objects"),
    ],
)
def test_nothing_of_a_document_is_left_out_without_a_word(tmp_path, value, said):
    with pytest.raises(PuzzleError, match=said):
        read_grid_file(written(tmp_path / "mine.json", value))


def test_parts_have_their_split_beside_facts_and_alone(tmp_path):
    file = read_grid_file(written(tmp_path / "a.json", {"name": "mirror", "train": PAIRS[:21], "test": PAIRS[21:]}))
    assert file.is_test is not None
    assert file.is_test.sum() == 6
    file = read_grid_file(written(tmp_path / "b.json", {"test": PAIRS}))
    assert file.is_test is not None
    assert file.is_test.all()


def test_folders_with_further_parts_and_of_arc_tasks(tmp_path, capsys):
    for name, pairs in (("Train.json", PAIRS[:21]), ("validation.json", PAIRS[21:])):
        written(tmp_path / "parts" / name, pairs)
    assert "holds validation.json, too: name the files to use with --data and --test" in error(
        capsys, "data", "inspect", tmp_path / "parts"
    )
    (tmp_path / "parts" / "validation.json").rename(tmp_path / "parts" / "Testing.json")
    assert "Testing.json" in output(capsys, "data", "inspect", tmp_path / "parts")
    for i, name in enumerate(("train.json", "test.json")):
        written(
            tmp_path / "arc" / name,
            {f"{i}a1b2c3d": {"train": PAIRS[4 * i : 4 * i + 3], "test": PAIRS[4 * i + 3 : 4 * i + 4]}},
        )
    assert "2 tasks" in output(capsys, "data", "inspect", tmp_path / "arc")


def test_few_sudokus_in_parts_are_no_arc_task(tmp_path, capsys):
    puzzle = [[0, *LATIN[0][1:]], *LATIN[1:]]
    value = {"train": 5 * [{"input": puzzle, "output": LATIN}], "test": 3 * [{"input": puzzle, "output": LATIN}]}
    assert "sudoku4" in output(capsys, "data", "inspect", written(tmp_path / "mine.json", value))
