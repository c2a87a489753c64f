"""Mazes whose walls are lines between cells: however they are drawn, they read as the same cells, or are refused."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze import written

STYLES = {
    "ascii": "-|",
    "light": "─│",
    "heavy": "━┃",
    "double": "═║",
    "rounded": "─│",
}
WORDS = {"light": "LIGHT", "heavy": "HEAVY", "double": "DOUBLE", "rounded": "LIGHT"}


def corner(style, up, right, down, left):
    """The sign for a corner from which these sides have walls."""
    if style == "ascii":
        return "+"
    if not (up or right or down or left):
        return " "
    upright = "VERTICAL" if up and down else "UP" if up else "DOWN" if down else ""
    across = "HORIZONTAL" if left and right else "LEFT" if left else "RIGHT" if right else ""
    if style == "double" and not (upright and across):
        return STYLES[style][0 if across else 1]  # half lines are not in Unicode
    arc = (
        "LIGHT ARC"
        if style == "rounded" and {upright, across} < {"UP", "DOWN", "LEFT", "RIGHT"} and upright and across
        else ""
    )
    name = f"BOX DRAWINGS {arc or WORDS[style]} {upright}{' AND ' if upright and across else ''}{across}"
    return unicodedata.lookup(name)


def drawn(grid, style, *, step, marks=None, sloppy=False):
    """A grid of odd sides, whose cells at odd places are rooms, with lines for its walls."""
    across, upright = STYLES[style]
    marks = marks or {}
    lines = []
    for y, row in enumerate(grid):
        line = ""
        for x, cell in enumerate(row):
            if y % 2 == 0 and x % 2 == 0:
                around = ((y - 1, x), (y, x + 1), (y + 1, x), (y, x - 1))
                walls = [0 <= i < len(grid) and 0 <= j < len(row) and grid[i][j] == "#" for i, j in around]
                inner = 0 < y < len(grid) - 1 and 0 < x < len(row) - 1
                line += corner(style, *([True] * 4 if sloppy and inner else walls))
            elif y % 2 == 0:
                line += (across if cell == "#" else " ") * (step - 1)
            elif x % 2 == 0:
                line += upright if cell == "#" else " "
            else:
                line += marks.get(cell, cell).center(step - 1)
        lines.append(line)
    return "\n".join(lines)


@st.composite
def grids(draw):
    """Rooms at odd places with any walls between them, all walls round them, and S and G in two rooms."""
    rows, columns = draw(st.integers(2, 5)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    grid = np.full((2 * rows + 1, 2 * columns + 1), "#")
    grid[1:-1, 1:-1][rng.random((2 * rows - 1, 2 * columns - 1)) < 0.6] = " "
    grid[1::2, 1::2] = " "
    grid[2:-1:2, 2:-1:2] = "#"
    start, goal = rng.choice(rows * columns, 2, replace=False)
    for mark, room in (("S", start), ("G", goal)):
        grid[1 + 2 * (room // columns), 1 + 2 * (room % columns)] = mark
    return ["".join(row) for row in grid]


def read(text):
    found = written.read_text(text)
    assert found is not None
    assert "walls, which became cells" in found.form
    return list(found.rows)


@given(
    grid=grids(),
    style=st.sampled_from(sorted(STYLES)),
    step=st.sampled_from([2, 4, 5, 6]),
    marks=st.sampled_from([{}, {"S": "A", "G": "B"}, {"G": "E"}, {"G": "x"}, {"G": "X", "S": "s"}]),
    sloppy=st.booleans(),
    cut=st.booleans(),
    indent=st.sampled_from(["", "  "]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_lines_for_walls_read_as_cells(grid, style, step, marks, sloppy, cut, indent, end):
    lines = [indent + line for line in drawn(grid, style, step=step, marks=marks, sloppy=sloppy).split("\n")]
    text = end.join(["", *(line.rstrip() if cut else line + "  " for line in lines), ""])
    if step > 2 or not any(fits(lines, indent, wider) for wider in (4, 6, 8)):
        assert read(text) == (grid if style == "ascii" or sloppy else without_pillars(grid))


def without_pillars(grid):
    """The grid with a free cell for each wall that has none beside it: no line of a drawing leads there."""
    cells = np.array([[*row] for row in grid])
    for y in range(2, len(grid) - 1, 2):
        for x in range(2, len(grid[0]) - 1, 2):
            if "#" not in {cells[y - 1, x], cells[y + 1, x], cells[y, x - 1], cells[y, x + 1]}:
                cells[y, x] = " "
    return ["".join(row) for row in cells]


def fits(lines, indent, step):
    """Whether walls of a drawing with a character for each room are at these places alone, by chance."""
    texts = [line.removeprefix(indent) for line in lines]
    if len(texts[0]) % step != 1:
        return False
    walls = {x for line in texts[1::2] for x, mark in enumerate(line) if mark != " " and not mark.isalpha()}
    return all(x % step == 0 for x in walls)


LARGE = """\
###########
#S  #     #
### # ### #
#   #   # #
# ##### # #
#     # # #
##### # # #
#   # # # #
# # # # # #
# #     #G#
###########
""".splitlines()


@pytest.mark.parametrize("style", sorted(STYLES))
def test_files_of_such_mazes_tell_their_size(style, tmp_path):
    text = f"Two mazes\n{drawn(LARGE, style, step=4)}\n\n{drawn(LARGE, style, step=2)}\n"
    (tmp_path / "a.txt").write_text(text, "utf-8")
    task = get_task("maze11")
    assert [task.format(tokens) for tokens in task.read(tmp_path / "a.txt").tokens] == ["".join(LARGE)] * 2
    assert get_task("maze20").name_in(tmp_path / "a.txt") == "maze11"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["┌───┬───┐", "│ S   G │", "└───┴── ┘"], "expected a wall of - between two corners in its line 3"),
        (
            ["┌───┬───┐", "│ S   G │", "│       │", "└───┴───┘"],
            "above and below each row of cells: got 4 lines",
        ),
        (["┌───┬───┐", "│S G│ G │", "└───┴───┘"], "a cell of its line 2"),
        (
            ["┌───┬───┐", "│ 1   2 │", "└───┴───┘"],
            "expected S, G, a mark of the path or nothing in a cell of its line 2",
        ),
        (["┌───┬───┐", "│ S ─ G │", "└───┴───┘"], "expected | or a space between two cells in its line 2"),
        (["┌───┬───┐", "│ S │ G │", "└───────┘"], "in a corner of its line 3, to which each wall beside it leads"),
        (["+---+--+", "| S    G|", "+---+---+"], "the corners + of its first line are not equally far apart"),
        ([" _______", "|  _|_  |", "|_____|_|"], "no room for S and G: write # for walls"),
    ],
)
def test_what_is_no_such_maze_is_refused_in_a_line(lines, said, tmp_path):
    with pytest.raises(PuzzleError) as error:
        written.read_text("\n".join(lines))
    assert said in str(error.value)
    assert str(error.value).isprintable()
    (tmp_path / "a.txt").write_text("\n".join(lines), "utf-8")
    with pytest.raises(PuzzleError, match=r"a\.txt, line 1: "):
        get_task("maze3x5").read(tmp_path / "a.txt")


def test_an_x_is_a_mark_of_the_path_where_there_is_another_goal():
    lines = ["+---+---+---+", "| S | x | G |", "+---+---+---+"]
    assert read("\n".join(lines))[1] == "#S#o#G#"
    assert read("\n".join(lines).replace("G", "x"))[1] == "#S#o#o#"


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("step", [4, 6, 8])
@pytest.mark.parametrize("damage", ["x  ", "  x", "x x", "│  ", " │ ", "-", "SS", "?"])
def test_a_damaged_cell_of_a_wide_drawing_is_never_a_larger_maze(style, step, damage):
    lines = drawn(LARGE, style, step=step).split("\n")
    for y in range(1, len(lines), 2):
        for x in range(1, len(lines[0]) - step + 1, step):
            cell = (
                damage.center(step - 1)[: step - 1]
                if len(damage) < 3
                else damage[0] + damage[1].center(step - 3) + damage[2]
            )
            text = "\n".join([*lines[:y], lines[y][:x] + cell + lines[y][x + step - 1 :], *lines[y + 1 :]])
            try:
                found = read(text)
            except PuzzleError:
                continue
            assert (len(found), len(found[0])) == (11, 11)
            assert style == "ascii"  # whose corners say how wide a cell is
