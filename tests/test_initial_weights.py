"""A run that starts from a checkpoint's weights: each ARC task gets the rows that were learned for it, whatever their order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from arc_examples import RELATIONAL, example_tasks, tiny_run, write
from ponderling.checkpoint import load_checkpoint
from ponderling.config import DataConfig, RunConfig, TrainConfig
from ponderling.tasks.arc import Arc
from ponderling.training.initial_weights import TABLES, carry_rows
from ponderling.training.observer import Observer
from ponderling.training.starting import start


class Notices(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def noticed(self, text: str) -> None:
        self.lines.append(text)


def config_of(kind: str, tasks: Path, **train: Any) -> RunConfig:
    if kind == "views":
        return tiny_run(tasks, steps=train.pop("steps"), views=2)
    data = DataConfig(task="arc8", train="none", test=str(tasks), turns=True, num_validation=0)
    settings = TrainConfig(batch_size=4, N_sup=2, loss="softmax", optimizer="muon", puzzle_lr=0.05, **train)
    return RunConfig(model=RELATIONAL, train=settings, data=data)


def table_of(folder: Path) -> torch.Tensor:
    state = load_checkpoint(folder).model.state_dict()
    return next(state[key] for key in TABLES if key in state)


@pytest.mark.parametrize("kind", ["views", "turns"])
def test_tasks_keep_their_rows_under_other_numbers(kind: str, tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", example_tasks(["mirror", "recolour", "turn"]))
    start(config_of(kind, first, steps=4), tmp_path / "first").run()
    second = write(tmp_path / "second.json", example_tasks(["double", "turn", "mirror"]))  # as many, one of them new
    notices = Notices()
    config = config_of(kind, second, steps=1)
    config = RunConfig(
        model=config.model,
        data=config.data,
        run=config.run,
        train=TrainConfig(
            **{**vars(config.train), "init": str(tmp_path / "first"), "lr": 0.0, "muon_lr": 0.0, "puzzle_lr": 0.0}
        ),
    )
    start(config, tmp_path / "second", observer=notices).run()
    assert [line for line in notices.lines if "start as" in line] == [
        f"2 of 3 tasks start as {tmp_path / 'first'} knows them, the others with the mean of its tasks"
    ]
    old, new = table_of(tmp_path / "first"), table_of(tmp_path / "second")
    each = (len(old) - 1) // 3
    rows = {name: old[1 + i * each :][:each] for i, name in enumerate(("mirror", "recolour", "turn"))}
    assert not torch.equal(rows["mirror"], rows["turn"])
    assert torch.equal(new[0], old[0])
    double, turn, mirror = (new[1 + i * each :][:each] for i in range(3))
    assert torch.equal(turn, rows["turn"])
    assert torch.equal(mirror, rows["mirror"])
    torch.testing.assert_close(double, old[1:].mean(0, keepdim=True).expand_as(double))


def test_rows_without_names_are_no_tasks(tmp_path: Path) -> None:
    """Only the blank row is carried over from a checkpoint without names, such as an official one without identifiers.json."""
    source = write(tmp_path / "three.json", example_tasks(["mirror", "recolour", "turn"]))
    start(config_of("views", source, steps=3), tmp_path / "first").run()
    file = tmp_path / "first" / "last" / "config.json"
    facts = json.loads(file.read_text())
    del facts["info"]["identifiers"]
    file.write_text(json.dumps(facts))
    notices = Notices()
    config = config_of("views", source, steps=1)
    config = replace(config, train=replace(config.train, init=str(file.parent), lr=0.0, puzzle_lr=0.0))
    start(config, tmp_path / "second", observer=notices).run()
    assert any(line.startswith("0 of 3 tasks start as") for line in notices.lines)
    new = table_of(tmp_path / "second")
    assert len({tuple(row.tolist()) for row in new[1:]}) == 1


def test_another_task_of_the_same_id_starts_at_the_mean(tmp_path: Path) -> None:
    families = []
    for seed in (0, 1):
        family = Arc(8, turns=True)
        family.read_data("none", str(write(tmp_path / f"{seed}.json", example_tasks(["mirror", "turn"], seed=seed))))
        families.append(family.identifiers)
    table = torch.arange(9.0).reshape(3, 3)
    same, count = carry_rows(table, known=families[0], wanted=families[0])
    assert count == 2
    assert torch.equal(same, table)
    other, count = carry_rows(table, known=families[0], wanted=families[1])
    assert count == 0
    assert torch.equal(other[0], table[0])
    assert torch.equal(other[1:], table[1:].mean(0, keepdim=True).expand(2, 3))
