"""Puzzle families whose checks of questions go wrong; a file without torch, since other processes import it."""

from __future__ import annotations

import time

from ponderling.tasks import GridTask, get_task


class Stubborn(GridTask):
    """Its check does not end."""

    name, grid_shape, symbols = "stubborn", (4, 4), ".1234"

    def check_question_briefly(self, tokens):
        """Does not decide."""
        return False

    def check_question(self, tokens):
        """Does not end."""
        while True:
            time.sleep(1)


class Faulty(GridTask):
    """Its check raises."""

    name, grid_shape, symbols = "faulty", (4, 4), ".1234"

    def check_question(self, tokens):
        """Raises."""
        raise KeyError("a\nb")


class Unsendable(GridTask):
    """It cannot be sent to another process."""

    name, grid_shape, symbols = "unsendable", (4, 4), ".1234"

    def check_question(self, tokens):
        """Says what a Sudoku says."""
        get_task("sudoku4").check_question(tokens)

    def __reduce__(self):
        """Raises."""
        raise TypeError("no")
