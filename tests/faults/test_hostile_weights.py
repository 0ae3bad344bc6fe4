"""Files of weights that want to run something, to lie about their size, or to never end: refused at once."""

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

MARK = Path(tempfile.gettempdir()) / f"charlstm-was-run-{os.getpid()}"


def commands() -> dict[str, bytes]:
    """Pickles of which each would make the file MARK, by what the error has to name."""
    touch = f"mkdir {MARK}"
    opened = f"__import__('os').mkdir({str(MARK)!r})"
    return {
        "os.system": b"cposix\nsystem\n(S'" + touch.encode() + b"'\ntR.",
        "builtins.eval": b"cbuiltins\neval\n(S\"" + opened.encode() + b"\"\ntR.",
        "builtins.exec": b"cbuiltins\nexec\n(S\"" + opened.encode() + b"\"\ntR.",
        "__builtin__.eval": b"c__builtin__\neval\n(S\"" + opened.encode() + b"\"\ntR.",
        "builtins.getattr": b"cbuiltins\ngetattr\n(S'x'\nS'system'\ntR.",
        "builtins.open": b"cbuiltins\nopen\n(S'" + str(MARK).encode() + b"'\nS'w'\ntR.",
        "subprocess.Popen": b"csubprocess\nPopen\n((S'mkdir'\nS'" + str(MARK).encode() + b"'\nltR.",
        "subprocess.call": b"((S'mkdir'\nS'" + str(MARK).encode() + b"'\nlisubprocess\ncall\n.",
        "torch.load": b"ctorch\nload\n(S'" + str(MARK).encode() + b"'\ntR.",
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
    return pickled


def as_zip(pickled: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", b"3\n")
    return file.getvalue()


def as_legacy(pickled: bytes) -> bytes:
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "protocol_version": 1001, "type_sizes": {}}]
    return b"".join(pickle.dumps(each, 2) for each in head) + pickled + pickle.dumps([], 2)


@pytest.mark.parametrize("wrapped", [as_plain, as_zip, as_legacy])
def test_what_wants_to_run_something_is_refused_by_name(tmp_path, wrapped):
    places = written(tmp_path, {name: wrapped(content) for name, content in commands().items()})
    said = refusals(load_foreign, places)
    for name, words in zip(commands(), said, strict=True):
        assert f"it wants to call {name}," in words
    assert not MARK.exists()


def written(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """A file for each."""
    places = [folder / f"{number}.pt" for number in range(len(contents))]
    for place, content in zip(places, contents.values(), strict=True):
        place.write_bytes(content)
    return places


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "builtins.exec", "subprocess.call"])
def test_the_commands_do_what_they_are_meant_to(name):
    """Python's own unpickler runs them: without that, the test above proves nothing."""
    assert not MARK.exists()
    pickle.loads(commands()[name])
    assert MARK.exists()
    MARK.rmdir()


def pickled(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


def name_of(module: str, name: str) -> bytes:
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def number(value: int) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


NESTED = b"K\x01\x85q\x00" + b"h\x00h\x00\x86q\x00" * 60  # a tuple of 2^60 ones, told in 500 bytes
LISTS = b"]q\x00" + b"]q\x01(h\x00h\x00h\x00h\x00eq\x00" * 40
BIG_TEXT = b"\x8d" + struct.pack("<Q", 5_000_000) + b"x" * 5_000_000

BOMBS = {
    "a place in the memo": pickled(b"Nr\xff\xff\xff\x7f"),
    "a text of 2^60 characters": pickled(b"\x8d" + struct.pack("<Q", 2**60) + b"x"),
    "bytes of 2^40": pickled(b"\x8e" + struct.pack("<Q", 2**40) + b"x"),
    "a bytearray of 2^40": pickled(b"\x96" + struct.pack("<Q", 2**40) + b"x"),
    "a frame of 2^60": pickled(b"\x95" + struct.pack("<Q", 2**60) + b"N"),
    "a bytearray of a number": pickled(name_of("builtins", "bytearray") + number(10**11) + b"\x85R"),
    "a set of a bytearray": pickled(
        name_of("builtins", "set") + name_of("builtins", "bytearray") + number(10**10) + b"\x85R\x85R"
    ),
    "a key that takes years": pickled(b"}" + NESTED + b"Ns"),
    "keys that take years": pickled(b"}(" + NESTED + b"Nu"),
    "a dict of a key that takes years": pickled(b"(" + NESTED + b"Nd"),
    "a set that takes years": pickled(b"\x8f(" + NESTED + b"\x90"),
    "a frozen set that takes years": pickled(b"(" + NESTED + b"\x91"),
    "a set made of it": pickled(name_of("builtins", "frozenset") + NESTED + b"\x85\x85R"),
    "a text of lists": pickled(name_of("builtins", "str") + LISTS + b"\x85R"),
    "a text again and again": pickled(
        BIG_TEXT + b"q\x00]" + (name_of("_codecs", "encode") + b"h\x00\x85Ra") * 300
    ),
    "a storage of 10^12": pickled(
        b"(X\x07\x00\x00\x00storage" + name_of("torch", "FloatStorage")
        + b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + number(10**12) + b"NtQ"
    ),
    "lists in lists": pickled(b"]" * 200_000 + b"a" * 199_999),
    "a number of a million digits": pickled(b"I" + b"9" * 1_000_000 + b"\n"),
    "a key of many digits": pickled(b"}\x8b" + struct.pack("<i", 5_000) + b"\x01" * 5_000 + b"Ns"),
    "an endless loop of appends": pickled(b"]q\x00h\x00a"),
}  # fmt: skip


@pytest.mark.parametrize("wrapped", [as_plain, as_zip, as_legacy])
def test_what_would_take_all_memory_or_time(tmp_path, wrapped):
    refusals(load_foreign, written(tmp_path, {name: wrapped(content) for name, content in BOMBS.items()}))


def saved(path: Path, tree: object) -> bytes:
    torch.save(tree, path)
    return path.read_bytes()


def test_a_tensor_larger_than_its_storage(tmp_path):
    """A stride of 0 makes a terabyte out of four bytes."""
    large = torch.zeros(1).expand(2**19, 2**19)
    (tmp_path / "weights.pt").write_bytes(saved(tmp_path / "x", {"rnn.weight_hh_l0": large}))
    assert "larger than its storage" in refusal(load_foreign, tmp_path / "weights.pt")


@pytest.mark.parametrize("kind", ["pt", "npz"])
def test_a_bomb_of_zeros(tmp_path, kind):
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


def test_arrays_that_lie_about_their_size(tmp_path):
    places = []
    for number, (shape, dtype) in enumerate(product(SHAPES, ("<f4", "O", "<U1000000000", "V9"))):
        header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
        places.append(tmp_path / f"{number}.npz")
        with zipfile.ZipFile(places[-1], "w") as archive:
            magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
            archive.writestr("kernel.npy", magic + header + bytes(64))
    refusals(load_foreign, places)


def test_an_array_of_objects_is_not_unpickled(tmp_path):
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "weights.npz", "w") as archive:
        archive.writestr("kernel.npy", file.getvalue())
    assert "Object arrays cannot be loaded" in refusal(load_foreign, tmp_path / "weights.npz")


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../b", "C:\\x"])
def test_names_that_lead_elsewhere(tmp_path, name):
    """Parts of an archive are read into memory, and nowhere is one written under its name."""
    with zipfile.ZipFile(tmp_path / "weights.pt", "w") as archive:
        archive.writestr(f"{name}/data.pkl", pickle.dumps({"w": 1}, 2))
        archive.writestr(name, b"owned")
    before = sorted(tmp_path.rglob("*"))
    refusal(load_foreign, tmp_path / "weights.pt")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("count", [200, 5_000])
def test_a_great_many_tensors(tmp_path, count):
    """Every way to read them would be tried."""
    tensors = {f"w{number}": torch.ones(8, 2) for number in range(count)}
    (tmp_path / "weights.pt").write_bytes(saved(tmp_path / "x", tensors | {"b": torch.ones(2, 2)}))
    refusal(load_foreign, tmp_path / "weights.pt")


def test_one_hot_input_of_very_many_symbols(tmp_path):
    tensors = {
        "rnn.weight_ih_l0": torch.zeros(4, 200_000),
        "rnn.weight_hh_l0": torch.zeros(4, 1),
        "rnn.bias_ih_l0": torch.zeros(4),
        "rnn.bias_hh_l0": torch.zeros(4),
        "head.weight": torch.zeros(200_000, 1),
        "head.bias": torch.zeros(200_000),
    }
    (tmp_path / "weights.pt").write_bytes(saved(tmp_path / "x", tensors))
    assert "200,000 symbols as one-hot input" in refusal(load_foreign, tmp_path / "weights.pt")


def test_what_is_no_file(tmp_path):
    refusals(load_foreign, [tmp_path, Path("/dev/zero"), tmp_path / "nowhere"])
