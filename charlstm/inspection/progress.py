"""The stages of an inspection report how far they are by calling a function, a Progress."""

from collections.abc import Callable

# Called with the name of the stage that begins, and the share of the whole work done before it, in [0, 1].
Progress = Callable[[str, float], None]


def ignore_progress(stage: str, done: float) -> None:
    """Do nothing with the progress of stage, where nobody wants to see it."""


def within(progress: Progress, start: float, stop: float) -> Progress:
    """Return the progress of a piece of work that covers the shares start to stop of the whole work.

    The piece reports shares of itself, from 0 to 1, and progress is called with shares of the whole.
    """
    return lambda stage, done: progress(stage, start + (stop - start) * done)
