"""Files written before settings were split into train, run and solve load, solve and go on as they did then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from ponderling.checkpoint import CheckpointError, load_checkpoint, read_config, read_safetensors
from ponderling.exchange.import_options import ImportOptions
from ponderling.exchange.official import read_official
from ponderling.solving.solver import Solver
from ponderling.training.starting import start

FILES = Path(__file__).parent / "files_17c4a84"
ANSWERS = json.loads((FILES / "answers.json").read_text())


@pytest.fixture
def one_thread():
    """As many threads as these files were made with; a run sets its own number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_settings_are_where_they_belong_now():
    config, _, _ = read_config(FILES / "jigsaws" / "last")
    assert (config.run.threads, config.run.eval_every, config.run.checkpoint_minutes) == (1, 3, 1000.0)
    assert (config.solve.halt_by, config.solve.halt_when_sure, config.solve.halt_within_step) == ("cells", 0.9, False)
    assert (config.train.steps, config.train.muon_lr, config.data.train) == (6, 6e-3, "jigsaws")
    assert read_config(FILES / "sudoku4" / "last")[0].solve.halt_within_step


@pytest.mark.parametrize("name", ["sudoku4", "jigsaws", "official"])
def test_the_checkpoints_solve_as_they_did(name, one_thread):
    solver = Solver.load(FILES / name / "last")
    results = list(solver.solve_many([row["question"] for row in ANSWERS[name]]))
    assert [(r.answer, r.steps) for r in results] == [(row["answer"], row["steps"]) for row in ANSWERS[name]]


@pytest.mark.parametrize("name", ["sudoku4", "jigsaws"])
def test_a_run_goes_on_to_the_weights_that_17c4a84_gave(name, tmp_path, one_thread):
    shutil.copytree(FILES / name, tmp_path / name)
    config, _, _ = read_config(tmp_path / name / "last")
    trainer = start(config, tmp_path / name, resume=True)
    assert trainer.step == 3
    trainer.run()
    weights = read_safetensors(tmp_path / name / "last" / "model.safetensors")
    expected = read_safetensors(FILES / f"{name}-resumed.safetensors")
    assert weights.keys() == expected.keys()
    here = {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}
    for key, value in expected.items():
        if here == ANSWERS["machine"]:
            assert torch.equal(weights[key], value), key
        else:  # another machine, or torch, adds up in another order
            torch.testing.assert_close(weights[key], value, rtol=1e-3, atol=1e-3)


def test_the_official_export_is_read_as_the_run_that_it_was_made_of():
    imported = read_official(FILES / "official" / "export", ImportOptions(task="sudoku4"))
    checkpoint = load_checkpoint(FILES / "official" / "last")
    for key, value in checkpoint.model.state_dict().items():
        assert torch.equal(imported.tensors[key], value), key
    assert imported.config.model == checkpoint.config.model
    assert imported.config.train.N_sup == checkpoint.config.train.N_sup == 2


@pytest.mark.parametrize(
    ("section", "name", "format_number", "message"),
    [
        ("train", "devise", 1, r"config\.train: unknown field 'devise'"),
        ("run", "device", 1, r"config: unknown field 'run' in format 1"),
        ("train", "device", 2, r"config\.train: unknown field 'device'"),
        ("solve", "device", 2, r"config\.solve: unknown field 'device'"),
    ],
)
def test_unknown_fields_are_refused_in_both_formats(section, name, format_number, message, tmp_path):
    header = {"format": format_number, "config": {section: {name: "cpu"}}, "shape": {"vocab_size": 6, "seq_len": 16}}
    (tmp_path / "config.json").write_text(json.dumps(header))
    with pytest.raises(CheckpointError, match=message):
        read_config(tmp_path)
