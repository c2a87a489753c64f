"""The server under load: so many clients for so many seconds, beside one client alone; latencies, refusals, memory.

    python benchmarks/bench_server.py runs/sudoku4 --clients 50 --seconds 60
    python benchmarks/bench_server.py sudoku --steps 16

Each client asks for one puzzle of the family's test set after the other, all for the same hundred in turn, and the client alone
for each of them once; `network` is what they take without a server. A client that is refused waits as long as Retry-After
says. `--steps` is the most for a puzzle.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import math
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np


@contextlib.contextmanager
def server(args: argparse.Namespace) -> Iterator[str]:
    command = [sys.executable, "-m", "ponderling", "serve", args.checkpoint, "--port", "0"]
    command += ["--slots", str(args.slots), "--queue", str(args.queue)]
    command += ["--most-slowdown", str(args.most_slowdown)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        process.stderr.readline()  # what it loads
        found = re.search(r"http://\S+?(?=;)", process.stderr.readline())
        if not found:
            sys.exit(process.stderr.read())
        try:
            yield found[0]
        finally:
            process.terminate()


def memory(url: str) -> float:
    text = httpx.get(f"{url}/metrics").text
    return float(re.search(r"^ponderling_memory_bytes (\d+)", text, re.M)[1]) / 1e6  # pyright: ignore[reportOptionalSubscript]


def figures(seconds: list[float]) -> dict[str, float]:
    return {f"p{p}_ms": round(1000 * float(np.percentile(seconds, p)), 1) for p in (50, 99)} if seconds else {}


def client(url: str, puzzles: Iterator[str], *, args: argparse.Namespace, end: float, out: Counter, took: list) -> None:
    """Asks until the end. The client of the standard library takes less time than others, and so away from the server."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=150)
    while time.monotonic() < end and (puzzle := next(puzzles, None)):
        body = json.dumps({"puzzles": [puzzle], "steps": args.steps})
        began = time.monotonic()
        try:
            connection.request("POST", "/v1/solve", body, {"content-type": "application/json"})
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException) as error:
            out[type(error).__name__] += 1
            connection.close()
            continue
        out[reply.status] += 1
        if reply.status == 200:
            took.append(time.monotonic() - began)
        elif reply.status == 503:
            time.sleep(float(reply.headers["retry-after"]))


def load(url: str, clients: int, *, seconds: float, puzzles: Iterator[str], args: argparse.Namespace) -> dict:
    out: Counter = Counter()
    took: list[float] = []
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(clients) as pool:
        jobs = [pool.submit(client, url, puzzles, args=args, end=end, out=out, took=took) for _ in range(clients)]
    for job in jobs:
        job.result()
    return {"replies": {str(code): count for code, count in out.items()}, **figures(took)}


def of_the_network(args: argparse.Namespace, puzzles: list[str]) -> dict[str, float]:
    """What the same puzzles take in this process, one after the other, without a server."""
    from ponderling.solving.solver import Solver

    solver, took = Solver.load(args.checkpoint), []
    for puzzle in [*puzzles[:5], *puzzles]:
        began = time.monotonic()
        list(solver.solve_many([puzzle], steps=args.steps))
        took.append(time.monotonic() - began)
    return figures(took[5:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--queue", type=int, default=64)
    parser.add_argument("--most-slowdown", type=float, default=2.0)
    args = parser.parse_args()
    with server(args) as url:
        asked = [httpx.get(f"{url}/v1/puzzle", params={"seed": i, "difficulty": "hard"}).json() for i in range(300)]
        each, warm = ([puzzle["puzzle"] for puzzle in some] for some in (asked[:100], asked[100:]))
        puzzles = itertools.cycle(each)
        load(url, 1, seconds=10, puzzles=iter(warm), args=args)
        began = time.monotonic()
        alone = load(url, 1, seconds=math.inf, puzzles=iter(each), args=args)
        alone["answers_a_second"] = round(len(each) / (time.monotonic() - began), 1)
        load(url, args.clients, seconds=2, puzzles=puzzles, args=args)
        before = memory(url)
        loaded = load(url, args.clients, seconds=args.seconds, puzzles=puzzles, args=args)
        after = memory(url)
    loaded["answers_a_second"] = round(loaded["replies"].get("200", 0) / args.seconds, 1)
    ratio = round(loaded["p99_ms"] / alone["p99_ms"], 2), round(loaded["p50_ms"] / alone["p50_ms"], 2)
    print(
        json.dumps(
            {
                **vars(args),
                "network": of_the_network(args, each),
                "alone": alone,
                "loaded": loaded,
                "p99_ratio": ratio[0],
                "p50_ratio": ratio[1],
                "memory_mb": [before, after],
            }
        )
    )


if __name__ == "__main__":
    main()
