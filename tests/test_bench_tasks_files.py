"""The outsiders' files: labels that the rules take, questions that are drawn apart, and the same files again."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from outside_tasks import first
from outsiders import TASKS, plain
from outsiders.task import Pair, Task, distinct, make_files, read_pairs, symbols_of
from ponderling.data import grid_config, task_of
from ponderling.models import shape_of
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.split import grid_facts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own imports warn
    pytest.importorskip("reasoning_gym")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_rules_take_the_labels_and_refuse_the_questions(task: Task):
    for pair in first(task, 2 if task.name == "futoshiki" else 10):
        if task.rule is not None:
            assert task.rule(pair["input"], pair["output"])
            assert pair["input"] == pair["output"] or not task.rule(pair["input"], pair["input"])
            assert not task.rule(pair["input"], pair["output"][:-1])


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_files_are_drawn_apart_and_can_be_trained_on(task: Task, tmp_path: Path):
    small = replace(task, train=60 if task.name not in ("futoshiki", "sudoku") else 12, test=6)
    files = make_files(small, tmp_path / "a")
    train, test = read_pairs(files.train), read_pairs(files.test)
    unseen = [] if files.unseen is None else read_pairs(files.unseen)
    assert (len(train), len(test)) == (small.train, 6)
    assert len(unseen) == (6 if task.unseen else 0)
    questions = [json.dumps(pair["input"]) for pair in (*train, *test, *unseen)]
    assert len(set(questions)) == len(questions)
    assert symbols_of([*test, *unseen]) <= symbols_of(train)

    def size(pair: Pair) -> tuple[int, int]:
        return len(pair["input"]), len(pair["input"][0])

    trained = {size(pair) for pair in train}
    assert not trained & {size(pair) for pair in unseen}
    assert bool(unseen) == bool(task.unseen_sizes)
    if len({np.shape(grid) for pair in train for grid in pair.values()}) == 1:
        assert len({np.shape(grid) for pair in unseen for grid in pair.values()}) <= 1
    config = grid_config(str(files.train), str(files.test))
    facts = grid_facts(task_of(config), config.train, test=config.test)  # pyright: ignore[reportArgumentType]
    assert (facts["train"]["examples"], facts["test"]["examples"]) == (small.train, 6)
    assert facts["train"]["questions_with_several_answers"] == 0
    # Labels are right, and read back as the rule wants them; an untrained network gets figures on every file that it can read.
    family = task_of(config)
    assert isinstance(family, Grids)
    network = plain.Conv(shape_of(family), 4)
    for path in filter(None, (files.test, files.unseen)):
        found = plain.score(network, path, data=config, rule=task.rule)
        assert found is not None
        assert 0 <= found["exact"] <= 1
        assert (found["valid"] is None) == (task.rule is None)
    if task.rule is not None:
        family.checker = task.rule
        puzzles_to_test = family.read(files.test, need_answers=True)
        assert family.valid(puzzles_to_test.tokens, puzzles_to_test.labels).all()
    if task.name != "futoshiki":
        assert make_files(small, tmp_path / "b").digest() == files.digest()


def test_test_files_are_not_drawn_anew_and_a_change_shows(tmp_path: Path):
    task = replace(TASKS["flood_fill"], train=20, test=5)
    files = make_files(task, tmp_path)
    before = files.digest()
    files.test.write_text(files.test.read_text().replace("a", "b"))
    assert make_files(task, tmp_path).digest() == files.digest() != before


def test_too_few_questions_are_told():
    def stream(seed: int) -> Iterator[Pair]:
        return itertools.cycle({"input": [[value]], "output": [[value]]} for value in (seed, seed + 1))

    assert len(distinct(stream(0), 2, name="two")) == 2
    with pytest.raises(ValueError, match="two: 2 new questions in 120 draws, 3 are wanted: ask for fewer"):
        distinct(stream(0), 3, name="two")
    with pytest.raises(ValueError, match="two: 1 new questions"):
        distinct(stream(0), 2, name="two", symbols={"0"})
