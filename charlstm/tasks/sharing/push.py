"""Do what `charlstm push` does, without a terminal: send a run to the Hugging Face hub, with a model card.

Sent are the settings, the best weights, and the findings with their page where there are any. What they say
of this machine is left out: the folder of a text, and the command lines that were typed.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from charlstm.checkpoint.record import RunConfig, load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.checkpoint.weights import Weights, load_weights
from charlstm.findings import Findings
from charlstm.report.model_card import CardFacts, model_card
from charlstm.run_files import FINDINGS, METRICS, MODEL
from charlstm.sharing.hub_run import publish, repository_name
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
        _write(folder, run, config)
        findings = _findings(run)
        if findings is not None:
            findings.save(folder / FINDINGS)
            draw_report(folder, None)
        document = None if findings is None else findings.to_json()
        card = model_card(_facts(repository, config, weights), document)
        (folder / "README.md").write_text(card, encoding="utf-8")
        return publish(folder, repository, private=private)


def _write(folder: Path, run: Path, config: RunConfig) -> None:
    """Write the settings and the best weights of a run into folder, without the places of files here."""
    corpus = config.corpus
    if corpus is not None:
        validation = corpus.validation and _bare(corpus.validation)
        corpus = replace(corpus, name=_bare(corpus.name), validation=validation)
    begun_from = config.begun_from and _bare(config.begun_from)
    RunFolder(folder).create(replace(config, corpus=corpus, begun_from=begun_from))
    (folder / METRICS).unlink()
    shutil.copyfile(run / MODEL, folder / MODEL)


def _findings(run: Path) -> Findings | None:
    """Return the findings of a run without what they say of this machine, or None without findings."""
    if not (run / FINDINGS).exists():
        return None
    found = Findings.load_from(run)
    return replace(
        found,
        model=replace(found.model, checkpoint=None),
        corpus=replace(found.corpus, name=_bare(found.corpus.name)),
        provenance=found.provenance | {"command": None},
    )


def _bare(name: str) -> str:
    """Return the name of a text or a run without the folder that it lies in."""
    return name if name.startswith(("hf:", "grammar:")) else Path(name).name


def _facts(repository: str, config: RunConfig, weights: Weights) -> CardFacts:
    """Return what the model card says of a run."""
    return CardFacts(
        name=repository,
        layers=config.model.layers,
        cells=config.model.cells,
        parameters=sum(values.size for values in weights.tensors.values()),
        symbols=len(config.vocabulary),
        text=_bare(config.corpus.name) if config.corpus else None,
        bits_per_character=weights.validation_bits_per_character,
    )
