"""The glossary: each word once, in two sentences at most, and as charlstm/README.md has it."""

import re
from collections import Counter
from pathlib import Path
from typing import get_args

import charlstm
from charlstm.config import GATES
from charlstm.findings import Kind, Verdict
from charlstm.report.words.glossary import GLOSSARY, MEANINGS
from charlstm.report.words.phrases import sentence_text

README = Path(charlstm.__file__).with_name("README.md").read_text(encoding="utf-8")


def readme_words() -> dict[str, str]:
    """Return the table of words in charlstm/README.md as {word: what it means}."""
    table = README.partition("## Words")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", table, re.MULTILINE))


def test_every_form_belongs_to_one_word_and_every_meaning_is_short():
    forms = Counter(form.lower() for term in GLOSSARY for form in term.forms)
    assert [form for form, count in forms.items() if count > 1] == []
    for term in GLOSSARY:
        told = sentence_text(term.meaning)
        assert 1 <= len(re.findall(r"[^.:]\.(?= [+\w]|$)", told)) <= 2, told
        assert len(told) < 210, told
        assert "`" not in told


def test_kinds_gates_and_verdicts_are_explained():
    for verdict in get_args(Verdict):
        assert verdict in MEANINGS
        assert verdict in sentence_text(MEANINGS["verdict"])
    for kind in get_args(Kind):
        assert kind.replace("_", " ") in MEANINGS
    for gate in GATES:
        assert gate in sentence_text(MEANINGS["gate"])


def test_the_readme_has_the_same_words_for_the_same_things():
    words = readme_words()
    for row in ("cell", "gate", "feature", "driver", "switch", "verdict"):
        assert row in words
        assert row in MEANINGS
    assert set(re.findall("`(.+?)`", words["verdict"])) == set(get_args(Verdict))
    assert "the candidate in [-1, 1]" in words["gate"]
    assert "between −1 and 1" in sentence_text(MEANINGS["candidate"])
    assert "c = f * c_before + i * g" in words["cell state c, hidden state h"]
    for told in (words["switch"], sentence_text(MEANINGS["switch"])):
        assert "two levels" in told
    for word in ("toggle, latch", "counter, depth counter"):
        assert all(name in MEANINGS for name in word.split(", "))
        assert word in words
