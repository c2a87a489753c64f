"""Kills training with `kill -9` at random moments, resumes it until it is done, and compares it with a run never stopped.

    python dev/campaigns/kill_training.py                     # 200 kills of one process
    python dev/campaigns/kill_training.py --processes 2       # of two processes that train together
    python dev/campaigns/kill_training.py --kills 20 --seed 1

A tiny network learns 4x4 Sudoku and is saved at every second update, so that many kills hit a save; half of them wait for one.
After each kill, `best` and `last` must load, hold bit for bit the weights of the step that they name, and be no older than
before the kill. At the end of each run all tensors of `best` and `last`, what is known of them, and `metrics.jsonl` must be
those of the run that was never stopped, but for times. After each run two commands are started in one folder: one must be
refused, and the other must end as if it had been alone.

Each command runs in a child that is forked from a process which has imported the package, and is otherwise a new process.
Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # which optimizers load late, and which takes seconds
from torch import Tensor

from ponderling.checkpoint import load_checkpoint, load_training_state, read_config, read_safetensors
from ponderling.cli import main as ponderling
from ponderling.cli import train as _train  # noqa: F401 (imported before forking, as is all the rest)
from ponderling.system import read_log
from ponderling.training.observer import Observer
from ponderling.training.starting import start

SETTINGS = [
    "--train.steps", "60", "--train.batch-size", "8", "--run.eval-every", "7", "--run.checkpoint-every", "2",
    "--run.log-every", "3", "--model.hidden-size", "16", "--data.num-validation", "20", "--data.max-test", "20",
    "--data.max-train", "100", "--run.threads", "1",
]  # fmt: skip

TIMES = ("seconds", "puzzles_per_second", "updates_per_second")
"""Figures that differ between two runs that are otherwise the same."""

LONGEST = 300.0
"""Time, in seconds, after which a command counts as hanging."""


class Fault(Exception):
    """Something is not as it must be."""


def train(out: Path, *, processes: int = 1, log: Path) -> list[int]:
    """Starts `ponderling train` in forked children, as torchrun does where there are several, and returns their ids."""
    command = ["train", "sudoku4", "--out", str(out), "--resume", *SETTINGS]
    port = _free_port() if processes > 1 else 0
    children = []
    for rank in range(processes):
        child = os.fork()
        if child == 0:  # pragma: no cover (another process)
            if processes > 1:
                numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
                os.environ.update({name: str(number) for name, number in numbers.items()})
                os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
            _in_child(lambda: ponderling(command), log.with_suffix(f".{rank}"))
        children.append(child)
    return children


def _in_child(work: Callable[[], int], log: Path) -> None:
    """Does the work with its output in the file, and ends the process."""
    code = 70
    try:
        signal.alarm(int(LONGEST))
        opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, 1)
        os.dup2(opened, 2)
        torch.set_num_threads(1)
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait(children: list[int]) -> list[int]:
    """The exit codes of the children; a signal's number is negative."""
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def apart(work: Callable[[], Any], folder: Path) -> Any:
    """What the work returns, which is JSON, done in a child, so that this process stays as it was."""
    child = os.fork()
    if child == 0:  # pragma: no cover (another process)
        _in_child(
            lambda: (folder / "result.json").write_text(json.dumps(work()), encoding="utf-8") and 0, folder / "apart"
        )
    if wait([child]) != [0]:
        raise Fault((folder / "apart").read_text(encoding="utf-8"))
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def digest(tensors: dict[str, Tensor]) -> str:
    """A hash of names and numbers."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def weights_by_step(whole: Path) -> dict[str, str]:
    """A hash of the weights that a run saves, for each of its steps; the run is made again, and saves nothing."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = start(read_config(whole / "last")[0], Path(folder) / "again", observer=Observer())
        found = {"0": digest(trainer.evaluated_model.state_dict())}
        while trainer.step < trainer.config.train.steps:
            trainer.train_step()
            found[str(trainer.step)] = digest(trainer.evaluated_model.state_dict())
    return found


def consistent(out: Path, expected: dict[str, str] | None) -> int:
    """Checks what a kill has left, and returns the step that the run goes on from; -1 where nothing is saved yet.

    Args:
        out: The run folder.
        expected: A hash of the weights of each step; None: the weights are not compared.
    """
    steps = {}
    for part in ("best", "last"):
        if not (out / part).exists():
            continue
        checkpoint = load_checkpoint(out / part)
        steps[part] = checkpoint.info["step"]
        if expected is not None and digest(dict(checkpoint.model.state_dict())) != expected[str(steps[part])]:
            raise Fault(f"{out / part} says step {steps[part]}, and its weights are not those of that step")
    if not steps:
        return -1
    if "last" not in steps or steps.get("best", 0) > steps["last"]:
        raise Fault(f"best and last are of steps {steps}")
    read_log(out / "metrics.jsonl")
    state = load_training_state(out / "last")
    if state["step"] > steps["last"]:
        raise Fault(f"the state is of step {state['step']}, the weights beside it of {steps['last']}")
    return state["step"]


def differences(a: Any, b: Any, *, where: str) -> list[str]:
    """Where two nested values differ, but for times."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return [] if torch.equal(a, b) else [where]
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [key for key in {**a, **b} if key not in TIMES]
        return [found for key in keys for found in differences(a.get(key), b.get(key), where=f"{where}.{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [
            found
            for i, pair in enumerate(zip(a, b, strict=True))
            for found in differences(*pair, where=f"{where}[{i}]")
        ]
    return [] if type(a) is type(b) and a == b else [where]


def outcome(out: Path) -> dict[str, Any]:
    """All that a run leaves."""
    state = load_training_state(out / "last")
    for part in state.get("processes") or [state]:
        part["window"] = part["window"][0]  # behind it is a time
    parts = {part: read_safetensors(out / part / "model.safetensors") for part in ("best", "last")}
    infos = {part: read_config(out / part)[2] for part in ("best", "last")}
    copies = {part: json.loads((out / part / "config.json").read_text(encoding="utf-8"))["info"] for part in infos}
    log = [values for _, values in read_log(out / "metrics.jsonl")]
    return {"state": state, "weights": parts, "info": infos, "copy of info": copies, "log": log}


def same(a: Path, b: Path) -> bool:
    """Raises Fault where two runs differ."""
    found = differences(outcome(a), outcome(b), where="")
    leftovers = [str(file) for file in b.rglob("*.tmp")]
    if found or leftovers:
        raise Fault(f"{b} differs from the run never stopped: {', '.join(found[:9])} {' '.join(leftovers)}")
    return True


def kill_at_a_random_moment(children: list[int], out: Path, *, rng: np.random.Generator, seconds: float) -> str:
    """Kills all of the children, and returns how it was chosen when, or `done` where they were done before."""
    how = "save" if rng.random() < 0.5 else "moment"
    moment = time.perf_counter() + rng.uniform(0, seconds)
    while time.perf_counter() < moment:
        time.sleep(0.001)
        if _any_done(children):
            break
    if how == "save":  # a file that is being written is there for a fraction of a millisecond only
        deadline = time.perf_counter() + 1.0
        while time.perf_counter() < deadline and not _is_saving(out):
            if _any_done(children):
                break
    order = rng.permutation(len(children))
    for i in order:
        os.kill(children[i], signal.SIGKILL)
        if len(children) > 1 and rng.random() < 0.5:
            time.sleep(rng.uniform(0, 0.05))
    codes = wait(children)
    return "done" if codes == [0] * len(codes) else how


def _is_saving(out: Path) -> bool:
    for folder in (out, out / "last", out / "best"):
        with contextlib.suppress(OSError):
            if any(name.endswith(".tmp") for name in os.listdir(folder)):
                return True
    return False


def _any_done(children: list[int]) -> bool:
    """Whether one of the children has ended; it can still be waited for."""
    return any(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None for child in children)


def duel(out: Path, work: Path) -> str:
    """Two commands at once in one folder; returns which was refused."""
    logs = [work / "duel-a", work / "duel-b"]
    children = [train(out, log=log)[0] for log in logs]
    codes = wait(children)
    said = [log.with_suffix(".0").read_text(encoding="utf-8") for log in logs]
    if sorted(codes) != [0, 1] or f"{out} is in use by process" not in said[codes.index(1)]:
        raise Fault(f"two commands in one folder ended with {codes}: {' '.join(said)}")
    if f"process {children[codes.index(0)]} on {socket.gethostname()}" not in said[codes.index(1)]:
        raise Fault(f"the refusal names another process: {said[codes.index(1)]}")
    return "first" if codes[0] else "second"


def campaign(*, kills: int, processes: int, seed: int, work: Path) -> None:
    """Kills and resumes as often as asked, and prints what came of it."""
    rng = np.random.default_rng(seed)
    whole = work / "whole"
    begin = time.perf_counter()
    codes = wait(train(whole, processes=processes, log=work / "whole-log"))
    seconds = time.perf_counter() - begin
    if codes != [0] * processes:
        raise Fault((work / "whole-log.0").read_text(encoding="utf-8"))
    # The weights of every step are those of one process; several add up in another order.
    expected = apart(lambda: weights_by_step(whole), work) if processes == 1 else None
    print(f"a run never stopped takes {seconds:.1f} s", flush=True)
    alone = work / "alone"
    if processes > 1:
        wait(train(alone, log=work / "alone-log"))
    counts: Counter[str] = Counter()
    begin = time.perf_counter()
    while counts["kills"] < kills:
        out, before = work / f"run{counts['runs']}", -1
        while counts["kills"] < kills:
            children = train(out, processes=processes, log=work / "log")
            how = kill_at_a_random_moment(children, out, rng=rng, seconds=seconds * 0.5)
            if how == "done":
                break
            counts["kills"] += 1
            counts[f"kills, by {how}"] += 1
            counts["kills that left a file half written"] += bool(list(out.rglob("*.tmp")))
            step = apart(lambda: consistent(out, expected), work)  # noqa: B023
            if step < before:
                raise Fault(f"{out} went back from step {before} to {step}")
            counts["kills before the first save"] += step < 0
            before = step
        else:
            if wait(train(out, processes=processes, log=work / "log")) != [0] * processes:
                raise Fault((work / "log.0").read_text(encoding="utf-8"))
        apart(lambda: same(whole, out), work)  # noqa: B023
        counts["runs"] += 1
        counts[f"duels, {duel(work / 'duel', work)} refused"] += 1
        apart(lambda: same(whole if processes == 1 else alone, work / "duel"), work)
        shutil.rmtree(out)
        shutil.rmtree(work / "duel")
        print(f"{counts['kills']} kills, {counts['runs']} runs ended as the one never stopped", flush=True)
    took = time.perf_counter() - begin
    print(
        f"{processes} process{'es' * (processes > 1)}, seed {seed}: {took:.0f} s, {took / kills:.1f} s a kill; all the same"
    )
    for name, count in sorted(counts.items()):
        print(f"  {name}: {count}")


def main() -> int:
    """Reads the options and runs the campaign; 1 where something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="number of kills (200)")
    parser.add_argument("--processes", type=int, default=1, choices=(1, 2), help="processes that train together (1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments of the kills (0)")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the runs after a fault")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="kill-training-"))
    try:
        campaign(kills=options.kills, processes=options.processes, seed=options.seed, work=work)
    except Fault as fault:
        print(f"FAULT: {fault}" + (f"\nthe runs are in {work}" if options.keep else ""))
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    sys.exit(main())
