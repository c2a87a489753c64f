"""Checkpoints: whole or not at all, the same bits back, and clear words for one that does not fit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from ponderling.checkpoint import (
    CheckpointError,
    find_checkpoint,
    load_checkpoint,
    load_training_state,
    load_weights,
    read_safetensors,
    save_checkpoint,
    save_training_state,
)
from ponderling.cli.import_ import main as import_
from ponderling.config import ModelConfig, PuzzleShape, RunConfig, TrainConfig
from ponderling.exchange.hub import find_local, make_card
from ponderling.models import build_model
from ponderling.models.own_network import model_around, note_of
from ponderling.recipes import get_recipe
from ponderling.system import write_atomically
from ponderling.training.optim import Optimizers
from ponderling.training.starting import start

SHAPE = PuzzleShape(6, 16, num_puzzles=2)
CONFIG = RunConfig(
    model=ModelConfig(hidden_size=16, num_heads=2, inner_multiple=16, prefix_len=1, puzzle_embedding_size=16, n=1, T=1)
)

NEWER = '{"format": 9, "config": {}, "shape": {}}'


def saved(folder, seed=0):
    model = build_model(CONFIG.model, SHAPE, generator=torch.Generator().manual_seed(seed))
    save_checkpoint(folder, model.state_dict(), config=CONFIG, shape=SHAPE, info={"step": 3})
    return model


def test_a_model_comes_back_bit_for_bit_with_its_config(tmp_path):
    model = saved(tmp_path)
    loaded = load_checkpoint(tmp_path)
    assert (loaded.config, loaded.shape, loaded.info) == (CONFIG, SHAPE, {"step": 3})
    assert not loaded.model.training
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[key], value)
        assert loaded.model.state_dict()[key].dtype == value.dtype


def test_another_activation_type_changes_no_weight(tmp_path):
    model = saved(tmp_path)
    loaded = load_checkpoint(tmp_path, dtype="float32").model
    assert loaded.initial.dtype == torch.float32
    assert torch.equal(loaded.initial.bfloat16(), model.initial)
    assert torch.equal(loaded.answer_head.weight, model.answer_head.weight)


def test_a_run_folder_means_its_best_checkpoint_else_its_last(tmp_path):
    saved(tmp_path / "last")
    assert find_checkpoint(tmp_path) == tmp_path / "last"
    saved(tmp_path / "best")
    assert find_checkpoint(tmp_path) == tmp_path / "best"


def test_a_folder_means_the_same_checkpoint_to_every_verb(tmp_path):
    saved(tmp_path)
    for newer in (tmp_path, tmp_path / "last", tmp_path / "best"):
        saved(newer)
        assert find_checkpoint(tmp_path) == find_local(tmp_path) == newer


def test_nothing_is_trained_into_a_folder_that_is_a_checkpoint_nor_imported_into_a_run(tmp_path):
    saved(tmp_path / "model")
    with pytest.raises(FileExistsError, match="model holds a checkpoint already: choose another --out"):
        start(get_recipe("sudoku4").config, tmp_path / "model")
    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]
    saved(tmp_path / "run" / "last")
    with pytest.raises(FileExistsError, match="last holds a checkpoint already"):
        import_(["no-such-file", "--out", str(tmp_path / "run")])


def test_missing_and_unexpected_and_misshapen_tensors_are_reported_together():
    model = build_model(CONFIG.model, SHAPE)
    state = model.state_dict()
    state["extra"] = state.pop("initial")
    state["answer_head.weight"] = state["answer_head.weight"][:, :3]
    with pytest.raises(CheckpointError) as error:
        load_weights(model, state, path="somewhere")
    expected = "somewhere: missing initial; unexpected extra; wrong shape answer_head.weight (6, 3) for (6, 16)"
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda f: (f / "model.safetensors").write_bytes(b"not it"),
            "model.safetensors: truncated or not a safetensors",
        ),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors: not there"),
        (lambda f: (f / "config.json").write_text("{"), "config.json: cannot be read"),
        (lambda f: (f / "config.json").write_text("[]"), "config.json: not a config of a Ponderling checkpoint"),
        (
            lambda f: (f / "config.json").write_text('{"format": 9, "config": {}, "shape": {}}'),
            "format 9, this version reads 1",
        ),
        (lambda f: (f / "config.json").unlink(), "not a checkpoint or run folder"),
    ],
)
def test_a_damaged_checkpoint_is_named_with_the_reason(tmp_path, spoil, message):
    saved(tmp_path)
    spoil(tmp_path)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path)
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_only_a_name_that_says_so_is_looked_up_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path)
    asked = []

    def fake(repo, *, revision, allow_patterns, token):
        asked.append((repo, revision, sorted(allow_patterns), token))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fake)
    files = ["config.json", "model.safetensors"]
    assert load_checkpoint("hf:somebody/a-model").info == {"step": 3}
    assert load_checkpoint("hf:somebody/a-model@refs/pr/1", token="hf_x").info == {"step": 3}
    assert asked == [
        ("somebody/a-model", None, files, None),
        ("somebody/a-model", "refs/pr/1", files, "hf_x"),
    ]
    asked.clear()
    for name, message in (
        ("somebody/a-model", "somebody/a-model: no such folder; for the Hub type hf:somebody/a-model"),
        ("somebody/a-model@v1", "no such folder; for the Hub type hf:somebody/a-model@v1"),
        ("runs/sudoku4", "runs/sudoku4: no such folder; for the Hub type hf:runs/sudoku4"),
        ("../x", r"\.\./x: no such checkpoint; give a run folder"),
        ("hf:a-model", "hf:a-model: expected hf:owner/name or hf:owner/name@revision"),
        ("hf:../x", r"hf:\.\./x: expected hf:owner/name"),
        ("hf:a/..", r"hf:a/\.\.: expected hf:owner/name"),
        ("hf:a/b/c", "hf:a/b/c: expected hf:owner/name"),
        ("hf:a/b@", "hf:a/b@: expected hf:owner/name"),
        ("hf:a/b@../c", "expected hf:owner/name"),
        ("hf:a/b\x00", "expected hf:owner/name"),
        ("hf:", "expected hf:owner/name"),
        ("x" * 5000, "xxx.*cannot be looked at: "),
        ("a\x00b", "no such checkpoint|cannot be looked at"),
    ):
        with pytest.raises(CheckpointError, match=message) as error:
            load_checkpoint(name)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 500
    assert asked == []


def test_a_hub_that_cannot_be_reached_is_one_clear_line_without_the_token(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("\ncannot reach the Hub with hf_secret\nand more")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(
        CheckpointError, match=r"^hf:somebody/a-model: not to be had from the Hub: cannot .* with \*\*\*$"
    ):
        load_checkpoint("hf:somebody/a-model", token="hf_secret")


def changed(folder, field, value):
    """Writes the config.json with the field, such as config.model.n, as the given JSON text."""
    path = folder / "config.json"
    header = json.loads(path.read_text())
    *sections, name = field.split(".")
    within = header
    for section in sections:
        within = within.setdefault(section, {})
    within[name] = "HERE"
    path.write_text(json.dumps(header).replace('"HERE"', value))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("config.model.num_layers", "1000000", "config.model: num_layers must be at most 1,024: got 1000000"),
        ("config.model.num_layers", "1000", "config.model.num_layers describes 1,000 blocks, .* holds 14 tensors"),
        ("config.model.hidden_size", "1000000000", "hidden_size must be at most 1,048,576: got 1000000000"),
        ("config.model.hidden_size", "60000", r"wrong shape answer_head.weight \(6, 16\) for \(6, 60000\)"),
        ("config.model.expansion", "Infinity", "config.model.expansion: expected a finite number .*, got inf"),
        ("config.model.expansion", "NaN", "config.model.expansion: expected a finite number .*, got nan"),
        ("config.model.expansion", "1e300", r"expansion must be at most 10,000.0: got 1e\+300"),
        ("config.model.n", "1" + "0" * 30, "config.model.n: expected a finite number of at most 64 bits, got 1000"),
        ("config.model.n", "1" + "0" * 5000, "cannot be read: .*4300 digits"),
        ("config.model.n", "true", "config.model.n: expected int, got true"),
        ("config.train.lr", "1e999", "config.train.lr: expected a finite number"),
        ("config.train.lr", '"' + "x" * 10_000 + '"', 'config.train.lr: expected float, got "xxx'),
        ("config.data.task", '"..:x"', r"names Python code, ..:x, which a checkpoint may not choose"),
        ("config.data.task", '"a\\nb"', "config.data: task must be a name"),
        (
            "config.data.grid",
            '{"symbols": ["a"], "rows": 1000000000, "columns": 1000000000}',
            "grids have at most 1,048,576",
        ),
        ("config.surprise", "1", "config: unknown field 'surprise'"),
        ("shape.seq_len", "-1", "shape: seq_len must be at least 1: got -1"),
        ("shape.seq_len", "2000000", "shape: seq_len must be at most 1,048,576: got 2000000"),
        ("shape", '{"seq_len": 16}', "shape: missing field 'vocab_size'"),
        ("shape", "[]", r"shape: expected an object with fields, got \[\]"),
        ("format", "true", "format True, this version reads 1 and 2"),
        ("format", "[]", r"format \[\], this version reads 1 and 2"),
        ("info", "null", "info must be an object: got NoneType"),
        ("info", "[1]", "info must be an object: got list"),
        ("info.step", '"3"', "info.step: expected a whole number from 0, got '3'"),
        ("info.seconds", "-1", "info.seconds: expected a number from 0, got -1"),
        ("info.official", "[1]", "info.official: expected an object or null"),
        ("info.identifiers", "{}", "info.identifiers: expected tasks with a line of text each"),
        (
            "info.identifiers",
            '{"unnamed": 1, "tasks": {"a": "b"}}',
            "info.identifiers: expected the rows of a task, got 'b'",
        ),
        (
            "info.identifiers",
            '{"unnamed": 1000000, "tasks": {}}',
            "unnamed: 1,000,000 rows, the puzzle embedding has 2",
        ),
        ("info", "[" * 500 + "]" * 500, "info must be an object"),
        ("info", "[" * 100_000, "cannot be read: nested too deeply"),
        ("info", '{"a": 1, "a": 2}', "'a' stands there more than once"),
    ],
)
def test_a_damaged_config_is_one_line_with_the_file_and_the_field_before_anything_is_built(
    tmp_path, field, value, message, monkeypatch
):
    saved(tmp_path)
    changed(tmp_path, field, value)
    truly = torch.Tensor.uniform_
    monkeypatch.setattr(
        torch.Tensor, "uniform_", lambda *a, **k: pytest.fail("built") if not a[0].is_meta else truly(*a, **k)
    )
    with pytest.raises(CheckpointError, match=message) as error:
        load_checkpoint(tmp_path)
    said = str(error.value)
    assert str(tmp_path) in said
    assert "\n" not in said
    assert len(said) < 1200


def test_tables_of_rotary_positions_are_bounded_before_they_are_made(tmp_path, monkeypatch):
    saved(tmp_path)
    changed(tmp_path, "shape.seq_len", "1000000")
    monkeypatch.setattr("ponderling.checkpoint.loading.MOST_TABLES", 10**7)
    with pytest.raises(
        CheckpointError, match=r"config.json: describes a network for 1,000,000 cells, .* tables of 0.1 GB"
    ):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "expected UTF-8 text, byte 1 is not"),
        (b"", "not JSON"),
        (b" " * (32 * 2**20 + 1), "expected at most 33,554,432 bytes"),
        (b"[" + b"[]," * 500_000 + b"[]]", "expected at most 500,000 values, got more"),
        (b"{" + b'"a": 1,' * 200_000 + b'"a": 1}', "'a' stands there more than once"),
    ],
)
def test_a_config_that_is_no_json_is_one_line(tmp_path, data, message):
    saved(tmp_path)
    (tmp_path / "config.json").write_bytes(data)
    with pytest.raises(CheckpointError, match=f"config.json: cannot be read: {message}"):
        load_checkpoint(tmp_path)


@pytest.mark.posix
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path, name):
    saved(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(CheckpointError, match=r"pipe|not a checkpoint or run folder"):
        load_checkpoint(tmp_path)


def rewritten(folder, change):
    """Writes the weights anew, with a function's changes to the tensors."""
    tensors = read_safetensors(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_with_their_names(tmp_path, value):
    saved(tmp_path)
    rewritten(tmp_path, lambda tensors: tensors["answer_head.weight"][3, 5:6].fill_(value))
    with pytest.raises(
        CheckpointError, match=r"model.safetensors: holds weights that are NaN or .*, in answer_head.weight"
    ):
        load_checkpoint(tmp_path)


def test_weights_that_are_too_large_for_the_type_they_are_used_in_are_refused(tmp_path):
    saved(tmp_path)
    rewritten(
        tmp_path, lambda tensors: tensors.update({"halt_head.bias": torch.tensor([1e300, 0], dtype=torch.float64)})
    )
    with pytest.raises(CheckpointError, match=r"NaN or infinite, in halt_head.bias"):
        load_checkpoint(tmp_path)


def test_a_mask_that_is_infinite_by_design_is_loaded(tmp_path):
    class Masked(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mask", torch.full((2, 2), -torch.inf).triu(1))
            self.map = torch.nn.Linear(16, 16, bias=False)

        def forward(self, x):
            return self.map(x)

    config = replace(CONFIG, model=replace(CONFIG.model, dtype="float32"))
    model = model_around(Masked(), config.model, shape=SHAPE)
    save_checkpoint(tmp_path, model.state_dict(), config=config, shape=SHAPE, info=note_of(model))
    assert torch.isinf(load_checkpoint(tmp_path, net=Masked()).model.net.mask).any()
    rewritten(tmp_path, lambda tensors: tensors["net.map.weight"].fill_(torch.inf))
    with pytest.raises(CheckpointError, match=r"NaN or infinite, in net.map.weight"):
        load_checkpoint(tmp_path, net=Masked())


def test_whole_numbers_are_no_weights(tmp_path):
    saved(tmp_path)
    rewritten(tmp_path, lambda tensors: tensors.update({"halt_head.bias": torch.tensor([1, 2])}))
    with pytest.raises(CheckpointError, match=r"wrong type halt_head.bias \(whole numbers\)"):
        load_checkpoint(tmp_path)


def test_a_relational_run_of_before_with_a_continue_loss_is_still_read(tmp_path):
    found = load_checkpoint("sudoku").path
    header = json.loads((found / "config.json").read_text())
    header["config"]["train"]["halting"] = "halt_continue"
    (tmp_path / "config.json").write_text(json.dumps(header))
    (tmp_path / "model.safetensors").write_bytes((found / "model.safetensors").read_bytes())
    assert load_checkpoint(tmp_path).config.train.halting == "halt"


def test_a_card_of_damaged_figures_is_one_line_and_takes_no_text_of_a_file_unasked(tmp_path):
    saved(tmp_path)
    changed(tmp_path, "info.recipe", json.dumps("a` | evil\n---\nlicense: other"))
    assert "evil" not in make_card(load_checkpoint(tmp_path), "owner/name")
    changed(tmp_path, "info.test", '{"puzzles": "many"}')
    with pytest.raises(CheckpointError, match=r"info.test or info.validation in its config.json is damaged"):
        make_card(load_checkpoint(tmp_path), "owner/name")


def test_an_official_file_is_pointed_to_import(tmp_path):
    (tmp_path / "step_100").write_bytes(b"PK")
    with pytest.raises(CheckpointError, match="official checkpoints are read by `ponderling import`"):
        load_checkpoint(tmp_path / "step_100")


def test_a_training_state_comes_back_bit_for_bit(tmp_path):
    model = build_model(CONFIG.model, SHAPE)
    optimizers = Optimizers(model, TrainConfig(optimizer="muon"), puzzle_embedding=model.puzzle_embedding)
    for p in model.parameters():
        p.grad = torch.randn_like(p)
    optimizers.step()
    state = {
        "optimizers": optimizers.state_dict(),
        "none": None,
        "numbers": [1, 0.1, True, "text"],
        "random": torch.Generator().get_state(),
        "empty": {},
    }
    save_training_state(tmp_path, state)
    loaded = load_training_state(tmp_path)
    assert loaded["none"] is None
    assert loaded["numbers"] == [1, 0.1, True, "text"]
    assert loaded["empty"] == {}
    assert torch.equal(loaded["random"], state["random"])
    twin = build_model(CONFIG.model, SHAPE)
    twin.load_state_dict(model.state_dict())
    others = Optimizers(twin, TrainConfig(optimizer="muon"), puzzle_embedding=twin.puzzle_embedding)
    others.load_state_dict(loaded["optimizers"])
    for m, o in ((model, optimizers), (twin, others)):
        for p in m.parameters():
            p.grad = torch.ones_like(p)
        o.step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_a_write_that_fails_leaves_what_was_there_and_no_litter(tmp_path):
    file = tmp_path / "file"
    file.write_text("good")

    def fails(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomically(file, fails)
    assert file.read_text() == "good"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.posix
def test_saved_files_can_be_read_by_whom_the_umask_says(tmp_path):
    saved(tmp_path)
    mask = os.umask(0)
    os.umask(mask)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o666 & ~mask}


@pytest.mark.slow
@pytest.mark.posix
def test_kill_9_while_saving_leaves_a_readable_checkpoint(tmp_path):
    code = f"""
import torch
from ponderling.checkpoint import write_safetensors
from pathlib import Path
i = 0
while True:
    write_safetensors(Path({str(tmp_path)!r}) / "model.safetensors", {{"a": torch.full((2_000_000,), float(i))}})
    i += 1
"""
    for pause in (0.0, 0.013, 0.029):
        process = subprocess.Popen([sys.executable, "-c", code])
        deadline = time.monotonic() + 60
        file = tmp_path / "model.safetensors"
        before = file.stat().st_mtime_ns if file.exists() else 0
        while (not file.exists() or file.stat().st_mtime_ns == before) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert len(read_safetensors(file)["a"].unique()) == 1


def test_the_config_is_plain_json_that_a_person_can_read(tmp_path):
    saved(tmp_path)
    header = json.loads((tmp_path / "config.json").read_text())
    assert header["config"]["model"]["hidden_size"] == 16
    assert header["shape"] == {"vocab_size": 6, "seq_len": 16, "num_puzzles": 2, "columns": 0}


def test_weights_that_mix_neighbours_fit_grids_of_another_size_and_no_other_tokens(tmp_path):
    config = get_recipe("maze10").config
    shape = PuzzleShape(6, 100, columns=10)
    model = build_model(config.model, shape, generator=torch.Generator().manual_seed(0))
    save_checkpoint(tmp_path, model.state_dict(), config=config, shape=shape, info={})
    larger = load_checkpoint(tmp_path, task="maze12x15")
    tokens = torch.randint(1, 5, (2, 180))
    _, output = larger.model(larger.model.initial_state(2), tokens, puzzle_ids=torch.zeros(2, dtype=torch.long))
    assert output.logits.shape == (2, 180, 6)
    with pytest.raises(CheckpointError, match="knows puzzles of the kind maze10, which sudoku4 is not"):
        load_checkpoint(tmp_path, task="sudoku4")
