"""What a training will do: from what was asked for to the text, its splits and every setting."""

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
    """What `charlstm train` was asked for.

    corpus is the text's name; None, for a resumed run alone, means the run's own text. out is the run's
    folder. model and training hold the fields of a ModelConfig and a TrainingConfig that were given, by
    name. validation names a text to validate on; without one split says which shares of corpus are for
    training, validation and testing. level is the level of a new vocabulary. resume goes on with the run at
    out, overwrite replaces it. tensorboard logs for TensorBoard as well.
    """

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
    """All settings of a training, and its text: train and validation (characters,) are token ids.

    left_out are files of the text's folder that are not text.
    """

    config: RunConfig
    training: TrainingConfig
    train: Ids
    validation: Ids
    left_out: tuple[Path, ...]


def plan_new_run(request: TrainRequest) -> Plan:
    """Return the plan of a new run, with the settings that request leaves open chosen by the text's length.

    Raises UsageError for settings out of range, CheckpointError when request.out is taken, CorpusError when
    the text cannot be read or is too short.
    """
    assert request.corpus is not None
    length = TrainingConfig(**request.training)
    RunFolder(request.out).refuse_if_taken(overwrite=request.overwrite)  # reading the text may take minutes
    corpus = load_corpus(request.corpus, level=request.level)
    train_ids, validation_ids = _splits(corpus, request.split, request.validation)
    size = {name: request.model.get(name) for name in ("cells", "layers")}
    settings = suggested(len(train_ids), length, **size)
    training = TrainingConfig(**settings.training_settings | request.training)
    stream_length(len(train_ids), streams=training.streams, window=training.window)
    record = CorpusRecord(corpus.name, corpus.sha256, len(corpus.tokens), request.split, request.validation)
    model = ModelConfig(vocabulary_size=len(corpus.vocabulary), **settings.model_settings | request.model)
    config = RunConfig(model, training, corpus.vocabulary, record)
    return Plan(config, training, train_ids, validation_ids, corpus.left_out)


def plan_resumed_run(request: TrainRequest) -> Plan:
    """Return the plan of the run at request.out, on the text it was begun with.

    Raises CheckpointError when there is no run, when it was imported, or when its text has changed;
    UsageError when request has a setting that differs from the run's; CorpusError when its text is gone.
    """
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


def _refuse_other_settings(request: TrainRequest, settings: dict[str, Any]) -> None:
    """Raise UsageError when request has a setting that differs from settings, those of the run by name."""
    for name, value in (request.model | request.training).items():
        if settings[name] != value:
            raise UsageError(
                f"{request.out} was begun with {name} {settings[name]}, not {value}",
                f"leave --{name.replace('_', '-')} out to go on with it, or train anew with another --out",
            )


def _splits(corpus: Corpus, split: str, validation: str | None) -> tuple[Ids, Ids]:
    """Return the token ids to train on and to validate on, each (characters,).

    They are the shares of corpus that split says, or all of corpus and of the text that validation names.
    Raises UsageError for a split that is none, CorpusError when the other text cannot be read,
    UnknownCharacterError when it has characters that corpus does not have.
    """
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
