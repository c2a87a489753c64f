"""Training on arrays in memory: `ponderling.train`."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ponderling.checkpoint import LAST, read_config
from ponderling.cli import main
from ponderling.config import DataConfig, ModelConfig, RunConfig, RuntimeConfig, TrainConfig
from ponderling.models import TRM, shape_of
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.tasks import GridTask, get_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.arrays import grid_file_of_arrays
from ponderling.training import arrays
from ponderling.training.arrays import train
from ponderling.training.observer import Observer
from ponderling.training.starting import start
from ponderling.training.trainer import Trainer

NET = RunConfig(
    model=ModelConfig(
        hidden_size=32, num_heads=2, inner_multiple=16, mixer="mlp", positions="none", prefix_len=0,
        puzzle_embedding_size=0, n=1, T=1, dtype="float32",
    ),
    train=TrainConfig(
        steps=2, batch_size=32, N_sup=2, optimizer="muon", lr=1e-2, warmup_steps=10, ema_rate=0.9, weight_decay=0.1,
        loss="softmax",
    ),
    run=RuntimeConfig(eval_every=50, checkpoint_every=50, log_every=1),
)  # fmt: skip
"""Small enough for a test."""


def mirrored(count=60, shape=(4, 4), symbols=4, seed=0):
    inputs = np.random.default_rng(seed).integers(0, symbols, (count, *shape))
    return inputs, inputs[:, :, ::-1]


def quick(inputs, outputs, **options):
    return train(inputs, outputs, **{"net": NET, "progress": False, **options})


def weights(solver):
    return solver.model.state_dict()


def splits(monkeypatch):
    """The data of the runs that are started from here on."""
    seen = []
    original = Trainer.run
    monkeypatch.setattr(Trainer, "run", lambda self: (seen.append(self), original(self))[1])
    return seen


def test_a_mirror_is_learned_and_solved_in_the_arrays_own_symbols():
    inputs, outputs = mirrored(400)
    solver = quick(inputs, outputs, steps=150)
    new, answers = mirrored(100, seed=1)
    right = np.mean([result.grid == answer for result, answer in zip(solver.solve_many(new), answers, strict=True)])
    assert right > 0.9  # a guess is right in a quarter of the cells
    result = solver.solve(new[0])
    assert result.grid.shape == (4, 4)
    assert set(result.grid.reshape(-1)) <= {0, 1, 2, 3}


def test_a_saved_solver_is_loaded_from_another_folder(tmp_path, monkeypatch):
    solver = quick(*mirrored(), out=tmp_path / "run")
    solver.save_pretrained(tmp_path / "saved")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    loaded = Solver.from_pretrained("../saved")
    question = mirrored(1, seed=5)[0][0]
    assert (loaded.solve(question).grid == solver.solve(question).grid).all()
    assert loaded.config.data.grid.symbols == ("0", "1", "2", "3")
    assert (loaded.config.data.train, loaded.config.data.test) == ("(in memory)", "(in memory)")


def test_without_a_folder_nothing_is_left_and_the_solver_can_be_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    solver = quick(*mirrored())
    assert list(tmp_path.iterdir()) == []
    solver.save_pretrained(tmp_path / "saved")
    loaded = Solver.from_pretrained(tmp_path / "saved")
    assert all(torch.equal(a, b) for a, b in zip(weights(loaded).values(), weights(solver).values(), strict=True))


def test_a_solver_without_a_folder_is_evaluated_and_nothing_is_said_of_puzzles_it_has_seen():
    inputs, outputs = mirrored()
    solver = quick(inputs, outputs)
    figures = evaluate(solver, solver.puzzles(inputs[:5], outputs[:5]))
    assert (len(figures.puzzles), figures.seen) == (5, None)


def test_sizes_may_differ(tmp_path):
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, 3, shape) for shape in [(2, 3), (4, 4), (3, 1)] * 10]
    solver = quick(inputs, [grid[:, ::-1] for grid in inputs])
    spec = solver.config.data.grid
    assert (spec.rows, spec.columns, spec.sizes) == (4, 4, "marked")
    assert solver.solve(inputs[0]).question == "/".join("".join(map(str, row)) for row in inputs[0].tolist())


def test_texts_whole_floats_and_lists_are_read_as_files_are():
    numbers, _ = mirrored(5)
    as_numbers = grid_file_of_arrays(numbers, numbers)
    for other in (numbers.astype(float), numbers.astype(str), numbers.tolist(), list(numbers), numbers.astype(object)):
        file = grid_file_of_arrays(other, numbers)
        assert file.symbols == as_numbers.symbols
        assert (file.inputs.codes == as_numbers.inputs.codes).all()
        assert (file.inputs.shapes == as_numbers.inputs.shapes).all()
    rows = [["".join(map(str, row)) for row in grid] for grid in numbers.tolist()]
    assert (grid_file_of_arrays(rows, numbers).inputs.codes == as_numbers.inputs.codes).all()
    mixed = grid_file_of_arrays(np.array([[["a", 1], [2.0, "b"]]], object), [[["b"]]])
    assert mixed.symbols == ("1", "2", "a", "b")


GOOD = mirrored(12)[0]


def spoiled(value, dtype=float):
    array = GOOD.astype(dtype)
    array[3, 1, 2] = value
    return array


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (GOOD, spoiled(np.nan), "the training arrays, index 3: outputs holds nan at row 2 column 3: expected an integer"),
        (spoiled(2.5), GOOD, "index 3: inputs holds 2.5 at row 2 column 3"),
        (spoiled(None, object), GOOD, "index 3: inputs holds None at row 2 column 3"),
        (list(spoiled(np.inf)), GOOD, "index 3: inputs holds inf at row 2 column 3"),
        (GOOD > 1, GOOD, "inputs must be integers or texts: got bool"),
        (GOOD[0], GOOD, r"inputs must be integers or texts of shape \(N, rows, columns\): got int64 \(4, 4\)"),
        (GOOD, GOOD[..., None], r"outputs must be integers or texts of shape .*: got int64 \(12, 4, 4, 1\)"),
        (GOOD, GOOD[:11], "expected an output for each input: got 12 inputs and 11 outputs"),
        (GOOD[:0], GOOD[:0], "expected at least one example: got none"),
        ([], [], "expected at least one example: got none"),
        ([[[1, 2], [3]]] * 2, GOOD[:2], "indices 0, 1: inputs is ragged: expected rows of equal length"),
        ([[1, 2]] * 2, GOOD[:2], r"indices 0, 1: inputs must hold grids of rows and columns: got shape \(2,\)"),
        (7, GOOD, "inputs must be an array of shape .* or a list of grids: got int"),
        (np.arange(300).reshape(3, 10, 10), np.arange(300).reshape(3, 10, 10), "more than 253 different symbols"),
        (np.repeat(GOOD[:1], 5, axis=0), GOOD[:5], "all questions are equal .*: give validation=None"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_trained_on_are_refused_in_one_line(inputs, outputs, message):
    with pytest.raises(PuzzleError, match=message) as error:
        quick(inputs, outputs)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resume": True}, "name it with out"),
        ({"validation": 1.5}, "validation must be a share between 0 and 1, or None: got 1.5"),
        ({"test": GOOD}, "test must be a pair of inputs and outputs: got ndarray"),
        ({"check": "rules:check"}, "check must be a function of question and answer: got str"),
        ({"net": 3}, "net must be a recipe's name, a RunConfig, an nn.Module or None: got int"),
        ({"net": nn.Linear}, "or None: got Linear"),
        ({"net": "sudoku9-smal"}, "did you mean sudoku9-small"),
        ({"net": nn.Linear(5, 5)}, "for these grids S 16 and D 64: Linear given .* gave RuntimeError"),
        ({"net": nn.Flatten()}, r"Flatten given \(2, 16, 64\) gave \(2, 1024\)"),
        ({"net": TRM(NET.model, shape_of(get_task("sudoku4")))}, "TRM is a whole model"),
        ({"task": "arc10"}, "ARC tasks are trained on with ponderling.start"),
        ({"task": "sudoku4", "symmetries": "flips"}, "sudoku4 has its own"),
        ({"symmetries": "shear"}, "symmetries must be none, or flips"),
        ({"check": lambda question, answer: question == answer}, "training arrays, indices 0, [0-9, ]+: the rules refuse"),
        ({"test": (GOOD[:1], GOOD[:1])}, "the test arrays, index 0: its question is also that of index 0 of the training"),
        ({"test": (GOOD + 9, GOOD + 9)}, "the test arrays, index 0: input holds '1[0-2]', which no training grid does"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        quick(GOOD, GOOD[:, :, ::-1], **options)


def test_held_out_questions_are_not_trained_on_up_to_symmetry(monkeypatch):
    """Every question stands there in all eight positions, so a part that is drawn by examples would share some."""
    seen = splits(monkeypatch)
    inputs, outputs = mirrored(20)
    turned = [np.rot90(side, k, (1, 2)) for side in (inputs, inputs[:, ::-1]) for k in range(4)]
    answers = [np.rot90(side, k, (1, 2)) for side in (outputs, outputs[:, ::-1]) for k in range(4)]
    quick(np.concatenate(turned), np.concatenate(answers), symmetries="dihedral", validation=0.25)
    (trainer,) = seen
    trained, held = (set(trainer.task.canonical(part.tokens)) for part in (trainer.data.train, trainer.data.validation))
    assert (len(trained), len(held)) == (15, 5)
    assert not trained & held
    assert len(trainer.data.train) + len(trainer.data.validation) == 160  # none vanishes


def test_a_test_question_in_another_position_is_refused():
    inputs, outputs = mirrored(12, (3, 3))
    test = (np.rot90(inputs[:1], 1, (1, 2)), np.rot90(outputs[:1], 1, (1, 2)))
    with pytest.raises(PuzzleError, match="index 0: its question is also that of index 0 of the training arrays"):
        quick(inputs, outputs, symmetries="rotations", test=test)


def test_what_is_held_out_shows_no_symbol_that_training_lacks(monkeypatch):
    seen = splits(monkeypatch)
    inputs = np.arange(40).reshape(10, 2, 2)  # every symbol stands in one example
    quick(inputs, inputs)
    assert len(seen[0].data.validation) == 0
    assert len(seen[0].data.train) == 10


def test_a_resumed_run_ends_as_one_that_never_stopped(tmp_path):
    data = mirrored()
    whole = quick(*data, steps=6, out=tmp_path / "whole")
    quick(*data, steps=3, out=tmp_path / "parts")
    with pytest.raises(FileExistsError, match="resume=True"):
        quick(*data, steps=6, out=tmp_path / "parts")
    resumed = quick(*data, steps=6, out=tmp_path / "parts", resume=True)
    assert all(torch.equal(weights(whole)[name], value) for name, value in weights(resumed).items())
    with pytest.raises(ValueError, match="was trained on other"):
        quick(*mirrored(seed=3), steps=6, out=tmp_path / "parts", resume=True)


def test_the_average_of_a_run_is_kept_when_it_is_resumed_for_longer(tmp_path):
    data = mirrored(20, (2, 2))
    train(*data, steps=12, out=tmp_path, progress=False)
    file = tmp_path / LAST / "config.json"
    settings = json.loads(file.read_text())
    assert settings["config"]["train"]["ema_warmup"]
    assert settings["config"]["train"]["ema_rate"] == 1 - 10 / 12
    settings["config"]["train"] |= {"ema_warmup": False, "ema_rate": 0.25}  # as an earlier version chose them
    file.write_text(json.dumps(settings))
    train(*data, steps=14, out=tmp_path, progress=False, resume=True)
    training = read_config(tmp_path / LAST)[0].train
    assert (training.ema_rate, training.ema_warmup) == (0.25, False)


class Swap(nn.Module):
    """Mixes positions, then channels."""

    def __init__(self, S, D):
        super().__init__()
        self.positions, self.channels = nn.Linear(S, S), nn.Linear(D, D)

    def forward(self, x):
        return torch.tanh(self.channels(self.positions(x.transpose(1, 2)).transpose(1, 2)))


def test_a_module_of_ones_own_is_trained_in_place_of_the_block_stack():
    module = Swap(16, 64)
    before = module.positions.weight.detach().clone()
    solver = quick(*mirrored(), net=module, steps=2)
    assert isinstance(solver.model, TRM)
    assert isinstance(solver.model.net, Swap)
    assert not torch.equal(module.positions.weight, before)
    assert solver.solve(GOOD[0]).grid.shape == (4, 4)


def test_a_recipe_gives_network_and_training_but_not_its_data():
    solver = quick(*mirrored(), net="sudoku9-small", steps=1)
    assert solver.config.model.hidden_size == 128
    assert solver.config.train.N_sup == 16
    assert solver.config.train.steps == 1
    assert solver.config.data.task == "grids"
    assert solver.checkpoint.info["recipe"] == "sudoku9-small"


def test_seed_and_device_replace_those_of_the_settings():
    one, same, other = (quick(*mirrored(), seed=seed, device="cpu") for seed in (1, 1, 2))
    assert one.config.train.seed == 1
    first = [next(iter(weights(solver).values())) for solver in (one, same, other)]
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first[0], first[2])
    with pytest.raises(ValueError, match="unknown device 'abacus'"):
        quick(*mirrored(), device="abacus")


def test_a_function_judges_answers_and_test_figures_are_kept(capsys):
    asked = []

    def check(question, answer):
        asked.append(question)
        return [row[::-1] for row in question] == answer

    new = mirrored(7, seed=9)
    solver = quick(*mirrored(), check=check, test=new, progress=True)
    assert asked[0] == mirrored()[0][0].tolist()
    assert solver.checkpoint.info["test"]["puzzles"] == 7
    result = solver.solve(new[0][0])
    assert result.valid == (result.grid == new[1][0]).all()
    assert "test, weights of step 2: exact" in capsys.readouterr().err


def test_arrays_of_a_known_family_keep_its_rules(monkeypatch):
    seen = splits(monkeypatch)
    family = get_task("sudoku4")
    puzzles = family.load_default("train")[:30]
    inputs = np.array([family.to_grid(tokens) for tokens in puzzles.tokens])
    outputs = np.array([family.to_grid(tokens) for tokens in puzzles.labels])
    for task in ("sudoku4", family):
        solver = quick(inputs, outputs, task=task)
        assert solver.config.data.task == "sudoku4"
        assert (len(seen[-1].data.train) + len(seen[-1].data.validation)) == 30
        assert solver.solve(inputs[0]).valid is not None
    split = seen[-1].data
    where = {row.tobytes(): i for i, row in enumerate(puzzles.tokens)}
    for part in (split.train, split.validation):
        rows = [where[row.tobytes()] for row in part.tokens]
        assert (part.labels == puzzles.labels[rows]).all()
    assert not set(family.fingerprint(split.train.tokens)) & set(family.fingerprint(split.validation.tokens))
    with pytest.raises(PuzzleError, match="index 0: the rules refuse the output"):
        quick(inputs, np.roll(outputs, 1, axis=0), task="sudoku4")
    with pytest.raises(PuzzleError, match="indices 0, 1, 2: input is 2x2: sudoku4 has grids of 4x4"):
        quick(inputs[:, :2, :2], outputs[:, :2, :2], task="sudoku4")
    with pytest.raises(PuzzleError, match=r"index 0: input: .* is not a symbol of sudoku4"):
        quick(inputs + 7, outputs, task="sudoku4")


def test_answers_of_mazes_may_show_the_path():
    family = get_task("maze10")
    puzzles = family.generate(np.random.default_rng(0), 6)
    grids = [np.array([family.to_grid(tokens) for tokens in side]) for side in (puzzles.tokens, puzzles.labels)]
    assert quick(*grids, task="maze10", steps=1).config.data.task == "maze10"


class Mirror(GridTask):
    name, grid_shape, symbols = "mirror", (4, 4), "0123"


def test_a_family_of_ones_own_is_given_as_an_object():
    solver = quick(*mirrored(), task=Mirror())
    assert isinstance(solver.task, Mirror)
    assert solver.solve(GOOD[0]).question == "".join(map(str, GOOD[0].reshape(-1)))


def test_grids_that_look_like_sudokus_are_noticed(capsys):
    family = get_task("sudoku9")
    puzzles = family.load_default("test")[:10]
    grids = [np.array([family.to_grid(tokens) for tokens in side]) for side in (puzzles.tokens, puzzles.labels)]
    quick(*grids, progress=True, steps=1)
    assert "these look like Sudokus: task='sudoku9' keeps their rules\n" in capsys.readouterr().err
    quick(*grids, progress=True, steps=1, task="sudoku9")
    assert "look like" not in capsys.readouterr().err


def test_progress_is_told_on_stderr_and_nothing_else_is_printed(capsys, monkeypatch):
    monkeypatch.setattr("ponderling.training.observer.SECONDS_BETWEEN_LINES", 0)
    quick(*mirrored(), steps=3, progress=True)
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert lines[0].startswith("TRM, ")
    assert "54 puzzles to train on, 6 to validate, 0 to test; 3 steps of 32 slots" in lines[0]
    shown = r"step \d  loss|validating on 6 of 6 puzzles|step 3  validation: exact"
    assert [re.match(shown, line) is not None for line in lines[1:-1]] == [True] * 5
    assert re.fullmatch(r"\d+ s of training", lines[-1])
    quick(*mirrored(), steps=3)
    assert capsys.readouterr() == ("", "")


def test_a_trainer_tells_of_its_progress_unless_its_observer_is_silent(tmp_path, capsys):
    config = replace(NET, data=DataConfig(task="sudoku4", max_train=50, max_test=2, num_validation=4))
    start(config, tmp_path / "a").run()
    told = capsys.readouterr()
    assert told.out == ""
    assert f"into {tmp_path / 'a'}" in told.err
    assert f"checkpoints in {tmp_path / 'a'}" in told.err
    start(config, tmp_path / "b", observer=Observer()).run()
    assert capsys.readouterr() == ("", "")


def test_evaluating_a_run_on_arrays_says_that_they_are_gone(tmp_path, capsys):
    quick(*mirrored(), out=tmp_path)
    assert main(["eval", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "this run's puzzles were arrays in memory, which it does not keep: name a file (eval --data FILE)" in said
    assert said.count("\n") == 1
    (tmp_path / "new.jsonl").write_text(
        '{"input": ["0123", "0000", "1111", "2222"], "output": ["3210", "0000", "1111", "2222"]}'
    )
    assert main(["eval", str(tmp_path), "--data", str(tmp_path / "new.jsonl")]) == 0
    capsys.readouterr()
    assert main(["train", "sudoku4", "--out", str(tmp_path), "--resume"]) == 2
    assert "go on training with ponderling.train(..., resume=True)" in capsys.readouterr().err


def test_arrays_in_the_settings_are_refused_with_the_call_that_takes_them():
    with pytest.raises(
        ValueError, match=r"train must be text: got ndarray; arrays are trained on with ponderling.train"
    ):
        DataConfig(train=GOOD)  # pyright: ignore[reportArgumentType]


def test_only_the_first_examples_are_asked_about(monkeypatch):
    monkeypatch.setattr(arrays, "CHECKED", 2)
    asked = []
    quick(*mirrored(), check=lambda question, answer: asked.append(1) or True, validation=None)
    assert len(asked) == 2
