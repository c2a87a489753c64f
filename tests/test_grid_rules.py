"""Rules of a user's own that judge answers in grids."""

from __future__ import annotations

import pytest

from own_grids import facts_of, mirrored, write_jsonl
from ponderling.config import DataConfig
from ponderling.data import grid_config, task_of
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.spec import END


def test_a_checker_judges_answers_as_rows_of_cells(own_rules, tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(20)))
    for name, reason in (("mirror", "the rules refuse the answer"), ("reasons", "no mirror image")):
        task = Grids(data.grid, check=f"rules_for_test:{name}")
        assert task.has_rules
        question = task.parse("[[0, 1, 2]]")
        assert task.check(question, task.parse("[[2, 1, 0]]")).valid
        assert task.check(question, question).reasons == (reason,)
        torn = task.parse("[[2, 1, 0]]")
        torn[0] = END
        assert task.check(question, torn).reasons == ("the answer is no grid: an end mark stands inside it",)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("rules_for_test", "expected module:function"),
        ("rules_for_test:nothing", "has no attribute 'nothing'"),
        ("no_such_rules:f", "No module named 'no_such_rules'"),
        ("rules_for_test:constant", "is no function"),
        ("rules_for_test:confused", "must return True, False or a list of reasons: got 'yes'"),
    ],
)
def test_a_checker_that_cannot_be_used_is_refused(own_rules, check, message, tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(20)))
    with pytest.raises(ValueError, match="check") as error:
        facts_of(DataConfig(task="grids", train=data.train, grid=data.grid, check=check))
    assert message in str(error.value)


def test_answers_that_the_rules_refuse_are_found_before_training(own_rules, tmp_path):
    pairs = mirrored(20)
    pairs[7] = ([[0, 1]], [[0, 1]])
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", pairs))
    data = DataConfig(task="grids", train=data.train, grid=data.grid, check="rules_for_test:reasons")
    with pytest.raises(PuzzleError, match="line 8: the checker refuses its answer: no mirror image"):
        task_of(data).load_split(data)
