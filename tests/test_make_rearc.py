"""`data make rearc` writes more pairs of the rules of ARC's tasks, which fit, differ and are read as such."""

from __future__ import annotations

import json
from random import Random

from ponderling.cli import main
from ponderling.cli.data import make_rearc
from ponderling.tasks.arc.files import read_tasks

TURNED = "ed36ccf7"
"""The task of ARC-AGI-1 whose rule is a quarter turn."""


def test_pairs_follow_the_rule_and_join_their_task(tmp_path, capsys):
    tasks = {TURNED: {"train": [{"input": [[1, 0]], "output": [[0], [1]]}], "test": [{"input": [[1]]}]}}
    like = tmp_path / "like.json"
    like.write_text(json.dumps(tasks))
    args = ["data", "make", "rearc", "--like", str(like), "--side", "8", "--pairs", "20", "--seed", "3"]
    assert main([*args, "--out", str(tmp_path / "made")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["tasks"], facts["pairs"], facts["fewer_pairs"]) == (1, 20, {})
    read = read_tasks(f"{like}+{tmp_path / 'made'}")
    pairs = read[TURNED].more
    assert len({pair.input.tobytes() + bytes(pair.input.shape) for pair in pairs}) == 20
    for pair in pairs:
        assert max(*pair.input.shape, *pair.output.shape) <= 8
        assert pair.output.tolist() == [list(column) for column in zip(*pair.input.tolist(), strict=True)][::-1]
    assert main([*args, "--out", str(tmp_path / "again")]) == 0
    same = [(tmp_path / folder / "tasks" / f"{TURNED}.json").read_bytes() for folder in ("made", "again")]
    assert same[0] == same[1]


def test_a_generator_that_hangs_or_makes_large_grids_costs_no_more_than_its_draws(monkeypatch):
    monkeypatch.setattr(make_rearc, "SLOWEST", 0.05)
    command = make_rearc.MakeRearcCommand(out=None, side=2, pairs=2)
    calls = []

    def generator(rng, lower, upper):
        calls.append((lower, upper))
        while len(calls) == 1:
            pass
        return {"input": ((rng.randrange(3),) * (3 if len(calls) % 2 else 2),), "output": ((0,),)}

    drawn = make_rearc.draw_pairs(generator, Random("0"), command=command)
    assert drawn.draws == len(calls)
    assert len(drawn.pairs) == 2
    assert all(len(pair["input"][0]) == 2 for pair in drawn.pairs)
    assert all(0 <= lower <= upper for lower, upper in calls)


def test_a_source_without_such_a_task_is_refused(tmp_path, capsys):
    like = tmp_path / "like.json"
    like.write_text(json.dumps({"mine": {"train": [{"input": [[1]], "output": [[1]]}], "test": [{"input": [[1]]}]}}))
    out = tmp_path / "made"
    assert main(["data", "make", "rearc", "--like", str(like), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "none of its 1 tasks fits on 10x10 and has a generator" in said
    assert not out.exists()
