"""The stream in few bytes says what the plain one says, to 1/510 of a probability, in Python and in the page's own reader."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest

from maze_weights import save_maze_weights
from pages import needs_node
from ponderling.solving.records import TraceStep
from ponderling.tasks import get_task
from ponderling.web.compact import Shortener
from servers import events, expanded, serving

SUDOKU4 = get_task("sudoku4")
PUZZLES = [SUDOKU4.format(row) for row in SUDOKU4.load_default("test").tokens[:4]]
MAZE = "S #  #     ##  G"
PAGE = Path(__file__).parent.parent / "src" / "ponderling" / "web" / "page"

ASKED = {
    "plain": {"puzzle": PUZZLES[0], "steps": 4},
    "attempts": {"puzzle": PUZZLES[1], "steps": 2, "restarts": 3, "search_steps": 2},
    "changes": {"puzzle": MAZE, "model": "mazes", "task": "maze4", "steps": 2, "changes": True},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, tuple[list[dict], list[dict]]]:
    """Of each request the plain events and the compact ones, each with its type."""
    weights = save_maze_weights(tmp_path_factory.mktemp("maze") / "weights")
    with serving(mazes=weights) as (url, _, _):
        texts = {
            name: [httpx.post(f"{url}/v1/think", json=body | more, timeout=60).text for more in ({}, {"compact": True})]
            for name, body in ASKED.items()
        }
    return {
        name: tuple([{"type": kind, **data} for kind, data in events(text)] for text in both)
        for name, both in texts.items()
    }  # type: ignore[return-value]


def assert_alike(plain: list[dict], whole: list[dict]) -> None:
    assert len(plain) == len(whole)
    for ours, theirs in zip(plain, whole, strict=True):
        assert set(ours) == set(theirs) - {"cells"} - ({"tokens"} if ours["type"] == "start" else set())
        for name, value in ours.items():
            if name == "probabilities":
                assert np.abs(np.array(value) - np.array(theirs[name])).max() <= 3  # thousandths
            elif name == "change":
                largest = max(value, default=0)
                assert np.abs(np.array(value) - np.array(theirs[name])).max() <= 1 + largest / 250
            else:
                assert theirs[name] == value, name


@pytest.mark.parametrize("name", list(ASKED))
def test_the_compact_stream_says_what_the_plain_one_says(told, name):
    plain, compact = told[name]
    assert sum(event["type"] == "step" for event in plain) >= 2
    assert_alike(plain, expanded(compact))
    assert all("probabilities" not in event for event in compact)


EXPAND = """
import { readFileSync } from "node:fs";
const { expander } = await import(process.argv[1]);
const events = JSON.parse(readFileSync(0, "utf8"));
const expand = expander(events[0]);
console.log(JSON.stringify(events.map((event) => (event.type === "step" ? expand(event) : event))));
"""


@needs_node
@pytest.mark.parametrize("name", list(ASKED))
def test_the_page_reads_it_as_python_does(told, name):
    plain, compact = told[name]
    program = ["node", "--input-type=module", "--eval", EXPAND, (PAGE / "compact.js").as_uri()]
    done = subprocess.run(program, input=json.dumps(compact), capture_output=True, encoding="utf-8", check=True)
    whole = json.loads(done.stdout)
    assert_alike(plain, whole)
    assert whole == expanded(compact)


def test_a_step_that_changes_nothing_takes_a_few_bytes():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(18), 256).astype(np.float32)
    tokens = probabilities.argmax(1).astype(np.uint8)
    step = TraceStep(step=1, tokens=tokens, probabilities=probabilities, halt_probability=0.5, wants_to_halt=False)
    shorten = Shortener()
    said = {"attempt": 1, "step": 1, "halts": False}
    first, second, other = (len(json.dumps(shorten(said, step, attempt=number))) for number in (1, 1, 2))
    assert first == other > 256 * 19
    assert second < 100
