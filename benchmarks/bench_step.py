"""How fast one training step is: ours beside TRM written the official way, and beside this machine's matrix products.

    python benchmarks/bench_step.py                           # all configurations, some minutes
    python benchmarks/bench_step.py --only small_mlp --rounds 5

A step is one supervision step of a whole batch with loss, backward pass, optimizer and EMA. Baseline and engine take turns,
round by round, in a process each, and the best round of each counts: other work on the machine can only slow one down.
The first step of each, which compiles, and the second are not counted. GFLOP/s count the matrix products alone (torch's
FlopCounterMode, and the fused attention that it does not see).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from peak_memory import peak_mb
from plain_trm import PlainTRM
from ponderling.config import DataConfig, DType, ModelConfig, RunConfig, RuntimeConfig, TrainConfig
from ponderling.models import build_model, count_parameters
from ponderling.recipes import get_recipe
from ponderling.system import keep_freed_memory
from ponderling.training.starting import start
from ponderling.training.trainer import Trainer, to_batch


@dataclass(frozen=True)
class Options:
    """What to measure."""

    only: tuple[Literal["small_mlp", "small_att", "paper_mlp", "paper_att", "sudoku"], ...] = ()
    """Configurations; all if not given."""
    dtype: DType = "float32"
    """Of the activations of all but the recipe sudoku, on both sides, and of the ceiling's product; bfloat16 is the papers'."""
    _: KW_ONLY
    rounds: int = 3
    """Steps of each that are timed."""
    json: Path | None = None
    """Also write the figures to this file."""
    side: str | None = None
    """Used by the script itself: be the `baseline` or `ours` of the one configuration in `only`."""


def trm(D: int, mixer: str, *, batch_size: int) -> RunConfig:
    """TRM at the papers' depth; D 512 are the papers' own networks, but for the puzzle embedding that Sudoku leaves blank."""
    model = ModelConfig(
        hidden_size=D,
        num_heads=8 if D == 512 else 4,
        mixer="mlp" if mixer == "mlp" else "attention",
        positions="none" if mixer == "mlp" else "rope",
        puzzle_embedding_size=0,
        dtype="float32",
    )
    train = TrainConfig(batch_size=batch_size, loss="stablemax_float32", warmup_steps=0)
    run = RuntimeConfig(compile=True)
    return RunConfig(model=model, train=train, data=DataConfig("sudoku9", num_validation=0), run=run)


CONFIGURATIONS: dict[str, RunConfig] = {
    "small_mlp": trm(128, "mlp", batch_size=64),
    "small_att": trm(128, "attention", batch_size=64),
    "paper_mlp": trm(512, "mlp", batch_size=32),
    "paper_att": trm(512, "attention", batch_size=32),
    "sudoku": get_recipe("sudoku").first,
}


def configuration(name: str, dtype: DType) -> RunConfig:
    """One of them, with these activations."""
    config = CONFIGURATIONS[name]
    if config.model.system != "trm":
        return config
    return replace(config, model=replace(config.model, dtype=dtype))


def ceiling(dtype: DType = "float32") -> float:
    """GFLOP/s of a matrix product of 2048, as large as pays, the best of five after one to warm up."""
    a, b = torch.randn(2, 2048, 2048).to(getattr(torch, dtype))
    torch.mm(a, b)
    best = min(timed(lambda: torch.mm(a, b)) for _ in range(5))
    return 2 * 2048**3 / best / 1e9


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def flops_of_step(config: RunConfig, trainer: Trainer) -> float:
    """Operations of one training step, from an uncompiled copy of the network on four puzzles."""
    model = build_model(config.model, trainer.shape, relations=trainer.task.relations)
    batch = to_batch(trainer.data.train[:4])
    with FlopCounterMode(display=False) as counter:
        _, output = model(model.initial_state(4), batch.tokens, puzzle_ids=batch.puzzle_ids)
        (output.logits.sum() + output.q.sum()).backward()
    counted = counter.get_total_flops() / 4
    if config.model.mixer == "attention" and config.model.system == "trm":
        S, D = trainer.shape.seq_len + config.model.prefix_len, config.model.hidden_size
        calls = config.model.num_layers * (config.model.n + 1) * ((config.model.T - 1) + 3)  # backward is two more
        counted += calls * 4 * S * S * D
    return counted * config.train.batch_size


def make_trainer(config: RunConfig, folder: str) -> Trainer:
    """A run of ours; phases left out, so that every step has the full depth."""
    return start(replace(config, train=replace(config.train, phases=())), Path(folder) / "run")


def baseline_step(config: RunConfig, trainer: Trainer) -> Callable[[], object]:
    """One step of the baseline; for the relational network, our own engine without compiling."""
    if config.model.system != "trm":
        return trainer.train_step
    plain = PlainTRM(dict(trainer.model.state_dict()), config.model, train=config.train)
    batch = to_batch(trainer.data.train[: config.train.batch_size])
    check_agreement(config, trainer, tokens=batch.tokens[:2])
    state = plain.initial_state(len(batch))

    def step() -> None:
        nonlocal state
        y, z, _ = plain.train_step(*state, tokens=batch.tokens, labels=batch.labels)
        state = y, z

    return step


def check_agreement(config: RunConfig, trainer: Trainer, *, tokens: Tensor) -> None:
    """The baseline computes what ours does: compared at the start over one supervision step, always in float32, too."""
    ids = torch.zeros(len(tokens), dtype=torch.long)
    for dtype in dict.fromkeys(("float32", config.model.dtype)):
        model = replace(config.model, dtype=dtype)
        ours = build_model(model, trainer.shape)
        ours.load_state_dict(trainer.model.state_dict())
        plain = PlainTRM(dict(trainer.model.state_dict()), model, train=config.train)
        with torch.no_grad():
            _, _, logits, q = plain.supervise(*plain.initial_state(len(tokens)), tokens=tokens)
            _, output = ours(ours.initial_state(len(tokens)), tokens, puzzle_ids=ids)
        torch.testing.assert_close(q, output.q, rtol=1e-2, atol=1e-2)
        if dtype == "float32":  # a raw initialisation amplifies rounding
            torch.testing.assert_close(logits, output.logits, rtol=1e-2, atol=1e-2)
        elif (alike := F.cosine_similarity(logits.float().flatten(), output.logits.float().flatten(), dim=0)) < 0.98:
            raise AssertionError(f"logits of baseline and engine should be alike, 0.98 or more: got {alike:.3f}")


class Side:
    """Baseline or engine in a process of its own, for what one sets for its process must not help the other."""

    def __init__(self, side: str, name: str, *, dtype: DType):
        command = [sys.executable, __file__, "--side", side, "--only", name, "--dtype", dtype]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def ask(self, what: str) -> Any:
        """What the process answers to `step` (seconds of one) or `facts`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(what, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self.process.communicate()


def answer(side: str, name: str, *, dtype: DType) -> None:
    """The other end of a `Side`: until its standard input closes."""
    config = configuration(name, dtype)
    if side == "baseline":
        config = replace(config, run=replace(config.run, compile=False))
    else:
        keep_freed_memory()  # as `Trainer.run` does
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(config, folder)
        step = baseline_step(config, trainer) if side == "baseline" else trainer.train_step
        for line in sys.stdin:
            if line.strip() == "step":
                print(json.dumps(timed(step)), flush=True)
            else:
                facts = {
                    "peak_mb": peak_mb(),  # first: the count of operations runs the network too
                    "parameters": count_parameters(trainer.model),
                    "flops": flops_of_step(config, trainer),
                }
                print(json.dumps(facts), flush=True)


def measure(name: str, options: Options) -> dict[str, Any]:
    """Figures of one configuration."""
    config = configuration(name, options.dtype)
    sides = {side: Side(side, name, dtype=options.dtype) for side in ("baseline", "ours")}
    first = {side: process.ask("step") for side, process in sides.items()}
    for process in sides.values():
        process.ask("step")
    times, top = [], 0.0
    for _ in range(options.rounds):
        times.append({side: process.ask("step") for side, process in sides.items()})
        top = max(top, ceiling(config.model.dtype))  # the machine's speed wavers
    baseline, ours = (min(row[side] for row in times) for side in ("baseline", "ours"))
    facts = {side: process.ask("facts") for side, process in sides.items()}
    for process in sides.values():
        process.close()
    gflop = facts["ours"]["flops"] / 1e9
    return {
        "configuration": name,
        "dtype": config.model.dtype,
        "parameters": facts["ours"]["parameters"],
        "gflop_a_step": round(gflop, 1),
        "baseline_seconds": round(baseline, 3),
        "ours_seconds": round(ours, 3),
        "ratio": round(baseline / ours, 2),
        "ours_gflops": round(gflop / ours, 1),
        "ours_share_of_ceiling": round(gflop / ours / top, 3),
        "baseline_share_of_ceiling": round(gflop / baseline / top, 3),
        "ceiling_gflops": round(top, 1),
        "ours_examples_a_second": round(config.train.batch_size / ours, 1),
        "first_step_seconds": round(first["ours"], 1),
        "baseline_peak_mb": facts["baseline"]["peak_mb"],
        "ours_peak_mb": facts["ours"]["peak_mb"],
    }


def main(options: Options) -> None:
    """Measures and prints a table."""
    if options.side:
        return answer(options.side, options.only[0], dtype=options.dtype)
    top = ceiling(options.dtype)
    threads = f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{options.dtype} matrix products of 2048: {top:.0f} GFLOP/s, {threads}")
    heads = (
        "network",
        "baseline, s",
        "ours, s",
        "ratio",
        "ours, GFLOP/s",
        "share (baseline's)",
        "of GFLOP/s",
        "examples/s",
        "peak MB (baseline's)",
    )
    print(f"| {' | '.join(heads)} |")
    print("| --- |" + " ---: |" * (len(heads) - 1))
    rows = []
    for name in CONFIGURATIONS:
        if options.only and name not in options.only:
            continue
        row = measure(name, options)
        rows.append(row)
        peaks = f"{row['ours_peak_mb']:,} ({row['baseline_peak_mb']:,})"
        print(
            f"| {name} | {row['baseline_seconds']:.2f} | {row['ours_seconds']:.2f} | {row['ratio']:.2f} | "
            f"{row['ours_gflops']:.0f} | {row['ours_share_of_ceiling']:.0%} ({row['baseline_share_of_ceiling']:.0%}) | "
            f"{row['ceiling_gflops']:.0f} | {row['ours_examples_a_second']:.1f} | {peaks} |",
            flush=True,
        )
    if options.json:
        options.json.write_text(
            json.dumps({"ceiling_gflops": round(top, 1), "rows": rows}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main(tyro.cli(Options))
