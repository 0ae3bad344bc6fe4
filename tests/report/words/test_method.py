"""The method in sentences."""

from proven_fixture import proven_findings

from charlstm.report.words.method import method_told


def test_the_method_is_told_with_the_numbers_of_the_findings():
    findings = proven_findings()
    start, end = findings["corpus"]["splits"]["confirm"]
    told = " ".join(method_told(findings))

    assert f"scored again on {end - start:,} characters" in told
    assert f"any of {len(findings['method']['features'])} features" in told
    assert f"by {findings['method']['null']['shifts']} distances" in told


def test_findings_without_a_method_are_told_without_one():
    assert method_told({"method": None, "corpus": {}}) == ()
