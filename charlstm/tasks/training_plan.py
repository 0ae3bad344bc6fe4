"""What a training will do, from a request: the text, its splits and every setting."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from charlstm.checkpoint.record import CorpusRecord, RunConfig, load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import DEFAULT_SPLIT, ModelConfig, TextLevel, TrainingConfig
from charlstm.errors import CheckpointError, UnknownCharacterError, UsageError
from charlstm.text.corpus import Corpus, load_corpus, split_bounds
from charlstm.text.vocabulary import Ids
from charlstm.training.default_settings import suggested
from charlstm.training.text_windows import stream_length


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What `charlstm train` was asked for; model and training hold only the settings that were given."""

    corpus: str | None
    out: Path
    model: dict[str, Any]
    training: dict[str, Any]
    validation: str | None = None
    split: str = DEFAULT_SPLIT
    level: TextLevel = "characters"
    device: str = "auto"
    resume: bool = False
    overwrite: bool = False
    tensorboard: bool = False


@dataclass(frozen=True)
class Plan:
    """The settings of a run and its splits; left_out are files of its text's folder that are not text."""

    config: RunConfig
    training: TrainingConfig
    train: Ids
    validation: Ids
    left_out: tuple[Path, ...]


def plan_new_run(request: TrainRequest) -> Plan:
    """The plan of a new run."""
    assert request.corpus is not None
    plan = TrainingConfig(**request.training)
    RunFolder(request.out).refuse_if_taken(overwrite=request.overwrite)  # before the text is read: minutes
    corpus = load_corpus(request.corpus, level=request.level)
    train_ids, validation_ids = _splits(corpus, request.split, request.validation)
    size = {name: request.model.get(name) for name in ("cells", "layers")}
    found = suggested(len(train_ids), plan, **size)
    plan = TrainingConfig(**found.pace | request.training)
    stream_length(len(train_ids), streams=plan.streams, window=plan.window)
    record = CorpusRecord(corpus.name, corpus.sha256, len(corpus.tokens), request.split, request.validation)
    model = ModelConfig(vocabulary_size=len(corpus.vocabulary), **found.shape | request.model)
    config = RunConfig(model, plan, corpus.vocabulary, record)
    return Plan(config, plan, train_ids, validation_ids, corpus.left_out)


def plan_resumed_run(request: TrainRequest) -> Plan:
    """The plan of the run that is there, of the same text as then."""
    config = load_config(request.out)
    record = config.corpus
    if config.training is None or record is None:
        raise CheckpointError(
            f"{request.out} was imported, not trained here: there is nothing to go on with",
            "train a model of your own with another --out",
        )
    _refuse_other_settings(request, asdict(config.model) | asdict(config.training))
    name = request.corpus or record.name
    corpus = load_corpus(name, level=config.vocabulary.level, vocabulary=config.vocabulary)
    if corpus.sha256 != record.sha256:
        raise CheckpointError(
            f"{request.out} was trained on another text: {corpus.name} has changed since",
            "give the same text, or train anew with another --out",
        )
    splits = _splits(corpus, record.split, record.validation)
    return Plan(config, config.training, *splits, corpus.left_out)


def _refuse_other_settings(request: TrainRequest, began: dict[str, Any]) -> None:
    """A run goes on with the settings it began with."""
    for name, value in (request.model | request.training).items():
        if began[name] != value:
            raise UsageError(
                f"{request.out} was begun with {name} {began[name]}, not {value}",
                f"leave --{name.replace('_', '-')} out to go on with it, or train anew with another --out",
            )


def _splits(corpus: Corpus, split: str, validation: str | None) -> tuple[Ids, Ids]:
    """The training and the validation part, of one text or of two."""
    if validation is not None:
        try:
            other = load_corpus(validation, level=corpus.vocabulary.level, vocabulary=corpus.vocabulary)
        except UnknownCharacterError as error:
            raise UnknownCharacterError(
                f"{validation}: {error.problem}, which is that of {corpus.name}",
                "validate on a text of the same characters, or by --level bytes",
            ) from error
        return corpus.tokens, other.tokens
    bounds = split_bounds(len(corpus.tokens), split)
    return corpus.tokens[slice(*bounds["train"])], corpus.tokens[slice(*bounds["validation"])]
