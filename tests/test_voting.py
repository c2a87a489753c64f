"""Votes, pass@k and submissions, against votes made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ponderling.tasks.arc.voting import (
    Candidate,
    Votes,
    attempts,
    check_submission,
    pass_at,
    rank_of,
    score_submission,
)


def grid(*rows):
    return np.array(rows, np.uint8)


A, B, C = grid([1]), grid([1, 2]), grid([1], [2])
EMPTY = np.zeros((0, 0), np.uint8)


def counted(*given):
    votes = Votes()
    for answer, score in given:
        votes.add(answer, score)
    return votes.ranked()


def test_more_votes_win_over_a_higher_score():
    ranked = counted((A, 0.9), (B, 0.1), (B, 0.2))
    assert [(c.grid.tolist(), c.votes) for c in ranked] == [([[1, 2]], 2), ([[1]], 1)]
    assert ranked[0].score == pytest.approx(0.15)


def test_of_equally_many_votes_the_higher_mean_score_wins():
    ranked = counted((A, 0.5), (B, 0.9), (A, 0.5), (B, 0.2))  # means 0.5 and 0.55
    assert ranked[0].grid is B
    ranked = counted((A, 0.5), (B, 0.9), (A, 0.5), (B, 0.0))  # 0.5 and 0.45
    assert ranked[0].grid is A


def test_of_wholly_equal_answers_the_first_stays_first():
    assert counted((C, 0.5), (A, 0.5), (B, 0.5))[0].grid is C


def test_grids_of_the_same_cells_but_another_shape_differ():
    assert len(counted((B, 0.5), (C, 0.5))) == 2


def test_the_rank_of_the_right_answer():
    ranked = counted((A, 0.9), (B, 0.1), (B, 0.2))
    assert (rank_of(ranked, B), rank_of(ranked, A), rank_of(ranked, C)) == (1, 2, None)


def test_pass_at_k_is_a_mean_over_tasks_and_over_test_inputs():
    ranks = {"two": [1, 3], "one": [2], "none": [None], "late": [1000]}
    figures = pass_at(ranks)
    assert figures["task"] == {
        "pass@1": pytest.approx((0.5 + 0 + 0 + 0) / 4),
        "pass@2": pytest.approx((0.5 + 1 + 0 + 0) / 4),
        "pass@5": pytest.approx((1 + 1 + 0 + 0) / 4),
        "pass@10": pytest.approx(2 / 4),
        "pass@100": pytest.approx(2 / 4),
        "pass@1000": pytest.approx(3 / 4),
    }
    assert figures["test"]["pass@1"] == pytest.approx(1 / 5)
    assert figures["test"]["pass@1000"] == pytest.approx(4 / 5)


def test_a_submission_has_two_attempts_that_kaggle_takes():
    assert attempts([Candidate(A, 2, 0.5), Candidate(B, 1, 0.5), Candidate(C, 1, 0.1)]) == {
        "attempt_1": [[1]],
        "attempt_2": [[1, 2]],
    }
    assert attempts([Candidate(B, 2, 0.5)]) == {"attempt_1": [[1, 2]], "attempt_2": [[1, 2]]}
    assert attempts([Candidate(EMPTY, 2, 0.5), Candidate(A, 1, 0.5)]) == {"attempt_1": [[0]], "attempt_2": [[1]]}
    assert attempts([]) == {"attempt_1": [[0]], "attempt_2": [[0]]}


def test_faults_of_a_submission_are_all_named():
    good = {"attempt_1": [[1]], "attempt_2": [[0, 9]]}
    num_tests = {"a": 1, "b": 2}
    assert check_submission({"a": [good], "b": [good, good]}, num_tests) == []
    faults = check_submission({"a": [{**good, "attempt_2": [[1], [1, 2]]}], "c": [good]}, num_tests)
    assert faults == [
        "task a, test 1: attempt_2 is no grid of colours 0 to 9",
        "task b is missing",
        "task c is not in the challenge",
    ]
    assert check_submission({"a": [good], "b": [good]}, num_tests) == ["task b: expected 2 test inputs, got 1"]
    for wrong in ([], [[]], [[10]], [[True]], [[1.0]], None, "1"):
        assert len(check_submission({"a": [{"attempt_1": wrong, "attempt_2": [[1]]}]}, {"a": 1})) == 1
    assert check_submission([], num_tests) == ["a submission is an object with a list of attempts for each task id"]


def test_a_submission_is_scored():
    submission = {
        "a": [{"attempt_1": [[1]], "attempt_2": [[2]]}, {"attempt_1": [[2]], "attempt_2": [[1, 2]]}],
        "b": [{"attempt_1": [[3]], "attempt_2": [[3]]}],
    }
    figures = score_submission(submission, {"a": [A, B], "b": [C]})
    assert figures["task"] == {"pass@1": 0.25, "pass@2": 0.5}
    assert figures["test"] == {"pass@1": pytest.approx(1 / 3), "pass@2": pytest.approx(2 / 3)}
    assert (figures["tasks"], figures["tests"]) == (2, 3)
