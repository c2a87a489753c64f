"""What ties the cells of your own grids together: named by text, proposed by a look at the examples, and trained on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.config import DataConfig
from ponderling.data import task_of
from ponderling.exchange.onnx_export import export
from ponderling.models import build_model, shape_of
from ponderling.models.ties import within_own_edges
from ponderling.recipes import grid_recipe
from ponderling.solving.canvas import for_file, for_text, on_canvas
from ponderling.solving.solver import Solver
from ponderling.tasks.base import Puzzles
from ponderling.tasks.custom import Grids, looking
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.looking import propose
from ponderling.tasks.custom.spec import GridSpec, spec_of_file
from ponderling.tasks.custom.structure import Structure
from ponderling.training.arrays import train
from ponderling.web import catalog

BITS = GridSpec(("0", "1"), rows=4, columns=4)
LATIN = GridSpec(("1", "2", "3", "4", "_"), rows=4, columns=4)


def puzzles(questions: np.ndarray, answers: np.ndarray) -> Puzzles:
    tokens, labels = (grids.reshape(len(grids), -1).astype(np.uint8) for grids in (questions, answers))
    return Puzzles(tokens, labels, puzzle_ids=np.zeros(len(tokens), np.int32))


def bits(count: int = 300, shape: tuple[int, int] = (4, 4)) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 3, (count, *shape))


def items(examples: Puzzles, spec: GridSpec = BITS, **more) -> dict[str, str]:
    return {finding.item: finding.status for finding in propose(examples, spec, **more).findings}


def latin_squares(count: int, *, rng: np.random.Generator, fixed: bool = False) -> Puzzles:
    """Squares of 2x2 boxes with four symbols, of which half of the cells are given."""
    base = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]])
    answers = []
    for _ in range(count):
        grid = base[np.concatenate([2 * b + rng.permutation(2) for b in rng.permutation(2)])]
        answers.append(grid if fixed else np.array([0, *rng.permutation(4) + 1])[grid])
    answers = np.array(answers)
    return puzzles(np.where(rng.random(answers.shape) < 0.5, answers, 5), answers)


@pytest.mark.parametrize(
    "text",
    [
        "neighbours=4",
        "neighbours=8+alike=dihedral+wraps",
        "boxes=2x2+symbols=0,1+rows+columns+all+fills",
        "shrinks=2x1+grows=1x3",
        "places+positions",
    ],
)
def test_a_structure_is_read_back_from_its_text(text):
    structure = Structure.named(text, BITS)
    assert Structure.named(str(structure), BITS) == structure


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("neighbours=6", "neighbours=4 or neighbours=8"),
        ("rows+rows", "rows is named twice"),
        ("rows+wraps", "need neighbours"),
        ("images+areas", "wraps and areas need neighbours"),
        ("rows+alike=flips", "alike needs neighbours=4, neighbours=8 or images"),
        ("boxes=3x2", "do not fill grids of 4x4"),
        ("shrinks=5x1", "shrinks takes a block of two cells or more, which grids of 4x4 hold"),
        ("grows=1x1", "grows takes a block of two cells or more"),
        ("grows=2", "structure must be none, or"),
        ("symbols=0,7", "no cell holds '7'"),
        ("rows+fills", "fills needs symbols"),
        ("rows=4", "structure must be none, or"),
    ],
)
def test_what_is_no_structure_is_refused_in_words(text, message):
    with pytest.raises(ValueError, match=message):
        Structure.named(text, BITS)


def test_groups_are_rows_columns_boxes_and_the_grid():
    relations = Structure.named("rows+columns+boxes=1x2+all", GridSpec(("a",), rows=2, columns=2)).relations(
        GridSpec(("a",), rows=2, columns=2)
    )
    assert relations.groups == {
        "rows": ((0, 1), (2, 3)),
        "columns": ((0, 2), (1, 3)),
        "boxes": ((0, 1), (2, 3)),
        "all": ((0, 1, 2, 3),),
    }


def test_cells_that_their_neighbours_decide_are_seen():
    questions = bits()
    padded = np.pad(questions, ((0, 0), (1, 1), (1, 1)), constant_values=1)
    cross = np.where(padded[:, :-2, 1:-1] == 2, 2, questions)
    corner = np.where(padded[:, :-2, :-2] == 2, 2, questions)
    far = np.roll(questions, 2, axis=1)
    assert items(puzzles(questions, cross))["neighbours=4"] == "seen"
    assert items(puzzles(questions, corner))["neighbours=8"] == "seen"
    assert items(puzzles(questions, far))["neighbours=8"] == "not contradicted"


def test_places_matter_where_answers_are_cells_from_elsewhere():
    questions = bits()
    shuffled = questions.reshape(len(questions), -1)[:, np.random.default_rng(0).permutation(questions[0].size)]
    shuffled = shuffled.reshape(questions.shape)
    assert items(puzzles(questions, shuffled))["places"] == "seen"
    assert "places" not in items(puzzles(questions, questions))
    assert "places" not in items(puzzles(questions[:20], shuffled[:20]))  # too few to tell
    assert "places" not in items(puzzles(questions, np.ones_like(questions)))


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


def examples_of(change, tmp_path, shapes=((2, 3), (4, 4), (3, 5))) -> tuple[Puzzles, GridSpec]:
    rng = np.random.default_rng(0)
    questions = [rng.integers(0, 4, shape) for shape in shapes for _ in range(20)]
    lines = [{"input": q.tolist(), "output": change(q).tolist()} for q in questions]
    (tmp_path / "scaled.jsonl").write_text("\n".join(map(json.dumps, lines)))
    file = read_grid_file(tmp_path / "scaled.jsonl")
    spec = spec_of_file(file)
    return Grids(spec).puzzles_of(file), spec


def largest_of_blocks(grid: np.ndarray) -> np.ndarray:
    """The largest number of each 2x2 block, of which the last may be cut off."""
    padded = np.pad(grid, [(0, size % 2) for size in grid.shape])
    return padded.reshape(len(padded) // 2, 2, -1, 2).max(axis=(1, 3))


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


def test_cells_hear_their_block_and_what_grows_to_them_within_the_grid_of_the_question():
    spec = GridSpec(("0", "1"), rows=4, columns=6, sizes="marked")
    neighbours = Structure.named("shrinks=2x3", spec).relations(spec).neighbours
    assert neighbours is not None
    assert neighbours.canvas is None
    first, last = ([cells[0], cells[7]] for cells in (neighbours.cells[0], neighbours.cells[-1]))
    assert first == [0, 2 * 6 + 3]
    assert last == [6 + 2, 3 * 6 + 5]
    assert {cells[23] for cells in neighbours.cells} == {-1}  # its block lies beyond the canvas
    assert len(set(neighbours.alike)) == 6

    neighbours = Structure.named("grows=2x3", spec).relations(spec).neighbours
    assert neighbours is not None
    assert neighbours.canvas is not None
    question = np.zeros((4, 6), np.int64)
    question[:2, :2] = 2
    question[2, :2] = question[:2, 2] = 1  # a grid of 2x2
    block, repeated = within_own_edges(torch.from_numpy(question.reshape(1, -1)), neighbours.canvas)[0]
    row, column = np.divmod(np.arange(24), 6)
    assert block.tolist() == (row // 2 * 6 + column // 3).tolist()
    assert repeated.tolist() == (row % 2 * 6 + column % 2).tolist()


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
    far = np.roll(stripes, 2, axis=2)  # else neighbours alone decide
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


def test_a_grid_that_wraps_wraps_at_its_own_edges_on_a_larger_canvas():
    structure, tokens = "neighbours=8+wraps+areas", np.random.default_rng(0).integers(2, 4, (5, 3, 4))
    said = []
    for rows, columns in ((3, 4), (5, 7)):
        spec = GridSpec(("0", "1"), rows=rows, columns=columns, sizes="marked")
        canvas = np.zeros((5, rows, columns), np.int64)
        canvas[:, :3, :4] = tokens
        canvas[:, 3:4, :4] = canvas[:, :3, 4:5] = 1  # end marks, where there is room
        data = DataConfig(task="grids", structure=structure, grid=spec)
        task = Grids.of(data)
        config = grid_recipe(data, rows * columns).config.model
        model = build_model(
            config, shape_of(task), relations=task.relations, generator=torch.Generator().manual_seed(0)
        ).eval()
        flat = torch.from_numpy(canvas.reshape(5, -1))
        with torch.no_grad():
            _, output = model(model.initial_state(5), flat, puzzle_ids=torch.zeros(5).long())
        said.append(output.logits.view(5, rows, columns, -1)[:, :3, :4])
    torch.testing.assert_close(said[0], said[1])
    assert said[0].std() > 0.01


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


def test_a_page_is_told_of_no_groups_that_hold_each_symbol_once_where_there_are_none(life):
    own = catalog.describe(Solver.of(load_checkpoint(life / "free")), "grids")
    assert own["groups"] == []
    assert len(catalog.describe(Solver.load("sudoku"), "sudoku9")["groups"]) == 27


def test_a_stream_of_puzzles_keeps_the_size_of_the_training(life, capsys, monkeypatch):
    """The argument `-` is no grid of one cell."""
    monkeypatch.setattr("ponderling.cli.solve._lines_of_stdin", lambda: iter(["01010/11100/00000/11111/01010"]))
    capsys.readouterr()
    assert main(["solve", str(life / "free"), "-"]) == 0
    assert "1 answers" in capsys.readouterr().err


def test_arrays_go_on_with_the_structure_that_their_run_began_with(tmp_path, monkeypatch):
    grids = bits(60, (3, 3))
    quick = {"out": tmp_path / "run", "progress": False, "validation": None}
    train(grids, grids, steps=2, **quick)
    monkeypatch.setattr(Grids, "propose", lambda self, puzzles: "none")
    assert train(grids, grids, steps=4, resume=True, **quick).config.data.structure.startswith("neighbours=4")


def test_a_structure_is_for_files_of_grids():
    with pytest.raises(ValueError, match="structure and check are for --data FILE: task sudoku9"):
        DataConfig(task="sudoku9", structure="rows")


def test_puzzle_ids_and_unknown_places_leave_a_plain_trm():
    examples = puzzles(bits(), bits())
    for spec in (replace(BITS, num_puzzles=3), replace(BITS, sizes="raw")):
        assert str(propose(examples, spec)) == "none"


def write_life(path, count: int = 200, shapes=((5, 5),)) -> None:
    """Conway's rule once, on grids that wrap."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for number in range(count):
            grid = rng.integers(0, 2, shapes[number % len(shapes)])
            alive = sum(np.roll(grid, (r, c), (0, 1)) for r in (-1, 0, 1) for c in (-1, 0, 1)) - grid
            after = ((alive == 3) | ((grid == 1) & (alive == 2))).astype(int)
            file.write(json.dumps({"input": grid.tolist(), "output": after.tolist()}) + "\n")


def test_train_data_takes_what_inspect_proposes_and_the_user_can_override_it(tmp_path, capsys):
    file = tmp_path / "life.jsonl"
    write_life(file)
    assert main(["data", "inspect", str(file), "--json"]) == 0
    proposed = json.loads(capsys.readouterr().out)["structure"]
    runs = {"a": [], "b": ["--data.structure", "neighbours=8+rows"], "c": ["--data.structure", "none"]}
    for name, more in runs.items():
        assert main(["train", "--data", str(file), "--out", str(tmp_path / name), *FEW, *more]) == 0
    configs = {name: json.loads((tmp_path / name / "last" / "config.json").read_text())["config"] for name in runs}
    assert configs["a"]["data"]["structure"] == proposed == "neighbours=8+wraps"
    assert configs["b"]["data"]["structure"] == "neighbours=8+rows"
    assert [configs[name]["model"]["system"] for name in runs] == ["relational", "relational", "trm"]
    capsys.readouterr()
    assert main(["eval", str(tmp_path / "b"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["puzzles"] == 20


def test_grids_of_several_sizes_that_wrap_are_trained_and_used_and_cannot_be_exported(tmp_path, capsys):
    write_life(tmp_path / "life.jsonl", 60, ((4, 7), (6, 5)))
    wraps = ["--data.structure", "neighbours=8+wraps"]
    assert main(["train", "--data", str(tmp_path / "life.jsonl"), "--out", str(tmp_path / "run"), *FEW, *wraps]) == 0
    assert main(["solve", str(tmp_path / "run"), "010/110/111", "--steps", "2"]) in (0, 1)
    capsys.readouterr()
    with pytest.raises(ValueError, match=r"whose own edges touch \(structure wraps\), that are turned"):
        export(load_checkpoint(tmp_path / "run"), tmp_path / "graph.onnx")


FEW = ["--train.steps", "2", "--train.batch-size", "4", "--train.N-sup", "2", "--run.eval-every", "2"]


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    """A run on 5x5 for each kind of structure, and files of other sizes."""
    folder = tmp_path_factory.mktemp("life")
    write_life(folder / "life.jsonl")
    write_life(folder / "large.jsonl", 6, ((7, 6),))
    write_life(folder / "several.jsonl", 6, ((7, 6), (4, 4)))
    for name, structure in (("free", "neighbours=8+wraps+rows+areas"), ("tied", "neighbours=8+places")):
        arguments = ["--data", str(folder / "life.jsonl"), "--data.structure", structure, *FEW]
        assert main(["train", *arguments, "--out", str(folder / name)]) == 0
    return folder


def test_weights_without_places_are_used_on_grids_of_another_size(life, capsys):
    capsys.readouterr()
    assert main(["eval", str(life / "free"), "--data", str(life / "large.jsonl"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["puzzles"] == 6
    assert main(["solve", str(life / "free"), "0101010/1110001/0000000", "--json"]) == 0
    assert [len(row) for row in json.loads(capsys.readouterr().out)["answer"].split("/")] == [7, 7, 7]
    assert main(["solve", str(life / "free"), "01010/11100/00000/11111/01010", "--json"]) == 0
    assert main(["solve", str(life / "free"), str(life / "large.jsonl")]) == 0


def test_other_sizes_are_refused_in_words_where_they_cannot_be(life, capsys):
    for arguments, message in (
        (["eval", str(life / "tied"), "--data", str(life / "large.jsonl")], "every grid must be 5x5"),
        (["eval", str(life / "free"), "--data", str(life / "several.jsonl")], "any size, but one in a file"),
        (["solve", str(life / "tied"), "0101010/1110001/0000000"], "every grid must be 5x5"),
        (["solve", str(life / "free"), "01010/111"], "no grid"),
    ):
        assert main(arguments) != 0
        assert message in capsys.readouterr().err


def test_a_larger_canvas_gives_what_a_network_made_for_it_would(life):
    small = load_checkpoint(life / "free")
    large = on_canvas(small, 7, columns=6)
    made = build_model(large.config.model, large.shape, relations=task_of(large.config.data).relations)
    made.load_state_dict(small.model.state_dict())
    tokens = torch.from_numpy(np.random.default_rng(0).integers(1, 3, (2, 42)))
    ids = torch.zeros(2, dtype=torch.long)
    with torch.inference_mode():
        outputs = [m.eval()(m.initial_state(2), tokens, puzzle_ids=ids)[1] for m in (large.model, made)]
    torch.testing.assert_close(outputs[0].logits, outputs[1].logits)
    assert small.model.shape.seq_len == 25


@pytest.mark.parametrize(("cells", "slots"), [(25, 64), (100, 64), (400, 16), (900, 8), (10_000, 8)])
def test_large_grids_get_fewer_slots(cells, slots):
    data = DataConfig(task="grids", grid=BITS, structure="rows")
    assert grid_recipe(data, cells).config.train.batch_size == slots


LEARNED = {
    "places": lambda grid: np.rot90(grid, 2),
    "images": np.rot90,
    "shrinks=2x2": largest_of_blocks,
    "grows=2x3": lambda grid: np.tile(grid, (2, 3)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("structure", "rows", "columns"),
    [
        ("neighbours=8+wraps", 5, 5),
        ("neighbours=4+areas", 5, 5),
        ("places", 3, 4),
        ("images", 3, 4),
        ("shrinks=2x2", 6, 4),
        ("grows=2x3", 2, 3),
    ],
)
def test_a_task_is_learned_by_the_structure_that_it_needs(structure, rows, columns, tmp_path, capsys):
    """Life on a torus; the size of each area, up to four; a grid turned by a half; grids of two sizes turned by a quarter; the
    largest of each 2x2 block; a grid repeated 2x3 times."""
    rng, file = np.random.default_rng(0), tmp_path / "train.jsonl"
    if structure == "neighbours=8+wraps":
        write_life(file, 800)
    else:
        with file.open("w") as out:
            for number in range(800):
                grid = rng.integers(0, 2, (5, 2) if structure == "images" and number % 2 else (rows, columns))
                answer = LEARNED.get(structure, area_sizes)(grid)
                out.write(json.dumps({"input": grid.tolist(), "output": answer.tolist()}) + "\n")
    arguments = [
        "--data.structure",
        structure,
        "--train.steps",
        "400",
        "--train.ema-rate",
        "0.98",
        "--run.eval-every",
        "400",
        "--json",
    ]
    assert main(["train", "--data", str(file), "--out", str(tmp_path / "run"), *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["exact"] > 0.9


def area_sizes(grid: np.ndarray) -> np.ndarray:
    """The number of cells of each cell's area, 4 for more; 0 where the grid is empty."""
    import networkx

    rows, columns = grid.shape
    graph = networkx.grid_2d_graph(rows, columns)
    graph.remove_nodes_from([cell for cell in graph if not grid[cell]])
    sizes = np.zeros_like(grid)
    for area in networkx.connected_components(graph):
        for cell in area:
            sizes[cell] = min(4, len(area))
    return sizes


def test_the_canvas_of_a_larger_question_has_room_for_its_answer(tmp_path):
    """A question of 4x3 fits where answers had 6x6, but its own answer has 8x6."""
    grids = [np.random.default_rng(i).integers(0, 3, shape) for i, shape in enumerate([(3, 3), (2, 3)] * 10)]
    lines = [{"input": grid.tolist(), "output": np.tile(grid, (2, 2)).tolist()} for grid in grids]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    command = ["train", "--data", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "run"), *FEW]
    assert main([*command, "--data.structure", "grows=2x2"]) == 0
    checkpoint = load_checkpoint(tmp_path / "run")
    for text, rows in (("012/120/201", 6), ("012/120/201/000", 8)):
        assert for_text(checkpoint, text).config.data.grid.rows == rows
    (tmp_path / "b.jsonl").write_text(json.dumps({"input": [[0, 1, 2]] * 5}))
    assert for_file(checkpoint, str(tmp_path / "b.jsonl")).config.data.grid.rows == 10
