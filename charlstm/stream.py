"""Streams of characters from compiled steps: no torch, so that the first one comes soon."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from charlstm.compiled.compiling import Floats, Halves, Weights
from charlstm.compiled.drawing import Draw, draw_block
from charlstm.compiled.steps import (
    NOTHING_HELD,
    Holds,
    StreamWeights,
    in_panels,
    read_block,
    step_rows,
    trace_block,
)
from charlstm.compiled.tiles import add_products, spans
from charlstm.compiled.together import Share, draw_together
from charlstm.compiled.vectors import PANEL
from charlstm.config import Hold, ModelConfig, SamplingConfig, StepPrecision
from charlstm.team import Team, meeting_for, members

Symbols = NDArray[np.int64]
Uniforms = Callable[[int], NDArray[np.float64]]
_Result = TypeVar("_Result")

# Characters drawn between two looks at the outside: one first, for it is waited for, then twice as many each
# time, up to what takes some milliseconds.
_LONGEST_BLOCK = 64
# Characters of a prompt read at once: each leaves its logits.
_PROMPT_BLOCK = 4096
# Streams that one thread has at least, where there are as many: they share what is read of the weights.
_TILE = 4


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
        inputs.append(tensors[at + "weight_ih_l0"])
        recurrent.append(tensors[at + "weight_hh_l0"])
        biases.append(tensors[at + "bias_ih_l0"] + tensors[at + "bias_hh_l0"])
    rows, cells = recurrent[0].shape
    upper = np.empty((layers - 1, rows, 2 * cells), np.float32)
    for layer in range(1, layers):
        upper[layer - 1] = np.concatenate([inputs[layer], recurrent[layer]], axis=1)
    embedding = np.ascontiguousarray(tensors["embedding.weight"])
    # Not by numpy, whose threads would go on looking for work while ours draw.
    table = np.zeros((len(embedding), in_panels(rows)), np.float32)
    table[:, :rows] = biases[0]
    add_products(panels_of(inputs[0]), embedding, 0, table)
    return StreamWeights(
        table=np.ascontiguousarray(table[:, :rows]),
        recurrent=kept(recurrent[0]),
        upper=kept(upper),
        bias=np.array(biases[1:], np.float32).reshape(layers - 1, rows),
        head=np.ascontiguousarray(tensors["head.weight"]),
        head_bias=np.ascontiguousarray(tensors["head.bias"]),
    )


def for_streams(weights: StreamWeights) -> StreamWeights:
    """The same weights as several streams read them."""
    return weights._replace(
        recurrent=panels_of(weights.recurrent),
        upper=panels_of(weights.upper),
        head=panels_of(weights.head),
    )


def panels_of(rows: Weights) -> Weights:
    """(any, panels, inputs, 32) of (any, outputs, inputs), both with the first or without; 16 bits become
    pairs.
    """
    paired = rows.dtype == np.uint16
    *several, outputs, inputs = rows.shape
    whole = np.zeros((*several, in_panels(outputs), inputs + (paired and inputs % 2)), rows.dtype)
    whole[..., :outputs, :inputs] = rows
    numbers = whole.view(np.uint32) if paired else whole
    panels = numbers.reshape(*several, in_panels(outputs) // PANEL, PANEL, numbers.shape[-1])
    return np.ascontiguousarray(np.swapaxes(panels, -1, -2))


def _halved(weights: Floats) -> Halves:
    """The bits of the nearest bfloat16 numbers, the even one in a tie; one that is none stays so."""
    bits = weights.view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(weights), np.uint16(0x7FC0), rounded)


def in_order(holds: Sequence[Hold]) -> Holds:
    """As steps read them: by start, so that of two holds of one cell the later one is written last."""
    ordered = sorted(holds, key=lambda hold: hold.start)
    return Holds(
        np.array([hold.layer for hold in ordered], np.int64),
        np.array([hold.cell for hold in ordered], np.int64),
        np.array([hold.value for hold in ordered], np.float32),
        np.array([hold.start for hold in ordered], np.int64),
    )


class _Group(NamedTuple):
    """Those of all streams that one thread reads: h (layers, streams, 2 cells) and c, of cells."""

    span: slice
    h: Floats
    c: Floats


# What lets threads do some work for each group, and gives the results in order.
InThreads = Callable[[Callable[[_Group], Any], list[_Group]], list[Any]]


class Streams:
    """Where some streams are that are read side by side, and the cells that are held in all of them."""

    def __init__(
        self,
        weights: StreamWeights,
        holds: Sequence[Hold] = (),
        *,
        count: int = 1,
        threads: int = 1,
        in_threads: InThreads | None = None,
    ) -> None:
        """Nothing is read yet; the holds are of cells that are there. Threads are our own, or those that
        in_threads lets work.
        """
        layers, cells = 1 + len(weights.upper), weights.recurrent.shape[1]
        self._weights = for_streams(weights) if count > 1 else weights
        self._cells = cells
        self._holds = in_order(holds)
        self._groups = [
            _Group(
                span,
                np.zeros((layers, span.stop - span.start, 2 * cells), np.float32),
                np.zeros((layers, span.stop - span.start, cells), np.float32),
            )
            for span in spans(count, threads, _TILE)
        ]
        self._in_threads = in_threads or _own_threads(len(self._groups))
        sharing = members(weights, threads) if count == 1 else 1
        self._team = Team(weights, self._holds, sharing) if sharing > 1 else None

    def start_as(self, other: "Streams") -> None:
        """Take over where the only stream of another is, in all of these."""
        (one,) = other._groups
        for group in self._groups:
            group.h[:], group.c[:] = one.h, one.c

    @property
    def state(self) -> tuple[Floats, Floats]:
        """h and c now, each (layers, streams, cells)."""
        h = np.concatenate([group.h[:, :, self._cells :] for group in self._groups], axis=1)
        return h, np.concatenate([group.c for group in self._groups], axis=1)

    def read(self, symbols: Symbols, *, first: int) -> Floats:
        """Logits (characters, vocabulary) after each of symbols, in the only stream.

        They are read at drawn characters first, first + 1 and so on; a negative one is before all holds.
        """
        (one,) = self._groups
        return read_block(self._weights, symbols, one.h, one.c, self._holds, first)

    def draw(self, symbols: Symbols, uniforms: NDArray[np.float64], *, first: int, draw: Draw) -> Symbols:
        """Read symbols (streams,), draw the next, read those, and so on: (characters, streams), one for each
        of uniform numbers in [0, 1).
        """
        if self._team:
            (one,) = self._groups
            numbers = np.ascontiguousarray(uniforms[:, 0])
            return self._team.draw(int(symbols[0]), one.h, one.c, numbers, first=first, draw=draw)[:, None]

        def drawn(group: _Group) -> Symbols:
            own = np.ascontiguousarray(uniforms[:, group.span])
            last = symbols[group.span]
            return draw_block(self._weights, last, group.h, group.c, self._holds, first, draw, own)

        return np.concatenate(self._in_threads(drawn, self._groups), axis=1)

    def trace(self, symbols: Symbols, kept: tuple[Floats, Floats, Floats]) -> None:
        """Read symbols (streams, positions); kept are gates i, f, g, o (layers, positions, streams, 4 cells),
        and c and h, of cells, after each.
        """

        def traced(group: _Group) -> None:
            own = np.ascontiguousarray(symbols[group.span].T)
            trace_block(self._weights, own, group.h, group.c, self._holds, kept, group.span.start)

        self._in_threads(traced, self._groups)


def _own_threads(count: int) -> InThreads:
    """This thread and others that wait for work meanwhile."""
    pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def in_threads(work: Callable[[_Group], _Result], groups: list[_Group]) -> list[_Result]:
        mine, *others = groups
        started = [pool.submit(work, group) for group in others] if pool else []
        return [work(mine), *(each.result() for each in started)]

    return in_threads


def usual_threads() -> int:
    """As many as OMP_NUM_THREADS says, or as there are processors for this process."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told):
        return int(told)
    can_tell = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1


def in_blocks(model: ModelConfig) -> bool:
    """Whether texts of a model that is on the CPU are drawn here."""
    return model.activation == "tanh"


def draw_rules(config: SamplingConfig) -> Draw:
    """How config draws, in the types that were compiled: a temperature of 0 for 0.0 would compile anew."""
    return Draw(float(config.temperature), int(config.top_k), float(config.top_p))


def draw_streams(
    streams: Streams, symbol: int, *, config: SamplingConfig, uniforms: Uniforms
) -> Iterator[list[int]]:
    """Yield config.length times the next id of every stream.

    They have read all but symbol, the last of their text. uniforms(n) gives the next n numbers in [0, 1).
    The same numbers draw the same texts.
    """
    draw, number, block, count = draw_rules(config), 0, 1, config.count
    symbols = np.full(count, symbol)
    while number < config.length:
        characters = min(block, config.length - number)
        numbers = uniforms(characters * count).reshape(characters, count)
        drawn = streams.draw(symbols, numbers, first=number, draw=draw)
        yield from drawn.tolist()
        symbols, number, block = drawn[-1], number + characters, min(2 * block, _LONGEST_BLOCK)


def draw_after(
    weights: StreamWeights, prompt: Symbols, *, config: SamplingConfig, uniforms: Uniforms, threads: int
) -> Iterator[list[int]]:
    """Read a prompt (characters,) int64, one at least, and yield config.length times the next ids, as many as
    config.count.
    """
    one, last = Streams(weights, config.hold), len(prompt) - 1
    for start in range(0, last, _PROMPT_BLOCK):
        block = prompt[start : min(start + _PROMPT_BLOCK, last)]
        one.read(block, first=start - last)
    streams = Streams(weights, config.hold, count=config.count, threads=threads)
    streams.start_as(one)
    return draw_streams(streams, int(prompt[-1]), config=config, uniforms=uniforms)


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
    kinds: list[Weights] = [table, np.zeros((1, 4), np.uint16)]
    draw, rows = Draw(1.0, 0, 1.0), np.zeros(2, np.int64)
    for products in kinds:
        upper = np.empty((0, 4, 2), products.dtype)
        weights = StreamWeights(table, products.T.copy(), upper, table[:0], one, one[0])
        streams = Streams(weights)
        streams.read(rows, first=0)
        streams.draw(rows[:1], np.zeros((1, 1)), first=0, draw=draw)
        state, share = (np.zeros((1, 1, 2), np.float32), one[None].copy()), Share(0, (0, 1), (0, 1))
        meeting = meeting_for(1, weights)
        draw_together(weights, 0, *state, in_order(()), 0, draw, np.zeros(1), share, meeting)
        streams = Streams(weights, count=2)
        streams.draw(rows, np.zeros((1, 2)), first=0, draw=draw)
        gates, c, h = (np.zeros((2, width), np.float32) for width in (4, 1, 1))
        step_rows(panels_of(products.T), h, table, rows, c.copy(), NOTHING_HELD, gates, c, h)
        if products.dtype == np.float32:
            kept = np.zeros((1, 1, 2, 4), np.float32), np.zeros((1, 1, 2, 1), np.float32)
            for reader, read in ((Streams(weights), rows[:1]), (streams, rows)):
                reader.trace(read[:, None], (kept[0], kept[1], kept[1].copy()))
