"""Mazes drawn over several lines: as text, in files, and as mazelib and maze-dataset write them."""

from __future__ import annotations

import json
import re

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze import Maze
from ponderling.tasks.maze.cells import PATH, WALL
from servers import serving_command

# mazelib 0.9.16: Maze.set_seed(1), Prims(3, 6), BacktrackingSolver, then maze.tostring(entrances=True, solutions=True)
MAZELIB = """\
#############
#+++++++++  #
#+### ###+###
#+#   #  +++S
#+### ### ###
E+#     #   #
#############"""

# maze-dataset 1.4.2 with muutils 0.8.3: seed 0, LatticeMazeGenerators.gen_dfs of 4x5, SolvedMaze.as_ascii()
MAZE_DATASET = """\
###########
#   #   # #
# # # ### #
# # #   # #
# ##### # #
#E#   # # #
#X# # # # #
#S  #     #
###########"""


def drawing(task: Maze, tokens: np.ndarray, *, cut: bool = False) -> str:
    rows, columns = task.grid_shape
    cells = task.format(tokens)
    lines = [cells[r * columns : (r + 1) * columns] for r in range(rows)]
    return "\n".join(line.rstrip(" ") if cut else line for line in lines)


@st.composite
def bordered(draw):
    """A family and some of its mazes, with walls all round as other programs draw them."""
    rows, columns = draw(st.integers(3, 8)), draw(st.integers(5, 9))
    task = Maze(rows, columns)
    mazes = Maze(rows - 2, columns - 2).generate(
        np.random.default_rng(draw(st.integers(0, 99))), draw(st.integers(1, 4)), kind="field", unsolvable=0.2
    )
    tokens = np.full((len(mazes), rows, columns), WALL, np.uint8)
    tokens[:, 1:-1, 1:-1] = mazes.tokens.reshape(-1, rows - 2, columns - 2)
    return task, tokens.reshape(len(mazes), -1)


@settings(max_examples=60, deadline=None)
@given(bordered(), st.booleans(), st.booleans(), st.sampled_from(["", "\n", "\n\n"]))
def test_drawn_mazes_of_a_file_are_read_back(tmp_path_factory, case, windows, answered, between):
    task, tokens = case
    labels = np.array([task.find_answer(row) for row in tokens])
    text = ("\n" + between).join(drawing(task, row) for row in (labels if answered else tokens)) + "\n"
    file = tmp_path_factory.mktemp("drawn") / "mazes.txt"
    file.write_bytes(text.replace("\n", "\r\n").encode() if windows else text.encode())
    read = task.read(file)
    assert (read.tokens == tokens).all()
    assert (read.labels == labels).all()
    assert task.places_in(file, len(tokens))[0] == "maze"


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 7), st.integers(2, 7), st.integers(0, 999))
def test_a_drawn_question_is_read_also_where_the_last_blanks_of_its_lines_are_cut_off(rows, columns, seed):
    task = Maze(rows, columns)
    question = task.generate(np.random.default_rng(seed), 1, kind="field").tokens[0]
    for text in (drawing(task, question), "\r\n".join(drawing(task, question).split("\n")) + "\r\n"):
        assert (task.parse(text) == question).all()
        assert task.name_for(text) == task.name
        assert Maze(9).name_for(text) == task.name
    cut = drawing(task, question, cut=True)
    lines = cut.split("\n")
    if lines[0] and lines[-1]:  # an empty line at either end may be none of the maze
        assert (task.parse(cut) == question).all()


@pytest.mark.parametrize("text", [MAZELIB, MAZE_DATASET], ids=["mazelib", "maze-dataset"])
def test_what_other_programs_write_is_read_with_its_answer(tmp_path, text):
    lines = text.split("\n")
    task = Maze(len(lines), len(lines[0]))
    bare = text.replace("+", " ").replace("X", " ")
    question = task.parse(bare)
    assert task.format(question) == bare.replace("\n", "").replace("E", "G")
    for name, content in (("answered.txt", text), ("bare.txt", bare)):
        (tmp_path / name).write_text(content + "\n\n" + content + "\n")
        read = task.read(tmp_path / name)
        assert (read.tokens == question).all()
        assert len(read) == 2
        assert task.format(read.labels[0]) == re.sub("[+X]", "o", text).replace("\n", "").replace("E", "G")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#####\n#S#G#\n#   #\n", "line 1: expected 4 lines of 5 characters: the file ends after 3"),
        ("#####\n#S#S#\n#   #\n#####\n", "line 1: a maze has one G: got none"),
        ("#####\n#S#G#\n#   #\n#####\n\n#####\n#SoG#\n# o #\n#####\n", "line 6: the answer does not fit the question"),
        (
            "######\n#S #G#\n#    #\n######\n",
            "expected mazes of 4x5, found one drawn over 4 lines of up to 6 characters",
        ),
        (
            "#####\n#S#G#\n#   #\n#   #\n#####\n\n",
            "found one drawn over 5 lines of up to 5 characters: say --task maze5x5",
        ),
    ],
)
def test_drawn_mazes_that_cannot_be_are_told(tmp_path, text, message):
    (tmp_path / "m.txt").write_text(text)
    with pytest.raises(PuzzleError, match=re.escape(message)) as error:
        Maze(4, 5).read(tmp_path / "m.txt")
    assert "\n" not in str(error.value)


def test_a_file_with_a_maze_a_line_is_read_as_before(tmp_path):
    task = Maze(4, 5)
    mazes = task.generate(np.random.default_rng(0), 6, kind="mixed", unsolvable=0.3)
    lines = [task.format(row) for row in mazes.tokens]
    (tmp_path / "m.txt").write_text("# made by hand\n" + "\n".join(lines) + "\n")
    read = task.read(tmp_path / "m.txt")
    assert (read.tokens == mazes.tokens).all()
    assert (read.labels == mazes.labels).all()
    assert task.places_in(tmp_path / "m.txt", 2)[0] == "row"


def test_solve_takes_a_maze_on_several_lines_of_any_size(tmp_path, capsys):
    bare = MAZELIB.replace("+", " ")
    assert main(["solve", "maze", bare, "--steps", "3"]) == 0
    answer = re.sub(r"\s", "", capsys.readouterr().out)
    assert "██" in answer
    assert "solved" in answer
    assert main(["solve", "maze", "S \n##\n  \n G", "--steps", "2", "--json"]) == 0
    said = capsys.readouterr().out
    assert '"question": "S ##   G"' in said
    (tmp_path / "m.txt").write_text(bare + "\n")
    for task in ([], ["--task", "maze7x13"]):
        assert main(["solve", "maze", str(tmp_path / "m.txt"), *task, "--steps", "3"]) == 0
        assert "1 of 1 answers obey the rules" in capsys.readouterr().err


def test_solve_says_in_words_that_no_way_leads_to_g():
    from ponderling.pictures.terminal import outcome_text
    from ponderling.solving.records import Answer
    from ponderling.solving.result import Result

    task = Maze(2, 3)
    question = task.parse("S#G## ")
    how = {"steps": 2, "passes": 2, "halted": True, "accepted": True, "halt_probability": 0.9}
    found = Answer(tokens=question, first=question, **how)
    right = Result(task, question, found=found)
    assert right.valid
    assert right.to_json()["note"] == "no way leads from S to G"
    assert outcome_text(right).plain == "solved: no way leads from S to G; the model stopped after 2 steps, 90% sure"
    marked = question.copy()
    marked[5] = PATH
    assert task.check(question, marked).reasons == ("no way leads from S to G, yet 1 cell is marked",)
    assert task.check(question, marked).note == ""
    assert task.check(question, marked).wrong_cells == (5,)
    with_way = task.parse("S G## ")
    assert task.check(with_way, task.find_answer(with_way)).note == ""


def test_the_server_answers_a_maze_without_a_way_and_one_with_several_s():
    question = "S#" + 8 * " " + 2 * "#" + 8 * " " + 79 * " " + "G"
    with serving_command("maze") as url:
        puzzles = [question, "S" + 98 * " " + "G", "SS" + 97 * " " + "G"]
        reply = httpx.post(f"{url}/v1/solve", json={"puzzles": puzzles, "steps": 4, "task": "maze10"})
        assert reply.status_code == 200
        refused = httpx.post(f"{url}/v1/solve", json={"puzzles": [99 * " " + "S"], "steps": 4, "task": "maze10"})
    task = Maze(10)
    for said in reply.json()["results"]:
        verdict = task.check(task.read_cells(said["question"]), task.read_cells(said["answer"].replace("?", " ")))
        assert said["valid"] == verdict.valid
        assert said["reasons"] == list(verdict.reasons)
        assert said["note"] == verdict.note
    assert refused.status_code == 422
    assert "a maze has one G: got none" in refused.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S  #\n ## \n    \n", "maze3x4"),
        ("\n\nS  #\n ##\n    \n#  G\n\nS  #\n ## \n    \n#  G\n", "maze4x4"),
        ("S" + " " * 98 + "G\n" + "S" + " " * 97 + "G \n", "maze10"),  # a maze of 10x10 in each line
        ("only one line of letters\nand another\n", "maze10"),
        ("S G\n", "maze10"),
    ],
)
def test_a_file_of_drawn_mazes_tells_their_size(tmp_path, text, expected):
    path = tmp_path / "mazes.txt"
    path.write_text(text)
    expected = "maze4" if expected == "maze4x4" else expected
    assert Maze(10).name_in(path) == expected
    assert Maze(10).name_in(tmp_path / "mazes.csv") == "maze10"


def test_solve_takes_the_size_from_a_drawn_file(tmp_path, capsys):
    path = tmp_path / "mazes.txt"
    path.write_text("S  #\n ## \n    \n#  G\n   #\n\nS  #\n ## \n   #\n#  G\n    \n")
    assert main(["solve", "maze", str(path), "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(len(answer["question"]), answer["valid"]) for answer in answers] == [(20, True)] * 2
    assert main(["solve", "maze", str(path), "--task", "maze4"]) == 2
    assert "--task maze5x4" in capsys.readouterr().err
