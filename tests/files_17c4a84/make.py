"""Writes the files beside this one; run by commit 17c4a84, see README.md."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from ponderling.inference import Solver
from ponderling.official import write_official
from ponderling.train import start

from ponderling.checkpoint import load_checkpoint
from ponderling.config import DataConfig, ModelConfig, RunConfig, TrainConfig
from ponderling.recipes import get_recipe

TRAIN = TrainConfig(
    steps=6,
    batch_size=4,
    N_sup=2,
    halt_when_sure=0.9,
    loss="softmax",
    optimizer="muon",
    lr=2e-3,
    muon_lr=6e-3,
    warmup_steps=2,
    weight_decay=0.1,
    ema_rate=0.9,
    eval_every=3,
    checkpoint_every=1000,
    checkpoint_minutes=1000.0,
    log_every=1,
    threads=1,
)


def main() -> None:
    trm = get_recipe("sudoku4").config.model
    relational = get_recipe("sudoku-cpu").first.model
    runs = {
        "sudoku4": RunConfig(
            replace(trm, hidden_size=16, inner_multiple=8, num_layers=1, n=1),
            replace(TRAIN, compile=False, halt_within_step=True),
            DataConfig("sudoku4", num_validation=8, max_train=40, max_test=8),
        ),
        "jigsaws": RunConfig(
            replace(relational, hidden_size=8, n=1),
            replace(TRAIN, batch_size=2, halt_by="cells"),
            DataConfig("sudoku9", train="jigsaws", num_validation=4, max_train=20, max_test=4),
        ),
        "official": RunConfig(
            ModelConfig(
                hidden_size=16,
                num_heads=2,
                num_layers=1,
                prefix_len=1,
                puzzle_embedding_size=16,
                n=1,
                T=2,
                dtype="float32",
            ),
            replace(TRAIN, loss="stablemax", optimizer="adamw", steps=3),
            DataConfig("sudoku4", num_validation=8, max_train=40, max_test=8),
        ),
    }
    here = Path.cwd()
    answers = {}
    for name, config in runs.items():
        trainer = start(config, here / name)
        trainer.run(lambda trainer=trainer: trainer.step == 3)
        solver = Solver.load(here / name / "last")
        puzzles = [solver.task.format(row) for row in trainer.data.test.tokens[:4]]
        answers[name] = [
            {"question": p, "answer": r.answer, "steps": r.steps} for p, r in zip(puzzles, solver.solve_many(puzzles))
        ]
        (here / name / "metrics.jsonl").unlink()
    for name in ("sudoku4", "jigsaws"):
        shutil.copytree(here / name, here / f"{name}-resumed")
        start(runs[name], here / f"{name}-resumed", resume=True).run()
        shutil.copy(here / f"{name}-resumed" / "last" / "model.safetensors", here / f"{name}-resumed.safetensors")
        shutil.rmtree(here / f"{name}-resumed")
    loaded = load_checkpoint(here / "official" / "last")
    write_official(here / "official" / "export", loaded.model.state_dict(), loaded.config, loaded.info)
    (here / "official" / "last" / "training.safetensors").unlink()
    machine = {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}
    (here / "answers.json").write_text(json.dumps({"machine": machine, **answers}, indent=1) + "\n")


if __name__ == "__main__":
    main()
