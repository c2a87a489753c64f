"""Takuzu: rules, logic, generation, and the way through training, solving, the terminal and the page, by its name alone."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from ponderling.cli import main
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.takuzu import Takuzu

SIX = get_task("takuzu6")
ANSWER = "110010" + "100101" + "011001" + "101010" + "010110" + "001101"
TINY = [
    "--train.steps", "4", "--train.batch-size", "4", "--train.N-sup", "2", "--run.eval-every", "4",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
    "--data.max-train", "20", "--data.max-test", "10", "--data.num-validation", "4",
]  # fmt: skip


def obeys(grid: np.ndarray) -> bool:
    """The rules, line by line: the oracle."""
    for lines in (grid.tolist(), grid.T.tolist()):
        texts = ["".join(map(str, line)) for line in lines]
        if len(set(texts)) < len(texts) or any("000" in text or "111" in text for text in texts):
            return False
        if any(text.count("1") * 2 != len(text) for text in texts):
            return False
    return True


def test_the_rules_accept_exactly_the_grids_of_4x4_that_obey_them():
    task = Takuzu(4)
    grids = np.array(list(itertools.product((0, 1), repeat=16)), np.uint8)
    answers, blank = grids + 2, np.full_like(grids, 1)
    expected = np.array([obeys(grid.reshape(4, 4)) for grid in grids])
    assert expected.sum() == 72
    assert (task.valid(blank, answers) == expected).all()
    for i in np.random.default_rng(0).choice(len(grids), 100):
        assert task.check(blank[i], answers[i]).valid == expected[i]
    assert all(task.check(blank[i], answers[i]).valid for i in np.flatnonzero(expected))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({2: "1"}, "three 1 stand side by side in row 1"),
        ({3: "1"}, "row 1 has too many 1"),
        (dict(enumerate("100101")), "rows 1 and 2 are equal"),
        ({0: "."}, "1 cells are empty"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_and_shown(changes, reason):
    cells = "".join(changes.get(i, cell) for i, cell in enumerate(ANSWER))
    tokens = np.array([".01".index(c) + 1 for c in cells], np.uint8)
    verdict = SIX.check(np.full(36, 1, np.uint8), tokens)
    assert not verdict.valid
    assert reason in verdict.reasons
    assert verdict.wrong_cells
    assert not SIX.valid(np.full((1, 36), 1, np.uint8), tokens[None])[0]


def test_generated_puzzles_have_one_solution_and_no_clue_too_many():
    task = Takuzu(4)
    puzzles = task.generate(np.random.default_rng(0), 20)
    assert task.valid(puzzles.tokens, puzzles.labels).all()
    grids = np.array(list(itertools.product((2, 3), repeat=16)), np.uint8)
    right = grids[task.valid(np.full_like(grids, 1), grids)]
    for question, answer in zip(puzzles.tokens, puzzles.labels, strict=True):
        fitting = right[((question == 1) | (right == question)).all(axis=1)]
        assert fitting.tolist() == [answer.tolist()]
        assert (task.find_answer(question) == answer).all()
        task.check_question(question)
    assert puzzles.ratings is not None
    assert puzzles.ratings.min() >= 1


def test_questions_without_one_solution_are_refused():
    with pytest.raises(PuzzleError, match=r"more than one solution: row \d column \d can be 0 or 1"):
        SIX.check_question(np.full(36, 1, np.uint8))
    with pytest.raises(PuzzleError, match="the clues contradict: three 1 stand side by side in row 1"):
        SIX.parse("111" + "." * 33)
    with pytest.raises(PuzzleError, match="the puzzle has no solution"):
        SIX.parse("0.0.0." + "." * 24 + "0.0.0.")
    with pytest.raises(ValueError, match="an even number from 4 to 14: got 7"):
        get_task("takuzu7")


def test_symmetries_keep_puzzles_valid_and_fingerprints_equal():
    rng = np.random.default_rng(0)
    puzzles = SIX.generate(rng, 30)
    symmetry = SIX.sample_symmetries(rng, 30)
    moved = symmetry.apply_to(puzzles)
    assert SIX.valid(moved.tokens, moved.labels).all()
    assert (symmetry.undo(moved.tokens) == puzzles.tokens).all()
    assert (SIX.fingerprint(moved.tokens) == SIX.fingerprint(puzzles.tokens)).all()
    assert len(set(SIX.fingerprint(puzzles.tokens).tolist())) > 25


def test_the_set_to_train_on_holds_no_test_puzzle_in_disguise():
    train, test = SIX.load_default("train"), SIX.load_default("test")
    assert len(test) == 300
    assert not set(SIX.fingerprint(train.tokens).tolist()) & set(SIX.fingerprint(test.tokens).tolist())


def test_grids_of_symbols_and_text_are_read_back():
    puzzles = SIX.generate(np.random.default_rng(0), 3)
    for question in puzzles.tokens:
        assert (SIX.parse(SIX.format(question)) == question).all()
        assert (SIX.parse_grid(SIX.to_grid(question)) == question).all()
        numbers = [[None if cell == "." else int(cell) for cell in row] for row in SIX.to_grid(question)]
        assert (SIX.parse_grid(numbers) == question).all()
    assert (SIX.extends_question, SIX.fill_tokens, SIX.blank_token, SIX.kind) == (True, (2, 3), 1, "grid")


def test_it_trains_evaluates_and_solves_by_its_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "takuzu6", "--json", *TINY]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == "runs/takuzu6"
    assert main(["eval", "runs/takuzu6", "--max-puzzles", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["puzzles"] == 5
    question = SIX.format(SIX.load_default("test").tokens[0])
    assert main(["solve", "runs/takuzu6", question]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown[0].split()) == 6
    assert main(["train", "takuzu8", *TINY, "--train.steps", "1", "--out", "eight"]) == 0


def test_the_page_is_told_how_to_draw_it(tmp_path, monkeypatch):
    from ponderling.solving.solver import Solver
    from ponderling.web.catalog import describe, puzzles_by_difficulty

    monkeypatch.chdir(tmp_path)
    assert main(["train", "takuzu6", *TINY]) == 0
    about = describe(Solver.from_pretrained("runs/takuzu6"), "takuzu6")
    assert about.items() >= {"kind": "grid", "characters": ["", ".", "0", "1"], "blank": 1, "has_rules": True}.items()
    assert set(puzzles_by_difficulty(SIX)) == {"easy", "medium", "hard"}
