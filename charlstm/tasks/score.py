"""What `charlstm score` does: measures how well a run predicts a text, or one part of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlstm.checkpoint.loading import Checkpoint, load
from charlstm.config import DEFAULT_SPLIT, GateActivation, Unknown
from charlstm.errors import CheckpointError, CorpusError, UsageError, shortened
from charlstm.machine.devices import choose_device
from charlstm.tasks.run_text import corpus_of, has_changed
from charlstm.text.corpus import Corpus, split_bounds
from charlstm.text.vocabulary import Ids
from charlstm.training.dynamic_evaluation import adapting_losses
from charlstm.training.evaluation import Losses, character_losses


@dataclass(frozen=True, repr=False)
class Score:
    """How well a model predicts ids (characters,), the token ids of corpus or of a part of it.

    nats (characters,) float32 holds the loss of each character in nats; that of the first is 0, since nothing
    stands before it. changed says that corpus is the run's training text, but has changed since.
    """

    corpus: Corpus
    ids: Ids
    nats: NDArray[np.float32]
    changed: bool = False

    def __repr__(self) -> str:
        """Return the mean loss and the number of characters in one line."""
        return (
            f"<Score: {self.bits_per_character:.4f} bits per character over {len(self.ids) - 1:,} characters>"
        )

    @property
    def bits_per_character(self) -> float:
        """The mean loss in bits over all characters but the first."""
        return float(self.nats[1:].sum(dtype=np.float64) / (len(self.nats) - 1) / np.log(2))

    def rows(self) -> Iterator[tuple[int, str, float]]:
        """Yield (position in ids, symbol, loss in bits) for every character but the first."""
        symbols = self.corpus.vocabulary.symbols
        for position in range(1, len(self.ids)):
            yield position, symbols[self.ids[position]], float(self.nats[position] / np.log(2))

    def document(self, *, per_character: bool) -> dict[str, Any]:
        """Return what `charlstm score --json` prints; per_character adds every character's bits."""
        document: dict[str, Any] = {
            "bits_per_character": self.bits_per_character,
            "characters": len(self.ids) - 1,
            "corpus": self.corpus.name,
            "sha256": self.corpus.sha256,
        }
        if per_character:
            document["per_character"] = [bits for _, _, bits in self.rows()]
        return document


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """What `charlstm score` was asked for.

    run is the folder of the run. corpus is the name of the text, None for the run's training text. part is
    "all", or the part of the text to score: "train", "validation" or "test". split says which shares these
    parts are; None means the run's shares for its training text, DEFAULT_SPLIT for any other. dynamic lets a
    copy of the model learn from the text as it reads. unknown says what happens to characters that the run's
    vocabulary does not have; newlines reads each \\r\\n, and each \\r alone, as one \\n. gate_activation is
    the function of the gates to score the run's weights with, None for the one that the run has.
    """

    run: Path
    corpus: str | None = None
    split: str | None = None
    part: str = "all"
    dynamic: bool = False
    unknown: Unknown = "error"
    newlines: bool = False
    device: str = "auto"
    gate_activation: GateActivation | None = None


def _ignore(done: float) -> None:
    """Do nothing about the fraction of the work that is done."""


def score_run(request: ScoreRequest, *, progress: Callable[[float], None] = _ignore) -> Score:
    """Return the loss of every character of a text, or of one part of it, under the run's best model.

    progress is called with the fraction of the characters that is read, in [0, 1]. Raises CheckpointError
    when the run cannot be used, and when a loss is not finite, which takes request.dynamic and weights far
    larger than training gives; UsageError for a split that is none; DeviceError for a device that is not
    there; CorpusError when the text cannot be read or has fewer than two characters; UnknownCharacterError.
    """
    checkpoint = load(request.run)
    corpus = corpus_of(checkpoint, request.corpus, unknown=request.unknown, newlines=request.newlines)
    model = checkpoint.model.to(choose_device(request.device))
    if request.gate_activation is not None:
        model.config = replace(model.config, gate_activation=request.gate_activation)
    return score_corpus(
        checkpoint,
        corpus,
        part=request.part,
        split=request.split,
        own=request.corpus is None,
        dynamic=request.dynamic,
        progress=progress,
    )


def score_corpus(
    checkpoint: Checkpoint,
    corpus: Corpus,
    *,
    part: str = "all",
    split: str | None = None,
    own: bool = False,
    dynamic: bool = False,
    progress: Callable[[float], None] = _ignore,
) -> Score:
    """Return the loss of every character of corpus, or of one part of it, under the model of a checkpoint.

    corpus is in the model's symbols. part, split and dynamic are those of a ScoreRequest, progress that of
    `score_run`; own says that corpus is the run's own text. Raises CorpusError where there are fewer than two
    characters; UsageError for a part of another name or one that the run was trained on, and for a split that
    is none; CheckpointError when a loss is not finite.
    """
    ids, model = _part(checkpoint, corpus, part, split=split, own=own), checkpoint.model
    losses = adapting_losses(model, ids) if dynamic else character_losses(model, ids)
    nats = _joined(losses, len(ids), progress)
    if not np.isfinite(nats).all():
        raise CheckpointError(
            f"{checkpoint.path} predicts with NaN or infinity as it learns", "score it without `dynamic`"
        )
    return Score(corpus, ids, nats, has_changed(checkpoint, corpus))


def _joined(
    losses: Iterator[Losses], characters: int, progress: Callable[[float], None]
) -> NDArray[np.float32]:
    """Return the losses of all characters, (characters,) in nats, from those of blocks of them."""
    nats, done = np.zeros(characters, np.float32), 0
    for block in losses:
        nats[block.first : block.first + block.nats.numel()] = block.nats.numpy()
        done += block.nats.numel()
        progress(done / characters)
    return nats


def _part(checkpoint: Checkpoint, corpus: Corpus, part: str, *, split: str | None, own: bool) -> Ids:
    """Return the token ids (characters,) of a part of corpus; split is that of a ScoreRequest.

    own says that corpus is the run's own text, even if it has changed. Raises UsageError for a split that is
    none or that comes without a part, a part of another name, and one that the run was trained on, since it
    was validated on another text; CorpusError where the part has fewer than two characters.
    """
    if part == "all":
        if split is not None:
            raise UsageError(
                f"the split {split!r} has no effect where all of a text is scored",
                'name the part to score, as by `part="validation"`, or leave `split` out',
            )
        return corpus.tokens
    record = checkpoint.config.corpus
    if record and not own and corpus.sha256 != record.sha256:
        record = None  # a text of the same name or another, but not the one the run was trained on
    if record and record.validation and not split and part != "train":
        raise UsageError(
            f"the run was trained on all of its text, and validated on {shortened(record.validation)}",
            "score that text, or give the shares of a `split`",
        )
    shares = split or (record.split if record else DEFAULT_SPLIT)
    bounds = split_bounds(len(corpus.tokens), shares)
    if part not in bounds:
        raise UsageError(f"{part!r:.40} is no part of a text", f"choose all, {', '.join(bounds)}")
    start, stop = bounds[part]
    if stop - start < 2:
        raise CorpusError(
            f"the part {part} of {corpus.name}, split {shares}, has {stop - start} characters",
            "choose another `part` or `split`",
        )
    return corpus.tokens[start:stop]
