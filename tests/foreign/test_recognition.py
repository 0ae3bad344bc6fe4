"""A file of weights becomes a model with the scores that its weights had elsewhere, or one error."""

import json
import pickle
import time
from argparse import Namespace

import numpy as np
import pytest
import torch
from foreign_models import (
    CELLS,
    CHARACTERS,
    IDS,
    SIZE,
    CharacterModel,
    assert_same_logits,
    logits,
    module_tensors,
    save_checkpoint,
)
from reference_texts import REFERENCE_TEXTS
from safetensors.torch import save_file
from torch import nn

from charlstm.errors import CheckpointError
from charlstm.foreign import load_foreign
from charlstm.text.vocabulary import Vocabulary
from charlstm.training.evaluation import evaluate


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("embedding", [0, 5, CELLS])
@pytest.mark.parametrize("bias", [True, False])
def test_a_pytorch_model_keeps_its_scores(tmp_path, layers, embedding, bias):
    theirs = CharacterModel(layers=layers, embedding=embedding, bias=bias)
    foreign = load_foreign(save_checkpoint(tmp_path / "weights.pt", theirs))
    assert_same_logits(foreign.model, theirs)
    assert foreign.vocabulary == Vocabulary("characters", tuple(CHARACTERS))
    assert (foreign.layout, foreign.gate_order, foreign.forget_bias) == ("PyTorch", "ifgo", 0.0)
    assert foreign.input == (f"embedding of {embedding}" if embedding else "one-hot")
    assert foreign.model.config.layers == layers
    assert foreign.parameters == sum(parameter.numel() for parameter in theirs.parameters())


def test_tensors_without_names_are_found_deep_in_a_file(tmp_path):
    theirs = CharacterModel(layers=2)
    tensors = {f"p{number}": value for number, value in enumerate(theirs.state_dict().values())}
    torch.save({"deep": {"down": tensors}, "itos": dict(enumerate(CHARACTERS))}, tmp_path / "weights.pt")
    assert_same_logits(load_foreign(tmp_path / "weights.pt").model, theirs)


@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_of_arrays_is_a_model(tmp_path, protocol):
    theirs = CharacterModel()
    arrays = {name: value.numpy() for name, value in theirs.state_dict().items()}
    arrays["memory.weight_ih_l0"] = np.asfortranarray(arrays["memory.weight_ih_l0"])
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps({"w": arrays, "chars": CHARACTERS}, protocol=protocol))
    assert_same_logits(load_foreign(path).model, theirs)


def test_twelve_layers_in_safetensors_keep_their_order(tmp_path):
    theirs = CharacterModel(layers=12)
    metadata = {"char_to_id": json.dumps({symbol: number for number, symbol in enumerate(CHARACTERS)})}
    tensors = {f"module.{name}": value for name, value in theirs.state_dict().items()}
    save_file(tensors, tmp_path / "w.safetensors", metadata)
    assert_same_logits(load_foreign(tmp_path / "w.safetensors").model, theirs)


def test_half_precision_becomes_float32_and_an_optimizer_is_ignored(tmp_path):
    theirs = CharacterModel(layers=2)
    optimizer = torch.optim.Adam(theirs.parameters())
    theirs(IDS).sum().backward()
    optimizer.step()
    half = {name: value.bfloat16() for name, value in theirs.state_dict().items()}
    more = {
        "opt": optimizer.state_dict(),
        "optimizer": theirs.state_dict(),
        "steps": torch.tensor(3),
        "loss": torch.tensor(1.5),
    }
    torch.save({"state_dict": half, "chars": "".join(CHARACTERS), **more}, tmp_path / "weights.pt")
    foreign = load_foreign(tmp_path / "weights.pt")
    for name, value in foreign.model.state_dict().items():
        assert value.dtype == torch.float32, name
    assert torch.equal(foreign.model.head.weight, half["answer.weight"].float())


def test_stacked_lstm_cells_whose_embedding_is_the_head_keep_their_scores(tmp_path):
    torch.manual_seed(1)
    cells = [nn.LSTMCell(CELLS, CELLS), nn.LSTMCell(CELLS, CELLS)]
    head = nn.Linear(CELLS, SIZE)
    tensors = module_tensors(cells=nn.ModuleList(cells), decoder=head)
    torch.save({"model": tensors, "chars": CHARACTERS}, tmp_path / "weights.pt")
    foreign = load_foreign(tmp_path / "weights.pt")
    assert foreign.input == f"embedding of {CELLS}, shared with the head"
    states = [(torch.zeros(1, CELLS), torch.zeros(1, CELLS)) for _ in cells]
    expected = []
    for symbol in IDS[0]:
        x = head.weight[symbol][None]
        for number, lstm_cell in enumerate(cells):
            states[number] = lstm_cell(x, states[number])
            x = states[number][0]
        expected.append(head(x))
    torch.testing.assert_close(logits(foreign.model)[0], torch.cat(expected).detach(), atol=1e-5, rtol=0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def numpy_logits(layers: list, head: tuple, order: str, inputs: np.ndarray, forget_bias: float) -> np.ndarray:
    """Compute the scores (n, SIZE) of an LSTM for inputs (n, width), as a reference.

    layers hold (kernel, recurrent, bias) with 4 * CELLS columns, the gates in the given order.
    """
    states = [(np.zeros(CELLS), np.zeros(CELLS)) for _ in layers]
    rows = []
    for x in inputs:
        for number, (kernel, recurrent, bias) in enumerate(layers):
            h, c = states[number]
            z = dict(zip(order, np.split(x @ kernel + h @ recurrent + bias, 4), strict=True))
            candidate = z.get("c", z.get("j"))
            c = sigmoid(z["f"] + forget_bias) * c + sigmoid(z["i"]) * np.tanh(candidate)
            x = sigmoid(z["o"]) * np.tanh(c)
            states[number] = (x, c)
        rows.append(x @ head[0] + head[1])
    return np.array(rows)


def random_columns(layers: int, width: int) -> tuple[list, tuple]:
    """Draw the weights of layers and head as Keras has them: inputs in rows, outputs in columns."""
    random = np.random.default_rng(layers)
    widths = [width] + [CELLS] * (layers - 1)
    stack = [
        tuple(random.normal(size=shape) for shape in ((w, 4 * CELLS), (CELLS, 4 * CELLS), (4 * CELLS,)))
        for w in widths
    ]
    return stack, (random.normal(size=(CELLS, SIZE)), random.normal(size=SIZE))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("embedding", [0, 4])
def test_keras_weights_keep_their_scores(tmp_path, layers, embedding):
    stack, head = random_columns(layers, embedding or SIZE)
    table = np.random.default_rng(9).normal(size=(SIZE, embedding)) if embedding else np.eye(SIZE)
    weights = [*([table] if embedding else []), *(each for layer in stack for each in layer), *head]
    np.savez(tmp_path / "weights.npz", *weights)
    (tmp_path / "chars.json").write_text(json.dumps(CHARACTERS))
    foreign = load_foreign(tmp_path / "weights.npz", vocabulary=tmp_path / "chars.json")
    assert (foreign.layout, foreign.gate_order, foreign.forget_bias) == ("Keras", "ifco", 0.0)
    expected = numpy_logits(stack, head, "ifco", table[IDS[0]], 0.0)
    np.testing.assert_allclose(logits(foreign.model)[0], expected, atol=1e-4)


@pytest.mark.parametrize("order", ["ijfo", "icfo"])
def test_tensorflow_kernels_keep_their_scores_with_a_forget_bias_of_1(tmp_path, order):
    stack, head = random_columns(2, SIZE)
    tensors = {"dense.kernel": torch.tensor(head[0]), "dense.bias": torch.tensor(head[1])}
    for number, (kernel, recurrent, bias) in enumerate(stack):
        joined = np.concatenate([kernel, recurrent])
        tensors[f"rnn.cell_{number}.kernel"] = torch.tensor(joined)
        tensors[f"rnn.cell_{number}.bias"] = torch.tensor(bias)
    save_file(tensors, tmp_path / "w.safetensors", {"chars": "".join(CHARACTERS)})
    foreign = load_foreign(tmp_path / "w.safetensors", gate_order=order)
    assert (foreign.layout, foreign.forget_bias) == ("TensorFlow", 1.0)
    expected = numpy_logits(stack, head, order, np.eye(SIZE)[IDS[0]], 1.0)
    np.testing.assert_allclose(logits(foreign.model)[0], expected, atol=1e-4)
    plain = load_foreign(tmp_path / "w.safetensors", forget_bias=0.0)
    expected = numpy_logits(stack, head, order, np.eye(SIZE)[IDS[0]], 0.0)
    np.testing.assert_allclose(logits(plain.model)[0], expected, atol=1e-4)


def test_another_gate_order_gives_another_model(tmp_path):
    theirs = CharacterModel()
    path = save_checkpoint(tmp_path / "weights.pt", theirs)
    foreign = load_foreign(path, gate_order="icfo")
    assert foreign.gate_order == "icfo"
    assert not torch.allclose(logits(foreign.model), theirs(IDS), atol=1e-3)


def test_a_vocabulary_file_goes_before_the_vocabulary_in_the_weights(tmp_path):
    path = save_checkpoint(tmp_path / "weights.pt", CharacterModel())
    (tmp_path / "chars.json").write_text(json.dumps(CHARACTERS[::-1]))
    foreign = load_foreign(path, vocabulary=tmp_path / "chars.json")
    assert foreign.vocabulary.symbols == tuple(CHARACTERS[::-1])


class Configuration:
    """A Configuration is a class of the program that trained a model."""

    def __init__(self) -> None:
        self.cells = CELLS


@pytest.mark.parametrize("legacy", [False, True])
def test_weights_beside_an_object_of_an_unknown_class_are_read(tmp_path, legacy):
    theirs = CharacterModel(layers=2)
    tree = {"model": theirs.state_dict(), "chars": CHARACTERS, "config": Configuration(), "path": tmp_path}
    tree["scheduler"] = torch.optim.lr_scheduler.StepLR(torch.optim.Adam(theirs.parameters()), 3)
    torch.save(tree, tmp_path / "w.pt", _use_new_zipfile_serialization=not legacy)
    assert_same_logits(load_foreign(tmp_path / "w.pt").model, theirs)


def test_a_whole_pickled_model_is_refused_by_the_name_of_its_class(tmp_path):
    torch.save({"model": CharacterModel(), "chars": CHARACTERS}, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"wants to call foreign_models\.CharacterModel.*state_dict"):
        load_foreign(tmp_path / "w.pt")
    tensors = CharacterModel().state_dict()
    torch.save({**tensors, "norm": nn.LayerNorm(CELLS), "chars": CHARACTERS}, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"wants to call torch\.nn\.modules\.normalization\.LayerNorm"):
        load_foreign(tmp_path / "w.pt")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model._orig_mod.module."])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_names_of_wrappers_and_other_precisions_keep_the_scores(tmp_path, prefix, dtype):
    theirs = CharacterModel(layers=2).half()
    tensors = {f"{prefix}{name}": value.to(dtype) for name, value in theirs.state_dict().items()}
    # Lightning has the state dict beside its loops, callbacks and hyperparameters.
    tree = {
        "epoch": 3,
        "pytorch-lightning_version": "2.4",
        "state_dict": tensors,
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(1.0)}},
        "optimizer_states": [torch.optim.Adam(theirs.parameters()).state_dict()],
        "hyper_parameters": Namespace(cells=CELLS, chars=CHARACTERS),
    }
    torch.save(tree, tmp_path / "w.ckpt")
    assert_same_logits(load_foreign(tmp_path / "w.ckpt").model, theirs.float())


def test_weights_that_are_no_model_are_refused_with_the_reason(tmp_path):
    tensors = module_tensors(rnn=nn.GRU(SIZE, CELLS), fc=nn.Linear(CELLS, SIZE))
    torch.save({"model": tensors, "chars": CHARACTERS}, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=r"weights\.pt holds a GRU.*give the state dict"):
        load_foreign(tmp_path / "weights.pt")


def test_a_large_model_of_another_kind_is_refused_at_once(tmp_path):
    block = {"q": (16, 16), "k": (16, 16), "up": (64, 16), "down": (16, 64), "norm": (16,)}
    tensors = {
        f"blocks.{n}.{name}": torch.ones(shape) for n in range(200) for name, shape in block.items()
    } | {"embedding": torch.ones(64, 16)}
    torch.save(tensors, tmp_path / "weights.pt")
    started = time.perf_counter()
    with pytest.raises(CheckpointError, match="and 993 more"):
        load_foreign(tmp_path / "weights.pt")
    assert time.perf_counter() - started < 20  # generous: it takes a second


def test_a_file_with_two_models_is_refused(tmp_path):
    both = {"best": CharacterModel().state_dict(), "last": CharacterModel(layers=2).state_dict()}
    torch.save({**both, "chars": CHARACTERS}, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match="several models: best, last"):
        load_foreign(tmp_path / "weights.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    theirs = CharacterModel()
    with torch.no_grad():
        theirs.answer.bias[2] = value
    with pytest.raises(CheckpointError, match=r"NaN or infinite \(in its head\.bias\)"):
        load_foreign(save_checkpoint(tmp_path / "weights.pt", theirs))


def test_a_list_that_holds_itself_is_searched_once(tmp_path):
    looped: list = [CharacterModel().state_dict(), CHARACTERS]
    looped.append(looped)
    torch.save(looped, tmp_path / "w.pt")
    assert load_foreign(tmp_path / "w.pt").vocabulary.symbols == tuple(CHARACTERS)


def test_a_published_model_has_a_good_score_only_in_its_own_gate_order():
    path, text = (
        REFERENCE_TEXTS / "foreign" / "one_hot_two_layer.pt",
        REFERENCE_TEXTS / "tiny_shakespeare.txt",
    )
    if not (path.exists() and text.exists()):
        pytest.skip(f"{path} or {text} is not here")
    foreign = load_foreign(path)
    part = text.read_text(encoding="utf-8")[1_003_854:1_033_854]  # of the last tenth
    assert evaluate(foreign.model, foreign.vocabulary.encode(part)).bits_per_character < 2.8
    wrong = load_foreign(path, gate_order="icfo")
    assert evaluate(wrong.model, wrong.vocabulary.encode(part)).bits_per_character > 4.5
