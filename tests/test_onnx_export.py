"""The graph computes what the model does, and the loop that the documentation shows solves a puzzle with it."""

from __future__ import annotations

import copy
import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ponderling.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ponderling.cli import main
from ponderling.config import DataConfig, ModelConfig, PuzzleShape, RunConfig
from ponderling.exchange.deviation import largest_deviation
from ponderling.exchange.onnx_export import METADATA, ExportError, compare, describe, export, initial_inputs
from ponderling.exchange.onnx_graph import graph_step
from ponderling.losses import NEVER
from ponderling.models import build_model
from ponderling.recipes import get_recipe
from ponderling.tasks import get_task
from ponderling.tasks.custom.spec import GridSpec

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ROOT = Path(__file__).parent.parent
SMALL = ModelConfig(
    hidden_size=16, num_heads=2, num_layers=1, inner_multiple=16, prefix_len=0, puzzle_embedding_size=0, n=2, T=1,
    dtype="float32",
)  # fmt: skip
KINDS: dict[str, ModelConfig] = {
    "trm mlp": replace(SMALL, mixer="mlp", positions="none"),
    "trm attention": replace(SMALL, prefix_len=2, puzzle_embedding_size=20),
    "trm learned positions": replace(SMALL, positions="learned"),
    "trm one step": replace(SMALL, gradient="one_step", separate_networks=True),
    "hrm": replace(SMALL, system="hrm", gradient="one_step", separate_networks=True, prefix_len=1, T=2),
    "single latent": replace(SMALL, latents="single"),
    "many latents": replace(SMALL, latents="many"),
    "relational": replace(SMALL, system="relational", positions="none"),
}


def checkpoint(kind: str, task: str = "sudoku4") -> Checkpoint:
    """Random weights, with a lively halting head and puzzle embedding."""
    family = get_task(task)
    rows, columns = family.grid_shape
    base = get_recipe("sudoku4").config
    train = replace(base.train, halting="halt_continue") if kind == "hrm" else base.train
    config = RunConfig(model=KINDS[kind], train=train, data=replace(base.data, task=task))
    shape = PuzzleShape(family.vocab_size, rows * columns, num_puzzles=5)
    generator = torch.Generator().manual_seed(0)
    model = build_model(config.model, shape, generator=generator, relations=family.relations).eval()
    with torch.no_grad():
        model.halt_head.weight.normal_(generator=generator)
        if getattr(model, "puzzle_embedding", None) is not None:
            model.puzzle_embedding.table.normal_(generator=generator)
    return Checkpoint(model=model, config=config, shape=shape, info={}, path=Path("made"))


def described(session) -> dict:
    return json.loads(session.get_modelmeta().custom_metadata_map[METADATA])


@torch.no_grad()
def run_beside(session, about, made: Checkpoint, tokens, ids, steps: int = 3) -> float:
    """The loop over the graph beside the loop over the model; the largest deviation, as a share of the tensor's size."""
    inputs = initial_inputs(about, tokens)
    if "puzzle_ids" in about["inputs"]:
        inputs["puzzle_ids"] = ids.astype(np.int32)
    state, worst = made.model.initial_state(len(tokens)), 0.0
    for _ in range(steps):
        outputs = dict(zip(about["outputs"], session.run(about["outputs"], inputs), strict=True))
        state, said = made.model(state, torch.from_numpy(tokens.astype(np.int64)), puzzle_ids=torch.from_numpy(ids))
        q = said.q - said.q_continue if made.config.train.halting == "halt_continue" else said.q
        for name, value in zip(about["outputs"], [*state, said.logits, q], strict=True):
            scale = value[value > NEVER].abs().max().clamp_min(1)
            worst = max(worst, largest_deviation(value, outputs[name]) / float(scale))
        inputs |= {name: outputs[f"next_{name}"] for name in about["state"]}
    return worst


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of a kind of model, made once: tracing takes seconds."""
    folder, files = tmp_path_factory.mktemp("graphs"), {}

    def get(kind: str) -> Path:
        if kind not in files:
            files[kind] = folder / f"{kind}.onnx"
            export(checkpoint(kind), files[kind])
        return files[kind]

    return get


def test_the_packaged_weights_for_mazes_are_exported_and_the_graph_solves_other_sizes(tmp_path):
    made = load_checkpoint("maze")
    assert max(export(made, tmp_path / "maze.onnx").values()) < 1e-3
    session = onnxruntime.InferenceSession(tmp_path / "maze.onnx")
    for name in ("maze10", "maze7x12"):
        task = get_task(name)
        puzzles = task.generate(np.random.default_rng(3), 6)
        inputs = initial_inputs(describe(load_checkpoint("maze", task=name)), puzzles.tokens)
        for _ in range(8):
            outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs), strict=True))
            inputs |= {"y": outputs["next_y"], "z": outputs["next_z"]}
        assert task.valid(puzzles.tokens, outputs["logits"].argmax(-1).astype(np.uint8)).sum() >= 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_computes_what_the_model_does(kind, written):
    made = checkpoint(kind)
    session = onnxruntime.InferenceSession(written(kind))
    for batch in (1, 5, 11):
        tokens = get_task("sudoku4").load_default("test").tokens[:batch]
        assert run_beside(session, described(session), made, tokens, np.arange(batch) % 5) < 1e-4
    assert not list(written(kind).parent.glob(".*"))


def test_one_file_of_a_relational_network_serves_every_size(written):
    small = checkpoint("relational")
    session = onnxruntime.InferenceSession(written("relational"))
    for task in ("sudoku6", "sudoku9", "sudoku9x"):
        large = checkpoint("relational", task)
        large.model.load_state_dict(small.model.state_dict())
        about = describe(large) | {name: described(session)[name] for name in ("inputs", "outputs")}
        rng = np.random.default_rng(0)
        tokens = rng.integers(1, large.shape.vocab_size, (2, large.shape.seq_len)).astype(np.uint8)
        assert run_beside(session, about, large, tokens, np.zeros(2, np.int64)) < 1e-4


@pytest.mark.parametrize("kind", ["trm mlp", "relational"])
def test_a_torch_program_computes_what_the_model_does(kind, tmp_path):
    made = checkpoint(kind)
    export(made, tmp_path / "model.pt2", kind="torch")
    extra = {"ponderling.json": ""}
    program = torch.export.load(str(tmp_path / "model.pt2"), extra_files=extra).module()

    class Session:
        def run(self, names, inputs):
            return [
                value.detach().numpy() for value in program(*(torch.from_numpy(inputs[n]) for n in about["inputs"]))
            ]

    about = json.loads(extra["ponderling.json"])
    tokens = get_task("sudoku4").load_default("test").tokens[:7]
    assert run_beside(Session(), about, made, tokens, np.zeros(7, np.int64)) < 1e-4


def test_weights_are_stored_once_however_often_the_recursion_uses_them(written):
    onnx = pytest.importorskip("onnx")
    made = checkpoint("relational")
    graph = onnx.load(written("relational")).graph
    stored = sum(len(tensor.raw_data) for tensor in graph.initializer)
    weights = sum(parameter.nbytes for parameter in made.model.parameters())
    assert weights / 2 < stored < 1.2 * weights


def test_a_graph_that_computes_something_else_is_refused():
    made = checkpoint("trm mlp")
    step = graph_step(made.model, halts_by_difference=False)

    def run(inputs):
        with torch.no_grad():
            outputs = step(*(torch.from_numpy(inputs[name]) for name in step.input_names))
        wrong = dict(zip(step.output_names, (value.numpy() for value in outputs), strict=True))
        return wrong | {"logits": wrong["logits"] + 1e-3 * np.abs(wrong["logits"]).max()}

    with pytest.raises(
        ExportError, match=r"the graph's logits differs from the model's by .*no file is written"
    ) as said:
        compare(made, step, about=describe(made), run=run)
    assert "chaotic" not in str(said.value)


@pytest.mark.parametrize("output", ["next_y", "next_z", "logits", "q"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda value: np.full_like(value, np.nan), "differs from the model's by inf"),
        (lambda value: np.where(np.arange(value.size).reshape(value.shape) == 1, np.nan, value), "by inf"),
        (lambda value: np.full_like(value, np.inf), "by inf"),
        (lambda value: value[..., None], "by inf"),
        (lambda value: None, "the graph has no output"),
    ],
    ids=["NaN", "one NaN", "infinity", "another shape", "missing"],
)
def test_no_broken_output_passes_for_the_models(output, spoil, said):
    made = checkpoint("trm mlp")
    step = graph_step(made.model, halts_by_difference=False)

    def run(inputs):
        with torch.no_grad():
            outputs = step(*(torch.from_numpy(inputs[name]) for name in step.input_names))
        values = dict(zip(step.output_names, (value.numpy() for value in outputs), strict=True))
        values[output] = spoil(values[output])
        return {name: value for name, value in values.items() if value is not None}

    with pytest.raises(ExportError, match=said):
        compare(made, step, about=describe(made), run=run, steps=1)


def test_a_model_whose_own_outputs_are_not_finite_is_not_exported():
    made = checkpoint("trm mlp")
    model = copy.deepcopy(made.model)
    next(model.parameters()).data.fill_(math.nan)
    broken = replace(made, model=model)
    step = graph_step(model, halts_by_difference=False)
    with pytest.raises(ExportError, match="its weights are broken"):
        compare(broken, step, about=describe(broken), run=lambda inputs: dict.fromkeys(step.output_names, inputs["y"]))


def test_a_deviation_is_infinite_for_what_is_no_number_or_of_another_shape():
    ones = np.ones((2, 3), np.float32)
    assert largest_deviation(ones, ones) == 0
    assert largest_deviation(torch.ones(2, 3), ones + 0.25) == 0.25
    for other in (ones * np.nan, ones * np.inf, ones[0], ones[None]):
        assert largest_deviation(ones, other) == largest_deviation(other, ones) == math.inf
    assert largest_deviation(ones * np.inf, ones * np.inf) == math.inf


def test_of_a_network_that_rounding_throws_off_course_it_is_said():
    """Random weights at the papers' depth are such a network."""
    made = checkpoint("trm mlp")
    model = copy.deepcopy(made.model)
    model.config = replace(model.config, n=6, T=3)
    with torch.no_grad():
        for parameter in model.net.parameters():
            parameter.mul_(4)
    step = graph_step(model, halts_by_difference=False)

    def run(inputs):
        with torch.no_grad():
            outputs = step(*(torch.from_numpy(inputs[name] + np.float32(1e-3)) for name in step.input_names))
        return dict(zip(step.output_names, (value.numpy() for value in outputs), strict=True))

    with pytest.raises(
        ExportError, match=r"differs from the model's by .*; but so does the model itself, by .* chaotic"
    ):
        compare(replace(made, model=model), step, about=describe(made), run=run)


def test_a_bfloat16_checkpoint_is_written_in_float32(tmp_path, capsys):
    made = checkpoint("trm mlp")
    config = replace(made.config, model=replace(made.config.model, dtype="bfloat16"))
    save_checkpoint(tmp_path / "run", made.model.state_dict(), config=config, shape=made.shape, info={})
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "model.onnx")]) == 0
    assert "over four steps at most" in capsys.readouterr().err
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    tokens = get_task("sudoku4").load_default("test").tokens[:4]
    assert run_beside(session, described(session), made, tokens, np.zeros(4, np.int64)) < 1e-4
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "model.onnx")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "nowhere" / "model.onnx")]) == 2
    assert "no such folder" in capsys.readouterr().err


INKALA = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
SOLVED = "812753649943682175675491283154237896369845721287169534521974368438526917796318452"
SMALL_MAZE = "S  ##", " # ##", " #   ", "   # ", "##  G"
"""Two ways of eight moves; the official rule takes the first of down, left, right and up that comes nearer to G."""
WAY = "S  ##o# ##o#   ooo# ##ooG"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "task", "puzzle", "answer"),
    [
        ("sudoku", None, INKALA, SOLVED),
        ("sudoku-cpu", None, INKALA, SOLVED),
        ("maze", "maze5", "".join(SMALL_MAZE), WAY),
    ],
)
def test_the_loop_in_the_documentation_runs_for_each_packaged_model(model, task, puzzle, answer, tmp_path):
    assert main(["export", model, str(tmp_path / "sudoku.onnx"), *(("--task", task) if task else ())]) == 0
    loop = re.search(r"## The loop.*?```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.DOTALL)
    assert loop[1].count(INKALA) == 1
    code = loop[1].replace(INKALA, puzzle)
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip("\n") == answer


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["theirs", "--task", "sudoku6"], "--task is for onnx and torch"),
        (["model.onnx", "--prefix", "plain"], "--prefix is for official checkpoints: got plain with onnx"),
        (["nowhere/model.pt2"], "no such folder to write model.pt2 into"),
        (["nowhere/model.any", "--format", "torch"], "no such folder to write model.any into"),
        (["theirs"], "the official code cannot be given a model"),  # no ending: for the official code, which lacks it
    ],
)
def test_what_cannot_be_exported_is_one_line(args, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "sudoku", *args]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def of_structure(text: str, rows: int, columns: int) -> Checkpoint:
    """Random weights for your own grids with this structure."""
    spec = GridSpec(("a", "b", "c"), rows=rows, columns=columns)
    model = replace(KINDS["relational"], positions="learned" if "positions" in text else "none")
    data = DataConfig(task="grids", grid=spec, structure=text)
    config = replace(get_recipe("sudoku4").config, model=model, data=data)
    generator = torch.Generator().manual_seed(0)
    network = build_model(config, generator=generator).eval()
    with torch.no_grad():
        network.halt_head.weight.normal_(generator=generator)
    return Checkpoint(model=network, config=config, shape=network.shape, info={}, path=Path("made"))


@pytest.mark.parametrize(
    "text",
    [
        "neighbours=4",
        "neighbours=8+alike=dihedral+wraps+areas",
        "rows+columns+symbols=a,b+fills",
        "neighbours=4+symbols=a,c+all",
        "places+positions",
        "neighbours=8+shrinks=2x2",
        "images+grows=1x2+parts=3x2",
    ],
)
def test_the_graph_of_every_structure_computes_what_the_model_does(text, tmp_path):
    made = of_structure(text, 3, 4)
    export(made, tmp_path / "grids.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "grids.onnx")
    tokens = np.random.default_rng(0).integers(1, 4, (5, 12))
    assert run_beside(session, described(session), made, tokens, np.zeros(5, np.int64)) < 1e-4


def test_the_graph_of_one_size_serves_another_that_hears_neighbours_and_areas(tmp_path):
    text = "neighbours=8+areas+rows"
    small, large = of_structure(text, 3, 4), of_structure(text, 6, 5)
    large.model.load_state_dict(small.model.state_dict())
    export(small, tmp_path / "grids.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "grids.onnx")
    tokens = np.random.default_rng(0).integers(1, 4, (2, 30))
    assert run_beside(session, describe(large), large, tokens, np.zeros(2, np.int64)) < 1e-4
