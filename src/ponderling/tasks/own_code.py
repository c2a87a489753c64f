"""Python code of a user's own, named `module:attribute`: how it is imported, and when a checkpoint may ask for it.

What a user types is theirs to run. What a checkpoint's config names is not: whoever made it would choose which code runs
here. `admit` says when it may.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any


def import_attribute(name: str) -> Any:
    """What `module:attribute` names; the module may also be a file of the current folder.

    Raises:
        ImportError: when the module cannot be imported.
        AttributeError: when there is no such attribute.
    """
    module, _, attribute = name.partition(":")
    if not _is_module_name(module):
        raise ImportError(f"{module!r} is not the name of a module")
    with _importing_from(os.getcwd()):
        found = importlib.import_module(module)
    return getattr(found, attribute)


@contextlib.contextmanager
def _importing_from(folder: str | Path) -> Iterator[None]:
    """Has modules be looked for in the folder first, and leaves the search path as it was."""
    folder = str(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def file_of(module: str) -> Path | None:
    """The file that importing the module would run, or has run; None when there is none. Nothing is imported."""
    if not _is_module_name(module):
        return None
    if module in sys.modules:
        file = getattr(sys.modules[module], "__file__", None)
        return None if file is None else Path(file).absolute()
    top, *below = module.split(".")
    try:
        with _importing_from(os.getcwd()):
            spec: ModuleSpec | None = importlib.util.find_spec(top)
            for i in range(len(below)):
                if spec is None or spec.submodule_search_locations is None:
                    return None
                spec = PathFinder.find_spec(".".join([top, *below[: i + 1]]), list(spec.submodule_search_locations))
    except (ImportError, ValueError):
        return None
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

    It may be if the user asked for this name or trusts the checkpoint. It may be, too, if the checkpoint lies below the folder
    of the very file that its run noted, and that file is the one that the name means here: such a run was made here.

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
    file = Path(place) if isinstance(place, str) and os.path.isabs(place) else None
    if trust and file is not None and file.is_file():
        _import_file(module, file)
        return
    found = file_of(module)
    if found is None and module not in sys.modules:
        raise ValueError(f"{where}: needs {name}, and there is no module {module} here; {_advice(name, file)}")
    if asked or trust:
        return
    made_here = (
        file is not None
        and found is not None
        and found.resolve() == file.resolve()
        and where.resolve().is_relative_to(root_of(file, module).resolve())
    )
    if not made_here:
        raise ValueError(
            f"{where}: names Python code, {name}, which a checkpoint from elsewhere may not choose: {advice}"
            + ("" if file is None else f"; the run's code was {file}")
        )


def _advice(name: str, file: Path | None) -> str:
    """What to do when the module of this name is not found."""
    module = name.partition(":")[0]
    if file is None:
        return f"where the run's code was is not known: go to the folder of {module.split('.')[0]}, or set PYTHONPATH to it"
    root = root_of(file, module)
    if not file.is_file():
        return f"the run's code was {file}, which is not there any more: set PYTHONPATH to the folder where it now is"
    return f"the run's code was {file}: go to {root}, set PYTHONPATH={root}, or say --trust (trust=True) to import that file"


def _import_file(module: str, file: Path) -> None:
    """Imports the module from this file.

    Raises:
        ValueError: when it cannot be, or another file was imported by this name before.
    """
    try:
        with _importing_from(root_of(file, module)):
            found = importlib.import_module(module)
    except ImportError as error:
        raise ValueError(f"{file} cannot be imported as {module}: {error}") from error
    origin = getattr(found, "__file__", None)
    if origin is None or Path(origin).resolve() != file.resolve():
        raise ValueError(
            f"{module} is {origin or 'a module without a file'} in this Python, not {file}: start a new one"
        )


def _is_module_name(module: str) -> bool:
    return all(part.isidentifier() for part in module.split("."))
