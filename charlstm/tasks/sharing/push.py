"""Do what `charlstm push` does, without a terminal: send a run to the Hugging Face hub, with a model card.

It sends the settings, the best weights, and the findings with their page where there are any. What they say
of this machine is left out: the folder of a text, and the command lines that were typed.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from charlstm.checkpoint.record import RunConfig, load_config
from charlstm.checkpoint.weights import Weights, load_weights
from charlstm.findings import Findings
from charlstm.report.model_card import CardFacts, model_card
from charlstm.run_files import FINDINGS, MODEL
from charlstm.sharing.hub_run import publish, repository_name
from charlstm.sharing.run_for_others import bare_name, write_settings
from charlstm.tasks.report import draw_report


def push_run(run: Path, name: str, *, private: bool = False) -> str:
    """Send the run in a folder to the repository owner/name on the hub, and return its address.

    Raises CheckpointError where there is no run or it cannot be sent, UsageError for another name and for
    findings that cannot be read.
    """
    repository = repository_name(name)
    config = load_config(run)
    weights = load_weights(run, config.model)
    with TemporaryDirectory() as made:
        folder = Path(made)
        write_settings(folder, config)
        shutil.copyfile(run / MODEL, folder / MODEL)
        findings = _findings(run)
        if findings is not None:
            findings.save(folder / FINDINGS)
            draw_report(folder, None)
        document = None if findings is None else findings.to_json()
        card = model_card(_facts(repository, config, weights), document)
        (folder / "README.md").write_text(card, encoding="utf-8")
        return publish(folder, repository, private=private)


def _findings(run: Path) -> Findings | None:
    """Return the findings of a run without what they say of this machine, or None without findings."""
    if not (run / FINDINGS).exists():
        return None
    found = Findings.load_from(run)
    return replace(
        found,
        model=replace(found.model, checkpoint=None),
        corpus=replace(found.corpus, name=bare_name(found.corpus.name)),
        provenance=found.provenance | {"command": None},
    )


def _facts(repository: str, config: RunConfig, weights: Weights) -> CardFacts:
    """Return what the model card says of a run."""
    return CardFacts(
        name=repository,
        layers=config.model.layers,
        cells=config.model.cells,
        parameters=sum(values.size for values in weights.tensors.values()),
        symbols=len(config.vocabulary),
        text=bare_name(config.corpus.name) if config.corpus else None,
        bits_per_character=weights.validation_bits_per_character,
    )
