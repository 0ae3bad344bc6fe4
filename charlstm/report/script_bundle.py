"""JavaScript modules of a page -> one classic script, so that a page needs neither a build step nor a server.

The modules lie in charlstm/report/scripts. Each is a real ES module, so that editors and type checkers
understand it; but a browser refuses to load modules into a page that was opened from a file. The bundle puts
every module after those that it imports and takes the words `import` and `export` away: all modules then
share one scope, in which each name has one meaning. Comments, a third of the modules, stay out of the page:
whoever reads its source finds the names of the files. The modules use a small part of the language, and only
this part is read here:

    import { first, second } from "./other_file.js";     at the head of the file, names as they are exported
    export const name = ..., export function name() ...  declarations that begin their line
    // ... and /** ... */                                comments on lines of their own, which no text has
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_IMPORT = re.compile(r'^import \{([\w$\s,]+)\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_DECLARATION = re.compile(
    r"^(?P<export>export )?(?:async )?(?:function\*?|class|const|let|var) (?P<name>[\w$]+|[\[{])",
    re.MULTILINE,
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let|var) )", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*(?:(?!\*/)[\s\S])*\*/)\n", re.MULTILINE)
_OTHER_MODULE_SYNTAX = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


class ScriptError(Exception):
    """The modules of a page cannot be joined: one of them breaks the rules above."""


@dataclass(frozen=True)
class Module:
    """One file: its imports as {path of the other file: names}, what it declares and exports, its code."""

    path: str
    imports: dict[str, tuple[str, ...]]
    declared: tuple[str, ...]
    exported: frozenset[str]
    code: str


def bundle(folder: "Traversable", entry: str) -> str:
    """Return the classic script of the module `entry` and of all modules that it imports, each of them once.

    folder holds the modules; entry is a path in it, such as "report_page.js".
    Raises ScriptError for a file that is missing, a cycle of imports, an import of a name that is not
    exported, a name that two modules declare, and module syntax that is not read here.
    """
    modules = list(in_order(folder, entry))
    _refuse_shared_names(modules)
    exports = {module.path: module.exported for module in modules}
    for module in modules:
        for path, names in module.imports.items():
            for name in names:
                if name not in exports[path]:
                    raise ScriptError(f"{module.path} imports {name} from {path}, which does not export it")
    parts = [f"// {module.path}\n\n{module.code.strip()}\n" for module in modules]
    return "\n".join(['"use strict";\n', *parts])


def in_order(folder: "Traversable", entry: str) -> Iterator[Module]:
    """Yield the module `entry` and all modules that it imports, each after those that it imports itself.

    Raises ScriptError for a file that is missing, a cycle, and module syntax that is not read here.
    """
    done: set[str] = set()

    def visit(path: str, importers: tuple[str, ...]) -> Iterator[Module]:
        if path in importers:
            cycle = " -> ".join([*importers[importers.index(path) :], path])
            raise ScriptError(f"modules import each other in a cycle: {cycle}")
        if path in done:
            return
        module = read_module(folder, path, importers)
        for imported in module.imports:
            yield from visit(imported, (*importers, path))
        done.add(path)
        yield module

    yield from visit(entry, ())


def read_module(folder: "Traversable", path: str, importers: tuple[str, ...] = ()) -> Module:
    """Read one module. Raises ScriptError where it is missing or has module syntax that is not read here."""
    try:
        text = (folder / path).read_text(encoding="utf-8")
    except OSError as error:
        wanted = f", which {importers[-1]} imports" if importers else ""
        raise ScriptError(f"there is no script {path}{wanted}") from error
    imports: dict[str, tuple[str, ...]] = {}
    for names, target in _IMPORT.findall(text):
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        imports[other] = (*imports.get(other, ()), *re.findall(r"[\w$]+", names))
    declarations = [(match["name"], bool(match["export"])) for match in _DECLARATION.finditer(text)]
    for name, _ in declarations:
        if name in "[{":
            raise ScriptError(
                f"{path} takes several names out of one value at its top level: declare each alone"
            )
    code = _COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
    for line in _OTHER_MODULE_SYNTAX.findall(code):
        raise ScriptError(f"{path} has an import or an export that the bundle cannot read: {line}")
    return Module(
        path=path,
        imports=imports,
        declared=tuple(name for name, _ in declarations),
        exported=frozenset(name for name, is_exported in declarations if is_exported),
        code=code,
    )


def _refuse_shared_names(modules: list[Module]) -> None:
    """Raise ScriptError for a name that two modules declare: in one scope it would have two meanings."""
    owners: dict[str, str] = {}
    for module in modules:
        for name in module.declared:
            if name in owners:
                raise ScriptError(f"{owners[name]} and {module.path} both declare {name}: rename one of them")
            owners[name] = module.path
