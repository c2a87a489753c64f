"""Sudokus in the files of particular programs: each reads as its puzzle, and what is no puzzle in it is never taken for one."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.cli.data.sniff import guess_task, holds_arc, holds_grids
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.sudoku.alphabets import HEXADECIMAL, SYMBOLS
from ponderling.tasks.sudoku.written import read_text
from test_written import LAYOUTS, NINE, OTHER, PUZZLE, SOLUTION, TASK16, WORDOKU, boxed, puzzles, rows_of, sixteen

ROWS, SOLVED_ROWS, OTHER_ROWS = (LAYOUTS["rows"](cells) for cells in (PUZZLE, SOLUTION, OTHER))
MARKS = "\n".join([",".join(["124"] * 9)] * 9)
BOARD, OTHER_BOARD, ANSWER = (
    [[int(cell) for cell in row] for row in rows_of(cells.replace(".", "0"))] for cells in (PUZZLE, OTHER, SOLUTION)
)


def read(path):
    return [NINE.format(row) for row in NINE.read(path).tokens]


def candidates(cells):
    """The symbols that each cell of a puzzle may have by its row, column and box, in rows."""
    tokens = np.array([0 if cell == "." else int(cell) for cell in cells]).reshape(9, 9)
    told = []
    for i, row in enumerate(tokens):
        told.append([])
        for j, cell in enumerate(row):
            box = tokens[i // 3 * 3 : i // 3 * 3 + 3, j // 3 * 3 : j // 3 * 3 + 3]
            used = {*row, *tokens[:, j], *box.ravel()}
            told[-1].append(str(cell) if cell else "".join(str(d) for d in range(1, 10) if d not in used))
    return told


def with_candidates(cells, corners=".:'"):
    """A puzzle with its candidates, as HoDoKu and Simple Sudoku export it."""
    told = candidates(cells)
    rule = "-".join(["-" * 20] * 3)
    lines = [corners[0] + rule + corners[0]]
    for i, row in enumerate(told):
        boxes = ["  ".join(cell.ljust(6) for cell in row[j : j + 3]) for j in (0, 3, 6)]
        lines.append("| " + " | ".join(boxes) + " |")
        lines += [corners[1] + rule.replace("-" * 21, "-" * 20 + "+") + corners[1]] * (i in (2, 5))
    return "\n".join([*lines, corners[2] + rule + corners[2]])


@pytest.mark.parametrize(
    "section", ["State", "Solution", "PencilMarks", "Candidates", "Colors", "Colours", "Whatever 2", "Notes"]
)
def test_only_the_puzzle_section_of_an_sdk_file_holds_a_puzzle(tmp_path, section):
    for lines in (SOLVED_ROWS, OTHER_ROWS, MARKS):
        (tmp_path / "a.sdk").write_text(f"#ASomebody\n[Puzzle]\n{ROWS}\n[{section}]\n{lines}\n")
        assert read(tmp_path / "a.sdk") == [PUZZLE]
    (tmp_path / "a.sdk").write_text(f"[State]\n{OTHER_ROWS}\n[Puzzle]\n{ROWS}\n")
    assert read(tmp_path / "a.sdk") == [PUZZLE]
    (tmp_path / "a.sdk").write_text(f"[Easy]\n{ROWS}\n[Hard]\n{OTHER_ROWS}\n")
    assert read(tmp_path / "a.sdk") == [PUZZLE, OTHER]


@pytest.mark.parametrize(
    "title",
    [
        "Grid 01", "Easy", "Easy:", "Nightmare", "Puzzle 12", "Solution:", "Puzzle #3", "1", "1.", "2)", "#7", "9 9", "3x3",
        "2024-01-05", "// mine", "# mine", "; mine", "% mine", "```", "```text", "\\begin{sudoku}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["a line", "rows", "boxes", "spaced rows"])
def test_a_title_before_a_puzzle_is_never_a_row_of_it(tmp_path, title, layout):
    texts = [title, LAYOUTS[layout](PUZZLE), "", title, LAYOUTS[layout](OTHER), ""]
    (tmp_path / "a.txt").write_text("\n".join(texts))
    assert read(tmp_path / "a.txt") == [PUZZLE, OTHER]


def test_a_line_that_is_no_title_is_told():
    with pytest.raises(PuzzleError, match="got 7 in 'rubbish'"):
        read_text("rubbish\n" + ROWS, 9)


# Its first row is 81 characters wide.
WIDE = "5........672195...19834....8597....................8............................."


@given(cells=puzzles(), corners=st.sampled_from([".:'", "*|*", "+++"]))
@example(cells=WIDE, corners=".:'")
def test_a_cell_with_candidates_is_a_blank(cells, corners):
    told = candidates(cells)
    if not any(len(cell) > 1 for row in told for cell in row):
        return
    wanted = "".join(cell if len(cell) == 1 else "." for row in told for cell in row)
    assert read_text(with_candidates(cells, corners), 9).cells == wanted
    assert read_text("\n".join(map(" ".join, told)), 9).cells == wanted


@pytest.mark.parametrize("length", [79, 80, 81, 82, 83, 162])
@pytest.mark.parametrize("frame", ["", "+-", ".-", "=="])
def test_a_drawn_row_may_be_as_wide_as_a_puzzle_is_long(tmp_path, length, frame):
    rows = [" | ".join(" ".join(row[j : j + 3]) for j in (0, 3, 6)) for row in candidates(PUZZLE)]
    rows = [f"| {row.ljust(length - 4)} |" for row in rows]
    if frame:
        rule = frame[0] + frame[1] * (length - 2) + frame[0]
        rows = [rule, *rows[:3], rule, *rows[3:6], rule, *rows[6:], rule]
    wanted = "".join(cell if len(cell) == 1 else "." for row in candidates(PUZZLE) for cell in row)
    (tmp_path / "a.txt").write_text("\n".join([*rows, "", *rows]))
    assert read(tmp_path / "a.txt") == [wanted] * 2


def test_candidates_without_bars_may_be_as_wide_as_a_puzzle_is_long():
    rows = [["123456789"] * 8 + ["5"], *[["123456789"] * 9] * 7, ["1"] + ["2345678"] * 8]
    rows[1] = ["1234567"] * 5 + ["123456789"] * 3 + ["6789"]  # 73 digits and 8 spaces
    rows[2] = ["12345678"] * 8 + ["789"]
    text = "\n".join(map(" ".join, rows))
    assert any(len(line) == 81 for line in text.splitlines())
    assert read_text(text, 9).cells == "." * 8 + "5" + "." * 63 + "1" + "." * 8


def test_two_digits_in_a_cell_are_no_candidates_where_there_are_blanks():
    text = LAYOUTS["spaced rows"](PUZZLE).replace("5 3", "5 34", 1)
    with pytest.raises(PuzzleError, match="expected numbers from 1 to 9, got 34"):
        read_text(text, 9)


@pytest.mark.parametrize(
    "line",
    [
        "{} # easy", "{} 10.6", "{}\teasy", "7 {}", "{}; top50000; 1; c30;", ":0000:x:{}:::", "{} {answer}", "{}\t{answer}",
        "{};{answer}", "{}:{answer}", "{}|{answer}", "12,{},{answer},easy", '"{}","{answer}"',
    ],
)  # fmt: skip
def test_a_line_may_have_more_than_its_puzzle(tmp_path, line):
    (tmp_path / "a.txt").write_text("".join(line.format(p, answer=SOLUTION) + "\n" for p in (PUZZLE, PUZZLE)))
    assert read(tmp_path / "a.txt") == [PUZZLE, PUZZLE]
    assert NINE.format(NINE.parse(line.format(PUZZLE, answer=SOLUTION))) == PUZZLE


def test_the_answer_in_the_line_is_the_answer(tmp_path):
    (tmp_path / "a.txt").write_text(f"{PUZZLE} {SOLUTION[::-1]}\n")
    with pytest.raises(PuzzleError):
        NINE.read(tmp_path / "a.txt")


def test_two_puzzles_in_a_line_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text(f"{PUZZLE} {OTHER}\n")
    with pytest.raises(PuzzleError, match="expected 81"):
        NINE.read(tmp_path / "a.txt")


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\nSolution:\n\n"])
@pytest.mark.parametrize("layout", ["a line", "rows", "boxes", "Simple Sudoku"])
def test_a_full_grid_after_its_puzzle_is_its_answer(tmp_path, layout, between):
    parts = [LAYOUTS[layout](cells) for cells in (PUZZLE, SOLUTION, OTHER)]
    (tmp_path / "a.txt").write_text(between.join(parts))
    assert read(tmp_path / "a.txt") == [PUZZLE, OTHER]
    (tmp_path / "a.txt").write_text(between.join(parts[:2]))
    found = NINE.read(tmp_path / "a.txt")
    assert [NINE.format(row) for row in found.labels] == [SOLUTION]


def test_a_full_grid_of_other_clues_is_a_puzzle_of_its_own(tmp_path):
    (tmp_path / "a.txt").write_text(f"{OTHER_ROWS}\n\n{SOLVED_ROWS}\n")
    assert read(tmp_path / "a.txt") == [OTHER, SOLUTION]


ARRAY = np.array(BOARD)


@pytest.mark.parametrize(
    "text",
    [
        str(ARRAY),
        repr(ARRAY),
        str(ARRAY.astype(float)),
        "board = [\n" + "".join(f"    {row},\n" for row in BOARD) + "]\n",
        "board = [\n" + "".join(f"    {list(row)},\n" for row in rows_of(PUZZLE)) + "]\n",
        "board = " + str([[cell or None for cell in row] for row in BOARD]).replace("], ", "],\n") + "\n",
        "int grid[9][9] = {\n" + ",\n".join("{" + ",".join(map(str, row)) + "}" for row in BOARD) + "\n};\n",
        "\n".join("[" + "|".join(" ".join(row[j : j + 3]) for j in (0, 3, 6)) + "]" for row in rows_of(PUZZLE)),
        "rows = [\n" + "".join(f'  "{"".join(row)}",\n' for row in rows_of(PUZZLE)) + "]\n",
        "\n".join(" ".join(f"{cell:.18e}" for cell in row) for row in BOARD),
        "\n".join("".join(row) + f"   # row {i}" for i, row in enumerate(rows_of(PUZZLE))),
    ],
)
def test_a_board_in_source_code_or_as_numpy_prints_it_is_read(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    assert read(tmp_path / "a.txt") == [PUZZLE]
    assert read_text(text, 9).cells == PUZZLE


def test_bars_with_points_beside_them_are_no_numbers_with_a_point():
    """`53.` in a group of three is a 5, a 3 and a blank."""
    assert (
        read_text("\n".join(" ".join("".join(row[j : j + 3]) for j in (0, 3, 6)) for row in rows_of(PUZZLE)), 9)[1]
        == PUZZLE
    )


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"newboard": {"grids": [{"value": BOARD, "solution": ANSWER, "difficulty": "Easy"}], "results": 1}}, [PUZZLE]),
        ({"easy": [PUZZLE], "hard": [OTHER]}, [PUZZLE, OTHER]),
        ({"1": {"puzzle": PUZZLE, "solution": SOLUTION}, "2": {"puzzle": OTHER}}, [PUZZLE, OTHER]),
        ({"board": BOARD, "start": "2024-01-05"}, [PUZZLE]),
        ([[cell or -1 for cell in row] for row in BOARD], [PUZZLE]),
        ([[cell or False for cell in row] for row in BOARD], [PUZZLE]),
        (np.array(BOARD, float).tolist(), [PUZZLE]),
        ({"input": BOARD, "output": ANSWER}, [PUZZLE]),
        ({"quizzes": [PUZZLE, OTHER], "solutions": [SOLUTION, ""]}, None),
        ({"board": [[cell + 0.5 for cell in row] for row in BOARD]}, None),
        ({"row": 1, "value": {}}, None),
    ],
)
def test_boards_of_json_in_any_shape(tmp_path, value, wanted):
    (tmp_path / "a.json").write_text(json.dumps(value))
    if wanted is None:
        with pytest.raises(PuzzleError, match=r"a\.json.*expected"):
            NINE.read(tmp_path / "a.json")
    else:
        assert read(tmp_path / "a.json") == wanted


def test_a_text_in_json_a_line_is_a_puzzle(tmp_path):
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(PUZZLE)}\n{json.dumps(OTHER)}\n")
    assert read(tmp_path / "a.jsonl") == [PUZZLE, OTHER]
    assert NINE.format(NINE.parse(json.dumps(PUZZLE))) == PUZZLE


def test_the_answer_has_the_letter_that_no_clue_has(tmp_path):
    """The solution of a Wordoku names its ninth letter, which eight letters of clues leave open."""
    (tmp_path / "w.txt").write_text(WORDOKU + "\n")
    whole = NINE.read(tmp_path / "w.txt")
    letters = dict(zip(NINE.symbols, "." + "".join(sorted(set(WORDOKU) - {"."}))))
    question, answer = ("".join(letters[cell] for cell in NINE.format(row[0])) for row in (whole.tokens, whole.labels))
    missing = question.replace(question.strip(".")[0], ".")
    for name, text in (
        ("w.csv", f"question,answer\n{missing},{answer}\n"),
        ("w.json", json.dumps({"puzzle": missing, "solution": answer})),
    ):
        (tmp_path / name).write_text(text)
        found = NINE.read(tmp_path / name)
        family = next(NINE.families_in(tmp_path / name))
        assert family.format(found.tokens[0]) == missing
        assert family.format(found.labels[0]) == answer


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f"input,output\n{PUZZLE},{SOLUTION}\n"),
        ("a.csv", f"initial,final\n{PUZZLE},{SOLUTION}\n"),
        ("a.csv", f"Sudoku Solution,Sudoku Puzzle,Level\n{SOLUTION},{PUZZLE},2\n"),
        ("a.csv", f'"quizzes";"solutions"\n"{PUZZLE}";"{SOLUTION}"\n'),
        ("a.tsv", f"quizzes\tsolutions\n{PUZZLE}\t{SOLUTION}\n"),
        ("a.csv", f",quizzes,solutions\n0,{PUZZLE},{SOLUTION}\n"),
        ("a.csv", ",".join(PUZZLE.replace(".", "0")) + "\n"),
        ("a.xml", f'<?xml version="1.0"?>\n<opensudoku>\n<game data="{PUZZLE.replace(".", "0")}" />\n</opensudoku>\n'),
    ],
)
def test_columns_are_known_by_their_content_too(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    found = NINE.read(tmp_path / name)
    assert [NINE.format(row) for row in found.tokens] == [PUZZLE]
    assert [NINE.format(row) for row in found.labels] == [SOLUTION]
    assert not holds_grids(tmp_path / name)
    assert guess_task(tmp_path / name).name == "sudoku9"


def test_the_row_of_a_problem_is_that_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_text(f"initial,final\n{PUZZLE},{SOLUTION}\n{PUZZLE[:-1]},{SOLUTION}\n")
    with pytest.raises(PuzzleError, match="row 3: question has 80 characters"):
        NINE.read(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text(f"{PUZZLE},{SOLUTION}\n{PUZZLE},x\n")
    with pytest.raises(PuzzleError, match="row 2: answer has 1 characters"):
        NINE.read(tmp_path / "a.csv")


@given(
    shape=st.sampled_from([(2, 9, 9), (2, 81), (1, 2, 9, 9)]),
    kind=st.sampled_from(["int8", "uint8", "int64", "float32"]),
    blank=st.sampled_from([0, -1]),
)
def test_arrays_of_numpy_are_read(tmp_path_factory, shape, kind, blank):
    folder = tmp_path_factory.mktemp("arrays")
    boards = np.array([BOARD, OTHER_BOARD], kind).reshape(shape)
    if blank and kind != "uint8":
        boards[boards == 0] = blank
    np.save(folder / "a.npy", boards)
    assert read(folder / "a.npy") == [PUZZLE, OTHER]
    np.savez(folder / "a.npz", quizzes=boards, other=np.zeros(3))
    assert read(folder / "a.npz") == [PUZZLE, OTHER]
    assert guess_task(folder / "a.npy").name == guess_task(folder / "a.npz").name == "sudoku9"


def test_arrays_with_answers_and_those_that_are_none(tmp_path):
    np.savez(tmp_path / "a.npz", quizzes=np.array([BOARD]), solutions=np.array([ANSWER]))
    assert [NINE.format(row) for row in NINE.read(tmp_path / "a.npz").labels] == [SOLUTION]
    np.savez(tmp_path / "a.npz", inputs=np.array([BOARD]), outputs=np.array([ANSWER]))
    assert read(tmp_path / "a.npz") == [PUZZLE]
    assert holds_grids(tmp_path / "a.npz")  # its names are those of a file of grids
    for array, reason in (
        (np.zeros((9, 8), int), "expected puzzles of 9x9 or of 81 cells, got 9x8"),
        (np.full((9, 9), 10), "expected numbers from 0 for a blank to 9, got 10"),
        (np.full((9, 9), 0.5), "expected whole numbers, 0 for a blank, got float64"),
        (np.full((9, 9), "1"), "expected whole numbers, 0 for a blank, got <U1"),
    ):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(PuzzleError) as error:
            NINE.read(tmp_path / "a.npy")
        assert reason in str(error.value)
    np.savez(tmp_path / "a.npz", inputs=np.array([BOARD]), outputs=np.array([ANSWER] * 2))
    with pytest.raises(PuzzleError, match="expected an answer for each puzzle, got 2 for 1"):
        NINE.read(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", a=np.array([BOARD]))
    with pytest.raises(PuzzleError, match=r"expected one array of puzzles, such as inputs.*got a"):
        NINE.read(tmp_path / "a.npz")


def test_a_file_of_grids_with_sudokus_stays_one(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"input": BOARD, "output": ANSWER}) + "\n")
    assert holds_grids(tmp_path / "a.jsonl")
    assert not holds_arc(str(tmp_path / "a.jsonl"))
    assert read(tmp_path / "a.jsonl") == [PUZZLE]


def test_a_file_of_candidates_is_solved(tmp_path, capsys):
    (tmp_path / "a.txt").write_text(with_candidates(PUZZLE))
    assert main(["solve", "sudoku", str(tmp_path / "a.txt"), "--steps", "2"]) == 0
    assert SOLUTION in capsys.readouterr().out


def test_drawings_in_a_row_keep_their_order(tmp_path):
    (tmp_path / "a.txt").write_text(
        "\n".join(["Nightmare", boxed(OTHER), "Puzzle 12", ROWS, "1", PUZZLE, "Hard", OTHER])
    )
    assert read(tmp_path / "a.txt") == [OTHER, PUZZLE, PUZZLE, OTHER]


def test_a_row_of_empty_fields_is_a_row_of_blanks():
    cells = PUZZLE[:9] + "." * 9 + PUZZLE[18:]
    assert read_text("\n".join(",".join(row).replace(".", "") for row in rows_of(cells)), 9).cells == cells


@pytest.mark.parametrize("pad", ["{:02d}", "{:2d}", "{}", "{:.18e}", "{}."])
def test_numbers_of_16x16_may_have_zeros_before_them_or_a_point(tmp_path, pad):
    """`01` was taken for a blank."""
    numbers = [0 if cell == "." else 1 + SYMBOLS.index(cell) for cell in sixteen()]
    lines = [" ".join(pad.format(number) for number in numbers[i : i + 16]) for i in range(0, 256, 16)]
    assert read_text("\n".join(lines), 16).cells == sixteen()


def test_a_full_grid_in_hexadecimal_is_the_answer_of_its_puzzle(tmp_path):
    full = TASK16.format(TASK16.random_grid(np.random.default_rng(3)))
    texts = ["".join("." if c == "." else HEXADECIMAL[SYMBOLS.index(c)] for c in cells) for cells in (sixteen(), full)]
    for between in ("\n", ","):
        (tmp_path / "a.txt").write_text(between.join(texts) + "\n")
        found = TASK16.read(tmp_path / "a.txt")
        assert [TASK16.format(row) for row in found.tokens] == [sixteen()]
        assert [TASK16.format(row) for row in found.labels] == [full]
    (tmp_path / "a.json").write_text(json.dumps({"puzzle": texts[0], "solution": texts[1]}))
    assert [TASK16.format(row) for row in TASK16.read(tmp_path / "a.json").labels] == [full]


@given(
    name=st.sampled_from(["sudoku4", "sudoku6", "sudoku9"]),
    seed=st.integers(0, 99),
    frame=st.booleans(),
    gap=st.sampled_from(["", " "]),
    outer=st.booleans(),
    cut=st.booleans(),
)
def test_between_bars_spaces_are_blanks(name, seed, frame, gap, outer, cut):
    """Drawn with or without a frame, with a space at the beginning of a row or none, and with its end cut off or not."""
    task = SUDOKUS[name]
    rng = np.random.default_rng(seed)
    cells = np.array([*task.format(task.random_grid(rng))])
    cells[rng.random(len(cells)) < 0.7] = " "
    width, height = task.boxes.columns, task.boxes.rows
    lines = []
    for i, row in enumerate(cells.reshape(task.side, task.side)):
        edge = gap if outer or frame else ""
        boxes = [gap.join(row[j : j + width]) for j in range(0, task.side, width)]
        line = edge + f"{gap}|{gap}".join(boxes) + edge
        lines.append(f"|{line}|" if frame else line.rstrip() if cut and line.strip(" |") else line)
        if i % height == height - 1 and i < task.side - 1:
            lines.append("-" * len(line))
    if not (cells != " ").any() or not any("|" in line for line in lines):
        return
    if gap == "" and not frame and any(len(line) == task.side for line in lines):
        return  # a line that is as long as a row without bars
    assert read_text("\n".join(lines), task.side).cells == "".join(cells).replace(" ", ".")


@pytest.mark.parametrize("name", ["regions", "layout", "cages"])
def test_other_rules_are_never_passed_over(tmp_path, name):
    (tmp_path / "a.json").write_text(json.dumps({"puzzle": PUZZLE, name: [[0, 1]]}))
    with pytest.raises(PuzzleError, match=f"has {name}, which would change the rules and is not read"):
        NINE.read(tmp_path / "a.json")
    if name != "regions":  # which is a column of ours
        (tmp_path / "a.csv").write_text(f"puzzle,{name}\n{PUZZLE},{'A' * 81}\n")
        with pytest.raises(PuzzleError, match=f"the header has {name}, which would change the rules"):
            NINE.read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"{PUZZLE}\n{OTHER}\n", ""),
        (f"Easy\n{PUZZLE}\n", "a line each, with titles or more beside them"),
        (f"{PUZZLE} {SOLUTION}\n", "a line each, with titles or more beside them"),
        (f"Easy\n{ROWS}\n", "drawn over several lines"),
    ],
)
def test_a_file_says_what_it_was_taken_for(tmp_path, text, form):
    (tmp_path / "a.txt").write_text(text)
    assert NINE.form_in(tmp_path / "a.txt") == form


def test_an_empty_file_is_told_to_be_empty(tmp_path):
    (tmp_path / "a.txt").write_text("\n\n")
    with pytest.raises(ValueError, match=r"a\.txt: no puzzle in it"):
        guess_task(tmp_path / "a.txt")


@pytest.mark.parametrize("text", ["a ", "= ", " ", "(", "1", "|", "+", "[5 ", "1. ", "word ", "a" + " " * 99])
def test_a_long_line_of_anything_is_refused_at_once(text):
    """A pattern took quadratic time for blanks: 300,000 of them would have taken twenty minutes."""
    started = time.process_time()
    with pytest.raises(PuzzleError):
        NINE.parse(text * 20_000 + "x")
    assert time.process_time() - started < 5
