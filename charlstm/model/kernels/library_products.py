"""Products of pairs of bfloat16 by functions of a library, which compiled loops call where they are in use.

A processor may have matrix units that LLVM's vectors do not reach, while a library has code for them.
`model.streams_backend` finds the functions and decides whether they are used.

Compiled loops are kept on disk, but a function of a library lies elsewhere in each process. So the loops read
the addresses from a table in memory, which LLVM knows by a name. While the table is empty, they compute the
products by themselves.
"""

import ctypes
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from charlstm.model.kernels.llvm_vectors import PANEL

_SIZE, _INT, _BYTES = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
# The number of bfloat16 among torch's number formats (c10::ScalarType).
BFLOAT16 = 15


class LibraryFunctions(NamedTuple):
    """The addresses of three functions of torch's C++ library, of the namespace at::native::cpublas.

    could_pack(format) tells whether the library multiplies a format by matrix units here, brgemm is a
    product, and brgemm_release(true) releases the thread's configuration of these units.
    """

    could_pack: int
    brgemm: int
    brgemm_release: int


_NONE = LibraryFunctions(0, 0, 0)
_TABLE = (ctypes.c_int64 * len(_NONE))()
_TABLE_NAME = "charlstm_library_functions"
llvm.add_symbol(_TABLE_NAME, ctypes.addressof(_TABLE))


def use_functions(functions: LibraryFunctions | None) -> None:
    """Let all compiled loops of this process multiply by functions, or by their own tiles for None."""
    _TABLE[:] = list(functions or _NONE)


def functions_in_use() -> LibraryFunctions | None:
    """Return the functions by which compiled loops multiply, or None for their own tiles."""
    return LibraryFunctions(*_TABLE) if _TABLE[0] else None


def _library_multiplies(_: Any, panels: Any) -> Any:
    """Return whether a product with panels is the library's; it exists in compiled code only.

    panels are pairs of bfloat16 as uint32; for panels of float32 it is always false. The library is asked
    each time, since a user may switch it off (`torch.backends.mkldnn`).
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0].dtype != types.uint32:
            return ir.Constant(ir.IntType(1), 0)
        address = _address(builder, 0)
        given = builder.icmp_unsigned("!=", address, _SIZE(0))
        with builder.if_else(given) as (then, otherwise):
            with then:
                kind = ir.FunctionType(ir.IntType(8), [_INT])
                answer = builder.call(builder.inttoptr(address, kind.as_pointer()), [_INT(BFLOAT16)])
                yes, asked = builder.trunc(answer, ir.IntType(1)), builder.block
            with otherwise:
                skipped = builder.block
        result = builder.phi(ir.IntType(1))
        result.add_incoming(yes, asked)
        result.add_incoming(ir.Constant(ir.IntType(1), 0), skipped)
        return result

    return types.boolean(panels), code


def _add_library_product(
    _: Any,
    rows: Any,
    pairs: Any,
    x: Any,
    x_first: Any,
    x_row: Any,
    w: Any,
    w_first: Any,
    y: Any,
    y_first: Any,
    y_row: Any,
) -> Any:
    """Add the product of some rows of x with one panel of w to y; it exists in compiled code only.

    Row m of x has its pairs of inputs from x[x_first + m * x_row] on, the panel is (pairs, 32) from
    w[w_first] on, and the sums of row m are added to y[y_first + m * y_row + n], n from 0 to 31. x and w are
    pairs of bfloat16 as uint32, y is float32, and all are contiguous. `library_multiplies` must be true.
    """
    size = types.intp
    signature = types.void(size, size, x, size, size, w, size, y, size, size)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, pairs, _, _, x_row, _, _, _, _, y_row = arguments
        left, panel, sums = (
            _place(context, builder, signature.args[k], *arguments[k : k + 2]) for k in (2, 5, 7)
        )
        two, yes = _SIZE(2), _INT(1)
        sizes = [rows, _SIZE(PANEL), builder.mul(two, pairs)]
        distances = [builder.mul(two, x_row), _SIZE(PANEL), y_row]
        kind = ir.FunctionType(ir.VoidType(), [_SIZE] * 6 + [_INT, *[_BYTES] * 3, _INT])
        brgemm = builder.inttoptr(_address(builder, 1), kind.as_pointer())
        builder.call(brgemm, [*sizes, *distances, yes, left, panel, sums, yes])
        return context.get_dummy_value()

    return signature, code


def _end_library_products(_: Any) -> Any:
    """End a series of products by the library, in this thread; it exists in compiled code only."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [_INT])
        builder.call(builder.inttoptr(_address(builder, 2), kind.as_pointer()), [_INT(1)])
        return context.get_dummy_value()

    return types.void(), code


def _place(context: Any, builder: Any, kind: Any, array: Any, first: Any) -> Any:
    """Write the address of number `first` of an array."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [first]), _BYTES)


def _address(builder: Any, number: int) -> Any:
    """Write the load of one address of the table."""
    kind = ir.ArrayType(_SIZE, len(_NONE))
    table = builder.module.globals.get(_TABLE_NAME) or ir.GlobalVariable(builder.module, kind, _TABLE_NAME)
    return builder.load(builder.gep(table, [_SIZE(0), _SIZE(number)]))


library_multiplies: Any = intrinsic(_library_multiplies)
add_library_product: Any = intrinsic(_add_library_product)
end_library_products: Any = intrinsic(_end_library_products)
