"""A relational network of mazes answers mazes of every size with one set of weights, in lanes that are made when asked for."""

from __future__ import annotations

import time

import httpx
import numpy as np
import pytest
import torch

from maze_weights import save_maze_weights
from ponderling.checkpoint import load_checkpoint, on_task
from ponderling.models.torch_compile import as_written
from ponderling.solving.search import PLAIN
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.tasks.base import Question
from ponderling.tasks.maze import Maze
from ponderling.web import catalog
from ponderling.web.engine import Engine
from ponderling.web.http import served, turns
from ponderling.web.jobs import Job
from servers import events, serving

SHAPES = [(2, 2), (1, 12), (12, 1), (5, 5), (7, 13), (60, 60)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save_maze_weights(tmp_path_factory.mktemp("maze") / "weights")


@pytest.fixture(scope="module")
def running(weights):
    with serving(mazes=weights) as (url, registry, _):
        yield url, registry


@pytest.fixture(scope="module")
def url(running):
    return running[0]


@pytest.fixture(scope="module")
def registry(running):
    return running[1]


def maze(rows: int, columns: int, seed: int = 0) -> tuple[Maze, np.ndarray]:
    task = Maze(rows, columns)
    return task, task.one_to_try(np.random.default_rng(seed))


def drawn(task: Maze, tokens: np.ndarray) -> str:
    cells, columns = task.format(tokens), task.grid_shape[1]
    return "\n".join(cells[i : i + columns] for i in range(0, len(cells), columns))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_size_on_the_server_answers_as_the_weights_loaded_for_it(url, weights, shape):
    task, tokens = maze(*shape)
    asked = {"model": "mazes", "task": task.name, "puzzles": [task.format(tokens)], "steps": 2}
    got = httpx.post(f"{url}/v1/solve", json=asked, timeout=60).json()
    (alone,) = Solver.load(weights, task=task.name).solve_many(tokens=[tokens], steps=2)
    assert got["task"] == task.name
    (result,) = got["results"]
    assert (result["answer"], result["valid"], result["steps"]) == (alone.answer, alone.valid, alone.steps)
    assert result["halt_probability"] == pytest.approx(alone.halt_probability, abs=6e-5)


def test_a_drawing_says_its_size(url):
    task, tokens = maze(6, 9)
    body = {"model": "mazes", "steps": 1}
    got = httpx.post(f"{url}/v1/solve", json=body | {"puzzles": [drawn(task, tokens)]}).json()
    assert got["task"] == "maze6x9"
    assert got["results"][0]["question"] == task.format(tokens)
    other, more = maze(5, 5)
    reply = httpx.post(f"{url}/v1/solve", json=body | {"puzzles": [drawn(task, tokens), drawn(other, more)]})
    assert reply.status_code == 422
    assert reply.json()["detail"] == "puzzle 2 is a maze5, puzzle 1 a maze6x9: send a request for each size"
    reply = httpx.post(f"{url}/v1/solve", json=body | {"puzzles": [task.format(tokens)]})
    assert "expected 64 cells for 8x8, got 54" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("task", "code", "said"),
    [
        ("maze61", 422, "at most 60 rows and 60 columns: got 61x61"),
        ("maze1x61", 422, "at most 60 rows and 60 columns: got 1x61"),
        ("maze999999x999999", 422, "at most 60 rows"),
        ("maze1", 422, "a maze has at least two cells: got 1x1"),
        ("maze0x4", 404, "is not served on 'maze0x4': there are maze{rows}x{columns}"),
        ("sudoku9", 404, "there are maze{rows}x{columns}"),
        ("os:system", 404, "there are maze{rows}x{columns}"),
    ],
)
def test_other_sizes_and_names_are_refused_in_one_line(url, task, code, said):
    for reply in (
        httpx.post(f"{url}/v1/solve", json={"model": "mazes", "task": task, "puzzles": ["S G"]}),
        httpx.get(f"{url}/v1/puzzle", params={"model": "mazes", "task": task, "difficulty": "random"}),
    ):
        assert reply.status_code == code
        assert said in reply.json()["detail"]


def test_a_question_that_is_none_is_refused_in_every_size(url):
    body = {"model": "mazes", "task": "maze2x3", "puzzles": ["S    S"]}
    reply = httpx.post(f"{url}/v1/solve", json=body)
    assert (reply.status_code, reply.json()["detail"]) == (422, "puzzle 1: a maze has one G: got none")


def test_one_entry_stands_for_all_sizes_and_says_which(url):
    models = {m["name"]: m["tasks"] for m in httpx.get(f"{url}/v1/models").json()["models"]}
    (family,) = models["mazes"]
    assert family["sizes"] == {"task": "maze{rows}x{columns}", "most": 60, "trained": [25, 64]}
    assert family["difficulties"][-1] == "random"
    assert models["tiny"][0]["sizes"] is None


def test_random_mazes_come_in_every_size_and_by_seed(url):
    for rows, columns in SHAPES:
        asked = {"model": "mazes", "task": f"maze{rows}x{columns}", "difficulty": "random", "seed": 5}
        first, second = (httpx.get(f"{url}/v1/puzzle", params=asked, timeout=60).json() for _ in range(2))
        assert first == second
        task = Maze(rows, columns)
        assert first["task"] == task.name
        task.check_question(task.parse(first["puzzle"]))
    other = httpx.get(f"{url}/v1/puzzle", params=asked | {"seed": 6}, timeout=60).json()
    assert other["puzzle"] != first["puzzle"]


def test_requests_for_random_mazes_that_wait_are_bounded(url, monkeypatch):
    monkeypatch.setattr(turns, "MOST_WAITING", 0)
    reply = httpx.get(f"{url}/v1/puzzle", params={"model": "mazes", "difficulty": "random"})
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")


def test_the_change_of_each_cell_is_streamed_where_asked_for(url, weights):
    task, tokens = maze(4, 6)
    body = {"model": "mazes", "task": "maze4x6", "puzzle": task.format(tokens), "steps": 2}
    plain, asked = (
        [event for kind, event in events(httpx.post(f"{url}/v1/think", json=body | more).text) if kind == "step"]
        for more in ({}, {"changes": True})
    )
    assert [{**step, "change": None} for step in asked] == [{**step, "change": None} for step in plain]
    assert not any("change" in step for step in plain)
    solver = Solver.load(weights, task="maze4x6")
    states = solver.solve(tokens=tokens, steps=2, trace="states").states()
    states = [tuple(s[0].float().numpy() for s in solver.model.initial_state(1)), *states]
    for step, before, after in zip(asked, states[:-1], states[1:], strict=True):
        parts = [((b - a) ** 2).reshape(24, -1).mean(1) for b, a in zip(before, after, strict=True)]
        assert step["change"] == pytest.approx(1000 * np.mean(parts, axis=0), abs=0.51)


def test_few_sizes_are_kept_and_a_job_on_one_that_has_left_is_done(registry):
    engine, sizes = registry.engine, registry.models["mazes"]["maze8"].sizes
    assert sizes is not None
    before = len(engine.lanes) - len(sizes)
    first = registry.find("mazes", "maze2x3")
    assert registry.find("mazes", "maze2x3") is first
    for rows in range(2, 2 + served.KEPT_SIZES):
        registry.find("mazes", f"maze{rows}x31")
    assert "maze2x3" not in sizes
    assert first.lane not in engine.lanes
    assert len(sizes) == len(engine.lanes) - before == served.KEPT_SIZES
    said = []
    question = Question(first.task.parse("S    G"))
    engine.submit(Job(first.lane, [question], search=PLAIN, steps=1, emit=said.append, seconds=30))
    end = time.monotonic() + 30
    while len(said) < 2 or first.lane in engine.lanes:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert said[0].answer.tokens.shape == (6,)


def test_a_lane_that_is_dropped_stays_until_its_job_is_done(weights):
    engine = Engine()
    solver = Solver.load(weights)
    lane = engine.add_lane(solver, 4)
    question = Question(maze(8, 8)[1])
    said: list[object] = []
    engine.submit(Job(lane, [question], search=PLAIN, steps=1, emit=said.append, seconds=30))
    engine.drop_lane(lane)
    assert lane in engine.lanes
    engine.start()
    engine.close()
    assert len(said) == 2
    assert lane not in engine.lanes


def test_a_pass_of_a_large_size_has_no_more_cells_than_one_of_the_trained_size(registry, monkeypatch):
    own = registry.find("mazes", None).lane
    monkeypatch.setattr(own, "row_seconds", (0.2, 0.1))
    large, small = (registry.find("mazes", name).lane for name in ("maze16", "maze2x4"))
    assert (large.slots, small.slots) == (own.slots // 4, own.slots)
    assert large.row_seconds == pytest.approx((0.8, 0.4))
    assert small.row_seconds == pytest.approx((0.025, 0.0125))


def test_a_view_shares_the_weights_and_is_what_loading_gives(weights):
    own = load_checkpoint(weights)
    for name in ("maze5", "maze31x17"):
        view, loaded = on_task(own, get_task(name)), load_checkpoint(weights, task=name)
        assert (view.config, view.shape) == (loaded.config, loaded.shape)
        assert next(view.model.parameters()) is next(own.model.parameters())
    assert own.shape.seq_len == 64


def test_other_sizes_do_not_compile():
    """Else the first maze of a size would keep everybody waiting for a minute."""
    model = torch.nn.Module()
    model.net = torch.nn.Linear(2, 2)
    model.net.compile(backend="eager")
    plain = as_written(model)
    assert model.net._compiled_call_impl is not None
    assert plain.get_submodule("net")._compiled_call_impl is None
    assert plain.get_parameter("net.weight") is model.net.weight


def test_names_are_read_without_looking_a_module_up():
    task = Maze(10)
    assert [catalog.resized(task, name) for name in ("os:system", "maze", "mazes5", "maze5x", "latin5")] == 5 * [None]
    assert [catalog.resized(task, name).name for name in ("maze5", "maze5x5", "maze5x6")] == [
        "maze5",
        "maze5",
        "maze5x6",
    ]  # pyright: ignore
    assert catalog.resized(get_task("sudoku9"), "sudoku4") is None
