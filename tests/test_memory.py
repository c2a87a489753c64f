"""Runs that cannot fit into memory are refused in a line, and the estimate never exceeds what a step really holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ponderling.cli import main
from ponderling.models import build_model, shape_of
from ponderling.recipes import get_recipe, list_recipes
from ponderling.system import total_memory
from ponderling.tasks import get_task
from ponderling.training.distributed import World
from ponderling.training.memory import refuse_too_large, slot_needs, weights_need


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train.batch-size", "16000000"], "--train.batch-size 16,000,000 needs at least 5,242.9 GB for one step"),
        (["--train.batch-cells", "1000000000"], "--train.batch-cells 1,000,000,000 needs at least "),
        (["--model.hidden-size", "1048576"], "a network of --model.hidden-size 1048576 and --model.num-layers 2 needs"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_batch_or_network_beyond_the_memory_is_refused_before_it_is_made(options, message, tmp_path, capsys):
    assert main(["train", "sudoku4", "--out", str(tmp_path / "run"), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "choose " in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["sudoku4", "sudoku4-hrm", "maze10", "sudoku-cpu"])
def test_a_step_holds_at_least_what_is_estimated(name):
    config = get_recipe(name).config
    task = get_task(config.data.family)
    generator = torch.Generator().manual_seed(0)
    model = build_model(config.model, shape_of(task, num_puzzles=1), generator=generator, relations=task.relations)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    held: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    tokens, ids = (
        torch.ones(2, shape_of(task, num_puzzles=1).seq_len, dtype=torch.long),
        torch.zeros(2, dtype=torch.long),
    )
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(
            model.initial_state(2), tokens, puzzle_ids=ids
        )  # kept, or tensors would take places of freed ones
    measured = sum(size for place, (size, _) in held.items() if place not in own) / 2
    del output
    estimate = slot_needs(replace(config, run=replace(config.run, compile=False)), task)
    assert 0.02 * measured < estimate < measured
    weights = 4 * sum(p.numel() for p in model.parameters())
    assert weights_need(config.model, config.train) < 5 * weights


def test_the_memory_of_this_machine_is_known():
    total = total_memory()
    assert total is None or total > 2**28


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)
def test_every_recipe_fits_four_gpus_of_80_gigabytes_and_none_fits_where_there_is_no_memory(recipe, monkeypatch):
    config, world, device = recipe.config, World(size=4), torch.device("cpu")
    tasks = [get_task(name) for name in config.data.families]
    monkeypatch.setattr("ponderling.training.memory.memory_of", lambda device: int(80e9))
    refuse_too_large(config, tasks, device=device, world=world)
    monkeypatch.setattr("ponderling.training.memory.memory_of", lambda device: 0)
    with pytest.raises(ValueError, match="choose smaller ones"):
        refuse_too_large(config, tasks, device=device, world=world)


@pytest.mark.parametrize(
    "said",
    [
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
        "71186427904 bytes. Error code 12 (Cannot allocate memory)",
        "CUDA out of memory. Tried to allocate 66.30 GiB. GPU 0 has a total capacity of 23.6 GiB of which 9 GiB is free.",
    ],
)
def test_memory_that_ends_is_told_in_our_words(said, monkeypatch, capsys):
    def fail(args: list[str]) -> int:
        raise RuntimeError(said)

    monkeypatch.setattr("ponderling.cli.eval.main", fail)
    assert main(["eval", "sudoku"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("ponderling: not enough memory: torch asked for 66.3")
    assert "--train.batch-size" in printed
