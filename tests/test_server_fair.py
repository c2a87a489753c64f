"""Nobody shuts others out: clients share the worker, questions are checked in bounded time, connections are bounded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import pickle
import socket
import threading
import time
from dataclasses import replace

import httpx
import numpy as np
import pytest
from tests.test_inference import solver

from hard_to_check import Faulty, Stubborn, Unsendable
from ponderling.config import Search
from ponderling.solving.search import PLAIN
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.tasks.base import Question
from ponderling.web import questions as checks
from ponderling.web import shares
from ponderling.web.engine import Busy, Engine
from ponderling.web.http import connections as bounds
from ponderling.web.http.connections import Connections
from ponderling.web.jobs import Answered, Ended, Job, Stepped
from ponderling.web.questions import Checker, Outcome
from ponderling.web.settings import Settings
from ponderling.web.shares import Shares, client_of
from servers import serving

SUDOKU4 = get_task("sudoku4")
TOKENS = SUDOKU4.load_default("test").tokens[:24]
PUZZLES = [SUDOKU4.format(row) for row in TOKENS]
ENDLESS = Search(restarts=200, search_steps=200)
LOCAL = "127.0.0.1"


class Tireless:
    """A model that never says stop, but for one question."""

    def __init__(self, model, stops_at):
        self.model, self.initial_state, self.stops_at = model, model.initial_state, stops_at

    def __call__(self, state, tokens, *, puzzle_ids, n=None, T=None):
        state, output = self.model(state, tokens, puzzle_ids=puzzle_ids, n=n, T=T)
        stops = (tokens == self.stops_at).all(1)
        return state, output._replace(q=output.q * 0 - 9 + 18 * stops)


EASY, HARD = TOKENS[0], TOKENS[1]


def engine_of(queue: int = 64, *, slots: int = 8, most_slowdown: float = 2.0) -> Engine:
    """An engine that the test drives itself: a step has four recursions, and EASY is done after the first."""
    s = solver()
    config = replace(s.config, model=replace(s.config.model, T=4))
    import torch

    engine = Engine(queue, most_slowdown)
    model = Tireless(s.model, torch.from_numpy(EASY.astype(np.int64)))
    engine.add_lane(Solver(model, s.task, config=config), slots).row_seconds = (1.0, 1.0)
    return engine


def submit(
    engine: Engine,
    tokens=HARD,
    *,
    client: str,
    search: Search = PLAIN,
    count: int = 1,
    steps: int = 200,
    watched: bool = True,
) -> tuple[Job, list]:
    """A job, and what it tells but for its steps; one that is watched is not refused because it would be slow."""
    told: list = []

    def emit(event) -> None:
        if not isinstance(event, Stepped):
            told.append(event)

    job = Job(
        engine.lanes[0], [Question(tokens)] * count, search=search, steps=steps, emit=emit, seconds=60, client=client,
        watched=watched,
    )  # fmt: skip
    job.taken = 10**9  # its reader keeps up
    engine.submit(job)
    return job, told


def turn(engine: Engine) -> list[str]:
    """Lets the worker compute one recursion; whose it was."""
    import torch

    with torch.inference_mode():
        engine._admit()
        current = engine._choose()
        assert current is not None
        clients = [job.client for job in current.jobs]
        engine._go_on(current)
    return clients


@pytest.mark.parametrize("client", ["honest", "attacker"])
def test_a_new_job_waits_for_one_recursion_of_jobs_that_cannot_end(client):
    engine = engine_of()
    for _ in range(4):
        submit(engine, client="attacker", search=ENDLESS)
    for _ in range(50):
        turn(engine)
    _, told = submit(engine, EASY, client=client)
    turn(engine)
    assert [type(event) for event in told] == [Answered, Ended]
    assert told[0].answer.halted


def test_who_has_used_less_comes_first_among_jobs_that_are_alike():
    engine = engine_of()
    for _ in range(8):
        submit(engine, client="attacker")
    for _ in range(40):
        turn(engine)
    submit(engine, client="honest")
    for _ in range(8):  # two steps: it is not new any more
        turn(engine)
    engine.shares.charge("attacker", 1.0)
    whose = [turn(engine) for _ in range(12)]
    assert all("honest" in clients for clients in whose)


def test_further_attempts_of_a_client_give_way_to_first_ones():
    engine = engine_of(slots=32)
    search = Search(restarts=20, search_steps=200, noise=1.0, guess_every=0)
    job, _ = submit(engine, client="one", search=search)
    while job.thinker.has_first_attempts or not job.thinker.active:
        turn(engine)
    for _ in range(4):
        turn(engine)
    other, _ = submit(engine, client="one")
    for _ in range(8):
        turn(engine)
    before = other.turns, job.turns
    for _ in range(20):
        turn(engine)
    assert other.turns - before[0] > 16 > 4 >= job.turns - before[1]


@pytest.mark.parametrize(
    ("most_slowdown", "late", "usual", "watched", "first"),
    [
        (2.0, 1000, 8, False, "slow"),
        (2.0, 0, 8, False, "new"),
        (float("inf"), 1000, 8, False, "new"),
        (2.0, 1000, 1, False, "new"),
        (2.0, 1000, 8, True, "new"),
    ],
    ids=["slowed", "in time", "no bound", "slowed, but far longer than usual", "slowed, but watched"],
)
def test_a_job_that_others_slow_too_much_comes_before_new_ones(most_slowdown, late, usual, watched, first):
    engine = engine_of(slots=1, most_slowdown=most_slowdown)
    slow, _ = submit(engine, client="slow", watched=watched)
    for _ in range(8):  # two steps
        turn(engine)
    engine._turns.extend([usual] * 32)
    engine._started[slow] -= late
    submit(engine, EASY, client="new")
    assert turn(engine) == [first]


def test_a_job_is_slowed_by_what_it_takes_alone_if_that_is_known():
    engine = engine_of(slots=32, most_slowdown=2.0)
    many, _ = submit(engine, client="a", count=8, watched=False)
    for _ in range(4):
        turn(engine)
    alone = engine.lanes[0].pass_seconds(many.firsts) / many.recursions * (1 + many.turns)
    assert alone == 8 / 4 * 5
    engine._started[many] = time.monotonic() - 1.9 * alone  # far more than twice a pass of one row
    assert engine._slowed() == set()
    engine._started[many] -= 0.2 * alone
    assert engine._slowed() == {many}
    engine.lanes[0].row_seconds = 0.0, 0.0  # not known
    assert engine._slowed() == set()


def test_an_interrupted_pass_ends_as_if_it_had_not_been():
    search = Search(restarts=3, search_steps=5, seed=7)
    answers = []
    for interrupted in (False, True):
        engine = engine_of()
        _, told = submit(engine, client="a", search=search, steps=3)
        while not told:
            turn(engine)
            if interrupted:
                submit(engine, EASY, client="b")
                assert "b" in turn(engine)
        answers.append(told[0].answer)
    first, second = answers
    assert np.array_equal(first.tokens, second.tokens)
    assert (first.steps, first.attempts, first.attempt) == (second.steps, second.attempts, second.attempt)
    assert first.halt_probability == second.halt_probability


def test_a_puzzle_that_is_done_leaves_its_pass_at_once():
    engine = engine_of(most_slowdown=100)
    _, slow = submit(engine, HARD, client="a")
    _, quick = submit(engine, EASY, client="b")
    assert sorted(turn(engine)) == ["a", "b"]
    assert [type(event) for event in quick] == [Answered, Ended]
    assert not slow
    assert engine.slots_used == 1


def test_a_client_with_fewer_requests_takes_the_place_of_one_with_more():
    engine = engine_of(queue=0, slots=4, most_slowdown=100)
    jobs = [submit(engine, client="attacker") for _ in range(4)]
    turn(engine)
    with pytest.raises(Busy):
        submit(engine, client="attacker")
    submit(engine, client="honest")
    turn(engine)
    assert [told[-1].kind if told else "" for _, told in jobs] == ["", "", "", "displaced"]
    assert engine.counters.displaced == 1
    assert engine.counters.refusals == {"queue": 1}
    submit(engine, client="honest")
    turn(engine)
    with pytest.raises(Busy):  # two each now
        submit(engine, client="honest")


def test_jobs_that_give_way_do_not_make_others_refused():
    engine = engine_of(queue=100)
    submit(engine, EASY, client="someone", watched=False)
    turn(engine)  # so it is known how long jobs usually take
    jobs = [submit(engine, client="attacker")[0] for _ in range(20)]
    with pytest.raises(Busy) as refused:
        submit(engine, EASY, client="attacker", watched=False)
    assert refused.value.reason == "slow"
    submit(engine, EASY, client="honest", watched=False)
    for _ in range(200):
        turn(engine)
    assert min(job.turns for job in jobs) >= 2
    submit(engine, EASY, client="attacker", watched=False)


def test_a_client_holds_at_most_half_of_the_slots_beyond_one_for_each_request():
    engine = engine_of(slots=8)
    search = Search(restarts=20, search_steps=200, noise=1.0, guess_every=0)
    for _ in range(6):
        submit(engine, client="attacker", search=search, count=4)
    for _ in range(200):
        turn(engine)
    assert engine.slots_used == 6 + 4
    submit(engine, client="honest", count=4)
    for _ in range(12):
        turn(engine)
    assert engine.slots_used == 6 + 4 + 2  # a quarter of the slots is the most of one request


def test_a_familys_code_that_raises_fails_its_own_request_alone(monkeypatch):
    engine = engine_of(most_slowdown=100)
    bad, told = submit(engine, client="a")
    _, good = submit(engine, EASY, client="b")
    monkeypatch.setattr(bad.thinker, "hear", lambda said: 1 / 0)
    while engine.num_waiting or engine.num_active:
        turn(engine)
    assert isinstance(good[0], Answered)
    assert told == [Ended("the code of sudoku4 failed: ZeroDivisionError", "rules")]
    assert engine.slots_used == 0


def test_use_is_forgotten_with_time_and_those_remembered_are_bounded(monkeypatch):
    now = [0.0]
    used = Shares(lambda: now[0])
    used.charge("a", 2.0)
    now[0] = shares.MEMORY
    assert used.used("a") == pytest.approx(2 / np.e)
    assert used.used("b") == 0
    monkeypatch.setattr(shares, "MOST_REMEMBERED", 50)
    for i in range(1000):
        used.charge(f"client {i}", 1e-6)
    assert len(used) <= 50
    assert used.used("a") > 0.5, "who used much is not forgotten for many who used little"


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/socket", "/run/socket"),
    ],
)
def test_a_client_is_an_address_or_a_network_of_64_bits(address, client):
    assert client_of(address) == client


# Questions


@pytest.mark.parametrize("path", ["solve", "think"])
@pytest.mark.parametrize(
    ("puzzle", "message"),
    [
        ("1" + "." * 15, "more than one solution"),
        ("." * 16, "more than one solution"),
        ("11" + "." * 14, "1 stands twice"),
        ("123............4", "no solution"),
    ],
)
def test_questions_are_refused_as_solver_solve_refuses_them(tiny, path, puzzle, message):
    url, _ = tiny
    body = {"puzzles": [PUZZLES[0], puzzle]} if path == "solve" else {"puzzle": puzzle}
    reply = httpx.post(f"{url}/v1/{path}", json=body, timeout=30)
    assert reply.status_code == 422
    with pytest.raises(ValueError, match=message) as alone:
        solver().solve(puzzle)
    where = "puzzle 2: " if path == "solve" else ""
    assert reply.json()["detail"] == where + str(alone.value)


def outcomes(task, tokens, *, times: int = 1) -> list[list[Outcome]]:
    async def ask() -> list[list[Outcome]]:
        checker = Checker([task])
        try:
            return [await checker.check(task, tokens, client="a") for _ in range(times)]
        finally:
            await asyncio.to_thread(checker.close)

    return asyncio.run(ask())


def test_a_check_that_does_not_end_counts_as_unknown_and_is_not_tried_again(monkeypatch):
    monkeypatch.setattr(checks, "SECONDS", 0.2)
    monkeypatch.setattr(checks, "IN_ALL", 20.0)
    ended = []
    monkeypatch.setattr(checks._Process, "_end", lambda self, end=checks._Process._end: (ended.append(self), end(self)))
    assert outcomes(Stubborn(), [HARD], times=50) == [[Outcome(known=False)]] * 50
    assert len(ended) == 3, "one that was late, and both when the server closed"


def test_all_checks_of_a_request_together_are_bounded(monkeypatch):
    monkeypatch.setattr(checks, "IN_ALL", 0.5)
    assert outcomes(Stubborn(), list(TOKENS)) == [[Outcome(known=False)] * len(TOKENS)]


@pytest.mark.parametrize(("spent", "compiles"), [(0.0, True), (60.0, False)])
def test_brief_checks_are_compiled_once_they_have_taken_long_enough(spent, compiles, monkeypatch):
    begun = threading.Event()
    monkeypatch.setattr(checks, "WORTH_COMPILING", spent)
    monkeypatch.setattr(checks, "_compile", lambda tasks: begun.set())
    monkeypatch.setattr(checks.signal, "signal", lambda *args: None)  # the test's process keeps its own
    monkeypatch.setattr(checks.numba, "PATIENCE", checks.numba.PATIENCE)
    ours, theirs = multiprocessing.Pipe()
    process = threading.Thread(target=checks._answer, args=(theirs, pickle.dumps([SUDOKU4])), kwargs={"brief": True})
    process.start()
    assert ours.recv() is None
    for tokens in TOKENS[:3]:
        assert not begun.is_set() or compiles
        ours.send((0, tokens))
        assert ours.recv() == Outcome()
    assert begun.wait(10 if compiles else 0.1) == compiles
    ours.close()
    process.join(10)
    assert not process.is_alive()


def test_a_check_that_raises_is_one_line():
    (((problem, known),),) = outcomes(Faulty(), [HARD])
    assert problem == "the code of faulty failed on this puzzle: KeyError: 'a\\nb'"
    assert known


def test_a_family_that_cannot_be_sent_is_checked_too():
    ((good, bad),) = outcomes(Unsendable(), [HARD, SUDOKU4.parse("1" + "." * 15)])
    assert good == Outcome()
    assert "more than one solution" in (bad.problem or "")


@pytest.mark.parametrize("what", ["parse", "check"])
def test_a_familys_code_that_raises_is_no_500(what, monkeypatch):
    with serving() as (url, registry, _):
        task = registry.models["tiny"]["sudoku4"].task
        monkeypatch.setattr(task, what, lambda *args: 1 / 0)
        reply = httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1], "steps": 1}, timeout=30)
        thought = httpx.post(f"{url}/v1/think", json={"puzzle": PUZZLES[0], "steps": 1}, timeout=30)
    if what == "parse":
        assert reply.status_code == thought.status_code == 422
        assert "the code of sudoku4 failed on this puzzle: ZeroDivisionError" in reply.json()["detail"]
    else:
        (result,) = reply.json()["results"]
        assert result["valid"] is None
        assert result["reasons"] == ["the code of sudoku4 failed on this answer: ZeroDivisionError"]
        assert "event: end" in thought.text


# Connections


@pytest.fixture(scope="module")
def tiny():
    with serving() as (url, registry, _):
        yield url, registry


def opened(url: str, text: str = "", *, source: str = LOCAL) -> socket.socket:
    """A connection on which this has been sent."""
    host, port = url[7:].split(":")
    s = socket.create_connection((host, int(port)), timeout=10, source_address=(source, 0))
    s.sendall(text.encode())
    return s


def received(s: socket.socket) -> bytes:
    """All that comes until the server closes."""
    with s:
        data = b""
        with contextlib.suppress(ConnectionError):
            while part := s.recv(65536):
                data += part
        return data


HALF = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
WHOLE = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize("text", ["", HALF, WHOLE + HALF])
def test_a_head_that_does_not_arrive_is_given_up(tiny, monkeypatch, text):
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.3)
    url, _ = tiny
    began = time.monotonic()
    reply = received(opened(url, text))
    assert time.monotonic() - began < 5
    head, _, body = reply.rpartition(b"\r\n\r\n")
    assert b"HTTP/1.1 408 Request Timeout" in head
    assert "within 0.3 seconds" in json.loads(body)["detail"]


def test_bytes_that_drip_do_not_gain_time(tiny, monkeypatch):
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.5)
    began = time.monotonic()
    with opened(tiny[0], HALF) as s, contextlib.suppress(OSError):
        while time.monotonic() - began < 5:
            s.sendall(b"x")
            time.sleep(0.05)
    assert time.monotonic() - began < 3


def test_an_address_loses_its_oldest_silent_connection_and_no_request():
    connections = Connections(most=4)
    with serving(connections=connections, seconds=0.2) as (url, _, _):
        body = json.dumps({"puzzle": PUZZLES[0], "steps": 10})
        head = f"Host: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        asked = opened(url, f"POST /v1/think HTTP/1.1\r\n{head}\r\n\r\n{body}")
        halves = [opened(url, HALF) for _ in range(3)]
        while len(connections) < 4:
            time.sleep(0.01)
        kept = opened(url, WHOLE)
        assert b"200 OK" in kept.recv(1000)
        assert b" 503 " in received(halves[0])
        more = [opened(url, HALF) for _ in range(20)]
        assert httpx.get(f"{url}/healthz").status_code == 200
        other = opened(url, WHOLE, source="127.0.0.9")
        assert b"200 OK" in other.recv(1000)
        assert b" 200 OK" in received(asked)
        assert connections.refusals["connections of an address"] >= 21
        assert (
            f'refusals_total{{reason="connections of an address"}} {connections.refusals["connections of an address"]}'
            in (httpx.get(f"{url}/metrics").text)
        )
        for s in (asked, *halves, kept, *more, other):
            s.close()
    assert len(connections) == 0
    assert not connections._of, "addresses are forgotten"


def test_when_all_are_too_many_the_address_with_most_gives_way():
    connections = Connections(most=100, most_of_all=12)
    with serving(connections=connections) as (url, _, _):
        many = [opened(url, HALF, source="127.0.0.8") for _ in range(11)]
        few = [opened(url, HALF, source="127.0.0.9") for _ in range(3)]
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert b" 503 " in received(many[0])
        for s in few:
            s.sendall(b"y\r\n\r\n")
            assert b"200 OK" in s.recv(1000)
        for s in (*many, *few):
            s.close()


@pytest.mark.parametrize("text", ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n"])
def test_what_is_not_http_is_answered_in_one_line_of_json(tiny, text):
    head, _, body = received(opened(tiny[0], text)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["detail"] == "this is not a valid HTTP request"


def test_a_silent_connection_is_closed_after_a_reply(monkeypatch):
    monkeypatch.setattr(bounds, "SILENT_SECONDS", 1)
    with serving() as (url, _, _):
        began = time.monotonic()
        assert b"200 OK" in received(opened(url, WHOLE))
        assert time.monotonic() - began < 6


def test_a_reader_that_takes_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(bounds, "STALLED_SECONDS", 0.5)
    with serving() as (url, _, _):
        s = opened(url)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with contextlib.suppress(OSError):  # it asks for more than buffers hold, and reads nothing
            for _ in range(400):
                s.sendall(b"GET /app.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(2)
        text = httpx.get(f"{url}/metrics").text
        s.close()
    assert 'ponderling_refusals_total{reason="reader stalled"} 1' in text


@pytest.mark.parametrize("is_proxy", [False, True])
def test_the_header_of_a_proxy_is_believed_if_the_proxy_is_named(is_proxy):
    connections = Connections(most=2, proxies=(LOCAL,) if is_proxy else ())
    with serving(connections=connections, seconds=0.01) as (url, registry, _):
        header = {"x-forwarded-for": "192.0.2.1, 203.0.113.7"}
        httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1], "steps": 2}, headers=header, timeout=30)
        used = registry.engine.shares
        assert (used.used("203.0.113.7") > 0) is is_proxy
        assert (used.used(LOCAL) > 0) is not is_proxy
        assert used.used("192.0.2.1") == 0
        halves = [opened(url, HALF) for _ in range(5)]
        until = time.monotonic() + 1
        while len(connections) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        assert (len(connections) >= 5) is is_proxy
        for s in halves:
            s.close()


def test_refusals_are_counted_by_reason():
    with serving(Settings(token="a-secret-of-some-length")) as (url, _, _):
        known = {"authorization": "Bearer a-secret-of-some-length"}
        httpx.get(f"{url}/v1/models")
        httpx.post(f"{url}/v1/think", json={"puzzle": "." * 16}, headers=known, timeout=30)
        httpx.post(f"{url}/v1/solve", content=b"x" * 300_000, headers=known)
        text = httpx.get(f"{url}/metrics", headers=known).text
    for reason in ("token", "question", "body too large"):
        assert f'ponderling_refusals_total{{reason="{reason}"}} 1' in text
