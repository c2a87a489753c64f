"""What ties the cells of your own grids together: named by text, and trained on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from grid_examples import BITS, bits, largest_of_blocks, write_life
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
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.spec import GridSpec
from ponderling.tasks.custom.structure import Structure
from ponderling.training.arrays import train
from ponderling.web import catalog


@pytest.mark.parametrize(
    "text",
    [
        "neighbours=4",
        "neighbours=8+alike=dihedral+wraps",
        "boxes=2x2+symbols=0,1+rows+columns+all+fills",
        "shrinks=2x1+grows=1x3+parts=2x2",
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
        ("parts=1x1", "parts takes two parts or more, which grids of 4x4 hold"),
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


@pytest.mark.parametrize(("rows", "columns", "parts"), [(4, 6, (2, 2)), (5, 7, (2, 2)), (3, 8, (1, 3)), (4, 6, (4, 1))])
def test_cells_hear_those_in_their_place_in_the_other_parts(rows, columns, parts):
    """Parts of any size, side by side or with a line of cells between, on a canvas with room beside the grid."""
    spec = GridSpec(("0", "1"), rows=6, columns=9, sizes="marked")
    neighbours = Structure.named(f"parts={parts[0]}x{parts[1]}", spec).relations(spec).neighbours
    assert neighbours is not None
    assert neighbours.canvas is not None
    question = np.ones((6, 9), np.int64)
    question[:rows, :columns] = 2
    heard = within_own_edges(torch.from_numpy(question.reshape(1, -1)), neighbours.canvas)[0].reshape(-1, 6, 9).numpy()
    assert len(heard) == parts[0] * parts[1] - 1
    assert len(set(neighbours.alike)) == len(heard)
    numbered = np.where(question == 2, np.arange(54).reshape(6, 9), 54)
    height, width = (-(-length // number) for length, number in zip((rows, columns), parts, strict=True))

    def part(i: int, j: int) -> np.ndarray:
        i, j = i % parts[0], j % parts[1]
        return numbered[i * height : (i + 1) * height, j * width : (j + 1) * width][
            : rows // parts[0], : columns // parts[1]
        ]

    moves = [on for on in np.ndindex(parts) if any(on)]
    for cells, (down, right) in zip(heard, moves, strict=True):
        for i, j in np.ndindex(parts):
            place = part(i, j)
            assert (cells.reshape(-1)[place] == part(i + down, j + right)).all()
        assert (cells[numbered == 54] == 54).all()


@pytest.mark.parametrize(("cells", "slots"), [(25, 64), (100, 64), (400, 16), (900, 8), (10_000, 8)])
def test_large_grids_get_fewer_slots(cells, slots):
    data = DataConfig(task="grids", grid=BITS, structure="rows")
    assert grid_recipe(data, cells).config.train.batch_size == slots


LEARNED = {
    "places": lambda grid: np.rot90(grid, 2),
    "images": np.rot90,
    "shrinks=2x2": largest_of_blocks,
    "grows=2x3": lambda grid: np.tile(grid, (2, 3)),
    "grows=1x2+images": lambda grid: np.concatenate([grid, grid[:, ::-1]], axis=1),
    "neighbours=4+parts=1x2": lambda grid: grid[:, :3] ^ grid[:, 4:],
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
        ("grows=1x2+images", 2, 3),
        ("neighbours=4+parts=1x2", 2, 7),
    ],
)
def test_a_task_is_learned_by_the_structure_that_it_needs(structure, rows, columns, tmp_path, capsys):
    """Life on a torus; the size of each area, up to four; a grid turned by a half; grids of two sizes turned by a quarter; the
    largest of each 2x2 block; a grid repeated 2x3 times, or once in a mirror; where the halves of a grid differ."""
    rng, file = np.random.default_rng(0), tmp_path / "train.jsonl"
    if structure == "neighbours=8+wraps":
        write_life(file, 800)
    else:
        with file.open("w") as out:
            for number in range(800):
                grid = rng.integers(0, 2, (5, 2) if structure == "images" and number % 2 else (rows, columns))
                answer = LEARNED.get(structure, area_sizes)(grid)
                out.write(json.dumps({"input": grid.tolist(), "output": answer.tolist()}) + "\n")
    arguments = ["--data.structure", structure, "--train.steps", "400", "--run.eval-every", "400", "--json"]
    arguments += ["--train.ema-rate", "0.95", "--train.N-sup", "4", "--train.batch-size", "32"]
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
