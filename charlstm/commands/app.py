"""The command line: every command of `charlstm`, registered in the order that `--help` lists them.

A command imports its task when it runs, not before.
"""

from typing import Annotated, NoReturn

import typer

from charlstm import __version__
from charlstm.commands import exits, inspect, sample, train
from charlstm.commands.corpora import corpora
from charlstm.commands.demo import demo
from charlstm.commands.devices import devices
from charlstm.commands.exam import exam
from charlstm.commands.import_weights import import_weights
from charlstm.commands.options.command import Command, checked_by
from charlstm.commands.report import report
from charlstm.commands.score import score
from charlstm.commands.sharing.export import export
from charlstm.commands.sharing.push import push
from charlstm.commands.terminal import console

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


app.command(cls=checked_by(train.check_settings), epilog=train.settings_help())(train.train)
app.command(cls=checked_by(sample.check_settings))(sample.sample)
app.command(cls=Command)(score)
app.command(cls=checked_by(inspect.check_settings))(inspect.inspect)
app.command("import", cls=Command)(import_weights)
app.command(cls=Command)(exam)
app.command(cls=Command)(report)
app.command(cls=Command)(export)
app.command(cls=Command)(push)
app.command(cls=Command)(corpora)
app.command(cls=Command)(devices)
app.command(cls=Command)(demo)


def main() -> NoReturn:
    """Run the command line and leave with the exit code of what happened."""
    exits.run(app)
