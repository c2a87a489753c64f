"""Game IDs of Simon Tatham's Solo read as the puzzle in them, or are refused with the reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponderling.cli.data.sniff import guess_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.alphabets import SYMBOLS
from ponderling.tasks.sudoku.written import read_text
from test_written import NINE, OTHER, PUZZLE, SOLUTION, puzzles, sixteen


def game_id(cells, side):
    """A puzzle as Solo writes it: numbers, a letter for a run of blanks, and _ between two numbers."""
    told, run, is_number = "", 0, False
    for cell in [*cells, None]:
        if cell == "." and run < 26:
            run += 1
            continue
        if run:
            told += chr(ord("a") + run - 1)
            is_number = False
        run = int(cell == ".")
        if cell not in (None, "."):
            told += "_" * is_number + str(1 + SYMBOLS.index(cell))
            is_number = True
    box = round(side**0.5)
    return f"{box}x{box}:{told}"


@given(cells=puzzles(), before=st.sampled_from(["", " ", "\ufeff"]), end=st.sampled_from(["", "\r\n", "  \n"]))
def test_a_game_id_is_its_puzzle(cells, before, end):
    assert read_text(before + game_id(cells, 9) + end, 9).cells == cells


def test_files_of_game_ids_are_read(tmp_path):
    lines = "".join(f"{game_id(cells, 9)}\n" for cells in (PUZZLE, OTHER, "." * 30 + SOLUTION[30:]))
    (tmp_path / "a.txt").write_text(f"From Solo\n{lines}")
    assert guess_task(tmp_path / "a.txt").name == "sudoku9"
    assert read_text(game_id(sixteen(), 16), 16).cells == sixteen()
    (tmp_path / "a.txt").write_text(lines.splitlines()[0])
    assert [NINE.format(tokens) for tokens in NINE.read(tmp_path / "a.txt").tokens] == [PUZZLE]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3x3#123456", "got the seed 3x3#123456: take the ID after a colon"),
        ("3x3x:" + game_id(PUZZLE, 9)[4:], "with other rules, which is not read"),
        ("3x3kda:" + game_id(PUZZLE, 9)[4:], "with other rules, which is not read"),
        ("9j:" + game_id(PUZZLE, 9)[4:] + ",a3b_c", "with other rules, which is not read"),
        (game_id(PUZZLE, 9) + "a", "expected 81 cells, got 82"),
        ("9x1:" + game_id(PUZZLE, 9)[4:], "with boxes that are not square"),
    ],
)
def test_other_games_are_refused(tmp_path, text, said):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(PuzzleError) as error:
        NINE.read(tmp_path / "a.txt")
    assert said in str(error.value)
    assert "a.txt: line 1: " in str(error.value)
