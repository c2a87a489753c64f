"""Damaged and hostile checkpoints, ours and the official ones: each loads, or is refused in one line that names the file.

    python dev/campaigns/fuzz_checkpoints.py --count 10000

Mutations: config.json as a tree (values, names, depth, repeats) and as bytes; the header of model.safetensors and its body;
official archives as bytes, and with a changed pickle whose checksum is right; their YAML as a tree and as bytes. What loads is
then used: a card is written, a solver is made, it is exported to the official files.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import math
import random
import shutil
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from sandbox import MEMORY, SECONDS, Tally, attack

from ponderling.checkpoint import CONFIG, MODEL, CheckpointError, load_checkpoint, read_config, save_checkpoint
from ponderling.config import DataConfig, ModelConfig, PuzzleShape, RunConfig
from ponderling.exchange.hub import make_card
from ponderling.exchange.import_options import ImportOptions
from ponderling.exchange.official import build_imported, read_official, write_official
from ponderling.models import build_model
from ponderling.solving.solver import Solver
from ponderling.solving.vote import arc_of
from ponderling.tasks.arc.canvas import ViewSymmetry
from ponderling.tasks.arc.identifiers import Identifiers, TaskRows

SMALL = ModelConfig(hidden_size=16, num_heads=2, num_layers=1, prefix_len=1, puzzle_embedding_size=16, n=1, T=1)
HOSTILE: list[Any] = [
    None, True, False, -1, 0, 1, 2, 7, 255, 2**31, 2**63, 2**64, 10**30, -(10**30), 1e308, -1e308, 1e-300, 0.5, math.nan,
    math.inf, -math.inf, "", "x" * 20_000, "\x00", "\n", "../../../../tmp/escaped", "/etc/passwd", "/dev/zero", "os:system",
    "nan", "1e999", "\ud800", "%s{}", [], {}, [[]], {"": {}}, [None] * 1000, [{}] * 1000, {str(i): i for i in range(1000)},
    "maze99999", "sudoku16", "arc30", "jigsaw-" + "A" * 256, "unknown", "hrm", "relational", "mlp", "neighbours", "learned",
]  # fmt: skip


TYPES = ("F64", "F16", "BF16", "I8", "I64", "BOOL", "U8", "F8_E4M3", "F8_E5M2", "C64", "X")

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
"""YAML whose aliases are a million million million values when they are written out."""


def mutated(value: Any, rng: random.Random) -> Any:
    """A copy of a tree of JSON values with one to three changes."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = _places(value)
        if not places:
            return _hostile(rng)
        within, name = rng.choice(places)
        action = rng.random()
        if action < 0.65:
            within[name] = _hostile(rng)
        elif action < 0.75 and isinstance(within[name], int | float):
            within[name] = within[name] * rng.choice((-1, 0, 2, 1.5, 10**6, 10**12))
        elif action < 0.85:
            del within[name]
        elif isinstance(within, dict):
            within[rng.choice(("unknown", "", "x" * 5000, f"{name}_", "__class__"))] = _hostile(rng)
        else:
            within.append(_hostile(rng))
    return value


def _hostile(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(HOSTILE))


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        names = list(part) if isinstance(part, dict) else list(range(len(part))) if isinstance(part, list) else []
        found += [(part, name) for name in names]
        waiting += [part[name] for name in names]
    return found


def scrambled(original: bytes, rng: random.Random) -> bytes:
    """A copy of some bytes with a few of them changed, taken out, put in or cut off."""
    data = bytearray(original)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0 | 1 if place < len(data):
                data[place] ^= 1 << rng.randrange(8)
            case 2:
                del data[place : place + rng.choice((1, 2, 8, 100))]
            case 3:
                data[place:place] = rng.randbytes(rng.choice((1, 2, 8, 100)))
            case 4 if place < len(data):
                data[place] = rng.randrange(256)
            case 5 if rng.random() < 0.2:
                del data[place:]
    return bytes(data)


def hostile_text(rng: random.Random) -> bytes:
    """A text that no honest writer makes."""
    deep = rng.choice((500, 900, 5_000, 200_000))
    return rng.choice(
        (
            b"[" * deep,
            b'{"a":' * deep,
            b"[" * deep + b"]" * deep,
            b"",
            b"null",
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\x00}\x00",
            b"9" * 10_000,
            b"-" * 10_000,
            b"[" + b"[]," * 3_000_000 + b"[]]",
            b"{" + b",".join(b'"%d": 1' % i for i in range(300_000)) + b"}",
            b"{" + b'"a": 1,' * 300_000 + b'"a": 1}',
            b" " * 40_000_000,
            LAUGHS.encode(),
            b"a: &a [*a]\n",
            b"a: !!python/object/apply:os.system [true]\n",
            b"a: &a {x: 1}\nb: {<<: [*a, *a, *a]}\n",
            b"? [1, 2]\n: 3\n",
            b"a: 2020-01-01\nb: !!binary aGk=\nc: !!set {x}\n",
        )
    )  # fmt: skip


def bad_json(value: Any, rng: random.Random) -> bytes:
    """A JSON text near the one of a value."""
    kind = rng.random()
    if kind < 0.6:
        return json.dumps(mutated(value, rng)).encode()
    if kind < 0.85:
        return scrambled(json.dumps(value).encode(), rng)
    if kind < 0.93:  # a key twice
        text = json.dumps(value)
        return text.replace('"format": 2', '"format": 2, "format": 1', 1).encode()
    return hostile_text(rng)


def bad_safetensors(data: bytes, rng: random.Random) -> bytes:
    """A safetensors file near this one."""
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    kind = rng.random()
    if kind < 0.45:
        header = mutated(header, rng)
    elif kind < 0.55:
        name = rng.choice([name for name in header if name != "__metadata__"])
        header[name]["dtype"] = rng.choice(TYPES)
    elif kind < 0.6:
        odd = struct.pack("<f", rng.choice((math.nan, math.inf, -math.inf, 1e38)))
        body = odd * (len(body) // 4)
    elif kind < 0.7:
        body = scrambled(body, rng)
    elif kind < 0.85:
        return scrambled(data, rng)
    else:
        size = rng.choice((0, 1, 2**63, 2**64 - 1, len(data), len(data) * 2, 100_000_000))
        return struct.pack("<Q", size) + data[8:]
    text = json.dumps(header).encode(errors="surrogatepass")
    return struct.pack("<Q", len(text)) + text + body


def bad_archive(data: bytes, rng: random.Random) -> bytes:
    """An archive of torch.save near this one; half of them with a changed entry whose checksum is right."""
    if rng.random() < 0.5:
        return scrambled(data, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        entries = old.infolist()
        chosen = rng.choice(
            [e for e in entries if rng.random() < 0.1] + [e for e in entries if e.filename.endswith(".pkl")]
        )
        for entry in entries:
            content = old.read(entry)
            if entry is chosen:
                content = scrambled(content, rng)
            new.writestr(zipfile.ZipInfo(entry.filename), content)
    return out.getvalue()


def bad_yaml(value: Any, rng: random.Random) -> bytes:
    """A YAML text near the one of a value."""
    kind = rng.random()
    if kind < 0.6:
        return yaml.safe_dump(mutated(value, rng)).encode(errors="surrogatepass")
    if kind < 0.85:
        return scrambled(yaml.safe_dump(value).encode(), rng)
    return hostile_text(rng)


def make_ours(folder: Path) -> list[Path]:
    """Sound checkpoints of every system."""
    rows = {f"task{i}": TaskRows("test", 2, 3, ViewSymmetry("123", "01234567"), "-") for i in range(4)}
    identifiers = Identifiers(rows)
    made = []
    for name, config, shape, info in (
        ("trm", RunConfig(model=SMALL, data=DataConfig(task="sudoku4")), PuzzleShape(6, 16, columns=4), {"step": 3}),
        (
            "arc",
            RunConfig(model=SMALL, data=DataConfig(task="arc10")),
            PuzzleShape(12, 100, num_puzzles=identifiers.num_rows, columns=10),
            {"step": 3, "identifiers": identifiers.to_json(), "recipe": "arc10-small", "seconds": 3.5},
        ),
    ):
        model = build_model(config.model, shape)
        save_checkpoint(folder / name, model.state_dict(), config=config, shape=shape, info=info)
        made.append(folder / name)
    for name in ("sudoku", "maze10"):
        found = load_checkpoint(name).path
        shutil.copytree(found, folder / name)
        made.append(folder / name)
    return made


def make_official(folder: Path) -> list[Path]:
    """Sound official checkpoints of both systems."""
    trm = replace(SMALL, inner_multiple=256)
    hrm = replace(trm, system="hrm", gradient="one_step", separate_networks=True)
    made = []
    for name, model in (("official-trm", trm), ("official-hrm", hrm)):
        config, shape = RunConfig(model=model, data=DataConfig(task="sudoku4")), PuzzleShape(6, 16)
        state = build_model(model, shape).state_dict()
        write_official(folder / name, state, config=config, info={"step": 1}, shape=shape)
        made.append(folder / name)
    return made


def use(folder: Path) -> None:
    """What is done with a checkpoint that loads."""
    checkpoint = load_checkpoint(folder)
    make_card(checkpoint, "owner/name")
    config, shape, info = read_config(folder)
    out = folder / "out"
    for step in (
        lambda: arc_of(checkpoint) if config.data.task.startswith("arc") else Solver.of(checkpoint),
        lambda: write_official(out, checkpoint.model.state_dict(), config=config, info=info, shape=shape),
    ):
        try:
            step()
        except ValueError as error:
            if "\n" in str(error):
                raise AssertionError(f"more than a line: {error}") from error
    escaped = [file for file in folder.rglob("*") if file.is_file() and not file.is_relative_to(folder)]
    assert not escaped


def import_and_build(folder: Path) -> None:
    """What `ponderling import` does."""
    imported = read_official(folder, ImportOptions())
    build_imported(imported, str(folder))
    save_checkpoint(folder / "ours", imported.tensors, config=imported.config, shape=imported.shape, info=imported.info)
    load_checkpoint(folder / "ours")


def campaign(
    bases: list[Path], count: int, *, title: str, seed: int, work: Path, spoil: Callable[[Path, random.Random], None],
    call: Callable[[Path], object],
) -> Tally:  # fmt: skip
    """Spoils copies of the checkpoints and attacks the call with them."""
    tally = Tally()
    for i in range(count):
        rng = random.Random(f"{title} {seed} {i}")
        folder = work / f"victim-{i}"
        shutil.copytree(bases[i % len(bases)], folder)
        spoil(folder, rng)
        outcome = attack(lambda folder=folder: call(folder), refusals=(CheckpointError,), names=[str(folder)])
        tally.add(f"{title} {i} ({bases[i % len(bases)].name})", outcome)
        shutil.rmtree(folder)
    return tally


def _spoil_config(folder: Path, rng: random.Random) -> None:
    file = folder / CONFIG
    file.write_bytes(bad_json(json.loads(file.read_text(encoding="utf-8")), rng))


def _spoil_weights(folder: Path, rng: random.Random) -> None:
    file = folder / MODEL
    file.write_bytes(bad_safetensors(file.read_bytes(), rng))


def _spoil_archive(folder: Path, rng: random.Random) -> None:
    file = next(folder.glob("step_*"))
    file.write_bytes(bad_archive(file.read_bytes(), rng))


def _spoil_yaml(folder: Path, rng: random.Random) -> None:
    file = folder / rng.choice(("all_config.yaml", "all_config.yaml", "ponderling.json"))
    file.write_bytes(bad_yaml(yaml.safe_load(file.read_text(encoding="utf-8")), rng))


def main() -> int:
    """Runs the campaign and says how it went; exit code 1 after a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="number of checkpoints")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations")
    command = parser.parse_args()
    torch.set_num_threads(1)
    print(f"limits of each: {SECONDS:g} s and {MEMORY / 2**20:.0f} MiB")
    faults = 0
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        ours, official = make_ours(work / "ours"), make_official(work / "official")
        for base in ours:
            use(shutil.copytree(base, work / "sound" / base.name))
        for base in official:
            import_and_build(shutil.copytree(base, work / "sound" / base.name))
        for title, bases, spoil, call in (
            ("config.json", ours, _spoil_config, use),
            ("model.safetensors", ours, _spoil_weights, use),
            ("official weights", official, _spoil_archive, import_and_build),
            ("official YAML", official, _spoil_yaml, import_and_build),
        ):
            tally = campaign(
                bases, command.count // 4, title=title, seed=command.seed, work=work, spoil=spoil, call=call
            )
            print(tally.report(title), flush=True)
            faults += len(tally.faults)
    print(f"{faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
