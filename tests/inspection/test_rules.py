"""The rules have a version, which findings.json tells."""

from charlstm.inspection.rules import RULES_VERSION


def test_the_version_is_a_whole_number():
    assert isinstance(RULES_VERSION, int)
    assert RULES_VERSION >= 1
