"""The large sets outside the package: found in a checkout or fetched once, known by their hashes, never silently missed."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import huggingface_hub
import pytest

from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.solving.seen import overlap_with
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku import large_sets

ROOT = Path(__file__).parents[1]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A machine without a checkout, and a Hub that has the file `deep`; the paths of what was fetched, by name."""
    fetched: dict[str, Path] = {}
    served = {"sudoku9_deep.csv.gz": ROOT / "puzzles" / "sudoku9_deep.csv.gz"}

    def cached(repository: str, name: str, *, repo_type: str) -> str | None:
        assert (repository, repo_type) == (large_sets.REPOSITORY, "dataset")
        return str(fetched[name]) if name in fetched else None

    def download(repository: str, name: str, *, repo_type: str) -> str:
        assert (repository, repo_type) == (large_sets.REPOSITORY, "dataset")
        if name not in served:
            raise OSError("cannot reach the Hub\nat all")
        fetched[name] = Path(shutil.copy(served[name], tmp_path / name))
        return str(fetched[name])

    monkeypatch.setattr(large_sets, "CHECKOUT", tmp_path / "none")
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return fetched


def unreachable(*_: object, **__: object) -> str:
    raise AssertionError("the network was asked")


def test_a_checkout_has_the_sets_and_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    assert {name: large_sets.fetch_set(name).parent.name for name in large_sets.HASHES} == dict.fromkeys(
        large_sets.HASHES, "puzzles"
    )


def test_a_set_is_fetched_once_and_then_found(hub: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    task = get_task("sudoku9")
    assert not task.is_here("deep")
    assert len(task.load_default("deep")) == 3815
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    assert task.is_here("deep")
    assert len(task.load_default("deep")) == 3815


def test_without_a_network_one_line_says_what_to_do(hub: dict[str, Path]) -> None:
    with pytest.raises(
        PuzzleError, match=r"sudoku9_hunted are not part .*Hub: cannot reach the Hub at all\. Try"
    ) as caught:
        get_task("sudoku9").load_default("hunted")
    assert "\n" not in str(caught.value)


def test_another_content_is_refused_and_not_read(hub: dict[str, Path]) -> None:
    path = large_sets.fetch_set("sudoku9_deep")
    path.write_bytes(path.read_bytes()[:-1])
    for find in (large_sets.find_set, large_sets.fetch_set):
        with pytest.raises(
            PuzzleError, match=r"not the puzzles sudoku9_deep: expected a file of SHA-256 d2479d.*delete it"
        ):
            find("sudoku9_deep")


def test_other_sizes_have_no_such_sets(hub: dict[str, Path]) -> None:
    with pytest.raises(PuzzleError, match="no sudoku6 puzzles"):
        get_task("sudoku6").load_default("hunted")


def test_an_evaluation_says_which_sets_it_could_not_compare_with(
    hub: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = get_task("sudoku9")
    test = task.load_default("test")[:3]
    file = tmp_path / "three.csv"
    task.write(file, test)
    command = ["eval", "sudoku", "--data", str(file), "--steps", "2"]
    assert main(command) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "also trained on deep and hunted, which are not on this machine" in said
    assert main([*command, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures["not_compared"]) == {"hunted", "deep"}
    assert figures["trained_on"] is None


def test_a_puzzle_of_a_set_that_is_here_is_known_to_be_trained_on(hub: dict[str, Path]) -> None:
    deep = get_task("sudoku9").read(ROOT / "puzzles" / "sudoku9_deep.csv.gz")[:2]
    checkpoint = load_checkpoint("sudoku")
    before = overlap_with(checkpoint, deep, task=get_task("sudoku9"))
    large_sets.fetch_set("sudoku9_deep")
    after = overlap_with(checkpoint, deep, task=get_task("sudoku9"))
    assert before is not None
    assert after is not None
    assert (before.rows.tolist(), after.rows.tolist()) == ([False, False], [True, True])
    assert (set(before.not_here), set(after.not_here)) == ({"hunted", "deep"}, {"hunted"})
    assert not after.is_all


def test_the_facts_beside_each_set_are_of_it() -> None:
    for key in large_sets.HASHES:
        family, _, name = key.partition("_")
        facts = json.loads((ROOT / "puzzles" / f"{key.removesuffix('_test')}.json").read_text())
        count = len(get_task(family).load_default(name))
        part = facts.get("test" if name.endswith("_test") else "train")
        assert count == (2615 + 1200 if part is None else part["puzzles"])


def test_the_package_has_less_than_two_and_a_half_megabytes() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in (ROOT / "src" / "ponderling").rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                wheel.write(path, path.relative_to(ROOT / "src"))
    assert len(packed.getvalue()) < 2_500_000, len(packed.getvalue())
