"""Servers to test: in this process with a model that counts its calls, and as the command."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tests.test_inference import solver

from ponderling.solving.solver import Solver
from ponderling.web.engine import Engine
from ponderling.web.http.connections import Connections, http_server
from ponderling.web.http.served import Registry
from ponderling.web.http.server import create_app
from ponderling.web.settings import Settings

USUAL = Settings()


class Slow:
    """A model that counts its calls and takes its time for them."""

    def __init__(self, model, seconds: float):
        self.model, self.seconds, self.batches = model, seconds, []

    def initial_state(self, batch_size):
        return self.model.initial_state(batch_size)

    def parameters(self):
        return self.model.parameters()

    def __call__(self, state, tokens, *, puzzle_ids):
        self.batches.append(len(tokens))
        time.sleep(self.seconds)
        return self.model(state, tokens, puzzle_ids=puzzle_ids)


class Tireless:
    """A model that never says stop."""

    def __init__(self, model):
        self.model, self.initial_state = model, model.initial_state

    def __call__(self, state, tokens, *, puzzle_ids):
        state, output = self.model(state, tokens, puzzle_ids=puzzle_ids)
        return state, output._replace(q=output.q * 0 - 9)


@contextlib.contextmanager
def serving(
    settings: Settings = USUAL,
    seconds: float = 0.0,
    slots: int = 32,
    queue: int = 64,
    connections: Connections | None = None,
    shutdown_seconds: int = 20,
    send_buffer: int | None = None,
    **checkpoints: Path,
) -> Iterator[tuple[str, Registry, Slow]]:
    """A real server on a free port with the model `tiny` on sudoku4, and those of `checkpoints`."""
    registry = Registry(Engine(queue))
    s = solver()
    model = Slow(s.model, seconds)
    registry.add("tiny", Solver(model, s.task, config=s.config), trained_on=("sudoku4",), slots=slots)
    for name, checkpoint in checkpoints.items():
        registry.load(name, checkpoint, slots=slots)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if send_buffer is not None:  # a reader that does not read is noticed sooner
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        app = create_app(registry, settings)
        bounds = Connections() if connections is None else connections
        bounds.refusals = app.traffic.refusals
        running = http_server(
            app, connections=bounds, shutdown_seconds=shutdown_seconds, end_jobs=registry.engine.cancel_all
        )
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for _ in range(200):
            if running.started:
                break
            time.sleep(0.05)
        try:
            yield url, registry, model
        finally:
            running.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def events(text: str) -> list[tuple[str, dict]]:
    """What a stream of server-sent events says."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(block.split("\n")[0][7:], json.loads(block.split("\n")[1][6:])) for block in blocks]


@contextlib.contextmanager
def serving_command(*args: str, **variables: str) -> Iterator[str]:
    """The address of `ponderling serve` as a process of its own, with these environment variables."""
    command = [sys.executable, "-m", "ponderling", "serve", *args, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | variables) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline().startswith("loading ")
            ready = next(line for line in process.stderr if line.startswith("serving on "))  # after notices, if any
            yield ready.split()[2].rstrip(";")
        finally:  # a test that fails must not wait for the server to end by itself
            process.terminate()


def expanded(compact: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a reader makes of the compact events."""
    start = compact[0]
    cells, V = start["cells"], start["tokens"]
    last: dict[int, np.ndarray] = {}
    whole = []
    for event in compact:
        if event["type"] != "step":
            whole.append(event)
            continue
        step = {"attempt": 1, "recursion": 1, "halts": False, "wrong": [], "reasons": [], "guessed": []} | event
        data = np.frombuffer(base64.b64decode(step.pop("bytes")), np.uint8)
        changed = np.unpackbits(data[: -(-cells // 8)], count=cells, bitorder="little").astype(bool)
        grid = last.get(step["attempt"], np.zeros((cells, 1 + V), np.uint8)).copy()
        at = -(-cells // 8)
        grid[changed] = data[at : at + changed.sum() * (1 + V)].reshape(-1, 1 + V)
        last[step["attempt"]] = grid
        step |= {
            "tokens": grid[:, 0].tolist(),
            "probabilities": np.rint(grid[:, 1:] * (1000 / 255)).astype(int).tolist(),
        }
        if "most_change" in step:
            root = data[at + changed.sum() * (1 + V) :] / 255
            step["change"] = np.floor(step.pop("most_change") * root**2 + 0.5).astype(int).tolist()
        whole.append(step)
    return whole
