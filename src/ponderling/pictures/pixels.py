"""A film as pixels: a frame as a PNG, or all of them as a GIF, through pillow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ponderling.pictures.drawing import COLOURS, HOLD, Film, Shape, shapes

if TYPE_CHECKING:
    from PIL import Image

Theme = Literal["light", "dark"]


def image(film: Film, frame: int, *, theme: Theme = "light", scale: float = 1) -> Image.Image:
    """One frame as a picture of pixels."""
    from PIL import Image, ImageDraw

    fine = 3 * scale  # drawn larger and reduced: pillow's lines and circles have no smooth edges
    width, height = film.size
    picture = Image.new("RGB", (round(width * fine), round(height * fine)), _colour("paper", theme))
    pen = ImageDraw.Draw(picture, "RGBA")
    for shape, opacity in sorted(shapes(film, frame).items(), key=lambda item: item[0].layer):
        colour, seen = _colour(shape.role, theme), round(255 * opacity)
        if shape.kind == "text":
            _write_text(picture, shape, colour=colour, seen=seen, fine=fine)
        else:
            _paint(pen, shape, colour=(*colour, seen), fine=fine)
    return picture.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)


def _paint(pen: Any, shape: Shape, *, colour: tuple[int, ...], fine: float) -> None:
    x, y, w, h = (value * fine for value in shape[3:7])
    thick = max(1, round(shape.thick * fine))
    if shape.kind == "rect":
        pen.rectangle((x, y, x + w, y + h), fill=colour)
    elif shape.kind == "ring":
        pen.rectangle((x, y, x + w, y + h), outline=colour, width=thick)
    elif shape.kind == "line":
        pen.line((x, y, w, h), fill=colour, width=thick)
    elif shape.kind == "dot":
        pen.ellipse((x - w, y - w, x + w, y + w), fill=colour)


def _write_text(picture: Image.Image, shape: Shape, *, colour: tuple[int, int, int], seen: int, fine: float) -> None:
    """Through a mask, for pillow draws half seen text as if it were wholly seen."""
    from PIL import Image, ImageDraw, ImageFont

    size = shape.h * fine
    font = ImageFont.load_default(size)
    anchor = {"start": "lm", "middle": "mm", "end": "rm"}[shape.anchor]
    stroke = size / 28 if shape.bold else 0  # the font that comes with pillow has one weight
    x, y = round(shape.x * fine), round(shape.y * fine)
    left, top, right, bottom = (round(side) for side in font.getbbox(shape.text, anchor=anchor, stroke_width=stroke))
    mask = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), shape.text, seen, font, anchor=anchor, stroke_width=stroke)
    picture.paste(colour, (x + left - 1, y + top - 1), mask)


def _colour(role: str, theme: Theme) -> tuple[int, int, int]:
    name = COLOURS[role][theme == "dark"] if role in COLOURS else role
    return tuple(int(name[i : i + 2], 16) for i in (1, 3, 5))  # pyright: ignore[reportReturnType]


def write_png(film: Film, path: Path, *, frame: int, theme: Theme) -> None:
    """Writes one frame, at twice its size."""
    image(film, frame, theme=theme, scale=2).save(path, format="PNG")


def write_gif(film: Film, path: Path, *, delay: float, theme: Theme) -> None:
    """Writes all frames.

    Args:
        film: What to draw.
        path: The file.
        delay: Seconds for a frame.
        theme: Whose colours to use.
    """
    frames = [image(film, i, theme=theme) for i in range(film.num_frames)]
    times = [round(1000 * delay)] * (len(frames) - 1) + [round(1000 * delay * HOLD)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
