"""A model's thinking as a picture or a film: SVG and HTML as text made here, GIF and PNG through pillow.

A frame is a set of shapes, each with an opacity (`shapes`). A still picture draws one frame's; an animated SVG has each shape
of any frame once, and its opacity follows the frames' timeline. So all formats show the same.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ponderling.pictures.shown import ShownResult, is_within_steps
from ponderling.system import write_atomically, write_text
from ponderling.tasks.base import Task, Tokens

if TYPE_CHECKING:
    from PIL import Image

Theme = Literal["light", "dark"]

COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#12161c"),
    "edge": ("#d5dae1", "#323a45"),
    "given": ("#f0f2f5", "#1f262f"),
    "wall": ("#3f4854", "#6c7887"),
    "path": ("#9accff", "#1f5694"),
    "ink": ("#1c2128", "#f0f3f6"),
    "soft": ("#6a7482", "#93a0af"),
    "answer": ("#0b62c4", "#6cb2ff"),
    "line": ("#d5dae1", "#323a45"),
    "block": ("#5b6673", "#8b98a8"),
    "changed": ("#ffe38a", "#6b5300"),
    "wrong": ("#ffb4a8", "#8a2a22"),
    "wave": ("#f0a020", "#d98a10"),
    "guess": ("#8a4bd6", "#c39bff"),
    "right": ("#16803c", "#4ac26b"),
}
"""What a role looks like, in light and in dark."""

PALETTE = {"#": "wall", "██": "wall", "o": "path"}
"""Cells that are filled rather than written, by their text, as in mazes. A family can have a `palette` of its own beside it,
with roles or colours such as #ff0000."""
GRID = 432
"""Largest width and height of the grid, in pixels."""
MARGIN, CURVE = 20, 64
LEGEND = 22
"""Height of a line that says what colours mean, in pixels."""
LETTER = 6.4
"""About the width of a letter of these lines, in pixels."""
TINTS = 20
"""Number of strengths of the tint, so that a film names few of them."""
BIG = 0.5
"""A cell shows its likeliest symbol large from this probability on, before that all candidates, small."""
HOLD = 5
"""Number of frames that the last frame stays for."""
MOVE = 0.35
"""Share of a frame's time in which shapes fade to their new opacity."""


class Shape(NamedTuple):
    """One thing drawn. Shapes are equal when they would look alike, so that a film has each of them once."""

    layer: int
    """What is drawn over what: higher is later."""
    kind: Literal["rect", "ring", "line", "dot", "text"]
    role: str
    """A key of COLOURS, or a colour such as #ff0000."""
    x: float
    y: float
    """The left upper corner of a rect or ring, the start of a line, else the centre."""
    w: float = 0
    h: float = 0
    """Width and height; of a line: where it ends; of a dot: radius; of a text: its size."""
    text: str = ""
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "middle"
    thick: float = 1
    """Width of a line."""
    jumps: bool = False
    """Appears and goes at once instead of fading."""


@dataclass(frozen=True)
class Film:
    """What there is to draw."""

    task: Task
    result: ShownResult
    """The result to draw; it must have a trace."""

    @property
    def num_frames(self) -> int:
        """The question, and every moment of the trace."""
        return 1 + len(self.result.trace)

    @property
    def unit(self) -> str:
        """What a frame after the question shows: step or recursion."""
        return "recursion" if is_within_steps(self.result.trace) else "step"

    @property
    def cell(self) -> float:
        """Side of a cell."""
        return min(56, max(8, GRID // max(self.task.grid_shape)))

    @property
    def width(self) -> int:
        """Width of the picture."""
        return max(260, round(self.task.grid_shape[1] * self.cell)) + 2 * MARGIN

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        rows = self.task.grid_shape[0]
        return self.width, round(rows * self.cell) + CURVE + 4 * MARGIN + 22 + LEGEND * len(self.legend)

    @cached_property
    def legend(self) -> list[list[tuple[str, str, float]]]:
        """What colours mean, in lines: the role of each, in words, and where it begins."""
        if self.shows_changes:
            return [[("wave", f"how much each cell's hidden state changed in this {self.unit}", 0)]]
        texts = {text.strip() for row in self.task.render(self.result.question_tokens) for text in row}
        is_filled = not texts.isdisjoint({**PALETTE, **self.task.palette})  # its colours are its own
        named = [] if is_filled else [("ink", "given"), ("answer", "its answer")]
        named += [("changed", "changed")] + [("wrong", "breaks a rule")] * self.task.has_rules
        if any(len(step.guessed) for step in self.result.trace):
            named.append(("guess", "guessed"))
        lines: list[list[tuple[str, str, float]]] = [[]]
        x = 0.0
        for role, words in named:
            wide = 24 + LETTER * len(words)
            if x and x + wide > self.width - 2 * MARGIN:
                lines.append([])
                x = 0.0
            lines[-1].append((role, words, x))
            x += wide + 14
        return lines

    @property
    def shows_changes(self) -> bool:
        """Whether cells are tinted by how much their hidden state changed: in mazes, if the trace has kept that."""
        return self.task.cells_touch and any(step.change is not None for step in self.result.trace)

    def tokens(self, frame: int) -> Tokens:
        """The grid of a frame, (L,)."""
        return self.result.trace[frame - 1].tokens if frame else self.result.question_tokens


def shapes(film: Film, frame: int) -> dict[Shape, float]:
    """Everything that a frame shows, with its opacity."""
    drawn: dict[Shape, float] = {}
    _draw_board(film, drawn)
    _draw_cells(film, frame, drawn=drawn)
    if film.shows_changes:
        _draw_changes(film, frame, drawn=drawn)
    _draw_legend(film, drawn)
    _draw_words(film, frame, drawn=drawn)
    _draw_curve(film, frame, drawn=drawn)
    return drawn


def _left(film: Film) -> float:
    """Where the grid begins."""
    return (film.size[0] - film.task.grid_shape[1] * film.cell) / 2


def _draw_board(film: Film, drawn: dict[Shape, float]) -> None:
    width, height = film.size
    rows, columns = film.task.grid_shape
    cell, left, top = film.cell, _left(film), MARGIN
    drawn[Shape(0, "rect", "paper", 0, 0, width, height)] = 1
    block_rows, block_columns = film.task.block_shape
    right, bottom = left + columns * cell, top + rows * cell
    regions = np.zeros((rows, columns), np.int64) if film.task.regions is None else film.task.regions
    for row, column in np.argwhere(regions[1:] != regions[:-1]):
        x, y = left + column * cell, top + (row + 1) * cell
        drawn[Shape(6, "line", "block", x, y, x + cell, y, thick=2)] = 1
    for row, column in np.argwhere(regions[:, 1:] != regions[:, :-1]):
        x, y = left + (column + 1) * cell, top + row * cell
        drawn[Shape(6, "line", "block", x, y, x, y + cell, thick=2)] = 1
    for row in range(rows + 1):
        thick = row % block_rows == 0
        y = top + row * cell
        drawn[Shape(5 + thick, "line", "block" if thick else "line", left, y, right, y, thick=1 + thick)] = 1
    for column in range(columns + 1):
        thick = column % block_columns == 0
        x = left + column * cell
        drawn[Shape(5 + thick, "line", "block" if thick else "line", x, top, x, bottom, thick=1 + thick)] = 1


def _draw_cells(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    task, result = film.task, film.result
    tokens = film.tokens(frame)
    texts = [text.strip() for row in task.render(tokens) for text in row]
    clues = task.clue_mask(result.question_tokens)
    before = film.tokens(frame - 1) if frame > 1 else tokens  # filling what was blank is no change of mind
    wrong = set(task.check(result.question_tokens, tokens).wrong_cells) if frame else set()
    palette: dict[str, str] = {**PALETTE, **task.palette}
    step = result.trace[frame - 1] if frame else None
    candidates = _candidates(task) if film.cell >= 20 else {}
    for i, text in enumerate(texts):
        row, column = divmod(i, task.grid_shape[1])
        x, y, size = _left(film) + column * film.cell, MARGIN + row * film.cell, film.cell

        def fill(layer: int, role: str, *, opacity: float = 1, at: tuple[float, float, float] = (x, y, size)) -> None:
            drawn[Shape(layer, "rect", role, at[0], at[1], at[2], at[2])] = opacity

        if text in palette:
            sure = 1 if step is None or clues[i] else max(0.15, float(step.confidence[i]))
            fill(2, palette[text], opacity=sure * 0.7 if film.shows_changes and not clues[i] else sure)
        elif clues[i]:
            fill(1, "given")
        p = step.probabilities[i] if step is not None and not clues[i] else None
        undecided = p is not None and bool(candidates) and p.max() < BIG
        if i in wrong and not clues[i]:
            fill(3, "wrong", opacity=0.45 if undecided or film.shows_changes else 1)
        elif tokens[i] != before[i] and not film.shows_changes:
            fill(3, "changed")
        if step is not None and i in step.guessed:
            drawn[Shape(7, "ring", "guess", x + 2.5, y + 2.5, size - 5, size - 5, thick=2)] = 1
        if p is not None and undecided:
            _draw_candidates(drawn, candidates, p=p, x=x, y=y, size=size)
        elif text.strip(" .") and text not in palette:
            sure = 1.0 if p is None else float(p[tokens[i]])
            role = "ink" if clues[i] else "answer"
            letter = Shape(
                4, "text", role, x + size / 2, y + size / 2, h=round(0.58 * size), text=text, bold=bool(clues[i])
            )
            drawn[letter] = max(0.4, sure)


def _draw_changes(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    """A tint under the marks, as strong as the root of the change: most are far below the greatest; 1 and more is full."""
    change = film.result.trace[frame - 1].change if frame else None
    if change is None:
        return
    texts = [text.strip() for row in film.task.render(film.result.question_tokens) for text in row]
    for i, tint in enumerate(np.rint(TINTS * np.sqrt(np.clip(change, 0, 1))) / TINTS):
        if tint and texts[i] not in PALETTE:
            row, column = divmod(i, film.task.grid_shape[1])
            x, y = _left(film) + column * film.cell, MARGIN + row * film.cell
            drawn[Shape(1, "rect", "wave", x, y, film.cell, film.cell)] = float(tint)


def _draw_legend(film: Film, drawn: dict[Shape, float]) -> None:
    """What each colour means, below the words."""
    top = 2 * MARGIN + film.task.grid_shape[0] * film.cell + 4
    for line, named in enumerate(film.legend, 1):
        y = top + line * LEGEND
        for role, words, x in named:
            swatch = Shape(8, "rect", role, MARGIN + x, y - 5, 18, 10)
            if role == "guess":
                swatch = swatch._replace(kind="ring", thick=2)
            drawn[swatch] = 0.7 if role == "wave" else 1
            drawn[Shape(8, "text", "soft", MARGIN + x + 24, y, h=12, text=words, anchor="start")] = 1


def _candidates(task: Task) -> dict[int, str]:
    """The symbols that a cell may turn out to be, by token, for tasks whose symbols are all alike."""
    relations = task.relations
    if relations is None:
        return {}
    rows, columns = task.grid_shape
    return {token: task.render(np.full(rows * columns, token, np.uint8))[0][0] for token in relations.symbols}


def _draw_candidates(
    drawn: dict[Shape, float], candidates: dict[int, str], *, p: Any, x: float, y: float, size: float
) -> None:
    per_row = math.ceil(math.sqrt(len(candidates)))
    pitch = (size - 4) / per_row
    for place, (token, text) in enumerate(candidates.items()):
        if p[token] >= 0.03:
            row, column = divmod(place, per_row)
            centre = x + 2 + (column + 0.5) * pitch, y + 2 + (row + 0.5) * pitch
            # The root makes a tenth visible; a film of straight shares would show empty cells.
            drawn[Shape(4, "text", "answer", *centre, h=round(0.9 * pitch), text=text)] = math.sqrt(float(p[token]))


def _draw_words(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    width, _ = film.size
    y = 2 * MARGIN + film.task.grid_shape[0] * film.cell + 4
    left, right = MARGIN, width - MARGIN
    trace = film.result.trace

    def say(text: str, role: str, *, x: float, anchor: Literal["start", "end"], bold: bool = False) -> None:
        drawn[Shape(8, "text", role, x, y, h=15, text=text, bold=bold, anchor=anchor, jumps=True)] = 1

    say(f"{film.unit} {frame} of {len(trace)}" if frame else "the puzzle", "ink", x=left, anchor="start", bold=True)
    if not frame:
        say(
            f"{int((~film.task.clue_mask(film.result.question_tokens)).sum())} cells to fill",
            "soft",
            x=right,
            anchor="end",
        )
        return
    verdict = film.task.check(film.result.question_tokens, film.tokens(frame))
    if not film.task.has_rules:
        changed = int((film.tokens(frame) != film.tokens(frame - 1)).sum())
        say(f"{changed} {'cell' if changed == 1 else 'cells'} changed", "soft", x=right, anchor="end")
    elif verdict.valid:
        say(verdict.note or "every rule holds", "right", x=right, anchor="end", bold=True)
    else:
        count = len(verdict.wrong_cells)
        say(f"{count} {'cell breaks' if count == 1 else 'cells break'} a rule", "soft", x=right, anchor="end")


def _draw_curve(film: Film, frame: int, *, drawn: dict[Shape, float]) -> None:
    """How sure the halting head is, step by step; what is still to come is not there yet."""
    width, height = film.size
    left, right = MARGIN, width - MARGIN
    bottom, top = height - MARGIN, height - MARGIN - CURVE
    trace = film.result.trace
    for level in (bottom, top):
        drawn[Shape(5, "line", "line", left, level, right, level)] = 1
    drawn[
        Shape(
            8,
            "text",
            "soft",
            left,
            top - 12,
            h=12,
            text="how sure the network is that every cell is right" if film.width >= 340 else "how sure the network is",
            anchor="start",
        )
    ] = 1
    if not frame:
        return
    step = (right - left - 10) / max(1, len(trace))

    def point(k: int) -> tuple[float, float]:
        p = trace[k - 1].halt_probability if k else 0
        return round(left + 5 + k * step, 1), round(bottom - p * CURVE, 1)

    for k in range(1, frame + 1):
        drawn[Shape(9, "line", "right", *point(k - 1), *point(k), thick=2.5)] = 1
    drawn[Shape(10, "dot", "right", *point(frame), 4.5)] = 1
    sure = f"{trace[frame - 1].halt_probability:.0%}"
    drawn[Shape(8, "text", "right", right, top - 12, h=13, text=sure, bold=True, anchor="end", jumps=True)] = 1


# SVG


def svg(film: Film, delay: float = 0.8, *, still: int | None = None) -> str:
    """The film as an SVG that plays by itself; or one frame of it.

    Args:
        film: What to draw.
        delay: Seconds for a frame.
        still: The one frame to draw; 0 is the question.
    """
    frames = [shapes(film, still)] if still is not None else [shapes(film, i) for i in range(film.num_frames)]
    in_order = sorted({shape: None for frame in frames for shape in frame}, key=lambda shape: shape.layer)
    body = []
    for shape in in_order:
        opacities = [round(frame.get(shape, 0), 2) for frame in frames]
        inside = "" if len(set(opacities)) == 1 else _animation(opacities, shape.jumps, delay=delay)
        body.append(_element(shape, opacities[0], inside=inside))
    width, height = film.size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif">\n'
        f"<title>{html.escape(_title(film, still))}</title>\n<style>{_style(in_order)}</style>\n"
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _title(film: Film, still: int | None) -> str:
    count = len(film.result.trace)
    units = film.unit + ("" if count == 1 else "s")
    what = f"A {film.task.name} puzzle, and what the network makes of it in {count} {units}"
    return what if still is None else f"{what}: " + (f"{film.unit} {still}" if still else "the puzzle")


def _style(used: Sequence[Shape]) -> str:
    roles = [role for role in COLOURS if any(shape.role == role for shape in used)]
    rules = []
    for theme in (0, 1):
        colours = "".join(f".{r}{{--c:{COLOURS[r][theme]}}}" for r in roles)
        rules.append(colours if theme == 0 else f"@media(prefers-color-scheme:dark){{{colours}}}")
    return (
        "rect,text,circle{fill:var(--c)}line,.ring{stroke:var(--c)}.ring{fill:none}text{text-anchor:middle}"
        ".s{text-anchor:start}.e{text-anchor:end}.b{font-weight:700}" + "".join(rules)
    )


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _element(shape: Shape, opacity: float, *, inside: str) -> str:
    x, y, w, h = (_number(value) for value in shape[3:7])
    classes = [shape.role] if shape.role in COLOURS else []
    own = "" if classes else f' style="--c:{html.escape(shape.role)}"'
    content = inside
    if shape.kind in ("rect", "ring"):
        tag, place = "rect", f'x="{x}" y="{y}" width="{w}" height="{h}"'
        place += ' rx="10"' if shape.layer == 0 else ""
    elif shape.kind == "line":
        tag, place = "line", f'x1="{x}" y1="{y}" x2="{w}" y2="{h}" stroke-linecap="round"'
    elif shape.kind == "dot":
        tag, place = "circle", f'cx="{x}" cy="{y}" r="{w}"'
    else:
        # The middle of a digit is a third of its size above its baseline, in any font.
        tag, place = "text", f'x="{x}" y="{_number(shape.y + 0.35 * shape.h)}" font-size="{h}"'
        classes += [{"start": "s", "end": "e", "middle": ""}[shape.anchor], "b" if shape.bold else ""]
        content = html.escape(shape.text) + inside
    if shape.kind == "ring":
        classes.append("ring")
    if shape.kind in ("ring", "line") and shape.thick != 1:
        place += f' stroke-width="{_number(shape.thick)}"'
    seen = "" if opacity == 1 else f' opacity="{_number_short(opacity)}"'
    named = " ".join(filter(None, classes))
    return (
        f'<{tag} class="{named}"{own} {place}{seen}>{content}</{tag}>'
        if content
        else f'<{tag} class="{named}"{own} {place}{seen}/>'
    )


def _number_short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".").removeprefix("0") or "0"


def _animation(opacities: list[float], jumps: bool, *, delay: float) -> str:
    """The opacity over one round of the film, named only where it changes."""
    length = len(opacities) - 1 + HOLD
    times, values = [0.0], [opacities[0]]
    for frame in range(1, len(opacities)):
        if opacities[frame] != opacities[frame - 1]:
            if jumps:
                times, values = [*times, frame / length], [*values, opacities[frame]]
            else:
                times += [frame / length, (frame + MOVE) / length]
                values += [opacities[frame - 1], opacities[frame]]
    if not jumps:
        times, values = [*times, 1.0], [*values, opacities[-1]]
    mode = ' calcMode="discrete"' if jumps else ""
    return (
        f'<animate attributeName="opacity" dur="{_number_short(length * delay)}s" repeatCount="indefinite"{mode} '
        f'values="{";".join(map(_number_short, values))}" keyTimes="{";".join(map(_number_short, times))}"/>'
    )


# HTML


def page(film: Film, delay: float = 0.8) -> str:
    """The film as a page of its own, with buttons and keys to stop it and to step; it asks nothing of any server."""
    template = (resources.files("ponderling.pictures") / "film.html").read_text(encoding="utf-8")
    words = {
        "title": html.escape(_title(film, None)),
        "film": svg(film, delay),
        "frames": str(film.num_frames),
        "hold": str(HOLD),
        "delay": f"{delay:g}",
        "question": html.escape(film.result.question),
        "answer": html.escape(film.result.answer),
    }
    for name, value in words.items():
        template = template.replace("{{" + name + "}}", value)
    return template


# Pixels


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
    if still is not None and not 0 <= still < film.num_frames:
        raise ValueError(f"the film has the frames 0 (the puzzle) to {film.num_frames - 1}: got {still}")
    if file.suffix == ".svg":
        text = svg(film, delay, still=still)
    elif file.suffix == ".html":
        text = page(film, delay)
    else:
        write_atomically(
            file, lambda path: _write_pixels(film, path, ending=file.suffix, delay=delay, still=still, theme=theme)
        )
        return
    write_text(file, text)


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


def _write_pixels(film: Film, path: Path, *, ending: str, delay: float, still: int | None, theme: Theme) -> None:
    if still is not None:
        image(film, still, theme=theme, scale=2).save(path, format="PNG")
        return
    frames = [image(film, i, theme=theme) for i in range(film.num_frames)]
    times = [round(1000 * delay)] * (len(frames) - 1) + [round(1000 * delay * HOLD)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
