"""Waits show that something goes on: a line within a second where people wait, in the terminal beside the bar."""

from __future__ import annotations

import time

import pytest

from ponderling.cli import main
from ponderling.cli.display import Bars
from ponderling.training.observer import Observer
from ponderling.training.starting import start
from runs import tiny

FOUR = "1..4..3..2......"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("ponderling.system.PATIENCE", 0.0)


def test_validation_and_test_of_a_run_say_that_they_go_on(tmp_path, impatient, capsys, monkeypatch):
    monkeypatch.setattr("ponderling.training.observer.SECONDS_BETWEEN_LINES", 0.0)
    start(tiny(steps=2), tmp_path / "run").run()
    said = capsys.readouterr().err
    assert "validating on " in said
    assert "testing on " in said
    assert " of " in said.partition("testing on ")[2].splitlines()[1]  # how far it is


def test_a_silent_observer_hears_how_far_the_scoring_is_and_prints_nothing(tmp_path, impatient, capsys):
    start(tiny(steps=2), tmp_path / "run", observer=Observer()).run()
    assert capsys.readouterr().err == ""


def test_a_puzzle_a_file_and_a_film_say_that_they_are_thought_about(tmp_path, impatient, capsys):
    run = tmp_path / "run"
    start(tiny(steps=2), run).run()
    file = tmp_path / "four.txt"
    file.write_text(f"{FOUR}\n{FOUR}\n")
    capsys.readouterr()
    assert main(["solve", str(run), FOUR]) == 0
    assert "thinking about a grid of 4x4, up to " in capsys.readouterr().err
    assert main(["solve", str(run), str(file)]) == 0
    assert "thinking about 2 puzzles\n" in capsys.readouterr().err
    assert main(["film", str(run), FOUR, str(tmp_path / "film.svg")]) == 0
    assert "thinking about a grid of 4x4" in capsys.readouterr().err


def test_a_bar_that_is_not_in_a_terminal_has_a_line_before_the_first_batch_is_done(impatient, capsys):
    with Bars() as bars:
        bars.add("solving", total=1000)
        time.sleep(0.2)
    assert "solving: 1,000 in all" in capsys.readouterr().err


def test_what_is_done_at_once_says_nothing(capsys):
    with Bars() as bars:
        bars.add("solving", total=1000)(1000)
    assert capsys.readouterr().err == ""
