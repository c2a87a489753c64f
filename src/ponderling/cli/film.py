"""`ponderling film CHECKPOINT PUZZLE OUT`: the thinking about one puzzle as an animated SVG, a page or a GIF."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from ponderling.cli.arguments import CheckpointCommand, SearchOptions, check_numbers, names_file, parse_arguments
from ponderling.cli.display import check_output, prepare_output, said_if_slow
from ponderling.cli.solve import thinking_about
from ponderling.config.numbers import shown
from ponderling.training.observer import count_of

if TYPE_CHECKING:
    from ponderling.solving.solver import Solver


@dataclass(frozen=True, kw_only=True)
class FilmCommand(SearchOptions, CheckpointCommand):
    """What `ponderling film` takes."""

    puzzle: Positional[str]
    """A puzzle as one line of text; a maze may also be drawn over several. Or a file of puzzles, see --number."""
    out: Positional[Path]
    """The film: .svg (plays by itself), .html (with buttons to stop and step) or .gif; with --still .svg or .png. A file that
    is there already is replaced."""
    number: int = 1
    """Number of the puzzle to film, counted from 1, where PUZZLE is a file of several."""
    early_exit: bool = True
    """Stop when the model says so."""
    delay: float = 0.8
    """Seconds for a frame: a step, or a recursion of a model that may stop within a step."""
    still: int | None = None
    """Draw this frame alone; 0: the puzzle."""
    theme: Literal["light", "dark"] = "light"
    """Colours of .gif and .png; the other formats follow their reader's."""
    json: bool = False
    """Print one JSON object on stdout."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        FilmCommand,
        args,
        prog="ponderling film",
        description="Films a model's thinking about one puzzle, step by step.",
    )
    check_numbers(command, steps=1, seed=0, still=0, number=1)
    if command.delay <= 0:
        raise ValueError(f"--delay must be positive: got {command.delay}")
    _refuse_idle(command)
    if not command.search.is_plain:
        print("thinking of the puzzle in further attempts, before it is drawn", file=sys.stderr, flush=True)
    import json

    from ponderling.pictures.film import Film, check_ending, check_frame, write
    from ponderling.pictures.terminal import outcome_text

    check_ending(command.out, command.still)
    check_output(command.out)
    solver, question = _question(command)
    with said_if_slow(thinking_about(solver, command.steps)):
        result = solver.solve(
            **question,
            steps=command.steps,
            early_exit=command.early_exit,
            search=command.search,
            trace="changes" if solver.task.cells_touch else True,
        )
    film = Film(solver.task, result)
    check_frame(film, command.still)
    prepare_output(command.out)
    write(film, command.out, delay=command.delay, still=command.still, theme=command.theme)
    size = command.out.stat().st_size
    if command.json:
        facts = {"out": str(command.out), "bytes": size, "frames": film.num_frames, "valid": result.valid}
        print(json.dumps(facts))
        return 0
    print(f"{outcome_text(result).plain}", file=sys.stderr)
    what = f"{film.num_frames} frames" if command.still is None else f"frame {command.still} of {film.num_frames - 1}"
    print(f"{command.out}: {what}, {size / 1e3:.0f} kB", file=sys.stderr)
    return 0


def _refuse_idle(command: FilmCommand) -> None:
    """Refuses options that would do nothing.

    Raises:
        ValueError: naming the option, and what it is for.
    """
    if command.theme != "light" and command.out.suffix not in (".gif", ".png"):
        raise ValueError(
            f"--theme is for .gif and .png, the other formats follow their reader's colours: got {command.out.name}"
        )
    if command.still is not None and command.delay != FilmCommand.delay:
        raise ValueError("--delay is for films: with --still there is one frame")


def _question(command: FilmCommand) -> tuple[Solver, dict[str, Any]]:
    """The solver, and the puzzle as an argument of `Solver.solve`: its text, or the tokens of one that a file holds."""
    checkpoint = command.load()
    if not names_file(command.puzzle):
        if command.number != 1:
            raise ValueError(
                f"--number {command.number} is for a file of puzzles: {shown(command.puzzle)} is one puzzle"
            )
        return command.solver_for(checkpoint, command.puzzle), {"puzzle": command.puzzle}
    solver = command.solver_for(checkpoint, command.puzzle, is_file=True)
    puzzles = solver.task.read(command.puzzle)
    if len(puzzles) < command.number:
        raise ValueError(f"--number {command.number}: {command.puzzle} holds {count_of(len(puzzles), 'puzzle')}")
    return solver, {"tokens": puzzles.tokens[command.number - 1]}
