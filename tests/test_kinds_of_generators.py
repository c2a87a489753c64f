"""Files that contests, gyms, robots and other people's generators write: read, or refused with what to do."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ponderling.cli import main
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError

MAZE = ("#########", "#S  #   #", "### # # #", "#   # # #", "# ### # #", "#     #G#", "#########")
BARE = [row.replace("S", " ").replace("G", " ") for row in MAZE]
DOTTED = "\n".join(row.replace(" ", ".") for row in BARE)


def inspected(path, capsys) -> str:
    code = main(["data", "inspect", str(path)])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return captured.out + captured.err


def refused(path, capsys) -> str:
    assert main(["data", "inspect", str(path)]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("ends", "first"), [("2 2\n6 8", 1), ("1 1\n5 7", 0)], ids=["counted from 1", "counted from 0, as 1 gives walls"]
)
def test_a_contests_maze_has_its_ends_before_it_and_two_may_follow_each_other(ends, first, tmp_path, capsys):
    file = tmp_path / "contest.txt"
    file.write_text(f"7 9\n{ends}\n{DOTTED}\n" * 2)
    said = inspected(file, capsys)
    assert "maze7x9" in said
    assert f"by row and column from {first}" in " ".join(said.split())
    task = get_task("maze7x9")
    tokens = task.read(file).tokens
    assert len(tokens) == 2
    assert (tokens == task.parse("".join(MAZE))).all()
    assert (task.parse(f"7 9\n{ends}\n{DOTTED}") == tokens[0]).all()


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("7 9\n2 2\n1 1", "are not two free cells of its 7 rows and 9 columns"),
        ("8 9\n2 2\n6 8", "expected 8 rows of 9"),
    ],
)
def test_a_contests_maze_with_an_end_in_a_wall_or_a_row_missing_is_refused(head, message, tmp_path):
    file = tmp_path / "contest.txt"
    file.write_text(f"{head}\n{DOTTED}\n")
    with pytest.raises(PuzzleError, match=message):
        get_task("maze7x9").read(file)


def test_ends_as_column_and_row_are_read_where_row_and_column_are_no_free_cells(tmp_path, capsys):
    grid = [[int(cell == "#") for cell in row] for row in BARE]
    task = get_task("maze7x9")
    for name, ends in {"xy": ([1, 1], [7, 5]), "yx": ([1, 1], [5, 7])}.items():
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({"grid": grid, "start": ends[0], "goal": ends[1]}))
        said = " ".join(inspected(file, capsys).split())
        assert ("by column and row from 0" in said) == (name == "xy")
        assert (task.read(file).tokens[0] == task.parse("".join(MAZE))).all()
    file.write_text(json.dumps({"grid": grid, "start": [1, 1], "goal": [0, 0]}))
    assert "the goal [0, 0] (row and column, from 0) is not a free cell" in refused(file, capsys)


def test_a_frozen_lake_is_a_maze_whose_holes_are_walls_and_no_sudoku(tmp_path, capsys):
    file = tmp_path / "lake.txt"
    for rows in (("SFFF", "FHFH", "FFFH", "HFFG"), ("SFFFF", "FFFFF", "FFFHF", "FFFFG")):
        file.write_text("\n".join(rows) + "\n")
        said = " ".join(inspected(file, capsys).split())
        assert "a frozen lake: H a wall, F free" in said
        task = get_task(f"maze{len(rows)}" if len(rows) == len(rows[0]) else f"maze{len(rows)}x{len(rows[0])}")
        wanted = "".join(rows).replace("F", " ").replace("H", "#")
        assert (task.read(file).tokens[0] == task.parse(wanted)).all()


def test_corners_of_a_micromouse_maze_are_posts(tmp_path, capsys):
    file = tmp_path / "mouse.txt"
    text = "o---o---o---o\n| S |       |\no   o   o   o\n|       | G |\no---o---o---o\n"
    file.write_text(text)
    posts = " ".join(inspected(file, capsys).split())
    file.write_text(text.replace("o", "+"))
    assert posts == " ".join(inspected(file, capsys).split())


def test_two_characters_for_each_cell_are_one_also_where_a_blank_follows_the_ends(tmp_path):
    file = tmp_path / "wide.txt"
    wide = ["".join({"#": "##", " ": "  "}.get(cell, f"{cell} ") for cell in row) for row in MAZE]
    file.write_text("\n".join(wide) + "\n")
    task = get_task("maze7x9")
    assert (task.read(file).tokens[0] == task.parse("".join(MAZE))).all()


def test_bytes_of_a_micromouse_maze_are_named(tmp_path, capsys):
    file = tmp_path / "mouse.maz"
    file.write_bytes(bytes(np.random.default_rng(0).integers(1, 8, 256, np.uint8)))
    assert "256 bytes, as a micromouse maze of 16x16 has in its binary form" in refused(file, capsys)


def test_tasks_as_barc_writes_them_are_named(tmp_path, capsys):
    file = tmp_path / "barc.jsonl"
    pair = [[[0, 1], [1, 0]], [[1, 0], [0, 1]]]
    file.write_text(json.dumps({"source": "def main(): ...", "examples": [pair, pair], "seeds": ["a"]}) + "\n")
    assert "line 1: an ARC task as BARC writes it, pairs of grids under examples" in refused(file, capsys)


@pytest.mark.parametrize("count", [1, 3])
def test_a_file_that_nothing_can_be_held_out_of_is_shown_and_not_trained_on(count, tmp_path, capsys):
    file = tmp_path / "few.jsonl"
    file.write_text((json.dumps({"input": [[0, 1], [1, 0]], "output": [[1, 0], [0, 1]]}) + "\n") * count)
    said = inspected(file, capsys)
    assert "every grid 2x2; symbols 0 1" in said
    assert f"train: {count} example" in said
    assert "none can be held out to test on" in said
    assert main(["data", "inspect", str(file), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["train"]["examples"], facts["test"]["examples"], facts["structure"]) == (count, 0, None)
    assert main(["train", "--data", str(file), "--out", str(tmp_path / "run")]) == 2
    assert "none can be held out to test on" in capsys.readouterr().err
