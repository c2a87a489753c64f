"""Puzzles and ARC tasks amid sentences, as in prompts for language models; and Sudokus of the size that a file has."""

from __future__ import annotations

import itertools

import pytest

from ponderling.cli import main
from ponderling.tasks import get_task
from ponderling.tasks.arc.files import read_tasks
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.cells import PATH

MAZE = ("#######", "#S#   #", "# # # #", "#   #G#", "#######")
QUOTED = """Navigate from '{S}' (start) to '{G}' (goal):

```
{maze}
```
Legend: '{wall}' = Wall, '{free}' = Passage

What is the minimum number of steps to reach the goal?
Give only the number of steps as your final answer, no other text or formatting.
"""
LISTED = """Your task is to find the shortest path from the start to the destination point in a grid.

- {S}: your starting point, where you are at the start
- {G}: your destination point
- {free}: an open cell
- {wall}: a blocked cell

If there is no path from {S} to {G}, simply write "infeasible" (without quotes).
{maze}
"""
FOUR = "..1...424....324"
PROMPT = """In 4x4 Mini Sudoku:
- Each row must contain each number from 1-4 exactly once
- Each 2x2 subgrid must contain each number 1-4 exactly once
Solve this 4x4 Mini Sudoku puzzle:
_ _ 1 _
_ _ 4 2
4 _ _ _
_ 3 2 4
Format your response as the puzzle above, with spaces separating each number within a row, and newlines separating rows.
"""
NINE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
SIXTEEN = "123456789ABCDEFG" + "." * 240


def drawn_as(signs: dict[str, str], *, between: str = "") -> str:
    return "\n".join(between.join(signs[cell] for cell in row) for row in MAZE)


@pytest.mark.parametrize(
    ("text", "signs", "between"),
    [
        (QUOTED, {"#": "u", " ": ".", "S": "(", "G": "g"}, ""),
        (QUOTED, {"#": "#", " ": " ", "S": "S", "G": "G"}, ""),
        (QUOTED, {"#": ".", " ": "#", "S": "G", "G": "S"}, ""),  # what is said holds, not what is usual
        (LISTED, {"#": "X", " ": "O", "S": "*", "G": "#"}, " "),
        (LISTED, {"#": "1", " ": "0", "S": "3", "G": "2"}, " "),
    ],
)
def test_a_maze_means_what_the_text_beside_it_says(text, signs, between, tmp_path):
    names = {"wall": signs["#"], "free": signs[" "], "S": signs["S"], "G": signs["G"]}
    text = text.format(maze=drawn_as(signs, between=between), **names)
    task = get_task("maze5x7")
    expected = task.parse("".join(MAZE))
    file = tmp_path / "prompt.txt"
    file.write_text(text)
    assert task.name_in(file) == task.name_for(text) == "maze5x7"
    assert (task.read(file).tokens == expected).all()
    assert (task.parse(text) == expected).all()
    assert task.form_in(file).endswith("as its text explains")


def test_a_drawing_with_a_row_of_more_than_is_explained_is_not_cut_down_to_a_maze():
    rows = drawn_as({"#": "+", " ": "-", "S": "*", "G": "X"}, between=" ")
    text = "* - The player, who starts here\n* = start\nX - A goal\n+ - A wall\n- - An empty position\n\n"
    task = get_task("maze5x7")
    assert (task.parse(text + rows) == task.parse("".join(MAZE))).all()
    for row in ("+ + + @ + + +\n{}", "{}\n+ + + @ + + +"):
        with pytest.raises(PuzzleError):
            get_task("maze6x7").parse(text + row.format(rows))
        with pytest.raises(PuzzleError):
            task.parse(text + row.format(rows))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda rows: [rows[0], rows[1][:-1], *rows[2:]], "expected rows of 7 cells"),
        (lambda rows: [*rows[:3], "u..?.g.", *rows[4:]], "does not explain"),
        (lambda rows: [row.replace("g", ".") for row in rows], "one goal in this maze, got 1 and 0"),
    ],
)
def test_a_second_maze_that_is_damaged_is_not_passed_over(damage, message, tmp_path):
    rows = drawn_as({"#": "u", " ": ".", "S": "S", "G": "g"}).split("\n")
    text = "u: wall\n.: open\nS: start\ng: goal\n\n" + "\n".join(rows) + "\n\n" + "\n".join(damage(rows)) + "\n"
    file = tmp_path / "two.txt"
    file.write_text(text)
    with pytest.raises(PuzzleError, match=f"line 1[0-9]: .*{message}"):
        get_task("maze5x7").read(file)


def test_blanks_at_the_ends_of_rows_may_be_missing_where_they_are_explained():
    text = "'#' = wall, ' ' = passage, S: start, G: goal\n\nS  #\n#\n  #G\n".replace(
        "S: start, G: goal", "'S' = start, 'G' = goal"
    )
    assert (get_task("maze3x4").parse(text) == get_task("maze3x4").parse("S  ##     #G")).all()


def test_two_meanings_of_a_character_are_none():
    text = "u: wall\nu: free\n.: open\nS: start\nG: goal\n\n" + drawn_as({"#": "u", " ": ".", "S": "S", "G": "G"})
    with pytest.raises(PuzzleError):
        get_task("maze5x7").parse(text)


def test_mazes_of_reasoning_gym_are_read_and_have_the_length_that_it_says(tmp_path):
    gym = pytest.importorskip("reasoning_gym")
    for item in itertools.islice(gym.create_dataset("maze", size=20, seed=11), 20):
        file = tmp_path / "maze.txt"
        file.write_text(item["question"])
        task = get_task(get_task("maze10").name_in(file))
        puzzles = task.read(file)
        path = task.check(puzzles.tokens[0], puzzles.labels[0])
        assert path.valid
        assert str(int((puzzles.labels[0] == PATH).sum()) + 1) == item["answer"]


@pytest.mark.parametrize("side", [4, 9])
def test_sentences_before_and_after_a_sudoku_are_passed_over(side, tmp_path):
    rows = [NINE[i : i + 9] for i in range(0, 81, 9)]
    text = (
        PROMPT if side == 4 else "In this one you fill a grid.\n" + "\n".join(rows) + "\nA row has each digit once.\n"
    )
    task = get_task(f"sudoku{side}")
    file = tmp_path / "prompt.txt"
    file.write_text(text)
    assert (task.read(file).tokens[0] == task.parse(FOUR if side == 4 else NINE)).all()


def test_a_row_of_letters_that_lacks_a_cell_is_not_taken_for_a_sentence():
    rows = ["a b . . c . . . .", "d . . e f g . .", *["a b c d e f g h i"] * 7]
    with pytest.raises(PuzzleError, match="line 2"):
        get_task("sudoku9").parse("\n".join(rows))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (FOUR, "sudoku4"),
        (PROMPT, "sudoku4"),
        ("123456" + "." * 30, "sudoku6"),
        (NINE, "sudoku9"),
        (SIXTEEN, "sudoku16"),
        ("\n".join(" ".join(SIXTEEN[i : i + 16]) for i in range(0, 256, 16)), "sudoku16"),
        ("[[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2]]", "sudoku4"),
        (NINE[:36], "sudoku9"),  # not of 6x6: it has 7 and more
        (NINE[:80], "sudoku9"),
        (
            "\n".join(NINE[i : i + 9] for i in range(0, 36, 9)).replace("9", "1").replace("8", "1").replace("7", "1"),
            "sudoku9",
        ),
        ("\n".join([FOUR] * 2), "sudoku9"),
        ("", "sudoku9"),
    ],
)
def test_the_cells_of_a_sudoku_tell_its_size(text, name, tmp_path):
    assert get_task("sudoku9").name_for(text) == name
    assert get_task("sudoku9x").name_for(text) == "sudoku9x"
    if text and "\n" not in text:
        assert get_task("sudoku16").name_for(text) == (name if name != "sudoku9" or len(text) == 81 else "sudoku16")


def test_weights_that_fit_every_size_solve_the_size_that_came(tmp_path, capsys):
    assert main(["solve", "sudoku", FOUR]) == 0
    assert "2413314242311324" in capsys.readouterr().out
    file = tmp_path / "four.csv"
    file.write_text(f"question,answer\n{FOUR},2413314242311324\n")
    assert main(["solve", "sudoku", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{FOUR},2413314242311324,valid,1\n"
    assert f"{file}: puzzles of sudoku4" in err
    assert main(["eval", "sudoku", "--data", str(file), "--json"]) == 0
    assert '"exact": 1.0' in capsys.readouterr().out
    assert main(["solve", "sudoku", "--task", "sudoku9", FOUR]) == 2
    assert "expected 81 cells for 9x9, got 16" in capsys.readouterr().err


SPOKEN = """Find the rule that maps an input grid to an output grid. Input and output: two grids.

Train Example 1:
**Input**: [[0, 1], [2, 3]]
**Output**: [[3, 2], [1, 0]]

Training 2 Input grid:
```
00
12
```
Output grid:
```
21
00
```
Below is a test input grid.

Test Input:
5 6
7 8
Output:
"""


def test_an_arc_task_amid_sentences_is_read(tmp_path, capsys):
    file = tmp_path / "spoken.txt"
    file.write_text(SPOKEN)
    (task,) = read_tasks(file).values()
    found = [(pair.input.tolist(), pair.output.tolist()) for pair in task.demos if pair.output is not None]
    assert found == [([[0, 1], [2, 3]], [[3, 2], [1, 0]]), ([[0, 0], [1, 2]], [[2, 1], [0, 0]])]
    assert [(pair.input.tolist(), pair.output) for pair in task.tests] == [([[5, 6], [7, 8]], None)]
    assert main(["data", "inspect", str(file)]) == 0
    assert "demonstration pairs: 2" in capsys.readouterr().out


def test_a_ragged_grid_of_a_prompt_is_refused_with_its_row(tmp_path):
    file = tmp_path / "spoken.txt"
    file.write_text(SPOKEN.replace("7 8", "7 8 9"))
    with pytest.raises(PuzzleError, match="test 1, input, row 2: has 3 cells, row 1 has 2"):
        read_tasks(file)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7 8\n", "7 8 x\n", "line 21: expected a row"),  # a damaged last row
        ("5 6\n", "5 6\n\n", "line 22: expected a row"),  # rows after a gap
        ("**Input**: [[0, 1], [2, 3]]", "**Input**: a grid", "line 4: expected rows of whole numbers below this input"),
        ("Training 2 Input grid:", "Training 2 Output grid:", "line 7: expected an input before each output"),
    ],
)
def test_a_grid_of_a_prompt_that_is_not_read_to_its_end_is_refused(old, new, message, tmp_path):
    assert old in SPOKEN
    file = tmp_path / "spoken.txt"
    file.write_text(SPOKEN.replace(old, new))
    with pytest.raises(PuzzleError, match=message):
        read_tasks(file)


def test_a_list_over_several_lines_is_a_grid(tmp_path):
    file = tmp_path / "spoken.md"
    file.write_text("Input:\n[[0, 1],\n [2, 3]]\nOutput:\n[[3, 2],\n [1, 0]]\n\nInput:\n[[4, 5]]\n")
    (task,) = read_tasks(file).values()
    assert task.demos[0].input.tolist() == [[0, 1], [2, 3]]
    assert task.tests[0].input.tolist() == [[4, 5]]


@pytest.mark.parametrize("name", ["arc_1d", "rearc"])
def test_prompts_of_reasoning_gym_hold_their_task(name, tmp_path):
    gym = pytest.importorskip("reasoning_gym")
    for item in itertools.islice(gym.create_dataset(name, size=5, seed=3), 5):
        file = tmp_path / "prompt.txt"
        file.write_text(item["question"])
        (task,) = read_tasks(file).values()
        given = item["question"].count("Output:")
        assert len(task.demos) == given >= 2
        assert len(task.tests) == 1
        last = item["question"].rstrip().rsplit("Input:", 1)[1]
        assert task.tests[0].input.ravel().tolist() == [int(cell) for cell in last.split()]
