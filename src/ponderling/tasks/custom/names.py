"""What files of grids call the two grids of an example: keys of JSON, columns of a CSV, arrays of an npz."""

from __future__ import annotations

from collections.abc import Iterable

PAIRS = (
    ("input", "output"),
    ("question", "answer"),
    ("inputs", "outputs"),
    ("questions", "answers"),
    ("puzzle", "solution"),
    ("problem", "solution"),
    ("x", "y"),
    ("source", "target"),
    ("before", "after"),
    ("in", "out"),
    ("prompt", "completion"),
    ("input_grid", "output_grid"),
    ("arr_0", "arr_1"),
)
"""Names of question and answer, the likeliest first; the last are numpy's for arrays without a name."""

OF_PUZZLES = ("question", "questions", "puzzle", "problem")
"""Names of questions that files of Sudokus and mazes have, too."""


def names_in(names: Iterable[str]) -> tuple[str | None, str | None]:
    """The names of question and answer among these; None for one that is not there. Capitals count for nothing.

    A question is looked for in the order of `PAIRS`. Its answer has the name beside it, or else output or answer.
    """
    found = {name.strip().lower(): name for name in reversed(list(names))}
    question = next((name for name, _ in PAIRS if name in found), None)
    if question is None:
        return None, None
    answers = [*(answer for name, answer in PAIRS if name == question), "output", "answer", "solution", "target"]
    return found[question], next((found[name] for name in answers if name in found), None)


EXPECTED = "input and output, or question and answer"
"""What to call the names in an error; the others are read where they occur."""
