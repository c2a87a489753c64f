"""Runs a function on many inputs, each in a forked child process with a limit on time and on memory, and counts how it went.

A campaign imports what it attacks first, so that a child begins within milliseconds.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SECONDS = 5.0
"""Time limit for one input, in seconds."""

MEMORY = 1 << 30
"""Limit of what a child may allocate on top of what it was forked with, in bytes."""

FOREVER = 3600
"""Time after which a child that its parent forgot ends itself, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one input went."""

    kind: str
    """One of accepted, refused, traceback, bad message, hang, memory, died."""
    message: str
    """What was said: the refusal, or the last lines of the traceback."""
    seconds: float


@dataclass(kw_only=True)
class Tally:
    """How all inputs of a campaign went."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    faults: list[tuple[str, Outcome]] = field(default_factory=list)
    """Inputs, by name, that neither were accepted nor refused in one line."""

    def add(self, name: str, outcome: Outcome) -> None:
        """Counts one input."""
        self.counts[outcome.kind] += 1
        self.slowest = max(self.slowest, outcome.seconds)
        if outcome.kind not in ("accepted", "refused"):
            self.faults.append((name, outcome))

    def report(self, title: str, *, shown: int = 10) -> str:
        """The counts as a line, and the first faults below it."""
        counts = ", ".join(f"{count} {kind}" for kind, count in self.counts.most_common())
        lines = [f"{title}: {sum(self.counts.values())} inputs: {counts}; slowest {self.slowest:.2f} s"]
        lines += [f"  {name}: {fault.kind}: {fault.message}" for name, fault in self.faults[:shown]]
        return "\n".join(lines)


def attack(
    call: Callable[[], object],
    *,
    refusals: tuple[type[BaseException], ...],
    names: Iterable[str] = (),
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Outcome:
    """Runs the call in a forked child.

    Args:
        call: What is attacked.
        refusals: Exceptions that count as a refusal, if their message is one line.
        names: Texts of which a refusal must hold at least one, such as the file's name; empty: any message will do.
        seconds: The time limit.
        memory: What the child may allocate, in bytes.
    """
    reading, writing = os.pipe()
    begin = time.perf_counter()
    child = os.fork()
    if child == 0:  # pragma: no cover (another process)
        os.close(reading)
        _in_child(call, writing, refusals=refusals, names=tuple(names), memory=memory)
    os.close(writing)
    said, kind = _listen(child, reading, deadline=begin + seconds)
    took = time.perf_counter() - begin
    return Outcome(kind=kind, message=said, seconds=took)


def _listen(child: int, reading: int, *, deadline: float) -> tuple[str, str]:
    """What the child said, and how it went."""
    parts: list[bytes] = []
    hung = False
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while True:
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                os.kill(child, signal.SIGKILL)
                hung = True
                break
            part = pipe.read(1 << 16)
            if not part:
                break
            parts.append(part)
    _, status = os.waitpid(child, 0)
    if hung:
        return "still running", "hang"
    kind, _, message = b"".join(parts).decode(errors="replace").partition("\n")
    if os.WIFSIGNALED(status) or not kind:
        return f"ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "ended without a word", "died"
    return message, kind


def _in_child(
    call: Callable[[], object],
    writing: int,
    *,
    refusals: tuple[type[BaseException], ...],
    names: tuple[str, ...],
    memory: int,
) -> None:
    """Runs the call under the limits, says how it went, and ends the process."""
    try:
        signal.alarm(FOREVER)
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        with open("/proc/self/statm", encoding="ascii") as statm:
            own = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (own + memory, own + memory))
        try:
            call()
            said = "accepted\n"
        except refusals as error:
            message = str(error)
            fine = message.strip() and "\n" not in message.strip() and (not names or any(n in message for n in names))
            said = ("refused\n" if fine else "bad message\n") + f"{type(error).__name__}: {message}"
        except MemoryError:
            said = "memory\n" + traceback.format_exc(limit=-3)
        except BaseException as error:
            said = f"traceback\n{type(error).__name__}: {error} | " + " ".join(traceback.format_exc(limit=-3).split())
        os.write(writing, said.encode(errors="replace")[:60_000])
    finally:
        os._exit(0)
