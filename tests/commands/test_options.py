"""Options that several commands share."""

from charlstm.commands.options import given


def test_only_settings_that_were_given_are_passed_on():
    assert given(cells=None, layers=2, dropout=0.0, seed=None) == {"layers": 2, "dropout": 0.0}
