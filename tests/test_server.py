"""The server: requests share forward passes and change nothing for each other; every bound holds; no request does harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time

import httpx
import numpy as np
import pytest
from tests.test_inference import solver

from ponderling.config import Search
from ponderling.solving.search import PLAIN
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.tasks.base import Question
from ponderling.web.engine import Busy, Engine
from ponderling.web.http import middleware as guard
from ponderling.web.http import schemas as bodies
from ponderling.web.http.middleware import MOST_BYTES
from ponderling.web.http.monitoring import resident_bytes
from ponderling.web.http.served import Registry
from ponderling.web.jobs import PATIENCE, Job, Lane
from ponderling.web.settings import Settings
from servers import Slow, Tireless, events, serving

PUZZLES = [get_task("sudoku4").format(row) for row in get_task("sudoku4").load_default("test").tokens[:24]]


@pytest.fixture(scope="module")
def tiny():
    with serving() as (url, registry, _):
        yield url, registry


def until(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_answers_equal_those_of_solving_alone_and_come_in_order(tiny):
    url, _ = tiny
    got = httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES, "steps": 6}).json()["results"]
    expected = list(solver().solve_many(PUZZLES, steps=6))
    assert [r["question"] for r in got] == PUZZLES
    assert [(r["answer"], r["steps"], r["valid"]) for r in got] == [(r.answer, r.steps, r.valid) for r in expected]


def test_answers_are_in_the_symbols_of_the_question(tiny):
    url, _ = tiny
    lettered = [puzzle.translate(str.maketrans("1234", "KLMN")) for puzzle in PUZZLES[:6]]
    told = [puzzle for puzzle in lettered if len(set(puzzle) - {"."}) == 4]
    assert len(told) > 1
    mixed = [told[0], PUZZLES[0], told[1]]
    got = httpx.post(f"{url}/v1/solve", json={"puzzles": mixed, "steps": 6}).json()["results"]
    alone = list(solver().solve_many(mixed, steps=6))
    assert [r["question"] for r in got] == mixed
    assert [r["answer"] for r in got] == [r.answer for r in alone]
    assert set(got[0]["answer"]) <= set("KLMN.")
    assert set(got[1]["answer"]) <= set("1234.")


def test_a_search_behind_the_server_finds_what_it_finds_alone(tiny):
    url, _ = tiny
    options = {"steps": 3, "restarts": 4, "search_steps": 5, "seed": 7}
    got = httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1], **options}).json()["results"][0]
    (alone,) = solver().solve_many(PUZZLES[:1], steps=3, search=Search(restarts=4, search_steps=5, seed=7), slots=5)
    assert (got["answer"], got["steps"], got["attempts"]) == (alone.answer, alone.steps, alone.attempts)
    assert got["attempts"] > 1, "else this shows little"


def test_many_clients_share_forward_passes():
    with serving(seconds=0.05) as (url, _, model):

        async def ask() -> list[httpx.Response]:
            async with httpx.AsyncClient() as client:
                asks = [client.post(f"{url}/v1/solve", json={"puzzles": [p], "steps": 6}) for p in PUZZLES[:20]]
                return await asyncio.gather(*asks)

        answers = [r.json()["results"][0]["answer"] for r in asyncio.run(ask())]
    assert answers == [r.answer for r in solver().solve_many(PUZZLES[:20], steps=6)]
    assert len(model.batches) < 20, "twenty clients cost little more passes than one"
    assert max(model.batches) > 8


def test_thinking_is_told_step_by_step_and_ends_with_the_answer(tiny):
    url, _ = tiny
    reply = httpx.post(f"{url}/v1/think", json={"puzzle": PUZZLES[0], "steps": 4})
    assert reply.headers["content-type"].startswith("text/event-stream")
    told = events(reply.text)
    trace = solver().solve(PUZZLES[0], steps=4, trace=True, check=False)
    assert [name for name, _ in told] == ["start", *["step"] * trace.steps, "end"]
    for (_, step), ours in zip(told[1:-1], trace.trace, strict=True):
        assert step["tokens"] == ours.tokens.tolist()
        assert np.allclose(np.array(step["probabilities"]) / 1000, ours.probabilities, atol=6e-4)
        assert step["halt_probability"] == pytest.approx(ours.halt_probability, abs=1e-4)
    assert told[-1][1]["answer"] == trace.answer
    assert (told[-1][1]["reasons"] == []) == told[-1][1]["valid"]


def test_every_attempt_of_a_search_is_told_and_which_one_won(tiny):
    url, _ = tiny
    reply = httpx.post(f"{url}/v1/think", json={"puzzle": PUZZLES[0], "steps": 2, "restarts": 3, "search_steps": 2})
    told = events(reply.text)
    steps = [event for name, event in told if name == "step"]
    assert {step["attempt"] for step in steps} == {1, 2, 3, 4}
    end = told[-1][1]
    winner = [step for step in steps if step["attempt"] == end["attempt"]]
    answer = get_task("sudoku4").format(np.array(winner[-1]["tokens"], np.uint8))
    assert any(get_task("sudoku4").format(np.array(step["tokens"], np.uint8)) == end["answer"] for step in winner), (
        answer
    )
    assert any(step["guessed"] for step in steps)


def test_a_client_that_leaves_frees_its_slots():
    with serving(slots=8, seconds=0.1) as (url, registry, _):
        engine = registry.engine
        with httpx.stream("POST", f"{url}/v1/think", json={"puzzle": PUZZLES[0], "steps": 200, "seed": 1}) as stream:
            lines = stream.iter_lines()  # kept: with the iterator the connection would be closed
            next(lines)
            until(lambda: engine.num_active == 1)
        until(lambda: engine.num_active == 0)
        with contextlib.suppress(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES, "steps": 200}, timeout=0.5)
        until(lambda: engine.num_active == 0)
        assert engine.slots_used == 0
        assert engine.counters.cancelled == 2


def test_a_full_queue_answers_503_and_says_when_to_come_again():
    with serving(slots=1, queue=1, seconds=0.1) as (url, registry, _):

        async def ask() -> list[httpx.Response]:
            async with httpx.AsyncClient(timeout=60) as client:
                return await asyncio.gather(
                    *(client.post(f"{url}/v1/solve", json={"puzzles": [PUZZLES[0]], "steps": 8}) for _ in range(12))
                )

        replies = asyncio.run(ask())
        codes = [r.status_code for r in replies]
        assert set(codes) == {200, 503}
        assert codes.count(503) == registry.engine.counters.refused
        assert all(int(r.headers["retry-after"]) >= 1 for r in replies if r.status_code == 503)


def test_a_request_that_others_would_slow_too_much_is_refused_and_one_that_is_watched_is_not():
    engine = Engine(most_slowdown=2.5)
    s = solver()
    lane = engine.add_lane(Solver(Tireless(s.model), s.task, config=s.config), 8)
    lane.row_seconds = (1.0, 0.5)  # 1, 1.5, 2, 2.5, 3, 3.5 for 1 to 6 rows
    question = Question(get_task("sudoku4").load_default("test").tokens[0])

    def job(watched: bool = False, count: int = 1) -> Job:
        return Job(
            lane, [question] * count, search=PLAIN, steps=250, emit=lambda event: None, seconds=60, watched=watched
        )

    for _ in range(4):
        engine.submit(job())
    with pytest.raises(Busy):
        engine.submit(job())
    engine.submit(job(count=2))  # alone 1.5, now 3.5
    with pytest.raises(Busy):
        engine.submit(job(count=2))  # would be 4.5
    engine.submit(job(watched=True))
    assert (engine.num_waiting, engine.counters.refused) == (6, 2)


def test_the_passes_of_a_lane_are_timed_and_what_waits_counts_as_slower():
    s = solver()
    model = Slow(s.model, 0.02)
    lane = Engine().add_lane(Solver(model, s.task, config=s.config), 8)
    assert lane.pass_seconds(5) == 0.0  # unknown
    lane.probe()
    first, further = lane.row_seconds
    assert first >= 0.02
    assert 0 <= further < first  # a pass of this model takes about as long for four rows
    assert lane.pass_seconds(0) == 0.0
    assert lane.pass_seconds(16) == pytest.approx(2 * lane.pass_seconds(8))
    assert sorted(set(model.batches)) == [1, 4]


def test_a_model_is_timed_on_its_own_family_and_others_are_estimated(monkeypatch):
    probed = []

    def probe(lane: Lane) -> None:
        probed.append(lane.solver.task.name)
        lane.row_seconds = (1.0, 0.5)

    monkeypatch.setattr(Lane, "probe", probe)
    registry = Registry(Engine())
    registry.load("sudoku", "sudoku", slots=4)
    registry.probe()
    assert probed == ["sudoku9"]
    lanes = {task: served.lane.row_seconds for task, served in registry.models["sudoku"].items()}
    assert lanes["sudoku9"] == (1.0, 0.5)
    assert lanes["sudoku16"] == pytest.approx((256 * 18 / (81 * 11), 128 * 18 / (81 * 11)))
    assert all(first > 0 for first, _ in lanes.values())


def test_a_request_that_takes_too_long_is_ended():
    with serving(Settings(seconds=0.4), seconds=0.1) as (url, registry, _):
        reply = httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES, "steps": 200})
        assert (reply.status_code, registry.engine.num_active) == (504, 0)
        assert "0.4 seconds" in reply.json()["detail"]
        told = events(httpx.post(f"{url}/v1/think", json={"puzzle": PUZZLES[0], "steps": 200}).text)
        assert told[-1][0] in ("problem", "end")


def test_a_reader_that_does_not_read_pauses_its_job_and_no_other():
    engine = Engine()
    s = solver()
    lane = engine.add_lane(Solver(Tireless(s.model), s.task, config=s.config), 8)
    told: list = []
    questions = get_task("sudoku4").load_default("test").tokens[:8]
    jobs = [
        Job(lane, [Question(q)], search=PLAIN, steps=250, emit=told.append, seconds=60, watched=True) for q in questions
    ]
    engine.start()
    for job in jobs:
        engine.submit(job)
    until(lambda: all(job.paused for job in jobs))
    time.sleep(0.3)
    assert [job.emitted for job in jobs] == [PATIENCE + 1] * 8
    jobs[0].taken = 10**6
    engine.poke()
    until(lambda: engine.num_active == 7)
    assert jobs[0].emitted == 250 + 2
    assert [job.emitted for job in jobs[1:]] == [PATIENCE + 1] * 7
    for job in jobs:
        engine.cancel(job)
    engine.close(5)
    assert engine.num_active == 0


def test_a_failing_model_fails_its_requests_and_not_the_server():
    with serving() as (url, _, model):
        good = model.model
        model.model = type("Bad", (), {"initial_state": good.initial_state, "__call__": lambda *a, **k: 1 / 0})()
        reply = httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1]})
        assert (reply.status_code, reply.json()["detail"]) == (500, "failed: ZeroDivisionError")
        model.model = good
        assert httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1]}).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"puzzles": ["1"]}, 422, "puzzle 1: expected 16 cells"),
        ({"puzzles": [PUZZLES[0], "11" + "." * 14]}, 422, "puzzle 2: 1 stands twice in row 1"),
        ({"puzzles": []}, 422, "at least 1"),
        ({"puzzles": ["."] * 1000}, 422, "at most 128"),
        ({"puzzles": PUZZLES[:1], "steps": 10_000}, 422, "less than or equal to 256"),
        ({"puzzles": PUZZLES[:1], "restarts": 2, "guess_every": 0}, 422, "would all be alike"),
        ({"puzzles": PUZZLES[:1], "model": "other"}, 404, "no model 'other': there are tiny"),
        ({"puzzles": PUZZLES[:1], "model": "../../etc/passwd"}, 404, "no model"),
        ({"puzzles": PUZZLES[:1], "task": "os:getcwd"}, 404, "is not served on 'os:getcwd'"),
        ({"puzzles": PUZZLES[:1], "surprise": 1}, 422, "surprise"),
        (
            {"puzzles": ["é" * 16]},
            422,
            "expected 1 to 4, or 4 different letters, and one character for blanks; got the",
        ),
        ({"puzzles": ["é" + "." * 15]}, 422, "is not a symbol"),
    ],
)
def test_a_mistake_is_one_line(tiny, body, code, message):
    reply = httpx.post(f"{tiny[0]}/v1/solve", json=body)
    assert reply.status_code == code
    assert message in reply.json()["detail"]
    assert "\n" not in reply.json()["detail"]


def test_a_large_body_is_refused_whether_it_says_its_length_or_not(tiny):
    url, _ = tiny
    large = json.dumps({"puzzles": ["." * MOST_BYTES]}).encode()
    assert httpx.post(f"{url}/v1/solve", content=large).status_code == 413
    parts = (large[i : i + 10_000] for i in range(0, len(large), 10_000))
    with contextlib.suppress(httpx.WriteError):
        assert httpx.post(f"{url}/v1/solve", content=parts).status_code == 413


def test_a_body_that_does_not_arrive_is_given_up(tiny, monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    host, port = tiny[0][7:].split(":")
    with socket.create_connection((host, int(port))) as s:
        s.sendall(b"POST /v1/solve HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        assert b" 408 " in s.recv(1000)


def test_only_the_names_it_has_are_answered():
    with serving(Settings(hosts=("localhost", "127.0.0.1"))) as (url, _, _):
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/healthz", headers={"host": "evil.example"}).status_code == 421


def test_a_token_guards_the_models_and_not_the_page():
    with serving(Settings(token="a-secret-of-some-length")) as (url, _, _):
        for path in ("/v1/models", "/metrics", "/v1/puzzle"):
            assert httpx.get(url + path).status_code == 401
            assert httpx.get(url + path, headers={"authorization": "Bearer wrong"}).status_code == 401
            ok = httpx.get(url + path, headers={"authorization": "Bearer a-secret-of-some-length"})
            assert ok.status_code == 200
        assert httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1]}).status_code == 401
        assert httpx.get(f"{url}/").status_code == httpx.get(f"{url}/healthz").status_code == 200


def test_every_reply_carries_the_security_headers_and_none_opens_the_server_to_other_sites(tiny):
    url, _ = tiny
    for path in ("/", "/v1/models", "/nothing-there", "/healthz"):
        headers = httpx.get(url + path, headers={"origin": "https://evil.example"}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/page/../../server.py", "/server.py", "/.git"])
def test_nothing_but_the_page_is_served(tiny, path):
    host, port = tiny[0][7:].split(":")
    with socket.create_connection((host, int(port))) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        reply = b""
        while part := s.recv(4096):
            reply += part
    assert b" 404 " in reply.split(b"\r\n")[0]


def test_metrics_count_what_happened():
    with serving() as (url, _, _):
        httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:3], "steps": 2})
        httpx.get(f"{url}/some/path")
        text = httpx.get(f"{url}/metrics").text
    assert "ponderling_puzzles_total 3" in text
    assert 'ponderling_requests_total{path="/v1/solve",status="200"} 1' in text
    assert 'ponderling_requests_total{path="other",status="404"} 1' in text
    assert "ponderling_request_seconds_count 1" in text
    for line in text.splitlines():
        assert line.startswith("# ") or float(line.rsplit(" ", 1)[1]) >= 0


def test_puzzles_to_try_are_puzzles_and_the_hard_ones_are_harder(tiny):
    url, _ = tiny
    task = get_task("sudoku4")
    given = {}
    for difficulty in ("easy", "medium", "hard"):
        offered = httpx.get(f"{url}/v1/puzzle", params={"difficulty": difficulty, "seed": 3}).json()
        task.check_question(task.parse(offered["puzzle"]))
        given[difficulty] = 16 - offered["puzzle"].count(".")
    assert given["easy"] > given["hard"]
    assert httpx.get(f"{url}/v1/puzzle", params={"difficulty": "absurd"}).status_code == 422


def test_the_examples_in_the_openapi_document_are_real(tiny):
    """The answer that it shows is that of its puzzle; every request that it shows is read."""
    document = httpx.get(f"{tiny[0]}/openapi.json").json()
    task = get_task("sudoku9")
    assert task.check(task.parse(bodies.EXAMPLE), task.parse(bodies.ANSWER)).valid
    for kind in (bodies.SolveRequest, bodies.ThinkRequest, bodies.VoteRequest):
        for example in document["components"]["schemas"][kind.__name__]["examples"]:
            kind(**example)
    assert "/v1/think" in document["paths"]


def test_shutting_down_finishes_what_was_begun(tmp_path):
    with serving(seconds=0.1) as (url, registry, _):
        replies = []
        thread = threading.Thread(
            target=lambda: replies.append(
                httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:4], "steps": 10}, timeout=30)
            )
        )
        thread.start()
        until(lambda: registry.engine.num_active == 1)
    thread.join(30)
    assert [reply.status_code for reply in replies] == [200]
    assert len(replies[0].json()["results"]) == 4


def test_memory_stays_flat():
    if not resident_bytes():
        pytest.skip("this system does not tell")
    with serving() as (url, registry, _), httpx.Client() as client:
        for round_ in range(300):
            client.post(f"{url}/v1/solve", json={"puzzles": PUZZLES, "steps": 2})
            if round_ == 100:
                before = resident_bytes()
        assert resident_bytes() - before < 10e6
        assert not registry.engine._started


@pytest.mark.slow
def test_no_request_made_from_its_own_description_makes_it_fail():
    """Schemathesis sends what the OpenAPI document allows and forbids; no reply is a 500 or other than documented."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, settings

    with serving(Settings(seconds=5)) as (url, _, _):
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")

        def check(case):
            reply = case.call(timeout=20)
            assert reply.status_code != 500, reply.text
            documented = case.operation.definition.raw["responses"]
            assert str(reply.status_code) in documented or reply.status_code in (400, 404, 405)

        for operation in schema.get_all_operations():
            fuzz_operation(operation.ok(), check, settings, HealthCheck)


def fuzz_operation(operation, check, settings, HealthCheck):
    from hypothesis import given

    @given(case=operation.as_strategy())
    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def fuzz(case):
        check(case)

    fuzz()
