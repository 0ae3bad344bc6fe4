"""The paths that the tables of charlstm/report/README.md name, and those that occur in a findings.json.

A path is a tuple of steps: a key, "[]" for the items of a list, or in the README "<...>" for any key.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

Path = tuple[str, ...]

_HEADING = re.compile(r"#+ `([^`]+)`")
_ROW = re.compile(r"\| `([^`]+)` \|")
# Keys may have dots before digits, as below_0.1 has.
_STEP = re.compile(r"\.(?=[^\d])")


def documented_paths(readme: str) -> set[Path]:
    """Return every path in the first column of the README's tables.

    A row whose path begins with a dot goes on from the path in the heading above it; the fields of the whole
    document are below the heading "The document".
    """
    paths: set[Path] = set()
    heading, whole_document = "", False
    for line in readme.splitlines():
        if line.startswith("#"):
            found = _HEADING.match(line)
            heading, whole_document = found[1] if found else "", line.endswith(" The document")
        elif (row := _ROW.match(line)) and (whole_document or row[1].startswith(".")):
            paths.update(_steps(path) for path in _alternatives(heading + row[1]))
    return paths


def _alternatives(path: str) -> Iterator[str]:
    """Yield the path with each of the alternatives in {a,b}."""
    parts = re.split(r"\{([^}]+)\}", path)
    choices = [part.split(",") if place % 2 else [part] for place, part in enumerate(parts)]
    yield from map("".join, product(*choices))


def _steps(path: str) -> Path:
    steps: list[str] = []
    for part in _STEP.split(path):
        name, *lists = part.split("[]")
        steps += [name, *["[]"] * len(lists)]
    return tuple(steps)


def leaf_paths(document: Any) -> dict[Path, bool]:
    """Return every path in JSON values that ends at a number, a text, null, {} or [].

    The value of a path says whether it has anything but null, {} and [] anywhere.
    """
    paths: dict[Path, bool] = {}

    def walk(value: Any, path: Path) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list) and value:
            for item in value:
                walk(item, (*path, "[]"))
        else:
            paths[path] = paths.get(path, False) or value not in (None, {}, [])

    walk(document, ())
    return paths


def names(documented: Path, path: Path, *, beginning: bool = False) -> bool:
    """Whether a documented path stands for path.

    With beginning a path that ends before the documented one is named as well.
    """
    if len(path) > len(documented) or (len(path) < len(documented) and not beginning):
        return False
    return all(step.startswith("<") or step == key for step, key in zip(documented, path, strict=False))
