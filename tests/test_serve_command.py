"""`ponderling serve`: mistakes in the command, names of models, and the process from start to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
import torch

from ponderling.cli import main
from ponderling.cli.serve import listen, names_of
from servers import serving, serving_command

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""On a machine with other work, threads that wait for each other make a pass take many times as long."""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["serve"], "at least one checkpoint"),
        (["serve", "nowhere", "--port", "0"], "nowhere: no such checkpoint"),
        (["serve", "sudoku", "--host", "0.0.0.0"], "can be reached by others"),
        (["serve", "sudoku", "--slots", "0"], "--slots must be at least 1"),
        (["serve", "sudoku", "--most-slowdown", "0.5"], "--most-slowdown must be at least 1"),
        (["serve", "sudoku", "sudoku"], "two checkpoints would be served as 'sudoku'"),
        (["serve", "=sudoku"], "got '=sudoku', which gives it no name"),
        (["serve", "sudoku", "--connections", "0"], "--connections must be at least 1"),
        (["serve", "sudoku", "--proxies", "10.0.0.1", "proxy.example"], "--proxies takes addresses or networks"),
    ],
)
def test_a_mistake_in_the_command_is_one_line(args, message, capsys, monkeypatch):
    monkeypatch.delenv("PONDERLING_TOKEN", raising=False)
    assert main(args) == 2
    *before, error = capsys.readouterr().err.splitlines()
    assert message in error
    assert [line.partition(";")[0] for line in before] in ([], ["loading nowhere"])


def test_a_short_token_is_refused(capsys, monkeypatch):
    monkeypatch.setenv("PONDERLING_TOKEN", "short")
    assert main(["serve", "sudoku", "--host", "0.0.0.0"]) == 2
    assert "at least 16 characters" in capsys.readouterr().err


def test_a_checkpoint_is_served_under_its_own_name_or_a_given_one():
    assert names_of(("runs/a/best", "runs/b/", "x=runs/a/last", "sudoku")) == {
        "a": "runs/a/best",
        "b": "runs/b/",
        "x": "runs/a/last",
        "sudoku": "sudoku",
    }


@pytest.mark.parametrize(
    ("given", "name", "checkpoint"),
    [
        ("runs/lr=0.1", "lr=0.1", "runs/lr=0.1"),
        ("./lr=0.1/best", "lr=0.1", "./lr=0.1/best"),
        ("x=runs/lr=0.1", "x", "runs/lr=0.1"),
        ("best=runs/a/last", "best", "runs/a/last"),
        ("runs/a/best/", "a", "runs/a/best/"),
        (r"C:\runs\lr=0.1", r"C:\runs\lr=0.1", r"C:\runs\lr=0.1"),
        (r"x=C:\runs\a", "x", r"C:\runs\a"),
        ("hf:owner/name", "name", "hf:owner/name"),
        ("hf:owner/name@v1", "name", "hf:owner/name@v1"),
        ("x=hf:owner/name@v1", "x", "hf:owner/name@v1"),
        ("hf:owner/name@a=b", "name", "hf:owner/name@a=b"),
    ],
)
def test_a_path_that_contains_an_equals_sign_is_a_path(given, name, checkpoint):
    assert names_of((given,)) == {name: checkpoint}


def test_an_existing_path_is_not_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert names_of(("lr=0.1",)) == {"lr": "0.1"}
    (tmp_path / "lr=0.1").mkdir()
    assert names_of(("lr=0.1",)) == {"lr=0.1": "lr=0.1"}


def test_the_command_serves_and_ends_on_a_signal():
    command = [sys.executable, "-m", "ponderling", "serve", "sudoku", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD) as process:
        assert process.stderr is not None
        loading, line = process.stderr.readline(), process.stderr.readline()
        assert loading.startswith("loading sudoku; the page is at http://127.0.0.1:")
        assert loading.split()[-1] == line.split()[2].rstrip(";")
        assert "serving on http://127.0.0.1:" in line
        url = line.split()[2].rstrip(";")
        names = [task["task"] for task in httpx.get(f"{url}/v1/models").json()["models"][0]["tasks"]]
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert process.returncode == 0
        assert process.stderr.read() == ""
    assert names[0] == "sudoku9"
    assert {"sudoku4", "sudoku6", "sudoku16"} <= set(names)


SLOW_START = """
import time
from ponderling.web.http.served import Registry

load = Registry.load


def slowly(self, *args, **options):
    time.sleep({seconds})
    load(self, *args, **options)


Registry.load = slowly
"""


@contextlib.contextmanager
def starting(seconds: float, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that takes this long to load, and its address, which it says before."""
    program = SLOW_START.format(seconds=seconds) + "from ponderling.cli import main\nraise SystemExit(main({args!r}))"
    command = [sys.executable, "-c", program.format(args=["serve", "sudoku", "--port", "0"])]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD | variables
    ) as process:
        assert process.stderr is not None
        try:
            yield process, process.stderr.readline().split()[-1]
        finally:
            process.kill()


def test_the_server_answers_before_its_models_are_there():
    with starting(5.0) as (process, url):
        page = httpx.get(f"{url}/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for path in ("/healthz", "/v1/models", "/metrics"):
            reply = httpx.get(url + path)
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
            assert reply.json()["detail"] == "the server is loading sudoku"
            assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert httpx.get(f"{url}/healthz", headers={"host": "evil.com"}).status_code == 421
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"serving on {url}; ")
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        assert httpx.get(f"{url}/v1/models").json()["models"][0]["name"] == "sudoku"


def test_a_server_that_loads_has_no_open_doors():
    token = "a-secret-of-some-length"
    with starting(60.0, PONDERLING_TOKEN=token) as (_, url):
        assert httpx.get(f"{url}/v1/models").status_code == 401
        assert httpx.get(f"{url}/v1/models", headers={"authorization": f"Bearer {token}"}).status_code == 503


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_loads_ends_on_a_signal_at_once(number):
    with starting(60.0) as (process, url):
        assert httpx.get(f"{url}/healthz").status_code == 503
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) in (130, -signal.SIGTERM)
        assert time.monotonic() - began < 5
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_without_a_compiler_nothing_is_compiled(capsys, monkeypatch):
    monkeypatch.setattr("ponderling.models.torch_compile.has_compiler", lambda: False)
    assert main(["serve", "maze", "--compile", "--port", "0"]) == 2
    assert "--compile needs a C++ compiler" in capsys.readouterr().err


@pytest.mark.slow
def test_a_compiled_network_answers_the_same():
    maze = "S   ######" + "### ######" * 8 + "###     G#"
    answers = []
    for option in ((), ("--compile",)):
        with serving_command("maze", *option, OMP_NUM_THREADS="1") as url:
            reply = httpx.post(
                f"{url}/v1/solve", json={"puzzles": [maze] * 3, "steps": 4, "task": "maze10"}, timeout=60
            ).json()
        answers.append([(result["answer"], result["steps"], result["valid"]) for result in reply["results"]])
    assert answers[0] == answers[1]


def test_torch_is_left_as_it_is():
    threads = torch.get_num_threads()
    with serving() as (url, _, _):
        httpx.get(f"{url}/healthz")
    assert torch.get_num_threads() == threads


def test_answers_do_not_wait_for_the_clients_acknowledgement():
    """Head and body go out in two writes; with Nagle's algorithm the second would wait some 40 ms on a kept connection."""

    async def accepted_without_delay() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def greet(reader, writer):
            connection = writer.get_extra_info("socket")
            seen.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen("127.0.0.1", 0) as listener:
            async with await asyncio.start_server(greet, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                flag = await seen
                writer.close()
                await writer.wait_closed()
        return flag

    assert asyncio.run(accepted_without_delay())


def test_on_windows_no_two_servers_can_listen_on_one_port(monkeypatch):
    """There SO_REUSEADDR would let them; Linux has no such option, so what is asked of the socket is looked at."""
    asked = []

    class Spy(socket.socket):
        def setsockopt(self, *option):
            asked.append(option)

    monkeypatch.setattr(socket, "socket", Spy)
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", -5, raising=False)
    listen("127.0.0.1", 0).close()
    assert (socket.SOL_SOCKET, -5, 1) in asked
    assert all(option[1] != socket.SO_REUSEADDR for option in asked)
