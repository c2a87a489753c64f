"""POST /v1/why: the server says what `Solver.why` says, refuses what cannot be asked, and frees its slots."""

from __future__ import annotations

import httpx
import pytest

from ponderling.solving.solver import Solver
from ponderling.web.http import turns
from servers import serving

SUDOKU = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
MAZE = "S #  \n     \n # #G"


@pytest.fixture(scope="module")
def running():
    with serving(sudoku="sudoku", maze="maze") as (url, registry, _):
        yield url, registry


@pytest.mark.parametrize(("step", "recursion"), [(1, 1), (1, 6), (2, 3)])
def test_it_says_what_the_solver_says(running, step, recursion):
    url, registry = running
    solver = Solver.load("sudoku")
    body = {"model": "sudoku", "puzzle": SUDOKU, "cell": 11, "step": step, "recursion": recursion}
    reply = httpx.post(f"{url}/v1/why", json=body, timeout=60)
    assert reply.status_code == 200
    said = reply.json()
    expected = solver.why(SUDOKU, row=2, column=3, moment=(step - 1) * 8 + recursion)
    assert (said["task"], said["cell"], said["token"]) == ("sudoku9", 11, expected.token)
    assert said["probability"] == pytest.approx(expected.probability, abs=1e-3)
    assert said["before"] == pytest.approx(expected.before, abs=1e-3)
    assert {one["name"]: one["effect"] for one in said["told"]} == pytest.approx(
        {one.name: one.effect for one in expected.told}, abs=1e-3
    )
    assert all(11 in one["cells"] and len(one["cells"]) == 9 for one in said["told"])
    assert registry.engine.slots_used == 0


def test_a_maze_names_its_neighbours(running):
    url, _ = running
    solver = Solver.load("maze", task="maze3x5")
    body = {"model": "maze", "puzzle": MAZE, "cell": 6, "step": 1, "recursion": 2}
    said = httpx.post(f"{url}/v1/why", json=body, timeout=60).json()
    expected = solver.why(MAZE, row=2, column=2, moment=2)
    assert said["task"] == "maze3x5"
    assert {one["name"]: one["cells"] for one in said["told"]} == {
        "above": [1], "left": [5], "right": [7], "below": [11]
    }  # fmt: skip
    assert {one["name"]: one["effect"] for one in said["told"]} == pytest.approx(
        {one.name: one.effect for one in expected.told}, abs=1e-3
    )


def test_questions_that_wait_are_bounded(running, monkeypatch):
    url, _ = running
    monkeypatch.setattr(turns, "MOST_WAITING", 0)
    reply = httpx.post(f"{url}/v1/why", json={"model": "sudoku", "puzzle": SUDOKU, "cell": 1, "step": 1}, timeout=60)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    assert "too many questions why wait" in reply.json()["detail"]


@pytest.mark.parametrize(("changed", "status", "line"), [
    ({"cell": 81}, 422, "expected a cell from 0 to 80 and a recursion from 1 to 8: got 81 and 1"),
    ({"recursion": 9}, 422, "a recursion from 1 to 8: got 11 and 9"),
    ({"step": 0}, 422, "body.step"),
    ({"puzzle": "123"}, 422, "expected 81 cells"),
    ({"model": "tiny", "puzzle": "1..4............", "cell": 1}, 422, "only a relational network says who told a cell"),
    ({"model": "other"}, 404, "no model 'other'"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(running, changed, status, line):
    url, _ = running
    body = {"model": "sudoku", "puzzle": SUDOKU, "cell": 11, "step": 1, "recursion": 1} | changed
    reply = httpx.post(f"{url}/v1/why", json=body, timeout=60)
    assert reply.status_code == status, reply.text
    assert line in reply.json()["detail"]
