"""charlstm trains character-level LSTMs, samples from them, and finds their switches and counters.

The public names are loaded when they are first used, so that importing charlstm does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from charlstm.checkpoint.loading import Checkpoint, load
    from charlstm.config import InspectionConfig, ModelConfig, SamplingConfig, TrainingConfig
    from charlstm.errors import CharLSTMError
    from charlstm.model.char_lstm import CharLSTM, State
    from charlstm.sampling.sampler import sample
    from charlstm.tasks.inspect_modules import inspect
    from charlstm.text.corpus import Corpus, load_corpus
    from charlstm.text.vocabulary import Vocabulary
    from charlstm.training.evaluation import Evaluation, evaluate
    from charlstm.training.loop import train
    from charlstm.training.trainer import Trainer

# The module that each public name lives in.
_HOMES = {
    "CharLSTM": "model.char_lstm",
    "CharLSTMError": "errors",
    "Checkpoint": "checkpoint.loading",
    "Corpus": "text.corpus",
    "Evaluation": "training.evaluation",
    "InspectionConfig": "config",
    "ModelConfig": "config",
    "SamplingConfig": "config",
    "State": "model.char_lstm",
    "Trainer": "training.trainer",
    "TrainingConfig": "config",
    "Vocabulary": "text.vocabulary",
    "evaluate": "training.evaluation",
    "inspect": "tasks.inspect_modules",
    "load": "checkpoint.loading",
    "load_corpus": "text.corpus",
    "sample": "sampling.sampler",
    "train": "training.loop",
}

__all__ = [
    "CharLSTM",
    "CharLSTMError",
    "Checkpoint",
    "Corpus",
    "Evaluation",
    "InspectionConfig",
    "ModelConfig",
    "SamplingConfig",
    "State",
    "Trainer",
    "TrainingConfig",
    "Vocabulary",
    "__version__",
    "evaluate",
    "inspect",
    "load",
    "load_corpus",
    "sample",
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
