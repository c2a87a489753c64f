"""Every error of the server as RFC 9457 says it: `application/problem+json` with a title, the status and a line of detail."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"

BLANK = "about:blank"
"""The problem's type: the status says it all."""


def problem_bytes(status: int, detail: str) -> bytes:
    """The body of an error."""
    body = {"type": BLANK, "title": title_of(status), "status": status, "detail": detail}
    return json.dumps(body, separators=(",", ":")).encode()


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """The reply of an error."""
    return Response(problem_bytes(status, detail), status, headers, media_type=MEDIA_TYPE)


def title_of(status: int) -> str:
    """The phrase of a status."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def describe_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document in which every error reply has the one form that all of them have."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in document["paths"].values():
        for operation in path.values():
            replies = operation["responses"]
            for status, reply in replies.items():
                if status.startswith(("4", "5")):
                    reply["content"] = content
            replies["default"] = {
                "description": "Any other error: 400 what is not HTTP, 404 and 405 no such path or method, 421 a host name "
                "that this server does not answer to, 500 a fault of the server, 503 it is loading or shutting down.",
                "content": content,
            }
    return document
