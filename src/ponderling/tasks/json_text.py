"""JSON from files that nobody has looked at: no key twice, no number that is none, no value too large or too deep."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from ponderling.tasks.json_keys import RepeatedKeyError, unique_keys

MOST_MEMORY = 512 << 20
"""Most memory that the values of a JSON text may take, in bytes, as estimated before it is parsed."""


class JsonError(ValueError):
    """Text that is not JSON, or not JSON that can be used; the message is one line."""


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        JsonError: also for a key that occurs twice in an object, NaN and infinity, a number of thousands of digits, half of a
            surrogate pair, and values that are nested too deeply or take too much memory.
    """
    # bytes of a list, a dict, an item and a text in CPython; large numbers may double the sum
    memory = 64 * text.count("[") + 240 * text.count("{") + 12 * text.count(",") + 30 * text.count('"') + len(text)
    if memory > MOST_MEMORY:
        raise JsonError(f"too large: its values would take over {MOST_MEMORY >> 20} MiB; split it")
    try:
        value = json.loads(text, object_pairs_hook=unique_keys, parse_constant=_refuse_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except JsonError:
        raise
    except RepeatedKeyError as error:
        raise JsonError(str(error)) from error
    except RecursionError as error:
        raise JsonError("not JSON: maximum recursion depth exceeded: its brackets are nested too deeply") from error
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error}{_hint(error)}") from error
    except UnicodeEncodeError as error:
        raise JsonError(f"not JSON: {error.object[error.start]!a} is half of a character") from error
    except ValueError as error:  # Python converts no number of more than 4,300 digits
        raise JsonError("not JSON: a number has thousands of digits") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError(f"not JSON: {name} is not a number")


def _hint(error: json.JSONDecodeError) -> str:
    """What is probably wrong with a text that is not JSON, and what to do; empty where that cannot be told."""
    before, rest = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    if error.msg.startswith("Extra data"):
        if rest.startswith(","):
            return ": a comma follows the value; take it away"
        return ": another value follows the first; write all of them in one list, or one a line in a .jsonl file"
    if not before + rest:
        return ": it is empty"
    if error.msg.startswith("Unterminated") or not rest:
        return ": it ends too early; is it cut off?"
    if rest[0] == "'":
        return ": texts and keys need double quotes"
    if (rest[0] in "]}" and before.endswith(",")) or (rest[0] == "," and rest[1:].lstrip()[:1] in ("]", "}")):
        return ": a comma is before a closing bracket; take it away"
    return ""
