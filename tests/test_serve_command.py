"""`ponderling serve`: mistakes in the command, names of models, and the process from start to end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest
import torch

from ponderling.cli import main
from ponderling.cli.serve import listen, names_of
from servers import serving, serving_command


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["serve"], "at least one checkpoint"),
        (["serve", "nowhere"], "nowhere: no such checkpoint"),
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
    assert before in ([], ["loading nowhere"])


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
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ponderling", "serve", "sudoku", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "loading sudoku\n"
        line = process.stderr.readline()
        assert "serving on http://127.0.0.1:" in line
        url = line.split()[2].rstrip(";")
        names = [task["task"] for task in httpx.get(f"{url}/v1/models").json()["models"][0]["tasks"]]
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert process.returncode == 0
        assert process.stderr.read() == ""
    assert names[0] == "sudoku9"
    assert {"sudoku4", "sudoku6", "sudoku16"} <= set(names)


def test_without_a_compiler_nothing_is_compiled(capsys, monkeypatch):
    monkeypatch.setattr("ponderling.models.torch_compile.has_compiler", lambda: False)
    assert main(["serve", "maze", "--compile"]) == 2
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
