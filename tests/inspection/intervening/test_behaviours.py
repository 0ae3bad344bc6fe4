"""Sites lie a lag before one character that ends a feature, and donors match them in the other state."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from intervention_fixture import (
    BRACKETS,
    COLUMN,
    DEPTH,
    PARENTHESES,
    QUOTES,
    behaviour,
    split_of,
    tidy_passage,
)
from numpy.typing import NDArray
from written_text import written

from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.intervening.behaviours import (
    CLUSTERS,
    LAGS,
    LEAST_SITES,
    MOST_SITES,
    VERDICT_LAG,
    Behaviour,
    MatchedSites,
    behaviour_of,
    clusters_of,
)
from charlstm.inspection.reading.passage import Passage, passage_of
from charlstm.inspection.reading.trace import WARMUP, Cut

NAMES = [QUOTES, COLUMN, PARENTHESES, BRACKETS, DEPTH]
CLOSING = {QUOTES: '"', COLUMN: "\n", PARENTHESES: ")", BRACKETS: "]", DEPTH: "]"}


def handmade(
    text: str, values: NDArray[np.uint8], feature: Feature, symbols: str = "", streams: int = 1
) -> Passage:
    """A passage with one feature whose values are given."""
    symbols = symbols or "".join(sorted(set(text)))
    ids = np.array([symbols.index(mark) for mark in text], np.uint8)
    return Passage(ids, text, symbols, Cut(len(text), streams), {feature.name: Signal(feature, values)})


def periodic(
    count: int, closer: str, *, period: int = 50, feature: Feature | None = None, text_of: str = "abcd"
) -> Passage:
    """A passage in which a switch is on for all but the last 10 characters of each of `count` periods.

    The periods begin behind the warm-up. The characters are those of text_of in turn, but for those of closer
    in turn at the first character where the switch is off.
    """
    feature = feature or Feature("on", "switch", {"set": ["a"], "reset": [closer[0]]})
    length = 250 + count * period
    values = np.array([place >= 250 and (place - 250) % period < period - 10 for place in range(length)])
    values = values.astype(np.uint8)
    text = [text_of[place % len(text_of)] for place in range(length)]
    for number, place in enumerate(np.flatnonzero(np.diff(values.astype(int)) < 0) + 1):
        text[place] = closer[number % len(closer)]
    return handmade("".join(text), values, feature)


@pytest.mark.parametrize("name", NAMES)
def test_a_closer_comes_right_behind_the_lag_and_the_feature_stays_in_its_state_up_to_it(name: str) -> None:
    passage, found = tidy_passage(), behaviour(name)
    text, values, length = passage.text, passage.signals[name].values.astype(int), passage.cut.length
    assert found.target == CLOSING[name]
    assert np.array(list(passage.symbols))[found.targets].tolist() == [CLOSING[name]]
    assert list(found.sites) == list(LAGS)
    for lag, sites in found.sites.items():
        for site, value in zip(sites.positions.tolist(), sites.values.tolist(), strict=True):
            closes = site + lag + 1
            assert text[closes] == CLOSING[name]
            assert values[closes] < values[closes - 1], "the feature really ends there"
            assert value == values[site] > 0
            window = values[site:closes].tolist()
            assert all(after >= before for before, after in pairwise(window))
            assert site // length == closes // length
            assert site % length > WARMUP
    assert found.deciding_sites is found.sites[VERDICT_LAG]


@pytest.mark.parametrize("name", NAMES)
def test_donors_have_the_same_character_and_the_other_state(name: str) -> None:
    passage, found = tidy_passage(), behaviour(name)
    values = passage.signals[name].values.astype(int)
    for sites in found.sites.values():
        assert (passage.ids[sites.positions] == passage.ids[sites.donors]).all()
        assert found.in_other_state[sites.donors].all()
        assert not found.in_other_state[sites.positions].any()
        assert (sites.donors % passage.cut.length > WARMUP).all()
    off = (
        values == 0 if name != COLUMN else values <= np.median(values[found.deciding_sites.positions + 4]) / 2
    )
    assert np.array_equal(found.in_other_state[1_000:], off[1_000:]) or name == COLUMN
    assert found.in_other_state.mean() < 0.9


def test_the_state_of_sites_and_donors_is_right_by_counting_brackets_and_quotes() -> None:
    text = tidy_passage().text
    for name, opener, closer in ((PARENTHESES, "(", ")"), (BRACKETS, "[", "]")):
        depth = np.cumsum([(mark == opener) - (mark == closer) for mark in text])
        sites = behaviour(name).deciding_sites
        assert (depth[sites.positions] > 0).all()
        assert (depth[sites.donors] == 0).all()
    parity = np.cumsum([mark == '"' for mark in text]) % 2
    sites = behaviour(QUOTES).deciding_sites
    assert (parity[sites.positions] == 1).all()
    assert (parity[sites.donors] == 0).all()


def test_a_count_is_high_at_sites_and_at_most_half_as_high_at_donors() -> None:
    text, sites = tidy_passage().text, behaviour(COLUMN).deciding_sites
    column = np.array([place - text.rfind("\n", 0, place + 1) for place in range(len(text))])
    ends = np.flatnonzero(np.array(list(text)) == "\n")
    assert column[sites.positions + VERDICT_LAG].min() >= np.median(np.minimum(255, column[ends - 1])) - 2
    median = np.median(column[sites.positions + VERDICT_LAG])
    assert column[sites.donors].max() <= median / 2 + 1
    assert (column[sites.positions] > column[sites.donors]).mean() > 0.98


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_drawn(name: str) -> None:
    def everything(found: Behaviour) -> list[list[float]]:
        matched = [*found.sites.values(), found.outside, found.inside]
        return [getattr(one, part).tolist() for one in matched for part in one.__dataclass_fields__]

    first = everything(behaviour(name))
    np.random.default_rng().random()
    assert everything(behaviour(name)) == first


@pytest.mark.parametrize("name", [QUOTES, PARENTHESES])
def test_elsewhere_no_closer_follows_and_the_feature_stays_as_it_is(name: str) -> None:
    passage, found = tidy_passage(), behaviour(name)
    text, values = passage.text, passage.signals[name].values.astype(int)
    assert len(found.outside) > 50
    assert len(found.inside) > 50
    for sites, is_on in ((found.outside, False), (found.inside, True)):
        for site, donor in zip(sites.positions.tolist(), sites.donors.tolist(), strict=True):
            assert text[site + VERDICT_LAG + 1] != CLOSING[name]
            assert ((values[site : site + VERDICT_LAG + 1] > 0) == is_on).all()
            assert (values[donor] > 0) != is_on
            assert text[donor] == text[site]


def test_sites_and_donors_are_spread_over_the_whole_text() -> None:
    passage = passage_of(split_of(written(120_000, seed=2), [COLUMN], streams=1), [COLUMN])
    found = behaviour(COLUMN, passage)
    for lag, sites in found.sites.items():
        assert len(sites) == (MOST_SITES if lag == VERDICT_LAG else 100)
        assert (np.diff(sites.positions) > 0).all()
        quarters = np.bincount(sites.positions * 4 // 120_000, minlength=4) / len(sites)
        assert (abs(quarters - 0.25) < 0.08).all()
    donors = found.deciding_sites.donors
    quarters = np.bincount(donors * 4 // 120_000, minlength=4) / len(donors)
    assert (abs(quarters - 0.25) < 0.08).all()
    assert len(np.unique(donors)) > 0.9 * len(donors), "donors are rarely used twice"


@pytest.mark.parametrize("spread", ["even", "at the end", "few"])
def test_clusters_are_contiguous_with_about_equal_numbers_of_sites_and_not_too_short(spread: str) -> None:
    random, characters = np.random.default_rng(0), 100_000
    positions = {
        "even": np.arange(400) * 250,
        "at the end": np.sort(
            np.append(random.integers(0, 50_000, 100), random.integers(90_000, 100_000, 300))
        ),
        "few": np.sort(random.integers(0, characters, 41)),
    }[spread]
    clusters = clusters_of(positions, characters)
    assert clusters[0] == 0
    assert set(np.diff(clusters).tolist()) <= {0, 1}
    sizes = np.bincount(clusters)
    assert len(sizes) <= CLUSTERS
    if spread == "even":
        assert sizes.tolist() == [10] * CLUSTERS
    assert len(sizes) > 15
    begins = positions[np.searchsorted(clusters, np.arange(len(sizes)))]
    assert (np.diff(begins) >= characters / 160).all()
    assert (sizes[:-1] >= len(positions) / CLUSTERS).all()


def test_sites_in_one_place_are_few_clusters_however_many_they_are() -> None:
    assert clusters_of(np.arange(300) + 7_000, 100_000).max() == 0
    assert clusters_of(np.arange(1_300) + 7_000, 100_000).max() == 2


def test_closers_of_different_characters_are_never_put_together() -> None:
    feature = Feature("on", "switch", {"set": ["a"], "reset": ["x", "y"]})
    found = behaviour("on", periodic(150, "xxy", feature=feature))
    assert found.target == "x"
    assert found.targets.sum() == 1
    text = periodic(150, "xxy", feature=feature).text
    for lag, sites in found.sites.items():
        assert {text[site + lag + 1] for site in sites.positions} == {"x"}
    # 75 closers of each of three characters are enough, 30 are not, although there are 90 together.
    three = Feature("on", "switch", {"set": ["a"], "reset": ["x", "y", "z"]})
    assert len(behaviour("on", periodic(225, "xyz", feature=three)).deciding_sites) == 75
    assert behaviour_of("on", periodic(90, "xyz", feature=three)) is None


def test_the_target_is_the_closer_with_the_most_usable_sites_and_not_the_commonest_one() -> None:
    """Before most closers of one character the feature is on for too short a time for any site."""
    length, starts = 20_000, range(300, 19_000, 100)
    text, values = ["abcd"[place % 4] for place in range(length)], np.zeros(length, np.uint8)
    for number, start in enumerate(starts):
        mark, run = ("y", 30) if number % 5 < 2 else ("x", 30 if number % 5 == 2 else 2)
        values[start : start + run], text[start + run] = 1, mark
    feature = Feature("on", "switch", {"set": ["a"], "reset": ["x", "y"]})
    found = behaviour("on", handmade("".join(text), values, feature))
    assert "".join(text).count("x") > "".join(text).count("y")
    assert found.target == "y"
    assert len(found.deciding_sites) == "".join(text).count("y")


def test_of_a_counter_no_site_has_a_count_as_low_as_a_donor() -> None:
    """Four characters before its closer, a counter of short pieces has often just begun."""
    name = "characters_since_space"
    split = split_of(written(60_000, seed=2), [name])
    found = behaviour(name, passage_of(split, [name]))
    for sites in (*found.sites.values(), found.inside):
        assert not found.in_other_state[sites.positions].any()
        assert found.in_other_state[sites.donors].all()
    assert not found.in_other_state[found.outside.donors].any()
    assert found.in_other_state[found.outside.positions].all()


def test_closers_that_a_feature_names_itself_are_one_target() -> None:
    feature = Feature("on", "switch", {"set": ["a"], "reset": ["?"]}, ends=frozenset("wxyz"))
    found = behaviour("on", periodic(90, "wxyz", feature=feature, text_of="ab"))
    assert len(found.deciding_sites) == 90
    assert found.target == "[^ab]", "the two other characters are named where they are fewer"
    assert found.targets.tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("count", [LEAST_SITES - 1, LEAST_SITES, LEAST_SITES + 1])
def test_too_few_closers_are_not_tested(count: int) -> None:
    assert (behaviour_of("on", periodic(count, "x")) is None) == (count < LEAST_SITES)


def test_sites_without_a_donor_of_the_same_character_are_left_out() -> None:
    # Before the closers the characters are a to d in turn, and outside there is only a.
    passage = periodic(200, "x", period=51)
    feature, values = passage.signals["on"]
    outside = [not on and mark != "x" for mark, on in zip(passage.text, values, strict=True)]
    text = "".join("a" if off else mark for mark, off in zip(passage.text, outside, strict=True))
    found = behaviour("on", handmade(text, values, feature))
    assert {passage.text[site] for site in behaviour("on", passage).deciding_sites.positions} == {*"abcd"}
    assert {text[site] for site in found.deciding_sites.positions} == {"a"}
    assert len(found.deciding_sites) == 50


@pytest.mark.parametrize(("line", "target"), [("\n", "\n"), ("\r\n", "\r")])
def test_a_line_that_ends_in_two_characters_ends_with_the_first(line: str, target: str) -> None:
    random = np.random.default_rng(0)
    text = "".join("ab cd efg hi "[: random.integers(8, 13)] * 3 + line for _ in range(300))
    symbols = "".join(sorted(set(text)))
    breaks = np.array([mark == "\n" for mark in text])
    last = np.maximum.accumulate(np.where(breaks, np.arange(len(text)), -1))
    column = (np.arange(len(text)) - last).astype(np.uint8)
    feature = Feature("column", "counter", {"step": ["*"], "reset": ["\n"]})
    found = behaviour("column", handmade(text, column, feature, symbols))
    assert found.target == target
    for site in found.deciding_sites.positions:
        assert text[site + VERDICT_LAG + 1 :].startswith(line)


def test_the_target_of_a_closer_of_three_characters_is_the_first_of_them() -> None:
    pieces = ['"""' + "abcd"[place % 4 :] * 5 + '"""' + " abcd" * 4 for place in range(100)]
    text = " " * 400 + "".join(pieces)
    parts = text.split('"""')
    values = np.concatenate(
        [np.full(len(part) + 3 * (place > 0), place % 2) for place, part in enumerate(parts)]
    ).astype(np.uint8)
    # The feature goes on with the last character of an opener and off with the last one of a closer.
    values = np.concatenate((np.zeros(2, np.uint8), values[:-2]))
    feature = Feature("triple", "switch", {"set": ['"""'], "reset": ['"""']})
    found = behaviour("triple", handmade(text, values, feature))
    assert found.target == '"'
    for site in found.deciding_sites.positions:
        closes = site + VERDICT_LAG + 1
        assert text[closes : closes + 3] == '"""'
        assert values[closes + 1] == 1
        assert values[closes + 2] == 0


def test_of_a_depth_the_outermost_closers_are_taken() -> None:
    values = tidy_passage().signals[DEPTH].values.astype(int)
    assert values.max() == 2
    sites = behaviour(DEPTH).deciding_sites
    assert (sites.values == 1).all()
    assert (values[sites.positions + VERDICT_LAG] == 1).all()
    assert (values[sites.positions + VERDICT_LAG + 1] == 0).all()


@pytest.mark.parametrize(
    "thin", [lambda sites: sites.thinned(3), lambda sites: sites.subset(np.array([0, 4, 8]))]
)
def test_thinned_sites_keep_their_donors_and_are_spread_evenly(
    thin: Callable[[MatchedSites], MatchedSites],
) -> None:
    sites = MatchedSites(np.arange(9) * 10, np.arange(9) + 500, np.arange(9) // 3, np.arange(9) / 2)
    few = thin(sites)
    assert few.positions.tolist() == [0, 40, 80]
    assert few.donors.tolist() == [500, 504, 508]
    assert few.clusters.tolist() == [0, 1, 2]
    assert few.values.tolist() == [0, 2, 4]
    assert len(sites.thinned(100)) == 9
