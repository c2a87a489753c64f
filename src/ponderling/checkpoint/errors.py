"""What goes wrong with a checkpoint, said on one line."""

from __future__ import annotations

from ponderling.config.numbers import shown

DAMAGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading a damaged or hostile file may raise somewhere."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit; the message names the file and the reason."""


def one_line(error: BaseException, most: int = 600) -> str:
    """What an exception says, on one line of some length."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, KeyError):
        text = f"{text} is missing"
    return text if len(text) <= most else f"{text[:most]}..."


def shown_name(name: str) -> str:
    """A name as it may be in a message: as it is where that is one line of some length."""
    return name if name.isprintable() and len(name) <= 300 else shown(name, 300)
