"""Matrix products by tiles: some rows by 32 outputs, whose sums stay in the processor's registers.

A matrix lies in panels of 32 outputs, (panels, inputs, 32), so that what a step needs of it stands together:
float32, or pairs of bfloat16 as uint32, (panels, inputs / 2, 32), the first of two inputs in the lower half.
Sums are float32. Written as vectors of 16 numbers, for which LLVM takes whatever registers there are; a
processor with AVX512-BF16 adds both products of a pair by one instruction.

A row's sums run over the inputs in their order, however many rows there are.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from charlstm.compiled.arithmetic import rounded
from charlstm.compiled.compiling import Floats, Halves, compiled

# Two bfloat16 in one number each.
Pairs = NDArray[np.uint32]
# Outputs in a panel, and rows in a tile.
PANEL, GROUP = 32, 8
_LANES = 16
_VECTORS = PANEL // _LANES
_FLOAT, _HALF, _WORD, _SIZE = ir.FloatType(), ir.IntType(16), ir.IntType(32), ir.IntType(64)
_FLOATS, _WORDS = ir.VectorType(_FLOAT, _LANES), ir.VectorType(_WORD, _LANES)

# Whether the processor adds products of pairs by itself: float32 products are twice as many instructions.
MULTIPLIES_PAIRS: bool = dict(llvm.get_host_cpu_features()).get("avx512bf16", False)


def _tile_of(rows: int) -> Any:
    """A product of so many rows of x with one panel, added to y.

    Its inputs come in `blocks` of `count`: number k of block b of row m of x is x[at + m * row + k * each + b *
    apart]; that of output n of the panel is w[panel + k * step + n + b * leap]; the sum of both is y[sums +
    m * width + n]. All are counted in numbers of contiguous arrays.
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
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [total, x, w])
    lower, upper = (ir.Constant(_WORDS, [bits] * _LANES) for bits in (16, 0xFFFF0000))
    for wide in (lambda pair: builder.shl(pair, lower), lambda pair: builder.and_(pair, upper)):
        one, other = (builder.bitcast(wide(pair), _FLOATS) for pair in (x, w))
        total = plus_product(total, one, other)
    return total


_tile_8, _tile_4, _tile_1 = _tile_of(8), _tile_of(4), _tile_of(1)


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


_join_group, _join_panel, _part_panel = _join_of(GROUP), _join_of(PANEL), _part_of(PANEL)


@compiled
def deal_groups(rows: Halves, groups: Pairs) -> None:
    """The rows by pairs, in groups of 8 numbers: (groups, pairs, 8), and one group more."""
    width, pairs = rows.shape[1], groups.shape[1]
    for group in range(len(groups) - 1):
        for pair in range(pairs):
            one, place = 2 * pair * width + group * GROUP, (group * pairs + pair) * GROUP
            _join_group(rows, one, rows, one + width, groups, place)


@compiled
def deal_panels(rows: Halves, panels: Pairs) -> None:
    """The same in panels of 32."""
    width, pairs = rows.shape[1], panels.shape[1]
    for panel in range(len(panels) - 1):
        for pair in range(pairs):
            one, place = 2 * pair * width + panel * PANEL, (panel * pairs + pair) * PANEL
            _join_panel(rows, one, rows, one + width, panels, place)


@compiled
def take_panels(panels: Pairs, rows: Halves) -> None:
    """What `deal_panels` made of rows."""
    width, pairs = rows.shape[1], panels.shape[1]
    for panel in range(len(panels) - 1):
        for pair in range(pairs):
            one, place = 2 * pair * width + panel * PANEL, (panel * pairs + pair) * PANEL
            _part_panel(rows, one, rows, one + width, panels, place)


@compiled
def add_products(panels: Floats | Pairs, x: Floats | Pairs, y: Floats) -> None:
    """y (rows, 32 panels) += x panels^T, of x (rows, inputs or more) of the same type as the panels."""
    rows, width, row = len(y), y.shape[1], x.shape[1]
    inputs = panels.shape[1]
    for panel in range(len(panels)):
        w, to = panel * inputs * PANEL, panel * PANEL
        r = 0
        while r + 8 <= rows:
            _tile_8(x, r * row, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, r * width + to, width)
            r += 8
        while r + 4 <= rows:
            _tile_4(x, r * row, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, r * width + to, width)
            r += 4
        while r < rows:
            _tile_1(x, r * row, row, 1, 0, panels, w, PANEL, 0, inputs, 1, y, r * width + to, width)
            r += 1


@compiled
def add_crossed(x: Pairs, panels: Pairs, y: Floats) -> None:
    """y (8 groups, 32 panels) += x^T panels summed over blocks and inputs: x is (blocks, groups or more, inputs,
    8), panels (blocks, panels or more, inputs, 32).
    """
    blocks, inputs, width = len(x), x.shape[2], y.shape[1]
    apart, leap = x.shape[1] * inputs * GROUP, panels.shape[1] * inputs * PANEL
    for panel in range(width // PANEL):
        w, to = panel * inputs * PANEL, panel * PANEL
        for group in range(len(y) // GROUP):
            at, total = group * inputs * GROUP, group * GROUP * width + to
            _tile_8(x, at, 1, GROUP, apart, panels, w, PANEL, leap, inputs, blocks, y, total, width)


@compiled
def pack_pairs(weights: Floats, first: int, stop: int, at: int, panels: Pairs) -> None:
    """Fill panels first to stop with weights (outputs, inputs), their inputs from pair `at` on."""
    pairs = weights.shape[1] // 2
    near = 16  # pairs at a time: a cache line of every output
    for panel in range(first, stop):
        for start in range(0, pairs, near):
            for n in range(PANEL):
                row = weights[panel * PANEL + n]
                for k in range(start, min(start + near, pairs)):
                    panels[panel, at + k, n] = rounded(row[2 * k]) | rounded(row[2 * k + 1]) << np.uint32(16)


@compiled
def pack_crossed_pairs(weights: Floats, first: int, stop: int, at: int, panels: Pairs) -> None:
    """Fill panels at + first to at + stop with the transpose of weights, (inputs, outputs), all its inputs."""
    for panel in range(first, stop):
        for k in range(panels.shape[1]):
            even, odd = weights[2 * k], weights[2 * k + 1]
            for n in range(PANEL):
                column = panel * PANEL + n
                panels[at + panel, k, n] = rounded(even[column]) | rounded(odd[column]) << np.uint32(16)


@compiled
def sum_crossed(parts: Floats, first: int, stop: int, at: int, total: Floats) -> None:
    """Rows first to stop of total (outputs, inputs) = the sum of parts (any, all inputs, outputs), transposed,
    from input `at` on.
    """
    near = 16  # a cache line of every row
    for start in range(first, stop, near):
        rows = min(near, stop - start)
        for k in range(total.shape[1]):
            for n in range(rows):
                total[start + n, k] = parts[0, at + k, start + n]
            for part in range(1, len(parts)):
                for n in range(rows):
                    total[start + n, k] += parts[part, at + k, start + n]
