"""The relational network beside TRM and HRM with mixers of their own, on the same 12x12 mazes for the same FLOPs.

    python benchmarks/compare_on_mazes.py --flops 1e13

All see the set `mixed` of maze12. They are tested on mazes of Maze-Hard's kind: unseen ones of 12x12, and ones of 30x30 where
the weights fit. The relational network is that of the first part of the recipe `maze`, with the hints of that part and without.
The others have the settings of the recipe `maze10`, whose learning rates were found for its own mixer, at D 96 and four heads.
None has moving averages of its weights, which so few updates would spoil. Runs that the results file holds are not run again.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from compare_networks import flops_of_update, results_of
from ponderling.config import ModelConfig, RunConfig
from ponderling.recipes import as_hrm, get_recipe

TASK, LARGE = "maze12", "maze30"
NETWORKS = ("relational", "relational-without-hints", "trm-neighbours", "trm-attention", "trm-mlp", "hrm-attention")


@dataclass(frozen=True)
class Options:
    """What to run."""

    flops: float = 1e13
    """Floating-point operations of each training run, forward and backward."""
    networks: tuple[str, ...] = NETWORKS
    """Which."""
    _: KW_ONLY
    seed: int = 0
    """Seed of every run."""
    mazes: int = 500
    """Mazes of 12x12 to test on."""
    large: int = 50
    """Mazes of 30x30 to test on."""
    results: Path = Path("runs/compare_on_mazes.json")
    """Where results are kept."""


def network(name: str) -> RunConfig:
    """The run of a network, before its length is set."""
    first = get_recipe("maze").first
    data = replace(first.data, task=TASK, train="mixed", num_validation=40)
    if name.startswith("relational"):
        train = replace(first.train, phases=())
        if name != "relational":
            train = replace(train, hint_loss_weight=0.0, hint_speed=0.0)
        return replace(first, train=train, data=data)
    small = get_recipe("maze10").config
    mixer = name.partition("-")[2]
    model = replace(small.model, mixer=mixer)
    if mixer != "neighbours":
        model = replace(model, hidden_size=96, num_heads=4, inner_multiple=32)
        model = replace(model, positions="rope" if mixer == "attention" else "none")
    config = replace(small, model=model, data=data, train=replace(small.train, phases=()))
    return as_hrm(config) if name.startswith("hrm") else config


def batch_of(config: RunConfig) -> int:
    """Number of 12x12 mazes of an update."""
    cells = config.train.batch_cells
    return config.train.batch_size if cells is None else cells // 144


def depths(config: RunConfig) -> list[ModelConfig]:
    """The models at the depths that updates have, each as often as the others."""
    of_T = range(1, config.model.T + 1) if config.train.vary_T else [config.model.T]
    return [replace(config.model, T=T) for T in of_T]


def run(name: str, options: Options) -> dict[str, Any]:
    """Trains one network; its cost and its figures."""
    import torch

    from ponderling.models import build_model, count_parameters, shape_of
    from ponderling.solving.evaluate import evaluate
    from ponderling.solving.solver import Solver
    from ponderling.tasks import get_task
    from ponderling.tasks.maze import Maze
    from ponderling.training.starting import start

    config, task = network(name), get_task(TASK)
    assert isinstance(task, Maze)
    test = task.generate(np.random.default_rng(11), options.mazes)
    tokens = torch.from_numpy(test.tokens[:4].astype("int64"))
    ids = torch.zeros(len(tokens), dtype=torch.long)
    probe = build_model(config.model, shape_of(task), relations=task.relations)
    each = [flops_of_update(probe, model, tokens=tokens, ids=ids) for model in depths(config)]
    steps = round(options.flops / (batch_of(config) * sum(each) / len(each)))
    config = replace(
        config,
        train=replace(config.train, steps=steps, seed=options.seed, ema_rate=0.0),
        run=replace(config.run, eval_every=steps, log_every=50, threads=1),
    )
    out = options.results.parent / f"mazes_{name}_{options.flops:.0e}_{options.seed}"
    trainer = start(config, out, resume=True)
    trainer.run()
    figures = {}
    for label, size, count in (("12x12", TASK, options.mazes), ("30x30", LARGE, options.large)):
        family = get_task(size)
        assert isinstance(family, Maze)
        if size != TASK and "mlp" in name:
            continue
        model = trainer.evaluated_model.eval()
        if size != TASK:
            larger = build_model(config.model, shape_of(family), relations=family.relations)
            larger.load_state_dict(model.state_dict())
            model = larger.eval()
        puzzles = test if size == TASK else family.generate(np.random.default_rng(12), count)
        solver = Solver(model, family, config=replace(config, data=replace(config.data, task=size)))
        outcome = evaluate(solver, puzzles, batch_size=16, steps=24)
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
    """Markdown: exact and valid after 24 steps without search, and right cells."""
    lines = [
        "| network | parameters | updates | minutes | 12x12: exact, valid | right cells | 30x30: exact, valid |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in results:
        small, large = (r["figures"].get(label) for label in ("12x12", "30x30"))
        shown = [f"{100 * f['exact']:.1f}, {100 * f['valid']:.1f}%" if f else "–" for f in (small, large)]
        lines.append(
            f"| {r['network']} | {r['parameters']:,} | {r['updates']:,} | {r['seconds'] / 60:.0f} | {shown[0]} | "
            f"{100 * small['cells']:.1f}% | {shown[1]} |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    """Runs what is not there yet and prints the table."""
    print(table(results_of(options, lambda name: run(name, options))))


if __name__ == "__main__":
    main(tyro.cli(Options))
