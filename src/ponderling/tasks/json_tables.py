"""Tables in JSON as pandas and the Hub's viewer write them, made into a list of objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def records_of(value: Any, names: Collection[str]) -> Any:
    """The rows of a table as a list of objects; any other value as it is.

    `DataFrame.to_json` writes each column as an object by row number; with `orient="split"` it writes names and rows apart,
    and with `orient="table"` a schema beside the rows. The Hub's viewer has each row within an object.

    Args:
        value: A JSON document.
        names: What columns of questions are called, in small letters. A table has one of them.
    """
    if not isinstance(value, Mapping):
        return value
    found = _of_columns(value) or _of_split(value) or _of_rows(value)
    if found and any(str(name).strip().lower() in names for name in found[0]):
        return found
    return value


def _of_columns(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    columns = list(value.values())
    if not columns or not all(isinstance(column, Mapping) and column for column in columns):
        return None
    rows = list(columns[0])
    if not all(str(row).isdecimal() for row in rows) or any(list(column) != rows for column in columns):
        return None
    return [{name: column[row] for name, column in value.items()} for row in rows]


def _of_split(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    names, rows = value.get("columns"), value.get("data")
    if not (isinstance(names, list) and isinstance(rows, list) and set(value) <= {"columns", "data", "index"}):
        return None
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return None
    return [dict(zip(names, row, strict=True)) for row in rows]


def _of_rows(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    if isinstance(value.get("schema"), Mapping) and isinstance(value.get("data"), list) and len(value) == 2:
        return value["data"] if all(isinstance(row, Mapping) for row in value["data"]) else None
    rows = value.get("rows")
    if isinstance(rows, list) and all(isinstance(row, Mapping) and isinstance(row.get("row"), Mapping) for row in rows):
        return [row["row"] for row in rows]
    return None
