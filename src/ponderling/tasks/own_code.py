"""Python code of a user's own, named `module:attribute`: how it is imported, and when a checkpoint may ask for it.

What a user types is theirs to run. What a checkpoint's config names is not: whoever made it would choose which code runs
here. `admit` says when it may. What a checkpoint says of itself, such as where its code was, is never a reason to trust it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any


def import_attribute(name: str) -> Any:
    """What `module:attribute` names; the module may also be a file of the current folder.

    Raises:
        ImportError: when there is no such module, or it raises while it is imported, or two modules have its name.
        AttributeError: when there is no such attribute.
    """
    module, _, attribute = name.partition(":")
    if not _is_module_name(module):
        raise ImportError(f"{module!r} is not the name of a module")
    return getattr(_import_from(Path.cwd(), module), attribute)


def _import_from(folder: Path, module: str) -> ModuleType:
    """The module of this name that Python has, else the one in the folder.

    A folder's module never takes the place of one that Python has, neither this one nor what it imports.
    """
    top = module.partition(".")[0]
    own, usual = _in_folder(folder, top), _usual(top)
    is_other = own is not None and usual is not None and not _same(own.origin, usual.origin)
    if top not in _loaded and own is not None and own.origin is not None and is_other:
        first = (usual.origin if usual is not None else None) or "a package"
        raise ImportError(f"{top} is both {own.origin} and {first}, which Python finds first: rename yours")
    try:
        with _found_last(folder):
            found = importlib.import_module(module)
    except ImportError:
        raise
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        raise ImportError(f"its code raised {type(error).__name__}{': ' if said else ''}{said}") from error
    _loaded.add(top)
    return found


_loaded: set[str] = set()
"""Modules and packages, by their top names, that were imported here: what a name means does not change in a process."""


def _in_folder(folder: Path, top: str) -> ModuleSpec | None:
    """The module or package of this name in the folder."""
    return PathFinder.find_spec(top, [str(folder)])


def _usual(top: str) -> ModuleSpec | None:
    """The module or package of this name that Python has loaded or would find; nothing is imported."""
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):  # it is loaded, but says not from where
        return None


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and os.path.realpath(one) == os.path.realpath(other)


class _Finder:
    """Finds the modules of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, name: str, path: Sequence[str] | None, *_target: ModuleType | None) -> ModuleSpec | None:
        """The module of this name; what is below a package is found by the package itself."""
        return _in_folder(self.folder, name) if path is None else None


@contextlib.contextmanager
def _found_last(folder: Path) -> Iterator[None]:
    """Has modules that are nowhere else be looked for in the folder; `sys.path` is left alone."""
    finder = _Finder(folder)
    importlib.invalidate_caches()
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(finder)


def file_of(module: str, folder: Path | None = None) -> Path | None:
    """The file that importing the module would run, or has run; None when there is none. Nothing is imported.

    Args:
        module: Its name.
        folder: Where it is looked for last; None: the current folder.
    """
    if not _is_module_name(module):
        return None
    if module in sys.modules:
        file = getattr(sys.modules[module], "__file__", None)
        return None if file is None else Path(file).absolute()
    top, *below = module.split(".")
    with _found_last(Path.cwd() if folder is None else folder):
        spec = _usual(top)
    for i in range(len(below)):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join([top, *below[: i + 1]]), list(spec.submodule_search_locations))
    return Path(spec.origin).absolute() if spec is not None and spec.origin and spec.has_location else None


def root_of(file: Path, module: str) -> Path:
    """The folder from which the module is imported as this file: its own, or above that of its package."""
    path = file.parent if file.name == "__init__.py" else file
    return path.parents[min(module.count("."), len(path.parents) - 1)]


def files_of(names: Iterable[str]) -> dict[str, str]:
    """Where the code of these `module:attribute` lies, by module, for a run to note; what is not in a file is left out."""
    modules = (name.partition(":")[0] for name in names)
    return {module: str(file) for module in modules if (file := file_of(module)) is not None}


def admit(name: str, *, noted: Mapping[str, Any], where: Path, trust: bool, asked: bool, advice: str) -> None:
    """Lets code that a checkpoint names be imported, or refuses it.

    It may be if the user asked for this name or trusts the checkpoint, and for no other reason.

    Args:
        name: `module:attribute`, as the checkpoint's config has it.
        noted: What the checkpoint says of where the code lay: a file for each module.
        where: The checkpoint's folder.
        trust: Whether the user trusts the checkpoint: the noted file, where it is there, is then imported.
        asked: Whether the user gave the same name.
        advice: How the user can allow it, for the message.

    Raises:
        ValueError: saying what is missing or not allowed, and what to do.
    """
    module = name.partition(":")[0]
    place = noted.get(module)
    file = Path(place) if isinstance(place, str) and os.path.isabs(place) and place.isprintable() else None
    if not (asked or trust):
        raise ValueError(
            f"{where}: names Python code, {name}, which a checkpoint may not choose: {advice}"
            + ("" if file is None else f"; the run's code was {file}")
        )
    if trust and file is not None and _is_file(file):
        _import_file(module, file)
    elif module not in sys.modules and file_of(module) is None:
        raise ValueError(f"{where}: needs {name}, and there is no module {module} here; {_advice(name, file)}")


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name that is too long, a folder that may not be read
        return False


def _advice(name: str, file: Path | None) -> str:
    """What to do when the module of this name is not found."""
    module = name.partition(":")[0]
    if file is None:
        return f"where the run's code was is not known: go to the folder of {module.split('.')[0]}, or set PYTHONPATH to it"
    root = root_of(file, module)
    if not _is_file(file):
        return f"the run's code was {file}, which is not there any more: set PYTHONPATH to the folder where it now is"
    return f"the run's code was {file}: go to {root}, set PYTHONPATH={root}, or say --trust (trust=True) to import that file"


def _import_file(module: str, file: Path) -> None:
    """Imports the module from this file.

    Raises:
        ValueError: when it cannot be, or the name means another file in this Python.
    """
    root = root_of(file, module)
    found = file_of(module, root)
    if found is None or not _same(str(found), str(file)):
        raise ValueError(
            f"{module} is {found or 'a module without a file'} in this Python, not {file}: start a new one"
        )
    try:
        _import_from(root, module)
    except ImportError as error:
        raise ValueError(f"{file} cannot be imported as {module}: {error}") from error


def _is_module_name(module: str) -> bool:
    return all(part.isidentifier() for part in module.split("."))
