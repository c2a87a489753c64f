"""What a file is taken for: ARC tasks, grids or puzzles by its content; and what is said of one that nothing reads."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ponderling.cli import main
from ponderling.cli.data.sniff import guess_task, holds_arc, holds_grids
from ponderling.tasks.arc.files import read_tasks
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.json_shape import described
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.maze import Maze
from ponderling.tasks.sudoku import SUDOKUS
from test_written import NINE, OTHER, PUZZLE, SOLUTION, rows_of

OTHER_SOLUTION = NINE.format(NINE.find_answer(NINE.parse(OTHER)))
BOARD, ANSWER = (
    [[int(cell) for cell in row] for row in rows_of(cells.replace(".", "0"))] for cells in (PUZZLE, SOLUTION)
)
MAZE = ["#######", "#S  # #", "# #   #", "# # #G#", "#######"]
SOLVED = ["#######", "#Soo# #", "# #ooo#", "# # #G#", "#######"]
NUMBERS = [[{"#": 1, " ": 0, "S": 2, "G": 3}[cell] for cell in row] for row in MAZE]
WALLS = [[int(cell == 1) for cell in row] for row in NUMBERS]


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def said_of(capsys: Any, path: Path, *options: str) -> str:
    """The one line with which `data inspect` refuses a file."""
    assert main(["data", "inspect", str(path), *options]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert str(path) in err
    return err


def pair(number: int, side: int = 3) -> dict[str, Any]:
    grids = ([[(number + i + j + more) % 10 for j in range(side)] for i in range(side)] for more in (0, 1))
    return dict(zip(("input", "output"), grids, strict=True))


def task(number: int) -> dict[str, Any]:
    return {"train": [pair(number), pair(number + 2)], "test": [pair(number + 3)]}


# What nothing reads


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "an empty list"),
        ({}, "an empty object"),
        (3, "the value 3"),
        (None, "the value null"),
        ("hello", 'a text "hello"'),
        ([1, 2], "a list of 2 numbers"),
        (["a"], "a list of 1 texts"),
        ([None, True], "a list of 2 values true, false or null"),
        ([1, "a", {}], "a list of 3 values of several kinds"),
        ([[1, 2], [3, 9]], "2 rows of 2 cells, numbers from 1 to 9"),
        ([[1, 2], [3]], "2 rows of 1 to 2 cells: row 2 has 1, row 1 has 2"),
        ([[[1]], [[2]]], "a list of 2 lists of lists"),
        ([{"name": "x"}, {"name": "y"}], "a list of 2 objects, the first of which is an object with the key name"),
        (
            {"a": [{"b": 1}], "c": 2},
            "an object with the keys a, c; a is a list of 1 object like an object with the key b",
        ),
        ({str(i): i for i in range(9)}, "an object with the keys 0, 1, 2, 3, 4 and 4 more"),
    ],
)
def test_a_document_of_no_form_is_described(value, words, tmp_path, capsys):
    assert described(value) == words
    said = said_of(capsys, written(tmp_path / "a.json", json.dumps(value)))
    assert f"JSON in a form that is not read: {words}. Expected" in said
    assert "docs/sudoku.md" in said
    assert "task id" not in said


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[1,2,]", "a comma is before a closing bracket"),
        ('{"a": 1,\n}', "a comma is before a closing bracket"),
        ("[1],", "a comma follows the value"),
        ("[1]\n[2]", "another value follows the first"),
        ('{"a": "b', "is it cut off"),
        ("[[1, 2], [3", "is it cut off"),
        ("{'a': 1}", "need double quotes"),
        (" ", "it is empty"),
    ],
)
def test_what_is_wrong_with_text_that_is_nearly_json_is_told(text, hint):
    with pytest.raises(JsonError, match=f"^not JSON: .*: .*{hint}"):
        parse_json(text)


PICTURE = "it is a picture: write what it shows as text"
OFFICE = "it is a document of an office program: save it as"
FOREIGN = {
    "a.png": (b"\x89PNG\r\n\x1a\n\0", PICTURE),
    "a.gif": (b"GIF89a\0", PICTURE),
    "a.bmp": (b"BM\x36\x10\0\0\0\0\0\0\x36", PICTURE),
    "a.tiff": (b"II*\0\x08", PICTURE),
    "a.webp": (b"RIFF\x10\0\0\0WEBPVP8 ", PICTURE),
    "a.pbm": ("P1\n# by hand\n7 5\n1 1 1 1 1 1 1\n", PICTURE),
    "a.pgm": (b"P5\n7 5\n255\n\0\xff", PICTURE),
    "a.svg": ('<?xml version="1.0"?>\n<!-- mine -->\n<svg xmlns="x"></svg>', PICTURE),
    "a.html": ("<!DOCTYPE html>\n<html><table><tr><td>5</td></tr></table></html>", "it is a web page: copy the cells"),
    "table.html": ("<table><tr><td>5</td></tr></table>", "it is a web page: copy the cells"),
    "a.rtf": ("{\\rtf1\\ansi 53..7....}", OFFICE),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OFFICE),
    "a.feather": (b"ARROW1\0\0", "save it as CSV"),
    "a.h5": (b"\x89HDF\r\n\x1a\n", "save its arrays with np.savez"),
    "a.pkl": (b"\x80\x04\x95\0", "a pickle, which may run code"),
    "a.mat": (b"MATLAB 5.0 MAT-file\0", "save its arrays with np.savez"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_program_is_refused_with_what_to_do(name, tmp_path, capsys):
    content, message = FOREIGN[name]
    path = written(tmp_path / name, content)
    assert message in said_of(capsys, path)
    assert message in said_of(capsys, path, "--task", "maze5x7")
    with pytest.raises(
        PuzzleError, match=message if name not in ("a.xls", "a.pkl", "a.feather") else "a file of grids ends in"
    ):
        read_grid_file(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (["[Content_Types].xml", "xl/workbook.xml"], OFFICE),
        (["mimetype", "content.xml", "META-INF/manifest.xml"], OFFICE),
        (["net/data.pkl", "net/version"], "a file of torch.save"),
    ],
)
def test_a_zip_archive_that_is_a_document_is_refused_with_what_to_do(members, message, tmp_path, capsys):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in members:
            archive.writestr(name, "x")
    assert message in said_of(capsys, written(tmp_path / "a.bin", held.getvalue()))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", f"{PUZZLE.replace('1', 'l')}\n", "'l' at row 2 column 4"),
        (
            "a.csv",
            f"puzzle,solution\n{PUZZLE.replace('.', 'O', 1)},{SOLUTION}\n",
            "row 2: question has 'O' at row 1 column 3",
        ),
        ("a.json", {"puzzle": PUZZLE.replace(".", "O", 1)}, "'O' at row 1 column 3 is not a symbol of sudoku9"),
        (
            "b.json",
            {"puzzle": [row[: 9 - (i == 4)] for i, row in enumerate(BOARD)]},
            "9 rows of 8 to 9 cells: row 5 has 8",
        ),
        ("c.json", {"sudoku": BOARD[:8]}, "sudoku is 8 rows of 9 cells, numbers from 0 to 9"),
        ("d.json", {"status": "solved", "solution": ANSWER}, "has solution alone, and no puzzle"),
        ("e.json", {"puzzle": BOARD, "cages": [{"sum": 3}]}, "has cages, which would change the rules"),
        ("f.json", WALLS, "a maze of numbers has one 2 for S and one 3 for G"),
        ("g.json", {"maze": [1, 0, 1], "start": 1}, "expected start as [row, column]"),
        (
            "two.txt",
            "\n".join(f"{PUZZLE[i : i + 9]} {SOLUTION[i : i + 9]}" for i in range(0, 81, 9)),
            "of 19 characters",
        ),
        ("a.xml", "<sudoku><row>530</row></sudoku>", "is XML, of which only OpenSudoku's files are read"),
        ("w.txt", "\n".join(MAZE).replace("#", "W"), "expected mazes with # for walls"),
        ("lines.txt", json.dumps({"input": [[1]], "output": [[2]]}), "let its name end in .json, or in .jsonl"),
        (
            "l.txt",
            "+--+--+--+--+--+\n|S a  |        |\n" + "+--+--+--+--+--+\n|     |     G  |\n+--+--+--+--+--+",
            "line",
        ),
    ],
)
def test_what_is_wrong_with_a_damaged_puzzle_is_told(name, content, message, tmp_path, capsys):
    said = said_of(capsys, written(tmp_path / name, content))
    assert message in said
    assert "mask" not in said


@pytest.mark.parametrize("row", [PUZZLE[:73], "5.3E+80"])
def test_a_question_that_is_too_short_is_told(row, tmp_path, capsys):
    path = written(tmp_path / "a.csv", f"question,answer\n{row},\n{PUZZLE},\n")
    assert f"row 2: question has {len(row)} characters, expected 81" in said_of(capsys, path)


def test_a_folder_without_examples_is_refused_with_what_it_holds(tmp_path, capsys):
    written(tmp_path / "one" / "a.json", {"puzzle": PUZZLE})
    assert "is a folder with a.json: expected files of grids called train and test" in said_of(capsys, tmp_path / "one")
    written(tmp_path / "two" / "data-00000-of-00001.arrow", b"ARROW1")
    assert "write it as JSON lines, with its method to_json(FILE)" in said_of(capsys, tmp_path / "two")
    assert main(["train", "--data", str(tmp_path / "two"), "--out", str(tmp_path / "run")]) == 2
    assert "write it as JSON lines" in capsys.readouterr().err


def test_a_maze_is_no_sudoku_without_a_word(tmp_path, capsys):
    path = written(tmp_path / "a.txt", "\n".join(MAZE))
    with pytest.raises(PuzzleError, match=r'no puzzle in it, whose first line is "#######"'):
        NINE.read(path)
    assert NINE.form_in(path) == ""


def test_mail_with_the_line_that_says_who_wrote_is_read(tmp_path):
    quoted = "".join(f"> {PUZZLE[i : i + 9]}\n" for i in range(0, 81, 9))
    path = written(tmp_path / "a.txt", f"On Monday, Ada wrote:\n{quoted}")
    assert [NINE.format(row) for row in guess_task(path).read(path).tokens] == [PUZZLE]


# ARC tasks


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt", "a.ndjson"])
@pytest.mark.parametrize("by_id", [False, True])
def test_arc_tasks_one_a_line_are_told_by_content(name, by_id, tmp_path):
    tasks = {"aaaa0001": task(1), "aaaa0002": task(2)}
    lines = [json.dumps({key: one} if by_id else {"id": key, **one}) for key, one in tasks.items()]
    path = written(tmp_path / name, "\n".join(lines) + "\n")
    assert holds_arc(str(path))
    assert list(read_tasks(path)) == list(tasks)


def test_an_id_in_two_lines_is_refused(tmp_path):
    path = written(tmp_path / "a.json", "\n".join([json.dumps({"aaaa0001": task(1)})] * 2))
    with pytest.raises(PuzzleError, match="task aaaa0001 is in two of value 1, value 2"):
        read_tasks(path)


def test_sets_of_tasks_by_name_are_arc_also_where_one_is_train(tmp_path):
    path = written(tmp_path / "a.json", {"train": {"aaaa0001": task(1)}, "eval": {"aaaa0002": task(2)}})
    assert holds_arc(str(path))
    assert list(read_tasks(path)) == ["aaaa0001", "aaaa0002"]


@pytest.mark.parametrize(
    ("name", "pairs", "is_arc"),
    [
        ("1234abcd.json", [pair(i) for i in range(5)], True),
        ("12345678.json", [pair(i) for i in range(5)], True),
        ("20240131.json", [pair(i) for i in range(5)], False),
        ("1234abcd.json", [{"input": [[10]], "output": [[1]]}], False),
        ("1234abcd.json", [{"input": [["a"]], "output": [["b"]]}], False),
        ("1234abcd.json", [{**pair(1), "id": 3}], False),
    ],
)
def test_pairs_under_an_id_are_re_arcs_only_with_its_content(name, pairs, is_arc, tmp_path):
    path = written(tmp_path / name, pairs)
    assert holds_arc(str(path)) == is_arc
    assert holds_grids(path) != is_arc


def test_a_further_part_beside_train_is_told(tmp_path):
    pairs = [pair(i) for i in range(4)]
    with pytest.raises(PuzzleError, match="has validation beside train: leave it out"):
        read_grid_file(written(tmp_path / "a.json", {"train": pairs, "validation": pairs}))


@pytest.mark.parametrize("value", [{"game_id": "ls20", "frame": [[[1]]]}, {"a": {"b": 1}}])
def test_the_arc_reader_says_what_came(value, tmp_path):
    with pytest.raises(PuzzleError, match="or one of such objects by task id, got an object with the key"):
        read_tasks(written(tmp_path / "a.json", value))


# Puzzles beside their answers


@pytest.mark.parametrize("board", [lambda cells: cells, rows_of])
@pytest.mark.parametrize("order", ["pairs", "lists", "one after another"])
def test_a_full_grid_beside_its_puzzle_is_no_puzzle(board, order, tmp_path):
    a, b, c, d = map(board, (PUZZLE, SOLUTION, OTHER, OTHER_SOLUTION))
    value = {"pairs": [[a, b], [c, d]], "lists": [[a, c], [b, d]], "one after another": [a, b, c, d]}[order]
    files = [written(tmp_path / "a.json", value)]
    if order == "pairs":
        files.append(written(tmp_path / "a.jsonl", "\n".join(map(json.dumps, value))))
    for path in files:
        puzzles = NINE.read(path)
        assert [NINE.format(row) for row in puzzles.tokens] == [PUZZLE, OTHER]
        assert [NINE.format(row) for row in puzzles.labels] == [SOLUTION, OTHER_SOLUTION]
    texts = NINE.texts_of(json.dumps(value).split("\n"))
    assert len(list(texts)) == 2


def test_a_full_grid_that_is_not_the_answer_beside_it_is_refused(tmp_path):
    with pytest.raises(PuzzleError, match="board 1: the full grid beside it is no answer to it"):
        NINE.read(written(tmp_path / "a.json", [PUZZLE, OTHER_SOLUTION]))
    assert len(NINE.read(written(tmp_path / "b.json", [SOLUTION, OTHER_SOLUTION]))) == 2
    assert len(NINE.read(written(tmp_path / "c.json", [PUZZLE, OTHER]))) == 2


def test_a_maze_with_its_path_after_the_same_one_without_is_its_answer(tmp_path):
    mazes = Maze(5, 7)
    for name, content in (("a.txt", "\n".join([*MAZE, "", *SOLVED])), ("a.json", [MAZE, SOLVED])):
        puzzles = mazes.read(written(tmp_path / name, content))
        assert [mazes.format(row) for row in puzzles.labels] == ["".join(SOLVED)]


# Tables and lists of other programs


def tables(first: str, second: str, rows: list[tuple[Any, Any]]) -> dict[str, Any]:
    """These examples as `DataFrame.to_json` writes them, and the Hub's viewer."""
    records = [{first: a, second: b} for a, b in rows]
    return {
        "columns": {name: {str(i): one[name] for i, one in enumerate(records)} for name in (first, second)},
        "split": {"columns": [first, second], "index": [*range(len(rows))], "data": [list(row) for row in rows]},
        "table": {"schema": {"fields": []}, "data": [{"index": i, **one} for i, one in enumerate(records)]},
        "viewer": {"features": [], "rows": [{"row_idx": i, "row": one} for i, one in enumerate(records)]},
    }


@pytest.mark.parametrize("form", ["columns", "split", "table", "viewer"])
def test_tables_in_json_are_read(form, tmp_path):
    grids = [(pair(i)["input"], pair(i)["output"]) for i in range(12)]
    path = written(tmp_path / "a.json", tables("input", "output", grids)[form])
    assert holds_grids(path)
    assert len(read_grid_file(path)) == 12
    path = written(
        tmp_path / "b.json", tables("quizzes", "solutions", [(PUZZLE, SOLUTION), (OTHER, OTHER_SOLUTION)])[form]
    )
    puzzles = guess_task(path).read(path)
    assert [NINE.format(row) for row in puzzles.tokens] == [PUZZLE, OTHER]


@pytest.mark.parametrize(
    "names",
    [("Input Grid", "Output Grid"), ("inputs", "targets"), ("query", "response"), ("src", "tgt"), ("input", "label"),
     ("image", "label"), ("features", "label"), ("state", "next_state"), ("input-text", "target-text"), ("inputs", "labels")],
)  # fmt: skip
def test_further_names_of_questions_and_answers(names, tmp_path):
    grids = [(pair(i)["input"], pair(i)["output"]) for i in range(12)]
    arrays: dict[str, Any] = dict(zip(names, map(np.array, zip(*grids, strict=True)), strict=True))
    np.savez(tmp_path / "a.npz", **arrays)
    written(tmp_path / "a.jsonl", "\n".join(json.dumps(dict(zip(names, grid, strict=True))) for grid in grids))
    texts = [["/".join("".join(map(str, row)) for row in grid) for grid in both] for both in grids]
    written(tmp_path / "a.csv", ",".join(names) + "\n" + "".join(f"{a},{b}\n" for a, b in texts))
    for name in ("a.npz", "a.jsonl", "a.csv"):
        assert len(read_grid_file(tmp_path / name)) == 12


def test_pairs_one_a_line_arrays_as_numpy_prints_them_and_comments_above_a_header(tmp_path):
    grids = [(pair(i)["input"], pair(i)["output"]) for i in range(12)]
    lines = written(tmp_path / "a.jsonl", "\n".join(map(json.dumps, grids)))
    rows = "\n".join(f'"{np.array(a)}","{np.array(b)}"' for a, b in grids)
    table = written(tmp_path / "a.csv", f"input,output\n{rows}\n")
    above = written(tmp_path / "b.csv", f"# mine\nsep=,\ninput,output\n{rows}\n")
    plain = read_grid_file(written(tmp_path / "a.json", [pair(i) for i in range(12)]))
    for path in (lines, table, above):
        found = read_grid_file(path)
        assert len(found) == 12
        assert sorted(found.symbols) == sorted(plain.symbols)
        assert (found.inputs.shapes == plain.inputs.shapes).all()
    ragged = written(tmp_path / "c.csv", f'# mine\ninput,output\n"1"\n{rows}\n')
    with pytest.raises(PuzzleError, match="row 3: expected 2 columns, got 1"):
        read_grid_file(ragged)


def test_inspect_says_that_sudokus_with_wrong_answers_are_taken_for_grids(tmp_path, capsys):
    rows = [(PUZZLE, OTHER_SOLUTION), (OTHER, SOLUTION)]
    path = written(tmp_path / "a.csv", "question,answer\n" + "".join(f"{a},{b}\n" for a, b in rows))
    assert main(["data", "inspect", str(path)]) == 0
    assert "taken for examples of grids, as no answer fits a puzzle of sudoku9" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["kaggle.csv", "kaggle.jsonl"])
def test_training_on_sudokus_as_grids_says_what_takes_them(name, tmp_path, capsys):
    text = (
        json.dumps({"quizzes": PUZZLE, "solutions": SOLUTION})
        if name.endswith("l")
        else f"quizzes,solutions\n{PUZZLE},{SOLUTION}"
    )
    assert main(["train", "--data", str(written(tmp_path / name, text)), "--out", str(tmp_path / "run")]) == 2
    assert "are trained on with `ponderling train RECIPE --data.train FILE`" in capsys.readouterr().err


# Mazes


MAZES = {
    "a.json": {"maze": WALLS, "start": [1, 1], "destination": [3, 5]},
    "a.c": "int maze[5][7] = {\n" + ",\n".join(f"{{{','.join(map(str, row))}}}" for row in NUMBERS) + "\n};\n",
    "a.java": "static int[][] grid = new int[][] {" + "".join(f"{{{','.join(map(str, row))}}},\n" for row in NUMBERS) + "};",
    "a.md": f"| {' | '.join(MAZE[0])} |\n|{'---|' * 7}\n" + "\n".join(f"| {' | '.join(row)} |" for row in MAZE[1:]),
    "b.md": f"|{'   |' * 7}\n|{'---|' * 7}\n" + "\n".join(f"| {' | '.join(row)} |" for row in MAZE),
}  # fmt: skip


@pytest.mark.parametrize("name", MAZES)
def test_mazes_of_other_programs_are_read(name, tmp_path):
    path = written(tmp_path / name, MAZES[name])
    found = guess_task(path)
    assert found.grid_shape == (5, 7)
    assert [found.format(row) for row in found.read(path).tokens] == ["".join(MAZE)]


def test_mazes_in_an_npz_file_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", mazes=np.array([NUMBERS, NUMBERS]))
    assert not holds_grids(tmp_path / "a.npz")
    found = guess_task(tmp_path / "a.npz")
    assert len(found.read(tmp_path / "a.npz")) == 2
    np.savez(tmp_path / "b.npz", mazes=np.array([NUMBERS]), paths=np.array([NUMBERS]))
    with pytest.raises(PuzzleError, match="expected one array, called mazes: got mazes, paths"):
        Maze(5, 7).read(tmp_path / "b.npz")


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_row_that_lacks_its_end_in_a_maze_with_walls_all_round_is_refused(cut, tmp_path):
    rows = [row[: len(row) - cut] if i == 2 else row for i, row in enumerate(MAZE)]
    with pytest.raises(PuzzleError, match=f"row 3 of a drawn maze has {7 - cut} characters, and all others have 7"):
        Maze(5, 7).read(written(tmp_path / "a.txt", "\n".join(rows)))


def test_a_packed_picture_is_known_by_what_is_in_it(tmp_path, capsys):
    assert PICTURE in said_of(capsys, written(tmp_path / "a.csv.gz", gzip.compress(b"\x89PNG\r\n\x1a\n")))


def test_every_size_of_sudoku_is_named_to_who_brings_another(tmp_path, capsys):
    said = said_of(capsys, written(tmp_path / "a.txt", "\n".join(["12345678"] * 8)))
    assert all(str(family.num_cells) in said for family in SUDOKUS.values())
