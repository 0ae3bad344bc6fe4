"""One stream of characters from compiled steps: no torch, so that the first one comes soon."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from charlstm.compiled import (
    NOTHING_HELD,
    Draw,
    Floats,
    Halves,
    Holds,
    StreamWeights,
    draw_block,
    pick_rows,
    read_block,
    step_rows,
)
from charlstm.config import Hold, SamplingConfig, StepPrecision

Symbols = NDArray[np.int64]
Uniforms = Callable[[int], NDArray[np.float64]]

# Characters drawn between two looks at the outside: one first, for it is waited for, then twice as many each
# time, up to what takes some milliseconds.
_LONGEST_BLOCK = 64
# Characters of a prompt read at once: each leaves its logits.
_PROMPT_BLOCK = 4096


@np.errstate(all="ignore")  # a training that diverges shows what it writes, whatever that is
def stream_weights(tensors: dict[str, Floats], precision: StepPrecision = "float32") -> StreamWeights:
    """The weights of a CharLSTM's state dict, each float32, in the form that the steps read.

    precision is that of recurrent weights and of those of upper layers, which are all but a few.
    """
    kept = _halved if precision == "bfloat16" else np.asarray
    layers = len([name for name in tensors if name.endswith("weight_hh_l0")])
    inputs, recurrent, biases = [], [], []
    for layer in range(layers):
        at = f"layers.{layer}."
        inputs.append(_doubled(tensors[at + "weight_ih_l0"]))
        recurrent.append(_doubled(tensors[at + "weight_hh_l0"]))
        biases.append(_doubled(tensors[at + "bias_ih_l0"]) + _doubled(tensors[at + "bias_hh_l0"]))
    rows, cells = recurrent[0].shape
    upper = np.empty((layers - 1, rows, 2 * cells), np.float32)
    for layer in range(1, layers):
        upper[layer - 1] = np.concatenate([inputs[layer], recurrent[layer]], axis=1)
    return StreamWeights(
        table=tensors["embedding.weight"] @ inputs[0].T + biases[0],
        recurrent=kept(recurrent[0]),
        upper=kept(upper),
        bias=np.array(biases[1:], np.float32).reshape(layers - 1, rows),
        head=np.ascontiguousarray(tensors["head.weight"]),
        head_bias=np.ascontiguousarray(tensors["head.bias"]),
    )


def _doubled(rows: Floats) -> Floats:
    """A copy of a layer's rows i, f, g, o, those of g doubled: see `compiled`."""
    copy = np.array(rows, np.float32)
    cells = len(copy) // 4
    copy[2 * cells : 3 * cells] *= 2
    return copy


def _halved(weights: Floats) -> Halves:
    """The bits of the nearest bfloat16 numbers, the even one in a tie; one that is none stays so."""
    bits = weights.view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(weights), np.uint16(0x7FC0), rounded)


class Stream:
    """Where one stream is: its h and c, and the cells that are held."""

    def __init__(self, weights: StreamWeights, holds: Sequence[Hold] = ()) -> None:
        """Nothing is read yet; the holds are of cells that are there."""
        layers, cells = 1 + len(weights.upper), weights.recurrent.shape[1]
        self._weights = weights
        self._h = np.zeros((layers, 2 * cells), np.float32)
        self._c = np.zeros((layers, cells), np.float32)
        # In order of start, so that of two holds of one cell the later one is written last.
        ordered = sorted(holds, key=lambda hold: hold.start)
        self._holds = Holds(
            np.array([hold.layer for hold in ordered], np.int64),
            np.array([hold.cell for hold in ordered], np.int64),
            np.array([hold.value for hold in ordered], np.float32),
            np.array([hold.start for hold in ordered], np.int64),
        )

    def read(self, symbols: Symbols, *, first: int) -> Floats:
        """Logits (characters, vocabulary) after each of symbols.

        They are read at drawn characters first, first + 1 and so on; a negative one is before all holds.
        """
        return read_block(self._weights, symbols, self._h, self._c, self._holds, first)

    def draw(self, symbol: int, uniforms: NDArray[np.float64], *, first: int, draw: Draw) -> Symbols:
        """Read symbol, draw the next, read that, and so on: one for each uniform number in [0, 1)."""
        return draw_block(self._weights, symbol, self._h, self._c, self._holds, first, draw, uniforms)


def draw_rules(config: SamplingConfig) -> Draw:
    """How config draws, in the types that were compiled: a temperature of 0 for 0.0 would compile anew."""
    return Draw(float(config.temperature), int(config.top_k), float(config.top_p))


def draw_stream(stream: Stream, symbol: int, *, config: SamplingConfig, uniforms: Uniforms) -> Iterator[int]:
    """Yield config.length times the next id, of a stream that has read all but symbol, its text's last.

    uniforms(n) gives the next n numbers in [0, 1). The same numbers draw the same text.
    """
    draw, number, block = draw_rules(config), 0, 1
    while number < config.length:
        drawn = stream.draw(symbol, uniforms(min(block, config.length - number)), first=number, draw=draw)
        yield from drawn.tolist()
        symbol, number, block = int(drawn[-1]), number + len(drawn), min(2 * block, _LONGEST_BLOCK)


def draw_after(
    weights: StreamWeights, prompt: Symbols, *, config: SamplingConfig, uniforms: Uniforms
) -> Iterator[int]:
    """Read a prompt (characters,) int64, one at least, and yield config.length times the next id."""
    stream, last = Stream(weights, config.hold), len(prompt) - 1
    for start in range(0, last, _PROMPT_BLOCK):
        block = prompt[start : min(start + _PROMPT_BLOCK, last)]
        stream.read(block, first=start - last)
    return draw_stream(stream, int(prompt[-1]), config=config, uniforms=uniforms)


def seeded_uniforms(seed: int) -> Uniforms:
    """The numbers in [0, 1) that torch.rand gives as float64 on the CPU: 53 bits of two draws of MT19937."""
    generator = np.random.RandomState(seed % 2**32)

    def uniforms(count: int) -> NDArray[np.float64]:
        drawn = generator.randint(0, 2**32, (count, 2), dtype=np.uint32).astype(np.uint64)
        return ((drawn[:, 0] << 32 | drawn[:, 1]) % 2**53).astype(np.float64) / 2**53

    return uniforms


def warm_up() -> None:
    """Compile all that sampling and tracing need, so that the first command does not wait for it."""
    one, table = np.zeros((1, 1), np.float32), np.zeros((1, 4), np.float32)
    kinds: list[Floats | Halves] = [table, np.zeros((1, 4), np.uint16)]
    draw, rows = Draw(1.0, 0, 1.0), np.zeros(1, np.int64)
    for products in kinds:
        upper = np.empty((0, 4, 2), products.dtype)
        stream = Stream(StreamWeights(table, products.T.copy(), upper, table[:0], one, one[0]))
        stream.read(rows, first=0)
        stream.draw(0, np.zeros(1), first=0, draw=draw)
        gates, c, h = table[None].copy(), one[None].copy(), one[None].copy()
        step_rows(products, table, rows, one, *NOTHING_HELD, gates, c, h, 0)
    pick_rows(one, draw, np.zeros(1))
