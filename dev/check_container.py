"""Builds the container image, starts it as docs/server.md says, asks it for an answer, and stops it.

    python dev/check_container.py                            # with docker or podman, whichever is there
    python dev/check_container.py --build-arg PYTHON=3.13    # options of the build

The container has a read-only file system and no capabilities, and does not run as root. It prints how long each part took.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMAGE = "ponderling-check"
PUZZLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
OPTIONS = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
START_SECONDS = 120.0


def engine() -> str | None:
    """The program that runs containers; None where none works."""
    for name in ("docker", "podman"):
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True, check=False).returncode:
            return name
    return None


def asked(url: str, token: str, *, body: object = None) -> tuple[int, str]:
    """Status and text of a reply; 0 where there is none yet."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def check(program: str, build_options: Sequence[str] = ()) -> None:
    """Raises AssertionError where the container does not do what the page says."""

    def run(*args: str) -> str:
        done = subprocess.run([program, *args], cwd=ROOT, check=False, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, f"{program} {args[0]}: {done.stderr}"
        return done.stdout.strip()

    def outcome(*args: str) -> int:
        return subprocess.run([program, *args], capture_output=True, check=False).returncode

    # Podman's own format has no health check.
    docker_format = ("--format", "docker") if program == "podman" else ()
    began = time.monotonic()
    run("build", *docker_format, *build_options, "--tag", IMAGE, ".")
    size = int(run("image", "inspect", "--format", "{{.Size}}", IMAGE))
    print(f"built in {time.monotonic() - began:.0f} s: {size / 1e6:.0f} MB")
    token = secrets.token_hex(16)
    name = run("run", "--detach", "--publish", "127.0.0.1::8000", "--env", f"PONDERLING_TOKEN={token}", *OPTIONS, IMAGE)
    try:
        url = "http://" + run("port", name, "8000").splitlines()[0]
        began = time.monotonic()
        while asked(f"{url}/healthz", token)[0] != 200:
            assert time.monotonic() - began < START_SECONDS, run("logs", name)
            time.sleep(0.5)
        print(f"healthy after {time.monotonic() - began:.1f} s")
        status, text = asked(f"{url}/v1/solve", token, body={"puzzles": [PUZZLE]})
        assert (status, json.loads(text)["results"][0]["valid"]) == (200, True), text
        assert asked(f"{url}/v1/models", "a-wrong-token-of-some-length")[0] == 401
        assert run("exec", name, "id", "-u") != "0"
        probe = run("image", "inspect", "--format", "{{json .Config.Healthcheck.Test}}", IMAGE)
        assert not outcome("exec", name, *json.loads(probe)[1:]), probe
        assert outcome("exec", name, "touch", "/opt/ponderling/x"), "its files can be written"
        began = time.monotonic()
        run("stop", name)
        status = run("inspect", "--format", "{{.State.ExitCode}}", name)
        assert status == "0", f"it ended with {status}: {run('logs', name)}"
        print(f"stopped in {time.monotonic() - began:.1f} s")
    finally:
        subprocess.run([program, "rm", "--force", name], capture_output=True, check=False)


def main(build_options: Sequence[str] = ()) -> int:
    """0: it does; 2: nothing here runs containers."""
    program = engine()
    if program is None:
        print("neither docker nor podman runs here", file=sys.stderr)
        return 2
    check(program, build_options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
