"""The page's files, read once and compressed once, as replies with an entity tag."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ponderling.web.http.problems import problem

PAGE_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}

LEAST_SAVED = 0.9
"""A compressed file is given out if it has at most this share of the bytes."""


class PageFile:
    """One file as it is and compressed, each with a strong entity tag."""

    def __init__(self, name: str, content: bytes):
        self.media_type = PAGE_TYPES[Path(name).suffix]
        tag = hashlib.sha256(content).hexdigest()[:24]
        compressed = gzip.compress(content, mtime=0)
        self.forms = {"": (content, f'"{tag}"')}
        if len(compressed) <= LEAST_SAVED * len(content):
            self.forms["gzip"] = compressed, f'"{tag}-gzip"'

    def reply(self, headers: Mapping[str, str]) -> Response:
        """The reply to a request with these headers: 304 where the client has it already."""
        encoding = "gzip" if "gzip" in self.forms and accepts_gzip(headers.get("accept-encoding", "")) else ""
        content, tag = self.forms[encoding]
        further = {"cache-control": "no-cache", "etag": tag}
        if "gzip" in self.forms:
            further["vary"] = "Accept-Encoding"
        if is_known(tag, headers.get("if-none-match", "")):
            return Response(status_code=304, headers=further)
        if encoding:
            further["content-encoding"] = encoding
        return Response(content, media_type=self.media_type, headers=further)


class Front:
    """The page's files, and an application behind them: plain ASGI."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.files = {f"/{name}": PageFile(name, content) for name, content in read_page().items()}
        self.files["/"] = self.files["/index.html"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request for a file, and hands on any other."""
        file = self.files.get(scope["path"]) if scope["type"] == "http" else None
        if file is None:
            return await self.app(scope, receive, send)
        if scope["method"] == "GET":
            reply = file.reply(Headers(scope=scope))
        else:
            reply = problem(405, "Method Not Allowed", headers={"allow": "GET, HEAD"})
        await reply(scope, receive, send)


def read_page() -> dict[str, bytes]:
    """The page's files by name."""
    folder = resources.files("ponderling.web") / "page"
    return {file.name: file.read_bytes() for file in folder.iterdir() if Path(file.name).suffix in PAGE_TYPES}


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding lets a reply be compressed with gzip."""
    weights = {}
    for part in header.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        weights[coding] = weight
    weight = weights.get("gzip", weights.get("*", "0"))
    try:
        return not weight or float(weight) > 0
    except ValueError:
        return False


def is_known(tag: str, header: str) -> bool:
    """Whether an If-None-Match names this entity tag; as RFC 9110 says, weak tags are compared as strong ones are."""
    return header.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in header.split(","))
