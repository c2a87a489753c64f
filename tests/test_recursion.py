"""The loops of both papers: how often the network is called, on what, and through which calls the gradient flows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ponderling.models.ablations import (
    many_latent_recursion,
    single_latent_recursion,
    two_network_recursion,
)
from ponderling.recursion import deep_recursion, hierarchical_recursion, latent_recursion, recur_deeply

B, S, D = 2, 3, 4


class Recorder(nn.Module):
    """A network that remembers its inputs and whether each call could pass a gradient."""

    def __init__(self, seed: int = 0):
        super().__init__()
        self.linear = nn.Linear(D, D)
        nn.init.normal_(self.linear.weight, generator=torch.Generator().manual_seed(seed))
        self.inputs, self.grads = [], []

    def forward(self, h):
        self.inputs.append(h.detach().clone())
        self.grads.append(torch.is_grad_enabled())
        return torch.tanh(self.linear(h))


def tensors(count: int = 3):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(B, S, D, generator=generator) for _ in range(count)]


def test_latent_recursion_improves_z_n_times_with_the_question_then_y_once_without():
    net, (x, y, z) = Recorder(), tensors()
    new_y, new_z = latent_recursion(net, x, y=y, z=z, n=3)
    expected = z
    for i in range(3):
        assert torch.equal(net.inputs[i], expected + (y + x))
        expected = torch.tanh(net.linear(expected + (y + x)))
    assert torch.equal(new_z, expected)
    assert torch.equal(net.inputs[3], y + new_z)
    assert torch.equal(new_y, torch.tanh(net.linear(y + new_z)))


@pytest.mark.parametrize(("n", "T"), [(6, 3), (1, 1), (2, 4)])
def test_gradient_flows_through_the_whole_last_recursion_and_no_other(n, T):
    net, (x, y, z) = Recorder(), tensors()
    deep_recursion(net, x, y=y, z=z, n=n, T=T)
    assert net.grads == [False] * ((T - 1) * (n + 1)) + [True] * (n + 1)


@pytest.mark.parametrize(("n", "T"), [(2, 2), (1, 1), (3, 4)])
def test_hrm_calls_as_often_with_gradient_through_the_last_call_of_each_network(n, T):
    net_L, net_H, (x, y, z) = Recorder(0), Recorder(1), tensors()
    hierarchical_recursion(net_L, net_H, x=x, y=y, z=z, n=n, T=T)
    assert net_L.grads == [False] * (T * n - 1) + [True]
    assert net_H.grads == [False] * (T - 1) + [True]


def test_without_gradient_hrm_computes_what_trm_with_separate_networks_does():
    net_L, net_H, (x, y, z) = Recorder(0), Recorder(1), tensors()
    hrm = hierarchical_recursion(net_L, net_H, x=x, y=y, z=z, n=3, T=2)
    trm = recur_deeply(lambda state: two_network_recursion(net_L, net_H, x=x, state=state, n=3), (y, z), T=2)
    assert all(torch.equal(a, b) for a, b in zip(hrm, trm, strict=True))


def test_single_latent_sees_the_question_in_all_calls_but_the_last():
    net, (x, z) = Recorder(), tensors(2)
    (out,) = single_latent_recursion(net, x, state=(z,), n=2)
    first = torch.tanh(net.linear(z + x))
    second = torch.tanh(net.linear(first + x))
    assert torch.equal(out, torch.tanh(net.linear(second)))


def test_many_latents_replace_one_latent_at_each_step_reading_the_sum_of_all():
    net, (x, y, z1, z2) = Recorder(), tensors(4)
    new_y, new_z1, new_z2 = many_latent_recursion(net, x, state=(y, z1, z2), n=2)
    torch.testing.assert_close(new_z1, torch.tanh(net.linear(z1 + z2 + y + x)))
    torch.testing.assert_close(new_z2, torch.tanh(net.linear(new_z1 + z2 + y + x)))
    torch.testing.assert_close(new_y, torch.tanh(net.linear(y + new_z1 + new_z2)))


def test_recur_deeply_is_deep_recursion_for_any_state():
    net, (x, y, z) = Recorder(), tensors()
    expected = deep_recursion(net, x, y=y, z=z, n=2, T=3)
    calls = net.grads.copy()
    net.grads.clear()
    state = recur_deeply(lambda state: latent_recursion(net, x, y=state[0], z=state[1], n=2), (y, z), T=3)
    assert all(torch.equal(a, b) for a, b in zip(state, expected, strict=True))
    assert net.grads == calls


def test_depth_is_the_papers_unless_it_is_said():
    """TRM n 6, T 3 (arXiv 2510.04871); HRM two steps in each of two cycles (arXiv 2506.21734)."""
    calls = []

    def counted(name):
        return lambda h: calls.append(name) or h

    x, y, z = tensors()
    deep_recursion(counted("net"), x, y=y, z=z)
    assert len(calls) == 3 * (6 + 1)
    calls.clear()
    hierarchical_recursion(counted("L"), counted("H"), x=x, y=y, z=z)
    assert calls == ["L", "L", "H", "L", "L", "H"]
