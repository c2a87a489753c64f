"""Mazes as other people's programs write them: each form gives the same maze, and what is in doubt is refused in a line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze import written

MAZE = [
    "#######",
    "#S  # #",
    "# #   #",
    "# # #G#",
    "#######",
]
SOLVED = ["#######", "#Soo# #", "# #ooo#", "# # #G#", "#######"]
NUMBERS = {"#": 1, " ": 0, "S": 2, "G": 3, "o": 4}
FRAMED = ["+---+---+---+", "| S     |   |", "+   +   +   +", "|   |   | G |", "+---+---+---+"]
"""Its drawing with cells for walls is 5x7."""
FRAMED_AS_CELLS = ["#######", "#S  # #", "# # # #", "# # #G#", "#######"]


def numbers(rows: list[str], meaning: dict[str, int] = NUMBERS) -> list[list[int]]:
    return [[meaning[cell] for cell in row] for row in rows]


def swapped(rows: list[str], **changes: str) -> str:
    text = "\n".join(rows)
    for old, new in changes.items():
        text = text.replace({"wall": "#", "free": " "}.get(old, old), new)
    return text


def rows_of(text: str) -> list[str]:
    found = written.read_text(text)
    assert found is not None
    return list(found.rows)


FORMS: dict[str, tuple[str, str]] = {
    "spaced numbers": ("\n".join(" ".join(map(str, row)) for row in numbers(MAZE)), "1 a wall, 0 free, 2 S, 3 G"),
    "CSV of numbers": ("\n".join(",".join(map(str, row)) for row in numbers(MAZE)), "1 a wall, 0 free"),
    "digits": ("\n".join("".join(map(str, row)) for row in numbers(MAZE)), "1 a wall, 0 free"),
    "a printed array": (
        "[" + "\n ".join("[" + " ".join(map(str, row)) + "]" for row in numbers(MAZE)) + "]",
        "1 a wall, 0 free",
    ),
    "official": (
        "\n".join(" ".join(map(str, row)) for row in numbers(MAZE, dict(zip("# SGo", range(1, 6))))),
        "the official numbers",
    ),
    "0 for walls": (
        "\n".join(" ".join(map(str, row)) for row in numbers(MAZE, {**NUMBERS, "#": 0, " ": 1})),
        r"0 a wall (it is all round), 1 free",
    ),
    "blocks": (swapped(MAZE, wall="█"), '"█" for a wall'),
    "wide blocks": (
        "\n".join("".join(2 * cell if cell in "# " else f"{cell} " for cell in row) for row in MAZE).replace("#", "█"),
        '"█" for a wall',
    ),
    "dots": (swapped(MAZE, free="."), '"." for a free cell'),
    "A to B": (swapped(MAZE, S="A", G="B"), '"A" for S, "B" for G'),
    "S to X": (swapped(MAZE, S="s", G="X"), '"X" for G'),
    "JSON of numbers": (json.dumps(numbers(MAZE)), "JSON, numbers"),
    "JSON of rows": (json.dumps(MAZE), "JSON, drawn"),
    "JSON of characters": (json.dumps([list(row) for row in MAZE]), "JSON, drawn"),
    "JSON of a text": (json.dumps({"maze": "\n".join(MAZE)}), "JSON, drawn"),
    "JSON with ends": (
        json.dumps({"grid": numbers(MAZE, {**NUMBERS, "S": 0, "G": 0}), "start": [1, 1], "end": {"x": 5, "y": 3}}),
        "the ends by row and column from 0",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_the_same_maze_and_says_what_it_was_taken_for(form: str, tmp_path: Path) -> None:
    text, said = FORMS[form]
    found = written.read_text(text)
    assert found is not None
    assert list(found.rows) == MAZE
    assert said in found.form
    task = get_task("maze5x7")
    path = tmp_path / ("maze.csv" if form == "CSV of numbers" else "maze.txt")
    path.write_text(text, encoding="utf-8")
    puzzles = task.read(path)
    assert task.format(puzzles.tokens[0]) == "".join(MAZE)
    assert task.format(puzzles.labels[0]) == "".join(SOLVED)
    assert task.form_in(path) == found.form
    assert get_task("maze20").name_in(path) == "maze5x7"
    assert (task.parse(text) == puzzles.tokens[0]).all()


def test_a_frame_of_lines_becomes_cells() -> None:
    assert rows_of("\n".join(FRAMED)) == FRAMED_AS_CELLS
    plain = "\n".join(FRAMED).replace("+---", "+-").replace("+   ", "+ ").replace("| S ", "|S").replace("| G ", "|G")
    assert rows_of(plain.replace("    ", "  ").replace("|   ", "| ")) == FRAMED_AS_CELLS


def test_maze_datasets_tokens() -> None:
    text = (
        "<ADJLIST_START> (0,0) <--> (0,1) ; (0,1) <--> (1,1) ; (1,1) <--> (1,0) ; <ADJLIST_END> "
        "<ORIGIN_START> (0,0) <ORIGIN_END> <TARGET_START> (1,0) <TARGET_END> "
        "<PATH_START> (0,0) (0,1) (1,1) (1,0) <PATH_END>"
    )
    expected = ["#####", "#S  #", "### #", "#G  #", "#####"]
    assert rows_of(text) == expected
    assert rows_of(text.replace("(", "( ").replace(",", " , ")) == expected


def test_two_mazes_and_a_path_that_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    whole = {"mazes": [{"maze": MAZE, "solution": SOLVED}, {"maze": MAZE, "path": [[1, 1], [1, 2], [1, 3], [2, 3]]}]}
    path.write_text(json.dumps(whole))
    with pytest.raises(PuzzleError, match=r"two.json, line 2: the answer does not fit the question"):
        get_task("maze5x7").read(path)
    whole["mazes"][1]["path"] += [[2, 4], [2, 5], [3, 5]]
    path.write_text(json.dumps(whole))
    puzzles = get_task("maze5x7").read(path)
    assert [get_task("maze5x7").format(label) for label in puzzles.labels] == ["".join(SOLVED)] * 2
    numbers_path = tmp_path / "two.txt"
    text = FORMS["spaced numbers"][0]
    numbers_path.write_text(f"{text}\n\n{text}\n")
    assert len(get_task("maze5x7").read(numbers_path)) == 2


REFUSED: dict[str, tuple[str, str]] = {
    "no ends": ("1 1 1\n1 0 1\n1 1 1", "one 2 for S and one 3 for G: got no 2 and no 3; in JSON, start and goal"),
    "other numbers": ("1 7 1\n1 0 9\n1 1 1", "expected numbers of 0 free, 1 a wall.*got 0, 1, 7, 9"),
    "ragged": ("1 1 1\n1 0\n1 1 1", "row 2 has 2 cells, row 1 has 3"),
    "start in a wall": (
        json.dumps({"maze": numbers(MAZE), "start": [0, 0]}),
        r"the start \[0, 0\] \(row and column, from 0\) is not a free cell: #",
    ),
    "start outside": (json.dumps({"maze": numbers(MAZE), "start": [9, 0]}), r"the start \[9, 0\].* is outside 5x7"),
    "start as a word": (json.dumps({"maze": MAZE, "start": "here"}), r"expected start as \[row, column\] from 0"),
    "an object without a maze": (json.dumps({"walls": MAZE}), "expected an object with one of maze, grid.*: got"),
    "broken JSON": ("[[1, 1],\n [1, 0", "JSON"),
    "a frame that is not one": ("+--+--+\n|S   G|\n+--+", "expected|line"),
    "cells that are not side by side": (
        "<ADJLIST_START> (0,0) <--> (2,2) ; <ADJLIST_END> <ORIGIN_START> (0,0) <ORIGIN_END> "
        "<TARGET_START> (2,2) <TARGET_END>",
        r"\(0,0\) and \(2,2\) are joined, and not side by side",
    ),
    "no origin": ("<ADJLIST_START> (0,0) <--> (0,1) ; <ADJLIST_END>", "expected one <ORIGIN_START>"),
    "numbers without rows": (json.dumps({"maze": [1, 2]}), "expected rows of whole numbers, or of one character"),
    "objects for rows": (json.dumps({"maze": [{"S": 1}, {"G": 1}]}), "expected rows of whole numbers"),
    "cells of two characters": (json.dumps({"maze": [["ab", "c"]]}), "or of one character for each cell"),
    "lists in lists": ("[" * 300 + '"#"' + "]" * 300, "expected mazes at most 3 lists or objects deep"),
    "several in a text": (json.dumps([numbers(MAZE), numbers(MAZE)]), "expected one maze, got 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_in_doubt_is_refused_in_a_line(case: str) -> None:
    text, reason = REFUSED[case]
    with pytest.raises(PuzzleError, match=reason) as caught:
        written.read_text(text)
    assert "\n" not in str(caught.value)


def test_our_own_forms_stay_what_they_were() -> None:
    assert written.read_text("\n".join(MAZE)) is None
    assert written.read_text("".join(MAZE)) is None
    assert written.read_text("\n".join(SOLVED).replace("o", "+").replace("G", "E")) is None


def test_a_row_of_blanks_is_a_row_and_an_empty_line_ends_a_maze(tmp_path: Path) -> None:
    text = "█A █\n    \n█ B█\n"
    path = tmp_path / "two.txt"
    path.write_text(f"{text}\n{text}", encoding="utf-8")
    puzzles = get_task("maze3x4").read(path)
    assert [get_task("maze3x4").format(tokens) for tokens in puzzles.tokens] == ["#S #    # G#"] * 2


def test_rows_of_blanks_in_json_are_rows_and_no_cell_gets_lost() -> None:
    assert rows_of(json.dumps({"maze": ["    ", "#S #", "    ", "# G#"]})) == ["    ", "#S #", "    ", "# G#"]
    assert rows_of(json.dumps(["   ", "   "])) == ["   ", "   "]  # has no S, which reading it refuses
    with pytest.raises(PuzzleError, match="a maze has one S"):
        get_task("maze2x3").parse(json.dumps(["   ", "   "]))


def test_another_size_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(numbers(MAZE)))
    with pytest.raises(PuzzleError, match=r"m.json, .*expected a maze of 4x4, got one of 5x7: say --task maze5x7"):
        get_task("maze4").read(path)


def test_solve_reads_stdin_and_files_of_any_size_and_says_what_it_took_them_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(numbers(MAZE)))
    assert main(["solve", "maze", str(path)]) == 0
    captured = capsys.readouterr()
    assert f"{path}: puzzles of maze5x7, JSON, numbers: 1 a wall, 0 free, 2 S, 3 G" in captured.err
    assert captured.out.startswith("".join(MAZE) + "," + "".join(SOLVED) + ",valid")
    assert main(["eval", "maze", "--data", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exact"] == 1.0
    read: Callable[..., Any] = io.BytesIO(("\n".join(MAZE) + "\n\n" + FORMS["digits"][0]).encode()).read
    monkeypatch.setattr("ponderling.cli.solve.os.read", lambda fd, count: read(count))
    assert main(["solve", "maze", "-"]) == 0
    assert [line.split(",")[2] for line in capsys.readouterr().out.splitlines()] == ["valid", "valid"]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='# SGo01234█.+-|[]{},"\n', max_size=80))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    refusal, found = "", None
    try:
        found = written.read_text(text)
    except PuzzleError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert found is None or len(set(map(len, found.rows))) == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 6) | st.text("# SGo01█", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["maze", "mazes", "grid", "start", "end", "path", "solution", "x"]), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_any_json_is_read_or_refused_in_one_line(value: Any) -> None:
    text, refusal, found = json.dumps(value), "", None
    try:
        found = written.read_text(text)
        get_task("maze2x2").name_for(text)
        get_task("maze2x2").parse(text)
    except PuzzleError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert found is None or len(set(map(len, found.rows))) == 1
