"""What is counted of all requests, for /metrics."""

from __future__ import annotations

from collections import Counter


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
