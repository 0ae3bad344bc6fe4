"""Measure how often the rule of necessity claims an effect that is not there, with effects of real cells.

    python tests/benchmarks/error_rate.py [RUN] [TEXT] [--characters N] [--trials N] [--others N]

A simulation with invented effects depends on the tails that were invented. Here a population is the effects
of one cell of a trained network at thousands of closers of a text. Each population is scaled so that its mean
lies exactly at the limit of a verified effect, where a claim is an error. Its shape stays: how skewed it is,
and how far its rarest sites reach. Then samples are drawn from it, each of 40 clusters of ten neighbouring
sites, and put to the rule at the error of one candidate among thirty. The other intervention is taken to be
far beyond the limit, so that it prevents no error. The family-wise error is the chance of any error in thirty
candidates that all lie at the limit. It should be at most the significance of the rules. RUN is the released
model and TEXT the corpus `stdlib` by default.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import charlstm
from charlstm.config import InspectionConfig
from charlstm.inspection.estimates import mean_of
from charlstm.inspection.intervening import behaviours
from charlstm.inspection.intervening.census import bystanders
from charlstm.inspection.intervening.necessity import LEAST_EFFECT_NATS, necessity_of
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.study import Study, study
from charlstm.machine.devices import keep_freed_memory
from charlstm.tasks.run_text import corpus_of

RELEASED = Path(__file__).parents[2] / "checkpoints" / "stdlib"
SIGNIFICANCE, CANDIDATES = InspectionConfig().significance, 30
SITES_OF_CLUSTER = 10
# A population has at least this many sites and at most this many.
LEAST_SITES, MOST_SITES = 500, 20_000
# The effects of a cell with a smaller mean are too far from any claim to be scaled up to one, in nats.
LEAST_MEAN_NATS = 0.005


class Population(NamedTuple):
    """A Population has the changes of a closer's log probability by one intervention on one cell, (sites,)
    in nats, in the order of the text; found says whether the cell follows the closer's feature.
    """

    cell: tuple[int, int]
    feature: str
    intervention: str
    found: bool
    either_way: bool
    nats: NDArray[np.float64]


def populations(of_model: Study, others: int) -> Iterator[Population]:
    """Yield the populations of all tested cells, and of `others` cells that do not follow their features."""
    context, cells = of_model.proven.context, of_model.proven.context.model.config.cells
    seen: set[tuple[int, int, str]] = set()
    for pair in of_model.confirmed_pairs:
        name, (layer, cell) = pair.feature.name, divmod(pair.cell, cells)
        if name not in context.behaviours or len(context.behaviours[name].deciding_sites) < LEAST_SITES:
            continue
        strangers = bystanders(name, layer, of_model.roles)[:others]
        for number in (cell, *strangers):
            if (layer, number, name) in seen:
                continue
            seen.add((layer, number, name))
            either_way = pair.feature.kind == "counter"
            closers = context.closers(name, most=MOST_SITES)
            necessity = necessity_of(closers, [(layer, number)], either_way=either_way)
            for intervention in ("resample", "conditional_mean"):
                nats = getattr(necessity, intervention).nats
                claimable = nats.mean() < 0 or either_way
                if claimable and abs(nats.mean()) >= LEAST_MEAN_NATS:
                    yield Population((layer, number), name, intervention, number == cell, either_way, nats)


def share_of_claims(population: Population, trials: int, random: np.random.Generator) -> float:
    """Return the share of texts drawn from a population at the limit in which the rule claims its effect."""
    nats = population.nats * LEAST_EFFECT_NATS / abs(population.nats.mean())
    clusters = np.repeat(np.arange(behaviours.CLUSTERS), SITES_OF_CLUSTER)
    first = random.integers(0, len(nats) - SITES_OF_CLUSTER + 1, (trials, behaviours.CLUSTERS, 1))
    drawn = nats[first + np.arange(SITES_OF_CLUSTER)]
    by_cluster = drawn.mean(2)
    error = by_cluster.std(1, ddof=1) / np.sqrt(behaviours.CLUSTERS)
    # No interval of so small an error is narrower than two standard errors.
    near = np.flatnonzero(np.abs(by_cluster.mean(1)) - LEAST_EFFECT_NATS > 2 * error)
    claims = 0
    for trial in near:
        estimate = mean_of(drawn[trial].ravel(), clusters, SIGNIFICANCE / CANDIDATES)
        lost, gained = estimate.high < -LEAST_EFFECT_NATS, estimate.low > LEAST_EFFECT_NATS
        claims += lost or (population.either_way and gained)
    return claims / trials


def family_wise(share: float) -> float:
    """Return the chance of an error in CANDIDATES candidates, of which each has the chance `share`."""
    return float(1 - (1 - share) ** CANDIDATES)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, default=RELEASED, metavar="RUN", help="a run's folder")
    parser.add_argument("text", nargs="?", default="stdlib", metavar="TEXT", help="a text [%(default)s]")
    parser.add_argument("--characters", type=int, default=2_000_000, metavar="N", help="[%(default)s]")
    parser.add_argument(
        "--trials", type=int, default=30_000, metavar="N", help="of a population [%(default)s]"
    )
    parser.add_argument("--others", type=int, default=4, metavar="N", help="cells beside each [%(default)s]")
    options = parser.parse_args()
    keep_freed_memory()
    behaviours.MOST_SITES = MOST_SITES
    run, random = charlstm.load(options.run), np.random.default_rng(0)
    ids = corpus_of(run, options.text, newlines=True).tokens[: options.characters]
    config = InspectionConfig(characters=len(ids))
    of_model = study(run.model, read_text(ids, run.config.vocabulary.symbols, config.streams), config)
    shares: dict[bool, list[float]] = {True: [], False: []}
    for population in populations(of_model, options.others):
        share = share_of_claims(population, options.trials, random)
        shares[population.found].append(share)
        layer, cell = population.cell
        sizes = population.nats / abs(population.nats.mean())
        print(
            f"{layer}:{cell:<4} {population.feature[:34]:34} {population.intervention:16} "
            f"{len(sizes):6} sites, mean {population.nats.mean():6.3f} nats, largest loss and gain "
            f"{sizes.min():6.1f} {sizes.max():6.1f} means: family-wise {family_wise(share):.4f}",
            flush=True,
        )
    for found, name in ((True, "found cells"), (False, "other cells")):
        if shares[found]:
            rates = [family_wise(share) for share in shares[found]]
            together = family_wise(float(np.mean(shares[found])))
            print(
                f"{name}: {len(rates)} populations, family-wise error {together:.4f}, "
                f"median {np.median(rates):.4f}, largest {max(rates):.4f}; nominal {SIGNIFICANCE}"
            )


if __name__ == "__main__":
    main()
