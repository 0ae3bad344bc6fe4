"""A run as a page of Markdown: the model card that a repository on the Hugging Face hub shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.report.words.detection_numbers import held_out_score, rank_score
from charlstm.report.words.network.caveats import caveats
from charlstm.report.words.phrases import Sentence
from charlstm.report.words.proof_numbers import effect_of, share_in_short
from charlstm.report.words.sentences import behaviour

# The card names at most this many cells; the page beside it has all of them.
_MOST_CELLS = 20
# How the hub sorts models.
_FRONT_MATTER = """---
library_name: charlstm
pipeline_tag: text-generation
tags:
- charlstm
- lstm
- character-level
- interpretability
---
"""


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """CardFacts are what a model card says of a run beside its findings.

    name is owner/name on the hub, layers and cells the shape, parameters their number, symbols the size of
    the vocabulary, text the name of the text that it was trained on, or None, and bits_per_character its
    loss on validation text, or None.
    """

    name: str
    layers: int
    cells: int
    parameters: int
    symbols: int
    text: str | None
    bits_per_character: float | None


def model_card(facts: CardFacts, findings: Mapping[str, Any] | None) -> str:
    """Return the model card of a run in Markdown; findings is the document of its findings.json, if any."""
    return _FRONT_MATTER + "\n\n".join(_parts(facts, findings)) + "\n"


def _parts(facts: CardFacts, findings: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the paragraphs of a model card."""
    yield f"# {facts.name}"
    layers = "one layer" if facts.layers == 1 else f"{facts.layers} layers"
    trained = f", trained on {_escaped(facts.text)}" if facts.text else ""
    bits = facts.bits_per_character
    loss = f" It needs {bits:.3f} bits per character on text that it was not trained on." if bits else ""
    yield (
        f"A character-level LSTM of {layers} with {facts.cells:,} cells ({facts.parameters:,} parameters, "
        f"{facts.symbols:,} symbols){trained}.{loss} It was made with charlstm."
    )
    yield (
        f"```\npip install charlstm\ncharlstm sample hf:{facts.name} --length 300\n"
        f"charlstm inspect hf:{facts.name} TEXT\n```"
    )
    found = sorted((findings or {}).get("findings") or [], key=rank_score, reverse=True)
    if findings and found:
        yield "## What its cells do"
        yield (
            "Each of these memory cells follows a feature of the text. *Verified* cells are used: the "
            "closing character needs the cell's memory. `report.html` shows them at work."
        )
        yield "\n".join(_table(found))
        yield "\n".join(f"- {_escaped(caveat)}" for caveat in caveats(findings))


def _table(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table of found cells, the best ones."""
    yield "| cell | what it does | score | verdict | effect in nats | carries |"
    yield "|---|---|---|---|---|---|"
    for finding in found[:_MOST_CELLS]:
        measured, score = effect_of(finding.get("causal") or {}), held_out_score(finding)
        cells = (
            f"{finding['layer']}:{finding['cell']}",
            _markdown(behaviour(finding)),
            "" if score is None else f"{score:.2f}",
            finding.get("verdict") or "not tested",
            measured.nats.replace(" nats", "") if measured else "",
            share_in_short(finding),
        )
        yield f"| {' | '.join(cells)} |"


def _markdown(sentence: Sentence) -> str:
    """Return a sentence in Markdown; characters of the inspected text are set as code."""
    return "".join(_code(phrase.text) if phrase.code else _escaped(phrase.text) for phrase in sentence)


def _code(text: str) -> str:
    """Return text as code in a table; backquotes around it are as many as its own do not need."""
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return text in which nothing is markup of Markdown or HTML."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{character}" if character in "\\`*_[]|#" else character for character in safe)
