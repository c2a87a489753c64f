"""Files of puzzles as text: CSV with the columns of the public data sets, or one puzzle a line; and those data sets themselves.

For families whose cells are one character each; `GridTask` reads and writes through it.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ponderling.system import write_atomically
from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Tokens, join
from ponderling.tasks.opened import is_csv, lines_of
from ponderling.tasks.problems import Problems, shown

COLUMNS = ("source", "question", "answer", "rating")
"""Columns of the public data set's files."""
NAMES = {
    "question": ("question", "quizzes", "quiz", "puzzle", "puzzles", "board", "grid", "problem", "unsolved"),
    "answer": ("answer", "answers", "solution", "solutions", "solved"),
}
"""What the columns of questions and answers are called by others, Kaggle's data sets among them."""
OF_ANSWERS = ("solution", "answer", "solved", "output", "final", "label")
"""What the name of such a column has in it, where no column has a name of NAMES."""
OTHER_RULES = (
    "layout",
    "region",
    "jigsaw",
    "irregular",
    "cages",
    "cage",
    "killer",
    "thermometers",
    "arrows",
    "inequalities",
)
"""What says that a puzzle has other rules than its family, as a column or in JSON."""
NOT_READ = (
    "which would change the rules and is not read: name a jigsaw as --task jigsaw-LAYOUT, or put a letter for each cell into a "
    "column `regions` of a CSV; other rules are not known"
)
"""What is said of such a name."""
REGIONS = "regions"
"""A further column of ours: the layout of a jigsaw, a letter for each cell."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The letter of each region in that column."""
_AS_TEXT = re.compile(r"=\s*\"([^\"]*)\"|'([^']*)'?")  # ="53..." and '53...
_SEPARATOR = re.compile(r"\"?sep=.\"?", re.IGNORECASE)
MARKDOWN = re.compile(r"\s*\|(?:\s*:?-+:?\s*\|)+\s*")
"""The line below the heading of a table in Markdown."""
CHUNK = 8192
"""Rows held as text at a time: the public set's 3.8 million would take ten gigabytes."""
CHECKED = 1024
"""Rows whose answers are checked at a time."""


class TextTask(Protocol):
    """What reading and writing ask of a puzzle family."""

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def allowed(self) -> str:
        """What a cell may hold, for an error message."""
        ...

    def tokens_of(self, cells: str) -> Tokens:
        """The token of each character, 255 for one that no cell can have."""
        ...

    def place(self, i: int) -> str:
        """The place of cell i, in words."""
        ...

    def format(self, tokens: Tokens) -> str:
        """The grid (L,) as one line."""
        ...

    def wrong_answers(self, questions: Tokens, answers: Tokens) -> dict[int, str]:
        """Rows of questions and answers (N, L) whose answer cannot be right, with the reason."""
        ...

    def find_answer(self, question: Tokens) -> Tokens:
        """The answer (L,) of a question (L,); all PAD where the family cannot tell.

        Raises:
            PuzzleError: when the question has no answer, or more than one though it should not.
        """
        ...

    def in_own_symbols(self, question: str, answer: str) -> tuple[str, str, Any]:
        """Question and answer, which may be written in other symbols, in those of the family; and `Row.family`.

        Raises:
            PuzzleError: when it cannot be told what the symbols mean.
        """
        ...

    def own_rows(self, path: Path) -> Iterator[Row] | None:
        """The rows of a file in a form that only this family has; None for a CSV, or a puzzle a line."""
        ...

    def with_layout(self, layout: str) -> tuple[TextTask, NDArray[np.uint8]]:
        """The family with these regions in place of its own groups, and the number of each cell's region, (L,).

        Raises:
            ValueError: when such a family does not exist.
        """
        ...


class Row(NamedTuple):
    """One puzzle of a file, as text; empty where a column is not there."""

    number: int
    """The line that it begins in, from 1."""
    question: str
    answer: str = ""
    rating: str = ""
    source: str = ""
    regions: str = ""
    family: Any = None
    """The family with the symbols that the puzzle is written in, as `GridTask.as_written`; None where these are its own."""


def read_puzzles(task: TextTask, path: str | Path, *, limit: int | None = None) -> Puzzles:
    """Puzzles from a file: a CSV, one puzzle a line, or a form of the family's own; it may be gzipped.

    In a CSV the header names the columns: `question` is needed, `answer`, `rating` and `source` are used if present, and
    others are passed over. NAMES has further words for them. Where none occurs, the columns that are as long as a puzzle are
    the question and the answer. Without a header, the first field that is as long as a puzzle is the question, and the second
    the answer. Commas, semicolons or tabs part the columns.
    In a plain file a line is a puzzle, or a puzzle, a comma and its answer; empty lines and lines that start with # are passed
    over. Answers that are not given are searched for. A file whose name holds .csv, in any case, is a CSV.

    Raises:
        PuzzleError: naming file, row and reason, the first few problems of a file together.
        FileNotFoundError: when the file does not exist.
    """
    path = Path(path)
    problems = Problems(path)
    parts = []
    rows = itertools.islice(rows_of(task, path), limit)
    while chunk := list(itertools.islice(rows, CHUNK)):
        parts.append(_from_rows(task, chunk, problems=problems))
    if not parts:
        raise PuzzleError(f"{path}: no puzzle in it{_beginning(path)}")
    problems.report()
    return _joined(path, parts)


def _beginning(path: Path) -> str:
    """How the text of a file begins, for an error message; empty for one without text."""
    if is_csv(path):
        return ""
    first = next(
        (line.strip() for line in lines_of(path, holds="puzzles", is_remark=lambda _: True) if line.strip()), ""
    )
    return f", whose first line is {shown(first)}" if first else ""


def row_numbers(task: TextTask, path: str | Path, *, count: int) -> NDArray[np.int64]:
    """The number of the row that each of a file's first `count` puzzles is in, as `read_puzzles` names it in its errors."""
    return np.array([row.number for row in itertools.islice(rows_of(task, Path(path)), count)], np.int64)


def rows_of(task: TextTask, path: Path) -> Iterator[Row]:
    """The puzzles of a file as text, one after the other.

    Raises:
        PuzzleError: naming file, row and reason.
        FileNotFoundError: when the file does not exist.
    """
    own = task.own_rows(path)
    if own is not None:
        yield from own
        return
    L = task.grid_shape[0] * task.grid_shape[1]
    # a chunk of lines is held at a time, so none may be much longer than question, answer, regions and a name
    lines = lines_of(path, holds="puzzles", longest=4 * L + 10_000, is_remark=partial(_is_remark, L=L))
    for row in _csv_rows(path, lines, L=L) if is_csv(path) else _plain_rows(lines, L=L):
        try:
            question, answer, family = task.in_own_symbols(row.question, row.answer)
        except PuzzleError as error:
            raise PuzzleError(f"{path}, row {row.number}: {error}") from error
        yield row._replace(question=question, answer=answer, family=family)


def _is_remark(line: str, *, L: int) -> bool:
    """Whether letters of a line that are not UTF-8 are in no puzzle: those of a comment, or of a name in another field."""
    fields = (field.strip("\"'") for field in re.split("[,;\t]", line))
    return all(field.isascii() for field in fields if L in (len(field), len(field.strip())))


def _cells(text: str, L: int) -> str:
    """The cells of a field; a space may be one. What keeps a spreadsheet from taking them for a number is none of them."""
    if len(text) == L or len(text.strip()) == L:
        return text if len(text) == L else text.strip()
    found = _AS_TEXT.fullmatch(text.strip())
    return found[found.lastindex or 0] if found else text.strip()


def without_preamble(lines: Iterable[str], *, L: int) -> Iterator[tuple[int, str]]:
    """The lines of a CSV from its header on, with their numbers from 1: comments and Excel's `sep=;` before it are left out."""
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        is_comment = line.startswith("#") and len(re.split("[,;\t]", line.strip())[0]) != L
        if line.strip() and not is_comment and not _SEPARATOR.fullmatch(line.strip()):
            yield number, line
            yield from numbered


def _delimiter(line: str) -> str:
    """What parts the columns of a CSV whose first line this is."""
    return next((mark for mark in ",;\t|" if mark in line), ",")


def _plain_rows(lines: Iterable[str], *, L: int) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if line.isspace() and len(line) <= L:
            continue
        line = line.rstrip("\n")
        is_comment = line.startswith("#") and len(line.partition(",")[0]) != L  # # may be a cell, too
        question, _, answer = line.partition(",")
        if line.strip() and not is_comment:
            yield Row(number, _cells(question, L), _cells(answer, L))


def _csv_rows(path: Path, lines: Iterator[str], *, L: int) -> Iterator[Row]:
    before, first = next(without_preamble(lines, L=L), (1, ""))
    reader = csv.reader(itertools.chain([first] * bool(first), lines), delimiter=_delimiter(first))
    try:
        numbered = ((before - 1 + reader.line_num, fields) for fields in reader)
        first_rows = list(itertools.islice(numbered, 2))
        header, second = (fields for _, fields in [*first_rows, (0, []), (0, [])][:2])
        columns = _columns(path, header, second=second, L=L)
        for number, fields in itertools.chain(first_rows[columns.has_header :], numbered):
            if len(fields) >= len(header):
                source, question, answer, rating, regions = (fields[i] if i >= 0 else "" for i in columns.places)
                yield Row(
                    number,
                    _cells(question, L),
                    _cells(answer, L),
                    rating=rating.strip(),
                    source=source.strip(),
                    regions=regions.strip(),
                )
            elif any(fields):
                raise PuzzleError(f"{path}, row {number}: expected {len(header)} columns, got {len(fields)}")
    except csv.Error as error:
        raise PuzzleError(f"{path}, row {before - 1 + reader.line_num}: not CSV: {error}") from error


class _Columns(NamedTuple):
    """The columns of a CSV that hold a puzzle."""

    has_header: bool
    places: tuple[int, ...]
    """The columns of source, question, answer, rating and regions, from 0; -1 for one that is not there."""


def _columns(path: Path, header: list[str], *, second: list[str], L: int) -> _Columns:
    """The columns of a CSV, by its header; where that has no known name, by the columns that are as long as a puzzle."""
    names = [name.strip().strip("'").lower() for name in header]
    places = []
    for column in (*COLUMNS, REGIONS):
        own = [name for name in NAMES.get(column, (column,)) if name in names]
        if column in own:
            own = [column]
        found = [i for i, name in enumerate(names) if name in own]
        if len(found) > 1:
            same = (
                f"the column {own[0]} more than once" if len(own) == 1 else " and ".join(f"a column {n}" for n in own)
            )
            raise PuzzleError(f"{path}: the header has {same}: which one is the {column}?")
        places.append(found[0] if found else -1)
    if other := next((name for name in names if name in OTHER_RULES), None):
        raise PuzzleError(f"{path}: the header has {other}, {NOT_READ}")
    if places[1] >= 0:
        return _Columns(True, tuple(places))
    whole = [i for i, field in enumerate(header) if len(_cells(field, L)) == L]
    if whole:
        return _Columns(False, (-1, whole[0], whole[1] if len(whole) > 1 else -1, -1, -1))
    whole = [i for i, field in enumerate(second) if len(_cells(field, L)) == L]
    if len(second) == len(header) and 0 < len(whole) < 3:
        if len(whole) == 2 and any(word in names[whole[0]] for word in OF_ANSWERS) and "un" not in names[whole[0]]:
            whole.reverse()
        return _Columns(True, (-1, whole[0], whole[1] if len(whole) > 1 else -1, places[3], places[4]))
    shown_names = shown(",".join(header), quote="") or "nothing"
    raise PuzzleError(f"{path}: expected a header with the column question, got {shown_names}")


def _from_rows(task: TextTask, rows: list[Row], *, problems: Problems) -> Puzzles:
    """The puzzles of these rows, unrated ones with rating -1; what is wrong goes to `problems`."""
    if any(row.regions for row in rows):
        return _by_regions(task, rows, problems=problems)
    known = problems.count
    tokens = _column(task, rows, texts=[row.question for row in rows], name="question", problems=problems)
    labels = _column(task, rows, texts=[row.answer for row in rows], name="answer", problems=problems)
    if problems.count == known:
        _complete(task, rows, tokens=tokens, labels=labels, problems=problems)
    sources = tuple(sys.intern(row.source) for row in rows)
    return Puzzles(
        tokens, labels, puzzle_ids=np.zeros(len(rows), np.int32), ratings=_ratings(rows, problems), sources=sources
    )


def _by_regions(task: TextTask, rows: list[Row], *, problems: Problems) -> Puzzles:
    """The puzzles of these rows as in `_from_rows`, each read by the family with the row's regions."""
    parts, numbers = [], []
    numbers_of: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        numbers_of.setdefault(row.regions, []).append(i)
    for layout, own in numbers_of.items():
        try:
            family, regions = task.with_layout(layout) if layout else (task, None)
        except ValueError as error:
            problems.add(rows[own[0]].number, str(error))
            continue
        part = _from_rows(family, [rows[i]._replace(regions="") for i in own], problems=problems)
        if regions is not None:
            part = replace(part, regions=np.tile(1 + regions, (len(part), 1)))
        parts.append(part)
        numbers += own
    if not parts:
        problems.report()
    return join(parts)[np.argsort(numbers)]


def _joined(path: Path, parts: list[Puzzles]) -> Puzzles:
    """All parts as one, without ratings or sources if no row has one."""
    ratings = np.concatenate([part.ratings for part in parts if part.ratings is not None])
    unrated = int((ratings < 0).sum())
    if 0 < unrated < len(ratings):
        raise PuzzleError(f"{path}: {unrated} of {len(ratings)} rows have no rating: rate all or none")
    sources = tuple(source for part in parts for source in part.sources or ())
    return replace(join(parts), ratings=None if unrated else ratings, sources=sources if any(sources) else None)


def _column(task: TextTask, rows: list[Row], *, texts: list[str], name: str, problems: Problems) -> Tokens:
    """All texts as tokens at once, PAD for answers not given; only impossible texts are looked at one by one."""
    lines, columns = task.grid_shape
    L = lines * columns
    tokens = np.full((len(rows), L), PAD, np.uint8)
    fits = np.array([len(text) == L for text in texts])
    for i in np.flatnonzero(~fits):
        if texts[i] or name == "question":
            problems.add(rows[i].number, f"{name} has {len(texts[i])} characters, expected {L} for {lines}x{columns}")
    tokens[fits] = task.tokens_of("".join(text for text in texts if len(text) == L)).reshape(-1, L)
    for i, j in np.argwhere(tokens == 255):
        problems.add(rows[i].number, f"{name} has {texts[i][j]!r} at {task.place(int(j))}; {task.allowed}")
    return tokens


def _complete(task: TextTask, rows: list[Row], *, tokens: Tokens, labels: Tokens, problems: Problems) -> None:
    """Checks the answers that are given, and searches for those that are not."""
    is_given = np.array([bool(row.answer) for row in rows])
    given = np.flatnonzero(is_given)
    for start in range(0, len(given), CHECKED):  # so that few reasons are found in vain where all answers are wrong
        part = given[start : start + CHECKED]
        for i, reason in task.wrong_answers(tokens[part], labels[part]).items():
            problems.add(rows[part[i]].number, f"the answer does not fit the question: {reason}")
    for i in np.flatnonzero(~is_given):
        try:
            labels[i] = task.find_answer(tokens[i])
        except PuzzleError as error:
            problems.add(rows[i].number, str(error))


def _ratings(rows: list[Row], problems: Problems) -> NDArray[np.int32]:
    ratings = np.full(len(rows), -1, np.int32)
    for i, row in enumerate(rows):
        if row.rating.isascii() and row.rating.isdigit() and len(row.rating) < 10:
            ratings[i] = int(row.rating)
        elif row.rating:
            problems.add(row.number, f"rating must be a whole number, got {shown(row.rating, quote=chr(39))}")
    return ratings


def write_puzzles(task: TextTask, path: str | Path, *, puzzles: Puzzles) -> None:
    """Writes a CSV with the columns of Sudoku-Extreme (gzipped if the name ends in .gz), whole or not at all.

    Where puzzles bring their own regions, a column holds their layouts.
    """
    path = Path(path)
    layouts = None
    if puzzles.regions is not None and puzzles.regions.any():
        layouts = ["".join(np.array(["", *LETTERS])[row]) for row in puzzles.regions]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS if layouts is None else (*COLUMNS, REGIONS))
    for i in range(len(puzzles)):
        writer.writerow(
            (
                puzzles.sources[i] if puzzles.sources else "",
                task.format(puzzles.tokens[i]),
                task.format(puzzles.labels[i]) if puzzles.labels[i].any() else "",
                "" if puzzles.ratings is None else int(puzzles.ratings[i]),
                *([] if layouts is None else [layouts[i]]),
            )
        )
    content = text.getvalue().encode()
    # mtime 0, so that equal puzzles give equal files
    packed = gzip.compress(content, mtime=0) if path.suffix.lower() == ".gz" else content
    write_atomically(path, lambda temporary: temporary.write_bytes(packed))


def read_hub(task: TextTask, repository: str, *, split: str, limit: int | None = None) -> Puzzles:
    """Puzzles of a public data set on the Hub, fetched once and then kept by huggingface_hub.

    Args:
        task: The family.
        repository: `owner/name` of a data set with train.csv and test.csv.
        split: train or test.
        limit: Largest number of puzzles, from the first; None: all.

    Raises:
        PuzzleError: when the data set cannot be fetched.
    """
    from huggingface_hub import hf_hub_download

    try:
        path = hf_hub_download(repository, f"{split}.csv", repo_type="dataset")
    except Exception as error:  # whatever the client raises: no network, no such file, a refused token
        reason = " ".join(str(error).split())[:300]
        raise PuzzleError(
            f"{repository} {split}.csv cannot be fetched from the Hub: {reason}. Or name a file that you have"
        ) from error
    return read_puzzles(task, Path(path), limit=limit)
