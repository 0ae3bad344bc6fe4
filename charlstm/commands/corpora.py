"""`charlstm corpora`: list the texts that are built in or cached."""

from dataclasses import asdict

from charlstm.commands.options import AsJson
from charlstm.commands.terminal import console


def corpora(as_json: AsJson = False) -> None:
    """List the texts that are built in or cached."""
    from charlstm.commands.terminal import tables
    from charlstm.text.cache_folder import default_data_folder
    from charlstm.text.corpus import list_corpora

    listed = list_corpora(default_data_folder())
    if as_json:
        console.write_json([asdict(corpus) for corpus in listed])
    else:
        console.write_line(tables.corpora_table(listed))
