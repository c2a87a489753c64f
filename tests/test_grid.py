"""A family of one's own on `GridTask`: what it gets for nothing, and how it is found by name."""

import numpy as np
import pytest

from ponderling.tasks import GridTask, get_task
from ponderling.tasks.base import PuzzleError


class Mirror(GridTask):
    """The answer is the question mirrored left to right."""

    name, grid_shape, symbols = "mirror", (2, 3), " #"

    def generate(self, rng, count):
        questions = rng.integers(1, 3, (count, 2, 3))
        return self.puzzles(questions, questions[:, :, ::-1])


class JudgedMirror(Mirror):
    def is_right(self, question, answer):
        return [] if (question.reshape(2, 3)[:, ::-1].reshape(-1) == answer).all() else ["no mirror image"]


def test_puzzles_survive_a_file_with_spaces_and_hashes_as_cells(tmp_path):
    task = Mirror()
    puzzles = task.generate(np.random.default_rng(0), 50)
    for name in ("puzzles.csv", "puzzles.csv.gz"):
        task.write(tmp_path / name, puzzles)
        again = task.read(tmp_path / name)
        assert (again.tokens == puzzles.tokens).all()
        assert (again.labels == puzzles.labels).all()
    lines = [f"{task.format(q)},{task.format(a)}" for q, a in zip(puzzles.tokens, puzzles.labels)]
    (tmp_path / "plain.txt").write_text("# a comment that is longer than a grid\n" + "\n".join(lines))
    assert (task.read(tmp_path / "plain.txt").tokens == puzzles.tokens).all()


def test_answers_that_are_not_given_are_unknown_and_stay_so(tmp_path):
    (tmp_path / "a.csv").write_text("question\n ## # \n######\n")
    puzzles = Mirror().read(tmp_path / "a.csv")
    assert not puzzles.labels.any()
    Mirror().write(tmp_path / "b.csv", puzzles)
    assert not Mirror().read(tmp_path / "b.csv").labels.any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#" * 5, "expected 6 cells for 2x3, got 5"),
        ("##x###", "'x' at row 1 column 3 is not a symbol of mirror (one of ' ' '#')"),
    ],
)
def test_text_that_is_no_question_is_refused(text, message):
    with pytest.raises(PuzzleError) as error:
        Mirror().parse(text)
    assert message in str(error.value)


def test_a_file_whose_answers_break_the_rules_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("question,answer\n ## # ,##  # \n######,# ####\n")
    with pytest.raises(PuzzleError, match=r"row 3: the answer does not fit the question: no mirror image"):
        JudgedMirror().read(tmp_path / "a.csv")
    assert len(Mirror().read(tmp_path / "a.csv")) == 2  # without rules nobody can tell


def test_rules_are_there_only_if_the_family_defines_them():
    assert JudgedMirror().has_rules
    assert not Mirror().has_rules
    task = JudgedMirror()
    puzzles = task.generate(np.random.default_rng(0), 8)
    assert task.valid(puzzles.tokens, puzzles.labels).all()
    assert task.check(puzzles.tokens[0], puzzles.tokens[0] % 2 + 1).reasons == ("no mirror image",)


def test_the_default_test_set_shares_no_question_with_the_training_set():
    train, test = (Mirror().load_default(split) for split in ("train", "test"))
    assert not {row.tobytes() for row in train.tokens} & {row.tobytes() for row in test.tokens}


def test_a_family_is_found_by_module_and_attribute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_for_test.py").write_text(
        "from ponderling.tasks import GridTask\nclass Mine(GridTask):\n    name, grid_shape, symbols = 'mine', (1, 2), 'ab'\n"
        "half_baked = 3\n"
    )
    assert get_task("mine_for_test:Mine").vocab_size == 3
    with pytest.raises(ValueError, match="no_such_module cannot be imported"):
        get_task("no_such_module:Mine")
    with pytest.raises(ValueError, match="mine_for_test has no 'Yours'"):
        get_task("mine_for_test:Yours")
    with pytest.raises(
        ValueError, match=r"is not a puzzle family: it lacks answers_by_vote, as_written, augment and \d+ more; derive"
    ):
        get_task("mine_for_test:half_baked")
