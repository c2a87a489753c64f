"""ARC tasks that clients bring to the server: learned as `ponderling solve` learns them, kept for a while, refused in words."""

from __future__ import annotations

import contextlib
import threading
import time

import httpx
import pytest

from arc_examples import example_tasks, vectors_run
from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.solving.canvas import for_arc_task
from ponderling.solving.vote import TestInput, arc_of, evaluate_arc
from ponderling.tasks.arc.files import task_of
from ponderling.training import adapt as adapting
from ponderling.training.adapt import learn_task
from ponderling.web.arc_tasks import text_of
from ponderling.web.http import learning, served
from servers import events, serving

STEPS = 20
TASK = example_tasks(["turn"], seed=7)["turn"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("learning")
    vectors_run(path, steps=4)
    return path / "run"


@pytest.fixture(scope="module")
def server(run):
    with serving(arc=run) as (url, registry, _):
        registry.learn_steps = STEPS
        yield url, registry


def learn(url, task, **body):
    return httpx.post(f"{url}/v1/arc/learn", json={"task": task, **body}, timeout=60)


def learned(url, task, **body):
    reply = learn(url, task, **body)
    assert reply.status_code == 200, reply.text
    return events(reply.text)


def test_a_task_is_learned_and_answered_as_solve_does_it(server, run):
    url, registry = server
    (start, began), *progress, (last, end) = learned(url, TASK)
    assert (start, began, last) == ("start", {"model": "arc", "name": "yours", "of": STEPS}, "end")
    assert {kind for kind, _ in progress} == {"progress"}
    done = [data["done"] for _, data in progress]
    assert done == [10, 20]
    assert (end["steps"], end["of"], end["name"], end["role"]) == (STEPS, STEPS, "yours", "test")
    assert [len(end[part]) for part in ("demos", "tests")] == [len(TASK[part]) for part in ("train", "test")]
    assert end["task"] == end["family"]["task"] == "arc5"
    vote = httpx.post(f"{url}/v1/vote", json={"model": end["model"], "puzzle": "yours/1", "steps": 2}).json()
    checkpoint, task = load_checkpoint(run), task_of(TASK, "yours")
    knows = learn_task(for_arc_task(checkpoint, task), task, steps=STEPS)
    expected = evaluate_arc(
        knows.model, arc_of(knows), tasks={"yours": task}, config=knows.config, steps=2, early_exit=True
    )
    assert [(g["grid"], g["votes"]) for g in vote["grids"]] == [
        (text_of(c.grid), c.votes) for c in expected.ranked[TestInput("yours", 0)]
    ]
    assert len(vote["views"]) == 8
    told = httpx.post(f"{url}/v1/vote", json={"model": end["model"], "puzzle": "yours/1", "steps": 2, "stream": True})
    assert events(told.text) == [("end", vote)]
    thought = httpx.post(f"{url}/v1/think", json={"model": end["model"], "puzzle": "yours/1", "steps": 1})
    assert [kind for kind, _ in events(thought.text)] == ["start", "step", "end"]
    names = [model["name"] for model in httpx.get(f"{url}/v1/models").json()["models"]]
    assert names == ["tiny", "arc"]  # what a client taught is for this client
    assert registry.models["arc"]["arc8"].lane.solver.checkpoint.info["identifiers"] == checkpoint.info["identifiers"]


def test_votes_on_known_tasks_keep_to_what_was_demonstrated(server, run):
    url, _ = server
    checkpoint = load_checkpoint(run)
    family = arc_of(checkpoint)
    task = task_of(example_tasks(["mirror"])["mirror"], "mirror")
    expected = evaluate_arc(
        checkpoint.model, family, tasks={"mirror": task}, config=checkpoint.config, steps=2, early_exit=True
    )
    vote = httpx.post(f"{url}/v1/vote", json={"model": "arc", "puzzle": "mirror/1", "steps": 2}).json()
    assert [(g["grid"], g["votes"]) for g in vote["grids"]] == [
        (text_of(c.grid), c.votes) for c in expected.ranked[TestInput("mirror", 0)]
    ]


def test_a_test_input_that_is_not_there_is_said(server):
    reply = httpx.post(f"{server[0]}/v1/vote", json={"model": "arc", "puzzle": "mirror/9"})
    assert (reply.status_code, "test inputs 1 to" in reply.json()["detail"]) == (422, True)


def test_no_output_of_a_test_input_is_learned_from(server):
    url, _ = server
    answers = []
    for output in (TASK["test"][0]["output"], [[9]], None):
        task = {**TASK, "test": [{"input": pair["input"], "output": output} for pair in TASK["test"]]}
        end = learned(url, {"new": task})[-1][1]
        assert end["name"] == "new"
        vote = httpx.post(f"{url}/v1/vote", json={"model": end["model"], "puzzle": "new/1"}).json()
        answers.append([(grid["grid"], grid["votes"]) for grid in vote["grids"]])
        assert {grid["right"] for grid in vote["grids"]} <= ({None} if output is None else {True, False})
    assert answers[0] == answers[1] == answers[2]


def test_a_task_gets_a_canvas_of_its_own_size(server):
    url, _ = server
    wide = {"train": [{"input": [[1] * 11], "output": [[2] * 11]}] * 2, "test": [{"input": [[1] * 11]}]}
    end = learned(url, wide)[-1][1]
    assert (end["task"], end["family"]["rows"], end["family"]["learns"]) == ("arc11", 11, False)
    assert learn(url, TASK, model=end["model"]).status_code == 404


def test_the_task_that_was_asked_about_longest_ago_is_forgotten(server, monkeypatch):
    url, registry = server
    monkeypatch.setattr(served, "KEPT_LEARNED", 2)
    first, second = (learned(url, TASK)[-1][1]["model"] for _ in "ab")
    question = {"puzzle": "yours/1", "steps": 1}
    assert httpx.post(f"{url}/v1/vote", json={"model": first, **question}).status_code == 200
    third = learned(url, TASK)[-1][1]["model"]
    assert list(registry.learned) == [first, third]
    gone = httpx.post(f"{url}/v1/vote", json={"model": second, **question})
    assert (gone.status_code, "no model" in gone.json()["detail"]) == (404, True)
    assert len(registry.engine.lanes) == 4  # tiny, arc and those two


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"train": [], "test": [{"input": [[1]]}]}, "train must be a list of at least one pair"),
        ({"train": [{"input": [[1]], "output": [[12]]}], "test": [{"input": [[1]]}]}, "12 is no colour from 0 to 9"),
        (
            {"train": [{"input": [[1]], "output": [[1]]}], "test": [{"input": [[1] * 31]}]},
            "at most 30 rows and columns",
        ),
        ({"a": TASK, "b": TASK}, "expected one task"),
        ({"mirror": TASK}, "other demonstrations"),
        ({"words": 3}, "expected an object with train and test"),
    ],
)
def test_what_is_no_task_to_learn_is_said_in_one_line(server, task, message):
    reply = learn(server[0], task)
    assert reply.status_code == 422
    assert message in reply.json()["detail"]
    assert "\n" not in reply.json()["detail"]


def test_a_model_that_cannot_learn_says_so(server, monkeypatch):
    url, registry = server
    reply = learn(url, TASK, model="tiny")
    assert (reply.status_code, "learns no tasks: arc does" in reply.json()["detail"]) == (404, True)
    monkeypatch.setitem(registry.models["arc"]["arc8"].about, "learns", False)
    reply = learn(url, TASK)
    assert (reply.status_code, "serve `arc`" in reply.json()["detail"]) == (404, True)


@pytest.fixture
def held(monkeypatch):
    """Lessons that wait to be let go or left, and those that have ended."""
    let_go, ended = threading.Event(), list[bool]()

    def wait(checkpoint, task, *, should_stop, **options):
        while not let_go.is_set() and not should_stop():
            time.sleep(0.01)
        ended.append(should_stop())
        return learn_task(checkpoint, task, should_stop=should_stop, **options)

    monkeypatch.setattr(learning, "learn_task", wait)
    yield let_go, ended
    let_go.set()


def begin(url, stack):
    """The lines of a lesson that goes on, after the first."""
    stream = stack.enter_context(httpx.stream("POST", f"{url}/v1/arc/learn", json={"task": TASK}, timeout=60))
    lines = stream.iter_lines()
    assert next(lines) == "event: start"
    return lines


def test_lessons_wait_for_one_another_and_too_many_are_refused(server, held):
    url, _ = server
    let_go, ended = held
    with contextlib.ExitStack() as stack:
        streams = [begin(url, stack) for _ in range(learning.MOST_WAITING)]
        busy = learn(url, TASK)
        assert (busy.status_code, "too many tasks are being learned" in busy.json()["detail"]) == (503, True)
        assert ended == []
        assert httpx.get(f"{url}/v1/puzzle", params={"model": "tiny"}).status_code == 200  # nobody else waits
        let_go.set()
        for stream in streams:
            assert "event: end" in stream
    assert ended == [False] * learning.MOST_WAITING


def test_a_client_that_leaves_ends_its_lesson(server, held):
    url, registry = server
    before, (_, ended) = list(registry.learned), held
    with contextlib.ExitStack() as stack:
        begin(url, stack)
    for _ in range(500):
        if ended:
            break
        time.sleep(0.02)
    assert ended == [True]
    held[0].set()
    learned(url, TASK)  # the next one has its turn
    assert len(set(registry.learned) - set(before)) == 1


def test_a_lesson_that_runs_out_of_time_keeps_what_it_learned(run, monkeypatch):
    ticks = iter(range(10_000))
    monkeypatch.setattr(learning, "now", lambda: next(ticks))
    with serving(learning.Settings(seconds=7), arc=run) as (url, registry, _):
        registry.learn_steps = 5000
        end = learned(url, TASK)[-1][1]
        assert 0 < end["steps"] < end["of"] == 5000
        assert httpx.post(f"{url}/v1/vote", json={"model": end["model"], "puzzle": "yours/1"}).status_code == 200


def test_a_fault_of_ours_is_one_line(server, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("secret")

    monkeypatch.setattr(learning, "learn_task", fail)
    assert learned(server[0], TASK)[-1] == ("problem", {"detail": "the server failed: RuntimeError"})


def test_where_known_tasks_are_not_here_weights_that_learn_are_served_all_the_same(run, monkeypatch, tmp_path):
    tasks = run.parent / "tasks.json"
    tasks.rename(tmp_path / "away.json")
    try:
        told = []
        registry = served.Registry(served.Engine())
        registry.load("arc", run, slots=4, notice=told.append)
        (line,) = told
        assert line.startswith("arc learns the ARC tasks that it is given, and offers none that it knows: ")
        assert "tasks.json" in line  # and why
        assert registry.models["arc"]["arc8"].arc_tasks == {}
        with pytest.raises(ValueError, match="their files cannot be read"):
            served.Registry(served.Engine(), learn_steps=0).load("arc", run, slots=4)
    finally:
        (tmp_path / "away.json").rename(tasks)


def test_learning_leaves_the_number_of_threads_alone(run, monkeypatch):
    """The run's own number would hold for the whole process, in which others think."""
    told = []
    monkeypatch.setattr(adapting.torch, "set_num_threads", told.append)
    learn_task(load_checkpoint(run), task_of(TASK, "new"), steps=1)
    assert told == []


def test_the_number_of_steps_is_looked_at(capsys):
    assert main(["serve", "arc", "--learn-steps", "-1"]) == 2
    assert "--learn-steps must be from 0 to" in capsys.readouterr().err
