"""Findings -> one HTML file that works offline and asks the network for nothing."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from charlstm.errors import UsageError, cannot_be_written
from charlstm.machine.files import whole_file
from charlstm.report.page.comparison import compare
from charlstm.report.page.packed_model import NOT_GIVEN, Inside
from charlstm.report.page.size_limit import MOST_BYTES, cut_to_fit
from charlstm.report.page.view import view
from charlstm.report.page.watched_cells import watched_cells
from charlstm.report.words.values import MISSING

# The parts of the one inline style and the one inline script, in the order in which they are joined.
STYLES = ("base", "table", "reading", "charts", "live", "network", "media")
SCRIPTS = (
    "page",
    "packed",
    "text",
    "along",
    "cursor",
    "query",
    "cells",
    "table",
    "charts",
    "evidence",
    "proof",
    "mechanism",
    "network",
    "lstm",
    "weights",
    "units",
    "readings",
    "live",
    "live_view",
    "live_keys",
    "live_address",
    "address",
    "keys",
    "start",
)
# For what a page says of what was left out of it, and for characters that JSON escapes.
ROOM_FOR_WORDS = 20_000
COMPARISON_SCRIPTS = ("page", "packed", "text", "charts", "network", "comparison")


def render(findings: Mapping[str, Any], inside: Inside = NOT_GIVEN) -> str:
    """The report page of findings as read from findings.json. Raises UsageError where they do not fit."""
    style, script = joined("styles", STYLES, "css"), joined("scripts", SCRIPTS, "js")
    page = view(findings)
    template = environment().get_template("page.html")
    model_data = script_json({"header": inside.header, "cells": watched_cells(findings)})
    bare = {"page": page, "style": style, "script": script, "policy": policy(style, script)}
    bare |= {"inside": inside, "model_data": model_data}
    around = len(template.render(**bare, data="", left_out=()).encode("utf-8", "xmlcharrefreplace"))
    data, left_out = cut_to_fit(page.data, MOST_BYTES - around - ROOM_FOR_WORDS)
    return template.render(**bare, data=script_json(data), left_out=left_out)


def render_comparison(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    """The page of two findings of the same text, side by side. Raises UsageError where they do not fit."""
    style, script = joined("styles", STYLES, "css"), joined("scripts", COMPARISON_SCRIPTS, "js")
    page = compare(left, right)
    template = environment().get_template("comparison.html")
    data = script_json(page.data)
    return template.render(page=page, style=style, script=script, policy=policy(style, script), data=data)


def write_page(html: str, path: Path) -> None:
    """Write a page whole or not at all. Raises UsageError where it cannot be written."""
    try:
        # A lone surrogate has no UTF-8; as a character reference the browser shows it as unknown.
        with whole_file(path) as partial:
            partial.write_text(html, encoding="utf-8", errors="xmlcharrefreplace")
    except OSError as error:
        raise cannot_be_written(UsageError, path, error, "choose a writable folder with --out") from error


def write_report(findings: Mapping[str, Any], path: Path, inside: Inside = NOT_GIVEN) -> None:
    """Render the findings into a file. Raises UsageError where they do not fit or it cannot be written."""
    write_page(render(findings, inside), path)


def environment() -> Environment:
    """Jinja that escapes everything and fails on a name that the view does not have."""
    jinja = Environment(
        loader=PackageLoader("charlstm.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= {"fixed": fixed, "p_value": p_value, "percent": percent}
    return jinja


def joined(folder: str, names: Sequence[str], suffix: str) -> Markup:
    """Files of a folder beside this one as one text, fit for inlining."""
    place = files("charlstm.report") / folder
    content = "\n".join((place / f"{name}.{suffix}").read_text(encoding="utf-8") for name in names)
    assert not any(mark in content for mark in ("</", "<!--")), f"{folder} would end their own tag"
    return Markup(content)


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy that lets these two inline texts run and nothing load."""
    sources = f"style-src {digest(style)}; script-src {digest(script)}"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def digest(content: str) -> str:
    """The policy's name for an inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def script_json(data: Mapping[str, Any]) -> Markup:
    """JSON that no HTML parser can leave: ASCII, without <, > and &."""
    plain = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        plain = plain.replace(character, f"\\u{ord(character):04x}")
    return Markup(plain)


def fixed(value: float | None) -> str:
    """A score with two decimals."""
    return MISSING if value is None else f"{value:.2f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """A p-value; tiny ones as a bound, since no permutation test resolves them."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def percent(share: float | None) -> float:
    """The length of a bar, in [0, 100]."""
    return round(100 * min(1.0, abs(share or 0.0)), 2)
