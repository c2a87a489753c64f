"""Prints what CHANGELOG.md says about a version, for a release: `python dev/release_notes.py v0.1.0`.

It fails if the tag, the package, CITATION.cff and CHANGELOG.md do not name the same version, or if the section has no date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(args: list[str]) -> int:
    """Prints the notes of the tag given; returns the exit status."""
    if len(args) != 1:
        print("expected one argument, a tag such as v0.1.0", file=sys.stderr)
        return 2
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        print(notes_of(args[0], changelog, versions=versions()))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def versions() -> dict[str, str]:
    """The version that each file names."""
    patterns = {"src/ponderling/__init__.py": r'(?m)^__version__ = "(.*)"$', "CITATION.cff": r"(?m)^version: (.*)$"}
    found = {}
    for name, pattern in patterns.items():
        match = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))
        assert match, name
        found[name] = match[1].strip("\"'")
    return found


def notes_of(tag: str, changelog: str, *, versions: dict[str, str]) -> str:
    """The changelog's section of the tag's version, without its heading.

    Raises:
        ValueError: when the tag is not `v` and the version of every file, or its section is missing or has no date.
    """
    version = tag.removeprefix("v")
    others = [f"{name} has {other}" for name, other in versions.items() if other != version]
    if not tag.startswith("v") or others:
        raise ValueError(f"the tag is {tag}, expected v and the version: {', '.join(others) or 'the v is missing'}")
    section = re.search(rf"(?ms)^## {re.escape(version)} \((.*?)\)\n(.*?)(?=^## |\Z)", changelog)
    if section is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", section[1]):
        raise ValueError(f"CHANGELOG.md: expected a heading '## {version} (YYYY-MM-DD)' for the tag {tag}")
    return section[2].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
