"""Tasks that nobody here made up, each as a file: what the default of `ponderling train --data FILE` makes of them.

    python benchmarks/bench_tasks.py --show                               # an example of each file; trains nothing
    python benchmarks/bench_tasks.py --jobs 2                             # every task, model and seed that is not measured yet
    python benchmarks/bench_tasks.py --tasks sudoku,flood_fill --models default,conv --seeds 1 --minutes 2
    python benchmarks/bench_tasks.py --seeds 0 --plot tasks.png           # measures nothing; table and picture of what there is
    python benchmarks/bench_tasks.py --seeds 0 --minutes 3 --results docs/tasks.json --plot docs/pictures/tasks.png

It needs the extra `gym`, and `plot` for the picture. `outsiders/task.py` says how the files of a task are drawn apart.

Models:

- `default`: the run that `ponderling train --data FILE --test FILE` sets up without further flags.
- `trm`: a plain TRM, which was the default for every file at first. Its settings are written out in `outsiders/recursive.py`.
- `conv`, `transformer`: plain torch, about as many parameters as the default, AdamW and a cosine. See `outsiders/plain.py`.

Time: every training has the same CPU seconds of one thread (`--minutes`). A few updates and one evaluation are timed first, on
other weights. Then as many updates are made as fit in, beside at most 20 evaluations. The schedule of learning rates ends with
the last. Of the default's settings this changes `--train.steps` and those that say when to evaluate and to save.
A training ends early when it has had every validation answer right three times in a row. It is cut off when it takes 15% longer
than planned. Setting up, drawing files and the final test are not counted.
A tenth of the training examples, 500 at most, is for validation. The weights that did best on these are tested.

The first table has exact match on questions that were not trained on, in percent, after all steps of thinking: the mean over
seeds, with the lowest and the highest. In brackets is the share of answers that a rule calls right, where a question may have
several. The second table has the sizes that training did not show. A dash is a network that cannot read them.

Files are drawn once, into `--data`. Delete its folders to draw them again. A result belongs to its files, minutes and seed, but
it does not know the code: give other `--results` after a change of the default.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from outsiders import TASKS
from outsiders.task import Files, Task, make_files, read_pairs
from ponderling.system import write_text

MODELS = ("default", "trm", "conv", "transformer")
COLOURS = {"default": "tab:blue", "trm": "tab:orange", "conv": "tab:green", "transformer": "tab:grey"}

Names = Annotated[str, tyro.conf.arg(metavar="A,B,...")]


@dataclass(frozen=True)
class Options:
    """What to measure."""

    tasks: Names = ""
    """Tasks, with commas between; all if not given."""
    models: Names = ""
    """Models, with commas between; all if not given."""
    _: KW_ONLY
    seeds: int = 3
    """Seeds 0, 1, ... of each model; 0: nothing is measured, nor are files drawn."""
    minutes: float = 10.0
    """CPU minutes of each training."""
    jobs: int = 1
    """Trainings at a time, one thread each."""
    data: Path = Path("runs/tasks/data")
    """Where the tasks' files are, or will be."""
    results: Path = Path("runs/tasks/results.json")
    """Where results are kept; a training that is in it is not made again."""
    plot: Path | None = None
    """A picture of the table; needs the extra `plot`."""
    show: bool = False
    """Show an example of each file and stop."""

    @property
    def wanted_tasks(self) -> list[Task]:
        """The tasks that were asked for."""
        return [TASKS[name] for name in _known(self.tasks, tuple(TASKS), option="--tasks")]

    @property
    def wanted_models(self) -> list[str]:
        """The models that were asked for."""
        return _known(self.models, MODELS, option="--models")


def _known(text: str, names: Sequence[str], *, option: str) -> list[str]:
    """The names in a text; all names where it is empty."""
    wanted = [name for name in text.split(",") if name] or list(names)
    if unknown := [name for name in wanted if name not in names]:
        raise SystemExit(f"{option}: unknown {', '.join(unknown)}; there are {', '.join(names)}")
    return wanted


def measure(name: str, model: str, *, files: Files, seed: int, minutes: float) -> dict[str, Any]:
    """Trains one model on one task; its figures. It is meant for a process of its own, whose CPU time it measures."""
    import torch

    from outsiders import plain, recursive
    from ponderling.data import task_of
    from ponderling.models import shape_of

    torch.set_num_threads(1)
    task = TASKS[name]
    if model in ("default", "trm"):
        config = recursive.default(files)[0] if model == "default" else recursive.plain_trm(files)
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            course = recursive.train(config, run, seconds=60 * minutes, seed=seed)
            figures = {part: recursive.score(run, file, rule=task.rule) for part, file in _tested(files)}
    else:
        config = recursive.plain_trm(files)  # for its data: no symmetries, whatever the default uses
        family = task_of(config.data)
        network, course = plain.train(
            "conv" if model == "conv" else "transformer",
            family.load_split(config.data),
            shape=shape_of(family),
            parameters=recursive.default(files)[1],
            seconds=60 * minutes,
            seed=seed,
        )
        figures = {part: plain.score(network, file, data=config.data, rule=task.rule) for part, file in _tested(files)}
    return {
        "task": name,
        "model": model,
        "seed": seed,
        "minutes": minutes,
        "files": files.digest(),
        **asdict(course),
        **figures,
    }


def _tested(files: Files) -> Iterator[tuple[str, Path]]:
    yield "test", files.test
    if files.unseen is not None:
        yield "unseen", files.unseen


def key(result: dict[str, Any]) -> tuple[Any, ...]:
    """What a result is of: two with the same key would be measured twice."""
    return tuple(result[name] for name in ("task", "model", "seed", "minutes", "files"))


def keep(result: dict[str, Any], file: Path) -> None:
    """Adds a result to the file, beside those that another process may have added."""
    done = [other for other in read_results(file) if key(other) != key(result)]
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([*done, result], indent=1) + "\n"
    write_text(file, text)


def read_results(file: Path) -> list[dict[str, Any]]:
    """The results that are kept in the file; none where it is missing."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def percents(values: Sequence[float]) -> str:
    """Mean of shares as a percentage, with the lowest and highest of several."""
    mean = f"{100 * statistics.mean(values):.1f}"
    spread = f" ({100 * min(values):.1f} to {100 * max(values):.1f})" if max(values) > min(values) else ""
    return f"{mean}{spread}"


def cell(results: Sequence[dict[str, Any]], part: str) -> str:
    """What one model did in one task on `test` or `unseen`; empty where nothing was measured, a dash where it cannot."""
    figures = [result[part] for result in results if part in result]
    if not figures:
        return ""
    if None in figures:
        return "–"
    valid = [figure["valid"] for figure in figures if figure["valid"] is not None]
    return percents([figure["exact"] for figure in figures]) + (f" [{percents(valid)}]" if valid else "")


def table(results: Sequence[dict[str, Any]], part: str) -> str:
    """Markdown: exact match of each model in each task, in percent, and in brackets the share that a rule calls right."""
    models = [model for model in MODELS if any(result["model"] == model for result in results)]
    sizes = "sizes" if part == "test" else "sizes not trained on"
    lines = [f"| task | {sizes} | " + " | ".join(models) + " |", "| --- | --- |" + " ---: |" * len(models)]
    for task in TASKS.values():
        cells = [cell([r for r in results if (r["task"], r["model"]) == (task.name, model)], part) for model in models]
        if any(cells):
            shown = task.sizes if part == "test" else task.unseen_sizes
            lines.append(f"| {task.name} | {shown} | {' | '.join(cells)} |")
    return "\n".join(lines)


def costs(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: parameters, updates and CPU minutes of each model, from the smallest to the largest of all trainings.

    Older results do not say these.
    """
    lines = ["| model | trainings | parameters | updates | CPU minutes |", "| --- | ---: | ---: | ---: | ---: |"]
    for model in MODELS:
        own = [result for result in results if result["model"] == model and "updates" in result]
        if own:
            columns = (("parameters", ",.0f", 1), ("updates", ",.0f", 1), ("seconds", ".1f", 60))
            ranges = []
            for name, form, unit in columns:
                low, high = (format(end(result[name] for result in own) / unit, form) for end in (min, max))
                ranges.append(low if low == high else f"{low} to {high}")
            lines.append(f"| {model} | {len(own)} | {' | '.join(ranges)} |")
    return "\n".join(lines)


def plot(results: Sequence[dict[str, Any]], file: Path) -> None:
    """Horizontal bars of exact match, mean over seeds with a dot for each, and pale ones of what a rule calls right."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    models = [model for model in MODELS if any(result["model"] == model for result in results)]
    tasks = [name for name in TASKS if any(result["task"] == name for result in results)]
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 1.2 + 0.075 * (len(models) + 1) * len(tasks)), sharey=True, constrained_layout=True
    )
    for axis, part, title in zip(axes, ("test", "unseen"), ("sizes trained on", "sizes not trained on"), strict=True):
        for number, model in enumerate(models):
            for row, name in enumerate(tasks):
                own = [r[part] for r in results if (r["task"], r["model"]) == (name, model) and r.get(part) is not None]
                place = row + (number - (len(models) - 1) / 2) / (len(models) + 1)
                exact = [100 * figures["exact"] for figures in own]
                valid = [100 * figures["valid"] for figures in own if figures["valid"] is not None]
                if valid:
                    height = 0.8 / (len(models) + 1)
                    axis.barh(place, statistics.mean(valid), height=height, color=COLOURS[model], alpha=0.3)
                if exact:
                    axis.barh(place, statistics.mean(exact), height=0.8 / (len(models) + 1), color=COLOURS[model])
                    axis.plot(exact, [place] * len(exact), ".", color="black", markersize=2.5)
        axis.set(title=title, xlabel="exact match, %; pale: right by the rule; no dot: not measured", xlim=(-1, 101))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(tasks)), tasks)
    axes[0].set_ylim(len(tasks) - 0.4, -0.6)
    handles = [Patch(color=COLOURS[model]) for model in models]
    figure.legend(handles, models, loc="outside upper center", ncols=len(models), frameon=False)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def show(tasks: Sequence[Task], folder: Path) -> None:
    """Prints what each task asks, and the first example of each of its files."""
    for task in tasks:
        files = make_files(task, folder / task.name)
        print(f"{task.name}: {task.asks}")
        for path in (files.train, *(file for _, file in _tested(files))):
            for side, grid in read_pairs(path)[0].items():
                print(f"\n{path.stem}, {side}")
                print("\n".join(" ".join(map(str, row)) for row in grid))
        print()


def measure_all(tasks: Sequence[Task], models: Sequence[str], *, options: Options) -> list[str]:
    """Measures what is not in the results yet, and keeps each result as it comes; says what failed, a line each."""
    done = {key(result) for result in read_results(options.results)}
    files = {task.name: make_files(task, options.data / task.name) for task in tasks}
    digests = {name: found.digest() for name, found in files.items()}
    wanted = [
        (task.name, model, seed)
        for seed in range(options.seeds)
        for task in tasks
        for model in models
        if (task.name, model, seed, options.minutes, digests[task.name]) not in done
    ]
    failed = []
    # One process for each training: CPU time is the process's, and nothing is left over from the one before.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(options.jobs, mp_context=spawn, max_tasks_per_child=1)
    try:
        jobs: dict[Future[dict[str, Any]], tuple[str, str, int]] = {
            pool.submit(measure, name, model, files=files[name], seed=seed, minutes=options.minutes): (
                name,
                model,
                seed,
            )
            for name, model, seed in wanted
        }
        for job in as_completed(jobs):
            try:
                result = job.result()
            except Exception as error:  # the other trainings are worth having
                failed.append(f"{', '.join(map(str, jobs[job]))}: {type(error).__name__}: {error}")
                continue
            keep(result, options.results)
            print({name: result.get(name) for name in ("task", "model", "seed", "test", "unseen", "ended")}, flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def main(options: Options) -> None:
    """Measures what is not there yet, prints the tables."""
    if options.minutes <= 0 or options.jobs < 1 or options.seeds < 0:
        raise SystemExit(
            f"--minutes must be above 0, --jobs at least 1, --seeds at least 0: got {options.minutes}, {options.jobs} and "
            f"{options.seeds}"
        )
    tasks, models = options.wanted_tasks, options.wanted_models
    if options.show:
        show(tasks, options.data)
        return
    failed = measure_all(tasks, models, options=options) if options.seeds else []
    chosen = {task.name for task in tasks}
    results = [
        result
        for result in read_results(options.results)
        if result["task"] in chosen and result["model"] in models and result["minutes"] == options.minutes
    ]
    for part in ("test", "unseen"):
        print(f"\n{table(results, part)}")
    print(f"\n{costs(results)}")
    if options.plot is not None:
        plot(results, options.plot)
    if failed:
        raise SystemExit("\n".join(["", *failed]))


if __name__ == "__main__":
    main(tyro.cli(Options))
