"""How the stages of an inspection tell how far they are."""

from collections.abc import Callable

# Called with the stage that begins and the share of the whole work that is done before it, in [0, 1].
Progress = Callable[[str, float], None]


def untold(stage: str, done: float) -> None:
    """Ignore the progress: nobody asked for it."""


def within(progress: Progress, start: float, stop: float) -> Progress:
    """Return the progress of a piece of work that takes the share [start, stop] of the whole."""
    return lambda stage, done: progress(stage, start + (stop - start) * done)
