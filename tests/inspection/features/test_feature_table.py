"""A feature table chooses the features that vary enough, and makes their signals for any text."""

from collections.abc import Iterator

import numpy as np
import pytest

from charlstm.errors import UsageError
from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.features.feature_table import CountedText, FeatureTable, Positions, Recipe
from charlstm.inspection.features.listed_features import Traits, features

LENGTH = 40_000
START = np.zeros(1, np.int64)


def counted_text(text: str) -> CountedText:
    """Return text as one stretch of which every position is counted."""
    return text, START, np.arange(len(text))


def planted(signals: dict[str, np.ndarray]) -> Recipe:
    """Return a recipe for the given signals; they depend on the text only by its length."""

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


def test_features_that_vary_too_little_or_repeat_another_are_not_chosen() -> None:
    table = FeatureTable().extended(planted(CONTENTS), [counted_text("a" * LENGTH)])
    assert table.names == ["often"]
    assert table.dropped == ("constant", "seldom", "rare")
    assert table.aliases == {"same": "often"}
    assert table.signals("a" * 70, START)[[0, 60]].tolist() == [[1], [0]]


def test_variation_is_summed_over_all_texts() -> None:
    half = "a" * (LENGTH // 2)
    whole = FeatureTable().extended(planted(CONTENTS), [counted_text(half), counted_text(half)])
    assert whole.names == ["often"]
    assert whole.aliases == {"same": "often"}
    few = {"twice": np.arange(LENGTH) % 400 < 200}
    assert FeatureTable().extended(planted(few), [counted_text(half[:12_000])]).names == []
    assert FeatureTable().extended(planted(few), [counted_text(half[:12_000])] * 2).names == ["twice"]


def test_an_extended_table_has_its_first_features_first() -> None:
    table = FeatureTable().extended(planted(CONTENTS), [counted_text("a" * LENGTH)])
    more = {"often again": OFTEN, "other": ~OFTEN, "often": np.arange(LENGTH) % 60 < 30}
    longer = table.extended(planted(more), [counted_text("a" * LENGTH)])
    assert longer.names == ["often", "other"]
    assert longer.aliases == {"same": "often", "often again": "often"}
    assert longer.dropped == table.dropped
    assert longer.signals("a" * 3, START).tolist() == [[1, 0]] * 3
    assert longer.signals("a" * 3, START, skipped_recipes=1).tolist() == [[0]] * 3
    assert FeatureTable().signals("abc", START).shape == (3, 0)


def test_the_distance_since_newline_is_known_under_the_name_column() -> None:
    text = "some words\nmore of them\n" * 100
    traits = Traits.of(text, "\n")
    table = FeatureTable().extended(
        lambda text, starts: features(text, traits, starts=starts), [counted_text(text)]
    )
    assert table.aliases["distance_since_newline"] == "column"


def test_a_required_feature_that_is_never_on_is_refused() -> None:
    recipe = planted({"never": np.zeros(LENGTH), "rare": CONTENTS["rare"]})
    with pytest.raises(UsageError, match="the feature never is on nowhere in the text"):
        FeatureTable().extended(recipe, [counted_text("a" * 9)], required=["rare", "never"])
    assert FeatureTable().extended(recipe, [counted_text("a" * 9)], required=["rare"]).dropped == (
        "never",
        "rare",
    )


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        (np.arange(LENGTH) % 100 // 40, True),  # 0, 1 and 2, back to 0 every 100 positions
        (np.arange(LENGTH) % 100 // 60, False),  # never 2: a switch
        (np.arange(LENGTH) % 100 // 40 + 1, False),  # never 0: openers and closers do not match
        (np.arange(LENGTH) % 1000 // 400, False),  # falls to 0 only 39 times
    ],
)
def test_a_depth_must_reach_2_and_return_to_0_often(values: np.ndarray, chosen: bool) -> None:
    def recipe(text: str, starts: Positions) -> Iterator[Signal]:
        feature = Feature("depth", "depth", {"step": ["("], "unstep": [")"]})
        yield Signal(feature, values[: len(text)].astype(np.uint8))

    table = FeatureTable().extended(recipe, [counted_text("a" * LENGTH)])
    assert (table.names == ["depth"]) == chosen


def test_only_counted_positions_decide() -> None:
    text, start, positions = counted_text("a" * LENGTH)
    signals = {"often on": np.where(np.arange(LENGTH) < LENGTH // 2, OFTEN, 0)}
    first, second = positions[: LENGTH // 2], positions[LENGTH // 2 :]
    assert FeatureTable().extended(planted(signals), [(text, start, first)]).names == ["often on"]
    assert FeatureTable().extended(planted(signals), [(text, start, second)]).names == []
