"""Configs: what cannot be is refused, all problems together; JSON gives the same config back."""

from __future__ import annotations

import ast
import json
import re
import typing
from pathlib import Path

import numpy as np
import pytest

import ponderling.config
from ponderling.config import (
    DataConfig,
    ModelConfig,
    Phase,
    PuzzleShape,
    RunConfig,
    RuntimeConfig,
    Search,
    SolveConfig,
    TrainConfig,
    from_json,
    to_json,
)
from ponderling.recipes import get_recipe, list_recipes


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)
def test_json_gives_the_same_config_back(recipe):
    assert from_json(RunConfig, json.loads(json.dumps(to_json(recipe.config)))) == recipe.config


def test_problems_of_a_json_config_are_reported_together_with_a_hint():
    values = to_json(RunConfig())
    values["model"]["hidden_sise"] = 3
    values["model"]["mixer"] = "conv"
    values["train"]["lr"] = "fast"
    values["data"] = 5
    with pytest.raises(ValueError, match="config") as error:
        from_json(RunConfig, values)
    for part in (
        "config.model: unknown field 'hidden_sise' (did you mean 'hidden_size'?)",
        'config.model.mixer: expected one of attention, mlp, neighbours, neighbors, got "conv"',
        'config.train.lr: expected float, got "fast"',
        "config.data: expected an object with fields, got 5",
    ):
        assert part in str(error.value)


def test_problems_of_phases_name_the_phase():
    values = to_json(RunConfig(train=TrainConfig(phases=(Phase(5), Phase(9)))))
    values["train"]["phases"][1]["untill"] = 7
    with pytest.raises(
        ValueError, match=r"config.train.phases\[1\]: unknown field 'untill' \(did you mean 'until'\?\)"
    ):
        from_json(RunConfig, values)
    values["train"]["phases"] = 3
    with pytest.raises(ValueError, match=r"config\.train\.phases: expected a list, got 3"):
        from_json(RunConfig, values)
    with pytest.raises(ValueError, match="phases must end one after the other: got until 9, 5"):
        TrainConfig(phases=(Phase(9), Phase(5)))
    with pytest.raises(ValueError, match="a phase cannot have another n"):
        RunConfig(model=ModelConfig(latents="many", n=2), train=TrainConfig(phases=(Phase(3, n=1),)))
    with pytest.raises(ValueError, match="n must be at least 1: got 0; max_rating must be at least 3: got 2"):
        Phase(until=1, n=0, min_rating=3, max_rating=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 10, "num_heads": 3}, "hidden_size must be a multiple of num_heads: got 10 and 3"),
        ({"hidden_size": 6, "num_heads": 2}, "rope needs an even head size: got 6 / 2"),
        ({"n": 0, "T": 0}, "n must be at least 1: got 0; T must be at least 1: got 0"),
        ({"mixer": "mlp"}, "positions must be none, got rope"),
        ({"puzzle_embedding_size": 9000}, "puzzle_embedding_size 9000 does not fit into prefix_len 16 tokens"),
        ({"system": "hrm"}, "system hrm is gradient one_step, separate_networks True, latents two: got gradient full"),
        ({"latents": "single", "gradient": "one_step"}, "latents single goes with one network and the full gradient"),
        ({"expansion": 0.0}, "expansion must be positive"),
        ({"num_layers_H": 0}, "num_layers_H must be at least 1"),
    ],
)
def test_a_model_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ModelConfig(**{"puzzle_embedding_size": 0, **changes})


@pytest.mark.parametrize(
    "changes",
    [{"steps": 0}, {"lr": -1.0}, {"halt_exploration": 1.5}, {"ema_rate": 1.0}, {"label_smoothing": -0.1}, {"N_sup": 0}],
)
def test_training_that_cannot_be_is_refused(changes):
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=f"{name} must .*: got {value}"):
        TrainConfig(**changes)


def test_data_that_cannot_be_is_refused():
    with pytest.raises(
        ValueError, match="max_train must be at least 1: got 0; num_validation must not be negative: got -1"
    ):
        DataConfig(max_train=0, num_validation=-1)
    with pytest.raises(ValueError, match="train must be text: got list"):
        DataConfig(train=[[0, 1]])  # pyright: ignore[reportArgumentType]


def test_american_spellings_mean_the_same():
    assert ModelConfig(mixer="neighbors", positions="none", prefix_len=0, puzzle_embedding_size=0).mixer == "neighbours"
    values = {"mixer": "neighbors", "positions": "none", "prefix_len": 0, "puzzle_embedding_size": 0}
    assert from_json(ModelConfig, values).mixer == "neighbours"
    grid = {"rows": 2, "columns": 2, "symbols": list("01")}
    for text, expected in (
        ("colors", "colours"),
        ("flips+colors", "flips+colours"),
        ("colors=1,colors+flips", "colours=1,colors+flips"),
    ):
        assert from_json(DataConfig, {"task": "grids", "symmetries": text, "grid": grid}).symmetries == expected


def test_a_machine_or_a_way_to_stop_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="eval_every must be at least 1: got 0; threads must not be negative: got -1"):
        RuntimeConfig(eval_every=0, threads=-1)
    for sure in (0.4, 1.0):
        with pytest.raises(ValueError, match=f"halt_when_sure must be at least 0.5 and below 1: got {sure}"):
            SolveConfig(halt_when_sure=sure)


def test_a_search_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="restarts must be at least 0: got -1; search_steps must be at least 1: got 0"):
        Search(restarts=-1, search_steps=0)
    with pytest.raises(ValueError, match="restarts without noise and without guesses would all be alike"):
        Search(restarts=1, guess_every=0)
    assert Search(restarts=1, guess_every=0, noise=0.1).views is None


def test_the_parts_of_the_relational_recipes():
    """Learning rates, depth and phases of every part, as the packaged weights were trained."""
    found = {
        name: [
            (
                c.train.steps,
                c.model.T,
                c.train.batch_size,
                c.train.lr,
                c.train.muon_lr,
                c.train.vary_T,
                c.run.eval_every,
            )
            for c in (*get_recipe(name).before, get_recipe(name).config)
        ]
        for name in ("sudoku", "sudoku-cpu")
    }
    three = [
        (4100, 2, 64, 2e-3, 6e-3, False, 500),
        (2200, 2, 64, 1e-3, 3e-3, False, 500),
        (2800, 4, 64, 5e-4, 1.5e-3, False, 500),
    ]
    assert found == {
        "sudoku": [*three, (3300, 4, 128, 5e-4, 1.5e-3, False, 550), (4254, 8, 512, 7e-4, 2.1e-3, True, 531)],
        "sudoku-cpu": [*three, (3800, 8, 64, 5e-4, 1.5e-3, True, 1000)],
    }
    phases = [c.train.phases for c in (*get_recipe("sudoku").before, get_recipe("sudoku").config)]
    assert phases == [
        (
            Phase(500, n=2, T=1, max_rating=3),
            Phase(1500, n=4, T=1, max_rating=8),
            Phase(2900, T=1, min_rating=1),
            Phase(3800, min_rating=2),
        ),
        tuple(Phase(until, min_rating=2, extra_clues=clues) for until, clues in ((900, 4), (1600, 3), (2200, 2))),
        (
            Phase(1500, T=2, min_rating=2, extra_clues=2),
            Phase(2400, T=2, min_rating=2, extra_clues=1),
            Phase(2800, min_rating=2, extra_clues=1),
        ),
        (Phase(825, min_rating=2, extra_clues=1), Phase(3300, min_rating=2)),
        (),
    ]
    assert get_recipe("sudoku-cpu").config.train.phases == (Phase(950, T=4, extra_clues=1), Phase(3800, T=4))


def test_every_setting_has_a_short_help():
    fields = 0
    for file in Path(ponderling.config.__file__).parent.glob("*.py"):
        for made in ast.parse(file.read_text()).body:
            if not isinstance(made, ast.ClassDef) or made.name == "RunConfig":
                continue
            for field, below in zip(made.body, made.body[1:]):
                if isinstance(field, ast.AnnAssign) and ast.unparse(field.annotation) != "KW_ONLY":
                    assert isinstance(below, ast.Expr), field.target
                    assert isinstance(below.value, ast.Constant), field.target
                    sentences = str(below.value.value).split(". ")
                    assert all(1 < len(sentence.split()) <= 30 for sentence in sentences), sentences
                    fields += 1
    assert fields >= 80


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), True, "1", 10**400, 1j], ids=lambda v: str(v)[:9]
)
def test_no_setting_is_a_number_that_is_none(value):
    """Every float of every group of settings, in Python."""
    for cls in (ModelConfig, TrainConfig, RuntimeConfig, SolveConfig, Search):
        for name, hint in typing.get_type_hints(cls).items():
            if hint is float:
                with pytest.raises(ValueError, match=f"{name} must be a finite number: got ") as error:
                    cls(**{name: value})
                assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "value",
    [float("nan"), 2.5, True, "1", 10**30, 10**5000, 2.0],
    ids=("nan", "2.5", "True", "text", "e30", "e5000", "2.0"),
)
def test_no_count_is_anything_but_a_whole_number_of_a_possible_size(value):
    for cls in (ModelConfig, TrainConfig, RuntimeConfig, Search, DataConfig, PuzzleShape, Phase):
        needed = {PuzzleShape: {"vocab_size": 6, "seq_len": 16}, Phase: {"until": 3}}.get(cls, {})
        for name, hint in typing.get_type_hints(cls).items():
            if hint is int or hint == int | None:
                with pytest.raises(ValueError, match=f"{name} must be (a whole number|at most [0-9,]+): got ") as error:
                    cls(**{**needed, name: value})
                assert len(str(error.value)) < 200


def test_numbers_of_numpy_are_numbers():
    config = TrainConfig(steps=np.int64(7), lr=np.float32(0.5))
    assert (config.steps, config.lr) == (7, 0.5)
    assert from_json(TrainConfig, json.loads(json.dumps(to_json(config)))) == config


def test_a_relational_network_has_no_continue_logit():
    relational = ModelConfig(system="relational", prefix_len=0, puzzle_embedding_size=0, positions="none")
    with pytest.raises(ValueError, match=r"system relational .*: halting must be halt, got halt_continue"):
        RunConfig(model=relational, train=TrainConfig(halting="halt_continue"))


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_of_more_pairs_lies_between_none_and_all(share):
    with pytest.raises(ValueError, match=f"more_share must be a share from 0 to 1: got {share}"):
        DataConfig(task="arc10", more_share=share)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            TrainConfig,
            {"halting": "halt_continu"},
            "halting must be one of halt, halt_continue: got 'halt_continu' (did you mean halt_continue?)",
        ),
        (TrainConfig, {"vary_T": "no"}, "vary_T must be True or False: got 'no'"),
        (TrainConfig, {"phases": ({"until": 3},)}, "phases must be a tuple of Phase: got ({'until': 3},)"),
        (TrainConfig, {"init": 3, "loss": None}, "init must be text: got 3; loss must be one of stablemax"),
        (ModelConfig, {"dtype": "float16"}, "dtype must be one of float32, bfloat16: got 'float16'"),
        (DataConfig, {"symmetries": None}, "symmetries must be text: got None"),
        (DataConfig, {"held_out": "test"}, "held_out must be one of tests, demonstrations: got 'test'"),
        (RuntimeConfig, {"compile": 1}, "compile must be True or False: got 1"),
        (RuntimeConfig, {"threads": 1025}, "threads must be at most 1,024: got 1025"),
        (SolveConfig, {"halt_by": "cell"}, "halt_by must be one of head, cells: got 'cell'"),
        (Search, {"choose": "halt"}, "choose must be one of halting, surest, agreement, residual: got 'halt'"),
        (Phase, {"until": 1, "tasks": None}, "tasks must be text: got None"),
        (RunConfig, {"model": {}}, "model must be a ModelConfig: got {}"),
    ],
)
def test_choices_flags_and_texts_that_are_none_are_refused_in_python_too(kind, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        kind(**settings)


def test_paths_lists_and_numpys_flags_become_the_plain_values_that_are_saved(tmp_path):
    config = TrainConfig(init=tmp_path, phases=[Phase(2)], vary_T=np.bool_(True))
    assert (config.init, config.phases, config.vary_T) == (str(tmp_path), (Phase(2),), True)
    assert type(config.vary_T) is bool
    assert from_json(TrainConfig, to_json(config)) == config
