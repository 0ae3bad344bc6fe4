"""What LLVM is told instruction by instruction: vectors whose sums stay in the processor's registers.

A vector has 16 numbers, for which LLVM takes whatever registers there are. Numbers are float32, or pairs of
bfloat16 as uint32, the first of two in the lower half: a processor with AVX512-BF16 adds both products of a
pair by one instruction.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

# Two numbers of 16 bits in one each.
Pairs = NDArray[np.uint32]
# Outputs in a panel of a matrix, and rows of the largest tile.
PANEL, GROUP = 32, 8
_LANES = 16
_VECTORS = PANEL // _LANES
_FLOAT, _HALF, _WORD, _SIZE = ir.FloatType(), ir.IntType(16), ir.IntType(32), ir.IntType(64)
_FLOATS, _WORDS = ir.VectorType(_FLOAT, _LANES), ir.VectorType(_WORD, _LANES)


def _has(feature: str) -> bool:
    """Whether the processor that numba compiles for, this one unless it is told another, has a feature."""
    if getattr(config, "CPU_NAME", None) or getattr(config, "CPU_FEATURES", None):
        return False
    try:
        return bool(llvm.get_host_cpu_features().get(feature, False))
    except RuntimeError:  # not told on every platform
        return False


# Whether the processor adds products of pairs by itself.
MULTIPLIES_PAIRS = _has("avx512bf16")
# Whether it has registers for whole tiles of bfloat16, which are not used here.
MULTIPLIES_TILES = _has("amx-bf16")


def _tile_of(rows: int) -> Any:
    """A product of so many rows of x with one panel, added to y.

    Its inputs come in `blocks` of `count`: number k of block b of row m of x is x[at + m * row + k * each +
    b * apart]; that of output n of the panel is w[panel + k * step + n + b * leap]; the sum of both is
    y[sums + m * width + n]. All are counted in numbers of contiguous arrays.
    """

    @intrinsic
    def tile(
        _: Any,
        x: Any,
        at: Any,
        row: Any,
        each: Any,
        apart: Any,
        w: Any,
        panel: Any,
        step: Any,
        leap: Any,
        count: Any,
        blocks: Any,
        y: Any,
        sums: Any,
        width: Any,
    ) -> Any:
        size = types.intp
        of_x, of_w = (x, size, size, size, size), (w, size, size, size)
        signature = types.void(*of_x, *of_w, size, size, y, size, size)

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _tile_code(rows, context, builder, signature, arguments)

        return signature, code

    return tile


def _tile_code(rows: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """The tile as LLVM's code: a loop over blocks around one over inputs, through which the sums go."""
    x, at, row, each, apart, w, panel, step, leap, count, blocks, y, sums, width = arguments
    paired = signature.args[0].dtype == types.uint32
    number = _WORD if paired else _FLOAT

    def place(array: Any, position: int, offset: Any) -> Any:
        data = context.make_array(signature.args[position])(context, builder, array).data
        return builder.gep(data, [offset])

    def vectors(pointer: Any, kind: Any) -> list[Any]:
        return [builder.load(_vector_at(builder, pointer, v, kind), align=4) for v in range(_VECTORS)]

    def loop(
        name: str, times: Any, totals: list[Any], body: Callable[[Any, list[Any]], list[Any]]
    ) -> list[Any]:
        before, inside = builder.block, builder.append_basic_block(name)
        builder.branch(inside)
        builder.position_at_end(inside)
        turn, carried = builder.phi(_SIZE), [builder.phi(_FLOATS) for _ in totals]
        grown = body(turn, carried)
        following = builder.add(turn, _SIZE(1))
        after = builder.append_basic_block(name)
        builder.cbranch(builder.icmp_signed("<", following, times), inside, after)
        for phi, first, last in zip([turn, *carried], [_SIZE(0), *totals], [following, *grown], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(last, builder.block)
        builder.position_at_end(after)
        return grown

    def block(turn: Any, totals: list[Any]) -> list[Any]:
        begin = builder.gep(place(x, 0, at), [builder.mul(turn, apart)])
        own = [builder.gep(begin, [builder.mul(row, _SIZE(m))]) for m in range(rows)]
        weights = builder.gep(place(w, 5, panel), [builder.mul(turn, leap)])

        def one(k: Any, totals: list[Any]) -> list[Any]:
            taken = vectors(builder.gep(weights, [builder.mul(k, step)]), ir.VectorType(number, _LANES))
            grown = []
            for m, pointer in enumerate(own):
                same = _spread(builder, builder.load(builder.gep(pointer, [builder.mul(k, each)])), number)
                kept = totals[m * _VECTORS : (m + 1) * _VECTORS]
                grown += [
                    _added(builder, total, same, of, paired) for total, of in zip(kept, taken, strict=True)
                ]
            return grown

        return loop("input", count, totals, one)

    places = [builder.gep(place(y, 11, sums), [builder.mul(width, _SIZE(m))]) for m in range(rows)]
    begun = [vector for pointer in places for vector in vectors(pointer, _FLOATS)]
    for k, value in enumerate(loop("block", blocks, begun, block)):
        builder.store(value, _vector_at(builder, places[k // _VECTORS], k % _VECTORS, _FLOATS), align=4)
    return context.get_dummy_value()


def _vector_at(builder: Any, pointer: Any, number: int, kind: Any) -> Any:
    return builder.bitcast(builder.gep(pointer, [_SIZE(number * _LANES)]), kind.as_pointer())


def _spread(builder: Any, one: Any, number: Any) -> Any:
    """A vector of the same number throughout."""
    kind = ir.VectorType(number, _LANES)
    none = ir.Constant(kind, ir.Undefined)
    return builder.shuffle_vector(
        builder.insert_element(none, one, _WORD(0)), none, ir.Constant(_WORDS, [0] * _LANES)
    )


def _added(builder: Any, total: Any, x: Any, w: Any, paired: bool) -> Any:
    """total + x w in every lane, of pairs the sum of both products."""

    def plus_product(total: Any, one: Any, other: Any) -> Any:
        fused = ("contract",)
        return builder.fadd(total, builder.fmul(one, other, flags=fused), flags=fused)

    if not paired:
        return plus_product(total, x, w)
    if MULTIPLIES_PAIRS:
        kind = ir.FunctionType(_FLOATS, [_FLOATS, _WORDS, _WORDS])
        name = "llvm.x86.avx512bf16.dpbf16ps.512"
        added = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
        return builder.call(added, [total, x, w])
    sixteen, upper = (ir.Constant(_WORDS, [bits] * _LANES) for bits in (16, 0xFFFF0000))
    first = [builder.bitcast(builder.shl(pair, sixteen), _FLOATS) for pair in (x, w)]
    second = [builder.bitcast(builder.and_(pair, upper), _FLOATS) for pair in (x, w)]
    return plus_product(plus_product(total, *first), *second)


tile_8, tile_4, tile_1 = _tile_of(8), _tile_of(4), _tile_of(1)


def _join_of(numbers: int) -> Any:
    """So many pairs: pairs[place + n] = one[at + n] in the lower half, other[also + n] in the upper.

    All are counted in numbers of contiguous arrays. A loop would ask each time whether they share memory.
    """

    @intrinsic
    def join(_: Any, one: Any, at: Any, other: Any, also: Any, pairs: Any, place: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            low, high, joined = _vectors_of(numbers, context, builder, signature, arguments)
            words = ir.VectorType(_WORD, numbers)
            lower, upper = (builder.zext(builder.load(half, align=2), words) for half in (low, high))
            shifted = builder.shl(upper, ir.Constant(words, [16] * numbers))
            builder.store(builder.or_(lower, shifted), joined, align=4)
            return context.get_dummy_value()

        return types.void(one, types.intp, other, types.intp, pairs, types.intp), code

    return join


def _part_of(numbers: int) -> Any:
    """What `_join_of` joined, apart again."""

    @intrinsic
    def part(_: Any, one: Any, at: Any, other: Any, also: Any, pairs: Any, place: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            low, high, joined = _vectors_of(numbers, context, builder, signature, arguments)
            words, halves = ir.VectorType(_WORD, numbers), ir.VectorType(_HALF, numbers)
            both = builder.load(joined, align=4)
            builder.store(builder.trunc(both, halves), low, align=2)
            shifted = builder.lshr(both, ir.Constant(words, [16] * numbers))
            builder.store(builder.trunc(shifted, halves), high, align=2)
            return context.get_dummy_value()

        return types.void(one, types.intp, other, types.intp, pairs, types.intp), code

    return part


def _vectors_of(numbers: int, context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Where so many numbers of each of three arrays stand, which come with their places."""
    pointers = []
    for k, kind in ((0, _HALF), (2, _HALF), (4, _WORD)):
        data = context.make_array(signature.args[k])(context, builder, arguments[k]).data
        vector = ir.VectorType(kind, numbers).as_pointer()
        pointers.append(builder.bitcast(builder.gep(data, [arguments[k + 1]]), vector))
    return pointers


join_group, join_panel, part_panel = _join_of(GROUP), _join_of(PANEL), _part_of(PANEL)
