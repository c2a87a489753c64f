"""Packed files and old encodings: each is read as the text in it, or refused in one line that says what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tracemalloc
import zipfile

import numpy as np
import pytest

from arc_examples import example_tasks
from ponderling.cli import main
from ponderling.cli.data.sniff import guess_task, holds_arc, holds_grids
from ponderling.tasks import get_task
from ponderling.tasks.arc.files import json_files, read_tasks
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.opened import is_csv, lines_of, read_json, suffix_of
from test_written import NINE, OTHER, PUZZLE, SOLUTION, boxed


def zipped(content, name="a.txt", *, how=zipfile.ZIP_DEFLATED, **others):
    """A zip archive of a file, and of others."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for member, data in {name: content, **others}.items():
            archive.writestr(member, data)
    return file.getvalue()


PACKINGS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zip": zipped}
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip"}


def lines(path):
    return list(lines_of(path, holds="puzzles"))


def refusal(call):
    with pytest.raises(PuzzleError) as error:
        call()
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.mark.parametrize("ending", PACKINGS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_packed_file_is_read_as_what_is_in_it(ending, encoding, tmp_path):
    """Also where its name says nothing of that."""
    content = PACKINGS[ending]("é\r\nb\nc".encode(encoding))
    for name in (f"a.txt{ending}", f"A.TXT{ending.upper()}", "plain"):
        (tmp_path / name).write_bytes(content)
        assert lines(tmp_path / name) == ["é\n", "b\n", "c"]


@pytest.mark.parametrize("ending", PACKINGS)
def test_every_reader_knows_a_packed_file_by_the_name_in_it(ending, tmp_path):
    def write(name, text):
        pack = PACKINGS[ending]
        path = tmp_path / f"{name}{ending}"
        path.write_bytes(zipped(text, name) if ending == ".zip" else pack(text.encode()))
        return path

    csv = write("a.csv", f"question,answer\n{PUZZLE},{SOLUTION}\n")
    assert is_csv(csv)
    assert suffix_of(csv) == ".csv"
    assert [NINE.format(row) for row in NINE.read(csv).labels] == [SOLUTION]
    assert guess_task(csv).name == "sudoku9"
    drawn = write("b.sdk", boxed(PUZZLE))
    assert [NINE.format(row) for row in NINE.read(drawn).tokens] == [PUZZLE]
    board = write("c.json", json.dumps([PUZZLE, OTHER]))
    assert [NINE.format(row) for row in NINE.read(board).tokens] == [PUZZLE, OTHER]
    assert not holds_arc(str(board))
    maze = get_task("maze3x5")
    assert maze.format(maze.read(write("m.txt", "#####\n#S G#\n#####\n")).tokens[0]) == "######S G######"
    grids = write("g.jsonl", '{"input": [[1]], "output": [[2]]}\n')
    assert read_grid_file(grids).symbols == ("1", "2")
    assert holds_grids(grids)
    tasks = write("t_challenges.json", json.dumps(example_tasks()))
    assert holds_arc(str(tasks))
    assert list(read_tasks(tasks)) == list(example_tasks())
    if ending != ".zip":
        assert tasks in json_files(tmp_path)


@pytest.mark.parametrize("ending", PACKINGS)
def test_a_damaged_packed_file_is_refused_with_its_name(ending, tmp_path):
    content = PACKINGS[ending](np.random.default_rng(0).bytes(4000).hex().encode())
    path = tmp_path / f"a.txt{ending}"
    for damaged in (content[:-9], content[: len(content) // 2], content[:400] + bytes(20) + content[420:]):
        path.write_bytes(damaged)
        said = refusal(lambda: lines(path))
        assert said.startswith(f"{path}: not a text file of puzzles: ")
        assert f"its {NAMES[ending]} is damaged: " in said or "NUL" in said  # bzip2 compares its checksum at the end


@pytest.mark.parametrize("ending", PACKINGS)
@pytest.mark.parametrize("content", [b"0", b"\n"])
def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(ending, content, tmp_path):
    path = tmp_path / f"a.txt{ending}"
    path.write_bytes(PACKINGS[ending](content * (8 << 20)))
    tracemalloc.start()
    try:
        said = refusal(lambda: lines(path))
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()
    assert "unpack to more than 2,097,152" in said or "empty lines follow" in said


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_a_name_that_promises_a_packed_file_is_held_to_it(ending, tmp_path):
    path = tmp_path / f"a.txt{ending}"
    path.write_text(PUZZLE)
    assert f"though its name ends in {ending}" in refusal(lambda: lines(path))
    path.write_bytes(PACKINGS[ending](gzip.compress(PUZZLE.encode())))
    assert "it is packed twice: unpack it, and name the file in it" in refusal(lambda: lines(path))


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_what_follows_a_packed_file_is_read_or_refused(ending, tmp_path):
    """Python's readers of bzip2 and xz pass over it."""
    path, pack = tmp_path / f"a.txt{ending}", PACKINGS[ending]
    whole = pack(PUZZLE.encode())
    for more, text in ((pack(OTHER.encode()), PUZZLE + OTHER), (bytes(512), PUZZLE), (bytes(8) + whole, PUZZLE * 2)):
        path.write_bytes(whole + more)
        assert lines(path) == [text]
    for more in (
        b"rubbish",
        b"x",
        b"\n",
        PUZZLE.encode() * 900,
        whole[:20],
        whole[:-3],
        whole[:20] + b"xyz" + whole[23:],
    ):
        path.write_bytes(whole + more)
        said = refusal(lambda: lines(path))
        assert f"its {NAMES[ending]} is damaged: " in said
        assert said.endswith("; fetch it or pack it again")
        assert ending == ".gz" or "something follows its end" in said


def test_a_file_with_an_archive_and_something_else_is_refused(tmp_path):
    """Only the last of two archives would be read."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", PUZZLE)
        archive.comment = b"of a program"
    assert lines(path) == [PUZZLE]
    alone = path.read_bytes()
    for content in (alone + b"x", zipped(OTHER) + alone, alone + zipped(OTHER)):
        path.write_bytes(content)
        assert "a zip archive with something before or after it: unpack it, and name" in refusal(lambda: lines(path))


def test_names_in_an_archive_may_be_those_of_windows_or_lead_elsewhere(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(PUZZLE, "folder\\a.csv", **{"folder\\": b"", "__MACOSX\\folder\\._a.csv": b"\0"}))
    assert lines(path) == [PUZZLE]
    assert is_csv(path)
    for name in ("../../a.txt", "/a.txt"):
        path.write_bytes(zipped(PUZZLE, name))
        assert lines(path) == [PUZZLE]
        assert list(tmp_path.iterdir()) == [path]
        path.write_bytes(zipped(PUZZLE, name, **{"b.txt": OTHER}))
        assert f"expected one file of puzzles in it, got {name}, b.txt" in refusal(lambda: lines(path))


def test_what_systems_and_people_add_to_an_archive_is_passed_over(tmp_path):
    path = tmp_path / "a.zip"
    added = {"__MACOSX/._a.txt": b"\0", ".DS_Store": b"\0", "README.md": b"x", "README.txt": b"x", "picture.png": b"x"}
    path.write_bytes(zipped(PUZZLE, "folder/a.txt", **added))
    assert lines(path) == [PUZZLE]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"b.txt": OTHER}, "expected one file of puzzles in it, got a.txt, b.txt: unpack it, and name a file in it"),
        ({f"{i}.csv": OTHER for i in range(9)}, "got a.txt, 0.csv, 1.csv, 2.csv, 3.csv and 5 more: unpack it"),
        ({"[Content_Types].xml": "<"}, "it is a document of an office program: save it as CSV"),
    ],
)
def test_an_archive_of_several_files_is_refused_with_their_names(others, said, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(PUZZLE, **others))
    assert said in refusal(lambda: lines(path))
    assert said in refusal(lambda: NINE.read(path))


def test_other_archives_are_refused(tmp_path, capsys):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(b"", "folder/"))
    assert "expected one file of puzzles in it, got none" in refusal(lambda: lines(path))
    with zipfile.ZipFile(path, "w"):
        pass
    assert "expected one file of puzzles in it, got none" in refusal(lambda: lines(path))
    content = bytearray(zipped(PUZZLE))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "a zip archive with a password: unpack it" in refusal(lambda: lines(path))
    assert main(["solve", "sudoku", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    content = bytearray(zipped(PUZZLE))
    content[content.index(b"PK\x01\x02") + 10] = 99
    path.write_bytes(content)
    assert "a.txt in it cannot be unpacked" in refusal(lambda: lines(path))
    (tmp_path / "b.zip").write_bytes(zipped(zipped(PUZZLE), "a.zip"))
    assert "it is a zip archive in a packed file" in refusal(lambda: lines(tmp_path / "b.zip"))


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8"])
@pytest.mark.parametrize(
    "text",
    [
        "# von Jürgen Müller\n{}\n",
        "// für Köche\n{}\n",
        "#A Jürgen\n#B für Köche\n{rows}\n",
        "Übung für Köche\n{rows}\n",
        "Schwierigkeit: mäßig\n\n{}\n",
        "{},José\n{},Zoë\n",
        "{} # mäßig\n",
        "Nivel 12: fácil\n{boxes}",
        '{{"puzzle": "{}", "name": "José"}}',
        "Größe,question,Quelle\n9,{},Köln\n",
    ],
)
def test_comments_titles_and_names_may_be_in_an_old_encoding(tmp_path, encoding, text):
    rows = "\n".join(PUZZLE[i : i + 9] for i in range(0, 81, 9))
    name = "a.csv" if "question" in text else "a.txt"
    text = text.replace("{}", "{puzzle}").format(puzzle=PUZZLE, rows=rows, boxes=boxed(PUZZLE))
    if text.startswith(PUZZLE) and "José" in text:
        text, name = text.replace(",", ";"), "a.csv"
    (tmp_path / name).write_bytes(text.encode(encoding))
    found = NINE.read(tmp_path / name)
    assert {NINE.format(row) for row in found.tokens} == {PUZZLE}
    assert guess_task(tmp_path / name).name == "sudoku9"


@pytest.mark.parametrize(
    "text",
    [
        PUZZLE.replace("5", "ä") + "\n",
        PUZZLE.replace(".", "·") + "\n",
        "# ü\n" + PUZZLE.replace(".", "·") + "\n",
        "\n".join(PUZZLE.replace(".", "·")[i : i + 9] for i in range(0, 81, 9)),
        boxed(PUZZLE).replace("5", "ö"),
        "KÜBELRAND\n" * 9,
    ],
)
def test_a_puzzle_in_an_old_encoding_is_refused_with_its_line(tmp_path, text):
    (tmp_path / "a.txt").write_bytes(text.encode("cp1252"))
    said = refusal(lambda: NINE.read(tmp_path / "a.txt"))
    assert "a.txt: not a text file of puzzles: line " in said
    assert said.endswith("is not UTF-8; save it as UTF-8")


def test_titles_of_mazes_may_be_in_an_old_encoding_and_walls_may_not(tmp_path):
    maze = get_task("maze3x5")
    path = tmp_path / "a.txt"
    for text in ("Übung für Köche\n#####\n#S G#\n#####\n", "Irrgärten\n\n#####\n#S G#\n#####\n"):
        path.write_bytes(text.encode("cp1252"))
        assert maze.format(maze.read(path).tokens[0]) == "######S G######"
    path.write_bytes("█████\n█S G█\n█████\n".encode("cp437"))
    assert "line 1 is not UTF-8; save it as UTF-8" in refusal(lambda: maze.read(path))


def test_json_and_grids_in_an_old_encoding_are_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"input": [["é"]], "output": [[1]]}\n'.encode("cp1252"))
    assert "line 1 (byte 13) is not UTF-8; save it as UTF-8" in refusal(lambda: read_grid_file(path))
    assert "is not UTF-8" in refusal(lambda: read_json(path))
