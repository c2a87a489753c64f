"""What files of grids call the two grids of an example: keys of JSON, columns of a CSV, arrays of an npz."""

from __future__ import annotations

import re
from collections.abc import Iterable

PAIRS = (
    ("input", "output"),
    ("question", "answer"),
    ("inputs", "outputs"),
    ("inputs", "labels"),
    ("questions", "answers"),
    ("puzzle", "solution"),
    ("problem", "solution"),
    ("x", "y"),
    ("source", "target"),
    ("before", "after"),
    ("in", "out"),
    ("prompt", "completion"),
    ("input_grid", "output_grid"),
    ("input_text", "target_text"),
    ("query", "response"),
    ("src", "tgt"),
    ("image", "label"),
    ("features", "label"),
    ("state", "next_state"),
    ("arr_0", "arr_1"),
)
"""Names of question and answer, the likeliest first; the last are numpy's for arrays without a name."""

ANSWERS = ("output", "answer", "solution", "target", "label", "outputs", "answers", "solutions", "targets", "labels")
"""Names that an answer may have beside any question."""

OF_PUZZLES = ("question", "questions", "puzzle", "problem")
"""Names of questions that files of Sudokus and mazes have, too."""


def names_in(names: Iterable[str]) -> tuple[str | None, str | None]:
    """The names of question and answer among these; None for one that is not there.

    Capitals count for nothing, and blanks and dashes are underscores. A question is looked for in the order of `PAIRS`. Its
    answer has the name beside it, or else one of ANSWERS.
    """
    found = {re.sub(r"[\s-]+", "_", name.strip().lower()): name for name in reversed(list(names))}
    question = next((name for name, _ in PAIRS if name in found), None)
    if question is None:
        return None, None
    answers = [*(answer for name, answer in PAIRS if name == question), *ANSWERS]
    return found[question], next((found[name] for name in answers if name in found), None)


EXPECTED = "input and output, or question and answer"
"""What to call the names in an error; the others are read where they occur."""
