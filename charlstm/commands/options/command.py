"""A command as typer runs it: its problems name options as they are typed.

The library knows nothing of options. Where its advice names a parameter, in backticks, as `window` or
`level="bytes"`, the option of that name takes its place.
"""

import ast
import re
import shlex
from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand

from charlstm.commands.terminal.console import Narrator
from charlstm.errors import CharLSTMError
from charlstm.machine.launch import launch

_PARAMETER = re.compile(r"`([a-z_]+)(?:=([^`]+))?`")


class Command(TyperCommand):
    """A command of charlstm."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and tell on stderr what the library logs, unless it is to be quiet.

        Raises what the command raises, with parameters named as options in the advice.
        """
        quiet = ctx.params.get("quiet", False) or launch().rank > 0
        try:
            with Narrator(quiet=quiet).telling_logs():
                return super().invoke(ctx)
        except CharLSTMError as problem:
            others = ctx.parent.command.commands.values() if ctx.parent else ()
            problem.advice = with_options(problem.advice, typed_names(self, *others))
            raise


def typed_names(own: TyperCommand, *others: TyperCommand) -> dict[str, str]:
    """Return how each parameter is typed: as `--window`, or `charlstm train --window` if own lacks it.

    A parameter that several of the other commands have is that of the first one.
    """
    names: dict[str, str] = {}
    for command in (own, *others):
        before = "" if command is own else f"charlstm {command.name} "
        for parameter in command.params:
            if parameter.opts[0].startswith("--"):
                names.setdefault(str(parameter.name), before + parameter.opts[0])
    return names


def with_options(advice: str, names: Mapping[str, str]) -> str:
    """Return advice with options in the place of parameters; names says how a parameter is typed."""

    def typed(found: re.Match[str]) -> str:
        if found[1] not in names:
            return found[0]
        words = names[found[1]] + _argument(found[2])
        return words if words.startswith("--") else f"`{words}`"

    return _PARAMETER.sub(typed, advice)


def _argument(value: str | None) -> str:
    """Return what follows an option for a value in the spelling of Python: nothing for None and True."""
    if value in (None, "True"):
        return ""
    try:
        return f" {shlex.quote(str(ast.literal_eval(str(value))))}"
    except (ValueError, SyntaxError):  # a placeholder, such as FILE
        return f" {value}"
