"""Files of weights that would run a command, or take all memory or time, are refused at once."""

import io
import os
import pickle
import struct
import tempfile
import zipfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from damage import refusal, refusals

from charlstm.foreign import load_foreign

MARKER = Path(tempfile.gettempdir()) / f"charlstm-was-run-{os.getpid()}"


def commands() -> dict[str, bytes]:
    """Return pickles that call a function, by the name that the error has to give.

    Those that run a command would make the folder MARKER.
    """
    command = f"mkdir {MARKER}"
    expression = f"__import__('os').mkdir({str(MARKER)!r})"
    return {
        "os.system": b"cposix\nsystem\n(S'" + command.encode() + b"'\ntR.",
        "builtins.eval": b"cbuiltins\neval\n(S\"" + expression.encode() + b"\"\ntR.",
        "builtins.exec": b"cbuiltins\nexec\n(S\"" + expression.encode() + b"\"\ntR.",
        "__builtin__.eval": b"c__builtin__\neval\n(S\"" + expression.encode() + b"\"\ntR.",
        "builtins.getattr": b"cbuiltins\ngetattr\n(S'x'\nS'system'\ntR.",
        "builtins.open": b"cbuiltins\nopen\n(S'" + str(MARKER).encode() + b"'\nS'w'\ntR.",
        "subprocess.Popen": b"csubprocess\nPopen\n((S'mkdir'\nS'" + str(MARKER).encode() + b"'\nltR.",
        "subprocess.call": b"((S'mkdir'\nS'" + str(MARKER).encode() + b"'\nlisubprocess\ncall\n.",
        "torch.load": b"ctorch\nload\n(S'" + str(MARKER).encode() + b"'\ntR.",
        "torch.storage._load_from_bytes": b"ctorch.storage\n_load_from_bytes\n(S'x'\ntR.",
        "torch.hub.load": b"ctorch.hub\nload\n(S'x'\ntR.",
        "numpy.load": b"cnumpy\nload\n(S'x'\ntR.",
        "numpy.core.multiarray.fromfile": b"cnumpy.core.multiarray\nfromfile\n(S'/etc/passwd'\ntR.",
        "runpy.run_path": b"\x80\x04\x8c\x05runpy\x8c\x08run_path\x93\x8c\x01x\x85R.",
        "importlib.import_module": b"cimportlib\nimport_module\n(S'os'\ntR.",
        "operator.attrgetter": b"coperator\nattrgetter\n(S'system'\ntR.",
        "functools.partial": b"cfunctools\npartial\n(S'x'\ntR.",
        "charlstm.commands.app.main": b"ccharlstm.commands.app\nmain\n)R.",
        "collections.OrderedDict.fromkeys": b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93)R.",
    }  # fmt: skip


def as_plain(pickled: bytes) -> bytes:
    """Return a file that is the pickle alone."""
    return pickled


def as_zip(pickled: bytes) -> bytes:
    """Return a file with the pickle in the format of PyTorch 1.6 and newer."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", b"3\n")
    return file.getvalue()


def as_legacy(pickled: bytes) -> bytes:
    """Return a file with the pickle in the format of PyTorch before 1.6."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "protocol_version": 1001, "type_sizes": {}}]
    return b"".join(pickle.dumps(each, 2) for each in head) + pickled + pickle.dumps([], 2)


@pytest.mark.parametrize("wrapped", [as_plain, as_zip, as_legacy])
def test_a_file_that_wants_to_call_a_function_is_refused_by_its_name(tmp_path, wrapped):
    paths = write_files(tmp_path, [wrapped(content) for content in commands().values()])
    for name, message in zip(commands(), refusals(load_foreign, paths), strict=True):
        assert f"it wants to call {name}," in message
    assert not MARKER.exists()


def write_files(folder: Path, contents: list[bytes]) -> list[Path]:
    """Write a file in folder for each of contents, and return the paths."""
    paths = [folder / f"{number}.pt" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "builtins.exec", "subprocess.call"])
def test_the_commands_are_run_by_the_unpickler_of_python(name):
    """Without this, the test that charlstm runs none of them would prove nothing."""
    assert not MARKER.exists()
    pickle.loads(commands()[name])
    assert MARKER.exists()
    MARKER.rmdir()


def pickled(*parts: bytes) -> bytes:
    """Return a pickle of protocol 4 with the instructions in parts."""
    return b"\x80\x04" + b"".join(parts) + b"."


def global_name(module: str, name: str) -> bytes:
    """Return the instruction that looks up module.name."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def number(value: int) -> bytes:
    """Return the instruction that makes the integer value."""
    return pickle.dumps(value, 2)[2:-1]


NESTED = b"K\x01\x85q\x00" + b"h\x00h\x00\x86q\x00" * 60  # a tuple that holds 2^60 ones, in 500 bytes
LISTS = b"]q\x00" + b"]q\x01(h\x00h\x00h\x00h\x00eq\x00" * 40
BIG_TEXT = b"\x8d" + struct.pack("<Q", 5_000_000) + b"x" * 5_000_000

BOMBS = {
    "a memo index of 2^31": pickled(b"Nr\xff\xff\xff\x7f"),
    "a text of 2^60 characters": pickled(b"\x8d" + struct.pack("<Q", 2**60) + b"x"),
    "bytes of 2^40": pickled(b"\x8e" + struct.pack("<Q", 2**40) + b"x"),
    "a bytearray of 2^40": pickled(b"\x96" + struct.pack("<Q", 2**40) + b"x"),
    "a frame of 2^60": pickled(b"\x95" + struct.pack("<Q", 2**60) + b"N"),
    "a bytearray of 10^11 zeros": pickled(global_name("builtins", "bytearray") + number(10**11) + b"\x85R"),
    "a set of a bytearray of 10^10 zeros": pickled(
        global_name("builtins", "set") + global_name("builtins", "bytearray") + number(10**10) + b"\x85R\x85R"
    ),
    "a key that takes years to hash": pickled(b"}" + NESTED + b"Ns"),
    "keys of which one takes years to hash": pickled(b"}(" + NESTED + b"Nu"),
    "a dict whose key takes years to hash": pickled(b"(" + NESTED + b"Nd"),
    "a set whose item takes years to hash": pickled(b"\x8f(" + NESTED + b"\x90"),
    "a frozenset whose item takes years to hash": pickled(b"(" + NESTED + b"\x91"),
    "a frozenset made of such an item": pickled(global_name("builtins", "frozenset") + NESTED + b"\x85\x85R"),
    "the text of nested lists": pickled(global_name("builtins", "str") + LISTS + b"\x85R"),
    "300 copies of a large text": pickled(
        BIG_TEXT + b"q\x00]" + (global_name("_codecs", "encode") + b"h\x00\x85Ra") * 300
    ),
    "a storage of 10^12 elements": pickled(
        b"(X\x07\x00\x00\x00storage" + global_name("torch", "FloatStorage")
        + b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + number(10**12) + b"NtQ"
    ),
    "200,000 lists within each other": pickled(b"]" * 200_000 + b"a" * 199_999),
    "a number of a million digits": pickled(b"I" + b"9" * 1_000_000 + b"\n"),
    "a key of 12,000 digits": pickled(b"}\x8b" + struct.pack("<i", 5_000) + b"\x01" * 5_000 + b"Ns"),
    "a list that holds itself": pickled(b"]q\x00h\x00a"),
}  # fmt: skip


@pytest.mark.parametrize("wrapped", [as_plain, as_zip, as_legacy])
def test_a_file_that_would_take_all_memory_or_time_is_refused_at_once(tmp_path, wrapped):
    refusals(load_foreign, write_files(tmp_path, [wrapped(content) for content in BOMBS.values()]))


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path):
    # With strides of 0, four bytes become a terabyte.
    large = torch.zeros(1).expand(2**19, 2**19)
    torch.save({"rnn.weight_hh_l0": large}, tmp_path / "weights.pt")
    assert "larger than its storage" in refusal(load_foreign, tmp_path / "weights.pt")


@pytest.mark.parametrize("kind", ["pt", "npz"])
def test_an_archive_that_would_become_many_times_its_size_is_refused(tmp_path, kind):
    content = bytes(400_000_000)
    with zipfile.ZipFile(tmp_path / f"weights.{kind}", "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "pt":
            archive.writestr("a/data.pkl", pickle.dumps({}, 2))
            archive.writestr("a/data/0", content)
        else:
            file = io.BytesIO()
            np.save(file, np.zeros(1, np.float32))
            archive.writestr("kernel.npy", file.getvalue()[:128] + content)
    refusal(load_foreign, tmp_path / f"weights.{kind}")


SHAPES = ("(1000000000000,)", "(1000000, 1000000)", "(-1,)", "(True,)", "'x'", "(2**40,)", "[" * 5000)


def test_an_array_whose_header_is_wrong_about_its_size_is_refused(tmp_path):
    paths = []
    for number, (shape, dtype) in enumerate(product(SHAPES, ("<f4", "O", "<U1000000000", "V9"))):
        header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
        paths.append(tmp_path / f"{number}.npz")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
            archive.writestr("kernel.npy", magic + header + bytes(64))
    refusals(load_foreign, paths)


def test_an_array_of_objects_is_not_unpickled(tmp_path):
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "weights.npz", "w") as archive:
        archive.writestr("kernel.npy", file.getvalue())
    assert "Object arrays cannot be loaded" in refusal(load_foreign, tmp_path / "weights.npz")


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../b", "C:\\x"])
def test_no_file_is_written_under_a_name_in_an_archive(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "weights.pt", "w") as archive:
        archive.writestr(f"{name}/data.pkl", pickle.dumps({"w": 1}, 2))
        archive.writestr(name, b"owned")
    before = sorted(tmp_path.rglob("*"))
    refusal(load_foreign, tmp_path / "weights.pt")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("count", [200, 5_000])
def test_a_file_with_very_many_tensors_is_refused_at_once(tmp_path, count):
    tensors = {f"w{number}": torch.ones(8, 2) for number in range(count)}
    torch.save(tensors | {"b": torch.ones(2, 2)}, tmp_path / "weights.pt")
    refusal(load_foreign, tmp_path / "weights.pt")


def test_one_hot_input_of_very_many_symbols_is_refused(tmp_path):
    tensors = {
        "rnn.weight_ih_l0": torch.zeros(4, 200_000),
        "rnn.weight_hh_l0": torch.zeros(4, 1),
        "rnn.bias_ih_l0": torch.zeros(4),
        "rnn.bias_hh_l0": torch.zeros(4),
        "head.weight": torch.zeros(200_000, 1),
        "head.bias": torch.zeros(200_000),
    }
    torch.save(tensors, tmp_path / "weights.pt")
    assert "200,000 symbols as one-hot input" in refusal(load_foreign, tmp_path / "weights.pt")


def test_a_path_that_is_not_a_file_is_refused(tmp_path):
    refusals(load_foreign, [tmp_path, Path("/dev/zero"), tmp_path / "nowhere"])
