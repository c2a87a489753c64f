"""Sudokus in JSON, source code, documents and addresses as other programs and people write them."""

from __future__ import annotations

import json
from itertools import chain

import pytest

from ponderling.cli import main
from ponderling.cli.data.sniff import guess_task, holds_arc, holds_grids
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.written import read_text, texts_of
from test_files_of_programs import ANSWER, BOARD, OTHER_BOARD, read, with_candidates
from test_written import NINE, OTHER, PUZZLE, SOLUTION, rows_of

ROWS = ["".join(row) for row in rows_of(PUZZLE)]
ZEROS = [row.replace(".", "0") for row in ROWS]


def joined(between, rows=ROWS):
    return [between.join(row) for row in rows]


# JSON

CELLS = [[{"value": cell or None, "given": bool(cell)} for cell in row] for row in BOARD]
JSON = {
    "boards within objects": {
        "shown": "May 1",
        "easy": {"id": 1, "data": {"hints": [1, 2], "puzzle": [*chain(*BOARD)], "solution": [*chain(*ANSWER)]}},
        "hard": {"id": 2, "data": {"puzzle": [*chain(*OTHER_BOARD)]}},
    },
    "a board of another name": {"mission": PUZZLE, "solution": SOLUTION, "rate": 60.2},
    "rows with spaces": {"grid": [" ".join(row) for row in ROWS]},
    "cells as objects": {"size": 9, "grid": CELLS},
    "a board within an answer": {"newboard": {"grids": [{"value": BOARD, "solution": ANSWER}], "results": 1}},
}


@pytest.mark.parametrize("value", JSON.values(), ids=JSON)
@pytest.mark.parametrize("indent", [None, 1])
def test_boards_of_json_are_read_in_a_file_and_on_standard_input(tmp_path, value, indent):
    text = json.dumps(value, indent=indent)
    wanted = [PUZZLE, OTHER] if "hard" in value else [PUZZLE]
    path = tmp_path / "a.json"
    path.write_text(text)
    assert read(path) == wanted
    assert guess_task(path) is NINE
    assert not holds_grids(path)
    assert not holds_arc(str(path))
    assert [NINE.format(NINE.parse(part)) for part in texts_of(text.split("\n"), 9)] == wanted


def test_brackets_in_texts_of_json_close_nothing():
    lines = [json.dumps({"note": note, "puzzle": cells}) for note, cells in (('a "[b', PUZZLE), ("}]", OTHER))]
    assert list(texts_of(iter(lines), 9)) == [PUZZLE, OTHER]


def test_standard_input_may_hold_json_in_lines_and_over_several(monkeypatch, capsys):
    """An object of JSON alone was no puzzle, silently."""
    values = [{"board": BOARD}, {"puzzle": OTHER}, {"puzzle": "53"}, PUZZLE]
    lines = [json.dumps(values[0]), *json.dumps(values[1], indent=2).split("\n"), *map(json.dumps, values[2:])]
    monkeypatch.setattr("ponderling.cli.solve._lines_of_stdin", lambda: iter(lines))
    assert main(["solve", "sudoku", "-", "--steps", "1"]) == 2
    said = capsys.readouterr()
    assert [line.split(",")[0] for line in said.out.splitlines()] == [PUZZLE, OTHER, PUZZLE]
    assert "puzzle 3 of stdin:" in said.err


def test_a_value_of_json_comes_as_soon_as_its_brackets_are_closed():
    def stream():
        yield from json.dumps({"board": BOARD}, indent=1).split("\n")
        raise AssertionError("the next line was read first")

    assert NINE.format(NINE.parse(next(texts_of(stream(), 9)))) == PUZZLE


def test_cells_that_were_filled_in_are_no_clues():
    cells = [[dict(cell) for cell in row] for row in CELLS]
    cells[0][2] = {"value": 4}
    assert read_text(json.dumps({"grid": cells}), 9).cells == PUZZLE


@pytest.mark.parametrize("more", [{"diagonal+": True}, {"killercage": [{"value": "3"}]}, {"antiknight": True}])
def test_further_rules_in_json_are_refused_and_their_absence_is_not(more):
    with pytest.raises(PuzzleError, match="which would change the rules"):
        read_text(json.dumps({"puzzle": PUZZLE, **more}), 9)
    none = {name: type(value)() for name, value in more.items()}
    assert read_text(json.dumps({"puzzle": PUZZLE, **none}), 9).cells == PUZZLE


def test_a_cell_in_a_region_is_refused():
    cells = [[{**cell, "region": 0} for cell in row] for row in CELLS]
    with pytest.raises(PuzzleError, match="has cells with a region, which would change the rules"):
        read_text(json.dumps({"grid": cells}), 9)


def test_what_is_nearly_json_is_read(tmp_path):
    (tmp_path / "a.json").write_text("[\n" + ",\n".join(map(str, BOARD)) + ",\n]\n")
    assert read(tmp_path / "a.json") == [PUZZLE]


def test_a_game_of_another_length_in_xml_is_refused(tmp_path):
    """It was passed over."""
    games = "\n".join(f'<game data="{cells}" />' for cells in (PUZZLE, OTHER[:80]))
    (tmp_path / "a.opensudoku").write_text(f"<opensudoku>\n{games}\n</opensudoku>")
    with pytest.raises(PuzzleError, match="line 3: expected a game of 81 digits, got 80"):
        NINE.read(tmp_path / "a.opensudoku")


# Source code

UNDERLINES = [row.replace(".", "_") for row in ROWS]
TEXTS = [f'"{row}"' for row in ROWS]
SOURCE = {
    "Prolog": "puzzle(1, P) :-\n  P = [[" + "],\n       [".join(joined(",", UNDERLINES)) + "]].",
    "Prolog in one term": "problem(1, [[" + "],\n            [".join(joined(",", UNDERLINES)) + "]]).",
    "MiniZinc": "n = 3;\nstart = [|\n" + "|\n".join(joined(", ", ZEROS)) + "|];",
    "MiniZinc with bars first": "start = [| " + "\n         | ".join(joined(", ", ZEROS)) + " |];",
    "MiniZinc's array2d": "start = array2d(1..9,1..9,[\n" + ",\n".join(joined(", ", ZEROS)) + "]);",
    "Haskell": "-- an easy one\neasy = unlines [ " + "\n               , ".join(TEXTS) + " ]",
    "Haskell over more lines": "easy =\n  [ " + "\n  , ".join(TEXTS) + "\n  ]",
    "C": "#include <stdio.h>\n/* a puzzle */\nint grid[9][9] = {{" + "},\n  {".join(joined(", ", ZEROS)) + "}};",
    "Python that joins texts": "grid = (" + "\n        ".join(TEXTS) + ")",
    "Lisp": "(defparameter *p* '((" + ")\n    (".join(joined(" ", ZEROS)) + ")))",
    "Clojure": "(def board [[" + "]\n            [".join(joined(" ", ZEROS)) + "]])",
    "Matlab": "M = [\n" + ";\n".join(joined(" ")).replace(".", "NaN") + "\n];",
    "YAML": "puzzle:\n" + "\n".join(f"- '{row}'" for row in ROWS),
    "R": "     " + " ".join(f"[,{i}]" for i in range(1, 10)) + "\n"
    + "\n".join(f" [{i},] " + "   ".join("NA" if cell == "." else cell for cell in row) for i, row in enumerate(ROWS, 1)),
    "pandas": "     " + "    ".join("012345678") + "\n"
    + "\n".join(f"{i}  " + "  ".join("NaN" if cell == "." else f"{cell}.0" for cell in row) for i, row in enumerate(ROWS)),
}  # fmt: skip


@pytest.mark.parametrize("text", SOURCE.values(), ids=SOURCE)
def test_a_puzzle_in_source_code_is_read(tmp_path, text):
    (tmp_path / "a.txt").write_text(text + "\n")
    assert read(tmp_path / "a.txt") == [PUZZLE]
    assert guess_task(tmp_path / "a.txt") is NINE


# Documents

DOCUMENTS = {
    "mail": "\n".join(f"> {row}" for row in ROWS),
    "mail without spaces": "\n".join(f">{row}" for row in ROWS),
    "words around": "Hello all,\n\ncan anybody solve this?\n\n" + "\n".join(ROWS) + "\n\nThanks,\nBob\n",
    "BBCode": "[code]\n" + "\n".join(ROWS) + "\n[/code]",
    "LaTeX": "\\begin{array}{|ccc|ccc|ccc|}\\hline\n" + " \\\\ \\hline\n".join(joined(" & ")) + " \\\\\n\\end{array}",
    "LaTeX with empty cells": " \\\\\n".join(joined(" & ")).replace(".", ""),
    "MediaWiki": "{| class=\"wikitable\"\n" + "\n".join(f"|-\n| {row}" for row in joined(" || ")).replace(".", "") + "\n|}",
    "two bars": "\n".join(
        f"|| {' || '.join(' | '.join(row[i : i + 3]) for i in (0, 3, 6))} ||" for row in ROWS
    ).replace(".", " "),
    "a rule of single signs": "\n".join(["+=" * 9 + "+", *(f"|{row}|\n{'+=' * 9}+" for row in joined("|"))]),
    "the end of a file of DOS": "\n".join(ROWS) + "\n\x1a",
    "an address": f"https://www.example.org/sudoku?bd={PUZZLE}",
    "an address with more": f"https://example.com/play/?s={PUZZLE}&d=3#top",
    "a name before =": f"Inkala={PUZZLE}",
    "rows joined by /": "/".join(ROWS),
    "rows joined by -": "-".join(ZEROS),
    "rows joined by an escaped end of line": "\\n".join(ROWS),
    "wide digits": "\n".join(ZEROS).translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"}),
    "Arabic digits": PUZZLE.translate({ord(digit): 0x660 + int(digit) for digit in "0123456789"}),
    "digits as emoji": "\n".join(ROWS).translate({ord(digit): digit + "\ufe0f\u20e3" for digit in "123456789"}),
    "# for blanks": "\n".join(ROWS).replace(".", "#"),
    "# and spaces": "\n".join(joined(" ")).replace(".", "#"),
    "/ for blanks": "\n".join(ROWS).replace(".", "/"),
}  # fmt: skip


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_puzzle_in_a_document_is_read(tmp_path, text):
    (tmp_path / "a.txt").write_text(text + "\n", encoding="utf-8")
    assert read(tmp_path / "a.txt") == [PUZZLE]
    assert NINE.format(NINE.parse(text)) == PUZZLE
    assert guess_task(tmp_path / "a.txt") is NINE


@pytest.mark.parametrize("text", [PUZZLE + ".", PUZZLE + '."', PUZZLE[:-1], f'"{PUZZLE}."', f"'{PUZZLE}1'"])
def test_no_cell_at_the_end_of_a_line_is_passed_over(tmp_path, text):
    (tmp_path / "a.txt").write_text(text + "\n")
    with pytest.raises(PuzzleError):
        NINE.read(tmp_path / "a.txt")


def markdown(rows):
    return [f"| {row} |" for row in joined(" | ", rows)]


@pytest.mark.parametrize("rule", ["---", ":-:", "-"])
@pytest.mark.parametrize("blank", [".", " "])
def test_a_table_in_markdown_has_a_first_row_or_an_empty_one_above_its_rule(tmp_path, rule, blank):
    rule = "|" + "|".join([rule] * 9) + "|"
    tables = [
        markdown([row.replace(".", blank) for row in rows]) for rows in (ROWS, list(map("".join, rows_of(OTHER))))
    ]
    empty = "|" + "   |" * 9
    for wanted in ([PUZZLE], [PUZZLE, OTHER]):
        for parts in ([[table[0], rule, *table[1:]] for table in tables], [[empty, rule, *table] for table in tables]):
            (tmp_path / "a.md").write_text("\n\n".join(map("\n".join, parts[: len(wanted)])) + "\n")
            assert read(tmp_path / "a.md") == wanted


def test_candidates_below_their_puzzle_are_no_further_puzzle(tmp_path):
    """A cell of one candidate was a clue of another puzzle."""
    for given in (PUZZLE, "\n".join(ROWS)):
        (tmp_path / "a.txt").write_text(f"{given}\n\n{with_candidates(PUZZLE)}\n\n{OTHER}\n")
        assert read(tmp_path / "a.txt") == [PUZZLE, OTHER]
        assert read_text(f"{given}\n\n{with_candidates(PUZZLE)}", 9).cells == PUZZLE
    (tmp_path / "a.txt").write_text(f"{OTHER}\n\n{with_candidates(PUZZLE)}\n")
    assert len(read(tmp_path / "a.txt")) == 2


# Tables

ZERO = "".join(ZEROS)
COLUMNS = {
    "Excel's separator": f"sep=;\nid;puzzle;solution\n1;{ZERO};{SOLUTION}",
    "comments before the header": f"# from me\n\npuzzle,solution\n{PUZZLE},{SOLUTION}",
    "single quotation marks": f"'puzzle','solution'\n'{ZERO}','{SOLUTION}'",
    "bars": f"puzzle|solution\n{ZERO}|{SOLUTION}",
    "formulas that keep numbers texts": f'puzzle,solution\n="{ZERO}",="{SOLUTION}"',
    "apostrophes that keep numbers texts": f"puzzle,solution\n'{ZERO},'{SOLUTION}",
    "drawings in fields": "puzzle,solution\n" + ",".join(
        '"' + "\n".join("".join(row) for row in rows_of(cells)) + '"' for cells in (PUZZLE, SOLUTION)
    ),
    "lists in fields": f'puzzle,solution\n"{BOARD}","{ANSWER}"',
    "a cell a column, then those of the answer": ",".join(ZERO + SOLUTION),
}  # fmt: skip


@pytest.mark.parametrize("text", COLUMNS.values(), ids=COLUMNS)
def test_columns_of_spreadsheets_hold_the_puzzle_and_its_answer(tmp_path, text):
    (tmp_path / "a.csv").write_text(text + "\n")
    found = NINE.read(tmp_path / "a.csv")
    assert [NINE.format(row) for row in found.tokens] == [PUZZLE]
    assert [NINE.format(row) for row in found.labels] == [SOLUTION]


def test_the_row_of_a_problem_below_comments_is_that_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_text(f"# mine\nsep=;\nquestion;answer\n{PUZZLE};\n{PUZZLE[:-1]};\n")
    with pytest.raises(PuzzleError, match="row 5: question has 80 characters"):
        NINE.read(tmp_path / "a.csv")


EMPTY = [row.replace(".", "") for row in joined(",")]
GRIDS = {
    "columns after it": [row + ",,," for row in EMPTY],
    "a column before it": ["," + row for row in EMPTY],
    "both, and rows": [",,,,,,,,,,", *[f",{row}," for row in EMPTY], ",,,,,,,,,,"],
    "quotation marks": joined(",", [[f'"{cell}"' for cell in row] for row in ROWS]),
    "numbers with a point": [",".join("" if cell == "." else f"{cell}.0" for cell in row) for row in ROWS],
    "names of columns": [",".join("012345678"), *EMPTY],
}


@pytest.mark.parametrize("lines", GRIDS.values(), ids=GRIDS)
def test_a_table_may_have_empty_columns_and_rows_around_the_puzzle(tmp_path, lines):
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert read(tmp_path / "a.csv") == [PUZZLE]
    assert guess_task(tmp_path / "a.csv") is NINE


def test_a_table_in_which_a_column_of_blanks_may_be_the_puzzles_is_refused(tmp_path):
    """The puzzle of a table whose first column is empty may begin in that column or in the next."""
    rows = [",".join(["", *row.split(",")[1:8], "", "", ""]) for row in EMPTY]
    assert {row.count(",") for row in rows} == {10}
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(PuzzleError, match="expected a header with the column question"):
        NINE.read(tmp_path / "a.csv")
