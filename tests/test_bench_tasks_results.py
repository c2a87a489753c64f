"""The outsiders' results: the tables, the file that they are kept in, and what is refused."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bench_tasks as bench
from outsiders import TASKS
from outsiders.task import Files, make_files


def result(**other: Any) -> dict[str, Any]:
    known = {"task": "flood_fill", "model": "default", "seed": 0, "minutes": 10.0, "files": "0" * 12}
    course = {"parameters": 1000, "updates": 50, "seconds": 600.0, "validation": 1.0, "ended": "steps"}
    return {**known, **course, "test": {"exact": 0.5, "valid": None}, "unseen": None, **other}


def test_the_table_has_means_spreads_rules_and_dashes():
    results = [
        result(),
        result(seed=1, test={"exact": 0.75, "valid": None}),
        result(model="conv", unseen={"exact": 0.25, "valid": None}),
        result(task="lights_out", test={"exact": 0.1, "valid": 0.9}, unseen={"exact": 0.0, "valid": 0.0}),
    ]
    first_table, second = bench.table(results, "test"), bench.table(results, "unseen")
    assert first_table.splitlines()[0] == "| task | sizes | default | conv |"
    assert first_table.splitlines()[2] == "| flood_fill | 4x4 to 8x8 | 62.5 (50.0 to 75.0) | 50.0 |"
    assert first_table.splitlines()[3] == "| lights_out | 5x5 | 10.0 [90.0] |  |"
    assert second.splitlines()[2] == "| flood_fill | 10x10 to 12x12 | – | 25.0 |"
    assert bench.costs(results).splitlines()[2] == "| default | 3 | 1,000 | 50 | 10.0 |"


def test_the_results_in_the_documentation_are_shown_without_measuring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Some of them are of sessions that kept no number of updates."""
    kept = Path(__file__).parent.parent / "docs" / "tasks.json"
    before = kept.read_bytes()
    bench.main(bench.Options(seeds=0, minutes=3.0, results=kept, data=tmp_path, plot=tmp_path / "tasks.png"))
    shown = capsys.readouterr().out
    assert "| binary_matrix | " in shown
    assert {row["task"] for row in bench.read_results(kept)} == set(TASKS)
    assert (tmp_path / "tasks.png").stat().st_size > 10_000
    assert not list(tmp_path.glob("*/train.jsonl"))
    assert kept.read_bytes() == before


def test_results_are_added_to_the_file_and_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file, data = tmp_path / "results.json", tmp_path / "data"
    files = make_files(replace(TASKS["flood_fill"], train=20, test=5), data / "flood_fill")
    for seed in (0, 1, 0):
        bench.keep(result(seed=seed, files=files.digest(), minutes=1.0), file)
    assert [found["seed"] for found in bench.read_results(file)] == [1, 0]
    picture = tmp_path / "tasks.png"
    options = bench.Options(
        "flood_fill", "default", seeds=2, minutes=1.0, data=data, results=file, plot=picture, jobs=1
    )
    began = time.perf_counter()
    bench.main(options)  # nothing is left to train
    assert time.perf_counter() - began < 20
    assert "| flood_fill | 4x4 to 8x8 | 50.0 |" in capsys.readouterr().out
    assert picture.stat().st_size > 1000
    assert len(bench.read_results(file)) == 2


def test_a_training_that_fails_leaves_the_others_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Pool:
        """Runs each job when it is submitted."""

        def __init__(self, *_: Any, **__: Any) -> None: ...

        def submit(self, function: Any, *args: Any, **named: Any) -> Any:
            job: bench.Future[Any] = bench.Future()
            try:
                job.set_result(function(*args, **named))
            except Exception as error:
                job.set_exception(error)
            return job

        def shutdown(self, **_: Any) -> None: ...

    def measure(name: str, model: str, *, files: Files, seed: int, minutes: float) -> dict[str, Any]:
        if model == "conv":
            raise ValueError("it went wrong")
        return result(task=name, model=model, seed=seed, minutes=minutes, files=files.digest())

    monkeypatch.setattr(bench, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(bench, "measure", measure)
    file, data = tmp_path / "results.json", tmp_path / "data"
    make_files(replace(TASKS["flood_fill"], train=20, test=5), data / "flood_fill")
    options = bench.Options("flood_fill", "conv,trm", seeds=1, data=data, results=file)
    with pytest.raises(SystemExit, match="flood_fill, conv, 0: ValueError: it went wrong"):
        bench.main(options)
    assert [found["model"] for found in bench.read_results(file)] == ["trm"]


def test_unknown_names_and_numbers_are_refused(tmp_path: Path):
    with pytest.raises(SystemExit, match="--tasks: unknown sudoko; there are binary_matrix, "):
        bench.main(bench.Options("sudoko,sudoku"))
    with pytest.raises(SystemExit, match="--models: unknown mlp; there are default, trm, conv, transformer"):
        bench.main(bench.Options("sudoku", "mlp"))
    with pytest.raises(SystemExit, match="--minutes must be above 0"):
        bench.main(bench.Options(minutes=0.0))


def test_examples_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    make_files(replace(TASKS["lights_out"], train=5, test=2), tmp_path / "lights_out")
    bench.main(bench.Options("lights_out", data=tmp_path, show=True))
    out = capsys.readouterr().out
    assert out.startswith(f"lights_out: {TASKS['lights_out'].asks}\n\ntrain, input\n")
    assert "\nunseen, output\n" in out
