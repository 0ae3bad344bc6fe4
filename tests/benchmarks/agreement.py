"""Measure how far an inspection's findings depend on its seed and on its text, and what it finds in twins.

    python tests/benchmarks/agreement.py [RUN] [TEXT] [--characters N] [--texts N] [--seeds N] [--twins N]

The model is inspected on disjoint pieces of a text, spread over it, and on the first piece with several
seeds. Two inspections agree on a cell that both have as a candidate for one feature, where both verdicts are
equal; cells that either calls undecided are counted apart. A cell is clear where its score is not near the
limit of the rules; how many of the clear and of the verified cells of one piece are found in another is told,
too. Twins are untrained networks of the model's shape, and the model with its gate rows dealt out; nothing
should be verified in them. RUN is the released model and TEXT the corpus `stdlib` by default. --json prints
one line.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import torch

import charlstm
from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import InspectionConfig
from charlstm.findings import Finding, Findings
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.study import study
from charlstm.inspection.twins import shuffled_twin, untrained_twin
from charlstm.machine.devices import keep_freed_memory
from charlstm.model.char_lstm import CharLSTM
from charlstm.tasks.run_text import corpus_of

RELEASED = Path(__file__).parents[2] / "checkpoints" / "stdlib"
TWINS = {"untrained": untrained_twin, "shuffled": shuffled_twin}

# A cell of one layer with its feature, and the verdict that it got.
Verdicts = dict[tuple[int, int, str], str]
# A cell of one layer.
Cells = set[tuple[int, int]]


def inspected(run: Checkpoint, model: CharLSTM, ids: np.ndarray, seed: int) -> Findings:
    """Inspect a model that reads ids."""
    return inspect_model(
        InspectionRequest(
            model=model,
            ids=ids,
            vocabulary=run.config.vocabulary,
            config=InspectionConfig(characters=len(ids), seed=seed),
            corpus_name="text",
            corpus_sha256="",
        )
    )


def verdicts_of(findings: Findings) -> Verdicts:
    """Return the verdicts of all cells that have one."""
    return {
        (finding.layer, finding.cell, finding.feature): finding.verdict
        for finding in findings.findings
        if finding.verdict is not None
    }


def cells_of(findings: Findings, wanted: Callable[[Finding], bool] = lambda _: True) -> Cells:
    """Return the found cells of the findings that are wanted."""
    return {(finding.layer, finding.cell) for finding in findings.findings if wanted(finding)}


def found_again(several: Sequence[Findings], wanted: Callable[[Finding], bool]) -> float | None:
    """Return the share of the wanted cells of each inspection that each other one finds, wanted or not."""
    cells = again = 0
    for one, other in permutations(several, 2):
        cells += len(cells_of(one, wanted))
        again += len(cells_of(one, wanted) & cells_of(other))
    return again / cells if cells else None


def agreement(inspections: Sequence[Findings]) -> dict[str, object]:
    """Return over all pairs of inspections how many common candidates agree, and how many cells are
    common.
    """
    several = [verdicts_of(findings) for findings in inspections]
    equal = decided = undecided = 0
    both = either = 0
    for one, other in combinations(several, 2):
        cells, other_cells = ({key[:2] for key in verdicts} for verdicts in (one, other))
        both, either = both + len(cells & other_cells), either + len(cells | other_cells)
        for key in one.keys() & other.keys():
            if "undecided" in (one[key], other[key]):
                undecided += 1
            else:
                decided, equal = decided + 1, equal + (one[key] == other[key])
    return {
        "common candidates that are decided": decided,
        "equal verdicts among them": equal / decided if decided else None,
        "undecided in one of the two": undecided,
        "found in both of those in either": both / either if either else None,
        "clear cells found again": found_again(inspections, lambda one: not one.detection.near_limit),
        "verified cells found again": found_again(inspections, lambda one: one.verdict == "verified"),
    }


def pieces(ids: np.ndarray, count: int, characters: int) -> Iterator[np.ndarray]:
    """Yield `count` disjoint pieces of ids, spread evenly."""
    for start in np.linspace(0, len(ids) - characters, count).astype(int):
        yield ids[start : start + characters]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, default=RELEASED, metavar="RUN", help="a run's folder")
    parser.add_argument("text", nargs="?", default="stdlib", metavar="TEXT", help="a text [%(default)s]")
    parser.add_argument(
        "--characters", type=int, default=400_000, metavar="N", help="of a piece [%(default)s]"
    )
    parser.add_argument("--texts", type=int, default=3, metavar="N", help="number of pieces [%(default)s]")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="number of seeds [%(default)s]")
    parser.add_argument("--twins", type=int, default=0, metavar="N", help="twins of each kind [%(default)s]")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    keep_freed_memory()
    run = charlstm.load(options.run)
    ids = corpus_of(run, options.text).tokens
    texts = list(pieces(ids, max(1, options.texts), options.characters))
    by_text = [inspected(run, run.model, piece, 0) for piece in texts[: options.texts]]
    by_seed = by_text[:1] + [inspected(run, run.model, texts[0], seed) for seed in range(1, options.seeds)]
    result = {
        "verdicts by text": [dict(Counter(verdicts_of(findings).values())) for findings in by_text],
        "texts": agreement(by_text),
        "seeds": agreement(by_seed),
        "in twins": dict(verified_in_twins(run, texts[0], options.twins)),
    }
    print(json.dumps(result, indent=None if options.json else 2))


def verified_in_twins(run: Checkpoint, ids: np.ndarray, count: int) -> Iterator[tuple[str, object]]:
    """Yield for each kind of twin how many of its networks have findings and verified cells."""
    config = InspectionConfig(characters=len(ids))
    text = read_text(ids, run.config.vocabulary.symbols, config.streams)
    for name, twin in TWINS.items():
        found = [
            study(twin(run.model, torch.Generator().manual_seed(seed)), text, config).confirmed_pairs
            for seed in range(count)
        ]
        verdicts = [Counter(pair.proof.verdict for pair in pairs) for pairs in found]
        yield (
            name,
            {
                "networks": count,
                "with findings": sum(map(bool, found)),
                "with verified": sum("verified" in of_network for of_network in verdicts),
                "verdicts": {str(verdict): number for verdict, number in sum(verdicts, Counter()).items()},
            },
        )


if __name__ == "__main__":
    main()
