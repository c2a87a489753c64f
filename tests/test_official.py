"""Official checkpoints: read whatever their form, written back bit for bit, and refused with the reason."""

from __future__ import annotations

import json
import random
import re
import shutil
import zipfile
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

import golden
from ponderling.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from ponderling.cli import main
from ponderling.config import ModelConfig, PuzzleShape, RunConfig, TrainConfig
from ponderling.exchange.import_options import ImportOptions
from ponderling.exchange.official import (
    PREFIXES,
    load_official,
    read_official,
    resize_rows,
    to_official,
    to_ours,
    write_official,
)
from ponderling.models import build_model
from ponderling.recipes import get_recipe

TRM, HRM = golden.HERE / "checkpoint_trm_samsung", golden.HERE / "checkpoint_hrm_sapient"
CELLS = ImportOptions(seq_len=16)


def tensors_of(file):
    return torch.load(file, map_location="cpu", weights_only=True)


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(a[k].dtype == b[k].dtype and torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize(("folder", "name"), [(TRM, "step_52080"), (HRM, "checkpoint")], ids=["TRM", "HRM"])
def test_import_and_export_give_the_same_bits_keys_types_and_settings(folder, name, tmp_path):
    imported = read_official(folder, CELLS)
    save_checkpoint(
        tmp_path / "ours", imported.tensors, config=imported.config, shape=imported.shape, info=imported.info
    )
    assert main(["export", str(tmp_path / "ours"), str(tmp_path / "theirs")]) == 0
    original, written = folder / name, tmp_path / "theirs" / name
    assert same(tensors_of(original), tensors_of(written))
    read = [yaml.safe_load((f / "all_config.yaml").read_text()) for f in (folder, tmp_path / "theirs")]
    assert read[0] == read[1]
    assert same(read_official(tmp_path / "theirs", CELLS).tensors, imported.tensors)


def test_settings_of_the_yaml_become_ours():
    trm, hrm = read_official(TRM, CELLS).config, read_official(HRM, CELLS).config
    assert (trm.model.system, trm.model.n, trm.model.T, trm.model.prefix_len) == ("trm", 2, 3, 16)
    assert (trm.train.N_sup, trm.train.halting, trm.train.ema_rate, trm.train.batch_size) == (16, "halt", 0.999, 768)
    assert (hrm.model.system, hrm.model.prefix_len, hrm.model.dtype) == ("hrm", 1, "bfloat16")
    assert (hrm.train.halting, hrm.train.ema_rate, hrm.train.warmup_steps) == ("halt_continue", 0.0, 2000)


def test_initial_states_stay_bfloat16_and_weights_float32():
    tensors = read_official(TRM, CELLS).tensors
    assert tensors["initial"].dtype == torch.bfloat16
    assert {t.dtype for name, t in tensors.items() if name != "initial"} == {torch.float32}


def test_all_three_prefixes_are_read(tmp_path):
    state = tensors_of(TRM / "step_52080")
    expected = read_official(TRM, CELLS).tensors
    for i, prefix in enumerate(PREFIXES):
        folder = tmp_path / str(i)
        folder.mkdir()
        shutil.copy(TRM / "all_config.yaml", folder)
        renamed = OrderedDict((prefix + k.removeprefix(PREFIXES[0]), v) for k, v in state.items())
        torch.save(renamed, folder / "step_7")
        imported = read_official(folder, CELLS)
        assert imported.info["prefix"] == prefix
        assert same(imported.tensors, expected)


def test_a_checkpoint_saved_without_compile_is_read():
    imported = read_official(TRM / "step_100_nocompile", CELLS)
    assert imported.info["prefix"] == "model.inner."
    assert same(imported.tensors, read_official(TRM, CELLS).tensors)


def test_the_folder_means_the_highest_step(tmp_path):
    shutil.copy(TRM / "all_config.yaml", tmp_path)
    for step in (9, 100, 20):
        shutil.copy(TRM / "step_52080", tmp_path / f"step_{step}")
    assert read_official(tmp_path, CELLS).info["origin"] == "step_100"


def test_without_yaml_everything_that_is_missing_is_named_and_can_be_given(tmp_path):
    shutil.copy(TRM / "step_52080", tmp_path / "step_1")
    with pytest.raises(CheckpointError, match="weights do not tell --num-heads, --n, --T: give them"):
        read_official(tmp_path / "step_1", CELLS)
    with pytest.raises(CheckpointError, match="do not tell how many cells a grid has: give --seq-len"):
        read_official(tmp_path, ImportOptions(num_heads=4, n=2, T=3))
    given = ImportOptions(num_heads=4, n=2, T=3, seq_len=16)
    imported = read_official(tmp_path, given)
    assert imported.config.model == read_official(TRM, CELLS).config.model
    elsewhere = ImportOptions(config=TRM / "all_config.yaml", seq_len=16)
    assert read_official(tmp_path, elsewhere).config == read_official(TRM, CELLS).config


def official_run(tmp_path, seq_len=81, vocab_size=11, **model):
    """An official-looking checkpoint of our own making, and the model."""
    settings = {"hidden_size": 32, "num_heads": 2, "num_layers": 1, "prefix_len": 16, "puzzle_embedding_size": 32}
    config = RunConfig(model=ModelConfig(**{**settings, **model}), train=TrainConfig(halting="halt"))
    if config.model.system == "hrm":
        config = replace(config, train=replace(config.train, halting="halt_continue"))
    ours = build_model(
        config.model, PuzzleShape(vocab_size, seq_len, num_puzzles=3), generator=torch.Generator().manual_seed(0)
    ).eval()
    write_official(tmp_path, ours.state_dict(), config=config)
    return ours


@pytest.mark.parametrize(
    "model",
    [
        {"mixer": "mlp", "positions": "none"},
        {"positions": "learned"},
        {"puzzle_embedding_size": 0, "prefix_len": 0, "positions": "learned"},
        {"prefix_len": 5, "puzzle_embedding_size": 130, "mixer": "mlp", "positions": "none"},
        {"system": "hrm", "gradient": "one_step", "separate_networks": True, "prefix_len": 1, "positions": "learned"},
    ],
    ids=["MLP", "learned", "no prefix", "prefix 5", "HRM"],
)
def test_cells_are_found_in_the_weights_where_they_can_be(tmp_path, model):
    ours = official_run(tmp_path, 81, **model)
    imported = read_official(tmp_path)
    assert (imported.shape.seq_len, imported.shape.vocab_size) == (81, 11)
    assert same(imported.tensors, dict(ours.state_dict()))
    with pytest.raises(CheckpointError, match="81 cells, not 16"):
        read_official(tmp_path, CELLS)


def test_cells_come_from_the_task_where_the_weights_do_not_tell(tmp_path):
    official_run(tmp_path)
    imported = read_official(tmp_path, ImportOptions(task="sudoku9"))
    assert imported.shape.seq_len == 81
    assert imported.config.data.task == "sudoku9"


@pytest.mark.parametrize(
    ("folder", "vocab_size", "task", "cells"),
    [
        ("data/maze-30x30-hard-1k", 6, "maze30", 900),
        ("/home/me/maze30x30-hard-aug", 6, "maze30", 900),
        ("data/maze-12x20-easy", 6, "maze12x20", 240),
        ("data/maze-hard", 6, "maze30", 900),
        ("data/sudoku-extreme-1k-aug-1000", 11, "sudoku9", 81),
    ],
)
def test_the_data_folder_in_the_yaml_tells_the_task(tmp_path, folder, vocab_size, task, cells):
    official_run(tmp_path, 900, vocab_size)
    path = tmp_path / "all_config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "data_paths": [folder]}))
    (tmp_path / "ponderling.json").unlink(missing_ok=True)
    imported = read_official(tmp_path)
    assert (imported.config.data.task, imported.shape.seq_len) == (task, cells)


def test_a_data_folder_of_another_number_of_tokens_tells_nothing(tmp_path):
    official_run(tmp_path)
    path = tmp_path / "all_config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "data_paths": ["data/maze-30x30-hard-1k"]}))
    (tmp_path / "ponderling.json").unlink(missing_ok=True)
    with pytest.raises(CheckpointError, match="give --seq-len"):
        read_official(tmp_path)


def test_an_imported_sudoku_model_evaluates_and_solves(tmp_path, capsys):
    official_run(tmp_path / "theirs", prefix_len=1)
    out = str(tmp_path / "ours")
    command = ["import", str(tmp_path / "theirs"), "--out", out, "--task", "sudoku9", "--dtype", "float32", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["seq_len"] == 81
    assert main(["eval", out, "--max-puzzles", "2", "--steps", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["puzzles"] == 2
    assert main(command) == 2
    assert "holds a checkpoint already" in capsys.readouterr().err


def test_another_number_of_puzzles_is_the_mean_row_and_the_same_number_is_kept():
    table = torch.randn(4, 3)
    assert torch.equal(resize_rows(table, 4), table)
    torch.testing.assert_close(resize_rows(table, 2), table.mean(0).expand(2, 3))


def _npz(file):
    with file.open("wb") as opened:
        np.savez(opened, inputs=np.zeros((2, 4)))


def test_a_checkpoint_of_ours_is_not_imported(tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    assert main(["import", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "is a checkpoint of Ponderling's already" in capsys.readouterr().err


class Harmful:
    def __reduce__(self):
        return (print, ("code was run",))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda f: f.write_bytes((TRM / "step_52080").read_bytes()[:300_000]),
            "not a checkpoint of torch.save, or truncated",
        ),
        (
            lambda f: torch.save({"a": Harmful()}, f),
            "not loaded because it could run code",
        ),
        (lambda f: torch.save(torch.zeros(3), f), "expected a state dict of tensors, got Tensor"),
        (
            lambda f: torch.save(torch.nn.Linear(2, 2), f),
            "holds something other than tensors, a torch.nn.modules.linear.Linear, which is not loaded",
        ),
        (
            lambda f: torch.save({"state_dict": {}, "step": 3}, f),
            "a dict with other values under 'state_dict', 'step'; save the state dict alone",
        ),
        (_npz, "not a checkpoint of torch.save, but an .npz of arrays: `ponderling data inspect`"),
        (lambda f: f.write_bytes(b""), "the file is empty"),
        (lambda f: f.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "a pointer of Git LFS"),
        (lambda f: f.write_bytes(b"\x89PNG\r\n\x1a\n"), "it is a picture"),
        (
            lambda f: torch.save({"layer.weight": torch.zeros(3)}, f),
            "not an HRM or TRM checkpoint (keys: layer.weight)",
        ),
        (
            lambda f: torch.save(
                {**tensors_of(TRM / "step_52080"), "_orig_mod.model.inner.conv.weight": torch.zeros(1)}, f
            ),
            "unknown conv.weight",
        ),
    ],
    ids=[
        *("truncated", "code", "a tensor", "a module", "a dict of more", "arrays", "nothing", "a pointer", "a picture"),
        *("another model", "another architecture"),
    ],
)
def test_a_file_that_is_no_official_checkpoint_is_refused(tmp_path, capsys, make, message):
    file = tmp_path / "step_1"
    make(file)
    shutil.copy(TRM / "all_config.yaml", tmp_path)
    assert main(["import", str(file), "--out", str(tmp_path / "out"), "--seq-len", "16"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert str(file) in captured.err
    assert "code was run" not in captured.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 32}, "hidden_size is 32 in the YAML, 64 in the weights"),
        ({"L_layers": 3}, "L_layers is 3 in the YAML, 2 in the weights"),
        ({"expansion": 8}, "expansion 8.0 makes a SwiGLU of width 512, the weights have 256"),
        ({"num_heads": 5}, "hidden_size must be a multiple of num_heads: got 64 and 5"),
    ],
)
def test_settings_that_do_not_fit_the_weights_are_refused(tmp_path, change, message):
    settings = yaml.safe_load((TRM / "all_config.yaml").read_text())
    settings["arch"] |= change
    shutil.copy(TRM / "step_52080", tmp_path)
    (tmp_path / "all_config.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(CheckpointError) as error:
        read_official(tmp_path, CELLS)
    assert message in str(error.value)


@pytest.mark.parametrize("changes", [{"latents": "single"}, {"gradient": "one_step"}, {"inner_multiple": 16}])
def test_what_the_official_code_cannot_be_is_not_exported(tmp_path, changes):
    config = RunConfig(
        model=ModelConfig(hidden_size=32, num_heads=2, num_layers=1, puzzle_embedding_size=32, **changes)
    )
    model = build_model(config.model, PuzzleShape(6, 16))
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=f"the official code cannot be given a model with {name} {value}"):
        write_official(tmp_path / "out", model.state_dict(), config=config)
    assert not (tmp_path / "out").exists()


def test_export_does_not_overwrite(tmp_path):
    official_run(tmp_path)
    with pytest.raises(FileExistsError, match="is there already"):
        official_run(tmp_path)


def test_an_export_that_fails_half_way_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def full_disk(state, file):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        official_run(tmp_path)
    assert not list(tmp_path.rglob("*step_*"))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("system", ["trm", "hrm"])
def test_keys_translate_there_and_back(system):
    ways = {"system": "hrm", "gradient": "one_step", "separate_networks": True} if system == "hrm" else {}
    config = ModelConfig(hidden_size=32, num_heads=2, puzzle_embedding_size=32, positions="learned", **ways)
    state = dict(build_model(config, PuzzleShape(6, 16)).state_dict())
    assert same(to_ours(to_official(state, system), system), state)


def test_a_checkpoint_of_ours_loads_after_import(tmp_path):
    imported = read_official(TRM, CELLS)
    save_checkpoint(tmp_path, imported.tensors, config=imported.config, shape=imported.shape, info=imported.info)
    ours, theirs = load_checkpoint(tmp_path).model, load_official(TRM, CELLS)
    assert same(dict(ours.state_dict()), dict(theirs.state_dict()))


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ({"origin": "../../escaped"}, "step_0"),
        ({"origin": "/tmp/escaped", "step": 7}, "step_7"),
        ({"origin": "step_5/../../escaped"}, "step_0"),
        ({"origin": "step_5\n"}, "step_0"),
        ({"origin": ["step_5"]}, "step_0"),
        ({"step": "/../../escaped"}, "step_0"),
        ({"origin": "step_5"}, "step_5"),
        ({"origin": "checkpoint"}, "checkpoint"),
    ],
)
def test_no_fact_in_a_checkpoint_leads_out_of_the_folder(info, name, tmp_path):
    config = RunConfig(
        model=ModelConfig(hidden_size=32, num_heads=2, num_layers=1, prefix_len=0, puzzle_embedding_size=0)
    )
    model = build_model(config.model, PuzzleShape(6, 16))
    folder = tmp_path / "deep" / "down" / "out"
    assert write_official(folder, model.state_dict(), config=config, info=info) == folder / name
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == {folder / name, folder / "all_config.yaml"}


def test_what_our_export_knew_is_not_asked_for_by_the_import(tmp_path):
    config = replace(get_recipe("sudoku4").config, model=ModelConfig(hidden_size=32, num_heads=2, num_layers=1))
    model = build_model(config)
    save_checkpoint(tmp_path / "run", model.state_dict(), config=config, shape=model.shape, info={"step": 3})
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "theirs"), "--to", "official"]) == 0
    assert main(["import", str(tmp_path / "theirs"), "--out", str(tmp_path / "ours")]) == 0
    again = load_checkpoint(tmp_path / "ours")
    assert (again.config.data.task, again.shape.seq_len) == ("sudoku4", 16)
    assert read_official(tmp_path / "theirs", ImportOptions(seq_len=16)).config.data.task == "unknown"
    for text, reason in (("[]", "damaged"), ('{"seq_len": 16, "task": "os:abort"}', "expected a task's name")):
        (tmp_path / "theirs" / "ponderling.json").write_text(text)
        with pytest.raises(CheckpointError, match=rf"ponderling\.json: .*{reason}"):
            read_official(tmp_path / "theirs")


def rebuilt(file, change):
    """Writes the archive anew, with right checksums, and the entries as a function changes them."""
    with zipfile.ZipFile(file) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries:
            archive.writestr(name, change(name, content))


def test_a_flipped_bit_in_a_tensor_is_refused_with_its_entry(tmp_path):
    file = tmp_path / "step_1"
    data = bytearray((TRM / "step_52080").read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"{file}: truncated or damaged, in entry [\w/]+/data/\d+: Bad CRC-32"):
        read_official(file, CELLS)


def test_a_damaged_pickle_is_one_line_with_the_file_whatever_it_raises(tmp_path):
    """250 flips in the pickle, under a right checksum: each is loaded or refused."""
    refused = []
    for i in range(250):
        rng = random.Random(i)
        file = tmp_path / f"step_{i}"
        shutil.copy(TRM / "step_52080", file)

        def flip(name, content, rng=rng):
            changed = bytearray(content)
            if name.endswith("data.pkl"):
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            return bytes(changed)

        rebuilt(file, flip)
        try:
            read_official(file, ImportOptions(seq_len=16, num_heads=2, n=1, T=1))
        except CheckpointError as error:
            refused.append((str(file), str(error)))
        file.unlink()
    assert len(refused) > 100
    assert [text for file, text in refused if file not in text or "\n" in text] == []


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"lm_head.weight": torch.zeros(1).expand(10**6, 10**6)},
            "its tensors show 4,000,000,000,000 bytes, the file holds",
        ),
        (
            {"lm_head.weight": torch.zeros(3, dtype=torch.int64)},
            "lm_head.weight: expected a dense tensor of floating-point",
        ),
        ({"lm_head.weight": torch.eye(3).to_sparse()}, "lm_head.weight: expected a dense tensor of floating-point"),
        ({5: torch.zeros(3)}, "expected names of tensors, got 5"),
        (
            {"lm_head.weight": torch.zeros(3), "H_init": torch.zeros(3)},
            "not an official TRM checkpoint: missing L_init",
        ),
    ],
    ids=["expanded", "whole numbers", "sparse", "numbered", "half"],
)
def test_tensors_that_no_official_checkpoint_holds_are_refused_before_they_are_used(tmp_path, state, message):
    torch.save(state, tmp_path / "step_1")
    with pytest.raises(CheckpointError, match=message) as error:
        read_official(tmp_path, CELLS)
    assert str(tmp_path / "step_1") in str(error.value)


def test_files_of_before_the_archive_and_compressed_ones_say_what_to_do(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "old", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"if torch before 1.6 wrote it, load it there and save it again"):
        read_official(tmp_path / "old")
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10**8)
    with pytest.raises(CheckpointError, match=r"its entries are larger than the file"):
        read_official(tmp_path / "bomb")
    with zipfile.ZipFile(tmp_path / "packed", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(CheckpointError, match=r"entry archive/data.pkl: it is compressed"):
        read_official(tmp_path / "packed")


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": "abc"}, "lr: expected a number, got 'abc'"),
        ({"lr": [1]}, r"lr: expected a number, got \[1\]"),
        ({"lr": float("nan")}, "lr: expected a finite number"),
        ({"seed": float("inf")}, "seed: expected a finite number"),
        ({"seed": 10**30}, "seed: expected a finite number of at most 64 bits"),
        ({"global_batch_size": True}, "global_batch_size: expected a whole number, got True"),
        ({"data_paths": 5}, "data_paths: expected a list, got 5"),
        ({"ema": "yes please"}, "ema: expected true or false, got 'yes please'"),
        ({"arch": 5}, "expected the settings of an official run, with a section arch"),
        ({"arch.H_cycles": "many"}, "arch.H_cycles: expected a whole number, got 'many'"),
        ({"arch.loss": [1]}, r"arch.loss: expected a section, got \[1\]"),
        ({"arch.pos_encodings": 7}, "arch.pos_encodings: expected text, got 7"),
        ({1: 2}, "expected text before each colon, got 1"),
        ("- " * 5_000, "nested too deeply|cannot be read"),
        ("[" * 5_000, "cannot be read: nested too deeply"),
        ("arch: {}\n" + LAUGHS, "expected at most 20,000 values, with aliases written out"),
        ("arch: &a {b: *a}\n", "expected at most 20,000 values, with aliases written out"),
        ("arch: &a {x: 1}\nb: {<<: [*a, *a]}\n", "cannot be read: a merge key << is not read"),
        ("arch: {}\nb: !!binary aGk=\n", "expected text, numbers, lists and sections, got bytes"),
        ("arch: {}\nb: !!python/object/apply:os.getcwd []\n", "cannot be read: could not determine a constructor"),
        ("arch: {}\n" + "#" * 200_000, "cannot be read: expected at most 50,000 bytes"),
        ("arch: {}\nb: 1" + "0" * 5000, "cannot be read: .*4300 digits"),
        (b"\xff\xfe", "cannot be read: expected UTF-8 text, byte 1 is not"),
    ],
)
def test_a_damaged_yaml_is_one_line_with_its_name_and_the_field(tmp_path, change, message):
    shutil.copy(TRM / "step_52080", tmp_path)
    file = tmp_path / "all_config.yaml"
    if isinstance(change, dict):
        settings = yaml.safe_load((TRM / "all_config.yaml").read_text())
        for name, value in change.items():
            within = settings["arch"] if str(name).startswith("arch.") else settings
            within[name if within is settings else name.removeprefix("arch.")] = value
        file.write_text(yaml.safe_dump(settings))
    else:
        file.write_bytes(change if isinstance(change, bytes) else change.encode())
    with pytest.raises(CheckpointError, match=message) as error:
        read_official(tmp_path, CELLS)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


def test_dates_and_numbers_as_text_in_a_yaml_are_read(tmp_path):
    shutil.copy(TRM / "step_52080", tmp_path)
    text = (TRM / "all_config.yaml").read_text()
    (tmp_path / "all_config.yaml").write_text(re.sub("(?m)^lr: .*$", "lr: 3e-4", text) + "\nwhen: 2025-10-06\n")
    imported = read_official(tmp_path, CELLS)
    assert imported.config.train.lr == 3e-4
    assert imported.info["official"]["when"] == "2025-10-06"


def test_official_weights_that_are_not_finite_are_refused(tmp_path, capsys):
    state = tensors_of(TRM / "step_52080")
    state["_orig_mod.model.inner.lm_head.weight"][0, 0] = torch.nan
    torch.save(state, tmp_path / "step_1")
    shutil.copy(TRM / "all_config.yaml", tmp_path)
    assert main(["import", str(tmp_path), "--out", str(tmp_path / "out"), "--seq-len", "16"]) == 2
    assert "holds weights that are NaN or infinite, in answer_head.weight" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("official", [{"arch": 5}, {"arch": {"loss": 5}}, {"arch": None}], ids=["arch", "loss", "null"])
def test_a_damaged_note_of_the_official_yaml_is_one_line(tmp_path, official):
    imported = read_official(TRM / "step_52080", CELLS)
    with pytest.raises(ValueError, match=r"info.official is damaged: expected an official YAML with a section arch"):
        write_official(tmp_path, imported.tensors, config=imported.config, info={"official": official})
