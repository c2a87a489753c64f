"""Sudokus as people write them: every way of drawing a puzzle, and every alphabet, reads back as the same puzzle."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ponderling
from ponderling.cli import main
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.sudoku.alphabets import HEXADECIMAL, SYMBOLS
from ponderling.tasks.sudoku.boards import read_boards
from ponderling.tasks.sudoku.puzzle_lines import read_lines
from ponderling.tasks.sudoku.written import read_text, texts_of

PUZZLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
SOLUTION = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
OTHER = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
NINE = SUDOKUS["sudoku9"]


def back(found):
    """A puzzle as it was written, in a line."""
    names = {".": found.alphabet.blank, **dict(zip(SYMBOLS, found.alphabet.symbols))}
    parted = " " if max(map(len, found.alphabet.symbols)) > 1 else ""
    return parted.join(names[cell] for cell in found.cells)


def rows_of(cells, side=9):
    return [list(cells[i : i + side]) for i in range(0, side * side, side)]


def boxed(cells, *, frame=True, gap=" "):
    """A puzzle as forums and solvers draw it."""
    rule = "+-------+-------+-------+" if gap else "+---+---+---+"
    lines = [rule] * frame
    for i, row in enumerate(rows_of(cells)):
        boxes = [gap.join(row[j : j + 3]) for j in (0, 3, 6)]
        bars = [f"{gap}{box}{gap}" for box in boxes]
        lines.append("|" + "|".join(bars) + "|" if frame else "|".join(bars))
        lines += [rule if frame else "------+-------+------"] * (i in (2, 5) or (frame and i == 8))
    return "\n".join(lines)


def sadman(cells):
    return "\n".join(["#ASomebody", "#D28-11-2026", "#B1", "#SAnywhere", *map("".join, rows_of(cells)), ""])


def simple_sudoku(cells):
    lines = [" *-----------*"]
    for i, row in enumerate(rows_of(cells)):
        lines.append(" |" + "|".join("".join(row[j : j + 3]) for j in (0, 3, 6)) + "|")
        lines += [" |---+---+---|"] * (i in (2, 5))
    return "\n".join([*lines, " *-----------*", ""])


LAYOUTS = {
    "a line": lambda cells: cells,
    "rows": lambda cells: "\n".join(map("".join, rows_of(cells))),
    "Windows' rows": lambda cells: "\ufeff" + "\r\n".join(map("".join, rows_of(cells))) + "\r\n",
    "spaced rows": lambda cells: "\n".join(map(" ".join, rows_of(cells))),
    "rows with gaps": lambda cells: "\n\n".join("\n".join(map("".join, rows_of(cells)[i : i + 3])) for i in (0, 3, 6)),
    "a table": lambda cells: "\n".join(map(",".join, rows_of(cells))),
    "tabs": lambda cells: "\n".join(map("\t".join, rows_of(cells))),
    "boxes": boxed,
    "narrow boxes": lambda cells: boxed(cells, gap=""),
    "bars": lambda cells: boxed(cells, frame=False),
    "SadMan": sadman,
    "Simple Sudoku": simple_sudoku,
    "lines as JSON": lambda cells: json.dumps(["".join(row) for row in rows_of(cells)]),
    "cells as JSON": lambda cells: json.dumps(rows_of(cells)),
    "an object": lambda cells: json.dumps({"board": rows_of(cells), "difficulty": 3}),
    "three lines": lambda cells: "\n".join(cells[i : i + 27] for i in (0, 27, 54)),
}


@st.composite
def puzzles(draw):
    shown = draw(st.lists(st.integers(0, 80), min_size=17, max_size=60, unique=True))
    return "".join(SOLUTION[i] if i in shown else "." for i in range(81))


@given(cells=puzzles(), layout=st.sampled_from(sorted(LAYOUTS)), blank=st.sampled_from(".0_*x?-"))
def test_every_layout_with_every_blank_reads_back(cells, layout, blank):
    if layout == "Simple Sudoku" and blank in "*-":
        blank = "."  # its frame is made of these
    if layout == "three lines" and blank == "-":
        blank = "."  # in rows of no size they are taken for a frame
    found = read_text(LAYOUTS[layout](cells.replace(".", blank)), 9)
    assert found.cells == cells
    assert found.alphabet.is_ours
    assert back(found) == cells.replace(".", found.alphabet.blank)


@given(cells=puzzles(), layout=st.sampled_from(["a line", "rows", "narrow boxes"]))
def test_spaces_may_be_blanks(cells, layout):
    text = LAYOUTS[layout](cells.replace(".", " "))
    if layout == "a line" and ("." * 18 in (cells[:18], cells[-18:])):  # it may be a padded row
        with pytest.raises(PuzzleError):
            read_text(text, 9)
    else:
        assert read_text(text, 9).cells == cells


def test_spaces_at_the_ends_of_lines_may_be_cut_off():
    rows = LAYOUTS["rows"](PUZZLE.replace(".", " ")).split("\n")
    cut = "\n".join([rows[0], *(row.rstrip() for row in rows[1:])])
    assert len(cut) < len("\n".join(rows))
    assert read_text(cut, 9).cells == PUZZLE


@pytest.mark.parametrize("gap", ["", " ", " " * 8, " " * 9, " " * 10, "\t", "-" * 9, "-" * 11, "=" * 9])
def test_a_line_between_two_puzzles_is_not_a_row_of_either(gap):
    texts = [LAYOUTS["rows"](PUZZLE), gap, LAYOUTS["rows"](OTHER), gap]
    lines = "\n".join(texts).split("\n")
    assert [found.cells for found in read_lines(lines, 9)] == [PUZZLE, OTHER]
    assert [read_text(text, 9).cells for text in texts_of(lines, 9)] == [PUZZLE, OTHER]


@pytest.mark.parametrize("blank", [" ", "-"])
def test_a_whole_row_of_blanks_is_a_row(blank):
    cells = PUZZLE[:9] + "." * 9 + PUZZLE[18:72] + "." * 9
    assert read_text(LAYOUTS["rows"](cells.replace(".", blank)), 9).cells == cells


@given(
    cells=puzzles(), word=st.permutations("KEYBOARDS"), layout=st.sampled_from(["a line", "rows", "boxes", "an object"])
)
def test_a_wordoku_reads_back_with_its_letters(cells, word, layout):
    missing = set(SYMBOLS[:9]) - set(cells)
    if len(missing) > 1:
        return
    letters = dict(zip(SYMBOLS, sorted(word)))
    found = read_text(LAYOUTS[layout]("".join(letters.get(cell, ".") for cell in cells)), 9)
    renamed = back(found)
    assert renamed == "".join(letters.get(cell, ".") for cell in cells)


def sixteen():
    return "".join(NAMES16[token - 2] if token > 1 else "." for token in QUESTION16)


TASK16 = SUDOKUS["sudoku16"]
NAMES16 = SYMBOLS[:16]
QUESTION16 = TASK16.random_grid(np.random.default_rng(3)) * (np.arange(256) % 5 > 0) + (np.arange(256) % 5 == 0)


@pytest.mark.parametrize("layout", ["line", "rows", "numbers", "numbers in lines", "JSON"])
@pytest.mark.parametrize("first", [0, 1])
def test_16x16_in_hexadecimal_and_in_numbers_from_0_or_1(layout, first):
    cells = sixteen()
    names = (
        [str(first + i) for i in range(16)]
        if "num" in layout or layout == "JSON"
        else list(HEXADECIMAL if not first else NAMES16)
    )
    written = [names[SYMBOLS.index(cell)] if cell != "." else "." for cell in cells]
    rows = [written[i : i + 16] for i in range(0, 256, 16)]
    text = {
        "line": "".join(written),
        "rows": "\n".join("".join(row) for row in rows),
        "numbers": "\n".join(" ".join(row) for row in rows),
        "numbers in lines": " ".join(written),
        "JSON": json.dumps(rows),
    }[layout]
    found = read_text(text, 16)
    assert found.cells == cells
    parted = " " if "num" in layout or layout == "JSON" else ""
    assert back(found) == parted.join(written)


@pytest.mark.parametrize("blank", "._- *?x")
def test_hexadecimal_may_have_any_sign_for_blanks(blank):
    written = "".join(HEXADECIMAL[SYMBOLS.index(cell)] if cell != "." else blank for cell in sixteen())
    found = read_text(written, 16)
    assert found.cells == sixteen()
    assert found.alphabet.symbols == tuple(HEXADECIMAL)


def test_the_letter_that_is_missing_is_never_the_sign_for_a_blank():
    letters = dict(zip(SYMBOLS, "ABDEKORSY"))
    for blank in ".?*":
        found = read_text("".join(letters.get(cell, blank) for cell in PUZZLE.replace("9", ".")), 9)
        assert found.cells == PUZZLE.replace("9", ".")
        assert found.alphabet.symbols[8] != blank


def test_where_0_may_be_a_blank_or_a_symbol_it_is_asked():
    with pytest.raises(PuzzleError, match=r"0 and '\.' both occur, and no 9: is 0 a blank or the first symbol\?"):
        NINE.parse("0" + PUZZLE.replace("9", ".")[1:])
    assert NINE.format(NINE.parse(PUZZLE.replace(".", "0", 3))) == PUZZLE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PUZZLE[:-1], "expected 81 cells for 9x9, got 80"),
        ("\n".join(map("".join, rows_of(PUZZLE)[:8])), "got 72"),
        (PUZZLE.replace("7", "Q", 1), "'Q' at row 1 column 5 is not a symbol of sudoku9"),
        (PUZZLE + "\n" + OTHER, "got 2: put them in a file"),
        (PUZZLE.replace("9", ".").replace("1", "l", 1), "'l' at row 2 column 4"),
        ("ABCDE" + "." * 76, "or 9 different letters"),
        ("[[1, 2], [3, 4]]", "expected a board of 9x9, got 2 rows of 2 cells, numbers from 1 to 4"),
        ('{"bord": []}', "expected an object with one of question"),
        ("[1, 2", "JSON"),
    ],
)
def test_what_is_no_puzzle_is_told(text, reason):
    with pytest.raises(PuzzleError) as error:
        NINE.parse(text)
    assert reason in str(error.value)


# Files


def test_a_file_may_hold_several_puzzles_drawn_one_after_the_other(tmp_path):
    path = tmp_path / "two.txt"
    for texts in (
        ["Grid 01", LAYOUTS["rows"](PUZZLE), "Grid 02", LAYOUTS["rows"](OTHER)],
        [boxed(PUZZLE), "", boxed(OTHER), ""],
        [simple_sudoku(PUZZLE), simple_sudoku(OTHER)],
        [sadman(PUZZLE), "[State]", sadman(SOLUTION)],
        ["[Puzzle]", sadman(PUZZLE), "[State]", sadman(SOLUTION), "[Puzzle]", sadman(OTHER)],
    ):
        path.write_text("\n".join(texts))
        found = NINE.read(path)
        wanted = [PUZZLE, OTHER][: len(found)]
        assert [NINE.format(row) for row in found.tokens] == wanted
        assert len(found) == (1 if texts[1] == "[State]" else 2)
    assert NINE.format(found.labels[0]) == SOLUTION


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f"quizzes,solutions\n{PUZZLE},{SOLUTION}\n"),
        ("a.CSV", f"id;Puzzle;Solution;difficulty\n1;{PUZZLE};{SOLUTION};2.2\n"),
        ("a.csv", f"{PUZZLE},{SOLUTION}\n"),
        ("a.csv", f"3,{PUZZLE.replace('.', '0')},{SOLUTION}\n"),
        ("a.csv", "\ufeff" + f"question,answer\n{PUZZLE},{SOLUTION}\n"),
        ("a.tsv.csv", f"board\tsolved\n{PUZZLE}\t{SOLUTION}\n"),
        ("a.csv", LAYOUTS["a table"](PUZZLE)),
        ("a.txt", PUZZLE.replace(".", "-") + "," + SOLUTION),
        ("a.json", json.dumps({"puzzle": PUZZLE, "solution": SOLUTION})),
        ("a.json", json.dumps([{"board": rows_of(PUZZLE), "solution": rows_of(SOLUTION)}])),
        ("a.json", json.dumps({"boards": [[[int(c) if c != "." else None for c in row] for row in rows_of(PUZZLE)]]})),
        ("a.json", json.dumps([[int(c) if c != "." else 0 for c in row] for row in rows_of(PUZZLE)], indent=1)),
        ("a.jsonl", json.dumps({"quizzes": PUZZLE, "solutions": SOLUTION}) + "\n"),
        ("a.txt", json.dumps(rows_of(PUZZLE))),
        ("a.txt", json.dumps(rows_of(PUZZLE), indent=2)),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_any_program_has_the_puzzle_and_its_answer(tmp_path, name, text, packed):
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found = NINE.read(path)
    assert [NINE.format(row) for row in found.tokens] == [PUZZLE]
    assert [NINE.format(row) for row in found.labels] == [SOLUTION]


def test_utf_16_is_read(tmp_path):
    (tmp_path / "a.csv").write_text(f"quizzes,solutions\n{PUZZLE},{SOLUTION}\n", encoding="utf-16")
    assert len(NINE.read(tmp_path / "a.csv")) == 1


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "a.csv",
            f"puzzle,quizzes\n{PUZZLE},{PUZZLE}\n",
            "a column quizzes and a column puzzle: which one is the question",
        ),
        ("a.csv", "x,y\n1,2\n", "expected a header with the column question, got x,y"),
        ("a.csv", f"quizzes,solutions\n{PUZZLE},{SOLUTION[::-1]}\n", "row 2: the answer does not fit the question"),
        ("a.txt", LAYOUTS["rows"](PUZZLE)[:-3], "line 9: expected 9 cells, or 81 for a whole puzzle, got 6"),
        ("a.json", json.dumps({"puzzles": [PUZZLE, "12"]}), "expected 9 cells, or 81 for a whole puzzle"),
        ("a.json", json.dumps({"puzzles": [PUZZLE], "solutions": [SOLUTION] * 2}), "got 2 for 1"),
        ("a.json", "3", "expected a board of 9x9, got 3"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_name_and_the_place(tmp_path, name, text, reason):
    (tmp_path / name).write_text(text)
    with pytest.raises(PuzzleError) as error:
        NINE.read(tmp_path / name)
    assert str(error.value).startswith(str(tmp_path / name))
    assert reason in str(error.value)


def test_lines_and_boards_are_numbered(tmp_path):
    assert [found.number for found in read_lines(["# made", "", PUZZLE + "\n", OTHER], 9)] == [3, 4]
    assert [found.number for found in read_boards([rows_of(PUZZLE), OTHER], 9)] == [1, 2]
    path = tmp_path / "two.txt"
    path.write_text("\n".join(["Grid 01", boxed(PUZZLE), "", boxed(OTHER)]))
    assert NINE.places_in(path, 2)[1].tolist() == [3, 17]


# Answers come back in the same symbols


WORDOKU = "EC..G....F..AIE....IH....F.H...F...CD..H.C..AG...B...F.F....BH....DAI..E....H..GI"


def test_answers_are_in_the_symbols_of_the_question(tmp_path, capsys):
    solver = ponderling.Solver.from_pretrained("sudoku")
    result = solver.solve(WORDOKU)
    assert result.valid
    assert result.question == WORDOKU
    assert set(result.answer) == set("ABCDEFGHI")
    assert [r.answer for r in solver.solve_many([WORDOKU, PUZZLE])] == [result.answer, SOLUTION]
    path = tmp_path / "both.txt"
    path.write_text(f"{WORDOKU}\n{PUZZLE.replace('.', '-')}\n")
    assert main(["solve", "sudoku", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[1] for line in lines] == [result.answer, SOLUTION]
    path.write_text(LAYOUTS["boxes"](WORDOKU))
    assert main(["solve", "sudoku", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{WORDOKU},{result.answer},valid")
    assert main(["solve", "sudoku", WORDOKU]) == 0
    assert result.answer in capsys.readouterr().out


def test_numbers_of_two_digits_are_answered_in_our_symbols():
    text = " ".join(str(1 + SYMBOLS.index(cell)) if cell != "." else "0" for cell in sixteen())
    assert TASK16.as_written(text) is TASK16
    assert TASK16.format(TASK16.parse(text)) == sixteen()


def test_a_task_with_other_symbols_is_another_one():
    lettered = NINE.as_written(WORDOKU)
    assert lettered.format(NINE.parse(WORDOKU)) == WORDOKU
    assert NINE.as_written(PUZZLE) is NINE
    assert NINE.format(NINE.parse(WORDOKU)) == PUZZLE


def test_standard_input_may_hold_drawn_puzzles_and_lines(monkeypatch, capsys):
    texts = [PUZZLE, boxed(PUZZLE), "", LAYOUTS["rows"](OTHER), "rubbish", simple_sudoku(PUZZLE), WORDOKU]
    lines = "\n".join(texts).split("\n")
    monkeypatch.setattr("ponderling.cli.solve._lines_of_stdin", lambda: iter(lines))
    assert main(["solve", "sudoku", "-", "--steps", "2"]) == 2
    said = capsys.readouterr()
    assert [line.split(",")[0] for line in said.out.splitlines()] == [PUZZLE, PUZZLE, OTHER, PUZZLE, WORDOKU]
    assert "puzzle 4 of stdin: expected 81 cells for 9x9, got 7" in said.err


def test_a_puzzle_of_a_stream_comes_as_soon_as_its_last_line():
    def lines():
        yield PUZZLE
        for row in LAYOUTS["rows"](OTHER).split("\n"):
            assert seen == [PUZZLE]
            yield row
        assert len(seen) == 2

    seen = []
    for text in NINE.texts_of(lines()):
        seen.append(text)
    assert seen[1] == LAYOUTS["rows"](OTHER)


@pytest.mark.parametrize(
    ("name", "text", "family"),
    [
        ("a.sdk", sadman(PUZZLE), "sudoku9"),
        ("a.json", json.dumps(rows_of(PUZZLE)), "sudoku9"),
        ("a.jsonl", json.dumps({"board": PUZZLE}) + "\n", "sudoku9"),
        ("a.csv", f"quizzes,solutions\n{PUZZLE},{SOLUTION}\n", "sudoku9"),
        ("a.txt", WORDOKU, "sudoku9"),
        ("a.txt", "1..4\n..1.\n.2..\n3..1\n".replace("3..1", "4..2"), "sudoku4"),
    ],
)
def test_the_family_of_a_file_is_known_without_its_name(tmp_path, capsys, name, text, family):
    (tmp_path / name).write_text(text)
    main(["data", "inspect", str(tmp_path / name), "--json"])
    said = capsys.readouterr()
    assert f'"{family}"' in said.out or family in said.err, said
