"""charlstm trains character-level LSTMs, samples from them, and finds their switches and counters.

The public names are loaded when they are first used, so that importing charlstm does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from charlstm.checkpoint.loading import Checkpoint
    from charlstm.config import InspectionConfig, ModelConfig, SamplingConfig, TrainingConfig
    from charlstm.errors import CharLSTMError
    from charlstm.model.char_lstm import CharLSTM, State
    from charlstm.sampling.sampler import sample
    from charlstm.session.findings import Findings
    from charlstm.session.inspect import inspect
    from charlstm.session.run import Run, load
    from charlstm.session.trace import Trace, trace
    from charlstm.session.train import train
    from charlstm.tasks.score import Score
    from charlstm.text.corpus import Corpus, load_corpus
    from charlstm.text.vocabulary import Vocabulary
    from charlstm.training.evaluation import Evaluation, evaluate
    from charlstm.training.trainer import Trainer

# The module that each public name lives in.
_HOMES = {
    "CharLSTM": "model.char_lstm",
    "CharLSTMError": "errors",
    "Checkpoint": "checkpoint.loading",
    "Corpus": "text.corpus",
    "Evaluation": "training.evaluation",
    "Findings": "session.findings",
    "InspectionConfig": "config",
    "ModelConfig": "config",
    "Run": "session.run",
    "SamplingConfig": "config",
    "Score": "tasks.score",
    "State": "model.char_lstm",
    "Trace": "session.trace",
    "Trainer": "training.trainer",
    "TrainingConfig": "config",
    "Vocabulary": "text.vocabulary",
    "evaluate": "training.evaluation",
    "inspect": "session.inspect",
    "load": "session.run",
    "load_corpus": "text.corpus",
    "sample": "sampling.sampler",
    "trace": "session.trace",
    "train": "session.train",
}

__all__ = [
    "CharLSTM",
    "CharLSTMError",
    "Checkpoint",
    "Corpus",
    "Evaluation",
    "Findings",
    "InspectionConfig",
    "ModelConfig",
    "Run",
    "SamplingConfig",
    "Score",
    "State",
    "Trace",
    "Trainer",
    "TrainingConfig",
    "Vocabulary",
    "__version__",
    "evaluate",
    "inspect",
    "load",
    "load_corpus",
    "sample",
    "trace",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'charlstm' has no attribute {name!r}")
    return getattr(import_module(f"charlstm.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
