"""Progress of long work in a Python session: told to a function, shown as a bar, or neither."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from charlstm.inspection.progress import Progress, ignore_progress

# What a caller may give: a function of stage and share, True for a bar, False or None for nothing.
Wanted = Progress | bool | None


@contextmanager
def reporting(wanted: Wanted) -> Iterator[Progress]:
    """Give the function that work calls with its stage and the share of it that is done, in [0, 1].

    It is wanted itself, where that is a function; for True it moves a bar, a widget in a notebook and a line
    on stderr elsewhere. Work that ends without an error is told as the stage "done" with a share of 1.
    """
    if wanted is True:
        with _bar() as bar:
            yield from _until_done(lambda stage, share: _move(bar, stage, share))
    else:
        yield from _until_done(wanted or ignore_progress)


def _until_done(progress: Progress) -> Iterator[Progress]:
    """Yield progress once, and tell it that all is done where what follows ends without an error."""
    yield progress
    progress("done", 1.0)


def _bar() -> Any:
    """Return a bar of tqdm from 0 to 1: a widget where ipywidgets is installed, else a line on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm warns where widgets are missing: the line will do
        from tqdm.auto import tqdm

    return tqdm(total=1.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining}")


def _move(bar: Any, stage: str, share: float) -> None:
    """Move a bar to a share, and show the stage beside it."""
    bar.set_description_str(stage, refresh=False)
    bar.update(share - bar.n)
