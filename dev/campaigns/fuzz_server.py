"""Attacks a server that it starts: fuzzed requests, thoughts that cannot end, half-open heads, and a long mixed load.

    python dev/campaigns/fuzz_server.py                         # all of it: about 40 minutes
    python dev/campaigns/fuzz_server.py --requests 300 --seconds 10 --minutes 0 --rounds 1

Each attack comes from one loopback address while an honest client at another asks for easy puzzles, one after the other; its
latencies are given as ratios to those before the attack. It then asks from the attacker's own address, too. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

HONEST, ATTACKER, OTHERS = "127.0.0.2", "127.0.0.3", tuple(f"127.0.1.{i}" for i in range(1, 9))

ENDLESS = {"restarts": 256, "steps": 256, "search_steps": 256}
MANY_SOLUTIONS = "1" + "." * 80
OUT_OF_REACH = ".......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7....."
"""Golden Nugget has one solution; `noise` keeps the network from it."""

EASY = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


@contextlib.contextmanager
def server(args: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """Port and process id of a server."""
    command = [sys.executable, "-m", "ponderling", "serve", args.checkpoint, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        process.stderr.readline()  # what it loads
        found = re.search(r"http://\S+?:(\d+);", process.stderr.readline())
        if not found:
            sys.exit(process.stderr.read())
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
        reader.start()
        try:
            yield int(found[1]), process.pid
        finally:
            process.terminate()
            process.wait(60)
            reader.join(5)
            traces = sum(line.startswith("Traceback") for line in lines)
            print(
                f"server: ended with {process.returncode}; {len(lines)} lines logged, {traces} tracebacks", flush=True
            )
            if traces:
                print("".join(lines[-40:]), file=sys.stderr)


def connect(port: int, source: str, *, seconds: float = 150) -> http.client.HTTPConnection:
    """A connection from this address."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=seconds, source_address=(source, 0))


def post(port: int, path: str, body: Any, *, source: str) -> tuple[int, bytes]:
    """Status and text of the reply to a request on a connection of its own."""
    connection = connect(port, source)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


# Fuzzing


def value(rng: random.Random, depth: int = 0) -> Any:
    """A random JSON value, often near a limit."""
    kinds = [
        lambda: rng.choice([0, 1, -1, 2**31, 2**63, 2**64, 10**400, 257, 256, 129]),
        lambda: rng.choice([0.5, -0.0, 1e308, float("nan"), float("inf")]),
        lambda: rng.choice([None, True, False, "", "halting", "agreement", "\ud800", "\x00", "٥", "é", "a" * 5000]),
        lambda: "".join(
            rng.choice("123456789.0 \n#SG") for _ in range(rng.choice([0, 1, 16, 80, 81, 82, 256, 4096, 4097]))
        ),
        lambda: rows(rng),
        lambda: rng.choice([EASY, MANY_SOLUTIONS, "." * 81, "1" * 81, "../../etc/passwd", "os:system", "<script>"]),
    ]
    if depth < 4:
        kinds += [
            lambda: [value(rng, depth + 1) for _ in range(rng.choice([0, 1, 3, 130]) if depth < 2 else 1)],
            lambda: {rng.choice(FIELDS): value(rng, depth + 1) for _ in range(rng.randrange(4))},
        ]
    return rng.choice(kinds)()


def rows(rng: random.Random) -> list[Any]:
    """A board as rows, nearly right."""
    board: list[Any] = [[0 if c == "." else int(c) for c in EASY[i : i + 9]] for i in range(0, 81, 9)]
    for row in rng.sample(range(9), rng.randrange(3)):
        odd = rng.choice([None, "5", ".", "é", "", 10, -1, 2.0, 2.5, 10**400, True, [], {}, "\ud800"])
        board[row] = rng.choice([odd, board[row][:8], "".join(map(str, board[row])), [odd] * 9, [*board[row][:8], odd]])
    return rng.choice(
        [board, board, board[:8], [board], [cell for row in board if isinstance(row, list) for cell in row]]
    )


FIELDS = (
    "puzzle", "puzzles", "model", "task", "steps", "restarts", "search_steps", "guess_every", "noise", "views", "choose",
    "verify", "seed", "stream", "compact", "changes", "check", "cell", "step", "recursion", "surprise", "",
)  # fmt: skip
PATHS = (
    "/v1/solve",
    "/v1/think",
    "/v1/why",
    "/v1/vote",
    "/v1/puzzle",
    "/v1/models",
    "/v1/arc/task",
    "/metrics",
    "/",
    "/healthz",
)


def body_of(rng: random.Random) -> bytes:
    """A request's body: a good one with fields changed, any JSON, or bytes."""
    kind = rng.random()
    if kind < 0.6:
        good: dict[str, Any] = (
            {"puzzles": [EASY], "steps": rng.choice([1, 2])} if rng.random() < 0.7 else {"puzzle": EASY}
        )
        for _ in range(rng.randrange(3)):
            good[rng.choice(FIELDS)] = value(rng)
        text = json.dumps(good)
    elif kind < 0.8:
        text = json.dumps(value(rng))
    elif kind < 0.85:
        text = rng.choice("[{") * rng.choice([1, 100, 100_000])
    else:
        return rng.randbytes(rng.choice([0, 1, 10, 1000, 100_000, 300_000]))
    encoding = rng.choice(["utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig", "latin-1"])
    raw = text.encode(encoding, "replace")
    if rng.random() < 0.1 and raw:
        at = rng.randrange(len(raw))
        raw = raw[:at] + rng.randbytes(1) + raw[at + 1 :]
    return raw


def request_of(rng: random.Random) -> tuple[bytes, bool]:
    """A request as bytes, and whether its head is good HTTP."""
    path = rng.choice(PATHS)
    if rng.random() < 0.3:
        path += rng.choice(
            ["/", "?", "?seed=x", "?seed=" + "9" * 500, "/../..", "%00", "%ff", "?difficulty=hard&seed=3", "//"]
        )
    method = rng.choice(["POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO"])
    body = body_of(rng) if method not in ("GET", "HEAD") or rng.random() < 0.2 else b""
    headers = ["Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(body)}"]
    is_good = True
    if rng.random() < 0.8:
        headers.append(
            "Content-Type: " + rng.choice(["application/json"] * 4 + ["text/plain", "application/json; charset=utf-16"])
        )
    odd = rng.random()
    if odd < 0.05:
        headers.append(f"X-{rng.randrange(99)}: " + "y" * rng.choice([1, 8_000, 100_000]))
    elif odd < 0.1:
        headers.append(
            rng.choice(["Upgrade: websocket", "Expect: 100-continue", "Transfer-Encoding: chunked", "Range: bytes=0-"])
        )
    elif odd < 0.15:
        headers, is_good = [rng.choice(["Host", ": x", "Content-Length: -1", "\x00: 1", "Host: a\r\nHost: b"])], False
    head = "\r\n".join([f"{method} {path} HTTP/{rng.choice(['1.1'] * 8 + ['1.0', '2', 'x'])}", *headers, "", ""])
    return head.encode("latin-1") + body, is_good


def fuzz(port: int, count: int, *, seed: int) -> None:
    """Sends fuzzed requests and says which replies were not as promised."""
    rng, codes, faults = random.Random(seed), Counter[str](), []
    longest = 0.0
    for number in range(count):
        raw, _ = request_of(rng)
        began = time.monotonic()
        reply = b""
        with socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(ATTACKER, 0)) as s:
            with contextlib.suppress(ConnectionError, TimeoutError):
                s.sendall(raw)
            if rng.random() < 0.1:
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_WR)
            try:
                while part := s.recv(65536):
                    reply += part
                    if len(reply) > 4_000_000:
                        break
            except ConnectionError:
                pass
            except TimeoutError:
                faults.append((number, "no reply within 60 s", raw[:200]))
        longest = max(longest, time.monotonic() - began)
        match = re.match(rb"HTTP/1.1 (\d\d\d) ", re.sub(rb"^HTTP/1.1 100 .*?\r\n\r\n", b"", reply, flags=re.S))
        code = match[1].decode() if match else "no reply"
        codes[code] += 1
        if code.startswith("5") and code not in ("503", "504"):
            faults.append((number, f"{code}", raw[:200]))
        if code.startswith("4") and not raw.startswith(b"HEAD") and not is_problem(reply, code):
            faults.append((number, f"{code}: {reply[-200:]!r}", raw[:200]))
    alive = post(port, "/v1/solve", {"puzzles": [EASY]}, source=HONEST)[0]
    listed = ", ".join(f"{code}: {n}" for code, n in sorted(codes.items()))
    print(f"fuzz: {count} requests, {len(faults)} faults; {listed}; longest {longest:.1f} s; then a good one: {alive}")
    for fault in faults[:10]:
        print("  ", *fault)


def is_problem(reply: bytes, code: str) -> bool:
    """Whether a reply is an error as RFC 9457 says it, with one line of text."""
    head, _, body = reply.rpartition(b"\r\n\r\n")
    try:
        said = json.loads(body)
        detail, status = said["detail"], said["status"]
    except (ValueError, KeyError, TypeError):
        return False
    is_typed = b"application/problem+json" in head.lower() and str(status) == code
    return is_typed and isinstance(detail, str) and bool(detail) and "\n" not in detail


# Fairness


def latencies(port: int, seconds: float, *, source: str, kept: bool = False) -> tuple[list[float], Counter[int]]:
    """What an honest client sees: seconds of its good replies, and all codes; a connection for each, or one for all."""
    took, codes, end = [], Counter[int](), time.monotonic() + seconds
    connection = connect(port, source)
    body = json.dumps({"puzzles": [EASY]})
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            connection.request("POST", "/v1/solve", body, {"content-type": "application/json"})
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            codes[0] += 1
            connection.close()
            continue
        codes[reply.status] += 1
        if reply.status == 200:
            took.append(time.monotonic() - began)
        if not kept:
            connection.close()
        time.sleep(0.02)  # a person, or another program, does something in between
    connection.close()
    return took, codes


def compare(name: str, alone: list[float], beside: list[float], codes: Counter[int]) -> None:
    """Prints what an honest client sees beside an attack, and its ratio to what it sees alone."""
    if not beside:
        print(f"{name}: NOT ANSWERED; codes {dict(codes)}", flush=True)
        return
    (a50, a99), (b50, b99) = (np.percentile(t, [50, 99]) * 1000 for t in (alone, beside))
    print(
        f"{name}: p50 {b50:.0f} ms, {b50 / a50:.2f} times {a50:.0f}; p99 {b99:.0f} ms, {b99 / a99:.2f} times {a99:.0f}; "
        f"codes {dict(codes)}",
        flush=True,
    )


@contextlib.contextmanager
def thinking(port: int, count: int, *, body: dict[str, Any], source: str) -> Iterator[Counter[int]]:
    """Asks for endless thoughts as a number of clients at one address, each again when its thought ends."""
    stop, codes = threading.Event(), Counter[int]()
    connections: set[http.client.HTTPConnection] = set()

    def ask() -> None:
        while not stop.is_set():
            connection = connect(port, source)
            connections.add(connection)
            try:
                connection.request("POST", "/v1/think", json.dumps(body), {"content-type": "application/json"})
                reply = connection.getresponse()
                codes[reply.status] += 1
                while not stop.is_set() and reply.read(65536):
                    pass
                if reply.status != 200:
                    time.sleep(0.5)
            except (OSError, http.client.HTTPException, AttributeError, ValueError):
                pass
            finally:
                connections.discard(connection)
                connection.close()

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield codes
    finally:
        stop.set()
        for connection in list(connections):
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)


@contextlib.contextmanager
def half_open(port: int, count: int, *, source: str) -> Iterator[list[socket.socket]]:
    """Opens a number of connections that send half a head, and a byte now and then."""
    sockets: list[socket.socket] = []
    stop = threading.Event()

    def open_and_drip() -> None:
        while not stop.is_set():
            for s in list(sockets):
                try:
                    s.sendall(b"x")
                    if s.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) in (b"", b"H"):
                        raise ConnectionError
                except BlockingIOError:
                    pass
                except OSError:
                    sockets.remove(s)
                    s.close()
            while len(sockets) < count and not stop.is_set():
                try:
                    s = socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))
                    s.sendall(b"POST /v1/solve HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
                except OSError:
                    break
                sockets.append(s)
            stop.wait(1)

    thread = threading.Thread(target=open_and_drip, daemon=True)
    thread.start()
    time.sleep(3)
    try:
        yield sockets
    finally:
        stop.set()
        thread.join(20)
        for s in sockets:
            s.close()


def beside(name: str, port: int, args: argparse.Namespace, attack: Callable[[], Any]) -> None:
    """Figures of an honest client beside an attack, at another address and at the attacker's own."""
    alone, _ = latencies(port, args.seconds / 2, source=HONEST)
    seen = {}
    with attack() as noted:
        time.sleep(1)
        for whose, source in (("another address", HONEST), ("the attacker's address", ATTACKER)):
            seen[whose] = latencies(port, args.seconds, source=source)
        at_end = dict(noted) if isinstance(noted, Counter) else f"{len(noted)} connections open at its end"
    time.sleep(2)
    alone += latencies(port, args.seconds / 2, source=HONEST)[0]  # before and after: other programs come and go
    for whose, (found, codes) in seen.items():
        compare(f"{name}, {whose}", alone, found, codes)
    print(f"  the attack saw {at_end}", flush=True)


# Memory


def resident(pid: int) -> float:
    """Memory of a process in MB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def soak(port: int, pid: int, *, minutes: float, seed: int) -> None:
    """Mixed load; says whether the server's memory grows."""
    stop, rng = threading.Event(), random.Random(seed)

    def honest(source: str) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                latencies(port, 5, source=source, kept=bool(rng.random() < 0.5))

    def rude() -> None:
        while not stop.is_set():
            raw, _ = request_of(rng)
            with contextlib.suppress(OSError):
                source = f"127.0.{rng.randrange(2, 250)}.{rng.randrange(1, 250)}"
                with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0)) as s:
                    s.sendall(raw)
                    s.recv(rng.choice([1, 65536]))
            stop.wait(0.05)

    threads = [threading.Thread(target=honest, args=(source,), daemon=True) for source in OTHERS[:3]]
    threads.append(threading.Thread(target=rude, daemon=True))
    body = {"puzzle": OUT_OF_REACH, "noise": 1, **ENDLESS}
    figures = []
    with thinking(port, 2, body=body, source=ATTACKER):
        for thread in threads:
            thread.start()
        for _ in range(int(minutes * 6)):
            time.sleep(10)
            figures.append(resident(pid))
        stop.set()
    quarter = max(1, len(figures) // 4)
    first, last = np.median(figures[:quarter]), np.median(figures[-quarter:])
    print(f"memory over {minutes:g} minutes: median of the first quarter {first:.1f} MB, of the last {last:.1f} MB")


def main() -> None:
    """Runs the campaign."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="sudoku")
    parser.add_argument("--requests", type=int, default=10_000, help="fuzzed requests")
    parser.add_argument("--seconds", type=float, default=60, help="of an honest client beside each attack")
    parser.add_argument("--rounds", type=int, default=3, help="of each attack")
    parser.add_argument("--half-open", type=int, default=1000, help="connections with half a head")
    parser.add_argument("--minutes", type=float, default=30, help="of mixed load")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with server(args) as (port, pid):
        latencies(port, 3, source=HONEST)  # warm
        for _ in range(60):  # until it has decided that this one may be asked
            post(port, "/v1/solve", {"puzzles": [OUT_OF_REACH], "steps": 1}, source=HONEST)
            time.sleep(0.2)
        status, text = post(port, "/v1/think", {"puzzle": MANY_SOLUTIONS, **ENDLESS}, source=ATTACKER)
        print(f"a puzzle of many solutions: {status} {text.decode()[:120]}")
        endless = {"puzzle": OUT_OF_REACH, "noise": 1, **ENDLESS}
        for _ in range(args.rounds):
            for count in (4, 40):
                beside(
                    f"{count} endless thoughts",
                    port,
                    args,
                    lambda n=count: thinking(port, n, body=endless, source=ATTACKER),
                )
        for _ in range(args.rounds):
            beside(
                f"{args.half_open} half-open heads",
                port,
                args,
                lambda: half_open(port, args.half_open, source=ATTACKER),
            )
        if args.requests:
            fuzz(port, args.requests, seed=args.seed)
        if args.minutes:
            soak(port, pid, minutes=args.minutes, seed=args.seed)


if __name__ == "__main__":
    main()
