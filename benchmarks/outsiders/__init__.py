"""Grid tasks that others made up, as files: what each asks, how it is drawn, and what counts as right.

`task.py` says what a task is and how its files are drawn apart. `gym_tasks.py` has those of reasoning-gym, `cells.py` the
classics about neighbouring cells, `puzzles.py` the classic puzzles. `drawn.py` has three that draw what a structure cannot
say. `plain.py` has the baselines in plain torch.
"""

from __future__ import annotations

from .cells import CELL_TASKS
from .drawn import DRAWN_TASKS
from .gym_tasks import GYM_TASKS
from .puzzles import PUZZLE_TASKS
from .task import Task

TASKS: dict[str, Task] = {task.name: task for task in (*GYM_TASKS, *CELL_TASKS, *PUZZLE_TASKS, *DRAWN_TASKS)}
"""All tasks by name."""
