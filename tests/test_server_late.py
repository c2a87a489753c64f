"""A client that is refused again and again is told so late, and no other one is."""

from __future__ import annotations

import time

import httpx
from fastapi import HTTPException

from ponderling.tasks import get_task
from ponderling.web.engine import Busy
from ponderling.web.http import late
from ponderling.web.http.late import LATE, CrowdedError, Lateness
from ponderling.web.http.reading import refusal_of
from servers import serving


def test_only_a_client_that_is_refused_often_waits_and_not_for_ever():
    now = [0.0]
    lateness = Lateness(lambda: now[0])
    assert {lateness.of_next("a") for _ in range(1000)} == {0.0}
    assert lateness.of_next("a") == LATE
    assert lateness.of_next("b") == 0.0
    now[0] += 60
    assert lateness.of_next("a") == 0.0
    for _ in range(5000):  # fifty people behind one address
        now[0] += 0.02
        assert lateness.of_next("c") == 0.0


def test_no_place_is_told_late_and_the_end_of_the_server_is_not():
    crowded, closing = refusal_of(Busy("queue", 7)), refusal_of(Busy("closing", 5))
    assert isinstance(crowded, CrowdedError)
    assert (crowded.status_code, crowded.headers) == (503, {"Retry-After": "7"})
    assert type(closing) is HTTPException
    assert (closing.status_code, closing.headers) == (503, {"Retry-After": "5"})


def test_refusals_of_an_impatient_client_come_late(monkeypatch):
    task = get_task("sudoku4")
    body = {"puzzles": [task.format(task.load_default("test").tokens[0])]}

    def no_room(*_, **options):
        raise Busy("queue", 2)

    monkeypatch.setattr(late, "FREELY", 3.0)
    with serving() as (url, registry, _), httpx.Client(timeout=30) as client:
        with monkeypatch.context() as full:
            full.setattr(registry.engine, "expect_room", no_room)
            for number in range(5):
                began = time.monotonic()
                reply = client.post(f"{url}/v1/solve", json=body)
                assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
                assert reply.json()["detail"] == "busy: the queue is full"
                assert number < 3 or time.monotonic() - began >= LATE
        assert client.post(f"{url}/v1/solve", json=body).status_code == 200
