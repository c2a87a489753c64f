"""Pictures of numbers: how runs went (their `metrics.jsonl`), and what thinking longer is worth (`ponderling eval --json`)."""

from __future__ import annotations

import functools
import importlib.util
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from ponderling.system import read_log, write_atomically
from ponderling.tasks.opened import read_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

COLOURS = ("#0b62c4", "#d1590b", "#16803c", "#8a4bd6", "#b3272e", "#0f8a8a", "#7a5c00", "#5b6673")
"""One for each run; told apart by colour-blind eyes as well as eight can be."""
STYLE: dict[Any, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#93a0af",
    "axes.grid": True,
    "grid.color": "#e4e8ed",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.hashsalt": "ponderling",  # else every SVG of the same numbers is another file
}
ENDINGS = (".png", ".svg", ".pdf")


@dataclass(frozen=True, kw_only=True)
class Run:
    """The lines of one run's log."""

    name: str
    train: list[dict[str, Any]]
    eval: list[dict[str, Any]]
    test: dict[str, Any] | None


def need_matplotlib() -> None:
    """Raises ModuleNotFoundError where the extra is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError("plots need the package matplotlib: pip install 'ponderling[plot]'")


def read_run(folder: str | Path) -> Run:
    """A run's log.

    Raises:
        ValueError: when the folder has no log, or the log no line yet.
    """
    lines = read_metrics(Path(folder))
    if not lines:
        raise ValueError(f"{folder}: its metrics.jsonl holds no line yet")
    kinds = {kind: [line for line in lines if line["kind"] == kind] for kind in ("train", "eval", "test")}
    test = kinds["test"][-1] if kinds["test"] else None
    return Run(name=Path(folder).resolve().name, train=kinds["train"], eval=kinds["eval"], test=test)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Every line that a run has written so far.

    Raises:
        ValueError: when the folder holds no metrics.jsonl, or a line of it is damaged.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        raise ValueError(f"{folder}: no metrics.jsonl in it: not a run folder")
    return [values for _, values in read_log(path)]


def read_evaluation(file: str | Path) -> dict[str, Any]:
    """The figures that `ponderling eval --json` printed, with the file's name as `name`; it says if puzzles were trained on.

    Raises:
        ValueError: when it is not such a file.
    """
    file = Path(file)
    if file.name == "metrics.jsonl":
        raise ValueError(f"{file}: this is the log of a run: name its folder, {file.parent}, to plot the run")
    figures = read_json(file)  # PowerShell's > writes UTF-16
    if not isinstance(figures, dict) or not {"exact", "by_rating", "mean_steps"} <= figures.keys():
        raise ValueError(f"{file}: expected what `ponderling eval --json` prints, with exact, by_rating and mean_steps")
    seen, count = figures.get("trained_on"), figures.get("puzzles")
    beware = f" ({seen:,} of {count:,} puzzles trained on)" if isinstance(seen, int) and seen and count else ""
    return figures | {"name": file.stem + beware}


def save(figure: Figure, file: str | Path) -> None:
    """Writes the picture as the file's ending says, whole or not at all.

    Raises:
        ValueError: for another ending than .png, .svg or .pdf.
    """
    file = Path(file)
    check_ending(file)
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(file.suffix)

    from matplotlib import rc_context

    drawn = io.BytesIO()  # a full disk would be reported by matplotlib's PDF writer as something else
    with rc_context(STYLE):
        figure.savefig(drawn, format=file.suffix[1:], dpi=150, metadata=metadata)
    write_atomically(file, lambda path: path.write_bytes(drawn.getbuffer()))


def check_ending(file: Path) -> None:
    """Raises ValueError for a file that `save` could not write."""
    if file.suffix not in ENDINGS:
        raise ValueError(f"a plot is written to a file that ends in {', '.join(ENDINGS)}: got {file.name}")


# Runs


def _styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Wraps a drawing function in this package's style, and leaves the caller's style unchanged."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        from matplotlib import rc_context

        with rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled


@_styled
def plot_runs(runs: Sequence[Run]) -> Figure:
    """Loss, exact match, steps, halting precision and exact match by rating over a run's updates; several side by side."""
    figure, axes = _panels(2, 3, size=(12, 6.4))
    loss, exact, steps, precision, rating, notes = axes
    loss.set_title("loss of the answer")
    exact.set_title("exact match")
    steps.set_title("supervision steps, early exit")
    precision.set_title("halting precision: right when it stopped")
    for run, colour in zip(runs, _cycle(COLOURS), strict=False):
        _line(loss, run.train, key="answer_loss", colour=colour, faint=True)
        _line(exact, run.train, key="exact", colour=colour, faint=True)
        _line(exact, run.eval, key="exact", colour=colour)
        _line(steps, run.train, key="mean_steps", colour=colour, faint=True)
        _line(steps, run.eval, key="mean_steps", colour=colour)
        points = [{"step": line["step"], "precision": line["halting"]["precision"]} for line in run.eval]
        _line(precision, points, key="precision", colour=colour)
    loss.set_yscale("log")
    for axis in (exact, precision):
        _percent(axis)
    for axis in (loss, exact, steps, precision):
        axis.set_xlabel("updates")
        axis.set_xlim(left=0)
    if len(runs) == 1:
        _rating_over_time(rating, runs[0])
    else:
        _rating_at_the_end(rating, runs)
    _notes(notes, runs)
    return figure


def _line(axis: Axes, lines: Iterable[Mapping[str, Any]], *, key: str, colour: str, faint: bool = False) -> None:
    """One curve; what training itself shows is faint beside what the held-out puzzles do."""
    points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
    if points:
        look: dict[str, Any] = {"alpha": 0.35, "linewidth": 1} if faint else {"marker": ".", "markersize": 6}
        axis.plot(*zip(*points, strict=True), color=colour, **look)


def _rating_over_time(axis: Axes, run: Run) -> None:
    axis.set_title("exact match by rating")
    names = [row["rating"] for row in run.eval[-1]["by_rating"]] if run.eval else []
    for name, shade in zip(names, _shades(len(names)), strict=True):
        points = [
            {"step": line["step"], "exact": row["exact"]}
            for line in run.eval
            for row in line["by_rating"]
            if row["rating"] == name
        ]
        _line(axis, points, key="exact", colour=shade)
        axis.lines[-1].set_label(name)
    axis.set_xlabel("updates")
    axis.set_xlim(left=0)
    _percent(axis)
    _legend_or(axis, "the held-out puzzles have no ratings")


def _rating_at_the_end(axis: Axes, runs: Sequence[Run]) -> None:
    axis.set_title("exact match by rating, last evaluation")
    rows = [run.eval[-1]["by_rating"] if run.eval else [] for run in runs]
    _bars(axis, [run.name for run in runs], rows=rows, key="exact")
    _percent(axis)


def _notes(axis: Axes, runs: Sequence[Run]) -> None:
    """In words: which colour is which run, and how the test went."""
    axis.axis("off")
    height = 0.98
    for run, colour in zip(runs, _cycle(COLOURS), strict=False):
        axis.text(0, height, run.name, color=colour, weight="bold", va="top", transform=axis.transAxes)
        last = (run.train or run.eval or [run.test or {"step": 0}])[-1]
        words = f"{last['step']:,} updates" + (f", {last['seconds']:,.0f} s" if "seconds" in last else "")
        if run.test is not None:
            words += f"\ntest: exact {run.test['exact']:.1%} of {run.test['puzzles']:,} at {run.test['steps']} steps"
            words += f"\nwith early exit {run.test['early_exit']['exact']:.1%} at {run.test['mean_steps']:.1f} steps"
        axis.text(0, height - 0.07, words, va="top", transform=axis.transAxes, color="#3f4854")
        height -= 0.15 + 0.07 * words.count("\n") + 0.06
    axis.text(
        0, 0, "strong: held-out puzzles; faint: while training", va="bottom", transform=axis.transAxes, color="#6a7482"
    )


# Evaluations


@_styled
def plot_evaluations(evaluations: Sequence[Mapping[str, Any]]) -> Figure:
    """Accuracy against test-time compute, and difficulty against steps taken, for what `ponderling eval --json` printed."""
    figure, (compute, difficulty, accuracy) = _panels(1, 3, size=(13, 4.3))
    compute.set_title("exact match against supervision steps")
    for figures, colour in zip(evaluations, _cycle(COLOURS), strict=False):
        compute.plot(*_by_compute(figures), color=colour, marker=".", label=figures["name"])
    compute.set_xscale("log", base=2)
    compute.xaxis.set_major_formatter("{x:,.0f}")
    compute.set_xlabel("steps for a puzzle, in all attempts")
    _percent(compute)
    compute.legend()
    names = [figures["name"] for figures in evaluations]
    rows = [figures["by_rating"] for figures in evaluations]
    difficulty.set_title("steps taken, by difficulty")
    _bars(difficulty, names, rows=rows, key="mean_steps")
    difficulty.set_ylabel("mean steps")
    if max((row["mean_steps"] for group in rows for row in group), default=0) > 50:
        difficulty.set_yscale("log")
    accuracy.set_title("exact match, by difficulty")
    _bars(accuracy, names, rows=rows, key="exact")
    _percent(accuracy)
    return figure


def _by_compute(figures: Mapping[str, Any]) -> tuple[list[int], list[float]]:
    """Numbers of steps, and the share of puzzles right within each; with search, steps of all attempts count."""
    if "exact_by_step" in figures:
        return list(range(1, len(figures["exact_by_step"]) + 1)), figures["exact_by_step"]
    return [int(steps) for steps in figures["exact_within"]], list(figures["exact_within"].values())


def _bars(axis: Axes, names: Sequence[str], *, rows: Sequence[Sequence[Mapping[str, Any]]], key: str) -> None:
    """For each rating a group of bars, one for each run or file."""
    ratings = sorted({row["rating"] for group in rows for row in group}, key=lambda r: int(r.split("-")[0].rstrip("+")))
    width = 0.8 / max(1, len(names))
    for i, (name, group, colour) in enumerate(zip(names, rows, _cycle(COLOURS), strict=False)):
        found = {row["rating"]: row[key] for row in group}
        places = [place + (i - (len(names) - 1) / 2) * width for place, r in enumerate(ratings) if r in found]
        axis.bar(places, [found[r] for r in ratings if r in found], width * 0.92, color=colour, label=name)
    counts = {r: {row["puzzles"] for group in rows for row in group if row["rating"] == r} for r in ratings}
    same = all(len(numbers) == 1 for numbers in counts.values())  # else a number below a group would be one's own
    axis.set_xticks(range(len(ratings)), [f"{r}\n{min(counts[r]):,}" if same else r for r in ratings])
    axis.set_xlabel("rating, and how many puzzles" if same else "rating")
    axis.grid(False, axis="x")
    if not ratings:
        _legend_or(axis, "no ratings")


# Looks


def _panels(rows: int, columns: int, *, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, list(figure.subplots(rows, columns).flat)


def _percent(axis: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_ylim(-0.02, 1.03)
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _legend_or(axis: Axes, words: str) -> None:
    if axis.get_legend_handles_labels()[0]:
        axis.legend(title="rating", ncols=2, loc="lower right")
    else:
        axis.text(0.5, 0.5, words, ha="center", va="center", transform=axis.transAxes, color="#6a7482")


def _shades(count: int) -> list[str]:
    """From light to dark, for easy to hard."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis_r"]((i + 0.7) / (count + 0.4))) for i in range(count)]


def _cycle(colours: Sequence[str]) -> Iterable[str]:
    while True:
        yield from colours
