"""Results of the commands as lines and tables for a terminal."""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from charlstm.commands.terminal import formatting
from charlstm.config import GateActivation, GateOrder
from charlstm.findings import Findings, Json
from charlstm.report.words.detection_numbers import (
    false_discoveries,
    held_out_score,
    near_limit,
    rank_score,
    runner_up,
)
from charlstm.report.words.network.appearances import Appearance, appearances
from charlstm.report.words.proof_numbers import effect_nats, share_in_short
from charlstm.report.words.values import words
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

FINDING_COLUMNS = ("cell", "kind", "feature", "driven by", "score", "verdict", "effect", "carries")
# Said below the table: what the score is; the marks where they occur; the effect where a cell was changed.
_SCORE_LEGEND = "score    correlation on held-out text, switches taken as on half of the time"
_NEAR_LIMIT, _RUNNER_UP = "~", "*"
_MARKS_LEGEND = {
    _NEAR_LIMIT: f"{_NEAR_LIMIT}        near the least score of a candidate: another text may miss it",
    _RUNNER_UP: f"{_RUNNER_UP}        another feature fits nearly as well; report.html names it",
}
_EFFECT_LEGEND = (
    "effect   change of the closer's log probability when the cell is changed, nats\n"
    "carries  share of what all cells remember for it; intervals are in report.html"
)

_APPEARANCE_COLUMNS = ("cell", "feature", "follows", "two levels", "needed")
_APPEARANCE_LEGEND = (
    "the training step from which on a cell follows its feature, has two levels, and\n"
    "the closer needs it; empty where that is not so at the end"
)

# Said where a cell has no verdict: its feature ends too seldom in the part of the text that is left for it.
_NOT_TESTED_LEGEND = "not tested: the feature ends at too few places of the text; inspect a longer one"


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
    return formatting.table(rows)


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


def findings_table(findings: Findings, *, most: int = 20, width: int | None = None) -> str:
    """Return the findings as a table, the best held-out score first, or a sentence where there are none.

    The column effect is the change of the closer's log probability in nats, and carries the share of the
    behaviour that the cell carries, "?" where that is not known. Only the first most findings are listed.
    Lines have at most width characters, and are uncut where that is None.
    """
    if not findings.findings:
        return "no cell follows a feature of the text better than chance and what single characters explain"
    # Excerpts are most of a document, and nothing here reads them.
    document = replace(findings, excerpts=[]).to_json()
    found = sorted(document["findings"], key=rank_score, reverse=True)
    left = len(found) - most
    parts = [
        formatting.table(map(finding_row, found[:most]), header=FINDING_COLUMNS, width=width),
        f"{left} more in findings.json" if left > 0 else "",
        *findings_legend(found[:most]),
        textwrap.fill(false_discoveries(document), 80),
    ]
    return "\n".join(part for part in parts if part)


def appearances_table(findings: Findings, *, width: int | None = None) -> str:
    """Return from which training step on each cell did what it does at the end, the earliest first.

    The result is "" where the findings have nothing about earlier moments. Lines have at most width
    characters, and are uncut where that is None.
    """
    document = replace(findings, excerpts=[]).to_json()
    last = (findings.over_time.get("steps") or [0])[-1]

    def order(one: Appearance) -> tuple[int, ...]:
        return tuple(last + 1 if step is None else step for step in (one.follows, one.needed))

    rows = [
        (one.cell, words(one.feature), *map(_step, (one.follows, one.two_levels, one.needed)))
        for one in sorted(appearances(document), key=order)
    ]
    if not rows:
        return ""
    table = formatting.table(rows, header=_APPEARANCE_COLUMNS, width=width)
    return f"{table}\n{_APPEARANCE_LEGEND}"


def _step(step: int | None) -> str:
    """Return a training step as a cell of a table."""
    return "" if step is None else f"{step:,}"


def finding_row(finding: Json) -> tuple[str, ...]:
    """Return a finding as the cells of a table's row, with the marks of _MARKS_LEGEND."""
    score = held_out_score(finding)
    mark = _RUNNER_UP if runner_up(finding) else ""
    return (
        f"{finding['layer']}:{finding['cell']}",
        finding["kind"].removesuffix("_counter"),
        mark + words(finding["feature"]),
        drivers_in_words(finding["drivers"]),
        "" if score is None else (_NEAR_LIMIT if near_limit(finding) else "") + f"{score:.2f}",
        finding["verdict"] or "not tested",
        _effect(finding["causal"]),
        share_in_short(finding),
    )


def findings_legend(found: list[Json]) -> list[str]:
    """Return a line for every column and mark of the table of found that has to be explained."""
    marks = {_NEAR_LIMIT: any(map(near_limit, found)), _RUNNER_UP: any(map(runner_up, found))}
    lines = [_SCORE_LEGEND, *(line for mark, line in _MARKS_LEGEND.items() if marks[mark])]
    lines += [_EFFECT_LEGEND] if any(finding["causal"] for finding in found) else []
    return [*lines, _NOT_TESTED_LEGEND] if any(not finding["verdict"] for finding in found) else lines


def _effect(causal: dict[str, Any] | None) -> str:
    """Return the effect in nats as a cell of a table."""
    nats = effect_nats(causal or {})
    return "" if nats is None else "0.00" if abs(nats) < 0.005 else f"{nats:+.2f}"[:6]


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
    tables = [formatting.table(rows, header=_EXAM_COLUMNS)]
    for place in ("hard", "soft"):
        methods = [(method.name, *_marks(getattr(method, place))) for method in result.methods]
        header = (f"all {place} cells", *_EXAM_COLUMNS[1:])
        tables += [formatting.table(methods, header=header)] if methods else []
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


def drivers_in_words(drivers: dict[str, list[str]]) -> str:
    """Return drivers such as {"set": ["("], "reset": [")"]} as `( on, ) off`.

    A role whose driver is any character ("*") is left out.
    """
    words = {"set": "on", "step": "up", "unstep": "down", "reset": "to 0" if "step" in drivers else "off"}
    if drivers.get("set") == drivers.get("reset") is not None:
        return f"{_spelled(drivers['set'])} on and off"
    parts = [
        f"{_spelled(drivers[role])} {words[role]}" for role in words if drivers.get(role, ["*"]) != ["*"]
    ]
    return ", ".join(parts)


def _spelled(characters: list[str]) -> str:
    """Return drivers separated by spaces, with escapes; a space is named, and in a pair of characters `␣`."""
    return " ".join(
        "space" if driver == " " else formatting.spelled(driver).replace(" ", "␣") for driver in characters
    )


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
    return formatting.table(rows, header=header, width=width)
