"""A film as text: an SVG that plays by itself, and a page on which it can be stopped and stepped through.

An animated SVG has each shape of any frame once, and its opacity follows the frames' timeline.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources

from ponderling.pictures.drawing import COLOURS, HOLD, Film, Shape, shapes

MOVE = 0.35
"""Share of a frame's time in which shapes fade to their new opacity."""


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
