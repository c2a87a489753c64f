"""What training minimises: the answer's loss over cells, and the halting loss. All sums over the batch, as official."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ponderling.config import LossName

IGNORE = -100
"""Label of a cell that no loss and no score counts; torch's own default for it."""

NEVER = -1e4
"""The logit of a token that no answer can have; finite, so that no loss becomes infinite times zero."""


def has_float64(device: torch.device) -> bool:
    """Whether the device computes in float64; Apple's GPUs do not, nor do some of Intel's."""
    if device.type == "xpu":
        return bool(torch.xpu.get_device_properties(device).has_fp64)
    return device.type != "mps"


def log_stablemax(logits: Tensor) -> Tensor:
    """log of stablemax along the last axis, in float64: s(x) = x + 1 from 0 up, 1 / (1 - x) below, over their sum.

    Grows linearly where softmax grows exponentially (arXiv 2501.04697). float64 as in the official losses, and the form in
    float32 on devices that lack it.
    """
    if not has_float64(logits.device):
        return log_stablemax_float32(logits)
    x = logits.double()
    s = torch.where(x < 0, 1 / (1 - x + 1e-30), x + 1)
    return torch.log(s / s.sum(dim=-1, keepdim=True))


def log_stablemax_float32(logits: Tensor) -> Tensor:
    """log of stablemax in float32 without loss of precision: log s(x) = log1p(x) from 0 up, -log1p(-x) below.

    Differs from the float64 form by at most 1e-6 for logits up to 1e4 (tested).
    """
    x = logits.float()
    # Not sign(x) * log1p(|x|): that has no slope at 0, where the true one is 1, and a head of zeros would never learn.
    log_s = torch.where(x < 0, -torch.log1p(-x.clamp_max(0)), torch.log1p(x.clamp_min(0)))
    return log_s - log_s.logsumexp(dim=-1, keepdim=True)


def log_softmax(logits: Tensor) -> Tensor:
    """log of softmax along the last axis, in float32."""
    return F.log_softmax(logits.float(), dim=-1)


LOG_PROBABILITIES: dict[LossName, Callable[[Tensor], Tensor]] = {
    "stablemax": log_stablemax,
    "stablemax_float32": log_stablemax_float32,
    "softmax": log_softmax,
}


def cross_entropy(
    logits: Tensor, labels: Tensor, *, loss: LossName = "stablemax", label_smoothing: float = 0.0
) -> Tensor:
    """The loss of every cell, (B, L); 0 where the label is IGNORE.

    Args:
        logits: (B, L, V).
        labels: Tokens or IGNORE, (B, L).
        loss: Which function turns logits into probabilities.
        label_smoothing: Share of the target spread evenly over the tokens that an answer can have, from 0 to 1. Tokens
            with the logit NEVER are left out: nothing can be learned about them.
    """
    log_p = LOG_PROBABILITIES[loss](logits)
    counts = labels != IGNORE
    index = labels.where(counts, 0).long().unsqueeze(-1)
    per_cell = -log_p.gather(-1, index).squeeze(-1)
    if label_smoothing:
        possible = logits > 0.99 * NEVER  # bfloat16 rounds NEVER up
        mean = log_p.where(possible, 0.0).sum(dim=-1) / possible.sum(dim=-1)
        per_cell = (1 - label_smoothing) * per_cell - label_smoothing * mean
    return per_cell.where(counts, 0.0)


def answer_loss(
    logits: Tensor, labels: Tensor, *, loss: LossName = "stablemax", label_smoothing: float = 0.0
) -> Tensor:
    """Sum over the batch of each puzzle's mean loss over the cells that count; scalar, 0 for a puzzle without any."""
    return puzzle_losses(logits, labels, loss=loss, label_smoothing=label_smoothing).sum()


def puzzle_losses(
    logits: Tensor, labels: Tensor, *, loss: LossName = "stablemax", label_smoothing: float = 0.0
) -> Tensor:
    """Each puzzle's mean loss over the cells that count, (B,); 0 for a puzzle without any. Arguments as `cross_entropy`."""
    cells = (labels != IGNORE).sum(dim=-1).clamp_min(1)
    return cross_entropy(logits, labels, loss=loss, label_smoothing=label_smoothing).sum(dim=-1) / cells


@dataclass(frozen=True, kw_only=True)
class Correct:
    """How right the answers of a batch are."""

    cells: Tensor
    """Share of the cells that count which are right, (B,); 0 for a puzzle without any."""
    exact: Tensor
    """Whether every cell that counts is right, (B,) bool; True for a puzzle without any, as in the official code."""
    has_labels: Tensor
    """Whether any cell counts, (B,) bool."""


def correctness(logits: Tensor, labels: Tensor) -> Correct:
    """Compares the likeliest tokens of logits (B, L, V) with labels (B, L)."""
    counts = labels != IGNORE
    right = (logits.argmax(dim=-1) == labels) & counts
    num_cells = counts.sum(dim=-1)
    return Correct(
        cells=right.sum(dim=-1) / num_cells.clamp_min(1), exact=right.sum(dim=-1) == num_cells, has_labels=num_cells > 0
    )


def halting_loss(q: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of the logits (B,) against targets from 0 to 1 (B,), summed over the batch."""
    return F.binary_cross_entropy_with_logits(q, target.to(q.dtype), reduction="sum")
