"""A run's folder -> its model as text that a page can carry, read by the checkpoint's loaders, without torch.

Every row of a matrix is stored as whole numbers times a scale of its own. The numbers have as many bits as
there is room for, and are stored in planes: the first bytes of all numbers, then the second bytes, then the
third. Bytes of one plane resemble each other, so they compress. Half precision would be as simple, but it is
too coarse for a cell that counts.
"""

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.tensor_file import weights_sha256
from charlstm.checkpoint.weights import load_weights
from charlstm.config import ModelConfig, parameter_shapes, plain
from charlstm.errors import CheckpointError
from charlstm.findings import Json
from charlstm.report.page.size_limit import size_bytes
from charlstm.run_files import CONFIG, MODEL
from charlstm.text.vocabulary import Vocabulary

MOST_WEIGHTS = 5_500_000
# A model may have more parameters than weights in the page, where embedding and first layer become one table;
# one with more than this is not read.
_MOST_PARAMETERS = 10 * MOST_WEIGHTS
# Characters that the model may take, its weights in base64 and its symbols: what other data leave of a page
# of 10 MB.
_ROOM_CHARACTERS = 9_000_000
# A weight has more than these bits only where all weights then take few characters, so that the page of a
# model of 700,000 weights stays below 3 MB. On 1,000 characters no probability of the released model changed
# by more than .0016 at 15 bits, .0036 at 14.
_ENOUGH_BITS, _FEW_CHARACTERS = 14, 1_550_000
# Bits of a weight, tried in this order until the weights fit. The largest change of a probability in five
# networks was .00002 at 20 bits and .006 at 12 on 1,000 characters; see tests/benchmarks/EXPERIMENTS.md.
BITS_PER_WEIGHT = (20, 16, 15, 14, 13, 12)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Inside:
    """The model that a page carries, or why it carries none.

    header is what the script has to know, weights the base64 of a deflated stream with count weights. Without
    a model header is None, and absent is a sentence that says why.
    """

    header: Json | None = None
    weights: str = ""
    count: int = 0
    absent: str = ""


def no_model(why: str) -> Inside:
    """Return a page's model that is absent, and the sentence why in which the page says so."""
    return Inside(absent=why)


NOT_WANTED = no_model("It was left out of this page on purpose.")
NOT_GIVEN = no_model("This page was drawn from the findings alone, without the run's folder.")


class _UnfitError(Exception):
    """The model of a folder cannot stand in the page, for the reason in the message."""


def inside(findings: Mapping[str, Any], folder: Path, *, room_characters: int = _ROOM_CHARACTERS) -> Inside:
    """Return the model that findings are about, from the run in folder.

    findings say which weights were inspected: a run with other ones stays out. room_characters is how many
    characters the weights, in base64, and the symbols may take. Whatever keeps the model out becomes a
    sentence of the page: a page is drawn without a model, too, so nothing is raised.
    """
    if not (folder / CONFIG).is_file():
        return no_model(
            f"There is no run in {folder}: draw the page again by "
            f"`charlstm report FINDINGS --run FOLDER`, with the folder of its {MODEL}."
        )
    try:
        config = load_config(folder)
        _refuse_too_large(config.model)
        tensors = load_weights(folder, config.model).tensors
        _refuse_another(findings, config.model, tensors, f"The run in {folder}")
        return _packed(config.model, config.vocabulary, tensors, room_characters)
    except _UnfitError as why:
        return no_model(str(why))
    except CheckpointError as error:
        return no_model(f"The run in {folder} cannot be read: {error.problem}.")


def carried(
    findings: Mapping[str, Any], model: ModelConfig, vocabulary: Vocabulary, tensors: Mapping[str, Floats]
) -> Inside:
    """Return the model in hand that findings are about, of that shape, vocabulary and weights, for a page.

    tensors are its parameters by name, float32, as `parameter_shapes` lists them. Whatever keeps the model
    out becomes a sentence of the page, as in `inside`: other weights than those that were inspected do.
    """
    try:
        _refuse_too_large(model)
        _refuse_another(findings, model, tensors, "The model")
        return _packed(model, vocabulary, tensors, _ROOM_CHARACTERS)
    except _UnfitError as why:
        return no_model(str(why))


def _refuse_another(
    findings: Mapping[str, Any], model: ModelConfig, tensors: Mapping[str, Floats], what: str
) -> None:
    """Raise _UnfitError unless `what` is the very model that was inspected, by its weights' hash."""
    inspected = findings.get("model") or {}
    inspected_sha256 = (findings.get("provenance") or {}).get("weights_sha256")
    if not inspected_sha256:
        raise _UnfitError("The findings do not say which weights they are about: inspect the run again.")
    shape = ("layers", "cells", "vocabulary_size", "activation", "gate_activation")
    loaded = plain(model)
    same = all(loaded[name] == inspected.get(name, loaded[name]) for name in shape)
    if not same or inspected_sha256 != weights_sha256(tensors):
        raise _UnfitError(f"{what} is not the one inspected: it has changed since.")


def _refuse_too_large(model: ModelConfig) -> None:
    """Raise _UnfitError when a model of this shape has too many weights for a page, before any is read."""
    cells, size, width = model.cells, model.vocabulary_size, model.embedding
    first = min(size * 4 * cells, size * width + 4 * cells * width)
    count = first + 4 * cells * cells * (2 * model.layers - 1) + size * cells
    parameters = sum(math.prod(shape) for shape in parameter_shapes(model).values())
    if count > MOST_WEIGHTS or parameters > _MOST_PARAMETERS:
        raise _UnfitError(
            f"It has {max(count, parameters):,} weights; a page that can be sent by mail carries "
            f"{MOST_WEIGHTS:,} at most."
        )


def _packed(
    model: ModelConfig, vocabulary: Vocabulary, tensors: Mapping[str, Floats], room_characters: int
) -> Inside:
    """Return the model in as many bits per weight as there is room for beside its symbols.

    Raises _UnfitError when there is too little room for the fewest bits.
    """
    matrices, vectors = _matrices(model, tensors)
    count = sum(matrix.size for matrix in matrices.values())
    header = _header(model, vocabulary, matrices, vectors)
    room = room_characters - size_bytes(header)
    for bits in BITS_PER_WEIGHT if room > 0 else ():
        weights = _deflated(matrices, vectors, bits)
        if len(weights) <= (room if bits <= _ENOUGH_BITS else min(room, _FEW_CHARACTERS)):
            return Inside(header | {"bits": bits}, weights, count)
    raise _UnfitError(
        f"Its {count:,} weights, even at {BITS_PER_WEIGHT[-1]} bits each, and {len(vocabulary):,} "
        f"symbols take more than the {room_characters:,} characters that there is room for."
    )


def _header(
    model: ModelConfig, vocabulary: Vocabulary, matrices: Mapping[str, Floats], vectors: Mapping[str, Floats]
) -> Json:
    """Return what the script has to know, but for bits, to read the weights and to spell text."""
    return {
        "layers": model.layers,
        "cells": model.cells,
        "activation": model.activation,
        "gate_activation": model.gate_activation,
        **vocabulary.to_json(),
        "vectors": {name: vector.size for name, vector in vectors.items()},
        "matrices": {name: list(matrix.shape) for name, matrix in matrices.items()},
    }


def _matrices(
    model: ModelConfig, tensors: Mapping[str, Floats]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return (matrices, vectors) of the model by name, float32 each.

    The two biases of a layer are added to one vector (4 cells,). What the first layer reads is the smaller of
    two: the embedding (symbols, width) with its weights, or a table (symbols, 4 cells) of their product.
    """
    layers = [f"layers.{number}" for number in range(model.layers)]
    bias = {layer: tensors[f"{layer}.bias_ih_l0"] + tensors[f"{layer}.bias_hh_l0"] for layer in layers}
    embedding, first = tensors["embedding.weight"], tensors["layers.0.weight_ih_l0"]
    if len(embedding) * len(first) <= embedding.size + first.size:
        matrices = {"table": (embedding.astype(np.float64) @ first.T).astype(np.float32)}
    else:
        matrices = {"embedding": embedding, "input.0": first}
    for number, layer in enumerate(layers):
        if number:
            matrices[f"input.{number}"] = tensors[f"{layer}.weight_ih_l0"]
        matrices[f"recurrent.{number}"] = tensors[f"{layer}.weight_hh_l0"]
    matrices["head"] = tensors["head.weight"]
    vectors = {f"bias.{number}": bias[layer] for number, layer in enumerate(layers)}
    return matrices, vectors | {"head_bias": tensors["head.bias"]}


def _deflated(matrices: Mapping[str, Floats], vectors: Mapping[str, Floats], bits: int) -> str:
    """Return base64 of a deflated stream of the weights, in the order of matrices and vectors.

    The stream has the vectors and each row's scale as float32, then the planes of all whole numbers.
    """
    whole = [_whole_numbers(matrix, bits) for matrix in matrices.values()]
    floats = np.concatenate([*vectors.values(), *(scales for scales, _ in whole)]).astype("<f4")
    planes = _planes(np.concatenate([numbers.ravel() for _, numbers in whole]), bits)
    # Weights do not repeat themselves: a search for repetitions makes the stream larger and takes most time.
    deflate = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    packed = deflate.compress(floats.tobytes() + planes.tobytes()) + deflate.flush()
    return base64.b64encode(packed).decode("ascii")


def _whole_numbers(matrix: Floats, bits: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return (scales, numbers) of a matrix (rows, columns), which is nearly scales[:, None] * numbers.

    scales are (rows,) float32, numbers (rows, columns) in [-2^(bits-1), 2^(bits-1) - 1].
    """
    largest = 2 ** (bits - 1) - 1
    scales = np.abs(matrix).max(axis=1).astype(np.float64) / largest
    scales[scales == 0] = 1.0
    # Numbers are made with the scale as the page will read it: rounding it later would stretch the row.
    scales32 = scales.astype(np.float32)
    numbers = np.rint(matrix / scales32[:, None].astype(np.float64)).astype(np.int64)
    return scales32, np.clip(numbers, -largest - 1, largest)


def _planes(numbers: NDArray[np.int64], bits: int) -> NDArray[np.uint8]:
    """Return the bytes of numbers (n,), each of `bits` bits, as planes (bytes of a number, n).

    Numbers are moved above zero and to the top of whole bytes; the plane of the highest bytes comes first.
    """
    count = -(-bits // 8)
    raised = (numbers + 2 ** (bits - 1)) << (8 * count - bits)
    return np.stack([(raised >> (8 * (count - 1 - plane))) & 0xFF for plane in range(count)]).astype(np.uint8)
