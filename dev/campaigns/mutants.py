"""Changes the code in one place at a time and asks the tests whether they notice.

    python dev/campaigns/mutants.py --named            # the mutants that once passed the suite
    python dev/campaigns/mutants.py losses halting     # every small change of these files

A mutant is killed when a test of its file fails, or does not end in time. Those that survive are printed as a difference
of one line: a test is missing, or the change means nothing. Each mutant runs in a forked child that has torch imported.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"

CORE: dict[str, tuple[str, ...]] = {
    "recursion": ("test_recursion.py", "test_golden.py"),
    "losses": ("test_losses.py", "test_golden.py"),
    "halting": ("test_halting.py", "test_supervision.py"),
    "supervision": ("test_supervision.py", "test_regions.py", "test_golden.py"),
    "data/sampler": ("test_sampler.py",),
    "solving/loop": ("test_continuous_batching.py", "test_search.py", "test_halting.py"),
    "solving/search": ("test_search.py", "test_continuous_batching.py"),
    "solving/thinker": ("test_search.py", "test_continuous_batching.py"),
    "training/optim/adam_atan2": ("test_optim.py", "test_golden.py"),
    "training/optim/sparse_sign_sgd": ("test_optim.py", "test_golden.py"),
}
"""The files that every small change is made in, and the tests that should notice."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """A fault by hand."""

    claim: str
    """What is no longer true with it."""
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


NAMED = (
    Named(
        claim="best is the checkpoint with the highest validation score",
        file="training/best",
        old='rank >= self.chosen["rank"]',
        new='rank <= self.chosen["rank"]',
        tests=("test_best.py",),
    ),
    Named(
        claim="ties in exact match are broken by cells",
        file="training/best",
        old='rank = [figures["exact"], figures["cells"]]',
        new='rank = [figures["exact"]]',
        tests=("test_best.py",),
    ),
    Named(
        claim="the moving average is evaluated and saved",
        file="training/trainer",
        old="return self.model if self.ema is None else self.ema.module",
        new="return self.model",
        tests=("test_best.py",),
    ),
    Named(
        claim="search never overwrites a clue",
        file="solving/search",
        old="(p.max(axis=-1) < UNSURE) & ~self.task.clue_mask(tokens)",
        new="(p.max(axis=-1) < UNSURE)",
        tests=("test_search.py",),
    ),
    Named(
        claim="a graph that returns NaN is refused",
        file="exchange/deviation",
        old="if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):",
        new="if False:",
        tests=("test_onnx_export.py",),
    ),
    Named(
        claim="stablemax in float32 has the slope of the official form at 0",
        file="losses",
        old="torch.where(x < 0, -torch.log1p(-x.clamp_max(0)), torch.log1p(x.clamp_min(0)))",
        new="x.sign() * x.abs().log1p()",
        tests=("test_losses.py",),
    ),
    Named(
        claim="label smoothing leaves out tokens that no answer can have",
        file="losses",
        old="possible = logits > 0.99 * NEVER",
        new="possible = logits > 2 * NEVER",
        tests=("test_losses.py",),
    ),
    Named(
        claim="the figures of the test are those of best",
        file="training/best",
        old="model.load_state_dict(self.world.from_first(lambda: read_safetensors(self.folder / MODEL)))",
        new="pass",
        tests=("test_best.py",),
    ),
    Named(
        claim="weights that are not sound are not saved",
        file="training/trainer",
        old="            if fault is not None:",
        new="            if False:",
        tests=("test_soundness.py",),
    ),
    Named(
        claim="a gradient that is not finite is noticed before the update",
        file="training/trainer",
        old='(("loss", loss), ("norm of the gradient", norm))',
        new='(("loss", loss),)',
        tests=("test_soundness.py",),
    ),
    Named(
        claim="so is one of puzzle embeddings",
        file="training/gradients",
        old="gradients.append(rows)",
        new="pass",
        tests=("test_soundness.py",),
    ),
    Named(
        claim="a run goes on with the same validation and test puzzles alone",
        file="training/same_puzzles",
        old="other = other_puzzles(before, today)",
        new="other = None",
        tests=("test_same_puzzles.py",),
    ),
    Named(
        claim="a finished run is not tested again",
        file="training/trainer",
        old="tested = self.world.from_first(lambda: tested)",
        new="tested = None",
        tests=("test_finished_run.py",),
    ),
    Named(
        claim="best is made again when a kill has left it unwritten",
        file="training/trainer",
        old="            self._restore_best()",
        new="            pass",
        tests=("test_run_folder.py",),
    ),
    Named(
        claim="a run that was prepared is not begun where another was since",
        file="training/run_folder",
        old="elif files_of_run(self.path) != self.found:",
        new="elif False:",
        tests=("test_run_folder.py",),
    ),
    Named(
        claim="a folder that holds part of a run is not overwritten",
        file="checkpoint/folders",
        old="if os.path.lexists(part):",
        new="if (part / TRAINING).exists():",
        tests=("test_run_folder.py",),
    ),
    Named(
        claim="weights that a kill has parted from their config say themselves what they are",
        file="checkpoint/header",
        old="if copied != _digest(known):",
        new="if False:",
        tests=("test_run_folder.py",),
    ),
    Named(
        claim="two runs do not write in one folder",
        file="system",
        old="fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        new="pass",
        tests=("test_run_folder.py",),
    ),
    Named(
        claim="a temporary is not written through a planted link",
        file="system",
        old="os.O_CREAT | os.O_EXCL | os.O_WRONLY",
        new="os.O_CREAT | os.O_WRONLY",
        tests=("test_run_folder.py",),
    ),
    Named(
        claim="temporaries of living processes stay",
        file="system",
        old="if found is None or _is_running(int(found[1] or found[2])):",
        new="if found is None:",
        tests=("test_run_folder.py",),
    ),
    Named(
        claim="a file is on disk before it takes its name",
        file="system",
        old="os.fsync(file.fileno())",
        new="pass",
        tests=("test_run_folder.py",),
    ),
)
"""The mutants of which each once passed the suite, and kin of theirs."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A file's text with one change."""

    file: str
    text: str
    change: str
    """The line before and after."""
    tests: tuple[str, ...]


def named_mutants() -> Iterator[Mutant]:
    """The faults by hand.

    Raises:
        SystemExit: when the code has changed so that one cannot be made any more.
    """
    for fault in NAMED:
        text = path_of(fault.file).read_text(encoding="utf-8")
        if text.count(fault.old) != 1:
            raise SystemExit(f"{fault.file}: expected {fault.old!r} once, found it {text.count(fault.old)} times")
        yield Mutant(
            file=fault.file, text=text.replace(fault.old, fault.new), change=f"not: {fault.claim}", tests=fault.tests
        )


def all_mutants(file: str) -> Iterator[Mutant]:
    """Every small change of a file."""
    tree = ast.parse(path_of(file).read_text(encoding="utf-8"))
    before = ast.unparse(tree).splitlines()
    for place in range(sum(len(changes(node)) for node in mutable(tree))):
        changed = copy.deepcopy(tree)
        apply(changed, place)
        text = ast.unparse(ast.fix_missing_locations(changed))
        after = text.splitlines()
        first = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
        if first is None:
            continue
        yield Mutant(
            file=file, text=text, change=f"{before[first].strip()}  ->  {after[first].strip()}", tests=CORE[file]
        )


def path_of(file: str) -> Path:
    """The file of a name such as solving/loop."""
    return SOURCE / "ponderling" / f"{file}.py"


def mutable(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes to change: not texts, types, or what errors say."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(
                child, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom
            ):
                yield from mutable(child)


COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Pow: ast.Mult, ast.Mod: ast.Add,
}  # fmt: skip


def changes(node: ast.AST) -> list[str]:
    """The names of the changes that can be made to a node."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            return ["compare"]
        case ast.BinOp() | ast.AugAssign() if type(node.op) in ARITHMETIC:
            return ["arithmetic"]
        case ast.BoolOp():
            return ["and or"]
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            return ["sign"]
        case ast.If() | ast.IfExp() | ast.While():
            return ["condition"]
        case ast.Constant(value=bool() | int() | float()):
            return ["constant"]
        case ast.Expr(value=ast.Call()):
            return ["statement"]
    return []


def apply(tree: ast.AST, place: int) -> None:
    """Makes the change with this number."""
    for node in mutable(tree):
        for change in changes(node):
            if place == 0:
                make(node, change)
                return
            place -= 1


def make(node: ast.AST, change: str) -> None:
    """Changes a node in place."""
    match change, node:
        case "compare", ast.Compare():
            node.ops = [COMPARISONS[type(node.ops[0])]()]
        case "arithmetic", ast.BinOp() | ast.AugAssign():
            node.op = ARITHMETIC[type(node.op)]()
        case "and or", ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case "sign", ast.UnaryOp():
            node.op = ast.UAdd() if not isinstance(node.op, ast.Not) else node.op
            if isinstance(node.op, ast.Not):
                node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case "condition", ast.If() | ast.IfExp() | ast.While():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case "constant", ast.Constant():
            value = node.value
            node.value = not value if isinstance(value, bool) else value + 1  # pyright: ignore[reportOperatorIssue]
        case "statement", ast.Expr():
            node.value = ast.Constant(None)
        case _:
            raise AssertionError(change)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module another text than its file has."""

    def __init__(self, mutant: Mutant):
        self.path, self.text = path_of(mutant.file), mutant.text
        self.name = "ponderling." + mutant.file.replace("/", ".")

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """The module's place, for the one module."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The usual module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Runs the changed text."""
        exec(compile(self.text, str(self.path), "exec"), module.__dict__)


def is_killed(mutant: Mutant, seconds: float) -> bool:
    """Whether a test fails, or hangs, with the mutant; run in a forked child."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            os.setpgid(0, 0)
            devnull = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(devnull, stream)
            os.chdir(ROOT)
            sys.meta_path.insert(0, Changed(mutant))
            sys.path.insert(0, str(SOURCE))
            import pytest

            tests = [str(ROOT / "tests" / name) for name in mutant.tests]
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests]))
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return not (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main() -> None:
    """Runs the mutants that were asked for and prints those that survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help=f"files of the core, without .py: {', '.join(CORE)}; or `all`")
    parser.add_argument("--named", action="store_true", help="the mutants by hand")
    parser.add_argument("--sample", type=int, help="this number of mutants of each file, drawn with seed 0")
    parser.add_argument("--jobs", type=int, default=2, help="number of mutants at a time")
    parser.add_argument("--seconds", type=float, default=120, help="time after which a mutant counts as killed")
    options = parser.parse_args()
    files = list(CORE) if options.files == ["all"] else options.files
    for file in files:
        if file not in CORE:
            parser.error(f"{file}: expected one of {', '.join(CORE)}")
    os.environ["OMP_NUM_THREADS"] = "1"
    import pytest  # noqa: F401 (children have what is imported here)
    import torch

    torch.set_num_threads(1)
    groups = {"by hand": list(named_mutants())} if options.named else {}
    groups |= {file: list(all_mutants(file)) for file in files}
    for title, mutants in groups.items():
        total = len(mutants)
        if options.sample is not None and title != "by hand" and options.sample < total:
            mutants = random.Random(0).sample(mutants, options.sample)
        for file, tests in sorted({(mutant.file, mutant.tests) for mutant in mutants}):
            unchanged = Mutant(file=file, text=path_of(file).read_text(encoding="utf-8"), change="none", tests=tests)
            if is_killed(unchanged, 10 * options.seconds):
                raise SystemExit(f"{', '.join(tests)}: a test fails, or does not end, without any change of {file}")
        begin = time.monotonic()
        with ThreadPoolExecutor(options.jobs) as pool:
            killed = list(pool.map(lambda mutant: is_killed(mutant, options.seconds), mutants))
        survivors = [mutant.change for mutant, dead in zip(mutants, killed, strict=True) if not dead]
        minutes = (time.monotonic() - begin) / 60
        print(
            f"{title}: {len(mutants)} of {total} mutants run, {sum(killed)} killed, {minutes:.1f} minutes", flush=True
        )
        for change in survivors:
            print(f"  survived: {change}", flush=True)


if __name__ == "__main__":
    main()
