"""A command as typer runs it: its problems name options as they are typed, and all bad ones at once.

The library knows nothing of options. Where its advice, or what it says of a setting out of range, names a
parameter, in backticks, as `window` or `level="bytes"`, the option of that name takes its place.
"""

import ast
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from typer import BadParameter, TyperException
from typer.core import TyperCommand

from charlstm.commands.terminal.console import Narrator
from charlstm.errors import CharLSTMError, UsageError
from charlstm.machine.launch import launch

Check = Callable[[Mapping[str, Any]], None]
# How typer's words on a value that is no number begin.
_SHOULD_BE = "Input should be "
_PARAMETER = re.compile(r"`([a-z_]+)(?:=([^`]+))?`")


class Command(TyperCommand):
    """A command of charlstm."""

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise one UsageError for all values, by the names of their parameters, that are out of range."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options and check their values. Raises one UsageError that names all that are wrong."""
        if ctx.resilient_parsing:  # a shell asks how a word can be completed
            return super().parse_args(ctx, args)
        misread: list[str] = []
        try:
            args = super().parse_args(ctx, list(args))
        except TyperException as problem:
            misread = self._misread(ctx, args, problem)
        try:
            self.check(ctx.params)
        except UsageError as problem:
            names = self._typed_names(ctx)
            said, advice = with_options(problem.problem, names), with_options(problem.advice, names)
            if not misread:
                raise UsageError(said, advice) from problem
            misread.append(said)
        if misread:
            raise UsageError("; ".join(misread), f"see what there is with `charlstm {self.name} --help`")
        return args

    def _misread(self, ctx: Any, args: list[str], first: TyperException) -> list[str]:
        """Return what is wrong with each option in args that typer cannot read, of which first is one.

        The values of the other parameters are left in ctx.params.
        """
        problems = [] if isinstance(first, BadParameter) else [first.format_message().rstrip(".")]
        if problems and not hasattr(
            first, "possibilities"
        ):  # there is such an option: nothing more can be read
            return problems
        ctx.ignore_unknown_options = True
        found, _, _ = self.make_parser(ctx).parse_args(list(args))
        for parameter in self.get_params(ctx):
            try:
                parameter.handle_parse_result(ctx, found, [])
            except BadParameter as problem:
                problems.append(_in_words(problem, parameter.opts[0], found.get(parameter.name)))
        return problems

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and tell on stderr what the library logs, unless it is to be quiet.

        Raises what the command raises, with parameters named as options in the advice.
        """
        quiet = ctx.params.get("quiet", False) or launch().rank > 0
        try:
            with Narrator(quiet=quiet).telling_logs():
                return super().invoke(ctx)
        except CharLSTMError as problem:
            problem.advice = with_options(problem.advice, self._typed_names(ctx))
            raise

    def _typed_names(self, ctx: Any) -> dict[str, str]:
        """Return how each parameter of this command, and of those beside it, is typed."""
        return typed_names(self, *(ctx.parent.command.commands.values() if ctx.parent else ()))


def checked_by(check: Check) -> type[Command]:
    """Return the kind of command whose values are checked by check, together with how they are typed."""
    return type("CheckedCommand", (Command,), {"check": lambda self, values: check(values)})


def _in_words(problem: BadParameter, name: str, value: object) -> str:
    """Return what typer says of the value of a parameter; value is None where there is none."""
    if value is None or not name.startswith("--"):
        return problem.format_message().rstrip(".")
    message = problem.message.removeprefix("Value error, ").rstrip(".")
    if message.startswith(_SHOULD_BE):
        return f"{name} must be {message.removeprefix(_SHOULD_BE).split(', unable')[0]}, not {value!r}"
    return f"{name}: {message}"


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


def with_options(words: str, names: Mapping[str, str]) -> str:
    """Return words with options in the place of parameters; names says how a parameter is typed."""

    def typed(found: re.Match[str]) -> str:
        if found[1] not in names:
            return found[0]
        words = names[found[1]] + _argument(found[2])
        return words if words.startswith("--") else f"`{words}`"

    return _PARAMETER.sub(typed, words)


def _argument(value: str | None) -> str:
    """Return what follows an option for a value in the spelling of Python: nothing for None and True."""
    if value in (None, "True"):
        return ""
    try:
        return f" {shlex.quote(str(ast.literal_eval(str(value))))}"
    except (ValueError, SyntaxError):  # a placeholder, such as FILE
        return f" {value}"
