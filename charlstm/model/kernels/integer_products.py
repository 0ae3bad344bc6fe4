"""Products of weights of 8 bits with inputs of 16 bits, summed as whole numbers, for one stream.

Weights of 8 bits are read from memory in a quarter of the time of float32, and memory is what a stream of a
large model waits for. A row of weights is stored as whole numbers from -127 to 127 and one scale. Its inputs,
which are hidden states in [-1, 1], become whole numbers from -INPUT_STEPS to INPUT_STEPS. A sum of products
of whole numbers is exact, so it does not depend on the order of the additions.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from charlstm.model.kernels.jit import Floats, compiled
from charlstm.model.kernels.llvm_vectors import MULTIPLIES_WHOLE_NUMBERS

# The whole number that an input of 1 becomes, and the largest that a weight becomes.
INPUT_STEPS, WEIGHT_STEPS = 32_767, 127
# A row of weights is filled up with zeros to a multiple of this number of inputs.
INPUTS_AT_ONCE = 32
# The sum of a vector's place over this number of chunks of inputs fits 32 bits: each chunk adds two products
# of at most 127 * 32,767, and 2 * 256 of them are below 2^31.
_CHUNKS_PER_SUM = 256
_PLACES = INPUTS_AT_ONCE // 2
_SIZE = ir.IntType(64)
_WORDS = ir.VectorType(ir.IntType(32), _PLACES)


def _dots_of(rows: int) -> Any:
    """Return the intrinsic that multiplies `rows` rows of weights with x.

    It writes dots[m] = sum over k of w[first + m * row + k] * x[x_first + k], k from 0 to 32 chunks - 1, as
    float32, for m from 0 to rows - 1. w is a contiguous array of int8, x of int16, dots of float32.
    """

    @intrinsic
    def dots(_: Any, w: Any, first: Any, row: Any, x: Any, x_first: Any, chunks: Any, dots: Any) -> Any:
        size = types.intp

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _write_dots(rows, context, builder, signature, arguments)
            return context.get_dummy_value()

        return types.void(w, size, size, x, size, size, dots), code

    return dots


def _write_dots(rows: int, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
    """Write the loop over chunks of inputs, with one vector of sums for each row."""
    _, first, row, _, x_first, chunks, _ = arguments
    w, x, dots = (
        context.make_array(signature.args[k])(context, builder, arguments[k]).data for k in (0, 3, 6)
    )
    starts = [builder.gep(w, [builder.add(first, builder.mul(row, _SIZE(m)))]) for m in range(rows)]
    x_start = builder.gep(x, [x_first])
    before = builder.block
    inside = builder.append_basic_block("chunk")
    builder.branch(inside)
    builder.position_at_end(inside)
    chunk, sums = builder.phi(_SIZE), [builder.phi(_WORDS) for _ in range(rows)]
    place = builder.mul(chunk, _SIZE(INPUTS_AT_ONCE))
    inputs = _load(builder, builder.gep(x_start, [place]), 16)
    after_chunk = []
    for start, total in zip(starts, sums, strict=True):
        weights = _load(builder, builder.gep(start, [place]), 8)
        after_chunk.append(_plus_products(builder, total, weights, inputs))
    following = builder.add(chunk, _SIZE(1))
    after = builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed("<", following, chunks), inside, after)
    firsts, nexts = [_SIZE(0), *[_WORDS([0] * _PLACES)] * rows], [following, *after_chunk]
    for phi, begin, then in zip([chunk, *sums], firsts, nexts, strict=True):
        phi.add_incoming(begin, before)
        phi.add_incoming(then, inside)
    builder.position_at_end(after)
    for m, total in enumerate(after_chunk):
        builder.store(_sum_of_places(builder, total), builder.gep(dots, [_SIZE(m)]))


def _load(builder: Any, pointer: Any, bits: int) -> Any:
    """Write the load of 32 whole numbers of that number of bits, as 32 of 16 bits."""
    kind = ir.VectorType(ir.IntType(bits), INPUTS_AT_ONCE)
    loaded = builder.load(builder.bitcast(pointer, kind.as_pointer()), align=1)
    return builder.sext(loaded, ir.VectorType(ir.IntType(16), INPUTS_AT_ONCE)) if bits < 16 else loaded


def _plus_products(builder: Any, total: Any, w: Any, x: Any) -> Any:
    """Write total + w * x, for 32 numbers of 16 bits each: place n gets products 2 n and 2 n + 1."""
    if MULTIPLIES_WHOLE_NUMBERS:
        kind = ir.FunctionType(_WORDS, [_WORDS] * 3)
        name = "llvm.x86.avx512.vpdpwssd.512"
        instruction = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
        return builder.call(instruction, [total, *(builder.bitcast(number, _WORDS) for number in (w, x))])
    wide = ir.VectorType(ir.IntType(32), INPUTS_AT_ONCE)
    products = builder.mul(builder.sext(w, wide), builder.sext(x, wide))
    undefined = ir.Constant(wide, ir.Undefined)
    even, odd = (
        builder.shuffle_vector(products, undefined, ir.Constant(_WORDS, list(range(k, INPUTS_AT_ONCE, 2))))
        for k in (0, 1)
    )
    return builder.add(total, builder.add(even, odd))


def _sum_of_places(builder: Any, total: Any) -> Any:
    """Write the sum of all 16 places of a vector of whole numbers, as a float32."""
    floats = ir.VectorType(ir.FloatType(), _PLACES)
    kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), floats])
    name = "llvm.vector.reduce.fadd.v16f32"
    instruction = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
    start = ir.Constant(ir.FloatType(), -0.0)
    return builder.call(instruction, [start, builder.sitofp(total, floats)], fastmath=("reassoc",))


_dots_8, _dots_1 = _dots_of(8), _dots_of(1)


@compiled
def round_inputs(x: Floats, rounded: NDArray[np.int16]) -> None:
    """Write x (inputs,) in [-1, 1] into rounded (inputs or more,) as whole numbers, INPUT_STEPS for 1.

    Half a step is rounded away from 0; a number beyond 1 counts as 1, and NaN as any number.
    """
    for k in range(x.size):
        number = min(max(x[k], np.float32(-1)), np.float32(1)) * np.float32(INPUT_STEPS)
        rounded[k] = np.int16(number + np.copysign(np.float32(0.5), number))


@compiled
def add_integer_row_products(
    weights: NDArray[np.int8], scales: Floats, x: NDArray[np.int16], y: Floats
) -> None:
    """Add W x to y (outputs,) float32: scales[r] times the sum of products of whole numbers, for every row r.

    weights (outputs, inputs) is contiguous, and inputs is a multiple of 32; x has at least so many, from
    round_inputs. scales (outputs,) hold what a product of 1 and 1 is worth.
    """
    outputs, inputs = weights.shape
    chunks, dots = inputs // INPUTS_AT_ONCE, np.empty(8, np.float32)
    for start in range(0, chunks, _CHUNKS_PER_SUM):
        count, at = min(_CHUNKS_PER_SUM, chunks - start), start * INPUTS_AT_ONCE
        r = 0
        while r + 8 <= outputs:
            _dots_8(weights, r * inputs + at, inputs, x, at, count, dots)
            for m in range(8):
                y[r + m] += scales[r + m] * dots[m]
            r += 8
        while r < outputs:
            _dots_1(weights, r * inputs + at, inputs, x, at, count, dots)
            y[r] += scales[r] * dots[0]
            r += 1
