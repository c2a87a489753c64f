"""Mutated files of puzzles through every reader: each must be read, or refused in one line that names the file.

    python dev/campaigns/fuzz_data.py --count 700 --seed 0

Every format starts from good files. They are changed byte by byte, cut, joined, packed and encoded wrongly, and changed where
their structure is known: values of JSON, fields of CSV, entries and headers of npz. `--only` and `--number` repeat one input.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from sandbox import Outcome, Tally, attack

from ponderling.cli.data.arc import facts_of
from ponderling.cli.data.facts import puzzle_facts
from ponderling.cli.data.sniff import guess_task, holds_arc, holds_grids
from ponderling.data import grid_config
from ponderling.tasks import get_task
from ponderling.tasks.arc.official_names import read_names
from ponderling.tasks.arc.voting import read_submission
from ponderling.tasks.base import Puzzles
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.split import grid_facts
from ponderling.tasks.official_layout import write_layout
from ponderling.tasks.sudoku import SUDOKUS

Bytes = bytes
Random = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of file, and what reads it."""

    make: Callable[[Path], Path]
    """Writes a good file, or a folder of files, into a folder, and returns what the reader is given."""
    read: Callable[[Path], object]


# Readers, with the functions of `ponderling data inspect`


def inspect(path: Path, task: str | None = None) -> object:
    """What `ponderling data inspect` computes."""
    if task is None and holds_arc(str(path)):
        return facts_of(str(path), views=2, task="arc10")
    if task == "grids" or (task is None and holds_grids(path)):
        data = grid_config(str(path), None)
        return json.dumps(grid_facts(Grids.of(data), data.train, test=data.test))
    family = get_task(task) if task else guess_task(path)
    return json.dumps(puzzle_facts(family, family.read(path)))


def read_as(task: str) -> Callable[[Path], object]:
    """A reader for a family that is named."""
    return lambda path: inspect(path, task)


# Good files


def family_file(task: str, name: str, split: str = "test", count: int = 12) -> Callable[[Path], Path]:
    """Writes puzzles of a family as a CSV, or as plain lines where the name does not say CSV."""

    def make(folder: Path) -> Path:
        family = get_task(task)
        puzzles = family.load_default(split)[:count]
        path = folder / name
        if ".csv" in name:
            family.write(path, puzzles)
        else:
            lines = [f"{family.format(q)},{family.format(a)}\n" for q, a in zip(puzzles.tokens, puzzles.labels)]
            path.write_text("".join(lines), encoding="utf-8")
        return path

    return make


def grids_of(rng: Random, count: int = 12) -> list[tuple[Any, Any]]:
    """Grids of different sizes and their mirror images."""
    grids = [rng.integers(0, 12, rng.integers(1, 5, 2)) for _ in range(count)]
    return [(grid.tolist(), grid[:, ::-1].tolist()) for grid in grids]


def jsonl(folder: Path) -> Path:
    """Lists of rows, with ratings, ids and splits."""
    path = folder / "grids.jsonl"
    lines = [
        json.dumps({"input": q, "output": a, "rating": i, "id": f"é{i}", "split": "test" if i % 4 == 0 else "train"})
        for i, (q, a) in enumerate(grids_of(np.random.default_rng(0)))
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def jsonl_of_texts(folder: Path) -> Path:
    """Rows as texts."""
    path = folder / "texts.jsonl"
    rows = [["#.#", "..#"], ["#  ", " ##"], ["o", "#"], ["#..#"], ["## #", "#  #"], ["##"], ["# .", "o##"], ["o."]]
    path.write_text("\n".join(json.dumps({"input": r, "output": [t[::-1] for t in r]}) for r in rows), encoding="utf-8")
    return path


def grids_csv(folder: Path) -> Path:
    """Grids as text in CSV."""
    path = folder / "grids.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["input", "output", "rating"])
        for i, pair in enumerate(grids_of(np.random.default_rng(1))):
            writer.writerow([*("/".join(" ".join(map(str, row)) for row in grid) + "/" for grid in pair), i])
    return path


def npz(folder: Path) -> Path:
    """Padded arrays with shapes, splits and ratings."""
    path = folder / "grids.npz"
    cells = np.random.default_rng(2).integers(0, 9, (12, 4, 3))
    shapes = np.random.default_rng(3).integers(1, 4, (12, 2))
    split = np.array(["test", "train", "train"] * 4)
    np.savez(
        path, inputs=cells, outputs=cells, input_shapes=shapes, output_shapes=shapes, split=split, ratings=range(12)
    )
    return path


def arc_tasks(count: int = 3) -> dict[str, Any]:
    """ARC tasks by id."""
    rng = np.random.default_rng(4)
    tasks = {}
    for i in range(count):
        pairs = [{"input": q, "output": a} for q, a in grids_of(rng, 4)]
        pairs = [{key: (np.array(grid) % 10).tolist() for key, grid in pair.items()} for pair in pairs]
        tasks[f"task{i}"] = {"train": pairs[:3], "test": pairs[3:]}
    return tasks


def arc_json(folder: Path) -> Path:
    """Tasks in one file."""
    path = folder / "tasks.json"
    path.write_text(json.dumps(arc_tasks()), encoding="utf-8")
    return path


def arc_folder(folder: Path) -> Path:
    """A folder of files of one task."""
    path = folder / "arc_folder"
    path.mkdir()
    for name, task in arc_tasks().items():
        (path / f"{name}.json").write_text(json.dumps(task), encoding="utf-8")
    return path


def kaggle(folder: Path) -> Path:
    """Challenges beside their solutions."""
    path = folder / "kaggle"
    path.mkdir()
    tasks = arc_tasks()
    solutions = {name: [pair.pop("output") for pair in task["test"]] for name, task in tasks.items()}
    (path / "made_challenges.json").write_text(json.dumps(tasks), encoding="utf-8")
    (path / "made_solutions.json").write_text(json.dumps(solutions), encoding="utf-8")
    return path


def layout(folder: Path) -> Path:
    """A folder as the official builders write it."""
    path = folder / "built"
    rng = np.random.default_rng(5)
    parts = {
        split: Puzzles(*rng.integers(1, 5, (2, count, 9)).astype(np.uint8), puzzle_ids=np.zeros(count, np.int32))
        for split, count in (("train", 20), ("test", 6))
    }
    facts = {"symbols": ["a", "b", "c", "d"], "rows": 3, "columns": 3, "sizes": "one"}
    write_layout(path, parts, vocab_size=5, num_puzzles=1, grid=facts)
    return path


def names(folder: Path) -> Path:
    """The names of puzzle ids of an official ARC set."""
    path = folder / "identifiers.json"
    views = [f"{task}|||t{i}|||0{'123456789'[i:] + '123456789'[:i]}" for task in ("a", "b") for i in range(1, 4)]
    path.write_text(json.dumps(["<blank>", "a", "b", *views]), encoding="utf-8")
    return path


def submission(folder: Path) -> Path:
    """A submission of ARC answers."""
    path = folder / "submission.json"
    path.write_text(
        json.dumps({name: [{"attempt_1": [[1]], "attempt_2": [[2, 3]]}] for name in ("a", "b")}), encoding="utf-8"
    )
    return path


FORMATS = {
    "sudoku.csv": Format(make=family_file("sudoku9", "sudoku.csv"), read=inspect),
    "sudoku.csv.gz": Format(make=family_file("sudoku4", "sudoku.csv.gz"), read=inspect),
    "sudoku.txt": Format(make=family_file("sudoku9", "sudoku.txt"), read=read_as("sudoku9")),
    "jigsaw.csv": Format(make=family_file("sudoku9", "jigsaw.csv", split="jigsaws"), read=read_as("sudoku9")),
    "maze.csv": Format(make=family_file("maze5", "maze.csv"), read=inspect),
    "maze.txt": Format(make=family_file("maze5", "maze.txt"), read=read_as("maze5")),
    "takuzu.csv": Format(make=family_file("takuzu6", "takuzu.csv"), read=read_as("takuzu6")),
    "grids.jsonl": Format(make=jsonl, read=inspect),
    "texts.jsonl": Format(make=jsonl_of_texts, read=inspect),
    "grids.csv": Format(make=grids_csv, read=inspect),
    "grids.npz": Format(make=npz, read=inspect),
    "arc.json": Format(make=arc_json, read=inspect),
    "arc folder": Format(make=arc_folder, read=inspect),
    "kaggle": Format(make=kaggle, read=inspect),
    "layout": Format(make=layout, read=inspect),
    "identifiers.json": Format(make=names, read=read_names),
    "submission.json": Format(make=submission, read=read_submission),
}
"""Each format with its reader."""


# Mutations


FRAGMENTS = [
    b"\0", b"\x00" * 64, b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x1b[31m", b"\r", b"\r\n", b"\n" * 50, b'"', b'""', b",",  # noqa: E501
    b"\t", b" ", b"  ", b"/", b"[", b"]", b"{", b"}", b"[" * 200_000, b'{"a":' * 50_000, b"9" * 5000, b"1e999", b"NaN", b"-Infinity",  # noqa: E501
    b"null", b"true", b'"\\ud800"', b"\\ud800", b"\xd9\xa1\xd9\xa2", b"\xe2\x80\xa8", b"\x85", b"-1", b"0" * 100, b"01", b"10 3", b"#",  # noqa: E501
    b"x" * 100_000, b"[[]]", b"[[1,2],[3]]", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x93NUMPY", b"question,answer\n", b"1.5", b"\xe9", b"..",  # noqa: E501
    b"(", b"Z" * 81, b"0" * 81, b"." * 81, b"A" * 81,
]  # fmt: skip
"""Pieces of bytes that are put into files."""

VALUES: list[Any] = [
    None, True, False, 0, -1, 1.0, 1.5, 10**30, 2**63, "", "x", "1", "01", "x" * 5000, [], {}, [[]], [[1]], [[1], [1, 2]], "\x1b[0m",  # noqa: E501
    "\n", "\ud800", ["##", "# "], ["10 3", "3 10"], {"a": 1}, list(range(300)), [[0] * 400], 255, 256, 2**31, "\u0661", "train", "../x",  # noqa: E501
    [[None]], [[True]], [["1", 1]], "10 3", "[[1,", "1\t2", float("nan"), float("inf"), [[[1]]], "\u2028", [""],
]  # fmt: skip
"""Values that take the place of others in JSON, and fields of CSV."""


def mutate_bytes(content: Bytes, rng: Random) -> Bytes:
    """One to four changes that know nothing of the format."""
    for _ in range(rng.integers(1, 5)):
        size = len(content)
        i, j = sorted(rng.integers(0, size + 1, 2).tolist())
        kind = rng.integers(7)
        if kind == 0 and size:
            changed = bytearray(content)
            for at in rng.integers(0, size, rng.integers(1, 4)):
                changed[at] ^= 1 << int(rng.integers(8))
            content = bytes(changed)
        elif kind == 1:
            content = content[:i]
        elif kind == 2:
            content = content[:j] + content[i:j] + content[j:]
        elif kind == 3:
            content = content[:i] + content[min(j, i + 40) :]
        elif kind == 4:
            content = content[j:] + content[:j]
        else:
            content = content[:i] + FRAGMENTS[rng.integers(len(FRAGMENTS))] + content[i + int(rng.integers(0, 3)) :]
    return content


def mutate_json(text: str, rng: Random) -> str:
    """A value anywhere inside replaced, removed, moved or given a second key."""
    value = json.loads(text)
    for _ in range(rng.integers(1, 3)):
        places = list(places_in(value))
        if not places:
            return json.dumps(value)
        holder, key = places[rng.integers(len(places))]
        kind = rng.integers(4)
        if kind < 2:
            holder[key] = VALUES[rng.integers(len(VALUES))]
        elif kind == 2:
            del holder[key]
        elif isinstance(holder, dict):
            holder[f"{key}{'x' * int(rng.integers(3))}\x1b"] = holder.pop(key)
        else:
            holder.append(holder[key])
    changed = json.dumps(value)
    if rng.integers(6) == 0 and changed.startswith("{") and len(changed) > 2:
        changed = changed[:-1] + "," + changed[1:]  # every key twice
    return changed


def places_in(value: Any, depth: int = 0) -> Any:
    """Every list or object inside a value with each of its keys."""
    if isinstance(value, dict | list) and depth < 8:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places_in(value[key], depth + 1)


def mutate_lines(text: str, rng: Random) -> str:
    """A line of JSON lines changed."""
    lines = text.split("\n")
    at = int(rng.integers(len(lines)))
    if lines[at].strip():
        lines[at] = mutate_json(lines[at], rng)
    return "\n".join(lines)


def mutate_csv(text: str, rng: Random) -> str:
    """Fields of some rows replaced, removed or added."""
    rows = list(csv.reader(io.StringIO(text)))
    for _ in range(rng.integers(1, 4)):
        row = rows[rng.integers(len(rows))]
        if not row:
            continue
        at, kind = int(rng.integers(len(row))), rng.integers(4)
        if kind == 0:
            del row[at]
        elif kind == 1:
            row.insert(at, row[at])
        else:
            new = VALUES[rng.integers(len(VALUES))]
            row[at] = new if isinstance(new, str) and new.isprintable() else json.dumps(new)
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def mutate_npz(content: Bytes, rng: Random) -> Bytes:
    """Entries renamed, changed, repeated or given another header."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    at, kind = int(rng.integers(len(entries))), rng.integers(6)
    name, data = entries[at]
    if kind == 0:
        entries[at] = (name.removesuffix(".npy"), data)
    elif kind == 1:
        entries[at] = (name, mutate_bytes(data, rng))
    elif kind == 2:
        entries.append((name, data))
    elif kind == 3:
        new = STRANGE_ARRAYS[rng.integers(len(STRANGE_ARRAYS))]
        entries[at] = (name, saved(new))
    elif kind == 4:
        entries[at] = (name, strange_header(rng) + data[128:])
    else:
        del entries[at]
    out = io.BytesIO()
    packed = zipfile.ZIP_DEFLATED if rng.integers(2) else zipfile.ZIP_STORED
    warnings.simplefilter("ignore")  # of a name that is there twice
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    changed = out.getvalue()
    return mutate_bytes(changed, rng) if rng.integers(3) == 0 else changed


STRANGE_ARRAYS: list[Any] = [
    np.array(5), np.zeros((0, 3, 3), int), np.zeros((12, 0, 0), int), np.zeros((12, 4, 3)), np.full(12, 2**40), np.full(12, -1),
    np.full((12, 4, 3), 2**62), np.array([None] * 12, object), np.array(["x" * 99] * 12), np.zeros((12, 4, 3), bool), np.full(12, np.nan),  # noqa: E501
    np.array(["train", "dev"] * 6), np.zeros((12, 2), int), np.full((12, 2), 2**60), np.zeros((12, 4, 3), complex), np.zeros(12, "M8[s]"),  # noqa: E501
    np.zeros((1 << 22, 4, 3), np.int8), np.full((12, 4, 3), "\x1b"), np.zeros(3, [("a", int)]), np.full((12, 4, 3), 300, np.uint64),  # noqa: E501
    np.array([[["0", "1", "01"]]] * 12),
]  # fmt: skip


def saved(array: Any) -> Bytes:
    """The bytes of an .npy file."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def strange_header(rng: Random) -> Bytes:
    """The header of an .npy file that claims what is not so."""
    shapes = [
        "(99999999999, 9, 9)",
        "(12, -4, 3)",
        "(12, 4, 3.0)",
        "(1" + "0" * 400 + ",)",
        "(True, 4)",
        "()",
        "(" * 300,
        "(12, 4, 3)",
    ]
    types = [
        "'<i8'",
        "'|O'",
        "'<U99999999'",
        "'V0'",
        "'<f8'",
        "'nonsense'",
        "[('a', '<i8')]",
        "'<U0'",
        "'|S5'",
        "None",
        "'<i8', 'x': 1",
    ]
    shape, kind = shapes[rng.integers(len(shapes))], types[rng.integers(len(types))]
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def wrap(content: Bytes, rng: Random) -> Bytes:
    """The content in another encoding, with other line ends, or packed, rightly and wrongly."""
    kind = rng.integers(12)
    if kind == 0:
        return gzip.compress(content)
    if kind == 1:
        return gzip.compress(content)[: -int(rng.integers(1, 20))]
    if kind == 2:
        packed = bytearray(gzip.compress(content))
        packed[rng.integers(len(packed))] ^= 1 << int(rng.integers(8))
        return bytes(packed)
    if kind == 3:
        return gzip.compress(content) + b"garbage"
    if kind == 4:
        return gzip.compress(gzip.compress(content))
    if kind == 5:
        return b"\xef\xbb\xbf" + content
    text = content.decode("utf-8", "replace")
    if kind < 10:
        return text.encode(["utf-16", "utf-16-le", "utf-32", "latin-1"][kind - 6], "replace")
    if kind == 10:
        return text.replace("\n", "\r").encode()
    return gzip.compress(content + b"\n" * (1 << 25))


def mutate(path: Path, rng: Random) -> None:
    """Changes a file, by what its name says of its structure or without."""
    content = path.read_bytes()
    is_packed = path.suffix == ".gz"
    plain = gzip.decompress(content) if is_packed else content
    kind = rng.integers(10)
    if kind == 0:
        path.write_bytes(wrap(plain, rng))
        return
    if kind < 6:
        name = path.name.removesuffix(".gz")
        if name.endswith(".npz"):
            plain = mutate_npz(plain, rng)
        elif name.endswith(".npy"):
            plain = strange_header(rng) + plain[128:] if rng.integers(2) else saved(STRANGE_ARRAYS[rng.integers(9)])
        else:
            change = {".json": mutate_json, ".jsonl": mutate_lines, ".csv": mutate_csv}.get(Path(name).suffix)
            plain = change(plain.decode(), rng).encode() if change else mutate_bytes(plain, rng)
    else:
        plain = mutate_bytes(plain, rng)
    path.write_bytes(gzip.compress(plain) if is_packed else plain)


def run(name: str, number: int, *, seed: int, good: Path, folder: Path) -> Outcome:
    """Attacks a format with one input, which is left in the folder.

    Args:
        name: The format.
        number: The number of the input.
        seed: The seed of the campaign.
        good: The folder with the good file.
        folder: Where to put the changed one.
    """
    kind = FORMATS[name]
    rng = np.random.default_rng([seed, number, *name.encode()])
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    (path,) = folder.iterdir()
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    mutate(files[rng.integers(len(files))], rng)
    refusals = (ValueError, FileNotFoundError, OSError)
    return attack(lambda: kind.read(path), refusals=refusals, names=[path.name])


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the campaign takes."""

    count: Annotated[int, tyro.conf.arg(help="Number of inputs for each format.")] = 30
    seed: Annotated[int, tyro.conf.arg(help="Seed of all changes.")] = 0
    only: Annotated[str | None, tyro.conf.arg(help="One format: " + ", ".join(FORMATS))] = None
    number: Annotated[int | None, tyro.conf.arg(help="One input, whose outcome is printed; needs --only.")] = None
    keep: Annotated[Path | None, tyro.conf.arg(help="Folder for the last changed file.")] = None


def main(options: Options) -> None:
    """Attacks every format and prints the counts."""
    SUDOKUS["sudoku9"].find_answer(
        SUDOKUS["sudoku9"].load_default("test").tokens[0]
    )  # compiles the search before forking
    everything = Tally()
    with tempfile.TemporaryDirectory(prefix="fuzz-data-") as temporary:
        for name in FORMATS if options.only is None else [options.only]:
            good = Path(temporary) / "good" / name.replace(" ", "_")
            good.mkdir(parents=True)
            FORMATS[name].read(FORMATS[name].make(good))
            tally = Tally()
            for number in range(options.count) if options.number is None else [options.number]:
                folder = options.keep or Path(temporary) / "changed"
                outcome = run(name, number, seed=options.seed, good=good, folder=folder)
                if options.number is not None:
                    print(f"{outcome.kind} in {outcome.seconds:.2f} s: {outcome.message}")
                tally.add(f"{name} {number}", outcome)
                everything.add(f"{name} {number}", outcome)
            print(tally.report(name), flush=True)
    print(everything.report("all", shown=0))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
