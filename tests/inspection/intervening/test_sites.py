"""Sites lie lag + 1 characters before a true closer, and the feature is on from there up to the closer."""

import numpy as np
import pytest
import torch

from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.features.listed_features import Traits, features
from charlstm.inspection.intervening.sites import MOST_LAG, MOST_SITES, Sites, sites_of
from charlstm.inspection.reading.trace import WARMUP, Cut

START = 1000


def text_of(opener: str, closer: str, inside: int = 20, line: str = "\n") -> str:
    random = np.random.default_rng(0)
    words = (
        opener + "ab c"[: random.integers(1, 5)] * (inside // 4) + closer + " de, e" + line
        for _ in range(400)
    )
    return "".join(words)


def sites(text: str, name: str, symbols: str = "") -> tuple[Sites, np.ndarray]:
    """The sites of a named feature behind START, and its values there."""
    symbols = symbols or "".join(sorted(set(text)))
    named = features(text, Traits.of(text, symbols), starts=(0,))
    feature, values = next(signal for signal in named if signal.feature.name == name)
    part = Signal(feature, values[START:])
    cut = Cut(len(text) - START, 2)
    found = sites_of(part, text[START:], symbols, cut, torch.Generator().manual_seed(0))
    assert found is not None
    return found, part.values


@pytest.mark.parametrize(
    ("opener", "closer", "name", "target"),
    [
        ('"', '"', "inside_double_quotes", '"'),
        ("(", ")", "parenthesis_depth", ")"),
        ('"""', '"""', "inside_triple_quotes", '"'),
        ("(", ")", "column", "\n"),
    ],
)
def test_a_closer_comes_after_the_lag_and_the_feature_stays_on(
    opener: str, closer: str, name: str, target: str
) -> None:
    text = "# a note\n" * 3 + text_of(opener, closer)
    found, values = sites(text, name)
    part = text[START:]
    assert found.target == target
    assert np.array(sorted(set(text)))[found.targets].tolist() == [target]
    assert 1 <= found.lag <= MOST_LAG
    assert 0 < len(found.before_closers) <= MOST_SITES
    length = Cut(len(part), 2).length
    for site, value in zip(found.before_closers, found.values, strict=True):
        closes = site + found.lag + 1
        assert part[closes : closes + len(closer if name != "column" else "\n")] in (closer, "\n")
        window = values[site:closes]
        assert window[0] == value > 0
        assert (np.diff(window) >= 0).all()
        assert site % length > WARMUP
        assert site // length == closes // length
    for site in found.inside:
        assert part[site + found.lag + 1] != target
        assert (values[site : site + found.lag + 1] > 0).all()
    for site in found.outside:
        assert part[site + found.lag + 1] != target
        assert (values[site : site + found.lag + 1] == 0).all()


def test_the_closer_of_a_line_that_ends_in_two_characters_is_the_first() -> None:
    found, _ = sites(text_of("(", ")", line="\r\n"), "column")
    assert found.target == "\r"


def test_the_target_of_a_closer_of_three_characters_is_the_first() -> None:
    text = "# a note\n" * 3 + text_of('"""', '"""')
    found, values = sites(text, "inside_triple_quotes")
    for site in found.before_closers:
        closes = site + found.lag + 1
        assert text[START + closes : START + closes + 3] == '"""'
        assert values[closes + 1] == 1
        assert values[closes + 2] == 0


def test_too_few_closers_give_no_sites() -> None:
    text = "abcdef " * 1000
    values = np.ones(len(text), np.uint8)
    cut, generator = Cut(len(text), 2), torch.Generator().manual_seed(0)
    signal = Signal(Feature("on", "switch", {"set": ["a"], "reset": ["b"]}), values)
    assert sites_of(signal, text, "abcdef ", cut, generator) is None
    values[700:705] = values[1500:1510] = 0
    assert sites_of(signal, text, "abcdef ", cut, generator) is None


def test_of_many_targets_the_other_characters_are_named() -> None:
    symbols = "abcdef"
    values = np.tile(np.array([1] * 40 + [0] * 10, np.uint8), 100)
    text = "".join("abcd"[place // 50 % 4] if value == 0 else "e" for place, value in enumerate(values))
    signal = Signal(Feature("on", "switch", {"set": ["e"], "reset": list("abcd")}), values)
    cut, generator = Cut(len(text), 1), torch.Generator().manual_seed(0)
    found = sites_of(signal, text, symbols, cut, generator)
    assert found.target == "[^ef]"
    assert found.targets.tolist() == [True] * 4 + [False] * 2


def test_a_counter_is_changed_where_it_has_counted_far() -> None:
    found, values = sites("# a note\n" * 3 + text_of("(", ")"), "column")
    ends = np.flatnonzero(np.diff(values.astype(int)) < 0)
    assert values[found.before_closers + found.lag].min() >= np.median(values[ends]) - 1


def test_a_subset_keeps_the_values_of_its_closers() -> None:
    found, values = sites("# a note\n" * 3 + text_of("(", ")"), "column")
    few = found.subset(np.array([0, 2, 5]))
    assert few.before_closers.tolist() == found.before_closers[[0, 2, 5]].tolist()
    assert few.values.tolist() == values[few.before_closers].tolist()
    assert few.inside is found.inside
