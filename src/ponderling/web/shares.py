"""Who has had how much of the server: clients by address, and their use of the worker's time of late."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable

MEMORY = 10.0
"""Seconds after which a use of the worker counts 1/e of what it did."""

AHEAD = 0.1
"""Seconds by which a client must have used more than another before the other comes first."""

FORGOTTEN = 1e-3
"""Use in seconds that is too little to be remembered."""

MOST_REMEMBERED = 4096
"""Largest number of clients whose use is remembered; of more, those who used least are forgotten."""


def client_of(address: str) -> str:
    """The client that an address belongs to: the address itself, or of IPv6 the network of 64 bits around it.

    One subscriber mostly has a whole such network.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket, or what a proxy said
        return address[:100]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


class Shares:
    """Seconds of the worker that each client has used of late; older use counts less and is forgotten in the end.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._used: dict[str, tuple[float, float]] = {}  # seconds, and when that was so

    def __len__(self) -> int:
        return len(self._used)

    def used(self, client: str) -> float:
        """Seconds that the client has used of late."""
        seconds, when = self._used.get(client, (0.0, 0.0))
        return seconds * math.exp((when - self._clock()) / MEMORY) if seconds else 0.0

    def has_others(self, client: str) -> bool:
        """Whether another client has used something of late."""
        return any(other != client and self.used(other) > FORGOTTEN for other in list(self._used))

    def charge(self, client: str, seconds: float) -> None:
        """Counts seconds of the worker that a client has used."""
        if client not in self._used and len(self._used) >= MOST_REMEMBERED:
            self._forget()
        self._used[client] = self.used(client) + seconds, self._clock()

    def _forget(self) -> None:
        """Drops those who used next to nothing, and half of the others if there are none."""
        used = {client: self.used(client) for client in self._used}
        limit = max(FORGOTTEN, sorted(used.values())[len(used) // 2])
        self._used = {client: pair for client, pair in self._used.items() if used[client] > limit}
