"""Files of grids in every format: what was written is what is read, as tokens and as text."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest

from own_grids import decoded, mirrored, write_jsonl
from ponderling.cli import main
from ponderling.data import grid_config, task_of
from ponderling.tasks.base import PAD
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.spec import END, GridSpec
from ponderling.tasks.custom.text_form import grid_of_text


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


@pytest.mark.parametrize(
    "names",
    [("Input", "Output"), ("x", "y"), ("X", "Y"), ("source", "target"), ("before", "after"), ("puzzle", "solution")],
)
def test_other_names_of_question_and_answer_are_known_in_every_format(names, tmp_path):
    pairs = mirrored(30, (2, 3))
    expected = read_grid_file(as_jsonl(tmp_path / "ours", pairs))
    lines = [json.dumps(dict(zip(names, pair, strict=True))) for pair in pairs]
    (tmp_path / "theirs.jsonl").write_text("\n".join(lines))
    as_csv(tmp_path / "theirs", pairs, header=names)
    np.savez(tmp_path / "theirs.npz", **{name: [pair[i] for pair in pairs] for i, name in enumerate(names)})  # pyright: ignore
    for suffix in (".jsonl", ".csv", ".npz"):
        file = read_grid_file(tmp_path / f"theirs{suffix}")
        for side in ("inputs", "outputs"):
            own, theirs = getattr(expected, side), getattr(file, side)
            assert [expected.symbols[code] for code in own.codes] == [file.symbols[code] for code in theirs.codes]


def test_a_question_has_the_answer_of_its_own_pair_of_names(tmp_path):
    """Here x and y are something else, and the source of a pair is its name only where it is not the question."""
    (tmp_path / "a.jsonl").write_text('{"x": 5, "y": 6, "question": [[1]], "answer": [[2]]}\n')
    assert read_grid_file(tmp_path / "a.jsonl").symbols == ("1", "2")
    (tmp_path / "b.csv").write_text("source,question,answer\nbook,1/,2/\n")
    assert read_grid_file(tmp_path / "b.csv").names == ("book",)
    (tmp_path / "c.csv").write_text("source,target\n1/,2/\n")
    assert read_grid_file(tmp_path / "c.csv").names is None


@pytest.mark.parametrize(("separator", "name"), [(";", "a.csv"), ("\t", "a.csv"), ("|", "a.csv"), ("\t", "a.tsv")])
def test_the_columns_of_a_csv_are_parted_by_its_header(separator, name, tmp_path, capsys):
    rows = [("input", "output"), ("01/20", "10/02"), ("11/20", "11/02")]
    (tmp_path / name).write_text("".join(f"{separator.join(row)}\n" for row in rows))
    file = read_grid_file(tmp_path / name)
    assert "".join(file.symbols[code] for code in file.inputs.codes) == "01201120"
    assert main(["data", "inspect", str(tmp_path / name)]) == 0
    assert "every grid 2x2; symbols 0 1 2" in capsys.readouterr().out


def test_lines_of_json_may_be_called_ndjson(tmp_path):
    path = as_jsonl(tmp_path / "a", mirrored(30, (2, 3)))
    assert len(read_grid_file(path.rename(tmp_path / "a.ndjson"))) == 30


def test_an_npz_of_whole_floats_is_one_of_integers_and_no_sudoku(tmp_path, capsys):
    """Names that Sudokus have, too, are of grids where the answers are none of a Sudoku."""
    grids = np.random.default_rng(0).integers(1, 5, (30, 4, 4))
    np.savez(tmp_path / "a.npz", puzzle=grids.astype(np.float32), solution=grids[:, ::-1].astype(np.float32))
    assert main(["data", "inspect", str(tmp_path / "a.npz")]) == 0
    assert "every answer is its question mirrored upside down" in capsys.readouterr().out
