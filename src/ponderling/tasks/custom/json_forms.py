"""The ways in which a JSON document holds examples of grids: what it is taken for, without a look into the grids."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.names import EXPECTED, PAIRS, names_in
from ponderling.tasks.json_shape import described
from ponderling.tasks.json_tables import records_of

SPLITS = ("train", "test")
"""Keys of a document that holds its examples apart."""

ARC_PAIRS = 20
"""Most pairs of `train` in a document that may be one ARC task."""


class Entry(NamedTuple):
    """What stands for one example."""

    value: Any
    """The example; an object if it is in order."""
    split: str = ""
    """The part it is in, where the document says so."""
    name: str = ""
    """Its key, where it has one."""


def entries_of(value: Any, *, path: Path) -> list[Entry]:
    """The examples of a document, in order.

    They are a list of objects or of pairs of grids, two lists of grids, or one object. Such lists may be the parts `train` and
    `test`, the only list of the document, or objects by name.

    Args:
        value: The document.
        path: Its file, for errors.

    Raises:
        PuzzleError: when it has none of these forms, or holds ARC tasks.
    """
    refuse_arc_tasks(value, path)
    if is_arc_task(value):
        raise PuzzleError(
            f"{path}: looks like one ARC task, which `ponderling solve arc FILE` learns and answers; examples of your own are "
            "taken from a list without train and test, or from .jsonl"
        )
    try:
        found = _parts_of(value)
    except _FormError as error:
        raise PuzzleError(f"{path}: {error}") from error
    if found is None:
        raise PuzzleError(
            f"{path}: expected a list of objects with {EXPECTED}, or one in each of {' and '.join(SPLITS)}; "
            f"got {described(value)}"
        )
    return found


def refuse_arc_tasks(value: Any, path: Path) -> None:
    """Refuses what holds ARC tasks by name or in a list.

    Raises:
        PuzzleError: with what takes them.
    """
    if holds_arc_tasks(value):
        raise PuzzleError(
            f"{path}: holds ARC tasks, not examples; `ponderling train arc10 --data.train FILE` takes these"
        )


def entry_of(value: Any) -> Entry:
    """The entry of one example, which may be a list of two grids."""
    return Entry({"input": value[0], "output": value[1]} if _is_pair(value) else value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_grid, value))


def is_document_of_pairs(value: Any) -> bool:
    """Whether a document holds examples whose questions have a name, each beside its answer."""
    try:
        found = _parts_of(value)
    except _FormError:
        return True
    return bool(found) and all(isinstance(e.value, Mapping) and None not in names_in(e.value) for e in found[:100])


def holds_arc_tasks(value: Any) -> bool:
    """Whether a document holds ARC tasks by name or in a list, or several such sets: objects with `train`, a list of pairs."""
    return _are_arc_tasks(value) or (
        isinstance(value, Mapping) and bool(value) and all(map(_are_arc_tasks, value.values()))
    )


def _are_arc_tasks(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(task, Mapping) and _is_list_of_objects(task.get("train")) for task in value[:100])
    )


def are_arc_pairs(value: Any) -> bool:
    """Whether a document is a bare list of pairs of ARC's grids, with nothing beside them, as Re-ARC writes it."""
    entries = _listed(value) if isinstance(value, list) else None
    return bool(entries) and all(
        isinstance(pair, Mapping) and set(pair) == {"input", "output"} and all(map(_is_arc_grid, pair.values()))
        for pair, *_ in entries or ()
    )


def is_arc_task(value: Any) -> bool:
    """Whether a document can be one ARC task: few pairs to `train`, and cells that are colours, on at most 30x30."""
    if not (
        isinstance(value, Mapping) and _is_list_of_objects(value.get("train")) and len(value["train"]) <= ARC_PAIRS
    ):
        return False
    parts = [value[split] for split in SPLITS if _is_list_of_objects(value.get(split))]
    if any(
        _is_list_of_objects(part) and None not in names_in(part[0])
        for name, part in value.items()
        if name not in SPLITS
    ):
        return False  # a further part, such as validation
    pairs = [pair for part in parts for pair in part]
    grids = [pair[side] for pair in pairs for side in ("input", "output") if side in pair]
    return bool(grids) and all(map(_is_arc_grid, grids))


def _is_arc_grid(grid: Any) -> bool:
    return (
        isinstance(grid, list)
        and 1 <= len(grid) <= 30
        and all(
            isinstance(row, list) and len(row) <= 30 and all(type(cell) is int and 0 <= cell <= 9 for cell in row)
            for row in grid
        )
    )


def _parts_of(value: Any) -> list[Entry] | None:
    """The entries of a document; None where it has none of the forms.

    Raises:
        _FormError: when it has one, but for something that would be left out.
    """
    value = records_of(value, [name for name, _ in PAIRS])
    if isinstance(value, Mapping) and (splits := [name for name in SPLITS if value.get(name) is not None]):
        if others := [str(name) for name, part in value.items() if name not in splits and part and _is_container(part)]:
            raise _FormError(
                f"has {others[0]} beside {' and '.join(splits)}: leave it out, or write it to another file"
            )
        parts = [(split, _listed(value[split])) for split in splits]
        if any(entries is None for _, entries in parts):
            return None
        return [entry._replace(split=split) for split, entries in parts for entry in entries or ()]
    return _listed(value)


class _FormError(ValueError):
    """What keeps a document from being read as examples."""


def _is_container(value: Any) -> bool:
    return isinstance(value, list | Mapping)


def _listed(value: Any) -> list[Entry] | None:
    """The entries of a list, of lists side by side, of objects by name, or of one object."""
    if isinstance(value, list):
        if all(map(_is_pair, value)):
            return list(map(entry_of, value))
        return [Entry(item) for item in value] if any(isinstance(item, Mapping) for item in value) else None
    if not isinstance(value, Mapping):
        return None
    question, answer = names_in(value)
    if question is not None:
        return (
            _columns(value, question=question, answer=answer)
            if _is_several(value[question], question)
            else [Entry(value)]
        )
    if any(_is_list_of_objects(item) for item in value.values()):
        lists = [item for item in value.values() if item and _is_container(item)]
        return [Entry(item) for item in lists[0]] if len(lists) == 1 else None
    if value and all(isinstance(item, Mapping) for item in value.values()):
        return [Entry(item, name=str(name)) for name, item in value.items()]
    return None


def _columns(value: Mapping[str, Any], *, question: str, answer: str | None) -> list[Entry]:
    """The entries of lists side by side: of questions, and of what else an example has."""
    names = {"input": question, "output": answer} | {name: name for name in ("id", "split", "rating")}
    columns = {new: value[old] for new, old in names.items() if old in value}
    for name, column in columns.items():
        if not isinstance(column, list) or len(column) != len(columns["input"]):
            got = f"{len(column)}" if isinstance(column, list) else "no list"
            raise _FormError(f"has {len(columns['input'])} of {question}, and {got} of {names[name]}")
    return [Entry(dict(zip(columns, parts, strict=True))) for parts in zip(*columns.values(), strict=True)]


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _is_grid(value: Any) -> bool:
    """Whether this is a list of lists of cells."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) and not _is_grid(row) for row in value)


def _is_several(value: Any, name: str) -> bool:
    """Whether this is a list of grids, and not one grid; of texts a name in the plural says so, or rows within a text."""
    if not isinstance(value, list) or not value:
        return False
    is_plural = name.strip().lower().endswith("s")
    if all(isinstance(item, str) for item in value):
        return is_plural or any(sign in item for item in value for sign in "/\n[")
    return all(map(_is_grid, value)) or (is_plural and all(_is_texts(item) for item in value))


def _is_texts(value: Any) -> bool:
    """Whether this is a list of rows that are texts of more than a cell each, or of which there are several."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, str) and len(row) > 1 for row in value)
