"""A run's folder -> its model as text that a page can carry, read by the checkpoint's loaders, without torch.

Every row of a matrix is stored as whole numbers times a scale of its own, in as many bits as there is room
for, byte by byte in planes: the first bytes of all numbers, then the second, then the third. What is alike
stands together this way and compresses. Half precision would be as simple, but it is too coarse for a cell
that counts. The largest change on 1,000 characters of held-out text, in five trained networks:

                     half    20 bits   16       14      12
    a probability    .0046   .00002    .0003    .001    .006
    a cell state     .039    .00008    .0012    .0045   .016
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlstm.checkpoint.record import RunConfig, load_config
from charlstm.checkpoint.tensor_file import weights_sha256
from charlstm.checkpoint.weights import load_weights
from charlstm.config import ModelConfig, plain
from charlstm.errors import CheckpointError
from charlstm.findings import Json
from charlstm.run_files import CONFIG, MODEL

MOST_NUMBERS = 5_500_000
# What the weights may take of a page of 10 MB, in characters of base64.
ROOM = 9_000_000
BITS = (20, 16, 14, 13, 12)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Inside:
    """The model that a page carries: what the script must know, and the weights as base64 of a deflated
    stream, count of them. Without one, absent says why in a sentence.
    """

    header: Json | None = None
    weights: str = ""
    count: int = 0
    absent: str = ""


def no_model(why: str) -> Inside:
    """A page without a model, and the reason that it gives."""
    return Inside(absent=why)


NOT_WANTED = no_model("It was left out of this page on purpose (--no-model).")
NOT_GIVEN = no_model("This page was drawn from the findings alone.")


class _UnfitError(Exception):
    """Why a folder's model cannot stand in the page."""


def inside(findings: Mapping[str, Any], folders: Sequence[Path], *, room: int = ROOM) -> Inside:
    """The model that findings tell of, from the first of these folders that holds a run.

    room is how many characters of base64 it may take. Whatever keeps it out becomes the page's sentence:
    a report is drawn all the same.
    """
    folder = next((folder for folder in folders if (folder / CONFIG).is_file()), None)
    if folder is None:
        tried = " or ".join(dict.fromkeys(map(str, folders)))
        return no_model(f"The run was not found in {tried}: draw the page again where its {MODEL} is.")
    try:
        config = load_config(folder)
        tensors = load_weights(folder, config.model).tensors
        _refuse_another(findings, config, tensors, folder)
        return _packed(config, tensors, room)
    except _UnfitError as why:
        return no_model(str(why))
    except CheckpointError as error:
        return no_model(f"The run in {folder} cannot be read: {error.problem}.")


def _refuse_another(
    findings: Mapping[str, Any], config: RunConfig, tensors: Mapping[str, Floats], folder: Path
) -> None:
    """Raise _UnfitError when the folder holds another model than the one inspected."""
    facts = findings.get("model") or {}
    known = (findings.get("provenance") or {}).get("weights_sha256")
    shape = ("layers", "cells", "vocabulary_size", "activation")
    own = plain(config.model)
    same = all(own[name] == facts.get(name, own[name]) for name in shape)
    if not same or (known and known != weights_sha256(tensors)):
        raise _UnfitError(f"The run in {folder} is not the one inspected: it has changed since.")


def _packed(config: RunConfig, tensors: Mapping[str, Floats], room: int) -> Inside:
    """The model in as many bits per weight as there is room for. Raises _UnfitError where none will do."""
    matrices, vectors = _matrices(config.model, tensors)
    count = sum(matrix.size for matrix in matrices.values())
    if count > MOST_NUMBERS:
        raise _UnfitError(
            f"It has {count:,} weights; a page that can be sent by mail carries {MOST_NUMBERS:,} at most."
        )
    for bits in BITS:
        weights = _deflated(matrices, vectors, bits)
        if len(weights) <= room:
            return Inside(_header(config, matrices, vectors, bits), weights, count)
    raise _UnfitError(
        f"Its {count:,} weights take {len(weights):,} characters even at {bits} bits each; there is room "
        f"for {room:,}."
    )


def _header(
    config: RunConfig, matrices: Mapping[str, Floats], vectors: Mapping[str, Floats], bits: int
) -> Json:
    """What the script must know to read the weights and the text."""
    vocabulary = config.vocabulary.to_json()
    return {
        "layers": config.model.layers,
        "cells": config.model.cells,
        "activation": config.model.activation,
        "level": vocabulary["level"],
        "symbols": vocabulary["symbols"],
        "bits": bits,
        "vectors": {name: vector.size for name, vector in vectors.items()},
        "matrices": {name: list(matrix.shape) for name, matrix in matrices.items()},
    }


def _matrices(
    model: ModelConfig, tensors: Mapping[str, Floats]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """(matrices, vectors) by name: the two biases of a layer added, and the first layer's input as the
    smaller of an embedding with its weights and a table (symbols, 4 cells) of what they make of it.
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
    """Base64 of: the vectors, each row's scale, all float32; then the planes of all whole numbers."""
    whole = [_whole_numbers(matrix, bits) for matrix in matrices.values()]
    floats = np.concatenate([*vectors.values(), *(scales for scales, _ in whole)]).astype("<f4")
    planes = _planes(np.concatenate([numbers.ravel() for _, numbers in whole]), bits)
    # Weights do not repeat themselves: looking for repetition costs 6% of size and most of the time.
    deflate = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    packed = deflate.compress(floats.tobytes() + planes.tobytes()) + deflate.flush()
    return base64.b64encode(packed).decode("ascii")


def _whole_numbers(matrix: Floats, bits: int) -> tuple[Floats, NDArray[np.int64]]:
    """(scales (rows,), numbers (rows, columns) of so many bits with sign): matrix = scales * numbers."""
    most = 2 ** (bits - 1) - 1
    scales = np.abs(matrix).max(axis=1).astype(np.float64) / most
    scales[scales == 0] = 1.0
    # The scale as the page will read it: rounding it later would stretch the row.
    scales32 = scales.astype(np.float32)
    numbers = np.rint(matrix / scales32[:, None].astype(np.float64)).astype(np.int64)
    return scales32, np.clip(numbers, -most - 1, most)


def _planes(numbers: NDArray[np.int64], bits: int) -> NDArray[np.uint8]:
    """(planes, n): the bytes of n numbers, moved above zero and to the top of whole bytes, highest first."""
    count = -(-bits // 8)
    raised = (numbers + 2 ** (bits - 1)) << (8 * count - bits)
    return np.stack([(raised >> (8 * (count - 1 - plane))) & 0xFF for plane in range(count)]).astype(np.uint8)
