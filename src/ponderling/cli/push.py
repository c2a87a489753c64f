"""`ponderling push RUN owner/name`: a trained model goes to the Hugging Face Hub, with a card."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from ponderling.cli.arguments import FromHub, parse_arguments
from ponderling.cli.display import prepare_output


@dataclass(frozen=True, kw_only=True)
class PushCommand(FromHub):
    """What `ponderling push` takes."""

    run: Positional[Path]
    """A run folder (its best checkpoint, else its last) or a checkpoint folder."""
    repo: Positional[str]
    """The Hub repository, owner/name or hf:owner/name; made if it is not there."""
    private: bool = False
    """Make it a repository that only you can read."""
    card: Path | None = None
    """Write the card to this file to look at, and push nothing; a file that is there already is replaced."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        PushCommand,
        args,
        prog="ponderling push",
        description="Uploads a model with a card; log in before with `hf auth login`.",
    )
    from ponderling.checkpoint import load_checkpoint
    from ponderling.exchange.hub import check_name, find_local, on_hub, push_to_hub, write_card

    check_name(on_hub(command.repo))
    if command.card is not None:
        given = {"--private": command.private, "--token": command.token is not None}
        idle = [option for option, is_given in given.items() if is_given]
        if idle:
            raise ValueError(f"--card pushes nothing: leave out {' and '.join(idle)}, or --card")
    checkpoint = load_checkpoint(find_local(command.run), **command.code())
    if command.card is not None:
        prepare_output(command.card)
        write_card(checkpoint, command.card, name=on_hub(command.repo))
        print(f"written to {command.card}; nothing was pushed", file=sys.stderr)
        return 0
    address = push_to_hub(checkpoint, command.repo, private=command.private, token=command.token)
    print(f"{address} (load it with ponderling.Solver.from_pretrained({on_hub(command.repo)!r}))", file=sys.stderr)
    return 0
