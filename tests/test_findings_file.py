"""A file that cannot hold findings is refused with a reason before anything else reads it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from charlstm import findings_file
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.findings_file import checked, document_in_folder, json_values, read_document, write_document


@dataclass
class Inner:
    """A dataclass with one field that must be there."""

    shares: list[float]


@dataclass
class Outer:
    """A dataclass in whose fields lie others."""

    inner: dict[str, Inner]
    note: str | None = field(default=None)


def test_a_file_that_holds_no_findings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        Findings.load(tmp_path / "absent.json")
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(UsageError, match="is not JSON"):
        Findings.load(tmp_path / "text.json")
    (tmp_path / "list.json").write_text(json.dumps([1]))
    with pytest.raises(UsageError, match=r"findings.json must be an object"):
        Findings.load(tmp_path / "list.json")
    with pytest.raises(UsageError, match="cannot be written"):
        write_document(tmp_path / "text.json" / "findings.json", {})


@pytest.mark.parametrize(
    ("limit", "content", "message"),
    [
        ("MOST_BYTES", "[1234567890]", "has more than 9 bytes"),
        ("MOST_VALUES", json.dumps(list(range(12))), "has 12 values, more than 9"),
        ("MOST_LEVELS", "[" * 10 + "]" * 10, "is nested more than 9 levels deep"),
    ],
)
def test_a_file_beyond_a_limit_is_refused(
    limit: str, content: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "findings.json").write_text(content)
    assert document_in_folder(tmp_path) == json.loads(content)
    monkeypatch.setattr(findings_file, limit, 9)
    with pytest.raises(UsageError, match=message):
        read_document(tmp_path / "findings.json")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(number: str, tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(f'{{"a": [{number}]}}')
    with pytest.raises(UsageError, match="is NaN or infinite"):
        read_document(tmp_path / "findings.json")


def test_json_values_become_the_dataclasses_that_they_should_hold() -> None:
    assert checked(Outer, {"inner": {"a": {"shares": [1, 0.5]}}, "later": 1}) == Outer({"a": Inner([1, 0.5])})
    with pytest.raises(UsageError, match=r"findings.json.inner.a lacks the field 'shares'"):
        checked(Outer, {"inner": {"a": {}}})
    with pytest.raises(UsageError, match=r"findings.json.inner.a.shares\[1\] must be float, not 'x'"):
        checked(Outer, {"inner": {"a": {"shares": [1, "x"]}}})


def test_dataclasses_become_json_values_that_share_no_list_with_them() -> None:
    outer = Outer({"a": Inner([0.5, 1.0]), "b": Inner([])}, "told")
    values = json_values(outer)
    assert (
        values
        == asdict(outer)
        == {"inner": {"a": {"shares": [0.5, 1.0]}, "b": {"shares": []}}, "note": "told"}
    )
    values["inner"]["a"]["shares"].append(2.0)
    assert outer.inner["a"].shares == [0.5, 1.0]
