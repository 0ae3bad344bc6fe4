"""The inner loops that numba gets as LLVM code, instruction by instruction.

numba does not keep the sums of a tile in the processor's registers; this code does. A vector here has 16
numbers, which LLVM maps to the registers that the processor has. Numbers are float32, or pairs of bfloat16
as uint32, the first of a pair in the lower half: a processor with AVX512-BF16 multiplies and adds both halves
of 16 pairs in one instruction, on others they become float32 first.

`matrix_tiles` calls `tile_1`, `tile_4`, `tile_most` and `tile_group` for products, and `join_group`,
`join_panel` and `split_panel` to put two rows of 16-bit numbers into one row of pairs and back. They are
numba intrinsics: their arguments are numba's types while code is made, and LLVM's values in the code.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

# Two numbers of 16 bits in each, the first in the lower half.
Pairs = NDArray[np.uint32]
# PANEL is the number of outputs in a panel of weights; GROUP is the number of rows in a group.
PANEL, GROUP = 32, 8
_LANES = 16
_VECTORS = PANEL // _LANES
_FLOAT, _HALF, _WORD, _SIZE = ir.FloatType(), ir.IntType(16), ir.IntType(32), ir.IntType(64)
_FLOATS, _WORDS = ir.VectorType(_FLOAT, _LANES), ir.VectorType(_WORD, _LANES)


def _has(feature: str) -> bool:
    """Return whether the processor that numba compiles for has a feature, by LLVM's name for it.

    False where numba is told to compile for another processor than this one.
    """
    if getattr(config, "CPU_NAME", None) or getattr(config, "CPU_FEATURES", None):
        return False
    try:
        return bool(llvm.get_host_cpu_features().get(feature, False))
    except RuntimeError:  # LLVM cannot tell on every platform
        return False


# A processor with AVX-512 has 32 registers of 16 numbers, others have 16 of 8, or 32 of 4. Some of them are
# for weights and x: a tile of at most MOST_ROWS rows sums up in at most _MOST_SUMS vectors of 16 at once.
_MOST_SUMS, MOST_ROWS = (16, 8) if _has("avx512f") else (6, 6)
# Whether one instruction multiplies and adds pairs of bfloat16.
MULTIPLIES_PAIRS = _has("avx512bf16")
# Whether one instruction multiplies 16-bit whole numbers and adds pairs of products to 32-bit ones.
MULTIPLIES_WHOLE_NUMBERS = _has("avx512vnni")
# Whether the processor has units that multiply matrices of bfloat16. The code here does not use them, see
# `library_products`.
HAS_MATRIX_UNITS = _has("amx-bf16")


class _Tile(NamedTuple):
    """The arguments of a tile, as LLVM values: which numbers it multiplies and where it adds the sums.

    The inputs come in blocks. Input k of block b of row m is

        x[x_first + m * x_row + k * x_input + b * x_block],

    its weights for output n (0 to 31) are w[w_first + k * w_input + b * w_block + n], and the sum over all
    inputs of all blocks is added to y[y_first + m * y_row + n]. Every distance is counted in numbers of a
    contiguous array.
    """

    x: Any
    x_first: Any
    x_row: Any
    x_input: Any
    x_block: Any
    w: Any
    w_first: Any
    w_input: Any
    w_block: Any
    inputs: Any
    blocks: Any
    y: Any
    y_first: Any
    y_row: Any


def _tile_of(rows: int) -> Any:
    """Return the intrinsic that adds the product of `rows` rows of x with one panel of w to y.

    Its arguments are the fields of `_Tile`, in that order.
    """

    @intrinsic
    def tile(
        _: Any,
        x: Any,
        x_first: Any,
        x_row: Any,
        x_input: Any,
        x_block: Any,
        w: Any,
        w_first: Any,
        w_input: Any,
        w_block: Any,
        inputs: Any,
        blocks: Any,
        y: Any,
        y_first: Any,
        y_row: Any,
    ) -> Any:
        size = types.intp
        of_x, of_w = (x, size, size, size, size), (w, size, size, size)
        signature = types.void(*of_x, *of_w, size, size, y, size, size)

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _TileCode(rows, context, builder, signature, arguments).write()
            return context.get_dummy_value()

        return signature, code

    return tile


class _TileCode:
    """Writes the code of one tile: a loop over blocks around a loop over inputs, which carry the sums.

    Both loops pass the sums on from turn to turn as values, so that LLVM keeps them in registers. These are
    two vectors of 16 for each row; where all of them are too many, there is a pair of loops for each half.
    """

    def __init__(self, rows: int, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        """builder stands where the code goes; arguments are the LLVM values of the fields of `_Tile`."""
        self._rows, self._builder = rows, builder
        self._context, self._types = context, signature.args
        self._tile = _Tile(*arguments)
        self._paired = self._types[0].dtype == types.uint32
        self._number = _WORD if self._paired else _FLOAT
        self._vectors = range(_VECTORS)

    def write(self) -> None:
        """Write the whole tile: load the sums, add all products, store the sums."""
        together = min(_VECTORS, max(1, _MOST_SUMS // self._rows))
        for first in range(0, _VECTORS, together):
            self._vectors = range(first, first + together)
            self._write_vectors()

    def _write_vectors(self) -> None:
        """Write the tile for the vectors self._vectors of every row."""
        builder, tile = self._builder, self._tile
        start = self._place("y", tile.y_first)
        pointers = [builder.gep(start, [builder.mul(tile.y_row, _SIZE(m))]) for m in range(self._rows)]
        places = [_vector_at(builder, pointer, v, _FLOATS) for pointer in pointers for v in self._vectors]
        sums = [builder.load(place, align=4) for place in places]
        after = _loop(builder, "block", tile.blocks, sums, self._add_block)
        for place, value in zip(places, after, strict=True):
            builder.store(value, place, align=4)

    def _add_block(self, block: Any, sums: list[Any]) -> list[Any]:
        """Write the loop over the inputs of one block; returns the sums after it."""
        builder, tile = self._builder, self._tile
        start = builder.gep(self._place("x", tile.x_first), [builder.mul(block, tile.x_block)])
        rows = [builder.gep(start, [builder.mul(tile.x_row, _SIZE(m))]) for m in range(self._rows)]
        panel = builder.gep(self._place("w", tile.w_first), [builder.mul(block, tile.w_block)])

        def add_input(k: Any, sums: list[Any]) -> list[Any]:
            weights = builder.gep(panel, [builder.mul(k, tile.w_input)])
            kind = ir.VectorType(self._number, _LANES)
            places = [_vector_at(builder, weights, v, kind) for v in self._vectors]
            loaded = [builder.load(place, align=4) for place in places]
            after = []
            for m, row in enumerate(rows):
                number = builder.load(builder.gep(row, [builder.mul(k, tile.x_input)]))
                repeated = _repeated(builder, number, self._number)
                of_row = sums[m * len(loaded) : (m + 1) * len(loaded)]
                for total, vector in zip(of_row, loaded, strict=True):
                    after.append(_plus_product(builder, total, repeated, vector, self._paired))
            return after

        return _loop(builder, "input", tile.inputs, sums, add_input)

    def _place(self, field: str, offset: Any) -> Any:
        """Write the address of number `offset` of the array x, w or y."""
        kind = self._types[_Tile._fields.index(field)]
        array = self._context.make_array(kind)(self._context, self._builder, getattr(self._tile, field))
        return self._builder.gep(array.data, [offset])


def _loop(
    builder: Any,
    name: str,
    times: Any,
    carried: list[Any],
    body: Callable[[Any, list[Any]], list[Any]],
) -> list[Any]:
    """Write a loop of `times` turns (1 at least) that passes vectors of float32 from turn to turn.

    body(turn, values) writes one turn, for values as the turn before left them (carried at first), and
    returns those after it. The result is the values after the last turn.
    """
    before, inside = builder.block, builder.append_basic_block(name)
    builder.branch(inside)
    builder.position_at_end(inside)
    turn, values = builder.phi(_SIZE), [builder.phi(_FLOATS) for _ in carried]
    after_turn = body(turn, values)
    next_turn = builder.add(turn, _SIZE(1))
    after = builder.append_basic_block(name)
    builder.cbranch(builder.icmp_signed("<", next_turn, times), inside, after)
    starts, nexts = [_SIZE(0), *carried], [next_turn, *after_turn]
    for phi, first, following in zip([turn, *values], starts, nexts, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(following, builder.block)
    builder.position_at_end(after)
    return after_turn


def _vector_at(builder: Any, pointer: Any, number: int, kind: Any) -> Any:
    """Write the address of vector `number` of a row of vectors that begins at pointer."""
    return builder.bitcast(builder.gep(pointer, [_SIZE(number * _LANES)]), kind.as_pointer())


def _repeated(builder: Any, number: Any, kind: Any) -> Any:
    """Write a vector that has the same number, of that LLVM type, in all of its 16 places."""
    undefined = ir.Constant(ir.VectorType(kind, _LANES), ir.Undefined)
    first_place = builder.insert_element(undefined, number, _WORD(0))
    return builder.shuffle_vector(first_place, undefined, ir.Constant(_WORDS, [0] * _LANES))


def _plus_product(builder: Any, total: Any, x: Any, w: Any, paired: bool) -> Any:
    """Write total + x * w for each of 16 places; for pairs, total + the products of both halves.

    total is float32; x and w are float32, or where paired is true pairs of bfloat16.
    """
    if not paired:
        return _fused(builder, total, x, w)
    if MULTIPLIES_PAIRS:
        kind = ir.FunctionType(_FLOATS, [_FLOATS, _WORDS, _WORDS])
        name = "llvm.x86.avx512bf16.dpbf16ps.512"
        instruction = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
        return builder.call(instruction, [total, x, w])
    sixteen, upper = (ir.Constant(_WORDS, [bits] * _LANES) for bits in (16, 0xFFFF0000))
    first = [builder.bitcast(builder.shl(pair, sixteen), _FLOATS) for pair in (x, w)]
    second = [builder.bitcast(builder.and_(pair, upper), _FLOATS) for pair in (x, w)]
    return _fused(builder, _fused(builder, total, *first), *second)


def _fused(builder: Any, total: Any, x: Any, w: Any) -> Any:
    """Write total + x * w in float32, which LLVM may make one fused instruction."""
    flags = ("contract",)
    return builder.fadd(total, builder.fmul(x, w, flags=flags), flags=flags)


tile_group, tile_most, tile_4, tile_1 = _tile_of(GROUP), _tile_of(MOST_ROWS), _tile_of(4), _tile_of(1)


def _join_of(numbers: int) -> Any:
    """Return the intrinsic that joins two rows of `numbers` 16-bit numbers into as many pairs.

    It writes pairs[place + n] = low[low_at + n] in the lower half and high[high_at + n] in the upper, for
    contiguous arrays. Compiled from a Python loop, it would ask at every call whether the arrays overlap.
    """

    @intrinsic
    def join(_: Any, low: Any, low_at: Any, high: Any, high_at: Any, pairs: Any, place: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            low, high, joined = _vector_pointers(numbers, context, builder, signature, arguments)
            words = ir.VectorType(_WORD, numbers)
            lower, upper = (builder.zext(builder.load(half, align=2), words) for half in (low, high))
            shifted = builder.shl(upper, ir.Constant(words, [16] * numbers))
            builder.store(builder.or_(lower, shifted), joined, align=4)
            return context.get_dummy_value()

        return types.void(low, types.intp, high, types.intp, pairs, types.intp), code

    return join


def _split_of(numbers: int) -> Any:
    """Return the intrinsic that splits pairs again: the reverse of `_join_of`, with the same arguments."""

    @intrinsic
    def split(_: Any, low: Any, low_at: Any, high: Any, high_at: Any, pairs: Any, place: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            low, high, joined = _vector_pointers(numbers, context, builder, signature, arguments)
            words, halves = ir.VectorType(_WORD, numbers), ir.VectorType(_HALF, numbers)
            both = builder.load(joined, align=4)
            builder.store(builder.trunc(both, halves), low, align=2)
            shifted = builder.lshr(both, ir.Constant(words, [16] * numbers))
            builder.store(builder.trunc(shifted, halves), high, align=2)
            return context.get_dummy_value()

        return types.void(low, types.intp, high, types.intp, pairs, types.intp), code

    return split


def _vector_pointers(numbers: int, context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Write the addresses of `numbers` numbers in each array of a join: low, high and pairs.

    arguments are the three arrays, each followed by the number of the first element.
    """
    pointers = []
    for k, kind in ((0, _HALF), (2, _HALF), (4, _WORD)):
        data = context.make_array(signature.args[k])(context, builder, arguments[k]).data
        vector = ir.VectorType(kind, numbers).as_pointer()
        pointers.append(builder.bitcast(builder.gep(data, [arguments[k + 1]]), vector))
    return pointers


join_group, join_panel, split_panel = _join_of(GROUP), _join_of(PANEL), _split_of(PANEL)
