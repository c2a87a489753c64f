"""How many bytes a thought takes as a stream, as it is told by default and with `compact`: the same puzzles both ways.

python benchmarks/bench_stream.py http://127.0.0.1:8000        # of a server that serves `sudoku`
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import urllib.request
from importlib import resources

HARD9 = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
ATTEMPTS = {"restarts": 4, "search_steps": 6}


def gallery(name: str) -> str:
    """The puzzle of this name on the page."""
    text = (resources.files("ponderling.web") / "page" / "gallery.js").read_text(encoding="utf-8")
    (found,) = re.findall(rf'\["{re.escape(name)}[^"]*", "([^"]+)"\]', text)
    return found


def told(url: str, body: object, *, encoding: str = "identity") -> tuple[int, int]:
    """Bytes of the reply, and number of its steps."""
    headers = {"content-type": "application/json", "accept-encoding": encoding}
    request = urllib.request.Request(f"{url}/v1/think", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=600) as reply:
        text = reply.read()
    return len(text), (gzip.decompress(text) if encoding == "gzip" else text).count(b"event: step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    args = parser.parse_args()
    for name, body in (
        ("9x9, solved by 8 recursions", {"puzzle": HARD9, "task": "sudoku9"}),
        ("9x9, solved by 121", {"puzzle": gallery("Golden Nugget"), "task": "sudoku9"}),
        ("16x16", {"puzzle": gallery("With 167 clues"), "task": "sudoku16"}),
        (
            "16x16, 4 further attempts",
            {"puzzle": gallery("With 116 clues"), "task": "sudoku16", "steps": 4, **ATTEMPTS},
        ),
    ):
        plain, steps = told(args.url, body)
        packed, _ = told(args.url, body, encoding="gzip")
        short, same = told(args.url, {**body, "compact": True})
        both, _ = told(args.url, {**body, "compact": True}, encoding="gzip")
        assert steps == same
        print(f"{name}: {steps} steps, {plain:,} bytes, gzip {packed:,}, compact {short:,}, both {both:,}")


if __name__ == "__main__":
    main()
