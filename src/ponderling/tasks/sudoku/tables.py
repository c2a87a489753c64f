"""Tables of a spreadsheet that hold a Sudoku, without the empty columns beside it."""

from __future__ import annotations

from collections.abc import Sequence


def without_empty_columns(lines: Sequence[str], side: int) -> Sequence[str]:
    """The lines of a CSV with as many columns as a puzzle has, where the others are empty and it is certain which these are.

    It is where as many columns as a row has are not empty at both ends, or where the first column is not empty.
    """
    mark = next((mark for mark in ",;\t" if any(mark in line for line in lines)), None)
    rows = [[field.strip().strip('"') for field in line.split(mark)] for line in lines] if mark else []
    width = max(map(len, rows), default=0)
    used = [i for i in range(width) if any(i < len(row) and row[i] for row in rows)]
    if width <= side or not used or max((len(field) for row in rows for field in row), default=0) > 4:
        return lines
    first, last = used[0], used[-1]
    if any(len(row) not in (1, width) for row in rows) or not (
        last - first + 1 == side or (first == 0 and last < side)
    ):
        return lines
    end = first + side
    return [
        f"{mark}".join(row[first:end]) if len(row) == width and (any(row) or len(rows) == side) else "" for row in rows
    ]
