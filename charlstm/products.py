"""Products of many rows with one matrix, again and again: the matrix is packed once.

On x86 processors torch multiplies float32 numbers by MKL, which does not use all of an AMD processor. oneDNN,
which torch carries too, took a half to a third of the time there (8 to 64 rows, 128 to 1,024 inputs), and a
matrix that is packed for it need not be packed again for every product.
"""

import platform
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from charlstm.compiled.compiling import Floats, Halves

_X86 = platform.machine().lower() in ("x86_64", "amd64")


class Packed:
    """x W^T + b for one matrix W (outputs, inputs), float32 or bfloat16, where no gradients are kept."""

    @torch.no_grad()
    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Both are copied: later changes of them do not show here. None adds no bias (outputs,)."""
        self._operator, self._bias = _operator(weight), None if bias is None else bias.clone()
        if self._operator is None:
            self._weight = weight.clone()
        else:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())

    def __call__(self, x: Tensor) -> Tensor:
        """(rows, outputs) of x (rows, inputs), both of the matrix's type and device."""
        if self._operator is None:
            return functional.linear(x, self._weight, self._bias)
        product: Tensor = self._operator(x, self._weight, self._bias, "none", [], "")
        return product


def product(left: Tensor, right: Tensor) -> Tensor:
    """left @ right, two matrices, where no gradients are kept: by oneDNN if they are float32."""
    operator = _operator(left) if left.dtype == torch.float32 and left.numel() and right.numel() else None
    if operator is None:
        return left @ right
    found: Tensor = operator(left.contiguous(), right.t(), None, "none", [], "")
    return found


def numbers(products: Tensor) -> Floats | Halves:
    """The same memory as `compiled` reads it."""
    if products.dtype == torch.bfloat16:
        bits: Halves = products.view(torch.int16).numpy().view(np.uint16)
        return bits
    return products.numpy()


def _operator(weight: Tensor) -> Any:
    """oneDNN's product with a packed matrix, or None where this torch or processor has none."""
    here = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    if weight.device.type != "cpu" or not (_X86 and here and known):
        return None
    supported = weight.dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.ops.mkldnn._linear_pointwise.default if supported else None
