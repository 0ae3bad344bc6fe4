"""The files that the fuzzer of imports begins with reach each reader, and are whole models but for one."""

import pytest

from charlstm.errors import CheckpointError
from charlstm.foreign import load_foreign
from charlstm.foreign.files import keras_file, onnx_file, weights_file

seeds = pytest.importorskip("weight_seeds", exc_type=ImportError)
KINDS = seeds.weight_seeds()
READERS = {
    "HDF5": (keras_file, "read_hdf5"),
    "keras": (keras_file, "read_keras_archive"),
    "ONNX": (onnx_file, "read_onnx"),
    "safetensors": (weights_file, "_read_safetensors"),
    "npz": (weights_file, "_read_npz"),
    **dict.fromkeys(("torch", "torch before 1.6", "pickle"), (weights_file, "load_pickle")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_seed_reaches_the_reader_of_its_kind_under_the_name_that_is_fuzzed(tmp_path, monkeypatch, kind):
    place, reached = tmp_path / "fuzzed.pt", []
    place.write_bytes(KINDS[kind])
    module, name = READERS[kind]
    reader = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: reached.append(name) or reader(*given))
    weights_file.read_weights(place)
    assert reached == [name]


@pytest.mark.parametrize("kind", KINDS)
def test_each_seed_but_the_plain_pickle_is_a_model(tmp_path, kind):
    place, vocabulary = tmp_path / "fuzzed.pt", tmp_path / "chars.txt"
    place.write_bytes(KINDS[kind])
    vocabulary.write_text(seeds.SYMBOLS)
    if kind == "pickle":
        with pytest.raises(CheckpointError):
            load_foreign(place, vocabulary=vocabulary)
        return
    model = load_foreign(place, vocabulary=vocabulary).model
    assert (model.config.cells, model.config.vocabulary_size) == (seeds.CELLS, len(seeds.SYMBOLS))
