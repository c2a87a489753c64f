"""Files of Sudokus as they come, and the public data set at the network's edge."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.family import HUB_REPOSITORY
from test_sudoku import EXAMPLE, S6, S9, SOLVED


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz"])
def test_a_file_reads_back_as_it_was_written(tmp_path, name):
    puzzles = S6.load_default("test")[:50]
    S6.write(tmp_path / name, puzzles)
    read = S6.read(tmp_path / name)
    assert (read.tokens == puzzles.tokens).all()
    assert (read.labels == puzzles.labels).all()
    assert (read.ratings == puzzles.ratings).all()
    assert read.sources == puzzles.sources
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_public_columns_are_read_in_any_order_among_others(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text(f'clues,answer,rating,"question",source\n30,{SOLVED},7,"{EXAMPLE}",me\n')
    puzzles = S9.read(file)
    assert (S9.format(puzzles.tokens[0]), S9.format(puzzles.labels[0])) == (EXAMPLE, SOLVED)
    assert puzzles.ratings.tolist() == [7]
    assert puzzles.sources == ("me",)


def test_plain_lines_are_read_and_missing_answers_found(tmp_path):
    file = tmp_path / "p.txt"
    file.write_text(f"# mine\n{EXAMPLE}\n\n{EXAMPLE.replace('.', '0')},{SOLVED}\n")
    puzzles = S9.read(file)
    assert [S9.format(row) for row in puzzles.labels] == [SOLVED, SOLVED]
    assert puzzles.ratings is None


def test_a_file_longer_than_a_chunk_reads_whole_and_names_rows_rightly(tmp_path, monkeypatch):
    monkeypatch.setattr("ponderling.tasks.text_files.CHUNK", 8)
    puzzles = S6.load_default("test")[:50]
    file = tmp_path / "p.csv"
    S6.write(file, puzzles)
    read = S6.read(file)
    assert (read.tokens == puzzles.tokens).all()
    assert (read.ratings == puzzles.ratings).all()
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:10], "x,1,2,3", *lines[10:40], "x,4,5,6", *lines[40:]]))
    with pytest.raises(PuzzleError, match="rows 11, 42: question has 1 ") as error:
        S6.read(file)
    assert "more" not in str(error.value)


def test_a_limit_reads_no_further(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text(f"question,answer\n{EXAMPLE},{SOLVED}\n" * 1 + f"{EXAMPLE},{SOLVED}\nnonsense,1\n")
    assert len(S9.read(file, limit=2)) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"question,answer\n{EXAMPLE},{SOLVED}\n{EXAMPLE[:-1]},{SOLVED}\n",
            "row 3: question has 80 characters, expected 81",
        ),
        (f"question,answer\n{EXAMPLE},{SOLVED[:-1]}x\n", "row 2: answer has 'x' at row 9 column 9"),
        (f"question,answer\n{EXAMPLE},{SOLVED[::-1]}\n", "row 2: the answer does not fit the question: the clue 5"),
        (
            f"question,answer\n55{EXAMPLE[2:]},{SOLVED}\n",
            "row 2: the answer does not fit the question: 5 stands twice in row 1",
        ),
        (f"question\n{'.' * 81}\n", "row 2: the puzzle has more than one solution"),
        (f"question,answer,rating\n{EXAMPLE},{SOLVED},hard\n", "row 2: rating must be a whole number, got 'hard'"),
        (f"question,answer,rating\n{EXAMPLE},{SOLVED},1\n{EXAMPLE},{SOLVED},\n", "1 of 2 rows have no rating"),
        (f"question,answer\n{EXAMPLE}\n", "row 2: expected 2 columns, got 1"),
        ("a,b\n1,2\n", "expected a header with the column question, got a,b"),
        ("question\n", "no puzzle in it"),
        ("", "got nothing"),
        ("question,answer\n" + f"{EXAMPLE[:-1]},{SOLVED}\n" * 9, "and 4 more problems"),
    ],
)
def test_a_bad_file_is_named_with_row_and_reason(tmp_path, text, message):
    file = tmp_path / "p.csv"
    file.write_text(text)
    with pytest.raises(PuzzleError) as error:
        S9.read(file)
    assert message in str(error.value)
    assert str(file) in str(error.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "p.csv").write_bytes(bytes(range(128, 256)))
    (tmp_path / "q.csv.gz").write_bytes(b"not gzip")
    (tmp_path / "r.csv.gz").write_bytes(gzip.compress(b"question\n" * 1000)[:-12])
    for name in ("p.csv", "q.csv.gz", "r.csv.gz"):
        with pytest.raises(PuzzleError, match="not a text file of puzzles"):
            S9.read(tmp_path / name)


# The public data set, at the network's edge


class FakeHub(BaseHTTPRequestHandler):
    """A Hub that has one file of one data set."""

    protocol_version = "HTTP/1.1"
    file = (
        f"source,question,answer,rating\nx,{EXAMPLE},{SOLVED},3\n".encode() + f"x,{EXAMPLE},{SOLVED},4\n".encode() * 5
    )

    def do_HEAD(self):
        found = self.path == f"/datasets/{HUB_REPOSITORY}/resolve/main/train.csv"
        self.send_response(200 if found else 404)
        for name, value in (
            (("X-Repo-Commit", "0" * 40), ("ETag", '"1"')) if found else (("X-Error-Code", "EntryNotFound"),)
        ):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.file) if found else 0))
        self.end_headers()
        return found

    def do_GET(self):
        if self.do_HEAD():
            self.wfile.write(self.file)

    def log_message(self, *args):
        pass


@pytest.fixture
def read_hub(tmp_path):
    """Reads from the fake Hub in a process of its own, since huggingface_hub looks at its settings when it is imported."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }

    def read(task: str, split: str, limit: int | None = None, **more: str) -> str:
        program = f"""
from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.base import PuzzleError
try:
    print(SUDOKUS[{task!r}].read_hub({split!r}, {limit}).ratings.tolist())
except PuzzleError as error:
    print(error)
"""
        environment = {**os.environ, **settings, **more}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    yield read
    server.shutdown()
    server.server_close()


def test_the_public_data_set_is_fetched_once_from_the_hub(read_hub):
    assert read_hub("sudoku9", "train", limit=2) == "[3, 4]\n"
    assert read_hub("sudoku9", "train", HF_HUB_OFFLINE="1") == "[3, 4, 4, 4, 4, 4]\n"


@pytest.mark.parametrize(
    ("task", "split", "offline", "message"),
    [
        ("sudoku9", "test", "0", f"{HUB_REPOSITORY} test.csv cannot be fetched from the Hub: 404"),
        ("sudoku9", "train", "1", f"{HUB_REPOSITORY} train.csv cannot be fetched from the Hub: "),
        ("sudoku4", "train", "0", "sudoku4 has no public data set: name a file, or default"),
        ("latin9", "train", "0", "latin9 has no public data set: name a file, or default"),
    ],
)
def test_a_hub_that_does_not_have_the_puzzles_is_one_clear_line(read_hub, task, split, offline, message):
    said = read_hub(task, split, HF_HUB_OFFLINE=offline)
    assert said.startswith(message)
    assert said.count("\n") == 1
