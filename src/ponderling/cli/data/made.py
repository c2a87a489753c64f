"""What the verbs of `data make` share: a folder of new files, and the facts about them in made.json."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ponderling.system import must_be_new, write_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FACTS = "made.json"
"""The file beside the puzzles that says what they are and which command makes them."""


@contextlib.contextmanager
def new_folder(folder: Path, *names: str) -> Iterator[list[Path]]:
    """The files to be written, none of which may be there yet.

    The folder is made at once, so that hours of work do not end at a folder that cannot be made. If nothing is written
    to it, it is removed again.

    Raises:
        FileExistsError: when one of the files is there.
    """
    files = [folder / name for name in names]
    must_be_new(*files)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield files
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def command_of(
    command: DataclassInstance, verb: str, *, always: Collection[str] = (), never: Collection[str] = ()
) -> str:
    """The command line that gives these options, ready to be pasted.

    Args:
        command: The options that a verb was called with, as a dataclass without positional ones.
        verb: How the verb is called, such as "data make maze".
        always: Options to name although they have their default, which another version may change.
        never: Options to leave out, such as where the files went.
    """
    words = ["ponderling", *verb.split()]
    for field in dataclasses.fields(command):
        value, name = getattr(command, field.name), field.name.replace("_", "-")
        if field.name in never or value is None or (value == field.default and field.name not in always):
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}", *map(str, value if isinstance(value, tuple) else (value,))]
    return shlex.join(words)


def say_stopped(folder: Path, **parts: tuple[int, int]) -> None:
    """Tells that Ctrl-C ended the work early, and what was kept: for each split the number made and the number wanted."""
    numbers = " and ".join(f"{made:,} of {wanted:,} {name} puzzles" for name, (made, wanted) in parts.items())
    print(f"stopped early; {folder} holds what was made until then: {numbers}", file=sys.stderr)


def write_facts(file: Path, facts: dict[str, Any]) -> None:
    """Writes the facts about what was made, and prints them."""
    text = json.dumps(facts, indent=2)
    write_text(file, text + "\n")
    print(text)
