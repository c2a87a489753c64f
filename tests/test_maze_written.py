"""Mazes as other people's programs write them: each form gives the same maze, and what is in doubt is refused in a line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.cli.data.sniff import guess_task
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
    "shades": (swapped(MAZE, wall="▓", free="░"), '"░" for a free cell'),
    "light shades": (swapped(MAZE, wall="░"), '"░" for a wall'),
    "coloured squares": (swapped(MAZE, wall="⬛", free="⬜", S="🟩", G="🟥"), '"🟩" for S, "🟥" for G'),
    "stars": (swapped(MAZE, wall="*", G="E"), '"*" for a wall'),
    "a game's maze": (swapped(MAZE, free=".", S="@", G=">"), '"@" for S, ">" for G'),
    "Pac-Man's maze": (swapped(MAZE, wall="%", S="P", G="."), '"%" for a wall, "P" for S, "." for G'),
    "a bin's maze": (swapped(MAZE, S="@", G="."), '"@" for S, "." for G'),
    "indented": ("".join(f"    {row}\n" for row in MAZE), "indented"),
    "indented by tabs": ("".join(f"\t{row}\n" for row in MAZE), "indented"),
    "blanks between cells": ("\n".join(" ".join(row).rstrip() for row in MAZE), "with blanks between cells"),
    "blanks between dots": ("\n".join(" ".join(row.replace(" ", ".")) for row in MAZE), "with blanks between cells"),
    "tabs between cells": ("\n".join("\t".join(row) for row in MAZE), "with signs between cells"),
    "commas between cells": ("\n".join(",".join(row) for row in MAZE), "with signs between cells"),
    "commas and quotes": ("\n".join(",".join(f'"{cell}"' for cell in row) for row in MAZE), "with signs between cells"),
    "every cell twice": ("\n".join("".join(2 * cell for cell in row) for row in MAZE), "two characters for each cell"),
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


OPEN = ["S  #  G", "   #   ", "       "]
"""Its border has walls and free cells."""


@pytest.mark.parametrize(
    "title", ["Maze 1", "Maze 1:", "5 7", "5\n7", "// a maze", "# easy", "7", "1.", "; a maze", "====", "---"]
)
@pytest.mark.parametrize("form", ["plain", "blocks", "numbers", "a frame"])
def test_titles_sizes_and_rules_are_no_rows(tmp_path: Path, title: str, form: str) -> None:
    rows = {
        "plain": MAZE,
        "blocks": swapped(MAZE, wall="█", free=".").split("\n"),
        "numbers": [" ".join(map(str, row)) for row in numbers(MAZE)],
        "a frame": FRAMED,
    }[form]
    wanted = "".join(FRAMED_AS_CELLS if form == "a frame" else MAZE)
    text = "\n".join([title, *rows, "", title, *rows, ""])
    (tmp_path / "a.txt").write_text(text)
    task = get_task("maze5x7")
    assert [task.format(row) for row in task.read(tmp_path / "a.txt").tokens] == [wanted] * 2
    assert task.name_in(tmp_path / "a.txt") == "maze5x7"
    assert task.format(task.parse("\n".join([title, *rows]))) == wanted
    assert [task.format(task.parse(one)) for one in task.texts_of(text.split("\n"))] == [wanted] * 2


@given(
    rows=st.lists(st.lists(st.sampled_from("# "), min_size=7, max_size=7).map("".join), min_size=3, max_size=9),
    words=st.sampled_from(["Maze", "level 3", "Grid: easy"]),
)
def test_no_row_of_a_maze_is_taken_for_a_title(rows: list[str], words: str) -> None:
    assert list(written.without_titles([words, *rows])) == ["", *rows]
    digits = [row.replace("#", "1").replace(" ", "0") for row in rows]
    assert list(written.without_titles([words, *digits])) == ["", *digits]
    pairs = [" ".join(row[:2]) for row in digits]
    assert list(written.without_titles(pairs)) == pairs


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (swapped(MAZE, wall="1", free="0"), "1 for a wall"),
        (swapped(MAZE, wall="1", free="0", G="E"), "E the ends"),
        ("\n".join(" ".join(row) for row in swapped(MAZE, wall="0", free="1").split("\n")), "0 for a wall"),
        (
            "\n".join(",".join(row) for row in swapped(MAZE, wall="1", free="0", S="A", G="B").split("\n")),
            "1 for a wall",
        ),
        (swapped(MAZE, wall="X"), '"X" for a wall'),
        (swapped(MAZE, wall="x", free="."), '"x" for a wall'),
        (swapped(MAZE, G="X"), '"X" for G'),
        ("maze = [\n" + "".join(f'    "{row}",\n' for row in MAZE) + "]\n", "JSON"),
        ("maze = [\n" + "".join(f"    '{row}',\n" for row in MAZE) + "]\n", "JSON"),
        ("\n".join(f'"{row}",' for row in MAZE), ""),
        ("grid = " + str(numbers(MAZE)).replace("], ", "],\n"), "JSON"),
        (repr(np.array(numbers(MAZE))), "JSON"),
        (str(np.array(numbers(MAZE), float)), "numbers"),
        ("\n".join(" ".join(f"{cell:.18e}" for cell in row) for row in numbers(MAZE)), "numbers"),
        (json.dumps("\n".join(MAZE)), "JSON"),
    ],
)
def test_mazes_in_source_code_and_with_other_signs(tmp_path: Path, text: str, form: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    task = get_task("maze5x7")
    assert [task.format(row) for row in task.read(tmp_path / "a.txt").tokens] == ["".join(MAZE)]
    assert form in task.form_in(tmp_path / "a.txt")
    assert task.format(task.parse(text)) == "".join(MAZE)


@pytest.mark.parametrize("kind", ["uint8", "int64", "float32"])
def test_arrays_of_numpy_are_mazes(tmp_path: Path, kind: str) -> None:
    task = get_task("maze5x7")
    for array in (np.array(numbers(MAZE), kind), np.array([numbers(MAZE)] * 2, kind)):
        np.save(tmp_path / "a.npy", array)
        assert {task.format(row) for row in task.read(tmp_path / "a.npy").tokens} == {"".join(MAZE)}
        assert task.name_in(tmp_path / "a.npy") == guess_task(tmp_path / "a.npy").name == "maze5x7"
    np.save(tmp_path / "a.npy", np.zeros(4))
    with pytest.raises(PuzzleError, match=r"a\.npy, expected an array of numbers"):
        task.read(tmp_path / "a.npy")


def test_lists_of_rows_are_several_mazes(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([MAZE, MAZE]))
    assert len(get_task("maze5x7").read(tmp_path / "a.json")) == 2


def test_numbers_of_two_meanings_are_asked_for() -> None:
    task = get_task("maze3x7")
    normal = "\n".join(" ".join(map(str, row)) for row in numbers(OPEN))
    assert task.format(task.parse(normal)) == "".join(OPEN)
    exchanged = normal.translate(str.maketrans("01", "10"))
    with pytest.raises(PuzzleError, match="there is a way from S to G only if 0 is a wall"):
        task.parse(exchanged)
    no_way = "\n".join(" ".join(map(str, row)) for row in numbers(["S # G", "  #  ", " ####"]))
    assert get_task("maze3x5").parse(no_way) is not None  # in neither meaning


@given(row=st.integers(0, 4), extra=st.sampled_from(["#", " #", "##"]))
def test_a_row_that_is_longer_than_all_others_is_refused(row: int, extra: str) -> None:
    ragged = [line + extra * (i == row) for i, line in enumerate(MAZE)]
    with pytest.raises(
        PuzzleError, match=f"row {row + 1} of a drawn maze has {7 + len(extra)} characters, and 4 other rows have 7"
    ):
        get_task("maze10").name_for("\n".join(ragged))
    blank = [line + " " * (i == row) for i, line in enumerate(MAZE)]
    assert get_task("maze10").name_for("\n".join(blank)) == "maze5x7"
    task = get_task("maze5x7")
    assert task.format(task.parse("\n".join(blank))) == "".join(MAZE)


def test_an_exit_outside_of_the_walls_is_a_column() -> None:
    exits = [*MAZE[:3], "# # # #G", MAZE[4]]
    exits[3] = "# #    G"
    assert get_task("maze10").name_for("\n".join(exits)) == "maze5x8"


def test_two_drawn_mazes_without_an_empty_line_between_tell_their_size(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(MAZE * 3))
    assert get_task("maze10").name_in(tmp_path / "a.txt") == "maze5x7"
    assert len(get_task("maze5x7").read(tmp_path / "a.txt")) == 3


@pytest.mark.parametrize(("old", "new"), [(" ", "-"), ("S", "i"), ("#", "&"), ("#", "W")])
def test_characters_of_no_maze_are_told(tmp_path: Path, old: str, new: str) -> None:
    text = "\n".join(MAZE).replace(old, new)
    (tmp_path / "a.txt").write_text(text)
    for read in (lambda: get_task("maze5x7").read(tmp_path / "a.txt"), lambda: get_task("maze5x7").parse(text)):
        with pytest.raises(PuzzleError, match=f"got a drawing of 5 lines with the characters {new}"):
            read()


def test_a_maze_of_digits_is_no_sudoku(tmp_path: Path) -> None:
    """9x9 numbers with 1 for walls would be a Sudoku whose clues contradict."""
    rows = ["200000000"] + ["111111110"] * 7 + ["000000003"]
    (tmp_path / "a.txt").write_text("\n".join(rows))
    assert guess_task(tmp_path / "a.txt").name == "maze9"


def test_a_square_maze_in_one_line_of_json_is_square(tmp_path: Path) -> None:
    square = ["####", "#S #", "# G#", "####"]
    (tmp_path / "a.jsonl").write_text(json.dumps({"question": "".join(square)}) + "\n")
    assert guess_task(tmp_path / "a.jsonl").name == "maze4"


def test_the_message_of_a_ragged_file_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join([*MAZE[:4], MAZE[4] + "#"]))
    for read in (get_task("maze10").name_in, guess_task):
        with pytest.raises(PuzzleError, match=r"a\.txt: row 5 of a drawn maze has 8 characters"):
            read(tmp_path / "a.txt")


@pytest.mark.parametrize("form", ["1 1 1 1\n1 2 3 1\n1 1 1 1", "1111\n1231\n1111", "1111\n1SG1\n1001\n1111"])
@pytest.mark.parametrize("text", ["x", " and more", " # a remark", " 1 2x", "?", " ...", "7"])
def test_nothing_in_a_row_of_numbers_is_passed_over(tmp_path: Path, form: str, text: str) -> None:
    """The first maze of a file tells that there are numbers in it; others may have more than numbers."""
    path = tmp_path / "a.txt"
    for row in range(len(form.split("\n"))):
        lines = form.split("\n")
        lines[row] += text
        path.write_text(form + "\n\n" + "\n".join(lines))
        with pytest.raises(PuzzleError, match=r"a\.txt, line "):
            get_task("maze3x4").read(path)


CLOSED = ["###########", "#S  #     #", "### # ### #", "#   #   # #", "# ##### #G#", "###########"]


def read_of_own_size(path: Path) -> list[str]:
    """The mazes of a file, which tells their size."""
    task = get_task(get_task("maze10").name_in(path))
    return [task.format(tokens) for tokens in task.read(path).tokens]


@pytest.mark.parametrize("wall", ["#", "█"])
@pytest.mark.parametrize("double", [False, True])
def test_a_row_that_lacks_a_cell_is_never_filled_up(tmp_path: Path, wall: str, double: bool) -> None:
    """Blanks at the ends of lines may be missing, and here each row ends in a wall."""
    lines = ["".join((cell + " " if cell in "SG" else 2 * cell) if double else cell for cell in row) for row in CLOSED]
    lines = [line.replace("#", wall) for line in lines]
    path = tmp_path / "a.txt"
    for i, line in enumerate(lines):
        for changed in (line[:4] + line[5:], line[:-1], " "):
            path.write_text("\n".join([*lines[:i], changed, *lines[i + 1 :]]), "utf-8")
            if (double and wall == "#" and changed.strip()) or (i == 0 and changed == " "):
                continue  # in our own characters it is a maze of twice the width; and a maze may lack its first row
            with pytest.raises(PuzzleError):
                read_of_own_size(path)


@pytest.mark.parametrize("more", [1, 2, 3, 50])
def test_blanks_after_walls_all_round_are_no_cells(tmp_path: Path, more: int) -> None:
    path = tmp_path / "a.txt"
    for rows in ([2], [0, 1, 2, 3], range(6)):
        path.write_text("\n".join(row + " " * (more + i % 2) * (i in rows) for i, row in enumerate(CLOSED)))
        assert read_of_own_size(path) == ["".join(CLOSED)]


@pytest.mark.parametrize("remark", [" a remark", "  # remark", " Easy"])
@pytest.mark.parametrize("row", range(6))
def test_a_row_with_words_after_it_is_no_title(tmp_path: Path, row: int, remark: str) -> None:
    """The row would be lost, and what is left may be a maze."""
    path = tmp_path / "a.txt"
    path.write_text("\n".join(line + remark * (i == row) for i, line in enumerate(CLOSED)))
    with pytest.raises(PuzzleError):
        read_of_own_size(path)


def test_rows_of_few_digits_are_no_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1111\n1231\n1111\n\nThe next\n" + "1111\n1231\n1111\n")
    assert len(get_task("maze3x4").read(path)) == 2


@pytest.mark.parametrize(
    "text",
    ["S  # \n  # #\n# # G\n", "   #S\n   # \n   #G\n", "  ##\n S #\n G #\n", "S # #\n#   #\n# # G\n"],
    ids=[
        "free cells beside a corner",
        "free cells left of a gap",
        "rows that begin apart",
        "walls in every second column",
    ],
)
def test_blanks_that_may_be_free_cells_are_cells(text):
    """Only walls all round, or on the left without a gap, show that blanks are none."""
    expected = [line.ljust(5) for line in text.splitlines()]
    found = written.read_text(text)
    assert found is None or [row.ljust(5) for row in found.rows] == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "question,answer\n{},\n"),
        ("a.csv", "id;maze\n1;{}\n"),
        ("a.txt", "{}\n"),
        ("a.jsonl", '{{"question": "{}", "answer": ""}}\n'),
    ],
)
def test_the_size_of_a_square_in_one_line_is_known(name, text, tmp_path):
    """A row of 49 cells has no way from S to G, as walls are between; the square has one."""
    square = ["#######", "#S  # #", "# #   #", "# # # #", "# # # #", "# # #G#", "#######"]
    (tmp_path / name).write_text(text.format("".join(square)))
    assert get_task("maze20").name_in(tmp_path / name) == "maze7"
    assert len(get_task("maze7").read(tmp_path / name)) == 1
    corridor = "####S           G###" + "#" * 29
    (tmp_path / "row.jsonl").write_text(json.dumps({"question": corridor}))
    assert get_task("maze20").name_in(tmp_path / "row.jsonl") == "maze1x49"


@pytest.mark.parametrize(
    "value",
    [
        {"layout": MAZE},
        {"maze": {"grid": MAZE}, "name": "nested"},
        {"rows": 5, "cols": 7, "tiles": MAZE},
        {
            "grid": numbers(MAZE, {**NUMBERS, "S": 0, "G": 0}),
            "start_row": 1,
            "start_col": 1,
            "end_row": 3,
            "end_col": 5,
        },
        {"maze": {"matrix": numbers(MAZE, {**NUMBERS, "S": 0, "G": 0})}, "start": [1, 1], "end": {"x": 5, "y": 3}},
    ],
)
def test_objects_of_json_name_their_maze_and_its_ends_in_other_ways(value):
    assert rows_of(json.dumps(value)) == MAZE


def test_the_openings_of_a_border_are_named_where_s_and_g_are_missing():
    text = "# #####\n#   # #\n# #   #\n# # # #\n##### #"
    with pytest.raises(PuzzleError, match="open at row 1 column 2 and row 5 column 6: write S and G there"):
        get_task("maze5x7").check_question(get_task("maze5x7").parse(text))


def test_a_maze_between_fences_of_markdown_is_read(tmp_path):
    (tmp_path / "a.md").write_text("# Mazes\n\n```text\n" + "\n".join(MAZE) + "\n```\n")
    task = get_task("maze5x7")
    assert task.format(task.read(tmp_path / "a.md").tokens[0]) == "".join(MAZE)
