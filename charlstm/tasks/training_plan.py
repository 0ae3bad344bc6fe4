"""What a training will do: from what was asked for to the text, its splits and every setting."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from charlstm.checkpoint.record import CorpusRecord, RunConfig, damaged, load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import (
    DEFAULT_SPLIT,
    ModelConfig,
    TextLevel,
    TrainingConfig,
    parameter_shapes,
    parse_split,
)
from charlstm.errors import (
    CheckpointError,
    CorpusError,
    LineEndError,
    UnknownCharacterError,
    UsageError,
    shortened,
)
from charlstm.machine.devices import choose_device
from charlstm.run_files import MODEL, RESUME, RUN_FILES
from charlstm.tasks.run_text import described, refuse_unnamed_text
from charlstm.text.corpus import Corpus, corpus_in_hand, load_corpus, split_bounds
from charlstm.text.vocabulary import Ids
from charlstm.training.default_settings import check_settings, suggested
from charlstm.training.run_length import LENGTHS, extended, is_length_of, is_over
from charlstm.training.text_windows import stream_length
from charlstm.training.training_progress import TrainingProgress


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What `charlstm train` was asked for.

    corpus is the text's name; None, for a resumed run alone, means the run's own text. out is the run's
    folder. model and training hold the fields of a ModelConfig and a TrainingConfig that were given, by
    name. validation names a text to validate on; if None, `split` says which shares of corpus are for
    training, validation and testing, None for DEFAULT_SPLIT. level is the level of a new vocabulary, None
    for characters. resume goes on with the run at out, and extends it by the length that was given where it
    is finished; overwrite replaces it. begin_from is a run's folder, whose weights and vocabulary a new run
    begins with. newlines reads each \\r\\n, and each \\r alone, of the texts as one \\n, which a resumed run
    does by itself. tensorboard logs for TensorBoard as well. text and validation_text are texts in hand,
    which a new run reads in the place of those that corpus and validation name.
    """

    corpus: str | None
    out: Path
    model: dict[str, Any]
    training: dict[str, Any]
    validation: str | None = None
    split: str | None = None
    level: TextLevel | None = None
    device: str = "auto"
    resume: bool = False
    overwrite: bool = False
    begin_from: Path | None = None
    newlines: bool = False
    tensorboard: bool = False
    text: Corpus | None = None
    validation_text: str | None = None


@dataclass(frozen=True)
class Plan:
    """All settings of a training, and its text: train and validation (characters,) are token ids.

    left_out are files of the text's folder that are not text, and notes are about how the text was read.
    """

    config: RunConfig
    training: TrainingConfig
    train: Ids
    validation: Ids
    left_out: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def plan_new_run(request: TrainRequest) -> Plan:
    """Return the plan of a new run, with the settings that request leaves open chosen by the text's length.

    Raises UsageError for settings out of range, and for a size other than that of the run to begin from;
    CheckpointError when request.out is taken or that run cannot be used; CorpusError when the text cannot be
    read or is too short; DeviceError when the machine does not have the device.
    """
    check_settings(request.model, request.training, request.split)
    length = TrainingConfig(**request.training)
    _refuse_to_replace_sources(request)
    RunFolder(request.out).refuse_if_taken(overwrite=request.overwrite)  # reading the text may take minutes
    begun = load_config(request.begin_from) if request.begin_from else None
    if begun is not None:
        _refuse_other_shape(request, begun)
    corpus = _new_text(request, begun)
    split = request.split or DEFAULT_SPLIT
    validation = _new_validation(request, corpus)
    train_ids, validation_ids = _splits(corpus, split, validation)
    shape = asdict(begun.model) if begun else request.model
    device, size = choose_device(request.device).type, {name: shape.get(name) for name in ("cells", "layers")}
    given = {name: request.training.get(name) for name in ("streams", "learning_rate")}
    settings = suggested(len(train_ids), length, **size, **given, device=device)
    training = TrainingConfig(**settings.training_settings | request.training)
    stream_length(len(train_ids), streams=training.streams, window=training.window)
    chosen = settings.model_settings | request.model
    if begun is not None:
        model = replace(begun.model, dropout=chosen["dropout"])
    else:
        model = ModelConfig(vocabulary_size=len(corpus.vocabulary), **chosen)
    record = CorpusRecord(corpus.name, corpus.sha256, len(corpus.tokens), split, newlines=request.newlines)
    if validation is not None:
        validated_on = request.validation or validation.name
        record = replace(record, validation=validated_on, validation_sha256=validation.sha256)
    name = shortened(str(request.begin_from)) if begun else None
    config = RunConfig(model, training, corpus.vocabulary, record, begun_from=name)
    notes = _notes(corpus, validation)
    return Plan(config, training, train_ids, validation_ids, corpus.left_out, notes)


def _refuse_to_replace_sources(request: TrainRequest) -> None:
    """Raise UsageError when what the run reads lies where it writes: its text, or the run to begin from."""
    folder = RunFolder(request.out)
    for text in filter(None, (request.corpus, request.validation)):
        if Path(text).name in RUN_FILES and Path(text).is_file():
            folder.refuse_to_replace(Path(text))
    if request.begin_from is not None:
        folder.refuse_to_replace(request.begin_from / MODEL)


def _refuse_other_shape(request: TrainRequest, begun: RunConfig) -> None:
    """Raise UsageError when request has a size, or a level, other than that of the run to begin from."""
    settings = asdict(begun.model) | {"level": begun.vocabulary.level}
    asked = request.model | ({} if request.level is None else {"level": request.level})
    for name, value in asked.items():
        if name != "dropout" and settings[name] != value:
            raise UsageError(
                f"{request.begin_from} has {name} {settings[name]}, not {value}",
                f"leave `{name}` out to begin with its weights, or train anew without `begin_from`",
            )


def _new_text(request: TrainRequest, begun: RunConfig | None) -> Corpus:
    """Return the text of a new run, in the symbols of the run to begin from where there is one."""
    if request.text is not None:
        return request.text
    assert request.corpus is not None
    load = partial(load_corpus, request.corpus, newlines=request.newlines)
    if begun is None:
        return load(level=request.level or "characters")
    try:
        return load(vocabulary=begun.vocabulary)
    except LineEndError:
        raise
    except UnknownCharacterError as error:
        raise UnknownCharacterError(
            f"{request.corpus}: {error.problem}, which is that of {request.begin_from}",
            "give a text of its characters, or train anew without `begin_from`; "
            'a run that was trained by `level="bytes"` begins on any text',
        ) from error


def _new_validation(request: TrainRequest, corpus: Corpus) -> Corpus | None:
    """Return the text to validate a new run on, None where that is a part of corpus."""
    if request.validation_text is not None:
        return corpus_in_hand(request.validation_text, vocabulary=corpus.vocabulary)
    if request.validation is not None:
        return _validation(corpus, request.validation, newlines=request.newlines)
    return None


def plan_resumed_run(request: TrainRequest) -> Plan:
    """Return the plan of the run at request.out, on the text it was begun with.

    A run that is finished is extended by the length that request has. Raises CheckpointError when there is no
    run, when it was imported, or when its text has changed; UsageError when request has a setting that
    differs from the run's, and when a text has to be named; CorpusError when its text is gone.
    """
    config = load_config(request.out)
    record, training = config.corpus, config.training
    if training is None or record is None:
        raise CheckpointError(
            f"{request.out} was imported, not trained here: there is nothing to go on with",
            f"begin a new run with its weights: `charlstm train CORPUS --from {_quoted(request.out)}`",
        )
    _refuse_other_settings(request, config, record)
    progress = _saved_progress(request.out, config.model)
    corpus = _resumed_text(request, config, record)
    validation = _resumed_validation(request, corpus, record)
    splits = _splits(corpus, record.split, validation)
    length = {name: request.training[name] for name in LENGTHS if name in request.training}
    if length:
        streams = stream_length(len(splits[0]), streams=training.streams, window=training.window)
        if is_over(training, progress, streams):
            training = extended(training, progress, streams, length)
        elif not is_length_of(training, length, streams):
            raise _other_length(request.out, training, length)
    record = replace(record, name=corpus.name, validation=request.validation or record.validation)
    config = replace(config, training=training, corpus=record)
    return Plan(config, training, *splits, corpus.left_out, _notes(corpus, validation))


def _saved_progress(run: Path, model: ModelConfig) -> TrainingProgress:
    """Return how far a run was at its last save. Raises CheckpointError when the save is damaged."""
    parameters = sum(math.prod(shape) for shape in parameter_shapes(model).values())
    numbers = RunFolder(run).saved_numbers(parameters)
    try:
        return TrainingProgress.from_json(numbers) if numbers else TrainingProgress()
    except (KeyError, ValueError) as error:
        raise damaged(run / RESUME, error) from error


def _refuse_other_settings(request: TrainRequest, config: RunConfig, record: CorpusRecord) -> None:
    """Raise UsageError when request has a setting that differs from the run's, its length aside."""
    assert config.training is not None
    settings = asdict(config.model) | asdict(config.training) | {"level": config.vocabulary.level}
    asked = request.model | request.training
    if request.level is not None:
        asked = asked | {"level": request.level}
    for name, value in asked.items():
        if name not in LENGTHS and settings[name] != value:
            raise _other_setting(request.out, name, settings[name], value)
    if request.newlines and not record.newlines:
        raise _other_setting(request.out, "newlines", record.newlines, request.newlines)
    if request.split is not None and parse_split(request.split) != parse_split(record.split):
        raise _other_setting(request.out, "split", record.split, request.split)
    if request.validation is not None and record.validation is None:
        raise _other_setting(request.out, "validation", f"of the split {record.split}", request.validation)


def _other_setting(run: Path, name: str, was: object, value: object) -> UsageError:
    """Return the error which says that a run was begun with another value of a setting."""
    return UsageError(
        f"{run} was begun with {name} {was}, not {value}",
        f"leave `{name}` out to go on with it, or train anew with another `out`",
    )


def _other_length(run: Path, training: TrainingConfig, length: Mapping[str, Any]) -> UsageError:
    """Return the error which says that a run that is not finished has another length than was given."""
    own = next(name for name in LENGTHS if getattr(training, name) is not None)
    (name, value), *_ = length.items()
    asked = value if name == own else f"{name} {value}"
    return UsageError(
        f"{run} was begun with {own} {getattr(training, own)}, not {asked}",
        f"leave `{name}` out to go on with it, or train anew with another `out`",
    )


def _resumed_text(request: TrainRequest, config: RunConfig, record: CorpusRecord) -> Corpus:
    """Return the text of the run at request.out: the one it was begun with, wherever that lies now."""
    advice = f"name that text: `charlstm train CORPUS --resume --out {_quoted(request.out)}`"
    if request.corpus is None:
        refuse_unnamed_text(request.out, record, record.name, advice)
    name, vocabulary = request.corpus or record.name, config.vocabulary
    why = None
    try:
        corpus = load_corpus(name, vocabulary=vocabulary, newlines=record.newlines)
        if corpus.sha256 == record.sha256:
            return corpus
    except UnknownCharacterError as error:  # a text that did not change has the run's characters only
        why = error
    except CorpusError as error:
        raise CorpusError(
            f"{request.out} was trained on {described(record)}: {error.problem}", advice
        ) from error
    if name == record.name:
        problem = f"{request.out} was trained on another text: {name} has changed since"
    else:
        problem = f"{name} is another text than {described(record)}, which {request.out} was trained on"
    begin = f"charlstm train CORPUS --from {_quoted(request.out)} --out NEW"
    raise CheckpointError(problem, f"give the same text, or begin a new run by `{begin}`") from why


def _resumed_validation(request: TrainRequest, corpus: Corpus, record: CorpusRecord) -> Corpus | None:
    """Return the text that the run at request.out was validated on; None where that was a part of corpus."""
    if record.validation is None:
        return None
    if request.validation is None:
        advice = "name the text that it was validated on by `validation`"
        refuse_unnamed_text(request.out, record, record.validation, advice)
    name = request.validation or record.validation
    known = record.validation_sha256
    if known is None and name != record.validation:
        raise _other_setting(request.out, "validation", shortened(record.validation), name)
    validation = _validation(corpus, name, newlines=record.newlines)
    if known is not None and validation.sha256 != known:
        raise CheckpointError(
            f"{shortened(name)} is another text than the one that {request.out} was validated on, "
            f"SHA-256 {known[:12]}",
            "give the same text by `validation`, or train anew with another `out`",
        )
    return validation


def _validation(corpus: Corpus, name: str, *, newlines: bool) -> Corpus:
    """Return the text called name, to validate on, in the symbols of corpus.

    Raises CorpusError when it cannot be read, UnknownCharacterError when it has characters that corpus does
    not have. newlines is that of load_corpus.
    """
    try:
        return load_corpus(name, vocabulary=corpus.vocabulary, newlines=newlines)
    except LineEndError:
        raise
    except UnknownCharacterError as error:
        raise UnknownCharacterError(
            f"{name}: {error.problem}, which is that of {corpus.name}",
            'validate on a text of the same characters, or by `level="bytes"`',
        ) from error


def _notes(corpus: Corpus, validation: Corpus | None) -> tuple[str, ...]:
    """Return what a user should know about how the texts were read, each note once."""
    texts = (corpus, validation) if validation is not None else (corpus,)
    return tuple(dict.fromkeys(note for text in texts for note in text.notes))


def _splits(corpus: Corpus, split: str, validation: Corpus | None) -> tuple[Ids, Ids]:
    """Return the token ids to train on and to validate on, each (characters,).

    They are the shares of corpus that split says, or all of corpus and of validation where there is one.
    Raises UsageError for a split that is none.
    """
    if validation is not None:
        return corpus.tokens, validation.tokens
    bounds = split_bounds(len(corpus.tokens), split)
    return corpus.tokens[slice(*bounds["train"])], corpus.tokens[slice(*bounds["validation"])]


def _quoted(path: Path) -> str:
    """Return a path as a shell needs it in a command."""
    return shlex.quote(str(path))
