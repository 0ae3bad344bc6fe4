"""config.json: what a run's settings come back as, and that a damaged file is one clear error."""

import json
import math
from dataclasses import replace

import pytest
from tiny_run import config_of, imported_run, new_run

from charlstm.checkpoint.record import (
    CONFIG_BYTES,
    RunConfig,
    SourceRecord,
    config_checksum,
    config_document,
    damaged,
    load_config,
)
from charlstm.errors import CheckpointError, UsageError

SOURCE = {"name": "weights.pt", "sha256": "00", "layout": "PyTorch", "gate_order": "ifgo", "forget_bias": 1.0}


def test_a_config_comes_back_from_json_as_it_was():
    config = config_of(layers=2)
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    hard = replace(config, model=replace(config.model, gate_activation="hard_sigmoid"))
    assert RunConfig.from_json(json.loads(json.dumps(hard.to_json()))) == hard != config


def test_a_config_that_does_not_name_its_gates_has_sigmoids():
    document = config_of().to_json()
    del document["model"]["gate_activation"]
    assert RunConfig.from_json(document) == config_of()


def test_a_config_with_gates_that_nobody_knows_is_refused():
    document = config_of().to_json()
    document["model"]["gate_activation"] = "step"
    with pytest.raises(UsageError, match="`gate_activation` must be one of sigmoid, hard_sigmoid"):
        RunConfig.from_json(document)


def test_the_config_of_an_imported_model_comes_back_as_it_was():
    trained = config_of()
    source = SourceRecord("weights.pt", "00", "torch", "ifgo", 1.0)
    config = RunConfig(trained.model, None, trained.vocabulary, None, source)
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_a_config_without_a_source_entry_is_read():
    document = config_of().to_json()
    del document["source"]
    assert RunConfig.from_json(document) == config_of()


def test_a_run_on_disk_has_the_config_it_was_created_with(tmp_path):
    new_run(tmp_path / "run")
    assert load_config(tmp_path / "run") == config_of()
    assert load_config(imported_run(tmp_path / "imported")).training is None


def test_the_checksum_depends_on_the_content_and_not_on_the_order_of_names():
    assert config_checksum({"a": 1, "b": 2}) == config_checksum({"b": 2, "a": 1})
    assert config_checksum({"a": 1, "b": 2}) != config_checksum({"a": 2, "b": 1})


def test_a_config_without_a_checksum_is_read(tmp_path):
    new_run(tmp_path / "run")
    place = tmp_path / "run" / "config.json"
    document = config_document(place)
    del document["crc32"]
    place.write_text(json.dumps(document))
    assert load_config(tmp_path / "run") == config_of()


def test_a_change_is_noticed_by_the_checksum(tmp_path):
    new_run(tmp_path / "run")
    place = tmp_path / "run" / "config.json"
    place.write_text(place.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(CheckpointError, match="checksum does not agree"):
        load_config(tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("model"), "it has no field 'model'"),
        (lambda data: data.pop("vocabulary"), "it has no field 'vocabulary'"),
        (lambda data: data.update(format=99), "format is 99"),
        (lambda data: data["model"].update(cells=0), "`cells` must be at least 1"),
        (lambda data: data["model"].update(colour="red"), "colour"),
        (lambda data: data["vocabulary"].update(symbols=["a", "a"]), "not a vocabulary"),
        (lambda data: data["model"].update(vocabulary_size=3), "its model knows 3 symbols"),
        (lambda data: data["corpus"].update(name=None), "its name is None"),
        (lambda data: data["corpus"].update(sha256=7), "its sha256 is 7"),
        (lambda data: data["corpus"].update(characters="many"), "its characters is 'many'"),
        (lambda data: data["corpus"].update(characters=-1), "its characters is -1"),
        (lambda data: data["corpus"].update(characters=True), "its characters is True"),
        (lambda data: data["corpus"].update(characters=2**63), "its characters is 92233"),
        (lambda data: data["corpus"].update(split=90), "its split is 90"),
        (lambda data: data["corpus"].update(split="1e10000000/1"), "the split '1e10000000/1' is not"),
        (lambda data: data["corpus"].update(validation=0), "its validation is 0"),
        (lambda data: data["corpus"].update(validation_sha256=[]), "its validation_sha256 is []"),
        (lambda data: data["corpus"].update(newlines=1), "its newlines is 1"),
        (lambda data: data.update(begun_from={"run": 1}), "its begun_from is {'run': 1}"),
        (lambda data: data.update(source=SOURCE | {"name": 1}), "its name is 1"),
        (lambda data: data.update(source=SOURCE | {"sha256": None}), "its sha256 is None"),
        (lambda data: data.update(source=SOURCE | {"layout": ["torch"]}), "its layout is ['torch']"),
        (lambda data: data.update(source=SOURCE | {"gate_order": "gofi"}), "its gate_order is 'gofi'"),
        (lambda data: data.update(source=SOURCE | {"forget_bias": "1"}), "its forget_bias is '1'"),
        (lambda data: data.update(source=SOURCE | {"forget_bias": math.nan}), "its forget_bias is nan"),
    ],
)
def test_settings_that_cannot_be_are_one_clear_error(tmp_path, change, words):
    new_run(tmp_path / "run")
    place = tmp_path / "run" / "config.json"
    document = config_document(place)
    del document["crc32"]
    change(document)
    place.write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=r"config\.json cannot be used") as raised:
        load_config(tmp_path / "run")
    assert words in raised.value.problem


def test_a_config_of_a_newer_charlstm_is_refused_with_one_advice(tmp_path):
    new_run(tmp_path / "run")
    place = tmp_path / "run" / "config.json"
    document = config_document(place) | {"format": 99}
    del document["crc32"]
    place.write_text(json.dumps(document))
    with pytest.raises(CheckpointError) as raised:
        load_config(tmp_path / "run")
    assert raised.value.problem == f"{place} cannot be used: its format is 99, not 1"
    assert raised.value.advice == "use a newer charlstm"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_config_is_one_clear_error(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json cannot be used"):
        load_config(tmp_path)


def test_a_config_that_is_too_large_is_not_parsed(tmp_path):
    (tmp_path / "config.json").write_bytes(b" " * CONFIG_BYTES + b"{}")
    with pytest.raises(ValueError, match="more than 4,194,304 bytes"):
        config_document(tmp_path / "config.json")


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="not a run's folder"):
        load_config(tmp_path)


def test_a_damaged_file_is_named_with_the_reason(tmp_path):
    error = damaged(tmp_path, UsageError("the cells are gone", "look for them"))
    assert error.problem == f"{tmp_path} cannot be used: the cells are gone"
    assert error.advice == "train again, or restore the file from a copy"
    assert damaged(tmp_path, KeyError("step")).problem.endswith("cannot be used: it has no field 'step'")
    assert "KeyError" in damaged(tmp_path, KeyError()).problem, "an error without words is named by its type"
