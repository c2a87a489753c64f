"""Plots show the log's own numbers, and refuse what is no log in one line."""

from __future__ import annotations

import json

import pytest

from ponderling.cli import main

pytest.importorskip("matplotlib")

from ponderling.pictures.plots import Run, plot_evaluations, plot_runs, read_run


def log(steps=(10, 20, 30), exact=(0.1, 0.5, 0.9)) -> list[dict]:
    lines: list[dict] = []
    for step, share in zip(steps, exact, strict=True):
        lines.append(
            {
                "kind": "train",
                "step": step,
                "answer_loss": 1 / step,
                "exact": share / 2,
                "mean_steps": 8.0,
                "seconds": step,
            }
        )
        figures = {
            "puzzles": 40,
            "steps": 8,
            "exact": share,
            "mean_steps": 9 - 8 * share,
            "early_exit": {"exact": share},
        }
        halting = {"halted": 0.5, "precision": None if share < 0.2 else share, "recall": share}
        ratings = [
            {"rating": "0", "puzzles": 30, "exact": share, "mean_steps": 2.0},
            {"rating": "51+", "puzzles": 10, "exact": share / 3, "mean_steps": 7.5},
        ]
        lines.append({"kind": "eval", "step": step, **figures, "halting": halting, "by_rating": ratings})
    return [*lines, {**lines[-1], "kind": "test"}]


@pytest.fixture
def folder(tmp_path):
    run = tmp_path / "my run"
    run.mkdir()
    text = "".join(json.dumps(line) + "\n" for line in log())
    (run / "metrics.jsonl").write_text(text + '{"kind": "train", "st')  # as a killed process leaves it
    return run


def curves(axis) -> list[list[tuple[float, float]]]:
    return [list(zip(*line.get_data(), strict=True)) for line in axis.lines]


def test_a_plot_that_is_there_is_replaced_with_a_word(folder, tmp_path, capsys):
    picture = tmp_path / "run.svg"
    assert main(["plot", str(folder), "--out", str(picture)]) == 0
    assert "replacing" not in capsys.readouterr().err
    picture.write_text("old")
    assert main(["plot", str(folder), "--out", str(picture)]) == 0
    assert f"{picture} is there already: replacing it\n" in capsys.readouterr().err
    assert "<svg" in picture.read_text()


def test_the_curves_are_the_numbers_of_the_log(folder):
    run = read_run(folder)
    assert run.name == "my run"
    axes = {axis.get_title("left"): axis for axis in plot_runs([run]).axes}
    assert curves(axes["loss of the answer"]) == [[(10, 0.1), (20, 0.05), (30, 1 / 30)]]
    assert curves(axes["exact match"])[1] == [(10, 0.1), (20, 0.5), (30, 0.9)]
    assert curves(axes["halting precision: right when it stopped"]) == [[(20, 0.5), (30, 0.9)]]
    by_rating = axes["exact match by rating"]
    assert [line.get_label() for line in by_rating.lines] == ["0", "51+"]
    assert curves(by_rating)[1][-1] == (30, pytest.approx(0.3))


def test_runs_side_by_side_have_a_colour_each(folder):
    one = read_run(folder)
    other = Run(name="other", train=one.train, eval=[], test=None)
    figure = plot_runs([one, other])
    axes = {axis.get_title("left"): axis for axis in figure.axes}
    assert len({line.get_color() for line in axes["loss of the answer"].lines}) == 2
    bars = axes["exact match by rating, last evaluation"].patches
    assert [bar.get_height() for bar in bars] == [pytest.approx(0.9), pytest.approx(0.3)]
    words = [text.get_text() for text in figure.axes[-1].texts]
    assert {"my run", "other"} <= set(words)


def evaluations() -> list[dict]:
    rows = [
        {"rating": "0", "puzzles": 8, "exact": 1.0, "mean_steps": 1.5},
        {"rating": "13-50", "puzzles": 4, "exact": 0.5, "mean_steps": 12.0},
    ]
    plain = {"name": "plain", "exact": 0.75, "mean_steps": 4, "exact_by_step": [0.25, 0.5, 0.75], "by_rating": rows}
    within = {"1": 0.25, "4": 0.75, "16": 1.0}
    return [plain, {"name": "search", "exact": 1.0, "mean_steps": 9, "exact_within": within, "by_rating": rows[:1]}]


def test_accuracy_stands_against_the_steps_spent():
    compute, difficulty, accuracy = plot_evaluations(evaluations()).axes
    assert curves(compute) == [[(1, 0.25), (2, 0.5), (3, 0.75)], [(1, 0.25), (4, 0.75), (16, 1.0)]]
    assert [bar.get_height() for bar in difficulty.patches] == [1.5, 12.0, 1.5]
    assert [text.get_text() for text in accuracy.get_xticklabels()] == ["0\n8", "13-50\n4"]


def test_the_command_draws_runs_and_evaluations(folder, tmp_path, capsys):
    assert main(["plot", str(folder), "--out", str(tmp_path / "run.png")]) == 0
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    for number, figures in enumerate(evaluations()):
        (tmp_path / f"{number}.json").write_text(json.dumps(figures))
    files = [str(tmp_path / "0.json"), str(tmp_path / "1.json")]
    drawn = []
    for _ in range(2):
        assert main(["plot", *files, "--out", str(tmp_path / "eval.svg")]) == 0
        drawn.append((tmp_path / "eval.svg").read_bytes())
    assert drawn[0] == drawn[1]  # the same numbers make the same file


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "name a run folder"),
        (["nowhere"], "nowhere: no such run folder or file"),
        (["."], "no metrics.jsonl in it: not a run folder"),
        (["empty"], "holds no line yet"),
        (["bad.json"], "bad.json: not JSON"),
        (["other.json"], "expected what `ponderling eval --json` prints"),
        (["empty", "bad.json"], "make different pictures"),
        (["empty", "--out", "a.gif"], "a plot is written to a file that ends in .png, .svg, .pdf: got a.gif"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(args, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "metrics.jsonl").write_text("")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "other.json").write_text("[]")
    assert main(["plot", *args]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
