"""Devices without bfloat16 are told in one line, before anything is loaded or made."""

from __future__ import annotations

import pytest
import torch

from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.models import device as devices
from ponderling.models.device import check_dtype

LACKS = (
    "device cuda:0 (NVIDIA T4) has no bfloat16: say --model.dtype float32 to train and --dtype float32 to use a model, in "
    'Python dtype="float32"'
)


@pytest.fixture
def turing(monkeypatch):
    """A card of 2018, on which torch emulates bfloat16, in place of the CPU."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA T4")
    monkeypatch.setattr(torch.cuda, "device", lambda device: torch.no_grad())  # any context
    check = check_dtype

    def checked(dtype, device):
        check(dtype, torch.device("cuda", 0))

    for module in ("checkpoint.loading", "training.starting", "training.trainer"):
        monkeypatch.setattr(f"ponderling.{module}.check_dtype", checked)


def test_a_card_that_only_emulates_bfloat16_is_refused_with_what_to_say(turing):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (compared below)
        check_dtype("bfloat16", torch.device("cuda", 0))
    assert str(refused.value) == LACKS
    check_dtype("float32", torch.device("cuda", 0))


def test_cpus_and_newer_cards_have_bfloat16(monkeypatch):
    check_dtype("bfloat16", torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch.cuda, "device", lambda device: torch.no_grad())
    check_dtype("bfloat16", torch.device("cuda", 0))


@pytest.mark.parametrize(("kind", "name"), [("mps", "is_macos_or_newer"), ("xpu", "is_bf16_supported")])
def test_other_devices_are_asked_too(kind, name, monkeypatch):
    owner = torch.backends.mps if kind == "mps" else torch.xpu
    for answer in (True, False):
        monkeypatch.setattr(owner, name, lambda *_, answer=answer, **__: answer)
        assert devices._has_bfloat16(torch.device(kind)) is answer


def test_training_is_refused_before_a_folder_is_made_and_runs_in_float32(turing, tmp_path, capsys):
    args = ["train", "sudoku4", "--train.steps", "1", "--data.max-train", "64", "--data.max-test", "8"]
    args += ["--out", str(tmp_path / "run")]
    assert main([*args, "--model.dtype", "bfloat16"]) == 2
    assert capsys.readouterr().err == f"ponderling: {LACKS}\n"
    assert not (tmp_path / "run").exists()
    assert main([*args, "--model.dtype", "float32"]) == 0


def test_a_checkpoint_in_bfloat16_is_used_in_float32(turing, tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as elsewhere:
        for module in ("training.starting", "training.trainer"):
            elsewhere.setattr(f"ponderling.{module}.check_dtype", lambda dtype, device: None)
        args = ["train", "sudoku4", "--train.steps", "1", "--data.max-train", "64", "--data.max-test", "8"]
        assert main([*args, "--model.dtype", "bfloat16", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["solve", str(tmp_path), "....1.3..4133..."]) == 2
    assert capsys.readouterr().err == f"ponderling: {LACKS}\n"
    assert main(["solve", str(tmp_path), "....1.3..4133...", "--dtype", "float32"]) == 0
    assert load_checkpoint(tmp_path, dtype="float32").config.model.dtype == "float32"
