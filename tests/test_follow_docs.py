"""dev/follow_docs.py finds the commands of the pages, and reports what fails and what is printed otherwise."""

from __future__ import annotations

import sys

import pytest

import follow_docs
from follow_docs import Command, Entry, commands, difference, follow_page, unused

FENCED = (
    "```\npip install x   # once\nponderling solve a \\\n  --b '#'\nsolved in 3 steps\n#   or: echo b\n\necho c\n```\n"
)
OTHERS = "```python\nponderling.x\n```\n\n- an item\n    ponderling is in its text\n\n```json\n{}\n```\n"
INDENTED = "As here:\n\n    python d.py  # again\n    printed\n\nAnd this is printed, too:\n\n    two\n      lines\n"


def followed(text: str, *entries: Entry, **inputs: tuple[str, str]) -> list[tuple[str, str]]:
    """What came of each command of a page, and the note on it."""
    return [(o.kind, o.note) for o in follow_page(commands(text, "page.md"), entries, inputs)]


def every_command() -> list[Command]:
    return [c for page in follow_docs.pages() for c in commands(page.read_text(), follow_docs.name_of(page))]


def test_commands_are_found_in_fenced_and_indented_blocks_with_what_they_print():
    assert commands(FENCED + OTHERS + INDENTED, "p") == [
        Command("p", 2, "pip install x"),
        Command("p", 3, "ponderling solve a --b '#'", ("solved in 3 steps",)),
        Command("p", 8, "echo c"),
        Command("p", 22, "python d.py", ("printed",)),
        Command("p", 27, "", ("two", "  lines")),
    ]


def test_every_entry_and_input_belongs_to_a_command_of_the_pages():
    found = every_command()
    assert {c.page for c in found} >= {"README.md", "docs/cli.md", "docs/your-task.md"}
    assert unused(found, follow_docs.ENTRIES, list(follow_docs.INPUTS)) == []


def test_entries_and_inputs_that_belong_to_nothing_are_named():
    found = commands("    echo a\n    echo b", "p")
    shadowed = (Entry("echo"), Entry("echo a"), Entry("echo", pages="q"))
    assert [fault.split("'")[1] for fault in unused(found, shadowed, [])] == ["echo a", "echo"]
    assert "replaces 'z'" in unused(found, [Entry("echo", replace=(("z", "d"),))], [])[0]
    assert "the input 'c.csv'" in unused(found, [Entry("echo b", add="c.csvs")], ["c.csv"])[0]
    assert unused(found, [Entry("echo b", add="--data c.csv")], ["c.csv"]) == []


def test_numbers_may_differ_and_words_may_not():
    assert difference(["  12 of 1,000 (3.5%)"], "first\n7 of 20 (99%)\n") is None
    assert difference(["1 puzzle", "2 mazes"], "2 mazes\n1 puzzle\n") == "2 mazes"
    assert difference(["line 7: refused; ..."], "line 9: refused; line 10: refused\n") is None
    assert difference(["line 7: refused"], "line 7: refused here\n") == "line 7: refused"


@pytest.mark.posix
def test_a_failing_command_and_a_differing_output_are_reported_and_the_page_goes_on():
    page = "    echo one\n    one\n\n    python -c 'raise SystemExit(\"no\")'\n    echo two\n    three\n\nSo:\n\n    echo end\n"
    assert followed(page) == [
        ("ran", ""),
        ("failed", "exit status 1, expected 0; last said: no"),
        ("failed", "the page shows a line that was not printed: three; last said: two"),
        ("ran", ""),
    ]


@pytest.mark.posix
def test_entries_change_commands_leave_them_out_and_expect_failures():
    page = "    echo 1000\n    echo x\n    echo y\n    z\n    python -c 'exit(3)'\n\nAs here:\n\n    hello\n"
    assert followed(
        page,
        Entry("echo 1000", replace=(("1000", "10"),), add="more"),
        Entry("echo x", leave_out="it takes hours"),
        Entry("echo y", varies="by the weather"),
        Entry("python", status=3),
        Entry("hello", instead="echo hello"),
    ) == [
        ("changed", "echo 10 more"),
        ("left out", "it takes hours"),
        ("ran", ""),
        ("ran", ""),
        ("changed", "echo hello"),
    ]


@pytest.mark.posix
def test_a_page_has_one_folder_its_exports_and_its_inputs():
    page = (
        '    export WORD=$(echo here)\n    echo "$WORD" > kept\n    echo "$(cat kept given.txt)"\n    here\n    given\n'
    )
    inputs = {"given.txt": ("bash", "echo given > given.txt")}
    assert followed(page, **inputs) == [("ran", "")] * 3
    assert followed(page, **{"given.txt": ("bash", "echo why; exit 1")})[2] == (
        "failed",
        "the input given.txt could not be made: why",
    )


@pytest.mark.posix
def test_the_environment_that_runs_the_script_runs_the_commands():
    assert followed(f"    python -c 'import sys; print(sys.prefix)'\n    {sys.prefix}\n") == [("ran", "")]


@pytest.mark.posix
def test_a_server_is_asked_once_and_stopped():
    page = "    python -m http.server\n    python -c 'exit(1)'\n    echo later\n"
    server, dead = Entry("python -m", asks="/", add="{port}"), Entry("python -c", asks="/")
    assert followed(page, server, dead) == [
        ("ran", ""),
        ("failed", "no answer from /, it ended with 1; last said: nothing"),
        ("ran", ""),
    ]


@pytest.mark.posix
def test_the_table_counts_and_names_what_was_left_out_and_what_failed():
    outcomes = follow_page(
        commands("    echo a\n    echo b\n    c\n    echo d", "page.md"), [Entry("echo d", leave_out="GPU")], {}
    )
    _, row, *rest = follow_docs.table(outcomes)
    assert row.split()[:5] == ["page.md", "1", "0", "1", "1"]
    assert [line.split(":")[0].strip() for line in rest] == ["failed, line 2", "left out, line 4"]


def test_a_dry_run_runs_nothing(capsys, monkeypatch):
    monkeypatch.setattr(follow_docs.subprocess, "Popen", None)
    assert follow_docs.main(["--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{command.page}:{command.line}  {command.key}\n" in printed for command in every_command())
