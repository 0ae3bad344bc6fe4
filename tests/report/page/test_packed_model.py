"""The model in a page: what the script can read of it, how exact that is, and why it may be absent."""

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from findings_document import inspected
from safetensors.numpy import load_file, save_file

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import ModelConfig
from charlstm.inspection.describing.findings_data import provenance_of
from charlstm.model.char_lstm import CharLSTM
from charlstm.report.page.packed_model import BITS_PER_WEIGHT, Inside, inside
from charlstm.text.vocabulary import Vocabulary

SYMBOLS = "abcdefg"


def run_of(model: CharLSTM, folder: Path) -> Path:
    run = RunFolder(folder)
    run.create(RunConfig(model.config, None, Vocabulary("characters", tuple(SYMBOLS)), None), overwrite=True)
    run.save_model(model, validation_bits_per_character=None)
    return folder


def model_of(*, seed: int = 0, **shape: int) -> CharLSTM:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), **({"cells": 5, "embedding": 3} | shape))
    return CharLSTM(config, generator=torch.Generator().manual_seed(seed))


def carried_by_page(run: Path, **room: int) -> Inside:
    """Return the model of a run as the page of its own inspection carries it."""
    return inside(inspected(run), run, **room)


def unpacked(carried: Inside) -> dict[str, np.ndarray]:
    """Read the packed model with numpy as the page's script does."""
    assert carried.header is not None
    data = zlib.decompress(base64.b64decode(carried.weights))
    vectors, matrices = carried.header["vectors"], carried.header["matrices"]
    bits, rows = carried.header["bits"], sum(shape[0] for shape in matrices.values())
    floats = np.frombuffer(data, "<f4", sum(vectors.values()) + rows)
    planes = np.frombuffer(data, np.uint8, offset=floats.nbytes).reshape(-(-bits // 8), carried.count)
    whole = sum(plane.astype(np.int64) << (8 * place) for place, plane in enumerate(planes[::-1]))
    numbers = (whole >> (8 * len(planes) - bits)) - 2 ** (bits - 1)
    parts = np.split(floats, np.cumsum([*vectors.values(), *(shape[0] for shape in matrices.values())]))
    found = dict(zip(vectors, parts, strict=False))
    starts = np.cumsum([rows * columns for rows, columns in matrices.values()])[:-1]
    for name, scales, values in zip(matrices, parts[len(vectors) :], np.split(numbers, starts), strict=False):
        found[name] = values.reshape(matrices[name]) * scales[:, None].astype(np.float64)
    return found


@pytest.mark.parametrize("layers", [1, 2])
def test_each_weight_is_read_back_to_half_a_step_of_its_row(tmp_path: Path, layers: int):
    model = model_of(layers=layers)
    state = {name: value.numpy() for name, value in model.state_dict().items()}

    found = unpacked(carried_by_page(run_of(model, tmp_path)))

    wanted = {
        "recurrent.0": "layers.0.weight_hh_l0",
        "head": "head.weight",
        "input.1": "layers.1.weight_ih_l0",
    }
    for name, tensor in list(wanted.items())[: layers + 1]:
        half = np.abs(state[tensor]).max(1, keepdims=True) / 2 ** (BITS_PER_WEIGHT[0] - 1) * 0.51
        assert (np.abs(found[name] - state[tensor]) <= half).all()
    biases = state["layers.0.bias_ih_l0"] + state["layers.0.bias_hh_l0"]
    assert found["bias.0"] == pytest.approx(biases)


def test_embedding_and_input_weights_become_one_table_where_that_is_smaller(tmp_path: Path):
    wide, narrow = model_of(embedding=64), model_of(embedding=2)
    table = unpacked(carried_by_page(run_of(wide, tmp_path)))["table"]
    parts = unpacked(carried_by_page(run_of(narrow, tmp_path)))

    assert table == pytest.approx(
        (wide.embedding.weight @ wide.weights(0).input.T).detach().numpy(), abs=1e-5
    )
    assert "table" not in parts
    assert parts["embedding"].shape == (7, 2)


def test_weights_have_fewer_bits_where_there_is_less_room(tmp_path: Path):
    folder = run_of(model_of(cells=40), tmp_path)
    most = carried_by_page(folder)
    less = carried_by_page(folder, room_characters=len(most.weights) - 1)
    none = carried_by_page(folder, room_characters=100)

    assert (most.header or {})["bits"] == 20
    assert (less.header or {})["bits"] < 20
    assert none.header is None
    assert "room" in none.absent


def test_a_model_with_too_many_weights_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("charlstm.report.page.packed_model.MOST_WEIGHTS", 100)

    carried = carried_by_page(run_of(model_of(), tmp_path))

    assert carried.header is None
    assert "carries 100 at most" in carried.absent


def test_a_folder_without_a_run_gives_a_page_that_says_how_to_name_one(tmp_path: Path):
    absent = inside({}, tmp_path / "gone").absent

    assert str(tmp_path / "gone") in absent
    assert "--run" in absent


@pytest.mark.parametrize(
    "shape", [{"cells": 3_000}, {"layers": 1_000, "cells": 100}, {"embedding": 900_000, "cells": 100}]
)
def test_a_model_that_is_too_large_is_not_read(tmp_path: Path, shape: dict[str, int], monkeypatch):
    folder = run_of(model_of(), tmp_path)
    document = json.loads((folder / "config.json").read_text())
    del document["crc32"]
    document["model"] |= shape
    (folder / "config.json").write_text(json.dumps(document))
    monkeypatch.setattr("charlstm.report.page.packed_model.load_weights", lambda *_: pytest.fail("read"))

    assert "5,500,000 at most" in inside({"provenance": {"weights_sha256": "1"}}, folder).absent


def test_the_symbols_take_room_from_the_weights(tmp_path: Path):
    vocabulary = Vocabulary("characters", tuple(map(chr, range(0x20000, 0x20000 + 5_000))))
    config = ModelConfig(vocabulary_size=len(vocabulary), cells=1, embedding=1)
    run = RunFolder(tmp_path)
    run.create(RunConfig(config, None, vocabulary, None))
    run.save_model(CharLSTM(config), validation_bits_per_character=None)

    carried = carried_by_page(tmp_path)
    size = len(carried.weights) + len(json.dumps(carried.header, separators=(",", ":")))

    assert carried_by_page(tmp_path, room_characters=size).header
    tight = carried_by_page(tmp_path, room_characters=5_000 * 15)
    assert tight.header is None
    assert "5,000 symbols" in tight.absent


def test_another_model_than_the_one_inspected_stays_out(tmp_path: Path):
    model, other = model_of(), model_of(seed=1)
    findings = {"provenance": provenance_of(model, None)}

    assert inside(findings, run_of(model, tmp_path)).header
    assert "not the one inspected" in inside(findings, run_of(other, tmp_path)).absent
    same_weights = inspected(tmp_path)
    assert "not the one inspected" in inside(same_weights | {"model": {"cells": 6}}, tmp_path).absent
    other_gates = same_weights | {"model": {"gate_activation": "hard_sigmoid"}}
    assert "not the one inspected" in inside(other_gates, tmp_path).absent


def test_findings_that_do_not_say_which_weights_they_are_about_get_no_model(tmp_path: Path):
    assert "do not say which weights" in inside({}, run_of(model_of(), tmp_path)).absent


@pytest.mark.parametrize("damage", ["cut", "gone", "other shape", "not json", "infinite"])
def test_a_damaged_run_gives_a_page_that_says_why_it_has_no_model(tmp_path: Path, damage: str):
    folder = run_of(model_of(), tmp_path)
    findings = inspected(folder)
    model, config = folder / "model.safetensors", folder / "config.json"
    if damage == "cut":
        model.write_bytes(model.read_bytes()[:-40])
    elif damage == "gone":
        model.unlink()
    elif damage == "not json":
        config.write_text("{")
    elif damage == "other shape":
        document = json.loads(config.read_text())
        document["model"]["cells"] = 9
        config.write_text(json.dumps(document))
    else:
        tensors = load_file(model)
        save_file(tensors | {"head.bias": np.full(7, np.inf, np.float32)}, model)

    carried = inside(findings, folder)

    assert carried.header is None
    assert carried.absent
