"""Faithful to the official code: every golden tensor within its tolerance; `pytest -s` prints how close each file is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

import golden
from golden import Golden
from ponderling.config import PuzzleShape
from ponderling.exchange.deviation import largest_deviation
from ponderling.exchange.import_options import ImportOptions
from ponderling.exchange.official import load_official, official_key, read_official
from ponderling.losses import IGNORE
from ponderling.models import build_model, count_parameters
from ponderling.recipes import get_recipe
from ponderling.supervision import Batch, StepResult, empty_carry, refill, supervision_step
from ponderling.training.optim import Optimizers, make_ema

models = pytest.mark.parametrize("path", golden.models(), ids=lambda path: path.stem)
trajectories = pytest.mark.parametrize("path", golden.files("traj_*.safetensors"), ids=lambda path: path.stem)


def report(name: str, shares: dict[str, float]) -> None:
    beyond = [key for key, share in shares.items() if not share <= 1]  # also what is no number
    key = beyond[0] if beyond else max(shares, key=lambda key: shares[key])
    print(f"\n{name}: largest deviation {shares[key]:.3f} of its tolerance ({key}; {len(shares)} tensors)")
    assert not beyond, f"{key}: {shares[key]} times its tolerance"


def metrics(result: StepResult, halted: Tensor) -> dict[str, Tensor]:
    """The official loss head's figures: sums over halted samples that have labels; losses over all."""
    counted = halted & result.correct.has_labels
    return {
        "count": counted.sum(),
        "accuracy": result.correct.cells[counted].sum(),
        "exact_accuracy": (result.correct.exact & counted).sum(),
        "q_halt_accuracy": (((result.output.q >= 0) == result.correct.exact) & counted).sum(),
        "steps": result.carry.steps[counted].sum(),
        "lm_loss": result.answer_loss,
        "q_halt_loss": result.halt_loss,
    }


@models
def test_four_evaluation_steps(path: Path):
    g = Golden(path)
    model, batch = g.model().eval(), g.batch()
    # The official loss head in evaluation mode: halts at N_sup only, and has no continue target.
    config = g.train_config(halting="halt")
    carry = empty_carry(model, len(batch), seq_len=batch.tokens.shape[1])
    shares: dict[str, float] = {}
    for k in range(1, 5):
        slots = carry.halted.nonzero().squeeze(1)
        carry = refill(
            model, carry, new=Batch(batch.tokens[slots], batch.labels[slots], puzzle_ids=batch.puzzle_ids[slots])
        )
        with torch.no_grad():
            result = supervision_step(model, carry, config=config)
        is_last = result.carry.steps >= config.N_sup
        carry = type(carry)(state=result.carry.state, batch=carry.batch, steps=result.carry.steps, halted=is_last)
        values = {
            "logits": result.output.logits,
            "q_halt_logits": result.output.q,
            "q_continue_logits": result.output.q_continue,
            "z_H": carry.state[0],
            "z_L": carry.state[1],
        }
        shares |= {f"eval/step{k}/{n}": g.share_of_tolerance(f"eval/step{k}/{n}", v) for n, v in values.items()}
        assert torch.equal(carry.halted, g.tensors[f"eval/step{k}/halted"])
        assert torch.equal(carry.steps, g.tensors[f"eval/step{k}/steps"])
        loss = g.tensors[f"eval/step{k}/loss"]
        assert result.loss.item() == pytest.approx(loss.item(), rel=1e-5, abs=1e-5)
        for name, value in metrics(result, is_last).items():
            expected = g.tensors[f"eval/step{k}/metrics/{name}"].item()
            assert value.item() == pytest.approx(expected, rel=1e-5, abs=1e-5), name
    report(f"{path.stem}, evaluation", shares)


@models
def test_training_loss_metrics_and_every_gradient(path: Path):
    g = Golden(path)
    model, batch = g.model().train(), g.batch()
    carry = refill(model, empty_carry(model, len(batch), seq_len=batch.tokens.shape[1]), new=batch)
    result = supervision_step(model, carry, config=g.train_config())
    result.loss.backward()
    shares = {
        "train/loss": g.share_of_tolerance("train/loss", result.loss),
        "train/logits": g.share_of_tolerance("train/logits", result.output.logits),
        "train/q_halt_logits": g.share_of_tolerance("train/q_halt_logits", result.output.q),
        "train/q_continue_logits": g.share_of_tolerance("train/q_continue_logits", result.output.q_continue),
    }
    if result.target_continue is not None:
        shares["target"] = g.share_of_tolerance("train/target_q_continue", result.target_continue)
        expected = g.tensors["train/metrics/q_continue_loss"].item()
        assert result.continue_loss.item() == pytest.approx(expected, rel=1e-5)
    for name, value in metrics(result, result.carry.halted).items():
        expected = g.tensors[f"train/metrics/{name}"].item()
        assert value.item() == pytest.approx(expected, rel=1e-5, abs=1e-5), name
    assert torch.equal(result.carry.halted, g.tensors["train/halted"])
    seen = set()
    for name, parameter in model.named_parameters():
        key = f"grad/inner.{official_key(name, g.system)}"
        assert parameter.grad is not None, name
        shares[key] = g.share_of_tolerance(key, parameter.grad)
        seen.add(key)
    if model.puzzle_embedding is not None:
        key = "grad/inner.puzzle_emb.local_weights"
        assert model.puzzle_embedding.rows is not None
        assert model.puzzle_embedding.rows.grad is not None
        shares[key] = g.share_of_tolerance(key, model.puzzle_embedding.rows.grad)
        seen.add(key)
    assert seen == {key for key in g.tensors if key.startswith("grad/")}
    report(f"{path.stem}, training", shares)


@trajectories
def test_five_updates_with_their_moving_average(path: Path):
    t = Golden(path)
    h, rule = json.loads(t.metadata["hyper"]), t.metadata["optimizer"]
    g = Golden(path.parent / t.metadata["initial_state"].split()[0])
    model = g.model().train()
    config = g.train_config(
        optimizer="adam_atan2" if rule == "adam_atan2_0.0.3" else "adam_atan2_paper",
        steps=h["total_steps"], warmup_steps=h["lr_warmup_steps"], lr_min_ratio=h["lr_min_ratio"],
        lr=h["lr"], weight_decay=h["weight_decay"], beta1=h["beta1"], beta2=h["beta2"],
        puzzle_lr=h["puzzle_emb_lr"], puzzle_weight_decay=h["puzzle_emb_weight_decay"], ema_rate=h["ema_rate"],
    )  # fmt: skip
    optimizers = Optimizers(model, config, puzzle_embedding=model.puzzle_embedding)
    if rule == "adam_atan2_pytorch_a1.27_b1":
        optimizers.all[-1].param_groups[0]["scale"] = 1.27
    ema = make_ema(model, config.ema_rate)
    B, L = t.tensors["batch/step1/inputs"].shape
    carry = empty_carry(model, B, seq_len=L)
    loss_noise = max(1e-6, 10 * float(t.metadata["noise_loss_rel"]))
    logits_noise = max(1e-5, 10 * float(t.metadata["noise_ema_logits_abs"]))
    checks_noise = max(1e-5, 10 * float(t.metadata["noise_checks_rel"]))
    shares: dict[str, float] = {}
    for k in range(1, 6):
        carry = refill(model, carry, new=t.batch(f"batch/step{k}", carry.halted))
        assert optimizers.lr == pytest.approx(t.tensors["lr"][k - 1].item(), rel=1e-12)
        assert optimizers.all[0].param_groups[0]["lr"] == pytest.approx(
            t.tensors["puzzle_emb_lr"][k - 1].item(), rel=1e-12
        )
        result = supervision_step(model, carry, config=config)
        (result.loss / B).backward()
        optimizers.step()
        optimizers.zero_grad()
        ema.update_parameters(model)
        carry = result.carry
        assert torch.equal(carry.halted, t.tensors["halted"][k - 1])
        assert torch.equal(carry.steps, t.tensors["steps"][k - 1])
        assert torch.equal(carry.batch.puzzle_ids.int(), t.tensors["current_puzzle_identifiers"][k - 1])
        for name, value in (
            ("loss", result.loss),
            ("lm_loss", result.answer_loss),
            ("q_halt_loss", result.halt_loss),
            ("q_continue_loss", result.continue_loss),
        ):
            expected = t.tensors[name][k - 1].item()
            # The noise of the loss is relative; a halting loss, near 0, moves as its logits do, absolutely.
            tolerance = logits_noise if name.startswith("q_") else loss_noise * (abs(expected) + 1e-3)
            shares[f"{name} {k}"] = abs(value.item() - expected) / tolerance
        for name, value in metrics(result, carry.halted).items():
            assert value.item() == pytest.approx(t.tensors[f"metrics/step{k}/{name}"].item(), rel=1e-5, abs=1e-5), name
        if k == 1:
            for key, tensor in official_state(model, g).items():
                deviation = golden.checks_deviation(t.tensors[f"check_after_step1/inner.{key}"], tensor)
                shares[f"after step 1, {key}"] = deviation / checks_noise
    final = official_state(model, g)
    for key, tensor in final.items():
        shares[key] = golden.checks_deviation(t.tensors[f"check/inner.{key}"], tensor) / checks_noise
        if f"final/inner.{key}" in t.tensors:
            deviation = largest_deviation(t.tensors[f"final/inner.{key}"], tensor)
            shares[f"final {key}"] = deviation / checks_noise
    head = torch.cat([final[key].flatten()[:16] for key in sorted(final)])
    shares["heads of all"] = largest_deviation(t.tensors["final_head/row0_16"], head) / checks_noise
    for name, parameter in ema.module.named_parameters():
        key = f"ema_check/inner.{official_key(name, g.system)}"
        shares[key] = golden.checks_deviation(t.tensors[key], parameter) / checks_noise

    average, batch = ema.module.eval(), t.batch("batch/step1")
    state = average.initial_state(B)  # pyright: ignore[reportCallIssue]
    for k in (1, 2):
        with torch.no_grad():
            state, output = average(state, batch.tokens, puzzle_ids=batch.puzzle_ids)
        for name, value in (("logits", output.logits), ("q_halt_logits", output.q)):
            shares[f"ema {name} {k}"] = largest_deviation(t.tensors[f"ema_eval/step{k}/{name}"], value) / logits_noise
    report(path.stem, shares)


def official_state(model: torch.nn.Module, g: Golden) -> dict[str, Tensor]:
    from ponderling.exchange.official import to_official

    return to_official({key: value.detach() for key, value in model.state_dict().items()}, g.system)


@pytest.mark.parametrize("folder", golden.files("checkpoint_*"), ids=lambda folder: folder.name)
def test_official_checkpoints_give_their_expected_outputs(folder: Path):
    expected = Golden(folder / "expected.safetensors")
    seq_len = int(expected.metadata["seq_len"])
    batch = expected.batch()
    for dtype, name, tolerance in (("float32", "fp32", 1e-5), ("bfloat16", "bf16", 0.1)):
        model = load_official(folder, ImportOptions(seq_len=seq_len, dtype=dtype))
        state, worst = model.initial_state(len(batch)), 0.0
        for k in (1, 2, 3):
            with torch.inference_mode():
                state, output = model(state, batch.tokens, puzzle_ids=batch.puzzle_ids)
            for key, value in (
                ("logits", output.logits),
                ("q_halt_logits", output.q),
                ("q_continue_logits", output.q_continue),
            ):
                worst = max(worst, largest_deviation(expected.tensors[f"{name}/step{k}/{key}"], value))
                assert value.dtype == expected.tensors[f"{name}/step{k}/{key}"].dtype
        print(f"\n{folder.name}, {name}: largest deviation {worst:.1e}, tolerance {tolerance:.0e}")
        assert worst <= tolerance


@pytest.mark.parametrize("folder", golden.files("checkpoint_*"), ids=lambda folder: folder.name)
def test_another_number_of_puzzles_gets_the_mean_row(folder: Path):
    expected = Golden(folder / "expected.safetensors")
    imported = read_official(folder, ImportOptions(seq_len=int(expected.metadata["seq_len"]), num_puzzles=9))
    table = imported.tensors["puzzle_embedding.table"]
    assert table.shape[0] == imported.shape.num_puzzles == 9
    assert torch.equal(table, expected.tensors["reset/puzzle_emb_mean_row"].expand_as(table))


@pytest.mark.parametrize(
    ("recipe", "count"),
    [("trm-sudoku-attention", 6_828_034), ("trm-sudoku-mlp", 5_028_866), ("hrm-sudoku", 27_275_266)],
)
def test_parameter_counts_of_the_papers(recipe, count):
    assert count_parameters(build_model(get_recipe(recipe).config.model, PuzzleShape(11, 81))) == count


def test_the_padding_sample_is_all_ignored():
    batch = Golden(golden.models()[0]).batch()
    assert (batch.labels[-1] == IGNORE).all()
