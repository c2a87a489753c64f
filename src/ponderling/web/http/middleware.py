"""What holds for every request, before and around the API: host, token, size and time of the body, security headers."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ponderling.web.http.problems import problem
from ponderling.web.settings import Settings
from ponderling.web.traffic import Traffic

LOG = logging.getLogger("ponderling.web")

MOST_BYTES = 256 * 1024
"""Largest size of a request's body, in bytes."""

BODY_SECONDS = 10.0
"""Seconds within which a request's body must arrive."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


class Guard:
    """What holds for every request: host, token, size and time of the body, security headers, counting.

    Plain ASGI, so that a client that leaves is noticed by what runs inside.
    """

    def __init__(self, app: Any, settings: Settings, *, traffic: Traffic):
        self.app, self.settings, self.traffic = app, settings, traffic

    def __getattr__(self, name: str) -> Any:  # `openapi()` and the like
        return getattr(self.app, name)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles a request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1000})
            return await self.app(scope, receive, send)
        began, status, began_reply = time.monotonic(), 500, False

        async def guarded_send(message: Any) -> None:
            nonlocal status, began_reply
            if message["type"] == "http.response.start":
                status, began_reply = message["status"], True
                there = {name.lower() for name, _ in message["headers"]}
                further = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in there]
                message["headers"] = [*message["headers"], *further]
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is None:
                try:
                    receive = await _with_body(scope, receive)
                except HTTPException as error:
                    self.traffic.refusals["body too large" if error.status_code == 413 else "body too late"] += 1
                    refusal = problem(error.status_code, error.detail, headers={"connection": "close"})
            # What GET is answered, HEAD is answered without the body, which the server below leaves out.
            asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            try:
                await (refusal or self.app)(asked, receive, guarded_send)
            except Exception as error:  # a fault of ours; the client hears one line
                LOG.exception("a request of %s failed", (scope.get("client") or ["an unknown address"])[0])
                if not began_reply:
                    fault = problem(500, f"the server failed: {type(error).__name__}")
                    await fault(scope, receive, guarded_send)
        finally:
            self.traffic.add(scope["path"], status, seconds=time.monotonic() - began)

    def _refusal(self, scope: Any) -> Response | None:
        headers = dict(scope["headers"])
        if b"content-length" in headers and b"transfer-encoding" in headers:
            self.traffic.refusals["two lengths"] += 1
            text = "a request has a Content-Length or a Transfer-Encoding, not both"
            return problem(400, text, headers={"connection": "close"})
        if self.settings.hosts is not None:
            host = host_name(headers.get(b"host", b"").decode("latin-1"))
            if host not in self.settings.hosts:
                self.traffic.refusals["host"] += 1
                return problem(421, f"this server answers as {', '.join(self.settings.hosts)}")
        token, path = self.settings.token, scope["path"]
        if token is not None and (path.startswith("/v1/") or path == "/metrics"):
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            is_right = hmac.compare_digest(given.strip(), token.encode())
            if scheme.lower() != b"bearer" or not is_right:
                self.traffic.refusals["token"] += 1
                return problem(401, "a bearer token is needed", headers={"www-authenticate": "Bearer"})
        return None


HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(?::[0-9]{1,5})?", re.IGNORECASE)


def host_name(host: str) -> str | None:
    """The host name of a Host header without its port; None where it is not a name and a port."""
    match = HOST.fullmatch(host)
    return match[1].lower() if match else None


async def _with_body(scope: Any, receive: Any) -> Any:
    """A `receive` that gives the whole body at once, then what comes after it.

    Raises:
        HTTPException: 413 or 408.
    """
    too_large = HTTPException(413, f"a request's body has at most {MOST_BYTES} bytes")
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                if len(body) > MOST_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {BODY_SECONDS:g} seconds") from None
    given = False

    async def receive_again() -> Any:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}
        return await receive()

    return receive_again
