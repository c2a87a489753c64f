"""Minutes and FLOPs to 50, 80, 95 and 99% exact match on unseen puzzles: TRM's official settings beside our recipes.

    python benchmarks/bench_time_to_accuracy.py                       # every pair that fits --minutes; resumes
    python benchmarks/bench_time_to_accuracy.py --only 4x4 --minutes 5
    python benchmarks/bench_time_to_accuracy.py --recipes paper --device cuda

"Official" is the TRM repository's way for Sudoku (T 3, n 6, 16 steps, adam-atan2 at 1e-4 with weight decay 1, 2,000 warm-up
updates, EMA 0.999, float64 stablemax) at the width and batch of our recipe; "paper" is the same at its own D 512
and batch 768 in bfloat16, which would take days on a CPU. Every few updates the moving average solves --validation unseen
puzzles at 16 steps, without search; clock and count stop meanwhile. A run ends at 99%, or when its minutes are over; a goal
not reached is a dash. Operations are those of the matrix products; they do not depend on the device, so a GPU may be asked
where a CPU would take days. Minutes do, and with --compile or a compiled recipe they include the compiling.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
import tyro

from bench_step import flops_of_step
from ponderling.config import RunConfig
from ponderling.models import count_parameters
from ponderling.recipes import get_recipe
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.training.starting import start

GOALS = (0.5, 0.8, 0.95, 0.99)
COLOURS = {"ours": "tab:blue", "official TRM settings": "tab:orange", "official TRM recipe": "tab:red"}
"""Of a curve, by how its label begins."""
SIZES = {"4x4": "sudoku4", "6x6": "sudoku6", "9x9": "sudoku"}


@dataclass(frozen=True)
class Options:
    """What to measure."""

    only: tuple[Literal["4x4", "6x6", "9x9"], ...] = ()
    """Sizes; all if not given."""
    recipes: tuple[Literal["ours", "official", "paper"], ...] = ("ours", "official")
    """Our recipe; the official settings at its width and batch; the official recipe at its own."""
    _: KW_ONLY
    device: str = "cpu"
    """Where to train and to solve."""
    compile: bool = False
    """Compile the official networks, too; our recipes do as they say."""
    minutes: float = 30.0
    """Of training, at most, for each run."""
    checks: int = 40
    """Evaluations in the time that a run may take."""
    validation: int = 200
    """Puzzles of each evaluation."""
    unseen_9x9: Path | None = None
    """A file of 9x9 puzzles to be evaluated on; if not given the package's test set, as for the other sizes."""
    learn_9x9: str | None = None
    """Set of 9x9 puzzles that all learn from; if not given, ours `hunted` and the official ones `default`."""
    results: Path = Path("runs/time_to_accuracy.json")
    """Where curves are kept; a run that is in it is not made again, and must have been asked for alike."""
    beside: tuple[Path, ...] = ()
    """Such files of other runs, on another device, say, to show with these."""
    plot: Path | None = None
    """A picture of the curves; needs the extra `plot`."""

    def asked(self) -> dict[str, Any]:
        """What a run depends on besides its recipe, as it is kept with the curve."""
        names = ("device", "compile", "minutes", "checks", "validation", "unseen_9x9", "learn_9x9")
        return {name: str(value) if isinstance(value := getattr(self, name), Path) else value for name in names}


def paper(config: RunConfig) -> RunConfig:
    """The official TRM recipe as it is, on this recipe's task and the package's training puzzles."""
    recipe = get_recipe("trm-sudoku-mlp").config
    return replace(recipe, data=replace(config.data, train="default"))


def official(config: RunConfig) -> RunConfig:
    """The official TRM settings at this recipe's data, width and batch."""
    theirs = paper(config)
    small = get_recipe("sudoku9-small").config if config.model.system == "relational" else config
    model = replace(
        theirs.model,
        hidden_size=small.model.hidden_size,
        inner_multiple=small.model.inner_multiple,
        mixer="mlp",
        positions="none",
        puzzle_embedding_size=0,
        prefix_len=0,
        dtype="float32",
    )
    return replace(theirs, model=model, train=replace(theirs.train, batch_size=small.train.batch_size, steps=100_000))


def settings(name: str, size: str) -> tuple[str, RunConfig]:
    """Label and run of `ours`, `official` or `paper`; of the recipe sudoku the part that starts from random weights."""
    recipe = SIZES[size]
    ours = get_recipe(recipe).first
    if name == "ours":
        return f"ours, `{recipe}`", ours
    if name == "official":
        return "official TRM settings", official(ours)
    return "official TRM recipe", paper(ours)


def run(size: str, config: RunConfig, *, options: Options) -> dict[str, Any]:
    """One run's curve: minutes, FLOPs and exact match at every evaluation."""
    task = get_task(config.data.task)
    own = options.unseen_9x9 if size == "9x9" else None
    test = (task.load_default("test") if own is None else task.read(own))[: options.validation]
    if size == "9x9" and options.learn_9x9 is not None:
        config = replace(config, data=replace(config.data, train=options.learn_9x9))
    compiled = config.run.compile or options.compile
    config = replace(config, run=replace(config.run, device=options.device, compile=compiled))
    with tempfile.TemporaryDirectory() as folder:
        trainer = start(config, folder)
        flops_of: dict[tuple[int, int], float] = {}

        def flops_now() -> float:
            depth = trainer.model.config
            key = depth.n, depth.T
            if key not in flops_of:
                flops_of[key] = flops_of_step(replace(config, model=depth), trainer)
            return flops_of[key]

        curve: list[dict[str, float]] = []
        seconds, flops, checked = 0.0, 0.0, 0
        while trainer.step < config.train.steps and seconds < 60 * options.minutes:
            flops += flops_now()
            began = time.perf_counter()
            trainer.train_step()
            if trainer.device.type != "cpu":
                torch.accelerator.synchronize(trainer.device)
            seconds += time.perf_counter() - began
            due = seconds >= (checked + 1) * 60 * options.minutes / options.checks
            if due or trainer.step == config.train.steps:
                checked = int(seconds / (60 * options.minutes) * options.checks)
                solver = Solver(trainer.evaluated_model.eval(), task, config=config, device=trainer.device)
                outcome = evaluate(solver, test, steps=16)
                trainer.model.train()
                exact = outcome.to_json()["exact"]
                curve.append({"minutes": round(seconds / 60, 2), "flops": flops, "exact": exact, "step": trainer.step})
                print(size, config.model.system, curve[-1], flush=True)
                if exact >= GOALS[-1]:
                    break
        parameters = count_parameters(trainer.model)
    facts = {"parameters": parameters, "updates": trainer.step, "flops": flops, "seconds": round(seconds, 1)}
    return {"size": size, **options.asked(), **facts, "curve": curve}


def reached(curve: list[dict[str, float]], goal: float) -> dict[str, float] | None:
    """The first evaluation at which the goal was reached."""
    return next((point for point in curve if point["exact"] >= goal), None)


def table(results: list[dict[str, Any]]) -> str:
    """Markdown: minutes and FLOPs to each goal."""
    lines = [
        "| puzzles | recipe | parameters | " + " | ".join(f"{goal:.0%}" for goal in GOALS) + " | best, when ended |",
        "| --- | --- | ---: |" + " ---: |" * (len(GOALS) + 1),
    ]
    for result in results:
        cells = []
        for goal in GOALS:
            point = reached(result["curve"], goal)
            cells.append("–" if point is None else f"{point['minutes']:.1f} min, {point['flops']:.1e}")
        best = max((point["exact"] for point in result["curve"]), default=0.0)
        lines.append(
            f"| {result['size']} | {result['recipe']} | {result['parameters']:,} | {' | '.join(cells)} | {best:.1%}, "
            f"{result['seconds'] / 60:.1f} min on {result['device']}, {result['flops']:.1e} |"
        )
    return "\n".join(lines)


def check_alike(known: dict[str, Any], options: Options) -> None:
    """Refuses to pass off a run that is in the results as one that was asked for differently."""
    for name, wanted in options.asked().items():
        if known.get(name) != wanted:
            raise SystemExit(
                f"{options.results}: {known['size']} {known['recipe']} was run with {name} {known.get(name)}, not {wanted}: "
                "ask for the same, or name another file (--results)"
            )


def plot(results: list[dict[str, Any]], file: Path) -> None:
    """Exact match against operations, which do not depend on the device; a panel for each size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = list(dict.fromkeys(result["size"] for result in results))
    figure, axes = plt.subplots(1, len(sizes), figsize=(4 * len(sizes), 3.4), squeeze=False, constrained_layout=True)
    for axis, size in zip(axes[0], sizes):
        for result in results:
            if result["size"] == size:
                colour = next((c for start, c in COLOURS.items() if result["recipe"].startswith(start)), None)
                points = result["curve"]
                exact = [100 * p["exact"] for p in points]
                axis.plot([p["flops"] for p in points], exact, ".-", color=colour, label=result["recipe"].split(",")[0])
        axis.set(title=size, xlabel="floating-point operations", ylabel="exact match, %", ylim=(-2, 102))
        axis.set_xscale("log")
        axis.spines[["top", "right"]].set_visible(False)
    lines = {line.get_label(): line for axis in axes[0] for line in axis.get_lines()}
    figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=len(lines), frameon=False)
    figure.savefig(file, dpi=110)


def main(options: Options) -> None:
    """Runs what is not there yet, prints the table."""
    if options.minutes <= 0 or options.checks < 1:
        raise SystemExit(f"--minutes and --checks must be above 0: got {options.minutes} and {options.checks}")
    options.results.parent.mkdir(parents=True, exist_ok=True)
    done = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else []
    for size in SIZES:
        if options.only and size not in options.only:
            continue
        for name in options.recipes:
            label, config = settings(name, size)
            if (known := next((r for r in done if (r["size"], r["recipe"]) == (size, label)), None)) is not None:
                check_alike(known, options)
                continue
            done.append({"recipe": label, **run(size, config, options=options)})
            options.results.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    done += [result for file in options.beside for result in json.loads(file.read_text(encoding="utf-8"))]
    done.sort(key=lambda result: list(SIZES).index(result["size"]))
    print(table(done))
    if options.plot:
        plot(done, options.plot)


if __name__ == "__main__":
    main(tyro.cli(Options))
