"""Adam-atan2: Adam with atan2(m, sqrt(v)) for m / (sqrt(v) + eps), which needs no epsilon and bounds every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

Correction = Literal["outside", "inside"]


class AdamATan2(Optimizer):
    """Adam-atan2 (arXiv 2407.05872) with decoupled weight decay, in both published forms.

    The paper corrects the averages' bias *inside* atan2. The PyPI package adam-atan2 0.0.3, which the official HRM and
    TRM runs used, corrects that of the first average *outside*: its first step is 0.997 lr rather than 0.785 lr.
    adam-atan2-pytorch is correction "inside" with scale 1.27.

    Args:
        params: Parameters or groups.
        lr: Learning rate; the largest step of one weight is `scale` x lr x pi / 2.
        betas: Decay of the gradient's average and of its square's, each from 0 to 1.
        weight_decay: p *= 1 - lr x weight_decay before the step.
        correction: Where the bias correction of the first average stands.
        scale: Factor of the step (the paper's a).
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-4,
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        weight_decay: float = 1.0,
        correction: Correction = "outside",
        scale: float = 1.0,
    ):
        if lr < 0 or weight_decay < 0 or not all(0 <= b < 1 for b in betas):
            raise ValueError(
                f"lr and weight_decay must not be negative, betas from 0 to below 1: got {lr}, {weight_decay}, {betas}"
            )
        if correction not in ("outside", "inside"):
            raise ValueError(f"correction must be outside or inside: got {correction!r}")
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "correction": correction, "scale": scale}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Updates every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, p.grad, group=group)
        return loss

    def _update(self, p: Tensor, gradient: Tensor, *, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        beta1, beta2 = group["betas"]
        lr = float(group["lr"])
        m, v = state["exp_avg"], state["exp_avg_sq"]
        p.mul_(1 - lr * group["weight_decay"])
        m.lerp_(gradient, 1 - beta1)
        v.lerp_(gradient.square(), 1 - beta2)

        correction = 1 - beta1 ** state["step"]
        root = v.sqrt().div_(math.sqrt(1 - beta2 ** state["step"]))
        if group["correction"] == "inside":
            p.add_(torch.atan2(m / correction, root), alpha=-lr * group["scale"])
        else:
            p.add_(torch.atan2(m, root), alpha=-lr * group["scale"] / correction)
