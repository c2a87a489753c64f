"""What those who run the server look at: /healthz and /metrics."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from ponderling.web.schemas import problems
from ponderling.web.served import Registry


class Traffic:
    """Requests by path and status, and how long they took, for /metrics."""

    THINKING = ("/v1/solve", "/v1/think", "/v1/vote")
    """Paths whose time is told."""
    PATHS = (*THINKING, "/v1/models", "/v1/puzzle", "/v1/arc/tasks", "/v1/arc/task", "/healthz", "/metrics")
    BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.buckets: Counter[float] = Counter()
        self.seconds, self.count = 0.0, 0
        self.refusals: Counter[str] = Counter()
        """What was refused, by reason: what `Engine` refuses is in its own counters."""

    def add(self, path: str, status: int, *, seconds: float) -> None:
        """Counts a request; unknown paths are one, so that nobody can fill the memory with them."""
        known = path if path in self.PATHS else "other"
        self.requests[known, status] += 1
        if known in self.THINKING and status == 200:
            self.seconds += seconds
            self.count += 1
            self.buckets.update(bound for bound in self.BOUNDS if seconds <= bound)

    def lines(self) -> list[str]:
        """In Prometheus' text format."""
        lines = ["# TYPE ponderling_requests_total counter"]
        for (path, status), count in sorted(self.requests.items()):
            lines.append(f'ponderling_requests_total{{path="{path}",status="{status}"}} {count}')
        lines.append("# TYPE ponderling_request_seconds histogram")
        lines += [f'ponderling_request_seconds_bucket{{le="{bound}"}} {self.buckets[bound]}' for bound in self.BOUNDS]
        lines += [
            f'ponderling_request_seconds_bucket{{le="+Inf"}} {self.count}',
            f"ponderling_request_seconds_sum {self.seconds:.6f}",
            f"ponderling_request_seconds_count {self.count}",
        ]
        return lines

    def refusal_lines(self, further: Counter[str]) -> list[str]:
        """The refusals by reason, with those of the engine."""
        lines = ["# TYPE ponderling_refusals_total counter"]
        for reason, count in sorted((self.refusals + further).items()):
            lines.append(f'ponderling_refusals_total{{reason="{reason}"}} {count}')
        return lines


def add_operations(app: FastAPI, registry: Registry, *, traffic: Traffic) -> None:
    """Adds the two routes."""
    engine = registry.engine

    @app.get("/healthz", summary="Whether the server is up", response_class=PlainTextResponse)
    async def healthz() -> str:
        return "ok\n"

    @app.get("/metrics", responses=problems(401), summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> str:
        counters = engine.counters
        figures = [
            ("steps_total", "counter", "Forward passes.", counters.steps),
            ("rows_total", "counter", "Supervision steps of single attempts.", counters.rows),
            ("puzzles_total", "counter", "Puzzles answered.", counters.puzzles),
            ("halted_total", "counter", "Answers at which the model said stop.", counters.halted),
            (
                "refused_total",
                "counter",
                "Requests turned away: the queue was full, or others would have slowed them too much.",
                counters.refused,
            ),
            ("expired_total", "counter", "Requests that ran out of time.", counters.expired),
            ("displaced_total", "counter", "Requests ended for those of other clients.", counters.displaced),
            ("cancelled_total", "counter", "Requests whose client left.", counters.cancelled),
            ("failed_total", "counter", "Requests that failed.", counters.failed),
            ("busy_seconds_total", "counter", "Time the worker has computed.", round(counters.busy_seconds, 3)),
            ("requests_waiting", "gauge", "Requests in the queue.", engine.num_waiting),
            ("requests_active", "gauge", "Requests in work.", engine.num_active),
            ("slots_used", "gauge", "Slots of attempts in work.", engine.slots_used),
            ("clients", "gauge", "Clients whose use of late is remembered.", len(engine.shares)),
            ("memory_bytes", "gauge", "Resident memory.", resident_bytes()),
        ]
        lines = []
        for name, kind, text, value in figures:
            lines += [
                f"# HELP ponderling_{name} {text}",
                f"# TYPE ponderling_{name} {kind}",
                f"ponderling_{name} {value}",
            ]
        return "\n".join([*lines, *traffic.refusal_lines(counters.refusals), *traffic.lines()]) + "\n"


def resident_bytes() -> int:
    """Memory of this process; 0 where /proc does not tell."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
