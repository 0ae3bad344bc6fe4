"""Character-level LSTMs: train them, sample from them, and find their switches and counters.

The names below are loaded when they are first used: importing charlstm does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from charlstm.checkpoint import Checkpoint, load
    from charlstm.config import InspectionConfig, ModelConfig, SamplingConfig, TrainingConfig
    from charlstm.corpus import Corpus, load_corpus
    from charlstm.errors import CharLSTMError
    from charlstm.evaluation import Evaluation, evaluate
    from charlstm.live import inspect
    from charlstm.model import CharLSTM, State
    from charlstm.sampling import sample
    from charlstm.trainer import Trainer
    from charlstm.training import train
    from charlstm.vocabulary import Vocabulary

_HOMES = {
    "CharLSTM": "model",
    "CharLSTMError": "errors",
    "Checkpoint": "checkpoint",
    "Corpus": "corpus",
    "Evaluation": "evaluation",
    "InspectionConfig": "config",
    "ModelConfig": "config",
    "SamplingConfig": "config",
    "State": "model",
    "Trainer": "trainer",
    "TrainingConfig": "config",
    "Vocabulary": "vocabulary",
    "evaluate": "evaluation",
    "inspect": "live",
    "load": "checkpoint",
    "load_corpus": "corpus",
    "sample": "sampling",
    "train": "training",
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
    """Load a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'charlstm' has no attribute {name!r}")
    return getattr(import_module(f"charlstm.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
