"""ARC models behind the server: tasks with their grids, votes as in evaluation, files that have moved."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from arc_examples import example_tasks, kaggle, tiny_run
from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.config import RunConfig
from ponderling.solving.vote import TestInput, arc_of, evaluate_arc
from ponderling.tasks.arc.files import read_tasks
from ponderling.training.starting import start
from servers import events, serving, serving_command

ARC_TASKS = example_tasks(["mirror", "turn", "recolour"])


@pytest.fixture(scope="module")
def arc(tmp_path_factory):
    """A server with a model of ARC that has seen little, and its run's folder."""
    folder = tmp_path_factory.mktemp("arc")
    kaggle(folder, ARC_TASKS)
    start(tiny_run(folder / "made_challenges.json", steps=6), folder / "run").run()
    with serving(arc=folder / "run") as (url, _, _):
        yield url, folder


def test_arc_tasks_are_offered_with_all_their_grids(arc):
    url, _ = arc
    listed = httpx.get(f"{url}/v1/arc/tasks", params={"model": "arc"}).json()
    assert listed["task"] == "arc8"
    assert {t["name"]: (t["role"], t["tests"]) for t in listed["tasks"]} == {
        name: ("test", len(task["test"])) for name, task in ARC_TASKS.items()
    }
    task = httpx.get(f"{url}/v1/arc/task", params={"model": "arc", "name": "turn"}).json()

    def grid(text):
        return [[int(cell) for cell in row] for row in text.split("/")]

    for part, pairs in (("demos", "train"), ("tests", "test")):
        got = [{"input": grid(p["input"]), "output": grid(p["output"])} for p in task[part]]
        assert got == ARC_TASKS["turn"][pairs]
    families = httpx.get(f"{url}/v1/models").json()["models"][1]["tasks"]
    assert [(f["task"], f["kind"], f["characters"][1:3], f["blank"]) for f in families] == [
        ("arc8", "arc", ["|", "0"], 0)
    ]


@pytest.mark.parametrize("count", [0, 2, 200])
def test_votes_are_those_of_the_evaluation(arc, count):
    url, folder = arc
    checkpoint = load_checkpoint(folder / "run")
    family = arc_of(checkpoint)
    tasks = {"turn": read_tasks(folder / "made_challenges.json")["turn"]}
    expected = evaluate_arc(checkpoint.model, family, tasks=tasks, config=RunConfig(), steps=3, views=count)
    body = {"model": "arc", "puzzle": "turn/1", "steps": 3, "views": count}
    got = httpx.post(f"{url}/v1/vote", json=body).json()
    ranked = expected.ranked[TestInput("turn", 0)]
    right = tasks["turn"].tests[0].output
    assert [(g["votes"], g["grid"], g["right"]) for g in got["grids"]] == [
        (c.votes, "/".join("".join(map(str, row)) for row in c.grid), np.array_equal(c.grid, right)) for c in ranked
    ]
    assert [g["score"] for g in got["grids"]] == pytest.approx([c.score for c in ranked], abs=1e-4)
    assert len(got["views"]) == expected.views == sum(g["votes"] for g in got["grids"])
    first = got["views"][0]
    assert (first["symmetry"], first["recoloured"]) == ("as it is", False)
    assert first["shown"] == "/".join("".join(map(str, row)) for row in ARC_TASKS["turn"]["test"][0]["input"])
    assert {g["grid"] for g in got["grids"]} == {v["grid"] for v in got["views"]}


def test_votes_say_how_far_they_are(arc):
    url, _ = arc
    body = {"model": "arc", "puzzle": "turn/1", "steps": 3, "views": 5}
    reply = httpx.post(f"{url}/v1/vote", json=body | {"stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *progress, (last, votes) = events(reply.text)
    assert last == "end"
    assert votes == httpx.post(f"{url}/v1/vote", json=body).json()
    assert [kind for kind, _ in progress] == ["progress"] * len(progress)
    done = [data["done"] for _, data in progress]
    assert done == sorted(set(done))
    assert done[-1] == progress[-1][1]["of"] == 3 * len(votes["views"])


def test_thinking_about_an_arc_task_begins_with_the_view_of_the_task_as_it_is(arc):
    url, _ = arc
    told = events(httpx.post(f"{url}/v1/think", json={"model": "arc", "puzzle": "turn/1", "steps": 2}).text)
    assert [name for name, _ in told] == ["start", "step", "step", "end"]
    steps = {"model": "arc", "puzzle": "turn/1", "steps": 2, "views": 0}
    vote = httpx.post(f"{url}/v1/vote", json=steps).json()
    assert told[0][1]["question"] == vote["views"][0]["shown"]
    assert told[-1][1]["answer"] == vote["views"][0]["grid"]
    assert len(told[1][1]["tokens"]) == 64


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("vote", {"model": "arc", "puzzle": "turn/9"}, 422, "test inputs 1 to"),
        ("vote", {"model": "arc", "puzzle": "turn/x"}, 422, "test inputs 1 to"),
        ("vote", {"model": "arc", "puzzle": "other/1"}, 422, "a task that the model knows"),
        ("vote", {"model": "arc", "puzzle": "turn/1", "views": 999}, 422, "views"),
        ("vote", {"model": "tiny", "puzzle": "turn/1"}, 404, "no ARC model"),
        ("think", {"model": "arc", "puzzle": "012/340"}, 422, "a task that the model knows"),
        ("solve", {"model": "arc", "puzzles": ["turn/1"], "restarts": 2}, 422, "see /v1/vote"),
    ],
)
def test_what_an_arc_model_cannot_do_is_said(arc, path, body, status, message):
    reply = httpx.post(f"{arc[0]}/v1/{path}", json=body)
    assert reply.status_code == status
    assert message in reply.json()["detail"]


def test_an_arc_checkpoint_whose_tasks_are_gone_is_not_served(arc, capsys):
    _, folder = arc
    (folder / "made_challenges.json").rename(folder / "away.json")
    try:
        assert main(["serve", str(folder / "run"), "--port", "0"]) == 2
    finally:
        (folder / "away.json").rename(folder / "made_challenges.json")
    said, error = capsys.readouterr().err.splitlines()
    assert said.startswith("loading run; the page is at http://127.0.0.1:")
    assert "their files cannot be read" in error
    assert "say with --data where they are" in error


def test_tasks_that_have_moved_are_read_where_data_says(arc, tmp_path):
    _, folder = arc
    for name in ("challenges", "solutions"):
        (folder / f"made_{name}.json").rename(tmp_path / f"moved_{name}.json")
    try:
        with serving_command(str(folder / "run"), "--data", str(tmp_path / "moved_challenges.json")) as url:
            listed = httpx.get(f"{url}/v1/arc/tasks").json()["tasks"]
            vote = httpx.post(f"{url}/v1/vote", json={"puzzle": "turn/1", "steps": 1, "views": 1}).json()
    finally:
        for name in ("challenges", "solutions"):
            (tmp_path / f"moved_{name}.json").rename(folder / f"made_{name}.json")
    assert {task["name"] for task in listed} == set(ARC_TASKS)
    assert vote["grids"][0]["right"] is not None  # the solutions lie beside it


def test_data_without_a_known_task_is_refused(arc, tmp_path, capsys):
    _, folder = arc
    kaggle(tmp_path, example_tasks(["double"]))
    for args, message in [
        ([str(folder / "run"), "--data", str(tmp_path)], "none of its tasks is known"),
        (["sudoku", "--data", str(tmp_path)], "--data is for ARC models"),
    ]:
        assert main(["serve", *args]) == 2
        said, error = capsys.readouterr().err.splitlines()
        assert said.startswith("loading ")
        assert message in error
