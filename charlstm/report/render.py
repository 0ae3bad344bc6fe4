"""Findings -> one HTML file, which works offline and loads nothing."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from charlstm.errors import UsageError, cannot_be_written
from charlstm.machine.files import open_regular, whole_file
from charlstm.report.page.comparison import compare
from charlstm.report.page.packed_model import NOT_GIVEN, Inside
from charlstm.report.page.shapes.shape import refuse_other_shapes
from charlstm.report.page.size_limit import MOST_BYTES, cut_to_fit, packed
from charlstm.report.page.view import view
from charlstm.report.page.watched_cells import watched_cells
from charlstm.report.script_bundle import bundle
from charlstm.report.words.glossary import GLOSSARY, MEANINGS
from charlstm.report.words.symbols import visible
from charlstm.report.words.values import MISSING

# The files of the one inline style in the order in which they are joined: a later rule wins over an earlier.
STYLES = (
    "base",
    "table",
    "reading",
    "charts",
    "live",
    "step",
    "glossary",
    "first",
    "network",
    "over_time",
    "embed",
    "lesson",
    "media",
)
# The modules that start the two pages; script_bundle finds the others from their imports.
REPORT_SCRIPT = "report_page.js"
COMPARISON_SCRIPT = "comparison_page.js"
# How a page that was written here begins, and what stands within its first bytes.
_FIRST_LINE, _TITLE, _BYTES_OF_A_BEGINNING = b"<!doctype html>", b"<title>charlstm: ", 4096
_NAME_ANOTHER = "name another file for the page"
# Bytes for the sentences about what was left out of a page.
ROOM_FOR_WORDS_BYTES = 20_000


def render(findings: Mapping[str, Any], inside: Inside = NOT_GIVEN) -> str:
    """Return the report page of findings, which are read from findings.json, as one HTML text.

    inside is the model that the page carries, or the reason why it carries none.
    Raises UsageError where the findings are of another schema, do not fit their text or cannot be drawn.
    """
    refuse_other_shapes(findings)
    style, script = inline_style(), inline_script(REPORT_SCRIPT)
    page = view(findings)
    template = environment().get_template("page.html")
    model_data = script_json({"header": inside.header, "cells": watched_cells(findings)})
    bare = {"page": page, "style": style, "script": script, "policy": policy(style, script)}
    bare |= {"inside": inside, "model_data": model_data}
    around = len(template.render(**bare, data="", left_out=()).encode("utf-8", "xmlcharrefreplace"))
    data, left_out = cut_to_fit(page.data, MOST_BYTES - around - ROOM_FOR_WORDS_BYTES)
    return template.render(**bare, data=packed(data), left_out=left_out)


def render_comparison(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    """Return the page that shows two findings.json documents about the same text side by side, as HTML.

    Raises UsageError where the first excerpts of the documents are not the same text, or one cannot be drawn.
    """
    refuse_other_shapes(left)
    refuse_other_shapes(right)
    style, script = inline_style(), inline_script(COMPARISON_SCRIPT)
    page = compare(left, right)
    template = environment().get_template("comparison.html")
    data = packed(page.data)
    return template.render(page=page, style=style, script=script, policy=policy(style, script), data=data)


def write_page(html: str, path: Path) -> None:
    """Write a page into the file path, whole or not at all. Raises UsageError where it cannot be written."""
    try:
        # UTF-8 cannot encode a lone surrogate, so a character reference stands for it.
        with whole_file(path) as partial:
            partial.write_text(html, encoding="utf-8", errors="xmlcharrefreplace")
    except OSError as error:
        raise cannot_be_written(
            UsageError, path, error, "choose a place for the page that may be written"
        ) from error


def refuse_other_file(path: Path) -> None:
    """Raise UsageError where the file at path has something else in it than a page of this program's."""
    try:
        with open_regular(path) as file:
            beginning = file.read(_BYTES_OF_A_BEGINNING)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_be_written(UsageError, path, error, _NAME_ANOTHER) from error
    if beginning and not (beginning.startswith(_FIRST_LINE) and _TITLE in beginning):
        raise UsageError(f"{path} is there already, and is no page of charlstm's", _NAME_ANOTHER)


def write_report(findings: Mapping[str, Any], path: Path, inside: Inside = NOT_GIVEN) -> None:
    """Write the report page of findings into the file path. Raises UsageError as render and write_page do."""
    write_page(render(findings, inside), path)


@functools.cache
def environment() -> Environment:
    """Return the environment of the templates, which escapes every value and refuses an unknown name."""
    jinja = Environment(
        loader=PackageLoader("charlstm.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.globals |= {"glossary": GLOSSARY, "meanings": MEANINGS}
    jinja.filters |= {"symbols": visible, "fixed": fixed, "p_value": p_value, "percent": percent}
    return jinja


@functools.cache
def inline_style() -> Markup:
    """Return the style of a page: the files STYLES as one text."""
    folder = files("charlstm.report") / "styles"
    return inline_text("\n".join((folder / f"{name}.css").read_text(encoding="utf-8") for name in STYLES))


@functools.cache
def inline_script(entry: str) -> Markup:
    """Return the script of a page: the module entry of the folder scripts, joined with all its imports."""
    return inline_text(bundle(files("charlstm.report") / "scripts", entry))


def inline_text(content: str) -> Markup:
    """Return content as text that stands unescaped inside <style> or <script>."""
    assert not any(mark in content for mark in ("</", "<!--")), "the text would end its own tag"
    return Markup(content)


def policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows this inline style and script and nothing else."""
    sources = f"style-src {digest(style)}; script-src {digest(script)}"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def digest(content: str) -> str:
    """Return the hash by which a Content-Security-Policy allows an inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def script_json(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that cannot end a script element: it is ASCII, and <, > and & are escaped."""
    plain = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        plain = plain.replace(character, f"\\u{ord(character):04x}")
    return Markup(plain)


def fixed(value: float | None) -> str:
    """Return a score with two decimals and a real minus sign."""
    return MISSING if value is None else f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def p_value(value: float | None) -> str:
    """Return a p-value as text; one below 0.001 as a bound, since no permutation test resolves it."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def percent(share: float | None) -> float:
    """Return the length of the bar for a share, in [0, 100]."""
    return round(100 * min(1.0, abs(share or 0.0)), 2)
