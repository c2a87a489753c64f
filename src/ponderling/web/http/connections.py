"""The connections below HTTP: how many an address may have, and how long a head, a silence or a full buffer may last.

uvicorn bounds none of these. When an address has too many connections, its oldest one that is not in the middle of a request
is closed; so whoever opens connections and says nothing loses these first, and shuts out nobody.
"""

from __future__ import annotations

import asyncio
import http
import ipaddress
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ponderling.web.http.problems import MEDIA_TYPE, problem_bytes
from ponderling.web.shares import client_of

LOG = logging.getLogger("ponderling.web")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HEAD_SECONDS = 10.0
"""Seconds within which the head of a request must arrive, from the connection's start or the head's first byte."""

SILENT_SECONDS = 15.0
"""Seconds that a connection may stay open after a reply without a further request."""

STALLED_SECONDS = 60.0
"""Seconds that a reader may take nothing of a reply that waits for it."""

MOST_OF_ALL = 1000
"""Largest number of connections, of all addresses together; fewer where the system allows fewer open files."""

FILES = 100
"""Open files that are left for everything but connections."""

STALLED_AT_END = 1.0
"""Seconds that a reader may take nothing of a reply while the server shuts down."""

LAST_SECONDS = 2.0
"""Seconds before the end of a shutdown at which what is still in work is ended."""

LOGGED_SECONDS = 10.0
"""Seconds between two lines of the log about what is not HTTP."""


@dataclass(kw_only=True)
class Connections:
    """All connections of a server.

    Args:
        most: Largest number of connections of an address.
        proxies: Addresses or networks of proxies, to which `most` does not apply.
        refusals: Counts what was closed, by reason.
        most_of_all: Largest number of connections together.
    """

    most: int = 128
    proxies: Sequence[str] = ()
    refusals: Counter[str] = field(default_factory=Counter)
    most_of_all: int = field(default_factory=lambda: min(MOST_OF_ALL, max(10, open_files() - FILES)))

    def __post_init__(self) -> None:
        self._networks: list[Network] = [ipaddress.ip_network(proxy, strict=False) for proxy in self.proxies]
        self._of: dict[str, dict[Connection, None]] = {}
        self._count = 0
        self._logged: float | None = None
        self._unlogged = 0

    def __len__(self) -> int:
        return self._count

    def add(self, connection: Connection) -> None:
        """Takes in a new connection; where there are too many, another is closed, or this one."""
        own = self._of.setdefault(connection.owner, {})
        own[connection] = None
        self._count += 1
        if len(own) > self.most and not self._is_proxy(connection.owner):
            self._close_one(own, "connections of an address")
        elif self._count > self.most_of_all:
            self._close_one(max(self._of.values(), key=len), "connections")

    def remove(self, connection: Connection) -> None:
        """Forgets a connection that is closed."""
        own = self._of.get(connection.owner, {})
        if connection in own:
            del own[connection]
            self._count -= 1
            if not own:
                del self._of[connection.owner]

    def log_not_http(self, address: str) -> None:
        """Says who sent what is not HTTP, now and then: whoever fills the log that way has little of it."""
        now = time.monotonic()
        if self._logged is not None and now - self._logged < LOGGED_SECONDS:
            self._unlogged += 1
            return
        further = f"; {self._unlogged} further ones since the last such line" if self._unlogged else ""
        LOG.warning("%s sent what is not HTTP%s", address, further)
        self._logged, self._unlogged = now, 0

    def _close_one(self, connections: dict[Connection, None], reason: str) -> None:
        """Closes the oldest that is not in a request, else the newest."""
        self.refusals[reason] += 1
        idle = next((connection for connection in connections if not connection.is_in_request), None)
        closed = idle or next(reversed(connections))
        closed.refuse(503, "too many connections")
        self.remove(closed)

    def _is_proxy(self, owner: str) -> bool:
        try:
            network = ipaddress.ip_network(owner)
        except ValueError:
            return False
        return any(network.version == proxy.version and network.overlaps(proxy) for proxy in self._networks)


def open_files() -> int:
    """Number of files that this process may have open."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return MOST_OF_ALL + FILES
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Connection(H11Protocol):
    """A connection with its bounds in time."""

    among: Connections
    """Set by `protocol`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A client has connected."""
        super().connection_made(transport)
        self.owner = client_of(self.client[0]) if self.client else ""
        self._head = self._late(HEAD_SECONDS)
        self._stalled: asyncio.TimerHandle | None = None
        self._stalled_at = 0.0
        self.among.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.among.remove(self)
        for timer in (self._head, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    @property
    def is_in_request(self) -> bool:
        """Whether a whole head has come whose reply is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.is_in_request:
            self._unset_head()
        elif self._head is None and not self.transport.is_closing():
            self._head = self._late(HEAD_SECONDS)

    def on_response_complete(self) -> None:
        """A reply is complete; the next request may have come already."""
        self._unset_head()
        super().on_response_complete()
        if not self.is_in_request and self.conn.trailing_data[0] and not self.transport.is_closing():
            self._head = self._late(HEAD_SECONDS)

    def pause_writing(self) -> None:
        """The reader has much to take in."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.give_up)
        self._stalled_at = self.loop.time()

    def resume_writing(self) -> None:
        """The reader goes on."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more has come after a reply."""
        super().timeout_keep_alive_handler()
        self._close_soon()

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP."""
        self.among.refusals["not HTTP"] += 1
        self.among.log_not_http(self.owner)
        self.refuse(400, "this is not a valid HTTP request")

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade is not an event: the request is answered as if it had not asked for one."""

    def refuse(self, status: int, detail: str) -> None:
        """Closes the connection, with a reply if none has begun."""
        if self.transport.is_closing():
            return
        if not self.is_in_request or not self.cycle.response_started:
            self.transport.write(_reply(status, detail))
        if self.cycle is not None and self.is_in_request:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._close_soon()

    def _late(self, seconds: float) -> asyncio.TimerHandle | None:
        return self.loop.call_later(seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head = None
        if not self.is_in_request:
            self.among.refusals["head too late"] += 1
            self.refuse(408, f"the head of the request did not arrive within {HEAD_SECONDS:g} seconds")

    def _unset_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def is_stalled(self, seconds: float) -> bool:
        """Whether the reader has taken nothing for so long of a reply that waits for it."""
        return self._stalled is not None and self.loop.time() - self._stalled_at >= seconds

    def give_up(self) -> None:
        """Ends the connection without another word."""
        self.among.refusals["reader stalled"] += 1
        self.transport.abort()

    def _close_soon(self) -> None:
        """A reader who does not take the rest of a reply must not keep the connection."""
        self.loop.call_later(HEAD_SECONDS, self.transport.abort)


def _reply(status: int, detail: str) -> bytes:
    body = problem_bytes(status, detail)
    lines = [
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        *(["retry-after: 5"] if status == 503 else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _is_wanted(record: logging.LogRecord) -> bool:
    """Not uvicorn's own line for each request that is not HTTP, without an address and without a limit."""
    return record.msg != "Invalid HTTP request received."


class BoundServer(uvicorn.Server):
    """A server that ends soon: it waits for who reads, and not for who does not.

    Args:
        config: uvicorn's.
        end_jobs: Ends what is in work; called shortly before the time for the end is over.
    """

    def __init__(self, config: uvicorn.Config, end_jobs: Callable[[], None]):
        super().__init__(config)
        self.end_jobs = end_jobs

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts nothing more, and waits for the replies that go on."""
        ending = asyncio.create_task(self._end_late())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_late(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() + max(0.0, (self.config.timeout_graceful_shutdown or 0) - LAST_SECONDS)
        is_told = False
        while True:
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection) and connection.is_stalled(STALLED_AT_END):
                    connection.give_up()
            if loop.time() >= late and not is_told:
                is_told = True
                self.end_jobs()
            await asyncio.sleep(0.1)


def http_server(
    app: Any,
    *,
    connections: Connections,
    host: str = "127.0.0.1",
    port: int = 0,
    shutdown_seconds: int = 30,
    end_jobs: Callable[[], None] = lambda: None,
) -> BoundServer:
    """The server around an application, with its bounds; see `BoundServer`."""
    logging.getLogger("uvicorn.error").addFilter(_is_wanted)
    protocol = type("BoundConnection", (Connection,), {"among": connections})
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        log_level="warning",
        server_header=False,
        proxy_headers=bool(connections.proxies),
        forwarded_allow_ips=list(connections.proxies),
        timeout_keep_alive=int(SILENT_SECONDS),
        timeout_graceful_shutdown=shutdown_seconds,
    )
    return BoundServer(config, end_jobs)
