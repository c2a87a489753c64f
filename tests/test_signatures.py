"""Every signature takes at most two arguments by position: a third one is named, where it is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST = 2

# What may take more by position, and why.
NUMBA = "compiled"
"""Functions under this decorator are compiled by numba, which has no keyword-only arguments."""

ASGI = ["scope", "receive", "send"]
"""A method with these parameters is called by an ASGI server, with positions."""

OWN_DUNDERS = {"__init__", "__new__", "__call__"}
"""The protocol of every other dunder method is Python's or torch's."""

EXEMPT: dict[str, str] = {"_growing_average.average": "torch's AveragedModel calls it, with positions"}
"""Further exemptions: the qualified name, and why."""


def check(source: str, bases: dict[str, tuple[int, list[str]]] | None = None) -> Iterator[str]:
    """The signatures in `source` that take more than two arguments by position.

    Functions that take `*args`, lambdas and named tuples may take as many as they like.

    Args:
        source: A module.
        bases: The dataclasses of all modules: how many of its own fields each takes by position, and its bases.
    """
    tree = ast.parse(source)
    bases = dataclasses_of(tree) if bases is None else bases
    yield from _check(tree, bases, "", in_class=False)


def _check(node: ast.AST, bases: dict[str, tuple[int, list[str]]], prefix: str, *, in_class: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = prefix + child.name
            count = len(positional(child, in_class=in_class))
            if count > MOST and not is_exempt(child, name, in_class=in_class):
                yield f"line {child.lineno}: {name} takes {count} arguments by position, at most {MOST} may"
            yield from _check(child, bases, f"{name}.", in_class=False)
        elif isinstance(child, ast.ClassDef):
            name = prefix + child.name
            count = positional_fields(child.name, bases)
            if is_dataclass(child) and count > MOST and name not in EXEMPT:
                yield f"line {child.lineno}: dataclass {name} takes {count} fields by position, at most {MOST} may"
            yield from _check(child, bases, f"{name}.", in_class=True)
        else:
            yield from _check(child, bases, prefix, in_class=in_class)


def positional(function: ast.FunctionDef | ast.AsyncFunctionDef, *, in_class: bool) -> list[str]:
    """The parameters that can be passed by position, without self or cls."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if in_class and "staticmethod" not in decorators(function) else names


def is_exempt(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, *, in_class: bool) -> bool:
    dunder = function.name.startswith("__") and function.name.endswith("__")
    return (
        function.args.vararg is not None
        or NUMBA in decorators(function)
        or (dunder and function.name not in OWN_DUNDERS)
        or positional(function, in_class=in_class) == ASGI
        or name in EXEMPT
    )


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[str]:
    """The last names of what decorates it: `dataclass` for `@dataclasses.dataclass(frozen=True)`."""
    return [ast.unparse(d).split("(")[0].split(".")[-1] for d in node.decorator_list]


def is_dataclass(node: ast.ClassDef) -> bool:
    return "dataclass" in decorators(node)


def dataclasses_of(tree: ast.Module) -> dict[str, tuple[int, list[str]]]:
    """For every dataclass: how many of its own fields can be passed by position, and its bases."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and is_dataclass(node)]
    return {node.name: (own_positional_fields(node), [ast.unparse(base) for base in node.bases]) for node in classes}


def own_positional_fields(node: ast.ClassDef) -> int:
    decorator = next(d for d in node.decorator_list if "dataclass" in ast.unparse(d))
    if isinstance(decorator, ast.Call) and any(k.arg == "kw_only" for k in decorator.keywords):
        return 0
    count = 0
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            hint, value = ast.unparse(statement.annotation), statement.value and ast.unparse(statement.value)
            if hint == "KW_ONLY":
                break
            if "ClassVar" not in hint and not (value and value.startswith("field(") and "init=False" in value):
                count += 1
    return count


def positional_fields(name: str, bases: dict[str, tuple[int, list[str]]]) -> int:
    """How many fields a dataclass takes by position, with those that it inherits."""
    if name not in bases:
        return 0
    own, above = bases[name]
    return own + sum(positional_fields(base, bases) for base in above)


def sources() -> list[Path]:
    return sorted(path for folder in ("src", "benchmarks", "examples") for path in (ROOT / folder).rglob("*.py"))


@pytest.fixture(scope="module")
def bases():
    found: dict[str, tuple[int, list[str]]] = {}
    for path in sources():
        found |= dataclasses_of(ast.parse(path.read_text()))
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_signature_takes_more_than_two_arguments_by_position(path, bases):
    local = bases | dataclasses_of(ast.parse(path.read_text()))  # a name may stand for other classes elsewhere
    assert not list(check(path.read_text(), local))


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, b, c): ...",
        "def f(a, b, c=1): ...",
        "async def f(a, b, /, c): ...",
        "def outer():\n    def f(a, b, c, *, d): ...",
        "class A:\n    def f(self, a, b, c): ...",
        "class A:\n    def __call__(self, a, b, c): ...",
        "class A:\n    @staticmethod\n    def f(a, b, c): ...",
        "@dataclass\nclass A:\n    a: int\n    b: int\n    c: int",
        "@dataclass\nclass A:\n    a: int\n    b: int\n@dataclass\nclass B(A):\n    c: int",
        "@dataclass\nclass A:\n    a: int\n    b: int\n    c: int\n    _: KW_ONLY\n    d: int",
    ],
)
def test_three_by_position_are_found(source):
    assert len(list(check(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, b, *, c): ...",
        "def f(a, b, c, *d): ...",
        "f = lambda a, b, c: a",
        "class A:\n    def f(self, a, b, *, c): ...",
        "class A:\n    def __setattr__(self, a, b, c): ...",
        "class A:\n    def __call__(self, scope, receive, send): ...",
        "@compiled\ndef f(a, b, c): ...",
        "class A(NamedTuple):\n    a: int\n    b: int\n    c: int",
        "@dataclass(kw_only=True)\nclass A:\n    a: int\n    b: int\n    c: int",
        "@dataclass\nclass A:\n    a: int\n    b: int\n    _: KW_ONLY\n    c: int",
        "@dataclass\nclass A:\n    a: int\n    b: int\n    c: ClassVar[int]\n    d: int = field(init=False)",
    ],
)
def test_what_has_a_reason_is_left_alone(source):
    assert not list(check(source))
