"""Name the formats that are often given for weights or a vocabulary, and say what to do with each of them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

HEAD_BYTES = 512  # of a file, which tell its format

_SAVE_STATE_DICT = "load it where it was made, save its state_dict() with torch.save and import that"
_SAVE_AS_TEXT = "save it as plain text in UTF-8"
_UNPACK = "unpack it and give the file that is in it"


class Format(NamedTuple):
    """A Format has a name with its article, and the advice for a user who gave a file of this format."""

    name: str
    advice: str


_TORCHSCRIPT = Format(
    "a TorchScript program (torch.jit.save)", f"{_SAVE_STATE_DICT}: torch.jit.load reads it"
)
_TORCH_7 = Format(
    "a file of Torch 7 (Lua)", "read it with the package torchfile, save the arrays with numpy.savez"
)
_OFFICE = Format("a Word or other Office document", f"open it in its program and {_SAVE_AS_TEXT}")
_UTF_16 = Format("a text in UTF-16", _SAVE_AS_TEXT)
_TENSORFLOW = Format(
    "a graph or a checkpoint of TensorFlow", "save its variables with numpy.savez, under their names"
)
_PAGE = Format("a web page, not what was to be downloaded from it", "download the file itself (often: raw)")
_LFS = Format("a pointer of Git LFS, not the file itself", "fetch the file: git lfs pull")

_BEGINNINGS: tuple[tuple[bytes, Format], ...] = (
    (b"\x1f\x8b", Format("a file compressed by gzip", "unpack it with gunzip and give what is in it")),
    (b"BZh", Format("a file compressed by bzip2", "unpack it with bunzip2 and give what is in it")),
    (b"\xfd7zXZ\x00", Format("a file compressed by xz", "unpack it with unxz and give what is in it")),
    (
        b"\x28\xb5\x2f\xfd",
        Format("a file compressed by zstd", "unpack it with unzstd and give what is in it"),
    ),
    (b"7z\xbc\xaf\x27\x1c", Format("a 7z archive", _UNPACK)),
    (b"Rar!", Format("a RAR archive", _UNPACK)),
    (b"%PDF", Format("a PDF document", "copy its text into a plain text file in UTF-8")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"{\\rtf", Format("a rich text (RTF)", f"open it in its program and {_SAVE_AS_TEXT}")),
    (b"\xff\xfe\x00\x00", Format("a text in UTF-32", _SAVE_AS_TEXT)),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
    (b"\x03\x00\x00\x00\x01\x00\x00\x00", _TORCH_7),
    (b"\x04\x00\x00\x00\x01\x00\x00\x00", _TORCH_7),
    (b"4\n1\n3\nV 1\n", _TORCH_7),
    (
        b"\x93NUMPY",
        Format("a single array of NumPy", "save all arrays of the model in one file by numpy.savez"),
    ),
    (b"GGUF", Format("a GGUF file, which holds a language model of another kind", _SAVE_STATE_DICT)),
    (b"version https://git-lfs", _LFS),
    (b"\x89PNG", Format("a picture (PNG)", "give a file of weights")),
    (b"\xff\xd8\xff", Format("a picture (JPEG)", "give a file of weights")),
)
_TEXT = Format("a text, not a file of weights", "give a file of weights; a text is scored by `score`")
# The beginning of an ONNX model: field 1 is a small number, then a text (its producer) or the graph follows.
_ONNX_BEGINNING = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x2a\x32\x3a\x42]")


def format_of(head: bytes) -> Format | None:
    """Return the format of a file whose first HEAD_BYTES bytes are head, or None when it is not known."""
    for beginning, known in _BEGINNINGS:
        if head.startswith(beginning):
            return known
    if head[4:8] == b"TFL3":
        return _TENSORFLOW
    if head[257:262] == b"ustar":
        return Format("a tar archive", _UNPACK)
    if re.match(rb"\s*<(!doctype html|html)", head, re.IGNORECASE):
        return _PAGE
    if _looks_like_utf_16(head):
        return _UTF_16
    return None


def _looks_like_utf_16(head: bytes) -> bool:
    """Tell whether head is text of which every second byte is zero: UTF-16 without its mark."""
    even, odd = head[0::2], head[1::2]
    if len(head) < 4:
        return False
    zeros, others = (even, odd) if even.count(0) > odd.count(0) else (odd, even)
    return zeros.count(0) == len(zeros) and all(byte >= 32 or byte in b"\t\n\r" for byte in others)


def format_of_archive(names: Iterable[str]) -> Format | None:
    """Return the format of a zip archive with files of these names, or None when it may hold weights."""
    names = list(names)
    if any(re.search(r"(^|/)(code/|constants\.pkl$)", name) for name in names):
        return _TORCHSCRIPT
    if "[Content_Types].xml" in names:
        return _OFFICE
    if any(name.endswith("saved_model.pb") for name in names):
        return _TENSORFLOW
    if not any(name.split("/")[1:] == ["data.pkl"] for name in names):
        return Format("a zip archive without weights of PyTorch, NumPy or Keras in it", _UNPACK)
    return None


def is_onnx(head: bytes) -> bool:
    """Tell whether head, the first bytes of a file, are those of an ONNX model."""
    return _ONNX_BEGINNING.match(head) is not None


def text_format(head: bytes) -> Format | None:
    """Return the format of text when head, the first bytes of a file, is UTF-8 text without control bytes."""
    try:
        text = head[:-3].decode("utf-8") if len(head) == HEAD_BYTES else head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 6:
            return None
        text = head[: error.start].decode("utf-8")
    return _TEXT if text and all(c >= " " or c in "\t\n\r\f" for c in text) else None
