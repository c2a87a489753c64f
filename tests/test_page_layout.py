"""Where things are: nothing covers anything at five sizes of the window, and lines are crisp at every pixel ratio.

Skipped without Playwright and a Chromium.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from pages import HARD, IN_BROWSER, SCREENS, Visit

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = IN_BROWSER

FIVE = [name for name in SCREENS if name != "desktop"]
LAPTOPS = ("laptop", "wide", "low")
PARTS = ["#chips", "#caption", ".board", "#inks", "#player", "#think", ".transport", ".actions"]


def overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    return all(
        a[at] + a[size] > b[at] + 0.5 and b[at] + b[size] > a[at] + 0.5
        for at, size in (("x", "width"), ("y", "height"))
    )


@pytest.mark.parametrize("screen", FIVE)
def test_nothing_covers_anything_and_a_laptop_shows_it_all(browser, server, screen):
    visit = Visit(browser, server, screen, f"#t=sudoku9&d=4&r=0&s=5&p={HARD}")
    page = visit.page
    visit.expect("#position", "Look 5 of 8")
    _width, height = SCREENS[screen]
    for moment in range(5, 9):
        boxes = {part: visit.box(part) for part in [*PARTS, ".chart"]}
        assert [pair for pair in combinations(boxes, 2) if overlap(boxes[pair[0]], boxes[pair[1]])] == []
        assert boxes[".board"]["height"] <= height
        if screen in LAPTOPS:
            below = {part: box for part, box in boxes.items() if box["y"] + box["height"] > height}
            assert below == {}, moment
        else:  # what one presses and the board are on one screen
            assert boxes["#think"]["y"] + boxes["#think"]["height"] <= height
        assert boxes["#caption"]["height"] <= 90
        if moment < 8:
            page.click("#forward")
    assert page.evaluate("scrollY") == 0
    visit.expect("#verdict", "^Solved")
    visit.done()


@pytest.mark.parametrize("screen", FIVE)
def test_pressing_think_moves_nothing(browser, server, screen):
    visit = Visit(browser, server, screen, f"#t=sudoku9&p={HARD}")
    parts = ["#chips", "#caption", ".board", "#think", ".actions"]
    assert visit.page.is_visible("#pad")
    before = {part: visit.box(part) for part in parts}
    visit.page.click("#think")
    visit.expect("#verdict", "^(First look|It changes)")
    after = {part: visit.box(part) for part in parts}
    assert {part: box["y"] for part, box in after.items()} == pytest.approx(
        {part: box["y"] for part, box in before.items()}, abs=1.5
    )
    assert after[".board"] == before[".board"]
    visit.done()


@pytest.mark.parametrize("screen", ["phone", "laptop", "landscape"])
def test_a_maze_fits_the_window_too(browser, maze, screen):
    visit = Visit(browser, maze, screen, reduced_motion="reduce")
    visit.expect("#verdict", "^Solved")
    board = visit.box(".board")
    assert board["y"] + board["height"] <= SCREENS[screen][1]
    assert board["height"] == pytest.approx(board["width"], abs=1)
    visit.done()


@pytest.mark.parametrize("ratio", [1, 1.5, 3])
@pytest.mark.parametrize("kind", ["server", "maze"])
def test_cells_are_whole_pixels(browser, request, kind, ratio):
    visit = Visit(browser, request.getfixturevalue(kind), "phone", device_scale_factor=ratio, reduced_motion="reduce")
    visit.expect("#verdict", "^Solved")
    edges = visit.page.evaluate(
        "[...document.querySelectorAll('[role=row]:first-child .cell')].map(c => c.getBoundingClientRect().left)"
    )
    places = [(edge - edges[0]) * ratio for edge in edges]
    assert places == pytest.approx([round(place) for place in places], abs=0.03)
    assert len({round(b) - round(a) for a, b in pairwise(places)}) == 1
    assert visit.box(".board")["width"] > 330
    visit.done()


@pytest.mark.parametrize("screen", ["phone", "laptop"])
def test_two_models_stand_side_by_side_and_it_is_said_who_is_first(browser, both, screen):
    visit = Visit(browser, both, screen, f"#t=sudoku9&b=sudoku-cpu&d=16&r=0&s=1&p={HARD}")
    page = visit.page
    visit.expect("#race", "^Both look at the same time")
    boards = page.evaluate(
        """[...document.querySelectorAll(".board")].map(board => {
            const {left, top, right, bottom} = board.getBoundingClientRect();
            return [left, top, right, bottom];
        })"""
    )
    (left, right), height = boards, SCREENS[screen][1]
    assert left[2] <= right[0]
    assert left[1] == right[1]
    assert max(left[3], right[3]) <= height
    last = int(page.get_attribute("#scrubber", "max") or 0)
    page.locator("#scrubber").fill(str(last))
    first, rest = r"\S+ was first, after \d+ looks?\.", r"(\S+ took \d+\.|The other did not solve it\.)"
    visit.expect("#race", rf"^({first} {rest}|A draw: both after \d+ looks?\.)$")
    said = [view.text_content() or "" for view in page.query_selector_all(".verdict")]
    assert all(text.startswith(("Solved", "Not solved")) for text in said)
    visit.done()
