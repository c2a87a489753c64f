"""Runs every command that writes on a disk that is full, and looks at what is left.

    python dev/campaigns/full_disk.py            # a limit on the size of files, for any user
    python dev/campaigns/full_disk.py --tmpfs    # a small file system that fills up; needs root

Each command first runs with room. Then it runs in fresh copies of its folder with less room than it needs. It must end
with one line and an exit code other than 0. What was there before must be unchanged, no part of a file may be left, and
the same command must work once there is room. `data make` keeps the files that are whole.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SMALL = [
    "--data.num-validation", "10", "--data.max-train", "50", "--data.max-test", "5", "--train.N-sup", "2",
    "--train.batch-size", "8", "--train.steps", "4", "--run.checkpoint-every", "1", "--run.eval-every", "2",
    "--model.hidden-size", "16", "--model.inner-multiple", "256", "--run.device", "cpu", "--run.threads", "1",
]  # fmt: skip
PUZZLE = "....1..24...3.4."


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that writes."""

    line: str
    """What is typed after `ponderling`."""
    resume: str = ""
    """What is typed in addition once something was written."""
    keeps_whole: bool = False
    """Whether files that were whole before the disk was full are kept, because hours may be in them."""
    is_run: bool = False
    """Whether it writes again and again, so that a full disk may leave the state of an earlier step."""

    @property
    def words(self) -> list[str]:
        """The arguments."""
        words = self.line.replace("{puzzle}", PUZZLE).split()
        return words[:2] + SMALL + words[2:] if words[0] == "train" else words


COMMANDS = (
    Command(line="train sudoku4 --out new", resume="--resume", is_run=True),
    Command(line="train sudoku4 --out run --resume --train.steps 6", is_run=True),
    Command(line="adapt arc --task new.json --out adapted --steps 2", is_run=True),
    Command(line="import official --out imported"),
    Command(line="export sudoku-cpu model.onnx"),
    Command(line="export run model.pt2"),
    Command(line="export run off --to official"),
    Command(line="film run {puzzle} film.svg"),
    Command(line="film run {puzzle} film.html"),
    Command(line="film run {puzzle} film.gif"),
    Command(line="film run {puzzle} frame.png --still 1"),
    Command(line="plot run --out plot.png"),
    Command(line="plot run --out plot.svg"),
    Command(line="plot run --out plot.pdf"),
    Command(line="push run someone/model --card card.md"),
    Command(line="eval arc --data made_challenges.json --submission submission.json --views 1"),
    Command(line="data make sudoku --size 4 --out made --train 40 --test 10", keeps_whole=True),
    Command(line="data make maze --size 6 --out mazes --train 20 --test 10", keeps_whole=True),
    Command(line="data export sudoku4 --out official-data --format official"),
    Command(line="data export grids.jsonl --out pairs --format jsonl"),
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    stderr: str

    @property
    def errors(self) -> list[str]:
        """The lines that say what went wrong."""
        return [line for line in self.stderr.splitlines() if line.startswith("ponderling:")]


def run(words: Sequence[str], folder: Path, *, largest: int | None = None) -> Ended:
    """Runs the command line in a forked child.

    Args:
        words: The arguments.
        folder: The current folder.
        largest: The limit on the size of a file, in bytes; None: no limit.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover (another process)
        code = 99
        try:
            os.close(reading)
            os.dup2(writing, 2)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            os.chdir(folder)
            if largest is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            from ponderling.cli import main

            code = main(list(words))
        except BaseException as error:
            os.write(2, f"TRACEBACK {type(error).__name__}: {error}\n".encode())
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as pipe:
        said = pipe.read()
    return Ended(code=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), stderr=said)


def contents(folder: Path) -> dict[str, str]:
    """A hash of every file below the folder; locks, which are empty or name a process, are left out."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.endswith(".lock")
    }


def unreadable(folder: Path) -> list[str]:
    """Files of a run that cannot be read."""
    from safetensors import safe_open

    broken = []
    for file in folder.rglob("*"):
        try:
            if file.suffix == ".safetensors":
                with safe_open(file, "pt") as tensors:
                    for key in tensors.keys():  # noqa: SIM118 (it is not a dict)
                        tensors.get_tensor(key)
            elif file.suffix == ".json":
                json.loads(file.read_text(encoding="utf-8"))
        except Exception as error:
            broken.append(f"{file.name} ({error})")
    return broken


def make_fixtures(folder: Path) -> None:
    """What the commands work on: a run, an ARC run, an official checkpoint and a file of grids.

    Raises:
        SystemExit: when one cannot be made.
    """
    sys.path.insert(0, str(ROOT / "tests"))
    from arc_examples import (  # pyright: ignore[reportMissingImports] (the tests' folder)
        example_tasks,
        kaggle,
        tiny_run,
        write,
    )
    from ponderling.training.starting import start

    kaggle(folder, example_tasks(["mirror", "turn", "recolour"]))
    write(folder / "new.json", example_tasks(["first_row"], seed=7))
    here = os.getcwd()
    os.chdir(folder)
    try:
        start(tiny_run(Path("made_challenges.json"), steps=2), "arc").run()
    finally:
        os.chdir(here)
    rng_rows = [[[i % 3, (i // 3) % 3], [i % 2, i % 3]] for i in range(30)]
    lines = [json.dumps({"input": rows, "output": rows[::-1]}) + "\n" for rows in rng_rows]
    (folder / "grids.jsonl").write_text("".join(lines), encoding="utf-8")
    for words in (COMMANDS[0].line.replace("new", "run"), "export run official --to official"):
        ended = run(Command(line=words).words, folder)
        if ended.code:
            raise SystemExit(f"{words}: {ended.stderr}")


@contextlib.contextmanager
def copied(fixtures: Path, *, room: int | None = None) -> Iterator[Path]:
    """A fresh copy of the fixtures.

    Args:
        fixtures: What is copied.
        room: Bytes that are left on a file system of its own; None: an ordinary folder.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "disk"
        folder.mkdir()
        if room is not None:
            page = 4096
            used = sum(-(-file.stat().st_size // page) * page for file in fixtures.rglob("*") if file.is_file())
            mount = ["mount", "-t", "tmpfs", "-o", f"size={used + room},nr_inodes=0", "none", str(folder)]
            subprocess.run(mount, check=True)
        try:
            shutil.copytree(fixtures, folder, dirs_exist_ok=True)
            yield folder
        finally:
            if room is not None:
                subprocess.run(["umount", str(folder)], check=True)


def faults_of(command: Command, fixtures: Path, *, shares: Sequence[float], tmpfs: bool) -> tuple[int, list[str]]:
    """Number of tries on a full disk, and what was wrong with them."""
    with copied(fixtures) as folder:
        before = contents(folder)
        ended = run(command.words, folder)
        if ended.code:
            return 0, [f"fails with room: {ended.stderr.strip()}"]
        whole = contents(folder)
        written = [name for name, hash_ in whole.items() if before.get(name) != hash_]
        sizes = [(folder / name).stat().st_size for name in written]
    faults = []
    for share in shares:
        limit = int(max(sizes) * share)
        room = int(sum(sizes) * share) if tmpfs else None
        where = f"with {limit if room is None else room} bytes"
        with copied(fixtures, room=room) as folder:
            ended = run(command.words, folder, largest=None if tmpfs else limit)
            if ended.code == 0:
                faults.append(f"{where}: ended with exit code 0")
                continue
            if "TRACEBACK" in ended.stderr or "Traceback" in ended.stderr or len(ended.errors) != 1:
                faults.append(f"{where}: said {ended.stderr.strip()[-400:]!r}")
            after = contents(folder)
            hidden = [name for name in after if name not in before and Path(name).name.startswith(".")]
            if hidden:
                faults.append(f"{where}: left {', '.join(hidden)}")
            if command.is_run:
                broken = unreadable(folder)
                if broken:
                    faults.append(f"{where}: cannot be read any more: {', '.join(broken)}")
            elif command.keeps_whole:
                torn = [name for name, hash_ in after.items() if whole.get(name) != hash_]
                if torn:
                    faults.append(f"{where}: left a part of {', '.join(torn)}")
            elif after != before:
                changed = [name for name in after.keys() | before.keys() if after.get(name) != before.get(name)]
                faults.append(f"{where}: changed or left {', '.join(sorted(changed))}")
            if command.keeps_whole and after != before:
                continue  # the next try is told to choose another folder
            if tmpfs:
                subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
            words = command.words
            if command.resume and (folder / "new" / "last" / "training.safetensors").is_file():
                words = [*words, *command.resume.split()]
            again = run(words, folder)
            if again.code:
                faults.append(f"{where}: and then fails with room: {again.stderr.strip()[-300:]!r}")
    return len(shares), faults


def main() -> int:
    """Runs the campaign."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tmpfs", action="store_true", help="a real file system that fills up; needs root")
    parser.add_argument("--only", help="the commands whose line contains this")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)
    shares = (0.0, 0.3, 0.6, 0.98)
    tries, wrong = 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        fixtures = Path(temporary)
        make_fixtures(fixtures)
        for command in COMMANDS:
            if options.only and options.only not in command.line:
                continue
            count, faults = faults_of(command, fixtures, shares=shares, tmpfs=options.tmpfs)
            tries, wrong = tries + count, wrong + len(faults)
            print(f"{command.line}: {count} tries, {len(faults)} faults", flush=True)
            for fault in faults:
                print(f"  {fault}", flush=True)
    print(f"{tries} tries on a full disk, {wrong} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
