"""What a refusal costs: CPU time of the server's event loop for each 503, and how impatient clients slow an honest one.

    python benchmarks/bench_refusals.py sudoku
    python benchmarks/bench_refusals.py sudoku --impatient 40 --seconds 20

Requests that hardly end take all places, and a client at the same address asks in vain. CPU time is that of the thread that
serves, so other work on the machine changes it little. With `--impatient` there are so many clients at one address that ask
again after 50 ms, and an honest one at another; its answers a second are given with them and without. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HARD = ".......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7....."
EASY = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ENDLESS = {"puzzles": [HARD], "noise": 5.0, "restarts": 256, "steps": 256, "search_steps": 256}
HONEST, OTHER = "127.0.0.2", "127.0.0.3"


@contextlib.contextmanager
def server(*args: str) -> Iterator[tuple[int, int]]:
    """Port and process id."""
    command = [sys.executable, "-m", "ponderling", "serve", *args, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        process.stderr.readline()  # what it loads
        found = re.search(r"http://\S+?:(\d+);", process.stderr.readline())
        assert found is not None
        try:
            yield int(found[1]), process.pid
        finally:
            process.kill()


def seconds_of(pid: int) -> float:
    """CPU time of the process's first thread, which serves."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def post(connection: http.client.HTTPConnection, path: str, *, body: object) -> int:
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    reply = connection.getresponse()
    reply.read()
    return reply.status


def metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/metrics")
    return connection.getresponse().read().decode()


def refusals(checkpoint: str, count: int) -> dict[str, float]:
    with server(checkpoint, "--queue", "0", "--slots", "4", "--most-slowdown", "inf") as (port, pid):
        busy = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(4)]
        for connection in busy:
            connection.request("POST", "/v1/solve", json.dumps(ENDLESS), {"content-type": "application/json"})
        while "requests_active 4" not in metrics(port):
            time.sleep(0.2)
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        costs = {}
        for name, puzzles in (("1 puzzle", [EASY]), ("128 puzzles", [EASY] * 128)):
            replies: Counter[int] = Counter()
            before = seconds_of(pid)
            for _ in range(count):
                replies[post(asking, "/v1/solve", body={"puzzles": puzzles})] += 1
            assert replies[503] > 0.98 * count, replies
            costs[f"{name}, ms"] = round(1000 * (seconds_of(pid) - before) / count, 3)
        before = seconds_of(pid)
        for _ in range(count):
            asking.request("GET", "/healthz")
            asking.getresponse().read()
        costs["/healthz, ms"] = round(1000 * (seconds_of(pid) - before) / count, 3)
    return costs


def answers(port: int, source: str, *, end: float, pause: float, out: Counter[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    while time.monotonic() < end:
        status = post(connection, "/v1/solve", body={"puzzles": [EASY]})
        out[status] += 1
        if status != 200:
            time.sleep(pause)


def impatient(checkpoint: str, clients: int, *, seconds: float) -> dict[str, float]:
    rates = {}
    with server(checkpoint) as (port, _):
        for name, count in (("alone", 0), ("beside them", clients), ("alone again", 0)):
            others: Counter[int] = Counter()
            honest: Counter[int] = Counter()
            end = time.monotonic() + seconds
            threads = [
                threading.Thread(target=answers, args=(port, OTHER), kwargs={"end": end, "pause": 0.05, "out": others})
                for _ in range(count)
            ]
            for thread in threads:
                thread.start()
            answers(port, HONEST, end=end, pause=0.05, out=honest)
            for thread in threads:
                thread.join()
            rates[f"honest answers a second, {name}"] = round(honest[200] / seconds, 1)
            if count:
                rates["their answers a second"] = round(others[200] / seconds, 1)
                rates["their refusals a second"] = round(others[503] / seconds, 1)
                rates["honest refusals"] = honest[503]
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--impatient", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    if args.impatient:
        print(json.dumps(impatient(args.checkpoint, args.impatient, seconds=args.seconds)))
    else:
        print(json.dumps(refusals(args.checkpoint, args.count)))


if __name__ == "__main__":
    main()
