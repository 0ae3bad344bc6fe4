"""A run in hand: a trained model with methods to sample from it, score, inspect and trace it."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args, overload

import torch

from charlstm.checkpoint import loading
from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import InspectionConfig, SamplingConfig, SplitPart, Unknown, check_seed
from charlstm.findings import Findings as PlainFindings
from charlstm.machine.hugging_face import is_on_hub
from charlstm.run_files import findings_folder
from charlstm.sampling.sampler import sample
from charlstm.session.findings import Findings
from charlstm.session.holds import Holds, holds_of
from charlstm.session.inspect import inspect, inspected
from charlstm.session.progress import Wanted
from charlstm.session.texts import read_in, warn_user
from charlstm.session.trace import Trace, trace
from charlstm.sharing.hub_run import fetched_run
from charlstm.tasks.inspect import inspection_of, notes_on, start_in_own_text
from charlstm.tasks.run_text import corpus_of
from charlstm.tasks.score import Score, score_corpus
from charlstm.text.corpus import Corpus
from charlstm.text.vocabulary import Vocabulary


@dataclass(frozen=True, repr=False)
class Run(Checkpoint):
    """A run: a checkpoint, whose model is on the CPU unless it is moved, with what can be done with it.

    path is its folder, config has its settings, model the best weights and step the training step that they
    come from; validation_bits_per_character is their loss, None where it was not measured. corpus is its text
    where it was trained in this session, else None.
    """

    corpus: Corpus | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters, or bytes, that the model knows."""
        return self.config.vocabulary

    def __repr__(self) -> str:
        """Return the model's size, its loss and the folder in one line."""
        model, bits = self.config.model, self.validation_bits_per_character
        size = f"{model.layers} {'layer' if model.layers == 1 else 'layers'} of {model.cells} cells"
        loss = "" if bits is None else f", {bits:.3f} bits per character"
        return f"<Run: {size}, {len(self.vocabulary)} symbols{loss}; {self.path}>"

    @overload
    def sample(
        self,
        prompt: str = ...,
        *,
        length: int = ...,
        temperature: float = ...,
        top_k: int = ...,
        top_p: float = ...,
        stop: str | None = ...,
        hold: Holds = ...,
        findings: PlainFindings | None = ...,
        seed: int = ...,
        count: None = ...,
        unknown: Unknown = ...,
    ) -> str: ...
    @overload
    def sample(
        self,
        prompt: str = ...,
        *,
        length: int = ...,
        temperature: float = ...,
        top_k: int = ...,
        top_p: float = ...,
        stop: str | None = ...,
        hold: Holds = ...,
        findings: PlainFindings | None = ...,
        seed: int = ...,
        count: int,
        unknown: Unknown = ...,
    ) -> list[str]: ...
    def sample(
        self,
        prompt: str = "",
        *,
        length: int = SamplingConfig.length,
        temperature: float = SamplingConfig.temperature,
        top_k: int = SamplingConfig.top_k,
        top_p: float = SamplingConfig.top_p,
        stop: str | None = None,
        hold: Holds = (),
        findings: PlainFindings | None = None,
        seed: int = 0,
        count: int | None = None,
        unknown: Unknown = "error",
    ) -> str | list[str]:
        """Return a text of length characters that the model writes after prompt, or a list of count texts.

        The prompt is not part of a text. temperature, top_k, top_p and stop are those of SamplingConfig, and
        equal seeds draw the text that `charlstm sample` draws. hold names cells that are held while the text
        is drawn: {"0:17": "on"}, {"0:17": -1.5} or, from drawn character 100 on, {"0:17": "on@100"}; or as
        the command line has it, "0:17=on". The cell states of "on" and "off" are those in findings, by
        default those that `charlstm inspect` saved. unknown says what happens to
        characters of prompt that the model does not know.
        Raises UsageError for a setting out of range and for a hold that cannot be read or of a cell that does
        not exist, UnknownCharacterError for a prompt that cannot be spelled.
        """
        check_seed(seed)
        config = SamplingConfig(
            length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            stop=stop,
            count=SamplingConfig.count if count is None else count,
            hold=holds_of(hold, self.config.model, run=self.path, findings=findings),
        )
        generator = torch.Generator().manual_seed(seed)
        pieces = sample(
            self.model, self.vocabulary, prompt, config=config, generator=generator, unknown=unknown
        )
        texts = ["".join(text) for text in zip(*pieces, strict=True)] or [""] * config.count
        return texts[0] if count is None else texts

    def score(
        self, text: str | Path | None = None, *, part: SplitPart = "all", unknown: Unknown = "error"
    ) -> Score:
        """Return how well the model predicts text, or the run's own text, read from a state of zeros.

        text is a string, or a Path to what is read. The score has bits_per_character, and nats (characters,)
        float32 with the loss of each character. part is a part of the text: `run.score(part="validation")` is
        the loss on what the run was validated on in its training. unknown says what happens to characters
        that the model does not know.
        Raises CorpusError for fewer than two characters and where the run's own text cannot be read,
        UnknownCharacterError, and UsageError for a part of another name, one that the run was trained on, or
        an own text that may not be read unasked.
        """
        if text is None:
            own = self.corpus or corpus_of(self, None, unknown=unknown)
            return score_corpus(self, own, part=part, own=True)
        if isinstance(text, str) and text in get_args(SplitPart):
            warn_user(
                f"the {len(text)} characters {text!r} are scored as a text; for that part of the run's own "
                f"text write run.score(part={text!r})"
            )
        return score_corpus(self, read_in(text, self.vocabulary, unknown=unknown), part=part)

    def inspect(
        self,
        text: str | Path | None = None,
        *,
        config: InspectionConfig | None = None,
        progress: Wanted = None,
    ) -> Findings:
        """Find the switches and counters of the model in text, as `charlstm.inspect` does.

        Without a text, the part of the run's own text is read that it was not trained on, or all of it where
        that part is too short, and a warning says so. Raises what `charlstm.inspect` raises, and UsageError
        or CorpusError where the run's own text cannot be found.
        """
        if text is not None:
            return inspect(self, text, config=config, progress=progress)
        corpus = self.corpus or corpus_of(self, None)
        start = start_in_own_text(self, corpus.characters)
        for note in notes_on(self, corpus, start, named=False):
            warn_user(note)
        request = inspection_of(self, corpus, config or InspectionConfig(), start=start)
        return inspected(request, self.vocabulary, progress)

    @property
    def findings(self) -> Findings:
        """The findings of the run that `charlstm inspect` saved. Raises UsageError without any."""
        return Findings.of(PlainFindings.load_from(findings_folder(self.path)), self.model, self.vocabulary)

    def trace(
        self, text: str, *, hold: Holds = (), findings: PlainFindings | None = None, once: bool = False
    ) -> Trace:
        """Return all gates, states and predictions of the model along text, as `charlstm.trace` does."""
        return trace(self, text, hold=hold, findings=findings, once=once)


def load(path: str | Path) -> Run:
    """Return the run in the folder path, its model on the CPU and in evaluation mode.

    "hf:owner/name" is fetched from the Hugging Face hub. Raises CheckpointError when there is no run, or one
    that cannot be fetched or used, UsageError for a name that is none.
    """
    return run_of(loading.load(fetched_run(str(path)) if is_on_hub(str(path)) else path))


def run_of(checkpoint: Checkpoint, corpus: Corpus | None = None) -> Run:
    """Return a checkpoint as a run, with its text where that is in hand."""
    return Run(**vars(checkpoint), corpus=corpus)
