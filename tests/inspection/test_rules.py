"""The rules have a version, which findings.json tells, and the numbers that belong to it are recorded."""

import json

from rule_numbers import RECORDED, rule_numbers

from charlstm.inspection.rules import RULES_VERSION


def test_the_version_is_a_whole_number():
    assert isinstance(RULES_VERSION, int)
    assert RULES_VERSION >= 1


def test_the_numbers_are_those_of_this_version():
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert rule_numbers() == recorded, "a rule has changed: see tests/support/rule_numbers.py"
