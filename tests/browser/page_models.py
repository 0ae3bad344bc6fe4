"""Pages that carry a model, which is trained for a moment on real text so that its gates open and shut."""

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from findings_document import inspected
from report_fixture import sample_findings

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import ModelConfig, TextLevel, TrainingConfig
from charlstm.foreign.weights import ForeignLayer, ForeignWeights
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import Held
from charlstm.model.stepper import Stepper
from charlstm.report.page.packed_model import Inside, inside
from charlstm.report.render import write_report
from charlstm.text.vocabulary import Vocabulary
from charlstm.training.loop import train
from charlstm.training.trainer import Trainer

SOURCE = inspect.getsource(ast) + inspect.getsource(inspect)
READ = SOURCE[40_000:41_000]


def trained(*, layers: int, cells: int = 96, level: TextLevel = "characters", steps: int = 60) -> CharLSTM:
    """Return a model after some training steps on the running Python's own source."""
    vocabulary = Vocabulary.of_text(SOURCE, level=level)
    config = ModelConfig(vocabulary_size=len(vocabulary), cells=cells, layers=layers, embedding=24)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0))
    plan = TrainingConfig(steps=steps, streams=16, window=48, precision="float32")
    ids = vocabulary.encode(SOURCE)
    for _ in train(Trainer(model, ids, plan), ids[:0]):
        pass
    return model.eval()


def one_hot(model: CharLSTM) -> CharLSTM:
    """Return a model of one-hot input that computes what model does, with its embedding in the weights."""
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    first = weights[0]._replace(input=weights[0].input @ model.embedding.weight.T)
    layers = tuple(
        ForeignLayer(w.input, w.recurrent, w.bias, torch.zeros_like(w.bias)) for w in [first, *weights[1:]]
    )
    return ForeignWeights(None, layers, model.head.weight, model.head.bias).model()


def page_of(
    model: CharLSTM, folder: Path, *, level: TextLevel = "characters", findings: dict[str, Any] | None = None
) -> Path:
    """Write a run and a report that carries its model into a folder; return the path of the report."""
    run = RunFolder(folder)
    run.create(RunConfig(model.config, None, Vocabulary.of_text(SOURCE, level=level), None))
    run.save_model(model, validation_bits_per_character=None)
    write_report(findings or sample_findings(), folder / "report.html", inside(inspected(folder), folder))
    return folder / "report.html"


def demo_model(folder: Path) -> Inside:
    """Write a run of the demo's shape (256 cells, 171 symbols, embedding 64); return its model for a page."""
    symbols = tuple(map(chr, range(32, 203)))
    model = CharLSTM(ModelConfig(vocabulary_size=171), generator=torch.Generator().manual_seed(0))
    run = RunFolder(folder)
    run.create(RunConfig(model.config, None, Vocabulary("characters", symbols), None))
    run.save_model(model, validation_bits_per_character=None)
    return inside(inspected(folder), folder)


@torch.inference_mode()
def stepped(
    model: CharLSTM, ids: np.ndarray, held: list[Held | None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (probabilities (characters, vocabulary), c (characters, layers, cells)) of PyTorch's model."""
    stepper, state = Stepper(model), model.initial_state(1)
    probabilities, cells = [], []
    for number in ids.tolist():
        logits, state = stepper(torch.tensor([number]), state, held)
        probabilities.append(logits[0].softmax(0).numpy())
        cells.append(state.c[:, 0].numpy())
    return np.stack(probabilities), np.stack(cells)
