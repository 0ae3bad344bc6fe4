"""`charlstm exam`: inspect networks whose switches and counters are known, and count what is found."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charlstm.commands.exits import computing
from charlstm.commands.options.shared import AsJson, Quiet, place_to_read
from charlstm.commands.terminal import console
from charlstm.errors import UsageError

if TYPE_CHECKING:
    from charlstm.inspection.exam.exam_run import ExamResult

_NETWORKS, _UNTRAINED = 100, 20


def _to_read(path: Path | None) -> Path | None:
    """Return path as it is. Raises CheckpointError where it cannot be looked for."""
    return path and place_to_read(path)


def exam(
    networks: Annotated[
        int | None, typer.Option(min=1, help=f"networks whose cells are known [default: {_NETWORKS}]")
    ] = None,
    untrained: Annotated[
        int, typer.Option(min=0, help="untrained networks, which must have no finding")
    ] = _UNTRAINED,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="seed of the first network; the others count up from it [default: 0]"),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="mark these answers of another method too", callback=_to_read),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="write the networks, texts and questions, then stop")
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Inspect networks whose cells are known, and count what is found.

    Some of their cells are decoys, which must not be found. Others do what a switch or a counter does, but
    no prediction depends on them, so they must not be verified. Simple baseline methods are marked as
    well.
    """
    if answers and (write or networks is not None or seed is not None):
        raise UsageError("--answers already names its networks", "leave out the other options")
    narrator = console.Narrator(quiet=quiet)
    networks, seed = networks or _NETWORKS, seed or 0
    if write:
        _write_exam(write, networks, seed, narrator)
    else:
        result = _result(networks, untrained, seed, answers, narrator)
        _show(result, as_json=as_json)


def _write_exam(folder: Path, networks: int, seed: int, narrator: console.Narrator) -> None:
    """Write the exam networks of `networks` seeds, from `seed` on, into folder, and name its questions."""
    from charlstm.inspection.exam import exam_folder

    with computing(), narrator.bar() as bar:
        bar.stage(f"making {networks} networks")
        for fraction in exam_folder.write_exam(folder, networks, seed=seed):
            bar.move_to(fraction)
    console.write_line(str(folder / exam_folder.QUESTIONS))


def _result(
    networks: int, untrained: int, seed: int, answers: Path | None, narrator: console.Narrator
) -> "ExamResult":
    """Return the marks of the inspection, the rivals and the method of the file answers, if there is one.

    The networks are those that the file is about, or the `networks` networks from `seed` on.
    """
    from charlstm.inspection.exam import exam_run
    from charlstm.inspection.exam.answer_file import read_answer_file
    from charlstm.inspection.exam.rivals.sitting import rival_methods

    others = rival_methods()
    if answers:
        file = read_answer_file(answers)
        if file.method in (exam_run.INSPECTION, *others):
            raise UsageError(
                f"{file.method!r} is the name of another method", "give your method another name"
            )
        others[file.method] = file.about
        networks, seed = file.networks, file.seed
    with computing(), narrator.bar() as bar:
        bar.stage(f"inspecting {networks} networks, and {untrained} untrained ones")
        for event in exam_run.run_exam(networks, untrained, seed=seed, others=others):
            if isinstance(event, exam_run.ExamProgress):
                bar.move_to(event.fraction)
            else:
                result = event
    return result


def _show(result: "ExamResult", *, as_json: bool) -> None:
    """Write the marks as tables, or as one JSON document."""
    from charlstm.commands.terminal import tables

    if as_json:
        console.write_json(asdict(result))
    else:
        console.write_line(tables.exam_table(result))
