"""The golden files: finding them, reading them, and how far from them we may be."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from ponderling.config import ModelConfig, PuzzleShape, TrainConfig
from ponderling.exchange import official
from ponderling.exchange.deviation import largest_deviation
from ponderling.models import Reasoner, build_model
from ponderling.supervision import Batch

HERE = Path(__file__).parent / "golden"
FOLDERS = [HERE, *(Path(p) for p in os.environ.get("PONDERLING_GOLDEN_DIR", "").split(os.pathsep) if p)]


def files(pattern: str) -> list[Path]:
    """All golden files whose names match, in all folders."""
    return sorted(file for folder in FOLDERS for file in folder.glob(pattern))


def models() -> list[Path]:
    """Files with weights, evaluation steps, loss and gradients."""
    return [file for file in files("*.safetensors") if file.name.startswith(("trm_", "hrm_"))]


@dataclass
class Golden:
    """One file: its tensors and what its metadata says."""

    path: Path

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        with safe_open(self.path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118

    @cached_property
    def metadata(self) -> dict[str, str]:
        with safe_open(self.path, "pt") as file:
            return file.metadata()

    @cached_property
    def official(self) -> dict[str, Any]:
        """The official config."""
        return json.loads(self.metadata["config"])

    @property
    def system(self) -> Any:
        return self.metadata["model"]

    def model_config(self) -> ModelConfig:
        c, D = self.official, self.official["hidden_size"]
        size = c["puzzle_emb_ndim"]
        hrm = self.system == "hrm"
        return ModelConfig(
            system=self.system,
            hidden_size=D,
            num_heads=c["num_heads"],
            num_layers=c["L_layers"],
            num_layers_H=c["H_layers"] or None,
            expansion=c["expansion"],
            mixer="mlp" if c.get("mlp_t") else "attention",
            positions=c["pos_encodings"],
            puzzle_embedding_size=size,
            prefix_len=(0 if hrm else c.get("puzzle_emb_len", 0)) or -(-size // D),
            n=c["L_cycles"],
            T=c["H_cycles"],
            gradient="one_step" if hrm else "full",
            separate_networks=hrm,
            dtype=c["forward_dtype"],
            rms_norm_eps=c["rms_norm_eps"],
            rope_theta=c["rope_theta"],
        )

    def model(self) -> Reasoner:
        """Our model with the file's weights."""
        c = self.official
        model = build_model(
            self.model_config(), PuzzleShape(c["vocab_size"], c["seq_len"], num_puzzles=c["num_puzzle_identifiers"])
        )
        state = {k.removeprefix("state/inner."): v for k, v in self.tensors.items() if k.startswith("state/")}
        model.load_state_dict(official.to_ours(state, self.system))
        return model

    def train_config(self, **changes: Any) -> TrainConfig:
        no_continue = self.system == "trm" and self.official.get("no_ACT_continue", True)
        settings: dict[str, Any] = {
            "N_sup": self.official["halt_max_steps"],
            "halt_exploration": self.official["halt_exploration_prob"],
            "halting": "halt" if no_continue else "halt_continue",
            "loss": "stablemax" if self.metadata["loss"].startswith("stablemax") else "softmax",
        }
        return TrainConfig(**{**settings, **changes})

    def batch(self, prefix: str = "batch", rows: Tensor | slice = slice(None)) -> Batch:
        names = ("inputs", "labels", "puzzle_identifiers")
        tokens, labels, puzzle_ids = (self.tensors[f"{prefix}/{name}"].long()[rows] for name in names)
        return Batch(tokens, labels, puzzle_ids=puzzle_ids)

    def share_of_tolerance(self, key: str, value: Tensor) -> float:
        """Largest deviation as a share of the tolerance: ten times what 1e-7 of noise on the weights changes, or 1e-5."""
        noise = self.tensors.get(f"noise1e-7/{key}", torch.tensor(0.0)).item()
        expected = self.tensors[key]
        assert expected.shape == value.shape, f"{key}: {tuple(value.shape)} for {tuple(expected.shape)}"
        return largest_deviation(expected, value) / max(1e-5, 10 * noise)


def checks(tensor: Tensor) -> Tensor:
    """Five numbers that tell a tensor: sum, sum of absolutes, of squares, largest absolute, and a sum with varying weights."""
    flat = tensor.detach().double().flatten()
    waves = torch.cos(0.7310585786 * torch.arange(len(flat), dtype=torch.float64) + 0.25)
    return torch.stack([flat.sum(), flat.abs().sum(), flat.square().sum(), flat.abs().max(), (flat * waves).sum()])


def checks_deviation(expected: Tensor, tensor: Tensor) -> float:
    """Largest relative deviation of the five numbers."""
    scale = expected.double().abs() + 1e-3
    return largest_deviation(expected.double() / scale, checks(tensor) / scale)
