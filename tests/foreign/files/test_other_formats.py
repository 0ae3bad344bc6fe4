"""Formats that cannot be read are named, with what to do, instead of the number of a byte."""

import gzip
import io
import zipfile

import numpy as np
import pytest
import torch
from foreign_models import SIZE

from charlstm.errors import CheckpointError
from charlstm.foreign.files.other_formats import format_of, format_of_archive, is_onnx, text_format
from charlstm.foreign.files.weights_file import read_weights
from charlstm.foreign.vocabularies import read_vocabulary


def array_file() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name in names:
            opened.writestr(name, b"x")
    return file.getvalue()


FORMATS = {
    "gzip": (gzip.compress(b"weights"), "gunzip"),
    "bzip2": (b"BZh91AY", "bunzip2"),
    "a PDF document": (b"%PDF-1.7 ...", "copy its text"),
    "a Word": (archive("[Content_Types].xml", "word/document.xml"), "plain text in UTF-8"),
    "Office document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "plain text in UTF-8"),
    "Torch 7": (b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1\x0d\0\0\0nn.Sequential", "torchfile"),
    "a text in UTF-16": ("the words".encode("utf-16"), "plain text in UTF-8"),
    "UTF-16": ("the words".encode("utf-16-le"), "plain text in UTF-8"),
    "in UTF-16": ("the words".encode("utf-16-be"), "plain text in UTF-8"),
    "a web page": (b"\n<!DOCTYPE html><html>", "download the file itself"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
    "a single array": (array_file(), "numpy.savez"),
    "a graph or a checkpoint of TensorFlow": (archive("m/saved_model.pb"), "numpy.savez"),
    "a zip archive without weights": (archive("readme.txt"), "unpack it"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_named_where_weights_or_a_vocabulary_are_expected(tmp_path, name):
    content, advice = FORMATS[name]
    (tmp_path / "file").write_bytes(content)
    for read in (read_weights, lambda path: read_vocabulary(path, SIZE)):
        with pytest.raises(CheckpointError, match=name) as refused:
            read(tmp_path / "file")
        assert advice in refused.value.advice
        assert "0x" not in refused.value.problem


def test_a_torchscript_program_is_named(tmp_path):
    torch_script = archive("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl")
    (tmp_path / "w.pt").write_bytes(torch_script)
    with pytest.raises(CheckpointError, match=r"TorchScript.*state_dict\(\).*torch\.jit\.load"):
        read_weights(tmp_path / "w.pt")


def test_a_text_given_for_weights_is_called_a_text(tmp_path):
    (tmp_path / "w.pt").write_text("To be, or not to be.\n" * 100 + "\xe9")
    with pytest.raises(CheckpointError, match="is a text, not a file of weights"):
        read_weights(tmp_path / "w.pt")


def test_text_that_is_no_text_in_utf_8_is_said_to_be_so(tmp_path):
    (tmp_path / "chars.txt").write_bytes("caf\xe9 ol\xe9".encode("latin-1"))
    with pytest.raises(CheckpointError, match="neither a text in UTF-8 nor a pickle") as refused:
        read_vocabulary(tmp_path / "chars.txt", SIZE)
    assert "0x" not in refused.value.problem


def test_files_of_weights_have_no_other_format(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "w.pt")
    torch.save({"w": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for path in tmp_path.iterdir():
        head = path.read_bytes()[:512]
        assert format_of(head) is None
        assert text_format(head) is None
        assert not is_onnx(head)
    assert format_of_archive(["w/data.pkl", "w/data/0"]) is None
