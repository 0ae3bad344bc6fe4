"""Which features are kept, and that their signals come back wherever they are asked for."""

from collections.abc import Iterator

import numpy as np
import pytest

from charlstm.errors import UsageError
from charlstm.inspection.features.catalogue import Traits, features
from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.features.feature_table import EVENTS, CountedText, FeatureTable, Positions, Recipe

LENGTH = 40_000
START = np.zeros(1, np.int64)


def reading(text: str) -> CountedText:
    return text, START, np.arange(len(text))


def planted(signals: dict[str, np.ndarray]) -> Recipe:
    """Signals that are the same for every text, but for its length."""

    def recipe(text: str, starts: Positions) -> Iterator[Signal]:
        for name, values in signals.items():
            feature = Feature(name, "switch", {"set": ["a"], "reset": ["b"]})
            yield Signal(feature, values[: len(text)].astype(np.uint8))

    return recipe


OFTEN = np.arange(LENGTH) % 100 < 50
CONTENTS = {
    "often": OFTEN,
    "constant": np.ones(LENGTH),
    "same": OFTEN,
    "seldom": np.arange(LENGTH) % 20_000 < 5_000,
    "rare": np.arange(LENGTH) % 500 < 1,
}


def test_constant_rare_and_repeated_features_are_dropped_by_name() -> None:
    table = FeatureTable().extended(planted(CONTENTS), [reading("a" * LENGTH)])
    assert table.names == ["often"]
    assert table.dropped == ("constant", "seldom", "rare")
    assert table.aliases == {"same": "often"}
    assert table.signals("a" * 70, START)[[0, 60]].tolist() == [[1], [0]]
    assert EVENTS > 2


def test_a_choice_on_parts_counts_all_of_them() -> None:
    half = "a" * (LENGTH // 2)
    whole = FeatureTable().extended(planted(CONTENTS), [reading(half), reading(half)])
    assert whole.names == ["often"]
    assert whole.aliases == {"same": "often"}
    few = {"twice": np.arange(LENGTH) % 400 < 200}
    assert FeatureTable().extended(planted(few), [reading(half[:12_000])]).names == []
    assert FeatureTable().extended(planted(few), [reading(half[:12_000])] * 2).names == ["twice"]


def test_a_longer_table_has_its_own_features_first_and_its_additions_alone() -> None:
    table = FeatureTable().extended(planted(CONTENTS), [reading("a" * LENGTH)])
    more = {"often again": OFTEN, "other": ~OFTEN, "often": np.arange(LENGTH) % 60 < 30}
    longer = table.extended(planted(more), [reading("a" * LENGTH)])
    assert longer.names == ["often", "other"]
    assert longer.aliases == {"same": "often", "often again": "often"}
    assert longer.dropped == table.dropped
    assert longer.signals("a" * 3, START).tolist() == [[1, 0]] * 3
    assert longer.signals("a" * 3, START, recipes=1).tolist() == [[0]] * 3
    assert FeatureTable().signals("abc", START).shape == (3, 0)


def test_column_is_the_name_of_the_distance_since_newline() -> None:
    text = "some words\nmore of them\n" * 100
    traits = Traits.of(text, "\n")
    table = FeatureTable().extended(
        lambda text, starts: features(text, traits, starts=starts), [reading(text)]
    )
    assert table.aliases["distance_since_newline"] == "column"


def test_a_required_feature_that_is_on_nowhere_is_refused() -> None:
    recipe = planted({"never": np.zeros(LENGTH), "rare": CONTENTS["rare"]})
    with pytest.raises(UsageError, match="the feature never is on nowhere in the text"):
        FeatureTable().extended(recipe, [reading("a" * 9)], required=["rare", "never"])
    assert FeatureTable().extended(recipe, [reading("a" * 9)], required=["rare"]).dropped == ("never", "rare")
