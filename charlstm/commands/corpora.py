"""`charlstm corpora`: list the texts that are built in or cached, say where the cache is, and empty it."""

from dataclasses import asdict
from typing import Annotated

import typer

from charlstm.commands.options.shared import AsJson
from charlstm.commands.terminal import console, formatting


def corpora(
    empty: Annotated[
        bool, typer.Option("--empty", help="delete the cached texts; they are made again when needed")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the texts that are built in or cached."""
    from charlstm.commands.terminal import tables
    from charlstm.text.cache_folder import cache_size, default_data_folder, empty_cache
    from charlstm.text.corpus import list_corpora

    folder = default_data_folder()
    narrator = console.Narrator()
    if empty:
        narrator.say(f"deleted {formatting.bytes_in_words(empty_cache(folder))} of cached texts in {folder}")
    listed = list_corpora(folder)
    if as_json:
        console.write_json([asdict(corpus) for corpus in listed])
        return
    console.write_line(tables.corpora_table(listed, width=console.table_width()))
    if not empty:
        size = formatting.bytes_in_words(cache_size(folder))
        narrator.say(f"cache  {folder}, {size}; `charlstm corpora --empty` deletes it")
