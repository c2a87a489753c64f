"""TRM written the official way, as the baseline of bench_step.py: eager, unfused, float64 stablemax, one loop for each update.

Ours, from a description of what the official code does. It reads the state dict of `ponderling.models.TRM`, so that both can
be compared with the same weights: bench_step.py does, before it times anything.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ponderling.config import ModelConfig, TrainConfig

Weights = dict[str, Tensor]


class PlainTRM:
    """One supervision step, and one training step, of TRM.

    Args:
        weights: State dict of our TRM; copied.
        model: Its config. Weights are float32, cast to the activations' type at every use.
        train: Rates of adam-atan2, loss weights, EMA.
    """

    def __init__(self, weights: Weights, model: ModelConfig, *, train: TrainConfig):
        self.model, self.train, self.dtype = model, train, getattr(torch, model.dtype)
        self.w = {name: tensor.detach().clone() for name, tensor in weights.items()}
        self.trained = [name for name in self.w if name.endswith(("weight", "bias"))]
        for name in self.trained:
            self.w[name].requires_grad_()
        self.average = {name: self.w[name].detach().clone() for name in self.trained}
        self.moments = {name: (torch.zeros_like(self.w[name]), torch.zeros_like(self.w[name])) for name in self.trained}
        self.updates = 0

    def norm(self, x: Tensor) -> Tensor:
        x = x.float()
        return (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.model.rms_norm_eps)).to(self.dtype)

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.w[f"{name}.weight"].to(self.dtype))

    def swiglu(self, x: Tensor, name: str) -> Tensor:
        gate, up = self.linear(x, f"{name}.gate_up").chunk(2, dim=-1)
        return self.linear(F.silu(gate) * up, f"{name}.down")

    def rotate(self, x: Tensor, cos: Tensor, *, sin: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=-1)
        return (x * cos + torch.cat([-second, first], dim=-1) * sin).to(self.dtype)

    def attention(self, x: Tensor, name: str) -> Tensor:
        B, S, D = x.shape
        H = self.model.num_heads
        q, k, v = self.linear(x, f"{name}.qkv").view(B, S, 3 * H, D // H).transpose(1, 2).chunk(3, dim=1)
        frequencies = self.model.rope_theta ** -(torch.arange(0, D // H, 2) / (D // H))
        angles = torch.outer(torch.arange(S, dtype=torch.float32), frequencies).repeat(1, 2)
        q, k = self.rotate(q, angles.cos(), sin=angles.sin()), self.rotate(k, angles.cos(), sin=angles.sin())
        heads = F.scaled_dot_product_attention(q, k, v)
        return self.linear(heads.transpose(1, 2).reshape(B, S, D), f"{name}.output")

    def net(self, x: Tensor) -> Tensor:
        for i in range(self.model.num_layers):
            block = f"net.layers.{i}"
            if self.model.mixer == "mlp":
                turned = x.transpose(1, 2)
                x = self.norm(turned + self.swiglu(turned, f"{block}.mix_positions.mlp")).transpose(1, 2)
            else:
                x = self.norm(x + self.attention(x, f"{block}.attention"))
            x = self.norm(x + self.swiglu(x, f"{block}.mlp"))
        return x

    def supervise(self, y: Tensor, z: Tensor, *, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """y, z, logits and halting logit after one supervision step."""
        D, P = self.model.hidden_size, self.model.prefix_len
        x = self.w["embedding.weight"].to(self.dtype)[tokens]
        x = math.sqrt(D) * torch.cat([x.new_zeros(len(x), P, D), x], dim=1)
        for t in range(self.model.T):
            with torch.set_grad_enabled(torch.is_grad_enabled() and t == self.model.T - 1):
                for _ in range(self.model.n):
                    z = self.net(z + (y + x))
                y = self.net(y + z)
        logits = self.linear(y, "answer_head")[:, P:]
        q = (self.linear(y[:, 0], "halt_head") + self.w["halt_head.bias"].to(self.dtype))[:, 0].float()
        return y, z, logits, q

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        shape = (batch_size, self.model.prefix_len + 81, self.model.hidden_size)
        y, z = (vector.to(self.dtype).expand(shape).clone() for vector in self.w["initial"])
        return y, z

    def train_step(self, y: Tensor, z: Tensor, *, tokens: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, float]:
        """One supervision step, loss, backward, adam-atan2, EMA; the new state and the loss."""
        y, z, logits, q = self.supervise(y, z, tokens=tokens)
        x = logits.double()
        s = torch.where(x < 0, 1 / (1 - x + 1e-30), x + 1)
        log_p = torch.log(s / s.sum(-1, keepdim=True))
        answer = -log_p.gather(-1, labels.unsqueeze(-1)).squeeze(-1).mean(-1).sum()
        exact = (logits.argmax(-1) == labels).all(-1).float()
        halt = F.binary_cross_entropy_with_logits(q, exact, reduction="sum")
        loss = (answer + self.train.halt_loss_weight * halt) / len(tokens)
        loss.backward()
        self.update()
        return y.detach(), z.detach(), loss.item()

    @torch.no_grad()
    def update(self) -> None:
        t, lr = self.train, self.train.lr
        self.updates += 1
        for name in self.trained:
            p, (m, v) = self.w[name], self.moments[name]
            gradient = p.grad if p.grad is not None else torch.zeros_like(p)
            p.mul_(1 - lr * t.weight_decay)
            m.lerp_(gradient, 1 - t.beta1)
            v.lerp_(gradient.square(), 1 - t.beta2)
            root = v.sqrt() / math.sqrt(1 - t.beta2**self.updates)
            p.sub_(lr / (1 - t.beta1**self.updates) * torch.atan2(m, root))
            p.grad = None
            self.average[name].mul_(t.ema_rate).add_(p, alpha=1 - t.ema_rate)
