"""Rows as aligned columns of plain text."""

from charlstm.report.words import plain_table


def test_table_columns_are_aligned():
    shown = plain_table.table([("a", 1), ("bcd", 1_000)], header=("name", "n"))
    assert shown.splitlines() == ["name  n", "a        1", "bcd   1000"]
    assert plain_table.table([]) == ""


def test_only_a_table_with_a_width_is_cut_and_its_widest_column_first():
    rows = [("0:1", "w" * 30, "abc", -0.5)]
    assert plain_table.table(rows) == f"0:1  {'w' * 30}  abc  -0.5"
    assert plain_table.table(rows, width=30) == f"0:1  {'w' * 13}…  abc  -0.5"
    assert plain_table.table([("x" * 200, 1)], width=80) == f"{'x' * 200}  1"
    assert len(plain_table.table([("0:1", *["w" * 50] * 3)], width=20)) == 3 + 3 * (2 + 10)
