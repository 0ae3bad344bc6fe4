"""How well a run predicts a text, as `charlstm score` measures it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlstm.checkpoint.loading import load
from charlstm.config import DEFAULT_SPLIT, Unknown
from charlstm.errors import CheckpointError
from charlstm.machine.devices import choose_device
from charlstm.tasks.run_text import corpus_of, has_changed
from charlstm.text.corpus import (
    Corpus,
    split_bounds,
)
from charlstm.text.vocabulary import Ids
from charlstm.training.dynamic_evaluation import adapting_losses
from charlstm.training.evaluation import character_losses


@dataclass(frozen=True)
class Score:
    """How well a model predicts a text; nats holds each character's loss, (characters,) float32.

    The first character has none: nothing stands before it, and its entry is 0. changed says that the text is
    the run's own, and not what it was.
    """

    corpus: Corpus
    ids: Ids
    nats: NDArray[np.float32]
    changed: bool = False

    @property
    def bits_per_character(self) -> float:
        """Mean over all characters but the first."""
        return float(self.nats[1:].sum(dtype=np.float64) / (len(self.nats) - 1) / np.log(2))

    def rows(self) -> Iterator[tuple[int, str, float]]:
        """(position, symbol, bits) of every character but the first."""
        symbols = self.corpus.vocabulary.symbols
        for position in range(1, len(self.ids)):
            yield position, symbols[self.ids[position]], float(self.nats[position] / np.log(2))

    def document(self, *, per_character: bool) -> dict[str, Any]:
        """What `charlstm score --json` prints."""
        shown: dict[str, Any] = {
            "bits_per_character": self.bits_per_character,
            "characters": len(self.ids) - 1,
            "corpus": self.corpus.name,
            "sha256": self.corpus.sha256,
        }
        if per_character:
            shown["per_character"] = [bits for _, _, bits in self.rows()]
        return shown


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """What `charlstm score` was asked for.

    run is the folder of the run, corpus the name of the text, the run's own where it is None. part is the
    part of the text to score, in the shares that split says, which are the run's own for its own text.
    dynamic lets a copy of the model learn from the text as it reads.
    """

    run: Path
    corpus: str | None = None
    split: str | None = None
    part: str = "all"
    dynamic: bool = False
    unknown: Unknown = "error"
    device: str = "auto"


def score_run(request: ScoreRequest, *, progress: Callable[[float], None] = lambda done: None) -> Score:
    """Return the loss of every character of a text, or of one part of it, under a run's best model.

    progress is told which fraction of the characters is read, in [0, 1]. Raises CheckpointError when a loss
    is no finite number, which takes a dynamic model with absurd weights.
    """
    checkpoint = load(request.run)
    corpus = corpus_of(checkpoint, request.corpus, unknown=request.unknown)
    ids = corpus.tokens
    if request.part != "all":
        record = checkpoint.config.corpus
        if record and request.corpus is not None and corpus.sha256 != record.sha256:
            record = None  # another text
        shares = request.split or (record.split if record else DEFAULT_SPLIT)
        ids = ids[slice(*split_bounds(len(ids), shares)[request.part])]
    model = checkpoint.model.to(choose_device(request.device))
    nats, done = np.zeros(len(ids), np.float32), 0
    for losses in adapting_losses(model, ids) if request.dynamic else character_losses(model, ids):
        nats[losses.first : losses.first + losses.nats.numel()] = losses.nats.numpy()
        done += losses.nats.numel()
        progress(done / len(ids))
    if not np.isfinite(nats).all():
        raise CheckpointError(
            f"{request.run} predicts with NaN or infinity as it learns", "score it without --dynamic"
        )
    return Score(corpus, ids, nats, has_changed(checkpoint, corpus))
