"""Text files of any origin: what is read alike, and what is refused in one line with the file's name."""

from __future__ import annotations

import gzip
import io
import json
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arc_examples import example_tasks
from ponderling.cli import main
from ponderling.cli.solve import _lines_of_stdin
from ponderling.data import grid_config
from ponderling.tasks import get_task
from ponderling.tasks.arc.files import read_tasks
from ponderling.tasks.arc.official_names import read_names
from ponderling.tasks.arc.voting import read_submission
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.npy import read_npy, read_npz
from ponderling.tasks.official_layout import read_facts
from ponderling.tasks.opened import lines_of, read_json
from test_sudoku import EXAMPLE, S9, SOLVED

TEXT = "first é\nsecond\n\nlast"
LINES = ["first é\n", "second\n", "\n", "last"]


def lines(path):
    return list(lines_of(path, holds="puzzles"))


# What is read alike


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")],
)
def test_lines_are_the_same_in_every_form(packed, end, encoding, mark, tmp_path):
    content = mark + TEXT.replace("\n", end).encode(encoding)
    for name in ("a.txt", "a.TXT.GZ") if packed else ("a.txt",):
        (tmp_path / name).write_bytes(gzip.compress(content, mtime=0) if packed else content)
        assert lines(tmp_path / name) == LINES


def test_several_gzip_members_are_one_text(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"one\n", mtime=0) + gzip.compress(b"two\n"))
    assert lines(tmp_path / "a.gz") == ["one\n", "two\n"]


@given(text=st.text(st.characters(exclude_characters="\0", codec="utf-8")), block=st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_no_line_depends_on_the_size_of_a_block(text, block, tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_bytes(text.encode())
    expected = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8-sig", newline=None).readlines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ponderling.tasks.opened._BLOCK", 4 + block)
        assert lines(path) == expected


@pytest.mark.parametrize("wrap", [lambda b: b, lambda b: b"\xef\xbb\xbf" + b, lambda b: b.decode().encode("utf-16")])
@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress])
def test_every_reader_reads_every_form(wrap, pack, tmp_path):
    """Also where the name says nothing of gzip, or is in capitals."""

    def write(name, text):
        (tmp_path / name).write_bytes(pack(wrap(text.encode())))
        return tmp_path / name

    csv = write("A.CSV", f"question,answer\r\n{EXAMPLE},{SOLVED}\r\n")
    assert S9.format(S9.read(csv).labels[0]) == SOLVED
    assert S9.format(S9.read(write("a.txt", f"{EXAMPLE}\r\n")).tokens[0]) == EXAMPLE
    maze = get_task("maze2x3")
    assert maze.format(maze.read(write("m.txt", "S  ##G,Soo##G\n")).tokens[0]) == "S  ##G"
    assert read_grid_file(write("g.JSONL", '{"input": [["é"]], "output": [[1]]}')).symbols == ("é", "1")
    assert read_grid_file(write("g.csv", "input,output\r\n1/2,2/1\r\n")).inputs.shapes.tolist() == [[2, 1]]
    assert list(read_tasks(write("tasks.JSON", json.dumps(example_tasks())))) == list(example_tasks())
    assert read_submission(write("s.json", "{}")) == {}
    assert read_names(write("identifiers.json", '["<blank>", "a"]')).identifiers.tasks.keys() == {"a"}


def test_arc_files_of_a_folder_may_be_packed_or_in_capitals(tmp_path):
    tasks = example_tasks()
    solutions = {name: [test.pop("output") for test in task["test"]] for name, task in tasks.items()}
    (tmp_path / "x_challenges.json.gz").write_bytes(gzip.compress(json.dumps(tasks).encode(), mtime=0))
    (tmp_path / "x_solutions.json.gz").write_bytes(gzip.compress(json.dumps(solutions).encode(), mtime=0))
    (tmp_path / "one.JSON").write_text(json.dumps({"train": tasks["turn"]["train"], "test": tasks["turn"]["train"]}))
    read = read_tasks(tmp_path)
    assert next(iter(read)) == "one"
    assert all(task.is_scored for task in read.values())


# What is refused


def refusal(call, *names) -> str:
    with pytest.raises((PuzzleError, FileNotFoundError)) as error:
        call()
    message = str(error.value)
    assert message.isprintable()
    assert len(message) < 800
    assert all(str(name) in message for name in names)
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ab\ncd\xe9f\n", "line 2 (byte 5) is not UTF-8; save it as UTF-8"),
        (b"ab\r\rcd\xe9f\n", "line 3 (byte 6) is not UTF-8"),
        (b"ab\ncd\xe9", "line 2 (byte 5) is not UTF-8"),
        (b"\xff\xfea\0\n\0\x00\xd8", "line 2 (byte 6) is not UTF-16-LE"),
        (b"ab\nc\0d\n", "line 2 has a NUL character"),
        ("ab\n".encode("utf-16-le"), "line 1 has a NUL character: it is binary, or UTF-16 without a byte-order mark"),
        ("ab\n".encode("utf-32"), "it is in UTF-32; save it as UTF-8"),
        (gzip.compress(b"ab\n" * 999, mtime=0)[:-9], "its gzip is damaged: Compressed file ended before"),
        (gzip.compress(b"ab\n", mtime=0) + b"junk", "its gzip is damaged: Not a gzipped file"),
        (gzip.compress(b"abc\n", mtime=0)[:-8] + b"\0" * 8, "its gzip is damaged: CRC check failed"),
        (gzip.compress(np.random.default_rng(0).bytes(99), mtime=0)[:12] + b"\xff" * 90, "its gzip is damaged: Error -3"),
        (b"a" * (16 << 20), "line 1 has 16,777,216 or more characters"),
        (b"b\n" + b"a" * (16 << 20), "line 2 has 16,777,216 or more characters"),
    ],
)  # fmt: skip
def test_what_is_not_text_is_refused_with_the_place(content, message, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    assert message in refusal(lambda: lines(path), path)


@pytest.mark.parametrize(
    ("begin", "what"),
    [
        (b"Rar!", "a rar archive: unpack it, and name the file in it"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
        (b"\x93NUMPY\x01", "an array of numpy's: save it as text"),
        (b"PAR1", "a parquet file: save it as CSV"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x89PNG\r\n", "a picture"),
    ],
)
def test_a_file_of_another_kind_is_told_what_it_is(begin, what, tmp_path):
    for name in ("a.txt", "a.csv", "a.json"):
        (tmp_path / name).write_bytes(begin + bytes(range(256)))
        with pytest.raises(PuzzleError) as error:
            read_json(tmp_path / name) if name == "a.json" else lines(tmp_path / name)
        assert f"{name}: not " in str(error.value)
        assert f"it is {what}" in str(error.value)


@pytest.mark.posix
def test_what_is_not_a_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "locked.csv").write_text("question\n")
    for name, message in (("pipe.csv", "is not a regular file"), ("folder.csv", "is a folder"), ("no.csv", "no such")):
        for read in (S9.read, read_grid_file, lines, read_json):
            assert message in refusal(lambda read=read, name=name: read(tmp_path / name), name)
    assert "a\\x00b.csv: cannot be read: embedded null byte" in refusal(lambda: lines(tmp_path / "a\0b.csv"))
    assert "cannot be read: File name too long" in refusal(lambda: lines(tmp_path / ("a" * 300)))
    with pytest.MonkeyPatch.context() as patch:  # tests may run as root, who may read everything
        patch.setattr("pathlib.Path.open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        assert "cannot be read: Permission denied" in refusal(lambda: lines(tmp_path / "locked.csv"), "locked.csv")


@pytest.mark.parametrize("content", [b"0", b"\n", b"["])
@pytest.mark.parametrize("read", [S9.read, read_grid_file, read_json])
def test_a_small_file_that_unpacks_to_a_huge_one_takes_little_memory(content, read, tmp_path):
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(40):
            file.write(content * ((1 << 20) // len(content)))
    tracemalloc.start()
    try:
        refusal(lambda: read(path), path)
        assert tracemalloc.get_traced_memory()[1] < 600 << 20
    finally:
        tracemalloc.stop()


def test_a_packed_file_says_what_it_unpacks_to(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"a\n" * (4 << 20), mtime=0))
    assert "bytes unpack to more than 2,097,152" in refusal(lambda: lines(path), path)


# JSON


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 200_000, "maximum recursion depth"),
        ('{"a":' * 200_000, "maximum recursion depth"),
        ("9" * 5000, "a number has thousands of digits"),
        ("[1, NaN]", "NaN is not a number"),
        ("[-Infinity]", "-Infinity is not a number"),
        ('{"a": 1, "a": 2}', "'a' stands there more than once"),
        ('{"\\u001b": 1, "\\u001b": 2}', "'\\x1b' stands there more than once"),
        (json.dumps("x" * 999)[:-1], "not JSON: Unterminated string"),
        ('"\\ud800"', "'\\ud800' is half of a character"),
        ('{"a\\udc00": 1}', "'\\udc00' is half of a character"),
        ("[1] x", "not JSON: Extra data: line 1 column 5"),
        ("[[]," * 6_000_000, "too large: its values would take over 512 MiB"),
    ],
)
def test_json_that_cannot_be_used_is_refused_in_one_line(text, message):
    with pytest.raises(JsonError) as error:
        parse_json(text)
    assert message in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(("text", "value"), [('"\\ud83d\\ude00"', "😀"), ("[1e2, -0.5, 12345678901]", [100, -0.5, 12345678901]),
])  # fmt: skip
def test_other_json_is_read_as_usual(text, value):
    assert parse_json(text) == value


def test_many_equal_keys_take_no_time():
    with pytest.raises(JsonError, match="more than once"):
        parse_json("{" + ",".join(f'"{i % 50_000}":0' for i in range(100_000)) + "}")


JSON_READERS = {
    "tasks.json": read_tasks,
    "identifiers.json": read_names,
    "submission.json": read_submission,
    "a.jsonl": read_grid_file,
    "train/dataset.json": lambda path: read_facts(path.parent.parent),
}


@pytest.mark.parametrize("name", JSON_READERS)
@pytest.mark.parametrize(
    "text", ["[" * 200_000, "9" * 5000, '{"a": NaN}', '{"a": 1, "a": 2}', '{"\\ud800": 1}', "\x1b"]
)
def test_every_reader_of_json_refuses_it_with_the_files_name(name, text, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    said = refusal(lambda: JSON_READERS[name](path), path)
    assert "line 1" in said or not name.endswith("l")


# Arrays


def npy(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


def packed(entries: dict[str, bytes], path, how=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


HUGE = "{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999, 9, 9), }"
HEADERS = {
    HUGE: "is more than the",
    HUGE.replace("<i8", "|O"): "Object arrays",
    HUGE.replace("<i8", "|V0"): "cells without content",
    HUGE.replace("99999999999", "-1"): "is more than the",
    HUGE.replace("'<i8'", "[('a', '<i8')]"): "expected plain numbers or texts",
    HUGE.replace("<i8", "nonsense"): "not a valid dtype descriptor",
    "(" * 300: "Cannot parse header",
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_claims_what_is_not_there_takes_no_memory(header, tmp_path):
    content = npy(header, b"\0" * 800)
    (tmp_path / "a.npy").write_bytes(content)
    path = packed({"inputs.npy": content}, tmp_path / "a.npz")
    tracemalloc.start()
    try:
        assert HEADERS[header] in refusal(lambda: read_npy(tmp_path / "a.npy"), "a.npy: cannot be read")
        assert HEADERS[header] in refusal(lambda: read_npz(path, ["inputs"], writes=""), "a.npz: array inputs: ")
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_an_npz_that_unpacks_to_a_huge_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ponderling.tasks.npy.UNPACKED_FREELY", 1 << 20)
    header = npy(f"{{'descr': '|i1', 'fortran_order': False, 'shape': ({4 << 20},), }}")
    path = packed({"inputs.npy": header + bytes(4 << 20)}, tmp_path / "a.npz", zipfile.ZIP_DEFLATED)
    assert "bytes unpack to 4,194,3" in refusal(lambda: read_grid_file(path), path)


CELLS = np.zeros((3, 2, 2), int)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ratings": np.array([0, 2**40, 1])}, "row 1: rating must be a whole number from 0, got 1099511627776; the highest"),
        ({"ratings": np.array([0, -1, 1])}, "row 1: rating must be a whole number from 0, got -1"),
        ({"ratings": np.array([0, 2**64 - 1, 1], np.uint64)}, "got 18446744073709551615"),
        ({"ratings": np.array([0.0, np.nan, 1])}, "ratings must be whole numbers of shape (3,): got float64 (3,)"),
        ({"ratings": np.array(["1"] * 3)}, "ratings must be whole numbers"),
        ({"ratings": np.array(1)}, "ratings must be whole numbers of shape (3,): got int64 ()"),
        ({"inputs": np.array(5)}, "inputs must be integers or texts of shape (0, rows, columns): got int64 ()"),
        ({"inputs": CELLS == 0}, "inputs must be integers or texts of shape (3, rows, columns): got bool"),
        ({"inputs": CELLS + 2**60}, "cell '1152921504606846976': expected 1 to 16 characters"),
        ({"split": np.array(["train", "x" * 999, "test"])}, "row 1: split must be train or test: got 'xxx"),
    ],
)  # fmt: skip
def test_what_an_npz_holds_is_refused_as_in_jsonl(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **({"inputs": CELLS, "outputs": CELLS} | arrays))
    assert message in refusal(lambda: read_grid_file(tmp_path / "a.npz"), "a.npz")


def test_a_damaged_npz_is_refused(tmp_path):
    np.savez(tmp_path / "good.npz", inputs=CELLS, outputs=CELLS)
    good = (tmp_path / "good.npz").read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    path = packed({name.removesuffix(".npy"): data for name, data in entries.items()}, tmp_path / "a.npz")
    assert "array inputs: not an npz file of plain arrays: the entry must be named inputs.npy" in refusal(
        lambda: read_grid_file(path), path
    )
    for cut in (10, 300, len(good) - 5):
        path.write_bytes(good[:cut])
        assert "not an npz file of plain arrays" in refusal(lambda: read_grid_file(path), path)
    at = good.index(b"\x93NUMPY") + 130
    path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
    assert "array inputs: not an npz file of plain arrays: Bad CRC-32" in refusal(lambda: read_grid_file(path), path)
    texts = np.full((3, 2, 2), "x")
    data = entries["inputs.npy"].replace(b"'<i8'", b"'<U2'")
    packed({"inputs.npy": data[:128] + b"\xff" * 96}, path)
    assert "a text holds a character that does not exist" in refusal(lambda: read_grid_file(path), path)
    np.savez(path, inputs=texts, outputs=texts)
    assert read_grid_file(path).symbols == ("x",)


# The command line


@pytest.mark.posix
@pytest.mark.parametrize("verb", [["data", "inspect"], ["data", "export", "--out", "x"], ["train", "--data"]])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.CSV", "pipe.csv"])
def test_a_verb_says_what_is_wrong_with_a_file_in_one_line(verb, name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    if name == "pipe.csv":
        os.mkfifo(path)
    else:
        content = bytearray(gzip.compress(f"question,answer\n{EXAMPLE},{SOLVED}\n".encode() * 50, mtime=0))
        content[20] ^= 255
        path.write_bytes(content)
    assert main([*verb, str(path)]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert str(path) in line


def test_grids_in_utf_16_are_trained_on_as_in_utf_8(tmp_path):
    lines = "".join(json.dumps({"input": [[i, 1]], "output": [[1, i]]}) + "\n" for i in range(5))
    (tmp_path / "a.jsonl").write_bytes(lines.encode("utf-16"))
    (tmp_path / "b.jsonl").write_text(lines)
    assert grid_config(str(tmp_path / "a.jsonl")).grid == grid_config(str(tmp_path / "b.jsonl")).grid


def test_stdin_may_begin_with_a_mark_and_end_lines_in_any_chunk(monkeypatch):
    chunks = iter([b"\xef\xbb\xbf1", b"2\r\n3\n", b"4", b""])
    monkeypatch.setattr("os.read", lambda *_: next(chunks))
    assert list(_lines_of_stdin()) == ["12", "3", "4"]
    chunks = iter([b"\n", b"a" * (17 << 20)])
    lines = _lines_of_stdin()
    assert next(lines) == ""
    with pytest.raises(ValueError, match="stdin: a line has more than 16,777,216 bytes"):
        next(lines)


@pytest.mark.posix
@pytest.mark.parametrize("name", ["folder", "pipe"])
def test_solve_refuses_what_is_not_a_file(name, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert main(["solve", "sudoku", str(tmp_path / name)]) == 2
    assert f"{tmp_path / name}: is " in capsys.readouterr().err
