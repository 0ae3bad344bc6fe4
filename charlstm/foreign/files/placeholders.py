"""A Placeholder stands where a pickle names a class or a function that is not allowed.

Nothing of that name is looked up, imported or called. A checkpoint often has a configuration object or a
scheduler beside its weights; they become placeholders, and the weights are read.
"""

from typing import Any

# These modules start programs, load code or reach into the machine, so no honest checkpoint names them: a
# file that does is refused, although a placeholder in their place would do no harm.
_HOSTILE_MODULES = frozenset(
    (
        "os", "posix", "nt", "subprocess", "sys", "shutil", "importlib", "imp", "runpy", "socket", "ctypes",
        "pty", "commands", "popen2", "pickle", "_pickle", "cPickle",
        "marshal", "code", "codeop", "webbrowser",
        "pdb", "pip", "ensurepip", "asyncio", "multiprocessing", "charlstm",
    )
)  # fmt: skip
_HOSTILE_BUILTINS = frozenset(
    ("eval", "exec", "execfile", "compile", "open", "file", "__import__", "input", "breakpoint")
)


def is_hostile(module: str, name: str) -> bool:
    """Tell whether a file that names module.name is made to do harm."""
    if module in ("builtins", "__builtin__"):
        return name.split(".")[0] in _HOSTILE_BUILTINS
    return module.split(".")[0] in _HOSTILE_MODULES


class Placeholder:
    """A Placeholder has the name of a class or a function, and holds what was given to it as plain data.

    It takes the place of the class itself, of what the class makes, and of what the function returns. It is
    never called, and no attribute of it is set by a pickle.
    """

    __slots__ = ("held", "name")

    def __init__(self, name: str, held: tuple[Any, ...] = ()) -> None:
        """Take the name, and the arguments that a pickle would call it with."""
        self.name = name
        self.held: list[Any] = list(held)
