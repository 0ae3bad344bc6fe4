"""Files of weights that would run a command, or take all memory or time, are refused at once."""

import io
import os
import pickle
import struct
import tempfile
import zipfile
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from damage import refusal, refusals

from charlstm.errors import CheckpointError
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

U1 = global_name("numpy", "dtype") + b"X\x02\x00\x00\x00u1\x85R"
EMPTY_ARRAY = global_name("numpy.core.multiarray", "_reconstruct") + b")R"
SCALAR = global_name("numpy.core.multiarray", "scalar")
BIG_BYTES = b"B" + struct.pack("<I", 5_000_000) + b"x" * 5_000_000
# An array of 5 million bytes, which is number 9 in the memo.
SHARED_ARRAY = EMPTY_ARRAY + b"(K\x01" + number(5_000_000 // 4) + b"\x85" + (
    global_name("numpy", "dtype") + b"X\x02\x00\x00\x00f4\x85R\x89"
) + BIG_BYTES + b"tbq\x09"  # fmt: skip
# A type of records within records, of 4^14 numbers.
FOUR_FIELDS = b"".join(b"X\x01\x00\x00\x00" + name + b"h\x00\x86" for name in (b"a", b"b", b"c", b"d"))
NESTED_TYPE = b"X\x02\x00\x00\x00f8q\x00" + (b"](" + FOUR_FIELDS + b"eq\x00") * 14
MANY_DICTS = b"]q\x01(" + b"}X\x01\x00\x00\x00ah\x01s" * 4_000 + b"e"


def of_storage(key: bytes) -> bytes:
    """Return the instructions for the storage of one 32-bit number that is called key."""
    head = b"(X\x07\x00\x00\x00storage" + global_name("torch", "FloatStorage")
    return head + key + b"X\x03\x00\x00\x00cpuK\x01tQ"


BOMBS = {
    "an array of bytes(6 * 10^9)": pickled(
        EMPTY_ARRAY + b"(K\x01" + number(6 * 10**9) + b"\x85" + U1 + b"\x89" + number(6 * 10**9) + b"tb"
    ),
    "a number of bytes(6 * 10^9)": pickled(SCALAR + U1 + number(6 * 10**9) + b"\x86R"),
    "types within types": pickled(
        SCALAR + global_name("numpy", "dtype") + NESTED_TYPE + b"\x85RC\x01x\x86R"
    ),
    "a storage whose key takes years to hash": pickled(of_storage(NESTED)),
    "a storage whose kind takes years to write": pickled(NESTED + b"Q"),
    "a shared array in a list, 2,000 times": pickled(b"](" + SHARED_ARRAY + b"h\x09" * 2_000 + b"e"),
    "arrays of shared bytes, 2,000 times": pickled(
        b"](" + BIG_BYTES + b"q\x00" + (
            EMPTY_ARRAY + b"(K\x01" + number(5_000_000) + b"\x85" + U1 + b"\x89h\x00tb"
        ) * 2_000 + b"e"
    ),
    "4,000 dicts that all hold all of them": pickled(MANY_DICTS),
    "4,000 dicts with 200,000 shared texts": pickled(
        b"](X\x01\x00\x00\x00xq\x02" + b"h\x02" * 200_000 + b"eq\x010]("
        + b"}X\x01\x00\x00\x00ah\x01s" * 4_000 + b"e"
    ),
    "a shared text of 5,000,000 characters as 2,000 names": pickled(
        b"](" + SHARED_ARRAY + BIG_TEXT + b"q\x05" + b"}h\x05h\x09s" * 2_000 + b"e"
    ),
    "a shared text of 5,000,000 characters as the name of 100,000 functions": pickled(
        BIG_TEXT + b"q\x05" + b"h\x05h\x05\x930" * 100_000 + b"N"
    ),
    "3,000,000 empty sets": pickled(b"(" + b"\x8f" * 3_000_000 + b"t"),
    "5,000,000 empty dicts": pickled(b"(" + b"}" * 5_000_000 + b"t"),
    "5,000,000 marks": pickled(b"(" * 5_000_000 + b"N"),
    "10,000,000 times nothing": pickled(b"N0" * 10_000_000 + b"N"),
    "a million objects of unknown classes": pickled(
        global_name("a", "B") + b"q\x00" + b"h\x00)\x810" * 1_000_000
    ),
    "100,000 attributes that share a dict": pickled(
        global_name("argparse", "Namespace") + b")\x81}(" + b"".join(
            b"M" + struct.pack("<H", count) + b"N" for count in range(60_000)
        ) + b"uq\x00" + b"bh\x00" * 100_000 + b"b"
    ),
    "100,000 texts of a number of 4,000 digits": pickled(
        b"\x8b" + struct.pack("<i", 1_700) + b"\x01" * 1_700 + b"q\x000"
        + (global_name("builtins", "str") + b"h\x00\x85R0") * 100_000 + b"N"
    ),
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
    # The large ones are read in the same way in each format.
    contents = [content for content in BOMBS.values() if wrapped is as_plain or len(content) < 1_000_000]
    refusals(load_foreign, write_files(tmp_path, [wrapped(content) for content in contents]))


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


def a_model() -> dict[str, torch.Tensor]:
    """Return the tensors of a small model of 11 symbols."""
    lstm, head = torch.nn.LSTM(11, 4), torch.nn.Linear(4, 11)
    return {f"{n}.{k}": v for n, m in (("rnn", lstm), ("fc", head)) for k, v in m.state_dict().items()}


def test_a_vocabulary_that_would_take_all_time_to_look_at_is_refused(tmp_path):
    symbols = "".join(map(chr, range(10_000, 10_011)))
    # Maps to a number of a million bytes, which takes long to hash, and texts that are looked at often.
    large = b"\x8b" + struct.pack("<i", 1_000_000) + b"\x01" * 1_000_000 + b"q\x000"
    characters = b"".join(b"X\x01\x00\x00\x00" + bytes([number]) + b"h\x00" for number in range(32, 127))
    bombs = [
        large + b"](" + (b"}(" + characters + b"u") * 1_000 + b"e",
        pickle.dumps([symbols * 100_000] * 200_000, 2)[2:-1],
        pickle.dumps([[chr(number)] * 1_000 for number in range(1_000, 2_000)], 2)[2:-1],
    ]
    arrays = {key: value.numpy() for key, value in a_model().items()}
    weights = pickle.dumps({"model": arrays}, 2)[2:-1]
    refusals(load_foreign, write_files(tmp_path, [pickled(b"(" + bomb + weights + b"t") for bomb in bombs]))


@pytest.mark.parametrize("shape", [(16, 4), (4, 16), (8, 16), (16, 16)])
@pytest.mark.parametrize("count", [100, 199])
def test_tensors_that_fit_together_in_very_many_ways_are_refused_at_once(tmp_path, shape, count):
    torch.save(
        {f"w{number}": torch.ones(shape) for number in range(count)} | {"b": torch.ones(3)}, tmp_path / "w.pt"
    )
    refusal(load_foreign, tmp_path / "w.pt")


def test_very_many_models_are_refused_at_once(tmp_path):
    shared = a_model()
    torch.save([dict(shared) for _ in range(20_000)], tmp_path / "w.pt")
    assert "several models" in refusal(load_foreign, tmp_path / "w.pt")


def test_tensors_that_share_a_storage_are_refused_when_copies_would_fill_all_memory(tmp_path):
    cells = 500
    shared = torch.zeros(4 * cells, cells)
    layers = {f"rnn.weight_{kind}_l{n}": shared.view_as(shared) for n in range(90) for kind in ("ih", "hh")}
    head = {"head.weight": torch.zeros(cells, cells), "chars": [chr(n) for n in range(1_000, 1_000 + cells)]}
    torch.save(layers | head, tmp_path / "w.pt")
    assert "many times as large" in refusal(load_foreign, tmp_path / "w.pt")


def test_a_list_of_a_storage_is_refused(tmp_path):
    """Each of its elements would be a tensor of its own."""
    storage = b"(X\x07\x00\x00\x00storage" + global_name("torch", "ByteStorage")
    storage += b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + number(5_000_000) + b"tQ"
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("a/data.pkl", pickled(global_name("builtins", "list") + storage + b"\x85R"))
        archive.writestr("a/data/0", bytes(5_000_000))
    assert "the items of a Tensor" in refusal(load_foreign, tmp_path / "w.pt")


def test_an_archive_of_very_many_names_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        for count in range(100_000):
            archive.writestr(f"a/data/{count}", b"")
    assert "very many files" in refusal(load_foreign, tmp_path / "w.pt")


def test_a_sparse_file_of_100_gigabytes_is_refused_before_it_is_read(tmp_path):
    for name in ("w.pt", "w.safetensors", "w.npz", "w.h5"):
        with open(tmp_path / name, "wb") as file:
            file.truncate(100 << 30)
        assert "more than any character model" in refusal(load_foreign, tmp_path / name)


class Configuration:
    """A Configuration is a class of somebody else's program, whose objects lie beside the weights."""

    def __init__(self) -> None:
        self.cells = 4

    def __setstate__(self, state: dict) -> None:
        MARKER.mkdir()


class Reducing:
    """A Reducing asks a pickle to call a function with arguments."""

    def __init__(self, *parts: object) -> None:
        self.parts = parts

    def __reduce__(self) -> tuple:
        return self.parts  # type: ignore[return-value]


class ListOfOwn(list):
    """A ListOfOwn is a list with items, which a pickle appends by a method of the class."""

    def extend(self, items: object) -> None:
        MARKER.mkdir()


def harmless() -> dict[str, object]:
    """Return objects of unknown classes, of which one or another part would make MARKER if it were run."""
    make = f"__import__('os').mkdir({str(MARKER)!r})"
    return {
        "a class with __setstate__": Configuration(),
        "a function of a library": Reducing(getattr, (zipfile.ZipFile, "extractall")),
        "a method that is called": Reducing(torch.hub.load_state_dict_from_url, (make,)),
        "a list with its own extend": ListOfOwn([1, 2]),
        "state for a function": Reducing(torch.hub.load, (make,), {"__code__": make}),
        "items for a function": Reducing(torch.hub.load, (), None, iter([1, 2]), iter([("a", 1)])),
        "a class within a class": {Reducing(torch.hub.load, (Configuration(),)): Configuration},
        "a path": Path("x"),
    }


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("what", harmless())
def test_objects_of_unknown_classes_beside_the_weights_are_never_run(tmp_path, what, legacy):
    tree = {"model": a_model(), "chars": "abcdefghijk", "config": harmless()[what]}
    torch.save(tree, tmp_path / "w.pt", _use_new_zipfile_serialization=not legacy)
    assert load_foreign(tmp_path / "w.pt").vocabulary.symbols == tuple("abcdefghijk")
    assert not MARKER.exists()


@pytest.mark.parametrize("wrapped", [as_plain, as_legacy])
@pytest.mark.parametrize("name", commands())
def test_a_command_beside_weights_is_never_run(tmp_path, name, wrapped):
    arrays = {key: value.numpy() for key, value in a_model().items()}
    weights = pickle.dumps({"model": arrays, "chars": "abcdefghijk"}, 2)[2:-1]
    command = commands()[name][:-1]
    command = command[2:] if command.startswith(b"\x80") else command
    (tmp_path / "w.pkl").write_bytes(wrapped(b"\x80\x04(" + weights + command + b"t."))
    with suppress(
        CheckpointError
    ):  # without an error the command has become a placeholder beside the weights
        load_foreign(tmp_path / "w.pkl")
    assert not MARKER.exists()


def test_a_command_in_the_place_of_weights_or_vocabulary_is_refused_by_its_name(tmp_path):
    evil = Reducing(torch.hub.load, ("x", torch.ones(3)))
    torch.save({"model": a_model() | {"norm": evil}, "chars": "abcdefghijk"}, tmp_path / "w.pt")
    assert "it wants to call torch.hub.load," in refusal(load_foreign, tmp_path / "w.pt")
    torch.save({"model": a_model(), "chars": Reducing(torch.hub.load, ("x",))}, tmp_path / "w.pt")
    assert "torch.hub.load" in refusal(load_foreign, tmp_path / "w.pt")


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
