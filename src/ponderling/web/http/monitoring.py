"""What those who run the server look at: /healthz and /metrics."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from ponderling.web.http.schemas import problems
from ponderling.web.http.served import Registry
from ponderling.web.traffic import Traffic


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
