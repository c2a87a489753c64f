"""The server ends soon: it finishes what is read, ends what nobody reads at once, and leaves no traceback."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import httpx
import pytest

from ponderling.tasks import get_task
from servers import Tireless, serving

PUZZLE = get_task("sudoku4").format(get_task("sudoku4").load_default("test").tokens[0])
ENDLESS = {"puzzle": PUZZLE, "steps": 256, "restarts": 256, "search_steps": 256, "noise": 1.0, "guess_every": 0}


def thinker(url: str, **options) -> socket.socket:
    """A connection that has asked for a thought without an end."""
    body = json.dumps(ENDLESS | options)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.connect(("127.0.0.1", int(url.rsplit(":", 1)[1])))
    head = "POST /v1/think HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
    s.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    return s


def test_readers_that_do_not_read_do_not_hold_the_end_up(caplog):
    with contextlib.ExitStack() as stack:
        url, registry, model = stack.enter_context(serving(send_buffer=4096))
        model.model = Tireless(model.model)
        readers = [thinker(url) for _ in range(4)]
        end = time.monotonic() + 60
        while not (len(registry.engine._jobs()) == 4 and all(job.paused for job in registry.engine._jobs())):
            assert time.monotonic() < end, "they did not stall"
            time.sleep(0.05)
        began = time.monotonic()
        stack.close()
        took = time.monotonic() - began
        assert registry.engine.num_active == 0
        for reader in readers:
            reader.close()
    assert took < 6, "a second for the readers, and time for a busy machine"
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize("path", ["think", "solve"])
def test_what_is_not_done_in_time_is_told_so(path, caplog):
    replies = []

    def ask() -> None:
        body = ENDLESS if path == "think" else {**ENDLESS, "puzzles": [PUZZLE]}
        body = {name: value for name, value in body.items() if path == "think" or name != "puzzle"}
        replies.append(httpx.post(f"{url}/v1/{path}", json=body, timeout=30))

    with serving(shutdown_seconds=4) as (url, registry, model):
        model.model = Tireless(model.model)
        asking = threading.Thread(target=ask)
        asking.start()
        end = time.monotonic() + 20
        while not registry.engine.num_active and time.monotonic() < end:
            time.sleep(0.05)
    asking.join(30)
    (reply,) = replies
    if path == "think":
        assert reply.text.endswith('event: problem\ndata: {"detail":"the server is shutting down"}\n\n')
    else:
        assert (reply.status_code, reply.json()["detail"]) == (503, "the server is shutting down")
        assert reply.headers["retry-after"]
    assert [record.getMessage() for record in caplog.records] == []
