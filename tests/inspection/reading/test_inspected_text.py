"""The inspected text: how it is cut into splits, and which features are chosen for it."""

import numpy as np
import pytest
from written_text import SYMBOLS, ids_of, written

from charlstm.errors import CorpusError, UsageError
from charlstm.inspection.features.proposed_features import Automaton
from charlstm.inspection.reading.inspected_text import InspectedText, read_text


@pytest.fixture(scope="module")
def inspected() -> InspectedText:
    return read_text(ids_of(written(40_000, seed=1)), SYMBOLS, 4, ["tag=[a-c]+"])


def test_the_splits_cover_the_text_one_after_the_other(inspected: InspectedText) -> None:
    assert inspected.bounds == {
        "calibrate": (0, 4_000),
        "discover": (4_000, 18_000),
        "confirm": (18_000, 32_000),
        "intervene": (32_000, 40_000),
    }
    np.testing.assert_array_equal(
        np.concatenate([split.ids for split in inspected.splits.values()]), inspected.ids
    )


def test_every_split_has_the_features_of_the_one_table(inspected: InspectedText) -> None:
    assert inspected.table.names[0] == "tag", "the user's features come first"
    assert {"column", "inside_double_quotes", "nesting_depth"} <= {*inspected.table.names}
    for split in inspected.splits.values():
        assert split.table is inspected.table
        assert split.first.signals.shape == (len(split.first.ids), len(inspected.table.features))


def test_automata_and_the_counters_of_their_switches_are_added_behind_the_features(
    inspected: InspectedText,
) -> None:
    automata = [Automaton("switch", (",",), (".", "(")), Automaton("switch", (",",), (",",))]
    extended = inspected.extended(automata)
    names = inspected.table.names
    switch_name = "after_comma_until_period_or_left_parenthesis"
    assert automata[1].name in names, "the second switch is a feature already"
    assert extended.table.names == [
        *names,
        switch_name,
        f"characters_{switch_name}",
        "characters_parity_of_comma",
    ]
    chunk = extended.splits["confirm"].first
    switch, counter = chunk.signals[:, len(names)], chunk.signals[:, len(names) + 1]
    np.testing.assert_array_equal(switch, automata[0].signal(chunk.text, chunk.cut.starts).values)
    assert (counter[switch == 0] == 0).all()
    assert counter[switch == 1].max() > 3
    assert inspected.table.names == names


def test_a_text_that_is_too_short_or_without_features_is_refused() -> None:
    with pytest.raises(CorpusError, match="needs 20,000 characters, the text has 19,999"):
        read_text(np.zeros(19_999, np.uint8), SYMBOLS, 4)
    with pytest.raises(CorpusError, match="no feature of the text varies enough"):
        read_text(np.zeros(20_000, np.uint8), SYMBOLS, 4)


def test_a_users_feature_that_is_never_on_is_refused() -> None:
    with pytest.raises(UsageError, match="the feature never is on nowhere in the text"):
        read_text(ids_of(written(20_000, seed=1)), SYMBOLS, 4, ["never=zz"])
    text = read_text(ids_of(written(20_000, seed=1)), SYMBOLS, 4, ["never=zz"], require_user_features=False)
    assert "never" not in text.table.names
