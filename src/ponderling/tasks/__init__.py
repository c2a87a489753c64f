"""Puzzle families: data and rules, in numpy. `base.py` says what one is; `grid_task.py` is the base of all, and of yours."""

from __future__ import annotations

from ponderling.tasks.base import Task
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.registry import answers_by_vote, get_task, named_tasks

__all__ = ["GridTask", "Task", "answers_by_vote", "get_task", "named_tasks"]
