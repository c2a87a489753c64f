"""A model's thinking as a picture or a film, written to a file: .svg, .html, .gif or .png.

`drawing.py` says what each frame shows; `svg.py` and `pixels.py` draw it.
"""

from __future__ import annotations

from pathlib import Path

from ponderling.pictures.drawing import Film
from ponderling.pictures.pixels import Theme, write_gif, write_png
from ponderling.pictures.svg import page, svg
from ponderling.system import write_atomically, write_text

__all__ = ["Film", "check_ending", "check_frame", "page", "svg", "write"]


def write(
    film: Film, file: str | Path, *, delay: float = 0.8, still: int | None = None, theme: Theme = "light"
) -> None:
    """Writes the film, or one frame of it, as the file's ending says: .svg, .html, .gif; a frame .svg or .png.

    Raises:
        ValueError: for another ending, a frame that there is not, or a result without its trace.
        ModuleNotFoundError: for GIF and PNG without the extra `plot`.
    """
    file = Path(file)
    check_ending(file, still)
    if not film.result.trace:
        raise ValueError("nothing to film: solve the puzzle with trace=True")
    check_frame(film, still)
    if file.suffix == ".svg":
        write_text(file, svg(film, delay, still=still))
    elif file.suffix == ".html":
        write_text(file, page(film, delay))
    elif still is not None:
        write_atomically(file, lambda path: write_png(film, path, frame=still, theme=theme))
    else:
        write_atomically(file, lambda path: write_gif(film, path, delay=delay, theme=theme))


def check_frame(film: Film, still: int | None) -> None:
    """Raises a ValueError for a frame that there is not; None is the whole film."""
    if still is not None and not 0 <= still < film.num_frames:
        raise ValueError(f"the film has the frames 0 (the puzzle) to {film.num_frames - 1}: got {still}")


def check_ending(file: Path, still: int | None) -> None:
    """Raises where the file cannot be written, before a minute has been spent on thinking; see `write`."""
    endings = (".svg", ".html", ".gif") if still is None else (".svg", ".png")
    if file.suffix not in endings:
        kind = "a film" if still is None else "a frame of it"
        hint = "; with --still N it would be a frame alone" if still is None and file.suffix == ".png" else ""
        raise ValueError(f"{kind} is written to a file that ends in {', '.join(endings)}: got {file.name}{hint}")
    if file.suffix in (".gif", ".png"):
        import importlib.util

        if importlib.util.find_spec("PIL") is None:
            raise ModuleNotFoundError(f"{file.suffix} needs the package pillow: pip install 'ponderling[plot]'")
