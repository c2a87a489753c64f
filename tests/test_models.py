"""Every network that the configuration can describe: it runs, trains, and equals an independent writing."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ponderling.config import ModelConfig, PuzzleShape, RunConfig, TrainConfig
from ponderling.losses import IGNORE
from ponderling.models import HRM, TRM, Relational, build_model
from ponderling.models.layers import MixNeighbours, attend, swiglu_width
from ponderling.recipes import get_recipe
from ponderling.supervision import Batch, empty_carry, refill, supervision_step
from ponderling.tasks import get_task
from ponderling.training.optim import Optimizers

TINY = ModelConfig(
    hidden_size=16, num_heads=2, inner_multiple=16, num_layers=1, n=2, T=2, prefix_len=2, puzzle_embedding_size=20,
    dtype="float32",
)  # fmt: skip
SHAPE = PuzzleShape(vocab_size=6, seq_len=16, num_puzzles=5, columns=4)
HRM_WAYS = {"system": "hrm", "gradient": "one_step", "separate_networks": True}

ABLATIONS = {
    "TRM": {},
    "MLP over positions": {"mixer": "mlp", "positions": "none"},
    "learned positions": {"positions": "learned"},
    "no positions": {"positions": "none"},
    "1-step gradient": {"gradient": "one_step"},
    "separate networks": {"separate_networks": True, "num_layers_H": 2},
    "separate networks and 1-step gradient": {"separate_networks": True, "gradient": "one_step"},
    "single latent": {"latents": "single"},
    "one latent per level": {"latents": "many"},
    "no prefix": {"prefix_len": 0, "puzzle_embedding_size": 0},
    "empty prefix": {"puzzle_embedding_size": 0},
    "neighbours": {"mixer": "neighbours", "positions": "none", "prefix_len": 0, "puzzle_embedding_size": 0},
    "HRM": HRM_WAYS,
    "HRM, learned positions": {**HRM_WAYS, "positions": "learned", "num_layers_H": 2},
}


def batch(B: int = 4, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, 6, (B, 16), generator=generator)
    labels[0, 3:7] = IGNORE
    return Batch(torch.randint(1, 6, (B, 16), generator=generator), labels, puzzle_ids=torch.tensor([0, 1, 1, 4])[:B])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("changes", ABLATIONS.values(), ids=ABLATIONS.keys())
def test_every_ablation_trains_all_of_its_weights(changes, dtype):
    config = replace(TINY, **changes, dtype=dtype)
    model = build_model(config, SHAPE, generator=torch.Generator().manual_seed(0)).train()
    with torch.no_grad():
        model.halt_head.weight.normal_()  # it starts at zero, which would hide its gradient to y
    halting = "halt_continue" if config.system == "hrm" else "halt"
    train = TrainConfig(N_sup=4, halting=halting, batch_size=4)
    carry = refill(model, empty_carry(model, 4, seq_len=16), new=batch())
    result = supervision_step(model, carry, config=train)
    result.loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.dtype == torch.float32, name
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    assert result.output.logits.dtype == getattr(torch, dtype)
    assert result.output.q.dtype == torch.float32
    assert {s.dtype for s in result.carry.state} == {getattr(torch, dtype)}
    if model.puzzle_embedding is not None:
        assert model.puzzle_embedding.rows.grad.shape == (4, 20)
        assert model.puzzle_embedding.rows.grad.abs().sum() > 0


@pytest.mark.parametrize("changes", ABLATIONS.values(), ids=ABLATIONS.keys())
def test_a_few_updates_lower_the_loss_of_every_ablation(changes):
    config = replace(TINY, **changes)
    model = build_model(config, SHAPE, generator=torch.Generator().manual_seed(0)).train()
    halting = "halt_continue" if config.system == "hrm" else "halt"
    train = TrainConfig(
        N_sup=1, halting=halting, lr=1e-2, warmup_steps=0, weight_decay=0.0, batch_size=4, puzzle_lr=1e-2
    )
    optimizers = Optimizers(model, train, puzzle_embedding=model.puzzle_embedding)
    losses = []
    for _ in range(30):
        carry = refill(model, empty_carry(model, 4, seq_len=16), new=batch())
        result = supervision_step(model, carry, config=train)
        (result.loss / 4).backward()
        optimizers.step()
        optimizers.zero_grad()
        losses.append(result.answer_loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_trm_with_separate_networks_and_1_step_gradient_is_hrm():
    config = replace(TINY, gradient="one_step", separate_networks=True)
    trm = build_model(config, SHAPE, generator=torch.Generator().manual_seed(0))
    hrm = build_model(replace(config, system="hrm"), SHAPE)
    names = {"net.": "net_L.", "net_y.": "net_H."}
    state = {
        next((b + k[len(a) :] for a, b in names.items() if k.startswith(a)), k): v for k, v in trm.state_dict().items()
    }
    hrm.load_state_dict(state)
    outputs = []
    for model in (trm, hrm):
        model.train()
        _, output = model(model.initial_state(4), batch().tokens, puzzle_ids=batch().puzzle_ids)
        output.logits.square().sum().backward()
        outputs.append((output.logits, model.embedding.weight.grad))
    assert all(torch.equal(a, b) for a, b in zip(*outputs, strict=True))


class Mean(nn.Module):
    """A user's network: every position reads the mean of all."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 16)
        self.calls = 0

    def forward(self, h):
        self.calls += 1
        return torch.tanh(self.linear(h + h.mean(dim=1, keepdim=True)))


def test_a_users_network_stands_in_for_the_block_stack():
    net, net_L, net_H = Mean(), Mean(), Mean()
    config = replace(TINY, n=3, T=2)
    for model, networks in (
        (TRM(config, SHAPE, net=net), [net]),
        (TRM(replace(config, separate_networks=True), SHAPE, net=net_L, net_y=net_H), [net_L, net_H]),
        (HRM(replace(config, **HRM_WAYS), SHAPE, net_L=net_L, net_H=net_H), [net_L, net_H]),
    ):
        _, output = model(model.initial_state(4), batch().tokens, puzzle_ids=batch().puzzle_ids)
        output.logits.sum().backward()
        assert output.logits.shape == (4, 16, 6)
        assert all(network.linear.weight.grad is not None for network in networks)
    assert net.calls == 2 * (3 + 1)


def test_a_second_network_without_separate_networks_is_refused():
    with pytest.raises(ValueError, match="it needs separate_networks True"):
        TRM(TINY, SHAPE, net=Mean(), net_y=Mean())


def test_attention_and_positions_make_a_difference_between_cells_and_mlp_is_not_blind_to_order():
    for changes in ({}, {"positions": "learned"}, {"mixer": "mlp", "positions": "none"}):
        model = build_model(replace(TINY, **changes), SHAPE, generator=torch.Generator().manual_seed(0)).eval()
        tokens = torch.full((1, 16), 1)
        tokens[0, 0] = 3
        _, output = model(model.initial_state(1), tokens, puzzle_ids=torch.tensor([0]))
        _, rolled = model(model.initial_state(1), tokens.roll(1, 1), puzzle_ids=torch.tensor([0]))
        assert not torch.allclose(output.logits.roll(1, 1), rolled.logits, atol=1e-4)


# An independent writing of the official models in float64, from the description of what they do: the oracle for
# configurations that no golden file has.


def oracle_block(weights, config, h):
    def linear(v, name):
        return v @ weights[name].double().T

    def norm(v):
        return v / (v.square().mean(-1, keepdim=True) + config.rms_norm_eps).sqrt()

    def swiglu(v, name):
        gate_up = linear(v, f"{name}.gate_up.weight")
        half = gate_up.shape[-1] // 2
        gate, up = gate_up[..., :half], gate_up[..., half:]
        return linear(gate / (1 + torch.exp(-gate)) * up, f"{name}.down.weight")

    D = h.shape[-1]
    if config.mixer == "mlp":
        t = h.permute(0, 2, 1)
        h = norm(t + swiglu(t, "mix_positions.mlp")).permute(0, 2, 1)
    else:
        H, K = config.num_heads, D // config.num_heads
        q, k, v = linear(h, "attention.qkv.weight").split(D, dim=-1)
        heads = []
        for i in range(H):
            qi, ki, vi = (m[..., i * K : (i + 1) * K] for m in (q, k, v))
            if config.positions == "rope":
                qi, ki = oracle_rope(qi, config), oracle_rope(ki, config)
            heads.append(torch.softmax(qi @ ki.transpose(1, 2) / math.sqrt(K), dim=-1) @ vi)
        h = norm(h + linear(torch.cat(heads, dim=-1), "attention.output.weight"))
    return norm(h + swiglu(h, "mlp"))


def oracle_rope(v, config):
    out = v.clone()
    half = v.shape[-1] // 2
    for position, i in itertools.product(range(v.shape[1]), range(half)):
        # float32 tables, as official
        angle = torch.tensor(position, dtype=torch.float32) * torch.tensor(config.rope_theta) ** -(2 * i / (2 * half))
        cos, sin = angle.cos().double(), angle.sin().double()
        a, b = v[:, position, i], v[:, position, i + half]
        out[:, position, i] = a * cos - b * sin
        out[:, position, i + half] = b * cos + a * sin
    return out


def oracle_step(model, state, tokens, ids):
    config = model.config
    weights = model.state_dict()
    D, P = config.hidden_size, config.prefix_len
    x = weights["embedding.weight"].double()[tokens]
    if P:
        prefix = torch.zeros(len(tokens), P * D, dtype=torch.float64)
        if config.puzzle_embedding_size:
            prefix[:, : config.puzzle_embedding_size] = weights["puzzle_embedding.table"].double()[ids]
        x = torch.cat([prefix.view(len(tokens), P, D), x], dim=1)
    if config.positions == "learned":
        x = 0.707106781 * (x + weights["positions.weight"].double())
    x = x * math.sqrt(D)

    def network(name, layers):
        def call(h):
            for i in range(layers):
                start = f"{name}.layers.{i}."
                h = oracle_block(
                    {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}, config, h
                )
            return h

        return call

    if config.system == "hrm":
        net_L, net_H = network("net_L", config.num_layers), network("net_H", config.layers_H)
    else:
        net_L = net_H = network("net", config.num_layers)
    y, z = state
    for _ in range(config.T):
        for _ in range(config.n):
            z = net_L(z + (y + x))
        y = net_H(y + z)
    q = y[:, 0] @ weights["halt_head.weight"].double().T + weights["halt_head.bias"].double()
    return (y, z), y[:, P:] @ weights["answer_head.weight"].double().T, q[:, 0], q[:, 1]


@pytest.mark.parametrize("changes", ABLATIONS.values(), ids=ABLATIONS.keys())
def test_depth_given_in_the_call_is_that_of_a_model_built_with_it(changes):
    config = replace(TINY, **changes)
    model, puzzles = build_model(config, SHAPE, generator=torch.Generator().manual_seed(0)), batch()
    n = config.n if config.latents == "many" else 3
    other = build_model(replace(config, n=n, T=4), SHAPE, generator=torch.Generator().manual_seed(0))
    state = model.initial_state(len(puzzles))
    after, said = model(state, puzzles.tokens, puzzle_ids=puzzles.puzzle_ids, n=n, T=4)
    expected, expected_said = other(state, puzzles.tokens, puzzle_ids=puzzles.puzzle_ids)
    assert all(torch.equal(a, b) for a, b in zip((*after, *said), (*expected, *expected_said), strict=True))
    assert not torch.equal(after[0], model(state, puzzles.tokens, puzzle_ids=puzzles.puzzle_ids)[0][0])
    assert (model.config.n, model.config.T) == (2, 2)


def test_a_depth_that_the_state_has_no_room_for_is_refused():
    model, puzzles = build_model(replace(TINY, latents="many"), SHAPE), batch()
    state = model.initial_state(len(puzzles))
    with pytest.raises(ValueError, match="latents many carries a latent for each of 2 steps: n cannot be 3"):
        model(state, puzzles.tokens, puzzle_ids=puzzles.puzzle_ids, n=3)
    with pytest.raises(ValueError, match="n and T must be at least 1: got n 2 and T 0"):
        model(state, puzzles.tokens, puzzle_ids=puzzles.puzzle_ids, T=0)


@pytest.mark.parametrize(
    ("build", "recipe", "task"),
    [
        (TRM, "sudoku4", None), (HRM, "sudoku4-hrm", None), (Relational, "sudoku", None), (TRM, "maze10", None),
        (Relational, "sudoku", "sudoku6"),
    ],
)  # fmt: skip
def test_a_model_is_built_from_the_settings_of_a_run_alone(build, recipe, task):
    config = get_recipe(recipe).config
    if task is not None:
        config = replace(config, data=replace(config.data, task=task))
    family = get_task(config.data.task)
    rows, columns = family.grid_shape
    shape = PuzzleShape(family.vocab_size, rows * columns, columns=columns)
    model = build(config, generator=torch.Generator().manual_seed(0))
    expected = build_model(config.model, shape, generator=torch.Generator().manual_seed(0), relations=family.relations)
    assert type(model) is type(expected)
    assert model.shape == shape
    assert model.config == config.model
    assert model.state_dict().keys() == expected.state_dict().keys()
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), expected.state_dict().values()))


def test_a_constructor_says_in_one_line_what_it_lacks():
    with pytest.raises(ValueError, match="a ModelConfig does not say what puzzles are like: give a PuzzleShape too"):
        TRM(TINY)
    with pytest.raises(ValueError, match="expected a config of system trm: got system hrm"):
        TRM(replace(TINY, **HRM_WAYS), SHAPE)
    with pytest.raises(TypeError, match="expected a RunConfig, or a ModelConfig and a PuzzleShape: got Recipe"):
        TRM(get_recipe("sudoku4"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="needs a task that declares its relations"):
        Relational(get_recipe("sudoku").config.model, SHAPE)


def test_a_shape_given_with_the_settings_of_a_run_holds():
    """ARC's data decides the number of rows of the puzzle embedding."""
    config = RunConfig(model=TINY)
    model = TRM(config, PuzzleShape(6, 16, num_puzzles=7))
    assert model.puzzle_embedding is not None
    assert model.puzzle_embedding.table.shape == (7, 20)


CONFIGURATIONS = {
    "D 128, S 81, prefix 5 with padding": (
        {"hidden_size": 128, "num_heads": 4, "prefix_len": 5, "puzzle_embedding_size": 130, "inner_multiple": 256}, 81
    ),
    "one layer, MLP, prefix 5": (
        {"hidden_size": 32, "prefix_len": 5, "puzzle_embedding_size": 33, "mixer": "mlp", "positions": "none"}, 20
    ),
    "HRM, learned positions, one prefix token": (
        {**HRM_WAYS, "hidden_size": 32, "prefix_len": 1, "puzzle_embedding_size": 32, "positions": "learned"}, 16
    ),
    "HRM, rope, H deeper than L": ({**HRM_WAYS, "num_layers": 1, "num_layers_H": 2}, 16),
    "no positions, no prefix": ({"prefix_len": 0, "puzzle_embedding_size": 0, "positions": "none"}, 9),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "seq_len"), CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_an_independent_writing_in_float64_gives_the_same_outputs(changes, seq_len):
    config = replace(TINY, **changes)
    model = build_model(
        config, PuzzleShape(7, seq_len, num_puzzles=3), generator=torch.Generator().manual_seed(3)
    ).eval()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith(("output.weight", "down.weight")):
                tensor.mul_(0.5)  # as in the golden files: else the recursion is chaotic in float32
            if name.startswith("halt_head") or name == "puzzle_embedding.table":
                tensor.normal_(generator=generator).mul_(0.25)
    tokens, ids = torch.randint(0, 7, (3, seq_len), generator=generator), torch.tensor([0, 2, 2])
    state = model.initial_state(3)
    exact = tuple(s.double() for s in state)
    for _ in range(3):
        with torch.no_grad():
            state, output = model(state, tokens, puzzle_ids=ids)
        exact, logits, q, q_continue = oracle_step(model, exact, tokens, ids)
        for ours, oracle in (
            (output.logits, logits),
            (output.q, q),
            (output.q_continue, q_continue),
            *zip(state, exact, strict=True),
        ):
            torch.testing.assert_close(ours.double(), oracle, atol=5e-5, rtol=0)


@pytest.mark.parametrize(("size", "width"), [(512, 1536), (128, 512), (64, 256), (97, 512), (916, 2560)])
def test_inner_widths_are_the_official_ones(size, width):
    assert swiglu_width(size, 4.0) == width


def test_initial_weights_have_the_official_spread():
    model = build_model(
        ModelConfig(dtype="float32", num_layers=1),
        PuzzleShape(11, 81, num_puzzles=2),
        generator=torch.Generator().manual_seed(0),
    )
    assert model.embedding.weight.std().item() == pytest.approx(512**-0.5, rel=0.05)
    down = model.net.layers[0].mlp.down.weight
    assert down.std().item() == pytest.approx(1536**-0.5, rel=0.01)
    assert down.abs().max().item() <= 2.2738 * 1536**-0.5
    assert model.initial.std().item() == pytest.approx(1, rel=0.1)
    assert torch.equal(model.halt_head.bias, torch.tensor([-5.0, -5.0]))
    assert not model.halt_head.weight.any()
    assert not model.puzzle_embedding.table.any()
    assert "initial" not in dict(model.named_parameters())


def test_bfloat16_activations_stay_close_to_float32():
    config = replace(TINY, num_layers=2)
    exact = build_model(config, SHAPE, generator=torch.Generator().manual_seed(0)).eval()
    rough = build_model(replace(config, dtype="bfloat16"), SHAPE).eval()
    with torch.no_grad():
        for name, tensor in exact.state_dict().items():
            if name.endswith(("output.weight", "down.weight")):
                tensor.mul_(0.5)
    rough.load_state_dict(exact.state_dict())
    outputs = [
        model(model.initial_state(4), batch().tokens, puzzle_ids=batch().puzzle_ids)[1].logits.float()
        for model in (exact, rough)
    ]
    assert F.cosine_similarity(*(o.flatten() for o in outputs), dim=0) > 0.99


def test_bfloat16_attention_is_computed_in_float32_where_gradients_are_enabled_on_a_cpu(monkeypatch):
    q, k, v = (torch.randn(2, 4, 97, 16, generator=torch.Generator().manual_seed(i)) for i in range(3))
    rough = [t.bfloat16().requires_grad_() for t in (q, k, v)]
    exact = [t.detach().float().requires_grad_() for t in rough]
    fused, computed_in = F.scaled_dot_product_attention, []
    monkeypatch.setattr(
        F, "scaled_dot_product_attention", lambda *args: (computed_in.append(args[0].dtype), fused(*args))[1]
    )
    with torch.no_grad():
        used = attend(rough[0], rough[1], v=rough[2])
    trained = attend(rough[0], rough[1], v=rough[2])
    assert computed_in == [torch.bfloat16, torch.float32]
    assert trained.dtype == used.dtype == torch.bfloat16
    torch.testing.assert_close(trained, used, rtol=2**-7, atol=2**-7)  # a bfloat16 has 8 bits
    trained.float().square().sum().backward()
    attend(exact[0], exact[1], v=exact[2]).square().sum().backward()
    for one, other in zip(rough, exact, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(one.grad.float(), other.grad, rtol=2**-6, atol=2**-7)


def neighbours_of(cell: int, rows: int, columns: int) -> list[int | None]:
    """Down, left, right, up; None beyond the border."""
    row, column = divmod(cell, columns)
    beside = [(row + 1, column), (row, column - 1), (row, column + 1), (row - 1, column)]
    return [r * columns + c if 0 <= r < rows and 0 <= c < columns else None for r, c in beside]


def test_neighbours_are_the_four_cells_beside_and_zeros_beyond_the_border():
    mix = MixNeighbours(5, TINY, generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 15, 16, generator=torch.Generator().manual_seed(1))
    for cell in range(15):
        heard = [x[:, cell]]
        heard += [torch.zeros(2, 16) if i is None else x[:, i] for i in neighbours_of(cell, 3, 5)]
        gate, up = (torch.cat(heard, dim=-1) @ mix.gate_up.weight.T).chunk(2, dim=-1)
        expected = (F.silu(gate) * up) @ mix.down.weight.T
        torch.testing.assert_close(mix(x)[:, cell], expected)


def test_one_call_of_the_network_carries_news_no_farther_than_its_layers():
    config = replace(TINY, **ABLATIONS["neighbours"], num_layers=2)
    net = build_model(config, PuzzleShape(6, 63, columns=9), generator=torch.Generator().manual_seed(0)).net
    x = torch.randn(1, 63, 16, generator=torch.Generator().manual_seed(1))
    changed = x.clone()
    changed[0, 31] += 1  # row 3, column 4
    moved = (net(x) != net(changed)).any(dim=-1).view(7, 9)
    distance = (torch.arange(7).view(7, 1) - 3).abs() + (torch.arange(9) - 4).abs()
    assert torch.equal(moved, distance <= 2)


def test_neighbours_are_refused_where_cells_are_not_in_a_grid():
    with pytest.raises(ValueError, match="mixer neighbours needs the columns of the grid: got 0 for 16 cells"):
        build_model(replace(TINY, **ABLATIONS["neighbours"]), replace(SHAPE, columns=0))
    with pytest.raises(ValueError, match="positions must be none and prefix_len 0, got rope and 2"):
        replace(TINY, mixer="neighbours")
