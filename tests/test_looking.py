"""What a look at the examples of a file proposes: what ties the cells of its grids together, and why."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from grid_examples import BITS, LATIN, bits, examples_of, items, largest_of_blocks, latin_squares, puzzles, write_life
from ponderling.tasks.custom import Grids, looking
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.looking import propose
from ponderling.tasks.custom.spec import GridSpec, spec_of_file
from ponderling.tasks.custom.structure import Structure


def digits(rows: int, columns: int) -> GridSpec:
    return GridSpec(tuple("01234567"), rows=rows, columns=columns)


def test_cells_that_their_neighbours_decide_are_seen():
    questions = bits()
    padded = np.pad(questions, ((0, 0), (1, 1), (1, 1)), constant_values=1)
    cross = np.where(padded[:, :-2, 1:-1] == 2, 2, questions)
    corner = np.where(padded[:, :-2, :-2] == 2, 2, questions)
    far = np.where(np.roll(questions, 2, axis=1) == 2, 3 - questions, questions)
    assert items(puzzles(questions, cross))["neighbours=4"] == "seen"
    assert items(puzzles(questions, corner))["neighbours=8"] == "seen"
    assert items(puzzles(questions, far))["neighbours=8"] == "not contradicted"


def test_neighbours_that_recur_among_several_symbols_are_seen():
    heaps = np.random.default_rng(0).integers(0, 6, (1000, 6, 6))
    fallen = np.pad(heaps > 3, ((0, 0), (1, 1), (1, 1))).astype(int)
    around = fallen[:, :-2, 1:-1] + fallen[:, 2:, 1:-1] + fallen[:, 1:-1, :-2] + fallen[:, 1:-1, 2:]
    answers = heaps - 4 * fallen[:, 1:-1, 1:-1] + around
    assert items(puzzles(1 + heaps, 1 + answers), digits(6, 6)) == {"neighbours=4": "seen"}


def test_what_neighbours_decide_must_recur_where_answers_are_unusual():
    rng = np.random.default_rng(0)
    questions = np.ones((100, 20, 20), int)  # mostly empty
    answers = questions.copy()
    for question, answer in zip(questions, answers, strict=True):
        block, row, column = rng.integers(2, 27, (4, 4)), *rng.integers(0, 17, 2)
        question[row : row + 4, column : column + 4] = block
        answer[row : row + 4, column : column + 4] = block[::-1, ::-1]
    letters = GridSpec(tuple("_ABCDEFGHIJKLMNOPQRSTUVWXY"), rows=20, columns=20)
    assert items(puzzles(questions, answers), letters)["neighbours=8"] == "not contradicted"


TURNS = {
    "turned by a quarter": lambda g: np.rot90(g, -1),
    "turned by a half": lambda g: np.rot90(g, 2),
    "turned by three quarters": np.rot90,
    "mirrored upside down": np.flipud,
    "mirrored left to right": np.fliplr,
    "mirrored at its diagonal": np.transpose,
    "mirrored at its other diagonal": lambda g: np.rot90(g, 2).T,
}


@pytest.mark.parametrize("how", TURNS)
def test_answers_that_are_their_questions_turned_need_images_alone(tmp_path, how):
    rng = np.random.default_rng(0)
    questions = [rng.integers(0, 4, shape) for shape in ((3, 5), (4, 4), (6, 2)) for _ in range(20)]
    lines = [{"input": q.tolist(), "output": TURNS[how](q).tolist()} for q in questions]
    (tmp_path / "turned.jsonl").write_text("\n".join(map(json.dumps, lines)))
    file = read_grid_file(tmp_path / "turned.jsonl")
    spec = spec_of_file(file)
    examples = Grids(spec).puzzles_of(file)
    proposal = propose(examples, spec)
    assert str(proposal) == "images"
    assert proposal.findings[0].why == f"every answer is its question {how}"
    # Where that explains most of the cells, the other relations stay.
    answers = examples.labels.copy()
    spoiled = rng.random(answers.shape) < 0.15
    answers[spoiled & (answers > 1)] = 2
    partly = propose(replace(examples, labels=answers), spec)
    assert {"images", "rows", "all"} <= {finding.item for finding in partly.findings}
    assert how in next(finding.why for finding in partly.findings if finding.item == "images")


def test_images_are_proposed_where_they_explain_what_an_answer_changes():
    half = np.random.default_rng(0).integers(2, 6, (60, 6, 3))
    whole = np.concatenate([half, half[:, :, ::-1]], axis=2)
    covered = whole.copy()
    covered[:, 1:4, 3:5] = 1
    findings = propose(puzzles(covered, whole), digits(6, 6)).findings
    finding = next(finding for finding in findings if finding.item == "images")
    assert finding.why == "100% of the cells that an answer changes are those of the question mirrored left to right"
    assert "images" not in items(puzzles(covered, np.where(covered == 1, 2, covered)), digits(6, 6))


def test_images_are_proposed_where_a_question_is_repeated_in_a_mirror(tmp_path):
    found = items(*examples_of(lambda grid: np.concatenate([grid, grid[:, ::-1]], axis=1), tmp_path))
    assert (found["grows=1x2"], found["images"]) == ("not contradicted", "seen")


@pytest.mark.parametrize(
    ("change", "shapes", "found"),
    [
        (lambda grid: grid[:, : grid.shape[1] // 2] ^ grid[:, grid.shape[1] // 2 + 1 :], ((2, 7), (4, 5)), "1x2"),
        (lambda grid: grid[:2] & grid[2:4] & grid[4:], ((6, 4), (6, 2)), "3x1"),
        (lambda grid: grid[: len(grid) // 2, : grid.shape[1] // 2], ((4, 6), (5, 7)), "2x2"),
        (lambda grid: grid[:, :1], ((2, 2), (3, 2)), None),  # the largest of a row may be meant
        (lambda grid: grid[:, :-1], ((3, 4), (3, 5)), None),
        (lambda grid: grid, ((3, 4), (3, 5)), None),
    ],
)
def test_parts_as_large_as_the_answer_are_proposed(change, shapes, found, tmp_path):
    parts = [item for item in items(*examples_of(change, tmp_path, shapes)) if item.startswith("parts")]
    assert parts == [f"parts={found}"] * (found is not None)


def test_images_are_not_proposed_where_a_question_looks_as_much_like_itself():
    questions = bits()
    even = np.concatenate([questions[:, :2], questions[:, 1::-1]], axis=1)  # mirrored upside down it is the same
    noisy = np.where(np.random.default_rng(1).random(even.shape) < 0.1, 1, even)
    assert "images" not in items(puzzles(even, noisy))
    assert "images" not in items(puzzles(questions, np.random.default_rng(2).permutation(questions)))
    assert "images" not in items(puzzles(questions[:2], questions[:2, ::-1]))  # too few cells to tell
    assert items(puzzles(questions[:20], questions[:20, ::-1])) == {"images": "seen"}


def test_diagonals_are_seen_where_no_two_cells_of_a_symbol_share_one():
    queens = np.array([[0, 4, 7, 5, 2, 6, 1, 3], [3, 1, 6, 2, 5, 7, 4, 0], [2, 0, 6, 4, 7, 1, 3, 5]])
    rng, answers = np.random.default_rng(0), np.ones((60, 8, 8), np.uint8)
    for answer in answers:
        answer[np.arange(8), rng.choice(queens)] = 2
    questions = np.where((answers == 2) & (rng.random(answers.shape) < 0.6), 1, answers).astype(np.uint8)
    board = GridSpec(("_", "Q"), rows=8, columns=8)
    assert items(puzzles(questions, answers), board)["diagonals"] == "seen"
    answers[5, 0, 0] = answers[5, 3, 3] = 2
    assert "diagonals" not in items(puzzles(questions, answers), board)
    groups = Structure.named("diagonals", GridSpec(("a",), rows=2, columns=3)).relations(
        GridSpec(("a",), rows=2, columns=3)
    )
    assert groups.groups == {"diagonals": ((0, 4), (1, 5), (2, 4), (1, 3))}


def test_blocks_that_become_a_cell_are_proposed(tmp_path):
    found = items(*examples_of(largest_of_blocks, tmp_path))
    assert found["shrinks=2x2"] == "not contradicted"
    assert found["neighbours=8"] == "not contradicted"  # the rule within a block is not known
    to_one = items(*examples_of(lambda grid: grid[:1, :1], tmp_path, shapes=((5, 5), (7, 6))))
    assert not any(item.startswith("shrinks") for item in to_one)  # 42 weights of their own would be too many
    assert not any(item.startswith("shrinks") for item in items(*examples_of(lambda grid: grid[:-1], tmp_path)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda grid: np.kron(grid, np.ones((2, 3), int)), "every answer is its question, with each cell as a block"),
        (lambda grid: np.tile(grid, (2, 3)), "every answer is its question, which is repeated"),
    ],
)
def test_a_question_that_is_enlarged_or_repeated_needs_nothing_else(change, why, tmp_path):
    examples, spec = examples_of(change, tmp_path)
    proposal = propose(examples, spec)
    assert [(f.item, f.status, f.why) for f in proposal.findings] == [("grows=2x3", "seen", why)]
    labels = examples.labels.copy()
    labels[3, 0] = 2 + (labels[3, 0] - 1) % 4  # another symbol
    spoiled = propose(replace(examples, labels=labels), spec)
    assert {"grows=2x3", "rows"} <= {f.item for f in spoiled.findings if f.status == "not contradicted"}


WIDE = tuple((rows, columns) for rows in (3, 5, 6) for columns in (4, 5, 7))
"""Sizes of questions that tell an enlarged answer from one that its neighbours decide."""


@pytest.mark.parametrize(
    ("change", "block"), [(lambda grid: np.tile(grid, (2, 2)), "2x2"), (lambda grid: np.hstack([grid, grid]), "1x2")]
)
def test_a_repeated_question_is_not_taken_for_edges_that_touch(change, block, tmp_path):
    """Within the question's own size the answer is the question, which every neighbourhood decides."""
    examples, spec = examples_of(change, tmp_path, WIDE)
    assert items(examples, spec) == {f"grows={block}": "seen"}


def test_a_question_repeated_in_a_mirror_has_no_edges_that_touch(tmp_path):
    examples, spec = examples_of(lambda grid: np.hstack([grid, grid[:, ::-1]]), tmp_path, WIDE)
    found = items(examples, spec)
    assert found["grows=1x2"] == "not contradicted"
    assert not any("wraps" in item for item in found)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda grid: grid, "neighbours=4"),
        (lambda grid: 3 - grid, "neighbours=4"),
        (lambda grid: np.pad(grid, ((0, 0), (1, 0)))[:, :-1], "neighbours=4"),
        (lambda grid: np.pad(grid, ((1, 0), (1, 0)))[:-1, :-1], "neighbours=8"),
        (lambda grid: np.roll(grid, 1, axis=1), "neighbours=4+wraps"),
        (lambda grid: np.roll(grid, (1, 1), axis=(0, 1)), "neighbours=8+wraps"),
    ],
)
def test_a_cell_or_one_neighbour_that_decides_is_seen_among_several_symbols(change, found, tmp_path):
    """All neighbourhoods of four symbols do not recur in so few examples, and none of these needs edges that touch."""
    examples, spec = examples_of(change, tmp_path, ((5, 5), (5, 6), (6, 5)))
    assert items(examples, spec) == {found: "seen"}


@pytest.mark.parametrize(
    ("change", "shapes"),
    [
        (lambda grid: grid.sum(axis=1, keepdims=True) % 4, ((3, 4), (4, 6), (5, 5))),
        (lambda grid: grid.sum(axis=1, keepdims=True) % 4, ((4, 4),)),
        (lambda grid: grid[1:-1, 1:-1], ((5, 5),)),
    ],
    ids=["rows", "rows of one length", "without its border"],
)
def test_what_sizes_alone_do_not_show_to_shrink_is_not_said_to(change, shapes, tmp_path):
    """A row's count is no block that becomes a cell, and 5 rows are no 3 blocks of 2 with the last cut off."""
    examples, spec = examples_of(change, tmp_path, shapes)
    assert not any("shrinks" in item for item in items(examples, spec))


def smoothed(shape: tuple[int, int], rng: np.random.Generator, *, mode: str) -> tuple[np.ndarray, np.ndarray]:
    """Noise, and where it is above zero once it is blurred, which needs more than the signs of the neighbours."""
    noise = rng.normal(size=shape)
    padded = np.pad(noise, 1, mode=mode)
    rows, columns = shape
    blurred = sum(padded[r : r + rows, c : c + columns] for r in range(3) for c in range(3))
    return (noise > 0).astype(int), (np.asarray(blurred) > 0).astype(int)


@pytest.mark.parametrize(("mode", "touch"), [("wrap", True), ("constant", False), ("reflect", False)])
def test_edges_that_touch_are_seen_in_answers_that_more_than_the_neighbours_decide(mode, touch):
    rng, spec = np.random.default_rng(0), GridSpec(("0", "1"), rows=7, columns=6)
    pairs = [smoothed((7, 6), rng, mode=mode) for _ in range(600)]
    found = items(puzzles(*(np.array(side) + 1 for side in zip(*pairs, strict=True))), spec)
    assert ("wraps" in found) == touch
    assert found["neighbours=8"] == "not contradicted"


def test_mirrored_answers_are_not_taken_for_edges_that_touch():
    half = np.random.default_rng(0).integers(1, 3, (400, 3, 6))
    even = np.concatenate([half, half[:, ::-1]], axis=1)
    even[:, :, 3:] = even[:, :, 2::-1]
    assert "wraps" not in items(puzzles(np.roll(even, 2, axis=2), even), GridSpec(("0", "1"), rows=6, columns=6))


def test_areas_are_for_questions_that_have_some():
    stripes = np.repeat(bits(shape=(2, 4)), 2, axis=1)
    far = np.where(np.roll(stripes, 2, axis=2) == 2, 3 - stripes, stripes)  # else neighbours alone decide
    assert items(puzzles(stripes, far))["areas"] == "not contradicted"
    assert "areas" not in items(puzzles(np.ones_like(stripes), far))


def test_edges_that_touch_are_seen_and_nothing_else_is_proposed_then(tmp_path):
    write_life(tmp_path / "life.jsonl", 300, ((4, 7), (6, 5), (5, 5)))
    file = read_grid_file(tmp_path / "life.jsonl")
    spec = spec_of_file(file)
    examples = Grids(spec).puzzles_of(file)
    assert items(examples, spec) == {"neighbours=8+wraps": "seen"}
    questions = bits()
    below = np.where(np.roll(questions, -1, axis=1) == 2, 2, questions)
    assert items(puzzles(questions, below)) == {"neighbours=4+wraps": "seen"}


def test_latin_squares_are_seen_and_their_symbols_exchanged():
    examples = latin_squares(50, rng=np.random.default_rng(0))
    proposal = propose(examples, LATIN)
    assert str(proposal) == "boxes=2x2+symbols=1,2,3,4+rows+columns+fills"
    statuses = {finding.item: finding.status for finding in proposal.findings}
    assert statuses["rows"] == statuses["boxes=2x2"] == statuses["fills"] == "seen"
    assert statuses["symbols=1,2,3,4"] == "not contradicted"
    assert items(examples, LATIN, judge=lambda q, a: True)["symbols=1,2,3,4"] == "verified"


def test_symbols_that_a_checker_tells_apart_are_not_exchanged():
    examples = latin_squares(50, rng=np.random.default_rng(0), fixed=True)
    right = {answer.tobytes() for answer in examples.labels}
    judged = []

    def judge(question, answer):
        judged.append(answer.tobytes() in right)
        return judged[-1]

    assert all(judge(q, a) for q, a in zip(examples.tokens, examples.labels, strict=True))
    assert "symbols=1,2,3,4" not in items(examples, LATIN, judge=judge)
    assert not judged[-1]


def test_a_single_wrong_answer_is_enough_against_latin_squares():
    examples = latin_squares(50, rng=np.random.default_rng(0))
    labels = examples.labels.copy()
    labels[7, 3] = labels[7, 2]
    tokens = examples.tokens.copy()
    tokens[7, 2:4] = 5
    changed = replace(examples, tokens=tokens, labels=labels)
    assert items(changed, LATIN)["rows"] == "not contradicted"


def test_large_grids_are_looked_at_in_part(monkeypatch):
    spec = GridSpec(("0", "1"), rows=200, columns=300)
    questions = np.repeat(bits(40, (200, 150)), 2, axis=2)
    seen = []
    whole = looking._neighbours
    monkeypatch.setattr(looking, "_neighbours", lambda q, a, spec: seen.append(len(q)) or whole(q, a, spec=spec))
    found = items(puzzles(questions, np.roll(questions, 7, axis=1)), spec)
    assert seen == [3]
    assert found.keys() == {"neighbours=8", "rows", "columns", "all"}


def test_puzzle_ids_and_unknown_places_leave_a_plain_trm():
    examples = puzzles(bits(), bits())
    for spec in (replace(BITS, num_puzzles=3), replace(BITS, sizes="raw")):
        assert str(propose(examples, spec)) == "none"
