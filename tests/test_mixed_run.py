"""Several puzzle families in one run: one network, a lane of slots for each family, an update for one lane at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ponderling.checkpoint import load_checkpoint, load_training_state, on_task, read_config
from ponderling.config import DataConfig, ModelConfig, Phase, RunConfig, RuntimeConfig, TrainConfig
from ponderling.exchange.hub import make_card
from ponderling.models import build_model, shape_of
from ponderling.pictures.plots import read_metrics
from ponderling.solving.evaluate import evaluate
from ponderling.solving.families import over_families
from ponderling.solving.seen import read_seen
from ponderling.solving.solver import Solver
from ponderling.supervision import Batch, empty_carry, refill, supervision_step
from ponderling.tasks import get_task
from ponderling.training.distributed import World
from ponderling.training.lanes import compile_lanes, num_slots
from ponderling.training.observer import Observer
from ponderling.training.resume import shared_out
from ponderling.training.starting import start
from ponderling.training.trainer import Trainer
from ponderling.web import catalog
from runs import assert_same
from test_distributed import together

GRID = {"prefix_len": 0, "puzzle_embedding_size": 0, "positions": "none", "dtype": "float32", "n": 2, "T": 2}
SMALL: dict[str, Any] = {**GRID, "hidden_size": 16, "num_layers": 1, "expansion": 2, "inner_multiple": 8}
RELATIONAL = ModelConfig(system="relational", **SMALL)
NEIGHBOURS = ModelConfig(mixer="neighbours", **SMALL)

TRAIN: dict[str, Any] = {
    "steps": 24,
    "batch_cells": 200,
    "N_sup": 4,
    "lr": 1e-2,
    "warmup_steps": 5,
    "ema_rate": 0.9,
    "weight_decay": 0.0,
    "loss": "softmax",
}
DATA: dict[str, Any] = {"max_train": 100, "num_validation": 10, "max_test": 20}


def mixed(
    task: str = "sudoku6+sudoku4", *, model: ModelConfig = RELATIONAL, data: Any = None, **train: Any
) -> RunConfig:
    run = RuntimeConfig(eval_every=8, checkpoint_every=8, log_every=4)
    return RunConfig(
        model=model, train=TrainConfig(**{**TRAIN, **train}), data=DataConfig(task, **{**DATA, **(data or {})}), run=run
    )


def lanes_trained(trainer: Trainer, until: int | None = None) -> list[str]:
    """Trains, and tells which family each update was of: the one whose slots changed."""
    names = []
    while trainer.step < (trainer.config.train.steps if until is None else until):
        before = [lane.carry for lane in trainer.lanes]
        trainer.train_step()
        (changed,) = (lane.name for lane, carry in zip(trainer.lanes, before, strict=True) if lane.carry is not carry)
        names.append(changed)
    return names


# What is learned


def test_one_network_learns_two_sizes(tmp_path, capsys):
    config = mixed(steps=150, batch_cells=1000, data={"max_train": None, "num_validation": 50, "max_test": 60})
    config = replace(config, run=replace(config.run, eval_every=50, checkpoint_every=1000))
    figures = start(config, tmp_path).run()
    exact = {name: its["exact"] for name, its in figures["families"].items()}
    assert list(exact) == ["sudoku6", "sudoku4"]
    assert min(exact.values()) > 0.5
    assert figures["exact"] == pytest.approx((60 * exact["sudoku6"] + 60 * exact["sudoku4"]) / 120)
    said = capsys.readouterr().err
    assert (
        "on sudoku6+sudoku4: 5,100 puzzles to train on, 100 to validate, 120 to test; 150 steps of 27 or 62 slots"
        in said
    )
    assert f"(sudoku6 {100 * exact['sudoku6']:.1f}%, sudoku4 {100 * exact['sudoku4']:.1f}%)" in said
    evals = [line for line in read_metrics(tmp_path) if line["kind"] == "eval"]
    assert [set(line["families"]) for line in evals] == [{"sudoku6", "sudoku4"}] * 3
    best = max(evals, key=lambda line: (line["exact"], line["cells"], line["step"]))
    assert read_config(tmp_path / "best")[2]["step"] == best["step"]


def test_the_trained_network_is_of_the_last_family_and_is_used_on_the_others(tmp_path):
    start(mixed(), tmp_path, observer=Observer()).run()
    own = load_checkpoint(tmp_path)
    assert (own.shape.seq_len, own.shape.vocab_size) == (16, get_task("sudoku4").vocab_size)
    assert Solver.of(own).task.name == "sudoku4"
    other, foreign = load_checkpoint(tmp_path, task="sudoku6"), load_checkpoint(tmp_path, task="sudoku9")
    assert Solver.of(other).task.name == "sudoku6"
    # The halting head was trained on both sizes; on a third the cells must say when to stop.
    assert [c.config.solve.halt_by for c in (own, other, foreign)] == ["head", "head", "cells"]
    three = replace(own, config=replace(own.config, data=replace(own.config.data, task="sudoku6+sudoku9+sudoku4")))
    assert on_task(three, get_task("sudoku16")).config.solve.halt_by == "head"
    assert on_task(own, get_task("sudoku16")).config.solve.halt_by == "cells"
    assert catalog.families(own)[:2] == ["sudoku4", "sudoku6"]
    card = make_card(replace(own, info=own.info | {"step": 8}), "folder")
    assert "| trained on | `sudoku6`: the set in the package; `sudoku4`: the set in the package |" in card
    assert "| updates | 8 of 200 cells |" in card
    test = get_task("sudoku6").load_default("test")[:20]
    noted = next(line for line in read_metrics(tmp_path) if line["kind"] == "test")
    again = evaluate(Solver.of(other), test).to_json()
    for name in ("exact", "cells", "exact_by_step"):
        assert again[name] == noted["families"]["sudoku6"][name]


# Resuming

PHASES = (Phase(until=6, tasks="sudoku4", T=1), Phase(until=13, tasks="sudoku6", extra_clues=4))


@pytest.mark.parametrize(
    "changes", [{}, {"vary_N_sup": True, "phases": PHASES, "state_noise": 0.1}], ids=["plain", "all"]
)
def test_resuming_a_mixed_run_equals_never_having_stopped(tmp_path, changes):
    config = mixed(**changes)
    start(config, tmp_path / "whole", observer=Observer()).run()
    for stop in (3, 6, 11, 20, 24):
        part = start(config, tmp_path / "parts", resume=True, observer=Observer())
        part.run(lambda part=part, stop=stop: part.step >= stop)
    assert_same(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_cells": 100}, "train.batch_cells was 200, now 100"),
        ({"vary_N_sup": True}, "train.vary_N_sup was False, now True"),
        ({"task": "sudoku4+sudoku6"}, r"data.task was sudoku6\+sudoku4, now sudoku4\+sudoku6"),
        ({"phases": (Phase(until=5, tasks="sudoku4"),)}, "train.phases was"),
    ],
)
def test_a_mixed_run_is_not_resumed_with_other_settings(tmp_path, changes, said):
    trainer = start(mixed(), tmp_path, observer=Observer())
    trainer.run(lambda: trainer.step >= 2)
    with pytest.raises(ValueError, match=said):
        start(mixed(**changes), tmp_path, resume=True, observer=Observer())


def test_a_mixed_run_is_not_resumed_on_other_puzzles_of_any_family(tmp_path):
    file = tmp_path / "six.csv"
    six = get_task("sudoku6")
    six.write(file, six.load_default("train")[:100])
    config = mixed(data={"train": f"sudoku6={file}+sudoku4=default"})
    trainer = start(config, tmp_path / "run", observer=Observer())
    trainer.run(lambda: trainer.step >= 2)
    six.write(file, six.load_default("train")[1:101])
    with pytest.raises(
        ValueError, match=r"was trained on other puzzles than --data.train .*six.csv now gives sudoku6 \("
    ):
        start(config, tmp_path / "run", resume=True, observer=Observer())


# Which lane


def test_which_lane_is_trained_depends_on_the_seed_and_the_step_alone(tmp_path):
    orders = [
        lanes_trained(start(config, tmp_path / str(i), observer=Observer()))
        for i, config in enumerate(
            [mixed(), mixed(batch_cells=None, batch_size=2, lr=1e-3, data={"max_train": 50}), mixed(seed=1)]
        )
    ]
    assert orders[0] == orders[1] != orders[2]
    expected = [("sudoku6", "sudoku4")[np.random.default_rng([0, 3, step]).integers(2)] for step in range(24)]
    assert orders[0] == expected


def test_a_phase_trains_only_its_own_families(tmp_path):
    names = lanes_trained(start(mixed(phases=PHASES), tmp_path, observer=Observer()))
    assert names[:6] == ["sudoku4"] * 6
    assert names[6:13] == ["sudoku6"] * 7
    assert set(names[13:]) == {"sudoku4", "sudoku6"}


def test_a_phase_shows_its_puzzles_in_the_lanes_it_trains_alone(tmp_path):
    phases = (Phase(until=4, tasks="sudoku9", min_rating=2), Phase(until=8, tasks="sudoku4"))
    task = "sudoku4+sudoku9"  # those of sudoku4 are rated 0, and are not asked for more
    trainer = start(mixed(task, phases=phases), tmp_path, observer=Observer())
    assert trainer.lanes[0].data.train.ratings.max() == 0
    assert trainer.lanes[1].sampler.puzzles.ratings.min() >= 2
    assert len(trainer.lanes[0].sampler.puzzles) == 100
    with pytest.raises(ValueError, match="rated from 2: the training puzzles of sudoku4 are rated 0 to 0"):
        start(mixed(task, phases=(Phase(until=4, min_rating=2),)), tmp_path / "all", observer=Observer())


# Slots


@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_batch_has_more_cells_than_batch_cells_unless_a_process_would_have_no_slot(size):
    for cells in (16, 36, 81, 256, 900):
        slots = num_slots(TrainConfig(batch_cells=600), cells, world=World(0, size))
        assert slots % size == 0
        assert slots >= size
        assert slots * cells <= 600 or slots == size
        assert (slots + size) * cells > 600


def test_lanes_have_slots_by_their_cells_or_as_many_each(tmp_path):
    trainer = start(mixed(), tmp_path / "cells", observer=Observer())
    assert [lane.num_slots for lane in trainer.lanes] == [200 // 36, 200 // 16]
    assert [len(lane.carry.halted) for lane in trainer.lanes] == [200 // 36, 200 // 16]
    alike = start(mixed(batch_cells=None, batch_size=3), tmp_path / "alike", observer=Observer())
    assert [len(lane.carry.halted) for lane in alike.lanes] == [3, 3]


def test_batch_cells_of_one_family_is_its_batch_size(tmp_path):
    start(mixed("sudoku4", batch_cells=100), tmp_path / "cells", observer=Observer()).run()
    start(mixed("sudoku4", batch_cells=None, batch_size=6), tmp_path / "size", observer=Observer()).run()
    first, second = (load_training_state(tmp_path / run / "last")["model"] for run in ("cells", "size"))
    assert all(torch.equal(first[name], second[name]) for name in first)


class Sure:
    """Gives these answers, and never says stop."""

    def __init__(self, answers: torch.Tensor):
        self.answers = answers

    def initial_state(self, batch_size: int):
        return (torch.zeros(batch_size, 1),)

    def __call__(self, state, tokens, *, puzzle_ids):
        from ponderling.models.interface import Output

        q = torch.full((len(tokens),), -9.0)
        return state, Output(torch.nn.functional.one_hot(self.answers, 4).float(), q, q)


def test_with_vary_N_sup_a_puzzle_leaves_at_its_limit_or_right_after_a_third_of_it():
    B, N_sup = 400, 9
    labels = torch.randint(1, 4, (B, 5), generator=torch.Generator().manual_seed(0))
    is_right = torch.arange(B) % 2 == 0
    model = Sure(torch.where(is_right[:, None], labels, 4 - labels % 4 - (4 - labels % 4 == labels).long()))
    config = TrainConfig(N_sup=N_sup, vary_N_sup=True)
    generator = torch.Generator().manual_seed(1)
    batch = Batch(labels, labels, puzzle_ids=torch.zeros(B, dtype=torch.long))
    carry = refill(model, empty_carry(model, B, seq_len=5), new=batch, vary_N_sup=N_sup, generator=generator)
    limits = carry.limits.clone()
    assert set(limits.tolist()) == set(range(2, N_sup + 1))
    left = torch.zeros(B, dtype=torch.int32)
    for step in range(1, N_sup + 1):
        result = supervision_step(model, carry, config=config, generator=generator)
        left = torch.where(result.carry.halted & (left == 0), step, left)
        carry = result.carry
    assert torch.equal(left[~is_right], limits[~is_right])
    assert torch.equal(left[is_right], (limits[is_right] + 2) // 3)


def test_without_vary_N_sup_no_limit_is_drawn():
    model = Sure(torch.ones(3, 5, dtype=torch.long))
    batch = Batch(torch.ones(3, 5).long(), torch.ones(3, 5).long(), puzzle_ids=torch.zeros(3).long())
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    assert refill(model, empty_carry(model, 3, seq_len=5), new=batch, generator=generator).limits is None
    assert torch.equal(generator.get_state(), before)


def test_slots_that_are_refilled_get_new_limits_and_the_others_keep_theirs():
    model = Sure(torch.ones(50, 5, dtype=torch.long))
    batch = Batch(torch.ones(50, 5).long(), torch.ones(50, 5).long(), puzzle_ids=torch.zeros(50).long())
    generator = torch.Generator().manual_seed(1)
    first = refill(model, empty_carry(model, 50, seq_len=5), new=batch, vary_N_sup=99, generator=generator)
    halted = torch.arange(50) < 20
    new = Batch(batch.tokens[:20], batch.labels[:20], puzzle_ids=batch.puzzle_ids[:20])
    second = refill(model, replace(first, halted=halted), new=new, vary_N_sup=99, generator=generator)
    assert torch.equal(first.limits[~halted], second.limits[~halted])
    assert (first.limits[halted] != second.limits[halted]).sum() > 10


# The network


@pytest.mark.parametrize(
    ("config", "own", "other"),
    [(RELATIONAL, "sudoku4", "sudoku6"), (NEIGHBOURS, "maze4", "maze5x7"), (RELATIONAL, "sudoku9", "sudoku9x")],
)
def test_a_network_on_another_family_is_the_same_weights_on_its_puzzles(config, own, other):
    def built(name: str):
        task = get_task(name)
        generator = torch.Generator().manual_seed(3)
        return build_model(config, shape_of(task), relations=task.relations, generator=generator)

    model, task = built(own), get_task(other)
    view, fresh = model.on(shape_of(task), task.relations), built(other)
    ours, theirs = dict(model.named_parameters()), dict(view.named_parameters())
    assert ours.keys() == theirs.keys()
    assert all(ours[name] is theirs[name] for name in ours)
    with torch.no_grad():  # all of them differ from what they were
        for parameter in model.parameters():
            parameter.add_(0.1)
    fresh.load_state_dict(model.state_dict())
    drawn = torch.Generator().manual_seed(4)
    tokens = torch.randint(1, task.vocab_size, (3, view.shape.seq_len), generator=drawn)
    ids = torch.zeros(3, dtype=torch.long)
    _, said = view(view.initial_state(3), tokens, puzzle_ids=ids)
    _, expected = fresh(fresh.initial_state(3), tokens, puzzle_ids=ids)
    assert torch.equal(said.logits, expected.logits)
    assert torch.equal(said.q, expected.q)
    mine = torch.ones(3, model.shape.seq_len, dtype=torch.long)  # the network itself is as it was
    again = model(model.initial_state(3), mine, puzzle_ids=ids)[1]
    assert again.logits.shape == (3, model.shape.seq_len, model.shape.vocab_size)


def test_the_average_is_evaluated_on_every_family(tmp_path):
    trainer = start(mixed(), tmp_path, observer=Observer())
    for lane in trainer.lanes:
        ours, theirs = dict(trainer.ema.module.named_parameters()), dict(lane.evaluated_model.named_parameters())
        assert all(ours[name] is theirs[name] for name in ours)
        assert lane.evaluated_model.shape == shape_of(lane.task)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_every_size_is_compiled(tmp_path, monkeypatch):
    """Five sizes need ten graphs, with and without gradient; torch gives up after eight unless it is told not to."""
    original = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **more: original(self, backend=counting, **more))
    monkeypatch.setattr("ponderling.models.torch_compile.has_compiler", lambda: True)
    monkeypatch.setattr(torch._dynamo.config, "recompile_limit", 8)
    graphs = []

    def counting(graph, inputs):
        graphs.append(graph)
        return graph

    torch._dynamo.reset()
    config = mixed(
        "maze4+maze4x5+maze5+maze5x6+maze6", model=NEIGHBOURS, steps=30, batch_cells=None, batch_size=2, seed=1
    )
    trainer = start(replace(config, run=replace(config.run, compile=True)), tmp_path, observer=Observer())
    assert len(set(lanes_trained(trainer))) == 5
    assert len(graphs) == 10
    assert compile_lanes(trainer.lanes[:1])  # a limit is never lowered
    assert torch._dynamo.config.recompile_limit == 40
    torch._dynamo.reset()


# Scores, and what is noted


def test_figures_of_all_families_count_every_puzzle_alike(tmp_path):
    trainer = start(mixed(data={"max_test": 30}, steps=60), tmp_path, observer=Observer())
    lanes_trained(trainer, until=60)
    parts = {
        lane.name: trainer.score(lane.data.test[:count], lane=lane)
        for lane, count in zip(trainer.lanes, (10, 30), strict=True)
    }
    whole, each = over_families(parts), {name: part.to_json() for name, part in parts.items()}
    six, four = each["sudoku6"], each["sudoku4"]
    assert whole["puzzles"] == 40
    assert 0 < four["exact"] != six["exact"]
    for figure in ("exact", "valid", "mean_steps"):
        assert whole[figure] == pytest.approx((10 * six[figure] + 30 * four[figure]) / 40), figure
    for figure in ("exact", "mean_steps", "mean_recursions"):
        one, two = (part["early_exit"][figure] for part in (six, four))
        assert whole["early_exit"][figure] == pytest.approx((10 * one + 30 * two) / 40), figure
    assert whole["halting"]["halted"] == pytest.approx(
        (10 * six["halting"]["halted"] + 30 * four["halting"]["halted"]) / 40
    )
    assert whole["exact_by_step"] == pytest.approx(
        [(10 * a + 30 * b) / 40 for a, b in zip(six["exact_by_step"], four["exact_by_step"], strict=True)]
    )
    # Cells are counted as in one family: each of the 10 * 36 + 30 * 16 alike.
    assert whole["cells"] == pytest.approx((360 * six["cells"] + 480 * four["cells"]) / 840)
    assert whole["families"] == each
    assert whole["by_rating"] == []


def test_what_was_trained_on_is_noted_of_every_family(tmp_path):
    trainer = start(mixed(), tmp_path, observer=Observer())
    trainer.run(lambda: trainer.step >= 1)
    seen = read_seen(tmp_path)
    assert set(seen.classes) == {"sudoku6", "sudoku4"}
    for lane in trainer.lanes:
        again = lane.task.augment(np.random.default_rng(7), lane.data.train[:20])
        assert seen.among(lane.task, again).rows.all()
        assert not seen.among(lane.task, lane.data.test).rows.any()
    later = start(mixed("sudoku9", init=str(tmp_path)), tmp_path / "later", observer=Observer())
    later.run(lambda: later.step >= 1)
    assert set(read_seen(tmp_path / "later").classes) == {"sudoku9", "sudoku6", "sudoku4"}
    # A run from weights whose training is known knows all of it.
    assert read_seen(tmp_path / "later").is_all


# Several processes


def together_trained(world: World, config: RunConfig, out: Path, stop_at: int | None = None) -> Any:
    trainer = start(config, out, resume=True, observer=Observer(), world=world)
    names = lanes_trained(trainer, until=stop_at)
    trainer.save()
    state = {key: value.numpy() for key, value in trainer.model.state_dict().items()}
    return names, state, [(lane.num_slots, len(lane.carry.halted)) for lane in trainer.lanes]


def test_two_processes_train_the_same_lane_each_time(tmp_path):
    config = mixed(vary_N_sup=True, phases=PHASES)
    (names, first, slots), (others, second, _) = together(together_trained, config, tmp_path)
    alone = lanes_trained(start(config, tmp_path / "alone", observer=Observer()))
    assert names == others == alone
    assert slots == [(4, 2), (12, 6)]  # 5 and 12 fit into 200 cells
    for key, value in first.items():
        assert (value == second[key]).all(), key


def test_two_processes_resume_a_mixed_run_bit_for_bit_and_one_can_go_on_with_it(tmp_path):
    config = mixed(vary_N_sup=True, phases=PHASES)
    together(together_trained, config, tmp_path / "whole")
    for stop_at in (9, None):
        together(together_trained, config, tmp_path / "parts", stop_at)
    assert_same(tmp_path / "whole", tmp_path / "parts")
    longer = replace(config, train=replace(config.train, steps=30))
    trainer = start(longer, tmp_path / "parts", resume=True, observer=Observer())
    assert [lane.num_slots for lane in trainer.lanes] == [4, 12]  # as the run had
    saved = load_training_state(tmp_path / "parts" / "last")["processes"]
    limits = torch.cat([part["others"]["sudoku6"]["carry"]["limits"] for part in saved])
    assert torch.equal(trainer.lanes[0].carry.limits, limits)
    trainer.run()
    assert trainer.step == 30


def test_slots_that_a_number_of_processes_does_not_divide_are_refused(tmp_path):
    trainer = start(mixed("sudoku4", batch_cells=80), tmp_path, observer=Observer())
    trainer.run(lambda: trainer.step >= 1)
    with pytest.raises(ValueError, match="the run has 5 slots, which cannot be shared out evenly among 2 processes"):
        shared_out([load_training_state(tmp_path / "last")], World(0, 2))


# Settings


def test_sources_are_for_all_families_or_for_one():
    data = DataConfig(
        "sudoku9+sudoku4+sudoku16", train="sudoku9=hunted+sudoku9=deep+default+sudoku16=some.csv", test="default"
    )
    assert [(own.task, own.train, own.test) for own in data.of_each()] == [
        ("sudoku9", "hunted+deep+default", "default"),
        ("sudoku4", "default", "default"),
        ("sudoku16", "default+some.csv", "default"),
    ]
    assert (data.families, data.family) == (("sudoku9", "sudoku4", "sudoku16"), "sudoku16")
    one = DataConfig("sudoku9", train="a=b.csv+default")
    assert one.of_each() == (one,)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: DataConfig("sudoku4+sudoku4"), r"task must name every family once: got sudoku4\+sudoku4"),
        (lambda: DataConfig("sudoku4+"), "task must be a name of letters"),
        (
            lambda: DataConfig("sudoku4+sudoku6", train="sudoku61=some.csv"),
            "train says TASK=SOURCE for tasks in sudoku4, sudoku6: got 'sudoku61'",
        ),
        (
            lambda: DataConfig("sudoku4+sudoku6", train="sudoku6=default"),
            r"train must name a source for every task: got none for sudoku4 \(say sudoku4=default\)",
        ),
        (lambda: Phase(until=3, tasks="sudoku4++sudoku6"), r"tasks must name a family on both sides of every \+"),
        (
            lambda: mixed(phases=(Phase(until=3, tasks="sudoku9"),)),
            r"train.phases until 3: tasks must be among those of the run, sudoku6\+sudoku4: got sudoku9",
        ),
        (lambda: TrainConfig(batch_cells=0), "batch_cells must be at least 1: got 0"),
        (lambda: TrainConfig(vary_N_sup=True, N_sup=1), "N_sup must be at least 2, got 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(make, said):
    with pytest.raises(ValueError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            mixed(model=replace(NEIGHBOURS, mixer="attention")),
            r"data.task sudoku6\+sudoku4: one network cannot learn them all: .* mixer attention is tied to sudoku4",
        ),
        (mixed("maze4+sudoku4"), "one network cannot learn them all: maze4 does not declare the relations of sudoku4"),
        (mixed("sudoku4+maze4", model=NEIGHBOURS), "knows puzzles of the kind maze4, which sudoku4 is not"),
        (mixed("arc5+arc6", model=NEIGHBOURS), "arc5 cannot be trained together with other tasks"),
        (mixed("sudoku4+sudoku5"), "unknown task 'sudoku5'"),
    ],
)
def test_families_that_need_another_network_are_refused_in_one_line(config, said, tmp_path):
    with pytest.raises(ValueError, match=said) as caught:
        start(config, tmp_path)
    assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_a_network_of_your_own_is_trained_on_one_family(tmp_path):
    class Own(torch.nn.Module):
        def initial_state(self, batch_size):
            return (torch.zeros(batch_size, 1),)

        def forward(self, state, tokens, *, puzzle_ids):
            return state, None

    with pytest.raises(
        ValueError, match=r"of your own is trained on one task: Own cannot be trained on sudoku6\+sudoku4"
    ):
        start(mixed(), tmp_path, model=Own(), observer=Observer())


def test_a_task_in_place_of_several_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"task and data replace those of one family: the config names sudoku6\+sudoku4"
    ):
        start(mixed(), tmp_path, task=get_task("sudoku4"), observer=Observer())
