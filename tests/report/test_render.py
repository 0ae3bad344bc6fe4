"""Pages drawn from findings: what they contain, what may be missing, and text that must stay text."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from full_fixture import full_findings
from proven_fixture import proven_findings
from report_fixture import HOSTILE, finding, hostile_findings, sample_findings

from charlstm.errors import UsageError
from charlstm.report.page.view import view
from charlstm.report.render import render, write_report
from charlstm.report.words.phrases import sentence_text
from charlstm.report.words.symbols import symbol, visible
from charlstm.report.words.values import text


class Tags(HTMLParser):
    """Every tag with its attributes, and the text inside script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        if tag in {"script", "style"} and data.strip():
            self.inline.append((tag, attributes, data))


def page_data(html: str) -> Any:
    (found,) = [content for tag, attributes, content in Tags(html).inline if attributes.get("id") == "data"]
    return json.loads(zlib.decompress(base64.b64decode(found)))


def content_policy(html: str) -> str:
    (found,) = [
        attributes["content"]
        for tag, attributes in Tags(html).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert found is not None
    return found


def plain_text(html: str) -> str:
    body = re.sub(r"<(style|script)[ >].*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body))


def test_markup_in_the_corpus_opens_no_tag():
    tags = [tag for tag, _ in Tags(render(hostile_findings())).tags]

    assert "img" not in tags
    assert tags.count("script") == 2


def test_text_of_the_corpus_arrives_unchanged_in_the_data():
    html = render(hostile_findings())

    assert page_data(html)["excerpts"][0]["text"] == (HOSTILE * 3)[:100]
    assert page_data(html)["rows"][0]["drivers"] == [HOSTILE, "<"]


def test_the_data_has_no_character_that_could_end_a_script():
    html = render(hostile_findings())
    raw = html.split('id="data">')[1].split("</script>")[0]

    assert not set("<>&\u2028\u2029") & set(raw)
    assert raw.isascii()


def test_no_bidirectional_control_reaches_the_page():
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", render(hostile_findings()))


def test_template_syntax_in_the_findings_is_shown_as_text():
    assert "{{ 7 * 7 }}" in render(hostile_findings())


def test_the_content_policy_allows_exactly_the_inline_style_and_script():
    html = render(sample_findings())
    executed = [
        (tag, content) for tag, attributes, content in Tags(html).inline if attributes.get("type") is None
    ]
    hashes = {
        tag: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for tag, content in executed
    }

    policy = content_policy(html)
    assert policy.startswith("default-src 'none';")
    assert f"style-src 'sha256-{hashes['style']}'" in policy
    assert f"script-src 'sha256-{hashes['script']}'" in policy
    assert "unsafe" not in policy


def test_the_page_has_no_address_to_load_anything_from():
    html = render(sample_findings())
    loading = [
        attributes
        for _, attributes in Tags(html).tags
        for name in attributes
        if name in {"src", "srcset", "data"}
    ]
    addresses = [attributes["href"] or "" for _, attributes in Tags(html).tags if "href" in attributes]

    assert not loading
    assert all(address.startswith("#") or address == "?lesson" for address in addresses)
    # The name of SVG's namespace is no address: nobody asks for it.
    named = html.replace("http://www.w3.org/2000/svg", "")
    assert not [word for word in ("http:", "https:", "url(", "@import") if word in named]
    assert not [attributes for _, attributes in Tags(html).tags if "style" in attributes]


def test_recorded_values_keep_three_decimals_and_nan_becomes_null():
    findings = sample_findings()
    values = findings["excerpts"][0]["cells"]["0:194"]["tanh_c"]
    values[0], values[1], values[2] = float("nan"), 0.123456, 1.0

    recorded = page_data(render(findings))["excerpts"][0]["cells"]["0:194"]["tanh_c"]

    assert recorded[:3] == [None, 0.123, 1]
    assert recorded[3:] == pytest.approx(values[3:], abs=5e-4)


def test_summary_names_cell_feature_drivers_and_numbers():
    said = plain_text(render(sample_findings()))

    assert (
        "Cell 0:194 follows text inside double quotes: it switches on at one &#34; and off at the next, and "
        "holds its value in between. No experiment changed this cell, so whether the model uses it is open. "
        "not tested; held-out score 0.86, chance at most 0.21" in said
    )
    assert "7 cells of 256 follow 4 features of the text." in said
    assert "its sign is reversed" in said
    assert "controls: untrained: candidates0" in said
    assert "Cell 0:7 follows the characters since the last ↵: it steps at every character" in said
    assert "Cell 0:31 follows the depth of brackets [ ]: it steps up at ( or [ and down at ) or ]." in said


def test_the_summary_has_each_feature_once_with_its_best_cell():
    best = view(sample_findings()).best

    assert [row.cell for row in best] == ["0:194", "0:31", "0:7", "0:120"]


@pytest.mark.parametrize(("verdict", "cautious"), [(None, True), ("verified", False)])
def test_candidates_are_called_candidates_until_tested(verdict: str | None, cautious: bool):
    findings = sample_findings()
    for one in findings["findings"]:
        one["verdict"] = verdict

    assert ("These are candidates" in plain_text(render(findings))) == cautious


def test_counter_steps_at_any_character_but_a_real_star_stays_one():
    counter = finding(1, "counter", "column", {"step": ["*"], "reset": ["*"]}, 0.5)
    page = view(sample_findings() | {"findings": [counter]})

    assert [driver.symbols for driver in page.rows[0].drivers] == [("any character",), ("*",)]
    assert page.data["rows"][0]["drivers"] == ["*"]


def test_rows_come_best_first_and_unscored_last():
    findings = sample_findings()
    findings["findings"][0]["detection"]["held_out_score"] = None
    scores = [row.held_out_score for row in view(findings).rows]

    assert scores == [0.83, 0.74, 0.71, 0.64, 0.42, 0.38, None]


def test_held_out_scores_stand_beside_chance_on_the_same_text():
    findings = sample_findings()
    findings["findings"][0]["detection"]["held_out_null_max"] = 0.33

    assert [row.null_max for row in view(findings).rows][:2] == [0.33, 0.21]


def test_a_page_without_findings_says_so():
    said = plain_text(render(sample_findings() | {"findings": []}))

    assert "Nothing passed: no cell of 256 follows any of the 3 features beyond chance" in said


@pytest.mark.parametrize(
    "part", ["model", "corpus", "method", "findings", "gates", "credit", "excerpts", "provenance"]
)
@pytest.mark.parametrize("left", ["absent", "none"])
def test_any_part_of_the_findings_may_be_missing(part: str, left: str):
    findings = sample_findings()
    if left == "none":
        findings[part] = None
    else:
        del findings[part]

    assert "</html>" in render(findings)


def test_a_finding_with_cell_kind_and_feature_alone_can_be_drawn():
    bare = {"layer": 1, "cell": 2, "kind": "toggle", "feature": "inside_double_quotes"}

    assert "1:2" in plain_text(render({"schema_version": 1, "findings": [bare]}))


def test_the_lesson_and_its_exercises_are_there_where_the_findings_have_cells_for_them():
    verified, bare = render(full_findings()), render(sample_findings() | {"findings": []})

    assert all(f'id="{part}"' in verified for part in ("lesson-link", "exercises", "predict"))
    # Cells are flipped in the network, which this page does not carry.
    assert 'id="lineup"' not in verified
    assert not any(f'id="{part}"' in bare for part in ("lesson-link", "exercises"))


def test_gates_show_whatever_shares_they_have():
    page = view({"schema_version": 1, "gates": {"layers": [{"layer": 0, "forget": {"above_0.9": 0.5}}]}})

    assert page.gate_columns == ("above 0.9",)
    assert (page.gates[0].name, page.gates[0].low, page.gates[0].shares) == ("forget", None, ("0.5",))


def test_findings_of_another_schema_version_are_refused():
    with pytest.raises(UsageError, match="schema_version 3, this page reads 1 or 2"):
        render({"schema_version": 3})


def test_values_that_do_not_fit_the_text_are_refused():
    findings = sample_findings()
    findings["excerpts"][0]["cells"]["0:7"]["tanh_c"].pop()

    with pytest.raises(UsageError, match="2,000 characters has 1,999 values of 0:7"):
        render(findings)


def test_the_written_file_is_the_rendered_page(tmp_path: Path):
    path = tmp_path / "report.html"
    write_report(sample_findings(), path)

    assert path.read_text(encoding="utf-8") == render(sample_findings())


def test_a_lone_surrogate_can_be_written(tmp_path: Path):
    findings = sample_findings()
    findings["model"]["checkpoint"] = "a\ud800b"
    write_report(findings, tmp_path / "report.html")

    assert "aU+D800b" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_path_that_cannot_be_written_is_a_usage_error(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(sample_findings(), tmp_path / "file" / "report.html")


@pytest.mark.parametrize(
    ("character", "shown"),
    [("a", "a"), ("\n", "↵"), ("\x00", "␀"), ("\x85", "U+0085"), ("\u202e", "U+202E"), ("\u0301", "◌\u0301")],
)
def test_unseen_characters_get_symbols(character: str, shown: str):
    assert symbol(character) == shown


def test_visible_keeps_spaces():
    assert visible("a b\n") == "a b↵"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567, "1,234,567"),
        (0.12345, "0.123"),
        (-0.5, "−0.5"),
        (float("nan"), "–"),
        ([], "none"),
        (True, "yes"),
    ],
)
def test_values_for_readers(value: object, shown: str):
    assert text(value) == shown


def test_report_does_not_import_torch():
    code = "import sys, charlstm.report.render; raise SystemExit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_changing_a_cell_did_is_told_in_words():
    findings = sample_findings()
    findings["findings"][0] |= {
        "verdict": "verified",
        "causal": {
            "target": ")",
            "effect_nats": -2.303,
            "ratio": 12.0,
            "lag": 8,
            "control_effects": {"count": 199, "max": 0.0953},
        },
    }
    told = next(row.effect for row in view(findings).rows if row.cell == "0:194")
    assert "".join(part.text for part in told) == (
        "When the cell is forced off 8 characters earlier, the closing ) becomes 10 times less likely; equal "
        "changes of 199 matched cells or small groups of them change that by at most 1.10 times"
    )
    assert [part.text for part in told if part.code] == [")"]


def test_the_effect_is_the_same_number_everywhere():
    findings = proven_findings()
    found = next(one for one in findings["findings"] if one["cell"] == 1)
    page, row = view(findings), next(row for row in view(findings).rows if row.cell == "0:1")
    effect, low, high = found["causal"]["effect_nats"], *found["causal"]["interval"]
    assert row.effect_nats == effect == found["evidence"]["necessity"]["resample"]["nats"]["value"]
    assert f"{-effect:.2f} nats, {-high:.2f} to {-low:.2f}" in sentence_text(row.effect)
    drawn = next(one for one in page.data["rows"] if one["cell"] == "0:1")
    assert drawn["proof"]["effect_nats"] == drawn["evidence"]["necessity"][0]["nats"]["value"] == effect
    assert f">{effect:.2f} <span".replace("-", "−") in render(findings)
    assert "specific" not in str(drawn["proof"])


def test_every_verdict_has_a_mark_and_is_explained():
    said = render(proven_findings())
    for verdict in ("verified", "redundant", "correlate", "undecided"):
        assert f'<span class="verdict {verdict}">{verdict}</span>' in said
        assert f"<em>{verdict.capitalize()}</em>" in said
        assert f".verdict.{verdict}::before" in said
    older = render(full_findings())
    assert "no test shows that" in older
    assert "<em>Undecided</em>" not in older


def test_sets_edges_and_unexpected_cells_are_told_where_there_are_some():
    said = plain_text(render(proven_findings()))
    assert "these 4 cells are the mechanism: alone they keep 94% (91 to 97%)" in said
    assert "without them 4% (1 to 7%) is left" in said
    assert "No small set is enough" in said
    assert "Unexpected cells" in said
    bare = render(proven_findings(circuits=False))
    assert "Sets of cells" not in bare
    assert 'id="chart-set-0"' not in bare


def test_gradients_of_three_groups_stand_side_by_side():
    findings = sample_findings()
    group = {"cells": 2, "carry": {"direct_share": 0.8}, "reach_since_opener": [1.0] * 64}
    findings["credit"] = {"feature": "inside_quotes", "cells": group, "controls": None, "untrained": group}
    page = view(findings)
    assert page.gradient_feature == "inside quotes"
    shares = next(line for line in page.gradients if "straight along c" in line.name)
    assert (shares.cells, shares.controls, shares.untrained) == ("0.8", "–", "0.8")
    assert "The gradient through time" in render(findings)


def test_caveats_say_how_far_it_goes():
    findings = sample_findings()
    findings["findings"][0]["verdict"], findings["findings"][1]["verdict"] = "verified", "redundant"
    findings["method"]["controls"] = {"untrained": {"findings": 0}, "gate_shuffled": {"findings": 2}}
    assert view(findings).caveats == (
        "256 cells were compared with 3 features; what counts as a finding allows for all these comparisons.",
        "Scores are correlations on held-out text, on which nothing was chosen, with a switch or a depth as "
        "if it were on half of the time: the lowest here is 0.38, and chance reached 0.21. A cell with a "
        "score below 1 follows its feature in part only.",
        "The same search finds 0 cells in an untrained network and 2 cells in the inspected network with its "
        "gates shuffled.",
        "1 of 7 findings is verified by changing the cell, and 1 by changing it together with other cells; "
        "for the rest it is not shown that the model uses them.",
        "All of this was measured on 12,345,678 characters of stdlib; on other text the cells may do other "
        "things.",
    )


def numbers_in(value: Any) -> set[float]:
    """Every fraction in nested data."""
    if isinstance(value, dict):
        return set().union(*map(numbers_in, value.values()), set())
    if isinstance(value, (list, tuple)):
        return set().union(*map(numbers_in, value), set())
    return {value} if isinstance(value, float) else set()


def test_every_number_that_is_drawn_is_in_the_findings():
    findings = full_findings()
    data = view(findings).data
    drawn = numbers_in(data["rows"]) | numbers_in(data["network"]) | numbers_in(data["excerpts"])
    assert len(drawn) > 1_000
    assert drawn <= numbers_in(findings) | {round(number, 3) for number in numbers_in(findings)}
