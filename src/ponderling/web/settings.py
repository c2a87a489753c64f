"""How the server is run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the server is run."""

    token: str | None = None
    """Bearer token that /v1 and /metrics ask for; None: none."""
    hosts: tuple[str, ...] | None = None
    """Host names under which it answers; None: any. A server without a token names them, against DNS rebinding."""
    seconds: float = 120.0
    """Most time for a request."""


DEFAULTS = Settings()
"""On loopback, for one person."""
