"""HTTP as others expect it: HEAD, entity tags, compression, hosts, tokens, and errors in one form."""

from __future__ import annotations

import json
import socket
import zlib

import httpx
import pytest

from ponderling.tasks import get_task
from ponderling.web.http import connections as bounds
from ponderling.web.http.middleware import host_name
from ponderling.web.http.page_files import accepts_gzip, is_known, read_page
from ponderling.web.settings import Settings
from servers import serving

PUZZLES = [get_task("sudoku4").format(row) for row in get_task("sudoku4").load_default("test").tokens[:24]]
TOKEN = "a-secret-of-some-length"
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(scope="module")
def url():
    with serving(Settings(hosts=("localhost", "127.0.0.1", "[::1]"))) as (url, _, _):
        yield url


def raw(url: str, text: str) -> bytes:
    """The whole reply to these bytes."""
    host, port = url[7:].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as s:
        s.sendall(text.encode("latin-1"))
        reply = b""
        while part := s.recv(65536):
            reply += part
    return reply


@pytest.mark.parametrize("path", ["/", "/app.js", "/v1/models", "/v1/puzzle?seed=1", "/healthz", "/openapi.json"])
def test_head_is_get_without_the_body(url, path):
    head, get = httpx.head(url + path), httpx.get(url + path)
    assert (head.status_code, get.status_code, head.content) == (200, 200, b"")
    for name in ("content-type", "content-length", "etag", "vary"):
        assert head.headers.get(name) == get.headers.get(name)
    assert httpx.head(f"{url}/metrics").status_code == 200
    assert httpx.head(f"{url}/nothing").status_code == 404
    assert httpx.head(f"{url}/v1/solve").status_code == 405


def test_the_page_is_compressed_and_is_the_same_uncompressed(url):
    for name, content in read_page().items():
        plain, packed = httpx.get(f"{url}/{name}", headers=PLAIN), httpx.get(f"{url}/{name}")
        assert plain.content == packed.content == content
        assert "content-encoding" not in plain.headers
        if name.endswith((".js", ".css", ".html")):
            assert packed.headers["content-encoding"] == "gzip"
            assert int(packed.headers["content-length"]) < len(content)
            assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
            assert plain.headers["etag"] != packed.headers["etag"], "they are other bytes"


def test_a_file_that_the_client_has_is_not_sent_again(url):
    first = httpx.get(f"{url}/app.js")
    tag = first.headers["etag"]
    assert not tag.startswith("W/")
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = httpx.get(f"{url}/app.js", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["vary"] == "Accept-Encoding"
    assert httpx.get(f"{url}/app.js", headers={"if-none-match": '"other"'}).status_code == 200
    assert httpx.get(f"{url}/app.js", headers={"if-none-match": tag, **PLAIN}).status_code == 200


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        ("", False), ("gzip", True), ("br, GZIP", True), ("gzip;q=0", False), ("gzip; q=0.5", True), ("*", True),
        ("*;q=0", False), ("gzip;q=x", False), ("identity", False), ("deflate, *;q=0.1", True),
    ],
)  # fmt: skip
def test_what_a_client_accepts_is_read(header, accepts):
    assert accepts_gzip(header) is accepts


def test_an_entity_tag_is_not_a_part_of_another():
    assert not is_known('"ab"', '"abc"')
    assert not is_known('"ab"', "")


def test_long_replies_are_compressed(url):
    long = httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES, "steps": 1}, timeout=30)
    short = httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1], "steps": 1}, timeout=30)
    assert (long.headers["content-encoding"], long.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert len(long.json()["results"]) == 24
    assert "content-encoding" not in short.headers


def test_a_compressed_stream_says_the_same(url):
    body = {"puzzle": PUZZLES[0], "steps": 4}
    packed = httpx.post(f"{url}/v1/think", json=body, timeout=30)
    plain = httpx.post(f"{url}/v1/think", json=body, headers=PLAIN, timeout=30)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.text == plain.text


def test_each_event_of_a_compressed_stream_is_sent_at_once():
    with serving(seconds=0.3) as (url, registry, _):
        unpack = zlib.decompressobj(31)
        with httpx.stream("POST", f"{url}/v1/think", json={"puzzle": PUZZLES[0], "steps": 100}, timeout=30) as reply:
            text = b""
            for part in reply.iter_raw():
                text += unpack.decompress(part)
                if b"event: step" in text:
                    break
            assert text.count(b"event: step") == 1
            assert text.endswith(b"\n\n")
            assert registry.engine.num_active == 1


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"), ("LocalHost:80", "localhost"), ("[::1]:8000", "[::1]"), ("[::1]", "[::1]"),
        ("[::1].evil.com", None), ("localhost:80:evil", None), ("localhost:", None), ("localhost:8o", None),
        ("", None), ("[::1", None), ("a]b", None), ("localhost:٣", None), ("evil.com@localhost", "evil.com@localhost"),
    ],
)  # fmt: skip
def test_a_host_is_a_name_and_perhaps_a_port(host, name):
    assert host_name(host) == name


@pytest.mark.parametrize(
    "host", ["[::1].evil.com", "localhost:80:evil", "localhost:http", "evil.com", "localhost.", "localhost:"]
)
def test_a_host_that_is_not_ours_is_refused(url, host):
    reply = raw(url, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert b" 421 " in reply.split(b"\r\n")[0]


def test_no_redirect_repeats_the_host_that_a_client_names():
    with serving(Settings(token=TOKEN)) as (url, _, _):
        for path in ("/healthz/", "/v1/models/", "/openapi.json/"):
            text = (
                f"GET {path} HTTP/1.1\r\nHost: evil.com\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
            )
            reply = raw(url, text)
            assert b" 404 " in reply.split(b"\r\n")[0]
            assert b"evil" not in reply


def test_a_request_has_one_length(url):
    head = "POST /v1/solve HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = raw(url, head + "0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"not both" in reply
    assert reply.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200), (f"bearer {TOKEN}", 200), (f"BEARER  {TOKEN}", 200), (f"Basic {TOKEN}", 401),
        (TOKEN, 401), ("Bearer", 401), ("", 401), (f"Bearer {TOKEN}x", 401),
    ],
)  # fmt: skip
def test_the_scheme_of_a_token_may_be_in_any_case(header, status):
    with serving(Settings(token=TOKEN)) as (url, _, _):
        assert httpx.get(f"{url}/v1/models", headers={"authorization": header}).status_code == status


def test_what_is_not_http_is_logged_with_its_address_and_seldom(url, caplog, monkeypatch):
    monkeypatch.setattr(bounds, "LOGGED_SECONDS", 1e6)
    with serving() as (url, _, _):
        for _ in range(20):
            assert raw(url, "nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        monkeypatch.setattr(bounds, "LOGGED_SECONDS", 0)
        raw(url, "nonsense\r\n\r\n")
    lines = [record.getMessage() for record in caplog.records if "HTTP" in record.getMessage()]
    assert lines == [
        "127.0.0.1 sent what is not HTTP",
        "127.0.0.1 sent what is not HTTP; 19 further ones since the last such line",
    ]


def errors(url: str):
    yield 404, httpx.get(f"{url}/nothing")
    yield 404, httpx.get(f"{url}/v1/nothing/at/all")
    yield 404, httpx.post(f"{url}/v1/solve", json={"puzzles": PUZZLES[:1], "model": "other"})
    yield 405, httpx.get(f"{url}/v1/solve")
    yield 405, httpx.post(f"{url}/healthz")
    yield 413, httpx.post(f"{url}/v1/solve", content=b"x" * 300_000)
    yield 421, httpx.get(f"{url}/healthz", headers={"host": "evil.com"})
    yield 422, httpx.post(f"{url}/v1/solve", json={"puzzles": []})
    yield 422, httpx.post(f"{url}/v1/solve", json={"puzzles": ["1"]})
    yield 422, httpx.post(f"{url}/v1/think", content=b"{", headers={"content-type": "application/json"})


def test_every_error_has_the_form_of_rfc_9457(url):
    for status, reply in errors(url):
        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/problem+json"
        body = reply.json()
        assert list(body) == ["type", "title", "status", "detail"]
        assert (body["type"], body["status"]) == ("about:blank", status)
        assert isinstance(body["detail"], str)
        assert body["title"]
    assert httpx.get(f"{url}/v1/solve").headers["allow"] == "POST"
    below = json.loads(raw(url, "nonsense\r\n\r\n").partition(b"\r\n\r\n")[2])
    assert (below["status"], below["title"]) == (400, "Bad Request")


def test_every_error_is_described_in_that_form(url):
    document = httpx.get(f"{url}/openapi.json").json()
    count = 0
    for path in document["paths"].values():
        for operation in path.values():
            for status, reply in operation["responses"].items():
                if status != "200":
                    assert list(reply["content"]) == ["application/problem+json"], status
                    count += 1
    assert count > 40
    assert set(document["components"]["schemas"]["Problem"]["properties"]) == {"type", "title", "status", "detail"}
    assert "several" in document["paths"]["/v1/think"]["post"]["responses"]["422"]["description"]
    assert "HTTPValidationError" not in json.dumps(document)
