"""Results of the commands as lines and tables for a terminal."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from charlstm.commands.terminal import formatting
from charlstm.config import GateActivation, GateOrder
from charlstm.report.words.plain_table import table
from charlstm.tasks.next_commands import inspect_command, sample_command

if TYPE_CHECKING:  # a list of texts is shown without torch, which these load
    from charlstm.inspection.exam.exam_run import ExamResult
    from charlstm.inspection.exam.marking import ExamScore
    from charlstm.tasks.import_weights import Imported
    from charlstm.tasks.score import Score
    from charlstm.text.corpus import CachedCorpus

# Bits per character of English or code under any model that works; wrongly read weights need more.
_IMPLAUSIBLE_BITS = 4.5
# From this many bits fewer on, another function of the gates is said to be the model's own.
_CLEARLY_FEWER_BITS = 0.05
# Why an imported model has the gates that it has, by `Imported.gates_known_from`.
_GATES_KNOWN_FROM = {"option": "as --gates says", "file": "as the file says", "layout": "as in {}"}
_KERAS_VERSIONS = " since 2.3 (older: --gates hard_sigmoid)"

# Said where an inspection has no finding.
NOTHING_FOUND = (
    "advice    train longer or with more cells, inspect more text (--characters), take a\n"
    "          text with quotes, brackets or lines, or test a rule of your own (--feature)"
)

# The columns of an exam; with the longest name of a design they fill a line of 80 characters.
_EXAM_COLUMNS = ("", "asked", "prec.", "recall", "driver", "verdict", "share", "undec.")


def next_commands(run: Path) -> str:
    """Return the commands to type next for a run. Raises CheckpointError when it cannot be used."""
    return f"next:  {sample_command(run)}\n       {inspect_command(run)}"


def waiting_for_processes(count: int) -> str:
    """Return what a process says that other variables than torchrun's tell of count processes."""
    return (
        f"WORLD_SIZE={count} is set: waiting for the other processes, one minute at most\n"
        "to train in this process alone, stop it and `unset RANK WORLD_SIZE`"
    )


def score_line(scored: "Score") -> str:
    """Return the loss on a text, and the number of characters that it is the mean of."""
    return f"{formatting.bits_and_nats(scored.bits_per_character)} over {len(scored.ids) - 1:,} characters"


def import_table(imported: "Imported") -> str:
    """Return what was found in a file of weights as a table of two columns."""
    model, source = imported.model, imported.source
    why = _GATES_KNOWN_FROM[imported.gates_known_from].format(source.layout)
    if why == "as in Keras":
        why += _KERAS_VERSIONS
    bias = f", forget bias {source.forget_bias:g} added" if source.forget_bias else ""
    rows = [
        ("run", str(imported.path)),
        ("layers", f"{model.layers} of {model.cells} cells"),
        ("input", imported.input),
        ("vocabulary", f"{model.vocabulary_size} symbols"),
        ("gate order", f"{source.gate_order}, weights laid out as {source.layout}'s{bias}"),
        ("gates", f"{model.gate_activation}, {why}"),
        ("parameters", f"{imported.parameters:,} in the file"),
    ]
    return table(rows)


def import_scores(scores: Mapping[GateActivation, "Score"]) -> str:
    """Return the scores of an imported model, one a line, each with the gates' function if several."""
    lines = {gates: score_line(scored) for gates, scored in scores.items()}
    if len(lines) == 1:
        return next(iter(lines.values()))
    return "\n".join(f"{line}, gates {gates}" for gates, line in lines.items())


def import_advice(imported: "Imported", scores: Mapping[GateActivation, "Score"]) -> str:
    """Return what to do after an import: read the file in another way where the scores say so."""
    by_gates = {gates: scored.bits_per_character for gates, scored in scores.items()}
    bits = by_gates.get(imported.model.gate_activation, 0.0)
    best = min(by_gates, key=lambda gates: by_gates[gates], default=imported.model.gate_activation)
    uniform = math.log2(imported.model.vocabulary_size)
    plausible = min(uniform, _IMPLAUSIBLE_BITS)
    if by_gates and by_gates[best] <= min(plausible, bits - _CLEARLY_FEWER_BITS):
        return (
            f"with {best} gates the model has {by_gates[best]:.2f} instead of {bits:.2f} bits per character\n"
            f"import it again with --gates {best} --overwrite"
        )
    if bits > plausible:
        # Two spellings of one order, such as ifgo and ifco, give one model.
        spellings = reversed(get_args(GateOrder))
        orders = {order.replace("c", "g").replace("j", "g"): order for order in spellings}
        return (
            f"{bits:.2f} bits per character is implausible: guessing among the symbols takes {uniform:.2f}\n"
            f"try another --gate-order ({', '.join(sorted(orders.values()))}), --forget-bias or --vocabulary "
            "and --overwrite"
        )
    return next_commands(imported.path)


def exam_table(result: "ExamResult") -> str:
    """Return the inspection's marks by kind and, indented, by design, for hard cells and for soft ones.

    Two more tables have the marks of all methods over all kinds.
    """
    rows: list[tuple[str, ...]] = []
    for title, marked in (("hard cells", result.hard), ("soft cells", result.soft)):
        rows.append((title, *[""] * (len(_EXAM_COLUMNS) - 1)))
        for mark in marked:
            name = f"  {mark.name.replace('_', ' ')}" if mark.precision is not None else f"    {mark.name}"
            rows.append((name, *_marks(mark)))
    tables = [table(rows, header=_EXAM_COLUMNS)]
    for place in ("hard", "soft"):
        methods = [(method.name, *_marks(getattr(method, place))) for method in result.methods]
        header = (f"all {place} cells", *_EXAM_COLUMNS[1:])
        tables += [table(methods, header=header)] if methods else []
    twins = "" if result.twins is None else f"twins told apart in {result.twins:.1%} of networks; "
    clean = sum(count == 0 for count in result.untrained)
    return "\n\n".join(tables) + (
        f"\n{twins}no finding in {clean} of {len(result.untrained)} "
        f"untrained networks; {result.networks} networks from seed {result.seed} on"
    )


def _marks(mark: "ExamScore") -> tuple[str, ...]:
    """Return a score as the cells of a table's row, without its name."""
    shares = (mark.precision, mark.recall, mark.drivers, mark.verdicts, mark.shares)
    cells = ["" if share is None else f"{share:.3f}" for share in shares]
    return str(mark.asked), *cells, str(mark.undecided or "")


def corpora_table(corpora: list["CachedCorpus"], *, width: int | None = None) -> str:
    """Return the texts that are built in or cached as a table, with the size of the cached ones.

    Its lines have at most width characters, and are uncut where that is None.
    """
    rows = [
        (
            corpus.state,
            corpus.level or "",
            "" if corpus.characters is None else f"{corpus.characters:,}",
            "" if corpus.symbols is None else f"{corpus.symbols:,}",
            corpus.name,
        )
        for corpus in corpora
    ]
    header = ("state", "level", "characters", "symbols", "corpus")
    return table(rows, header=header, width=width)
