"""How fast puzzles are solved: early exit with slots that never wait, beside eager full depth, at equal exact match.

    python benchmarks/bench_solve.py --data qqwing qqwing.csv

The baseline is how the official code evaluates: whole batches, every puzzle for all steps. All solve the same puzzles with
the same weights, each in a process of its own; the exact match of each stands beside its speed. Latency is of one puzzle
alone, one after another, warm.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro

from peak_memory import peak_mb
from ponderling.solving.scores import exact_match
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import think
from ponderling.tasks.base import Puzzles, Question, Tokens
from ponderling.tasks.split import load_puzzles


@dataclass(frozen=True)
class Options:
    """What to measure."""

    checkpoint: str = "sudoku"
    """Weights."""
    data: dict[str, str] = field(default_factory=dict)
    """Puzzles beside the packaged test set: a name and a file, and so on."""
    _: KW_ONLY
    measure: tuple[Literal["throughput", "latency", "cold", "scaling"], ...] = (
        "throughput",
        "latency",
        "cold",
        "scaling",
    )
    """Which of the parts."""
    puzzles: int = 1000
    """The first so many of each."""
    single: int = 100
    """Puzzles solved one at a time for the latency."""
    scaling: tuple[int, ...] = (100, 1000, 10_000)
    """Numbers of puzzles for seconds and peak memory; repeated from the test set if it has fewer."""
    json: Path | None = None
    """Also write the figures to this file."""
    memory_of: int | None = None
    """Used by the script itself: solve so many puzzles and print seconds and the peak memory in MB."""
    way: str | None = None
    """Used by the script itself: solve the set named first in `data`, `default` if there is none, in this one of the WAYS."""


@torch.inference_mode()
def full_depth(solver: Solver, puzzles: Puzzles, *, batch_size: int = 256) -> Tokens:
    """The baseline: eager, whole batches, all steps for everyone, no chunks."""
    model: Any = solver.model
    step = getattr(model, "step", None)  # the relational network without its cache-sized chunks
    answers = []
    for first in range(0, len(puzzles), batch_size):
        tokens = torch.from_numpy(puzzles.tokens[first : first + batch_size].astype(np.int64))
        ids = torch.from_numpy(puzzles.puzzle_ids[first : first + batch_size].astype(np.int64))
        state, output = model.initial_state(len(tokens)), None
        for _ in range(solver.config.train.N_sup):
            state, output = (
                step(state, tokens, ties=model.ties(tokens)) if step else model(state, tokens, puzzle_ids=ids)
            )
        assert output is not None
        answers.append(output.logits.argmax(-1).to(torch.uint8).numpy())
    return np.concatenate(answers)


def with_slots(solver: Solver, puzzles: Puzzles, *, early_exit: bool) -> Tokens:
    """The engine: slots that are refilled as puzzles leave."""
    questions = (Question(tokens, int(i)) for tokens, i in zip(puzzles.tokens, puzzles.puzzle_ids, strict=True))
    steps = solver.config.train.N_sup
    thoughts = think(solver.model, questions, config=solver.config, steps=steps, early_exit=early_exit)
    return np.stack([thought.tokens for thought in thoughts])


def timed(work: Callable[[], Tokens]) -> tuple[float, Tokens]:
    """Seconds, and the answers."""
    began = time.perf_counter()
    answers = work()
    return time.perf_counter() - began, answers


WAYS: dict[str, Callable[[Solver, Puzzles], Tokens]] = {
    "baseline, full depth": full_depth,
    "engine, full depth": lambda solver, puzzles: with_slots(solver, puzzles, early_exit=False),
    "engine, early exit": lambda solver, puzzles: with_slots(solver, puzzles, early_exit=True),
    "the same, compiled": lambda solver, puzzles: with_slots(solver, puzzles, early_exit=True),
}


def print_throughput(options: Options, way: str) -> None:
    """The other side of `throughput`: solves a few to warm up, then all."""
    solver = Solver.load(options.checkpoint, compile=way.endswith("compiled"))
    (file,) = options.data.values() or ["default"]
    puzzles = load_puzzles(solver.task, file, split="test")[: options.puzzles]
    for count in (8, 1):  # warm; two sizes, each of which is compiled
        WAYS[way](solver, puzzles[:count])
    seconds, answers = timed(lambda: WAYS[way](solver, puzzles))
    exact = float(exact_match(answers, puzzles.labels).mean())
    print(json.dumps({"puzzles_a_second": round(len(puzzles) / seconds, 2), "exact": round(exact, 4)}))


def throughput(options: Options, name: str, *, file: str, count: int) -> dict[str, Any]:
    """Puzzles a second and exact match of all ways."""
    figures: dict[str, Any] = {"data": name, "puzzles": count}
    for way in WAYS:
        command = [sys.executable, __file__, "--checkpoint", options.checkpoint, "--puzzles", str(options.puzzles)]
        command += ["--data", "it", file, "--way", way]
        figures[way] = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
    baseline = figures["baseline, full depth"]["puzzles_a_second"]
    for way in ("engine, early exit", "the same, compiled"):
        figures[way]["ratio"] = round(figures[way]["puzzles_a_second"] / baseline, 1)
    return figures


def latency(solver: Solver, puzzles: Puzzles) -> dict[str, float]:
    """Milliseconds of one puzzle alone, warm: half of them take less than p50, 99% less than p99."""
    solver.solve(tokens=puzzles.tokens[0], check=False)
    times = [
        timed(lambda tokens=tokens: solver.solve(tokens=tokens, check=False).tokens)[0] for tokens in puzzles.tokens
    ]
    return {f"p{q}": round(1000 * float(np.percentile(times, q)), 1) for q in (50, 99)}


def cold(*command: str) -> float:
    """Seconds of a command in a new process, the best of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ponderling", *command], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return round(min(times), 2)


def scaling(checkpoint: str, count: int) -> dict[str, Any]:
    """Seconds and peak memory of a process that solves so many puzzles."""
    command = [sys.executable, __file__, "--checkpoint", checkpoint, "--memory-of", str(count)]
    seconds, memory = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.split()
    return {"puzzles": count, "seconds": float(seconds), "peak_mb": int(memory)}


def print_scaling(options: Options) -> None:
    """The other side of `scaling`."""
    solver = Solver.load(options.checkpoint)
    puzzles = solver.task.load_default("test")
    count = options.memory_of or 0
    questions = (Question(puzzles.tokens[i % len(puzzles)]) for i in range(count))
    began = time.perf_counter()
    done = sum(1 for _ in think(solver.model, questions, config=solver.config, steps=solver.config.train.N_sup))
    assert done == count
    print(round(time.perf_counter() - began, 2), peak_mb())


def print_table(rows: list[dict[str, Any]]) -> None:
    """The throughput."""
    print("| puzzles |", " | ".join(WAYS), "|")
    print("| --- |", "---: |" * len(WAYS))
    for row in rows:
        cells = (
            f"{row[way]['puzzles_a_second']:.1f}/s, {row[way]['exact']:.1%} exact"
            + (f", {row[way]['ratio']}x" if "ratio" in row[way] else "")
            for way in WAYS
        )
        print(f"| {row['data']}, {row['puzzles']:,} | {' | '.join(cells)} |", flush=True)


def main(options: Options) -> None:
    """Measures and prints."""
    if options.memory_of:
        return print_scaling(options)
    if options.way:
        return print_throughput(options, options.way)
    solver = Solver.load(options.checkpoint)
    files = {"packaged test set": "default"} | options.data
    sets = {name: load_puzzles(solver.task, file, split="test")[: options.puzzles] for name, file in files.items()}
    figures: dict[str, Any] = {}
    if "throughput" in options.measure:
        figures["throughput"] = [
            throughput(options, name, file=file, count=len(sets[name])) for name, file in files.items()
        ]
        print_table(figures["throughput"])
    if "latency" in options.measure:
        for title, ready in (("", solver), ("_compiled", Solver.load(options.checkpoint, compile=True))):
            figures[f"latency{title}_ms"] = {
                name: latency(ready, some[: options.single]) for name, some in sets.items()
            }
    if "cold" in options.measure:
        puzzle = solver.task.format(sets["packaged test set"].tokens[0])
        figures |= {"cold_solve_s": cold("solve", options.checkpoint, puzzle), "cold_help_s": cold("--help")}
    if "scaling" in options.measure:
        figures["scaling"] = [scaling(options.checkpoint, count) for count in options.scaling]
    for name, value in figures.items():
        if name != "throughput":
            print(name, json.dumps(value))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Options))
