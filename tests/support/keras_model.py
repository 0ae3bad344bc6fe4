"""A Keras model of before 2.3, whose gates are hard sigmoids, computed with numpy by Keras's definitions."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CHARACTERS = list("abcdefg \n")
CELLS = 7


class Read(NamedTuple):
    """A Read has what a model computes at every character of a text.

    probabilities (characters, symbols) are of the next character; gates (characters, layers, 4, cells) are i,
    f, g and o; c (characters, layers, cells) is the cell state.
    """

    probabilities: np.ndarray
    gates: np.ndarray
    c: np.ndarray


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.where(x < -2.5, 0.0, np.where(x > 2.5, 1.0, 0.2 * x + 0.5))


class KerasModel:
    """A KerasModel takes one-hot characters; its weights are arrays of Keras 2, with gates i, f, c, o."""

    def __init__(self, layers: int = 2, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        size = len(CHARACTERS)
        self.layers = [
            tuple(
                (1.5 * random.normal(size=shape)).astype(np.float32)
                for shape in ((CELLS if number else size, 4 * CELLS), (CELLS, 4 * CELLS), (4 * CELLS,))
            )
            for number in range(layers)
        ]
        self.head = (2 * random.normal(size=(CELLS, size))).astype(np.float32)
        self.head_bias = random.normal(size=size).astype(np.float32)

    def read(self, ids: np.ndarray, gate: Any = hard_sigmoid) -> Read:
        """Return what the model computes along ids (characters,); gate is the function of i, f and o."""
        h, c = np.zeros((len(self.layers), CELLS)), np.zeros((len(self.layers), CELLS))
        seen = [self._step(number, h, c, gate) for number in ids]
        return Read(*(np.stack(values) for values in zip(*seen, strict=True)))

    def _step(self, number: int, h: np.ndarray, c: np.ndarray, gate: Any) -> tuple[np.ndarray, ...]:
        x, gates = np.eye(len(CHARACTERS))[number], []
        for layer, (kernel, recurrent, bias) in enumerate(self.layers):
            i, f, g, o = np.split(x @ kernel.astype(float) + h[layer] @ recurrent + bias, 4)
            i, f, g, o = gate(i), gate(f), np.tanh(g), gate(o)
            c[layer] = f * c[layer] + i * g
            h[layer] = x = o * np.tanh(c[layer])
            gates.append((i, f, g, o))
        logits = np.exp(x @ self.head + self.head_bias)
        return logits / logits.sum(), np.array(gates), c.copy()

    def bits(self, ids: np.ndarray, gate: Any = hard_sigmoid) -> float:
        """Return the mean bits per character of ids (characters,) but the first."""
        probabilities = self.read(ids, gate).probabilities
        return float(-np.log2(probabilities[np.arange(len(ids) - 1), ids[1:]]).mean())

    def drawn(self, length: int) -> np.ndarray:
        """Return ids (length,) drawn from the model: no equations predict them better than its own."""
        random = np.random.default_rng(1)
        h, c, ids = np.zeros((len(self.layers), CELLS)), np.zeros((len(self.layers), CELLS)), [0]
        while len(ids) < length:
            probabilities, _, _ = self._step(ids[-1], h, c, hard_sigmoid)
            ids.append(int(random.choice(len(CHARACTERS), p=probabilities)))
        return np.array(ids)

    def save(self, path: Path, *, arrays_of_gates: bool = False) -> Path:
        """Write the arrays in Keras's order and the characters; arrays_of_gates writes what Keras 1 does."""
        arrays: list[np.ndarray] = []
        for layer in self.layers:
            if arrays_of_gates:
                arrays += [
                    np.split(each, 4, axis=-1)["ifco".index(gate)] for gate in "icfo" for each in layer
                ]
            else:
                arrays += layer
        named = {f"arr_{number}": array for number, array in enumerate([*arrays, self.head, self.head_bias])}
        np.savez(path, **named, chars=np.array(CHARACTERS))
        return path
