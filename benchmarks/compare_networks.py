"""The relational network beside TRM, attention and MLP, on the same 9x9 Sudokus for the same FLOPs.

    python benchmarks/compare_networks.py --flops 4e13 --data easy easy.csv hard hard.csv

All see the packaged training set `hunted` in the order of the first part of the recipe `sudoku`: easy puzzles and shallow
recursion first. Phases are shortened in proportion, so that each network's run costs the FLOPs that were asked for; the cosine
ends with it.
Every network has the learning rates of its own recipe. Runs that the results file holds are not run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import tyro

from ponderling.config import ModelConfig, Phase, PuzzleShape, RunConfig
from ponderling.recipes import get_recipe

NETWORKS = ("relational", "trm-mlp", "trm-attention")
SCHEDULE = get_recipe("sudoku").first
FULL_STEPS = SCHEDULE.train.steps


@dataclass(frozen=True)
class Options:
    """What to run."""

    flops: float = 4e13
    """Floating-point operations of each training run, forward and backward."""
    networks: tuple[str, ...] = NETWORKS
    """Which."""
    _: KW_ONLY
    seed: int = 0
    """Seed of every run."""
    data: dict[str, Path] = field(default_factory=dict)
    """Further puzzles to evaluate on, none of them trained on: a name and a file, and so on."""
    max_puzzles: int = 250
    """The first so many of each file."""
    results: Path = Path("runs/compare_networks.json")
    """Where results are kept."""


def network(name: str) -> RunConfig:
    """The run of a network, before its length is set."""
    if name == "relational":
        return SCHEDULE
    small = get_recipe("sudoku9-small").config
    # about 250,000 parameters; n and T as the relational network's
    model = replace(small.model, hidden_size=96, n=SCHEDULE.model.n, T=SCHEDULE.model.T)
    if name == "trm-attention":
        model = replace(model, mixer="attention", positions="learned")
    train = replace(small.train, phases=SCHEDULE.train.phases, N_sup=SCHEDULE.train.N_sup)
    train = replace(train, clip_gradient=SCHEDULE.train.clip_gradient)
    solve = replace(small.solve, halt_when_sure=SCHEDULE.solve.halt_when_sure)
    return RunConfig(model=model, train=train, data=SCHEDULE.data, run=replace(small.run, compile=True), solve=solve)


def shorten(config: RunConfig, steps: int, *, seed: int) -> RunConfig:
    """The run with its phases in proportion and this many steps in all."""
    ends = [max(1, round(phase.until * steps / FULL_STEPS)) for phase in SCHEDULE.train.phases]
    phases = tuple(replace(phase, until=end) for phase, end in zip(SCHEDULE.train.phases, ends, strict=True))
    train = replace(config.train, steps=steps, phases=phases, seed=seed)
    return replace(config, train=train, run=replace(config.run, eval_every=steps, log_every=20))


def flops_of_update(model: Any, config: ModelConfig, *, tokens: Any, ids: Any) -> float:
    """Operations of one puzzle's supervision step with gradient, at the depth that `config` says."""
    from torch.utils.flop_counter import FlopCounterMode

    model.config = config
    with FlopCounterMode(display=False) as counter:
        _, output = model(model.initial_state(len(tokens)), tokens, puzzle_ids=ids)
        (output.logits.sum() + output.q.sum()).backward()
    model.zero_grad()
    return counter.get_total_flops() / len(tokens)


def depths(config: RunConfig) -> Iterator[tuple[int, ModelConfig]]:
    """For each phase of the whole schedule its length and the model at its depth."""
    start = 0
    for phase in (*SCHEDULE.train.phases, Phase(until=FULL_STEPS)):
        yield phase.until - start, replace(config.model, n=phase.n or config.model.n, T=phase.T or config.model.T)
        start = phase.until


def run(name: str, options: Options) -> dict[str, Any]:
    """Trains one network; its cost and its figures."""
    import torch

    from ponderling.models import build_model, count_parameters
    from ponderling.solving.evaluate import evaluate
    from ponderling.solving.solver import Solver
    from ponderling.tasks import get_task
    from ponderling.tasks.split import load_puzzles
    from ponderling.training.starting import start

    config = network(name)
    out = options.results.parent / f"compare_{name}_{options.flops:.0e}_{options.seed}"
    task = get_task(config.data.task)
    tokens = torch.from_numpy(task.load_default("test").tokens[:4].astype("int64"))
    ids = torch.zeros(len(tokens), dtype=torch.long)
    probe = build_model(
        config.model, PuzzleShape(task.vocab_size, task.grid_shape[0] * task.grid_shape[1]), relations=task.relations
    )
    of_schedule = sum(
        length * config.train.batch_size * flops_of_update(probe, model, tokens=tokens, ids=ids)
        for length, model in depths(config)
    )
    steps = round(FULL_STEPS * options.flops / of_schedule)
    trainer = start(shorten(config, steps, seed=options.seed), out, resume=True)
    test = trainer.run()
    figures = {"packaged test set": test}
    for label, file in options.data.items():
        puzzles = load_puzzles(task, str(file), split="test")[: options.max_puzzles]
        outcome = evaluate(Solver(trainer.evaluated_model.eval(), task, config=config), puzzles, batch_size=64)
        figures[label] = outcome.to_json()
    return {
        "network": name,
        "flops": options.flops,
        "seed": options.seed,
        "parameters": count_parameters(trainer.model),
        "updates": steps,
        "seconds": round(trainer.seconds),
        "figures": figures,
    }


def table(results: list[dict[str, Any]]) -> str:
    """Markdown: exact match at 16 steps without search."""
    names = list(results[0]["figures"])
    lines = [
        "| network | parameters | updates | minutes | " + " | ".join(names) + " |",
        "| --- | ---: | ---: | ---: |" + " ---: |" * len(names),
    ]
    for r in results:
        exact = (f"{100 * r['figures'][name]['exact']:.1f}%" if name in r["figures"] else "" for name in names)
        lines.append(
            f"| {r['network']} | {r['parameters']:,} | {r['updates']:,} | {r['seconds'] / 60:.0f} | {' | '.join(exact)} |"
        )
    return "\n".join(lines)


class Compared(Protocol):
    """What options of a comparison say."""

    @property
    def flops(self) -> float: ...
    @property
    def networks(self) -> tuple[str, ...]: ...
    @property
    def seed(self) -> int: ...
    @property
    def results(self) -> Path: ...


def results_of(options: Compared, measure: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    """The results for these operations, once each network that is not in the file has been measured and kept there."""
    options.results.parent.mkdir(parents=True, exist_ok=True)
    done = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else []
    for name in options.networks:
        if not any((r["network"], r["flops"], r["seed"]) == (name, options.flops, options.seed) for r in done):
            done.append(measure(name))
            options.results.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    return [r for r in done if r["flops"] == options.flops]


def main(options: Options) -> None:
    """Runs what is not there yet and prints the table."""
    print(table(results_of(options, lambda name: run(name, options))))


if __name__ == "__main__":
    main(tyro.cli(Options))
