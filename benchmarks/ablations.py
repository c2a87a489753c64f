"""Every ablation of the TRM paper, and HRM, at one budget on a small Sudoku: the table of docs/how-it-works.md.

    python benchmarks/ablations.py                      # runs what is not yet in the results file, then writes the table
    python benchmarks/ablations.py --only HRM --seeds 1 # part of it

There are few supervision steps: with more of them each change makes up for what it lacks by thinking longer, and the gaps
become small (dev/LOG.md). A budget is a number of updates with the same batch size and the same data; seconds and
FLOPs stand beside it, since an update does not cost the same for all. Runs use one thread each, two at a time, so that they do
not contend for cores.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any

import tyro

from ponderling.config import RunConfig
from ponderling.recipes import as_hrm, get_recipe

ROOT = Path(__file__).parent.parent
MARKS = ("<!-- ablations:begin -->\n", "<!-- ablations:end -->")


@dataclass(frozen=True)
class Options:
    """What to run."""

    recipe: str = "sudoku6"
    """The TRM run that every variant changes in one way."""
    updates: int = 500
    """Optimizer steps of each run."""
    _: KW_ONLY
    batch_size: int = 64
    """Slots."""
    N_sup: int = 2
    """Most supervision steps of a puzzle."""
    n: int = 4
    """Latent steps in a recursion."""
    T: int = 1
    """Recursions in a supervision step."""
    seeds: int = 3
    """Seeds 0, 1, ... of each variant."""
    workers: int = 2
    """Runs at a time, one thread each."""
    only: tuple[str, ...] = field(default=())
    """Names of variants; all if not given."""
    results: Path = ROOT / "docs" / "ablations.json"
    """Where results are kept; runs that are in it already are not run again."""
    page: Path = ROOT / "docs" / "how-it-works.md"
    """Where the table is written, between its two marks."""

    @property
    def budget(self) -> dict[str, Any]:
        """What all runs have in common, as their results say it."""
        return {name: getattr(self, name) for name in ("recipe", "updates", "batch_size", "N_sup", "n", "T")}

    @property
    def base(self) -> RunConfig:
        """The run that every variant changes.

        It has AdamW, of the papers' family of optimizers: with Muon, the recipe's own, all variants look alike.
        """
        config = get_recipe(self.recipe).config
        train = replace(config.train, optimizer="adamw", batch_size=self.batch_size, N_sup=self.N_sup)
        return replace(config, model=replace(config.model, n=self.n, T=self.T), train=train)


def _model(**changes: Any) -> Callable[[RunConfig], RunConfig]:
    return lambda config: replace(config, model=replace(config.model, **changes))


def _train(**changes: Any) -> Callable[[RunConfig], RunConfig]:
    return lambda config: replace(config, train=replace(config.train, **changes))


VARIANTS: dict[str, Callable[[RunConfig], RunConfig]] = {
    "TRM": lambda config: config,
    "1-step gradient": _model(gradient="one_step"),
    "separate L and H networks": _model(separate_networks=True),
    "four layers, n halved": lambda config: _model(num_layers=4, n=max(1, config.model.n // 2))(config),
    "attention with RoPE": _model(mixer="attention", positions="rope"),
    "attention with RoPE, lr 1e-3": lambda config: replace(
        config,
        model=replace(config.model, mixer="attention", positions="rope"),
        train=replace(config.train, lr=1e-3),
    ),
    "continue head, second forward pass": _train(halting="halt_continue"),
    "no EMA": _train(ema_rate=0.0),
    "single latent (z only)": _model(latents="single"),
    "one latent per level": _model(latents="many"),
    "HRM": as_hrm,
}


def run_variant(name: str, seed: int, *, options: Options) -> dict[str, Any]:
    """Trains one variant with one seed; its test figures and cost."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ponderling.models import count_parameters
    from ponderling.training.starting import start

    torch.set_num_threads(1)
    config = VARIANTS[name](options.base)
    train = replace(config.train, seed=seed, steps=options.updates)
    run = replace(config.run, threads=1, eval_every=max(1, options.updates // 10))
    with tempfile.TemporaryDirectory() as folder:
        trainer = start(replace(config, train=train, run=run), Path(folder) / "run")
        with FlopCounterMode(display=False) as counter:
            trainer.train_step()
        figures = trainer.run()
        lines = (Path(folder) / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    curve = [[line["step"], line["exact"]] for line in map(json.loads, lines) if line["kind"] == "eval"]
    return {
        "variant": name,
        "seed": seed,
        **options.budget,
        "parameters": count_parameters(trainer.model),
        "gflop_per_update": counter.get_total_flops() / 1e9,
        "seconds": round(trainer.seconds, 1),
        "exact": figures["exact"],
        "early_exact": figures["early_exit"]["exact"],
        "mean_steps": figures["mean_steps"],
        "steps": figures["steps"],
        "validation": curve,
    }


def main(options: Options) -> None:
    done = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else []
    have = {(r["variant"], r["seed"]) for r in done if options.budget.items() <= r.items()}
    wanted = [
        (name, seed)
        for seed in range(options.seeds)
        for name in VARIANTS
        if (not options.only or name in options.only) and (name, seed) not in have
    ]
    with ProcessPoolExecutor(options.workers) as pool:
        jobs = [pool.submit(run_variant, name, seed, options=options) for name, seed in wanted]
        for job in as_completed(jobs):
            done.append(job.result())
            options.results.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
            print({key: done[-1][key] for key in ("variant", "seed", "exact", "early_exact", "seconds")}, flush=True)
    table = make_table([r for r in done if options.budget.items() <= r.items()], options)
    print(table)
    page = options.page.read_text(encoding="utf-8")
    before, rest = page.split(MARKS[0])
    options.page.write_text(before + MARKS[0] + table + MARKS[1] + rest.split(MARKS[1])[1], encoding="utf-8")


def make_table(results: list[dict[str, Any]], options: Options) -> str:
    """Markdown: each variant's mean over seeds, with the lowest and highest."""
    steps = results[0]["steps"]
    lines = [
        f"Measured: `{options.recipe}`, {options.updates:,} updates of {options.batch_size} slots, N_sup {options.N_sup}, "
        f"n {options.n}, T {options.T}, AdamW, seeds 0 to {options.seeds - 1}. Exact match is on unseen puzzles at {steps} "
        "supervision steps, without search: mean (lowest to highest). Command: `make ablations`.\n",
        "| variant | parameters | GFLOP per update | seconds on one core | exact match | with early exit | mean steps |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in VARIANTS:
        runs = [r for r in results if r["variant"] == name]
        if not runs:
            continue
        exact, early = [100 * r["exact"] for r in runs], [100 * r["early_exact"] for r in runs]
        lines.append(
            f"| {name} | {runs[0]['parameters']:,} | {runs[0]['gflop_per_update']:.2f} | "
            f"{statistics.mean(r['seconds'] for r in runs):.0f} | "
            f"{statistics.mean(exact):.1f}% ({min(exact):.1f} to {max(exact):.1f}) | "
            f"{statistics.mean(early):.1f}% | {statistics.mean(r['mean_steps'] for r in runs):.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(tyro.cli(Options))
