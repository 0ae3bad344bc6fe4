"""The rate of false claims is counted where every claim is false."""

import math

import numpy as np
import pytest
from error_rate import CANDIDATES, SIGNIFICANCE, Population, family_wise, share_of_claims

TRIALS = 20_000


def share(nats: np.ndarray, *, either_way: bool = False) -> float:
    population = Population((0, 0), "feature", "resample", True, either_way, nats)
    return share_of_claims(population, TRIALS, np.random.default_rng(0))


def test_effects_that_are_alike_at_all_sites_are_claimed_as_rarely_as_is_said() -> None:
    random = np.random.default_rng(1)
    nominal = SIGNIFICANCE / CANDIDATES
    for either_way in (False, True):
        claimed = share(random.normal(-1.0, 2.0, 20_000), either_way=either_way)
        assert claimed <= nominal + 3 * math.sqrt(nominal / TRIALS)


def test_gains_at_few_sites_show_as_errors() -> None:
    random = np.random.default_rng(2)
    nats = -1 + 80.0 * (random.random(20_000) < 0.004)
    assert nats.mean() < -0.5
    assert family_wise(share(nats)) > 0.5, "most samples lack them"


@pytest.mark.parametrize(("of_one", "of_thirty"), [(0.0, 0.0), (1.0, 1.0), (0.01, 1 - 0.99**30)])
def test_the_chance_of_any_error(of_one: float, of_thirty: float) -> None:
    assert family_wise(of_one) == pytest.approx(of_thirty)
