"""The puzzles of a request as questions to a model, and the reason why one is refused."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from fastapi import HTTPException

from ponderling.tasks.base import PuzzleError, Question
from ponderling.web.boards import text_for
from ponderling.web.http import arc
from ponderling.web.http.backend import Backend
from ponderling.web.http.served import Served

LOG = logging.getLogger("ponderling.web")


class Asked(NamedTuple):
    """A puzzle as text that the family reads, and as a question."""

    text: str
    question: Question


async def all_asked(
    backend: Backend, served: Served, *, puzzles: list[str | list[Any]], client: str, numbered: bool, check: bool = True
) -> list[Asked]:
    """What is asked by each puzzle of a request.

    Args:
        backend: Whose checker looks at the puzzles.
        served: The model that is asked.
        puzzles: As text or as grids.
        client: Whose they are, as in `client_of`.
        numbered: Say the number of a puzzle that is refused.
        check: Look whether a puzzle keeps the rules, too.

    Raises:
        HTTPException: 422, with the reason for the first puzzle that is refused, as `Solver.solve` refuses it.
    """
    where = [f"puzzle {i}: " if numbered else "" for i in range(1, len(puzzles) + 1)]
    asked = [parse(served, puzzle, where=place, client=client) for puzzle, place in zip(puzzles, where, strict=True)]
    if check and not served.is_arc:  # those are the tasks that it knows
        outcomes = await backend.checker.check(served.task, [one.question.tokens for one in asked], client=client)
        for place, outcome in zip(where, outcomes, strict=True):
            if outcome.problem is not None:
                backend.traffic.refusals["question"] += 1
                raise HTTPException(422, place + outcome.problem)
    return asked


def parse(served: Served, puzzle: str | list[Any], *, where: str, client: str) -> Asked:
    """What is asked by a puzzle.

    Args:
        served: The model that is asked.
        puzzle: As text or as a grid.
        where: What is said before the reason of a refusal.
        client: Whose it is, as in `client_of`.

    Raises:
        HTTPException: 422, with the reason, where the task cannot read it, as with clues that contradict.
    """
    try:
        text = text_for(served.task, puzzle)
        return Asked(text, arc.question(served, text) if served.is_arc else Question(served.task.parse(text)))
    except PuzzleError as error:
        raise HTTPException(422, f"{where}{error}") from None
    except Exception as error:  # a family's own code
        LOG.exception("%s could not read a puzzle of %s", served.task.name, client)
        raise HTTPException(
            422, f"{where}the code of {served.task.name} failed on this puzzle: {type(error).__name__}"
        ) from None
