"""The command line: every command of `charlstm`, registered in the order that `--help` lists them.

A command imports its task when it runs, not before.
"""

from typing import Annotated, NoReturn

import typer

from charlstm import __version__
from charlstm.commands import exits
from charlstm.commands.corpora import corpora
from charlstm.commands.demo import demo
from charlstm.commands.exam import exam
from charlstm.commands.import_weights import import_weights
from charlstm.commands.inspect import inspect
from charlstm.commands.options.command import Command
from charlstm.commands.report import report
from charlstm.commands.sample import sample
from charlstm.commands.score import score
from charlstm.commands.sharing.export import export
from charlstm.commands.sharing.push import push
from charlstm.commands.terminal import console
from charlstm.commands.train import settings_help, train

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: half the time, and square brackets stay
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        console.write_line(f"charlstm {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Train a character-level LSTM on any text, sample from it, and find its switches and counters."""


app.command(cls=Command, epilog=settings_help())(train)
app.command(cls=Command)(sample)
app.command(cls=Command)(score)
app.command(cls=Command)(inspect)
app.command("import", cls=Command)(import_weights)
app.command(cls=Command)(exam)
app.command(cls=Command)(report)
app.command(cls=Command)(export)
app.command(cls=Command)(push)
app.command(cls=Command)(corpora)
app.command(cls=Command)(demo)


def main() -> NoReturn:
    """Run the command line and leave with the exit code of what happened."""
    exits.run(app)
