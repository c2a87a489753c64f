"""Configs: what cannot be is refused, all problems together; JSON gives the same config back."""

from __future__ import annotations

import json
import re

import pytest

from ponderling.config import DataConfig, ModelConfig, Phase, RunConfig, TrainConfig, from_json, to_json
from ponderling.recipes import list_recipes


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
        RunConfig(ModelConfig(latents="many", n=2), TrainConfig(phases=(Phase(3, n=1),)))
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
