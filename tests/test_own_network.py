"""A model that was trained with a network of one's own is used after training: from Python, and by --net."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import torch

from ponderling.checkpoint import CheckpointError, load_checkpoint
from ponderling.cli import main
from ponderling.models import HRM, TRM, build_model
from ponderling.models.interface import Output
from ponderling.recipes import get_recipe
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.training.starting import start

MODULE = """
import torch
class Mine(torch.nn.Sequential):
    def __init__(self, width=16):
        super().__init__(torch.nn.Linear(width, width), torch.nn.Tanh())
class Wide(Mine):
    def __init__(self, width):
        super().__init__(width)
def mine():
    return Mine(16)
def pair():
    return Mine(), Mine()
instance = Mine()
number = 3
"""


class Mine(torch.nn.Sequential):
    def __init__(self, width: int = 16):
        super().__init__(torch.nn.Linear(width, width), torch.nn.Tanh())


class Whole(torch.nn.Module):
    """A recursive model that is none of the package's."""

    def __init__(self):
        super().__init__()
        self.table, self.head = torch.nn.Embedding(6, 16), torch.nn.Linear(16, 6)

    def initial_state(self, batch_size):
        return (torch.zeros(1).expand(batch_size, 16, 16),)

    def forward(self, state, tokens, *, puzzle_ids):
        (y,) = state
        y = torch.tanh(y + self.table(tokens))
        q = y.mean((1, 2))
        return (y,), Output(self.head(y), q, q)


def config_of(**model):
    config = get_recipe("sudoku4").config
    model = {"hidden_size": 16, "num_heads": 2, "n": 1, "T": 1, "dtype": "float32", **model}
    train = replace(config.train, steps=2, batch_size=4, N_sup=2, seed=1)
    data = replace(config.data, max_train=20, max_test=4, num_validation=2)
    return replace(config, model=replace(config.model, **model), train=train, data=data)


def trained(out, model, config):
    trainer = start(config, out, model=model)
    trainer.run()
    return trainer.evaluated_model.eval()


KINDS = {
    "net": ({}, lambda config: TRM(config, net=Mine()), lambda: {"net": Mine()}),
    "separate": (
        {"separate_networks": True},
        lambda config: TRM(config, net=Mine(), net_y=Mine()),
        lambda: {"net": (Mine(), Mine())},
    ),
    "hrm": (
        {"system": "hrm", "separate_networks": True, "gradient": "one_step"},
        lambda config: HRM(config, net_L=Mine(), net_H=Mine()),
        lambda: {"net": [Mine(), Mine()]},
    ),
    "whole": ({}, lambda config: Whole(), lambda: {"model": Whole()}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_when_its_network_is_given_and_is_refused_without(kind, tmp_path):
    settings, make, given = KINDS[kind]
    config = config_of(**settings)
    model = trained(tmp_path, make(config), config)
    part, name = ("model", "Whole") if kind == "whole" else ("net", "Mine")
    info = load_checkpoint(tmp_path / "last", **given()).info
    assert info["own_network"] == f"{__name__}.{name}"
    expected = (
        f"{tmp_path / 'best'}: was trained with a network of your own, {__name__}.{name}, which a checkpoint does not hold: "
        f"give it, in Python as {part}=MyModule(), on the command line as --net module:attribute"
    )
    for load in (load_checkpoint, Solver.from_pretrained):
        with pytest.raises(CheckpointError, match=re.escape(expected)):
            load(tmp_path)
    solver = Solver.from_pretrained(tmp_path / "last", **given())
    for key, value in model.state_dict().items():
        assert torch.equal(solver.model.state_dict()[key], value)
    puzzle = get_task("sudoku4").format(get_task("sudoku4").load_default("test").tokens[0])
    before = Solver(model, get_task("sudoku4"), config=config).solve(puzzle)
    assert solver.solve(puzzle).answer == before.answer


def test_a_network_that_does_not_suit_is_refused_with_the_reason(tmp_path):
    config = config_of()
    trained(tmp_path, TRM(config, net=Mine()), config)
    for given, error, reason in (
        ({"net": Mine(), "model": Whole()}, ValueError, "give either net"),
        ({"net": (Mine(), Mine())}, ValueError, "net must be one network for system trm: got 2"),
        ({"net": Mine}, TypeError, "net must be an nn.Module, not <class .*: give an instance"),
        ({"net": Mine(8)}, CheckpointError, r"wrong shape net\.0\.bias \(16,\) for \(8,\)"),
        ({"net": torch.nn.Identity()}, CheckpointError, r"unexpected net\.0\.bias.*--net module:attribute"),
        ({"net": Mine(), "task": "sudoku9"}, CheckpointError, "a network of your own is tied to its task sudoku4"),
    ):
        with pytest.raises(error, match=reason):
            load_checkpoint(tmp_path, **given)


def test_the_packages_own_networks_are_not_noted_and_their_mismatch_points_the_way(tmp_path):
    config = config_of()
    trained(tmp_path, build_model(config), config)
    assert "own_network" not in load_checkpoint(tmp_path).info
    with pytest.raises(CheckpointError, match=r"Give one of your own as net=MyModule\(\)"):
        load_checkpoint(tmp_path, net=Mine())


def test_a_class_a_function_or_an_instance_is_named_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests_own_net.py").write_text(MODULE)
    config = config_of()
    trained(tmp_path / "run", TRM(config, net=Mine()), config)
    puzzle = get_task("sudoku4").format(get_task("sudoku4").load_default("test").tokens[0])
    for name in ("Mine", "mine", "instance"):
        assert main(["solve", "run", puzzle, "--json", "--net", f"tests_own_net:{name}"]) == 0
    assert main(["eval", "run", "--json", "--max-puzzles", "2", "--net", "tests_own_net:Mine"]) == 0
    assert main(["push", "run", "me/tiny", "--card", "card.md", "--net", "tests_own_net:Mine"]) == 0
    capsys.readouterr()
    for name, reason in (
        ("tests_own_net:Wide", "cannot be made without arguments"),
        ("tests_own_net:number", "expected a class, a function or an nn.Module, got int"),
        ("tests_own_net:Other", "expected module:attribute that can be imported"),
        ("no_such:Mine", "expected module:attribute that can be imported"),
        ("tests_own_net:pair", "net must be one network for system trm: got 2"),
    ):
        assert main(["solve", "run", puzzle, "--net", name]) == 2
        error = capsys.readouterr().err.strip()
        assert reason in error
        assert "\n" not in error
    assert main(["solve", "run", puzzle]) == 2
    assert "--net module:attribute" in capsys.readouterr().err


def test_what_a_checkpoint_calls_its_network_is_shown_only_if_it_is_a_name(tmp_path):
    config = config_of()
    trained(tmp_path, TRM(config, net=Mine()), config)
    file = tmp_path / "best" / "config.json"
    header = json.loads(file.read_text())
    header["info"]["own_network"] = "\x1b[2Jrun `rm -rf ~`"
    file.write_text(json.dumps(header))
    with pytest.raises(CheckpointError, match="a network of your own, unnamed, which"):
        load_checkpoint(tmp_path)
