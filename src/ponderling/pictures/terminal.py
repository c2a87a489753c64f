"""A grid in the terminal, and a model's thinking as a film of grids."""

from __future__ import annotations

import time

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ponderling.pictures.shown import ShownResult, is_within_steps
from ponderling.tasks.base import Task, Tokens

CLUE, WRONG, CHANGED, SURE, UNSURE = "bold", "bold white on red", "black on yellow", "green", "dim green"


def grid_text(
    task: Task,
    question: Tokens,
    *,
    answer: Tokens,
    before: Tokens | None = None,
    confidence: list[float] | None = None,
    marks: bool = False,
) -> Text:
    """The answer as a grid: clues bold, cells that break a rule red, cells changed since `before` yellow.

    Args:
        task: The puzzle family; its `block_shape` says where lines go, and `cells_touch` that nothing stands between cells.
        question: (L,).
        answer: (L,).
        before: The answer one step earlier, (L,).
        confidence: Probability of each cell, (L,): unsure cells are dim.
        marks: Put `*` behind changed and `!` behind wrong cells, for output without colour; in cells that touch at their end.
    """
    rows, columns = task.grid_shape
    cells = [text for row in task.render(answer) for text in row]
    width = max(map(len, cells)) + 1
    clues = task.clue_mask(question)
    wrong = set(task.check(question, answer).wrong_cells)
    block_rows, block_columns = task.block_shape
    text = Text(no_wrap=True, overflow="ignore")
    for row in range(rows):
        if row and row % block_rows == 0:
            groups = ["─" * ((width + 1) * block_columns)] * (columns // block_columns)
            text.append("┼─".join(groups) + "\n", "dim")
        for column in range(columns):
            if column and column % block_columns == 0:
                text.append("│ ", "dim")
            i = row * columns + column
            changed = before is not None and answer[i] != before[i]
            style = CLUE if clues[i] else SURE if confidence is None or confidence[i] > 0.9 else UNSURE
            style = WRONG if i in wrong else CHANGED if changed else style
            mark = ("!" if i in wrong else "*" if changed else "") if marks else ""
            if task.cells_touch:
                text.append(cells[i][: len(cells[i]) - len(mark)] + mark, style)
            else:
                text.append(cells[i].rjust(width - 1), style)
                text.append(mark.ljust(1) + " ")
        text.append("\n")
    return text


def outcome_text(result: ShownResult) -> Text:
    """One line: whether the rules hold, why not, and how the thinking ended."""
    steps = f"{result.steps} step{'s' * (result.steps != 1)}"
    if result.attempts > 1:
        steps += f" in {result.attempts} attempts"
    elif is_within_steps(result.trace):
        steps += f" ({len(result.trace)} recursions)"
    ended = (
        f"the model stopped after {steps}, {result.halt_probability:.0%} sure"
        if result.halted
        else f"out of steps after {steps}, the model only {result.halt_probability:.0%} sure"
    )
    if result.valid is None:
        return Text.assemble(("answered", "bold"), f", with no rules to judge it by; {ended}")
    if result.valid:
        return Text.assemble((f"solved: {result.note or 'every rule holds'}", "bold green"), f"; {ended}")
    reasons = "; ".join(result.reasons[:3]) + (
        f"; and {len(result.reasons) - 3} more" if len(result.reasons) > 3 else ""
    )
    return Text.assemble(("not solved", "bold red"), f": {reasons} ({ended})")


def watch(task: Task, result: ShownResult, *, delay: float) -> None:
    """Shows every moment of the trace: in place in a terminal, one below the other elsewhere."""
    console = Console(highlight=False)
    frames = [_frame(task, result, i=i, marks=not console.is_terminal) for i in range(len(result.trace))]
    if console.is_terminal:
        with Live(frames[0], console=console, auto_refresh=False) as live:
            for frame in frames:
                live.update(frame, refresh=True)
                time.sleep(delay)
    else:
        for frame in frames:
            console.print(frame, soft_wrap=True)
    console.print(result.answer, soft_wrap=True)
    console.print(outcome_text(result))


def _frame(task: Task, result: ShownResult, *, i: int, marks: bool) -> Group:
    step = result.trace[i]
    before = result.trace[i - 1].tokens if i else result.question_tokens
    changed = int((step.tokens != before).sum())
    bar = "█" * round(20 * step.halt_probability)
    recursion = f", recursion {step.recursion}" if is_within_steps(result.trace) else ""
    title = Text.assemble(
        (f"step {step.step}{recursion}", "bold"),
        f"  {changed} cells changed  sure it is right ",
        (f"{bar:░<20}", "cyan"),
    )
    title.append(f" {step.halt_probability:.0%}")
    return Group(
        title,
        grid_text(
            task,
            result.question_tokens,
            answer=step.tokens,
            before=before,
            confidence=list(step.confidence),
            marks=marks,
        ),
    )
