"""What the container's description claims, where no container can be built: `dev/check_container.py` builds one."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import check_container
from ponderling.cli.arguments import parse_arguments
from ponderling.cli.serve import ServeCommand, check

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LINES = re.sub(r"\\\n\s*", " ", TEXT).splitlines()
"""Each instruction in one line."""


def instructions(name: str) -> list[str]:
    return [line.removeprefix(name).strip() for line in LINES if line.startswith(name + " ")]


def test_what_the_container_starts_is_a_command_of_ours(monkeypatch):
    (start,), (what,) = instructions("ENTRYPOINT"), instructions("CMD")
    program, verb, *options = json.loads(start)
    assert (program, verb) == ("ponderling", "serve")
    command = parse_arguments(ServeCommand, [*options, *json.loads(what)], prog="serve", description="")
    assert (command.host, str(command.port)) == ("0.0.0.0", instructions("EXPOSE")[0])
    monkeypatch.delenv("PONDERLING_TOKEN", raising=False)
    with pytest.raises(ValueError, match="PONDERLING_TOKEN"):  # there is no secret in it: it asks for one
        check(command)


def test_the_container_does_not_run_as_root_and_holds_no_secret():
    assert instructions("USER")[-1] not in ("", "0", "root")
    assert LINES.index("USER 10001") > max(i for i, line in enumerate(LINES) if line.startswith("RUN "))
    for line in LINES:
        assert line.startswith("#") or "TOKEN" not in line


def test_its_health_is_that_of_the_server():
    (health,) = instructions("HEALTHCHECK")
    probe = json.loads(health[health.index("CMD") + 3 :])
    assert probe[:2] == ["python", "-c"]
    assert f"http://127.0.0.1:{instructions('EXPOSE')[0]}/healthz" in probe[2]
    compile(probe[2], "probe", "exec")


def test_what_is_copied_is_there_and_not_ignored():
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"]
    for line in instructions("COPY"):
        if not line.startswith("--from"):
            *sources, _ = shlex.split(line)
            assert all((ROOT / source).exists() and source in kept for source in sources)


def test_torch_is_the_version_of_the_makefile_and_for_the_cpu():
    (wanted,) = set(re.findall(r"torch==([\d.]+)", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert f'torch=={wanted} --index-url "$TORCH_INDEX"' in " ".join(LINES)
    assert "TORCH_INDEX=https://download.pytorch.org/whl/cpu" in instructions("ARG")


def test_threads_of_the_container_do_not_wait_for_each_other():
    assert "OMP_NUM_THREADS=1" in instructions("ENV")


def test_the_check_hands_its_options_to_the_build(monkeypatch):
    asked = []

    def run(command, **kwargs):
        asked.append(command)
        return subprocess.CompletedProcess(command, returncode=1 if "build" in command else 0, stdout="", stderr="no")

    monkeypatch.setattr(check_container, "engine", lambda: "podman")
    monkeypatch.setattr(check_container.subprocess, "run", run)
    with pytest.raises(AssertionError, match="podman build: no"):
        check_container.main(["--build-arg", "PYTHON=3.13"])
    # podman's own format drops the health check
    assert asked[-1][:6] == ["podman", "build", "--format", "docker", "--build-arg", "PYTHON=3.13"]
    assert "PYTHON=3.12" in instructions("ARG")


def test_the_check_says_where_no_container_runs(monkeypatch, capsys):
    monkeypatch.setattr(check_container, "engine", lambda: None)
    assert check_container.main() == 2
    assert "neither docker nor podman" in capsys.readouterr().err
