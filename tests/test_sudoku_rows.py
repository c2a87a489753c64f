"""Sudokus whose rows only their neighbours explain: with labels, below headings, and with spaces for blanks."""

from __future__ import annotations

import contextlib
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponderling.cli.data.sniff import guess_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku import plain_rows, puzzle_lines, whole_lines
from ponderling.tasks.sudoku.puzzle_lines import read_lines
from ponderling.tasks.sudoku.written import read_text, texts_of
from test_written import LAYOUTS, NINE, OTHER, PUZZLE, SOLUTION, puzzles, rows_of

RULE = "  +-------+-------+-------+"
NAMES = {
    "numbers": "123456789",
    "from 0": "012345678",
    "letters": "ABCDEFGHI",
    "small letters": "abcdefghi",
    "no I": "ABCDEFGHJ",
}
LABELS = ["{} ", "{}: ", "{}) ", "{}. ", "{}|", "{} | ", "| {} | ", "{}\t", "  {}  ", "row {}: ", "{} = "]
ROWS = {
    "side by side": lambda row: "".join(row),
    "spaced": lambda row: " ".join(row),
    "bars": lambda row: " | ".join(" ".join(row[j : j + 3]) for j in (0, 3, 6)),
    "commas": lambda row: ",".join(row),
}
HEADINGS = [
    "",
    "    1 2 3   4 5 6   7 8 9",
    "  A B C D E F G H I",
    "   c1 c2 c3 c4 c5 c6 c7 c8 c9",
    "  | 1 2 3 | 4 5 6 | 7 8 9 |",
]


def read(text):
    return [found.cells for found in read_lines(text.split("\n"), 9)]


@given(
    cells=puzzles(),
    label=st.sampled_from(LABELS),
    names=st.sampled_from(sorted(NAMES)),
    row=st.sampled_from(sorted(ROWS)),
    heading=st.sampled_from(HEADINGS),
    blank=st.sampled_from(".0_-"),
    ruled=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_labels_of_rows_and_headings_are_no_cells(cells, label, names, row, heading, blank, ruled, end):
    drawn = [label.format(name) + ROWS[row](own) for name, own in zip(NAMES[names], rows_of(cells.replace(".", blank)))]
    if ruled:
        drawn = [RULE, *drawn[:3], RULE, *drawn[3:6], RULE, *drawn[6:], RULE]
    text = end.join(["\ufeff" + heading, *drawn, ""])
    assert read_text(text, 9).cells == cells


@pytest.mark.parametrize("label", ["r{}: ", "R{} ", "r{}:", "R{}|", "Row {} "])
@pytest.mark.parametrize("row", sorted(ROWS))
def test_rows_may_be_named_as_solvers_name_them(tmp_path, label, row):
    parts = [
        "\n".join(label.format(i) + ROWS[row](own) for i, own in enumerate(rows_of(cells), 1))
        for cells in (PUZZLE, OTHER)
    ]
    (tmp_path / "a.txt").write_text("Two puzzles\n" + "\n\n".join(parts))
    assert [NINE.format(tokens) for tokens in NINE.read(tmp_path / "a.txt").tokens] == [PUZZLE, OTHER]


def has_clue(cells):
    return any(cell != "." for cell in cells)


def spaced(cells, *, between=" ", boxes=" ", edge="", cut=True):
    """A puzzle in rows where spaces are blanks, and stand between cells, too."""
    lines = [edge + boxes.join(between.join(row[j : j + 3]) for j in (0, 3, 6)) + edge for row in rows_of(cells)]
    lines = [line.replace(".", " ") for line in lines]
    return "\n".join(line.rstrip() if cut else line for line in lines)


@given(
    cells=puzzles(),
    boxes=st.sampled_from([" ", "  ", "   "]),
    cut=st.booleans(),
    label=st.sampled_from(["", "{} ", "{}: ", "{} | "]),
    extra=st.sampled_from(["", "  ", "\r"]),
)
def test_spaces_may_be_blanks_and_stand_between_cells(cells, boxes, cut, label, extra):
    text = spaced(cells, boxes=boxes, cut=cut)
    lines = [label.format(name) + line + extra for name, line in zip("ABCDEFGHI", text.split("\n"))]
    first = text.split("\n")[0]
    is_clear = all(map(has_clue, [*rows_of(cells), *(cells[j::9] for j in range(9))])) and (
        "  " in first or len(first) > 8
    )
    is_clear = is_clear and not (cut and extra == "  ")  # rows that end in spaces at different places
    with contextlib.suppress(
        *[PuzzleError] * (not is_clear)
    ):  # a row or a column may be cut off, or the first row a title
        assert read_text("\n".join(lines), 9).cells == cells


@pytest.mark.parametrize("gap", ["", "\n", "\n\n"])
@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("edge", ["", " "])
def test_spaced_puzzles_may_follow_one_another(tmp_path, gap, cut, edge):
    parts = [spaced(cells, edge="" if cut else edge, cut=cut) for cells in (PUZZLE, PUZZLE)]
    (tmp_path / "a.txt").write_text(f"\n{gap}".join(parts) + "\n")
    assert [NINE.format(tokens) for tokens in NINE.read(tmp_path / "a.txt").tokens] == [PUZZLE, PUZZLE]
    assert NINE.form_in(tmp_path / "a.txt") == "drawn over several lines"


def test_a_row_that_is_empty_is_never_passed_over(tmp_path):
    """Editors cut off its blanks; then the first row of the next puzzle was the ninth of this one."""
    for row in range(9):
        cells = PUZZLE[: 9 * row] + "." * 9 + PUZZLE[9 * row + 9 :]
        for between in ("", " "):
            text = "\n\n".join([spaced(cells, between=between, boxes=between), spaced(PUZZLE)])
            with pytest.raises(PuzzleError, match=r"line \d+: .*write \. for"):
                read(text)
            (tmp_path / "a.txt").write_text(text)
            with pytest.raises(PuzzleError, match=r"a\.txt: line \d+: .*write \. for"):
                NINE.read(tmp_path / "a.txt")


FEW = "7..4.....2..7..8...3..8..9...5..3...6..2..9...1..7..6...3..9...3..4..6...9..1..35"


def test_a_first_row_that_may_be_a_title_is_never_passed_over():
    """Then the first row of the next puzzle was the ninth row of this one."""
    assert read("\n".join(map(spaced, [PUZZLE, FEW, PUZZLE]))) == [PUZZLE, FEW, PUZZLE]
    for first in ("7........", "74......."):
        with pytest.raises(PuzzleError, match=r"line 10: 7( 4)? above rows with spaces .* may be a title or a row"):
            read("\n".join(map(spaced, [PUZZLE, first + FEW[9:], PUZZLE])))
    with pytest.raises(PuzzleError, match=r"line 1: 12 above rows .* or an empty line below a title"):
        read(f"12\n{spaced(PUZZLE)}")
    for title in ("12\n\n", "Puzzle 12\n", "12.\n"):
        assert read(title + spaced(PUZZLE)) == [PUZZLE]


def test_where_the_places_of_cells_cannot_be_told_it_is_asked_for_points():
    text = spaced(PUZZLE).replace("5 3", "5  3")
    with pytest.raises(PuzzleError, match=r"line 1: expected 9 cells.* got 3 in '5  3     7'; write \. for each blank"):
        read(text)


@pytest.mark.parametrize(
    "heading", ["1 2 3 4 5 6 7 8 9", "123 456 789", "A B C D E F G H I", "A B C  D E F  G H I", "  ABC DEF GHI"]
)
def test_a_heading_above_rows_without_labels(heading):
    for layout in ("rows", "spaced rows", "bars", "boxes"):
        assert read(f"{heading}\n{LAYOUTS[layout](PUZZLE)}\n\n{heading}\n{LAYOUTS[layout](OTHER)}") == [PUZZLE, OTHER]


def test_a_first_row_of_1_to_9_is_a_row_where_it_can_be_one():
    swap = str.maketrans(SOLUTION[:9], "123456789")
    full = SOLUTION.translate(swap)
    assert read("\n".join(map(" ".join, rows_of(full)))) == [full]
    clues = full[:9] + "".join(cell if i % 3 else "." for i, cell in enumerate(full[9:]))
    assert read("\n".join(map("".join, rows_of(clues) + rows_of(full)))) == [clues, full] or read(
        "\n".join(map("".join, rows_of(clues) + rows_of(full)))
    ) == [clues]


def test_first_cells_of_1_to_9_are_no_labels():
    columns = "".join("123456789"[i] + SOLUTION[9 * i + 1 : 9 * i + 9] for i in range(9))
    for layout in ("rows", "spaced rows", "bars"):
        assert read(LAYOUTS[layout](columns)) == [columns]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("C ", "D ", "line 1: expected 9 cells"),
        ("B 6 . .", "B 6 .", "line 1: expected 9 cells"),
        ("I ", "I | ", None),
    ],
)
def test_labels_out_of_order_and_rows_of_other_lengths_are_refused(old, new, said):
    text = "\n".join(f"{name} {' '.join(row)}" for name, row in zip(string.ascii_uppercase, rows_of(PUZZLE)))
    changed = text.replace(old, new, 1)
    if said is None:
        assert read(changed) == [PUZZLE]
    else:
        with pytest.raises(PuzzleError, match=said):
            read(changed)


@pytest.mark.parametrize("layout", ["rows", "spaced rows", "bars", "labels", "spaces"])
def test_a_puzzle_of_a_stream_still_comes_with_its_last_line(layout):
    own = {
        "labels": lambda cells: "\n".join(f"{i} {' '.join(row)}" for i, row in enumerate(rows_of(cells), 1)),
        "spaces": spaced,
    }
    text = {**LAYOUTS, **own}[layout](PUZZLE[:72] + SOLUTION[72:])
    seen = []

    def lines():
        for number, line in enumerate(text.split("\n") * 2, 1):
            seen.append(number)
            yield line

    next(texts_of(lines(), 9))
    assert seen[-1] == len(text.split("\n"))


@pytest.mark.parametrize("text", ["1 ", "A ", "5 3   ", "r1: ", "| 1 | ", "123456789 ", "    "])
def test_many_lines_that_may_begin_a_puzzle_take_no_time(text):
    started = time.process_time()
    with pytest.raises(PuzzleError):
        read("\n".join([text * 3] * 20_000 + ["x"]))
    assert time.process_time() - started < 20


TABLE = "|   |" + "".join(f" {name} |" for name in "ABCDEFGHI") + "\n" + "|---" * 10 + "|\n"


@pytest.mark.parametrize(
    "text",
    [
        "\n".join("\t".join(row).replace(".", "") for row in rows_of(PUZZLE)),
        "\n".join("\t".join(row).replace(".", "").rstrip() for row in rows_of(PUZZLE)),
        "\n".join(f"{name} {' '.join(row)} {name}" for name, row in zip("ABCDEFGHI", rows_of(PUZZLE))),
        "\n".join(f"{name} | {' '.join(row)} | {name}" for name, row in zip("123456789", rows_of(PUZZLE))),
        "\n".join(f"{9 - i} {' '.join(row)}" for i, row in enumerate(rows_of(PUZZLE))) + "\n  A B C D E F G H I",
        "\n".join(f"{i} {' '.join(row)}" for i, row in enumerate(rows_of(PUZZLE))) + f"\n{RULE}\n  1 2 3 4 5 6 7 8 9\n",
        TABLE + "\n".join(f"| {i} | {' | '.join(row)} |" for i, row in enumerate(rows_of(PUZZLE.replace(".", " ")), 1)),
        "puzzle = '''\n" + LAYOUTS["rows"](PUZZLE) + "\n'''",
        "\n".join(" ".join(row).replace(".", " ").replace(" ", "\u00a0") for row in rows_of(PUZZLE)),
    ],
)
def test_tables_boards_and_texts_of_programs(tmp_path, text):
    (tmp_path / "a.txt").write_text(text, "utf-8")
    assert [NINE.format(tokens) for tokens in NINE.read(tmp_path / "a.txt").tokens] == [PUZZLE]
    assert read_text(text, 9).cells == PUZZLE


def test_a_first_row_of_1_to_9_below_another_puzzle_is_a_row():
    full = SOLUTION.translate(str.maketrans(SOLUTION[:9], "123456789"))
    named = "\n".join(f"{i} {' '.join(row)}" for i, row in enumerate(rows_of(PUZZLE), 1))
    for first in (spaced(PUZZLE), named):
        assert read(f"{first}\n{LAYOUTS['spaced rows'](full)}") == [PUZZLE, full]


def test_a_misprint_below_a_row_of_1_to_9_is_no_heading():
    """Else the first row of the next puzzle would be the ninth row of this one."""
    cells = "123456789" + "1" + PUZZLE[10:]
    assert read(f"{LAYOUTS['rows'](cells)}\n\n{LAYOUTS['rows'](OTHER)}") == [cells, OTHER]


def test_a_file_in_no_known_form_says_what_its_first_line_is(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(f"- {''.join(row)}" for row in rows_of(PUZZLE)))
    with pytest.raises(PuzzleError, match=r"a\.txt: line 1: expected 9 cells, or 81 .* got 10 in '- 53\.\.7\.\.\.\.'"):
        NINE.read(tmp_path / "a.txt")


@pytest.mark.parametrize("signs", ["x.", "X.", "10", "1.", "*-", "# "])
@pytest.mark.parametrize("layout", ["a line", "rows", "spaced rows"])
def test_a_mask_is_told_to_be_no_puzzle(tmp_path, signs, layout):
    cells = "".join(signs[cell == "."] for cell in PUZZLE)
    (tmp_path / "a.msk").write_text(LAYOUTS[layout](cells))
    with pytest.raises(PuzzleError, match=r"a\.msk"):
        NINE.read(tmp_path / "a.msk")
    if set(signs).isdisjoint("# -") and not (
        layout == "a line" and "1" in signs
    ):  # a comment, a frame, clues that contradict
        with pytest.raises(PuzzleError, match="alone, each more than 9 times: a mask says which cells have clues"):
            NINE.read(tmp_path / "a.msk")


@pytest.mark.parametrize("length", [79, 80, 81, 82, 162])
@pytest.mark.parametrize("label", ["{} | ", "{}: ", "| {} | "])
def test_a_row_with_a_label_may_be_as_wide_as_a_puzzle_is_long(tmp_path, length, label):
    bodies = [
        " | ".join(" ".join(cell.ljust(5) for cell in row[j : j + 3]) for j in (0, 3, 6)) for row in rows_of(PUZZLE)
    ]
    rows = [(label.format(name) + body).ljust(length - 1) + "|" for name, body in zip("ABCDEFGHI", bodies)]
    assert {len(row) for row in rows} == {length}
    (tmp_path / "a.txt").write_text("\r\n".join(["\ufeff", *rows, "", *rows]), "utf-8")
    assert [NINE.format(tokens) for tokens in NINE.read(tmp_path / "a.txt").tokens] == [PUZZLE] * 2


@pytest.mark.parametrize("pad", range(0, 100, 9))
def test_spaces_at_the_ends_of_rows_never_make_another_puzzle(pad):
    text = "\n".join(line.ljust(17) + " " * pad for line in spaced(PUZZLE).split("\n"))
    try:
        found = read(text)
    except PuzzleError:
        return
    assert found == [PUZZLE] or all(
        sum(cell != "." for cell in cells) < 10 for cells in found
    )  # which have many solutions


@given(cells=st.lists(st.sampled_from([PUZZLE, OTHER, SOLUTION, PUZZLE.replace(".", "0")]), max_size=4), data=st.data())
def test_plain_lines_are_read_in_short_as_in_full(cells, data):
    others = [
        "",
        "# a",
        "12",
        "Easy",
        RULE,
        "1 2 3 4 5 6 7 8 9",
        *map("".join, rows_of(PUZZLE)),
        *spaced(OTHER).split("\n"),
    ]
    lines = data.draw(st.permutations(cells + data.draw(st.lists(st.sampled_from(others), max_size=12))))

    def outcome():
        try:
            return list(read_lines(lines, 9))
        except PuzzleError as error:
            return str(error)

    short = outcome()
    with pytest.MonkeyPatch.context() as patch:
        for module in (puzzle_lines, whole_lines, plain_rows):
            patch.setattr(module, "is_plain_line", lambda line, side: False)
        assert outcome() == short


@pytest.mark.parametrize("row", ["spaced", "bars", "blanks", "candidates", "title", "far apart"])
@pytest.mark.parametrize("side", ["ljust", "rjust", "center"])
def test_a_line_that_is_padded_to_the_length_of_a_puzzle_is_none(tmp_path, row, side):
    rows = {
        "spaced": LAYOUTS["spaced rows"](PUZZLE).split("\n"),
        "bars": LAYOUTS["bars"](PUZZLE).split("\n"),
        "blanks": spaced(PUZZLE, cut=False).split("\n"),
        "candidates": [" ".join(cell.replace(".", "1234") for cell in own) for own in rows_of(PUZZLE)],
        "title": ["Puzzle 12", *LAYOUTS["spaced rows"](PUZZLE).split("\n")],
        "far apart": ["".join(f"{cell:8}" for cell in own) for own in rows_of(PUZZLE.replace(".", "0"))],
    }[row]
    text = "\n".join(getattr(line, side)(81) for line in rows)
    (tmp_path / "a.txt").write_text(text)
    if row == "blanks":  # which says nothing of where the cells are
        with pytest.raises(PuzzleError, match="line 1: expected 9 cells"):
            NINE.read(tmp_path / "a.txt")
        return
    assert [NINE.format(tokens) for tokens in NINE.read(tmp_path / "a.txt").tokens] == [PUZZLE]


@pytest.mark.parametrize("line", ["5 3 . | . 7 . | . . .", "|53.|.7.|...|", "| 5 3 . | . 7 . | . . . |"])
def test_no_sign_between_two_cells_is_passed_over(line):
    for place in (i for i, sign in enumerate(line) if sign == " "):
        changed = f"{line[:place]}4{line[place + 1 :]}"
        with pytest.raises(PuzzleError):
            read("\n".join([changed, *LAYOUTS["bars"](PUZZLE).split("\n")[1:]]))
    with pytest.raises(PuzzleError):
        read_text("\n".join(["|534|67.|...|"] * 6), 6)


@pytest.mark.parametrize("layout", ["rows", "boxes", "narrow boxes", "bars", "Simple Sudoku"])
@pytest.mark.parametrize("change", ["drop", "cut", "add"])
def test_inspecting_a_drawing_with_a_mistake_says_what_reading_it_says(tmp_path, layout, change):
    path = tmp_path / "a.txt"
    rows = LAYOUTS[layout](PUZZLE).split("\n")
    place = next(i for i, line in enumerate(rows) if "98" in line.replace(" ", ""))
    row = rows[place]
    rows[place] = {"cut": row.replace("8", "", 1), "add": row.replace("8", "8123", 1)}.get(change, row)
    del rows[place : place + (change == "drop")]
    path.write_text("\n".join(rows))
    with pytest.raises(PuzzleError) as read_error:
        NINE.read(path)
    with pytest.raises(PuzzleError) as error:
        guess_task(path)
    assert str(error.value) == str(read_error.value)
    assert ": line " in str(error.value)


@pytest.mark.parametrize("outer", ["rows", "spaced rows", "boxes", "bars", "Simple Sudoku", "a table"])
@pytest.mark.parametrize("inner", ["rows", "spaced rows", "boxes", "bars", "a table", "labels"])
@pytest.mark.parametrize("place", [1, 2, 5, 7])
def test_rows_of_two_puzzles_are_never_one(outer, inner, place):
    """Rows of two puzzles are mixed where a file was pasted into another."""
    labels = "\n".join(f"{i}: {''.join(row)}" for i, row in enumerate(rows_of(PUZZLE), 1))
    lines = LAYOUTS[outer](OTHER).split("\n")
    at = [i for i, line in enumerate(lines) if any(cell in line for cell in "13456789.")][place]
    text = "\n".join([*lines[:at], labels if inner == "labels" else LAYOUTS[inner](PUZZLE), *lines[at:]])
    if inner == outer and inner in ("rows", "spaced rows", "a table"):
        return  # nothing tells them apart
    with pytest.raises(PuzzleError, match=r"line \d+: "):
        read(text)


@pytest.mark.parametrize("between", ["", " ", "\t"])
def test_a_blank_that_is_missing_within_a_row_is_never_passed_over(between):
    """Rows that end in blanks were not cut off at their ends."""
    rows = [between.join(row).replace(".", "" if between == "\t" else " ") for row in rows_of(PUZZLE)]
    for i, row in enumerate(rows):
        for place in range(len(row)):
            changed = [*rows[:i], row[:place] + row[place + 1 :], *rows[i + 1 :]]
            with contextlib.suppress(PuzzleError):
                (found,) = read("\n".join(changed))
                assert sum(a != b for a, b in zip(found, PUZZLE)) <= 1
                assert found[: 9 * i] + found[9 * i + 9 :] == PUZZLE[: 9 * i] + PUZZLE[9 * i + 9 :]


def test_a_row_of_spaces_above_spaced_rows_leaves_no_row_over():
    """The last was taken for a title of two numbers."""
    with pytest.raises(PuzzleError, match=r"line 10: expected 9 cells.*write \. for each blank"):
        read(" " * 17 + "\n" + spaced(OTHER, cut=False))
