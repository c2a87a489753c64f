"""Follows README.md and the pages of docs/ as a reader would: `python dev/follow_docs.py [PAGES] [--dry-run]`.

Every command of a page's code blocks runs in order, in one fresh folder per page, with the `ponderling` beside this Python.
ENTRIES says what is done in place of commands that cannot run as written. INPUTS makes the files that the pages take as given.
A command without an entry runs as it is. An entry or an input that belongs to no command is an error.
Where a page shows what a command prints, that is compared, with every number as `#`.
Python blocks are not run here, since tests/test_docs.py runs them. It needs bash and curl.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STARTS = r"(?:[A-Z_]+=\S+ )*(?:ponderling|python|pip|make|torchrun|curl|pytest|taskset|echo|export|cd)\s"
"""What the first line of a command begins with. Other lines of a block are what its command prints."""

LIMIT = 900
"""The most seconds of one command."""

START = 180
"""The most seconds until a server answers."""


@dataclass(frozen=True)
class Command:
    """A command of a page with the lines that the page shows below it. The text is empty for a block that only shows lines."""

    page: str
    line: int
    text: str
    shown: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What entries are matched with: the command, or the first line of a block that only shows lines."""
        return self.text or self.shown[0].strip()


@dataclass(frozen=True)
class Entry:
    """What is done in place of the commands of some pages; of several entries for a command, the first counts."""

    pattern: str
    """A regular expression for the beginning of the command, or of the first line of a block that only shows lines."""
    pages: str = r".*"
    """A regular expression for the whole name of the page, such as `docs/cli.md`."""
    leave_out: str = ""
    """Why the command is not run."""
    replace: tuple[tuple[str, str], ...] = ()
    """Texts of the command, and what is written in their place."""
    add: str = ""
    """Options that are put after the command; `{port}` is a free port."""
    instead: str = ""
    """The command that is run in place of this one, or for a block that only shows lines."""
    asks: str = ""
    """The path that is asked for once; the command is a server, and Ctrl-C stops it then."""
    beside: str = ""
    """A server that runs while the command does, with `{port}` in place of 8000."""
    status: int = 0
    """The expected exit status."""
    varies: str = ""
    """Why the lines that the page shows are not compared."""


SMALL = "--train.steps 20 --run.eval-every 20"
INSTALLED = "it installs what the environment has already"
FOREIGN = "it needs a file of others"
GPU = "it needs a GPU"
MEASURES = "it measures for many minutes, and less than that would show nothing"

ENTRIES = (
    # everywhere
    Entry("pip install", leave_out=INSTALLED),
    Entry("make demo", leave_out="it sets up its own environment, and the tests run `ponderling demo`"),
    Entry("torchrun --nproc-per-node 8", replace=((" 8 ", " 2 "), ("cuda", "cpu")), add=SMALL),
    Entry("ponderling train .*--run.device cuda", leave_out=GPU),
    Entry("python benchmarks/.*--device cuda", leave_out=GPU),
    Entry("python benchmarks/bench_arc.py", leave_out=FOREIGN),
    Entry("python benchmarks/(bench_server|bench_sudoku|bench_tasks|bench_time|compare)", leave_out=MEASURES),
    Entry("ponderling serve ", asks="/healthz", add="--port {port}"),
    # cli.md
    Entry("ponderling train sudoku4 --resume --train.steps 500", replace=((" 500", " 30"),)),
    Entry("ponderling train maze10 ", add="--train.steps 3 --data.max-train 50 --data.max-test 4"),
    Entry("ponderling eval runs/mazes", add="--max-puzzles 8"),
    Entry("ponderling eval sudoku --max-puzzles 50", replace=((" 50", " 3"), (" 1024", " 64"), (" 100", " 4"))),
    Entry(r"ponderling train sudoku4( --out|$)", pages=r"docs/cli\.md", add=SMALL),
    # arc.md
    Entry("1d_arc.json: 901 tasks|ponderling train .* --data.test (1d_arc|mini_arc).json", leave_out=FOREIGN),
    Entry("ponderling: tasks.json: ", instead="ponderling data inspect tasks.json", status=2),
    Entry("ponderling data make rearc", add="--pairs 2"),
    Entry("ponderling train arc10($| --run)", add="--train.steps 2 --data.max-train 20 --data.max-test 8"),
    Entry("ponderling train arc10-small($| --data.task arc5)", add="--train.steps 2"),
    Entry("ponderling (import|eval|adapt|export) (path|runs/official)", pages=r"docs/arc\.md", leave_out=FOREIGN),
    Entry("ponderling adapt runs/arc10-small", add="--steps 3"),
    Entry("ponderling adapt runs/arc5", replace=((" 500", " 3"),)),
    Entry("ponderling eval (runs/arc10|runs/both-longer|arc) --early-exit", add="--views 0 --max-puzzles 4"),
    Entry("ponderling eval (runs/arc10|arc) --data", replace=((" 300", " 3"),), add="--max-puzzles 2"),
    Entry("ponderling solve runs/arc10 ", add="--adapt-steps 3"),
    # fidelity.md
    Entry("ponderling (import|export) (path|runs/official)", pages=r"docs/fidelity\.md", leave_out=FOREIGN),
    Entry("pytest tests/test_golden.py", leave_out="the tests are run by themselves"),
    # mazes.md
    Entry("ponderling data make maze --size (30|12) ", replace=((" 1000", " 4"), (" 5000", " 4"))),
    Entry("python benchmarks/bench_maze.py", replace=((" 500", " 2"), (" 60", " 4"), (" 3000", " 3"))),
    # page.md
    Entry("ponderling site DIR", leave_out="npm fetches onnxruntime-web; the workflow `docs` runs it"),
    Entry("python -m http.server", asks="/", add="{port}"),
    # relational.md
    Entry("ponderling data make sudoku --size 9 --train 66000", leave_out="it takes many hours"),
    Entry("ponderling data make sudoku --size 9 --variant jigsaw", leave_out="it takes hours"),
    Entry("ponderling eval sudoku --data hard.csv", replace=((" 1024", " 64"), (" 150", " 4"))),
    # results.md
    Entry("ponderling train sudoku4(-hrm)? --train.seed 1", replace=((" 320", " 5"),)),
    Entry("ponderling train sudoku6", add=SMALL),
    Entry("ponderling eval sudoku --data FILE", replace=(("FILE", "hard.csv"), (" 1024", " 64"))),
    Entry("ponderling eval maze --task maze20 --data FILE", replace=(("FILE", "maze20.csv"),)),
    Entry("ponderling data make sudoku --size 16 --train 0 --test 140", replace=((" 140", " 2"),)),
    Entry("ponderling eval weights/sudoku-sizes", replace=(("FILE", "DIR/test.csv.gz"),)),
    Entry("ponderling data make maze --size 60 --train 0 --test 40", replace=((" 40", " 2"),)),
    # server.md
    Entry("python dev/campaigns/fuzz_server.py", replace=((" 2000", " 20"), (" 12 ", " 1 "), (" 5 ", " 1 "), (" 30", " 0.1"))),
    Entry(
        "curl -s localhost:8000/v1/solve",
        add="--fail",
        beside="env -u PONDERLING_TOKEN ponderling serve sudoku --port {port}",
    ),
    # speed.md
    Entry("python benchmarks/bench_solve.py --measure scaling", add="--scaling 2"),
    Entry("python benchmarks/bench_solve.py", replace=((" 120", " 2"), (" 60", " 2"))),
    Entry("python benchmarks/bench_length.py$", add="--sides 9 --rounds 1 --puzzles 1"),
    Entry("python benchmarks/bench_length.py --sides", replace=((" 32", " 1"),), add="--rounds 1"),
    Entry("python benchmarks/bench_step.py$", add="--only small_mlp --rounds 1"),
    Entry("python benchmarks/bench_step.py --dtype", replace=((" 4 ", " 1 "), (" small_att paper_mlp paper_att", ""))),
    Entry("ponderling eval sudoku --max-puzzles 64 --steps N", replace=((" 64", " 4"), (" N", " 2"))),
    # sudoku.md
    Entry("ponderling data make sudoku --size 9 --train 8000", replace=((" 8000", " 40"), (" 1000", " 10"))),
    # your-task.md
    Entry("ponderling train --data my.jsonl", add=SMALL),
    Entry("ponderling train --data sud/train.jsonl", replace=((" 250", " 20"), (" 50", " 20"))),
    Entry("ponderling: sud/test.jsonl", status=2, instead="cd $(mktemp -d -p .) && "
          "ponderling data make gym --name mini_sudoku --train 1000 --test 200 --out sud && "
          "ponderling train --data sud/train.jsonl --test sud/test.jsonl --data.symmetries dihedral+colours=1,2,3,4"),
    Entry("mirror.jsonl: sizes differ", instead="ponderling data inspect mirror.jsonl"),
    Entry("structure neighbours=8", instead="ponderling data inspect blocks.jsonl"),
    Entry("cd examples && ponderling train own_task:Lakes", add=SMALL),
)  # fmt: skip

GRIDS = """
import json, random
draw = random.Random(0)
def grid(rows, columns):
    return [[draw.randrange(4) for _ in range(columns)] for _ in range(rows)]
def double(grid):
    return [[cell for cell in row for _ in "ab"] for row in grid for _ in "ab"]
def write(name, pairs):
    with open(name, "w") as file:
        file.writelines(json.dumps({"input": a, "output": b}) + "\\n" for a, b in pairs)
"""
TURN = '{"train": [{"input": [[1, 0], [0, 2]], "output": [[2, 0], [0, 1]]}, {"input": [[3, 4]], "output": [[4, 3]]}], '
TURN += '"test": [{"input": [[5, 0]], "output": [[0, 5]]}]}'


def made(family: str, name: str) -> tuple[str, str]:
    """How a CSV of four puzzles of the family is made."""
    folder = f"made/{name}"
    make = f"ponderling data make {family} --train 0 --test 4 --out {folder}"
    return "bash", f"{make} && gzip -dc {folder}/test.csv.gz > {name}"


INPUTS = {
    "my.jsonl": ("python", GRIDS + "all = [grid(2, 2) for _ in range(120)]\n"
                 "write('my.jsonl', {str(g): (g, [r[::-1] for r in g[::-1]]) for g in all}.values())"),
    "mirror.jsonl": ("python", GRIDS + "all = [grid(draw.randint(2, 4), draw.randint(2, 5)) for _ in range(300)]\n"
                     "write('mirror.jsonl', [(g, [r[::-1] for r in g]) for g in all])"),
    "my_rules:judge": ("python", "open('my_rules.py', 'w').write('def judge(question, answer):\\n"
                       "    return answer == [row[::-1] for row in question[::-1]]\\n')"),
    "maze.txt": ("bash", "printf '#####\\n#S  #\\n# # #\\n#  G#\\n#####\\n' > maze.txt"),
    "mazes.txt": ("bash", "printf 'S  \\n # \\n  G\\n\\nS #\\n   \\n# G\\n' > mazes.txt"),
    "TASK.json": ("bash", f"echo '{TURN}' > TASK.json"),
    "NEW.json": ("bash", f"echo '{TURN}' > NEW.json"),
    "six.json": ("bash", f"echo '{TURN}' > six.json"),
    "tasks.json": ("bash", "echo '{\"turn\": " + TURN.replace("[0, 1]]}", "[0]]}", 1) + "}' > tasks.json"),
    **{name: made("sudoku --size 9", name) for name in ("hard.csv", "17clue.csv", "qqwing.csv")},
    **{name: made("maze --size 30", name) for name in ("train.csv", "dev.csv")},
    "maze20.csv": made("maze --size 20", "maze20.csv"),
    "runs/sudoku4": ("bash", "ponderling train sudoku4 " + SMALL),
    "blocks.jsonl": ("python", GRIDS + "all = [grid(3, 3) for _ in range(200)]\n"
                     "write('blocks.jsonl', [(double(g), [[sum(map(sum, g)) % 4] * 6] * 6) for g in all])"),
    "--directory DIR": ("bash", "mkdir -p DIR && echo page > DIR/index.html"),
}  # fmt: skip
"""What makes the inputs that commands name, where they are not there: a language and a text in it."""


def pages() -> list[Path]:
    """README.md and the pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def name_of(page: Path) -> str:
    """The page's path in the repository, or its name if it is elsewhere."""
    page = page.resolve()
    return page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name


def blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """The numbered lines of each block that may hold commands: fenced without a language or with sh, or indented.

    Lines that a backslash ends are joined with the next one, and blank lines are left out.
    """
    fence: str | None = None
    block: list[tuple[int, str]] = []
    may_begin = True  # an indented line below a paragraph or an item belongs to that
    for number, line in enumerate([*text.splitlines(), ""], 1):
        mark = re.match(r"```(\w*)", line)
        code = line.startswith("    ") if fence is None else not mark
        if block and not code:
            yield block
            block = []
        if mark:
            fence = mark[1] if fence is None else None
        elif code and line.strip() and (fence in ("", "sh") or (fence is None and (may_begin or block))):
            line = line[4:] if fence is None else line
            if block and block[-1][1].endswith("\\"):
                block[-1] = (block[-1][0], f"{block[-1][1][:-1].rstrip()} {line.strip()}")
            else:
                block.append((number, line))
        may_begin = not line.strip() or mark is not None


def commands(text: str, page: str) -> list[Command]:
    """The commands of a page in its order, with what it shows of their output."""
    found = []
    for block in blocks(text):
        own: list[Command] = []
        for number, line in block:
            if re.match(STARTS, line):
                own.append(Command(page, number, re.sub(r"\s+#( .*|$)", "", line).rstrip()))
            elif not re.match(r"#( |$)", line):
                last = own.pop() if own else Command(page, number, "")
                own.append(replace(last, shown=(*last.shown, line)))
        found += own
    return found


def entry_of(command: Command, entries: Sequence[Entry]) -> Entry | None:
    """The first entry that matches the command."""
    return next((e for e in entries if re.match(e.pattern, command.key) and re.fullmatch(e.pages, command.page)), None)


def names(text: str, name: str) -> bool:
    """Whether the command names the input: it is a word of its own, or the beginning of a path."""
    return bool(re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w-])", text))


def changed(command: Command, entry: Entry | None) -> str:
    """The command as it is run, with `{port}` where its server's port is to be."""
    text = (entry and entry.instead) or command.text
    for old, new in entry.replace if entry else ():
        text = text.replace(old, new)
    if entry and entry.beside:
        text = text.replace(":8000", ":{port}")
    return f"{text} {entry.add}" if entry and entry.add else text


def unused(found: Sequence[Command], entries: Sequence[Entry], inputs: Sequence[str]) -> list[str]:
    """A line for each entry and each input that belongs to no command, and for each text that is not there to replace."""
    faults = []
    for entry in entries:
        own = [command for command in found if entry_of(command, entries) is entry]
        if not own:
            faults.append(f"the entry {entry.pattern!r} matches no command of the pages, or none that is left to it")
        for old, _ in entry.replace:
            if own and not any(old in command.text for command in own):
                faults.append(f"the entry {entry.pattern!r} replaces {old!r}, which none of its commands has")
    run = [changed(command, entry_of(command, entries)) for command in found]
    return faults + [
        f"the input {name!r} is named by no command" for name in inputs if not any(names(t, name) for t in run)
    ]


def plain(line: str) -> str:
    """The line with every number as `#`, and single blanks."""
    return " ".join(re.sub(r"\d+(?:[.,]\d+)*", "#", line).split())


def difference(shown: Sequence[str], printed: str) -> str | None:
    """The first line that the page shows and that was not printed after those before it; None if all were.

    A line that ends with ` ...` needs to be the beginning of a printed one.
    """
    said = iter([plain(line) for line in printed.splitlines()])
    for line in shown:
        want = plain(line)
        part = want.removesuffix(" ...") if want.endswith(" ...") else None
        if not any(have == want or (part is not None and have.startswith(part)) for have in said):
            return line.strip()
    return None


@dataclass
class Outcome:
    """What came of a command."""

    command: Command
    kind: str
    """One of `ran`, `changed`, `left out` and `failed`."""
    note: str = ""
    """The command that was run in its place, the reason to leave it out, or what is wrong."""
    seconds: float = 0.0


@dataclass
class Reader:
    """Someone who follows one page in a folder."""

    folder: Path
    env: dict[str, str]
    entries: Sequence[Entry]
    inputs: dict[str, tuple[str, str]]
    printed: str = field(default="", init=False)

    def bash(self, text: str) -> int:
        """The exit status of the command, whose output is kept; what it exports is kept too."""
        exports = text.startswith("export ")
        text = f"{text}; env -0 > .exported" if exports else text
        process = self.start(text)
        try:
            self.printed = process.communicate(timeout=LIMIT)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.printed = f"{process.communicate()[0]}\nit was stopped after {LIMIT} seconds"
        except KeyboardInterrupt:  # the command's own group is not told of Ctrl-C
            os.killpg(process.pid, signal.SIGKILL)
            raise
        if exports:
            lines = (self.folder / ".exported").read_text(encoding="utf-8").split("\0")
            self.env = dict(line.split("=", 1) for line in lines if "=" in line)
        return process.returncode

    def start(self, text: str) -> subprocess.Popen[str]:
        """The command as a process in its own group."""
        return subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.env,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @contextlib.contextmanager
    def serving(self, text: str, port: int, path: str) -> Iterator[None]:
        """Runs the server; the body begins when it has answered the path with 200, and Ctrl-C stops it at the end."""
        process = self.start(f"exec {text}")
        try:
            until(lambda: answers(port, path) or process.poll() is not None, START)
            if process.poll() is not None:
                raise RuntimeError(f"no answer from {path}, it ended with {process.returncode}")
            if not answers(port, path):
                raise RuntimeError(f"no answer from {path} within {START} seconds")
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            try:
                said = process.communicate(timeout=60)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                said = process.communicate()[0] + "\nCtrl-C did not stop the server within 60 seconds"
            self.printed = self.printed or said

    def make_inputs(self, text: str) -> str | None:
        """Makes the inputs that the command names and that are not there; says which one could not be made."""
        for name, (language, how) in self.inputs.items():
            if names(text, name) and not (self.folder / name).exists():
                (self.folder / ".input").write_text(how, encoding="utf-8")
                if self.bash(f"{language} .input"):
                    return f"the input {name} could not be made: {last_line(self.printed)}"
        return None

    def follow(self, command: Command) -> Outcome:
        """Follows one command, and gives what came of it."""
        entry = entry_of(command, self.entries)
        if entry and entry.leave_out:
            return Outcome(command, "left out", entry.leave_out)
        text = changed(command, entry)
        kind = (
            "ran"
            if text in (command.text, f"{command.text} {entry.add}" if entry and entry.asks else "")
            else "changed"
        )
        begun = time.perf_counter()
        fault = self.fault_of(command, entry or Entry(""), text) if text else self.unlike(command, entry or Entry(""))
        note = fault or (text if kind == "changed" else "")
        return Outcome(command, "failed" if fault else kind, note, time.perf_counter() - begun)

    def fault_of(self, command: Command, entry: Entry, text: str) -> str | None:
        """Runs the text, and says in one line what is wrong."""
        fault = self.make_inputs(text)
        if fault:
            return fault
        port = free_port()
        text = text.replace("{port}", str(port))
        status, self.printed = entry.status, ""
        try:
            if entry.asks:
                with self.serving(text, port, entry.asks):
                    pass
            elif entry.beside:
                with self.serving(entry.beside.replace("{port}", str(port)), port, "/healthz"):
                    status = self.bash(text)
            else:
                status = self.bash(text)
        except RuntimeError as error:
            return f"{error}; last said: {last_line(self.printed)}"
        if status != entry.status:
            return f"exit status {status}, expected {entry.status}; last said: {last_line(self.printed)}"
        return self.unlike(command, entry)

    def unlike(self, command: Command, entry: Entry) -> str | None:
        """The line that the page shows and that was not printed, if there is one."""
        missing = None if entry.varies else difference(command.shown, self.printed)
        return (
            missing and f"the page shows a line that was not printed: {missing}; last said: {last_line(self.printed)}"
        )


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Waits until the condition holds, or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.2)


def answers(port: int, path: str) -> bool:
    """Whether a server on this machine answers the path with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def last_line(printed: str) -> str:
    """The last line that is not empty."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"


def furnish(folder: Path) -> None:
    """Gives the folder what the pages take from the repository; what a command may write to is a copy."""
    for name in ("benchmarks", "dev", "weights"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("runs", "__pycache__"))
    (folder / "docs" / "pictures").mkdir(parents=True)


def environment() -> dict[str, str]:
    """The variables of this process, with the `ponderling` and `python` of its environment first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}


def follow_page(
    found: Sequence[Command],
    entries: Sequence[Entry] = ENTRIES,
    inputs: dict[str, tuple[str, str]] = INPUTS,
) -> list[Outcome]:
    """Follows a page's commands in a fresh folder, prints each as soon as it is done, and gives what came of them."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="follow-") as name:
        furnish(Path(name))
        reader = Reader(Path(name), environment(), entries, inputs)
        for command in found:
            outcomes.append(reader.follow(command))
            outcome = outcomes[-1]
            print(
                f"{outcome.kind:8} {outcome.seconds:6.1f} s  {command.page}:{command.line}  {command.key}", flush=True
            )
            if outcome.note:
                print(f"           {outcome.note}", flush=True)
            if outcome.kind == "failed":
                print(textwrap.indent(reader.printed[-2000:], "           | "), flush=True)
    return outcomes


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """A row for each page, and below it a line for each command that was left out or failed."""
    lines = [f"{'page':24} {'ran':>5} {'changed':>8} {'left out':>9} {'failed':>7} {'seconds':>8}"]
    for page in dict.fromkeys(outcome.command.page for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.command.page == page]
        ran, other, left, failed = (
            sum(o.kind == kind for o in own) for kind in ("ran", "changed", "left out", "failed")
        )
        lines.append(f"{page:24} {ran:5} {other:8} {left:9} {failed:7} {sum(o.seconds for o in own):8.0f}")
        for o in own:
            if o.kind in ("left out", "failed"):
                lines.append(f"    {o.kind}, line {o.command.line}: {o.command.key[:90]}: {o.note}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Follows the pages, prints the table, and returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Runs the commands of README.md and docs/, and compares what they print."
    )
    parser.add_argument("pages", nargs="*", type=Path, help="pages to follow; all if none is given")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, and run nothing")
    options = parser.parse_args(arguments)
    faults = unused(
        [c for page in pages() for c in commands(page.read_text(encoding="utf-8"), name_of(page))],
        ENTRIES,
        list(INPUTS),
    )
    if faults:
        print("\n".join(faults))
        return 1
    # a shell may start background jobs that ignore Ctrl-C, and the servers would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    outcomes: list[Outcome] = []
    for page in options.pages or pages():
        found = commands(page.read_text(encoding="utf-8"), name_of(page))
        if options.dry_run:
            for command in found:
                entry = entry_of(command, ENTRIES)
                what = f"left out: {entry.leave_out}" if entry and entry.leave_out else changed(command, entry)
                print(
                    f"{command.page}:{command.line}  {command.key}\n    {what or 'compared with the output before it'}"
                )
        else:
            outcomes += follow_page(found)
    if not options.dry_run:
        print("\n".join(["", *table(outcomes)]))
    return int(any(outcome.kind == "failed" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
