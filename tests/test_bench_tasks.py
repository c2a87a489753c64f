"""The outsiders' suite: labels against other implementations, files that are drawn apart, and what is said of results."""

from __future__ import annotations

import itertools
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own imports warn
    gym = pytest.importorskip("reasoning_gym")

import bench_tasks as bench
from outsiders import TASKS, budget, gym_tasks, plain, puzzles, recursive
from outsiders.task import Files, Grid, Pair, Task, distinct, make_files, read_pairs, symbols_of
from ponderling.checkpoint import read_config
from ponderling.cli import main
from ponderling.config import PuzzleShape, RunConfig
from ponderling.data import grid_config, task_of
from ponderling.models import build_model, count_parameters, shape_of
from ponderling.recipes import grid_recipe
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.split import grid_facts

pytestmark = pytest.mark.filterwarnings("ignore")


def first(task: Task, count: int) -> list[Pair]:
    return list(itertools.islice(task.stream(7), count))


# Those of reasoning-gym: its own scorer is the oracle


def rows_of_text(grid: Grid) -> str:
    return "\n".join(" ".join(map(str, row)) for row in grid)


def futoshiki_text(grid: Grid) -> str:
    signs = {".": " ", "^": "∧", "v": "∨"}
    return "\n".join(" ".join(signs.get(cell, cell) for cell in row) for row in grid)


def island_size(grid: Grid) -> str:
    return str(sum(row.count(2) for row in grid))


def minutes(grid: Grid) -> str:
    found = [cell for row in grid for cell in row]
    return "-1" if "o" in found else str(max((int(cell) for cell in found if cell != "."), default=0))


TOLD: dict[str, Callable[[Grid], str]] = {
    "futoshiki": futoshiki_text,
    "game_of_life": json.dumps,
    "kakurasu": lambda grid: rows_of_text([row[:-1] for row in grid[:-1]]),
    "largest_island": island_size,
    "modulo_grid": lambda grid: "\n".join("".join(row) for row in grid),
    "rotten_oranges": minutes,
}
"""The answer to a data set's question, told as the question wants it."""
OPTIONS: dict[str, dict[str, Any]] = {
    "futoshiki": {"min_board_size": 4, "max_board_size": 4},
    "game_of_life": {"grid_size_x": 6, "grid_size_y": 6},
    "rotate_matrix": {"min_rotations": 1, "max_rotations": 1},
    "pool_matrix": {"min_pool_size": 2, "max_pool_size": 2},
}
CONVERT = {
    "rotate_matrix": gym_tasks.matrix_pair,
    "pool_matrix": gym_tasks.max_pool,
    "largest_island": gym_tasks.largest_island,
    "rotten_oranges": gym_tasks.rotting,
}


@pytest.mark.parametrize("name", [task.name for task in gym_tasks.GYM_TASKS])
def test_the_generator_scores_the_labels_as_right(name: str):
    entries = gym_tasks.data_set(name, seed=3, **OPTIONS.get(name, {}))
    judged = 0
    for i in range(4 if name in ("futoshiki", "sudoku") else 20):
        pair = CONVERT.get(name, gym_tasks.grid_pair)(entries[i])
        if pair is not None:
            told = TOLD.get(name, rows_of_text)(pair["output"])
            assert entries.score_answer(told, entries[i]) == 1.0
            judged += 1
    assert judged >= 4


def test_the_largest_island_is_one_island_of_the_map():
    for pair in first(TASKS["largest_island"], 20):
        question, answer = np.array(pair["input"]), np.array(pair["output"])
        marked = answer == 2
        assert (np.where(marked, 1, answer) == question).all()
        if marked.any():
            assert (grown(np.argwhere(marked)[0], question == 1) == marked).all()


def test_every_solution_of_the_queens_is_right_and_other_boards_are_not():
    rule = TASKS["n_queens"].rule
    assert rule is not None
    entries = gym_tasks.data_set("n_queens", seed=0, min_remove=6)
    for i in range(5):
        metadata = entries[i]["metadata"]
        assert len(metadata["solutions"]) > 1
        for board in metadata["solutions"]:
            assert rule(metadata["puzzle"], board)
            assert not rule(metadata["puzzle"], board[::-1]), "the given queens have moved"
    empty, right = [["_"] * 6] * 6, 0
    for places in itertools.permutations(range(6)):
        board = [["Q" if c == place else "_" for c in range(6)] for place in places]
        apart = all(abs(places[i] - places[j]) != j - i for i, j in itertools.combinations(range(6), 2))
        assert rule(empty, board) == apart
        right += apart
    assert right == 4
    assert not rule(empty, empty)


def test_the_rule_of_kakurasu_agrees_with_the_generators_scorer():
    entries, rule = gym_tasks.data_set("kakurasu", seed=0), TASKS["kakurasu"].rule
    rng, right = np.random.default_rng(0), 0
    assert rule is not None
    pairs = [gym_tasks.grid_pair(entries[i]) for i in range(5)]
    for i in range(200):
        entry, pair = entries[i % 5], pairs[i % 5]
        assert pair is not None
        answer = [list(row) for row in pair["output"]]
        for _ in range(int(rng.integers(0, 3))):
            row, column = int(rng.integers(len(answer) - 1)), int(rng.integers(len(answer[0]) - 1))
            answer[row][column] = 1 - answer[row][column]
        wanted = entries.score_answer(TOLD["kakurasu"](answer), entry) == 1.0
        assert rule(pair["input"], answer) == wanted
        right += wanted
    assert 20 < right < 180
    assert pairs[0] is not None
    changed = [*pairs[0]["output"][:-1], [99, *pairs[0]["output"][-1][1:]]]
    assert not rule(pairs[0]["input"], changed), "a sum was changed"


def test_the_rule_of_futoshiki_wants_numbers_signs_and_what_is_given():
    rule = TASKS["futoshiki"].rule
    assert rule is not None
    question = [["0", "<", "0", ".", "3"], [".", ".", ".", ".", "."], ["0", ".", "0", ".", "0"]]
    question += [[".", ".", ".", ".", "v"], ["0", ".", "0", ".", "0"]]

    def answer(*cells: str) -> Grid:
        grid = [list(row) for row in question]
        for number, line in enumerate(cells):
            grid[2 * number][::2] = list(line)
        return grid

    assert rule(question, answer("123", "312", "231"))
    assert rule(question, answer("123", "231", "312")) is False, "1 above 2, where the upper is to be larger"
    assert not rule(question, answer("213", "132", "321")), "2 < 1"
    assert not rule(question, answer("132", "213", "321")), "the given 3 has gone"
    assert not rule(question, answer("123", "312", "312")), "a column has 3 twice"
    changed = answer("123", "312", "231")
    changed[3][4] = "."
    assert not rule(question, changed), "a sign has gone"


# The classics: other implementations are the oracle


def grown(seed: Any, allowed: Any) -> Any:
    """The area of allowed cells round a cell, grown by one step at a time."""
    area = np.zeros_like(allowed)
    area[tuple(seed)] = True
    while True:
        padded = np.pad(area, 1)
        more = area | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
        more &= allowed
        if (more == area).all():
            return area
        area = more


def test_the_flood_fills_the_area_of_the_marked_cell():
    for pair in first(TASKS["flood_fill"], 50):
        question = np.array(pair["input"])
        lower = np.char.lower(question)
        (seed,) = np.argwhere(lower != question)
        area = grown(seed, lower == lower[tuple(seed)])
        assert (np.array(pair["output"]) == np.where(area, "*", lower)).all()


def test_the_board_is_that_of_five_steps_of_life():
    for pair in first(TASKS["life_five"], 20):
        n = len(pair["input"])
        living = {(r, c) for r in range(n) for c in range(n) if pair["input"][r][c]}
        for _ in range(5):
            counts: dict[tuple[int, int], int] = {}
            for (r, c), down, right in itertools.product(living, (-1, 0, 1), (-1, 0, 1)):
                if down or right:
                    cell = (r + down) % n, (c + right) % n
                    counts[cell] = counts.get(cell, 0) + 1
            living = {cell for cell, count in counts.items() if count == 3 or (count == 2 and cell in living)}
        assert pair["output"] == [[int((r, c) in living) for c in range(n)] for r in range(n)]


def test_areas_are_numbered_in_reading_order_and_other_numbers_are_right_too():
    rule = TASKS["components"].rule
    assert rule is not None
    several = 0
    for pair in first(TASKS["components"], 50):
        land, answer = np.array(pair["input"]) == "#", np.array(pair["output"])
        wanted = np.full(land.shape, ".")
        for cell in np.argwhere(land):
            if wanted[tuple(cell)] == ".":
                wanted[grown(cell, land)] = str(len(set(wanted[land])) + (0 if (wanted[land] == ".").any() else 1))
        assert (answer == wanted).all()
        assert rule(pair["input"], pair["output"])
        turned = [[cell if cell == "." else str(10 - int(cell)) for cell in row] for row in pair["output"]]
        assert rule(pair["input"], turned)
        if len(set(answer[land])) > 1:
            several += 1
            assert not rule(pair["input"], np.where(land, "1", ".").tolist()), "two areas with one number"
        first_land = tuple(np.argwhere(land)[0])
        for wrong in (".", "#"):
            changed = answer.copy()
            changed[first_land] = wrong
            assert not rule(pair["input"], changed.tolist())
    assert several > 10


def pressed(presses: Grid) -> Grid:
    """The lights of a dark board after its buttons were pressed, one after the other."""
    lights = [[0] * len(row) for row in presses]
    for r, c in itertools.product(range(len(presses)), range(len(presses[0]))):
        for down, right in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)) if presses[r][c] else ():
            if 0 <= r + down < len(lights) and 0 <= c + right < len(lights[0]):
                lights[r + down][c + right] ^= 1
    return lights


def test_the_buttons_put_out_the_lights_and_so_do_others():
    task = TASKS["lights_out"]
    assert task.rule is not None
    quiet = puzzles.without_effect(5)
    assert len(quiet) == 4
    for pair in first(task, 30):
        assert pressed(pair["output"]) == pair["input"]
        for presses in quiet:
            other = ((np.array(pair["output"]) + presses) % 2).tolist()
            assert pressed(other) == pair["input"]
            assert task.rule(pair["input"], other)
            other[2][2] ^= 1
            assert not task.rule(pair["input"], other)


def test_no_fewer_buttons_put_out_the_lights():
    every = [np.reshape(bits, (3, 3)).tolist() for bits in itertools.product((0, 1), repeat=9)]
    every += [np.reshape(bits, (2, 2)).tolist() for bits in itertools.product((0, 1), repeat=4)]
    lights = [pressed(presses) for presses in every]
    rng = np.random.default_rng(0)
    for size in (2, 3) * 10:
        pair = puzzles.lights_out(rng, (size, size))
        fewest = min(
            sum(map(sum, presses)) for presses, left in zip(every, lights, strict=True) if left == pair["input"]
        )
        assert sum(map(sum, pair["output"])) == fewest


def test_a_nonogram_has_one_solution_and_its_clues_are_those_of_the_answer():
    def clues(lines: Any) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(len(run) for run in "".join(line).split(".") if run) for line in lines)

    counts: dict[Any, int] = {}
    for bits in itertools.product(".#", repeat=16):
        grid = [bits[4 * row : 4 * row + 4] for row in range(4)]
        told = clues(grid), clues(zip(*grid, strict=True))
        counts[told] = counts.get(told, 0) + 1
    rng = np.random.default_rng(0)
    drawn = [puzzles.nonogram(rng, (4, 4)) for _ in range(60)]
    assert 0 < sum(pair is None for pair in drawn) < 60
    for pair in drawn:
        if pair is None:
            continue
        question, answer = np.array(pair["input"]), np.array(pair["output"])
        filled = answer[2:, 2:].tolist()
        told = clues(filled), clues(zip(*filled, strict=True))
        assert counts[told] == 1
        shown = [tuple(int(cell) for cell in line if cell != "0") for line in question[2:, :2].tolist()]
        above = [tuple(int(cell) for cell in line if cell != "0") for line in question[:2, 2:].T.tolist()]
        assert (tuple(shown), tuple(above)) == told
        assert (question[2:, 2:] == "?").all()
        assert (np.where(answer == question, answer, "?") == question).all()


def test_four_in_a_row_is_won_by_who_has_four():
    drawn = first(TASKS["four_in_a_row"], 90)
    for pair in drawn:
        board = np.array(pair["input"])
        lines = [*board, *board.T]
        for turned in (board, board[:, ::-1]):
            lines += [turned.diagonal(offset) for offset in range(-5, 7)]
        text = " ".join("".join(line) for line in lines)
        won = [player for player in "xo" if player * 4 in text]
        assert pair["output"] == [[won[0] if won else "."]]
        assert len(won) <= 1
        assert (board == "x").sum() - (board == "o").sum() in (0, 1)
        assert all("." not in "".join(column).lstrip(".") for column in board.T), "a piece hangs in the air"
    shares = [sum(pair["output"] == [[who]] for pair in drawn) for who in "xo."]
    assert min(shares) > 15


def ways(shape: tuple[int, int], way: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """All ways from the first cell to the last that visit no cell twice."""
    r, c = way[-1]
    if (r, c) == (shape[0] - 1, shape[1] - 1):
        yield way
        return
    for cell in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
        if 0 <= cell[0] < shape[0] and 0 <= cell[1] < shape[1] and cell not in way:
            yield from ways(shape, [*way, cell])


def test_the_cheapest_ways_are_right_and_all_others_are_not():
    rule = TASKS["weighted_path"].rule
    assert rule is not None
    rng, ties = np.random.default_rng(0), 0
    for _ in range(15):
        pair = puzzles.weighted_path(rng, (3, 4))
        every = list(ways((3, 4), [(0, 0)]))
        costs = [sum(pair["input"][r][c] for r, c in way) for way in every]
        grids = [
            [[0 if (r, c) in way else cell for c, cell in enumerate(row)] for r, row in enumerate(pair["input"])]
            for way in every
        ]
        right = [grid for grid, cost in zip(grids, costs, strict=True) if cost == min(costs)]
        assert pair["output"] in right
        assert [rule(pair["input"], grid) for grid in grids] == [cost == min(costs) for cost in costs]
        ties += len(right) > 1
        changed = [list(row) for row in pair["output"]]
        r, c = next((r, c) for r, row in enumerate(changed) for c, cell in enumerate(row) if cell)
        changed[r][c] = changed[r][c] % 9 + 1
        assert not rule(pair["input"], changed)
    assert ties


# All tasks


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_rules_take_the_labels_and_refuse_the_questions(task: Task):
    for pair in first(task, 2 if task.name == "futoshiki" else 10):
        if task.rule is not None:
            assert task.rule(pair["input"], pair["output"])
            assert pair["input"] == pair["output"] or not task.rule(pair["input"], pair["input"])
            assert not task.rule(pair["input"], pair["output"][:-1])


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_files_are_drawn_apart_and_can_be_trained_on(task: Task, tmp_path: Path):
    small = replace(task, train=60 if task.name not in ("futoshiki", "sudoku") else 12, test=6)
    files = make_files(small, tmp_path / "a")
    train, test = read_pairs(files.train), read_pairs(files.test)
    unseen = [] if files.unseen is None else read_pairs(files.unseen)
    assert (len(train), len(test)) == (small.train, 6)
    assert len(unseen) == (6 if task.unseen else 0)
    questions = [json.dumps(pair["input"]) for pair in (*train, *test, *unseen)]
    assert len(set(questions)) == len(questions)
    assert symbols_of([*test, *unseen]) <= symbols_of(train)

    def size(pair: Pair) -> tuple[int, int]:
        return len(pair["input"]), len(pair["input"][0])

    trained = {size(pair) for pair in train}
    assert not trained & {size(pair) for pair in unseen}
    assert bool(unseen) == bool(task.unseen_sizes)
    if len({np.shape(grid) for pair in train for grid in pair.values()}) == 1:
        assert len({np.shape(grid) for pair in unseen for grid in pair.values()}) <= 1
    config = grid_config(str(files.train), str(files.test))
    facts = grid_facts(task_of(config), config.train, test=config.test)  # pyright: ignore[reportArgumentType]
    assert (facts["train"]["examples"], facts["test"]["examples"]) == (small.train, 6)
    assert facts["train"]["questions_with_several_answers"] == 0
    # Labels are right, and read back as the rule wants them; an untrained network gets figures on every file that it can read.
    family = task_of(config)
    assert isinstance(family, Grids)
    network = plain.Conv(shape_of(family), 4)
    for path in filter(None, (files.test, files.unseen)):
        found = plain.score(network, path, data=config, rule=task.rule)
        assert found is not None
        assert 0 <= found["exact"] <= 1
        assert (found["valid"] is None) == (task.rule is None)
    if task.rule is not None:
        family.checker = task.rule
        puzzles_to_test = family.read(files.test, need_answers=True)
        assert family.valid(puzzles_to_test.tokens, puzzles_to_test.labels).all()
    if task.name != "futoshiki":
        assert make_files(small, tmp_path / "b").digest() == files.digest()


def test_test_files_are_not_drawn_anew_and_a_change_shows(tmp_path: Path):
    task = replace(TASKS["flood_fill"], train=20, test=5)
    files = make_files(task, tmp_path)
    before = files.digest()
    files.test.write_text(files.test.read_text().replace("a", "b"))
    assert make_files(task, tmp_path).digest() == files.digest() != before


def test_too_few_questions_are_told():
    def stream(seed: int) -> Iterator[Pair]:
        return itertools.cycle({"input": [[value]], "output": [[value]]} for value in (seed, seed + 1))

    assert len(distinct(stream(0), 2, name="two")) == 2
    with pytest.raises(ValueError, match="two: 2 new questions in 120 draws, 3 are wanted: ask for fewer"):
        distinct(stream(0), 3, name="two")
    with pytest.raises(ValueError, match="two: 1 new questions"):
        distinct(stream(0), 2, name="two", symbols={"0"})


# Time


def spin(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_as_many_updates_are_planned_as_fit_beside_the_evaluations():
    found = budget.plan(10.0, update=lambda: spin(0.01), check=lambda: spin(0.3))
    evaluations = math.ceil(found.steps / found.check_every)
    assert 1 < evaluations <= int(10.0 * budget.SHARE_OF_CHECKS / 0.3)
    assert found.steps * 0.01 + evaluations * 0.3 == pytest.approx(10.0, rel=0.1)
    assert budget.plan(0.1, update=lambda: spin(0.01), check=lambda: spin(0.3)) == budget.Plan(steps=1, check_every=1)


def test_a_training_ends_when_all_was_right_for_a_while_or_the_time_is_over():
    watch = budget.Watch(1000.0)
    for exact in (1.0, 1.0, 0.99, 1.0, 1.0):
        watch.heard(exact)
        assert not watch.is_over()
    watch.heard(1.0)
    assert (watch.is_over(), watch.ended) == (True, "right")
    watch = budget.Watch(0.02)
    assert watch.ended == "steps"
    spin(0.025)
    assert (watch.is_over(), watch.ended) == (True, "time")


# Models


@pytest.mark.parametrize("parameters", [30_000, 80_000, 350_000])
@pytest.mark.parametrize("kind", ["conv", "transformer"])
def test_plain_networks_have_about_the_parameters_that_are_asked_for(kind: Any, parameters: int):
    shape = PuzzleShape(8, 64, columns=8)
    network = plain.NETWORKS[kind](shape, plain.closest(kind, shape, parameters=parameters))
    assert count_parameters(network) == pytest.approx(parameters, rel=0.2)


@pytest.mark.parametrize("cells", [(6, 6), (8, 8), (12, 12)])
def test_the_plain_trm_is_the_first_default(cells: tuple[int, int], tmp_path: Path):
    rows = [[[value] * cells[1]] * cells[0] for value in range(4)]
    files = Files(tmp_path / "train.jsonl", tmp_path / "test.jsonl")
    for path, part in ((files.train, rows[:3]), (files.test, [rows[0][:1] * cells[0]])):
        path.write_text("".join(json.dumps({"input": grid, "output": grid}) + "\n" for grid in part))
    config = recursive.plain_trm(files)
    assert config == grid_recipe(config.data, cells[0] * cells[1]).config


def test_the_default_is_the_run_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = small_files(tmp_path)
    config, parameters = recursive.default(files)
    asked: list[RunConfig] = []

    def noted(config: RunConfig, *_: Any, **__: Any) -> None:
        asked.append(config)
        raise ValueError("enough")

    monkeypatch.setattr("ponderling.training.starting.start", noted)
    assert main(["train", "--data", str(files.train), "--test", str(files.test), "--out", str(tmp_path / "run")]) == 2
    steps = asked[0].train.steps
    assert replace(config, train=replace(config.train, steps=steps)) == asked[0]
    task = task_of(config.data)
    assert parameters == count_parameters(build_model(config.model, shape_of(task), relations=task.relations))


def small_files(folder: Path, *, sizes: int = 4, unseen: int = 5) -> Files:
    """Squares of 0 and 1, and the same with the two exchanged."""
    rng = np.random.default_rng(0)

    def pairs(n: int, count: int) -> list[Pair]:
        grids = np.unique(rng.integers(0, 2, (count, n, n)), axis=0)
        return [{"input": grid.tolist(), "output": (1 - grid).tolist()} for grid in rng.permutation(grids)]

    found = pairs(sizes, 130)
    files = Files(folder / "train.jsonl", folder / "test.jsonl", unseen=folder / "unseen.jsonl")
    parts = ((files.train, found[:100]), (files.test, found[100:110]), (files.unseen, pairs(unseen, 10)))
    folder.mkdir(parents=True, exist_ok=True)
    for path, part in parts:
        assert path is not None
        path.write_text("".join(json.dumps(pair) + "\n" for pair in part))
    return files


@pytest.mark.parametrize("model", bench.MODELS)
def test_every_model_is_trained_within_its_time_and_tested(model: str, tmp_path: Path):
    files = small_files(tmp_path)
    found = bench.measure("flood_fill", model, files=files, seed=0, minutes=0.04)
    assert found["updates"] >= 3
    assert found["seconds"] < 60 * 0.04 * 1.5
    assert found["test"]["valid"] is None
    if model in ("conv", "transformer"):
        assert found["test"]["exact"] == 1.0
    assert (found["unseen"] is None) == (model in ("trm", "transformer"))
    if model == "conv":
        assert found["unseen"]["exact"] == 1.0
    assert bench.key(found) in {bench.key(json.loads(json.dumps(found)))}


def test_a_recursive_network_keeps_to_its_time_and_is_judged_by_the_rule(tmp_path: Path):
    files = small_files(tmp_path)
    config = recursive.plain_trm(files)
    model = replace(config.model, hidden_size=32, inner_multiple=8, n=1, T=1)
    train = replace(config.train, batch_size=16, N_sup=2, optimizer="adamw", lr=0.01, ema_rate=0.0, loss="softmax")
    course = recursive.train(replace(config, model=model, train=train), tmp_path / "run", seconds=8.0, seed=3)
    assert course.seconds < 10
    assert course.ended == "right", "every evaluation of this easy task is right long before the end"
    assert course.validation == 1.0
    assert read_config(tmp_path / "run" / "last")[0].train.seed == 3
    for rule, share in ((lambda question, answer: question != answer, 1.0), (lambda question, answer: False, 0.0)):
        found = recursive.score(tmp_path / "run", files.test, rule=rule)
        assert found is not None
        assert (found["exact"], found["valid"]) == (1.0, share)
    assert files.unseen is not None
    assert recursive.score(tmp_path / "run", files.unseen, rule=None) is None


def test_a_rule_judges_the_answers(tmp_path: Path):
    files = small_files(tmp_path)
    config = recursive.plain_trm(files)
    shape = shape_of(task_of(config.data))
    network = plain.Conv(shape, 4)
    assert files.unseen is not None
    for rule, share in ((lambda question, answer: True, 1.0), (lambda question, answer: False, 0.0)):
        for path in (files.test, files.unseen):
            found = plain.score(network, path, data=config.data, rule=rule)
            assert found is not None
            assert found["valid"] == share


# Results


def result(**other: Any) -> dict[str, Any]:
    known = {"task": "flood_fill", "model": "default", "seed": 0, "minutes": 10.0, "files": "0" * 12}
    course = {"parameters": 1000, "updates": 50, "seconds": 600.0, "validation": 1.0, "ended": "steps"}
    return {**known, **course, "test": {"exact": 0.5, "valid": None}, "unseen": None, **other}


def test_the_table_has_means_spreads_rules_and_dashes():
    results = [
        result(),
        result(seed=1, test={"exact": 0.75, "valid": None}),
        result(model="conv", unseen={"exact": 0.25, "valid": None}),
        result(task="lights_out", test={"exact": 0.1, "valid": 0.9}, unseen={"exact": 0.0, "valid": 0.0}),
    ]
    first_table, second = bench.table(results, "test"), bench.table(results, "unseen")
    assert first_table.splitlines()[0] == "| task | sizes | default | conv |"
    assert first_table.splitlines()[2] == "| flood_fill | 4x4 to 8x8 | 62.5 (50.0 to 75.0) | 50.0 |"
    assert first_table.splitlines()[3] == "| lights_out | 5x5 | 10.0 [90.0] |  |"
    assert second.splitlines()[2] == "| flood_fill | 10x10 to 12x12 | – | 25.0 |"
    assert bench.costs(results).splitlines()[2] == "| default | 3 | 1,000 | 50 | 10.0 |"


def test_results_are_added_to_the_file_and_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file, data = tmp_path / "results.json", tmp_path / "data"
    files = make_files(replace(TASKS["flood_fill"], train=20, test=5), data / "flood_fill")
    for seed in (0, 1, 0):
        bench.keep(result(seed=seed, files=files.digest(), minutes=1.0), file)
    assert [found["seed"] for found in bench.read_results(file)] == [1, 0]
    picture = tmp_path / "tasks.png"
    options = bench.Options(
        "flood_fill", "default", seeds=2, minutes=1.0, data=data, results=file, plot=picture, jobs=1
    )
    began = time.perf_counter()
    bench.main(options)  # nothing is left to train
    assert time.perf_counter() - began < 20
    assert "| flood_fill | 4x4 to 8x8 | 50.0 |" in capsys.readouterr().out
    assert picture.stat().st_size > 1000
    assert len(bench.read_results(file)) == 2


def test_a_training_that_fails_leaves_the_others_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Pool:
        """Runs each job when it is submitted."""

        def __init__(self, *_: Any, **__: Any) -> None: ...

        def submit(self, function: Any, *args: Any, **named: Any) -> Any:
            job: bench.Future[Any] = bench.Future()
            try:
                job.set_result(function(*args, **named))
            except Exception as error:
                job.set_exception(error)
            return job

        def shutdown(self, **_: Any) -> None: ...

    def measure(name: str, model: str, *, files: Files, seed: int, minutes: float) -> dict[str, Any]:
        if model == "conv":
            raise ValueError("it went wrong")
        return result(task=name, model=model, seed=seed, minutes=minutes, files=files.digest())

    monkeypatch.setattr(bench, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(bench, "measure", measure)
    file, data = tmp_path / "results.json", tmp_path / "data"
    make_files(replace(TASKS["flood_fill"], train=20, test=5), data / "flood_fill")
    options = bench.Options("flood_fill", "conv,trm", seeds=1, data=data, results=file)
    with pytest.raises(SystemExit, match="flood_fill, conv, 0: ValueError: it went wrong"):
        bench.main(options)
    assert [found["model"] for found in bench.read_results(file)] == ["trm"]


def test_unknown_names_and_numbers_are_refused(tmp_path: Path):
    with pytest.raises(SystemExit, match="--tasks: unknown sudoko; there are binary_matrix, "):
        bench.main(bench.Options("sudoko,sudoku"))
    with pytest.raises(SystemExit, match="--models: unknown mlp; there are default, trm, conv, transformer"):
        bench.main(bench.Options("sudoku", "mlp"))
    with pytest.raises(SystemExit, match="--minutes must be above 0"):
        bench.main(bench.Options(minutes=0.0))


def test_examples_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    make_files(replace(TASKS["lights_out"], train=5, test=2), tmp_path / "lights_out")
    bench.main(bench.Options("lights_out", data=tmp_path, show=True))
    out = capsys.readouterr().out
    assert out.startswith(f"lights_out: {TASKS['lights_out'].asks}\n\ntrain, input\n")
    assert "\nunseen, output\n" in out
