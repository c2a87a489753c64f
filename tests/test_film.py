"""A film shows what the trace says: its timeline, played back, gives every frame; and it is whole in one file."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from maze_weights import save_maze_weights
from ponderling.cli import main
from ponderling.config import Search
from ponderling.pictures.drawing import BIG, COLOURS, HOLD, shapes
from ponderling.pictures.film import Film, page, svg, write
from ponderling.solving.result import Result
from ponderling.solving.solver import Solver
from ponderling.tasks import GridTask
from ponderling.tasks.maze import Maze

INKALA = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
EASTER_MONSTER = "1.......2.9.4...5...6...7...5.9.3.......7.......85..4.7.....6...3...9.8...2.....1"
EASY = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
LEGENDS = 8
"""The layer of what stands below the grid; what is in cells lies lower."""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver.load("sudoku")


@pytest.fixture(scope="module")
def film(solver) -> Film:
    return Film(solver.task, solver.solve(INKALA, trace=True))


def opacity_at(element: ET.Element, share: float) -> float:
    """What a player shows of an element at a share of the film's round."""
    animation = element.find(f"{SVG}animate")
    if animation is None:
        return float(element.get("opacity", "1"))
    times = [float(t) for t in animation.get("keyTimes", "").split(";")]
    values = [float(v) for v in animation.get("values", "").split(";")]
    assert times == sorted(times)
    assert len(times) == len(values)
    if animation.get("calcMode") == "discrete":
        return values[max(i for i, t in enumerate(times) if t <= share)]
    assert (times[0], times[-1]) == (0, 1)
    return float(np.interp(share, times, values))


def drawn(root: ET.Element) -> list[ET.Element]:
    return [e for e in root if e.tag.removeprefix(SVG) in ("rect", "line", "circle", "text")]


def seen_texts(root: ET.Element, share: float) -> dict[tuple[str, str, str], float]:
    texts = {}
    for element in drawn(root):
        if element.tag == f"{SVG}text" and (opacity := opacity_at(element, share)) > 0:
            texts[(element.text or "", element.get("x", ""), element.get("y", ""))] = round(opacity, 2)
    return texts


def test_played_back_the_timeline_gives_every_frame(film):
    root = ET.fromstring(svg(film, delay=0.5))
    length = film.num_frames - 1 + HOLD
    for frame in range(film.num_frames):
        still = ET.fromstring(svg(film, still=frame))
        assert seen_texts(root, (frame + 0.9) / length) == pytest.approx(seen_texts(still, 0), abs=0.011)
    assert {e.get("dur") for e in root.iter(f"{SVG}animate")} == {f"{length * 0.5:g}s"}


def test_the_last_frame_shows_the_answer_and_that_every_rule_holds(film):
    last = shapes(film, film.num_frames - 1)
    grid = sorted((s.y, s.x, s.text) for s in last if s.kind == "text" and s.layer == 4)
    assert "".join(text for _, _, text in grid) == film.result.answer
    assert any(s.text == "every rule holds" for s in last)
    assert not any(s.role == "wrong" and s.layer < LEGENDS for s in last)


def test_cells_that_break_a_rule_are_red_and_changed_minds_flash(film):
    for frame in range(1, film.num_frames):
        tokens = film.tokens(frame)
        wrong = set(film.task.check(film.result.question_tokens, tokens).wrong_cells)
        red = [s for s in shapes(film, frame) if s.role == "wrong" and s.layer < LEGENDS]
        flash = [s for s in shapes(film, frame) if s.role == "changed" and s.layer < LEGENDS]
        changed = set(np.flatnonzero(tokens != film.tokens(frame - 1)).tolist()) if frame > 1 else set()
        assert len(red) == len(wrong)
        assert len(flash) == len(changed - wrong)


def test_an_undecided_cell_shows_its_candidates_by_their_probability(film):
    step = film.result.trace[0]
    undecided = np.flatnonzero((step.confidence < BIG) & ~film.task.clue_mask(film.result.question_tokens))
    assert len(undecided)
    left = (film.size[0] - 9 * film.cell) / 2
    for i in undecided:
        x, y = left + i % 9 * film.cell, 20 + i // 9 * film.cell
        inside = {
            s.text: opacity
            for s, opacity in shapes(film, 1).items()
            if s.layer == 4 and x < s.x < x + film.cell and y < s.y < y + film.cell
        }
        expected = {str(t - 1): float(p) ** 0.5 for t, p in enumerate(step.probabilities[i]) if p >= 0.03 and t > 1}
        assert inside == pytest.approx(expected)


def test_the_trace_holds_probabilities_whose_largest_is_the_answer(solver, film):
    for step in film.result.trace:
        assert step.probabilities.sum(-1) == pytest.approx(np.ones(81), abs=1e-5)
        assert (step.probabilities.argmax(-1) == step.tokens).all()
        assert (step.confidence == step.probabilities.max(-1)).all()


def test_views_and_guesses_in_a_trace_are_those_of_the_question(solver):
    search = Search(restarts=3, search_steps=4, noise=0.3, views=2, choose="agreement")
    for seed in range(3):
        result = solver.solve(INKALA, steps=2, search=replace(search, seed=seed), trace=True)
        clues = np.flatnonzero(result.question_tokens > 1)
        for step in result.trace:
            assert (step.probabilities.argmax(-1) == step.tokens).all()
            assert not set(step.guessed) & set(clues.tolist())
    result = solver.solve(
        EASTER_MONSTER, steps=1, search=Search(restarts=40, search_steps=12, guess_every=2), trace=True
    )
    guessed = [len(step.guessed) for step in result.trace]
    assert guessed[0] == 0
    assert guessed == sorted(guessed)
    assert guessed[-1] > 0
    rings = [s for s in shapes(Film(solver.task, result), len(guessed)) if s.kind == "ring" and s.layer < LEGENDS]
    assert len(rings) == guessed[-1]
    assert [role for line in Film(solver.task, result).legend for role, _, _ in line][-1] == "guess"


def test_a_page_asks_nothing_of_any_other_place(film):
    text = page(film)
    assert "{{" not in text
    assert (
        re.findall(r"(?:https?:)?//[\w.]+", text.replace("http://www.w3.org/2000/svg", "").replace("// The film", ""))
        == []
    )
    assert text.count("<svg") == 1
    ids = set(re.findall(r'id="(\w+)"', text))
    assert set(re.findall(r'get\("(\w+)"\)', text)) <= ids


def test_a_gif_has_every_frame_and_the_last_one_stays(film, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    write(film, tmp_path / "film.gif", delay=0.2)
    with pillow.open(tmp_path / "film.gif") as gif:
        assert gif.n_frames == film.num_frames
        assert gif.size == film.size
        times = []
        for i in range(gif.n_frames):
            gif.seek(i)
            times.append(gif.info["duration"])
    assert times == [200] * (film.num_frames - 1) + [200 * HOLD]


def test_pixels_follow_the_theme_and_fade_with_probability(film, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    colours = {}
    for theme in ("light", "dark"):
        write(film, tmp_path / "frame.png", still=1, theme=theme)
        with pillow.open(tmp_path / "frame.png") as picture:
            assert picture.size == tuple(2 * side for side in film.size)
            colours[theme] = "#{:02x}{:02x}{:02x}".format(*picture.convert("RGB").getpixel((4, 4)))
    assert colours == {"light": COLOURS["paper"][0], "dark": COLOURS["paper"][1]}
    dark = []
    for sure in (0.01, 0.5, 1.0):
        step = film.result.trace[-1]
        p = np.where(film.task.clue_mask(film.result.question_tokens)[:, None], 1, sure) * step.probabilities
        found = replace(film.result.found, trace=(replace(step, probabilities=p),))
        faded = Film(film.task, Result(film.task, film.result.question_tokens, found=found))
        write(faded, tmp_path / "frame.png", still=1)
        with pillow.open(tmp_path / "frame.png") as picture:
            dark.append(255 - np.asarray(picture.convert("L"), float).mean())
    assert dark[1] - dark[0] < 0.7 * (dark[2] - dark[0])


class Garden(GridTask):
    """Walls and flowers, without rules."""

    name, grid_shape, symbols = "garden", (3, 5), "#.*"
    palette: ClassVar = {"*": "#ff00aa"}


def test_a_family_without_rules_or_interchangeable_symbols_can_be_filmed(solver, film):
    task = Garden()
    question, answer = task.tokens_of("#.*.." * 3), task.tokens_of("#***." * 3)
    p = np.full((15, 4), 0.1, np.float32)
    p[np.arange(15), answer] = 0.7
    step = replace(film.result.trace[0], tokens=answer, probabilities=p)
    result = Result(task, question, found=replace(film.result.found, tokens=answer, trace=(step,)))
    root = ET.fromstring(svg(Film(task, result)))
    text = ET.tostring(root, encoding="unicode")
    assert "--c:#ff00aa" in text
    assert "cells changed" in text
    assert 'class="wall"' in text


def test_the_command_writes_what_the_ending_says(tmp_path, capsys):
    for name, starts in (("a.svg", b"<svg"), ("a.html", b"<!doctype html>"), ("a.gif", b"GIF89a")):
        assert main(["film", "sudoku", EASY, str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(starts)
    assert "every rule holds" in capsys.readouterr().err
    assert main(["film", "sudoku", EASY, str(tmp_path / "a.png"), "--still", "1", "--theme", "dark", "--json"]) == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a.mp4"], "a film is written to a file that ends in .svg, .html, .gif: got a.mp4"),
        (["a.gif", "--still", "1"], "a frame of it is written to a file that ends in .svg, .png: got a.gif"),
        (["a.svg", "--still", "17"], "the film has the frames 0 (the puzzle) to"),
        (["nowhere/a.svg"], "no such folder"),
        (["a.svg", "--delay", "0"], "--delay must be positive: got 0"),
    ],
)
def test_a_film_that_cannot_be_is_one_line(args, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["film", "sudoku", EASY, *args]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_puzzle_of_a_file_is_filmed(tmp_path, capsys):
    puzzles = tmp_path / "puzzles.txt"
    puzzles.write_text(f"{EASY[::-1]}\n{EASY}\n")
    args = ["--still", "0", "--steps", "1"]
    assert main(["film", "sudoku", str(puzzles), str(tmp_path / "second.svg"), "--number", "2", *args]) == 0
    assert main(["film", "sudoku", EASY, str(tmp_path / "text.svg"), *args]) == 0
    assert (tmp_path / "second.svg").read_text() == (tmp_path / "text.svg").read_text()
    capsys.readouterr()
    for given, message in (
        ([str(puzzles), "a.svg", "--number", "3"], f"--number 3: {puzzles} holds 2 puzzles"),
        ([str(tmp_path / "none.sdk"), "a.svg"], "none.sdk: no such file"),
        ([EASY, "a.png"], "got a.png; with --still N it would be a frame alone"),
    ):
        assert main(["film", "sudoku", *given]) == 2
        assert message in capsys.readouterr().err


def test_a_film_that_is_there_is_replaced_with_a_word(tmp_path, capsys):
    film = tmp_path / "a.svg"
    film.write_text("old")
    assert main(["film", "sudoku", EASY, str(film), "--still", "0"]) == 0
    assert f"{film} is there already: replacing it\n" in capsys.readouterr().err
    drawn = film.read_text()
    assert "<svg" in drawn
    assert main(["film", "sudoku", "not a puzzle", str(film)]) == 2
    assert "replacing it" not in capsys.readouterr().err
    assert film.read_text() == drawn


def test_a_film_needs_no_pillow_but_for_pixels():
    code = "import sys; sys.modules['PIL'] = None; from ponderling.pictures.film import svg"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)


def test_a_film_of_a_drawn_maze_tints_each_free_cell_by_its_change(tmp_path):
    weights, maze = save_maze_weights(tmp_path / "maze"), "S  #\n ## \n    \n#  G\n   #"
    assert main(["film", str(weights), maze, str(tmp_path / "film.svg"), "--steps", "2"]) == 0
    assert "each cell&#x27;s hidden state changed in this recursion" in (tmp_path / "film.svg").read_text()
    solver = Solver.load(weights, task="maze5x4")
    assert isinstance(solver.task, Maze)
    result = solver.solve(maze, steps=2, trace="changes")
    film = Film(solver.task, result)
    for frame in range(film.num_frames):
        tints = {(s.x, s.y): p for s, p in shapes(film, frame).items() if s.role == "wave" and s.layer == 1}
        change = result.trace[frame - 1].change if frame else np.zeros(20)
        assert change is not None
        left = (film.size[0] - 4 * film.cell) / 2
        for i, wall in enumerate(result.question_tokens == 1):
            at = left + i % 4 * film.cell, 20 + i // 4 * film.cell
            expected = 0 if wall else min(1, change[i]) ** 0.5
            assert tints.get(at, 0) == pytest.approx(expected, abs=0.026)
    plain = Film(solver.task, solver.solve(maze, steps=2, trace=True))
    assert not any(s.role == "wave" for s in shapes(plain, 1))
    assert [[role for role, _, _ in line] for line in plain.legend] == [["changed", "wrong"]]


def test_the_colours_are_named_and_no_text_touches_another():
    solver = Solver.load("sudoku", task="sudoku4")
    small = Film(solver.task, solver.solve(tokens=solver.task.load_default("test").tokens[0], steps=2, trace=True))
    assert [[words for _, words, _ in line] for line in small.legend] == [
        ["given", "its answer", "changed"],
        ["breaks a rule"],
    ]
    texts = [s for s in shapes(small, small.num_frames - 1) if s.kind == "text" and s.layer == 8]
    for one, other in itertools.combinations(texts, 2):
        if abs(one.y - other.y) < 10:
            (left, right) = sorted((one, other), key=lambda s: s.x)
            begins = left.x if left.anchor == "start" else left.x - 0.5 * left.h * len(left.text)
            ends = right.x if right.anchor == "start" else right.x - 0.5 * right.h * len(right.text)
            assert begins + 0.5 * left.h * len(left.text) < ends + 1, (left.text, right.text)
