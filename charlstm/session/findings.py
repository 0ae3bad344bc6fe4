"""Findings as a Python session holds them: they remember their model, and show themselves."""

from collections.abc import Iterable
from dataclasses import fields
from html import escape
from itertools import islice
from pathlib import Path
from typing import ClassVar, NamedTuple

from charlstm import findings as document
from charlstm.findings import Json
from charlstm.model.char_lstm import CharLSTM
from charlstm.report.findings_table import FINDING_COLUMNS, finding_row, findings_legend, findings_table
from charlstm.report.page.packed_model import NOT_GIVEN, Inside, carried
from charlstm.report.render import refuse_other_file, write_report
from charlstm.report.words.detection_numbers import rank_score
from charlstm.run_files import REPORT
from charlstm.session.coloured_text import coloured_text
from charlstm.text.vocabulary import Vocabulary

# Rows of the table that a notebook shows, and cells whose excerpts follow it.
_ROWS, _EXCERPTS = 10, 3


class InspectedModel(NamedTuple):
    """The model that findings are about, with the vocabulary that it reads."""

    model: CharLSTM
    vocabulary: Vocabulary


class Findings(document.Findings):
    """Findings are what one inspection found, with all fields of findings.json.

    Those of an inspection in this session remember the model that was inspected, which a page then carries.
    `Findings.load("findings.json")` reads what `save` wrote; such findings know no model.
    """

    inspected: ClassVar[InspectedModel | None] = None

    @classmethod
    def of(
        cls, findings: document.Findings, model: CharLSTM | None = None, vocabulary: Vocabulary | None = None
    ) -> "Findings":
        """Return findings as those of a session, about this model with this vocabulary where it is known."""
        made = cls(**{field.name: getattr(findings, field.name) for field in fields(findings)})
        if model is not None and vocabulary is not None:
            object.__setattr__(made, "inspected", InspectedModel(model, vocabulary))
        return made

    def table(self, *, most: int = 20) -> str:
        """Return the best `most` findings as the table that `charlstm inspect` prints, uncut."""
        return findings_table(self, most=most)

    def report(self, path: str | Path = REPORT) -> Path:
        """Draw the page of the findings into the file path, with the model inside where it is known.

        A page cannot carry a model that has changed since the inspection, or is too large, and then says so.
        Returns the path. Raises UsageError where the page cannot be drawn or written, and where path is a
        file that is no page.
        """
        refuse_other_file(Path(path))
        write_report(self.to_json(), Path(path), self._inside())
        return Path(path)

    def _inside(self) -> Inside:
        """Return the model for the page, or why there is none."""
        if self.inspected is None:
            return NOT_GIVEN
        model, vocabulary = self.inspected
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
        return carried(self.to_json(), model.config, vocabulary, weights)

    def _repr_html_(self) -> str:
        """Return a small table of the best findings, and a piece of text for a few, as a notebook shows them.

        In a piece of text a character is orange where the cell is on, or counts high, and blue where it is
        off.
        """
        found = sorted(self.to_json()["findings"], key=rank_score, reverse=True)
        rows = [_row("td", finding_row(finding)) for finding in found[:_ROWS]]
        table = f"<table>{''.join([_row('th', FINDING_COLUMNS), *rows])}</table>" if found else ""
        pieces = islice(filter(None, map(_excerpt, found)), _EXCERPTS)
        more = [f"{len(found) - _ROWS} more"] if len(found) > _ROWS else []
        below = "<br>".join(map(escape, [*more, *findings_legend(found[:_ROWS])])) if found else ""
        return f"<p>{escape(repr(self)[1:-1])}</p>{table}<p>{below}</p>{''.join(pieces)}"


def _row(tag: str, values: Iterable[str]) -> str:
    """Return the row of an HTML table, each value in an element called tag."""
    return f"<tr>{''.join(f'<{tag}>{escape(value)}</{tag}>' for value in values)}</tr>"


def _excerpt(finding: Json) -> str:
    """Return the piece of text in which a cell follows its feature best, in HTML, or "" without one."""
    piece = ((finding["portrait"] or {}).get("excerpts") or {}).get("strongest")
    if piece is None:
        return ""
    title = f"{finding['layer']}:{finding['cell']} {finding['feature'].replace('_', ' ')}"
    on = (finding["polarity"] * value for value in piece["tanh_c"])
    return f"<p><b>{escape(title)}</b></p>{coloured_text(piece['text'], on)}"
